//! How it ends: they have MinID, or cannot have it now.

use askama::Template;
use authenticators::contact::{Channel, Phone};
use axum::response::Response;

use super::app::Offer;
use super::{Applicant, Marks, ORDER_PATH, Stop};
use crate::error::Refusal;
use crate::page::Frame;
use crate::profile_pages::Page;

#[derive(Template)]
#[template(path = "activate_ready.html")]
struct Ready {
    frame: Frame,
    marks: Marks,
    owner: String,
    mobile: Option<String>,
    profile: &'static str,
    /// Whether their app is set up already, by which they log in from now on.
    has_app: bool,
    app: Option<Offer>,
    problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "activate_stopped.html")]
struct Stopped {
    frame: Frame,
    marks: Marks,
    heading: &'static str,
    body: Vec<&'static str>,
    /// Whether another code helps.
    is_over: bool,
    order: String,
    profile: &'static str,
}

/// They have MinID: how they log in from now on, and how they get the app. `problem` is with the app.
pub async fn ready(who: &Applicant<'_>, problem: Option<&'static str>) -> Result<Response, Refusal> {
    let app = Offer::to(who).await?;
    let has_app = matches!(app, Some(Offer::Done));
    let masked = |phone: &Phone| Channel::Mobile(phone.clone()).masked();
    let page = Ready {
        frame: who.visitor.frame(),
        marks: who.marks(),
        owner: who.owner(),
        mobile: who.read.value.mobile.as_ref().map(masked),
        profile: Page::Overview.path(),
        has_app,
        app: app.filter(|_| !has_app),
        problem,
    };
    Ok(who.visitor.html(&page, problem.is_some()))
}

/// They cannot have it now: why, and what to do.
pub fn stopped(who: &Applicant<'_>, stop: Stop) -> Response {
    let (heading, body) = match stop {
        Stop::Over => ("activate-over-title", vec!["problem-activation-over"]),
        Stop::Young => ("activate-young-title", vec!["activate-young-why", "activate-young-then"]),
        Stop::Locked => ("stop-locked-title", vec!["stop-locked-why", "stop-support"]),
        Stop::Closed => ("activate-closed-title", vec!["activate-closed-why", "stop-support"]),
    };
    let page = Stopped {
        frame: who.visitor.frame(),
        marks: who.marks(),
        heading,
        body,
        is_over: stop == Stop::Over,
        order: who.visitor.link(ORDER_PATH),
        profile: Page::Overview.path(),
    };
    who.visitor.html(&page, false)
}
