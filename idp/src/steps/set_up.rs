//! What was used is no longer good for a login: another second factor is set up on the way, and nobody is left outside.

use askama::Template;
use authenticators::factor::{FactorKind, name_of};
use authenticators::person::Person;
use authenticators::totp::{self, NewTotp};
use authenticators::trail::Event;
use authenticators::webauthn::Purpose;
use authenticators::{passkey, prove};
use axum::response::Response;

use super::{Common, Problems, Turn, bare, problem_of};
use crate::error::Refusal;
use crate::flow::{LoginAttempt, Remark, SetUp, Step};
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::qr;

#[derive(Template)]
#[template(path = "minid_set_up.html")]
struct MinidSetUp {
    frame: Frame,
    action: String,
    csrf: String,
    passkeys: bool,
    apps: bool,
    problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "minid_set_up_totp.html")]
struct MinidSetUpTotp {
    frame: Frame,
    action: String,
    csrf: String,
    qr: String,
    typed: String,
    code_problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "minid_set_up_passkey.html")]
struct MinidSetUpPasskey {
    frame: Frame,
    action: String,
    csrf: String,
    options: String,
    problem: Option<&'static str>,
}

/// The page of a stage.
pub fn page(turn: &Turn<'_>, stage: SetUp, problems: &Problems) -> Result<Response, Refusal> {
    let Common { frame, action, csrf } = turn.common();
    let attempt = turn.attempt();
    Ok(match (stage, &attempt.new_totp, &attempt.ceremony) {
        (SetUp::Totp, Some(new), _) => {
            let (qr, typed) = (qr::image(&new.url("MinID")?)?, new.typed());
            turn.html(problems, &MinidSetUpTotp { frame, action, csrf, qr, typed, code_problem: problems.code })
        }
        (SetUp::Passkey, _, Some(ceremony)) => {
            let (options, problem) = (ceremony.options.clone(), attempt.remark.and_then(problem_of));
            turn.html(problems, &MinidSetUpPasskey { frame, action, csrf, options, problem })
        }
        _ => {
            let (app, now) = (turn.call.app, turn.call.now);
            let lasts = |kind| !app.config.minid.is_retired(kind, now);
            let passkeys = app.world.webauthn.is_there() && lasts(FactorKind::Passkey);
            let (apps, problem) = (lasts(FactorKind::Totp), attempt.remark.and_then(problem_of));
            turn.html(problems, &MinidSetUp { frame, action, csrf, passkeys, apps, problem })
        }
    })
}

/// One was chosen, or set up.
pub async fn answer(turn: &Turn<'_>, stage: SetUp) -> Result<Response, Refusal> {
    if turn.wants("back") {
        return turn.go(turn.attempt().at(Step::SetUp(SetUp::Choose))).await;
    }
    match (stage, turn.form.field("method")) {
        (SetUp::Choose, Some("totp")) => {
            let new_totp = Some(NewTotp::fresh(&turn.call.app.world.chance)?);
            turn.go(LoginAttempt { new_totp, ..turn.attempt().at(Step::SetUp(SetUp::Totp)) }).await
        }
        (SetUp::Choose, Some("passkey")) => begin_passkey(turn).await,
        (SetUp::Totp, _) if turn.wants("next") => end_totp(turn).await,
        (SetUp::Passkey, _) => end_passkey(turn).await,
        _ => Ok(turn.onwards()),
    }
}

async fn end_totp(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let (attempt, app, now) = (turn.attempt(), turn.call.app, turn.call.now);
    let (Some(first), Some(new)) = (attempt.first.clone(), attempt.new_totp.clone()) else {
        return turn.go(attempt.from_the_password()).await;
    };
    let typed = bare(turn.form.field("code").unwrap_or_default());
    if typed.len() != totp::LENGTH || new.step(&typed, now)?.is_none() {
        let code = Some(if typed.is_empty() { "problem-totp-empty" } else { "problem-totp-set-up" });
        return turn.page(&Problems { code, ..Problems::default() }).await;
    }
    // Of a double click one sets it up.
    if !turn.write(&turn.read, LoginAttempt { new_totp: None, ..attempt.clone() }).await? {
        return Ok(turn.onwards());
    }
    let read = turn.again().await?;
    let name = name_of(turn.form.field("name").unwrap_or_default(), &turn.text().t("totp-name-default"));
    let event = Event::by_oneself("factor-added", &first.person).with("factor", FactorKind::Totp.name());
    let (event, listener) = (turn.call.told(event), Listener::of(app, &first.person).await?);
    let proof = prove::set_up_totp(&app.world, &first, (&new, &name, &typed), &event, now).await?;
    let Some(proof) = proof else { return Ok(turn.onwards()) };
    listener.tell(app, Notice::FactorAdded(FactorKind::Totp), now);
    turn.proved(&read, &proof, &typed).await
}

async fn begin_passkey(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let (attempt, world) = (turn.attempt(), &turn.call.app.world);
    let Some(first) = &attempt.first else { return turn.go(attempt.from_the_password()).await };
    let person = Person::by_id(world.db.pool(), &first.person).await?;
    let name = person.map(|person| person.name()).filter(|name| !name.is_empty()).unwrap_or_else(|| "MinID".into());
    let others = passkey::all(world.db.pool(), &first.person).await?;
    let others: Vec<String> = others.into_iter().map(|key| key.id.as_str().to_owned()).collect();
    let ceremony = Some(world.webauthn.begin_making(&first.person, &name, Purpose::Passkey, &others)?);
    turn.go(LoginAttempt { ceremony, ..attempt.at(Step::SetUp(SetUp::Passkey)) }).await
}

async fn end_passkey(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let (attempt, app, now) = (turn.attempt(), turn.call.app, turn.call.now);
    let (Some(first), Some(ceremony), Some(answer)) =
        (attempt.first.clone(), attempt.ceremony.clone(), turn.form.field("credential"))
    else {
        return Ok(turn.onwards());
    };
    if !turn.write(&turn.read, LoginAttempt { ceremony: None, ..attempt.clone() }).await? {
        return Ok(turn.onwards());
    }
    let read = turn.again().await?;
    let name = name_of(turn.form.field("name").unwrap_or_default(), &turn.text().t("passkey-name-default"));
    let event = Event::by_oneself("factor-added", &first.person).with("factor", FactorKind::Passkey.name());
    let (event, listener) = (turn.call.told(event), Listener::of(app, &first.person).await?);
    match prove::set_up_passkey(&app.world, &first, (&ceremony, &name, answer), &event, now).await? {
        Some(proof) => {
            listener.tell(app, Notice::FactorAdded(FactorKind::Passkey), now);
            turn.proved(&read, &proof, answer).await
        }
        None => {
            let choose = read.value.at(Step::SetUp(SetUp::Choose)).saying(Remark::PasskeyFailed);
            turn.write(&read, choose).await?;
            Ok(turn.onwards())
        }
    }
}
