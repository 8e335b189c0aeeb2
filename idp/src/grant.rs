//! What a citizen's login gives a service: a code that is good once, and what comes of it.

use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::scratch::Kept;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access_token;
use crate::app::App;
use crate::client::{Client, ClientId};
use crate::error::OAuthError;
use crate::flow::Authentication;
use crate::refresh;
use crate::request::AuthorizationRequest;
use crate::scope;
use crate::text::Language;

/// The name of a grant: in `jti` of its access tokens, and of its refresh family.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
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
    app.world.scratch.put(&grant.key(), &Revoked, now).await?;
    Ok(refresh::end(&app.world.db, grant, now).await?)
}

/// Whether a grant's access tokens are no good any more.
pub async fn is_revoked(app: &App, grant: &GrantId, now: Timestamp) -> anyhow::Result<bool> {
    Ok(app.world.scratch.get::<Revoked>(&grant.key(), now).await?.is_some())
}

/// Fills in which grants were revoked, where they are kept in this program's memory alone.
pub async fn recall(app: &App, now: Timestamp) -> anyhow::Result<()> {
    for id in refresh::ended_since(&app.world.db, now.minus(access_token::AT_MOST)).await? {
        app.world.scratch.put(&id.key(), &Revoked, now).await?;
    }
    Ok(())
}

/// Whether a scope serves login alone.
pub fn is_login_only(scope: &[String]) -> bool {
    scope.iter().all(|scope| matches!(scope.as_str(), "openid" | "profile"))
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
