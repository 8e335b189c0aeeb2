//! `porten letter list|batch|batches|acknowledge|withdraw`, and what the support desk does with letters: `order`, `whose`
//! and `returned`.

mod batches;
pub(super) mod desk;
mod returns;

use std::path::{Path, PathBuf};
use std::time::Duration;

use admin::letters::batch::{self, Outcome, Press};
use admin::letters::proof;
use anyhow::{Context, bail, ensure};
use authenticators::clock::Timestamp;
use authenticators::letter::{self, GivenUp, Letter, Receipt, State};
use authenticators::world::World;
use clap::Subcommand;
use idp::config::Issuer;
use idp::text::Language;
use serde_json::{Value, json};

use super::person::{self, Request, Support};
use crate::open::{Place, Post};
use crate::say;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Tell what has become of the letters, the newest first. Whom they are for is not told.
    List {
        #[command(flatten)]
        place: Place,
        /// Only those of which that is so.
        #[arg(long, value_parser = state, value_name = "STATE")]
        state: Option<State>,
        /// Ordered in so many days.
        #[arg(long, default_value_t = 90)]
        days: u32,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Print all letters that wait, and hand them over to the print house: a folder for each batch, with PDFs and a
    /// manifest. They are brought there over SFTP if that is configured, and by another program if it is not. A batch
    /// that was not finished is gone on with.
    Batch {
        #[command(flatten)]
        place: Place,
        /// The folder that the print house takes batches from; over SFTP it takes them from one of its own, and they lie
        /// here until they are brought. What begins with a dot in it is not finished.
        #[arg(long)]
        folder: PathBuf,
        /// The public base URL of the server, where one registers with the code; left out, the configured one, or where
        /// a `porten dev` answers unless it is told otherwise.
        #[arg(long, value_parser = issuer, value_name = "URL")]
        issuer: Option<Issuer>,
    },
    /// Tell how it stands with the batches, the newest first, and what is late: a batch that the print house has not got
    /// or not acknowledged, letters that wait to be printed, and letters that nobody forwards.
    Batches(batches::Options),
    /// The print house has said that it has a batch.
    Acknowledge {
        #[command(flatten)]
        place: Place,
        /// Its id, which is the name of its folder.
        batch: String,
        /// The name of whoever says so.
        #[arg(long, value_name = "NAME", value_parser = person::few_words)]
        by: String,
    },
    /// Give up a batch that cannot be finished where it was begun: its codes are not good any more, wherever they lie, and
    /// its letters wait for another one.
    Withdraw {
        #[command(flatten)]
        place: Place,
        /// Its id.
        batch: String,
        /// Also where all its files are written, and the print house may have it: it was asked to send nothing of it.
        #[arg(long)]
        stopped: bool,
        #[command(flatten)]
        support: Support,
    },
    /// Order a letter for somebody who cannot do it themselves, or whose letter has not come: one that is under way is
    /// stopped. The person is told wherever they are reached. To register with the code one needs a mobile phone that gets
    /// an SMS, which need not be one's own: without any there is no MinID.
    Order {
        #[command(flatten)]
        request: Request,
        /// The language of the letter; left out, the one that the person wants letters in, or bokmål.
        #[arg(long, value_parser = desk::language, value_name = "nb|nn|en")]
        language: Option<Language>,
    },
    /// Tell whom a letter is for, as whoever forwards it to a protected address must know. That somebody looked is written
    /// down, and the person sees it.
    Whose {
        #[command(flatten)]
        place: Place,
        /// Its id, which stands in the window after `Ref.`
        letter: String,
        #[command(flatten)]
        support: Support,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Letters have come back: their codes are not good any more, and others can be ordered.
    Returned(returns::Options),
}

pub(crate) async fn run(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::List { place, state, days, json } => {
            let world = world(&place).await?;
            let now = world.clock.now();
            let since = now.minus(Duration::from_hours(24) * days);
            let mut letters = letter::since(world.db.pool(), since).await?;
            letters.retain(|letter| state.is_none_or(|state| letter.state(now) == state));
            match json {
                true => tell_machines(&letters, now),
                false => tell(&letters, now),
            }
        }
        Verb::Batch { place, folder, issuer } => print(&place, &folder, issuer).await,
        Verb::Batches(options) => batches::run(&options).await,
        Verb::Acknowledge { place, batch, by } => {
            let world = world(&place).await?;
            match letter::acknowledge(&world, &batch, &by, world.clock.now()).await? {
                Receipt::New => say("Acknowledged."),
                Receipt::Before => say("It was acknowledged already."),
                Receipt::Written => bail!(
                    "that was handed over without our knowing it: run `porten letter batch` where it was begun, and then \
                     this again"
                ),
                Receipt::Withdrawn => bail!(
                    "that was withdrawn, and its codes are not good any more: the print house must not send it, and has to \
                     destroy what it has of it"
                ),
                Receipt::Unknown => bail!("no such batch was handed over"),
            }
            Ok(())
        }
        Verb::Withdraw { place, batch, stopped, support } => {
            let given_up = if stopped { GivenUp::Stopped } else { GivenUp::Unwritten };
            desk::withdraw(&world(&place).await?, (&batch, given_up), &support).await
        }
        Verb::Order { request, language } => desk::order(request, language).await,
        Verb::Whose { place, letter, support, json } => {
            let world = World { population: place.population()?, ..world(&place).await? };
            desk::whose(&world, &letter, &support, json).await
        }
        Verb::Returned(options) => returns::run(&options).await,
    }
}

