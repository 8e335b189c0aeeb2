//! Logging in by an e-mail address alone: as a guest, of whom no service learns more.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use authenticators::contact::Email;
use authenticators::guest::{self, Guest};
use authenticators::mail::Mail;
use authenticators::person::Person;
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, claims};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::scopes::register;
use crate::upstream::choices;

const EMAIL: &str = "selfregistered-email";
const BOTH: &str = "selfregistered-email idporten-loa-substantial";
const ADDRESS: &str = "ola@example.no";
const TOO_MANY: &str = "Det er sendt mange koder";

/// The code in the newest mail to an address.
fn code_to(idp: &TestIdp, address: &str) -> anyhow::Result<String> {
    let text = idp.messages_to(address).into_iter().next().context("no mail")?.text;
    let mut words = text.split(|c: char| !c.is_ascii_digit());
    words.find(|word| word.len() == 8).map(str::to_owned).with_context(|| format!("no code in {text}"))
}

fn wrong(right: &str) -> String {
    right.chars().map(|c| if c == '9' { '0' } else { '9' }).collect()
}

/// To where the code is asked for.
async fn at_the_code(idp: &TestIdp, client: &TestClient, address: &str) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[("acr_values", EMAIL)])).await?;
    browser.answer(&[("do", "next"), ("email", address)]).await?;
    Ok(browser)
}

/// The whole login.
async fn logged_in(idp: &TestIdp, client: &TestClient, address: &str) -> anyhow::Result<Browser> {
    let mut browser = at_the_code(idp, client, address).await?;
    browser.answer(&[("do", "next"), ("code", &code_to(idp, address)?)]).await?;
    browser.sent_back("code")?;
    Ok(browser)
}

async fn id_token(idp: &TestIdp, browser: &Browser, client: &TestClient) -> anyhow::Result<Value> {
    let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
    claims(&tokens["id_token"])
}

#[tokio::test]
async fn a_login_with_an_address_and_nothing_else() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", EMAIL)])).await?;
    assert!(browser.shows("Logg inn med e-post"), "there is nothing to choose: {}", browser.page.body);
    assert!(!browser.page.body.contains("value=\"back\""));
    browser.answer(&[("do", "next"), ("email", "Ola@Example.no")]).await?;
    assert!(browser.shows(ADDRESS), "{}", browser.page.body);
    let mail = idp.messages_to(ADDRESS).into_iter().next().context("no mail")?;
    assert_eq!((mail.kind, mail.subject.as_str()), ("mail", "Porten: Kode for å logge inn"));
    assert!(mail.text.contains("Test service") && !mail.text.contains("http"), "{}", mail.text);
    browser.answer(&[("do", "next"), ("code", &code_to(&idp, ADDRESS)?)]).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let token = claims(&tokens["id_token"])?;
    assert_eq!((&token["acr"], &token["amr"]), (&json!(EMAIL), &json!(["Selfregistered-email"])));
    assert_eq!((&token["email"], &token["auth_time"]), (&json!(ADDRESS), &json!(idp.now().seconds())));
    for absent in ["pid", "given_name", "family_name", "eidas_identifier"] {
        assert!(token.get(absent).is_none(), "{absent}: {token}");
    }
    let access = claims(&tokens["access_token"])?;
    assert!(access.get("pid").is_none() && access.get("email").is_none(), "{access}");
    assert_eq!((&access["acr"], &access["sub"]), (&json!(EMAIL), &token["sub"]));
    let userinfo = idp.userinfo(tokens["access_token"].as_str().unwrap_or_default()).await?.json()?;
    assert_eq!(userinfo, json!({ "sub": token["sub"], "locale": "nb" }));

    // They stay who they are when the token is refreshed.
    let refreshed = idp.refresh(&client, tokens["refresh_token"].as_str().unwrap_or_default()).await?;
    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.body);
    let again = claims(&refreshed.json()?["id_token"])?;
    for same in ["sub", "acr", "amr", "email", "auth_time"] {
        assert_eq!(again[same], token[same], "{same}");
    }
    assert!(again.get("pid").is_none(), "{again}");
    Ok(())
}

