//! Proofs of ten seconds ago: success everywhere.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::with_proofs(story, |proof, at| proof.with("iat", at - 10)).await
}
