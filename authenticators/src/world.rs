//! All that lies outside the program, and exactly what a test replaces.

use migrations::Db;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::hashing::Hasher;
use crate::outbound::Outbound;
use crate::scratch::Scratch;
use crate::sms::Sms;

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
    /// The way to telephones.
    pub sms: Sms,
    /// Who computes argon2id.
    pub hasher: Hasher,
    /// The way to addresses that services have registered.
    pub outbound: Outbound,
}
