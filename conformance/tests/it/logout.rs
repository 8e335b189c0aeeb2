//! `/logout`: RP-Initiated, Front-Channel and Back-Channel Logout 1.0.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authenticators::scratch::Scratch;
use authenticators::world::World;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conformance::browser::Browser;
use conformance::idp::{ISSUER, TestClient, TestIdp, claims};
use futures_util::future::join_all;
use idp::app::App;
use idp::keys::Keys;
use idp::logout_notice;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::time::Instant;

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

/// How a service answers.
#[derive(Clone, Copy)]
enum Manner {
    Status(u16),
    Never,
}

/// A service on this machine, and what it was told.
#[derive(Clone)]
struct Service {
    origin: String,
    manner: Arc<Mutex<Manner>>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Service {
    async fn start(manner: Manner) -> anyhow::Result<Service> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let service = Service { origin, manner: Arc::new(Mutex::new(manner)), told: Arc::default() };
        let routes = Router::new().route("/told", post(take)).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(service)
    }

    /// A port where nobody listens.
    fn gone() -> anyhow::Result<Service> {
        let origin = format!("http://127.0.0.1:{}", conformance::program::free_port()?);
        Ok(Service { origin, manner: Arc::new(Mutex::new(Manner::Never)), told: Arc::default() })
    }

    async fn register(&self, idp: &TestIdp, name: &str, more: Value) -> anyhow::Result<TestClient> {
        let mut fields = json!({
            "client_name": name,
            "redirect_uris": [format!("{}/cb", self.origin)],
            "post_logout_redirect_uris": [self.bye()],
            "backchannel_logout_uri": format!("{}/told", self.origin),
        });
        if let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) {
            fields.extend(more.clone());
        }
        idp.client_with(fields).await
    }

    fn bye(&self) -> String {
        format!("{}/bye", self.origin)
    }

    fn answers(&self, manner: Manner) -> anyhow::Result<()> {
        *self.manner.lock().map_err(|_| anyhow::anyhow!("poisoned"))? = manner;
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().map(|told| told.clone()).unwrap_or_default()
    }

    /// The claims of the notices.
    fn notices(&self) -> anyhow::Result<Vec<Value>> {
        let token = |body: &String| claims(&json!(body.strip_prefix("logout_token=").unwrap_or_default()));
        self.told().iter().map(token).collect()
    }
}

async fn take(State(service): State<Service>, body: String) -> StatusCode {
    if let Ok(mut told) = service.told.lock() {
        told.push(body);
    }
    let manner = service.manner.lock().map_or(Manner::Never, |manner| *manner);
    match manner {
        Manner::Status(status) => StatusCode::from_u16(status).unwrap_or_default(),
        Manner::Never => std::future::pending().await,
    }
}

