//! Choosing an eID.

use askama::Template;
use axum::response::Response;

use super::{Common, Problems, Turn, eid, problem_of};
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
    problem: Option<&'static str>,
    eids: Vec<Choice>,
}

/// One that can be chosen.
struct Choice {
    id: String,
    name: String,
    about: String,
}

/// The picker. No provider is waited for: those that are not known yet are asked meanwhile.
pub fn page(turn: &Turn<'_>) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let app = turn.call.app;
    app.upstreams.warm(turn.call.now);
    let offered = app.offered(&turn.attempt().request.acr);
    let targets = offered.iter().filter_map(|eid| app.upstreams.get(eid.id()));
    let targets = targets.flat_map(|provider| provider.form_targets()).collect();
    let eids = offered.iter().filter_map(|eid| choice(turn, eid)).collect();
    let problem = turn.attempt().remark.and_then(problem_of);
    let page = ChooseEid { frame, action, csrf, problem, eids };
    turn.html_leading_to(Problems::default().status(), &page, targets)
}

fn choice(turn: &Turn<'_>, eid: &Eid) -> Option<Choice> {
    let text = turn.text();
    let (name, about) = match eid {
        Eid::MinId => (text.t("eid-minid"), text.t("eid-minid-about")),
        Eid::TestId => (text.t("eid-testid"), text.t("eid-testid-about")),
        Eid::Other { id, .. } => {
            let provider = turn.call.app.upstreams.get(id)?;
            let config = &provider.eid.config;
            let about = match provider.is_down(turn.call.now) {
                true => text.t("eid-unavailable"),
                false => config.about.of(text.language).to_owned(),
            };
            (config.name.of(text.language).to_owned(), about)
        }
    };
    Some(Choice { id: eid.id().to_owned(), name, about })
}

/// One was chosen.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let chosen = turn.form.field("eid");
    let offered = turn.call.app.offered(&turn.attempt().request.acr);
    match offered.iter().find(|eid| chosen == Some(eid.id())) {
        Some(Eid::Other { id, .. }) => eid::depart(turn, id).await,
        Some(ours) => turn.go(turn.attempt().at(flow::step_of(ours))).await,
        None => Ok(turn.onwards()),
    }
}
