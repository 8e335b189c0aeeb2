//! Activation letters: ordered, printed in batches, and what becomes of them (tables `letter` and `letter_batch`).
//!
//! A batch is handed over exactly once, wherever the program is killed. [`begin`] takes the letters that wait into a
//! batch and draws their codes in one transaction, or goes on with a batch that was not finished. Whoever prints writes
//! [`ready`] letters to a folder of their own, says so by [`mark_written`], gives the folder the name that the print
//! house takes, and says that by [`mark_handed_over`]: from then on no code is here any more that could be read. Until a
//! batch is written its files can be written again, with the same codes, and in the same place alone: nobody hands a code
//! over that lies elsewhere as well. A batch that was written and whose first folder is gone was handed over, whether that
//! was said or not. One whose place is gone for good is ended by [`withdraw`], and its codes with it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use migrations::{Db, Tx};
use sqlx::AnyPool;

use crate::activation::{self, ActivationCode, Source};
use crate::chance::Chance;
use crate::clock::Timestamp;
use crate::contact::Channel;
use crate::notice;
use crate::password;
use crate::person::{Person, PersonId};
use crate::population::{Address, Resident};
use crate::several;
use crate::trail::{Actor, Event};
use crate::world::World;

/// How long a batch belongs to whoever is at it; somebody who was killed is waited for that long.
const LEASE: Duration = Duration::from_mins(10);
/// What the id of a letter is made of: it is the name of a file, and it is copied from paper.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Of 32 letters so many: nobody guesses one.
const ID: usize = 16;

/// Why a letter was returned by ourselves: there is nowhere to send it.
pub const NO_ADDRESS: &str = "no-address";
/// Why a letter was returned by ourselves: its person has died.
pub const DEAD: &str = "dead";
/// Why a letter was returned by ourselves: its person has got MinID in another way.
pub const HAS_MINID: &str = "has-minid";
/// Why a letter was returned by ourselves: what stands in it cannot be printed.
pub const UNPRINTABLE: &str = "unprintable";
/// Why a letter was returned by ourselves: its person has stopped it, or support that has ordered another.
pub const STOPPED: &str = "stopped";

/// Why a letter was returned by ourselves: whoever gets it would have too little time for its code.
pub const TOO_LATE: &str = "too-late";
/// So long a code must be good when its letter is printed: it takes up to ten working days to arrive, and whoever gets it
/// may be away.
const LEFT_AT_LEAST: Duration = Duration::from_hours(24 * 20);

/// What is said to whoever has lost a batch.
const TOO_LONG: &str = "it took too long, and somebody else has gone on, or has given it up,";

/// What has become of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits to be printed.
    Ordered,
    /// The print house has it.
    HandedOver,
    /// The print house has said that it has it.
    Acknowledged,
    /// Its code was used.
    Used,
    /// Its code was ended before that: there is a newer one, or its person got MinID or left it in another way.
    Ended,
    /// Its time is over.
    Expired,
    /// It never came, or was never sent.
    Returned,
}

impl State {
    /// All of them.
    pub const ALL: [State; 7] = [
        State::Ordered,
        State::HandedOver,
        State::Acknowledged,
        State::Used,
        State::Ended,
        State::Expired,
        State::Returned,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            State::Ordered => "ordered",
            State::HandedOver => "handed-over",
            State::Acknowledged => "acknowledged",
            State::Used => "used",
            State::Ended => "ended",
            State::Expired => "expired",
            State::Returned => "returned",
        }
    }
}

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Letter {
    /// Its id, which stands on it.
    pub id: String,
    /// Whom it is for.
    pub person: PersonId,
    /// The language that it is written in.
    pub language: String,
    /// When it was ordered.
    pub ordered_at: Timestamp,
    /// How long its code is good.
    pub valid_until: Timestamp,
    /// The batch that it was printed in.
    pub batch: Option<String>,
    /// When the print house got it.
    pub handed_over_at: Option<Timestamp>,
    /// When the print house said so.
    pub acknowledged_at: Option<Timestamp>,
    /// When its code was used.
    pub used_at: Option<Timestamp>,
    /// When it came back.
    pub returned_at: Option<Timestamp>,
    /// Why.
    pub returned_code: Option<String>,
    /// When its code was ended, if it was good until then; known of those that [`since`] and [`of_person`] find.
    #[sqlx(skip)]
    pub ended_at: Option<Timestamp>,
    /// The code in it, once it is drawn.
    code: Option<String>,
}

impl Letter {
    /// What has become of it.
    pub fn state(&self, now: Timestamp) -> State {
        match self {
            Letter { used_at: Some(_), .. } => State::Used,
            Letter { returned_at: Some(_), .. } => State::Returned,
            // One that the print house does not have yet gets another code.
            Letter { ended_at: Some(_), handed_over_at: Some(_), .. } => State::Ended,
            Letter { valid_until, .. } if *valid_until <= now => State::Expired,
            Letter { acknowledged_at: Some(_), .. } => State::Acknowledged,
            Letter { handed_over_at: Some(_), .. } => State::HandedOver,
            Letter { .. } => State::Ordered,
        }
    }
}

