//! What school owners' files say: `OneRoster` 1.1 as a folder of CSV, or one plain CSV with a line for each role and
//! pupil, read row by row into a [`Roster`].
//!
//! What is said of a row names its number, and never its content, which is a person's.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use authenticators::clock::Timestamp;
use authenticators::person::{Fnr, FnrPolicy, FnrProblem};
use idp::registration;
use serde::{Deserialize, Serialize};

use super::register::{Orgno, Role, Title};

/// Rows of a file at the most: more than all pupils and teachers of the country.
pub const ROWS_AT_MOST: u64 = 2_000_000;
/// Bytes of a row: a quotation mark that is not closed would make the whole file one.
const ROW_AT_MOST: usize = 64 * 1024;
/// Objections that are told one by one.
const OBJECTIONS_AT_MOST: usize = 100;
/// Letters of a name.
const NAME_AT_MOST: usize = 200;
const TOO_LONG: &str = "the row is too long; is a quotation mark not closed?";

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// In which file of several; empty where there is one.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub file: &'static str,
    /// On which line.
    pub row: u64,
    /// What.
    pub detail: String,
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.file {
            "" => write!(f, "row {}: {}", self.row, self.detail),
            file => write!(f, "{file} row {}: {}", self.row, self.detail),
        }
    }
}

/// All that is wrong with a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Objections {
    /// The first of it.
    pub errors: Vec<RowError>,
    /// How much more there is.
    pub more: u64,
}

impl Objections {
    pub(super) fn add(&mut self, (file, row): Place, detail: impl Into<String>) {
        match self.errors.len() < OBJECTIONS_AT_MOST {
            true => self.errors.push(RowError { file, row, detail: detail.into() }),
            false => self.more += 1,
        }
    }
}

/// A file of several, and a line in it.
pub(super) type Place = (&'static str, u64);

/// What a school owner's file says.
#[derive(Debug, Default)]
pub struct Roster {
    pub(super) people: Vec<Somebody>,
    pub(super) schools: Vec<RosterSchool>,
    pub(super) classes: Vec<RosterClass>,
    pub(super) roles: Vec<RosterRole>,
    pub(super) pupils: Vec<RosterPupil>,
}

#[derive(Debug)]
pub(super) struct Somebody {
    pub(super) fnr: Fnr,
    pub(super) name: Box<str>,
}

#[derive(Debug)]
pub(super) struct RosterSchool {
    pub(super) orgno: Orgno,
    pub(super) name: String,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) struct RosterClass {
    pub(super) school: usize,
    pub(super) source_id: String,
    pub(super) name: String,
}

/// Where a role is held, by the index of the school or the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    Owner,
    School(usize),
    Class(usize),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct RosterRole {
    pub(super) scope: Scope,
    pub(super) person: usize,
    pub(super) title: Title,
}

#[derive(Debug)]
pub(super) struct RosterPupil {
    pub(super) class: usize,
    pub(super) person: usize,
}

impl Roster {
    /// How many people are in it.
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// How many places of pupils in classes.
    pub fn pupils(&self) -> usize {
        self.pupils.len()
    }

    /// A place in words.
    pub(super) fn named(&self, scope: Scope) -> String {
        let school = |index: usize| self.schools.get(index).map_or("", |school| school.name.as_str());
        match scope {
            Scope::Owner => "of the owner".to_owned(),
            Scope::School(index) => format!("at {}", school(index)),
            Scope::Class(index) => match self.classes.get(index) {
                Some(class) => format!("in {} at {}", class.name, school(class.school)),
                None => String::new(),
            },
        }
    }
}

/// A row of the plain kind.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The school's organisation number; of a school owner, its own or none.
    #[serde(default)]
    pub orgno: String,
    /// What the school is called.
    #[serde(default)]
    pub skole: String,
    /// The class, for those who have one.
    #[serde(default)]
    pub klasse: String,
    /// `elev`, `kontaktlærer`, `rektor` …
    pub rolle: String,
    /// Fødselsnummer or D-number.
    pub fnr: String,
    /// First and middle names.
    #[serde(default)]
    pub fornavn: String,
    /// Surname.
    #[serde(default)]
    pub etternavn: String,
}

