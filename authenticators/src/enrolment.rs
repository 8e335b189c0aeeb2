//! A device on its way to a person: an invitation that is good once, a key that the device makes, and a number that the
//! person carries from the device to the page that invited it. Whoever else has seen the invitation has another number.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chance::{Token, TokenHash, same};
use crate::clock::Timestamp;
use crate::device::{self, NewDevice};
use crate::factor::name_of;
use crate::person::{Person, PersonId};
use crate::scratch::Kept;
use crate::trail::Event;
use crate::webauthn::{Ceremony, Made, Purpose};
use crate::world::World;

/// How long an invitation is good, and how long each step after it may take.
const VALID: Duration = Duration::from_mins(5);
/// Wrong numbers after which a device has to begin anew.
const TRIES: u8 = 3;

/// An invitation, under the hash of its code.
#[derive(Serialize, Deserialize)]
struct Invitation {
    person: PersonId,
}

impl Kept for Invitation {
    const KIND: &'static str = "device-invitation";
    const FOR: Duration = VALID;
}

/// A device that has come with one, under the hash of its token.
#[derive(Clone, Serialize, Deserialize)]
struct Enrolment {
    person: PersonId,
    ceremony: Ceremony,
    made: Option<Finished>,
}

impl Kept for Enrolment {
    const KIND: &'static str = "device-enrolment";
    const FOR: Duration = VALID;
}

#[derive(Clone, Serialize, Deserialize)]
struct Finished {
    id: String,
    credential: String,
    name: String,
    system: String,
    number: String,
}

/// Which device waits for a person, under their name.
#[derive(Clone, Serialize, Deserialize)]
struct Waiting {
    token: TokenHash,
    tries: u8,
}

impl Kept for Waiting {
    const KIND: &'static str = "device-waiting";
    const FOR: Duration = VALID;
}

fn key(person: &PersonId) -> TokenHash {
    TokenHash::of(&format!("device of {}", person.as_str()))
}

/// Invites a device: the code, for the picture that it scans. An invitation before it that nobody has come with is as
/// good until it ends.
pub async fn invite(world: &World, person: &PersonId, now: Timestamp) -> anyhow::Result<Token> {
    let code = world.chance.token()?;
    world.scratch.take::<Waiting>(&key(person), now).await?;
    world.scratch.put(&code.hash(), &Invitation { person: person.clone() }, now).await?;
    Ok(code)
}

/// What a device is told that has come with an invitation.
pub struct Begun {
    /// By which it is known from now on.
    pub token: Token,
    /// What it asks its authenticator (the argument of `navigator.credentials.create`).
    pub options: String,
}

/// A device comes with a code: none if it is not one any more. Of many who come with it one gets on.
pub async fn begin(world: &World, code: &str, now: Timestamp) -> anyhow::Result<Option<Begun>> {
    let invitation = world.scratch.take::<Invitation>(&TokenHash::of(code), now).await?;
    let Some(Invitation { person }) = invitation else { return Ok(None) };
    let db = world.db.pool();
    let Some(known) = Person::by_id(db, &person).await? else { return Ok(None) };
    let name = Some(known.name()).filter(|name| !name.is_empty()).unwrap_or_else(|| "MinID".to_owned());
    let others = device::all(db, &person).await?;
    let others: Vec<String> = others.into_iter().map(|device| device.id.as_str().to_owned()).collect();
    let ceremony = world.webauthn.begin_making(&person, &name, Purpose::Device, &others)?;
    let (token, options) = (world.chance.token()?, ceremony.options.clone());
    world.scratch.put(&token.hash(), &Enrolment { person, ceremony, made: None }, now).await?;
    Ok(Some(Begun { token, options }))
}

