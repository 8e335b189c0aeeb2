//! Who works and learns where: tables `school_owner`, `school`, `school_class`, `school_staff` and `school_pupil`.
//!
//! All of it comes from the school owners' files ([`super::import`]). A role that is gone from them has ended: whoever
//! asks what somebody may do asks here, each time anew.

use std::collections::{HashMap, HashSet};

use authenticators::chance::Chance;
use authenticators::clock::Timestamp;
use authenticators::person::{Fnr, Person, PersonId};
use authenticators::population::{Address, Resident};
use authenticators::several::Several;
use authenticators::world::World;
use migrations::{Db, Tx};
use serde::{Deserialize, Serialize};
use sqlx::AnyExecutor;

use super::alias;

/// How many of the last digits of a number tell two of the same name apart. All five are, with the birthday, which a
/// class knows, the whole number: where three do not do, the mark does.
const DIGITS_AT_LEAST: usize = 2;
const DIGITS_AT_MOST: usize = 3;
/// And how many letters of a mark.
const LETTERS_AT_LEAST: usize = 2;
const LETTERS_AT_MOST: usize = 8;

/// Makes opaque text ids.
macro_rules! ids { ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
    $(#[$doc])*
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type)]
    #[serde(transparent)]
    #[sqlx(transparent)]
    pub struct $name(String);

    impl $name {
        /// Its letters.
        pub fn as_str(&self) -> &str {
            &self.0
        }

        /// One that nobody has yet.
        pub fn fresh(chance: &Chance) -> anyhow::Result<$name> {
            Ok($name(chance.token()?.reveal().chars().take(22).collect()))
        }
    }
)+ } }

ids! {
    /// A school, in addresses and tables.
    SchoolId,
    /// A class, in addresses and tables.
    ClassId,
}

/// An organisation number: nine digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Orgno(String);

impl Orgno {
    /// Takes a number in, with or without spaces in it.
    pub fn parse(typed: &str) -> Option<Orgno> {
        let digits: String = typed.chars().take(20).filter(|c| !c.is_whitespace()).collect();
        let fits = digits.len() == 9 && digits.bytes().all(|digit| digit.is_ascii_digit());
        fits.then_some(Orgno(digits))
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// See how far the owner's schools have come.
    Owner,
    /// Decide who issues to whom at a school.
    Administration,
    /// Issue in a class, as far as the administration has decided.
    Issuer,
}

impl Role {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Administration => "administration",
            Role::Issuer => "issuer",
        }
    }
}

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Title {
    /// Skoleeier
    Owner,
    /// Rektor
    Principal,
    /// Assisterende rektor
    AssistantPrincipal,
    /// Sekretær
    Secretary,
    /// Inspektør
    Inspector,
    /// Kontaktlærer
    ContactTeacher,
    /// Faglærer
    SubjectTeacher,
    /// Rådgiver
    Adviser,
    /// Assistent
    Assistant,
}

impl Title {
    /// All that there are.
    pub const ALL: [Title; 9] = [
        Title::Owner,
        Title::Principal,
        Title::AssistantPrincipal,
        Title::Secretary,
        Title::Inspector,
        Title::ContactTeacher,
        Title::SubjectTeacher,
        Title::Adviser,
        Title::Assistant,
    ];

    /// Its name in tables and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Title::Owner => "owner",
            Title::Principal => "principal",
            Title::AssistantPrincipal => "assistant-principal",
            Title::Secretary => "secretary",
            Title::Inspector => "inspector",
            Title::ContactTeacher => "contact-teacher",
            Title::SubjectTeacher => "subject-teacher",
            Title::Adviser => "adviser",
            Title::Assistant => "assistant",
        }
    }

    /// What it gives.
    pub fn role(self) -> Role {
        match self {
            Title::Owner => Role::Owner,
            Title::Principal | Title::AssistantPrincipal | Title::Secretary | Title::Inspector => Role::Administration,
            Title::ContactTeacher | Title::SubjectTeacher | Title::Adviser | Title::Assistant => Role::Issuer,
        }
    }
}

impl TryFrom<String> for Title {
    type Error = String;

    fn try_from(text: String) -> Result<Title, String> {
        Title::ALL.into_iter().find(|title| title.name() == text).ok_or(text)
    }
}

/// Who owns schools: a municipality, a county, a foundation.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Owner {
    /// Its organisation number.
    pub orgno: Orgno,
    /// What it is called.
    pub name: String,
}

/// A school.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct School {
    /// Our id.
    pub id: SchoolId,
    /// Its organisation number.
    pub orgno: Orgno,
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub owner: Orgno,
}

/// A class.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Class {
    /// Our id.
    pub id: ClassId,
    /// Where it is.
    pub school: SchoolId,
    /// What it is called.
    pub name: String,
    /// Goes up with each change of what is decided in it.
    pub version: i64,
}

/// A class, and the name of its school.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Taught {
    /// The class.
    #[sqlx(flatten)]
    pub class: Class,
    /// What its school is called.
    pub school_name: String,
}

/// Somebody who may decide at a school. Only [`may_administer`] makes one.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Administrator {
    person: PersonId,
    #[sqlx(try_from = "String")]
    title: Title,
    #[sqlx(flatten)]
    school: School,
}

impl Administrator {
    /// Who.
    pub fn person(&self) -> &PersonId {
        &self.person
    }

