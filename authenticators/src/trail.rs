//! The trail: what happened to whom, by whom and why (tables `event` and `event_head`).
//!
//! Entries are only ever added. Each carries a hash over itself and the hash of the one before, so that none can be
//! changed, left out or put in between unseen. What an entry says in detail is sealed, and can be erased when it may no
//! longer be kept: its digest stays in the chain.
//!
//! What is changed and what is written of it belong in one transaction ([`Trail::append`]). Where nothing else is written,
//! [`Trail::write`] and [`Trail::note`] hand the entry to one writer, which commits those that have come together.

use std::time::Duration;

use anyhow::Context;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use migrations::{Db, Tx};
use serde_json::{Map, Value, json};
use sqlx::AnyExecutor;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::chance::Chance;
use crate::clock::Timestamp;
use crate::person::PersonId;
use crate::several::Several;
use crate::vault::Vault;

/// Entries that are written in one commit.
const TOGETHER: usize = 256;
/// Entries that wait for the writer; who comes after that waits as well.
const WAITING: usize = 4096;
/// When it is tried again to write what could not be written.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Of how many entries the details are erased at once, and how many are verified at once.
const PART: i64 = 1000;
/// Entries that are made before they are written.
const AT_ONCE: usize = 1024;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The person themselves.
    Person(PersonId),
    /// Somebody at the command line, by the name that they gave.
    Operator(String),
    /// Another organisation, by its number.
    Organisation(String),
    /// The population register, by what it says.
    Register,
    /// Nobody: a rule, or the time.
    System,
}

impl Actor {
    fn as_text(&self) -> String {
        match self {
            Actor::Person(person) => format!("person:{}", person.as_str()),
            Actor::Operator(name) => format!("operator:{name}"),
            Actor::Organisation(number) => format!("organisation:{number}"),
            Actor::Register => "register".to_owned(),
            Actor::System => "system".to_owned(),
        }
    }

