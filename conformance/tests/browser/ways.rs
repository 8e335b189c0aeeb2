//! Something better than SMS, in Chromium: asked for at a login, set up in the app by a code that is typed or scanned,
//! woken by a push, beside a passkey after the password, and given up again. In each language. And what people meet
//! after the day on which SMS has ended.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::chromium::{Chromium, Size};
use crate::stage::{Person, Stage};

/// A camera, and a browser that reads what is held before it: `window.seen`.
const CAMERA: &str = "window.BarcodeDetector = class {
    static getSupportedFormats() { return Promise.resolve(['qr_code']); }
    detect() { return Promise.resolve(window.seen ? [{ rawValue: window.seen }] : []); }
};
navigator.mediaDevices.getUserMedia = () => {
    const picture = document.createElement('canvas');
    picture.getContext('2d').fillRect(0, 0, 300, 150);
    return Promise.resolve(picture.captureStream(5));
};";

/// What the telephone shows by itself, as soon as it does.
const SHOWN: &str = "const worker = await navigator.serviceWorker.ready;
    for (let look = 0; look < 100; look += 1) {
        const all = await worker.getNotifications();
        if (all.length) return all.map(one => [one.title, one.body, one.tag]);
        await new Promise(go => setTimeout(go, 50));
    }
    return [];";

/// The next answer to a finished enrolment is lost on the way.
const LOST: &str = "const fetch = window.fetch;
window.fetch = (to, what) => {
    if (!String(to).endsWith('/enrolments/finish')) return fetch(to, what);
    window.fetch = fetch;
    return fetch(to, what).then(() => Promise.reject(new TypeError('lost')));
};";

in_each_language!(story);

struct Story {
    stage: Stage,
    desk: Chromium,
    phone: Chromium,
    authenticator: String,
    modig: Person,
}

async fn story(language: &str) -> anyhow::Result<()> {
    let story = format!("ways-{language}");
    let (stage, desk) = (Stage::open().await?, Chromium::start(&story, Size::Desktop).await?);
    let phone = Chromium::start(&story, Size::Phone).await?;
    let authenticator = desk.has_an_authenticator().await?;
    phone.has_an_authenticator().await?;
    phone.driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", json!({ "source": CAMERA })).await?;
    for chromium in [&desk, &phone] {
        chromium.open(&stage.porten).await?;
        chromium.choose_language(language).await?;
    }
    let modig = stage.person("Modig Rev").await?;
    let story = Story { stage, desk, phone, authenticator, modig };
    story.wants_something_better().await?;
    story.types_the_invitation().await?;
    story.is_woken().await?;
    story.gives_a_passkey_second().await?;
    story.gives_the_app_up().await?;
    story.scans_the_next().await?;
    story.phone.was_quiet(&story.stage).await?;
    story.desk.was_quiet(&story.stage).await
}

impl Story {
    async fn wants_something_better(&self) -> anyhow::Result<()> {
        let desk = &self.desk;
        self.stage.begin(desk, "").await?;
        self.stage.password(desk, &self.modig).await?;
        desk.see("#better").await?.click().await?;
        desk.check_all("01-sms").await?;
        desk.fill("#code", &self.stage.wrong_code().await?).await?;
        desk.press("button[value=next]").await?;
        ensure!(desk.see("#better").await?.is_selected().await?, "what was ticked is lost");
        desk.fill("#code", &self.stage.code().await?).await?;
        desk.press("button[value=next]").await?;
        desk.see("button[name=method][value=app]").await?;
        desk.check_all("02-offer").await?;
        desk.press("button[name=method][value=app]").await?;
        desk.check_all("03-app").await?;
        desk.press("button[value=invite]").await?;
        desk.check_all("04-invitation").await
    }

    async fn types_the_invitation(&self) -> anyhow::Result<()> {
        let (desk, phone) = (&self.desk, &self.phone);
        let typed = desk.text("#typed").await?;
        phone.open(&format!("{}/app", self.stage.porten)).await?;
        phone.see("#start:not([hidden])").await?;
        phone.fill("#invitation", "ABC").await?;
        phone.see("#typed-form button[type=submit]").await?.click().await?;
        phone.see("#invitation-problem:not([hidden])").await?;
        phone.check("05-typed-wrong").await?;
        phone.fill("#invitation", &typed.to_lowercase()).await?;
        phone.see("#typed-form button[type=submit]").await?.click().await?;
        phone.see("#enrol:not([hidden])").await?;
        phone.fill("#name", "Lommetelefonen").await?;
        // What the app has sent arrives, and the answer does not: at the second try it goes on from there.
        phone.run(LOST, Vec::new()).await?;
        phone.see("#enrol-form button").await?.click().await?;
        phone.see("#wrong:not([hidden])").await?;
        phone.see("#enrol-form button").await?.click().await?;
        phone.see("#pair:not([hidden])").await?;
        let number = phone.text("#pair-number").await?;
        desk.fill("#code", &number).await?;
        desk.press("button[value=next]").await?;
        let known = self.stage.is_in(desk, &self.modig).await?;
        ensure!(known["claims"]["amr"][0] == "Minid-APP", "{known}");
        phone.see("#home:not([hidden])").await?;
        Ok(())
    }

