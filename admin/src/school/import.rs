//! Taking a school owner's file in: compared with what is registered, and taken whole or not at all.
//!
//! A file says all that there is: what is gone from it has ended.

use std::collections::{BTreeSet, HashMap, HashSet};

use authenticators::clock::Timestamp;
use authenticators::person::{Fnr, Person, PersonId};
use authenticators::trail::{Actor, Event};
use authenticators::world::World;
use migrations::Tx;
use serde::Serialize;

use super::register::{
    self, ClassId, Holding, Orgno, SchoolId, Stored, StoredClass, StoredPupil, StoredRole, StoredSchool, Title,
};
use super::roster::{Objections, Roster, RosterClass, Scope, on_row};
use super::{coupling, guard};

const FOREIGN: &str = "orgno: a school of another school owner";
const NEW: &str = "orgno: a school that is not the school owner's yet; whoever runs Porten adds it (porten school add)";
/// Pupils of whom one statement tells.
const TOGETHER: usize = 100;
/// Entries of the trail that are made at a time.
const TOLD_TOGETHER: usize = 500;
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
    /// Which, in words and without anybody's name.
    pub lines: Vec<String>,
    /// How many go, if that is so much that whoever sends the file has to say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_removals: Option<usize>,
    /// How many lines there would be besides.
    #[serde(skip)]
    more: usize,
    #[serde(skip)]
    pub(super) steps: Vec<Step>,
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
    PutPupil(usize),
}

impl Step {
    fn put_pupil(self) -> Option<usize> {
        match self {
            Step::PutPupil(index) => Some(index),
            _ => None,
        }
    }

    fn removed_pupil(self) -> Option<usize> {
        match self {
            Step::RemovePupil(index) => Some(index),
            _ => None,
        }
    }
}

/// What is known already of a roster's schools, classes and people, by the same indexes.
struct Known<'a> {
    schools: Vec<Option<&'a SchoolId>>,
    classes: Vec<Option<&'a ClassId>>,
    people: &'a [Option<PersonId>],
}

