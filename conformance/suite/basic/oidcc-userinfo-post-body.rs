//! Userinfo by POST, the token in the form: the same, or any error.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let login = story.log_in_at("basic-1").await?;
    let reply = story.post("userinfo_endpoint")?.with("access_token", login.token("access_token")).send().await?;
    match reply.status {
        200 => check::userinfo(&reply, login.claim("sub"))?,
        status => story.warn(format!("a token in the form is not taken: {status}")),
    }
    Ok(Verdict::Passed)
}
