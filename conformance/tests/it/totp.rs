//! The code of an app (RFC 6238): each once, one step early or late, and those who guess it.

use std::time::Duration;

use anyhow::anyhow;
use authenticators::clock::Timestamp;
use authenticators::totp::{self, NewTotp};
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson, claims};
use futures_util::future::join_all;
use serde_json::json;
use totp_rs::{Builder, Secret};

const STEP: Duration = Duration::from_secs(30);

/// Gives a person an app that makes codes.
pub(crate) async fn add_app(idp: &TestIdp, person: &TestPerson, name: &str) -> anyhow::Result<NewTotp> {
    let (world, row) = (&idp.app.world, idp.row_of(person).await?);
    let new = NewTotp::fresh(&world.chance)?;
    let mut tx = world.db.begin().await?;
    totp::add(&mut tx, (&world.vault, &world.chance), &row.id, (&new, name, 0), idp.now()).await?;
    tx.commit().await?;
    Ok(new)
}

/// What an app shows into which this key was typed.
pub(crate) fn code_of(typed: &str, at: Timestamp) -> anyhow::Result<String> {
    let secret = Secret::try_from_base32(typed.replace(' ', "")).map_err(|error| anyhow!("{error:?}"))?;
    let app = Builder::new().with_secret(secret).build().map_err(|error| anyhow!("{error:?}"))?;
    Ok(app.generate(u64::try_from(at.seconds())?).to_string())
}

/// A code that is none of the app's now.
pub(crate) fn wrong_code(app: &NewTotp, now: Timestamp) -> anyhow::Result<String> {
    let near = [now.minus(STEP), now, now.plus(STEP)];
    let right = near.into_iter().map(|at| code_of(&app.typed(), at)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut all = (0..10).map(|n| format!("{n}{n}{n}{n}{n}{n}"));
    all.find(|code| !right.contains(code)).ok_or_else(|| anyhow!("ten codes at once"))
}

async fn at_the_code(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    assert!(browser.shows("Skriv inn koden fra kodeappen"), "{}", browser.page.body);
    Ok(browser)
}

async fn give(browser: &mut Browser, code: &str) -> anyhow::Result<bool> {
    browser.answer(&[("do", "next"), ("code", code)]).await?;
    Ok(browser.sent_back("code").is_ok())
}

#[tokio::test]
async fn each_code_lets_its_owner_in_once() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "<b>Telefonen</b>").await?;
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    assert!(browser.shows("<b>Telefonen</b>") && !browser.page.body.contains("<b>Telefonen"));
    assert_eq!(idp.sms_count(&kari), 0, "nobody pays for an SMS");
    let digits = "Koden skal ha 6 siffer.";
    for (typed, words) in
        [("", "Skriv inn koden fra kodeappen."), ("123", digits), ("12345a", digits), ("1234567", digits)]
    {
        assert!(!give(&mut browser, typed).await?);
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(browser.shows(words), "{typed}: {}", browser.page.body);
    }
    let code = code_of(&app.typed(), idp.now())?;
    assert!(give(&mut browser, &format!(" {} {} ", &code[..3], &code[3..])).await?, "{}", browser.page.body);
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let id_token = claims(&tokens["id_token"])?;
    assert_eq!((&id_token["amr"], &id_token["acr"]), (&json!(["Minid-TOTP"]), &json!("idporten-loa-substantial")));

    // Attack: whoever has looked over her shoulder types the same, and the one before it.
    let mut second = at_the_code(&idp, &client, &kari).await?;
    for old in [code, code_of(&app.typed(), idp.now().minus(STEP))?] {
        assert!(!give(&mut second, &old).await?);
        assert!(second.shows("Feil kode"), "{}", second.page.body);
    }
    idp.advance(STEP);
    assert!(give(&mut second, &code_of(&app.typed(), idp.now())?).await?, "{}", second.page.body);
    Ok(())
}

#[tokio::test]
async fn a_clock_may_be_one_step_off_and_no_more() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for (late, is_right) in [(-150, false), (-60, false), (-30, true), (0, true), (30, true), (60, false), (150, false)]
    {
        let kari = idp.person().await?;
        let app = add_app(&idp, &kari, "Telefonen").await?;
        let mut browser = at_the_code(&idp, &client, &kari).await?;
        let code = code_of(&app.typed(), Timestamp::from_seconds(idp.now().seconds() + late))?;
        assert_eq!(give(&mut browser, &code).await?, is_right, "{late} seconds: {}", browser.page.body);
    }
    Ok(())
}

// Attack: somebody reads the code along, and many are faster than its owner.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_logins_with_one_code_at_the_same_instant_one_goes_through() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    let mut browsers = Vec::new();
    for _ in 0..40 {
        browsers.push(at_the_code(&idp, &client, &kari).await?);
    }
    let code = code_of(&app.typed(), idp.now())?;
    let given = join_all(browsers.iter_mut().map(|browser| give(browser, &code))).await;
    let given = given.into_iter().collect::<anyhow::Result<Vec<bool>>>()?;
    assert_eq!(given.into_iter().filter(|is_in| *is_in).count(), 1);
    let with_session = browsers.iter().filter(|browser| browser.cookies.contains_key("__Host-porten-session"));
    assert_eq!(with_session.count(), 1);
    Ok(())
}

