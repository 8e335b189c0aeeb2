//! A way to log in that ends on a day: it is announced, it still leads to something better after that, and nobody is
//! left outside.

use std::time::Duration;

use authenticators::factor::FactorKind;
use axum::http::StatusCode;
use conformance::authenticator::{Passkey, asked};
use conformance::browser::Browser;
use conformance::idp::{ISSUER, TestClient, TestIdp, TestPerson};
use idp::minid::{Minid, Retired};

use crate::app::{Telephone, at_the_app, goes_on, number_on, with_app};
use crate::forgotten::{confirm, digits, kinds_of_events, next_message};
use crate::passkey::{add_passkey, at_the_first_page, first_question, give_alone};
use crate::recovery_code::add_list;
use crate::totp::{add_app, code_of};

/// The day on which SMS ends: later than any test begins.
const DAY: &str = "2050-01-01";
/// When it begins in Norway.
const MIDNIGHT: i64 = 2_524_604_400;
const SET_UP: &str = "Velg en ny måte å logge inn på";

/// A Porten where SMS ends on [`DAY`], so long after its beginning (or before it).
async fn at(seconds: i64) -> anyhow::Result<TestIdp> {
    these_end(&[FactorKind::Otc], seconds).await
}

/// The same where these end on that day.
async fn these_end(kinds: &[FactorKind], seconds: i64) -> anyhow::Result<TestIdp> {
    let from = DAY.parse()?;
    let retired = kinds.iter().map(|kind| Retired { kind: *kind, from }).collect();
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
        &[("method", "recovery_code")],
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
    assert!(is_in(&without_phone), "{}", without_phone.page.body);
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

/// A browser at the page for a second factor, after the password.
async fn after_the_password(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    Ok(browser)
}

/// Whether a passkey alone is the whole login.
async fn by_passkey_alone(browser: &mut Browser, own: &mut Passkey) -> anyhow::Result<bool> {
    let signed = own.sign(&first_question(browser)?)?;
    give_alone(browser, &signed).await
}

#[tokio::test]
async fn the_end_of_each_is_announced_to_whoever_uses_it_and_to_nobody_else() -> anyhow::Result<()> {
    use FactorKind::{App, Passkey, RecoveryCode, Totp};
    let all = [App, Passkey, Totp, RecoveryCode];
    let words = ["med MinID-appen.", "med passnøkkel.", "med kodeapp.", "med gjenopprettingskoder."];
    let words = words.map(|what| format!("Fra 01.01.2050 kan du ikke lenger logge inn {what}"));
    for (ends, words) in all.iter().zip(&words) {
        let idp = these_end(&[*ends], -86_400).await?;
        let client = idp.client().await?;
        let (kari, _telephone) = with_app(&idp, &client).await?;
        add_app(&idp, &kari, "Kodeboka").await?;
        add_passkey(&idp, &kari).await?;
        add_list(&idp, &kari).await?;
        for shown in all {
            let mut browser = after_the_password(&idp, &client, &kari).await?;
            browser.answer(&[("do", "method")]).await?.answer(&[("method", shown.name())]).await?;
            assert_eq!(browser.shows(words), shown == *ends, "{shown:?}: {}", browser.page.body);
            browser.answer(&[("do", "cancel")]).await?;
        }
        let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
        profile.get("/profil/innlogging").await?;
        assert!(profile.shows(words), "{ends:?}: {}", profile.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn who_has_a_code_app_alone_when_these_end_sets_up_a_passkey() -> anyhow::Result<()> {
    let idp = these_end(&[FactorKind::Totp, FactorKind::Otc], 3600).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Kodeboka").await?;
    let mut browser = after_the_password(&idp, &client, &kari).await?;
    assert!(browser.shows("Skriv inn koden fra kodeappen"), "{}", browser.page.body);
    browser.answer(&[("do", "next"), ("code", &code_of(&app.typed(), idp.now())?)]).await?;
    assert!(browser.shows(SET_UP) && browser.shows("Kodeapper kan ikke lenger brukes"), "{}", browser.page.body);
    assert!(!has_session(&browser));
    // What is over cannot be set up again.
    browser.answer(&[("method", "totp")]).await?;
    assert!(browser.shows(SET_UP), "{}", browser.page.body);
    browser.answer(&[("method", "passkey")]).await?;
    let (_, answer) = Passkey::make(&asked(&browser.page.body, "data-create")?, ISSUER)?;
    browser.answer(&[("credential", &answer)]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    assert_eq!(amr(&idp, &kari).await?, "Minid-WEBAUTHN");
    Ok(())
}

#[tokio::test]
async fn who_has_the_app_alone_when_it_ends_sets_up_another() -> anyhow::Result<()> {
    let idp = these_end(&[FactorKind::App, FactorKind::Otc], 3600).await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    telephone.say_yes(&idp, &number_on(&browser)?).await?;
    assert!(!goes_on(&mut browser).await?);
    assert!(browser.shows("MinID-appen kan ikke lenger brukes") && !has_session(&browser), "{}", browser.page.body);
    browser.answer(&[("method", "totp")]).await?;
    let code = code_of(&key_on(&browser), idp.now())?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    Ok(())
}

// Whoever comes by a passkey alone has given no password, and is led on all the same.
#[tokio::test]
async fn who_comes_by_a_passkey_alone_when_these_end_is_led_on() -> anyhow::Result<()> {
    let idp = these_end(&[FactorKind::Passkey, FactorKind::Otc], 3600).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    let mut browser = at_the_first_page(&idp, &client).await?;
    assert!(!by_passkey_alone(&mut browser, &mut own).await?);
    assert!(browser.shows("Passnøkler kan ikke lenger brukes") && !has_session(&browser), "{}", browser.page.body);
    browser.answer(&[("method", "totp")]).await?;
    let key = key_on(&browser);
    browser.answer(&[("do", "next"), ("code", &code_of(&key, idp.now())?)]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    assert_eq!(amr(&idp, &kari).await?, "Minid-TOTP");

    // Who has something else by now is asked for that, and sets nothing up.
    idp.advance(Duration::from_secs(60));
    let mut next = at_the_first_page(&idp, &client).await?;
    assert!(!by_passkey_alone(&mut next, &mut own).await?);
    assert!(next.shows("Skriv inn koden fra kodeappen") && !has_session(&next), "{}", next.page.body);
    next.answer(&[("do", "next"), ("code", &code_of(&key, idp.now())?)]).await?;
    assert!(is_in(&next), "{}", next.page.body);
    Ok(())
}

// They see no page on which it could stand, so it is told once they are known, and not each time.
#[tokio::test]
async fn the_end_of_passkeys_is_announced_to_whoever_comes_by_one_alone() -> anyhow::Result<()> {
    let idp = these_end(&[FactorKind::Passkey], -86_400 * 60).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    let mut browser = at_the_first_page(&idp, &client).await?;
    assert!(!by_passkey_alone(&mut browser, &mut own).await?);
    assert!(browser.shows("Fra 01.01.2050 kan du ikke lenger logge inn med passnøkkel"), "{}", browser.page.body);
    browser.answer(&[("do", "skip")]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    for (days, is_told) in [(1, false), (31, true)] {
        idp.advance(Duration::from_hours(days * 24));
        let mut next = at_the_first_page(&idp, &client).await?;
        let is_through = by_passkey_alone(&mut next, &mut own).await?;
        assert_eq!(is_through, !is_told, "after {days} days: {}", next.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn who_has_nothing_else_sets_up_the_minid_app_and_is_in() -> anyhow::Result<()> {
    let idp = at(3600).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = logged_in(&idp, &client, &kari).await?;
    browser.answer(&[("method", "app")]).await?.answer(&[("do", "invite")]).await?;
    let code = browser.between("/app#", "\"")?;
    let (mut telephone, number) = Telephone::come(&idp, &code, "Telefonen").await?;
    for (typed, words) in [("", "Skriv inn tallet"), (crate::app::other(&number).as_str(), "Det er ikke tallet")] {
        browser.answer(&[("do", "next"), ("code", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}: {}", browser.page.body);
        assert!(
            browser.shows("Telefonen (Android) ber om å bli MinID-appen din") && !has_session(&browser),
            "{}",
            browser.page.body
        );
    }
    browser.answer(&[("do", "next"), ("code", &number)]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    assert_eq!(amr(&idp, &kari).await?, "Minid-APP");
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["login", "factor-added"]);
    for to in [&kari.phone, &kari.email] {
        next_message(&idp, to, "En ny innloggingsmetode er lagt til: MinID-appen", 0).await?;
    }
    let mut next = at_the_app(&idp, &client, &kari).await?;
    telephone.say_yes(&idp, &number_on(&next)?).await?;
    assert!(goes_on(&mut next).await?, "{}", next.page.body);
    Ok(())
}

// Attack, and a dead end: another password is chosen on the way, and what was proved by the old one still leads on.
#[tokio::test]
async fn who_has_to_choose_a_password_as_well_gets_through_both() -> anyhow::Result<()> {
    let idp = at(3600).await?;
    let client = idp.client().await?;
    let (kari, telephone) = with_app(&idp, &client).await?;
    at_the_app(&idp, &client, &kari).await?;
    telephone.say_no(&idp, true).await?;
    let mut browser = logged_in(&idp, &client, &kari).await?;
    assert!(browser.shows("Velg nytt passord"), "{}", browser.page.body);
    let new = "reven rusler hjem 13";
    browser.answer(&[("do", "next"), ("password", new), ("repeat", new)]).await?;
    assert!(browser.shows(SET_UP) && !has_session(&browser), "{}", browser.page.body);
    idp.advance(Duration::from_secs(5));
    browser.answer(&[("method", "totp")]).await?;
    let code = code_of(&key_on(&browser), idp.now())?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    Ok(())
}
