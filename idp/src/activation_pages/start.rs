//! The first page: who it is, and the code.

use std::time::Duration;

use askama::Template;
use authenticators::activation::{self, ActivationCode, Checked, Found};
use authenticators::person::Fnr;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::{Activation, ORDER_PATH, Stage, TERMS};
use crate::error::Refusal;
use crate::page::Frame;
use crate::params::Params;
use crate::steps::fnr_problem;
use crate::visitor::{APP_PATH, Visitor};

/// What its form says where one stands.
pub const TURN: &str = "start";
/// How long guesses are counted.
const WAIT: Duration = Duration::from_hours(1);

#[derive(Template)]
#[template(path = "activate_start.html")]
struct Start<'a> {
    frame: Frame,
    action: &'static str,
    csrf: String,
    turn: &'static str,
    typed: &'a Typed,
    order: String,
    app: &'static str,
    terms: &'static str,
}

/// What was typed, and keys of words for what is wrong with it.
#[derive(Debug, Default)]
pub struct Typed {
    fnr: String,
    code: String,
    fnr_problem: Option<&'static str>,
    code_problem: Option<&'static str>,
    problem: Option<&'static str>,
}

impl Typed {
    /// On a page that was left open for too long.
    pub fn too_late() -> Typed {
        Typed { problem: Some("problem-activation-expired"), ..Typed::default() }
    }

    fn is_wrong(&self) -> bool {
        self.fnr_problem.or(self.code_problem).or(self.problem).is_some()
    }
}

/// The page.
pub fn page(visitor: &Visitor<'_>, typed: &Typed) -> Response {
    let (frame, action, csrf) = (visitor.frame(), visitor.path, visitor.csrf());
    let page =
        Start { frame, action, csrf, turn: TURN, typed, order: visitor.link(ORDER_PATH), app: APP_PATH, terms: TERMS };
    visitor.html(&page, typed.is_wrong())
}

/// Something was typed. Whether it was the person or the code that is wrong is not told.
pub async fn answer(visitor: &Visitor<'_>, form: &Params) -> Result<Response, Refusal> {
    let call = &visitor.call;
    let field = |name: &str| form.field(name).unwrap_or_default();
    let short = |name: &str| field(name).chars().take(100).collect::<String>();
    let mut typed = Typed { fnr: short("fnr"), code: short("code"), ..Typed::default() };
    let fnr = Fnr::parse(field("fnr"), call.app.config.people);
    let fnr = fnr.map_err(|problem| typed.fnr_problem = Some(fnr_problem(problem)));
    let code = ActivationCode::parse(field("code"));
    typed.code_problem = match &code {
        _ if field("code").trim().is_empty() => Some("problem-activation-empty"),
        None => Some("problem-activation-letters"),
        Some(_) => None,
    };
    let (Ok(fnr), Some(code)) = (fnr, code) else { return Ok(page(visitor, &typed)) };
    typed.problem = match activation::check(&call.app.world, &fnr, &code, call.browser.address, call.now).await? {
        Checked::Right(found) => return begin(visitor, found).await,
        Checked::Wrong => Some("problem-activation-wrong"),
        Checked::Over => Some("problem-activation-over"),
        Checked::GuessedAt => Some("problem-activation-guessed-at"),
        Checked::TooMany => {
            typed.problem = Some("problem-activation-too-many");
            let mut response = page(visitor, &typed);
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(WAIT.as_secs()));
            return Ok(response);
        }
    };
    Ok(page(visitor, &typed))
}

async fn begin(visitor: &Visitor<'_>, found: Found) -> Result<Response, Refusal> {
    let task = Activation {
        id: visitor.call.app.world.chance.token()?.reveal().chars().take(22).collect(),
        code: found.id,
        person: found.person,
        source: found.source.name().to_owned(),
        typed_at: visitor.call.now,
        mobile: None,
        email: None,
        email_is_proved: false,
        stage: Stage::Mobile,
        ticket: None,
    };
    let world = &visitor.call.app.world;
    // The teacher's page waits for them from here on, even when the code's own time is over.
    activation::note_typed(world.db.pool(), &task.code, visitor.call.now).await?;
    visitor.begin(&task).await?;
    Ok(visitor.go())
}
