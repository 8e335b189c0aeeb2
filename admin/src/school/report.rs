//! How far the schools of an owner have come: counts alone, nobody's name.

use std::collections::HashMap;

use authenticators::clock::Timestamp;
use authenticators::person::PersonId;
use authenticators::world::World;
use idp::text;

use super::coupling::{self, Standing};
use super::issuing::{Progress, Status};
use super::register::{self, Class, ClassId, Orgno, School, SchoolId};

/// The first row of the CSV, where nobody has others.
pub const HEADINGS: [&str; 15] = [
    "Skole",
    "Organisasjonsnummer",
    "Klasse",
    "Elever",
    "Ikke bestemt",
    "Ikke startet",
    "Kode utstedt",
    "Registrert",
    "Manuell",
    "Brev bestilt",
    "Har MinID",
    "For ung",
    "Med MinID i alt",
    "Andel med MinID i prosent (uten «For ung»)",
    "Dato",
];

/// What those are called of whom nobody has decided who may issue to them, and who have nothing yet.
const UNDECIDED: &str = "undecided";

/// How many pupils have come how far: those whom nobody has decided on, and the others in the order of [`Status::NAMES`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([u32; 1 + Status::NAMES.len()]);

impl Tally {
    fn count(&mut self, status: Status, standing: Standing) {
        let counted = match (status, standing) {
            (Status::NotStarted, Standing::Undecided) => UNDECIDED,
            (status, _) => status.name(),
        };
        for (name, number) in Tally::names().zip(&mut self.0) {
            *number += u32::from(name == counted);
        }
    }

    /// The names of all that is counted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        [UNDECIDED].into_iter().chain(Status::NAMES)
    }

    /// How many have come so far, by the status's name.
    pub fn of(&self, name: &str) -> u32 {
        self.each().find(|(known, _)| *known == name).map_or(0, |(_, number)| number)
    }

    /// Each status with its number.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u32)> {
        Tally::names().zip(self.0)
    }

    /// All pupils.
    pub fn all(&self) -> u32 {
        self.0.iter().sum()
    }

    /// Those who have MinID, from wherever.
    pub fn have_minid(&self) -> u32 {
        self.of("registered") + self.of("has-minid")
    }

    /// Those who may have MinID: a class of small children is not one that lags behind.
    pub fn may_have_minid(&self) -> u32 {
        self.all() - self.of("too-young")
    }

    /// How many of a hundred who may have MinID have it, where there is anybody; a hundred when all have.
    pub fn share(&self) -> Option<u32> {
        let (have, all) = (u64::from(self.have_minid()), u64::from(self.may_have_minid()));
        u32::try_from((have * 100).checked_div(all)?).ok()
    }
}

/// A class's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassReport {
    /// Which.
    pub class: Class,
    /// Its numbers.
    pub tally: Tally,
}

/// A school's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchoolReport {
    /// Which.
    pub school: School,
    /// Class by class.
    pub classes: Vec<ClassReport>,
    /// All of them. Whoever is in two classes counts once.
    pub tally: Tally,
}

/// An owner's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// School by school.
    pub schools: Vec<SchoolReport>,
    /// All of them. Whoever is at two schools counts once.
    pub tally: Tally,
    /// When they were so.
    pub at: Timestamp,
}

/// The numbers of each class and of each school, and of all of them.
#[derive(Default)]
struct Tallies {
    classes: HashMap<ClassId, Tally>,
    schools: HashMap<SchoolId, Tally>,
    all: Tally,
}

/// The numbers of all schools of an owner. They are read of all at once, by as many statements for a county as for a
/// school of a few hundred.
pub async fn of_owner(world: &World, owner: &Orgno, now: Timestamp) -> anyhow::Result<Report> {
    let schools = register::schools(world.db.pool(), owner).await?;
    let classes = register::classes_of(world.db.pool(), owner).await?;
    let mut tallies = tallies(world, owner, &classes, now).await?;
    let mut by_school: HashMap<&str, Vec<ClassReport>> = HashMap::new();
    for class in &classes {
        let tally = tallies.classes.remove(&class.id).unwrap_or_default();
        by_school.entry(class.school.as_str()).or_default().push(ClassReport { class: class.clone(), tally });
    }
    let schools = schools.into_iter().map(|school| {
        let classes = by_school.remove(school.id.as_str()).unwrap_or_default();
        let tally = tallies.schools.remove(&school.id).unwrap_or_default();
        SchoolReport { school, classes, tally }
    });
    Ok(Report { schools: schools.collect(), tally: tallies.all, at: now })
}

