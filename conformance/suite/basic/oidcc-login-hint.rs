//! A hint of another world: success.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?.with("login_hint", "buffy@localhost");
    story.log_in(&request).await?;
    Ok(Verdict::Passed)
}
