//! The state machines of codes, refresh tokens and sessions, against models of a few lines: whatever is done to
//! them in whatever order, both say the same.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{Answer, REDIRECT, TestClient, TestIdp, TestPerson, VERIFIER, unregistered};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::scopes::register;

const SCOPE: &str = "fjordvik:kart.read";
const LOGIN: &str = "openid profile";
const MORE: &str = "openid fjordvik:kart.read";
// Seconds: a code, an access token, a refresh token that nobody uses, and a grant.
const CODE: i64 = 60;
const ACCESS: i64 = 120;
const IDLE: i64 = 600;
const WHOLE: i64 = 7200;

/// Tells a story once for each of many random sequences, in one Porten.
fn for_all<S: Strategy, C>(
    steps: S,
    prepare: &impl AsyncFn(&TestIdp) -> anyhow::Result<C>,
    story: &impl AsyncFn(&TestIdp, &C, S::Value) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let idp = runtime.block_on(TestIdp::start())?;
    let prepared = runtime.block_on(prepare(&idp))?;
    let config = ProptestConfig { cases: 24, failure_persistence: None, max_shrink_iters: 400, ..Default::default() };
    let story = |steps| {
        let told = runtime.block_on(story(&idp, &prepared, steps));
        told.map_err(|why| TestCaseError::fail(format!("{why:#}")))
    };
    TestRunner::new(config).run(&steps, story).map_err(|failed| anyhow::anyhow!("{failed}"))
}

/// A service that may ask for more than a login, and gets refresh tokens.
async fn service(idp: &TestIdp, more: Value) -> anyhow::Result<TestClient> {
    let mut fields = json!({
        "scopes": ["openid", "profile", SCOPE], "integration_type": "api_klient",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    fields.as_object_mut().context("fields")?.extend(more.as_object().context("fields")?.clone());
    idp.client_with(fields).await
}

/// Somebody logs in without a page; the code that comes of it.
async fn log_in(
    idp: &TestIdp,
    browser: &mut Browser,
    who: &TestPerson,
    (client, scope): (&TestClient, &str),
) -> anyhow::Result<String> {
    let hint = format!("testid:{}_idporten-loa-substantial", who.fnr);
    browser.get(&idp.authorize(client, &[("login_hint", &hint), ("scope", scope)])).await?.sent_back("code")
}

async fn log_out(browser: &mut Browser) -> anyhow::Result<()> {
    browser.get("/logout").await?.answer(&[("do", "logout")]).await?;
    Ok(())
}

fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_default().to_owned()
}

fn is_refused(answer: &Answer) -> anyhow::Result<()> {
    ensure!(answer.status == StatusCode::BAD_REQUEST && answer.error()? == "invalid_grant", "{answer:?}");
    Ok(())
}

/// An access token is good exactly when the model says so.
async fn is_good(idp: &TestIdp, access: &str, good: bool) -> anyhow::Result<()> {
    let status = idp.userinfo(access).await?.status;
    ensure!(status == if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED }, "{status}, and not {good}");
    Ok(())
}

fn wait() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 0..5u64,
        3 => 5..70u64,
        2 => prop_oneof![Just(59u64), Just(60), Just(61), Just(119), Just(120), Just(599), Just(600), Just(601)],
        1 => 70..1900u64,
    ]
}

// --- codes ----------------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Right,
    AnotherClient,
    AnotherVerifier,
    NoVerifier,
    AnotherAddress,
}

#[derive(Debug, Clone)]
enum CodeStep {
    Issue,
    Redeem(Index, Manner),
    Refresh(Index),
    Wait(u64),
}

