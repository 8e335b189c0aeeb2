//! A request object without `nbf`: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::refused(story, |object, _| object.without("nbf")).await
}
