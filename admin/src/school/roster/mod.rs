//! What school owners' files say, read row by row into a [`Roster`]: [`plain`] is one CSV with a line for each role and
//! pupil, `one_roster` a folder of CSV files. A `table` reads both, and a `Builder` puts their rows together.
//!
//! What is said of a row names its number, and never its content, which is a person's.

use std::collections::{HashMap, HashSet};

use authenticators::person::{Fnr, FnrPolicy, FnrProblem};
use idp::registration;
use serde::Serialize;

use super::register::{Orgno, Title};

mod one_roster;
pub mod plain;
mod table;

/// Objections that are told one by one.
const OBJECTIONS_AT_MOST: usize = 100;
/// Letters of a name.
const NAME_AT_MOST: usize = 200;

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

/// For whom a file is read, and which people are let in.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The school owner.
    pub owner: &'a Orgno,
    /// Which identifiers are let in.
    pub people: FnrPolicy,
    /// Rows of a file at the most.
    pub rows_at_most: u64,
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
    rows_at_most: u64,
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
            rows_at_most: reader.rows_at_most,
            roster: Roster::default(),
            people: HashMap::new(),
            schools: HashMap::new(),
            classes: HashMap::new(),
            roles: HashSet::new(),
            pupils: HashMap::new(),
            objections: Objections::default(),
        }
    }

    fn school(&mut self, place: Place, orgno: &str, name: &str) -> Result<usize, &'static str> {
        let orgno = Orgno::parse(orgno).ok_or("orgno: not an organisation number of nine digits")?;
        let name = one_line(name).ok_or("skole: not a name")?;
        if let Some(known) = self.schools.get(&orgno) {
            return Ok(*known);
        }
        let index = self.roster.schools.len();
        self.schools.insert(orgno.clone(), index);
        self.roster.schools.push(RosterSchool { orgno, name: name.to_owned(), place });
        Ok(index)
    }

    fn class(&mut self, school: usize, source_id: &str, name: &str) -> Result<usize, &'static str> {
        let (Some(source_id), Some(name)) = (one_line(source_id), one_line(name)) else {
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
        let name = one_line(&name).ok_or("fornavn, etternavn: not a name")?;
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
fn one_line(name: &str) -> Option<&str> {
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
