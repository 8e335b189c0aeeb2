//! Where in the world an address is, by a database on this machine: nobody else is asked, and nothing is written down.
//!
//! The database is in the MaxMind DB format, in the shape of MaxMind's cities or countries (DB-IP's are the same). What
//! it says is a guess at where a network is, so the words around it say so.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use authenticators::clock::Timestamp;
use authenticators::outbound;
use maxminddb::Reader;
use serde::Deserialize;

use crate::text::Language;

/// Networks move: what is older than that is wrong too often.
const GOOD_FOR: Duration = Duration::from_hours(60 * 24);
/// The names of countries in Bokmål, Nynorsk and English, each after its code (ISO 3166-1; names of Unicode CLDR).
const COUNTRIES: &str = include_str!("countries.tsv");

/// Knows where addresses are; one that was not opened knows of none. Cheap to clone.
#[derive(Clone, Default)]
pub struct Atlas(Option<Arc<Inside>>);

struct Inside {
    file: PathBuf,
    kept: RwLock<Arc<Kept>>,
}

/// The database as it was read.
struct Kept {
    reader: Reader<Vec<u8>>,
    /// When the file was last changed.
    changed_at: Option<SystemTime>,
}

/// What the database has of a network, as far as it is told.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    city: Named<'a>,
    #[serde(borrow, default)]
    country: Named<'a>,
}

/// Something with a name in several languages.
#[derive(Default, Deserialize)]
struct Named<'a> {
    #[serde(default)]
    iso_code: Option<&'a str>,
    #[serde(borrow, default)]
    names: BTreeMap<&'a str, &'a str>,
}

impl Atlas {
    /// Reads a database.
    pub fn open(file: &Path) -> anyhow::Result<Atlas> {
        let kept = RwLock::new(Arc::new(read(file)?));
        Ok(Atlas(Some(Arc::new(Inside { file: file.to_owned(), kept }))))
    }

    /// Reads the database again if its file has changed. If it cannot be read, what was read before stays.
    pub fn refresh(&self) -> anyhow::Result<()> {
        let Some(inside) = &self.0 else { return Ok(()) };
        if changed_at(&inside.file) == inside.kept().changed_at {
            return Ok(());
        }
        let kept = read(&inside.file)?;
        kept.reader.verify().with_context(|| format!("{} is broken", inside.file.display()))?;
        *inside.kept.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(kept);
        Ok(())
    }

    /// Goes through the whole database, and refuses one that is old.
    pub fn examine(&self, now: Timestamp) -> anyhow::Result<()> {
        let Some(inside) = &self.0 else { return Ok(()) };
        let (kept, file) = (inside.kept(), inside.file.display());
        kept.reader.verify().with_context(|| format!("{file} is broken"))?;
        let built_at = Timestamp::from_seconds(i64::try_from(kept.reader.metadata().build_epoch).unwrap_or(i64::MAX));
        let age = now.since(built_at);
        ensure!(age <= GOOD_FOR, "{file} is {} days old: get a newer one", age.as_secs() / (24 * 60 * 60));
        Ok(())
    }

    /// Where an address is, about, for whoever reads this language: `Bergen, Norge`, or the country alone. Nothing where
    /// that is not known, or the address is in a network of somebody's own.
    pub fn place_of(&self, address: &str, language: Language) -> Option<String> {
        let address = address.parse::<IpAddr>().ok()?.to_canonical();
        let kept = self.0.as_ref().filter(|_| outbound::is_public(address))?.kept();
        // A database of IPv4 alone knows of no other address.
        let found = kept.reader.lookup(address).ok()?;
        let record = found.decode::<Record<'_>>().unwrap_or_else(|error| {
            tracing::warn!(%error, "the database of places is broken");
            None
        })?;
        let parts = [record.city.called(language), record.country.named(language)];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl Inside {
    fn kept(&self) -> Arc<Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Named<'_> {
    /// Its name in the reader's language.
    fn own(&self, language: Language) -> Option<&str> {
        let tags: &[&str] = match language.of_words() {
            Language::Nn => &["nn"],
            Language::En => &["en"],
            Language::Nb | Language::Se => &["nb", "no"],
        };
        tags.iter().find_map(|tag| self.names.get(tag).copied())
    }

    /// A city's name: a Norwegian one is better than none, and an English one as well.
    fn called(&self, language: Language) -> Option<&str> {
        let others = || ["nb", "no", "en"].iter().find_map(|tag| self.names.get(tag).copied());
        // What a city is called in Norwegian helps nobody who reads English.
        let english = || self.names.get("en").copied();
        self.own(language).or_else(|| if language == Language::En { english() } else { others() })
    }

    /// A country's name. MaxMind writes no Norwegian, and everybody knows what their own country is called.
    fn named(&self, language: Language) -> Option<&str> {
        let code = self.iso_code;
        let listed = || code.and_then(|code| country(code, language));
        self.own(language).or_else(listed).or_else(|| self.names.get("en").copied()).or(code)
    }
}