// The code is used up by the first click, and none of the others may spoil that.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clicks_with_the_right_code_are_one_login() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    let browser = at_the_code(&idp, &client, &kari).await?;
    let (action, csrf, code) = (browser.action()?, browser.csrf()?, code_of(&app.typed(), idp.now())?);
    let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", code.as_str())];
    let mut browsers: Vec<Browser> = (0..200).map(|_| browser.clone()).collect();
    let done = join_all(browsers.iter_mut().map(|browser| browser.post_only(&action, &form))).await;
    assert!(done.into_iter().all(|done| done.is_ok()));
    let to_service =
        |browser: &&Browser| browser.page.header("location").is_some_and(|to| to.starts_with("https://a.test"));
    assert_eq!(browsers.iter().filter(to_service).count(), 1);
    let mut alive = 0;
    for browser in &mut browsers {
        browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
        alive += usize::from(browser.sent_back("code").is_ok());
    }
    assert_eq!(alive, 1);
    Ok(())
}

#[tokio::test]
async fn three_wrong_ones_end_the_try_in_every_tab() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    let wrong = wrong_code(&app, idp.now())?;
    for words in ["Feil kode", "ett forsøk igjen"] {
        assert!(!give(&mut browser, &wrong).await?);
        assert!(browser.shows(words), "{}", browser.page.body);
    }
    let mut third = browser.clone();
    assert!(!give(&mut third, &wrong).await?);
    assert!(third.page.body.contains("name=\"password\"") && third.page.body.contains(&kari.fnr));
    // The right one is too late, in every tab.
    assert!(!give(&mut browser, &code_of(&app.typed(), idp.now())?).await?);
    assert!(!browser.cookies.contains_key("__Host-porten-session"));
    Ok(())
}

// Attack: another kind of code brings no new tries, and neither does going back and forth.
#[tokio::test]
async fn the_tries_are_the_logins_whatever_is_tried() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    give(&mut browser, &wrong_code(&app, idp.now())?).await?;
    browser.answer(&[("do", "method")]).await?.answer(&[("method", "otc")]).await?;
    let code = idp.last_code(&kari)?;
    let wrong = if code == "11111" { "22222" } else { "11111" };
    give(&mut browser, wrong).await?;
    browser.answer(&[("do", "method")]).await?.answer(&[("method", "totp")]).await?;
    assert!(browser.shows("Skriv inn koden fra kodeappen"), "{}", browser.page.body);
    give(&mut browser, &wrong_code(&app, idp.now())?).await?;
    assert!(browser.page.body.contains("name=\"password\""), "the third wrong one: {}", browser.page.body);
    let rows: Vec<(i64,)> =
        sqlx::query_as("SELECT points FROM attempt_ledger").fetch_all(idp.app.world.db.pool()).await?;
    assert_eq!(rows, [(3,)], "one ledger for all of them");
    Ok(())
}

// Attack: brute force across sessions, with the right password.
#[tokio::test]
async fn guesses_are_counted_over_all_sessions() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    let (mut looked_at, mut browser) = (0, idp.browser());
    for _ in 0..40 {
        browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
        for _ in 0..2 {
            if browser.page.body.contains("one-time-code") {
                give(&mut browser, &wrong_code(&app, idp.now())?).await?;
                looked_at += usize::from(browser.shows("Feil kode"));
            }
        }
        idp.advance(Duration::from_mins(20));
    }
    assert!((30..=45).contains(&looked_at), "{looked_at} guesses of a million in thirteen hours");
    assert!(browser.shows("MinID er sperret"), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn each_app_lets_in_until_it_is_removed() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let (telephone, watch) = (add_app(&idp, &kari, "Telefonen").await?, add_app(&idp, &kari, "Klokken").await?);
    // One after the other, in the same half minute: each has its own steps.
    for app in [&telephone, &watch] {
        let mut browser = at_the_code(&idp, &client, &kari).await?;
        assert!(browser.shows("Telefonen") && browser.shows("Klokken"));
        assert!(give(&mut browser, &code_of(&app.typed(), idp.now())?).await?, "{}", browser.page.body);
    }
    let (db, row) = (&idp.app.world.db, idp.row_of(&kari).await?);
    let all = totp::all(db.pool(), &row.id).await?;
    let removed = all.iter().find(|app| app.name == "Klokken").map(|app| app.id.as_str()).unwrap_or_default();
    let mut tx = db.begin().await?;
    assert!(totp::remove(&mut tx, &row.id, removed, idp.now()).await?);
    tx.commit().await?;
    idp.advance(STEP);
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    assert!(!browser.shows("Klokken"));
    assert!(!give(&mut browser, &code_of(&watch.typed(), idp.now())?).await?);
    assert!(browser.shows("Feil kode"), "{}", browser.page.body);
    assert!(give(&mut browser, &code_of(&telephone.typed(), idp.now())?).await?, "{}", browser.page.body);
    // And nobody keeps its secret.
    let kept: Vec<(String,)> =
        sqlx::query_as("SELECT sealed FROM totp WHERE removed_at IS NOT NULL").fetch_all(db.pool()).await?;
    assert_eq!(kept, [(String::new(),)]);
    Ok(())
}

#[tokio::test]
async fn the_app_of_one_person_is_nothing_to_another() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let (own, others) = (add_app(&idp, &kari, "Telefonen").await?, add_app(&idp, &ola, "Telefonen").await?);
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    assert!(!give(&mut browser, &code_of(&others.typed(), idp.now())?).await?);
    assert!(browser.shows("Feil kode"), "{}", browser.page.body);
    // What is kept is sealed.
    let sealed: Vec<(String,)> = sqlx::query_as("SELECT sealed FROM totp").fetch_all(idp.app.world.db.pool()).await?;
    assert_eq!(sealed.len(), 2);
    assert!(sealed.iter().all(|(sealed,)| !sealed.contains(&own.typed().replace(' ', ""))));
    assert!(give(&mut browser, &code_of(&own.typed(), idp.now())?).await?, "{}", browser.page.body);
    Ok(())
}
