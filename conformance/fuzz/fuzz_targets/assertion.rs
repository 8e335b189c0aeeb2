//! Client assertions (RFC 7523), and what else may stand where a client says who it is.
#![no_main]

use axum::http::{HeaderMap, HeaderValue, header};
use conformance::idp::{ASSERTION_TYPE, ISSUER};
use fuzz::{NOW, bench, jwt};
use idp::client_auth::authenticate;
use idp::params::Params;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Nobody here knows a secret: only who has none gets in.
fn without_assertion(headers: &HeaderMap, form: &str) {
    let bench = bench();
    if let Ok(caller) = bench.run(authenticate(&bench.idp.app, headers, &Params::parse(form), NOW)) {
        assert_eq!(caller.client.id.as_str(), "native");
    }
}

fuzz_target!(|data: &[u8]| {
    let bench = bench();
    match data.split_first() {
        Some((b'a', value)) => {
            let Ok(value) = HeaderValue::from_bytes(value) else { return };
            return without_assertion(&HeaderMap::from_iter([(header::AUTHORIZATION, value)]), "");
        }
        Some((b'p', form)) => return without_assertion(&HeaderMap::new(), &String::from_utf8_lossy(form)),
        _ => {}
    }
    let Some(assertion) = jwt(data) else { return };
    let form = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.text.as_str())];
    let params = Params::of_json(form.map(|(name, value)| (name.to_owned(), json!(value))));
    let show = || bench.run(authenticate(&bench.idp.app, &HeaderMap::new(), &params, NOW));
    let Ok(caller) = show() else { return };
    assert!(assertion.honest && assertion.header.get("alg") == Some(&json!("ES256")));
    let id = Some(caller.client.id.as_str());
    assert!(matches!(id, Some("keyed" | "signer")) && assertion.says("iss") == id && assertion.says("sub") == id);
    assert_eq!(assertion.says("aud"), Some(ISSUER), "the issuer alone");
    assert!(assertion.from_now("exp").is_some_and(|exp| exp > 0.0 && exp <= 130.0));
    assert!(assertion.says("jti").is_some_and(|jti| !jti.is_empty()));
    assert!(show().is_err(), "twice");
});
