//! A request object that has expired: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::refused(story, |object, at| object.with("exp", at - 300).with("nbf", at - 600).with("iat", at - 600)).await
}
