//! `/userinfo`: OpenID Connect Core 5.3, RFC 6750, RFC 9449 7.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};

use crate::access_token;
use crate::app::App;
use crate::claims;
use crate::dpop::{self, About, Nonce};
use crate::error::OAuthError;
use crate::keys::TokenType;
use crate::params::Form;

/// `GET` or `POST /userinfo`
pub async fn tell(
    State(app): State<App>,
    method: Method,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, OAuthError> {
    let now = app.world.clock.now();
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let in_header = header.and_then(|value| value.split_once(' ')).map(|(scheme, token)| (scheme, token.trim()));
    let in_header =
        in_header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("dpop"));
    // RFC 6750 2.2: in a form, and never in the query (RFC 9700 4.3.2).
    let in_form = if method == Method::POST { params.one("access_token")? } else { None };
    let (scheme, token) = match (in_header, in_form) {
        (Some(both), None) => both,
        (None, Some(token)) => ("bearer", token),
        (Some(_), Some(_)) => return Err(OAuthError::invalid_request("Two access tokens at once.")),
        (None, None) => return Err(OAuthError::no_token()),
    };
    let invalid = || {
        let error = OAuthError::invalid_token("The access token is invalid, expired or revoked.");
        // RFC 9449 7.1: who came with DPoP is answered with DPoP.
        match scheme.eq_ignore_ascii_case("dpop") {
            true => error.of_a_bound_token(),
            false => error,
        }
    };
    let claims = access_token::find(&app, token, now).await?.ok_or_else(invalid)?;
    let client = app.client(&claims.client_id).await?.ok_or_else(invalid)?;
    let (method, nonce) = (method.as_str(), Nonce::of(&client.registration));
    let about = About { method, path: "/userinfo", token: Some(token), nonce };
    dpop::is_held(&app, &headers, about, (&claims, scheme.eq_ignore_ascii_case("dpop")), now).await?;
    let said = claims::userinfo(&app, claims)?;
    let Some(algorithm) = client.registration.userinfo_signed_response_alg else {
        return Ok(Json(said).into_response());
    };
    let signed = app.keys.sign(algorithm, TokenType::UserInfo, &said.to(&app, &client.id), now)?;
    Ok(([(header::CONTENT_TYPE, "application/jwt")], signed).into_response())
}
