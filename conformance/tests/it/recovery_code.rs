//! Codes from the list, for whoever has lost their telephone: each once, and its owner is told.

use authenticators::recovery_code;
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson, claims};
use futures_util::future::join_all;
use serde_json::json;

use crate::forgotten::{arrived, kinds_of_events, next_message};

/// Gives a person a new list.
pub(crate) async fn add_list(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Vec<String>> {
    let (world, row) = (&idp.app.world, idp.row_of(person).await?);
    let mut tx = world.db.begin().await?;
    let codes = recovery_code::renew(&mut tx, (&world.vault, &world.chance), &row.id, idp.now()).await?;
    tx.commit().await?;
    Ok(codes)
}

/// A browser at the page for a code from the list. Nobody is asked for one first.
async fn at_the_list(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    assert!(browser.shows("Skriv inn koden fra SMS-en"), "{}", browser.page.body);
    browser.answer(&[("do", "method")]).await?.answer(&[("method", "recovery_code")]).await?;
    assert!(browser.shows("Skriv inn en gjenopprettingskode"), "{}", browser.page.body);
    Ok(browser)
}

async fn give(browser: &mut Browser, code: &str) -> anyhow::Result<bool> {
    browser.answer(&[("do", "next"), ("code", code)]).await?;
    Ok(browser.sent_back("code").is_ok())
}

async fn left(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<i64> {
    Ok(recovery_code::left(idp.app.world.db.pool(), &idp.row_of(person).await?.id).await?.0)
}

#[tokio::test]
async fn a_code_from_the_list_lets_its_owner_in_once() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let codes = add_list(&idp, &kari).await?;
    assert_eq!(codes.len(), 10);
    let mut browser = at_the_list(&idp, &client, &kari).await?;
    for (typed, words) in [
        ("", "Skriv inn en av kodene"),
        ("abc", "har 10 bokstaver og tall"),
        ("abcde-fghj1", "har 10 bokstaver og tall"),
    ] {
        assert!(!give(&mut browser, typed).await?);
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(browser.shows(words), "{typed}: {}", browser.page.body);
    }
    assert!(give(&mut browser, &codes[0]).await?, "{}", browser.page.body);
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(claims(&tokens["id_token"])?["amr"], json!(["Minid-OTC"]));
    assert_eq!(left(&idp, &kari).await?, 9);
    // Attack: the list lay beside the telephone, and what was crossed out is tried again.
    let mut second = at_the_list(&idp, &client, &kari).await?;
    assert!(!give(&mut second, &codes[0]).await?);
    assert!(second.shows("Koden er feil eller brukt før"), "{}", second.page.body);
    assert!(give(&mut second, &codes[1]).await?, "{}", second.page.body);
    assert_eq!(left(&idp, &kari).await?, 8);
    Ok(())
}

#[tokio::test]
async fn however_it_is_typed_it_is_the_same_code() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let codes = add_list(&idp, &kari).await?;
    let bare = |code: &str| code.replace('-', "");
    let spread = |code: &str| code.chars().map(|c| format!("{c} ")).collect::<String>();
    for typed in [codes[0].to_uppercase(), bare(&codes[1]), spread(&codes[2]), format!("-{}-", codes[3])] {
        let mut browser = at_the_list(&idp, &client, &kari).await?;
        assert!(give(&mut browser, &typed).await?, "{typed}: {}", browser.page.body);
    }
    assert_eq!(left(&idp, &kari).await?, 6);
    Ok(())
}

#[tokio::test]
async fn its_owner_is_told_wherever_they_can_be_reached() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let codes = add_list(&idp, &kari).await?;
    let mut browser = at_the_list(&idp, &client, &kari).await?;
    assert!(!give(&mut browser, "aaaaa-aaaaa").await?);
    assert_eq!(arrived(&idp, &kari.email, "gjenopprettingskode"), 0, "a wrong one is nothing to tell of");
    assert!(give(&mut browser, &codes[4]).await?, "{}", browser.page.body);
    for to in [&kari.phone, &kari.email] {
        let told = next_message(&idp, to, "En gjenopprettingskode er brukt", 0).await?;
        assert!(told.contains("800 30 300") && !told.contains("http"), "{told}");
        assert!(!told.contains(&codes[4]) && !told.contains(&kari.fnr), "{told}");
    }
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["recovery-code-used", "login"]);
    Ok(())
}

