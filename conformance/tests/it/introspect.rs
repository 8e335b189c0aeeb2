//! `/token/introspect` and `/token/revoke`, opaque and pseudonymous tokens, resources, and the JWT grant.

use std::time::Duration;

use anyhow::Context;
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::client_key::ClientKey;
use conformance::idp::{ISSUER, TestClient, TestIdp, TestPerson, claims};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::scopes::register;

const SCOPE: &str = "fjordvik:kart.read";

/// A scope that every organisation may use.
async fn scope(idp: &TestIdp, mut fields: Value) -> anyhow::Result<()> {
    fields["accessible_for_all"] = json!(true);
    register(idp, SCOPE, fields).await
}

async fn service(idp: &TestIdp) -> anyhow::Result<TestClient> {
    idp.client_with(json!({
        "scopes": ["openid", "profile", SCOPE], "integration_type": "api_klient",
        "grant_types": ["authorization_code", "refresh_token"],
    }))
    .await
}

async fn login(
    idp: &TestIdp,
    client: &TestClient,
    more: &[(&str, &str)],
) -> anyhow::Result<(Value, TestPerson, Browser)> {
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, more)).await?.log_in(idp, &kari).await?;
    let answer = idp.redeem(client, &browser.sent_back("code")?).await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    Ok((answer.json()?, kari, browser))
}

/// A client that may ask, and is on the scope's list.
async fn asker(idp: &TestIdp) -> anyhow::Result<TestClient> {
    idp.client_with(json!({ "scopes": ["openid", "idporten:token.introspection"] })).await
}

async fn ask(idp: &TestIdp, asker: &TestClient, token: &Value) -> anyhow::Result<Value> {
    idp.post_as(asker, "/token/introspect", &[("token", token.as_str().unwrap_or_default())]).await?.json()
}

#[tokio::test]
async fn three_gates_stand_before_what_a_token_says() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (listed, unlisted, outsider) = (asker(&idp).await?, asker(&idp).await?, idp.client().await?);
    scope(&idp, json!({ "enforced_aud_for_introspection": [listed.id] })).await?;
    let client = service(&idp).await?;
    let (tokens, kari, _) = login(&idp, &client, &[("scope", &format!("openid {SCOPE}"))]).await?;
    let token = &tokens["access_token"];
    let said = ask(&idp, &listed, token).await?;
    assert_eq!(
        (&said["active"], &said["pid"], &said["client_id"]),
        (&json!(true), &json!(kari.fnr), &json!(client.id))
    );
    assert_eq!(said["token_type"], "Bearer");
    assert_eq!(ask(&idp, &unlisted, token).await?, json!({ "active": false }));
    let answer = idp.post_as(&outsider, "/token/introspect", &[("token", token.as_str().unwrap())]).await?;
    assert_eq!(answer.error()?, "unauthorized_client");
    let stranger = TestClient { secret: "wrong".into(), ..listed.clone() };
    let answer = idp.post_as(&stranger, "/token/introspect", &[("token", token.as_str().unwrap())]).await?;
    assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    // Neither another token nor a garbled one says anything.
    for wrong in
        [&tokens["id_token"], &tokens["refresh_token"], &json!("x"), &json!(format!("{}x", token.as_str().unwrap()))]
    {
        assert_eq!(ask(&idp, &listed, wrong).await?, json!({ "active": false }), "{wrong}");
    }
    idp.advance(Duration::from_secs(121));
    assert_eq!(ask(&idp, &listed, token).await?, json!({ "active": false }), "expired");
    Ok(())
}

#[tokio::test]
async fn the_answer_is_signed_for_who_asks_so() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let listed = asker(&idp).await?;
    scope(&idp, json!({ "enforced_aud_for_introspection": [listed.id] })).await?;
    let client = service(&idp).await?;
    let (tokens, ..) = login(&idp, &client, &[("scope", &format!("openid {SCOPE}"))]).await?;
    let fields = [("token", tokens["access_token"].as_str().unwrap())];
    let accept = [("accept", "application/token-introspection+jwt".to_owned())];
    let answer = idp.post_with(&listed, "/token/introspect", &fields, &accept).await?;
    assert_eq!(answer.header("content-type"), Some("application/token-introspection+jwt"));
    let header = jsonwebtoken::decode_header(&answer.body)?;
    assert_eq!(header.typ.as_deref(), Some("token-introspection+jwt"));
    let said = claims(&json!(answer.body))?;
    assert_eq!((&said["iss"], &said["aud"]), (&json!(ISSUER), &json!(listed.id)));
    assert_eq!(said["token_introspection"]["active"], true);
    assert!(said.get("sub").is_none() && said.get("exp").is_none(), "RFC 9701 5: it is no access token");
    Ok(())
}

