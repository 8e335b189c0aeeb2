//! Another eID, played by a second Porten on another host: there and back, and turning back there.

use anyhow::ensure;

use crate::chromium::{Chromium, Size};
use crate::stage::Stage;

on_both!(there_and_back);

async fn there_and_back(size: Size) -> anyhow::Result<()> {
    let (stage, chromium) = (Stage::open().await?, Chromium::start("other-eid", size).await?);
    let rolig = stage.person("Rolig Elv").await?;
    stage.begin(&chromium, "").await?;
    chromium.press("button[value=bankid]").await?;
    let there = chromium.url().await?;
    ensure!(!there.starts_with(&stage.porten) && !there.starts_with(&stage.service), "still here: {there}");
    // Whoever turns back there is back at the picker, which says so, and the way to the service stays open.
    chromium.press("button[value=cancel]").await?;
    chromium.see("#problem").await?;
    ensure!(chromium.url().await?.starts_with(&stage.porten), "{}", chromium.url().await?);
    chromium.check("turned-back").await?;
    chromium.press("button[value=bankid]").await?;
    chromium.fill("#fnr", &rolig.fnr).await?;
    chromium.press("button[value=next]").await?;
    let known = stage.is_in(&chromium, &rolig).await?;
    ensure!(known["claims"]["amr"][0] == "BankID" && known["claims"]["acr"] == "idporten-loa-high", "{known}");
    // Level high is reached, and asked for by nobody again.
    chromium.open(&format!("{}/demo/journal/login", stage.porten)).await?;
    chromium.arrives(&format!("{}/demo/journal", stage.porten)).await?;
    let there = url::Url::parse(&there)?.origin().ascii_serialization();
    chromium.was_quiet_beside(&stage, &[&there]).await
}
