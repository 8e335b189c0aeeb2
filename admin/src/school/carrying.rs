//! A file on its way into the register: what it changes as rows, which are made before the transaction begins, and that
//! transaction.

use std::collections::{BTreeSet, HashSet};

use authenticators::chance::Chance;
use authenticators::clock::Timestamp;
use authenticators::person::PersonId;
use authenticators::trail::Event;
use authenticators::world::World;
use migrations::Tx;

use super::coupling::{self, Coupled};
use super::import::{Diff, Import, Known, Place, Places, Step};
use super::register::{self, ClassId, Given, NewClass, Orgno, Role, SchoolId, Stored, StoredPupil, StoredRole};
use super::roster::{Roster, Scope};
use super::told;

/// Entries of the trail that are made at a time.
const TOLD_TOGETHER: usize = 1024;

/// The ids of a roster's schools and classes, by its indexes; those that are new have theirs as well.
pub(super) struct Ids {
    schools: Vec<SchoolId>,
    classes: Vec<ClassId>,
}

impl Ids {
    pub(super) fn of(roster: &Roster, stored: &Stored, chance: &Chance) -> anyhow::Result<Ids> {
        let known = Known::of(roster, stored, &[]);
        let school = |known: Option<&SchoolId>| known.cloned().map_or_else(|| SchoolId::fresh(chance), Ok);
        let class = |known: Option<&ClassId>| known.cloned().map_or_else(|| ClassId::fresh(chance), Ok);
        Ok(Ids {
            schools: known.schools.into_iter().map(school).collect::<anyhow::Result<_>>()?,
            classes: known.classes.into_iter().map(class).collect::<anyhow::Result<_>>()?,
        })
    }
}

/// Something that is to be told in the trail, by its index in the roster, in what is stored, or in both: of many people
/// there is no more than that until it is told.
enum Told {
    SchoolPut(usize),
    SchoolGone(usize),
    ClassPut(usize),
    ClassGone(usize),
    Given(usize),
    RoleRenamed(usize, usize),
    Ended(usize),
    Come(usize),
    PupilRenamed(usize, usize),
    Gone(usize),
}

/// What a file changes.
#[derive(Default)]
struct Rows<'a> {
    new_schools: Vec<(&'a SchoolId, &'a Orgno, &'a str)>,
    kept_schools: Vec<(&'a SchoolId, &'a str)>,
    gone_schools: Vec<&'a SchoolId>,
    new_classes: Vec<NewClass<'a>>,
    kept_classes: Vec<(&'a ClassId, &'a str)>,
    gone_classes: Vec<&'a ClassId>,
    ended: Vec<&'a StoredRole>,
    given: Vec<Given<'a>>,
    gone: Vec<(&'a str, &'a PersonId)>,
    put: Vec<(&'a ClassId, &'a PersonId, &'a str)>,
    told: Vec<Told>,
    /// Those who no longer have a role in a class by which they can be let issue there.
    employees_gone: Vec<(&'a str, &'a PersonId)>,
}

/// A file on its way.
pub(super) struct Carrying<'a> {
    import: &'a Import<'a>,
    stored: &'a Stored,
    people: &'a [Option<PersonId>],
    ids: &'a Ids,
    rows: Rows<'a>,
    places: Places<'a>,
    /// What the owner is told of all of it; none, if nothing changes.
    whole: Option<Event>,
}

impl<'a> Carrying<'a> {
    /// By what is stored, by the ids of the roster's people, places and classes, and by what is different.
    pub(super) fn of(
        import: &'a Import<'a>,
        (stored, people, ids): (&'a Stored, &'a [Option<PersonId>], &'a Ids),
        diff: &Diff,
    ) -> anyhow::Result<Carrying<'a>> {
        let (rows, places) = (Rows::default(), Places::of(stored));
        let whole = (!diff.is_empty()).then(|| told::imported(import, diff));
        let mut carrying = Carrying { import, stored, people, ids, rows, places, whole };
        let known = Known::of(import.roster, stored, people);
        for step in &diff.steps {
            carrying.take(&known, *step)?;
        }
        carrying.rows.employees_gone = carrying.employees_gone();
        Ok(carrying)
    }

