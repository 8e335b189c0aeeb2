//! The other eIDs: a provider that is honest, and one that is not. Answers that are signed, and tokens that are
//! encrypted, have stories of their own.

use std::time::Duration;

use anyhow::Context;
use authenticators::person::FnrPolicy;
use axum::http::{StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conformance::browser::Browser;
use conformance::client_key::ClientKey;
use conformance::idp::{Setup, TestClient, TestIdp, claims};
use conformance::provider::{Fields, HIGH, LOW, Manner, Op, callback};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) const REFUSED: &str = "Innloggingen kunne ikke godtas";
const UNAVAILABLE: &str = "Innloggingsmetoden svarer ikke akkurat nå";
const NOBODY: &str = "Vi fikk ikke noe fødselsnummer";

async fn start(manner: Manner) -> anyhow::Result<(TestIdp, Op)> {
    start_with(manner, |_| {}).await
}

async fn start_with(manner: Manner, adjust: impl FnOnce(&mut Setup)) -> anyhow::Result<(TestIdp, Op)> {
    let op = Op::start(manner).await?;
    let eids = vec![op.eid("bankid")?];
    let idp = TestIdp::with(|setup| {
        setup.eids = eids;
        adjust(setup);
    })
    .await?;
    Ok((idp, op))
}

/// From the service to the provider.
pub(crate) async fn to_the_provider(idp: &TestIdp, client: &TestClient, acr: &str) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[("acr_values", acr)])).await?;
    browser.answer(&[("eid", "bankid")]).await?;
    Ok(browser)
}

/// What stands on the picker, from the first to the last.
pub(crate) fn choices(browser: &Browser) -> Vec<String> {
    let choices = browser.page.body.split("name=\"eid\" value=\"").skip(1);
    choices.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

/// From the provider back to the service, or wherever it leads.
async fn come_back(op: &Op, idp: &TestIdp, browser: &mut Browser, pid: &str) -> anyhow::Result<String> {
    let request = op.request(browser)?;
    let path = op.answers(&request, op.sign(&op.claims(idp, &request, pid))?)?;
    browser.get(&path).await?;
    Ok(path)
}

pub(crate) fn is_logged_in(browser: &Browser) -> bool {
    browser.cookies.keys().any(|name| name.ends_with("porten-session"))
}

#[tokio::test]
async fn a_login_with_another_eid() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("ui_locales", "nn")])).await?;
    for shown in ["MinID", "BankID", "Med app eller kodebrikke", "TestID"] {
        assert!(browser.shows(shown), "{shown}: {}", browser.page.body);
    }
    let policy = browser.page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains(&op.origin), "forms may lead there: {policy}");
    browser.answer(&[("eid", "bankid")]).await?;
    assert!(browser.at.starts_with(&format!("{}/authorize?", op.origin)), "{}", browser.at);

    let request = op.request(&browser)?;
    for (name, value) in [
        ("client_id", "porten"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("redirect_uri", "https://idp.test/eid/bankid/callback"),
        ("code_challenge_method", "S256"),
        ("acr_values", "urn:bankid:high urn:bankid:low"),
        ("prompt", "login"),
        ("max_age", "0"),
        ("ui_locales", "nn"),
    ] {
        assert_eq!(request[name], value, "{name}");
    }
    let token = op.sign(&op.claims(&idp, &request, &kari.fnr))?;
    browser.get(&op.answers(&request, token)?).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let token = claims(&tokens["id_token"])?;
    assert_eq!(token["acr"], "idporten-loa-high");
    assert_eq!(token["amr"], json!(["BankID"]));
    assert_eq!(token["pid"], kari.fnr.as_str());
    assert_eq!((&token["given_name"], &token["family_name"]), (&json!("Kari"), &json!("Nordmann")));
    assert_eq!(token["auth_time"], idp.now().seconds());
    // And single sign-on is as high.
    browser.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-high"), ("prompt", "none")])).await?;
    assert!(browser.sent_back("code").is_ok());
    Ok(())
}

