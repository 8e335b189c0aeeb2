//! Once a day it is seen what the population register tells of those whom we know: who has died, and who has another
//! number.

use std::time::Duration;

use authenticators::chance::TokenHash;
use authenticators::clock::Timestamp;
use authenticators::scratch::Kept;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::{deaths, numbers};

/// The pass of this day has been made, or is under way: one node makes it.
#[derive(Serialize, Deserialize)]
struct Passed;

impl Kept for Passed {
    const KIND: &'static str = "day";
    const FOR: Duration = Duration::from_hours(24);
}

/// Makes the pass of this day, if nobody has.
pub async fn pass(app: &App, now: Timestamp) -> anyhow::Result<()> {
    let day = (now.seconds() / 86_400).to_string();
    let key = TokenHash::of(app.world.vault.hash("pass of a day", &day).as_str());
    if !app.world.scratch.claim(&key, &Passed, now).await? {
        return Ok(());
    }
    app.world.population.refresh().await;
    // Whoever has died is not told of a new number.
    let done = [deaths::close_all(app, now).await, numbers::change_all(app, now).await];
    if done.iter().any(Result::is_err) {
        // It is made again soon: whoever is closed or has the number already is left alone.
        app.world.scratch.take::<Passed>(&key, now).await?;
    }
    done.into_iter().collect()
}
