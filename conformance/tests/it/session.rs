//! Single sign-on: 30 minutes idle, 120 at most, circles of services, step-up.

use std::time::Duration;

use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, claims, unregistered};
use serde_json::{Value, json};

async fn id_token(idp: &TestIdp, browser: &Browser, client: &TestClient) -> anyhow::Result<Value> {
    let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
    claims(&tokens["id_token"])
}

#[tokio::test]
async fn half_an_hour_idle_and_two_hours_at_most() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    let began = id_token(&idp, &browser, &client).await?["auth_time"].clone();
    // Four visits with 29 minutes between: 116 minutes.
    for _ in 0..4 {
        idp.advance(Duration::from_mins(29));
        browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
        let token = id_token(&idp, &browser, &client).await?;
        assert_eq!(token["auth_time"], began);
        assert_ne!(token["iat"], began);
    }
    idp.advance(Duration::from_mins(5));
    browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required", "121 minutes");

    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    idp.advance(Duration::from_mins(30));
    browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required", "30 minutes without a visit");
    Ok(())
}

#[tokio::test]
async fn prompt_login_and_max_age_ask_again() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    let first = id_token(&idp, &browser, &client).await?;
    idp.advance(Duration::from_secs(31));
    for more in [[("prompt", "login")], [("max_age", "1")], [("max_age", "0")]] {
        browser.get(&idp.authorize(&client, &more)).await?;
        assert!(browser.shows("Velg innloggingsmetode"), "{more:?}");
    }
    browser.log_in(&idp, &kari).await?;
    let second = id_token(&idp, &browser, &client).await?;
    assert_eq!(second["sub"], first["sub"]);
    assert_eq!(second["auth_time"].as_i64(), first["auth_time"].as_i64().map(|t| t + 31));
    browser.get(&idp.authorize(&client, &[("max_age", "15000"), ("prompt", "none")])).await?;
    assert_eq!(id_token(&idp, &browser, &client).await?["auth_time"], second["auth_time"]);
    Ok(())
}

#[tokio::test]
async fn a_hint_names_who_is_to_be_logged_in() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, other) = (idp.client().await?, idp.client().await?);
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let hint = tokens["id_token"].as_str().unwrap_or_default().to_owned();
    idp.advance(Duration::from_mins(20));
    browser.get(&idp.authorize(&client, &[("prompt", "none"), ("id_token_hint", &hint)])).await?;
    assert!(browser.sent_back("code").is_ok(), "an expired hint is still a hint");
    browser.get(&idp.authorize(&other, &[("id_token_hint", &hint)])).await?;
    assert_eq!(browser.sent_back("error")?, "invalid_request", "another client's");
    let access = tokens["access_token"].as_str().unwrap_or_default();
    browser.get(&idp.authorize(&client, &[("id_token_hint", access)])).await?;
    assert_eq!(browser.sent_back("error")?, "invalid_request", "an access token is no ID token");

    let mut another = idp.browser();
    another.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &ola).await?;
    another.get(&idp.authorize(&client, &[("prompt", "none"), ("id_token_hint", &hint)])).await?;
    assert_eq!(another.sent_back("error")?, "login_required");
    another.get(&idp.authorize(&client, &[("id_token_hint", &hint)])).await?;
    assert!(another.shows("Velg innloggingsmetode"));
    idp.advance(Duration::from_secs(31));
    another.log_in(&idp, &ola).await?;
    assert_eq!(another.sent_back("error")?, "login_required", "the wrong one logged in");
    Ok(())
}