#[tokio::test]
async fn a_login_without_pushed_requests() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Otherwise(json!({ "pushed_authorization_request_endpoint": null }))).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let names = ["state", "nonce", "code_challenge", "redirect_uri", "acr_values"];
    let request: Fields =
        names.into_iter().map(|name| Ok((name.to_owned(), browser.sent_back(name)?))).collect::<anyhow::Result<_>>()?;
    assert_eq!(request["acr_values"], HIGH);
    let token = op.sign(&op.claims(&idp, &request, &kari.fnr))?;
    browser.get(&op.answers(&request, token)?).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn one_choice_is_no_choice_and_whoever_turns_back_finds_the_way() -> anyhow::Result<()> {
    let real = FnrPolicy { real: true, synthetic: false, expanded: false };
    let (idp, op) = start_with(Manner::Honest, |setup| setup.people = real).await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-high")])).await?;
    assert!(browser.at.starts_with(&op.origin), "{}", browser.at);
    let request = op.request(&browser)?;
    let denied = [("error", "access_denied"), ("state", request["state"].as_str()), ("iss", op.origin.as_str())];
    browser.get(&callback("bankid", &denied)).await?;
    assert!(browser.shows("Innloggingen ble avbrutt") && browser.shows("BankID"), "{}", browser.page.body);
    assert!(!browser.shows("value=\"minid\""), "MinID does not reach it");
    // Once more, and then back to the service.
    browser.answer(&[("eid", "bankid")]).await?;
    let request = op.request(&browser)?;
    let broken = [("error", "server_error"), ("state", request["state"].as_str()), ("iss", op.origin.as_str())];
    browser.get(&callback("bankid", &broken)).await?;
    assert!(browser.shows(UNAVAILABLE), "{}", browser.page.body);
    browser.answer(&[("do", "cancel")]).await?;
    assert_eq!(browser.sent_back("error")?, "access_denied");
    Ok(())
}

// Attack: an ID token that is another's, old, or of less than was asked for.
#[tokio::test]
async fn what_a_token_says_must_be_right() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let now = idp.now().seconds();
    for (name, value, line) in [
        ("iss", json!("https://op.other.test"), REFUSED),
        ("aud", json!("other"), REFUSED),
        ("aud", json!(["porten", "other"]), REFUSED),
        ("azp", json!("other"), REFUSED),
        ("nonce", json!("another"), REFUSED),
        ("nonce", Value::Null, REFUSED),
        ("exp", json!(now - 11), REFUSED),
        ("iat", json!(now - 3600), REFUSED),
        ("auth_time", json!(now - 3600), REFUSED),
        ("auth_time", Value::Null, REFUSED),
        ("acr", json!("urn:unheard-of"), REFUSED),
        ("acr", json!(LOW), "et lavere sikkerhetsnivå"),
        ("pid", Value::Null, NOBODY),
        ("pid", json!("12345678901"), NOBODY),
        ("pid", json!(["05895894984"]), NOBODY),
    ] {
        let request = op.request(&browser)?;
        let mut said = op.claims(&idp, &request, &kari.fnr);
        said[name] = value.clone();
        browser.get(&op.answers(&request, op.sign(&said)?)?).await?;
        assert!(browser.shows(line), "{name} {value}: {}", browser.page.body);
        assert!(!is_logged_in(&browser), "{name} {value}");
        browser.answer(&[("eid", "bankid")]).await?;
    }
    Ok(())
}

// Attack: tokens that nobody has signed, or somebody else has.
#[tokio::test]
async fn who_has_signed_a_token() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let stranger = ClientKey::fresh()?;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = |algorithm: Algorithm| {
        let mut header = Header::new(algorithm);
        header.kid = Some(op.key.kid().to_owned());
        header
    };
    for number in 0..5 {
        let request = op.request(&browser)?;
        let said = op.claims(&idp, &request, &kari.fnr);
        let good = op.sign(&said)?;
        let token = match number {
            0 => format!("{}.{}.", part(&json!({ "alg": "none" })), part(&said)),
            1 => {
                let public = serde_json::to_string(&op.key.public)?;
                jsonwebtoken::encode(&header(Algorithm::HS256), &said, &EncodingKey::from_secret(public.as_bytes()))?
            }
            2 => stranger.sign_with(&header(Algorithm::ES256), &said)?,
            3 => good.rsplit_once('.').context("a JWT")?.0.to_owned(),
            _ => "nonsense".to_owned(),
        };
        browser.get(&op.answers(&request, token)?).await?;
        assert!(browser.shows(REFUSED), "{number}: {}", browser.page.body);
        assert!(!is_logged_in(&browser), "{number}");
        browser.answer(&[("eid", "bankid")]).await?;
    }
    Ok(())
}

