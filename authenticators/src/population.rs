//! The population register (Folkeregisteret): who lives in the country, what they are called and where their post goes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use jiff::civil::Date;
use serde::Deserialize;

use crate::person::{Fnr, FnrPolicy};
use crate::shown;

/// The register. Cheap to clone.
#[derive(Clone, Default)]
pub enum Population {
    /// There is none: nobody is found.
    #[default]
    None,
    /// A file, read when the program starts.
    File(Arc<Register>),
}

/// What a file says, by identifier.
pub struct Register {
    residents: HashMap<Fnr, Resident>,
    /// Those who have died, in their order.
    dead: Vec<Fnr>,
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
    /// They have died.
    pub is_dead: bool,
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
    #[serde(default)]
    dead: bool,
    /// The day on which they died, instead of `dead` or beside it.
    #[serde(default)]
    dead_on: Option<Date>,
}

impl Population {
    /// The register in a file: a JSON object a line.
    pub fn open(file: &Path) -> anyhow::Result<Population> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Population::read(&text).with_context(|| format!("in {}", file.display()))
    }

    /// The same from its text. What is wrong is told by its line, and never by its content, which is a person's.
    pub fn read(text: &str) -> anyhow::Result<Population> {
        let anybody = FnrPolicy { real: true, synthetic: true, expanded: true };
        let mut known = HashMap::new();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line)
                .map_err(|error| anyhow::anyhow!("line {number}: not a resident (column {})", error.column()))?;
            let fnr = Fnr::parse(&line.fnr, anybody).ok().with_context(|| format!("line {number}: fnr"))?;
            let is_new = known.insert(fnr, Resident::from(line)).is_none();
            anyhow::ensure!(is_new, "line {number}: somebody who stands on a line before it");
        }
        let dead = known.iter().filter(|(_, resident)| resident.is_dead).map(|(fnr, _)| fnr.clone());
        let mut dead: Vec<Fnr> = dead.collect();
        dead.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        Ok(Population::File(Arc::new(Register { residents: known, dead })))
    }

    /// Some of those who have died, by their identifiers and in their order, after this one.
    #[expect(clippy::unused_async, reason = "a register that is asked over the network is what a site will have")]
    pub async fn dead(&self, after: Option<&Fnr>, at_most: usize) -> anyhow::Result<Vec<Fnr>> {
        let Population::File(register) = self else { return Ok(Vec::new()) };
        let from = after.map_or(0, |after| register.dead.partition_point(|fnr| fnr.as_str() <= after.as_str()));
        Ok(register.dead.iter().skip(from).take(at_most).cloned().collect())
    }

    /// Somebody, by their identifier.
    #[expect(clippy::unused_async, reason = "a register that is asked over the network is what a site will have")]
    pub async fn find(&self, fnr: &Fnr) -> anyhow::Result<Option<Resident>> {
        Ok(match self {
            Population::None => None,
            Population::File(register) => register.residents.get(fnr).cloned(),
        })
    }

    /// Many at once, by their identifiers: one question, wherever the register is.
    #[expect(clippy::unused_async, reason = "a register that is asked over the network is what a site will have")]
    pub async fn find_all(&self, fnrs: &[&Fnr]) -> anyhow::Result<HashMap<Fnr, Resident>> {
        let Population::File(register) = self else { return Ok(HashMap::new()) };
        let known = fnrs.iter().filter_map(|fnr| Some(((*fnr).clone(), register.residents.get(*fnr)?.clone())));
        Ok(known.collect())
    }
}

impl From<Line> for Resident {
    fn from(line: Line) -> Resident {
        let lines = if line.postal_address.is_empty() { line.address } else { line.postal_address };
        let lines: Vec<String> = lines.iter().map(|line| shown::line(line)).collect();
        let address = match (line.protected, lines.is_empty()) {
            (true, _) => Address::Protected,
            (false, true) => Address::Unknown,
            (false, false) => Address::Known(lines),
        };
        let (given_name, family_name) = (shown::line(&line.given_name), shown::line(&line.family_name));
        Resident { given_name, family_name, address, is_dead: line.dead || line.dead_on.is_some() }
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

    #[tokio::test]
    async fn the_dead_are_told_in_parts() {
        let text = r#"{"fnr":"47906701517","given_name":"","family_name":"","dead_on":"2026-01-31"}
{"fnr":"05895894984","given_name":"","family_name":"","dead":true}
{"fnr":"28816196088","given_name":"","family_name":""}"#;
        let register = Population::read(text).unwrap();
        let first = register.dead(None, 1).await.unwrap();
        assert_eq!(first.iter().map(Fnr::as_str).collect::<Vec<_>>(), ["05895894984"]);
        let rest = register.dead(first.first(), 10).await.unwrap();
        assert_eq!(rest.iter().map(Fnr::as_str).collect::<Vec<_>>(), ["47906701517"]);
        assert!(register.dead(rest.first(), 10).await.unwrap().is_empty());
        let when = r#"{"fnr":"47906701517","given_name":"","family_name":"","dead_on":"yesterday"}"#;
        assert!(Population::read(when).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_without_whose_it_is() {
        for (text, expected) in [
            (r#"{"fnr":"05895894984"}"#, "line 1: not a resident (column 21)"),
            (r#"{"fnr":"05895894985","given_name":"","family_name":""}"#, "line 1: fnr"),
        ] {
            let told = Population::read(text).err().map(|error| format!("{error:#}"));
            assert_eq!(told.as_deref(), Some(expected));
        }
        let twice = r#"{"fnr":"05895894984","given_name":"","family_name":""}"#;
        assert!(Population::read(&format!("{twice}\n{twice}")).is_err());
    }
}
