//! MinID and its app in one go: whoever has just registered makes the device at which they sit their app, and those who
//! would have theirs instead.

use std::time::Duration;

use anyhow::{Context, ensure};
use authenticators::activation::Source;
use authenticators::person::{BY_ONESELF, Person};
use authenticators::trail::{Actor, Event};
use authenticators::{account, password};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use conformance::authenticator::Passkey;
use conformance::browser::Browser;
use conformance::idp::{Answer, ISSUER, TestIdp, TestPerson, claims, unregistered};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::activate::{
    FIRST_PAGE, MOBILE_PAGE, NEW, PATH, READY, activated, begin as type_code, choose, code_for, prove_mobile, send,
    with_letter,
};
use crate::app::{BEGIN, FINISH, Telephone, at_the_app, call, devices, goes_on, number_on, other, text};
use crate::forgotten::{arrived, kinds_of_events};

const TOLD: &str = "En ny innloggingsmetode er lagt til: MinID-appen";
const IN_APP: &str = "/app/registrer";
const ORDER_IN_APP: &str = "/app/aktiveringsbrev/order";
const ADDED: &str = "MinID-appen er lagt til.";
const OVER: &str = "Det er for sent å legge til appen her";
/// A QR code.
const PICTURE: &str = "src=\"data:image/svg+xml;base64,";
/// How long it can be done without another login.
const GOOD_FOR: Duration = Duration::from_mins(10);

/// Sends a request as the app does that runs in this browser.
async fn call_in(
    idp: &TestIdp,
    browser: &Browser,
    (path, token): (&str, &str),
    body: &Value,
) -> anyhow::Result<Answer> {
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    if !cookies.is_empty() {
        request = request.header(header::COOKIE, cookies.join("; "));
    }
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    for (name, value) in &browser.headers {
        request = request.header(*name, value);
    }
    idp.send(request.body(Body::from(body.to_string()))?).await
}

/// What the last page leads the app with.
fn ticket_on(browser: &Browser) -> anyhow::Result<String> {
    browser.between("href=\"/app#", "\"")
}

/// A device that has come, and has made its key but not sent it.
struct Coming {
    token: String,
    key: Passkey,
    body: Value,
}

/// Comes with a ticket; none if it is not one.
async fn come(idp: &TestIdp, browser: &Browser, ticket: &str) -> anyhow::Result<Option<Coming>> {
    let begun = call_in(idp, browser, (BEGIN, ""), &json!({ "code": ticket })).await?;
    if begun.status == StatusCode::NOT_FOUND {
        ensure!(begun.error()? == "gone", "{}", begun.body);
        return Ok(None);
    }
    ensure!(begun.status == StatusCode::OK, "{} {}", begun.status, begun.body);
    let begun = begun.json()?;
    let (key, answer) = Passkey::make(&begun["options"].to_string(), ISSUER)?;
    let answer: Value = serde_json::from_str(&answer)?;
    let body = json!({ "credential": answer, "name": "Telefonen", "system": "Android" });
    Ok(Some(Coming { token: text(&begun, "token")?, key, body }))
}

/// Sends the key.
async fn settle(idp: &TestIdp, browser: &Browser, coming: &Coming) -> anyhow::Result<Answer> {
    call_in(idp, browser, (FINISH, &coming.token), &coming.body).await
}

/// Somebody who has just registered, their browser at the last page, and what is in it.
async fn just_registered(idp: &TestIdp) -> anyhow::Result<(TestPerson, Browser, String)> {
    let (kari, code) = with_letter(idp).await?;
    let browser = activated(idp, &kari, &code).await?;
    ensure!(browser.shows(READY), "{}", browser.page.body);
    let ticket = ticket_on(&browser)?;
    Ok((kari, browser, ticket))
}

