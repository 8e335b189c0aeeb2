//! One ledger of attempts for every factor: reserve, verify, settle.
//!
//! An attempt is counted before its secret is compared, in the statement that checks the limit, so that of any
//! number of guesses at the same instant no more are compared than the limit allows. A wrong password weighs
//! three points and a wrong one-time code one: three wrong codes weigh as much as one wrong password. Fifteen
//! points are a quarantine of an hour, and the third quarantine locks.
//!
//! Each browser in which a person has logged in before has a lane of its own, and so has getting a new password:
//! whoever knows only the identifier can close the lane of strangers and no other. A login carried through clears its
//! lane.
//!
//! Who is quarantined or locked learns it only after the right password, so a few passwords are looked at even
//! then ([`Reservation::is_look`]); they lead nowhere but to that message.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use anyhow::Context;
use migrations::{Db, Tx};
use sqlx::AnyExecutor;

use crate::chance::TokenHash;
use crate::clock::Timestamp;
use crate::person::Fnr;

/// Points that make a quarantine: five wrong passwords.
const LIMIT: i64 = 15;
/// How long a quarantine lasts.
const QUARANTINE: Duration = Duration::from_hours(1);
/// The quarantine that locks.
const QUARANTINES: i64 = 3;
/// How long a quarantine counts with the next.
const COUNTS_FOR: Duration = Duration::from_hours(30 * 24);
/// An attempt takes no longer than this to be settled, unless the program has died.
const UNSETTLED: Duration = Duration::from_mins(1);
/// Points are forgotten after a day without a failure.
const FORGIVEN_AFTER: Duration = Duration::from_hours(24);
/// Passwords that are looked at in an hour of a quarantine or lock.
const LOOKS: i64 = 5;

/// Whose attempts are counted: an identifier, whether anybody has it or not.
#[derive(Debug, Clone)]
pub struct Subject(TokenHash);

impl Subject {
    /// The subject of an identifier.
    pub fn of(fnr: &Fnr) -> Subject {
        Subject(TokenHash::of(&format!("attempts of {}", fnr.as_str())))
    }
}

/// Where somebody comes from, for those who count: whoever has one IPv6 address has the 64 bits behind the prefix.
pub fn neighbourhood(address: IpAddr) -> TokenHash {
    match address {
        IpAddr::V6(address) => TokenHash::of(&Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).to_string()),
        IpAddr::V4(address) => TokenHash::of(&address.to_string()),
    }
}

/// Where the attempts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lane {
    /// Any browser in which this person has not logged in before.
    Strangers,
    /// A browser in which they have.
    Known(TokenHash),
    /// Where the password is forgotten: whoever is shut out by wrong passwords can still get a new one.
    Recovery,
}

impl Lane {
    fn name(&self) -> &str {
        match self {
            Lane::Strangers => "strangers",
            Lane::Recovery => "recovery",
            Lane::Known(browser) => browser.as_str(),
        }
    }
}

/// What an attempt weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// A password.
    Password,
    /// A one-time code; only reached after the right password.
    Code,
}

impl Weight {
    fn points(self) -> i64 {
        match self {
            Weight::Password => 3,
            Weight::Code => 1,
        }
    }
}

/// How a lane stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Open.
    Normal,
    /// Closed for a while.
    Quarantined {
        /// When it opens again.
        until: Timestamp,
    },
    /// Closed until support or the person opens it.
    Locked,
}

/// The right to compare one secret. Whoever compares takes it by reference, and settles it afterwards.
#[derive(Debug)]
pub struct Reservation {
    subject: Subject,
    lane: Lane,
    weight: Weight,
    look: bool,
}

