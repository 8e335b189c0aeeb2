//! The checks that every module makes, each on what one answer holds.

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use url::Url;

use crate::jose::{Jwt, half, now};
use crate::op::{Reply, Request};
use crate::person::{Answer, How};

/// What any of these checks may find that is not good, but no failure.
pub(crate) type Wishes = Vec<String>;

/// A good answer at the `redirect_uri`: state, issuer (RFC 9207), code.
pub(crate) fn answer(request: &Request, answer: &Answer, issuer: &str) -> anyhow::Result<()> {
    envelope(request, answer, issuer)?;
    ensure!(answer.get("error").is_none(), "an error: {:?}", answer.fields);
    let code = answer.get("code").context("no code")?;
    ensure!(code.len() * 6 >= 128, "a code of {} letters", code.len());
    ensure!(entropy(code) >= 96.0, "a code of {} bit", entropy(code));
    Ok(())
}

/// The error at the `redirect_uri` is one of these.
pub(crate) fn error(request: &Request, answer: &Answer, issuer: &str, errors: &[&str]) -> anyhow::Result<Wishes> {
    envelope(request, answer, issuer)?;
    ensure!(answer.get("code").is_none(), "a code: {:?}", answer.fields);
    let error = answer.get("error").with_context(|| format!("no error: {:?}", answer.fields))?;
    let description = answer.get("error_description").unwrap_or_default();
    letters(error, description)?;
    ensure!(errors.is_empty() || errors.contains(&error), "the error is {error}: {description}");
    let own = Url::parse(request.get("redirect_uri").unwrap_or(&request.client.redirect_uri))?;
    let known = ["error", "error_description", "error_uri", "state", "iss", "aud", "exp"];
    let unknown = answer
        .fields
        .iter()
        .map(|(name, _)| name.as_str())
        .find(|name| !known.contains(name) && !own.query_pairs().any(|(own, _)| own == *name));
    Ok(unknown.map(|name| format!("an unknown parameter {name}")).into_iter().collect())
}

/// The letters of RFC 6749 4.1.2.1
fn letters(error: &str, description: &str) -> anyhow::Result<()> {
    for text in [error, description] {
        let fits = text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        ensure!(fits, "letters that an error may not have: {text:?}");
    }
    Ok(())
}

/// What is common to good answers and errors.
fn envelope(request: &Request, answer: &Answer, issuer: &str) -> anyhow::Result<()> {
    ensure!(answer.url.fragment().is_none(), "a fragment: {}", answer.url);
    let registered = Url::parse(&request.client.redirect_uri)?;
    let place = |url: &Url| (url.origin(), url.path().to_owned());
    ensure!(place(&answer.url) == place(&registered), "sent to {}", answer.url);
    for pair in registered.query_pairs() {
        ensure!(answer.url.query_pairs().any(|own| own == pair), "{} has lost {pair:?}", answer.url);
    }
    let form_post = request.get("response_mode") == Some("form_post");
    ensure!(form_post == (answer.how == How::Post), "it came by {:?}", answer.how);
    if form_post {
        let pairs = |url: &Url| url.query_pairs().count();
        ensure!(pairs(&answer.url) == pairs(&registered), "parameters in the query: {}", answer.url);
    }
    let mut names: Vec<&str> = answer.fields.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    ensure!(names.windows(2).all(|pair| pair[0] != pair[1]), "a parameter twice: {names:?}");
    match answer.get("iss") {
        Some(iss) => ensure!(iss == issuer, "iss is {iss}"),
        None => ensure!(!request.client.is_fapi(), "no iss"),
    }
    let (sent, got) = (request.get("state"), answer.get("state"));
    ensure!(sent == got, "the state is {got:?} instead of {sent:?}");
    Ok(())
}

/// The letters' Shannon entropy times length.
pub(crate) fn entropy(text: &str) -> f64 {
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let length = count(text.len());
    let mut letters: Vec<u8> = text.bytes().collect();
    letters.sort_unstable();
    let shares = letters.chunk_by(|one, other| one == other).map(|chunk| count(chunk.len()) / length);
    -length * shares.map(|share| share * share.log2()).sum::<f64>()
}

/// A good token answer (RFC 6749 5.1).
pub(crate) fn tokens(reply: &Reply, token_type: &str) -> anyhow::Result<()> {
    ensure!(reply.status == 200, "the token endpoint: {} {}", reply.status, reply.text);
    is_json(reply)?;
    let token = reply.get("access_token")?;
    ensure!(entropy(token) >= 96.0, "an access token of {} bit", entropy(token));
    let own = reply.get("token_type")?;
    ensure!(own.eq_ignore_ascii_case(token_type), "token_type is {own}");
    let expires = &reply.json["expires_in"];
    ensure!(expires.is_null() || expires.as_i64().is_some_and(|seconds| seconds > 0), "expires_in is {expires}");
    let kept = reply.header("cache-control").contains("no-store");
    ensure!(kept, "cache-control is {:?}", reply.header("cache-control"));
    Ok(())
}