impl<'a> Known<'a> {
    fn of(roster: &Roster, stored: &'a Stored, people: &'a [Option<PersonId>]) -> Known<'a> {
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
fn diff(roster: &Roster, stored: &Stored, people: &[Option<PersonId>]) -> Diff {
    let known = Known::of(roster, stored, people);
    let mut diff = Diff::default();
    diff.places(roster, stored, &known);
    diff.roles(roster, stored, &known);
    diff.pupils(roster, stored, &known);
    diff.steps.sort_unstable();
    diff.accept_removals = guard::much_goes(&diff, stored);
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

    fn say(&mut self, line: String) {
        match self.lines.len() < LINES_AT_MOST {
            true => self.lines.push(line),
            false => self.more += 1,
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
                    self.say(format!("~ school {}: from {} to {}", school.orgno.as_str(), before.name, school.name));
                }
                None => {
                    self.schools.added += 1;
                    self.say(format!("+ school {} {}", school.orgno.as_str(), school.name));
                }
            }
            self.steps.push(Step::PutSchool(index));
        }
        let stays: HashSet<&str> = (0..roster.schools.len()).filter_map(|index| known.school(index)).collect();
        for (index, school) in stored.schools.iter().enumerate() {
            if school.removed_at.is_none() && !stays.contains(school.id.as_str()) {
                self.schools.removed += 1;
                self.say(format!("- school {} {}", school.orgno.as_str(), school.name));
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
                    self.say(format!("~ class at {}: from {} to {}", school(class), before.name, class.name));
                }
                None => {
                    self.classes.added += 1;
                    self.say(format!("+ class {} at {}", class.name, school(class)));
                }
            }
            self.steps.push(Step::PutClass(index));
        }
        let stays: HashSet<&str> = (0..roster.classes.len()).filter_map(|index| known.class(index)).collect();
        for (index, class) in stored.classes.iter().enumerate() {
            if class.removed_at.is_none() && !stays.contains(class.id.as_str()) {
                self.classes.removed += 1;
                self.say(format!("- class {}", class.name));
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
            let key = known.scope(roster, role.scope).zip(known.person(role.person));
            // Whoever has two numbers, an old one and a new one, can stand there twice.
            if key.is_some_and(|key| !seen.insert((key, role.title))) {
                continue;
            }
            let found = key.and_then(|((school, class), person)| before.remove(&(school, class, person, role.title)));
            let name = roster.people.get(role.person).map_or("", |person| &*person.name);
            match found.and_then(|found| stored.roles.get(found)) {
                Some(found) if found.name == name => continue,
                Some(_) => self.roles.changed += 1,
                None => {
                    self.roles.added += 1;
                    let (title, at, row) = (role.title.name(), roster.named(role.scope), on_row(role.place));
                    self.say(format!("+ {title} {at} ({row})"));
                }
            }
            self.steps.push(Step::GiveRole(index));
        }
        let mut gone: Vec<usize> = before.into_values().collect();
        gone.sort_unstable();
        let places = Places::of(stored);
        for index in gone {
            self.roles.removed += 1;
            if let Some(role) = stored.roles.get(index) {
                self.say(format!("- {} {}", role.title.name(), places.named(&role.school, &role.class)));
            }
            self.steps.push(Step::EndRole(index));
        }
    }

    fn pupils(&mut self, roster: &Roster, stored: &Stored, known: &Known<'_>) {
        let keys = stored.pupils.iter().map(|pupil| (pupil.class.as_str(), pupil.person.as_str()));
        let mut before: HashMap<_, usize> = keys.zip(0..).collect();
        // Come and go, class by class.
        let mut by_class: HashMap<String, (usize, usize)> = HashMap::new();
        let mut seen = HashSet::new();
        for (index, pupil) in roster.pupils.iter().enumerate() {
            let key = known.class(pupil.class).zip(known.person(pupil.person));
            if key.is_some_and(|key| !seen.insert(key)) {
                continue;
            }
            let found = key.and_then(|key| before.remove(&key)).and_then(|found| stored.pupils.get(found));
            let name = roster.people.get(pupil.person).map_or("", |person| &*person.name);
            match found {
                Some(found) if found.name == name => continue,
                Some(_) => self.pupils.changed += 1,
                None => {
                    self.pupils.added += 1;
                    by_class.entry(roster.named(Scope::Class(pupil.class))).or_default().0 += 1;
                }
            }
            self.steps.push(Step::PutPupil(index));
        }
        let mut gone: Vec<usize> = before.into_values().collect();
        gone.sort_unstable();
        let places = Places::of(stored);
        for index in gone {
            self.pupils.removed += 1;
            if let Some(pupil) = stored.pupils.get(index) {
                by_class.entry(places.of_class(pupil.class.as_str())).or_default().1 += 1;
            }
            self.steps.push(Step::RemovePupil(index));
        }
        let mut by_class: Vec<_> = by_class.into_iter().collect();
        by_class.sort_unstable();
        for (place, (come, go)) in by_class {
            self.say(format!("pupils {place}: +{come} -{go}"));
        }
    }
}

/// Where something is: a school's name and number, and a class's name.
#[derive(Debug, Clone, Copy, Default)]
struct Place<'a> {
    school: Option<(&'a str, &'a Orgno)>,
    class: Option<&'a str>,
}

/// The places of what is stored.
struct Places<'a> {
    schools: HashMap<&'a str, &'a StoredSchool>,
    classes: HashMap<&'a str, &'a StoredClass>,
}

impl<'a> Places<'a> {
    fn of(stored: &'a Stored) -> Places<'a> {
        Places {
            schools: stored.schools.iter().map(|school| (school.id.as_str(), school)).collect(),
            classes: stored.classes.iter().map(|class| (class.id.as_str(), class)).collect(),
        }
    }

    /// By ids that may be empty.
    fn at(&self, school: &str, class: &str) -> Place<'a> {
        Place {
            school: self.schools.get(school).map(|school| (school.name.as_str(), &school.orgno)),
            class: self.classes.get(class).map(|class| class.name.as_str()),
        }
    }

