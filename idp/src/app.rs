//! What every endpoint has at hand.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use authenticators::clock::Timestamp;
use authenticators::person::FnrPolicy;
use authenticators::scratch::Scratch;
use authenticators::world::World;
use aws_lc_rs::hmac;
use ipnet::IpNet;
use moka::future::Cache;

use crate::acr::{Acr, Eid};
use crate::atlas::Atlas;
use crate::certificate::Roots;
use crate::client::{Client, ClientId, PROFILE, SCHOOL};
use crate::client_keys::KeyCache;
use crate::config::{Issuer, SchoolConfig};
use crate::eid::OtherEid;
use crate::keys::Keys;
use crate::minid::Minid;
use crate::refresh::Writer;
use crate::scope::{Scope, ScopeName};
use crate::text::Words;
use crate::upstream::Upstreams;

/// For how long a node may not see that a client or a scope was changed.
const KEPT: Duration = Duration::from_secs(5);

/// What the endpoints are told of the configuration.
#[derive(Clone)]
pub struct Settings {
    /// The public base URL.
    pub issuer: Issuer,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Which person identifiers are let in.
    pub people: FnrPolicy,
    /// Whose enterprise certificates are taken; none, nobody's.
    pub enterprise: Option<Arc<Roots>>,
    /// What is decided about MinID.
    pub minid: Minid,
    /// The eIDs of others.
    pub eids: Vec<Arc<OtherEid>>,
    /// Where in the world addresses are.
    pub atlas: Atlas,
    /// MinID in schools.
    pub school: SchoolConfig,
}

/// The program's inside, shared. The router clones it several times a request.
#[derive(Clone)]
pub struct App(Arc<Inside>);

impl Deref for App {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

/// What an [`App`] shares.
pub struct Inside {
    /// What lies outside.
    pub world: World,
    /// What was configured.
    pub config: Settings,
    /// The keys.
    pub keys: Arc<Keys>,
    /// The words of every language.
    pub words: &'static Words,
    /// What DPoP nonces are made from.
    pub(crate) dpop: hmac::Key,
    /// The public keys of clients.
    pub client_keys: KeyCache,
    /// The providers of the other eIDs.
    pub upstreams: Upstreams,
    /// Where it is written down which refresh tokens are used.
    pub(crate) refreshes: Writer,
    /// When it was started.
    started_at: Timestamp,
    clients: Cache<ClientId, Arc<Client>>,
    pub(crate) scopes: Cache<ScopeName, Option<Arc<Scope>>>,
}

impl App {
    /// Puts it together.
    pub fn new(world: World, config: Settings, keys: Keys, words: &'static Words) -> App {
        let clients = Cache::builder().max_capacity(10_000).time_to_live(KEPT).build();
        let scopes = Cache::builder().max_capacity(10_000).time_to_live(KEPT).build();
        let dpop = keys.secret_for("dpop nonce");
        let started_at = world.clock.now();
        let client_keys = KeyCache::new(world.outbound.clone());
        let upstreams = Upstreams::new(&config.eids, &world.outbound);
        let keys = Arc::new(keys);
        let refreshes = Writer::start(&world.db);
        App(Arc::new(Inside {
            world,
            config,
            keys,
            words,
            dpop,
            client_keys,
            upstreams,
            refreshes,
            started_at,
            clients,
            scopes,
        }))
    }

    /// Whether something made then could have been used up before this program was started, and nobody here would
    /// know: what was used is kept in memory alone.
    pub fn has_forgotten(&self, made_at: Timestamp) -> bool {
        matches!(self.world.scratch, Scratch::Memory(_)) && made_at < self.started_at
    }

    /// An active client, as it was registered a few seconds ago at the most.
    pub async fn client(&self, id: &ClientId) -> anyhow::Result<Option<Arc<Client>>> {
        if let Some(client) = self.clients.get(id).await {
            return Ok(Some(client));
        }
        let found = match id.as_str() {
            PROFILE => Some(Client::of_profile(id.clone(), &self.config.issuer)?),
            SCHOOL => {
                let secret = Client::school_secret(&self.keys);
                Some(Client::of_school(id.clone(), &self.config.issuer, &secret, self.world.clock.now())?)
            }
            _ => Client::find(&self.world.db, id).await.context("cannot read a client")?,
        };
        let Some(client) = found.filter(|client| client.registration.active).map(Arc::new) else { return Ok(None) };
        self.clients.insert(id.clone(), client.clone()).await;
        Ok(Some(client))
    }

    /// The eIDs by which a citizen can reach what is asked for.
    pub fn offered(&self, asked: &[Acr]) -> Vec<Eid> {
        let others = self.upstreams.all().map(|provider| provider.eid.as_choice());
        let test = self.config.people.synthetic.then_some(Eid::TestId);
        let email = self.world.mail.is_there().then_some(Eid::Email);
        let all = std::iter::once(Eid::MinId).chain(others).chain(email).chain(test);
        all.filter(|eid| !eid.levels(asked).is_empty()).collect()
    }
}
