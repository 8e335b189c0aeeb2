//! A state beside `request_uri` alone: it does not come back, or the request is refused.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.without("state").beside("state", "beside");
    super::whole_or_refused(&mut story, &request).await?;
    Ok(Verdict::Passed)
}