/// For whom a file is read, and which people are let in.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The school owner.
    pub owner: &'a Orgno,
    /// Which identifiers are let in.
    pub people: FnrPolicy,
}

impl Reader<'_> {
    /// Reads a plain CSV: its first row names the columns `orgno;skole;klasse;rolle;fnr;fornavn;etternavn`.
    pub fn plain(&self, input: impl BufRead) -> Result<Roster, Objections> {
        let mut roster = Builder::new(self);
        match self.plain_rows(input, &mut roster) {
            Ok(()) => roster.finish(),
            Err(error) => Err(roster.stopped(error)),
        }
    }

    fn plain_rows(&self, input: impl BufRead, roster: &mut Builder) -> Result<(), RowError> {
        let mut table = Table::open(input, "")?;
        table.must_have(&["orgno", "skole", "klasse", "rolle", "fnr", "fornavn", "etternavn"])?;
        while let Some(row) = table.next()? {
            let text = |column| table.get(column).into_owned();
            let line = Line {
                orgno: text("orgno"),
                skole: text("skole"),
                klasse: text("klasse"),
                rolle: text("rolle"),
                fnr: text("fnr"),
                fornavn: text("fornavn"),
                etternavn: text("etternavn"),
            };
            roster.take(self.owner, &line, row);
        }
        Ok(())
    }

    /// Takes rows that came as JSON.
    pub fn rows(&self, lines: &[Line]) -> Result<Roster, Objections> {
        let mut roster = Builder::new(self);
        for (row, line) in (1..).zip(lines) {
            roster.take(self.owner, line, row);
        }
        roster.finish()
    }

    /// Reads a folder with the CSV files of `OneRoster` 1.1. What is over today is left out.
    pub fn oneroster(&self, folder: &Path, now: Timestamp) -> Result<Roster, Objections> {
        let mut roster = Builder::new(self);
        match one_roster(folder, &mut roster, &today(now)) {
            Ok(()) => roster.finish(),
            Err(error) => Err(roster.stopped(error)),
        }
    }
}

/// What day it is in Norway, as `OneRoster` writes days.
fn today(now: Timestamp) -> String {
    let oslo = jiff::tz::TimeZone::get("Europe/Oslo").unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_second(now.seconds()).unwrap_or_default().to_zoned(oslo).date().to_string()
}

/// Lets no more through than a row may be long, until it is told that a row is over.
struct Capped<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(TOO_LONG));
        }
        let count = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}

/// A CSV file whose first row names its columns.
struct Table<R> {
    file: &'static str,
    reader: csv::Reader<Capped<R>>,
    record: csv::ByteRecord,
    columns: HashMap<String, usize>,
    rows: u64,
}

impl<R: BufRead> Table<R> {
    fn open(mut input: R, file: &'static str) -> Result<Table<R>, RowError> {
        let failed = |_| RowError { file, row: 1, detail: "the file cannot be read".to_owned() };
        if input.fill_buf().map_err(failed)?.starts_with(b"\xef\xbb\xbf") {
            input.consume(3);
        }
        let first = input.fill_buf().map_err(failed)?.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let delimiter = if first.contains(&b';') { b';' } else { b',' };
        // With the library's own ends of lines it counts one too few where they are of two characters.
        let mut builder = csv::ReaderBuilder::new();
        let builder = builder.delimiter(delimiter).terminator(csv::Terminator::Any(b'\n'));
        let builder = builder.has_headers(false).flexible(true);
        let reader = builder.from_reader(Capped { inner: input, left: ROW_AT_MOST });
        let record = csv::ByteRecord::new();
        let mut table = Table { file, reader, record, columns: HashMap::new(), rows: 0 };
        if table.next()?.is_none() {
            return Err(RowError { file, row: 1, detail: "the file is empty".to_owned() });
        }
        let names = table.record.iter().map(|name| decoded(name).trim().to_lowercase());
        table.columns = names.zip(0..).collect();
        Ok(table)
    }

