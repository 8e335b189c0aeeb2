//! Logging in by an e-mail address: a code goes there, and whoever brings it back is a guest of whom nothing else is known.
//! What is shown is the same whether somebody with that address has been here or not.

use askama::Template;
use authenticators::chance::Token;
use authenticators::contact::{Channel, Email};
use authenticators::guest::Guest;
use authenticators::known_browser;
use authenticators::otc::{self, Errand, Order, OtcChallenge, Sending, Words};
use authenticators::throttle::Lane;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Common, Problems, Turn, bare, clock_time, notice_of, problem_of};
use crate::acr::Eid;
use crate::browser::{self, CookieName};
use crate::error::Refusal;
use crate::flow::{Authentication, EmailStep, LoginAttempt, Remark, Sent, Step};
use crate::page::Frame;

#[derive(Template)]
#[template(path = "email_address.html")]
struct Address {
    frame: Frame,
    action: String,
    csrf: String,
    typed: String,
    email_problem: Option<&'static str>,
    problem: Option<&'static str>,
    can_go_back: bool,
}

#[derive(Template)]
#[template(path = "email_code.html")]
struct Code {
    frame: Frame,
    action: String,
    csrf: String,
    to: String,
    length: usize,
    /// Why the code is no good any more.
    over: Option<&'static str>,
    valid_until: String,
    can_extend: bool,
    code_problem: Option<&'static str>,
    problem: Option<&'static str>,
    notice: Option<&'static str>,
}

/// The page of a stage.
pub fn page(turn: &Turn<'_>, stage: EmailStep, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let (attempt, now) = (turn.attempt(), turn.call.now);
    let problem = problems.form.or(attempt.remark.and_then(problem_of));
    match (stage, &attempt.sent) {
        (EmailStep::Code, Some(Sent { to, code })) => {
            let over = over(attempt, code, turn);
            let page = Code {
                frame,
                action,
                csrf,
                to: to.as_ref().map(|to| to.as_str().to_owned()).unwrap_or_default(),
                length: code.length(),
                over,
                valid_until: clock_time(code.valid_until()),
                can_extend: code.can_be_extended(now),
                code_problem: problems.code,
                problem: problem.filter(|_| over.is_none() || problem != over),
                notice: attempt.remark.and_then(notice_of),
            };
            turn.html(problems, &page)
        }
        _ => {
            let (typed, email_problem) = (problems.typed.clone(), problems.email);
            let can_go_back = turn.can_go_back();
            turn.html(problems, &Address { frame, action, csrf, typed, email_problem, problem, can_go_back })
        }
    }
}

