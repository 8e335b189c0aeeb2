//! Consent: asked for once, remembered, withdrawn on the citizen's own page.

use anyhow::Context;
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson, unregistered};
use futures_util::future::join_all;
use serde_json::json;

use crate::profile::kinds;
use crate::scopes::register;

const SCOPE: (&str, &str) = ("scope", "openid fjordvik:sak.read");

/// A Porten with scopes that ask for consent, and a service that uses them.
async fn fjordvik() -> anyhow::Result<(TestIdp, TestClient)> {
    let idp = TestIdp::start().await?;
    let words = json!({
        "description": "Se byggesakene dine",
        "description#en": "See your building cases",
        "long_description": "Kommunen får se **alle** sakene.",
        "requires_user_consent": true,
    });
    register(&idp, "fjordvik:sak.read", words).await?;
    let words = json!({ "description": "Endre byggesakene dine", "requires_user_consent": true });
    register(&idp, "fjordvik:sak.write", words).await?;
    let client = service(&idp, "Fjordvik kommune").await?;
    Ok((idp, client))
}

async fn service(idp: &TestIdp, name: &str) -> anyhow::Result<TestClient> {
    idp.client_with(json!({
        "client_name": name,
        "scopes": ["openid", "profile", "fjordvik:sak.read", "fjordvik:sak.write"],
        "grant_types": ["authorization_code", "refresh_token"],
    }))
    .await
}

/// A browser in which somebody has logged in and agreed.
async fn agreed(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[SCOPE])).await?.log_in(idp, person).await?;
    browser.answer(&[("do", "next")]).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(browser)
}

async fn withdraw(browser: &mut Browser, client: &TestClient) -> anyhow::Result<()> {
    browser.get("/profil/samtykker").await?.answer(&[("client", &client.id)]).await?;
    assert!(browser.page.body.contains("role=\"status\""), "{}", browser.page.body);
    Ok(())
}

fn asks(browser: &Browser) -> bool {
    browser.shows("Godkjenner du dette?")
}

#[tokio::test]
async fn asked_once_and_remembered() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[SCOPE])).await?.log_in(&idp, &kari).await?;
    assert!(asks(&browser) && browser.shows("Fjordvik kommune") && browser.shows("Se byggesakene dine"));
    assert!(browser.page.body.contains("<strong>alle</strong>") && browser.page.body.contains("<html lang=\"nb\""));
    browser.answer(&[("do", "next")]).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(tokens["scope"], "fjordvik:sak.read openid");
    // In the same session, without a page, and in another browser.
    browser.get(&idp.authorize(&client, &[SCOPE])).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    browser.get(&idp.authorize(&client, &[SCOPE, ("prompt", "none")])).await?;
    assert!(browser.sent_back("code").is_ok());
    let mut other = idp.browser();
    other.get(&idp.authorize(&client, &[SCOPE])).await?.log_in(&idp, &kari).await?;
    assert!(other.sent_back("code").is_ok(), "{}", other.page.body);
    // Who asks for it to be asked gets it asked.
    browser.get(&idp.authorize(&client, &[SCOPE, ("prompt", "consent")])).await?;
    assert!(asks(&browser));
    // More than was agreed to; another service; and what asks for nothing.
    let more = ("scope", "openid fjordvik:sak.read fjordvik:sak.write");
    browser.get(&idp.authorize(&client, &[more, ("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "consent_required");
    browser.get(&idp.authorize(&client, &[more])).await?;
    assert!(asks(&browser) && browser.shows("Endre byggesakene dine"));
    let neighbour = service(&idp, "Bergvik kommune").await?;
    browser.get(&idp.authorize(&neighbour, &[SCOPE])).await?;
    assert!(asks(&browser));
    browser.get(&idp.authorize(&neighbour, &[("scope", "openid")])).await?;
    assert!(browser.sent_back("code").is_ok());
    Ok(())
}

#[tokio::test]
async fn declining_leads_back_and_is_not_remembered() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[SCOPE])).await?.log_in(&idp, &kari).await?;
    browser.answer(&[("do", "cancel")]).await?;
    assert_eq!(browser.sent_back("error")?, "access_denied");
    browser.get(&idp.authorize(&client, &[SCOPE])).await?;
    assert!(asks(&browser));
    let mut stranger = idp.browser();
    stranger.get(&idp.authorize(&client, &[SCOPE, ("prompt", "none")])).await?;
    assert_eq!(stranger.sent_back("error")?, "login_required", "who isn't logged in hasn't been asked yet");
    Ok(())
}

