//! `/health/live` and `/health/ready`, while what a server needs comes and goes.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;

use crate::outside::{Redis, Wire};
use crate::site::{Server, Site, wanted};

/// What `/health/ready` says: status, database, scratch.
async fn ready(server: &Server) -> anyhow::Result<(u16, Value)> {
    let begun = Instant::now();
    let answer = Client::new().get(format!("{}/health/ready", server.url)).send().await?;
    let status = answer.status().as_u16();
    assert!(begun.elapsed() < Duration::from_secs(5), "the probe took {:?}", begun.elapsed());
    Ok((status, answer.json().await?))
}

async fn becomes(server: &Server, expected: &(u16, Value)) -> anyhow::Result<()> {
    let mut last = (0, Value::Null);
    for _ in 0..60 {
        last = ready(server).await?;
        if last == *expected {
            return Ok(());
        }
        sleep(Duration::from_millis(250)).await;
    }
    anyhow::bail!("{last:?} instead of {expected:?}: {}", server.said())
}

async fn is_live(server: &Server) -> anyhow::Result<()> {
    let answer = Client::new().get(format!("{}/health/live", server.url)).send().await?;
    assert_eq!((answer.status().as_u16(), answer.text().await?.as_str()), (200, "live\n"));
    Ok(())
}

fn well() -> (u16, Value) {
    (200, json!({ "database": "up", "scratch": "up" }))
}

#[tokio::test]
async fn redis_goes_and_comes_back() -> anyhow::Result<()> {
    let (mut site, mut redis) = (Site::new().await?, Redis::start().await?);
    site.set("scratch", format!("redis = {:?}", redis.url()))?;
    let server = site.serve().await?;
    for _ in 0..2 {
        becomes(&server, &well()).await?;
        redis.stop();
        becomes(&server, &(503, json!({ "database": "up", "scratch": "down" }))).await?;
        is_live(&server).await?;
        // Citizens get a page and no hanging request.
        let begun = Instant::now();
        let service = crate::visitor::Service::register(&site).await?;
        let page = crate::visitor::Visitor::new(&server.url)?.get(&service.request()).await?;
        page.shows(500, "Noe gikk galt hos oss")?;
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        redis.begin().await?;
    }
    becomes(&server, &well()).await?;
    // And without Redis it does not start.
    drop(server);
    redis.stop();
    assert!(site.run("serve", [""; 0]).await?.refused()?.contains("scratch.redis"));
    Ok(())
}

#[tokio::test]
async fn redis_that_answers_nothing_any_more() -> anyhow::Result<()> {
    let (mut site, redis) = (Site::new().await?, Redis::start().await?);
    site.set("scratch", format!("redis = {:?}", redis.url()))?;
    let server = site.serve().await?;
    redis.signal("STOP")?;
    becomes(&server, &(503, json!({ "database": "up", "scratch": "down" }))).await?;
    is_live(&server).await?;
    redis.signal("CONT")?;
    becomes(&server, &well()).await
}

#[tokio::test]
async fn sqlite_without_its_table() -> anyhow::Result<()> {
    let site = Site::on_sqlite()?;
    let server = site.serve().await?;
    becomes(&server, &well()).await?;
    let db = migrations::Db::open(&site.sqlite()).await?;
    for (change, expected) in [
        ("ALTER TABLE person RENAME TO nobody", (503, json!({ "database": "down", "scratch": "up" }))),
        ("ALTER TABLE nobody RENAME TO person", well()),
    ] {
        sqlx::query(change).execute(db.pool()).await?;
        becomes(&server, &expected).await?;
        is_live(&server).await?;
    }
    Ok(())
}

#[tokio::test]
async fn postgres_goes_and_comes_back() -> anyhow::Result<()> {
    let Some(url) = wanted("TEST_DATABASE_URL") else {
        eprintln!("skipped: TEST_DATABASE_URL is not set");
        return Ok(());
    };
    let mut site = Site::new().await?;
    let url = Url::parse(&url)?;
    let mut wire = Wire::to(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432))).await?;
    let mut by_wire = Url::parse(&site.database())?;
    by_wire.set_host(Some("127.0.0.1"))?;
    by_wire.set_port(Some(wire.port)).unwrap();
    site.set("database", format!("url = {:?}", by_wire.as_str()))?;
    let server = site.serve().await?;
    for _ in 0..2 {
        becomes(&server, &well()).await?;
        wire.cut().await;
        becomes(&server, &(503, json!({ "database": "down", "scratch": "up" }))).await?;
        is_live(&server).await?;
        wire.mend().await?;
    }
    becomes(&server, &well()).await?;
    crate::visitor::Service::register(&site).await.map(|_| ())
}
