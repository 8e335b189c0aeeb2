//! What may be registered as a redirect address, and what matches it. An input is the kind of client, the registered
//! address and the one that is asked for, a line each.
#![no_main]

use fuzz::are_twins;
use idp::redirect;
use idp::registration::Registration;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use url::Url;

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let (Some(kind), Some(registered), Some(asked)) = (lines.next(), lines.next(), lines.next()) else { return };
    let fields = json!({
        "client_name": "x", "client_orgno": "999999999", "application_type": kind, "redirect_uris": [registered],
        "token_endpoint_auth_method": if kind == "web" { "client_secret_basic" } else { "none" },
    });
    let Ok(registration) = Registration::read(fields.as_object().cloned().unwrap_or_default()) else { return };
    if !registration.objections().is_empty() {
        return;
    }
    let url = Url::parse(registered).expect("what is registered is an address");
    assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
    assert!(registered.bytes().all(|b| (0x21..=0x7e).contains(&b)), "it goes into a header");
    assert!(!matches!(url.scheme(), "javascript" | "data" | "file" | "blob" | "vbscript"));
    assert_eq!(redirect::matching(&registration, registered), Some(registered));
    if let Some(matched) = redirect::matching(&registration, asked) {
        assert_eq!(matched, asked);
        assert!(asked == registered || (kind == "native" && are_twins(registered, asked)));
    }
});
