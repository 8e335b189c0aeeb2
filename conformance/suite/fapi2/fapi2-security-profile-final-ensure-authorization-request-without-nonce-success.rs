//! No nonce: success, and none in the ID token.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.without("nonce");
    story.log_in(&request).await?;
    Ok(Verdict::Passed)
}
