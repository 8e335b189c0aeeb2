//! `request_uri` leads to an unsigned request object: it is honoured, or refused as not supported.

use crate::jose::random;
use crate::story::{Story, Told};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?;
    let object = story.object(&request)?.unsigned().token()?;
    let place = story.provider.party.publish(&random(20)?, object);
    let end = story.end(&request.clone().with("request_uri", &place)).await?;
    super::honoured_or_not_supported(&story, &request, end, "request_uri_not_supported").await
}