#[tokio::test]
async fn who_they_are_is_the_address_and_the_service() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (one, other, kari) = (idp.client().await?, idp.client().await?, idp.person().await?);
    let mut subjects = Vec::new();
    for (client, address) in
        [(&one, ADDRESS), (&one, "OLA@EXAMPLE.NO"), (&one, "ola+a@example.no"), (&other, ADDRESS), (&one, &kari.email)]
    {
        let small = address.to_ascii_lowercase();
        let mut browser = at_the_code(&idp, client, address).await?;
        browser.answer(&[("do", "next"), ("code", &code_to(&idp, &small)?)]).await?;
        let token = id_token(&idp, &browser, client).await?;
        assert_eq!(token["email"], small.as_str());
        assert!(token.get("pid").is_none(), "{token}");
        subjects.push(token["sub"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(subjects[0], subjects[1]);
    let different: BTreeSet<&String> = subjects.iter().collect();
    assert_eq!(different.len(), 4, "{subjects:?}");

    // Kari has that address in the register, and is somebody else.
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&one, &[])).await?.log_in(&idp, &kari).await?;
    let token = id_token(&idp, &browser, &one).await?;
    assert!(token["sub"] != subjects[4].as_str() && token.get("email").is_none(), "{token}");
    // And nothing of hers tells of the login by e-mail.
    let trail = idp.trail_of(&kari).await?;
    assert!(trail.iter().all(|entry| entry.details.get("acr") != Some(&json!(EMAIL))), "{trail:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_here_tells_whose_address_it_was() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    // A secret would not last so long.
    let client = idp.keyed_client(json!({})).await?;
    logged_in(&idp, &client, ADDRESS).await?;
    let world = &idp.app.world;
    world.trail.settle().await?;
    let guest = Guest::by_email(&world.vault, &Email::parse(ADDRESS).context("an address")?);
    let entries = world.trail.of(world.db.pool(), guest.id(), i64::MAX, 10).await?;
    assert_eq!((entries.len(), entries[0].kind.as_str()), (1, "login"));
    assert_eq!(
        (&entries[0].details["acr"], &entries[0].details["amr"]),
        (&json!(EMAIL), &json!("Selfregistered-email"))
    );
    assert!(!format!("{entries:?}").contains("ola"), "{entries:?}");
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT id, fnr FROM person").fetch_all(world.db.pool()).await?;
    assert!(rows.len() == 1 && !format!("{rows:?}").contains("ola"), "{rows:?}");
    assert!(Person::by_id(world.db.pool(), guest.id()).await?.is_none(), "nobody takes a guest for a person");

    // Whoever has not come for two years is forgotten, and is the same when they come again.
    let subject = id_token(&idp, &logged_in(&idp, &client, ADDRESS).await?, &client).await?["sub"].clone();
    idp.advance(Duration::from_hours(2 * 365 * 24 - 1));
    guest::clean(&world.db, idp.now()).await?;
    assert!(Person::signed_out_at(world.db.pool(), guest.id()).await?.is_some(), "not yet");
    idp.advance(Duration::from_hours(2));
    guest::clean(&world.db, idp.now()).await?;
    assert!(Person::signed_out_at(world.db.pool(), guest.id()).await?.is_none());
    let again = id_token(&idp, &logged_in(&idp, &client, ADDRESS).await?, &client).await?;
    assert_eq!(again["sub"], subject);
    Ok(())
}

#[tokio::test]
async fn it_is_offered_where_a_service_asks_for_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    for (acr, expected) in [
        ("", vec!["minid", "testid"]),
        ("idporten-loa-substantial", vec!["minid", "testid"]),
        (BOTH, vec!["minid", "email", "testid"]),
        ("idporten-loa-high selfregistered-email", vec!["email", "testid"]),
        ("eidas-loa-low selfregistered-email", vec!["email", "testid"]),
    ] {
        browser.get(&idp.authorize(&client, &[("acr_values", acr)])).await?;
        assert_eq!(choices(&browser), expected, "{acr}");
    }
    let about = "Med en kode som vi sender til e-postadressen din";
    browser.get(&idp.authorize(&client, &[("acr_values", BOTH)])).await?;
    assert!(browser.shows(about), "{}", browser.page.body);
    // There and back, and then with MinID.
    browser.answer(&[("eid", "email")]).await?;
    browser.answer(&[("do", "next"), ("email", ADDRESS)]).await?;
    browser.answer(&[("do", "back")]).await?;
    assert!(browser.shows("Logg inn med e-post"), "{}", browser.page.body);
    browser.answer(&[("do", "back")]).await?;
    assert_eq!(choices(&browser), ["minid", "email", "testid"]);
    browser.log_in(&idp, &idp.person().await?).await?;
    assert_eq!(id_token(&idp, &browser, &client).await?["acr"], "idporten-loa-substantial");
    // Where nobody asks for it, nothing gets there.
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    browser.answer(&[("eid", "email")]).await?;
    assert_eq!(choices(&browser), ["minid", "testid"]);
    // A test person has a number.
    let kari = idp.person().await?;
    let hint = format!("testid:{}_{EMAIL}", kari.fnr);
    browser.get(&idp.authorize(&client, &[("acr_values", BOTH), ("login_hint", &hint)])).await?;
    assert_eq!(browser.sent_back("error")?, "unmet_authentication_requirements");
    let metadata = idp.browser().get("/.well-known/openid-configuration").await?.page.json()?;
    assert!(metadata["acr_values_supported"].as_array().is_some_and(|all| all.contains(&json!(EMAIL))), "{metadata}");
    Ok(())
}

