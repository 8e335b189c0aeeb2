//! A request object with a bad signature: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::refused(story, |object, _| object.spoilt()).await
}
