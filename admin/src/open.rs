//! From a configuration to an open world.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use authenticators::chance::Chance;
use authenticators::clock::{Clock, Timestamp};
use authenticators::hashing::{Hasher, HashingConfig};
use authenticators::house_secret;
use authenticators::inbox::Inbox;
use authenticators::mail::{Mail, Smtp, SmtpPlace};
use authenticators::outbound::Outbound;
use authenticators::password_rules::Breached;
use authenticators::person::FnrPolicy;
use authenticators::population::Population;
use authenticators::push::Push;
use authenticators::push::apns::{Apns, Team};
use authenticators::push::fcm::Fcm;
use authenticators::push::web::{self, WebPush};
use authenticators::scratch::Scratch;
use authenticators::sms::{self, Gateway, Kannel, Sms};
use authenticators::trail::Trail;
use authenticators::vault::Vault;
use authenticators::webauthn::Webauthn;
use authenticators::world::{Tasks, World};
use clap::Args;
use idp::atlas::Atlas;
use idp::certificate::Roots;
use idp::config::{
    Config, Issuer, LettersConfig, MailConfig, OutboundConfig, PopulationConfig, PushConfig, SchoolConfig, SmsConfig,
    WebPushConfig, secret,
};
use idp::eid::{EidConfig, OtherEid};
use idp::minid::Minid;
use migrations::Db;
use url::Url;

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
    pub(crate) webauthn: Webauthn,
    pub(crate) school: SchoolConfig,
}

/// What letters need beside a database.
pub(crate) struct Post {
    pub(crate) issuer: Issuer,
    pub(crate) population: Population,
    pub(crate) letters: LettersConfig,
}

/// Synthetic people alone, with the numbers of 2032 as well.
pub(crate) const DEV_PEOPLE: FnrPolicy = FnrPolicy { real: false, synthetic: true, expanded: true };

impl Place {
    pub(crate) async fn open(&self) -> anyhow::Result<Opened> {
        if let Some(data) = &self.data {
            let file = data.join(DEV_DATABASE);
            anyhow::ensure!(file.exists(), "{} is not the data folder of a porten dev", data.display());
            let db = Db::open(&sqlite(&file)).await?;
            let webauthn = Webauthn::of(&Url::parse("http://localhost")?)?;
            let (password, school) = (HashingConfig::default(), SchoolConfig::default());
            return Ok(Opened { db, people: DEV_PEOPLE, password, webauthn, school });
        }
        let config = Config::load(&self.config)?;
        let db = Db::open(&config.database.url()?).await?;
        let webauthn = Webauthn::of(config.server.issuer.url())?;
        Ok(Opened { db, people: config.people, password: config.password, webauthn, school: config.school })
    }

    /// What letters need beside that.
    pub(crate) fn post(&self) -> anyhow::Result<Post> {
        if let Some(data) = &self.data {
            let issuer = std::fs::read_to_string(data.join(DEV_ISSUER));
            let issuer = issuer.with_context(|| format!("no porten dev has run lately in {}", data.display()))?;
            let issuer = Issuer::try_from(issuer).map_err(anyhow::Error::msg)?;
            let letters = LettersConfig::of(&["MinID", "Fjordgata 100", "6999 FJORDVIK"]);
            return Ok(Post { issuer, population: self.population()?, letters });
        }
        let config = Config::load(&self.config)?;
        // Without a register nobody had an address, and every letter would come back.
        anyhow::ensure!(config.population.is_some(), "population: missing in {}", self.config.display());
        let letters = config.letters.with_context(|| format!("letters: missing in {}", self.config.display()))?;
        Ok(Post { issuer: config.server.issuer, population: population(config.population.as_ref())?, letters })
    }

    /// The population register, for the verbs that ask it.
    pub(crate) fn population(&self) -> anyhow::Result<Population> {
        match &self.data {
            Some(data) => Population::open(&data.join(DEV_POPULATION)),
            None => population(Config::load(&self.config)?.population.as_ref()),
        }
    }

    /// What encrypts at rest, for the verbs that read or write something that is.
    pub(crate) fn vault(&self) -> anyhow::Result<Vault> {
        match &self.data {
            Some(data) => vault(&data.join(DEV_MASTER)),
            None => vault(&Config::load(&self.config)?.keys.file),
        }
    }
}

/// The database of `porten dev`, in its data folder.
pub(crate) const DEV_DATABASE: &str = "porten.db";
/// What encrypts its keys, beside it.
pub(crate) const DEV_MASTER: &str = "master.key";
/// Where it was started last: what a letter leads to.
pub(crate) const DEV_ISSUER: &str = "issuer.txt";
/// Who lives in its country.
pub(crate) const DEV_POPULATION: &str = "population.jsonl";

/// The URL of a SQLite file.
pub(crate) fn sqlite(file: &Path) -> String {
    format!("sqlite://{}?mode=rwc", file.display())
}

