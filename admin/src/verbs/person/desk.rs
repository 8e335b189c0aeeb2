//! `porten person lock|open|reset|close|sign-out|change-number|trail`: what the support desk does, always for a case. What
//! it changes the server tells the person.

use anyhow::{Context, bail, ensure};
use authenticators::account;
use authenticators::clock::Timestamp;
use authenticators::person::{DEATH, FnrPolicy, Person, WISH};
use authenticators::trail::{Actor, Entry, Event};
use authenticators::world::World;
use clap::{Args, Subcommand, ValueEnum};
use idp::consent;
use serde_json::{Value, json};

use super::{parse, world};
use crate::open::Place;
use crate::say;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Lock an account in every browser, and sign the person out everywhere.
    Lock(Request),
    /// Open what was locked, quarantined or paused. A closed account stays closed.
    Open(Request),
    /// Take all factors away and sign the person out: they register anew by letter.
    Reset(Request),
    /// Close an account for good: no factors, no contact details, signed out everywhere.
    Close {
        #[command(flatten)]
        request: Request,
        /// Why.
        #[arg(long)]
        reason: Reason,
    },
    /// Sign the person out everywhere.
    SignOut(Request),
    /// Give the person another number. The old one still finds them.
    ChangeNumber {
        #[command(flatten)]
        request: Request,
        /// The new fødselsnummer or D-number.
        to: String,
    },
    /// Tell what happened to an account, the newest first. That somebody looked is written down as well.
    Trail {
        #[command(flatten)]
        request: Request,
        /// How many entries at the most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
}

/// Whose account it is, and who wants something of it and why.
#[derive(Args)]
pub(crate) struct Request {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Fødselsnummer or D-number.
    pub(crate) fnr: String,
    #[command(flatten)]
    pub(crate) support: Support,
}

/// Who of the support desk wants something, and why.
#[derive(Args)]
pub(crate) struct Support {
    /// The number of the case in the support system.
    #[arg(long, value_name = "NUMBER", value_parser = few_words)]
    pub(crate) case: String,
    /// The name of whoever does it.
    #[arg(long, value_name = "NAME", value_parser = few_words)]
    pub(crate) by: String,
}

/// Why an account is closed.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Reason {
    /// The person does not want it any more.
    Wish,
    /// The person is dead.
    Death,
}

impl Reason {
    fn code(self) -> &'static str {
        match self {
            Reason::Wish => WISH,
            Reason::Death => DEATH,
        }
    }
}

/// Does what the desk asks for.
pub(super) async fn run(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Lock(request) => lock(&Desk::of(request).await?).await,
        Verb::Open(request) => {
            let population = request.place.population()?;
            let mut desk = Desk::of(request).await?;
            desk.world.population = population;
            open(&desk).await
        }
        Verb::Reset(request) => reset(&Desk::of(request).await?).await,
        Verb::Close { request, reason } => close(&Desk::of(request).await?, reason).await,
        Verb::SignOut(request) => sign_out(&Desk::of(request).await?).await,
        Verb::ChangeNumber { request, to } => change_number(&Desk::of(request).await?, &to).await,
        Verb::Trail { request, limit, json } => trail(&Desk::of(request).await?, limit, json).await,
    }
}

/// What is to be written down for good.
pub(crate) fn few_words(typed: &str) -> Result<String, String> {
    let words = typed.trim();
    let fits = (1..=100).contains(&words.chars().count()) && !words.chars().any(char::is_control);
    fits.then(|| words.to_owned()).ok_or_else(|| "one line of 1 to 100 characters".to_owned())
}

/// Somebody of the support desk with somebody's account before them.
pub(super) struct Desk {
    pub(super) world: World,
    people: FnrPolicy,
    pub(super) person: Person,
    pub(super) now: Timestamp,
    support: Support,
}

impl Desk {
    pub(super) async fn of(request: Request) -> anyhow::Result<Desk> {
        let (opened, vault) = (request.place.open().await?, request.place.vault()?);
        let people = opened.people;
        let fnr = parse(&request.fnr, people)?;
        let world = world(opened, vault)?;
        let person = Person::by_fnr(world.db.pool(), &fnr).await?.context("no such person is registered")?;
        let now = world.clock.now();
        Ok(Desk { world, people, person, now, support: request.support })
    }

    pub(super) fn event(&self, kind: &'static str) -> Event {
        let Support { case, by } = &self.support;
        Event::by(kind, &self.person.id, Actor::Operator(by.clone())).with("case", case.as_str())
    }
}

