//! `/aktiveringsbrev/order`, and the same in the app's window: a letter with an activation code, for somebody who has no
//! MinID, or has lost all that they log in with, or has blocked it. Who it is, a mobile number, the code that goes there,
//! and a page that says the same whatever is true: nobody is told who has MinID, who there is, how old they are, or where
//! they live.

use std::time::Duration;

use askama::Template;
use authenticators::activation::Source;
use authenticators::chance::TokenHash;
use authenticators::contact::{Channel, Phone};
use authenticators::otc::{self, Errand, OtcChallenge, Sending, Words};
use authenticators::person::{Fnr, Person};
use authenticators::scratch::{Kept, Read};
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::activation_pages::{self, ORDER_IN_APP, ORDER_PATH};
use crate::app::App;
use crate::browser::{Browser, Call};
use crate::calendar;
use crate::error::Refusal;
use crate::handover;
use crate::letter_orders;
use crate::page::Frame;
use crate::params::{Form, Params};
use crate::steps::{fnr_problem, proof_code};
use crate::text;
use crate::visitor::Visitor;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Orders from one address in an hour, for whomever: two school classes share one.
const FROM_AN_ADDRESS: i64 = 60;
/// Orders for one person in a day, whoever asks.
const FOR_A_PERSON: i64 = 5;
/// Orders by one telephone in a day, for whomever: a family shares one.
const BY_A_TELEPHONE: i64 = 5;

/// How far an order has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// Somebody has gone back to say who it is.
    Who,
    /// Which telephone?
    Mobile,
    /// A code is on its way there.
    Code { phone: Phone, code: OtcChallenge, resent: bool },
    /// Ordered, as far as anybody is told.
    Done,
    /// There have been too many orders.
    TooMany,
}

/// An order. Without one it is asked who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Order {
    /// Which of those that were begun in this browser it is.
    id: String,
    fnr: Fnr,
    /// What was typed before somebody went back.
    phone: Option<Phone>,
    stage: Stage,
}

impl Kept for Order {
    const KIND: &'static str = "order-of-letter";
    // Pupils share machines.
    const FOR: Duration = Duration::from_mins(15);

    fn lasts(&self) -> Duration {
        match self.stage {
            Stage::Who | Stage::Mobile | Stage::Code { .. } => Self::FOR,
            Stage::Done | Stage::TooMany => Duration::from_mins(5),
        }
    }
}

impl Order {
    /// What a form on the page that is due says where one stands.
    fn turn(&self) -> String {
        let stage = match self.stage {
            Stage::Who => "who",
            Stage::Mobile => "mobile",
            Stage::Code { .. } => "code",
            Stage::Done => "done",
            Stage::TooMany => "too-many",
        };
        format!("{}-{stage}", self.id)
    }

    /// The same somewhere else on the way.
    fn at(&self, stage: Stage) -> Order {
        Order { stage, ..self.clone() }
    }
}

/// What every form of an order carries.
struct Marks {
    action: &'static str,
    csrf: String,
    turn: String,
}

#[derive(Template)]
#[template(path = "letter_who.html")]
struct WhoPage {
    frame: Frame,
    action: &'static str,
    csrf: String,
    fnr: String,
    fnr_problem: Option<&'static str>,
    problem: Option<&'static str>,
    register: String,
}

#[derive(Template)]
#[template(path = "letter_mobile.html")]
struct MobilePage {
    frame: Frame,
    marks: Marks,
    whose: String,
    what: &'static str,
    typed: String,
    problem: Option<&'static str>,
    form_problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "letter_code.html")]
struct CodePage {
    frame: Frame,
    marks: Marks,
    whose: String,
    to: String,
    is_email: bool,
    length: usize,
    is_over: bool,
    valid_until: String,
    code_problem: Option<&'static str>,
    problem: Option<&'static str>,
    notice: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "letter_done.html")]
struct DonePage {
    frame: Frame,
    marks: Marks,
    whose: String,
    register: String,
    /// When the letter has come, and how long its code is good, whether there is one or not.
    comes_by: String,
    last_day: String,
}

#[derive(Template)]
#[template(path = "letter_too_many.html")]
struct TooManyPage {
    frame: Frame,
    marks: Marks,
    whose: String,
}

/// What is wrong on a page.
#[derive(Default)]
struct Wrong {
    typed: Option<String>,
    field: Option<&'static str>,
    form: Option<&'static str>,
}

