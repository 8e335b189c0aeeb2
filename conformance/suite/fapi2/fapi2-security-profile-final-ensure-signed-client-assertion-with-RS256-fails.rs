//! An assertion signed by RS256 with a key for PS256: refused.

use jsonwebtoken::Algorithm;

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let client = story.client("fapi-1")?;
    super::assertion_refused(&mut story, &["invalid_client"], |draft, _| draft.by(&client.key.with(Algorithm::RS256)))
        .await?;
    Ok(Verdict::Passed)
}
