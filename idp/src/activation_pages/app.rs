//! The MinID app in one go: whoever has just registered makes the device at which they sit their app, or invites
//! another one.

use std::time::Duration;

use askama::Template;
use authenticators::chance::{TokenHash, same};
use authenticators::clock::Timestamp;
use authenticators::device;
use authenticators::enrolment::{self, Begun, Confirmed, Newcomer};
use authenticators::password;
use authenticators::person::Person;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{Activation, Applicant, Marks, PATH, Stage, Standing, ends};
use crate::browser::Call;
use crate::error::Refusal;
use crate::new_device::{self, Invitation};
use crate::page::Frame;
use crate::params::Params;
use crate::profile_pages::Page;
use crate::steps::bare;
use crate::text;
use crate::visitor::{APP_PATH, Visitor};

/// How long it is good after the registration.
const GOOD_FOR: Duration = Duration::from_mins(10);

/// Leave to make one device theirs, without another login: they have proved everything in this browser a moment ago. It
/// is kept with what they have come to, so that no other browser has it, and whoever registers after them in the same
/// one ends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    until: Timestamp,
    /// Of what is stored of the password that they have just chosen.
    password: TokenHash,
}

impl Ticket {
    /// For whoever has chosen the password behind this hash now.
    pub fn fresh(phc: &str, now: Timestamp) -> Ticket {
        Ticket { until: now.plus(GOOD_FOR), password: TokenHash::of(phc) }
    }

    /// Whether it is good, as it stands with its person and their password.
    fn is_good(&self, person: &Person, phc: Option<&str>, now: Timestamp) -> bool {
        now < self.until && new_device::is_undisturbed(person, phc, &self.password)
    }
}

