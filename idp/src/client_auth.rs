//! Who is calling: client authentication (RFC 6749 2.3, RFC 7523 2.2, OpenID Connect Core 9).

use std::sync::Arc;
use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::scratch::Kept;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::App;
use crate::certificate;
use crate::client::{Client, ClientId, WARNED_AHEAD, date};
use crate::client_keys::{Expected, Verified};
use crate::error::OAuthError;
use crate::params::Params;
use crate::registration::AuthMethod;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Maskinporten: an assertion is good for two minutes.
pub const ASSERTION_FOR: Duration = Duration::from_secs(120);
/// How far two clocks may be apart.
pub const LEEWAY: Duration = Duration::from_secs(10);

/// A client that has shown who it is.
#[derive(Clone)]
pub struct Caller {
    /// The client.
    pub client: Arc<Client>,
    /// By what it has shown it: the claim `client_amr`.
    pub amr: &'static str,
}

/// A `jti` that has been used.
#[derive(Serialize, Deserialize)]
struct Spent;

impl Kept for Spent {
    const KIND: &'static str = "assertion";
    const FOR: Duration = Duration::from_secs(300);
}

/// Who is calling, by the one method that is registered for it.
pub async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    now: Timestamp,
) -> Result<Caller, OAuthError> {
    let header = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let (secret, assertion) = (params.one("client_secret")?, params.one("client_assertion")?);
    let named = params.one("client_id")?;
    if usize::from(header.is_some()) + usize::from(secret.is_some()) + usize::from(assertion.is_some()) > 1 {
        return Err(OAuthError::invalid_request("Two ways of client authentication at once."));
    }
    if let Some(header) = header {
        let (id, secret) = basic(header).ok_or_else(|| OAuthError::invalid_client_basic("Malformed Authorization."))?;
        if named.is_some_and(|named| named != id) {
            return Err(OAuthError::invalid_request("Parameter client_id differs from the authenticated client."));
        }
        let caller = by_secret(app, &id, (AuthMethod::ClientSecretBasic, Some(&secret)), now).await?;
        return caller.ok_or_else(|| OAuthError::invalid_client_basic("Client authentication failed."));
    }
    if let Some(assertion) = assertion {
        if params.one("client_assertion_type")? != Some(ASSERTION_TYPE) {
            return Err(OAuthError::invalid_request("Invalid parameter client_assertion_type."));
        }
        return by_assertion(app, named, assertion, now).await;
    }
    let id = named.ok_or_else(|| OAuthError::invalid_client("Client authentication is missing."))?;
    let secret = secret.map(Token::presented);
    let method = if secret.is_some() { AuthMethod::ClientSecretPost } else { AuthMethod::None };
    let caller = by_secret(app, id, (method, secret.as_ref()), now).await?;
    caller.ok_or_else(|| OAuthError::invalid_client("Client authentication failed."))
}

async fn by_secret(
    app: &App,
    id: &str,
    shown: (AuthMethod, Option<&Token>),
    now: Timestamp,
) -> Result<Option<Caller>, OAuthError> {
    let (method, secret) = shown;
    let Some(id) = ClientId::named(id) else { return Ok(None) };
    let Some(client) = app.client(&id).await? else { return Ok(None) };
    let right = secret.is_none_or(|secret| client.is_right(secret, now));
    let fits = right && client.registration.token_endpoint_auth_method == method;
    Ok(fits.then(|| Caller { client, amr: method.name() }))
}

async fn by_assertion(app: &App, named: Option<&str>, token: &str, now: Timestamp) -> Result<Caller, OAuthError> {
    let refused = |why: &str| OAuthError::invalid_client(format!("Invalid parameter client_assertion. {why}"));
    let issuer = issuer_of(token).ok_or_else(|| refused("Not a JWT."))?;
    if named.is_some_and(|named| named != issuer) {
        return Err(refused("Parameter client_id differs from its issuer."));
    }
    // One answer, whether the client is unknown or uses another method.
    let unknown = || OAuthError::invalid_client("Client authentication failed.");
    let id = ClientId::named(&issuer).ok_or_else(unknown)?;
    let client = app.client(&id).await?.ok_or_else(unknown)?;
    if client.registration.token_endpoint_auth_method != AuthMethod::PrivateKeyJwt {
        return Err(unknown());
    }
    let (verified, amr) = signature(app, &client, token, now).await?.map_err(refused)?;
    let issuer = app.config.issuer.as_str();
    let claims = &verified.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(id.as_str()) || text("sub") != Some(id.as_str()) {
        return Err(refused("iss and sub must be the client_id."));
    }
    if !is_for_us(&client, claims.get("aud"), issuer, now) {
        return Err(refused("aud must be the issuer."));
    }
    times(claims, now).map_err(refused)?;
    spend(app, &client, claims, now).await?.map_err(refused)?;
    Ok(Caller { client, amr })
}