/// Orders a letter; false if one is under way already. Of many orders at once one is taken. Who is reached elsewhere than
/// where whoever orders has just been (`at`) is told there, whatever becomes of this program meanwhile: with the letter
/// somebody else could take the account over.
pub async fn order(
    world: &World,
    person: &PersonId,
    (language, at): (&str, &Channel),
    event: &Event,
    now: Timestamp,
) -> anyhow::Result<bool> {
    let mut tx = world.db.begin().await?;
    Person::hold(&mut tx, person).await?;
    if is_under_way(&mut tx, person, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    insert(&mut tx, &world.chance, person, language, now).await?;
    notice::queue_but(&mut tx, &world.chance, event, Some(at), now).await?;
    world.trail.append(&mut tx, event, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// What support has ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anew {
    /// The id of the letter.
    pub id: String,
    /// Whether another one was under way, which is stopped.
    pub has_stopped: bool,
}

/// Support orders a letter, and one that is under way is stopped: whoever gets that has a code that is not good any more.
/// The person is told wherever they are reached. `support` is the number of the case, and who at the desk has it.
pub async fn order_anew(
    world: &World,
    person: &PersonId,
    language: &str,
    support: (&str, &str),
    now: Timestamp,
) -> anyhow::Result<Anew> {
    let (case, by) = support;
    let event = |kind| Event::by(kind, person, Actor::Operator(by.to_owned())).with("case", case);
    let ordered = event("letter-ordered");
    let mut tx = world.db.begin().await?;
    Person::hold(&mut tx, person).await?;
    let has_stopped = stop(&mut tx, person, STOPPED, now).await?;
    let id = insert(&mut tx, &world.chance, person, language, now).await?;
    notice::queue(&mut tx, &world.chance, &ordered, now).await?;
    if has_stopped {
        world.trail.append(&mut tx, &event("letter-stopped"), now).await?;
    }
    world.trail.append(&mut tx, &ordered, now).await?;
    tx.commit().await?;
    Ok(Anew { id, has_stopped })
}

async fn insert(
    tx: &mut Tx,
    chance: &Chance,
    person: &PersonId,
    language: &str,
    now: Timestamp,
) -> anyhow::Result<String> {
    const SQL: &str = "INSERT INTO letter (id, person, language, ordered_at, valid_until, password_at)
                       VALUES ($1, $2, $3, $4, $5, $6)";
    let id = fresh_id(chance)?;
    // Of who has MinID already, to know later whether they have got in without the letter.
    let password_at = password::changed_at(&mut **tx, person).await?.map(Timestamp::seconds);
    let query = sqlx::query(SQL).bind(&id).bind(person.as_str()).bind(language).bind(now.seconds());
    let query = query.bind(now.plus(Source::Letter.valid()).seconds()).bind(password_at);
    query.execute(&mut **tx).await?;
    Ok(id)
}

fn fresh_id(chance: &Chance) -> anyhow::Result<String> {
    let bytes: [u8; ID] = chance.bytes()?;
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte & 31)).map(|letter| char::from(*letter));
    Ok(bytes.iter().filter_map(letter).collect())
}

/// Whether a letter of a person is on its way: its time is not over, it was neither used nor returned, and its code can
/// be used. One that the print house does not have yet gets another code, whatever has become of its first.
async fn is_under_way(tx: &mut Tx, person: &PersonId, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT code, handed_over_at FROM letter
                       WHERE person = $1 AND valid_until > $2 AND used_at IS NULL AND returned_at IS NULL";
    let query = sqlx::query_as(SQL).bind(person.as_str()).bind(now.seconds());
    let open: Vec<(Option<String>, Option<Timestamp>)> = query.fetch_all(&mut **tx).await?;
    for letter in open {
        let is_coming = match letter {
            (Some(code), Some(_)) => activation::is_good(&mut **tx, &code, now).await?,
            _ => true,
        };
        if is_coming {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Nothing that is on its way to the person is good any more, and what is not printed yet is not sent; false if nothing was.
/// The code comes first, as where it is used.
pub(crate) async fn stop(tx: &mut Tx, person: &PersonId, code: &str, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE letter SET returned_at = $2, returned_code = $3, sealed = NULL
                       WHERE person = $1 AND valid_until > $2 AND used_at IS NULL AND returned_at IS NULL";
    let was_under_way = is_under_way(tx, person, now).await?;
    activation::end_from(tx, person, Source::Letter, now).await?;
    sqlx::query(SQL).bind(person.as_str()).bind(now.seconds()).bind(code).execute(&mut **tx).await?;
    Ok(was_under_way)
}

/// Those of many people to whom a letter is on its way, by the same rule as [`order`] goes.
pub async fn awaited(db: &Db, people: &[PersonId], now: Timestamp) -> sqlx::Result<HashSet<PersonId>> {
    const SQL: &str = "SELECT person, code, handed_over_at FROM letter WHERE person IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)
        AND valid_until > $2 AND used_at IS NULL AND returned_at IS NULL";
    let mut open: Vec<(PersonId, Option<String>, Option<Timestamp>)> = Vec::new();
    for list in several::lists(people.iter().map(PersonId::as_str)) {
        let query = sqlx::query_as(SQL).bind(list).bind(now.seconds());
        let some: Vec<(PersonId, Option<String>, Option<Timestamp>)> = query.fetch_all(db.pool()).await?;
        open.extend(some);
    }
    let codes = open.iter().filter(|(_, _, handed_over_at)| handed_over_at.is_some());
    let codes: Vec<String> = codes.filter_map(|(_, code, _)| code.clone()).collect();
    let good = activation::still_good(db, &codes, now).await?;
    let is_coming = |code: Option<&String>, handed_over_at: Option<Timestamp>| match (code, handed_over_at) {
        (Some(code), Some(_)) => good.contains(code),
        _ => true,
    };
    let coming = open.into_iter().filter(|(_, code, handed_over_at)| is_coming(code.as_ref(), *handed_over_at));
    Ok(coming.map(|(person, ..)| person).collect())
}

/// Of many people those who have ever used the code of a letter, and when the last one of these was ordered.
pub async fn used(db: &Db, people: &[PersonId]) -> sqlx::Result<HashMap<PersonId, Timestamp>> {
    const SQL: &str = "SELECT person, ordered_at FROM letter WHERE person IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)
        AND used_at IS NOT NULL ORDER BY used_at";
    let mut all = HashMap::new();
    for list in several::lists(people.iter().map(PersonId::as_str)) {
        let some: Vec<(PersonId, Timestamp)> = sqlx::query_as(SQL).bind(list).fetch_all(db.pool()).await?;
        all.extend(some);
    }
    Ok(all)
}

/// All that were ordered since then, the newest first.
pub async fn since(db: &AnyPool, since: Timestamp) -> sqlx::Result<Vec<Letter>> {
    const SQL: &str = "SELECT id, person, language, ordered_at, valid_until, batch, handed_over_at,
                           acknowledged_at, used_at, returned_at, returned_code, code
                       FROM letter WHERE ordered_at >= $1 ORDER BY ordered_at DESC, id";
    let mut letters: Vec<Letter> = sqlx::query_as(SQL).bind(since.seconds()).fetch_all(db).await?;
    // Asked by itself: no code is made before its letter was ordered.
    let mut ended = activation::ended(db, Source::Letter, since).await?;
    for letter in &mut letters {
        letter.ended_at = letter.code.as_ref().and_then(|code| ended.remove(code));
    }
    Ok(letters)
}

/// All of a person, the newest first.
pub async fn of_person(db: &AnyPool, person: &PersonId) -> sqlx::Result<Vec<Letter>> {
    const SQL: &str = "SELECT id, person, language, ordered_at, valid_until, batch, handed_over_at,
                           acknowledged_at, used_at, returned_at, returned_code, code
                       FROM letter WHERE person = $1 ORDER BY ordered_at DESC, id";
    let mut letters: Vec<Letter> = sqlx::query_as(SQL).bind(person.as_str()).fetch_all(db).await?;
    let mut ended = activation::ended_of(db, Source::Letter, person).await?;
    for letter in &mut letters {
        letter.ended_at = letter.code.as_ref().and_then(|code| ended.remove(code));
    }
    Ok(letters)
}

/// The code of a letter was used, if it is one's.
pub async fn note_used(tx: &mut Tx, code_id: &str, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE letter SET used_at = $2 WHERE code = $1 AND used_at IS NULL";
    sqlx::query(SQL).bind(code_id).bind(now.seconds()).execute(&mut **tx).await.map(|_| ())
}

/// How batches are made.
pub struct Printing<'a> {
    /// How many letters one has at the most.
    pub at_most: usize,
    /// The lines of the office that forwards letters to people whose address nobody may know; without them those
    /// letters wait.
    pub protected_via: &'a [String],
    /// Whether one batch of each day has a letter that tests the print house.
    pub has_test: bool,
    /// Where batches are brought: one that was begun elsewhere is not gone on with here, for some of it may lie there.
    pub destination: String,
}

/// A batch that is ours for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its id: the day in Norway, and which of that day's it is.
    pub id: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When whoever wrote all its files had begun with it.
    pub written_at: Option<Timestamp>,
    /// Whether it has the letter of its day that tests the print house.
    pub has_test: bool,
    lease: Timestamp,
}

/// What there is to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// This.
    Batch(Batch),
    /// Somebody is at it, or was killed at it; until then it is theirs.
    Busy(Timestamp),
    /// A batch was begun elsewhere, and is not finished.
    Elsewhere {
        /// Its id.
        batch: String,
        /// Where it is brought.
        destination: String,
    },
    /// Nothing waits.
    Nothing {
        /// But for so many, whose address nobody may know.
        held: usize,
    },
}