    fn take(&mut self, known: &Known<'_>, step: Step) -> anyhow::Result<()> {
        let stored = self.stored;
        match step {
            Step::PutSchool(index) => self.put_school(known, index)?,
            Step::PutClass(index) => self.put_class(known, index)?,
            Step::EndRole(index) => {
                self.rows.ended.push(stored.roles.get(index).ok_or_else(lost)?);
                self.rows.told.push(Told::Ended(index));
            }
            Step::RemovePupil(index) => {
                let pupil = stored.pupils.get(index).ok_or_else(lost)?;
                self.rows.gone.push((pupil.class.as_str(), &pupil.person));
                self.rows.told.push(Told::Gone(index));
            }
            Step::RemoveClass(index) => {
                self.rows.gone_classes.push(&stored.classes.get(index).ok_or_else(lost)?.id);
                self.rows.told.push(Told::ClassGone(index));
            }
            Step::RemoveSchool(index) => {
                self.rows.gone_schools.push(&stored.schools.get(index).ok_or_else(lost)?.id);
                self.rows.told.push(Told::SchoolGone(index));
            }
            Step::GiveRole(index) => {
                self.give(index)?;
                self.rows.told.push(Told::Given(index));
            }
            Step::RenameRole(index, before) => {
                self.give(index)?;
                self.rows.told.push(Told::RoleRenamed(index, before));
            }
            Step::PutPupil(index) => {
                self.put_pupil(index)?;
                self.rows.told.push(Told::Come(index));
            }
            Step::RenamePupil(index, before) => {
                self.put_pupil(index)?;
                self.rows.told.push(Told::PupilRenamed(index, before));
            }
        }
        Ok(())
    }

    fn put_school(&mut self, known: &Known<'_>, index: usize) -> anyhow::Result<()> {
        let school = self.import.roster.schools.get(index).ok_or_else(lost)?;
        let id = self.ids.schools.get(index).ok_or_else(lost)?;
        match known.schools.get(index).copied().flatten() {
            Some(_) => self.rows.kept_schools.push((id, &school.name)),
            None => self.rows.new_schools.push((id, &school.orgno, &school.name)),
        }
        self.rows.told.push(Told::SchoolPut(index));
        Ok(())
    }

    fn put_class(&mut self, known: &Known<'_>, index: usize) -> anyhow::Result<()> {
        let class = self.import.roster.classes.get(index).ok_or_else(lost)?;
        let id = self.ids.classes.get(index).ok_or_else(lost)?;
        let school = self.ids.schools.get(class.school).ok_or_else(lost)?;
        match known.classes.get(index).copied().flatten() {
            Some(_) => self.rows.kept_classes.push((id, &class.name)),
            None => {
                self.rows.new_classes.push(NewClass { id, school, source_id: &class.source_id, name: &class.name });
            }
        }
        self.rows.told.push(Told::ClassPut(index));
        Ok(())
    }

    fn give(&mut self, index: usize) -> anyhow::Result<()> {
        let role = self.import.roster.roles.get(index).ok_or_else(lost)?;
        let (person, (school, class)) = (self.person(role.person)?, self.ids_of(role.scope)?);
        self.rows.given.push(Given { school, class, person, title: role.title, name: self.name(role.person) });
        Ok(())
    }

    fn put_pupil(&mut self, index: usize) -> anyhow::Result<()> {
        let pupil = self.import.roster.pupils.get(index).ok_or_else(lost)?;
        let class = self.ids.classes.get(pupil.class).ok_or_else(lost)?;
        self.rows.put.push((class, self.person(pupil.person)?, self.name(pupil.person)));
        Ok(())
    }

