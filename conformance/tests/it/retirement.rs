//! A way to log in that ends on a day: it is announced, it still leads to something better after that, and nobody is
//! left outside.

use std::time::Duration;

use authenticators::factor::FactorKind;
use axum::http::StatusCode;
use conformance::authenticator::{Passkey, asked};
use conformance::browser::Browser;
use conformance::idp::{ISSUER, TestClient, TestIdp, TestPerson};
use idp::minid::{Minid, Retired};

use crate::forgotten::{confirm, digits, kinds_of_events, next_message};
use crate::recovery_code::add_list;
use crate::totp::{add_app, code_of};

/// The day on which SMS ends: later than any test begins.
const DAY: &str = "2050-01-01";
/// When it begins in Norway.
const MIDNIGHT: i64 = 2_524_604_400;
const SET_UP: &str = "Velg en ny måte å logge inn på";

/// A Porten where SMS ends on [`DAY`], so long after its beginning (or before it).
async fn at(seconds: i64) -> anyhow::Result<TestIdp> {
    let retired = vec![Retired { kind: FactorKind::Otc, from: DAY.parse()? }];
    let idp = TestIdp::with(|setup| setup.minid = Minid { retired, ..Minid::default() }).await?;
    let wait = MIDNIGHT + seconds - idp.now().seconds();
    idp.advance(Duration::from_secs(u64::try_from(wait)?));
    Ok(idp)
}

async fn logged_in(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.log_in(idp, person).await?;
    Ok(browser)
}

fn is_in(browser: &Browser) -> bool {
    browser.sent_back("code").is_ok()
}

fn has_session(browser: &Browser) -> bool {
    browser.cookies.contains_key("__Host-porten-session")
}

