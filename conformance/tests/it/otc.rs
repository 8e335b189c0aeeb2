//! The code by SMS, and those who guess it.

use std::time::Duration;

use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson};
use futures_util::future::join_all;

async fn at_the_code(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    Ok(browser)
}

fn wrong(right: &str) -> String {
    right.chars().map(|c| if c == '9' { '0' } else { char::from_u32(u32::from(c) + 1).unwrap_or('0') }).collect()
}

#[tokio::test]
async fn a_code_is_good_for_five_minutes_and_three_tries() -> anyhow::Result<()> {
    const DIGITS: &str = "Koden skal ha 5 siffer.";
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    let code = idp.last_code(&kari)?;
    assert_eq!(code.len(), 5);
    for (typed, words) in [("", "Skriv inn koden du fikk på SMS."), ("123", DIGITS), ("abcde", DIGITS)] {
        browser.answer(&[("do", "next"), ("code", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(browser.shows(words), "{typed}: {}", browser.page.body);
    }
    for _ in 0..2 {
        browser.answer(&[("do", "next"), ("code", &wrong(&code))]).await?;
        assert!(browser.shows("Feil kode"), "{}", browser.page.body);
    }
    let mut third = browser.clone();
    third.answer(&[("do", "next"), ("code", &wrong(&code))]).await?;
    assert!(third.page.body.contains("name=\"password\""), "back to the password");
    // The code is void, in every tab.
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.sent_back("code").is_err());

    idp.advance(Duration::from_secs(31));
    let mut late = at_the_code(&idp, &client, &kari).await?;
    idp.advance(Duration::from_mins(5));
    let code = idp.last_code(&kari)?;
    late.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(late.sent_back("code").is_err() && late.page.body.contains("value=\"resend\""));
    Ok(())
}

#[tokio::test]
async fn spaces_in_a_code_are_no_harm() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    let code = idp.last_code(&kari)?;
    browser.answer(&[("do", "next"), ("code", &format!(" {} {} ", &code[..2], &code[2..]))]).await?;
    assert!(browser.sent_back("code").is_ok());
    Ok(())
}

#[tokio::test]
async fn more_time_and_a_new_code_can_be_asked_for() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    let first = idp.last_code(&kari)?;
    browser.answer(&[("do", "resend")]).await?;
    assert_eq!(idp.sms_count(&kari), 1, "not before half a minute has gone");
    idp.advance(Duration::from_mins(4));
    browser.answer(&[("do", "extend")]).await?;
    idp.advance(Duration::from_mins(4));
    let mut extended = browser.clone();
    extended.answer(&[("do", "next"), ("code", &first)]).await?;
    assert!(extended.sent_back("code").is_ok(), "eight minutes, since more time was asked for");

    let mut browser = at_the_code(&idp, &client, &kari).await?;
    let old = idp.last_code(&kari)?;
    idp.advance(Duration::from_secs(31));
    browser.answer(&[("do", "resend")]).await?;
    let new = idp.last_code(&kari)?;
    if old != new {
        browser.answer(&[("do", "next"), ("code", &old)]).await?;
        assert!(browser.sent_back("code").is_err(), "the old code ended with the new one");
    }
    browser.answer(&[("do", "next"), ("code", &new)]).await?;
    assert!(browser.sent_back("code").is_ok());
    Ok(())
}

#[tokio::test]
async fn another_method_can_be_chosen() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    let code = idp.last_code(&kari)?;
    browser.answer(&[("do", "method")]).await?;
    assert!(browser.shows("Kode på SMS") && browser.shows("Vi har sendt deg en kode"));
    browser.answer(&[("method", "otc")]).await?;
    assert_eq!(idp.sms_count(&kari), 1, "the code that is on its way is still good");
    let mut other = browser.clone();
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.sent_back("code").is_ok());
    other.get(&idp.authorize(&client, &[("prompt", "login")])).await?;
    assert!(other.shows("Velg innloggingsmetode"));
    Ok(())
}

