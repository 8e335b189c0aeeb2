//! People: who they are to the state (`Fnr`), who they are to us (`PersonId`), and the tables `person` and `former_fnr`.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use jiff::civil::Date;
use migrations::{Db, Tx};
use serde::{Deserialize, Serialize};
use sqlx::AnyExecutor;

use crate::chance::Chance;
use crate::clock::Timestamp;
use crate::factor::FactorKind;
use crate::several::{self, Several};
use crate::vault::Vault;

/// One is grown up from the day on which one is so old.
const OF_AGE: i16 = 18;
/// People whom one transaction registers.
const AT_ONCE: usize = 512;

text_id! {
    /// Who a person is inside Porten. Opaque and random; services see a pairwise subject made from it.
    PersonId,
}

impl PersonId {
    /// An id that we have written down somewhere.
    pub(crate) fn of_text(text: &str) -> PersonId {
        PersonId(text.to_owned())
    }

    /// The id of a guest, which is made from what they have proved ([`crate::guest`]).
    pub(crate) fn of_guest(vault: &Vault, kind: &str, proved: &str) -> PersonId {
        PersonId(vault.hash(kind, proved).as_str().to_owned())
    }

    fn fresh(chance: &Chance) -> anyhow::Result<PersonId> {
        Ok(PersonId(chance.token()?.reveal().chars().take(22).collect()))
    }
}

/// A fødselsnummer or D-number: eleven digits that add up.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Fnr(String);

/// Which person identifiers are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FnrPolicy {
    /// Real people.
    pub real: bool,
    /// Synthetic people (month + 40, + 65 or + 80): test environments alone.
    pub synthetic: bool,
    /// The wider check digits that the Norwegian Tax Administration may hand out from 1 January 2032.
    pub expanded: bool,
}

impl Default for FnrPolicy {
    fn default() -> FnrPolicy {
        FnrPolicy { real: true, synthetic: false, expanded: false }
    }
}

/// What is wrong with an identifier that somebody typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FnrProblem {
    /// Nothing typed.
    Empty,
    /// Not eleven digits.
    Digits,
    /// The date or the check digits do not fit.
    Invalid,
    /// A synthetic number where only real ones are let in.
    Synthetic,
    /// A real number where only synthetic ones are let in.
    Real,
}

impl Fnr {
    /// The only way to get one. Spaces are let through, since people group the digits.
    pub fn parse(typed: &str, policy: FnrPolicy) -> Result<Fnr, FnrProblem> {
        let text: String = typed.chars().filter(|c| !c.is_whitespace()).take(64).collect();
        if text.is_empty() {
            return Err(FnrProblem::Empty);
        }
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
        let Ok(digits) = <[u32; 11]>::try_from(digits) else { return Err(FnrProblem::Digits) };
        if text.len() != 11 {
            return Err(FnrProblem::Digits);
        }
        let reading = Reading::of(digits, policy.expanded).ok_or(FnrProblem::Invalid)?;
        match reading.synthetic {
            true if !policy.synthetic => Err(FnrProblem::Synthetic),
            false if !policy.real => Err(FnrProblem::Real),
            _ => Ok(Fnr(text)),
        }
    }

    /// The eleven digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The year of birth, as far as the number tells: from 2032 on numbers are given out that do not.
    pub fn birth_year(&self) -> Option<i16> {
        let digits: Vec<u32> = self.0.chars().filter_map(|c| c.to_digit(10)).collect();
        Reading::of(<[u32; 11]>::try_from(digits).ok()?, true)?.year
    }

    /// Whether the person is grown up, as whoever has a D-number always counts (Digdir, Digital postkasse). None where the
    /// number does not tell.
    pub fn is_of_age(&self, now: Timestamp) -> Option<bool> {
        let digits: Vec<u32> = self.0.chars().filter_map(|c| c.to_digit(10)).collect();
        let reading = Reading::of(<[u32; 11]>::try_from(digits).ok()?, true)?;
        if reading.is_d_number {
            return Some(true);
        }
        let (month, day) = reading.birthday;
        let today = today_in_norway(now);
        Some((reading.year? + OF_AGE, month, day) <= (today.year(), today.month(), today.day()))
    }
}