// Attack: unknown names of keys that send us out again and again.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_unknown_keys_cause_two_fetches() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let work = (0..10).map(|_| async {
        let stranger = ClientKey::fresh()?;
        let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
        let mut header = Header::new(Algorithm::ES256);
        for number in 0..100 {
            let request = op.request(&browser)?;
            header.kid = Some(format!("{number} of {}", stranger.kid()));
            let token = stranger.sign_with(&header, &op.claims(&idp, &request, &kari.fnr))?;
            browser.get(&op.answers(&request, token)?).await?;
            anyhow::ensure!(browser.shows(REFUSED) && !is_logged_in(&browser), "{}", browser.page.body);
            browser.answer(&[("eid", "bankid")]).await?;
        }
        anyhow::Ok(browser)
    });
    let browsers = join_all(work).await.into_iter().collect::<anyhow::Result<Vec<Browser>>>()?;
    assert!(op.inner().asked_for_keys <= 2, "{}", op.inner().asked_for_keys);
    let mut browser = browsers.into_iter().next().context("a browser")?;
    let request = op.request(&browser)?;
    let token = op.sign(&op.claims(&idp, &request, &kari.fnr))?;
    browser.get(&op.answers(&request, token)?).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_new_is_fetched_and_one_that_was_taken_back_signs_nothing() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for rotated in [false, true] {
        op.inner().rotated = rotated;
        idp.advance(Duration::from_secs(31));
        let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
        let request = op.request(&browser)?;
        let key = if rotated { &op.newer } else { &op.key };
        let token = key.sign("JWT", &op.claims(&idp, &request, &kari.fnr))?;
        browser.get(&op.answers(&request, token)?).await?;
        assert!(browser.sent_back("code").is_ok(), "{rotated}: {}", browser.page.body);
    }
    assert_eq!(op.inner().asked_for_keys, 2);
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let request = op.request(&browser)?;
    let token = op.sign(&op.claims(&idp, &request, &kari.fnr))?;
    browser.get(&op.answers(&request, token)?).await?;
    assert!(browser.shows(REFUSED) && !is_logged_in(&browser), "{}", browser.page.body);
    Ok(())
}

// Attack: a citizen is led into the login of somebody else, or an answer is used twice.
#[tokio::test]
async fn an_answer_belongs_to_one_browser_and_counts_once() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let request = op.request(&browser)?;
    let path = op.answers(&request, op.sign(&op.claims(&idp, &request, &kari.fnr))?)?;

    let mut victim = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    victim.get(&path).await?;
    assert_eq!(victim.page.status, StatusCode::FORBIDDEN);
    assert!(victim.shows("Vi kjenner ikke igjen nettleseren") && !is_logged_in(&victim));
    assert_eq!(op.inner().asked_for_tokens, 0);

    browser.get(&path).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    let mut again = browser.clone();
    again.cookies.retain(|name, _| !name.ends_with("porten-session"));
    again.get(&path).await?;
    assert_eq!(again.page.status, StatusCode::GONE);
    assert!(!is_logged_in(&again));
    assert_eq!(op.inner().asked_for_tokens, 1);
    let made_up = callback("bankid", &[("code", "c"), ("state", "made-up"), ("iss", &op.origin)]);
    assert_eq!(victim.get(&made_up).await?.page.status, StatusCode::GONE);
    assert_eq!(victim.get(&callback("other", &[])).await?.page.status, StatusCode::NOT_FOUND);
    Ok(())
}

