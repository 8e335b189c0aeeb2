//! Hint and state: a page that says that one is logged out.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let logout = super::log_in(&mut story, "logout").await?;
    super::says_goodbye(&mut story, &logout.whole().without("post_logout_redirect_uri")).await?;
    Ok(Verdict::Passed)
}
