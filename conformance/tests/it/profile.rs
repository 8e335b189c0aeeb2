//! The citizen's own pages: who gets there, what they change there, and those who would change it for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use authenticators::contact::{Contact, Email, Phone};
use authenticators::trail::{Actor, Event};
use authenticators::{account, device, passkey, recovery_code, totp};
use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::routing::post;
use conformance::authenticator::{Passkey, asked};
use conformance::browser::Browser;
use conformance::idp::{ISSUER, TestClient, TestIdp, TestPerson, unregistered};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::{Telephone, add_telephone, at_the_app, call, goes_on, number_on};
use crate::forgotten::HINTS;
use crate::recovery_code::add_list;
use crate::scopes::register;
use crate::totp::{add_app, code_of};

/// One that nobody guesses soon.
pub(crate) const NEW_PASSWORD: &str = "fire kyr spiste 9 gule tog";

const MOBILE: &str = "/profil/kontakt/mobil";
const EMAIL: &str = "/profil/kontakt/epost";
const FACTORS: &str = "/profil/innlogging";
const PASSWORD: &str = "/profil/innlogging/passord";
const TOTP: &str = "/profil/innlogging/kodeapp";
const PASSKEY: &str = "/profil/innlogging/passnokkel";
const RECOVERY: &str = "/profil/innlogging/gjenoppretting";
const APP: &str = "/profil/innlogging/app";
const PLACES: &str = "/profil/innlogget";
const BLOCK: &str = "/profil/sperr";
/// Where MinID is closed.
pub(crate) const CLOSE: &str = "/profil/avslutt";

/// All pages, and what stands there.
const PAGES: [(&str, &str); 17] = [
    ("/profil", "Profilen din"),
    ("/profil/kontakt", "Dine kontaktopplysninger"),
    (MOBILE, "Mobilnummeret ditt"),
    (EMAIL, "E-postadressen din"),
    (FACTORS, "Innloggingsmetodene dine"),
    (PASSWORD, "Velg nytt passord"),
    (TOTP, "Sett opp en kodeapp"),
    (PASSKEY, "Lag en passnøkkel"),
    (RECOVERY, "Gjenopprettingskoder"),
    (APP, "Legg til MinID-appen"),
    (PLACES, "Her er du logget inn"),
    ("/profil/hendelser", "Dette har skjedd"),
    ("/profil/samtykker", "Samtykkene dine"),
    ("/profil/brev", "Det er ikke noe aktiveringsbrev på vei"),
    (BLOCK, "Vil du sperre MinID?"),
    (CLOSE, "Vil du avslutte MinID?"),
    ("/profil/data", "\"login_methods\""),
];
/// Those that open a door, or shut them all.
const DOORS: [&str; 8] = [MOBILE, EMAIL, PASSWORD, TOTP, PASSKEY, RECOVERY, APP, CLOSE];

/// The same form from so many tabs at the same instant; each tab stays at its answer.
pub(crate) async fn at_once(
    browser: &Browser,
    path: &str,
    form: &[(&str, &str)],
    count: usize,
) -> anyhow::Result<Vec<Browser>> {
    let mut tabs: Vec<Browser> = (0..count).map(|_| browser.clone()).collect();
    let done = join_all(tabs.iter_mut().map(|tab| tab.post_only(path, form))).await;
    for one in done {
        one?;
    }
    Ok(tabs)
}

/// Whether nobody is logged in in this browser any more, as far as a service can see.
pub(crate) async fn is_out(idp: &TestIdp, browser: &mut Browser, client: &TestClient) -> anyhow::Result<bool> {
    browser.get(&idp.authorize(client, &[("prompt", "none")])).await?;
    Ok(browser.sent_back("error").is_ok_and(|error| error == "login_required"))
}

/// A service that gets refresh tokens.
pub(crate) async fn refreshing(idp: &TestIdp) -> anyhow::Result<TestClient> {
    idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await
}

/// The refresh token of the login that this browser has just come from.
pub(crate) async fn refresh_token(idp: &TestIdp, client: &TestClient, browser: &Browser) -> anyhow::Result<String> {
    let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
    tokens["refresh_token"].as_str().map(str::to_owned).with_context(|| format!("no refresh token: {tokens}"))
}

/// What has happened to a person, the newest first.
pub(crate) async fn kinds(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Vec<String>> {
    Ok(idp.trail_of(person).await?.into_iter().map(|entry| entry.kind).collect())
}

pub(crate) async fn contact(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Contact> {
    let row = idp.row_of(person).await?;
    Ok(Contact::of(idp.app.world.db.pool(), &row.id).await?)
}

/// From the picker, by TestID.
async fn log_in(browser: &mut Browser, person: &TestPerson, level: &str) -> anyhow::Result<()> {
    ensure!(browser.shows("Velg innloggingsmetode"), "{} {}", browser.at, browser.page.body);
    let acr = format!("idporten-loa-{level}");
    browser.answer(&[("eid", "testid")]).await?;
    browser.answer(&[("do", "next"), ("fnr", &person.fnr), ("acr", &acr)]).await?;
    Ok(())
}

/// The code in the newest message to somebody.
fn code_sent(idp: &TestIdp, to: &str) -> anyhow::Result<String> {
    let text = idp.messages_to(to).into_iter().next().context("no message")?.text;
    let code = text.split(|c: char| !c.is_ascii_digit()).find(|part| part.len() >= 5);
    code.map(str::to_owned).with_context(|| format!("no code in {text}"))
}

fn wrong(right: &str) -> String {
    right.chars().map(|c| if c == '9' { '0' } else { char::from_u32(u32::from(c) + 1).unwrap_or('0') }).collect()
}

fn location(browser: &Browser) -> &str {
    browser.page.header("location").unwrap_or_default()
}

#[tokio::test]
async fn every_page_wants_a_login_and_is_reached_by_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let hint = format!("testid:{}_idporten-loa-low", kari.fnr);
    for (path, words) in PAGES {
        let mut browser = idp.browser();
        browser.get(path).await?;
        log_in(&mut browser, &kari, "substantial").await?;
        assert_eq!((browser.at.as_str(), browser.page.status), (path, StatusCode::OK), "no code stays in the address");
        assert!(browser.shows(words), "{path}: {}", browser.page.body);
        assert_eq!(browser.page.header("cache-control"), Some("no-store"), "{path}");
        // Whoever turns back is not sent round in circles.
        let mut other = idp.browser();
        other.get(path).await?.answer(&[("do", "cancel")]).await?;
        assert_eq!(other.at, "/", "{path}");
        // A login at a lower level opens nothing.
        let mut weak = idp.browser();
        weak.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-low"), ("login_hint", &hint)])).await?;
        weak.sent_back("code")?;
        weak.get(path).await?;
        assert!(weak.shows("Velg innloggingsmetode"), "{path}: {}", weak.page.body);
    }
    let mut browser = idp.by_test_id(&client, &kari, "high").await?;
    for odd in ["/profil/", "/profil/x", "/profil/kontakt/mobil/x", "/profil/..%2fsperr", "/profil/Kontakt"] {
        browser.get(odd).await?;
        assert_eq!(browser.page.status, StatusCode::NOT_FOUND, "{odd}");
    }
    // The state of a login leads to our pages alone.
    for state in ["https://evil.test/", "//evil.test", "/logout", "/profil/x"] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
        browser.get(&format!("/profil?code=x&{query}")).await?;
        assert_eq!(browser.at, "/profil", "{state}");
    }
    Ok(())
}

#[tokio::test]
async fn forms_that_open_a_door_want_a_proof_of_the_last_five_minutes() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for (path, words) in PAGES {
        let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
        idp.advance(Duration::from_secs(299));
        browser.get(path).await?;
        assert!(browser.at == path && browser.shows(words), "{path}: {} {}", browser.at, browser.page.body);
        idp.advance(Duration::from_secs(2));
        browser.get(path).await?;
        if DOORS.contains(&path) {
            log_in(&mut browser, &kari, "substantial").await?;
        }
        assert!(browser.at == path && browser.shows(words), "{path}: {} {}", browser.at, browser.page.body);
    }
    Ok(())
}

