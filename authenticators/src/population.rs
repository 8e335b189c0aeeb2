//! The population register (Folkeregisteret): who lives in the country, what they are called and where their post goes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use anyhow::{Context, ensure};
use jiff::civil::Date;
use serde::Deserialize;

use crate::clock::Timestamp;
use crate::person::{Fnr, FnrPolicy, Person, today_in_norway};
use crate::shown;

/// MinID can be had from the calendar year in which one becomes so old.
const MINID_FROM: i16 = 13;

/// The register. Cheap to clone.
#[derive(Clone, Default)]
pub enum Population {
    /// There is none: nobody is found.
    #[default]
    None,
    /// A file, read when the program starts and again when it has changed.
    File(Arc<Source>),
}

/// A file, and what it said when it was last good.
pub struct Source {
    /// None of a register that is not in a file.
    file: Option<PathBuf>,
    kept: RwLock<Arc<Register>>,
}

/// What a file says, by identifier.
struct Register {
    residents: HashMap<Fnr, Resident>,
    /// The numbers that somebody had before, and the one that they have.
    former: HashMap<Fnr, Fnr>,
    /// The numbers of those whose death is known, in their order: those as well that they had before.
    dead: Vec<Fnr>,
    /// What the file was like when it was read.
    stamp: Option<Stamp>,
}

/// By what it is seen that a file has changed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    changed_at: SystemTime,
    length: u64,
}

/// Somebody who is in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resident {
    /// First and middle names.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// Where their post goes.
    pub address: Address,
    /// The day on which they were born, if the register tells it.
    pub born_on: Option<Date>,
    /// Whether they have died.
    pub death: Death,
}

impl Resident {
    /// Whether they have died. On a day that is still to come nobody has.
    pub fn is_dead(&self, now: Timestamp) -> bool {
        match self.death {
            Death::None => false,
            Death::Known => true,
            Death::On(day) => day <= today_in_norway(now),
        }
    }
}

/// Whether somebody may have MinID: it is the year that counts, and not the birthday. Their number tells it or, where one
/// that is given out from 2032 on does not, the register. None where neither does.
pub fn may_have_minid(fnr: &Fnr, resident: Option<&Resident>, now: Timestamp) -> Option<bool> {
    // The number goes before: whoever was born on another day than it says gets another one, and a slip in a file makes
    // nobody younger.
    let year = fnr.birth_year().or_else(|| Some(resident?.born_on?.year()))?;
    Some(today_in_norway(now).year() - year >= MINID_FROM)
}

/// What is known of somebody's death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// They live.
    None,
    /// They have died, and nobody says when.
    Known,
    /// The day on which they died.
    On(Date),
}

/// Where somebody's post goes.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// The lines below the name.
    Known(Vec<String>),
    /// Nobody may know it (fortrolig or strengt fortrolig adresse, folkeregisterloven § 10-4): it is not even here.
    Protected,
    /// Nobody does.
    Unknown,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(…)")
    }
}

/// What stands on a line of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    fnr: String,
    given_name: String,
    family_name: String,
    /// Where they live.
    #[serde(default)]
    address: Vec<String>,
    /// Where they want their post, which goes before where they live.
    #[serde(default)]
    postal_address: Vec<String>,
    #[serde(default)]
    protected: bool,
    /// The day on which they were born (Folkeregisteret: `foedselsdato`).
    #[serde(default)]
    born_on: Option<String>,
    #[serde(default)]
    dead: bool,
    /// The day on which they died, instead of `dead` or beside it.
    #[serde(default)]
    dead_on: Option<String>,
    /// The numbers that they had before (Folkeregisteret: `identifikasjonsnummer` with the status `opphoert`).
    #[serde(default)]
    former: Vec<String>,
}

impl Population {
    /// The register in a file: a JSON object a line.
    pub fn open(file: &Path) -> anyhow::Result<Population> {
        let register = read(file)?;
        Ok(Population::File(Arc::new(Source { file: Some(file.to_owned()), kept: RwLock::new(Arc::new(register)) })))
    }

    /// The same from its text. What is wrong is told by its line, and never by its content, which is a person's.
    pub fn read(text: &str) -> anyhow::Result<Population> {
        Ok(Population::File(Arc::new(Source { file: None, kept: RwLock::new(Arc::new(Register::of(text)?)) })))
    }

