//! What is read from a screen and from paper: QR codes, as a telephone's camera does it, and a letter's text.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use base64::Engine;
use png::{Decoder, Transformations};
use rqrr::PreparedImage;
use serde_json::json;
use thirtyfour::By;

use crate::check::shots;
use crate::chromium::Chromium;

/// As a cheap printer prints.
const DOTS_PER_INCH: &str = "150";

/// A picture in shades of grey.
struct Picture {
    width: usize,
    height: usize,
    grey: Vec<u8>,
}

impl Picture {
    fn of_png(file: &[u8]) -> anyhow::Result<Picture> {
        let mut decoder = Decoder::new(Cursor::new(file));
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let mut pixels = vec![0; reader.output_buffer_size().context("too large a picture")?];
        let info = reader.next_frame(&mut pixels)?;
        // Green is what the eye sees best; a picture in grey has one sample.
        let (samples, green) = (info.color_type.samples(), usize::from(info.color_type.samples() > 2));
        let grey = pixels.chunks_exact(samples).map(|pixel| pixel[green]).collect();
        Ok(Picture { width: info.width.try_into()?, height: info.height.try_into()?, grey })
    }

    /// The first page of a PDF, as it is printed.
    fn of_pdf(pdf: &Path) -> anyhow::Result<Picture> {
        let mut command = Command::new("pdftoppm");
        command.args(["-png", "-singlefile", "-r", DOTS_PER_INCH]).arg(pdf);
        let output = command.output().context("pdftoppm (poppler-utils) is missing")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        if let Some(folder) = shots() {
            std::fs::write(folder.join(pdf.with_extension("png").file_name().context("no name")?), &output.stdout)?;
        }
        Picture::of_png(&output.stdout)
    }

    /// What its one QR code says.
    fn read(&self) -> anyhow::Result<String> {
        let shade = |x: usize, y: usize| self.grey[y * self.width + x];
        let mut image = PreparedImage::prepare_from_greyscale(self.width, self.height, shade);
        let found = image.detect_grids();
        ensure!(found.len() == 1, "{} QR codes in the picture", found.len());
        Ok(found[0].decode().context("a QR code that cannot be read")?.1)
    }
}

/// What the QR code of a letter says.
pub(crate) fn read_letter(pdf: &Path) -> anyhow::Result<String> {
    Picture::of_pdf(pdf)?.read().with_context(|| format!("{}", pdf.display()))
}

/// What an eye reads in a letter.
pub(crate) fn text_of_letter(pdf: &Path) -> anyhow::Result<String> {
    let output = Command::new("pdftotext").arg("-layout").arg(pdf).arg("-").output();
    let output = output.context("pdftotext (poppler-utils) is missing")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Chromium {
    /// What the QR code says that is on the screen now, with nothing scrolled.
    pub(crate) async fn camera(&self) -> anyhow::Result<String> {
        let seen = self.driver.cdp().send_raw("Page.captureScreenshot", json!({ "format": "png" })).await?;
        let seen = seen["data"].as_str().context("no picture")?;
        let seen = base64::engine::general_purpose::STANDARD.decode(seen)?;
        let read = Picture::of_png(&seen)?.read();
        read.with_context(|| format!("on the screen of {}, a {}", self.story, self.size.name()))
    }

    /// The same for one that stands further down on the page.
    pub(crate) async fn camera_further_down(&self) -> anyhow::Result<String> {
        self.driver.find(By::Css(".qr img")).await?.scroll_into_view().await?;
        self.camera().await
    }
}
