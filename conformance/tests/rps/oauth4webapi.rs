//! npm's `oauth4webapi`: `DPoP` with nonces, challenges, content types, signed introspection, and access tokens as
//! an API reads them.

use serde_json::json;

use crate::script::{node, play};
use crate::stage::{Key, SCOPE, Stage};

#[tokio::test]
async fn everything_that_the_strictest_library_looks_at() -> anyhow::Result<()> {
    let (mut stage, key) = (Stage::open().await?, Key::es256()?);
    let registered = stage.register(&json!({
        "client_id": "oauth4webapi",
        "client_name": "Byggesak",
        "client_orgno": "999999999",
        "integration_type": "api_klient",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": key.jwks()?,
        "grant_types": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile", SCOPE, "idporten:token.introspection"],
        "redirect_uris": ["https://tjeneste.example.no/callback"],
        "require_pushed_authorization_requests": true,
        "dpop_bound_access_tokens": true,
        "dpop_nonce_required": true,
        "introspection_signed_response_alg": "ES256",
    }))?;
    stage.serve().await?;
    let resource = "https://api.example.no/byggesaker";
    let settings =
        json!({ "issuer": stage.issuer, "registration": registered, "key": key.settings(), "resource": resource });
    let known = play(node(&stage, "oauth4webapi.mjs")?, &settings, &stage).await?;
    assert_eq!(known["claims"]["pid"], stage.fnr.as_str());
    assert_eq!(known["active"]["cnf"], known["seen"]["cnf"]);
    Ok(())
}