impl Wrong {
    fn field(key: &'static str) -> Wrong {
        Wrong { field: Some(key), ..Wrong::default() }
    }

    fn form(key: &'static str) -> Wrong {
        Wrong { form: Some(key), ..Wrong::default() }
    }

    fn is_there(&self) -> bool {
        self.field.or(self.form).is_some()
    }

    fn with(self, typed: &str) -> Wrong {
        Wrong { typed: Some(typed.chars().take(40).collect()), ..self }
    }
}

fn visitor<'a>(app: &'a App, uri: &Uri, browser: &'a Browser) -> Visitor<'a> {
    let path = if uri.path() == ORDER_IN_APP { ORDER_IN_APP } else { ORDER_PATH };
    Visitor { call: Call { app, browser, now: app.world.clock.now() }, path }
}

/// `GET /aktiveringsbrev/order`
pub async fn show(State(app): State<App>, uri: Uri, browser: Browser) -> Result<Response, Refusal> {
    let visitor = visitor(&app, &uri, &browser);
    let read = visitor.task::<Order>().await?;
    Ok(page(&visitor, read.as_ref().map(|read| &read.value), Wrong::default()))
}

/// `POST /aktiveringsbrev/order`. What is asked for is done where its page is the one that is due; otherwise a click came
/// twice, or from an old tab or somebody who sat here before, and leads to the page that is.
pub async fn act(State(app): State<App>, uri: Uri, browser: Browser, Form(form): Form) -> Result<Response, Refusal> {
    let visitor = visitor(&app, &uri, &browser);
    visitor.has_sent(&form)?;
    let read = match (form.field("do"), visitor.task::<Order>().await?) {
        (Some("order"), read) => return who(&visitor, read.as_ref().map(|read| &read.value), &form).await,
        (_, Some(read)) => read,
        (Some("send" | "resend" | "next" | "back"), None) => {
            return Ok(page(&visitor, None, Wrong::form("problem-order-expired")));
        }
        (_, None) => return Ok(visitor.go()),
    };
    if form.field("turn") != Some(read.value.turn().as_str()) {
        return Ok(visitor.go());
    }
    match form.field("do") {
        Some("send") => mobile(&visitor, &read.value, &form).await,
        Some("resend") => send(&visitor, &read.value, None).await,
        Some("next") => prove(&visitor, &read, &form).await,
        Some("back") => back(&visitor, &read).await,
        Some("again") => {
            visitor.end::<Order>().await?;
            Ok(visitor.go())
        }
        _ => Ok(visitor.go()),
    }
}

/// The page that is due.
fn page(visitor: &Visitor<'_>, at: Option<&Order>, wrong: Wrong) -> Response {
    let Some(order) = at.filter(|order| order.stage != Stage::Who) else { return who_page(visitor, at, wrong) };
    let (frame, whose) = (visitor.frame(), whose(visitor, &order.fnr));
    let marks = Marks { action: visitor.path, csrf: visitor.csrf(), turn: order.turn() };
    let is_wrong = wrong.is_there();
    let Wrong { typed, field, form } = wrong;
    match &order.stage {
        Stage::Who | Stage::Mobile => {
            let typed = typed.or_else(|| order.phone.as_ref().map(|phone| phone.as_str().to_owned()));
            let (what, typed) = ("mobile", typed.unwrap_or_default());
            let page = MobilePage { frame, marks, whose, what, typed, problem: field, form_problem: form };
            visitor.html(&page, is_wrong)
        }
        Stage::Code { phone, code, resent } => {
            let is_news = *resent && !is_wrong && code.left() == otc::TRIES;
            let page = CodePage {
                frame,
                marks,
                whose,
                to: Channel::Mobile(phone.clone()).masked(),
                is_email: false,
                length: code.length(),
                is_over: code.valid_until() <= visitor.call.now,
                valid_until: text::in_norway(code.valid_until(), "%H:%M"),
                code_problem: field,
                problem: form,
                notice: is_news.then_some("notice-code-sent-again"),
            };
            visitor.html(&page, is_wrong)
        }
        Stage::Done => {
            let (register, text, now) = (visitor.link(activation_pages::PATH), visitor.text(), visitor.call.now);
            let comes_by = calendar::with_weekday(calendar::comes_by(now), text);
            let last_day = calendar::written(calendar::last_day(now.plus(Source::Letter.valid())), text);
            visitor.html(&DonePage { frame, marks, whose, register, comes_by, last_day }, false)
        }
        Stage::TooMany => {
            let mut response = visitor.html(&TooManyPage { frame, marks, whose }, true);
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response
        }
    }
}

