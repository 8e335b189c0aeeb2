//! Activation codes: fifteen letters by which somebody who has no MinID gets it, in a letter to their address or from a
//! teacher who knows them (table `activation_code`).

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use migrations::{Db, Tx};
use sqlx::AnyExecutor;

use crate::chance::{Chance, TokenHash};
use crate::clock::Timestamp;
use crate::person::{Fnr, Person, PersonId};
use crate::several::{self, Several};
use crate::throttle;
use crate::trail::{Actor, Event};
use crate::vault::Vault;
use crate::world::World;

/// Letters of a code.
const LENGTH: usize = 15;
/// No vowels, so that no code is a word, and of letters that look or sound alike one: 15 of these 16 are 60 bits.
const LETTERS: &[u8; 16] = b"BCDFGHKLMNPRSTXZ";
/// What is read and typed for them.
const LOOK_ALIKES: [(char, char); 11] = [
    ('8', 'B'),
    ('0', 'D'),
    ('O', 'D'),
    ('Q', 'D'),
    ('6', 'G'),
    ('1', 'L'),
    ('I', 'L'),
    ('|', 'L'),
    ('5', 'S'),
    ('7', 'T'),
    ('2', 'Z'),
];
/// Wrong codes for one person in an hour: nobody guesses one of 60 bits, and whoever wants to shut its person out needs
/// more than six networks for it.
const GUESSES: i64 = 2000;
/// And from one address, for whomever; a school's pupils share one.
const GUESSES_FROM_AN_ADDRESS: i64 = 300;
/// Other people's identifiers that a code may be tried with while it is known: to whoever found one and knows a birth date
/// there are about four hundred numbers.
const OTHERS: i64 = 10;
/// However many a person's other codes were tried with, so many slips are left with a new one.
const OTHERS_OF_A_NEW_ONE: i64 = 3;
/// For so long a new code takes over what the ones before it were tried with.
const COUNTED_FOR: Duration = Duration::from_hours(60 * 24);
/// Whose a code was is told to whoever types their own number for so long after it is over.
const TOLD_FOR: Duration = Duration::from_hours(3 * 24);
const HOUR: Duration = Duration::from_hours(1);
/// How long whoever has typed a code in time may take to register with it, whatever becomes of its own time.
pub const REGISTRATION: Duration = Duration::from_mins(15);

/// How a code reaches its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// By post, to the address in the population register.
    Letter,
    /// On a teacher's screen.
    School,
}

impl Source {
    /// Its name in tables and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Source::Letter => "letter",
            Source::School => "school",
        }
    }

    /// How long a code is good: from the order of the letter, or from when it is shown.
    pub fn valid(self) -> Duration {
        match self {
            Source::Letter => Duration::from_hours(60 * 24),
            Source::School => Duration::from_mins(15),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = String;

    fn try_from(text: String) -> Result<Source, String> {
        let found = [Source::Letter, Source::School].into_iter().find(|source| source.name() == text);
        found.ok_or(text)
    }
}

/// A code, in the fifteen capitals that it is made of.
#[derive(Clone, PartialEq, Eq)]
pub struct ActivationCode(String);

impl std::fmt::Debug for ActivationCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ActivationCode(…)")
    }
}

impl ActivationCode {
    fn fresh(chance: &Chance) -> anyhow::Result<ActivationCode> {
        Ok(ActivationCode(letters(&chance.bytes::<LENGTH>()?)))
    }

    /// Reads what people type: in any case, with whatever stands between the letters, and with what they took them for.
    pub fn parse(typed: &str) -> Option<ActivationCode> {
        read_letters(typed, LENGTH).map(ActivationCode)
    }

    /// Its letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is written for people: `BCDFG-HKLMN-PRSTX`.
    pub fn grouped(&self) -> String {
        let parts = [self.0.get(..5), self.0.get(5..10), self.0.get(10..)];
        parts.into_iter().flatten().collect::<Vec<_>>().join("-")
    }

    fn hash(&self, vault: &Vault) -> TokenHash {
        vault.hash("activation code", &self.0)
    }
}

/// A letter for each of these bytes, which nobody can foresee.
pub(crate) fn letters(bytes: &[u8]) -> String {
    let letter = |byte: &u8| LETTERS.get(usize::from(byte & 15)).map(|letter| char::from(*letter));
    bytes.iter().filter_map(letter).collect()
}

