//! How far the schools of an owner have come: counts alone, nobody's name.

use authenticators::clock::Timestamp;
use authenticators::world::World;

use super::coupling::{self, Standing};
use super::issuing::{self, Status};
use super::register::{self, Class, Orgno, School};

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

/// The numbers of all schools of an owner.
pub async fn of_owner(world: &World, owner: &Orgno, now: Timestamp) -> anyhow::Result<Vec<SchoolReport>> {
    let mut reports = Vec::new();
    for school in register::schools(world.db.pool(), owner).await? {
        reports.push(of_school(world, school, now).await?);
    }
    Ok(reports)
}

/// The numbers of a school.
pub async fn of_school(world: &World, school: School, now: Timestamp) -> anyhow::Result<SchoolReport> {
    let (mut classes, mut all) = (Vec::new(), Tally::default());
    for class in register::classes(world.db.pool(), &school.id).await? {
        let tally = of_class(world, &class, now).await?;
        all.add(&tally);
        classes.push(ClassReport { class, tally });
    }
    Ok(SchoolReport { school, classes, tally: all })
}

/// The numbers of a class.
pub async fn of_class(world: &World, class: &Class, now: Timestamp) -> anyhow::Result<Tally> {
    let standings = coupling::standings(&world.db, &class.id).await?;
    let mut tally = Tally::default();
    for member in register::members(world.db.pool(), &class.id).await? {
        let standing = standings.get(&member.person).copied().unwrap_or(Standing::Undecided);
        tally.count(issuing::status(world, &member.person, standing, now).await?);
    }
    Ok(tally)
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
