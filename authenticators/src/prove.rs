//! Proving, one factor after the other: reserve, verify, settle.

use migrations::Tx;
use sqlx::AnyConnection;
use tracing::Instrument;
use zeroize::Zeroizing;

use crate::approval::{self, Asked, Purpose};
use crate::chance::TokenHash;
use crate::clock::Timestamp;
use crate::enrolment::Newcomer;
use crate::factor::{FactorKind, FirstFactor, PasswordVerdict, Proof, Stop, Verdict};
use crate::hashing::Busy;
use crate::otc::OtcChallenge;
use crate::person::{BY_ONESELF, Fnr, Person, PersonId};
use crate::throttle::{self, Lane, Reservation, Standing, Subject, Weight};
use crate::totp::NewTotp;
use crate::trail::{Actor, Event};
use crate::webauthn::{Ceremony, Webauthn};
use crate::world::World;
use crate::{contact, device, known_browser, passkey, password, recovery_code, totp};

/// The second factors that a person can be asked for, the one that they wish first, and then the better ones first.
pub async fn second_factors(world: &World, person: &Person) -> anyhow::Result<Vec<FactorKind>> {
    let (db, id) = (world.db.pool(), &person.id);
    let devices = device::all(db, id).await?;
    let mut kinds = Vec::new();
    for kind in FactorKind::SECOND {
        let has = match kind {
            FactorKind::Password => false,
            FactorKind::App => devices.iter().any(|device| device.paused_at.is_none()),
            FactorKind::Passkey => world.webauthn.is_there() && !passkey::all(db, id).await?.is_empty(),
            FactorKind::Totp => !totp::all(db, id).await?.is_empty(),
            FactorKind::Otc => contact::mobile(db, Some(id)).await?.is_some(),
            FactorKind::RecoveryCode => recovery_code::left(db, id).await?.0 > 0,
        };
        if has {
            kinds.push(kind);
        }
    }
    let wishes = person.wishes();
    let place = |kind: &FactorKind| wishes.iter().position(|wish| wish == kind).unwrap_or(wishes.len());
    // Nobody is asked first for what they have for an emergency.
    kinds.sort_by_key(|kind| if *kind == FactorKind::RecoveryCode { usize::MAX } else { place(kind) });
    Ok(kinds)
}

/// Why a person gets no further, whatever they prove.
pub fn shut(person: &Person) -> Option<Stop> {
    match (person.closed_at, person.locked_at) {
        (Some(_), _) => Some(Stop::Closed),
        (None, Some(_)) if person.locked_code.as_deref() == Some(BY_ONESELF) => Some(Stop::Blocked),
        (None, Some(_)) => Some(Stop::Locked),
        (None, None) => None,
    }
}

/// Whether a password that was given a while ago still opens anything: nobody has been signed out since, and there is no
/// other one.
async fn still_counts(db: &mut AnyConnection, first: &FirstFactor) -> sqlx::Result<bool> {
    let changed_at = password::changed_at(&mut *db, &first.person).await?;
    let is_the_one = changed_at.is_some_and(|changed_at| changed_at <= first.at);
    Ok(is_the_one && Person::is_signed_in(db, &first.person, first.at).await?)
}

/// Whether whoever has given their password may still change their account by it: add to it, and be logged in by that, or
/// block it.
pub async fn may_change(world: &World, first: &FirstFactor) -> anyhow::Result<bool> {
    Ok(is_theirs(&mut *world.db.pool().acquire().await?, first).await?)
}

async fn is_theirs(db: &mut AnyConnection, first: &FirstFactor) -> sqlx::Result<bool> {
    let person = Person::by_id(&mut *db, &first.person).await?;
    Ok(person.is_some_and(|person| shut(&person).is_none()) && still_counts(db, first).await?)
}

/// The same where something is changed: until the transaction is through nobody else begins the account anew, blocks it,
/// or changes its password.
async fn holds(tx: &mut Tx, first: &FirstFactor) -> anyhow::Result<bool> {
    Person::hold(tx, &first.person).await?;
    Ok(is_theirs(tx, first).await?)
}