fn code_step() -> impl Strategy<Value = CodeStep> {
    let manner = prop_oneof![
        6 => Just(Manner::Right),
        1 => Just(Manner::AnotherClient),
        1 => Just(Manner::AnotherVerifier),
        1 => Just(Manner::NoVerifier),
        1 => Just(Manner::AnotherAddress),
    ];
    prop_oneof![
        3 => Just(CodeStep::Issue),
        6 => (any::<Index>(), manner).prop_map(|(which, manner)| CodeStep::Redeem(which, manner)),
        2 => any::<Index>().prop_map(CodeStep::Refresh),
        3 => wait().prop_map(CodeStep::Wait),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Alive,
    Dead,
    /// A code was used again so late that nobody has to remember it.
    Either,
}

struct Got {
    access: String,
    access_until: i64,
    refresh: String,
    refresh_until: i64,
    ends_at: i64,
    life: Life,
}

struct Code {
    code: String,
    /// Until when a use is noticed: as a first one, or as one more.
    noticed_until: i64,
    tried: bool,
    got: Option<Got>,
}

struct CodeWorld {
    client: TestClient,
    other: TestClient,
    asker: TestClient,
}

impl CodeWorld {
    async fn new(idp: &TestIdp) -> anyhow::Result<CodeWorld> {
        let asker = idp.client_with(json!({ "scopes": ["openid", "idporten:token.introspection"] })).await?;
        register(idp, SCOPE, json!({ "accessible_for_all": true, "enforced_aud_for_introspection": [asker.id] }))
            .await?;
        let (client, other) = (service(idp, json!({})).await?, service(idp, json!({})).await?);
        Ok(CodeWorld { client, other, asker })
    }

    async fn redeem(&self, idp: &TestIdp, code: &str, manner: Manner) -> anyhow::Result<Answer> {
        let caller = if manner == Manner::AnotherClient { &self.other } else { &self.client };
        let address = if manner == Manner::AnotherAddress { "https://a.test/other" } else { REDIRECT };
        let mut fields = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", address)];
        let verifier = VERIFIER.replace('x', "y");
        match manner {
            Manner::NoVerifier => {}
            Manner::AnotherVerifier => fields.push(("code_verifier", &verifier)),
            _ => fields.push(("code_verifier", VERIFIER)),
        }
        idp.token(caller, &fields).await
    }

    /// What came of a code is good everywhere or nowhere.
    async fn look(&self, idp: &TestIdp, code: &Code) -> anyhow::Result<()> {
        let Some(got) = &code.got else { return Ok(()) };
        if got.life == Life::Either {
            return Ok(());
        }
        let good = got.life == Life::Alive && idp.now().seconds() < got.access_until;
        is_good(idp, &got.access, good).await?;
        let said = idp.post_as(&self.asker, "/token/introspect", &[("token", &got.access)]).await?.json()?;
        ensure!(said["active"] == good, "introspection: {said}, and not {good}");
        Ok(())
    }
}

/// One success at most, and none after any wrong try; a second use takes along what came of the first.
async fn try_code(idp: &TestIdp, world: &CodeWorld, code: &mut Code, manner: Manner) -> anyhow::Result<()> {
    let now = idp.now().seconds();
    let answer = world.redeem(idp, &code.code, manner).await?;
    let (in_time, first) = (now < code.noticed_until, !code.tried);
    if first && in_time && manner == Manner::Right {
        ensure!(answer.status == StatusCode::OK, "{answer:?}");
        let tokens = answer.json()?;
        code.got = Some(Got {
            access: text(&tokens, "access_token"),
            access_until: now + ACCESS,
            refresh: text(&tokens, "refresh_token"),
            refresh_until: now + IDLE,
            ends_at: now + WHOLE,
            life: Life::Alive,
        });
    } else {
        is_refused(&answer)?;
        if let Some(got) = &mut code.got {
            got.life = match got.life {
                Life::Alive if in_time => Life::Dead,
                Life::Alive => Life::Either,
                known => known,
            };
        }
    }
    if in_time {
        code.noticed_until = now + CODE;
    }
    code.tried = true;
    Ok(())
}

async fn refresh_code(idp: &TestIdp, world: &CodeWorld, code: &mut Code) -> anyhow::Result<()> {
    let now = idp.now().seconds();
    let Some(got) = code.got.as_mut().filter(|got| got.life != Life::Either) else { return Ok(()) };
    let answer = idp.refresh(&world.client, &got.refresh).await?;
    if got.life == Life::Dead || now >= got.refresh_until || now >= got.ends_at {
        return is_refused(&answer);
    }
    ensure!(answer.status == StatusCode::OK, "{answer:?}");
    let tokens = answer.json()?;
    (got.access, got.access_until) = (text(&tokens, "access_token"), now + ACCESS);
    (got.refresh, got.refresh_until) = (text(&tokens, "refresh_token"), (now + IDLE).min(got.ends_at));
    Ok(())
}

#[test]
fn a_code_is_good_once_whatever_is_tried() -> anyhow::Result<()> {
    let steps = prop::collection::vec(code_step(), 20..60);
    for_all(steps, &CodeWorld::new, &async |idp, world, steps| {
        let (kari, mut browser, mut codes) = (unregistered()?, idp.browser(), Vec::new());
        for step in steps {
            match step {
                CodeStep::Issue => {
                    let code = log_in(idp, &mut browser, &kari, (&world.client, MORE)).await?;
                    let noticed_until = idp.now().seconds() + CODE;
                    codes.push(Code { code, noticed_until, tried: false, got: None });
                }
                CodeStep::Wait(seconds) => idp.advance(Duration::from_secs(seconds)),
                _ if codes.is_empty() => {}
                CodeStep::Redeem(which, manner) => {
                    let code = which.get_mut(&mut codes);
                    try_code(idp, world, code, manner).await?;
                    world.look(idp, code).await?;
                }
                CodeStep::Refresh(which) => {
                    let code = which.get_mut(&mut codes);
                    refresh_code(idp, world, code).await?;
                    world.look(idp, code).await?;
                }
            }
        }
        for code in &mut codes {
            world.look(idp, code).await?;
            refresh_code(idp, world, code).await?;
        }
        Ok(())
    })
}

// --- refresh tokens -------------------------------------------------------------------------------------------------

#[derive(Debug, Clone)]
enum RefreshStep {
    LogIn {
        client: usize,
        scope: &'static str,
    },
    /// Any token that was ever issued.
    Use {
        token: Index,
        client: Option<usize>,
    },
    Look(Index),
    RevokeByRefresh {
        token: Index,
        client: Option<usize>,
    },
    RevokeByAccess {
        token: Index,
        client: Option<usize>,
    },
    LogOut,
    Wait(u64),
}

/// Mostly its own client, sometimes whichever.
fn caller() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![9 => Just(None), 1 => (0..2usize).prop_map(Some)]
}

