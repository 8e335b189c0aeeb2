//! Answers that wait for something to happen: a browser or an app asks, and is answered when it has, or asks again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(400);
/// How long somebody is kept waiting; less than any proxy's patience.
const AT_MOST: Duration = Duration::from_secs(20);

/// How long is left to wait.
pub struct Patience {
    until: Instant,
    look: Duration,
}

impl Patience {
    /// All of it.
    pub fn fresh() -> Patience {
        Patience::with_looks(LOOK)
    }

    /// All of it, for what is looked at so often.
    pub fn with_looks(look: Duration) -> Patience {
        Patience { until: Instant::now() + AT_MOST, look }
    }

    /// Waits a moment; false if it has been long enough.
    pub async fn wait(&self) -> bool {
        let more = Instant::now() < self.until;
        if more {
            sleep(self.look).await;
        }
        more
    }
}