#[tokio::test]
async fn withdrawing_ends_what_rests_on_it() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let mut others = agreed(&idp, &client, &ola).await?;
    let others = idp.redeem(&client, &others.get(&idp.authorize(&client, &[SCOPE])).await?.sent_back("code")?).await?;
    let mut browser = agreed(&idp, &client, &kari).await?;
    let place = browser.clone();
    let guarded = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    browser.get(&idp.authorize(&client, &[("scope", "openid")])).await?;
    let plain = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    browser.get(&idp.authorize(&client, &[SCOPE])).await?;
    let unused = browser.sent_back("code")?;
    let text = |tokens: &serde_json::Value, name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
    let guarded = idp.refresh(&client, &text(&guarded, "refresh_token")).await?.json()?;
    assert_eq!(idp.userinfo(&text(&guarded, "access_token")).await?.status, StatusCode::OK);

    browser.get("/profil/samtykker").await?;
    assert!(browser.shows("Fjordvik kommune") && browser.shows("Se byggesakene dine"), "{}", browser.page.body);
    withdraw(&mut browser, &client).await?;
    assert!(browser.shows("Du har trukket tilbake samtykket til Fjordvik kommune"));
    assert!(browser.shows("Du har ingen samtykker nå."));

    assert_eq!(idp.refresh(&client, &text(&guarded, "refresh_token")).await?.error()?, "invalid_grant");
    assert_eq!(idp.userinfo(&text(&guarded, "access_token")).await?.status, StatusCode::UNAUTHORIZED);
    let late = idp.redeem(&client, &unused).await?;
    let late = late.json()?;
    assert!(late.get("refresh_token").is_none(), "{late}");
    let access = text(&late, "access_token");
    assert_eq!(idp.userinfo(&access).await?.status, StatusCode::UNAUTHORIZED, "{late}");
    // What rests on no consent lives on, and so does another's.
    assert_eq!(idp.userinfo(&text(&plain, "access_token")).await?.status, StatusCode::OK);
    assert_eq!(idp.refresh(&client, &text(&plain, "refresh_token")).await?.status, StatusCode::OK);
    let others = others.json()?;
    assert_eq!(idp.refresh(&client, &text(&others, "refresh_token")).await?.status, StatusCode::OK);

    browser.get(&idp.authorize(&client, &[SCOPE, ("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "consent_required");
    // The back button to the login that was over asks as well.
    let mut back = place;
    back.cookies.clone_from(&browser.cookies);
    back.get(&idp.authorize(&client, &[SCOPE])).await?;
    assert!(asks(&back));
    back.answer(&[("do", "next")]).await?;
    let again = idp.redeem(&client, &back.sent_back("code")?).await?.json()?;
    assert_eq!(idp.userinfo(&text(&again, "access_token")).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn going_back_to_a_login_whose_consent_was_withdrawn_asks_again() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[SCOPE])).await?;
    let place = browser.action()?;
    browser.log_in(&idp, &kari).await?.answer(&[("do", "next")]).await?;
    browser.get(&place).await?;
    assert!(browser.sent_back("code").is_ok(), "as long as it stands, the way back is open");
    withdraw(&mut browser, &client).await?;
    browser.get(&place).await?;
    assert!(asks(&browser), "{} {}", browser.at, browser.page.body);
    browser.get("/profil/samtykker").await?;
    assert!(browser.shows("Samtykkene dine"), "and the session is none the worse");
    Ok(())
}

#[tokio::test]
async fn another_person_in_the_same_browser_is_asked_for_themselves() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let mut browser = agreed(&idp, &client, &kari).await?;
    browser.get("/profil/samtykker").await?;
    let (of_kari, stale) = (browser.csrf()?, browser.clone());
    browser.get(&idp.authorize(&client, &[SCOPE, ("prompt", "login")])).await?.log_in(&idp, &ola).await?;
    assert!(asks(&browser), "{}", browser.page.body);
    browser.get("/profil/samtykker").await?;
    assert!(browser.shows("Du har ingen samtykker nå.") && browser.shows(&ola.fnr) && !browser.shows(&kari.fnr));
    browser.get(&idp.authorize(&client, &[SCOPE])).await?.answer(&[("do", "next")]).await?;
    assert!(browser.sent_back("code").is_ok());
    // Kari's page, still open in another tab, withdraws nothing of Ola's.
    let mut tab = stale;
    tab.cookies.clone_from(&browser.cookies);
    tab.post("/profil/samtykker", &[("csrf", &of_kari), ("client", &client.id)]).await?;
    assert_eq!(tab.page.status, StatusCode::FORBIDDEN);
    browser.get(&idp.authorize(&client, &[SCOPE, ("prompt", "none")])).await?;
    assert!(browser.sent_back("code").is_ok());
    Ok(())
}

// Attack: two hundred answers at once.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_answers_are_one() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[SCOPE])).await?.log_in(&idp, &kari).await?;
    let (place, csrf) = (browser.action()?, browser.csrf()?);
    let fields = [("csrf", csrf.as_str()), ("do", "next")];
    let mut tabs: Vec<Browser> = (0..200).map(|_| browser.clone()).collect();
    let answers = join_all(tabs.iter_mut().map(|tab| tab.post_only(&place, &fields))).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    let codes = tabs.iter().filter(|tab| tab.page.header("location").is_some_and(|to| to.contains("code="))).count();
    assert_eq!(codes, 1, "{:?}", tabs.iter().map(|tab| tab.page.status).collect::<Vec<_>>());
    let winner = tabs.iter_mut().find(|tab| tab.page.header("location").is_some_and(|to| to.contains("code=")));
    let winner = winner.context("nobody")?;
    winner.get("/profil/samtykker").await?;
    assert_eq!(winner.page.body.matches("id=\"service-").count(), 1, "{}", winner.page.body);
    assert_eq!(winner.page.body.matches("class=\"since\"").count(), 1);
    Ok(())
}

