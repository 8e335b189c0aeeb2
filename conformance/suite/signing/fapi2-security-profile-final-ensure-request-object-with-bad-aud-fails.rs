//! A request object for somebody else: refused.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::refused(story, |object, _| object.with("aud", "https://other1.example.com/invalid")).await
}
