//! Where MinID gets no further: why, until when, and what can be done.

use askama::Template;
use authenticators::factor::Stop;
use axum::response::Response;

use super::{Common, Problems, Turn, clock_time};
use crate::activation_pages::ORDER_PATH;
use crate::error::Refusal;
use crate::page::Frame;

#[derive(Template)]
#[template(path = "stop.html")]
struct Stopped {
    frame: Frame,
    action: String,
    csrf: String,
    reason: &'static str,
    until: Option<String>,
    other_eid: bool,
    /// Where a letter is ordered.
    order: &'static str,
}

/// The page.
pub fn page(turn: &Turn<'_>, stop: Stop) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let (reason, until) = match stop {
        Stop::Quarantined { until } => ("quarantined", Some(clock_time(until))),
        Stop::Locked => ("locked", None),
        Stop::Blocked => ("blocked", None),
        Stop::Closed => ("closed", None),
        Stop::NoSecondFactor => ("no-phone", None),
    };
    let page = Stopped { frame, action, csrf, reason, until, other_eid: turn.can_go_back(), order: ORDER_PATH };
    turn.html(&Problems::default(), &page)
}

/// Another eID, if there is one.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    if turn.wants("eid") { turn.other_eid().await } else { Ok(turn.onwards()) }
}