/// The day that it is in Norway.
pub(crate) fn today_in_norway(now: Timestamp) -> Date {
    let oslo = jiff::tz::TimeZone::get("Europe/Oslo").unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_second(now.seconds()).unwrap_or_default().to_zoned(oslo).date()
}

impl std::fmt::Debug for Fnr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fnr({}*****)", self.0.chars().take(6).collect::<String>())
    }
}

/// What the digits say.
struct Reading {
    synthetic: bool,
    is_d_number: bool,
    year: Option<i16>,
    /// Month and day.
    birthday: (i8, i8),
}

impl Reading {
    fn of(d: [u32; 11], expanded: bool) -> Option<Reading> {
        let [d1, d2, d3, d4, d5, d6, d7, d8, d9, ..] = d;
        let remainder = |weights: &[u32]| weights.iter().zip(&d).map(|(w, d)| w * d).sum::<u32>() % 11;
        let first = remainder(&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
        let second = remainder(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
        // From 2032 the first check digit may leave 0 to 3; numbers from before stay valid for ever.
        if second != 0 || first > if expanded { 3 } else { 0 } {
            return None;
        }
        // D-number: first digit + 4. What begins with 8 or 9 is a health number (FH) and no identity.
        let day = match d1 {
            0..=3 => d1 * 10 + d2,
            4..=7 => (d1 - 4) * 10 + d2,
            _ => return None,
        };
        let (month, synthetic) = match d3 * 10 + d4 {
            m @ 1..=12 => (m, false),
            m @ 41..=52 => (m - 40, true),
            m @ 66..=77 => (m - 65, true),
            m @ 81..=92 => (m - 80, true),
            _ => return None,
        };
        let (year, individual) = (d5 * 10 + d6, d7 * 100 + d8 * 10 + d9);
        // The individual number names a century until 2031, and nothing after that.
        let century = match (individual, year) {
            (0..=499, _) | (900..=999, 40..) => Some(1900),
            (500..=749, 54..) => Some(1800),
            (500..=999, 0..=39) => Some(2000),
            _ => None,
        };
        if century.is_none() && !expanded {
            return None;
        }
        let year_of_birth = century.and_then(|century| i16::try_from(century + year).ok());
        // A first check digit of the new kind, and the individual number tells nothing.
        let year_of_birth = year_of_birth.filter(|_| first == 0);
        // 2000 and 1900 + year agree on leap days but for 1900 itself, in which nobody alive was born.
        let year = i16::try_from(2000 + year).ok()?;
        let birthday = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        Date::new(year, birthday.0, birthday.1).ok()?;
        Some(Reading { synthetic, is_d_number: d1 >= 4, year: year_of_birth, birthday })
    }
}

/// A person as the table has them.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Person {
    /// Our id.
    pub id: PersonId,
    /// The state's identifier.
    pub fnr: Fnr,
    /// First and middle names; empty when unknown.
    pub given_name: String,
    /// Surname; empty when unknown.
    pub family_name: String,
    /// Locked by the person or by support, in every browser.
    pub locked_at: Option<Timestamp>,
    /// Why.
    pub locked_code: Option<String>,
    /// No longer a user.
    pub closed_at: Option<Timestamp>,
    /// Why.
    pub closed_code: Option<String>,
    /// The second factor that they want to be asked for first.
    preferred_factor: Option<String>,
    /// The second factor that they used last.
    last_factor: Option<String>,
    /// When they were last told that there is something better than what they use.
    nudged_at: Option<Timestamp>,
}

/// The lock that a person has put on themselves.
pub const BY_ONESELF: &str = "self";

/// Why an account is closed whose person has died.
pub const DEATH: &str = "death";

/// Why an account is closed whose person did not want it any more; they may want it again.
pub const WISH: &str = "wish";

/// What is told of a new person.
#[derive(Debug, Clone, Default)]
pub struct NewPerson {
    /// First and middle names.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
}

impl Person {
    /// Looks a person up, by the number that they have or one that they had.
    pub async fn by_fnr(db: impl AnyExecutor<'_>, fnr: &Fnr) -> sqlx::Result<Option<Person>> {
        const SQL: &str = "SELECT id, fnr, given_name, family_name, locked_at, locked_code, closed_at, closed_code,
                preferred_factor, last_factor, nudged_at
            FROM person WHERE fnr = $1 OR id = (SELECT person FROM former_fnr WHERE fnr = $1)";
        sqlx::query_as(SQL).bind(fnr.as_str()).fetch_optional(db).await
    }