async fn lock(desk: &Desk) -> anyhow::Result<()> {
    let Desk { world, person, now, .. } = desk;
    let is_new = account::lock(world, &person.id, "support", &desk.event("locked"), *now).await?;
    say(if is_new { "Locked, and signed out everywhere." } else { "It was locked already." });
    Ok(())
}

async fn open(desk: &Desk) -> anyhow::Result<()> {
    let Desk { world, person, now, .. } = desk;
    let may_open = person.closed_at.is_none() || account::was_taken_for_dead(world, person, *now).await?;
    ensure!(may_open, "the account is closed, and stays closed");
    account::open(world, person, &desk.event("opened"), *now).await?;
    say("Open: no lock, no quarantine, no paused device.");
    Ok(())
}

async fn reset(desk: &Desk) -> anyhow::Result<()> {
    let Desk { world, person, now, .. } = desk;
    ensure!(person.closed_at.is_none(), "the account is closed, and has no factors left");
    account::reset(world, &person.id, &desk.event("reset"), *now).await?;
    say("Reset: all factors are gone, and the person registers anew by letter.");
    Ok(())
}

async fn close(desk: &Desk, reason: Reason) -> anyhow::Result<()> {
    let Desk { world, person, now, .. } = desk;
    // A second time would only put off the day on which what is left is erased; and whoever is dead has no wishes.
    let is_the_same = person.closed_at.is_some() && person.closed_code.as_deref() == Some(reason.code());
    ensure!(!is_the_same && !person.is_dead(), "the account is closed already");
    let event = desk.event("closed").with("reason", reason.code());
    // First, so that whatever fails can be tried again.
    consent::lapse(&world.db, &person.id, *now).await?;
    ensure!(account::close(world, &person.id, reason.code(), &event, *now).await?, "the account is closed already");
    say("Closed.");
    Ok(())
}

async fn sign_out(desk: &Desk) -> anyhow::Result<()> {
    let Desk { world, person, now, .. } = desk;
    account::sign_out(world, &person.id, &desk.event("signed-out"), *now).await?;
    say("Signed out everywhere.");
    Ok(())
}

async fn change_number(desk: &Desk, typed: &str) -> anyhow::Result<()> {
    let Desk { world, person, now, .. } = desk;
    let to = parse(typed, desk.people).context("the new number")?;
    ensure!(to != person.fnr, "the person has that number already");
    if !account::change_number(world, person, &to, &desk.event("number-changed"), *now).await? {
        bail!("somebody else has that number");
    }
    say("Changed. The old number still finds them.");
    Ok(())
}

async fn trail(desk: &Desk, limit: u32, as_json: bool) -> anyhow::Result<()> {
    let Desk { world, person, now, .. } = desk;
    let entries = world.trail.of(world.db.pool(), &person.id, i64::MAX, limit.into()).await?;
    // Nobody sees anything before it is written down that they do.
    world.trail.write(desk.event("looked-up"), *now).await?;
    tell_entries(&entries, as_json)
}

/// Tells what stands in the trail.
pub(in crate::verbs) fn tell_entries(entries: &[Entry], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let all: Vec<Value> = entries.iter().map(shown).collect::<Result<_, _>>()?;
        say(&serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for entry in entries {
        say(&line(entry)?);
    }
    Ok(())
}

/// An entry for machines.
fn shown(entry: &Entry) -> anyhow::Result<Value> {
    Ok(json!({
        "number": entry.number,
        "at": at(entry)?,
        "kind": entry.kind,
        "actor": actor(entry),
        "details": entry.details,
    }))
}

/// An entry on a line.
fn line(entry: &Entry) -> anyhow::Result<String> {
    let details: Vec<String> = entry.details.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let line = format!("{}  {:<16}  {}  {}", at(entry)?, entry.kind, actor(entry), details.join(" "));
    // Some of the words come from outside, and must not steer a terminal.
    Ok(line.trim_end().chars().filter(|c| !c.is_control()).collect())
}

/// RFC 3339
fn at(entry: &Entry) -> anyhow::Result<String> {
    Ok(jiff::Timestamp::from_second(entry.at.seconds()).context("a time out of reach")?.to_string())
}

fn actor(entry: &Entry) -> String {
    match &entry.actor {
        // Our own id of a person is nobody else's business.
        Actor::Person(_) => "person".to_owned(),
        Actor::Operator(name) => format!("operator:{name}"),
        Actor::Organisation(number) => format!("organisation:{number}"),
        Actor::Register => "register".to_owned(),
        Actor::System => "system".to_owned(),
    }
}
