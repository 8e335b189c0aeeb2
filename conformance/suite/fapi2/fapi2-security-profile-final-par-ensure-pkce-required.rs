//! No PKCE in the push: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.without("code_challenge").without("code_challenge_method");
    let call = story.push(&request)?;
    story.push_refused(&request, call, &["invalid_request"]).await?;
    Ok(Verdict::Passed)
}