/// A visit with the session that the browser has, and the tokens that come of it.
async fn visit(idp: &TestIdp, browser: &mut Browser, client: &TestClient, scope: &str) -> anyhow::Result<Value> {
    browser.get(&idp.authorize(client, &[("prompt", "none"), ("scope", scope)])).await?;
    idp.redeem(client, &browser.sent_back("code")?).await?.json()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn logout_of(client: &TestClient, tokens: &Value, bye: &str) -> String {
    let hint = text(tokens, "id_token");
    logout(&[("client_id", &client.id), ("id_token_hint", hint), ("post_logout_redirect_uri", bye), ("state", "s")])
}

#[tokio::test]
async fn every_service_is_told_in_its_own_terms() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (one, two) = (Service::start(Manner::Status(200)).await?, Service::start(Manner::Status(204)).await?);
    let first = one.register(&idp, "Journal", json!({})).await?;
    let second = two.register(&idp, "Kart", json!({ "id_token_signed_response_alg": "ES256" })).await?;
    let quiet = idp.client().await?;
    let (mut browser, tokens) = logged_in(&idp, &first).await?;
    let others = visit(&idp, &mut browser, &second, "openid").await?;
    visit(&idp, &mut browser, &quiet, "openid").await?;
    idp.advance(Duration::from_mins(10));
    browser.get(&logout_of(&first, &tokens, &one.bye())).await?;
    assert_eq!(browser.at, format!("{}?state=s", one.bye()), "all have answered: straight back");
    let jwks: JwkSet = serde_json::from_str(&idp.browser().get("/jwks.json").await?.page.body)?;
    for (service, client, tokens, algorithm) in [(&one, &first, &tokens, "RS256"), (&two, &second, &others, "ES256")] {
        let told = service.told();
        assert_eq!(told.len(), 1, "once, before the browser is sent on");
        let token = told[0].strip_prefix("logout_token=").unwrap_or_default();
        let head = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap_or_default())?;
        let head: Value = serde_json::from_slice(&head)?;
        assert_eq!((text(&head, "typ"), text(&head, "alg")), ("logout+jwt", algorithm));
        let key = jwks.find(text(&head, "kid")).ok_or_else(|| anyhow::anyhow!("no such key"))?;
        let mut validation = Validation::new(algorithm.parse()?);
        validation.set_audience(&[&client.id]);
        validation.validate_exp = false;
        let notice = jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key)?, &validation)?.claims;
        let names: BTreeSet<&str> = notice.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"].into(), "and no nonce");
        let own = claims(&tokens["id_token"])?;
        assert_eq!((text(&notice, "iss"), text(&notice, "aud")), (ISSUER, client.id.as_str()));
        assert_eq!((&notice["sub"], &notice["sid"]), (&own["sub"], &own["sid"]));
        assert_eq!(notice["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        assert_eq!(notice["iat"], idp.now().seconds());
        assert_eq!(notice["exp"], idp.now().seconds() + 300);
    }
    assert_ne!(one.notices()?[0]["sub"], two.notices()?[0]["sub"]);
    assert_eq!(one.notices()?[0]["sid"], two.notices()?[0]["sid"]);
    assert_ne!(one.notices()?[0]["jti"], two.notices()?[0]["jti"]);
    Ok(())
}