/// So many letters, as people type them.
pub(crate) fn read_letters(typed: &str, length: usize) -> Option<String> {
    let counts = |c: &char| c.is_alphanumeric() || *c == '|';
    let letters = typed.chars().take(100).filter(counts).flat_map(char::to_uppercase);
    let meant = |c: char| LOOK_ALIKES.iter().find(|(looks, _)| *looks == c).map_or(c, |(_, letter)| *letter);
    let code: String = letters.map(meant).collect();
    let fits = code.len() == length && code.bytes().all(|letter| LETTERS.contains(&letter));
    fits.then_some(code)
}

/// Makes a code, and ends those that the person had before. It is shown once, to whom it is for.
pub async fn issue(
    tx: &mut Tx,
    keys: (&Vault, &Chance),
    person: &PersonId,
    source: Source,
    (now, valid_until): (Timestamp, Timestamp),
) -> anyhow::Result<(String, ActivationCode)> {
    const SQL: &str = "INSERT INTO activation_code (id, person, source, hash, created_at, valid_until)
                       VALUES ($1, $2, $3, $4, $5, $6)";
    let (vault, chance) = keys;
    // Of two codes at once the second ends the first.
    Person::hold(tx, person).await?;
    end_all(tx, person, now).await?;
    let id: String = chance.token()?.reveal().chars().take(22).collect();
    let code = ActivationCode::fresh(chance)?;
    let query = sqlx::query(SQL).bind(&id).bind(person.as_str()).bind(source.name()).bind(code.hash(vault));
    query.bind(now.seconds()).bind(valid_until.seconds()).execute(&mut **tx).await?;
    Ok((id, code))
}

/// Writes down who shows a school's code, and in which class they may: it is good no longer than that.
pub async fn note_issuer(tx: &mut Tx, id: &str, Shown { by, class, .. }: Shown<'_>) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE activation_code SET issued_by = $2, issued_in = $3 WHERE id = $1";
    sqlx::query(SQL).bind(id).bind(by.as_str()).bind(class).execute(&mut **tx).await.map(|_| ())
}

/// None of the person's codes is good any more.
pub async fn end_all(tx: &mut Tx, person: &PersonId, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str =
        "UPDATE activation_code SET ended_at = $2 WHERE person = $1 AND used_at IS NULL AND ended_at IS NULL";
    sqlx::query(SQL).bind(person.as_str()).bind(now.seconds()).execute(&mut **tx).await.map(|_| ())
}

/// No code is good any more that has reached the person in this way.
pub async fn end_from(tx: &mut Tx, person: &PersonId, source: Source, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE activation_code SET ended_at = $3
                       WHERE person = $1 AND source = $2 AND used_at IS NULL AND ended_at IS NULL";
    let query = sqlx::query(SQL).bind(person.as_str()).bind(source.name()).bind(now.seconds());
    query.execute(&mut **tx).await.map(|_| ())
}

/// Codes that somebody shows to somebody else in a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// To whom.
    pub to: &'a PersonId,
    /// By whom.
    pub by: &'a PersonId,
    /// The id of the class.
    pub class: &'a str,
}

/// These are not good any more; true if one was. One of which it is not known who shows it is nobody else's. What nobody
/// can register with any more is let be: a batch of letters holds it in an order of its own.
pub async fn end_shown(tx: &mut Tx, shown: &[Shown<'_>], now: Timestamp) -> sqlx::Result<bool> {
    static END: Several = Several::of(
        "UPDATE activation_code SET ended_at = $2
         WHERE source = $1 AND used_at IS NULL AND ended_at IS NULL AND valid_until > $3
             AND (person, issued_by, issued_in) IN (VALUES ($4, $5, $6))",
    );
    static UNKNOWN: Several = Several::of(
        "UPDATE activation_code SET ended_at = $2
         WHERE source = $1 AND used_at IS NULL AND ended_at IS NULL AND valid_until > $3 AND issued_by IS NULL
             AND person IN (VALUES ($4))",
    );
    let (source, mut ended) = (Source::School.name(), 0);
    let over = now.minus(REGISTRATION).seconds();
    for (sql, some) in END.each(shown) {
        let query = sqlx::query(sql).bind(source).bind(now.seconds()).bind(over);
        let query = some
            .iter()
            .fold(query, |query, Shown { to, by, class }| query.bind(to.as_str()).bind(by.as_str()).bind(*class));
        ended += query.execute(&mut **tx).await?.rows_affected();
    }
    for (sql, some) in UNKNOWN.each(shown) {
        let query = sqlx::query(sql).bind(source).bind(now.seconds()).bind(over);
        let query = some.iter().fold(query, |query, Shown { to, .. }| query.bind(to.as_str()));
        ended += query.execute(&mut **tx).await?.rows_affected();
    }
    Ok(ended > 0)
}

/// One code is not good any more.
pub async fn end(tx: &mut Tx, id: &str, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE activation_code SET ended_at = $2 WHERE id = $1 AND used_at IS NULL AND ended_at IS NULL";
    sqlx::query(SQL).bind(id).bind(now.seconds()).execute(&mut **tx).await.map(|_| ())
}

/// A code that is good, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its row.
    pub id: String,
    /// Whom it is for.
    pub person: PersonId,
    /// How it reached them.
    pub source: Source,
}

