//! `oidcc-backchannel-rp-initiated-logout-certification-test-plan`

#[path = "oidcc-backchannel-logout-discovery-endpoint-verification.rs"]
mod discovery;
#[path = "oidcc-backchannel-rp-initiated-logout.rs"]
mod logout;

use anyhow::{Context, bail, ensure};
use serde_json::json;

use crate::jose::{Jwt, now};
use crate::outside::Visit;
use crate::plan::Module;
use crate::story::{Login, Story};

/// Its modules, in the suite's order.
pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::new("oidcc-backchannel-logout-discovery-endpoint-verification", discovery::run),
        Module::new("oidcc-backchannel-rp-initiated-logout", logout::run),
    ]
}

/// The logout token in a call.
fn token(visit: &Visit) -> anyhow::Result<&str> {
    let token = visit.fields.iter().find(|(name, _)| name == "logout_token").context("no logout_token")?;
    Ok(&token.1)
}

/// Waits until the client has been told that this log-in is over.
async fn told(story: &mut Story, login: &Login) -> anyhow::Result<Visit> {
    let is_own = |visit: &Visit| {
        let jwt = token(visit).and_then(Jwt::read);
        jwt.is_ok_and(|jwt| jwt.claims["sid"] == *login.claim("sid") || jwt.claims["sub"] == *login.claim("sub"))
    };
    for _ in 0..15 {
        if let Some(visit) = story.provider.party.visits("/backchannel/back").into_iter().find(is_own) {
            return Ok(visit);
        }
        story.wait(1).await?;
    }
    bail!("the client was not told")
}

/// OpenID Connect Back-Channel Logout 2.4, 2.5
fn logout_token(story: &Story, login: &Login, visit: &Visit) -> anyhow::Result<()> {
    let kind = visit.content_type.split(';').next().unwrap_or_default();
    ensure!(kind == "application/x-www-form-urlencoded", "content-type is {kind}");
    if visit.fields.len() != 1 {
        story.warn("fields beside logout_token");
    }
    let jwt = Jwt::verified(token(visit)?, &story.jwks)?;
    let claims = &jwt.claims;
    ensure!(jwt.header["alg"] == login.id_token.header["alg"], "signed by {}", jwt.header["alg"]);
    ensure!(claims["iss"] == story.provider.issuer.as_str(), "iss is {}", claims["iss"]);
    let client = login.request.client.id.as_str();
    ensure!(claims["aud"] == client || claims["aud"] == json!([client]), "aud is {}", claims["aud"]);
    let iat = claims["iat"].as_i64().context("no iat")?;
    ensure!((now()? - iat).abs() < 86_400, "iat is {iat}");
    ensure!(claims["jti"].is_string(), "jti is {}", claims["jti"]);
    let events = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    ensure!(claims["events"] == events, "events is {}", claims["events"]);
    ensure!(claims.get("nonce").is_none(), "a nonce");
    ensure!(!claims["sub"].is_null() || !claims["sid"].is_null(), "neither sub nor sid");
    for name in ["sub", "sid"] {
        ensure!(claims[name].is_null() || claims[name] == *login.claim(name), "{name} is {}", claims[name]);
    }
    Ok(())
}
