//! Whose language it is: the reader's choice first, then the service's wish, else Bokmål.

use anyhow::ensure;

use crate::chromium::{Chromium, Size};
use crate::stage::Stage;

on_both!(a_chosen_language_stays, the_service_may_wish);

async fn words(chromium: &Chromium, language: &str, heading: &str) -> anyhow::Result<()> {
    let (found, lang) = (chromium.text("h1").await?, chromium.see("html").await?.attr("lang").await?);
    ensure!(found == heading, "the heading is {found:?} and not {heading:?}");
    ensure!(lang.as_deref() == Some(language), "the page says that it is {lang:?}");
    Ok(())
}

async fn a_chosen_language_stays(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("language", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    stage.begin(&chromium, "").await?;
    words(&chromium, "nb", "Velg innloggingsmetode").await?;
    chromium.press("button[value=minid]").await?;
    // In the middle of a login, which goes on where it was.
    chromium.choose_language("nn").await?;
    words(&chromium, "nn", "Logg inn med MinID").await?;
    ensure!(chromium.text("#show-password").await? == "Vis passord", "the script speaks another language");
    stage.password(&chromium, &rolig).await?;
    words(&chromium, "nn", "Skriv inn koden frå SMS-en").await?;
    ensure!(stage.last_sms().await?.starts_with("MinID: Eingongskoden"), "the SMS is not in Nynorsk");
    chromium.fill("#code", &stage.code().await?).await?;
    chromium.press("button[value=next]").await?;
    let known = stage.is_in(&chromium, &rolig).await?;
    ensure!(known["claims"]["locale"] == "nn", "{known}");

    // The next login, though the service wishes for English.
    chromium.press("a[href='/logout']").await?;
    stage.begin(&chromium, "ui_locales=en").await?;
    words(&chromium, "nn", "Vel innloggingsmetode").await?;
    // Sámi has no words yet; those shown say that they are Bokmål.
    chromium.choose_language("se").await?;
    words(&chromium, "nb", "Velg innloggingsmetode").await?;
    chromium.check("se").await?;
    chromium.was_quiet(&stage).await
}

async fn the_service_may_wish(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("wish", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    stage.begin(&chromium, "ui_locales=xx%20en-GB%20nb").await?;
    words(&chromium, "en", "Choose login method").await?;
    stage.password(&chromium, &rolig).await?;
    words(&chromium, "en", "Enter the code from the text message").await?;
    ensure!(stage.last_sms().await?.starts_with("MinID: Your one-time code"), "the SMS is not in English");
    chromium.choose_language("nb").await?;
    words(&chromium, "nb", "Skriv inn koden fra SMS-en").await?;
    // The wish was for that login alone.
    stage.begin(&chromium, "").await?;
    words(&chromium, "nb", "Velg innloggingsmetode").await?;
    chromium.was_quiet(&stage).await
}
