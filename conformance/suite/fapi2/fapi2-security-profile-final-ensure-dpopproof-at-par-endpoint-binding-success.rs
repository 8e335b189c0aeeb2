//! A proof at the push, and one by the same key at the token endpoint: success.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let request_uri = story.pushed(super::proved_push(&story, &request)?).await?;
    super::log_in_with(&mut story, &request, &request_uri).await?;
    Ok(Verdict::Passed)
}
