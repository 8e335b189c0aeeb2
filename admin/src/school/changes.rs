//! What a school owner's file would change, one by one, for a page that says it in its reader's words: who and what is
//! gone comes first.

use std::collections::HashMap;

use authenticators::person::PersonId;

use super::carrying::roster_place;
use super::import::{Known, Looked, Place, Places, Step};
use super::register::{StoredRole, Title};
use super::roster::{Roster, RosterRole, Scope};

/// As many are told one by one; more nobody reads.
const TOLD_AT_MOST: usize = 500;

/// What happens to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It ends.
    Gone,
    /// It begins.
    New,
    /// It is called otherwise.
    Renamed,
}

/// Something that changes.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// How.
    pub way: Way,
    /// Words for what it is.
    pub what: &'static str,
    /// What it is called.
    pub name: String,
    /// What it was called, if that is what changes.
    pub was: Option<String>,
    /// In which class.
    pub class: Option<String>,
    /// At which school.
    pub school: Option<String>,
    /// In which row of the file; none of what is not in it.
    pub row: Option<u64>,
}

/// The first of what a file would change, and how much more there is.
pub(super) fn of(roster: &Roster, looked: &Looked) -> (Vec<Change>, usize) {
    let telling = Telling::of(roster, looked);
    let mut steps: Vec<_> =
        looked.diff.steps.iter().map(|step| (telling.way(*step), is_of_somebody(*step), *step)).collect();
    steps.sort_unstable();
    let more = steps.len().saturating_sub(TOLD_AT_MOST);
    (steps.into_iter().take(TOLD_AT_MOST).filter_map(|(way, _, step)| telling.change(way, step)).collect(), more)
}

/// Whether somebody comes or goes, and not a place: those come first.
fn is_of_somebody(step: Step) -> bool {
    !matches!(step, Step::PutSchool(_) | Step::PutClass(_) | Step::RemoveSchool(_) | Step::RemoveClass(_))
}

/// Words for what somebody is.
fn words(title: Title) -> &'static str {
    match title {
        Title::Owner => "school-owner-part",
        Title::Principal => "school-principal",
        Title::AssistantPrincipal => "school-assistant-principal",
        Title::Secretary => "school-secretary",
        Title::Inspector => "school-inspector",
        Title::ContactTeacher => "school-contact-teacher",
        Title::SubjectTeacher => "school-subject-teacher",
        Title::Adviser => "school-adviser",
        Title::Assistant => "school-assistant",
    }
}

const PUPIL: &str = "school-pupil";
const SCHOOL: &str = "school-report-school";
const CLASS: &str = "school-report-class";

/// A file beside what is registered.
struct Telling<'a> {
    roster: &'a Roster,
    looked: &'a Looked,
    known: Known<'a>,
    places: Places<'a>,
    /// What people were called, by school, class, person and title.
    roles: HashMap<(&'a str, &'a str, &'a str, Title), &'a str>,
    /// And by class and person.
    pupils: HashMap<(&'a str, &'a str), &'a str>,
}