// Attack: withdrawn while tokens are being made.
#[tokio::test(flavor = "multi_thread")]
async fn no_grant_slips_past_a_withdrawal() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let kari = idp.person().await?;
    let mut browser = agreed(&idp, &client, &kari).await?;
    browser.get("/profil/samtykker").await?;
    let csrf = browser.csrf()?;
    let mut tabs: Vec<Browser> = (0..200).map(|_| browser.clone()).collect();
    let mut profile = browser.clone();
    let asked = idp.authorize(&client, &[SCOPE, ("prompt", "none")]);
    let withdrawal = [("csrf", csrf.as_str()), ("client", client.id.as_str())];
    let (answers, withdrawn) = tokio::join!(
        join_all(tabs.iter_mut().map(|tab| tab.get(&asked))),
        profile.post("/profil/samtykker", &withdrawal)
    );
    withdrawn?;
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    for tab in tabs {
        let Ok(code) = tab.sent_back("code") else {
            assert_eq!(tab.sent_back("error")?, "consent_required");
            continue;
        };
        let tokens = idp.redeem(&client, &code).await?;
        let tokens = tokens.json()?;
        let access = tokens["access_token"].as_str().unwrap_or_default();
        assert_eq!(idp.userinfo(access).await?.status, StatusCode::UNAUTHORIZED, "{tokens}");
        assert!(tokens.get("refresh_token").is_none());
    }
    Ok(())
}

