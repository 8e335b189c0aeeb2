//! How the citizen is reached: asked every ninety days on the way to a service, and in nobody's way.

use std::time::Duration;

use authenticators::contact::{self, Channel, Contact, Email};
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson, unregistered};
use futures_util::future::join_all;

use crate::forgotten::{arrived, digits, kinds_of_events, next_message};

const DAY: Duration = Duration::from_hours(24);
const PAGE: &str = "Dine kontaktopplysninger";

/// A browser where the password and the code have led.
async fn logged_in(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.log_in(idp, person).await?;
    Ok(browser)
}

fn is_in(browser: &Browser) -> bool {
    browser.sent_back("code").is_ok()
}

async fn contact_of(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Contact> {
    Ok(Contact::of(idp.app.world.db.pool(), &idp.row_of(person).await?.id).await?)
}

fn email_in(contact: &Contact) -> Option<&str> {
    contact.email.as_ref().map(Email::as_str)
}

async fn without_email(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<()> {
    let (db, row) = (&idp.app.world.db, idp.row_of(person).await?);
    let mut tx = db.begin().await?;
    contact::remove_email(&mut tx, &row.id, idp.now()).await?;
    Ok(tx.commit().await?)
}

#[tokio::test]
async fn asked_after_ninety_days_and_then_not_for_as_long() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    idp.advance(DAY * 89);
    assert!(is_in(&logged_in(&idp, &client, &kari).await?), "not yet");
    idp.advance(DAY);
    let mut browser = logged_in(&idp, &client, &kari).await?;
    assert!(browser.shows(PAGE) && browser.shows(&kari.email), "{}", browser.page.body);
    assert_eq!(browser.page.status, StatusCode::OK);
    // Reloading and coming back is no harm.
    let place = browser.action()?;
    browser.get(&place).await?;
    assert!(browser.shows(PAGE), "{}", browser.page.body);
    browser.answer(&[("do", "confirm")]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["login", "contact-confirmed", "login"]);
    assert_eq!(contact_of(&idp, &kari).await?.email_confirmed_at, Some(idp.now()));
    for (days, asks) in [(1, false), (88, false), (1, true)] {
        idp.advance(DAY * days);
        assert_eq!(!is_in(&logged_in(&idp, &client, &kari).await?), asks, "{days} days more");
    }
    Ok(())
}

// Whoever looks into it keeps the login: the links open beside it.
#[tokio::test]
async fn a_digital_postbox_is_offered_beside_the_question() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, reserved) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let mut profile = idp.by_test_id(&client, &reserved, "substantial").await?;
    profile.get("/profil/kontakt").await?.answer(&[("do", "reserve")]).await?;
    idp.advance(DAY * 90);
    let browser = logged_in(&idp, &client, &kari).await?;
    assert!(browser.shows(PAGE) && browser.shows("Velg digital postkasse"), "{}", browser.page.body);
    for site in ["https://www.digipost.no/", "https://www.e-boks.com/norge/nb/"] {
        let link = format!("href=\"{site}\" target=\"_blank\" rel=\"noopener noreferrer\"");
        assert!(browser.page.body.contains(&link), "{site}: {}", browser.page.body);
    }
    let browser = logged_in(&idp, &client, &reserved).await?;
    assert!(browser.shows(PAGE) && !browser.shows("Velg digital postkasse"), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn passed_over_it_comes_again_in_a_week() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    idp.advance(DAY * 90);
    let before = contact_of(&idp, &kari).await?;
    let mut browser = logged_in(&idp, &client, &kari).await?;
    browser.answer(&[("do", "skip")]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    let after = contact_of(&idp, &kari).await?;
    assert_eq!(
        (after.email_confirmed_at, after.mobile_confirmed_at),
        (before.email_confirmed_at, before.mobile_confirmed_at)
    );
    assert_eq!(after.feed_number, before.feed_number, "nobody is told of a change that is none");
    assert!(is_in(&logged_in(&idp, &client, &kari).await?), "once is enough");
    idp.advance(DAY * 6);
    assert!(is_in(&logged_in(&idp, &client, &kari).await?), "and for a week");
    idp.advance(DAY);
    assert!(logged_in(&idp, &client, &kari).await?.shows(PAGE));
    Ok(())
}

#[tokio::test]
async fn a_missing_address_is_proved_by_a_code() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    without_email(&idp, &kari).await?;
    idp.advance(DAY * 90);
    let new = format!("ny.{}", kari.email);
    let mut browser = logged_in(&idp, &client, &kari).await?;
    assert!(browser.shows("E-postadressen din"), "{}", browser.page.body);
    for wrong in ["", "kari", "kari@", "kari@example.no\r\nBcc: x@evil.test", "<b>kari</b>@example.no"] {
        browser.answer(&[("do", "next"), ("email", wrong)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
        assert!(browser.shows("Dette er ikke en e-postadresse"), "{wrong:?}: {}", browser.page.body);
        assert!(browser.shows(wrong) && !browser.page.body.contains("<b>kari"), "nothing typed is lost: {wrong:?}");
    }
    browser.answer(&[("do", "next"), ("email", &new)]).await?;
    assert!(browser.shows("Skriv inn koden") && browser.shows(&new), "{}", browser.page.body);
    assert_eq!(email_in(&contact_of(&idp, &kari).await?), None, "it is nobody's before it is proved");
    let code = digits(&next_message(&idp, &new, "Koden som bekrefter", 0).await?);
    assert_eq!(code.len(), 6);
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    let contact = contact_of(&idp, &kari).await?;
    assert_eq!((email_in(&contact), contact.email_proved_at), (Some(new.as_str()), Some(idp.now())));
    next_message(&idp, &kari.phone, "E-postadressen din er endret", 0).await?;
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["login", "email-changed"]);
    Ok(())
}

#[tokio::test]
async fn a_change_is_told_where_the_citizen_was_reached_before() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    idp.advance(DAY * 90);
    let new = format!("ny.{}", kari.email);
    let mut browser = logged_in(&idp, &client, &kari).await?;
    browser.answer(&[("do", "email")]).await?;
    assert!(browser.shows("E-postadressen din"), "{}", browser.page.body);
    browser.answer(&[("do", "next"), ("email", &new)]).await?;
    let code = digits(&next_message(&idp, &new, "Koden som bekrefter", 0).await?);
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    for to in [&kari.phone, &kari.email] {
        let told = next_message(&idp, to, "E-postadressen din er endret", 0).await?;
        assert!(told.contains("800 30 300") && !told.contains("http") && !told.contains(&new), "{told}");
    }
    assert_eq!(arrived(&idp, &new, "er endret"), 0);

    // The same with the mobile number, at the next login that asks.
    idp.advance(DAY * 90);
    let phone = idp.person().await?.phone;
    let mut browser = logged_in(&idp, &client, &kari).await?;
    browser.answer(&[("do", "mobile")]).await?;
    for wrong in ["", "12345678", "22334455", "abc"] {
        browser.answer(&[("do", "next"), ("mobile", wrong)]).await?;
        assert!(browser.shows("Dette er ikke et mobilnummer"), "{wrong:?}: {}", browser.page.body);
    }
    browser.answer(&[("do", "next"), ("mobile", &phone)]).await?;
    let code = digits(&next_message(&idp, &phone, "Koden som bekrefter", 0).await?);
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(is_in(&browser), "{}", browser.page.body);
    assert_eq!(contact_of(&idp, &kari).await?.mobile.map(Channel::Mobile).as_ref().map(Channel::as_str), Some(&*phone));
    for to in [&kari.phone, &new] {
        next_message(&idp, to, "Mobilnummeret ditt er endret", 0).await?;
    }
    assert_eq!(arrived(&idp, &phone, "er endret"), 0);
    Ok(())
}