#[tokio::test]
async fn a_new_list_ends_the_old_one() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let (old, new, others) = (add_list(&idp, &kari).await?, add_list(&idp, &kari).await?, add_list(&idp, &ola).await?);
    let mut browser = at_the_list(&idp, &client, &kari).await?;
    for code in [&old[0], &others[0]] {
        assert!(!give(&mut browser, code).await?);
        assert!(browser.shows("Koden er feil eller brukt før"), "{}", browser.page.body);
    }
    assert!(give(&mut browser, &new[0]).await?, "{}", browser.page.body);
    assert_eq!((left(&idp, &kari).await?, left(&idp, &ola).await?), (9, 10));
    // Nobody who reads the database can log in with what stands there.
    let kept: Vec<(String,)> =
        sqlx::query_as("SELECT hash FROM recovery_code").fetch_all(idp.app.world.db.pool()).await?;
    let bare: Vec<String> = new.iter().chain(&others).map(|code| code.replace('-', "")).collect();
    assert!(kept.len() == 20 && kept.iter().all(|(hash,)| !bare.contains(hash)));
    Ok(())
}

#[tokio::test]
async fn three_wrong_ones_end_the_try() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let codes = add_list(&idp, &kari).await?;
    let mut browser = at_the_list(&idp, &client, &kari).await?;
    for words in ["Koden er feil eller brukt før", "ett forsøk igjen"] {
        assert!(!give(&mut browser, "aaaaa-aaaaa").await?);
        assert!(browser.shows(words), "{}", browser.page.body);
    }
    let mut third = browser.clone();
    assert!(!give(&mut third, "aaaaa-aaaaa").await?);
    assert!(third.page.body.contains("name=\"password\""), "{}", third.page.body);
    assert!(!give(&mut browser, &codes[0]).await?, "the right one is too late");
    assert_eq!(left(&idp, &kari).await?, 10, "and not used up by that");
    let rows: Vec<(i64,)> =
        sqlx::query_as("SELECT points FROM attempt_ledger").fetch_all(idp.app.world.db.pool()).await?;
    assert_eq!(rows, [(3,)]);
    Ok(())
}

// Attack: a photograph of the list, and many who type from it.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_logins_with_one_code_at_the_same_instant_one_goes_through() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let codes = add_list(&idp, &kari).await?;
    let mut browsers = Vec::new();
    for _ in 0..40 {
        browsers.push(at_the_list(&idp, &client, &kari).await?);
    }
    let given = join_all(browsers.iter_mut().map(|browser| give(browser, &codes[7]))).await;
    let given = given.into_iter().collect::<anyhow::Result<Vec<bool>>>()?;
    assert_eq!(given.into_iter().filter(|is_in| *is_in).count(), 1);
    assert_eq!(left(&idp, &kari).await?, 9);
    next_message(&idp, &kari.email, "En gjenopprettingskode er brukt", 0).await?;
    assert_eq!(arrived(&idp, &kari.email, "En gjenopprettingskode er brukt"), 1);
    Ok(())
}

// The code is used up by the first click, and none of the others may spoil that.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clicks_with_the_right_code_are_one_login() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let codes = add_list(&idp, &kari).await?;
    let browser = at_the_list(&idp, &client, &kari).await?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", codes[0].as_str())];
    let mut browsers: Vec<Browser> = (0..200).map(|_| browser.clone()).collect();
    let done = join_all(browsers.iter_mut().map(|browser| browser.post_only(&action, &form))).await;
    assert!(done.into_iter().all(|done| done.is_ok()));
    let to_service =
        |browser: &&Browser| browser.page.header("location").is_some_and(|to| to.starts_with("https://a.test"));
    assert_eq!(browsers.iter().filter(to_service).count(), 1);
    assert_eq!(left(&idp, &kari).await?, 9);
    Ok(())
}

#[tokio::test]
async fn a_list_is_for_an_emergency_and_never_asked_for_first() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let codes = add_list(&idp, &kari).await?;
    assert!(give(&mut at_the_list(&idp, &client, &kari).await?, &codes[0]).await?);
    // The next login begins with the SMS again; and whoever has no list is offered none.
    assert!(give(&mut at_the_list(&idp, &client, &kari).await?, &codes[1]).await?);
    let ola = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.give_password(&ola).await?;
    browser.answer(&[("do", "method")]).await?;
    assert!(!browser.shows("Gjenopprettingskode"), "{}", browser.page.body);
    browser.answer(&[("method", "recovery_code")]).await?;
    assert!(!browser.shows("Skriv inn en gjenopprettingskode"), "{}", browser.page.body);
    Ok(())
}
