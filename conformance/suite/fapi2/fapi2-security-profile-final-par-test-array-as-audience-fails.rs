//! An assertion whose audience is a list with the issuer in it: refused.

use serde_json::json;

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(story: Story) -> Told {
    let many = json!([story.metadata["issuer"], story.metadata["token_endpoint"]]);
    super::pushed_assertion_refused(&story, |draft, _| draft.with("aud", many)).await?;
    Ok(Verdict::Passed)
}
