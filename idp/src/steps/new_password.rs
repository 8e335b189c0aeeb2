//! Another password: chosen by somebody who has forgotten theirs, or has to have another.

use std::time::Duration;

use askama::Template;
use authenticators::chance::Token;
use authenticators::person::{Person, PersonId};
use authenticators::trail::Event;
use authenticators::{device, prove};
use axum::response::Response;

use super::{Common, Problems, Turn, password};
use crate::error::Refusal;
use crate::flow::{Authentication, LoginAttempt, Step};
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::password_change::{self, Chosen};

#[derive(Template)]
#[template(path = "minid_new_password.html")]
struct MinidNewPassword {
    frame: Frame,
    action: String,
    csrf: String,
    /// Whether they had no choice.
    is_demanded: bool,
    fnr: String,
    password_problem: Option<&'static str>,
    hints: Vec<&'static str>,
    repeat_problem: Option<&'static str>,
}

/// The page.
pub fn page(turn: &Turn<'_>, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let attempt = turn.attempt();
    let fnr = attempt.proved.as_ref().and_then(Authentication::fnr).or(attempt.known.as_ref());
    let page = MinidNewPassword {
        frame,
        action,
        csrf,
        is_demanded: attempt.proved.is_some(),
        // For the browser's store of passwords.
        fnr: fnr.map(|fnr| fnr.as_str().to_owned()).unwrap_or_default(),
        password_problem: problems.password,
        hints: problems.hints.clone(),
        repeat_problem: problems.code,
    };
    turn.html(problems, &page)
}

/// One was chosen.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    // The page that waited for the app goes on by itself, and its reader may have pressed the button as well.
    if !turn.wants("next") || turn.form.field("asked").is_some() {
        return Ok(turn.onwards());
    }
    let (app, now, attempt) = (turn.call.app, turn.call.now, turn.attempt());
    let Some(person) = whose(turn).await? else { return turn.go(attempt.from_the_password()).await };
    let typed = turn.form.field("password").unwrap_or_default();
    let repeated = turn.form.field("repeat").unwrap_or_default();
    let phc = match password_change::choose(app, &person, (typed, repeated)).await? {
        Chosen::Good(phc) => phc,
        Chosen::Bad(problem) => {
            let (password, code) = (problem.password, problem.repeat);
            return turn.page(&Problems { password, code, hints: problem.hints, ..Problems::default() }).await;
        }
        Chosen::Busy => {
            return turn.page(&Problems { password: Some("problem-busy"), ..Problems::default() }).await;
        }
    };
    // Of a double click one changes it, and nobody who comes later.
    let next = LoginAttempt { step: Step::Password, ..attempt.clone() };
    if !turn.write(&turn.read, next).await? {
        return Ok(turn.onwards());
    }
    let listener = Listener::of(app, &person.id).await?;
    if !change(turn, &person.id, &phc).await? {
        let turn = turn.with(turn.again().await?);
        return turn.go(turn.attempt().from_the_password()).await;
    }
    listener.tell(app, Notice::PasswordChanged, now);
    let read = turn.again().await?;
    match attempt.proved.clone() {
        Some(proved) => {
            // The password that was given before is nobody's now: what comes next goes by the new one.
            let known = turn.call.browser.known.as_ref().map(Token::hash);
            let first = prove::recovered(&app.world, &person.fnr, known.as_ref(), now).await?;
            let renewed = LoginAttempt { first, ..read.value.clone() };
            let due = turn.due(&renewed, &proved).await?;
            Ok(turn.end(&read, renewed, (proved, due)).await?.unwrap_or_else(|| turn.onwards()))
        }
        None => {
            let known = turn.call.browser.known.as_ref().map(Token::hash);
            match prove::recovered(&app.world, &person.fnr, known.as_ref(), now).await? {
                Some(first) => {
                    let recovered = LoginAttempt { recovered: Some(person.id), ..read.value.clone() };
                    if !turn.write(&read, recovered).await? {
                        return Ok(turn.onwards());
                    }
                    password::second(&turn.with(turn.again().await?), first).await
                }
                None => Ok(turn.onwards()),
            }
        }
    }
}

/// Whose it will be: somebody who is proved, or who has answered the codes.
async fn whose(turn: &Turn<'_>) -> Result<Option<Person>, Refusal> {
    let (attempt, db) = (turn.attempt(), turn.call.app.world.db.pool());
    Ok(match (&attempt.proved, &attempt.known) {
        (Some(proved), _) => Person::by_id(db, proved.person()).await?,
        (None, Some(fnr)) => Person::by_fnr(db, fnr).await?,
        (None, None) => None,
    })
}

/// False if they have no MinID any more, or were signed out since this login began: what was proved then says nothing
/// about now.
async fn change(turn: &Turn<'_>, person: &PersonId, phc: &str) -> anyhow::Result<bool> {
    let (app, now) = (turn.call.app, turn.call.now);
    let forgotten = turn.attempt().proved.is_none();
    let kind = if forgotten { "password-recovered" } else { "password-changed" };
    let mut tx = app.world.db.begin().await?;
    Person::hold(&mut tx, person).await?;
    let begun_at = turn.attempt().begun_at;
    let signed_out_at = Person::signed_out_at(&mut *tx, person).await?;
    let is_theirs = signed_out_at.is_some_and(|out| out.is_none_or(|out| out <= begun_at));
    if !is_theirs || authenticators::password::stored(&mut *tx, Some(person)).await?.is_none() {
        tx.rollback().await?;
        return Ok(false);
    }
    authenticators::password::set(&mut tx, person, phc, now).await?;
    // Whoever was afraid that somebody else knows the old one is asked in the app again.
    device::pause(&mut tx, person, None).await?;
    if forgotten {
        // Somebody else may have sat at the browsers that are known, and be logged in.
        Person::sign_out(&mut *tx, person, now.minus(Duration::from_secs(1))).await?;
        authenticators::known_browser::forget(&mut tx, person).await?;
    }
    app.world.trail.append(&mut tx, &turn.call.told(Event::by_oneself(kind, person)), now).await?;
    tx.commit().await?;
    if forgotten {
        crate::session_list::end_all(app, person, None, now).await?;
    }
    Ok(true)
}
