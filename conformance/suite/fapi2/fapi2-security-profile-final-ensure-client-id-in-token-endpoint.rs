//! The other client's name with our key: refused.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let answer = story.granted(&request).await?;
    let other = story.client("fapi-2")?;
    let call = story.token(&request, answer.code())?.with("client_id", &other.id);
    let call = call.asserting(|draft| draft.with("iss", other.id.clone()).with("sub", other.id.clone()));
    check::refused(&call.send().await?, &["invalid_client", "invalid_grant"])?;
    Ok(Verdict::Passed)
}
