//! MinID's second page for those who get an SMS.

use askama::Template;
use authenticators::contact::{self, Channel};
use authenticators::factor::{FactorKind, FirstFactor, Stop};
use authenticators::otc::{self, Errand, Order, OtcChallenge, Sending, Words};
use authenticators::prove::Answer;
use axum::response::Response;

use super::{Common, Problems, Turn, bare, clock_time, notice_of, nudge, problem_of};
use crate::error::Refusal;
use crate::flow::{LoginAttempt, Nudge, Remark, Sent, Step};
use crate::page::Frame;

#[derive(Template)]
#[template(path = "minid_code.html")]
struct MinidCode {
    frame: Frame,
    action: String,
    csrf: String,
    phone: String,
    has_code: bool,
    code_problem: Option<&'static str>,
    problem: Option<&'static str>,
    notice: Option<&'static str>,
    /// From when on an SMS no longer does for a login.
    retires: Option<(&'static str, String)>,
    nudge: Option<Nudge>,
    sets_up: bool,
    seconds_left: i64,
    valid_until: String,
    can_extend: bool,
    wait: i64,
}

/// The page.
pub fn page(turn: &Turn<'_>, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let (attempt, now) = (turn.attempt(), turn.call.now);
    let sent = attempt.sent.as_ref();
    let code = sent.map(|sent| &sent.code);
    let until = code.map_or(now, OtcChallenge::valid_until);
    let page = MinidCode {
        frame,
        action,
        csrf,
        phone: sent.and_then(|sent| sent.to.as_ref()).map(Channel::masked).unwrap_or_default(),
        has_code: code.is_some(),
        code_problem: problems.code,
        problem: problems.form.or(attempt.remark.and_then(problem_of)),
        notice: attempt.remark.and_then(notice_of),
        retires: turn.call.app.config.minid.notice(FactorKind::Otc, now),
        nudge: attempt.nudge,
        sets_up: attempt.sets_up,
        seconds_left: i64::try_from(until.since(now).as_secs()).unwrap_or(0),
        valid_until: clock_time(until),
        can_extend: code.is_some_and(|code| code.can_be_extended(now)),
        wait: code.map_or(0, |code| i64::try_from(code.wait(now).as_secs()).unwrap_or(0)),
    };
    turn.html(problems, &page)
}

/// Sends a code to the telephone of somebody who has given the right password, and goes on to its page.
pub async fn enter(turn: &Turn<'_>, first: FirstFactor) -> Result<Response, Refusal> {
    let app = turn.call.app;
    let mobile = contact::mobile(app.world.db.pool(), Some(&first.person)).await?;
    let Some(mobile) = mobile else { return turn.go(turn.attempt().at(Step::Stopped(Stop::NoSecondFactor))).await };
    let text = turn.text();
    let host = app.config.issuer.host().to_owned();
    // The last line is WebOTP's: browsers offer the code on this site alone.
    let words = |code: &str| Words {
        subject: String::new(),
        text: format!("{}\n\n@{host} #{code}", text.with("sms-code", "code", code)),
    };
    let to = Channel::Mobile(mobile);
    let order = Order { to: &to, person: Some(&first.person), from: turn.call.browser.address, errand: Errand::Login };
    let sending = otc::send(&app.world, &order, words, turn.call.now).await?;
    let again = turn.attempt().sent.is_some();
    let nudge = nudge::due(turn, &first.person).await?;
    let next = LoginAttempt { first: Some(first), nudge, ..turn.attempt().at(Step::Otc) };
    let next = match sending {
        Sending::Sent(code) => {
            let next = LoginAttempt { sent: Some(Sent { to: Some(to), code }), ..next };
            if again { next.saying(Remark::SentAgain) } else { next }
        }
        Sending::TooMany => next.saying(Remark::SmsTooMany),
        Sending::Failed => next.saying(Remark::SmsFailed),
    };
    turn.go(next).await
}

/// A code was typed, or something else is wanted.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let (attempt, now) = (turn.attempt(), turn.call.now);
    let Some(first) = attempt.first.clone() else { return turn.go(attempt.from_the_password()).await };
    if turn.wants("resend") {
        return match &attempt.sent {
            Some(sent) if !sent.code.wait(now).is_zero() => turn.go(attempt.saying(Remark::TooSoon)).await,
            _ => turn.once(Box::pin(enter(turn, first))).await,
        };
    }
    if turn.wants("extend") {
        let sent = attempt.sent.clone().map(|sent| Sent { code: sent.code.extended(now), ..sent });
        return turn.go(LoginAttempt { sent, ..attempt.saying(Remark::MoreTime) }).await;
    }
    if turn.wants("method") {
        return turn.go(attempt.at(Step::Method)).await;
    }
    let Some(typed) = turn.form.field("code").or(turn.wants("next").then_some("")) else {
        return Ok(turn.onwards());
    };
    let typed = bare(typed);
    let problem = |code| Problems { code: Some(code), ..Problems::default() };
    if typed.is_empty() && turn.wants("next") {
        return turn.page(&problem("problem-code-empty")).await;
    }
    if typed.len() != otc::LENGTH || !typed.bytes().all(|b| b.is_ascii_digit()) {
        return turn.page(&problem("problem-code-digits")).await;
    }
    match attempt.sent.as_ref().filter(|sent| sent.code.valid_until() > now) {
        Some(sent) => {
            nudge::note(turn).await?;
            turn.check(&typed, Answer::Otc(sent.code.clone(), typed.clone())).await
        }
        None => turn.page(&problem("problem-code-expired")).await,
    }
}
