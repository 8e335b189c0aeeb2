//! A request object that another client has signed: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    let other = story.client("fapi-2")?.key;
    super::refused(story, move |object, _| object.by(&other).headed("kid", other.kid.clone())).await
}
