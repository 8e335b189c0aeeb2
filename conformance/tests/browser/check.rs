//! What goes for every page: nothing for axe, nothing beside a narrow screen, nothing in the console, no request
//! to anybody else.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use base64::Engine;
use serde_json::{Value, json};

use crate::chromium::{Chromium, Size};
use crate::stage::{Stage, installed};

/// All of WCAG's A and AA, and what axe thinks good.
const AXE: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }).then(
        (found) => done({
            rules: found.passes.length,
            wrong: found.violations.map((one) =>
                [one.id, one.help, ...one.nodes.map((node) => node.target + ' ' + node.failureSummary)].join('\\n    ')),
        }),
        (error) => done({ rules: 0, wrong: [String(error)] }),
    );";

/// What sticks out at the side.
const TOO_WIDE: &str = "
    const page = document.documentElement;
    if (page.scrollWidth <= innerWidth) return null;
    const wide = [...document.body.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > innerWidth);
    return page.scrollWidth + ': ' + wide.map((one) => one.tagName + '.' + one.className).join(' ');";

/// What a class has to see of a code without scrolling, and is not on the screen.
const OFF_THE_SCREEN: &str = "
    return ['#name', '.qr img', '#letters', '.code-type .address', '#waiting', '#next'].filter((css) => {
        const place = document.querySelector(css).getBoundingClientRect();
        return place.top < 0 || place.bottom > innerHeight;
    }).join(' ');";

