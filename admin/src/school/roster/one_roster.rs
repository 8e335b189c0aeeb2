//! `OneRoster` 1.1 and 1.2: a folder of CSV files, which student information systems export. They differ in where it stands
//! what somebody is at which organisation: with the users, or in a file of its own.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use authenticators::clock::Timestamp;

use super::table::Table;
use super::{Builder, NO_NUMBER, Objections, Part, Place, Reader, Roster, RowError, Scope, part};
use crate::school::register::{Role, Title};

const ORGS: &str = "orgs.csv";
const CLASSES: &str = "classes.csv";
const USERS: &str = "users.csv";
const ROLES: &str = "roles.csv";
const ENROLLMENTS: &str = "enrollments.csv";

const NO_TITLE: &str =
    "an administrator whose metadata.title is not skoleeier, rektor, assisterende rektor, sekretær or inspektør";
const NO_PLACE: &str = "a skoleeier belongs to the owner, all other administrators to a school";

/// The words of `roles.csv` for those who administer. One of them is not in the standard any more, and is still written.
const ADMINISTRATORS: [&str; 5] =
    ["principal", "administrator", "siteadministrator", "districtadministrator", "systemadministrator"];

/// Which version a folder's files are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    OnePointOne,
    OnePointTwo,
}

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

/// A class in `classes.csv`.
#[derive(Debug, Clone, Copy)]
struct Class {
    /// Its index in the roster.
    index: usize,
    /// Whether it is a group of a subject: whoever teaches it first is nobody's kontaktlærer by that.
    is_of_a_subject: bool,
}

/// What is said of an id that has been used.
const TWICE: &str = "sourcedId: stands in a row before";

/// Somebody in `users.csv`.
struct User {
    place: Place,
    fnr: String,
    given_name: String,
    family_name: String,
    /// As what they stand in classes instead of as teachers: at a school, or wherever else.
    instead: Vec<(Option<usize>, Title)>,
    /// Whether the files say anywhere what they are.
    has_role: bool,
}

/// What somebody is, as far as it is of interest here.
#[derive(Debug, Default)]
struct Roles {
    /// Where it stands first that somebody is anything.
    place: Place,
    /// Whether any of it goes on today.
    goes_on: bool,
    administers: Vec<Administers>,
    /// As [`User::instead`] has it.
    instead: Vec<(Option<usize>, Title)>,
}

/// That somebody administers an organisation.
#[derive(Debug)]
struct Administers {
    place: Place,
    /// None, if it is not in `orgs.csv`.
    org: Option<Org>,
    /// Whether the standard's own word is that of a rektor.
    is_principal: bool,
    /// The title that they have in this role; empty, if it is that which they have in all.
    title: String,
}

/// What is wrong, and where.
type Wrong = (Place, Cow<'static, str>);

impl User {
    /// As what they stand in the classes of a school where those say that they teach, if not as a teacher.
    fn instead_at(&self, school: Option<usize>) -> Option<Title> {
        let at = |wanted| self.instead.iter().find(|(at, _)| *at == wanted).map(|(_, title)| *title);
        at(school).or_else(|| at(None))
    }
}

impl Administers {
    /// By which title, if any: that of this role or else that which somebody has in all.
    fn titled(&self, in_all: &str) -> Option<Title> {
        match part(if self.title.is_empty() { in_all } else { &self.title }) {
            Some(Part::Staff(title)) if title.role() == Role::Administration => Some(title),
            _ if self.is_principal => Some(Title::Principal),
            Some(Part::Staff(Title::Owner)) => Some(Title::Owner),
            _ => None,
        }
    }

    fn wrong(&self, words: &str) -> Wrong {
        let field = if self.place.0 == ROLES { "orgSourcedId" } else { "orgSourcedIds" };
        (self.place, format!("{field}: {words}").into())
    }
}

impl Reader<'_> {
    /// Reads a folder with the CSV files of `OneRoster` 1.1 or 1.2. What is over today is left out.
    pub fn oneroster(&self, folder: &Path, now: Timestamp) -> Result<Roster, Objections> {
        let mut roster = Builder::new(self);
        match read(folder, &mut roster, &today(now)) {
            Ok(()) => roster.finish(),
            Err(error) => Err(roster.stopped(error)),
        }
    }
}

