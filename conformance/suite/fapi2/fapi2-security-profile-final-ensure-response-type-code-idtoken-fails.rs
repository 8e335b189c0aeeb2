//! `response_type=code id_token`: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.with("response_type", "code id_token");
    let call = story.push(&request)?;
    let errors = &["unsupported_response_type", "invalid_request", "unauthorized_client"];
    story.push_refused(&request, call, errors).await?;
    Ok(Verdict::Passed)
}
