//! No `redirect_uri` in the push: refused, or the one that is registered counts.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.without("redirect_uri");
    let reply = story.push(&request)?.send().await?;
    if reply.status == 201 {
        let request_uri = reply.get("request_uri")?.to_owned();
        super::log_in_with(&mut story, &request, &request_uri).await?;
    } else {
        check::refused(&reply, &["invalid_request", "invalid_request_object"])?;
    }
    Ok(Verdict::Passed)
}