    fn must_have(&self, columns: &[&str]) -> Result<(), RowError> {
        match columns.iter().all(|column| self.columns.contains_key(*column)) {
            true => Ok(()),
            false => {
                let detail = format!("the first row must name the columns {}", columns.join(", "));
                Err(RowError { file: self.file, row: 1, detail })
            }
        }
    }

    /// Reads the next row that is not empty; its line.
    fn next(&mut self) -> Result<Option<u64>, RowError> {
        loop {
            self.reader.get_mut().left = ROW_AT_MOST;
            let row = self.reader.position().line();
            let error = |detail: String| RowError { file: self.file, row, detail };
            let is_there = self.reader.read_byte_record(&mut self.record).map_err(|wrong| {
                // What the library says of it may quote it.
                let is_long = wrong.to_string().contains(TOO_LONG);
                error(if is_long { TOO_LONG } else { "the row cannot be read" }.to_owned())
            })?;
            if !is_there {
                return Ok(None);
            }
            self.rows += 1;
            if self.rows > ROWS_AT_MOST {
                return Err(error(format!("more than {ROWS_AT_MOST} rows are not taken at once")));
            }
            if !self.record.iter().all(|field| field.trim_ascii().is_empty()) {
                return Ok(Some(self.record.position().map_or(row, csv::Position::line)));
            }
        }
    }

    /// A field of the row; empty if it is not there.
    fn get(&self, column: &str) -> Cow<'_, str> {
        let field = self.columns.get(column).and_then(|index| self.record.get(*index)).unwrap_or_default();
        match decoded(field) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        }
    }
}

/// A field's letters: UTF-8, or what Excel in Norway writes.
fn decoded(field: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(field) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(field).0,
    }
}

/// What somebody is in a class or at a school.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Pupil,
    Staff(Title),
}

/// What a word of a file means, in Bokmål or Nynorsk.
fn part(word: &str) -> Option<Part> {
    Some(match word.to_lowercase().as_str() {
        "elev" => Part::Pupil,
        "skoleeier" | "skuleeigar" => Part::Staff(Title::Owner),
        "rektor" => Part::Staff(Title::Principal),
        "assisterende rektor" | "assisterande rektor" => Part::Staff(Title::AssistantPrincipal),
        "sekretær" => Part::Staff(Title::Secretary),
        "inspektør" => Part::Staff(Title::Inspector),
        "kontaktlærer" | "kontaktlærar" => Part::Staff(Title::ContactTeacher),
        "faglærer" | "faglærar" => Part::Staff(Title::SubjectTeacher),
        "rådgiver" | "rådgivar" => Part::Staff(Title::Adviser),
        "assistent" => Part::Staff(Title::Assistant),
        _ => return None,
    })
}

/// Puts rows together, and keeps count of what is wrong with them.
struct Builder {
    policy: FnrPolicy,
    roster: Roster,
    people: HashMap<Fnr, usize>,
    schools: HashMap<Orgno, usize>,
    classes: HashMap<(usize, String), usize>,
    roles: HashSet<(Scope, usize, Title)>,
    /// With the line on which each stands.
    pupils: HashMap<(usize, usize), Place>,
    objections: Objections,
}

impl Builder {
    fn new(reader: &Reader<'_>) -> Builder {
        Builder {
            policy: reader.people,
            roster: Roster::default(),
            people: HashMap::new(),
            schools: HashMap::new(),
            classes: HashMap::new(),
            roles: HashSet::new(),
            pupils: HashMap::new(),
            objections: Objections::default(),
        }
    }

    /// Takes a row of the plain kind.
    fn take(&mut self, owner: &Orgno, line: &Line, row: u64) {
        if let Err(why) = self.read(owner, line, ("", row)) {
            self.objections.add(("", row), why);
        }
    }

