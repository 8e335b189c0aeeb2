//! A service asks for something that has an owner: the citizen agrees, finds it on their own page, and withdraws it.

use anyhow::ensure;
use thirtyfour::By;

use crate::chromium::{Chromium, Size};
use crate::stage::{ASKED, Person, Stage};

/// One language's story.
struct Story {
    stage: Stage,
    chromium: Chromium,
    language: &'static str,
    rolig: Person,
}

in_each_language!(story);

async fn story(language: &'static str) -> anyhow::Result<()> {
    let (stage, chromium) = (Stage::open().await?, Chromium::start(language, Size::Desktop).await?);
    let rolig = stage.person("Rolig Elv").await?;
    let story = Story { stage, chromium, language, rolig };
    story.stage.test_id(&story.chromium, &story.rolig).await?;
    story.chromium.open(&format!("{}/profil/samtykker", story.stage.porten)).await?;
    story.chromium.choose_language(language).await?;
    story.nothing_yet().await?;
    story.is_asked().await?;
    story.withdraws().await?;
    story.asks_to_leave().await?;
    story.chromium.was_quiet(&story.stage).await
}

impl Story {
    async fn look(&self, name: &str) -> anyhow::Result<()> {
        let lang = self.chromium.see("html").await?.attr("lang").await?;
        ensure!(lang.as_deref() == Some(self.language), "{name} is in {lang:?}");
        self.chromium.check_all(name).await
    }

    async fn asks(&self) -> anyhow::Result<()> {
        self.stage.begin(&self.chromium, &format!("scope=openid+profile+{}+{}", ASKED[0], ASKED[1])).await
    }

    async fn open_profile(&self) -> anyhow::Result<()> {
        self.chromium.open(&format!("{}/profil/samtykker", self.stage.porten)).await
    }

    async fn nothing_yet(&self) -> anyhow::Result<()> {
        self.look("40-profile-none").await?;
        ensure!(self.chromium.text("main").await?.contains(&self.rolig.fnr), "the page is somebody else's");
        ensure!(!self.chromium.has("main form").await?, "there is something to withdraw");
        Ok(())
    }

    /// Said no to, then yes; and not asked again.
    async fn is_asked(&self) -> anyhow::Result<()> {
        let chromium = &self.chromium;
        self.asks().await?;
        self.look("41-consent").await?;
        // What its owner has not translated says which language it is in.
        let langs: Vec<_> = self.langs(".given .what[lang]").await?;
        let own = if self.language == "nb" { ["nb", "nb"] } else { [self.language, "nb"] };
        ensure!(langs == own, "{langs:?}");
        ensure!(chromium.has(".given strong").await? && chromium.has(".given em").await?, "the long words are plain");
        chromium.press("button[value=cancel]").await?;
        let refused = chromium.json("#error").await?;
        ensure!(refused["error"] == "access_denied", "{refused}");
        self.asks().await?;
        chromium.press("button[value=next]").await?;
        self.stage.is_in(chromium, &self.rolig).await?;
        self.asks().await?;
        let known = self.stage.is_in(chromium, &self.rolig).await?;
        ensure!(known["logins"] == 3, "{known}");
        Ok(())
    }

    async fn langs(&self, css: &str) -> anyhow::Result<Vec<String>> {
        let mut langs = Vec::new();
        for element in self.chromium.driver.find_all(By::Css(css)).await? {
            langs.push(element.attr("lang").await?.unwrap_or_default());
        }
        Ok(langs)
    }

    async fn withdraws(&self) -> anyhow::Result<()> {
        let chromium = &self.chromium;
        self.open_profile().await?;
        self.look("42-profile").await?;
        // Turned back to by the back button, the page withdraws nothing twice and has a way on.
        chromium.press("button[name=client]").await?;
        self.look("43-withdrawn").await?;
        ensure!(!chromium.has("main form").await?, "it is still there");
        chromium.driver.back().await?;
        if chromium.has("button[name=client]").await? {
            chromium.press("button[name=client]").await?;
        }
        ensure!(chromium.has("main a[href='/profil']").await?, "no way on from the consents");
        self.asks().await?;
        chromium.see("button[value=next]").await?;
        chromium.press("button[value=next]").await?;
        self.stage.is_in(chromium, &self.rolig).await?;
        Ok(())
    }

    /// The logout question of the profile page, where no service has sent anybody.
    async fn asks_to_leave(&self) -> anyhow::Result<()> {
        let (chromium, profile) = (&self.chromium, format!("{}/profil", self.stage.porten));
        chromium.open(&profile).await?;
        chromium.press("a[href='/logout']").await?;
        self.look("44-logout-question").await?;
        chromium.press("button[value=stay]").await?;
        chromium.open(&profile).await?;
        chromium.press("a[href='/logout']").await?;
        chromium.press("button[value=logout]").await?;
        self.look("45-logged-out").await?;
        // The page is closed now: one has to log in to see it.
        self.open_profile().await?;
        self.look("46-profile-login").await?;
        chromium.press("button[value=cancel]").await?;
        chromium.arrives(&format!("{}/", self.stage.porten)).await
    }
}
