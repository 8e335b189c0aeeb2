//! A refresh token works for its client alone; after a rotation the old one still works half a minute later.

use anyhow::Context;

use crate::basic::refreshed;
use crate::check;
use crate::story::{Story, Told, Verdict, skipped};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let request = match story.supports("scopes_supported", "offline_access") {
        true => request.with("scope", "openid offline_access").with("prompt", "consent"),
        false => request,
    };
    let login = story.log_in(&request).await?;
    let Some(token) = login.tokens["refresh_token"].as_str() else { return Ok(skipped("no refresh token is issued")) };
    let call = story.refresh(&request.client, token)?;
    let reply = call.clone().unasserted().send().await?;
    check::refused(&reply, super::NOT_BELIEVED).context("without an assertion")?;
    let reply = call.unproved().send().await?;
    check::refused(&reply, &["invalid_request", "invalid_grant", "invalid_dpop_proof"]).context("without a proof")?;
    let other = story.client("fapi-2")?;
    let reply = story.refresh(&other, token)?.send().await?;
    check::refused(&reply, &["invalid_grant"]).context("of another client")?;

    story.wait(1).await?;
    let reply = story.refresh(&request.client, token)?.send().await?;
    refreshed(&story, &login, &reply).await?;
    let next = reply.json["refresh_token"].as_str().unwrap_or(token);
    if next != token {
        story.wait(30).await?;
        let reply = story.refresh(&request.client, token)?.send().await?;
        refreshed(&story, &login, &reply).await.context("the old one after half a minute")?;
    }
    let reply = story.refresh(&request.client, next)?.send().await?;
    refreshed(&story, &login, &reply).await.context("the new one")?;
    Ok(Verdict::Passed)
}
