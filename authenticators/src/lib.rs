//! Who a person is and how they prove it.
//!
//! In reading order: [`clock`], [`chance`] and [`scratch`] are time, chance and short-lived state; [`vault`] encrypts
//! what is kept, and [`house_secret`] and [`trail`] keep something so. [`sms`], [`mail`] and [`push`] are the ways out
//! to people ([`inbox`] in development) and [`outbound`] to addresses that others have written; [`world`] holds all of
//! these and is exactly what a test replaces. [`person`] and [`contact`] are the registers, and [`guest`] those who stand in neither. [`throttle`] counts attempts
//! before secrets are compared, in the lane that [`known_browser`] finds. [`account`] is what happens to all of it at
//! once, and [`notice`] what people are told of it later, from a [`queue`]; [`postbox`] is what others say of how people are reached. [`factor`] has the shared types. The factors
//! are [`password`] (with [`password_rules`], [`hashing`] and [`legacy_hash`]), [`otc`], [`totp`], [`recovery_code`],
//! [`passkey`] and [`device`], which is asked for an [`approval`]; the last two rest on [`webauthn`]. [`prove`] is the
//! one `match` over them. Somebody who has none yet is found in the [`population`] register, gets an [`activation`] code,
//! perhaps in a [`letter`], which is [`wanted`] until it is ordered, and begins with that; [`account`] is what happens to all of it. A device gives itself up by a
//! [`removal`]. [`shown`] is what people read of what others have written.

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

pub mod account;
pub mod activation;
pub mod approval;
pub mod chance;
pub mod clock;
pub mod contact;
pub mod device;
pub mod enrolment;
pub mod factor;
pub mod guest;
pub mod hashing;
pub mod house_secret;
pub mod inbox;
pub mod known_browser;
pub mod legacy_hash;
pub mod letter;
pub mod mail;
pub mod notice;
pub mod otc;
pub mod outbound;
pub mod passkey;
pub mod password;
pub mod password_rules;
pub mod person;
pub mod population;
pub mod postbox;
pub mod prove;
pub mod push;
pub mod queue;
pub mod recovery_code;
pub mod removal;
pub mod scratch;
pub mod several;
pub mod shown;
pub mod sms;
pub mod throttle;
pub mod totp;
pub mod trail;
pub mod vault;
pub mod wanted;
pub mod webauthn;
pub mod world;
