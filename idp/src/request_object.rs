//! Request objects: authorization requests that a client has signed (RFC 9101), by value alone.

use std::borrow::Cow;
use std::time::Duration;

use authenticators::clock::Timestamp;
use serde_json::{Map, Value};

use crate::app::App;
use crate::client::Client;
use crate::client_auth::{LEEWAY, seconds};
use crate::client_keys::{self, Expected};
use crate::error::OAuthError;
use crate::params::Params;

/// How long a request object may be good for (FAPI 2.0 Message Signing 5.3.1).
const AT_MOST: Duration = Duration::from_mins(60);
/// What stands in it besides the parameters.
const REGISTERED: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// The parameters of a request: those in its object if it has one, and then none from outside (RFC 9101 6.3).
pub async fn unfold<'a>(
    app: &App,
    client: &Client,
    params: &'a Params,
    now: Timestamp,
) -> Result<Cow<'a, Params>, OAuthError> {
    let registration = &client.registration;
    let Some(object) = params.one("request")? else {
        return match registration.require_signed_request_object {
            true => Err(OAuthError::invalid_request("Missing parameter request. The client has to sign its requests.")),
            false => Ok(Cow::Borrowed(params)),
        };
    };
    let wrong = |why: &str| OAuthError::invalid_request_object(format!("Invalid parameter request. {why}"));
    if registration.jwks.is_none() && registration.jwks_uri.is_none() {
        return Err(wrong("The client has no registered keys."));
    }
    let chosen = registration.request_object_signing_alg;
    let mut algorithms = registration.signing_algorithms().to_vec();
    algorithms.retain(|algorithm| chosen.is_none_or(|chosen| chosen == *algorithm));
    let expected = Expected { algorithms: &algorithms, types: &["", "jwt", "oauth-authz-req+jwt"] };
    let verified = client_keys::verify(app, registration.keys(), object, &expected, now).await?;
    let claims = verified.map_err(wrong)?.claims;
    is_for_us(app, client, &claims).map_err(wrong)?;
    is_in_time(&claims, now).map_err(wrong)?;
    let fields = claims.into_iter().filter(|(name, _)| !REGISTERED.contains(&name.as_str()));
    Ok(Cow::Owned(Params::of_json(fields)))
}

fn is_for_us(app: &App, client: &Client, claims: &Map<String, Value>) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let id = Some(client.id.as_str());
    if text("iss") != id || text("client_id") != id {
        return Err("iss and client_id must be the client_id.");
    }
    // RFC 9101 10.8: what names the client as its subject could be a client assertion.
    if text("sub") == id {
        return Err("sub must not be the client_id.");
    }
    if claims.contains_key("request") || claims.contains_key("request_uri") {
        return Err("A request in a request.");
    }
    let issuer = app.config.issuer.as_str();
    let ours = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(|aud| aud == issuer),
        Some(one) => one == issuer,
        None => false,
    };
    if ours { Ok(()) } else { Err("aud must be the issuer.") }
}

fn is_in_time(claims: &Map<String, Value>, now: Timestamp) -> Result<(), &'static str> {
    let time = |name: &str| claims.get(name).and_then(Value::as_f64).map(seconds);
    let (Some(exp), Some(nbf)) = (time("exp"), time("nbf")) else { return Err("exp and nbf are needed.") };
    if exp <= now {
        return Err("It has expired.");
    }
    if nbf > now.plus(LEEWAY) {
        return Err("It is not valid yet.");
    }
    if now.since(nbf) > AT_MOST || exp.since(nbf) > AT_MOST {
        return Err("It is good for more than 60 minutes.");
    }
    Ok(())
}