#[tokio::test]
async fn where_no_mail_is_sent_nobody_is_offered_it() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| setup.mail = Some(Mail::None)).await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", EMAIL)])).await?;
    assert_eq!(browser.sent_back("error")?, "unmet_authentication_requirements");
    browser.get(&idp.authorize(&client, &[("acr_values", BOTH)])).await?;
    assert_eq!(choices(&browser), ["minid", "testid"]);
    Ok(())
}

#[tokio::test]
async fn single_sign_on_is_for_services_that_take_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, other) = (idp.client().await?, idp.client().await?);
    let mut browser = logged_in(&idp, &client, ADDRESS).await?;
    for (acr, answer) in [
        (EMAIL, "code"),
        (BOTH, "code"),
        ("", "error"),
        ("idporten-loa-low", "error"),
        ("idporten-loa-substantial", "error"),
        ("eidas-loa-low", "error"),
    ] {
        browser.get(&idp.authorize(&other, &[("acr_values", acr), ("prompt", "none")])).await?;
        assert!(browser.sent_back(answer).is_ok(), "{acr}: {}", browser.at);
    }
    browser.get(&idp.authorize(&other, &[("acr_values", EMAIL), ("prompt", "login")])).await?;
    assert!(browser.shows("Logg inn med e-post"), "{}", browser.page.body);

    // Nor is whoever has a number taken for a reader of mail.
    let mut browser = idp.logged_in(&client).await?;
    browser.get(&idp.authorize(&client, &[("acr_values", EMAIL), ("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required");
    Ok(())
}

#[tokio::test]
async fn a_step_up_is_a_login_of_somebody_else() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp
        .client_with(json!({ "frontchannel_logout_uri": "https://a.test/out",
        "frontchannel_logout_session_required": true }))
        .await?;
    let kari = idp.person().await?;
    // It is even her own address.
    let mut browser = logged_in(&idp, &client, &kari.email).await?;
    let as_guest = id_token(&idp, &browser, &client).await?;
    browser.get(&idp.authorize(&client, &[])).await?;
    assert_eq!(choices(&browser), ["minid", "testid"]);
    browser.log_in(&idp, &kari).await?;
    let as_kari = id_token(&idp, &browser, &client).await?;
    assert_eq!((&as_kari["pid"], &as_kari["acr"]), (&json!(kari.fnr), &json!("idporten-loa-substantial")));
    assert!(as_kari["sub"] != as_guest["sub"] && as_kari["sid"] != as_guest["sid"], "{as_guest} {as_kari}");
    assert!(as_kari.get("email").is_none(), "{as_kari}");
    // The guest is gone with their session.
    browser.get(&idp.authorize(&client, &[("acr_values", EMAIL), ("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required");
    // And back again: an id_token_hint holds it to one of the two.
    let mut browser = logged_in(&idp, &client, &kari.email).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let hint = tokens["id_token"].as_str().unwrap_or_default();
    browser.get(&idp.authorize(&client, &[("acr_values", BOTH), ("prompt", "login"), ("id_token_hint", hint)])).await?;
    idp.advance(Duration::from_secs(31));
    browser.log_in(&idp, &kari).await?;
    assert_eq!(browser.sent_back("error")?, "login_required", "another than the hint names");
    Ok(())
}

#[tokio::test]
async fn a_guest_has_no_profile() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let mut browser = logged_in(&idp, &client, ADDRESS).await?;
    for path in ["/profil", "/profil/kontakt", "/profil/innlogging/passord", "/profil/data", "/profil/sperr"] {
        browser.get(path).await?;
        assert_eq!(browser.page.status, StatusCode::FORBIDDEN, "{path}");
        assert!(browser.shows("Du har ingen profil her") && browser.shows("logget inn med e-post"), "{path}");
    }
    browser.post("/profil/avslutt", &[("do", "close")]).await?;
    assert!(browser.shows("Du har ingen profil her"), "{}", browser.page.body);
    // The way on is a login as somebody with a number.
    browser.get("/profil").await?;
    let to = browser.between("<a class=\"ds-button\" href=\"/authorize", "\"")?;
    browser.get(&format!("/authorize{to}")).await?;
    assert_eq!(choices(&browser), ["minid", "testid"]);
    browser.log_in(&idp, &idp.person().await?).await?;
    assert!(browser.page.status == StatusCode::OK && browser.shows("Profilen din"), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn a_guest_agrees_and_logs_out_as_others_do() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", EMAIL), ("prompt", "consent")])).await?;
    browser.answer(&[("do", "next"), ("email", ADDRESS)]).await?;
    browser.answer(&[("do", "next"), ("code", &code_to(&idp, ADDRESS)?)]).await?;
    assert!(browser.sent_back("code").is_err(), "asked first: {}", browser.page.body);
    browser.answer(&[("do", "next")]).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let hint = tokens["id_token"].as_str().unwrap_or_default();
    let query = [("id_token_hint", hint), ("post_logout_redirect_uri", "https://a.test/bye")];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    browser.get(&format!("/logout?{query}")).await?;
    assert!(browser.at.starts_with("https://a.test/bye"), "{} {}", browser.at, browser.page.body);
    browser.get(&idp.authorize(&client, &[("acr_values", EMAIL), ("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required");
    Ok(())
}

#[tokio::test]
async fn what_is_typed_for_an_address_and_for_a_code() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", EMAIL)])).await?;
    for typed in
        ["", "ola", "ola@", "ola@localhost", "ola@example.no, per@example.no", "ola@example.no\r\nBcc: per@example.no"]
    {
        browser.answer(&[("do", "next"), ("email", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(browser.shows("Dette er ikke en e-postadresse"), "{typed}: {}", browser.page.body);
    }
    assert!(browser.page.body.contains("aria-invalid=\"true\""));
    browser.answer(&[("do", "next"), ("email", " ola@example.no ")]).await?;
    let right = code_to(&idp, ADDRESS)?;
    for (typed, words) in [("", "Skriv inn koden du fikk"), ("123456", "8 siffer"), ("abcdefgh", "8 siffer")] {
        browser.answer(&[("do", "next"), ("code", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(browser.shows(words), "{typed}: {}", browser.page.body);
    }
    browser.answer(&[("do", "resend")]).await?;
    assert!(browser.shows("nettopp sendt") && idp.messages_to(ADDRESS).len() == 1, "{}", browser.page.body);
    browser.answer(&[("do", "next"), ("code", &wrong(&right))]).await?;
    assert!(browser.shows("Feil kode"), "{}", browser.page.body);
    browser.answer(&[("do", "next"), ("code", &wrong(&right))]).await?;
    assert!(browser.shows("ett forsøk igjen"), "{}", browser.page.body);
    browser.answer(&[("do", "next"), ("code", &wrong(&right))]).await?;
    assert!(browser.shows("feil tre ganger") && !browser.page.body.contains("name=\"code\""), "{}", browser.page.body);
    // The right one is too late now, and another one does.
    browser.answer(&[("do", "next"), ("code", &right)]).await?;
    assert!(browser.sent_back("code").is_err() && browser.shows("feil tre ganger"), "{}", browser.page.body);
    idp.advance(Duration::from_secs(31));
    browser.answer(&[("do", "resend")]).await?;
    assert!(browser.shows("Vi har sendt deg en ny kode"), "{}", browser.page.body);
    idp.advance(Duration::from_mins(4));
    browser.answer(&[("do", "extend")]).await?;
    idp.advance(Duration::from_mins(4));
    let code = code_to(&idp, ADDRESS)?;
    let mut late = browser.clone();
    browser.answer(&[("do", "next"), ("code", &format!(" {} {} ", &code[..4], &code[4..]))]).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    // The second of a double click comes in as well, and another guess does not.
    late.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(late.sent_back("code").is_ok(), "{}", late.page.body);

    let mut old = at_the_code(&idp, &client, "per@example.no").await?;
    idp.advance(Duration::from_mins(5));
    old.answer(&[("do", "next"), ("code", &code_to(&idp, "per@example.no")?)]).await?;
    assert!(old.sent_back("code").is_err() && old.shows("tiden gikk ut"), "{}", old.page.body);
    Ok(())
}

// Attack: brute force in one login, in a burst.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_burst_of_codes_three_are_looked_at() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let browser = at_the_code(&idp, &client, ADDRESS).await?;
    let right = code_to(&idp, ADDRESS)?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    let guesses = (0..100).map(|number| format!("{number:08}")).filter(|guess| *guess != right);
    let tries = guesses.map(|guess| {
        let (mut browser, action, csrf) = (browser.clone(), action.clone(), csrf.clone());
        async move {
            browser.post_only(&action, &[("csrf", &csrf), ("do", "next"), ("code", &guess)]).await?;
            anyhow::Ok(browser)
        }
    });
    let answers = join_all(tries).await.into_iter().collect::<anyhow::Result<Vec<Browser>>>()?;
    let is_judged = |browser: &&Browser| {
        browser.shows("Feil kode")
            || (browser.page.status == StatusCode::UNPROCESSABLE_ENTITY && browser.shows("feil tre ganger"))
    };
    let judged = answers.iter().filter(is_judged).count();
    assert!(judged >= 3, "{judged}");
    let wrong = answers.iter().filter(|browser| browser.shows("Feil kode")).count();
    assert!(wrong <= 2, "two are wrong, and the third was the last: {wrong}");
    let mut browser = browser;
    browser.post(&action, &[("csrf", &csrf), ("do", "next"), ("code", &right)]).await?;
    assert!(browser.sent_back("code").is_err(), "the code is void: {}", browser.page.body);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_code_many_times_at_once_is_one_login() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let browser = at_the_code(&idp, &client, ADDRESS).await?;
    let (right, action, csrf) = (code_to(&idp, ADDRESS)?, browser.action()?, browser.csrf()?);
    let tries = (0..20).map(|_| {
        let mut browser = browser.clone();
        let fields = [("csrf", csrf.clone()), ("do", "next".to_owned()), ("code", right.clone())];
        let action = action.clone();
        async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            browser.post_only(&action, &fields).await?;
            anyhow::Ok(browser)
        }
    });
    let answers = join_all(tries).await.into_iter().collect::<anyhow::Result<Vec<Browser>>>()?;
    let location = |browser: &Browser| browser.page.header("location").unwrap_or_default().to_owned();
    let codes = answers.iter().filter(|browser| location(browser).starts_with("https://a.test/cb?code=")).count();
    assert_eq!(codes, 1, "{:?}", answers.iter().map(location).collect::<Vec<_>>());
    Ok(())
}

// Attack: guesses in many logins, and mail that nobody has asked for. Whoever owns the address gets in all the same where
// they have been before.
#[tokio::test]
async fn an_address_gets_so_many_codes_and_no_more() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let mut owner = logged_in(&idp, &client, ADDRESS).await?;
    // A day is counted from midnight (UTC).
    let into_the_day = u64::try_from(idp.now().seconds().rem_euclid(86_400))?;
    idp.advance(Duration::from_secs(86_400 - into_the_day));
    let mut sent = 0;
    for hour in 0..6 {
        for round in 0..7 {
            // However it is written, it is one address.
            let address = if round % 2 == 0 { ADDRESS } else { "OLA@example.NO" };
            let before = idp.messages_to(ADDRESS).len();
            let browser = at_the_code(&idp, &client, address).await?;
            let came = idp.messages_to(ADDRESS).len() - before;
            sent += came;
            let refused = browser.page.status == StatusCode::TOO_MANY_REQUESTS && browser.shows(TOO_MANY);
            assert_eq!(refused, came == 0, "{hour} {round}: {}", browser.page.body);
            assert!(came == 1 || browser.page.body.contains("value=\"ola@example.no\""), "what was typed is kept");
        }
        assert_eq!(sent, (5 * (hour + 1)).min(20), "{hour}");
        idp.advance(Duration::from_hours(1));
    }
    owner.get(&idp.authorize(&client, &[("acr_values", EMAIL), ("prompt", "login")])).await?;
    owner.answer(&[("do", "next"), ("email", ADDRESS)]).await?;
    owner.answer(&[("do", "next"), ("code", &code_to(&idp, ADDRESS)?)]).await?;
    assert!(owner.sent_back("code").is_ok(), "{}", owner.page.body);
    // A browser in which somebody else has been is no better than any.
    let mut other = logged_in(&idp, &client, "per@example.no").await?;
    other.get(&idp.authorize(&client, &[("acr_values", EMAIL), ("prompt", "login")])).await?;
    other.answer(&[("do", "next"), ("email", ADDRESS)]).await?;
    assert!(other.shows(TOO_MANY), "{}", other.page.body);
    Ok(())
}

// Attack: who has logged in with an address before, or stands in the register with it, is told to nobody.
#[tokio::test]
async fn every_address_looks_the_same() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    logged_in(&idp, &client, "inside@example.no").await?;
    idp.advance(Duration::from_hours(2));
    let mut all = BTreeSet::new();
    for address in ["inside@example.no", "nobody@example.no", &kari.email] {
        let browser = at_the_code(&idp, &client, address).await?;
        let (action, csrf) = (browser.action()?, browser.csrf()?);
        let body = browser.page.body.replace(&action, "PATH").replace(&action.replace('/', "%2F"), "PATH");
        let headers: Vec<&str> = browser.page.headers.keys().map(axum::http::HeaderName::as_str).collect();
        let body = body.replace(&csrf, "CSRF").replace(address, "ADDRESS");
        all.insert(format!("{} {headers:?} {:?} {body}", browser.page.status, browser.cookies.keys()));
    }
    assert_eq!(all.len(), 1, "{all:#?}");
    Ok(())
}

// Attack: a login that was begun elsewhere, and steps that are left out.
#[tokio::test]
async fn no_step_can_be_left_out() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", EMAIL)])).await?;
    for fields in [
        &[("do", "next"), ("code", "00000000")][..],
        &[("do", "resend")],
        &[("do", "extend")],
        &[("do", "confirm")],
        &[("do", "skip")],
        &[],
    ] {
        browser.answer(fields).await?;
        assert!(browser.shows("Logg inn med e-post") && browser.sent_back("code").is_err(), "{fields:?}");
    }
    browser.answer(&[("do", "next"), ("email", ADDRESS)]).await?;
    let code = code_to(&idp, ADDRESS)?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    // In another browser, with a mark of another, or with the code of another address.
    let mut stranger = idp.browser();
    stranger.post(&action, &[("csrf", &csrf), ("do", "next"), ("code", &code)]).await?;
    assert_eq!(stranger.page.status, StatusCode::FORBIDDEN);
    browser.post(&action, &[("csrf", "x"), ("do", "next"), ("code", &code)]).await?;
    assert_eq!(browser.page.status, StatusCode::FORBIDDEN);
    let mut other = at_the_code(&idp, &client, "per@example.no").await?;
    if code != code_to(&idp, "per@example.no")? {
        other.answer(&[("do", "next"), ("code", &code)]).await?;
        assert!(other.shows("Feil kode"), "{}", other.page.body);
    }
    // The code belongs to the address that it went to: another address, another code.
    browser.get(&action).await?;
    browser.answer(&[("do", "back")]).await?;
    browser.answer(&[("do", "next"), ("email", "eve@example.no")]).await?;
    if code != code_to(&idp, "eve@example.no")? {
        browser.answer(&[("do", "next"), ("code", &code)]).await?;
        assert!(browser.shows("Feil kode"), "{}", browser.page.body);
    }
    browser.answer(&[("do", "cancel")]).await?;
    assert_eq!(browser.sent_back("error")?, "access_denied");
    Ok(())
}

#[tokio::test]
async fn a_scope_that_hides_who_it_is_hides_the_address() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    register(&idp, "test:hidden", json!({ "requires_pseudonymous_tokens": true })).await?;
    let client = idp.client_with(json!({ "scopes": ["openid", "profile", "test:hidden"] })).await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", EMAIL), ("scope", "openid test:hidden")])).await?;
    browser.answer(&[("do", "next"), ("email", ADDRESS)]).await?;
    browser.answer(&[("do", "next"), ("code", &code_to(&idp, ADDRESS)?)]).await?;
    let token = id_token(&idp, &browser, &client).await?;
    assert!(token.get("email").is_none() && token.get("pid").is_none(), "{token}");
    Ok(())
}

#[tokio::test]
async fn the_words_in_three_languages() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for (language, title, subject, sent) in [
        ("nb", "Skriv inn koden fra e-posten", "Porten: Kode for å logge inn", "Den logger deg inn hos Test service."),
        ("nn", "Skriv inn koden frå e-posten", "Porten: Kode for å logge inn", "Han loggar deg inn hos Test service."),
        ("en", "Enter the code from the email", "Porten: Code for logging in", "It logs you in to Test service."),
    ] {
        let address = format!("{language}@example.no");
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[("acr_values", EMAIL), ("ui_locales", language)])).await?;
        browser.answer(&[("do", "next"), ("email", &address)]).await?;
        assert!(browser.shows(title), "{}", browser.page.body);
        let mail = idp.messages_to(&address).into_iter().next().context("no mail")?;
        assert_eq!(mail.subject, subject);
        assert!(mail.text.contains(sent), "{}", mail.text);
    }
    Ok(())
}
