//! What the trail tells of a school owner's files, of what is registered for an owner, and of what somebody was denied.

use std::time::Duration;

use authenticators::clock::Timestamp;
use authenticators::person::PersonId;
use authenticators::trail::{Actor, Event};
use authenticators::world::World;

use super::coupling::{self, Refused};
use super::import::{Changes, Diff, Import, Place, Sender};
use super::register::{self, Administrator, Class, Orgno, Owner, Title};

/// What is told of a file that was taken in: for the owner, beside what each of its people is told.
pub(super) fn imported(import: &Import<'_>, diff: &Diff) -> Event {
    let event = Event::of_organisation("school-imported", import.owner.as_str(), import.actor.clone());
    let all = [("schools", diff.schools), ("classes", diff.classes), ("roles", diff.roles), ("pupils", diff.pupils)];
    let event = all.into_iter().fold(event, |event, (name, changes)| {
        let Changes { added, changed, removed } = changes;
        event.with(name, format!("{added} added, {changed} changed, {removed} removed"))
    });
    let event = match diff.left_out {
        0 => event,
        count => event.with("left_out", count),
    };
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

/// With the place that an entry is of.
pub(super) fn at(mut event: Event, place: Place<'_>) -> Event {
    if let Some((school, orgno)) = place.school {
        event = event.with("school", school).with("school_orgno", orgno.as_str());
    }
    match place.class {
        Some(class) => event.with("class", class),
        None => event,
    }
}

/// What is told of an owner that was registered.
pub(super) fn owner_added(owner: &Owner, why: Why<'_>) -> Event {
    why.told("school-owner-added", &owner.orgno).with("owner", owner.name.as_str())
}

/// What is told of a school that was made an owner's.
pub(super) fn school_added(owner: &Orgno, (orgno, name): (&Orgno, &str), why: Why<'_>) -> Event {
    at(why.told("school-added", owner), Place { school: Some((name, orgno)), class: None })
}

/// What is told of an owner's numbers that whoever runs Porten has looked at.
pub async fn note_report(world: &World, owner: &Orgno, form: &str, why: Why<'_>) -> anyhow::Result<()> {
    let event = why.told("school-report-read", owner).with("form", form);
    world.trail.write(event, world.clock.now()).await
}

/// What is told of an owner's people whose names whoever runs Porten has looked at beside a file.
pub async fn note_names(world: &World, owner: &Orgno, why: Why<'_>) -> anyhow::Result<()> {
    world.trail.write(why.told("school-names-read", owner), world.clock.now()).await
}

/// Who of those who run Porten does something, and why.
#[derive(Debug, Clone)]
pub struct Why<'a> {
    /// Who.
    pub by: Actor,
    /// Why, in their words.
    pub reason: &'a str,
}

impl Why<'_> {
    /// What is told of something that they did for an owner.
    fn told(self, kind: &'static str, owner: &Orgno) -> Event {
        let event = Event::of_organisation(kind, owner.as_str(), self.by);
        event.with("role", "operator").with("reason", self.reason)
    }
}

/// Tells of a file that names schools which are not its owner's. Nothing is taken in, and somebody should ask why.
pub(super) async fn note_not_theirs(
    world: &World,
    import: &Import<'_>,
    (reason, schools): (&'static str, &[&Orgno]),
) -> anyhow::Result<()> {
    let Some(first) = schools.first() else { return Ok(()) };
    let event = Event::of_organisation("school-denied", import.owner.as_str(), import.actor.clone());
    let event = event.with("reason", reason).with("school_orgno", first.as_str());
    let event = sent_by(import, event.with("schools", schools.len()));
    world.trail.write(event, world.clock.now()).await
}

/// A page that somebody asked for and that is not theirs.
pub(super) struct Reached<'a> {
    /// Who.
    pub(super) by: &'a PersonId,
    /// The path of its route, with a name where each id stands.
    pub(super) route: &'a str,
    /// The path of the page.
    pub(super) path: &'a str,
}

