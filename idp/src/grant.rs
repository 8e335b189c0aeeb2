//! What a citizen's login gives a service: a code that is good once, and the refresh tokens after it (tables
//! `refresh_family` and `refresh_token`).

use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::person::Person;
use authenticators::scratch::Kept;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access_token;
use crate::app::App;
use crate::client::{Client, ClientId};
use crate::error::OAuthError;
use crate::flow::Authentication;
use crate::registration::RefreshTokenUsage;
use crate::request::AuthorizationRequest;
use crate::scope;
use crate::text::Language;

/// The name of a grant: in `jti` of its access tokens, and of its refresh family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct GrantId(String);

impl GrantId {
    /// A fresh one.
    pub fn fresh(app: &App) -> anyhow::Result<GrantId> {
        Ok(GrantId(app.world.chance.token()?.reveal().chars().take(22).collect()))
    }

    /// A fresh `jti` of one of its tokens, from which it can be read back.
    pub fn token_id(&self, app: &App) -> anyhow::Result<String> {
        let own: String = app.world.chance.token()?.reveal().chars().take(22).collect();
        Ok(format!("{}.{own}", self.0))
    }

    /// The grant of a `jti` or a code.
    pub fn of_token(jti: &str) -> Option<GrantId> {
        jti.split_once('.').map(|(grant, _)| GrantId(grant.to_owned()))
    }

    /// Its letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn key(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

/// What tokens are made from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// The service.
    pub client: ClientId,
    /// Who has logged in, how and when.
    pub authentication: Authentication,
    /// The session's public name.
    pub sid: String,
    /// What was asked for.
    pub scope: Vec<String>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// The language that the citizen saw.
    pub locale: Language,
    /// The resources that were asked for (RFC 8707).
    #[serde(default)]
    pub resource: Vec<String>,
    /// What was asked for in detail (RFC 9396).
    #[serde(default)]
    pub authorization_details: Vec<Value>,
    /// The key that the code is bound to (RFC 9449 10).
    #[serde(default)]
    pub dpop_jkt: Option<String>,
    /// On whose behalf the client asked.
    #[serde(default)]
    pub onbehalfof: Option<String>,
}

impl Grant {
    /// The grant with less, where less was asked for.
    pub fn become_narrower(&mut self, resource: Vec<String>, details: Vec<Value>) {
        if !resource.is_empty() {
            self.resource = resource;
        }
        if !details.is_empty() {
            self.authorization_details = details;
        }
    }
}

/// A code as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Code {
    Fresh {
        grant: Box<Grant>,
        redirect_uri: String,
        challenge: Option<String>,
    },
    /// Kept for the rest of the minute, so that a second use is seen.
    Used,
}

impl Kept for Code {
    const KIND: &'static str = "code";
    /// OpenID Connect wants it short; Digdir's own modules give it a minute.
    const FOR: Duration = Duration::from_secs(60);
}

/// A grant that was revoked: its access tokens are no good any more.
#[derive(Serialize, Deserialize)]
struct Revoked;

impl Kept for Revoked {
    const KIND: &'static str = "revoked";
    const FOR: Duration = access_token::AT_MOST;
}

/// Issues a code.
pub async fn issue(app: &App, request: &AuthorizationRequest, grant: Grant, now: Timestamp) -> anyhow::Result<Token> {
    // It names its grant, so that whoever uses it twice says what is to be revoked.
    let token = Token::presented(&format!("{}.{}", grant.id.0, app.world.chance.token()?.reveal()));
    let code = Code::Fresh {
        grant: Box::new(grant),
        redirect_uri: request.return_to.redirect_uri.clone(),
        challenge: request.code_challenge.clone(),
    };
    app.world.scratch.put(&token.hash(), &code, now).await?;
    Ok(token)
}