// A proof that is too old for us and new enough for the login would send its owner to and fro.
#[tokio::test]
async fn at_the_very_fifth_minute_nobody_is_sent_round_in_circles() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    idp.advance(Duration::from_mins(5));
    browser.get(MOBILE).await?;
    assert!(browser.at == MOBILE, "{} {}", browser.at, browser.page.body);
    Ok(())
}

#[tokio::test]
async fn a_form_that_was_begun_is_taken_for_a_quarter_of_an_hour() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    // On the lists nothing is hidden behind a proof, and yet nothing is changed without one.
    for path in DOORS.into_iter().chain([FACTORS, "/profil/kontakt"]) {
        let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
        let csrf = browser.get(BLOCK).await?.csrf()?;
        let form = [("csrf", csrf.as_str()), ("do", "next")];
        idp.advance(Duration::from_secs(899));
        browser.post_only(path, &form).await?;
        assert!(!location(&browser).starts_with("/authorize"), "{path}: {}", location(&browser));
        idp.advance(Duration::from_secs(1));
        let before = kinds(&idp, &kari).await?.len();
        browser.post_only(path, &form).await?;
        assert!(location(&browser).starts_with("/authorize?"), "{path}: {}", browser.page.body);
        assert_eq!(kinds(&idp, &kari).await?.len(), before, "{path}: nothing has happened");
    }
    Ok(())
}

// Attack: forms from elsewhere, on every page that takes one.
#[tokio::test]
async fn only_ones_own_form_counts() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let mut others = idp.by_test_id(&client, &ola, "substantial").await?;
    let of_another = others.get(BLOCK).await?.csrf()?;
    let own = browser.get(BLOCK).await?.csrf()?;
    let of_a_login = browser.get(&idp.authorize(&client, &[("prompt", "login")])).await?.csrf()?;
    for (path, _) in PAGES {
        let what = match path {
            PLACES => "all",
            BLOCK => "block",
            CLOSE => "close",
            "/profil/kontakt" => "language",
            _ => "next",
        };
        for mark in [None, Some("x"), Some(of_another.as_str()), Some(of_a_login.as_str())] {
            let mut form = vec![("do", what), ("language", "en"), ("sure", "yes")];
            form.extend(mark.map(|mark| ("csrf", mark)));
            browser.post_only(path, &form).await?;
            assert_eq!(browser.page.status, StatusCode::FORBIDDEN, "{path} {mark:?}");
        }
        let elsewhere =
            [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.test")];
        for (name, value) in elsewhere {
            let mut framed = browser.clone();
            framed.headers.push((name, value.to_owned()));
            framed.post_only(path, &[("csrf", &own), ("do", what), ("language", "en")]).await?;
            assert_eq!(framed.page.status, StatusCode::FORBIDDEN, "{path} {name}");
        }
        let mut stranger = idp.browser();
        stranger.post_only(path, &[("csrf", &own), ("do", what)]).await?;
        assert!(location(&stranger).starts_with("/authorize?"), "{path}: {}", stranger.page.body);
    }
    assert_eq!(kinds(&idp, &kari).await?, ["login"], "and nothing has happened");
    browser.post_only("/profil/kontakt", &[("csrf", &own), ("do", "language"), ("language", "en")]).await?;
    assert_eq!(location(&browser), "/profil/kontakt?sagt=lagret", "but for one's own");
    Ok(())
}

#[tokio::test]
async fn another_mobile_number_is_proved_before_it_counts() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, new) = (idp.client().await?, idp.person().await?, unregistered()?.phone);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let before = contact(&idp, &kari).await?;
    browser.get(MOBILE).await?;
    for typed in ["", "12345", "kari", "+4712345678", "+47 9123 456"] {
        browser.answer(&[("do", "next"), ("mobile", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(browser.shows("Dette er ikke et mobilnummer"), "{typed}: {}", browser.page.body);
    }
    browser.answer(&[("do", "next"), ("mobile", &new)]).await?;
    assert!(browser.shows("Skriv inn koden"), "{}", browser.page.body);
    // A login meanwhile goes where it always went.
    let mut other = idp.browser();
    other.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert_eq!((idp.messages_to(&new).len(), idp.sms_count(&kari)), (1, 1));
    let meanwhile = contact(&idp, &kari).await?;
    assert_eq!((&meanwhile.mobile, meanwhile.feed_number), (&before.mobile, before.feed_number));
    let code = code_sent(&idp, &new)?;
    assert_eq!(code.len(), 5);
    for _ in 0..2 {
        browser.answer(&[("do", "next"), ("code", &wrong(&code))]).await?;
        assert!(browser.shows("Feil kode"), "{}", browser.page.body);
    }
    browser.answer(&[("do", "next"), ("code", &format!(" {} {} ", &code[..2], &code[2..]))]).await?;
    assert_eq!(browser.at, "/profil/kontakt?sagt=lagret", "{}", browser.page.body);
    let after = contact(&idp, &kari).await?;
    assert_eq!(after.mobile.as_ref().map(Phone::as_str), Some(new.as_str()));
    assert!(after.feed_number > before.feed_number && after.mobile_proved_at == Some(idp.now()));
    assert_eq!(after.email, before.email);
    for to in [&kari.phone, &kari.email] {
        let told = idp.arrives(to, "Mobilnummeret ditt er endret").await?;
        assert!(told.text.contains("800 30 300") && !told.text.contains("http") && !told.text.contains(&new));
    }
    assert_eq!(idp.messages_to(&new).len(), 1, "the code and nothing else");
    let trail = idp.trail_of(&kari).await?;
    assert_eq!(trail[0].kind, "mobile-changed");
    assert!(!Value::Object(trail[0].details.clone()).to_string().contains(&new[3..]), "{:?}", trail[0]);
    let mut next = idp.browser();
    next.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert!(next.shows("Skriv inn koden fra SMS-en"), "{}", next.page.body);
    assert_eq!(idp.messages_to(&new).len(), 2, "the next login's code goes there");
    Ok(())
}

#[tokio::test]
async fn another_email_address_is_proved_as_well() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, new) = (idp.client().await?, idp.person().await?, unregistered()?.email);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let before = contact(&idp, &kari).await?;
    browser.get(EMAIL).await?;
    let two = ["a@example.no, b@example.no", "a@example.no\r\nBcc: b@example.no"];
    for typed in ["", "kari", "kari@", "kari@localhost", two[0], two[1]] {
        browser.answer(&[("do", "next"), ("email", typed)]).await?;
        assert!(browser.shows("Dette er ikke en e-postadresse"), "{typed}: {}", browser.page.body);
    }
    browser.answer(&[("do", "next"), ("email", &new)]).await?;
    let code = code_sent(&idp, &new)?;
    assert_eq!((code.len(), idp.messages_to(&new)[0].kind), (6, "mail"));
    // Neither on the page of the other channel.
    browser.get(MOBILE).await?;
    assert!(browser.shows("Mobilnummeret ditt"), "{}", browser.page.body);
    browser.get(EMAIL).await?.answer(&[("do", "next"), ("code", &code)]).await?;
    assert_eq!(browser.at, "/profil/kontakt?sagt=lagret", "{}", browser.page.body);
    for to in [&kari.phone, &kari.email] {
        idp.arrives(to, "E-postadressen din er endret").await?;
    }
    let after = contact(&idp, &kari).await?;
    assert_eq!(after.email.as_ref().map(Email::as_str), Some(new.as_str()));
    assert!(after.feed_number > before.feed_number && after.mobile == before.mobile);
    // And away with it: both are told.
    browser.answer(&[("do", "remove-email")]).await?;
    assert_eq!(browser.at, "/profil/kontakt?sagt=fjernet", "{}", browser.page.body);
    idp.arrives(&new, "E-postadressen din er endret").await?;
    assert!(contact(&idp, &kari).await?.email.is_none());
    assert_eq!(kinds(&idp, &kari).await?, ["email-removed", "email-changed", "login"]);
    Ok(())
}