    /// As what.
    pub fn title(&self) -> Title {
        self.title
    }

    /// Where.
    pub fn school(&self) -> &School {
        &self.school
    }
}

/// Somebody with a role in a class by which they can be let issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Employee {
    /// Who.
    pub person: PersonId,
    /// What the school calls them.
    pub name: String,
    /// What they are in the class.
    pub titles: Vec<Title>,
}

/// Somebody in a class, as the school's file has them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// What the school calls them.
    pub name: String,
}

/// A pupil, for the eyes of the school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pupil {
    /// Who.
    pub person: PersonId,
    /// What the population register calls them; what the school does, where it knows nothing, or where they are
    /// protected and may live under another name. It is the register's name that a pupil confirms: a wrong number in a
    /// school's file shows.
    pub name: String,
    /// Nobody may know where they live. They are not named outside the class.
    pub is_protected: bool,
    /// Their number, of which nobody is shown more than the last digits.
    fnr: Option<Fnr>,
}

/// All owners, by name.
pub async fn owners(db: impl AnyExecutor<'_>) -> sqlx::Result<Vec<Owner>> {
    const SQL: &str = "SELECT orgno, name FROM school_owner ORDER BY name, orgno";
    sqlx::query_as(SQL).fetch_all(db).await
}

/// An owner.
pub async fn owner(db: impl AnyExecutor<'_>, orgno: &Orgno) -> sqlx::Result<Option<Owner>> {
    const SQL: &str = "SELECT orgno, name FROM school_owner WHERE orgno = $1";
    sqlx::query_as(SQL).bind(orgno.as_str()).fetch_optional(db).await
}

