//! Requests that are pushed, on behalf of a customer, or answered with a signed form.

use anyhow::ensure;

use crate::chromium::{Chromium, Size};
use crate::detours::{CLICK_TWICE, SEND_BESIDE, has_a_way_on};
use crate::stage::{CUSTOMER, SERVICE, Stage};

on_both!(on_behalf_of_a_customer, a_pushed_request_bears_detours, a_signed_form_without_script);

async fn on_behalf_of_a_customer(size: Size) -> anyhow::Result<()> {
    let (stage, chromium) = (Stage::open().await?, Chromium::start("customer", size).await?);
    let rolig = stage.person("Rolig Elv").await?;
    let asked = format!("onbehalfof={}", CUSTOMER.0);
    stage.begin(&chromium, &asked).await?;
    for language in ["en", "nn", "nb"] {
        chromium.choose_language(language).await?;
        let towards = chromium.text(".towards").await?;
        ensure!(towards.contains(CUSTOMER.1) && !towards.contains(SERVICE), "{towards}");
        chromium.check_all(&format!("customer-{language}")).await?;
        chromium.resize(size).await?;
    }
    stage.minid(&chromium, &rolig).await?;
    stage.is_in(&chromium, &rolig).await?;
    // Asked to agree, it is the customer that asks; and the dead end names the customer too.
    stage.begin(&chromium, &format!("{asked}&prompt=consent")).await?;
    ensure!(chromium.text("main").await?.contains(CUSTOMER.1), "{}", chromium.text("main").await?);
    chromium.check("consent").await?;
    chromium.press("button[value=next]").await?;
    stage.is_in(&chromium, &rolig).await?;
    stage.begin(&chromium, "onbehalfof=nobody").await?;
    ensure!(chromium.json("#error").await?["error"] == "invalid_request", "{}", chromium.text("#error").await?);
    chromium.was_quiet(&stage).await
}

async fn a_pushed_request_bears_detours(size: Size) -> anyhow::Result<()> {
    let (stage, chromium) = (Stage::open().await?, Chromium::start("pushed", size).await?);
    let rolig = stage.person("Rolig Elv").await?;
    stage.begin(&chromium, "pushed").await?;
    ensure!(chromium.url().await?.contains("request_uri="), "the request was not pushed");
    chromium.check("choose").await?;
    // The address is used once for a login, and can be looked at again before that.
    chromium.driver.refresh().await?;
    has_a_way_on(&stage, &chromium).await?;
    chromium.press("button[value=minid]").await?;
    chromium.driver.back().await?;
    has_a_way_on(&stage, &chromium).await?;
    chromium.driver.refresh().await?;
    has_a_way_on(&stage, &chromium).await?;
    stage.password(&chromium, &rolig).await?;
    chromium.driver.refresh().await?;
    chromium.fill("#code", &stage.code().await?).await?;
    chromium.run(CLICK_TWICE, Vec::new()).await?;
    stage.is_in(&chromium, &rolig).await?;
    for _ in 0..5 {
        chromium.driver.back().await?;
        has_a_way_on(&stage, &chromium).await?;
        chromium.driver.refresh().await?;
        has_a_way_on(&stage, &chromium).await?;
    }

    // Both clicks are sent, and the browser shows the answer to the second.
    chromium.forget_everything().await?;
    stage.begin(&chromium, "pushed").await?;
    stage.password(&chromium, &rolig).await?;
    chromium.fill("#code", &stage.code().await?).await?;
    ensure!(chromium.run_async(SEND_BESIDE).await? == true, "not sent");
    chromium.press("button[value=next]").await?;
    stage.is_in(&chromium, &rolig).await?;
    // In the same session no page is shown.
    stage.begin(&chromium, "pushed").await?;
    let known = stage.is_in(&chromium, &rolig).await?;
    ensure!(known["logins"] == 2, "{known}");
    chromium.was_quiet(&stage).await
}

async fn a_signed_form_without_script(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::without_script("form-post-jwt", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    stage.begin(&chromium, "response_mode=form_post.jwt").await?;
    stage.minid(&chromium, &rolig).await?;
    ensure!(chromium.has("#respond input[name=response]").await? && !chromium.has("input[name=code]").await?, "plain");
    ensure!(chromium.text("#respond button").await?.contains(SERVICE), "the button does not say where it leads");
    chromium.check("form-post-jwt").await?;
    chromium.press("#respond button").await?;
    stage.is_in(&chromium, &rolig).await?;
    // Refused, the service is told in the same way.
    stage.begin(&chromium, "response_mode=form_post.jwt&prompt=consent").await?;
    chromium.press("button[value=cancel]").await?;
    chromium.check("form-post-jwt-refused").await?;
    chromium.was_quiet(&stage).await?;

    // And for axe, which is a script.
    let chromium = Chromium::start("form-post-jwt-axe", size).await?;
    chromium.let_scripts_run(false).await?;
    stage.begin(&chromium, "response_mode=form_post.jwt").await?;
    stage.minid(&chromium, &rolig).await?;
    chromium.see("#respond").await?;
    chromium.let_scripts_run(true).await?;
    for language in ["nb", "nn", "en"] {
        ensure!(chromium.has(&format!(".languages a[hreflang={language}]")).await?, "no {language}");
    }
    chromium.check_all("form-post-jwt").await?;
    chromium.press("#respond button").await?;
    stage.is_in(&chromium, &rolig).await?;
    chromium.was_quiet(&stage).await
}
