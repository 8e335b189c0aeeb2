//! A login's pages, all at one address: opening a login, finding it again, showing where it stands, and what is common
//! to its steps. Each step has a file: its page, and what becomes of the answer.
//!
//! Whatever a back button, a reload or a double click sends, the answer is where the login stands now, or the way back
//! to the service.

pub mod app;
pub mod choose;
pub mod consent;
pub mod contact;
pub mod eid;
pub mod email;
pub mod finished;
pub mod lost;
pub mod method;
pub mod new_password;
pub mod nudge;
pub mod otc;
pub mod passkey;
pub mod password;
pub mod recover;
pub mod recover_app;
pub mod recovery_code;
pub mod set_up;
pub mod stopped;
pub mod test_id;
pub mod totp;

use std::sync::Arc;
use std::time::Duration;

use askama::DynTemplate;
use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::factor::{FactorKind, Proof, Verdict};
use authenticators::otc::{LENGTH_BY_EMAIL, OtcChallenge};
use authenticators::person::{FnrProblem, Person};
use authenticators::prove;
use authenticators::scratch::Read;
use authenticators::trail::Event;
use authenticators::{contact as register, password as passwords};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::acr::{AMR_TEST_ID, Eid};
use crate::app::App;
use crate::browser::{self, Browser, Call, CookieName};
use crate::client::{Client, ClientId, PROFILE};
use crate::error::{Dead, DeadKind, Refusal};
use crate::finish;
use crate::flow::{self, AT_MOST, Authentication, Due, LoginAttempt, Recover, Remark, Step};
use crate::grant::GrantId;
use crate::handover;
use crate::notify::{Listener, Notice};
use crate::page::{self, Frame};
use crate::params::Params;
use crate::request::AuthorizationRequest;
use crate::session;
use crate::text::{self, Text};

/// A login and where it is found: `/login/{client}/{id}`. The client is part of the address so that even a
/// bookmark from last year leads back to the service.
#[derive(Clone)]
pub struct Place {
    /// The service.
    pub client: Arc<Client>,
    /// The login's handle.
    pub id: Token,
}

impl Place {
    /// The path.
    pub fn path(&self) -> String {
        format!("/login/{}/{}", self.client.id.as_str(), self.id.reveal())
    }

    fn key(&self) -> TokenHash {
        self.id.hash()
    }

    /// The end of this way, leading on to the service.
    pub fn dead(&self, browser: &Browser, status: StatusCode, kind: DeadKind) -> Refusal {
        let reader = browser.language.unwrap_or_default();
        let service = Some((self.client.registration.shown_name(reader).to_owned(), self.client.way_back()));
        Refusal::Page(Box::new(Dead { status, kind, service }))
    }
}

/// A login, and what is known of the request that concerns it.
pub struct Turn<'a> {
    /// Who asks, and when.
    pub call: Call<'a>,
    /// Where the login is found.
    pub place: Place,
    /// The login, as it was read.
    pub read: Read<LoginAttempt>,
    /// What was sent.
    pub form: Params,
}

/// What was wrong with a form: keys of words, by field.
#[derive(Debug, Default)]
pub struct Problems {
    /// The identifier.
    pub fnr: Option<&'static str>,
    /// The password.
    pub password: Option<&'static str>,
    /// The code.
    pub code: Option<&'static str>,
    /// The level of TestID.
    pub level: Option<&'static str>,
    /// The mobile number.
    pub mobile: Option<&'static str>,
    /// The e-mail address.
    pub email: Option<&'static str>,
    /// The form as a whole.
    pub form: Option<&'static str>,
    /// What helps.
    pub hints: Vec<&'static str>,
    /// What was typed as identifier, number or address, so that nothing is lost.
    pub typed: String,
    /// The status, where it isn't 422.
    pub status: Option<StatusCode>,
}

impl Problems {
    fn status(&self) -> StatusCode {
        let all = [self.fnr, self.password, self.code, self.level, self.mobile, self.email, self.form];
        let any = all.iter().any(Option::is_some);
        self.status.unwrap_or(if any { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK })
    }
}

/// What every page of a login has.
pub struct Common {
    frame: Frame,
    action: String,
    csrf: String,
}

