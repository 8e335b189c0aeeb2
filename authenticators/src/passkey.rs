//! Passkeys: something the person has, unlocked by what they know or are (table `passkey`).

use migrations::Tx;
use sqlx::AnyExecutor;

use crate::clock::Timestamp;
use crate::factor::FactorId;
use crate::person::PersonId;
use crate::webauthn::Made;

/// How many a person may have.
pub const AT_MOST: usize = 20;

/// A passkey.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredPasskey {
    /// WebAuthn's id of it.
    pub id: FactorId,
    /// Whose it is.
    pub person: PersonId,
    /// What the person calls it.
    pub name: String,
    /// What WebAuthn wants remembered.
    pub credential: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last let the person in.
    pub last_used_at: Option<Timestamp>,
}

/// All of a person, the oldest first.
pub async fn all(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Vec<StoredPasskey>> {
    const SQL: &str = "SELECT id, person, name, credential, created_at, last_used_at FROM passkey
                       WHERE person = $1 AND removed_at IS NULL ORDER BY created_at, id";
    sqlx::query_as(SQL).bind(person.as_str()).fetch_all(db).await
}

/// The one with this id, whosever it is.
pub async fn find(db: impl AnyExecutor<'_>, id: &str) -> sqlx::Result<Option<StoredPasskey>> {
    const SQL: &str = "SELECT id, person, name, credential, created_at, last_used_at FROM passkey
                       WHERE id = $1 AND removed_at IS NULL";
    sqlx::query_as(SQL).bind(id).fetch_optional(db).await
}

/// Keeps a new one; false if its id is taken.
pub async fn add(tx: &mut Tx, person: &PersonId, name: &str, made: &Made, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "INSERT INTO passkey (id, person, name, credential, created_at) VALUES ($1, $2, $3, $4, $5)
                       ON CONFLICT (id) DO NOTHING";
    let query = sqlx::query(SQL).bind(&made.id).bind(person.as_str()).bind(name).bind(&made.credential);
    Ok(query.bind(now.seconds()).execute(&mut **tx).await?.rows_affected() == 1)
}

/// It has let the person in. Of two signatures with the same counter one counts: false for the other.
pub async fn used(
    db: impl AnyExecutor<'_>,
    passkey: &StoredPasskey,
    renewed: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE passkey SET credential = $3, last_used_at = $4
                       WHERE id = $1 AND credential = $2 AND removed_at IS NULL";
    let query = sqlx::query(SQL).bind(passkey.id.as_str()).bind(&passkey.credential).bind(renewed);
    Ok(query.bind(now.seconds()).execute(db).await?.rows_affected() == 1)
}

/// Nothing is left of any, not of those that were removed either.
pub async fn erase(tx: &mut Tx, person: &PersonId) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM passkey WHERE person = $1";
    sqlx::query(SQL).bind(person.as_str()).execute(&mut **tx).await.map(|_| ())
}

/// Another name.
pub async fn rename(tx: &mut Tx, person: &PersonId, id: &str, name: &str) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE passkey SET name = $3 WHERE id = $1 AND person = $2 AND removed_at IS NULL";
    Ok(sqlx::query(SQL).bind(id).bind(person.as_str()).bind(name).execute(&mut **tx).await?.rows_affected() == 1)
}

/// It opens nothing any more.
pub async fn remove(tx: &mut Tx, person: &PersonId, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE passkey SET removed_at = $3 WHERE id = $1 AND person = $2 AND removed_at IS NULL";
    let query = sqlx::query(SQL).bind(id).bind(person.as_str()).bind(now.seconds());
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}
