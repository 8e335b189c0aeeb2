//! An assertion of more than a minute ahead at the push: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(story: Story) -> Told {
    super::pushed_assertion_refused(&story, |draft, at| {
        draft.with("iat", at + 90).with("nbf", at + 90).with("exp", at + 150)
    })
    .await?;
    Ok(Verdict::Passed)
}
