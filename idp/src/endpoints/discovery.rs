//! `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0) and `/jwks.json`.

use std::sync::LazyLock;

use authenticators::chance::TokenHash;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::acr::Acr;
use crate::app::App;
use crate::assets;
use crate::dpop;
use crate::keys::SigningAlgorithm;
use crate::request::ResponseMode;
use crate::text::Language;

/// A document that is made once and sent often.
#[derive(Clone)]
pub struct Document {
    plain: Bytes,
    gzip: Option<Bytes>,
    etag: HeaderValue,
}

impl Document {
    fn new(text: String) -> Document {
        static NOTHING: LazyLock<HeaderValue> = LazyLock::new(|| HeaderValue::from_static("\"\""));
        let etag = HeaderValue::from_str(&format!("\"{}\"", TokenHash::of(&text).as_str()));
        let plain = Bytes::from(text);
        Document { gzip: assets::gzip(&plain), plain, etag: etag.unwrap_or_else(|_| NOTHING.clone()) }
    }

    /// The provider's metadata.
    pub fn discovery(app: &App) -> Document {
        Document::new(metadata(app).to_string())
    }

    /// The public keys.
    pub fn jwks(app: &App) -> Document {
        Document::new(app.keys.jwks.clone())
    }

    /// Sends it, or says that the other side has it already (RFC 9110 13.1.2).
    pub fn answer(self, headers: &HeaderMap) -> Response {
        let head = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
            (header::ETAG, self.etag.clone()),
        ];
        if headers.get(header::IF_NONE_MATCH) == Some(&self.etag) {
            return (StatusCode::NOT_MODIFIED, head).into_response();
        }
        match self.gzip {
            Some(gzip) if assets::takes_gzip(headers) => {
                (head, [(header::CONTENT_ENCODING, "gzip")], gzip).into_response()
            }
            _ => (head, self.plain).into_response(),
        }
    }
}

fn metadata(app: &App) -> serde_json::Value {
    let issuer = app.config.issuer.as_str();
    let at = |path: &str| format!("{issuer}{path}");
    let own = SigningAlgorithm::ALL.map(SigningAlgorithm::name);
    let clients = ["RS256", "RS384", "RS512", "PS256", "ES256", "EdDSA"];
    let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
    json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "pushed_authorization_request_endpoint": at("/par"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "introspection_endpoint": at("/token/introspect"),
        "revocation_endpoint": at("/token/revoke"),
        "jwks_uri": at("/jwks.json"),
        "end_session_endpoint": at("/logout"),
        "scopes_supported": ["openid", "profile"],
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::ALL.map(ResponseMode::name),
        "grant_types_supported": [
            "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"
        ],
        "acr_values_supported": Acr::ALL.map(Acr::name),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": own,
        "userinfo_signing_alg_values_supported": own,
        "authorization_signing_alg_values_supported": own,
        "introspection_signing_alg_values_supported": own,
        "request_object_signing_alg_values_supported": clients,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": clients,
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": clients,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": clients,
        "dpop_signing_alg_values_supported": dpop::ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "nonce", "acr", "amr", "pid", "locale", "sid"
        ],
        "prompt_values_supported": ["consent", "login", "none"],
        "display_values_supported": ["page"],
        "ui_locales_supported": Language::ALL.map(Language::code),
        "request_parameter_supported": true,
        "request_uri_parameter_supported": false,
        "require_request_uri_registration": false,
        "require_pushed_authorization_requests": false,
        "claims_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    })
}
