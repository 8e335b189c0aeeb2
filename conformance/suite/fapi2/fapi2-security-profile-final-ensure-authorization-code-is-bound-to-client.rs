//! The other client with our code: refused.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let answer = story.granted(&request).await?;
    let other = story.client("fapi-2")?;
    let call = story.credentials(story.token(&request, answer.code())?, &other)?;
    check::refused(&call.send().await?, &["invalid_grant"])?;
    Ok(Verdict::Passed)
}
