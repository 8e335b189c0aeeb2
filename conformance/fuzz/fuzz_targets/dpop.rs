//! DPoP proofs (RFC 9449).
#![no_main]

use axum::http::{HeaderMap, HeaderValue};
use conformance::idp::ISSUER;
use fuzz::{NOW, bench, jwt};
use idp::dpop::{About, HEADER, Nonce, check};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use url::Url;

fuzz_target!(|data: &[u8]| {
    let (bench, Some(proof)) = (bench(), jwt(data)) else { return };
    let Ok(value) = HeaderValue::from_str(&proof.text) else { return };
    let headers = HeaderMap::from_iter([(HEADER, value)]);
    let show = || {
        let about = About { method: "POST", path: "/token", token: None, nonce: Nonce::Voluntary };
        bench.run(check(&bench.idp.app, &headers, about, NOW))
    };
    let Ok(jkt) = show() else { return };
    assert!(proof.honest && proof.header.get("alg") == Some(&json!("ES256")));
    assert_eq!(jkt, bench.key.thumbprint().ok(), "the key that has signed it");
    let typ = proof.header.get("typ").and_then(|typ| typ.as_str()).unwrap_or_default();
    assert!(typ.eq_ignore_ascii_case("dpop+jwt") && proof.says("htm") == Some("POST"));
    let htu = proof.says("htu").and_then(|htu| Url::parse(htu).ok()).expect("an address");
    let issuer = Url::parse(ISSUER).expect("an address");
    assert!(htu.origin() == issuer.origin() && htu.path() == "/token" && htu.username().is_empty());
    assert!(proof.from_now("iat").is_some_and(|iat| iat.abs() <= 60.0));
    assert!(proof.says("jti").is_some_and(|jti| !jti.is_empty()));
    assert!(show().is_err(), "twice");
});
