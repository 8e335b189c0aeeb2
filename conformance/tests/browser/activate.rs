//! MinID by post: somebody who has none orders a letter on their telephone, the program prints it, and with its code
//! they become a user who logs in at a service, and whose telephone becomes their MinID app in one go. It begins in the
//! app. In each language, and once without JavaScript.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use authenticators::activation::ActivationCode;
use serde_json::Value;
use tempfile::TempDir;

use crate::camera::{read_letter, text_of_letter};
use crate::chromium::{Chromium, Size};
use crate::stage::{Person, Stage};

/// Who lives in the country and has no MinID.
const NAME: &str = "Stille Skog";
const MOBILE: &str = "+4798765430";
const EMAIL: &str = "stille@example.no";
const PASSWORD: &str = "Granene-hvisker-17";

/// One language's story.
struct Story {
    stage: Stage,
    phone: Chromium,
    language: &'static str,
    /// With the password that they will have.
    stille: Person,
}

in_each_language!(with_the_camera);

async fn with_the_camera(language: &'static str) -> anyhow::Result<()> {
    let phone = Chromium::start(&format!("{language}-letter"), Size::Phone).await?;
    phone.has_an_authenticator().await?;
    let story = Story::open(phone, language).await?;
    story.finds_both_doors_in_the_app().await?;
    story.orders_a_letter().await?;
    let code = story.gets_the_letter().await?;
    story.scans(&code).await?;
    story.phone.see("#terms-accepted + details summary").await?.click().await?;
    story.look("05-activate").await?;
    story.registers(&code).await?;
    story.logs_in().await?;
    story.makes_it_the_app().await?;
    story.comes_with_the_same_code(&code).await?;
    story.phone.was_quiet(&story.stage).await
}

/// What the QR code does is not done, and the letters are typed.
#[tokio::test]
async fn without_script() -> anyhow::Result<()> {
    let phone = Chromium::without_script("no-script-letter", Size::Phone).await?;
    let story = Story::open(phone, "nb").await?;
    story.finds_both_doors_in_the_app().await?;
    story.orders_a_letter().await?;
    let code = story.gets_the_letter().await?;
    story.phone.open(&format!("{}#{}", story.register(), code.as_str())).await?;
    story.phone.see("#activation-code:invalid").await.context("a script has run")?;
    story.look("05-activate").await?;
    story.phone.fill("#activation-code", &code.grouped().to_lowercase()).await?;
    story.registers(&code).await?;
    story.logs_in().await?;
    story.phone.was_quiet(&story.stage).await
}

impl Story {
    async fn open(phone: Chromium, language: &'static str) -> anyhow::Result<Story> {
        let stage = Stage::open().await?;
        let known = stage.person(NAME).await?;
        ensure!(known.password.is_empty(), "{NAME} has MinID");
        let stille = Person { password: PASSWORD.into(), ..known };
        phone.open(&stage.porten).await?;
        phone.choose_language(language).await?;
        Ok(Story { stage, phone, language, stille })
    }

    async fn look(&self, name: &str) -> anyhow::Result<()> {
        let lang = self.phone.see("html").await?.attr("lang").await?;
        ensure!(lang.as_deref() == Some(self.language), "{name} is in {lang:?}");
        self.phone.check_all(name).await
    }

    /// Where one registers with a code.
    fn register(&self) -> String {
        format!("{}/registrer", self.stage.porten)
    }

    /// Whoever has the app first gets to both pages in its window, and back, with a script and without.
    async fn finds_both_doors_in_the_app(&self) -> anyhow::Result<()> {
        let (phone, app) = (&self.phone, format!("{}/app", self.stage.porten));
        for (door, name) in [("/app/aktiveringsbrev/order", "00-app-order"), ("/app/registrer", "00-app-activate")] {
            phone.open(&app).await?;
            phone.press(&format!("a[href='{door}']")).await?;
            phone.arrives(&format!("{}{door}", self.stage.porten)).await?;
            phone.see("#fnr").await?;
            self.look(name).await?;
            phone.press(".to-app a").await?;
            phone.arrives(&app).await?;
        }
        Ok(())
    }

    async fn orders_a_letter(&self) -> anyhow::Result<()> {
        let phone = &self.phone;
        phone.open(&format!("{}/aktiveringsbrev/order", self.stage.porten)).await?;
        self.look("01-order").await?;
        phone.fill("#fnr", &self.stille.fnr).await?;
        phone.press("button[value=order]").await?;
        phone.see("#mobile").await?;
        self.look("02-order-mobile").await?;
        phone.fill("#mobile", "987 65 430").await?;
        phone.press("button[value=send]").await?;
        phone.see("#code").await?;
        self.look("03-order-code").await?;
        phone.fill("#code", &self.stage.proof_code("sms", MOBILE).await?).await?;
        phone.press("button[value=next]").await?;
        phone.see("main a[href='/registrer']").await?;
        self.look("04-order-done").await
    }

