//! What a school owner's file would change, one by one, for a page that says it in its reader's words: who and what is
//! gone comes first.

use super::carrying::roster_place;
use super::import::{Known, Looked, Place, Places, Step};
use super::register::Title;
use super::roster::{Roster, Scope};

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
}

impl<'a> Telling<'a> {
    fn of(roster: &'a Roster, looked: &'a Looked) -> Telling<'a> {
        let Looked { stored, people, .. } = looked;
        Telling { roster, looked, known: Known::of(roster, stored, people), places: Places::of(stored) }
    }

    fn way(&self, step: Step) -> Way {
        match step {
            Step::EndRole(_) | Step::RemovePupil(_) | Step::RemoveClass(_) | Step::RemoveSchool(_) => Way::Gone,
            Step::GiveRole(_) | Step::PutPupil(_) => Way::New,
            Step::RenameRole(..) | Step::RenamePupil(..) => Way::Renamed,
            Step::PutSchool(index) if self.school_was(index).is_some() => Way::Renamed,
            Step::PutClass(index) if self.class_was(index).is_some() => Way::Renamed,
            Step::PutSchool(_) | Step::PutClass(_) => Way::New,
        }
    }

    /// What a school of the roster was called, if it is there.
    fn school_was(&self, index: usize) -> Option<&'a str> {
        let id = self.known.schools.get(index).copied().flatten()?;
        self.places.school(id).filter(|school| school.removed_at.is_none()).map(|school| school.name.as_str())
    }

    /// What a class of the roster was called, if it is there.
    fn class_was(&self, index: usize) -> Option<&'a str> {
        let id = self.known.classes.get(index).copied().flatten()?;
        self.places.class(id).filter(|class| class.removed_at.is_none()).map(|class| class.name.as_str())
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
            Step::GiveRole(index) => {
                let role = roster.roles.get(index)?;
                let change = at(words(role.title), self.name(role.person), roster_place(roster, role.scope));
                Change { row: Some(role.place.1), ..change }
            }
            Step::RenameRole(index, before) => {
                let was = stored.roles.get(before)?.name.clone();
                Change { was: Some(was), ..self.change(way, Step::GiveRole(index))? }
            }
            Step::PutPupil(index) => {
                let pupil = roster.pupils.get(index)?;
                let change = at(PUPIL, self.name(pupil.person), roster_place(roster, Scope::Class(pupil.class)));
                Change { row: Some(pupil.place.1), ..change }
            }
            Step::RenamePupil(index, before) => {
                let was = stored.pupils.get(before)?.name.clone();
                Change { was: Some(was), ..self.change(way, Step::PutPupil(index))? }
            }
        })
    }

    fn name(&self, index: usize) -> &'a str {
        self.roster.people.get(index).map_or("", |somebody| &*somebody.name)
    }
}