// Attack: brute force in one session, in bursts.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_burst_of_codes_three_are_looked_at() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let browser = at_the_code(&idp, &client, &kari).await?;
    let right = idp.last_code(&kari)?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    let guesses: Vec<String> =
        (0..100_000).map(|n| format!("{n:05}")).filter(|code| *code != right).step_by(997).collect();
    assert!(guesses.len() >= 100);
    let mut browsers: Vec<Browser> = guesses.iter().map(|_| browser.clone()).collect();
    join_all(browsers.iter_mut().zip(&guesses).map(|(browser, guess)| {
        let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", guess)];
        let action = action.as_str();
        async move { browser.post(action, &form).await.map(|_| ()) }
    }))
    .await
    .into_iter()
    .collect::<anyhow::Result<()>>()?;
    let rows: Vec<(i64,)> =
        sqlx::query_as("SELECT points FROM attempt_ledger").fetch_all(idp.app.world.db.pool()).await?;
    assert_eq!(rows, [(3,)], "exactly three were compared, of {}", guesses.len());
    // And then the right one.
    let mut late = browser.clone();
    late.post(&action, &[("csrf", &csrf), ("do", "next"), ("code", &right)]).await?;
    assert!(late.sent_back("code").is_err() && !late.cookies.contains_key("__Host-porten-session"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_with_the_right_code_at_once_one_goes_through() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let browser = at_the_code(&idp, &client, &kari).await?;
    let code = idp.last_code(&kari)?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    let mut browsers: Vec<Browser> = (0..200).map(|_| browser.clone()).collect();
    join_all(browsers.iter_mut().map(|browser| {
        let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", code.as_str())];
        let action = action.as_str();
        async move { browser.post_only(action, &form).await.map(|_| ()) }
    }))
    .await
    .into_iter()
    .collect::<anyhow::Result<()>>()?;
    let led = browsers.iter().filter_map(|browser| browser.page.header("location"));
    let to_service: Vec<&str> = led.filter(|to| to.starts_with("https://a.test")).collect();
    assert_eq!(to_service.len(), 1, "{to_service:?}");
    // Whoever else got a session holds the same one under its last name: one at the most is alive.
    let mut alive = 0;
    for browser in &mut browsers {
        browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
        alive += usize::from(browser.sent_back("code").is_ok());
    }
    assert_eq!(alive, 1);
    Ok(())
}

// Attack: brute force across sessions and by asking for new codes.
#[tokio::test]
async fn guesses_are_counted_over_all_sessions() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut looked_at = 0;
    for _ in 0..40 {
        let mut browser = at_the_code(&idp, &client, &kari).await?;
        // Two in each session, with a new code in between.
        for _ in 0..2 {
            if !browser.page.body.contains("one-time-code") {
                break;
            }
            let code = idp.last_code(&kari)?;
            browser.answer(&[("do", "next"), ("code", &wrong(&code))]).await?;
            looked_at += usize::from(browser.shows("Feil kode"));
            idp.advance(Duration::from_secs(31));
            browser.answer(&[("do", "resend")]).await?;
        }
        idp.advance(Duration::from_mins(20));
    }
    assert!(looked_at <= 45, "{looked_at} guesses of 100,000 in fourteen hours");
    let rows: Vec<(i64,)> =
        sqlx::query_as("SELECT quarantines FROM attempt_ledger").fetch_all(idp.app.world.db.pool()).await?;
    assert!(rows[0].0 >= 1, "the lane was closed on the way");
    Ok(())
}

#[tokio::test]
async fn a_new_code_brings_no_new_tries() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    for _ in 0..2 {
        let code = idp.last_code(&kari)?;
        browser.answer(&[("do", "next"), ("code", &wrong(&code))]).await?;
        idp.advance(Duration::from_secs(31));
        browser.answer(&[("do", "resend")]).await?;
    }
    let code = idp.last_code(&kari)?;
    browser.answer(&[("do", "next"), ("code", &wrong(&code))]).await?;
    assert!(browser.page.body.contains("name=\"password\""), "the third wrong one");
    Ok(())
}

// Attack: one telephone gets five codes an hour, whoever asks.
#[tokio::test]
async fn a_telephone_has_its_share_of_codes() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for _ in 0..8 {
        at_the_code(&idp, &client, &kari).await?;
    }
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    assert_eq!(idp.sms_count(&kari), 5);
    assert!(browser.page.body.contains("role=\"alert\""), "{}", browser.page.body);
    idp.advance(Duration::from_mins(61));
    browser = at_the_code(&idp, &client, &kari).await?;
    let code = idp.last_code(&kari)?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.sent_back("code").is_ok());
    // Wrong passwords send nothing at all.
    let ola = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.answer(&[("eid", "minid")]).await?;
    browser.answer(&[("do", "next"), ("fnr", &ola.fnr), ("password", "wrong")]).await?;
    assert_eq!(idp.sms_count(&ola), 0);
    Ok(())
}
