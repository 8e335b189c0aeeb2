//! A login with the keyboard alone.

use anyhow::{bail, ensure};
use serde_json::json;

use crate::chromium::{Chromium, Size};
use crate::stage::Stage;

on_both!(login_with_the_keyboard_alone);

/// Where the focus is, and whether one can see it there.
const FOCUS: &str = "
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const outline = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    // The skip link is there at all only while it has the focus.
    const ring = outline || style.boxShadow !== 'none' || one.matches('.ds-skip-link');
    const inside = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
        && box.right > 0 && box.left < innerWidth;
    return {
        there: one.matches(arguments[0]),
        seen: one.matches(':focus-visible') && inside && ring,
        name: one.outerHTML.slice(0, 120),
    };";

async fn login_with_the_keyboard_alone(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("keyboard", size).await?;
    let rolig = stage.person("Rolig Elv").await?;
    stage.begin(&chromium, "").await?;

    // The first stop leads past the language menu.
    tab_to(&chromium, ".ds-skip-link").await?;
    chromium.shot("skip-link", size.name()).await?;
    key(&chromium, ENTER).await?;
    tab_to(&chromium, "button[value=minid]").await?;
    chromium.shot("choose", size.name()).await?;
    enter(&chromium).await?;

    tab_to(&chromium, "#fnr").await?;
    write(&chromium, &rolig.fnr).await?;
    tab_to(&chromium, "#password").await?;
    write(&chromium, "wrong").await?;
    enter(&chromium).await?;
    // After a mistake the identifier has stayed and the focus is where something is to be done.
    chromium.see("#problem").await?;
    focus_is(&chromium, "#password").await?;
    write(&chromium, &rolig.password).await?;
    tab_to(&chromium, "#show-password").await?;
    chromium.shot("show-password", size.name()).await?;
    tab_to(&chromium, "button[value=next]").await?;
    enter(&chromium).await?;

    // Nothing to do but to type.
    chromium.see("#code").await?;
    focus_is(&chromium, "#code").await?;
    chromium.shot("code", size.name()).await?;
    write(&chromium, &stage.wrong_code().await?).await?;
    enter(&chromium).await?;
    chromium.see("#code-problem").await?;
    focus_is(&chromium, "#code").await?;
    write(&chromium, &stage.code().await?).await?;
    enter(&chromium).await?;
    stage.is_in(&chromium, &rolig).await?;
    chromium.was_quiet(&stage).await
}

/// Name, number and text of a key.
const TAB: (&str, u32, &str) = ("Tab", 9, "");
const ENTER: (&str, u32, &str) = ("Enter", 13, "\r");

/// One key, once: chromedriver's own way presses it again when the page changes under it.
async fn key(chromium: &Chromium, (name, number, text): (&str, u32, &str)) -> anyhow::Result<()> {
    for kind in ["keyDown", "keyUp"] {
        let mut event = json!({ "type": kind, "key": name, "code": name, "windowsVirtualKeyCode": number });
        if kind == "keyDown" {
            event["text"] = json!(text);
        }
        chromium.driver.cdp().send_raw("Input.dispatchKeyEvent", event).await?;
    }
    Ok(())
}

/// Types into the field that has the focus.
async fn write(chromium: &Chromium, text: &str) -> anyhow::Result<()> {
    chromium.driver.action_chain().send_keys(text).perform().await?;
    let written = chromium.run("return document.activeElement.value", Vec::new()).await?;
    ensure!(written == text, "{text:?} was typed, and the field has {written}");
    Ok(())
}

/// Enter, which leads to another page.
async fn enter(chromium: &Chromium) -> anyhow::Result<()> {
    let old = chromium.see("body").await?;
    key(chromium, ENTER).await?;
    chromium.gone(&old).await
}

async fn focus_is(chromium: &Chromium, css: &str) -> anyhow::Result<()> {
    let focus = chromium.run(FOCUS, vec![json!(css)]).await?;
    ensure!(focus["there"] == true, "the focus is not on {css} but on {}", focus["name"]);
    ensure!(focus["seen"] == true, "the focus on {css} cannot be seen");
    Ok(())
}

/// Goes from stop to stop; each can be seen.
async fn tab_to(chromium: &Chromium, css: &str) -> anyhow::Result<()> {
    let mut stops = Vec::new();
    for _ in 0..10 {
        key(chromium, TAB).await?;
        let focus = chromium.run(FOCUS, vec![json!(css)]).await?;
        ensure!(focus["seen"] == true, "the focus cannot be seen on {}", focus["name"]);
        if focus["there"] == true {
            return Ok(());
        }
        stops.push(focus["name"].to_string());
    }
    bail!("{css} is not among the first stops:\n  {}", stops.join("\n  "))
}
