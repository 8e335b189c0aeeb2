//! The other client with our pushed request: refused.

use anyhow::bail;

use crate::person::End;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let request_uri = story.pushed(story.push(&request)?).await?;
    let other = story.request("fapi-2")?;
    let front = story.front_with(&other, &request_uri)?;
    let end = story.end_at(&other, &front).await?;
    if let End::Back(answer) = &end {
        bail!("the browser was sent to {}", answer.url);
    }
    story.is_refusal(&other, end, super::UNKNOWN)?;
    Ok(Verdict::Passed)
}
