//! `prompt=none` without a session: an error at the `redirect_uri`, with a state of 128 letters.

use crate::jose::random;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?.with("prompt", "none").with("state", &random(128)?);
    story.told(&request, super::NOBODY).await?;
    Ok(Verdict::Passed)
}
