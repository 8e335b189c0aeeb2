//! PKCE with S256: success.

use crate::jose::sha256;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?;
    let challenge = sha256(&request.verifier);
    let request = request.with("code_challenge", &challenge).with("code_challenge_method", "S256");
    story.log_in(&request).await?;
    Ok(Verdict::Passed)
}
