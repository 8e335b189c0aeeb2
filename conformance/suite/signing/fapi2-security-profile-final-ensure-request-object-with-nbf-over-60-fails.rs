//! A request object that began more than an hour ago: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::refused(story, |object, at| object.with("nbf", at - 70 * 60)).await
}
