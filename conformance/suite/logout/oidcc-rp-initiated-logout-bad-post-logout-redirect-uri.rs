//! An address that is not registered: no redirect.

use crate::jose::random;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let logout = super::log_in(&mut story, "logout").await?;
    let bad = format!("{}/{}", logout.address, random(10)?);
    super::stays(&mut story, &logout.whole().with("post_logout_redirect_uri", &bad)).await?;
    Ok(Verdict::Passed)
}
