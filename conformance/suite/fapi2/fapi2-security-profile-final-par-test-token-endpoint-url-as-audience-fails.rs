//! An assertion for the token endpoint's address: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(story: Story) -> Told {
    super::pushed_assertion_refused(&story, |draft, _| draft.with("aud", story.metadata["token_endpoint"].clone()))
        .await?;
    Ok(Verdict::Passed)
}
