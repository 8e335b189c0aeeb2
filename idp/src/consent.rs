//! What citizens have agreed to: tables `consent` and `consented_grant`.

use std::time::Duration;

use authenticators::clock::Timestamp;
use authenticators::person::PersonId;

use crate::access_token;
use crate::app::App;
use crate::browser::Call;
use crate::client::ClientId;
use crate::error::OAuthError;
use crate::flow::Authentication;
use crate::grant::{self, GrantId};
use crate::request::AuthorizationRequest;
use crate::scope::ScopeName;

/// Something that a citizen has agreed to.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Consent {
    /// With whom.
    pub client: ClientId,
    /// To what.
    pub scope: ScopeName,
    /// When.
    pub given_at: Timestamp,
}

/// All that a citizen has agreed to and not withdrawn.
pub async fn all(app: &App, person: &PersonId) -> anyhow::Result<Vec<Consent>> {
    const SQL: &str = "SELECT client, scope, given_at FROM consent
                       WHERE person = $1 AND withdrawn_at IS NULL ORDER BY client, scope";
    Ok(sqlx::query_as(SQL).bind(person.as_str()).fetch_all(app.world.db.pool()).await?)
}

/// What a citizen has agreed to with the service that asks. Nobody looks where nobody need be asked.
pub async fn agreed(
    app: &App,
    request: &AuthorizationRequest,
    who: Option<&Authentication>,
) -> anyhow::Result<Vec<ScopeName>> {
    const SQL: &str = "SELECT scope FROM consent WHERE person = $1 AND client = $2 AND withdrawn_at IS NULL";
    let Some(who) = who.filter(|_| !request.consent.is_empty()) else { return Ok(Vec::new()) };
    let query = sqlx::query_scalar(SQL).bind(who.person().as_str()).bind(request.return_to.client.as_str());
    Ok(query.fetch_all(app.world.db.pool()).await?)
}

/// Remembers that a citizen has agreed. What they had agreed to before keeps its time.
pub async fn give(app: &App, request: &AuthorizationRequest, person: &PersonId, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO consent (person, client, scope, given_at) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (person, client, scope) DO UPDATE
                       SET given_at = excluded.given_at, withdrawn_at = NULL WHERE consent.withdrawn_at IS NOT NULL";
    for scope in &request.consent {
        let query = sqlx::query(SQL).bind(person.as_str()).bind(request.return_to.client.as_str());
        query.bind(scope.as_str()).bind(now.seconds()).execute(app.world.db.pool()).await?;
    }
    Ok(())
}

/// Notes a grant that rests on a consent, and only then looks whether the consent still stands: whoever
/// withdraws it at this instant either finds the grant or is seen here. False if it doesn't stand.
pub async fn note(
    call: &Call<'_>,
    request: &AuthorizationRequest,
    who: &Authentication,
    grant: &GrantId,
) -> anyhow::Result<bool> {
    const SQL: &str = "INSERT INTO consented_grant (id, person, client, ends_at) VALUES ($1, $2, $3, $4)";
    let Call { app, now, .. } = *call;
    if request.consent.is_empty() {
        return Ok(true);
    }
    let client = &request.return_to.client;
    let lifetime = app.client(client).await?.map_or(0, |client| client.registration.authorization_lifetime);
    let ends_at = now.plus(Duration::from_secs(lifetime.into())).plus(access_token::AT_MOST);
    let query = sqlx::query(SQL).bind(grant.as_str()).bind(who.person().as_str()).bind(client.as_str());
    query.bind(ends_at.seconds()).execute(app.world.db.pool()).await?;
    // TestID by `login_hint` implies consent, and nobody remembers it.
    Ok(request.test_id.is_some() || request.is_covered_by(&agreed(app, request, Some(who)).await?))
}

/// Withdraws all that a citizen has agreed to with a service, and ends the grants that rest on it: their codes,
/// access tokens and refresh tokens. Tells what was withdrawn.
pub async fn withdraw(
    app: &App,
    person: &PersonId,
    client: &ClientId,
    now: Timestamp,
) -> Result<Vec<ScopeName>, OAuthError> {
    const WITHDRAW: &str = "UPDATE consent SET withdrawn_at = $3
                            WHERE person = $1 AND client = $2 AND withdrawn_at IS NULL RETURNING scope";
    let db = app.world.db.pool();
    // If this fails the consent still stands, and its button with it.
    end_grants(app, (person, client), now).await?;
    let query = sqlx::query_scalar(WITHDRAW).bind(person.as_str()).bind(client.as_str());
    let mut withdrawn: Vec<ScopeName> = query.bind(now.seconds()).fetch_all(db).await?;
    withdrawn.sort();
    // Those that were made in between.
    end_grants(app, (person, client), now).await?;
    Ok(withdrawn)
}

async fn end_grants(app: &App, of: (&PersonId, &ClientId), now: Timestamp) -> Result<(), OAuthError> {
    const FIND: &str = "SELECT id FROM consented_grant WHERE person = $1 AND client = $2";
    const FORGET: &str = "DELETE FROM consented_grant WHERE id = $1";
    let (db, (person, client)) = (app.world.db.pool(), of);
    let query = sqlx::query_scalar(FIND).bind(person.as_str()).bind(client.as_str());
    let grants: Vec<GrantId> = query.fetch_all(db).await?;
    for id in grants {
        grant::revoke(app, &id, now).await?;
        sqlx::query(FORGET).bind(id.as_str()).execute(db).await?;
    }
    Ok(())
}

/// Forgets some of the grants that are over; true if there may be more.
pub async fn clean(app: &App, now: Timestamp) -> anyhow::Result<bool> {
    const SQL: &str =
        "DELETE FROM consented_grant WHERE id IN (SELECT id FROM consented_grant WHERE ends_at <= $1 LIMIT 1000)";
    Ok(sqlx::query(SQL).bind(now.seconds()).execute(app.world.db.pool()).await?.rows_affected() == 1000)
}
