//! The plain request of a client that sends its secret in the form.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    story.log_in_at("post").await?;
    Ok(Verdict::Passed)
}
