//! The other eIDs in development: a second Porten plays them, in which people are whoever they say, by TestID.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use authenticators::chance::Chance;
use authenticators::scratch::Scratch;
use authenticators::trail::Trail;
use authenticators::webauthn::Webauthn;
use authenticators::world::World;
use axum::Router;
use idp::app::{App, Settings};
use idp::atlas::Atlas;
use idp::client::{Client, ClientId, NewSecret};
use idp::config::{Issuer, SchoolConfig};
use idp::eid::{ClientProof, EidConfig, OtherEid, OwnKey};
use idp::keys::Keys;
use idp::minid::Minid;
use idp::registration::Registration;
use idp::text::Words;
use migrations::Db;
use serde_json::json;

use crate::{open, server};

/// Its database, beside Porten's own.
const DATABASE: &str = "eids.db";

/// Those that are played, by the names of their presets, and how we prove ourselves to each.
const ALL: [(&str, Means); 3] = [("bankid", Means::Key), ("buypass", Means::Secret), ("commfides", Means::Secret)];

/// What we prove ourselves by.
#[derive(Clone, Copy)]
enum Means {
    /// A key of ours that is registered there (`private_key_jwt`).
    Key,
    /// A secret that is kept on both sides (`client_secret_basic`).
    Secret,
}

/// One that is played: named and told to services as its preset has it, and otherwise as a Porten is.
struct Played(OtherEid);

impl Played {
    /// With a fresh key or secret at each start.
    fn by(provider: &Issuer, (name, means): (&str, Means), chance: &Chance) -> anyhow::Result<Played> {
        let config = json!({
            "preset": name,
            "id": name,
            "issuer": provider.as_str(),
            "client_id": name,
            "scopes": ["openid"],
            "identifier_claim": "pid",
            "levels": [{ "acr": "idporten-loa-high", "level": "high" }],
        });
        let config: EidConfig = serde_json::from_value(config)?;
        let proof = match means {
            Means::Key => ClientProof::Key(Box::new(OwnKey::fresh()?)),
            Means::Secret => ClientProof::Secret(chance.token()?),
        };
        let (issuer, decryption) = (provider.url().clone(), Vec::new());
        Ok(Played(OtherEid { config, issuer, proof, decryption, logo: None }))
    }

    /// Registers us with the provider.
    async fn register(&self, world: &World, issuer: &Issuer) -> anyhow::Result<()> {
        let Played(eid) = self;
        let (name, now) = (eid.config.id.as_str(), world.clock.now());
        let id = ClientId::named(name).context("an eID's name")?;
        let (method, jwks, secret) = match &eid.proof {
            ClientProof::Key(_) => ("private_key_jwt", Some(eid.jwks()), None),
            ClientProof::Secret(secret) => ("client_secret_basic", None, Some(secret)),
        };
        let registration: Registration = serde_json::from_value(json!({
            "client_name": eid.config.name.nb,
            "client_uri": issuer.as_str(),
            "client_orgno": "999999999",
            "token_endpoint_auth_method": method,
            "jwks": jwks,
            "redirect_uris": [format!("{}/eid/{}/callback", issuer.as_str(), name)],
            "scopes": ["openid"],
        }))?;
        if !Client::register(&world.db, &id, &registration, secret, now).await? {
            let new = secret.map(|token| NewSecret { token, others_end_at: now });
            Client::change(&world.db, &id, &registration, new, now).await?;
        }
        Ok(())
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
    for one in ALL {
        let played = Played::by(&provider, one, &world.chance)?;
        played.register(&world, issuer).await?;
        eids.push(Arc::new(played.0));
    }
    let settings = Settings {
        issuer: provider,
        trusted_proxies: Vec::new(),
        people: open::DEV_PEOPLE,
        enterprise: None,
        minid: Minid::default(),
        eids: Vec::new(),
        atlas: Atlas::default(),
        school: SchoolConfig::default(),
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
