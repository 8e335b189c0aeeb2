//! `porten audit verify`

use anyhow::Context;
use authenticators::trail::Trail;
use clap::Subcommand;

use crate::open::Place;
use crate::say;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Tell whether an entry of the trail was changed, left out or put in between.
    Verify {
        #[command(flatten)]
        place: Place,
    },
}

/// Goes through the trail. The master key is not needed: what is sealed is verified as it stands there.
pub(crate) async fn run(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Verify { place } => {
            let opened = place.open().await?;
            let entries = Trail::verify(&opened.db).await.context("the trail cannot be verified")?;
            say(&format!("The trail is whole: {entries} entries."));
            Ok(())
        }
    }
}
