//! No proof at the token endpoint: refused.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let answer = story.granted(&request).await?;
    let reply = story.token(&request, answer.code())?.unproved().send().await?;
    check::refused(&reply, &["invalid_request", "invalid_grant", "invalid_dpop_proof"])?;
    Ok(Verdict::Passed)
}
