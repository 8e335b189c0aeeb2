//! People from other countries: with a number here they are who they always are, and without one they are guests.

use std::time::Duration;

use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, claims};
use conformance::provider::{Manner, Op};
use idp::eid::OtherEid;
use serde_json::{Value, json};

use crate::scopes::register;
use crate::upstream::{choices, is_logged_in};

const SUBSTANTIAL: &str = "eidas-loa-substantial";
const BOTH: &str = "idporten-loa-substantial eidas-loa-substantial";
const ASA: &str = "SE/NO/199001311234";
const NOBODY: &str = "Vi fikk ikke noe fødselsnummer";
const REFUSED: &str = "Innloggingen kunne ikke godtas";

async fn start() -> anyhow::Result<(TestIdp, Op)> {
    start_with(json!({ "preset": "eidas" })).await
}

/// A connector that is configured so, under the name by which the provider answers.
async fn start_with(config: Value) -> anyhow::Result<(TestIdp, Op)> {
    let op = Op::start(Manner::Honest).await?;
    let eids = vec![op.eid_of("bankid", config)?];
    // No test people: the connector is the only one that reaches its levels.
    let idp = TestIdp::with(|setup| (setup.eids, setup.people.synthetic) = (eids, false)).await?;
    Ok((idp, op))
}

/// What the connector says of somebody whom nobody here matches.
fn asa(op: &Op, idp: &TestIdp, browser: &Browser) -> anyhow::Result<Value> {
    let mut said = op.claims(idp, &op.request(browser)?, "");
    for (name, value) in [
        ("acr", json!(SUBSTANTIAL)),
        ("sub", json!(ASA)),
        ("eidas_person_identifier", json!(ASA)),
        ("eidas_citizen_country_code", json!("SE")),
        ("given_name", json!("Åsa")),
        ("family_name", json!("Svensson")),
        ("birthdate", json!("1990-01-31")),
    ] {
        said[name] = value;
    }
    if let Some(said) = said.as_object_mut() {
        said.remove("pid");
    }
    Ok(said)
}

/// From the service to the connector.
async fn to_the_connector(idp: &TestIdp, client: &TestClient) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[("acr_values", SUBSTANTIAL)])).await?;
    Ok(browser)
}

async fn come_back(op: &Op, browser: &mut Browser, said: &Value) -> anyhow::Result<()> {
    let request = op.request(browser)?;
    browser.get(&op.answers(&request, op.sign(said)?)?).await?;
    Ok(())
}

/// The whole login.
async fn logged_in(idp: &TestIdp, op: &Op, client: &TestClient) -> anyhow::Result<Browser> {
    let mut browser = to_the_connector(idp, client).await?;
    let said = asa(op, idp, &browser)?;
    come_back(op, &mut browser, &said).await?;
    browser.sent_back("code")?;
    Ok(browser)
}

async fn id_token(idp: &TestIdp, browser: &Browser, client: &TestClient) -> anyhow::Result<Value> {
    let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
    claims(&tokens["id_token"])
}

#[tokio::test]
async fn a_login_without_a_number() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let client = idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let browser = to_the_connector(&idp, &client).await?;
    assert!(browser.at.starts_with(&op.origin), "the picker is skipped: {}", browser.at);
    let browser = logged_in(&idp, &op, &client).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let token = claims(&tokens["id_token"])?;
    assert_eq!((&token["acr"], &token["amr"]), (&json!(SUBSTANTIAL), &json!(["eIDAS"])));
    for (name, value) in [
        ("eidas_identifier", ASA),
        ("eidas_firstname", "Åsa"),
        ("eidas_lastname", "Svensson"),
        ("eidas_date_of_birth", "1990-01-31"),
        ("eidas_citizen_country_code", "SE"),
    ] {
        assert_eq!(token[name], value, "{name}");
    }
    for absent in ["pid", "email", "given_name", "family_name", "eidas_person_identifier", "birthdate"] {
        assert!(token.get(absent).is_none(), "{absent}: {token}");
    }
    let access = claims(&tokens["access_token"])?;
    assert!(access.get("pid").is_none() && access.get("eidas_identifier").is_none(), "{access}");
    assert_eq!(access["sub"], token["sub"]);
    let userinfo = idp.userinfo(tokens["access_token"].as_str().unwrap_or_default()).await?.json()?;
    assert_eq!(userinfo, json!({ "sub": token["sub"], "locale": "nb" }));
    let refreshed = idp.refresh(&client, tokens["refresh_token"].as_str().unwrap_or_default()).await?;
    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.body);
    let again = claims(&refreshed.json()?["id_token"])?;
    for same in ["sub", "acr", "amr", "eidas_identifier", "eidas_lastname", "eidas_citizen_country_code"] {
        assert_eq!(again[same], token[same], "{same}");
    }
    // The same person next time, and another name to another service.
    let other = idp.client().await?;
    let next = id_token(&idp, &logged_in(&idp, &op, &client).await?, &client).await?;
    let elsewhere = id_token(&idp, &logged_in(&idp, &op, &other).await?, &other).await?;
    assert!(next["sub"] == token["sub"] && elsewhere["sub"] != token["sub"], "{next} {elsewhere}");
    Ok(())
}

