//! A gateway that fails: the citizen gets a clear page and can try again, and the counts stay right.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use authenticators::sms::{Gateway, Sms, http_client};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use conformance::idp::TestIdp;
use conformance::program::install_tls;
use serde_json::Value;

#[derive(Clone, Default)]
struct Fake {
    works: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    last: Arc<std::sync::Mutex<String>>,
}

async fn take(State(fake): State<Fake>, Json(message): Json<Value>) -> StatusCode {
    fake.asked.fetch_add(1, Ordering::SeqCst);
    if !fake.works.load(Ordering::SeqCst) {
        return StatusCode::BAD_GATEWAY;
    }
    if let Ok(mut last) = fake.last.lock() {
        message["text"].as_str().unwrap_or_default().clone_into(&mut last);
    }
    StatusCode::ACCEPTED
}

#[tokio::test]
async fn a_gateway_that_fails_costs_the_citizen_nothing() -> anyhow::Result<()> {
    install_tls();
    let fake = Fake::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/send", listener.local_addr()?).parse()?;
    let routes = Router::new().route("/send", post(take)).with_state(fake.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let sms = Sms::Gateway(Gateway { url, token: "t".into(), from: "MinID".into(), http: http_client()? });
    let idp = TestIdp::with(|setup| setup.sms = Some(sms)).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    // Eight failures, and not one of the five an hour is used up.
    for failed in 1..=8 {
        assert_eq!(fake.asked.load(Ordering::SeqCst), failed);
        assert!(browser.page.body.contains("role=\"alert\"") && browser.page.body.contains("value=\"resend\""));
        browser.answer(&[("do", "resend")]).await?;
    }
    fake.works.store(true, Ordering::SeqCst);
    idp.advance(Duration::from_secs(31));
    browser.answer(&[("do", "resend")]).await?;
    let text = fake.last.lock().map(|last| last.clone()).unwrap_or_default();
    let code = text.rsplit('#').next().unwrap_or_default().to_owned();
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(())
}