/// How whoever has just registered gets the app.
pub enum Offer {
    /// Here, in one go.
    Here {
        /// What makes this device theirs.
        link: String,
        /// Until when.
        until: String,
    },
    /// From their profile page.
    Later(&'static str),
    /// They have it.
    Done,
}

impl Offer {
    /// What is offered to them; nothing where there is no app.
    pub async fn to(who: &Applicant<'_>) -> anyhow::Result<Option<Offer>> {
        let world = &who.visitor.call.app.world;
        if !world.webauthn.is_there() {
            return Ok(None);
        }
        if let Some(ticket) = good_ticket(who).await? {
            let link = format!("{APP_PATH}#{}", who.read.value.id);
            return Ok(Some(Offer::Here { link, until: text::in_norway(ticket.until, "%H:%M") }));
        }
        let has_one = !device::all(world.db.pool(), &who.person.id).await?.is_empty();
        Ok(Some(if has_one { Offer::Done } else { Offer::Later(Page::App.path()) }))
    }
}

async fn good_ticket<'a>(who: &'a Applicant<'_>) -> anyhow::Result<Option<&'a Ticket>> {
    let (Standing::At(Stage::Ready), Some(ticket)) = (&who.standing, &who.read.value.ticket) else { return Ok(None) };
    let (world, now) = (&who.visitor.call.app.world, who.visitor.call.now);
    let phc = password::stored(world.db.pool(), Some(&who.person.id)).await?;
    Ok(Some(ticket).filter(|ticket| ticket.is_good(&who.person, phc.as_deref(), now)))
}

#[derive(Template)]
#[template(path = "activate_app.html")]
struct AppPage {
    frame: Frame,
    marks: Marks,
    whose: String,
    invitation: Option<Invitation>,
    /// The device that waits for its number.
    device: Option<String>,
    problem: Option<&'static str>,
    code_problem: Option<&'static str>,
}

/// Something was sent from the last page, or from the one with the picture for another device.
pub async fn answer(who: &Applicant<'_>, form: &Params) -> Result<Response, Refusal> {
    let action = form.field("do");
    if !matches!(action, Some("invite" | "next")) {
        return Ok(who.visitor.go());
    }
    if good_ticket(who).await?.is_none() {
        return ends::ready(who, Some("problem-activate-app-over")).await;
    }
    match action {
        Some("invite") => {
            let invitation = Invitation::fresh(&who.visitor.call, &who.person.id).await?;
            Ok(page(who, (Some(invitation), None), (None, None)))
        }
        _ => confirm(who, &bare(form.field("code").unwrap_or_default())).await,
    }
}

fn page(
    who: &Applicant<'_>,
    (invitation, device): (Option<Invitation>, Option<String>),
    (problem, code_problem): (Option<&'static str>, Option<&'static str>),
) -> Response {
    let (frame, marks, whose) = (who.visitor.frame(), who.marks(), who.whose());
    let page = AppPage { frame, marks, whose, invitation, device, problem, code_problem };
    who.visitor.html(&page, problem.is_some() || code_problem.is_some())
}

/// The number of another device, as on the profile page.
async fn confirm(who: &Applicant<'_>, number: &str) -> Result<Response, Refusal> {
    let call = &who.visitor.call;
    if number.is_empty() {
        return again(who, (None, Some("problem-number-empty"))).await;
    }
    match enrolment::confirm(&call.app.world, &who.person.id, number, call.now).await? {
        Confirmed::Right(device) => match spend(who, &device).await? {
            true => Ok(who.visitor.go()),
            false => again(who, (Some("problem-device-gone"), None)).await,
        },
        Confirmed::Wrong { left: 0 } => again(who, (Some("problem-number-used-up"), None)).await,
        Confirmed::Wrong { .. } => again(who, (None, Some("problem-number-wrong"))).await,
        Confirmed::Gone => again(who, (Some("problem-device-gone"), None)).await,
    }
}

/// The page for the number once more, with what is wrong.
async fn again(
    who: &Applicant<'_>,
    problem: (Option<&'static str>, Option<&'static str>),
) -> Result<Response, Refusal> {
    let device = new_device::waiting(&who.visitor.call, &who.person.id).await?;
    Ok(page(who, (None, device), problem))
}

/// A device comes with what the last page links to. Only in the browser that stands at that page, and sent by a page of
/// ours.
pub async fn begin(call: &Call<'_>, code: &str) -> anyhow::Result<Option<Begun>> {
    let visitor = Visitor { call: *call, path: PATH };
    let Some(who) = standing_here(&visitor, code).await? else { return Ok(None) };
    if good_ticket(&who).await?.is_none() {
        return Ok(None);
    }
    enrolment::begin_here(&call.app.world, &who.person.id, code, call.now).await
}

/// It has made its key. False if the ticket is not good any more, or another device was faster.
pub async fn finish(call: &Call<'_>, device: &Newcomer) -> anyhow::Result<bool> {
    let visitor = Visitor { call: *call, path: PATH };
    let ticket = device.ticket.as_deref().unwrap_or_default();
    match standing_here(&visitor, ticket).await? {
        Some(who) if who.person.id == device.person => spend(&who, device).await,
        _ => Ok(false),
    }
}

async fn standing_here<'a>(visitor: &'a Visitor<'a>, code: &str) -> anyhow::Result<Option<Applicant<'a>>> {
    if visitor.call.browser.is_cross_site() {
        return Ok(None);
    }
    let who = Applicant::of(visitor).await?;
    Ok(who.filter(|who| same(code, &who.read.value.id)))
}

/// The ticket is used up, and then the device is kept if nothing has come in between. Of many at once one is.
async fn spend(who: &Applicant<'_>, device: &Newcomer) -> anyhow::Result<bool> {
    let Some(ticket) = good_ticket(who).await? else { return Ok(false) };
    let spent = Activation { ticket: None, ..who.read.value.clone() };
    if !who.visitor.change(&who.read, &spent).await? {
        return Ok(false);
    }
    new_device::keep(&who.visitor.call, device, Some(&ticket.password)).await
}
