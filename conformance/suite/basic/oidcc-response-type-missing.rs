//! No `response_type`: an error at the `redirect_uri`, or an error page.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?.without("response_type");
    story.told_or_stopped(&request, &["unsupported_response_type", "invalid_request"]).await?;
    Ok(Verdict::Passed)
}
