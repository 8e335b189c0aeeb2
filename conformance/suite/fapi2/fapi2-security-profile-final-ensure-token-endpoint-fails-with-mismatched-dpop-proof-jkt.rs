//! A proof at the push, and one by another key at the token endpoint: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let request_uri = story.pushed(super::proved_push(&story, &request)?).await?;
    super::other_key_is_refused(story, &request, &request_uri).await
}
