//! A school that goes to another owner, as when municipalities are split or joined.
//!
//! What a school may do rests on its owner's files. So all that came from the old owner's ends at once: each role, all that
//! was decided by it, and the codes that were shown. Classes and pupils stay as they are, where nobody sees them, until a
//! file of the new owner says who is there; then a school's administration decides anew.

use std::collections::BTreeSet;

use authenticators::clock::Timestamp;
use authenticators::person::PersonId;
use authenticators::trail::{Actor, Event};
use authenticators::world::World;
use migrations::Tx;

use super::coupling;
use super::register::{self, Class, Member, Orgno, Owner, School, StoredRole};

/// A move that somebody wants.
pub struct Move<'a> {
    /// The school.
    pub school: &'a Orgno,
    /// Whose it is to be.
    pub to: &'a Orgno,
    /// Why: the law, the case.
    pub reason: &'a str,
    /// Who moves it.
    pub by: Actor,
}

/// Why a school stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is nobody's: the first file that names it makes it its owner's.
    NoSchool,
    /// No such owner is registered.
    NoOwner,
    /// It is that owner's already.
    Theirs,
}

/// What a move does.
#[derive(Debug)]
pub struct Moved {
    /// The school, as it was before.
    pub school: School,
    /// Whose it was.
    pub from: Owner,
    /// Whose it is from then on.
    pub to: Owner,
    /// The roles that end.
    pub roles: usize,
    /// The pairs of whom one could issue to the other, and no longer can.
    pub couplings: usize,
    /// The classes that stay.
    pub classes: usize,
    /// The places of pupils in them.
    pub pupils: usize,
}

/// What a move would do, and nothing is done.
pub async fn preview(world: &World, wish: &Move<'_>, now: Timestamp) -> anyhow::Result<Result<Moved, Refused>> {
    let mut tx = world.db.begin().await?;
    let done = carry_out(&mut tx, wish, now).await?;
    tx.rollback().await?;
    Ok(done.map(|done| done.moved))
}

/// Moves a school, whole or not at all.
pub async fn apply(world: &World, wish: &Move<'_>, now: Timestamp) -> anyhow::Result<Result<Moved, Refused>> {
    let mut tx = world.db.begin().await?;
    let done = match carry_out(&mut tx, wish, now).await? {
        Ok(done) => done,
        Err(why) => {
            tx.rollback().await?;
            return Ok(Err(why));
        }
    };
    // Everybody who logs in waits for the trail: last, and no longer than it takes.
    world.trail.append_all(&mut tx, &done.events, now).await?;
    tx.commit().await?;
    Ok(Ok(done.moved))
}

/// A move that was carried out, and what is to be told of it.
struct Done {
    moved: Moved,
    events: Vec<Event>,
}

async fn carry_out(tx: &mut Tx, wish: &Move<'_>, now: Timestamp) -> anyhow::Result<Result<Done, Refused>> {
    let Some(to) = register::owner(&mut **tx, wish.to).await? else { return Ok(Err(Refused::NoOwner)) };
    let Some(owner) = register::owner_of_school(&mut **tx, wish.school).await? else {
        return Ok(Err(Refused::NoSchool));
    };
    // A file of one of the two that is being taken in is waited for; in one order, for whoever moves one back.
    for owner in BTreeSet::from([&owner, &to.orgno]) {
        register::change(tx, owner).await?;
    }
    let school = register::school_with(&mut **tx, wish.school).await?;
    let Some(school) = school.filter(|school| school.owner == owner) else { return Ok(Err(Refused::NoSchool)) };
    let Some(from) = register::owner(&mut **tx, &owner).await? else { return Ok(Err(Refused::NoSchool)) };
    if from.orgno == to.orgno {
        return Ok(Err(Refused::Theirs));
    }
    let mut classes = register::classes(&mut **tx, &school.id).await?;
    classes.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let mut telling = Telling { wish, school: &school, from: &from, events: Vec::new() };
    let roles = register::roles_at(tx, &school).await?;
    register::end(tx, &owner, &roles.iter().collect::<Vec<_>>(), now).await?;
    for role in &roles {
        telling.of_role(role, classes.iter().find(|class| class.id.as_str() == role.class));
    }
    register::hold_classes(tx, &classes.iter().map(|class| class.id.as_str()).collect::<Vec<_>>()).await?;
    let (mut uncoupled, mut pupils) = (Vec::new(), 0);
    for class in &classes {
        for (employee, pupil) in coupling::forget_class(tx, &class.id).await? {
            telling.of_coupling(class, &employee, &pupil);
            uncoupled.push((&class.id, employee, pupil));
        }
        let members = register::members(&mut **tx, &class.id).await?;
        pupils += members.len();
        telling.of_pupils(class, &members);
    }
    telling.of_owners();
    let couplings = uncoupled.len();
    let over = uncoupled.iter().map(|(class, employee, pupil)| (class.as_str(), employee, pupil));
    coupling::end_codes(tx, over, now).await?;
    register::change_owner(tx, &school.id, &to.orgno).await?;
    let events = telling.events;
    let moved = Moved { roles: roles.len(), couplings, classes: classes.len(), pupils, school, from, to };
    Ok(Ok(Done { moved, events }))
}

/// What is told of a move.
struct Telling<'a> {
    wish: &'a Move<'a>,
    school: &'a School,
    from: &'a Owner,
    events: Vec<Event>,
}

impl Telling<'_> {
    fn event(&self, kind: &'static str, person: &PersonId, class: Option<&Class>) -> Event {
        let event = self.placed(Event::by(kind, person, self.wish.by.clone()));
        match class {
            Some(class) => event.with("class", class.name.as_str()),
            None => event,
        }
    }

    fn placed(&self, event: Event) -> Event {
        let event = event.with("school", self.school.name.as_str());
        let event = event.with("school_orgno", self.school.orgno.as_str()).with("role", "operator");
        let event = event.with("owner", self.from.orgno.as_str()).with("to", self.wish.to.as_str());
        event.with("reason", self.wish.reason)
    }

    /// Whose it was and whose it is.
    fn of_owners(&mut self) {
        for owner in [&self.from.orgno, self.wish.to] {
            let event = Event::of_organisation("school-moved", owner.as_str(), self.wish.by.clone());
            self.events.push(self.placed(event));
        }
    }

    fn of_role(&mut self, role: &StoredRole, class: Option<&Class>) {
        let event = self.event("school-role-ended", &role.person, class);
        self.events.push(event.with("role", role.title.name()));
    }

    fn of_coupling(&mut self, class: &Class, employee: &PersonId, pupil: &PersonId) {
        let event = self.event("school-uncoupled", pupil, Some(class));
        self.events.push(event.with("employee", employee.as_str()));
    }

    fn of_pupils(&mut self, class: &Class, members: &[Member]) {
        for member in members {
            self.events.push(self.event("school-moved", &member.person, Some(class)));
        }
    }
}
