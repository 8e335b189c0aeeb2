//! Taking a school owner's file in: compared with what is registered, and taken whole or not at all.
//!
//! A file says all that there is: what is gone from it has ended.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Arguments;

use authenticators::clock::Timestamp;
use authenticators::person::{Fnr, Person, PersonId};
use authenticators::trail::Actor;
use authenticators::world::World;
use serde::Serialize;

use super::carrying::{Carrying, Ids};
use super::guard;
use super::register::{self, ClassId, Orgno, Owner, SchoolId, Stored, StoredClass, StoredSchool, Version};
use super::roster::{self, Objections, Roster, RosterClass, Scope, Somebody, on_row};
use super::told::{self, Why};

pub(super) const FOREIGN: &str = "orgno: a school of another school owner";
pub(super) const NEW: &str =
    "orgno: a school that is not the school owner's yet; whoever runs Porten adds it (porten school add)";
/// Lines of a preview.
const LINES_AT_MOST: usize = 500;

/// How many of something come, are called otherwise, and go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Come.
    pub added: usize,
    /// Are called otherwise.
    pub changed: usize,
    /// Go.
    pub removed: usize,
}

/// What a file changes.
#[derive(Debug, Default, Serialize)]
pub struct Diff {
    /// Of schools.
    pub schools: Changes,
    /// Of classes.
    pub classes: Changes,
    /// Of roles.
    pub roles: Changes,
    /// Of pupils in classes.
    pub pupils: Changes,
    /// How many rows give nobody anything, and are left out.
    pub left_out: usize,
    /// Which, in words.
    pub lines: Vec<String>,
    /// A mark of what goes, with how much that is, if it is so much that whoever sends the file has to say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_removals: Option<String>,
    /// How many lines there would be besides.
    #[serde(skip)]
    more: usize,
    #[serde(skip)]
    naming: Naming,
    #[serde(skip)]
    pub(super) steps: Vec<Step>,
}

/// How people are told of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Naming {
    /// By the rows in which they stand: what is told of a file goes to logs and to other systems.
    #[default]
    Rows,
    /// By what the file calls them as well, or has called them.
    Names,
}

/// Something to do, by its index in the roster or in what is stored; in the order in which it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    PutSchool(usize),
    PutClass(usize),
    EndRole(usize),
    RemovePupil(usize),
    RemoveClass(usize),
    RemoveSchool(usize),
    GiveRole(usize),
    /// With its index in what is stored.
    RenameRole(usize, usize),
    PutPupil(usize),
    /// The same.
    RenamePupil(usize, usize),
}

/// What is known already of a roster's schools, classes and people, by the same indexes.
pub(super) struct Known<'a> {
    pub(super) schools: Vec<Option<&'a SchoolId>>,
    pub(super) classes: Vec<Option<&'a ClassId>>,
    people: &'a [Option<PersonId>],
}

impl<'a> Known<'a> {
    pub(super) fn of(roster: &Roster, stored: &'a Stored, people: &'a [Option<PersonId>]) -> Known<'a> {
        let schools: HashMap<&Orgno, &SchoolId> =
            stored.schools.iter().map(|school| (&school.orgno, &school.id)).collect();
        let classes: HashMap<(&SchoolId, &str), &ClassId> =
            stored.classes.iter().map(|class| ((&class.school, class.source_id.as_str()), &class.id)).collect();
        let schools: Vec<_> = roster.schools.iter().map(|school| schools.get(&school.orgno).copied()).collect();
        let class_of = |class: &RosterClass| {
            let school = schools.get(class.school).copied().flatten()?;
            classes.get(&(school, class.source_id.as_str())).copied()
        };
        Known { classes: roster.classes.iter().map(class_of).collect(), schools, people }
    }

    fn school(&self, index: usize) -> Option<&'a str> {
        self.schools.get(index).copied().flatten().map(SchoolId::as_str)
    }

    fn class(&self, index: usize) -> Option<&'a str> {
        self.classes.get(index).copied().flatten().map(ClassId::as_str)
    }

    fn person(&self, index: usize) -> Option<&'a str> {
        self.people.get(index).and_then(Option::as_ref).map(PersonId::as_str)
    }

    /// School and class of a role.
    fn scope(&self, roster: &Roster, scope: Scope) -> Option<(&'a str, &'a str)> {
        match scope {
            Scope::Owner => Some(("", "")),
            Scope::School(school) => Some((self.school(school)?, "")),
            Scope::Class(class) => {
                let school = roster.classes.get(class)?.school;
                Some((self.school(school)?, self.class(class)?))
            }
        }
    }
}