/// What a typed code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// That person's, and good.
    Right(Found),
    /// Not that person's.
    Wrong,
    /// That person's, and no longer good: it was used, another has ended it, or its time is over.
    Over,
    /// It was tried with other people's identifiers until it was ended. Whoever types it is told that, so that nobody
    /// learns from it whose it was.
    GuessedAt,
    /// There have been too many guesses.
    TooMany,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    person: PersonId,
    #[sqlx(try_from = "String")]
    source: Source,
    valid_until: Timestamp,
    used_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    guesses: i64,
}

impl Row {
    /// When it was used or ended, or its time was over.
    fn over_at(&self) -> Timestamp {
        [self.used_at, self.ended_at].into_iter().flatten().fold(self.valid_until, Timestamp::min)
    }
}

/// Looks up what somebody typed. A guess is counted before it is compared, for the person, the address and the code; a
/// good one is given back.
pub async fn check(
    world: &World,
    fnr: &Fnr,
    code: &ActivationCode,
    from: IpAddr,
    now: Timestamp,
) -> anyhow::Result<Checked> {
    const SQL: &str = "SELECT id, CASE WHEN source = $2 AND used_at IS NULL AND ended_at IS NULL AND valid_until > $3
                           THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END
                       FROM activation_code WHERE hash = $1";
    let (hash, db) = (code.hash(&world.vault), world.db.pool());
    let person = Person::by_fnr(db, fnr).await?;
    // Whoever has had two numbers is one.
    let whose = world.vault.hash("activation of", person.as_ref().map_or(fnr, |person| &person.fnr).as_str());
    let query = sqlx::query_as(SQL).bind(hash.as_str()).bind(Source::School.name()).bind(now.seconds());
    let row: Option<(String, i64)> = query.fetch_optional(db).await?;
    let mut counts = vec![(format!("activation codes for {}", whose.as_str()), GUESSES)];
    // Whoever holds a good one from school has its own tries and not those of the address, which a municipality's schools
    // share: what somebody there guesses keeps no class out. It tells which codes there are, and they are 60 bits.
    if row.as_ref().is_none_or(|(_, at_school)| *at_school == 0) {
        let from = throttle::neighbourhood(from);
        counts.push((format!("activation codes from {}", from.as_str()), GUESSES_FROM_AN_ADDRESS));
    }
    let mut fits = true;
    for (name, at_most) in &counts {
        fits &= world.scratch.count(name, HOUR, now).await? <= *at_most;
    }
    if !fits {
        return Ok(Checked::TooMany);
    }
    let Some((id, _)) = row else { return Ok(Checked::Wrong) };
    let checked = compare(world, &id, person.as_ref(), now).await?;
    if let Checked::Right(_) = checked {
        for (name, _) in &counts {
            world.scratch.uncount(name, HOUR, now).await?;
        }
    }
    Ok(checked)
}

/// Whether a code is this person's. It is counted first, and nobody else can try the same one meanwhile: of however many at
/// once no more are looked at than may be.
async fn compare(world: &World, id: &str, person: Option<&Person>, now: Timestamp) -> anyhow::Result<Checked> {
    const COUNT: &str = "UPDATE activation_code SET guesses = guesses + 1 WHERE id = $1
                         RETURNING id, person, source, valid_until, used_at, ended_at, guesses";
    const OF_OTHERS: &str = "SELECT CAST(COALESCE(SUM(guesses), 0) AS BIGINT) FROM activation_code
                             WHERE person = $1 AND created_at > $2 AND id <> $3";
    let mut tx = world.db.begin().await?;
    let row: Row = sqlx::query_as(COUNT).bind(id).fetch_one(&mut *tx).await?;
    let query = sqlx::query_scalar(OF_OTHERS).bind(row.person.as_str()).bind(now.minus(COUNTED_FOR).seconds()).bind(id);
    let of_others: i64 = query.fetch_one(&mut *tx).await?;
    let left = (OTHERS - of_others).clamp(OTHERS_OF_A_NEW_ONE, OTHERS) - row.guesses;
    let (is_theirs, over_at) = (person.is_some_and(|person| person.id == row.person), row.over_at());
    if left < 0 {
        tx.rollback().await?;
        return Ok(Checked::GuessedAt);
    }
    if is_theirs && now < over_at.plus(TOLD_FOR) {
        tx.rollback().await?;
        let found = Found { id: row.id, person: row.person, source: row.source };
        return Ok(if now < over_at { Checked::Right(found) } else { Checked::Over });
    }
    if left == 0 && now < over_at {
        end(&mut tx, id, now).await?;
        let event = Event::by("code-guessed-at", &row.person, Actor::System).with("source", row.source.name());
        world.trail.append(&mut tx, &event, now).await?;
    }
    tx.commit().await?;
    Ok(if left == 0 { Checked::GuessedAt } else { Checked::Wrong })
}

