//! `/token`: OpenID Connect Core 3.1.3, RFC 6749 4.1.3 and 6, RFC 7523 2.1.

use authenticators::clock::Timestamp;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::claims::{self, Handing, Tokens};
use crate::client_auth::{self, Caller};
use crate::dpop::{self, About, NONCE, Nonce};
use crate::error::OAuthError;
use crate::grant;
use crate::machine;
use crate::params::{Form, Params};
use crate::refresh::{self, Presented};
use crate::registration::{GrantType, Registration};
use crate::request;
use crate::scope;

/// A request at the token endpoint.
struct Exchange<'a> {
    app: &'a App,
    headers: &'a HeaderMap,
    params: &'a Params,
    now: Timestamp,
}

/// `POST /token`
pub async fn exchange(State(app): State<App>, headers: HeaderMap, Form(params): Form) -> Result<Response, OAuthError> {
    params.each_once()?;
    let call = Exchange { app: &app, headers: &headers, params: &params, now: app.world.clock.now() };
    let grant_type = params.one("grant_type")?;
    if grant_type == Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
        return call.by_machine().await;
    }
    let caller = client_auth::authenticate(&app, &headers, &params, call.now).await?;
    let tokens = match grant_type {
        Some("authorization_code") => call.by_code(&caller).await?,
        Some("refresh_token") => call.by_refresh_token(&caller).await?,
        Some(_) => return Err(OAuthError::unsupported_grant_type("Invalid parameter grant_type.")),
        None => return Err(OAuthError::invalid_request("Missing parameter grant_type.")),
    };
    Ok(call.answer(&caller.client.registration, tokens))
}

impl Exchange<'_> {
    /// A client that must show nonces is told the next one with each answer (RFC 9449 8.2).
    fn answer(&self, registration: &Registration, tokens: Tokens) -> Response {
        let mut response = Json(tokens).into_response();
        if Nonce::of(registration) == Nonce::Required
            && let Ok(nonce) = HeaderValue::from_str(&dpop::fresh_nonce(self.app, self.now))
        {
            response.headers_mut().insert(NONCE, nonce);
        }
        response
    }

    /// The key that the tokens will be bound to (RFC 9449 5).
    async fn jkt(&self, registration: &Registration) -> Result<Option<String>, OAuthError> {
        let about = About { method: "POST", path: "/token", token: None, nonce: Nonce::of(registration) };
        let jkt = dpop::check(self.app, self.headers, about, self.now).await?;
        match jkt {
            None if registration.dpop_bound_access_tokens => {
                Err(OAuthError::invalid_dpop_proof("The client's tokens are bound to a key. A DPoP proof is missing."))
            }
            jkt => Ok(jkt),
        }
    }

    async fn by_code(&self, caller: &Caller) -> Result<Tokens, OAuthError> {
        let (client, params) = (&caller.client, self.params);
        if !client.registration.logs_people_in() {
            return Err(OAuthError::unauthorized_client("The client is not registered for authorization_code."));
        }
        let jkt = self.jkt(&client.registration).await?;
        let code = params.one("code")?.ok_or_else(|| OAuthError::invalid_request("Missing parameter code."))?;
        let form = (params.one("redirect_uri")?, params.one("code_verifier")?);
        let mut grant = grant::take(self.app, client, code, form, self.now).await?;
        // RFC 9449 10
        if grant.dpop_jkt.is_some() && grant.dpop_jkt != jkt {
            return Err(OAuthError::invalid_dpop_proof("The code is bound to another key."));
        }
        grant::may_still(self.app, client, &grant).await?;
        let resource = request::resource(params)?;
        let details = request::authorization_details(client, params)?;
        grant::narrow(&grant, &resource, &details)?;
        let rules = scope::rules(self.app, &grant.scope).await?;
        let refresh = match client.registration.grant_types.contains(&GrantType::RefreshToken) {
            true => refresh::begin(self.app, client, &grant, jkt.as_deref(), self.now).await?,
            false => None,
        };
        grant.become_narrower(resource, details);
        claims::tokens(self.app, &grant, Handing { caller, jkt, refresh, rules }, self.now).await
    }

    async fn by_refresh_token(&self, caller: &Caller) -> Result<Tokens, OAuthError> {
        let (client, params) = (&caller.client, self.params);
        if !client.registration.grant_types.contains(&GrantType::RefreshToken) {
            return Err(OAuthError::unauthorized_client("The client is not registered for refresh_token."));
        }
        let jkt = self.jkt(&client.registration).await?;
        let missing = || OAuthError::invalid_request("Missing parameter refresh_token.");
        let token = params.one("refresh_token")?.ok_or_else(missing)?;
        let (narrowed, resource) = (params.one("scope")?, request::resource(params)?);
        let details = request::authorization_details(client, params)?;
        let asked = (resource.as_slice(), details.as_slice());
        let presented = Presented { token, scope: narrowed, asked, jkt: jkt.as_deref() };
        let (mut grant, refresh) = refresh::redeem(self.app, client, &presented, self.now).await?;
        let rules = scope::rules(self.app, &grant.scope).await?;
        if let Some(scope) = narrowed {
            grant.scope.retain(|granted| scope.split(' ').any(|asked| asked == granted));
        }
        grant.become_narrower(resource, details);
        claims::tokens(self.app, &grant, Handing { caller, jkt, refresh: Some(refresh), rules }, self.now).await
    }

    async fn by_machine(&self) -> Result<Response, OAuthError> {
        let (caller, asked) = machine::authenticate(self.app, self.headers, self.params, self.now).await?;
        let registration = &caller.client.registration;
        let jkt = self.jkt(registration).await?;
        let tokens = machine::token(self.app, &caller, &asked, jkt, self.now).await?;
        Ok(self.answer(registration, tokens))
    }
}
