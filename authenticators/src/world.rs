//! All that lies outside the program, and exactly what a test replaces.

use migrations::Db;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info_span};

use crate::chance::Chance;
use crate::clock::Clock;
use crate::hashing::Hasher;
use crate::mail::Mail;
use crate::outbound::Outbound;
use crate::password_rules::Breached;
use crate::population::Population;
use crate::push::Push;
use crate::scratch::Scratch;
use crate::sms::Sms;
use crate::trail::Trail;
use crate::vault::Vault;
use crate::webauthn::Webauthn;

/// The world. Cheap to clone.
#[derive(Clone)]
pub struct World {
    /// What lasts.
    pub db: Db,
    /// What does not.
    pub scratch: Scratch,
    /// What time it is.
    pub clock: Clock,
    /// Where secrets come from.
    pub chance: Chance,
    /// What encrypts them where they are kept.
    pub vault: Vault,
    /// What happened.
    pub trail: Trail,
    /// The way to telephones.
    pub sms: Sms,
    /// How many SMS go out a day at most.
    pub sms_a_day: i64,
    /// The way to mailboxes.
    pub mail: Mail,
    /// The way to the MinID app.
    pub push: Push,
    /// Who lives in the country.
    pub population: Population,
    /// Who computes argon2id.
    pub hasher: Hasher,
    /// Passwords that were stolen elsewhere.
    pub breached: Breached,
    /// The keys in browsers and devices.
    pub webauthn: Webauthn,
    /// The way to addresses that services have registered.
    pub outbound: Outbound,
    /// What goes on behind the back of whoever asked: whoever stops lets it end.
    pub tasks: Tasks,
}

/// Work that nobody waits for.
#[derive(Clone, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    /// Begins some. What it says to the log stands under the request that it began with.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(work.instrument(info_span!("unseen")));
    }

    /// Waits until all of it is done.
    pub async fn settle(&self) {
        self.0.close();
        self.0.wait().await;
        self.0.reopen();
    }
}
