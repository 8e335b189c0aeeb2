//! Whoever has another number than before, as the population register tells, keeps their account under it: a D-number
//! becomes a fødselsnummer, or a fødselsnummer was wrong.

use std::collections::HashMap;

use anyhow::Context;
use authenticators::account;
use authenticators::clock::Timestamp;
use authenticators::person::{Fnr, Person, PersonId};
use authenticators::trail::{Actor, Event};
use authenticators::world::World;

use crate::app::App;

/// Of how many numbers the database is asked at once.
const AT_ONCE: usize = 500;

/// Somebody who has another number than the one that their account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renumbered {
    /// Whose account it is.
    pub person: PersonId,
    /// The number that it has.
    pub had: Fnr,
    /// The number that they have.
    pub has: Fnr,
}

/// What there is to do.
#[derive(Debug, Default)]
pub struct Due {
    /// These accounts get the other number.
    pub changes: Vec<Renumbered>,
    /// These do not: somebody has an account by the other number already, or two of them would get the same one. Whose is
    /// whose the support desk finds out.
    pub conflicts: Vec<Renumbered>,
}

/// Gives accounts the numbers that their people have by now. One that cannot be changed keeps no other from it.
pub async fn change_all(app: &App, now: Timestamp) -> anyhow::Result<()> {
    let (Due { changes, mut conflicts }, at_most) = (due(&app.world).await?, app.config.minid.new_numbers_a_day);
    if u32::try_from(changes.len()).map_or(true, |count| count > at_most) {
        let people = changes.len();
        tracing::error!(alarm = "new-numbers", people, at_most, "the register tells too many new numbers");
        return Ok(());
    }
    let mut failed = 0;
    for one in changes {
        match change(app, &one, now).await {
            Ok(true) => {}
            Ok(false) => conflicts.push(one),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "somebody with another number keeps the old one");
                failed += 1;
            }
        }
    }
    if !conflicts.is_empty() {
        let accounts = conflicts.len();
        tracing::warn!(accounts, "people with another number have two accounts: see porten person two-accounts");
    }
    anyhow::ensure!(failed == 0, "{failed} people with another number keep the old one");
    Ok(())
}

/// False if somebody else has got that number meanwhile.
async fn change(app: &App, one: &Renumbered, now: Timestamp) -> anyhow::Result<bool> {
    let person = Person::by_id(app.world.db.pool(), &one.person).await?.context("an account that is gone")?;
    // The desk was faster.
    if person.fnr != one.had {
        return Ok(true);
    }
    let event = Event::by("number-changed", &person.id, Actor::Register);
    account::change_number(&app.world, &person, &one.has, &event, now).await
}

/// Whose accounts have another number than the register tells.
pub async fn due(world: &World) -> anyhow::Result<Due> {
    let renumbered = world.population.renumbered().await?;
    let (mut all, mut holders) = (Vec::new(), HashMap::new());
    for some in renumbered.chunks(AT_ONCE) {
        let had: Vec<&Fnr> = some.iter().map(|(had, _)| had).collect();
        let mut people = Person::with_numbers(&world.db, &had).await?;
        let found = some.iter().filter_map(|(had, has)| {
            let person = people.remove(had)?;
            Some(Renumbered { person, had: had.clone(), has: has.clone() })
        });
        let found: Vec<Renumbered> = found.collect();
        let has: Vec<&Fnr> = found.iter().map(|one| &one.has).collect();
        holders.extend(Person::known(&world.db, &has).await?);
        all.extend(found);
    }
    Ok(sorted(all, &holders))
}

/// Tells those who can get their number from those who cannot.
fn sorted(all: Vec<Renumbered>, holders: &HashMap<Fnr, PersonId>) -> Due {
    let mut wanted: HashMap<Fnr, usize> = HashMap::new();
    for one in &all {
        *wanted.entry(one.has.clone()).or_default() += 1;
    }
    let is_free = |one: &Renumbered| {
        let is_held = holders.get(&one.has).is_some_and(|holder| *holder != one.person);
        !is_held && wanted.get(&one.has) == Some(&1)
    };
    let (changes, conflicts) = all.into_iter().partition(is_free);
    Due { changes, conflicts }
}