fn state(typed: &str) -> Result<State, String> {
    let known = State::ALL.map(State::name);
    let found = State::ALL.into_iter().find(|state| state.name() == typed);
    found.ok_or_else(|| format!("one of {}", known.join(", ")))
}

fn issuer(typed: &str) -> Result<Issuer, String> {
    Issuer::try_from(typed.to_owned())
}

async fn world(place: &Place) -> anyhow::Result<World> {
    let (opened, vault) = (place.open().await?, place.vault()?);
    person::world(opened, vault)
}

fn tell(letters: &[Letter], now: Timestamp) -> anyhow::Result<()> {
    for letter in letters {
        let (state, batch) = (letter.state(now).name(), letter.batch.as_deref().unwrap_or("-"));
        let why = letter.returned_code.as_deref().unwrap_or_default();
        let line = format!("{}  {}  {state:<12}  {batch:<14}  {why}", letter.id, time(letter.ordered_at)?);
        say(line.trim_end());
    }
    Ok(())
}

fn tell_machines(letters: &[Letter], now: Timestamp) -> anyhow::Result<()> {
    let all: Vec<Value> = letters.iter().map(|letter| shown(letter, now)).collect::<anyhow::Result<_>>()?;
    say(&serde_json::to_string_pretty(&all)?);
    Ok(())
}

fn shown(letter: &Letter, now: Timestamp) -> anyhow::Result<Value> {
    let time = |at: Option<Timestamp>| at.map(time).transpose();
    Ok(json!({
        "id": letter.id,
        "state": letter.state(now).name(),
        "language": letter.language,
        "ordered_at": time(Some(letter.ordered_at))?,
        "valid_until": time(Some(letter.valid_until))?,
        "batch": letter.batch,
        "handed_over_at": time(letter.handed_over_at)?,
        "acknowledged_at": time(letter.acknowledged_at)?,
        "used_at": time(letter.used_at)?,
        "ended_at": time(letter.ended_at)?,
        "returned_at": time(letter.returned_at)?,
        "reason": letter.returned_code,
    }))
}

/// RFC 3339
fn time(at: Timestamp) -> anyhow::Result<String> {
    Ok(jiff::Timestamp::from_second(at.seconds()).context("a time out of reach")?.to_string())
}

async fn print(place: &Place, folder: &Path, issuer: Option<Issuer>) -> anyhow::Result<()> {
    ensure!(folder.is_dir(), "{} is not a folder", folder.display());
    let Post { issuer: configured, population, letters } = place.post()?;
    let issuer = issuer.unwrap_or(configured);
    let objections = [letters.objections(), proof::objections(&letters, &issuer)].concat();
    ensure!(objections.is_empty(), "no letter is printed: {}", objections.join("; "));
    let world = World { population, ..world(place).await? };
    let press = Press { folder, issuer: &issuer, letters: &letters };
    loop {
        match batch::next(&world, &press, world.clock.now()).await? {
            Outcome::HandedOver { batch, letters } => say(&format!("Handed over batch {batch}. Letters: {letters}.")),
            Outcome::Busy(None) => bail!("somebody is at a batch in {} just now", folder.display()),
            Outcome::Busy(Some(until)) => {
                bail!("somebody is at a batch; if they were killed, come again after {}", time(until)?)
            }
            Outcome::Nothing { held: 0 } => {
                say("No more letters wait.");
                return Ok(());
            }
            Outcome::Nothing { held } => {
                say(&format!("No more letters wait, but for {held} whose address nobody may know."));
                return Ok(());
            }
        }
    }
}
