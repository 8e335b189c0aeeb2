//! From a configuration to an open world.

use std::path::{Path, PathBuf};

use anyhow::Context;
use authenticators::chance::Chance;
use authenticators::clock::Clock;
use authenticators::hashing::{Hasher, HashingConfig};
use authenticators::outbound::Outbound;
use authenticators::person::FnrPolicy;
use authenticators::scratch::Scratch;
use authenticators::sms::{self, Gateway, Inbox, Kannel, Sms};
use authenticators::world::World;
use clap::Args;
use idp::config::{Config, SmsConfig, secret};
use migrations::Db;

/// Which database an administering verb works on.
#[derive(Args)]
pub(crate) struct Place {
    /// The configuration of the server.
    #[arg(long, env = "PORTEN_CONFIG", default_value = "porten.toml")]
    config: PathBuf,
    /// The data folder of a `porten dev`, instead of a configuration; it goes before one.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// A database to administer, and what goes for it.
pub(crate) struct Opened {
    pub(crate) db: Db,
    pub(crate) people: FnrPolicy,
    pub(crate) password: HashingConfig,
}

/// Synthetic people alone, with the numbers of 2032 as well.
pub(crate) const DEV_PEOPLE: FnrPolicy = FnrPolicy { real: false, synthetic: true, expanded: true };

impl Place {
    pub(crate) async fn open(&self) -> anyhow::Result<Opened> {
        if let Some(data) = &self.data {
            let file = data.join(DEV_DATABASE);
            anyhow::ensure!(file.exists(), "{} is not the data folder of a porten dev", data.display());
            let db = Db::open(&sqlite(&file)).await?;
            return Ok(Opened { db, people: DEV_PEOPLE, password: HashingConfig::default() });
        }
        let config = Config::load(&self.config)?;
        let db = Db::open(&config.database.url()?).await?;
        Ok(Opened { db, people: config.people, password: config.password })
    }
}

/// The database of `porten dev`, in its data folder.
pub(crate) const DEV_DATABASE: &str = "porten.db";

/// The URL of a SQLite file.
pub(crate) fn sqlite(file: &Path) -> String {
    format!("sqlite://{}?mode=rwc", file.display())
}

/// Opens all that a configuration names.
pub(crate) async fn world(config: &Config) -> anyhow::Result<World> {
    let db = Db::open(&config.database.url()?).await.context("database")?;
    let scratch = match config.scratch.redis().context("scratch")? {
        Some(url) => Scratch::redis(&url).await.context("scratch.redis")?,
        None => Scratch::memory(),
    };
    let hasher = Hasher::start(config.password).context("password")?;
    let sms = sender(&config.sms).context("sms")?;
    let outbound = Outbound::new(Vec::new(), None)?;
    Ok(World { db, scratch, clock: Clock::System, chance: Chance::System, sms, hasher, outbound })
}

fn sender(config: &SmsConfig) -> anyhow::Result<Sms> {
    Ok(match config {
        SmsConfig::Gateway { url, token_file, from } => Sms::Gateway(Gateway {
            url: url.clone(),
            token: secret(token_file)?,
            from: from.clone(),
            http: sms::http_client()?,
        }),
        SmsConfig::Kannel { url, username, password_file, from } => Sms::Kannel(Kannel {
            url: url.clone(),
            username: username.clone(),
            password: secret(password_file)?,
            from: from.clone(),
            http: sms::http_client()?,
        }),
        SmsConfig::Inbox => Sms::Inbox(Inbox::default()),
    })
}
