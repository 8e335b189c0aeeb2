//! Refresh tokens (tables `refresh_family` and `refresh_token`). A family is what came of one grant; each use of its
//! token makes the next one.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::person::Person;
use authenticators::several::Column;
use migrations::{Db, Tx};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::app::App;
use crate::client::{Client, ClientId};
use crate::error::OAuthError;
use crate::grant::{self, Grant, GrantId};
use crate::registration::RefreshTokenUsage;
use crate::scope;

/// Uses that are written down in one transaction, and those that wait for the next.
const TOGETHER: usize = 32;
const WAITING: usize = 1024;

/// A refresh token to hand out.
pub struct Refresh {
    /// The token.
    pub token: Token,
    /// Seconds that it is good for.
    pub expires_in: u64,
    /// When the grant ends, and no token of it is good any more.
    pub ends_at: Timestamp,
}

/// A refresh token as it is presented.
pub struct Presented<'a> {
    /// The token.
    pub token: &'a str,
    /// Less than was granted, if it is asked for.
    pub scope: Option<&'a str>,
    /// Some of the resources and some of the details that were granted, if they are asked for.
    pub asked: (&'a [String], &'a [Value]),
    /// The key of the proof that came with it.
    pub jkt: Option<&'a str>,
}

/// Begins a family with its first token; none if the grant was revoked while it was being made,
/// whose tokens are worth nothing.
pub async fn begin(
    app: &App,
    client: &Client,
    grant: &Grant,
    jkt: Option<&str>,
    now: Timestamp,
) -> Result<Option<Refresh>, OAuthError> {
    const SQL: &str =
        "INSERT INTO refresh_family (id, client, sid, scope, subject, ends_at, jkt) VALUES ($1, $2, $3, $4, $5, $6, $7)
                       ON CONFLICT (id) DO NOTHING";
    const FIRST: &str = "INSERT INTO refresh_token (hash, family, expires_at) VALUES ($1, $2, $3)";
    let ends_at = now.plus(scope::rules(app, &grant.scope).await?.grant_lasts(client));
    // RFC 9449 5: a confidential client's are bound to the client already.
    let jkt = jkt.filter(|_| client.registration.is_public());
    let subject = serde_json::to_string(grant).map_err(anyhow::Error::from)?;
    let mut tx = app.world.db.begin().await?;
    let query = sqlx::query(SQL).bind(grant.id.as_str()).bind(client.id.as_str()).bind(&grant.sid);
    let query = query.bind(grant.scope.join(" ")).bind(subject).bind(ends_at.seconds()).bind(jkt);
    if query.execute(&mut *tx).await?.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(None);
    }
    let (token, expires_at) = (app.world.chance.token()?, good_until(client, ends_at, now));
    let query = sqlx::query(FIRST).bind(token.hash()).bind(grant.id.as_str()).bind(expires_at.seconds());
    query.execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Some(Refresh { token, expires_in: expires_at.since(now).as_secs(), ends_at }))
}

/// Until when a refresh token of a family is good that ends then.
fn good_until(client: &Client, ends_at: Timestamp, now: Timestamp) -> Timestamp {
    now.plus(Duration::from_secs(client.registration.refresh_token_lifetime.into())).min(ends_at)
}

#[derive(sqlx::FromRow)]
struct Found {
    family: GrantId,
    client: ClientId,
    subject: String,
    jkt: Option<String>,
    ends_at: Timestamp,
    ended_at: Option<Timestamp>,
    expires_at: Timestamp,
    parent: Option<String>,
    /// Which of its own children was used first.
    successor: Option<String>,
    /// Which of its parent's.
    chosen: Option<String>,
}