/// Counts an attempt; nothing if there may not be one now.
pub async fn reserve(
    db: &Db,
    subject: &Subject,
    lane: &Lane,
    weight: Weight,
    now: Timestamp,
) -> anyhow::Result<Option<Reservation>> {
    const SQL: &str = "
        INSERT INTO attempt_ledger (subject, lane, points, quarantines, looks, looks_since, updated_at)
        VALUES ($1, $2, $3, 0, 0, 0, $4)
        ON CONFLICT (subject, lane) DO UPDATE SET
            points = CASE WHEN attempt_ledger.updated_at <= $5 THEN $3 ELSE attempt_ledger.points + $3 END,
            updated_at = $4
        WHERE attempt_ledger.locked_at IS NULL
          AND (attempt_ledger.quarantined_until IS NULL OR attempt_ledger.quarantined_until <= $4)
          AND (attempt_ledger.points < $6 OR attempt_ledger.updated_at <= $5)";
    let query = sqlx::query(SQL).bind(subject.0.as_str()).bind(lane.name()).bind(weight.points());
    let query = query.bind(now.seconds()).bind(now.minus(FORGIVEN_AFTER).seconds()).bind(LIMIT);
    let counted = query.execute(db.pool()).await?.rows_affected() == 1;
    if !counted {
        close_unsettled(db, subject, lane, now).await?;
    }
    let look = !counted && weight == Weight::Password && look(db, subject, lane, now).await?;
    let reservation = Reservation { subject: subject.clone(), lane: lane.clone(), weight, look };
    Ok((counted || look).then_some(reservation))
}

/// Closes a lane whose last attempts were counted and never settled, since the program died under them. Otherwise
/// it would be shut, and nobody told.
async fn close_unsettled(db: &Db, subject: &Subject, lane: &Lane, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "SELECT points FROM attempt_ledger
                       WHERE subject = $1 AND lane = $2 AND points >= $3 AND updated_at <= $4";
    let query = sqlx::query(SQL).bind(subject.0.as_str()).bind(lane.name()).bind(LIMIT);
    let stuck = query.bind(now.minus(UNSETTLED).seconds()).fetch_optional(db.pool()).await?.is_some();
    match stuck {
        true => close_if_full(db, subject, lane, now).await.map(|_| ()),
        false => Ok(()),
    }
}

/// How the lane stands, if it was closed just now.
async fn close_if_full(db: &Db, subject: &Subject, lane: &Lane, now: Timestamp) -> sqlx::Result<Option<Standing>> {
    const SQL: &str = "
        UPDATE attempt_ledger SET points = 0, looks = 0, quarantined_until = $3,
            locked_at = CASE WHEN quarantined_until > $7 AND quarantines + 1 >= $5 THEN $6 ELSE locked_at END,
            quarantines = CASE WHEN quarantined_until > $7 THEN quarantines + 1 ELSE 1 END
        WHERE subject = $1 AND lane = $2 AND points >= $4 RETURNING locked_at";
    let until = now.plus(QUARANTINE);
    // Whoever knows an identifier can guess here: it is closed for a while, again and again, and never for good.
    let lock = if *lane == Lane::Recovery { i64::MAX } else { QUARANTINES };
    let query = sqlx::query_scalar(SQL).bind(subject.0.as_str()).bind(lane.name());
    let query = query.bind(until.seconds()).bind(LIMIT).bind(lock).bind(now.seconds());
    let closed: Vec<Option<Timestamp>> = query.bind(now.minus(COUNTS_FOR).seconds()).fetch_all(db.pool()).await?;
    Ok(closed.first().map(|locked_at| match locked_at {
        Some(_) => Standing::Locked,
        None => Standing::Quarantined { until },
    }))
}

async fn look(db: &Db, subject: &Subject, lane: &Lane, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "
        UPDATE attempt_ledger SET
            looks = CASE WHEN looks_since <= $4 THEN 1 ELSE looks + 1 END,
            looks_since = CASE WHEN looks_since <= $4 THEN $3 ELSE looks_since END
        WHERE subject = $1 AND lane = $2 AND (locked_at IS NOT NULL OR quarantined_until > $3)
          AND (looks < $5 OR looks_since <= $4)";
    let query = sqlx::query(SQL).bind(subject.0.as_str()).bind(lane.name()).bind(now.seconds());
    let query = query.bind(now.minus(Duration::from_hours(1)).seconds()).bind(LOOKS);
    Ok(query.execute(db.pool()).await?.rows_affected() == 1)
}