#[tokio::test]
async fn the_device_at_which_one_registers_becomes_the_app_in_one_go() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, mut browser, ticket) = just_registered(&idp).await?;
    assert!(browser.shows("Bruk denne enheten som MinID-app"), "{}", browser.page.body);
    // Looking uses nothing up, and whoever has taken the finger away begins once more.
    browser.get(PATH).await?;
    assert_eq!(ticket_on(&browser)?, ticket);
    come(&idp, &browser, &ticket).await?.context("no ticket")?;
    let coming = come(&idp, &browser, &ticket).await?.context("no ticket")?;
    assert_eq!(
        call(&idp, (Method::GET, "/app/api/device"), &coming.token, None).await?.status,
        StatusCode::UNAUTHORIZED
    );
    let answer = settle(&idp, &browser, &coming).await?;
    assert_eq!((answer.status, answer.json()?), (StatusCode::OK, json!({ "state": "active" })), "and no number");
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["factor-added", "registered"]);
    let told = idp.arrives(&kari.phone, TOLD).await?;
    assert!(told.text.contains("800 30 300") && !told.text.contains("http"), "{told:?}");
    let mut telephone = Telephone { token: coming.token, key: coming.key };
    let about = telephone.told(&idp).await?.json()?;
    assert_eq!((&about["state"], &about["name"]), (&json!("active"), &json!("Telefonen")));

    // It is good once, and the page says how it stands.
    assert!(come(&idp, &browser, &ticket).await?.is_none());
    browser.get(PATH).await?;
    assert!(browser.shows(ADDED) && browser.shows(READY) && ticket_on(&browser).is_err(), "{}", browser.page.body);
    assert!(!browser.shows("på SMS"), "it says that codes come, and asks whether they may: {}", browser.page.body);
    assert!(!browser.cookies.contains_key("__Host-porten-session"), "it is no login");

    // And logs her in.
    let client = idp.client().await?;
    let mut desk = at_the_app(&idp, &client, &kari).await?;
    let number = number_on(&desk)?;
    assert_eq!(telephone.say_yes(&idp, &number).await?.status, StatusCode::NO_CONTENT);
    assert!(goes_on(&mut desk).await?, "{}", desk.page.body);
    let tokens = idp.redeem(&client, &desk.sent_back("code")?).await?.json()?;
    assert_eq!(claims(&tokens["id_token"])?["amr"], json!(["Minid-APP"]));
    Ok(())
}

// Attack: two tabs, or somebody with a copy of all that the browser has, at the same instant.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_at_once_with_one_ticket_one_becomes_the_app() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, browser, ticket) = just_registered(&idp).await?;
    let mut stranger = idp.browser();
    stranger.get(PATH).await?;
    let both = [&browser, &stranger];
    let comings = join_all((0..100).map(|number| come(&idp, both[number % 2], &ticket))).await;
    let comings: Vec<Coming> = comings.into_iter().collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect();
    assert_eq!(comings.len(), 50, "all of the browser that has the ticket, and none of the other");
    // Each sends its key twice.
    let sent = comings.iter().flat_map(|coming| [coming, coming]).map(|coming| settle(&idp, &browser, coming));
    let answers = join_all(sent).await.into_iter().collect::<anyhow::Result<Vec<Answer>>>()?;
    assert_eq!(answers.len(), 100);
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    assert_eq!(devices(&idp, &kari).await?, 1);
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["factor-added", "registered"]);
    idp.arrives(&kari.phone, TOLD).await?;
    assert_eq!(arrived(&idp, &kari.phone, TOLD), 1);
    Ok(())
}

// Attack: the address was seen, or a key is made elsewhere for what was begun here.
#[tokio::test]
async fn a_ticket_is_none_in_another_browser() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, browser, ticket) = just_registered(&idp).await?;
    let (_, registered, others) = just_registered(&idp).await?;
    let mut fresh = idp.browser();
    fresh.get(PATH).await?;
    for stranger in [&idp.browser(), &fresh, &registered] {
        assert!(come(&idp, stranger, &ticket).await?.is_none());
        // Begun in her browser, and ended in another.
        let coming = come(&idp, &browser, &ticket).await?.context("no ticket")?;
        assert_eq!(settle(&idp, stranger, &coming).await?.error()?, "gone");
    }
    assert!(come(&idp, &browser, &others).await?.is_none());
    for odd in ["", "x", &"x".repeat(5000), "\u{0}"] {
        assert!(come(&idp, &browser, odd).await?.is_none(), "{odd}");
    }
    // A page of another site sends it, in her browser.
    for said in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.test")] {
        let mut attacked = browser.clone();
        attacked.headers.push((said.0, said.1.to_owned()));
        assert!(come(&idp, &attacked, &ticket).await?.is_none(), "{said:?}");
        let coming = come(&idp, &browser, &ticket).await?.context("no ticket")?;
        assert_eq!(settle(&idp, &attacked, &coming).await?.error()?, "gone", "{said:?}");
    }
    assert_eq!(devices(&idp, &kari).await?, 0);
    // None of that has used it up.
    let coming = come(&idp, &browser, &ticket).await?.context("no ticket")?;
    assert_eq!(settle(&idp, &browser, &coming).await?.status, StatusCode::OK);
    Ok(())
}

