//! A request object that is not signed: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::refused(story, |object, _| object.unsigned()).await
}