impl Reached<'_> {
    /// Tells them that they were denied it, by which they learn nothing of what is there; and the owner whose it is, for
    /// which school and class.
    pub(super) async fn note(&self, world: &World, now: Timestamp) -> anyhow::Result<()> {
        let db = world.db.pool();
        let Some(is_last) = is_told(world, self.by.as_str(), now).await? else { return Ok(()) };
        let role = register::some_title(db, self.by).await?.map_or("none", Title::name);
        let told = |event: Event| {
            let event = event.with("route", self.route).with("role", role).with("reason", "not-theirs");
            if is_last { event.with("more", true) } else { event }
        };
        world.trail.note(told(Event::by_oneself("school-denied", self.by)), now).await;
        let class = match self.id("{class}") {
            Some(id) => register::class(db, id).await?,
            None => None,
        };
        let school = match self.id("{school}").or(class.as_ref().map(|class| class.school.as_str())) {
            Some(id) => register::school(db, id).await?,
            None => None,
        };
        let owner = match (&school, self.id("{owner}").and_then(Orgno::parse)) {
            (Some(school), _) => Some(school.owner.clone()),
            (None, Some(owner)) => register::owner(db, &owner).await?.map(|owner| owner.orgno),
            (None, None) => None,
        };
        let Some(owner) = owner else { return Ok(()) };
        let place = Place {
            school: school.as_ref().map(|school| (school.name.as_str(), &school.orgno)),
            class: class.as_ref().map(|class| class.name.as_str()),
        };
        let by = Actor::Person(self.by.clone());
        let event = told(Event::of_organisation("school-denied", owner.as_str(), by));
        world.trail.note(at(event, place), now).await;
        Ok(())
    }

    /// What stands in the path where the route has this name.
    fn id(&self, name: &str) -> Option<&str> {
        let mut parts = self.route.split('/').zip(self.path.split('/'));
        parts.find(|(part, _)| *part == name).map(|(_, id)| id)
    }
}

/// Tells of somebody who has logged in, and is left outside.
pub(super) async fn note_turned_away(
    world: &World,
    person: &PersonId,
    reason: &'static str,
    now: Timestamp,
) -> anyhow::Result<()> {
    let Some(is_last) = is_told(world, person.as_str(), now).await? else { return Ok(()) };
    let role = register::some_title(world.db.pool(), person).await?.map_or("none", Title::name);
    let event = Event::by_oneself("school-denied", person).with("role", role).with("reason", reason);
    let event = if is_last { event.with("more", true) } else { event };
    world.trail.note(event, now).await;
    Ok(())
}

/// Tells of a machine that came with a good token, and was denied what it asked for.
pub async fn note_machine(
    world: &World,
    (owner, client): (&Orgno, &str),
    route: &str,
    reason: &'static str,
) -> anyhow::Result<()> {
    let (by, now) = (Actor::Organisation(owner.as_str().to_owned()), world.clock.now());
    let Some(is_last) = is_told(world, client, now).await? else { return Ok(()) };
    let event = Event::of_organisation("school-denied", owner.as_str(), by).with("client", client);
    let event = event.with("route", route).with("role", "owner-system").with("reason", reason);
    world.trail.write(if is_last { event.with("more", true) } else { event }, now).await
}

/// Denials of one person or client that are told in an hour. The last one says that there may be more: whoever asks again
/// and again fills nobody's trail, and holds nobody up who has to write in it.
pub const DENIALS_AT_MOST: i64 = 100;

/// Whether another denial of somebody is told, and as the last one.
async fn is_told(world: &World, whose: &str, now: Timestamp) -> anyhow::Result<Option<bool>> {
    let count = world.scratch.count(&format!("school denials of {whose}"), Duration::from_hours(1), now).await?;
    Ok((count <= DENIALS_AT_MOST).then_some(count == DENIALS_AT_MOST))
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