fn read(folder: &Path, roster: &mut Builder, today: &str) -> Result<(), RowError> {
    let version = is_whole(folder, roster.rows_at_most)?;
    let orgs = orgs(folder, roster)?;
    let classes = classes(folder, roster, &orgs)?;
    let mut roles = match version {
        Version::OnePointOne => None,
        Version::OnePointTwo => Some(roles(folder, roster, &orgs, today)?),
    };
    let users = users(folder, roster, &orgs, roles.as_mut())?;
    let mut strangers: Vec<Roles> = roles.into_iter().flat_map(HashMap::into_values).collect();
    strangers.retain(|roles| roles.goes_on);
    strangers.sort_unstable_by_key(|roles| roles.place);
    for roles in strangers {
        roster.objections.add(roles.place, "userSourcedId: not in users.csv");
    }
    enrollments(folder, roster, (&classes, &users), today)
}

fn open(folder: &Path, file: &'static str, rows_at_most: u64) -> Result<Table<BufReader<File>>, RowError> {
    let opened = File::open(folder.join(file));
    let opened = opened.map_err(|_| RowError { file, row: 0, detail: "the file cannot be opened".to_owned() })?;
    Table::open(BufReader::new(opened), file, rows_at_most)
}

/// `OneRoster` 1.1 section 5, and 1.2 as well: the manifest tells the version, and whether the files say all that there is.
fn is_whole(folder: &Path, rows_at_most: u64) -> Result<Version, RowError> {
    const MANIFEST: &str = "manifest.csv";
    let mut table = open(folder, MANIFEST, rows_at_most)?;
    table.must_have(&["propertyname", "propertyvalue"])?;
    let (mut version, mut parts) = (String::new(), Vec::new());
    while let Some(row) = table.next()? {
        let (name, value) = (table.get("propertyname").to_lowercase(), table.get("propertyvalue").to_lowercase());
        match name.as_str() {
            "oneroster.version" => version = value,
            _ if value != "bulk" => parts.push((row, name)),
            _ => {}
        }
    }
    let error = |row, detail: &str| RowError { file: MANIFEST, row, detail: detail.to_owned() };
    let (version, ours, detail): (_, &[&str], _) = match version.as_str() {
        "1.1" => (
            Version::OnePointOne,
            &["file.orgs", "file.users", "file.classes", "file.enrollments"],
            "the files of orgs, users, classes and enrollments must be bulk",
        ),
        "1.2" => (
            Version::OnePointTwo,
            &["file.orgs", "file.users", "file.roles", "file.classes", "file.enrollments"],
            "the files of orgs, users, roles, classes and enrollments must be bulk",
        ),
        _ => return Err(error(1, "oneroster.version must be 1.1 or 1.2: no other is read")),
    };
    match parts.into_iter().find(|(_, name)| ours.contains(&name.as_str())) {
        Some((row, _)) => Err(error(row, detail)),
        None => Ok(version),
    }
}

