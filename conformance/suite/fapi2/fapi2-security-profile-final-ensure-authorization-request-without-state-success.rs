//! No state: none comes back, and no `s_hash`.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.without("state");
    story.log_in(&request).await?;
    Ok(Verdict::Passed)
}
