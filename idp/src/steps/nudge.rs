//! Whoever logs in by SMS is told now and then that there is something better. Who has nothing better can ask for it: it
//! is set up when the code was right, before they go back to the service, and they may still pass it over.

use authenticators::factor::FactorKind;
use authenticators::person::{Person, PersonId};

use super::{Turn, method};
use crate::flow::{LoginAttempt, Nudge};

/// What is better than a code by SMS, and can be set up on the way.
pub const BETTER: [FactorKind; 3] = [FactorKind::App, FactorKind::Passkey, FactorKind::Totp];

/// What the person is told, if that is due: after a while again, and each time once the end of SMS is announced.
pub async fn due(turn: &Turn<'_>, person: &PersonId) -> anyhow::Result<Option<Nudge>> {
    let (app, now) = (turn.call.app, turn.call.now);
    let minid = &app.config.minid;
    let Some(person) = Person::by_id(app.world.db.pool(), person).await? else { return Ok(None) };
    let is_announced = minid.retires(FactorKind::Otc, now).is_some();
    // Whoever uses what is over sets something up anyway.
    if minid.is_retired(FactorKind::Otc, now) || !(is_announced || person.may_be_nudged(minid.nudge_every(), now)) {
        return Ok(None);
    }
    let has_better = method::offered(turn, &person).await?.iter().any(|kind| BETTER.contains(kind));
    if has_better {
        return Ok(Some(Nudge::Use));
    }
    Ok(BETTER.iter().any(|kind| can_be_set_up(turn, *kind) && lasts(turn, *kind)).then_some(Nudge::SetUp))
}

/// Whether a kind can be set up on the way.
pub fn can_be_set_up(turn: &Turn<'_>, kind: FactorKind) -> bool {
    let app = turn.call.app;
    // The app and passkeys need WebAuthn.
    let works = kind == FactorKind::Totp || app.world.webauthn.is_there();
    works && BETTER.contains(&kind) && !app.config.minid.is_retired(kind, turn.call.now)
}

/// Whether a kind is offered: what ends soon only where nothing else is left.
pub fn is_offered(turn: &Turn<'_>, kind: FactorKind) -> bool {
    can_be_set_up(turn, kind)
        && (lasts(turn, kind) || !BETTER.iter().any(|other| can_be_set_up(turn, *other) && lasts(turn, *other)))
}

fn lasts(turn: &Turn<'_>, kind: FactorKind) -> bool {
    turn.call.app.config.minid.retires(kind, turn.call.now).is_none()
}

/// Writes down what the citizen has ticked beside the code.
pub async fn note(turn: &Turn<'_>) -> anyhow::Result<()> {
    let attempt = turn.attempt();
    let sets_up = attempt.nudge == Some(Nudge::SetUp) && turn.form.field("better").is_some();
    if sets_up != attempt.sets_up {
        turn.write(&turn.read, LoginAttempt { sets_up, ..attempt.clone() }).await?;
    }
    Ok(())
}

/// Whether whoever has come by a passkey alone, and has seen no page that says so, is told now that these end: they have
/// nothing else, and are shown the way to something that lasts.
pub async fn is_due_after_a_passkey(turn: &Turn<'_>, person: &PersonId) -> anyhow::Result<bool> {
    let (app, now) = (turn.call.app, turn.call.now);
    let minid = &app.config.minid;
    if minid.retires(FactorKind::Passkey, now).is_none() {
        return Ok(false);
    }
    let Some(person) = Person::by_id(app.world.db.pool(), person).await? else { return Ok(false) };
    let others = [FactorKind::App, FactorKind::Totp];
    let has_another = method::offered(turn, &person).await?.iter().any(|kind| others.contains(kind));
    Ok(!has_another && person.may_be_nudged(minid.nudge_every(), now))
}
