//! `porten serve`

use std::path::Path;

use admin::letters::proof;
use admin::school::routes;
use axum::routing::get;
use idp::app::{App, Settings};
use idp::config::Config;
use idp::endpoints::front;
use idp::keys::Keys;
use idp::text::Words;

use crate::{open, server};

pub(crate) async fn run(file: &Path) -> anyhow::Result<()> {
    let config = Config::load(file)?;
    let mut objections = config.objections();
    let letters = config.letters.iter().flat_map(|letters| proof::objections(letters, &config.server.issuer));
    objections.extend(letters);
    anyhow::ensure!(objections.is_empty(), "refusing to start: {}", objections.join("; "));
    let listener = server::bind(config.server.address)?;
    let world = open::world(&config).await?;
    let keys = Keys::open(&world.db, &world.chance, &world.vault, world.clock.now()).await?;
    let keys = keys.rotated_after(config.keys.rotation());
    let settings = Settings {
        issuer: config.server.issuer.clone(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        people: config.people,
        enterprise: open::enterprise(&config)?,
        minid: config.minid.clone(),
        eids: open::eids(&config)?,
        atlas: open::atlas(&config)?,
        school: config.school,
    };
    let words: &'static Words = Box::leak(Box::new(Words::new(&routes::WORDS)));
    let app = App::new(world, settings, keys, words);
    idp::recall(&app, app.world.clock.now()).await?;
    let routes = idp::router(&app, routes::routes(&app).route("/", get(front::show)));
    tracing::info!(issuer = config.server.issuer.as_str(), address = %config.server.address, "serving");
    server::serve(listener, config.server.tls.as_ref(), app, routes).await
}
