//! QR codes: an image that stands in the page itself.

use anyhow::anyhow;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::convert::{Builder, Shape};
use fast_qr::{ECL, QRBuilder};

/// The `src` of an image that says these words. Its description stands in the page.
pub fn image(words: &str) -> anyhow::Result<String> {
    let code = QRBuilder::new(words).ecl(ECL::M).build().map_err(|error| anyhow!("QR code: {error}"))?;
    let svg = SvgBuilder::default().margin(4).shape(Shape::Square).to_str(&code);
    Ok(format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg)))
}
