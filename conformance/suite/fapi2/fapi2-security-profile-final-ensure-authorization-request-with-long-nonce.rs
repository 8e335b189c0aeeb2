//! A nonce of 384 letters: whole, or refused, but never cut.

use crate::jose::random;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.with("nonce", &random(384)?);
    super::long_or_refused(&mut story, &request).await?;
    Ok(Verdict::Passed)
}
