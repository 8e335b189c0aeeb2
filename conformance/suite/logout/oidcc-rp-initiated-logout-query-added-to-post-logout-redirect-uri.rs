//! The registered address with a query added: no redirect.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let logout = super::log_in(&mut story, "logout").await?;
    let bad = format!("{}?foo=bar", logout.address);
    super::stays(&mut story, &logout.whole().with("post_logout_redirect_uri", &bad)).await?;
    Ok(Verdict::Passed)
}
