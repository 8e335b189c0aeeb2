//! `/`: the front page, for those who come without a service. And what isn't here.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::browser::Browser;
use crate::error::{Dead, DeadKind, Refusal};
use crate::page::{self, Frame};
use crate::profile_pages::Page;

#[derive(Template)]
#[template(path = "front.html")]
struct Front {
    frame: Frame,
    profile: &'static str,
    block: &'static str,
}

/// `GET /`
pub async fn show(State(app): State<App>, browser: Browser) -> Response {
    let frame = Frame::new(page::text_for(&app, &browser, None), None, "/");
    let page = Front { frame, profile: Page::Overview.path(), block: Page::Block.path() };
    page::html(StatusCode::OK, &page, &[])
}

/// Anything else.
pub async fn not_found() -> Refusal {
    Refusal::Page(Box::new(Dead { status: StatusCode::NOT_FOUND, kind: DeadKind::NotFound, service: None }))
}
