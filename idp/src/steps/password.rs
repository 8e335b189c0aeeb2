//! MinID's first page: identifier and password, or a passkey instead of both.

use std::time::Duration;

use askama::Template;
use authenticators::chance::Token;
use authenticators::factor::{FactorKind, FirstFactor, PasswordVerdict, Proof, Verdict};
use authenticators::person::{Fnr, Person};
use authenticators::prove;
use authenticators::scratch::Read;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Common, Problems, Turn, fnr_problem, method, notice_of, nudge, problem_of, retry_after};
use crate::error::Refusal;
use crate::flow::{LoginAttempt, Recover, Remark, Step};
use crate::page::Frame;

/// Passwords from one address in [`ADDRESS_WINDOW`]; a school's pupils share one.
const PER_ADDRESS: i64 = 300;
const ADDRESS_WINDOW: Duration = Duration::from_mins(10);

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
    notice: Option<&'static str>,
    /// What the browser is asked, if it can have passkeys.
    passkey: Option<String>,
    can_go_back: bool,
}

/// The page.
pub fn page(turn: &Turn<'_>, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let attempt = turn.attempt();
    let typed = match &attempt.known {
        Some(fnr) if problems.typed.is_empty() && problems.fnr.is_none() => fnr.as_str().to_owned(),
        _ => problems.typed.clone(),
    };
    let page = MinidPassword {
        frame,
        action,
        csrf,
        fnr: typed,
        fnr_problem: problems.fnr,
        password_problem: problems.password,
        problem: problems.form.or(attempt.remark.and_then(problem_of)),
        notice: attempt.remark.and_then(notice_of),
        passkey: attempt.ceremony.as_ref().map(|ceremony| ceremony.options.clone()),
        can_go_back: turn.can_go_back(),
    };
    turn.html(problems, &page)
}

/// Something was typed, or signed.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    if turn.wants("back") {
        return turn.other_eid().await;
    }
    if turn.wants("forgot") {
        let typed = turn.form.field("fnr").unwrap_or_default();
        let known = Fnr::parse(typed, turn.call.app.config.people).ok();
        return turn.go(LoginAttempt { known, ..turn.attempt().at(Step::Recover(Recover::Who)) }).await;
    }
    if turn.wants("passkey") {
        return by_passkey(turn).await;
    }
    if !turn.wants("next") {
        return Ok(turn.onwards());
    }
    let (typed, password) = (turn.form.field("fnr").unwrap_or_default(), turn.form.field("password"));
    let mut problems = Problems { typed: typed.chars().take(40).collect(), ..Problems::default() };
    let fnr =
        Fnr::parse(typed, turn.call.app.config.people).map_err(|problem| problems.fnr = Some(fnr_problem(problem)));
    if password.is_none() {
        problems.password = Some("problem-password-empty");
    }
    let (Ok(fnr), Some(password)) = (fnr, password) else { return turn.page(&problems).await };
    if too_many_from_here(turn).await? {
        problems.form = Some("problem-too-many");
        problems.status = Some(StatusCode::TOO_MANY_REQUESTS);
        return Ok(retry_after(turn.page(&problems).await?, ADDRESS_WINDOW));
    }
    let known = turn.call.browser.known.as_ref().map(Token::hash);
    match prove::password(&turn.call.app.world, &fnr, password, known.as_ref(), turn.call.now).await? {
        PasswordVerdict::Proved(first) => second(turn, first).await,
        PasswordVerdict::Stopped(stop) => turn.go(turn.attempt().at(Step::Stopped(stop))).await,
        PasswordVerdict::Wrong => {
            problems.form = Some("problem-wrong-password");
            turn.page(&problems).await
        }
        PasswordVerdict::Busy => {
            problems.form = Some("problem-busy");
            problems.status = Some(StatusCode::SERVICE_UNAVAILABLE);
            Ok(retry_after(turn.page(&problems).await?, Duration::from_secs(5)))
        }
    }
}

async fn too_many_from_here(turn: &Turn<'_>) -> anyhow::Result<bool> {
    let name = format!("passwords from {}", turn.call.browser.neighbourhood().as_str());
    Ok(turn.call.app.world.scratch.count(&name, ADDRESS_WINDOW, turn.call.now).await? > PER_ADDRESS)
}

/// On to the second factor that the person would rather be asked for.
pub async fn second(turn: &Turn<'_>, first: FirstFactor) -> Result<Response, Refusal> {
    let Some(person) = Person::by_id(turn.call.app.world.db.pool(), &first.person).await? else {
        return Ok(turn.onwards());
    };
    let kinds = method::offered(turn, &person).await?;
    match kinds.first() {
        Some(kind) => method::enter(turn, first, *kind).await,
        None => turn.go(turn.attempt().at(Step::Stopped(authenticators::factor::Stop::NoSecondFactor))).await,
    }
}

/// A passkey says by itself whose it is. The question is taken back before its answer is looked at: each is answered once.
async fn by_passkey(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let Some(answer) = turn.form.field("credential") else { return Ok(turn.onwards()) };
    let Some(ceremony) = turn.attempt().ceremony.clone() else { return Ok(turn.onwards()) };
    let taken = LoginAttempt { ceremony: None, remark: None, ..turn.attempt().clone() };
    if !turn.write(&turn.read, taken).await? {
        return turn.twice_or_onwards(answer).await;
    }
    let read = turn.again().await?;
    let known = turn.call.browser.known.as_ref().map(Token::hash);
    let world = &turn.call.app.world;
    match prove::passkey_alone(world, &ceremony, answer, known.as_ref(), turn.call.now).await? {
        Verdict::Proved(proof) => Box::pin(carried(turn, read, &proof, answer)).await,
        Verdict::Stopped(stop) => {
            turn.write(&read, read.value.at(Step::Stopped(stop))).await?;
            Ok(turn.onwards())
        }
        Verdict::Wrong => {
            turn.write(&read, read.value.saying(Remark::PasskeyFailed)).await?;
            Ok(turn.onwards())
        }
    }
}

/// On with a passkey that was the whole login. Once these are over, something else that they have is asked for beside it;
/// who has nothing else sets that up.
async fn carried(turn: &Turn<'_>, read: Read<LoginAttempt>, proof: &Proof, answer: &str) -> Result<Response, Refusal> {
    let app = turn.call.app;
    if app.config.minid.is_retired(FactorKind::Passkey, turn.call.now) {
        let Some(person) = Person::by_id(app.world.db.pool(), proof.person()).await? else { return Ok(turn.onwards()) };
        let kinds = method::offered(turn, &person).await?;
        if kinds.first().is_some_and(|kind| !app.config.minid.is_retired(*kind, turn.call.now)) {
            return second(&turn.with(read), proof.first().clone()).await;
        }
    }
    if !nudge::is_due_after_a_passkey(turn, proof.person()).await? {
        return turn.proved(&read, proof, answer).await;
    }
    let turn = turn.with(read);
    if !turn.write(&turn.read, LoginAttempt { sets_up: true, ..turn.attempt().clone() }).await? {
        return Ok(turn.onwards());
    }
    turn.proved(&turn.again().await?, proof, answer).await
}
