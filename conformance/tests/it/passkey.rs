//! Passkeys (W3C Web Authentication Level 3): after the password, or instead of all, and those who forge them.

use std::time::Duration;

use anyhow::{Context, ensure};
use authenticators::person::{BY_ONESELF, Person};
use authenticators::webauthn::Purpose;
use authenticators::{passkey, password};
use axum::http::StatusCode;
use conformance::authenticator::{CAN_BE_COPIED, IS_COPIED, Manner, PRESENT, Passkey, VERIFIED, asked};
use conformance::browser::Browser;
use conformance::idp::{ISSUER, TestClient, TestIdp, TestPerson, claims};
use futures_util::future::join_all;
use serde_json::{Value, json};

const REFUSED: &str = "Passnøkkelen ble ikke godtatt.";

/// Origins that are not ours, though they look like it.
const ELSEWHERE: [&str; 9] = [
    "https://evil-op.example",
    "https://idp.test.evil.example",
    "https://evil-idp.test",
    "https://xidp.test",
    "https://login.idp.test",
    "https://idp.test:8443",
    "http://idp.test",
    "https://test",
    "null",
];

/// Gives a person a passkey.
pub(crate) async fn add_passkey(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Passkey> {
    let (world, row) = (&idp.app.world, idp.row_of(person).await?);
    let ceremony = world.webauthn.begin_making(&row.id, "Kari Nordmann", Purpose::Passkey, &[])?;
    let (own, answer) = Passkey::make(&ceremony.options, ISSUER)?;
    let made = world.webauthn.made(&ceremony, &answer)?.context("it was not made")?;
    let mut tx = world.db.begin().await?;
    ensure!(passkey::add(&mut tx, &row.id, "Telefonen", &made, idp.now()).await?, "its id is taken");
    tx.commit().await?;
    Ok(own)
}

/// A browser at MinID's first page, where a passkey will do as well.
pub(crate) async fn at_the_first_page(idp: &TestIdp, client: &TestClient) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.answer(&[("eid", "minid")]).await?;
    Ok(browser)
}

pub(crate) fn first_question(browser: &Browser) -> anyhow::Result<String> {
    asked(&browser.page.body, "data-conditional")
}

pub(crate) async fn give_alone(browser: &mut Browser, credential: &str) -> anyhow::Result<bool> {
    browser.answer(&[("do", "passkey"), ("credential", credential)]).await?;
    Ok(browser.sent_back("code").is_ok())
}

/// A browser at the page for a passkey, after the password.
async fn at_the_second_page(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    assert!(browser.shows("Bekreft med passnøkkelen"), "{}", browser.page.body);
    Ok(browser)
}

fn second_question(browser: &Browser) -> anyhow::Result<String> {
    asked(&browser.page.body, "data-get")
}

async fn give_second(browser: &mut Browser, credential: &str) -> anyhow::Result<bool> {
    browser.answer(&[("credential", credential)]).await?;
    Ok(browser.sent_back("code").is_ok())
}

fn has_session(browser: &Browser) -> bool {
    browser.cookies.contains_key("__Host-porten-session")
}

async fn id_token(idp: &TestIdp, client: &TestClient, browser: &Browser) -> anyhow::Result<Value> {
    let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
    claims(&tokens["id_token"])
}

#[tokio::test]
async fn a_passkey_alone_is_the_whole_login() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    for _ in 0..3 {
        let mut browser = at_the_first_page(&idp, &client).await?;
        assert!(browser.page.body.contains("autocomplete=\"username webauthn\""));
        let question = first_question(&browser)?;
        assert!(!question.contains(&kari.fnr));
        assert!(give_alone(&mut browser, &own.sign(&question)?).await?, "{}", browser.page.body);
        let id_token = id_token(&idp, &client, &browser).await?;
        assert_eq!((&id_token["amr"], &id_token["pid"]), (&json!(["Minid-WEBAUTHN"]), &json!(kari.fnr)));
        assert_eq!(id_token["acr"], "idporten-loa-substantial");
        browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
        assert!(browser.sent_back("code").is_ok(), "and it is a session like any other");
    }
    assert_eq!(idp.sms_count(&kari), 0);
    Ok(())
}

