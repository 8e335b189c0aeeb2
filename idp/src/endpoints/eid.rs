//! `/eid/{id}/callback`: where the provider of another eID answers (OpenID Connect Core 3.1.2.5); and
//! `/eid/{id}/jwks.json`, where it finds our keys; and `/eid/{id}/logo/{name}`, where browsers find its logo.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::browser::{Browser, Call};
use crate::document::Document;
use crate::error::{Dead, DeadKind, Refusal};
use crate::page;
use crate::params::Params;
use crate::steps::{self, Turn, eid};
use crate::upstream::{Journey, answer};

/// `GET /eid/{id}/callback`. A form at the provider may have led here, and its policy says how far a form leads, through
/// all redirects (Content Security Policy Level 3, 6.4.3): whoever is done goes on to the service from a page of ours.
pub async fn arrive(State(app): State<App>, browser: Browser, Path(id): Path<String>, params: Params) -> Response {
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    page::from_here(&call, take(call, &id, params).await.into_response())
}

/// `GET /eid/{id}/jwks.json`: what a provider knows us by, and encrypts for us by.
pub async fn keys(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match app.upstreams.get(&id) {
        Some(provider) => Document::new(provider.eid.jwks().to_string()).answer(&headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `GET /eid/{id}/logo/{name}`, under the name that it has now and no other: it is kept for ever.
pub async fn logo(State(app): State<App>, Path((id, name)): Path<(String, String)>) -> Response {
    let logo = app.upstreams.get(&id).and_then(|provider| provider.eid.logo.as_ref());
    match logo.filter(|logo| logo.name() == name) {
        Some(logo) => logo.answer(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn take(call: Call<'_>, id: &str, params: Params) -> Result<Response, Refusal> {
    let app = call.app;
    let dead = |status, kind| Refusal::Page(Box::new(Dead { status, kind, service: None }));
    let gone = || dead(StatusCode::GONE, DeadKind::Expired);
    let provider = app.upstreams.get(id).ok_or_else(|| dead(StatusCode::NOT_FOUND, DeadKind::NotFound))?;
    let state = answer::state_of(&provider.eid, &params).ok_or_else(gone)?.hash();
    let journey = app.world.scratch.get::<Journey>(&state, call.now).await?.ok_or_else(gone)?.value;
    // In another browser nothing is found, and nothing used up.
    let (place, read) = steps::find(&call, (journey.client.as_str(), &journey.login)).await?;
    // Of many who come with the same answer one goes on.
    let journey = app.world.scratch.take::<Journey>(&state, call.now).await?.ok_or_else(gone)?;
    let turn = Turn { call, place, read, form: params };
    eid::arrived(&turn, provider, &journey).await
}