    fn at_class(&self, class: &str) -> Place<'a> {
        self.at(self.classes.get(class).map_or("", |class| class.school.as_str()), class)
    }

    /// The same in words.
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

/// A file that is to be taken in.
pub struct Import<'a> {
    /// Whose.
    pub owner: &'a Orgno,
    /// What it says.
    pub roster: &'a Roster,
    /// Who takes it in.
    pub actor: Actor,
    /// The client that has sent it, if one has. A machine names schools that are its owner's already; new ones are brought
    /// by whoever has seen what is in the file.
    pub client: Option<&'a str>,
    /// How many schools, classes, roles and pupils may go, where they are many ([`Diff::accept_removals`]).
    pub accept_removals: Option<usize>,
}

/// What a file would change, and nothing is.
pub async fn preview(world: &World, import: &Import<'_>) -> anyhow::Result<Result<Diff, Objections>> {
    let objections = foreign(world, import).await?;
    if !objections.errors.is_empty() {
        return Ok(Err(objections));
    }
    let people = known_people(world, import.roster).await?;
    let mut tx = world.db.begin().await?;
    let stored = register::stored(&mut tx, import.owner).await?;
    tx.rollback().await?;
    Ok(Ok(diff(import.roster, &stored, &people)))
}

/// Takes a file in, whole or not at all; what it changed. People, places and the trail are one transaction: who is stopped
/// in the middle of it has done nothing.
pub async fn apply(world: &World, import: &Import<'_>, now: Timestamp) -> anyhow::Result<Result<Diff, Objections>> {
    let objections = foreign(world, import).await?;
    if !objections.errors.is_empty() {
        return Ok(Err(objections));
    }
    let mut people = known_people(world, import.roster).await?;
    let mut tx = world.db.begin().await?;
    let stored = register::stored(&mut tx, import.owner).await?;
    register_new(world, &mut tx, (import.roster, &mut people), now).await?;
    let diff = diff(import.roster, &stored, &people);
    if let Some(objections) = guard::objection(&diff, &stored, import.accept_removals) {
        tx.rollback().await?;
        return Ok(Err(objections));
    }
    let mut carrying = Carrying::begin(import, &stored, &people);
    carrying.out(world, &mut tx, &diff, now).await?;
    if !carrying.objections.errors.is_empty() {
        tx.rollback().await?;
        return Ok(Err(carrying.objections));
    }
    carrying.forget(&mut tx, &diff, now).await?;
    // Everybody who logs in waits for the trail: last, and no longer than it takes.
    for some in carrying.told.chunks(TOLD_TOGETHER) {
        let events = some.iter().map(|told| carrying.event_of(told)).collect::<anyhow::Result<Vec<Event>>>()?;
        world.trail.append_all(&mut tx, &events, now).await?;
    }
    tx.commit().await?;
    Ok(Ok(diff))
}

/// Makes a school an owner's that no file has named yet: it is there from when one does. Whose it is, if it is somebody's
/// already.
pub async fn add_school(
    world: &World,
    owner: &Orgno,
    school: (&Orgno, &str),
    by: Actor,
    now: Timestamp,
) -> anyhow::Result<Option<Orgno>> {
    let mut tx = world.db.begin().await?;
    let Some(id) = register::enter_school(&mut tx, &world.chance, owner, school, now).await? else {
        tx.rollback().await?;
        return Ok(register::owner_of_school(world.db.pool(), school.0).await?);
    };
    register::remove_school(&mut tx, &id, now).await?;
    world.trail.append(&mut tx, &guard::school_added(owner, school, by), now).await?;
    tx.commit().await?;
    Ok(None)
}

