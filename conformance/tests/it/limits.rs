//! What is too much: long, many and deep things are refused, and cost little.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conformance::client_key::ClientKey;
use conformance::idp::{ISSUER, TestIdp, claims};
use serde_json::json;
use tokio::time::Instant;

// Attack: resources. Each of these is answered at once, and with 4xx.
#[tokio::test]
async fn long_many_and_deep_things_are_refused_at_once() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.keyed_client(json!({ "authorization_details_types": ["fullmakt"] })).await?;
    let many_scopes = (0..8000).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
    let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
    let deep_details = format!("[{{\"type\":\"fullmakt\",\"x\":{deep}}}]");
    let locales = "nb ".repeat(10_000);
    let resources: Vec<(&str, &str)> = (0..2000).map(|_| ("resource", "https://a.test")).collect();
    let long = "x".repeat(60_000);
    let jwt = format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#),
        URL_SAFE_NO_PAD.encode(&long[..40_000]),
        "AAAA"
    );
    let bomb = URL_SAFE_NO_PAD.encode(r#"{"alg":"PBES2-HS256+A128KW","p2c":1000000000,"enc":"A128GCM","zip":"DEF"}"#);
    let jwe = format!("{bomb}.AAAA.AAAA.AAAA.AAAA");
    let base = idp.request(&client, &[]);
    let cases: [(&str, Vec<(&str, &str)>); 9] = [
        ("scopes", vec![("scope", &many_scopes)]),
        ("details", vec![("authorization_details", &deep_details)]),
        ("bare depth", vec![("authorization_details", &deep)]),
        ("resources", resources),
        ("state", vec![("state", &long)]),
        ("nonce", vec![("nonce", &long)]),
        ("object", vec![("request", &jwt)]),
        ("JWE", vec![("request", &jwe)]),
        ("hint", vec![("id_token_hint", &jwt)]),
    ];
    for (name, more) in cases {
        let mut fields: Vec<_> = base.clone();
        fields.retain(|(name, _)| *name != "client_id" && more.iter().all(|(other, _)| other != name));
        fields.extend(more);
        let begun = Instant::now();
        let answer = idp.post_as(&client, "/par", &fields).await?;
        assert!(answer.status.is_client_error(), "{name}: {} {}", answer.status, answer.body);
        assert!(begun.elapsed() < Duration::from_secs(5), "{name} took {:?}", begun.elapsed());
    }
    let mut fields = base.clone();
    fields.retain(|(name, _)| *name != "client_id");
    fields.push(("ui_locales", &locales));
    assert_eq!(
        idp.post_as(&client, "/par", &fields).await?.status,
        StatusCode::CREATED,
        "languages are never an error"
    );
    for path in ["/par", "/token", "/token/introspect", "/token/revoke", "/userinfo", "/authorize", "/logout"] {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = idp.send(request.body(Body::from(format!("x={}", "x".repeat(1_000_000))))?).await?;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    let proof = vec![("dpop", jwe)];
    let answer = idp.post_with(&client, "/token", &[("grant_type", "authorization_code")], &proof).await?;
    assert_eq!(answer.error()?, "invalid_dpop_proof");
    Ok(())
}

// A person has one name per service, whatever says it.
#[tokio::test]
async fn a_person_has_one_name_at_a_service_and_another_at_the_next() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (one, other) = (idp.client().await?, idp.client().await?);
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&one, &[])).await?.log_in(&idp, &kari).await?;
    let mut names = Vec::new();
    for client in [&one, &other] {
        browser.get(&idp.authorize(client, &[])).await?;
        let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
        let said = idp.userinfo(tokens["access_token"].as_str().unwrap()).await?.json()?;
        let (id_token, access) = (claims(&tokens["id_token"])?, claims(&tokens["access_token"])?);
        assert!(id_token["sub"] == access["sub"] && access["sub"] == said["sub"]);
        names.push(said["sub"].as_str().unwrap().to_owned());
    }
    assert_ne!(names[0], names[1]);
    assert!(names.iter().all(|name| !name.contains(&kari.fnr)));
    Ok(())
}

// Attack: one kind of handle or token in the place of another.
#[tokio::test]
async fn nothing_is_taken_for_something_else() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.keyed_client(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let key = client.key.as_ref().unwrap();
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let pushed = idp.push(&client, &[]).await?;
    let pushed = url::Url::parse(&format!("{ISSUER}{pushed}"))?;
    let uri = pushed.query_pairs().find(|(name, _)| name == "request_uri").unwrap().1.into_owned();
    let handle = uri.rsplit(':').next().unwrap().to_owned();
    let assertion = key.sign("JWT", &ClientKey::assertion_claims(&client.id, ISSUER, idp.now())?)?;
    let proof = key.proof(&ClientKey::proof_claims("GET", &format!("{ISSUER}/userinfo"), None, idp.now())?)?;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let strange = [handle, uri, assertion, proof, text("id_token"), text("access_token"), text("refresh_token")];
    for (place, own) in [("code", None), ("refresh_token", Some(6)), ("access_token", Some(5))] {
        for (number, thing) in strange.iter().enumerate().filter(|(number, _)| Some(*number) != own) {
            let refused = match place {
                "code" => idp.redeem(&client, thing).await?.error()?,
                "refresh_token" => idp.refresh(&client, thing).await?.error()?,
                _ => idp.userinfo(thing).await?.error()?,
            };
            assert!(["invalid_grant", "invalid_token"].contains(&refused.as_str()), "{place} {number} {refused}");
        }
    }
    for (number, thing) in strange.iter().enumerate() {
        let query =
            [("client_id", client.id.as_str()), ("request_uri", &format!("urn:ietf:params:oauth:request_uri:{thing}"))];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        if number > 1 {
            browser.get(&format!("/authorize?{query}")).await?;
            assert_eq!(browser.page.status, StatusCode::BAD_REQUEST, "{number}");
        }
        if number != 4 {
            browser.get(&idp.authorize(&client, &[("id_token_hint", thing)])).await?;
            assert_eq!(browser.sent_back("error")?, "invalid_request", "{number}");
        }
    }
    Ok(())
}
