//! `display=popup`: success.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?.with("display", "popup");
    story.log_in(&request).await?;
    Ok(Verdict::Passed)
}
