//! Every page that a citizen can come to, in each language: looked at on the telephone, at the desk, in the dark
//! and at 320 pixels.

use anyhow::ensure;

use crate::chromium::{Chromium, Size};
use crate::stage::Stage;

/// One language's walk.
struct Tour {
    stage: Stage,
    chromium: Chromium,
    language: &'static str,
}

in_each_language!(tour);

async fn tour(language: &'static str) -> anyhow::Result<()> {
    let (stage, chromium) = (Stage::open().await?, Chromium::start(language, Size::Desktop).await?);
    let tour = Tour { stage, chromium, language };
    tour.front().await?;
    tour.the_password().await?;
    tour.the_code().await?;
    tour.agreement().await?;
    tour.logout().await?;
    tour.test_id().await?;
    tour.the_code_is_used_up().await?;
    tour.where_the_way_stops().await?;
    tour.dead_ends().await?;
    tour.chromium.was_quiet(&tour.stage).await
}

impl Tour {
    /// Looks at a page, which is in the language that was chosen.
    async fn look(&self, name: &str) -> anyhow::Result<()> {
        let lang = self.chromium.see("html").await?.attr("lang").await?;
        ensure!(lang.as_deref() == Some(self.language), "{name} is in {lang:?}");
        self.chromium.check_all(name).await
    }

    /// Presses a button, and looks at the page that it leads to.
    async fn press(&self, css: &str, name: &str) -> anyhow::Result<()> {
        self.chromium.press(css).await?;
        self.look(name).await
    }

    async fn front(&self) -> anyhow::Result<()> {
        self.chromium.open(&self.stage.porten).await?;
        self.chromium.choose_language(self.language).await?;
        self.look("01-landing").await?;
        self.press("main a[href='/dev/inbox']", "02-inbox-empty").await
    }

    async fn the_password(&self) -> anyhow::Result<()> {
        let rolig = self.stage.person("Rolig Elv").await?;
        self.stage.begin(&self.chromium, "").await?;
        self.look("03-choose").await?;
        self.press("button[value=minid]", "04-password").await?;
        self.press("button[value=next]", "05-password-empty").await?;
        self.chromium.fill("#fnr", "12345678901").await?;
        self.chromium.fill("#password", "hei").await?;
        self.press("button[value=next]", "06-password-invalid").await?;
        self.chromium.fill("#fnr", &rolig.fnr).await?;
        self.chromium.fill("#password", "hei").await?;
        self.press("button[value=next]", "07-password-wrong").await?;
        self.chromium.fill("#password", &rolig.password).await?;
        self.press("button[value=next]", "08-code").await
    }

    async fn the_code(&self) -> anyhow::Result<()> {
        let rolig = self.stage.person("Rolig Elv").await?;
        self.press("button[value=next]", "09-code-empty").await?;
        self.chromium.fill("#code", &self.stage.wrong_code().await?).await?;
        self.press("button[value=next]", "10-code-wrong").await?;
        self.press("button[value=extend]", "11-code-more-time").await?;
        self.press("button[value=method]", "12-method").await?;
        // The code that is out counts still: nothing promises another one.
        let sms = self.stage.last_sms().await?;
        self.chromium.press("button[value=otc]").await?;
        ensure!(self.stage.last_sms().await? == sms, "another SMS");
        self.chromium.fill("#code", &self.stage.wrong_code().await?).await?;
        self.press("button[value=next]", "13-code-wrong-last").await?;
        self.chromium.fill("#code", &self.stage.code().await?).await?;
        self.chromium.press("button[value=next]").await?;
        let known = self.stage.is_in(&self.chromium, &rolig).await?;
        ensure!(known["claims"]["locale"] == self.language, "{known}");
        self.chromium.open(&format!("{}/dev/inbox", self.stage.porten)).await?;
        self.look("14-inbox").await
    }

    async fn agreement(&self) -> anyhow::Result<()> {
        let rolig = self.stage.person("Rolig Elv").await?;
        self.stage.begin(&self.chromium, "prompt=consent").await?;
        self.look("15-consent").await?;
        self.chromium.press("button[value=cancel]").await?;
        let refused = self.chromium.json("#error").await?;
        ensure!(refused["error"] == "access_denied", "{refused}");
        self.stage.begin(&self.chromium, "prompt=consent").await?;
        self.chromium.press("button[value=next]").await?;
        self.stage.is_in(&self.chromium, &rolig).await?;
        self.chromium.open(&format!("{}/demo/byggesak/login", self.stage.porten)).await?;
        self.chromium.arrives(&format!("{}/demo/byggesak", self.stage.porten)).await?;
        self.look("16-demo-service").await
    }

