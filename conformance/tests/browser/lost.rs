//! What one logs in with is lost: an activation letter on its way, which its owner stops, and MinID that is blocked with
//! the password alone. In each language.

use crate::chromium::{Chromium, Size};
use crate::stage::Stage;

/// A telephone that nobody of `porten dev` has.
const OTHER: &str = "+4798765430";

in_each_language!(story);

async fn story(language: &str) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let phone = Chromium::start(&format!("lost-{language}"), Size::Phone).await?;
    phone.open(&stage.porten).await?;
    phone.choose_language(language).await?;
    let modig = stage.person("Modig Rev").await?;

    // Somebody orders a letter in their name, and they do not want it.
    phone.open(&format!("{}/aktiveringsbrev/order", stage.porten)).await?;
    phone.fill("#fnr", &modig.fnr).await?;
    phone.press("button[value=order]").await?;
    phone.fill("#mobile", OTHER).await?;
    phone.press("button[value=send]").await?;
    phone.fill("#code", &stage.proof_code("sms", OTHER).await?).await?;
    phone.press("button[value=next]").await?;
    phone.see("main a[href='/registrer']").await?;
    phone.check_all("01-ordered").await?;
    phone.open(&format!("{}/profil", stage.porten)).await?;
    stage.minid(&phone, &modig).await?;
    phone.check_all("02-profile").await?;
    phone.press("a[href='/profil/brev']").await?;
    phone.check_all("03-letter").await?;
    phone.press("button[value=stop]").await?;
    phone.see("#notice").await?;
    phone.check("04-stopped").await?;

    // The telephone is lost, and the password is not.
    stage.begin(&phone, "prompt=login").await?;
    stage.password(&phone, &modig).await?;
    phone.press("button[value=lost]").await?;
    phone.check_all("05-lost").await?;
    phone.press("button[value=block]").await?;
    phone.check_all("06-block").await?;
    phone.press("button[value=block-now]").await?;
    phone.check_all("07-blocked").await?;
    phone.was_quiet(&stage).await
}
