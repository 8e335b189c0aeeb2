//! The one-time code by SMS: something the person has, their telephone.
//!
//! The challenge is a value that the login keeps; nothing is stored here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chance::{Token, TokenHash};
use crate::clock::Timestamp;
use crate::contact::Phone;
use crate::sms::Failed;
use crate::throttle::Reservation;
use crate::world::World;

/// Digits of a code.
pub const LENGTH: usize = 5;
/// How long a code can be used.
const VALID: Duration = Duration::from_mins(5);
/// How long it can be used at most when more time is asked for (NIST SP 800-63B 3.1.3.1: ten minutes).
const VALID_AT_MOST: Duration = Duration::from_mins(10);
/// How long to wait before the next code.
const WAIT: Duration = Duration::from_secs(30);
/// Tries for each code.
pub const TRIES: u8 = 3;
/// Codes to one telephone in [`WINDOW`], whoever asks for them.
const SENDS: i64 = 5;
const WINDOW: Duration = Duration::from_hours(1);

/// A code that is on its way to a telephone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtcChallenge {
    salt: String,
    code: TokenHash,
    sent_at: Timestamp,
    valid_until: Timestamp,
    tries: u8,
}

/// What became of a code.
#[derive(Debug)]
pub enum Sending {
    /// Handed to the gateway.
    Sent(OtcChallenge),
    /// This telephone has had its share for now.
    TooMany,
    /// The gateway didn't take it; it does not count.
    Failed,
}

/// Sends a fresh code. `words` puts it into a message.
pub async fn send(
    world: &World,
    phone: &Phone,
    words: impl FnOnce(&str) -> String,
    now: Timestamp,
) -> anyhow::Result<Sending> {
    let count = format!("otc to {}", TokenHash::of(phone.as_str()).as_str());
    if world.scratch.count(&count, WINDOW, now).await? > SENDS {
        return Ok(Sending::TooMany);
    }
    let code = world.chance.digits(LENGTH)?;
    if let Err(Failed) = world.sms.send(phone, &words(&code), now).await {
        world.scratch.uncount(&count, WINDOW, now).await?;
        return Ok(Sending::Failed);
    }
    let salt = world.chance.token()?.reveal().to_owned();
    let code = hash(&salt, &code);
    Ok(Sending::Sent(OtcChallenge { salt, code, sent_at: now, valid_until: now.plus(VALID), tries: 0 }))
}

fn hash(salt: &str, code: &str) -> TokenHash {
    Token::presented(&Token::presented(salt).derive(code)).hash()
}

impl OtcChallenge {
    /// When the code ends.
    pub fn valid_until(&self) -> Timestamp {
        self.valid_until
    }

    /// How long until a new code may be asked for.
    pub fn wait(&self, now: Timestamp) -> Duration {
        self.sent_at.plus(WAIT).since(now)
    }

    /// How many tries are left.
    pub fn left(&self) -> u8 {
        TRIES.saturating_sub(self.tries)
    }

    /// Whether more time can be asked for.
    pub fn can_be_extended(&self, now: Timestamp) -> bool {
        self.valid_until > now && self.valid_until < self.sent_at.plus(VALID_AT_MOST)
    }

    /// Gives more time.
    #[must_use]
    pub fn extended(mut self, now: Timestamp) -> OtcChallenge {
        if self.can_be_extended(now) {
            self.valid_until = self.valid_until.plus(VALID).min(self.sent_at.plus(VALID_AT_MOST));
        }
        self
    }

    /// One try fewer; none if there was none left. The login writes this down before it compares.
    pub fn tried(mut self) -> Option<OtcChallenge> {
        self.tries += 1;
        (self.tries <= TRIES).then_some(self)
    }

    /// Carries the tries of the code before over to this one: a new code is no new try.
    #[must_use]
    pub fn after(mut self, earlier: Option<&OtcChallenge>) -> OtcChallenge {
        self.tries = earlier.map_or(0, |earlier| earlier.tries);
        self
    }

    /// Compares; the reservation shows that the try has been counted.
    pub fn is_right(&self, _: &Reservation, code: &str) -> bool {
        self.code.is(&hash(&self.salt, code))
    }

    /// Whether this is the very code that has let somebody in already; says nothing of any other code.
    pub fn was_answered_by(&self, code: &str) -> bool {
        self.code.is(&hash(&self.salt, code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(now: Timestamp) -> OtcChallenge {
        let salt = "s".to_owned();
        OtcChallenge { code: hash(&salt, "01234"), salt, sent_at: now, valid_until: now.plus(VALID), tries: 0 }
    }

    #[test]
    fn time_and_tries() {
        let now = Timestamp::from_seconds(1_000_000);
        let code = challenge(now);
        assert_eq!(code.wait(now), Duration::from_secs(30));
        assert_eq!(code.wait(now.plus(Duration::from_secs(31))), Duration::ZERO);
        assert!(code.can_be_extended(now));
        let extended = code.clone().extended(now);
        assert_eq!(extended.valid_until(), now.plus(Duration::from_mins(10)));
        assert!(!extended.can_be_extended(now));
        assert_eq!(extended.clone().extended(now), extended);
        assert!(!code.can_be_extended(now.plus(Duration::from_mins(5))));

        let third = code.tried().and_then(OtcChallenge::tried).and_then(OtcChallenge::tried).unwrap();
        assert_eq!(third.left(), 0);
        assert_eq!(challenge(now).after(Some(&third)).tried(), None);
        assert_eq!(third.tried(), None);
    }
}