// Attack: a key that another page has made, or that was made for another time.
#[tokio::test]
async fn the_key_is_made_for_this_page() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, browser, ticket) = just_registered(&idp).await?;
    let begin = async || -> anyhow::Result<Value> {
        call_in(&idp, &browser, (BEGIN, ""), &json!({ "code": ticket })).await?.json()
    };
    let (one, two) = (begin().await?, begin().await?);
    let (token, options) = (text(&one, "token")?, one["options"].to_string());
    assert_eq!(one["options"]["publicKey"]["authenticatorSelection"]["userVerification"], "required");
    let elsewhere = Passkey::make(&options, "https://evil.test")?.1;
    let of_another = Passkey::make(&two["options"].to_string(), ISSUER)?.1;
    for wrong in [elsewhere.as_str(), &of_another, "{}", "null"] {
        let made = json!({ "credential": serde_json::from_str::<Value>(wrong)?, "name": "x", "system": "x" });
        let answer = call_in(&idp, &browser, (FINISH, &token), &made).await?;
        assert_eq!(answer.error()?, "invalid_credential");
    }
    assert_eq!(devices(&idp, &kari).await?, 0);
    let coming = come(&idp, &browser, &ticket).await?.context("no ticket")?;
    assert_eq!(settle(&idp, &browser, &coming).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn it_can_be_done_for_ten_minutes_and_then_from_the_profile_page() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, mut browser, ticket) = just_registered(&idp).await?;
    let first = come(&idp, &browser, &ticket).await?.context("no ticket")?;
    idp.advance(GOOD_FOR.saturating_sub(Duration::from_secs(1)));
    let last = come(&idp, &browser, &ticket).await?.context("no ticket")?;
    assert_eq!(settle(&idp, &browser, &first).await?.error()?, "invalid_credential", "five minutes for the key");
    browser.get(PATH).await?;
    let mut waits = browser.clone();
    idp.advance(Duration::from_secs(1));
    assert!(come(&idp, &browser, &ticket).await?.is_none());
    assert_eq!(settle(&idp, &browser, &last).await?.error()?, "gone");
    assert_eq!(devices(&idp, &kari).await?, 0);
    browser.get(PATH).await?;
    assert!(browser.shows(READY) && ticket_on(&browser).is_err(), "{}", browser.page.body);
    assert!(browser.page.body.contains("href=\"/profil/innlogging/app\""), "{}", browser.page.body);
    // The button on a page that was left open says so.
    send(&mut waits, &[("do", "invite")]).await?;
    assert_eq!(waits.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(waits.shows(OVER) && !waits.page.body.contains(PICTURE), "{}", waits.page.body);
    Ok(())
}