// Attack: the answer of one provider is passed off as another's (RFC 9207 1, RFC 9700 4.4).
#[tokio::test]
async fn an_answer_belongs_to_one_provider() -> anyhow::Result<()> {
    let op = Op::start(Manner::Honest).await?;
    // The key of the one made last is the one that this provider knows.
    let eids = vec![op.eid("buypass")?, op.eid("bankid")?];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    let client = idp.client().await?;
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    for number in 0..4 {
        let state = op.request(&browser)?["state"].clone();
        let code = [("code", "c"), ("state", state.as_str())];
        let path = match number {
            0 => callback("bankid", &[&code[..], &[("iss", "https://op.rogue.test")]].concat()),
            1 => callback("bankid", &code),
            2 => callback("buypass", &[&code[..], &[("iss", op.origin.as_str())]].concat()),
            _ => callback("bankid", &[&code[..], &[("iss", op.origin.as_str()), ("iss", "x")]].concat()),
        };
        browser.get(&path).await?;
        assert!(browser.shows(REFUSED), "{number}: {}", browser.page.body);
        assert!(!is_logged_in(&browser), "{number}");
        browser.answer(&[("eid", "bankid")]).await?;
    }
    assert_eq!(op.inner().asked_for_tokens, 0, "no code was sent to anybody");
    Ok(())
}

#[tokio::test]
async fn what_was_chosen_meanwhile_goes_before_a_late_answer() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    let picker = browser.action()?;
    browser.answer(&[("eid", "bankid")]).await?;
    let request = op.request(&browser)?;
    browser.get(&picker).await?.answer(&[("eid", "minid")]).await?;
    let token = op.sign(&op.claims(&idp, &request, &kari.fnr))?;
    browser.get(&op.answers(&request, token)?).await?;
    assert!(browser.shows("Passord") && !is_logged_in(&browser), "{}", browser.page.body);
    Ok(())
}

// Attack: a provider that is down, drips, floods, or sends us on.
#[tokio::test]
async fn a_provider_that_cannot_be_used_delays_nobody() -> anyhow::Result<()> {
    let other = |name: &str, value: &str| Manner::Otherwise(json!({ name: value }));
    for manner in [
        Manner::Slow,
        Manner::Huge,
        Manner::Redirecting,
        Manner::Broken,
        other("issuer", "https://op.other.test"),
        other("token_endpoint", "file:///etc/passwd"),
        other("jwks_uri", "not an address"),
    ] {
        let (idp, op) = start(manner.clone()).await?;
        let (client, kari) = (idp.client().await?, idp.person().await?);
        let mut browser = idp.browser();
        let begun = Instant::now();
        browser.get(&idp.authorize(&client, &[])).await?;
        assert!(begun.elapsed() < Duration::from_secs(4), "{manner:?}: the picker waits for nobody");
        browser.answer(&[("eid", "bankid")]).await?;
        assert!(begun.elapsed() < Duration::from_secs(9), "{manner:?}");
        assert!(browser.shows(UNAVAILABLE), "{manner:?}: {}", browser.page.body);
        assert!(browser.shows("Svarer ikke akkurat nå"), "{manner:?}");
        // At once, for nobody asks again so soon; and MinID works.
        let begun = Instant::now();
        browser.answer(&[("eid", "bankid")]).await?;
        assert!(begun.elapsed() < Duration::from_secs(4) && browser.shows(UNAVAILABLE), "{manner:?}");
        browser.log_in(&idp, &kari).await?;
        assert!(browser.sent_back("code").is_ok(), "{manner:?}");
        // However long it takes it stands as one that does not answer.
        idp.advance(Duration::from_secs(11));
        browser.get(&idp.authorize(&client, &[("prompt", "login")])).await?;
        assert!(browser.shows("Svarer ikke akkurat nå"), "{manner:?}: {}", browser.page.body);
        // And so does the other one, as soon as it is mended.
        op.inner().manner = Manner::Honest;
        idp.advance(Duration::from_secs(11));
        let browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
        assert!(browser.at.starts_with(&op.origin), "{manner:?}: {}", browser.at);
    }
    Ok(())
}