    fn read(&mut self, owner: &Orgno, line: &Line, place: Place) -> Result<(), Cow<'static, str>> {
        let part = part(line.rolle.trim()).ok_or("rolle: not one that is known")?;
        let (orgno, class) = (line.orgno.trim(), line.klasse.trim());
        if part == Part::Staff(Title::Owner) {
            if !orgno.is_empty() && Orgno::parse(orgno).as_ref() != Some(owner) {
                return Err("orgno: a school owner's own, or none, on a row of its own people".into());
            }
            if !line.skole.trim().is_empty() || !class.is_empty() {
                return Err("skole, klasse: must be empty for those who act for the owner".into());
            }
            let person = self.person(&line.fnr, &line.fornavn, &line.etternavn)?;
            self.role(Scope::Owner, person, Title::Owner);
            return Ok(());
        }
        let school = self.school(place, orgno, &line.skole)?;
        let scope = match part {
            Part::Staff(title) if title.role() == Role::Administration => {
                if !class.is_empty() {
                    return Err("klasse: must be empty for those who act for the whole school".into());
                }
                Scope::School(school)
            }
            _ => Scope::Class(self.class(school, class, class)?),
        };
        let person = self.person(&line.fnr, &line.fornavn, &line.etternavn)?;
        match (part, scope) {
            (Part::Pupil, Scope::Class(class)) => match self.pupil(class, person, place) {
                Some((_, before)) => Err(format!("the same pupil in the same class as on row {before}").into()),
                None => Ok(()),
            },
            (Part::Staff(title), scope) => {
                self.role(scope, person, title);
                Ok(())
            }
            (Part::Pupil, _) => Err("klasse: is missing".into()),
        }
    }

    fn school(&mut self, place: Place, orgno: &str, name: &str) -> Result<usize, &'static str> {
        let orgno = Orgno::parse(orgno).ok_or("orgno: not an organisation number of nine digits")?;
        let name = plain(name).ok_or("skole: not a name")?;
        if let Some(known) = self.schools.get(&orgno) {
            return Ok(*known);
        }
        let index = self.roster.schools.len();
        self.schools.insert(orgno.clone(), index);
        self.roster.schools.push(RosterSchool { orgno, name: name.to_owned(), place });
        Ok(index)
    }

    fn class(&mut self, school: usize, source_id: &str, name: &str) -> Result<usize, &'static str> {
        let (Some(source_id), Some(name)) = (plain(source_id), plain(name)) else {
            return Err("klasse: is missing, or not a name");
        };
        let key = (school, source_id.to_owned());
        if let Some(known) = self.classes.get(&key) {
            return Ok(*known);
        }
        let index = self.roster.classes.len();
        self.classes.insert(key, index);
        self.roster.classes.push(RosterClass { school, source_id: source_id.to_owned(), name: name.to_owned() });
        Ok(index)
    }

    fn person(&mut self, fnr: &str, given_name: &str, family_name: &str) -> Result<usize, &'static str> {
        let fnr = Fnr::parse(fnr, self.policy).map_err(in_words)?;
        let name = format!("{} {}", given_name.trim(), family_name.trim());
        let name = plain(&name).ok_or("fornavn, etternavn: not a name")?;
        if let Some(known) = self.people.get(&fnr) {
            return Ok(*known);
        }
        let index = self.roster.people.len();
        self.people.insert(fnr.clone(), index);
        self.roster.people.push(Somebody { fnr, name: name.into() });
        Ok(index)
    }

    fn role(&mut self, scope: Scope, person: usize, title: Title) {
        if self.roles.insert((scope, person, title)) {
            self.roster.roles.push(RosterRole { scope, person, title });
        }
    }

    /// Puts a pupil in a class; where they stand already, if they do.
    fn pupil(&mut self, class: usize, person: usize, place: Place) -> Option<Place> {
        if let Some(before) = self.pupils.get(&(class, person)) {
            return Some(*before);
        }
        self.pupils.insert((class, person), place);
        self.roster.pupils.push(RosterPupil { class, person });
        None
    }

    /// The file could not be read to its end.
    fn stopped(mut self, error: RowError) -> Objections {
        self.objections.errors.insert(0, error);
        self.objections
    }

    fn finish(mut self) -> Result<Roster, Objections> {
        for role in &self.roster.roles {
            let Scope::Class(class) = role.scope else { continue };
            if let Some(place) = self.pupils.get(&(class, role.person)) {
                self.objections.add(*place, "somebody who works in the class is no pupil of it");
            }
        }
        // An empty file would end all that there is.
        if self.roster.roles.is_empty() && self.roster.pupils.is_empty() && self.objections.errors.is_empty() {
            self.objections.add(("", 1), "nobody is in the file");
        }
        if self.objections.errors.is_empty() { Ok(self.roster) } else { Err(self.objections) }
    }
}

