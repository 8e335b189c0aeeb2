//! How long an answer takes tells nobody whether there is anybody: the database is asked the same things in the same order,
//! and a password is hashed, whoever it is. Work is counted, as a clock on a busy machine says little.

use std::time::Duration;

use authenticators::person::Person;
use authenticators::population::Population;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson, unregistered};
use conformance::overheard::listen;
use serde_json::json;
use tracing::Instrument;

const ORDER: &str = "/aktiveringsbrev/order";

/// The people that nobody may tell from each other, by what they are.
async fn everybody(idp: &TestIdp) -> anyhow::Result<Vec<(&'static str, TestPerson)>> {
    let (known, locked, without) = (idp.person().await?, idp.person().await?, idp.person().await?);
    let db = idp.app.world.db.pool();
    Person::lock(db, &idp.row_of(&locked).await?.id, "support", idp.now()).await?;
    let row = idp.row_of(&without).await?;
    sqlx::query("DELETE FROM password WHERE person = $1").bind(row.id.as_str()).execute(db).await?;
    Ok(vec![("unknown", unregistered()?), ("known", known), ("locked", locked), ("without MinID", without)])
}

/// What the database is asked while whoever waits for the page waits.
async fn asked(browser: &mut Browser, fields: &[(&str, &str)]) -> anyhow::Result<Vec<String>> {
    let listener = listen();
    browser.answer_only(fields).instrument(listener.span()).await?;
    let statements = listener.statements();
    browser.follow().await?;
    Ok(statements)
}

fn are_the_same(all: &[(&str, Vec<String>)]) {
    let [(_, first), others @ ..] = all else { return };
    assert!(!first.is_empty(), "nothing was heard");
    for (who, statements) in others {
        assert_eq!(statements, first, "{who}");
    }
}

async fn at_the_password(idp: &TestIdp, client: &TestClient) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.answer(&[("eid", "minid")]).await?;
    Ok(browser)
}

#[tokio::test]
async fn a_wrong_password_asks_the_database_the_same_whoever_it_is() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for times in ["first", "second"] {
        let mut all = Vec::new();
        for (who, person) in everybody(&idp).await? {
            let mut browser = at_the_password(&idp, &client).await?;
            let wrong = [("do", "next"), ("fnr", person.fnr.as_str()), ("password", "not the one")];
            if times == "second" {
                browser.answer(&wrong).await?;
            }
            all.push((who, asked(&mut browser, &wrong).await?));
        }
        are_the_same(&all);
    }
    Ok(())
}

#[tokio::test]
async fn a_forgotten_password_asks_the_database_the_same_whoever_it_is() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (mut sent, mut again, mut wrong, mut by_app) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (who, person) in everybody(&idp).await? {
        let mut browser = at_the_password(&idp, &client).await?;
        browser.answer(&[("do", "forgot"), ("fnr", &person.fnr)]).await?;
        sent.push((who, asked(&mut browser, &[("do", "next"), ("fnr", &person.fnr)]).await?));
        idp.app.world.tasks.settle().await;
        idp.advance(Duration::from_secs(31));
        again.push((who, asked(&mut browser, &[("do", "resend")]).await?));
        idp.app.world.tasks.settle().await;
        wrong.push((who, asked(&mut browser, &[("do", "next"), ("code", "00000")]).await?));
        let mut browser = at_the_password(&idp, &client).await?;
        browser.answer(&[("do", "forgot"), ("fnr", &person.fnr)]).await?;
        by_app.push((who, asked(&mut browser, &[("do", "app"), ("fnr", &person.fnr)]).await?));
        idp.app.world.tasks.settle().await;
    }
    for all in [sent, again, wrong, by_app] {
        are_the_same(&all);
    }
    Ok(())
}

#[tokio::test]
async fn an_order_of_a_letter_asks_the_database_the_same_whoever_it_is() -> anyhow::Result<()> {
    let resident = unregistered()?;
    let line = json!({
        "fnr": resident.fnr, "given_name": "Kari", "family_name": "Nordmann",
        "address": ["Storgata 1", "0155 OSLO"],
    });
    let population = Population::read(&format!("{line}\n"))?;
    let idp = TestIdp::with(|setup| setup.population = population).await?;
    let mut all = Vec::new();
    for (who, person) in everybody(&idp).await?.into_iter().chain([("who may have one", resident)]) {
        // Another telephone for each, so that none has had its share.
        let phone = unregistered()?.phone;
        let mut browser = idp.browser();
        browser.get(ORDER).await?;
        // Up to the code nobody is looked up.
        assert_eq!(asked(&mut browser, &[("do", "order"), ("fnr", &person.fnr)]).await?, [""; 0], "{who}");
        assert_eq!(asked(&mut browser, &[("do", "send"), ("mobile", &phone)]).await?, [""; 0], "{who}");
        let text = idp.messages_to(&phone).into_iter().next().map(|message| message.text).unwrap_or_default();
        let code = crate::forgotten::digits(&text);
        all.push((who, asked(&mut browser, &[("do", "next"), ("code", &code)]).await?));
        assert!(browser.shows("Aktiveringsbrev er bestilt"), "{}", browser.page.body);
        idp.app.world.tasks.settle().await;
    }
    are_the_same(&all);
    Ok(())
}

#[tokio::test]
async fn a_guessed_activation_code_asks_the_database_the_same_whoever_it_is() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let newcomer = crate::activate::with_letter(&idp).await?.0;
    let mut all = Vec::new();
    for (who, person) in everybody(&idp).await?.into_iter().chain([("who has a letter", newcomer)]) {
        let mut browser = idp.browser();
        browser.get(crate::activate::PATH).await?;
        let fields = [("do", "next"), ("fnr", person.fnr.as_str()), ("code", "BCDFG-HKLMN-PRSTX")];
        all.push((who, asked(&mut browser, &fields).await?));
        assert!(browser.shows("Fødselsnummeret eller aktiveringskoden er feil"), "{}", browser.page.body);
    }
    are_the_same(&all);
    Ok(())
}

// A hash takes longer than all the rest, and the pool says to the log when it is asked for one.
#[tokio::test]
async fn a_password_is_hashed_once_whoever_it_is() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for (who, person) in everybody(&idp).await? {
        let mut browser = at_the_password(&idp, &client).await?;
        // Beyond the fifth, the lane is closed, and it is looked at all the same.
        for times in 0..12 {
            let listener = listen();
            let wrong = [("do", "next"), ("fnr", person.fnr.as_str()), ("password", "not the one")];
            browser.answer(&wrong).instrument(listener.span()).await?;
            let hashes = listener.own_lines().into_iter().filter(|line| line.contains("message=a hash is asked for"));
            assert_eq!(hashes.count(), 1, "{who}, {times}");
        }
    }
    Ok(())
}
