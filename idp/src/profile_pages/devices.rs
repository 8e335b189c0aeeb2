//! The MinID app comes to a telephone or a machine: a picture to scan, and the number that the app shows.

use askama::Template;
use authenticators::enrolment::{self, Confirmed};
use authenticators::password;
use axum::response::Response;

use super::{Page, Said, Visit, factors};
use crate::error::Refusal;
use crate::new_device::{self, Invitation};
use crate::page::Frame;
use crate::params::Params;
use crate::steps::bare;

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
    let device = new_device::waiting(&visit.call, &visit.person.id).await?;
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
    let invitation = Invitation::fresh(&visit.call, &visit.person.id).await?;
    let page = App {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        invitation: Some(invitation),
        device: None,
        problem: None,
        code_problem: None,
        back: Page::Factors.path(),
    };
    Ok(visit.html(&page, false))
}

async fn confirm(visit: &Visit<'_>, number: &str) -> Result<Response, Refusal> {
    let call = &visit.call;
    if number.is_empty() {
        return page(visit, (None, Some("problem-number-empty"))).await;
    }
    match enrolment::confirm(&call.app.world, &visit.person.id, number, call.now).await? {
        Confirmed::Right(device) => match new_device::keep(call, &device, None).await? {
            true => Ok(visit.go_saying(Page::Factors, Said::Added)),
            false => page(visit, (Some("problem-device-gone"), None)).await,
        },
        Confirmed::Wrong { left: 0 } => page(visit, (Some("problem-number-used-up"), None)).await,
        Confirmed::Wrong { .. } => page(visit, (None, Some("problem-number-wrong"))).await,
        Confirmed::Gone => page(visit, (Some("problem-device-gone"), None)).await,
    }
}
