//! Access tokens: signed (RFC 9068) or by reference, and how they are read back.

use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::scratch::Kept;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::client::ClientId;
use crate::grant::{self, GrantId};
use crate::keys::{Expected, SigningAlgorithm, TokenType};
use crate::text::Language;

/// The longest life of an access token; a note that one is revoked is kept as long.
pub const AT_MOST: Duration = Duration::from_hours(24);

/// The key that a token is bound to (RFC 9449 6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The thumbprint.
    pub jkt: String,
}

/// The claims: RFC 9068 2.2, with ID-porten's additions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessToken {
    /// Us.
    pub iss: String,
    /// The pairwise subject; the client itself where no person is behind it.
    pub sub: String,
    /// The resources that were asked for; the issuer if none was (RFC 9068 3).
    pub aud: Value,
    /// Whose it is.
    pub client_id: ClientId,
    /// By what the client has shown who it is.
    pub client_amr: String,
    /// The organisation that owns the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<Value>,
    /// The organisation that runs the client for its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Value>,
    /// What it is good for.
    pub scope: String,
    /// The person's identifier, unless the scopes are pseudonymous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<String>,
    /// How surely the person was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The language that the person saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Language>,
    /// RFC 9396 9.1
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Vec<Value>>,
    /// The key that it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// When it ends.
    pub exp: Timestamp,
    /// When it was made.
    pub iat: Timestamp,
    /// Names the grant and the token.
    pub jti: String,
}

/// How a token is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A JWT.
    SelfContained(SigningAlgorithm),
    /// A handle that says nothing to anybody.
    Opaque,
}

/// An access token by reference.
#[derive(Serialize, Deserialize)]
struct Opaque {
    claims: AccessToken,
    lasts: Duration,
}

impl Kept for Opaque {
    const KIND: &'static str = "access";
    const FOR: Duration = AT_MOST;

    fn lasts(&self) -> Duration {
        self.lasts
    }
}

/// The identifier that a pseudonymous token does not tell, for introspection.
#[derive(Serialize, Deserialize)]
struct Hidden {
    pid: String,
    lasts: Duration,
}

impl Kept for Hidden {
    const KIND: &'static str = "hidden-pid";
    const FOR: Duration = AT_MOST;

    fn lasts(&self) -> Duration {
        self.lasts
    }
}

/// ISO 6523 as the Norwegian organisation register has it.
pub fn organisation(number: Option<&String>) -> Option<Value> {
    number.map(|number| json!({ "authority": "iso6523-actorid-upis", "ID": format!("{NORWEGIAN}{number}") }))
}

/// ISO 6523's code for numbers of that register.
const NORWEGIAN: &str = "0192:";

/// Whether an `aud`, a text or a list of them, names this resource (RFC 7519 4.1.3).
pub fn is_for(aud: &Value, resource: &str) -> bool {
    match aud {
        Value::Array(all) => all.iter().any(|one| one == resource),
        one => one == resource,
    }
}

/// `aud` for the resources asked for (RFC 8707 2.2): a text where it is one.
pub fn audience(issuer: &str, resources: &[String]) -> Value {
    match resources {
        [] => json!(issuer),
        [one] => json!(one),
        several => json!(several),
    }
}

/// Hands out a token. `pid` is whose it is, where the claims do not tell.
pub async fn issue(
    app: &App,
    claims: AccessToken,
    form: Form,
    pid: Option<String>,
    now: Timestamp,
) -> anyhow::Result<String> {
    let lasts = claims.exp.since(now);
    if let Some(pid) = pid {
        app.world.scratch.put(&TokenHash::of(&claims.jti), &Hidden { pid, lasts }, now).await?;
    }
    match form {
        Form::SelfContained(algorithm) => app.keys.sign(algorithm, TokenType::AccessToken, &claims, now),
        Form::Opaque => {
            let token = app.world.chance.token()?;
            app.world.scratch.put(&token.hash(), &Opaque { claims, lasts }, now).await?;
            Ok(token.reveal().to_owned())
        }
    }
}

/// Reads a token back, if it is one of ours, has not expired and is not revoked, and its client may still be used.
pub async fn find(app: &App, token: &str, now: Timestamp) -> anyhow::Result<Option<AccessToken>> {
    let found = if token.contains('.') {
        let issuer = app.config.issuer.as_str();
        let expected = Expected { kind: TokenType::AccessToken, issuer, not_after: Some(now) };
        app.keys.verify::<AccessToken>(token, &expected).ok()
    } else {
        let read = app.world.scratch.get::<Opaque>(&Token::presented(token).hash(), now).await?;
        read.map(|read| read.value.claims).filter(|claims| claims.exp > now)
    };
    let Some(claims) = found else { return Ok(None) };
    let Some(grant) = GrantId::of_token(&claims.jti) else { return Ok(None) };
    if app.client(&claims.client_id).await?.is_none() {
        return Ok(None);
    }
    Ok(if grant::is_revoked(app, &grant, now).await? { None } else { Some(claims) })
}

/// The identifier behind a token that does not tell it.
pub async fn hidden_pid(app: &App, token: &AccessToken, now: Timestamp) -> anyhow::Result<Option<String>> {
    let read = app.world.scratch.get::<Hidden>(&TokenHash::of(&token.jti), now).await?;
    Ok(read.map(|read| read.value.pid))
}

impl AccessToken {
    /// Whether it is good for `name`.
    pub fn has(&self, name: &str) -> bool {
        self.scope.split(' ').any(|scope| scope == name)
    }

    /// The number of the organisation that it was given to.
    pub fn consumer_number(&self) -> Option<&str> {
        self.consumer.as_ref()?.get("ID").and_then(Value::as_str)?.strip_prefix(NORWEGIAN)
    }

    /// How it is shown (RFC 6749 7.1, RFC 9449 5).
    pub fn token_type(&self) -> &'static str {
        if self.cnf.is_some() { "DPoP" } else { "Bearer" }
    }
}
