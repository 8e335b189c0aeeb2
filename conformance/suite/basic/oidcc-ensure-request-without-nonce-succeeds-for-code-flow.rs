//! No nonce: a code all the same.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?.without("nonce");
    story.log_in(&request).await?;
    Ok(Verdict::Passed)
}