/// Compares a roster with what is registered. `people` are those of the roster who are known, by its indexes.
fn diff(roster: &Roster, stored: &Stored, people: &[Option<PersonId>], naming: Naming) -> Diff {
    let known = Known::of(roster, stored, people);
    let mut diff = Diff { naming, ..Diff::default() };
    diff.left_out(roster);
    diff.places(roster, stored, &known);
    diff.roles(roster, stored, &known);
    diff.pupils(roster, stored, &known);
    diff.steps.sort_unstable();
    diff.accept_removals = guard::much_goes(&diff, (roster, stored), people);
    if diff.more > 0 {
        diff.lines.push(format!("and {} more", diff.more));
    }
    diff
}

impl Diff {
    /// Whether all is as it was.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn say(&mut self, line: Arguments<'_>) {
        match self.lines.len() < LINES_AT_MOST {
            true => self.lines.push(line.to_string()),
            false => self.more += 1,
        }
    }

    /// Who somebody is, behind what is told of them.
    fn whom(&self, name: &str) -> String {
        match self.naming {
            Naming::Rows => String::new(),
            Naming::Names => format!(": {name}"),
        }
    }

    /// Who is called otherwise.
    fn renamed(&self, (before, now): (&str, &str)) -> String {
        match self.naming {
            Naming::Rows => ": another name".to_owned(),
            Naming::Names => format!(": from {before} to {now}"),
        }
    }

    fn left_out(&mut self, roster: &Roster) {
        self.left_out = roster.left_out.len();
        for (place, why) in &roster.left_out {
            self.say(format_args!("left out: {why} ({})", on_row(*place)));
        }
    }

    fn places(&mut self, roster: &Roster, stored: &Stored, known: &Known<'_>) {
        let by_id: HashMap<&str, _> = stored.schools.iter().map(|school| (school.id.as_str(), school)).collect();
        for (index, school) in roster.schools.iter().enumerate() {
            let before = known.school(index).and_then(|id| by_id.get(id)).filter(|before| before.removed_at.is_none());
            match before {
                Some(before) if before.name == school.name => continue,
                Some(before) => {
                    self.schools.changed += 1;
                    self.say(format_args!(
                        "~ school {}: from {} to {}",
                        school.orgno.as_str(),
                        before.name,
                        school.name
                    ));
                }
                None => {
                    self.schools.added += 1;
                    self.say(format_args!("+ school {} {}", school.orgno.as_str(), school.name));
                }
            }
            self.steps.push(Step::PutSchool(index));
        }
        let stays: HashSet<&str> = (0..roster.schools.len()).filter_map(|index| known.school(index)).collect();
        for (index, school) in stored.schools.iter().enumerate() {
            if school.removed_at.is_none() && !stays.contains(school.id.as_str()) {
                self.schools.removed += 1;
                self.say(format_args!("- school {} {}", school.orgno.as_str(), school.name));
                self.steps.push(Step::RemoveSchool(index));
            }
        }
        let by_id: HashMap<&str, _> = stored.classes.iter().map(|class| (class.id.as_str(), class)).collect();
        let school = |class: &RosterClass| roster.schools.get(class.school).map_or("", |school| school.name.as_str());
        for (index, class) in roster.classes.iter().enumerate() {
            let before = known.class(index).and_then(|id| by_id.get(id)).filter(|before| before.removed_at.is_none());
            match before {
                Some(before) if before.name == class.name => continue,
                Some(before) => {
                    self.classes.changed += 1;
                    self.say(format_args!("~ class at {}: from {} to {}", school(class), before.name, class.name));
                }
                None => {
                    self.classes.added += 1;
                    self.say(format_args!("+ class {} at {}", class.name, school(class)));
                }
            }
            self.steps.push(Step::PutClass(index));
        }
        let stays: HashSet<&str> = (0..roster.classes.len()).filter_map(|index| known.class(index)).collect();
        for (index, class) in stored.classes.iter().enumerate() {
            if class.removed_at.is_none() && !stays.contains(class.id.as_str()) {
                self.classes.removed += 1;
                self.say(format_args!("- class {}", class.name));
                self.steps.push(Step::RemoveClass(index));
            }
        }
    }

    fn roles(&mut self, roster: &Roster, stored: &Stored, known: &Known<'_>) {
        let keys = stored
            .roles
            .iter()
            .map(|role| (role.school.as_str(), role.class.as_str(), role.person.as_str(), role.title));
        let mut before: HashMap<_, usize> = keys.zip(0..).collect();
        let mut seen = HashSet::new();
        for (index, role) in roster.roles.iter().enumerate() {
            let person = known.person(role.person);
            // Whoever has two numbers, an old one and a new one, can stand there twice.
            if person.is_some_and(|person| !seen.insert((role.scope, person, role.title))) {
                continue;
            }
            let key = known.scope(roster, role.scope).zip(person);
            let found = key.and_then(|((school, class), person)| before.remove(&(school, class, person, role.title)));
            let name = roster.people.get(role.person).map_or("", |person| &*person.name);
            match found.and_then(|found| Some((found, stored.roles.get(found)?))) {
                Some((_, before)) if before.name == name => {}
                Some((found, before)) => {
                    self.roles.changed += 1;
                    let (title, renamed) = (role.title.name(), self.renamed((&before.name, name)));
                    self.say(format_args!("~ {title} {}{renamed}", standing(roster, role.scope, role.place)));
                    self.steps.push(Step::RenameRole(index, found));
                }
                None => {
                    self.roles.added += 1;
                    let (title, whom) = (role.title.name(), self.whom(name));
                    self.say(format_args!("+ {title} {}{whom}", standing(roster, role.scope, role.place)));
                    self.steps.push(Step::GiveRole(index));
                }
            }
        }
        let mut gone: Vec<usize> = before.into_values().collect();
        gone.sort_unstable();
        let places = Places::of(stored);
        for index in gone {
            self.roles.removed += 1;
            if let Some(role) = stored.roles.get(index) {
                let (title, whom) = (role.title.name(), self.whom(&role.name));
                self.say(format_args!("- {title} {}{whom}", places.named(&role.school, &role.class)));
            }
            self.steps.push(Step::EndRole(index));
        }
    }

    fn pupils(&mut self, roster: &Roster, stored: &Stored, known: &Known<'_>) {
        let keys = stored.pupils.iter().map(|pupil| (pupil.class.as_str(), pupil.person.as_str()));
        let mut before: HashMap<_, usize> = keys.zip(0..).collect();
        let (mut come, mut renamed, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (index, pupil) in roster.pupils.iter().enumerate() {
            let person = known.person(pupil.person);
            if person.is_some_and(|person| !seen.insert((pupil.class, person))) {
                continue;
            }
            let key = known.class(pupil.class).zip(person);
            let found = key.and_then(|key| before.remove(&key));
            let name = roster.people.get(pupil.person).map_or("", |person| &*person.name);
            match found.and_then(|found| Some((found, stored.pupils.get(found)?))) {
                Some((_, before)) if before.name == name => {}
                Some((found, before)) => {
                    renamed.push((pupil, Step::RenamePupil(index, found), (before.name.as_str(), name)));
                }
                None => come.push((index, pupil, name)),
            }
        }
        let mut gone: Vec<usize> = before.into_values().collect();
        gone.sort_unstable();
        let gone: Vec<_> = gone.into_iter().filter_map(|index| Some((index, stored.pupils.get(index)?))).collect();
        let places = Places::of(stored);
        self.count_by_class(
            come.iter().map(|(_, pupil, _)| roster.named(Scope::Class(pupil.class))),
            gone.iter().map(|(_, pupil)| places.of_class(pupil.class.as_str())),
        );
        for (index, pupil, name) in come {
            self.pupils.added += 1;
            let whom = self.whom(name);
            self.say(format_args!("+ pupil {}{whom}", standing(roster, Scope::Class(pupil.class), pupil.place)));
            self.steps.push(Step::PutPupil(index));
        }
        for (pupil, step, names) in renamed {
            self.pupils.changed += 1;
            let renamed = self.renamed(names);
            self.say(format_args!("~ pupil {}{renamed}", standing(roster, Scope::Class(pupil.class), pupil.place)));
            self.steps.push(step);
        }
        for (index, pupil) in gone {
            self.pupils.removed += 1;
            if self.naming == Naming::Names {
                let whom = self.whom(&pupil.name);
                self.say(format_args!("- pupil {}{whom}", places.of_class(pupil.class.as_str())));
            }
            self.steps.push(Step::RemovePupil(index));
        }
    }

    /// How many come and go, place by place: of a new school year nobody reads more than that.
    fn count_by_class(&mut self, come: impl Iterator<Item = String>, go: impl Iterator<Item = String>) {
        let mut by_place: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        come.for_each(|place| by_place.entry(place).or_default().0 += 1);
        go.for_each(|place| by_place.entry(place).or_default().1 += 1);
        for (place, (come, go)) in by_place {
            self.say(format_args!("pupils {place}: +{come} -{go}"));
        }
    }
}

