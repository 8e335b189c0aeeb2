//! The single sign-on session: at most 120 minutes, 30 minutes between visits.

use std::collections::BTreeMap;
use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::person::Person;
use authenticators::scratch::{Kept, Read};
use serde::{Deserialize, Serialize};

use crate::access_token;
use crate::app::App;
use crate::browser::{Browser, Call};
use crate::claims;
use crate::client::{Client, ClientId};
use crate::flow::Authentication;
use crate::grant::{self, GrantId};
use crate::logout_notice::{self, Audience, Notice};
use crate::refresh;
use crate::registration::{GrantType, Registration, SsoMode};
use crate::request::AuthorizationRequest;
use crate::session_list;

/// ID-porten, single sign-on: 120 minutes from the first proof.
const AT_MOST: Duration = Duration::from_mins(120);
/// ID-porten, single sign-on: 30 minutes between authorization requests.
const IDLE: Duration = Duration::from_mins(30);
/// How long a code is good for, and then some.
const CODE: Duration = Duration::from_mins(2);
/// How many live logins a service can have in a session. The oldest gives way and ends.
const LOGINS: usize = 100;

/// Who shares a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Circle {
    /// All services that are in no other.
    Global,
    /// The services of a named group.
    Group(String),
    /// A service with itself.
    Alone(ClientId),
}

impl Circle {
    /// The circle of a client.
    pub fn of(client: &Client) -> Circle {
        let Registration { sso_mode, sso_group, sso_disabled, .. } = &client.registration;
        match (sso_mode, sso_group) {
            (Some(SsoMode::Limited), Some(group)) => Circle::Group(group.clone()),
            (Some(SsoMode::Global) | None, _) if !sso_disabled => Circle::Global,
            _ => Circle::Alone(client.id.clone()),
        }
    }
}

/// A session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Its public name, for logout.
    pub sid: String,
    /// The proofs of each circle, the latest last. Of each level there is one at most, see [`Session::adopt`].
    proofs: Vec<(Circle, Authentication)>,
    /// What each service got.
    visits: BTreeMap<ClientId, Visit>,
    started_at: Timestamp,
    seen_at: Timestamp,
}

/// What a service got in this session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Visit {
    /// The grants that serve login alone and have tokens that may be alive, with the time until which, oldest first.
    logins: Vec<(GrantId, Timestamp)>,
    /// Whether it is told when the session ends by itself.
    is_watching: bool,
}

impl Kept for Session {
    const KIND: &'static str = "session";
    const FOR: Duration = AT_MOST;
}

impl Session {
    /// A session that begins with a proof.
    pub fn of(proved: Authentication, circle: Circle, sid: String, now: Timestamp) -> Session {
        let started_at = proved.at();
        Session { sid, proofs: vec![(circle, proved)], visits: BTreeMap::new(), started_at, seen_at: now }
    }

    /// A new proof takes the place of those that reach no more: whatever they answer, it answers, and is newer. One that
    /// reaches more is kept with its time, for a password takes nothing back of what BankID has proved.
    fn adopt(&mut self, proved: Authentication, circle: Circle) {
        // An old one comes again where somebody agrees to something after it has answered.
        let gives_way = |old: &Authentication| proved.acr().satisfies(old.acr()) && old.at() <= proved.at();
        self.proofs.retain(|(known, old)| *known != circle || !gives_way(old));
        self.proofs.push((circle, proved));
        self.proofs.sort_by_key(|(_, proof)| proof.at());
    }

    /// The proofs that a request may be answered with, the latest first.
    pub fn proofs_for(&self, request: &AuthorizationRequest) -> impl Iterator<Item = &Authentication> {
        self.proofs_in(&request.circle)
    }

    /// The proofs that all services share, the latest first.
    pub fn shared(&self) -> impl Iterator<Item = &Authentication> {
        self.proofs_in(&Circle::Global)
    }

    fn proofs_in(&self, circle: &Circle) -> impl Iterator<Item = &Authentication> {
        self.proofs.iter().rev().filter(move |(known, _)| known == circle).map(|(_, proof)| proof)
    }

    /// The services that have taken part.
    pub fn services(&self) -> impl Iterator<Item = &ClientId> {
        self.visits.keys()
    }

    /// When it ends if nobody comes.
    pub fn ends_at(&self) -> Timestamp {
        self.started_at.plus(AT_MOST).min(self.seen_at.plus(IDLE))
    }

