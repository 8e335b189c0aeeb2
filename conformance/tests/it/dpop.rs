//! DPoP (RFC 9449): proofs, and what is bound to their keys.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use conformance::client_key::ClientKey;
use conformance::idp::{Answer, ISSUER, REDIRECT, TestClient, TestIdp, VERIFIER, claims};
use futures_util::future::join_all;
use idp::registration::AuthMethod;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

fn userinfo_claims(idp: &TestIdp, token: &str) -> anyhow::Result<Value> {
    ClientKey::proof_claims("GET", &format!("{ISSUER}/userinfo"), Some(token), idp.now())
}

async fn userinfo(idp: &TestIdp, token: &str, proofs: &[String]) -> anyhow::Result<Answer> {
    let mut request = Request::get("/userinfo").header(header::AUTHORIZATION, format!("DPoP {token}"));
    for proof in proofs {
        request = request.header("dpop", proof);
    }
    idp.send(request.body(Body::empty())?).await
}

/// A client with a key, and an access token that is bound to it.
async fn bound(idp: &TestIdp) -> anyhow::Result<(TestClient, ClientKey, String)> {
    let key = ClientKey::fresh()?;
    let client = TestClient { dpop: Some(key.clone()), ..idp.client().await? };
    let browser = idp.logged_in(&client).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(tokens["token_type"], "DPoP");
    assert_eq!(claims(&tokens["access_token"])?["cnf"]["jkt"], key.thumbprint()?);
    Ok((client, key, tokens["access_token"].as_str().unwrap_or_default().to_owned()))
}

#[tokio::test]
async fn a_bound_token_is_good_with_a_proof_of_its_key() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (_, key, token) = bound(&idp).await?;
    for change in [
        json!({}),
        json!({ "htu": format!("{ISSUER}/userinfo?x=1#y") }),
        json!({ "htu": "HTTPS://IDP.TEST:443/userinfo" }),
        json!({ "more": "claims" }),
        json!({ "nbf": idp.now().seconds() - 5, "exp": idp.now().seconds() + 60 }),
        json!({ "iat": idp.now().seconds() - 10 }),
        json!({ "iat": idp.now().seconds() + 10 }),
    ] {
        let mut proof = userinfo_claims(&idp, &token)?;
        proof.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = userinfo(&idp, &token, &[key.proof(&proof)?]).await?;
        assert_eq!(answer.status, StatusCode::OK, "{change} {}", answer.body);
    }
    Ok(())
}

