//! MinID's second page for those who have lost their telephone, and kept their list.

use askama::Template;
use authenticators::factor::FactorKind;
use authenticators::prove::Answer;
use authenticators::recovery_code;
use axum::response::Response;

use super::{Common, Problems, Turn, problem_of};
use crate::error::Refusal;
use crate::flow::Step;
use crate::page::Frame;

#[derive(Template)]
#[template(path = "minid_recovery_code.html")]
struct MinidRecoveryCode {
    frame: Frame,
    action: String,
    csrf: String,
    code_problem: Option<&'static str>,
    problem: Option<&'static str>,
    /// That it ends, and when.
    retires: Option<(&'static str, String)>,
}

/// The page.
pub fn page(turn: &Turn<'_>, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let problem = problems.form.or(turn.attempt().remark.and_then(problem_of));
    let retires = turn.call.app.config.minid.notice(FactorKind::RecoveryCode, turn.call.now);
    turn.html(problems, &MinidRecoveryCode { frame, action, csrf, code_problem: problems.code, problem, retires })
}

/// A code was typed, or something else is wanted.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    if turn.wants("method") {
        return turn.go(turn.attempt().at(Step::Method)).await;
    }
    let Some(typed) = turn.form.field("code").or(turn.wants("next").then_some("")) else {
        return Ok(turn.onwards());
    };
    match recovery_code::read(typed) {
        Some(bare) => turn.check(&bare, Answer::RecoveryCode(bare.clone())).await,
        None => {
            let key = if typed.trim().is_empty() { "problem-recovery-empty" } else { "problem-recovery-letters" };
            turn.page(&Problems { code: Some(key), ..Problems::default() }).await
        }
    }
}
