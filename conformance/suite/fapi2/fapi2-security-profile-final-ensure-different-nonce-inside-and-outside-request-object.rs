//! Another nonce beside `request_uri`: refused, or the pushed one counts.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.beside("nonce", "another-nonce");
    super::whole_or_refused(&mut story, &request).await?;
    Ok(Verdict::Passed)
}
