//! How somebody is reached: a mobile number, proved by a code that goes there, and an e-mail address if they like.

use std::time::Duration;

use askama::Template;
use authenticators::activation::Source;
use authenticators::contact::{Channel, Email, Phone};
use authenticators::otc::{self, Errand, Order, OtcChallenge, Sending, Words};
use axum::response::Response;

use super::{Activation, Applicant, Before, Marks, Stage};
use crate::error::Refusal;
use crate::page::Frame;
use crate::params::Params;
use crate::steps::proof_code;
use crate::text;

#[derive(Template)]
#[template(path = "activate_channel.html")]
struct ChannelPage {
    frame: Frame,
    marks: Marks,
    whose: String,
    /// `mobile` or `email`.
    what: &'static str,
    /// Whether a code can go there.
    is_proved: bool,
    typed: String,
    problem: Option<&'static str>,
    form_problem: Option<&'static str>,
    /// Whether an address that was there before goes where this is passed over.
    forgets_email: bool,
}

#[derive(Template)]
#[template(path = "activate_code.html")]
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
    forgets_email: bool,
}

/// What is wrong: keys of words.
#[derive(Debug, Default)]
pub struct Wrong {
    typed: String,
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
}

/// The page of one of these stages.
pub fn page(who: &Applicant<'_>, stage: &Stage, wrong: Wrong) -> Response {
    if let Stage::Code { to, code, is_again } = stage {
        return code_page(who, (to, code.as_ref(), *is_again), &wrong);
    }
    let task = &who.read.value;
    let is_wrong = wrong.field.or(wrong.form).is_some();
    let (what, known, is_proved) = match stage {
        Stage::Email => ("email", task.email.as_ref().map(Email::as_str), who.visitor.call.app.world.mail.is_there()),
        _ => ("mobile", task.mobile.as_ref().map(Phone::as_str), true),
    };
    let page = ChannelPage {
        frame: who.visitor.frame(),
        marks: who.marks(),
        whose: who.whose(),
        what,
        is_proved,
        typed: if is_wrong { wrong.typed } else { known.unwrap_or_default().to_owned() },
        problem: wrong.field,
        form_problem: wrong.form,
        forgets_email: who.before == Before::MinidAndEmail,
    };
    who.visitor.html(&page, is_wrong)
}

fn code_page(
    who: &Applicant<'_>,
    (to, code, is_again): (&Channel, Option<&OtcChallenge>, bool),
    wrong: &Wrong,
) -> Response {
    const ABOUT: Duration = Duration::from_mins(5);
    let now = who.visitor.call.now;
    let is_wrong = wrong.field.or(wrong.form).is_some();
    let valid_until = code.map_or(now.plus(ABOUT), OtcChallenge::valid_until);
    let (to, is_email, length) = match to {
        Channel::Mobile(phone) => (phone.grouped(), false, otc::LENGTH),
        Channel::Email(email) => (email.as_str().to_owned(), true, otc::LENGTH_BY_EMAIL),
    };
    let page = CodePage {
        frame: who.visitor.frame(),
        marks: who.marks(),
        whose: who.whose(),
        to,
        is_email,
        length,
        is_over: valid_until <= now,
        valid_until: text::in_norway(valid_until, "%H:%M"),
        code_problem: wrong.field,
        problem: wrong.form,
        notice: (is_again && !is_wrong).then_some("notice-code-sent-again"),
        forgets_email: who.before == Before::MinidAndEmail,
    };
    who.visitor.html(&page, is_wrong)
}

/// Something was typed on one of them, or passed over.
pub async fn answer(who: &Applicant<'_>, stage: &Stage, form: &Params) -> Result<Response, Refusal> {
    match (form.field("do"), stage) {
        (Some("next"), Stage::Mobile) => mobile(who, form.field("mobile").unwrap_or_default()).await,
        (Some("next"), Stage::Email) => email(who, form.field("email").unwrap_or_default()).await,
        (Some("skip"), Stage::Email | Stage::Code { to: Channel::Email(_), .. }) => {
            who.go(&with_email(who, None, false)).await
        }
        (Some("next"), Stage::Code { to, code: Some(code), .. }) => prove(who, (to, code), form).await,
        (Some("resend"), Stage::Code { code: Some(code), .. }) if !code.wait(who.visitor.call.now).is_zero() => {
            Ok(page(who, stage, Wrong::form("problem-resend-wait")))
        }
        (Some("resend"), Stage::Code { to, .. }) => send(who, stage, to).await,
        _ => Ok(who.visitor.go()),
    }
}

