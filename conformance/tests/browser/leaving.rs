//! Logging out where other services are to be told: in frames, and behind the browser's back.

use anyhow::{Context, ensure};

use crate::chromium::{Chromium, Size};
use crate::neighbour::{Channel, Manner, Neighbour};
use crate::stage::Stage;

on_both!(who_answers_and_who_refuses_delay_nobody);

in_each_language!(silent_services);

/// The three kinds of neighbour.
struct Neighbours {
    good: Neighbour,
    silent: Neighbour,
    refused: Neighbour,
}

impl Neighbours {
    fn open() -> anyhow::Result<Neighbours> {
        Ok(Neighbours {
            good: Neighbour::open("Fjordvik bibliotek og kulturhus", Manner::Answers)?,
            silent: Neighbour::open("Byggesak i Fjordvik", Manner::Silent)?,
            refused: Neighbour::open("Barnehageopptak", Manner::Refuses)?,
        })
    }

    fn urls(&self) -> [&str; 3] {
        [&self.good.url, &self.silent.url, &self.refused.url]
    }
}

/// Logged in at the service, and then at these.
async fn logged_in(
    stage: &Stage,
    chromium: &Chromium,
    (channel, host): (Channel, &Neighbour),
    others: &[&Neighbour],
) -> anyhow::Result<()> {
    stage.test_id(chromium, &stage.person("Rolig Elv").await?).await?;
    for other in others {
        other.visited((stage, chromium), channel, host).await?;
    }
    Ok(())
}

/// What the service asks for when somebody presses "Log out" there.
async fn leave(stage: &Stage, chromium: &Chromium) -> anyhow::Result<()> {
    chromium.open(&format!("{}/logout", stage.service)).await
}

async fn came_back(chromium: &Chromium) -> anyhow::Result<()> {
    ensure!(chromium.text("#bye").await? == "as asked", "logout came back without its state");
    Ok(())
}

async fn look(chromium: &Chromium, language: &str, name: &str) -> anyhow::Result<()> {
    let lang = chromium.see("html").await?.attr("lang").await?;
    ensure!(lang.as_deref() == Some(language), "{name} is in {lang:?}");
    chromium.check_all(name).await
}

/// The citizen is sent on as soon as the frames have come; a refused connection counts as come, since browsers
/// don't tell.
async fn who_answers_and_who_refuses_delay_nobody(size: Size) -> anyhow::Result<()> {
    let (stage, chromium) = (Stage::open().await?, Chromium::start("leaving", size).await?);
    let all = Neighbours::open()?;
    logged_in(&stage, &chromium, (Channel::Front, &all.good), &[&all.good, &all.refused]).await?;
    leave(&stage, &chromium).await?;
    came_back(&chromium).await?;
    let told = all.good.told();
    ensure!(told.len() == 1 && told[0].contains("iss=") && told[0].contains("sid="), "{told:?}");
    chromium.was_quiet_beside(&stage, &all.urls()).await
}

async fn silent_services(language: &'static str) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::that_waits_for_no_frame(language, Size::Desktop).await?;
    let all = Neighbours::open()?;
    chromium.open(&stage.porten).await?;
    chromium.choose_language(language).await?;
    let three = [&all.good, &all.silent, &all.refused];
    logged_in(&stage, &chromium, (Channel::Front, &all.good), &three).await?;

    // Without scripts: the page stays until the citizen presses the button.
    chromium.let_scripts_run(false).await?;
    leave(&stage, &chromium).await?;
    chromium.see("#onwards").await?;
    ensure!(!chromium.shows("#silent").await? && !chromium.shows("#goes-on").await?, "a script has run");
    chromium.let_scripts_run(true).await?;
    look(&chromium, language, "50-telling-no-script").await?;
    chromium.press("#onwards").await?;
    came_back(&chromium).await?;
    ensure!(all.good.told().len() == 1, "{:?}", all.good.told());

    // With them: who has not answered in time is named, and the citizen decides when to go on.
    let three = [Neighbour::open("Barnehageopptak", Manner::Silent)?, Neighbour::open("Kart og plan", Manner::Silent)?];
    logged_in(&stage, &chromium, (Channel::Front, &all.good), &[&three[0], &three[1]]).await?;
    leave(&stage, &chromium).await?;
    chromium.see("#silent:not([hidden])").await?;
    look(&chromium, language, "51-silent-frames").await?;
    let named = chromium.text("#silent").await?;
    ensure!(named.contains(three[0].name) && named.contains(three[1].name), "{named}");
    ensure!(!chromium.shows("#telling").await?, "two things are said at once");
    chromium.press("#onwards").await?;
    came_back(&chromium).await?;

    let urls = [&all.urls()[..], &[&three[0].url, &three[1].url]].concat();
    behind_the_back((&stage, &chromium), &all.good, language).await.context("behind the browser's back")?;
    chromium.was_quiet_beside(&stage, &urls).await
}

async fn behind_the_back(
    (stage, chromium): (&Stage, &Chromium),
    landing: &Neighbour,
    language: &str,
) -> anyhow::Result<()> {
    let silent = Neighbour::open("Eiendomsskatt i Fjordvik kommune", Manner::Silent)?;
    logged_in(stage, chromium, (Channel::Back, landing), &[&silent]).await?;
    leave(stage, chromium).await?;
    chromium.see("#silent").await?;
    look(chromium, language, "52-silent-back-channel").await?;
    ensure!(chromium.text("#silent").await?.contains(silent.name), "nobody is named");
    chromium.press("#onwards").await?;
    came_back(chromium).await
}