    /// Somebody of the roster.
    fn person(&self, index: usize) -> anyhow::Result<&'a PersonId> {
        let person = self.people.get(index).and_then(Option::as_ref);
        person.ok_or_else(|| anyhow::anyhow!("a row names nobody"))
    }

    fn name(&self, index: usize) -> &'a str {
        self.import.roster.people.get(index).map_or("", |somebody| &*somebody.name)
    }

    /// The ids of a school and a class of the roster. A role of a school must have a school, or it would be one of the
    /// owner's.
    fn ids_of(&self, scope: Scope) -> anyhow::Result<(&'a str, &'a str)> {
        let school = |index: usize| self.ids.schools.get(index).map(SchoolId::as_str).ok_or_else(lost);
        Ok(match scope {
            Scope::Owner => ("", ""),
            Scope::School(index) => (school(index)?, ""),
            Scope::Class(index) => {
                let class = self.import.roster.classes.get(index).ok_or_else(lost)?;
                (school(class.school)?, self.ids.classes.get(index).ok_or_else(lost)?.as_str())
            }
        })
    }

    /// Those whose last role in a class ends by which they could be let issue there.
    fn employees_gone(&self) -> Vec<(&'a str, &'a PersonId)> {
        let of_class = |role: &&&'a StoredRole| !role.class.is_empty();
        let key = |role: &&'a StoredRole| (role.class.as_str(), role.person.as_str(), role.title);
        let ended: HashSet<_> = self.rows.ended.iter().filter(of_class).map(key).collect();
        if ended.is_empty() {
            return Vec::new();
        }
        let stay = self.stored.roles.iter().filter(|role| !ended.contains(&key(role)));
        let stay = stay.map(|role| (role.class.as_str(), role.person.as_str(), role.title));
        let come = self.rows.given.iter().map(|role| (role.class, role.person.as_str(), role.title));
        let issue = stay.chain(come).filter(|(.., title)| title.role() == Role::Issuer);
        let issue: HashSet<(&str, &str)> = issue.map(|(class, person, _)| (class, person)).collect();
        let gone = self.rows.ended.iter().filter(of_class).map(|role| (role.class.as_str(), &role.person));
        let mut gone: Vec<_> = gone.filter(|(class, person)| !issue.contains(&(class, person.as_str()))).collect();
        gone.sort_unstable_by_key(|(class, person)| (*class, person.as_str()));
        gone.dedup();
        gone
    }

    /// Does it all, whole or not at all; false and nothing, if what is stored is not what it was, or another owner has
    /// one of the schools.
    pub(super) async fn out(&self, world: &World, now: Timestamp) -> anyhow::Result<bool> {
        let (owner, rows) = (self.import.owner, &self.rows);
        let mut tx = world.db.begin().await?;
        let is_still = register::is_still(&mut tx, owner, self.stored).await?;
        if !is_still || !register::enter_schools(&mut tx, owner, &rows.new_schools, now).await? {
            tx.rollback().await?;
            return Ok(false);
        }
        register::keep_schools(&mut tx, &rows.kept_schools).await?;
        register::enter_classes(&mut tx, &rows.new_classes, now).await?;
        register::keep_classes(&mut tx, &rows.kept_classes).await?;
        register::end(&mut tx, owner, &rows.ended, now).await?;
        register::give(&mut tx, owner, &rows.given, now).await?;
        register::remove_pupils(&mut tx, &rows.gone, now).await?;
        register::put_pupils(&mut tx, &rows.put, now).await?;
        register::remove_classes(&mut tx, &rows.gone_classes, now).await?;
        register::remove_schools(&mut tx, &rows.gone_schools, now).await?;
        let uncoupled = self.forget(&mut tx, now).await?;
        // Everybody who logs in waits for the trail: last, and no longer than it takes.
        for some in rows.told.chunks(TOLD_TOGETHER) {
            let events = some.iter().map(|told| self.event_of(told)).collect::<anyhow::Result<Vec<Event>>>()?;
            world.trail.append_all(&mut tx, &events, now).await?;
        }
        for some in uncoupled.chunks(TOLD_TOGETHER) {
            let events: Vec<Event> = some.iter().map(|uncoupled| self.uncoupled(uncoupled)).collect();
            world.trail.append_all(&mut tx, &events, now).await?;
        }
        if let Some(event) = &self.whole {
            world.trail.append(&mut tx, event, now).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// What was decided of those who have no part in a class any more, and the codes that were shown by it; who could
    /// issue to whom, and why no longer.
    async fn forget(&self, tx: &mut Tx, now: Timestamp) -> sqlx::Result<Vec<(Coupled, &'static str)>> {
        let Rows { employees_gone, gone, .. } = &self.rows;
        let classes: BTreeSet<&str> = employees_gone.iter().chain(gone).map(|(class, _)| *class).collect();
        register::hold_classes(tx, &classes.into_iter().collect::<Vec<_>>()).await?;
        let left_role = coupling::forget_employees(tx, employees_gone).await?;
        let left_class = coupling::forget_pupils(tx, gone).await?;
        let left_role = left_role.into_iter().map(|coupled| (coupled, "left-role"));
        let uncoupled: Vec<_> =
            left_role.chain(left_class.into_iter().map(|coupled| (coupled, "left-class"))).collect();
        let over = uncoupled.iter().map(|((class, employee, pupil), _)| (class.as_str(), employee, pupil));
        coupling::end_codes(tx, over, now).await?;
        Ok(uncoupled)
    }

    /// What the trail tells of something.
    fn event_of(&self, told: &Told) -> anyhow::Result<Event> {
        let (roster, stored) = (self.import.roster, self.stored);
        Ok(match told {
            Told::SchoolPut(index) => self.school_put(*index)?,
            Told::ClassPut(index) => self.class_put(*index)?,
            Told::SchoolGone(index) => {
                let school = stored.schools.get(*index).ok_or_else(lost)?;
                self.of_owner("school-removed", self.places.at(school.id.as_str(), "")).with("reason", "roster")
            }
            Told::ClassGone(index) => {
                let class = stored.classes.get(*index).ok_or_else(lost)?;
                self.of_owner("school-class-removed", self.places.at_class(class.id.as_str())).with("reason", "roster")
            }
            Told::Given(index) => self.of_role("school-role-given", *index)?.with("reason", "roster"),
            Told::RoleRenamed(index, before) => {
                let role = roster.roles.get(*index).ok_or_else(lost)?;
                let names = (stored.roles.get(*before).ok_or_else(lost)?.name.as_str(), self.name(role.person));
                renamed(self.of_role("school-name-changed", *index)?, names)
            }
            Told::Ended(index) => {
                let role = stored.roles.get(*index).ok_or_else(lost)?;
                let event = self.event("school-role-ended", &role.person, self.places.at(&role.school, &role.class));
                event.with("role", role.title.name()).with("reason", "left-role")
            }
            Told::Come(index) => self.of_pupil("school-pupil-added", *index)?.with("reason", "roster"),
            Told::PupilRenamed(index, before) => {
                let pupil = roster.pupils.get(*index).ok_or_else(lost)?;
                let names = (stored.pupils.get(*before).ok_or_else(lost)?.name.as_str(), self.name(pupil.person));
                renamed(self.of_pupil("school-name-changed", *index)?, names)
            }
            Told::Gone(index) => {
                let StoredPupil { class, person, .. } = stored.pupils.get(*index).ok_or_else(lost)?;
                self.event("school-pupil-removed", person, self.places.at_class(class.as_str()))
                    .with("reason", "left-class")
            }
        })
    }

    /// What is told of a school that the file names: it is new, is there again, or is called otherwise.
    fn school_put(&self, index: usize) -> anyhow::Result<Event> {
        let school = self.import.roster.schools.get(index).ok_or_else(lost)?;
        let place = roster_place(self.import.roster, Scope::School(index));
        let before = self.ids.schools.get(index).and_then(|id| self.places.school(id));
        Ok(match before.filter(|before| before.removed_at.is_none()) {
            Some(before) => renamed(self.of_owner("school-renamed", place), (&before.name, &school.name)),
            None => self.of_owner("school-added", place).with("reason", "roster"),
        })
    }

    /// The same of a class.
    fn class_put(&self, index: usize) -> anyhow::Result<Event> {
        let class = self.import.roster.classes.get(index).ok_or_else(lost)?;
        let place = roster_place(self.import.roster, Scope::Class(index));
        let before = self.ids.classes.get(index).and_then(|id| self.places.class(id));
        Ok(match before.filter(|before| before.removed_at.is_none()) {
            Some(before) => renamed(self.of_owner("school-class-renamed", place), (&before.name, &class.name)),
            None => self.of_owner("school-class-added", place).with("reason", "roster"),
        })
    }

    /// An entry of whoever has a role of the file, with that role.
    fn of_role(&self, kind: &'static str, index: usize) -> anyhow::Result<Event> {
        let role = self.import.roster.roles.get(index).ok_or_else(lost)?;
        let event = self.event(kind, self.person(role.person)?, roster_place(self.import.roster, role.scope));
        Ok(event.with("role", role.title.name()))
    }

    /// An entry of a pupil of the file.
    fn of_pupil(&self, kind: &'static str, index: usize) -> anyhow::Result<Event> {
        let pupil = self.import.roster.pupils.get(index).ok_or_else(lost)?;
        Ok(self.event(kind, self.person(pupil.person)?, roster_place(self.import.roster, Scope::Class(pupil.class))))
    }

    /// The same of an employee who could issue to a pupil, and no longer can.
    fn uncoupled(&self, ((class, employee, pupil), reason): &(Coupled, &'static str)) -> Event {
        let event = self.event("school-uncoupled", pupil, self.places.at_class(class.as_str()));
        event.with("employee", employee.as_str()).with("reason", *reason)
    }

    /// An entry of somebody, without its reason. Whoever brings a file has no title at a school.
    fn event(&self, kind: &'static str, person: &PersonId, place: Place<'_>) -> Event {
        let event = Event::by(kind, person, self.import.actor.clone()).with("owner", self.import.owner.as_str());
        told::at(told::sent_by(self.import, event), place)
    }

    /// An entry of the owner's own.
    fn of_owner(&self, kind: &'static str, place: Place<'_>) -> Event {
        let event = Event::of_organisation(kind, self.import.owner.as_str(), self.import.actor.clone());
        told::at(told::sent_by(self.import, event), place)
    }
}

/// With what somebody or something was called before, and what they are called in the file.
fn renamed(event: Event, (before, name): (&str, &str)) -> Event {
    event.with("before", before).with("name", name).with("reason", "roster")
}

fn lost() -> anyhow::Error {
    anyhow::anyhow!("what a step is about is lost")
}

/// A place of the roster.
pub(super) fn roster_place(roster: &Roster, scope: Scope) -> Place<'_> {
    let school = |index: usize| roster.schools.get(index).map(|school| (school.name.as_str(), &school.orgno));
    match scope {
        Scope::Owner => Place::default(),
        Scope::School(index) => Place { school: school(index), class: None },
        Scope::Class(index) => {
            let class = roster.classes.get(index);
            Place { school: class.and_then(|class| school(class.school)), class: class.map(|class| &*class.name) }
        }
    }
}