#[tokio::test]
async fn a_provider_that_is_known_and_answers_nothing_is_shown_as_such() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let broken = (StatusCode::BAD_GATEWAY, String::new());
    op.inner().instead.insert("/par", broken.clone());
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    assert!(!browser.shows("Svarer ikke akkurat nå"), "{}", browser.page.body);
    browser.answer(&[("eid", "bankid")]).await?;
    assert!(browser.shows(UNAVAILABLE) && browser.shows("Svarer ikke akkurat nå"), "{}", browser.page.body);
    // To others as well; and whoever chooses it all the same gets there once it is mended.
    op.inner().instead.clear();
    let mut other = idp.browser();
    other.get(&idp.authorize(&client, &[])).await?;
    assert!(other.shows("Svarer ikke akkurat nå"), "{}", other.page.body);
    other.answer(&[("eid", "bankid")]).await?;
    let request = op.request(&other)?;
    browser.get(&idp.authorize(&client, &[])).await?;
    assert!(!browser.shows("Svarer ikke akkurat nå"), "{}", browser.page.body);
    // Where it does not redeem the code either.
    op.inner().instead.insert("/token", broken);
    let token = op.sign(&op.claims(&idp, &request, &kari.fnr))?;
    other.get(&op.answers(&request, token)?).await?;
    assert!(other.shows(UNAVAILABLE) && other.shows("Svarer ikke akkurat nå"), "{}", other.page.body);
    idp.advance(Duration::from_mins(1));
    browser.get(&idp.authorize(&client, &[])).await?;
    assert!(!browser.shows("Svarer ikke akkurat nå"), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn a_citizen_who_is_new_and_one_without_an_identifier_that_is_let_in() -> anyhow::Result<()> {
    let real = FnrPolicy { real: true, synthetic: false, expanded: false };
    let (idp, op) = start_with(Manner::Honest, |setup| setup.people = real).await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-high")])).await?;
    let request = op.request(&browser)?;
    let token = op.sign(&op.claims(&idp, &request, "05895894984"))?;
    browser.get(&op.answers(&request, token)?).await?;
    assert!(browser.shows(NOBODY) && !is_logged_in(&browser), "{}", browser.page.body);

    let (idp, op) = start(Manner::Honest).await?;
    let client = idp.client().await?;
    let stranger = conformance::idp::unregistered()?;
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let request = op.request(&browser)?;
    let token = op.sign(&op.claims(&idp, &request, &stranger.fnr))?;
    browser.get(&op.answers(&request, token)?).await?;
    assert!(is_logged_in(&browser), "{}", browser.page.body);
    // How they are reached nobody knows yet.
    browser.answer(&[("do", "skip")]).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn what_was_used_last_comes_first_and_decides_nothing() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let again = |acr: &str, language: &str| {
        idp.authorize(&client, &[("prompt", "login"), ("acr_values", acr), ("ui_locales", language)])
    };
    let substantial = "idporten-loa-substantial";
    let mut browser = idp.browser();
    browser.get(&again(substantial, "nb")).await?;
    assert_eq!(choices(&browser), ["minid", "bankid", "testid"]);
    // Who turns back has not used it.
    browser.answer(&[("eid", "bankid")]).await?;
    let request = op.request(&browser)?;
    let denied = [("error", "access_denied"), ("state", request["state"].as_str()), ("iss", op.origin.as_str())];
    browser.get(&callback("bankid", &denied)).await?;
    assert_eq!(choices(&browser), ["minid", "bankid", "testid"]);
    assert!(!browser.shows("Sist brukt"), "{}", browser.page.body);

    browser.answer(&[("eid", "bankid")]).await?;
    come_back(&op, &idp, &mut browser, &kari.fnr).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    assert_eq!(browser.cookies["__Host-porten-eid"], "bankid", "its name, and nothing of the person");
    let cookies: Vec<_> = browser.page.headers.get_all(header::SET_COOKIE).iter().collect();
    let is_kept = |cookie: &str| cookie.contains("porten-eid=bankid") && cookie.contains("Max-Age=31536000");
    assert!(cookies.iter().any(|cookie| cookie.to_str().is_ok_and(is_kept)), "{cookies:?}");
    for (language, words) in [("en", "Last used"), ("nn", "Sist brukt"), ("nb", "Sist brukt")] {
        browser.get(&again(substantial, language)).await?;
        assert_eq!(choices(&browser), ["bankid", "minid", "testid"], "{language}");
        assert_eq!(browser.page.body.matches(words).count(), 1, "{language}: {}", browser.page.body);
    }
    browser.log_in(&idp, &kari).await?;
    browser.get(&again(substantial, "nb")).await?;
    assert_eq!(choices(&browser), ["minid", "bankid", "testid"]);
    assert!(browser.shows("Sist brukt"));

    // Whatever the cookie says, what is offered is what the service has asked for.
    for said in ["minid", "testid\"><b>", "", "https://op.rogue.test"] {
        browser.cookies.insert("__Host-porten-eid".to_owned(), said.to_owned());
        browser.get(&again("idporten-loa-high", "nb")).await?;
        assert_eq!(choices(&browser), ["bankid", "testid"], "{said}");
        assert!(!browser.shows("Sist brukt") && !browser.page.body.contains("<b>"), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_line_tells_why_minid_is_not_offered() -> anyhow::Result<()> {
    let (idp, _op) = start(Manner::Honest).await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    for (language, line) in [
        ("nb", "MinID kan ikke brukes her, fordi tjenesten krever høyere sikkerhet."),
        ("nn", "MinID kan ikkje brukast her, fordi tenesta krev høgare tryggleik."),
        ("en", "MinID cannot be used here, because the service requires a higher level of security."),
    ] {
        for (acr, is_there) in [
            ("idporten-loa-high", true),
            ("idporten-loa-high eidas-loa-low", true),
            ("idporten-loa-substantial", false),
            ("idporten-loa-substantial idporten-loa-high", false),
        ] {
            browser.get(&idp.authorize(&client, &[("acr_values", acr), ("ui_locales", language)])).await?;
            assert_eq!(choices(&browser).contains(&"minid".to_owned()), !is_there, "{acr}");
            assert_eq!(browser.shows(line), is_there, "{language} {acr}: {}", browser.page.body);
        }
    }
    Ok(())
}

// Attack: somebody without a login has us call a provider again and again.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_so_many_requests_pushed_and_no_more() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let work = (0..10).map(|_| async {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?;
        let (action, csrf) = (browser.action()?, browser.csrf()?);
        for _ in 0..180 {
            browser.post_only(&action, &[("csrf", &csrf), ("eid", "bankid")]).await?;
            let to = browser.page.header("location").unwrap_or_default();
            anyhow::ensure!(to.starts_with(&op.origin), "{to}: {}", browser.page.body);
        }
        browser.get(&action).await?;
        anyhow::Ok(browser)
    });
    let browsers = join_all(work).await.into_iter().collect::<anyhow::Result<Vec<Browser>>>()?;
    assert_eq!(op.inner().pushed.len(), 1800);
    let mut browser = browsers.into_iter().next().context("a browser")?;
    browser.answer(&[("eid", "bankid")]).await?;
    assert!(browser.shows(UNAVAILABLE), "{}", browser.page.body);
    assert_eq!(op.inner().pushed.len(), 1800, "it is counted before anybody is called");
    browser.log_in(&idp, &kari).await?;
    assert!(browser.sent_back("code").is_ok(), "MinID is there: {}", browser.page.body);
    idp.advance(Duration::from_hours(1));
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    come_back(&op, &idp, &mut browser, &kari.fnr).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn a_provider_is_pushed_so_many_requests_a_minute() -> anyhow::Result<()> {
    let op = Op::start(Manner::Honest).await?;
    let eids = vec![op.eid("buypass")?, op.eid_with("bankid", json!({ "pushes_a_minute": 3 }))?];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    let client = idp.client().await?;
    for _ in 0..2 {
        for number in 0..5 {
            let browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
            assert_eq!(browser.at.starts_with(&op.origin), number < 3, "{number}: {}", browser.page.body);
            assert_eq!(browser.shows(UNAVAILABLE), number >= 3, "{number}: {}", browser.page.body);
        }
        idp.advance(Duration::from_mins(1));
    }
    assert_eq!(op.inner().pushed.len(), 6);
    Ok(())
}

#[tokio::test]
async fn a_preset_knows_what_the_provider_publishes() -> anyhow::Result<()> {
    let op = Op::start(Manner::Honest).await?;
    let eids = vec![op.eid_of("bankid", json!({ "preset": "bankid" }))?];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for (acr, amr) in [
        ("urn:bankid:bid;LOA=4", Some("BankID")),
        ("urn:bankid:bim;LOA=4", Some("BankID Mobil")),
        ("urn:bankid:bis;LOA=3", None),
    ] {
        let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
        let request = op.request(&browser)?;
        assert_eq!(request["acr_values"], "urn:bankid:bid");
        assert_eq!(request["scope"], "openid profile nnin_altsub");
        let mut said = op.claims(&idp, &request, "not here");
        (said["acr"], said["nnin_altsub"]) = (json!(acr), json!(kari.fnr));
        browser.get(&op.answers(&request, op.sign(&said)?)?).await?;
        let Some(amr) = amr else {
            assert!(browser.shows(REFUSED) && !is_logged_in(&browser), "{acr}: {}", browser.page.body);
            continue;
        };
        let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
        let token = claims(&tokens["id_token"])?;
        assert_eq!((&token["pid"], &token["amr"]), (&json!(kari.fnr), &json!([amr])), "{acr}");
        assert_eq!((&token["acr"], &token["given_name"]), (&json!("idporten-loa-high"), &json!("Kari")), "{acr}");
    }
    Ok(())
}

#[tokio::test]
async fn the_eids_of_other_countries_are_on_a_scale_of_their_own() -> anyhow::Result<()> {
    let op = Op::start(Manner::Honest).await?;
    let eids = vec![op.eid_of("eidas", json!({ "preset": "eidas" }))?];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("acr_values", "idporten-loa-substantial")])).await?;
    assert_eq!(choices(&browser), ["minid", "testid"], "it is not shown where nobody asks for it");
    let both = "idporten-loa-substantial eidas-loa-substantial";
    browser.get(&idp.authorize(&client, &[("acr_values", both)])).await?;
    assert!(browser.shows("Elektronisk ID fra et annet land"), "{}", browser.page.body);
    for (acr, is_enough) in [("eidas-loa-low", false), ("idporten-loa-high", false), ("eidas-loa-substantial", true)] {
        browser.answer(&[("eid", "eidas")]).await?;
        let request = op.request(&browser)?;
        assert_eq!(request["acr_values"], "eidas-loa-substantial eidas-loa-high");
        let mut said = op.claims(&idp, &request, &kari.fnr);
        said["acr"] = json!(acr);
        let path = op.answers(&request, op.sign(&said)?)?.replace("/eid/bankid/", "/eid/eidas/");
        browser.get(&path).await?;
        assert_eq!(is_logged_in(&browser), is_enough, "{acr}: {}", browser.page.body);
    }
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let token = claims(&tokens["id_token"])?;
    assert_eq!((&token["acr"], &token["amr"]), (&json!("eidas-loa-substantial"), &json!(["eIDAS"])));
    assert_eq!(token["pid"], kari.fnr.as_str());
    assert!(token.get("given_name").is_none(), "it tells no names");
    Ok(())
}