    /// Reads the file again if it has changed. If it cannot be read, what was read before goes on being good, and whoever
    /// watches the log is told.
    pub async fn refresh(&self) {
        let Population::File(source) = self else { return };
        let source = source.clone();
        // What is not begun any more is no alarm: the program ends.
        let Ok(read) = tokio::task::spawn_blocking(move || source.refresh()).await else { return };
        if let Err(error) = read {
            let error = format!("{error:#}");
            tracing::error!(alarm = "population", error, "the population register stays as it was last read");
        }
    }

    fn kept(&self) -> Option<Arc<Register>> {
        match self {
            Population::None => None,
            Population::File(source) => Some(source.kept()),
        }
    }

    /// Some of those who have died, by the identifiers that they have or had and in the order of these, after this one.
    #[expect(clippy::unused_async, reason = "a register that is asked over the network is what a site will have")]
    pub async fn dead(&self, after: Option<&Fnr>, at_most: usize, now: Timestamp) -> anyhow::Result<Vec<Fnr>> {
        let Some(register) = self.kept() else { return Ok(Vec::new()) };
        let from = after.map_or(0, |after| register.dead.partition_point(|fnr| fnr.as_str() <= after.as_str()));
        let is_dead = |fnr: &&Fnr| register.ever(fnr).is_some_and(|resident| resident.is_dead(now));
        Ok(register.dead.iter().skip(from).filter(is_dead).take(at_most).cloned().collect())
    }

    /// All who have another number than before: the one that they had, and the one that they have.
    #[expect(clippy::unused_async, reason = "a register that is asked over the network is what a site will have")]
    pub async fn renumbered(&self) -> anyhow::Result<Vec<(Fnr, Fnr)>> {
        let Some(register) = self.kept() else { return Ok(Vec::new()) };
        let mut all: Vec<_> = register.former.iter().map(|(had, has)| (had.clone(), has.clone())).collect();
        all.sort_unstable_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
        Ok(all)
    }

    /// Somebody, by the identifier that they have.
    #[expect(clippy::unused_async, reason = "a register that is asked over the network is what a site will have")]
    pub async fn find(&self, fnr: &Fnr) -> anyhow::Result<Option<Resident>> {
        Ok(self.kept().and_then(|register| register.residents.get(fnr).cloned()))
    }

    /// Somebody whom we know, perhaps by an identifier that they no longer have.
    #[expect(clippy::unused_async, reason = "a register that is asked over the network is what a site will have")]
    pub async fn find_known(&self, person: &Person) -> anyhow::Result<Option<Resident>> {
        Ok(self.kept().and_then(|register| register.ever(&person.fnr).cloned()))
    }

    /// What it says of those whose identifier does not tell when they were born: for [`may_have_minid`] of many.
    pub async fn find_untold(&self, people: impl Iterator<Item = &Person>) -> anyhow::Result<HashMap<Fnr, Resident>> {
        let untold: Vec<&Fnr> = people.map(|person| &person.fnr).filter(|fnr| fnr.birth_year().is_none()).collect();
        self.find_all(&untold).await
    }

    /// Many of those whom we know, by the identifiers by which we do: one question, wherever the register is.
    #[expect(clippy::unused_async, reason = "a register that is asked over the network is what a site will have")]
    pub async fn find_all(&self, fnrs: &[&Fnr]) -> anyhow::Result<HashMap<Fnr, Resident>> {
        let Some(register) = self.kept() else { return Ok(HashMap::new()) };
        let known = fnrs.iter().filter_map(|fnr| Some(((*fnr).clone(), register.ever(fnr)?.clone())));
        Ok(known.collect())
    }
}

/// So few may become fewer at once: nobody's country.
const FEW: usize = 100;

