//! Discovery names the `end_session_endpoint`.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(story: Story) -> Told {
    story.endpoint("end_session_endpoint")?;
    Ok(Verdict::Passed)
}