    /// All proofs of it, which are one person's.
    pub fn proofs(&self) -> impl Iterator<Item = &Authentication> {
        self.proofs.iter().map(|(_, proof)| proof)
    }

    fn is_of(&self, proved: &Authentication) -> bool {
        self.proofs().all(|own| own.person() == proved.person())
    }

    /// Forgets the proofs from before the person was signed out everywhere, which any process may have done; false if
    /// none is left.
    async fn forget_what_was_signed_out(&mut self, app: &App) -> anyhow::Result<bool> {
        let Some(person) = self.proofs().next().map(|proof| proof.person().clone()) else { return Ok(false) };
        match Person::signed_out_at(app.world.db.pool(), &person).await? {
            Some(out) => self.proofs.retain(|(_, proof)| out.is_none_or(|out| out < proof.at())),
            None => self.proofs.clear(),
        }
        Ok(!self.proofs.is_empty())
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        self.ends_at() > now
    }

    /// Notes what a service gets, and hands out the logins that are one too many.
    fn note(
        &mut self,
        client: &Client,
        visit: (&AuthorizationRequest, &GrantId),
        now: Timestamp,
    ) -> Vec<(GrantId, Timestamp)> {
        let ((request, grant), registration) = (visit, &client.registration);
        let own = self.visits.entry(client.id.clone()).or_default();
        own.is_watching = registration.backchannel_logout_on_expiry && registration.backchannel_logout_uri.is_some();
        own.logins.retain(|(_, until)| *until > now);
        if grant::is_login_only(&request.scope) {
            own.logins.push((grant.clone(), dead_at(registration, now)));
        }
        let surplus = own.logins.len().saturating_sub(LOGINS);
        own.logins.drain(..surplus).collect()
    }

    /// The services that are told of its end, with the subjects that they know.
    fn audience(&self, app: &App, services: impl Iterator<Item = ClientId>) -> Audience<'_> {
        let subject = |id: &ClientId| self.proofs().next().map(|who| claims::subject(app, id, who));
        let services = services.filter_map(|id| subject(&id).map(|subject| (id, subject))).collect();
        Audience { sid: &self.sid, services }
    }
}

/// When the last token of a grant that is made now has expired.
fn dead_at(registration: &Registration, now: Timestamp) -> Timestamp {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let refreshed = match registration.grant_types.contains(&GrantType::RefreshToken) {
        true => seconds(registration.authorization_lifetime),
        false => Duration::ZERO,
    };
    let access = seconds(registration.access_token_lifetime).min(access_token::AT_MOST);
    now.plus(CODE).plus(refreshed).plus(access)
}

/// Finds the browser's session, if it is alive, with the proofs that are not too old.
pub async fn find(app: &App, browser: &Browser, now: Timestamp) -> anyhow::Result<Option<Read<Session>>> {
    let Some(token) = &browser.session else { return Ok(None) };
    let found = app.world.scratch.get::<Session>(&token.hash(), now).await?;
    let Some(mut read) = found.filter(|read| read.value.is_alive(now)) else { return Ok(None) };
    if !read.value.forget_what_was_signed_out(app).await? {
        return Ok(None);
    }
    read.value.proofs.retain(|(_, proof)| now.since(proof.at()) < AT_MOST);
    Ok(Some(read))
}

/// The session that is kept under a key, if it is alive.
pub async fn alive(app: &App, key: &TokenHash, now: Timestamp) -> anyhow::Result<Option<Session>> {
    let read = app.world.scratch.get::<Session>(key, now).await?;
    let found = read.map(|read| read.value).filter(|session| session.is_alive(now));
    let Some(mut session) = found else { return Ok(None) };
    Ok(session.forget_what_was_signed_out(app).await?.then_some(session))
}

/// Notes a visit; false if the session has ended in the meantime. Of two at the same instant one would lose its
/// note of the other, so it tries again.
pub async fn visit(
    app: &App,
    key: &TokenHash,
    read: Read<Session>,
    visit: (&AuthorizationRequest, &GrantId),
    now: Timestamp,
) -> anyhow::Result<bool> {
    let Some(client) = app.client(&visit.0.return_to.client).await? else { return Ok(false) };
    let mut read = read;
    loop {
        let mut session = read.value.clone();
        session.seen_at = now;
        let surplus = session.note(&client, visit, now);
        if app.world.scratch.replace(key, &read, &session, now).await? {
            keep_up(app, key, &session, surplus, now).await?;
            return Ok(true);
        }
        match app.world.scratch.get::<Session>(key, now).await? {
            Some(again) => read = again,
            None => return Ok(false),
        }
    }
}

