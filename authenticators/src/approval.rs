//! Asking a person's devices: one question at a time, answered by a signature over exactly what was shown.
//!
//! The question is a text, the *statement*: who asks, for what, from where and when, as JSON. The app shows what it says
//! and asks for the number that stands on the page which is waiting. What the device signs is the statement with that
//! number: another text, another time, another page has another signature.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chance::{TokenHash, same};
use crate::clock::Timestamp;
use crate::device::{self, Device};
use crate::factor::FactorId;
use crate::person::PersonId;
use crate::push::{GOOD_FOR, Outcome};
use crate::scratch::{Kept, Read};
use crate::webauthn::Signed;
use crate::world::World;

/// How long until the same page may ask again.
const WAIT: Duration = Duration::from_secs(30);
/// Wrong numbers after which a question is over.
const TRIES: u8 = 3;
/// Refusals in a row after which nobody is asked for a while.
const REFUSALS: i64 = 3;
/// That while.
const QUIET: Duration = Duration::from_mins(15);
/// Questions to one person in [`WINDOW`], whoever has their password.
const QUESTIONS: i64 = 10;
const WINDOW: Duration = Duration::from_hours(1);
/// How long a refusal counts with the next.
const IN_A_ROW: Duration = Duration::from_hours(1);

/// A question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Approval {
    /// Its name.
    pub id: String,
    /// What the app shows.
    pub statement: String,
    /// What the page shows, and the person types into the app.
    pub number: String,
    /// Who has asked: a login, a change.
    asked_by: TokenHash,
    asked_at: Timestamp,
    tries: u8,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Waiting,
    Approved { device: FactorId },
    Declined { not_me: bool },
    Used,
}

impl Kept for Approval {
    const KIND: &'static str = "approval";
    const FOR: Duration = GOOD_FOR;
}

impl Approval {
    fn is_waiting(&self, now: Timestamp) -> bool {
        self.state == State::Waiting && now.since(self.asked_at) < GOOD_FOR
    }
}

/// That a person is asked nothing for a while.
#[derive(Serialize, Deserialize)]
struct Quiet {
    until: Timestamp,
}

impl Kept for Quiet {
    const KIND: &'static str = "approval-quiet";
    const FOR: Duration = QUIET;
}

/// Whether there is a question now.
#[derive(Debug)]
pub enum Asking {
    /// There is.
    Asked(Asked),
    /// Another page is waiting for an answer.
    Busy,
    /// This page has just asked.
    TooSoon,
    /// Too many refusals, or too many questions.
    Quiet {
        /// Until when.
        until: Timestamp,
    },
    /// There is no device to ask.
    Nobody,
}

/// What the page keeps of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its name.
    pub id: String,
    /// What the page shows.
    pub number: String,
    /// Until when it can be answered.
    pub until: Timestamp,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// Nobody has said anything yet.
    NotYet,
    /// This device has signed.
    Approved(FactorId),
    /// Somebody said no.
    Declined {
        /// And that it was not them who asked.
        not_me: bool,
    },
    /// Too late, or another question has taken its place.
    Gone,
}

/// What the app is told after it has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It counts.
    Taken,
    /// The number is another one.
    WrongNumber {
        /// How many tries are left.
        left: u8,
    },
    /// The signature is not one over this question by this device.
    NotSigned,
    /// Too late, or answered already.
    Gone,
}

fn key(person: &PersonId) -> TokenHash {
    TokenHash::of(&format!("approval of {}", person.as_str()))
}

/// Asks all devices of a person. `statement` puts the question's name into words.
pub async fn ask(
    world: &World,
    person: &PersonId,
    asked_by: &TokenHash,
    statement: impl FnOnce(&str) -> String,
    now: Timestamp,
) -> anyhow::Result<Asking> {
    let scratch = &world.scratch;
    if let Some(quiet) = scratch.get::<Quiet>(&key(person), now).await? {
        return Ok(Asking::Quiet { until: quiet.value.until });
    }
    let devices = device::all(world.db.pool(), person).await?;
    let devices: Vec<Device> = devices.into_iter().filter(|device| device.paused_at.is_none()).collect();
    if devices.is_empty() {
        return Ok(Asking::Nobody);
    }
    let id = world.chance.token()?.reveal().to_owned();
    let approval = Approval {
        statement: statement(&id),
        id,
        number: world.chance.digits(2)?,
        asked_by: asked_by.clone(),
        asked_at: now,
        tries: 0,
        state: State::Waiting,
    };
    if let Some(refused) = put(world, person, &approval, now).await? {
        return Ok(refused);
    }
    let count = format!("questions to {}", key(person).as_str());
    if scratch.count(&count, WINDOW, now).await? > QUESTIONS {
        scratch.take::<Approval>(&key(person), now).await?;
        return Ok(Asking::Quiet { until: now.plus(QUIET) });
    }
    wake(world, devices, &approval.id, now);
    let Approval { id, number, .. } = approval;
    Ok(Asking::Asked(Asked { id, number, until: now.plus(GOOD_FOR) }))
}

