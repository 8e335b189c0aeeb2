//! `/token/introspect`: RFC 7662, RFC 9701, behind ID-porten's three gates.

use authenticators::clock::Timestamp;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::access_token::{self, AccessToken};
use crate::app::App;
use crate::client::Client;
use crate::client_auth;
use crate::error::OAuthError;
use crate::keys::TokenType;
use crate::params::Form;

/// The scope that a client must hold to ask.
const MAY_ASK: &str = "idporten:token.introspection";
const SIGNED: &str = "application/token-introspection+jwt";

/// `POST /token/introspect`
pub async fn tell(State(app): State<App>, headers: HeaderMap, Form(params): Form) -> Result<Response, OAuthError> {
    let now = app.world.clock.now();
    params.each_once()?;
    let client = client_auth::authenticate(&app, &headers, &params, now).await?.client;
    if client.registration.is_public() || !client.registration.scopes.iter().any(|scope| scope == MAY_ASK) {
        return Err(OAuthError::unauthorized_client("The client may not introspect tokens."));
    }
    let token = params.one("token")?.ok_or_else(|| OAuthError::invalid_request("Missing parameter token."))?;
    let found = access_token::find(&app, token, now).await?;
    let said = match found {
        Some(claims) if is_listed(&app, &client, &claims).await? => active(&app, claims, now).await?,
        _ => json!({ "active": false }),
    };
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let registration = &client.registration;
    if registration.introspection_signed_response_alg.is_none() && !accept.contains(SIGNED) {
        return Ok(Json(said).into_response());
    }
    let algorithm = registration.introspection_signed_response_alg.unwrap_or(registration.id_token_signed_response_alg);
    let claims = json!({
        "iss": app.config.issuer.as_str(),
        "aud": client.id,
        "iat": now,
        "token_introspection": said,
    });
    let signed = app.keys.sign(algorithm, TokenType::Introspection, &claims, now)?;
    Ok(([(header::CONTENT_TYPE, SIGNED)], signed).into_response())
}

/// The third gate: one of the token's scopes lists the client.
async fn is_listed(app: &App, client: &Client, token: &AccessToken) -> anyhow::Result<bool> {
    for name in token.scope.split(' ') {
        let listed = app.scope(name).await?.is_some_and(|scope| {
            scope.registration.enforced_aud_for_introspection.iter().any(|listed| listed == client.id.as_str())
        });
        if listed {
            return Ok(true);
        }
    }
    Ok(false)
}

/// RFC 7662 2.2: the claims, and the identifier that a pseudonymous token does not tell.
async fn active(app: &App, mut token: AccessToken, now: Timestamp) -> anyhow::Result<Value> {
    if token.pid.is_none() {
        token.pid = access_token::hidden_pid(app, &token, now).await?;
    }
    let token_type = token.token_type();
    let mut said = serde_json::to_value(token)?;
    if let Some(fields) = said.as_object_mut() {
        fields.insert("active".into(), json!(true));
        fields.insert("token_type".into(), json!(token_type));
    }
    Ok(said)
}
