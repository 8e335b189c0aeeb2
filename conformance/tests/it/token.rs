//! `/token`: codes and refresh tokens, and those who should not have them.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conformance::browser::Browser;
use conformance::idp::{REDIRECT, TestClient, TestIdp, VERIFIER, claims};
use futures_util::future::join_all;
use serde_json::json;

async fn code(idp: &TestIdp, browser: &mut Browser, client: &TestClient) -> anyhow::Result<String> {
    browser.get(&idp.authorize(client, &[])).await?;
    browser.sent_back("code")
}

// Attack: code injection and theft.
#[tokio::test]
async fn a_code_is_good_for_its_own_client_address_and_verifier_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, other) = (idp.client().await?, idp.client().await?);
    let mut browser = idp.logged_in(&client).await?;
    let wrong = VERIFIER.replace('x', "y");
    let (long, short) = ("a".repeat(129), &VERIFIER[..42]);
    let cases: [(&TestClient, Option<&str>, Option<&str>); 9] = [
        (&other, Some(REDIRECT), Some(VERIFIER)),
        (&client, Some("https://a.test/other"), Some(VERIFIER)),
        (&client, None, Some(VERIFIER)),
        (&client, Some(REDIRECT), Some(&wrong)),
        (&client, Some(REDIRECT), None),
        (&client, Some(REDIRECT), Some("")),
        (&client, Some(REDIRECT), Some(&long)),
        (&client, Some(REDIRECT), Some(short)),
        (&client, Some(REDIRECT), Some(conformance::idp::CHALLENGE)),
    ];
    for (who, redirect_uri, verifier) in cases {
        let code = code(&idp, &mut browser, &client).await?;
        let mut fields = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        fields.extend(redirect_uri.map(|uri| ("redirect_uri", uri)));
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let answer = idp.token(who, &fields).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"), "{fields:?}");
        // And it is dead afterwards.
        assert_eq!(idp.redeem(&client, &code).await?.error()?, "invalid_grant", "{fields:?}");
    }
    let late = code(&idp, &mut browser, &client).await?;
    idp.advance(Duration::from_secs(61));
    assert_eq!(idp.redeem(&client, &late).await?.error()?, "invalid_grant");
    Ok(())
}

