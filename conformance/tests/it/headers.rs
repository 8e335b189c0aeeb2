//! What every answer carries.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use conformance::idp::{Answer, TestIdp};

fn check(name: &str, answer: &Answer) {
    for (header, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", "max-age=63072000"),
    ] {
        assert_eq!(answer.header(header), Some(value), "{name}: {header}");
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{name}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{name}: {policy}");
    let (lower, is_page) = (answer.body.to_lowercase(), answer.body.contains("<html"));
    if is_page {
        assert!(!lower.contains(" style=") && !lower.contains("<style") && !lower.contains(" onclick="), "{name}");
        assert!(!lower.contains("<script>"), "{name}: no inline script");
        for attribute in ["src=\"http", "href=\"//", "src=\"//"] {
            assert!(!lower.contains(attribute), "{name} loads something from elsewhere");
        }
    }
}

#[tokio::test]
async fn every_answer_is_kept_to_itself() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    for path in [
        "/",
        "/nowhere",
        "/authorize",
        "/logout",
        "/token",
        "/userinfo",
        "/login/x/y",
        "/logout/x",
        "/static/x",
        "/health/ready",
    ] {
        check(path, &idp.send(Request::get(path).body(Body::empty())?).await?);
    }
    browser.get(&idp.authorize(&client, &[])).await?;
    check("picker", &browser.page);
    let policy = browser.page.header("content-security-policy").unwrap_or_default();
    assert!(policy.ends_with("form-action 'self' https://a.test"), "the login can end at the service: {policy}");
    browser.answer(&[("eid", "minid")]).await?;
    check("password", &browser.page);
    browser.answer(&[("do", "next"), ("fnr", &kari.fnr), ("password", "wrong")]).await?;
    check("wrong password", &browser.page);
    browser.give_password(&kari).await?;
    check("code", &browser.page);
    let code = idp.last_code(&kari)?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    browser.post_only(&action, &[("csrf", &csrf), ("do", "next"), ("code", &code)]).await?;
    check("back to the service", &browser.page);
    assert_eq!(browser.page.status, StatusCode::SEE_OTHER, "303 and never 307 after a secret was posted");
    for cookie in browser.page.headers.get_all("set-cookie") {
        let cookie = cookie.to_str()?;
        for part in ["__Host-porten-", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    browser.follow().await?;
    let answer = idp.redeem(&client, &browser.sent_back("code")?).await?;
    assert_eq!(answer.header("cache-control"), Some("no-store"), "RFC 6749 5.1");
    check("tokens", &answer);
    browser.get("/logout").await?;
    check("logout", &browser.page);
    browser.answer(&[("do", "logout")]).await?;
    check("logged out", &browser.page);
    Ok(())
}

#[tokio::test]
async fn static_files_are_kept_for_ever_under_a_name_with_their_hash() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let mut browser = idp.browser();
    browser.get("/").await?;
    let link = browser.page.body.split("href=\"/static/").nth(1).and_then(|rest| rest.split('"').next());
    let path = format!("/static/{}", link.unwrap_or_default());
    let answer = idp.send(Request::get(&path).body(Body::empty())?).await?;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(answer.header("content-type"), Some("text/css"));
    let packed = idp.send(Request::get(&path).header("accept-encoding", "br, gzip").body(Body::empty())?).await?;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    Ok(())
}

// A browser sees the same, in size and shape, whether somebody is logged in or not, where it must not tell.
#[tokio::test]
async fn documents_that_do_not_change_say_so() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for path in ["/jwks.json", "/.well-known/openid-configuration"] {
        let first = idp.send(Request::get(path).body(Body::empty())?).await?;
        let etag = first.header("etag").unwrap_or_default().to_owned();
        let again = idp.send(Request::get(path).header("if-none-match", etag).body(Body::empty())?).await?;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    }
    Ok(())
}

#[tokio::test]
async fn huge_and_odd_requests_are_bounded() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let form = |body: String| {
        Request::post("/token").header("content-type", "application/x-www-form-urlencoded").body(Body::from(body))
    };
    let answer = idp.send(form(format!("scope={}", "x".repeat(1_000_000)))?).await?;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let locales = "nn-NO ".repeat(5_000);
    let answer =
        idp.send(Request::get(idp.authorize(&client, &[("ui_locales", &locales)])).body(Body::empty())?).await?;
    assert_eq!(answer.status, StatusCode::OK);
    let json = Request::post("/token").header("content-type", "application/json").body(Body::from("{}"))?;
    assert_eq!(idp.send(json).await?.error()?, "invalid_request");
    let binary = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
    let answer = idp.send(binary.body(Body::from(vec![0xff, 0xfe]))?).await?;
    assert!(answer.status.is_client_error());
    Ok(())
}