/// A letter that is to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its id.
    pub id: String,
    /// The language that it is written in.
    pub language: String,
    /// How long its code is good.
    pub valid_until: Timestamp,
    /// What stands in the window of the envelope.
    pub lines: Vec<String>,
    /// Its code.
    pub code: ActivationCode,
    /// When the password was chosen that its person had when it was ordered, if they had MinID.
    pub password_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Waiting {
    id: String,
    person: PersonId,
    ordered_at: Timestamp,
    valid_until: Timestamp,
    password_at: Option<Timestamp>,
}

impl Waiting {
    fn asked<'a>(&'a self, protected_via: &'a [String]) -> Asked<'a> {
        Asked { id: &self.id, valid_until: self.valid_until, protected_via }
    }
}

#[derive(sqlx::FromRow)]
struct Unfinished {
    id: String,
    created_at: Timestamp,
    leased_until: Option<Timestamp>,
    written_at: Option<Timestamp>,
    destination: Option<String>,
    has_test: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Drawn {
    id: String,
    person: PersonId,
    language: String,
    valid_until: Timestamp,
    password_at: Option<Timestamp>,
    code: Option<String>,
    sealed: Option<String>,
}

impl Drawn {
    fn asked<'a>(&'a self, protected_via: &'a [String]) -> Asked<'a> {
        Asked { id: &self.id, valid_until: self.valid_until, protected_via }
    }
}

/// The letter that is asked about.
#[derive(Clone, Copy)]
struct Asked<'a> {
    id: &'a str,
    valid_until: Timestamp,
    protected_via: &'a [String],
}

/// What is done with a letter that waits.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It is sent, with these lines in the window.
    Print(Vec<String>),
    /// It waits on.
    Hold,
    /// It is not sent.
    Return(&'static str),
}

/// What has become of a letter that waited.
enum Taken {
    /// It is in the batch, and has a code.
    Drawn,
    /// It waits on.
    Waits,
    /// It is not sent, which is still to be written down.
    Returned(Event),
}

/// Takes up a batch that was not finished, or makes one of the letters that wait. Of many at once one gets it.
pub async fn begin(world: &World, printing: &Printing<'_>, now: Timestamp) -> anyhow::Result<Begun> {
    // One that was given up has tested nothing.
    const COUNT: &str = "SELECT COUNT(*), COUNT(CASE WHEN has_test = 1 AND withdrawn_at IS NULL THEN 1 END)
                         FROM letter_batch WHERE id > $1 AND id < $2";
    let day = day_in_norway(now);
    // Counted before anything else is asked: whoever makes one meanwhile takes the name that we would.
    let query = sqlx::query_as(COUNT).bind(format!("{day}-")).bind(format!("{day}."));
    let (made, tests): (i64, i64) = query.fetch_one(world.db.pool()).await?;
    if let Some(unfinished) = unfinished(world).await? {
        return claim(world, unfinished, printing, now).await;
    }
    let (to_print, held) = sort(world, printing, now).await?;
    let has_test = tests == 0 && printing.has_test;
    if to_print.is_empty() && !has_test {
        return Ok(Begun::Nothing { held });
    }
    let (id, lease) = (format!("{day}-{}", made + 1), now.plus(LEASE));
    let batch = Batch { id, created_at: now, written_at: None, has_test, lease };
    let mut tx = world.db.begin().await?;
    if !add(&mut tx, &batch, &printing.destination).await? {
        tx.rollback().await?;
        return Ok(Begun::Busy(batch.lease));
    }
    let (mut is_empty, mut returned) = (!has_test, Vec::new());
    for waiting in &to_print {
        match take(world, &mut tx, waiting, &batch).await? {
            Taken::Drawn => is_empty = false,
            Taken::Waits => {}
            Taken::Returned(event) => returned.push(event),
        }
    }
    if is_empty {
        // Those who wait have a code on a teacher's screen, or MinID by now: what was returned stays so, without a batch.
        remove(&mut tx, &batch).await?;
    }
    // Last: whoever registers holds themselves when they write the trail, and would wait for us while we wait for them.
    world.trail.append_all(&mut tx, &returned, now).await?;
    tx.commit().await?;
    Ok(if is_empty { Begun::Nothing { held } } else { Begun::Batch(batch) })
}

