//! Another `code_verifier` at the token endpoint: refused.

use crate::check;
use crate::jose::random;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let answer = story.granted(&request).await?;
    let reply = story.token(&request, answer.code())?.with("code_verifier", &random(43)?).send().await?;
    check::refused(&reply, &["invalid_grant"])?;
    Ok(Verdict::Passed)
}
