//! How it stops: politely, and not at all politely.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use authenticators::chance::TokenHash;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::outside::Gateway;
use crate::site::{Server, Site};
use crate::visitor::{Person, Service, Visitor, code_in};

/// How long it may take to stop when nothing holds it up.
const SOON: Duration = Duration::from_secs(5);

/// A login as far as the code, whose password takes its time.
async fn slow_logins(server: &Server, service: &Service, count: usize) -> anyhow::Result<JoinSet<anyhow::Result<u16>>> {
    let mut tasks = JoinSet::new();
    for nth in 0..count {
        let mut visitor = Visitor::new(&server.url)?;
        let page = visitor.get(&service.request()).await?;
        let fnr = crate::visitor::real_fnr(nth);
        tasks.spawn(async move {
            let fields = [("fnr", fnr.as_str()), ("password", "et passord som er feil"), ("do", "next")];
            let page = visitor.answer(&page, &fields).await?;
            anyhow::ensure!(page.text.contains("Fødselsnummeret eller passordet er feil"), "{page:?}");
            Ok(page.status)
        });
    }
    Ok(tasks)
}

#[tokio::test]
async fn sigterm_lets_requests_in_flight_finish() -> anyhow::Result<()> {
    let mut site = Site::new().await?;
    site.set("password", "memory_kib = 131072\niterations = 3\nthreads = 2")?;
    let mut server = site.serve().await?;
    let service = Service::register(&site).await?;
    // Connections that nobody uses must not hold it up: one kept alive, one that has said nothing yet.
    let mut kept = TcpStream::connect(("localhost", server.port()?))?;
    kept.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    kept.read_exact(&mut [0; 12])?;
    let _silent = TcpStream::connect(("localhost", server.port()?))?;

    let mut logins = slow_logins(&server, &service, 8).await?;
    // Once the first is answered, the others are on their way.
    assert_eq!(logins.join_next().await.context("nobody logs in")???, 422);
    let mut answered = 1;
    server.signal("TERM")?;
    while TcpStream::connect(("127.0.0.1", server.port()?)).is_ok() {
        while let Some(status) = logins.try_join_next() {
            assert_eq!(status??, 422);
            answered += 1;
        }
        assert!(answered < 8, "it still takes connections, or passwords are checked too fast for this test");
        sleep(Duration::from_millis(20)).await;
    }
    while let Some(status) = logins.join_next().await {
        assert_eq!(status??, 422);
        answered += 1;
    }
    assert_eq!(answered, 8);
    assert_eq!(server.end(SOON).await?.code(), Some(0), "{}", server.said());
    Ok(())
}

#[tokio::test]
async fn with_nothing_to_do_it_stops_at_once() -> anyhow::Result<()> {
    for name in ["TERM", "INT"] {
        let site = Site::new().await?;
        let mut server = site.serve().await?;
        server.signal(name)?;
        assert_eq!(server.end(SOON).await?.code(), Some(0), "{name}: {}", server.said());
    }
    Ok(())
}

#[tokio::test]
async fn half_a_request_does_not_hold_it_up_for_ever() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let mut server = site.serve().await?;
    let mut half = TcpStream::connect(("localhost", server.port()?))?;
    half.write_all(b"POST /token HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\ngrant_type=")?;
    sleep(Duration::from_millis(300)).await;
    server.signal("TERM")?;
    assert_eq!(server.end(Duration::from_secs(30)).await?.code(), Some(0), "{}", server.said());
    Ok(())
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() -> anyhow::Result<()> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let server = site.serve().await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    let mut visitor = Visitor::new(&server.url)?;
    let page = visitor.password(&service, &person).await?;
    let code = visitor.code(&page, &code_in(&gateway.last()?)?).await?.code()?;
    let tokens = service.exchange(&server.url, &code).await?;
    let first = tokens["refresh_token"].as_str().unwrap().to_owned();
    let (status, tokens) = service.refresh(&server.url, &first).await?;
    assert_eq!(status, 200, "{tokens}");
    let second = tokens["refresh_token"].as_str().unwrap().to_owned();
    server.kill().await?;

    let server = site.serve().await?;
    let (status, tokens) = service.refresh(&server.url, &second).await?;
    assert_eq!(status, 200, "{tokens}");
    let third = tokens["refresh_token"].as_str().unwrap().to_owned();
    let (status, tokens) = service.refresh(&server.url, &third).await?;
    assert_eq!(status, 200, "{tokens}");
    let fourth = tokens["refresh_token"].as_str().unwrap().to_owned();
    server.kill().await?;

    // That the third was used is not forgotten either: coming with the second again ends the family.
    let server = site.serve().await?;
    assert_eq!(service.refresh(&server.url, &second).await?.0, 400);
    server.kill().await?;
    let server = site.serve().await?;
    assert_eq!(service.refresh(&server.url, &fourth).await?.0, 400);
    Visitor::new(&server.url)?.password(&service, &person).await?.shows(200, "Skriv inn koden")
}