fn is_json(reply: &Reply) -> anyhow::Result<()> {
    let kind = reply.header("content-type");
    ensure!(kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json"), "content-type is {kind:?}");
    ensure!(reply.json.is_object(), "no JSON object: {}", reply.text);
    Ok(())
}

/// A machine endpoint refuses with one of these errors: 401 for a client that is not believed, 400 otherwise.
pub(crate) fn refused(reply: &Reply, errors: &[&str]) -> anyhow::Result<()> {
    is_json(reply).with_context(|| format!("{} {}", reply.status, reply.text))?;
    let error = reply.get("error")?;
    letters(error, reply.json["error_description"].as_str().unwrap_or_default())?;
    ensure!(errors.contains(&error), "the error is {} {}", reply.status, reply.text);
    let fits = reply.status == 400 || (reply.status == 401 && error == "invalid_client");
    ensure!(fits, "{error} with status {}", reply.status);
    Ok(())
}

/// OpenID Connect Core 3.1.3.7
pub(crate) fn id_token(token: &str, request: &Request, provider: (&str, &Value)) -> anyhow::Result<Jwt> {
    let (issuer, jwks) = provider;
    let jwt = Jwt::verified(token, jwks)?;
    let claims = &jwt.claims;
    ensure!(claims["iss"] == issuer, "iss is {}", claims["iss"]);
    let client = request.client.id.as_str();
    let audience = match &claims["aud"] {
        Value::Array(many) => many.len() == 1 && many[0] == client,
        one => *one == client,
    };
    ensure!(audience, "aud is {}", claims["aud"]);
    let azp = &claims["azp"];
    ensure!(azp.is_null() || *azp == client, "azp is {azp}");
    let (now, time) = (now()?, |name: &str| claims[name].as_i64().with_context(|| format!("{name} is no time")));
    let exp = time("exp")?;
    ensure!(exp > now && exp < now + 50 * 365 * 86_400, "exp is {exp}");
    ensure!((time("iat")? - now).abs() < 300, "iat is {}", claims["iat"]);
    if !claims["auth_time"].is_null() || request.get("max_age").is_some() {
        let at = time("auth_time")?;
        ensure!(at <= now + 5 && at > now - 86_400, "auth_time is {at}");
    }
    let text = |name: &str| claims[name].is_null() || claims[name].as_str().is_some_and(|text| !text.is_empty());
    ensure!(text("acr"), "acr is {}", claims["acr"]);
    ensure!(claims["sub"].as_str().is_some_and(|sub| !sub.is_empty() && sub.len() <= 255), "sub is {}", claims["sub"]);
    ensure!(claims["nonce"].as_str() == request.get("nonce"), "nonce is {}", claims["nonce"]);
    ensure!(claims.get("s_hash").is_none() || request.get("state").is_some(), "s_hash without a state");
    claim_types(claims)?;
    if request.client.is_fapi() {
        let strong = ["PS256", "ES256", "EdDSA"].iter().any(|name| jwt.header["alg"] == *name);
        ensure!(strong, "signed by {}", jwt.header["alg"]);
    }
    Ok(jwt)
}

/// OpenID Connect Core 3.1.3.6, 3.3.2.11: right if there.
pub(crate) fn hashes(jwt: &Jwt, access_token: &str, answer: &Answer) -> anyhow::Result<()> {
    let state = answer.get("state").unwrap_or_default();
    for (name, text) in [("at_hash", access_token), ("c_hash", answer.code()), ("s_hash", state)] {
        let own = &jwt.claims[name];
        ensure!(own.is_null() || *own == half(text, &jwt.header["alg"]), "{name} is {own}");
    }
    Ok(())
}

/// OpenID Connect Core 5.1: the standard claims that are there are of their types.
pub(crate) fn claim_types(claims: &Value) -> anyhow::Result<()> {
    for (name, value) in claims.as_object().context("no claims")? {
        let right = match name.as_str() {
            "sub" | "name" | "given_name" | "family_name" | "middle_name" | "nickname" | "preferred_username"
            | "profile" | "picture" | "website" | "email" | "gender" | "birthdate" | "zoneinfo" | "locale"
            | "phone_number" | "acr" | "azp" | "nonce" => value.as_str().is_some_and(|text| !text.is_empty()),
            "email_verified" | "phone_number_verified" => value.is_boolean(),
            "updated_at" => value.as_f64().is_some_and(|at| (0.0..1e10).contains(&at)),
            "address" => value.is_object(),
            "amr" => value.as_array().is_some_and(|many| many.iter().all(Value::is_string)),
            _ => true,
        };
        ensure!(right, "the claim {name} is {value}");
    }
    Ok(())
}

/// A good answer of userinfo (OpenID Connect Core 5.3.2), about the same person as the ID token.
pub(crate) fn userinfo(reply: &Reply, sub: &Value) -> anyhow::Result<()> {
    ensure!(reply.status == 200, "userinfo: {} {}", reply.status, reply.text);
    is_json(reply)?;
    ensure!(reply.json["sub"] == *sub, "sub is {} instead of {sub}", reply.json["sub"]);
    claim_types(&reply.json)?;
    if let Some(names) = reply.json["_claim_names"].as_object() {
        for (name, source) in names {
            let source = source.as_str().context("_claim_names")?;
            ensure!(reply.json["_claim_sources"].get(source).is_some(), "{name} has no source");
        }
    }
    Ok(())
}

/// Every address in the metadata is https.
pub(crate) fn https(metadata: &Value, name: &str) -> anyhow::Result<String> {
    let text = metadata[name].as_str().with_context(|| format!("no {name}"))?;
    let url = Url::parse(text).with_context(|| format!("{name} is {text:?}"))?;
    match (url.scheme(), url.fragment()) {
        ("https", None) => Ok(text.to_owned()),
        _ => bail!("{name} is {text}"),
    }
}

/// A member of the metadata that is a list which has one of these.
pub(crate) fn lists(metadata: &Value, name: &str, any: &[&str]) -> anyhow::Result<()> {
    let list = metadata[name].as_array().with_context(|| format!("{name} is no list"))?;
    ensure!(any.iter().any(|value| list.iter().any(|own| own == value)), "{name} has none of {any:?}");
    Ok(())
}