/// Checks the signature of a JWT by which a client speaks for itself, with its own keys or its owner's enterprise
/// certificate.
pub async fn signature(
    app: &App,
    client: &Client,
    token: &str,
    now: Timestamp,
) -> Result<Result<(Verified, &'static str), &'static str>, OAuthError> {
    let registration = &client.registration;
    let expected =
        Expected { algorithms: registration.signing_algorithms(), types: &["", "jwt", "client-authentication+jwt"] };
    let keyless = registration.jwks.is_none() && registration.jwks_uri.is_none();
    let (verified, amr) = match (keyless, &app.config.enterprise, &registration.client_orgno) {
        (true, Some(roots), Some(owner)) => {
            (certificate::verify(roots, token, owner, &expected, now), "virksomhetssertifikat")
        }
        _ => (app.client_keys.verify(registration.keys(), token, &expected, now).await?, "private_key_jwt"),
    };
    match verified {
        Ok(verified) => {
            warn(app, client, &verified, now).await?;
            Ok(Ok((verified, amr)))
        }
        Err(why) => Ok(Err(why)),
    }
}

/// A day's note that the end of a client's key was told.
#[derive(Serialize, Deserialize)]
struct Warned;

impl Kept for Warned {
    const KIND: &'static str = "key-ends";
    const FOR: Duration = Duration::from_hours(24);
}

/// Writes down once a day that the key or certificate in use ends soon.
async fn warn(app: &App, client: &Client, used: &Verified, now: Timestamp) -> anyhow::Result<()> {
    let Some(end) = used.key_expires.filter(|end| *end <= now.plus(WARNED_AHEAD)) else { return Ok(()) };
    let name = TokenHash::of(client.id.as_str());
    if app.world.scratch.claim(&name, &Warned, now).await? {
        let days = end.since(now).as_secs() / 86_400;
        tracing::warn!(client = client.id.as_str(), days, "the client's key ends soon");
    }
    Ok(())
}

/// The issuer and nothing else; for an old client until the day of its exception the token endpoint as well.
fn is_for_us(client: &Client, aud: Option<&Value>, issuer: &str, now: Timestamp) -> bool {
    if aud.and_then(Value::as_str) == Some(issuer) {
        return true;
    }
    if client.registration.client_assertion_audience_exception_until.is_none_or(|until| until < date(now)) {
        return false;
    }
    let endpoint = format!("{issuer}/token");
    let is_ours = |value: &Value| value.as_str().is_some_and(|text| text == issuer || text == endpoint);
    match aud {
        Some(Value::Array(all)) => all.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => false,
    }
}

/// `exp` is near, and nothing else is out of its time.
pub fn times(claims: &Map<String, Value>, now: Timestamp) -> Result<(), &'static str> {
    match time(claims, "exp") {
        None => return Err("exp is missing."),
        Some(exp) if exp <= now => return Err("It has expired."),
        Some(exp) if exp > now.plus(ASSERTION_FOR).plus(LEEWAY) => return Err("exp is more than 120 seconds ahead."),
        Some(_) => {}
    }
    if [time(claims, "nbf"), time(claims, "iat")].into_iter().flatten().any(|time| time > now.plus(LEEWAY)) {
        return Err("It is not valid yet.");
    }
    Ok(())
}

/// A claim that is a time.
pub fn time(claims: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    claims.get(name).and_then(Value::as_f64).map(seconds)
}

/// A `NumericDate` may have a fraction (RFC 7519 2).
#[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest second that there is")]
pub fn seconds(time: f64) -> Timestamp {
    Timestamp::from_seconds(time.floor() as i64)
}

/// Uses up the `jti`. Only after the signature was right: nobody else can spend a client's.
pub async fn spend(
    app: &App,
    client: &Client,
    claims: &Map<String, Value>,
    now: Timestamp,
) -> Result<Result<(), &'static str>, OAuthError> {
    let Some(jti) = claims.get("jti").and_then(Value::as_str).filter(|jti| (1..=512).contains(&jti.len())) else {
        return Ok(Err("jti is missing."));
    };
    let made_at = time(claims, "iat").or_else(|| Some(time(claims, "exp")?.minus(ASSERTION_FOR)));
    if made_at.is_none_or(|made_at| app.has_forgotten(made_at)) {
        return Ok(Err("It was made before the server started. Make another."));
    }
    let name = TokenHash::of(&format!("{}\n{jti}", client.id.as_str()));
    Ok(match app.world.scratch.claim(&name, &Spent, now).await? {
        true => Ok(()),
        false => Err("It has been used."),
    })
}

/// Who says to have made a JWT. Nothing is believed of it but whose keys are to be tried.
pub fn issuer_of(token: &str) -> Option<String> {
    let body = token.split('.').nth(1).filter(|body| body.len() <= 16 * 1024)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
    claims.get("iss").and_then(Value::as_str).map(str::to_owned)
}

/// RFC 6749 2.3.1: both halves are form-encoded before they are joined.
fn basic(header: &str) -> Option<(String, Token)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |half: &str| {
        let whole = format!("x={}", half.replace('&', "%26"));
        url::form_urlencoded::parse(whole.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    Some((decode(id)?, Token::presented(&decode(secret)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_form_decoded() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let read = |text: &str| basic(&header(text)).map(|(id, secret)| (id, secret.reveal().to_owned()));
        assert_eq!(read("client%3A1:s%2Bx+y"), Some(("client:1".into(), "s+x y".into())));
        assert_eq!(read("a:b:c"), Some(("a".into(), "b:c".into())));
        assert_eq!(read("a:b&c=d"), Some(("a".into(), "b&c=d".into())));
        assert_eq!(read("a"), None);
        assert_eq!(basic("Bearer x").map(|(id, _)| id), None);
        assert_eq!(basic("Basic ***").map(|(id, _)| id), None);
    }
}
