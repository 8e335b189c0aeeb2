//! `porten person two-accounts`: people with another number, who have an account by the old one and one by the new one.

use authenticators::person::{Fnr, Person};
use authenticators::trail::{Actor, Event};
use authenticators::world::World;
use idp::numbers;
use serde_json::{Value, json};

use super::desk::Support;
use super::world;
use crate::open::Place;
use crate::say;

/// Lists them. That somebody looked is written down on each account.
pub(super) async fn run(place: &Place, support: &Support, as_json: bool) -> anyhow::Result<()> {
    let (opened, vault, population) = (place.open().await?, place.vault()?, place.population()?);
    let world = World { population, ..world(opened, vault)? };
    let all = numbers::due(&world).await?.conflicts;
    for one in &all {
        // Nobody sees anything before it is written down that they do.
        look(&world, &one.had, support).await?;
        look(&world, &one.has, support).await?;
    }
    if as_json {
        let all: Vec<Value> = all.iter().map(|one| json!({ "had": one.had, "has": one.has })).collect();
        say(&serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    if all.is_empty() {
        say("Nobody.");
    }
    for one in &all {
        say(&format!("had {}  has {}", one.had.as_str(), one.has.as_str()));
    }
    Ok(())
}

async fn look(world: &World, fnr: &Fnr, Support { case, by }: &Support) -> anyhow::Result<()> {
    let Some(person) = Person::by_fnr(world.db.pool(), fnr).await? else { return Ok(()) };
    let event = Event::by("looked-up", &person.id, Actor::Operator(by.clone())).with("case", case.as_str());
    world.trail.write(event, world.clock.now()).await
}
