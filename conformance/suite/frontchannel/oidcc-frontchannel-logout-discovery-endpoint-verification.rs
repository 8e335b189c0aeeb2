//! Discovery says that front-channel logout is supported, with sessions.

use anyhow::ensure;

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(story: Story) -> Told {
    for name in ["frontchannel_logout_supported", "frontchannel_logout_session_supported"] {
        ensure!(story.metadata[name] == true, "{name} is {}", story.metadata[name]);
    }
    story.endpoint("end_session_endpoint")?;
    Ok(Verdict::Passed)
}
