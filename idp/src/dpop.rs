//! DPoP (RFC 9449): a proof that the caller holds a key, and tokens that are bound to it.

use std::time::Duration;

use authenticators::chance::{TokenHash, same};
use authenticators::clock::Timestamp;
use authenticators::scratch::Kept;
use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::access_token::AccessToken;
use crate::app::App;
use crate::client_auth::seconds;
use crate::client_keys::PRIVATE_MEMBERS;
use crate::error::OAuthError;
use crate::registration::Registration;

/// The header of a proof.
pub const HEADER: HeaderName = HeaderName::from_static("dpop");
/// The header of a nonce of ours (RFC 9449 8).
pub const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// What a proof may be signed with, as metadata and challenges name it.
pub const ALGORITHMS: [&str; 3] = ["ES256", "PS256", "EdDSA"];

/// How old or how early a proof may be (RFC 9449 11.1).
const FRESH: Duration = Duration::from_secs(60);
/// How far a caller's clock may be behind ours when the server has just started: what is older might be a replay.
const APART: Duration = Duration::from_secs(15);
/// For how long a nonce is handed out; it is taken for as long again.
const NONCE_FOR: i64 = 300;

/// A proof that was used.
#[derive(Serialize, Deserialize)]
struct Spent;

impl Kept for Spent {
    const KIND: &'static str = "dpop";
    /// Twice [`FRESH`], and a little.
    const FOR: Duration = Duration::from_secs(130);
}

/// What a proof has to be about.
pub struct About<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path of the endpoint.
    pub path: &'a str,
    /// The access token that comes with it.
    pub token: Option<&'a str>,
    /// Whether it must hold a nonce of ours.
    pub nonce: Nonce,
}

/// Whether a proof must hold a nonce of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonce {
    /// It may.
    Voluntary,
    /// It must.
    Required,
}

impl Nonce {
    /// What a client's registration says.
    pub fn of(registration: &Registration) -> Nonce {
        if registration.dpop_nonce_required { Nonce::Required } else { Nonce::Voluntary }
    }
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    nbf: Option<f64>,
    exp: Option<f64>,
    ath: Option<String>,
    nonce: Option<String>,
}

/// Checks the proof of a request; the thumbprint of its key (RFC 9449 4.3, RFC 7638). None if there is none.
pub async fn check(
    app: &App,
    headers: &HeaderMap,
    about: About<'_>,
    now: Timestamp,
) -> Result<Option<String>, OAuthError> {
    let mut proofs = headers.get_all(HEADER).iter();
    let proof = match (proofs.next(), proofs.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => return Err(OAuthError::invalid_dpop_proof("Two DPoP proofs at once.")),
    };
    let (jkt, claims) = read(proof).map_err(OAuthError::invalid_dpop_proof)?;
    is_about(app, &claims, &about, now).map_err(OAuthError::invalid_dpop_proof)?;
    nonce(app, &claims, &about, now)?;
    // RFC 9449 11.1. Only after the signature was right: a proof is its holder's to spend.
    if app.has_forgotten(seconds(claims.iat).plus(APART)) {
        return Err(OAuthError::invalid_dpop_proof("The DPoP proof was made before the server started."));
    }
    let name = TokenHash::of(&format!("{jkt}\n{}", claims.jti));
    if !app.world.scratch.claim(&name, &Spent, now).await? {
        return Err(OAuthError::invalid_dpop_proof("The DPoP proof has been used."));
    }
    Ok(Some(jkt))
}