/// Checks a password. Who hangs up meanwhile does not keep what was counted from being settled.
pub async fn password(
    world: &World,
    fnr: &Fnr,
    typed: &str,
    browser: Option<&TokenHash>,
    now: Timestamp,
) -> anyhow::Result<PasswordVerdict> {
    let (world, fnr, typed, browser) = (world.clone(), fnr.clone(), Zeroizing::new(typed.to_owned()), browser.cloned());
    tokio::spawn(async move { check_password(&world, &fnr, &typed, browser.as_ref(), now).await }.in_current_span())
        .await?
}

/// A wrong one, an unknown person and a closed lane take the same steps.
async fn check_password(
    world: &World,
    fnr: &Fnr,
    typed: &str,
    browser: Option<&TokenHash>,
    now: Timestamp,
) -> anyhow::Result<PasswordVerdict> {
    let db = &world.db;
    let person = Person::by_fnr(db.pool(), fnr).await?;
    let id = person.as_ref().map(|person| &person.id);
    // One ledger, whichever of their numbers is typed.
    let subject = Subject::of(person.as_ref().map_or(fnr, |person| &person.fnr));
    let lane = known_browser::lane(db, browser, id).await?;
    let phc = password::stored(db.pool(), id).await?;

    let reservation = throttle::reserve(db, &subject, &lane, Weight::Password, now).await?;
    let right = password::is_right(world, reservation.as_ref(), phc.as_deref(), typed).await?;
    let (person, phc) = match (right, reservation, person, phc) {
        (Err(Busy), reservation, ..) => {
            if let Some(reservation) = reservation {
                reservation.settle_right(db).await?;
            }
            return Ok(PasswordVerdict::Busy);
        }
        (Ok(true), Some(reservation), Some(person), Some(phc)) => {
            reservation.settle_right(db).await?;
            (person, phc)
        }
        (Ok(_), reservation, person, _) => {
            if let Some(reservation) = reservation {
                let person = person.as_ref().map(|person| &person.id);
                settle_wrong(world, reservation, (person, &lane), now).await?;
            }
            return Ok(PasswordVerdict::Wrong);
        }
    };

    let stop = match (shut(&person), throttle::standing(db, &subject, &lane, now).await?) {
        (Some(stop), _) => Some(stop),
        (None, Standing::Locked) => Some(Stop::Locked),
        (None, Standing::Quarantined { until }) => Some(Stop::Quarantined { until }),
        (None, Standing::Normal) if second_factors(world, &person).await?.is_empty() => Some(Stop::NoSecondFactor),
        (None, Standing::Normal) => None,
    };
    if let Some(stop) = stop {
        return Ok(PasswordVerdict::Stopped(stop));
    }
    password::refresh(world, &person.id, &phc, typed).await?;
    Ok(PasswordVerdict::Proved(FirstFactor::new(person.id, person.fnr, lane, now)))
}

/// What a person shows beside the password.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The code of an SMS. The login has written the try down in the challenge.
    Otc(OtcChallenge, String),
    /// The code of an app.
    Totp(String),
    /// One from the list.
    RecoveryCode(String),
    /// A signature by one of their passkeys.
    Passkey(Ceremony, String),
    /// What their device has said to this question.
    App(Asked),
}

impl Answer {
    fn kind(&self) -> FactorKind {
        match self {
            Answer::Otc(..) => FactorKind::Otc,
            Answer::Totp(_) => FactorKind::Totp,
            Answer::RecoveryCode(_) => FactorKind::RecoveryCode,
            Answer::Passkey(..) => FactorKind::Passkey,
            Answer::App(_) => FactorKind::App,
        }
    }
}

/// Checks a second factor.
pub async fn second(world: &World, first: &FirstFactor, answer: Answer, now: Timestamp) -> anyhow::Result<Verdict> {
    let (world, first) = (world.clone(), first.clone());
    tokio::spawn(async move { check_second(&world, first, &answer, now).await }.in_current_span()).await?
}

