//! `prompt=none` after a log-in: the same person, without a page.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let first = story.log_in_at("basic-1").await?;
    let request = story.request("basic-1")?.with("prompt", "none");
    super::same_without_a_page(&mut story, &first, &request).await?;
    Ok(Verdict::Passed)
}