    /// Looks a person up by our id. Guests are none: they have no number.
    pub async fn by_id(db: impl AnyExecutor<'_>, id: &PersonId) -> sqlx::Result<Option<Person>> {
        const SQL: &str = "SELECT id, fnr, given_name, family_name, locked_at, locked_code, closed_at, closed_code,
                preferred_factor, last_factor, nudged_at
            FROM person WHERE id = $1 AND guest_seen_at IS NULL";
        sqlx::query_as(SQL).bind(id.as_str()).fetch_optional(db).await
    }

    /// The same of many, by as many statements for a class as for one of its pupils.
    pub async fn by_ids(db: &Db, ids: &[PersonId]) -> sqlx::Result<HashMap<PersonId, Person>> {
        const SQL: &str = "SELECT id, fnr, given_name, family_name, locked_at, locked_code, closed_at, closed_code,
                preferred_factor, last_factor, nudged_at
            FROM person WHERE guest_seen_at IS NULL AND id IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)";
        let mut all = HashMap::new();
        for list in several::lists(ids.iter().map(PersonId::as_str)) {
            let some: Vec<Person> = sqlx::query_as(SQL).bind(list).fetch_all(db.pool()).await?;
            all.extend(some.into_iter().map(|person| (person.id.clone(), person)));
        }
        Ok(all)
    }

    /// Those who have one of these numbers, and whose account was not closed because they died.
    pub async fn not_known_dead(db: &Db, numbers: &[Fnr]) -> sqlx::Result<Vec<PersonId>> {
        const SQL: &str = "SELECT id FROM person WHERE (closed_code IS NULL OR closed_code <> $2) AND fnr IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)";
        let mut all = Vec::new();
        for list in several::lists(numbers.iter().map(Fnr::as_str)) {
            let some: Vec<PersonId> = sqlx::query_scalar(SQL).bind(list).bind(DEATH).fetch_all(db.pool()).await?;
            all.extend(some);
        }
        Ok(all)
    }

    /// Those who have one of these numbers now, by it.
    pub async fn with_numbers(db: &Db, numbers: &[&Fnr]) -> sqlx::Result<HashMap<Fnr, PersonId>> {
        const SQL: &str = "SELECT fnr, id FROM person WHERE fnr IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)";
        let mut all = HashMap::new();
        for list in several::lists(numbers.iter().map(|fnr| fnr.as_str())) {
            let some: Vec<(Fnr, PersonId)> = sqlx::query_as(SQL).bind(list).fetch_all(db.pool()).await?;
            all.extend(some);
        }
        Ok(all)
    }

    /// Whether it was closed because they died: nobody is them any more, by whichever eID.
    pub fn is_dead(&self) -> bool {
        self.closed_at.is_some() && self.closed_code.as_deref() == Some(DEATH)
    }

    /// Whether somebody else has locked it: what people have locked themselves they can open by proving who they are.
    pub fn is_locked_by_others(&self) -> bool {
        self.locked_at.is_some() && self.locked_code.as_deref() != Some(BY_ONESELF)
    }

    /// Whether it is closed, and not because they wanted it.
    pub fn is_closed_for_good(&self) -> bool {
        self.closed_at.is_some() && self.closed_code.as_deref() != Some(WISH)
    }