async fn check_second(world: &World, first: FirstFactor, answer: &Answer, now: Timestamp) -> anyhow::Result<Verdict> {
    let (db, subject, lane) = (&world.db, Subject::of(&first.fnr), first.lane());
    // Locked or closed since the password was given.
    let Some(person) = Person::by_id(db.pool(), &first.person).await? else {
        return Ok(Verdict::Stopped(Stop::Closed));
    };
    if let Some(stop) = shut(&person) {
        return Ok(Verdict::Stopped(stop));
    }
    if !still_counts(&mut *db.pool().acquire().await?, &first).await? {
        return Ok(Verdict::Wrong);
    }
    let Some(reservation) = throttle::reserve(db, &subject, &lane, Weight::Code, now).await? else {
        return Ok(match throttle::standing(db, &subject, &lane, now).await? {
            Standing::Quarantined { until } => Verdict::Stopped(Stop::Quarantined { until }),
            Standing::Locked => Verdict::Stopped(Stop::Locked),
            // Others are being compared at this very moment.
            Standing::Normal => Verdict::Wrong,
        });
    };
    if is_right(world, &reservation, &first.person, answer, now).await? {
        reservation.settle_right(db).await?;
        return Ok(Verdict::Proved(Proof::of(first, answer.kind())));
    }
    settle_wrong(world, reservation, (Some(&first.person), &lane), now).await?;
    Ok(Verdict::Wrong)
}

/// Settles a wrong one. If it has closed the lane its person finds that among what has happened: written soon, so that
/// how long it takes does not tell whether there is anybody.
async fn settle_wrong(
    world: &World,
    reservation: Reservation,
    (person, lane): (Option<&PersonId>, &Lane),
    now: Timestamp,
) -> anyhow::Result<()> {
    let closed = reservation.settle_wrong(&world.db, now).await?;
    let (Some(standing), Some(person)) = (closed, person) else { return Ok(()) };
    let lane = match lane {
        Lane::Strangers => "strangers",
        Lane::Known(_) => "known",
        Lane::Recovery => "recovery",
    };
    let event = Event::by("quarantined", person, Actor::System).with("lane", lane);
    world.trail.note(event.with("locked", standing == Standing::Locked), now).await;
    Ok(())
}

/// The one `match` over the kinds.
async fn is_right(
    world: &World,
    reservation: &Reservation,
    person: &PersonId,
    answer: &Answer,
    now: Timestamp,
) -> anyhow::Result<bool> {
    let (db, vault) = (world.db.pool(), &world.vault);
    Ok(match answer {
        Answer::Otc(challenge, code) => challenge.is_right(reservation, code),
        Answer::Totp(code) => {
            let apps = totp::all(db, person).await?;
            totp::is_right(db, vault, reservation, (&apps, code), now).await?
        }
        Answer::RecoveryCode(code) => match recovery_code::read(code) {
            Some(bare) => recovery_code::is_right(db, vault, reservation, (person, &bare), now).await?,
            None => false,
        },
        Answer::Passkey(ceremony, answer) => has_signed(world, person, ceremony, answer, now).await?,
        Answer::App(asked) => has_approved(world, person, (asked, Purpose::Login), now).await?,
    })
}

/// Uses the answer of the app up. The device may have been removed since, or paused.
async fn has_approved(
    world: &World,
    person: &PersonId,
    (asked, purpose): (&Asked, Purpose),
    now: Timestamp,
) -> anyhow::Result<bool> {
    if asked.person.as_ref() != Some(person) {
        return Ok(false);
    }
    let Some(id) = approval::take(world, asked, purpose, now).await? else { return Ok(false) };
    let devices = device::all(world.db.pool(), person).await?;
    Ok(devices.iter().any(|own| own.id == id && own.paused_at.is_none()))
}

async fn has_signed(
    world: &World,
    person: &PersonId,
    ceremony: &Ceremony,
    answer: &str,
    now: Timestamp,
) -> anyhow::Result<bool> {
    let Some(signed) = world.webauthn.signed(ceremony, answer)? else { return Ok(false) };
    let found = passkey::find(world.db.pool(), &signed.id).await?.filter(|found| found.person == *person);
    let Some(found) = found else { return Ok(false) };
    let renewed = signed.renewed(&found.credential)?;
    Ok(passkey::used(world.db.pool(), &found, &renewed, now).await?)
}

