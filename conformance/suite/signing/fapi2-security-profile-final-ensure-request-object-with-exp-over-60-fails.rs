//! A request object that lives for more than an hour: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::refused(story, |object, at| object.with("exp", at + 70 * 60)).await
}
