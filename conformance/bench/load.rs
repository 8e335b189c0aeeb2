//! Load in a window of time, and what it cost the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::process::Server;

/// What is done so far, and whether it is enough.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<(AtomicU32, AtomicBool)>);

impl Tally {
    /// One more.
    pub(crate) fn one(&self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many.
    pub(crate) fn count(&self) -> u32 {
        self.0.0.load(Ordering::Relaxed)
    }

    /// Enough.
    pub(crate) fn stop(&self) {
        self.0.1.store(true, Ordering::Relaxed);
    }

    /// Whether to go on.
    pub(crate) fn goes_on(&self) -> bool {
        !self.0.1.load(Ordering::Relaxed)
    }
}

/// What a window showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// Microseconds of the server's CPU for each operation.
    pub(crate) cost: f64,
    /// Of those, its hashing threads'.
    pub(crate) hashing: f64,
    /// Operations each second.
    pub(crate) rate: f64,
    /// The share of the core that the server used.
    pub(crate) busy: f64,
}

/// Runs jobs until the window closes; it opens after a fifth of its length.
pub(crate) async fn window<J>(server: &Server, tally: &Tally, length: Duration, jobs: J) -> anyhow::Result<Measured>
where
    J: IntoIterator<Item: Future<Output = anyhow::Result<()>> + Send + 'static>,
{
    let mut tasks: JoinSet<anyhow::Result<()>> = jobs.into_iter().collect();
    sleep(length / 5).await;
    let (begun, cpu, hashing, count) = (Instant::now(), server.cpu()?, server.hashing()?, tally.count());
    sleep(length).await;
    let (cpu, hashing, count) = (server.cpu()? - cpu, server.hashing()? - hashing, tally.count() - count);
    let time = begun.elapsed().as_secs_f64();
    tally.stop();
    while let Some(job) = tasks.join_next().await {
        job??;
    }
    let count = f64::from(count.max(1));
    Ok(Measured { cost: cpu * 1e6 / count, hashing: hashing * 1e6 / count, rate: count / time, busy: cpu / time })
}

/// The time that 99 of 100 don't exceed, in milliseconds.
pub(crate) fn p99(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let at = times.len().saturating_sub(1) * 99 / 100;
    times.get(at).map_or(f64::INFINITY, |time| time.as_secs_f64() * 1e3)
}

/// When the next one of a steady stream begins.
pub(crate) struct Pace {
    next: Instant,
    every: Duration,
}

impl Pace {
    /// The share that number `n` of `of` has in a stream of `rate` a second.
    pub(crate) fn new(rate: f64, n: u32, of: u32) -> Pace {
        let every = Duration::from_secs_f64(f64::from(of) / rate);
        Pace { next: Instant::now() + every * n / of, every }
    }

    /// Waits for it.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep_until(self.next).await;
        self.next += self.every;
    }
}