/// Those of a roster whom we know. Looked up before anything is held: it can take a while.
async fn known_people(world: &World, roster: &Roster) -> anyhow::Result<Vec<Option<PersonId>>> {
    let fnrs: Vec<&Fnr> = roster.people.iter().map(|somebody| &somebody.fnr).collect();
    let known = Person::known(&world.db, &fnrs).await?;
    Ok(fnrs.into_iter().map(|fnr| known.get(fnr).cloned()).collect())
}

/// Registers the others.
async fn register_new(
    world: &World,
    tx: &mut Tx,
    (roster, people): (&Roster, &mut [Option<PersonId>]),
    now: Timestamp,
) -> anyhow::Result<()> {
    let new = roster.people.iter().zip(people.iter()).filter(|(_, known)| known.is_none());
    let new: Vec<&Fnr> = new.map(|(somebody, _)| &somebody.fnr).collect();
    if new.is_empty() {
        return Ok(());
    }
    let registered = Person::ensure_all(tx, &world.chance, &new, now).await?;
    for (somebody, known) in roster.people.iter().zip(people).filter(|(_, known)| known.is_none()) {
        *known = registered.get(&somebody.fnr).cloned();
    }
    Ok(())
}

/// The schools of a roster that are another owner's, or that a machine cannot make its owner's.
async fn foreign(world: &World, import: &Import<'_>) -> anyhow::Result<Objections> {
    let (mut objections, mut theirs) = (Objections::default(), Vec::new());
    for school in &import.roster.schools {
        match register::owner_of_school(world.db.pool(), &school.orgno).await? {
            Some(owner) if owner != *import.owner => {
                objections.add(school.place, FOREIGN);
                theirs.push(&school.orgno);
            }
            None if import.client.is_some() => objections.add(school.place, NEW),
            Some(_) | None => {}
        }
    }
    guard::note_foreign(world, import, &theirs).await?;
    Ok(objections)
}

/// School, class, person and title of a role.
type RoleKey<'a> = (&'a str, &'a str, &'a str, Title);

/// Something that is to be told in the trail, by its index in the roster or in what is stored: of many people there is
/// no more than that until it is told.
enum Told {
    Given(usize),
    Ended(usize),
    Come(usize),
    Gone(usize),
    Uncoupled(Box<Uncoupled>),
}

/// An employee who could issue to a pupil, and no longer can.
struct Uncoupled {
    class: String,
    employee: PersonId,
    pupil: PersonId,
    reason: &'static str,
}

/// An import on its way, with what has got its id meanwhile.
struct Carrying<'a> {
    import: &'a Import<'a>,
    stored: &'a Stored,
    schools: Vec<Option<SchoolId>>,
    classes: Vec<Option<ClassId>>,
    people: &'a [Option<PersonId>],
    /// The roles that were held before.
    roles: HashSet<RoleKey<'a>>,
    /// Who was in which class before.
    pupils: HashSet<(&'a str, &'a str)>,
    places: Places<'a>,
    /// What is to be told in the trail.
    told: Vec<Told>,
    objections: Objections,
}

