//! Addresses that services register, and what we call there: `jwks_uri` and the logout addresses.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authenticators::outbound::Outbound;
use axum::Router;
use axum::extract::State;
use axum::routing::any;
use conformance::client_key::ClientKey;
use conformance::idp::{REDIRECT, TestClient, TestIdp};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

/// A service that publishes its keys on this machine.
#[derive(Clone)]
struct Publisher {
    origin: String,
    jwks: Arc<Mutex<Value>>,
    asked: Arc<AtomicUsize>,
}

impl Publisher {
    async fn start(keys: &[&ClientKey]) -> anyhow::Result<Publisher> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let publisher = Publisher { origin, jwks: Arc::default(), asked: Arc::default() };
        publisher.publish(keys);
        let routes = Router::new().fallback(any(answer)).with_state(publisher.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(publisher)
    }

    fn publish(&self, keys: &[&ClientKey]) {
        let keys: Vec<_> = keys.iter().map(|key| &key.public).collect();
        *self.jwks.lock().unwrap_or_else(PoisonError::into_inner) = json!({ "keys": keys });
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn register(&self, idp: &TestIdp, key: &ClientKey) -> anyhow::Result<TestClient> {
        let uri = format!("{}/jwks.json", self.origin);
        let fields = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri });
        Ok(TestClient { key: Some(key.clone()), ..idp.client_with(fields).await? })
    }
}

async fn answer(State(publisher): State<Publisher>) -> String {
    publisher.asked.fetch_add(1, Ordering::SeqCst);
    publisher.jwks.lock().unwrap_or_else(PoisonError::into_inner).to_string()
}

/// `invalid_grant` is a client that is known.
async fn error(idp: &TestIdp, client: &TestClient) -> anyhow::Result<String> {
    let fields = [("grant_type", "authorization_code"), ("code", "x.y"), ("redirect_uri", REDIRECT)];
    idp.token(client, &fields).await?.error()
}

#[tokio::test]
async fn published_keys_are_fetched_once_and_again_when_they_are_rotated() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (old, new) = (ClientKey::fresh()?, ClientKey::fresh()?);
    let publisher = Publisher::start(&[&old]).await?;
    let client = publisher.register(&idp, &old).await?;
    for _ in 0..3 {
        assert_eq!(error(&idp, &client).await?, "invalid_grant");
    }
    assert_eq!(publisher.asked(), 1);
    publisher.publish(&[&old, &new]);
    idp.advance(Duration::from_secs(31));
    let rotated = TestClient { key: Some(new), ..client.clone() };
    assert_eq!(error(&idp, &rotated).await?, "invalid_grant");
    assert_eq!((error(&idp, &client).await?.as_str(), publisher.asked()), ("invalid_grant", 2));
    Ok(())
}

// Attack: unknown names of keys that send us out again and again.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_unknown_keys_cause_two_fetches() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let key = ClientKey::fresh()?;
    let publisher = Publisher::start(&[&key]).await?;
    let client = publisher.register(&idp, &key).await?;
    let strangers = (0..100).map(|_| ClientKey::fresh()).collect::<anyhow::Result<Vec<_>>>()?;
    for _ in 0..10 {
        let calls = strangers.iter().map(|stranger| {
            let (idp, caller) = (&idp, TestClient { key: Some(stranger.clone()), ..client.clone() });
            async move { error(idp, &caller).await }
        });
        let errors = join_all(calls).await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        assert!(errors.iter().all(|error| error == "invalid_client"));
    }
    assert!(publisher.asked() <= 2, "{}", publisher.asked());
    assert_eq!(error(&idp, &client).await?, "invalid_grant");
    Ok(())
}

// Attack: a registered address that leads inside.
#[tokio::test]
async fn nobody_inside_is_called() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| setup.outbound = Outbound::new(Vec::new(), None).unwrap()).await?;
    let key = ClientKey::fresh()?;
    let publisher = Publisher::start(&[&key]).await?;
    let port = publisher.origin.rsplit(':').next().unwrap().to_owned();
    let free = format!("https://127.0.0.1:{}/jwks.json", 1);
    let mut descriptions = Vec::new();
    for uri in [
        format!("http://127.0.0.1:{port}/jwks.json"),
        format!("https://127.0.0.1:{port}/jwks.json"),
        format!("http://localhost:{port}/jwks.json"),
        format!("http://[::1]:{port}/jwks.json"),
        format!("http://[::ffff:127.0.0.1]:{port}/jwks.json"),
        format!("http://2130706433:{port}/jwks.json"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "https://10.0.0.1/jwks.json".to_owned(),
        free,
    ] {
        let fields = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri });
        let client = TestClient { key: Some(key.clone()), ..idp.client_with(fields).await? };
        let begun = Instant::now();
        let answer = idp.token(&client, &[("grant_type", "authorization_code"), ("code", "x.y")]).await?;
        assert_eq!(answer.error()?, "invalid_client", "{uri}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{uri}");
        descriptions.push(answer.json()?["error_description"].clone());
    }
    assert_eq!(publisher.asked(), 0);
    descriptions.dedup();
    assert_eq!(descriptions.len(), 1, "the answer tells nobody what listens where: {descriptions:?}");
    Ok(())
}

#[tokio::test]
async fn a_dead_publisher_keeps_its_last_keys_and_delays_nobody_else() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let key = ClientKey::fresh()?;
    let publisher = Publisher::start(&[&key]).await?;
    let client = publisher.register(&idp, &key).await?;
    assert_eq!(error(&idp, &client).await?, "invalid_grant");
    *publisher.jwks.lock().unwrap() = json!("nonsense");
    idp.advance(Duration::from_mins(11));
    assert_eq!(error(&idp, &client).await?, "invalid_grant");
    Ok(())
}

// Attack: a registered address for logouts that leads inside.
#[tokio::test]
async fn nobody_inside_is_told_of_a_logout() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| setup.outbound = Outbound::new(Vec::new(), None).unwrap()).await?;
    let publisher = Publisher::start(&[]).await?;
    let port = publisher.origin.rsplit(':').next().unwrap_or_default().to_owned();
    let kari = idp.person().await?;
    for host in [format!("http://127.0.0.1:{port}"), format!("http://[::1]:{port}"), format!("http://localhost:{port}")]
    {
        let client = idp
            .client_with(json!({
                "redirect_uris": [format!("{host}/cb")], "post_logout_redirect_uris": [format!("{host}/bye")],
                "backchannel_logout_uri": format!("{host}/logout"),
            }))
            .await?;
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
        let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
        let hint = tokens["id_token"].as_str().unwrap_or_default();
        browser.get(&format!("/logout?id_token_hint={hint}")).await?;
        assert!(browser.shows("Du er logget ut"), "{}", browser.page.body);
    }
    for _ in 0..3 {
        idp.advance(Duration::from_hours(1));
        idp::logout_notice::deliver_due(&idp.app).await?;
    }
    assert_eq!(publisher.asked(), 0);
    Ok(())
}
