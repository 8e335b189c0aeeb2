//! A login's pages: opening a login, finding it again, showing where it stands.

use std::sync::Arc;

use askama::{DynTemplate, Template};
use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::factor::{FactorKind, Stop};
use authenticators::otc::OtcChallenge;
use authenticators::prove;
use authenticators::scratch::Read;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use crate::acr::Eid;
use crate::app::App;
use crate::browser::Call;
use crate::client::{Client, ClientId};
use crate::error::{Dead, DeadKind, Refusal};
use crate::flow::{self, AT_MOST, Authentication, LoginAttempt, Remark, Step};
use crate::markdown::{self, Piece};
use crate::page::{self, Frame};
use crate::request::AuthorizationRequest;
use crate::scope::{self, ScopeRegistration};
use crate::text::{self, Language};

/// A login and where it is found: `/login/{client}/{id}`. The client is part of the address so that even a
/// bookmark from last year leads back to the service.
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
    pub fn dead(&self, status: StatusCode, kind: DeadKind) -> Refusal {
        let service = Some((self.client.registration.shown_name().to_owned(), self.client.way_back()));
        Refusal::Page(Box::new(Dead { status, kind, service }))
    }
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
    app.world.scratch.put(&place.key(), &attempt, now).await?;
    show(call, &place, &attempt, &Problems::default()).await
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
    let read = read.ok_or_else(|| place.dead(StatusCode::GONE, DeadKind::Expired))?;
    if !read.value.browser.is(&browser.secret.hash()) {
        return Err(place.dead(StatusCode::FORBIDDEN, DeadKind::OtherBrowser));
    }
    Ok((place, read))
}

/// Writes a login down if nobody has since it was read; false if somebody has.
pub async fn write(
    call: &Call<'_>,
    place: &Place,
    read: &Read<LoginAttempt>,
    new: &LoginAttempt,
) -> anyhow::Result<bool> {
    call.app.world.scratch.replace(&place.key(), read, new, call.now).await
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
    /// The form as a whole.
    pub form: Option<&'static str>,
    /// What was typed as identifier, so that nothing is lost.
    pub typed: String,
    /// The status, where it isn't 422.
    pub status: Option<StatusCode>,
}

impl Problems {
    fn status(&self) -> StatusCode {
        let any = [self.fnr, self.password, self.code, self.level, self.form].iter().any(Option::is_some);
        self.status.unwrap_or(if any { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK })
    }
}

/// An eID in the picker.
struct EidChoice {
    id: &'static str,
}

/// A second factor in the list.
struct Method {
    id: &'static str,
}

/// A level that TestID can give.
struct TestLevel {
    acr: &'static str,
    checked: bool,
}

#[derive(Template)]
#[template(path = "choose_eid.html")]
struct ChooseEid {
    frame: Frame,
    action: String,
    csrf: String,
    eids: Vec<EidChoice>,
}

#[derive(Template)]
#[template(path = "minid_password.html")]
struct MinidPassword {
    frame: Frame,
    action: String,
    csrf: String,
    fnr: String,
    fnr_problem: Option<&'static str>,
    password_problem: Option<&'static str>,
    problem: Option<&'static str>,
    can_go_back: bool,
}

#[derive(Template)]
#[template(path = "testid.html")]
struct TestId {
    frame: Frame,
    action: String,
    csrf: String,
    fnr: String,
    fnr_problem: Option<&'static str>,
    levels: Vec<TestLevel>,
    level_problem: Option<&'static str>,
    can_go_back: bool,
}

#[derive(Template)]
#[template(path = "minid_code.html")]
struct MinidCode {
    frame: Frame,
    action: String,
    csrf: String,
    phone: String,
    has_code: bool,
    code_problem: Option<&'static str>,
    problem: Option<&'static str>,
    notice: Option<&'static str>,
    seconds_left: i64,
    valid_until: String,
    can_extend: bool,
    wait: i64,
}

