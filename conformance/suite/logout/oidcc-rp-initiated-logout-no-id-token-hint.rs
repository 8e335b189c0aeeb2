//! An address and no hint: no redirect.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let logout = super::log_in(&mut story, "logout").await?;
    super::stays(&mut story, &logout.whole().without("id_token_hint")).await?;
    Ok(Verdict::Passed)
}
