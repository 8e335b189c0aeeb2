//! `OneRoster` 1.1: a folder of CSV files, which student information systems export.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use authenticators::clock::Timestamp;

use super::table::Table;
use super::{Builder, Objections, Part, Place, Reader, Roster, RowError, Scope, part};
use crate::school::register::{Role, Title};

const ORGS: &str = "orgs.csv";
const CLASSES: &str = "classes.csv";
const USERS: &str = "users.csv";
const ENROLLMENTS: &str = "enrollments.csv";

const NO_TITLE: &str =
    "metadata.title: an administrator is skoleeier, rektor, assisterende rektor, sekretær or inspektør";
const NO_PLACE: &str = "orgSourcedIds: a skoleeier belongs to the owner, all other administrators to a school";

/// An organisation in `orgs.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Org {
    School(usize),
    /// What stands for the owner.
    Owner,
    /// Is left out, or objected to already.
    Gone,
}

type Orgs = HashMap<String, Org>;

/// Somebody in `users.csv`.
struct User {
    place: Place,
    fnr: String,
    given_name: String,
    family_name: String,
    is_aide: bool,
    /// Whether their title says that they advise pupils: the standard has no word for that.
    is_adviser: bool,
}

impl Reader<'_> {
    /// Reads a folder with the CSV files of `OneRoster` 1.1. What is over today is left out.
    pub fn oneroster(&self, folder: &Path, now: Timestamp) -> Result<Roster, Objections> {
        let mut roster = Builder::new(self);
        match read(folder, &mut roster, &today(now)) {
            Ok(()) => roster.finish(),
            Err(error) => Err(roster.stopped(error)),
        }
    }
}

fn read(folder: &Path, roster: &mut Builder, today: &str) -> Result<(), RowError> {
    is_whole(folder, roster.rows_at_most)?;
    let orgs = orgs(folder, roster)?;
    let classes = classes(folder, roster, &orgs)?;
    let users = users(folder, roster, &orgs)?;
    enrollments(folder, roster, (&classes, &users), today)
}

fn open(folder: &Path, file: &'static str, rows_at_most: u64) -> Result<Table<BufReader<File>>, RowError> {
    let opened = File::open(folder.join(file));
    let opened = opened.map_err(|_| RowError { file, row: 0, detail: "the file cannot be opened".to_owned() })?;
    Table::open(BufReader::new(opened), file, rows_at_most)
}

/// `OneRoster` 1.1 section 5: the manifest tells the version, and whether the files say all that there is.
fn is_whole(folder: &Path, rows_at_most: u64) -> Result<(), RowError> {
    const MANIFEST: &str = "manifest.csv";
    let mut table = open(folder, MANIFEST, rows_at_most)?;
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
        _ => Err(RowError {
            file: MANIFEST,
            row: 1,
            detail: "oneroster.version must be 1.1: no other is read".to_owned(),
        }),
    }
}

/// The organisations by their id in the files.
fn orgs(folder: &Path, roster: &mut Builder) -> Result<Orgs, RowError> {
    let mut table = open(folder, ORGS, roster.rows_at_most)?;
    table.must_have(&["sourcedid", "name", "type", "identifier"])?;
    let mut orgs = HashMap::new();
    while let Some(row) = table.next()? {
        let id = table.get("sourcedid").into_owned();
        if is_gone(&table) {
            orgs.insert(id, Org::Gone);
            continue;
        }
        if !table.get("type").eq_ignore_ascii_case("school") {
            orgs.insert(id, Org::Owner);
            continue;
        }
        let org = match roster.school((ORGS, row), &table.get("identifier"), &table.get("name")) {
            Ok(school) => Org::School(school),
            Err(why) => {
                roster.objections.add((ORGS, row), format!("identifier, name: {why}"));
                Org::Gone
            }
        };
        orgs.insert(id, org);
    }
    Ok(orgs)
}

