//! What citizens have agreed to: tables `consent` and `consented_grant`.

use std::time::Duration;

use authenticators::clock::Timestamp;
use authenticators::person::PersonId;
use authenticators::trail::Event;
use migrations::Db;

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
pub async fn give(call: &Call<'_>, request: &AuthorizationRequest, person: &PersonId) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO consent (person, client, onbehalfof, scope, given_at) VALUES ($1, $2, $3, $4, $5)
                       ON CONFLICT (person, client, onbehalfof, scope) DO UPDATE
                       SET given_at = excluded.given_at, withdrawn_at = NULL WHERE consent.withdrawn_at IS NOT NULL";
    if request.consent.is_empty() {
        return Ok(());
    }
    let (with, now) = (With::whom(request), call.now);
    let event = event(call, "consent-given", (person, with)).await?;
    // In one order, so that two tabs do not wait for each other.
    let mut scopes: Vec<&ScopeName> = request.consent.iter().collect();
    scopes.sort();
    let mut given = Vec::new();
    let mut tx = call.app.world.db.begin().await?;
    for scope in scopes {
        let query = sqlx::query(SQL).bind(person.as_str()).bind(with.client.as_str()).bind(with.onbehalfof);
        let query = query.bind(scope.as_str()).bind(now.seconds());
        if query.execute(&mut *tx).await?.rows_affected() == 1 {
            given.push(scope.as_str());
        }
    }
    if !given.is_empty() {
        call.app.world.trail.append(&mut tx, &event.with("scopes", given), now).await?;
    }
    Ok(tx.commit().await?)
}

/// What the trail tells of a consent.
async fn event(call: &Call<'_>, kind: &'static str, of: (&PersonId, With<'_>)) -> anyhow::Result<Event> {
    let (person, with) = of;
    let customer = Some(with.onbehalfof).filter(|customer| !customer.is_empty());
    let client = call.app.client(with.client).await?;
    let reader = call.browser.language.unwrap_or_default();
    let service = client.map(|client| client.registration.shown_name_for(customer, reader).to_owned());
    let event = Event::by_oneself(kind, person).with("client", with.client.as_str());
    Ok(call.told(event.with("service", service.unwrap_or_else(|| with.client.as_str().to_owned()))))
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
pub async fn withdraw(call: &Call<'_>, person: &PersonId, with: With<'_>) -> Result<Vec<ScopeName>, OAuthError> {
    const WITHDRAW: &str = "UPDATE consent SET withdrawn_at = $4
                            WHERE person = $1 AND client = $2 AND onbehalfof = $3 AND withdrawn_at IS NULL
                            RETURNING scope";
    let (app, now) = (call.app, call.now);
    let event = event(call, "consent-withdrawn", (person, with)).await?;
    // If this fails the consent still stands, and its button with it.
    end_grants(app, (person, with), now).await?;
    let mut tx = app.world.db.begin().await?;
    let query = sqlx::query_scalar(WITHDRAW).bind(person.as_str()).bind(with.client.as_str()).bind(with.onbehalfof);
    let mut withdrawn: Vec<ScopeName> = query.bind(now.seconds()).fetch_all(&mut *tx).await?;
    withdrawn.sort();
    if !withdrawn.is_empty() {
        let scopes: Vec<&str> = withdrawn.iter().map(ScopeName::as_str).collect();
        app.world.trail.append(&mut tx, &event.with("scopes", scopes), now).await?;
    }
    tx.commit().await?;
    // Those that were made in between.
    end_grants(app, (person, with), now).await?;
    Ok(withdrawn)
}

/// Withdraws all that a citizen has agreed to with anybody.
pub async fn withdraw_all(call: &Call<'_>, person: &PersonId) -> Result<(), OAuthError> {
    let mut given: Vec<(ClientId, String)> =
        all(call.app, person).await?.into_iter().map(|consent| (consent.client, consent.onbehalfof)).collect();
    given.dedup();
    for (client, onbehalfof) in &given {
        withdraw(call, person, With { client, onbehalfof }).await?;
    }
    Ok(())
}

/// Whatever somebody has agreed to lapses: support closes their account, which signs them out and so ends all grants.
pub async fn lapse(db: &Db, person: &PersonId, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE consent SET withdrawn_at = $2 WHERE person = $1 AND withdrawn_at IS NULL";
    sqlx::query(SQL).bind(person.as_str()).bind(now.seconds()).execute(db.pool()).await.map(|_| ())
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

/// Forgets some of the grants that are over, and some of what was withdrawn so long ago that of a closed account, too,
/// nothing would be left; true if there may be more.
pub async fn clean(app: &App, now: Timestamp) -> anyhow::Result<bool> {
    const GRANTS: &str =
        "DELETE FROM consented_grant WHERE id IN (SELECT id FROM consented_grant WHERE ends_at <= $1 LIMIT 1000)";
    const WITHDRAWN: &str = "DELETE FROM consent WHERE (person, client, onbehalfof, scope) IN (
                                 SELECT person, client, onbehalfof, scope FROM consent
                                 WHERE withdrawn_at < $1 LIMIT 1000)";
    let db = app.world.db.pool();
    let before = now.minus(Duration::from_hours(24 * u64::from(app.config.minid.closed_days)));
    let grants = sqlx::query(GRANTS).bind(now.seconds()).execute(db).await?.rows_affected();
    let withdrawn = sqlx::query(WITHDRAWN).bind(before.seconds()).execute(db).await?.rows_affected();
    Ok(grants == 1000 || withdrawn == 1000)
}