#[tokio::test]
async fn a_passkey_comes_second_after_the_password() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    add_passkey(&idp, &ola).await?;
    let mut browser = at_the_second_page(&idp, &client, &kari).await?;
    let question = second_question(&browser)?;
    let options: Value = serde_json::from_str(&question)?;
    assert_eq!(options["publicKey"]["allowCredentials"].as_array().map(Vec::len), Some(1), "her own: {options}");
    assert_eq!(options["publicKey"]["userVerification"], "required");
    assert!(!has_session(&browser) && idp.sms_count(&kari) == 0);
    assert!(give_second(&mut browser, &own.sign(&question)?).await?, "{}", browser.page.body);
    assert_eq!(id_token(&idp, &client, &browser).await?["amr"], json!(["Minid-WEBAUTHN"]));
    // Whoever has it not at hand takes the SMS.
    let mut browser = at_the_second_page(&idp, &client, &kari).await?;
    browser.answer(&[("do", "method")]).await?.answer(&[("method", "otc")]).await?;
    let code = idp.last_code(&kari)?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert_eq!(id_token(&idp, &client, &browser).await?["amr"], json!(["Minid-OTC"]));
    Ok(())
}

// Attack: a page elsewhere, an authenticator that lies, and everything else that a signature can be wrong in.
#[tokio::test]
async fn a_forged_answer_is_refused_whatever_is_forged() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let (mut own, others) = (add_passkey(&idp, &kari).await?, add_passkey(&idp, &ola).await?);
    let honest = own.honestly();
    let mut forged = vec![
        Manner { ceremony: "webauthn.create", ..honest.clone() },
        Manner { rp_id: "evil-op.example".to_owned(), ..honest.clone() },
        Manner { rp_id: "test".to_owned(), ..honest.clone() },
        Manner { flags: PRESENT, ..honest.clone() },
        Manner { flags: VERIFIED, ..honest.clone() },
        Manner { flags: 0, ..honest.clone() },
        Manner { flags: PRESENT | VERIFIED | IS_COPIED, ..honest.clone() },
        Manner { flags: PRESENT | VERIFIED | CAN_BE_COPIED, ..honest.clone() },
        Manner { user: None, ..honest.clone() },
        Manner { user: Some(others.user.clone()), ..honest.clone() },
        Manner { user: Some(kari.fnr.clone().into_bytes()), ..honest.clone() },
    ];
    forged.extend(ELSEWHERE.map(|origin| Manner { origin: origin.to_owned(), ..honest.clone() }));
    let mut browser = at_the_first_page(&idp, &client).await?;
    for manner in forged {
        let answer = own.sign_as(&first_question(&browser)?, &manner)?;
        assert!(!give_alone(&mut browser, &answer).await?, "{manner:?}");
        assert!(browser.shows(REFUSED) && !has_session(&browser), "{manner:?}: {}", browser.page.body);
    }
    // Another key under her name, a signature that was changed, and no answers at all.
    let question = first_question(&browser)?;
    let genuine: Value = serde_json::from_str(&own.sign_as(&question, &honest)?)?;
    let as_kari = Manner { user: Some(own.user.clone()), ..others.honestly() };
    let mut stranger: Value = serde_json::from_str(&others.sign_as(&question, &as_kari)?)?;
    for name in ["id", "rawId"] {
        stranger[name] = genuine[name].clone();
    }
    assert!(!give_alone(&mut browser, &stranger.to_string()).await? && browser.shows(REFUSED));
    for (place, value) in [("signature", "MEUCIQ"), ("authenticatorData", "AAAA"), ("clientDataJSON", "e30")] {
        let mut changed: Value = serde_json::from_str(&own.sign_as(&first_question(&browser)?, &honest)?)?;
        changed["response"][place] = json!(value);
        assert!(!give_alone(&mut browser, &changed.to_string()).await? && browser.shows(REFUSED), "{place}");
    }
    for nothing in ["{}", "null", "[]", "x", "{\"id\":\"\",\"rawId\":\"\",\"type\":\"public-key\",\"response\":{}}"] {
        assert!(!give_alone(&mut browser, nothing).await? && browser.shows(REFUSED), "{nothing}");
    }
    // And yet it was the forging alone.
    let answer = own.sign(&first_question(&browser)?)?;
    assert!(give_alone(&mut browser, &answer).await?, "{}", browser.page.body);
    Ok(())
}

