//! An unregistered `redirect_uri` in the push: refused, or used.

use crate::check;
use crate::jose::random;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let other = format!("{}/{}", request.client.redirect_uri, random(10)?);
    let mut request = request.with("redirect_uri", &other);
    let call = story.push(&request)?;
    let reply = call.send().await?;
    if reply.status == 201 {
        // RFC 9126 2.4: it may have been accepted for this request alone.
        request.client.redirect_uri = other;
        let request_uri = reply.get("request_uri")?.to_owned();
        super::log_in_with(&mut story, &request, &request_uri).await?;
    } else {
        check::refused(&reply, &["invalid_request", "invalid_redirect_uri", "invalid_request_object"])?;
    }
    Ok(Verdict::Passed)
}
