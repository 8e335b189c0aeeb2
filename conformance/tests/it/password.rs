//! Guessing passwords.

use std::time::Duration;

use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson, unregistered};
use futures_util::future::join_all;

/// A browser at MinID's first page.
async fn at_the_password(idp: &TestIdp, client: &TestClient) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.answer(&[("eid", "minid")]).await?;
    Ok(browser)
}

async fn guess(browser: &mut Browser, fnr: &str, password: &str) -> anyhow::Result<StatusCode> {
    browser.answer(&[("do", "next"), ("fnr", fnr), ("password", password)]).await?;
    Ok(browser.page.status)
}

async fn points(idp: &TestIdp) -> anyhow::Result<Vec<(i64, i64, Option<i64>)>> {
    let rows = sqlx::query_as("SELECT points, quarantines, locked_at FROM attempt_ledger");
    Ok(rows.fetch_all(idp.app.world.db.pool()).await?)
}

#[tokio::test]
async fn five_wrong_ones_pause_minid_for_an_hour_and_three_pauses_lock_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for round in 1..=3 {
        let mut browser = at_the_password(&idp, &client).await?;
        for _ in 0..5 {
            assert_eq!(guess(&mut browser, &kari.fnr, "wrong").await?, StatusCode::UNPROCESSABLE_ENTITY);
        }
        guess(&mut browser, &kari.fnr, &kari.password).await?;
        let words = if round < 3 { "pause" } else { "sperret" };
        assert!(browser.page.body.to_lowercase().contains(words), "round {round}: {}", browser.page.body);
        idp.advance(Duration::from_mins(61));
    }
    idp.advance(Duration::from_hours(24 * 30));
    let mut browser = at_the_password(&idp, &client).await?;
    guess(&mut browser, &kari.fnr, &kari.password).await?;
    assert!(browser.page.body.to_lowercase().contains("sperret"), "a lock does not open by itself");
    assert_eq!(idp.sms_count(&kari), 0);
    Ok(())
}

#[tokio::test]
async fn a_pause_ends_and_a_whole_login_forgives() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for _ in 0..4 {
        let mut browser = at_the_password(&idp, &client).await?;
        for _ in 0..5 {
            guess(&mut browser, &kari.fnr, "wrong").await?;
        }
        idp.advance(Duration::from_mins(61));
        // A fresh login each time, in a browser that is forgotten afterwards.
        let mut browser = at_the_password(&idp, &client).await?;
        browser.log_in(&idp, &kari).await?;
        assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn the_right_password_alone_forgives_nothing() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for _ in 0..4 {
        guess(&mut at_the_password(&idp, &client).await?, &kari.fnr, "wrong").await?;
        at_the_password(&idp, &client).await?.give_password(&kari).await?;
    }
    assert_eq!(points(&idp).await?[0].0, 12);
    guess(&mut at_the_password(&idp, &client).await?, &kari.fnr, "wrong").await?;
    let mut browser = at_the_password(&idp, &client).await?;
    browser.give_password(&kari).await?;
    assert!(browser.page.body.to_lowercase().contains("pause"));
    Ok(())
}

// Attack: counter race.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_guesses_at_once_no_more_are_looked_at_than_the_limit() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    // 150 browsers; the right password comes with every one of the last 100.
    let mut browsers = Vec::new();
    for _ in 0..150 {
        browsers.push(at_the_password(&idp, &client).await?);
    }
    let (wrong, right) = browsers.split_at_mut(50);
    join_all(wrong.iter_mut().map(|browser| guess(browser, &kari.fnr, "wrong"))).await;
    join_all(right.iter_mut().map(|browser| guess(browser, &kari.fnr, &kari.password))).await;
    let through = right.iter().filter(|browser| browser.page.body.contains("one-time-code")).count();
    assert_eq!(through, 0, "the lane was closed by the first five");
    let told = right.iter().filter(|browser| browser.page.body.to_lowercase().contains("pause")).count();
    assert!(told <= 5, "{told} were looked at after that");
    assert_eq!(points(&idp).await?.first().map(|row| row.1), Some(1), "one quarantine and not more");
    assert_eq!(idp.sms_count(&kari), 0);
    Ok(())
}

// Attack: one person, one counter, however the number is typed.
#[tokio::test]
async fn no_way_of_typing_a_number_has_a_counter_of_its_own() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let spaced = format!(" {} {}\u{a0}", &kari.fnr[..6], &kari.fnr[6..]);
    let wide: String = kari.fnr.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect();
    let plus = format!("+47{}", kari.fnr);
    let mut browser = at_the_password(&idp, &client).await?;
    for typed in [&kari.fnr, &spaced, &wide, &plus, &kari.fnr, &spaced, &kari.fnr] {
        guess(&mut browser, typed, "wrong").await?;
    }
    let rows = points(&idp).await?;
    assert_eq!((rows.len(), rows[0].1), (1, 1), "five counted, two were no numbers");
    Ok(())
}

// Attack: lockout as an attack.
#[tokio::test]
async fn who_knows_only_the_number_cannot_lock_its_owner_out() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = idp.browser();
    own.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    for _ in 0..3 {
        let mut attacker = at_the_password(&idp, &client).await?;
        attacker.cookies.insert("__Host-porten-known".into(), "guessed".into());
        for _ in 0..8 {
            guess(&mut attacker, &kari.fnr, "wrong").await?;
        }
        idp.advance(Duration::from_mins(61));
    }
    let mut stranger = at_the_password(&idp, &client).await?;
    stranger.give_password(&kari).await?;
    assert!(stranger.page.body.to_lowercase().contains("sperret"));
    own.get(&idp.authorize(&client, &[("prompt", "login")])).await?.log_in(&idp, &kari).await?;
    assert!(own.sent_back("code").is_ok(), "the owner's own browser has a lane of its own");
    // Which is counted as well.
    own.get(&idp.authorize(&client, &[("prompt", "login")])).await?.answer(&[("eid", "minid")]).await?;
    for _ in 0..5 {
        guess(&mut own, &kari.fnr, "wrong").await?;
    }
    own.give_password(&kari).await?;
    assert!(own.page.body.to_lowercase().contains("pause"));
    Ok(())
}

