//! A `redirect_uri` with something added to its path: an error page.

use crate::jose::random;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?;
    let other = format!("{}/{}", request.client.redirect_uri, random(10)?);
    story.stopped(&request.with("redirect_uri", &other)).await?;
    Ok(Verdict::Passed)
}
