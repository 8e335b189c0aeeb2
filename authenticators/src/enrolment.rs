//! A device on its way to a person: an invitation that is good once, a key that the device makes, and a number that the
//! person carries from the device to the page that invited it. Whoever else has seen the invitation has another number.
//!
//! A device at which its person has just proved who they are comes with a ticket instead, and carries no number: see
//! [`begin_here`].

use std::time::Duration;

use migrations::Tx;
use serde::{Deserialize, Serialize};

use crate::activation;
use crate::chance::{Token, TokenHash, same};
use crate::clock::Timestamp;
use crate::device::{self, NewDevice};
use crate::factor::name_of;
use crate::person::{Person, PersonId};
use crate::scratch::Kept;
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
    /// The ticket that it has come with, where that was no invitation.
    ticket: Option<String>,
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

/// Letters of an invitation, so few that they can be typed: 48 bits, good once and for minutes. Whoever guesses one has
/// a number that its person does not see on their own device.
const LETTERS: usize = 12;

/// Invites a device: the code, for the picture that it scans, or for whoever types it. An invitation before it that
/// nobody has come with is as good until it ends.
pub async fn invite(world: &World, person: &PersonId, now: Timestamp) -> anyhow::Result<Token> {
    let code = Token::presented(&activation::letters(&world.chance.bytes::<LETTERS>()?));
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
    let Some(code) = activation::read_letters(code, LETTERS) else { return Ok(None) };
    let invitation = world.scratch.take::<Invitation>(&TokenHash::of(&code), now).await?;
    let Some(Invitation { person }) = invitation else { return Ok(None) };
    start(world, person, None, now).await
}

/// A device comes with a ticket: its person has just proved in the very browser that it runs who they are, and whoever
/// calls has seen that. [`finish`] gives the ticket back, to be looked at again and used up.
///
/// No number is carried. An invitation is a picture, which others photograph over a shoulder and come with first: the
/// number proves that the device which came is the one that the person has in their hand. A ticket is in no picture and
/// is nothing outside of the browser whose secret it is bound to, so no second device can be taken for the first.
pub async fn begin_here(
    world: &World,
    person: &PersonId,
    ticket: &str,
    now: Timestamp,
) -> anyhow::Result<Option<Begun>> {
    start(world, person.clone(), Some(ticket.to_owned()), now).await
}

async fn start(
    world: &World,
    person: PersonId,
    ticket: Option<String>,
    now: Timestamp,
) -> anyhow::Result<Option<Begun>> {
    let db = world.db.pool();
    let Some(known) = Person::by_id(db, &person).await? else { return Ok(None) };
    let name = Some(known.name()).filter(|name| !name.is_empty()).unwrap_or_else(|| "MinID".to_owned());
    let others = device::all(db, &person).await?;
    let others: Vec<String> = others.into_iter().map(|device| device.id.as_str().to_owned()).collect();
    let ceremony = world.webauthn.begin_making(&person, &name, Purpose::Device, &others)?;
    let (token, options) = (world.chance.token()?, ceremony.options.clone());
    world.scratch.put(&token.hash(), &Enrolment { person, ceremony, made: None, ticket }, now).await?;
    Ok(Some(Begun { token, options }))
}

/// What a device that has made its key does next.
pub enum Next {
    /// It was invited, and shows this number.
    Shows(String),
    /// It came with a ticket, and is to be kept.
    Arrives(Newcomer),
}

/// A device has made its key; none if it has not, or not in time.
pub async fn finish(
    world: &World,
    token: &TokenHash,
    answer: &str,
    about: (&str, &str),
    now: Timestamp,
) -> anyhow::Result<Option<Next>> {
    let Some(read) = world.scratch.get::<Enrolment>(token, now).await? else { return Ok(None) };
    if read.value.made.is_some() {
        return Ok(None);
    }
    let Some(made) = key_of(world, &read.value, answer, about)? else { return Ok(None) };
    let number = made.number.clone();
    let finished = Enrolment { made: Some(made.clone()), ..read.value.clone() };
    if !world.scratch.replace(token, &read, &finished, now).await? {
        return Ok(None);
    }
    let Enrolment { person, ticket, .. } = read.value;
    if ticket.is_some() {
        return Ok(Some(Next::Arrives(Newcomer { person, ticket, token: token.clone(), made })));
    }
    world.scratch.put(&key(&person), &Waiting { token: token.clone(), tries: 0 }, now).await?;
    Ok(Some(Next::Shows(number)))
}

fn key_of(
    world: &World,
    enrolment: &Enrolment,
    answer: &str,
    (name, system): (&str, &str),
) -> anyhow::Result<Option<Finished>> {
    let Some(made) = world.webauthn.made(&enrolment.ceremony, answer)? else { return Ok(None) };
    Ok(Some(Finished {
        id: made.id,
        credential: made.credential,
        name: name_of(name, "MinID"),
        system: name_of(system, ""),
        number: world.chance.digits(2)?,
    }))
}

/// A device with its key, about to be its person's.
pub struct Newcomer {
    /// Whose it will be.
    pub person: PersonId,
    /// The ticket that it has come with; none with an invitation.
    pub ticket: Option<String>,
    token: TokenHash,
    made: Finished,
}

impl Newcomer {
    /// It is the person's from now on, who is held. False if they have as many as one can have, or its key is known.
    pub async fn keep(&self, tx: &mut Tx, now: Timestamp) -> anyhow::Result<bool> {
        if device::all(&mut **tx, &self.person).await?.len() >= device::AT_MOST {
            return Ok(false);
        }
        let new = NewDevice { name: &self.made.name, system: &self.made.system, token: &self.token, push: None };
        let key = Made { id: self.made.id.clone(), credential: self.made.credential.clone() };
        device::add(tx, &self.person, &new, &key, now).await
    }

    /// It has been kept: until now it was known as one on its way.
    pub async fn arrive(&self, world: &World, now: Timestamp) -> anyhow::Result<()> {
        world.scratch.take::<Enrolment>(&self.token, now).await.map(|_| ())
    }
}

/// The number of the device that waits for its person, by its token.
pub async fn number_of(world: &World, token: &TokenHash, now: Timestamp) -> anyhow::Result<Option<String>> {
    let read = world.scratch.get::<Enrolment>(token, now).await?;
    let waits = read.map(|read| read.value).filter(|enrolment| enrolment.ticket.is_none());
    Ok(waits.and_then(|enrolment| enrolment.made).map(|made| made.number))
}

/// The device that waits for a person: what it is called, and what it runs on.
pub async fn waiting(world: &World, person: &PersonId, now: Timestamp) -> anyhow::Result<Option<(String, String)>> {
    let Some(waiting) = world.scratch.get::<Waiting>(&key(person), now).await? else { return Ok(None) };
    let enrolment = world.scratch.get::<Enrolment>(&waiting.value.token, now).await?;
    Ok(enrolment.and_then(|read| read.value.made).map(|made| (made.name, made.system)))
}

/// What became of a device when the person typed its number.
pub enum Confirmed {
    /// It is the one, and is to be kept.
    Right(Newcomer),
    /// The number is another one.
    Wrong {
        /// How many tries are left.
        left: u8,
    },
    /// There is none that waits.
    Gone,
}

/// The person has typed the number that the device shows. A try is counted before it is compared.
pub async fn confirm(world: &World, person: &PersonId, number: &str, now: Timestamp) -> anyhow::Result<Confirmed> {
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
    Ok(Confirmed::Right(Newcomer { person: person.clone(), ticket: None, token: tried.token, made }))
}
