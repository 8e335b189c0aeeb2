//! `/userinfo`: OpenID Connect Core 5.3, RFC 6750.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method, header};

use crate::app::App;
use crate::claims::{self, UserInfo};
use crate::error::OAuthError;
use crate::params::Form;

/// `GET` or `POST /userinfo`
pub async fn tell(
    State(app): State<App>,
    method: Method,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Json<UserInfo>, OAuthError> {
    let now = app.world.clock.now();
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let in_header = header.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    // RFC 6750 2.2: in a form, and never in the query (RFC 9700 4.3.2).
    let in_form = if method == Method::POST { params.one("access_token")? } else { None };
    let token = match (in_header, in_form) {
        (Some(token), None) | (None, Some(token)) => token,
        (Some(_), Some(_)) => return Err(OAuthError::invalid_request("Two access tokens at once.")),
        (None, None) => return Err(OAuthError::no_token()),
    };
    Ok(Json(claims::userinfo(&app, token, now).await?))
}
