//! Back button, reload, bookmark, double click, two tabs: no way ends without a way on.

use anyhow::{Context, ensure};
use serde_json::json;
use thirtyfour::Cookie;

use crate::chromium::{Chromium, Size};
use crate::stage::{Person, Stage};

on_both!(back_and_reload, a_bookmark_of_a_login, a_double_click, two_tabs_at_once);

/// Sends the form on the page as a click on its last button would, and leaves the answer alone.
pub(crate) const SEND_BESIDE: &str = "
    const done = arguments[arguments.length - 1];
    const button = document.querySelector('button[value=next]'), form = button.form;
    const fields = new URLSearchParams(new FormData(form, button));
    fetch(form.action, { method: 'POST', body: fields, redirect: 'manual' }).then(() => done(true), (e) => done(String(e)));";

/// Two quick clicks.
pub(crate) const CLICK_TWICE: &str = "const b = document.querySelector('button[value=next]'); b.click(); b.click();";

/// At the service as this person, or on a page from which a button or a link leads on.
pub(crate) async fn has_a_way_on(stage: &Stage, chromium: &Chromium) -> anyhow::Result<()> {
    chromium.see("body").await?;
    let at = chromium.url().await?;
    if !at.starts_with("http") {
        return Ok(()); // Before the first page of all: the browser's own.
    }
    if at.starts_with(&stage.service) {
        ensure!(!chromium.has("#error").await?, "the service got something bad: {}", chromium.text("#error").await?);
        return Ok(());
    }
    let ways = chromium.has("main a[href], main button[type=submit]").await?;
    ensure!(ways, "no way on from {at}:\n{}", chromium.text("body").await?);
    Ok(())
}

