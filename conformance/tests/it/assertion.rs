//! `private_key_jwt` (RFC 7523 2.2): who has a client's key is the client, and nobody else.

use std::time::Duration;

use anyhow::Context;
use authenticators::scratch::Scratch;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use conformance::client_key::ClientKey;
use conformance::idp::{ASSERTION_TYPE, Answer, ISSUER, REDIRECT, TestClient, TestIdp};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

/// Calls `/token` with an assertion and a code that nobody has issued: `invalid_grant` is a client that is known.
async fn call(idp: &TestIdp, assertion: &str) -> anyhow::Result<Answer> {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", "x.y")
        .append_pair("redirect_uri", REDIRECT)
        .append_pair("client_assertion_type", ASSERTION_TYPE)
        .append_pair("client_assertion", assertion)
        .finish();
    let request = Request::post("/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    idp.send(request.body(Body::from(body))?).await
}

fn claims(idp: &TestIdp, client: &TestClient) -> anyhow::Result<Value> {
    ClientKey::assertion_claims(&client.id, ISSUER, idp.now())
}

fn key(client: &TestClient) -> anyhow::Result<&ClientKey> {
    client.key.as_ref().context("a key")
}

#[tokio::test]
async fn every_algorithm_that_is_advertised() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for algorithm in
        [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA]
    {
        let key = ClientKey::of(algorithm)?;
        let fields = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks() });
        let client = TestClient { key: Some(key.clone()), ..idp.client_with(fields).await? };
        let answer = call(&idp, &key.sign("JWT", &claims(&idp, &client)?)?).await?;
        assert_eq!(answer.error()?, "invalid_grant", "{algorithm:?} {}", answer.body);
    }
    Ok(())
}

// Attack: assertions that are old, for others, by others, or no signatures at all.
#[tokio::test]
async fn any_other_assertion_is_refused() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, other) = (idp.keyed_client(json!({})).await?, idp.keyed_client(json!({})).await?);
    let now = idp.now().seconds();
    let token_endpoint = format!("{ISSUER}/token");
    let cases = [
        ("aud", json!([ISSUER])),
        ("aud", json!(token_endpoint)),
        ("aud", json!([ISSUER, token_endpoint])),
        ("aud", json!(format!("{ISSUER}/par"))),
        ("aud", json!(format!("{ISSUER}/"))),
        ("aud", Value::Null),
        ("iss", Value::Null),
        ("iss", json!(other.id)),
        ("sub", Value::Null),
        ("sub", json!(other.id)),
        ("exp", Value::Null),
        ("exp", json!(now)),
        ("exp", json!(now - 300)),
        ("exp", json!(now + 3600)),
        ("exp", json!("soon")),
        ("nbf", json!(now + 61)),
        ("iat", json!(now + 61)),
        ("jti", Value::Null),
        ("jti", json!("")),
        ("jti", json!("x".repeat(600))),
    ];
    for (name, value) in cases {
        let mut claims = claims(&idp, &client)?;
        match &value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
        let answer = call(&idp, &key(&client)?.sign("JWT", &claims)?).await?;
        assert_eq!(
            (answer.status, answer.error()?.as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_client"),
            "{name} {value}"
        );
    }
    let mut ahead = claims(&idp, &client)?;
    ahead["nbf"] = json!(now + 8);
    assert_eq!(
        call(&idp, &key(&client)?.sign("JWT", &ahead)?).await?.error()?,
        "invalid_grant",
        "clocks differ a little"
    );

    let good = || claims(&idp, &client);
    let headed = |change: &dyn Fn(&mut Header)| -> anyhow::Result<String> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(key(&client)?.kid().to_owned());
        change(&mut header);
        key(&client)?.sign_with(&header, &good()?)
    };
    let raw = |head: Value| -> anyhow::Result<String> {
        use base64::Engine;
        let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
        Ok(format!("{}.{}.", encode(&head), encode(&good()?)))
    };
    let sealed = |head: Value| key(&client)?.seal(head.to_string().as_bytes(), good()?.to_string().as_bytes());
    assert_eq!(call(&idp, &sealed(json!({ "alg": "ES256" }))?).await?.error()?, "invalid_grant");
    let public = serde_json::to_string(&key(&client)?.public)?;
    let by_public_key = jsonwebtoken::encode(
        &Header { kid: Some(key(&client)?.kid().to_owned()), ..Header::new(Algorithm::HS256) },
        &good()?,
        &jsonwebtoken::EncodingKey::from_secret(public.as_bytes()),
    )?;
    let theirs = key(&other)?.sign("JWT", &good()?)?;
    let mut renamed = Header::new(Algorithm::ES256);
    renamed.kid = Some(key(&client)?.kid().to_owned());
    renamed.jwk = Some(key(&other)?.public.clone());
    let embedded = key(&other)?.sign_with(&renamed, &good()?)?;
    let mut cut = key(&client)?.sign("JWT", &good()?)?;
    cut.truncate(cut.len() - 6);
    for (name, assertion) in [
        ("another client's key", theirs),
        ("a key in the header", embedded),
        ("a public key as secret", by_public_key),
        ("unknown kid", headed(&|header| header.kid = Some("unknown".into()))?),
        ("typ", headed(&|header| header.typ = Some("dpop+jwt".into()))?),
        ("typ of an ID token's kin", headed(&|header| header.typ = Some("at+jwt".into()))?),
        ("none", raw(json!({ "alg": "none" }))?),
        ("None", raw(json!({ "alg": "None", "kid": key(&client)?.kid() }))?),
        ("crit", sealed(json!({ "alg": "ES256", "kid": key(&client)?.kid(), "crit": ["exp"] }))?),
        ("b64", sealed(json!({ "alg": "ES256", "kid": key(&client)?.kid(), "b64": false, "crit": ["b64"] }))?),
        ("cut", cut),
        ("nothing", "x".into()),
    ] {
        let answer = call(&idp, &assertion).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{name}");
    }
    // Neither its name alone nor a secret is enough, and a client with a secret gets nowhere with a key.
    for method in ["none", "client_secret_post", "client_secret_basic"] {
        let bare = TestClient { method: method.into(), secret: "guess".into(), ..client.clone() };
        assert_eq!(
            idp.token(&bare, &[("grant_type", "authorization_code")]).await?.error()?,
            "invalid_client",
            "{method}"
        );
    }
    let secret = idp.client_with(json!({ "jwks": key(&client)?.jwks() })).await?;
    let assertion = key(&client)?.sign("JWT", &claims(&idp, &secret)?)?;
    assert_eq!(call(&idp, &assertion).await?.error()?, "invalid_client");
    Ok(())
}

