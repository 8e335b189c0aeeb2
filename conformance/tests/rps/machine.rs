//! A machine's own calls: the JWT grant (RFC 7523) with `openid-client`, and the API at the other end.

use serde_json::json;

use crate::script::{node, play};
use crate::stage::{Key, SCOPE, Stage};

#[tokio::test]
async fn a_machine_gets_a_token_that_an_api_takes() -> anyhow::Result<()> {
    let (mut stage, key) = (Stage::open().await?, Key::rsa("RS256")?);
    let registered = stage.register(&json!({
        "client_id": "maskin",
        "client_name": "Innsynsroboten",
        "client_orgno": "999999999",
        "integration_type": "maskinporten",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": key.jwks()?,
        "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "scopes": [SCOPE],
    }))?;
    stage.serve().await?;
    let resource = "https://api.example.no/byggesaker";
    let settings =
        json!({ "issuer": stage.issuer, "registration": registered, "key": key.settings(), "resource": resource });
    let known = play(node(&stage, "machine.mjs")?, &settings, &stage).await?;
    assert_eq!(known["seen"]["consumer"]["ID"], "0192:999999999");
    assert_eq!(known["seen"]["pid"], json!(null));
    Ok(())
}
