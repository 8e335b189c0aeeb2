//! The main job: a citizen logs in, and whatever the browser does on the way.

use std::time::Duration;

use axum::http::StatusCode;
use conformance::idp::{TestIdp, claims, unregistered};

#[tokio::test]
async fn a_citizen_logs_in_with_password_and_code() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    assert!(browser.shows("Test service"), "the service's name stands on every page");
    assert!(browser.shows("Velg innloggingsmetode"));
    browser.give_password(&kari).await?;
    assert!(browser.shows("Test service"));
    assert!(!browser.shows(&kari.phone), "the telephone is masked");
    let code = idp.last_code(&kari)?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert_eq!(browser.sent_back("state")?, "the-state");
    assert_eq!(browser.sent_back("iss")?, "https://idp.test");

    let answer = idp.redeem(&client, &browser.sent_back("code")?).await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let tokens = answer.json()?;
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 120);
    assert!(tokens.get("refresh_token").is_none(), "the client is not registered for it");
    let id_token = claims(&tokens["id_token"])?;
    assert_eq!(id_token["iss"], "https://idp.test");
    assert_eq!(id_token["aud"], client.id.as_str());
    assert_eq!(id_token["pid"], kari.fnr.as_str());
    assert_eq!(id_token["acr"], "idporten-loa-substantial");
    assert_eq!(id_token["amr"], serde_json::json!(["Minid-OTC"]));
    assert_eq!(id_token["nonce"], "the-nonce");
    assert_eq!(id_token["locale"], "nb");
    assert_eq!(id_token["auth_time"], idp.now().seconds());
    assert_eq!(id_token["exp"], idp.now().seconds() + 120);
    assert!(id_token.get("at_hash").is_none());
    assert!(id_token.get("sid").is_none(), "only where the client has asked for it");
    assert_eq!(id_token["sub"].as_str().map(str::len), Some(43));

    let userinfo = idp.userinfo(tokens["access_token"].as_str().unwrap()).await?.json()?;
    assert_eq!(userinfo["sub"], id_token["sub"]);
    assert_eq!(userinfo["pid"], kari.fnr.as_str());
    Ok(())
}

#[tokio::test]
async fn each_service_knows_a_citizen_by_another_name() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let kari = idp.person().await?;
    let (one, other) = (idp.client().await?, idp.client().await?);
    let mut browser = idp.browser();
    let mut subjects = Vec::new();
    browser.get(&idp.authorize(&one, &[])).await?.log_in(&idp, &kari).await?;
    for client in [&one, &other, &one] {
        browser.get(&idp.authorize(client, &[])).await?;
        let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
        subjects.push(claims(&tokens["id_token"])?["sub"].clone());
    }
    assert_eq!(subjects[0], subjects[2]);
    assert_ne!(subjects[0], subjects[1]);
    Ok(())
}

#[tokio::test]
async fn bad_input_gets_a_clear_answer_and_nothing_is_lost() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.answer(&[("eid", "minid")]).await?;
    for (fnr, password, words) in
        [("", "x", "Skriv"), ("123", "x", "11 siffer"), ("05895894985", "x", "ikke"), ("05895894984", "", "passord")]
    {
        browser.answer(&[("do", "next"), ("fnr", fnr), ("password", password)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(browser.shows(words), "{words} for {fnr:?}: {}", browser.page.body);
        assert!(browser.page.body.contains(&format!("value=\"{fnr}\"")), "what was typed stays");
        assert!(browser.page.body.contains("aria-invalid=\"true\""));
    }
    let problem = browser.answer(&[("do", "next"), ("fnr", "05895894984"), ("password", "wrong")]).await?;
    assert!(problem.shows("er feil"));
    Ok(())
}

#[tokio::test]
async fn a_citizen_who_turns_back_is_sent_back() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for step in 0..3 {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?;
        if step > 0 {
            browser.answer(&[("eid", "minid")]).await?;
        }
        if step > 1 {
            browser.give_password(&kari).await?;
        }
        browser.answer(&[("do", "cancel")]).await?;
        assert_eq!(browser.sent_back("error")?, "access_denied");
        assert_eq!(browser.sent_back("state")?, "the-state");
    }
    Ok(())
}