impl Found {
    async fn by(app: &App, hash: &TokenHash) -> sqlx::Result<Option<Found>> {
        const SQL: &str = "SELECT t.family, f.client, f.subject, f.jkt, f.ends_at, f.ended_at, t.expires_at, t.parent,
                t.successor, p.successor AS chosen
            FROM refresh_token t JOIN refresh_family f ON f.id = t.family LEFT JOIN refresh_token p ON p.hash = t.parent
            WHERE t.hash = $1";
        sqlx::query_as(SQL).bind(hash.as_str()).fetch_optional(app.world.db.pool()).await
    }

    /// Whether what it was answered has been used, or another answer than this one.
    fn is_replayed(&self, hash: &TokenHash) -> bool {
        self.successor.is_some() || self.chosen.as_deref().is_some_and(|chosen| chosen != hash.as_str())
    }
}

/// Uses a refresh token and makes the next one. A client that never got the answer may come again with the old
/// one, as long as nothing that it was answered has been used. Whoever comes later, or with another answer than the
/// one that was used first, ends the family: somebody else has a copy (RFC 9700 4.14.2).
pub async fn redeem(
    app: &App,
    client: &Client,
    presented: &Presented<'_>,
    now: Timestamp,
) -> Result<(Grant, Refresh), OAuthError> {
    let refused = || OAuthError::invalid_grant("Invalid parameter refresh_token.");
    let hash = TokenHash::of(presented.token);
    let found = Found::by(app, &hash).await?.filter(|found| found.client == client.id).ok_or_else(refused)?;
    if found.ended_at.is_some() || found.ends_at <= now {
        return Err(refused());
    }
    if found.jkt.is_some() && found.jkt.as_deref() != presented.jkt {
        return Err(OAuthError::invalid_dpop_proof("The refresh token is bound to another key."));
    }
    let mut grant: Grant = serde_json::from_str(&found.subject).map_err(anyhow::Error::from)?;
    grant.nonce = None;
    let who = &grant.authentication;
    // Locked, closed or signed out everywhere since.
    if !Person::is_signed_in(app.world.db.pool(), who.person(), who.at()).await? {
        return Err(refused());
    }
    // RFC 6749 6: less than was granted may be asked for, not more; told before the token is used up.
    let granted = |asked: &str| grant.scope.iter().any(|own| own == asked);
    if presented.scope.is_some_and(|scope| !scope.split(' ').all(granted)) {
        return Err(OAuthError::invalid_scope("Invalid parameter scope. More than was granted."));
    }
    grant::narrow(&grant, presented.asked.0, presented.asked.1)?;
    grant::may_still(app, client, &grant).await?;
    is_not_a_flood(app, &hash, now).await?;
    if found.is_replayed(&hash) {
        grant::revoke(app, &found.family, now).await?;
        return Err(refused());
    }
    if found.expires_at <= now {
        return Err(refused());
    }
    let registration = &client.registration;
    let expires_at = good_until(client, found.ends_at, now);
    let is_kept = registration.refresh_token_usage == RefreshTokenUsage::Reuse && !registration.is_public();
    let token = if is_kept { Token::presented(presented.token) } else { app.world.chance.token()? };
    let used = Use {
        // Of a client that was public when the family began, too.
        jkt: presented.jkt.filter(|_| registration.is_public() || found.jkt.is_some()).unwrap_or_default().to_owned(),
        next: (!is_kept).then(|| token.hash().as_str().to_owned()),
        token: hash.as_str().to_owned(),
        parent: found.parent,
        family: found.family.clone(),
        expires_at,
    };
    match app.refreshes.write(used).await? {
        Written::Done => {
            Ok((grant, Refresh { token, expires_in: expires_at.since(now).as_secs(), ends_at: found.ends_at }))
        }
        Written::TooLate => Err(refused()),
        Written::Replayed => {
            grant::revoke(app, &found.family, now).await?;
            Err(refused())
        }
    }
}

/// Each use of a token that is forgiven leaves a row behind; nobody loses this many answers.
async fn is_not_a_flood(app: &App, hash: &TokenHash, now: Timestamp) -> Result<(), OAuthError> {
    const AT_MOST: i64 = 1000;
    let name = format!("refreshes of {}", hash.as_str());
    match app.world.scratch.count(&name, Duration::from_hours(1), now).await? {
        ..=AT_MOST => Ok(()),
        _ => Err(OAuthError::invalid_grant("The refresh token is used too often.")),
    }
}