/// Where somebody stands: at which place, and on which line.
fn standing(roster: &Roster, scope: Scope, place: roster::Place) -> String {
    format!("{} ({})", roster.named(scope), on_row(place))
}

/// Where something is: a school's name and number, and a class's name.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place<'a> {
    pub(super) school: Option<(&'a str, &'a Orgno)>,
    pub(super) class: Option<&'a str>,
}

/// The places of what is stored.
pub(super) struct Places<'a> {
    schools: HashMap<&'a str, &'a StoredSchool>,
    classes: HashMap<&'a str, &'a StoredClass>,
}

impl<'a> Places<'a> {
    pub(super) fn of(stored: &'a Stored) -> Places<'a> {
        Places {
            schools: stored.schools.iter().map(|school| (school.id.as_str(), school)).collect(),
            classes: stored.classes.iter().map(|class| (class.id.as_str(), class)).collect(),
        }
    }

    pub(super) fn school(&self, id: &SchoolId) -> Option<&'a StoredSchool> {
        self.schools.get(id.as_str()).copied()
    }

    pub(super) fn class(&self, id: &ClassId) -> Option<&'a StoredClass> {
        self.classes.get(id.as_str()).copied()
    }

    /// By ids that may be empty.
    pub(super) fn at(&self, school: &str, class: &str) -> Place<'a> {
        Place {
            school: self.schools.get(school).map(|school| (school.name.as_str(), &school.orgno)),
            class: self.classes.get(class).map(|class| class.name.as_str()),
        }
    }

    pub(super) fn at_class(&self, class: &str) -> Place<'a> {
        self.at(self.classes.get(class).map_or("", |class| class.school.as_str()), class)
    }

    /// A place in words.
    fn named(&self, school: &str, class: &str) -> String {
        match self.at(school, class) {
            Place { school: Some((school, _)), class: Some(class) } => format!("in {class} at {school}"),
            Place { school: Some((school, _)), class: None } => format!("at {school}"),
            Place { school: None, .. } => "of the owner".to_owned(),
        }
    }

    fn of_class(&self, class: &str) -> String {
        self.named(self.classes.get(class).map_or("", |class| class.school.as_str()), class)
    }
}