fn refresh_step() -> impl Strategy<Value = RefreshStep> {
    // The latest tokens are the likeliest to be used.
    let login = (0..2usize, prop_oneof![Just(LOGIN), Just(MORE)]);
    prop_oneof![
        3 => login.prop_map(|(client, scope)| RefreshStep::LogIn { client, scope }),
        20 => (any::<Index>(), caller()).prop_map(|(token, client)| RefreshStep::Use { token, client }),
        4 => any::<Index>().prop_map(RefreshStep::Look),
        1 => (any::<Index>(), caller()).prop_map(|(token, client)| RefreshStep::RevokeByRefresh { token, client }),
        1 => (any::<Index>(), caller()).prop_map(|(token, client)| RefreshStep::RevokeByAccess { token, client }),
        1 => Just(RefreshStep::LogOut),
        6 => wait().prop_map(RefreshStep::Wait),
    ]
}

struct Family {
    client: usize,
    session: usize,
    login_only: bool,
    ends_at: i64,
    ended: bool,
}

struct RefreshToken {
    token: String,
    family: usize,
    parent: Option<usize>,
    expires_at: i64,
    /// The first of its successors that was used.
    chosen: Option<usize>,
    access: String,
    access_until: i64,
}

/// The session as far as families need it: when it began and when it was seen, and how many there were.
#[derive(Default)]
struct Sitting {
    number: usize,
    times: Option<(i64, i64)>,
}

impl Sitting {
    fn is_alive(&self, now: i64) -> bool {
        self.times.is_some_and(|(began, seen)| now < began + 7200 && now < seen + 1800)
    }

    fn log_in(&mut self, now: i64) {
        self.number += usize::from(!self.is_alive(now));
        self.times = Some((now, now));
    }
}

#[derive(Default)]
struct Families {
    families: Vec<Family>,
    tokens: Vec<RefreshToken>,
    sitting: Sitting,
}

impl Families {
    fn add(&mut self, tokens: &Value, family: usize, parent: Option<usize>, now: i64) -> anyhow::Result<()> {
        let expires_at = (now + IDLE).min(self.families[family].ends_at);
        ensure!(tokens["refresh_token_expires_in"] == expires_at - now, "{tokens}");
        let (token, access) = (text(tokens, "refresh_token"), text(tokens, "access_token"));
        ensure!(self.tokens.iter().all(|known| known.token != token), "a token twice");
        let access_until = now + ACCESS;
        self.tokens.push(RefreshToken { token, family, parent, expires_at, chosen: None, access, access_until });
        Ok(())
    }