#[tokio::test]
async fn test_id_by_hint_implies_consent_and_nobody_remembers_it() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let hint = format!("testid:{}_idporten-loa-high", unregistered()?.fnr);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[SCOPE, ("login_hint", &hint)])).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?;
    assert_eq!(tokens.status, StatusCode::OK);
    browser.get(&idp.authorize(&client, &[SCOPE, ("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "consent_required");
    browser.get("/profil/samtykker").await?;
    assert!(browser.shows("Du har ingen samtykker nå."), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn the_profile_page_is_for_whoever_is_logged_in() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get("/profil/samtykker").await?;
    assert!(browser.shows("Velg innloggingsmetode"), "{}", browser.page.body);
    browser.log_in(&idp, &kari).await?;
    assert_eq!(browser.at, "/profil/samtykker", "no code stays in the address");
    assert!(browser.shows("Samtykkene dine") && browser.shows(&kari.fnr));
    // It is single sign-on like any other.
    browser.get(&idp.authorize(&client, &[("scope", "openid"), ("prompt", "none")])).await?;
    assert!(browser.sent_back("code").is_ok());
    // Who turns back isn't sent round in circles.
    let mut other = idp.browser();
    other.get("/profil/samtykker").await?.answer(&[("do", "cancel")]).await?;
    assert_eq!(other.at, "/");
    // Nobody is called as it is, and its codes are good for nothing.
    let taken = idp::client::ClientId::named("porten-profil").context("a name")?;
    let registration = serde_json::from_value(json!({ "client_name": "x", "redirect_uris": ["https://x.test/"] }))?;
    let db = &idp.app.world.db;
    assert!(!idp::client::Client::register(db, &taken, &registration, None, idp.now()).await?);
    for (secret, method) in [("", "client_secret_basic"), ("", "client_secret_post"), ("x", "none")] {
        let own =
            TestClient { id: "porten-profil".into(), secret: secret.into(), method: method.into(), ..client.clone() };
        assert_eq!(idp.redeem(&own, "x.y").await?.error()?, "invalid_client", "{method}");
    }
    Ok(())
}

#[tokio::test]
async fn an_isolated_login_opens_no_profile() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let alone = idp.client_with(json!({ "sso_disabled": true })).await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&alone, &[])).await?.log_in(&idp, &kari).await?;
    browser.get("/profil/samtykker").await?;
    assert!(browser.shows("Velg innloggingsmetode"), "{}", browser.page.body);
    Ok(())
}

// Attack: forms from elsewhere.
#[tokio::test]
async fn only_our_own_form_withdraws() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let kari = idp.person().await?;
    let mut browser = agreed(&idp, &client, &kari).await?;
    browser.get("/profil/samtykker").await?;
    let csrf = browser.csrf()?;
    for fields in [vec![("client", client.id.as_str())], vec![("client", &client.id), ("csrf", "x")]] {
        browser.post("/profil/samtykker", &fields).await?;
        assert_eq!(browser.page.status, StatusCode::FORBIDDEN);
    }
    let mut framed = browser.clone();
    framed.headers.push(("sec-fetch-site", "cross-site".into()));
    framed.post("/profil/samtykker", &[("client", &client.id), ("csrf", &csrf)]).await?;
    assert_eq!(framed.page.status, StatusCode::FORBIDDEN);
    let mut stranger = idp.browser();
    stranger.post("/profil/samtykker", &[("client", &client.id), ("csrf", &csrf)]).await?;
    assert!(stranger.shows("Velg innloggingsmetode"));
    browser.get(&idp.authorize(&client, &[SCOPE, ("prompt", "none")])).await?;
    assert!(browser.sent_back("code").is_ok(), "nothing was withdrawn");
    for odd in ["", "nobody", "a b", "../x"] {
        browser.post("/profil/samtykker", &[("client", odd), ("csrf", &csrf)]).await?;
        assert_eq!(browser.page.status, StatusCode::OK, "{odd}");
        assert!(!browser.page.body.contains("role=\"status\""), "{odd}");
    }
    Ok(())
}