// Attack: an address that is somebody else's, and its code is guessed.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_for_an_address_has_three_tries() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    idp.advance(DAY * 90);
    let mut browser = logged_in(&idp, &client, &kari).await?;
    browser.answer(&[("do", "email")]).await?.answer(&[("do", "next"), ("email", &ola.email)]).await?;
    let code = digits(&next_message(&idp, &ola.email, "Koden som bekrefter", 0).await?);
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    let guesses: Vec<String> =
        (0..1_000_000).map(|n| format!("{n:06}")).filter(|guess| *guess != code).step_by(20_011).collect();
    // A burst, and as many one after the other as it takes for the tries to be over.
    let mut browsers: Vec<Browser> = guesses.iter().map(|_| browser.clone()).collect();
    let done = join_all(browsers.iter_mut().zip(&guesses).map(|(browser, guess)| {
        let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", guess)];
        let action = action.as_str();
        async move { browser.post(action, &form).await.map(|_| ()) }
    }));
    done.await.into_iter().collect::<anyhow::Result<()>>()?;
    // Two are told to try again; the third, and whoever comes after it, that the tries are over.
    let told = |words| browsers.iter().filter(|browser| browser.shows(words)).count();
    let (again, over) = (told("Feil kode"), told("feil tre ganger"));
    assert!(again <= 2 && again + over >= 1, "{again} {over}");
    for guess in guesses.iter().take(3) {
        browser.post(&action, &[("csrf", &csrf), ("do", "next"), ("code", guess)]).await?;
    }
    browser.post(&action, &[("csrf", &csrf), ("do", "next"), ("code", &code)]).await?;
    assert!(!is_in(&browser) && browser.page.body.contains("one-time-code"), "{}", browser.page.body);
    assert_eq!(email_in(&contact_of(&idp, &kari).await?), Some(kari.email.as_str()));
    // A new code is asked for, not before half a minute has gone; and she can still get in without.
    let mut honest = browser.clone();
    honest.post(&action, &[("csrf", &csrf), ("do", "resend")]).await?;
    assert!(honest.shows("Vent et halvt minutt"), "{}", honest.page.body);
    honest.answer(&[("do", "skip")]).await?;
    assert!(is_in(&honest), "{}", honest.page.body);
    assert_eq!(arrived(&idp, &ola.email, "Koden som bekrefter"), 1);
    Ok(())
}