fn day_in_norway(now: Timestamp) -> String {
    let oslo = jiff::tz::TimeZone::get("Europe/Oslo").unwrap_or(jiff::tz::TimeZone::UTC);
    let moment = jiff::Timestamp::from_second(now.seconds()).unwrap_or_default();
    moment.to_zoned(oslo).strftime("%Y-%m-%d").to_string()
}

async fn unfinished(world: &World) -> sqlx::Result<Option<Unfinished>> {
    const SQL: &str = "SELECT id, created_at, leased_until, written_at, destination, has_test FROM letter_batch
                       WHERE handed_over_at IS NULL AND withdrawn_at IS NULL ORDER BY created_at, id LIMIT 1";
    sqlx::query_as(SQL).fetch_optional(world.db.pool()).await
}

async fn claim(
    world: &World,
    unfinished: Unfinished,
    printing: &Printing<'_>,
    now: Timestamp,
) -> anyhow::Result<Begun> {
    // One that an earlier version has begun goes where somebody first goes on with it; if it was written, that is known
    // by its mark alone. And what was to be tested is not, where nobody is to be tested any more.
    const SQL: &str = "UPDATE letter_batch SET leased_until = $2,
                           destination = CASE WHEN written_at IS NULL THEN $4 ELSE destination END,
                           has_test = CASE WHEN written_at IS NULL AND $5 = 0 THEN 0 ELSE has_test END
                       WHERE id = $1 AND handed_over_at IS NULL AND withdrawn_at IS NULL
                           AND (leased_until IS NULL OR leased_until <= $3) AND (destination IS NULL OR destination = $4)";
    let destination = &printing.destination;
    if let Some(elsewhere) = unfinished.destination.filter(|begun| begun != destination) {
        return Ok(Begun::Elsewhere { batch: unfinished.id, destination: elsewhere });
    }
    let lease = now.plus(LEASE);
    let query = sqlx::query(SQL).bind(&unfinished.id).bind(lease.seconds()).bind(now.seconds()).bind(destination);
    let query = query.bind(i64::from(printing.has_test));
    if query.execute(world.db.pool()).await?.rows_affected() == 0 {
        return Ok(Begun::Busy(unfinished.leased_until.filter(|until| *until > now).unwrap_or(lease)));
    }
    let Unfinished { id, created_at, written_at, has_test, .. } = unfinished;
    let has_test = has_test == Some(1) && (printing.has_test || written_at.is_some());
    Ok(Begun::Batch(Batch { id, created_at, written_at, has_test, lease }))
}

/// Looks up where the letters that wait go: those to print, and how many are held. What goes nowhere is returned.
async fn sort(world: &World, printing: &Printing<'_>, now: Timestamp) -> anyhow::Result<(Vec<Waiting>, usize)> {
    let (mut to_print, mut held) = (Vec::new(), 0);
    for waiting in waiting(world, now).await? {
        if to_print.len() >= printing.at_most {
            break;
        }
        match fate_of(world, &waiting.person, waiting.asked(printing.protected_via), now).await? {
            Fate::Print(_) => to_print.push(waiting),
            Fate::Hold => held += 1,
            Fate::Return(code) => {
                give_back(world, &waiting.id, code, &sent_back(&waiting.person, code), now).await?;
            }
        }
    }
    Ok((to_print, held))
}

async fn waiting(world: &World, now: Timestamp) -> sqlx::Result<Vec<Waiting>> {
    const SQL: &str = "SELECT id, person, ordered_at, valid_until, password_at FROM letter
                       WHERE batch IS NULL AND returned_at IS NULL AND valid_until > $1 ORDER BY ordered_at, id";
    sqlx::query_as(SQL).bind(now.seconds()).fetch_all(world.db.pool()).await
}

async fn fate_of(world: &World, person: &PersonId, letter: Asked<'_>, now: Timestamp) -> anyhow::Result<Fate> {
    let person = Person::by_id(world.db.pool(), person).await?.context("a letter to nobody")?;
    if person.is_dead() {
        return Ok(Fate::Return(DEAD));
    }
    Ok(fate(world.population.find_known(&person).await?, letter, now))
}

/// What is done with a letter to somebody of whom the population register says that.
fn fate(resident: Option<Resident>, letter: Asked<'_>, now: Timestamp) -> Fate {
    let Asked { id, valid_until, protected_via } = letter;
    let Some(resident) = resident else { return Fate::Return(NO_ADDRESS) };
    if resident.is_dead(now) {
        return Fate::Return(DEAD);
    }
    match resident.address {
        Address::Unknown => Fate::Return(NO_ADDRESS),
        // One that is held as well: nobody will ever print it.
        _ if valid_until < now.plus(LEFT_AT_LEAST) => Fate::Return(TOO_LATE),
        Address::Known(lines) => {
            let name = format!("{} {}", resident.given_name, resident.family_name).trim().to_owned();
            Fate::Print([vec![name], lines].concat())
        }
        Address::Protected if protected_via.is_empty() => Fate::Hold,
        // Neither the print house nor the post learns who it is whose address nobody may know.
        Address::Protected => Fate::Print([protected_via, &[format!("Ref. {id}")]].concat()),
    }
}

async fn add(tx: &mut Tx, batch: &Batch, destination: &str) -> sqlx::Result<bool> {
    const SQL: &str = "INSERT INTO letter_batch (id, created_at, leased_until, destination, has_test)
                       VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
    let query = sqlx::query(SQL).bind(&batch.id).bind(batch.created_at.seconds()).bind(batch.lease.seconds());
    let query = query.bind(destination).bind(i64::from(batch.has_test));
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

async fn remove(tx: &mut Tx, batch: &Batch) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM letter_batch WHERE id = $1";
    sqlx::query(SQL).bind(&batch.id).execute(&mut **tx).await.map(|_| ())
}

