//! Userinfo by GET.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let login = story.log_in_at("basic-1").await?;
    let reply = story.resource(&login.request.client, login.token("access_token"))?.send().await?;
    check::userinfo(&reply, login.claim("sub"))?;
    Ok(Verdict::Passed)
}