// Attack: an answer to another question, or one that was given before.
#[tokio::test]
async fn each_question_is_answered_once_and_in_its_own_login() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    let (mut one, mut other) = (at_the_first_page(&idp, &client).await?, at_the_first_page(&idp, &client).await?);
    let (of_one, of_other) = (first_question(&one)?, first_question(&other)?);
    assert_ne!(of_one, of_other);
    let answer = own.sign(&of_one)?;
    assert!(!give_alone(&mut other, &answer).await? && other.shows(REFUSED), "{}", other.page.body);
    // The refused question is gone: its right answer comes too late.
    let late = own.sign(&of_other)?;
    assert!(!give_alone(&mut other, &late).await? && other.shows(REFUSED), "{}", other.page.body);
    assert!(give_alone(&mut one, &answer).await?, "{}", one.page.body);
    for _ in 0..2 {
        let mut again = at_the_first_page(&idp, &client).await?;
        assert!(!give_alone(&mut again, &answer).await? && again.shows(REFUSED), "{}", again.page.body);
    }
    // In the very browser as well.
    one.get(&idp.authorize(&client, &[("prompt", "login")])).await?.answer(&[("eid", "minid")]).await?;
    assert!(!give_alone(&mut one, &answer).await? && one.shows(REFUSED), "{}", one.page.body);
    // Nor does the answer of one page do for the other.
    let mut second = at_the_second_page(&idp, &client, &kari).await?;
    let on_the_first = own.sign(&first_question(&one)?)?;
    assert!(!give_second(&mut second, &on_the_first).await? && second.shows(REFUSED), "{}", second.page.body);
    let on_the_second = own.sign(&second_question(&second)?)?;
    assert!(!give_alone(&mut one, &on_the_second).await? && one.shows(REFUSED), "{}", one.page.body);
    let fresh = own.sign(&second_question(&second)?)?;
    assert!(give_second(&mut second, &fresh).await?, "{}", second.page.body);
    Ok(())
}