/// A use of a token as it is written down.
#[derive(Debug, Clone)]
struct Use {
    family: GrantId,
    /// The key that the family is bound to from now on, or was before; empty, where there is none.
    jkt: String,
    token: String,
    /// The token that it came of.
    parent: Option<String>,
    /// The token that comes of it; none where it stays what it is.
    next: Option<String>,
    expires_at: Timestamp,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Done,
    /// The family has ended, or was bound to another key, at the same instant.
    TooLate,
    /// What it was answered has been used at the same instant, or another answer than this one.
    Replayed,
}

struct Order {
    used: Use,
    answer: oneshot::Sender<anyhow::Result<Written>>,
}

/// Writes down which tokens were used. A disk takes as long for many as for one: those that come while others are being
/// written down wait for the next transaction, and are one.
pub(crate) struct Writer(mpsc::Sender<Order>);

impl Writer {
    /// Begins to write; ends with the program.
    pub(crate) fn start(db: &Db) -> Writer {
        let (writer, inbox) = mpsc::channel(WAITING);
        tokio::spawn(write_down(db.clone(), inbox));
        Writer(writer)
    }

    async fn write(&self, used: Use) -> anyhow::Result<Written> {
        let (answer, answered) = oneshot::channel();
        let gone = || anyhow::anyhow!("nobody writes down which refresh tokens are used");
        self.0.send(Order { used, answer }).await.ok().ok_or_else(gone)?;
        answered.await.ok().ok_or_else(gone)?
    }
}

async fn write_down(db: Db, mut inbox: mpsc::Receiver<Order>) {
    let mut orders = Vec::with_capacity(TOGETHER);
    while inbox.recv_many(&mut orders, TOGETHER).await > 0 {
        // Whoever has waited too long is gone, and nothing is used up for them.
        orders.retain(|order| !order.answer.is_closed());
        if orders.is_empty() {
            continue;
        }
        let uses: Vec<&Use> = orders.iter().map(|order| &order.used).collect();
        match write(&db, &uses).await {
            Ok(written) => {
                for (order, written) in orders.drain(..).zip(written) {
                    // Whoever is gone has lost the answer, and may come again.
                    let _ = order.answer.send(Ok(written));
                }
            }
            // One may have spoilt it for the others.
            Err(_) => {
                for order in orders.drain(..) {
                    let written = write(&db, &[&order.used]).await.map(|written| written.first().copied());
                    let written = written.map(|written| written.unwrap_or(Written::TooLate));
                    let _ = order.answer.send(written.map_err(anyhow::Error::from));
                }
            }
        }
    }
}

/// What came of each use, in one transaction.
async fn write(db: &Db, uses: &[&Use]) -> sqlx::Result<Vec<Written>> {
    let mut tx = db.begin().await?;
    let held = hold(&mut tx, uses).await?;
    let is_held =
        |used: &Use| held.get(&used.family).is_some_and(|jkt| jkt.as_ref().is_none_or(|jkt| *jkt == used.jkt));
    let live: Vec<&Use> = uses.iter().copied().filter(|used| is_held(used)).collect();
    let chosen = choose(&mut tx, &live).await?;
    let is_chosen = |used: &&Use| used.parent.is_none() || chosen.contains(&used.token);
    let live: Vec<&Use> = live.into_iter().filter(is_chosen).collect();
    let followed = follow(&mut tx, &live).await?;
    let kept = keep(&mut tx, &live).await?;
    tx.commit().await?;
    let written = |used: &&Use| match &used.next {
        _ if !is_held(used) => Written::TooLate,
        _ if !is_chosen(used) => Written::Replayed,
        Some(next) if followed.contains(next) => Written::Done,
        None if kept.contains(&used.token) => Written::Done,
        _ => Written::Replayed,
    };
    Ok(uses.iter().map(written).collect())
}

