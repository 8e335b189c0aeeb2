//! Python's Authlib in a Flask service: with a secret, and with a key.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::script::{play, python};
use crate::stage::{Key, Stage};

const SERVICE: &str = "https://tjeneste.example.no";

/// Two logins and a logout; what came of each login. `more` goes into the registration.
async fn tell(more: Value, key: Option<Key>, assertion: &str) -> anyhow::Result<Vec<Value>> {
    let mut stage = Stage::open().await?;
    let mut fields = json!({
        "client_id": "authlib",
        "client_name": "Byggesak",
        "client_uri": SERVICE,
        "redirect_uris": [format!("{SERVICE}/cb")],
        "post_logout_redirect_uris": [format!("{SERVICE}/bye")],
    });
    if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
        fields.extend(more);
    }
    let mut registered = stage.register(&fields)?;
    registered["client_uri"] = json!(SERVICE);
    stage.serve().await?;
    let settings = json!({
        "issuer": stage.issuer,
        "registration": registered,
        "pem": key.as_ref().map(Key::pem),
        "assertion": assertion,
        "logins": 2,
    });
    let known = play(python(&stage, "authlib_service.py")?, &settings, &stage).await?;
    let known: Vec<Value> = serde_json::from_value(known)?;
    for login in known.iter().filter(|login| login["refused"].is_null()) {
        ensure!(login["claims"]["pid"] == stage.fnr.as_str(), "somebody else: {login}");
        ensure!(login["userinfo"]["sub"] == login["claims"]["sub"], "somebody else: {login}");
    }
    ensure!(known.len() == 2, "{known:?}");
    Ok(known)
}

fn with_key(key: &Key, more: Value) -> anyhow::Result<Value> {
    let mut fields = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks()? });
    if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
        fields.extend(more);
    }
    Ok(fields)
}

fn exception() -> Value {
    json!({ "client_assertion_audience_exception_until": "2099-12-31" })
}

#[tokio::test]
async fn with_a_secret() -> anyhow::Result<()> {
    let known = tell(json!({ "token_endpoint_auth_method": "client_secret_basic" }), None, "none").await?;
    assert!(known.iter().all(|login| login["refused"].is_null()), "{known:?}");
    Ok(())
}

#[tokio::test]
async fn with_a_key_and_an_exception_for_its_audience() -> anyhow::Result<()> {
    let key = Key::rsa("RS256")?;
    let known = tell(with_key(&key, exception())?, Some(key), "short").await?;
    assert!(known.iter().all(|login| login["refused"].is_null()), "{known:?}");
    Ok(())
}

#[tokio::test]
async fn with_a_key_and_the_right_audience_it_needs_no_exception() -> anyhow::Result<()> {
    let key = Key::rsa("RS256")?;
    let known = tell(with_key(&key, json!({}))?, Some(key), "short, to the issuer").await?;
    assert!(known.iter().all(|login| login["refused"].is_null()), "{known:?}");
    Ok(())
}

#[tokio::test]
async fn as_it_comes_it_is_refused() -> anyhow::Result<()> {
    for (more, assertion, why) in [
        (json!({}), "short", "aud must be the issuer."),
        (json!({ "client_assertion_audience_exception_until": "2020-12-31" }), "short", "aud must be the issuer."),
        (exception(), "an hour", "exp is more than 120 seconds ahead."),
    ] {
        let key = Key::rsa("RS256")?;
        for login in tell(with_key(&key, more)?, Some(key), assertion).await? {
            assert_eq!(login["refused"], "invalid_client", "{login}");
            assert!(login["why"].as_str().is_some_and(|said| said.contains(why)), "{why}: {login}");
        }
    }
    Ok(())
}