fn classes(folder: &Path, roster: &mut Builder, orgs: &Orgs) -> Result<HashMap<String, usize>, RowError> {
    let mut table = open(folder, CLASSES, roster.rows_at_most)?;
    table.must_have(&["sourcedid", "title", "schoolsourcedid"])?;
    let mut classes = HashMap::new();
    while let Some(row) = table.next()? {
        if is_gone(&table) {
            continue;
        }
        let id = table.get("sourcedid").into_owned();
        let class = match orgs.get(&*table.get("schoolsourcedid")) {
            Some(Org::School(school)) => roster.class(*school, &id, &table.get("title")),
            Some(Org::Owner | Org::Gone) | None => Err("schoolSourcedId: no school of orgs.csv"),
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
fn users(folder: &Path, roster: &mut Builder, orgs: &Orgs) -> Result<HashMap<String, Option<User>>, RowError> {
    let mut table = open(folder, USERS, roster.rows_at_most)?;
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
            is_adviser: part(table.get("metadata.title").trim()) == Some(Part::Staff(Title::Adviser)),
        };
        if role == "administrator" {
            administrator(roster, &user, orgs, (&table.get("metadata.title"), &table.get("orgsourcedids")));
        }
        users.insert(id, Some(user));
    }
    Ok(users)
}

/// Gives an administrator the role that their title names. The standard has one word for rektor and caretaker alike, so
/// nobody gets a right from that word alone. Whoever belongs to a school often stands at its owner too, or the other way.
fn administrator(roster: &mut Builder, user: &User, orgs: &Orgs, (title, ids): (&str, &str)) {
    let title = match part(title.trim()) {
        Some(Part::Staff(title)) if title == Title::Owner || title.role() == Role::Administration => title,
        _ => return roster.objections.add(user.place, NO_TITLE),
    };
    let person = match roster.person(user.place, &user.fnr, (&user.given_name, &user.family_name)) {
        Ok(person) => person,
        Err(why) => return roster.objections.add(user.place, why),
    };
    let mut is_nowhere = true;
    for id in ids.split(',') {
        let Some(org) = orgs.get(id.trim()) else {
            return roster.objections.add(user.place, "orgSourcedIds: not in orgs.csv");
        };
        match (org, title) {
            (Org::Owner, Title::Owner) => roster.role(user.place, Scope::Owner, person, title),
            (Org::School(_), Title::Owner) | (Org::Owner, _) => continue,
            (Org::School(school), _) => roster.role(user.place, Scope::School(*school), person, title),
            (Org::Gone, _) => {}
        }
        is_nowhere = false;
    }
    if is_nowhere {
        roster.objections.add(user.place, NO_PLACE);
    }
}

fn enrollments(
    folder: &Path,
    roster: &mut Builder,
    (classes, users): (&HashMap<String, usize>, &HashMap<String, Option<User>>),
    today: &str,
) -> Result<(), RowError> {
    let mut table = open(folder, ENROLLMENTS, roster.rows_at_most)?;
    table.must_have(&["classsourcedid", "usersourcedid", "role"])?;
    // Somebody is wrong once, in however many classes they are.
    let mut wrong = HashSet::new();
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
            "teacher" if user.is_adviser => Some(Title::Adviser),
            "teacher" if table.get("primary").eq_ignore_ascii_case("true") => Some(Title::ContactTeacher),
            "teacher" => Some(Title::SubjectTeacher),
            // Whoever watches an examination or administers has no part in a class.
            _ => continue,
        };
        match (roster.person(user.place, &user.fnr, (&user.given_name, &user.family_name)), title) {
            (Ok(person), Some(title)) => roster.role(place, Scope::Class(*class), person, title),
            // In two terms or subjects, in one class.
            (Ok(person), None) => {
                let _ = roster.pupil(*class, person, place);
            }
            (Err(why), _) => {
                if wrong.insert(user.place) {
                    roster.objections.add(user.place, why);
                }
            }
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

/// What day it is in Norway, as `OneRoster` writes days.
fn today(now: Timestamp) -> String {
    let oslo = jiff::tz::TimeZone::get("Europe/Oslo").unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_second(now.seconds()).unwrap_or_default().to_zoned(oslo).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

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
