//! An assertion for somebody else: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    super::assertion_refused(&mut story, super::NOT_BELIEVED, |draft, _| {
        draft.with("aud", "https://other1.example.com/invalid")
    })
    .await?;
    Ok(Verdict::Passed)
}