    fn read(text: &str) -> Actor {
        match text.split_once(':') {
            Some(("person", id)) => Actor::Person(PersonId::of_text(id)),
            Some(("operator", name)) => Actor::Operator(name.to_owned()),
            Some(("organisation", number)) => Actor::Organisation(number.to_owned()),
            _ if text == "register" => Actor::Register,
            _ => Actor::System,
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What: `login`, `password-changed` …
    pub kind: &'static str,
    /// Whom it concerns.
    pub subject: PersonId,
    /// Who did it.
    pub actor: Actor,
    /// What else there is to say.
    pub details: Map<String, Value>,
}

impl Event {
    /// Something that a person did to themselves.
    pub fn by_oneself(kind: &'static str, person: &PersonId) -> Event {
        Event { kind, subject: person.clone(), actor: Actor::Person(person.clone()), details: Map::new() }
    }

    /// Something that somebody else did, or nobody.
    pub fn by(kind: &'static str, subject: &PersonId, actor: Actor) -> Event {
        Event { kind, subject: subject.clone(), actor, details: Map::new() }
    }

    /// Something that concerns an organisation, and nobody in it.
    pub fn of_organisation(kind: &'static str, number: &str, actor: Actor) -> Event {
        Event::by(kind, &organisation(number), actor)
    }

    /// With something more to say.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Event {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

/// What stands for an organisation where a person would stand: no person's id has a colon in it.
fn organisation(number: &str) -> PersonId {
    PersonId::of_text(&format!("organisation:{number}"))
}

/// An entry, as it is read back.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: String,
    /// Who did it.
    pub actor: Actor,
    /// What else there is to say; nothing, once it has been erased.
    pub details: Map<String, Value>,
}

/// The trail. Cheap to clone.
#[derive(Clone)]
pub struct Trail {
    vault: Vault,
    chance: Chance,
    writer: mpsc::Sender<Order>,
}

struct Order {
    /// None asks only whether all before it is written.
    entry: Option<(Event, Timestamp)>,
    done: Option<oneshot::Sender<Result<(), ()>>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    at: Timestamp,
    kind: String,
    subject: String,
    actor: String,
    details: Option<String>,
    digest: String,
    hash: String,
}

impl Trail {
    /// Starts the writer, which ends with the last clone.
    pub fn start(db: &Db, vault: &Vault, chance: &Chance) -> Trail {
        let (writer, inbox) = mpsc::channel(WAITING);
        let trail = Trail { vault: vault.clone(), chance: chance.clone(), writer };
        tokio::spawn(write_down(db.clone(), vault.clone(), chance.clone(), inbox));
        trail
    }

    /// Adds an entry to a transaction that changes what it tells of.
    pub async fn append(&self, tx: &mut Tx, event: &Event, now: Timestamp) -> anyhow::Result<()> {
        append(tx, (&self.vault, &self.chance), event, now).await
    }

    /// Adds many entries to such a transaction, by a few statements: whoever else writes here waits for all of them.
    pub async fn append_all(&self, tx: &mut Tx, events: &[Event], now: Timestamp) -> anyhow::Result<()> {
        for some in events.chunks(AT_ONCE) {
            append_many(tx, (&self.vault, &self.chance), some, now).await?;
        }
        Ok(())
    }

    /// Adds an entry, and waits until it is there for good.
    pub async fn write(&self, event: Event, now: Timestamp) -> anyhow::Result<()> {
        self.order(Some((event, now))).await
    }

    /// Adds an entry soon.
    pub async fn note(&self, event: Event, now: Timestamp) {
        if self.writer.send(Order { entry: Some((event, now)), done: None }).await.is_err() {
            tracing::error!("the writer of the trail is gone");
        }
    }

    /// Waits until all that was noted is there for good.
    pub async fn settle(&self) -> anyhow::Result<()> {
        self.order(None).await
    }

    async fn order(&self, entry: Option<(Event, Timestamp)>) -> anyhow::Result<()> {
        let (done, told) = oneshot::channel();
        let sent = self.writer.send(Order { entry, done: Some(done) }).await;
        sent.ok().context("the writer of the trail is gone")?;
        told.await.ok().and_then(Result::ok).context("the trail cannot be written")
    }

    /// What concerns a person, the newest first.
    pub async fn of(
        &self,
        db: impl AnyExecutor<'_>,
        person: &PersonId,
        before: i64,
        at_most: i64,
    ) -> anyhow::Result<Vec<Entry>> {
        const SQL: &str = "SELECT number, at, kind, subject, actor, details, digest, hash FROM event
                           WHERE subject = $1 AND number < $2 ORDER BY number DESC LIMIT $3";
        let rows: Vec<Row> = sqlx::query_as(SQL).bind(person.as_str()).bind(before).bind(at_most).fetch_all(db).await?;
        rows.into_iter().map(|row| self.read(row)).collect()
    }

    /// The newest entry of a kind that concerns a person.
    pub async fn latest(
        &self,
        db: impl AnyExecutor<'_>,
        person: &PersonId,
        kind: &str,
    ) -> anyhow::Result<Option<Entry>> {
        const SQL: &str = "SELECT number, at, kind, subject, actor, details, digest, hash FROM event
                           WHERE subject = $1 AND kind = $2 ORDER BY number DESC LIMIT 1";
        let row: Option<Row> = sqlx::query_as(SQL).bind(person.as_str()).bind(kind).fetch_optional(db).await?;
        row.map(|row| self.read(row)).transpose()
    }

    /// What concerns an organisation and nobody in it, the newest first.
    pub async fn of_organisation(
        &self,
        db: impl AnyExecutor<'_>,
        number: &str,
        (before, at_most): (i64, i64),
    ) -> anyhow::Result<Vec<Entry>> {
        self.of(db, &organisation(number), before, at_most).await
    }

    /// The newest entry of a kind of them.
    pub async fn latest_of_organisation(
        &self,
        db: impl AnyExecutor<'_>,
        number: &str,
        kind: &str,
    ) -> anyhow::Result<Option<Entry>> {
        self.latest(db, &organisation(number), kind).await
    }

    fn read(&self, row: Row) -> anyhow::Result<Entry> {
        let details = match &row.details {
            Some(sealed) => serde_json::from_slice(&self.vault.open(&place(row.number), sealed)?)?,
            None => Map::new(),
        };
        Ok(Entry { number: row.number, at: row.at, kind: row.kind, actor: Actor::read(&row.actor), details })
    }

    /// Goes through the whole chain; the number of entries, or what is wrong with it.
    pub async fn verify(db: &Db) -> anyhow::Result<i64> {
        const SQL: &str = "SELECT number, at, kind, subject, actor, details, digest, hash FROM event
                           WHERE number > $1 ORDER BY number LIMIT $2";
        const HEAD: &str = "SELECT number, hash FROM event_head WHERE id = 'head'";
        // Before the entries: what is added meanwhile comes after it.
        let (head, head_hash): (i64, String) = sqlx::query_as(HEAD).fetch_one(db.pool()).await?;
        let (mut number, mut hash, mut at_head) = (0, String::new(), String::new());
        loop {
            let rows: Vec<Row> = sqlx::query_as(SQL).bind(number).bind(PART).fetch_all(db.pool()).await?;
            for row in &rows {
                anyhow::ensure!(row.number == number + 1, "entry {} is missing", number + 1);
                number = row.number;
                let told = row.details.as_ref().is_none_or(|details| digest_of(details) == row.digest);
                anyhow::ensure!(told, "the details of entry {number} were changed");
                hash = row.chained_to(&hash);
                anyhow::ensure!(hash == row.hash, "entry {number} was changed, or one before it");
                if number == head {
                    at_head.clone_from(&hash);
                }
            }
            if i64::try_from(rows.len()).unwrap_or(PART) < PART {
                break;
            }
        }
        anyhow::ensure!(number >= head, "entries after {number} are missing: there were {head}");
        anyhow::ensure!(head == 0 || at_head == head_hash, "entry {head} is not the one that was written");
        Ok(number)
    }

    /// Erases what some of the entries say in detail that are older than `before`; true if there may be more.
    pub async fn erase(db: &Db, before: Timestamp) -> sqlx::Result<bool> {
        const SQL: &str = "UPDATE event SET details = NULL WHERE number IN (
                               SELECT number FROM event WHERE at < $1 AND details IS NOT NULL LIMIT $2)";
        let done = sqlx::query(SQL).bind(before.seconds()).bind(PART).execute(db.pool()).await?;
        Ok(done.rows_affected() >= PART.unsigned_abs())
    }

    /// Erases what the entries of a person say in detail.
    pub async fn erase_of(tx: &mut Tx, person: &PersonId) -> sqlx::Result<()> {
        const SQL: &str = "UPDATE event SET details = NULL WHERE subject = $1";
        sqlx::query(SQL).bind(person.as_str()).execute(&mut **tx).await.map(|_| ())
    }
}

impl Row {
    /// The entry with this number, after the one with that hash.
    fn of(number: i64, event: &Event, keys: (&Vault, &Chance), (before, at): (&str, Timestamp)) -> anyhow::Result<Row> {
        let (vault, chance) = keys;
        let sealed = vault.seal(chance, &place(number), Value::Object(event.details.clone()).to_string().as_bytes())?;
        let mut row = Row {
            number,
            at,
            kind: event.kind.to_owned(),
            subject: event.subject.as_str().to_owned(),
            actor: event.actor.as_text().trim_end().to_owned(),
            digest: digest_of(&sealed),
            details: Some(sealed),
            hash: String::new(),
        };
        row.hash = row.chained_to(before);
        Ok(row)
    }