/// The key's thumbprint and the claims, if the signature is right.
fn read(proof: &str) -> Result<(String, Claims), &'static str> {
    const NO_JWT: &str = "The DPoP proof is not a JWT.";
    if proof.len() > 8 * 1024 {
        return Err("The DPoP proof is too long.");
    }
    let head = proof.split('.').next().unwrap_or_default();
    let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| NO_JWT)?;
    let head: Map<String, Value> = serde_json::from_slice(&head).map_err(|_| NO_JWT)?;
    let text = |name: &str| head.get(name).and_then(Value::as_str);
    if !text("typ").is_some_and(|typ| typ.eq_ignore_ascii_case("dpop+jwt")) {
        return Err("typ is not dpop+jwt.");
    }
    if head.contains_key("crit") {
        return Err("A critical header that is not understood.");
    }
    let algorithm = match text("alg") {
        Some("ES256") => Algorithm::ES256,
        Some("PS256") => Algorithm::PS256,
        Some("EdDSA") => Algorithm::EdDSA,
        _ => return Err("alg is not ES256, PS256 or EdDSA."),
    };
    let key = head.get("jwk").and_then(Value::as_object).ok_or("jwk is missing.")?;
    if PRIVATE_MEMBERS.iter().any(|member| key.contains_key(*member)) {
        return Err("jwk is not a public key.");
    }
    let jwk: Jwk = serde_json::from_value(Value::Object(key.clone())).map_err(|_| "jwk cannot be read.")?;
    if !fits(algorithm, &jwk) {
        return Err("jwk does not fit alg.");
    }
    let verifier = DecodingKey::from_jwk(&jwk).map_err(|_| "jwk cannot be read.")?;
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    // Time is the world's, not the library's.
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let claims = jsonwebtoken::decode::<Claims>(proof, &verifier, &validation);
    let claims = claims.map_err(|_| "The DPoP proof's signature or its claims are wrong.")?.claims;
    let jkt = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| "jwk cannot be read.")?;
    Ok((jkt, claims))
}

fn fits(algorithm: Algorithm, jwk: &Jwk) -> bool {
    match (&jwk.algorithm, algorithm) {
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => key.curve == EllipticCurve::Ed25519,
        // 2048 bits in base64url.
        (AlgorithmParameters::RSA(key), Algorithm::PS256) => (342..=1400).contains(&key.n.len()),
        _ => false,
    }
}

fn is_about(app: &App, claims: &Claims, about: &About<'_>, now: Timestamp) -> Result<(), &'static str> {
    if !(1..=512).contains(&claims.jti.len()) {
        return Err("jti is too short or too long.");
    }
    if claims.htm != about.method {
        return Err("htm is not the request's method.");
    }
    if !is_at(&claims.htu, &format!("{}{}", app.config.issuer.as_str(), about.path)) {
        return Err("htu is not the request's address.");
    }
    let (earliest, latest) = (now.minus(FRESH), now.plus(FRESH));
    if !(earliest..=latest).contains(&seconds(claims.iat)) {
        return Err("iat is too far from now.");
    }
    if claims.exp.is_some_and(|exp| seconds(exp) <= earliest) || claims.nbf.is_some_and(|nbf| seconds(nbf) > latest) {
        return Err("It is not the DPoP proof's time.");
    }
    match about.token {
        Some(token) if claims.ath.as_deref().is_none_or(|ath| !same(ath, TokenHash::of(token).as_str())) => {
            Err("ath is not the access token's hash.")
        }
        _ => Ok(()),
    }
}

/// RFC 9449 4.3: query and fragment do not count, nor what RFC 3986 6.2.2 and 6.2.3 take for the same.
fn is_at(htu: &str, address: &str) -> bool {
    let bare = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    bare(htu).is_some_and(|url| Some(url) == bare(address))
}

/// RFC 9449 8, 9
fn nonce(app: &App, claims: &Claims, about: &About<'_>, now: Timestamp) -> Result<(), OAuthError> {
    let known = |nonce: &str| [0, 1].iter().any(|ago| same(nonce, &nonce_of(app, now.seconds() / NONCE_FOR - ago)));
    match (&claims.nonce, about.nonce) {
        (None, Nonce::Voluntary) => Ok(()),
        (Some(nonce), _) if known(nonce) => Ok(()),
        _ => Err(OAuthError::use_dpop_nonce(fresh_nonce(app, now))),
    }
}

/// A nonce to hand out. Every node knows it again without having kept it.
pub fn fresh_nonce(app: &App, now: Timestamp) -> String {
    nonce_of(app, now.seconds() / NONCE_FOR)
}

fn nonce_of(app: &App, window: i64) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(&app.dpop, &window.to_be_bytes()))
}

