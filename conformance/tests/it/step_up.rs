//! A session that knows each proof with its time: which of them answers a request, and who makes it a surer one.

use std::time::Duration;

use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson, claims};
use conformance::provider::{Manner, Op};
use serde_json::{Value, json};

use crate::scopes::register;
use crate::upstream::{choices, is_logged_in};

const HIGH: (&str, &str) = ("acr_values", "idporten-loa-high");
const NONE: (&str, &str) = ("prompt", "none");
const AFRESH: (&str, &str) = ("prompt", "login");

async fn start() -> anyhow::Result<(TestIdp, Op)> {
    let op = Op::start(Manner::Honest).await?;
    let eids = vec![op.eid("bankid")?];
    Ok((TestIdp::with(|setup| setup.eids = eids).await?, op))
}

/// A service that is told by what session it is.
async fn service(idp: &TestIdp) -> anyhow::Result<TestClient> {
    idp.client_with(json!({ "frontchannel_logout_session_required": true })).await
}

/// From the picker to the provider, and back as somebody.
async fn by_bankid(browser: &mut Browser, idp: &TestIdp, op: &Op, who: &TestPerson) -> anyhow::Result<()> {
    browser.answer(&[("eid", "bankid")]).await?;
    let request = op.request(browser)?;
    browser.get(&op.answers(&request, op.sign(&op.claims(idp, &request, &who.fnr))?)?).await?;
    Ok(())
}

async fn id_token(idp: &TestIdp, browser: &Browser, client: &TestClient) -> anyhow::Result<Value> {
    let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
    let token = claims(&tokens["id_token"])?;
    assert_eq!(claims(&tokens["access_token"])?["acr"], token["acr"], "both tell of one proof");
    Ok(token)
}

/// What a service is told without a page; nothing if somebody has to log in.
async fn silently(
    browser: &mut Browser,
    idp: &TestIdp,
    client: &TestClient,
    more: &[(&str, &str)],
) -> anyhow::Result<Option<Value>> {
    browser.get(&idp.authorize(client, &[&[NONE], more].concat())).await?;
    if browser.sent_back("error").is_ok_and(|error| error == "login_required") {
        return Ok(None);
    }
    id_token(idp, browser, client).await.map(Some)
}

#[tokio::test]
async fn a_password_takes_nothing_back_of_what_bankid_has_proved() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let (one, two, kari) = (service(&idp).await?, service(&idp).await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&one, &[HIGH])).await?;
    by_bankid(&mut browser, &idp, &op, &kari).await?;
    let bankid = id_token(&idp, &browser, &one).await?;
    idp.advance(Duration::from_mins(10));
    browser.get(&idp.authorize(&one, &[AFRESH])).await?.log_in(&idp, &kari).await?;
    let minid = id_token(&idp, &browser, &one).await?;
    assert_eq!((&minid["acr"], &minid["amr"]), (&json!("idporten-loa-substantial"), &json!(["Minid-OTC"])));
    assert!(minid.get("given_name").is_none(), "MinID tells no names: {minid}");
    assert_eq!((&minid["sid"], &minid["sub"]), (&bankid["sid"], &bankid["sub"]), "one session of one person");

    // Each proof answers what it reaches, with its own time, and is told as itself.
    let tells = |seen: &Option<Value>, proof: &Value| {
        let seen = seen.as_ref().unwrap_or(&Value::Null);
        ["acr", "amr", "auth_time", "given_name", "sid"].into_iter().all(|name| seen[name] == proof[name])
    };
    let high = silently(&mut browser, &idp, &one, &[HIGH]).await?;
    assert!(tells(&high, &bankid), "{high:?}");
    let there = silently(&mut browser, &idp, &two, &[HIGH]).await?;
    let there = there.unwrap_or_default();
    assert_eq!((&there["acr"], &there["auth_time"]), (&bankid["acr"], &bankid["auth_time"]), "another service");
    let latest = silently(&mut browser, &idp, &one, &[]).await?;
    assert!(tells(&latest, &minid), "of two that are enough the latest: {latest:?}");

    // Too old is too old, whatever is newer; and what is newer is not higher.
    idp.advance(Duration::from_mins(1));
    assert!(tells(&silently(&mut browser, &idp, &one, &[("max_age", "120")]).await?, &minid));
    assert!(tells(&silently(&mut browser, &idp, &one, &[HIGH, ("max_age", "660")]).await?, &bankid));
    assert_eq!(silently(&mut browser, &idp, &one, &[HIGH, ("max_age", "659")]).await?, None);
    browser.get(&idp.authorize(&one, &[HIGH, ("max_age", "120")])).await?;
    assert_eq!(choices(&browser), ["bankid", "testid"]);

    // Each ends at its own time: 119 and 121 minutes after BankID, 109 and 111 after MinID.
    for _ in 0..4 {
        idp.advance(Duration::from_mins(27));
        assert!(tells(&silently(&mut browser, &idp, &one, &[HIGH]).await?, &bankid));
    }
    idp.advance(Duration::from_mins(2));
    assert_eq!(silently(&mut browser, &idp, &one, &[HIGH]).await?, None, "121 minutes");
    assert!(tells(&silently(&mut browser, &idp, &one, &[]).await?, &minid));
    Ok(())
}