    fn chained_to(&self, before: &str) -> String {
        let Row { number, at, kind, subject, actor, digest, .. } = self;
        // JSON, so that no field runs into the next.
        digest_of(&json!([before, number, at, kind, subject, actor, digest]).to_string())
    }
}

fn digest_of(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

fn place(number: i64) -> String {
    format!("event/{number}")
}

const HEAD: &str = "UPDATE event_head SET hash = $1 WHERE id = 'head'";

async fn append(tx: &mut Tx, keys: (&Vault, &Chance), event: &Event, now: Timestamp) -> anyhow::Result<()> {
    const NEXT: &str = "UPDATE event_head SET number = number + 1 WHERE id = 'head' RETURNING number, hash";
    const ADD: &str = "INSERT INTO event (number, at, kind, subject, actor, details, digest, hash)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (number, before): (i64, String) = sqlx::query_as(NEXT).fetch_one(&mut **tx).await?;
    let row = Row::of(number, event, keys, (&before, now))?;
    let query = sqlx::query(ADD).bind(row.number).bind(row.at.seconds()).bind(&row.kind).bind(&row.subject);
    let query = query.bind(&row.actor).bind(&row.details).bind(&row.digest).bind(&row.hash);
    query.execute(&mut **tx).await?;
    sqlx::query(HEAD).bind(&row.hash).execute(&mut **tx).await?;
    Ok(())
}

/// The same of many, of whom the head is told once.
async fn append_many(tx: &mut Tx, keys: (&Vault, &Chance), events: &[Event], now: Timestamp) -> anyhow::Result<()> {
    const NEXT: &str = "UPDATE event_head SET number = number + $1 WHERE id = 'head' RETURNING number, hash";
    static ADD: Several = Several::of(
        "INSERT INTO event (number, at, kind, subject, actor, details, digest, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    let count = i64::try_from(events.len())?;
    let (last, mut before): (i64, String) = sqlx::query_as(NEXT).bind(count).fetch_one(&mut **tx).await?;
    let mut rows = Vec::with_capacity(events.len());
    for (number, event) in (last - count + 1..).zip(events) {
        let row = Row::of(number, event, keys, (&before, now))?;
        before.clone_from(&row.hash);
        rows.push(row);
    }
    for (sql, some) in ADD.each(&rows) {
        let query = some.iter().fold(sqlx::query(sql), |query, row| {
            let query = query.bind(row.number).bind(row.at.seconds()).bind(&row.kind).bind(&row.subject);
            query.bind(&row.actor).bind(&row.details).bind(&row.digest).bind(&row.hash)
        });
        query.execute(&mut **tx).await?;
    }
    sqlx::query(HEAD).bind(&before).execute(&mut **tx).await?;
    Ok(())
}

async fn write_down(db: Db, vault: Vault, chance: Chance, mut inbox: mpsc::Receiver<Order>) {
    let mut orders = Vec::with_capacity(TOGETHER);
    // What nobody waits for is written once it can be: whoever did it has long been answered.
    let mut left: Vec<(Event, Timestamp)> = Vec::new();
    loop {
        let coming = inbox.recv_many(&mut orders, TOGETHER);
        let is_over = match left.is_empty() {
            true => coming.await == 0,
            false => timeout(AGAIN_AFTER, coming).await == Ok(0),
        };
        let entries = left.iter().chain(orders.iter().filter_map(|order| order.entry.as_ref()));
        let done = write_together(&db, (&vault, &chance), entries).await;
        match &done {
            Ok(()) => left.clear(),
            Err(error) => tracing::error!(error = format!("{error:#}"), "the trail cannot be written"),
        }
        for Order { entry, done: waiting } in orders.drain(..) {
            match (waiting, &done) {
                (Some(waiting), _) => drop(waiting.send(done.as_ref().copied().map_err(|_| ()))),
                (None, Err(_)) if left.len() < WAITING => left.extend(entry),
                (None, Err(_)) => tracing::error!("an entry of the trail is lost"),
                (None, Ok(())) => {}
            }
        }
        if is_over {
            break;
        }
    }
}

async fn write_together<'a>(
    db: &Db,
    keys: (&Vault, &Chance),
    entries: impl Iterator<Item = &'a (Event, Timestamp)>,
) -> anyhow::Result<()> {
    let mut tx = db.begin().await?;
    for (event, at) in entries {
        append(&mut tx, keys, event, *at).await?;
    }
    Ok(tx.commit().await?)
}
