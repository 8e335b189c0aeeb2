//! What was used is no longer good for a login: another second factor is set up on the way, and nobody is left outside.
//! Or it is good, and whoever has it wants something better: then they may pass it over, and are logged in by what they
//! have.

use askama::Template;
use authenticators::enrolment::{self, Confirmed};
use authenticators::factor::{FactorKind, name_of};
use authenticators::person::Person;
use authenticators::totp::{self, NewTotp};
use authenticators::trail::Event;
use authenticators::webauthn::Purpose;
use authenticators::{device, passkey, prove};
use axum::response::Response;

use super::{Common, Problems, Turn, bare, nudge, problem_of};
use crate::error::Refusal;
use crate::flow::{LoginAttempt, Remark, SetUp, Step};
use crate::new_device::{self, Invitation};
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::qr;

#[derive(Template)]
#[template(path = "minid_set_up.html")]
struct MinidSetUp {
    frame: Frame,
    action: String,
    csrf: String,
    /// Why there has to be another; none, where they only wanted something better.
    why: Option<&'static str>,
    /// That what was used ends, and when.
    retires: Option<(&'static str, String)>,
    device: bool,
    passkeys: bool,
    apps: bool,
    problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "minid_set_up_app.html")]
struct MinidSetUpApp {
    frame: Frame,
    action: String,
    csrf: String,
    invitation: Option<Invitation>,
    /// The device that waits for its number.
    device: Option<String>,
    problem: Option<&'static str>,
    code_problem: Option<&'static str>,
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
pub async fn page(turn: &Turn<'_>, stage: SetUp, problems: &Problems) -> Result<Response, Refusal> {
    if stage == SetUp::App {
        return app_page(turn, None, problems).await;
    }
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
        _ => choose_page(turn, problems),
    })
}

fn choose_page(turn: &Turn<'_>, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let (attempt, minid) = (turn.attempt(), &turn.call.app.config.minid);
    let used = attempt.second.unwrap_or(FactorKind::Otc);
    let page = MinidSetUp {
        frame,
        action,
        csrf,
        why: turn.used_what_is_over(attempt).then(|| why(used)),
        retires: minid.notice(used, turn.call.now),
        device: nudge::is_offered(turn, FactorKind::App),
        passkeys: nudge::is_offered(turn, FactorKind::Passkey),
        apps: nudge::is_offered(turn, FactorKind::Totp),
        problem: problems.form.or(attempt.remark.and_then(problem_of)),
    };
    turn.html(problems, &page)
}

/// The key of the words for what no longer does.
fn why(used: FactorKind) -> &'static str {
    match used {
        FactorKind::App => "set-up-why-app",
        FactorKind::Passkey => "set-up-why-passkey",
        FactorKind::Totp => "set-up-why-totp",
        FactorKind::RecoveryCode => "set-up-why-recovery",
        FactorKind::Otc | FactorKind::Password => "set-up-why",
    }
}

async fn app_page(turn: &Turn<'_>, invitation: Option<Invitation>, problems: &Problems) -> Result<Response, Refusal> {
    let Common { frame, action, csrf } = turn.common();
    let device = match (&turn.attempt().first, &invitation) {
        (Some(first), None) => new_device::waiting(&turn.call, &first.person).await?,
        _ => None,
    };
    let (problem, code_problem) = (problems.form, problems.code);
    let page = MinidSetUpApp { frame, action, csrf, invitation, device, problem, code_problem };
    Ok(turn.html(problems, &page))
}