/// Registers an owner; false and unchanged if it is there.
pub async fn add_owner(db: impl AnyExecutor<'_>, owner: &Owner, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str =
        "INSERT INTO school_owner (orgno, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (orgno) DO NOTHING";
    let query = sqlx::query(SQL).bind(owner.orgno.as_str()).bind(&owner.name).bind(now.seconds());
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// The owners that somebody acts for.
pub async fn owners_of(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Vec<Owner>> {
    const SQL: &str = "SELECT DISTINCT school_owner.orgno, school_owner.name FROM school_owner
        JOIN school_staff ON school_staff.owner = school_owner.orgno
        WHERE school_staff.person = $1 AND school_staff.role = 'owner' AND school_staff.removed_at IS NULL
        ORDER BY school_owner.name, school_owner.orgno";
    sqlx::query_as(SQL).bind(person.as_str()).fetch_all(db).await
}

/// The schools of an owner, by name.
pub async fn schools(db: impl AnyExecutor<'_>, owner: &Orgno) -> sqlx::Result<Vec<School>> {
    const SQL: &str = "SELECT id, orgno, name, owner FROM school WHERE owner = $1 AND removed_at IS NULL ORDER BY id";
    let mut all: Vec<School> = sqlx::query_as(SQL).bind(owner.as_str()).fetch_all(db).await?;
    all.sort_by_cached_key(|school| in_order(&school.name));
    Ok(all)
}

/// A school, by its id as it stands in an address.
pub async fn school(db: impl AnyExecutor<'_>, id: &str) -> sqlx::Result<Option<School>> {
    const SQL: &str = "SELECT id, orgno, name, owner FROM school WHERE id = $1 AND removed_at IS NULL";
    sqlx::query_as(SQL).bind(id).fetch_optional(db).await
}

/// The school with this number, one that is gone from its owner's file as well.
pub async fn school_with(db: impl AnyExecutor<'_>, orgno: &Orgno) -> sqlx::Result<Option<School>> {
    const SQL: &str = "SELECT id, orgno, name, owner FROM school WHERE orgno = $1";
    sqlx::query_as(SQL).bind(orgno.as_str()).fetch_optional(db).await
}

/// Whose the school with this number is or was.
pub async fn owner_of_school(db: impl AnyExecutor<'_>, orgno: &Orgno) -> sqlx::Result<Option<Orgno>> {
    const SQL: &str = "SELECT owner FROM school WHERE orgno = $1";
    sqlx::query_scalar(SQL).bind(orgno.as_str()).fetch_optional(db).await
}

/// The schools at which somebody may decide.
pub async fn schools_administered(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Vec<School>> {
    const SQL: &str = "SELECT DISTINCT school.id, school.orgno, school.name, school.owner FROM school
        JOIN school_staff ON school_staff.school = school.id
        WHERE school_staff.person = $1 AND school_staff.role = 'administration' AND school_staff.removed_at IS NULL
            AND school.removed_at IS NULL
        ORDER BY school.id";
    let mut all: Vec<School> = sqlx::query_as(SQL).bind(person.as_str()).fetch_all(db).await?;
    all.sort_by_cached_key(|school| in_order(&school.name));
    Ok(all)
}

/// Whether somebody may decide at the school with this id now.
pub async fn may_administer(
    db: impl AnyExecutor<'_>,
    person: &PersonId,
    school: &str,
) -> sqlx::Result<Option<Administrator>> {
    const SQL: &str =
        "SELECT school_staff.person, school_staff.title, school.id, school.orgno, school.name, school.owner
        FROM school JOIN school_staff ON school_staff.school = school.id
        WHERE school.id = $2 AND school_staff.person = $1 AND school_staff.role = 'administration'
            AND school_staff.removed_at IS NULL AND school.removed_at IS NULL
        ORDER BY school_staff.given_at, school_staff.title LIMIT 1";
    sqlx::query_as(SQL).bind(person.as_str()).bind(school).fetch_optional(db).await
}

/// Whether anybody else may decide at a school.
pub async fn has_others(db: impl AnyExecutor<'_>, administrator: &Administrator) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT 1 FROM school_staff WHERE owner = $1 AND school = $2 AND person <> $3
                           AND role = 'administration' AND removed_at IS NULL LIMIT 1";
    let school = &administrator.school;
    let query = sqlx::query(SQL).bind(school.owner.as_str()).bind(school.id.as_str());
    Ok(query.bind(administrator.person.as_str()).fetch_optional(db).await?.is_some())
}

/// The classes of a school, in their order.
pub async fn classes(db: impl AnyExecutor<'_>, school: &SchoolId) -> sqlx::Result<Vec<Class>> {
    const SQL: &str = "SELECT id, school, name, version FROM school_class
                       WHERE school = $1 AND removed_at IS NULL ORDER BY id";
    let mut all: Vec<Class> = sqlx::query_as(SQL).bind(school.as_str()).fetch_all(db).await?;
    all.sort_by_cached_key(|class| in_class_order(&class.name));
    Ok(all)
}

/// Who is in the classes of a school, each with their class.
#[derive(Debug, Default)]
pub struct Heads {
    /// Who can be let issue there.
    pub employees: Vec<(ClassId, PersonId)>,
    /// Who can be issued to.
    pub pupils: Vec<(ClassId, PersonId)>,
}

/// Who is in the classes of a school: nobody twice in the same one.
pub async fn heads(db: &Db, school: &School) -> sqlx::Result<Heads> {
    const EMPLOYEES: &str = "SELECT DISTINCT class, person FROM school_staff
        WHERE owner = $1 AND school = $2 AND class <> '' AND role = 'issuer' AND removed_at IS NULL";
    const PUPILS: &str = "SELECT school_pupil.class, school_pupil.person FROM school_pupil
        JOIN school_class ON school_class.id = school_pupil.class
        WHERE school_class.school = $1 AND school_pupil.removed_at IS NULL";
    let query = sqlx::query_as(EMPLOYEES).bind(school.owner.as_str()).bind(school.id.as_str());
    Ok(Heads {
        employees: query.fetch_all(db.pool()).await?,
        pupils: sqlx::query_as(PUPILS).bind(school.id.as_str()).fetch_all(db.pool()).await?,
    })
}

/// The classes of all schools of an owner, in their order.
pub async fn classes_of(db: impl AnyExecutor<'_>, owner: &Orgno) -> sqlx::Result<Vec<Class>> {
    const SQL: &str = "SELECT school_class.id, school_class.school, school_class.name, school_class.version
        FROM school_class JOIN school ON school.id = school_class.school
        WHERE school.owner = $1 AND school_class.removed_at IS NULL AND school.removed_at IS NULL
        ORDER BY school_class.id";
    let mut all: Vec<Class> = sqlx::query_as(SQL).bind(owner.as_str()).fetch_all(db).await?;
    all.sort_by_cached_key(|class| in_class_order(&class.name));
    Ok(all)
}

/// Who is in which class at all schools of an owner.
pub async fn pupils_of(db: impl AnyExecutor<'_>, owner: &Orgno) -> sqlx::Result<Vec<(ClassId, PersonId)>> {
    const SQL: &str = "SELECT school_pupil.class, school_pupil.person FROM school_pupil
        JOIN school_class ON school_class.id = school_pupil.class JOIN school ON school.id = school_class.school
        WHERE school.owner = $1 AND school_pupil.removed_at IS NULL";
    sqlx::query_as(SQL).bind(owner.as_str()).fetch_all(db).await
}

/// Who has a role by which they can be let issue in which class, at all schools of an owner.
pub async fn employees_of(db: impl AnyExecutor<'_>, owner: &Orgno) -> sqlx::Result<Vec<(ClassId, PersonId)>> {
    const SQL: &str = "SELECT class, person FROM school_staff
                       WHERE owner = $1 AND class <> '' AND role = 'issuer' AND removed_at IS NULL";
    sqlx::query_as(SQL).bind(owner.as_str()).fetch_all(db).await
}

/// A class, by its id as it stands in an address.
pub async fn class(db: impl AnyExecutor<'_>, id: &str) -> sqlx::Result<Option<Class>> {
    const SQL: &str = "SELECT id, school, name, version FROM school_class WHERE id = $1 AND removed_at IS NULL";
    sqlx::query_as(SQL).bind(id).fetch_optional(db).await
}

/// The classes in which somebody has a role by which they can be let issue.
pub async fn classes_taught(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Vec<Taught>> {
    const SQL: &str = "SELECT DISTINCT school_class.id, school_class.school, school_class.name, school_class.version,
            school.name AS school_name
        FROM school_class JOIN school ON school.id = school_class.school
        JOIN school_staff ON school_staff.class = school_class.id
        WHERE school_staff.person = $1 AND school_staff.role = 'issuer' AND school_staff.removed_at IS NULL
            AND school_class.removed_at IS NULL AND school.removed_at IS NULL
        ORDER BY school_class.id";
    let mut all: Vec<Taught> = sqlx::query_as(SQL).bind(person.as_str()).fetch_all(db).await?;
    all.sort_by_cached_key(|taught| (in_order(&taught.school_name), in_class_order(&taught.class.name)));
    Ok(all)
}

/// What somebody is in a class now, by which they can be let issue there; nothing, if they are not.
pub async fn title_in(db: impl AnyExecutor<'_>, person: &PersonId, class: &str) -> sqlx::Result<Option<Title>> {
    const SQL: &str = "SELECT title FROM school_staff
                       WHERE class = $2 AND person = $1 AND role = 'issuer' AND removed_at IS NULL
                       ORDER BY given_at, title LIMIT 1";
    let row: Option<(String,)> = sqlx::query_as(SQL).bind(person.as_str()).bind(class).fetch_optional(db).await?;
    Ok(row.and_then(|(title,)| Title::try_from(title).ok()))
}

/// What somebody is at any school or for any owner now; of several the oldest.
pub async fn some_title(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Option<Title>> {
    const SQL: &str = "SELECT title FROM school_staff
                       WHERE person = $1 AND removed_at IS NULL ORDER BY given_at, title LIMIT 1";
    let title: Option<String> = sqlx::query_scalar(SQL).bind(person.as_str()).fetch_optional(db).await?;
    Ok(title.and_then(|title| Title::try_from(title).ok()))
}

#[derive(sqlx::FromRow)]
struct EmployeeRow {
    person: PersonId,
    name: String,
    #[sqlx(try_from = "String")]
    title: Title,
}

/// Those with a role in a class by which they can be let issue, by name.
pub async fn employees(db: impl AnyExecutor<'_>, class: &ClassId) -> sqlx::Result<Vec<Employee>> {
    // The index of classes is of those who have one, and is used where that is said.
    const SQL: &str = "SELECT person, name, title FROM school_staff WHERE class = $1 AND class <> ''
                           AND role = 'issuer' AND removed_at IS NULL ORDER BY person, given_at, title";
    let rows: Vec<EmployeeRow> = sqlx::query_as(SQL).bind(class.as_str()).fetch_all(db).await?;
    let mut all: Vec<Employee> = Vec::new();
    for row in rows {
        match all.last_mut() {
            Some(last) if last.person == row.person => last.titles.push(row.title),
            _ => all.push(Employee { person: row.person, name: row.name, titles: vec![row.title] }),
        }
    }
    all.sort_by_cached_key(|employee| in_order(&employee.name));
    Ok(all)
}

/// Those who are in a class, as the school's file has them.
pub async fn members(db: impl AnyExecutor<'_>, class: &ClassId) -> sqlx::Result<Vec<Member>> {
    const SQL: &str = "SELECT person, name FROM school_pupil WHERE class = $1 AND removed_at IS NULL ORDER BY person";
    let mut all: Vec<Member> = sqlx::query_as(SQL).bind(class.as_str()).fetch_all(db).await?;
    all.sort_by_cached_key(|member| in_order(&member.name));
    Ok(all)
}

/// Somebody who is in a class now, by their id as it stands in an address.
pub async fn member(db: impl AnyExecutor<'_>, class: &ClassId, person: &str) -> sqlx::Result<Option<Member>> {
    const SQL: &str = "SELECT person, name FROM school_pupil WHERE class = $1 AND person = $2 AND removed_at IS NULL";
    sqlx::query_as(SQL).bind(class.as_str()).bind(person).fetch_optional(db).await
}

/// The pupils of a class, by name.
pub async fn pupils(world: &World, class: &ClassId) -> anyhow::Result<Vec<Pupil>> {
    let members = members(world.db.pool(), class).await?;
    let ids: Vec<PersonId> = members.iter().map(|member| member.person.clone()).collect();
    let people = Person::by_ids(&world.db, &ids).await?;
    let fnrs: Vec<&Fnr> = people.values().map(|person| &person.fnr).collect();
    let residents = world.population.find_all(&fnrs).await?;
    let seen = |member: Member| {
        let fnr = people.get(&member.person).map(|person| &person.fnr);
        seen(member, fnr, fnr.and_then(|fnr| residents.get(fnr)))
    };
    let mut all: Vec<Pupil> = members.into_iter().map(seen).collect();
    // Among namesakes the order says nothing: by their digits, those who have none would come first.
    all.sort_by_cached_key(|pupil| (in_order(&pupil.name), alias::mark(class, &pupil.person)));
    Ok(all)
}

/// Somebody with what the population register says of them.
fn seen(member: Member, fnr: Option<&Fnr>, resident: Option<&Resident>) -> Pupil {
    let is_protected = resident.is_some_and(|resident| resident.address == Address::Protected);
    let registered = resident.filter(|_| !is_protected);
    let registered = registered.map(|resident| format!("{} {}", resident.given_name, resident.family_name));
    let registered = registered.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    // Whose address is protected has no number here at all, and whom the register does not know neither: a register that
    // leaves protected people out tells nobody of them either.
    let fnr = fnr.filter(|_| resident.is_some() && !is_protected).cloned();
    Pupil { person: member.person, name: registered.unwrap_or(member.name), is_protected, fnr }
}

impl Pupil {
    /// The last digits of their number; none of those who are protected.
    fn digits(&self, count: usize) -> Option<String> {
        let digits = self.fnr.as_ref()?.as_str();
        digits.get(digits.len().checked_sub(count)?..).map(str::to_owned)
    }
}

/// What tells a pupil from another of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// The last digits of their number; none where one of the namesakes has no number here, or they would tell whose
    /// address is protected.
    pub digits: Option<String>,
    /// Letters that say nothing of them. They stand beside the code as well, where a class sees them.
    pub mark: String,
}

/// What tells pupils of a class apart who have the same name: as few of the last digits of their numbers, and as few
/// letters of their marks, as it takes. Nobody else is in it. They are to be those whom the reader sees: that there is
/// another one, whom they do not see, is not told.
pub fn told_apart<'a>(class: &ClassId, pupils: impl Iterator<Item = &'a Pupil>) -> HashMap<PersonId, Apart> {
    let mut by_name: HashMap<String, Vec<&Pupil>> = HashMap::new();
    for pupil in pupils {
        by_name.entry(pupil.name.to_lowercase()).or_default().push(pupil);
    }
    let mut all = HashMap::new();
    for alike in by_name.into_values().filter(|alike| alike.len() > 1) {
        let all_have_digits = alike.iter().all(|pupil| pupil.fnr.is_some());
        let differ = |count: &usize| {
            let ends: HashSet<String> = alike.iter().filter_map(|pupil| pupil.digits(*count)).collect();
            ends.len() == alike.len()
        };
        let count = (DIGITS_AT_LEAST..DIGITS_AT_MOST).find(differ).unwrap_or(DIGITS_AT_MOST);
        let marks: Vec<String> = alike.iter().map(|pupil| alias::mark(class, &pupil.person)).collect();
        let letters = as_many_as_differ(&marks);
        for (pupil, mark) in alike.into_iter().zip(marks) {
            let mark = mark.chars().take(letters).collect();
            let digits = pupil.digits(count).filter(|_| all_have_digits);
            all.insert(pupil.person.clone(), Apart { digits, mark });
        }
    }
    all
}

/// How many of their first letters it takes until no two marks are alike.
fn as_many_as_differ(marks: &[String]) -> usize {
    let differ = |count: &usize| {
        let begins: HashSet<&str> = marks.iter().filter_map(|mark| mark.get(..*count)).collect();
        begins.len() == marks.len()
    };
    (LETTERS_AT_LEAST..LETTERS_AT_MOST).find(differ).unwrap_or(LETTERS_AT_MOST)
}

/// Names as Norwegian orders them: æ, ø and å come last, in that order, which is not that of their numbers.
fn in_order(name: &str) -> String {
    name.to_lowercase().replace('å', "\u{f9}")
}

/// A piece of a class's name. Numbers come before letters, the shorter before the longer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Number(usize, String),
    Letters(String),
}

/// Names of classes as people order them: 1A, 2A, 9B, 10A.
fn in_class_order(name: &str) -> Vec<Piece> {
    let letters: Vec<char> = in_order(name).chars().filter(|letter| !letter.is_whitespace()).collect();
    let piece = |piece: &[char]| {
        let text: String = piece.iter().collect();
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return Piece::Letters(text);
        }
        let digits = text.trim_start_matches('0');
        Piece::Number(digits.len(), digits.to_owned())
    };
    letters.chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit()).map(piece).collect()
}

