//! Closing MinID for good.

use askama::Template;
use authenticators::person::WISH;
use authenticators::trail::Event;
use authenticators::{account, password};
use axum::response::Response;

use super::{Page, Visit};
use crate::consent;
use crate::error::Refusal;
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::params::Params;
use crate::session_list;

/// Where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is no MinID to close.
    None,
    /// It can be closed.
    Open,
    /// It has just been closed.
    Done,
}

#[derive(Template)]
#[template(path = "profile_close.html")]
struct Close {
    frame: Frame,
    action: &'static str,
    csrf: String,
    is_open: bool,
    is_done: bool,
    /// For how long what has happened is kept.
    days: String,
    sure_problem: Option<&'static str>,
    block: &'static str,
    profile: &'static str,
}

/// The page.
pub async fn show(visit: &Visit<'_>) -> Result<Response, Refusal> {
    let stage = if has_minid(visit).await? { Stage::Open } else { Stage::None };
    Ok(page(visit, stage, None))
}

fn page(visit: &Visit<'_>, stage: Stage, sure_problem: Option<&'static str>) -> Response {
    let page = Close {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        is_open: stage == Stage::Open,
        is_done: stage == Stage::Done,
        days: visit.call.app.config.minid.closed_days.to_string(),
        sure_problem,
        block: Page::Block.path(),
        profile: Page::Overview.path(),
    };
    visit.html(&page, sure_problem.is_some())
}

async fn has_minid(visit: &Visit<'_>) -> anyhow::Result<bool> {
    let db = visit.call.app.world.db.pool();
    Ok(password::stored(db, Some(&visit.person.id)).await?.is_some())
}

/// MinID is closed.
pub async fn act(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    if form.field("do") != Some("close") || !has_minid(visit).await? {
        return Ok(visit.go(visit.page));
    }
    if form.field("sure").is_none() {
        return Ok(page(visit, Stage::Open, Some("problem-close-sure")));
    }
    let (app, now, person) = (visit.call.app, visit.call.now, &visit.person.id);
    // Afterwards nobody knows how the person was reached.
    let listener = Listener::of(app, person).await?;
    // First, so that whatever fails can be tried again.
    consent::withdraw_all(&visit.call, person).await.map_err(Refusal::ToPerson)?;
    let event = visit.call.told(Event::by_oneself("closed", person).with("reason", WISH));
    if account::close(&app.world, person, WISH, &event, now).await? {
        listener.tell(app, Notice::Closed, now);
    }
    session_list::end_all(app, person, None, now).await?;
    Ok(page(visit, Stage::Done, None))
}
