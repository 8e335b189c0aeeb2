//! `OneRoster` 1.1: a folder of CSV files, which student information systems export.

use std::collections::HashMap;
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

/// Somebody in `users.csv`.
struct User {
    place: Place,
    fnr: String,
    given_name: String,
    family_name: String,
    is_aide: bool,
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
        _ => Err(RowError { file: MANIFEST, row: 1, detail: "oneroster.version must be 1.1".to_owned() }),
    }
}

/// The schools by their id in the files; none, for what is an organisation and no school.
fn orgs(folder: &Path, roster: &mut Builder) -> Result<HashMap<String, Option<usize>>, RowError> {
    let mut table = open(folder, ORGS, roster.rows_at_most)?;
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

fn classes(
    folder: &Path,
    roster: &mut Builder,
    orgs: &HashMap<String, Option<usize>>,
) -> Result<HashMap<String, usize>, RowError> {
    let mut table = open(folder, CLASSES, roster.rows_at_most)?;
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
    let mut table = open(folder, ENROLLMENTS, roster.rows_at_most)?;
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
