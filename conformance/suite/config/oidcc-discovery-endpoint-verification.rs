//! What discovery says of the provider.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(story: Story) -> Told {
    super::verify(&story)?;
    Ok(Verdict::Passed)
}
