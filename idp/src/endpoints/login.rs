//! `/login/{client}/{id}`: the steps of a login, all at one address.
//!
//! Whatever a back button, a reload or a double click sends, the answer is where the login stands now, or the
//! way back to the service.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::contact;
use authenticators::factor::{CodeVerdict, FactorKind, FirstFactor, PasswordVerdict};
use authenticators::otc::{self, Sending};
use authenticators::person::{Fnr, FnrProblem, Person};
use authenticators::prove;
use authenticators::scratch::Read;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::acr::{Acr, Eid};
use crate::app::App;
use crate::browser::{self, Browser, Call, CookieName};
use crate::claims;
use crate::consent;
use crate::error::{DeadKind, OAuthError, Refusal};
use crate::finish;
use crate::flow::{self, Authentication, Decision, LoginAttempt, Remark, Step};
use crate::grant::GrantId;
use crate::page;
use crate::params::Params;
use crate::session::{self, Session};
use crate::steps::{self, Place, Problems};

/// How long after the proof the second of a double click may come.
const REPLAY: Duration = Duration::from_mins(1);
/// Passwords from one address in [`ADDRESS_WINDOW`]; a school's pupils share one.
const PER_ADDRESS: i64 = 300;
const ADDRESS_WINDOW: Duration = Duration::from_mins(10);

/// A login, and what is known of the request that concerns it.
struct Turn<'a> {
    call: Call<'a>,
    place: Place,
    read: Read<LoginAttempt>,
    form: Params,
}

