//! `/logout`: RP-Initiated Logout 1.0.

use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp};
use serde_json::{Value, json};

const BYE: &str = "https://a.test/bye";

async fn logged_in(idp: &TestIdp, client: &TestClient) -> anyhow::Result<(Browser, Value)> {
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.log_in(idp, &kari).await?;
    let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
    Ok((browser, tokens))
}

fn logout(params: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    format!("/logout?{query}")
}

async fn is_out(idp: &TestIdp, browser: &mut Browser, client: &TestClient) -> anyhow::Result<bool> {
    browser.get(&idp.authorize(client, &[("prompt", "none")])).await?;
    Ok(browser.sent_back("error").is_ok())
}

#[tokio::test]
async fn a_service_logs_its_citizen_out() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (mut browser, tokens) = logged_in(&idp, &client).await?;
    let hint = tokens["id_token"].as_str().unwrap_or_default();
    let access = tokens["access_token"].as_str().unwrap_or_default();
    let stolen = browser.cookies.clone();
    browser.get(&logout(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("state", "s 1")])).await?;
    assert_eq!(browser.at, format!("{BYE}?state=s+1"));
    assert!(!browser.cookies.contains_key("__Host-porten-session"));
    assert!(is_out(&idp, &mut browser, &client).await?);
    browser.cookies = stolen;
    assert!(is_out(&idp, &mut browser, &client).await?, "the cookie is worth nothing any more");
    assert_eq!(idp.userinfo(access).await?.status, StatusCode::UNAUTHORIZED, "tokens for login alone end with it");
    // Once more, after the session is gone: nobody is stranded.
    browser.get(&logout(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE)])).await?;
    assert_eq!(browser.at, BYE);
    Ok(())
}

#[tokio::test]
async fn tokens_with_other_scopes_live_on() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fields = json!({
        "scopes": ["openid", "profile", "fjordvik:kart.read"], "integration_type": "api_klient",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let client = idp.client_with(fields).await?;
    let (mut browser, login) = logged_in(&idp, &client).await?;
    browser.get(&idp.authorize(&client, &[("scope", "openid fjordvik:kart.read")])).await?;
    let more = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    browser.get(&logout(&[("id_token_hint", login["id_token"].as_str().unwrap_or_default())])).await?;
    let refresh = |tokens: &Value| tokens["refresh_token"].as_str().unwrap_or_default().to_owned();
    assert_eq!(idp.refresh(&client, &refresh(&login)).await?.error()?, "invalid_grant");
    assert_eq!(idp.refresh(&client, &refresh(&more)).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_posted_logout_keeps_the_token_out_of_the_address() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (mut browser, tokens) = logged_in(&idp, &client).await?;
    let hint = tokens["id_token"].as_str().unwrap_or_default();
    // From a service's page the post comes without cookies.
    let mut bare = idp.browser();
    bare.post_only("/logout", &[("id_token_hint", hint), ("post_logout_redirect_uri", BYE)]).await?;
    assert_eq!(bare.page.status, StatusCode::SEE_OTHER);
    assert!(!bare.page.header("location").unwrap_or_default().contains(hint));
    bare.cookies = browser.cookies.clone();
    bare.follow().await?;
    assert_eq!(bare.at, BYE);
    assert!(is_out(&idp, &mut browser, &client).await?);
    Ok(())
}

// Attack: who may send a browser where.
#[tokio::test]
async fn nobody_is_sent_anywhere_on_a_strangers_word() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, other) = (idp.client().await?, idp.client().await?);
    let (mut browser, tokens) = logged_in(&idp, &client).await?;
    let hint = tokens["id_token"].as_str().unwrap_or_default();
    let access = tokens["access_token"].as_str().unwrap_or_default();
    let mut parts: Vec<&str> = hint.split('.').collect();
    parts[2] = "AAAA";
    let forged = parts.join(".");
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
    for params in [
        vec![("post_logout_redirect_uri", BYE)],
        vec![("post_logout_redirect_uri", "https://evil.test/"), ("id_token_hint", hint)],
        vec![("post_logout_redirect_uri", "https://a.test/bye?x=1"), ("id_token_hint", hint)],
        vec![("post_logout_redirect_uri", "https://a.test/bye/"), ("client_id", &client.id)],
        vec![("post_logout_redirect_uri", BYE), ("id_token_hint", &forged)],
        vec![("post_logout_redirect_uri", BYE), ("id_token_hint", &unsigned)],
        vec![("post_logout_redirect_uri", BYE), ("id_token_hint", access)],
        vec![("post_logout_redirect_uri", BYE), ("id_token_hint", hint), ("client_id", &other.id)],
        vec![("post_logout_redirect_uri", BYE), ("client_id", "unknown")],
        vec![("post_logout_redirect_uri", BYE), ("post_logout_redirect_uri", BYE), ("id_token_hint", hint)],
    ] {
        browser.get(&logout(&params)).await?;
        assert_eq!(browser.page.status, StatusCode::BAD_REQUEST, "{params:?}");
        assert!(browser.page.header("location").is_none());
    }
    for params in
        [vec![], vec![("state", "x")], vec![("client_id", client.id.as_str()), ("post_logout_redirect_uri", BYE)]]
    {
        browser.get(&logout(&params)).await?;
        assert!(browser.shows("Vil du logge ut"), "{params:?}: {}", browser.page.body);
    }
    // The last one named a registered address: after the answer, there.
    browser.answer(&[("do", "logout")]).await?;
    assert_eq!(browser.at, BYE);
    assert!(is_out(&idp, &mut browser, &client).await?);
    Ok(())
}

#[tokio::test]
async fn another_persons_hint_logs_nobody_out() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (_, tokens) = logged_in(&idp, &client).await?;
    let (mut browser, _) = logged_in(&idp, &client).await?;
    let hint = tokens["id_token"].as_str().unwrap_or_default();
    browser.get(&logout(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE)])).await?;
    assert!(browser.shows("Vil du logge ut"));
    let asked = browser.clone();
    browser.answer(&[("do", "stay")]).await?;
    assert!(!is_out(&idp, &mut browser, &client).await?);
    // The question is answered once.
    let mut again = asked.clone();
    again.answer(&[("do", "logout")]).await?;
    assert_eq!(again.page.status, StatusCode::GONE);
    Ok(())
}
