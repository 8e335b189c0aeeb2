//! A pushed request again after the log-in: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let front = story.front(&request).await?;
    let end = story.end_at(&request, &front).await?;
    let answer = story.is_granted(&request, end)?;
    story.exchange(&request, answer).await?;
    let end = story.end_at(&request, &front).await?;
    match story.is_granted(&request, end.clone()) {
        Ok(_) => story.warn("a pushed request can be used twice"),
        Err(_) => story.is_refusal(&request, end, super::UNKNOWN)?,
    }
    Ok(Verdict::Passed)
}
