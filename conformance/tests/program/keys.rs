//! `porten key`: list and rotate.

use serde_json::Value;

use crate::outside::Gateway;
use crate::site::{Site, master_key};
use crate::visitor::{Person, Service, Visitor, code_in};

async fn listed(site: &Site) -> anyhow::Result<Vec<Value>> {
    Ok(serde_json::from_str(&site.run("key list", ["--json"]).await?.well()?)?)
}

/// The states of an algorithm's keys, the oldest first.
fn states(keys: &[Value], algorithm: &str) -> Vec<String> {
    let own = keys.iter().filter(|key| key["algorithm"] == algorithm);
    own.filter_map(|key| key["state"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn the_next_key_is_made_once() -> anyhow::Result<()> {
    let site = Site::new().await?;
    assert_eq!(site.run("key list", [""; 0]).await?.well()?, "", "no server has started");
    let said = site.run("key rotate", ["--algorithm", "ES256"]).await?.well()?;
    assert!(said.starts_with("ES256: the next key is made, and signs from 20") && said.lines().count() == 1, "{said}");
    let said = site.run("key rotate", [""; 0]).await?.well()?;
    assert!(said.contains("ES256: there is a next key already.") && said.lines().count() == 4, "{said}");
    let keys = listed(&site).await?;
    assert_eq!(keys.len(), 8);
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        assert_eq!(states(&keys, algorithm), ["active", "next"]);
    }
    let shown = site.run("key list", [""; 0]).await?.well()?;
    for key in &keys {
        let line = shown.lines().find(|line| key["kid"].as_str().is_some_and(|kid| line.contains(kid)));
        assert!(line.is_some_and(|line| line.contains(key["state"].as_str().unwrap())), "{key} {shown}");
    }
    Ok(())
}

#[tokio::test]
async fn a_leaked_key_is_replaced() -> anyhow::Result<()> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let server = site.serve().await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    let said = site.run("key rotate", ["--now"]).await?.well()?;
    assert!(said.contains("RS256: a new key signs") && said.contains("within a minute"), "{said}");
    let keys = listed(&site).await?;
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        assert_eq!(states(&keys, algorithm), ["over", "active"]);
    }
    server.kill().await?;
    let server = site.serve().await?;
    let jwks: Value = serde_json::from_str(&Visitor::new(&server.url)?.get("/jwks.json").await?.text)?;
    let published: Vec<&Value> = jwks["keys"].as_array().into_iter().flatten().map(|key| &key["kid"]).collect();
    let active: Vec<&Value> = keys.iter().filter(|key| key["state"] == "active").map(|key| &key["kid"]).collect();
    assert_eq!(published, active);
    let mut visitor = Visitor::new(&server.url)?;
    let page = visitor.password(&service, &person).await?;
    let code = visitor.code(&page, &code_in(&gateway.last()?)?).await?.code()?;
    service.exchange(&server.url, &code).await.map(|_| ())
}

#[tokio::test]
async fn what_is_wrong_is_said() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let said = site.run("key rotate", ["--algorithm", "HS256"]).await?;
    assert!(said.code == Some(2) && said.err.contains("RS256, PS256, ES256, EdDSA"), "{said:?}");
    site.run("key rotate", ["--algorithm", "EdDSA"]).await?.well()?;
    let before = listed(&site).await?;
    site.file("master.key", &master_key(8))?;
    for arguments in [&["--algorithm", "EdDSA"][..], &["--now"]] {
        let line = site.run("key rotate", arguments).await?.refused()?;
        assert!(line.contains("master key") && !line.contains(&master_key(8)), "{line}");
    }
    site.file("master.key", "short")?;
    let line = site.run("key rotate", ["--now"]).await?.refused()?;
    assert!(line.contains("master.key"), "{line}");
    assert_eq!(listed(&site).await?, before);
    Ok(())
}
