//! Letters that somebody was told are ordered, until they are: a queue that outlasts the program, table `letter_wanted`.
//!
//! Whoever asks for a letter is answered before anybody looks up whether there is somebody to send it to: the time that
//! the answer takes tells nothing. Until that has been done what they asked for lies here, sealed.

use std::time::Duration;

use anyhow::Context;
use migrations::Db;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::contact::Phone;
use crate::person::Fnr;
use crate::queue::{AT_ONCE, Place};
use crate::world::World;

/// After that whoever asked has long ordered another, or called support.
const GIVEN_UP: Duration = Duration::from_hours(7 * 24);

/// What somebody has asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// For whom.
    pub fnr: Fnr,
    /// The telephone of whoever asked.
    pub phone: Phone,
    /// The language of the page on which they asked.
    pub language: String,
    /// Where they were, for the trail.
    pub details: Map<String, Value>,
}

/// One that waits.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Waiting {
    #[sqlx(flatten)]
    place: Place,
    sealed: String,
}

impl Waiting {
    /// What was asked for.
    pub fn open(&self, world: &World) -> anyhow::Result<Wanted> {
        let text = world.vault.open(&sealed_as(&self.place.id), &self.sealed)?;
        serde_json::from_slice(&text).context("a letter that is wanted")
    }

    /// Whether there will be no other try.
    pub fn is_given_up(&self) -> bool {
        self.place.is_over_after(GIVEN_UP)
    }
}

fn sealed_as(id: &str) -> String {
    format!("letter_wanted/{id}")
}

/// Writes down what was asked for. What is written down under this id already is the same.
pub async fn keep(world: &World, id: &str, wanted: &Wanted, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO letter_wanted (id, sealed, created_at, next_at, attempts) VALUES ($1, $2, $3, $3, 0)
                       ON CONFLICT (id) DO NOTHING";
    let sealed = world.vault.seal(&world.chance, &sealed_as(id), &serde_json::to_vec(wanted)?)?;
    sqlx::query(SQL).bind(id).bind(sealed).bind(now.seconds()).execute(world.db.pool()).await?;
    Ok(())
}

/// Takes some of what is due for one try each. What somebody else takes at the same instant is theirs.
pub async fn take_due(db: &Db, now: Timestamp) -> anyhow::Result<Vec<Waiting>> {
    const DUE: &str = "SELECT id, sealed, created_at, next_at, attempts FROM letter_wanted
                       WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2";
    const TAKE: &str = "UPDATE letter_wanted SET next_at = $3, attempts = $4 WHERE id = $1 AND next_at = $2";
    let due: Vec<Waiting> = sqlx::query_as(DUE).bind(now.seconds()).bind(AT_ONCE).fetch_all(db.pool()).await?;
    let mut taken = Vec::new();
    for waiting in due {
        if let Some(place) = waiting.place.take(db, TAKE, now).await? {
            taken.push(Waiting { place, ..waiting });
        }
    }
    Ok(taken)
}

/// It has been done, or never will be.
pub async fn forget(db: &Db, waiting: &Waiting) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM letter_wanted WHERE id = $1";
    sqlx::query(SQL).bind(&waiting.place.id).execute(db.pool()).await.map(|_| ())
}
