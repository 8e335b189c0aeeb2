//! The other eIDs: a provider whose answers have to be signed (JARM), as the one of other countries' eIDs can.

use anyhow::Context;
use axum::extract::FromRequestParts;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conformance::browser::Browser;
use conformance::client_key::ClientKey;
use conformance::idp::{TestIdp, claims};
use conformance::provider::{Fields, Manner, Op, callback};
use futures_util::future::join_all;
use idp::browser::Call;
use idp::params::Params;
use idp::upstream::{Failure, Journey};
use serde_json::{Value, json};

use crate::upstream::{REFUSED, is_logged_in, to_the_provider};

async fn start(mode: &str, manner: Manner) -> anyhow::Result<(TestIdp, Op)> {
    let op = Op::start(manner).await?;
    let eids = vec![op.eid_with("bankid", json!({ "response_mode": mode }))?];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    Ok((idp, op))
}

/// What a good answer says.
fn answer(op: &Op, idp: &TestIdp, request: &Fields, more: Value) -> Value {
    let mut all = json!({
        "iss": op.origin, "aud": "porten", "exp": idp.now().seconds() + 60, "state": request["state"],
    });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}

/// A code for a person.
fn code(op: &Op, idp: &TestIdp, request: &Fields, pid: &str) -> anyhow::Result<String> {
    op.code(request, op.sign(&op.claims(idp, request, pid))?)
}

/// To the callback with this JWT.
async fn bring(browser: &mut Browser, signed: &str) -> anyhow::Result<()> {
    browser.get(&callback("bankid", &[("response", signed)])).await?;
    Ok(())
}

#[tokio::test]
async fn a_login_whose_answer_is_signed() -> anyhow::Result<()> {
    for mode in ["query.jwt", "jwt"] {
        let (idp, op) = start(mode, Manner::Honest).await?;
        let (client, kari) = (idp.client().await?, idp.person().await?);
        let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
        let request = op.request(&browser)?;
        assert_eq!(request["response_mode"], mode);
        let good = answer(&op, &idp, &request, json!({ "code": code(&op, &idp, &request, &kari.fnr)? }));
        bring(&mut browser, &op.sign(&good)?).await?;
        let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
        let token = claims(&tokens["id_token"])?;
        assert_eq!((&token["pid"], &token["acr"]), (&json!(kari.fnr), &json!("idporten-loa-high")));
    }
    Ok(())
}

#[tokio::test]
async fn whoever_turns_back_is_told_so_by_a_signed_answer_alone() -> anyhow::Result<()> {
    let (idp, op) = start("query.jwt", Manner::Honest).await?;
    let client = idp.client().await?;
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let request = op.request(&browser)?;
    let denied = answer(&op, &idp, &request, json!({ "error": "access_denied" }));
    bring(&mut browser, &op.sign(&denied)?).await?;
    assert!(browser.shows("Innloggingen ble avbrutt") && browser.shows("BankID"), "{}", browser.page.body);
    browser.answer(&[("eid", "bankid")]).await?;
    let request = op.request(&browser)?;
    let plain = [("error", "access_denied"), ("state", request["state"].as_str()), ("iss", op.origin.as_str())];
    browser.get(&callback("bankid", &plain)).await?;
    assert!(browser.shows(REFUSED) && !browser.shows("Innloggingen ble avbrutt"), "{}", browser.page.body);
    Ok(())
}

