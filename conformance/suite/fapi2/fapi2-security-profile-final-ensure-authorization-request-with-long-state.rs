//! A long state: whole, or refused, but never cut.

use crate::jose::random;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.with("state", &random(1000)?);
    super::long_or_refused(&mut story, &request).await?;
    Ok(Verdict::Passed)
}