#[tokio::test]
async fn an_opaque_token_says_nothing_by_itself() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let listed = asker(&idp).await?;
    scope(&idp, json!({ "token_type": "OPAQUE", "enforced_aud_for_introspection": [listed.id], "at_max_age": 60 }))
        .await?;
    let client = service(&idp).await?;
    let (tokens, kari, _) = login(&idp, &client, &[("scope", &format!("openid {SCOPE}"))]).await?;
    let token = tokens["access_token"].as_str().unwrap();
    assert!(!token.contains('.') && token.len() == 43, "{token}");
    assert_eq!(tokens["expires_in"], 60, "the scope's age is shorter than the client's");
    assert_eq!(ask(&idp, &listed, &tokens["access_token"]).await?["pid"], kari.fnr);
    assert_eq!(idp.userinfo(token).await?.json()?["pid"], kari.fnr);
    idp.advance(Duration::from_secs(61));
    assert_eq!(ask(&idp, &listed, &tokens["access_token"]).await?["active"], false);
    assert_eq!(idp.userinfo(token).await?.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn a_pseudonymous_token_tells_the_person_to_introspection_alone() -> anyhow::Result<()> {
    for kind in ["SELF_CONTAINED", "OPAQUE"] {
        let idp = TestIdp::start().await?;
        let listed = asker(&idp).await?;
        let rules = json!({
            "requires_pseudonymous_tokens": true, "token_type": kind, "enforced_aud_for_introspection": [listed.id],
        });
        scope(&idp, rules).await?;
        let client = service(&idp).await?;
        let (tokens, kari, _) = login(&idp, &client, &[("scope", &format!("openid profile {SCOPE}"))]).await?;
        // Asking for less does not tell more.
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let less = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("scope", "openid profile")];
        let less = idp.token(&client, &less).await?.json()?;
        for tokens in [&tokens, &less] {
            assert!(!claims(&tokens["id_token"])?.to_string().contains(&kari.fnr), "{kind}");
            if kind == "SELF_CONTAINED" {
                assert!(!claims(&tokens["access_token"])?.to_string().contains(&kari.fnr));
            }
            let answer = idp.userinfo(tokens["access_token"].as_str().unwrap()).await?;
            assert!(answer.status == StatusCode::OK && !answer.body.contains(&kari.fnr), "{kind} {}", answer.body);
        }
        assert_eq!(ask(&idp, &listed, &tokens["access_token"]).await?["pid"], kari.fnr);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_taken_from_a_client_is_taken_from_its_tokens() -> anyhow::Result<()> {
    let mut idp = TestIdp::start().await?;
    let listed = asker(&idp).await?;
    scope(&idp, json!({ "enforced_aud_for_introspection": [listed.id] })).await?;
    let client = service(&idp).await?;
    let (tokens, ..) = login(&idp, &client, &[("scope", &format!("openid {SCOPE}"))]).await?;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    idp.change_client(&client, |registration| registration.scopes.retain(|scope| scope != SCOPE)).await?;
    idp.replace().await?;
    assert_eq!(idp.refresh(&client, refresh).await?.error()?, "invalid_scope");
    assert_eq!(ask(&idp, &listed, &tokens["access_token"]).await?["active"], true);
    idp.change_client(&client, |registration| registration.active = false).await?;
    idp.replace().await?;
    assert_eq!(ask(&idp, &listed, &tokens["access_token"]).await?["active"], false);
    Ok(())
}

#[tokio::test]
async fn revoking_any_token_ends_its_grant_and_no_other() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, other) = (service(&idp).await?, service(&idp).await?);
    for which in ["access_token", "refresh_token"] {
        let (tokens, _, mut browser) = login(&idp, &client, &[]).await?;
        browser.get(&idp.authorize(&client, &[])).await?;
        let more = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
        let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
        let shown = text(&tokens, which);
        let answer = idp.post_as(&other, "/token/revoke", &[("token", &shown)]).await?;
        assert_eq!(answer.error()?, "invalid_request", "another client's");
        assert_eq!(idp.userinfo(&text(&tokens, "access_token")).await?.status, StatusCode::OK);
        // A hint is a hint.
        let fields = [("token", shown.as_str()), ("token_type_hint", "nonsense")];
        assert_eq!(idp.post_as(&client, "/token/revoke", &fields).await?.status, StatusCode::OK);
        assert_eq!(idp.userinfo(&text(&tokens, "access_token")).await?.status, StatusCode::UNAUTHORIZED, "{which}");
        assert_eq!(idp.refresh(&client, &text(&tokens, "refresh_token")).await?.error()?, "invalid_grant");
        assert_eq!(idp.userinfo(&text(&more, "access_token")).await?.status, StatusCode::OK, "another grant lives on");
        browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
        assert!(browser.sent_back("code").is_ok(), "and so does the session");
        assert_eq!(idp.post_as(&client, "/token/revoke", &[("token", &shown)]).await?.status, StatusCode::OK, "again");
    }
    assert_eq!(idp.post_as(&client, "/token/revoke", &[("token", "nonsense")]).await?.status, StatusCode::OK);
    assert_eq!(idp.post_as(&client, "/token/revoke", &[]).await?.error()?, "invalid_request");
    Ok(())
}

