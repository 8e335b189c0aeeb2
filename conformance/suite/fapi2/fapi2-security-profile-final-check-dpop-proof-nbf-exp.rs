//! Proofs with `nbf` and `exp`: success everywhere.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::with_proofs(story, |proof, at| proof.with("nbf", at).with("exp", at + 60)).await
}
