//! `porten person add|show|two-accounts|import`, and what the support desk does.

mod desk;
mod import;
mod two_accounts;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use authenticators::chance::Chance;
use authenticators::clock::Clock;
use authenticators::contact::{self, Channel, Known, Phone};
use authenticators::hashing::{Hasher, HashingConfig};
use authenticators::inbox::Inbox;
use authenticators::mail::Mail;
use authenticators::outbound::Outbound;
use authenticators::password_rules::Breached;
use authenticators::person::{Fnr, FnrPolicy, FnrProblem, NewPerson, Person};
use authenticators::population::Population;
use authenticators::push::Push;
use authenticators::scratch::Scratch;
use authenticators::sms::Sms;
use authenticators::throttle::{self, Lane, Standing, Subject};
use authenticators::trail::Trail;
use authenticators::vault::Vault;
use authenticators::world::{Tasks, World};
use authenticators::{password, prove};
use clap::Subcommand;
use idp::config::secret;
use serde_json::json;

use self::desk::Desk;
pub(super) use self::desk::{Request, Support, few_words, tell_entries};
use super::letter::desk::{Told, letters_of};
use crate::open::{Opened, Place};
use crate::say;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Register a person, with MinID if a password is given.
    Add {
        #[command(flatten)]
        place: Place,
        /// Fødselsnummer or D-number.
        fnr: String,
        /// First and middle names.
        #[arg(long, default_value = "")]
        given_name: String,
        /// Surname.
        #[arg(long, default_value = "")]
        family_name: String,
        /// The telephone that gets the codes.
        #[arg(long)]
        mobile: Option<String>,
        /// A file with the password; - is standard input.
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// Show what is known of a person, without their secrets. That somebody looked is written down.
    Show {
        #[command(flatten)]
        request: Request,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// List those of whom the population register tells another number, and who have an account by that one as well: nobody
    /// changes theirs but the desk. That somebody looked is written down.
    TwoAccounts {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        support: Support,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Register many people, or nobody if a line is wrong. Whoever is there already stays as they are.
    Import {
        #[command(flatten)]
        place: Place,
        /// A JSON object a line: `fnr`, and perhaps `given_name`, `family_name`, `mobile`, `email`, `password_hash`
        /// (argon2id, bcrypt, PBKDF2, scrypt or salted SHA); - is standard input.
        #[arg(long)]
        file: PathBuf,
    },
    #[command(flatten)]
    Desk(desk::Verb),
}

pub(crate) async fn run(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Add { place, fnr, given_name, family_name, mobile, password_file } => {
            let mobile = mobile.map(|typed| Phone::parse(&typed).context("mobile: not a mobile number")).transpose()?;
            let password = password_file.as_deref().map(read_password).transpose()?;
            let (opened, vault) = (place.open().await?, place.vault()?);
            let fnr = parse(&fnr, opened.people)?;
            let world = world(opened, vault)?;
            let person = NewPerson { given_name, family_name };
            add(&world, &fnr, person, mobile.as_ref(), password.as_deref()).await
        }
        Verb::Show { request, json } => show(&Desk::of(request).await?, json).await,
        Verb::TwoAccounts { place, support, json } => two_accounts::run(&place, &support, json).await,
        Verb::Import { place, file } => import::run(&place, &file).await,
        Verb::Desk(verb) => desk::run(verb).await,
    }
}

pub(super) fn parse(typed: &str, policy: FnrPolicy) -> anyhow::Result<Fnr> {
    Fnr::parse(typed, policy).map_err(|problem| {
        anyhow!(match problem {
            FnrProblem::Empty | FnrProblem::Digits => "a fødselsnummer or D-number has eleven digits",
            FnrProblem::Invalid => "that is not a fødselsnummer or D-number: date or check digits are wrong",
            FnrProblem::Synthetic => "synthetic people are not let in here (people.synthetic)",
            FnrProblem::Real => "real people are not let in here (people.real)",
        })
    })
}

fn read_password(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let text = std::io::read_to_string(std::io::stdin())?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    secret(file)
}

/// The world of a verb: no other server is needed.
pub(super) fn world(opened: Opened, vault: Vault) -> anyhow::Result<World> {
    let hasher = Hasher::start(HashingConfig { threads: 1, ..opened.password })?;
    let (scratch, sms) = (Scratch::memory(), Sms::Inbox(Inbox::default()));
    let outbound = Outbound::new(Vec::new(), None)?;
    let (clock, chance) = (Clock::System, Chance::System);
    Ok(World {
        trail: Trail::start(&opened.db, &vault, &chance),
        db: opened.db,
        vault,
        scratch,
        clock,
        chance,
        sms,
        sms_a_day: 0,
        mail: Mail::None,
        push: Push::default(),
        hasher,
        breached: Breached::default(),
        webauthn: opened.webauthn,
        outbound,
        tasks: Tasks::default(),
        population: Population::None,
    })
}

async fn add(
    world: &World,
    fnr: &Fnr,
    new: NewPerson,
    mobile: Option<&Phone>,
    password: Option<&str>,
) -> anyhow::Result<()> {
    let now = world.clock.now();
    // What can be refused is refused before anything is written.
    let phc = match password {
        Some(password) => {
            Some(password::hash(world, password).await?.map_err(|_| anyhow!("the hashing threads are busy"))?)
        }
        None => None,
    };
    // A number that somebody had before is theirs as well.
    let is_known = Person::by_fnr(world.db.pool(), fnr).await?.is_some();
    if is_known || !Person::register(&world.db, &world.chance, fnr, new, now).await? {
        bail!("that person is registered already");
    }
    let person = Person::ensure(&world.db, &world.chance, fnr, now).await?;
    let mut tx = world.db.begin().await?;
    if let Some(mobile) = mobile {
        contact::set(&mut tx, &person.id, &Channel::Mobile(mobile.clone()), Known::Told, now).await?;
    }
    if let Some(phc) = phc {
        password::set(&mut tx, &person.id, &phc, now).await?;
    }
    tx.commit().await?;
    say(if password.is_some() { "Registered, with MinID." } else { "Registered, without MinID." });
    Ok(())
}

async fn show(desk: &Desk, as_json: bool) -> anyhow::Result<()> {
    let Desk { world, person, now, .. } = desk;
    let has_minid = password::stored(world.db.pool(), Some(&person.id)).await?.is_some();
    let mobile = contact::mobile(world.db.pool(), Some(&person.id)).await?.map(|phone| phone.masked());
    let factors = prove::second_factors(world, person).await?;
    let standing = throttle::standing(&world.db, &Subject::of(&person.fnr), &Lane::Strangers, *now).await?;
    let standing = match standing {
        _ if person.closed_at.is_some() => "closed",
        _ if person.locked_at.is_some() => "locked",
        Standing::Locked => "locked in browsers that are not known",
        Standing::Quarantined { .. } => "quarantined in browsers that are not known",
        Standing::Normal => "normal",
    };
    let letters = letters_of(world, &person.id, *now).await?;
    let facts = json!({
        "fnr": person.fnr,
        "name": format!("{} {}", person.given_name, person.family_name).trim(),
        "minid": has_minid,
        "mobile": mobile,
        "second_factors": factors,
        "standing": standing,
        "letters": letters.iter().map(Told::json).collect::<Vec<_>>(),
    });
    // Nobody sees anything before it is written down that they do.
    world.trail.write(desk.event("looked-up"), *now).await?;
    if as_json {
        say(&serde_json::to_string_pretty(&facts)?);
    } else if let Some(facts) = facts.as_object() {
        for (name, value) in facts.iter().filter(|(name, _)| *name != "letters") {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            say(&format!("{name:<16}{value}"));
        }
        for letter in &letters {
            say(&format!("{:<16}{}", "letter", letter.line()));
        }
    }
    Ok(())
}
