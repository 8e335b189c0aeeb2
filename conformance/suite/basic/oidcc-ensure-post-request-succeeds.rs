//! The authorization request as a POST from the client's site.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?;
    let endpoint = story.endpoint("authorization_endpoint")?;
    let person = story.person().await?;
    let end = person.post(&endpoint, &request.fields).await?;
    let end = person.finish(end).await?;
    let answer = story.is_granted(&request, end)?;
    story.exchange(&request, answer).await?;
    Ok(Verdict::Passed)
}