    /// Whether a token gets a successor. A replayed one is forgiven while none of its successors has been used, the
    /// first that is used is the only one, and anything else ends the family.
    fn judge(&mut self, which: usize, client: usize, now: i64) -> bool {
        let (family, parent) = (self.tokens[which].family, self.tokens[which].parent);
        let owner = &mut self.families[family];
        if owner.client != client || owner.ended || now >= owner.ends_at {
            return false;
        }
        let is_passed_over = parent.is_some_and(|it| self.tokens[it].chosen.is_some_and(|chosen| chosen != which));
        if self.tokens[which].chosen.is_some() || is_passed_over {
            owner.ended = true;
            return false;
        }
        if now >= self.tokens[which].expires_at {
            return false;
        }
        if let Some(parent) = parent {
            self.tokens[parent].chosen = Some(which);
        }
        true
    }

    fn is_good(&self, which: usize, now: i64) -> bool {
        let token = &self.tokens[which];
        now < token.access_until && !self.families[token.family].ended
    }

    fn owner(&self, which: usize) -> usize {
        self.families[self.tokens[which].family].client
    }

    fn log_out(&mut self) {
        let session = self.sitting.number;
        for family in self.families.iter_mut().filter(|family| family.session == session && family.login_only) {
            family.ended = true;
        }
        self.sitting.times = None;
    }
}

