//! MinID in a school: a principal, a teacher and a pupil with a telephone, at the same time. From the first JA to the
//! pupil's login at a service, in Bokmål, Nynorsk and English.

use anyhow::{Context, ensure};

use crate::chromium::{Chromium, Size};
use crate::stage::{Person, Stage};

/// One language's story.
pub(crate) struct Story {
    pub(crate) stage: Stage,
    /// The principal's desk.
    pub(crate) office: Chromium,
    /// What hangs in the classroom.
    pub(crate) screen: Chromium,
    /// The pupil's telephone.
    pub(crate) phone: Chromium,
    pub(crate) language: &'static str,
}

in_each_language!(story);

async fn story(language: &'static str) -> anyhow::Result<()> {
    let story = Story::open(language, language).await?;
    story.comes_in(&story.office, "Trygg Bjørn").await?;
    story.comes_in(&story.screen, "Klok Ugle").await?;
    story.may_not_issue_yet().await?;
    story.authorises().await?;
    let scanned = story.issues().await?;
    let pupil = story.scans(&scanned).await?;
    story.sees_that_it_is_done().await?;
    story.cannot_identify().await?;
    story.orders_a_letter().await?;
    story.issues_anew().await?;
    story.looks_at_the_report().await?;
    story.logs_in(&pupil).await?;
    story.was_quiet().await
}

impl Story {
    /// Everybody has the page in this language. Pictures are named after the story.
    pub(crate) async fn open(name: &str, language: &'static str) -> anyhow::Result<Story> {
        let (stage, office) = (Stage::open().await?, Chromium::start(name, Size::Desktop).await?);
        let (screen, phone) = (Chromium::start(name, Size::Desktop).await?, Chromium::start(name, Size::Phone).await?);
        for chromium in [&office, &screen, &phone] {
            chromium.open(&stage.porten).await?;
            chromium.choose_language(language).await?;
        }
        Ok(Story { stage, office, screen, phone, language })
    }

    pub(crate) async fn was_quiet(&self) -> anyhow::Result<()> {
        for chromium in [&self.office, &self.screen, &self.phone] {
            chromium.was_quiet(&self.stage).await?;
        }
        Ok(())
    }

    pub(crate) async fn look(&self, chromium: &Chromium, name: &str) -> anyhow::Result<()> {
        let lang = chromium.see("html").await?.attr("lang").await?;
        ensure!(lang.as_deref() == Some(self.language), "{name} is in {lang:?}");
        match chromium.size {
            Size::Phone => chromium.check(name).await,
            _ => chromium.check_all(name).await,
        }
    }

    pub(crate) async fn goes_to(&self, chromium: &Chromium, path: &str) -> anyhow::Result<()> {
        chromium.open(&format!("{}{path}", self.stage.porten)).await
    }

    /// By `TestID` at level high, which is the only level that is offered.
    pub(crate) async fn comes_in(&self, chromium: &Chromium, name: &str) -> anyhow::Result<()> {
        let person = self.stage.person(name).await?;
        self.goes_to(chromium, "/skule").await?;
        if chromium.has("button[value=testid]").await? {
            chromium.press("button[value=testid]").await?;
        }
        chromium.fill("#fnr", &person.fnr).await?;
        chromium.press("button[value=next]").await?;
        chromium.arrives(&format!("{}/skule", self.stage.porten)).await?;
        ensure!(chromium.text("main").await?.contains(name), "somebody else is in");
        Ok(())
    }

    async fn may_not_issue_yet(&self) -> anyhow::Result<()> {
        let screen = &self.screen;
        self.look(screen, "80-teacher-start").await?;
        screen.press("a[href^='/skule/klasse/']").await?;
        self.look(screen, "81-not-authorised").await?;
        ensure!(!screen.has(".line").await?, "pupils are shown");
        Ok(())
    }

    async fn authorises(&self) -> anyhow::Result<()> {
        let office = &self.office;
        self.look(office, "82-principal-start").await?;
        office.press("a.choice").await?;
        self.look(office, "83-classes").await?;
        office.press("a.choice").await?;
        office.press(".go button[value=next]").await?;
        office.see("#problem").await?;
        self.look(office, "84-employees-wrong").await?;
        // By name: Glad Foss and Klok Ugle.
        self.choose(".pair:nth-child(1) input[value=no]").await?;
        self.choose(".pair:nth-child(2) input[value=yes]").await?;
        self.look(office, "85-employees").await?;
        office.press(".go button[value=next]").await?;
        self.look(office, "86-pupils").await?;
        office.press("button[id^=all-yes]").await?;
        // Høy Gran comes first, and cannot be identified for certain.
        self.choose(".pair:nth-child(1) input[value=no]").await?;
        office.press(".go button[value=next]").await?;
        self.look(office, "87-confirm").await?;
        office.press("button[value=save]").await?;
        office.see("#notice").await?;
        self.look(office, "88-next-class").await
    }

    async fn choose(&self, css: &str) -> anyhow::Result<()> {
        Ok(self.office.see(css).await?.click().await?)
    }

    /// The pupil of that place in the list.
    pub(crate) async fn pupil(&self, place: usize) -> anyhow::Result<()> {
        self.goes_to(&self.screen, "/skule").await?;
        self.screen.press("a[href^='/skule/klasse/']").await?;
        self.screen.press(&format!(".line:nth-child({place}) a")).await
    }