#[tokio::test]
async fn what_reaches_as_much_takes_the_place_of_what_was() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let (client, kari) = (service(&idp).await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    let first = id_token(&idp, &browser, &client).await?;
    for _ in 0..2 {
        idp.advance(Duration::from_mins(5));
        browser.get(&idp.authorize(&client, &[HIGH, AFRESH])).await?;
        by_bankid(&mut browser, &idp, &op, &kari).await?;
        let proved = id_token(&idp, &browser, &client).await?;
        assert_eq!((&proved["auth_time"], &proved["sid"]), (&json!(idp.now().seconds()), &first["sid"]));
        for level in [&[][..], &[HIGH]] {
            let seen = silently(&mut browser, &idp, &client, level).await?.unwrap_or_default();
            assert_eq!((&seen["amr"], &seen["auth_time"]), (&json!(["BankID"]), &proved["auth_time"]), "{level:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn whoever_asks_for_a_fresh_login_gets_one_of_every_eid() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    register(&idp, "fjordvik:sak", json!({ "requires_user_authentication": true })).await?;
    let fields =
        json!({ "scopes": ["openid", "profile", "fjordvik:sak"], "frontchannel_logout_session_required": true });
    let (client, kari) = (idp.client_with(fields).await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[HIGH])).await?;
    by_bankid(&mut browser, &idp, &op, &kari).await?;
    idp.advance(Duration::from_mins(1));
    for more in [[HIGH, ("scope", "openid fjordvik:sak")], [HIGH, AFRESH], [HIGH, ("max_age", "0")]] {
        assert_eq!(silently_if_it_may(&mut browser, &idp, &client, &more).await?, None, "{more:?}");
        browser.get(&idp.authorize(&client, &more)).await?;
        assert_eq!(choices(&browser), ["bankid", "testid"], "{more:?}");
        by_bankid(&mut browser, &idp, &op, &kari).await?;
        let proved = id_token(&idp, &browser, &client).await?;
        assert_eq!(proved["auth_time"], idp.now().seconds(), "{more:?}");
        idp.advance(Duration::from_mins(1));
    }
    Ok(())
}

/// Without a page, where a request may ask for that.
async fn silently_if_it_may(
    browser: &mut Browser,
    idp: &TestIdp,
    client: &TestClient,
    more: &[(&str, &str)],
) -> anyhow::Result<Option<Value>> {
    match more.contains(&AFRESH) {
        true => Ok(None),
        false => silently(browser, idp, client, more).await,
    }
}

// Attack: whoever sits down at another's browser makes their login a surer one, or has it end.
#[tokio::test]
async fn nobody_makes_another_ones_login_a_surer_one() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let (one, two) = (service(&idp).await?, service(&idp).await?);
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&one, &[])).await?.log_in(&idp, &kari).await?;
    let first = id_token(&idp, &browser, &one).await?;
    for (language, line) in [
        ("nb", "Noen andre er allerede logget inn her. Logg inn som samme person, eller logg ut først."),
        ("nn", "Nokon andre er allereie logga inn her. Logg inn som same person, eller logg ut først."),
        ("en", "Somebody else is already logged in here. Log in as the same person, or log out first."),
    ] {
        browser.get(&idp.authorize(&two, &[HIGH, ("ui_locales", language)])).await?;
        assert_eq!(choices(&browser), ["bankid", "testid"], "what MinID does not reach is asked for, and nothing else");
        by_bankid(&mut browser, &idp, &op, &ola).await?;
        assert!(browser.shows(line) && !browser.shows(&ola.fnr), "{language}: {}", browser.page.body);
        assert_eq!(choices(&browser), ["bankid", "testid"], "{language}");
    }
    // Nor does TestID.
    browser.answer(&[("eid", "testid")]).await?;
    browser.answer(&[("do", "next"), ("fnr", &ola.fnr), ("acr", "idporten-loa-high")]).await?;
    assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.shows("Somebody else is already logged in"), "{}", browser.page.body);
    let still = silently(&mut browser, &idp, &one, &[]).await?.unwrap_or_default();
    assert_eq!((&still["pid"], &still["sid"]), (&json!(kari.fnr), &first["sid"]), "their session goes on");
    assert_eq!(silently(&mut browser, &idp, &two, &[HIGH]).await?, None, "at the level that it had");

    // They themselves go on in it,
    let mut own = browser.clone();
    own.get(&idp.authorize(&two, &[HIGH])).await?;
    by_bankid(&mut own, &idp, &op, &kari).await?;
    let surer = id_token(&idp, &own, &two).await?;
    assert_eq!((&surer["acr"], &surer["sid"]), (&json!("idporten-loa-high"), &first["sid"]));
    Ok(())
}