/// Begins a login, and shows its first page in the same answer.
pub async fn open(
    call: &Call<'_>,
    request: AuthorizationRequest,
    first: (Step, Option<Authentication>),
) -> Result<Response, Refusal> {
    let Call { app, browser, now } = *call;
    let client = app.client(&request.return_to.client).await?;
    let client = client.ok_or_else(|| anyhow::anyhow!("a client vanished during a request"))?;
    let place = Place { client, id: app.world.chance.token()? };
    let attempt = LoginAttempt::begin(request, browser.secret.hash(), first.0, first.1, now);
    let attempt = prepared(app, attempt)?;
    app.world.scratch.put(&place.key(), &attempt, now).await?;
    let read = app.world.scratch.get(&place.key(), now).await?;
    let read = read.ok_or_else(|| anyhow::anyhow!("a login that was just begun is gone"))?;
    let turn = Turn { call: *call, place, read, form: Params::default() };
    match (&turn.attempt().step, app.offered(&turn.attempt().request.acr).as_slice()) {
        // There is nothing to choose.
        (Step::ChooseEid, [Eid::Other { id, .. }]) => eid::depart(&turn, id).await,
        _ => turn.page(&Problems::default()).await,
    }
}

/// Where a password is asked for, or is forgotten, a passkey will do as well.
fn prepared(app: &App, attempt: LoginAttempt) -> anyhow::Result<LoginAttempt> {
    match attempt.step {
        Step::Password | Step::Recover(Recover::Who) if attempt.ceremony.is_none() && app.world.webauthn.is_there() => {
            Ok(LoginAttempt { ceremony: Some(app.world.webauthn.ask_anybody()?), ..attempt })
        }
        _ => Ok(attempt),
    }
}

/// Finds a login again, in the browser in which it was begun.
pub async fn find(call: &Call<'_>, path: (&str, &str)) -> Result<(Place, Read<LoginAttempt>), Refusal> {
    let Call { app, browser, now } = *call;
    let nowhere = || Refusal::Page(Box::new(Dead { status: StatusCode::GONE, kind: DeadKind::Expired, service: None }));
    let client = ClientId::named(path.0).ok_or_else(nowhere)?;
    let client = app.client(&client).await?.ok_or_else(nowhere)?;
    let place = Place { client, id: Token::presented(path.1) };
    let read = app.world.scratch.get::<LoginAttempt>(&place.key(), now).await?;
    let read = read.filter(|read| {
        read.value.request.return_to.client == place.client.id && now.since(read.value.begun_at) < AT_MOST
    });
    let read = read.ok_or_else(|| place.dead(browser, StatusCode::GONE, DeadKind::Expired))?;
    if !read.value.browser.is(&browser.secret.hash()) {
        return Err(place.dead(browser, StatusCode::FORBIDDEN, DeadKind::OtherBrowser));
    }
    Ok((place, read))
}

/// The first page of a login that starts over, with the eIDs that reach what is asked.
pub fn first_step(app: &App, request: &AuthorizationRequest) -> Result<Step, Refusal> {
    flow::first_step(&app.offered(&request.acr)).map_err(|error| request.refuse(error))
}

