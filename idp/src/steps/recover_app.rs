//! The password is forgotten, and the MinID app answers instead of both codes.
//!
//! Whoever asks has shown nothing but an identifier that anybody can type. What the page says, how long it waits and what
//! it takes to answer is the same whether anybody was asked or not; and a no in the app is not told, for it would say that
//! there is somebody.

use askama::Template;
use authenticators::approval::{self, Answered, Asked, Purpose};
use authenticators::chance::TokenHash;
use authenticators::person::{Fnr, Person};
use authenticators::prove::{self, RecoveryVerdict};
use axum::response::Response;

use super::{Common, Problems, Turn, app, clock_time, notice_of, problem_of, recover};
use crate::error::Refusal;
use crate::flow::{LoginAttempt, Recover, Remark, Step};
use crate::page::Frame;
use crate::text::Language;

const STEP: Step = Step::Recover(Recover::App);

#[derive(Template)]
#[template(path = "minid_recover_app.html")]
struct MinidRecoverApp {
    frame: Frame,
    action: String,
    csrf: String,
    /// None where the time is over.
    number: Option<String>,
    asked: String,
    until: String,
    problem: Option<&'static str>,
    notice: Option<&'static str>,
}

/// The page.
pub fn page(turn: &Turn<'_>, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let (attempt, now) = (turn.attempt(), turn.call.now);
    let asked = attempt.asked.as_ref().filter(|asked| asked.until > now);
    let page = MinidRecoverApp {
        frame,
        action,
        csrf,
        number: asked.map(|asked| asked.number.clone()),
        asked: asked.map(|asked| asked.id.clone()).unwrap_or_default(),
        until: clock_time(asked.map_or(now, |asked| asked.until)),
        problem: match attempt.remark {
            Some(Remark::AppTooLate) => Some("problem-recover-app-too-late"),
            other => other.and_then(problem_of),
        },
        notice: match attempt.remark {
            Some(Remark::AskedAgain) => Some("notice-recover-app-again"),
            other => other.and_then(notice_of),
        },
    };
    turn.html(problems, &page)
}

/// To the page that waits. What has been asked for the same person is not asked twice.
pub async fn enter(turn: &Turn<'_>, fnr: Fnr) -> Result<Response, Refusal> {
    let attempt = turn.attempt();
    let is_asked = attempt.asked.as_ref().is_some_and(|asked| asked.until > turn.call.now);
    if is_asked && attempt.known.as_ref() == Some(&fnr) {
        return turn.go(attempt.at(STEP)).await;
    }
    ask(turn, fnr).await
}

/// Asks whoever has this identifier, if anybody has: the login is written down first, so that of a double click one asks,
/// and the page shows its number.
async fn ask(turn: &Turn<'_>, fnr: Fnr) -> Result<Response, Refusal> {
    app::leave(turn).await?;
    let (world, now, attempt) = (&turn.call.app.world, turn.call.now, turn.attempt());
    let person = Person::by_fnr(world.db.pool(), &fnr).await?.map(|person| person.id);
    let asked = Asked::fresh(world, person.as_ref(), now)?;
    let next = LoginAttempt { known: Some(fnr), sent: None, asked: Some(asked.clone()), ..attempt.at(STEP) };
    let next = if attempt.step == STEP { next.saying(Remark::AskedAgain) } else { next };
    if turn.write(&turn.read, next).await? {
        // Not the name by which the login asks that comes after the new password, which waits for no cool-down.
        let asked_by = TokenHash::of(&turn.place.id.derive("forgotten password"));
        let from = turn.call.browser.neighbourhood();
        approval::ask_unseen(world, &asked, (asked_by, from), statement(turn, &asked), now);
    }
    Ok(turn.onwards())
}

/// What the app shows, and what is signed: with words that cannot be taken for those of a login, in the language of whoever
/// reads them, and not of whoever asks.
fn statement(turn: &Turn<'_>, asked: &Asked) -> impl FnOnce(Option<&str>) -> String + Send + 'static {
    let mut facts = app::facts(turn, Purpose::NewPassword, &asked.id, turn.call.now);
    let words = turn.call.app.words;
    move |language| {
        let text = words.text(language.and_then(Language::parse).unwrap_or_default());
        if let Some(facts) = facts.as_object_mut() {
            facts.insert("says".to_owned(), text.t("app-says-new-password").into());
            facts.insert("language".to_owned(), text.language.of_words().code().into());
        }
        facts.to_string()
    }
}

/// What has become of the question: for the page that looks by itself.
pub async fn state(turn: &Turn<'_>) -> Result<&'static str, Refusal> {
    let Some(asked) = &turn.attempt().asked else { return Ok("gone") };
    Ok(match (is_approved(turn, asked).await?, asked.until > turn.call.now) {
        (true, _) => "approved",
        (false, true) => "waiting",
        (false, false) => "gone",
    })
}

async fn is_approved(turn: &Turn<'_>, asked: &Asked) -> Result<bool, Refusal> {
    let answered = approval::answered(&turn.call.app.world, asked, turn.call.now).await?;
    Ok(matches!(answered, Answered::Approved(_)))
}

/// The page looks, or something else is wanted.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let (attempt, now) = (turn.attempt(), turn.call.now);
    let Some(fnr) = attempt.known.clone() else { return turn.go(attempt.at(Step::Recover(Recover::Who))).await };
    if turn.wants("codes") {
        app::leave(turn).await?;
        return recover::send(turn, fnr, Recover::Sms).await;
    }
    if turn.wants("resend") {
        return match attempt.asked.as_ref().is_none_or(|asked| asked.wait(now).is_zero()) {
            true => ask(turn, fnr).await,
            false => turn.go(attempt.saying(Remark::NotYet)).await,
        };
    }
    let Some(asked) = attempt.asked.clone().filter(|_| turn.wants("next")) else { return Ok(turn.onwards()) };
    match (is_approved(turn, &asked).await?, asked.until > now) {
        (true, _) => approved(turn, &fnr, &asked).await,
        (false, true) => turn.go(attempt.saying(Remark::NotYet)).await,
        (false, false) => turn.go(LoginAttempt { asked: None, ..attempt.saying(Remark::AppTooLate) }).await,
    }
}

/// The approval is used up here, so others who look meanwhile do not keep it from counting.
async fn approved(turn: &Turn<'_>, fnr: &Fnr, asked: &Asked) -> Result<Response, Refusal> {
    let step = match prove::recovery_by_app(&turn.call.app.world, fnr, asked, turn.call.now).await? {
        RecoveryVerdict::Right => Step::NewPassword,
        RecoveryVerdict::Stopped(stop) => Step::Stopped(stop),
        // Another click has come first, or the device is theirs no longer.
        RecoveryVerdict::Wrong => return Ok(turn.onwards()),
    };
    let mut read = turn.again().await?;
    while read.value.step == STEP && read.value.asked.as_ref() == Some(asked) {
        let proved = LoginAttempt { sent: None, ceremony: None, asked: None, tries: 0, ..read.value.at(step.clone()) };
        if turn.write(&read, proved).await? {
            break;
        }
        read = turn.again().await?;
    }
    Ok(turn.onwards())
}