#[tokio::test]
async fn a_code_has_three_tries_and_five_minutes() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, new) = (idp.client().await?, idp.person().await?, unregistered()?.phone);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(MOBILE).await?.answer(&[("do", "next"), ("mobile", &new)]).await?;
    let code = code_sent(&idp, &new)?;
    browser.answer(&[("do", "resend")]).await?;
    assert!(browser.shows("Vent et halvt minutt"), "{}", browser.page.body);
    assert_eq!(idp.messages_to(&new).len(), 1);
    for words in ["Feil kode", "Feil kode", "Koden ble skrevet feil tre ganger"] {
        browser.answer(&[("do", "next"), ("code", &wrong(&code))]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }
    let csrf = browser.csrf()?;
    browser.post(MOBILE, &[("csrf", &csrf), ("do", "next"), ("code", &code)]).await?;
    assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "the right one is too late");
    assert_eq!(kinds(&idp, &kari).await?, ["login"]);

    idp.advance(Duration::from_secs(31));
    browser.answer(&[("do", "resend")]).await?;
    assert!(browser.shows("Vi har sendt deg en ny kode"), "{}", browser.page.body);
    let second = code_sent(&idp, &new)?;
    if second != code {
        browser.answer(&[("do", "next"), ("code", &code)]).await?;
        assert!(browser.shows("Feil kode"), "the old one ended with the new one: {}", browser.page.body);
    }
    idp.advance(Duration::from_mins(5));
    let csrf = browser.csrf()?;
    browser.post(MOBILE, &[("csrf", &csrf), ("do", "next"), ("code", &second)]).await?;
    assert!(browser.shows("Koden gjelder ikke lenger"), "{}", browser.page.body);
    browser.answer(&[("do", "resend")]).await?;
    let third = code_sent(&idp, &new)?;
    browser.post_only(MOBILE, &[("csrf", &csrf), ("do", "next"), ("code", &third)]).await?;
    assert_eq!(location(&browser), "/profil/kontakt?sagt=lagret", "{}", browser.page.body);
    Ok(())
}

// Attack: somebody's telephone is rung again and again.
#[tokio::test]
async fn a_number_that_nobody_has_proved_gets_five_codes_an_hour() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let victim = unregistered()?.phone;
    // The clock stands still, so that it is one hour; and several people are no way round it.
    for _ in 0..4 {
        let kari = idp.person().await?;
        let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
        for _ in 0..3 {
            browser.get(MOBILE).await?.answer(&[("do", "next"), ("mobile", &victim)]).await?;
            if browser.page.body.contains("value=\"resend\"") {
                browser.answer(&[("do", "back")]).await?;
            }
        }
    }
    assert_eq!(idp.messages_to(&victim).len(), 5);
    Ok(())
}

// Attack: all codes at the same instant, from many tabs.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_burst_of_codes_three_are_looked_at() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, new) = (idp.client().await?, idp.person().await?, unregistered()?.phone);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(MOBILE).await?.answer(&[("do", "next"), ("mobile", &new)]).await?;
    let (right, csrf) = (code_sent(&idp, &new)?, browser.csrf()?);
    let mut compared = 0;
    for round in 0..3 {
        let guesses = (0..100_000).map(|n| format!("{n:05}")).filter(|guess| *guess != right);
        let guesses: Vec<String> = guesses.skip(round).step_by(997).collect();
        let mut tabs: Vec<Browser> = guesses.iter().map(|_| browser.clone()).collect();
        let done = join_all(tabs.iter_mut().zip(&guesses).map(|(tab, guess)| {
            let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", guess.as_str())];
            async move { tab.post_only(MOBILE, &form).await.map(|_| ()) }
        }));
        done.await.into_iter().collect::<anyhow::Result<()>>()?;
        compared += tabs.iter().filter(|tab| tab.shows("Feil kode")).count();
    }
    // The third wrong one is told as the last.
    assert!(compared <= 2, "{compared}");
    browser.post_only(MOBILE, &[("csrf", &csrf), ("do", "next"), ("code", &right)]).await?;
    assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "the right one is too late");
    assert_ne!(contact(&idp, &kari).await?.mobile.map(|phone| phone.as_str().to_owned()), Some(new));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_clicks_with_the_right_code_one_changes_the_number() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, new) = (idp.client().await?, idp.person().await?, unregistered()?.phone);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(MOBILE).await?.answer(&[("do", "next"), ("mobile", &new)]).await?;
    let (code, csrf) = (code_sent(&idp, &new)?, browser.csrf()?);
    let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", code.as_str())];
    let tabs = at_once(&browser, MOBILE, &form, 50).await?;
    let saved = tabs.iter().filter(|tab| location(tab) == "/profil/kontakt?sagt=lagret").count();
    assert_eq!(saved, 1, "{:?}", tabs.iter().map(location).collect::<Vec<_>>());
    assert_eq!(kinds(&idp, &kari).await?, ["mobile-changed", "login"]);
    assert_eq!(contact(&idp, &kari).await?.mobile.map(|phone| phone.as_str().to_owned()), Some(new));
    Ok(())
}

#[tokio::test]
async fn language_and_reservation_need_no_code() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let mut feed = contact(&idp, &kari).await?.feed_number;
    for (what, language) in [("language", "nn"), ("reserve", ""), ("unreserve", "")] {
        browser.get("/profil/kontakt").await?.answer(&[("do", what), ("language", language)]).await?;
        assert_eq!(browser.at, "/profil/kontakt?sagt=lagret", "{what}");
        let now = contact(&idp, &kari).await?;
        assert!(now.feed_number > feed, "{what}");
        assert_eq!((now.language.as_deref(), now.reserved_at.is_some()), (Some("nn"), what == "reserve"), "{what}");
        feed = now.feed_number;
    }
    assert_eq!(kinds(&idp, &kari).await?, ["unreserved", "reserved", "language-changed", "login"]);
    for odd in ["", "x", "xx", "<b>"] {
        browser.get("/profil/kontakt").await?.answer(&[("do", "language"), ("language", odd)]).await?;
        assert_eq!(browser.at, "/profil/kontakt", "{odd}");
    }
    assert_eq!(contact(&idp, &kari).await?.feed_number, feed);
    Ok(())
}

