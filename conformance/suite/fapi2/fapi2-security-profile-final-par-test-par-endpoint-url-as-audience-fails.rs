//! An assertion for the push endpoint's address: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(story: Story) -> Told {
    super::pushed_assertion_refused(&story, |draft, _| {
        draft.with("aud", story.metadata["pushed_authorization_request_endpoint"].clone())
    })
    .await?;
    Ok(Verdict::Passed)
}