    /// What waits is printed, and the letter is read. It is ordered behind the back of whoever asked, and so comes soon.
    async fn gets_the_letter(&self) -> anyhow::Result<ActivationCode> {
        let folder = TempDir::new()?;
        let print_house = folder.path().to_str().context("a folder whose name is no text")?;
        for _ in 0..100 {
            self.stage.porten_with(&["letter", "batch"], &["--folder", print_house], "")?;
            for entry in std::fs::read_dir(&folder)? {
                let manifest = entry?.path().join("manifest.json");
                if manifest.exists() {
                    return code_in_the_letter(&manifest, (self.language, &self.register()));
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("no letter was ordered")
    }

    /// As the telephone's camera does it with the QR code: the field is filled, and no address holds the code any more.
    async fn scans(&self, code: &ActivationCode) -> anyhow::Result<()> {
        let phone = &self.phone;
        phone.open(&format!("{}#{}", self.register(), code.as_str())).await?;
        let typed = phone.see("#activation-code:valid").await?.value().await?;
        ensure!(typed.as_deref() == Some(code.as_str()), "the field holds {typed:?}");
        let address = phone.url().await?;
        ensure!(address == self.register(), "the code stays in {address}");
        phone.see("#fnr:focus").await?;
        Ok(())
    }

    /// From the first page, where the code is filled in, to the last.
    async fn registers(&self, code: &ActivationCode) -> anyhow::Result<()> {
        let phone = &self.phone;
        // Somebody else's number: what was typed of the code stays.
        phone.fill("#fnr", &self.stage.person("Rolig Elv").await?.fnr).await?;
        phone.press("button[value=next]").await?;
        phone.see("#problem").await?;
        self.look("06-activate-wrong").await?;
        let typed = phone.see("#activation-code").await?.value().await?.unwrap_or_default();
        ensure!(ActivationCode::parse(&typed).as_ref() == Some(code), "the field holds {typed:?}");
        phone.fill("#fnr", &self.stille.fnr).await?;
        phone.press("button[value=next]").await?;

        phone.see("#mobile").await?;
        self.look("07-activate-mobile").await?;
        self.begins_afresh(code).await?;
        phone.fill("#mobile", "987 65 430").await?;
        phone.press("button[value=next]").await?;
        phone.see("#code").await?;
        self.look("08-activate-mobile-code").await?;
        phone.fill("#code", &self.stage.proof_code("sms", MOBILE).await?).await?;
        phone.press("button[value=next]").await?;
        self.gives_an_address_or_none().await?;
        self.chooses_a_password().await?;

        phone.see("#log-in").await?;
        self.look("13-activate-ready").await?;
        let said = phone.text(".said").await?;
        ensure!(said.contains("430"), "where codes will go is not told: {said}");
        Ok(())
    }

    /// Whoever has stopped halfway makes room for the next one, who scans a code of their own or presses a button.
    async fn begins_afresh(&self, code: &ActivationCode) -> anyhow::Result<()> {
        let phone = &self.phone;
        let whose = phone.text("#whose").await?;
        ensure!(whose.contains(NAME), "whose it is is not told: {whose}");
        if phone.script {
            self.scans(code).await?;
        } else {
            phone.press("button[value=again]").await?;
            phone.fill("#activation-code", code.as_str()).await?;
        }
        phone.fill("#fnr", &self.stille.fnr).await?;
        phone.press("button[value=next]").await?;
        phone.see("#mobile").await?;
        Ok(())
    }

    /// One that is proved, one whose code never came, and none at all.
    async fn gives_an_address_or_none(&self) -> anyhow::Result<()> {
        let phone = &self.phone;
        phone.see("#email").await?;
        self.look("09-activate-email").await?;
        if self.language == "nn" {
            return phone.press("button[value=skip]").await;
        }
        phone.fill("#email", EMAIL).await?;
        phone.press("button[value=next]").await?;
        phone.see("#code").await?;
        self.look("10-activate-email-code").await?;
        if self.language == "en" {
            return phone.press("button[value=skip]").await;
        }
        phone.fill("#code", &self.stage.proof_code("mail", EMAIL).await?).await?;
        phone.press("button[value=next]").await
    }

    async fn chooses_a_password(&self) -> anyhow::Result<()> {
        let phone = &self.phone;
        phone.see("#repeat").await?;
        self.look("11-activate-password").await?;
        ensure!(phone.shows("#show-password").await? == phone.script, "a dead button, or none");
        for (password, leads_to) in [("passord1", "#password-problem"), (PASSWORD, "#log-in")] {
            phone.fill("#password", password).await?;
            phone.fill("#repeat", password).await?;
            phone.press("button[value=next]").await?;
            phone.see(leads_to).await?;
            if leads_to == "#password-problem" {
                self.look("12-activate-password-weak").await?;
            }
        }
        Ok(())
    }

    /// At a demonstration service; and the profile page knows what was said on the way.
    async fn logs_in(&self) -> anyhow::Result<()> {
        let (stage, phone) = (&self.stage, &self.phone);
        phone.open(&format!("{}/demo/byggesak/login", stage.porten)).await?;
        stage.password(phone, &self.stille).await?;
        phone.fill("#code", &stage.code_to(MOBILE).await?).await?;
        phone.press("button[value=next]").await?;
        phone.arrives(&format!("{}/demo/byggesak", stage.porten)).await?;
        let greeting = phone.text(".said").await?;
        ensure!(greeting.contains(&self.stille.fnr), "the service says {greeting:?}");
        phone.open(&format!("{}/profil", stage.porten)).await?;
        phone.arrives(&format!("{}/profil", stage.porten)).await?;
        phone.open(&format!("{}/profil/kontakt", stage.porten)).await?;
        let known = phone.text("main").await?;
        ensure!(known.contains(EMAIL) == (self.language == "nb"), "an address too many or too few: {known}");
        Ok(())
    }

    /// From the page on which they have finished, without a picture and without a number.
    async fn makes_it_the_app(&self) -> anyhow::Result<()> {
        let (phone, app) = (&self.phone, format!("{}/app", self.stage.porten));
        phone.open(&self.register()).await?;
        // For another device there is a picture.
        phone.press("button[value=invite]").await?;
        let invited = phone.camera_further_down().await?;
        ensure!(invited.starts_with(&format!("{app}#")), "the camera sees {invited}");
        self.look("13a-app-for-another").await?;
        phone.press("button[value=back]").await?;
        phone.press("#app-here").await?;
        phone.see("#enrol:not([hidden])").await?;
        phone.check("13b-app-enrol").await?;
        phone.fill("#name", "Lommetelefonen").await?;
        phone.see("#enrol-form button").await?.click().await?;
        phone.see("#home:not([hidden])").await?;
        let name = phone.text("#device-name").await?;
        ensure!(name == "Lommetelefonen", "the app is called {name}");
        phone.check("13c-app-home").await?;
        phone.open(&self.register()).await?;
        phone.see("#has-app").await?;
        self.look("13d-activate-has-app").await?;
        // What a letter's picture says is understood in the app as well.
        phone.open(&format!("{app}#BCDFGHKLMNPRSTX")).await?;
        phone.arrives(&format!("{app}/registrer")).await?;
        let typed = phone.see("#activation-code:valid").await?.value().await?;
        ensure!(typed.as_deref() == Some("BCDFGHKLMNPRSTX"), "the field holds {typed:?}");
        Ok(())
    }

    /// The page on which somebody has finished makes room for the next one. But a code is good once.
    async fn comes_with_the_same_code(&self, code: &ActivationCode) -> anyhow::Result<()> {
        self.scans(code).await?;
        self.phone.fill("#fnr", &self.stille.fnr).await?;
        self.phone.press("button[value=next]").await?;
        self.phone.see("#problem").await?;
        self.look("14-activate-used").await
    }
}

/// The code in the one letter of a batch, which is in this language, and whose picture leads there with it.
fn code_in_the_letter(manifest: &Path, (language, register): (&str, &str)) -> anyhow::Result<ActivationCode> {
    let told: Value = serde_json::from_str(&std::fs::read_to_string(manifest)?)?;
    ensure!(told["count"] == 1 && told["letters"][0]["language"] == language, "{told}");
    let pdf = manifest.with_file_name(told["letters"][0]["file"].as_str().context("no file")?);
    let text = text_of_letter(&pdf)?;
    ensure!(text.contains(NAME), "it is for somebody else: {text}");
    let code = text.lines().find_map(ActivationCode::parse).with_context(|| format!("no code in {text}"))?;
    let scanned = read_letter(&pdf)?;
    ensure!(scanned == format!("{register}#{}", code.as_str()), "the camera sees {scanned}");
    Ok(code)
}
