//! `/profil` and below: the citizen's own pages.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use crate::app::App;
use crate::browser::{Browser, Call};
use crate::error::{Dead, DeadKind, Refusal};
use crate::page;
use crate::params::Params;
use crate::profile_pages::{
    Page, Visit, block, close, consents, contact, data, devices, events, factors, letter, overview, places, set_up,
};

fn found(path: &str) -> Result<Page, Refusal> {
    let gone = || Dead { status: StatusCode::NOT_FOUND, kind: DeadKind::NotFound, service: None };
    Page::at(path).ok_or_else(|| Refusal::Page(Box::new(gone())))
}

/// `GET`
pub async fn show(State(app): State<App>, uri: Uri, browser: Browser, query: Params) -> Result<Response, Refusal> {
    let page = found(uri.path())?;
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    // Back from the login: on to where the citizen was going, and no code stays in the address.
    let state = query.field("state").and_then(Page::at).unwrap_or(page);
    if query.field("code").is_some() {
        return Ok(page::see_other(state.path()));
    }
    let visit = match Visit::of(call, page).await? {
        Ok(visit) => visit,
        // They turned back at the login.
        Err(_) if query.field("error").is_some() => return Ok(page::see_other("/")),
        Err(to_login) => return Ok(to_login),
    };
    if query.field("error").is_some() {
        return Ok(page::see_other(Page::Overview.path()));
    }
    if let Some(afresh) = visit.stale(false) {
        return Ok(afresh);
    }
    match page {
        Page::Overview => overview::show(&visit, &query).await,
        Page::Contact => contact::show(&visit, &query).await,
        Page::Mobile | Page::Email => contact::edit(&visit).await,
        Page::Factors => factors::show(&visit, &query).await,
        Page::Password | Page::Totp | Page::Passkey | Page::Recovery => set_up::show(&visit).await,
        Page::App => devices::show(&visit).await,
        Page::Places => places::show(&visit, &query).await,
        Page::Events => events::show(&visit, &query).await,
        Page::Consents => consents::show(&visit).await,
        Page::Data => data::fetch(&visit).await,
        Page::Letter => letter::show(&visit).await,
        Page::Block => Ok(block::show(&visit)),
        Page::Close => close::show(&visit).await,
    }
}

/// `POST`
pub async fn act(State(app): State<App>, uri: Uri, browser: Browser, form: Params) -> Result<Response, Refusal> {
    let page = found(uri.path())?;
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    let visit = match Visit::of(call, page).await? {
        Ok(visit) => visit,
        Err(to_login) => return Ok(to_login),
    };
    visit.has_sent(&form)?;
    if let Some(afresh) = visit.stale(true) {
        return Ok(afresh);
    }
    match page {
        Page::Contact => contact::act(&visit, &form).await,
        Page::Mobile | Page::Email => contact::change(&visit, &form).await,
        Page::Factors => factors::act(&visit, &form).await,
        Page::Password | Page::Totp | Page::Passkey | Page::Recovery => set_up::act(&visit, &form).await,
        Page::App => devices::act(&visit, &form).await,
        Page::Places => places::act(&visit, &form).await,
        Page::Consents => consents::act(&visit, &form).await,
        Page::Letter => letter::act(&visit, &form).await,
        Page::Block => block::act(&visit, &form).await,
        Page::Close => close::act(&visit, &form).await,
        Page::Overview | Page::Events | Page::Data => Ok(visit.go(page)),
    }
}