// Attack: proofs that are replayed, of another request, of another key, or no proofs at all.
#[tokio::test]
async fn any_other_proof_is_refused() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (_, key, token) = bound(&idp).await?;
    let good = || userinfo_claims(&idp, &token);
    let changed = |name: &str, value: Value| -> anyhow::Result<String> {
        let mut proof = good()?;
        match value {
            Value::Null => drop(proof.as_object_mut().unwrap().remove(name)),
            value => drop(proof.as_object_mut().unwrap().insert(name.to_owned(), value)),
        }
        key.proof(&proof)
    };
    let now = idp.now().seconds();
    let headed = |change: &dyn Fn(&mut Header)| -> anyhow::Result<String> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".into());
        header.jwk = Some(key.public.clone());
        change(&mut header);
        key.sign_with(&header, &good()?)
    };
    let rsa = ClientKey::of(Algorithm::RS256)?;
    let used = key.proof(&good()?)?;
    assert_eq!(userinfo(&idp, &token, std::slice::from_ref(&used)).await?.status, StatusCode::OK);
    let mut broken = key.proof(&good()?)?;
    broken.replace_range(broken.len() - 4.., "AAAA");
    let raw = |head: Value| -> anyhow::Result<String> {
        use base64::Engine;
        let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
        Ok(format!("{}.{}.AAAA", encode(&head), encode(&good()?)))
    };
    let cases = [
        ("used", vec![used]),
        ("none", vec![]),
        ("two", vec![key.proof(&good()?)?, key.proof(&good()?)?]),
        ("no JWT", vec!["x".into()]),
        ("signature", vec![broken]),
        ("no jti", vec![changed("jti", Value::Null)?]),
        ("long jti", vec![changed("jti", json!("x".repeat(600)))?]),
        ("no htm", vec![changed("htm", Value::Null)?]),
        ("htm", vec![changed("htm", json!("POST"))?]),
        ("no htu", vec![changed("htu", Value::Null)?]),
        ("htu", vec![changed("htu", json!(format!("{ISSUER}/token")))?]),
        ("htu elsewhere", vec![changed("htu", json!("https://other.test/userinfo"))?]),
        ("no iat", vec![changed("iat", Value::Null)?]),
        ("old", vec![changed("iat", json!(now - 3600))?]),
        ("early", vec![changed("iat", json!(now + 3600))?]),
        ("no ath", vec![changed("ath", Value::Null)?]),
        ("ath", vec![changed("ath", json!("x"))?]),
        ("nonce", vec![changed("nonce", json!("made up"))?]),
        ("typ", vec![headed(&|header| header.typ = Some("JWT".into()))?]),
        ("no typ", vec![headed(&|header| header.typ = None)?]),
        ("no jwk", vec![headed(&|header| header.jwk = None)?]),
        ("another key", vec![ClientKey::fresh()?.proof(&good()?)?]),
        ("RS256", vec![rsa.proof(&good()?)?]),
        ("none", vec![raw(json!({ "typ": "dpop+jwt", "alg": "none", "jwk": key.public }))?]),
        ("HS256", vec![raw(json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": { "kty": "oct", "k": "AAAA" } }))?]),
        (
            "private",
            vec![raw(
                json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": { "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA" } }),
            )?],
        ),
        (
            "crit",
            vec![raw(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.public, "crit": ["b64"], "b64": false }))?],
        ),
    ];
    for (name, proofs) in cases {
        let answer = userinfo(&idp, &token, &proofs).await?;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name} {}", answer.body);
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("DPoP error=") && challenge.contains("algs=\"ES256"), "{name} {challenge}");
    }
    // As a bearer token it is worth nothing, and a bearer token does not become a bound one.
    assert_eq!(idp.userinfo(&token).await?.status, StatusCode::UNAUTHORIZED);
    let plain = idp.client().await?;
    let browser = idp.logged_in(&plain).await?;
    let bearer =
        idp.redeem(&plain, &browser.sent_back("code")?).await?.json()?["access_token"].as_str().unwrap().to_owned();
    let proof = key.proof(&userinfo_claims(&idp, &bearer)?)?;
    assert_eq!(userinfo(&idp, &bearer, &[proof]).await?.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

// Attack: one proof in parallel.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_used_once_by_two_hundred() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (_, key, token) = bound(&idp).await?;
    let proof = [key.proof(&userinfo_claims(&idp, &token)?)?];
    let answers = join_all((0..200).map(|_| userinfo(&idp, &token, &proof))).await;
    let answers = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    Ok(())
}

