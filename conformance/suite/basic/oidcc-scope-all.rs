//! All scopes: their claims at userinfo.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::scopes(story, &["profile", "email", "address", "phone"]).await
}