/// What encrypts at rest, with the master key in a file.
pub(crate) fn vault(file: &Path) -> anyhow::Result<Vault> {
    Vault::parse(&secret(file)?).with_context(|| format!("the master key in {}", file.display()))
}

/// Opens all that a configuration names.
pub(crate) async fn world(config: &Config) -> anyhow::Result<World> {
    let vault = vault(&config.keys.file)?;
    let db = Db::open(&config.database.url()?).await.context("database")?;
    let scratch = match config.scratch.redis().context("scratch")? {
        Some(url) => Scratch::redis(&url).await.context("scratch.redis")?,
        None => Scratch::memory(),
    };
    let (clock, chance) = (Clock::System, Chance::System);
    let web = match &config.push.web {
        Some(web) => Some(web_push(&db, (&vault, &chance), web, clock.now()).await.context("push.web")?),
        None => None,
    };
    Ok(World {
        trail: Trail::start(&db, &vault, &chance),
        sms: sender(&config.sms).context("sms")?,
        sms_a_day: config.minid.sms_a_day.into(),
        mail: mail(config.mail.as_ref()).context("mail")?,
        push: Push { web, ..push_to_phones(&config.push)? },
        hasher: Hasher::start(config.password).context("password")?,
        breached: breached(&config.minid)?,
        webauthn: Webauthn::of(config.server.issuer.url())?,
        outbound: outbound(&config.outbound).context("outbound")?,
        tasks: Tasks::default(),
        population: population(config.population.as_ref()).context("population")?,
        db,
        scratch,
        clock,
        chance,
        vault,
    })
}

/// The way to mailboxes.
pub(crate) fn mail(config: Option<&MailConfig>) -> anyhow::Result<Mail> {
    let Some(config) = config else { return Ok(Mail::None) };
    let password = config.password_file.as_deref().map(secret).transpose()?;
    let login = config.username.clone().zip(password);
    let place = SmtpPlace { host: &config.host, port: config.port, tls: config.tls, login, from: &config.from };
    Ok(Mail::Smtp(Smtp::new(place)?))
}

/// The ways to the MinID app on Android and iOS.
pub(crate) fn push_to_phones(config: &PushConfig) -> anyhow::Result<Push> {
    let fcm = config
        .fcm
        .as_ref()
        .map(|fcm| Fcm::new(&secret(&fcm.account_file)?, fcm.url.clone(), sms::http_client()?).context("push.fcm"));
    let apns = config.apns.as_ref().map(|apns| {
        let team = Team { key_id: &apns.key_id, team_id: &apns.team_id, topic: &apns.topic };
        Apns::new(&secret(&apns.key_file)?, &team, apns.url.clone(), sms::http_client()?).context("push.apns")
    });
    Ok(Push { web: None, fcm: fcm.transpose()?, apns: apns.transpose()? })
}

/// The way to the MinID app in browsers, with a key that is the same on every node.
pub(crate) async fn web_push(
    db: &Db,
    keys: (&Vault, &Chance),
    config: &WebPushConfig,
    now: Timestamp,
) -> anyhow::Result<WebPush> {
    let key = house_secret::get(db, keys, "vapid", web::fresh_key, now).await?;
    WebPush::new(&key, config.contact.clone(), config.hosts.clone())
}

/// Who lives in the country.
pub(crate) fn population(config: Option<&PopulationConfig>) -> anyhow::Result<Population> {
    config.map_or(Ok(Population::None), |config| Population::open(&config.file))
}

/// The passwords that were stolen elsewhere.
pub(crate) fn breached(config: &Minid) -> anyhow::Result<Breached> {
    match &config.breached_passwords_file {
        Some(file) => Breached::open(file).context("minid.breached_passwords_file"),
        None => Ok(Breached::default()),
    }
}

/// Whose enterprise certificates are taken.
pub(crate) fn enterprise(config: &Config) -> anyhow::Result<Option<Arc<Roots>>> {
    let Some(enterprise) = &config.enterprise_certificates else { return Ok(None) };
    Ok(Some(Arc::new(Roots::open(enterprise).context("enterprise_certificates")?)))
}

/// The eIDs of others, with the keys that we prove ourselves to them with.
pub(crate) fn eids(config: &Config) -> anyhow::Result<Vec<Arc<OtherEid>>> {
    let open = |eid: &EidConfig| {
        let opened = eid.clone().open().with_context(|| format!("eid {}", eid.id))?;
        Ok(Arc::new(opened))
    };
    config.eid.iter().map(open).collect()
}

/// Where in the world addresses are.
pub(crate) fn atlas(config: &Config) -> anyhow::Result<Atlas> {
    config.places.as_ref().map_or(Ok(Atlas::default()), |places| Atlas::open(&places.file)).context("places.file")
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
