//! A `request_uri` in the push: refused.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let call = story.push(&request)?.with("request_uri", "urn:ietf:params:oauth:request_uri:a-thing-of-another-world");
    let errors = &["invalid_request", "invalid_request_object", "request_uri_not_supported"];
    check::refused(&call.send().await?, errors)?;
    Ok(Verdict::Passed)
}
