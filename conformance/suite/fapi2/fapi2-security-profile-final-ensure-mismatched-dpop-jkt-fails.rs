//! A `dpop_jkt` that is not of the proof's key: refused at the push.

use crate::jose::Key;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?.with("dpop_jkt", &Key::es256("other")?.thumbprint()?);
    let call = super::proved_push(&story, &request)?;
    story.push_refused(&request, call, &["invalid_request", "invalid_dpop_proof"]).await?;
    Ok(Verdict::Passed)
}
