//! The school of `porten dev`, and who works and learns there.

use std::fmt::Write;

use admin::school::import::{self, Import, Sender};
use admin::school::register::{self as registry, Orgno, Owner};
use admin::school::roster::Reader;
use anyhow::{Context, anyhow};
use authenticators::clock::Timestamp;
use authenticators::trail::Actor;
use authenticators::world::World;
use idp::config::SchoolConfig;

use super::people::{self, Row, Synthetic};
use crate::open::DEV_PEOPLE;

const OWNER: (&str, &str) = ("999999999", "Fjordvik kommune");
const SCHOOL: (&str, &str) = ("974500013", "Fjordvik ungdomsskole");

/// Those who are there for the school alone, and have no MinID yet.
#[rustfmt::skip]
pub(super) const PUPILS: [Row; 8] = [
    (("Lett", "Sky"), (2, 2, 15), None, None, PUPIL),
    (("Kvikk", "Bekk"), (19, 3, 15), None, None, PUPIL),
    (("Lys", "Bjørk"), (7, 4, 15), None, None, PUPIL),
    (("Høy", "Gran"), (23, 5, 15), None, None, PUPIL),
    (("Blid", "Måke"), (11, 6, 15), None, None, PUPIL),
    (("Rund", "Stein"), (28, 8, 15), None, None, PUPIL),
    (("Myk", "Mose"), (5, 10, 15), None, None, PUPIL),
    (("Åpen", "Vidde"), (16, 12, 15), None, None, PUPIL),
];

const PUPIL: &str = "dev-person-pupil";

/// Class, role and name, as a school owner's file has them.
const PLACES: [(&str, &str, &str); 18] = [
    ("", "skoleeier", "Rolig Elv"),
    ("", "rektor", "Trygg Bjørn"),
    ("", "inspektør", "Varm Sommerdag"),
    ("10A", "kontaktlærer", "Klok Ugle"),
    ("10A", "assistent", "Glad Foss"),
    ("10B", "kontaktlærer", "Glad Foss"),
    ("10B", "faglærer", "Klok Ugle"),
    ("10A", "elev", "Lett Sky"),
    ("10A", "elev", "Kvikk Bekk"),
    ("10A", "elev", "Lys Bjørk"),
    ("10A", "elev", "Høy Gran"),
    ("10A", "elev", "Modig Rev"),
    ("10A", "elev", "Ung Ekorn"),
    ("10B", "elev", "Blid Måke"),
    ("10B", "elev", "Rund Stein"),
    ("10B", "elev", "Myk Mose"),
    ("10B", "elev", "Åpen Vidde"),
    ("10B", "elev", "Liten Foss"),
];

/// Takes the school in when it is not there yet. What a developer has made of it stays.
pub(super) async fn register(world: &World, now: Timestamp) -> anyhow::Result<()> {
    let orgno = Orgno::parse(OWNER.0).context("the owner's number")?;
    let owner = Owner { orgno, name: OWNER.1.to_owned() };
    if !registry::add_owner(world.db.pool(), &owner, now).await? {
        return Ok(());
    }
    let reader = Reader { owner: &owner.orgno, people: DEV_PEOPLE, rows_at_most: SchoolConfig::default().rows_at_most };
    let roster = reader.plain(file(&people::all(now)).as_bytes());
    let roster = roster.map_err(|_| anyhow!("the school's file cannot be read"))?;
    let import = Import {
        owner: &owner.orgno,
        roster: &roster,
        actor: Actor::System,
        sender: Sender::Operator,
        seen: registry::version(&world.db, &owner.orgno).await?.context("the owner is not registered")?,
        accept_removals: None,
    };
    let taken = import::apply(world, &import, now).await?;
    taken.map(|_| ()).map_err(|_| anyhow!("the school's file cannot be taken in"))
}

/// The file of the school's owner.
fn file(people: &[Synthetic]) -> String {
    let mut file = String::from("orgno;skole;klasse;rolle;fnr;fornavn;etternavn\n");
    for (class, role, name) in PLACES {
        let Some(person) = people.iter().find(|person| person.name() == name) else { continue };
        let (orgno, school) = if role == "skoleeier" { ("", "") } else { SCHOOL };
        let Synthetic { given_name, family_name, fnr, .. } = person;
        let _ = writeln!(file, "{orgno};{school};{class};{role};{fnr};{given_name};{family_name}");
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_in_the_file_is_somebody() {
        let people = people::all(Timestamp::from_seconds(1_795_000_000));
        assert_eq!(file(&people).lines().count(), PLACES.len() + 1);
    }
}