/// Locks the families, so that of two who use the tokens of one at the same instant the second sees what the first has
/// done. A public client that shows a key for the first time is bound to it from now on (RFC 9449 5), and whoever shows
/// another at the same instant comes too late. Those that have not ended, and which key each is bound to.
async fn hold(tx: &mut Tx, uses: &[&Use]) -> sqlx::Result<HashMap<GrantId, Option<String>>> {
    const SQL: &str = "WITH RECURSIVE place (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM place WHERE i + 1 < $1),
            used (name, shown) AS (SELECT rtrim(substr($2, i * CAST($3 AS INTEGER) + 1, CAST($3 AS INTEGER))),
                rtrim(substr($4, i * CAST($5 AS INTEGER) + 1, CAST($5 AS INTEGER))) FROM place)
        UPDATE refresh_family SET jkt = COALESCE(jkt, NULLIF(used.shown, '')) FROM used
        WHERE id = used.name AND ended_at IS NULL AND (jkt IS NULL OR jkt = used.shown) RETURNING id, jkt";
    let families = Column::of(uses.iter().map(|used| used.family.as_str()));
    let keys = Column::of(uses.iter().map(|used| used.jkt.as_str()));
    let query = sqlx::query_as(SQL).bind(count(uses)).bind(families.text).bind(families.width);
    let rows: Vec<(GrantId, Option<String>)> = query.bind(keys.text).bind(keys.width).fetch_all(&mut **tx).await?;
    Ok(rows.into_iter().collect())
}

/// Of all that came of one token the first to be used goes on; one statement decides which that is.
async fn choose(tx: &mut Tx, uses: &[&Use]) -> sqlx::Result<HashSet<String>> {
    const SQL: &str = "WITH RECURSIVE place (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM place WHERE i + 1 < $1),
            used (old, young) AS (SELECT rtrim(substr($2, i * CAST($3 AS INTEGER) + 1, CAST($3 AS INTEGER))),
                rtrim(substr($4, i * CAST($5 AS INTEGER) + 1, CAST($5 AS INTEGER))) FROM place)
        UPDATE refresh_token SET successor = used.young FROM used
        WHERE hash = used.old AND (successor IS NULL OR successor = used.young) RETURNING successor";
    let uses: Vec<&Use> = uses.iter().copied().filter(|used| used.parent.is_some()).collect();
    if uses.is_empty() {
        return Ok(HashSet::new());
    }
    let parents = Column::of(uses.iter().map(|used| used.parent.as_deref().unwrap_or_default()));
    let tokens = Column::of(uses.iter().map(|used| used.token.as_str()));
    let query = sqlx::query_scalar(SQL).bind(count(&uses)).bind(parents.text).bind(parents.width);
    let chosen: Vec<String> = query.bind(tokens.text).bind(tokens.width).fetch_all(&mut **tx).await?;
    Ok(chosen.into_iter().collect())
}

