//! The synthetic people of `porten dev`, each different in something that matters.

use anyhow::{Context, anyhow};
use authenticators::clock::Timestamp;
use authenticators::contact::{self, Channel, Known, Phone};
use authenticators::password;
use authenticators::person::{Fnr, NewPerson, Person};
use authenticators::world::World;
use serde_json::json;

use super::schools::PUPILS;
use crate::open::DEV_PEOPLE;

/// A synthetic person.
pub(super) struct Synthetic {
    pub(super) given_name: &'static str,
    pub(super) family_name: &'static str,
    pub(super) fnr: String,
    /// None for those who have no MinID.
    pub(super) password: Option<&'static str>,
    pub(super) mobile: Option<&'static str>,
    /// Words for what is special about them.
    pub(super) about: &'static str,
    locked: bool,
}

impl Synthetic {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }
}

/// A number with the synthetic month (+ 80) for a day of birth. The first of the day that adds up.
fn synthetic(day: u32, month: u32, year: i16) -> String {
    let first = if year >= 2000 { 500 } else { 0 };
    let numbers = (first..first + 400).flat_map(|n| (0..100).map(move |check| (n, check)));
    let mut numbers =
        numbers.map(|(n, check)| format!("{day:02}{:02}{:02}{n:03}{check:02}", month + 80, year.rem_euclid(100)));
    let policy = authenticators::person::FnrPolicy { expanded: false, ..DEV_PEOPLE };
    numbers.find(|text| Fnr::parse(text, policy).is_ok()).unwrap_or_default()
}

/// Name, day of birth, password, telephone, and what is special about them. A year below 100 is an age; a day
/// above 40 is a D-number's.
pub(super) type Row =
    ((&'static str, &'static str), (u32, u32, i16), Option<&'static str>, Option<&'static str>, &'static str);

#[rustfmt::skip]
const PEOPLE: [Row; 11] = [
    (("Rolig", "Elv"), (14, 3, 1985), Some("Elva-renner-7"), Some("+4791000001"), "dev-person-ordinary"),
    (("Varm", "Sommerdag"), (62, 6, 1990), Some("Sol-og-sjø-22"), Some("+4791000002"), "dev-person-dnumber"),
    (("Stille", "Skog"), (3, 11, 1972), None, None, "dev-person-none"),
    (("Streng", "Vinter"), (21, 1, 1968), Some("Snø-i-januar-1"), Some("+4791000004"), LOCKED),
    (("Glad", "Foss"), (9, 9, 1979), Some("Fossen-bruser-9"), Some("+4791000005"), "dev-person-shared-a"),
    (("Liten", "Foss"), (30, 4, 2009), Some("Bekken-klukker-3"), Some("+4791000005"), "dev-person-shared-b"),
    (("Modig", "Rev"), (31, 12, 13), Some("Reven-rusler-13"), Some("+4791000007"), "dev-person-thirteen"),
    (("Ung", "Ekorn"), (1, 1, 12), None, Some("+4791000008"), "dev-person-twelve"),
    (("Klok", "Ugle"), (17, 5, 1981), Some("Ugla-ser-alt-5"), Some("+4791000009"), "dev-person-teacher"),
    (("Trygg", "Bjørn"), (8, 8, 1964), Some("Bjørnen-sover-8"), Some("+4791000010"), "dev-person-principal"),
    (("Snill", "Hare"), (25, 10, 1993), Some("Haren-hopper-4"), Some("+4791000011"), "dev-person-support"),
];

const LOCKED: &str = "dev-person-locked";

/// Everybody.
pub(super) fn all(now: Timestamp) -> Vec<Synthetic> {
    let today = jiff::Timestamp::from_second(now.seconds()).unwrap_or_default();
    let this_year = today.to_zoned(jiff::tz::TimeZone::UTC).year();
    let person = |((given_name, family_name), (day, month, year), password, mobile, about): Row| Synthetic {
        given_name,
        family_name,
        fnr: synthetic(day, month, if year < 100 { this_year - year } else { year }),
        password,
        mobile,
        about,
        locked: about == LOCKED,
    };
    PEOPLE.into_iter().chain(PUPILS).map(person).collect()
}

/// What the population register says of them, as a file has it: they live in one street, each in a house of their own.
pub(super) fn residents(now: Timestamp) -> String {
    let line = |(number, person): (usize, Synthetic)| {
        json!({
            "fnr": person.fnr,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "address": [format!("Fjordgata {number}"), "6999 FJORDVIK"],
        })
        .to_string()
    };
    (1..).zip(all(now)).map(line).collect::<Vec<_>>().join("\n")
}

/// Registers those who are missing. Whoever is there already stays as they are.
pub(super) async fn register(world: &World, now: Timestamp) -> anyhow::Result<()> {
    for person in all(now) {
        let fnr = Fnr::parse(&person.fnr, DEV_PEOPLE).map_err(|problem| anyhow!("a synthetic number: {problem:?}"))?;
        let new = NewPerson { given_name: person.given_name.into(), family_name: person.family_name.into() };
        if !Person::register(&world.db, &world.chance, &fnr, new, now).await? {
            continue;
        }
        let registered = Person::by_fnr(world.db.pool(), &fnr).await?.context("a synthetic person vanished")?;
        let phc = match person.password {
            Some(password) => Some(password::hash(world, password).await?.map_err(|_| anyhow!("hashing is busy"))?),
            None => None,
        };
        let mut tx = world.db.begin().await?;
        if let Some(mobile) = person.mobile.and_then(Phone::parse) {
            contact::set(&mut tx, &registered.id, &Channel::Mobile(mobile), Known::Told, now).await?;
        }
        if let Some(phc) = phc {
            password::set(&mut tx, &registered.id, &phc, now).await?;
        }
        if person.locked {
            Person::lock(&mut *tx, &registered.id, "support", now).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_number_of_their_own() {
        let people = all(Timestamp::from_seconds(1_795_000_000));
        let mut numbers: Vec<&str> = people.iter().map(|person| person.fnr.as_str()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), people.len());
        assert!(numbers.iter().all(|number| Fnr::parse(number, DEV_PEOPLE).is_ok()), "{numbers:?}");
        assert!(people.len() >= 10);
    }
}
