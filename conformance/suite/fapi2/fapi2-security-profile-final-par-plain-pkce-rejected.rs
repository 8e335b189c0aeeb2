//! PKCE without a digest: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let verifier = request.verifier.clone();
    let request = request.with("code_challenge", &verifier).with("code_challenge_method", "plain");
    let call = story.push(&request)?;
    story.push_refused(&request, call, &["invalid_request"]).await?;
    Ok(Verdict::Passed)
}
