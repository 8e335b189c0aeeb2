//! A request object of eight seconds ahead: success.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::accepted(story, |object, at| object.with("iat", at + 8).with("nbf", at + 8)).await
}
