//! How the citizen is reached: what there is, and changing it by a code that goes there.

use askama::Template;
use authenticators::clock::Timestamp;
use authenticators::contact::{self, Channel, Contact, Email, Known, Phone};
use authenticators::otc::{self, Errand, Order, OtcChallenge, Sending, Words};
use authenticators::person::Fnr;
use authenticators::postbox::{self, SUPPLIERS};
use authenticators::trail::Event;
use axum::response::Response;

use super::{Page, Said, Task, Visit};
use crate::contact_change;
use crate::error::Refusal;
use crate::handover;
use crate::page::Frame;
use crate::params::Params;
use crate::steps::proof_code;
use crate::text::{self, Language};

/// A channel, as its owner sees it.
struct Shown {
    value: Option<String>,
    /// Since when it has been this one, and when it was last said to be right.
    about: Vec<String>,
}

/// A language to be written to in.
struct Choice {
    code: &'static str,
    name: &'static str,
    is_chosen: bool,
}

/// The digital postbox, as its owner sees it.
struct Postbox {
    supplier: String,
    address: String,
    since: Option<String>,
}

/// A supplier to choose one at.
pub struct Offered {
    /// What it is called.
    pub name: &'static str,
    /// Its page.
    pub site: &'static str,
}

#[derive(Template)]
#[template(path = "profile_contact.html")]
struct ContactPage {
    frame: Frame,
    action: &'static str,
    csrf: String,
    notice: Option<&'static str>,
    mobile: Shown,
    email: Shown,
    postbox: Option<Postbox>,
    /// Where a digital postbox can be chosen; nowhere, where none is offered.
    offered: Vec<Offered>,
    mail: bool,
    to_mobile: &'static str,
    to_email: &'static str,
    languages: Vec<Choice>,
    reserved_since: Option<String>,
    profile: &'static str,
}

#[derive(Template)]
#[template(path = "profile_contact_edit.html")]
struct Edit {
    frame: Frame,
    action: &'static str,
    csrf: String,
    /// `mobile` or `email`.
    what: &'static str,
    typed: String,
    problem: Option<&'static str>,
    form_problem: Option<&'static str>,
    back: &'static str,
}

