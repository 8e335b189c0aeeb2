//! The tokens: which claims for which scopes.

use std::time::Duration;

use authenticators::clock::Timestamp;
use authenticators::contact::Email;
use authenticators::person::Fnr;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access_token::{self, AccessToken, Confirmation, Form};
use crate::app::App;
use crate::client::ClientId;
use crate::client_auth::Caller;
use crate::error::OAuthError;
use crate::flow::{Abroad, Authentication, Names};
use crate::grant::Grant;
use crate::keys::{Expected, TokenType};
use crate::refresh::Refresh;
use crate::scope::Rules;
use crate::text::Language;

/// ID-porten: about two minutes.
const ID_TOKEN_FOR: Duration = Duration::from_secs(120);

/// OpenID Connect Core 2, with ID-porten's additions. `at_hash` is left out on purpose, as there.
#[derive(Serialize)]
struct IdToken<'a> {
    sub: &'a str,
    amr: [&'a str; 1],
    iss: &'a str,
    #[serde(flatten)]
    identity: Identity<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<Language>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    aud: &'a ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_onbehalfof: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud_onbehalfof: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    authorization_details: &'a [Value],
    acr: &'a str,
    auth_time: Timestamp,
    exp: Timestamp,
    iat: Timestamp,
    jti: String,
}

/// Who it is, where the service may know: a number, or what a guest is known by in its place.
#[derive(Default, Serialize)]
struct Identity<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<&'a str>,
    #[serde(flatten)]
    names: Option<&'a Names>,
    #[serde(flatten)]
    abroad: Option<&'a Abroad>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

impl Identity<'_> {
    fn of(grant: &Grant) -> Identity<'_> {
        let who = &grant.authentication;
        Identity {
            pid: who.fnr().map(Fnr::as_str),
            names: Some(who.names()).filter(|_| grant.scope.iter().any(|scope| scope == "profile")),
            abroad: who.abroad(),
            email: who.email().map(Email::as_str),
        }
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Vec<Value>>,
    scope: String,
}

/// How tokens are handed to a caller.
pub struct Handing<'a> {
    /// Who gets them.
    pub caller: &'a Caller,
    /// The key that they are bound to.
    pub jkt: Option<String>,
    /// The next refresh token.
    pub refresh: Option<Refresh>,
    /// The rules of all that was granted, also where less is handed out: asking for less must not tell more.
    pub rules: Rules,
}

/// The name by which a client knows a person.
pub fn subject(app: &App, client: &ClientId, who: &Authentication) -> String {
    app.keys.pairwise(client, who.person().as_str())
}

/// How long a client's access token is good for: its own wish, the shortest of its scopes, and never longer than
/// the grant.
pub fn lifetime(caller: &Caller, rules: &Rules) -> Duration {
    let own = caller.client.registration.access_token_lifetime;
    let seconds = rules.at_max_age.map_or(own, |most| own.min(most));
    Duration::from_secs(seconds.into()).min(rules.grant_lasts(&caller.client)).min(access_token::AT_MOST)
}

