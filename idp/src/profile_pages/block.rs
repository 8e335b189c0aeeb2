//! Locking MinID, and opening it again.

use askama::Template;
use authenticators::account;
use authenticators::person::BY_ONESELF;
use authenticators::trail::Event;
use axum::response::Response;

use super::{Page, Said, Visit};
use crate::acr::Acr;
use crate::activation_pages::ORDER_PATH;
use crate::error::Refusal;
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::params::Params;
use crate::session_list;

#[derive(Template)]
#[template(path = "profile_block.html")]
struct Block {
    frame: Frame,
    action: &'static str,
    csrf: String,
    is_blocked: bool,
    can_open: bool,
    /// It has just been done.
    is_done: bool,
    profile: &'static str,
    /// Where a letter is ordered.
    order: &'static str,
}

/// The page.
pub fn show(visit: &Visit<'_>) -> Response {
    page(visit, false)
}

fn page(visit: &Visit<'_>, is_done: bool) -> Response {
    let page = Block {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        is_blocked: is_blocked(visit),
        can_open: can_open(visit),
        is_done,
        profile: Page::Overview.path(),
        order: ORDER_PATH,
    };
    visit.html(&page, false)
}

fn is_blocked(visit: &Visit<'_>) -> bool {
    visit.person.locked_code.as_deref() == Some(BY_ONESELF)
}

/// What the citizen has locked another eID at level high opens; what support has locked support opens.
fn can_open(visit: &Visit<'_>) -> bool {
    is_blocked(visit) && visit.proved.acr().satisfies_one_of(&[Acr::HIGH])
}

/// MinID is locked, or opened.
pub async fn act(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let (app, now, person) = (visit.call.app, visit.call.now, &visit.person);
    match form.field("do") {
        Some("block") => {
            let listener = Listener::of(app, &person.id).await?;
            let event = visit.call.told(Event::by_oneself("locked", &person.id));
            if account::lock(&app.world, &person.id, BY_ONESELF, &event, now).await? {
                listener.tell(app, Notice::Blocked, now);
            }
            session_list::end_all(app, &person.id, None, now).await?;
            Ok(page(visit, true))
        }
        Some("open") if can_open(visit) => {
            if let Some(afresh) = visit.afresh_if_old() {
                return Ok(afresh);
            }
            let listener = Listener::of(app, &person.id).await?;
            let event = visit.call.told(Event::by_oneself("opened", &person.id));
            account::open(&app.world, person, &event, now).await?;
            listener.tell(app, Notice::Reopened, now);
            Ok(visit.go_saying(Page::Overview, Said::Reopened))
        }
        _ => Ok(visit.go(visit.page)),
    }
}
