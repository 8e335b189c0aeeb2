//! Telling services that a session has ended (OpenID Connect Back-Channel Logout 1.0): a queue that outlasts
//! this process, table `logout_notice`.

use std::time::Duration;

use anyhow::Context;
use authenticators::chance::TokenHash;
use authenticators::clock::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use crate::app::App;
use crate::client::ClientId;
use crate::keys::TokenType;
use crate::session::Session;

/// How long a citizen waits for the answers.
const CITIZEN_WAITS: Duration = Duration::from_millis(1500);
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// For how long a try keeps a notice to itself; afterwards whoever made it is taken for dead.
const LEASE: Duration = Duration::from_secs(30);
/// When it is given up.
const GIVEN_UP: Duration = Duration::from_hours(24);
/// Back-Channel Logout 2.4: a short life.
const TOKEN_FOR: Duration = Duration::from_mins(5);
/// For how long it is remembered that a service was told.
const REMEMBERED: Duration = Duration::from_hours(24);

/// How long it takes until the next try.
fn pause(attempts: i64) -> Duration {
    match attempts {
        ..=1 => Duration::from_secs(10),
        2 => Duration::from_secs(30),
        3 => Duration::from_mins(2),
        4 => Duration::from_mins(10),
        _ => Duration::from_hours(1),
    }
}

/// What a service is to be told.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Notice {
    id: String,
    /// The service.
    pub client: ClientId,
    sid: String,
    subject: String,
    /// The key of the session, while it may be alive.
    session: Option<TokenHash>,
    created_at: Timestamp,
    next_at: Timestamp,
    attempts: i64,
}

/// Back-Channel Logout 2.4. There is no `nonce`, so that it can never pass for an ID token.
#[derive(Serialize)]
struct LogoutToken<'a> {
    iss: &'a str,
    aud: &'a ClientId,
    iat: Timestamp,
    exp: Timestamp,
    jti: &'a str,
    sub: &'a str,
    sid: &'a str,
    events: Value,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The service knows.
    Told,
    /// The service said no, or nobody is to be told any more.
    Refused,
    /// No answer, or none that is final.
    Silent,
}

/// Who is to be told of a session: its public name, and each service with the subject that it knows.
pub struct Audience<'a> {
    /// The session's public name.
    pub sid: &'a str,
    /// The services.
    pub services: Vec<(ClientId, String)>,
}

/// Queues what is to be told now, and hands out what was not queued before. It is [`deliver`]'s to send, for as
/// long as a try may take.
pub async fn queue(app: &App, audience: &Audience<'_>, now: Timestamp) -> anyhow::Result<Vec<Notice>> {
    const SQL: &str = "INSERT INTO logout_notice (id, client, sid, subject, created_at, next_at, attempts)
                       VALUES ($1, $2, $3, $4, $5, $6, 1)
                       ON CONFLICT (sid, client) DO UPDATE SET id = excluded.id, session = NULL,
                           created_at = excluded.created_at, next_at = excluded.next_at, attempts = 1
                       WHERE logout_notice.session IS NOT NULL";
    let mut queued = Vec::new();
    let mut tx = app.world.db.begin().await?;
    for (client, subject) in &audience.services {
        let notice = Notice {
            id: app.world.chance.token()?.reveal().to_owned(),
            client: client.clone(),
            sid: audience.sid.to_owned(),
            subject: subject.clone(),
            session: None,
            created_at: now,
            next_at: now.plus(LEASE),
            attempts: 1,
        };
        let query = sqlx::query(SQL).bind(&notice.id).bind(client.as_str()).bind(&notice.sid).bind(subject);
        let query = query.bind(now.seconds()).bind(notice.next_at.seconds());
        if query.execute(&mut *tx).await?.rows_affected() == 1 {
            queued.push(notice);
        }
    }
    tx.commit().await?;
    Ok(queued)
}