#[derive(Template)]
#[template(path = "method.html")]
struct Methods {
    frame: Frame,
    action: String,
    csrf: String,
    methods: Vec<Method>,
    /// Whether a code is on its way already.
    has_code: bool,
    other_eid: bool,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent {
    frame: Frame,
    action: String,
    csrf: String,
    scopes: Vec<ShownScope>,
    items: Vec<&'static str>,
    /// The types of what is asked for in detail (RFC 9396).
    details: Vec<String>,
    is_remembered: bool,
}

/// A registered scope, in its owner's words.
struct ShownScope {
    words: String,
    lang: &'static str,
    paragraphs: Vec<Vec<Piece>>,
    long_lang: &'static str,
}

#[derive(Template)]
#[template(path = "stop.html")]
struct Stopped {
    frame: Frame,
    action: String,
    csrf: String,
    reason: &'static str,
    until: Option<String>,
    other_eid: bool,
}

/// Shows where a login stands.
pub async fn show(
    call: &Call<'_>,
    place: &Place,
    attempt: &LoginAttempt,
    problems: &Problems,
) -> Result<Response, Refusal> {
    let (action, csrf) = (place.path(), call.browser.csrf(place.id.reveal()));
    let text = page::text_for(call.app, call.browser, attempt.request.return_to.language);
    let service = place.client.registration.shown_name_for(attempt.request.onbehalfof.as_deref());
    let frame = Frame::new(text, Some(service.to_owned()), &action);
    let offered = call.app.offered(&attempt.request.acr);
    let can_go_back = offered.len() > 1;
    let typed = match &attempt.known {
        Some(fnr) if problems.typed.is_empty() && problems.fnr.is_none() => fnr.as_str().to_owned(),
        _ => problems.typed.clone(),
    };
    let html = |page: &dyn DynTemplate| page::html(problems.status(), page, &place.client.form_targets());
    let mut response = match &attempt.step {
        Step::ChooseEid => {
            let eids = offered.iter().map(|eid| EidChoice { id: eid.id() }).collect();
            html(&ChooseEid { frame, action, csrf, eids })
        }
        Step::Password => html(&MinidPassword {
            frame,
            action,
            csrf,
            fnr: typed,
            fnr_problem: problems.fnr,
            password_problem: problems.password,
            problem: problems.form.or(attempt.remark.and_then(problem_of)),
            can_go_back,
        }),
        Step::TestId => html(&TestId {
            frame,
            action,
            csrf,
            fnr: typed,
            fnr_problem: problems.fnr,
            levels: levels(&attempt.request),
            level_problem: problems.level,
            can_go_back,
        }),
        Step::Code => html(&MinidCode::new((frame, action, csrf), attempt, problems, call.now)),
        Step::Method => {
            let methods = methods(call, attempt).await?;
            html(&Methods { frame, action, csrf, methods, has_code: attempt.code.is_some(), other_eid: can_go_back })
        }
        Step::Consent => html(&Consent::new(call, (frame, action, csrf), attempt).await?),
        Step::Stopped(stop) => {
            let (reason, until) = words_of(*stop);
            html(&Stopped { frame, action, csrf, reason, until, other_eid: can_go_back })
        }
        Step::Finished => return Err(place.dead(StatusCode::GONE, DeadKind::Expired)),
    };
    call.browser.settle(call.app, response.headers_mut());
    Ok(response)
}

impl MinidCode {
    fn new(common: (Frame, String, String), attempt: &LoginAttempt, problems: &Problems, now: Timestamp) -> MinidCode {
        let (frame, action, csrf) = common;
        let code = attempt.code.as_ref();
        let until = code.map_or(now, OtcChallenge::valid_until);
        MinidCode {
            frame,
            action,
            csrf,
            // It stays in one piece at the end of a line.
            phone: attempt.phone.replace(' ', "\u{a0}"),
            has_code: code.is_some(),
            code_problem: problems.code,
            problem: problems.form.or(attempt.remark.and_then(problem_of)),
            notice: attempt.remark.and_then(notice_of),
            seconds_left: i64::try_from(until.since(now).as_secs()).unwrap_or(0),
            valid_until: clock_time(until),
            can_extend: code.is_some_and(|code| code.can_be_extended(now)),
            wait: code.map_or(0, |code| i64::try_from(code.wait(now).as_secs()).unwrap_or(0)),
        }
    }
}

impl Consent {
    async fn new(call: &Call<'_>, common: (Frame, String, String), attempt: &LoginAttempt) -> anyhow::Result<Consent> {
        let (frame, action, csrf) = common;
        let (request, app) = (&attempt.request, call.app);
        let reader = page::text_for(app, call.browser, request.return_to.language).language;
        let is_pseudonymous = scope::rules(app, &request.scope).await?.pseudonymous;
        let (mut scopes, mut items) = (Vec::new(), Vec::new());
        for name in &request.scope {
            match app.scope(name).await? {
                Some(scope) => scopes.push(ShownScope::new(&scope.registration, reader)),
                None if name == "openid" && is_pseudonymous => items.push("consent-pseudonym"),
                None => items.push(item_of(name)),
            }
        }
        items.sort_unstable();
        items.dedup();
        let kind = |detail: &Value| detail.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut details: Vec<String> = request.authorization_details.iter().map(kind).collect();
        details.sort_unstable();
        details.dedup();
        Ok(Consent { frame, action, csrf, scopes, items, details, is_remembered: !request.consent.is_empty() })
    }
}

impl ShownScope {
    fn new(scope: &ScopeRegistration, reader: Language) -> ShownScope {
        let (language, words) = scope.said(reader);
        let (long_language, long) = scope.said_at_length(reader).unwrap_or((language, ""));
        ShownScope {
            words: words.to_owned(),
            lang: language.code(),
            paragraphs: markdown::read(long),
            long_lang: long_language.code(),
        }
    }
}

fn levels(request: &AuthorizationRequest) -> Vec<TestLevel> {
    let levels = Eid::TestId.levels(&request.acr).into_iter().enumerate();
    levels.map(|(number, acr)| TestLevel { acr: acr.name(), checked: number == 0 }).collect()
}

async fn methods(call: &Call<'_>, attempt: &LoginAttempt) -> anyhow::Result<Vec<Method>> {
    let Some(first) = &attempt.first else { return Ok(Vec::new()) };
    let kinds = prove::second_factors(&call.app.world, &first.person).await?;
    Ok(kinds.into_iter().filter_map(method_id).map(|id| Method { id }).collect())
}

fn words_of(stop: Stop) -> (&'static str, Option<String>) {
    match stop {
        Stop::Quarantined { until } => ("quarantined", Some(clock_time(until))),
        Stop::Locked => ("locked", None),
        Stop::Closed => ("closed", None),
        Stop::NoSecondFactor => ("no-phone", None),
    }
}

/// A second factor's name in forms.
pub fn method_id(kind: FactorKind) -> Option<&'static str> {
    match kind {
        FactorKind::Password => None,
        FactorKind::Otc => Some("otc"),
    }
}