/// Takes a letter into a batch, and draws its code.
async fn take(world: &World, tx: &mut Tx, waiting: &Waiting, batch: &Batch) -> anyhow::Result<Taken> {
    const TAKE: &str = "UPDATE letter SET batch = $2 WHERE id = $1 AND batch IS NULL AND returned_at IS NULL";
    const DRAW: &str = "UPDATE letter SET code = $2, sealed = $3 WHERE id = $1";
    let (person, now) = (&waiting.person, batch.created_at);
    Person::hold(tx, person).await?;
    // Who has chosen a password since the order gets in without it.
    let password_at = password::changed_at(&mut **tx, person).await?;
    if password_at.is_some() && password_at != waiting.password_at {
        let is_new = mark_returned(tx, &waiting.id, HAS_MINID, now).await?;
        return Ok(if is_new { Taken::Returned(sent_back(person, HAS_MINID)) } else { Taken::Waits });
    }
    // A code of a letter would end the one that a teacher shows at this moment, or that somebody has just typed.
    let latest = activation::latest(&mut **tx, person).await?;
    let is_in_use = latest.is_some_and(|code| code.may_be_in_use(now));
    let query = sqlx::query(TAKE).bind(&waiting.id).bind(&batch.id);
    if is_in_use || query.execute(&mut **tx).await?.rows_affected() == 0 {
        return Ok(Taken::Waits);
    }
    let keys = (&world.vault, &world.chance);
    let (code_id, code) = activation::issue(tx, keys, person, Source::Letter, (now, waiting.valid_until)).await?;
    let sealed = world.vault.seal(&world.chance, &place(&waiting.id), code.as_str().as_bytes())?;
    sqlx::query(DRAW).bind(&waiting.id).bind(code_id).bind(sealed).execute(&mut **tx).await?;
    Ok(Taken::Drawn)
}

fn place(id: &str) -> String {
    format!("letter/{id}")
}

/// The letters of a batch that is not written yet, as they are to be printed; the same each time, unless the population
/// register says something else by now.
pub async fn ready(
    world: &World,
    batch: &Batch,
    printing: &Printing<'_>,
    now: Timestamp,
) -> anyhow::Result<Vec<Ready>> {
    const SQL: &str = "SELECT id, person, language, valid_until, password_at, code, sealed FROM letter
                       WHERE batch = $1 AND returned_at IS NULL ORDER BY id";
    let drawn: Vec<Drawn> = sqlx::query_as(SQL).bind(&batch.id).fetch_all(world.db.pool()).await?;
    let mut letters = Vec::with_capacity(drawn.len());
    for drawn in drawn {
        let is_good = match &drawn.code {
            Some(code) => activation::is_good(world.db.pool(), code, now).await?,
            None => false,
        };
        if !is_good {
            // A teacher has shown another one meanwhile.
            put_back(world, &drawn, batch, now).await?;
            continue;
        }
        match fate_of(world, &drawn.person, drawn.asked(printing.protected_via), now).await? {
            Fate::Print(lines) => letters.push(unseal(world, drawn, lines)?),
            Fate::Hold => put_back(world, &drawn, batch, now).await?,
            Fate::Return(code) => {
                give_back(world, &drawn.id, code, &sent_back(&drawn.person, code), now).await?;
            }
        }
    }
    Ok(letters)
}

fn unseal(world: &World, drawn: Drawn, lines: Vec<String>) -> anyhow::Result<Ready> {
    let sealed = drawn.sealed.context("a letter without its code")?;
    let code = String::from_utf8(world.vault.open(&place(&drawn.id), &sealed)?)?;
    let code = ActivationCode::parse(&code).context("a code of a letter that is none")?;
    let Drawn { id, language, valid_until, password_at, .. } = drawn;
    Ok(Ready { id, language, valid_until, lines, code, password_at })
}

/// A letter that was about to be printed waits again; if it is in another batch by now, that has its own code for it.
async fn put_back(world: &World, drawn: &Drawn, batch: &Batch, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "UPDATE letter SET batch = NULL, code = NULL, sealed = NULL
                       WHERE id = $1 AND batch = $2 AND handed_over_at IS NULL AND returned_at IS NULL";
    let mut tx = world.db.begin().await?;
    if let Some(code) = &drawn.code {
        activation::end(&mut tx, code, now).await?;
    }
    sqlx::query(SQL).bind(&drawn.id).bind(&batch.id).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// The batch stays ours for longer, while it is brought far away.
pub async fn keep(world: &World, batch: &mut Batch, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str =
        "UPDATE letter_batch SET leased_until = $3 WHERE id = $1 AND leased_until = $2 AND handed_over_at IS NULL";
    let lease = now.plus(LEASE);
    let query = sqlx::query(SQL).bind(&batch.id).bind(batch.lease.seconds()).bind(lease.seconds());
    let is_ours = query.execute(world.db.pool()).await?.rows_affected() == 1;
    ensure!(is_ours, "{TOO_LONG} with batch {}", batch.id);
    batch.lease = lease;
    Ok(())
}

/// All files of the batch are there for good.
pub async fn mark_written(world: &World, batch: &Batch, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str =
        "UPDATE letter_batch SET written_at = $3 WHERE id = $1 AND leased_until = $2 AND handed_over_at IS NULL";
    let query = sqlx::query(SQL).bind(&batch.id).bind(batch.lease.seconds()).bind(now.seconds());
    let is_ours = query.execute(world.db.pool()).await?.rows_affected() == 1;
    ensure!(is_ours, "{TOO_LONG} with batch {}", batch.id);
    Ok(())
}

/// The print house has the batch. No code is left here that could be read.
pub async fn mark_handed_over(world: &World, batch: &Batch, now: Timestamp) -> anyhow::Result<usize> {
    const BATCH: &str = "UPDATE letter_batch SET handed_over_at = $3, leased_until = NULL
                         WHERE id = $1 AND leased_until = $2 AND written_at IS NOT NULL AND handed_over_at IS NULL";
    const LETTERS: &str = "UPDATE letter SET sealed = NULL, handed_over_at = $2
                           WHERE batch = $1 AND returned_at IS NULL RETURNING person";
    let mut tx = world.db.begin().await?;
    let query = sqlx::query(BATCH).bind(&batch.id).bind(batch.lease.seconds()).bind(now.seconds());
    let is_ours = query.execute(&mut *tx).await?.rows_affected() == 1;
    if !is_ours {
        tx.rollback().await?;
        bail!("{TOO_LONG} with batch {}", batch.id);
    }
    let people: Vec<PersonId> =
        sqlx::query_scalar(LETTERS).bind(&batch.id).bind(now.seconds()).fetch_all(&mut *tx).await?;
    let event = |person| Event::by("letter-sent", person, Actor::System).with("batch", batch.id.as_str());
    let events: Vec<Event> = people.iter().map(event).collect();
    world.trail.append_all(&mut tx, &events, now).await?;
    tx.commit().await?;
    Ok(people.len())
}

/// Whoever was at the batch is not any more: another need not wait.
pub async fn release(world: &World, batch: &Batch) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE letter_batch SET leased_until = NULL WHERE id = $1 AND leased_until = $2";
    sqlx::query(SQL).bind(&batch.id).bind(batch.lease.seconds()).execute(world.db.pool()).await.map(|_| ())
}