#[tokio::test]
async fn nothing_may_come_in_between() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let world = &idp.app.world;
    for what in ["locked by support", "locked by herself", "closed", "reset", "another password", "registered anew"] {
        let (kari, browser, ticket) = just_registered(&idp).await?;
        let coming = come(&idp, &browser, &ticket).await?.context("no ticket")?;
        let (row, now) = (idp.row_of(&kari).await?, idp.now());
        match what {
            "locked by support" => {
                Person::lock(world.db.pool(), &row.id, "support", now).await?;
            }
            "locked by herself" => {
                Person::lock(world.db.pool(), &row.id, BY_ONESELF, now).await?;
            }
            "closed" => {
                let event = Event::by("closed", &row.id, Actor::System);
                account::close(world, &row.id, "wish", &event, now).await?;
            }
            "reset" => account::reset(world, &row.id, &Event::by("reset", &row.id, Actor::System), now).await?,
            "another password" => {
                let phc = password::hash(world, "reven rusler ut 14").await?.ok().context("busy")?;
                let mut tx = world.db.begin().await?;
                password::set(&mut tx, &row.id, &phc, now).await?;
                tx.commit().await?;
            }
            // In the same second, with the same password.
            _ => {
                let code = code_for(&idp, &kari, Source::Letter).await?.grouped();
                let again = TestPerson { phone: unregistered()?.phone, ..kari.clone() };
                assert!(activated(&idp, &again, &code).await?.shows(READY));
            }
        }
        assert_eq!(settle(&idp, &browser, &coming).await?.error()?, "gone", "{what}");
        assert!(come(&idp, &browser, &ticket).await?.is_none(), "{what}");
        assert_eq!(devices(&idp, &kari).await?, 0, "{what}");
        let mut page = browser.clone();
        page.get(PATH).await?;
        assert!(ticket_on(&page).is_err(), "{what}: {}", page.page.body);
    }
    Ok(())
}

// A shared machine: the next one comes, and presses what was meant for somebody else.
#[tokio::test]
async fn whoever_comes_next_in_the_same_browser_ends_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, mut browser, ticket) = just_registered(&idp).await?;
    let mut other_tab = browser.clone();
    send(&mut browser, &[("do", "again")]).await?;
    assert!(browser.shows(FIRST_PAGE) && come(&idp, &browser, &ticket).await?.is_none());
    let (ola, of_ola) = with_letter(&idp).await?;
    type_code(&mut browser, &ola.fnr, &of_ola).await?;
    prove_mobile(&idp, &mut browser, &ola.phone).await?;
    send(&mut browser, &[("do", "skip")]).await?;
    choose(&mut browser, NEW).await?;
    let his = ticket_on(&browser)?;
    assert!(his != ticket && come(&idp, &browser, &ticket).await?.is_none());
    // Her page in another tab invites nobody in his name.
    send(&mut other_tab, &[("do", "invite")]).await?;
    assert!(other_tab.shows(READY) && !other_tab.page.body.contains(PICTURE), "{}", other_tab.page.body);
    let coming = come(&idp, &browser, &his).await?.context("no ticket")?;
    assert_eq!(settle(&idp, &browser, &coming).await?.status, StatusCode::OK);
    assert_eq!((devices(&idp, &kari).await?, devices(&idp, &ola).await?), (0, 1));
    Ok(())
}

#[tokio::test]
async fn another_device_scans_a_picture_and_shows_a_number_as_from_the_profile_page() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, mut browser, ticket) = just_registered(&idp).await?;
    send(&mut browser, &[("do", "invite")]).await?;
    assert!(browser.page.body.contains(PICTURE), "{}", browser.page.body);
    assert!(browser.shows("Du registrerer MinID for Rolig Elv."), "{}", browser.page.body);
    let code = browser.between("/app#", "\"")?;
    // Also where it is opened in this browser an invitation is one, and the number is asked for.
    let here = come(&idp, &browser, &code).await?.context("no invitation")?;
    let number = text(&settle(&idp, &browser, &here).await?.json()?, "number")?;
    assert_eq!((number.len(), devices(&idp, &kari).await?), (2, 0));

    send(&mut browser, &[("do", "invite")]).await?;
    let (telephone, number) = Telephone::come(&idp, &browser.between("/app#", "\"")?, "Telefonen").await?;
    for (typed, words) in [
        ("", "Skriv inn tallet som står i appen."),
        (other(&number).as_str(), "Telefonen (Android) ber om å bli MinID-appen din"),
    ] {
        send(&mut browser, &[("do", "next"), ("code", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(browser.shows(words) && browser.page.body.contains("code-problem"), "{}", browser.page.body);
    }
    assert_eq!(telephone.state(&idp).await?, "pending");
    send(&mut browser, &[("do", "next"), ("code", &number)]).await?;
    assert!(browser.shows(ADDED) && browser.at == PATH, "{} {}", browser.at, browser.page.body);
    assert_eq!(telephone.state(&idp).await?, "active");
    idp.arrives(&kari.phone, TOLD).await?;
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["factor-added", "registered"]);
    // One ticket, one device.
    assert!(come(&idp, &browser, &ticket).await?.is_none());
    Ok(())
}

// Attack: both ways at the same instant.
#[tokio::test(flavor = "multi_thread")]
async fn both_ways_at_once_make_one_device() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for _ in 0..5 {
        let (kari, browser, ticket) = just_registered(&idp).await?;
        let coming = come(&idp, &browser, &ticket).await?.context("no ticket")?;
        let mut page = browser.clone();
        send(&mut page, &[("do", "invite")]).await?;
        let (_, number) = Telephone::come(&idp, &page.between("/app#", "\"")?, "Telefonen").await?;
        let form = [("do", "next"), ("code", number.as_str())];
        let (here, there) = tokio::join!(settle(&idp, &browser, &coming), send(&mut page, &form));
        there?;
        let is_here = here?.status == StatusCode::OK;
        assert_eq!(devices(&idp, &kari).await?, 1, "here: {is_here}");
    }
    Ok(())
}

