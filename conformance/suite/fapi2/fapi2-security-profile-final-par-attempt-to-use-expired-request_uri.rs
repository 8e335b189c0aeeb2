//! A pushed request after its time: refused.

use anyhow::Context;

use crate::story::{Story, Told, Verdict, skipped};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let reply = story.push(&request)?.send().await?;
    let expires = reply.json["expires_in"].as_u64().with_context(|| reply.text.clone())?;
    if expires > 125 {
        return Ok(skipped(format!("it lives for {expires} s")));
    }
    let front = story.front_with(&request, reply.get("request_uri")?)?;
    story.wait(expires + 2).await?;
    let end = story.end_at(&request, &front).await?;
    story.is_refusal(&request, end, super::UNKNOWN)?;
    Ok(Verdict::Passed)
}