#[tokio::test]
async fn a_known_browser_is_known_for_its_own_people_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    browser.get(&idp.authorize(&client, &[("prompt", "login")])).await?.answer(&[("eid", "minid")]).await?;
    for _ in 0..5 {
        guess(&mut browser, &ola.fnr, "wrong").await?;
    }
    let mut stranger = at_the_password(&idp, &client).await?;
    stranger.give_password(&ola).await?;
    assert!(stranger.page.body.to_lowercase().contains("pause"), "counted in the strangers' lane");
    Ok(())
}

#[tokio::test]
async fn one_address_cannot_try_everybody() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let nobody: Vec<TestPerson> = (0..10).map(|_| unregistered()).collect::<Result<_, _>>()?;
    let mut browser = at_the_password(&idp, &client).await?;
    // Attack: what the browser says of its address counts for nothing, unless a proxy of ours says it.
    browser.headers.push(("x-forwarded-for", "203.0.113.9".to_owned()));
    let mut last = StatusCode::OK;
    for number in 0..301 {
        last = guess(&mut browser, &nobody[number % 10].fnr, "wrong").await?;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert!(browser.page.header("retry-after").is_some());
    idp.advance(Duration::from_mins(10));
    assert_eq!(guess(&mut browser, &nobody[0].fnr, "wrong").await?, StatusCode::UNPROCESSABLE_ENTITY);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_logins_is_asked_to_come_again_and_nothing_is_counted() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| {
        (setup.hashing.memory_kib, setup.hashing.iterations) = (65_536, 2);
        (setup.hashing.threads, setup.hashing.queue) = (1, 1);
    })
    .await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browsers = Vec::new();
    for _ in 0..30 {
        browsers.push(at_the_password(&idp, &client).await?);
    }
    let people: Vec<TestPerson> = (0..30).map(|_| unregistered()).collect::<Result<_, _>>()?;
    join_all(browsers.iter_mut().zip(&people).map(|(browser, who)| guess(browser, &who.fnr, "wrong"))).await;
    let busy: Vec<_> = browsers.iter().filter(|b| b.page.status == StatusCode::SERVICE_UNAVAILABLE).collect();
    assert!(!busy.is_empty() && busy.len() < 30, "{}", busy.len());
    assert!(busy.iter().all(|browser| browser.page.header("retry-after").is_some()));
    assert!(busy.iter().all(|browser| browser.page.body.contains("name=\"password\"")), "the page to try again on");
    let counted: i64 = points(&idp).await?.iter().map(|row| row.0).sum();
    assert_eq!(counted, 3 * i64::try_from(30 - busy.len())?);
    let mut browser = at_the_password(&idp, &client).await?;
    browser.log_in(&idp, &kari).await?;
    assert!(browser.sent_back("code").is_ok());
    Ok(())
}

#[tokio::test]
async fn a_hash_grows_with_the_configuration() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let row = idp.row_of(&kari).await?;
    let world = &idp.app.world;
    let weak =
        authenticators::hashing::HashingConfig { memory_kib: 32, iterations: 1, parallelism: 1, threads: 1, queue: 1 };
    let weak = authenticators::hashing::Hasher::start(weak)?.hash(&kari.password, [1; 16]).await?;
    let phc = weak.map_err(|_| anyhow::anyhow!("busy"))?;
    sqlx::query("UPDATE password SET phc = $1").bind(phc).execute(world.db.pool()).await?;
    let mut browser = at_the_password(&idp, &client).await?;
    guess(&mut browser, &kari.fnr, "wrong").await?;
    let stored = || authenticators::password::stored(world.db.pool(), Some(&row.id));
    assert!(stored().await?.is_some_and(|phc| phc.contains("m=32,")), "a wrong password changes nothing");
    browser.log_in(&idp, &kari).await?;
    assert!(stored().await?.is_some_and(|phc| phc.contains("m=64,")));
    browser.get(&idp.authorize(&client, &[("prompt", "login")])).await?.log_in(&idp, &kari).await?;
    assert!(browser.sent_back("code").is_ok(), "and it is the same password");
    Ok(())
}

// Attack: hanging up while a password is compared, so that what was counted is never settled.
#[tokio::test]
async fn hanging_up_leaves_nothing_unsettled() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| (setup.hashing.memory_kib, setup.hashing.iterations) = (32_768, 2)).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    // What was counted is settled all the same, and says how it stands to the right password. Whoever hangs up before
    // it was read has not guessed, so this is done until it has been enough.
    let mut told = false;
    for _ in 0..50 {
        let mut browser = at_the_password(&idp, &client).await?;
        let hung_up = tokio::time::timeout(Duration::from_millis(15), guess(&mut browser, &kari.fnr, "wrong")).await;
        drop(hung_up);
        tokio::time::sleep(Duration::from_millis(100)).await;
        told = points(&idp).await?.first().is_some_and(|row| row.1 == 1);
        if told {
            break;
        }
    }
    assert!(told, "{:?}", points(&idp).await?);
    let mut browser = at_the_password(&idp, &client).await?;
    browser.give_password(&kari).await?;
    assert!(browser.page.body.to_lowercase().contains("pause"), "{}", browser.page.body);
    Ok(())
}