/// A name that can be shown on one line.
fn plain(name: &str) -> Option<&str> {
    let name = name.trim();
    (registration::is_plain(name) && name.chars().count() <= NAME_AT_MOST).then_some(name)
}

fn in_words(problem: FnrProblem) -> &'static str {
    match problem {
        FnrProblem::Empty => "fnr: is missing",
        FnrProblem::Digits => "fnr: a fødselsnummer or D-number has eleven digits",
        FnrProblem::Invalid => "fnr: not a fødselsnummer or D-number, date or check digits are wrong",
        FnrProblem::Synthetic => "fnr: synthetic people are not let in here",
        FnrProblem::Real => "fnr: real people are not let in here",
    }
}

/// Somebody in `users.csv`.
struct User {
    place: Place,
    fnr: String,
    given_name: String,
    family_name: String,
    is_aide: bool,
}

const ORGS: &str = "orgs.csv";
const CLASSES: &str = "classes.csv";
const USERS: &str = "users.csv";
const ENROLLMENTS: &str = "enrollments.csv";

fn one_roster(folder: &Path, roster: &mut Builder, today: &str) -> Result<(), RowError> {
    is_whole(folder)?;
    let orgs = orgs(folder, roster)?;
    let classes = one_roster_classes(folder, roster, &orgs)?;
    let users = users(folder, roster, &orgs)?;
    enrollments(folder, roster, (&classes, &users), today)
}

fn open(folder: &Path, file: &'static str) -> Result<Table<BufReader<File>>, RowError> {
    let opened = File::open(folder.join(file));
    let opened = opened.map_err(|_| RowError { file, row: 0, detail: "the file cannot be opened".to_owned() })?;
    Table::open(BufReader::new(opened), file)
}

/// `OneRoster` 1.1 section 5: the manifest tells the version, and whether the files say all that there is.
fn is_whole(folder: &Path) -> Result<(), RowError> {
    const MANIFEST: &str = "manifest.csv";
    let mut table = open(folder, MANIFEST)?;
    table.must_have(&["propertyname", "propertyvalue"])?;
    let mut version = String::new();
    while let Some(row) = table.next()? {
        let (name, value) = (table.get("propertyname").to_lowercase(), table.get("propertyvalue").to_lowercase());
        let is_ours = ["file.orgs", "file.users", "file.classes", "file.enrollments"].contains(&name.as_str());
        if is_ours && value != "bulk" {
            let detail = "the files of orgs, users, classes and enrollments must be bulk".to_owned();
            return Err(RowError { file: MANIFEST, row, detail });
        }
        if name == "oneroster.version" {
            version = value;
        }
    }
    match version.as_str() {
        "1.1" => Ok(()),
        _ => Err(RowError { file: MANIFEST, row: 1, detail: "oneroster.version must be 1.1".to_owned() }),
    }
}

/// The schools by their id in the files; none, for what is an organisation and no school.
fn orgs(folder: &Path, roster: &mut Builder) -> Result<HashMap<String, Option<usize>>, RowError> {
    let mut table = open(folder, ORGS)?;
    table.must_have(&["sourcedid", "name", "type", "identifier"])?;
    let mut orgs = HashMap::new();
    while let Some(row) = table.next()? {
        if is_gone(&table) {
            continue;
        }
        let id = table.get("sourcedid").into_owned();
        if !table.get("type").eq_ignore_ascii_case("school") {
            orgs.insert(id, None);
            continue;
        }
        match roster.school((ORGS, row), &table.get("identifier"), &table.get("name")) {
            Ok(school) => {
                orgs.insert(id, Some(school));
            }
            Err(why) => roster.objections.add((ORGS, row), format!("identifier, name: {why}")),
        }
    }
    Ok(orgs)
}