/// What follows from a visit: too many logins end, and services that asked are told at a later time.
async fn keep_up(
    app: &App,
    key: &TokenHash,
    session: &Session,
    surplus: Vec<(GrantId, Timestamp)>,
    now: Timestamp,
) -> anyhow::Result<()> {
    for (grant, _) in &surplus {
        grant::revoke(app, grant, now).await?;
    }
    let watching = session.visits.iter().filter(|(_, visit)| visit.is_watching).map(|(id, _)| id.clone());
    let audience = session.audience(app, watching);
    if audience.services.is_empty() {
        return Ok(());
    }
    logout_notice::watch(app, key, &audience, session.ends_at(), now).await
}

/// A new session for a proof, under a new name. The browser's old one ends with it; if it was the same
/// person's, what it knew of visits goes along, and if it was another's, it is as if they had logged out. Whoever
/// hangs up does not stop it half-way.
pub async fn establish(
    call: &Call<'_>,
    new: &Token,
    proved: &Authentication,
    visit: (&AuthorizationRequest, &GrantId),
) -> anyhow::Result<Session> {
    let change = Change {
        app: call.app.clone(),
        old: call.browser.session.as_ref().map(Token::hash),
        new: new.hash(),
        proved: proved.clone(),
        request: visit.0.clone(),
        grant: visit.1.clone(),
        now: call.now,
    };
    let session = tokio::spawn(change.run()).await??;
    session_list::note(call, &session, &new.hash()).await?;
    Ok(session)
}

/// The change from a browser's old session to a new one.
struct Change {
    app: App,
    old: Option<TokenHash>,
    new: TokenHash,
    proved: Authentication,
    request: AuthorizationRequest,
    grant: GrantId,
    now: Timestamp,
}

impl Change {
    /// If it cannot be done, the old session is as it was.
    async fn run(self) -> anyhow::Result<Session> {
        let scratch = &self.app.world.scratch;
        let old = match &self.old {
            Some(key) => scratch.take::<Session>(key, self.now).await?,
            None => None,
        };
        let done = self.renew(old.clone()).await;
        if let (Err(_), Some(key), Some(old)) = (&done, &self.old, &old) {
            scratch.put(key, old, self.now).await?;
        }
        done
    }

    /// A session that does not go on in the new one.
    async fn end_of_another(&self, session: Session) -> anyhow::Result<()> {
        let (app, now) = (self.app.clone(), self.now);
        let notices = end(&app, &session, now).await?;
        tokio::spawn(async move { logout_notice::deliver(&app, notices, now).await });
        Ok(())
    }

    async fn renew(&self, old: Option<Session>) -> anyhow::Result<Session> {
        let (app, now, circle) = (&self.app, self.now, self.request.circle.clone());
        let old = match old {
            Some(whole) => {
                let mut left = whole.clone();
                // Nothing of it counts any more: it ends as another person's does.
                let counts = left.forget_what_was_signed_out(app).await?;
                if !counts {
                    self.end_of_another(whole).await?;
                }
                counts.then_some(left)
            }
            None => None,
        };
        let mut session = match old.filter(|old| old.is_alive(now)) {
            Some(mut old) if old.is_of(&self.proved) => {
                old.started_at =
                    if circle == Circle::Global { self.proved.at().max(old.started_at) } else { old.started_at };
                old.adopt(self.proved.clone(), circle);
                old.seen_at = now;
                old
            }
            other => {
                if let Some(others) = other {
                    self.end_of_another(others).await?;
                }
                let sid = app.world.chance.token()?.reveal().to_owned();
                Session::of(self.proved.clone(), circle, sid, now)
            }
        };
        let surplus = match app.client(&self.request.return_to.client).await? {
            Some(client) => session.note(&client, (&self.request, &self.grant), now),
            None => Vec::new(),
        };
        app.world.scratch.put(&self.new, &session, now).await?;
        keep_up(app, &self.new, &session, surplus, now).await?;
        Ok(session)
    }
}