impl<'a> Telling<'a> {
    fn of(roster: &'a Roster, looked: &'a Looked) -> Telling<'a> {
        let (stored, people) = (&looked.stored, &looked.people);
        let role = |role: &'a StoredRole| {
            ((role.school.as_str(), role.class.as_str(), role.person.as_str(), role.title), role.name.as_str())
        };
        let pupils =
            stored.pupils.iter().map(|pupil| ((pupil.class.as_str(), pupil.person.as_str()), pupil.name.as_str()));
        Telling {
            roster,
            looked,
            known: Known::of(roster, stored, people),
            places: Places::of(stored),
            roles: stored.roles.iter().map(role).collect(),
            pupils: pupils.collect(),
        }
    }

    fn way(&self, step: Step) -> Way {
        match step {
            Step::EndRole(_) | Step::RemovePupil(_) | Step::RemoveClass(_) | Step::RemoveSchool(_) => Way::Gone,
            Step::GiveRole(_) | Step::PutPupil(_) => Way::New,
            Step::RenameRole(_) | Step::RenamePupil(_) => Way::Renamed,
            Step::PutSchool(index) if self.school_was(index).is_some() => Way::Renamed,
            Step::PutClass(index) if self.class_was(index).is_some() => Way::Renamed,
            Step::PutSchool(_) | Step::PutClass(_) => Way::New,
        }
    }

    /// What a school of the roster was called, if it is there.
    fn school_was(&self, index: usize) -> Option<&'a str> {
        let id = self.known.schools.get(index).copied().flatten()?;
        self.places.standing_school(id.as_str())
    }

    /// What a class of the roster was called, if it is there.
    fn class_was(&self, index: usize) -> Option<&'a str> {
        let id = self.known.classes.get(index).copied().flatten()?;
        self.places.standing_class(id.as_str())
    }

    fn change(&self, way: Way, step: Step) -> Option<Change> {
        let (roster, stored) = (self.roster, &self.looked.stored);
        let at = |what, name: &str, place: Place<'_>| Change {
            way,
            what,
            name: name.to_owned(),
            was: None,
            class: place.class.map(str::to_owned),
            school: place.school.map(|(name, _)| name.to_owned()),
            row: None,
        };
        Some(match step {
            Step::RemoveSchool(index) => at(SCHOOL, &stored.schools.get(index)?.name, Place::default()),
            Step::RemoveClass(index) => {
                let class = stored.classes.get(index)?;
                at(CLASS, &class.name, self.places.at(class.school.as_str(), ""))
            }
            Step::EndRole(index) => {
                let role = stored.roles.get(index)?;
                at(words(role.title), &role.name, self.places.at(&role.school, &role.class))
            }
            Step::RemovePupil(index) => {
                let pupil = stored.pupils.get(index)?;
                at(PUPIL, &pupil.name, self.places.at_class(pupil.class.as_str()))
            }
            Step::PutSchool(index) => {
                let school = roster.schools.get(index)?;
                let was = self.school_was(index).map(str::to_owned);
                let change = at(SCHOOL, &school.name, Place::default());
                Change { was, row: Some(school.place.1), ..change }
            }
            Step::PutClass(index) => {
                let class = roster.classes.get(index)?;
                let was = self.class_was(index).map(str::to_owned);
                Change { was, class: None, ..at(CLASS, &class.name, roster_place(roster, Scope::Class(index))) }
            }
            Step::GiveRole(index) | Step::RenameRole(index) => {
                let role = roster.roles.get(index)?;
                let was = self.role_was(role).filter(|_| way == Way::Renamed).map(str::to_owned);
                let change = at(words(role.title), self.name(role.person), roster_place(roster, role.scope));
                Change { was, row: Some(role.place.1), ..change }
            }
            Step::PutPupil(index) | Step::RenamePupil(index) => {
                let pupil = roster.pupils.get(index)?;
                let was = self.pupil_was(pupil.class, pupil.person).filter(|_| way == Way::Renamed).map(str::to_owned);
                let change = at(PUPIL, self.name(pupil.person), roster_place(roster, Scope::Class(pupil.class)));
                Change { was, row: Some(pupil.place.1), ..change }
            }
        })
    }

    fn person(&self, index: usize) -> Option<&'a str> {
        self.looked.people.get(index)?.as_ref().map(PersonId::as_str)
    }

    fn name(&self, index: usize) -> &'a str {
        self.roster.people.get(index).map_or("", |somebody| &*somebody.name)
    }

    fn role_was(&self, role: &RosterRole) -> Option<&'a str> {
        let (school, class) = self.known.scope(self.roster, role.scope)?;
        self.roles.get(&(school, class, self.person(role.person)?, role.title)).copied()
    }

    fn pupil_was(&self, class: usize, person: usize) -> Option<&'a str> {
        let class = self.known.classes.get(class).copied().flatten()?;
        self.pupils.get(&(class.as_str(), self.person(person)?)).copied()
    }
}