/// Takes a code, once. Whoever presents it, it is dead afterwards; if it was used before, so is all that came
/// of it (RFC 6749 4.1.2).
pub async fn take(
    app: &App,
    client: &Client,
    code: &str,
    form: (Option<&str>, Option<&str>),
    now: Timestamp,
) -> Result<Grant, OAuthError> {
    let (redirect_uri, verifier) = form;
    let gone = || OAuthError::invalid_grant("Invalid parameter code.");
    let named = GrantId::of_token(code).ok_or_else(gone)?;
    // Logged out since. Asked before the code is taken: who comes second revokes the grant of who came first.
    if is_revoked(app, &named, now).await? {
        return Err(gone());
    }
    let taken = app.world.scratch.swap(&TokenHash::of(code), &Code::Used, now).await?;
    let (grant, registered, challenge) = match taken {
        None => return Err(gone()),
        Some(Code::Used) => {
            revoke(app, &named, now).await?;
            return Err(gone());
        }
        Some(Code::Fresh { grant, redirect_uri, challenge }) => (grant, redirect_uri, challenge),
    };
    if grant.client != client.id {
        return Err(gone());
    }
    // RFC 6749 4.1.3
    if redirect_uri != Some(registered.as_str()) {
        return Err(OAuthError::invalid_grant("Invalid parameter redirect_uri."));
    }
    if !proves(challenge.as_deref(), verifier) {
        return Err(OAuthError::invalid_grant("Invalid parameter code_verifier."));
    }
    Ok(*grant)
}

/// RFC 7636 4.1, 4.6. A verifier where there was no challenge is a downgrade by somebody in between.
fn proves(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            let fits = (43..=128).contains(&verifier.len())
                && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
            fits && authenticators::chance::same(challenge, TokenHash::of(verifier).as_str())
        }
        _ => false,
    }
}

/// Ends a grant: its access tokens and its refresh tokens, those too that are just being made.
pub async fn revoke(app: &App, grant: &GrantId, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO refresh_family (id, client, sid, scope, subject, ends_at, ended_at)
                       VALUES ($1, '', '', '', '', $2, $2)
                       ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at WHERE refresh_family.ended_at IS NULL";
    app.world.scratch.put(&grant.key(), &Revoked, now).await?;
    sqlx::query(SQL).bind(&grant.0).bind(now.seconds()).execute(app.world.db.pool()).await?;
    Ok(())
}

/// Whether a grant's access tokens are no good any more.
pub async fn is_revoked(app: &App, grant: &GrantId, now: Timestamp) -> anyhow::Result<bool> {
    Ok(app.world.scratch.get::<Revoked>(&grant.key(), now).await?.is_some())
}

/// Ends the refresh families of a session that serve login alone. Those with other scopes live on.
pub async fn end_logins_of(app: &App, sid: &str, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "UPDATE refresh_family SET ended_at = $2
                       WHERE sid = $1 AND ended_at IS NULL AND scope IN ('openid', 'openid profile', 'profile')";
    sqlx::query(SQL).bind(sid).bind(now.seconds()).execute(app.world.db.pool()).await?;
    Ok(())
}

/// Whether a scope serves login alone.
pub fn is_login_only(scope: &[String]) -> bool {
    scope.iter().all(|scope| matches!(scope.as_str(), "openid" | "profile"))
}

/// A refresh token to hand out.
pub struct Refresh {
    /// The token.
    pub token: Token,
    /// Seconds that it is good for.
    pub expires_in: u64,
    /// When the grant ends, and no token of it is good any more.
    pub ends_at: Timestamp,
}

/// Begins a family with its first token; none if the grant was revoked while it was being made,
/// whose tokens are worth nothing.
pub async fn begin_family(
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
    let query = sqlx::query(SQL).bind(&grant.id.0).bind(client.id.as_str()).bind(&grant.sid);
    let query = query.bind(grant.scope.join(" ")).bind(subject).bind(ends_at.seconds()).bind(jkt);
    if query.execute(&mut *tx).await?.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(None);
    }
    let (token, expires_at) = (app.world.chance.token()?, good_until(client, ends_at, now));
    let query = sqlx::query(FIRST).bind(token.hash()).bind(&grant.id.0).bind(expires_at.seconds());
    query.execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Some(Refresh { token, expires_in: expires_at.since(now).as_secs(), ends_at }))
}

/// Until when a refresh token of a family is good that ends then.
fn good_until(client: &Client, ends_at: Timestamp, now: Timestamp) -> Timestamp {
    now.plus(Duration::from_secs(client.registration.refresh_token_lifetime.into())).min(ends_at)
}

