//! Another password, and one more way to log in.

use std::time::Duration;

use askama::Template;
use authenticators::factor::{FactorKind, name_of};
use authenticators::person::Person;
use authenticators::throttle::{self, Subject};
use authenticators::totp::NewTotp;
use authenticators::trail::Event;
use authenticators::webauthn::Purpose;
use authenticators::{device, passkey, password, recovery_code, totp};
use axum::response::Response;

use super::{Page, Said, Task, Visit, factors};
use crate::error::Refusal;
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::params::Params;
use crate::password_change::{self, Chosen};
use crate::qr;
use crate::session;
use crate::session_list;
use crate::steps::bare;

#[derive(Template)]
#[template(path = "profile_password.html")]
struct NewPassword {
    frame: Frame,
    action: &'static str,
    csrf: String,
    fnr: String,
    password_problem: Option<&'static str>,
    hints: Vec<&'static str>,
    repeat_problem: Option<&'static str>,
    back: &'static str,
}

#[derive(Template)]
#[template(path = "profile_totp.html")]
struct SetUpTotp {
    frame: Frame,
    action: &'static str,
    csrf: String,
    qr: String,
    typed: String,
    code_problem: Option<&'static str>,
    back: &'static str,
}

#[derive(Template)]
#[template(path = "profile_passkey.html")]
struct SetUpPasskey {
    frame: Frame,
    action: &'static str,
    csrf: String,
    options: String,
    problem: Option<&'static str>,
    back: &'static str,
}

#[derive(Template)]
#[template(path = "profile_recovery.html")]
struct Recovery {
    frame: Frame,
    action: &'static str,
    csrf: String,
    /// Shown once.
    codes: Vec<String>,
    has_codes: bool,
    back: &'static str,
}

/// The page. Who has no MinID has nothing to add to it.
pub async fn show(visit: &Visit<'_>) -> Result<Response, Refusal> {
    if password::stored(visit.call.app.world.db.pool(), Some(&visit.person.id)).await?.is_none() {
        return Ok(visit.go(Page::Factors));
    }
    if let Some(full) = factors::full(visit).await? {
        return Ok(full);
    }
    match visit.page {
        Page::Password => Ok(password_page(visit, &password_change::Objection::default())),
        Page::Totp => totp_page(visit, None).await,
        Page::Passkey => passkey_page(visit, None).await,
        _ => recovery_page(visit, Vec::new()).await,
    }
}

/// Something was typed, or made.
pub async fn act(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    if form.field("do") == Some("back") {
        visit.end().await?;
        return Ok(visit.go(Page::Factors));
    }
    if password::stored(visit.call.app.world.db.pool(), Some(&visit.person.id)).await?.is_none() {
        return Ok(visit.go(Page::Factors));
    }
    if let Some(full) = factors::full(visit).await? {
        return Ok(full);
    }
    match visit.page {
        Page::Password => change_password(visit, form).await,
        Page::Totp => end_totp(visit, form).await,
        Page::Passkey => end_passkey(visit, form).await,
        _ => renew_codes(visit).await,
    }
}

fn password_page(visit: &Visit<'_>, objection: &password_change::Objection) -> Response {
    let page = NewPassword {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        fnr: visit.person.fnr.as_str().to_owned(),
        password_problem: objection.password,
        hints: objection.hints.clone(),
        repeat_problem: objection.repeat,
        back: Page::Factors.path(),
    };
    visit.html(&page, *objection != password_change::Objection::default())
}

async fn change_password(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let (call, person) = (&visit.call, &visit.person.id);
    let (app, now) = (call.app, call.now);
    let typed = (form.field("password").unwrap_or_default(), form.field("repeat").unwrap_or_default());
    let phc = match password_change::choose(app, &visit.person, typed).await? {
        Chosen::Good(phc) => phc,
        Chosen::Bad(objection) => return Ok(password_page(visit, &objection)),
        Chosen::Busy => {
            let busy = password_change::Objection { password: Some("problem-busy"), ..Default::default() };
            return Ok(password_page(visit, &busy));
        }
    };
    let listener = Listener::of(app, person).await?;
    let mut tx = app.world.db.begin().await?;
    password::set(&mut tx, person, &phc, now).await?;
    Person::sign_out(&mut *tx, person, visit.proved.at().minus(Duration::from_secs(1))).await?;
    // Whoever has guessed at the old one has guessed for nothing.
    throttle::open(&mut *tx, &Subject::of(&visit.person.fnr)).await?;
    device::pause(&mut tx, person, None).await?;
    app.world.trail.append(&mut tx, &call.told(Event::by_oneself("password-changed", person)), now).await?;
    tx.commit().await?;
    listener.tell(app, Notice::PasswordChanged, now);
    // Whoever else knew the old one is out.
    let own = session::find(app, call.browser, now).await?.map(|read| read.value.sid);
    session_list::end_all(app, person, own.as_deref(), now).await?;
    Ok(visit.go_saying(Page::Factors, Said::Saved))
}

