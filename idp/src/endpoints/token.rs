//! `/token`: OpenID Connect Core 3.1.3, RFC 6749 4.1.3 and 6.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};

use crate::app::App;
use crate::claims::{self, Tokens};
use crate::client::{self, Client, GrantType};
use crate::error::OAuthError;
use crate::grant;
use crate::params::{Form, Params};

/// `POST /token`
pub async fn exchange(
    State(app): State<App>,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Json<Tokens>, OAuthError> {
    if params.repeated().is_some() {
        return Err(OAuthError::invalid_request("A parameter is sent more than once."));
    }
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let client = client::authenticate(&app, authorization, &params).await?;
    match params.one("grant_type")? {
        Some("authorization_code") => by_code(&app, &client, &params).await,
        Some("refresh_token") => by_refresh_token(&app, &client, &params).await,
        Some(_) => Err(OAuthError::unsupported_grant_type("Invalid parameter grant_type.")),
        None => Err(OAuthError::invalid_request("Missing parameter grant_type.")),
    }
}

async fn by_code(app: &App, client: &Client, params: &Params) -> Result<Json<Tokens>, OAuthError> {
    let now = app.world.clock.now();
    let code = params.one("code")?.ok_or_else(|| OAuthError::invalid_request("Missing parameter code."))?;
    let form = (params.one("redirect_uri")?, params.one("code_verifier")?);
    let grant = grant::take(app, client, code, form, now).await?;
    let refresh = match client.registration.grant_types.contains(&GrantType::RefreshToken) {
        true => grant::begin_family(app, client, &grant, now).await?,
        false => None,
    };
    Ok(Json(claims::tokens(app, client, &grant, refresh, now)?))
}

async fn by_refresh_token(app: &App, client: &Client, params: &Params) -> Result<Json<Tokens>, OAuthError> {
    let now = app.world.clock.now();
    if !client.registration.grant_types.contains(&GrantType::RefreshToken) {
        return Err(OAuthError::unauthorized_client("The client is not registered for refresh_token."));
    }
    let missing = || OAuthError::invalid_request("Missing parameter refresh_token.");
    let token = params.one("refresh_token")?.ok_or_else(missing)?;
    let narrowed = params.one("scope")?;
    let (mut grant, refresh) = grant::refresh(app, client, token, narrowed, now).await?;
    if let Some(scope) = narrowed {
        grant.scope.retain(|granted| scope.split(' ').any(|asked| asked == granted));
    }
    Ok(Json(claims::tokens(app, client, &grant, Some(refresh), now)?))
}