// Attack: the key was copied out of the device, and the copy does not know how often the other has signed.
#[tokio::test]
async fn a_counter_that_goes_back_is_refused() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    own.counter = 41;
    let mut browser = at_the_first_page(&idp, &client).await?;
    let answer = own.sign(&first_question(&browser)?)?;
    assert!(give_alone(&mut browser, &answer).await?, "{}", browser.page.body);
    for (counter, is_right) in [(42, false), (41, false), (1, false), (0, false), (43, true), (43, false)] {
        let mut browser = at_the_first_page(&idp, &client).await?;
        let manner = Manner { counter, ..own.honestly() };
        let answer = own.sign_as(&first_question(&browser)?, &manner)?;
        assert_eq!(give_alone(&mut browser, &answer).await?, is_right, "{counter}: {}", browser.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn a_passkey_that_does_not_count_is_none_the_worse() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let own = add_passkey(&idp, &kari).await?;
    for _ in 0..3 {
        let mut browser = at_the_first_page(&idp, &client).await?;
        let manner = Manner { counter: 0, ..own.honestly() };
        let answer = own.sign_as(&first_question(&browser)?, &manner)?;
        assert!(give_alone(&mut browser, &answer).await?, "{}", browser.page.body);
    }
    Ok(())
}

// Attack: with Kari's password, and a passkey of one's own.
#[tokio::test]
async fn another_persons_passkey_is_no_second_factor() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let (mut own, others) = (add_passkey(&idp, &kari).await?, add_passkey(&idp, &ola).await?);
    let mut browser = at_the_second_page(&idp, &client, &kari).await?;
    let question = second_question(&browser)?;
    let lying = Manner { user: Some(own.user.clone()), ..others.honestly() };
    let unlocked_by_nobody = Manner { flags: PRESENT, ..own.honestly() };
    for (passkey, manner) in [(&others, &lying), (&own, &unlocked_by_nobody)] {
        let answer = passkey.sign_as(&question, manner)?;
        assert!(!give_second(&mut browser, &answer).await? && browser.shows(REFUSED), "{}", browser.page.body);
    }
    let mut third = browser.clone();
    assert!(!give_second(&mut third, &others.sign_as(&question, &others.honestly())?).await?);
    assert!(third.page.body.contains("name=\"password\"") && !has_session(&third), "{}", third.page.body);
    assert!(!give_second(&mut browser, &own.sign(&question)?).await?, "the right one is too late");
    let rows: Vec<(i64,)> =
        sqlx::query_as("SELECT points FROM attempt_ledger").fetch_all(idp.app.world.db.pool()).await?;
    assert_eq!(rows, [(3,)]);
    Ok(())
}