#[tokio::test]
async fn in_the_readers_language() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[SCOPE, ("ui_locales", "en")])).await?.log_in(&idp, &kari).await?;
    let html = &browser.page.body;
    assert!(html.contains("<html lang=\"en\"") && html.contains("lang=\"en\">See your building cases"), "{html}");
    assert!(html.contains("<p lang=\"nb\">Kommunen får se"), "what is said in Bokmål alone says so: {html}");
    browser.answer(&[("do", "next")]).await?;
    for (code, title) in
        [("nb", "Samtykkene dine"), ("nn", "Samtykka dine"), ("en", "Your consents"), ("se", "Samtykkene dine")]
    {
        browser.get(&format!("/language?to={code}&back=/profil/samtykker")).await?;
        let lang = if code == "se" { "nb" } else { code };
        assert!(browser.page.body.contains(&format!("<html lang=\"{lang}\"")) && browser.shows(title), "{code}");
    }
    Ok(())
}

// Attack: a supplier with many customers asks for one, and uses the answer for another.
#[tokio::test]
async fn what_one_customer_gets_no_other_customer_has() -> anyhow::Result<()> {
    let (idp, _) = fjordvik().await?;
    let customers = json!([
        { "onbehalfof": "vik", "display_name": "Vik kommune" },
        { "onbehalfof": "nes", "display_name": "Nes kommune" },
    ]);
    let client = idp
        .client_with(json!({
            "client_name": "Leverandøren", "scopes": ["openid", "fjordvik:sak.read"], "onbehalfof": customers,
        }))
        .await?;
    let kari = idp.person().await?;
    let ask = |customer: &'static str| idp.authorize(&client, &[SCOPE, ("onbehalfof", customer)]);
    let mut browser = idp.browser();
    browser.get(&ask("vik")).await?.log_in(&idp, &kari).await?;
    assert!(asks(&browser) && browser.shows("Vik kommune ber om dette"));
    browser.answer(&[("do", "next")]).await?;
    assert!(browser.sent_back("code").is_ok());
    browser.get(&ask("vik")).await?;
    assert!(browser.sent_back("code").is_ok());
    for other in ["nes", ""] {
        browser.get(&ask(other)).await?;
        assert!(asks(&browser), "{other}");
    }
    browser.answer(&[("do", "next")]).await?;
    browser.get("/profil/samtykker").await?;
    assert!(browser.shows("Vik kommune") && browser.shows("Leverandøren") && !browser.shows("Nes kommune"));
    browser.answer(&[("client", &client.id), ("onbehalfof", "vik")]).await?;
    assert!(browser.shows("Du har trukket tilbake samtykket til Vik kommune"));
    browser.get(&ask("vik")).await?;
    assert!(asks(&browser));
    browser.get(&ask("")).await?;
    assert!(browser.sent_back("code").is_ok());
    Ok(())
}

#[tokio::test]
async fn what_is_agreed_to_and_withdrawn_stands_among_what_has_happened() -> anyhow::Result<()> {
    let (idp, client) = fjordvik().await?;
    let kari = idp.person().await?;
    let mut browser = agreed(&idp, &client, &kari).await?;
    // Asked again, and nothing new is agreed to.
    browser.get(&idp.authorize(&client, &[SCOPE, ("prompt", "consent")])).await?.answer(&[("do", "next")]).await?;
    let given = |kinds: &[String]| kinds.iter().filter(|kind| *kind == "consent-given").count();
    assert_eq!(given(&kinds(&idp, &kari).await?), 1);
    let csrf = browser.get("/profil/samtykker").await?.csrf()?;
    withdraw(&mut browser, &client).await?;
    browser.post("/profil/samtykker", &[("csrf", &csrf), ("client", &client.id)]).await?;
    let kinds = kinds(&idp, &kari).await?;
    assert_eq!(kinds.iter().filter(|kind| *kind == "consent-withdrawn").count(), 1, "{kinds:?}");
    browser.get("/profil/hendelser").await?;
    for words in ["Samtykke gitt til Fjordvik kommune", "Samtykke trukket tilbake fra Fjordvik kommune"] {
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }
    Ok(())
}
