//! Refresh tokens of two clients: each works for its own client and for no other.

use crate::check;
use crate::story::{Story, Told, Verdict, skipped};

pub(crate) async fn run(mut story: Story) -> Told {
    let (first, second) =
        (super::refreshable(&mut story, "basic-1").await?, super::refreshable(&mut story, "basic-2").await?);
    if first.tokens["refresh_token"].is_null() || second.tokens["refresh_token"].is_null() {
        return Ok(skipped("no refresh token is issued"));
    }
    story.wait(1).await?;
    for login in [&first, &second] {
        let reply = story.refresh(&login.request.client, login.token("refresh_token"))?.send().await?;
        super::refreshed(&story, login, &reply).await?;
    }
    let third = super::refreshable(&mut story, "basic-1").await?;
    let reply = story.refresh(&second.request.client, third.token("refresh_token"))?.send().await?;
    check::refused(&reply, &["invalid_grant"])?;
    Ok(Verdict::Passed)
}
