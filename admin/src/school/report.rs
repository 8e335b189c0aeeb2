//! How far the schools of an owner have come: counts alone, nobody's name.

use std::collections::{HashMap, HashSet};

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

/// What the verb calls several small classes.
pub const SMALL: &str = "Små klasser";

/// As many as it takes until a number tells of nobody. Of fewer, whoever knows who goes where knows one pupil's status by
/// it, also a protected one's. Of a school so small its owner, who has to see to it that all get MinID, knows how many
/// have it, and nothing of what the others wait for.
const ENOUGH: u32 = 5;

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

    /// Whether they are so few, or so few of them may have MinID, that how many have which status tells of somebody.
    pub fn is_few(&self) -> bool {
        let few = 1..ENOUGH;
        few.contains(&self.all()) || few.contains(&self.may_have_minid())
    }

    /// How many of a hundred who may have MinID have it, where there is anybody; a hundred when all have.
    pub fn share(&self) -> Option<u32> {
        let (have, all) = (u64::from(self.have_minid()), u64::from(self.may_have_minid()));
        u32::try_from((have * 100).checked_div(all)?).ok()
    }
}

/// A class's numbers, or those of some that are too small to be told of alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassReport {
    /// Which.
    pub classes: Vec<Class>,
    /// Their numbers. Whoever is in two of them counts once.
    pub tally: Tally,
}

impl ClassReport {
    /// What it is called; `small` are the words for several small classes.
    pub fn name(&self, small: &str) -> String {
        match self.classes.as_slice() {
            [class] => class.name.clone(),
            several => {
                let names: Vec<&str> = several.iter().map(|class| class.name.as_str()).collect();
                format!("{small}: {}", names.join(", "))
            }
        }
    }
}

/// A school's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchoolReport {
    /// Which.
    pub school: School,
    /// Class by class; none where all of the school are few.
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
    /// Whether all of them may be told of by status: nobody who subtracts the schools that are told of has few left.
    pub is_told: bool,
    /// When they were so.
    pub at: Timestamp,
}

/// Who is in which class, how they stand there, and how far they have come.
struct Counting<'a> {
    people: HashMap<&'a ClassId, Vec<(&'a PersonId, Standing)>>,
    progress: Progress,
}

impl Counting<'_> {
    /// The numbers of some classes together. Somebody counts once, and stands as in the class in which they have come
    /// furthest.
    fn of<'b>(&self, classes: impl Iterator<Item = &'b Class>) -> Tally {
        let mut people: HashMap<&PersonId, Standing> = HashMap::new();
        for class in classes {
            for (person, standing) in self.people.get(&class.id).into_iter().flatten() {
                let entry = people.entry(person).or_insert(*standing);
                *entry = entry.and(*standing);
            }
        }
        let mut tally = Tally::default();
        for (person, standing) in people {
            tally.count(self.progress.status(person, standing), standing);
        }
        tally
    }

    /// The numbers of a school. Classes of few are one row, with as many of the next smallest as it takes until those
    /// are not few either: the school's numbers less all other rows are that row.
    fn school(&self, school: School, classes: Vec<Class>) -> SchoolReport {
        let tally = self.of(classes.iter());
        if tally.is_few() {
            return SchoolReport { school, classes: Vec::new(), tally };
        }
        let mut by_size: Vec<(Tally, &Class)> =
            classes.iter().map(|class| (self.of([class].into_iter()), class)).collect();
        by_size.retain(|(tally, _)| tally.all() > 0);
        by_size.sort_by_key(|(tally, _)| (!tally.is_few(), tally.may_have_minid(), tally.all()));
        let (mut small, mut together): (Vec<&Class>, _) = (Vec::new(), Tally::default());
        for (tally, class) in by_size {
            if !tally.is_few() && !together.is_few() {
                break;
            }
            small.push(class);
            together = self.of(small.iter().copied());
        }
        let small: HashSet<ClassId> = small.into_iter().map(|class| class.id.clone()).collect();
        let (small, others): (Vec<Class>, Vec<Class>) =
            classes.into_iter().partition(|class| small.contains(&class.id));
        let row = |classes: Vec<Class>| ClassReport { tally: self.of(classes.iter()), classes };
        let small = Some(small).filter(|small| !small.is_empty());
        let classes = others.into_iter().map(|class| vec![class]).chain(small).map(row).collect();
        SchoolReport { school, classes, tally }
    }
}

