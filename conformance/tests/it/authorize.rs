//! `/authorize`: whom an error may be told, and which.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use conformance::idp::{CHALLENGE, REDIRECT, TestIdp};
use serde_json::json;

// Attack: redirect_uri matching.
#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered_byte_for_byte() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let mut wrong: Vec<String> = [
        "https://a.test/cb/",
        "https://a.test/cb?",
        "https://a.test/cb#",
        "https://a.test/cb?x=1",
        "https://a.test/cb#x",
        "https://a.test/CB",
        "https://A.test/cb",
        "HTTPS://a.test/cb",
        "http://a.test/cb",
        "https://a.test:443/cb",
        "https://a.test:8443/cb",
        "https://a.test//cb",
        "https://a.test/./cb",
        "https://a.test/x/../cb",
        "https://a.test/..;/cb",
        "https://a.test/cb;x",
        "https://a.test/cb;x=y",
        "https://a.test/cb%2f",
        "https://a.test/%63b",
        "https://a.test/cb%00",
        "https://a.test/cb%0d%0aSet-Cookie:x=y",
        "https://a.test/cb ",
        " https://a.test/cb",
        "\thttps://a.test/cb",
        "https://a.test/cb\n",
        "https://a.test\\@evil.test/cb",
        "https://a.test@evil.test/cb",
        "https://evil.test@a.test/cb",
        "https://u:p@a.test/cb",
        "https://a.test.evil.test/cb",
        "https://evil-a.test/cb",
        "https://sub.a.test/cb",
        "https://a.test./cb",
        "https://evil.test/cb",
        "https://evil.test/https://a.test/cb",
        "https://evil.test?https://a.test/cb",
        "https://evil.test#https://a.test/cb",
        "https://[::1]/cb",
        "https://127.0.0.1/cb",
        "https://а.test/cb",
        "https://xn--80a.test/cb",
        "//a.test/cb",
        "/cb",
        "cb",
        "",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "about:blank",
        "file:///etc/passwd",
        "a.test/cb",
        "https:a.test/cb",
        "https:/a.test/cb",
        "https:///a.test/cb",
        "https://a.test/cb,https://evil.test",
        "https://a.test/cb https://evil.test",
        "*",
        "https://*/cb",
        "https://a.test/*",
        "null",
        "undefined",
        "%68ttps://a.test/cb",
        "https%3A%2F%2Fa.test%2Fcb",
    ]
    .map(str::to_owned)
    .into();
    // And every single character left out, doubled, or changed.
    for at in 0..REDIRECT.len() {
        wrong.push(format!("{}{}", &REDIRECT[..at], &REDIRECT[at + 1..]));
        wrong.push(format!("{}{}", &REDIRECT[..=at], &REDIRECT[at..]));
        wrong.push(format!("{}~{}", &REDIRECT[..at], &REDIRECT[at + 1..]));
        wrong.push(format!("{}@{}", &REDIRECT[..at], &REDIRECT[at..]));
        wrong.push(format!("{}\0{}", &REDIRECT[..at], &REDIRECT[at..]));
    }
    // Attack: whatever else is wrong with the request.
    let causes: [&[(&str, &str)]; 5] = [
        &[],
        &[("scope", "nonsense")],
        &[("response_mode", "form_post")],
        &[("prompt", "none")],
        &[("response_type", "token")],
    ];
    let mut tried = 0;
    for uri in wrong.iter().filter(|uri| *uri != REDIRECT) {
        for cause in causes.iter().take(if uri.len() > 40 { 1 } else { causes.len() }) {
            let mut more = cause.to_vec();
            more.push(("redirect_uri", uri));
            let answer = idp.send(Request::get(idp.authorize(&client, &more)).body(Body::empty())?).await?;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri:?} {cause:?}");
            assert!(answer.header("location").is_none(), "{uri:?}");
            assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
            // The page leads to the service itself, wherever the address led.
            assert!(answer.body.contains("class=\"ds-button\" href=\"https://a.test/start\""), "{}", answer.body);
            tried += 1;
        }
    }
    assert!(tried > 400, "{tried}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_client_gets_a_page_with_a_trace_id_and_a_way_on() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for id in ["unknown", "", "<script>alert(1)</script>", "a b"] {
        let answer = idp.send(Request::get(idp.authorize(&client, &[("client_id", id)])).body(Body::empty())?).await?;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let trace = answer.header("x-trace-id").unwrap_or_default().to_owned();
        assert!(trace.len() == 16 && answer.body.contains(&trace));
        assert!(answer.body.contains("href=\"/\""));
        assert!(!answer.body.contains("<script>alert"));
    }
    idp.change_client(&client, |registration| registration.active = false).await?;
    let answer = idp.send(Request::get(idp.authorize(&client, &[])).body(Body::empty())?).await?;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "an inactive client is none");
    Ok(())
}