/// A device has made its key: the number that it shows; none if it has not, or not in time.
pub async fn finish(
    world: &World,
    token: &TokenHash,
    answer: &str,
    (name, system): (&str, &str),
    now: Timestamp,
) -> anyhow::Result<Option<String>> {
    let Some(read) = world.scratch.get::<Enrolment>(token, now).await? else { return Ok(None) };
    if read.value.made.is_some() {
        return Ok(None);
    }
    let Some(made) = world.webauthn.made(&read.value.ceremony, answer)? else { return Ok(None) };
    let number = world.chance.digits(2)?;
    let made = Finished {
        id: made.id,
        credential: made.credential,
        name: name_of(name, "MinID"),
        system: name_of(system, ""),
        number: number.clone(),
    };
    let finished = Enrolment { made: Some(made), ..read.value.clone() };
    if !world.scratch.replace(token, &read, &finished, now).await? {
        return Ok(None);
    }
    world.scratch.put(&key(&read.value.person), &Waiting { token: token.clone(), tries: 0 }, now).await?;
    Ok(Some(number))
}

/// The number of the device that waits for its person, by its token.
pub async fn number_of(world: &World, token: &TokenHash, now: Timestamp) -> anyhow::Result<Option<String>> {
    let read = world.scratch.get::<Enrolment>(token, now).await?;
    Ok(read.and_then(|read| read.value.made).map(|made| made.number))
}

/// The device that waits for a person: what it is called, and what it runs on.
pub async fn waiting(world: &World, person: &PersonId, now: Timestamp) -> anyhow::Result<Option<(String, String)>> {
    let Some(waiting) = world.scratch.get::<Waiting>(&key(person), now).await? else { return Ok(None) };
    let enrolment = world.scratch.get::<Enrolment>(&waiting.value.token, now).await?;
    Ok(enrolment.and_then(|read| read.value.made).map(|made| (made.name, made.system)))
}

/// What became of a device when the person typed its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// It is the person's now.
    Added,
    /// The number is another one.
    Wrong {
        /// How many tries are left.
        left: u8,
    },
    /// There is none that waits.
    Gone,
}

/// The person has typed the number that the device shows. A try is counted before it is compared.
pub async fn confirm(
    world: &World,
    person: &PersonId,
    number: &str,
    event: &Event,
    now: Timestamp,
) -> anyhow::Result<Confirmed> {
    let (scratch, key) = (&world.scratch, key(person));
    let Some(read) = scratch.get::<Waiting>(&key, now).await? else { return Ok(Confirmed::Gone) };
    let tried = Waiting { tries: read.value.tries + 1, ..read.value.clone() };
    if tried.tries > TRIES || !scratch.replace(&key, &read, &tried, now).await? {
        return Ok(Confirmed::Gone);
    }
    let enrolment = scratch.get::<Enrolment>(&tried.token, now).await?;
    let Some(made) = enrolment.and_then(|read| read.value.made) else { return Ok(Confirmed::Gone) };
    if !same(number, &made.number) {
        let left = TRIES.saturating_sub(tried.tries);
        if left == 0 {
            scratch.take::<Enrolment>(&tried.token, now).await?;
            scratch.take::<Waiting>(&key, now).await?;
        }
        return Ok(Confirmed::Wrong { left });
    }
    if scratch.take::<Waiting>(&key, now).await?.is_none() {
        return Ok(Confirmed::Gone);
    }
    let new = NewDevice { name: &made.name, system: &made.system, token: &tried.token, push: None };
    let key = Made { id: made.id, credential: made.credential };
    let mut tx = world.db.begin().await?;
    Person::hold(&mut tx, person).await?;
    if device::all(&mut *tx, person).await?.len() >= device::AT_MOST {
        return Ok(Confirmed::Gone);
    }
    if !device::add(&mut tx, person, &new, &key, now).await? {
        return Ok(Confirmed::Gone);
    }
    world.trail.append(&mut tx, event, now).await?;
    tx.commit().await?;
    scratch.take::<Enrolment>(&tried.token, now).await?;
    Ok(Confirmed::Added)
}