impl Source {
    fn kept(&self) -> Arc<Register> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refresh(&self) -> anyhow::Result<()> {
        let (Some(file), kept) = (&self.file, self.kept()) else { return Ok(()) };
        let stamp = Stamp::of(file)?;
        if kept.stamp == Some(stamp) {
            return Ok(());
        }
        let register = read(file)?;
        // Whoever writes over the file in its place may just have begun; and whoever is missing is not known to be protected.
        let (now, before) = (register.residents.len(), kept.residents.len());
        let is_whole = now > 0 && (before < FEW || now.saturating_mul(10) >= before.saturating_mul(9));
        ensure!(is_whole || before == 0, "{} has {now} people, and had {before}", file.display());
        if Stamp::of(file)? != stamp {
            tracing::debug!("the population register is being written, and is read a little later");
            return Ok(());
        }
        tracing::info!(people = register.residents.len(), "read the population register again");
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(register);
        Ok(())
    }
}

impl Stamp {
    fn of(file: &Path) -> anyhow::Result<Stamp> {
        let of = |file: &Path| -> std::io::Result<Stamp> {
            let data = std::fs::metadata(file)?;
            Ok(Stamp { changed_at: data.modified()?, length: data.len() })
        };
        of(file).with_context(|| format!("cannot read {}", file.display()))
    }
}

fn read(file: &Path) -> anyhow::Result<Register> {
    // Before it is read: what changes meanwhile is read again.
    let stamp = Stamp::of(file)?;
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let register = Register::of(&text).with_context(|| format!("in {}", file.display()))?;
    Ok(Register { stamp: Some(stamp), ..register })
}

impl Register {
    fn of(text: &str) -> anyhow::Result<Register> {
        let anybody = FnrPolicy { real: true, synthetic: true, expanded: true };
        let number = |typed: &str| Fnr::parse(typed, anybody).ok();
        let (mut residents, mut former) = (HashMap::new(), Vec::new());
        for (place, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line)
                .map_err(|error| anyhow::anyhow!("line {place}: not a resident (column {})", error.column()))?;
            let fnr = number(&line.fnr).with_context(|| format!("line {place}: fnr"))?;
            for had in &line.former {
                let had = number(had).with_context(|| format!("line {place}: former"))?;
                former.push((place, had, fnr.clone()));
            }
            let resident = line.resident().map_err(|field| anyhow::anyhow!("line {place}: {field}"))?;
            let is_new = residents.insert(fnr, resident).is_none();
            ensure!(is_new, "line {place}: somebody who stands on a line before it");
        }
        let former = one_owner_each(former, &residents)?;
        let numbers = residents.iter().chain(former.iter().filter_map(|(had, has)| Some((had, residents.get(has)?))));
        let dead = numbers.filter(|(_, resident)| resident.death != Death::None).map(|(fnr, _)| fnr.clone());
        let mut dead: Vec<Fnr> = dead.collect();
        dead.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        Ok(Register { residents, former, dead, stamp: None })
    }

    /// Somebody by a number that they have or had.
    fn ever(&self, fnr: &Fnr) -> Option<&Resident> {
        self.residents.get(self.former.get(fnr).unwrap_or(fnr))
    }
}

/// Who had which number before. Of a number that is anybody's now, or was two people's, a file cannot be believed: an
/// account goes by it.
fn one_owner_each(
    former: Vec<(usize, Fnr, Fnr)>,
    residents: &HashMap<Fnr, Resident>,
) -> anyhow::Result<HashMap<Fnr, Fnr>> {
    let mut all = HashMap::with_capacity(former.len());
    for (place, had, has) in former {
        ensure!(!residents.contains_key(&had), "line {place}: a former number that somebody has");
        let before = all.insert(had, has.clone());
        ensure!(before.is_none_or(|other| other == has), "line {place}: a former number of two people");
    }
    Ok(all)
}