// Attack: code double-spend race.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_redeem_a_code_one_gets_tokens_and_loses_them() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let mut browser = idp.logged_in(&client).await?;
    for _ in 0..3 {
        let code = code(&idp, &mut browser, &client).await?;
        let answers = join_all((0..200).map(|_| idp.redeem(&client, &code))).await;
        let answers = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
        assert_eq!(won.len(), 1);
        assert!(
            answers
                .iter()
                .filter(|a| a.status != StatusCode::OK)
                .all(|a| a.error().is_ok_and(|e| e == "invalid_grant"))
        );
        // Somebody else had the code: what was issued for it is no good any more.
        let tokens = won[0].json()?;
        let access = tokens["access_token"].as_str().unwrap_or_default();
        assert_eq!(idp.userinfo(access).await?.status, StatusCode::UNAUTHORIZED);
        if let Some(refresh) = tokens["refresh_token"].as_str() {
            assert_eq!(idp.refresh(&client, refresh).await?.error()?, "invalid_grant");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_code_used_twice_takes_its_tokens_along() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let mut browser = idp.logged_in(&client).await?;
    let code = code(&idp, &mut browser, &client).await?;
    let tokens = idp.redeem(&client, &code).await?.json()?;
    let access = tokens["access_token"].as_str().unwrap_or_default();
    assert_eq!(idp.userinfo(access).await?.status, StatusCode::OK);
    idp.advance(Duration::from_secs(30));
    assert_eq!(idp.redeem(&client, &code).await?.error()?, "invalid_grant");
    assert_eq!(idp.userinfo(access).await?.status, StatusCode::UNAUTHORIZED);
    let refresh = tokens["refresh_token"].as_str().unwrap_or_default();
    assert_eq!(idp.refresh(&client, refresh).await?.error()?, "invalid_grant");
    Ok(())
}

// Attack: a handle of one kind is never found as another. Nor is a garbled one.
#[tokio::test]
async fn only_a_code_is_a_code() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let mut browser = idp.logged_in(&client).await?;
    let spent = code(&idp, &mut browser, &client).await?;
    let tokens = idp.redeem(&client, &spent).await?.json()?;
    let text = |name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
    let (access, refresh, id_token) = (text("access_token"), text("refresh_token"), text("id_token"));
    let mut other = idp.browser();
    other.get(&idp.authorize(&client, &[])).await?;
    let attempt = other.action()?.rsplit('/').next().unwrap_or_default().to_owned();
    let session = browser.cookies["__Host-porten-session"].clone();
    let known = browser.cookies["__Host-porten-known"].clone();
    let handles = [&access, &refresh, &id_token, &attempt, &session, &known, &client.secret];
    for handle in handles {
        assert_eq!(idp.redeem(&client, handle).await?.error()?, "invalid_grant");
        if *handle != refresh {
            assert_eq!(idp.refresh(&client, handle).await?.error()?, "invalid_grant");
        }
        if *handle != access {
            assert_eq!(idp.userinfo(handle).await?.status, StatusCode::UNAUTHORIZED);
        }
        if *handle != session {
            let mut probe = idp.browser();
            probe.cookies.insert("__Host-porten-session".into(), handle.clone());
            probe.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
            assert_eq!(probe.sent_back("error")?, "login_required");
        }
        if *handle != attempt {
            let mut probe = other.clone();
            probe.get(&format!("/login/{}/{handle}", client.id)).await?;
            assert_eq!(probe.page.status, StatusCode::GONE);
        }
    }
    // Cut, padded, with the case of a letter turned, with something behind.
    for token in [&access, &refresh, &session] {
        for at in [0, 1, token.len() / 2, token.len() - 1] {
            let mut letters: Vec<char> = token.chars().collect();
            letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
            let changed: String = letters.into_iter().collect();
            for garbled in
                [changed, token[..at].to_owned(), format!("{token}A"), format!("{token}="), format!("{token}.")]
            {
                assert_eq!(idp.userinfo(&garbled).await?.status, StatusCode::UNAUTHORIZED, "{garbled}");
                assert_eq!(idp.refresh(&client, &garbled).await?.status, StatusCode::BAD_REQUEST);
                let mut probe = idp.browser();
                probe.cookies.insert("__Host-porten-session".into(), garbled);
                probe.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
                assert_eq!(probe.sent_back("error")?, "login_required");
            }
        }
    }
    assert_eq!(idp.userinfo(&access).await?.status, StatusCode::OK, "the real one is none the worse");
    assert_eq!(idp.refresh(&client, &refresh).await?.status, StatusCode::OK);
    Ok(())
}

// Attack: grants that are not offered.
#[tokio::test]
async fn other_grants_are_refused() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for grant in ["password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "code"]
    {
        let answer = idp.token(&client, &[("grant_type", grant), ("username", "a"), ("password", "b")]).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::BAD_REQUEST, "unsupported_grant_type"));
    }
    assert_eq!(idp.token(&client, &[]).await?.error()?, "invalid_request");
    let refused = idp.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", "x")]).await?;
    assert_eq!(refused.error()?, "unauthorized_client", "not registered for it");
    let twice = [("grant_type", "authorization_code"), ("grant_type", "authorization_code"), ("code", "x")];
    assert_eq!(idp.token(&client, &twice).await?.error()?, "invalid_request");
    Ok(())
}

