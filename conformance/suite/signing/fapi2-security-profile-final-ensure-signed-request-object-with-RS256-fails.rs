//! A request object signed by RS256 with a key for PS256: refused.

use jsonwebtoken::Algorithm;

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::refused(story, |object, _| {
        let weak = object.key.with(Algorithm::RS256);
        object.by(&weak)
    })
    .await
}
