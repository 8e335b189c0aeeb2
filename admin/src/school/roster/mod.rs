//! What school owners' files say, read row by row into a [`Roster`]: [`plain`] is one CSV with a line for each role and
//! pupil, `one_roster` a folder of CSV files. A `table` reads both, and a `Builder` puts their rows together.
//!
//! What is said of a row names its number, and never its content, which is a person's.

use std::borrow::Cow;
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
/// A pupil who has no number yet, as whoever has just come to the country: they cannot have MinID, and stop nobody else.
const NO_NUMBER: &str = "a pupil without a fødselsnummer or D-number";
/// Letters of a name.
const NAME_AT_MOST: usize = 200;

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// In which file of several; empty where there is one.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub file: &'static str,
    /// On which line; zero is the file itself.
    pub row: u64,
    /// What.
    pub detail: String,
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.file, self.row) {
            ("", 0) => f.write_str(&self.detail),
            (file, row) => write!(f, "{}: {}", on_row((file, row)), self.detail),
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
    /// A mark of what goes, with how much that is, if that is all that speaks against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_removals: Option<String>,
    /// Whether all that speaks against it is that something else has been taken in since it came.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_superseded: bool,
}

const SUPERSEDED: &str =
    "what is registered of the owner has changed since this file came: if it is the newer one, send it again";

impl Objections {
    /// Something else has been taken in since the file came.
    pub(super) fn superseded() -> Objections {
        let error = RowError { file: "", row: 0, detail: SUPERSEDED.to_owned() };
        Objections { errors: vec![error], is_superseded: true, ..Objections::default() }
    }

    pub(super) fn add(&mut self, (file, row): Place, detail: impl Into<String>) {
        match self.errors.len() < OBJECTIONS_AT_MOST {
            true => self.errors.push(RowError { file, row, detail: detail.into() }),
            false => self.more += 1,
        }
    }
}