    /// The code for Lett Sky, who comes third. What a camera sees of it.
    async fn issues(&self) -> anyhow::Result<String> {
        let screen = &self.screen;
        self.goes_to(screen, "/skule").await?;
        screen.press("a[href^='/skule/klasse/']").await?;
        self.look(screen, "89-class").await?;
        screen.press(".line:nth-child(3) a").await?;
        ensure!(screen.text("h1").await? == "Lett Sky", "another pupil");
        self.look(screen, "90-identify").await?;
        screen.press("button[value=start]").await?;
        ensure!(screen.text("#name").await? == "Lett Sky" && screen.shows("#letters").await?, "no code below the name");
        self.look(screen, "91-code").await?;
        let code = screen.text("#letters").await?.replace(char::is_whitespace, "");
        ensure!(code.len() == 15, "{code}");
        let scanned = screen.camera().await?;
        ensure!(scanned == format!("{}/registrer#{code}", self.stage.porten), "the camera sees {scanned}");
        // A class takes long enough without scrolling.
        let bottom = "return document.getElementById('next').getBoundingClientRect().bottom - innerHeight";
        let bottom = screen.run(bottom, Vec::new()).await?;
        ensure!(bottom.as_f64() <= Some(0.0), "the next pupil is {bottom} pixels further down");
        ensure!(screen.projected("91-code").await? == scanned, "another code on a projector");
        // Hidden at a touch.
        screen.see("#code summary").await?.click().await?;
        ensure!(!screen.shows("#letters").await?, "the code stays");
        ensure!(screen.camera().await.is_err(), "the code can still be scanned");
        self.look(screen, "92-hidden").await?;
        Ok(scanned)
    }

    async fn scans(&self, scanned: &str) -> anyhow::Result<Person> {
        self.phone.open(scanned).await?;
        self.registers(&self.phone, ("Lett Sky", "+4740123456"), "Skyen-driver-15").await
    }

    /// Without a touch.
    async fn sees_that_it_is_done(&self) -> anyhow::Result<()> {
        self.screen.see("#status .ds-tag[data-color=success]").await?;
        self.look(&self.screen, "93-registered").await
    }

    /// Lys Bjørk comes next.
    async fn cannot_identify(&self) -> anyhow::Result<()> {
        let screen = &self.screen;
        screen.press("#next").await?;
        ensure!(screen.text("h1").await? == "Lys Bjørk", "another pupil");
        screen.press("button[value=not-qualified]").await?;
        self.look(screen, "94-letter").await?;
        let address = screen.text("#letter .address").await?;
        ensure!(address == format!("{}/aktiveringsbrev/order", self.stage.porten), "{address}");
        self.pupil(1).await?;
        ensure!(screen.has("#letter").await? && !screen.has("button[value=start]").await?, "NEI is NEI");
        Ok(())
    }

    async fn orders_a_letter(&self) -> anyhow::Result<()> {
        let (phone, birch) = (&self.phone, self.stage.person("Lys Bjørk").await?);
        self.goes_to(phone, "/aktiveringsbrev/order").await?;
        phone.fill("#fnr", &birch.fnr).await?;
        phone.press("button[value=order]").await?;
        phone.fill("#mobile", "40 65 43 21").await?;
        phone.press("button[value=send]").await?;
        phone.fill("#code", &self.stage.proof_code("sms", "+4740654321").await?).await?;
        phone.press("button[value=next]").await?;
        phone.see("button[value=again]").await?;
        // It is written down a moment after the page, and a teacher who has left it sees it later.
        self.pupil(4).await?;
        self.screen.see("#status .ds-tag[data-color=info]").await?;
        self.look(&self.screen, "95-letter-ordered").await
    }

    /// Kvikk Bekk is not who stands there at first, and then loses the code.
    async fn issues_anew(&self) -> anyhow::Result<()> {
        let screen = &self.screen;
        self.pupil(2).await?;
        screen.press("button[value=start]").await?;
        screen.press("button[value=wrong-name]").await?;
        screen.see("#notice").await?;
        self.look(screen, "96-wrong-name").await?;
        self.pupil(2).await?;
        screen.press("button[value=start]").await?;
        let first = screen.text("#letters").await?;
        screen.press("button[value=start]").await?;
        ensure!(screen.text("#letters").await? != first, "the same code");
        screen.press("#close").await?;
        self.look(screen, "96-class-under-way").await?;
        self.pupil(2).await?;
        ensure!(!screen.has("#letters").await?, "the code is shown again");
        self.look(screen, "97-code-issued").await?;
        screen.press("button[value=leave]").await?;
        screen.arrives(&format!("{}/skule/ut", self.stage.porten)).await?;
        self.look(screen, "98-logged-out").await
    }

    async fn looks_at_the_report(&self) -> anyhow::Result<()> {
        let office = &self.office;
        office.press("button[value=leave]").await?;
        office.arrives(&format!("{}/skule/ut", self.stage.porten)).await?;
        self.comes_in(office, "Rolig Elv").await?;
        office.press("a[href='/skule/rapport']").await?;
        self.look(office, "99-report").await?;
        let bar = office.see("meter").await?.attr("value").await?.context("no bar")?;
        ensure!(bar == "3", "Liten Foss has MinID as well, in 10B: {bar}");
        let bar = office.see("table meter").await?.attr("value").await?.context("no bar")?;
        ensure!(bar == "2", "Modig Rev and Lett Sky have MinID: {bar}");
        Ok(())
    }

    async fn logs_in(&self, pupil: &Person) -> anyhow::Result<()> {
        self.stage.begin(&self.phone, "").await?;
        self.stage.minid(&self.phone, pupil).await?;
        self.stage.is_in(&self.phone, pupil).await.map(|_| ())
    }
}
