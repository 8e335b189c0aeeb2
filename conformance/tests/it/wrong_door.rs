//! A code at another door than its own: it opens nothing there, and is as good as before at its own.

use authenticators::activation::Source;
use axum::http::{Method, StatusCode};
use conformance::browser::Browser;
use conformance::idp::TestIdp;
use serde_json::json;

use crate::activate::{MOBILE_PAGE, PATH, begin, code_for, newcomer};
use crate::app::{BEGIN, Telephone, call, invite};
use crate::recovery_code::add_list;
use crate::totp::{add_app, code_of};

/// What is asked for an activation code says to whoever has none.
const NO_CODE: [&str; 2] = ["Dette er ikke en aktiveringskode", "Fødselsnummeret eller aktiveringskoden er feil"];

async fn at_the_first_page(idp: &TestIdp) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    Ok(browser)
}

// Attack: one kind of code in the place of another, where a code is all that is asked for.
#[tokio::test]
async fn whatever_is_no_activation_code_registers_nobody() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, newcomer(&idp).await?);
    let (app, list) = (add_app(&idp, &kari, "Telefonen").await?, add_list(&idp, &kari).await?);
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let invitation = invite(&mut profile).await?;
    let totp = code_of(&app.typed(), idp.now())?;
    let fifteen: String = invitation.chars().filter(char::is_ascii_alphabetic).take(15).collect();
    for code in [&invitation, &fifteen, &list[0], &list[0].repeat(2), &app.typed(), &totp, &format!("{totp}{totp}000")]
    {
        for person in [&kari, &ola] {
            let mut browser = at_the_first_page(&idp).await?;
            begin(&mut browser, &person.fnr, code).await?;
            assert!(NO_CODE.iter().any(|words| browser.shows(words)), "{}", browser.page.body);
            assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
    // None of them was used up.
    Telephone::come(&idp, &invitation, "Telefonen").await?;
    for (method, code) in [("totp", &totp), ("recovery_code", &list[0])] {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
        browser.answer(&[("do", "method")]).await?.answer(&[("method", method)]).await?;
        browser.answer(&[("do", "next"), ("code", code)]).await?;
        assert!(browser.sent_back("code").is_ok(), "{method}: {}", browser.page.body);
    }
    Ok(())
}

// Attack: the code of a letter, or of a school, brings a telephone to somebody's MinID.
#[tokio::test]
async fn an_activation_code_is_no_invitation_of_a_telephone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for source in [Source::Letter, Source::School] {
        let person = newcomer(&idp).await?;
        let code = code_for(&idp, &person, source).await?;
        for typed in [code.as_str(), &code.grouped(), &code.grouped().to_lowercase()] {
            let answer = call(&idp, (Method::POST, BEGIN), "", Some(&json!({ "code": typed }))).await?;
            assert!(answer.status.is_client_error() && answer.json()?["token"].is_null(), "{}", answer.body);
        }
        let mut browser = at_the_first_page(&idp).await?;
        begin(&mut browser, &person.fnr, &code.grouped()).await?;
        assert!(browser.shows(MOBILE_PAGE), "{}", browser.page.body);
    }
    Ok(())
}

// Attack: what one has is given where something else is asked for.
#[tokio::test]
async fn each_second_factor_counts_on_its_own_page() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let (app, list) = (add_app(&idp, &kari, "Telefonen").await?, add_list(&idp, &kari).await?);
    let at = async |method: &str| {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
        browser.answer(&[("do", "method")]).await?.answer(&[("method", method)]).await?;
        anyhow::Ok(browser)
    };
    let mut by_sms = at("otc").await?;
    let (sms, totp) = (idp.last_code(&kari)?, code_of(&app.typed(), idp.now())?);
    for (method, codes) in [
        ("totp", [sms.clone(), format!("{sms}0"), format!("0{sms}"), list[0].clone()]),
        ("recovery_code", [sms.clone(), totp.clone(), format!("{sms}{sms}"), format!("{totp}aaaa")]),
    ] {
        let mut browser = at(method).await?;
        for code in codes.iter().filter(|code| **code != totp || method != "totp") {
            browser.answer(&[("do", "next"), ("code", code)]).await?;
            assert!(browser.sent_back("code").is_err(), "{method} {code}");
        }
    }
    for code in [&totp, &list[0], &totp[..5].to_owned()] {
        if *code != sms {
            by_sms.answer(&[("do", "next"), ("code", code)]).await?;
            assert!(by_sms.sent_back("code").is_err(), "{code}");
        }
    }
    by_sms.answer(&[("do", "next"), ("code", &sms)]).await?;
    assert!(by_sms.sent_back("code").is_ok(), "{}", by_sms.page.body);
    Ok(())
}
