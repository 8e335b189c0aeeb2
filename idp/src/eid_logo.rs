//! The logo of an eID: a picture in a file, read once, and sent from here under a name that changes with it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// No logo needs more.
const AT_MOST: usize = 64 * 1024;
/// PNG (Third Edition) 5.2
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What makes a document one that a browser shows as a picture.
const SVG_NAMESPACE: &str = "http://www.w3.org/2000/svg";
/// A picture in a page runs nothing. Whoever opens it by itself gets a document that runs nothing, fetches nothing and
/// is of no origin.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'; base-uri 'none'";

/// A picture.
#[derive(Debug, Clone)]
pub struct Logo {
    kind: &'static str,
    name: String,
    bytes: Bytes,
}

impl Logo {
    /// Reads a file.
    pub fn open(file: &Path) -> anyhow::Result<Logo> {
        let mut bytes = Vec::new();
        let most = u64::try_from(AT_MOST)? + 1;
        let read = File::open(file).and_then(|opened| opened.take(most).read_to_end(&mut bytes));
        read.with_context(|| format!("cannot read {}", file.display()))?;
        Logo::parse(bytes).map_err(anyhow::Error::msg).with_context(|| format!("the logo in {}", file.display()))
    }

    fn parse(bytes: Vec<u8>) -> Result<Logo, &'static str> {
        if bytes.len() > AT_MOST {
            return Err("is longer than 64 KiB");
        }
        let (kind, end) = match bytes.as_slice() {
            png if png.starts_with(PNG) => ("image/png", "png"),
            text if is_svg(text) => ("image/svg+xml", "svg"),
            _ => return Err("is neither SVG nor PNG"),
        };
        let digest = digest(&SHA256, &bytes);
        let hash: String = digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Ok(Logo { kind, name: format!("{hash}.{end}"), bytes: bytes.into() })
    }

    /// What it is called in addresses.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends it.
    pub fn answer(&self) -> Response {
        let head = [
            (header::CONTENT_TYPE, self.kind),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
        ];
        (head, self.bytes.clone()).into_response()
    }
}

/// Whether it is a document whose first element is `svg`, after a declaration and comments.
fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    for (begin, end) in [("<?", "?>"), ("<!--", "-->"), ("<!DOCTYPE", ">"), ("<!--", "-->")] {
        if rest.starts_with(begin) {
            let Some((_, after)) = rest.split_once(end) else { return false };
            rest = after.trim_start();
        }
    }
    let is_element = rest.strip_prefix("<svg").is_some_and(|rest| rest.starts_with([' ', '\t', '\r', '\n', '>']));
    is_element && rest.contains(SVG_NAMESPACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>"#;

    #[test]
    fn what_is_a_picture() {
        let kind = |bytes: &[u8]| Logo::parse(bytes.to_vec()).map(|logo| logo.kind);
        assert_eq!(kind(SVG.as_bytes()), Ok("image/svg+xml"));
        assert_eq!(kind(&[PNG, b"rest"].concat()), Ok("image/png"));
        let long = "<?xml version=\"1.0\"?>\n<!-- By hand -->\n<!DOCTYPE svg>\n";
        assert_eq!(kind(format!("\u{feff}{long}{SVG}").as_bytes()), Ok("image/svg+xml"));
        for wrong in ["", "GIF89a", "<html><svg", "<svgfoo xmlns=\"http://www.w3.org/2000/svg\">", "<svg>", "<?xml"] {
            assert_eq!(kind(wrong.as_bytes()), Err("is neither SVG nor PNG"), "{wrong}");
        }
        assert_eq!(kind(&[PNG, vec![0; AT_MOST].as_slice()].concat()), Err("is longer than 64 KiB"));
    }

    #[test]
    fn another_picture_has_another_name() {
        let name = |text: &str| Logo::parse(text.as_bytes().to_vec()).map(|logo| logo.name);
        assert_eq!(name(SVG), name(SVG));
        assert_ne!(name(SVG), name(&format!("{SVG} ")));
        assert!(
            name(SVG)
                .is_ok_and(|name| name.split_once('.').is_some_and(|(hash, end)| hash.len() == 12 && end == "svg"))
        );
    }
}
