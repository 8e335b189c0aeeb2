//! How the citizen is reached: every ninety days they are asked whether it is right, and may pass that over.

use std::time::Duration;

use askama::Template;
use authenticators::contact::{self, Channel, Contact, Email, Known, Missing, Phone};
use authenticators::otc::{self, Errand, Order, OtcChallenge, Sending, Words};
use authenticators::person::PersonId;
use authenticators::trail::Event;
use axum::response::Response;

use super::{Common, Problems, Turn, clock_time, notice_of, problem_of, proof_code};
use crate::contact_change;
use crate::error::Refusal;
use crate::flow::{Authentication, ContactStep, LoginAttempt, Remark, Sent, Step};
use crate::page::Frame;
use crate::profile_pages::contact::{Offered, offered};

/// Who passes the page over sees it again after so long.
const NOT_BEFORE: Duration = Duration::from_hours(7 * 24);
/// The register's page comes again after this time without a word; see `authenticators::contact`.
const ASK_AGAIN: Duration = Duration::from_hours(90 * 24);
/// For how long after the proof what it proves is enough to change something.
const FRESH: Duration = Duration::from_mins(15);

#[derive(Template)]
#[template(path = "contact_confirm.html")]
struct Confirm {
    frame: Frame,
    action: String,
    csrf: String,
    mobile: Option<String>,
    email: Option<String>,
    mail: bool,
    /// Where a digital postbox can be chosen; nowhere, where none is offered.
    offered: Vec<Offered>,
    notice: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "contact_edit.html")]
struct Edit {
    frame: Frame,
    action: String,
    csrf: String,
    /// `mobile` or `email`.
    what: &'static str,
    /// Whether something else than this is there already.
    is_change: bool,
    typed: String,
    problem: Option<&'static str>,
    form_problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "contact_code.html")]
struct Code {
    frame: Frame,
    action: String,
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

/// The page of a stage.
pub async fn page(turn: &Turn<'_>, stage: ContactStep, problems: &Problems) -> Result<Response, Refusal> {
    let Common { frame, action, csrf } = turn.common();
    let (attempt, app) = (turn.attempt(), turn.call.app);
    let Some(proved) = &attempt.proved else { return Ok(turn.onwards()) };
    let known = Contact::of(app.world.db.pool(), proved.person()).await?;
    let edit = |what: &'static str, frame, action, csrf| Edit {
        frame,
        action,
        csrf,
        what,
        is_change: if what == "mobile" { known.mobile.is_some() } else { known.email.is_some() },
        typed: problems.typed.clone(),
        problem: problems.mobile.or(problems.email),
        form_problem: problems.form.or(attempt.remark.and_then(problem_of)),
    };
    Ok(match stage {
        ContactStep::Confirm => {
            let (mobile, email) = (known.mobile.as_ref().map(Phone::grouped), known.email.as_ref());
            let email = email.map(|email| email.as_str().to_owned());
            let notice = attempt.remark.and_then(notice_of);
            let mail = app.world.mail.is_there();
            let offered = proved.fnr().map(|fnr| offered(&known, fnr, turn.call.now)).unwrap_or_default();
            turn.html(problems, &Confirm { frame, action, csrf, mobile, email, mail, offered, notice })
        }
        ContactStep::Add(Missing::Email) | ContactStep::Email => {
            turn.html(problems, &edit("email", frame, action, csrf))
        }
        ContactStep::Add(_) | ContactStep::Mobile => turn.html(problems, &edit("mobile", frame, action, csrf)),
        ContactStep::Code => {
            let code = attempt.sent.as_ref().map(|sent| &sent.code);
            let to = attempt.sent.as_ref().and_then(|sent| sent.to.as_ref());
            let page = Code {
                frame,
                action,
                csrf,
                to: to.map(shown).unwrap_or_default(),
                is_email: matches!(to, Some(Channel::Email(_))),
                length: code.map_or(otc::LENGTH, OtcChallenge::length),
                is_over: code.is_none_or(|code| code.valid_until() <= turn.call.now),
                valid_until: clock_time(code.map_or(turn.call.now, OtcChallenge::valid_until)),
                code_problem: problems.code,
                problem: problems.form.or(attempt.remark.and_then(problem_of)),
                notice: attempt.remark.and_then(notice_of),
            };
            turn.html(problems, &page)
        }
    })
}

fn shown(channel: &Channel) -> String {
    match channel {
        Channel::Mobile(phone) => phone.grouped(),
        Channel::Email(email) => email.as_str().to_owned(),
    }
}

/// Something was said, or passed over.
pub async fn answer(turn: &Turn<'_>, stage: ContactStep) -> Result<Response, Refusal> {
    let Some(proved) = turn.in_session().await? else { return turn.other_eid().await };
    let (app, now) = (turn.call.app, turn.call.now);
    if turn.wants("skip") {
        // As if it had been said so long ago that the page comes again in a week.
        let asked_at = now.minus(ASK_AGAIN).plus(NOT_BEFORE);
        contact::note_asked(app.world.db.pool(), proved.person(), asked_at).await?;
        return pass(turn, proved).await;
    }
    if turn.wants("confirm") {
        let mut tx = app.world.db.begin().await?;
        contact::confirm(&mut tx, proved.person(), now).await?;
        let event = turn.call.told(Event::by_oneself("contact-confirmed", proved.person()));
        app.world.trail.append(&mut tx, &event, now).await?;
        tx.commit().await?;
        return pass(turn, proved).await;
    }
    if turn.wants("back") {
        return turn.go(LoginAttempt { sent: None, ..turn.attempt().at(Step::Contact(ContactStep::Confirm)) }).await;
    }
    // Whoever thinks for long proves again who they are before something is changed.
    if now.since(proved.at()) > FRESH {
        return turn.other_eid().await;
    }
    match turn.form.field("do") {
        Some("mobile") => turn.go(turn.attempt().at(Step::Contact(ContactStep::Mobile))).await,
        Some("email") => turn.go(turn.attempt().at(Step::Contact(ContactStep::Email))).await,
        Some("next") if stage == ContactStep::Code => code(turn, proved).await,
        Some("next") => edit(turn, proved.person(), stage).await,
        Some("resend") => resend(turn, proved.person()).await,
        _ => Ok(turn.onwards()),
    }
}