    async fn logout(&self) -> anyhow::Result<()> {
        let (stage, chromium) = (&self.stage, &self.chromium);
        let rolig = stage.person("Rolig Elv").await?;
        // Anybody could have sent the browser here, so the person is asked.
        chromium.open(&stage.asks("/logout", &[])?).await?;
        self.look("17-logout").await?;
        chromium.press("button[value=stay]").await?;
        stage.is_in(chromium, &rolig).await?;
        chromium.open(&stage.asks("/logout", &[])?).await?;
        self.press("button[value=logout]", "18-logged-out").await?;
        chromium.press("main a[href]").await?;
        chromium.arrives(&stage.service).await?;
        chromium.open(&format!("{}/logout", stage.porten)).await?;
        self.look("19-logged-out-of-nothing").await
    }

    async fn test_id(&self) -> anyhow::Result<()> {
        let (stage, chromium) = (&self.stage, &self.chromium);
        stage.begin(chromium, "").await?;
        self.press("button[value=testid]", "20-testid").await?;
        self.press("button[value=next]", "21-testid-empty").await?;
        chromium.press("button[value=cancel]").await?;
        chromium.see("#error").await?;
        // High is not for MinID.
        chromium.open(&format!("{}/demo/journal/login", stage.porten)).await?;
        self.look("22-choose-high").await?;
        self.press("button[value=cancel]", "23-demo-turned-back").await
    }

    async fn the_code_is_used_up(&self) -> anyhow::Result<()> {
        let varm = self.stage.person("Varm Sommerdag").await?;
        self.stage.begin(&self.chromium, "").await?;
        self.stage.password(&self.chromium, &varm).await?;
        for _ in 0..3 {
            self.chromium.fill("#code", &self.stage.wrong_code().await?).await?;
            self.chromium.press("button[value=next]").await?;
        }
        // Who has said once who they are need not say it again.
        let typed = self.chromium.see("#fnr").await?.value().await?;
        ensure!(typed.as_deref() == Some(varm.fnr.as_str()), "the identifier is {typed:?}");
        self.chromium.see("#password:focus").await?;
        self.look("24-code-used-up").await
    }

    async fn where_the_way_stops(&self) -> anyhow::Result<()> {
        let (stage, chromium) = (&self.stage, &self.chromium);
        stage.begin(chromium, "").await?;
        stage.password(chromium, &stage.person("Streng Vinter").await?).await?;
        self.look("25-stop-locked").await?;
        chromium.press("button[value=eid]").await?;
        stage.password(chromium, &stage.add_person_without_telephone()?).await?;
        self.look("26-stop-no-phone").await?;
        chromium.press("button[value=eid]").await?;
        // Five wrong passwords, and the right one leads no further either.
        let mut klok = stage.person("Klok Ugle").await?;
        let right = std::mem::replace(&mut klok.password, "Ugla-ser-ingenting".into());
        for _ in 0..5 {
            stage.password(chromium, &klok).await?;
        }
        klok.password = right;
        stage.password(chromium, &klok).await?;
        self.look("27-stop-quarantined").await?;
        chromium.press("button[value=cancel]").await?;
        chromium.see("#error").await?;
        Ok(())
    }

    async fn dead_ends(&self) -> anyhow::Result<()> {
        let (stage, chromium) = (&self.stage, &self.chromium);
        let elsewhere =
            [("redirect_uri", "https://elsewhere.example/cb"), ("response_type", "code"), ("scope", "openid")];
        chromium.open(&stage.asks("/authorize", &elsewhere)?).await?;
        self.look("28-error").await?;
        ensure!(chromium.see("main .go a").await?.attr("href").await?.is_some_and(|to| to.starts_with(&stage.service)));
        chromium.open(&stage.login("made-up")).await?;
        self.look("29-expired").await?;
        chromium.open(&format!("{}/nowhere", stage.porten)).await?;
        self.look("30-not-found").await?;

        stage.begin(chromium, "").await?;
        chromium.run("document.querySelector('input[name=csrf]').value = 'x'", Vec::new()).await?;
        self.press("button[value=minid]", "31-csrf").await?;
        stage.begin(chromium, "").await?;
        chromium.press("button[value=minid]").await?;
        let login = chromium.url().await?;
        chromium.driver.delete_cookie("porten-browser").await?;
        chromium.open(&login).await?;
        self.look("32-other-browser").await
    }
}