/// Revokes by one of the tokens, and says so to the model.
async fn revoke(
    idp: &TestIdp,
    clients: &[TestClient],
    model: &mut Families,
    (which, by_access, caller): (usize, bool, Option<usize>),
) -> anyhow::Result<()> {
    let (owner, family) = (model.owner(which), model.tokens[which].family);
    let caller = caller.unwrap_or(owner);
    let found = match by_access {
        true => model.is_good(which, idp.now().seconds()),
        false => !model.families[family].ended,
    };
    let token = if by_access { &model.tokens[which].access } else { &model.tokens[which].token };
    let answer = idp.post_as(&clients[caller], "/token/revoke", &[("token", token)]).await?;
    let expected = if found && caller != owner { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    ensure!(answer.status == expected, "{answer:?}");
    model.families[family].ended |= found && caller == owner;
    Ok(())
}

async fn use_token(
    idp: &TestIdp,
    clients: &[TestClient],
    model: &mut Families,
    (which, caller): (usize, Option<usize>),
) -> anyhow::Result<()> {
    let (now, caller) = (idp.now().seconds(), caller.unwrap_or(model.owner(which)));
    let answer = idp.refresh(&clients[caller], &model.tokens[which].token).await?;
    match model.judge(which, caller, now) {
        false => is_refused(&answer).with_context(|| format!("token {which}")),
        true => {
            ensure!(answer.status == StatusCode::OK, "token {which}: {answer:?}");
            model.add(&answer.json()?, model.tokens[which].family, Some(which), now)
        }
    }
}

#[test]
fn a_refresh_token_has_one_line_of_successors_whatever_is_tried() -> anyhow::Result<()> {
    let steps = prop::collection::vec(refresh_step(), 40..110);
    let prepare = async |idp: &TestIdp| Ok([service(idp, json!({})).await?, service(idp, json!({})).await?]);
    for_all(steps, &prepare, &async |idp, clients, steps| {
        let (kari, mut browser, mut model) = (unregistered()?, idp.browser(), Families::default());
        for step in steps {
            let (now, count) = (idp.now().seconds(), model.tokens.len());
            match step {
                RefreshStep::LogIn { client, scope } => {
                    let code = log_in(idp, &mut browser, &kari, (&clients[client], scope)).await?;
                    let tokens = idp.redeem(&clients[client], &code).await?.json()?;
                    model.sitting.log_in(now);
                    let (session, login_only) = (model.sitting.number, scope == LOGIN);
                    model.families.push(Family { client, session, login_only, ends_at: now + WHOLE, ended: false });
                    model.add(&tokens, model.families.len() - 1, None, now)?;
                }
                RefreshStep::Wait(seconds) => idp.advance(Duration::from_secs(seconds)),
                _ if count == 0 => {}
                RefreshStep::LogOut if model.sitting.is_alive(now) => {
                    log_out(&mut browser).await?;
                    model.log_out();
                }
                RefreshStep::LogOut => {}
                RefreshStep::Use { token, client } => {
                    // Of all that was ever issued, but the latest most often.
                    let which = count - 1 - token.index(count) * token.index(count) / count;
                    use_token(idp, clients, &mut model, (which, client)).await?;
                }
                RefreshStep::Look(token) => {
                    let which = token.index(count);
                    is_good(idp, &model.tokens[which].access, model.is_good(which, now)).await?;
                }
                RefreshStep::RevokeByRefresh { token, client } => {
                    revoke(idp, clients, &mut model, (token.index(count), false, client)).await?;
                }
                RefreshStep::RevokeByAccess { token, client } => {
                    revoke(idp, clients, &mut model, (token.index(count), true, client)).await?;
                }
            }
        }
        for which in 0..model.tokens.len() {
            is_good(idp, &model.tokens[which].access, model.is_good(which, idp.now().seconds())).await?;
            use_token(idp, clients, &mut model, (which, None)).await?;
        }
        Ok(())
    })
}

// --- sessions and circles -------------------------------------------------------------------------------------------

/// Services, and the circle of each.
const SERVICES: [(&str, &str); 7] = [
    ("all", "{}"),
    ("all", r#"{ "sso_mode": "global" }"#),
    ("alone", r#"{ "sso_mode": "isolated" }"#),
    ("alone too", r#"{ "sso_disabled": true }"#),
    ("helse", r#"{ "sso_mode": "limited", "sso_group": "helse" }"#),
    ("helse", r#"{ "sso_mode": "limited", "sso_group": "helse" }"#),
    ("skatt", r#"{ "sso_mode": "limited", "sso_group": "skatt" }"#),
];

#[derive(Debug, Clone)]
enum SessionStep {
    /// Without a page: whether a login is needed.
    Visit {
        service: usize,
        scope: &'static str,
    },
    LogIn {
        service: usize,
        scope: &'static str,
        person: usize,
    },
    Redeem(Index),
    Refresh(Index),
    Look(Index),
    LogOut,
    Wait(u64),
}

fn session_step() -> impl Strategy<Value = SessionStep> {
    let place = || (0..SERVICES.len(), prop_oneof![Just(LOGIN), Just(MORE)]);
    let person = prop_oneof![9 => Just(0usize), 1 => Just(1usize)];
    prop_oneof![
        10 => place().prop_map(|(service, scope)| SessionStep::Visit { service, scope }),
        4 => (place(), person)
            .prop_map(|((service, scope), person)| SessionStep::LogIn { service, scope, person }),
        8 => any::<Index>().prop_map(SessionStep::Redeem),
        3 => any::<Index>().prop_map(SessionStep::Refresh),
        6 => any::<Index>().prop_map(SessionStep::Look),
        1 => Just(SessionStep::LogOut),
        5 => prop_oneof![8 => wait(), 1 => Just(1799u64), 1 => Just(1800u64), 1 => 1000..4000u64]
            .prop_map(SessionStep::Wait),
    ]
}

struct Held {
    person: usize,
    number: usize,
    began: i64,
    seen: i64,
    proofs: BTreeMap<&'static str, i64>,
}

impl Held {
    fn is_alive(&self, now: i64) -> bool {
        now < self.began + 7200 && now < self.seen + 1800
    }
}

struct Granted {
    service: usize,
    session: usize,
    login_only: bool,
    dead: bool,
    code: String,
    code_until: i64,
    tokens: Option<(String, i64, String, i64, i64)>,
}

#[derive(Default)]
struct Citizen {
    session: Option<Held>,
    sessions: usize,
    granted: Vec<Granted>,
}

impl Citizen {
    /// What served login alone ends with its session, and nothing else does.
    fn end(&mut self) {
        let Some(session) = self.session.take() else { return };
        let mine = self.granted.iter_mut().filter(|grant| grant.session == session.number);
        mine.filter(|grant| grant.login_only).for_each(|grant| grant.dead = true);
    }

    fn log_in(&mut self, service: usize, person: usize, now: i64) {
        let circle = SERVICES[service].0;
        match &mut self.session {
            Some(held) if held.is_alive(now) && held.person == person => {
                // The shared proof opens the session anew; a circle's own makes it no longer.
                held.began = if circle == "all" { now } else { held.began };
                held.seen = now;
                held.proofs.insert(circle, now);
                return;
            }
            Some(held) if held.is_alive(now) => self.end(),
            _ => {}
        }
        self.sessions += 1;
        let proofs = BTreeMap::from([(circle, now)]);
        self.session = Some(Held { person, number: self.sessions, began: now, seen: now, proofs });
    }

    /// Whether a visit is let in without a login.
    fn visit(&mut self, service: usize, now: i64) -> bool {
        let circle = SERVICES[service].0;
        let held = self.session.as_mut().filter(|held| held.is_alive(now));
        let Some(held) = held.filter(|held| held.proofs.get(circle).is_some_and(|at| now < at + 7200)) else {
            return false;
        };
        held.seen = now;
        true
    }

    fn grant(&mut self, service: usize, scope: &str, code: String, now: i64) {
        let session = self.session.as_ref().map(|held| held.number).unwrap_or_default();
        let (login_only, code_until) = (scope == LOGIN, now + CODE);
        self.granted.push(Granted { service, session, login_only, dead: false, code, code_until, tokens: None });
    }
}

async fn redeem_granted(idp: &TestIdp, clients: &[TestClient], grant: &mut Granted) -> anyhow::Result<()> {
    let now = idp.now().seconds();
    if grant.tokens.is_some() || grant.code.is_empty() {
        return Ok(());
    }
    let code = std::mem::take(&mut grant.code);
    let answer = idp.redeem(&clients[grant.service], &code).await?;
    if grant.dead || now >= grant.code_until {
        return is_refused(&answer);
    }
    ensure!(answer.status == StatusCode::OK, "{answer:?}");
    let tokens = answer.json()?;
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    grant.tokens = Some((access, now + ACCESS, refresh, now + IDLE, now + WHOLE));
    Ok(())
}

async fn refresh_granted(idp: &TestIdp, clients: &[TestClient], grant: &mut Granted) -> anyhow::Result<()> {
    let now = idp.now().seconds();
    let Some((access, access_until, refresh, refresh_until, ends_at)) = &mut grant.tokens else { return Ok(()) };
    let answer = idp.refresh(&clients[grant.service], refresh).await?;
    if grant.dead || now >= *refresh_until {
        return is_refused(&answer);
    }
    ensure!(answer.status == StatusCode::OK, "{answer:?}");
    let tokens = answer.json()?;
    (*access, *access_until) = (text(&tokens, "access_token"), now + ACCESS);
    (*refresh, *refresh_until) = (text(&tokens, "refresh_token"), (now + IDLE).min(*ends_at));
    Ok(())
}

async fn look_at_granted(idp: &TestIdp, grant: &Granted) -> anyhow::Result<()> {
    let Some((access, until, ..)) = &grant.tokens else { return Ok(()) };
    is_good(idp, access, !grant.dead && idp.now().seconds() < *until).await
}

#[test]
fn a_session_is_its_circles_and_ends_what_served_login_alone() -> anyhow::Result<()> {
    let prepare = async |idp: &TestIdp| {
        let mut clients = Vec::new();
        for (_, fields) in SERVICES {
            clients.push(service(idp, serde_json::from_str(fields)?).await?);
        }
        Ok(clients)
    };
    let steps = prop::collection::vec(session_step(), 40..90);
    for_all(steps, &prepare, &async |idp, clients, steps| {
        let (people, mut browser, mut model) = ([unregistered()?, unregistered()?], idp.browser(), Citizen::default());
        for step in steps {
            let (now, count) = (idp.now().seconds(), model.granted.len());
            match step {
                SessionStep::Visit { service, scope } => {
                    browser.get(&idp.authorize(&clients[service], &[("prompt", "none"), ("scope", scope)])).await?;
                    match model.visit(service, now) {
                        true => model.grant(service, scope, browser.sent_back("code")?, now),
                        false => ensure!(browser.sent_back("error")? == "login_required", "{}", browser.at),
                    }
                }
                SessionStep::LogIn { service, scope, person } => {
                    let code = log_in(idp, &mut browser, &people[person], (&clients[service], scope)).await?;
                    model.log_in(service, person, now);
                    model.grant(service, scope, code, now);
                }
                SessionStep::LogOut if model.session.as_ref().is_some_and(|held| held.is_alive(now)) => {
                    log_out(&mut browser).await?;
                    model.end();
                    for grant in &model.granted {
                        look_at_granted(idp, grant).await?;
                    }
                }
                SessionStep::LogOut => {}
                SessionStep::Wait(seconds) => idp.advance(Duration::from_secs(seconds)),
                _ if count == 0 => {}
                SessionStep::Redeem(which) => {
                    // The latest of those that have not been redeemed.
                    let which = count - 1 - which.index(count.min(4));
                    redeem_granted(idp, clients, &mut model.granted[which]).await?;
                }
                SessionStep::Refresh(which) => {
                    refresh_granted(idp, clients, which.get_mut(&mut model.granted)).await?;
                }
                SessionStep::Look(which) => look_at_granted(idp, which.get(&model.granted)).await?,
            }
        }
        for grant in &mut model.granted {
            look_at_granted(idp, grant).await?;
            redeem_granted(idp, clients, grant).await?;
            refresh_granted(idp, clients, grant).await?;
        }
        Ok(())
    })
}