fn item_of(scope: &str) -> &'static str {
    match scope {
        "openid" => "consent-openid",
        "profile" => "consent-profile",
        _ => "consent-other",
    }
}

fn notice_of(remark: Remark) -> Option<&'static str> {
    match remark {
        Remark::SentAgain => Some("notice-code-sent-again"),
        Remark::MoreTime => Some("notice-more-time"),
        Remark::SmsFailed | Remark::SmsTooMany | Remark::TooSoon | Remark::CodeUsedUp => None,
    }
}

fn problem_of(remark: Remark) -> Option<&'static str> {
    match remark {
        Remark::SmsFailed => Some("problem-sms-failed"),
        Remark::SmsTooMany => Some("problem-sms-too-many"),
        Remark::TooSoon => Some("problem-resend-wait"),
        Remark::CodeUsedUp => Some("problem-code-used-up"),
        Remark::SentAgain | Remark::MoreTime => None,
    }
}

fn clock_time(at: Timestamp) -> String {
    text::in_norway(at, "%H:%M")
}

/// The first page of a login that starts over, with the eIDs that reach what is asked.
pub fn first_step(app: &App, request: &AuthorizationRequest) -> Result<Step, Refusal> {
    flow::first_step(&app.offered(&request.acr)).map_err(|error| request.refuse(error))
}