#[tokio::test]
async fn with_a_number_they_are_who_they_always_are() -> anyhow::Result<()> {
    let op = Op::start(Manner::Honest).await?;
    let eids: Vec<std::sync::Arc<OtherEid>> = vec![op.eid_of("bankid", json!({ "preset": "eidas" }))?];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", SUBSTANTIAL)])).await?;
    browser.answer(&[("eid", "bankid")]).await?;
    // It says both, as the connector does of whomever it has matched.
    let mut said = asa(&op, &idp, &browser)?;
    said["pid"] = json!(kari.fnr);
    come_back(&op, &mut browser, &said).await?;
    let token = id_token(&idp, &browser, &client).await?;
    assert_eq!(
        (&token["pid"], &token["acr"], &token["amr"]),
        (&json!(kari.fnr), &json!(SUBSTANTIAL), &json!(["eIDAS"]))
    );
    assert!(token.get("eidas_identifier").is_none(), "{token}");
    let mut by_minid = idp.browser();
    by_minid.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    assert_eq!(id_token(&idp, &by_minid, &client).await?["sub"], token["sub"]);
    // The same foreign identifier without the number is a guest, and not she.
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", SUBSTANTIAL)])).await?;
    browser.answer(&[("eid", "bankid")]).await?;
    let said = asa(&op, &idp, &browser)?;
    come_back(&op, &mut browser, &said).await?;
    let guest = id_token(&idp, &browser, &client).await?;
    assert!(guest["sub"] != token["sub"] && guest.get("pid").is_none(), "{guest}");
    Ok(())
}

// Attack: a connector that says two things at once, or what is no identifier.
#[tokio::test]
async fn what_is_said_of_somebody_from_abroad_must_be_right() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let client = idp.client().await?;
    let mut browser = to_the_connector(&idp, &client).await?;
    for (change, line) in [
        // A number that is none, or that is not let in here, does not make a guest of whoever has it.
        (json!({ "pid": "12345678901" }), NOBODY),
        (json!({ "pid": "05895894984" }), NOBODY),
        (json!({ "pid": "" }), NOBODY),
        (json!({ "pid": ["05895894984"] }), NOBODY),
        (json!({ "pid": ASA }), NOBODY),
        (json!({ "eidas_person_identifier": "05895894984" }), REFUSED),
        (json!({ "eidas_person_identifier": "NO/NO/05895894984" }), REFUSED),
        (json!({ "eidas_person_identifier": "SE/DE/1" }), REFUSED),
        (json!({ "eidas_person_identifier": "se/no/1" }), REFUSED),
        (json!({ "eidas_person_identifier": "SE/NO/" }), REFUSED),
        (json!({ "eidas_person_identifier": "SE/NO/1\n2" }), REFUSED),
        (json!({ "eidas_person_identifier": "SE/NO/<b>".repeat(40) }), REFUSED),
        (json!({ "eidas_person_identifier": [ASA] }), REFUSED),
        (json!({ "eidas_citizen_country_code": "DE" }), REFUSED),
        (json!({ "birthdate": "31.01.1990" }), REFUSED),
        (json!({ "birthdate": "1990-02-31" }), REFUSED),
        (json!({ "acr": "eidas-loa-low" }), "et lavere sikkerhetsnivå"),
        (json!({ "acr": "idporten-loa-high" }), REFUSED),
        (json!({ "nonce": "another" }), REFUSED),
    ] {
        let mut said = asa(&op, &idp, &browser)?;
        if let (Some(said), Value::Object(change)) = (said.as_object_mut(), change.clone()) {
            said.extend(change);
        }
        come_back(&op, &mut browser, &said).await?;
        assert!(browser.shows(line) && !is_logged_in(&browser), "{change}: {}", browser.page.body);
        browser.answer(&[("eid", "bankid")]).await?;
    }
    // What is left out is left out, and a name is a name.
    let mut said = asa(&op, &idp, &browser)?;
    (said["birthdate"], said["given_name"], said["family_name"]) = (Value::Null, json!("<b>Å\u{7}sa"), Value::Null);
    come_back(&op, &mut browser, &said).await?;
    let token = id_token(&idp, &browser, &client).await?;
    assert_eq!(token["eidas_firstname"], "<b>Åsa");
    assert!(token.get("eidas_lastname").is_none() && token.get("eidas_date_of_birth").is_none(), "{token}");
    Ok(())
}

