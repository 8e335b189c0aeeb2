//! The plain request.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let login = story.log_in_at("basic-1").await?;
    super::nothing_unasked(&story, &login);
    Ok(Verdict::Passed)
}