#[tokio::test]
async fn errors_go_back_to_the_service() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    let short = &CHALLENGE[..42];
    for (parameter, value, error) in [
        ("response_type", "", "invalid_request"),
        // Attack: other flows.
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "id_token", "unsupported_response_type"),
        ("response_type", "code id_token", "unsupported_response_type"),
        ("response_type", "code token", "unsupported_response_type"),
        ("response_type", "none", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("response_mode", "fragment.jwt", "invalid_request"),
        ("scope", "", "invalid_request"),
        ("scope", "openid email", "invalid_scope"),
        // Attack: PKCE downgrade.
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", short, "invalid_request"),
        ("code_challenge", "!", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "s256", "invalid_request"),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "select_account", "invalid_request"),
        ("prompt", "none", "login_required"),
        ("max_age", "-1", "invalid_request"),
        ("max_age", "abc", "invalid_request"),
        ("nonce", "\u{1}", "invalid_request"),
        ("id_token_hint", "nonsense", "invalid_request"),
        ("request", "eyJhbGciOiJub25lIn0.e30.", "invalid_request_object"),
        ("request_uri", "https://evil.test/r", "request_uri_not_supported"),
        ("acr_values", "eidas-loa-high idporten-loa-high", ""),
    ] {
        browser.get(&idp.authorize(&client, &[(parameter, value)])).await?;
        if error.is_empty() {
            assert_eq!(browser.page.status, StatusCode::OK);
            continue;
        }
        assert_eq!(browser.sent_back("error")?, error, "{parameter}={value}");
        assert_eq!(browser.sent_back("state")?, "the-state");
        assert_eq!(browser.sent_back("iss")?, "https://idp.test");
        assert!(browser.at.starts_with(REDIRECT) && !browser.at.contains('#'));
        let description = browser.sent_back("error_description")?;
        assert!(description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "RFC 6749 4.1.2.1");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_known_is_no_error() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let long = "x".repeat(384);
    for (parameter, value) in [
        ("extra", "foobar"),
        ("display", "popup"),
        ("ui_locales", "se"),
        ("ui_locales", "xx yy"),
        ("claims_locales", "se"),
        ("login_hint", "buffy@example.no"),
        ("acr_values", "urn:unknown"),
        ("nonce", ""),
        ("state", ""),
        ("nonce", &long),
        ("scope", "openid"),
        ("scope", "profile"),
        ("scope", " profile  openid "),
        ("prompt", ""),
        ("max_age", "0"),
        ("claims", "{}"),
    ] {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[(parameter, value)])).await?;
        assert_eq!(browser.page.status, StatusCode::OK, "{parameter}={value}");
        assert!(browser.shows("Velg innloggingsmetode"));
    }
    Ok(())
}

