//! A login that is over, and is asked for again.

use std::time::Duration;

use authenticators::chance::Token;
use axum::response::Response;

use super::{Turn, open};
use crate::browser::{self, CookieName};
use crate::claims;
use crate::consent;
use crate::error::Refusal;
use crate::finish;
use crate::flow::{self, Authentication, Decision, LoginAttempt, Step};
use crate::session::{self, Session};
use crate::session_list;

/// How long after the proof the second of a double click may come.
const REPLAY: Duration = Duration::from_mins(1);

/// Back button, reload, bookmark. In the session that it ended in, the service gets a fresh code; elsewhere the same
/// request starts afresh.
pub async fn again(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let (app, now, request) = (turn.call.app, turn.call.now, turn.attempt().request.clone());
    let own = turn.call.browser.session.as_ref().map(Token::hash);
    let session = session::find(app, turn.call.browser, now).await?;
    let known = session.as_ref().map(|read| &read.value);
    let who = known.and_then(|session| session.proofs_for(&request).next());
    let agreed = consent::agreed(app, &request, who).await?;
    // A consent that was withdrawn since is asked for again.
    let is_its_end = session.is_some() && own == turn.attempt().session && request.is_covered_by(&agreed);
    // An old proof does not answer a service that asked for a new one.
    let is_new = |proved: &Authentication| now.since(proved.at()) < REPLAY;
    let any_will_do = !request.prompt.login && request.max_age.is_none();
    if let Some(proved) = turn.attempt().proved.clone().filter(|p| is_its_end && (any_will_do || is_new(p))) {
        let token = app.world.chance.token()?;
        let finished = turn.attempt().finished(token.hash());
        if !turn.write(&turn.read, finished).await? {
            return Ok(turn.onwards());
        }
        return finish::login(&turn.call, &request, proved, &token).await;
    }
    let name = |who: &Authentication| claims::subject(app, &request.return_to.client, who);
    let offered = app.offered(&request.acr);
    let known = known.map(|session| (session, agreed.as_slice()));
    let decision = flow::decide(&request, known, &offered, name, now);
    let first = match decision.map_err(|error| request.refuse(error))? {
        Decision::Ask(step, proved) => (step, proved),
        // Somebody is logged in by another login: they agree to go on as who they are.
        Decision::Grant(proved) => (Step::Consent, Some(proved)),
    };
    open(&turn.call, request, first).await
}

/// The second of a double click, which is the one whose answer the browser shows: it brings the very answer that let the
/// first one in. It gets the session under a new name, and the page that leads to the service.
pub async fn twice(turn: &Turn<'_>, typed: &str) -> Result<Response, Refusal> {
    let (attempt, scratch, now) = (turn.attempt(), &turn.call.app.world.scratch, turn.call.now);
    let is_new = attempt.proved.as_ref().is_some_and(|proved| now.since(proved.at()) < REPLAY);
    let same = is_new && attempt.answer.as_ref().is_some_and(|answer| answer.is(&turn.answer_hash(typed)));
    if !same && attempt.answer.is_some() && !typed.is_empty() {
        // One wrong answer, and none is compared here again.
        turn.write(&turn.read, LoginAttempt { answer: None, ..attempt.clone() }).await?;
    }
    let Some(old) = attempt.session.as_ref().filter(|_| same) else { return Ok(turn.onwards()) };
    let token = turn.call.app.world.chance.token()?;
    if !turn.write(&turn.read, attempt.finished(token.hash())).await? {
        return Ok(turn.onwards());
    }
    let mut response = turn.onwards();
    if let Some(session) = scratch.take::<Session>(old, now).await? {
        scratch.put(&token.hash(), &session, now).await?;
        session_list::note(&turn.call, &session, &token.hash()).await?;
        browser::set(turn.call.app, response.headers_mut(), CookieName::Session, token.reveal());
    }
    Ok(response)
}