/// A file of several, and a line in it.
pub(super) type Place = (&'static str, u64);

/// A line in words.
pub(super) fn on_row((file, row): Place) -> String {
    match file {
        "" => format!("row {row}"),
        file => format!("{file} row {row}"),
    }
}

/// What a school owner's file says.
#[derive(Debug, Default)]
pub struct Roster {
    pub(super) people: Vec<Somebody>,
    pub(super) schools: Vec<RosterSchool>,
    pub(super) classes: Vec<RosterClass>,
    pub(super) roles: Vec<RosterRole>,
    pub(super) pupils: Vec<RosterPupil>,
    /// Rows that are left out, and why: they give nobody anything.
    pub(super) left_out: Vec<(Place, &'static str)>,
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
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) struct RosterPupil {
    pub(super) class: usize,
    pub(super) person: usize,
    pub(super) place: Place,
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
    /// With the line on which each stands first.
    people: HashMap<Fnr, (usize, Place)>,
    schools: HashMap<Orgno, usize>,
    classes: HashMap<(usize, String), usize>,
    roles: HashSet<(Scope, usize, Title)>,
    /// With the index of each.
    pupils: HashMap<(usize, usize), usize>,
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

    fn school(&mut self, place: Place, orgno: &str, name: &str) -> Result<usize, Cow<'static, str>> {
        let orgno = Orgno::parse(orgno).ok_or("orgno: not an organisation number of nine digits")?;
        let name = one_line(name).ok_or("skole: not a name")?;
        if let Some(known) = self.schools.get(&orgno) {
            return match self.roster.schools.get(*known).filter(|before| !is_alike(&before.name, name)) {
                Some(before) => {
                    Err(format!("skole: not the name that its orgno has on {}", on_row(before.place)).into())
                }
                None => Ok(*known),
            };
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
            return match self.roster.classes.get(*known).is_none_or(|before| is_alike(&before.name, name)) {
                true => Ok(*known),
                false => Err("klasse: another name of the same class stands in a row before"),
            };
        }
        let index = self.roster.classes.len();
        self.classes.insert(key, index);
        self.roster.classes.push(RosterClass { school, source_id: source_id.to_owned(), name: name.to_owned() });
        Ok(index)
    }

    fn person(&mut self, place: Place, fnr: &str, (given, family): (&str, &str)) -> Result<usize, Cow<'static, str>> {
        let fnr = Fnr::parse(fnr, self.policy).map_err(in_words)?;
        let name = format!("{} {}", given.trim(), family.trim());
        let name = one_line(&name).ok_or("fornavn, etternavn: not a name")?;
        if let Some((known, first)) = self.people.get(&fnr) {
            return match self.roster.people.get(*known).is_none_or(|before| is_alike(&before.name, name)) {
                true => Ok(*known),
                false => Err(format!("fornavn, etternavn: not the name that the fnr has on {}", on_row(*first)).into()),
            };
        }
        let index = self.roster.people.len();
        self.people.insert(fnr.clone(), (index, place));
        self.roster.people.push(Somebody { fnr, name: name.into() });
        Ok(index)
    }

    fn role(&mut self, place: Place, scope: Scope, person: usize, title: Title) {
        if self.roles.insert((scope, person, title)) {
            self.roster.roles.push(RosterRole { scope, person, title, place });
        }
    }

    /// Puts a pupil in a class; where they stand already, if they do.
    fn pupil(&mut self, class: usize, person: usize, place: Place) -> Option<Place> {
        if let Some(before) = self.stands(class, person) {
            return Some(before);
        }
        self.pupils.insert((class, person), self.roster.pupils.len());
        self.roster.pupils.push(RosterPupil { class, person, place });
        None
    }

    /// Leaves out a row that gives nobody anything.
    fn leave_out(&mut self, place: Place, why: &'static str) {
        self.roster.left_out.push((place, why));
    }

    /// Where somebody stands as a pupil of a class.
    fn stands(&self, class: usize, person: usize) -> Option<Place> {
        let index = self.pupils.get(&(class, person))?;
        self.roster.pupils.get(*index).map(|pupil| pupil.place)
    }

    /// The file could not be read to its end.
    fn stopped(mut self, error: RowError) -> Objections {
        self.objections.errors.insert(0, error);
        self.objections
    }

    fn finish(mut self) -> Result<Roster, Objections> {
        for role in &self.roster.roles {
            let Scope::Class(class) = role.scope else { continue };
            if let Some(place) = self.stands(class, role.person) {
                self.objections.add(place, "somebody who works in the class is no pupil of it");
            }
        }
        // An empty file would end all that there is.
        if self.roster.roles.is_empty() && self.roster.pupils.is_empty() && self.objections.errors.is_empty() {
            self.objections.add(("", 1), "nobody is in the file");
        }
        if self.objections.errors.is_empty() { Ok(self.roster) } else { Err(self.objections) }
    }
}

/// Whether two names are one, however they are spaced and whichever letters are capitals.
fn is_alike(one: &str, other: &str) -> bool {
    let words = |name: &str| name.to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    one == other || words(one) == words(other)
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

#[cfg(test)]
mod tests {
    use super::super::register::Role;
    use super::*;

    #[test]
    fn what_each_word_of_a_file_gives() {
        use Role::{Administration, Issuer, Owner};
        let words = [
            (Title::Owner, Owner, ["Skoleeier", "skuleeigar"]),
            (Title::Principal, Administration, ["Rektor", "rektor"]),
            (Title::AssistantPrincipal, Administration, ["Assisterende rektor", "assisterande rektor"]),
            (Title::Secretary, Administration, ["Sekretær", "SEKRETÆR"]),
            (Title::Inspector, Administration, ["Inspektør", "INSPEKTØR"]),
            (Title::ContactTeacher, Issuer, ["Kontaktlærer", "kontaktlærar"]),
            (Title::SubjectTeacher, Issuer, ["Faglærer", "faglærar"]),
            (Title::Adviser, Issuer, ["Rådgiver", "rådgivar"]),
            (Title::Assistant, Issuer, ["Assistent", "assistent"]),
        ];
        assert_eq!(words.map(|(title, ..)| title), Title::ALL, "each title has its words here");
        for (title, role, words) in words {
            assert_eq!(title.role(), role, "{title:?}");
            for word in words {
                assert_eq!(part(word), Some(Part::Staff(title)), "{word}");
            }
        }
        assert_eq!(part("Elev"), Some(Part::Pupil));
        for nobody in ["", "lærer", "vikar", "rektor ", "administrator", "teacher", "principal"] {
            assert_eq!(part(nobody), None, "{nobody:?}");
        }
    }
}