/// Takes a class's version from what was seen to the next; false if somebody was there before.
pub async fn bump(tx: &mut Tx, class: &ClassId, seen: i64) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE school_class SET version = version + 1 WHERE id = $1 AND version = $2";
    let query = sqlx::query(SQL).bind(class.as_str()).bind(seen);
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// What is registered of an owner, as a number that goes up with each change of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[sqlx(transparent)]
pub struct Version(i64);

/// All that is registered of an owner.
#[derive(Debug, Default)]
pub struct Stored {
    /// Of which version that is.
    pub version: Version,
    /// Its schools, those that are gone as well.
    pub schools: Vec<StoredSchool>,
    /// Their classes, those that are gone as well.
    pub classes: Vec<StoredClass>,
    /// The roles that are held.
    pub roles: Vec<StoredRole>,
    /// The pupils that are there.
    pub pupils: Vec<StoredPupil>,
}

/// A school that is or was there.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredSchool {
    /// Our id.
    pub id: SchoolId,
    /// Its organisation number.
    pub orgno: Orgno,
    /// What it is called.
    pub name: String,
    /// When it was gone from the file.
    pub removed_at: Option<Timestamp>,
}

/// A class that is or was there.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredClass {
    /// Our id.
    pub id: ClassId,
    /// Where it is.
    pub school: SchoolId,
    /// Its id in the file.
    pub source_id: String,
    /// What it is called.
    pub name: String,
    /// When it was gone from the file.
    pub removed_at: Option<Timestamp>,
}

