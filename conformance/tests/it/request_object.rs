//! Signed requests (RFC 9101) and signed answers (JARM).

use std::time::Duration;

use axum::http::StatusCode;
use conformance::client_key::ClientKey;
use conformance::idp::{CHALLENGE, ISSUER, REDIRECT, TestClient, TestIdp, claims};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

/// The claims of a good request object.
fn object(idp: &TestIdp, client: &TestClient) -> Value {
    let now = idp.now().seconds();
    json!({
        "iss": client.id, "aud": ISSUER, "exp": now + 300, "nbf": now, "client_id": client.id,
        "redirect_uri": REDIRECT, "response_type": "code", "scope": "openid", "state": "inner", "nonce": "inner-nonce",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    })
}

fn address(client: &TestClient, object: &str, more: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", &client.id).append_pair("request", object).extend_pairs(more);
    format!("/authorize?{}", query.finish())
}

#[tokio::test]
async fn what_is_signed_is_the_request_and_nothing_else_is() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.keyed_client(json!({})).await?;
    let key = client.key.as_ref().unwrap();
    let mut browser = idp.logged_in(&idp.client().await?).await?;
    let outside = [
        ("state", "outer"),
        ("scope", "openid profile"),
        ("redirect_uri", "https://evil.test/cb"),
        ("nonce", "outer"),
        ("response_type", "code"),
        ("acr_values", "idporten-loa-high"),
    ];
    let signed = key.sign("oauth-authz-req+jwt", &object(&idp, &client))?;
    browser.get(&address(&client, &signed, &outside)).await?;
    assert_eq!(browser.sent_back("state")?, "inner");
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!((&tokens["scope"], &claims(&tokens["id_token"])?["nonce"]), (&json!("openid"), &json!("inner-nonce")));
    // And pushed.
    let signed = key.sign("JWT", &object(&idp, &client))?;
    let answer = idp.post_as(&client, "/par", &[("request", &signed)]).await?;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    Ok(())
}

// Attack: request objects that are unsigned, old, for others, by others.
#[tokio::test]
async fn any_other_object_is_refused() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, other) = (idp.keyed_client(json!({})).await?, idp.keyed_client(json!({})).await?);
    let key = client.key.as_ref().unwrap();
    let mut browser = idp.logged_in(&idp.client().await?).await?;
    let now = idp.now().seconds();
    let mut cases: Vec<(String, String)> = Vec::new();
    for (name, value) in [
        ("aud", Value::Null),
        ("aud", json!("https://other.test")),
        ("iss", Value::Null),
        ("iss", json!(other.id)),
        ("client_id", Value::Null),
        ("client_id", json!(other.id)),
        ("exp", Value::Null),
        ("exp", json!(now - 1)),
        ("exp", json!(now + 3601)),
        ("nbf", Value::Null),
        ("nbf", json!(now - 3700)),
        ("nbf", json!(now + 60)),
        ("sub", json!(client.id)),
        ("request_uri", json!("urn:ietf:params:oauth:request_uri:x")),
        ("request", json!("x")),
    ] {
        let mut claims = object(&idp, &client);
        match &value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
        cases.push((format!("{name} {value}"), key.sign("oauth-authz-req+jwt", &claims)?));
    }
    cases.push(("another's key".into(), other.key.as_ref().unwrap().sign("JWT", &object(&idp, &client))?));
    cases.push(("typ".into(), key.sign("at+jwt", &object(&idp, &client))?));
    let unsigned = {
        use base64::Engine;
        let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", encode(&json!({ "alg": "none" })), encode(&object(&idp, &client)))
    };
    cases.push(("none".into(), unsigned));
    cases.push(("an assertion".into(), key.sign("JWT", &ClientKey::assertion_claims(&client.id, ISSUER, idp.now())?)?));
    for (name, signed) in cases {
        // To the address outside, if it is registered; else to the person.
        browser.get(&address(&client, &signed, &[("redirect_uri", REDIRECT), ("state", "s")])).await?;
        assert_eq!(browser.sent_back("error")?, "invalid_request_object", "{name}");
        browser.get(&address(&client, &signed, &[("redirect_uri", "https://evil.test/")])).await?;
        assert_eq!(browser.page.status, StatusCode::BAD_REQUEST, "{name}");
        let answer = idp.post_as(&client, "/par", &[("request", &signed)]).await?;
        assert_eq!(answer.error()?, "invalid_request_object", "{name}");
    }
    let mut several = object(&idp, &client);
    several["aud"] = json!(["https://other.test", ISSUER]);
    several["nbf"] = json!(now + 8);
    browser.get(&address(&client, &key.sign("JWT", &several)?, &[])).await?;
    assert!(browser.sent_back("code").is_ok());
    // An address that is not registered is no better for being signed.
    let mut evil = object(&idp, &client);
    evil["redirect_uri"] = json!("https://evil.test/cb");
    browser.get(&address(&client, &key.sign("JWT", &evil)?, &[])).await?;
    assert_eq!(browser.page.status, StatusCode::BAD_REQUEST);
    Ok(())
}

