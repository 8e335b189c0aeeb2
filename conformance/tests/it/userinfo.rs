//! `/userinfo`: who may ask, and how.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use conformance::idp::TestIdp;

#[tokio::test]
async fn a_token_in_the_header_or_the_form_and_nowhere_else() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let token = tokens["access_token"].as_str().unwrap_or_default();
    let bearer = format!("Bearer {token}");
    let form = |body: String| {
        Request::post("/userinfo")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
    };
    for request in [
        Request::get("/userinfo").header(header::AUTHORIZATION, &bearer).body(Body::empty())?,
        Request::get("/userinfo")
            .header(header::AUTHORIZATION, bearer.replace("Bearer", "bearer"))
            .body(Body::empty())?,
        Request::post("/userinfo").header(header::AUTHORIZATION, &bearer).body(Body::empty())?,
        form(format!("access_token={token}"))?,
    ] {
        let answer = idp.send(request).await?;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.json()?["locale"], "nb");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let none = idp.send(Request::get("/userinfo").body(Body::empty())?).await?;
    let challenge = none.header("www-authenticate").unwrap_or_default();
    assert_eq!((none.status, challenge), (StatusCode::UNAUTHORIZED, "Bearer, DPoP algs=\"ES256 PS256 EdDSA\""));
    let posted = Request::post(format!("/userinfo?access_token={token}")).body(Body::empty())?;
    assert_eq!(idp.send(posted).await?.status, StatusCode::UNAUTHORIZED, "not in the address of a form either");
    let query = idp.send(Request::get(format!("/userinfo?access_token={token}")).body(Body::empty())?).await?;
    assert_eq!(query.status, StatusCode::UNAUTHORIZED);
    let id_token = idp.userinfo(tokens["id_token"].as_str().unwrap_or_default()).await?;
    assert_eq!(id_token.status, StatusCode::UNAUTHORIZED, "an ID token is no access token");
    assert!(id_token.header("www-authenticate").is_some_and(|value| value.contains("invalid_token")));
    idp.advance(Duration::from_secs(120));
    assert_eq!(idp.userinfo(token).await?.status, StatusCode::UNAUTHORIZED, "expired");
    Ok(())
}

#[tokio::test]
async fn services_in_browsers_may_read_the_answer() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for path in ["/userinfo", "/jwks.json", "/.well-known/openid-configuration"] {
        let request = Request::get(path).header(header::ORIGIN, "https://spa.test").body(Body::empty())?;
        assert_eq!(idp.send(request).await?.header("access-control-allow-origin"), Some("*"), "{path}");
    }
    let request = Request::options("/token").header(header::ORIGIN, "https://spa.test");
    let request = request.header("access-control-request-method", "POST").body(Body::empty())?;
    assert_eq!(idp.send(request).await?.header("access-control-allow-origin"), Some("*"));
    let request = Request::get("/authorize").header(header::ORIGIN, "https://spa.test").body(Body::empty())?;
    assert_eq!(idp.send(request).await?.header("access-control-allow-origin"), None);
    Ok(())
}