#[tokio::test]
async fn a_code_app_is_set_up_by_its_first_code() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(TOTP).await?;
    let typed = browser.between("<code class=\"letters\">", "</code>")?;
    assert!(browser.page.body.contains("src=\"data:image/svg+xml;base64,"));
    let late = code_of(&typed, idp.now().plus(Duration::from_hours(1)))?;
    for code in ["", "x", "1234567", late.as_str()] {
        let words = if code.is_empty() { "Skriv inn koden fra kodeappen." } else { "Koden stemmer ikke" };
        browser.answer(&[("do", "next"), ("code", code)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{code}");
        assert!(browser.shows(words), "{code}: {}", browser.page.body);
        assert_eq!(browser.between("<code class=\"letters\">", "</code>")?, typed, "the same secret, which is scanned");
    }
    browser.get(TOTP).await?;
    assert_eq!(browser.between("<code class=\"letters\">", "</code>")?, typed);
    // Another session has another.
    let mut other = idp.by_test_id(&client, &kari, "substantial").await?;
    other.get(TOTP).await?;
    assert_ne!(other.between("<code class=\"letters\">", "</code>")?, typed);
    let code = code_of(&typed, idp.now())?;
    other.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(other.shows("Koden stemmer ikke"), "{}", other.page.body);
    browser.answer(&[("do", "next"), ("code", &code), ("name", "<i>Min</i>\u{202e} app")]).await?;
    assert_eq!(browser.at, "/profil/innlogging?sagt=lagt-til", "{}", browser.page.body);
    assert!(browser.shows("<i>Min</i> app") && !browser.page.body.contains("<i>Min"), "{}", browser.page.body);
    for to in [&kari.phone, &kari.email] {
        idp.arrives(to, "En ny innloggingsmetode er lagt til: Kodeapp").await?;
    }
    assert_eq!(kinds(&idp, &kari).await?[0], "factor-added");
    // The code that set it up lets nobody in, and the next one does.
    let mut next = idp.browser();
    next.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    next.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(next.shows("Feil kode"), "{}", next.page.body);
    idp.advance(Duration::from_secs(30));
    next.answer(&[("do", "next"), ("code", &code_of(&typed, idp.now())?)]).await?;
    assert!(next.sent_back("code").is_ok(), "{}", next.page.body);
    // Whoever comes again begins with another secret.
    browser.get(TOTP).await?;
    assert_ne!(browser.between("<code class=\"letters\">", "</code>")?, typed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_clicks_one_sets_up_the_app() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let csrf = browser.get(TOTP).await?.csrf()?;
    let code = code_of(&browser.between("<code class=\"letters\">", "</code>")?, idp.now())?;
    let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", code.as_str())];
    let tabs = at_once(&browser, TOTP, &form, 50).await?;
    assert!(tabs.iter().all(|tab| tab.page.status == StatusCode::SEE_OTHER));
    let row = idp.row_of(&kari).await?;
    assert_eq!(totp::all(idp.app.world.db.pool(), &row.id).await?.len(), 1);
    assert_eq!(kinds(&idp, &kari).await?, ["factor-added", "login"]);
    Ok(())
}

/// The codes on the page.
fn codes_on(browser: &Browser) -> anyhow::Result<Vec<String>> {
    let list = browser.between("<ol class=\"codes letters\">", "</ol>")?;
    Ok(list.split("<li>").skip(1).filter_map(|item| item.split("</li>").next()).map(str::to_owned).collect())
}

/// Whether a code from the list lets its owner in.
async fn opens(idp: &TestIdp, client: &TestClient, person: &TestPerson, code: &str) -> anyhow::Result<bool> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    browser.answer(&[("do", "method")]).await?.answer(&[("method", "recovery_code")]).await?;
    browser.answer(&[("do", "next"), ("code", code)]).await?;
    Ok(browser.sent_back("code").is_ok())
}

#[tokio::test]
async fn codes_from_the_list_are_shown_once_and_end_the_old_ones() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(RECOVERY).await?.answer(&[("do", "next")]).await?;
    let old = codes_on(&browser)?;
    assert!(old.len() == 10 && browser.shows("Kodene vises bare denne ene gangen"), "{}", browser.page.body);
    browser.get(RECOVERY).await?;
    assert!(codes_on(&browser).is_err() && !old.iter().any(|code| browser.page.body.contains(code)));
    assert!(browser.shows("slutter de gamle å virke"), "{}", browser.page.body);
    browser.answer(&[("do", "next")]).await?;
    let new = codes_on(&browser)?;
    assert!(new.len() == 10 && !new.iter().any(|code| old.contains(code)));
    assert!(!opens(&idp, &client, &kari, &old[0]).await? && opens(&idp, &client, &kari, &new[0]).await?);
    browser.get(FACTORS).await?;
    assert!(browser.shows("Koder igjen: 9"), "{}", browser.page.body);
    let kinds = kinds(&idp, &kari).await?;
    assert_eq!(kinds.iter().filter(|kind| *kind == "recovery-codes-renewed").count(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_new_lists_at_the_same_instant_one_is_good() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let csrf = browser.get(RECOVERY).await?.csrf()?;
    at_once(&browser, RECOVERY, &[("csrf", &csrf), ("do", "next")], 50).await?;
    let row = idp.row_of(&kari).await?;
    assert_eq!(recovery_code::left(idp.app.world.db.pool(), &row.id).await?.0, 10);
    Ok(())
}

#[tokio::test]
async fn a_passkey_is_made_on_this_page_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let mut others = idp.by_test_id(&client, &ola, "substantial").await?;
    browser.get(PASSKEY).await?;
    let (_, elsewhere) = Passkey::make(&asked(&browser.page.body, "data-create")?, "https://evil.test")?;
    for odd in [elsewhere.as_str(), "{}", "x"] {
        browser.answer(&[("credential", odd)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(browser.shows("Passnøkkelen ble ikke godtatt"), "{}", browser.page.body);
    }
    let (mut key, made) = Passkey::make(&asked(&browser.page.body, "data-create")?, ISSUER)?;
    // Attack: what Kari has made is put into Ola's session, and again into Kari's.
    others.get(PASSKEY).await?.answer(&[("credential", &made)]).await?;
    assert!(others.shows("Passnøkkelen ble ikke godtatt"), "{}", others.page.body);
    browser.answer(&[("credential", &made), ("name", "Telefonen")]).await?;
    assert_eq!(browser.at, "/profil/innlogging?sagt=lagt-til", "{}", browser.page.body);
    assert!(browser.shows("Telefonen"), "{}", browser.page.body);
    let csrf = browser.csrf()?;
    browser.post(PASSKEY, &[("csrf", &csrf), ("credential", &made)]).await?;
    assert_eq!(browser.at, FACTORS, "{}", browser.page.body);
    for to in [&kari.phone, &kari.email] {
        idp.arrives(to, "En ny innloggingsmetode er lagt til: Passnøkkel").await?;
    }
    let db = idp.app.world.db.pool();
    let (hers, his) = (idp.row_of(&kari).await?, idp.row_of(&ola).await?);
    assert_eq!((passkey::all(db, &hers.id).await?.len(), passkey::all(db, &his.id).await?.len()), (1, 0));
    // It is asked for from now on, after the password.
    let mut next = idp.browser();
    next.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert!(next.shows("Bekreft med passnøkkelen"), "{}", next.page.body);
    let signed = key.sign(&asked(&next.page.body, "data-get")?)?;
    next.answer(&[("credential", &signed)]).await?;
    assert!(next.sent_back("code").is_ok(), "{}", next.page.body);
    // The page tells the browser which keys there are, so that none is made twice on one device.
    browser.get(PASSKEY).await?;
    let options: Value = serde_json::from_str(&asked(&browser.page.body, "data-create")?)?;
    assert_eq!(options["publicKey"]["excludeCredentials"].as_array().map(Vec::len), Some(1), "{options}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_clicks_one_keeps_the_passkey() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let csrf = browser.get(PASSKEY).await?.csrf()?;
    let (_, made) = Passkey::make(&asked(&browser.page.body, "data-create")?, ISSUER)?;
    at_once(&browser, PASSKEY, &[("csrf", &csrf), ("credential", &made)], 50).await?;
    assert_eq!(kinds(&idp, &kari).await?, ["factor-added", "login"]);
    let row = idp.row_of(&kari).await?;
    assert_eq!(passkey::all(idp.app.world.db.pool(), &row.id).await?.len(), 1);
    Ok(())
}

/// Their one thing of each kind: an app that makes codes, a passkey, and the MinID app.
async fn things(
    idp: &TestIdp,
    client: &TestClient,
    person: &TestPerson,
) -> anyhow::Result<[(&'static str, String); 3]> {
    let mut browser = idp.by_test_id(client, person, "substantial").await?;
    add_app(idp, person, "Kodeappen").await?;
    browser.get(PASSKEY).await?;
    let (_, made) = Passkey::make(&asked(&browser.page.body, "data-create")?, ISSUER)?;
    browser.answer(&[("credential", &made), ("name", "Passnøkkelen")]).await?;
    add_telephone(idp, &mut browser, "Telefonen").await?;
    let (db, row) = (idp.app.world.db.pool(), idp.row_of(person).await?);
    let (codes, keys) = (totp::all(db, &row.id).await?, passkey::all(db, &row.id).await?);
    let telephones = device::all(db, &row.id).await?;
    Ok([
        ("totp", codes.first().context("an app")?.id.as_str().to_owned()),
        ("passkey", keys.first().context("a key")?.id.as_str().to_owned()),
        ("app", telephones.first().context("a telephone")?.id.as_str().to_owned()),
    ])
}

/// The names of all their things.
async fn names(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Vec<String>> {
    let (db, row) = (idp.app.world.db.pool(), idp.row_of(person).await?);
    let mut names: Vec<String> = totp::all(db, &row.id).await?.into_iter().map(|app| app.name).collect();
    names.extend(passkey::all(db, &row.id).await?.into_iter().map(|key| key.name));
    names.extend(device::all(db, &row.id).await?.into_iter().map(|telephone| telephone.name));
    Ok(names)
}

// Attack: another person's thing, by its id.
#[tokio::test]
async fn things_are_renamed_and_removed_by_their_owner_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let things = things(&idp, &client, &kari).await?;
    let own = ["Kodeappen", "Passnøkkelen", "Telefonen"];
    let mut others = idp.by_test_id(&client, &ola, "high").await?;
    let mark = others.get(BLOCK).await?.csrf()?;
    for (kind, id) in &things {
        for what in ["rename", "remove"] {
            let form = [("csrf", mark.as_str()), ("do", what), ("kind", kind), ("id", id), ("name", "Olas")];
            others.post(FACTORS, &form).await?;
            assert_eq!(others.at, "/profil/innlogging?sagt=borte", "{what} {kind}");
        }
    }
    assert_eq!(names(&idp, &kari).await?, own);
    assert_eq!(kinds(&idp, &ola).await?, ["login"]);

    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(FACTORS).await?;
    for (kind, id) in &things {
        // As something that it is not.
        for wrong in ["totp", "passkey", "app", "otc", "recovery_code", "password", "x"] {
            if wrong != *kind {
                browser.answer(&[("do", "remove"), ("kind", wrong), ("id", id)]).await?;
            }
        }
        assert_eq!(names(&idp, &kari).await?.len(), 3, "{kind}");
    }
    for (kind, id) in &things {
        let name = format!("<b>{kind}</b>\u{200b}{}", "x".repeat(100));
        browser.answer(&[("do", "rename"), ("kind", kind), ("id", id), ("name", &name)]).await?;
        assert_eq!(browser.at, "/profil/innlogging?sagt=lagret", "{kind}");
        assert!(browser.shows(&format!("<b>{kind}</b>x")) && !browser.page.body.contains("<b>"), "{kind}");
    }
    assert!(names(&idp, &kari).await?.iter().all(|name| name.chars().count() == 60));
    let mark = browser.csrf()?;
    for (kind, id) in &things {
        let form = [("csrf", mark.as_str()), ("do", "remove"), ("kind", kind), ("id", id)];
        browser.post(FACTORS, &form).await?;
        assert_eq!(browser.at, "/profil/innlogging?sagt=fjernet", "{kind}");
        browser.post(FACTORS, &form).await?;
        assert_eq!(browser.at, "/profil/innlogging?sagt=borte", "{kind}");
    }
    assert!(names(&idp, &kari).await?.is_empty());
    for what in ["Kodeapp", "Passnøkkel", "MinID-appen"] {
        idp.arrives(&kari.email, &format!("En innloggingsmetode er fjernet: {what}")).await?;
    }
    let mut next = idp.browser();
    next.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert!(next.shows("Skriv inn koden fra SMS-en"), "{}", next.page.body);
    Ok(())
}

/// The register loses a person's mobile number.
async fn without_mobile(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<()> {
    let row = idp.row_of(person).await?;
    let query = sqlx::query("UPDATE contact SET mobile = NULL WHERE person = $1").bind(row.id.as_str());
    query.execute(idp.app.world.db.pool()).await?;
    Ok(())
}

#[tokio::test]
async fn the_last_way_to_log_in_stays() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let things = things(&idp, &client, &kari).await?;
    add_list(&idp, &kari).await?;
    without_mobile(&idp, &kari).await?;
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(FACTORS).await?;
    for (kind, id) in &things[..2] {
        browser.answer(&[("do", "remove"), ("kind", kind), ("id", id)]).await?;
        assert_eq!(browser.at, "/profil/innlogging?sagt=fjernet", "{kind}");
    }
    let (kind, id) = &things[2];
    browser.answer(&[("do", "remove"), ("kind", kind), ("id", id)]).await?;
    assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.shows("Dette er den siste innloggingsmetoden din"), "a list is for an emergency alone");
    assert_eq!(names(&idp, &kari).await?, ["Telefonen"]);
    Ok(())
}

#[tokio::test]
async fn of_each_kind_one_has_so_many_and_no_more() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for number in 0..totp::AT_MOST {
        add_app(&idp, &kari, &format!("App {number}")).await?;
    }
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(TOTP).await?;
    assert!(browser.shows("Du har så mange som du kan ha"), "{}", browser.page.body);
    let form = [("do", "next"), ("code", "123456")];
    browser.answer(&form).await?;
    let csrf = browser.get(FACTORS).await?.csrf()?;
    browser.post(TOTP, &[("csrf", &csrf), form[0], form[1]]).await?;
    assert!(browser.shows("Du har så mange som du kan ha"), "{}", browser.page.body);
    // The other kinds are not in its way.
    browser.get(PASSKEY).await?;
    assert!(browser.shows("Lag en passnøkkel") && browser.at == PASSKEY, "{}", browser.page.body);
    for _ in 0..device::AT_MOST {
        add_telephone(&idp, &mut browser, "Telefonen").await?;
    }
    browser.get(APP).await?;
    assert!(browser.shows("Du har så mange som du kan ha"), "{}", browser.page.body);
    browser.post(APP, &[("csrf", &csrf), ("do", "invite")]).await?;
    assert!(!browser.page.body.contains("/app#"), "{}", browser.page.body);
    assert_eq!(names(&idp, &kari).await?.len(), totp::AT_MOST + device::AT_MOST);
    Ok(())
}

// Attack: invitations that were made before are used when there are as many as there may be.
#[tokio::test]
async fn no_invitation_from_before_makes_one_too_many() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(APP).await?.answer(&[("do", "invite")]).await?;
    let (early, csrf) = (browser.between("/app#", "\"")?, browser.csrf()?);
    for _ in 0..device::AT_MOST {
        add_telephone(&idp, &mut browser, "Telefonen").await?;
    }
    if let Ok((_, number)) = Telephone::come(&idp, &early, "En til").await {
        browser.post(APP, &[("csrf", &csrf), ("do", "next"), ("code", &number)]).await?;
    }
    assert_eq!(names(&idp, &kari).await?.len(), device::AT_MOST);
    Ok(())
}

// Attack: two last ways are removed at the same instant, and each is not the last.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_removals_at_the_same_instant_one_way_is_left() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for _ in 0..5 {
        let kari = idp.person().await?;
        let things = things(&idp, &client, &kari).await?;
        without_mobile(&idp, &kari).await?;
        let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
        let csrf = browser.get(FACTORS).await?.csrf()?;
        let mut tabs: Vec<Browser> = (0..60).map(|_| browser.clone()).collect();
        let done = join_all(tabs.iter_mut().zip(things.iter().cycle()).map(|(tab, (kind, id))| {
            let form = [("csrf", csrf.as_str()), ("do", "remove"), ("kind", *kind), ("id", id.as_str())];
            async move { tab.post_only(FACTORS, &form).await.map(|_| ()) }
        }));
        done.await.into_iter().collect::<anyhow::Result<()>>()?;
        assert_eq!(names(&idp, &kari).await?.len(), 1, "she has locked herself out");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_preferred_is_asked_for_first() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    things(&idp, &client, &kari).await?;
    add_list(&idp, &kari).await?;
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let first = async || {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
        anyhow::Ok(browser)
    };
    for (kind, words) in [
        ("otc", "Skriv inn koden fra SMS-en"),
        ("totp", "Skriv inn koden fra kodeappen"),
        ("passkey", "Bekreft med passnøkkelen"),
        ("app", "Bekreft innlogging"),
        // Nobody is asked first for what they have for an emergency.
        ("recovery_code", "Bekreft innlogging"),
    ] {
        profile.get(FACTORS).await?.answer(&[("do", "prefer"), ("preferred", kind)]).await?;
        assert_eq!(profile.at, "/profil/innlogging?sagt=lagret", "{kind}");
        let browser = first().await?;
        assert!(browser.shows(words), "{kind}: {}", browser.page.body);
    }
    profile.get(FACTORS).await?.answer(&[("do", "prefer"), ("preferred", "totp")]).await?;
    assert!(profile.page.body.contains("value=\"totp\" selected"), "{}", profile.page.body);
    profile.answer(&[("do", "prefer"), ("preferred", "")]).await?;
    assert!(!profile.page.body.contains("value=\"totp\" selected"), "{}", profile.page.body);
    assert_eq!(idp.row_of(&kari).await?.preferred(), None);
    Ok(())
}

#[tokio::test]
async fn another_password_ends_the_other_sessions() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (refreshing(&idp).await?, idp.person().await?);
    let mut thief = idp.by_test_id(&client, &kari, "substantial").await?;
    let stolen = refresh_token(&idp, &client, &thief).await?;
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let kept = refresh_token(&idp, &client, &browser).await?;
    browser.get(PASSWORD).await?;
    let (with_number, long) = (format!("{}a", kari.fnr), "x1".repeat(200));
    for (typed, words) in [
        ("", "Skriv inn et nytt passord"),
        ("kort 1", "Passordet er for kort"),
        ("bare bokstaver her", "Passordet må ha minst ett tall"),
        ("84726193650281", "Passordet må ha minst én bokstav"),
        (long.as_str(), "Passordet er for langt"),
        ("fire\tkyr spiste 9 gule tog", "Passordet har et tegn som ikke kan brukes"),
        ("passord1", HINTS),
        ("qwertyui1", HINTS),
        ("aaaaaaaa1", HINTS),
        (with_number.as_str(), HINTS),
    ] {
        browser.answer(&[("do", "next"), ("password", typed), ("repeat", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        let shown = browser.page.body.contains("id=\"password-problem\"");
        assert!(shown && browser.shows(words), "{typed}: {}", browser.page.body);
        assert!(typed.is_empty() || !browser.page.body.contains(typed), "nobody reads it over a shoulder");
    }
    browser.answer(&[("do", "next"), ("password", NEW_PASSWORD), ("repeat", "another one 9")]).await?;
    assert!(browser.shows("Passordene er ikke like"), "{}", browser.page.body);
    assert!(!is_out(&idp, &mut thief, &client).await?);
    assert_eq!(kinds(&idp, &kari).await?, ["login", "login", "login"]);

    browser
        .get(PASSWORD)
        .await?
        .answer(&[("do", "next"), ("password", NEW_PASSWORD), ("repeat", NEW_PASSWORD)])
        .await?;
    assert_eq!(browser.at, "/profil/innlogging?sagt=lagret", "{}", browser.page.body);
    assert!(is_out(&idp, &mut thief, &client).await?);
    assert_eq!(idp.refresh(&client, &stolen).await?.error()?, "invalid_grant");
    thief.get("/profil").await?;
    assert!(thief.shows("Velg innloggingsmetode"), "{}", thief.page.body);
    assert!(!is_out(&idp, &mut browser, &client).await?, "and this one goes on");
    assert_eq!(idp.refresh(&client, &kept).await?.status, StatusCode::OK);
    for to in [&kari.phone, &kari.email] {
        idp.arrives(to, "Passordet ditt er endret").await?;
    }
    let mut old = idp.browser();
    old.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert!(old.shows("Fødselsnummeret eller passordet er feil"), "{}", old.page.body);
    let new = TestPerson { password: NEW_PASSWORD.to_owned(), ..kari };
    let mut next = idp.browser();
    next.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &new).await?;
    assert!(next.sent_back("code").is_ok(), "{}", next.page.body);
    Ok(())
}

// Attack: whoever is in sees to it that there are so many sessions that theirs is in no list any more.
#[tokio::test]
async fn no_session_is_too_many_to_be_ended() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut thief = idp.by_test_id(&client, &kari, "substantial").await?;
    let mut browser = thief.clone();
    idp.advance(Duration::from_secs(2));
    for _ in 0..55 {
        browser = idp.by_test_id(&client, &kari, "substantial").await?;
    }
    let form = [("do", "next"), ("password", NEW_PASSWORD), ("repeat", NEW_PASSWORD)];
    browser.get(PASSWORD).await?.answer(&form).await?;
    assert_eq!(browser.at, "/profil/innlogging?sagt=lagret", "{}", browser.page.body);
    assert!(is_out(&idp, &mut thief, &client).await?);
    Ok(())
}

/// The sessions on the page: the name of each, and whether it is this browser's.
fn places(browser: &Browser) -> Vec<(String, bool)> {
    let parts = browser.page.body.split("<p class=\"what\" id=\"place-").skip(1);
    let place = |part: &str| {
        let sid = part.split_once("name=\"sid\" value=\"")?.1.split_once('"')?.0;
        Some((sid.to_owned(), part.contains("Denne nettleseren")))
    };
    parts.filter_map(place).collect()
}

// Attack: another person's session, by its name.
#[tokio::test]
async fn places_are_logged_out_of_by_their_owner_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = refreshing(&idp).await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let mut here = idp.by_test_id(&client, &kari, "substantial").await?;
    let kept = refresh_token(&idp, &client, &here).await?;
    let mut there = idp.browser();
    let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36";
    there.headers.push(("user-agent", agent.to_owned()));
    there.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    let ended = refresh_token(&idp, &client, &there).await?;
    let mut others = idp.by_test_id(&client, &ola, "high").await?;
    here.get(PLACES).await?;
    assert!(here.shows("Chrome Windows") && here.shows("Ukjent nettleser") && here.shows("Test service"));
    assert!(here.shows("IP-adresse 127.0.0.1"), "{}", here.page.body);
    let all = places(&here);
    assert_eq!(all.iter().map(|(_, is_this)| *is_this).collect::<Vec<_>>(), [false, true], "the newest first");
    others.get(PLACES).await?;
    assert_eq!(places(&others).len(), 1);
    for (sid, _) in &all {
        others.get(PLACES).await?.answer(&[("sid", sid)]).await?;
        assert_eq!(others.at, "/profil/innlogget?sagt=borte");
    }
    for odd in ["x", "../..", &"x".repeat(3000)] {
        here.get(PLACES).await?.answer(&[("sid", odd)]).await?;
        assert_eq!(here.at, "/profil/innlogget?sagt=borte", "{odd}");
    }
    assert!(!is_out(&idp, &mut here, &client).await? && !is_out(&idp, &mut there, &client).await?);
    here.get(PLACES).await?.answer(&[("sid", &all[0].0)]).await?;
    assert_eq!(here.at, "/profil/innlogget?sagt=logget-ut", "{}", here.page.body);
    assert_eq!(places(&here), [(all[1].0.clone(), true)]);
    assert!(is_out(&idp, &mut there, &client).await? && !is_out(&idp, &mut here, &client).await?);
    assert_eq!(idp.refresh(&client, &ended).await?.error()?, "invalid_grant");
    assert_eq!(idp.refresh(&client, &kept).await?.status, StatusCode::OK);
    let written = kinds(&idp, &kari).await?;
    let logins = written.iter().filter(|kind| *kind == "login").count();
    assert_eq!(logins, 4, "two logins, and single sign-on once in each of their sessions: {written:?}");
    assert!(written.contains(&"session-ended".to_owned()));
    Ok(())
}

