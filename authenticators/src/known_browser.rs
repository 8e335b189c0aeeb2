//! Browsers in which a person has logged in before: their own lane in the ledger.

use migrations::Db;

use crate::chance::TokenHash;
use crate::clock::Timestamp;
use crate::person::PersonId;
use crate::throttle::Lane;

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