// Attack: the answer is taken out of its signature.
#[tokio::test]
async fn an_answer_that_is_not_signed_is_refused() -> anyhow::Result<()> {
    let (idp, op) = start("query.jwt", Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    for number in 0..4 {
        let request = op.request(&browser)?;
        let code = code(&op, &idp, &request, &kari.fnr)?;
        let plain = [("code", code.as_str()), ("state", &request["state"]), ("iss", &op.origin)];
        // The plain ones beside a signed one that has no code count for nothing.
        let empty = op.sign(&answer(&op, &idp, &request, json!({})))?;
        let path = match number {
            0 => callback("bankid", &plain),
            1 => callback("bankid", &[&plain[..], &[("response", "")]].concat()),
            2 => callback("bankid", &[&plain[..], &[("response", &empty)]].concat()),
            _ => callback("bankid", &[&plain[..1], &[("response", &empty), ("response", &empty)]].concat()),
        };
        browser.get(&path).await?;
        if number < 3 {
            assert!(browser.shows(REFUSED), "{number}: {}", browser.page.body);
            browser.answer(&[("eid", "bankid")]).await?;
        } else {
            assert_eq!(browser.page.status, StatusCode::GONE, "{}", browser.page.body);
        }
        assert!(!is_logged_in(&browser), "{number}");
    }
    assert_eq!(op.inner().asked_for_tokens, 0, "no code was sent to anybody");
    Ok(())
}

// Attack: who asked for plain answers takes no signed ones, and believes nothing in them.
#[tokio::test]
async fn a_signed_answer_is_taken_only_where_it_was_asked_for() -> anyhow::Result<()> {
    let op = Op::start(Manner::Honest).await?;
    let eids = vec![op.eid("bankid")?];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let request = op.request(&browser)?;
    assert!(!request.contains_key("response_mode"));
    let signed = op.sign(&answer(&op, &idp, &request, json!({ "code": code(&op, &idp, &request, &kari.fnr)? })))?;
    bring(&mut browser, &signed).await?;
    assert_eq!(browser.page.status, StatusCode::GONE);
    let state = request["state"].as_str();
    let path = callback("bankid", &[("response", &signed), ("state", state), ("iss", op.origin.as_str())]);
    browser.get(&path).await?;
    assert!(browser.shows(REFUSED) && !is_logged_in(&browser), "{}", browser.page.body);
    assert_eq!(op.inner().asked_for_tokens, 0);
    Ok(())
}

// Attack: an answer that is another's, old, or signed by whoever.
#[tokio::test]
async fn what_a_signed_answer_says_must_be_right() -> anyhow::Result<()> {
    let (idp, op) = start("query.jwt", Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let (now, stranger) = (idp.now().seconds(), ClientKey::fresh()?);
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    for (name, value) in [
        ("iss", json!("https://op.rogue.test")),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", json!(["porten", "other"])),
        ("exp", json!(now - 11)),
        ("exp", Value::Null),
        ("code", Value::Null),
    ] {
        let request = op.request(&browser)?;
        let mut said = answer(&op, &idp, &request, json!({ "code": code(&op, &idp, &request, &kari.fnr)? }));
        said[name] = value.clone();
        bring(&mut browser, &op.sign(&said)?).await?;
        assert!(browser.shows(REFUSED) && !is_logged_in(&browser), "{name} {value}: {}", browser.page.body);
        browser.answer(&[("eid", "bankid")]).await?;
    }
    for number in 0..4 {
        let request = op.request(&browser)?;
        let said = answer(&op, &idp, &request, json!({ "code": code(&op, &idp, &request, &kari.fnr)? }));
        let good = op.sign(&said)?;
        let (message, _) = good.rsplit_once('.').unwrap_or_default();
        let signed = match number {
            0 => stranger.sign("JWT", &said)?,
            1 => format!("{message}."),
            2 => op.key.sign("at+jwt", &said)?,
            _ => op.key.seal(br#"{"alg":"none"}"#, said.to_string().as_bytes())?,
        };
        bring(&mut browser, &signed).await?;
        assert!(browser.shows(REFUSED) && !is_logged_in(&browser), "{number}: {}", browser.page.body);
        browser.answer(&[("eid", "bankid")]).await?;
    }
    assert_eq!(op.inner().asked_for_tokens, 0, "no code was sent to anybody");
    Ok(())
}

// Attack: an answer is brought into another browser, twice, or with a state that is made up.
#[tokio::test]
async fn a_signed_answer_belongs_to_one_browser_and_counts_once() -> anyhow::Result<()> {
    let (idp, op) = start("query.jwt", Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let request = op.request(&browser)?;
    let signed = op.sign(&answer(&op, &idp, &request, json!({ "code": code(&op, &idp, &request, &kari.fnr)? })))?;
    let mut victim = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    bring(&mut victim, &signed).await?;
    assert_eq!(victim.page.status, StatusCode::FORBIDDEN);
    let mut other = request.clone();
    other.insert("state".to_owned(), "made-up".to_owned());
    bring(&mut victim, &op.sign(&answer(&op, &idp, &other, json!({ "code": "c" })))?).await?;
    assert_eq!(victim.page.status, StatusCode::GONE);
    assert_eq!(op.inner().asked_for_keys, 0, "for a stranger nothing is fetched");
    bring(&mut browser, &signed).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    let mut again = browser.clone();
    again.cookies.retain(|name, _| !name.ends_with("porten-session"));
    bring(&mut again, &signed).await?;
    assert_eq!(again.page.status, StatusCode::GONE);
    assert_eq!(op.inner().asked_for_tokens, 1);
    Ok(())
}

// Attack: ten thousand answers under keys that nobody has heard of, each of which could send us out for more keys. They
// come to the provider's own door, past the logins that each would need one of.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_unknown_keys_cause_two_fetches() -> anyhow::Result<()> {
    let (idp, op) = start("query.jwt", Manner::Honest).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let provider = idp.app.upstreams.get("bankid").context("an eID")?;
    let (mut parts, ()) = Request::new(()).into_parts();
    let browser = idp::browser::Browser::from_request_parts(&mut parts, &idp.app).await.ok().context("a browser")?;
    let call = Call { app: &idp.app, browser: &browser, now: idp.now() };
    let journey: Journey = serde_json::from_value(json!({
        "eid": "bankid", "client": client.id, "login": "l", "nonce": "n", "verifier": "v", "asked_at": idp.now(),
    }))?;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let said = part(&json!({ "iss": op.origin, "aud": "porten", "exp": idp.now().seconds() + 60, "code": "c" }));
    let signature = URL_SAFE_NO_PAD.encode([7; 64]);
    let work = (0..10).map(|tenth| {
        let (call, journey, said, signature) = (&call, &journey, &said, &signature);
        async move {
            for number in 0..1000 {
                let header = part(&json!({ "alg": "ES256", "kid": format!("{tenth}-{number}") }));
                let form = Params::parse(&format!("response={header}.{said}.{signature}"));
                let seen = provider.arrive(call, journey, &form).await?;
                anyhow::ensure!(seen == Err(Failure::Refused), "{seen:?}");
            }
            anyhow::Ok(())
        }
    });
    join_all(work).await.into_iter().collect::<anyhow::Result<()>>()?;
    assert!(op.inner().asked_for_keys <= 2, "{}", op.inner().asked_for_keys);

    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let request = op.request(&browser)?;
    let good = answer(&op, &idp, &request, json!({ "code": code(&op, &idp, &request, &kari.fnr)? }));
    bring(&mut browser, &op.sign(&good)?).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    assert!(op.inner().asked_for_keys <= 2 && op.inner().asked_for_tokens == 1);
    Ok(())
}
