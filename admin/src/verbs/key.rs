//! `porten key list|rotate`

use anyhow::Context;
use authenticators::chance::Chance;
use authenticators::clock::{Clock, Timestamp};
use clap::Subcommand;
use idp::keys::{KeyState, Keys, SigningAlgorithm};
use serde_json::{Value, json};

use crate::open::Place;
use crate::say;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List the keys: which sign, which will, and which are kept for what they have signed.
    List {
        #[command(flatten)]
        place: Place,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Make the next key, which is published now and signs in two days.
    Rotate {
        #[command(flatten)]
        place: Place,
        /// RS256, PS256, ES256 or EdDSA; each of them, if nothing is said.
        #[arg(long, value_parser = algorithm)]
        algorithm: Option<SigningAlgorithm>,
        /// A key has leaked: the new one signs at once, and the others end with all that they have signed.
        #[arg(long)]
        now: bool,
    },
}

pub(crate) async fn run(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::List { place, json } => list(&place, json).await,
        Verb::Rotate { place, algorithm, now: leaked } => {
            let algorithms = algorithm.map_or_else(|| SigningAlgorithm::ALL.to_vec(), |algorithm| vec![algorithm]);
            match leaked {
                true => replace(&place, &algorithms).await,
                false => rotate(&place, &algorithms).await,
            }
        }
    }
}

fn algorithm(name: &str) -> Result<SigningAlgorithm, String> {
    let names = || format!("not one of {}", SigningAlgorithm::ALL.map(SigningAlgorithm::name).join(", "));
    SigningAlgorithm::named(name).ok_or_else(names)
}

async fn list(place: &Place, as_json: bool) -> anyhow::Result<()> {
    let opened = place.open().await?;
    let keys = Keys::list(&opened.db, Clock::System.now()).await?;
    if as_json {
        let shown = |until: Option<Timestamp>| until.map(at).transpose();
        let all: Vec<Value> = keys
            .iter()
            .map(|key| {
                anyhow::Ok(json!({
                    "algorithm": key.algorithm,
                    "kid": key.kid,
                    "state": key.state,
                    "from": at(key.from)?,
                    "until": shown(key.until)?,
                }))
            })
            .collect::<Result<_, _>>()?;
        say(&serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for key in keys {
        let until = match key.until {
            Some(until) if key.state == KeyState::Over => format!("over since {}", at(until)?),
            Some(until) => format!("until {}", at(until)?),
            None => "until a successor is made".to_owned(),
        };
        let (algorithm, state) = (key.algorithm.name(), key.state.name());
        say(&format!("{algorithm}  {}  {state:<8}  from {}  {until}", key.kid, at(key.from)?));
    }
    Ok(())
}

async fn rotate(place: &Place, algorithms: &[SigningAlgorithm]) -> anyhow::Result<()> {
    let (keys, db, now) = open(place).await?;
    for algorithm in algorithms {
        let name = algorithm.name();
        match keys.make_next(&db, &Chance::System, *algorithm, now).await? {
            Some(from) => say(&format!("{name}: the next key is made, and signs from {}.", at(from)?)),
            None => say(&format!("{name}: there is a next key already.")),
        }
    }
    Ok(())
}

async fn replace(place: &Place, algorithms: &[SigningAlgorithm]) -> anyhow::Result<()> {
    let (keys, db, now) = open(place).await?;
    for algorithm in algorithms {
        keys.replace(&db, &Chance::System, *algorithm, now).await?;
        say(&format!("{}: a new key signs, and all others are ended.", algorithm.name()));
    }
    say("Running servers follow within a minute; then the tokens that the old keys have signed are refused.");
    say("A service that keeps the JWKS and does not look again for a key that it does not know must be told.");
    Ok(())
}

async fn open(place: &Place) -> anyhow::Result<(Keys, migrations::Db, Timestamp)> {
    let vault = place.vault()?;
    let (opened, now) = (place.open().await?, Clock::System.now());
    let keys = Keys::open(&opened.db, &Chance::System, &vault, now).await?;
    Ok((keys, opened.db, now))
}

/// RFC 3339
fn at(moment: Timestamp) -> anyhow::Result<String> {
    Ok(jiff::Timestamp::from_second(moment.seconds()).context("a time out of reach")?.to_string())
}