/// Puts down the next token of each that has none which was used; the new ones.
async fn follow(tx: &mut Tx, uses: &[&Use]) -> sqlx::Result<HashSet<String>> {
    const SQL: &str = "INSERT INTO refresh_token (hash, family, expires_at, parent)
        WITH RECURSIVE place (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM place WHERE i + 1 < $1),
            used (old, young, until) AS (SELECT rtrim(substr($2, i * CAST($3 AS INTEGER) + 1, CAST($3 AS INTEGER))),
                rtrim(substr($4, i * CAST($5 AS INTEGER) + 1, CAST($5 AS INTEGER))),
                CAST(rtrim(substr($6, i * CAST($7 AS INTEGER) + 1, CAST($7 AS INTEGER))) AS BIGINT) FROM place)
        SELECT used.young, t.family, used.until, t.hash FROM used JOIN refresh_token t ON t.hash = used.old
        WHERE t.successor IS NULL RETURNING hash";
    let uses: Vec<&Use> = uses.iter().copied().filter(|used| used.next.is_some()).collect();
    if uses.is_empty() {
        return Ok(HashSet::new());
    }
    let tokens = Column::of(uses.iter().map(|used| used.token.as_str()));
    let next = Column::of(uses.iter().map(|used| used.next.as_deref().unwrap_or_default()));
    let times: Vec<String> = uses.iter().map(|used| used.expires_at.seconds().to_string()).collect();
    let times = Column::of(times.iter().map(String::as_str));
    let query = sqlx::query_scalar(SQL).bind(count(&uses)).bind(tokens.text).bind(tokens.width);
    let query = query.bind(next.text).bind(next.width).bind(times.text).bind(times.width);
    let followed: Vec<String> = query.fetch_all(&mut **tx).await?;
    Ok(followed.into_iter().collect())
}

/// Makes those last longer that stay what they are.
async fn keep(tx: &mut Tx, uses: &[&Use]) -> sqlx::Result<HashSet<String>> {
    const SQL: &str = "UPDATE refresh_token SET expires_at = $2 WHERE hash = $1 AND successor IS NULL";
    let mut kept = HashSet::new();
    for used in uses.iter().filter(|used| used.next.is_none()) {
        let query = sqlx::query(SQL).bind(&used.token).bind(used.expires_at.seconds());
        if query.execute(&mut **tx).await?.rows_affected() == 1 {
            kept.insert(used.token.clone());
        }
    }
    Ok(kept)
}

fn count(uses: &[&Use]) -> i64 {
    i64::try_from(uses.len()).unwrap_or(i64::MAX)
}

/// Ends a family, also one that is just being made.
pub async fn end(db: &Db, family: &GrantId, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO refresh_family (id, client, sid, scope, subject, ends_at, ended_at)
                       VALUES ($1, '', '', '', '', $2, $2)
                       ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at WHERE refresh_family.ended_at IS NULL";
    sqlx::query(SQL).bind(family.as_str()).bind(now.seconds()).execute(db.pool()).await.map(|_| ())
}

/// Which families have ended since then.
pub async fn ended_since(db: &Db, then: Timestamp) -> sqlx::Result<Vec<GrantId>> {
    const SQL: &str = "SELECT id FROM refresh_family WHERE ended_at > $1";
    sqlx::query_scalar(SQL).bind(then.seconds()).fetch_all(db.pool()).await
}

/// Ends the refresh families of a session that serve login alone. Those with other scopes live on.
pub async fn end_logins_of(app: &App, sid: &str, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "UPDATE refresh_family SET ended_at = $2
                       WHERE sid = $1 AND ended_at IS NULL AND scope IN ('openid', 'openid profile', 'profile')";
    sqlx::query(SQL).bind(sid).bind(now.seconds()).execute(app.world.db.pool()).await?;
    Ok(())
}

/// The grant of a refresh token, used or not, and whose it is.
pub async fn grant_of(app: &App, token: &str) -> sqlx::Result<Option<(GrantId, ClientId)>> {
    const SQL: &str = "SELECT f.id, f.client FROM refresh_token t JOIN refresh_family f ON f.id = t.family
                       WHERE t.hash = $1 AND f.ended_at IS NULL";
    sqlx::query_as(SQL).bind(TokenHash::of(token)).fetch_optional(app.world.db.pool()).await
}

/// Forgets some of the families that are over; true if there may be more.
pub async fn clean(app: &App, now: Timestamp) -> anyhow::Result<bool> {
    const SQL: &str =
        "DELETE FROM refresh_family WHERE id IN (SELECT id FROM refresh_family WHERE ends_at <= $1 LIMIT 1000)";
    let before = now.minus(Duration::from_hours(24));
    Ok(sqlx::query(SQL).bind(before.seconds()).execute(app.world.db.pool()).await?.rows_affected() == 1000)
}