/// Puts a question in its place, where there is none that waits for an answer; why not, otherwise.
async fn put(world: &World, person: &PersonId, approval: &Approval, now: Timestamp) -> anyhow::Result<Option<Asking>> {
    let (scratch, key) = (&world.scratch, key(person));
    if scratch.claim(&key, approval, now).await? {
        return Ok(None);
    }
    let Some(read) = scratch.get::<Approval>(&key, now).await? else {
        return Ok((!scratch.claim(&key, approval, now).await?).then_some(Asking::Busy));
    };
    let own = read.value.asked_by.is(&approval.asked_by);
    if read.value.state == State::Waiting && !own {
        return Ok(Some(Asking::Busy));
    }
    if own && now.since(read.value.asked_at) < WAIT {
        return Ok(Some(Asking::TooSoon));
    }
    Ok((!scratch.replace(&key, &read, approval, now).await?).then_some(Asking::Busy))
}

/// Sends the pushes. Nobody waits for them: the page goes on, and so does the open app.
fn wake(world: &World, devices: Vec<Device>, id: &str, now: Timestamp) {
    let words = serde_json::json!({ "kind": "request", "id": id }).to_string();
    for device in devices {
        let (world, words) = (world.clone(), words.clone());
        let tasks = world.tasks.clone();
        tasks.spawn(async move {
            let Some(push) = &device.push else { return };
            if world.push.send(&world.outbound, push, &words, now).await == Outcome::Gone {
                let forgotten = device::forget_push(world.db.pool(), &device.id, push).await;
                forgotten.unwrap_or_else(|error| tracing::warn!(%error, "a push address that is over stays"));
            }
        });
    }
}

/// The question that waits for an answer, for the app to show.
pub async fn waiting(world: &World, device: &Device, now: Timestamp) -> anyhow::Result<Option<Approval>> {
    if device.paused_at.is_some() {
        return Ok(None);
    }
    let read = world.scratch.get::<Approval>(&key(&device.person), now).await?;
    Ok(read.map(|read| read.value).filter(|approval| approval.is_waiting(now)))
}

/// The words that are signed for a statement and a number.
pub fn signed_words(statement: &str, number: &str) -> String {
    format!("{statement}\n{number}")
}

/// A device says yes: the number that the person has typed, and the signature. A try is counted before anything is
/// compared.
pub async fn approve(
    world: &World,
    device: &Device,
    id: &str,
    (number, answer): (&str, &str),
    now: Timestamp,
) -> anyhow::Result<Said> {
    let Some(read) = reserve(world, device, id, now).await? else { return Ok(Said::Gone) };
    let approval = &read.value;
    if !same(number, &approval.number) {
        let left = TRIES.saturating_sub(approval.tries);
        if left == 0 {
            end(world, device, &read, State::Declined { not_me: false }, now).await?;
        }
        return Ok(Said::WrongNumber { left });
    }
    let words = signed_words(&approval.statement, number);
    let signed = world.webauthn.signed_words(&words, answer, &device.credential)?;
    let Some(signed) = signed else { return Ok(Said::NotSigned) };
    if !device_used(world, device, &signed, now).await? {
        return Ok(Said::NotSigned);
    }
    let taken = end_approved(world, device, read, now).await?;
    if taken {
        world.scratch.take::<Refusals>(&key(&device.person), now).await?;
    }
    Ok(if taken { Said::Taken } else { Said::Gone })
}

/// What was signed is used up, so others who have tried meanwhile do not keep it from counting.
async fn end_approved(
    world: &World,
    device: &Device,
    mut read: Read<Approval>,
    now: Timestamp,
) -> anyhow::Result<bool> {
    loop {
        if end(world, device, &read, State::Approved { device: device.id.clone() }, now).await? {
            return Ok(true);
        }
        let again = world.scratch.get::<Approval>(&key(&device.person), now).await?;
        let same = |again: &Read<Approval>| again.value.id == read.value.id && again.value.is_waiting(now);
        match again.filter(same) {
            Some(again) => read = again,
            None => return Ok(false),
        }
    }
}

async fn device_used(world: &World, device: &Device, signed: &Signed, now: Timestamp) -> anyhow::Result<bool> {
    let renewed = signed.renewed(&device.credential)?;
    Ok(signed.id == device.id.as_str() && device::used(world.db.pool(), device, &renewed, now).await?)
}

