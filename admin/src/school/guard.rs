//! What keeps whoever brings a file, or sits at the desk, from more than they mean or may, and what is told of it.
//!
//! What a file would end is looked at before it is taken in: a file that is cut short is as valid as a whole one, and what
//! it does not name would end, with all that was decided.

use std::collections::{HashMap, HashSet};

use authenticators::clock::Timestamp;
use authenticators::person::PersonId;
use authenticators::trail::{Actor, Event};
use authenticators::world::World;
use idp::params::Params;

use super::coupling::{self, Decisions, Refused};
use super::import::{Changes, Diff, Import};
use super::register::{self, Administrator, Class, Orgno, Owner, Stored};
use super::roster::{Objections, Roster, RowError};
use super::sketch;

/// As many may go as come to an end in any week.
const FEW: usize = 20;
/// One of so many is as much as a term may end.
const SHARE: usize = 5;
/// Of a school one year in three may leave, and not half; unless it is as few as any family.
const A_SCHOOLS_FEW: usize = 5;

/// How many schools, classes, roles and pupils go, if so many of the owner's people go that somebody has to have seen it
/// first. Who is in another class, as each autumn, has not gone.
pub(super) fn much_goes(
    diff: &Diff,
    (roster, stored): (&Roster, &Stored),
    people: &[Option<PersonId>],
) -> Option<usize> {
    let known = |index: usize| people.get(index).and_then(Option::as_ref);
    let staff: HashSet<&PersonId> = roster.roles.iter().filter_map(|role| known(role.person)).collect();
    let pupils: HashSet<&PersonId> = roster.pupils.iter().filter_map(|pupil| known(pupil.person)).collect();
    let is_much = |before: HashSet<&PersonId>, after: &HashSet<&PersonId>| {
        let gone = before.iter().filter(|person| !after.contains(*person)).count();
        gone >= FEW && gone * SHARE > before.len()
    };
    let much = diff.schools.removed > 0
        || is_much(stored.roles.iter().map(|role| &role.person).collect(), &staff)
        || is_much(stored.pupils.iter().map(|pupil| &pupil.person).collect(), &pupils)
        || halves_a_school(stored, &pupils);
    let all = [diff.schools, diff.classes, diff.roles, diff.pupils];
    much.then(|| all.iter().map(|changes| changes.removed).sum())
}

/// Whether more than half of a school's pupils would be nowhere at the owner's.
fn halves_a_school(stored: &Stored, after: &HashSet<&PersonId>) -> bool {
    let school_of: HashMap<&str, &str> =
        stored.classes.iter().map(|class| (class.id.as_str(), class.school.as_str())).collect();
    let mut schools: HashMap<&str, HashSet<&PersonId>> = HashMap::new();
    for pupil in &stored.pupils {
        let school = school_of.get(pupil.class.as_str()).copied().unwrap_or_default();
        schools.entry(school).or_default().insert(&pupil.person);
    }
    schools.into_values().any(|before| {
        let gone = before.iter().filter(|person| !after.contains(*person)).count();
        gone >= A_SCHOOLS_FEW && gone * 2 > before.len()
    })
}

/// Speaks against what would end too much, until whoever sends it says how much that is: who has looked at a preview knows
/// the number, and a file that has changed since has another.
pub(super) fn objection(diff: &Diff, stored: &Stored, accepted: Option<usize>) -> Option<Objections> {
    let count = diff.accept_removals.filter(|count| accepted != Some(*count))?;
    let there = |is_there: bool| usize::from(is_there);
    let schools: usize = stored.schools.iter().map(|school| there(school.removed_at.is_none())).sum();
    let classes: usize = stored.classes.iter().map(|class| there(class.removed_at.is_none())).sum();
    let detail = format!(
        "{} of {schools} schools, {} of {classes} classes, {} of {} roles and {} of {} pupils would be gone",
        diff.schools.removed,
        diff.classes.removed,
        diff.roles.removed,
        stored.roles.len(),
        diff.pupils.removed,
        stored.pupils.len(),
    );
    Some(Objections { errors: vec![RowError { file: "", row: 0, detail }], more: 0, accept_removals: Some(count) })
}

/// What is told of a file that was taken in: for the owner, beside what each of its people is told.
pub(super) fn imported(import: &Import<'_>, diff: &Diff) -> Event {
    let event = Event::of_organisation("school-imported", import.owner.as_str(), import.actor.clone());
    let all = [("schools", diff.schools), ("classes", diff.classes), ("roles", diff.roles), ("pupils", diff.pupils)];
    let event = all.into_iter().fold(event, |event, (name, changes)| {
        let Changes { added, changed, removed } = changes;
        event.with(name, format!("{added} added, {changed} changed, {removed} removed"))
    });
    let event = match import.accept_removals.filter(|_| diff.accept_removals.is_some()) {
        Some(count) => event.with("accept_removals", count),
        None => event,
    };
    sent_by(import, event).with("reason", "roster")
}

/// With the client that has sent a file, if one has.
fn sent_by(import: &Import<'_>, event: Event) -> Event {
    match import.client {
        Some(client) => event.with("client", client).with("role", "owner-system"),
        None => event.with("role", "operator"),
    }
}

/// Registers an owner, and tells who has done so; false and unchanged if it is there.
pub async fn add_owner(world: &World, owner: &Owner, by: Actor, now: Timestamp) -> anyhow::Result<bool> {
    let mut tx = world.db.begin().await?;
    if !register::add_owner(&mut *tx, owner, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    let event = Event::of_organisation("school-owner-added", owner.orgno.as_str(), by);
    world.trail.append(&mut tx, &event.with("owner", owner.name.as_str()), now).await?;
    tx.commit().await?;
    Ok(true)
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

/// Whether a form decides something of whoever sends it: no page has a field for that.
pub fn decides_of_oneself(form: &Params, decisions: &Decisions, own: &PersonId) -> bool {
    let class = &decisions.class.id;
    let of_them = decisions.pupils.iter().map(|pupil| sketch::pair_field(class, own, &pupil.person));
    let to_them = decisions.employees.iter().map(|employee| sketch::pair_field(class, &employee.person, own));
    let mut fields = [sketch::employee_field(class, own)].into_iter().chain(of_them).chain(to_them);
    fields.any(|field| form.all(&field).next().is_some())
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