#[expect(clippy::disallowed_methods, reason = "whoever wants to look at the pages says where to put the pictures")]
pub(crate) fn shots() -> Option<PathBuf> {
    std::env::var("PORTEN_SHOTS").ok().filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

impl Chromium {
    /// Looks at the page as it is, in the size that the browser has.
    pub(crate) async fn check(&self, name: &str) -> anyhow::Result<()> {
        self.check_at(name, &[self.size]).await
    }

    /// Looks at the page on the telephone, at the desk and in the dark.
    pub(crate) async fn check_all(&self, name: &str) -> anyhow::Result<()> {
        self.check_at(name, &[Size::Phone, Size::Desktop]).await?;
        self.dark(true).await?;
        self.axe().await.with_context(|| format!("{name}, dark"))?;
        self.shot(name, "dark").await?;
        self.dark(false).await
    }

    async fn check_at(&self, name: &str, sizes: &[Size]) -> anyhow::Result<()> {
        for size in sizes {
            if sizes.len() > 1 {
                self.resize(*size).await?;
            }
            self.axe().await.with_context(|| format!("{name} on a {}", size.name()))?;
            self.shot(name, size.name()).await?;
        }
        self.fits(name).await
    }

    /// No scrolling sideways at 320 pixels, and nothing for axe there.
    pub(crate) async fn fits(&self, name: &str) -> anyhow::Result<()> {
        self.resize(Size::Narrow).await?;
        let too_wide = self.run(TOO_WIDE, Vec::new()).await?;
        self.axe().await.with_context(|| format!("{name} at 320 pixels"))?;
        self.shot(name, "narrow").await?;
        self.resize(self.size).await?;
        ensure!(too_wide.is_null(), "{name} is too wide for 320 pixels: {too_wide}");
        Ok(())
    }

    /// Looks at a page with a code as it hangs in a classroom, on a large screen and on a low one, and as it is in the
    /// dark. What the QR code says that a pupil sees there, who cannot scroll.
    pub(crate) async fn projected(&self, name: &str) -> anyhow::Result<String> {
        let mut seen = Vec::new();
        for size in [Size::Projector, Size::Low] {
            self.resize(size).await?;
            self.axe().await.with_context(|| format!("{name}, projected on a {}", size.name()))?;
            self.shot(name, size.name()).await?;
            let hidden = self.run(OFF_THE_SCREEN, Vec::new()).await?;
            ensure!(hidden == "", "{name} on a {}: {hidden} cannot be seen", size.name());
            seen.push(self.camera().await?);
            self.dark(true).await?;
            seen.push(self.camera().await?);
            self.dark(false).await?;
        }
        self.resize(self.size).await?;
        seen.dedup();
        ensure!(seen.len() == 1, "the camera sees {seen:?}");
        seen.pop().context("nothing is seen")
    }

    async fn dark(&self, dark: bool) -> anyhow::Result<()> {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", features).await?;
        Ok(())
    }

    async fn axe(&self) -> anyhow::Result<()> {
        if !self.script {
            return Ok(()); // It is a script itself; `without_script::axe_finds_nothing` has a way.
        }
        if self.run("return typeof axe", Vec::new()).await? == "undefined" {
            let axe = std::fs::read_to_string(installed("axe-core/axe.min.js")?)?;
            self.run(&axe, Vec::new()).await?;
        }
        let found = self.run_async(AXE).await?;
        let wrong: Vec<&str> = found["wrong"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        ensure!(wrong.is_empty(), "axe at {}:\n  {}", self.url().await?, wrong.join("\n  "));
        // An axe that has looked at nothing has found nothing either.
        ensure!(found["rules"].as_u64() > Some(5), "axe has looked at {} rules", found["rules"]);
        Ok(())
    }

    /// Leaves a picture of the whole page, if somebody wants one.
    pub(crate) async fn shot(&self, name: &str, how: &str) -> anyhow::Result<()> {
        let Some(folder) = shots() else { return Ok(()) };
        std::fs::create_dir_all(&folder)?;
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.driver.cdp().send_raw("Page.captureScreenshot", whole).await?;
        let picture = picture["data"].as_str().context("no picture")?;
        let picture = base64::engine::general_purpose::STANDARD.decode(picture)?;
        std::fs::write(folder.join(format!("{}-{name}-{how}.png", self.story)), picture)?;
        Ok(())
    }

    /// At the end of a story: nobody has complained in the console, which is where a breach of the
    /// Content-Security-Policy is told too, and nobody else has been asked for anything.
    pub(crate) async fn was_quiet(&self, stage: &Stage) -> anyhow::Result<()> {
        self.was_quiet_beside(stage, &[]).await
    }

    /// The same where other services have a part in the story, of whom the console may complain.
    pub(crate) async fn was_quiet_beside(&self, stage: &Stage, others: &[&str]) -> anyhow::Result<()> {
        let log = self.driver.get_log("browser").await?;
        let said: Vec<String> = log
            .into_iter()
            .filter(|entry| matches!(entry.level.as_str(), "WARNING" | "SEVERE") && !is_a_status(&entry.message))
            .filter(|entry| !others.iter().any(|other| entry.message.starts_with(other)))
            .map(|entry| entry.message)
            .collect();
        ensure!(said.is_empty(), "in the console:\n  {}", said.join("\n  "));

        let homes = [format!("{}/", stage.porten), format!("{}/", stage.service)];
        let mut asked = 0;
        for entry in self.driver.get_log("performance").await? {
            let event: Value = serde_json::from_str(&entry.message)?;
            if event["message"]["method"] != "Network.requestWillBeSent" {
                continue;
            }
            let url = event["message"]["params"]["request"]["url"].as_str().unwrap_or_default();
            let homes = homes.iter().map(String::as_str).chain(others.iter().copied());
            let own = !url.starts_with("http") || homes.into_iter().any(|home| url.starts_with(home));
            ensure!(own, "a request to somebody else: {url}");
            asked += 1;
        }
        ensure!(asked > 0, "Chromium remembers no request");
        Ok(())
    }
}

/// Chromium writes down each page that comes with a status of 400 and above, and such pages are shown on purpose.
/// A style sheet or a script that doesn't come is another matter.
fn is_a_status(message: &str) -> bool {
    let (url, what) = message.split_once(" - ").unwrap_or_default();
    let of_a_page = !url.contains(".css") && !url.contains(".js");
    let statuses = ["400", "403", "404", "409", "410", "413", "422"];
    of_a_page && statuses.iter().any(|status| what.contains(&format!("responded with a status of {status}")))
}
