//! A push by PUT: an HTTP error.

use anyhow::ensure;
use reqwest::Method;

use crate::op::Call;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let place = story.endpoint("pushed_authorization_request_endpoint")?;
    let call = Call::new(&story.provider.http, Method::PUT, &place).fields(&request.fields);
    let reply = story.credentials(call, &request.client)?.send().await?;
    ensure!((400..500).contains(&reply.status), "{} {}", reply.status, reply.text);
    Ok(Verdict::Passed)
}
