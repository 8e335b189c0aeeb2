//! The demonstration services of `porten dev` itself.

use anyhow::ensure;

use crate::chromium::{Chromium, Size};
use crate::stage::{Person, Stage};

on_both!(the_three_services, consent_and_the_profile);

async fn the_three_services(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("demo", size).await?;
    let (rolig, modig) = (stage.person("Rolig Elv").await?, stage.person("Modig Rev").await?);

    // From the front page, as a developer does who has just started it.
    chromium.open(&stage.porten).await?;
    chromium.press("a[href='/demo/byggesak/login']").await?;
    stage.minid(&chromium, &rolig).await?;
    greets(&stage, &chromium, "byggesak", &rolig).await?;
    chromium.check("byggesak").await?;
    // Each step of the protocol can be opened.
    let open =
        "const all = document.querySelectorAll('.steps summary'); all.forEach((one) => one.click()); return all.length";
    ensure!(chromium.run(open, Vec::new()).await?.as_u64() > Some(5), "too few steps");
    ensure!(chromium.shows(".steps li:last-child pre").await?, "the steps stay closed");
    chromium.check("byggesak-steps").await?;

    // The public one is entered without a page, for the person is known; the high one is not.
    chromium.open(&format!("{}/demo/bibliotek/login", stage.porten)).await?;
    greets(&stage, &chromium, "bibliotek", &rolig).await?;
    chromium.open(&format!("{}/demo/journal/login", stage.porten)).await?;
    ensure!(!chromium.shows("button[value=minid]").await?, "MinID does not reach high");
    chromium.press("button[value=testid]").await?;
    ensure!(chromium.driver.find_all(thirtyfour::By::Css("input[name=acr]")).await?.len() == 1, "more than high");
    chromium.check("testid").await?;
    // A login is stepped up by nobody else.
    chromium.fill("#fnr", &modig.fnr).await?;
    chromium.press("button[value=next]").await?;
    chromium.see("#fnr[aria-invalid=true]").await?;
    chromium.check("somebody-else").await?;
    chromium.fill("#fnr", &rolig.fnr).await?;
    chromium.press("button[value=next]").await?;
    greets(&stage, &chromium, "journal", &rolig).await?;

    // Out again, which leads to the front page; and whoever turns back is told so by the service.
    chromium.press("a[href='/demo/journal/logout']").await?;
    chromium.arrives(&format!("{}/", stage.porten)).await?;
    chromium.press("a[href='/demo/journal/login']").await?;
    chromium.press("button[value=cancel]").await?;
    chromium.arrives(&format!("{}/demo/journal/callback", stage.porten)).await?;
    ensure!(chromium.text("main").await?.contains("access_denied"), "the service does not say why");
    chromium.check("turned-back").await?;
    chromium.press("main a[href='/']").await?;
    chromium.was_quiet(&stage).await
}

/// What a newcomer sees of consent: asked at a service, found on the profile page, withdrawn there.
async fn consent_and_the_profile(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("demo-consent", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    chromium.open(&stage.porten).await?;
    chromium.press("a[href='/demo/fastlege/login']").await?;
    stage.minid(&chromium, &rolig).await?;
    chromium.see(".given strong").await?;
    chromium.check("asked").await?;
    chromium.press("button[value=next]").await?;
    greets(&stage, &chromium, "fastlege", &rolig).await?;
    chromium.open(&stage.porten).await?;
    chromium.press("main a[href='/profil']").await?;
    chromium.press("a[href='/profil/samtykker']").await?;
    ensure!(chromium.text(".agreements").await?.contains("Fastlegen i Fjordvik"), "the profile does not know of it");
    chromium.press("button[name=client]").await?;
    chromium.see("#notice").await?;
    chromium.was_quiet(&stage).await
}

async fn greets(stage: &Stage, chromium: &Chromium, service: &str, person: &Person) -> anyhow::Result<()> {
    chromium.arrives(&format!("{}/demo/{service}", stage.porten)).await?;
    let greeting = chromium.text(".said").await?;
    ensure!(greeting.contains(&person.fnr), "{service} says {greeting:?}");
    Ok(())
}
