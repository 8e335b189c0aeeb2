//! `porten letter order|whose|withdraw`: what the support desk does with letters, always for a case, and what it sees of
//! them in `porten person show`.

use std::collections::HashMap;

use anyhow::{Context, bail, ensure};
use authenticators::clock::Timestamp;
use authenticators::contact::Contact;
use authenticators::letter::{self, Anew, GivenUp, Letter, Withdrawal};
use authenticators::person::{Fnr, NewPerson, Person, PersonId};
use authenticators::population::{self, Address, Population, Resident};
use authenticators::trail::{Actor, Event};
use authenticators::world::World;
use idp::text::Language;
use serde_json::{Value, json};

use super::shown;
use crate::say;
use crate::verbs::person::{self, Request, Support};

/// How far back in somebody's trail their orders are looked for.
const ENTRIES: i64 = 1000;

/// A language that letters are written in.
pub(super) fn language(typed: &str) -> Result<Language, String> {
    let found = [Language::Nb, Language::Nn, Language::En].into_iter().find(|language| language.code() == typed);
    found.ok_or_else(|| "one of nb, nn, en".to_owned())
}

/// Orders a letter, in the place of one that is under way.
pub(super) async fn order(request: Request, language: Option<Language>) -> anyhow::Result<()> {
    let Request { place, fnr, support: Support { case, by } } = request;
    let (opened, vault, population) = (place.open().await?, place.vault()?, place.population()?);
    let fnr = person::parse(&fnr, opened.people)?;
    ensure!(!matches!(population, Population::None), "population: missing, and nobody has an address without it");
    let world = World { population, ..person::world(opened, vault)? };
    let (db, now) = (world.db.pool(), world.clock.now());
    let known = Person::by_fnr(db, &fnr).await?;
    // Who has got another number stands under that one in the register.
    let fnr = known.as_ref().map_or(&fnr, |person| &person.fnr);
    let resident = match &known {
        Some(person) => world.population.find_known(person).await?,
        None => world.population.find(fnr).await?,
    };
    let receiver = receiver(fnr, known.as_ref(), resident, now);
    if let (Err(_), Some(person)) = (&receiver, &known) {
        // Why somebody gets none is something about them.
        let event = Event::by("looked-up", &person.id, Actor::Operator(by.clone())).with("case", case.as_str());
        world.trail.write(event, now).await?;
    }
    let Resident { given_name, family_name, .. } = receiver?;
    Person::register(&world.db, &world.chance, fnr, NewPerson { given_name, family_name }, now).await?;
    let person = Person::by_fnr(db, fnr).await?.context("a person who was just registered is gone")?.id;
    let wished = Contact::of(db, &person).await?.language.as_deref().and_then(Language::parse);
    let language = language.or(wished).unwrap_or_default().of_words().code();
    let Anew { id, has_stopped } = letter::order_anew(&world, &person, language, (&case, &by), now).await?;
    let before = if has_stopped { " The one that was under way is stopped." } else { "" };
    say(&format!("Ordered: letter {id}, in {language}.{before}"));
    Ok(())
}

/// Whoever gets a letter, or why they get none.
fn receiver(fnr: &Fnr, known: Option<&Person>, resident: Option<Resident>, now: Timestamp) -> anyhow::Result<Resident> {
    let resident = resident.context("no letter: the person is not in the population register")?;
    ensure!(!resident.is_dead(now), "no letter: the person is dead, by the population register");
    if let Some(person) = known {
        ensure!(
            !person.is_closed_for_good(),
            "no letter: the account was closed on a death; `porten person open` first"
        );
        ensure!(!person.is_locked_by_others(), "no letter: the account is locked; `porten person open` first");
    }
    ensure!(
        population::may_have_minid(fnr, Some(&resident), now) != Some(false),
        "no letter: the person is too young, MinID is for whoever turns thirteen this year or is older"
    );
    ensure!(
        resident.address != Address::Unknown,
        "no letter: the population register has no address, and a letter goes nowhere else"
    );
    Ok(resident)
}

