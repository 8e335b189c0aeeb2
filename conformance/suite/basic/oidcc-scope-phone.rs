//! The scope `phone`: its claims at userinfo.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::scopes(story, &["phone"]).await
}