#[derive(sqlx::FromRow)]
struct FamilyRow {
    id: String,
    client: String,
    subject: String,
    jkt: Option<String>,
    ends_at: Timestamp,
    ended_at: Option<Timestamp>,
    expires_at: Timestamp,
    parent: Option<String>,
    successor: Option<String>,
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

/// Uses a refresh token and makes the next one. A client that never got the answer may come again with the old
/// one, as long as nothing that it was answered has been used. Whoever comes later, or with another answer than the
/// one that was used first, ends the family: somebody else has a copy (RFC 9700 4.14.2).
pub async fn refresh(
    app: &App,
    client: &Client,
    presented: &Presented<'_>,
    now: Timestamp,
) -> Result<(Grant, Refresh), OAuthError> {
    const FIND: &str =
        "SELECT f.id, f.client, f.subject, f.jkt, f.ends_at, f.ended_at, t.expires_at, t.parent, t.successor
                        FROM refresh_token t JOIN refresh_family f ON f.id = t.family WHERE t.hash = $1";
    let refused = || OAuthError::invalid_grant("Invalid parameter refresh_token.");
    let hash = TokenHash::of(presented.token);
    let query = || sqlx::query_as::<_, FamilyRow>(FIND).bind(hash.as_str());
    let row = query().fetch_optional(app.world.db.pool()).await?;
    let row = row.filter(|row| row.client == client.id.as_str()).ok_or_else(refused)?;
    if row.ended_at.is_some() || row.ends_at <= now {
        return Err(refused());
    }
    if row.jkt.is_some() && row.jkt.as_deref() != presented.jkt {
        return Err(OAuthError::invalid_dpop_proof("The refresh token is bound to another key."));
    }
    let mut grant: Grant = serde_json::from_str(&row.subject).map_err(anyhow::Error::from)?;
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
    narrow(&grant, presented.asked.0, presented.asked.1)?;
    may_still(app, client, &grant).await?;
    is_not_a_flood(app, &hash, now).await?;
    let mut tx = app.world.db.begin().await?;
    if !hold(&mut tx, client, &row.id, presented.jkt).await? {
        tx.rollback().await?;
        return Err(refused());
    }
    let next = match is_chosen(&mut tx, &row, &hash).await? {
        true if row.expires_at <= now => {
            tx.rollback().await?;
            return Err(refused());
        }
        true => go_on(app, client, (presented.token, row.ends_at), &mut tx, now).await?,
        false => None,
    };
    match next {
        Some(refresh) => {
            tx.commit().await?;
            Ok((grant, refresh))
        }
        // What it was answered has been used, or another answer than this one.
        None => {
            tx.rollback().await?;
            revoke(app, &GrantId(row.id), now).await?;
            Err(refused())
        }
    }
}

/// Locks the family, so that of two who use its tokens at the same instant the second sees what the first has done.
/// A public client that shows a key for the first time is bound to it from now on (RFC 9449 5), and whoever shows
/// another at the same instant comes too late: which key it is is asked again here. False if that is so, or if the family
/// has ended.
async fn hold(tx: &mut migrations::Tx, client: &Client, family: &str, jkt: Option<&str>) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE refresh_family SET jkt = COALESCE(jkt, $2)
                       WHERE id = $1 AND ended_at IS NULL AND (jkt IS NULL OR jkt = $3)";
    let to_bind = jkt.filter(|_| client.registration.is_public());
    let query = sqlx::query(SQL).bind(family).bind(to_bind).bind(jkt);
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// Some of the resources (RFC 8707 2.2) and of the details (RFC 9396 6) that were granted, and no others.
pub fn narrow(grant: &Grant, resource: &[String], details: &[Value]) -> Result<(), OAuthError> {
    if !resource.iter().all(|one| grant.resource.contains(one)) {
        return Err(OAuthError::invalid_target("Invalid parameter resource. More than was granted."));
    }
    match details.iter().all(|one| grant.authorization_details.contains(one)) {
        true => Ok(()),
        false => Err(OAuthError::invalid_authorization_details(
            "Invalid parameter authorization_details. More than was granted.",
        )),
    }
}

/// What was granted may have been taken from the client since.
pub async fn may_still(app: &App, client: &Client, grant: &Grant) -> Result<(), OAuthError> {
    if !grant.scope.iter().all(|scope| client.registration.scopes.contains(scope)) {
        return Err(OAuthError::invalid_scope("The client may no longer use all that was granted."));
    }
    scope::may_use(app, client, &grant.scope).await
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

/// Fills in which grants were revoked, where they are kept in this program's memory alone.
pub async fn recall(app: &App, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "SELECT id FROM refresh_family WHERE ended_at > $1";
    let since = now.minus(access_token::AT_MOST);
    let ended: Vec<String> = sqlx::query_scalar(SQL).bind(since.seconds()).fetch_all(app.world.db.pool()).await?;
    for id in ended {
        app.world.scratch.put(&GrantId(id).key(), &Revoked, now).await?;
    }
    Ok(())
}

/// Of all that came of one token the first to be used goes on; one statement decides which that is.
async fn is_chosen(tx: &mut migrations::Tx, row: &FamilyRow, hash: &TokenHash) -> Result<bool, OAuthError> {
    const SQL: &str =
        "UPDATE refresh_token SET successor = $2 WHERE hash = $1 AND (successor IS NULL OR successor = $2)";
    if row.successor.is_some() {
        return Ok(false);
    }
    let Some(parent) = &row.parent else { return Ok(true) };
    let done = sqlx::query(SQL).bind(parent).bind(hash.as_str()).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}

/// The next token of a family, or the same for longer; none if what the token was answered has been used.
async fn go_on(
    app: &App,
    client: &Client,
    (token, ends_at): (&str, Timestamp),
    tx: &mut migrations::Tx,
    now: Timestamp,
) -> Result<Option<Refresh>, OAuthError> {
    const SAME: &str = "UPDATE refresh_token SET expires_at = $2 WHERE hash = $1 AND successor IS NULL";
    const NEXT: &str = "INSERT INTO refresh_token (hash, family, expires_at, parent)
                        SELECT $3, family, $2, hash FROM refresh_token WHERE hash = $1 AND successor IS NULL";
    let registration = &client.registration;
    let expires_at = good_until(client, ends_at, now);
    let old = Token::presented(token);
    let (token, done) = if registration.refresh_token_usage == RefreshTokenUsage::Reuse && !registration.is_public() {
        let done = sqlx::query(SAME).bind(old.hash()).bind(expires_at.seconds()).execute(&mut **tx).await?;
        (old, done)
    } else {
        let next = app.world.chance.token()?;
        let query = sqlx::query(NEXT).bind(old.hash()).bind(expires_at.seconds()).bind(next.hash());
        let done = query.execute(&mut **tx).await?;
        (next, done)
    };
    let refresh = Refresh { token, expires_in: expires_at.since(now).as_secs(), ends_at };
    Ok((done.rows_affected() == 1).then_some(refresh))
}

/// The grant of a refresh token, used or not, and whose it is.
pub async fn of_refresh_token(app: &App, token: &str) -> sqlx::Result<Option<(GrantId, ClientId)>> {
    const SQL: &str = "SELECT f.id, f.client FROM refresh_token t JOIN refresh_family f ON f.id = t.family
                       WHERE t.hash = $1 AND f.ended_at IS NULL";
    let row: Option<(String, ClientId)> =
        sqlx::query_as(SQL).bind(TokenHash::of(token)).fetch_optional(app.world.db.pool()).await?;
    Ok(row.map(|(id, client)| (GrantId(id), client)))
}

/// Forgets some of the families that are over; true if there may be more.
pub async fn clean(app: &App, now: Timestamp) -> anyhow::Result<bool> {
    const SQL: &str =
        "DELETE FROM refresh_family WHERE id IN (SELECT id FROM refresh_family WHERE ends_at <= $1 LIMIT 1000)";
    let before = now.minus(Duration::from_hours(24));
    Ok(sqlx::query(SQL).bind(before.seconds()).execute(app.world.db.pool()).await?.rows_affected() == 1000)
}