/// The first page, with what was typed there.
fn who_page(visitor: &Visitor<'_>, at: Option<&Order>, wrong: Wrong) -> Response {
    let (frame, action, csrf) = (visitor.frame(), visitor.path, visitor.csrf());
    let is_wrong = wrong.is_there();
    let Wrong { typed, field, form } = wrong;
    let known = at.map(|order| order.fnr.as_str().to_owned());
    let (fnr, register) = (typed.or(known).unwrap_or_default(), visitor.link(activation_pages::PATH));
    visitor.html(&WhoPage { frame, action, csrf, fnr, fnr_problem: field, problem: form, register }, is_wrong)
}

/// Whose order it is: others may have sat at the same machine before.
fn whose(visitor: &Visitor<'_>, fnr: &Fnr) -> String {
    let last: String = fnr.as_str().chars().skip(9).collect();
    visitor.text().with("order-whose", "digits", last)
}

/// One step back, with what was typed there.
async fn back(visitor: &Visitor<'_>, read: &Read<Order>) -> Result<Response, Refusal> {
    let order = &read.value;
    let to = match &order.stage {
        Stage::Code { phone, .. } => Order { phone: Some(phone.clone()), ..order.at(Stage::Mobile) },
        Stage::Mobile => order.at(Stage::Who),
        Stage::Who | Stage::Done | Stage::TooMany => return Ok(visitor.go()),
    };
    visitor.change(read, &to).await?;
    Ok(visitor.go())
}

/// Who it is: an order of its own begins, whatever was under way. Whether there is anybody is not looked up here.
async fn who(visitor: &Visitor<'_>, at: Option<&Order>, form: &Params) -> Result<Response, Refusal> {
    let typed = form.field("fnr").unwrap_or_default();
    let fnr = match Fnr::parse(typed, visitor.call.app.config.people) {
        Ok(fnr) => fnr,
        Err(problem) => return Ok(page(visitor, None, Wrong::field(fnr_problem(problem)).with(typed))),
    };
    // Back and forth again; what somebody else has typed is not shown.
    let same = at.filter(|order| order.stage == Stage::Who && order.fnr == fnr);
    let phone = same.and_then(|order| order.phone.clone());
    let id = visitor.call.app.world.chance.token()?.reveal().chars().take(22).collect();
    visitor.begin(&Order { id, fnr, phone, stage: Stage::Mobile }).await?;
    Ok(visitor.go())
}

async fn mobile(visitor: &Visitor<'_>, at: &Order, form: &Params) -> Result<Response, Refusal> {
    let typed = form.field("mobile").unwrap_or_default();
    match (&at.stage, Phone::parse(typed)) {
        (Stage::Mobile, Some(phone)) => send(visitor, at, Some(phone)).await,
        (Stage::Mobile, None) => Ok(page(visitor, Some(at), Wrong::field("problem-mobile").with(typed))),
        _ => Ok(visitor.go()),
    }
}

/// Sends a code: the first one to this number, or another one to the number that has had one.
async fn send(visitor: &Visitor<'_>, at: &Order, to: Option<Phone>) -> Result<Response, Refusal> {
    let key = TokenHash::of(&visitor.call.browser.secret.derive("letter code"));
    let sent = handover::alone(&visitor.call, &key, Box::pin(send_alone(visitor, at, to))).await?;
    Ok(sent.unwrap_or_else(|| visitor.go()))
}