/// What somebody's word that the print house has a batch comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It was not known before.
    New,
    /// It was: nothing is changed.
    Before,
    /// It is written, and whoever was to hand it over has not said that they did.
    Written,
    /// It was given up: its codes are not good any more.
    Withdrawn,
    /// No such batch was handed over.
    Unknown,
}

/// The print house has said that it has a batch, as somebody (`by`) tells.
pub async fn acknowledge(world: &World, batch: &str, by: &str, now: Timestamp) -> anyhow::Result<Receipt> {
    const BATCH: &str = "UPDATE letter_batch SET acknowledged_at = $2
                         WHERE id = $1 AND handed_over_at IS NOT NULL AND acknowledged_at IS NULL";
    const KNOWN: &str = "SELECT written_at, handed_over_at, withdrawn_at FROM letter_batch WHERE id = $1";
    const LETTERS: &str = "UPDATE letter SET acknowledged_at = $2 WHERE batch = $1 AND handed_over_at IS NOT NULL
                           RETURNING person";
    let mut tx = world.db.begin().await?;
    if sqlx::query(BATCH).bind(batch).bind(now.seconds()).execute(&mut *tx).await?.rows_affected() == 0 {
        type Known = (Option<Timestamp>, Option<Timestamp>, Option<Timestamp>);
        let known: Option<Known> = sqlx::query_as(KNOWN).bind(batch).fetch_optional(&mut *tx).await?;
        tx.rollback().await?;
        return Ok(match known {
            Some((_, _, Some(_))) => Receipt::Withdrawn,
            Some((_, Some(_), None)) => Receipt::Before,
            Some((Some(_), None, None)) => Receipt::Written,
            Some((None, None, None)) | None => Receipt::Unknown,
        });
    }
    let people: Vec<PersonId> = sqlx::query_scalar(LETTERS).bind(batch).bind(now.seconds()).fetch_all(&mut *tx).await?;
    let event = |person| Event::by("letter-acknowledged", person, Actor::Operator(by.to_owned())).with("batch", batch);
    let events: Vec<Event> = people.iter().map(event).collect();
    world.trail.append_all(&mut tx, &events, now).await?;
    tx.commit().await?;
    Ok(Receipt::New)
}

/// What is known of a batch that is to be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// It is not finished, and nothing of it can have come to the print house.
    Unwritten,
    /// Whoever gives it up has seen to it that nobody sends what the print house may have of it.
    Stopped,
}

/// What came of giving up a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawal {
    /// Its codes are not good any more, and so many of its letters wait for another one.
    Done(usize),
    /// It is written: the print house may have it, and nobody has said that it is stopped there.
    Written,
    /// There is no such batch that was begun and not handed over, or somebody is at it.
    Unknown,
}

/// A batch that cannot be finished where it was begun is given up: its codes are not good any more, wherever they lie, and
/// its letters wait for another one. `support` is the number of the case, and who at the desk has it.
pub async fn withdraw(
    world: &World,
    (batch, given_up): (&str, GivenUp),
    (case, by): (&str, &str),
    now: Timestamp,
) -> anyhow::Result<Withdrawal> {
    const BATCH: &str = "UPDATE letter_batch SET withdrawn_at = $2, leased_until = NULL
                         WHERE id = $1 AND handed_over_at IS NULL AND withdrawn_at IS NULL
                             AND (leased_until IS NULL OR leased_until <= $2) RETURNING written_at";
    const CODES: &str = "SELECT code FROM letter WHERE batch = $1 AND returned_at IS NULL AND code IS NOT NULL";
    // Whose code is used, or whose time is over, is not printed again.
    const LETTERS: &str = "UPDATE letter SET batch = NULL, code = NULL, sealed = NULL
                           WHERE batch = $1 AND returned_at IS NULL AND used_at IS NULL AND valid_until > $2
                           RETURNING person";
    const REST: &str = "UPDATE letter SET sealed = NULL WHERE batch = $1 AND sealed IS NOT NULL";
    let mut tx = world.db.begin().await?;
    let query = sqlx::query_scalar(BATCH).bind(batch).bind(now.seconds());
    let written: Option<Option<Timestamp>> = query.fetch_optional(&mut *tx).await?;
    let refused = match (written, given_up) {
        (None, _) => Some(Withdrawal::Unknown),
        (Some(Some(_)), GivenUp::Unwritten) => Some(Withdrawal::Written),
        (Some(_), _) => None,
    };
    if let Some(refused) = refused {
        tx.rollback().await?;
        return Ok(refused);
    }
    let codes: Vec<String> = sqlx::query_scalar(CODES).bind(batch).fetch_all(&mut *tx).await?;
    for code in &codes {
        activation::end(&mut tx, code, now).await?;
    }
    let people: Vec<PersonId> = sqlx::query_scalar(LETTERS).bind(batch).bind(now.seconds()).fetch_all(&mut *tx).await?;
    sqlx::query(REST).bind(batch).execute(&mut *tx).await?;
    let event = |person| {
        let event = Event::by("letter-withdrawn", person, Actor::Operator(by.to_owned()));
        event.with("batch", batch).with("case", case)
    };
    let events: Vec<Event> = people.iter().map(event).collect();
    world.trail.append_all(&mut tx, &events, now).await?;
    tx.commit().await?;
    Ok(Withdrawal::Done(people.len()))
}

/// Whether a batch was handed over or given up: what is left of it here is nobody's business any more.
pub async fn is_over(db: &AnyPool, batch: &str) -> sqlx::Result<bool> {
    const SQL: &str =
        "SELECT id FROM letter_batch WHERE id = $1 AND (handed_over_at IS NOT NULL OR withdrawn_at IS NOT NULL)";
    Ok(sqlx::query(SQL).bind(batch).fetch_optional(db).await?.is_some())
}

