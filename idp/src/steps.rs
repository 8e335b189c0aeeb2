//! A login's pages: opening a login, finding it again, showing where it stands.

use std::sync::Arc;

use askama::Template;
use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::factor::{FactorKind, Stop};
use authenticators::scratch::Read;
use axum::http::StatusCode;
use axum::response::Response;

use crate::acr::Eid;
use crate::app::App;
use crate::browser::Browser;
use crate::client::{Client, ClientId};
use crate::error::{Dead, DeadKind, Refusal};
use crate::flow::{self, AT_MOST, Authentication, LoginAttempt, Remark, Step};
use crate::page::{self, Frame};
use crate::request::AuthorizationRequest;

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
    app: &App,
    browser: &Browser,
    request: AuthorizationRequest,
    first: (Step, Option<Authentication>),
    now: Timestamp,
) -> Result<Response, Refusal> {
    let client = app.client(&request.return_to.client).await?;
    let client = client.ok_or_else(|| anyhow::anyhow!("a client vanished during a request"))?;
    let place = Place { client, id: app.world.chance.token()? };
    let attempt = LoginAttempt::begin(request, browser.secret.hash(), first.0, first.1, now);
    app.world.scratch.put(&place.key(), &attempt, now).await?;
    show(app, browser, &place, &attempt, &Problems::default(), now).await
}

/// Finds a login again, in the browser in which it was begun.
pub async fn find(
    app: &App,
    browser: &Browser,
    path: (&str, &str),
    now: Timestamp,
) -> Result<(Place, Read<LoginAttempt>), Refusal> {
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
    app: &App,
    place: &Place,
    read: &Read<LoginAttempt>,
    new: &LoginAttempt,
    now: Timestamp,
) -> anyhow::Result<bool> {
    app.world.scratch.replace(&place.key(), read, new, now).await
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
    fn any(&self) -> bool {
        [self.fnr, self.password, self.code, self.level, self.form].iter().any(Option::is_some)
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
    other_eid: bool,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent {
    frame: Frame,
    action: String,
    csrf: String,
    items: Vec<&'static str>,
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
    app: &App,
    browser: &Browser,
    place: &Place,
    attempt: &LoginAttempt,
    problems: &Problems,
    now: Timestamp,
) -> Result<Response, Refusal> {
    let action = place.path();
    let csrf = browser.csrf(place.id.reveal());
    let text = page::text_for(app, browser, attempt.request.return_to.language);
    let frame = Frame::new(text, Some(place.client.registration.shown_name().to_owned()), &action);
    let offered = app.offered(&attempt.request.acr);
    let (remark, notice) = words_of(attempt.remark);
    let problem = problems.form.or(remark);
    let wrong = problems.any() || remark.is_some();
    let status = problems.status.unwrap_or(if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK });
    // A remark is shown on a page that was asked for with GET, and asking went well.
    let status = if problems.any() { status } else { StatusCode::OK };
    let targets = place.client.form_targets();
    let can_go_back = offered.len() > 1;
    let mut response = match &attempt.step {
        Step::ChooseEid => {
            let eids = offered.iter().map(|eid| EidChoice { id: eid.id() }).collect();
            page::html(status, &ChooseEid { frame, action, csrf, eids }, &targets)
        }
        Step::Password => {
            let (fnr_problem, password_problem, fnr) = (problems.fnr, problems.password, problems.typed.clone());
            let page = MinidPassword { frame, action, csrf, fnr, fnr_problem, password_problem, problem, can_go_back };
            page::html(status, &page, &targets)
        }
        Step::TestId => {
            let levels = Eid::TestId.levels(&attempt.request.acr).into_iter().enumerate();
            let levels = levels.map(|(n, acr)| TestLevel { acr: acr.name(), checked: n == 0 }).collect();
            let (fnr_problem, level_problem, fnr) = (problems.fnr, problems.level, problems.typed.clone());
            page::html(status, &TestId { frame, action, csrf, fnr, fnr_problem, levels, level_problem, can_go_back }, &targets)
        }
        Step::Code => {
            let code = attempt.code.as_ref();
            let until = code.map_or(now, |code| code.valid_until());
            let page = MinidCode {
                frame,
                action,
                csrf,
                phone: attempt.phone.clone(),
                code_problem: problems.code,
                problem,
                notice,
                seconds_left: until.seconds().saturating_sub(now.seconds()).max(0),
                valid_until: clock_time(until),
                can_extend: code.is_some_and(|code| code.can_be_extended(now)),
                wait: code.map_or(0, |code| i64::try_from(code.wait(now).as_secs()).unwrap_or(0)),
            };
            page::html(status, &page, &targets)
        }
        Step::Method => {
            let first = attempt.first.as_ref();
            let kinds = match first {
                Some(first) => authenticators::prove::second_factors(&app.world, &first.person).await?,
                None => Vec::new(),
            };
            let methods = kinds.into_iter().filter_map(method_id).map(|id| Method { id }).collect();
            page::html(status, &Methods { frame, action, csrf, methods, other_eid: can_go_back }, &targets)
        }
        Step::Consent => {
            let mut items: Vec<&'static str> = attempt.request.scope.iter().map(|scope| item_of(scope)).collect();
            items.dedup();
            page::html(status, &Consent { frame, action, csrf, items }, &targets)
        }
        Step::Stopped(stop) => {
            let (reason, until) = match stop {
                Stop::Quarantined { until } => ("quarantined", Some(clock_time(*until))),
                Stop::Locked => ("locked", None),
                Stop::Closed => ("closed", None),
                Stop::NoSecondFactor => ("no-phone", None),
            };
            page::html(status, &Stopped { frame, action, csrf, reason, until, other_eid: can_go_back }, &targets)
        }
        Step::Finished => return Err(place.dead(StatusCode::GONE, DeadKind::Expired)),
    };
    browser.settle(app, response.headers_mut());
    Ok(response)
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

/// A remark as a problem or a notice.
fn words_of(remark: Option<Remark>) -> (Option<&'static str>, Option<&'static str>) {
    match remark {
        None => (None, None),
        Some(Remark::SentAgain) => (None, Some("notice-code-sent-again")),
        Some(Remark::MoreTime) => (None, Some("notice-more-time")),
        Some(Remark::SmsFailed) => (Some("problem-sms-failed"), None),
        Some(Remark::SmsTooMany) => (Some("problem-sms-too-many"), None),
        Some(Remark::TooSoon) => (Some("problem-resend-wait"), None),
        Some(Remark::CodeUsedUp) => (Some("problem-code-used-up"), None),
    }
}

/// The time of day in Norway.
fn clock_time(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_second(at.seconds()).unwrap_or_default();
    match jiff::tz::TimeZone::get("Europe/Oslo") {
        Ok(oslo) => moment.to_zoned(oslo).strftime("%H:%M").to_string(),
        Err(_) => moment.strftime("%H:%M UTC").to_string(),
    }
}

/// The first page of a login that starts over, with the eIDs that reach what is asked.
pub fn first_step(app: &App, request: &AuthorizationRequest) -> Result<Step, Refusal> {
    flow::first_step(&app.offered(&request.acr)).map_err(|error| request.refuse(error))
}
