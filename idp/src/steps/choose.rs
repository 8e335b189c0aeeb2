//! Choosing an eID.

use askama::Template;
use axum::response::Response;

use super::{Common, Problems, Turn};
use crate::acr::Eid;
use crate::error::Refusal;
use crate::flow;
use crate::page::Frame;

#[derive(Template)]
#[template(path = "choose_eid.html")]
struct ChooseEid {
    frame: Frame,
    action: String,
    csrf: String,
    eids: Vec<&'static str>,
}

/// The picker.
pub fn page(turn: &Turn<'_>) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let eids = turn.call.app.offered(&turn.attempt().request.acr).into_iter().map(Eid::id).collect();
    turn.html(&Problems::default(), &ChooseEid { frame, action, csrf, eids })
}

/// One was chosen.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let chosen = turn.form.field("eid").and_then(Eid::parse);
    let offered = turn.call.app.offered(&turn.attempt().request.acr);
    match chosen.filter(|eid| offered.contains(eid)) {
        Some(eid) => turn.go(turn.attempt().at(flow::step_of(eid))).await,
        None => Ok(turn.onwards()),
    }
}