// Attack: an eID that is no connector names people from abroad, or has a higher level of its own.
#[tokio::test]
async fn who_is_not_configured_for_it_brings_no_guests() -> anyhow::Result<()> {
    let levels = json!([
        { "acr": "eidas-loa-substantial", "level": "eidas-substantial", "amr": "eIDAS" },
        { "acr": "theirs", "level": "high", "amr": "BankID" },
    ]);
    let names = json!({ "nb": "X" });
    let own = json!({ "name": names, "about": names, "levels": levels });
    let mut connector = own.clone();
    connector["eidas_identifier_claim"] = json!("eidas_person_identifier");
    let taken_back = json!({ "preset": "eidas", "eidas_identifier_claim": "" });
    for (config, acr, asked, is_in) in [
        (&own, SUBSTANTIAL, SUBSTANTIAL, false),
        (&taken_back, SUBSTANTIAL, SUBSTANTIAL, false),
        (&connector, SUBSTANTIAL, SUBSTANTIAL, true),
        (&connector, "theirs", "idporten-loa-high", false),
    ] {
        let (idp, op) = start_with(config.clone()).await?;
        let client = idp.client().await?;
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[("acr_values", asked)])).await?;
        let mut said = asa(&op, &idp, &browser)?;
        said["acr"] = json!(acr);
        come_back(&op, &mut browser, &said).await?;
        assert_eq!(is_logged_in(&browser), is_in, "{config} {acr}: {}", browser.page.body);
        assert_eq!(browser.shows(NOBODY), !is_in, "{config} {acr}: {}", browser.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn it_is_offered_where_a_service_asks_for_it() -> anyhow::Result<()> {
    let (idp, _op) = start().await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    for (acr, expected) in [
        (BOTH, &["minid", "bankid"][..]),
        ("idporten-loa-high eidas-loa-low selfregistered-email", &["bankid", "email"]),
        ("idporten-loa-substantial eidas-loa-high selfregistered-email", &["minid", "bankid", "email"]),
    ] {
        browser.get(&idp.authorize(&client, &[("acr_values", acr)])).await?;
        assert_eq!(choices(&browser), expected, "{acr}");
    }
    assert!(browser.shows("Elektronisk ID fra et annet land"), "{}", browser.page.body);
    // MinID alone, and there is nothing to choose.
    browser.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-substantial")])).await?;
    assert!(browser.page.body.contains("name=\"password\"") && choices(&browser).is_empty());
    browser.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-high")])).await?;
    assert_eq!(browser.sent_back("error")?, "unmet_authentication_requirements");
    Ok(())
}

#[tokio::test]
async fn single_sign_on_is_on_their_own_scale() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let (client, other) = (idp.client().await?, idp.client().await?);
    let mut browser = logged_in(&idp, &op, &client).await?;
    for (acr, answer) in [
        (SUBSTANTIAL, "code"),
        ("eidas-loa-low", "code"),
        (BOTH, "code"),
        ("eidas-loa-high", "error"),
        ("", "error"),
        ("idporten-loa-low", "error"),
        ("selfregistered-email", "error"),
    ] {
        browser.get(&idp.authorize(&other, &[("acr_values", acr), ("prompt", "none")])).await?;
        assert!(browser.sent_back(answer).is_ok(), "{acr}: {}", browser.at);
    }
    // A step up on their scale is the same guest, and a higher one.
    idp.advance(Duration::from_mins(1));
    let before = logged_in(&idp, &op, &client).await?;
    let mut browser = before.clone();
    let sub = id_token(&idp, &before, &client).await?["sub"].clone();
    browser.get(&idp.authorize(&client, &[("acr_values", "eidas-loa-high")])).await?;
    let mut said = asa(&op, &idp, &browser)?;
    said["acr"] = json!("eidas-loa-high");
    come_back(&op, &mut browser, &said).await?;
    let token = id_token(&idp, &browser, &client).await?;
    assert_eq!((&token["acr"], &token["sub"]), (&json!("eidas-loa-high"), &sub));
    Ok(())
}

#[tokio::test]
async fn a_guest_from_abroad_has_no_profile_and_no_register() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    register(&idp, "test:hidden", json!({ "requires_pseudonymous_tokens": true })).await?;
    let client = idp.client_with(json!({ "scopes": ["openid", "profile", "test:hidden"] })).await?;
    let mut browser = logged_in(&idp, &op, &client).await?;
    browser.get("/profil").await?;
    assert_eq!(browser.page.status, StatusCode::FORBIDDEN);
    assert!(browser.shows("elektronisk ID fra et annet land"), "{}", browser.page.body);
    browser.get(&idp.authorize(&client, &[("acr_values", SUBSTANTIAL), ("scope", "openid test:hidden")])).await?;
    let token = id_token(&idp, &browser, &client).await?;
    let tells = |name: &&str| token.get(*name).is_some();
    assert!(!["pid", "eidas_identifier", "eidas_lastname", "eidas_citizen_country_code"].iter().any(tells), "{token}");
    Ok(())
}