/// The numbers of all schools of an owner. They are read of all at once, by as many statements for a county as for a
/// school of a few hundred.
pub async fn of_owner(world: &World, owner: &Orgno, now: Timestamp) -> anyhow::Result<Report> {
    let schools = register::schools(world.db.pool(), owner).await?;
    let classes = register::classes_of(world.db.pool(), owner).await?;
    let pupils = register::pupils_of(world.db.pool(), owner).await?;
    let counting = counting(world, owner, (&classes, &pupils), now).await?;
    let mut by_school: HashMap<&str, Vec<Class>> = HashMap::new();
    for class in &classes {
        by_school.entry(class.school.as_str()).or_default().push(class.clone());
    }
    let school = |school: School| {
        let classes = by_school.remove(school.id.as_str()).unwrap_or_default();
        counting.school(school, classes)
    };
    let schools: Vec<SchoolReport> = schools.into_iter().map(school).collect();
    let untold: HashSet<&SchoolId> =
        schools.iter().filter(|report| report.tally.is_few()).map(|report| &report.school.id).collect();
    let left = counting.of(classes.iter().filter(|class| untold.contains(&class.school)));
    let tally = counting.of(classes.iter());
    Ok(Report { is_told: !tally.is_few() && !left.is_few(), schools, tally, at: now })
}

/// How the pupils of classes stand, all of them an owner's, and how far they have come.
async fn counting<'a>(
    world: &World,
    owner: &Orgno,
    (classes, pupils): (&[Class], &'a [(ClassId, PersonId)]),
    now: Timestamp,
) -> anyhow::Result<Counting<'a>> {
    let employees = register::employees_of(world.db.pool(), owner).await?;
    let ids: Vec<ClassId> = classes.iter().map(|class| class.id.clone()).collect();
    let standings = coupling::standings(&world.db, &ids, &employees).await?;
    let mut all: Vec<PersonId> = pupils.iter().map(|(_, person)| person.clone()).collect();
    all.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    all.dedup();
    let mut people: HashMap<&ClassId, Vec<(&PersonId, Standing)>> = HashMap::new();
    for place in pupils {
        let standing = standings.get(place).copied().unwrap_or(Standing::Undecided);
        people.entry(&place.0).or_default().push((&place.1, standing));
    }
    Ok(Counting { people, progress: Progress::of(world, &all, now).await? })
}

/// The numbers as CSV that a spreadsheet of Norway opens: semicolons, and a mark that it is UTF-8. Nothing in it is a
/// formula. After its classes each school has a row without a class, in which everybody counts once, and after several
/// schools the owner has one without a school. `small` are the words for several small classes.
pub fn csv(report: &Report, headings: &[&str], small: &str) -> anyhow::Result<String> {
    // Each text in quotation marks: where a spreadsheet takes a comma for the end of a field, none begins in the middle.
    let mut builder = csv::WriterBuilder::new();
    builder.delimiter(b';').terminator(csv::Terminator::CRLF).quote_style(csv::QuoteStyle::NonNumeric);
    let mut writer = builder.from_writer(Vec::new());
    writer.write_record(headings.iter().map(|heading| safe(heading)))?;
    let date = text::in_norway(report.at, "%d.%m.%Y");
    let mut write = |place: [&str; 3], tally: &Tally, told: Option<&Tally>| {
        let mut row: Vec<String> = place.map(safe).into();
        row.push(tally.all().to_string());
        row.extend(Tally::names().map(|name| told.map(|told| told.of(name).to_string()).unwrap_or_default()));
        row.push(tally.have_minid().to_string());
        row.push(tally.share().map(|share| share.to_string()).unwrap_or_default());
        row.push(date.clone());
        writer.write_record(&row)
    };
    for SchoolReport { school, classes, tally } in &report.schools {
        for class in classes {
            write([&school.name, school.orgno.as_str(), &class.name(small)], &class.tally, Some(&class.tally))?;
        }
        write([&school.name, school.orgno.as_str(), ""], tally, Some(tally).filter(|tally| !tally.is_few()))?;
    }
    if report.schools.len() > 1 {
        write(["", "", ""], &report.tally, Some(&report.tally).filter(|_| report.is_told))?;
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
    fn few_are_those_who_are_few_or_of_whom_few_may_have_minid() {
        let of = |young: u32, old: u32| {
            let mut tally = Tally::default();
            (0..young).for_each(|_| tally.count(Status::TooYoung, Standing::Undecided));
            (0..old).for_each(|_| tally.count(Status::NotStarted, Standing::Undecided));
            tally
        };
        for (young, old, expected) in
            [(0, 0, false), (0, 1, true), (0, 4, true), (0, 5, false), (4, 0, true), (9, 0, false), (9, 1, true)]
        {
            assert_eq!(of(young, old).is_few(), expected, "{young} {old}");
        }
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
