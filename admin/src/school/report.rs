//! How far the schools of an owner have come: counts alone, nobody's name.

use std::collections::HashMap;

use authenticators::clock::Timestamp;
use authenticators::person::PersonId;
use authenticators::world::World;

use super::coupling::{self, Standing};
use super::issuing::{Progress, Status};
use super::register::{self, Class, ClassId, Orgno, School};

/// The first row of the CSV, where nobody has others.
pub const HEADINGS: [&str; 11] = [
    "Skole",
    "Organisasjonsnummer",
    "Klasse",
    "Elever",
    "Ikke startet",
    "Kode utstedt",
    "Registrert",
    "Manuell",
    "Brev bestilt",
    "Har MinID",
    "For ung",
];

/// How many pupils have come how far, in the order of [`Status::NAMES`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([u32; Status::NAMES.len()]);

impl Tally {
    fn count(&mut self, status: Status) {
        for (name, number) in Status::NAMES.iter().zip(&mut self.0) {
            *number += u32::from(*name == status.name());
        }
    }

    fn add(&mut self, other: &Tally) {
        for (number, more) in self.0.iter_mut().zip(other.0) {
            *number += more;
        }
    }

    /// How many have come so far, by the status's name.
    pub fn of(&self, name: &str) -> u32 {
        self.each().find(|(known, _)| *known == name).map_or(0, |(_, number)| number)
    }

    /// Each status with its number.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u32)> {
        Status::NAMES.into_iter().zip(self.0)
    }

    /// All pupils.
    pub fn all(&self) -> u32 {
        self.0.iter().sum()
    }

    /// Those who have MinID, from wherever.
    pub fn have_minid(&self) -> u32 {
        self.of("registered") + self.of("has-minid")
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
    /// All of them. Whoever is in two classes counts twice.
    pub tally: Tally,
}

/// The numbers of all schools of an owner. They are read of all at once, by as many statements for a county as for a
/// school of a few hundred.
pub async fn of_owner(world: &World, owner: &Orgno, now: Timestamp) -> anyhow::Result<Vec<SchoolReport>> {
    let schools = register::schools(world.db.pool(), owner).await?;
    let classes = register::classes_of(world.db.pool(), owner).await?;
    let mut tallies = tallies(world, owner, &classes, now).await?;
    let mut by_school: HashMap<&str, Vec<ClassReport>> = HashMap::new();
    for class in &classes {
        let tally = tallies.remove(&class.id).unwrap_or_default();
        by_school.entry(class.school.as_str()).or_default().push(ClassReport { class: class.clone(), tally });
    }
    let reports = schools.into_iter().map(|school| {
        let classes = by_school.remove(school.id.as_str()).unwrap_or_default();
        let mut tally = Tally::default();
        for class in &classes {
            tally.add(&class.tally);
        }
        SchoolReport { school, classes, tally }
    });
    Ok(reports.collect())
}

/// The numbers of classes, all of them an owner's.
async fn tallies(
    world: &World,
    owner: &Orgno,
    classes: &[Class],
    now: Timestamp,
) -> anyhow::Result<HashMap<ClassId, Tally>> {
    let pupils = register::pupils_of(world.db.pool(), owner).await?;
    let employees = register::employees_of(world.db.pool(), owner).await?;
    let ids: Vec<ClassId> = classes.iter().map(|class| class.id.clone()).collect();
    let standings = coupling::standings(&world.db, &ids, &employees).await?;
    let mut people: Vec<PersonId> = pupils.iter().map(|(_, person)| person.clone()).collect();
    people.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    people.dedup();
    let progress = Progress::of(world, &people, now).await?;
    let mut tallies: HashMap<ClassId, Tally> = HashMap::new();
    for place in pupils {
        let standing = standings.get(&place).copied().unwrap_or(Standing::Undecided);
        let (class, person) = place;
        tallies.entry(class).or_default().count(progress.status(&person, standing));
    }
    Ok(tallies)
}

/// The numbers as CSV that a spreadsheet of Norway opens: semicolons, and a mark that it is UTF-8. Nothing in it is a
/// formula.
pub fn csv(reports: &[SchoolReport], headings: &[&str]) -> anyhow::Result<String> {
    let mut writer =
        csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(headings.iter().map(|heading| safe(heading)))?;
    for report in reports {
        for class in &report.classes {
            let school = &report.school;
            let mut row = vec![safe(&school.name), safe(school.orgno.as_str()), safe(&class.class.name)];
            row.push(class.tally.all().to_string());
            row.extend(class.tally.each().map(|(_, number)| number.to_string()));
            writer.write_record(&row)?;
        }
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
    fn counts_by_status() {
        let mut tally = Tally::default();
        for status in [Status::Registered, Status::Registered, Status::HasMinid, Status::TooYoung] {
            tally.count(status);
        }
        let as_many = tally;
        tally.add(&as_many);
        assert_eq!((tally.of("registered"), tally.have_minid(), tally.all()), (4, 6, 8));
        assert_eq!((tally.of("manual"), tally.of("nonsense")), (0, 0));
    }
}
