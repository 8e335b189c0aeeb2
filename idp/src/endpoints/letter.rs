//! `/aktiveringsbrev/order`, and the same in the app's window: a letter with an activation code, for somebody who has no
//! MinID, or has lost all that they log in with, or has blocked it. Who it is, a mobile number, the code that goes there,
//! and a page that says the same whatever is true: nobody is told who has MinID, who there is, how old they are, or where
//! they live.

use std::time::Duration;

use anyhow::Context;
use askama::Template;
use authenticators::chance::TokenHash;
use authenticators::clock::Timestamp;
use authenticators::contact::{Channel, Phone};
use authenticators::letter;
use authenticators::otc::{self, Errand, OtcChallenge, Sending, Words};
use authenticators::password;
use authenticators::person::{Fnr, NewPerson, Person};
use authenticators::population::{Address, Resident};
use authenticators::scratch::{Kept, Read};
use authenticators::trail::Event;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::activation_pages::{self, ORDER_IN_APP, ORDER_PATH};
use crate::app::App;
use crate::browser::{Browser, Call};
use crate::error::Refusal;
use crate::handover;
use crate::notify::{self, Listener, Notice};
use crate::page::Frame;
use crate::params::{Form, Params};
use crate::steps::{fnr_problem, proof_code};
use crate::text::{self, Language};
use crate::visitor::Visitor;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Orders from one address in an hour, for whomever: two school classes share one.
const FROM_AN_ADDRESS: i64 = 60;
/// Orders for one person in a day, whoever asks.
const FOR_A_PERSON: i64 = 5;
/// Orders by one telephone in a day, for whomever: a family shares one.
const BY_A_TELEPHONE: i64 = 5;
/// How often an order is tried where the database fails.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// How far an order has come. Without one it is asked who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// Somebody has gone back to say who it is: what they had typed.
    Who { fnr: Fnr, phone: Option<Phone> },
    /// Which telephone?
    Mobile { fnr: Fnr, phone: Option<Phone> },
    /// A code is on its way there.
    Code { fnr: Fnr, phone: Phone, code: OtcChallenge, resent: bool },
    /// Ordered, as far as anybody is told.
    Done,
    /// There have been too many orders.
    TooMany,
}

impl Kept for Order {
    const KIND: &'static str = "letter-order";
    // Pupils share machines.
    const FOR: Duration = Duration::from_mins(15);

    fn lasts(&self) -> Duration {
        match self {
            Order::Who { .. } | Order::Mobile { .. } | Order::Code { .. } => Self::FOR,
            Order::Done | Order::TooMany => Duration::from_mins(5),
        }
    }
}

#[derive(Template)]
#[template(path = "letter_who.html")]
struct WhoPage {
    frame: Frame,
    action: &'static str,
    csrf: String,
    fnr: String,
    fnr_problem: Option<&'static str>,
    register: String,
}

#[derive(Template)]
#[template(path = "letter_mobile.html")]
struct MobilePage {
    frame: Frame,
    action: &'static str,
    csrf: String,
    what: &'static str,
    typed: String,
    problem: Option<&'static str>,
    form_problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "proof_code.html")]
struct CodePage {
    frame: Frame,
    action: &'static str,
    csrf: String,
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
    action: &'static str,
    csrf: String,
    register: String,
}

