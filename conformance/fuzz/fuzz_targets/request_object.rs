//! Request objects (RFC 9101).
#![no_main]

use conformance::idp::ISSUER;
use fuzz::{NOW, bench, jwt};
use idp::error::Refusal;
use idp::params::Params;
use idp::request::AuthorizationRequest;
use idp::request_object;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    let (bench, Some(object)) = (bench(), jwt(data)) else { return };
    let query = [("client_id", "signer"), ("request", object.text.as_str())];
    let params = Params::of_json(query.map(|(name, value)| (name.to_owned(), json!(value))));
    let client = bench.client("signer");
    let inner = bench.run(request_object::unfold(&bench.idp.app, &client, &params, NOW));
    if inner.is_ok() {
        assert!(object.honest && object.header.get("alg") == Some(&json!("ES256")));
        assert!(object.says("iss") == Some("signer") && object.says("client_id") == Some("signer"));
        let aud = object.claims.get("aud");
        let all = aud.and_then(Value::as_array);
        assert!(aud == Some(&json!(ISSUER)) || all.is_some_and(|all| all.contains(&json!(ISSUER))));
        let (exp, nbf) = (object.from_now("exp").expect("exp"), object.from_now("nbf").expect("nbf"));
        assert!(exp > 0.0 && nbf <= 10.0 && nbf >= -3600.0 && exp - nbf <= 3600.0);
        assert!(!object.claims.contains_key("request") && !object.claims.contains_key("request_uri"));
    }
    let is_taken = inner.is_ok();
    match bench.run(AuthorizationRequest::parse(&bench.idp.app, &params, NOW)) {
        Ok(request) => {
            assert!(is_taken && bench.is_registered(&request.return_to.client, &request.return_to.redirect_uri));
            assert_eq!(object.says("redirect_uri"), Some(request.return_to.redirect_uri.as_str()));
            assert_eq!(object.says("state"), request.return_to.state.as_deref());
        }
        Err(Refusal::ToClient(return_to, _)) => {
            assert!(is_taken && bench.is_registered(&return_to.client, &return_to.redirect_uri));
        }
        Err(_) => {}
    }
});
