//! `/par`: pushed authorization requests (RFC 9126).

use authenticators::scratch::Kept;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;
use crate::client_auth;
use crate::dpop::{self, About, Nonce};
use crate::error::OAuthError;
use crate::params::Form;
use crate::request::{AuthorizationRequest, Pushed, REQUEST_URI};

/// `POST /par`
pub async fn push(State(app): State<App>, headers: HeaderMap, Form(params): Form) -> Result<Response, OAuthError> {
    let now = app.world.clock.now();
    params.each_once()?;
    let caller = client_auth::authenticate(&app, &headers, &params, now).await?;
    let about = About { method: "POST", path: "/par", token: None, nonce: Nonce::of(&caller.client.registration) };
    let jkt = dpop::check(&app, &headers, about, now).await?;
    let mut request = AuthorizationRequest::parse_pushed(&app, &caller.client, &params, now).await?;
    // RFC 9449 10.1
    match (&request.dpop_jkt, jkt) {
        (Some(asked), Some(proved)) if *asked != proved => {
            return Err(OAuthError::invalid_dpop_proof("Parameter dpop_jkt is not the proof's key."));
        }
        (None, Some(proved)) => request.dpop_jkt = Some(proved),
        _ => {}
    }
    let handle = app.world.chance.token()?;
    app.world.scratch.put(&handle.hash(), &Pushed(request), now).await?;
    let answer = json!({
        "request_uri": format!("{REQUEST_URI}{}", handle.reveal()),
        "expires_in": Pushed::FOR.as_secs(),
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}
