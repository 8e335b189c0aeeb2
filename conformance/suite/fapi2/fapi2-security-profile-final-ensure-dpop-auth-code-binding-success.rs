//! A `dpop_jkt`, and a proof by that key at the token endpoint: success.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.with("dpop_jkt", &story.dpop.thumbprint()?);
    story.log_in(&request).await?;
    Ok(Verdict::Passed)
}
