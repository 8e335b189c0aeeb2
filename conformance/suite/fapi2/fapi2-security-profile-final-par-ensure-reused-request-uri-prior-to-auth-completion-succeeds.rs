//! The page of a pushed request is visited twice before the log-in: the second visit works.

use anyhow::bail;

use crate::person::End;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let front = story.front(&request).await?;
    let End::Page(_) = story.person().await?.visit(&front).await? else { bail!("no log-in page") };
    let end = story.end_at(&request, &front).await?;
    match story.is_granted(&request, end) {
        Ok(answer) => {
            story.exchange(&request, answer).await?;
        }
        Err(error) => story.warn(format!("the second visit: {error:#}")),
    }
    Ok(Verdict::Passed)
}
