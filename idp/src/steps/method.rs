//! Choosing another second factor: what this person has, the one that they wish first.

use askama::Template;
use authenticators::factor::{FactorKind, FirstFactor};
use authenticators::person::Person;
use authenticators::prove;
use axum::response::Response;

use super::{Common, Problems, Turn, app, otc, passkey};
use crate::error::Refusal;
use crate::flow::{LoginAttempt, Step};
use crate::page::Frame;

#[derive(Template)]
#[template(path = "method.html")]
struct Methods {
    frame: Frame,
    action: String,
    csrf: String,
    methods: Vec<Method>,
    other_eid: bool,
}

/// A second factor in the list.
struct Method {
    id: &'static str,
    name: &'static str,
    about: &'static str,
}

/// What a person can be asked for now. What is retired is asked for only where there is nothing else, and then leads to
/// setting up another.
pub async fn offered(turn: &Turn<'_>, person: &Person) -> anyhow::Result<Vec<FactorKind>> {
    let kinds = prove::second_factors(&turn.call.app.world, person).await?;
    let good = |kind: &&FactorKind| !turn.call.app.config.minid.is_retired(**kind, turn.call.now);
    let left: Vec<FactorKind> = kinds.iter().filter(good).copied().collect();
    // A list is for an emergency and no way to log in every day.
    let everyday = left.iter().any(|kind| *kind != FactorKind::RecoveryCode);
    Ok(if everyday { left } else { kinds })
}

/// On to the page of a second factor.
pub async fn enter(turn: &Turn<'_>, first: FirstFactor, kind: FactorKind) -> Result<Response, Refusal> {
    match kind {
        FactorKind::App => app::enter(turn, first).await,
        FactorKind::Passkey => passkey::enter(turn, first).await,
        FactorKind::Totp => turn.go(LoginAttempt { first: Some(first), ..turn.attempt().at(Step::Totp) }).await,
        FactorKind::Otc => otc::enter(turn, first).await,
        FactorKind::RecoveryCode => {
            turn.go(LoginAttempt { first: Some(first), ..turn.attempt().at(Step::RecoveryCode) }).await
        }
        FactorKind::Password => Ok(turn.onwards()),
    }
}

/// The list.
pub async fn page(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let Common { frame, action, csrf } = turn.common();
    let attempt = turn.attempt();
    let person = match &attempt.first {
        Some(first) => Person::by_id(turn.call.app.world.db.pool(), &first.person).await?,
        None => None,
    };
    let kinds = match &person {
        Some(person) => offered(turn, person).await?,
        None => Vec::new(),
    };
    let methods = kinds.into_iter().map(|kind| shown(kind, attempt.sent.is_some())).collect();
    let page = Methods { frame, action, csrf, methods, other_eid: turn.can_go_back() };
    Ok(turn.html(&Problems::default(), &page))
}

fn shown(kind: FactorKind, is_sent: bool) -> Method {
    let (name, about) = match kind {
        FactorKind::App => ("method-app", "method-app-about"),
        FactorKind::Passkey => ("method-passkey", "method-passkey-about"),
        FactorKind::Totp => ("method-totp", "method-totp-about"),
        // A code that is on its way is not sent again.
        FactorKind::Otc if is_sent => ("method-otc", "method-otc-sent"),
        FactorKind::Otc | FactorKind::Password => ("method-otc", "method-otc-about"),
        FactorKind::RecoveryCode => ("method-recovery", "method-recovery-about"),
    };
    Method { id: kind.name(), name, about }
}

/// One was chosen.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    if turn.wants("eid") {
        app::leave(turn).await?;
        return turn.other_eid().await;
    }
    let attempt = turn.attempt();
    let Some(first) = attempt.first.clone() else { return turn.go(attempt.from_the_password()).await };
    let chosen = turn.form.field("method").and_then(FactorKind::second);
    let Some(person) = Person::by_id(turn.call.app.world.db.pool(), &first.person).await? else {
        return Ok(turn.onwards());
    };
    let kinds = offered(turn, &person).await?;
    let back = turn.wants("back").then(|| kinds.first().copied()).flatten();
    match chosen.filter(|kind| kinds.contains(kind)).or(back) {
        // What has been sent, and whoever has been asked, is not so again.
        Some(FactorKind::Otc) if attempt.sent.is_some() => turn.go(attempt.at(Step::Otc)).await,
        Some(FactorKind::App) if attempt.asked.as_ref().is_some_and(|asked| asked.until > turn.call.now) => {
            turn.go(attempt.at(Step::App)).await
        }
        Some(kind) if attempt.asked.is_some() => {
            app::leave(turn).await?;
            if !turn.write(&turn.read, LoginAttempt { asked: None, ..attempt.clone() }).await? {
                return Ok(turn.onwards());
            }
            enter(&turn.with(turn.again().await?), first, kind).await
        }
        Some(kind) => enter(turn, first, kind).await,
        None => Ok(turn.onwards()),
    }
}