    /// First and last name, as far as they are known.
    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name).trim().to_owned()
    }

    /// The second factors that they would rather be asked for, the first one first. That a code by SMS was used last is
    /// no wish: who has something better is offered that, unless they have said otherwise.
    pub fn wishes(&self) -> Vec<FactorKind> {
        let last = self.last_factor.as_deref().and_then(FactorKind::second).filter(|kind| *kind != FactorKind::Otc);
        self.preferred().into_iter().chain(last).collect()
    }

    /// The second factor that they have chosen to be asked for first.
    pub fn preferred(&self) -> Option<FactorKind> {
        self.preferred_factor.as_deref().and_then(FactorKind::second)
    }

    /// The second factor that they want to be asked for first from now on; none, the one that they used last.
    pub async fn prefer(tx: &mut Tx, id: &PersonId, kind: Option<FactorKind>) -> sqlx::Result<()> {
        const SQL: &str = "UPDATE person SET preferred_factor = $2 WHERE id = $1";
        let query = sqlx::query(SQL).bind(id.as_str()).bind(kind.map(FactorKind::name));
        query.execute(&mut **tx).await.map(|_| ())
    }

    /// The second factor that they have just used.
    pub async fn used(db: impl AnyExecutor<'_>, id: &PersonId, kind: FactorKind) -> sqlx::Result<()> {
        const SQL: &str =
            "UPDATE person SET last_factor = $2 WHERE id = $1 AND (last_factor IS NULL OR last_factor <> $2)";
        sqlx::query(SQL).bind(id.as_str()).bind(kind.name()).execute(db).await.map(|_| ())
    }

    /// Whether it is so long ago that they were told of something better, if they ever were.
    pub fn may_be_nudged(&self, every: Duration, now: Timestamp) -> bool {
        self.nudged_at.is_none_or(|at| now.since(at) >= every)
    }

    /// They have been told that there is something better.
    pub async fn nudged(db: impl AnyExecutor<'_>, id: &PersonId, now: Timestamp) -> sqlx::Result<()> {
        const SQL: &str = "UPDATE person SET nudged_at = $2 WHERE id = $1";
        sqlx::query(SQL).bind(id.as_str()).bind(now.seconds()).execute(db).await.map(|_| ())
    }

    /// Registers a person; false and unchanged if the identifier is known already, or was somebody's.
    pub async fn register(db: &Db, chance: &Chance, fnr: &Fnr, new: NewPerson, now: Timestamp) -> anyhow::Result<bool> {
        const SQL: &str = "INSERT INTO person (id, fnr, given_name, family_name, created_at)
                           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (fnr) DO NOTHING";
        if Person::by_fnr(db.pool(), fnr).await?.is_some() {
            return Ok(false);
        }
        let id = PersonId::fresh(chance)?;
        let query = sqlx::query(SQL).bind(id.as_str()).bind(fnr.as_str()).bind(new.given_name);
        let done = query.bind(new.family_name).bind(now.seconds()).execute(db.pool()).await?;
        Ok(done.rows_affected() == 1)
    }

    /// The person with this identifier, registered now if need be.
    pub async fn ensure(db: &Db, chance: &Chance, fnr: &Fnr, now: Timestamp) -> anyhow::Result<Person> {
        if let Some(person) = Person::by_fnr(db.pool(), fnr).await? {
            return Ok(person);
        }
        Person::register(db, chance, fnr, NewPerson::default(), now).await?;
        Person::by_fnr(db.pool(), fnr).await?.context("a person who was just registered is gone")
    }

    /// Those of some people who are known, by the numbers that they have or had.
    pub async fn known(db: &Db, fnrs: &[&Fnr]) -> sqlx::Result<HashMap<Fnr, PersonId>> {
        let mut all = HashMap::with_capacity(fnrs.len());
        for (sql, some) in KNOWN.each(fnrs) {
            let query = some.iter().fold(sqlx::query_as(sql), |query, fnr| query.bind(fnr.as_str()));
            let rows: Vec<(Fnr, PersonId)> = query.fetch_all(db.pool()).await?;
            all.extend(rows);
        }
        Ok(all)
    }

    /// The people with these numbers, of whom those who are new are registered. It is done in many short transactions, and
    /// in the order of the numbers: whoever logs in for the first time meanwhile waits for one of them at the most, and of
    /// two who register the same people none waits for somebody who waits for them.
    pub async fn register_all(
        db: &Db,
        chance: &Chance,
        fnrs: &[&Fnr],
        now: Timestamp,
    ) -> anyhow::Result<HashMap<Fnr, PersonId>> {
        let mut fnrs = fnrs.to_vec();
        fnrs.sort_unstable_by_key(|fnr| fnr.as_str());
        fnrs.dedup();
        let mut all = HashMap::with_capacity(fnrs.len());
        for some in fnrs.chunks(AT_ONCE) {
            let new =
                some.iter().map(|fnr| Ok((PersonId::fresh(chance)?, *fnr))).collect::<anyhow::Result<Vec<_>>>()?;
            let mut tx = db.begin().await?;
            for (sql, some) in REGISTER.each(&new) {
                let query = some.iter().fold(sqlx::query_as(sql), |query, (id, fnr)| {
                    query.bind(id.as_str()).bind(fnr.as_str()).bind(now.seconds())
                });
                let rows: Vec<(Fnr, PersonId)> = query.fetch_all(&mut *tx).await?;
                all.extend(rows);
            }
            tx.commit().await?;
        }
        // Those who have come meanwhile, and those who had the number before.
        fnrs.retain(|fnr| !all.contains_key(*fnr));
        all.extend(Person::known(db, &fnrs).await?);
        anyhow::ensure!(fnrs.iter().all(|fnr| all.contains_key(*fnr)), "people who are registered are gone");
        Ok(all)
    }

    /// Notes that a guest has come, who may be here for the first time.
    pub(crate) async fn ensure_guest(db: &Db, id: &PersonId, now: Timestamp) -> sqlx::Result<()> {
        const ADD: &str = "INSERT INTO person (id, fnr, given_name, family_name, created_at, guest_seen_at)
                           VALUES ($1, $2, '', '', $3, $3) ON CONFLICT DO NOTHING";
        const SEE: &str = "UPDATE person SET guest_seen_at = $2 WHERE id = $1 AND guest_seen_at < $2";
        let query = sqlx::query(ADD).bind(id.as_str()).bind(format!("guest:{}", id.as_str()));
        query.bind(now.seconds()).execute(db.pool()).await?;
        sqlx::query(SEE).bind(id.as_str()).bind(now.seconds()).execute(db.pool()).await.map(|_| ())
    }

    /// Forgets some guests who were last here before that, and what they have agreed to; true if there may be more.
    pub(crate) async fn forget_guests(db: &Db, before: Timestamp) -> sqlx::Result<bool> {
        const SQL: &str = "DELETE FROM person WHERE id IN (SELECT id FROM person WHERE guest_seen_at < $1 LIMIT 1000)";
        Ok(sqlx::query(SQL).bind(before.seconds()).execute(db.pool()).await?.rows_affected() == 1000)
    }

    /// Locks the person in every browser, and says why; false if they are locked already. What they have locked
    /// themselves somebody else can lock as well, and then they cannot open it.
    pub async fn lock(db: impl AnyExecutor<'_>, id: &PersonId, code: &str, now: Timestamp) -> sqlx::Result<bool> {
        const SQL: &str = "UPDATE person SET locked_at = $2, locked_code = $3
                           WHERE id = $1 AND (locked_at IS NULL OR (locked_code = $4 AND $3 <> $4))";
        let query = sqlx::query(SQL).bind(id.as_str()).bind(now.seconds()).bind(code).bind(BY_ONESELF);
        Ok(query.execute(db).await?.rows_affected() == 1)
    }

    /// Opens what was locked; false if nothing was.
    pub async fn unlock(db: impl AnyExecutor<'_>, id: &PersonId) -> sqlx::Result<bool> {
        const SQL: &str =
            "UPDATE person SET locked_at = NULL, locked_code = NULL WHERE id = $1 AND locked_at IS NOT NULL";
        Ok(sqlx::query(SQL).bind(id.as_str()).execute(db).await?.rows_affected() == 1)
    }

    /// The person is no longer a user, and why: `wish`, `death` …; none, and they are one again.
    pub async fn close(
        db: impl AnyExecutor<'_>,
        id: &PersonId,
        code: Option<&str>,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        const SQL: &str = "UPDATE person SET closed_at = $2, closed_code = $3, erased_at = NULL WHERE id = $1";
        let closed_at = code.map(|_| now.seconds());
        sqlx::query(SQL).bind(id.as_str()).bind(closed_at).bind(code).execute(db).await.map(|_| ())
    }

    /// Whoever proved until now that they are this person is no longer logged in anywhere.
    pub async fn sign_out(db: impl AnyExecutor<'_>, id: &PersonId, now: Timestamp) -> sqlx::Result<()> {
        const SQL: &str = "UPDATE person SET signed_out_at = $2
                           WHERE id = $1 AND (signed_out_at IS NULL OR signed_out_at < $2)";
        sqlx::query(SQL).bind(id.as_str()).bind(now.seconds()).execute(db).await.map(|_| ())
    }

    /// When the person was last signed out everywhere, if ever; none, if there is no such person.
    pub async fn signed_out_at(db: impl AnyExecutor<'_>, id: &PersonId) -> sqlx::Result<Option<Option<Timestamp>>> {
        const SQL: &str = "SELECT signed_out_at FROM person WHERE id = $1";
        sqlx::query_scalar(SQL).bind(id.as_str()).fetch_optional(db).await
    }

    /// Whether a proof of that time still counts.
    pub async fn is_signed_in(db: impl AnyExecutor<'_>, id: &PersonId, proved_at: Timestamp) -> sqlx::Result<bool> {
        let found = Person::signed_out_at(db, id).await?;
        Ok(found.is_some_and(|out| out.is_none_or(|out| out < proved_at)))
    }

    /// Whoever else changes something of this person in such a transaction waits until this one is through: for what is
    /// counted and then changed.
    pub async fn hold(tx: &mut Tx, id: &PersonId) -> sqlx::Result<()> {
        const SQL: &str = "UPDATE person SET fnr = fnr WHERE id = $1";
        sqlx::query(SQL).bind(id.as_str()).execute(&mut **tx).await.map(|_| ())
    }

    /// The person has another number from now on. The old one still finds them. False if somebody else has it.
    pub async fn change_fnr(tx: &mut Tx, person: &Person, to: &Fnr, now: Timestamp) -> sqlx::Result<bool> {
        const SQL: &str = "UPDATE person SET fnr = $2 WHERE id = $1";
        const KEEP: &str =
            "INSERT INTO former_fnr (fnr, person, until) VALUES ($1, $2, $3) ON CONFLICT (fnr) DO NOTHING";
        // Back to a number that they had.
        const FREE: &str = "DELETE FROM former_fnr WHERE fnr = $1 AND person = $2";
        if Person::by_fnr(&mut **tx, to).await?.is_some_and(|other| other.id != person.id) {
            return Ok(false);
        }
        sqlx::query(FREE).bind(to.as_str()).bind(person.id.as_str()).execute(&mut **tx).await?;
        sqlx::query(SQL).bind(person.id.as_str()).bind(to.as_str()).execute(&mut **tx).await?;
        let query = sqlx::query(KEEP).bind(person.fnr.as_str()).bind(person.id.as_str()).bind(now.seconds());
        query.execute(&mut **tx).await?;
        Ok(true)
    }

    /// The numbers that a person had before, the last one first.
    pub async fn former(db: impl AnyExecutor<'_>, id: &PersonId) -> sqlx::Result<Vec<Fnr>> {
        const SQL: &str = "SELECT fnr FROM former_fnr WHERE person = $1 ORDER BY until DESC";
        sqlx::query_scalar(SQL).bind(id.as_str()).fetch_all(db).await
    }

    /// Some of those who were closed before that, and whose traces are still here.
    pub async fn to_erase(db: impl AnyExecutor<'_>, before: Timestamp, at_most: i64) -> sqlx::Result<Vec<PersonId>> {
        const SQL: &str =
            "SELECT id FROM person WHERE closed_at < $1 AND erased_at IS NULL ORDER BY closed_at LIMIT $2";
        sqlx::query_scalar(SQL).bind(before.seconds()).bind(at_most).fetch_all(db).await
    }

    /// What may not be kept any longer is gone; that the number was here stays, so that nobody takes it over.
    pub async fn note_erased(tx: &mut Tx, id: &PersonId, now: Timestamp) -> sqlx::Result<()> {
        const SQL: &str = "UPDATE person SET given_name = '', family_name = '', preferred_factor = NULL,
                               last_factor = NULL, nudged_at = NULL, erased_at = $2 WHERE id = $1";
        sqlx::query(SQL).bind(id.as_str()).bind(now.seconds()).execute(&mut **tx).await.map(|_| ())
    }
}