/// Tells whom a letter is for.
pub(super) async fn whose(world: &World, id: &str, support: &Support, as_json: bool) -> anyhow::Result<()> {
    let (db, now) = (world.db.pool(), world.clock.now());
    let found = letter::addressee(world, id).await?.context("there is no such letter")?;
    let person = Person::by_id(db, &found).await?.context("a letter to nobody")?;
    let letters = letters_of(world, &person.id, now).await?;
    let letter = letters.into_iter().find(|letter| letter.id == id).context("a letter that is gone")?;
    let resident = world.population.find_known(&person).await?;
    let name = match resident {
        Some(Resident { given_name, family_name, .. }) => format!("{given_name} {family_name}").trim().to_owned(),
        None => person.name(),
    };
    let Support { case, by } = support;
    let event = Event::by("looked-up", &person.id, Actor::Operator(by.clone())).with("case", case.as_str());
    // Nobody sees anything before it is written down that they do.
    world.trail.write(event.with("letter", id), now).await?;
    if as_json {
        let told = json!({ "fnr": person.fnr, "name": name, "letter": letter.json() });
        say(&serde_json::to_string_pretty(&told)?);
        return Ok(());
    }
    for (what, value) in [("fnr", person.fnr.as_str()), ("name", &name), ("letter", &letter.line())] {
        say(&format!("{what:<16}{value}"));
    }
    Ok(())
}

/// Gives up a batch that cannot be finished.
pub(super) async fn withdraw(world: &World, batch: (&str, GivenUp), support: &Support) -> anyhow::Result<()> {
    let Support { case, by } = support;
    match letter::withdraw(world, batch, (case, by), world.clock.now()).await? {
        Withdrawal::Done(letters) => {
            say(&format!("Withdrawn. Letters that wait again: {letters}. Whatever is printed of it is void."));
        }
        Withdrawal::Written => bail!(
            "all its files are written, and the print house may have it: `porten letter batch` where it was begun finds out. \
             If that cannot be, ask the print house to send nothing of it, and say so by --stopped"
        ),
        Withdrawal::Unknown => {
            bail!("there is no such batch that was begun and not handed over, or somebody is at it just now")
        }
    }
    Ok(())
}

/// A letter, as the desk sees it.
pub(in crate::verbs) struct Told {
    id: String,
    facts: Value,
}

impl Told {
    /// For machines.
    pub(in crate::verbs) fn json(&self) -> Value {
        self.facts.clone()
    }

    /// For people.
    pub(in crate::verbs) fn line(&self) -> String {
        let fact = |name: &str| self.facts.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
        let (state, ordered, until) = (fact("state"), fact("ordered_at"), fact("valid_until"));
        format!("{}  {state:<12}  ordered {ordered} ({})  good until {until}", self.id, fact("ordered_by"))
    }
}

/// A person's letters, the newest first.
pub(in crate::verbs) async fn letters_of(
    world: &World,
    person: &PersonId,
    now: Timestamp,
) -> anyhow::Result<Vec<Told>> {
    let letters = letter::of_person(world.db.pool(), person).await?;
    let orders = if letters.is_empty() { HashMap::new() } else { orders_of(world, person).await? };
    let told = |letter: &Letter| {
        let mut facts = shown(letter, now)?;
        if let Some(facts) = facts.as_object_mut() {
            facts.insert("ordered_by".to_owned(), json!(orders.get(&letter.ordered_at.seconds())));
        }
        Ok(Told { id: letter.id.clone(), facts })
    };
    letters.iter().map(told).collect()
}

/// By which telephone a letter was ordered, or for which case, by when that was. The trail has it, as long as it may.
async fn orders_of(world: &World, person: &PersonId) -> anyhow::Result<HashMap<i64, String>> {
    let entries = world.trail.of(world.db.pool(), person, i64::MAX, ENTRIES).await?;
    let orders = entries.iter().filter(|entry| entry.kind == "letter-ordered").filter_map(|entry| {
        let detail = |name: &str| entry.details.get(name).and_then(Value::as_str);
        let by = match (detail("to"), detail("case")) {
            (Some(telephone), _) => format!("by {telephone}"),
            (None, Some(case)) => format!("by support, case {case}"),
            (None, None) => return None,
        };
        Some((entry.at.seconds(), by))
    });
    Ok(orders.collect())
}
