//! The query of an authorization request: through the parser, and through the whole server.
#![no_main]

use axum::body::Body;
use axum::http::{Request, header};
use fuzz::{NOW, bench};
use idp::client::ClientId;
use idp::error::Refusal;
use idp::params::Params;
use idp::request::AuthorizationRequest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    let bench = bench();
    let params = Params::parse(query);
    match bench.run(AuthorizationRequest::parse(&bench.idp.app, &params, NOW)) {
        Ok(request) => {
            let registration = &bench.client(request.return_to.client.as_str()).registration;
            assert!(bench.is_registered(&request.return_to.client, &request.return_to.redirect_uri));
            assert!(request.scope.iter().all(|scope| registration.scopes.contains(scope)) && !request.scope.is_empty());
            assert!(request.code_challenge.is_some_and(|challenge| challenge.len() == 43));
            assert!(!request.acr.is_empty());
            assert!(!request.prompt.none || !(request.prompt.login || request.prompt.consent));
            assert!(!registration.require_signed_request_object, "nothing here is signed");
            assert!(params.one("request").is_ok_and(|object| object.is_none()), "nothing here is signed");
        }
        Err(Refusal::ToClient(return_to, _)) => {
            assert!(bench.is_registered(&return_to.client, &return_to.redirect_uri));
        }
        Err(_) => {}
    }
    let Ok(request) = Request::get(format!("/authorize?{query}")).body(Body::empty()) else { return };
    // A minute each, so that the store forgets.
    bench.idp.advance(std::time::Duration::from_secs(60));
    let answer = bench.run(bench.idp.send(request)).expect("an answer");
    assert!(answer.status.as_u16() < 500, "{answer:?}");
    let Some(location) = answer.headers.get(header::LOCATION) else { return };
    let location = location.to_str().expect("printable");
    let client = params.one("client_id").ok().flatten().and_then(ClientId::named);
    let here = location.starts_with('/') && !location.starts_with("//");
    // What the answer adds comes after the registered address.
    let is_start = |(at, _): (usize, char)| {
        client.as_ref().is_some_and(|client| bench.is_registered(client, location.get(..at).unwrap_or_default()))
    };
    assert!(here || location.char_indices().filter(|(_, c)| matches!(c, '?' | '&')).any(is_start), "{location}");
});
