//! The login of everyday, and its end.

use anyhow::ensure;

use crate::chromium::{Chromium, Size};
use crate::stage::{SERVICE, Stage};

on_both!(login_sso_and_logout, form_post_goes_by_itself, the_password_can_be_seen);

/// Login, single sign-on, logout, and a login page again.
async fn login_sso_and_logout(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("login", size).await?;
    let rolig = stage.person("Rolig Elv").await?;

    stage.begin(&chromium, "").await?;
    ensure!(chromium.text(".towards").await?.contains(SERVICE), "the page does not say where one is going");
    chromium.check("choose").await?;
    chromium.press("button[value=minid]").await?;
    chromium.check("password").await?;
    stage.password(&chromium, &rolig).await?;
    chromium.check("code").await?;
    chromium.fill("#code", &stage.code().await?).await?;
    chromium.press("button[value=next]").await?;
    let known = stage.is_in(&chromium, &rolig).await?;
    ensure!(known["claims"]["acr"] == "idporten-loa-substantial", "{known}");
    ensure!(known["claims"]["amr"] == serde_json::json!(["Minid-OTC"]), "{known}");

    // Once more, and no page is shown.
    stage.begin(&chromium, "").await?;
    let again = stage.is_in(&chromium, &rolig).await?;
    ensure!(again["logins"] == 2, "{again}");
    ensure!(again["claims"]["sid"] == known["claims"]["sid"], "another session: {again}");

    chromium.press("a[href='/logout']").await?;
    ensure!(chromium.text("#bye").await? == "as asked", "logout came back without its state");
    stage.begin(&chromium, "").await?;
    chromium.see("button[value=minid]").await?;
    chromium.was_quiet(&stage).await
}

async fn form_post_goes_by_itself(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("form-post", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    stage.begin(&chromium, "response_mode=form_post").await?;
    stage.minid(&chromium, &rolig).await?;
    stage.is_in(&chromium, &rolig).await?;
    // And at once where nobody has to do anything, from a site that gets no cookies with a form.
    stage.begin(&chromium, "response_mode=form_post").await?;
    let known = stage.is_in(&chromium, &rolig).await?;
    ensure!(known["logins"] == 2, "{known}");
    chromium.was_quiet(&stage).await
}

async fn the_password_can_be_seen(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("password", size).await?;
    stage.begin(&chromium, "").await?;
    chromium.press("button[value=minid]").await?;
    chromium.fill("#password", "Elva-renner-7").await?;
    let (field, button) = (chromium.see("#password").await?, chromium.see("#show-password").await?);
    for (words, kind) in [("Vis passord", "password"), ("Skjul passord", "text"), ("Vis passord", "password")] {
        ensure!(button.is_displayed().await? && button.text().await? == words, "the button is not {words:?}");
        ensure!(field.attr("type").await?.as_deref() == Some(kind), "the field is not {kind}");
        ensure!(field.value().await?.as_deref() == Some("Elva-renner-7"), "the password is lost");
        button.click().await?;
    }
    chromium.check("password-seen").await?;
    // What is seen is not sent as text that browsers remember.
    chromium.fill("#fnr", "123").await?;
    chromium.press("button[value=next]").await?;
    ensure!(chromium.see("#password").await?.attr("type").await?.as_deref() == Some("password"), "still seen");
    chromium.was_quiet(&stage).await
}
