//! A `dpop_jkt`, and a proof by another key at the token endpoint: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    let request = story.request("fapi-1")?.with("dpop_jkt", &story.dpop.thumbprint()?);
    let request_uri = story.pushed(story.push(&request)?).await?;
    super::other_key_is_refused(story, &request, &request_uri).await
}