/// Notes that these services are told when the session that is kept under `key` ends by itself, `due` at the
/// earliest, and moves what was noted of it before.
pub async fn watch(
    app: &App,
    key: &TokenHash,
    audience: &Audience<'_>,
    due: Timestamp,
    now: Timestamp,
) -> anyhow::Result<()> {
    const ADD: &str = "INSERT INTO logout_notice (id, client, sid, subject, session, created_at, next_at, attempts)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, 0)
                       ON CONFLICT (sid, client) DO UPDATE SET session = excluded.session, next_at = excluded.next_at
                       WHERE logout_notice.session IS NOT NULL";
    let mut tx = app.world.db.begin().await?;
    for (client, subject) in &audience.services {
        let id = app.world.chance.token()?;
        let query = sqlx::query(ADD).bind(id.reveal()).bind(client.as_str()).bind(audience.sid).bind(subject);
        let query = query.bind(key.as_str()).bind(now.seconds()).bind(due.seconds());
        query.execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

/// Sends what was queued, all at once, and tells after a second and a half at the latest which services have not
/// said yes. What is under way then goes on in the background.
pub async fn deliver(app: &App, notices: Vec<Notice>, now: Timestamp) -> Vec<ClientId> {
    let until = Instant::now() + CITIZEN_WAITS;
    let tries: Vec<_> = notices
        .into_iter()
        .map(|notice| (notice.client.clone(), tokio::spawn(attempt(app.clone(), notice, now))))
        .collect();
    let mut silent = Vec::new();
    for (client, attempt) in tries {
        match timeout_at(until, attempt).await {
            Ok(Ok(Outcome::Told)) => {}
            _ => silent.push(client),
        }
    }
    silent
}

/// Sends what is due, until nothing is. No service has more than its share of a round, so that none waits for
/// another's.
pub async fn deliver_due(app: &App, now: Timestamp) -> anyhow::Result<()> {
    const DUE: &str = "SELECT id, client, sid, subject, session, created_at, next_at, attempts FROM
                           (SELECT id, client, sid, subject, session, created_at, next_at, attempts,
                                ROW_NUMBER() OVER (PARTITION BY client ORDER BY next_at, id) AS place
                            FROM logout_notice WHERE ended_at IS NULL AND next_at <= $1) AS due
                       WHERE place <= 50 ORDER BY next_at, id LIMIT 1000";
    loop {
        let due: Vec<Notice> = sqlx::query_as(DUE).bind(now.seconds()).fetch_all(app.world.db.pool()).await?;
        if due.is_empty() {
            return Ok(());
        }
        let mut tries = JoinSet::new();
        for notice in due {
            if let Some(claimed) = claim(app, notice, now).await? {
                tries.spawn(attempt(app.clone(), claimed, now));
            }
        }
        tries.join_all().await;
    }
}

/// Takes a notice for one try; none if its session is still alive, or if somebody else was first.
async fn claim(app: &App, notice: Notice, now: Timestamp) -> anyhow::Result<Option<Notice>> {
    const CLAIM: &str = "UPDATE logout_notice SET next_at = $3, attempts = $4, created_at = $5, session = NULL
                         WHERE id = $1 AND next_at = $2 AND ended_at IS NULL";
    const LATER: &str = "UPDATE logout_notice SET next_at = $3 WHERE id = $1 AND next_at = $2 AND session IS NOT NULL";
    if let Some(key) = &notice.session {
        let session = app.world.scratch.get::<Session>(key, now).await?;
        let due = session.map(|read| read.value).filter(|session| session.sid == notice.sid).map(|own| own.ends_at());
        if let Some(due) = due.filter(|due| *due > now) {
            let query = sqlx::query(LATER).bind(&notice.id).bind(notice.next_at.seconds()).bind(due.seconds());
            query.execute(app.world.db.pool()).await?;
            return Ok(None);
        }
    }
    let claimed = Notice {
        next_at: now.plus(LEASE),
        attempts: notice.attempts + 1,
        created_at: if notice.session.is_some() { now } else { notice.created_at },
        session: None,
        ..notice.clone()
    };
    let query = sqlx::query(CLAIM).bind(&notice.id).bind(notice.next_at.seconds()).bind(claimed.next_at.seconds());
    let query = query.bind(claimed.attempts).bind(claimed.created_at.seconds());
    let won = query.execute(app.world.db.pool()).await?.rows_affected() == 1;
    Ok(won.then_some(claimed))
}

/// One try, and what becomes of the notice after it.
async fn attempt(app: App, notice: Notice, now: Timestamp) -> Outcome {
    let client = notice.client.as_str();
    let outcome = match timeout(PATIENCE, send(&app, &notice, now)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            tracing::info!(client, error = format!("{error:#}"), "a service was not told of a logout");
            Outcome::Silent
        }
        Err(_) => Outcome::Silent,
    };
    if let Err(error) = settle(&app, &notice, outcome, now).await {
        tracing::warn!(client, error = format!("{error:#}"), "a logout notice is left to its lease");
    }
    outcome
}

async fn send(app: &App, notice: &Notice, now: Timestamp) -> anyhow::Result<Outcome> {
    let Some(client) = app.client(&notice.client).await? else { return Ok(Outcome::Refused) };
    let Some(uri) = &client.registration.backchannel_logout_uri else { return Ok(Outcome::Refused) };
    let url = Url::parse(uri).context("backchannel_logout_uri")?;
    let claims = LogoutToken {
        iss: app.config.issuer.as_str(),
        aud: &notice.client,
        iat: now,
        exp: now.plus(TOKEN_FOR),
        jti: &notice.id,
        sub: &notice.subject,
        sid: &notice.sid,
        events: json!({ "http://schemas.openid.net/event/backchannel-logout": {} }),
    };
    let algorithm = client.registration.id_token_signed_response_alg;
    let token = app.keys.sign(algorithm, TokenType::LogoutToken, &claims, now)?;
    let status = app.world.outbound.post_form(&url, &[("logout_token", &token)]).await?.as_u16();
    Ok(match status {
        200..300 => Outcome::Told,
        // Back-Channel Logout 2.8: the request is no good, or the logout failed.
        400 => {
            tracing::warn!(client = client.id.as_str(), "a service refused a logout");
            Outcome::Refused
        }
        status => {
            tracing::info!(client = client.id.as_str(), status, "a service was not told of a logout");
            Outcome::Silent
        }
    })
}

async fn settle(app: &App, notice: &Notice, outcome: Outcome, now: Timestamp) -> anyhow::Result<()> {
    const END: &str = "UPDATE logout_notice SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
    const LATER: &str = "UPDATE logout_notice SET next_at = $3 WHERE id = $1 AND next_at = $2 AND ended_at IS NULL";
    let db = app.world.db.pool();
    let next_at = now.plus(pause(notice.attempts));
    let is_given_up = next_at.since(notice.created_at) > GIVEN_UP;
    if outcome == Outcome::Silent && !is_given_up {
        let query = sqlx::query(LATER).bind(&notice.id).bind(notice.next_at.seconds()).bind(next_at.seconds());
        query.execute(db).await?;
        return Ok(());
    }
    if outcome == Outcome::Silent {
        let (client, attempts) = (notice.client.as_str(), notice.attempts);
        tracing::warn!(client, attempts, "gave up telling a service of a logout");
    }
    sqlx::query(END).bind(&notice.id).bind(now.seconds()).execute(db).await?;
    Ok(())
}

/// Forgets some of the notices that are long over; true if there may be more.
pub async fn clean(app: &App, now: Timestamp) -> anyhow::Result<bool> {
    const SQL: &str =
        "DELETE FROM logout_notice WHERE id IN (SELECT id FROM logout_notice WHERE ended_at <= $1 LIMIT 1000)";
    let before = now.minus(REMEMBERED);
    Ok(sqlx::query(SQL).bind(before.seconds()).execute(app.world.db.pool()).await?.rows_affected() == 1000)
}
