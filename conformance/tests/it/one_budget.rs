//! Whoever guesses has one budget, whatever they guess: another factor, another login, another code and another day bring
//! no new tries.

use std::time::Duration;

use anyhow::Context;
use authenticators::activation::Source;
use authenticators::contact::{Channel, Phone};
use authenticators::otc::{self, Errand, Order, Words};
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson, unregistered};
use conformance::overheard::listen;
use futures_util::future::join_all;
use tracing::Instrument;

use crate::activate::{MOBILE_PAGE, PATH, READY, activated, begin, code_for, newcomer};
use crate::forgotten::at_the_question;
use crate::recovery_code::add_list;
use crate::totp::{add_app, code_of, wrong_code};

const PAUSED: &str = "MinID er satt på pause";
const LOCKED: &str = "MinID er sperret";

/// After the password, at the page for this method, if they are let in so far.
async fn at(idp: &TestIdp, client: &TestClient, (person, method): (&TestPerson, &str)) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    if browser.page.body.contains("value=\"method\"") {
        browser.answer(&[("do", "method")]).await?.answer(&[("method", method)]).await?;
    }
    Ok(browser)
}

/// Guesses; whether it was looked at and is told to be wrong.
async fn guess(browser: &mut Browser, code: &str) -> anyhow::Result<bool> {
    if !browser.page.body.contains("name=\"code\"") {
        return Ok(false);
    }
    browser.answer(&[("do", "next"), ("code", code)]).await?;
    Ok(browser.shows("Feil kode") || browser.shows("Koden er feil"))
}

async fn ledger(idp: &TestIdp) -> anyhow::Result<Vec<(String, i64, i64)>> {
    let query = sqlx::query_as("SELECT lane, points, quarantines FROM attempt_ledger");
    Ok(query.fetch_all(idp.app.world.db.pool()).await?)
}

// Attack: the password is known, and what comes after it is guessed in turn, for days.
#[tokio::test]
async fn another_factor_and_another_day_bring_no_new_tries() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    let list = add_list(&idp, &kari).await?;
    let mut looked_at = 0;
    // Two and a half days, and each hour the next kind.
    for round in 0..60 {
        let method = ["totp", "otc", "recovery_code"][round % 3];
        let mut browser = at(&idp, &client, (&kari, method)).await?;
        let code = match method {
            "totp" => wrong_code(&app, idp.now())?,
            "otc" => if idp.last_code(&kari).is_ok_and(|code| code == "11111") { "22222" } else { "11111" }.to_owned(),
            _ => "aaaaa-aaaaa".to_owned(),
        };
        // The third would end the login, and none is worth more than another.
        for _ in 0..2 {
            looked_at += usize::from(guess(&mut browser, &code).await?);
        }
        idp.advance(Duration::from_mins(61));
    }
    assert!((30..=45).contains(&looked_at), "{looked_at} guesses");
    // And then the right ones, one of each.
    for (method, code) in [("totp", code_of(&app.typed(), idp.now())?), ("recovery_code", list[0].clone())] {
        let mut browser = at(&idp, &client, (&kari, method)).await?;
        assert!(browser.shows(LOCKED), "{method}: {}", browser.page.body);
        guess(&mut browser, &code).await?;
        assert!(browser.sent_back("code").is_err(), "{method}");
    }
    Ok(())
}

#[tokio::test]
async fn passwords_and_codes_are_counted_together() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.answer(&[("eid", "minid")]).await?;
    for _ in 0..3 {
        browser.answer(&[("do", "next"), ("fnr", &kari.fnr), ("password", "not the one")]).await?;
    }
    for _ in 0..3 {
        let mut browser = at(&idp, &client, (&kari, "totp")).await?;
        for _ in 0..2 {
            guess(&mut browser, &wrong_code(&app, idp.now())?).await?;
        }
    }
    assert_eq!(ledger(&idp).await?, [("strangers".to_owned(), 0, 1)], "nine and six are fifteen");
    assert!(at(&idp, &client, (&kari, "totp")).await?.shows(PAUSED));
    Ok(())
}

// Attack: a hundred logins are opened with the right password, and all guess at the same instant.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_guesses_at_once_in_as_many_logins_the_budget_is_looked_at() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    let list = add_list(&idp, &kari).await?;
    let mut browsers = Vec::new();
    for _ in 0..100 {
        browsers.push(at(&idp, &client, (&kari, "recovery_code")).await?);
    }
    let mut by_app = browsers.iter().skip(50).take(2).cloned().collect::<Vec<_>>();
    for browser in &mut by_app {
        browser.answer(&[("do", "method")]).await?.answer(&[("method", "totp")]).await?;
        for _ in 0..2 {
            assert!(guess(browser, &wrong_code(&app, idp.now())?).await?, "{}", browser.page.body);
        }
    }
    let listener = listen();
    // Each compares by one statement, and no other does that.
    let all = join_all(browsers.iter_mut().map(|browser| guess(browser, "aaaaa-aaaaa")));
    all.instrument(listener.span()).await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let compared = listener.statements().iter().filter(|sql| sql.starts_with("UPDATE recovery_code")).count();
    assert_eq!(compared, 11, "four had been of the app");
    assert_eq!(ledger(&idp).await?, [("strangers".to_owned(), 0, 1)]);
    for browser in browsers.iter_mut().take(3) {
        guess(browser, &list[0]).await?;
        assert!(browser.sent_back("code").is_err(), "the right one is too late");
    }
    Ok(())
}