/// `GET /login/{client}/{id}`
pub async fn show(
    State(app): State<App>,
    browser: Browser,
    Path((client, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    let (place, read) = steps::find(&call, (&client, &id)).await?;
    let turn = Turn { call, place, read, form: Params::default() };
    match turn.attempt().step {
        Step::Finished => turn.again().await,
        _ => turn.page(&Problems::default()).await,
    }
}

/// `POST /login/{client}/{id}`
pub async fn answer(
    State(app): State<App>,
    browser: Browser,
    Path((client, id)): Path<(String, String)>,
    form: Params,
) -> Result<Response, Refusal> {
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    let (place, read) = steps::find(&call, (&client, &id)).await?;
    if !browser.has_sent(place.id.reveal(), form.field("csrf")) {
        return Err(place.dead(StatusCode::FORBIDDEN, DeadKind::Csrf));
    }
    let turn = Turn { call, place, read, form };
    if turn.wants("cancel") && turn.attempt().step != Step::Finished {
        let error = OAuthError::access_denied("The citizen turned back.");
        return Err(turn.attempt().request.end_with(&app, error, call.now).await);
    }
    match turn.attempt().step {
        Step::ChooseEid => turn.choose_eid().await,
        Step::Password => turn.password().await,
        Step::Code => turn.code().await,
        Step::Method => turn.method().await,
        Step::TestId => turn.test_id().await,
        Step::Consent => turn.consent().await,
        Step::Stopped(_) => turn.stopped().await,
        Step::Finished => turn.twice().await,
    }
}

impl Turn<'_> {
    fn attempt(&self) -> &LoginAttempt {
        &self.read.value
    }

    fn wants(&self, what: &str) -> bool {
        self.form.field("do") == Some(what)
    }

    async fn page(&self, problems: &Problems) -> Result<Response, Refusal> {
        steps::show(&self.call, &self.place, self.attempt(), problems).await
    }

    /// To where the login stands, whoever has moved it.
    fn onwards(&self) -> Response {
        page::see_other(&self.place.path())
    }

    /// Writes the login down and goes on. If a double click came first, so be it: it goes on from there.
    async fn go(&self, to: LoginAttempt) -> Result<Response, Refusal> {
        steps::write(&self.call, &self.place, &self.read, &to).await?;
        Ok(self.onwards())
    }

    async fn choose_eid(&self) -> Result<Response, Refusal> {
        let chosen = self.form.field("eid").and_then(Eid::parse);
        let offered = self.call.app.offered(&self.attempt().request.acr);
        match chosen.filter(|eid| offered.contains(eid)) {
            Some(eid) => self.go(self.attempt().at(flow::step_of(eid))).await,
            None => Ok(self.onwards()),
        }
    }

    /// Back to the picker, or what stands in its place where there is one eID.
    async fn other_eid(&self) -> Result<Response, Refusal> {
        let step = steps::first_step(self.call.app, &self.attempt().request)?;
        self.go(LoginAttempt { step, proved: None, ..self.attempt().from_the_password() }).await
    }

    async fn password(&self) -> Result<Response, Refusal> {
        if self.wants("back") {
            return self.other_eid().await;
        }
        let (typed, password) = (self.form.field("fnr").unwrap_or_default(), self.form.field("password"));
        if !self.wants("next") {
            return Ok(self.onwards());
        }
        let mut problems = Problems { typed: typed.chars().take(40).collect(), ..Problems::default() };
        let fnr =
            Fnr::parse(typed, self.call.app.config.people).map_err(|problem| problems.fnr = Some(fnr_problem(problem)));
        if password.is_none() {
            problems.password = Some("problem-password-empty");
        }
        let (Ok(fnr), Some(password)) = (fnr, password) else { return self.page(&problems).await };
        if self.too_many_from_here().await? {
            problems.form = Some("problem-too-many");
            problems.status = Some(StatusCode::TOO_MANY_REQUESTS);
            return Ok(retry_after(self.page(&problems).await?, ADDRESS_WINDOW));
        }
        let known = self.call.browser.known.as_ref().map(Token::hash);
        match prove::password(&self.call.app.world, &fnr, password, known.as_ref(), self.call.now).await? {
            PasswordVerdict::Proved(first) => self.send_code(first).await,
            PasswordVerdict::Stopped(stop) => self.go(self.attempt().at(Step::Stopped(stop))).await,
            PasswordVerdict::Wrong => {
                problems.form = Some("problem-wrong-password");
                self.page(&problems).await
            }
            PasswordVerdict::Busy => {
                problems.form = Some("problem-busy");
                problems.status = Some(StatusCode::SERVICE_UNAVAILABLE);
                Ok(retry_after(self.page(&problems).await?, Duration::from_secs(5)))
            }
        }
    }

    async fn too_many_from_here(&self) -> anyhow::Result<bool> {
        // Whoever has one IPv6 address has the 64 bits behind the prefix.
        let from = match self.call.browser.address {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).to_string(),
            IpAddr::V4(address) => address.to_string(),
        };
        let name = format!("passwords from {}", TokenHash::of(&from).as_str());
        Ok(self.call.app.world.scratch.count(&name, ADDRESS_WINDOW, self.call.now).await? > PER_ADDRESS)
    }

    /// Sends a code to the telephone of somebody who has given the right password, and goes on to its page. A new
    /// code in the same login brings no new tries.
    async fn send_code(&self, first: FirstFactor) -> Result<Response, Refusal> {
        let mobile = contact::mobile(self.call.app.world.db.pool(), &first.person).await?;
        let Some(mobile) = mobile else {
            return self.go(self.attempt().at(Step::Stopped(authenticators::factor::Stop::NoSecondFactor))).await;
        };
        let text = page::text_for(self.call.app, self.call.browser, self.attempt().request.return_to.language);
        let host = self.call.app.config.issuer.host().to_owned();
        // The last line is WebOTP's: browsers offer the code on this site alone.
        let words = |code: &str| format!("{}\n\n@{host} #{code}", text.with("sms-code", "code", code));
        let earlier = self.attempt().code.as_ref();
        let next = LoginAttempt { first: Some(first), phone: mobile.masked(), ..self.attempt().at(Step::Code) };
        let next = match otc::send(&self.call.app.world, &mobile, words, self.call.now).await? {
            Sending::Sent(code) => {
                let code = Some(code.after(earlier));
                let next = LoginAttempt { code, ..next };
                if earlier.is_some() { next.saying(Remark::SentAgain) } else { next }
            }
            Sending::TooMany => next.saying(Remark::SmsTooMany),
            Sending::Failed => next.saying(Remark::SmsFailed),
        };
        self.go(next).await
    }

    async fn code(&self) -> Result<Response, Refusal> {
        let attempt = self.attempt();
        let Some(first) = attempt.first.clone() else { return self.go(attempt.from_the_password()).await };
        if self.wants("resend") {
            return match &attempt.code {
                Some(code) if !code.wait(self.call.now).is_zero() => self.go(attempt.saying(Remark::TooSoon)).await,
                _ => self.send_code(first).await,
            };
        }
        if self.wants("extend") {
            let code = attempt.code.clone().map(|code| code.extended(self.call.now));
            return self.go(LoginAttempt { code, ..attempt.saying(Remark::MoreTime) }).await;
        }
        if self.wants("method") {
            return self.go(attempt.at(Step::Method)).await;
        }
        let Some(typed) = self.form.field("code").or(self.wants("next").then_some("")) else {
            return Ok(self.onwards());
        };
        let typed: String = typed.chars().filter(|c| !c.is_whitespace()).take(20).collect();
        let problem = |code| Problems { code: Some(code), ..Problems::default() };
        if typed.is_empty() && self.wants("next") {
            return self.page(&problem("problem-code-empty")).await;
        }
        if typed.len() != otc::LENGTH || !typed.bytes().all(|b| b.is_ascii_digit()) {
            return self.page(&problem("problem-code-digits")).await;
        }
        match attempt.code.as_ref().filter(|code| code.valid_until() > self.call.now) {
            Some(_) => self.check(&typed).await,
            None => self.page(&problem("problem-code-expired")).await,
        }
    }

    /// Reserve, verify, settle: the try is written down before the code is compared, and of many who come with
    /// the right one at the same instant one goes through.
    async fn check(&self, typed: &str) -> Result<Response, Refusal> {
        let (app, now) = (self.call.app, self.call.now);
        let Some(reserved) = self.reserve().await? else { return self.twice_or_onwards(typed).await };
        let (Some(first), Some(code)) = (reserved.value.first.clone(), reserved.value.code.clone()) else {
            return Ok(self.onwards());
        };
        match prove::code(&app.world, &first, &code, typed, now).await? {
            CodeVerdict::Proved => {
                let Some(proved) = Authentication::by_minid(first.clone(), FactorKind::Otc, now) else {
                    return Ok(self.onwards());
                };
                let known = self.call.browser.known.clone().map_or_else(|| app.world.chance.token(), Ok)?;
                let Some(mut response) = self.end(&reserved, proved).await? else {
                    return self.twice_or_onwards(typed).await;
                };
                prove::carried_through(&app.world, &first, &known.hash(), now).await?;
                browser::set(app, response.headers_mut(), CookieName::Known, known.reveal());
                Ok(response)
            }
            CodeVerdict::Stopped(stop) => {
                steps::write(&self.call, &self.place, &reserved, &reserved.value.at(Step::Stopped(stop))).await?;
                Ok(self.onwards())
            }
            CodeVerdict::Wrong if code.left() == 0 => {
                steps::write(&self.call, &self.place, &reserved, &reserved.value.used_up()).await?;
                Ok(self.onwards())
            }
            CodeVerdict::Wrong => {
                let key = if code.left() == 1 { "problem-code-wrong-last" } else { "problem-code-wrong" };
                self.page(&Problems { code: Some(key), ..Problems::default() }).await
            }
        }
    }

    /// Writes one try down. None if there is none left, or the login has moved on meanwhile.
    async fn reserve(&self) -> Result<Option<Read<LoginAttempt>>, Refusal> {
        let path = (self.place.client.id.as_str(), self.place.id.reveal());
        let mut read = steps::find(&self.call, path).await?.1;
        loop {
            let code = read.value.code.clone().filter(|_| read.value.step == Step::Code);
            let Some(code) = code.and_then(otc::OtcChallenge::tried) else { return Ok(None) };
            let tried = LoginAttempt { code: Some(code), remark: None, ..read.value.clone() };
            if steps::write(&self.call, &self.place, &read, &tried).await? {
                // Read back, for the writes to come compare with it.
                return Ok(Some(steps::find(&self.call, path).await?.1));
            }
            read = steps::find(&self.call, path).await?.1;
        }
    }

    /// Ends the login, or asks for agreement first. None if somebody else has ended it.
    async fn end(&self, read: &Read<LoginAttempt>, proved: Authentication) -> Result<Option<Response>, Refusal> {
        let agreed = consent::agreed(self.call.app, &read.value.request, Some(&proved)).await?;
        let next = read.value.proved(proved.clone(), &agreed);
        let token = self.call.app.world.chance.token()?;
        if next.step == Step::Consent {
            // The proof is worth something in this browser's session alone, while the citizen thinks.
            if !steps::write(&self.call, &self.place, read, &next).await? {
                return Ok(None);
            }
            let visit = (&next.request, &GrantId::fresh(self.call.app)?);
            session::establish(&self.call, &token, &proved, visit).await?;
            let mut response = self.onwards();
            browser::set(self.call.app, response.headers_mut(), CookieName::Session, token.reveal());
            return Ok(Some(response));
        }
        if !steps::write(&self.call, &self.place, read, &next.finished(token.hash())).await? {
            return Ok(None);
        }
        let request = &self.attempt().request;
        finish::login(&self.call, request, proved, &token).await.map(Some)
    }

    async fn method(&self) -> Result<Response, Refusal> {
        if self.wants("eid") {
            return self.other_eid().await;
        }
        let attempt = self.attempt();
        match (self.form.field("method"), &attempt.first, &attempt.code) {
            (Some("otc"), Some(first), None) => self.send_code(first.clone()).await,
            (Some("otc"), Some(_), Some(_)) => self.go(attempt.at(Step::Code)).await,
            _ if self.wants("back") => self.go(attempt.at(Step::Code)).await,
            _ => Ok(self.onwards()),
        }
    }

    async fn test_id(&self) -> Result<Response, Refusal> {
        if self.wants("back") {
            return self.other_eid().await;
        }
        if !self.wants("next") {
            return Ok(self.onwards());
        }
        let typed = self.form.field("fnr").unwrap_or_default();
        let mut problems = Problems { typed: typed.chars().take(40).collect(), ..Problems::default() };
        let fnr =
            Fnr::parse(typed, self.call.app.config.people).map_err(|problem| problems.fnr = Some(fnr_problem(problem)));
        let offered = Eid::TestId.levels(&self.attempt().request.acr);
        let acr = self.form.field("acr").and_then(Acr::parse).filter(|acr| offered.contains(acr));
        if acr.is_none() {
            problems.level = Some("problem-level-empty");
        }
        let (Ok(fnr), Some(acr)) = (fnr, acr) else { return self.page(&problems).await };
        let person = Person::ensure(&self.call.app.world.db, &self.call.app.world.chance, &fnr, self.call.now).await?;
        let proved = Authentication::by_test_id(person, acr, self.call.now);
        let ended = self.end(&self.read, proved).await?;
        Ok(ended.unwrap_or_else(|| self.onwards()))
    }

    async fn consent(&self) -> Result<Response, Refusal> {
        let attempt = self.attempt();
        let Some(proved) = attempt.proved.clone().filter(|_| self.wants("next")) else { return Ok(self.onwards()) };
        // Logged out, or too long ago: the proof is worth nothing any more.
        let session = session::find(self.call.app, self.call.browser, self.call.now).await?;
        if !session.is_some_and(|read| read.value.proofs().any(|own| *own == proved)) {
            return self.other_eid().await;
        }
        let token = self.call.app.world.chance.token()?;
        if !steps::write(&self.call, &self.place, &self.read, &attempt.finished(token.hash())).await? {
            return Ok(self.onwards());
        }
        consent::give(self.call.app, &attempt.request, proved.person(), self.call.now).await?;
        finish::login(&self.call, &attempt.request, proved, &token).await
    }

    async fn stopped(&self) -> Result<Response, Refusal> {
        if self.wants("eid") { self.other_eid().await } else { Ok(self.onwards()) }
    }

    /// A login that is over is asked for again: back button, reload, bookmark. In the session that it ended in,
    /// the service gets a fresh code; elsewhere the same request starts afresh.
    async fn again(&self) -> Result<Response, Refusal> {
        let (app, now, request) = (self.call.app, self.call.now, self.attempt().request.clone());
        let own = self.call.browser.session.as_ref().map(Token::hash);
        let session = session::find(app, self.call.browser, now).await?;
        let known = session.as_ref().map(|read| &read.value);
        let who = known.and_then(|session| session.authentication_for(&request));
        let agreed = consent::agreed(app, &request, who).await?;
        // A consent that was withdrawn since is asked for again.
        let is_its_end = session.is_some() && own == self.attempt().session && request.is_covered_by(&agreed);
        // An old proof does not answer a service that asked for a new one.
        let is_new = |proved: &Authentication| now.since(proved.at()) < REPLAY;
        let any_will_do = !request.prompt.login && request.max_age.is_none();
        if let Some(proved) = self.attempt().proved.clone().filter(|p| is_its_end && (any_will_do || is_new(p))) {
            let token = app.world.chance.token()?;
            let finished = self.attempt().finished(token.hash());
            if !steps::write(&self.call, &self.place, &self.read, &finished).await? {
                return Ok(self.onwards());
            }
            return finish::login(&self.call, &request, proved, &token).await;
        }
        let name = |who: &Authentication| claims::subject(app, &request.return_to.client, who);
        let offered = app.offered(&request.acr);
        let known = known.map(|session| (session, agreed.as_slice()));
        let decision = flow::decide(&request, known, &offered, name, now);
        let first = match decision.map_err(|error| request.refuse(error))? {
            Decision::Ask(step, proved) => (step, proved),
            // Somebody is logged in by another login: they agree to go on as who they are.
            Decision::Grant(proved) => (Step::Consent, Some(proved)),
        };
        steps::open(&self.call, request, first).await
    }

    async fn twice_or_onwards(&self, typed: &str) -> Result<Response, Refusal> {
        let path = (self.place.client.id.as_str(), self.place.id.reveal());
        let (place, read) = steps::find(&self.call, path).await?;
        if read.value.step != Step::Finished {
            return Ok(self.onwards());
        }
        let form = Params::parse(&format!("code={typed}"));
        Turn { call: self.call, place, read, form }.twice().await
    }

    /// The second of a double click, which is the one whose answer the browser shows: it brings the very code
    /// that let the first one in. It gets the session under a new name, and the page that leads to the service.
    async fn twice(&self) -> Result<Response, Refusal> {
        let (attempt, scratch, now) = (self.attempt(), &self.call.app.world.scratch, self.call.now);
        let typed: String =
            self.form.field("code").unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
        let is_new = attempt.proved.as_ref().is_some_and(|proved| now.since(proved.at()) < REPLAY);
        let same = is_new && attempt.code.as_ref().is_some_and(|code| code.was_answered_by(&typed));
        if !same && attempt.code.is_some() && !typed.is_empty() {
            // One wrong code, and no code is compared here again.
            steps::write(&self.call, &self.place, &self.read, &LoginAttempt { code: None, ..attempt.clone() }).await?;
        }
        let Some(old) = attempt.session.as_ref().filter(|_| same) else { return Ok(self.onwards()) };
        let token = self.call.app.world.chance.token()?;
        if !steps::write(&self.call, &self.place, &self.read, &attempt.finished(token.hash())).await? {
            return Ok(self.onwards());
        }
        let mut response = self.onwards();
        if let Some(session) = scratch.take::<Session>(old, now).await? {
            scratch.put(&token.hash(), &session, now).await?;
            browser::set(self.call.app, response.headers_mut(), CookieName::Session, token.reveal());
        }
        Ok(response)
    }
}

fn fnr_problem(problem: FnrProblem) -> &'static str {
    match problem {
        FnrProblem::Empty => "problem-fnr-empty",
        FnrProblem::Digits => "problem-fnr-digits",
        FnrProblem::Invalid => "problem-fnr-invalid",
        FnrProblem::Synthetic => "problem-fnr-synthetic",
        FnrProblem::Real => "problem-fnr-real",
    }
}

fn retry_after(mut response: Response, time: Duration) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(time.as_secs()));
    response
}
