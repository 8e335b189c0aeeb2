//! What goes wrong, and whom it is told.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::client::Client;
use crate::dpop::{ALGORITHMS, NONCE};
use crate::request::ReturnTo;

/// An error of OAuth 2.0 or OpenID Connect: JSON on the machine endpoints.
#[derive(Debug)]
pub struct OAuthError {
    /// The code in the registry.
    pub code: &'static str,
    /// For the developer of the service: short, names the parameter.
    pub description: String,
    /// The HTTP status.
    pub status: StatusCode,
    challenge: Option<Cow<'static, str>>,
    dpop_nonce: Option<String>,
    fault: Option<anyhow::Error>,
}

impl OAuthError {
    fn new(code: &'static str, status: StatusCode, description: impl Into<String>) -> OAuthError {
        OAuthError { code, description: description.into(), status, challenge: None, dpop_nonce: None, fault: None }
    }

    /// RFC 6749 4.1.2.1, 5.2
    pub fn invalid_request(description: impl Into<String>) -> OAuthError {
        OAuthError::new("invalid_request", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 6749 5.2
    pub fn invalid_client(description: impl Into<String>) -> OAuthError {
        OAuthError::new("invalid_client", StatusCode::UNAUTHORIZED, description)
    }

    /// RFC 6749 5.2: who came with `Authorization: Basic` is told that it is asked for.
    pub fn invalid_client_basic(description: impl Into<String>) -> OAuthError {
        OAuthError { challenge: Some("Basic realm=\"porten\"".into()), ..OAuthError::invalid_client(description) }
    }

    /// RFC 6749 5.2
    pub fn invalid_grant(description: impl Into<String>) -> OAuthError {
        OAuthError::new("invalid_grant", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 6749 4.1.2.1, 5.2
    pub fn invalid_scope(description: impl Into<String>) -> OAuthError {
        OAuthError::new("invalid_scope", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 6749 4.1.2.1, 5.2
    pub fn unauthorized_client(description: impl Into<String>) -> OAuthError {
        OAuthError::new("unauthorized_client", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 6749 5.2
    pub fn unsupported_grant_type(description: impl Into<String>) -> OAuthError {
        OAuthError::new("unsupported_grant_type", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 6749 4.1.2.1
    pub fn unsupported_response_type(description: impl Into<String>) -> OAuthError {
        OAuthError::new("unsupported_response_type", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 6749 4.1.2.1: also when the citizen turns back.
    pub fn access_denied(description: impl Into<String>) -> OAuthError {
        OAuthError::new("access_denied", StatusCode::FORBIDDEN, description)
    }

    /// OpenID Connect Core 3.1.2.6
    pub fn login_required(description: impl Into<String>) -> OAuthError {
        OAuthError::new("login_required", StatusCode::BAD_REQUEST, description)
    }

    /// OpenID Connect Core 3.1.2.6
    pub fn consent_required(description: impl Into<String>) -> OAuthError {
        OAuthError::new("consent_required", StatusCode::BAD_REQUEST, description)
    }

    /// OpenID Connect Core 3.1.2.6
    pub fn request_not_supported(description: impl Into<String>) -> OAuthError {
        OAuthError::new("request_not_supported", StatusCode::BAD_REQUEST, description)
    }

    /// OpenID Connect Core 3.1.2.6
    pub fn request_uri_not_supported(description: impl Into<String>) -> OAuthError {
        OAuthError::new("request_uri_not_supported", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 9101 6.2
    pub fn invalid_request_object(description: impl Into<String>) -> OAuthError {
        OAuthError::new("invalid_request_object", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 9101 7: also a pushed request that is unknown, too old or used.
    pub fn invalid_request_uri(description: impl Into<String>) -> OAuthError {
        OAuthError::new("invalid_request_uri", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 8707 2
    pub fn invalid_target(description: impl Into<String>) -> OAuthError {
        OAuthError::new("invalid_target", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 9396 5
    pub fn invalid_authorization_details(description: impl Into<String>) -> OAuthError {
        OAuthError::new("invalid_authorization_details", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 9449 5
    pub fn invalid_dpop_proof(description: impl Into<String>) -> OAuthError {
        OAuthError::new("invalid_dpop_proof", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 9449 8: come again with this nonce.
    pub fn use_dpop_nonce(nonce: String) -> OAuthError {
        let error = OAuthError::new("use_dpop_nonce", StatusCode::BAD_REQUEST, "The DPoP proof needs a nonce of ours.");
        OAuthError { dpop_nonce: Some(nonce), ..error }
    }

    /// The same on a resource: RFC 9449 7.1, 9.
    #[must_use]
    pub fn of_a_bound_token(self) -> OAuthError {
        let challenge = format!("DPoP error=\"{}\", algs=\"{}\"", self.code, ALGORITHMS.join(" "));
        let status = if self.status.is_server_error() { self.status } else { StatusCode::UNAUTHORIZED };
        OAuthError { challenge: Some(challenge.into()), status, ..self }
    }

    /// OpenID Connect Core Error Code `unmet_authentication_requirements` 1.0
    pub fn unmet_authentication_requirements(description: impl Into<String>) -> OAuthError {
        OAuthError::new("unmet_authentication_requirements", StatusCode::BAD_REQUEST, description)
    }

    /// RFC 6750 3.1
    pub fn invalid_token(description: impl Into<String>) -> OAuthError {
        let challenge = Some("Bearer error=\"invalid_token\"".into());
        OAuthError { challenge, ..OAuthError::new("invalid_token", StatusCode::UNAUTHORIZED, description) }
    }

    /// RFC 6750 3: no token at all is answered without an error code.
    pub fn no_token() -> OAuthError {
        let error = OAuthError::new("invalid_token", StatusCode::UNAUTHORIZED, "No access token.");
        OAuthError { challenge: Some(format!("Bearer, DPoP algs=\"{}\"", ALGORITHMS.join(" ")).into()), ..error }
    }

    /// RFC 6750 3.1
    pub fn insufficient_scope(description: impl Into<String>) -> OAuthError {
        let challenge = Some("Bearer error=\"insufficient_scope\", scope=\"openid\"".into());
        OAuthError { challenge, ..OAuthError::new("insufficient_scope", StatusCode::FORBIDDEN, description) }
    }

    /// Something of ours broke; logged where the answer leaves.
    fn server_error(fault: anyhow::Error) -> OAuthError {
        let error = OAuthError::new("server_error", StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here.");
        OAuthError { fault: Some(fault), ..error }
    }

    /// Writes down what broke, if anything did.
    pub fn log(&self) {
        if let Some(fault) = &self.fault {
            tracing::error!(error = format!("{fault:#}"), "fault");
        }
    }
}

impl From<anyhow::Error> for OAuthError {
    fn from(fault: anyhow::Error) -> OAuthError {
        OAuthError::server_error(fault)
    }
}

impl From<sqlx::Error> for OAuthError {
    fn from(fault: sqlx::Error) -> OAuthError {
        OAuthError::server_error(fault.into())
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        self.log();
        let body = Json(json!({ "error": self.code, "error_description": self.description }));
        let mut response = (self.status, body).into_response();
        if let Some(Ok(challenge)) = self.challenge.map(|challenge| HeaderValue::from_str(&challenge)) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(Ok(nonce)) = self.dpop_nonce.map(|nonce| HeaderValue::from_str(&nonce)) {
            response.headers_mut().insert(NONCE, nonce);
        }
        response
    }
}

/// Why a browser does not get what it asked for. The edge of the server makes the answer ([`crate::edge`]).
#[derive(Debug)]
pub enum Refusal {
    /// The service cannot be trusted with the answer, or is not known: a page of ours.
    ToPerson(OAuthError),
    /// The same where the service is known: the page leads back to it.
    Astray(OAuthError, Arc<Client>),
    /// Back to the service with the error.
    ToClient(Box<ReturnTo>, OAuthError),
    /// A page of ours that says what happened and leads on.
    Page(Box<Dead>),
}

/// The end of a way, with a way on.
#[derive(Debug)]
pub struct Dead {
    /// The status.
    pub status: StatusCode,
    /// What happened.
    pub kind: DeadKind,
    /// The name of the service, and where it is found.
    pub service: Option<(String, Option<String>)>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadKind {
    /// The login is too old, or never was.
    Expired,
    /// The login was begun in another browser.
    OtherBrowser,
    /// The form did not come from our page.
    Csrf,
    /// No such page.
    NotFound,
}

impl From<anyhow::Error> for Refusal {
    fn from(fault: anyhow::Error) -> Refusal {
        Refusal::ToPerson(fault.into())
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(fault: sqlx::Error) -> Refusal {
        Refusal::ToPerson(fault.into())
    }
}