#[tokio::test]
async fn who_must_bind_tokens_gets_no_others() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fields = json!({ "dpop_bound_access_tokens": true, "grant_types": ["authorization_code", "refresh_token"] });
    let bare = idp.client_with(fields).await?;
    let client = TestClient { dpop: Some(ClientKey::fresh()?), ..bare.clone() };
    let browser = idp.logged_in(&client).await?;
    let code = browser.sent_back("code")?;
    assert_eq!(idp.redeem(&bare, &code).await?.error()?, "invalid_dpop_proof");
    // The code was not used up by the mistake.
    let tokens = idp.redeem(&client, &code).await?.json()?;
    let refresh = tokens["refresh_token"].as_str().unwrap_or_default();
    assert_eq!(idp.refresh(&bare, refresh).await?.error()?, "invalid_dpop_proof");
    // A confidential client's refresh token is bound to the client, and its key may change.
    let other = TestClient { dpop: Some(ClientKey::fresh()?), ..bare };
    assert_eq!(idp.refresh(&other, refresh).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_public_clients_refresh_token_is_bound_to_its_key() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fields = json!({
        "application_type": "native", "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let bare = idp.client_with(fields).await?;
    let client = TestClient { dpop: Some(ClientKey::fresh()?), ..bare.clone() };
    let browser = idp.logged_in(&client).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let refresh = tokens["refresh_token"].as_str().unwrap_or_default();
    let thief = TestClient { dpop: Some(ClientKey::fresh()?), ..bare.clone() };
    assert_eq!(idp.refresh(&thief, refresh).await?.error()?, "invalid_dpop_proof");
    assert_eq!(idp.refresh(&bare, refresh).await?.error()?, "invalid_dpop_proof");
    assert_eq!(idp.refresh(&client, refresh).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_client_that_has_got_a_key_of_its_own_goes_on_with_what_it_had() -> anyhow::Result<()> {
    let mut idp = TestIdp::start().await?;
    let fields = json!({ "grant_types": ["authorization_code", "refresh_token"] });
    let client = TestClient { dpop: Some(ClientKey::fresh()?), ..idp.keyed_client(fields).await? };
    let public = TestClient { key: None, method: "none".to_owned(), ..client.clone() };
    idp.change_client(&client, |registration| registration.token_endpoint_auth_method = AuthMethod::None).await?;
    let browser = idp.logged_in(&public).await?;
    let tokens = idp.redeem(&public, &browser.sent_back("code")?).await?.json()?;
    idp.change_client(&client, |registration| registration.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt)
        .await?;
    idp.replace().await?;
    let refresh = tokens["refresh_token"].as_str().unwrap_or_default();
    let thief = TestClient { dpop: Some(ClientKey::fresh()?), ..client.clone() };
    assert_eq!(idp.refresh(&thief, refresh).await?.error()?, "invalid_dpop_proof");
    assert_eq!(idp.refresh(&client, refresh).await?.status, StatusCode::OK);
    Ok(())
}

// Attack: a refresh token that is bound to no key yet is stolen, and owner and thief show their keys at the same instant.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_first_keys_at_once_one_is_bound() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fields = json!({
        "application_type": "native", "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let bare = idp.client_with(fields).await?;
    for round in 0..3 {
        let browser = idp.logged_in(&bare).await?;
        let tokens = idp.redeem(&bare, &browser.sent_back("code")?).await?.json()?;
        let refresh = tokens["refresh_token"].as_str().unwrap_or_default();
        let own = || anyhow::Ok(TestClient { dpop: Some(ClientKey::fresh()?), ..bare.clone() });
        let clients = (0..100).map(|_| own()).collect::<anyhow::Result<Vec<_>>>()?;
        let answers = join_all(clients.iter().map(|client| idp.refresh(client, refresh))).await;
        let answers = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let served: Vec<_> =
            clients.iter().zip(&answers).filter(|(_, answer)| answer.status == StatusCode::OK).collect();
        assert_eq!(served.len(), 1, "round {round}");
        for (_, answer) in clients.iter().zip(&answers).filter(|(_, answer)| answer.status != StatusCode::OK) {
            let error = answer.error()?;
            assert!(["invalid_grant", "invalid_dpop_proof"].contains(&error.as_str()), "{error}");
        }
        // It is theirs from now on, and what they got is good.
        let (winner, answer) = served[0];
        let next = answer.json()?;
        assert_eq!(claims(&next["access_token"])?["cnf"]["jkt"], winner.dpop.as_ref().unwrap().thumbprint()?);
        let next = next["refresh_token"].as_str().unwrap_or_default();
        let loser = clients.iter().find(|client| !std::ptr::eq(*client, winner)).unwrap();
        assert_eq!(idp.refresh(loser, next).await?.error()?, "invalid_dpop_proof");
        assert_eq!(idp.refresh(&bare, next).await?.error()?, "invalid_dpop_proof");
        assert_eq!(idp.refresh(winner, next).await?.status, StatusCode::OK);
    }
    Ok(())
}

#[tokio::test]
async fn a_nonce_is_asked_for_where_it_is_required() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "dpop_nonce_required": true })).await?;
    let key = ClientKey::fresh()?;
    let browser = idp.logged_in(&client).await?;
    let code = browser.sent_back("code")?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let proof = |nonce: Option<&str>| -> anyhow::Result<Vec<(&str, String)>> {
        let mut claims = ClientKey::proof_claims(Method::POST.as_str(), &format!("{ISSUER}/token"), None, idp.now())?;
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        Ok(vec![("dpop", key.proof(&claims)?)])
    };
    let answer = idp.post_with(&client, "/token", &fields, &proof(None)?).await?;
    assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::BAD_REQUEST, "use_dpop_nonce"));
    let nonce = answer.header("dpop-nonce").unwrap_or_default().to_owned();
    let answer = idp.post_with(&client, "/token", &fields, &proof(Some(&nonce))?).await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.header("dpop-nonce").is_some());
    // Where the token is used as well.
    let token = answer.json()?["access_token"].as_str().unwrap_or_default().to_owned();
    let mut claims = userinfo_claims(&idp, &token)?;
    let answer = userinfo(&idp, &token, &[key.proof(&claims)?]).await?;
    assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::UNAUTHORIZED, "use_dpop_nonce"));
    claims["nonce"] = json!(answer.header("dpop-nonce").unwrap_or_default());
    claims["jti"] = json!("another");
    assert_eq!(userinfo(&idp, &token, &[key.proof(&claims)?]).await?.status, StatusCode::OK);
    // It grows old.
    idp.advance(Duration::from_mins(11));
    let answer = idp.post_with(&client, "/token", &fields, &proof(Some(&nonce))?).await?;
    assert_eq!(answer.error()?, "use_dpop_nonce");
    Ok(())
}