#[derive(Template)]
#[template(path = "proof_code.html")]
struct Code {
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

/// What there is.
pub async fn show(visit: &Visit<'_>, query: &Params) -> Result<Response, Refusal> {
    let app = visit.call.app;
    let known = Contact::of(app.world.db.pool(), &visit.person.id).await?;
    let (mobile_said, email_said) = (known.mobile_said_at(), known.email_said_at());
    let chosen = known.language.as_deref().and_then(Language::parse).unwrap_or_default();
    let languages = [Language::Nb, Language::Nn, Language::En];
    let page = ContactPage {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        notice: Said::key(query),
        mobile: shown(visit, known.mobile.as_ref().map(Phone::grouped), (known.mobile_changed_at, mobile_said)),
        email: shown(
            visit,
            known.email.as_ref().map(|email| email.as_str().to_owned()),
            (known.email_changed_at, email_said),
        ),
        postbox: postbox(visit, &known),
        offered: offered(&known, &visit.person.fnr, visit.call.now),
        mail: app.world.mail.is_there(),
        to_mobile: Page::Mobile.path(),
        to_email: Page::Email.path(),
        languages: languages
            .map(|language| Choice { code: language.code(), name: language.name(), is_chosen: language == chosen })
            .into(),
        reserved_since: known.reserved_at.map(|at| text::in_norway(at, "%d.%m.%Y")),
        profile: Page::Overview.path(),
    };
    Ok(visit.html(&page, false))
}

fn shown(visit: &Visit<'_>, value: Option<String>, times: (Option<Timestamp>, Option<Timestamp>)) -> Shown {
    let (changed, said) = times;
    let text = visit.text();
    let line = |key: &str, at: Option<Timestamp>| at.map(|at| text.with(key, "date", text::in_norway(at, "%d.%m.%Y")));
    let lines = [line("contact-changed", changed), line("contact-said", said)];
    let about = if value.is_some() { lines.into_iter().flatten().collect() } else { Vec::new() };
    Shown { value, about }
}

fn postbox(visit: &Visit<'_>, known: &Contact) -> Option<Postbox> {
    let since = known.postbox_changed_at.map(|at| text::in_norway(at, "%d.%m.%Y"));
    Some(Postbox {
        supplier: known
            .postbox_provider
            .as_deref()
            .map(|number| postbox::name_of(number).to_owned())
            .unwrap_or_default(),
        address: known.postbox.clone()?,
        since: since.map(|date| visit.text().with("contact-changed", "date", date)),
    })
}

/// A digital postbox is offered to grown-ups who want post and can be told that there is some (Digdir, `brukerprofil`).
pub fn offered(known: &Contact, fnr: &Fnr, now: Timestamp) -> Vec<Offered> {
    let is_of_age = fnr.is_of_age(now) == Some(true);
    match known.postbox.is_none() && known.reserved_at.is_none() && known.email.is_some() && is_of_age {
        true => SUPPLIERS.iter().map(|supplier| Offered { name: supplier.name, site: supplier.site }).collect(),
        false => Vec::new(),
    }
}

/// What needs no code: the language, the reservation, and having no e-mail address any more.
pub async fn act(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let (call, person) = (&visit.call, &visit.person.id);
    let (app, now) = (call.app, call.now);
    let kind = match form.field("do") {
        Some("remove-email") => {
            contact_change::remove_email(call, person).await?;
            return Ok(visit.go_saying(visit.page, Said::Removed));
        }
        Some("language") => "language-changed",
        Some("reserve") => "reserved",
        Some("unreserve") => "unreserved",
        _ => return Ok(visit.go(visit.page)),
    };
    let language = form.field("language").and_then(Language::parse);
    let mut tx = app.world.db.begin().await?;
    match (kind, language) {
        ("language-changed", Some(language)) => contact::set_language(&mut tx, person, language.code(), now).await?,
        ("language-changed", None) => {
            tx.rollback().await?;
            return Ok(visit.go(visit.page));
        }
        _ => contact::reserve(&mut tx, person, (kind == "reserved").then_some(now), now).await?,
    }
    app.world.trail.append(&mut tx, &call.told(Event::by_oneself(kind, person)), now).await?;
    tx.commit().await?;
    Ok(visit.go_saying(visit.page, Said::Saved))
}

/// What is wrong on the page of a change.
#[derive(Default)]
struct Wrong {
    typed: String,
    field: Option<&'static str>,
    form: Option<&'static str>,
    notice: Option<&'static str>,
}

/// The form for another channel, or for the code that was sent there.
pub async fn edit(visit: &Visit<'_>) -> Result<Response, Refusal> {
    page(visit, Wrong::default()).await
}

async fn page(visit: &Visit<'_>, wrong: Wrong) -> Result<Response, Refusal> {
    let is_wrong = wrong.field.is_some() || wrong.form.is_some();
    let sent = visit.task().await?.map(|read| read.value);
    let (frame, action, csrf, back) = (visit.frame(), visit.page.path(), visit.csrf(), Page::Contact.path());
    let Some(Task::Contact { to, code }) = sent.filter(|task| is_for(visit.page, task)) else {
        let what = if visit.page == Page::Mobile { "mobile" } else { "email" };
        let Wrong { typed, field: problem, form: form_problem, .. } = wrong;
        let page = Edit { frame, action, csrf, what, typed, problem, form_problem, back };
        return Ok(visit.html(&page, is_wrong));
    };
    let page = Code {
        frame,
        action,
        csrf,
        to: match &to {
            Channel::Mobile(phone) => phone.grouped(),
            Channel::Email(email) => email.as_str().to_owned(),
        },
        is_email: matches!(to, Channel::Email(_)),
        length: code.length(),
        is_over: code.valid_until() <= visit.call.now,
        valid_until: text::in_norway(code.valid_until(), "%H:%M"),
        code_problem: wrong.field,
        problem: wrong.form,
        notice: wrong.notice,
    };
    Ok(visit.html(&page, is_wrong))
}

fn is_for(page: Page, task: &Task) -> bool {
    matches!(
        (page, task),
        (Page::Mobile, Task::Contact { to: Channel::Mobile(_), .. })
            | (Page::Email, Task::Contact { to: Channel::Email(_), .. })
    )
}

/// Something was typed.
pub async fn change(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let under_way = visit.task().await?.filter(|read| is_for(visit.page, &read.value));
    match (form.field("do"), under_way) {
        (Some("back"), _) => {
            visit.end().await?;
            Ok(visit.go(Page::Contact))
        }
        (Some("resend"), Some(read)) => match read.value {
            Task::Contact { code, .. } if !code.wait(visit.call.now).is_zero() => {
                page(visit, Wrong { form: Some("problem-resend-wait"), ..Wrong::default() }).await
            }
            Task::Contact { to, code } => send_once(visit, to, Some(&code)).await,
            _ => Ok(visit.go(visit.page)),
        },
        (Some("next"), Some(_)) => prove(visit, form).await,
        (Some("next"), None) => begin(visit, form).await,
        _ => Ok(visit.go(visit.page)),
    }
}

async fn begin(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let by_email = visit.page == Page::Email;
    let typed = form.field(if by_email { "email" } else { "mobile" }).unwrap_or_default();
    let channel = match by_email {
        true => Email::parse(typed).map(Channel::Email),
        false => Phone::parse(typed).map(Channel::Mobile),
    };
    match channel {
        Some(channel) => send_once(visit, channel, None).await,
        None => {
            let field = Some(if by_email { "problem-email" } else { "problem-mobile" });
            page(visit, Wrong { typed: typed.chars().take(254).collect(), field, ..Wrong::default() }).await
        }
    }
}

/// Sends a code, if no other click is at it or has just done it. `earlier` is the code on its way that this click knew of.
async fn send_once(visit: &Visit<'_>, to: Channel, earlier: Option<&OtcChallenge>) -> Result<Response, Refusal> {
    let due = async {
        let on_its_way = visit.task().await?.map(|read| read.value).filter(|task| is_for(visit.page, task));
        let is_known = match (&on_its_way, earlier) {
            (Some(Task::Contact { code, .. }), Some(earlier)) => code.is_the_same_as(earlier),
            (Some(_), _) => false,
            (None, earlier) => earlier.is_none(),
        };
        if is_known { send(visit, to, earlier).await } else { Ok(visit.go(visit.page)) }
    };
    Ok(handover::alone(&visit.call, &visit.key(), Box::pin(due)).await?.unwrap_or_else(|| visit.go(visit.page)))
}

async fn send(visit: &Visit<'_>, to: Channel, earlier: Option<&OtcChallenge>) -> Result<Response, Refusal> {
    let (call, text) = (&visit.call, visit.text());
    let key = if matches!(to, Channel::Email(_)) { "mail-proof-code" } else { "sms-proof-code" };
    let words = |code: &str| Words { subject: text.t("mail-proof-subject"), text: text.with(key, "code", code) };
    let order = Order { to: &to, person: Some(&visit.person.id), from: call.browser.address, errand: Errand::Proof };
    let form = match otc::send(&call.app.world, &order, words, call.now).await? {
        Sending::Sent(code) => {
            visit.begin(&Task::Contact { to, code }).await?;
            let notice = earlier.map(|_| "notice-code-sent-again");
            return page(visit, Wrong { notice, ..Wrong::default() }).await;
        }
        Sending::TooMany => "problem-proof-too-many",
        Sending::Failed => "problem-proof-failed",
    };
    let typed = to.as_str().to_owned();
    page(visit, Wrong { form: Some(form), typed, ..Wrong::default() }).await
}

/// The code has come back: the try is written down before it is compared.
async fn prove(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let wrong = |field| Wrong { field: Some(field), ..Wrong::default() };
    let Some(read) = visit.task().await? else { return Ok(visit.go(visit.page)) };
    let Task::Contact { to, code } = read.value.clone() else { return Ok(visit.go(visit.page)) };
    let (typed, tried) = match proof_code(form.field("code").unwrap_or_default(), &code, visit.call.now) {
        Ok(found) => found,
        Err(key) => return page(visit, wrong(key)).await,
    };
    if !visit.change(&read, &Task::Contact { to: to.clone(), code: tried.clone() }).await? {
        return Ok(visit.go(visit.page));
    }
    if !tried.proves(&typed) {
        let key = if tried.left() == 0 { "problem-proof-used-up" } else { "problem-recover-code-wrong" };
        return page(visit, wrong(key)).await;
    }
    if visit.end().await?.is_none() {
        return Ok(visit.go(Page::Contact));
    }
    contact_change::set(&visit.call, &visit.person.id, &to, Known::Proved).await?;
    Ok(visit.go_saying(Page::Contact, Said::Saved))
}