/// A passkey as the whole login: who it is, that they have it, and that they have unlocked it.
pub async fn passkey_alone(
    world: &World,
    ceremony: &Ceremony,
    answer: &str,
    browser: Option<&TokenHash>,
    now: Timestamp,
) -> anyhow::Result<Verdict> {
    let db = world.db.pool();
    let claimed = Webauthn::claimed(answer).unwrap_or_default();
    let Some(found) = passkey::find(db, &claimed).await? else { return Ok(Verdict::Wrong) };
    let signed = world.webauthn.signed_by(ceremony, answer, &found.credential, &found.person)?;
    let Some(signed) = signed.filter(|signed| signed.id == found.id.as_str()) else { return Ok(Verdict::Wrong) };
    let renewed = signed.renewed(&found.credential)?;
    if !passkey::used(db, &found, &renewed, now).await? {
        return Ok(Verdict::Wrong);
    }
    let Some(person) = Person::by_id(db, &found.person).await? else { return Ok(Verdict::Stopped(Stop::Closed)) };
    // Who has no password has no MinID. A quarantine is of those who guess, and nobody guesses a signature.
    if password::stored(db, Some(&person.id)).await?.is_none() {
        return Ok(Verdict::Stopped(Stop::Closed));
    }
    if let Some(stop) = shut(&person) {
        return Ok(Verdict::Stopped(stop));
    }
    let lane: Lane = known_browser::lane(&world.db, browser, Some(&person.id)).await?;
    let first = FirstFactor::new(person.id, person.fnr, lane, now);
    Ok(Verdict::Proved(Proof::of(first, FactorKind::Passkey)))
}

/// A login was carried through: the lane starts afresh, the browser is known from now on, and what was used is
/// remembered.
pub async fn carried_through(world: &World, proof: &Proof, browser: &TokenHash, now: Timestamp) -> anyhow::Result<()> {
    let first = proof.first();
    throttle::clear(&world.db, &Subject::of(&first.fnr), &first.lane(), now).await?;
    known_browser::remember(&world.db, browser, &first.person, now).await?;
    if proof.second() != FactorKind::RecoveryCode {
        Person::used(world.db.pool(), &first.person, proof.second()).await?;
    }
    Ok(())
}

/// What a code, or the app, proved to whoever has forgotten their password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryVerdict {
    /// Right.
    Right,
    /// Wrong, or nobody's.
    Wrong,
    /// No further.
    Stopped(Stop),
}

/// Checks a code that was sent to what is registered. Whoever asks has written the try down.
pub async fn recovery(
    world: &World,
    fnr: &Fnr,
    challenge: &OtcChallenge,
    code: &str,
    now: Timestamp,
) -> anyhow::Result<RecoveryVerdict> {
    let db = &world.db;
    let person = Person::by_fnr(db.pool(), fnr).await?;
    let subject = Subject::of(person.as_ref().map_or(fnr, |person| &person.fnr));
    let Some(reservation) = throttle::reserve(db, &subject, &Lane::Recovery, Weight::Code, now).await? else {
        return Ok(match throttle::standing(db, &subject, &Lane::Recovery, now).await? {
            Standing::Quarantined { until } => RecoveryVerdict::Stopped(Stop::Quarantined { until }),
            Standing::Locked => RecoveryVerdict::Stopped(Stop::Locked),
            Standing::Normal => RecoveryVerdict::Wrong,
        });
    };
    if !challenge.is_right(&reservation, code) || person.is_none() {
        let person = person.as_ref().map(|person| &person.id);
        settle_wrong(world, reservation, (person, &Lane::Recovery), now).await?;
        return Ok(RecoveryVerdict::Wrong);
    }
    reservation.settle_right(db).await?;
    Ok(person.as_ref().and_then(shut).map_or(RecoveryVerdict::Right, RecoveryVerdict::Stopped))
}

