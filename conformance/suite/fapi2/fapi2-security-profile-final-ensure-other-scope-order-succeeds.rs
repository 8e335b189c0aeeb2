//! The scopes in another order: success.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.with("scope", "profile openid");
    story.log_in(&request).await?;
    Ok(Verdict::Passed)
}