#[derive(Template)]
#[template(path = "letter_too_many.html")]
struct TooManyPage {
    frame: Frame,
    action: &'static str,
    csrf: String,
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
/// twice, or from an old tab, and leads to the page that is.
pub async fn act(State(app): State<App>, uri: Uri, browser: Browser, Form(form): Form) -> Result<Response, Refusal> {
    let visitor = visitor(&app, &uri, &browser);
    visitor.has_sent(&form)?;
    let read = visitor.task::<Order>().await?;
    match (form.field("do"), &read) {
        (Some("order"), read) => who(&visitor, read.as_ref().map(|read| &read.value), &form).await,
        (Some("send"), Some(read)) => mobile(&visitor, &read.value, &form).await,
        (Some("resend"), Some(_)) => send(&visitor, None).await,
        (Some("next"), Some(read)) => prove(&visitor, read, &form).await,
        (Some("back"), Some(read)) => back(&visitor, read).await,
        (Some("again"), Some(read)) if matches!(read.value, Order::Done | Order::TooMany) => {
            visitor.end::<Order>().await?;
            Ok(visitor.go())
        }
        _ => Ok(visitor.go()),
    }
}

/// The page that is due.
fn page(visitor: &Visitor<'_>, at: Option<&Order>, wrong: Wrong) -> Response {
    let (frame, action, csrf) = (visitor.frame(), visitor.path, visitor.csrf());
    let register = visitor.link(activation_pages::PATH);
    let is_wrong = wrong.field.is_some() || wrong.form.is_some();
    let Wrong { typed, field, form } = wrong;
    match at {
        None | Some(Order::Who { .. }) => {
            let known = match at {
                Some(Order::Who { fnr, .. }) => fnr.as_str(),
                _ => "",
            };
            let fnr = typed.unwrap_or_else(|| known.to_owned());
            visitor.html(&WhoPage { frame, action, csrf, fnr, fnr_problem: field, register }, is_wrong)
        }
        Some(Order::Mobile { phone, .. }) => {
            let typed = typed.or_else(|| phone.as_ref().map(|phone| phone.as_str().to_owned())).unwrap_or_default();
            let (what, problem, form_problem) = ("mobile", field, form);
            visitor.html(&MobilePage { frame, action, csrf, what, typed, problem, form_problem }, is_wrong)
        }
        Some(Order::Code { phone, code, resent, .. }) => {
            let is_news = *resent && !is_wrong && code.left() == otc::TRIES;
            let page = CodePage {
                frame,
                action,
                csrf,
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
        Some(Order::Done) => visitor.html(&DonePage { frame, action, csrf, register }, false),
        Some(Order::TooMany) => {
            let mut response = visitor.html(&TooManyPage { frame, action, csrf }, true);
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response
        }
    }
}

/// One step back, with what was typed there.
async fn back(visitor: &Visitor<'_>, read: &Read<Order>) -> Result<Response, Refusal> {
    let to = match read.value.clone() {
        Order::Code { fnr, phone, .. } => Order::Mobile { fnr, phone: Some(phone) },
        Order::Mobile { fnr, phone } => Order::Who { fnr, phone },
        Order::Who { .. } | Order::Done | Order::TooMany => return Ok(visitor.go()),
    };
    visitor.change(read, &to).await?;
    Ok(visitor.go())
}

/// Who it is. Whether there is anybody is not looked up here.
async fn who(visitor: &Visitor<'_>, at: Option<&Order>, form: &Params) -> Result<Response, Refusal> {
    let phone = match at {
        None => None,
        Some(Order::Who { phone, .. }) => phone.clone(),
        Some(_) => return Ok(visitor.go()),
    };
    let typed = form.field("fnr").unwrap_or_default();
    match Fnr::parse(typed, visitor.call.app.config.people) {
        Ok(fnr) => {
            visitor.begin(&Order::Mobile { fnr, phone }).await?;
            Ok(visitor.go())
        }
        Err(problem) => Ok(page(visitor, at, Wrong::field(fnr_problem(problem)).with(typed))),
    }
}

async fn mobile(visitor: &Visitor<'_>, at: &Order, form: &Params) -> Result<Response, Refusal> {
    let typed = form.field("mobile").unwrap_or_default();
    match (at, Phone::parse(typed)) {
        (Order::Mobile { .. }, Some(phone)) => send(visitor, Some(phone)).await,
        (Order::Mobile { .. }, None) => Ok(page(visitor, Some(at), Wrong::field("problem-mobile").with(typed))),
        _ => Ok(visitor.go()),
    }
}

/// Sends a code: the first one to this number, or another one to the number that has had one.
async fn send(visitor: &Visitor<'_>, to: Option<Phone>) -> Result<Response, Refusal> {
    let key = TokenHash::of(&visitor.call.browser.secret.derive("letter code"));
    let sent = handover::alone(&visitor.call, &key, Box::pin(send_alone(visitor, to))).await?;
    Ok(sent.unwrap_or_else(|| visitor.go()))
}

/// The same where no other click of this browser is at it. What has been done before it is read here.
async fn send_alone(visitor: &Visitor<'_>, to: Option<Phone>) -> Result<Response, Refusal> {
    let (world, now) = (&visitor.call.app.world, visitor.call.now);
    let Some(read) = visitor.task::<Order>().await? else { return Ok(visitor.go()) };
    let (fnr, phone, resent) = match (&read.value, to) {
        (Order::Mobile { fnr, .. }, Some(phone)) => (fnr.clone(), phone, false),
        (Order::Code { code, .. }, None) if !code.wait(now).is_zero() => {
            return Ok(page(visitor, Some(&read.value), Wrong::form("problem-resend-wait")));
        }
        (Order::Code { fnr, phone, .. }, None) => (fnr.clone(), phone.clone(), true),
        _ => return Ok(visitor.go()),
    };
    let (text, to) = (visitor.text(), Channel::Mobile(phone.clone()));
    let words = |code: &str| Words { subject: String::new(), text: text.with("order-sms-code", "code", code) };
    // For nobody: what is counted for a person is theirs alone, and others could use it up.
    let order = otc::Order { to: &to, person: None, from: visitor.call.browser.address, errand: Errand::Proof };
    let problem = match otc::send(world, &order, words, now).await? {
        Sending::Sent(code) => {
            visitor.change(&read, &Order::Code { fnr, phone, code, resent }).await?;
            return Ok(visitor.go());
        }
        Sending::TooMany => "problem-proof-too-many",
        Sending::Failed => "problem-proof-failed",
    };
    Ok(page(visitor, Some(&read.value), Wrong::form(problem).with(phone.as_str())))
}

/// The code has come back: the try is written down before it is compared.
async fn prove(visitor: &Visitor<'_>, read: &Read<Order>, form: &Params) -> Result<Response, Refusal> {
    let Order::Code { fnr, phone, code, resent } = read.value.clone() else { return Ok(visitor.go()) };
    let wrong = |key| Ok(page(visitor, Some(&read.value), Wrong::field(key)));
    let (typed, tried) = match proof_code(form.field("code").unwrap_or_default(), &code, visitor.call.now) {
        Ok(found) => found,
        Err(key) => return wrong(key),
    };
    let noted = Order::Code { fnr: fnr.clone(), phone: phone.clone(), code: tried.clone(), resent };
    if !visitor.change(read, &noted).await? {
        return Ok(visitor.go());
    }
    match tried.proves(&typed) {
        true => finish(visitor, &tried, (fnr, phone)).await,
        false if tried.left() == 0 => wrong("problem-proof-used-up"),
        false => wrong("problem-recover-code-wrong"),
    }
}

/// The code was right. Of many who bring it at the same instant one orders.
async fn finish(visitor: &Visitor<'_>, code: &OtcChallenge, who: (Fnr, Phone)) -> Result<Response, Refusal> {
    let next = if is_within_limits(visitor, (&who.0, &who.1)).await? { Order::Done } else { Order::TooMany };
    // Another try may have been written down since; anything else means that somebody was faster.
    while let Some(read) = visitor.task::<Order>().await? {
        let is_due = matches!(&read.value, Order::Code { code: due, .. } if due.is_the_same_as(code));
        if !is_due {
            break;
        }
        if visitor.change(&read, &next).await? {
            if next == Order::Done {
                order_unseen(visitor, who);
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

/// Orders behind the back of whoever asked, who is answered as soon whatever is true.
fn order_unseen(visitor: &Visitor<'_>, (fnr, phone): (Fnr, Phone)) {
    let (app, browser, now) = (visitor.call.app.clone(), visitor.call.browser.clone(), visitor.call.now);
    let language = visitor.text().language;
    let work = async move {
        let call = Call { app: &app, browser: &browser, now };
        for left in (0..TRIES).rev() {
            let Err(error) = order(&call, (&fnr, &phone), language).await else { return };
            let error = format!("{error:#}");
            if left == 0 {
                tracing::error!(error, "a letter that somebody was told is ordered is not");
                return;
            }
            tracing::warn!(error, "an order of a letter has failed, and is tried again");
            tokio::time::sleep(PAUSE).await;
        }
    };
    visitor.call.app.world.tasks.spawn(work);
}

async fn order(call: &Call<'_>, (fnr, phone): (&Fnr, &Phone), language: Language) -> anyhow::Result<()> {
    let (world, now) = (&call.app.world, call.now);
    let db = world.db.pool();
    let known = Person::by_fnr(db, fnr).await?;
    // Who has got another number stands under that one in the register, and nobody begins with an old one.
    let fnr = known.as_ref().map_or(fnr, |person| &person.fnr);
    let resident = match &known {
        Some(person) => world.population.find_known(person).await?,
        None => world.population.find(fnr).await?,
    };
    // Those who mourn are told nothing.
    if resident.as_ref().is_some_and(|resident| resident.is_dead(now)) {
        return Ok(());
    }
    let Some(resident) = resident.filter(|resident| may_get_one(fnr, known.as_ref(), resident, now)) else {
        return tell_refused(call, known.as_ref()).await;
    };
    let Resident { given_name, family_name, .. } = resident;
    Person::register(&world.db, &world.chance, fnr, NewPerson { given_name, family_name }, now).await?;
    let person = Person::by_fnr(db, fnr).await?.context("a person who was just registered is gone")?;
    let at = Channel::Mobile(phone.clone());
    let event = call.told(Event::by_oneself("letter-ordered", &person.id).with("to", at.masked()));
    // One that is under way already is as good.
    match letter::order(world, &person.id, (language.of_words().code(), &at), &event, now).await? {
        true => notify::deliver_due(call.app).await,
        false => Ok(()),
    }
}

/// Whether a letter goes to somebody. Whoever has MinID gets one as well: they may have lost all that they log in with, or
/// have locked it themselves. Until its code is used the letter changes nothing. A secret address is no hindrance: the
/// letter finds its way.
fn may_get_one(fnr: &Fnr, known: Option<&Person>, resident: &Resident, now: Timestamp) -> bool {
    let is_stopped = known.is_some_and(|person| person.is_locked_by_others() || person.is_closed_for_good());
    let is_old_enough = fnr.may_have_minid(now) != Some(false);
    !is_stopped && is_old_enough && resident.address != Address::Unknown
}

/// That somebody was told that a letter was refused.
#[derive(Serialize, Deserialize)]
struct Told;

impl Kept for Told {
    const KIND: &'static str = "letter-refused";
    const FOR: Duration = DAY;
}

/// Whoever has MinID hears that somebody wanted a letter in their name, and that none is sent, once a day.
async fn tell_refused(call: &Call<'_>, known: Option<&Person>) -> anyhow::Result<()> {
    let db = call.app.world.db.pool();
    let has_minid = password::stored(db, known.map(|person| &person.id)).await?.is_some();
    let Some(person) = known.filter(|_| has_minid) else { return Ok(()) };
    // Before it is counted: where that fails it is tried again.
    let owner = Listener::of(call.app, &person.id).await?;
    let whom = TokenHash::of(&format!("letter refused to {}", person.id.as_str()));
    if call.app.world.scratch.claim(&whom, &Told, call.now).await? {
        owner.tell(call.app, Notice::LetterRefused, call.now);
    }
    Ok(())
}
