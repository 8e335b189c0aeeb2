//! `ui_locales=se`: success.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?.with("ui_locales", "se");
    story.log_in(&request).await?;
    Ok(Verdict::Passed)
}