/// Refreshes as fast as it goes until nobody answers; every token that was handed out, which is counted as it comes.
async fn refresh_for_ever(service: Service, url: String, first: String, count: Arc<AtomicUsize>) -> Vec<String> {
    let mut tokens = vec![first];
    while let Some(last) = tokens.last() {
        let Ok((200, answer)) = service.refresh(&url, last).await else { break };
        tokens.push(answer["refresh_token"].as_str().unwrap_or_default().to_owned());
        count.fetch_add(1, Ordering::Relaxed);
    }
    tokens
}

#[tokio::test]
async fn no_token_that_was_handed_out_is_lost() -> anyhow::Result<()> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let server = site.serve().await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    let mut visitor = Visitor::new(&server.url)?;
    let page = visitor.password(&service, &person).await?;
    visitor.code(&page, &code_in(&gateway.last()?)?).await?.code()?;
    let (mut families, count) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..5 {
        let code = visitor.get(&service.request()).await?.code()?;
        let tokens = service.exchange(&server.url, &code).await?;
        let first = tokens["refresh_token"].as_str().unwrap().to_owned();
        families.spawn(refresh_for_ever(service.clone(), server.url.clone(), first, count.clone()));
    }
    let begun = Instant::now();
    while count.load(Ordering::Relaxed) < 25 {
        assert!(begun.elapsed() < Duration::from_secs(60), "too few tokens");
        sleep(Duration::from_millis(10)).await;
    }
    server.kill().await?;

    let families = families.join_all().await;
    let handed_out: usize = families.iter().map(Vec::len).sum();
    assert!(handed_out > 20, "only {handed_out} tokens");
    let db = migrations::Db::open(&site.database()).await?;
    for token in families.iter().flatten() {
        let found = sqlx::query("SELECT hash FROM refresh_token WHERE hash = $1").bind(TokenHash::of(token));
        assert!(found.fetch_optional(db.pool()).await?.is_some(), "one of {handed_out} tokens is lost");
    }
    // None of those whose successor was used is good again.
    let server = site.serve().await?;
    for family in &families {
        for used in family.iter().rev().skip(2) {
            assert_eq!(service.refresh(&server.url, used).await?.0, 400);
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_the_verbs_acknowledged_is_there_whatever_happens_to_the_server() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let server = site.serve().await?;
    let mut names = Vec::new();
    for nth in 0..5 {
        let name = format!("tjeneste-{nth}");
        let file = site.file(
            "client.json",
            &format!(
                "{{\"client_id\": \"{name}\", \"client_name\": \"T\", \"redirect_uris\": [\"https://t.example.no/\"]}}"
            ),
        )?;
        site.run("client add", [file.to_str().map(|file| format!("--file={file}")).unwrap_or_default()])
            .await?
            .well()?;
        site.run("person add", [crate::visitor::real_fnr(nth)]).await?.well()?;
        names.push(name);
    }
    server.kill().await?;
    let server = site.serve().await?;
    let list = site.run("client list", [""; 0]).await?.well()?;
    assert!(names.iter().all(|name| list.contains(name)), "{list}");
    for nth in 0..5 {
        site.run("person show", [&crate::visitor::real_fnr(nth), "--case", "1", "--by", "Kari"]).await?.well()?;
    }
    drop(server);
    Ok(())
}