/// A role that somebody has.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredRole {
    /// At which school; empty for all of the owner's.
    pub school: String,
    /// In which class; empty for the whole school.
    pub class: String,
    /// Who.
    pub person: PersonId,
    /// As what.
    #[sqlx(try_from = "String")]
    pub title: Title,
    /// What the file calls them.
    pub name: String,
}

/// Somebody in a class.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredPupil {
    /// In which.
    pub class: ClassId,
    /// Who.
    pub person: PersonId,
    /// What the file calls them.
    pub name: String,
}

/// Which version of an owner there is; none, if it is not registered.
pub async fn version(db: &Db, owner: &Orgno) -> sqlx::Result<Option<Version>> {
    const SQL: &str = "SELECT version FROM school_owner WHERE orgno = $1";
    sqlx::query_scalar(SQL).bind(owner.as_str()).fetch_optional(db.pool()).await
}

/// Reads all that is registered of an owner, and which version of it this is. It takes a while, and nobody waits for it:
/// whoever changes something by it asks whether it is still so ([`is_still`]).
pub async fn stored(db: &Db, owner: &Orgno) -> sqlx::Result<Stored> {
    const SCHOOLS: &str = "SELECT id, orgno, name, removed_at FROM school WHERE owner = $1";
    const CLASSES: &str = "SELECT id, school, source_id, name, removed_at FROM school_class
                           WHERE school IN (SELECT id FROM school WHERE owner = $1)";
    const ROLES: &str =
        "SELECT school, class, person, title, name FROM school_staff WHERE owner = $1 AND removed_at IS NULL";
    const PUPILS: &str = "SELECT school_pupil.class, school_pupil.person, school_pupil.name FROM school_pupil
        JOIN school_class ON school_class.id = school_pupil.class JOIN school ON school.id = school_class.school
        WHERE school.owner = $1 AND school_pupil.removed_at IS NULL";
    // First: what is changed meanwhile is of a later version.
    let version = version(db, owner).await?.unwrap_or_default();
    let (db, owner) = (db.pool(), owner.as_str());
    Ok(Stored {
        version,
        schools: sqlx::query_as(SCHOOLS).bind(owner).fetch_all(db).await?,
        classes: sqlx::query_as(CLASSES).bind(owner).fetch_all(db).await?,
        roles: sqlx::query_as(ROLES).bind(owner).fetch_all(db).await?,
        pupils: sqlx::query_as(PUPILS).bind(owner).fetch_all(db).await?,
    })
}