/// By what the last login was.
async fn amr(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<String> {
    let (world, row) = (&idp.app.world, idp.row_of(person).await?);
    world.trail.settle().await?;
    let entries = world.trail.of(world.db.pool(), &row.id, i64::MAX, 10).await?;
    let login = entries.into_iter().find(|entry| entry.kind == "login");
    Ok(login.and_then(|login| login.details["amr"].as_str().map(str::to_owned)).unwrap_or_default())
}

/// The key that the page shows for whoever types it.
fn key_on(browser: &Browser) -> String {
    let rest = browser.page.body.split("<code class=\"letters\">").nth(1).unwrap_or_default();
    rest.split("</code>").next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn its_end_is_announced_for_half_a_year_and_not_earlier() -> anyhow::Result<()> {
    for (days, is_announced) in [(181, false), (179, true), (1, true)] {
        let idp = at(-days * 86_400).await?;
        let (client, kari) = (idp.client().await?, idp.person().await?);
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
        assert_eq!(browser.shows("Fra 01.01.2050 kan du ikke lenger"), is_announced, "{days}: {}", browser.page.body);
        let code = idp.last_code(&kari)?;
        browser.answer(&[("do", "next"), ("code", &code)]).await?;
        assert!(is_in(&browser), "it still does: {}", browser.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn it_ends_at_midnight_in_norway() -> anyhow::Result<()> {
    let idp = at(-1).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    assert!(is_in(&logged_in(&idp, &client, &kari).await?));
    idp.advance(Duration::from_secs(1));
    let browser = logged_in(&idp, &client, &kari).await?;
    assert!(browser.shows(SET_UP) && !has_session(&browser), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn who_has_nothing_else_sets_up_an_app_and_is_in() -> anyhow::Result<()> {
    let idp = at(3600).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = logged_in(&idp, &client, &kari).await?;
    assert!(browser.shows(SET_UP) && !has_session(&browser), "{}", browser.page.body);
    browser.answer(&[("method", "totp")]).await?;
    let key = key_on(&browser);
    assert_eq!(key.replace(' ', "").len(), 32, "{}", browser.page.body);
    // Back and forth, and the key is another one.
    browser.answer(&[("do", "back")]).await?;
    assert!(browser.shows(SET_UP), "{}", browser.page.body);
    browser.answer(&[("method", "totp")]).await?;
    let (old, key) = (key, key_on(&browser));
    assert_ne!(old, key);
    for code in ["", "123", "12345a"] {
        browser.answer(&[("do", "next"), ("code", code)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{code:?}");
    }
    browser.answer(&[("do", "next"), ("code", &code_of(&old, idp.now())?)]).await?;
    assert!(browser.shows("Koden stemmer ikke.") && !has_session(&browser), "{}", browser.page.body);
    assert_eq!(key_on(&browser), key, "nothing is lost");
    let code = code_of(&key, idp.now())?;
    browser.answer(&[("do", "next"), ("code", &code), ("name", "<i>Telefonen</i>")]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    assert_eq!(amr(&idp, &kari).await?, "Minid-TOTP");
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["login", "factor-added"]);
    for to in [&kari.phone, &kari.email] {
        next_message(&idp, to, "En ny innloggingsmetode er lagt til: Kodeapp", 0).await?;
    }

    // From now on it is the app, and its first code is used up.
    let sent = idp.sms_count(&kari);
    let mut next = idp.browser();
    next.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert!(next.shows("Skriv inn koden fra kodeappen") && next.shows("<i>Telefonen</i>"), "{}", next.page.body);
    next.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(next.shows("Feil kode"), "{}", next.page.body);
    // SMS is not offered any more, and cannot be had by asking.
    next.answer(&[("do", "method")]).await?;
    assert!(!next.shows("Kode på SMS"), "{}", next.page.body);
    next.answer(&[("method", "otc")]).await?;
    assert_eq!(idp.sms_count(&kari), sent);
    idp.advance(Duration::from_secs(30));
    next.answer(&[("method", "totp")]).await?;
    next.answer(&[("do", "next"), ("code", &code_of(&key, idp.now())?)]).await?;
    assert!(is_in(&next), "{}", next.page.body);
    Ok(())
}

#[tokio::test]
async fn who_has_nothing_else_makes_a_passkey_and_is_in() -> anyhow::Result<()> {
    let idp = at(3600).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = logged_in(&idp, &client, &kari).await?;
    browser.answer(&[("method", "passkey")]).await?;
    assert!(browser.shows("Lag en passnøkkel"), "{}", browser.page.body);
    // What was made elsewhere leads back to the choice.
    let (_, elsewhere) = Passkey::make(&asked(&browser.page.body, "data-create")?, "https://evil-op.example")?;
    browser.answer(&[("credential", &elsewhere)]).await?;
    assert!(browser.shows(SET_UP) && !has_session(&browser), "{}", browser.page.body);
    browser.answer(&[("method", "passkey")]).await?;
    let (mut own, answer) = Passkey::make(&asked(&browser.page.body, "data-create")?, ISSUER)?;
    browser.answer(&[("credential", &answer), ("name", "Telefonen")]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    assert_eq!(amr(&idp, &kari).await?, "Minid-WEBAUTHN");
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["login", "factor-added"]);

    let mut next = idp.browser();
    next.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert!(next.shows("Bekreft med passnøkkelen"), "{}", next.page.body);
    let answer = own.sign(&asked(&next.page.body, "data-get")?)?;
    next.answer(&[("credential", &answer)]).await?;
    assert!(is_in(&next), "{}", next.page.body);
    Ok(())
}

// Attack: step skip. An SMS alone is no login any more.
#[tokio::test]
async fn nothing_leads_past_the_choice() -> anyhow::Result<()> {
    let idp = at(3600).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let browser = logged_in(&idp, &client, &kari).await?;
    let place = browser.action()?;
    for form in [
        &[("do", "next")][..],
        &[],
        &[("do", "skip")],
        &[("do", "confirm")],
        &[("do", "method")],
        &[("do", "next"), ("code", "123456")],
        &[("do", "next"), ("password", "reven rusler hjem 13"), ("repeat", "reven rusler hjem 13")],
        &[("method", "otc")],
        &[("method", "app")],
        &[("credential", "{}")],
    ] {
        let mut probe = browser.clone();
        probe.get(&place).await?.answer(form).await?;
        assert!(probe.shows(SET_UP) && !has_session(&probe), "{form:?} led to {} {}", probe.at, probe.page.body);
    }
    let mut probe = browser.clone();
    probe.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(probe.sent_back("error")?, "login_required");
    // Whoever will not is led back to the service.
    let mut back = browser;
    back.answer(&[("do", "cancel")]).await?;
    assert_eq!(back.sent_back("error")?, "access_denied");
    Ok(())
}

#[tokio::test]
async fn who_has_something_better_notices_nothing() -> anyhow::Result<()> {
    let idp = at(3600).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    browser.answer(&[("do", "next"), ("code", &code_of(&app.typed(), idp.now())?)]).await?;
    assert!(is_in(&browser) && idp.sms_count(&kari) == 0, "{}", browser.page.body);
    Ok(())
}

// A list is for an emergency: whoever has it and a telephone is still led on to something better.
#[tokio::test]
async fn a_list_of_recovery_codes_is_no_way_for_every_day() -> anyhow::Result<()> {
    let idp = at(3600).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let codes = add_list(&idp, &kari).await?;
    let browser = logged_in(&idp, &client, &kari).await?;
    assert!(browser.shows(SET_UP), "{}", browser.page.body);
    // And whoever has lost the telephone as well gets in with it.
    let mut without_phone = idp.browser();
    without_phone.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    without_phone.answer(&[("do", "method")]).await?.answer(&[("method", "recovery_code")]).await?;
    without_phone.answer(&[("do", "next"), ("code", &codes[0])]).await?;
    assert!(is_in(&without_phone) || without_phone.shows(SET_UP), "{}", without_phone.page.body);
    Ok(())
}

#[tokio::test]
async fn a_forgotten_password_leads_on_to_the_choice() -> anyhow::Result<()> {
    let idp = at(3600).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.answer(&[("eid", "minid")]).await?;
    browser.answer(&[("do", "forgot")]).await?.answer(&[("do", "next"), ("fnr", &kari.fnr)]).await?;
    for to in [&kari.phone, &kari.email] {
        let code = digits(&next_message(&idp, to, "Koden for nytt passord", 0).await?);
        browser.answer(&[("do", "next"), ("code", &code)]).await?;
    }
    let new = "reven rusler hjem 13";
    browser.answer(&[("do", "next"), ("password", new), ("repeat", new)]).await?;
    let code = next_message(&idp, &kari.phone, "Engangskoden din", 0).await?;
    browser.answer(&[("do", "next"), ("code", code.rsplit('#').next().unwrap_or_default())]).await?;
    assert!(browser.shows(SET_UP) && !has_session(&browser), "{}", browser.page.body);
    browser.answer(&[("method", "totp")]).await?;
    let code = code_of(&key_on(&browser), idp.now())?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    confirm(&mut browser).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    Ok(())
}
