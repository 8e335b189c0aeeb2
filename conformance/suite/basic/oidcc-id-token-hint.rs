//! `prompt=none` with the first ID token: the same person, without a page.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let first = story.log_in_at("basic-1").await?;
    let request = story.request("basic-1")?.with("prompt", "none").with("id_token_hint", first.token("id_token"));
    super::same_without_a_page(&mut story, &first, &request).await?;
    Ok(Verdict::Passed)
}