/// A session that has ended.
pub struct Ended {
    /// What it was.
    pub session: Session,
    /// What its services are to be told.
    pub notices: Vec<Notice>,
}

/// Ends the session that is kept under `key`, if there is one. Of many who do so one gets it. If it cannot be
/// done, the session is as it was and can be ended again.
pub async fn close(app: &App, key: &TokenHash, now: Timestamp) -> anyhow::Result<Option<Ended>> {
    let scratch = &app.world.scratch;
    let Some(session) = scratch.take::<Session>(key, now).await? else { return Ok(None) };
    scratch.put(key, &Closed, now).await?;
    match end(app, &session, now).await {
        Ok(notices) => Ok(Some(Ended { session, notices })),
        Err(fault) => {
            scratch.put(key, &session, now).await?;
            scratch.take::<Closed>(key, now).await?;
            Err(fault)
        }
    }
}

/// That a session was ended, and did not run out.
#[derive(Serialize, Deserialize)]
struct Closed;

impl Kept for Closed {
    const KIND: &'static str = "session-closed";
    /// As long as anything of ours goes on that came of it.
    const FOR: Duration = Duration::from_hours(8);
}

/// Whether somebody has ended the session that was kept under `key`: what came of it is over as well.
pub async fn is_closed(app: &App, key: &TokenHash, now: Timestamp) -> anyhow::Result<bool> {
    Ok(app.world.scratch.get::<Closed>(key, now).await?.is_some())
}

/// Ends the tokens that served login alone, and queues what services are to be told.
async fn end(app: &App, session: &Session, now: Timestamp) -> anyhow::Result<Vec<Notice>> {
    refresh::end_logins_of(app, &session.sid, now).await?;
    let logins = session.visits.values().flat_map(|visit| &visit.logins);
    for (grant, _) in logins.filter(|(_, until)| *until > now) {
        grant::revoke(app, grant, now).await?;
    }
    let mut services = Vec::new();
    for id in session.services() {
        if app.client(id).await?.is_some_and(|client| client.registration.backchannel_logout_uri.is_some()) {
            services.push(id.clone());
        }
    }
    if services.is_empty() {
        return Ok(Vec::new());
    }
    logout_notice::queue(app, &session.audience(app, services.into_iter()), now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"sid":"s","proofs":[
        ["global",{"person":"p","fnr":"05895894984","acr":"idporten-loa-high","amr":"BankID","at":100,"names":{}}],
        [{"group":"helse"},{"person":"p","fnr":"05895894984","acr":"idporten-loa-low","amr":"TestID","at":90,"names":{}}]],
        "visits":{},"started_at":90,"seen_at":100}"#;

    #[test]
    fn a_session_from_before_it_knew_several_proofs_goes_on() {
        let mut session: Session = serde_json::from_str(OLD).unwrap();
        let proof = |acr: &str, at: i64| -> Authentication {
            let text = format!(r#"{{"person":"p","fnr":"05895894984","acr":"{acr}","amr":"x","at":{at}}}"#);
            serde_json::from_str(&text).unwrap()
        };
        let all = |session: &Session, circle: &Circle| -> Vec<(String, i64)> {
            let proofs = session.proofs_in(circle);
            proofs.map(|proof| (proof.acr().name().to_owned(), proof.at().seconds())).collect()
        };
        let named = |all: &[(&str, i64)]| all.iter().map(|(acr, at)| ((*acr).to_owned(), *at)).collect::<Vec<_>>();
        let (low, substantial, high) = ("idporten-loa-low", "idporten-loa-substantial", "idporten-loa-high");
        session.adopt(proof(substantial, 110), Circle::Global);
        assert_eq!(all(&session, &Circle::Global), named(&[(substantial, 110), (high, 100)]));
        session.adopt(proof(substantial, 120), Circle::Global);
        session.adopt(proof("eidas-loa-low", 125), Circle::Global);
        let expected = [("eidas-loa-low", 125), (substantial, 120), (high, 100)];
        assert_eq!(all(&session, &Circle::Global), named(&expected));
        session.adopt(proof(high, 130), Circle::Global);
        assert_eq!(all(&session, &Circle::Global), named(&[(high, 130), ("eidas-loa-low", 125)]));
        assert_eq!(all(&session, &Circle::Group("helse".to_owned())), named(&[(low, 90)]));
    }
}
