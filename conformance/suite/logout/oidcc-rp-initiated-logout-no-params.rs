//! Nothing: a page that says that one is logged out, after a question maybe.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let logout = super::log_in(&mut story, "logout").await?;
    let nothing = logout.whole().without("id_token_hint").without("post_logout_redirect_uri").without("state");
    super::says_goodbye(&mut story, &nothing).await?;
    Ok(Verdict::Passed)
}