static KNOWN: Several = Several::of(
    "SELECT fnr, id FROM person WHERE fnr IN (VALUES ($1))
     UNION ALL SELECT fnr, person FROM former_fnr WHERE fnr IN (VALUES ($1))",
);

static REGISTER: Several = Several::of(
    "INSERT INTO person (id, fnr, given_name, family_name, created_at)
     SELECT column1, column2, '', '', column3 FROM (VALUES ($1, $2, $3)) AS place
     WHERE NOT EXISTS (SELECT 1 FROM former_fnr WHERE former_fnr.fnr = place.column2) ORDER BY column2
     ON CONFLICT (fnr) DO NOTHING RETURNING fnr, id",
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: FnrPolicy = FnrPolicy { real: true, synthetic: true, expanded: true };
    const OLD: FnrPolicy = FnrPolicy { real: true, synthetic: true, expanded: false };

    fn check(typed: &str, policy: FnrPolicy, expected: Result<&str, FnrProblem>) {
        assert_eq!(Fnr::parse(typed, policy).map(|fnr| fnr.0), expected.map(str::to_owned), "{typed}");
    }

    #[test]
    fn published_numbers() {
        // Digdir and Skatteetaten publish these; both remainders are 0.
        for fnr in ["05895894984", "28816196088", "47906701517", "20914695016"] {
            check(fnr, OLD, Ok(fnr));
            check(fnr, FnrPolicy { synthetic: false, ..OLD }, Err(FnrProblem::Synthetic));
        }
    }

    #[test]
    fn what_people_type() {
        check("058958 94984", OLD, Ok("05895894984"));
        check("\u{a0}058958\t94984 ", OLD, Ok("05895894984"));
        check("", OLD, Err(FnrProblem::Empty));
        check("  ", OLD, Err(FnrProblem::Empty));
        check("0589589498", OLD, Err(FnrProblem::Digits));
        check("058958949844", OLD, Err(FnrProblem::Digits));
        check("+4705895894984", OLD, Err(FnrProblem::Digits));
        check("0589589498a", OLD, Err(FnrProblem::Digits));
        check("058958-94984", OLD, Err(FnrProblem::Digits));
        check("０５８９５８９４９８４", OLD, Err(FnrProblem::Digits));
        check("05895894985", OLD, Err(FnrProblem::Invalid));
    }

    /// Completes nine digits with check digits, the first of them leaving `remainder`.
    fn complete(nine: &str, remainder: u32) -> Option<String> {
        let digits: Vec<u32> = nine.chars().filter_map(|c| c.to_digit(10)).collect();
        let sum = |weights: &[u32], of: &[u32]| weights.iter().zip(of).map(|(w, d)| w * d).sum::<u32>();
        let first = (11 + remainder - sum(&[3, 7, 6, 1, 8, 9, 4, 5, 2], &digits) % 11) % 11;
        let ten = [digits.as_slice(), &[first]].concat();
        let second = (11 - sum(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2], &ten) % 11) % 11;
        (first < 10 && second < 10).then(|| format!("{nine}{first}{second}"))
    }

    #[test]
    fn the_rule_from_2032() {
        for remainder in 1..=3 {
            let fnr = (100..499).find_map(|n| complete(&format!("010132{n}"), remainder)).unwrap();
            check(&fnr, ALL, Ok(&fnr));
            check(&fnr, OLD, Err(FnrProblem::Invalid));
        }
        let too_far = (100..499).find_map(|n| complete(&format!("010132{n}"), 4)).unwrap();
        check(&too_far, ALL, Err(FnrProblem::Invalid));
        // Individual number 800 of the year 45 has no century in the old table.
        let no_century = (760..890).find_map(|n| complete(&format!("010145{n}"), 0)).unwrap();
        check(&no_century, OLD, Err(FnrProblem::Invalid));
        check(&no_century, ALL, Ok(&no_century));
    }

    #[test]
    fn kinds_of_numbers() {
        let some = |six: &str| (100..499).find_map(|n| complete(&format!("{six}{n}"), 0)).unwrap();
        let real = FnrPolicy { real: true, synthetic: false, expanded: false };
        let synthetic = FnrPolicy { real: false, synthetic: true, expanded: false };
        for six in ["290204", "410190", "710190", "010190"] {
            check(&some(six), real, Ok(&some(six)));
            check(&some(six), synthetic, Err(FnrProblem::Real));
        }
        for six in ["014190", "416690", "018190", "419290", "298204"] {
            check(&some(six), synthetic, Ok(&some(six)));
            check(&some(six), real, Err(FnrProblem::Synthetic));
        }
        // No such day; a leap day in a year without; NPID; FH-number; no such month.
        for six in ["320190", "290203", "012190", "810190", "001390", "000190", "016190"] {
            check(&some(six), ALL, Err(FnrProblem::Invalid));
        }
    }

    #[test]
    fn what_a_number_tells_of_a_birthday() {
        let born = |six: &str, from: u32| (from..999).find_map(|n| complete(&format!("{six}{n:03}"), 0)).unwrap();
        let at = |text: &str| Timestamp::from_seconds(text.parse::<jiff::Timestamp>().unwrap().as_second());
        let last_day = Fnr::parse(&born("311213", 500), ALL).unwrap();
        assert_eq!(last_day.birth_year(), Some(2013));
        assert_eq!(Fnr::parse(&born("410190", 100), ALL).unwrap().birth_year(), Some(1990), "a D-number");
        assert_eq!(Fnr::parse(&born("018101", 500), ALL).unwrap().birth_year(), Some(2001), "synthetic");
        assert_eq!(Fnr::parse(&born("010155", 950), ALL).unwrap().birth_year(), Some(1955));
        // A number of 2032 tells nothing.
        let new = (100..499).find_map(|n| complete(&format!("010132{n}"), 2)).unwrap();
        assert_eq!(Fnr::parse(&new, ALL).unwrap().birth_year(), None);

        // Grown up on the birthday, in Norway, and by a D-number always.
        let leap_day = Fnr::parse(&born("290208", 500), ALL).unwrap();
        assert_eq!(leap_day.is_of_age(at("2026-02-28T22:59:59Z")), Some(false));
        assert_eq!(leap_day.is_of_age(at("2026-02-28T23:00:00Z")), Some(true));
        assert_eq!(last_day.is_of_age(at("2031-12-30T22:59:59Z")), Some(false));
        assert_eq!(last_day.is_of_age(at("2031-12-30T23:00:00Z")), Some(true));
        let visitor = Fnr::parse(&born("410120", 500), ALL).unwrap();
        assert_eq!(visitor.is_of_age(at("2026-01-01T00:00:00Z")), Some(true));
        assert_eq!(Fnr::parse(&new, ALL).unwrap().is_of_age(at("2060-01-01T00:00:00Z")), None);
    }

    #[test]
    fn debug_hides_the_person() {
        assert_eq!(format!("{:?}", Fnr("05895894984".into())), "Fnr(058958*****)");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn anything_typed_gets_an_answer(typed in ".*") {
            if let Ok(fnr) = Fnr::parse(&typed, ALL) {
                prop_assert_eq!(fnr.as_str().len(), 11);
            }
        }

        #[test]
        fn one_wrong_digit_is_found(at in 0usize..11, by in 1u32..10) {
            let mut digits: Vec<u32> = "05895894984".chars().filter_map(|c| c.to_digit(10)).collect();
            digits[at] = (digits[at] + by) % 10;
            let typed: String = digits.iter().map(ToString::to_string).collect();
            prop_assert!(Fnr::parse(&typed, OLD).is_err());
        }
    }
}
