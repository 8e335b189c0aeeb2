//! `porten check`: what is wrong with a configuration, one line each.

use std::path::Path;

use admin::letters::{proof, sftp};
use anyhow::bail;
use authenticators::clock::Clock;
use authenticators::outbound::Outbound;
use authenticators::scratch::Scratch;
use authenticators::vault::Vault;
use axum_server::tls_rustls::RustlsConfig;
use idp::atlas::Atlas;
use idp::config::{Config, SmsConfig, secret};
use idp::eid::EidConfig;
use idp::keys::Keys;
use idp::upstream::metadata;
use migrations::Db;

use crate::{open, say};

pub(crate) async fn run(file: &Path) -> anyhow::Result<()> {
    let config = Config::load(file)?;
    let mut lines = config.objections();
    lines.extend(config.letters.iter().flat_map(|letters| proof::objections(letters, &config.server.issuer)));
    let mut note = |place: &str, result: anyhow::Result<()>| {
        if let Err(error) = result {
            lines.push(format!("{place}: {error:#}").replace('\n', " "));
        }
    };
    let vault = open::vault(&config.keys.file);
    note("database, keys", database_and_keys(&config, vault.as_ref().ok()).await);
    note("keys.file", vault.map(|_| ()));
    note("scratch.redis", scratch(&config).await);
    note("sms", sms(&config.sms));
    note("mail", open::mail(config.mail.as_ref()).map(|_| ()));
    note("push", open::push_to_phones(&config.push).map(|_| ()));
    note("minid", open::breached(&config.minid).map(|_| ()));
    note("population", open::population(config.population.as_ref()).map(|_| ()));
    note("places.file", atlas(&config).await);
    if let Some(print_house) = config.letters.as_ref().and_then(|letters| letters.sftp.as_ref()) {
        note("letters.sftp", sftp::check(print_house).await);
    }
    let outbound = open::outbound(&config.outbound);
    note("enterprise_certificates", open::enterprise(&config).map(|_| ()));
    for eid in &config.eid {
        note(&format!("eid {}", eid.id), other_eid(eid, outbound.as_ref().ok()).await);
    }
    note("outbound.ca_file", outbound.map(|_| ()));
    if let Some(tls) = &config.server.tls {
        let loaded = RustlsConfig::from_pem_file(&tls.certificate_file, &tls.key_file).await;
        note("server.tls", loaded.map(|_| ()).map_err(Into::into));
    }
    for line in &lines {
        say(line);
    }
    match lines.len() {
        0 => {
            say("The configuration is good.");
            Ok(())
        }
        count => bail!("{count} to mend in {}", file.display()),
    }
}

async fn database_and_keys(config: &Config, vault: Option<&Vault>) -> anyhow::Result<()> {
    let db = Db::open(&config.database.url()?).await?;
    db.ping().await?;
    match vault {
        Some(vault) => Keys::check(&db, vault).await,
        None => Ok(()),
    }
}

async fn scratch(config: &Config) -> anyhow::Result<()> {
    match config.scratch.redis()? {
        Some(url) => Scratch::redis(&url).await?.ping().await,
        None => Ok(()),
    }
}

/// Its key, and what its provider publishes.
async fn other_eid(config: &EidConfig, outbound: Option<&Outbound>) -> anyhow::Result<()> {
    let eid = config.clone().open()?;
    match outbound {
        Some(outbound) => metadata::check(&eid, outbound).await.map_err(anyhow::Error::msg),
        None => Ok(()),
    }
}

/// What [`Atlas::open`] takes on trust, and whether addresses have moved since.
async fn atlas(config: &Config) -> anyhow::Result<()> {
    let Some(places) = config.places.clone() else { return Ok(()) };
    let now = Clock::System.now();
    tokio::task::spawn_blocking(move || Atlas::open(&places.file)?.examine(now)).await?
}

fn sms(config: &SmsConfig) -> anyhow::Result<()> {
    match config {
        SmsConfig::Gateway { token_file: file, .. } | SmsConfig::Kannel { password_file: file, .. } => {
            secret(file).map(|_| ())
        }
        SmsConfig::Inbox => Ok(()),
    }
}