// Attack: replay of an assertion, and spending another client's.
#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_used_once_and_by_its_owner() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, other) = (idp.keyed_client(json!({})).await?, idp.keyed_client(json!({})).await?);
    let good = claims(&idp, &client)?;
    // Somebody who knows the next jti but has no key.
    let poison = ClientKey::fresh()?.sign("JWT", &good)?;
    assert_eq!(call(&idp, &poison).await?.error()?, "invalid_client");
    let mut same = claims(&idp, &other)?;
    same["jti"] = good["jti"].clone();
    assert_eq!(call(&idp, &key(&other)?.sign("JWT", &same)?).await?.error()?, "invalid_grant");
    let assertion = key(&client)?.sign("JWT", &good)?;
    let answers = join_all((0..200).map(|_| call(&idp, &assertion))).await;
    let errors = answers.into_iter().map(|answer| answer?.error()).collect::<anyhow::Result<Vec<_>>>()?;
    assert_eq!(errors.iter().filter(|error| *error == "invalid_grant").count(), 1);
    assert_eq!(errors.iter().filter(|error| *error == "invalid_client").count(), 199);
    Ok(())
}

// Attack: replay of an assertion on another node, and after a restart.
#[tokio::test]
async fn an_assertion_is_used_once_wherever_and_whenever_it_comes() -> anyhow::Result<()> {
    let mut idp = TestIdp::start().await?;
    let client = idp.keyed_client(json!({})).await?;
    let (one, two) = (claims(&idp, &client)?, claims(&idp, &client)?);
    let (one, two) = (key(&client)?.sign("JWT", &one)?, key(&client)?.sign("JWT", &two)?);
    assert_eq!(call(&idp, &one).await?.error()?, "invalid_grant");
    idp.replace().await?;
    assert_eq!(call(&idp, &one).await?.error()?, "invalid_client", "another node");
    idp.advance(Duration::from_secs(5));
    idp.restart().await?;
    assert_eq!(call(&idp, &one).await?.error()?, "invalid_client", "after a restart");
    // Who has forgotten what was used takes nothing that is from before; who has not, does.
    let forgets = matches!(idp.app.world.scratch, Scratch::Memory(_));
    assert_eq!(call(&idp, &two).await?.error()?, if forgets { "invalid_client" } else { "invalid_grant" });
    assert_eq!(call(&idp, &key(&client)?.sign("JWT", &claims(&idp, &client)?)?).await?.error()?, "invalid_grant");
    // One that does not say when it was made is from before as well.
    idp.advance(Duration::from_secs(5));
    let mut dateless = claims(&idp, &client)?;
    dateless.as_object_mut().context("an object")?.remove("iat");
    dateless["exp"] = json!(idp.now().seconds() + 120);
    idp.restart().await?;
    idp.advance(Duration::from_secs(5));
    dateless["exp"] = json!(idp.now().seconds() + 110);
    let answer = call(&idp, &key(&client)?.sign("JWT", &dateless)?).await?;
    assert_eq!(answer.error()?, if forgets { "invalid_client" } else { "invalid_grant" });
    Ok(())
}

