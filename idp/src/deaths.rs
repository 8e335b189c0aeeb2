//! Whoever has died, as the population register tells, is nobody's login any more: their accounts are closed.

use authenticators::account;
use authenticators::clock::Timestamp;
use authenticators::person::{DEATH, Person, PersonId};
use authenticators::trail::{Actor, Event};

use crate::app::App;
use crate::{consent, session_list};

/// Of how many the register tells at once.
const AT_ONCE: usize = 500;

/// Closes the accounts of those who have died since it was last done. One that cannot be closed keeps no other from it.
pub async fn close_all(app: &App, now: Timestamp) -> anyhow::Result<()> {
    let (people, at_most) = (newly_dead(app, now).await?, app.config.minid.deaths_a_day);
    if u32::try_from(people.len()).map_or(true, |count| count > at_most) {
        tracing::error!(alarm = "deaths", people = people.len(), at_most, "the register tells too many dead");
        return Ok(());
    }
    let mut failed = 0;
    for person in people {
        if let Err(error) = close(app, &person, now).await {
            tracing::error!(%error, "the account of somebody who has died stays open");
            failed += 1;
        }
    }
    anyhow::ensure!(failed == 0, "{failed} accounts of people who have died stay open");
    Ok(())
}

async fn newly_dead(app: &App, now: Timestamp) -> anyhow::Result<Vec<PersonId>> {
    let (mut people, mut after) = (Vec::new(), None);
    loop {
        let dead = app.world.population.dead(after.as_ref(), AT_ONCE, now).await?;
        people.extend(Person::not_known_dead(&app.world.db, &dead).await?);
        match dead.last() {
            Some(last) if dead.len() == AT_ONCE => after = Some(last.clone()),
            _ => return Ok(people),
        }
    }
}

/// Nobody is told: a message to their telephone would reach those who mourn.
async fn close(app: &App, person: &PersonId, now: Timestamp) -> anyhow::Result<()> {
    let event = Event::by("closed", person, Actor::Register).with("reason", DEATH);
    // First, so that whatever fails can be tried again.
    consent::lapse(&app.world.db, person, now).await?;
    session_list::end_all(app, person, None, now).await?;
    account::close(&app.world, person, DEATH, &event, now).await.map(|_| ())
}
