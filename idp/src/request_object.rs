//! Request objects: authorization requests that a client has signed (RFC 9101), by value alone.

use std::borrow::Cow;
use std::time::Duration;

use authenticators::clock::Timestamp;
use serde_json::{Map, Value};

use crate::app::App;
use crate::client::Client;
use crate::client_auth::{LEEWAY, time};
use crate::client_keys::Expected;
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
    let verified = app.client_keys.verify(registration.keys(), object, &expected, now).await?;
    let claims = verified.map_err(wrong)?.claims;
    is_for_us(app.config.issuer.as_str(), client.id.as_str(), &claims).map_err(wrong)?;
    is_in_time(&claims, now).map_err(wrong)?;
    let fields = claims.into_iter().filter(|(name, _)| !REGISTERED.contains(&name.as_str()));
    Ok(Cow::Owned(Params::of_json(fields)))
}

fn is_for_us(issuer: &str, id: &str, claims: &Map<String, Value>) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let id = Some(id);
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
    let ours = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(|aud| aud == issuer),
        Some(one) => one == issuer,
        None => false,
    };
    if ours { Ok(()) } else { Err("aud must be the issuer.") }
}

fn is_in_time(claims: &Map<String, Value>, now: Timestamp) -> Result<(), &'static str> {
    let (Some(exp), Some(nbf)) = (time(claims, "exp"), time(claims, "nbf")) else {
        return Err("exp and nbf are needed.");
    };
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;

    /// Near the limits, and far beyond them.
    fn offset() -> impl Strategy<Value = i64> {
        let limits = prop::sample::select(vec![-3700, -3601, -3600, -3599, -1, 0, 1, 9, 10, 11, 300, 3600, 3610, 3611]);
        prop_oneof![6 => limits, 2 => -8000..8000i64, 1 => prop::sample::select(vec![-NOW, i64::MAX / 4, i64::MIN / 4])]
    }

    /// A `NumericDate` as JSON writes it, or something that is none.
    fn date() -> impl Strategy<Value = (Option<i128>, Value)> {
        let whole = |offset| NOW + offset;
        prop_oneof![
            10 => offset().prop_map(move |offset| (Some(i128::from(whole(offset))), json!(whole(offset)))),
            2 => (-4000..4000i64).prop_map(move |offset| {
                let text = format!("{}.5", whole(offset));
                (Some(i128::from(whole(offset))), serde_json::from_str(&text).unwrap())
            }),
            1 => Just((None, Value::Null)),
            1 => offset().prop_map(move |offset| (None, json!(whole(offset).to_string()))),
            1 => Just((None, json!([NOW + 60]))),
            1 => Just((None, json!(true))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn an_object_is_good_for_an_hour_at_most((exp, exp_json) in date(), (nbf, nbf_json) in date()) {
            let claims = json!({ "exp": exp_json, "nbf": nbf_json }).as_object().cloned().unwrap();
            let now = i128::from(NOW);
            let good = match (exp, nbf) {
                (Some(exp), Some(nbf)) => exp > now && nbf <= now + 10 && now - nbf <= 3600 && exp - nbf <= 3600,
                _ => false,
            };
            prop_assert_eq!(is_in_time(&claims, Timestamp::from_seconds(NOW)).is_ok(), good, "{:?}", claims);
        }

        #[test]
        fn an_object_is_the_clients_own_and_for_us(
            changes in prop::collection::vec((
                prop::sample::select(vec!["iss", "client_id", "aud", "sub", "request", "request_uri", "scope"]),
                prop::sample::select(vec![
                    Value::Null, json!("client"), json!("other"), json!("https://idp.test"), json!("https://idp.test/"),
                    json!("https://idp.test/token"), json!(["https://idp.test"]), json!(["other", "https://idp.test"]),
                    json!(["other"]), json!([]), json!(""), json!("CLIENT"), json!(7), json!({ "client": true }),
                ]),
            ), 0..4),
        ) {
            let good = json!({ "iss": "client", "client_id": "client", "aud": "https://idp.test" });
            let mut claims = good.as_object().cloned().unwrap();
            claims.extend(changes.into_iter().map(|(name, value)| (name.to_owned(), value)));
            let is = |name: &str, text: &str| claims.get(name).is_some_and(|value| *value == text);
            let aud = is("aud", "https://idp.test")
                || claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.contains(&json!("https://idp.test")));
            let good = is("iss", "client") && is("client_id", "client") && aud && !is("sub", "client")
                && !claims.contains_key("request") && !claims.contains_key("request_uri");
            prop_assert_eq!(is_for_us("https://idp.test", "client", &claims).is_ok(), good, "{:?}", claims);
        }
    }
}
