//! The code after 62 seconds: refused.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let answer = story.granted(&request).await?;
    story.wait(62).await?;
    let reply = story.token(&request, answer.code())?.send().await?;
    check::refused(&reply, &["invalid_grant"])?;
    Ok(Verdict::Passed)
}
