//! Asking a person's devices: one question at a time, answered by a signature over exactly what was shown.
//!
//! The question is a text, the *statement*: who asks, for what, from where and when, as JSON. The app shows what it says
//! and asks for the number that stands on the page which is waiting. What the device signs is the statement with that
//! number: another text, another time, another page has another signature.
//!
//! Who logs in has given their password before their devices are asked. Whoever has forgotten it has shown nothing: their
//! questions are counted apart, so that a stranger takes nothing from the owner's logins, and whoever asks does not see
//! what has become of them until somebody has said yes.

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
use crate::{contact, password};

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
/// Questions to one person about another password in [`WINDOW`], and in [`DAY`]: anybody can ask who knows an identifier.
const RECOVERIES: i64 = 3;
const RECOVERIES_A_DAY: i64 = 10;
const DAY: Duration = Duration::from_hours(24);
/// And from one address, for whomever; a school's pupils share one.
const RECOVERIES_FROM_AN_ADDRESS: i64 = 60;
/// How long a refusal counts with the next.
const IN_A_ROW: Duration = Duration::from_hours(1);

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Whether it is them who log in. Whoever asks has their password.
    #[default]
    Login,
    /// Whether it is them who want another password. Whoever asks has their identifier, and nothing else.
    NewPassword,
}

impl Purpose {
    /// Its name, in statements and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Login => "login",
            Purpose::NewPassword => "new_password",
        }
    }

    /// Where a refusal counts. What strangers have asked does not keep anybody from logging in; whoever refuses logins is
    /// not asked by strangers either.
    fn counts_with(self) -> &'static [Purpose] {
        match self {
            Purpose::Login => &[Purpose::Login, Purpose::NewPassword],
            Purpose::NewPassword => &[Purpose::NewPassword],
        }
    }

    fn refusals(self, person: &PersonId) -> TokenHash {
        match self {
            Purpose::Login => key(Some(person)),
            Purpose::NewPassword => TokenHash::of(&format!("approval of {} for a new password", person.as_str())),
        }
    }
}

/// A question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Approval {
    /// Its name.
    pub id: String,
    /// What it is about.
    #[serde(default)]
    pub purpose: Purpose,
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
    /// Who is asked; none, where there is nobody to ask, and nobody may see that.
    #[serde(default)]
    pub person: Option<PersonId>,
    /// What the page shows.
    pub number: String,
    /// Until when it can be answered.
    pub until: Timestamp,
}

impl Asked {
    /// A question that has not been put yet.
    pub fn fresh(world: &World, person: Option<&PersonId>, now: Timestamp) -> anyhow::Result<Asked> {
        let (id, number) = (world.chance.token()?.reveal().to_owned(), world.chance.digits(2)?);
        Ok(Asked { id, person: person.cloned(), number, until: now.plus(GOOD_FOR) })
    }

    /// How long until the same page may ask again.
    pub fn wait(&self, now: Timestamp) -> Duration {
        self.until.minus(GOOD_FOR).plus(WAIT).since(now)
    }

    fn approval(&self, purpose: Purpose, asked_by: &TokenHash, statement: String, now: Timestamp) -> Approval {
        Approval {
            id: self.id.clone(),
            purpose,
            statement,
            number: self.number.clone(),
            asked_by: asked_by.clone(),
            asked_at: now,
            tries: 0,
            state: State::Waiting,
        }
    }
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

/// What a no has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declined {
    /// What was asked.
    pub purpose: Purpose,
    /// Whether it was one too many, and nobody is asked that for a while.
    pub is_quiet: bool,
}

/// Where a person's question is. Nobody has one, and it is looked for all the same.
fn key(person: Option<&PersonId>) -> TokenHash {
    TokenHash::of(&format!("approval of {}", person.map_or("nobody", PersonId::as_str)))
}

/// Asks all devices of a person who logs in. `statement` puts the question's name into words.
pub async fn ask(
    world: &World,
    person: &PersonId,
    asked_by: &TokenHash,
    statement: impl FnOnce(&str) -> String,
    now: Timestamp,
) -> anyhow::Result<Asking> {
    let scratch = &world.scratch;
    if let Some(until) = quiet_until(world, person, Purpose::Login, now).await? {
        return Ok(Asking::Quiet { until });
    }
    let devices = awake(world, person).await?;
    if devices.is_empty() {
        return Ok(Asking::Nobody);
    }
    let asked = Asked::fresh(world, Some(person), now)?;
    let approval = asked.approval(Purpose::Login, asked_by, statement(&asked.id), now);
    if let Some(refused) = put(world, person, &approval, now).await? {
        return Ok(refused);
    }
    let key = key(Some(person));
    if scratch.count(&format!("questions to {}", key.as_str()), WINDOW, now).await? > QUESTIONS {
        scratch.take::<Approval>(&key, now).await?;
        return Ok(Asking::Quiet { until: now.plus(QUIET) });
    }
    wake(world, devices, &approval, now);
    Ok(Asking::Asked(asked))
}

