//! Proving, one factor after the other: reserve, verify, settle.

use zeroize::Zeroizing;

use crate::chance::TokenHash;
use crate::clock::Timestamp;
use crate::factor::{CodeVerdict, FactorKind, FirstFactor, PasswordVerdict, Stop};
use crate::hashing::Busy;
use crate::otc::OtcChallenge;
use crate::person::{Fnr, Person, PersonId};
use crate::throttle::{self, Standing, Subject, Weight};
use crate::world::World;
use crate::{contact, known_browser, password};

/// The second factors that a person can be asked for, the preferred one first.
pub async fn second_factors(world: &World, person: &PersonId) -> anyhow::Result<Vec<FactorKind>> {
    let mobile = contact::mobile(world.db.pool(), person).await?;
    Ok(mobile.map(|_| FactorKind::Otc).into_iter().collect())
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
    tokio::spawn(async move { check_password(&world, &fnr, &typed, browser.as_ref(), now).await }).await?
}

/// A wrong one, an unknown person and a closed lane take the same steps.
async fn check_password(
    world: &World,
    fnr: &Fnr,
    typed: &str,
    browser: Option<&TokenHash>,
    now: Timestamp,
) -> anyhow::Result<PasswordVerdict> {
    let (db, subject) = (&world.db, Subject::of(fnr));
    let person = Person::by_fnr(db.pool(), fnr).await?;
    let id = person.as_ref().map(|person| &person.id);
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
        (Ok(_), reservation, ..) => {
            if let Some(reservation) = reservation {
                reservation.settle_wrong(db, now).await?;
            }
            return Ok(PasswordVerdict::Wrong);
        }
    };

    let stop = match throttle::standing(db, &subject, &lane, now).await? {
        _ if person.closed_at.is_some() => Some(Stop::Closed),
        _ if person.locked_at.is_some() => Some(Stop::Locked),
        Standing::Locked => Some(Stop::Locked),
        Standing::Quarantined { until } => Some(Stop::Quarantined { until }),
        Standing::Normal if second_factors(world, &person.id).await?.is_empty() => Some(Stop::NoSecondFactor),
        Standing::Normal => None,
    };
    if let Some(stop) = stop {
        return Ok(PasswordVerdict::Stopped(stop));
    }
    password::refresh(world, &person.id, &phc, typed).await?;
    Ok(PasswordVerdict::Proved(FirstFactor::new(person.id, person.fnr, lane)))
}

/// Checks a one-time code. The login has written the try down in the challenge before it calls.
pub async fn code(
    world: &World,
    first: &FirstFactor,
    challenge: &OtcChallenge,
    typed: &str,
    now: Timestamp,
) -> anyhow::Result<CodeVerdict> {
    let (world, first, challenge, typed) = (world.clone(), first.clone(), challenge.clone(), typed.to_owned());
    tokio::spawn(async move { check_code(&world, &first, &challenge, &typed, now).await }).await?
}

async fn check_code(
    world: &World,
    first: &FirstFactor,
    challenge: &OtcChallenge,
    typed: &str,
    now: Timestamp,
) -> anyhow::Result<CodeVerdict> {
    let (db, subject, lane) = (&world.db, Subject::of(&first.fnr), first.lane());
    // Locked or closed since the password was given.
    let person = Person::by_fnr(db.pool(), &first.fnr).await?;
    match person {
        Some(person) if person.closed_at.is_some() => return Ok(CodeVerdict::Stopped(Stop::Closed)),
        Some(person) if person.locked_at.is_some() => return Ok(CodeVerdict::Stopped(Stop::Locked)),
        Some(_) => {}
        None => return Ok(CodeVerdict::Stopped(Stop::Closed)),
    }
    let Some(reservation) = throttle::reserve(db, &subject, &lane, Weight::Code, now).await? else {
        return Ok(match throttle::standing(db, &subject, &lane, now).await? {
            Standing::Quarantined { until } => CodeVerdict::Stopped(Stop::Quarantined { until }),
            Standing::Locked => CodeVerdict::Stopped(Stop::Locked),
            // Others are being compared at this very moment.
            Standing::Normal => CodeVerdict::Wrong,
        });
    };
    if challenge.is_right(&reservation, typed) {
        reservation.settle_right(db).await?;
        return Ok(CodeVerdict::Proved);
    }
    reservation.settle_wrong(db, now).await?;
    Ok(CodeVerdict::Wrong)
}

/// Both factors are proved: the lane starts afresh, and the browser is known from now on.
pub async fn carried_through(
    world: &World,
    first: &FirstFactor,
    browser: &TokenHash,
    now: Timestamp,
) -> anyhow::Result<()> {
    throttle::clear(&world.db, &Subject::of(&first.fnr), &first.lane(), now).await?;
    known_browser::remember(&world.db, browser, &first.person, now).await?;
    Ok(())
}