/// Counts a try; none if the question is not there any more, or has none left.
async fn reserve(world: &World, device: &Device, id: &str, now: Timestamp) -> anyhow::Result<Option<Read<Approval>>> {
    let key = key(&device.person);
    loop {
        let read = world.scratch.get::<Approval>(&key, now).await?;
        let Some(read) = read.filter(|read| read.value.id == id && read.value.is_waiting(now)) else {
            return Ok(None);
        };
        if device.paused_at.is_some() || read.value.tries >= TRIES {
            return Ok(None);
        }
        let tried = Approval { tries: read.value.tries + 1, ..read.value.clone() };
        if world.scratch.replace(&key, &read, &tried, now).await? {
            // Read back, for the writes to come compare with it.
            return Ok(world.scratch.get::<Approval>(&key, now).await?.filter(|read| read.value.id == id));
        }
    }
}

async fn end(
    world: &World,
    device: &Device,
    read: &Read<Approval>,
    state: State,
    now: Timestamp,
) -> anyhow::Result<bool> {
    let ended = Approval { state, ..read.value.clone() };
    world.scratch.replace(&key(&device.person), read, &ended, now).await
}

/// Refusals in a row.
#[derive(Serialize, Deserialize)]
struct Refusals {
    count: i64,
}

impl Kept for Refusals {
    const KIND: &'static str = "approval-refusals";
    const FOR: Duration = IN_A_ROW;
}

/// That a question was refused, for as long as the person may think about who it was.
#[derive(Serialize, Deserialize)]
struct Refused {
    person: PersonId,
}

impl Kept for Refused {
    const KIND: &'static str = "approval-refused";
    const FOR: Duration = QUIET;
}

/// A device says no. True if that was one too many, and nobody is asked for a while.
pub async fn decline(
    world: &World,
    device: &Device,
    id: &str,
    not_me: bool,
    now: Timestamp,
) -> anyhow::Result<Option<bool>> {
    let (scratch, key) = (&world.scratch, key(&device.person));
    loop {
        let read = scratch.get::<Approval>(&key, now).await?;
        // That it was not them may be said a moment after the no.
        let open = |approval: &Approval| {
            approval.state == State::Waiting || (not_me && approval.state == State::Declined { not_me: false })
        };
        let Some(read) = read.filter(|read| read.value.id == id && open(&read.value)) else {
            // Another question may have taken its place meanwhile.
            if !not_me {
                return Ok(None);
            }
            let refused = scratch.take::<Refused>(&TokenHash::of(id), now).await?;
            return Ok(refused.filter(|refused| refused.person == device.person).map(|_| false));
        };
        let first = read.value.state == State::Waiting;
        if !end(world, device, &read, State::Declined { not_me }, now).await? {
            continue;
        }
        if !first {
            return Ok(Some(false));
        }
        scratch.put(&TokenHash::of(id), &Refused { person: device.person.clone() }, now).await?;
        let before = scratch.get::<Refusals>(&key, now).await?.map_or(0, |read| read.value.count);
        scratch.put(&key, &Refusals { count: before + 1 }, now).await?;
        if before + 1 < REFUSALS {
            return Ok(Some(false));
        }
        scratch.take::<Refusals>(&key, now).await?;
        scratch.put(&key, &Quiet { until: now.plus(QUIET) }, now).await?;
        return Ok(Some(true));
    }
}

/// What has become of a question, as whoever asked it may know.
pub async fn answered(world: &World, person: &PersonId, asked: &Asked, now: Timestamp) -> anyhow::Result<Answered> {
    let read = world.scratch.get::<Approval>(&key(person), now).await?;
    Ok(match read.filter(|read| read.value.id == asked.id).map(|read| read.value.state) {
        Some(State::Waiting) => Answered::NotYet,
        Some(State::Approved { device }) => Answered::Approved(device),
        Some(State::Declined { not_me }) => Answered::Declined { not_me },
        Some(State::Used) | None => Answered::Gone,
    })
}

/// Whoever asked no longer waits: the app shows the question no more, and another page may ask.
pub async fn withdraw(world: &World, person: &PersonId, asked: &Asked, now: Timestamp) -> anyhow::Result<()> {
    let key = key(person);
    let read = world.scratch.get::<Approval>(&key, now).await?;
    let own = |approval: &Approval| approval.id == asked.id && approval.state == State::Waiting;
    if let Some(read) = read.filter(|read| own(&read.value)) {
        let used = Approval { state: State::Used, ..read.value.clone() };
        // If it was answered meanwhile, so be it.
        world.scratch.replace(&key, &read, &used, now).await?;
    }
    Ok(())
}

/// Uses an approval up: of many who do one gets it.
pub async fn take(world: &World, person: &PersonId, asked: &Asked, now: Timestamp) -> anyhow::Result<Option<FactorId>> {
    let key = key(person);
    let read = world.scratch.get::<Approval>(&key, now).await?;
    let Some(read) = read.filter(|read| read.value.id == asked.id) else { return Ok(None) };
    let State::Approved { device } = read.value.state.clone() else { return Ok(None) };
    let used = Approval { state: State::Used, ..read.value.clone() };
    Ok(world.scratch.replace(&key, &read, &used, now).await?.then_some(device))
}