/// Takes what the MinID app has said to whoever has forgotten their password, in the place of both codes.
///
/// It goes with the identifier alone, as a passkey goes with nothing at all: its key never leaves the person's device and
/// signs only once they have unlocked it by finger, face or screen lock, which is two factors, and no fewer than telephone
/// and mailbox. The number ties the answer to the page that asked, and the statement says what it is for. Nor is it a
/// login: the second factor is asked for after the new password, so nobody who was talked into one yes has let anybody in.
///
/// No lane is asked: a quarantine is of those who guess, and nobody guesses a signature.
pub async fn recovery_by_app(
    world: &World,
    fnr: &Fnr,
    asked: &Asked,
    now: Timestamp,
) -> anyhow::Result<RecoveryVerdict> {
    let db = world.db.pool();
    let Some(person) = Person::by_fnr(db, fnr).await? else { return Ok(RecoveryVerdict::Wrong) };
    if !has_approved(world, &person.id, (asked, Purpose::NewPassword), now).await? {
        return Ok(RecoveryVerdict::Wrong);
    }
    if password::stored(db, Some(&person.id)).await?.is_none() {
        return Ok(RecoveryVerdict::Stopped(Stop::Closed));
    }
    Ok(shut(&person).map_or(RecoveryVerdict::Right, RecoveryVerdict::Stopped))
}

/// Somebody who has forgotten their password has chosen another, after the codes to what is registered came back. It is
/// as good as having given it; the second factor is still to come.
pub async fn recovered(
    world: &World,
    fnr: &Fnr,
    browser: Option<&TokenHash>,
    now: Timestamp,
) -> anyhow::Result<Option<FirstFactor>> {
    let db = &world.db;
    let Some(person) = Person::by_fnr(db.pool(), fnr).await? else { return Ok(None) };
    throttle::open(db.pool(), &Subject::of(&person.fnr)).await?;
    let lane = known_browser::lane(db, browser, Some(&person.id)).await?;
    Ok(Some(FirstFactor::new(person.id, person.fnr, lane, now)))
}

/// Sets up an app that makes codes, on the way of a login, and proves it: none if the code is wrong.
pub async fn set_up_totp(
    world: &World,
    first: &FirstFactor,
    new: (&NewTotp, &str, &str),
    event: &Event,
    now: Timestamp,
) -> anyhow::Result<Option<Proof>> {
    let (totp, name, code) = new;
    let Some(step) = totp.step(code, now)? else { return Ok(None) };
    let mut tx = world.db.begin().await?;
    if !holds(&mut tx, first).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    totp::add(&mut tx, (&world.vault, &world.chance), &first.person, (totp, name, step), now).await?;
    world.trail.append(&mut tx, event, now).await?;
    tx.commit().await?;
    Ok(Some(Proof::of(first.clone(), FactorKind::Totp)))
}

/// Sets up the MinID app, on the way of a login, and proves it: its key was just made, and unlocked for that, and its
/// number carried here. None if it is not kept.
pub async fn set_up_app(
    world: &World,
    first: &FirstFactor,
    new: &Newcomer,
    event: &Event,
    now: Timestamp,
) -> anyhow::Result<Option<Proof>> {
    if new.person != first.person {
        return Ok(None);
    }
    let mut tx = world.db.begin().await?;
    if !holds(&mut tx, first).await? || !new.keep(&mut tx, now).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    world.trail.append(&mut tx, event, now).await?;
    tx.commit().await?;
    new.arrive(world, now).await?;
    Ok(Some(Proof::of(first.clone(), FactorKind::App)))
}

/// Sets up a passkey, on the way of a login, and proves it: none if it was not made.
pub async fn set_up_passkey(
    world: &World,
    first: &FirstFactor,
    new: (&Ceremony, &str, &str),
    event: &Event,
    now: Timestamp,
) -> anyhow::Result<Option<Proof>> {
    let (ceremony, name, answer) = new;
    let Some(made) = world.webauthn.made(ceremony, answer)? else { return Ok(None) };
    let mut tx = world.db.begin().await?;
    if !holds(&mut tx, first).await? || !passkey::add(&mut tx, &first.person, name, &made, now).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    world.trail.append(&mut tx, event, now).await?;
    tx.commit().await?;
    Ok(Some(Proof::of(first.clone(), FactorKind::Passkey)))
}