/// What a country is called.
fn country(code: &str, language: Language) -> Option<&'static str> {
    let mut names = COUNTRIES.lines().find_map(|line| line.strip_prefix(code)?.strip_prefix('\t'))?.split('\t');
    let (nb, nn, en) = (names.next()?, names.next()?, names.next()?);
    Some(match language.of_words() {
        Language::Nn => nn,
        Language::En => en,
        Language::Nb | Language::Se => nb,
    })
}

fn changed_at(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|data| data.modified()).ok()
}

fn read(file: &Path) -> anyhow::Result<Kept> {
    // Before it is read: what changes meanwhile is read again.
    let changed_at = changed_at(file);
    let name = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let reader =
        Reader::from_source(bytes).with_context(|| format!("{name} is no database in the MaxMind DB format"))?;
    let kind = &reader.metadata().database_type;
    let fits = ["City", "Country", "Enterprise"].iter().any(|word| kind.contains(word));
    ensure!(fits, "{name} is a database of {kind:?}, and neither of cities nor of countries");
    Ok(Kept { reader, changed_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_has_a_name_in_every_language() {
        let mut before = "";
        for line in COUNTRIES.lines() {
            let words: Vec<&str> = line.split('\t').collect();
            assert!(words.len() == 4 && words[0].len() == 2 && before < words[0], "{line}");
            assert!(words.iter().all(|word| !word.is_empty() && word.trim() == *word), "{line}");
            before = words[0];
        }
        assert_eq!(country("NO", Language::Nb), Some("Norge"));
        assert_eq!(country("NO", Language::Nn), Some("Noreg"));
        assert_eq!(country("NO", Language::En), Some("Norway"));
        assert_eq!(country("NO", Language::Se), Some("Norge"));
        assert_eq!([country("no", Language::Nb), country("", Language::Nb), country("N", Language::Nb)], [None; 3]);
    }

    #[test]
    fn names_are_in_the_readers_language_where_there_is_one() {
        let place = |city: &[(&'static str, &'static str)], country: &[(&'static str, &'static str)], language| {
            let of = |names: &[_], iso_code| Named { iso_code, names: names.iter().copied().collect() };
            let (city, country) = (of(city, None), of(country, Some("DE")));
            (city.called(language).map(str::to_owned), country.named(language).map(str::to_owned))
        };
        let check = |found: (Option<String>, Option<String>), city: &str, country: &str| {
            assert_eq!((found.0.as_deref(), found.1.as_deref()), (Some(city), Some(country)));
        };
        let munich = [("de", "München"), ("en", "Munich")];
        check(place(&munich, &[("en", "Germany")], Language::Nb), "Munich", "Tyskland");
        check(place(&munich, &[("en", "Germany")], Language::Nn), "Munich", "Tyskland");
        check(place(&munich, &[("en", "Federal Germany")], Language::En), "Munich", "Federal Germany");
        let norwegian = [("no", "München"), ("en", "Munich")];
        check(place(&norwegian, &[("nb", "Forbundsrepublikken")], Language::Nb), "München", "Forbundsrepublikken");
        check(place(&norwegian, &[], Language::Nn), "München", "Tyskland");
        check(place(&norwegian, &[], Language::En), "Munich", "Germany");
        assert_eq!(place(&[("ja", "ミュンヘン")], &[], Language::Nb).0, None, "nobody can read it");
        let odd = Named { iso_code: Some("ZZ"), names: BTreeMap::new() };
        assert_eq!((odd.named(Language::Nb), odd.called(Language::Nb)), (Some("ZZ"), None));
        let unknown = Named { iso_code: Some("ZZ"), names: [("en", "Atlantis")].into() };
        assert_eq!(unknown.named(Language::Nn), Some("Atlantis"));
    }

    #[test]
    fn without_a_database_nothing_is_known() {
        let atlas = Atlas::default();
        assert_eq!(atlas.place_of("193.156.1.1", Language::Nb), None);
        assert!(atlas.refresh().is_ok() && atlas.examine(Timestamp::from_seconds(0)).is_ok());
    }
}
