//! What people are to be told of what others have done: a queue that outlasts the program, table `notice`.
//!
//! Support works where there is no way to telephones and mailboxes. What is to be told is queued with what is changed,
//! in one transaction, and sent by whoever has the way: once at least.

use std::time::Duration;

use anyhow::Context;
use migrations::{Db, Tx};

use crate::chance::Chance;
use crate::clock::Timestamp;
use crate::contact::{Channel, Contact};
use crate::person::PersonId;
use crate::queue::{AT_ONCE, Place};
use crate::trail::{Actor, Event};

/// After that it is old news.
const GIVEN_UP: Duration = Duration::from_hours(24);

/// Something that waits to be told.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Waiting {
    #[sqlx(flatten)]
    place: Place,
    /// Whom.
    pub person: PersonId,
    /// What has happened: the kind of its entry in the trail, and `-by-register` where the population register told it.
    pub kind: String,
    channel: String,
    /// In which language.
    pub language: Option<String>,
}

impl Waiting {
    /// Where to.
    pub fn channel(&self) -> anyhow::Result<Channel> {
        serde_json::from_str(&self.channel).context("a channel in the queue of notices")
    }

    /// Whether it has not been tried before.
    pub fn is_new(&self) -> bool {
        self.place.is_new()
    }

    /// Whether there will be no other try.
    pub fn is_given_up(&self) -> bool {
        self.place.is_over_after(GIVEN_UP)
    }
}

/// Queues what somebody else does, for each way in which the person is reached now: before the change, which may take the
/// ways away. What people do themselves is told by whoever shows them the page, and what time does by nobody.
pub async fn queue(tx: &mut Tx, chance: &Chance, event: &Event, now: Timestamp) -> anyhow::Result<()> {
    let is_by_another = match &event.actor {
        Actor::Operator(_) | Actor::Organisation(_) => true,
        Actor::Person(actor) => *actor != event.subject,
        Actor::Register => true,
        Actor::System => false,
    };
    match is_by_another {
        true => queue_but(tx, chance, event, None, now).await,
        false => Ok(()),
    }
}

/// Queues what somebody may have done in the person's name, for each way in which they are reached but the one at which
/// whoever did it has just been.
pub async fn queue_but(
    tx: &mut Tx,
    chance: &Chance,
    event: &Event,
    but: Option<&Channel>,
    now: Timestamp,
) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO notice (id, person, kind, channel, language, created_at, next_at, attempts)
                       VALUES ($1, $2, $3, $4, $5, $6, $6, 0)";
    let contact = Contact::of(&mut **tx, &event.subject).await?;
    for channel in contact.channels().into_iter().filter(|channel| but != Some(channel)) {
        let query = sqlx::query(SQL).bind(chance.token()?.reveal().to_owned()).bind(event.subject.as_str());
        let query = query.bind(kind_of(event)).bind(serde_json::to_string(&channel)?).bind(contact.language.as_deref());
        query.bind(now.seconds()).execute(&mut **tx).await?;
    }
    Ok(())
}

/// The population register is nobody whom people have asked, and they are told in other words what it has said.
fn kind_of(event: &Event) -> String {
    match event.actor {
        Actor::Register => format!("{}-by-register", event.kind),
        _ => event.kind.to_owned(),
    }
}

/// Takes some of what is due for one try each. What somebody else takes at the same instant is theirs.
pub async fn take_due(db: &Db, now: Timestamp) -> anyhow::Result<Vec<Waiting>> {
    const DUE: &str = "SELECT id, person, kind, channel, language, created_at, next_at, attempts FROM notice
                       WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2";
    const TAKE: &str = "UPDATE notice SET next_at = $3, attempts = $4 WHERE id = $1 AND next_at = $2";
    let due: Vec<Waiting> = sqlx::query_as(DUE).bind(now.seconds()).bind(AT_ONCE).fetch_all(db.pool()).await?;
    let mut taken = Vec::new();
    for waiting in due {
        if let Some(place) = waiting.place.take(db, TAKE, now).await? {
            taken.push(Waiting { place, ..waiting });
        }
    }
    Ok(taken)
}

/// It has been told, or never will be.
pub async fn forget(db: &Db, waiting: &Waiting) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM notice WHERE id = $1";
    sqlx::query(SQL).bind(&waiting.place.id).execute(db.pool()).await.map(|_| ())
}