#[tokio::test]
async fn many_logins_in_many_tabs() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let kari = idp.person().await?;
    let (one, other) = (idp.client().await?, idp.client().await?);
    let mut first = idp.browser();
    first.get(&idp.authorize(&one, &[("state", "one")])).await?;
    let mut second = first.clone();
    second.get(&idp.authorize(&other, &[("state", "other")])).await?;
    first.log_in(&idp, &kari).await?;
    assert_eq!(first.sent_back("state")?, "one");
    second.cookies = first.cookies.clone();
    second.log_in(&idp, &kari).await?;
    assert_eq!(second.sent_back("state")?, "other");
    for (client, browser) in [(&one, &first), (&other, &second)] {
        assert_eq!(idp.redeem(client, &browser.sent_back("code")?).await?.status, StatusCode::OK);
    }
    Ok(())
}

#[tokio::test]
async fn back_reload_and_bookmark_lead_on() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    let place = browser.action()?;
    let first_page = browser.clone();

    // Reload on the code's page sends nothing again.
    browser.give_password(&kari).await?;
    browser.get(&place).await?.get(&place).await?;
    assert_eq!(idp.sms_count(&kari), 1);

    // Back to the password's page and sent once more: on to where the login stands.
    let mut stale = first_page.clone();
    stale.cookies = browser.cookies.clone();
    stale.answer(&[("do", "next"), ("fnr", &kari.fnr), ("password", &kari.password)]).await?;
    assert!(stale.page.body.contains("one-time-code"), "{}", stale.page.body);

    let code = idp.last_code(&kari)?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    let before = browser.sent_back("code")?;

    // Back after the end: a fresh code, since the old one may be used up.
    browser.get(&place).await?;
    let after = browser.sent_back("code")?;
    assert_ne!(before, after);
    assert_eq!(browser.sent_back("state")?, "the-state");
    assert_eq!(idp.redeem(&client, &after).await?.status, StatusCode::OK);

    // A bookmark from last week.
    idp.advance(Duration::from_hours(24 * 7));
    browser.get(&place).await?;
    assert_eq!(browser.page.status, StatusCode::GONE);
    assert!(browser.page.body.contains("href=\"https://a.test/start\""), "a way on to the service");
    Ok(())
}

#[tokio::test]
async fn a_finished_login_after_logout_starts_afresh() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    let place = browser.action()?;
    browser.log_in(&idp, &kari).await?;
    browser.get("/logout").await?.answer(&[("do", "logout")]).await?;
    browser.get(&place).await?;
    assert!(browser.shows("Velg innloggingsmetode"), "{}", browser.page.body);
    browser.log_in(&idp, &kari).await?;
    assert_eq!(browser.sent_back("state")?, "the-state");
    Ok(())
}

#[tokio::test]
async fn a_double_click_goes_through_once_and_ends_at_the_service() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    let (action, csrf, code) = (browser.action()?, browser.csrf()?, idp.last_code(&kari)?);
    let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", &code)];
    let mut second = browser.clone();
    browser.post_only(&action, &form).await?;
    // The browser has dropped the first answer, cookies and all.
    second.post(&action, &form).await?;
    assert_eq!(second.sent_back("state")?, "the-state");
    assert_eq!(idp.redeem(&client, &second.sent_back("code")?).await?.status, StatusCode::OK);
    // With another code it would not have.
    let mut third = second.clone();
    third.cookies.remove("__Host-porten-session");
    third.post(&action, &[("csrf", &csrf), ("do", "next"), ("code", "00000")]).await?;
    assert!(third.page.header("location").is_none() && third.shows("Velg innloggingsmetode"));
    Ok(())
}

#[tokio::test]
async fn the_language_is_the_readers_own_choice_before_the_services_wish() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("ui_locales", "fr en nn")])).await?;
    assert!(browser.page.body.contains("lang=\"en\""));
    let place = browser.action()?;
    let link = format!("/language?to=nn&back={}", place.replace('/', "%2F"));
    browser.get(&link).await?;
    assert!(browser.page.body.contains("lang=\"nn\""), "{}", browser.page.body);
    browser.log_in(&idp, &kari).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(claims(&tokens["id_token"])?["locale"], "nn");
    assert!(idp.last_sms(&kari)?.contains("Eingongskoden"));
    // Northern Sámi shows Bokmål's words until a speaker has written them.
    let mut sami = idp.browser();
    sami.get(&idp.authorize(&client, &[("ui_locales", "se")])).await?;
    assert!(sami.page.body.contains("lang=\"nb\"") && sami.shows("Velg innloggingsmetode"));
    Ok(())
}

#[tokio::test]
async fn who_has_no_telephone_is_told_after_the_password() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let kari = idp.person().await?;
    let row = idp.row_of(&kari).await?;
    sqlx::query("DELETE FROM contact WHERE person = $1").bind(row.id.as_str()).execute(idp.app.world.db.pool()).await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert!(browser.shows("mobil"), "{}", browser.page.body);
    browser.answer(&[("do", "cancel")]).await?;
    assert_eq!(browser.sent_back("error")?, "access_denied");
    Ok(())
}