// Attack: neither a sub nor an e-mail address of somebody else's leads to their account.
#[tokio::test]
async fn a_person_is_known_by_the_identifier_alone() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let mut names = Vec::new();
    for (person, sub) in [(&kari, "kari"), (&ola, "kari"), (&kari, "another")] {
        let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
        let request = op.request(&browser)?;
        let mut said = op.claims(&idp, &request, &person.fnr);
        (said["sub"], said["email"], said["email_verified"]) = (json!(sub), json!(kari.email), json!(true));
        browser.get(&op.answers(&request, op.sign(&said)?)?).await?;
        let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
        let token = claims(&tokens["id_token"])?;
        assert_eq!(token["pid"], person.fnr.as_str());
        names.push(token["sub"].clone());
    }
    assert!(names[0] == names[2] && names[0] != names[1], "{names:?}");
    Ok(())
}

// Attack: the keys change while nobody can fetch them.
#[tokio::test]
async fn keys_that_cannot_be_fetched_for_a_while() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let log_in = async |key: &ClientKey| {
        let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
        let request = op.request(&browser)?;
        let token = key.sign("JWT", &op.claims(&idp, &request, &kari.fnr))?;
        browser.get(&op.answers(&request, token)?).await?;
        let is_no = browser.shows(REFUSED) || browser.shows(UNAVAILABLE);
        anyhow::ensure!(browser.sent_back("code").is_ok() || is_no, "{}", browser.page.body);
        anyhow::Ok(is_logged_in(&browser))
    };
    assert!(log_in(&op.key).await?);
    op.inner().instead.insert("/jwks", (StatusCode::INTERNAL_SERVER_ERROR, String::new()));
    idp.advance(Duration::from_mins(11));
    assert!(log_in(&op.key).await?, "those that are known are used");
    op.inner().rotated = true;
    assert!(!log_in(&op.newer).await?);
    op.inner().instead.clear();
    idp.advance(Duration::from_secs(11));
    assert!(log_in(&op.newer).await?, "and then by the next login");
    assert!(!log_in(&op.key).await?);
    Ok(())
}

