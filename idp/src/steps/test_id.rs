//! TestID: a synthetic person and a level, where synthetic people are let in.

use askama::Template;
use authenticators::factor::Stop;
use authenticators::person::{Fnr, Person};
use axum::response::Response;

use super::{Common, Problems, Turn, fnr_problem};
use crate::acr::{Acr, Eid};
use crate::error::Refusal;
use crate::flow::{Authentication, Step};
use crate::page::Frame;

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

/// A level that TestID can give.
struct TestLevel {
    acr: &'static str,
    checked: bool,
}

/// The page.
pub fn page(turn: &Turn<'_>, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let levels = Eid::TestId.levels(&turn.attempt().request.acr).into_iter().enumerate();
    let page = TestId {
        frame,
        action,
        csrf,
        fnr: problems.typed.clone(),
        fnr_problem: problems.fnr,
        levels: levels.map(|(number, acr)| TestLevel { acr: acr.name(), checked: number == 0 }).collect(),
        level_problem: problems.level,
        can_go_back: turn.can_go_back(),
    };
    turn.html(problems, &page)
}

/// Somebody was picked.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let (app, now) = (turn.call.app, turn.call.now);
    if turn.wants("back") {
        return turn.other_eid().await;
    }
    if !turn.wants("next") {
        return Ok(turn.onwards());
    }
    let typed = turn.form.field("fnr").unwrap_or_default();
    let mut problems = Problems { typed: typed.chars().take(40).collect(), ..Problems::default() };
    let fnr = Fnr::parse(typed, app.config.people).map_err(|problem| problems.fnr = Some(fnr_problem(problem)));
    let offered = Eid::TestId.levels(&turn.attempt().request.acr);
    let acr = turn.form.field("acr").and_then(Acr::parse).filter(|acr| offered.contains(acr));
    if acr.is_none() {
        problems.level = Some("problem-level-empty");
    }
    let (Ok(fnr), Some(acr)) = (fnr, acr) else { return turn.page(&problems).await };
    let person = Person::ensure(&app.world.db, &app.world.chance, &fnr, now).await?;
    let Some(proved) = Authentication::by_test_id(person, acr, now) else {
        return turn.go(turn.attempt().at(Step::Stopped(Stop::Closed))).await;
    };
    if turn.is_another(&proved).await? {
        problems.fnr = Some("problem-eid-another");
        return turn.page(&problems).await;
    }
    let due = turn.due(turn.attempt(), &proved).await?;
    let ended = turn.end(&turn.read, turn.attempt().clone(), (proved, due)).await?;
    Ok(ended.map_or_else(|| turn.onwards(), |response| turn.remembering(&Eid::TestId, response)))
}
