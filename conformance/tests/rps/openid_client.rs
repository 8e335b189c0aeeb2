//! npm's `openid-client`: discovery, pushed requests, PKCE, login, `max_age`, refresh, introspection, revocation,
//! userinfo and logout.

use serde_json::{Value, json};

use crate::script::{node, play};
use crate::stage::{Key, SCOPE, Stage};

/// What each of the stories registers, and more.
fn registration(more: Value) -> anyhow::Result<Value> {
    let mut fields = json!({
        "client_id": "openid-client",
        "client_name": "Byggesak",
        "client_orgno": "999999999",
        "integration_type": "api_klient",
        "grant_types": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile", SCOPE, "idporten:token.introspection"],
        "redirect_uris": ["https://tjeneste.example.no/callback"],
        "post_logout_redirect_uris": ["https://tjeneste.example.no/bye"],
    });
    let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) else { anyhow::bail!("no object") };
    fields.extend(more);
    Ok(json!(fields))
}

async fn tell(registration: &Value, key: Option<Key>) -> anyhow::Result<()> {
    let mut stage = Stage::open().await?;
    let registered = stage.register(registration)?;
    stage.serve().await?;
    let settings = json!({
        "issuer": stage.issuer,
        "registration": registered,
        "key": key.as_ref().map(Key::settings),
        "strong": registration["profile"] == "fapi2-message-signing",
        "response_mode": registration["response_modes"][0],
    });
    let known = play(node(&stage, "openid-client.mjs")?, &settings, &stage).await?;
    assert_eq!(known["claims"]["pid"], stage.fnr.as_str());
    assert_eq!(known["claims"]["acr"], "idporten-loa-substantial");
    assert_eq!(known["active"]["scope"], format!("{SCOPE} openid profile"));
    Ok(())
}

#[tokio::test]
async fn with_a_secret_in_the_header() -> anyhow::Result<()> {
    tell(&registration(json!({ "token_endpoint_auth_method": "client_secret_basic" }))?, None).await
}

/// And the answers come in a form as well.
#[tokio::test]
async fn with_a_secret_in_the_form() -> anyhow::Result<()> {
    let more = json!({
        "token_endpoint_auth_method": "client_secret_post",
        "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "EdDSA",
        "refresh_token_usage": "REUSE",
        "response_modes": ["form_post"],
    });
    tell(&registration(more)?, None).await
}

/// Signed requests that are pushed, answers as JWTs, PS256 throughout, and tokens bound to a key.
#[tokio::test]
async fn fapi2_message_signing() -> anyhow::Result<()> {
    let key = Key::rsa("PS256")?;
    let more = json!({
        "profile": "fapi2-message-signing",
        "jwks": key.jwks()?,
        "userinfo_signed_response_alg": "PS256",
        "introspection_signed_response_alg": "PS256",
        "authorization_signed_response_alg": "PS256",
    });
    tell(&registration(more)?, Some(key)).await
}