#[tokio::test]
async fn whoever_is_somebody_else_logs_out_first_and_finds_the_way_back() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let (client, kari, ola) = (service(&idp).await?, idp.person().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    browser.get(&idp.authorize(&client, &[HIGH])).await?;
    by_bankid(&mut browser, &idp, &op, &ola).await?;
    let log_out = browser.between("<a href=\"/logout", "\"")?;
    browser.get(&format!("/logout{log_out}")).await?.answer(&[("do", "logout")]).await?;
    assert!(browser.shows("Gå til Test service") && !is_logged_in(&browser), "{}", browser.page.body);
    browser.get(&idp.authorize(&client, &[HIGH])).await?;
    by_bankid(&mut browser, &idp, &op, &ola).await?;
    assert_eq!(id_token(&idp, &browser, &client).await?["pid"], ola.fnr.as_str());
    Ok(())
}

#[tokio::test]
async fn who_asks_for_no_surer_login_lets_another_one_in() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let (shared, kari) = (service(&idp).await?, idp.person().await?);
    let isolated = idp.client_with(json!({ "sso_disabled": true })).await?;
    for (client, more) in [(&shared, &[HIGH, AFRESH][..]), (&shared, &[("max_age", "0")]), (&isolated, &[HIGH])] {
        let ola = idp.person().await?;
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&shared, &[])).await?.log_in(&idp, &kari).await?;
        idp.advance(Duration::from_secs(31));
        browser.get(&idp.authorize(client, more)).await?;
        by_bankid(&mut browser, &idp, &op, &ola).await?;
        assert_eq!(id_token(&idp, &browser, client).await?["pid"], ola.fnr.as_str(), "{more:?}");
    }
    Ok(())
}
