//! A push without a request object: refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let call = story.post("pushed_authorization_request_endpoint")?.fields(&request.fields);
    let call = story.credentials(call, &request.client)?;
    story.push_refused(&request, call, super::ERRORS).await?;
    Ok(Verdict::Passed)
}