/// Puts a question about another password, behind the back of whoever asks: whether there is anybody, and whether they
/// may be asked now, is nothing that a stranger sees. `statement` puts it into the language of whoever is asked, as the
/// register has it.
pub fn ask_unseen(
    world: &World,
    asked: &Asked,
    (asked_by, from): (TokenHash, TokenHash),
    statement: impl FnOnce(Option<&str>) -> String + Send + 'static,
    now: Timestamp,
) {
    let (world, asked, tasks) = (world.clone(), asked.clone(), world.tasks.clone());
    tasks.spawn(async move {
        let done = ask_if_allowed(&world, &asked, (&asked_by, &from), statement, now).await;
        if let Err(error) = done {
            tracing::error!(error = format!("{error:#}"), "the app is not asked about another password");
        }
    });
}

async fn ask_if_allowed(
    world: &World,
    asked: &Asked,
    (asked_by, from): (&TokenHash, &TokenHash),
    statement: impl FnOnce(Option<&str>) -> String,
    now: Timestamp,
) -> anyhow::Result<()> {
    let (scratch, db) = (&world.scratch, world.db.pool());
    let from = format!("questions about a new password from {}", from.as_str());
    if scratch.count(&from, WINDOW, now).await? > RECOVERIES_FROM_AN_ADDRESS {
        return Ok(());
    }
    let Some(person) = &asked.person else { return Ok(()) };
    // Who has no MinID has no password to forget.
    if password::stored(db, Some(person)).await?.is_none() {
        return Ok(());
    }
    let devices = awake(world, person).await?;
    if devices.is_empty() || quiet_until(world, person, Purpose::NewPassword, now).await?.is_some() {
        return Ok(());
    }
    let to = format!("questions about a new password to {}", person.as_str());
    for (limit, window) in [(RECOVERIES, WINDOW), (RECOVERIES_A_DAY, DAY)] {
        if scratch.count(&to, window, now).await? > limit {
            return Ok(());
        }
    }
    let statement = statement(contact::Contact::of(db, person).await?.language.as_deref());
    let approval = asked.approval(Purpose::NewPassword, asked_by, statement, now);
    if put(world, person, &approval, now).await?.is_none() {
        wake(world, devices, &approval, now);
    }
    Ok(())
}

/// The devices that may be asked.
async fn awake(world: &World, person: &PersonId) -> anyhow::Result<Vec<Device>> {
    let devices = device::all(world.db.pool(), person).await?;
    Ok(devices.into_iter().filter(|device| device.paused_at.is_none()).collect())
}

/// Until when a person is asked nothing of that kind. Where they are left alone with logins they are with all.
async fn quiet_until(
    world: &World,
    person: &PersonId,
    purpose: Purpose,
    now: Timestamp,
) -> anyhow::Result<Option<Timestamp>> {
    for kind in [Purpose::Login, purpose] {
        if let Some(quiet) = world.scratch.get::<Quiet>(&kind.refusals(person), now).await? {
            return Ok(Some(quiet.value.until));
        }
    }
    Ok(None)
}

/// Puts a question in its place, where there is none that waits for an answer; why not, otherwise.
async fn put(world: &World, person: &PersonId, approval: &Approval, now: Timestamp) -> anyhow::Result<Option<Asking>> {
    let (scratch, key) = (&world.scratch, key(Some(person)));
    if scratch.claim(&key, approval, now).await? {
        return Ok(None);
    }
    let Some(read) = scratch.get::<Approval>(&key, now).await? else {
        return Ok((!scratch.claim(&key, approval, now).await?).then_some(Asking::Busy));
    };
    let own = read.value.asked_by.is(&approval.asked_by);
    let is_in_the_way = match (approval.purpose, read.value.purpose) {
        // Whoever has given the password does not wait for somebody who knows an identifier.
        (Purpose::Login, Purpose::NewPassword) => false,
        (Purpose::Login, Purpose::Login) => read.value.state == State::Waiting,
        // A stranger takes nobody's answer away either, before its page has seen it.
        (Purpose::NewPassword, _) => matches!(read.value.state, State::Waiting | State::Approved { .. }),
    };
    if is_in_the_way && !own {
        return Ok(Some(Asking::Busy));
    }
    if own && now.since(read.value.asked_at) < WAIT {
        return Ok(Some(Asking::TooSoon));
    }
    Ok((!scratch.replace(&key, &read, approval, now).await?).then_some(Asking::Busy))
}

/// Sends the pushes. Nobody waits for them: the page goes on, and so does the open app.
fn wake(world: &World, devices: Vec<Device>, approval: &Approval, now: Timestamp) {
    let kind = match approval.purpose {
        Purpose::Login => "request",
        Purpose::NewPassword => "new_password",
    };
    let words = serde_json::json!({ "kind": kind, "id": approval.id }).to_string();
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
    let read = world.scratch.get::<Approval>(&key(Some(&device.person)), now).await?;
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
        for purpose in [Purpose::Login, Purpose::NewPassword] {
            world.scratch.take::<Refusals>(&purpose.refusals(&device.person), now).await?;
        }
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
        let again = world.scratch.get::<Approval>(&key(Some(&device.person)), now).await?;
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
    let key = key(Some(&device.person));
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
    world.scratch.replace(&key(Some(&device.person)), read, &ended, now).await
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
    #[serde(default)]
    purpose: Purpose,
}