// Attack: logout race.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_logouts_tell_each_service_once() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (one, two) = (Service::start(Manner::Status(200)).await?, Service::start(Manner::Status(200)).await?);
    let (first, second) = (one.register(&idp, "A", json!({})).await?, two.register(&idp, "B", json!({})).await?);
    let (mut browser, tokens) = logged_in(&idp, &first).await?;
    visit(&idp, &mut browser, &second, "openid").await?;
    let path = logout_of(&first, &tokens, &one.bye());
    let mut browsers: Vec<Browser> = (0..200).map(|_| browser.clone()).collect();
    for done in join_all(browsers.iter_mut().map(|browser| browser.get(&path))).await {
        assert!(done?.at.starts_with(&one.bye()));
    }
    for _ in 0..3 {
        idp.advance(Duration::from_hours(1));
        logout_notice::deliver_due(&idp.app).await?;
    }
    assert_eq!((one.told().len(), two.told().len()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_dead_service_delays_nobody_and_is_told_later() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let good = Service::start(Manner::Status(200)).await?;
    let (hung, gone) = (Service::start(Manner::Never).await?, Service::gone()?);
    let (broken, angry) = (Service::start(Manner::Status(503)).await?, Service::start(Manner::Status(400)).await?);
    let client = good.register(&idp, "Journal", json!({})).await?;
    let (mut browser, tokens) = logged_in(&idp, &client).await?;
    for (service, name) in [(&hung, "Henger"), (&gone, "Borte"), (&broken, "Feiler"), (&angry, "Nekter")] {
        let client = service.register(&idp, name, json!({})).await?;
        visit(&idp, &mut browser, &client, "openid").await?;
    }
    let began = Instant::now();
    browser.get(&logout_of(&client, &tokens, &good.bye())).await?;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(browser.page.status, StatusCode::OK);
    assert!(is_out(&idp, &mut browser.clone(), &client).await?);
    for name in ["Henger", "Borte", "Feiler", "Nekter"] {
        assert!(browser.shows(&format!("<li>{name}</li>")), "{name}: {}", browser.page.body);
    }
    assert!(!browser.shows("<li>Journal") && browser.shows("Lukk alle vinduene"));
    assert!(browser.shows(&format!("href=\"{}?state=s\"", good.bye())) && browser.shows("Fortsett til Journal"));
    assert!(!browser.page.body.contains("http-equiv"), "who has something to read is not sent on");

    for service in [&hung, &broken, &angry] {
        service.answers(Manner::Status(200))?;
    }
    idp.advance(Duration::from_secs(9));
    logout_notice::deliver_due(&idp.app).await?;
    assert_eq!(broken.told().len(), 1, "not before ten seconds");
    idp.advance(Duration::from_secs(1));
    logout_notice::deliver_due(&idp.app).await?;
    assert_eq!(broken.told().len(), 2);
    // Whoever was sending has the notice for half a minute, then it is another's.
    assert_eq!(hung.told().len(), 1);
    idp.advance(Duration::from_secs(21));
    logout_notice::deliver_due(&idp.app).await?;
    assert_eq!(hung.told().len(), 2);
    for service in [&hung, &broken] {
        let notices = service.notices()?;
        assert_eq!(notices[0]["jti"], notices[1]["jti"], "the same notice");
        assert!(notices[0]["exp"].as_i64() < notices[1]["exp"].as_i64(), "and fresh");
    }
    idp.advance(Duration::from_hours(2));
    logout_notice::deliver_due(&idp.app).await?;
    let counts = [&good, &hung, &broken, &angry].map(|service| service.told().len());
    assert_eq!(counts, [1, 2, 2, 1], "what is answered is not said again, and no is an answer");
    Ok(())
}

#[tokio::test]
async fn telling_goes_on_for_a_day_at_longer_and_longer_times() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let broken = Service::start(Manner::Status(500)).await?;
    let client = broken.register(&idp, "Feiler", json!({})).await?;
    let (mut browser, tokens) = logged_in(&idp, &client).await?;
    browser.get(&logout_of(&client, &tokens, &broken.bye())).await?;
    for (pause, tries) in [(10, 2), (30, 3), (120, 4), (600, 5), (3600, 6), (3600, 7)] {
        idp.advance(Duration::from_secs(pause - 1));
        logout_notice::deliver_due(&idp.app).await?;
        assert_eq!(broken.told().len(), tries - 1, "{pause} s");
        idp.advance(Duration::from_secs(1));
        logout_notice::deliver_due(&idp.app).await?;
        assert_eq!(broken.told().len(), tries, "{pause} s");
    }
    for _ in 0..40 {
        idp.advance(Duration::from_hours(1));
        logout_notice::deliver_due(&idp.app).await?;
    }
    assert_eq!(broken.told().len(), 28, "four in the first quarter of an hour, then one an hour, then none");
    // And what is over is forgotten.
    idp.advance(Duration::from_hours(25));
    idp::clean(&idp.app, idp.now()).await
}

/// The same database, and a memory of its own that is empty.
async fn another_node(idp: &TestIdp) -> anyhow::Result<App> {
    let world = World { scratch: Scratch::memory(), ..idp.app.world.clone() };
    let keys = Keys::open(&world.db, &world.chance, &world.vault, idp.now()).await?;
    Ok(App::new(world, idp.app.config.clone(), keys, idp.app.words))
}

#[tokio::test]
async fn what_was_queued_outlasts_a_restart_and_of_two_nodes_one_tells_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let service = Service::start(Manner::Status(502)).await?;
    let client = service.register(&idp, "Journal", json!({})).await?;
    let (mut browser, tokens) = logged_in(&idp, &client).await?;
    browser.get(&logout_of(&client, &tokens, &service.bye())).await?;
    assert!(browser.shows("Journal"));
    service.answers(Manner::Status(200))?;
    let mut nodes = Vec::new();
    for _ in 0..8 {
        nodes.push(another_node(&idp).await?);
    }
    idp.advance(Duration::from_secs(10));
    for done in join_all(nodes.iter().map(logout_notice::deliver_due)).await {
        done?;
    }
    assert_eq!(service.told().len(), 2, "the first that failed, and one");
    Ok(())
}

