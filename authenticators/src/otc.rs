//! One-time codes, by SMS and by e-mail: something the person has, their telephone or their mailbox.
//!
//! The challenge is a value that whoever asked keeps; nothing is stored here but counts. They keep messages from being
//! pumped out at our cost, and from being used to annoy somebody: nobody can use up what another person's own logins
//! need.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chance::{Token, TokenHash};
use crate::clock::Timestamp;
use crate::contact::Channel;
use crate::person::PersonId;
use crate::scratch::Scratch;
use crate::sms::Failed;
use crate::throttle::{self, Reservation};
use crate::world::World;

/// Digits of a code by SMS.
pub const LENGTH: usize = 5;
/// Digits of a code by e-mail, which is read on the screen where it is typed.
pub const LENGTH_BY_EMAIL: usize = 6;
/// Digits of a code by e-mail that is all that is asked for: three tries at one of a hundred million.
pub const LENGTH_ALONE: usize = 8;
/// How long a code can be used.
const VALID: Duration = Duration::from_mins(5);
/// How long it can be used at most when more time is asked for (NIST SP 800-63B 3.1.3.1: ten minutes).
const VALID_AT_MOST: Duration = Duration::from_mins(10);
/// How long to wait before the next code.
const WAIT: Duration = Duration::from_secs(30);
/// Tries for each code.
pub const TRIES: u8 = 3;
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Codes to somebody's own number in an hour.
const TO_ONES_OWN: i64 = 5;
/// Codes to a number that nobody has proved yet, in an hour, for all who have said who they are, and for all who have not.
const TO_ANY_NUMBER: i64 = 5;
/// Codes that one person can cause in a day.
const BY_A_PERSON: i64 = 30;
/// Codes to numbers that are not proved, from one address in an hour; a school's pupils share one.
const FROM_AN_ADDRESS: i64 = 300;
/// Codes to the numbers of one foreign country, not proved, in an hour.
const TO_A_COUNTRY: i64 = 200;

/// Codes for a forgotten password to one channel of a person in an hour.
const RECOVERIES: i64 = 3;
/// And from one address, for whomever; a school's pupils share one.
const RECOVERIES_FROM_AN_ADDRESS: i64 = 60;

/// Codes that let a mailbox in where nobody who owns it has been before, in an hour and in a day: with three tries each,
/// sixty guesses a day, in however many logins.
const TO_A_MAILBOX: i64 = 5;
const TO_A_MAILBOX_A_DAY: i64 = 20;

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// A login, to what is registered.
    Login,
    /// A forgotten password, to what is registered. Whoever knows somebody's number can ask for it, so it takes nothing
    /// from the owner's logins, and one address cannot ask for everybody.
    Recovery,
    /// Finding out whether it is theirs.
    Proof,
    /// The same of whoever registers with a school's code. A municipality's schools have one address, and a teacher has
    /// seen each of them: they count as people and not for the address, so that nothing others do there keeps a class
    /// waiting. Safer than a list of networks: whoever else is behind one has no more for it.
    ProofAtSchool,
    /// A login by a mailbox and nothing else. Its owner is known where they have logged in before, and what strangers ask
    /// for elsewhere takes nothing from them there.
    Mailbox,
}

/// A code to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// Where to.
    pub to: &'a Channel,
    /// For whom.
    pub person: Option<&'a PersonId>,
    /// Who asks: the address of the browser.
    pub from: IpAddr,
    /// What for.
    pub errand: Errand,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Words {
    /// Of a mail.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// A code that is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtcChallenge {
    salt: String,
    code: TokenHash,
    length: usize,
    sent_at: Timestamp,
    valid_until: Timestamp,
    tries: u8,
}

/// What became of a code.
#[derive(Debug)]
pub enum Sending {
    /// On its way.
    Sent(OtcChallenge),
    /// There have been too many.
    TooMany,
    /// It was not taken; it does not count.
    Failed,
}