/// One was chosen, or set up.
pub async fn answer(turn: &Turn<'_>, stage: SetUp) -> Result<Response, Refusal> {
    if turn.wants("back") {
        return turn.go(turn.attempt().at(Step::SetUp(SetUp::Choose))).await;
    }
    if turn.wants("skip") && !turn.used_what_is_over(turn.attempt()) {
        return skip(turn).await;
    }
    let kind = turn.form.field("method").and_then(FactorKind::second);
    if kind.is_some_and(|kind| !nudge::can_be_set_up(turn, kind)) {
        return Ok(turn.onwards());
    }
    match (stage, turn.form.field("method")) {
        (SetUp::Choose, Some("totp")) => {
            let new_totp = Some(NewTotp::fresh(&turn.call.app.world.chance)?);
            turn.go(LoginAttempt { new_totp, ..turn.attempt().at(Step::SetUp(SetUp::Totp)) }).await
        }
        (SetUp::Choose, Some("passkey")) => begin_passkey(turn).await,
        (SetUp::Choose, Some("app")) => turn.go(turn.attempt().at(Step::SetUp(SetUp::App))).await,
        (SetUp::App, _) if turn.wants("invite") => invite(turn).await,
        (SetUp::App, _) if turn.wants("next") => end_app(turn).await,
        (SetUp::Totp, _) if turn.wants("next") => end_totp(turn).await,
        (SetUp::Passkey, _) => end_passkey(turn).await,
        _ => Ok(turn.onwards()),
    }
}

/// On to the service with what was proved before, as long as nothing has come in between.
async fn skip(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let (attempt, world, now) = (turn.attempt(), &turn.call.app.world, turn.call.now);
    let (Some(first), Some(proved)) = (attempt.first.clone(), attempt.proved.clone()) else {
        return turn.go(attempt.from_the_password()).await;
    };
    if !prove::may_change(world, &first).await? {
        return turn.go(attempt.from_the_password()).await;
    }
    Person::nudged(world.db.pool(), &first.person, now).await?;
    let passed = LoginAttempt { sets_up: false, ..attempt.clone() };
    let due = turn.due(&passed, &proved).await?;
    Ok(turn.end(&turn.read, passed, (proved, due)).await?.unwrap_or_else(|| turn.onwards()))
}

async fn invite(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let attempt = turn.attempt();
    let Some(first) = &attempt.first else { return turn.go(attempt.from_the_password()).await };
    if device::all(turn.call.app.world.db.pool(), &first.person).await?.len() >= device::AT_MOST {
        return turn.page(&Problems { form: Some("problem-too-many-factors"), ..Problems::default() }).await;
    }
    let invitation = Invitation::fresh(&turn.call, &first.person).await?;
    app_page(turn, Some(invitation), &Problems::default()).await
}

/// The number of the app was typed.
async fn end_app(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let (attempt, app, now) = (turn.attempt(), turn.call.app, turn.call.now);
    let Some(first) = attempt.first.clone() else { return turn.go(attempt.from_the_password()).await };
    let typed = bare(turn.form.field("code").unwrap_or_default());
    let code = |key| Problems { code: Some(key), ..Problems::default() };
    let form = |key| Problems { form: Some(key), ..Problems::default() };
    if typed.is_empty() {
        return turn.page(&code("problem-number-empty")).await;
    }
    let new = match enrolment::confirm(&app.world, &first.person, &typed, now).await? {
        Confirmed::Right(new) => new,
        Confirmed::Wrong { left: 0 } => return turn.page(&form("problem-number-used-up")).await,
        Confirmed::Wrong { .. } => return turn.page(&code("problem-number-wrong")).await,
        Confirmed::Gone => return turn.page(&form("problem-device-gone")).await,
    };
    // The number was good once: whoever came with it goes on.
    turn.write(&turn.read, LoginAttempt { sets_up: false, ..attempt.clone() }).await?;
    let read = turn.again().await?;
    let event = Event::by_oneself("factor-added", &first.person).with("factor", FactorKind::App.name());
    let (event, listener) = (turn.call.told(event), Listener::of(app, &first.person).await?);
    let Some(proof) = prove::set_up_app(&app.world, &first, &new, &event, now).await? else {
        return turn.page(&form("problem-device-gone")).await;
    };
    listener.tell(app, Notice::FactorAdded(FactorKind::App), now);
    turn.proved(&read, &proof, "").await
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
    if !turn.write(&turn.read, LoginAttempt { new_totp: None, sets_up: false, ..attempt.clone() }).await? {
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
    if !turn.write(&turn.read, LoginAttempt { ceremony: None, sets_up: false, ..attempt.clone() }).await? {
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
