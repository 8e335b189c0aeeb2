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
    json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks.json"),
        "end_session_endpoint": at("/logout"),
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "scopes_supported": ["openid", "profile"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "acr_values_supported": Acr::ALL.map(Acr::name),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
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
