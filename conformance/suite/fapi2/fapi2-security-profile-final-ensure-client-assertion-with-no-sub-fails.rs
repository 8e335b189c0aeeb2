//! An assertion without `sub`: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    super::assertion_refused(&mut story, super::NOT_BELIEVED, |draft, _| draft.without("sub")).await?;
    Ok(Verdict::Passed)
}