#[tokio::test]
async fn an_old_client_may_name_the_token_endpoint_until_its_day() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let day = jiff_date(&idp);
    let client = idp.keyed_client(json!({ "client_assertion_audience_exception_until": day })).await?;
    let endpoint = format!("{ISSUER}/token");
    let named = |aud: Value| -> anyhow::Result<String> {
        let mut claims = claims(&idp, &client)?;
        claims["aud"] = aud;
        key(&client)?.sign("JWT", &claims)
    };
    assert_eq!(call(&idp, &named(json!(endpoint))?).await?.error()?, "invalid_grant");
    assert_eq!(call(&idp, &named(json!([ISSUER, endpoint]))?).await?.error()?, "invalid_grant");
    assert_eq!(call(&idp, &named(json!("https://other.test/token"))?).await?.error()?, "invalid_client");
    idp.advance(Duration::from_hours(48));
    assert_eq!(call(&idp, &named(json!(endpoint))?).await?.error()?, "invalid_client");
    assert_eq!(call(&idp, &named(json!(ISSUER))?).await?.error()?, "invalid_grant");
    Ok(())
}

/// The day that it is there.
fn jiff_date(idp: &TestIdp) -> String {
    let days = idp.now().seconds().div_euclid(86_400);
    // Civil from days, after Howard Hinnant.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[tokio::test]
async fn keys_overlap_while_they_are_rotated_and_end() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (old, new) = (ClientKey::fresh()?, ClientKey::fresh()?);
    let mut ending = serde_json::to_value(&old.public)?;
    ending["exp"] = json!(idp.now().seconds() + 3600);
    let jwks = json!({ "keys": [ending, new.public] });
    let client = idp.client_with(json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks })).await?;
    for key in [&old, &new] {
        assert_eq!(call(&idp, &key.sign("JWT", &claims(&idp, &client)?)?).await?.error()?, "invalid_grant");
    }
    idp.advance(Duration::from_hours(2));
    assert_eq!(call(&idp, &old.sign("JWT", &claims(&idp, &client)?)?).await?.error()?, "invalid_client");
    assert_eq!(call(&idp, &new.sign("JWT", &claims(&idp, &client)?)?).await?.error()?, "invalid_grant");
    Ok(())
}

#[tokio::test]
async fn secrets_overlap_while_they_are_rotated_and_end() -> anyhow::Result<()> {
    use authenticators::chance::Token;
    use idp::client::{Client, ClientId, NewSecret};
    let idp = TestIdp::start().await?;
    let old = idp.client().await?;
    let id = ClientId::named(&old.id).unwrap();
    let registration = Client::find(&idp.app.world.db, &id).await?.unwrap().registration;
    let token = Token::presented("a-new-secret-that-is-long-enough");
    let others_end_at = idp.now().plus(Duration::from_hours(24));
    let secret = NewSecret { token: &token, others_end_at };
    Client::change(&idp.app.world.db, &id, &registration, Some(secret), idp.now()).await?;
    let new = TestClient { secret: token.reveal().to_owned(), ..old.clone() };
    // A node sees it within five seconds; this one had never seen the client.
    let fields = [("grant_type", "authorization_code"), ("code", "x.y"), ("redirect_uri", REDIRECT)];
    for client in [&old, &new] {
        assert_eq!(idp.token(client, &fields).await?.error()?, "invalid_grant");
    }
    idp.advance(Duration::from_hours(25));
    assert_eq!(idp.token(&old, &fields).await?.error()?, "invalid_client");
    assert_eq!(idp.token(&new, &fields).await?.error()?, "invalid_grant");
    idp.advance(Duration::from_hours(361 * 24));
    assert_eq!(idp.token(&new, &fields).await?.error()?, "invalid_client", "no secret lives for ever");
    Ok(())
}