fn one_roster_classes(
    folder: &Path,
    roster: &mut Builder,
    orgs: &HashMap<String, Option<usize>>,
) -> Result<HashMap<String, usize>, RowError> {
    let mut table = open(folder, CLASSES)?;
    table.must_have(&["sourcedid", "title", "schoolsourcedid"])?;
    let mut classes = HashMap::new();
    while let Some(row) = table.next()? {
        if is_gone(&table) {
            continue;
        }
        let id = table.get("sourcedid").into_owned();
        let class = match orgs.get(&*table.get("schoolsourcedid")) {
            Some(Some(school)) => roster.class(*school, &id, &table.get("title")),
            Some(None) | None => Err("schoolSourcedId: no school of orgs.csv"),
        };
        match class {
            Ok(class) => {
                classes.insert(id, class);
            }
            Err(why) => roster.objections.add((CLASSES, row), why),
        }
    }
    Ok(classes)
}

/// Everybody by their id in the files; none, for those who may not be used. Those who administer get their roles here:
/// they have no class.
fn users(
    folder: &Path,
    roster: &mut Builder,
    orgs: &HashMap<String, Option<usize>>,
) -> Result<HashMap<String, Option<User>>, RowError> {
    let mut table = open(folder, USERS)?;
    table.must_have(&["sourcedid", "enableduser", "orgsourcedids", "role", "givenname", "familyname"])?;
    let mut users = HashMap::new();
    while let Some(row) = table.next()? {
        let id = table.get("sourcedid").into_owned();
        if is_gone(&table) || table.get("enableduser").eq_ignore_ascii_case("false") {
            users.insert(id, None);
            continue;
        }
        let (place, role) = ((USERS, row), table.get("role").to_lowercase());
        let user = User {
            place,
            fnr: fnr_in(&table.get("userids"), &table.get("identifier")),
            given_name: table.get("givenname").into_owned(),
            family_name: table.get("familyname").into_owned(),
            is_aide: role == "aide",
        };
        if role == "administrator" {
            // The standard has one word for all of them; where the file says more, it is in a column of its own.
            let title = match part(&table.get("metadata.title")) {
                Some(Part::Staff(title)) if title.role() == Role::Administration => title,
                _ => Title::Principal,
            };
            match roster.person(&user.fnr, &user.given_name, &user.family_name) {
                Ok(person) => {
                    let ids = table.get("orgsourcedids");
                    for org in ids.split(',').filter_map(|id| orgs.get(id.trim())) {
                        match org {
                            Some(school) => roster.role(Scope::School(*school), person, title),
                            None => roster.role(Scope::Owner, person, Title::Owner),
                        }
                    }
                }
                Err(why) => roster.objections.add(place, why),
            }
        }
        users.insert(id, Some(user));
    }
    Ok(users)
}

fn enrollments(
    folder: &Path,
    roster: &mut Builder,
    (classes, users): (&HashMap<String, usize>, &HashMap<String, Option<User>>),
    today: &str,
) -> Result<(), RowError> {
    let mut table = open(folder, ENROLLMENTS)?;
    table.must_have(&["classsourcedid", "usersourcedid", "role"])?;
    while let Some(row) = table.next()? {
        let (begins, ends) = (table.get("begindate"), table.get("enddate"));
        // Days as ISO 8601 writes them are in order as texts are.
        let is_over = !ends.is_empty() && *ends < *today;
        if is_gone(&table) || is_over || *begins > *today {
            continue;
        }
        let place = (ENROLLMENTS, row);
        let found = (classes.get(&*table.get("classsourcedid")), users.get(&*table.get("usersourcedid")));
        let (Some(class), Some(user)) = found else {
            roster.objections.add(place, "classSourcedId, userSourcedId: not both in their files");
            continue;
        };
        let Some(user) = user else { continue };
        let title = match table.get("role").to_lowercase().as_str() {
            "student" => None,
            "aide" => Some(Title::Assistant),
            "teacher" if user.is_aide => Some(Title::Assistant),
            "teacher" if table.get("primary").eq_ignore_ascii_case("true") => Some(Title::ContactTeacher),
            "teacher" => Some(Title::SubjectTeacher),
            // Whoever watches an examination or administers has no part in a class.
            _ => continue,
        };
        match (roster.person(&user.fnr, &user.given_name, &user.family_name), title) {
            (Ok(person), Some(title)) => roster.role(Scope::Class(*class), person, title),
            // In two terms or subjects, in one class.
            (Ok(person), None) => {
                let _ = roster.pupil(*class, person, place);
            }
            (Err(why), _) => roster.objections.add(user.place, why),
        }
    }
    Ok(())
}

