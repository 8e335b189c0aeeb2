//! The password: something the person knows. Table `password`.

use std::collections::HashSet;

use anyhow::Context;
use migrations::{Db, Tx};
use sqlx::AnyExecutor;

use crate::clock::Timestamp;
use crate::hashing::Busy;
use crate::person::PersonId;
use crate::several;
use crate::throttle::Reservation;
use crate::world::World;

/// The stored hash of a person's password; none if they have no MinID, or are nobody.
pub async fn stored(db: impl AnyExecutor<'_>, person: Option<&PersonId>) -> sqlx::Result<Option<String>> {
    const SQL: &str = "SELECT phc FROM password WHERE person = $1";
    let id = person.map_or("", PersonId::as_str);
    let row: Option<(String,)> = sqlx::query_as(SQL).bind(id).fetch_optional(db).await?;
    Ok(row.map(|(phc,)| phc))
}

/// Those of many people who have MinID.
pub async fn holders(db: &Db, people: &[PersonId]) -> sqlx::Result<HashSet<PersonId>> {
    const SQL: &str = "SELECT person FROM password WHERE person IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)";
    let mut all = HashSet::new();
    for list in several::lists(people.iter().map(PersonId::as_str)) {
        let some: Vec<PersonId> = sqlx::query_scalar(SQL).bind(list).fetch_all(db.pool()).await?;
        all.extend(some);
    }
    Ok(all)
}

/// Compares. Where there is no reservation nothing is compared, and the same work is done.
pub async fn is_right(
    world: &World,
    reservation: Option<&Reservation>,
    phc: Option<&str>,
    password: &str,
) -> anyhow::Result<Result<bool, Busy>> {
    world.hasher.verify(password, phc.filter(|_| reservation.is_some())).await
}

/// Hashes a password for [`set`]; fails if it has characters that no password can have.
pub async fn hash(world: &World, password: &str) -> anyhow::Result<Result<String, Busy>> {
    world.hasher.hash(password, world.chance.bytes()?).await
}

/// Gives the person the password behind this hash, over any that they had. Whatever had to be changed has been.
pub async fn set(tx: &mut Tx, person: &PersonId, phc: &str, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO password (person, phc, changed_at) VALUES ($1, $2, $3)
                       ON CONFLICT (person) DO UPDATE
                       SET phc = excluded.phc, changed_at = excluded.changed_at, must_change_at = NULL";
    let query = sqlx::query(SQL).bind(person.as_str()).bind(phc).bind(now.seconds());
    query.execute(&mut **tx).await.map(|_| ()).context("cannot store a password")
}

/// Hashes the right password anew if the parameters have grown since, or it was imported. A busy pool puts it off to the
/// next login.
pub async fn refresh(world: &World, person: &PersonId, phc: &str, password: &str) -> anyhow::Result<()> {
    const SQL: &str = "UPDATE password SET phc = $3 WHERE person = $1 AND phc = $2";
    if !world.hasher.is_stale(phc) {
        return Ok(());
    }
    let Ok(new) = hash(world, password).await? else { return Ok(()) };
    sqlx::query(SQL).bind(person.as_str()).bind(phc).bind(new).execute(world.db.pool()).await?;
    Ok(())
}

/// Somebody else may know it: another has to be chosen at the next login.
pub async fn demand_another(tx: &mut Tx, person: &PersonId, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE password SET must_change_at = $2 WHERE person = $1";
    sqlx::query(SQL).bind(person.as_str()).bind(now.seconds()).execute(&mut **tx).await.map(|_| ())
}

/// Whether another has to be chosen.
pub async fn must_change(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT person FROM password WHERE person = $1 AND must_change_at IS NOT NULL";
    Ok(sqlx::query(SQL).bind(person.as_str()).fetch_optional(db).await?.is_some())
}

/// When it was last changed.
pub async fn changed_at(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Option<Timestamp>> {
    const SQL: &str = "SELECT changed_at FROM password WHERE person = $1";
    sqlx::query_scalar(SQL).bind(person.as_str()).fetch_optional(db).await
}

/// There is no MinID any more.
pub async fn remove(tx: &mut Tx, person: &PersonId) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM password WHERE person = $1";
    sqlx::query(SQL).bind(person.as_str()).execute(&mut **tx).await.map(|_| ())
}
