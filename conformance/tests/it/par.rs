//! `/par`: pushed authorization requests (RFC 9126).

use std::time::Duration;

use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::client_key::ClientKey;
use conformance::idp::{CHALLENGE, TestClient, TestIdp};
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test]
async fn a_pushed_request_is_the_whole_request() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    let place = idp.push(&client, &[("nonce", "pushed-nonce")]).await?;
    // What stands beside it counts for nothing.
    browser
        .get(&format!("{place}&state=other&nonce=other&redirect_uri=https%3A%2F%2Fevil.test%2F&scope=openid"))
        .await?;
    assert!(!browser.page.body.contains("pushed-nonce") && !browser.page.body.contains(CHALLENGE));
    browser.log_in(&idp, &kari).await?;
    assert_eq!(browser.sent_back("state")?, "the-state");
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(conformance::idp::claims(&tokens["id_token"])?["nonce"], "pushed-nonce");
    assert_eq!(tokens["scope"], "openid profile");
    Ok(())
}

// Attack: replay and swap of a pushed request.
#[tokio::test]
async fn it_is_answered_once_within_two_minutes_and_for_its_own_client() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, other) = (idp.client().await?, idp.client().await?);
    let mut browser = idp.logged_in(&idp.client().await?).await?;
    let place = idp.push(&client, &[]).await?;
    let swapped = place.replace(&client.id, &other.id);
    browser.get(&swapped).await?;
    assert_eq!(browser.page.status, StatusCode::BAD_REQUEST);
    assert!(browser.shows("invalid_request_uri"), "{}", browser.page.body);
    browser.get(&place).await?;
    assert!(browser.sent_back("code").is_ok());
    browser.get(&place).await?;
    assert!(browser.page.status == StatusCode::BAD_REQUEST && browser.shows("invalid_request_uri"));
    let late = idp.push(&client, &[]).await?;
    idp.advance(Duration::from_secs(121));
    browser.get(&late).await?;
    assert!(browser.shows("invalid_request_uri"));
    // Neither a code nor any other handle is one.
    for wrong in ["urn:ietf:params:oauth:request_uri:x", "urn:ietf:params:oauth:request_uri:"] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("request_uri", wrong).finish();
        browser.get(&format!("/authorize?client_id={}&{query}", client.id)).await?;
        assert_eq!(browser.page.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    Ok(())
}

// Attack: one pushed request, many answers.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_who_come_with_it_one_is_answered() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let browser = idp.logged_in(&idp.client().await?).await?;
    let place = idp.push(&client, &[]).await?;
    let visits = join_all((0..200).map(|_| {
        let (mut browser, place) = (browser.clone(), place.clone());
        async move {
            browser.get(&place).await?;
            anyhow::Ok(browser)
        }
    }));
    let browsers = visits.await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    assert_eq!(browsers.iter().filter(|browser| browser.sent_back("code").is_ok()).count(), 1);
    let refused =
        |browser: &Browser| browser.page.status == StatusCode::BAD_REQUEST || browser.sent_back("error").is_ok();
    assert_eq!(browsers.iter().filter(|browser| refused(browser)).count(), 199);
    Ok(())
}

#[tokio::test]
async fn an_error_is_an_answer_too() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let gone = async |mut browser: Browser, place: &str| -> anyhow::Result<()> {
        browser.get(place).await?;
        assert!(browser.page.status == StatusCode::BAD_REQUEST && browser.shows("invalid_request_uri"));
        Ok(())
    };
    let mut browser = idp.browser();
    let silent = idp.push(&client, &[("prompt", "none")]).await?;
    browser.get(&silent).await?;
    assert_eq!(browser.sent_back("error")?, "login_required");
    gone(browser, &silent).await?;
    let mut browser = idp.browser();
    let refused = idp.push(&client, &[]).await?;
    browser.get(&refused).await?.answer(&[("do", "cancel")]).await?;
    assert_eq!(browser.sent_back("error")?, "access_denied");
    gone(browser, &refused).await
}

#[tokio::test]
async fn going_back_and_reloading_before_the_answer_is_no_use_of_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    let place = idp.push(&client, &[]).await?;
    browser.get(&place).await?;
    let first = browser.clone();
    browser.get(&place).await?.log_in(&idp, &kari).await?;
    assert!(browser.sent_back("code").is_ok());
    // The page of the first visit is still open: its request has been answered.
    let mut first = first;
    first.cookies.clone_from(&browser.cookies);
    idp.advance(Duration::from_secs(31));
    first.log_in(&idp, &kari).await?;
    assert_eq!(first.sent_back("error")?, "invalid_request_uri");
    // The session that this browser has is still one that it can end.
    first.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert!(first.sent_back("code").is_ok());
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_pushed_is_told_to_the_client() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for (name, value, error) in [
        ("redirect_uri", "https://evil.test/cb", "invalid_request"),
        ("redirect_uri", "", "invalid_request"),
        ("request_uri", "urn:ietf:params:oauth:request_uri:x", "invalid_request"),
        ("response_type", "id_token", "unsupported_response_type"),
        ("response_type", "code id_token", "unsupported_response_type"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("scope", "openid other:scope", "invalid_scope"),
        ("response_mode", "fragment", "invalid_request"),
        ("resource", "not a uri", "invalid_target"),
        ("resource", "https://api.test/#x", "invalid_target"),
        ("authorization_details", "[{\"type\":\"unknown\"}]", "invalid_authorization_details"),
        ("authorization_details", "{", "invalid_authorization_details"),
        ("dpop_jkt", "short", "invalid_request"),
        ("onbehalfof", "nobody", "invalid_request"),
        ("request", "eyJhbGciOiJub25lIn0.e30.", "invalid_request_object"),
    ] {
        let more = [(name, value)];
        let mut params = idp.request(&client, &more);
        params.retain(|(name, _)| *name != "client_id");
        let answer = idp.post_as(&client, "/par", &params).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::BAD_REQUEST, error), "{name}={value}");
    }
    let stranger = TestClient { secret: "wrong".into(), ..client.clone() };
    let answer = idp.post_as(&stranger, "/par", &[]).await?;
    assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    Ok(())
}

#[tokio::test]
async fn who_must_push_must_push() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "require_pushed_authorization_requests": true })).await?;
    let mut browser = idp.logged_in(&idp.client().await?).await?;
    browser.get(&idp.authorize(&client, &[])).await?;
    assert_eq!(browser.sent_back("error")?, "invalid_request");
    browser.get(&idp.push(&client, &[]).await?).await?;
    assert!(browser.sent_back("code").is_ok());
    Ok(())
}

#[tokio::test]
async fn a_code_is_bound_to_the_key_that_pushed() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let mut client = idp.client().await?;
    client.dpop = Some(ClientKey::fresh()?);
    let mut browser = idp.logged_in(&idp.client().await?).await?;
    browser.get(&idp.push(&client, &[]).await?).await?;
    let code = browser.sent_back("code")?;
    let thief = TestClient { dpop: Some(ClientKey::fresh()?), ..client.clone() };
    assert_eq!(idp.redeem(&thief, &code).await?.error()?, "invalid_dpop_proof");
    browser.get(&idp.push(&client, &[]).await?).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(tokens["token_type"], "DPoP");
    // A key that is named and another that is shown.
    let other = ClientKey::fresh()?.thumbprint()?;
    let mut params = idp.request(&client, &[]);
    params.push(("dpop_jkt", &other));
    params.retain(|(name, _)| *name != "client_id");
    assert_eq!(idp.post_as(&client, "/par", &params).await?.error()?, "invalid_dpop_proof");
    Ok(())
}