impl<'a> Carrying<'a> {
    fn begin(import: &'a Import<'a>, stored: &'a Stored, people: &'a [Option<PersonId>]) -> Carrying<'a> {
        let known = Known::of(import.roster, stored, people);
        let role = |role: &'a StoredRole| (&*role.school, &*role.class, role.person.as_str(), role.title);
        let pupil = |pupil: &'a StoredPupil| (pupil.class.as_str(), pupil.person.as_str());
        Carrying {
            import,
            stored,
            schools: known.schools.into_iter().map(Option::<&SchoolId>::cloned).collect(),
            classes: known.classes.into_iter().map(Option::<&ClassId>::cloned).collect(),
            people,
            roles: stored.roles.iter().map(role).collect(),
            pupils: stored.pupils.iter().map(pupil).collect(),
            places: Places::of(stored),
            told: Vec::new(),
            objections: Objections::default(),
        }
    }

    /// Does it all, until something speaks against it.
    async fn out(&mut self, world: &World, tx: &mut Tx, diff: &Diff, now: Timestamp) -> anyhow::Result<()> {
        for step in &diff.steps {
            self.step(world, tx, *step, now).await?;
            if !self.objections.errors.is_empty() {
                return Ok(());
            }
        }
        let gone: Vec<usize> = diff.steps.iter().filter_map(|step| step.removed_pupil()).collect();
        for some in gone.chunks(TOGETHER) {
            let some: Vec<&StoredPupil> = some.iter().filter_map(|index| self.stored.pupils.get(*index)).collect();
            register::remove_pupils(tx, &some, now).await?;
        }
        self.told.extend(gone.into_iter().map(Told::Gone));
        let come: Vec<usize> = diff.steps.iter().filter_map(|step| step.put_pupil()).collect();
        for some in come.chunks(TOGETHER) {
            self.put_pupils(tx, some, now).await?;
        }
        Ok(())
    }

    /// All but the pupils, who are many.
    async fn step(&mut self, world: &World, tx: &mut Tx, step: Step, now: Timestamp) -> anyhow::Result<()> {
        let stored = self.stored;
        match step {
            Step::PutSchool(index) => self.put_school(world, tx, index, now).await?,
            Step::PutClass(index) => self.put_class(world, tx, index, now).await?,
            Step::GiveRole(index) => self.give(tx, index, now).await?,
            Step::EndRole(index) => self.end(tx, index, now).await?,
            Step::RemoveClass(index) => {
                if let Some(class) = stored.classes.get(index) {
                    register::remove_class(tx, &class.id, now).await?;
                }
            }
            Step::RemoveSchool(index) => {
                if let Some(school) = stored.schools.get(index) {
                    register::remove_school(tx, &school.id, now).await?;
                }
            }
            Step::PutPupil(_) | Step::RemovePupil(_) => {}
        }
        Ok(())
    }

    async fn put_school(&mut self, world: &World, tx: &mut Tx, index: usize, now: Timestamp) -> anyhow::Result<()> {
        let import = self.import;
        let (Some(school), Some(id)) = (import.roster.schools.get(index), self.schools.get_mut(index)) else {
            return Ok(());
        };
        if let Some(id) = id.as_ref() {
            register::keep_school(tx, id, &school.name).await?;
            return Ok(());
        }
        let named = (&school.orgno, school.name.as_str());
        *id = register::enter_school(tx, &world.chance, import.owner, named, now).await?;
        if id.is_none() {
            self.objections.add(school.place, FOREIGN);
        }
        Ok(())
    }

    async fn put_class(&mut self, world: &World, tx: &mut Tx, index: usize, now: Timestamp) -> anyhow::Result<()> {
        let import = self.import;
        let Some(class) = import.roster.classes.get(index) else { return Ok(()) };
        let Some(Some(school)) = self.schools.get(class.school) else { return Ok(()) };
        let Some(id) = self.classes.get_mut(index) else { return Ok(()) };
        if let Some(id) = id.as_ref() {
            register::keep_class(tx, id, &class.name).await?;
            return Ok(());
        }
        let named = (class.source_id.as_str(), class.name.as_str());
        *id = Some(register::enter_class(tx, &world.chance, school, named, now).await?);
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

    /// The ids of a school and a class of the roster.
    fn ids(&self, scope: Scope) -> (String, String) {
        let school = |index: usize| self.schools.get(index).and_then(Option::as_ref);
        let school = |index: usize| school(index).map_or(String::new(), |id| id.as_str().to_owned());
        match scope {
            Scope::Owner => (String::new(), String::new()),
            Scope::School(index) => (school(index), String::new()),
            Scope::Class(index) => {
                let of = self.import.roster.classes.get(index).map_or(String::new(), |class| school(class.school));
                let class = self.classes.get(index).and_then(Option::as_ref);
                (of, class.map_or(String::new(), |id| id.as_str().to_owned()))
            }
        }
    }

    async fn give(&mut self, tx: &mut Tx, index: usize, now: Timestamp) -> anyhow::Result<()> {
        let import = self.import;
        let Some(role) = import.roster.roles.get(index) else { return Ok(()) };
        let person = self.person(role.person)?;
        let (school, class) = self.ids(role.scope);
        // A role of a school must have a school, or it would be one of the owner's.
        anyhow::ensure!(role.scope == Scope::Owner || !school.is_empty(), "a role has lost its school");
        let has_class = !matches!(role.scope, Scope::Class(_)) || !class.is_empty();
        anyhow::ensure!(has_class, "a role has lost its class");
        let holding = Holding { owner: import.owner, school: &school, class: &class, person, title: role.title };
        register::give(tx, &holding, self.name(role.person), now).await?;
        if !self.roles.contains(&(school.as_str(), class.as_str(), person.as_str(), role.title)) {
            self.told.push(Told::Given(index));
        }
        Ok(())
    }

    async fn end(&mut self, tx: &mut Tx, index: usize, now: Timestamp) -> anyhow::Result<()> {
        let Some(role) = self.stored.roles.get(index) else { return Ok(()) };
        let (school, class) = (role.school.as_str(), role.class.as_str());
        let holding = Holding { owner: self.import.owner, school, class, person: &role.person, title: role.title };
        register::end(tx, &holding, now).await?;
        self.told.push(Told::Ended(index));
        Ok(())
    }

    /// Puts some of the roster's pupils in their classes.
    async fn put_pupils(&mut self, tx: &mut Tx, some: &[usize], now: Timestamp) -> anyhow::Result<()> {
        let mut rows: Vec<(&ClassId, &PersonId, &str)> = Vec::with_capacity(some.len());
        for index in some {
            let Some(pupil) = self.import.roster.pupils.get(*index) else { continue };
            let person = self.person(pupil.person)?;
            let Some(Some(class)) = self.classes.get(pupil.class) else { continue };
            rows.push((class, person, self.name(pupil.person)));
            if !self.pupils.contains(&(class.as_str(), person.as_str())) {
                self.told.push(Told::Come(*index));
            }
        }
        // Whoever has two numbers, an old one and a new one, can stand there twice.
        rows.sort_unstable_by_key(|(class, person, _)| (class.as_str(), person.as_str()));
        rows.dedup_by_key(|(class, person, _)| (*class, *person));
        Ok(register::put_pupils(tx, &rows, now).await?)
    }

    /// What the trail tells of something.
    fn event_of(&self, told: &Told) -> anyhow::Result<Event> {
        let (roster, stored) = (self.import.roster, self.stored);
        let lost = || anyhow::anyhow!("what is to be told is lost");
        Ok(match told {
            Told::Given(index) => {
                let role = roster.roles.get(*index).ok_or_else(lost)?;
                let event =
                    self.event("school-role-given", self.person(role.person)?, roster_place(roster, role.scope));
                event.with("role", role.title.name()).with("reason", "roster")
            }
            Told::Ended(index) => {
                let role = stored.roles.get(*index).ok_or_else(lost)?;
                let event = self.event("school-role-ended", &role.person, self.places.at(&role.school, &role.class));
                event.with("role", role.title.name()).with("reason", "left-role")
            }
            Told::Come(index) => {
                let pupil = roster.pupils.get(*index).ok_or_else(lost)?;
                let place = roster_place(roster, Scope::Class(pupil.class));
                self.event("school-pupil-added", self.person(pupil.person)?, place).with("reason", "roster")
            }
            Told::Gone(index) => {
                let StoredPupil { class, person, .. } = stored.pupils.get(*index).ok_or_else(lost)?;
                self.event("school-pupil-removed", person, self.places.at_class(class.as_str()))
                    .with("reason", "left-class")
            }
            Told::Uncoupled(uncoupled) => {
                let Uncoupled { class, employee, pupil, reason } = &**uncoupled;
                let event = self.event("school-uncoupled", pupil, self.places.at_class(class));
                event.with("employee", employee.as_str()).with("reason", *reason)
            }
        })
    }

    /// An entry without its reason. Whoever brings a file has no title at a school.
    fn event(&self, kind: &'static str, person: &PersonId, place: Place<'_>) -> Event {
        let mut event = Event::by(kind, person, self.import.actor.clone()).with("owner", self.import.owner.as_str());
        event = match self.import.client {
            Some(client) => event.with("client", client).with("role", "owner-system"),
            None => event.with("role", "operator"),
        };
        if let Some((school, orgno)) = place.school {
            event = event.with("school", school).with("school_orgno", orgno.as_str());
        }
        match place.class {
            Some(class) => event.with("class", class),
            None => event,
        }
    }

    /// What was decided of those who have no part in a class any more, and the codes that were shown by it.
    async fn forget(&mut self, tx: &mut Tx, diff: &Diff, now: Timestamp) -> anyhow::Result<()> {
        let stored = self.stored;
        let of_class = |role: &&StoredRole| !role.class.is_empty();
        let (mut employees, mut pupils): (Vec<&StoredRole>, Vec<&StoredPupil>) = (Vec::new(), Vec::new());
        for step in &diff.steps {
            match step {
                Step::EndRole(index) => employees.extend(stored.roles.get(*index).filter(of_class)),
                Step::RemovePupil(index) => pupils.extend(stored.pupils.get(*index)),
                _ => {}
            }
        }
        let of_pupils = pupils.iter().map(|pupil| pupil.class.as_str());
        let classes: BTreeSet<&str> = employees.iter().map(|role| role.class.as_str()).chain(of_pupils).collect();
        for class in classes {
            register::hold_class(tx, class).await?;
        }
        let mut uncoupled = Vec::new();
        // Who issues before to whom, as whoever issues holds them.
        for role in employees {
            if register::title_in(&mut **tx, &role.person, &role.class).await?.is_some() {
                continue;
            }
            for pupil in coupling::forget_employee(tx, &role.class, &role.person).await? {
                let (class, employee) = (role.class.clone(), role.person.clone());
                uncoupled.push(Uncoupled { class, employee, pupil, reason: "left-role" });
            }
        }
        for some in pupils.chunks(TOGETHER) {
            let found = coupling::forget_pupils(tx, some).await?.into_iter();
            uncoupled.extend(found.map(|(class, employee, pupil)| Uncoupled {
                class: class.as_str().to_owned(),
                employee,
                pupil,
                reason: "left-class",
            }));
        }
        let over = uncoupled.iter().map(|Uncoupled { class, employee, pupil, .. }| (class.as_str(), employee, pupil));
        coupling::end_codes(tx, over, now).await?;
        self.told.extend(uncoupled.into_iter().map(|uncoupled| Told::Uncoupled(Box::new(uncoupled))));
        Ok(())
    }
}

/// A place of the roster.
fn roster_place(roster: &Roster, scope: Scope) -> Place<'_> {
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
        let roster = Reader { owner: &owner, people }.plain(text.as_bytes()).unwrap();
        // At first all is new.
        let first = diff(&roster, &Stored::default(), &[None, None]);
        assert_eq!((first.schools.added, first.classes.added, first.roles.added, first.pupils.added), (1, 1, 1, 1));
        assert_eq!(
            first.steps,
            [Step::PutSchool(0), Step::PutClass(0), Step::GiveRole(0), Step::PutPupil(0)],
            "{first:?}"
        );
        assert!(!first.lines.iter().any(|line| line.contains("A B") || line.contains("C D")), "{first:?}");
        assert!(first.lines.contains(&"+ subject-teacher in 10A at S (row 3)".to_owned()), "{first:?}");
        // Nothing is known of anybody: people alone do not make a change.
        assert!(!diff(&roster, &Stored::default(), &[Some(id("a")), Some(id("c"))]).is_empty());
    }
}
