//! Choosing an eID.

use askama::Template;
use axum::response::Response;

use super::{Common, Problems, Turn, eid, problem_of};
use crate::acr::{Acr, Eid};
use crate::error::Refusal;
use crate::flow::{self, Remark};
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "choose_eid.html")]
struct ChooseEid {
    frame: Frame,
    action: String,
    csrf: String,
    problem: Option<&'static str>,
    /// Where somebody else is logged out who was logged in before, if that keeps whoever comes now out.
    log_out: Option<String>,
    /// The service asks for more than MinID reaches.
    asks_for_more: bool,
    eids: Vec<Choice>,
}

/// One that can be chosen.
struct Choice {
    id: String,
    name: String,
    about: String,
    /// Where its logo is.
    logo: Option<String>,
    /// It was used last in this browser.
    is_last: bool,
}

/// The picker. No provider is waited for: those that are not known yet are asked meanwhile.
pub fn page(turn: &Turn<'_>) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let app = turn.call.app;
    app.upstreams.warm(turn.call.now);
    let asked = &turn.attempt().request.acr;
    let offered = app.offered(asked);
    let targets = offered.iter().filter_map(|eid| app.upstreams.get(eid.id()));
    let targets = targets.flat_map(|provider| provider.form_targets()).collect();
    let mut eids: Vec<Choice> = offered.iter().filter_map(|eid| choice(turn, eid)).collect();
    // What was used last comes first, of what is offered anyway; the others keep their order.
    eids.sort_by_key(|eid| !eid.is_last);
    let asks_for_more = !offered.contains(&Eid::MinId) && asked.contains(&Acr::HIGH);
    let remark = turn.attempt().remark;
    let log_out = (remark == Some(Remark::EidAnother)).then(|| {
        // From there it leads back to the service.
        page::with_query("/logout", [("client_id", turn.place.client.id.as_str())])
    });
    let page = ChooseEid { frame, action, csrf, problem: remark.and_then(problem_of), log_out, asks_for_more, eids };
    turn.html_leading_to(Problems::default().status(), &page, targets)
}

fn choice(turn: &Turn<'_>, eid: &Eid) -> Option<Choice> {
    let text = turn.text();
    let (name, about, logo) = match eid {
        Eid::MinId => (text.t("eid-minid"), text.t("eid-minid-about"), None),
        Eid::Email => (text.t("eid-email"), text.t("eid-email-about"), None),
        Eid::TestId => (text.t("eid-testid"), text.t("eid-testid-about"), None),
        Eid::Other { id, .. } => {
            let provider = turn.call.app.upstreams.get(id)?;
            let config = &provider.eid.config;
            let about = match provider.is_down(turn.call.now) {
                true => text.t("eid-unavailable"),
                false => config.about.of(text.language).to_owned(),
            };
            (config.name.of(text.language).to_owned(), about, provider.eid.logo_path())
        }
    };
    let is_last = turn.call.browser.last_eid.as_deref() == Some(eid.id());
    Some(Choice { id: eid.id().to_owned(), name, about, logo, is_last })
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