#[tokio::test]
async fn everywhere_is_everywhere() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (refreshing(&idp).await?, idp.person().await?, idp.person().await?);
    let mut browsers = Vec::new();
    let mut tokens = Vec::new();
    for _ in 0..60 {
        let browser = idp.by_test_id(&client, &kari, "substantial").await?;
        tokens.push(refresh_token(&idp, &client, &browser).await?);
        browsers.push(browser);
    }
    let mut others = idp.by_test_id(&client, &ola, "substantial").await?;
    let mut last = browsers.last().context("one")?.clone();
    last.get(PLACES).await?.answer(&[("do", "all")]).await?;
    assert_eq!(last.at, "/");
    for browser in &mut browsers {
        assert!(is_out(&idp, browser, &client).await?);
    }
    for token in &tokens {
        assert_eq!(idp.refresh(&client, token).await?.error()?, "invalid_grant");
    }
    assert!(!is_out(&idp, &mut others, &client).await?);
    idp.advance(Duration::from_secs(1));
    let mut again = idp.by_test_id(&client, &kari, "substantial").await?;
    assert!(!is_out(&idp, &mut again, &client).await?);
    assert!(kinds(&idp, &kari).await?.contains(&"signed-out".to_owned()));
    Ok(())
}

#[tokio::test]
async fn what_has_happened_is_shown_page_by_page() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let csrf = browser.get("/profil/kontakt").await?.csrf()?;
    for number in 0..60 {
        let language = if number % 2 == 0 { "nn" } else { "nb" };
        let form = [("csrf", csrf.as_str()), ("do", "language"), ("language", language)];
        browser.post_only("/profil/kontakt", &form).await?;
        idp.advance(Duration::from_secs(1));
    }
    let (mut counts, mut path) = (Vec::new(), "/profil/hendelser".to_owned());
    loop {
        browser.get(&path).await?;
        counts.push(browser.page.body.matches("<p class=\"what\">").count());
        match browser.between("href=\"/profil/hendelser?for=", "\"") {
            Ok(number) => path = format!("/profil/hendelser?for={number}"),
            Err(_) => break,
        }
    }
    assert_eq!(counts, [25, 25, 11], "sixty changes and a login");
    assert!(browser.shows("Innlogging hos Test service") && browser.shows("TestID"), "{}", browser.page.body);
    for odd in ["x", "-1", "0", "99999999999999999999", "1;DROP", ""] {
        browser.get(&format!("/profil/hendelser?for={odd}")).await?;
        assert_eq!(browser.page.status, StatusCode::OK, "{odd}");
    }
    let mut others = idp.by_test_id(&client, &ola, "substantial").await?;
    others.get("/profil/hendelser?for=9999").await?;
    assert_eq!(others.page.body.matches("<p class=\"what\">").count(), 1, "nobody else's: {}", others.page.body);
    // What support has done is said to be support's.
    let row = idp.row_of(&kari).await?;
    let event = Event::by("looked-up", &row.id, Actor::Operator("per".into())).with("why", "ticket 7");
    idp.app.world.trail.write(event, idp.now()).await?;
    browser.get("/profil/hendelser").await?;
    assert!(browser.shows("Gjort av brukerstøtte") && !browser.shows("ticket 7"), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn the_file_has_all_of_it_and_nothing_of_others() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    register(&idp, "fjordvik:sak.read", json!({ "requires_user_consent": true })).await?;
    let client = idp.client_with(json!({ "scopes": ["openid", "profile", "fjordvik:sak.read"] })).await?;
    let mut tokens = Vec::new();
    for person in [&ola, &kari] {
        let mut browser = idp.browser();
        let asked = idp.authorize(&client, &[("scope", "openid fjordvik:sak.read")]);
        browser.get(&asked).await?.log_in(&idp, person).await?;
        browser.answer(&[("do", "next")]).await?;
        tokens.push(browser.cookies.get("__Host-porten-session").cloned().context("a session")?);
        things(&idp, &client, person).await?;
        add_list(&idp, person).await?;
    }
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get("/profil/data").await?;
    let name = browser.page.header("content-disposition").unwrap_or_default();
    assert!(name.starts_with("attachment"), "{name}");
    let data = browser.page.json()?;
    assert_eq!(data["person"]["fnr"], json!(kari.fnr));
    assert_eq!((&data["contact"]["mobile"], &data["contact"]["email"]), (&json!(kari.phone), &json!(kari.email)));
    let methods = &data["login_methods"];
    for (group, name) in [("devices", "Telefonen"), ("passkeys", "Passnøkkelen"), ("totp", "Kodeappen")] {
        assert_eq!(methods[group][0]["name"], name);
        assert_eq!(methods[group].as_array().map(Vec::len), Some(1), "{group}");
    }
    assert_eq!(methods["recovery_codes"]["left"], 10);
    assert_eq!(data["consents"][0]["scope"], "fjordvik:sak.read");
    assert_eq!(data["consents"].as_array().map(Vec::len), Some(1));
    assert_eq!(data["sessions"].as_array().map(Vec::len), Some(3));
    let events = data["events"].as_array().context("events")?;
    let told: Vec<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(told, kinds(&idp, &kari).await?, "all that the trail has");
    assert_eq!(told[0], "data-fetched");
    let text = &browser.page.body;
    for others in [&ola.fnr, &ola.phone, &ola.email] {
        assert!(!text.contains(others.as_str()), "{others}");
    }
    // Nor what lets somebody in.
    let (db, row) = (idp.app.world.db.pool(), idp.row_of(&kari).await?);
    let query = sqlx::query_scalar("SELECT phc FROM password WHERE person = $1").bind(row.id.as_str());
    let hash: String = query.fetch_one(db).await?;
    let keys = passkey::all(db, &row.id).await?;
    let secrets = tokens.iter().map(String::as_str).chain([hash.as_str(), kari.password.as_str()]);
    for secret in secrets.chain(keys.iter().map(|key| key.credential.as_str())) {
        assert!(!text.contains(secret), "{secret}");
    }
    Ok(())
}