/// The same of what somebody began to bring then: another installation's batch of that name was begun at another time.
pub async fn was_at(db: &AnyPool, batch: &str, then: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT id FROM letter_batch
                       WHERE id = $1 AND created_at <= $2 AND (handed_over_at >= $2 OR withdrawn_at >= $2)";
    Ok(sqlx::query(SQL).bind(batch).bind(then.seconds()).fetch_optional(db).await?.is_some())
}

/// How it stands with a batch.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Progress {
    /// Its id.
    pub id: String,
    /// Where it is brought.
    pub destination: Option<String>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When whoever wrote all its files had begun with it.
    pub written_at: Option<Timestamp>,
    /// When the print house got it.
    pub handed_over_at: Option<Timestamp>,
    /// When the print house said so.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was given up.
    pub withdrawn_at: Option<Timestamp>,
    /// Whether it has a letter that tests the print house; unknown of those of an earlier version.
    pub has_test: Option<i64>,
    /// How many letters it has, without that one.
    pub letters: i64,
    /// How many of them the print house got.
    pub sent: i64,
    /// How many of them were used.
    pub used: i64,
    /// How many of them came back, or were not sent.
    pub returned: i64,
}

impl Progress {
    /// How it stands, in a word.
    pub fn state(&self) -> &'static str {
        match self {
            Progress { withdrawn_at: Some(_), .. } => "withdrawn",
            Progress { acknowledged_at: Some(_), .. } => "acknowledged",
            Progress { handed_over_at: Some(_), .. } => "handed-over",
            Progress { written_at: Some(_), .. } => "written",
            Progress { .. } => "begun",
        }
    }

    /// Whether the print house has not got it since then, or has not said so. One in which nothing was left to print does
    /// not get there.
    pub fn is_late(&self, since: Timestamp) -> bool {
        let is_due = self.withdrawn_at.is_none() && self.acknowledged_at.is_none();
        is_due
            && match self.handed_over_at {
                Some(at) => (self.sent > 0 || self.has_test == Some(1)) && at <= since,
                None => self.created_at <= since,
            }
    }
}

/// The batches that were begun since then, and those that the print house has not acknowledged; the newest first.
pub async fn batches(db: &AnyPool, since: Timestamp) -> sqlx::Result<Vec<Progress>> {
    const SQL: &str =
        "SELECT id, destination, created_at, written_at, handed_over_at, acknowledged_at, withdrawn_at, has_test,
            (SELECT COUNT(*) FROM letter WHERE batch = letter_batch.id) AS letters,
            (SELECT COUNT(*) FROM letter WHERE batch = letter_batch.id AND handed_over_at IS NOT NULL) AS sent,
            (SELECT COUNT(*) FROM letter WHERE batch = letter_batch.id AND used_at IS NOT NULL) AS used,
            (SELECT COUNT(*) FROM letter WHERE batch = letter_batch.id AND returned_at IS NOT NULL) AS returned
        FROM letter_batch WHERE id IN (SELECT id FROM letter_batch WHERE id >= $1
            UNION SELECT id FROM letter_batch
                  WHERE created_at > 0 AND acknowledged_at IS NULL AND withdrawn_at IS NULL)
        ORDER BY created_at DESC, id DESC";
    sqlx::query_as(SQL).bind(day_in_norway(since)).fetch_all(db).await
}

/// The letters that wait to be printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many go into the next batch.
    pub waiting: usize,
    /// When the oldest of them was ordered.
    pub oldest: Option<Timestamp>,
    /// How many are held, since nobody may know their address and no office forwards them.
    pub held: usize,
}

/// What waits to be printed, where this office forwards letters to protected addresses.
pub async fn backlog(world: &World, protected_via: &[String], now: Timestamp) -> anyhow::Result<Backlog> {
    let mut backlog = Backlog::default();
    for waiting in waiting(world, now).await? {
        match fate_of(world, &waiting.person, waiting.asked(protected_via), now).await? {
            Fate::Hold => backlog.held += 1,
            Fate::Print(_) | Fate::Return(_) => {
                backlog.waiting += 1;
                backlog.oldest = backlog.oldest.or(Some(waiting.ordered_at));
            }
        }
    }
    Ok(backlog)
}

/// Why a letter cannot be returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReturned {
    /// There is none of that id.
    Unknown,
    /// Its code was used.
    Used,
    /// It came back before, or was never sent.
    Before,
}

/// Letters came back, or are not wanted any more, all of them for one reason: their codes are not good any more, and others
/// can be ordered; none of them, if one cannot be returned. The ids of those, and why. `support` is the number of the case,
/// and who at the desk has it.
pub async fn returned(
    world: &World,
    ids: &[String],
    code: &str,
    support: (&str, &str),
    now: Timestamp,
) -> anyhow::Result<Vec<(String, NotReturned)>> {
    const SQL: &str = "SELECT person, used_at, returned_at FROM letter WHERE id = $1";
    // Two who have some of the same letters take them in one order.
    let ids: BTreeSet<&String> = ids.iter().collect();
    let (mut events, mut refused) = (Vec::with_capacity(ids.len()), Vec::new());
    let (case, by) = support;
    let mut tx = world.db.begin().await?;
    for id in ids {
        type Known = (PersonId, Option<Timestamp>, Option<Timestamp>);
        let known: Option<Known> = sqlx::query_as(SQL).bind(id).fetch_optional(&mut *tx).await?;
        let why = match known {
            None => Some(NotReturned::Unknown),
            Some((_, Some(_), _)) => Some(NotReturned::Used),
            Some((_, None, Some(_))) => Some(NotReturned::Before),
            Some((person, None, None)) => {
                let event = Event::by("letter-returned", &person, Actor::Operator(by.to_owned()));
                events.push(event.with("reason", code).with("case", case));
                let is_new = mark_returned(&mut tx, id, code, now).await?;
                (!is_new).then_some(NotReturned::Used)
            }
        };
        refused.extend(why.map(|why| (id.clone(), why)));
    }
    if !refused.is_empty() {
        tx.rollback().await?;
        return Ok(refused);
    }
    world.trail.append_all(&mut tx, &events, now).await?;
    tx.commit().await?;
    Ok(refused)
}

