//! `porten person import`: people who come from elsewhere, one JSON object a line.
//!
//! All lines are read before anybody is registered. Whatever is said of one names its line and never its content, which
//! is a person's.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, bail};
use authenticators::contact::{self, Channel, Contact, Email, Known, Phone};
use authenticators::hashing;
use authenticators::password;
use authenticators::person::{Fnr, FnrPolicy, NewPerson, Person};
use authenticators::trail::{Actor, Event};
use authenticators::world::World;
use migrations::Tx;
use serde::Deserialize;

use super::{parse, world};
use crate::open::Place;
use crate::say;
use crate::verbs::read_text;

/// What stands on a line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    fnr: String,
    given_name: Option<String>,
    family_name: Option<String>,
    mobile: Option<String>,
    email: Option<String>,
    password_hash: Option<String>,
}

/// Somebody who can be taken in.
struct Newcomer {
    fnr: Fnr,
    name: NewPerson,
    mobile: Option<Phone>,
    email: Option<Email>,
    phc: Option<String>,
}

/// Takes in everybody in a file, or nobody if one of its lines is wrong. Whoever was there already stays as they are.
pub(super) async fn run(place: &Place, file: &Path) -> anyhow::Result<()> {
    let text = read_text(file)?;
    let (opened, vault) = (place.open().await?, place.vault()?);
    let newcomers = match read_all(&text, opened.people) {
        Ok(newcomers) => newcomers,
        Err(objections) => {
            for objection in &objections {
                say(objection);
            }
            bail!("nobody was imported: {} to mend in {}", objections.len(), file.display());
        }
    };
    let world = world(opened, vault)?;
    let mut imported = 0;
    for newcomer in &newcomers {
        let stopped = || format!("stopped when {imported} were imported; run it again to go on");
        if take_in(&world, newcomer).await.with_context(stopped)? {
            imported += 1;
        }
    }
    say(&format!("Imported {imported}, {} were there already.", newcomers.len() - imported));
    Ok(())
}

/// Everybody in the file, or all that is wrong with it.
fn read_all(text: &str, people: FnrPolicy) -> Result<Vec<Newcomer>, Vec<String>> {
    let (mut newcomers, mut objections, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match read(line, people) {
            Ok(newcomer) => {
                let before: Option<usize> = seen.insert(newcomer.fnr.clone(), number);
                objections.extend(before.map(|before| format!("line {number}: the same person as on line {before}")));
                newcomers.push(newcomer);
            }
            Err(found) => objections.extend(found.iter().map(|words| format!("line {number}: {words}"))),
        }
    }
    if objections.is_empty() { Ok(newcomers) } else { Err(objections) }
}

fn read(text: &str, people: FnrPolicy) -> Result<Newcomer, Vec<String>> {
    // What the library says of it quotes it.
    let line: Line = serde_json::from_str(text).map_err(|error| {
        let fields = "fnr and perhaps given_name, family_name, mobile, email and password_hash, each a text";
        vec![format!("not a JSON object of {fields} (column {})", error.column())]
    })?;
    let fnr = parse(&line.fnr, people).map_err(|problem| format!("fnr: {problem}"));
    let mobile = optional(line.mobile.as_deref(), Phone::parse, "mobile: not a mobile number");
    let email = optional(line.email.as_deref(), Email::parse, "email: not an e-mail address");
    let verifiable = |hash: &str| hashing::can_verify(hash).then(|| hash.to_owned());
    let phc = optional(line.password_hash.as_deref(), verifiable, "password_hash: of no kind that can be verified");
    match (fnr, mobile, email, phc) {
        (Ok(fnr), Ok(mobile), Ok(email), Ok(phc)) => {
            let (given_name, family_name) = (line.given_name.unwrap_or_default(), line.family_name.unwrap_or_default());
            Ok(Newcomer { fnr, name: NewPerson { given_name, family_name }, mobile, email, phc })
        }
        (fnr, mobile, email, phc) => {
            Err([fnr.err(), mobile.err(), email.err(), phc.err()].into_iter().flatten().collect())
        }
    }
}

/// What may be left out, read if it was not.
fn optional<T>(text: Option<&str>, read: impl Fn(&str) -> Option<T>, objection: &str) -> Result<Option<T>, String> {
    text.map(|text| read(text).ok_or_else(|| objection.to_owned())).transpose()
}