#[tokio::test]
async fn whoever_has_no_minid_has_nothing_to_add_to_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, nobody) = (idp.client().await?, unregistered()?);
    let mut browser = idp.by_test_id(&client, &nobody, "high").await?;
    let csrf = browser.get(MOBILE).await?.csrf()?;
    for path in [PASSWORD, TOTP, PASSKEY, RECOVERY] {
        browser.get(path).await?;
        assert!(browser.at == FACTORS && browser.shows("Du har ikke MinID"), "{path}: {}", browser.page.body);
        let form = [("csrf", csrf.as_str()), ("do", "next"), ("password", NEW_PASSWORD), ("repeat", NEW_PASSWORD)];
        browser.post(path, &form).await?;
        assert!(browser.at == FACTORS, "{path}: {}", browser.page.body);
    }
    browser.get(APP).await?;
    assert_eq!(browser.at, FACTORS);
    browser.post(APP, &[("csrf", &csrf), ("do", "invite")]).await?;
    assert!(!browser.page.body.contains("/app#"), "{}", browser.page.body);
    assert_eq!(kinds(&idp, &nobody).await?, ["login"]);
    Ok(())
}

/// A service that is told of logouts, and how often it was.
async fn listening(idp: &TestIdp) -> anyhow::Result<(TestClient, Arc<AtomicUsize>)> {
    async fn note(State(told): State<Arc<AtomicUsize>>) -> StatusCode {
        told.fetch_add(1, Ordering::SeqCst);
        StatusCode::OK
    }
    let told = Arc::new(AtomicUsize::new(0));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let routes = Router::new().route("/told", post(note)).with_state(told.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let fields = json!({
        "redirect_uris": [format!("{origin}/cb")],
        "backchannel_logout_uri": format!("{origin}/told"),
        "grant_types": ["authorization_code", "refresh_token"],
    });
    Ok((idp.client_with(fields).await?, told))
}

async fn eventually(what: impl Fn() -> bool) -> bool {
    for _ in 0..500 {
        if what() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test]
async fn services_are_told_whichever_way_a_session_is_ended() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for way in ["one", "all", "password", "block"] {
        let (client, told) = listening(&idp).await?;
        let kari = idp.person().await?;
        idp.by_test_id(&client, &kari, "substantial").await?;
        let plain = idp.client().await?;
        let mut browser = idp.by_test_id(&plain, &kari, "substantial").await?;
        match way {
            "one" => {
                browser.get(PLACES).await?;
                let other = places(&browser).into_iter().find(|(_, is_this)| !is_this).context("another")?.0;
                browser.answer(&[("sid", &other)]).await?;
            }
            "all" => {
                browser.get(PLACES).await?.answer(&[("do", "all")]).await?;
            }
            "password" => {
                let form = [("do", "next"), ("password", NEW_PASSWORD), ("repeat", NEW_PASSWORD)];
                browser.get(PASSWORD).await?.answer(&form).await?;
            }
            _ => {
                browser.get(BLOCK).await?.answer(&[("do", "block")]).await?;
            }
        }
        assert!(eventually(|| told.load(Ordering::SeqCst) == 1).await, "{way}: {}", told.load(Ordering::SeqCst));
    }
    Ok(())
}

#[tokio::test]
async fn whoever_blocks_minid_puts_everybody_out_at_once() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (refreshing(&idp).await?, idp.person().await?);
    let mut thief = idp.browser();
    thief.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    let stolen = refresh_token(&idp, &client, &thief).await?;
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let mut telephone: Telephone = add_telephone(&idp, &mut browser, "Telefonen").await?;
    let mut half_way = at_the_app(&idp, &client, &kari).await?;
    browser.get(BLOCK).await?.answer(&[("do", "block")]).await?;
    assert!(browser.shows("MinID-en din er sperret fra nå av"), "{}", browser.page.body);
    assert!(is_out(&idp, &mut browser, &client).await? && is_out(&idp, &mut thief, &client).await?);
    assert_eq!(idp.refresh(&client, &stolen).await?.error()?, "invalid_grant");
    for to in [&kari.phone, &kari.email] {
        idp.arrives(to, "MinID-en din er sperret").await?;
    }
    // The app, with a question that was put before.
    if telephone.sees(&idp).await?.is_some() {
        telephone.say_yes(&idp, &number_on(&half_way)?).await?;
    }
    assert!(!goes_on(&mut half_way).await?);
    assert!(!half_way.cookies.contains_key("__Host-porten-session"), "{}", half_way.page.body);
    // MinID itself opens nothing, and says why.
    idp.advance(Duration::from_secs(1));
    let mut next = idp.browser();
    next.get("/profil/sperr").await?.answer(&[("eid", "minid")]).await?;
    next.answer(&[("do", "next"), ("fnr", &kari.fnr), ("password", &kari.password)]).await?;
    assert!(next.shows("Du har sperret MinID"), "{}", next.page.body);
    assert!(!next.cookies.contains_key("__Host-porten-session"));
    // Another eID at the same level sees it and opens nothing; one at level high does.
    let mut low = idp.by_test_id(&client, &kari, "substantial").await?;
    low.get("/profil").await?;
    assert!(low.page.body.contains("id=\"blocked\""), "{}", low.page.body);
    low.get(BLOCK).await?;
    assert!(low.shows("Du har sperret MinID") && low.csrf().is_err(), "{}", low.page.body);
    let csrf = low.get("/profil/kontakt").await?.csrf()?;
    low.post(BLOCK, &[("csrf", &csrf), ("do", "open")]).await?;
    assert!(low.shows("Du har sperret MinID") && idp.row_of(&kari).await?.locked_at.is_some());
    // What support has locked as well only support opens.
    let row = idp.row_of(&kari).await?;
    let mut high = idp.by_test_id(&client, &kari, "high").await?;
    high.get(BLOCK).await?;
    assert!(high.page.body.contains("value=\"open\""), "{}", high.page.body);
    let csrf = high.csrf()?;
    high.answer(&[("do", "open")]).await?;
    assert_eq!(high.at, "/profil?sagt=apnet", "{}", high.page.body);
    idp.arrives(&kari.email, "MinID-en din er åpnet igjen").await?;
    idp.advance(Duration::from_secs(31));
    let mut again = at_the_app(&idp, &client, &kari).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&again)?).await?.status, StatusCode::NO_CONTENT);
    assert!(goes_on(&mut again).await?, "{}", again.page.body);
    let event = Event::by("locked", &row.id, Actor::Operator("per".into()));
    assert!(account::lock(&idp.app.world, &row.id, "support", &event, idp.now()).await?);
    idp.advance(Duration::from_secs(1));
    let mut high = idp.by_test_id(&client, &kari, "high").await?;
    let own = high.get(BLOCK).await?.csrf().unwrap_or(csrf);
    high.post(BLOCK, &[("csrf", &own), ("do", "open")]).await?;
    assert!(idp.row_of(&kari).await?.locked_at.is_some(), "{}", high.page.body);
    let kinds = kinds(&idp, &kari).await?;
    assert_eq!(kinds.iter().filter(|kind| *kind == "opened").count(), 1);
    assert_eq!(kinds.iter().filter(|kind| *kind == "locked").count(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_slips_past_a_block() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (refreshing(&idp).await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let csrf = browser.get(BLOCK).await?.csrf()?;
    let mut tabs: Vec<Browser> = (0..100).map(|_| browser.clone()).collect();
    let asked = idp.authorize(&client, &[("prompt", "none")]);
    let block = [("csrf", csrf.as_str()), ("do", "block")];
    let (answers, blocked) =
        tokio::join!(join_all(tabs.iter_mut().map(|tab| tab.get(&asked))), browser.post(BLOCK, &block));
    blocked?;
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    for mut tab in tabs {
        if let Ok(code) = tab.sent_back("code") {
            let tokens = idp.redeem(&client, &code).await?.json()?;
            if let Some(token) = tokens["refresh_token"].as_str() {
                assert_eq!(idp.refresh(&client, token).await?.error()?, "invalid_grant");
            }
        }
        assert!(is_out(&idp, &mut tab, &client).await?);
    }
    let kinds = kinds(&idp, &kari).await?;
    assert_eq!(kinds.iter().filter(|kind| *kind == "locked").count(), 1);
    Ok(())
}

// The API of devices is no page: it takes no cookie, and the pages take no token of a device.
#[tokio::test]
async fn a_devices_token_opens_no_page() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let telephone = add_telephone(&idp, &mut profile, "Telefonen").await?;
    for (path, _) in PAGES {
        let answer = call(&idp, (Method::GET, path), &telephone.token, None).await?;
        assert!(answer.header("location").is_some_and(|to| to.starts_with("/authorize?")), "{path}: {}", answer.body);
    }
    let mut browser = idp.browser();
    browser.cookies.insert("__Host-porten-session".into(), telephone.token.clone());
    browser.get("/profil").await?;
    assert!(browser.shows("Velg innloggingsmetode"), "{}", browser.page.body);
    profile.get("/app/api/device").await?;
    assert_eq!(profile.page.status, StatusCode::UNAUTHORIZED);
    Ok(())
}