fn over(attempt: &LoginAttempt, code: &OtcChallenge, turn: &Turn<'_>) -> Option<&'static str> {
    match (attempt.left(), code.valid_until() <= turn.call.now) {
        (0, _) => Some("problem-proof-used-up"),
        (_, true) => Some("problem-code-expired"),
        (_, false) => None,
    }
}

/// Something was typed, or another code is wanted.
pub async fn answer(turn: &Turn<'_>, stage: EmailStep) -> Result<Response, Refusal> {
    let attempt = turn.attempt();
    let address = || LoginAttempt { sent: None, tries: 0, ..attempt.at(Step::Email(EmailStep::Address)) };
    match (stage, attempt.sent.clone(), turn.form.field("do")) {
        (EmailStep::Address, _, Some("back")) => turn.other_eid().await,
        (EmailStep::Address, _, Some("next")) => to_an_address(turn).await,
        (EmailStep::Address, ..) => Ok(turn.onwards()),
        (EmailStep::Code, None, _) | (EmailStep::Code, _, Some("back")) => turn.go(address()).await,
        (EmailStep::Code, Some(sent), Some("resend")) => resend(turn, sent).await,
        (EmailStep::Code, Some(sent), Some("extend")) => {
            let sent = Some(Sent { code: sent.code.extended(turn.call.now), ..sent });
            turn.go(LoginAttempt { sent, ..attempt.saying(Remark::MoreTime) }).await
        }
        // The second of a double click on the page before.
        (EmailStep::Code, Some(_), _) if turn.form.field("email").is_some() => Ok(turn.onwards()),
        (EmailStep::Code, Some(sent), _) => code(turn, sent).await,
    }
}

async fn to_an_address(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let typed = turn.form.field("email").unwrap_or_default();
    match Email::parse(typed) {
        Some(email) => turn.once(Box::pin(send(turn, email.in_small_letters()))).await,
        None => {
            let typed = typed.chars().take(254).collect();
            turn.page(&Problems { email: Some("problem-email"), typed, ..Problems::default() }).await
        }
    }
}

async fn resend(turn: &Turn<'_>, sent: Sent) -> Result<Response, Refusal> {
    let Some(Channel::Email(email)) = sent.to else { return Ok(turn.onwards()) };
    match sent.code.wait(turn.call.now).is_zero() {
        true => turn.once(Box::pin(send(turn, email))).await,
        false => turn.go(turn.attempt().saying(Remark::TooSoon)).await,
    }
}

async fn send(turn: &Turn<'_>, email: Email) -> Result<Response, Refusal> {
    let (app, now, text) = (turn.call.app, turn.call.now, turn.text());
    let onbehalfof = turn.attempt().request.onbehalfof.as_deref();
    let service = turn.place.client.registration.shown_name_for(onbehalfof, text.language);
    // Whoever is tricked into passing the code on can see what it opens.
    let words = |code: &str| {
        let parts = [
            text.with("mail-login-code", "code", code),
            text.with("mail-login-service", "service", service),
            text.t("mail-login-warning"),
        ];
        Words { subject: text.t("mail-login-subject"), text: parts.join("\n\n") }
    };
    let guest = Guest::by_email(&app.world.vault, &email);
    let known = turn.call.browser.known.as_ref().map(Token::hash);
    let lane = known_browser::lane(&app.world.db, known.as_ref(), Some(guest.id())).await?;
    let to = Channel::Email(email);
    let person = (lane != Lane::Strangers).then(|| guest.id());
    let order = Order { to: &to, person, from: turn.call.browser.address, errand: Errand::Mailbox };
    let again = turn.attempt().step == Step::Email(EmailStep::Code);
    let failed = |key, status| Problems {
        form: Some(key),
        status: Some(status),
        typed: to.as_str().to_owned(),
        ..Problems::default()
    };
    match otc::send(&app.world, &order, words, now).await? {
        Sending::Sent(code) => {
            let next = turn.attempt().at(Step::Email(EmailStep::Code));
            let next = LoginAttempt { sent: Some(Sent { to: Some(to), code }), tries: 0, ..next };
            turn.go(if again { next.saying(Remark::SentAgain) } else { next }).await
        }
        Sending::TooMany => turn.page(&failed("problem-proof-too-many", StatusCode::TOO_MANY_REQUESTS)).await,
        Sending::Failed => turn.page(&failed("problem-proof-failed", StatusCode::SERVICE_UNAVAILABLE)).await,
    }
}

async fn code(turn: &Turn<'_>, sent: Sent) -> Result<Response, Refusal> {
    let typed = bare(turn.form.field("code").unwrap_or_default());
    let problem = |code| Problems { code: Some(code), ..Problems::default() };
    if typed.is_empty() {
        return turn.page(&problem("problem-recover-code-empty")).await;
    }
    if typed.len() != sent.code.length() || !typed.bytes().all(|b| b.is_ascii_digit()) {
        return turn.page(&problem("problem-email-code-digits")).await;
    }
    if let Some(form) = over(turn.attempt(), &sent.code, turn) {
        return turn.page(&Problems { form: Some(form), ..Problems::default() }).await;
    }
    let Some(Channel::Email(email)) = sent.to else { return Ok(turn.onwards()) };
    // The try is written down before it is compared.
    let step = Step::Email(EmailStep::Code);
    let Some(reserved) = turn.reserve(&step).await? else { return turn.twice_or_onwards(&typed).await };
    if !sent.code.proves(&typed) {
        let problems = match reserved.value.left() {
            0 => Problems { form: Some("problem-proof-used-up"), ..Problems::default() },
            1 => problem("problem-email-code-wrong-last"),
            _ => problem("problem-recover-code-wrong"),
        };
        return turn.with(reserved).page(&problems).await;
    }
    let (app, now) = (turn.call.app, turn.call.now);
    let guest = Guest::by_email(&app.world.vault, &email);
    guest.welcome(&app.world.db, now).await?;
    let proved = Authentication::by_email(&guest, email, now);
    let attempt = LoginAttempt { answer: Some(turn.answer_hash(&typed)), ..reserved.value.clone() };
    let Some(mut response) = turn.end_proved(&reserved, &attempt, &proved).await? else {
        return turn.twice_or_onwards(&typed).await;
    };
    let known = turn.call.browser.known.clone().map_or_else(|| app.world.chance.token(), Ok)?;
    known_browser::remember(&app.world.db, &known.hash(), guest.id(), now).await?;
    browser::set(app, response.headers_mut(), CookieName::Known, known.reveal());
    Ok(turn.remembering(&Eid::Email, response))
}
