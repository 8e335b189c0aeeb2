//! The code again after half a minute: `invalid_grant`, and the first tokens have ended.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let login = story.log_in_at("basic-1").await?;
    story.wait(30).await?;
    let reply = story.token(&login.request, login.answer.code())?.send().await?;
    check::refused(&reply, &["invalid_grant"])?;
    let reply = story.resource(&login.request.client, login.token("access_token"))?.send().await?;
    if !(400..500).contains(&reply.status) {
        story.warn(format!("the first access token still opens userinfo: {}", reply.status));
    }
    Ok(Verdict::Passed)
}