async fn mobile(who: &Applicant<'_>, typed: &str) -> Result<Response, Refusal> {
    match Phone::parse(typed) {
        // Back and forth again: it is proved already.
        Some(phone) if who.read.value.mobile.as_ref() == Some(&phone) => who.go(&who.at(Stage::Email)).await,
        Some(phone) => send(who, &Stage::Mobile, &Channel::Mobile(phone)).await,
        None => Ok(page(who, &Stage::Mobile, Wrong { typed: short(typed), ..Wrong::field("problem-mobile") })),
    }
}

async fn email(who: &Applicant<'_>, typed: &str) -> Result<Response, Refusal> {
    let task = &who.read.value;
    let key = if typed.trim().is_empty() { "problem-activation-email-empty" } else { "problem-email" };
    match Email::parse(typed) {
        Some(email) if task.email_is_proved && task.email.as_ref() == Some(&email) => {
            who.go(&with_email(who, Some(email), true)).await
        }
        Some(email) if who.visitor.call.app.world.mail.is_there() => {
            send(who, &Stage::Email, &Channel::Email(email)).await
        }
        Some(email) => who.go(&with_email(who, Some(email), false)).await,
        None => Ok(page(who, &Stage::Email, Wrong { typed: short(typed), ..Wrong::field(key) })),
    }
}

fn short(typed: &str) -> String {
    typed.chars().take(254).collect()
}

/// On to the password, with this address or none.
fn with_email(who: &Applicant<'_>, email: Option<Email>, email_is_proved: bool) -> Activation {
    Activation { email, email_is_proved, ..who.at(Stage::Password) }
}

/// Sends a code. Of a double click one does, and the other finds that it is on its way.
async fn send(who: &Applicant<'_>, from: &Stage, to: &Channel) -> Result<Response, Refusal> {
    let (call, words) = (&who.visitor.call, who.visitor.text());
    let is_again = matches!(from, Stage::Code { .. });
    let on_its_way = who.at(Stage::Code { to: to.clone(), code: None, is_again });
    // Where none has come another one may be asked for, and then there is nothing to write down.
    if on_its_way != who.read.value && !who.visitor.change(&who.read, &on_its_way).await? {
        return Ok(who.visitor.go());
    }
    let key = if matches!(to, Channel::Email(_)) { "mail-proof-code" } else { "sms-proof-code" };
    let message = |code: &str| Words { subject: words.t("mail-proof-subject"), text: words.with(key, "code", code) };
    let is_at_school = who.read.value.source == Source::School.name();
    let errand = if is_at_school { Errand::ProofAtSchool } else { Errand::Proof };
    let order = Order { to, person: Some(&who.person.id), from: call.browser.address, errand };
    let sending = otc::send(&call.app.world, &order, message, call.now).await?;
    let read = who.visitor.task::<Activation>().await?;
    let Some(read) = read.filter(|read| read.value == on_its_way) else { return Ok(who.visitor.go()) };
    let key = match sending {
        Sending::Sent(code) => {
            let sent = who.at(Stage::Code { to: to.clone(), code: Some(code), is_again });
            who.visitor.change(&read, &sent).await?;
            return Ok(who.visitor.go());
        }
        Sending::TooMany => "problem-proof-too-many",
        Sending::Failed => "problem-proof-failed",
    };
    who.visitor.change(&read, &who.read.value).await?;
    Ok(page(who, from, Wrong { typed: to.as_str().to_owned(), ..Wrong::form(key) }))
}

/// The code has come back: the try is written down before it is compared.
async fn prove(who: &Applicant<'_>, (to, code): (&Channel, &OtcChallenge), form: &Params) -> Result<Response, Refusal> {
    let wrong = |code: &OtcChallenge, key| {
        let stage = Stage::Code { to: to.clone(), code: Some(code.clone()), is_again: false };
        Ok(page(who, &stage, Wrong::field(key)))
    };
    let typed = form.field("code").unwrap_or_default();
    let (typed, tried) = match proof_code(typed, code, who.visitor.call.now) {
        Ok(found) => found,
        Err(key) => return wrong(code, key),
    };
    let written = who.at(Stage::Code { to: to.clone(), code: Some(tried.clone()), is_again: false });
    if !who.visitor.change(&who.read, &written).await? {
        return Ok(who.visitor.go());
    }
    if !tried.proves(&typed) {
        let key = if tried.left() == 0 { "problem-proof-used-up" } else { "problem-recover-code-wrong" };
        return wrong(&tried, key);
    }
    let read = who.visitor.task::<Activation>().await?;
    let Some(read) = read.filter(|read| read.value == written) else { return Ok(who.visitor.go()) };
    let next = match to.clone() {
        Channel::Mobile(phone) => Activation { mobile: Some(phone), ..who.at(Stage::Email) },
        Channel::Email(email) => with_email(who, Some(email), true),
    };
    who.visitor.change(&read, &next).await?;
    Ok(who.visitor.go())
}