#[tokio::test]
async fn a_session_that_ends_by_itself_is_told_to_those_who_asked() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (one, two) = (Service::start(Manner::Status(200)).await?, Service::start(Manner::Status(200)).await?);
    let asked = one.register(&idp, "Journal", json!({ "backchannel_logout_on_expiry": true })).await?;
    let other = two.register(&idp, "Kart", json!({})).await?;
    let (mut browser, tokens) = logged_in(&idp, &asked).await?;
    let own = claims(&tokens["id_token"])?;
    let due = async || logout_notice::deliver_due(&idp.app).await;
    // Visits of anybody move it on, up to two hours.
    for _ in 0..4 {
        idp.advance(Duration::from_mins(29));
        visit(&idp, &mut browser, &other, "openid").await?;
        due().await?;
    }
    idp.advance(Duration::from_secs(239));
    due().await?;
    assert!(one.told().is_empty(), "119:59");
    idp.advance(Duration::from_secs(1));
    due().await?;
    due().await?;
    assert_eq!((one.told().len(), two.told().len()), (1, 0), "once, and nobody who did not ask");
    let notice = &one.notices()?[0];
    assert_eq!((&notice["sub"], &notice["sid"]), (&own["sub"], &own["sid"]));

    // A restart in between that forgets the session makes it end no earlier.
    logged_in(&idp, &asked).await?;
    let restarted = another_node(&idp).await?;
    idp.advance(Duration::from_mins(29));
    logout_notice::deliver_due(&restarted).await?;
    assert_eq!(one.told().len(), 1);
    idp.advance(Duration::from_mins(1));
    logout_notice::deliver_due(&restarted).await?;
    assert_eq!(one.told().len(), 2);

    // Who logs out before is told then and not again; a session that goes on under a new name lives on.
    let (mut browser, tokens) = logged_in(&idp, &asked).await?;
    idp.advance(Duration::from_mins(20));
    let hint = format!("testid:{}_idporten-loa-high", text(&claims(&tokens["id_token"])?, "pid"));
    browser.get(&idp.authorize(&asked, &[("login_hint", &hint)])).await?;
    idp.advance(Duration::from_mins(20));
    due().await?;
    assert_eq!(one.told().len(), 2);
    browser.get(&logout_of(&asked, &tokens, &one.bye())).await?;
    assert_eq!(one.told().len(), 3);
    idp.advance(Duration::from_hours(3));
    due().await?;
    assert_eq!(one.told().len(), 3);
    Ok(())
}

#[tokio::test]
async fn browsers_tell_services_in_frames() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let front = |name: &str, uri: &str, session: bool| {
        json!({
            "client_name": name, "redirect_uris": [uri.replace("/out?x=1", "/cb").replace("/out", "/cb")],
            "frontchannel_logout_uri": uri, "frontchannel_logout_session_required": session,
        })
    };
    let client = idp.client_with(front("Journal", "https://a.test/out?x=1", true)).await?;
    let other = idp.client_with(front("Kart & plan", "https://b.test:8443/out", false)).await?;
    let (mut browser, tokens) = logged_in(&idp, &client).await?;
    visit(&idp, &mut browser, &other, "openid").await?;
    let sid = claims(&tokens["id_token"])?["sid"].as_str().unwrap_or_default().to_owned();
    browser.get(&logout_of(&client, &tokens, BYE)).await?;
    assert_eq!(browser.page.status, StatusCode::OK);
    let body = browser.page.body.clone();
    assert_eq!(body.matches("<iframe").count(), 2, "{body}");
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs([("iss", ISSUER), ("sid", &sid)]).finish();
    assert!(browser.shows(&format!("src=\"https://a.test/out?x=1&{query}\"")), "{body}");
    assert!(browser.shows("src=\"https://b.test:8443/out\""), "{body}");
    assert!(browser.shows("title=\"Utlogging fra Kart & plan\"") && !body.contains("<iframe hidden"));
    let policy = browser.page.header("content-security-policy").unwrap_or_default();
    assert!(policy.ends_with("; frame-src https://a.test https://b.test:8443"), "{policy}");
    assert!(!body.contains("http-equiv"), "nobody is sent on after a time: WCAG 2.2.1");
    assert!(browser.shows(&format!("href=\"{BYE}?state=s\" data-at-once")) && browser.shows("Fortsett til Journal"));
    assert!(is_out(&idp, &mut browser, &client).await?);

    // Nowhere to go: the page stays, with a way on.
    let (mut browser, tokens) = logged_in(&idp, &client).await?;
    browser.get(&logout(&[("id_token_hint", text(&tokens, "id_token"))])).await?;
    assert!(browser.page.body.contains("<iframe") && !browser.page.body.contains("http-equiv"));
    assert!(browser.shows("Gå til Journal") && !browser.page.body.contains("data-at-once"));
    Ok(())
}