/// Writes down that somebody has typed a code, which was good.
pub async fn note_typed(db: impl AnyExecutor<'_>, id: &str, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE activation_code SET typed_at = $2 WHERE id = $1";
    sqlx::query(SQL).bind(id).bind(now.seconds()).execute(db).await.map(|_| ())
}

/// Whether a code has not been used or ended, and its time was not over at that moment.
pub async fn is_good(db: impl AnyExecutor<'_>, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT id FROM activation_code
                       WHERE id = $1 AND used_at IS NULL AND ended_at IS NULL AND valid_until > $2";
    Ok(sqlx::query(SQL).bind(id).bind(now.seconds()).fetch_optional(db).await?.is_some())
}

/// Those of many codes that can still be used.
pub async fn still_good(db: &Db, ids: &[String], now: Timestamp) -> sqlx::Result<HashSet<String>> {
    const SQL: &str = "SELECT id FROM activation_code WHERE id IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)
        AND used_at IS NULL AND ended_at IS NULL AND valid_until > $2";
    let mut all = HashSet::new();
    for list in several::lists(ids.iter().map(String::as_str)) {
        let query = sqlx::query_scalar(SQL).bind(list).bind(now.seconds());
        let some: Vec<String> = query.fetch_all(db.pool()).await?;
        all.extend(some);
    }
    Ok(all)
}

/// The codes of a kind that were made since then and were ended while they were good, and when.
pub async fn ended(
    db: impl AnyExecutor<'_>,
    source: Source,
    since: Timestamp,
) -> sqlx::Result<HashMap<String, Timestamp>> {
    const SQL: &str = "SELECT id, ended_at FROM activation_code
                       WHERE source = $1 AND created_at >= $2 AND ended_at < valid_until";
    let query = sqlx::query_as(SQL).bind(source.name()).bind(since.seconds());
    let rows: Vec<(String, Timestamp)> = query.fetch_all(db).await?;
    Ok(rows.into_iter().collect())
}

/// The same of one person's codes.
pub async fn ended_of(
    db: impl AnyExecutor<'_>,
    source: Source,
    person: &PersonId,
) -> sqlx::Result<HashMap<String, Timestamp>> {
    const SQL: &str = "SELECT id, ended_at FROM activation_code
                       WHERE person = $1 AND source = $2 AND ended_at < valid_until";
    let query = sqlx::query_as(SQL).bind(person.as_str()).bind(source.name());
    let rows: Vec<(String, Timestamp)> = query.fetch_all(db).await?;
    Ok(rows.into_iter().collect())
}

/// Uses a code that was good at some moment, which is not long ago, and has not been used or ended since: true for one
/// of however many.
pub async fn redeem(tx: &mut Tx, id: &str, (good_at, now): (Timestamp, Timestamp)) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE activation_code SET used_at = $3
                       WHERE id = $1 AND used_at IS NULL AND ended_at IS NULL AND valid_until > $2";
    let query = sqlx::query(SQL).bind(id).bind(good_at.seconds()).bind(now.seconds());
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// What is known of a code that was made.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Issued {
    /// How it reaches its person.
    #[sqlx(try_from = "String")]
    pub source: Source,
    /// When it was made.
    pub created_at: Timestamp,
    /// How long it is good.
    pub valid_until: Timestamp,
    /// When somebody typed it last while it was good.
    pub typed_at: Option<Timestamp>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When another ended it.
    pub ended_at: Option<Timestamp>,
}

impl Issued {
    /// Whether it stands on a teacher's screen, and is good.
    pub fn is_shown(&self, now: Timestamp) -> bool {
        self.source == Source::School && self.used_at.is_none() && self.ended_at.is_none() && self.valid_until > now
    }

