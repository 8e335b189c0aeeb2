//! `porten dev`: the whole product on this machine, with synthetic people, demonstration services, an inbox, and a
//! second Porten that plays the other eIDs.

mod eids;
mod pages;
mod people;
mod relying_party;
mod schools;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use admin::school::routes;
use anyhow::Context;
use authenticators::chance::Chance;
use authenticators::clock::{Clock, Timestamp};
use authenticators::factor::FactorKind;
use authenticators::hashing::{Hasher, HashingConfig};
use authenticators::inbox::Inbox;
use authenticators::mail::Mail;
use authenticators::outbound::Outbound;
use authenticators::password_rules::Breached;
use authenticators::population::Population;
use authenticators::push::Push;
use authenticators::scratch::Scratch;
use authenticators::sms::Sms;
use authenticators::trail::Trail;
use authenticators::vault::Vault;
use authenticators::webauthn::Webauthn;
use authenticators::world::{Tasks, World};
use clap::Args;
use idp::app::{App, Settings};
use idp::atlas::Atlas;
use idp::config::{Issuer, SchoolConfig, WebPushConfig};
use idp::keys::Keys;
use idp::minid::{Minid, Retired};
use idp::text::{Language, Words};
use migrations::Db;

use crate::{open, say, server};

#[derive(Args)]
pub(crate) struct Options {
    /// The port on this machine's loopback address.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The folder that the database and its key are kept in.
    #[arg(long, default_value = "porten-data")]
    data: PathBuf,
    /// A way to log in that is over already, as `minid.retired` names its kind: what people meet then can be seen.
    #[arg(long, value_parser = over)]
    retired: Option<Retired>,
}

/// One that has been over for long.
fn over(kind: &str) -> Result<Retired, String> {
    let kind = FactorKind::second(kind).ok_or("app, passkey, totp, otc or recovery_code")?;
    Ok(Retired { kind, from: jiff::civil::date(2020, 1, 1) })
}

/// What the development face has at hand.
#[derive(Clone)]
struct Dev {
    app: App,
    inbox: Inbox,
    services: relying_party::Services,
}

/// The words of this face, each language's file.
const WORDS: [(Language, &str); 3] = [
    (Language::Nb, include_str!("../../locales/nb/dev.ftl")),
    (Language::Nn, include_str!("../../locales/nn/dev.ftl")),
    (Language::En, include_str!("../../locales/en/dev.ftl")),
];

/// The least that argon2id has.
const QUICK: HashingConfig = HashingConfig { memory_kib: 8, iterations: 1, parallelism: 1, threads: 1, queue: 1 };

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let listener = server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))?;
    let port = listener.local_addr()?.port();
    let issuer = Issuer::try_from(format!("http://localhost:{port}")).map_err(anyhow::Error::msg)?;
    let vault = vault(&options.data)?;
    let db = Db::open(&open::sqlite(&options.data.join(open::DEV_DATABASE))).await?;
    let inbox = Inbox::default();
    let (clock, chance) = (Clock::System, Chance::System);
    let minid = Minid { retired: options.retired.into_iter().collect(), ..Minid::default() };
    let push_services = WebPushConfig::of("mailto:dev@example.no");
    let residents = beside(&options.data, &issuer, clock.now())?;
    let web = open::web_push(&db, (&vault, &chance), &push_services, clock.now()).await?;
    let world = World {
        trail: Trail::start(&db, &vault, &chance),
        db,
        vault,
        scratch: Scratch::memory(),
        clock,
        chance,
        sms: Sms::Inbox(inbox.clone()),
        sms_a_day: minid.sms_a_day.into(),
        mail: Mail::Inbox(inbox.clone()),
        push: Push { web: Some(web), ..Push::default() },
        breached: Breached::default(),
        webauthn: Webauthn::of(issuer.url())?,
        hasher: Hasher::start(HashingConfig::default())?,
        outbound: Outbound::new(vec!["127.0.0.0/8".parse()?, "::1/128".parse()?], None)?,
        tasks: Tasks::default(),
        population: Population::open(&residents)?,
    };
    let now = world.clock.now();
    // Their passwords stand on the first page: a quick hash will do until the first login makes a real one.
    let in_haste = World { hasher: Hasher::start(QUICK)?, ..world.clone() };
    let words: &'static Words = Box::leak(Box::new(Words::new(&words())));
    let (keys, (), eids) = tokio::try_join!(
        Keys::open(&world.db, &world.chance, &world.vault, now),
        people::register(&in_haste, now),
        eids::start(&world, &options.data, &issuer, words)
    )?;
    schools::register(&world, now).await?;
    let services = relying_party::register(&world, issuer.as_str(), now).await?;
    let settings = Settings {
        issuer: issuer.clone(),
        trusted_proxies: Vec::new(),
        people: open::DEV_PEOPLE,
        enterprise: None,
        minid,
        eids,
        atlas: Atlas::default(),
        school: SchoolConfig::default(),
    };
    let app = App::new(world, settings, keys, words);
    idp::recall(&app, app.world.clock.now()).await?;
    let schools = routes::routes(&app);
    let routes = idp::router(&app, pages::routes(Dev { app: app.clone(), inbox, services }).merge(schools));
    greet(issuer.as_str(), &options.data);
    server::serve(listener, None, app, routes).await
}

/// What other commands find in the folder beside the database: who lives where, and where this was started. Told is the
/// file of those who live here.
fn beside(data: &Path, issuer: &Issuer, now: Timestamp) -> anyhow::Result<PathBuf> {
    let (residents, started) = (data.join(open::DEV_POPULATION), data.join(open::DEV_ISSUER));
    for (file, words) in [(&residents, people::residents(now)), (&started, issuer.as_str().to_owned())] {
        std::fs::write(file, words).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(residents)
}

/// The words of all faces that are shown here beside the citizens'.
fn words() -> Vec<(Language, &'static str)> {
    WORDS.into_iter().chain(routes::WORDS).collect()
}

fn greet(issuer: &str, data: &Path) {
    let person = people::all(Clock::System.now()).into_iter().next();
    say(&format!("Porten runs at {issuer}, with its data in {}.", data.display()));
    say("Open it in a browser, choose a service, and log in with MinID as one of the people on the page:");
    if let Some(person) = person {
        say(&format!(
            "  {}, fødselsnummer {}, password {}",
            person.name(),
            person.fnr,
            person.password.unwrap_or_default()
        ));
    }
    say(&format!("The codes by SMS are at {issuer}/dev/inbox. Everything here is synthetic. Stop with Ctrl-C."));
}

/// The key that encrypts the keys: made at the first start, readable by the owner alone.
fn vault(data: &Path) -> anyhow::Result<Vault> {
    let folder = || format!("cannot write in the data folder {}", data.display());
    std::fs::create_dir_all(data).with_context(folder)?;
    let file = data.join(open::DEV_MASTER);
    if !file.exists() {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let fresh = Vault::fresh_master(&Chance::System)?;
        options.open(&file).and_then(|mut file| file.write_all(fresh.as_bytes())).with_context(folder)?;
    }
    open::vault(&file)
}