// Attack: parameter pollution.
#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let plain = idp.authorize(
        &client,
        &[("prompt", "login"), ("max_age", "1"), ("acr_values", "idporten-loa-high"), ("extra", "x")],
    );
    let query = plain.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    for pair in query.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        // In the query, in the body, and once in each.
        let twice = format!("{query}&{pair}");
        for (uri, body) in [
            (format!("/authorize?{twice}"), None),
            ("/authorize".to_owned(), Some(twice.clone())),
            (format!("/authorize?{pair}"), Some(query.clone())),
        ] {
            let request = Request::builder().uri(&uri).method(if body.is_some() { "POST" } else { "GET" });
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = idp.send(request.body(Body::from(body.unwrap_or_default()))?).await?;
            match name {
                "client_id" | "redirect_uri" => {
                    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
                    assert!(answer.header("location").is_none());
                }
                _ => {
                    let location = answer.header("location").unwrap_or_default();
                    assert!(
                        location.starts_with(REDIRECT) && location.contains("error=invalid_request"),
                        "{name}: {location}"
                    );
                }
            }
        }
    }
    for path in ["/authorize;x=y", "/token;x=y", "/login;x/a/b", "/authorize/", "//authorize", "/authorize%3bx"] {
        let uri = format!("{path}?{query}");
        let answer = idp.send(Request::get(uri).body(Body::empty())?).await?;
        assert!(matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST), "{path}: {}", answer.status);
    }
    Ok(())
}

#[tokio::test]
async fn a_posted_request_is_as_good() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let url = idp.authorize(&client, &[]);
    let query = url.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut browser = idp.browser();
    browser.post("/authorize", &fields).await?.log_in(&idp, &kari).await?;
    assert!(browser.sent_back("code").is_ok());
    // From a service's page the browser sends no cookies along; the redirect brings them.
    let mut bare = idp.browser();
    bare.post_only("/authorize", &fields).await?;
    assert_eq!(bare.page.status, StatusCode::SEE_OTHER);
    bare.cookies = browser.cookies.clone();
    bare.follow().await?;
    assert!(bare.sent_back("code").is_ok(), "single sign-on works for a posted request");
    Ok(())
}

#[tokio::test]
async fn form_post_answers_with_a_form() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("response_mode", "form_post")])).await?.log_in(&idp, &kari).await?;
    assert_eq!(browser.page.status, StatusCode::OK);
    assert_eq!(browser.action()?, REDIRECT);
    for field in [
        "name=\"code\"",
        "name=\"state\" value=\"the-state\"",
        "name=\"iss\" value=\"https://idp.test\"",
        "type=\"submit\"",
    ] {
        assert!(browser.page.body.contains(field), "{field}");
    }
    assert!(
        browser
            .page
            .header("content-security-policy")
            .is_some_and(|csp| csp.contains("form-action 'self' https://a.test"))
    );
    browser.get(&idp.authorize(&client, &[("response_mode", "form_post"), ("scope", "nonsense")])).await?;
    assert!(browser.page.body.contains("name=\"error\" value=\"invalid_scope\""));
    Ok(())
}

#[tokio::test]
async fn a_public_client_must_send_state_and_nonce() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client =
        idp.client_with(json!({ "application_type": "browser", "token_endpoint_auth_method": "none" })).await?;
    let mut browser = idp.browser();
    for missing in ["state", "nonce"] {
        browser.get(&idp.authorize(&client, &[(missing, "")])).await?;
        assert_eq!(browser.sent_back("error")?, "invalid_request");
    }
    Ok(())
}

#[tokio::test]
async fn pkce_can_be_left_out_by_registration_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let old = idp.client_with(json!({ "code_challenge_method": "none" })).await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    browser.get(&idp.authorize(&old, &bare)).await?.log_in(&idp, &kari).await?;
    let code = browser.sent_back("code")?;
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)];
    assert_eq!(idp.token(&old, &fields).await?.status, StatusCode::OK);
    // A challenge that is sent is kept to, all the same; and a verifier without a challenge is a downgrade.
    browser.get(&idp.authorize(&old, &[])).await?;
    let code = browser.sent_back("code")?;
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)];
    assert_eq!(idp.token(&old, &fields).await?.error()?, "invalid_grant");
    browser.get(&idp.authorize(&old, &bare)).await?;
    assert_eq!(idp.redeem(&old, &browser.sent_back("code")?).await?.error()?, "invalid_grant");
    Ok(())
}