async fn back_and_reload(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("back", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    stage.begin(&chromium, "").await?;
    chromium.driver.refresh().await?;
    chromium.press("button[value=minid]").await?;
    chromium.driver.refresh().await?;
    // Back to the picker, and in again.
    chromium.driver.back().await?;
    chromium.press("button[value=minid]").await?;
    stage.password(&chromium, &rolig).await?;
    chromium.driver.refresh().await?;
    chromium.see("#code").await?;
    // Back from the code and forward again: the code still counts.
    chromium.driver.back().await?;
    has_a_way_on(&stage, &chromium).await?;
    chromium.driver.forward().await?;
    chromium.fill("#code", &stage.code().await?).await?;
    chromium.press("button[value=next]").await?;
    stage.is_in(&chromium, &rolig).await?;

    // Whoever goes back from the service is led to it again, or finds a way on.
    for _ in 0..4 {
        chromium.driver.back().await?;
        has_a_way_on(&stage, &chromium).await?;
        chromium.driver.refresh().await?;
        has_a_way_on(&stage, &chromium).await?;
    }
    chromium.was_quiet(&stage).await
}

async fn a_bookmark_of_a_login(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("bookmark", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    stage.begin(&chromium, "").await?;
    stage.password(&chromium, &rolig).await?;
    let bookmark = chromium.url().await?;
    ensure!(bookmark.starts_with(&stage.login("")), "the page for the code is at {bookmark}");
    chromium.fill("#code", &stage.code().await?).await?;
    chromium.press("button[value=next]").await?;
    stage.is_in(&chromium, &rolig).await?;

    // While logged in: to the service, with a code that works.
    chromium.open(&bookmark).await?;
    let known = stage.is_in(&chromium, &rolig).await?;
    ensure!(known["logins"] == 2, "the second answer was not taken: {known}");

    // Logged out: the same login from its beginning, and it leads to the service.
    chromium.press("a[href='/logout']").await?;
    chromium.see("#bye").await?;
    chromium.open(&bookmark).await?;
    stage.minid(&chromium, &rolig).await?;
    let known = stage.is_in(&chromium, &rolig).await?;
    ensure!(known["logins"] == 3, "{known}");

    // In another browser: a page that leads to the service.
    chromium.forget_everything().await?;
    chromium.open(&bookmark).await?;
    chromium.press("main a[href]").await?;
    chromium.arrives(&stage.service).await?;
    chromium.was_quiet(&stage).await
}

/// As far as the last button.
async fn with_the_code(stage: &Stage, chromium: &Chromium, person: &Person) -> anyhow::Result<()> {
    chromium.forget_everything().await?;
    stage.begin(chromium, "").await?;
    stage.password(chromium, person).await?;
    chromium.fill("#code", &stage.code().await?).await
}

async fn a_double_click(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("double", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    with_the_code(&stage, &chromium, &rolig).await?;
    chromium.run(CLICK_TWICE, Vec::new()).await?;
    stage.is_in(&chromium, &rolig).await?;

    // Both are sent, and the browser shows the answer to the second.
    with_the_code(&stage, &chromium, &rolig).await?;
    ensure!(chromium.run_async(SEND_BESIDE).await? == true, "not sent");
    chromium.press("button[value=next]").await?;
    stage.is_in(&chromium, &rolig).await?;

    // As above, and with the first answer its cookie is lost.
    with_the_code(&stage, &chromium, &rolig).await?;
    ensure!(chromium.run_async(SEND_BESIDE).await? == true, "not sent");
    chromium.driver.delete_cookie("porten-session").await?;
    chromium.press("button[value=next]").await?;
    stage.is_in(&chromium, &rolig).await?;
    stage.begin(&chromium, "").await?;
    let known = stage.is_in(&chromium, &rolig).await?;
    ensure!(known["logins"] == 2, "the session of the second click is worth nothing: {known}");

    // The same where the last button is the agreement.
    stage.begin(&chromium, "prompt=consent").await?;
    let old = chromium.driver.get_named_cookie("porten-session").await?;
    ensure!(chromium.run_async(SEND_BESIDE).await? == true, "not sent");
    put_back(&chromium, old).await?;
    chromium.press("button[value=next]").await?;
    has_a_way_on(&stage, &chromium).await?;

    // And that of TestID.
    chromium.forget_everything().await?;
    stage.begin(&chromium, "").await?;
    chromium.press("button[value=testid]").await?;
    chromium.fill("#fnr", &rolig.fnr).await?;
    ensure!(chromium.run_async(SEND_BESIDE).await? == true, "not sent");
    chromium.driver.delete_cookie("porten-session").await?;
    chromium.press("button[value=next]").await?;
    has_a_way_on(&stage, &chromium).await?;
    chromium.was_quiet(&stage).await
}

async fn put_back(chromium: &Chromium, cookie: Cookie) -> anyhow::Result<()> {
    chromium.driver.delete_cookie("porten-session").await?;
    let cookie = json!({ "name": cookie.name, "value": cookie.value, "url": chromium.url().await?, "httpOnly": true });
    chromium.driver.cdp().send_raw("Network.setCookie", cookie).await?;
    Ok(())
}

async fn two_tabs_at_once(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("tabs", size).await?;
    let (rolig, varm) = (stage.person("Rolig Elv").await?, stage.person("Varm Sommerdag").await?);
    let first = chromium.driver.window().await?;
    stage.begin(&chromium, "").await?;
    stage.password(&chromium, &rolig).await?;
    let code_of_the_first = stage.code().await?;

    let second = chromium.driver.new_tab().await?;
    chromium.driver.switch_to_window(second.clone()).await?;
    chromium.resize(size).await?;
    stage.begin(&chromium, "").await?;
    stage.password(&chromium, &rolig).await?;
    chromium.fill("#code", &stage.code().await?).await?;
    chromium.press("button[value=next]").await?;
    stage.is_in(&chromium, &rolig).await?;

    chromium.driver.switch_to_window(first.clone()).await?;
    chromium.fill("#code", &code_of_the_first).await?;
    chromium.press("button[value=next]").await?;
    let known = stage.is_in(&chromium, &rolig).await?;
    ensure!(known["logins"] == 2, "{known}");

    // Two people at one machine: each tab logs in whose password it got.
    stage.begin(&chromium, "prompt=login").await?;
    stage.password(&chromium, &varm).await?;
    let code = stage.code().await.context("the second person's code")?;
    chromium.driver.switch_to_window(second).await?;
    stage.begin(&chromium, "").await?;
    stage.is_in(&chromium, &rolig).await?;
    chromium.driver.switch_to_window(first).await?;
    chromium.fill("#code", &code).await?;
    chromium.press("button[value=next]").await?;
    stage.is_in(&chromium, &varm).await?;
    chromium.was_quiet(&stage).await
}