#[tokio::test]
async fn answers_travel_as_jwts() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "authorization_signed_response_alg": "ES256" })).await?;
    let mut browser = idp.logged_in(&idp.client().await?).await?;
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_str(
        &idp.send(axum::http::Request::get("/jwks.json").body(axum::body::Body::empty())?).await?.body,
    )?;
    let read = |token: &str| -> anyhow::Result<Value> {
        let header = jsonwebtoken::decode_header(token)?;
        assert_eq!(header.alg, Algorithm::ES256);
        let key = DecodingKey::from_jwk(jwks.find(header.kid.as_deref().unwrap()).unwrap())?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[&client.id]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_exp = false;
        Ok(jsonwebtoken::decode::<Value>(token, &key, &validation)?.claims)
    };
    for mode in ["jwt", "query.jwt"] {
        browser.get(&idp.authorize(&client, &[("response_mode", mode)])).await?;
        assert!(browser.sent_back("code").is_err() && browser.sent_back("state").is_err(), "nothing beside it");
        let answer = read(&browser.sent_back("response")?)?;
        assert_eq!((&answer["state"], &answer["iss"]), (&json!("the-state"), &json!(ISSUER)));
        assert!(answer["exp"].as_i64().unwrap() <= idp.now().seconds() + 600);
        assert_eq!(idp.redeem(&client, answer["code"].as_str().unwrap()).await?.status, StatusCode::OK);
    }
    browser.get(&idp.authorize(&client, &[("response_mode", "query.jwt"), ("scope", "openid other")])).await?;
    assert_eq!(read(&browser.sent_back("response")?)?["error"], "invalid_scope");
    browser.get(&idp.authorize(&client, &[("response_mode", "form_post.jwt")])).await?;
    let token = browser.page.body.split("name=\"response\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    assert!(read(token.unwrap())?["code"].is_string());
    // It is no token for anything else.
    let answer = idp.userinfo(token.unwrap()).await?;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    browser.get(&idp.authorize(&client, &[("prompt", "none"), ("id_token_hint", token.unwrap())])).await?;
    assert_eq!(browser.sent_back("error")?, "invalid_request");
    Ok(())
}

#[tokio::test]
async fn the_profile_of_message_signing_from_end_to_end() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.fapi_client("fapi2-message-signing").await?;
    let mut browser = idp.logged_in(&idp.client().await?).await?;
    browser.get(&idp.authorize(&client, &[])).await?;
    assert!(browser.sent_back("response").is_ok(), "even the refusal is signed");
    let params = idp.request(&client, &[]);
    let params: Vec<_> = params.into_iter().filter(|(name, _)| *name != "client_id").collect();
    assert_eq!(idp.post_as(&client, "/par", &params).await?.error()?, "invalid_request", "unsigned");
    let signed = client.key.as_ref().unwrap().sign("oauth-authz-req+jwt", &object(&idp, &client))?;
    let pushed = idp.post_as(&client, "/par", &[("request", &signed)]).await?.json()?;
    let uri = pushed["request_uri"].as_str().unwrap_or_default();
    let query = [("client_id", client.id.as_str()), ("request_uri", uri)];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    browser.get(&format!("/authorize?{query}")).await?;
    let answer = claims(&json!(browser.sent_back("response")?))?;
    let tokens = idp.redeem(&client, answer["code"].as_str().unwrap()).await?.json()?;
    assert_eq!(tokens["token_type"], "DPoP");
    let refresh = tokens["refresh_token"].as_str().unwrap();
    for _ in 0..2 {
        idp.advance(Duration::from_secs(30));
        assert_eq!(idp.refresh(&client, refresh).await?.json()?["refresh_token"], refresh, "it is not rotated");
    }
    // RS256 is not taken from it.
    let rsa = ClientKey::of(Algorithm::RS256)?;
    let weak = idp.keyed_client(json!({ "profile": "fapi2-security", "jwks": rsa.jwks() })).await?;
    let weak = TestClient { key: Some(rsa), dpop: Some(ClientKey::fresh()?), ..weak };
    assert_eq!(idp.post_as(&weak, "/par", &params).await?.error()?, "invalid_client");
    Ok(())
}