#[tokio::test]
async fn another_services_hint_leads_nowhere() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let fields = json!({ "redirect_uris": ["https://b.test/cb"], "post_logout_redirect_uris": ["https://b.test/bye"] });
    let other = idp.client_with(fields).await?;
    let (mut browser, own) = logged_in(&idp, &client).await?;
    let others = visit(&idp, &mut browser, &other, "openid").await?;
    for (hint, named, uri) in [
        (&others, Some(&client), BYE),
        (&others, None, BYE),
        (&own, None, "https://b.test/bye"),
        (&own, Some(&other), "https://b.test/bye"),
    ] {
        let mut params = vec![("id_token_hint", text(hint, "id_token")), ("post_logout_redirect_uri", uri)];
        params.extend(named.map(|client| ("client_id", client.id.as_str())));
        browser.get(&logout(&params)).await?;
        assert_eq!(browser.page.status, StatusCode::BAD_REQUEST, "{params:?}");
        assert!(!is_out(&idp, &mut browser, &client).await?, "and nobody is logged out");
    }
    // A hint that has expired is as good as a new one.
    idp.advance(Duration::from_mins(25));
    browser.get(&logout(&[("id_token_hint", text(&others, "id_token"))])).await?;
    assert!(browser.shows("Du er logget ut"));
    Ok(())
}

#[tokio::test]
async fn which_tokens_end_with_the_session() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fields = json!({
        "scopes": ["openid", "profile", "fjordvik:kart.read"], "integration_type": "api_klient",
        "grant_types": ["authorization_code", "refresh_token"], "access_token_lifetime": 7200,
        "refresh_token_lifetime": 7200,
    });
    let (first, second) = (idp.client_with(fields.clone()).await?, idp.client_with(fields).await?);
    let (mut browser, hint) = logged_in(&idp, &first).await?;
    let mut all = Vec::new();
    for (client, scope, dies) in [
        (&first, "openid", true),
        (&first, "openid profile", true),
        (&first, "openid fjordvik:kart.read", false),
        (&first, "openid", true),
        (&second, "openid profile fjordvik:kart.read", false),
        (&second, "openid profile", true),
    ] {
        idp.advance(Duration::from_mins(3));
        let tokens = visit(&idp, &mut browser, client, scope).await?;
        let more = visit(&idp, &mut browser, client, scope).await?;
        let refreshed = idp.refresh(client, text(&more, "refresh_token")).await?.json()?;
        all.push((
            client,
            scope,
            dies,
            vec![text(&tokens, "access_token").to_owned()],
            text(&tokens, "refresh_token").to_owned(),
        ));
        let access = vec![text(&more, "access_token").to_owned(), text(&refreshed, "access_token").to_owned()];
        all.push((client, scope, dies, access, text(&refreshed, "refresh_token").to_owned()));
    }
    // A login of the same person in another browser is another session.
    let (_, elsewhere) = logged_in(&idp, &second).await?;
    browser.get(&logout(&[("id_token_hint", text(&hint, "id_token"))])).await?;
    assert!(browser.shows("Du er logget ut"));
    for (client, scope, dies, access, refresh) in &all {
        for token in access {
            let expected = if *dies { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
            assert_eq!(idp.userinfo(token).await?.status, expected, "{scope}");
        }
        let expected = if *dies { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        assert_eq!(idp.refresh(client, refresh).await?.status, expected, "{scope}");
    }
    assert_eq!(idp.userinfo(text(&elsewhere, "access_token")).await?.status, StatusCode::OK);
    assert_eq!(idp.refresh(&second, text(&elsewhere, "refresh_token")).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn who_hangs_up_is_logged_out_all_the_same() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (good, hung) = (Service::start(Manner::Status(200)).await?, Service::start(Manner::Never).await?);
    let client = good.register(&idp, "Journal", json!({})).await?;
    let other = hung.register(&idp, "Henger", json!({})).await?;
    let (mut browser, tokens) = logged_in(&idp, &client).await?;
    visit(&idp, &mut browser, &other, "openid").await?;
    let mut impatient = browser.clone();
    let path = logout_of(&client, &tokens, &good.bye());
    // Hung up as soon as the one that never answers is told.
    let is_told = async {
        while hung.told().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        answer = impatient.get(&path) => panic!("it was answered: {:?}", answer?.page),
        () = is_told => (),
    }
    for _ in 0..500 {
        if good.told().is_empty() || hung.told().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert_eq!((good.told().len(), hung.told().len()), (1, 1));
    assert!(is_out(&idp, &mut browser, &client).await?);
    assert_eq!(idp.userinfo(text(&tokens, "access_token")).await?.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn the_metadata_say_what_there_is() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let metadata = idp.browser().get("/.well-known/openid-configuration").await?.page.json()?;
    for channel in ["frontchannel", "backchannel"] {
        assert_eq!(metadata[format!("{channel}_logout_supported")], true);
        assert_eq!(metadata[format!("{channel}_logout_session_supported")], true);
    }
    assert_eq!(metadata["end_session_endpoint"], format!("{ISSUER}/logout"));
    Ok(())
}

#[tokio::test]
async fn a_code_that_is_on_its_way_ends_too() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "scopes": ["openid", "fjordvik:kart.read"] })).await?;
    for (scope, status) in [("openid", StatusCode::BAD_REQUEST), ("openid fjordvik:kart.read", StatusCode::OK)] {
        let kari = idp.person().await?;
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[("scope", scope)])).await?.log_in(&idp, &kari).await?;
        let code = browser.sent_back("code")?;
        browser.get("/logout").await?.answer(&[("do", "logout")]).await?;
        assert_eq!(idp.redeem(&client, &code).await?.status, status, "{scope}");
    }
    Ok(())
}