async fn totp_page(visit: &Visit<'_>, code_problem: Option<&'static str>) -> Result<Response, Refusal> {
    let new = match visit.task().await?.map(|read| read.value) {
        Some(Task::Totp(new)) => new,
        _ => {
            let new = NewTotp::fresh(&visit.call.app.world.chance)?;
            visit.begin(&Task::Totp(new.clone())).await?;
            new
        }
    };
    let page = SetUpTotp {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        qr: qr::image(&new.url("MinID")?)?,
        typed: new.typed(),
        code_problem,
        back: Page::Factors.path(),
    };
    Ok(visit.html(&page, code_problem.is_some()))
}

async fn end_totp(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let (call, person) = (&visit.call, &visit.person.id);
    let (app, now) = (call.app, call.now);
    let Some(Task::Totp(new)) = visit.task().await?.map(|read| read.value) else { return Ok(visit.go(visit.page)) };
    let typed = bare(form.field("code").unwrap_or_default());
    if typed.is_empty() {
        return totp_page(visit, Some("problem-totp-empty")).await;
    }
    let Some(step) = new.step(&typed, now)? else { return totp_page(visit, Some("problem-totp-set-up")).await };
    // Of a double click one sets it up.
    if visit.end().await?.is_none() {
        return Ok(visit.go(Page::Factors));
    }
    let name = name_of(form.field("name").unwrap_or_default(), &visit.text().t("totp-name-default"));
    let listener = Listener::of(app, person).await?;
    let mut tx = app.world.db.begin().await?;
    totp::add(&mut tx, (&app.world.vault, &app.world.chance), person, (&new, &name, step), now).await?;
    app.world.trail.append(&mut tx, &added(visit, FactorKind::Totp), now).await?;
    tx.commit().await?;
    listener.tell(app, Notice::FactorAdded(FactorKind::Totp), now);
    Ok(visit.go_saying(Page::Factors, Said::Added))
}

fn added(visit: &Visit<'_>, kind: FactorKind) -> Event {
    visit.call.told(Event::by_oneself("factor-added", &visit.person.id).with("factor", kind.name()))
}

async fn passkey_page(visit: &Visit<'_>, problem: Option<&'static str>) -> Result<Response, Refusal> {
    let (world, person) = (&visit.call.app.world, &visit.person.id);
    if !world.webauthn.is_there() {
        return Ok(visit.go(Page::Factors));
    }
    let name = Some(visit.person.name()).filter(|name| !name.is_empty()).unwrap_or_else(|| "MinID".to_owned());
    let others = passkey::all(world.db.pool(), person).await?;
    let others: Vec<String> = others.into_iter().map(|key| key.id.as_str().to_owned()).collect();
    let ceremony = world.webauthn.begin_making(person, &name, Purpose::Passkey, &others)?;
    visit.begin(&Task::Passkey(ceremony.clone())).await?;
    let page = SetUpPasskey {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        options: ceremony.options,
        problem,
        back: Page::Factors.path(),
    };
    Ok(visit.html(&page, problem.is_some()))
}

async fn end_passkey(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let (call, person) = (&visit.call, &visit.person.id);
    let (app, now) = (call.app, call.now);
    let Some(answer) = form.field("credential") else { return Ok(visit.go(visit.page)) };
    let Some(Task::Passkey(ceremony)) = visit.end().await? else { return Ok(visit.go(Page::Factors)) };
    let Some(made) = app.world.webauthn.made(&ceremony, answer)? else {
        return passkey_page(visit, Some("problem-passkey")).await;
    };
    let name = name_of(form.field("name").unwrap_or_default(), &visit.text().t("passkey-name-default"));
    let listener = Listener::of(app, person).await?;
    let mut tx = app.world.db.begin().await?;
    if !passkey::add(&mut tx, person, &name, &made, now).await? {
        tx.rollback().await?;
        return passkey_page(visit, Some("problem-passkey")).await;
    }
    app.world.trail.append(&mut tx, &added(visit, FactorKind::Passkey), now).await?;
    tx.commit().await?;
    listener.tell(app, Notice::FactorAdded(FactorKind::Passkey), now);
    Ok(visit.go_saying(Page::Factors, Said::Added))
}

async fn recovery_page(visit: &Visit<'_>, codes: Vec<String>) -> Result<Response, Refusal> {
    let (left, _) = recovery_code::left(visit.call.app.world.db.pool(), &visit.person.id).await?;
    let page = Recovery {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        codes,
        has_codes: left > 0,
        back: Page::Factors.path(),
    };
    Ok(visit.html(&page, false))
}

async fn renew_codes(visit: &Visit<'_>) -> Result<Response, Refusal> {
    let (call, person) = (&visit.call, &visit.person.id);
    let (app, now) = (call.app, call.now);
    let listener = Listener::of(app, person).await?;
    let mut tx = app.world.db.begin().await?;
    let codes = recovery_code::renew(&mut tx, (&app.world.vault, &app.world.chance), person, now).await?;
    app.world.trail.append(&mut tx, &call.told(Event::by_oneself("recovery-codes-renewed", person)), now).await?;
    tx.commit().await?;
    listener.tell(app, Notice::FactorAdded(FactorKind::RecoveryCode), now);
    recovery_page(visit, codes).await
}