/// Signs the tokens of a grant, for its whole scope or a part of it.
pub async fn tokens(app: &App, grant: &Grant, handing: Handing<'_>, now: Timestamp) -> Result<Tokens, OAuthError> {
    let Handing { caller, jkt, refresh, rules } = handing;
    let (issuer, who, client) = (app.config.issuer.as_str(), &grant.authentication, &caller.client);
    let (registration, sub) = (&client.registration, subject(app, &client.id, who));
    let has = |name: &str| grant.scope.iter().any(|scope| scope == name);
    let algorithm = registration.id_token_signed_response_alg;
    let whole = lifetime(caller, &rules);
    let lives = refresh.as_ref().map_or(whole, |refresh| whole.min(refresh.ends_at.since(now)));
    let id_token = IdToken {
        sub: &sub,
        amr: [who.amr()],
        iss: issuer,
        identity: if rules.pseudonymous { Identity::default() } else { Identity::of(grant) },
        locale: has("profile").then_some(grant.locale),
        nonce: grant.nonce.as_deref(),
        sid: registration.wants_sid().then_some(&grant.sid),
        aud: &client.id,
        client_onbehalfof: grant.onbehalfof.as_deref(),
        aud_onbehalfof: grant.onbehalfof.as_deref(),
        authorization_details: &grant.authorization_details,
        acr: who.acr().name(),
        auth_time: who.at(),
        exp: now.plus(ID_TOKEN_FOR),
        iat: now,
        jti: grant.id.token_id(app)?,
    };
    let id_token = has("openid").then(|| app.keys.sign(algorithm, TokenType::IdToken, &id_token, now)).transpose()?;
    let details = Some(grant.authorization_details.clone()).filter(|details| !details.is_empty());
    let pid = who.fnr().map(|fnr| fnr.as_str().to_owned());
    let access = AccessToken {
        iss: issuer.to_owned(),
        sub,
        aud: access_token::audience(issuer, &grant.resource),
        client_id: client.id.clone(),
        client_amr: caller.amr.to_owned(),
        consumer: access_token::organisation(registration.client_orgno.as_ref()),
        supplier: access_token::organisation(registration.supplier_orgno.as_ref()),
        scope: grant.scope.join(" "),
        pid: pid.clone().filter(|_| !rules.pseudonymous),
        acr: Some(who.acr().name().to_owned()),
        locale: Some(grant.locale),
        authorization_details: details.clone(),
        cnf: jkt.map(|jkt| Confirmation { jkt }),
        exp: now.plus(lives),
        iat: now,
        jti: grant.id.token_id(app)?,
    };
    let form = if rules.opaque { Form::Opaque } else { Form::SelfContained(algorithm) };
    let hidden = pid.filter(|_| rules.pseudonymous);
    Ok(Tokens {
        scope: access.scope.clone(),
        token_type: access.token_type(),
        access_token: access_token::issue(app, access, form, hidden, now).await?,
        expires_in: lives.as_secs(),
        id_token,
        refresh_token_expires_in: refresh.as_ref().map(|refresh| refresh.expires_in),
        refresh_token: refresh.map(|refresh| refresh.token.reveal().to_owned()),
        authorization_details: details,
    })
}

impl Tokens {
    /// The token of a machine: there is no person behind it, and nothing to refresh.
    pub fn of_a_machine(access_token: String, claims: &AccessToken, now: Timestamp) -> Tokens {
        Tokens {
            access_token,
            token_type: claims.token_type(),
            expires_in: claims.exp.since(now).as_secs(),
            id_token: None,
            refresh_token: None,
            refresh_token_expires_in: None,
            authorization_details: claims.authorization_details.clone(),
            scope: claims.scope.clone(),
        }
    }
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

/// OpenID Connect Core 5.3.2; signed, it says who says it to whom.
#[derive(Serialize)]
pub struct UserInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<ClientId>,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<Language>,
}

/// The answer of `/userinfo` to an access token (OpenID Connect Core 5.3).
pub fn userinfo(app: &App, token: AccessToken) -> Result<UserInfo, OAuthError> {
    if !token.has("openid") {
        return Err(OAuthError::insufficient_scope("The access token was not issued for openid."));
    }
    if !access_token::is_for(&token.aud, app.config.issuer.as_str()) {
        return Err(OAuthError::invalid_token("The access token was issued for another resource."));
    }
    let locale = token.locale.filter(|_| token.has("profile"));
    Ok(UserInfo { iss: None, aud: None, sub: token.sub, pid: token.pid, locale })
}

impl UserInfo {
    /// The same, to be signed (OpenID Connect Core 5.3.2).
    #[must_use]
    pub fn to(self, app: &App, client: &ClientId) -> UserInfo {
        UserInfo { iss: Some(app.config.issuer.as_str().to_owned()), aud: Some(client.clone()), ..self }
    }
}
