//! The MinID app on a telephone or a desktop: a key that never leaves it, and where it is woken (table `device`).

use migrations::Tx;
use serde::Serialize;
use sqlx::AnyExecutor;

use crate::chance::TokenHash;
use crate::clock::Timestamp;
use crate::factor::FactorId;
use crate::person::PersonId;
use crate::push::Address;
use crate::webauthn::Made;

/// How many a person may have.
pub const AT_MOST: usize = 10;

/// A device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its id.
    pub id: FactorId,
    /// Whose it is.
    pub person: PersonId,
    /// What the person calls it.
    pub name: String,
    /// What WebAuthn wants remembered of its key.
    pub credential: String,
    /// Where it is woken, if it lets itself be.
    pub push: Option<Address>,
    /// What it runs on, as it says: `Android`, `iOS`, `Windows` …
    pub system: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last approved something.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is asked nothing.
    pub paused_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: FactorId,
    person: PersonId,
    name: String,
    credential: String,
    push: Option<String>,
    system: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    paused_at: Option<Timestamp>,
}

impl Row {
    fn read(self) -> Device {
        Device {
            id: self.id,
            person: self.person,
            name: self.name,
            credential: self.credential,
            // One that cannot be read is none: the open app hears of everything by itself.
            push: self.push.and_then(|text| serde_json::from_str(&text).ok()),
            system: self.system,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            paused_at: self.paused_at,
        }
    }
}

/// A device that comes to a person.
pub struct NewDevice<'a> {
    /// What the person calls it.
    pub name: &'a str,
    /// What it runs on.
    pub system: &'a str,
    /// The hash of the token by which it sees what waits.
    pub token: &'a TokenHash,
    /// Where it is woken.
    pub push: Option<&'a Address>,
}

/// All of a person, the oldest first.
pub async fn all(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Vec<Device>> {
    const SQL: &str = "SELECT id, person, name, credential, push, system, created_at, last_used_at, paused_at
                       FROM device WHERE person = $1 AND removed_at IS NULL ORDER BY created_at, id";
    let rows: Vec<Row> = sqlx::query_as(SQL).bind(person.as_str()).fetch_all(db).await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// The device of a token.
pub async fn of_token(db: impl AnyExecutor<'_>, token: &TokenHash) -> sqlx::Result<Option<Device>> {
    const SQL: &str = "SELECT id, person, name, credential, push, system, created_at, last_used_at, paused_at
                       FROM device WHERE token_hash = $1 AND removed_at IS NULL";
    let row: Option<Row> = sqlx::query_as(SQL).bind(token).fetch_optional(db).await?;
    Ok(row.map(Row::read))
}

/// Keeps a new one; false if its id is taken.
pub async fn add(
    tx: &mut Tx,
    person: &PersonId,
    new: &NewDevice<'_>,
    made: &Made,
    now: Timestamp,
) -> anyhow::Result<bool> {
    const SQL: &str = "INSERT INTO device (id, person, name, credential, token_hash, push, system, created_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let query = sqlx::query(SQL).bind(&made.id).bind(person.as_str()).bind(new.name).bind(&made.credential);
    let query = query.bind(new.token).bind(text_of(new.push)?).bind(new.system).bind(now.seconds());
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

fn text_of(push: Option<&Address>) -> anyhow::Result<Option<String>> {
    Ok(push.map(serde_json::to_string).transpose()?)
}

/// Where it is woken from now on.
pub async fn set_push(db: impl AnyExecutor<'_>, id: &FactorId, push: Option<&Address>) -> anyhow::Result<()> {
    const SQL: &str = "UPDATE device SET push = $2 WHERE id = $1 AND removed_at IS NULL";
    sqlx::query(SQL).bind(id.as_str()).bind(text_of(push)?).execute(db).await?;
    Ok(())
}

/// Nobody is there any more to be woken.
pub async fn forget_push(db: impl AnyExecutor<'_>, id: &FactorId, push: &Address) -> anyhow::Result<()> {
    const SQL: &str = "UPDATE device SET push = NULL WHERE id = $1 AND push = $2";
    sqlx::query(SQL).bind(id.as_str()).bind(text_of(Some(push))?).execute(db).await?;
    Ok(())
}

/// It has signed. Of two signatures with the same counter one counts: false for the other.
pub async fn used(db: impl AnyExecutor<'_>, device: &Device, renewed: &str, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE device SET credential = $3, last_used_at = $4
                       WHERE id = $1 AND credential = $2 AND removed_at IS NULL";
    let query = sqlx::query(SQL).bind(device.id.as_str()).bind(&device.credential).bind(renewed);
    Ok(query.bind(now.seconds()).execute(db).await?.rows_affected() == 1)
}

/// All of a person are asked nothing any more, or again.
pub async fn pause(tx: &mut Tx, person: &PersonId, since: Option<Timestamp>) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE device SET paused_at = $2 WHERE person = $1 AND removed_at IS NULL";
    let query = sqlx::query(SQL).bind(person.as_str()).bind(since.map(Timestamp::seconds));
    query.execute(&mut **tx).await.map(|_| ())
}

/// Nothing is left of any, not of those that were removed either.
pub async fn erase(tx: &mut Tx, person: &PersonId) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM device WHERE person = $1";
    sqlx::query(SQL).bind(person.as_str()).execute(&mut **tx).await.map(|_| ())
}

/// Another name.
pub async fn rename(tx: &mut Tx, person: &PersonId, id: &str, name: &str) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE device SET name = $3 WHERE id = $1 AND person = $2 AND removed_at IS NULL";
    Ok(sqlx::query(SQL).bind(id).bind(person.as_str()).bind(name).execute(&mut **tx).await?.rows_affected() == 1)
}

/// It approves nothing any more.
pub async fn remove(tx: &mut Tx, person: &PersonId, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE device SET removed_at = $3, push = NULL
                       WHERE id = $1 AND person = $2 AND removed_at IS NULL";
    let query = sqlx::query(SQL).bind(id).bind(person.as_str()).bind(now.seconds());
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// What the app is told of itself.
#[derive(Debug, Serialize)]
pub struct Shown<'a> {
    /// What the person calls it.
    pub name: &'a str,
    /// Whether it is asked nothing.
    pub paused: bool,
    /// Whether it is woken.
    pub push: bool,
}

impl Device {
    /// What the app is told of itself.
    pub fn shown(&self) -> Shown<'_> {
        Shown { name: &self.name, paused: self.paused_at.is_some(), push: self.push.is_some() }
    }
}
