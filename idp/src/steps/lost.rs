//! The telephone is lost, or whatever else one logs in with: what whoever knows the password can do about it. Blocking MinID
//! takes no second factor, for it only takes away.

use askama::Template;
use authenticators::factor::{FactorKind, FirstFactor, Stop};
use authenticators::person::{BY_ONESELF, Person};
use authenticators::trail::Event;
use authenticators::{account, prove};
use axum::response::Response;

use super::{Common, Problems, Turn, app, method};
use crate::activation_pages::ORDER_PATH;
use crate::error::Refusal;
use crate::flow::{Lost, Step};
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::session_list;

#[derive(Template)]
#[template(path = "minid_lost.html")]
struct Ways {
    frame: Frame,
    action: String,
    csrf: String,
    has_recovery: bool,
    has_others: bool,
    other_eid: bool,
    order: &'static str,
}

#[derive(Template)]
#[template(path = "minid_lost_block.html")]
struct Block {
    frame: Frame,
    action: String,
    csrf: String,
}

/// Whether a page has a button that leads here: those after the password.
pub fn is_asked_for_in(step: &Step) -> bool {
    use Step::{App, Method, Otc, Passkey, RecoveryCode, Totp};
    matches!(step, Otc | Totp | RecoveryCode | App | Passkey | Method)
}

/// To what can be done.
pub async fn enter(turn: &Turn<'_>) -> Result<Response, Refusal> {
    turn.go(turn.attempt().at(Step::Lost(Lost::Ways))).await
}

/// The page of a stage.
pub async fn page(turn: &Turn<'_>, stage: Lost) -> Result<Response, Refusal> {
    let Common { frame, action, csrf } = turn.common();
    if stage == Lost::Block {
        return Ok(turn.html(&Problems::default(), &Block { frame, action, csrf }));
    }
    let kinds = kinds(turn).await?;
    let has_recovery = kinds.contains(&FactorKind::RecoveryCode);
    let has_others = kinds.iter().filter(|kind| **kind != FactorKind::RecoveryCode).count() > 1;
    let (other_eid, order) = (turn.can_go_back(), ORDER_PATH);
    Ok(turn.html(&Problems::default(), &Ways { frame, action, csrf, has_recovery, has_others, other_eid, order }))
}

async fn kinds(turn: &Turn<'_>) -> anyhow::Result<Vec<FactorKind>> {
    let Some(first) = &turn.attempt().first else { return Ok(Vec::new()) };
    match Person::by_id(turn.call.app.world.db.pool(), &first.person).await? {
        Some(person) => method::offered(turn, &person).await,
        None => Ok(Vec::new()),
    }
}

/// One was chosen.
pub async fn answer(turn: &Turn<'_>, stage: Lost) -> Result<Response, Refusal> {
    let attempt = turn.attempt();
    let Some(first) = attempt.first.clone() else { return turn.go(attempt.from_the_password()).await };
    match (stage, turn.form.field("do")) {
        (Lost::Ways, Some("eid")) => {
            app::leave(turn).await?;
            turn.other_eid().await
        }
        (Lost::Ways, Some("recovery")) if kinds(turn).await?.contains(&FactorKind::RecoveryCode) => {
            turn.go(attempt.at(Step::RecoveryCode)).await
        }
        (Lost::Ways, Some("method" | "back")) => turn.go(attempt.at(Step::Method)).await,
        (Lost::Ways, Some("block")) => turn.go(attempt.at(Step::Lost(Lost::Block))).await,
        (Lost::Block, Some("back")) => turn.go(attempt.at(Step::Lost(Lost::Ways))).await,
        (Lost::Block, Some("block-now")) => block(turn, &first).await,
        _ => Ok(turn.onwards()),
    }
}

/// MinID is blocked, by the password alone. The old channels hear of it, and the trail says by what it was done.
async fn block(turn: &Turn<'_>, first: &FirstFactor) -> Result<Response, Refusal> {
    let (call, person) = (&turn.call, &first.person);
    let (world, now) = (&call.app.world, call.now);
    // The password may have been changed since, by its owner.
    if !prove::may_change(world, first).await? {
        return turn.go(turn.attempt().from_the_password()).await;
    }
    app::leave(turn).await?;
    let listener = Listener::of(call.app, person).await?;
    let event = call.told(Event::by_oneself("locked", person).with("by", "password"));
    if account::lock(world, person, BY_ONESELF, &event, now).await? {
        listener.tell(call.app, Notice::Blocked, now);
    }
    session_list::end_all(call.app, person, None, now).await?;
    turn.go(turn.attempt().from_the_password().at(Step::Stopped(Stop::Blocked))).await
}