impl Turn<'_> {
    /// The login.
    pub fn attempt(&self) -> &LoginAttempt {
        &self.read.value
    }

    /// Whether this button was pressed.
    pub fn wants(&self, what: &str) -> bool {
        self.form.field("do") == Some(what)
    }

    /// The words that the citizen reads.
    fn text(&self) -> Text {
        page::text_for(self.call.app, self.call.browser, self.attempt().request.return_to.language)
    }

    fn common(&self) -> Common {
        let request = &self.attempt().request;
        let (text, customer) = (self.text(), request.onbehalfof.as_deref());
        let service = self.place.client.registration.shown_name_for(customer, text.language);
        let action = self.place.path();
        let frame = Frame::new(text, Some(service.to_owned()), &action);
        Common { frame, csrf: self.call.browser.csrf(self.place.id.reveal()), action }
    }

    /// Whether there is more than one eID to choose from.
    fn can_go_back(&self) -> bool {
        self.call.app.offered(&self.attempt().request.acr).len() > 1
    }

    fn html(&self, problems: &Problems, page: &dyn DynTemplate) -> Response {
        self.html_leading_to(problems.status(), page, Vec::new())
    }

    /// A page whose forms may lead to more than to us and the service.
    fn html_leading_to(&self, status: StatusCode, page: &dyn DynTemplate, mut targets: Vec<String>) -> Response {
        targets.extend(self.place.client.form_targets());
        let mut response = page::html(status, page, &targets);
        self.call.browser.settle(self.call.app, response.headers_mut());
        response
    }

    /// Shows where the login stands.
    pub async fn page(&self, problems: &Problems) -> Result<Response, Refusal> {
        match &self.attempt().step {
            Step::ChooseEid => Ok(choose::page(self)),
            Step::Password => Ok(password::page(self, problems)),
            Step::Email(stage) => Ok(email::page(self, *stage, problems)),
            Step::TestId => Ok(test_id::page(self, problems)),
            Step::Otc => Ok(otc::page(self, problems)),
            Step::Totp => totp::page(self, problems).await,
            Step::RecoveryCode => Ok(recovery_code::page(self, problems)),
            Step::App => Ok(app::page(self, problems)),
            Step::Passkey => Ok(passkey::page(self, problems)),
            Step::Method => method::page(self).await,
            Step::Lost(stage) => lost::page(self, *stage).await,
            Step::Recover(stage) => Ok(recover::page(self, *stage, problems)),
            Step::NewPassword => Ok(new_password::page(self, problems)),
            Step::SetUp(stage) => set_up::page(self, *stage, problems).await,
            Step::Contact(stage) => contact::page(self, *stage, problems).await,
            Step::Consent => consent::page(self).await,
            Step::Stopped(stop) => Ok(stopped::page(self, *stop)),
            Step::Finished => Err(self.place.dead(self.call.browser, StatusCode::GONE, DeadKind::Expired)),
        }
    }

    /// To where the login stands, whoever has moved it.
    pub fn onwards(&self) -> Response {
        page::see_other(&self.place.path())
    }

    /// Writes the login down if nobody has since it was read; false if somebody has.
    async fn write(&self, read: &Read<LoginAttempt>, new: LoginAttempt) -> anyhow::Result<bool> {
        let new = prepared(self.call.app, new)?;
        self.call.app.world.scratch.replace(&self.place.key(), read, &new, self.call.now).await
    }

    /// Writes the login down and goes on. If a double click came first, so be it: it goes on from there.
    pub async fn go(&self, to: LoginAttempt) -> Result<Response, Refusal> {
        self.write(&self.read, to).await?;
        Ok(self.onwards())
    }

    /// The login as it is now.
    async fn again(&self) -> Result<Read<LoginAttempt>, Refusal> {
        Ok(find(&self.call, (self.place.client.id.as_str(), self.place.id.reveal())).await?.1)
    }

    /// Sends a code, if no other click is at it or has just done it: whoever comes second goes on from there.
    async fn once(&self, sending: impl Future<Output = Result<Response, Refusal>>) -> Result<Response, Refusal> {
        let due = async {
            let now = self.again().await?.value;
            match now.step == self.attempt().step && now.asks_the_same_as(self.attempt()) {
                true => sending.await,
                false => Ok(self.onwards()),
            }
        };
        Ok(handover::alone(&self.call, &self.place.key(), due).await?.unwrap_or_else(|| self.onwards()))
    }

    /// Back to the picker, or what stands in its place where there is one eID.
    async fn other_eid(&self) -> Result<Response, Refusal> {
        let step = first_step(self.call.app, &self.attempt().request)?;
        self.go(LoginAttempt { step, ..self.attempt().from_the_password() }).await
    }

    /// Writes one try down. None if there is none left, or the login has moved on meanwhile.
    async fn reserve(&self, step: &Step) -> Result<Option<Read<LoginAttempt>>, Refusal> {
        let mut read = self.again().await?;
        loop {
            let same = |attempt: &&LoginAttempt| attempt.step == *step && attempt.asks_the_same_as(self.attempt());
            let tried = Some(&read.value).filter(same).and_then(LoginAttempt::tried);
            let Some(tried) = tried else { return Ok(None) };
            if self.write(&read, tried).await? {
                // Read back, for the writes to come compare with it: somebody else may have ended the login by now, and
                // what is verified after that would end it once more.
                let reserved = self.again().await?;
                return Ok(Some(reserved).filter(|reserved| reserved.value.has_only_been_tried_since(&read.value)));
            }
            read = self.again().await?;
        }
    }

    /// Reserve, verify, settle: the try is written down before anything is compared, and of many who come with the
    /// right answer at the same instant one goes through.
    async fn check(&self, typed: &str, answer: prove::Answer) -> Result<Response, Refusal> {
        let step = self.attempt().step.clone();
        let Some(reserved) = self.reserve(&step).await? else { return self.twice_or_onwards(typed).await };
        let Some(first) = reserved.value.first.clone() else { return Ok(self.onwards()) };
        match prove::second(&self.call.app.world, &first, answer, self.call.now).await? {
            Verdict::Proved(proof) => self.proved(&reserved, &proof, typed).await,
            Verdict::Stopped(why) => {
                self.write(&reserved, reserved.value.at(Step::Stopped(why))).await?;
                Ok(self.onwards())
            }
            Verdict::Wrong if reserved.value.left() == 0 => {
                self.write(&reserved, reserved.value.used_up()).await?;
                Ok(self.onwards())
            }
            Verdict::Wrong => self.wrong(reserved, &step).await,
        }
    }

    async fn wrong(&self, reserved: Read<LoginAttempt>, step: &Step) -> Result<Response, Refusal> {
        let key = match (step, reserved.value.left()) {
            (Step::Otc, 1) => "problem-code-wrong-last",
            (Step::Otc, _) => "problem-code-wrong",
            (Step::Totp, 1) => "problem-totp-wrong-last",
            (Step::Totp, _) => "problem-totp-wrong",
            (Step::RecoveryCode, 1) => "problem-recovery-wrong-last",
            (Step::RecoveryCode, _) => "problem-recovery-wrong",
            (Step::App, _) => "problem-app-too-late",
            _ => "problem-passkey",
        };
        let problems = match step {
            Step::Otc | Step::Totp | Step::RecoveryCode => Problems { code: Some(key), ..Problems::default() },
            _ => Problems { form: Some(key), ..Problems::default() },
        };
        self.with(reserved).page(&problems).await
    }

    /// MinID is proved: the lane and the browser are looked after, and the login goes on.
    async fn proved(&self, read: &Read<LoginAttempt>, proof: &Proof, typed: &str) -> Result<Response, Refusal> {
        let (app, now) = (self.call.app, self.call.now);
        let known = self.call.browser.known.clone().map_or_else(|| app.world.chance.token(), Ok)?;
        let authentication = Authentication::by_minid(proof, now);
        let answer = (!typed.is_empty()).then(|| self.answer_hash(typed));
        // Whoever comes by a passkey alone has given no password, and may have to set something up all the same.
        let first = Some(proof.first().clone());
        let attempt = LoginAttempt { answer, first, second: Some(proof.second()), ..read.value.clone() };
        let Some(mut response) = self.end_proved(read, &attempt, &authentication).await? else {
            return self.twice_or_onwards(typed).await;
        };
        prove::carried_through(&app.world, proof, &known.hash(), now).await?;
        if proof.second() == FactorKind::RecoveryCode {
            let event = self.call.told(Event::by_oneself("recovery-code-used", proof.person()));
            app.world.trail.write(event, now).await?;
            Listener::of(app, proof.person()).await?.tell(app, Notice::RecoveryCodeUsed, now);
        }
        if attempt.nudge.is_some() && proof.second() == FactorKind::Otc {
            Person::nudged(app.world.db.pool(), proof.person(), now).await?;
        }
        browser::set(app, response.headers_mut(), CookieName::Known, known.reveal());
        Ok(self.remembering(&Eid::MinId, response))
    }

    /// The answer to whoever has carried a login through: the browser, and nobody else, remembers by which eID.
    fn remembering(&self, eid: &Eid, mut response: Response) -> Response {
        browser::set(self.call.app, response.headers_mut(), CookieName::Eid, eid.id());
        response
    }

    /// Goes on with a proof. What was proved can be used up by that, so others who have tried meanwhile, and were too
    /// late or wrong, do not keep it from counting.
    async fn end_proved(
        &self,
        read: &Read<LoginAttempt>,
        attempt: &LoginAttempt,
        who: &Authentication,
    ) -> Result<Option<Response>, Refusal> {
        let due = self.due(attempt, who).await?;
        let mut ended = self.end(read, attempt.clone(), (who.clone(), due)).await?;
        while ended.is_none() {
            let again = self.again().await?;
            if !again.value.has_only_been_tried_since(&read.value) {
                return Ok(None);
            }
            let due = self.due(attempt, who).await?;
            ended = self.end(&again, attempt.clone(), (who.clone(), due)).await?;
        }
        Ok(ended)
    }

    fn answer_hash(&self, typed: &str) -> TokenHash {
        TokenHash::of(&self.place.id.derive(typed))
    }

    /// What is still to come.
    async fn due(&self, attempt: &LoginAttempt, who: &Authentication) -> Result<WhatIsDue, Refusal> {
        let (app, now) = (self.call.app, self.call.now);
        let db = app.world.db.pool();
        let agreed = crate::consent::agreed(app, &attempt.request, Some(who)).await?;
        let new_password = attempt.second.is_some() && passwords::must_change(db, who.person()).await?;
        let set_up = attempt.sets_up || self.used_what_is_over(attempt);
        // A page of ours leads there anyway, a synthetic person has nobody who reads, and a guest is in no register.
        let asks = attempt.request.return_to.client.as_str() != PROFILE && who.amr() != AMR_TEST_ID && !who.is_guest();
        // Whatever has just helped somebody to another password is looked at by them, however lately they have done so.
        let has_recovered = attempt.recovered.as_ref() == Some(who.person());
        let contact = match asks || has_recovered {
            true => Some(register::Contact::of(db, who.person()).await?),
            false => None,
        };
        let contact = contact.and_then(|known| match has_recovered {
            true => Some(known.missing()),
            false => known.asks(now),
        });
        Ok(WhatIsDue { new_password, set_up, contact, agreed })
    }

    /// Whether what was used is no longer good for a login.
    fn used_what_is_over(&self, attempt: &LoginAttempt) -> bool {
        attempt.second.is_some_and(|kind| self.call.app.config.minid.is_retired(kind, self.call.now))
    }

    /// Goes on with what is due, or ends the login. None if somebody else has moved it.
    async fn end(
        &self,
        read: &Read<LoginAttempt>,
        attempt: LoginAttempt,
        (proved, due): (Authentication, WhatIsDue),
    ) -> Result<Option<Response>, Refusal> {
        let next = attempt.proved(proved.clone(), due.as_due());
        let token = self.call.app.world.chance.token()?;
        match next.step {
            Step::Finished => {
                if !self.write(read, next.finished(token.hash())).await? {
                    return Ok(None);
                }
                finish::login(&self.call, &next.request, proved, &token).await.map(Some)
            }
            // Whoever stops here has proved nothing yet that would do for a session.
            Step::NewPassword | Step::SetUp(_) => {
                let moved = self.write(read, next).await?;
                Ok(moved.then(|| self.onwards()))
            }
            _ => {
                if !self.write(read, next.clone()).await? {
                    return Ok(None);
                }
                // The proof is worth something in this browser's session alone, while the citizen thinks.
                let visit = (&next.request, &GrantId::fresh(self.call.app)?);
                session::establish(&self.call, &token, &proved, visit).await?;
                let mut response = self.onwards();
                browser::set(self.call.app, response.headers_mut(), CookieName::Session, token.reveal());
                Ok(Some(response))
            }
        }
    }

    /// The proof that the citizen thinks about a page with: none if they have logged out since, or it is too old.
    async fn in_session(&self) -> Result<Option<Authentication>, Refusal> {
        let Some(proved) = self.attempt().proved.clone() else { return Ok(None) };
        let session = session::find(self.call.app, self.call.browser, self.call.now).await?;
        Ok(session.is_some_and(|read| read.value.proofs().any(|own| *own == proved)).then_some(proved))
    }

    /// Whether it is somebody else than is logged in here, whose login was to become a surer one. They stay logged in.
    async fn is_another(&self, proved: &Authentication) -> anyhow::Result<bool> {
        let session = session::find(self.call.app, self.call.browser, self.call.now).await?;
        let own = session.as_ref().and_then(|read| flow::steps_up(&self.attempt().request, &read.value));
        Ok(!proved.is_guest() && own.is_some_and(|own| own != proved.person()))
    }

    async fn twice_or_onwards(&self, typed: &str) -> Result<Response, Refusal> {
        let read = self.again().await?;
        if read.value.step != Step::Finished || typed.is_empty() {
            return Ok(self.onwards());
        }
        finished::twice(&self.with(read), typed).await
    }

    /// The same turn with the login as it is now.
    fn with(&self, read: Read<LoginAttempt>) -> Turn<'_> {
        Turn { call: self.call, place: self.place.clone(), read, form: self.form.clone() }
    }
}

