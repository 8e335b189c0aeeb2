//! JavaScript is forbidden in the browser, and everything works.

use anyhow::ensure;

use crate::chromium::{Chromium, Size};
use crate::stage::{SERVICE, Stage};

on_both!(login_without_script, the_own_pages_without_script, axe_finds_nothing);

async fn login_without_script(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::without_script("no-script", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    chromium.open(&format!("{}/me", stage.service)).await?;
    ensure!(chromium.text("#script").await? == "JavaScript is off", "JavaScript is on");

    stage.begin(&chromium, "").await?;
    chromium.check("choose").await?;
    chromium.press("button[value=minid]").await?;
    chromium.check("password").await?;
    // No button that does nothing.
    ensure!(!chromium.shows("#show-password").await?, "a dead button is shown");
    chromium.fill("#fnr", &rolig.fnr).await?;
    chromium.press("button[value=next]").await?;
    ensure!(chromium.shows("#password-problem").await?, "nothing is said of the missing password");
    stage.password(&chromium, &rolig).await?;
    chromium.check("code").await?;
    ensure!(!chromium.shows("#clock").await?, "a clock that stands still");

    // The button for a new code has no clock to wait for, so pressing it too early is answered with words.
    chromium.press("button[value=resend]").await?;
    ensure!(chromium.shows("#problem").await?, "nothing is said of the wait");
    chromium.check("code-too-soon").await?;
    chromium.press("button[value=extend]").await?;
    ensure!(chromium.shows("#notice").await?, "nothing is said of the time");
    chromium.fill("#code", &stage.code().await?).await?;
    chromium.press("button[value=next]").await?;
    stage.is_in(&chromium, &rolig).await?;

    // Whoever waits for the app looks again by a button, and has another way beside it.
    stage.begin(&chromium, "prompt=login").await?;
    chromium.press("button[value=minid]").await?;
    chromium.press("button[value=forgot]").await?;
    chromium.fill("#fnr", &rolig.fnr).await?;
    chromium.press("button[value=app]").await?;
    chromium.check("forgotten-app").await?;
    chromium.press("button[value=next]").await?;
    ensure!(chromium.shows("#notice").await?, "nothing is said of the answer that has not come");
    chromium.press("button[value=codes]").await?;
    ensure!(chromium.shows("#code").await?, "the codes are not one click away");
    chromium.press("button[value=cancel]").await?;

    // The answer waits for a press on the button, which says where it leads.
    stage.begin(&chromium, "response_mode=form_post").await?;
    chromium.check("form-post").await?;
    ensure!(chromium.text("#respond button").await?.contains(SERVICE), "the button does not say where it leads");
    chromium.press("#respond button").await?;
    let known = stage.is_in(&chromium, &rolig).await?;
    ensure!(known["logins"] == 2, "{known}");

    chromium.press("a[href='/logout']").await?;
    ensure!(chromium.text("#bye").await? == "as asked", "logout came back without its state");
    chromium.was_quiet(&stage).await
}

/// How one is reached and how one logs in, changed with forms alone.
async fn the_own_pages_without_script(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::without_script("no-script-profile", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    chromium.open(&format!("{}/profil", stage.porten)).await?;
    stage.minid(&chromium, &rolig).await?;
    chromium.check("profile").await?;
    chromium.press("a[href='/profil/kontakt']").await?;
    chromium.press("a[href='/profil/kontakt/mobil']").await?;
    chromium.fill("#mobile", "987 65 433").await?;
    chromium.press("button[value=next]").await?;
    chromium.fill("#code", &stage.proof_code("sms", "+4798765433").await?).await?;
    chromium.press("button[value=next]").await?;
    chromium.check("contact").await?;
    ensure!(chromium.shows("#notice").await?, "nothing is said of the change");
    chromium.open(&format!("{}/profil/innlogging/gjenoppretting", stage.porten)).await?;
    chromium.press("button[value=next]").await?;
    ensure!(chromium.text(".codes").await?.lines().count() >= 8, "no codes");
    // What cannot be done says so, and has no button that does nothing.
    chromium.open(&format!("{}/profil/innlogging/passnokkel", stage.porten)).await?;
    chromium.check("passkey").await?;
    ensure!(
        !chromium.shows("#passkey-go").await? && chromium.text("main").await?.contains("JavaScript"),
        "a dead button"
    );
    chromium.open(&format!("{}/app", stage.porten)).await?;
    chromium.check("app").await?;
    ensure!(chromium.text("main").await?.contains("JavaScript"), "the app says nothing");
    chromium.was_quiet(&stage).await
}

/// The pages as they are without their scripts.
async fn axe_finds_nothing(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("no-script-axe", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    chromium.let_scripts_run(false).await?;
    stage.begin(&chromium, "response_mode=form_post").await?;
    look(&chromium, "choose").await?;
    chromium.press("button[value=minid]").await?;
    look(&chromium, "password").await?;
    ensure!(!chromium.shows("#show-password").await?, "a script has run");
    stage.password(&chromium, &rolig).await?;
    look(&chromium, "code").await?;
    ensure!(!chromium.shows("#clock").await?, "a script has run");
    chromium.fill("#code", &stage.code().await?).await?;
    chromium.press("button[value=next]").await?;
    chromium.see("#respond").await?;
    look(&chromium, "form-post").await?;
    chromium.press("#respond button").await?;
    stage.is_in(&chromium, &rolig).await?;
    chromium.was_quiet(&stage).await
}

async fn look(chromium: &Chromium, name: &str) -> anyhow::Result<()> {
    chromium.let_scripts_run(true).await?;
    chromium.check(name).await?;
    chromium.let_scripts_run(false).await
}