#[tokio::test]
async fn test_id_needs_no_password_where_synthetic_people_are_let_in() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let ola = unregistered()?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-high")])).await?;
    assert!(!browser.page.body.contains("value=\"minid\""), "MinID does not reach high");
    browser.answer(&[("do", "next"), ("fnr", &ola.fnr), ("acr", "idporten-loa-substantial")]).await?;
    assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "a level that the service will not take");
    browser.answer(&[("do", "next"), ("fnr", &ola.fnr), ("acr", "idporten-loa-high")]).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let id_token = claims(&tokens["id_token"])?;
    assert_eq!((&id_token["acr"], &id_token["amr"][0]), (&"idporten-loa-high".into(), &"TestID".into()));

    // Headless, by login_hint.
    let hint = format!("testid:{}_idporten-loa-substantial", ola.fnr);
    let mut headless = idp.browser();
    headless.get(&idp.authorize(&client, &[("login_hint", &hint)])).await?;
    let tokens = idp.redeem(&client, &headless.sent_back("code")?).await?.json()?;
    assert_eq!(claims(&tokens["id_token"])?["pid"], ola.fnr.as_str());
    headless.get(&idp.authorize(&client, &[("login_hint", "testid:123_idporten-loa-high")])).await?;
    assert_eq!(headless.sent_back("error")?, "invalid_request");
    Ok(())
}

#[tokio::test]
async fn test_id_is_nowhere_where_synthetic_people_are_not_let_in() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| setup.people.synthetic = false).await?;
    let client = idp.client().await?;
    let hint = format!("testid:{}_idporten-loa-substantial", unregistered()?.fnr);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("login_hint", &hint)])).await?;
    assert!(browser.page.body.contains("name=\"password\""), "one eID: its page at once");
    assert!(!browser.page.body.contains("testid"));
    browser.answer(&[("eid", "testid")]).await?;
    assert!(browser.page.body.contains("name=\"password\""));
    browser.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-high")])).await?;
    assert_eq!(browser.sent_back("error")?, "unmet_authentication_requirements");
    Ok(())
}

#[tokio::test]
async fn consent_is_asked_for_when_the_service_wants_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("prompt", "consent")])).await?.log_in(&idp, &kari).await?;
    assert!(browser.page.body.contains("value=\"next\""), "{}", browser.page.body);
    browser.answer(&[("do", "next")]).await?;
    assert!(browser.sent_back("code").is_ok());
    // With a session there is nothing else to ask.
    browser.get(&idp.authorize(&client, &[("prompt", "consent")])).await?;
    browser.answer(&[("do", "cancel")]).await?;
    assert_eq!(browser.sent_back("error")?, "access_denied");
    Ok(())
}

// Attack: session fixation.
#[tokio::test]
async fn a_cookie_planted_before_the_login_is_worth_nothing_after_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut attacker = idp.browser();
    attacker.get(&idp.authorize(&client, &[])).await?;
    let place = attacker.action()?;
    attacker.cookies.insert("__Host-porten-session".into(), "planted-by-the-attacker".into());
    // The victim's browser has all that the attacker's has.
    let mut victim = attacker.clone();
    victim.log_in(&idp, &kari).await?;
    assert!(victim.sent_back("code").is_ok());
    let session = &victim.cookies["__Host-porten-session"];
    assert_ne!(session, "planted-by-the-attacker");

    attacker.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(attacker.sent_back("error")?, "login_required");
    attacker.get(&place).await?;
    assert!(attacker.sent_back("code").is_err(), "the finished login gives nothing without its session");
    // Each login makes a new name for the session.
    let earlier = session.clone();
    victim.get(&idp.authorize(&client, &[("prompt", "login")])).await?.log_in(&idp, &kari).await?;
    assert_ne!(victim.cookies["__Host-porten-session"], earlier);
    let mut old = idp.browser();
    old.cookies.insert("__Host-porten-session".into(), earlier);
    old.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(old.sent_back("error")?, "login_required");
    Ok(())
}