// Attack: a provider that answers at length, in depth, or with nothing.
#[tokio::test]
async fn what_a_provider_answers_is_bounded() -> anyhow::Result<()> {
    // What is too long is no answer. What cannot be read is none of a pushed request or of keys, and a bad one of tokens.
    for (path, words) in [
        ("/par", [UNAVAILABLE; 4]),
        ("/token", [UNAVAILABLE, REFUSED, REFUSED, REFUSED]),
        ("/jwks", [UNAVAILABLE, UNAVAILABLE, REFUSED, UNAVAILABLE]),
    ] {
        let (idp, op) = start(Manner::Honest).await?;
        let (client, kari) = (idp.client().await?, idp.person().await?);
        let bodies = [" ".repeat(1024 * 1024), "[".repeat(30_000), "{\"keys\":[]}".to_owned(), String::new()];
        for (body, words) in bodies.into_iter().zip(words) {
            let status = if path == "/par" { StatusCode::CREATED } else { StatusCode::OK };
            op.inner().instead.insert(path, (status, body));
            let begun = Instant::now();
            let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
            if path != "/par" {
                come_back(&op, &idp, &mut browser, &kari.fnr).await?;
            }
            assert!(begun.elapsed() < Duration::from_secs(5), "{path}");
            assert!(browser.shows(words), "{path}: {}", browser.page.body);
            assert!(!is_logged_in(&browser), "{path}");
            idp.advance(Duration::from_secs(31));
        }
        op.inner().instead.clear();
        let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
        come_back(&op, &idp, &mut browser, &kari.fnr).await?;
        assert!(browser.sent_back("code").is_ok(), "{path}: {}", browser.page.body);
    }
    Ok(())
}

