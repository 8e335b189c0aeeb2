//! The synthetic people of `porten dev`, each different in something that matters.

use anyhow::{Context, anyhow};
use authenticators::clock::Timestamp;
use authenticators::contact::{self, Phone};
use authenticators::password;
use authenticators::person::{Fnr, NewPerson, Person};
use authenticators::world::World;

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
    let mut numbers = numbers.map(|(n, check)| {
        format!("{day:02}{:02}{:02}{n:03}{check:02}", month + 80, year.rem_euclid(100))
    });
    let policy = authenticators::person::FnrPolicy { expanded: false, ..DEV_PEOPLE };
    numbers.find(|text| Fnr::parse(text, policy).is_ok()).unwrap_or_default()
}

/// Everybody.
pub(super) fn all(now: Timestamp) -> Vec<Synthetic> {
    let today = jiff::Timestamp::from_second(now.seconds()).unwrap_or_default();
    let year = today.to_zoned(jiff::tz::TimeZone::UTC).year();
    let person = |names: (&'static str, &'static str), fnr: String, password, mobile, about| Synthetic {
        given_name: names.0,
        family_name: names.1,
        fnr,
        password,
        mobile,
        about,
        locked: false,
    };
    let mut people = vec![
        person(("Rolig", "Elv"), synthetic(14, 3, 1985), Some("Elva-renner-7"), Some("+4791000001"), "dev-person-ordinary"),
        person(("Varm", "Sommerdag"), synthetic(62, 6, 1990), Some("Sol-og-sjø-22"), Some("+4791000002"), "dev-person-dnumber"),
        person(("Stille", "Skog"), synthetic(3, 11, 1972), None, None, "dev-person-none"),
        person(("Streng", "Vinter"), synthetic(21, 1, 1968), Some("Snø-i-januar-1"), Some("+4791000004"), "dev-person-locked"),
        person(("Glad", "Foss"), synthetic(9, 9, 1979), Some("Fossen-bruser-9"), Some("+4791000005"), "dev-person-shared-a"),
        person(("Liten", "Foss"), synthetic(30, 4, 2009), Some("Bekken-klukker-3"), Some("+4791000005"), "dev-person-shared-b"),
        person(("Modig", "Rev"), synthetic(31, 12, year - 13), Some("Reven-rusler-13"), Some("+4791000007"), "dev-person-thirteen"),
        person(("Ung", "Ekorn"), synthetic(1, 1, year - 12), None, Some("+4791000008"), "dev-person-twelve"),
        person(("Klok", "Ugle"), synthetic(17, 5, 1981), Some("Ugla-ser-alt-5"), Some("+4791000009"), "dev-person-teacher"),
        person(("Trygg", "Bjørn"), synthetic(8, 8, 1964), Some("Bjørnen-sover-8"), Some("+4791000010"), "dev-person-principal"),
        person(("Snill", "Hare"), synthetic(25, 10, 1993), Some("Haren-hopper-4"), Some("+4791000011"), "dev-person-support"),
    ];
    for person in &mut people {
        person.locked = person.about == "dev-person-locked";
    }
    people
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
        if let Some(mobile) = person.mobile.and_then(Phone::parse) {
            contact::set_mobile(&world.db, &registered.id, &mobile, now).await?;
        }
        if let Some(password) = person.password {
            password::set(world, &registered.id, password, now).await?.map_err(|_| anyhow!("hashing is busy"))?;
        }
        if person.locked {
            registered.lock(world.db.pool(), now).await?;
        }
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
