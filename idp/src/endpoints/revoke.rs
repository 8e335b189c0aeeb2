//! `/token/revoke`: RFC 7009. Whichever token is shown, its whole grant ends.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use crate::access_token;
use crate::app::App;
use crate::client_auth;
use crate::error::OAuthError;
use crate::grant::{self, GrantId};
use crate::params::Form;
use crate::refresh;

/// `POST /token/revoke`
pub async fn end(State(app): State<App>, headers: HeaderMap, Form(params): Form) -> Result<StatusCode, OAuthError> {
    let now = app.world.clock.now();
    params.each_once()?;
    let client = client_auth::authenticate(&app, &headers, &params, now).await?.client;
    let token = params.one("token")?.ok_or_else(|| OAuthError::invalid_request("Missing parameter token."))?;
    let found = match access_token::find(&app, token, now).await? {
        Some(claims) => GrantId::of_token(&claims.jti).map(|grant| (grant, claims.client_id)),
        None => refresh::grant_of(&app, token).await?,
    };
    match found {
        // RFC 7009 2.2: what is no token any more needs no ending.
        None => Ok(StatusCode::OK),
        Some((_, owner)) if owner != client.id => {
            Err(OAuthError::invalid_request("The token was issued to another client."))
        }
        Some((grant, _)) => {
            grant::revoke(&app, &grant, now).await?;
            Ok(StatusCode::OK)
        }
    }
}