// Attack: nothing is known but the identifier, and the codes for another password are guessed all day.
#[tokio::test]
async fn the_codes_for_another_password_have_a_budget_of_the_day() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut looked_at = 0;
    for _ in 0..24 {
        for _ in 0..6 {
            let mut browser = at_the_question(&idp, &client, &kari).await?;
            browser.answer(&[("do", "next"), ("fnr", &kari.fnr)]).await?;
            idp.app.world.tasks.settle().await;
            for code in ["11111", "22222", "33333"] {
                let is_told = guess(&mut browser, code).await?;
                // The third is looked at as well, and ends the way.
                looked_at += usize::from(is_told || browser.page.body.contains("name=\"password\""));
            }
        }
        idp.advance(Duration::from_hours(1));
    }
    // Fifteen an hour at most; and those beyond the third code of an hour are of none that was sent.
    assert!((100..=24 * 15).contains(&looked_at), "{looked_at}");
    assert!(idp.sms_count(&kari) <= 24 * 3, "{} of three tries each", idp.sms_count(&kari));
    // Her own login is not shut by that.
    idp.advance(Duration::from_hours(1));
    let mut own = idp.browser();
    own.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    assert!(own.sent_back("code").is_ok(), "{}", own.page.body);
    Ok(())
}

// Attack: activation codes are guessed, and a new code or another person brings no new guesses.
#[tokio::test]
async fn guesses_at_activation_codes_are_of_one_address_whatever_codes_there_are() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| setup.trusted_proxies = vec!["127.0.0.0/8".to_owned()]).await?;
    let (kari, ola) = (newcomer(&idp).await?, newcomer(&idp).await?);
    let mut browser = idp.browser();
    browser.headers.push(("x-forwarded-for", "203.0.113.7".to_owned()));
    browser.get(PATH).await?;
    let mut code = String::new();
    for number in 0..300 {
        // A letter, then a code from school, and so on: each ends the other.
        if number % 100 == 0 {
            let source = if number == 100 { Source::School } else { Source::Letter };
            code = code_for(&idp, &kari, source).await?.grouped();
        }
        let typed = format!("BBBBB-{}", "CDFGH".chars().cycle().skip(number % 5).take(5).collect::<String>());
        let typed = format!("{typed}-{}", &code[12..]);
        let whom = if number % 2 == 0 { &kari } else { &ola };
        begin(&mut browser, &whom.fnr, &typed).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{number}: {}", browser.page.body);
    }
    code = code_for(&idp, &kari, Source::Letter).await?.grouped();
    begin(&mut browser, &kari.fnr, &code).await?;
    assert_eq!(browser.page.status, StatusCode::TOO_MANY_REQUESTS, "{}", browser.page.body);
    // Nobody else is kept out by it, and nobody for longer than an hour.
    let mut own = idp.browser();
    own.get(PATH).await?;
    begin(&mut own, &kari.fnr, &code).await?;
    assert!(own.shows(MOBILE_PAGE), "{}", own.page.body);
    idp.advance(Duration::from_mins(61));
    let code = code_for(&idp, &ola, Source::Letter).await?.grouped();
    begin(&mut browser, &ola.fnr, &code).await?;
    assert!(browser.shows(MOBILE_PAGE), "{}", browser.page.body);
    Ok(())
}

// A municipality has one address for all its schools, and what others do there keeps no class out.
#[tokio::test(flavor = "multi_thread")]
async fn classes_register_behind_an_address_that_has_nothing_left() -> anyhow::Result<()> {
    const CLASSES: usize = 10;
    const CLASS: usize = 30;
    let idp = TestIdp::start().await?;
    let mut page = idp.browser();
    page.get(PATH).await?;
    let other = newcomer(&idp).await?;
    for number in 0..301 {
        let typed: String = (0..3).map(|place| char::from(b"BCDFGHKL"[(number >> (3 * place)) & 7])).collect();
        begin(&mut page, &other.fnr, &format!("BBBBB-BBBBB-BB{typed}")).await?;
    }
    assert_eq!(page.page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.page.body);
    let (world, now) = (&idp.app.world, idp.now());
    let from = "127.0.0.1".parse()?;
    for _ in 0..300 {
        let to = Channel::Mobile(Phone::parse(&unregistered()?.phone).context("no telephone")?);
        let order = Order { to: &to, person: None, from, errand: Errand::Proof };
        let words = |code: &str| Words { subject: String::new(), text: code.to_owned() };
        otc::send(world, &order, words, now).await?;
    }
    // All of them within the hour, a class at a time.
    for _ in 0..CLASSES {
        let mut class = Vec::new();
        for _ in 0..CLASS {
            let pupil = newcomer(&idp).await?;
            class.push((code_for(&idp, &pupil, Source::School).await?.grouped(), pupil));
        }
        let done = join_all(class.iter().map(|(code, pupil)| activated(&idp, pupil, code))).await;
        for browser in done {
            let browser = browser?;
            assert!(browser.shows(READY), "{}", browser.page.body);
        }
        idp.advance(Duration::from_mins(5));
    }
    Ok(())
}
