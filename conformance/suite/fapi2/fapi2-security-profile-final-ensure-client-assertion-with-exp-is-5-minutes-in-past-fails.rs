//! An assertion that expired five minutes ago: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    super::assertion_refused(&mut story, super::NOT_BELIEVED, |draft, at| draft.with("exp", at - 300)).await?;
    Ok(Verdict::Passed)
}
