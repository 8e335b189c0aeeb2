//! What happens to an account as a whole: locked, opened, closed, erased. Each writes the trail in its own transaction,
//! and queues what the person is to be told of it, where support does it.

use std::time::Duration;

use migrations::{Db, Tx};
use sqlx::AnyConnection;

use crate::activation::Source;
use crate::clock::Timestamp;
use crate::person::{BY_ONESELF, DEATH, Fnr, Person, PersonId};
use crate::throttle::{self, Subject};
use crate::trail::{Event, Trail};
use crate::world::World;
use crate::{activation, contact, device, known_browser, letter, notice, passkey, password, recovery_code, totp};

/// Whether somebody has made it their own: by a passkey, a device or an app for codes.
pub async fn has_own(db: &mut AnyConnection, person: &PersonId) -> anyhow::Result<bool> {
    let keys = passkey::all(&mut *db, person).await?.len();
    let devices = device::all(&mut *db, person).await?.len();
    let apps = totp::all(&mut *db, person).await?.len();
    Ok(keys + devices + apps > 0)
}

/// Nobody gets in any more, in any browser, and whoever is in is out. False if it was locked already.
pub async fn lock(world: &World, person: &PersonId, code: &str, event: &Event, now: Timestamp) -> anyhow::Result<bool> {
    let mut tx = world.db.begin().await?;
    if !Person::lock(&mut *tx, person, code, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    // Nobody begins anew with what is on a teacher's screen at this moment; nor, where somebody is afraid of others, with
    // what is in the post. They may order another letter.
    activation::end_from(&mut tx, person, Source::School, now).await?;
    let is_letter_stopped = code == BY_ONESELF && letter::stop(&mut tx, person, letter::STOPPED, now).await?;
    notice::queue(&mut tx, &world.chance, event, now).await?;
    Person::sign_out(&mut *tx, person, now).await?;
    if is_letter_stopped {
        world.trail.append(&mut tx, &Event::by_oneself("letter-stopped", person), now).await?;
    }
    world.trail.append(&mut tx, event, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// What was locked or counted is forgotten, and the app may be asked again. A closed account stays closed, but for
/// somebody who was taken for dead, where the population register does not say so any more: they may begin anew.
pub async fn open(world: &World, person: &Person, event: &Event, now: Timestamp) -> anyhow::Result<()> {
    let begins_anew = was_taken_for_dead(world, person, now).await?;
    let mut tx = world.db.begin().await?;
    notice::queue(&mut tx, &world.chance, event, now).await?;
    if begins_anew {
        Person::close(&mut *tx, &person.id, None, now).await?;
    }
    Person::unlock(&mut *tx, &person.id).await?;
    throttle::open(&mut *tx, &Subject::of(&person.fnr)).await?;
    device::pause(&mut tx, &person.id, None).await?;
    world.trail.append(&mut tx, event, now).await?;
    Ok(tx.commit().await?)
}

/// Whether an account was closed on a death of which the population register does not say so any more.
pub async fn was_taken_for_dead(world: &World, person: &Person, now: Timestamp) -> anyhow::Result<bool> {
    let resident = world.population.find_known(person).await?;
    Ok(person.is_dead() && !resident.is_some_and(|resident| resident.is_dead(now)))
}

/// Whoever is logged in as this person no longer is.
pub async fn sign_out(world: &World, person: &PersonId, event: &Event, now: Timestamp) -> anyhow::Result<()> {
    let mut tx = world.db.begin().await?;
    notice::queue(&mut tx, &world.chance, event, now).await?;
    Person::sign_out(&mut *tx, person, now).await?;
    world.trail.append(&mut tx, event, now).await?;
    Ok(tx.commit().await?)
}

/// There is no MinID any more, and the register no longer knows how the person is reached. `code` says why: `wish`,
/// `death`. False, and nothing is changed, if it was closed for that reason already: once more would only put off the
/// day on which what is left is erased.
pub async fn close(
    world: &World,
    person: &PersonId,
    code: &str,
    event: &Event,
    now: Timestamp,
) -> anyhow::Result<bool> {
    let mut tx = world.db.begin().await?;
    Person::hold(&mut tx, person).await?;
    let known = Person::by_id(&mut *tx, person).await?;
    if known.is_none_or(|known| known.closed_at.is_some() && known.closed_code.as_deref() == Some(code)) {
        tx.rollback().await?;
        return Ok(false);
    }
    // A message to the telephone of somebody who has died would reach those who mourn.
    if code != DEATH {
        notice::queue(&mut tx, &world.chance, event, now).await?;
    }
    Person::close(&mut *tx, person, Some(code), now).await?;
    Person::sign_out(&mut *tx, person, now).await?;
    forget_factors(&mut tx, person, now).await?;
    contact::delete(&mut tx, person, now).await?;
    letter::stop(&mut tx, person, if code == DEATH { letter::DEAD } else { letter::STOPPED }, now).await?;
    world.trail.append(&mut tx, event, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// All factors are gone: the person begins anew, with what proves who they are.
pub async fn reset(world: &World, person: &PersonId, event: &Event, now: Timestamp) -> anyhow::Result<()> {
    let mut tx = world.db.begin().await?;
    notice::queue(&mut tx, &world.chance, event, now).await?;
    Person::sign_out(&mut *tx, person, now).await?;
    forget_factors(&mut tx, person, now).await?;
    world.trail.append(&mut tx, event, now).await?;
    Ok(tx.commit().await?)
}

/// Somebody who has just proved who they are begins with this password, and with nothing of what there was before: other
/// factors, a lock of their own, a closed account, what was counted. True if they had MinID. What else keeps them from
/// it whoever calls has looked at.
pub async fn begin(tx: &mut Tx, person: &Person, phc: &str, now: Timestamp) -> anyhow::Result<bool> {
    let had_minid = password::stored(&mut **tx, Some(&person.id)).await?.is_some();
    if had_minid {
        // Whoever logs in with the new password within the same second stays in.
        Person::sign_out(&mut **tx, &person.id, now.minus(Duration::from_secs(1))).await?;
    }
    forget_factors(tx, &person.id, now).await?;
    if person.closed_at.is_some() {
        Person::close(&mut **tx, &person.id, None, now).await?;
    }
    if person.locked_code.as_deref() == Some(BY_ONESELF) {
        Person::unlock(&mut **tx, &person.id).await?;
    }
    throttle::open(&mut **tx, &Subject::of(&person.fnr)).await?;
    password::set(tx, &person.id, phc, now).await?;
    Ok(had_minid)
}

async fn forget_factors(tx: &mut Tx, person: &PersonId, now: Timestamp) -> sqlx::Result<()> {
    password::remove(tx, person).await?;
    for app in totp::all(&mut **tx, person).await? {
        totp::remove(tx, person, app.id.as_str(), now).await?;
    }
    for key in passkey::all(&mut **tx, person).await? {
        passkey::remove(tx, person, key.id.as_str(), now).await?;
    }
    for device in device::all(&mut **tx, person).await? {
        device::remove(tx, person, device.id.as_str(), now).await?;
    }
    recovery_code::remove(tx, person).await?;
    activation::end_all(tx, person, now).await?;
    Person::prefer(tx, person, None).await?;
    known_browser::forget(tx, person).await
}

/// No letter with a code is on its way any more; false if none was.
pub async fn stop_letter(world: &World, person: &PersonId, event: &Event, now: Timestamp) -> anyhow::Result<bool> {
    let mut tx = world.db.begin().await?;
    Person::hold(&mut tx, person).await?;
    if !letter::stop(&mut tx, person, letter::STOPPED, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    world.trail.append(&mut tx, event, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// The person has another number. False if somebody else has it.
pub async fn change_number(
    world: &World,
    person: &Person,
    to: &Fnr,
    event: &Event,
    now: Timestamp,
) -> anyhow::Result<bool> {
    let mut tx = world.db.begin().await?;
    if !Person::change_fnr(&mut tx, person, to, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    notice::queue(&mut tx, &world.chance, event, now).await?;
    // Whoever keeps a copy of the register hears of it.
    contact::touch(&mut tx, &person.id).await?;
    throttle::move_to(&mut tx, &Subject::of(&person.fnr), &Subject::of(to)).await?;
    world.trail.append(&mut tx, event, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Erases some of what may not be kept any longer: what entries of the trail say in detail from before
/// `events_before`, and what is left of accounts that were closed before `closed_before`. True if there may be more.
pub async fn erase(
    db: &Db,
    events_before: Timestamp,
    closed_before: Timestamp,
    now: Timestamp,
) -> anyhow::Result<bool> {
    const AT_ONCE: i64 = 100;
    let mut more = Trail::erase(db, events_before).await?;
    let closed = Person::to_erase(db.pool(), closed_before, AT_ONCE).await?;
    more |= i64::try_from(closed.len()).unwrap_or(AT_ONCE) == AT_ONCE;
    for person in closed {
        let mut tx = db.begin().await?;
        Person::hold(&mut tx, &person).await?;
        let known = Person::by_id(&mut *tx, &person).await?;
        // They may have begun anew meanwhile.
        if known.and_then(|known| known.closed_at).is_none_or(|closed_at| closed_at >= closed_before) {
            tx.rollback().await?;
            continue;
        }
        Trail::erase_of(&mut tx, &person).await?;
        totp::erase(&mut tx, &person).await?;
        passkey::erase(&mut tx, &person).await?;
        device::erase(&mut tx, &person).await?;
        Person::note_erased(&mut tx, &person, now).await?;
        tx.commit().await?;
    }
    Ok(more)
}
