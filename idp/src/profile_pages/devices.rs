//! The MinID app comes to a telephone or a machine: a picture to scan, and the number that the app shows.

use askama::Template;
use authenticators::enrolment::{self, Confirmed};
use authenticators::factor::FactorKind;
use authenticators::password;
use authenticators::trail::Event;
use axum::response::Response;

use super::{Page, Said, Visit, factors};
use crate::error::Refusal;
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::params::Params;
use crate::qr;
use crate::steps::bare;

/// What the app opens with an invitation.
struct Invitation {
    qr: String,
    link: String,
}

#[derive(Template)]
#[template(path = "profile_app.html")]
struct App {
    frame: Frame,
    action: &'static str,
    csrf: String,
    invitation: Option<Invitation>,
    /// The device that waits for its number.
    device: Option<String>,
    problem: Option<&'static str>,
    code_problem: Option<&'static str>,
    back: &'static str,
}

/// The page: a picture to scan, or the number of the device that has come.
pub async fn show(visit: &Visit<'_>) -> Result<Response, Refusal> {
    if !may_have_one(visit).await? {
        return Ok(visit.go(Page::Factors));
    }
    match factors::full(visit).await? {
        Some(full) => Ok(full),
        None => page(visit, (None, None)).await,
    }
}

/// The app is a way to log in with MinID.
async fn may_have_one(visit: &Visit<'_>) -> anyhow::Result<bool> {
    let world = &visit.call.app.world;
    let has_minid = password::stored(world.db.pool(), Some(&visit.person.id)).await?.is_some();
    Ok(has_minid && world.webauthn.is_there())
}

async fn page(
    visit: &Visit<'_>,
    (problem, code_problem): (Option<&'static str>, Option<&'static str>),
) -> Result<Response, Refusal> {
    let (app, now) = (visit.call.app, visit.call.now);
    let device = enrolment::waiting(&app.world, &visit.person.id, now).await?;
    let device = device.map(|(name, system)| if system.is_empty() { name } else { format!("{name} ({system})") });
    let page = App {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        invitation: None,
        device,
        problem,
        code_problem,
        back: Page::Factors.path(),
    };
    Ok(visit.html(&page, problem.is_some() || code_problem.is_some()))
}

/// A device is invited, or its number is typed.
pub async fn act(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    if !may_have_one(visit).await? {
        return Ok(visit.go(Page::Factors));
    }
    match form.field("do") {
        Some("invite") => invite(visit).await,
        Some("next") => confirm(visit, &bare(form.field("code").unwrap_or_default())).await,
        Some("back") => Ok(visit.go(Page::Factors)),
        _ => Ok(visit.go(visit.page)),
    }
}

async fn invite(visit: &Visit<'_>) -> Result<Response, Refusal> {
    if let Some(full) = factors::full(visit).await? {
        return Ok(full);
    }
    let app = visit.call.app;
    let code = enrolment::invite(&app.world, &visit.person.id, visit.call.now).await?;
    // Behind the sign, so that it is in no log.
    let link = format!("{}/app#{}", app.config.issuer.as_str(), code.reveal());
    let page = App {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        invitation: Some(Invitation { qr: qr::image(&link)?, link }),
        device: None,
        problem: None,
        code_problem: None,
        back: Page::Factors.path(),
    };
    Ok(visit.html(&page, false))
}

async fn confirm(visit: &Visit<'_>, number: &str) -> Result<Response, Refusal> {
    let (app, now, person) = (visit.call.app, visit.call.now, &visit.person.id);
    if number.is_empty() {
        return page(visit, (None, Some("problem-number-empty"))).await;
    }
    let listener = Listener::of(app, person).await?;
    let event = visit.call.told(Event::by_oneself("factor-added", person).with("factor", FactorKind::App.name()));
    match enrolment::confirm(&app.world, person, number, &event, now).await? {
        Confirmed::Added => {
            listener.tell(app, Notice::FactorAdded(FactorKind::App), now);
            Ok(visit.go_saying(Page::Factors, Said::Added))
        }
        Confirmed::Wrong { left: 0 } => page(visit, (Some("problem-number-used-up"), None)).await,
        Confirmed::Wrong { .. } => page(visit, (None, Some("problem-number-wrong"))).await,
        Confirmed::Gone => page(visit, (Some("problem-device-gone"), None)).await,
    }
}
