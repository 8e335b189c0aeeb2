//! A client that is registered for unsigned ID tokens.

use anyhow::bail;

use crate::story::{Story, Told, skipped};

pub(crate) async fn run(story: Story) -> Told {
    match story.supports("id_token_signing_alg_values_supported", "none") {
        false => Ok(skipped("none is not in id_token_signing_alg_values_supported")),
        true => bail!("none is in id_token_signing_alg_values_supported, and no client here is registered for it"),
    }
}