#[tokio::test]
async fn a_client_is_known_by_its_registered_method_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let by = |method: &str| json!({ "token_endpoint_auth_method": method });
    let post = idp.client_with(by("client_secret_post")).await?;
    let basic = idp.client_with(by("client_secret_basic")).await?;
    let public =
        idp.client_with(json!({ "token_endpoint_auth_method": "none", "application_type": "browser" })).await?;
    let fields = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", REDIRECT)];
    for (client, method, good) in [
        (&post, "client_secret_post", true),
        (&post, "client_secret_basic", false),
        (&post, "none", false),
        (&basic, "client_secret_basic", true),
        (&basic, "client_secret_post", false),
        (&basic, "none", false),
        (&public, "none", true),
        (&public, "client_secret_post", false),
        (&public, "client_secret_basic", false),
    ] {
        let secret = if client.secret.is_empty() { "guess".to_owned() } else { client.secret.clone() };
        let caller = TestClient { method: method.to_owned(), secret, ..client.clone() };
        let answer = idp.token(&caller, &fields).await?;
        let expected = if good { "invalid_grant" } else { "invalid_client" };
        assert_eq!(answer.error()?, expected, "registered {} and used {method}", client.method);
        assert_eq!(answer.status, if good { StatusCode::BAD_REQUEST } else { StatusCode::UNAUTHORIZED });
        let challenge = answer.header("www-authenticate").is_some();
        assert_eq!(challenge, !good && method == "client_secret_basic", "RFC 6749 5.2");
    }
    let wrong = TestClient { secret: format!("{}x", post.secret), ..post.clone() };
    assert_eq!(idp.token(&wrong, &fields).await?.error()?, "invalid_client");
    let nobody = TestClient { id: "nobody".into(), ..post.clone() };
    assert_eq!(idp.token(&nobody, &fields).await?.error()?, "invalid_client");
    // Two ways at once.
    let encoded = STANDARD.encode(format!("{}:{}", basic.id, basic.secret));
    let body = format!("grant_type=authorization_code&code=x&client_id={}&client_secret={}", basic.id, basic.secret);
    let request = Request::post("/token").header(header::AUTHORIZATION, format!("Basic {encoded}"));
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(body))?;
    assert_eq!(idp.send(request).await?.error()?, "invalid_request");
    Ok(())
}

#[tokio::test]
async fn a_refresh_token_makes_the_next_one() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fields = json!({ "grant_types": ["authorization_code", "refresh_token"] });
    let (client, other) = (idp.client_with(fields.clone()).await?, idp.client_with(fields).await?);
    let mut browser = idp.logged_in(&client).await?;
    let code = code(&idp, &mut browser, &client).await?;
    let first = idp.redeem(&client, &code).await?.json()?;
    assert_eq!(first["refresh_token_expires_in"], 600);
    let token = |tokens: &serde_json::Value| tokens["refresh_token"].as_str().unwrap_or_default().to_owned();
    assert_eq!(idp.refresh(&other, &token(&first)).await?.error()?, "invalid_grant", "another client's");
    idp.advance(Duration::from_secs(90));
    let second = idp.refresh(&client, &token(&first)).await?.json()?;
    let (before, after) = (claims(&first["id_token"])?, claims(&second["id_token"])?);
    for name in ["iss", "sub", "aud", "auth_time", "acr", "amr", "pid"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    assert!(after.get("nonce").is_none());
    assert_ne!(before["iat"], after["iat"]);
    let wider = [("grant_type", "refresh_token"), ("refresh_token", &token(&second)), ("scope", "openid more")];
    assert_eq!(idp.token(&client, &wider).await?.error()?, "invalid_scope");
    let narrower = [("grant_type", "refresh_token"), ("refresh_token", &token(&second)), ("scope", "openid")];
    let third = idp.token(&client, &narrower).await?.json()?;
    assert_eq!(third["scope"], "openid");
    // The first one again: somebody has a copy. The whole family ends.
    assert_eq!(idp.refresh(&client, &token(&first)).await?.error()?, "invalid_grant");
    assert_eq!(idp.refresh(&client, &token(&third)).await?.error()?, "invalid_grant");
    assert_eq!(
        idp.userinfo(third["access_token"].as_str().unwrap_or_default()).await?.status,
        StatusCode::UNAUTHORIZED
    );
    Ok(())
}

#[tokio::test]
async fn a_grant_ends_however_often_it_is_refreshed() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let mut browser = idp.logged_in(&client).await?;
    let code = code(&idp, &mut browser, &client).await?;
    let mut tokens = idp.redeem(&client, &code).await?.json()?;
    for _ in 0..13 {
        idp.advance(Duration::from_secs(550));
        let refreshed = idp.refresh(&client, tokens["refresh_token"].as_str().unwrap_or_default()).await?;
        assert_eq!(refreshed.status, StatusCode::OK);
        tokens = refreshed.json()?;
    }
    assert_eq!(tokens["refresh_token_expires_in"], 50, "no longer than the grant: 7200 - 13 * 550");
    idp.advance(Duration::from_secs(51));
    assert_eq!(
        idp.refresh(&client, tokens["refresh_token"].as_str().unwrap_or_default()).await?.error()?,
        "invalid_grant"
    );
    Ok(())
}