/// Sends a fresh code. `words` puts it into a message.
pub async fn send(
    world: &World,
    order: &Order<'_>,
    words: impl FnOnce(&str) -> Words,
    now: Timestamp,
) -> anyhow::Result<Sending> {
    let counts = counts(order);
    if !count(&world.scratch, &counts, now).await? || !within_budget(world, order, now).await? {
        return Ok(Sending::TooMany);
    }
    let (challenge, code) = fresh(world, length_of(order), now)?;
    if let Err(Failed) = deliver(world, order.to, &words(&code), now).await {
        for (name, _, window) in &counts {
            world.scratch.uncount(name, *window, now).await?;
        }
        return Ok(Sending::Failed);
    }
    Ok(Sending::Sent(challenge))
}

/// The same where nobody may see whether there is anybody: what goes out goes out behind the back of whoever asks, and
/// where there is nobody the challenge is one that no code answers.
pub fn send_unseen(
    world: &World,
    order: Option<&Order<'_>>,
    words: impl FnOnce(&str) -> Words,
    now: Timestamp,
) -> anyhow::Result<OtcChallenge> {
    let (challenge, code) = fresh(world, order.map_or(LENGTH, length_of), now)?;
    let Some(order) = order else { return Ok(challenge) };
    let (world, to, person, words) = (world.clone(), order.to.clone(), order.person.cloned(), words(&code));
    let (from, errand) = (order.from, order.errand);
    let tasks = world.tasks.clone();
    tasks.spawn(async move {
        let order = Order { to: &to, person: person.as_ref(), from, errand };
        match is_allowed(&world, &order, now).await {
            // Why it is not taken is in the log.
            Ok(true) => drop(deliver(&world, &to, &words, now).await),
            Ok(false) => {}
            Err(error) => tracing::error!(error = format!("{error:#}"), "a code cannot be counted, and is not sent"),
        }
    });
    Ok(challenge)
}

async fn is_allowed(world: &World, order: &Order<'_>, now: Timestamp) -> anyhow::Result<bool> {
    Ok(count(&world.scratch, &counts(order), now).await? && within_budget(world, order, now).await?)
}

fn length_of(order: &Order<'_>) -> usize {
    match (order.to, order.errand) {
        (Channel::Mobile(_), _) => LENGTH,
        (Channel::Email(_), Errand::Mailbox) => LENGTH_ALONE,
        (Channel::Email(_), _) => LENGTH_BY_EMAIL,
    }
}

fn fresh(world: &World, length: usize, now: Timestamp) -> anyhow::Result<(OtcChallenge, String)> {
    let (code, salt) = (world.chance.digits(length)?, world.chance.token()?.reveal().to_owned());
    let hash = hash(&salt, &code);
    let challenge = OtcChallenge { salt, code: hash, length, sent_at: now, valid_until: now.plus(VALID), tries: 0 };
    Ok((challenge, code))
}

async fn deliver(world: &World, to: &Channel, words: &Words, now: Timestamp) -> Result<(), Failed> {
    match to {
        Channel::Mobile(phone) => world.sms.send(phone, &words.text, now).await,
        Channel::Email(email) => world.mail.send(email, (&words.subject, &words.text), now).await,
    }
}

