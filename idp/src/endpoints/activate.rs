//! `/registrer`, and the same in the app's window: getting MinID with an activation code, all steps at one address.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::activation_pages::{self, Applicant, IN_APP, PATH, start};
use crate::app::App;
use crate::browser::{Browser, Call};
use crate::error::Refusal;
use crate::params::Form;
use crate::visitor::Visitor;

/// `GET /registrer`: where somebody stands. It changes nothing, however often a link scanner asks.
pub async fn show(State(app): State<App>, uri: Uri, browser: Browser) -> Result<Response, Refusal> {
    let visitor = visitor(&app, &uri, &browser);
    match Applicant::of(&visitor).await? {
        Some(applicant) => activation_pages::page(&applicant).await,
        None => Ok(start::page(&visitor, &start::Typed::default())),
    }
}

/// `POST /registrer`
pub async fn answer(State(app): State<App>, uri: Uri, browser: Browser, Form(form): Form) -> Result<Response, Refusal> {
    let visitor = visitor(&app, &uri, &browser);
    visitor.has_sent(&form)?;
    let turn = form.field("turn");
    match Applicant::of(&visitor).await? {
        // Also from the back button: whoever types another code begins with that one.
        _ if turn == Some(start::TURN) => start::answer(&visitor, &form).await,
        // A page from earlier on, or of somebody who sat here before, changes nothing for whoever sits here now.
        Some(applicant) if turn.is_some_and(|turn| turn != applicant.turn()) => Ok(visitor.go()),
        Some(applicant) => activation_pages::answer(&applicant, &form).await,
        None if turn.is_some() => Ok(start::page(&visitor, &start::Typed::too_late())),
        None => start::answer(&visitor, &form).await,
    }
}

fn visitor<'a>(app: &'a App, uri: &Uri, browser: &'a Browser) -> Visitor<'a> {
    let path = if uri.path() == IN_APP { IN_APP } else { PATH };
    Visitor { call: Call { app, browser, now: app.world.clock.now() }, path }
}
