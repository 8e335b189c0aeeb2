//! Two nodes on one database and one Redis.

use serde_json::Value;

use crate::outside::{Gateway, Redis};
use crate::site::{Server, Site, wanted};
use crate::visitor::{Person, Service, Visitor, code_in};
use conformance::program::free_port;

/// Two servers of one site, on Postgres started in the same instant.
async fn two(site: &Site) -> anyhow::Result<(Server, Server)> {
    let start = async |port: u16| {
        let mut command = site.verb("serve", [""; 0]);
        command.env("PORTEN__SERVER__ADDRESS", format!("127.0.0.1:{port}"));
        Server::start(command, format!("http://localhost:{port}")).await
    };
    if wanted("TEST_DATABASE_URL").is_some() {
        return tokio::try_join!(start(free_port()?), start(free_port()?));
    }
    Ok((start(free_port()?).await?, start(free_port()?).await?))
}

#[tokio::test]
async fn two_nodes_are_one_provider() -> anyhow::Result<()> {
    let (mut site, gateway, redis) = (Site::new().await?, Gateway::start().await?, Redis::start().await?);
    site.set_gateway(&gateway.url)?;
    site.set("scratch", format!("redis = {:?}", redis.url()))?;
    let (one, other) = two(&site).await?;
    let jwks = Visitor::new(&one.url)?.get("/jwks.json").await?.text;
    assert_eq!(jwks, Visitor::new(&other.url)?.get("/jwks.json").await?.text);
    let keys: Value = serde_json::from_str(&jwks)?;
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(4), "{jwks}");

    // The citizen's requests come to one node or the other, as a balancer pleases.
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    let mut visitor = Visitor::new(&one.url)?;
    let page = visitor.get(&service.request()).await?;
    visitor.base.clone_from(&other.url);
    let page = visitor.answer(&page, &[("fnr", &person.fnr), ("password", person.password), ("do", "next")]).await?;
    page.shows(200, "Skriv inn koden fra SMS-en")?;
    visitor.base.clone_from(&one.url);
    let code = visitor.code(&page, &code_in(&gateway.last()?)?).await?.code()?;
    let tokens = service.exchange(&other.url, &code).await?;
    // The code is used up on both.
    assert!(service.exchange(&one.url, &code).await.is_err());
    visitor.base.clone_from(&other.url);
    visitor.get(&service.request()).await?.code()?;
    assert!(tokens["refresh_token"].is_string(), "{tokens}");
    Ok(())
}

#[tokio::test]
async fn a_refresh_token_is_good_on_either_node_and_once() -> anyhow::Result<()> {
    let (mut site, gateway, redis) = (Site::new().await?, Gateway::start().await?, Redis::start().await?);
    site.set_gateway(&gateway.url)?;
    site.set("scratch", format!("redis = {:?}", redis.url()))?;
    let (one, other) = two(&site).await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    let mut visitor = Visitor::new(&one.url)?;
    let page = visitor.password(&service, &person).await?;
    let code = visitor.code(&page, &code_in(&gateway.last()?)?).await?.code()?;
    let tokens = service.exchange(&one.url, &code).await?;
    let first = tokens["refresh_token"].as_str().unwrap().to_owned();
    let (status, tokens) = service.refresh(&other.url, &first).await?;
    assert_eq!(status, 200, "{tokens}");
    let second = tokens["refresh_token"].as_str().unwrap().to_owned();
    // Both nodes at the same instant: either may have been the answer that got lost. Of the two successors one is good.
    let (here, there) = tokio::try_join!(service.refresh(&one.url, &second), service.refresh(&other.url, &second))?;
    assert_eq!([here.0, there.0], [200, 200], "{here:?} {there:?}");
    let next = |tokens: &serde_json::Value| tokens["refresh_token"].as_str().unwrap().to_owned();
    let (here, there) = (next(&here.1), next(&there.1));
    let (here, there) = tokio::try_join!(service.refresh(&other.url, &here), service.refresh(&one.url, &there))?;
    let mut statuses = [here.0, there.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400], "{here:?} {there:?}");
    Ok(())
}
