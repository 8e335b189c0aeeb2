//! A letter with an activation code that is on its way: whoever has not ordered it stops it.

use askama::Template;
use authenticators::trail::Event;
use authenticators::{account, letter};
use axum::response::Response;

use super::{Page, Said, Visit};
use crate::error::Refusal;
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::params::Params;

#[derive(Template)]
#[template(path = "profile_letter.html")]
struct Coming {
    frame: Frame,
    action: &'static str,
    csrf: String,
    is_coming: bool,
    profile: &'static str,
}

/// Whether one is on its way.
pub async fn is_coming(visit: &Visit<'_>) -> anyhow::Result<bool> {
    let (world, person) = (&visit.call.app.world, &visit.person.id);
    let coming = letter::awaited(&world.db, std::slice::from_ref(person), visit.call.now).await?;
    Ok(coming.contains(person))
}

/// The page.
pub async fn show(visit: &Visit<'_>) -> Result<Response, Refusal> {
    let page = Coming {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        is_coming: is_coming(visit).await?,
        profile: Page::Overview.path(),
    };
    Ok(visit.html(&page, false))
}

/// It is stopped. No proof need be fresh for that: it only takes away, and another can be ordered.
pub async fn act(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    if form.field("do") != Some("stop") {
        return Ok(visit.go(visit.page));
    }
    let (app, now, person) = (visit.call.app, visit.call.now, &visit.person.id);
    let listener = Listener::of(app, person).await?;
    let event = visit.call.told(Event::by_oneself("letter-stopped", person));
    if !account::stop_letter(&app.world, person, &event, now).await? {
        return Ok(visit.go_saying(Page::Overview, Said::Gone));
    }
    listener.tell(app, Notice::LetterStopped, now);
    Ok(visit.go_saying(Page::Overview, Said::LetterStopped))
}
