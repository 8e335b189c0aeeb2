//! MinID whole: a citizen changes how they are reached, adds each way to log in, logs in with each, has the app on a
//! second machine, looks at what has happened, and locks it all. In each language.

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::chromium::{Chromium, Size};
use crate::stage::{Person, Stage};

/// One language's story.
struct Story {
    stage: Stage,
    /// The citizen's desk.
    desk: Chromium,
    /// And their telephone.
    phone: Chromium,
    /// What keeps keys at the desk.
    authenticator: String,
    language: &'static str,
    modig: Person,
}

in_each_language!(story);

async fn story(language: &'static str) -> anyhow::Result<()> {
    let (stage, desk) = (Stage::open().await?, Chromium::start(language, Size::Desktop).await?);
    let phone = Chromium::start(language, Size::Phone).await?;
    let authenticator = desk.has_an_authenticator().await?;
    phone.has_an_authenticator().await?;
    for chromium in [&desk, &phone] {
        chromium.open(&stage.porten).await?;
        chromium.choose_language(language).await?;
    }
    let modig = stage.person("Modig Rev").await?;
    let story = Story { stage, desk, phone, authenticator, language, modig };
    story.opens_the_profile().await?;
    story.changes_contact_data().await?;
    let secret = story.adds_a_code_app().await?;
    let codes = story.makes_recovery_codes().await?;
    story.makes_a_passkey().await?;
    story.adds_the_app().await?;
    story.logs_in_with_the_code_app(&secret).await?;
    story.logs_in_with_a_recovery_code(&codes[0]).await?;
    story.logs_in_with_the_passkey_alone().await?;
    story.logs_in_with_the_app().await?;
    story.declines().await?;
    story.looks_at_what_happened().await?;
    story.forgets_the_password().await?;
    story.forgets_it_again_and_has_the_app().await?;
    story.locks_it().await?;
    story.phone.was_quiet(&story.stage).await?;
    story.is_offline().await?;
    story.desk.was_quiet(&story.stage).await
}

impl Story {
    async fn look(&self, chromium: &Chromium, name: &str) -> anyhow::Result<()> {
        let lang = chromium.see("html").await?.attr("lang").await?;
        ensure!(lang.as_deref() == Some(self.language), "{name} is in {lang:?}");
        match chromium.size {
            Size::Phone => chromium.check(name).await,
            _ => chromium.check_all(name).await,
        }
    }

    async fn open(&self, path: &str) -> anyhow::Result<()> {
        self.desk.open(&format!("{}{path}", self.stage.porten)).await
    }

    async fn opens_the_profile(&self) -> anyhow::Result<()> {
        self.open("/profil").await?;
        self.stage.minid(&self.desk, &self.modig).await?;
        self.desk.arrives(&format!("{}/profil", self.stage.porten)).await?;
        self.look(&self.desk, "50-profile").await
    }

