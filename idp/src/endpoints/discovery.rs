//! `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0) and `/jwks.json`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::acr::Acr;
use crate::app::App;
use crate::client_keys::ALGORITHMS;
use crate::document::Document;
use crate::dpop;
use crate::keys::SigningAlgorithm;
use crate::request::ResponseMode;
use crate::text::Language;

/// The provider's metadata, made once.
pub fn discovery(app: &App) -> Document {
    Document::new(metadata(app).to_string())
}

/// `GET /jwks.json`
pub async fn jwks(State(app): State<App>, headers: HeaderMap) -> Response {
    app.keys.document().answer(&headers)
}

fn metadata(app: &App) -> Value {
    let mut all = Map::new();
    for part in [endpoints(app), algorithms(), choices()] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    Value::Object(all)
}

fn endpoints(app: &App) -> Value {
    let issuer = app.config.issuer.as_str();
    let at = |path: &str| format!("{issuer}{path}");
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
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
    })
}

fn algorithms() -> Value {
    let own = SigningAlgorithm::ALL.map(SigningAlgorithm::name);
    let clients = ALGORITHMS.map(|algorithm| format!("{algorithm:?}"));
    let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
    json!({
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
    })
}

fn choices() -> Value {
    json!({
        "scopes_supported": ["openid", "profile"],
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::ALL.map(ResponseMode::name),
        "grant_types_supported": [
            "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"
        ],
        "acr_values_supported": Acr::ALL.map(Acr::name),
        "subject_types_supported": ["pairwise"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "nonce", "acr", "amr", "pid", "given_name",
            "family_name", "locale", "sid", "email", "eidas_identifier", "eidas_firstname", "eidas_lastname",
            "eidas_date_of_birth", "eidas_citizen_country_code"
        ],
        "prompt_values_supported": ["consent", "login", "none"],
        "display_values_supported": ["page"],
        "ui_locales_supported": Language::ALL.map(Language::code),
        "request_parameter_supported": true,
        "request_uri_parameter_supported": false,
        "require_pushed_authorization_requests": false,
        "claims_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    })
}
