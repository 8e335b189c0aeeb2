//! Nothing but `client_id` and `request_uri` at the front door: success.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    story.log_in_at("fapi-1").await?;
    Ok(Verdict::Passed)
}