/// The same where no other click of this browser is at it. What has been done before it is read here.
async fn send_alone(visitor: &Visitor<'_>, at: &Order, to: Option<Phone>) -> Result<Response, Refusal> {
    let (world, now) = (&visitor.call.app.world, visitor.call.now);
    let read = visitor.task::<Order>().await?.filter(|read| read.value.turn() == at.turn());
    let Some(read) = read else { return Ok(visitor.go()) };
    let (phone, resent) = match (&read.value.stage, to) {
        (Stage::Mobile, Some(phone)) => (phone, false),
        (Stage::Code { code, .. }, None) if !code.wait(now).is_zero() => {
            return Ok(page(visitor, Some(&read.value), Wrong::form("problem-resend-wait")));
        }
        (Stage::Code { phone, .. }, None) => (phone.clone(), true),
        _ => return Ok(visitor.go()),
    };
    let (text, to) = (visitor.text(), Channel::Mobile(phone.clone()));
    let words = |code: &str| Words { subject: String::new(), text: text.with("order-sms-code", "code", code) };
    // For nobody: what is counted for a person is theirs alone, and others could use it up.
    let order = otc::Order { to: &to, person: None, from: visitor.call.browser.address, errand: Errand::Proof };
    let problem = match otc::send(world, &order, words, now).await? {
        Sending::Sent(code) => {
            visitor.change(&read, &read.value.at(Stage::Code { phone, code, resent })).await?;
            return Ok(visitor.go());
        }
        Sending::TooMany => "problem-proof-too-many",
        Sending::Failed => "problem-proof-failed",
    };
    Ok(page(visitor, Some(&read.value), Wrong::form(problem).with(phone.as_str())))
}

/// The code has come back: the try is written down before it is compared.
async fn prove(visitor: &Visitor<'_>, read: &Read<Order>, form: &Params) -> Result<Response, Refusal> {
    let Stage::Code { phone, code, resent } = read.value.stage.clone() else { return Ok(visitor.go()) };
    let wrong = |key| Ok(page(visitor, Some(&read.value), Wrong::field(key)));
    let (typed, tried) = match proof_code(form.field("code").unwrap_or_default(), &code, visitor.call.now) {
        Ok(found) => found,
        Err(key) => return wrong(key),
    };
    let noted = Stage::Code { phone: phone.clone(), code: tried.clone(), resent };
    if !visitor.change(read, &read.value.at(noted)).await? {
        return Ok(visitor.go());
    }
    match tried.proves(&typed) {
        true => finish(visitor, &read.value, (&tried, phone)).await,
        false if tried.left() == 0 => wrong("problem-proof-used-up"),
        false => wrong("problem-recover-code-wrong"),
    }
}

/// The code was right. Of many who bring it at the same instant one orders. What is ordered is written down for good
/// before anybody is told so.
async fn finish(
    visitor: &Visitor<'_>,
    order: &Order,
    (code, phone): (&OtcChallenge, Phone),
) -> Result<Response, Refusal> {
    let next = if is_within_limits(visitor, (&order.fnr, &phone)).await? { Stage::Done } else { Stage::TooMany };
    // Another try may have been written down since; anything else means that somebody was faster.
    while let Some(read) = visitor.task::<Order>().await? {
        let is_due = matches!(&read.value.stage, Stage::Code { code: due, .. } if due.is_the_same_as(code));
        if !is_due {
            break;
        }
        if next == Stage::Done {
            let who = (order.fnr.clone(), phone.clone());
            letter_orders::keep(&visitor.call, &order.id, who, visitor.text().language).await?;
        }
        if visitor.change(&read, &read.value.at(next.clone())).await? {
            if next == Stage::Done {
                letter_orders::begin(visitor.call.app);
            }
            break;
        }
    }
    Ok(visitor.go())
}

/// Counted first, and for everybody: also for whom no letter will be sent.
async fn is_within_limits(visitor: &Visitor<'_>, (fnr, phone): (&Fnr, &Phone)) -> anyhow::Result<bool> {
    let (world, now) = (&visitor.call.app.world, visitor.call.now);
    // Whoever has got another number is the same person by both.
    let known = Person::by_fnr(world.db.pool(), fnr).await?;
    let fnr = known.as_ref().map_or(fnr, |person| &person.fnr);
    let from = visitor.call.browser.neighbourhood();
    let (whose, by) = (world.vault.hash("letters for", fnr.as_str()), world.vault.hash("letters by", phone.as_str()));
    let mut fits = true;
    for (name, at_most, window) in [
        (format!("letters from {}", from.as_str()), FROM_AN_ADDRESS, HOUR),
        (format!("letters for {}", whose.as_str()), FOR_A_PERSON, DAY),
        (format!("letters by {}", by.as_str()), BY_A_TELEPHONE, DAY),
    ] {
        fits &= world.scratch.count(&name, window, now).await? <= at_most;
    }
    Ok(fits)
}
