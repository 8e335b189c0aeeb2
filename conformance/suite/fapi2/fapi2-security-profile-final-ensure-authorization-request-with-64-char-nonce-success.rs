//! A nonce of 64 letters comes back whole.

use crate::jose::random;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.with("nonce", &random(64)?);
    story.log_in(&request).await?;
    Ok(Verdict::Passed)
}