/// [`Due`], with what it borrows.
struct WhatIsDue {
    new_password: bool,
    set_up: bool,
    contact: Option<register::Missing>,
    agreed: Vec<crate::scope::ScopeName>,
}

impl WhatIsDue {
    /// How they are reached has been talked about.
    fn without_contact(self) -> WhatIsDue {
        WhatIsDue { contact: None, ..self }
    }

    fn as_due(&self) -> Due<'_> {
        Due { new_password: self.new_password, set_up: self.set_up, contact: self.contact, agreed: &self.agreed }
    }
}

fn notice_of(remark: Remark) -> Option<&'static str> {
    match remark {
        Remark::SentAgain => Some("notice-code-sent-again"),
        Remark::MoreTime => Some("notice-more-time"),
        Remark::AskedAgain => Some("notice-app-asked-again"),
        Remark::NotYet => Some("notice-app-not-yet"),
        _ => None,
    }
}

fn problem_of(remark: Remark) -> Option<&'static str> {
    match remark {
        Remark::SmsFailed => Some("problem-sms-failed"),
        Remark::SmsTooMany => Some("problem-sms-too-many"),
        Remark::TooSoon => Some("problem-resend-wait"),
        Remark::ProofFailed => Some("problem-proof-failed"),
        Remark::ProofTooMany => Some("problem-proof-too-many"),
        Remark::CodeUsedUp => Some("problem-code-used-up"),
        Remark::AppTooLate => Some("problem-app-too-late"),
        Remark::AppDeclined => Some("problem-app-declined"),
        Remark::AppBusy => Some("problem-app-busy"),
        Remark::AppQuiet => Some("problem-app-quiet"),
        Remark::PasskeyFailed => Some("problem-passkey"),
        Remark::EidCancelled => Some("problem-eid-cancelled"),
        Remark::EidUnavailable => Some("problem-eid-unavailable"),
        Remark::EidRefused => Some("problem-eid-refused"),
        Remark::EidTooLow => Some("problem-eid-too-low"),
        Remark::EidNobody => Some("problem-eid-nobody"),
        Remark::EidAnother => Some("problem-eid-another"),
        Remark::SentAgain | Remark::MoreTime | Remark::AskedAgain | Remark::NotYet => None,
    }
}

fn clock_time(at: Timestamp) -> String {
    text::in_norway(at, "%H:%M")
}

/// The key of the words for what is wrong with an identifier.
pub fn fnr_problem(problem: FnrProblem) -> &'static str {
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

/// A code that proves a channel, as it was typed, and the challenge with one try fewer; or the key of what is wrong. What is
/// no code at all costs no try.
pub fn proof_code(typed: &str, code: &OtcChallenge, now: Timestamp) -> Result<(String, OtcChallenge), &'static str> {
    let typed = bare(typed);
    if typed.is_empty() {
        return Err("problem-recover-code-empty");
    }
    if typed.len() != code.length() || !typed.bytes().all(|b| b.is_ascii_digit()) {
        let is_by_email = code.length() == LENGTH_BY_EMAIL;
        return Err(if is_by_email { "problem-recover-code-digits-email" } else { "problem-code-digits" });
    }
    if code.valid_until() <= now {
        return Err("problem-code-expired");
    }
    code.clone().tried().map(|tried| (typed, tried)).ok_or("problem-proof-used-up")
}

/// A code as people type it: without spaces, and no longer than anybody's.
pub fn bare(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace()).take(20).collect()
}