impl Line {
    /// Whom it is about, or the field that cannot be read.
    fn resident(self) -> Result<Resident, &'static str> {
        let Line { address, postal_address, .. } = self;
        let lines = if postal_address.is_empty() { address } else { postal_address };
        let lines: Vec<String> = lines.iter().map(|line| shown::line(line)).collect();
        let address = match (self.protected, lines.is_empty()) {
            (true, _) => Address::Protected,
            (false, true) => Address::Unknown,
            (false, false) => Address::Known(lines),
        };
        let (given_name, family_name) = (shown::line(&self.given_name), shown::line(&self.family_name));
        let day = |field: Option<String>| field.map(|text| text.parse::<Date>()).transpose();
        let born_on = day(self.born_on).map_err(|_| "born_on")?;
        let death = match (day(self.dead_on).map_err(|_| "dead_on")?, self.dead) {
            (Some(day), _) => Death::On(day),
            (None, true) => Death::Known,
            (None, false) => Death::None,
        };
        Ok(Resident { given_name, family_name, address, born_on, death })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn post_goes_where_somebody_wants_it() {
        let text = r#"{"fnr":"05895894984","given_name":"A","family_name":"B","address":["Gata 1"],"postal_address":["Postboks 2"]}

{"fnr":"28816196088","given_name":"C","family_name":"D","address":["Gata 3"],"protected":true}
{"fnr":"47906701517","given_name":"E","family_name":"F"}"#;
        let register = Population::read(text).unwrap();
        let address = async |fnr: &str| {
            let policy = FnrPolicy { real: true, synthetic: true, expanded: true };
            let fnr = Fnr::parse(fnr, policy).unwrap();
            register.find(&fnr).await.unwrap().map(|resident| resident.address)
        };
        assert_eq!(address("05895894984").await, Some(Address::Known(vec!["Postboks 2".into()])));
        assert_eq!(address("28816196088").await, Some(Address::Protected));
        assert_eq!(address("47906701517").await, Some(Address::Unknown));
        assert_eq!(address("20914695016").await, None);
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_seconds(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    async fn dead(register: &Population, after: Option<&Fnr>, at_most: usize, now: &str) -> Vec<String> {
        let found = register.dead(after, at_most, at(now)).await.unwrap();
        found.iter().map(|fnr| fnr.as_str().to_owned()).collect()
    }

    #[tokio::test]
    async fn the_dead_are_told_in_parts() {
        let text = r#"{"fnr":"47906701517","given_name":"","family_name":"","dead_on":"2026-01-31"}
{"fnr":"05895894984","given_name":"","family_name":"","dead":true}
{"fnr":"28816196088","given_name":"","family_name":""}"#;
        let (register, now) = (Population::read(text).unwrap(), "2026-02-01T00:00:00Z");
        assert_eq!(dead(&register, None, 1, now).await, ["05895894984"]);
        let first = register.dead(None, 1, at(now)).await.unwrap();
        assert_eq!(dead(&register, first.first(), 10, now).await, ["47906701517"]);
        let last = register.dead(first.first(), 10, at(now)).await.unwrap();
        assert!(dead(&register, last.first(), 10, now).await.is_empty());
    }

    #[tokio::test]
    async fn nobody_is_dead_before_the_day() {
        let text = r#"{"fnr":"47906701517","given_name":"","family_name":"","dead_on":"2026-01-31","dead":true}"#;
        let register = Population::read(text).unwrap();
        assert!(dead(&register, None, 10, "2026-01-30T22:59:59Z").await.is_empty());
        // The day begins an hour earlier in Norway.
        assert_eq!(dead(&register, None, 10, "2026-01-30T23:00:00Z").await, ["47906701517"]);
    }

    #[tokio::test]
    async fn from_the_year_of_ones_thirteenth_birthday() {
        let policy = FnrPolicy { real: true, synthetic: true, expanded: true };
        // Of the last day of 2013, and of 2032, whose first check digit is of the new kind and tells nothing.
        let tells = |number: &str| Fnr::parse(number, policy).ok().filter(|fnr| fnr.birth_year() == Some(2013));
        let tells_not = |number: &str| Fnr::parse(number, policy).ok().filter(|fnr| fnr.birth_year().is_none());
        let all = |day: &str| (50_000..99_999).map(|rest| format!("{day}{rest}")).collect::<Vec<_>>();
        let old = all("311213").iter().find_map(|number| tells(number)).unwrap();
        let new = all("010132").iter().find_map(|number| tells_not(number)).unwrap();
        let lines = [&old, &new].map(|fnr| {
            format!(r#"{{"fnr":"{}","given_name":"","family_name":"","born_on":"2012-01-01"}}"#, fnr.as_str())
        });
        let register = Population::read(&lines.join("\n")).unwrap();
        let may = async |fnr: &Fnr, now: &str| {
            let resident = register.find(fnr).await.unwrap();
            may_have_minid(fnr, resident.as_ref(), at(now))
        };
        assert_eq!(may_have_minid(&new, None, at("2050-01-01T00:00:00Z")), None);
        assert_eq!(may(&new, "2024-12-31T22:59:59Z").await, Some(false));
        // A new year begins an hour earlier in Norway.
        assert_eq!(may(&new, "2024-12-31T23:00:00Z").await, Some(true));
        // A number that tells goes before what a file says.
        for resident in [register.find(&old).await.unwrap(), None] {
            let may = |now: &str| may_have_minid(&old, resident.as_ref(), at(now));
            assert_eq!([may("2025-12-31T22:59:59Z"), may("2025-12-31T23:00:00Z")], [Some(false), Some(true)]);
        }
    }

    #[tokio::test]
    async fn somebody_is_found_by_the_number_that_they_had() {
        let text = r#"{"fnr":"05895894984","given_name":"A","family_name":"B","dead":true,"former":["47906701517"]}
{"fnr":"28816196088","given_name":"C","family_name":"D"}"#;
        let register = Population::read(text).unwrap();
        assert_eq!(dead(&register, None, 10, "2026-01-31T00:00:00Z").await, ["05895894984", "47906701517"]);
        let policy = FnrPolicy { real: true, synthetic: true, expanded: true };
        let [has, had] = ["05895894984", "47906701517"].map(|fnr| Fnr::parse(fnr, policy).unwrap());
        assert_eq!(register.renumbered().await.unwrap(), [(had.clone(), has)]);
        assert_eq!(register.find(&had).await.unwrap(), None, "nobody begins with it");
        assert_eq!(register.find_all(&[&had]).await.unwrap()[&had].given_name, "A");
    }

    #[tokio::test]
    async fn a_file_that_has_gone_wrong_takes_nothing_away() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("population.jsonl");
        let line = |name: &str| format!(r#"{{"fnr":"05895894984","given_name":"{name}","family_name":"B"}}"#);
        let fnr = Fnr::parse("05895894984", FnrPolicy { real: true, synthetic: true, expanded: true }).unwrap();
        std::fs::write(&file, line("Anna")).unwrap();
        let register = Population::open(&file).unwrap();
        let name = async || {
            register.refresh().await;
            register.find(&fnr).await.unwrap().unwrap().given_name
        };
        std::fs::write(&file, line("Annamari")).unwrap();
        assert_eq!(name().await, "Annamari");
        for wrong in ["", "{", &[line("A"), line("B")].join("\n")] {
            std::fs::write(&file, wrong).unwrap();
            assert_eq!(name().await, "Annamari", "{wrong}");
        }
        std::fs::remove_file(&file).unwrap();
        assert_eq!(name().await, "Annamari");
        std::fs::write(&file, line("Annabell")).unwrap();
        assert_eq!(name().await, "Annabell");
    }

    #[test]
    fn what_is_wrong_is_told_without_whose_it_is() {
        for (text, expected) in [
            (r#"{"fnr":"05895894984"}"#, "line 1: not a resident (column 21)"),
            (r#"{"fnr":"05895894985","given_name":"","family_name":""}"#, "line 1: fnr"),
            (r#"{"fnr":"05895894984","given_name":"","family_name":"","born_on":"2031-02-29"}"#, "line 1: born_on"),
            (r#"{"fnr":"05895894984","given_name":"","family_name":"","dead_on":"yesterday"}"#, "line 1: dead_on"),
        ] {
            let told = Population::read(text).err().map(|error| format!("{error:#}"));
            assert_eq!(told.as_deref(), Some(expected));
        }
        let twice = r#"{"fnr":"05895894984","given_name":"","family_name":""}"#;
        assert!(Population::read(&format!("{twice}\n{twice}")).is_err());
        // By its former numbers a file says whose an account is.
        let with = |fnr: &str, former: &str| {
            format!(r#"{{"fnr":"{fnr}","given_name":"","family_name":"","former":["{former}"]}}"#)
        };
        let [one, other, third] = ["05895894984", "28816196088", "47906701517"];
        assert!(Population::read(&with(one, third)).is_ok());
        for lines in [
            vec![with(one, one)],
            vec![with(one, other), with(other, one)],
            vec![with(one, third), with(other, third)],
            vec![with(one, "47906701518")],
        ] {
            assert!(Population::read(&lines.join("\n")).is_err(), "{lines:?}");
        }
    }
}