#[tokio::test]
async fn a_reusable_refresh_token_stays_the_same() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fields = json!({ "grant_types": ["authorization_code", "refresh_token"], "refresh_token_usage": "REUSE" });
    let client = idp.client_with(fields).await?;
    let mut browser = idp.logged_in(&client).await?;
    let code = code(&idp, &mut browser, &client).await?;
    let token = idp.redeem(&client, &code).await?.json()?["refresh_token"].as_str().unwrap_or_default().to_owned();
    for _ in 0..3 {
        idp.advance(Duration::from_secs(500));
        assert_eq!(idp.refresh(&client, &token).await?.json()?["refresh_token"], token);
    }
    idp.advance(Duration::from_secs(601));
    assert_eq!(idp.refresh(&client, &token).await?.error()?, "invalid_grant");
    Ok(())
}

// Attack: refresh race. All may be the client that never got its answer, so all are answered; but as soon as one
// of the answers is used all others are worth nothing, and whoever comes with one ends the family.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_refresh_one_gets_on_and_the_next_ends_the_family() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let mut browser = idp.logged_in(&client).await?;
    let code = code(&idp, &mut browser, &client).await?;
    let text = |tokens: &serde_json::Value, name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
    let token = text(&idp.redeem(&client, &code).await?.json()?, "refresh_token");
    let answers = join_all((0..200).map(|_| idp.refresh(&client, &token))).await;
    let answers = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let successors: Vec<String> =
        answers.iter().map(|answer| Ok(text(&answer.json()?, "refresh_token"))).collect::<anyhow::Result<_>>()?;
    assert!(successors.iter().all(|successor| !successor.is_empty()));
    // Two hundred at once, each with another successor.
    let answers = join_all(successors.iter().map(|successor| idp.refresh(&client, successor))).await;
    let answers = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(won.len(), 1);
    let last = won[0].json()?;
    assert_eq!(idp.refresh(&client, &text(&last, "refresh_token")).await?.error()?, "invalid_grant");
    assert_eq!(idp.userinfo(&text(&last, "access_token")).await?.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

// What comes at the same instant is written down together, and each is answered for itself.
#[tokio::test(flavor = "multi_thread")]
async fn refreshes_of_many_families_at_once_do_not_spoil_each_other() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let grants = json!(["authorization_code", "refresh_token"]);
    let client = idp.client_with(json!({ "grant_types": grants })).await?;
    let keeper = idp.client_with(json!({ "grant_types": grants, "refresh_token_usage": "REUSE" })).await?;
    let text = |tokens: &serde_json::Value| tokens["refresh_token"].as_str().unwrap_or_default().to_owned();
    let mut browser = idp.logged_in(&client).await?;
    let mut all: Vec<(&TestClient, String, &str)> = Vec::new();
    for number in 0..48 {
        let kind = ["next", "next", "kept", "replayed", "revoked", "sibling"][number % 6];
        let client = if kind == "kept" { &keeper } else { &client };
        let code = code(&idp, &mut browser, client).await?;
        let token = text(&idp.redeem(client, &code).await?.json()?);
        match kind {
            "replayed" => {
                let next = text(&idp.refresh(client, &token).await?.json()?);
                assert_eq!(idp.refresh(client, &next).await?.status, StatusCode::OK);
            }
            "revoked" => {
                let ended = idp.post_as(client, "/token/revoke", &[("token", &token)]).await?;
                assert_eq!(ended.status, StatusCode::OK);
            }
            "sibling" => all.push((client, text(&idp.refresh(client, &token).await?.json()?), kind)),
            _ => {}
        }
        let token = if kind == "sibling" { text(&idp.refresh(client, &token).await?.json()?) } else { token };
        all.push((client, token, kind));
    }
    let answers = join_all(all.iter().map(|(client, token, _)| idp.refresh(client, token))).await;
    let mut siblings = 0;
    for ((client, token, kind), answer) in all.iter().zip(answers) {
        let answer = answer?;
        match *kind {
            "next" => {
                let next = text(&answer.json()?);
                assert!(!next.is_empty() && next != *token, "{}", answer.body);
                // It is their own: the family goes on with it, and the token before it is over.
                assert_eq!(idp.refresh(client, &next).await?.status, StatusCode::OK);
                assert_eq!(idp.refresh(client, token).await?.error()?, "invalid_grant");
            }
            "kept" => assert_eq!(text(&answer.json()?), *token),
            "sibling" if answer.status == StatusCode::OK => siblings += 1,
            _ => assert_eq!(answer.error()?, "invalid_grant", "{kind}"),
        }
    }
    assert_eq!(siblings, 8, "of two answers to one token one goes on, in each of eight families");
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_given_again_until_one_has_been_used() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let mut browser = idp.logged_in(&client).await?;
    let code = code(&idp, &mut browser, &client).await?;
    let text = |tokens: &serde_json::Value| tokens["refresh_token"].as_str().unwrap_or_default().to_owned();
    let first = text(&idp.redeem(&client, &code).await?.json()?);
    let lost = text(&idp.refresh(&client, &first).await?.json()?);
    idp.advance(Duration::from_secs(30));
    let second = text(&idp.refresh(&client, &first).await?.json()?);
    let third = text(&idp.refresh(&client, &second).await?.json()?);
    assert_ne!(lost, second);
    // What was lost has been found by somebody else.
    assert_eq!(idp.refresh(&client, &lost).await?.error()?, "invalid_grant");
    assert_eq!(idp.refresh(&client, &third).await?.error()?, "invalid_grant");
    Ok(())
}

