//! Where a citizen would have a profile, and a guest has none: they are in no register, and have nothing to change here.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Page, login};
use crate::browser::Call;
use crate::flow::Authentication;
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "profile_guest.html")]
struct Guest {
    frame: Frame,
    is_by_email: bool,
    /// Where to log in as somebody with a number.
    log_in: String,
}

/// The page in the place of all others.
pub fn page(call: &Call<'_>, asked_for: Page, who: &Authentication) -> Response {
    let frame = Frame::new(page::text_for(call.app, call.browser, None), None, asked_for.path());
    let page = Guest { frame, is_by_email: who.email().is_some(), log_in: login(call, asked_for, false) };
    page::html(StatusCode::FORBIDDEN, &page, &[])
}
