//! A code is handed to a telephone company or a mail server: that takes a moment, in which people click again.

use std::time::Duration;

use authenticators::chance::TokenHash;
use authenticators::scratch::Kept;
use serde::{Deserialize, Serialize};

use crate::browser::Call;
use crate::error::Refusal;
use crate::live::Patience;

/// That somebody is at it.
#[derive(Serialize, Deserialize)]
struct Handover;

impl Kept for Handover {
    const KIND: &'static str = "handover";
    const FOR: Duration = Duration::from_secs(10);
}

/// Does it, if no other click on what is kept under this key is at it. Whoever comes second waits until the first is done,
/// so that they find what came of it, and gets nothing. What the first has done is to be read inside.
pub async fn alone<T>(
    call: &Call<'_>,
    key: &TokenHash,
    work: impl Future<Output = Result<T, Refusal>>,
) -> Result<Option<T>, Refusal> {
    let (scratch, now) = (&call.app.world.scratch, call.now);
    if scratch.claim(key, &Handover, now).await? {
        let done = work.await;
        scratch.take::<Handover>(key, now).await?;
        return done.map(Some);
    }
    let patience = Patience::fresh();
    while scratch.get::<Handover>(key, call.app.world.clock.now()).await?.is_some() && patience.wait().await {}
    Ok(None)
}
