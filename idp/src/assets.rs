//! Static files: built in, compressed once, served under a name with their hash for ever.

use std::collections::HashMap;
use std::io::Write;
use std::sync::LazyLock;

use authenticators::chance::TokenHash;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "static"]
struct Files;

struct Asset {
    kind: String,
    plain: Bytes,
    gzip: Option<Bytes>,
}

#[derive(Default)]
struct Assets {
    urls: HashMap<String, String>,
    by_name: HashMap<String, Asset>,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let mut assets = Assets::default();
    for name in Files::iter() {
        let Some(file) = Files::get(&name) else { continue };
        let digest = file.metadata.sha256_hash().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let hash: String =
            TokenHash::of(&digest).as_str().chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        let hashed = match name.rsplit_once('.') {
            Some((stem, end)) => format!("{stem}.{hash}.{end}"),
            None => format!("{name}.{hash}"),
        };
        let plain = Bytes::from(file.data.into_owned());
        let asset = Asset { kind: file.metadata.mimetype().to_owned(), gzip: gzip(&plain), plain };
        assets.urls.insert(name.to_string(), format!("/static/{hashed}"));
        assets.by_name.insert(hashed, asset);
    }
    assets
});

/// Compresses, for what is sent often.
pub fn gzip(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// Whether the other side takes gzip.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| coding.trim().split(';').next() == Some("gzip"))
}

/// The URL of a file in `static/`.
pub fn url(name: &str) -> &'static str {
    ASSETS.urls.get(name).map_or("/static/missing", String::as_str)
}

/// `GET /static/{name}`
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.by_name.get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let head = [
        (header::CONTENT_TYPE, asset.kind.as_str()),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    match &asset.gzip {
        Some(gzip) if takes_gzip(&headers) => {
            (head, [(header::CONTENT_ENCODING, "gzip")], gzip.clone()).into_response()
        }
        _ => (head, asset.plain.clone()).into_response(),
    }
}