    /// What the push service hands over, deciphered, comes to the app's worker.
    async fn is_woken(&self) -> anyhow::Result<()> {
        let (desk, phone) = (&self.desk, &self.phone);
        let cdp = phone.driver.cdp();
        let origin = self.stage.porten.trim_end_matches('/');
        let granted = json!({ "origin": origin, "permissions": ["notifications"] });
        cdp.send_raw("Browser.grantPermissions", granted).await?;
        phone.run("await navigator.serviceWorker.ready", Vec::new()).await?;
        self.stage.begin(desk, "prompt=login").await?;
        self.stage.password(desk, &self.modig).await?;
        let number = desk.text(".number").await?;
        cdp.send_raw("ServiceWorker.enable", json!({})).await?;
        // The first registration of a fresh profile.
        let push = json!({ "origin": origin, "registrationId": "0", "data": "{\"kind\":\"login\",\"id\":\"x\"}" });
        let mut shown = json!([]);
        // A browser that is busy may lose one; the next takes its place.
        for _ in 0..5 {
            cdp.send_raw("ServiceWorker.deliverPushMessage", push.clone()).await?;
            shown = phone.run(SHOWN, Vec::new()).await?;
            if shown != json!([]) {
                break;
            }
        }
        let body = phone.see("#app").await?.attr("data-body").await?.context("no words")?;
        ensure!(shown == json!([["MinID", body, "minid-request"]]), "{shown}");
        phone.see("#request:not([hidden])").await?;
        phone.fill("#number", &number).await?;
        phone.see("#request-form button[type=submit]").await?.click().await?;
        self.stage.is_in(desk, &self.modig).await?;
        phone.see("#done:not([hidden])").await?;
        Ok(())
    }

    async fn gives_a_passkey_second(&self) -> anyhow::Result<()> {
        let desk = &self.desk;
        desk.open(&format!("{}/profil/innlogging/passnokkel", self.stage.porten)).await?;
        desk.see("#passkey-go:not([hidden])").await?;
        desk.press("#passkey-go").await?;
        desk.see("#notice").await?;
        desk.touches(&self.authenticator, false).await?;
        self.stage.begin(desk, "prompt=login").await?;
        self.stage.password(desk, &self.modig).await?;
        desk.press("button[value=method]").await?;
        desk.press("button[name=method][value=passkey]").await?;
        desk.see("#passkey-go:not([hidden])").await?;
        desk.check_all("06-passkey-second").await?;
        desk.touches(&self.authenticator, true).await?;
        // The page may have asked by itself, and be gone already.
        if let Ok(button) = desk.see("#passkey-go").await {
            let _ = button.click().await;
        }
        let known = self.stage.is_in(desk, &self.modig).await?;
        ensure!(known["claims"]["amr"][0] == "Minid-WEBAUTHN", "{known}");
        desk.touches(&self.authenticator, false).await
    }

    /// By a signature, on the device itself.
    async fn gives_the_app_up(&self) -> anyhow::Result<()> {
        let phone = &self.phone;
        phone.see("#home details summary").await?.click().await?;
        phone.check("07-leave").await?;
        phone.see("#leave").await?.click().await?;
        phone.see("#start:not([hidden])").await?;
        phone.see("#wrong:not([hidden])").await?;
        self.desk.open(&format!("{}/profil/innlogging", self.stage.porten)).await?;
        ensure!(!self.desk.text("main").await?.contains("Lommetelefonen"), "the telephone is still there");
        Ok(())
    }

    async fn scans_the_next(&self) -> anyhow::Result<()> {
        let (desk, phone) = (&self.desk, &self.phone);
        desk.press("a[href='/profil/innlogging/app']").await?;
        desk.press("button[value=invite]").await?;
        let link = desk.see("#here").await?.attr("href").await?.context("no link")?;
        phone.driver.refresh().await?;
        phone.see("#scan-go:not([hidden])").await?.click().await?;
        phone.see("#camera:not([hidden])").await?;
        phone.check("08-camera").await?;
        let hold = |what: String| phone.run("window.seen = arguments[0]", vec![Value::from(what)]);
        hold(format!("https://evil.example/app#{}", "B".repeat(12))).await?;
        phone.see("#wrong:not([hidden])").await?;
        hold(link).await?;
        phone.see("#enrol:not([hidden])").await?;
        ensure!(!phone.shows("#camera").await?, "the camera is still on");
        phone.see("#enrol-form button").await?.click().await?;
        phone.see("#pair:not([hidden])").await?;
        desk.fill("#code", &phone.text("#pair-number").await?).await?;
        desk.press("button[value=next]").await?;
        desk.see("#notice").await?;
        phone.see("#home:not([hidden])").await?;
        Ok(())
    }
}

on_both!(sms_has_ended);

/// After the day of its end SMS leads to setting up something else, and then in.
async fn sms_has_ended(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open_with(&["--retired", "otc"]).await?;
    let chromium = Chromium::start("ended", size).await?;
    chromium.has_an_authenticator().await?;
    let modig = stage.person("Modig Rev").await?;
    stage.begin(&chromium, "").await?;
    stage.minid(&chromium, &modig).await?;
    chromium.see("button[name=method][value=passkey]").await?;
    chromium.check_all("01-set-up").await?;
    chromium.press("button[name=method][value=totp]").await?;
    chromium.check("02-code-app").await?;
    chromium.press("button[value=back]").await?;
    chromium.press("button[name=method][value=passkey]").await?;
    chromium.see("#passkey-go:not([hidden])").await?;
    chromium.check("03-passkey").await?;
    chromium.press("#passkey-go").await?;
    let known = stage.is_in(&chromium, &modig).await?;
    ensure!(known["claims"]["amr"][0] == "Minid-WEBAUTHN", "{known}");
    chromium.was_quiet(&stage).await
}