    async fn changes_contact_data(&self) -> anyhow::Result<()> {
        let desk = &self.desk;
        desk.press("a[href='/profil/kontakt']").await?;
        self.look(desk, "51-contact").await?;
        desk.press("a[href='/profil/kontakt/mobil']").await?;
        desk.fill("#mobile", "12").await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "52-mobile-wrong").await?;
        desk.fill("#mobile", "987 65 432").await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "53-mobile-code").await?;
        desk.fill("#code", "00").await?;
        desk.press("button[value=next]").await?;
        desk.see("#code-problem").await?;
        desk.fill("#code", &self.stage.proof_code("sms", "+4798765432").await?).await?;
        desk.press("button[value=next]").await?;
        desk.see("#notice").await?;
        desk.press("a[href='/profil/kontakt/epost']").await?;
        desk.fill("#email", "modig@example.no").await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "54-email-code").await?;
        desk.fill("#code", &self.stage.proof_code("mail", "modig@example.no").await?).await?;
        desk.press("button[value=next]").await?;
        desk.press("button[value=reserve]").await?;
        desk.press("button[value=language]").await?;
        self.look(desk, "55-contact-changed").await?;
        desk.press("button[value=unreserve]").await?;
        ensure!(desk.text("main").await?.contains("modig@example.no"), "the address is not there");
        Ok(())
    }

    async fn adds_a_code_app(&self) -> anyhow::Result<String> {
        let desk = &self.desk;
        self.open("/profil/innlogging").await?;
        self.look(desk, "56-factors-before").await?;
        desk.press("a[href='/profil/innlogging/kodeapp']").await?;
        self.look(desk, "57-code-app").await?;
        let secret = desk.text("code.letters").await?.replace(char::is_whitespace, "");
        let scanned = desk.camera_further_down().await?;
        ensure!(scanned.starts_with("otpauth://totp/") && says(&scanned, "secret", &secret)?, "{scanned}");
        desk.fill("#code", "123").await?;
        desk.press("button[value=next]").await?;
        desk.see("#code-problem").await?;
        ensure!(desk.text("code.letters").await?.replace(char::is_whitespace, "") == secret, "another secret");
        desk.fill("#code", &code_of(&secret)?).await?;
        desk.fill("#name", "Kodeboka").await?;
        desk.press("button[value=next]").await?;
        desk.see("#notice").await?;
        ensure!(desk.text("main").await?.contains("Kodeboka"), "the app is not there");
        Ok(secret)
    }

    async fn makes_recovery_codes(&self) -> anyhow::Result<Vec<String>> {
        let desk = &self.desk;
        desk.press("a[href='/profil/innlogging/gjenoppretting']").await?;
        self.look(desk, "58-recovery").await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "59-recovery-codes").await?;
        let codes: Vec<String> = desk.text(".codes").await?.lines().map(str::to_owned).collect();
        ensure!(codes.len() >= 8, "{codes:?}");
        desk.press("main .go a").await?;
        Ok(codes)
    }

    async fn makes_a_passkey(&self) -> anyhow::Result<()> {
        let desk = &self.desk;
        desk.press("a[href='/profil/innlogging/passnokkel']").await?;
        desk.see("#passkey-go:not([hidden])").await?;
        self.look(desk, "60-passkey").await?;
        desk.fill("#name", "Pulten min").await?;
        desk.press("#passkey-go").await?;
        desk.see("#notice").await?;
        ensure!(desk.text("main").await?.contains("Pulten min"), "the passkey is not there");
        // It would log in by itself wherever the browser offers it.
        desk.touches(&self.authenticator, false).await
    }

    async fn adds_the_app(&self) -> anyhow::Result<()> {
        let (desk, phone) = (&self.desk, &self.phone);
        phone.open(&format!("{}/app", self.stage.porten)).await?;
        phone.see("#start:not([hidden])").await?;
        self.look(phone, "61-app-start").await?;
        desk.press("a[href='/profil/innlogging/app']").await?;
        self.look(desk, "62-add-app").await?;
        desk.press("button[value=invite]").await?;
        self.look(desk, "63-add-app-code").await?;
        let link = desk.see("#here").await?.attr("href").await?.context("no link")?;
        ensure!(desk.camera_further_down().await? == link, "the camera sees another address than {link}");
        phone.open(&link).await?;
        phone.see("#enrol:not([hidden])").await?;
        self.look(phone, "64-app-enrol").await?;
        phone.fill("#name", "Lommetelefonen").await?;
        phone.see("#enrol-form button").await?.click().await?;
        phone.see("#pair:not([hidden])").await?;
        self.look(phone, "65-app-number").await?;
        let number = phone.text("#pair-number").await?;
        desk.fill("#code", &other(&number)).await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "66-app-number-wrong").await?;
        desk.fill("#code", &number).await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "67-factors").await?;
        ensure!(desk.text("main").await?.contains("Lommetelefonen"), "the telephone is not there");
        phone.see("#home:not([hidden])").await?;
        self.look(phone, "68-app-home").await?;
        // The code was good once.
        let again = self.desk.run(
            "const done = arguments[0]; return await (await fetch('/app/api/enrolments', { method: 'POST', \
             headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code: done }) })).status",
            vec![Value::from(link.rsplit('#').next().unwrap_or_default())],
        );
        ensure!(again.await? == 404, "the invitation is good twice");
        Ok(())
    }

    /// To MinID's second page with another way than the one that comes by itself.
    async fn comes_with(&self, method: &str) -> anyhow::Result<()> {
        let desk = &self.desk;
        self.stage.begin(desk, "prompt=login").await?;
        self.stage.password(desk, &self.modig).await?;
        desk.press("button[value=method]").await?;
        desk.press(&format!("button[name=method][value={method}]")).await
    }

    async fn logs_in_with_the_code_app(&self, secret: &str) -> anyhow::Result<()> {
        let desk = &self.desk;
        self.stage.begin(desk, "prompt=login").await?;
        self.stage.password(desk, &self.modig).await?;
        // The better ones first, and who has set up the app is asked there.
        desk.see("#waiting").await?;
        desk.press("button[value=method]").await?;
        self.look(desk, "70-method").await?;
        desk.press("button[name=method][value=totp]").await?;
        self.look(desk, "71-totp").await?;
        // The step of the enrolment is used up: the next one is still in reach.
        desk.fill("#code", &code_at(secret, 30)?).await?;
        desk.press("button[value=next]").await?;
        let known = self.stage.is_in(desk, &self.modig).await?;
        ensure!(known["claims"]["amr"][0] == "Minid-TOTP", "{known}");
        Ok(())
    }

    async fn logs_in_with_a_recovery_code(&self, code: &str) -> anyhow::Result<()> {
        let desk = &self.desk;
        self.comes_with("recovery_code").await?;
        self.look(desk, "72-recovery-code").await?;
        desk.fill("#code", code).await?;
        desk.press("button[value=next]").await?;
        self.stage.is_in(desk, &self.modig).await?;
        self.comes_with("recovery_code").await?;
        desk.fill("#code", code).await?;
        desk.press("button[value=next]").await?;
        desk.see("#code-problem").await?;
        desk.press("button[value=cancel]").await
    }

    async fn logs_in_with_the_passkey_alone(&self) -> anyhow::Result<()> {
        let desk = &self.desk;
        self.stage.begin(desk, "prompt=login").await?;
        if desk.has("button[value=minid]").await? {
            desk.press("button[value=minid]").await?;
        }
        desk.touches(&self.authenticator, true).await?;
        // The browser may offer it by itself, and log in at once: there is one passkey and nobody to ask.
        if !desk.url().await?.starts_with(&self.stage.service) && desk.has("#passkey-go").await? {
            let button = desk.see("#passkey-go").await?;
            let _ = button.click().await;
        }
        let known = self.stage.is_in(desk, &self.modig).await?;
        ensure!(known["claims"]["amr"][0] == "Minid-WEBAUTHN", "{known}");
        desk.touches(&self.authenticator, false).await
    }

    async fn logs_in_with_the_app(&self) -> anyhow::Result<()> {
        let (desk, phone) = (&self.desk, &self.phone);
        self.comes_with("app").await?;
        let number = desk.text(".number").await?;
        self.look(desk, "73-app-waiting").await?;
        phone.see("#request:not([hidden])").await?;
        self.look(phone, "74-app-request").await?;
        ensure!(phone.text("#r-service").await?.contains("Klatreparken"), "the app does not say who asks");
        phone.fill("#number", &other(&number)).await?;
        phone.see("#request-form button[type=submit]").await?.click().await?;
        phone.see("#wrong:not([hidden])").await?;
        phone.fill("#number", &number).await?;
        phone.see("#request-form button[type=submit]").await?.click().await?;
        // The page that waits goes on by itself.
        let known = self.stage.is_in(desk, &self.modig).await?;
        ensure!(known["claims"]["amr"][0] == "Minid-APP", "{known}");
        phone.see("#done:not([hidden])").await?;
        self.look(phone, "75-app-approved").await
    }

    async fn declines(&self) -> anyhow::Result<()> {
        let (desk, phone) = (&self.desk, &self.phone);
        // What was used last is asked for first.
        self.stage.begin(desk, "prompt=login").await?;
        self.stage.password(desk, &self.modig).await?;
        phone.see("#request:not([hidden])").await?;
        phone.see("#decline").await?.click().await?;
        phone.see("#declined:not([hidden])").await?;
        self.look(phone, "76-app-declined").await?;
        phone.see("#not-me").await?.click().await?;
        phone.see("#paused:not([hidden])").await?;
        self.look(phone, "77-app-paused").await?;
        // Whoever sits there begins at the beginning.
        desk.see("#problem").await?;
        self.look(desk, "78-declined").await?;
        // The citizen chooses another password at the next login.
        self.stage.password(desk, &self.modig).await?;
        desk.press("button[value=method]").await?;
        desk.press("button[name=method][value=otc]").await?;
        desk.fill("#code", &self.stage.code_to("+4798765432").await?).await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "79-new-password").await?;
        desk.fill("#password", "passord1").await?;
        desk.fill("#repeat", "passord1").await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "80-new-password-weak").await?;
        desk.fill("#password", "Reven-graver-ganger-14").await?;
        desk.fill("#repeat", "Reven-graver-ganger-14").await?;
        desk.press("button[value=next]").await?;
        self.stage.is_in(desk, &self.modig).await?;
        phone.driver.refresh().await?;
        phone.see("#home:not([hidden])").await?;
        ensure!(!phone.shows("#paused").await?, "the app stays paused");
        Ok(())
    }

    async fn looks_at_what_happened(&self) -> anyhow::Result<()> {
        let desk = &self.desk;
        self.open("/profil/hendelser").await?;
        self.look(desk, "81-events").await?;
        ensure!(desk.text("main").await?.contains("Klatreparken"), "no login is told of");
        self.open("/profil/innlogget").await?;
        self.look(desk, "82-places").await?;
        self.open("/profil/samtykker").await?;
        self.open("/profil/innlogging/passord").await?;
        self.look(desk, "83-password").await?;
        let data = "return await (await fetch('/profil/data')).json()";
        let data = desk.run(data, Vec::new()).await?;
        ensure!(data["contact"]["email"] == "modig@example.no", "{data}");
        ensure!(data["login_methods"]["passkeys"][0]["name"] == "Pulten min", "{data}");
        ensure!(data["events"].as_array().is_some_and(|events| events.len() > 5), "{data}");
        Ok(())
    }

    async fn forgets_the_password(&self) -> anyhow::Result<()> {
        let desk = &self.desk;
        self.stage.begin(desk, "prompt=login").await?;
        if desk.has("button[value=minid]").await? {
            desk.press("button[value=minid]").await?;
        }
        desk.press("button[value=forgot]").await?;
        self.look(desk, "84-forgotten").await?;
        desk.fill("#fnr", &self.modig.fnr).await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "85-forgotten-sms").await?;
        desk.fill("#code", &self.stage.proof_code("sms", "+4798765432").await?).await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "86-forgotten-email").await?;
        desk.fill("#code", &self.stage.proof_code("mail", "modig@example.no").await?).await?;
        desk.press("button[value=next]").await?;
        self.look(desk, "87-forgotten-password").await?;
        desk.fill("#password", "Reven-sover-ganger-15").await?;
        desk.fill("#repeat", "Reven-sover-ganger-15").await?;
        desk.press("button[value=next]").await?;
        desk.press("button[value=method]").await?;
        desk.press("button[name=method][value=otc]").await?;
        desk.fill("#code", &self.stage.code_to("+4798765432").await?).await?;
        desk.press("button[value=next]").await?;
        // What has helped to it is shown, and is right.
        desk.press("button[value=confirm]").await?;
        self.stage.is_in(desk, &self.modig).await?;
        Ok(())
    }

    /// The app instead of both codes: it says what it is asked, and is asked about the login afterwards.
    async fn forgets_it_again_and_has_the_app(&self) -> anyhow::Result<()> {
        let (desk, phone) = (&self.desk, &self.phone);
        self.stage.begin(desk, "prompt=login").await?;
        if desk.has("button[value=minid]").await? {
            desk.press("button[value=minid]").await?;
        }
        desk.press("button[value=forgot]").await?;
        desk.fill("#fnr", &self.modig.fnr).await?;
        desk.press("button[value=app]").await?;
        self.look(desk, "93-forgotten-app").await?;
        let number = desk.text(".number").await?;
        phone.see("#request:not([hidden])").await?;
        let words = match self.language {
            "nn" => "ikkje ei innlogging",
            "en" => "not a login",
            _ => "ikke en innlogging",
        };
        ensure!(phone.text("#request").await?.contains("MinID"), "the app does not say what it is asked");
        self.look(phone, "94-app-new-password").await?;
        // In the language that the register has, whichever the page is in.
        let says = phone.see("#r-says").await?;
        let lang = says.attr("lang").await?.context("in no language")?;
        ensure!(lang != self.language || says.text().await?.contains(words), "{}", says.text().await?);
        phone.fill("#number", &number).await?;
        phone.see("#request-form button[type=submit]").await?.click().await?;
        // The page that waits goes on by itself.
        desk.see("#repeat").await?;
        phone.see("#done:not([hidden])").await?;
        self.look(phone, "95-app-new-password-approved").await?;
        desk.fill("#password", "Reven-danser-ganger-16").await?;
        desk.fill("#repeat", "Reven-danser-ganger-16").await?;
        desk.press("button[value=next]").await?;
        let number = desk.text(".number").await?;
        phone.see("#request:not([hidden])").await?;
        ensure!(!phone.shows("#r-says").await?, "a login is shown as another password");
        phone.fill("#number", &number).await?;
        phone.see("#request-form button[type=submit]").await?.click().await?;
        desk.press("button[value=confirm]").await?;
        self.stage.is_in(desk, &self.modig).await?;
        Ok(())
    }

    /// The app opens where there is no network, and says so.
    async fn is_offline(&self) -> anyhow::Result<()> {
        let phone = &self.phone;
        phone.driver.refresh().await?;
        phone.run("await navigator.serviceWorker.ready", Vec::new()).await?;
        phone.offline(true).await?;
        phone.driver.refresh().await?;
        phone.see("#offline:not([hidden])").await?;
        self.look(phone, "92-app-offline").await?;
        phone.offline(false).await
    }

    async fn locks_it(&self) -> anyhow::Result<()> {
        let desk = &self.desk;
        self.open("/profil").await?;
        desk.press("a[href='/profil/sperr']").await?;
        self.look(desk, "88-lock").await?;
        desk.press("button[value=block]").await?;
        self.look(desk, "89-locked").await?;
        self.open("/profil").await?;
        // Out at once; and in again with another eID at level high, which opens MinID.
        desk.see("button[value=testid]").await?;
        desk.press("button[value=testid]").await?;
        desk.fill("#fnr", &self.modig.fnr).await?;
        desk.see("input[name=acr][value$=high]").await?.click().await?;
        desk.press("button[value=next]").await?;
        desk.see("#blocked").await?;
        self.look(desk, "90-blocked").await?;
        desk.press("#blocked a").await?;
        self.look(desk, "91-open").await?;
        desk.press("button[value=open]").await?;
        desk.see("#notice").await?;
        Ok(())
    }
}

/// The code of a secret now.
fn code_of(secret: &str) -> anyhow::Result<String> {
    code_at(secret, 0)
}

/// And so many seconds later.
fn code_at(secret: &str, later: u64) -> anyhow::Result<String> {
    let secret = totp_rs::Secret::try_from_base32(secret).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let totp = totp_rs::Builder::new().with_secret(secret).build().map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let now = u64::try_from(authenticators::clock::Clock::System.now().seconds())?;
    Ok(totp.generate(now + later).to_string())
}

/// Whether an address has a parameter with this value.
fn says(address: &str, name: &str, value: &str) -> anyhow::Result<bool> {
    Ok(url::Url::parse(address)?.query_pairs().any(|(key, found)| key == name && found == value))
}

/// Another number of two digits.
fn other(number: &str) -> String {
    let number: u32 = number.trim().parse().unwrap_or_default();
    format!("{:02}", (number + 1) % 100)
}
