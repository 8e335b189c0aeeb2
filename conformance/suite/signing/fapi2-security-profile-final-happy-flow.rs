//! Two clients with signed requests and signed answers (JARM).

use anyhow::ensure;

use crate::jose::Key;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    for name in ["signing-1", "signing-2"] {
        story.dpop = Key::es256(name)?;
        let request = story.request(name)?;
        let login = story.log_in(&request).await?;
        ensure!(login.answer.signed.is_some(), "the answer is not signed");
    }
    Ok(Verdict::Passed)
}
