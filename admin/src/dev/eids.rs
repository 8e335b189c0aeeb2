//! The other eIDs in development: a second Porten plays them, in which people are whoever they say, by TestID.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use authenticators::chance::Token;
use authenticators::scratch::Scratch;
use authenticators::trail::Trail;
use authenticators::webauthn::Webauthn;
use authenticators::world::World;
use axum::Router;
use idp::app::{App, Settings};
use idp::atlas::Atlas;
use idp::client::{Client, ClientId, NewSecret};
use idp::config::Issuer;
use idp::eid::{ClientProof, EidConfig, OtherEid};
use idp::keys::Keys;
use idp::minid::Minid;
use idp::registration::Registration;
use idp::text::Words;
use migrations::Db;
use serde_json::json;

use crate::{open, server};

/// Its database, beside Porten's own.
const DATABASE: &str = "eids.db";

/// Those that are played, by the names of their presets.
const ALL: [&str; 3] = ["bankid", "buypass", "commfides"];

/// One that is played: named and told to services as its preset has it, and otherwise as a Porten is.
struct Played(EidConfig);

impl Played {
    fn by(provider: &Issuer, name: &str) -> anyhow::Result<Played> {
        let config = json!({
            "preset": name,
            "id": name,
            "issuer": provider.as_str(),
            "client_id": name,
            "scopes": ["openid"],
            "identifier_claim": "pid",
            "levels": [{ "acr": "idporten-loa-high", "level": "high" }],
        });
        Ok(Played(serde_json::from_value(config)?))
    }

    fn known_by(self, provider: &Issuer, secret: Token) -> OtherEid {
        let (issuer, proof) = (provider.url().clone(), ClientProof::Secret(secret));
        OtherEid { config: self.0, issuer, proof, decryption: Vec::new() }
    }

    /// Registers us with the provider, with a fresh secret at each start.
    async fn register(&self, world: &World, issuer: &Issuer) -> anyhow::Result<Token> {
        let (name, now) = (self.0.id.as_str(), world.clock.now());
        let id = ClientId::named(name).context("an eID's name")?;
        let registration: Registration = serde_json::from_value(json!({
            "client_name": self.0.name.nb,
            "client_uri": issuer.as_str(),
            "client_orgno": "999999999",
            "token_endpoint_auth_method": "client_secret_basic",
            "redirect_uris": [format!("{}/eid/{}/callback", issuer.as_str(), name)],
            "scopes": ["openid"],
        }))?;
        let secret = world.chance.token()?;
        if !Client::register(&world.db, &id, &registration, Some(&secret), now).await? {
            let new = NewSecret { token: &secret, others_end_at: now };
            Client::change(&world.db, &id, &registration, Some(new), now).await?;
        }
        Ok(secret)
    }
}

/// Starts the second Porten, and hands out the eIDs that it plays for the one at `issuer`. It has another host, since
/// cookies know no ports.
pub(super) async fn start(
    world: &World,
    data: &Path,
    issuer: &Issuer,
    words: &'static Words,
) -> anyhow::Result<Vec<Arc<OtherEid>>> {
    let listener = server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let provider = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
    let provider = Issuer::try_from(provider).map_err(anyhow::Error::msg)?;
    let db = Db::open(&open::sqlite(&data.join(DATABASE))).await?;
    let world = World {
        trail: Trail::start(&db, &world.vault, &world.chance),
        db,
        scratch: Scratch::memory(),
        webauthn: Webauthn::none(),
        ..world.clone()
    };
    let keys = Keys::open(&world.db, &world.chance, &world.vault, world.clock.now()).await?;
    let mut eids = Vec::new();
    for name in ALL {
        let played = Played::by(&provider, name)?;
        let secret = played.register(&world, issuer).await?;
        eids.push(Arc::new(played.known_by(&provider, secret)));
    }
    let settings = Settings {
        issuer: provider,
        trusted_proxies: Vec::new(),
        people: open::DEV_PEOPLE,
        enterprise: None,
        minid: Minid::default(),
        eids: Vec::new(),
        atlas: Atlas::default(),
    };
    let app = App::new(world, settings, keys, words);
    let routes = idp::router(&app, Router::new());
    tokio::spawn(async move {
        if let Err(error) = server::serve(listener, None, app, routes).await {
            tracing::error!(error = format!("{error:#}"), "the other eIDs have stopped");
        }
    });
    Ok(eids)
}