/// A letter of a batch cannot be printed: it is not sent, and does not keep the others from it.
pub async fn give_up(world: &World, id: &str, now: Timestamp) -> anyhow::Result<()> {
    let person = addressee(world, id).await?.context("a letter that is gone")?;
    give_back(world, id, UNPRINTABLE, &sent_back(&person, UNPRINTABLE), now).await.map(|_| ())
}

/// Whom a letter is for, by its id.
pub async fn addressee(world: &World, id: &str) -> sqlx::Result<Option<PersonId>> {
    const SQL: &str = "SELECT person FROM letter WHERE id = $1";
    sqlx::query_scalar(SQL).bind(id).fetch_optional(world.db.pool()).await
}

/// We have returned a letter ourselves.
fn sent_back(person: &PersonId, code: &str) -> Event {
    Event::by("letter-returned", person, Actor::System).with("reason", code)
}

async fn give_back(world: &World, id: &str, code: &str, event: &Event, now: Timestamp) -> anyhow::Result<bool> {
    let mut tx = world.db.begin().await?;
    if !mark_returned(&mut tx, id, code, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    world.trail.append(&mut tx, event, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// The letter is not on its way any more; false if it was used or returned before.
async fn mark_returned(tx: &mut Tx, id: &str, code: &str, now: Timestamp) -> sqlx::Result<bool> {
    const CODE: &str = "SELECT code FROM letter WHERE id = $1";
    const SQL: &str = "UPDATE letter SET returned_at = $2, returned_code = $3, sealed = NULL
                       WHERE id = $1 AND returned_at IS NULL AND used_at IS NULL";
    let drawn: Option<Option<String>> = sqlx::query_scalar(CODE).bind(id).fetch_optional(&mut **tx).await?;
    // The code first, as where it is used: two who hold both in another order would wait for one another.
    if let Some(drawn) = drawn.flatten() {
        activation::end(tx, &drawn, now).await?;
    }
    let query = sqlx::query(SQL).bind(id).bind(now.seconds()).bind(code);
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::Death;

    fn resident(address: Address) -> Resident {
        Resident {
            given_name: "Kari Å.".into(),
            family_name: "Ødegård".into(),
            address,
            born_on: None,
            death: Death::None,
        }
    }

    #[test]
    fn a_letter_goes_where_the_register_says_or_nowhere() {
        let (via, home) = (vec!["Postkontoret".to_owned()], vec!["Gata 1".to_owned(), "0155 OSLO".to_owned()]);
        let lines = |lines: &[&str]| Fate::Print(lines.iter().map(|line| (*line).to_owned()).collect());
        let (now, enough) = (Timestamp::from_seconds(0), Timestamp::from_seconds(0).plus(LEFT_AT_LEAST));
        let until = |resident, protected_via: &[String], valid_until| {
            fate(resident, Asked { id: "abc", valid_until, protected_via }, now)
        };
        let fate = |resident, via: &[String]| until(resident, via, enough);
        let known = fate(Some(resident(Address::Known(home.clone()))), &via);
        assert_eq!(known, lines(&["Kari Å. Ødegård", "Gata 1", "0155 OSLO"]));
        assert_eq!(fate(Some(resident(Address::Protected)), &[]), Fate::Hold);
        assert_eq!(fate(Some(resident(Address::Protected)), &via), lines(&["Postkontoret", "Ref. abc"]));
        assert_eq!(fate(Some(resident(Address::Unknown)), &via), Fate::Return(NO_ADDRESS));
        assert_eq!(fate(None, &via), Fate::Return(NO_ADDRESS));
        let dead = Resident { death: Death::Known, ..resident(Address::Known(home.clone())) };
        assert_eq!(fate(Some(dead.clone()), &via), Fate::Return(DEAD));
        let short = enough.minus(Duration::from_secs(1));
        for address in [Address::Known(home), Address::Protected] {
            assert_eq!(until(Some(resident(address)), &[], short), Fate::Return(TOO_LATE));
        }
        assert_eq!(until(Some(dead), &via, short), Fate::Return(DEAD), "whoever mourns is told nothing");
    }

    #[test]
    fn what_has_become_of_a_letter() {
        let at = Timestamp::from_seconds;
        let ordered = Letter {
            id: "a".into(),
            person: PersonId::of_text("p"),
            language: "nb".into(),
            ordered_at: at(0),
            valid_until: at(100),
            batch: None,
            handed_over_at: None,
            acknowledged_at: None,
            used_at: None,
            returned_at: None,
            returned_code: None,
            ended_at: None,
            code: None,
        };
        let handed_over = Letter { handed_over_at: Some(at(1)), ..ordered.clone() };
        let acknowledged = Letter { acknowledged_at: Some(at(2)), ..handed_over.clone() };
        let used = Letter { used_at: Some(at(3)), ..acknowledged.clone() };
        let returned = Letter { returned_at: Some(at(3)), ended_at: Some(at(3)), ..handed_over.clone() };
        let ended = Letter { ended_at: Some(at(3)), ..acknowledged.clone() };
        let drawn = Letter { ended_at: Some(at(1)), ..ordered.clone() };
        for (letter, now, state) in [
            (&ordered, 99, State::Ordered),
            (&ordered, 100, State::Expired),
            (&handed_over, 99, State::HandedOver),
            (&acknowledged, 99, State::Acknowledged),
            (&acknowledged, 100, State::Expired),
            (&used, 1000, State::Used),
            (&returned, 1000, State::Returned),
            (&ended, 99, State::Ended),
            (&ended, 1000, State::Ended),
            (&drawn, 99, State::Ordered),
            (&drawn, 100, State::Expired),
        ] {
            assert_eq!(letter.state(at(now)), state);
        }
    }

    #[test]
    fn shortly_before_midnight_at_greenwich_it_is_the_next_day_in_norway() {
        assert_eq!(day_in_norway(Timestamp::from_seconds(1_764_112_000)), "2025-11-26");
    }

    #[test]
    fn an_id_can_be_a_file_and_an_argument() {
        let id = fresh_id(&Chance::System).unwrap();
        assert!(id.len() == ID && id.bytes().all(|letter| ALPHABET.contains(&letter)), "{id}");
    }
}