fn is_gone<R: BufRead>(table: &Table<R>) -> bool {
    table.get("status").eq_ignore_ascii_case("tobedeleted")
}

/// The number in `{Fnr:…},{Feide:…}`, or in the field beside it.
fn fnr_in(user_ids: &str, identifier: &str) -> String {
    let parts = user_ids.split(['{', '}', ',']).filter_map(|part| part.split_once(':'));
    let mut named = parts.filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("fnr"));
    named.next().map_or(identifier, |(_, value)| value).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANYBODY: FnrPolicy = FnrPolicy { real: true, synthetic: true, expanded: false };
    const HEAD: &str = "orgno;skole;klasse;rolle;fnr;fornavn;etternavn\n";

    fn orgno(digits: &str) -> Orgno {
        Orgno::parse(digits).unwrap()
    }

    fn read(text: impl AsRef<[u8]>) -> Result<Roster, Objections> {
        let owner = orgno("999999999");
        Reader { owner: &owner, people: ANYBODY }.plain(BufReader::new(text.as_ref()))
    }

    fn objections(rows: &str) -> Vec<String> {
        let found = read(format!("{HEAD}{rows}")).err().unwrap_or_default();
        found.errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn files_as_they_are_exported() {
        let rows = "974589095;Ellingsrud skole;10A;elev;05895894984;Åse;Ødegård\n\
                    974589095;Ellingsrud skole;10A;kontaktlærer;28816196088;Per;Lærer\n\
                    ;;;skoleeier;47906701517;Eva;Eier\n\
                    974589095;Ellingsrud skole;;rektor;20914695016;Ravn;Rektor\n";
        let text = format!("{HEAD}{rows}");
        let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
        let commas = text.replace(';', ",");
        let shuffled = "Fnr;Rolle;Orgno;Skole;Klasse;Etternavn;Fornavn;Ekstra\r\n\
                        05895894984;Elev;974589095;Ellingsrud skole;10A;Ødegård;Åse;x\r\n\r\n;;;;;;;\r\n";
        for text in [text.as_bytes(), &windows[..], commas.as_bytes(), format!("\u{feff}{text}").as_bytes()] {
            let roster = read(text).unwrap();
            assert_eq!((roster.people(), roster.pupils(), roster.roles.len()), (4, 1, 3));
            assert_eq!(&*roster.people[0].name, "Åse Ødegård");
            assert_eq!(roster.roles[1], RosterRole { scope: Scope::Owner, person: 2, title: Title::Owner });
        }
        let roster = read(shuffled).unwrap();
        assert_eq!((&*roster.people[0].name, roster.pupils()), ("Åse Ødegård", 1));
    }

    #[test]
    fn what_is_said_of_a_row_does_not_quote_it() {
        for (rows, expected) in [
            ("974589095;S;10A;elev;05895894985;A;B", "row 2: fnr: not a fødselsnummer"),
            ("974589095;S;10A;elev;;A;B", "row 2: fnr: is missing"),
            ("974589095;S;10A;05895894984;05895894984;A;B", "row 2: rolle: not one"),
            ("05895894984;S;10A;elev;05895894984;A;B", "row 2: orgno: not an"),
            ("974589095;;10A;elev;05895894984;A;B", "row 2: skole: not a name"),
            ("974589095;S;;elev;05895894984;A;B", "row 2: klasse: is missing"),
            ("974589095;S;10A;rektor;05895894984;A;B", "row 2: klasse: must be empty"),
            ("974589095;S;;skoleeier;05895894984;A;B", "row 2: orgno: a school owner's own"),
            ("974589095;S;10A;elev;05895894984;;", "row 2: fornavn, etternavn: not a name"),
            ("974589095;S;10A;elev;05895894984;A\0;B", "row 2: fornavn, etternavn: not a name"),
            ("974589095;S;10A;elev;05895894984;A\u{202e};B", "row 2: fornavn, etternavn: not a name"),
            ("974589095;S\t\u{200b}x;10A;elev;05895894984;A;B", "row 2: skole: not a name"),
            ("", "row 1: nobody is in the file"),
        ] {
            let found = objections(rows);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{rows}: {found:?}");
            assert!(!found[0].contains("589589"), "{found:?}");
        }
        let pupil = "974589095;S;10A;elev;05895894984;A;B\n";
        assert_eq!(objections(&format!("{pupil}{pupil}")), ["row 3: the same pupil in the same class as on row 2"]);
        let both = format!("{pupil}{}", pupil.replace("elev", "faglærer"));
        assert_eq!(objections(&both), ["row 2: somebody who works in the class is no pupil of it"]);
        // The same pupil in another class is one.
        assert_eq!(objections(&format!("{pupil}{}", pupil.replace("10A", "10B"))), [""; 0]);
    }

    #[test]
    fn what_is_no_such_file() {
        let first = |text: &[u8]| read(text).unwrap_err().errors[0].to_string();
        assert_eq!(first(b""), "row 1: the file is empty");
        assert!(first("974589095;S;10A;elev;05895894984;A;B".as_bytes()).contains("must name the columns"));
        assert!(first(b"\xff\xfeo\0r\0g\0n\0o\0;\0").contains("must name the columns"));
        // A quotation mark that is not closed does not fill the memory.
        let open = format!("{HEAD}\"{}", "974589095;S;10A;elev;05895894984;A;B\n".repeat(10_000));
        assert_eq!(first(open.as_bytes()), format!("row 2: {TOO_LONG}"));
        // Of many objections some are told.
        let many = read(format!("{HEAD}{}", "x;x;x;x;x;x;x\n".repeat(1000))).unwrap_err();
        assert_eq!((many.errors.len(), many.more), (100, 900));
        // Rows are counted as the one who mends them sees them.
        let crlf = read(format!("{HEAD}x;x;x;x;x;x;x\n\"x\nx\";x;x;x;x;x;x\nx;x;x;x;x;x;x").replace('\n', "\r\n"))
            .unwrap_err();
        assert_eq!(crlf.errors.iter().map(|error| error.row).collect::<Vec<_>>(), [2, 3, 5]);
    }

    /// Rows that are made as they are read.
    struct Rows {
        left: u64,
        ready: Vec<u8>,
        at: usize,
    }

    impl Read for Rows {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.at == self.ready.len() {
                if self.left == 0 {
                    return Ok(0);
                }
                let class = self.left / 30;
                let row = format!("974589095;S;{class};faglærer;05895894984;=cmd;\"B;\"\n");
                self.left -= 1;
                (self.ready, self.at) = (row.into_bytes(), 0);
            }
            let count = buffer.len().min(self.ready.len() - self.at);
            buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
            self.at += count;
            Ok(count)
        }
    }

    fn many(left: u64) -> Result<Roster, Objections> {
        let owner = orgno("999999999");
        let rows = Rows { left, ready: HEAD.as_bytes().to_vec(), at: 0 };
        Reader { owner: &owner, people: ANYBODY }.plain(BufReader::new(rows))
    }

    #[test]
    fn a_million_rows() {
        let roster = many(1_000_000).unwrap();
        assert_eq!((roster.people(), roster.classes.len(), roster.roles.len()), (1, 33_334, 33_334));
        assert_eq!(&*roster.people[0].name, "=cmd B;");
    }

    #[test]
    fn numbers_in_one_roster() {
        for (ids, identifier, expected) in [
            ("{Fnr:05895894984}", "x", "05895894984"),
            ("{Feide:a@b},{fnr: 05895894984 }", "", "05895894984"),
            ("{Feide:a@b}", "05895894984", "05895894984"),
            ("", "", ""),
        ] {
            assert_eq!(fnr_in(ids, identifier), expected, "{ids}");
        }
    }
}