/// Takes somebody in; false if they were there already. If the program was killed between the two steps of this, the
/// next run takes the second.
async fn take_in(world: &World, newcomer: &Newcomer) -> anyhow::Result<bool> {
    let now = world.clock.now();
    let known = Person::by_fnr(world.db.pool(), &newcomer.fnr).await?;
    let is_new = known.is_none();
    let person = match known {
        Some(person) => person,
        None => {
            Person::register(&world.db, &world.chance, &newcomer.fnr, newcomer.name.clone(), now).await?;
            let registered = Person::by_fnr(world.db.pool(), &newcomer.fnr).await?;
            registered.context("a person who was just registered is gone")?
        }
    };
    let mut tx = world.db.begin().await?;
    if !is_new && is_done(world, &mut tx, &person, newcomer).await? {
        return Ok(false);
    }
    // What is registered goes before what the file says.
    let own = Contact::of(&mut *tx, &person.id).await?;
    let mobile = newcomer.mobile.clone().filter(|_| own.mobile.is_none()).map(Channel::Mobile);
    let email = newcomer.email.clone().filter(|_| own.email.is_none()).map(Channel::Email);
    for channel in mobile.iter().chain(&email) {
        contact::set(&mut tx, &person.id, channel, Known::Told, now).await?;
    }
    if let Some(phc) = &newcomer.phc {
        password::set(&mut tx, &person.id, phc, now).await?;
    }
    world.trail.append(&mut tx, &Event::by("imported", &person.id, Actor::System), now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whether somebody who is registered has what the line brings, or shall not have it.
async fn is_done(world: &World, tx: &mut Tx, person: &Person, newcomer: &Newcomer) -> anyhow::Result<bool> {
    let has_it = match newcomer.phc {
        Some(_) => password::stored(&mut **tx, Some(&person.id)).await?.is_some(),
        None => {
            let own = Contact::of(&mut **tx, &person.id).await?;
            let has_mobile = newcomer.mobile.is_none() || own.mobile.is_some();
            has_mobile && (newcomer.email.is_none() || own.email.is_some())
        }
    };
    if has_it || person.closed_at.is_some() {
        return Ok(true);
    }
    // What was taken away since does not come back by an import that is run again.
    let entries = world.trail.of(&mut **tx, &person.id, i64::MAX, i64::MAX).await?;
    Ok(entries.iter().any(|entry| ["imported", "reset"].contains(&entry.kind.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: FnrPolicy = FnrPolicy { real: true, synthetic: true, expanded: false };

    #[test]
    fn what_is_said_of_a_line_does_not_quote_it() {
        let objections = |text: &str| read_all(text, REAL).err().unwrap_or_default();
        for (text, words) in [
            ("05895894984", "line 1: not a JSON object"),
            ("{\"fnr\": 5895894984}", "line 1: not a JSON object"),
            ("{\"05895894984\": 1}", "line 1: not a JSON object"),
            ("{\"fnr\": \"05895894984\", \"fnr\": \"05895894984\"}", "line 1: not a JSON object"),
            ("\n{\"fnr\": \"05895894985\"}", "line 2: fnr: "),
            ("{\"fnr\": \"05895894984\", \"mobile\": \"22334455\"}", "line 1: mobile: "),
            ("{\"fnr\": \"05895894984\", \"email\": \"22334455\"}", "line 1: email: "),
            ("{\"fnr\": \"05895894984\", \"password_hash\": \"22334455\"}", "line 1: password_hash: "),
            ("{\"fnr\": \"05895894984\"}\n\n{\"fnr\": \"058958 94984\"}", "line 3: the same person as on line 1"),
        ] {
            let found = objections(text);
            assert!(found.len() == 1 && found[0].starts_with(words), "{text}: {found:?}");
            assert!(!found[0].contains("5895894984") && !found[0].contains("22334455"), "{found:?}");
        }
        assert_eq!(objections("{\"fnr\": \"1\", \"mobile\": \"2\", \"email\": \"3\"}").len(), 3);
        assert!(objections("{\"fnr\": \"05895894984\", \"mobile\": null}\r\n \n").is_empty());
    }
}
