//! Userinfo by POST, the token in the header.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let login = story.log_in_at("basic-1").await?;
    let bearer = format!("Bearer {}", login.token("access_token"));
    let reply = story.post("userinfo_endpoint")?.header("authorization", &bearer).send().await?;
    check::userinfo(&reply, login.claim("sub"))?;
    Ok(Verdict::Passed)
}
