//! A Chromium of its own for each test, and what a person does with one.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::common::capabilities::desiredcapabilities::PageLoadStrategy;
use thirtyfour::prelude::*;

/// How often something is looked for before it counts as missing, and the pause between two looks.
const LOOKS: usize = 400;
const PAUSE: Duration = Duration::from_millis(25);

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// 360 × 800, a small telephone.
    Phone,
    /// 1280 × 900.
    Desktop,
    /// 1920 × 1080, what hangs in a classroom.
    Projector,
    /// 1280 × 620, what a browser's bars leave of a projector with 1366 × 768 or 1280 × 720, or of one that is set to
    /// 150 percent.
    Low,
    /// 320 CSS pixels, to which WCAG 1.4.10 lets people zoom without scrolling sideways.
    Narrow,
}

impl Size {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Size::Phone => "phone",
            Size::Desktop => "desktop",
            Size::Projector => "projector",
            Size::Low => "low",
            Size::Narrow => "narrow",
        }
    }

    fn metrics(self) -> Value {
        // Not `mobile` where the narrowness is measured: a telephone zooms out when a page is too wide.
        let (width, height, mobile) = match self {
            Size::Phone => (360, 800, true),
            Size::Desktop => (1280, 900, false),
            Size::Projector => (1920, 1080, false),
            Size::Low => (1280, 620, false),
            Size::Narrow => (320, 640, false),
        };
        json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile })
    }
}

/// The program chromedriver; ended when dropped.
struct Chromedriver {
    child: Child,
    url: String,
}

impl Chromedriver {
    /// It chooses the port itself, and ends if that port happens to be taken on IPv6: then once more.
    fn start(home: &Path) -> anyhow::Result<Chromedriver> {
        let mut started = Chromedriver::try_to_start(home);
        for _ in 0..5 {
            if started.is_ok() {
                break;
            }
            started = Chromedriver::try_to_start(home);
        }
        started
    }

    fn try_to_start(home: &Path) -> anyhow::Result<Chromedriver> {
        let mut command = Command::new("/usr/bin/chromedriver");
        // In a process group of its own, so that all that it starts can be ended, and nothing left elsewhere.
        command.arg("--port=0").process_group(0).env("HOME", home).env("TMPDIR", home);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("cannot start /usr/bin/chromedriver (Debian: chromium-driver)")?;
        let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let port = loop {
            let line = lines.next().context("chromedriver names no port")??;
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Chromedriver { child, url: format!("http://127.0.0.1:{port}") })
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Chromium without a window; ended when dropped.
pub(crate) struct Chromium {
    pub(crate) driver: WebDriver,
    /// What the pages are named after in the folder of pictures.
    pub(crate) story: String,
    pub(crate) size: Size,
    /// Whether the settings allow JavaScript.
    pub(crate) script: bool,
    _chromedriver: Chromedriver,
    _profile: TempDir,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Chromedriver ends next, and Chromium with it: there is nobody to say goodbye to.
        let _ = self.driver.clone().leak();
    }
}

impl Chromium {
    pub(crate) async fn start(story: &str, size: Size) -> anyhow::Result<Chromium> {
        Chromium::with(story, size, true, PageLoadStrategy::Normal).await
    }

    /// One that does not wait for a page's last frame, where a frame never comes.
    pub(crate) async fn that_waits_for_no_frame(story: &str, size: Size) -> anyhow::Result<Chromium> {
        Chromium::with(story, size, true, PageLoadStrategy::Eager).await
    }

    /// As a person has it who has forbidden JavaScript in the settings.
    pub(crate) async fn without_script(story: &str, size: Size) -> anyhow::Result<Chromium> {
        Chromium::with(story, size, false, PageLoadStrategy::Normal).await
    }

    async fn with(story: &str, size: Size, script: bool, waits: PageLoadStrategy) -> anyhow::Result<Chromium> {
        conformance::program::install_tls();
        let profile = TempDir::new()?;
        let mut caps = DesiredCapabilities::chrome();
        caps.set_binary("/usr/bin/chromium")?;
        caps.set_page_load_strategy(waits)?;
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            caps.add_arg(argument)?;
        }
        let allowed = if script { 1 } else { 2 };
        let prefs = json!({
            "credentials_enable_service": false,
            "profile.managed_default_content_settings.javascript": allowed,
        });
        caps.add_experimental_option("prefs", prefs)?;
        caps.set("goog:loggingPrefs", json!({ "browser": "ALL", "performance": "ALL" }))?;
        let chromedriver = Chromedriver::start(profile.path())?;
        let driver = WebDriver::new(&chromedriver.url, caps).await.context("cannot start /usr/bin/chromium")?;
        let (story, chromedriver, profile) = (story.to_owned(), chromedriver, profile);
        let chromium = Chromium { driver, story, size, script, _chromedriver: chromedriver, _profile: profile };
        chromium.resize(size).await?;
        Ok(chromium)
    }

    /// From now on there is something in the machine that keeps keys, and somebody who unlocks it. Its name.
    pub(crate) async fn has_an_authenticator(&self) -> anyhow::Result<String> {
        let options = json!({ "options": {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserVerified": true,
            "automaticPresenceSimulation": true,
        }});
        self.driver.cdp().send_raw("WebAuthn.enable", json!({})).await?;
        let added = self.driver.cdp().send_raw("WebAuthn.addVirtualAuthenticator", options).await?;
        Ok(added["authenticatorId"].as_str().context("no authenticator")?.to_owned())
    }

