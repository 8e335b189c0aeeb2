//! The tokens: which claims for which scopes.

use std::time::Duration;

use authenticators::clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::client::{Client, ClientId};
use crate::error::OAuthError;
use crate::flow::Authentication;
use crate::grant::{self, ACCESS_TOKEN_AT_MOST, Grant, GrantId, Refresh};
use crate::keys::{Expected, TokenType};
use crate::text::Language;

/// ID-porten: about two minutes.
const ID_TOKEN_FOR: Duration = Duration::from_secs(120);

/// OpenID Connect Core 2, with ID-porten's additions. `at_hash` is left out on purpose, as there.
#[derive(Serialize)]
struct IdToken<'a> {
    sub: String,
    amr: [&'a str; 1],
    iss: &'a str,
    pid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<Language>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    aud: &'a ClientId,
    acr: &'a str,
    auth_time: Timestamp,
    exp: Timestamp,
    iat: Timestamp,
    jti: String,
}

/// RFC 9068 2.2, with ID-porten's additions. Who asks for no resource gets a token for `/userinfo` (RFC 9068 3).
#[derive(Serialize)]
struct AccessToken<'a> {
    iss: &'a str,
    sub: String,
    aud: &'a str,
    client_id: &'a ClientId,
    client_amr: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Value>,
    scope: String,
    pid: &'a str,
    acr: &'a str,
    locale: Language,
    exp: Timestamp,
    iat: Timestamp,
    jti: String,
}

/// RFC 6749 5.1, with `refresh_token_expires_in` as ID-porten has it.
#[derive(Serialize)]
pub struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_expires_in: Option<u64>,
    scope: String,
}

/// The name by which a client knows a person.
pub fn subject(app: &App, client: &ClientId, who: &Authentication) -> String {
    app.keys.pairwise(client, who.person().as_str())
}

/// ISO 6523 as the Norwegian organisation register has it.
fn organisation(number: Option<&String>) -> Option<Value> {
    number.map(|number| json!({ "authority": "iso6523-actorid-upis", "ID": format!("0192:{number}") }))
}

/// Signs the tokens of a grant, for its whole scope or a part of it.
pub fn tokens(
    app: &App,
    client: &Client,
    grant: &Grant,
    refresh: Option<Refresh>,
    now: Timestamp,
) -> Result<Tokens, OAuthError> {
    let (issuer, who, registration) = (app.config.issuer.as_str(), &grant.authentication, &client.registration);
    let sub = subject(app, &client.id, who);
    let has = |name: &str| grant.scope.iter().any(|scope| scope == name);
    let lives = Duration::from_secs(registration.access_token_lifetime.into()).min(ACCESS_TOKEN_AT_MOST);
    let access = AccessToken {
        iss: issuer,
        sub: sub.clone(),
        aud: issuer,
        client_id: &client.id,
        client_amr: registration.token_endpoint_auth_method.name(),
        consumer: organisation(registration.client_orgno.as_ref()),
        supplier: organisation(registration.supplier_orgno.as_ref()),
        scope: grant.scope.join(" "),
        pid: who.fnr().as_str(),
        acr: who.acr().name(),
        locale: grant.locale,
        exp: now.plus(lives),
        iat: now,
        jti: grant.id.token_id(app)?,
    };
    let id_token = IdToken {
        sub,
        amr: [who.amr()],
        iss: issuer,
        pid: who.fnr().as_str(),
        locale: has("profile").then_some(grant.locale),
        nonce: grant.nonce.as_deref(),
        sid: registration.wants_sid().then_some(&grant.sid),
        aud: &client.id,
        acr: who.acr().name(),
        auth_time: who.at(),
        exp: now.plus(ID_TOKEN_FOR),
        iat: now,
        jti: grant.id.token_id(app)?,
    };
    let algorithm = registration.id_token_signed_response_alg;
    let id_token = has("openid").then(|| app.keys.sign(algorithm, TokenType::IdToken, &id_token, now)).transpose()?;
    Ok(Tokens {
        access_token: app.keys.sign(algorithm, TokenType::AccessToken, &access, now)?,
        token_type: "Bearer",
        expires_in: lives.as_secs(),
        id_token,
        refresh_token_expires_in: refresh.as_ref().map(|refresh| refresh.expires_in),
        refresh_token: refresh.map(|refresh| refresh.token.reveal().to_owned()),
        scope: access.scope,
    })
}

/// What is read back of an ID token.
#[derive(Debug, Clone, Deserialize)]
pub struct Hint {
    /// The pairwise subject.
    pub sub: String,
    /// The client.
    pub aud: String,
}

/// Reads an ID token that we have signed, however old.
pub fn read_hint(app: &App, token: &str) -> Option<Hint> {
    let expected = Expected { kind: TokenType::IdToken, issuer: app.config.issuer.as_str(), not_after: None };
    app.keys.verify(token, &expected).ok()
}

#[derive(Clone, Deserialize)]
struct ReadAccessToken {
    sub: String,
    aud: String,
    scope: String,
    pid: String,
    locale: Language,
    jti: String,
}

/// OpenID Connect Core 5.3.2
#[derive(Serialize)]
pub struct UserInfo {
    sub: String,
    pid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<Language>,
}

/// The answer of `/userinfo` to an access token (OpenID Connect Core 5.3).
pub async fn userinfo(app: &App, token: &str, now: Timestamp) -> Result<UserInfo, OAuthError> {
    let issuer = app.config.issuer.as_str();
    let expected = Expected { kind: TokenType::AccessToken, issuer, not_after: Some(now) };
    let invalid = || OAuthError::invalid_token("The access token is invalid, expired or revoked.");
    let token: ReadAccessToken = app.keys.verify(token, &expected).map_err(|_| invalid())?;
    if token.aud != issuer {
        return Err(invalid());
    }
    let grant = GrantId::of_token(&token.jti).ok_or_else(invalid)?;
    if grant::is_revoked(app, &grant, now).await? {
        return Err(invalid());
    }
    let has = |name: &str| token.scope.split(' ').any(|scope| scope == name);
    if !has("openid") {
        return Err(OAuthError::insufficient_scope("The access token was not issued for openid."));
    }
    let locale = has("profile").then_some(token.locale);
    Ok(UserInfo { sub: token.sub, pid: token.pid, locale })
}
