//! Where the citizen is logged in, and logging out there.

use askama::Template;
use authenticators::account;
use authenticators::trail::Event;
use axum::response::Response;

use super::{Page, Said, Visit};
use crate::error::Refusal;
use crate::page::{self, Frame};
use crate::params::Params;
use crate::session::{self, Session};
use crate::session_list::{self, Listed};
use crate::text;

/// A session.
struct Place {
    sid: String,
    on: String,
    address: String,
    /// Where in the world that is, in words.
    near: Option<String>,
    since: String,
    services: Vec<String>,
    is_this: bool,
}

#[derive(Template)]
#[template(path = "profile_places.html")]
struct Places {
    frame: Frame,
    action: &'static str,
    csrf: String,
    notice: Option<&'static str>,
    places: Vec<Place>,
    profile: &'static str,
}

/// The page.
pub async fn show(visit: &Visit<'_>, query: &Params) -> Result<Response, Refusal> {
    let call = &visit.call;
    let own = session::find(call.app, call.browser, call.now).await?.map(|read| read.value.sid);
    let mut places = Vec::new();
    for (listed, session) in session_list::all(call.app, &visit.person.id, call.now).await? {
        let is_this = own.as_deref() == Some(listed.sid.as_str());
        places.push(place(visit, listed, &session, is_this).await?);
    }
    let page = Places {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        notice: Said::key(query),
        places,
        profile: Page::Overview.path(),
    };
    Ok(visit.html(&page, false))
}

async fn place(visit: &Visit<'_>, listed: Listed, session: &Session, is_this: bool) -> anyhow::Result<Place> {
    let text = visit.text();
    let known = [listed.software.as_str(), &listed.system].iter().any(|word| !word.is_empty());
    let on = match known {
        true => format!("{} {}", listed.software, listed.system).trim().to_owned(),
        false => text.t("places-unknown"),
    };
    let mut services = Vec::new();
    for id in session.services() {
        if let Some(client) = visit.call.app.client(id).await? {
            services.push(client.registration.shown_name_for(None, text.language).to_owned());
        }
    }
    let since = text.with("places-since", "time", text::in_norway(listed.begun_at, "%d.%m.%Y %H:%M"));
    let near = visit.near(&listed.address);
    Ok(Place { sid: listed.sid, on, address: listed.address, near, since, services, is_this })
}

/// Logging out somewhere, or everywhere.
pub async fn act(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let (call, person) = (&visit.call, &visit.person.id);
    if form.field("do") == Some("all") {
        let event = call.told(Event::by_oneself("signed-out", person));
        session_list::end_all(call.app, person, None, call.now).await?;
        account::sign_out(&call.app.world, person, &event, call.now).await?;
        return Ok(page::see_other("/"));
    }
    let Some(sid) = form.field("sid") else { return Ok(visit.go(visit.page)) };
    let what = match session_list::end(call.app, person, sid, call.now).await? {
        true => {
            let event = call.told(Event::by_oneself("session-ended", person));
            call.app.world.trail.write(event, call.now).await?;
            Said::LoggedOut
        }
        false => Said::Gone,
    };
    Ok(visit.go_saying(visit.page, what))
}