#[tokio::test]
async fn step_up_to_a_higher_level() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    browser.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-high"), ("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required");
    browser.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-high")])).await?;
    browser.answer(&[("do", "next"), ("fnr", &kari.fnr), ("acr", "idporten-loa-high")]).await?;
    assert_eq!(id_token(&idp, &browser, &client).await?["acr"], "idporten-loa-high");
    // The session is high from now on, which is enough for less.
    browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(id_token(&idp, &browser, &client).await?["acr"], "idporten-loa-high");
    browser.get(&idp.authorize(&client, &[("acr_values", "eidas-loa-low"), ("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required", "another framework");
    Ok(())
}

#[tokio::test]
async fn an_isolated_service_shares_with_itself_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let shared = idp.client().await?;
    let isolated = idp.client_with(json!({ "sso_disabled": true })).await?;
    let kari = idp.person().await?;
    let asks = async |browser: &mut Browser, client: &TestClient| -> anyhow::Result<bool> {
        browser.get(&idp.authorize(client, &[("prompt", "none")])).await?;
        Ok(browser.sent_back("error").is_ok())
    };
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&shared, &[])).await?.log_in(&idp, &kari).await?;
    assert!(asks(&mut browser, &isolated).await?, "not from the shared session");
    browser.get(&idp.authorize(&isolated, &[])).await?.log_in(&idp, &kari).await?;
    assert!(!asks(&mut browser, &isolated).await?);
    assert!(!asks(&mut browser, &shared).await?, "the shared session goes on");

    let mut other = idp.browser();
    other.get(&idp.authorize(&isolated, &[])).await?.log_in(&idp, &kari).await?;
    assert!(!asks(&mut other, &isolated).await?);
    assert!(asks(&mut other, &shared).await?, "nor into it");
    Ok(())
}

#[tokio::test]
async fn logins_are_shared_within_a_circle_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let mut clients = Vec::new();
    for (circle, fields) in [
        ("all", json!({})),
        ("all", json!({ "sso_mode": "global" })),
        ("1", json!({ "sso_mode": "isolated" })),
        ("2", json!({ "sso_disabled": true })),
        ("3", json!({ "sso_mode": "isolated", "sso_disabled": true })),
        ("helse", json!({ "sso_mode": "limited", "sso_group": "helse" })),
        ("helse", json!({ "sso_mode": "limited", "sso_group": "helse" })),
        ("skatt", json!({ "sso_mode": "limited", "sso_group": "skatt" })),
    ] {
        clients.push((circle, fields.clone(), idp.client_with(fields).await?));
    }
    let kari = idp.person().await?;
    let hint = format!("testid:{}_idporten-loa-substantial", kari.fnr);
    for (number, (circle, fields, client)) in clients.iter().enumerate() {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(client, &[("login_hint", &hint)])).await?.sent_back("code")?;
        for (other_number, (other_circle, other_fields, other)) in clients.iter().enumerate() {
            browser.get(&idp.authorize(other, &[("prompt", "none")])).await?;
            let shared = circle == other_circle && (circle.len() > 1 || number == other_number);
            assert_eq!(browser.sent_back("code").is_ok(), shared, "{fields} {other_fields}");
        }
        // One logout is for all.
        for (_, _, other) in &clients {
            browser.get(&idp.authorize(other, &[("login_hint", &hint)])).await?.sent_back("code")?;
        }
        browser.get("/logout").await?.answer(&[("do", "logout")]).await?;
        for (_, _, other) in &clients {
            browser.get(&idp.authorize(other, &[("prompt", "none")])).await?;
            assert_eq!(browser.sent_back("error")?, "login_required");
        }
    }
    for wrong in [
        json!({ "sso_mode": "limited" }),
        json!({ "sso_group": "helse" }),
        json!({ "sso_mode": "isolated", "sso_group": "helse" }),
        json!({ "sso_mode": "limited", "sso_group": "a b" }),
        json!({ "sso_mode": "global", "sso_disabled": true }),
        json!({ "sso_mode": "limited", "sso_group": "helse", "sso_disabled": true }),
        json!({ "backchannel_logout_on_expiry": true }),
    ] {
        assert!(idp.client_with(wrong.clone()).await.is_err(), "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn a_step_up_stays_within_its_circle() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fields = json!({ "sso_mode": "limited", "sso_group": "helse", "frontchannel_logout_session_required": true });
    let (one, two) = (idp.client_with(fields.clone()).await?, idp.client_with(fields).await?);
    let shared = idp.client_with(json!({ "frontchannel_logout_session_required": true })).await?;
    let kari = idp.person().await?;
    let hint = |level: &str| format!("testid:{}_idporten-loa-{level}", kari.fnr);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&shared, &[("login_hint", &hint("substantial"))])).await?;
    let first = id_token(&idp, &browser, &shared).await?;
    browser.get(&idp.authorize(&one, &[("login_hint", &hint("substantial"))])).await?;
    browser.get(&idp.authorize(&one, &[("login_hint", &hint("high"))])).await?;
    for (client, level) in [(&one, "high"), (&two, "high"), (&shared, "substantial")] {
        browser.get(&idp.authorize(client, &[("prompt", "none")])).await?;
        let token = id_token(&idp, &browser, client).await?;
        assert_eq!(token["acr"], format!("idporten-loa-{level}"));
        assert_eq!(token["sid"], first["sid"], "one session");
    }
    let high = [("acr_values", "idporten-loa-high"), ("prompt", "none")];
    browser.get(&idp.authorize(&shared, &high)).await?;
    assert_eq!(browser.sent_back("error")?, "login_required");
    // Its timers are the session's: a proof of the group makes no session longer.
    idp.advance(Duration::from_mins(29));
    browser.get(&idp.authorize(&shared, &[("prompt", "none")])).await?;
    for _ in 0..3 {
        idp.advance(Duration::from_mins(29));
        browser.get(&idp.authorize(&two, &[("login_hint", &hint("high"))])).await?;
    }
    idp.advance(Duration::from_mins(5));
    browser.get(&idp.authorize(&two, &[("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required");
    Ok(())
}

// Attack: another person in the same browser.
#[tokio::test]
async fn another_person_in_the_same_browser_starts_a_session_of_their_own() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "frontchannel_logout_session_required": true })).await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    let first = id_token(&idp, &browser, &client).await?;
    browser.get(&idp.authorize(&client, &[("prompt", "login")])).await?.log_in(&idp, &ola).await?;
    let second = id_token(&idp, &browser, &client).await?;
    assert_ne!(first["sid"], second["sid"]);
    assert_eq!(second["pid"], ola.fnr.as_str());
    // The same person again stays in the session.
    idp.advance(Duration::from_secs(31));
    browser.get(&idp.authorize(&client, &[("prompt", "login")])).await?.log_in(&idp, &ola).await?;
    assert_eq!(id_token(&idp, &browser, &client).await?["sid"], second["sid"]);
    Ok(())
}