#[tokio::test]
async fn however_often_a_service_asks_none_of_its_tokens_is_forgotten() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "access_token_lifetime": 7200 })).await?;
    let (mut browser, first) = logged_in(&idp, &client).await?;
    let mut all = Vec::new();
    for _ in 0..100 {
        all.push(text(&visit(&idp, &mut browser, &client, "openid").await?, "access_token").to_owned());
    }
    let first = text(&first, "access_token");
    assert_eq!(idp.userinfo(first).await?.status, StatusCode::UNAUTHORIZED, "the 101st ends the first");
    assert_eq!(idp.userinfo(&all[0]).await?.status, StatusCode::OK);
    browser.get("/logout").await?.answer(&[("do", "logout")]).await?;
    for token in &all {
        assert_eq!(idp.userinfo(token).await?.status, StatusCode::UNAUTHORIZED);
    }
    Ok(())
}

#[tokio::test]
async fn another_person_in_the_browser_ends_the_first_ones_session() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let service = Service::start(Manner::Status(200)).await?;
    let client = service.register(&idp, "Journal", json!({})).await?;
    let (mut browser, tokens) = logged_in(&idp, &client).await?;
    let ola = idp.person().await?;
    idp.advance(Duration::from_secs(31));
    browser.get(&idp.authorize(&client, &[("prompt", "login")])).await?.log_in(&idp, &ola).await?;
    assert_eq!(idp.userinfo(text(&tokens, "access_token")).await?.status, StatusCode::UNAUTHORIZED);
    for _ in 0..500 {
        if service.told().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert_eq!(service.notices()?[0]["sid"], claims(&tokens["id_token"])?["sid"]);
    Ok(())
}

#[tokio::test]
async fn nobody_is_stranded() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (mut browser, _) = logged_in(&idp, &client).await?;
    browser.get(&logout(&[("client_id", &client.id)])).await?;
    assert!(browser.shows("Vil du logge ut") && !browser.shows("Du logger inn på"));
    browser.answer(&[("do", "logout")]).await?;
    assert!(browser.shows("Gå til Test service"));
    let mut stranger = idp.browser();
    stranger.get("/logout").await?;
    assert!(stranger.shows("Du er logget ut") && stranger.shows("href=\"/\"") && stranger.shows("Gå til forsiden"));
    Ok(())
}