/// On to what comes after this page.
async fn pass(turn: &Turn<'_>, proved: Authentication) -> Result<Response, Refusal> {
    let due = turn.due(turn.attempt(), &proved).await?.without_contact();
    let ended = turn.end(&turn.read, turn.attempt().clone(), (proved, due)).await?;
    Ok(ended.unwrap_or_else(|| turn.onwards()))
}

async fn edit(turn: &Turn<'_>, person: &PersonId, stage: ContactStep) -> Result<Response, Refusal> {
    let by_email = matches!(stage, ContactStep::Email | ContactStep::Add(Missing::Email));
    let typed = turn.form.field(if by_email { "email" } else { "mobile" }).unwrap_or_default();
    let channel = match by_email {
        true => Email::parse(typed).map(Channel::Email),
        false => Phone::parse(typed).map(Channel::Mobile),
    };
    let Some(channel) = channel else {
        let typed: String = typed.chars().take(254).collect();
        let problems = match by_email {
            true => Problems { email: Some("problem-email"), typed, ..Problems::default() },
            false => Problems { mobile: Some("problem-mobile"), typed, ..Problems::default() },
        };
        return turn.page(&problems).await;
    };
    turn.once(Box::pin(send(turn, person, channel))).await
}

async fn resend(turn: &Turn<'_>, person: &PersonId) -> Result<Response, Refusal> {
    let sent = turn.attempt().sent.clone();
    let Some((to, code)) = sent.and_then(|sent| Some((sent.to?, sent.code))) else { return Ok(turn.onwards()) };
    match code.wait(turn.call.now).is_zero() {
        true => turn.once(Box::pin(send(turn, person, to))).await,
        false => turn.go(turn.attempt().saying(Remark::TooSoon)).await,
    }
}

async fn send(turn: &Turn<'_>, person: &PersonId, to: Channel) -> Result<Response, Refusal> {
    let (app, text) = (turn.call.app, turn.text());
    let words = |code: &str| Words {
        subject: text.t("mail-proof-subject"),
        text: text.with(
            if matches!(to, Channel::Email(_)) { "mail-proof-code" } else { "sms-proof-code" },
            "code",
            code,
        ),
    };
    let order = Order { to: &to, person: Some(person), from: turn.call.browser.address, errand: Errand::Proof };
    let again = turn.attempt().step == Step::Contact(ContactStep::Code);
    Ok(match otc::send(&app.world, &order, words, turn.call.now).await? {
        Sending::Sent(code) => {
            let next = turn.attempt().at(Step::Contact(ContactStep::Code));
            let next = LoginAttempt { sent: Some(Sent { to: Some(to), code }), ..next };
            turn.go(if again { next.saying(Remark::SentAgain) } else { next }).await?
        }
        Sending::TooMany => turn.go(turn.attempt().saying(Remark::ProofTooMany)).await?,
        Sending::Failed => turn.go(turn.attempt().saying(Remark::ProofFailed)).await?,
    })
}

async fn code(turn: &Turn<'_>, proved: Authentication) -> Result<Response, Refusal> {
    let (attempt, app, now) = (turn.attempt(), turn.call.app, turn.call.now);
    let Some((to, code)) = attempt.sent.clone().and_then(|sent| Some((sent.to?, sent.code))) else {
        return Ok(turn.onwards());
    };
    let problem = |code| Problems { code: Some(code), ..Problems::default() };
    let (typed, tried) = match proof_code(turn.form.field("code").unwrap_or_default(), &code, now) {
        Ok(found) => found,
        Err(key) => return turn.page(&problem(key)).await,
    };
    // The try is written down before it is compared.
    let sent = Some(Sent { to: Some(to.clone()), code: tried.clone() });
    if !turn.write(&turn.read, LoginAttempt { sent, ..attempt.clone() }).await? {
        return Ok(turn.onwards());
    }
    let read = turn.again().await?;
    if !tried.proves(&typed) {
        let key = if tried.left() == 0 { "problem-proof-used-up" } else { "problem-recover-code-wrong" };
        return turn.with(read).page(&problem(key)).await;
    }
    contact_change::set(&turn.call, proved.person(), &to, Known::Proved).await?;
    let done = LoginAttempt { sent: None, ..read.value.clone() };
    if !turn.write(&read, done).await? {
        return Ok(turn.onwards());
    }
    let read = turn.again().await?;
    let left = Contact::of(app.world.db.pool(), proved.person()).await?;
    // The other one, if it is missing as well and can be proved.
    let asks_on = left.email.is_none() && app.world.mail.is_there() && matches!(to, Channel::Mobile(_));
    if asks_on {
        turn.write(&read, read.value.at(Step::Contact(ContactStep::Add(Missing::Email)))).await?;
        return Ok(turn.onwards());
    }
    pass(&turn.with(read), proved).await
}
