//! Browsers in which a person has logged in before: their own lane in the ledger.

use std::time::Duration;

use migrations::{Db, Tx};

use crate::chance::TokenHash;
use crate::clock::Timestamp;
use crate::person::PersonId;
use crate::throttle::Lane;

/// A browser in which nobody has logged in for so long is a stranger again.
const KNOWN_FOR: Duration = Duration::from_hours(2 * 365 * 24);

/// The lane of a browser for a person. For nobody the same question is asked, so that it takes the same time.
pub async fn lane(db: &Db, browser: Option<&TokenHash>, person: Option<&PersonId>) -> sqlx::Result<Lane> {
    const SQL: &str = "SELECT browser FROM known_browser WHERE browser = $1 AND person = $2";
    let Some(browser) = browser else { return Ok(Lane::Strangers) };
    let query = sqlx::query(SQL).bind(browser.as_str()).bind(person.map_or("", PersonId::as_str));
    Ok(match query.fetch_optional(db.pool()).await? {
        Some(_) => Lane::Known(browser.clone()),
        None => Lane::Strangers,
    })
}

/// Remembers that the person has logged in there.
pub async fn remember(db: &Db, browser: &TokenHash, person: &PersonId, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO known_browser (browser, person, last_used_at) VALUES ($1, $2, $3)
                       ON CONFLICT (browser, person) DO UPDATE SET last_used_at = excluded.last_used_at";
    let query = sqlx::query(SQL).bind(browser.as_str()).bind(person.as_str()).bind(now.seconds());
    query.execute(db.pool()).await.map(|_| ())
}

/// No browser of the person's is known any more: somebody else may have sat there.
pub async fn forget(tx: &mut Tx, person: &PersonId) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM known_browser WHERE person = $1";
    sqlx::query(SQL).bind(person.as_str()).execute(&mut **tx).await.map(|_| ())
}

/// Forgets some that nobody has used for long; true if there may be more.
pub async fn clean(db: &Db, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "DELETE FROM known_browser WHERE (browser, person) IN (
                           SELECT browser, person FROM known_browser WHERE last_used_at <= $1 LIMIT 1000)";
    let query = sqlx::query(SQL).bind(now.minus(KNOWN_FOR).seconds());
    Ok(query.execute(db.pool()).await?.rows_affected() == 1000)
}
