//! Documents that are made once and sent often.

use std::sync::LazyLock;

use authenticators::chance::TokenHash;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::assets;

/// A JSON document, compressed once.
#[derive(Clone)]
pub struct Document {
    plain: Bytes,
    gzip: Option<Bytes>,
    etag: HeaderValue,
}

impl Document {
    /// Makes it.
    pub fn new(text: String) -> Document {
        static NOTHING: LazyLock<HeaderValue> = LazyLock::new(|| HeaderValue::from_static("\"\""));
        let etag = HeaderValue::from_str(&format!("\"{}\"", TokenHash::of(&text).as_str()));
        let plain = Bytes::from(text);
        Document { gzip: assets::gzip(&plain), plain, etag: etag.unwrap_or_else(|_| NOTHING.clone()) }
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
