//! Who a person is and how they prove it.
//!
//! In reading order: [`clock`], [`chance`] and [`scratch`] are time, chance and short-lived state; [`sms`] is
//! the way out to telephones and [`outbound`] to addresses that services have registered; [`world`] holds all of these
//! and is exactly what a test replaces. [`person`] and [`contact`] are the registers. [`throttle`] counts attempts
//! before secrets are compared, in the lane that [`known_browser`] finds. [`factor`] has the shared types,
//! [`password`] and [`otc`] prove one factor each, and [`prove`] is the one `match` over them.

/// Makes opaque text ids.
macro_rules! text_id { ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
    $(#[$doc])*
    #[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
    #[serde(transparent)]
    #[sqlx(transparent)]
    pub struct $name(String);

    impl $name {
        /// Its letters.
        pub fn as_str(&self) -> &str {
            &self.0
        }
    }
)+ } }

pub mod chance;
pub mod clock;
pub mod contact;
pub mod factor;
pub mod hashing;
pub mod known_browser;
pub mod otc;
pub mod outbound;
pub mod password;
pub mod person;
pub mod prove;
pub mod scratch;
pub mod sms;
pub mod throttle;
pub mod world;