impl Kept for Refused {
    const KIND: &'static str = "approval-refused";
    const FOR: Duration = QUIET;
}

/// A device says no; none, if there is nothing that it could refuse.
pub async fn decline(
    world: &World,
    device: &Device,
    id: &str,
    not_me: bool,
    now: Timestamp,
) -> anyhow::Result<Option<Declined>> {
    let (scratch, key) = (&world.scratch, key(Some(&device.person)));
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
            return match refused.filter(|refused| refused.person == device.person) {
                Some(refused) => not_theirs(world, &device.person, refused.purpose, now).await.map(Some),
                None => Ok(None),
            };
        };
        let (first, purpose) = (read.value.state == State::Waiting, read.value.purpose);
        if !end(world, device, &read, State::Declined { not_me }, now).await? {
            continue;
        }
        if !first {
            return not_theirs(world, &device.person, purpose, now).await.map(Some);
        }
        let refused = Refused { person: device.person.clone(), purpose };
        scratch.put(&TokenHash::of(id), &refused, now).await?;
        let mut is_quiet = false;
        for counted in purpose.counts_with() {
            let enough = refuse(world, &counted.refusals(&device.person), now).await?;
            is_quiet = is_quiet || (enough && *counted == purpose);
        }
        if not_me {
            is_quiet |= not_theirs(world, &device.person, purpose, now).await?.is_quiet;
        }
        return Ok(Some(Declined { purpose, is_quiet }));
    }
}

/// It was somebody else. Whoever wants another password knows an identifier and nothing more: one such no is enough for
/// quiet.
async fn not_theirs(world: &World, person: &PersonId, purpose: Purpose, now: Timestamp) -> anyhow::Result<Declined> {
    let is_quiet = purpose == Purpose::NewPassword;
    if is_quiet {
        world.scratch.put(&purpose.refusals(person), &Quiet { until: now.plus(QUIET) }, now).await?;
    }
    Ok(Declined { purpose, is_quiet })
}

/// Counts a refusal; true if that was one too many, and it is quiet now.
async fn refuse(world: &World, key: &TokenHash, now: Timestamp) -> anyhow::Result<bool> {
    let before = world.scratch.get::<Refusals>(key, now).await?.map_or(0, |read| read.value.count);
    if before + 1 < REFUSALS {
        world.scratch.put(key, &Refusals { count: before + 1 }, now).await?;
        return Ok(false);
    }
    world.scratch.take::<Refusals>(key, now).await?;
    world.scratch.put(key, &Quiet { until: now.plus(QUIET) }, now).await?;
    Ok(true)
}

/// What has become of a question, as whoever asked it may know.
pub async fn answered(world: &World, asked: &Asked, now: Timestamp) -> anyhow::Result<Answered> {
    let read = world.scratch.get::<Approval>(&key(asked.person.as_ref()), now).await?;
    Ok(match read.filter(|read| read.value.id == asked.id).map(|read| read.value.state) {
        Some(State::Waiting) => Answered::NotYet,
        Some(State::Approved { device }) => Answered::Approved(device),
        Some(State::Declined { not_me }) => Answered::Declined { not_me },
        Some(State::Used) | None => Answered::Gone,
    })
}

/// Whoever asked no longer waits: the app shows the question no more, and another page may ask.
pub async fn withdraw(world: &World, asked: &Asked, now: Timestamp) -> anyhow::Result<()> {
    let key = key(asked.person.as_ref());
    let read = world.scratch.get::<Approval>(&key, now).await?;
    let own = |approval: &Approval| approval.id == asked.id && approval.state == State::Waiting;
    if let Some(read) = read.filter(|read| own(&read.value)) {
        let used = Approval { state: State::Used, ..read.value.clone() };
        // If it was answered meanwhile, so be it.
        world.scratch.replace(&key, &read, &used, now).await?;
    }
    Ok(())
}

/// Uses an approval up: of many who do one gets it. It is good for what was asked, and for nothing else.
pub async fn take(world: &World, asked: &Asked, purpose: Purpose, now: Timestamp) -> anyhow::Result<Option<FactorId>> {
    let key = key(asked.person.as_ref());
    let read = world.scratch.get::<Approval>(&key, now).await?;
    let read = read.filter(|read| read.value.id == asked.id && read.value.purpose == purpose);
    let Some(read) = read else { return Ok(None) };
    let State::Approved { device } = read.value.state.clone() else { return Ok(None) };
    let used = Approval { state: State::Used, ..read.value.clone() };
    Ok(world.scratch.replace(&key, &read, &used, now).await?.then_some(device))
}