/// From where a file comes. Owners name schools that are theirs already: new ones are brought by whoever runs Porten, and has
/// seen that they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender<'a> {
    /// From whoever runs Porten.
    Operator,
    /// From the owner's own system, by the id of its client.
    System(&'a str),
    /// From whoever acts for the owner.
    Staff,
}

/// A file that is to be taken in.
pub struct Import<'a> {
    /// Whose.
    pub owner: &'a Orgno,
    /// What it says.
    pub roster: &'a Roster,
    /// Who takes it in.
    pub actor: Actor,
    /// From where it comes.
    pub sender: Sender<'a>,
    /// What was registered of the owner when the file came. Of two files the one that came before the other was taken in
    /// is the older one for all that is known, and would bring back who is gone.
    pub seen: Version,
    /// The mark of what may go, where that is much ([`Diff::accept_removals`]).
    pub accept_removals: Option<&'a str>,
}

/// What a file would change, and nothing is.
pub async fn preview(world: &World, import: &Import<'_>, naming: Naming) -> anyhow::Result<Result<Diff, Objections>> {
    Ok(look(world, import, naming).await?.map(|looked| looked.diff))
}

/// What a file would change, beside what it is compared with.
pub(super) struct Looked {
    pub(super) diff: Diff,
    pub(super) stored: Stored,
    /// Those of the roster who are known, by its indexes.
    pub(super) people: Vec<Option<PersonId>>,
}