/// What is counted of a code: under which name, how many there may be, and in which time.
fn counts(order: &Order<'_>) -> Vec<(String, i64, Duration)> {
    let number = TokenHash::of(order.to.as_str());
    let person = order.person.map_or("nobody", PersonId::as_str);
    let mut all = Vec::new();
    if order.errand == Errand::Recovery {
        let from = throttle::neighbourhood(order.from);
        all.push((format!("recoveries to {} of {person}", number.as_str()), RECOVERIES, HOUR));
        all.push((format!("recoveries from {}", from.as_str()), RECOVERIES_FROM_AN_ADDRESS, HOUR));
        return all;
    }
    if order.person.is_some() {
        all.push((format!("codes by {person}"), BY_A_PERSON, DAY));
    }
    let is_known_there = order.errand == Errand::Mailbox && order.person.is_some();
    if order.errand == Errand::Login || is_known_there {
        all.push((format!("codes to {} of {person}", number.as_str()), TO_ONES_OWN, HOUR));
        return all;
    }
    if order.errand == Errand::Mailbox {
        let from = throttle::neighbourhood(order.from);
        all.push((format!("logins to {}", number.as_str()), TO_A_MAILBOX, HOUR));
        all.push((format!("logins of a day to {}", number.as_str()), TO_A_MAILBOX_A_DAY, DAY));
        all.push((format!("codes from {}", from.as_str()), FROM_AN_ADDRESS, HOUR));
        return all;
    }
    // What strangers do with a number does not keep its owner from proving it.
    let whose = if order.person.is_some() { "somebody" } else { "nobody" };
    all.push((format!("codes to {} of {whose}", number.as_str()), TO_ANY_NUMBER, HOUR));
    if order.errand != Errand::ProofAtSchool {
        all.push((format!("codes from {}", throttle::neighbourhood(order.from).as_str()), FROM_AN_ADDRESS, HOUR));
    }
    if let Channel::Mobile(phone) = order.to
        && !phone.as_str().starts_with("+47")
    {
        let country: String = phone.as_str().chars().take(3).collect();
        all.push((format!("codes to {country}"), TO_A_COUNTRY, HOUR));
    }
    all
}

/// Counts them all; false if one is over its limit, and then none is counted.
async fn count(scratch: &Scratch, counts: &[(String, i64, Duration)], now: Timestamp) -> anyhow::Result<bool> {
    for (done, (name, limit, window)) in counts.iter().enumerate() {
        if scratch.count(name, *window, now).await? > *limit {
            for (name, _, window) in counts.iter().take(done + 1) {
                scratch.uncount(name, *window, now).await?;
            }
            return Ok(false);
        }
    }
    Ok(true)
}

/// SMS cost money: so many go out a day and no more, and whoever watches the log is told before that. A fifth is for those
/// of whom nothing is known: what strangers send does not keep people from logging in.
async fn within_budget(world: &World, order: &Order<'_>, now: Timestamp) -> anyhow::Result<bool> {
    if matches!(order.to, Channel::Email(_)) {
        return Ok(true);
    }
    let budget = world.sms_a_day;
    if order.person.is_none() {
        let sent = world.scratch.count("sms of strangers", DAY, now).await?;
        // The first sign of somebody who has messages sent out at our cost.
        if sent == budget / 5 + 1 {
            tracing::error!(alarm = "sms-spend", sent, budget, "the share of strangers in the day's SMS is spent");
        }
        if sent > budget / 5 {
            return Ok(false);
        }
    }
    let sent = world.scratch.count("sms", DAY, now).await?;
    if sent == budget * 4 / 5 {
        tracing::error!(alarm = "sms-spend", sent, budget, "four fifths of the day's SMS are spent");
    }
    if sent == budget + 1 {
        tracing::error!(alarm = "sms-spend", sent, budget, "the day's SMS are spent; none go out until tomorrow");
    }
    Ok(sent <= budget)
}

fn hash(salt: &str, code: &str) -> TokenHash {
    Token::presented(&Token::presented(salt).derive(code)).hash()
}

impl OtcChallenge {
    /// How many digits it has.
    pub fn length(&self) -> usize {
        self.length
    }

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

    /// Whether it is one and the same code, however often it was tried.
    pub fn is_the_same_as(&self, other: &OtcChallenge) -> bool {
        self.salt == other.salt
    }

    /// Compares where the code proves a channel and nothing more, and no ledger is kept: its own tries, and how many such
    /// codes there are, are enough.
    pub fn proves(&self, code: &str) -> bool {
        self.code.is(&hash(&self.salt, code))
    }

    /// Compares; the reservation shows that the try has been counted.
    pub fn is_right(&self, _: &Reservation, code: &str) -> bool {
        self.code.is(&hash(&self.salt, code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(now: Timestamp) -> OtcChallenge {
        let salt = "s".to_owned();
        let (code, valid_until) = (hash(&salt, "01234"), now.plus(VALID));
        OtcChallenge { code, salt, length: LENGTH, sent_at: now, valid_until, tries: 0 }
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
        assert_eq!(third.tried(), None);
    }
}
