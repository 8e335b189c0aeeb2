//! From a configuration to an open world.

use std::path::{Path, PathBuf};
use std::sync::Arc;

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
use idp::certificate::Roots;
use idp::config::{Config, OutboundConfig, SmsConfig, secret};
use idp::keys::MasterKey;
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

    /// The key that encrypts the keys, for the verbs that make some.
    pub(crate) fn master(&self) -> anyhow::Result<MasterKey> {
        let file = match &self.data {
            Some(data) => data.join(DEV_MASTER),
            None => Config::load(&self.config)?.keys.file,
        };
        MasterKey::parse(&secret(&file)?).with_context(|| format!("the master key in {}", file.display()))
    }
}

/// The database of `porten dev`, in its data folder.
pub(crate) const DEV_DATABASE: &str = "porten.db";
/// What encrypts its keys, beside it.
pub(crate) const DEV_MASTER: &str = "master.key";

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
    let outbound = outbound(&config.outbound).context("outbound")?;
    Ok(World { db, scratch, clock: Clock::System, chance: Chance::System, sms, hasher, outbound })
}

/// Whose enterprise certificates are taken.
pub(crate) fn enterprise(config: &Config) -> anyhow::Result<Option<Arc<Roots>>> {
    let Some(enterprise) = &config.enterprise_certificates else { return Ok(None) };
    Ok(Some(Arc::new(Roots::open(enterprise).context("enterprise_certificates")?)))
}

/// The client for addresses that services have registered.
pub(crate) fn outbound(config: &OutboundConfig) -> anyhow::Result<Outbound> {
    match &config.ca_file {
        Some(file) => {
            let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            Outbound::new(config.allow.clone(), Some(&pem)).with_context(|| format!("in {}", file.display()))
        }
        None => Outbound::new(config.allow.clone(), None),
    }
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