/// A bound access token comes with a proof of its key, and no other token does (RFC 9449 7.1). `with_dpop` says by which
/// scheme it came.
pub async fn is_held(
    app: &App,
    headers: &HeaderMap,
    about: About<'_>,
    (token, with_dpop): (&AccessToken, bool),
    now: Timestamp,
) -> Result<(), OAuthError> {
    let wrong = |why: &str| Err(OAuthError::invalid_token(why).of_a_bound_token());
    match (&token.cnf, with_dpop) {
        (None, false) => Ok(()),
        (None, true) => wrong("The access token is not bound to a key."),
        (Some(_), false) => wrong("The access token is bound to a key."),
        (Some(bound), true) => match check(app, headers, about, now).await.map_err(OAuthError::of_a_bound_token)? {
            Some(jkt) if jkt == bound.jkt => Ok(()),
            Some(_) => wrong("The access token is bound to another key."),
            None => wrong("A DPoP proof is missing."),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADDRESS: &str = "https://idp.test/token";

    fn any_case(text: &'static str) -> impl Strategy<Value = String> {
        prop::collection::vec(any::<bool>(), text.len()).prop_map(move |upper| {
            let letters = text.chars().zip(upper);
            letters.map(|(c, upper)| if upper { c.to_ascii_uppercase() } else { c }).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn the_same_address_written_otherwise(
            scheme in any_case("https"), host in any_case("idp.test"), port in prop::sample::select(vec!["", ":443", ":"]),
            tail in "(\\?[a-z=&%?]{0,8})?(#[a-z?#]{0,8})?",
        ) {
            let htu = format!("{scheme}://{host}{port}/token{tail}");
            prop_assert!(is_at(&htu, ADDRESS), "{htu}");
        }

        #[test]
        fn another_address_is_another(
            scheme in prop::sample::select(vec!["https", "http", "wss", "https:https"]),
            user in prop::sample::select(vec!["", "a@", "a:b@", ":@", "idp.test@"]),
            host in prop::sample::select(vec!["idp.test", "idp.tes", "idp.test.", "x.idp.test", "idp.test.evil.test", "[::1]"]),
            port in prop::sample::select(vec!["", ":443", ":80", ":8443", ":0443", ":65536"]),
            path in prop::sample::select(vec![
                "/token", "/Token", "/token/", "//token", "/par", "", "/token%2f", "/%74oken", "/token;x", "/x/../token",
            ]),
        ) {
            let htu = format!("{scheme}://{user}{host}{port}{path}");
            let same = scheme == "https" && matches!(user, "" | ":@") && host == "idp.test"
                && matches!(port, "" | ":443" | ":0443") && matches!(path, "/token" | "/x/../token");
            prop_assert_eq!(is_at(&htu, ADDRESS), same, "{}", htu);
        }

        #[test]
        fn a_letter_more_or_less_is_another(at in 0..ADDRESS.len(), put in proptest::option::of(any::<char>()), keep in any::<bool>()) {
            let (before, after) = ADDRESS.split_at(at);
            let put: String = put.into_iter().collect();
            let htu = format!("{before}{put}{}", if keep { after } else { &after[1..] });
            if is_at(&htu, ADDRESS) {
                let url = Url::parse(&htu).unwrap();
                let parts = (url.scheme(), url.host_str(), url.port_or_known_default(), url.path());
                prop_assert_eq!(parts, ("https", Some("idp.test"), Some(443), "/token"), "{}", htu);
                prop_assert!(url.username().is_empty() && url.password().is_none(), "{}", htu);
            }
        }
    }
}
