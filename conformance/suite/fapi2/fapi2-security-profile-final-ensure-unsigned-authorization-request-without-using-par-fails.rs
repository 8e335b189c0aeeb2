//! All parameters in the query: refused.

use crate::op::with_query;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let front = with_query(&story.endpoint("authorization_endpoint")?, &request.fields);
    let end = story.end_at(&request, &front).await?;
    story.is_refusal(&request, end, &["invalid_request"])?;
    Ok(Verdict::Passed)
}