#[tokio::test]
async fn the_app_without_a_person_leads_to_both_doors_in_its_own_window() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let mut app = idp.browser();
    app.get("/app").await?;
    assert!(app.shows("Jeg har en aktiveringskode") && app.shows("Bestill aktiveringsbrev"), "{}", app.page.body);
    let without_script = app.between("<noscript>", "</noscript>")?;
    let manifest = idp.browser().get("/app/manifest.webmanifest").await?.page.json()?;
    let scope = text(&manifest, "scope")?;
    for door in [IN_APP, ORDER_IN_APP] {
        let link = format!("href=\"{door}\"");
        assert!(without_script.contains(&link) && app.page.body.matches(&link).count() == 2, "{}", app.page.body);
        assert!(door.starts_with(&scope), "{door} opens outside of the app");
    }
    // A service's login stays in the browser in which it was begun.
    assert!(!"/authorize".starts_with(&scope) && !"/login/a/b".starts_with(&scope));
    // From door to door, and back.
    for (door, next) in [(IN_APP, ORDER_IN_APP), (ORDER_IN_APP, IN_APP)] {
        let mut browser = idp.browser();
        browser.get(door).await?;
        assert!(browser.shows("Tilbake til MinID-appen") && browser.page.body.contains("href=\"/app\""));
        assert!(browser.page.body.contains(&format!("href=\"{next}\"")), "{}", browser.page.body);
        assert_eq!(browser.action()?, door);
        browser.get(&format!("/language?to=nn&back={door}")).await?;
        assert_eq!(browser.at, door);
        browser.get(door.trim_start_matches("/app")).await?;
        assert!(!browser.shows("Tilbake til MinID-appen"), "{}", browser.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn a_registration_in_the_apps_window_stays_there_to_the_end() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let mut browser = idp.browser();
    browser.get(IN_APP).await?;
    type_code(&mut browser, &kari.fnr, &code).await?;
    assert!(browser.shows(MOBILE_PAGE) && browser.at == IN_APP, "{} {}", browser.at, browser.page.body);
    // It is the same errand at both addresses.
    let mut tab = browser.clone();
    tab.get(PATH).await?;
    assert!(tab.shows(MOBILE_PAGE), "{}", tab.page.body);
    prove_mobile(&idp, &mut browser, &kari.phone).await?;
    send(&mut browser, &[("do", "skip")]).await?;
    choose(&mut browser, NEW).await?;
    assert!(browser.shows(READY) && browser.at == IN_APP, "{} {}", browser.at, browser.page.body);
    assert!(browser.shows("Tilbake til MinID-appen"));
    let coming = come(&idp, &browser, &ticket_on(&browser)?).await?.context("no ticket")?;
    assert_eq!(settle(&idp, &browser, &coming).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn each_reads_the_offer_in_their_own_language() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (_, mut browser, _) = just_registered(&idp).await?;
    for (language, here, elsewhere) in [
        ("nn", "Bruk denne eininga som MinID-app", "Vis QR-kode til ei anna eining"),
        ("en", "Use this device as MinID app", "Show a QR code for another device"),
    ] {
        browser.get(&format!("/language?to={language}&back={PATH}")).await?;
        assert!(browser.shows(here) && browser.shows(elsewhere), "{}", browser.page.body);
    }
    Ok(())
}