// Attack: whoever comes next to the same computer goes back to the tabs of the one before.
#[tokio::test]
async fn nothing_of_the_first_is_left_for_the_next() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let high = idp.authorize(&client, &[("acr_values", "idporten-loa-high")]);
    let mut browser = idp.browser();
    browser.get(&high).await?;
    let place = browser.action()?;
    browser.answer(&[("eid", "bankid")]).await?;
    let answer = come_back(&op, &idp, &mut browser, &kari.fnr).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    browser.get("/logout").await?.answer(&[("do", "logout")]).await?;

    browser.get(&high).await?.answer(&[("eid", "bankid")]).await?;
    come_back(&op, &idp, &mut browser, &ola.fnr).await?;
    for old in [&answer, &place] {
        browser.get(old).await?;
        assert!(browser.sent_back("code").is_err() && !browser.shows(&kari.fnr), "{old}: {}", browser.page.body);
    }
    browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(claims(&tokens["id_token"])?["pid"], ola.fnr.as_str());
    Ok(())
}

// Attack: a page of ours in a frame, a form that is sent on, an answer that tells who is logged in.
#[tokio::test]
async fn the_way_to_a_provider_and_back_tells_nothing() -> anyhow::Result<()> {
    let (idp, op) = start(Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    browser.post_only(&action, &[("csrf", &csrf), ("eid", "bankid")]).await?;
    assert_eq!(browser.page.status, StatusCode::SEE_OTHER, "a form is never sent on");
    assert_eq!(browser.page.header("referrer-policy"), Some("no-referrer"));
    browser.follow().await?;
    come_back(&op, &idp, &mut browser, &kari.fnr).await?;
    let policy = browser.page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(browser.page.header("cache-control"), Some("no-store"));
    assert!(is_logged_in(&browser));

    let made_up = callback("bankid", &[("code", "c"), ("state", "made-up"), ("iss", &op.origin)]);
    let mut stranger = idp.browser();
    stranger.get(&made_up).await?;
    browser.get(&made_up).await?;
    assert_eq!(stranger.page.status, browser.page.status);
    assert_eq!(stranger.page.body.len(), browser.page.body.len(), "{}", browser.page.body);
    Ok(())
}
