//! `porten person import`: people who come from elsewhere, one JSON object a line.
//!
//! All lines are read before anybody is registered. Whatever is said of one names its line and never its content, which
//! is a person's.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, bail};
use authenticators::contact::{self, Channel, Contact, Email, Known, Phone};
use authenticators::hashing::HashingConfig;
use authenticators::legacy_hash::LegacyHash;
use authenticators::password;
use authenticators::person::{Fnr, FnrPolicy, NewPerson, Person};
use authenticators::trail::{Actor, Event};
use authenticators::world::World;
use base64::Engine;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD_NO_PAD};
use migrations::Tx;
use serde::Deserialize;

use super::{parse, world};
use crate::open::Place;
use crate::say;
use crate::verbs::read_text;

/// More work than that nobody asked for, and a login would take too long.
const ARGON2_MEMORY_AT_MOST: u32 = 262_144;
const ARGON2_PASSES_AT_MOST: u32 = 16;
/// The least cost that bcrypt has.
const BCRYPT_AT_LEAST: u32 = 4;
/// How bcrypt writes its salt and its hash.
const BCRYPT_LETTERS: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

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
    let verifiable = |hash: &str| can_be_verified(hash).then(|| hash.to_owned());
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

/// Whether some password could be found to be the one behind this. The hasher says so only when somebody logs in.
fn can_be_verified(hash: &str) -> bool {
    match LegacyHash::parse(hash) {
        Some(LegacyHash::Bcrypt(_)) => is_bcrypt(hash),
        Some(_) => true,
        None => is_argon2id(hash),
    }
}

/// `$2b$12$` with 22 letters of salt and 31 of hash.
fn is_bcrypt(text: &str) -> bool {
    let parts: Vec<&str> = text.split('$').collect();
    let [_, _, cost, letters] = parts.as_slice() else { return false };
    let decodes = |letters: &str| BCRYPT_LETTERS.decode(letters).is_ok();
    let halves = letters.split_at_checked(22).filter(|_| letters.len() == 53);
    let cost_fits = cost.parse::<u32>().is_ok_and(|cost| cost >= BCRYPT_AT_LEAST);
    cost_fits && halves.is_some_and(|(salt, hash)| decodes(salt) && decodes(hash))
}

/// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, as the hasher reads it.
fn is_argon2id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('$').collect();
    let ["", "argon2id", "v=19", params, salt, hash] = parts.as_slice() else { return false };
    let numbers: Vec<u32> = params.split(',').filter_map(|pair| pair.split_once('=')?.1.parse().ok()).collect();
    let [memory_kib, iterations, parallelism] = *numbers.as_slice() else { return false };
    let asked = HashingConfig { memory_kib, iterations, parallelism, ..HashingConfig::default() };
    let is_possible = memory_kib <= ARGON2_MEMORY_AT_MOST && iterations <= ARGON2_PASSES_AT_MOST;
    // Nothing else stands there, such as a secret that we do not have.
    let is_all = *params == format!("m={memory_kib},t={iterations},p={parallelism}");
    let length = |part: &str| STANDARD_NO_PAD.decode(part).map_or(0, |bytes| bytes.len());
    is_possible && is_all && asked.params().is_ok() && (8..=48).contains(&length(salt)) && length(hash) == 32
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
    const SALT: &str = "MDEyMzQ1Njc4OWFiY2RlZg";
    const HASH: &str = "yi2mzpKV+jyiJI4DPqbMNF4TZwM0RS0MAKWIid8Dl3c";

    #[test]
    fn hashes_that_can_be_verified() {
        for good in [
            format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=65536,t=3,p=4${SALT}${HASH}"),
            format!("$pbkdf2-sha256$i=1000,l=32${SALT}${HASH}"),
            "$2b$04$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NGi".to_owned(),
            "{SSHA}+T2vUxF34t1jjGrIfq7Qjy3o8i4wMTIzNDU2Nw==".to_owned(),
        ] {
            assert!(can_be_verified(&good), "{good}");
        }
    }

    #[test]
    fn hashes_that_cannot() {
        for bad in [
            String::new(),
            "Elva renner 7".to_owned(),
            format!("$argon2i$v=19$m=64,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=16$m=64,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$m=64,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=7,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=064,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=64,t=0,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA${SALT}${HASH}"),
            format!("$argon2id$v=19$m=4194304,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=64,t=1000,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=64,t=1,p=1$AAAA${HASH}"),
            format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${SALT}"),
            format!("$argon2id$v=19$m=64,t=1,p=1${SALT}"),
            format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${HASH}$"),
            // A cost too low, and a letter that bcrypt does not have.
            "$2b$03$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NGi".to_owned(),
            "$2b$04$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NG+".to_owned(),
        ] {
            assert!(!can_be_verified(&bad), "{bad}");
        }
    }

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
