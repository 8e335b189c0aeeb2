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
    /// On whose behalf it asked; empty for its own.
    pub onbehalfof: String,
    /// To what.
    pub scope: ScopeName,
    /// When.
    pub given_at: Timestamp,
}

/// A service, or a customer of it.
#[derive(Debug, Clone, Copy)]
pub struct With<'a> {
    /// The service.
    pub client: &'a ClientId,
    /// The customer on whose behalf it asks; empty for its own.
    pub onbehalfof: &'a str,
}

impl<'a> With<'a> {
    /// Who asks in a request.
    pub fn whom(request: &'a AuthorizationRequest) -> With<'a> {
        With { client: &request.return_to.client, onbehalfof: request.onbehalfof.as_deref().unwrap_or_default() }
    }
}

/// All that a citizen has agreed to and not withdrawn.
pub async fn all(app: &App, person: &PersonId) -> anyhow::Result<Vec<Consent>> {
    const SQL: &str = "SELECT client, onbehalfof, scope, given_at FROM consent
                       WHERE person = $1 AND withdrawn_at IS NULL ORDER BY client, onbehalfof, scope";
    Ok(sqlx::query_as(SQL).bind(person.as_str()).fetch_all(app.world.db.pool()).await?)
}

/// What a citizen has agreed to with the service that asks. Nobody looks where nobody need be asked.
pub async fn agreed(
    app: &App,
    request: &AuthorizationRequest,
    who: Option<&Authentication>,
) -> anyhow::Result<Vec<ScopeName>> {
    const SQL: &str = "SELECT scope FROM consent
                       WHERE person = $1 AND client = $2 AND onbehalfof = $3 AND withdrawn_at IS NULL";
    let Some(who) = who.filter(|_| !request.consent.is_empty()) else { return Ok(Vec::new()) };
    let with = With::whom(request);
    let query = sqlx::query_scalar(SQL).bind(who.person().as_str()).bind(with.client.as_str()).bind(with.onbehalfof);
    Ok(query.fetch_all(app.world.db.pool()).await?)
}

/// Remembers that a citizen has agreed. What they had agreed to before keeps its time.
pub async fn give(app: &App, request: &AuthorizationRequest, person: &PersonId, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO consent (person, client, onbehalfof, scope, given_at) VALUES ($1, $2, $3, $4, $5)
                       ON CONFLICT (person, client, onbehalfof, scope) DO UPDATE
                       SET given_at = excluded.given_at, withdrawn_at = NULL WHERE consent.withdrawn_at IS NOT NULL";
    let with = With::whom(request);
    for scope in &request.consent {
        let query = sqlx::query(SQL).bind(person.as_str()).bind(with.client.as_str()).bind(with.onbehalfof);
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
    const SQL: &str =
        "INSERT INTO consented_grant (id, person, client, onbehalfof, ends_at) VALUES ($1, $2, $3, $4, $5)";
    let Call { app, now, .. } = *call;
    if request.consent.is_empty() {
        return Ok(true);
    }
    let with = With::whom(request);
    let lifetime = app.client(with.client).await?.map_or(0, |client| client.registration.authorization_lifetime);
    let ends_at = now.plus(Duration::from_secs(lifetime.into())).plus(access_token::AT_MOST);
    let query = sqlx::query(SQL).bind(grant.as_str()).bind(who.person().as_str()).bind(with.client.as_str());
    query.bind(with.onbehalfof).bind(ends_at.seconds()).execute(app.world.db.pool()).await?;
    // TestID by `login_hint` implies consent, and nobody remembers it.
    Ok(request.test_id.is_some() || request.is_covered_by(&agreed(app, request, Some(who)).await?))
}

/// Withdraws all that a citizen has agreed to with a service or its customer, and ends the grants that rest on it: their codes,
/// access tokens and refresh tokens. Tells what was withdrawn.
pub async fn withdraw(
    app: &App,
    person: &PersonId,
    with: With<'_>,
    now: Timestamp,
) -> Result<Vec<ScopeName>, OAuthError> {
    const WITHDRAW: &str = "UPDATE consent SET withdrawn_at = $4
                            WHERE person = $1 AND client = $2 AND onbehalfof = $3 AND withdrawn_at IS NULL
                            RETURNING scope";
    let db = app.world.db.pool();
    // If this fails the consent still stands, and its button with it.
    end_grants(app, (person, with), now).await?;
    let query = sqlx::query_scalar(WITHDRAW).bind(person.as_str()).bind(with.client.as_str()).bind(with.onbehalfof);
    let mut withdrawn: Vec<ScopeName> = query.bind(now.seconds()).fetch_all(db).await?;
    withdrawn.sort();
    // Those that were made in between.
    end_grants(app, (person, with), now).await?;
    Ok(withdrawn)
}

async fn end_grants(app: &App, of: (&PersonId, With<'_>), now: Timestamp) -> Result<(), OAuthError> {
    const FIND: &str = "SELECT id FROM consented_grant WHERE person = $1 AND client = $2 AND onbehalfof = $3";
    const FORGET: &str = "DELETE FROM consented_grant WHERE id = $1";
    let (db, (person, with)) = (app.world.db.pool(), of);
    let query = sqlx::query_scalar(FIND).bind(person.as_str()).bind(with.client.as_str()).bind(with.onbehalfof);
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