// Attack: whoever asks for codes to another's address annoys them a few times and no more.
#[tokio::test]
async fn an_address_has_its_share_of_codes() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    idp.advance(DAY * 90);
    let mut browser = logged_in(&idp, &client, &kari).await?;
    browser.answer(&[("do", "email")]).await?.answer(&[("do", "next"), ("email", &ola.email)]).await?;
    for _ in 0..12 {
        idp.advance(Duration::from_secs(31));
        browser.answer(&[("do", "resend")]).await?;
    }
    // The hour may have turned in between, and begun a new share.
    let arrived = arrived(&idp, &ola.email, "Koden som bekrefter");
    assert!((5..=10).contains(&arrived), "{arrived}");
    assert!(browser.page.body.contains("id=\"problem\"") || arrived > 5, "{}", browser.page.body);
    Ok(())
}

// Attack: somebody comes back to a page that was left open.
#[tokio::test]
async fn the_page_belongs_to_its_session_and_to_a_fresh_proof() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    idp.advance(DAY * 90);
    let mut browser = logged_in(&idp, &client, &kari).await?;
    let mut without_session = browser.clone();
    without_session.cookies.remove("__Host-porten-session");
    without_session.answer(&[("do", "confirm")]).await?;
    assert!(without_session.shows("Velg innloggingsmetode"), "{}", without_session.page.body);
    assert_ne!(contact_of(&idp, &kari).await?.email_confirmed_at, Some(idp.now()));

    browser = logged_in(&idp, &client, &kari).await?;
    assert!(browser.shows(PAGE), "{}", browser.page.body);
    idp.advance(Duration::from_mins(10));
    browser.answer(&[("do", "email")]).await?;
    assert!(browser.shows("E-postadressen din"), "{}", browser.page.body);
    idp.advance(Duration::from_mins(6));
    let mut late = browser.clone();
    late.answer(&[("do", "next"), ("email", "en.annen@example.no")]).await?;
    assert!(late.shows("Velg innloggingsmetode"), "a quarter of an hour after the proof: {}", late.page.body);
    assert!(idp.messages_to("en.annen@example.no").is_empty());
    Ok(())
}

#[tokio::test]
async fn nobody_is_asked_on_the_way_to_their_own_pages_or_as_a_test_person() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    idp.advance(DAY * 120);
    let mut browser = idp.browser();
    browser.get("/profil").await?.log_in(&idp, &kari).await?;
    assert_eq!((browser.at.as_str(), browser.page.status), ("/profil", StatusCode::OK), "{}", browser.page.body);
    assert!(browser.shows("Profilen din") && browser.shows(&kari.fnr));
    let mut tester = idp.browser();
    tester.get(&idp.authorize(&client, &[])).await?.answer(&[("eid", "testid")]).await?;
    let fnr = unregistered()?.fnr;
    tester.answer(&[("do", "next"), ("fnr", &fnr), ("acr", "idporten-loa-substantial")]).await?;
    assert!(is_in(&tester), "{}", tester.page.body);
    Ok(())
}

#[tokio::test]
async fn the_page_comes_before_agreement_and_skips_none() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    idp.advance(DAY * 90);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("prompt", "consent")])).await?.log_in(&idp, &kari).await?;
    assert!(browser.shows(PAGE), "{}", browser.page.body);
    browser.answer(&[("do", "next")]).await?;
    assert!(!is_in(&browser), "{}", browser.page.body);
    browser.answer(&[("do", "skip")]).await?;
    assert!(browser.shows("Godkjenner du dette?"), "{}", browser.page.body);
    browser.answer(&[("do", "cancel")]).await?;
    assert_eq!(browser.sent_back("error")?, "access_denied");
    Ok(())
}