    /// Until when whoever has typed it in time may register with it; none if nobody may.
    pub fn registering_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.typed_at.map(|typed_at| typed_at.plus(REGISTRATION)).filter(|until| *until > now);
        until.filter(|_| self.used_at.is_none() && self.ended_at.is_none())
    }

    /// Whether it is in a letter that came, and is good.
    pub fn is_in_letter(&self, now: Timestamp) -> bool {
        self.source == Source::Letter && self.used_at.is_none() && self.ended_at.is_none() && self.valid_until > now
    }

    /// Whether it was a school's, and somebody has registered with it.
    pub fn is_used_of_school(&self) -> bool {
        self.source == Source::School && self.used_at.is_some()
    }

    /// Whether it stands on a teacher's screen, or did so a moment ago and somebody may be registering with it.
    pub fn may_be_in_use(&self, now: Timestamp) -> bool {
        self.is_shown(now.minus(REGISTRATION))
    }
}

/// The newest code of a person.
pub async fn latest(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Option<Issued>> {
    const SQL: &str = "SELECT source, created_at, valid_until, typed_at, used_at, ended_at FROM activation_code
                       WHERE person = $1 ORDER BY created_at DESC, ended_at IS NOT NULL LIMIT 1";
    sqlx::query_as(SQL).bind(person.as_str()).fetch_optional(db).await
}

/// How the last code that a person used reached them, and when they used it: what they have MinID by, if they have it by
/// a code.
pub async fn last_used(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Option<(Source, Timestamp)>> {
    const SQL: &str = "SELECT source, used_at FROM activation_code WHERE person = $1 AND used_at IS NOT NULL
                       ORDER BY used_at DESC LIMIT 1";
    let row: Option<(String, Timestamp)> = sqlx::query_as(SQL).bind(person.as_str()).fetch_optional(db).await?;
    Ok(row.and_then(|(source, used_at)| Some((Source::try_from(source).ok()?, used_at))))
}

/// What has become of the codes of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The newest.
    pub latest: Issued,
    /// How the last one that they used reached them, and when they used it.
    pub last_used: Option<(Source, Timestamp)>,
}

#[derive(sqlx::FromRow)]
struct OfPerson {
    person: PersonId,
    #[sqlx(flatten)]
    issued: Issued,
}

/// What [`latest`] and [`last_used`] say, of many people at once. Whoever has had no code is not in it.
pub async fn histories(db: &Db, people: &[PersonId]) -> sqlx::Result<HashMap<PersonId, History>> {
    const SQL: &str = "SELECT person, source, created_at, valid_until, typed_at, used_at, ended_at FROM activation_code
        WHERE person IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)
        ORDER BY created_at DESC, ended_at IS NOT NULL";
    let mut all = HashMap::new();
    for list in several::lists(people.iter().map(PersonId::as_str)) {
        let rows: Vec<OfPerson> = sqlx::query_as(SQL).bind(list).fetch_all(db.pool()).await?;
        for OfPerson { person, issued } in rows {
            let first = || History { latest: issued.clone(), last_used: None };
            let history: &mut History = all.entry(person).or_insert_with(first);
            let used_at = issued.used_at.filter(|at| history.last_used.is_none_or(|(_, last)| last < *at));
            history.last_used = used_at.map(|at| (issued.source, at)).or(history.last_used);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_read() {
        let code = ActivationCode::parse("BCDFGHKLMNPRSTX").unwrap();
        for typed in ["bcdfg-hklmn-prstx", " B C D F G H K L M N P R S T X ", "8c0f6.hk1mn/pr57x", "bcofg hkimn prstx"]
        {
            assert_eq!(ActivationCode::parse(typed), Some(code.clone()), "{typed}");
        }
        for typed in ["", "BCDFGHKLMNPRST", "BCDFGHKLMNPRSTXX", "ACDFGHKLMNPRSTX", "ØCDFGHKLMNPRSTX", "ßCDFGHKLMNPRSTX"]
        {
            assert_eq!(ActivationCode::parse(typed), None, "{typed}");
        }
        assert_eq!(code.grouped(), "BCDFG-HKLMN-PRSTX");
        assert!(!format!("{code:?}").contains("BCD"));
    }

    #[test]
    fn fresh_ones_can_be_read_back() {
        let (one, other) = (ActivationCode::fresh(&Chance::System), ActivationCode::fresh(&Chance::System));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(ActivationCode::parse(&one.grouped()), Some(one.clone()));
        assert_ne!(one, other);
    }

    #[test]
    fn no_letter_stands_for_another() {
        for (looks, letter) in LOOK_ALIKES {
            assert!(
                !LETTERS.contains(&u8::try_from(looks).unwrap()) && LETTERS.contains(&u8::try_from(letter).unwrap())
            );
        }
    }
}
