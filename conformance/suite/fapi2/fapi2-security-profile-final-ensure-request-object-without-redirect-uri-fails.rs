//! No `redirect_uri` in the push: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.without("redirect_uri");
    let call = story.push(&request)?;
    story.push_refused(&request, call, &["invalid_request", "invalid_request_object"]).await?;
    Ok(Verdict::Passed)
}
