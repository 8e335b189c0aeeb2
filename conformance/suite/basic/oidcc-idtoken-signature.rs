//! No word on algorithms: RS256, with `kid` in the header.

use anyhow::ensure;

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let login = story.log_in_at("basic-1").await?;
    ensure!(login.id_token.header["alg"] == "RS256", "signed by {}", login.id_token.header["alg"]);
    Ok(Verdict::Passed)
}