#[tokio::test]
async fn a_login_under_way_is_not_finished_as_somebody_else() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let ola = unregistered()?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    let place = browser.action()?;
    browser.log_in(&idp, &kari).await?;
    let hint = format!("testid:{}_idporten-loa-substantial", ola.fnr);
    browser.get(&idp.authorize(&client, &[("login_hint", &hint)])).await?;
    assert_eq!(id_token(&idp, &browser, &client).await?["pid"], ola.fnr.as_str());
    // Back to Kari's finished login, in Ola's session: asked first.
    browser.get(&place).await?;
    assert!(browser.page.body.contains("value=\"next\"") && !browser.page.body.contains("name=\"code\""));
    browser.answer(&[("do", "next")]).await?;
    assert_eq!(id_token(&idp, &browser, &client).await?["pid"], ola.fnr.as_str());
    Ok(())
}

// Attack: a question that is still open is answered after the logout, or hours later.
#[tokio::test]
async fn agreeing_is_worth_nothing_without_the_session() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let consent = idp.authorize(&client, &[("prompt", "consent")]);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    browser.get(&consent).await?;
    let mut open = browser.clone();
    browser.get("/logout").await?.answer(&[("do", "logout")]).await?;
    open.answer(&[("do", "next")]).await?;
    assert!(open.shows("Velg innloggingsmetode"), "after the logout: {}", open.page.body);

    // Nor has somebody else with the login's address and the browser's mark anything from it.
    let mut fresh = idp.browser();
    fresh.get(&consent).await?;
    let planted = fresh.clone();
    fresh.log_in(&idp, &kari).await?;
    let (place, csrf) = (fresh.action()?, fresh.csrf()?);
    let mut other = planted.clone();
    other.post(&place, &[("csrf", &csrf), ("do", "next")]).await?;
    assert!(other.sent_back("code").is_err() && !other.cookies.contains_key("__Host-porten-session"));
    Ok(())
}

#[tokio::test]
async fn agreeing_again_and_again_makes_no_session_longer() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    let place = browser.action()?;
    browser.log_in(&idp, &kari).await?;
    for _ in 0..4 {
        idp.advance(Duration::from_mins(29));
        browser.get(&idp.authorize(&client, &[("prompt", "consent")])).await?.answer(&[("do", "next")]).await?;
        assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    }
    idp.advance(Duration::from_mins(5));
    browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required", "121 minutes after the proof");
    browser.get(&place).await?;
    assert!(browser.sent_back("code").is_err());
    Ok(())
}