#[tokio::test]
async fn a_token_is_for_the_resources_that_were_asked_for() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = service(&idp).await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    let path =
        format!("{}&resource=https%3A%2F%2Fa.api.test&resource=https%3A%2F%2Fb.api.test", idp.authorize(&client, &[]));
    browser.get(&path).await?.log_in(&idp, &kari).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(claims(&tokens["access_token"])?["aud"], json!(["https://a.api.test", "https://b.api.test"]));
    assert_eq!(idp.userinfo(tokens["access_token"].as_str().unwrap()).await?.status, StatusCode::UNAUTHORIZED);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = |resource| [("grant_type", "refresh_token"), ("refresh_token", refresh), ("resource", resource)];
    let less = idp.token(&client, &fields("https://b.api.test")).await?.json()?;
    assert_eq!(claims(&less["access_token"])?["aud"], "https://b.api.test");
    assert_eq!(idp.token(&client, &fields("https://c.api.test")).await?.error()?, "invalid_target");
    Ok(())
}

#[tokio::test]
async fn details_and_customers_travel_into_the_tokens() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp
        .client_with(json!({
            "authorization_details_types": ["fullmakt"],
            "onbehalfof": [{ "onbehalfof": "kommune-1", "display_name": "Vik kommune", "orgno": "999999999" }],
            "userinfo_signed_response_alg": "ES256",
        }))
        .await?;
    let details = json!([{ "type": "fullmakt", "resource": "urn:test" }]);
    let text = details.to_string();
    let asked = [("authorization_details", text.as_str()), ("onbehalfof", "kommune-1")];
    let mut browser = idp.browser();
    assert!(browser.get(&idp.authorize(&client, &asked)).await?.shows("Vik kommune"));
    let (tokens, kari, _) = login(&idp, &client, &asked).await?;
    assert_eq!(tokens["authorization_details"], details);
    assert_eq!(claims(&tokens["access_token"])?["authorization_details"], details);
    let id_token = claims(&tokens["id_token"])?;
    assert_eq!(
        (&id_token["client_onbehalfof"], &id_token["aud_onbehalfof"]),
        (&json!("kommune-1"), &json!("kommune-1"))
    );
    let answer = idp.userinfo(tokens["access_token"].as_str().unwrap()).await?;
    assert_eq!(answer.header("content-type"), Some("application/jwt"));
    let said = claims(&json!(answer.body))?;
    assert_eq!((&said["aud"], &said["pid"], &said["iss"]), (&json!(client.id), &json!(kari.fnr), &json!(ISSUER)));
    Ok(())
}

