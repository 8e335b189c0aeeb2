//! No assertion at the token endpoint: refused.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let answer = story.granted(&request).await?;
    let reply = story.token(&request, answer.code())?.unasserted().send().await?;
    check::refused(&reply, &["invalid_client", "invalid_request"])?;
    Ok(Verdict::Passed)
}
