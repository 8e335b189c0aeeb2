//! What the trail tells of a school owner's files, of what is registered for an owner, and of what somebody was denied.

use authenticators::trail::{Actor, Event};
use authenticators::world::World;

use super::coupling::{self, Refused};
use super::import::{Changes, Diff, Import, Sender};
use super::register::{Administrator, Class, Orgno, Owner, Title};

/// What is told of a file that was taken in: for the owner, beside what each of its people is told.
pub(super) fn imported(import: &Import<'_>, diff: &Diff) -> Event {
    let event = Event::of_organisation("school-imported", import.owner.as_str(), import.actor.clone());
    let all = [("schools", diff.schools), ("classes", diff.classes), ("roles", diff.roles), ("pupils", diff.pupils)];
    let event = all.into_iter().fold(event, |event, (name, changes)| {
        let Changes { added, changed, removed } = changes;
        event.with(name, format!("{added} added, {changed} changed, {removed} removed"))
    });
    let event = match import.accept_removals.filter(|_| diff.accept_removals.is_some()) {
        Some(mark) => event.with("accept_removals", mark),
        None => event,
    };
    sent_by(import, event).with("reason", "roster")
}

/// How much a file changed of something, as it was told.
pub(super) fn changes(told: &str) -> Option<Changes> {
    let mut numbers = told.split(", ").map(|part| part.split(' ').next()?.parse().ok());
    Some(Changes { added: numbers.next()??, changed: numbers.next()??, removed: numbers.next()?? })
}

/// With who has sent a file.
pub(super) fn sent_by(import: &Import<'_>, event: Event) -> Event {
    match import.sender {
        Sender::Operator => event.with("role", "operator"),
        Sender::System(client) => event.with("client", client).with("role", "owner-system"),
        Sender::Staff => event.with("role", Title::Owner.name()),
    }
}

/// What is told of an owner that was registered.
pub(super) fn owner_added(owner: &Owner, by: Actor) -> Event {
    Event::of_organisation("school-owner-added", owner.orgno.as_str(), by).with("owner", owner.name.as_str())
}

/// What is told of a school that was made an owner's.
pub(super) fn school_added(owner: &Orgno, (orgno, name): (&Orgno, &str), by: Actor) -> Event {
    let event = Event::of_organisation("school-added", owner.as_str(), by);
    event.with("school", name).with("school_orgno", orgno.as_str())
}

/// Tells of a file that names schools of others. Nothing is taken in, and somebody should ask why.
pub(super) async fn note_foreign(world: &World, import: &Import<'_>, schools: &[&Orgno]) -> anyhow::Result<()> {
    let Some(first) = schools.first() else { return Ok(()) };
    let event = Event::of_organisation("school-denied", import.owner.as_str(), import.actor.clone());
    let event = event.with("reason", "foreign-school").with("school_orgno", first.as_str());
    let event = sent_by(import, event.with("schools", schools.len()));
    world.trail.write(event, world.clock.now()).await
}

/// What is told of somebody of the administration who wants decided what they may not decide.
pub fn denied(why: Refused, by: &Administrator, class: &Class) -> Event {
    let reason = match why {
        Refused::NotTheirs => "not-theirs",
        Refused::Oneself => "oneself",
        Refused::NotInClass => "not-in-class",
    };
    let event = Event::by_oneself("school-denied", by.person()).with("reason", reason);
    coupling::placed(event, by.title(), by.school(), class)
}