impl Reservation {
    /// True if the lane is closed and the attempt can at most learn that.
    pub fn is_look(&self) -> bool {
        self.look
    }

    /// The secret was wrong: the attempt stays counted, and may close the lane. How it stands then, if it does so.
    pub async fn settle_wrong(self, db: &Db, now: Timestamp) -> sqlx::Result<Option<Standing>> {
        close_if_full(db, &self.subject, &self.lane, now).await
    }

    /// The secret was right, or nothing was compared after all: the attempt is given back. What was counted
    /// before it stays, until a whole login clears it.
    pub async fn settle_right(self, db: &Db) -> sqlx::Result<()> {
        const SQL: &str = "
            UPDATE attempt_ledger SET points = CASE WHEN points > $3 THEN points - $3 ELSE 0 END
            WHERE subject = $1 AND lane = $2";
        let points = if self.look { 0 } else { self.weight.points() };
        let query = sqlx::query(SQL).bind(self.subject.0.as_str()).bind(self.lane.name()).bind(points);
        query.execute(db.pool()).await.map(|_| ())
    }
}

/// How a lane stands now.
pub async fn standing(db: &Db, subject: &Subject, lane: &Lane, now: Timestamp) -> sqlx::Result<Standing> {
    const SQL: &str = "SELECT quarantined_until, locked_at FROM attempt_ledger WHERE subject = $1 AND lane = $2";
    let query = sqlx::query_as(SQL).bind(subject.0.as_str()).bind(lane.name());
    let row: Option<(Option<Timestamp>, Option<Timestamp>)> = query.fetch_optional(db.pool()).await?;
    Ok(match row {
        Some((_, Some(_))) => Standing::Locked,
        Some((Some(until), None)) if until > now => Standing::Quarantined { until },
        _ => Standing::Normal,
    })
}

/// A login was carried through: its lane starts afresh. A closed lane stays closed.
pub async fn clear(db: &Db, subject: &Subject, lane: &Lane, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "
        UPDATE attempt_ledger SET points = 0, quarantines = 0, quarantined_until = NULL, updated_at = $3
        WHERE subject = $1 AND lane = $2 AND locked_at IS NULL
          AND (quarantined_until IS NULL OR quarantined_until <= $3)";
    let query = sqlx::query(SQL).bind(subject.0.as_str()).bind(lane.name()).bind(now.seconds());
    query.execute(db.pool()).await.map(|_| ()).context("cannot clear the ledger")
}

/// Opens all lanes of a subject: somebody has made sure who they are.
pub async fn open(db: impl AnyExecutor<'_>, subject: &Subject) -> sqlx::Result<()> {
    const SQL: &str =
        "UPDATE attempt_ledger SET points = 0, quarantines = 0, quarantined_until = NULL, locked_at = NULL,
                           looks = 0 WHERE subject = $1";
    sqlx::query(SQL).bind(subject.0.as_str()).execute(db).await.map(|_| ())
}

/// The person of a subject has another number: what was counted goes along.
pub async fn move_to(tx: &mut Tx, from: &Subject, to: &Subject) -> sqlx::Result<()> {
    const SQL: &str = "
        UPDATE attempt_ledger SET subject = $2 WHERE subject = $1 AND NOT EXISTS (
            SELECT subject FROM attempt_ledger AS other WHERE other.subject = $2 AND other.lane = attempt_ledger.lane)";
    sqlx::query(SQL).bind(from.0.as_str()).bind(to.0.as_str()).execute(&mut **tx).await.map(|_| ())
}

/// Forgets some of the rows that say nothing any more; true if there may be more.
pub async fn clean(db: &Db, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "
        DELETE FROM attempt_ledger WHERE (subject, lane) IN (
            SELECT subject, lane FROM attempt_ledger
            WHERE updated_at <= $1 AND locked_at IS NULL
              AND (quarantines = 0 OR quarantined_until <= $2) LIMIT 1000)";
    let query = sqlx::query(SQL).bind(now.minus(FORGIVEN_AFTER).seconds());
    let query = query.bind(now.minus(COUNTS_FOR).seconds());
    Ok(query.execute(db.pool()).await?.rows_affected() == 1000)
}
