//! `/login/{client}/{id}`: the steps of a login, all at one address.

use authenticators::recovery_code;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;
use crate::browser::{Browser, Call};
use crate::error::{DeadKind, OAuthError, Refusal};
use crate::flow::{Recover, Step};
use crate::live::Patience;
use crate::params::Params;
use crate::steps::{
    self, Problems, Turn, app as minid_app, choose, consent, contact, email, finished, lost, method, new_password, otc,
    passkey, password, recover, recover_app, recovery_code as recovery, set_up, stopped, test_id, totp,
};

/// `GET /login/{client}/{id}`
pub async fn show(
    State(app): State<App>,
    browser: Browser,
    Path((client, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    let (place, read) = steps::find(&call, (&client, &id)).await?;
    let turn = Turn { call, place, read, form: Params::default() };
    match turn.attempt().step {
        Step::Finished => finished::again(&turn).await,
        _ => turn.page(&Problems::default()).await,
    }
}

/// `GET /login/{client}/{id}/wait`: what the MinID app has said, as soon as it says it.
pub async fn wait(
    State(app): State<App>,
    browser: Browser,
    Path((client, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let patience = Patience::fresh();
    loop {
        let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
        let (place, read) = steps::find(&call, (&client, &id)).await?;
        let turn = Turn { call, place, read, form: Params::default() };
        let state = match turn.attempt().step {
            Step::Recover(Recover::App) => recover_app::state(&turn).await?,
            _ => minid_app::state(&turn).await?,
        };
        if state != "waiting" || !patience.wait().await {
            return Ok(Json(json!({ "state": state })).into_response());
        }
    }
}

/// `POST /login/{client}/{id}`
pub async fn answer(
    State(app): State<App>,
    browser: Browser,
    Path((client, id)): Path<(String, String)>,
    form: Params,
) -> Result<Response, Refusal> {
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    let (place, read) = steps::find(&call, (&client, &id)).await?;
    if !browser.has_sent(place.id.reveal(), form.field("csrf")) {
        return Err(place.dead(&browser, StatusCode::FORBIDDEN, DeadKind::Csrf));
    }
    let turn = Turn { call, place, read, form };
    if turn.wants("cancel") && turn.attempt().step != Step::Finished {
        minid_app::leave(&turn).await?;
        let error = OAuthError::access_denied("The citizen turned back.");
        return Err(turn.attempt().request.end_with(&app, error, call.now).await);
    }
    if turn.wants("lost") && lost::is_asked_for_in(&turn.attempt().step) {
        return lost::enter(&turn).await;
    }
    match turn.attempt().step.clone() {
        Step::ChooseEid => choose::answer(&turn).await,
        Step::Password => password::answer(&turn).await,
        Step::Otc => otc::answer(&turn).await,
        Step::Totp => totp::answer(&turn).await,
        Step::RecoveryCode => recovery::answer(&turn).await,
        Step::App => minid_app::answer(&turn).await,
        Step::Passkey => passkey::answer(&turn).await,
        Step::Method => method::answer(&turn).await,
        Step::Lost(stage) => lost::answer(&turn, stage).await,
        Step::Email(stage) => email::answer(&turn, stage).await,
        Step::TestId => test_id::answer(&turn).await,
        Step::Recover(stage) => recover::answer(&turn, stage).await,
        Step::NewPassword => new_password::answer(&turn).await,
        Step::SetUp(stage) => set_up::answer(&turn, stage).await,
        Step::Contact(stage) => contact::answer(&turn, stage).await,
        Step::Consent => consent::answer(&turn).await,
        Step::Stopped(_) => stopped::answer(&turn).await,
        Step::Finished => finished::twice(&turn, &answered(&turn.form)).await,
    }
}

/// What let somebody in, as far as a form says it: the same letters that the login has noted.
fn answered(form: &Params) -> String {
    match (form.field("code"), form.field("credential").or(form.field("asked"))) {
        (Some(code), _) => recovery_code::read(code).unwrap_or_else(|| steps::bare(code)),
        (None, other) => other.unwrap_or_default().to_owned(),
    }
}
