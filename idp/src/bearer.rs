//! Access tokens as a resource of ours takes them: in the header, as a bearer token or bound to a key.

use std::sync::Arc;

use authenticators::clock::Timestamp;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::access_token::{self, AccessToken};
use crate::app::App;
use crate::client::Client;
use crate::dpop::{self, About, Nonce};
use crate::error::OAuthError;

/// How an access token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// RFC 6750 2.1
    Bearer,
    /// RFC 9449 7.1
    Dpop,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Scheme::Bearer => "Bearer",
            Scheme::Dpop => "DPoP",
        }
    }

    /// Who came with DPoP is answered with DPoP (RFC 9449 7.1).
    fn refusal(self, why: &str) -> OAuthError {
        let error = OAuthError::invalid_token(why);
        match self {
            Scheme::Bearer => error,
            Scheme::Dpop => error.of_a_bound_token(),
        }
    }
}

/// Whoever has shown an access token that is good here.
pub struct Bearer {
    scheme: Scheme,
    /// The token.
    pub token: AccessToken,
    /// Whose it is.
    pub client: Arc<Client>,
    /// When they came.
    pub now: Timestamp,
}

impl FromRequestParts<App> for Bearer {
    type Rejection = OAuthError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Bearer, OAuthError> {
        let now = app.world.clock.now();
        let (scheme, shown) = shown(&parts.headers).ok_or_else(OAuthError::no_token)?;
        let invalid = || scheme.refusal("The access token is invalid, expired or revoked.");
        let token = access_token::find(app, shown, now).await?.ok_or_else(invalid)?;
        let client = app.client(&token.client_id).await?.ok_or_else(invalid)?;
        // RFC 8707 2: a service may name us, or this address of ours.
        let issuer = app.config.issuer.as_str();
        let address = format!("{issuer}{}", parts.uri.path());
        if ![issuer, &address].iter().any(|resource| access_token::is_for(&token.aud, resource)) {
            return Err(scheme.refusal("The access token was issued for another resource."));
        }
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let about = About { method, path, token: Some(shown), nonce: Nonce::of(&client.registration) };
        dpop::is_held(app, &parts.headers, about, (&token, scheme == Scheme::Dpop), now).await?;
        Ok(Bearer { scheme, token, client, now })
    }
}

/// The access token in the header.
fn shown(headers: &HeaderMap) -> Option<(Scheme, &str)> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let mut known = [Scheme::Bearer, Scheme::Dpop].into_iter();
    Some((known.find(|known| scheme.eq_ignore_ascii_case(known.name()))?, token.trim()))
}

impl Bearer {
    /// The same good token, refused for something else.
    pub fn refusal(&self, why: &str) -> OAuthError {
        self.scheme.refusal(why)
    }

    fn has_one_of(&self, scopes: &[&str]) -> bool {
        scopes.iter().any(|scope| self.token.has(scope))
    }

    /// Whether nobody is behind the token but a machine, with one of these scopes. What a citizen has let a service do
    /// tells nothing of others.
    pub fn is_a_machine_with(&self, scopes: &[&str]) -> bool {
        self.token.acr.is_none() && self.token.pid.is_none() && self.has_one_of(scopes)
    }

    /// The identifier of the citizen behind the token, with one of these scopes. A pseudonymous token does not tell it,
    /// and neither does its holder learn it here.
    pub fn citizen_with(&self, scopes: &[&str]) -> Option<&str> {
        self.token.pid.as_deref().filter(|_| self.has_one_of(scopes))
    }

    /// The token is good, and not good enough (RFC 6750 3.1).
    pub fn falls_short(&self, needed: &str, scopes: &[&str]) -> Response {
        let (scheme, all) = (self.scheme.name(), scopes.join(" "));
        let challenge = format!("{scheme} error=\"insufficient_scope\", scope=\"{all}\"");
        let error = OAuthError::insufficient_scope(format!("{needed} is needed, for {}.", scopes.join(" or ")));
        ([(header::WWW_AUTHENTICATE, challenge)], error).into_response()
    }
}
