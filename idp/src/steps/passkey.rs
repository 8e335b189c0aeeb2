//! MinID's second page for those who have a passkey, and have given the password.

use askama::Template;
use authenticators::factor::{FactorKind, FirstFactor};
use authenticators::passkey;
use authenticators::prove::Answer;
use axum::response::Response;

use super::{Common, Problems, Turn, problem_of};
use crate::error::Refusal;
use crate::flow::{LoginAttempt, Step};
use crate::page::Frame;

#[derive(Template)]
#[template(path = "minid_passkey.html")]
struct MinidPasskey {
    frame: Frame,
    action: String,
    csrf: String,
    /// What the browser is asked.
    options: String,
    problem: Option<&'static str>,
    /// That it ends, and when.
    retires: Option<(&'static str, String)>,
}

/// The page.
pub fn page(turn: &Turn<'_>, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let attempt = turn.attempt();
    let options = attempt.ceremony.as_ref().map(|ceremony| ceremony.options.clone()).unwrap_or_default();
    let problem = problems.form.or(attempt.remark.and_then(problem_of));
    let retires = turn.call.app.config.minid.notice(FactorKind::Passkey, turn.call.now);
    turn.html(problems, &MinidPasskey { frame, action, csrf, options, problem, retires })
}

/// Asks for a signature by one of the person's passkeys.
pub async fn enter(turn: &Turn<'_>, first: FirstFactor) -> Result<Response, Refusal> {
    let world = &turn.call.app.world;
    let keys = passkey::all(world.db.pool(), &first.person).await?;
    let keys: Vec<String> = keys.into_iter().map(|key| key.credential).collect();
    let ceremony = Some(world.webauthn.ask(&keys)?);
    turn.go(LoginAttempt { first: Some(first), ceremony, ..turn.attempt().at(Step::Passkey) }).await
}

/// The browser has signed, or something else is wanted.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let attempt = turn.attempt();
    let Some(first) = attempt.first.clone() else { return turn.go(attempt.from_the_password()).await };
    if turn.wants("method") {
        return turn.go(attempt.at(Step::Method)).await;
    }
    let Some(ceremony) = attempt.ceremony.clone() else { return enter(turn, first).await };
    match turn.form.field("credential") {
        Some(credential) => turn.check(credential, Answer::Passkey(ceremony, credential.to_owned())).await,
        None => Ok(turn.onwards()),
    }
}
