//! Logging in by an e-mail address: on a telephone in each language, and once without JavaScript on a desktop.

use anyhow::ensure;

use crate::chromium::{Chromium, Size};
use crate::stage::Stage;

const ADDRESS: &str = "gjest@example.no";

#[tokio::test]
async fn in_bokmal() -> anyhow::Result<()> {
    by_email("nb", ["Logg inn med e-post", "Skriv inn koden fra e-posten", "Du har ingen profil her"]).await
}

#[tokio::test]
async fn in_nynorsk() -> anyhow::Result<()> {
    by_email("nn", ["Logg inn med e-post", "Skriv inn koden frå e-posten", "Du har ingen profil her"]).await
}

#[tokio::test]
async fn in_english() -> anyhow::Result<()> {
    by_email("en", ["Log in by email", "Enter the code from the email", "You have no profile here"]).await
}

async fn by_email(language: &str, [address, code, profile]: [&str; 3]) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let phone = Chromium::start(&format!("{language}-email"), Size::Phone).await?;
    phone.open(&stage.porten).await?;
    phone.choose_language(language).await?;
    // Where nobody asks for it, it is not there.
    stage.begin(&phone, "acr_values=idporten-loa-substantial").await?;
    ensure!(!phone.has("button[value=email]").await?, "e-mail is offered unasked");
    stage.begin(&phone, "acr_values=idporten-loa-substantial%20selfregistered-email").await?;
    phone.see("button[value=email]").await?;
    phone.check_all("01-choose").await?;
    phone.press("button[value=email]").await?;
    ensure!(phone.text("h1").await? == address, "{}", phone.text("h1").await?);
    phone.check_all("02-address").await?;
    phone.fill("#email", "gjest@").await?;
    phone.press("button[value=next]").await?;
    phone.see("#email-problem").await?;
    phone.check_all("03-no-address").await?;
    phone.fill("#email", "Gjest@Example.no").await?;
    phone.press("button[value=next]").await?;
    ensure!(phone.text("h1").await? == code, "{}", phone.text("h1").await?);
    ensure!(phone.text("#code-sent").await?.contains(ADDRESS), "{}", phone.text("#code-sent").await?);
    phone.check_all("04-code").await?;
    phone.fill("#code", "123").await?;
    phone.press("button[value=next]").await?;
    phone.see("#code-problem").await?;
    phone.check_all("05-no-code").await?;
    phone.fill("#code", &stage.login_code(ADDRESS).await?).await?;
    phone.press("button[value=next]").await?;
    phone.arrives(&format!("{}/me", stage.service)).await?;
    let known = phone.json("#claims").await?;
    let claims = &known["claims"];
    ensure!(claims["acr"] == "selfregistered-email" && claims["amr"][0] == "Selfregistered-email", "{known}");
    ensure!(claims["email"] == ADDRESS && claims["pid"].is_null() && known["userinfo"]["pid"].is_null(), "{known}");
    phone.open(&format!("{}/profil", stage.porten)).await?;
    ensure!(phone.text("h1").await? == profile, "{}", phone.text("h1").await?);
    phone.check_all("06-no-profile").await?;
    phone.was_quiet(&stage).await
}

#[tokio::test]
async fn without_script() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let desktop = Chromium::without_script("no-script-email", Size::Desktop).await?;
    stage.begin(&desktop, "acr_values=selfregistered-email").await?;
    // There is nothing to choose.
    desktop.fill("#email", ADDRESS).await?;
    desktop.press("button[value=next]").await?;
    for tries in 0..3 {
        let right: u32 = stage.login_code(ADDRESS).await?.parse()?;
        desktop.fill("#code", &format!("{:08}", (right + 1) % 100_000_000)).await?;
        desktop.press("button[value=next]").await?;
        ensure!(desktop.has("#code-problem").await? == (tries < 2), "try {tries}");
    }
    desktop.see("#over").await?;
    desktop.check("used-up").await?;
    desktop.press("button[value=back]").await?;
    desktop.fill("#email", ADDRESS).await?;
    desktop.press("button[value=next]").await?;
    desktop.press("button[value=extend]").await?;
    desktop.see("#notice").await?;
    desktop.fill("#code", &stage.login_code(ADDRESS).await?).await?;
    desktop.press("button[value=next]").await?;
    desktop.arrives(&format!("{}/me", stage.service)).await?;
    desktop.was_quiet(&stage).await
}