// Attack: login CSRF, flow hand-over.
#[tokio::test]
async fn a_login_goes_on_in_its_own_browser_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut attacker = idp.browser();
    attacker.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    let (place, csrf, code) = (attacker.action()?, attacker.csrf()?, idp.last_code(&kari)?);
    for with_own_login in [false, true] {
        let mut victim = idp.browser();
        if with_own_login {
            victim.get(&idp.authorize(&client, &[])).await?;
        }
        victim.get(&place).await?;
        assert_eq!(victim.page.status, StatusCode::FORBIDDEN);
        assert!(victim.page.body.contains("https://a.test/start"), "a way on");
        victim.post(&place, &[("csrf", &csrf), ("do", "next"), ("code", &code)]).await?;
        assert_eq!(victim.page.status, StatusCode::FORBIDDEN);
        assert!(!victim.cookies.contains_key("__Host-porten-session"));
    }
    Ok(())
}

// Attack: CSRF on forms.
#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    let (place, csrf) = (browser.action()?, browser.csrf()?);
    let mut other = idp.browser();
    other.get(&idp.authorize(&client, &[])).await?;
    let foreign = other.csrf()?;
    for mark in ["", "x", foreign.as_str()] {
        browser.post(&place, &[("csrf", mark), ("eid", "minid")]).await?;
        assert_eq!(browser.page.status, StatusCode::FORBIDDEN, "{mark:?}");
    }
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.test")]
    {
        let mut forged = browser.clone();
        forged.headers.push((name, value.to_owned()));
        forged.post(&place, &[("csrf", &csrf), ("eid", "minid")]).await?;
        assert_eq!(forged.page.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    browser.get(&place).await?;
    assert!(browser.page.body.contains("value=\"minid\""), "still at the picker");
    browser.log_in(&idp, &kari).await?;
    // Logout of somebody who is logged in.
    let mut forged = browser.clone();
    forged.get("/logout").await?;
    let ask = forged.action()?;
    forged.post(&ask, &[("csrf", &csrf), ("do", "logout")]).await?;
    assert_eq!(forged.page.status, StatusCode::FORBIDDEN);
    browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert!(browser.sent_back("code").is_ok(), "still logged in");
    Ok(())
}

// Attack: step skip.
#[tokio::test]
async fn no_step_can_be_skipped() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let everything = [
        ("do", "next"),
        ("eid", "none"),
        ("code", "12345"),
        ("method", "otc"),
        ("acr", "idporten-loa-high"),
        ("step", "finished"),
        ("proved", "true"),
        ("fnr", ""),
        ("password", ""),
    ];
    // At the picker, at the password, at the code.
    for step in 0..3 {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?;
        let place = browser.action()?;
        if step > 0 {
            browser.answer(&[("eid", "minid")]).await?;
        }
        if step > 1 {
            browser.give_password(&kari).await?;
        }
        let mut forms: Vec<Vec<(&str, &str)>> = everything.iter().map(|field| vec![*field]).collect();
        forms.push(everything.to_vec());
        forms.push(Vec::new());
        for what in ["eid", "method", "resend", "extend", "back", "logout", "finish"] {
            if (step, what) != (2, "resend") {
                forms.push(vec![("do", what)]);
            }
        }
        for form in forms {
            let mut probe = browser.clone();
            probe.get(&place).await?.answer(&form).await?;
            assert!(!probe.cookies.contains_key("__Host-porten-session"), "step {step}: {form:?}");
            assert!(probe.at.starts_with('/'), "step {step}: {form:?} led to {}", probe.at);
        }
        for method in ["HEAD", "PUT", "DELETE"] {
            let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request =
                axum::http::Request::builder().method(method).uri(&place).header("cookie", cookies.join("; "));
            let answer = idp.send(request.body(axum::body::Body::empty())?).await?;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        }
    }
    Ok(())
}

// Attack: Host header injection.
#[tokio::test]
async fn no_header_decides_where_links_lead() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    for name in ["host", "x-forwarded-host", "forwarded", "x-original-host"] {
        browser.headers.push((name, "evil.test".to_owned()));
    }
    browser.headers.push(("x-forwarded-proto", "http".to_owned()));
    browser.get("/.well-known/openid-configuration").await?;
    assert!(!browser.page.body.contains("evil.test") && browser.page.body.contains("https://idp.test/token"));
    browser.get(&idp.authorize(&client, &[])).await?;
    assert!(!browser.page.body.contains("evil.test"));
    assert!(browser.page.headers.get_all("set-cookie").iter().all(|c| c.to_str().is_ok_and(|c| c.contains("Secure"))));
    browser.log_in(&idp, &kari).await?;
    assert_eq!(browser.sent_back("iss")?, "https://idp.test");
    assert!(idp.last_sms(&kari)?.ends_with(&format!("@idp.test #{}", idp.last_code(&kari)?)));
    Ok(())
}
