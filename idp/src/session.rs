//! The single sign-on session: at most 120 minutes, 30 minutes between visits.

use std::collections::BTreeMap;
use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::scratch::{Kept, Read};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::browser::{Browser, Call};
use crate::client::ClientId;
use crate::flow::Authentication;
use crate::grant::{self, GrantId};
use crate::request::AuthorizationRequest;

/// ID-porten, single sign-on: 120 minutes from the first proof.
const AT_MOST: Duration = Duration::from_mins(120);
/// ID-porten, single sign-on: 30 minutes between authorization requests.
const IDLE: Duration = Duration::from_mins(30);

/// A session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Its public name, for logout.
    pub sid: String,
    /// The proof that all services share but the isolated ones.
    shared: Option<Authentication>,
    /// The proofs that isolated services keep for themselves.
    isolated: BTreeMap<ClientId, Authentication>,
    /// The last visit of each service.
    visits: BTreeMap<ClientId, Visit>,
    started_at: Timestamp,
    seen_at: Timestamp,
}

/// What a service got in this session.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Visit {
    grant: GrantId,
    login_only: bool,
}

impl Visit {
    fn of(request: &AuthorizationRequest, grant: &GrantId) -> Visit {
        Visit { grant: grant.clone(), login_only: grant::is_login_only(&request.scope) }
    }
}

impl Kept for Session {
    const KIND: &'static str = "session";
    const FOR: Duration = AT_MOST;
}

impl Session {
    /// A session that begins with a proof.
    pub fn of(
        proved: Authentication,
        isolated: bool,
        client: Option<ClientId>,
        sid: String,
        now: Timestamp,
    ) -> Session {
        let mut session = Session {
            sid,
            shared: None,
            isolated: BTreeMap::new(),
            visits: BTreeMap::new(),
            started_at: proved.at(),
            seen_at: now,
        };
        session.adopt(proved, client.filter(|_| isolated));
        session
    }

    fn adopt(&mut self, proved: Authentication, isolated: Option<ClientId>) {
        match isolated {
            Some(client) => drop(self.isolated.insert(client, proved)),
            None => self.shared = Some(proved),
        }
    }

    /// The proof that counts for a request.
    pub fn authentication_for(&self, request: &AuthorizationRequest) -> Option<&Authentication> {
        if request.isolated { self.isolated.get(&request.return_to.client) } else { self.shared.as_ref() }
    }

    /// The proof that all services share.
    pub fn shared(&self) -> Option<&Authentication> {
        self.shared.as_ref()
    }

    /// The grants that serve login alone, and end with it.
    pub fn login_grants(&self) -> impl Iterator<Item = &GrantId> {
        self.visits.values().filter(|visit| visit.login_only).map(|visit| &visit.grant)
    }

    fn is_of(&self, proved: &Authentication) -> bool {
        self.shared.iter().chain(self.isolated.values()).all(|own| own.person() == proved.person())
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        now.since(self.started_at) < AT_MOST && now.since(self.seen_at) < IDLE
    }

    /// All proofs of it, which are one person's.
    pub fn proofs(&self) -> impl Iterator<Item = &Authentication> {
        self.shared.iter().chain(self.isolated.values())
    }
}

/// Finds the browser's session, if it is alive.
pub async fn find(app: &App, browser: &Browser, now: Timestamp) -> anyhow::Result<Option<Read<Session>>> {
    let Some(token) = &browser.session else { return Ok(None) };
    let found = app.world.scratch.get::<Session>(&token.hash(), now).await?;
    Ok(found.filter(|read| read.value.is_alive(now)))
}

/// Notes a visit. Of two at the same instant one may lose its note of the other, so it tries again.
pub async fn visit(
    app: &App,
    key: &TokenHash,
    read: Read<Session>,
    visit: (&AuthorizationRequest, &GrantId),
    now: Timestamp,
) -> anyhow::Result<()> {
    let (request, grant) = visit;
    let mut read = read;
    for _ in 0..10 {
        let mut session = read.value.clone();
        session.seen_at = now;
        session.visits.insert(request.return_to.client.clone(), Visit::of(request, grant));
        if app.world.scratch.replace(key, &read, &session, now).await? {
            return Ok(());
        }
        match app.world.scratch.get::<Session>(key, now).await? {
            Some(again) => read = again,
            // Logged out in the meantime.
            None => return Ok(()),
        }
    }
    Ok(())
}

/// A new session for a proof, under a new name. The browser's old one ends with it; if it was the same
/// person's, what it knew of visits goes along.
pub async fn establish(
    call: &Call<'_>,
    new: &Token,
    proved: &Authentication,
    visit: (&AuthorizationRequest, &GrantId),
) -> anyhow::Result<Session> {
    let (Call { app, browser, now }, (request, grant)) = (*call, visit);
    let client = &request.return_to.client;
    let old = match &browser.session {
        Some(token) => app.world.scratch.take::<Session>(&token.hash(), now).await?,
        None => None,
    };
    let isolated = request.isolated.then(|| client.clone());
    let mut session = match old.filter(|old| old.is_alive(now) && old.is_of(proved)) {
        Some(mut old) => {
            old.adopt(proved.clone(), isolated);
            old.started_at = if request.isolated { old.started_at } else { proved.at() };
            old.seen_at = now;
            old
        }
        None => {
            let sid = app.world.chance.token()?.reveal().to_owned();
            Session::of(proved.clone(), request.isolated, Some(client.clone()), sid, now)
        }
    };
    session.visits.insert(client.clone(), Visit::of(request, grant));
    app.world.scratch.put(&new.hash(), &session, now).await?;
    Ok(session)
}