/// The same as a preview, for whoever tells of it in other words.
pub(super) async fn look(
    world: &World,
    import: &Import<'_>,
    naming: Naming,
) -> anyhow::Result<Result<Looked, Objections>> {
    let objections = foreign(world, import).await?;
    if !objections.errors.is_empty() {
        return Ok(Err(objections));
    }
    let people = known_people(world, import.roster).await?;
    let stored = register::stored(&world.db, import.owner).await?;
    let diff = diff(import.roster, &stored, &people, naming);
    Ok(Ok(Looked { diff, stored, people }))
}

/// Takes a file in, whole or not at all; what it changed. Places, roles, pupils and the trail are one transaction: who is
/// stopped in the middle of it has done nothing but let the numbers in it be known, of which nobody is told.
pub async fn apply(world: &World, import: &Import<'_>, now: Timestamp) -> anyhow::Result<Result<Diff, Objections>> {
    let objections = foreign(world, import).await?;
    if !objections.errors.is_empty() {
        return Ok(Err(objections));
    }
    // Whose file is not taken in has let nobody's number be known.
    let known = known_people(world, import.roster).await?;
    let stored = register::stored(&world.db, import.owner).await?;
    let seen = diff(import.roster, &stored, &known, Naming::Rows);
    // What changes nothing is as good as another that was: whoever has lost the answer sends it again.
    if stored.version != import.seen && !seen.is_empty() {
        return Ok(Err(Objections::superseded()));
    }
    if let Some(objections) = guard::objection(&seen, &stored, import.accept_removals) {
        return Ok(Err(objections));
    }
    drop(seen);
    // All that others need not wait for comes first: what is there is compared, and rows are made of it.
    let people = registered_people(world, import.roster, known, now).await?;
    let diff = diff(import.roster, &stored, &people, Naming::Rows);
    let ids = Ids::of(import.roster, &stored, &world.chance)?;
    let carrying = Carrying::of(import, (&stored, &people, &ids), &diff)?;
    if carrying.out(world, now).await? {
        return Ok(Ok(diff));
    }
    // Somebody has changed it meanwhile, or has taken a school.
    let objections = foreign(world, import).await?;
    Ok(Err(if objections.errors.is_empty() { Objections::superseded() } else { objections }))
}