#[tokio::test]
async fn who_is_locked_or_has_no_minid_is_told_so() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let db = &idp.app.world.db;
    for (how, words) in [
        ("support", "MinID er sperret"),
        (BY_ONESELF, "Du har sperret MinID"),
        ("closed", "MinID er avsluttet"),
        ("no password", "MinID er avsluttet"),
    ] {
        let kari = idp.person().await?;
        let (mut own, row) = (add_passkey(&idp, &kari).await?, idp.row_of(&kari).await?);
        let mut half_way = at_the_second_page(&idp, &client, &kari).await?;
        let mut tx = db.begin().await?;
        match how {
            "closed" => Person::close(&mut *tx, &row.id, Some("wish"), idp.now()).await?,
            "no password" => password::remove(&mut tx, &row.id).await?,
            code => assert!(Person::lock(&mut *tx, &row.id, code, idp.now()).await?),
        }
        tx.commit().await?;
        let mut browser = at_the_first_page(&idp, &client).await?;
        let answer = own.sign(&first_question(&browser)?)?;
        assert!(!give_alone(&mut browser, &answer).await? && !has_session(&browser));
        assert!(browser.shows(words), "{how}: {}", browser.page.body);
        browser.answer(&[("do", "cancel")]).await?;
        assert_eq!(browser.sent_back("error")?, "access_denied");
        if how != "no password" {
            let answer = own.sign(&second_question(&half_way)?)?;
            assert!(!give_second(&mut half_way, &answer).await? && half_way.shows(words), "{how}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_removed_passkey_opens_nothing() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    let mut half_way = at_the_second_page(&idp, &client, &kari).await?;
    let (db, row) = (&idp.app.world.db, idp.row_of(&kari).await?);
    let all = passkey::all(db.pool(), &row.id).await?;
    let mut tx = db.begin().await?;
    assert!(passkey::remove(&mut tx, &row.id, all[0].id.as_str(), idp.now()).await?);
    tx.commit().await?;
    let mut browser = at_the_first_page(&idp, &client).await?;
    let answer = own.sign(&first_question(&browser)?)?;
    assert!(!give_alone(&mut browser, &answer).await? && browser.shows(REFUSED), "{}", browser.page.body);
    // Not even where it was asked for before.
    let answer = own.sign(&second_question(&half_way)?)?;
    assert!(!give_second(&mut half_way, &answer).await? && half_way.shows(REFUSED), "{}", half_way.page.body);
    browser.give_password(&kari).await?;
    assert!(browser.shows("Skriv inn koden fra SMS-en"), "{}", browser.page.body);
    Ok(())
}

// Attack: wrong passwords close the way of strangers, and not that of whoever has something better.
#[tokio::test]
async fn nobody_shuts_a_passkey_out_by_guessing_passwords() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    let mut browser = at_the_first_page(&idp, &client).await?;
    for _ in 0..5 {
        browser.answer(&[("do", "next"), ("fnr", &kari.fnr), ("password", "wrong")]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    browser.give_password(&kari).await?;
    assert!(browser.shows("MinID er satt på pause"), "{}", browser.page.body);
    let mut browser = at_the_first_page(&idp, &client).await?;
    let answer = own.sign(&first_question(&browser)?)?;
    assert!(give_alone(&mut browser, &answer).await?, "{}", browser.page.body);
    // Nor is the way of strangers open because of that.
    let mut stranger = at_the_first_page(&idp, &client).await?;
    stranger.give_password(&kari).await?;
    assert!(stranger.shows("MinID er satt på pause"), "{}", stranger.page.body);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_answers_at_once_one_goes_through() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    let browser = at_the_first_page(&idp, &client).await?;
    let answer = own.sign(&first_question(&browser)?)?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    let form = [("csrf", csrf.as_str()), ("do", "passkey"), ("credential", answer.as_str())];
    let mut browsers: Vec<Browser> = (0..200).map(|_| browser.clone()).collect();
    let done = join_all(browsers.iter_mut().map(|browser| browser.post_only(&action, &form))).await;
    assert!(done.into_iter().all(|done| done.is_ok()));
    let to_service =
        |browser: &&Browser| browser.page.header("location").is_some_and(|to| to.starts_with("https://a.test"));
    assert_eq!(browsers.iter().filter(to_service).count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_question_ends_with_its_login() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    let mut browser = at_the_first_page(&idp, &client).await?;
    let answer = own.sign(&first_question(&browser)?)?;
    idp.advance(Duration::from_mins(16));
    assert!(!give_alone(&mut browser, &answer).await? && !has_session(&browser));
    assert_eq!(browser.page.status, StatusCode::GONE);
    Ok(())
}

// Attack: what was made elsewhere, for somebody else, or without being unlocked.
#[tokio::test]
async fn a_passkey_is_made_here_or_nowhere() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, webauthn) = (idp.person().await?, &idp.app.world.webauthn);
    let row = idp.row_of(&kari).await?;
    let begin = || webauthn.begin_making(&row.id, "Kari Nordmann", Purpose::Passkey, &[]);
    let ceremony = begin()?;
    let options: Value = serde_json::from_str(&ceremony.options)?;
    assert_eq!(options["publicKey"]["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["publicKey"]["authenticatorSelection"]["userVerification"], "required");
    for origin in ELSEWHERE {
        let (_, answer) = Passkey::make(&ceremony.options, origin)?;
        assert!(webauthn.made(&ceremony, &answer)?.is_none(), "{origin}");
    }
    let (_, of_another) = Passkey::make(&begin()?.options, ISSUER)?;
    for answer in [of_another.as_str(), "{}", "null", ""] {
        assert!(webauthn.made(&ceremony, answer)?.is_none(), "{answer}");
    }
    let (_, answer) = Passkey::make(&ceremony.options, ISSUER)?;
    let made = webauthn.made(&ceremony, &answer)?.context("it was not made")?;
    // One that is there already is not made again.
    let others = [made.id.clone()];
    let beside = webauthn.begin_making(&row.id, "Kari Nordmann", Purpose::Passkey, &others)?;
    let options: Value = serde_json::from_str(&beside.options)?;
    assert_eq!(options["publicKey"]["excludeCredentials"][0]["id"], made.id);
    Ok(())
}