#[tokio::test]
async fn es256_where_the_client_is_registered_for_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp
        .client_with(json!({ "id_token_signed_response_alg": "ES256", "frontchannel_logout_session_required": true }))
        .await?;
    let mut browser = idp.logged_in(&client).await?;
    let code = code(&idp, &mut browser, &client).await?;
    let tokens = idp.redeem(&client, &code).await?.json()?;
    let header = jsonwebtoken::decode_header(tokens["id_token"].as_str().unwrap_or_default())?;
    assert_eq!((header.alg, header.typ.as_deref()), (jsonwebtoken::Algorithm::ES256, Some("JWT")));
    let header = jsonwebtoken::decode_header(tokens["access_token"].as_str().unwrap_or_default())?;
    assert_eq!((header.alg, header.typ.as_deref()), (jsonwebtoken::Algorithm::ES256, Some("at+jwt")));
    assert!(claims(&tokens["id_token"])?["sid"].is_string(), "the client has asked for sid");
    assert_eq!(idp.userinfo(tokens["access_token"].as_str().unwrap_or_default()).await?.status, StatusCode::OK);
    let access = claims(&tokens["access_token"])?;
    assert_eq!(access["consumer"], json!({ "authority": "iso6523-actorid-upis", "ID": "0192:999999999" }));
    assert_eq!((&access["client_amr"], &access["client_id"]), (&json!("client_secret_post"), &json!(client.id)));
    Ok(())
}

#[tokio::test]
async fn without_openid_there_is_no_id_token() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let mut browser = idp.logged_in(&client).await?;
    browser.get(&idp.authorize(&client, &[("scope", "profile")])).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert!(tokens.get("id_token").is_none());
    let answer = idp.userinfo(tokens["access_token"].as_str().unwrap_or_default()).await?;
    assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"));
    Ok(())
}

// What was revoked stays so when a program that kept it in memory is started again.
#[tokio::test]
async fn a_restart_brings_no_token_back() -> anyhow::Result<()> {
    let mut idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let mut browser = idp.logged_in(&client).await?;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let code = code(&idp, &mut browser, &client).await?;
        tokens.push(idp.redeem(&client, &code).await?.json()?);
    }
    let text = |number: usize, name: &str| tokens[number][name].as_str().unwrap_or_default().to_owned();
    idp.post_as(&client, "/token/revoke", &[("token", &text(0, "access_token"))]).await?;
    idp.restart().await?;
    assert_eq!(idp.userinfo(&text(0, "access_token")).await?.status, StatusCode::UNAUTHORIZED);
    assert_eq!(idp.refresh(&client, &text(0, "refresh_token")).await?.error()?, "invalid_grant");
    assert_eq!(idp.userinfo(&text(1, "access_token")).await?.status, StatusCode::OK);
    Ok(())
}
