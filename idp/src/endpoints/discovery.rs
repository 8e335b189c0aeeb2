//! `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0) and `/jwks.json`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use crate::acr::Acr;
use crate::app::App;
use crate::document::Document;
use crate::keys::SigningAlgorithm;
use crate::text::Language;

/// The provider's metadata, made once.
pub fn discovery(app: &App) -> Document {
    Document::new(metadata(app).to_string())
}

/// `GET /jwks.json`
pub async fn jwks(State(app): State<App>, headers: HeaderMap) -> Response {
    app.keys.document().answer(&headers)
}

fn metadata(app: &App) -> serde_json::Value {
    let issuer = app.config.issuer.as_str();
    let at = |path: &str| format!("{issuer}{path}");
    json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks.json"),
        "end_session_endpoint": at("/logout"),
        "scopes_supported": ["openid", "profile"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "acr_values_supported": Acr::ALL.map(Acr::name),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": SigningAlgorithm::ALL.map(SigningAlgorithm::name),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "nonce", "acr", "amr", "pid", "locale", "sid"
        ],
        "prompt_values_supported": ["consent", "login", "none"],
        "display_values_supported": ["page"],
        "ui_locales_supported": Language::ALL.map(Language::code),
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    })
}