/// The numbers of classes, all of them an owner's.
async fn tallies(world: &World, owner: &Orgno, classes: &[Class], now: Timestamp) -> anyhow::Result<Tallies> {
    let pupils = register::pupils_of(world.db.pool(), owner).await?;
    let employees = register::employees_of(world.db.pool(), owner).await?;
    let ids: Vec<ClassId> = classes.iter().map(|class| class.id.clone()).collect();
    let standings = coupling::standings(&world.db, &ids, &employees).await?;
    let mut people: Vec<PersonId> = pupils.iter().map(|(_, person)| person.clone()).collect();
    people.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    people.dedup();
    let progress = Progress::of(world, &people, now).await?;
    let schools: HashMap<&ClassId, &SchoolId> = classes.iter().map(|class| (&class.id, &class.school)).collect();
    let mut tallies = Tallies::default();
    // At a school, and with the owner, somebody counts once, and stands as in the class in which they have come furthest.
    let mut at_school: HashMap<(&SchoolId, &PersonId), Standing> = HashMap::new();
    let mut anywhere: HashMap<&PersonId, Standing> = HashMap::new();
    for place in &pupils {
        let (class, person) = place;
        let standing = standings.get(place).copied().unwrap_or(Standing::Undecided);
        tallies.classes.entry(class.clone()).or_default().count(progress.status(person, standing), standing);
        let Some(school) = schools.get(class) else { continue };
        let entry = at_school.entry((*school, person)).or_insert(standing);
        *entry = entry.and(standing);
        let entry = anywhere.entry(person).or_insert(standing);
        *entry = entry.and(standing);
    }
    for ((school, person), standing) in at_school {
        tallies.schools.entry(school.clone()).or_default().count(progress.status(person, standing), standing);
    }
    for (person, standing) in anywhere {
        tallies.all.count(progress.status(person, standing), standing);
    }
    Ok(tallies)
}

/// The numbers as CSV that a spreadsheet of Norway opens: semicolons, and a mark that it is UTF-8. Nothing in it is a
/// formula. After its classes each school has a row without a class, in which everybody counts once, and after several
/// schools the owner has one without a school.
pub fn csv(report: &Report, headings: &[&str]) -> anyhow::Result<String> {
    // Each text in quotation marks: where a spreadsheet takes a comma for the end of a field, none begins in the middle.
    let mut builder = csv::WriterBuilder::new();
    builder.delimiter(b';').terminator(csv::Terminator::CRLF).quote_style(csv::QuoteStyle::NonNumeric);
    let mut writer = builder.from_writer(Vec::new());
    writer.write_record(headings.iter().map(|heading| safe(heading)))?;
    let date = text::in_norway(report.at, "%d.%m.%Y");
    let mut write = |place: [&str; 3], tally: &Tally| {
        let mut row: Vec<String> = place.map(safe).into();
        row.push(tally.all().to_string());
        row.extend(tally.each().map(|(_, number)| number.to_string()));
        row.push(tally.have_minid().to_string());
        row.push(tally.share().map(|share| share.to_string()).unwrap_or_default());
        row.push(date.clone());
        writer.write_record(&row)
    };
    for SchoolReport { school, classes, tally } in &report.schools {
        let classes = classes.iter().map(|class| (class.class.name.as_str(), &class.tally));
        for (name, tally) in classes.chain([("", tally)]) {
            write([&school.name, school.orgno.as_str(), name], tally)?;
        }
    }
    if report.schools.len() > 1 {
        write(["", "", ""], &report.tally)?;
    }
    let bytes = writer.into_inner().map_err(|error| anyhow::anyhow!("{}", error.error()))?;
    Ok(format!("\u{feff}{}", String::from_utf8(bytes)?))
}

/// A text that no spreadsheet takes for a formula (OWASP, CSV injection).
fn safe(text: &str) -> String {
    let begins = text.trim_start().chars().next();
    let is_formula = matches!(begins, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'));
    match is_formula || text.starts_with(['\t', '\r', '\n']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_a_formula() {
        for text in ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"] {
            assert_eq!(safe(text), format!("'{text}"));
        }
        for text in ["10A", "Ås skole", "", "a=b", "974589095"] {
            assert_eq!(safe(text), text);
        }
    }

    #[test]
    fn every_column_has_a_heading() {
        assert_eq!(HEADINGS.len(), 4 + Tally::names().count() + 3);
    }

    #[test]
    fn counts_by_status() {
        let mut tally = Tally::default();
        tally.count(Status::TooYoung, Standing::Undecided);
        assert_eq!((tally.all(), tally.may_have_minid(), tally.share()), (1, 0, None), "nobody may have MinID");
        let mut tally = Tally::default();
        for status in [Status::Registered, Status::Registered, Status::HasMinid, Status::TooYoung] {
            tally.count(status, Standing::Undecided);
        }
        assert_eq!((tally.of("registered"), tally.have_minid(), tally.all(), tally.share()), (2, 3, 4, Some(100)));
        tally.count(Status::NotStarted, Standing::Undecided);
        tally.count(Status::NotStarted, Standing::Coupled);
        assert_eq!((tally.of("undecided"), tally.of("not-started"), tally.share()), (1, 1, Some(60)));
        assert_eq!((tally.of("manual"), tally.of("nonsense")), (0, 0));
    }
}