/// Whether what is registered of an owner is what was read. Then whoever else changes it waits until this transaction is
/// through, and finds another version.
pub async fn is_still(tx: &mut Tx, owner: &Orgno, seen: &Stored) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE school_owner SET version = version + 1 WHERE orgno = $1 AND version = $2";
    let query = sqlx::query(SQL).bind(owner.as_str()).bind(seen.version.0);
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// What is registered of an owner is another version from now on, and whoever else changes it waits until this
/// transaction is through.
pub async fn change(tx: &mut Tx, owner: &Orgno) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE school_owner SET version = version + 1 WHERE orgno = $1";
    sqlx::query(SQL).bind(owner.as_str()).execute(&mut **tx).await.map(|_| ())
}

/// Whose the schools with these numbers are or were.
pub async fn owners_of_schools(db: &Db, orgnos: &[&Orgno]) -> sqlx::Result<HashMap<Orgno, Orgno>> {
    static SQL: Several = Several::of("SELECT orgno, owner FROM school WHERE orgno IN (VALUES ($1))");
    let mut all = HashMap::new();
    for (sql, some) in SQL.each(orgnos) {
        let query = some.iter().fold(sqlx::query_as(sql), |query, orgno| query.bind(orgno.as_str()));
        let rows: Vec<(Orgno, Orgno)> = query.fetch_all(db.pool()).await?;
        all.extend(rows);
    }
    Ok(all)
}

/// The roles that are held at a school and in its classes.
pub async fn roles_at(tx: &mut Tx, school: &School) -> sqlx::Result<Vec<StoredRole>> {
    const SQL: &str = "SELECT school, class, person, title, name FROM school_staff
                       WHERE owner = $1 AND school = $2 AND removed_at IS NULL ORDER BY class, person, title";
    let query = sqlx::query_as(SQL).bind(school.owner.as_str()).bind(school.id.as_str());
    query.fetch_all(&mut **tx).await
}

/// A school is another owner's from now on.
pub async fn change_owner(tx: &mut Tx, school: &SchoolId, to: &Orgno) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE school SET owner = $2 WHERE id = $1";
    sqlx::query(SQL).bind(school.as_str()).bind(to.as_str()).execute(&mut **tx).await.map(|_| ())
}

/// Schools that are new; false, if another owner has entered one at the same instant.
pub async fn enter_schools(
    tx: &mut Tx,
    owner: &Orgno,
    new: &[(&SchoolId, &Orgno, &str)],
    now: Timestamp,
) -> sqlx::Result<bool> {
    static SQL: Several = Several::of(
        "INSERT INTO school (id, owner, orgno, name, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (orgno) DO NOTHING",
    );
    let mut entered = 0;
    for (sql, some) in SQL.each(new) {
        let query = some.iter().fold(sqlx::query(sql), |query, (id, orgno, name)| {
            query.bind(id.as_str()).bind(owner.as_str()).bind(orgno.as_str()).bind(*name).bind(now.seconds())
        });
        entered += query.execute(&mut **tx).await?.rows_affected();
    }
    Ok(usize::try_from(entered).is_ok_and(|entered| entered == new.len()))
}

