//! A `request_uri` in the request object: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::refused(story, |object, _| {
        object.with("request_uri", "urn:ietf:params:oauth:request_uri:a-thing-of-another-world")
    })
    .await
}