    /// Whether somebody is there to touch it, also when the browser offers a passkey by itself.
    pub(crate) async fn touches(&self, authenticator: &str, enabled: bool) -> anyhow::Result<()> {
        let who = json!({ "authenticatorId": authenticator, "enabled": enabled });
        self.driver.cdp().send_raw("WebAuthn.setAutomaticPresenceSimulation", who).await?;
        Ok(())
    }

    /// Whether the machine has no network.
    pub(crate) async fn offline(&self, offline: bool) -> anyhow::Result<()> {
        let how = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.driver.cdp().send_raw("Network.emulateNetworkConditions", how).await?;
        Ok(())
    }

    /// Takes on a size; a new tab needs it said again.
    pub(crate) async fn resize(&self, size: Size) -> anyhow::Result<()> {
        self.driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", size.metrics()).await?;
        Ok(())
    }

    pub(crate) async fn open(&self, url: &str) -> anyhow::Result<()> {
        self.driver.goto(url).await.with_context(|| format!("cannot open {url}"))
    }

    pub(crate) async fn url(&self) -> anyhow::Result<String> {
        Ok(self.driver.current_url().await?.into())
    }

    /// An element that is there or comes soon.
    pub(crate) async fn see(&self, css: &str) -> anyhow::Result<WebElement> {
        for _ in 0..LOOKS {
            // In the middle of a change of pages the question itself can fail.
            if let Ok(element) = self.driver.find(By::Css(css)).await {
                return Ok(element);
            }
            tokio::time::sleep(PAUSE).await;
        }
        let (url, title) = (self.url().await?, self.driver.title().await?);
        let words = self.driver.find(By::Css("body")).await?.text().await?;
        bail!("no {css} on {title:?} ({url}):\n{words}")
    }

    pub(crate) async fn has(&self, css: &str) -> anyhow::Result<bool> {
        Ok(!self.driver.find_all(By::Css(css)).await?.is_empty())
    }

    /// Whether an element is there for the eye as well.
    pub(crate) async fn shows(&self, css: &str) -> anyhow::Result<bool> {
        match self.driver.find_all(By::Css(css)).await?.first() {
            Some(element) => Ok(element.is_displayed().await?),
            None => Ok(false),
        }
    }

    pub(crate) async fn text(&self, css: &str) -> anyhow::Result<String> {
        Ok(self.see(css).await?.text().await?)
    }

    /// Writes over what a field holds.
    pub(crate) async fn fill(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let field = self.see(css).await?;
        field.clear().await?;
        field.send_keys(text).await?;
        Ok(())
    }

    /// Clicks on what leads to another page (or the same one afresh), and waits until the old page is gone.
    pub(crate) async fn press(&self, css: &str) -> anyhow::Result<()> {
        let button = self.see(css).await?;
        button.click().await.with_context(|| format!("cannot click on {css}"))?;
        self.gone(&button).await.with_context(|| format!("after a click on {css}"))
    }

    /// Waits until the page with this element is gone.
    pub(crate) async fn gone(&self, element: &WebElement) -> anyhow::Result<()> {
        for _ in 0..LOOKS {
            if element.tag_name().await.is_err() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("the page {} stays", self.url().await?)
    }

    /// Waits until the browser is at an address that begins like this.
    pub(crate) async fn arrives(&self, address: &str) -> anyhow::Result<()> {
        for _ in 0..LOOKS {
            if self.url().await?.starts_with(address) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        let (url, title) = (self.url().await?, self.driver.title().await?);
        bail!("not at {address} but on {title:?} ({url})")
    }

    /// Runs a script in the page, past its Content-Security-Policy.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> anyhow::Result<Value> {
        Ok(self.driver.execute(script, arguments).await?.json().clone())
    }

    /// The same for a script that calls `arguments[arguments.length - 1]` when it is done.
    pub(crate) async fn run_async(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.driver.execute_async(script, Vec::new()).await?.json().clone())
    }

    /// Whether pages may run scripts from now on: not the person's settings but a switch of the debugger's. What
    /// a page did not run when it came, it does not run later.
    pub(crate) async fn let_scripts_run(&self, allowed: bool) -> anyhow::Result<()> {
        let disabled = json!({ "value": !allowed });
        self.driver.cdp().send_raw("Emulation.setScriptExecutionDisabled", disabled).await?;
        Ok(())
    }

    /// What stands on the page as JSON.
    pub(crate) async fn json(&self, css: &str) -> anyhow::Result<Value> {
        let text = self.text(css).await?;
        serde_json::from_str(&text).with_context(|| format!("{css} is not JSON: {text}"))
    }

    /// Takes another language in the menu.
    pub(crate) async fn choose_language(&self, code: &str) -> anyhow::Result<()> {
        self.press(&format!(".languages a[hreflang={code}]")).await?;
        let current = self.see(".languages a[aria-current]").await?.attr("hreflang").await?;
        ensure!(current.as_deref() == Some(code), "the menu shows {current:?} and not {code}");
        Ok(())
    }

    /// Forgets who this browser is.
    pub(crate) async fn forget_everything(&self) -> anyhow::Result<()> {
        self.driver.cdp().send_raw("Network.clearBrowserCookies", json!({})).await?;
        Ok(())
    }
}