/// Schools that are there, or are again, under these names.
pub async fn keep_schools(tx: &mut Tx, kept: &[(&SchoolId, &str)]) -> sqlx::Result<()> {
    static SQL: Several = Several::of(
        "UPDATE school SET name = place.column2, removed_at = NULL FROM (VALUES ($1, $2)) AS place
         WHERE school.id = place.column1",
    );
    for (sql, some) in SQL.each(kept) {
        let query = some.iter().fold(sqlx::query(sql), |query, (id, name)| query.bind(id.as_str()).bind(*name));
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// A school that is gone.
pub async fn remove_school(tx: &mut Tx, id: &SchoolId, now: Timestamp) -> sqlx::Result<()> {
    remove_schools(tx, &[id], now).await
}

/// Schools that are gone.
pub async fn remove_schools(tx: &mut Tx, gone: &[&SchoolId], now: Timestamp) -> sqlx::Result<()> {
    static SQL: Several =
        Several::of("UPDATE school SET removed_at = $1 WHERE removed_at IS NULL AND id IN (VALUES ($2))");
    for (sql, some) in SQL.each(gone) {
        let query = sqlx::query(sql).bind(now.seconds());
        some.iter().fold(query, |query, id| query.bind(id.as_str())).execute(&mut **tx).await?;
    }
    Ok(())
}

/// A class that is new.
#[derive(Debug, Clone, Copy)]
pub struct NewClass<'a> {
    /// Our id.
    pub id: &'a ClassId,
    /// Where it is.
    pub school: &'a SchoolId,
    /// Its id in the file.
    pub source_id: &'a str,
    /// What it is called.
    pub name: &'a str,
}

/// Classes that are new.
pub async fn enter_classes(tx: &mut Tx, new: &[NewClass<'_>], now: Timestamp) -> sqlx::Result<()> {
    static SQL: Several = Several::of(
        "INSERT INTO school_class (id, school, source_id, name, version, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
    );
    for (sql, some) in SQL.each(new) {
        let query = some.iter().fold(sqlx::query(sql), |query, class| {
            let query = query.bind(class.id.as_str()).bind(class.school.as_str()).bind(class.source_id);
            query.bind(class.name).bind(1_i64).bind(now.seconds())
        });
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Classes that are there, or are again, under these names.
pub async fn keep_classes(tx: &mut Tx, kept: &[(&ClassId, &str)]) -> sqlx::Result<()> {
    static SQL: Several = Several::of(
        "UPDATE school_class SET name = place.column2, removed_at = NULL FROM (VALUES ($1, $2)) AS place
         WHERE school_class.id = place.column1",
    );
    for (sql, some) in SQL.each(kept) {
        let query = some.iter().fold(sqlx::query(sql), |query, (id, name)| query.bind(id.as_str()).bind(*name));
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Classes that are gone.
pub async fn remove_classes(tx: &mut Tx, gone: &[&ClassId], now: Timestamp) -> sqlx::Result<()> {
    static SQL: Several =
        Several::of("UPDATE school_class SET removed_at = $1 WHERE removed_at IS NULL AND id IN (VALUES ($2))");
    for (sql, some) in SQL.each(gone) {
        let query = sqlx::query(sql).bind(now.seconds());
        some.iter().fold(query, |query, id| query.bind(id.as_str())).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Whoever decides something in one of these classes waits until this transaction is through.
pub async fn hold_classes(tx: &mut Tx, ids: &[&str]) -> sqlx::Result<()> {
    static SQL: Several = Several::of("UPDATE school_class SET version = version WHERE id IN (VALUES ($1))");
    for (sql, some) in SQL.each(ids) {
        some.iter().fold(sqlx::query(sql), |query, id| query.bind(*id)).execute(&mut **tx).await?;
    }
    Ok(())
}

/// A role that somebody gets, or has under another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given<'a> {
    /// At which school; empty for all of the owner's.
    pub school: &'a str,
    /// In which class; empty for the whole school.
    pub class: &'a str,
    /// Who.
    pub person: &'a PersonId,
    /// As what.
    pub title: Title,
    /// What the file calls them.
    pub name: &'a str,
}

/// Gives roles, or other names in those that are held: no role twice.
pub async fn give(tx: &mut Tx, owner: &Orgno, roles: &[Given<'_>], now: Timestamp) -> sqlx::Result<()> {
    static SQL: Several = Several::of(
        "INSERT INTO school_staff (owner, school, class, person, title, role, name, given_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (owner, school, class, person, title) DO UPDATE SET name = excluded.name,
             given_at = CASE WHEN school_staff.removed_at IS NULL THEN school_staff.given_at ELSE excluded.given_at END,
             removed_at = NULL",
    );
    for (sql, some) in SQL.each(roles) {
        let query = some.iter().fold(sqlx::query(sql), |query, role| {
            let query = query.bind(owner.as_str()).bind(role.school).bind(role.class).bind(role.person.as_str());
            query.bind(role.title.name()).bind(role.title.role().name()).bind(role.name).bind(now.seconds())
        });
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Ends roles that are held.
pub async fn end(tx: &mut Tx, owner: &Orgno, roles: &[&StoredRole], now: Timestamp) -> sqlx::Result<()> {
    static SQL: Several = Several::of(
        // Nothing else: of a table that is new, Postgres believes that a condition more leaves hardly a row, and reads all.
        "UPDATE school_staff SET removed_at = $1
         WHERE (owner, school, class, person, title) IN (VALUES ($2, $3, $4, $5, $6))",
    );
    for (sql, some) in SQL.each(roles) {
        let query = sqlx::query(sql).bind(now.seconds());
        let query = some.iter().fold(query, |query, role| {
            query
                .bind(owner.as_str())
                .bind(&role.school)
                .bind(&role.class)
                .bind(role.person.as_str())
                .bind(role.title.name())
        });
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Puts some in their classes, or gives them another name there: nobody twice in the same one.
pub async fn put_pupils(tx: &mut Tx, some: &[(&ClassId, &PersonId, &str)], now: Timestamp) -> sqlx::Result<()> {
    static SQL: Several = Several::of(
        "INSERT INTO school_pupil (class, person, name, added_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (class, person) DO UPDATE SET name = excluded.name, removed_at = NULL",
    );
    for (sql, some) in SQL.each(some) {
        let query = some.iter().fold(sqlx::query(sql), |query, (class, person, name)| {
            query.bind(class.as_str()).bind(person.as_str()).bind(*name).bind(now.seconds())
        });
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Takes some who are there out of their classes.
pub async fn remove_pupils(tx: &mut Tx, some: &[(&str, &PersonId)], now: Timestamp) -> sqlx::Result<()> {
    static SQL: Several =
        Several::of("UPDATE school_pupil SET removed_at = $1 WHERE (class, person) IN (VALUES ($2, $3))");
    for (sql, some) in SQL.each(some) {
        let query = sqlx::query(sql).bind(now.seconds());
        let query = some.iter().fold(query, |query, (class, person)| query.bind(*class).bind(person.as_str()));
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_organisations() {
        assert_eq!(Orgno::parse("974 589 095").as_ref().map(Orgno::as_str), Some("974589095"));
        for wrong in ["", "97458909", "9745890955", "97458909a", "９７４５８９０９５"] {
            assert_eq!(Orgno::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_ordered_as_in_norwegian() {
        let mut names = ["Åse", "Øystein", "ægir", "Zoe", "anne"];
        names.sort_by_cached_key(|name| in_order(name));
        assert_eq!(names, ["anne", "Zoe", "ægir", "Øystein", "Åse"]);
    }

    #[test]
    fn classes_are_ordered_as_people_do() {
        let sorted =
            ["", "1A", "1 b", "1Å", "2A", "09A", "9B", "10", "10A", "10Ø", "10Å", "A1", "VG 1", "VG2", "VG10", "Å"];
        let mut names = sorted;
        names.sort_unstable();
        names.sort_by_cached_key(|name| in_class_order(name));
        assert_eq!(names, sorted);
    }

    #[test]
    fn as_few_digits_as_it_takes() {
        let policy = authenticators::person::FnrPolicy { real: true, synthetic: true, expanded: false };
        let pupil = |id: &str, name: &str, fnr: Option<&str>| Pupil {
            person: serde_json::from_str(&format!("{id:?}")).unwrap(),
            name: name.to_owned(),
            is_protected: fnr.is_none(),
            fnr: fnr.map(|fnr| Fnr::parse(fnr, policy).unwrap()),
        };
        let all = [
            pupil("a", "Kari Ås", Some("05895894984")),
            pupil("b", "kari ås", Some("28816196088")),
            pupil("c", "Kari Ås", None),
            pupil("d", "Ola Ås", Some("47906701517")),
            pupil("e", "Per Ås", Some("20914695016")),
            pupil("f", "Per Ås", None),
        ];
        let class = ClassId("10A".to_owned());
        let found = told_apart(&class, all.iter());
        let digits = |found: &HashMap<PersonId, Apart>| {
            let mut digits: Vec<_> =
                found.iter().map(|(id, apart)| (id.as_str().to_owned(), apart.digits.clone())).collect();
            digits.sort_unstable();
            digits.into_iter().map(|(id, digits)| format!("{id} {}", digits.unwrap_or_default())).collect::<Vec<_>>()
        };
        // Among those without digits is one whom they would tell of.
        assert_eq!(digits(&found), ["a ", "b ", "c ", "e ", "f "]);
        assert!(told_apart(&class, all.iter().skip(3).take(2)).is_empty());
        // A mark is the same whoever else is seen, but for its length.
        let some = told_apart(&class, all.iter().take(2));
        assert_eq!(digits(&some), ["a 84", "b 88"]);
        // Three digits are the most, also where they are the same.
        let alike = [pupil("a", "Bo Ås", Some("27818500071")), pupil("b", "Bo Ås", Some("01818503071"))];
        let found = told_apart(&class, alike.iter());
        assert_eq!(digits(&found), ["a 071", "b 071"]);
        assert_ne!(found[&alike[0].person].mark, found[&alike[1].person].mark);
        for pupil in &all[..2] {
            let [whole, part] = [&found, &some].map(|apart| &apart[&pupil.person].mark);
            assert!(whole.starts_with(part.as_str()) && part.len() >= 2, "{whole} {part}");
        }
        assert!(!format!("{all:?}").contains("94984"), "{all:?}");
    }

    #[test]
    fn as_few_letters_as_it_takes() {
        let check = |marks: &[&str], expected: usize| {
            let marks: Vec<String> = marks.iter().map(|mark| (*mark).to_owned()).collect();
            assert_eq!(as_many_as_differ(&marks), expected, "{marks:?}");
        };
        check(&["BCDFGHKL", "BDDFGHKL"], 2);
        check(&["BCDFGHKL", "BCDGGHKL", "ZZZZZZZZ"], 4);
        check(&["BCDFGHKL", "BCDFGHKL"], 8);
    }

    #[test]
    fn titles_are_read_back() {
        for title in Title::ALL {
            assert_eq!(Title::try_from(title.name().to_owned()), Ok(title));
        }
        assert!(Title::try_from("janitor".to_owned()).is_err());
    }
}
