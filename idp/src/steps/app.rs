//! MinID's second page for those who have the MinID app: the number that is typed there, and waiting for the answer.

use askama::Template;
use authenticators::approval::{self, Answered, Asking, Purpose};
use authenticators::clock::Timestamp;
use authenticators::factor::{FactorKind, FirstFactor};
use authenticators::prove::Answer;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Common, Problems, Turn, clock_time, notice_of, problem_of};
use crate::browser;
use crate::error::Refusal;
use crate::flow::{LoginAttempt, Remark, Step};
use crate::page::Frame;

#[derive(Template)]
#[template(path = "minid_app.html")]
struct MinidApp {
    frame: Frame,
    action: String,
    csrf: String,
    /// None where nobody has been asked.
    number: Option<String>,
    asked: Option<String>,
    until: String,
    problem: Option<&'static str>,
    /// That it ends, and when.
    retires: Option<(&'static str, String)>,
    notice: Option<&'static str>,
}

/// The page.
pub fn page(turn: &Turn<'_>, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let attempt = turn.attempt();
    let asked = attempt.asked.as_ref().filter(|asked| asked.until > turn.call.now);
    let page = MinidApp {
        frame,
        action,
        csrf,
        number: asked.map(|asked| asked.number.clone()),
        asked: asked.map(|asked| asked.id.clone()),
        until: clock_time(asked.map_or(turn.call.now, |asked| asked.until)),
        problem: problems.form.or(attempt.remark.and_then(problem_of)),
        retires: turn.call.app.config.minid.notice(FactorKind::App, turn.call.now),
        notice: attempt.remark.and_then(notice_of),
    };
    turn.html(problems, &page)
}

/// Asks the person's devices, and goes on to the page that waits.
pub async fn enter(turn: &Turn<'_>, first: FirstFactor) -> Result<Response, Refusal> {
    let (app, now) = (turn.call.app, turn.call.now);
    let statement = |id: &str| facts(turn, Purpose::Login, id, now).to_string();
    let asking = approval::ask(&app.world, &first.person, &turn.place.key(), statement, now).await?;
    let again = turn.attempt().asked.is_some();
    let next = LoginAttempt { first: Some(first), ..turn.attempt().at(Step::App) };
    let next = match asking {
        Asking::Asked(asked) => {
            let next = LoginAttempt { asked: Some(asked), ..next };
            if again { next.saying(Remark::AskedAgain) } else { next }
        }
        Asking::Busy => LoginAttempt { asked: None, ..next.saying(Remark::AppBusy) },
        Asking::TooSoon => next.saying(Remark::NotYet),
        Asking::Quiet { .. } | Asking::Nobody => LoginAttempt { asked: None, ..next.saying(Remark::AppQuiet) },
    };
    turn.go(next).await
}

/// It goes on without the app: nobody is asked any more.
pub async fn leave(turn: &Turn<'_>) -> Result<(), Refusal> {
    if let Some(asked) = &turn.attempt().asked {
        approval::withdraw(&turn.call.app.world, asked, turn.call.now).await?;
    }
    Ok(())
}

/// What the app shows, and what is signed.
pub fn facts(turn: &Turn<'_>, purpose: Purpose, id: &str, now: Timestamp) -> Value {
    let request = &turn.attempt().request;
    let service = turn.place.client.registration.shown_name_for(request.onbehalfof.as_deref(), turn.text().language);
    let (software, system) = browser::described(&turn.call.browser.agent);
    let (app, address) = (turn.call.app, turn.call.browser.address.to_string());
    let mut statement = json!({
        "purpose": purpose.name(),
        "service": service,
        "at": now,
        "address": address,
        "browser": software,
        "system": system,
        "issuer": app.config.issuer.as_str(),
        "id": id,
    });
    // In the language of the login page: what is signed is what is shown, to the letter.
    let place = app.config.atlas.place_of(&address, turn.text().language);
    if let (Some(place), Some(statement)) = (place, statement.as_object_mut()) {
        statement.insert("place".to_owned(), place.into());
    }
    statement
}

/// What has become of the question: for the page that looks by itself.
pub async fn state(turn: &Turn<'_>) -> Result<&'static str, Refusal> {
    let attempt = turn.attempt();
    let (Step::App, Some(asked)) = (&attempt.step, &attempt.asked) else { return Ok("gone") };
    Ok(match approval::answered(&turn.call.app.world, asked, turn.call.now).await? {
        Answered::NotYet => "waiting",
        Answered::Approved(_) => "approved",
        Answered::Declined { .. } => "declined",
        Answered::Gone => "gone",
    })
}

/// The page looks, or something else is wanted.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let attempt = turn.attempt();
    let Some(first) = attempt.first.clone() else { return turn.go(attempt.from_the_password()).await };
    if turn.wants("method") {
        return turn.go(attempt.at(Step::Method)).await;
    }
    if turn.wants("resend") {
        return enter(turn, first).await;
    }
    let Some(asked) = attempt.asked.clone().filter(|_| turn.wants("next")) else { return Ok(turn.onwards()) };
    match approval::answered(&turn.call.app.world, &asked, turn.call.now).await? {
        Answered::NotYet => turn.go(attempt.saying(Remark::NotYet)).await,
        Answered::Approved(_) => {
            let id = asked.id.clone();
            turn.check(&id, Answer::App(asked)).await
        }
        // Whoever sits here knows the password: they begin at the beginning.
        Answered::Declined { .. } => turn.go(attempt.from_the_password().saying(Remark::AppDeclined)).await,
        Answered::Gone => turn.go(LoginAttempt { asked: None, ..attempt.saying(Remark::AppTooLate) }).await,
    }
}
