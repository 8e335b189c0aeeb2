//! MinID's second page for those who have an app that makes codes.

use askama::Template;
use authenticators::factor::FactorKind;
use authenticators::prove::Answer;
use authenticators::totp;
use axum::response::Response;

use super::{Common, Problems, Turn, bare, problem_of};
use crate::error::Refusal;
use crate::flow::Step;
use crate::page::Frame;

#[derive(Template)]
#[template(path = "minid_totp.html")]
struct MinidTotp {
    frame: Frame,
    action: String,
    csrf: String,
    /// What the person calls their apps.
    apps: Vec<String>,
    code_problem: Option<&'static str>,
    problem: Option<&'static str>,
    /// That it ends, and when.
    retires: Option<(&'static str, String)>,
}

/// The page.
pub async fn page(turn: &Turn<'_>, problems: &Problems) -> Result<Response, Refusal> {
    let Common { frame, action, csrf } = turn.common();
    let apps = match &turn.attempt().first {
        Some(first) => totp::all(turn.call.app.world.db.pool(), &first.person).await?,
        None => Vec::new(),
    };
    let page = MinidTotp {
        frame,
        action,
        csrf,
        apps: apps.into_iter().map(|app| app.name).collect(),
        code_problem: problems.code,
        problem: problems.form.or(turn.attempt().remark.and_then(problem_of)),
        retires: turn.call.app.config.minid.notice(FactorKind::Totp, turn.call.now),
    };
    Ok(turn.html(problems, &page))
}

/// A code was typed, or something else is wanted.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    if turn.wants("method") {
        return turn.go(turn.attempt().at(Step::Method)).await;
    }
    let Some(typed) = turn.form.field("code").or(turn.wants("next").then_some("")) else {
        return Ok(turn.onwards());
    };
    let typed = bare(typed);
    if typed.len() != totp::LENGTH || !typed.bytes().all(|b| b.is_ascii_digit()) {
        let key = if typed.is_empty() { "problem-totp-empty" } else { "problem-totp-digits" };
        return turn.page(&Problems { code: Some(key), ..Problems::default() }).await;
    }
    turn.check(&typed, Answer::Totp(typed.clone())).await
}