/// The organisations by their id in the files.
fn orgs(folder: &Path, roster: &mut Builder) -> Result<Orgs, RowError> {
    let mut table = open(folder, ORGS, roster.rows_at_most)?;
    table.must_have(&["sourcedid", "name", "type", "identifier"])?;
    let mut orgs = HashMap::new();
    while let Some(row) = table.next()? {
        let id = table.get("sourcedid").into_owned();
        if orgs.contains_key(&id) {
            roster.objections.add((ORGS, row), TWICE);
            continue;
        }
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

fn classes(folder: &Path, roster: &mut Builder, orgs: &Orgs) -> Result<HashMap<String, Class>, RowError> {
    let mut table = open(folder, CLASSES, roster.rows_at_most)?;
    table.must_have(&["sourcedid", "title", "schoolsourcedid"])?;
    let mut classes = HashMap::new();
    while let Some(row) = table.next()? {
        if is_gone(&table) {
            continue;
        }
        let id = table.get("sourcedid").into_owned();
        if classes.contains_key(&id) {
            roster.objections.add((CLASSES, row), TWICE);
            continue;
        }
        let class = match orgs.get(&*table.get("schoolsourcedid")) {
            Some(Org::School(school)) => roster.class(*school, &id, &table.get("title")),
            Some(Org::Owner | Org::Gone) | None => Err("schoolSourcedId: no school of orgs.csv"),
        };
        match class {
            Ok(index) => {
                let is_of_a_subject = table.get("classtype").eq_ignore_ascii_case("scheduled");
                classes.insert(id, Class { index, is_of_a_subject });
            }
            Err(why) => roster.objections.add((CLASSES, row), why),
        }
    }
    Ok(classes)
}

/// What everybody is by `roles.csv`, by their id in the files.
fn roles(folder: &Path, roster: &mut Builder, orgs: &Orgs, today: &str) -> Result<HashMap<String, Roles>, RowError> {
    let mut table = open(folder, ROLES, roster.rows_at_most)?;
    table.must_have(&["usersourcedid", "roletype", "role", "orgsourcedid"])?;
    let mut all: HashMap<String, Roles> = HashMap::new();
    while let Some(row) = table.next()? {
        let place = (ROLES, row);
        let fresh = || Roles { place, ..Roles::default() };
        let roles = all.entry(table.get("usersourcedid").into_owned()).or_insert_with(fresh);
        if is_gone(&table) || !goes_on(&table, today) {
            continue;
        }
        roles.goes_on = true;
        let is_primary = match table.get("roletype").to_lowercase().as_str() {
            "primary" => true,
            "secondary" => false,
            _ => {
                roster.objections.add(place, "roleType: is primary or secondary");
                continue;
            }
        };
        let org = orgs.get(&*table.get("orgsourcedid")).copied();
        let role = table.get("role").to_lowercase();
        if ADMINISTRATORS.contains(&role.as_str()) {
            let (is_principal, title) = (role == "principal", table.get("metadata.title").into_owned());
            roles.administers.push(Administers { place, org, is_principal, title });
        }
        match (role.as_str(), org) {
            // Of several at a school one is the primary, and that is what they are in its classes.
            ("aide", Some(Org::School(school))) if is_primary => roles.instead.push((Some(school), Title::Assistant)),
            ("counselor", Some(Org::School(school))) if is_primary => {
                roles.instead.push((Some(school), Title::Adviser));
            }
            // Whether somebody learns or teaches there is said of each class.
            _ => {}
        }
    }
    Ok(all)
}

/// What somebody is by their row in `users.csv`, which says it of all their organisations.
fn roles_in_users(table: &Table<BufReader<File>>, place: Place, orgs: &Orgs) -> Roles {
    let mut roles = Roles { place, goes_on: true, ..Roles::default() };
    match table.get("role").to_lowercase().as_str() {
        "administrator" => {
            let ids = table.get("orgsourcedids");
            let org = |id: &str| orgs.get(id.trim()).copied();
            let one = |id| Administers { place, org: org(id), is_principal: false, title: String::new() };
            roles.administers.extend(ids.split(',').map(one));
        }
        "aide" => roles.instead.push((None, Title::Assistant)),
        _ => {}
    }
    roles
}

/// Everybody by their id in the files; none, for those who may not be used. Those who administer get their roles here:
/// they have no class.
fn users(
    folder: &Path,
    roster: &mut Builder,
    orgs: &Orgs,
    mut apart: Option<&mut HashMap<String, Roles>>,
) -> Result<HashMap<String, Option<User>>, RowError> {
    let mut table = open(folder, USERS, roster.rows_at_most)?;
    table.must_have(match apart {
        Some(_) => &["sourcedid", "enableduser", "givenname", "familyname"],
        None => &["sourcedid", "enableduser", "orgsourcedids", "role", "givenname", "familyname"],
    })?;
    let mut users = HashMap::new();
    while let Some(row) = table.next()? {
        let (id, place) = (table.get("sourcedid").into_owned(), (USERS, row));
        if users.contains_key(&id) {
            roster.objections.add(place, TWICE);
            continue;
        }
        let roles = match apart.as_deref_mut() {
            Some(apart) => apart.remove(&id),
            None => Some(roles_in_users(&table, place, orgs)),
        };
        let is_over = roles.as_ref().is_some_and(|roles| !roles.goes_on);
        if is_gone(&table) || is_over || table.get("enableduser").eq_ignore_ascii_case("false") {
            users.insert(id, None);
            continue;
        }
        let (has_role, roles) = (roles.is_some(), roles.unwrap_or_default());
        let (title, mut instead) = (table.get("metadata.title"), roles.instead);
        if part(&title) == Some(Part::Staff(Title::Adviser)) {
            instead.push((None, Title::Adviser));
        }
        let user = User {
            place,
            fnr: fnr_in(&table.get("userids"), [&table.get("identifier"), &table.get("usermasteridentifier")]),
            given_name: table.get("givenname").into_owned(),
            family_name: table.get("familyname").into_owned(),
            instead,
            has_role,
        };
        if let Err((place, why)) = administrator(roster, &user, &title, &roles.administers) {
            roster.objections.add(place, why);
        }
        users.insert(id, Some(user));
    }
    Ok(users)
}

/// Gives an administrator the roles that their titles name. The standard has one word for secretary and caretaker alike,
/// so nobody gets a right from that word alone, and a caretaker stops nobody else.
fn administrator(roster: &mut Builder, user: &User, title: &str, administers: &[Administers]) -> Result<(), Wrong> {
    let mut titles = Vec::new();
    let mut without = BTreeSet::new();
    for one in administers {
        match one.titled(title) {
            Some(title) => titles.push((title, one)),
            None => {
                without.insert(one.place);
            }
        }
    }
    for place in without {
        roster.leave_out(place, NO_TITLE);
    }
    for title in Title::ALL {
        let places = titles.iter().filter(|(other, _)| *other == title);
        let places: Vec<&Administers> = places.map(|(_, one)| *one).collect();
        administer(roster, user, title, &places)?;
    }
    Ok(())
}

/// Gives somebody a title where they have it. Whoever belongs to a school often stands at its owner too, or the other way.
fn administer(roster: &mut Builder, user: &User, title: Title, places: &[&Administers]) -> Result<(), Wrong> {
    let Some(first) = places.first() else { return Ok(()) };
    let name = (user.given_name.as_str(), user.family_name.as_str());
    let person = roster.person(user.place, &user.fnr, name).map_err(|why| (user.place, why))?;
    let mut is_nowhere = true;
    for one in places {
        match (one.org.ok_or_else(|| one.wrong("not in orgs.csv"))?, title) {
            (Org::Owner, Title::Owner) => roster.role(one.place, Scope::Owner, person, title),
            (Org::School(_), Title::Owner) | (Org::Owner, _) => continue,
            (Org::School(school), _) => roster.role(one.place, Scope::School(school), person, title),
            (Org::Gone, _) => {}
        }
        is_nowhere = false;
    }
    if is_nowhere { Err(first.wrong(NO_PLACE)) } else { Ok(()) }
}

fn enrollments(
    folder: &Path,
    roster: &mut Builder,
    (classes, users): (&HashMap<String, Class>, &HashMap<String, Option<User>>),
    today: &str,
) -> Result<(), RowError> {
    let mut table = open(folder, ENROLLMENTS, roster.rows_at_most)?;
    table.must_have(&["classsourcedid", "usersourcedid", "role"])?;
    // Somebody is wrong once, in however many classes they are.
    let mut wrong = HashSet::new();
    while let Some(row) = table.next()? {
        if is_gone(&table) || !goes_on(&table, today) {
            continue;
        }
        let place = (ENROLLMENTS, row);
        let found = (classes.get(&*table.get("classsourcedid")), users.get(&*table.get("usersourcedid")));
        let (Some(class), Some(user)) = found else {
            roster.objections.add(place, "classSourcedId, userSourcedId: not both in their files");
            continue;
        };
        let Some(user) = user else { continue };
        if !user.has_role {
            if wrong.insert(user.place) {
                roster.objections.add(user.place, "sourcedId: not in roles.csv");
            }
            continue;
        }
        let school = roster.roster.classes.get(class.index).map(|class| class.school);
        let is_first = !class.is_of_a_subject && table.get("primary").eq_ignore_ascii_case("true");
        let title = match table.get("role").to_lowercase().as_str() {
            "student" => None,
            "aide" => Some(Title::Assistant),
            "teacher" => match user.instead_at(school) {
                Some(title) => Some(title),
                None if is_first => Some(Title::ContactTeacher),
                None => Some(Title::SubjectTeacher),
            },
            // Whoever watches an examination or administers has no part in a class.
            _ => continue,
        };
        if title.is_none() && user.fnr.is_empty() {
            if wrong.insert(user.place) {
                roster.leave_out(user.place, NO_NUMBER);
            }
            continue;
        }
        match (roster.person(user.place, &user.fnr, (&user.given_name, &user.family_name)), title) {
            (Ok(person), Some(title)) => roster.role(place, Scope::Class(class.index), person, title),
            // In two terms or subjects, in one class.
            (Ok(person), None) => {
                let _ = roster.pupil(class.index, person, place);
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

/// Whether it goes on today, by the days on which it begins and ends. Days as ISO 8601 writes them are in order as texts
/// are.
fn goes_on<R: BufRead>(table: &Table<R>, today: &str) -> bool {
    let (begins, ends) = (table.get("begindate"), table.get("enddate"));
    *begins <= *today && (ends.is_empty() || *ends >= *today)
}

/// The number in `{Fnr:…},{Feide:…}`, or in the first of the fields beside it that is not empty.
fn fnr_in(user_ids: &str, others: [&str; 2]) -> String {
    let parts = user_ids.split(['{', '}', ',']).filter_map(|part| part.split_once(':'));
    let mut named = parts.filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("fnr"));
    let other = others.into_iter().find(|other| !other.is_empty()).unwrap_or_default();
    named.next().map_or(other, |(_, value)| value).trim().to_owned()
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
        for (ids, others, expected) in [
            ("{Fnr:05895894984}", ["x", "y"], "05895894984"),
            ("{Feide:a@b},{fnr: 05895894984 }", ["", ""], "05895894984"),
            ("{Feide:a@b}", ["05895894984", "x"], "05895894984"),
            ("{Feide:a@b}", ["", "05895894984"], "05895894984"),
            ("", ["", ""], ""),
        ] {
            assert_eq!(fnr_in(ids, others), expected, "{ids} {others:?}");
        }
    }

    #[test]
    fn by_which_title_somebody_administers() {
        let titled = |is_principal: bool, own: &str, in_all: &str| {
            let title = own.to_owned();
            Administers { place: (ROLES, 2), org: None, is_principal, title }.titled(in_all)
        };
        for (own, in_all, administrator, principal) in [
            ("", "", None, Some(Title::Principal)),
            ("", "Vaktmester", None, Some(Title::Principal)),
            ("", "elev", None, Some(Title::Principal)),
            ("", "kontaktlærer", None, Some(Title::Principal)),
            ("", "Rektor", Some(Title::Principal), Some(Title::Principal)),
            ("", "Assisterende rektor", Some(Title::AssistantPrincipal), Some(Title::AssistantPrincipal)),
            // A rektor is none of the owner by that.
            ("", "skoleeier", Some(Title::Owner), Some(Title::Principal)),
            ("sekretær", "rektor", Some(Title::Secretary), Some(Title::Secretary)),
            ("vaktmester", "rektor", None, Some(Title::Principal)),
        ] {
            assert_eq!(titled(false, own, in_all), administrator, "{own:?} {in_all:?}");
            assert_eq!(titled(true, own, in_all), principal, "{own:?} {in_all:?}");
        }
    }
}