/// The claims of a good grant assertion.
fn grant_claims(idp: &TestIdp, client: &TestClient) -> anyhow::Result<Value> {
    let mut claims = ClientKey::assertion_claims(&client.id, ISSUER, idp.now())?;
    claims["scope"] = json!(SCOPE);
    claims.as_object_mut().context("an object")?.remove("sub");
    Ok(claims)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_gets_a_token_in_its_own_name() -> anyhow::Result<()> {
    const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let idp = TestIdp::start().await?;
    let listed = asker(&idp).await?;
    scope(&idp, json!({ "enforced_aud_for_introspection": [listed.id] })).await?;
    register(&idp, "fjordvik:asked", json!({ "requires_user_consent": true })).await?;
    register(&idp, "fjordvik:fresh", json!({ "requires_user_authentication": true })).await?;
    let client = idp
        .keyed_client(json!({
            "integration_type": "maskinporten", "grant_types": [GRANT], "redirect_uris": [],
            "scopes": [SCOPE, "fjordvik:asked", "fjordvik:fresh"],
            "post_logout_redirect_uris": [], "supplier_orgno": "888888888",
            "authorization_details_types": ["fjordvik:fullmakt"],
        }))
        .await?;
    let key = client.key.as_ref().unwrap();
    let bare = TestClient { method: String::new(), ..client.clone() };
    let post = async |assertion: String| idp.token(&bare, &[("grant_type", GRANT), ("assertion", &assertion)]).await;
    let mut asked = grant_claims(&idp, &client)?;
    asked["resource"] = json!("https://api.test");
    let details = json!([{ "type": "fjordvik:fullmakt", "for": "777777777" }]);
    asked["authorization_details"] = details.clone();
    let answer = post(key.sign("JWT", &asked)?).await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let tokens = answer.json()?;
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
    let token = claims(&tokens["access_token"])?;
    assert_eq!((&token["aud"], &token["scope"]), (&json!("https://api.test"), &json!(SCOPE)));
    assert_eq!(
        (&token["consumer"]["ID"], &token["supplier"]["ID"]),
        (&json!("0192:999999999"), &json!("0192:888888888"))
    );
    assert!(token.get("pid").is_none() && token["client_amr"] == "private_key_jwt");
    assert_eq!((&token["authorization_details"], &tokens["authorization_details"]), (&details, &details));
    assert_eq!(ask(&idp, &listed, &tokens["access_token"]).await?["active"], true);
    let now = idp.now().seconds();
    for (name, value, error) in [
        ("scope", json!("openid"), "invalid_scope"),
        ("scope", json!("other:scope"), "invalid_scope"),
        ("scope", Value::Null, "invalid_scope"),
        ("aud", json!("https://other.test"), "invalid_grant"),
        ("aud", json!([ISSUER]), "invalid_grant"),
        ("exp", json!(now + 200), "invalid_grant"),
        ("iat", json!(now - 11), "invalid_grant"),
        ("iat", Value::Null, "invalid_grant"),
        ("jti", Value::Null, "invalid_grant"),
        ("resource", json!("no uri"), "invalid_target"),
        ("resource", json!(["https://api.test", 7]), "invalid_target"),
        ("authorization_details", json!([{ "type": "other" }]), "invalid_authorization_details"),
        ("authorization_details", json!("x"), "invalid_authorization_details"),
        // What citizens give, no machine takes.
        ("scope", json!("fjordvik:asked"), "invalid_scope"),
        ("scope", json!("fjordvik:fresh"), "invalid_scope"),
    ] {
        let mut changed = grant_claims(&idp, &client)?;
        match &value {
            Value::Null => drop(changed.as_object_mut().unwrap().remove(name)),
            value => changed[name] = value.clone(),
        }
        assert_eq!(post(key.sign("JWT", &changed)?).await?.error()?, error, "{name} {value}");
    }
    let mut seen = grant_claims(&idp, &client)?;
    seen["client_id"] = json!(client.id);
    assert_eq!(post(key.sign("JWT", &seen)?).await?.error()?, "invalid_grant", "a request object");
    let stolen = ClientKey::fresh()?.sign("JWT", &grant_claims(&idp, &client)?)?;
    assert_eq!(post(stolen).await?.error()?, "invalid_grant");
    // RFC 7521 4.1: what comes beside the assertion is not passed over.
    for method in ["client_secret_basic", "client_secret_post"] {
        let also = TestClient { method: method.into(), secret: "wrong".into(), ..client.clone() };
        let assertion = key.sign("JWT", &grant_claims(&idp, &client)?)?;
        let answer = idp.token(&also, &[("grant_type", GRANT), ("assertion", &assertion)]).await?;
        assert_eq!(answer.error()?, "invalid_client", "{method}");
    }
    // A client that logs people in has no such grant.
    let other = idp.keyed_client(json!({})).await?;
    let assertion = other.key.as_ref().unwrap().sign("JWT", &grant_claims(&idp, &other)?)?;
    assert_eq!(post(assertion).await?.error()?, "unauthorized_client");
    // And one assertion is one token.
    let assertion = key.sign("JWT", &grant_claims(&idp, &client)?)?;
    let answers = join_all((0..200).map(|_| post(assertion.clone()))).await;
    let answers = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    Ok(())
}

#[tokio::test]
async fn details_can_be_narrowed_and_not_widened() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp
        .client_with(json!({
            "grant_types": ["authorization_code", "refresh_token"], "authorization_details_types": ["fullmakt"],
        }))
        .await?;
    let (one, two) = (json!({ "type": "fullmakt", "role": "arbeid" }), json!({ "type": "fullmakt", "role": "skatt" }));
    let both = json!([one, two]).to_string();
    let (tokens, ..) = login(&idp, &client, &[("authorization_details", &both)]).await?;
    assert_eq!(tokens["authorization_details"], json!([one, two]));
    let token = tokens["refresh_token"].as_str().context("a refresh token")?.to_owned();
    let refresh = async |details: Value| {
        let details = details.to_string();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", &token), ("authorization_details", &details)];
        idp.token(&client, &fields).await
    };
    for more in [json!([{ "type": "fullmakt", "role": "bostotte" }]), json!([{ "type": "other" }]), json!({})] {
        assert_eq!(refresh(more).await?.error()?, "invalid_authorization_details");
    }
    let narrow = refresh(json!([one])).await?.json()?;
    assert_eq!(narrow["authorization_details"], json!([one]));
    assert_eq!(claims(&narrow["access_token"])?["authorization_details"], json!([one]));
    Ok(())
}