/// Registers an owner, and tells who has done so; false and unchanged if it is there.
pub async fn add_owner(world: &World, owner: &Owner, why: Why<'_>, now: Timestamp) -> anyhow::Result<bool> {
    let mut tx = world.db.begin().await?;
    if !register::add_owner(&mut *tx, owner, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    world.trail.append(&mut tx, &told::owner_added(owner, why), now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Makes a school an owner's that no file has named yet: it is there from when one does. Whose it is, if it is somebody's
/// already.
pub async fn add_school(
    world: &World,
    owner: &Orgno,
    school: (&Orgno, &str),
    why: Why<'_>,
    now: Timestamp,
) -> anyhow::Result<Option<Orgno>> {
    let id = SchoolId::fresh(&world.chance)?;
    let mut tx = world.db.begin().await?;
    register::change(&mut tx, owner).await?;
    let (orgno, name) = school;
    if !register::enter_schools(&mut tx, owner, &[(&id, orgno, name)], now).await? {
        tx.rollback().await?;
        return Ok(register::owner_of_school(world.db.pool(), orgno).await?);
    }
    register::remove_school(&mut tx, &id, now).await?;
    world.trail.append(&mut tx, &told::school_added(owner, school, why), now).await?;
    tx.commit().await?;
    Ok(None)
}

/// Those of a roster whom we know.
async fn known_people(world: &World, roster: &Roster) -> anyhow::Result<Vec<Option<PersonId>>> {
    let fnrs: Vec<&Fnr> = roster.people.iter().map(|somebody| &somebody.fnr).collect();
    let mut known = Person::known(&world.db, &fnrs).await?;
    // Each number stands there once.
    Ok(fnrs.into_iter().map(|fnr| known.remove(fnr)).collect())
}

/// All of them, after those who are new have been registered. That is no part of what is done whole or not at all: that a
/// number is known gives nobody anything, and whoever logs in for the first time would wait for the whole file.
async fn registered_people(
    world: &World,
    roster: &Roster,
    people: Vec<Option<PersonId>>,
    now: Timestamp,
) -> anyhow::Result<Vec<Option<PersonId>>> {
    let new = roster.people.iter().zip(&people).filter(|(_, known)| known.is_none());
    let new: Vec<&Fnr> = new.map(|(somebody, _)| &somebody.fnr).collect();
    if new.is_empty() {
        return Ok(people);
    }
    let mut registered = Person::register_all(&world.db, &world.chance, &new, now).await?;
    let known = |(somebody, known): (&Somebody, Option<PersonId>)| known.or_else(|| registered.remove(&somebody.fnr));
    Ok(roster.people.iter().zip(people).map(known).collect())
}

/// What speaks against the schools of a roster that are another owner's, or that nobody but whoever runs Porten can make the
/// owner's; it is told.
async fn foreign(world: &World, import: &Import<'_>) -> anyhow::Result<Objections> {
    let (mut objections, mut theirs, mut new) = (Objections::default(), Vec::new(), Vec::new());
    let schools: Vec<&Orgno> = import.roster.schools.iter().map(|school| &school.orgno).collect();
    let owners = register::owners_of_schools(&world.db, &schools).await?;
    for school in &import.roster.schools {
        match owners.get(&school.orgno) {
            Some(owner) if owner != import.owner => {
                objections.add(school.place, FOREIGN);
                theirs.push(&school.orgno);
            }
            None if import.sender != Sender::Operator => {
                objections.add(school.place, NEW);
                new.push(&school.orgno);
            }
            Some(_) | None => {}
        }
    }
    // Who only looks need not say who they are.
    if import.actor != Actor::System {
        told::note_not_theirs(world, import, ("foreign-school", &theirs)).await?;
        told::note_not_theirs(world, import, ("new-school", &new)).await?;
    }
    Ok(objections)
}

#[cfg(test)]
mod tests {
    use authenticators::person::FnrPolicy;

    use super::*;
    use crate::school::roster::Reader;

    #[test]
    fn what_changes() {
        let id = |text: &str| serde_json::from_str::<PersonId>(&format!("{text:?}")).unwrap();
        let owner = Orgno::parse("999999999").unwrap();
        let people = FnrPolicy { real: true, synthetic: true, expanded: false };
        let text = "orgno;skole;klasse;rolle;fnr;fornavn;etternavn\n974589095;S;10A;elev;05895894984;A;B\n\
                    974589095;S;10A;faglærer;28816196088;C;D\n";
        let roster = Reader { owner: &owner, people, rows_at_most: 10 }.plain(text.as_bytes()).unwrap();
        // At first all is new.
        let first = diff(&roster, &Stored::default(), &[None, None], Naming::Rows);
        assert_eq!((first.schools.added, first.classes.added, first.roles.added, first.pupils.added), (1, 1, 1, 1));
        assert_eq!(
            first.steps,
            [Step::PutSchool(0), Step::PutClass(0), Step::GiveRole(0), Step::PutPupil(0)],
            "{first:?}"
        );
        assert!(!first.lines.iter().any(|line| line.contains("A B") || line.contains("C D")), "{first:?}");
        assert!(first.lines.contains(&"+ subject-teacher in 10A at S (row 3)".to_owned()), "{first:?}");
        assert_eq!(first.lines[3..], ["pupils in 10A at S: +1 -0", "+ pupil in 10A at S (row 2)"]);
        // To whom it may be told, by name.
        let named = diff(&roster, &Stored::default(), &[None, None], Naming::Names);
        assert_eq!(named.lines[4], "+ pupil in 10A at S (row 2): A B");
        // Nothing is known of anybody: people alone do not make a change.
        assert!(!diff(&roster, &Stored::default(), &[Some(id("a")), Some(id("c"))], Naming::Rows).is_empty());
    }
}
