//! `porten check`: all that is wrong, one line each.

use std::path::PathBuf;

use authenticators::clock::Clock;
use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use conformance::mmdb::database;
use serde_json::{Value, json};
use sqlx::{Connection, Executor};

use crate::site::{Site, master_key};
use crate::tls::Authority;

/// The lines of a check that found something.
async fn lines(site: &Site) -> anyhow::Result<Vec<String>> {
    let said = site.run("check", [""; 0]).await?;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.err.lines().count(), 1, "{said:?}");
    Ok(said.out.lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn a_good_configuration() -> anyhow::Result<()> {
    let site = Site::new().await?;
    for _ in 0..2 {
        assert_eq!(site.run("check", [""; 0]).await?.well()?, "The configuration is good.\n");
    }
    // And beside a server that runs.
    let _server = site.serve().await?;
    site.run("check", [""; 0]).await?.well()?;
    Ok(())
}

#[tokio::test]
async fn everything_at_once() -> anyhow::Result<()> {
    let mut site = Site::on_sqlite()?;
    site.set("server", "address = \"0.0.0.0:1\"\nissuer = \"http://login.example.no\"\n[server.tls]\ncertificate_file = \"/nowhere/tls.pem\"\nkey_file = \"/nowhere/tls.key\"")?;
    site.set("database", "url = \"sqlite:///nowhere/porten.db?mode=rwc\"")?;
    site.set("scratch", "redis = \"redis://127.0.0.1:1/\"")?;
    site.set("keys", "file = \"/nowhere/master.key\"")?;
    site.set(
        "sms",
        "kind = \"gateway\"\nurl = \"http://localhost:1/\"\ntoken_file = \"/nowhere/token\"\nfrom = \"x\"",
    )?;
    site.set("people", "synthetic = true\nreal = false")?;
    site.set("password", "memory_kib = 1")?;
    let lines = lines(&site).await?;
    let expected = [
        "people.synthetic: ",
        "people.real: ",
        "server.issuer: must be https, since",
        "server.issuer: must be https where",
        "password: ",
        "database, keys: ",
        "keys.file: ",
        "scratch.redis: ",
        "sms: ",
        "server.tls: ",
    ];
    for words in expected {
        assert_eq!(lines.iter().filter(|line| line.starts_with(words)).count(), 1, "{words} in {lines:#?}");
    }
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_read_as_one() -> anyhow::Result<()> {
    let mut site = Site::on_sqlite()?;
    site.add("server", "colour = \"red\"")?;
    let said = site.run("check", [""; 0]).await?.refused()?;
    assert!(said.contains("colour"), "{said}");
    site.file("porten.toml", "[server\n")?;
    let said = site.run("check", [""; 0]).await?.refused()?;
    assert!(said.contains("porten.toml"), "{said}");
    Ok(())
}

#[tokio::test]
async fn one_thing_alone() -> anyhow::Result<()> {
    let site = Site::new().await?;
    drop(site.serve().await?);
    let with = async |site: &Site, words: &str| {
        let lines = lines(site).await?;
        assert!(lines.len() == 1 && lines[0].starts_with(words), "{words}: {lines:?}");
        anyhow::Ok(())
    };
    site.file("master.key", &master_key(8))?;
    with(&site, "database, keys: ").await?;
    site.file("master.key", "short")?;
    with(&site, "keys.file: ").await?;
    site.file("master.key", &master_key(7))?;

    let mut site = Site::new().await?;
    let (one, other) = (Authority::new()?, Authority::new()?);
    let (certificate, _) = one.certificate()?;
    let (_, key) = other.certificate()?;
    let (certificate, key) = (site.file("tls.pem", &certificate)?, site.file("tls.key", &key)?);
    site.set("server", format!("address = \"127.0.0.1:1\"\nissuer = \"https://localhost\"\n[server.tls]\ncertificate_file = {certificate:?}\nkey_file = {key:?}"))?;
    with(&site, "server.tls: ").await?;
    Ok(())
}

#[tokio::test]
async fn a_database_of_a_newer_version() -> anyhow::Result<()> {
    let site = Site::on_sqlite()?;
    site.run("check", [""; 0]).await?.well()?;
    let mut connection = sqlx::sqlite::SqliteConnection::connect(&site.sqlite()).await?;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'of tomorrow', TRUE, x'00', 0)";
    connection.execute(newer).await?;
    let lines = lines(&site).await?;
    assert!(lines.len() == 1 && lines[0].contains("newer version") && lines[0].contains("9999"), "{lines:?}");
    let said = site.run("serve", [""; 0]).await?.refused()?;
    assert!(said.contains("newer version") && said.contains("9999"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_database_of_places() -> anyhow::Result<()> {
    let mut site = Site::on_sqlite()?;
    let file = site.folder.path().join("places.mmdb");
    site.set("places", format!("file = {file:?}"))?;
    let one = async |site: &Site, words: &str| {
        let lines = lines(site).await?;
        assert!(lines.len() == 1 && lines[0].starts_with("places.file: ") && lines[0].contains(words), "{lines:?}");
        anyhow::Ok(())
    };
    one(&site, "cannot read").await?;
    let now = Clock::System.now().seconds();
    let norway = json!({ "country": { "iso_code": "NO", "names": { "en": "Norway" } } });
    let made = |kind: &str, days: i64| database(kind, now - days * 86_400, &[("81.2.69.0/24", norway.clone())]);
    std::fs::write(&file, made("GeoLite2-Country", 61)?)?;
    one(&site, "61 days old").await?;
    // What is old is better than nothing.
    drop(site.serve().await?);
    std::fs::write(&file, made("GeoLite2-ASN", 1)?)?;
    one(&site, "neither of cities nor of countries").await?;
    let good = made("GeoLite2-Country", 59)?;
    for bytes in [&b"nothing"[..], &good[..good.len() / 2]] {
        std::fs::write(&file, bytes)?;
        one(&site, "no database in the MaxMind DB format").await?;
        let said = site.run("serve", [""; 0]).await?.refused()?;
        assert!(said.contains("places.file: ") && said.contains("no database in the MaxMind DB format"), "{said}");
    }
    std::fs::write(&file, &good)?;
    assert_eq!(site.run("check", [""; 0]).await?.well()?, "The configuration is good.\n");
    drop(site.serve().await?);
    Ok(())
}

/// What the provider of this name publishes.
async fn publish(State(origin): State<String>, Path(name): Path<String>) -> Json<Value> {
    let mut all = json!({
        "issuer": format!("{origin}/{name}"), "authorization_endpoint": format!("{origin}/go"),
        "token_endpoint": format!("{origin}/token"), "jwks_uri": format!("{origin}/jwks"),
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    match name.as_str() {
        "issuer" => all["issuer"] = json!("https://op.other.example"),
        "par" => all["require_pushed_authorization_requests"] = json!(true),
        "alg" => all["id_token_signing_alg_values_supported"] = json!(["none", "HS256"]),
        _ => (),
    }
    Json(all)
}

const LOGO: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>"#;

#[tokio::test]
async fn what_the_providers_of_other_eids_publish() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let routes = Router::new().route("/{name}/.well-known/openid-configuration", get(publish));
    let routes = routes.with_state(origin.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let mut site = Site::on_sqlite()?;
    let secret = site.file("eid.secret", "secret\n")?;
    let eid = |name: &str, issuer: &str| {
        let own = format!("id = {name:?}\nissuer = {issuer:?}\nclient_id = \"porten\"\nsecret_file = {secret:?}");
        format!("{own}\npreset = \"bankid\"\n")
    };
    site.set("outbound", "allow = [\"127.0.0.0/8\"]")?;
    site.set("[eid]", eid("good", &format!("{origin}/good")))?;
    assert_eq!(site.run("check", [""; 0]).await?.well()?, "The configuration is good.\n");

    let wrong = ["issuer", "par", "alg"].map(|name| eid(name, &format!("{origin}/{name}")));
    let all = [wrong.as_slice(), &[eid("gone", "http://127.0.0.1:1/gone")]].concat();
    site.set("[eid]", all.join("[[eid]]\n"))?;
    let lines = lines(&site).await?;
    for (name, words) in [
        ("issuer", "they are of another issuer: \"https://op.other.example\""),
        ("par", "pushed_authorization_request_endpoint"),
        ("alg", "id_token_signing_alg_values_supported"),
        ("gone", "no answer"),
    ] {
        let of_it = |line: &&String| line.starts_with(&format!("eid {name}: ")) && line.contains(words);
        assert_eq!(lines.iter().filter(of_it).count(), 1, "{name} in {lines:#?}");
    }
    assert_eq!(lines.len(), 4, "{lines:#?}");
    let (good, bad) = (site.file("good.svg", LOGO)?, site.file("bad.svg", "<html>")?);
    let with = |logo: &PathBuf| format!("{}logo_file = {logo:?}\n", eid("good", &format!("{origin}/good")));
    site.set("[eid]", with(&good))?;
    assert_eq!(site.run("check", [""; 0]).await?.well()?, "The configuration is good.\n");
    for (logo, words) in [(bad, "is neither SVG nor PNG"), (PathBuf::from("/nowhere.svg"), "cannot read /nowhere.svg")]
    {
        site.set("[eid]", with(&logo))?;
        let said = self::lines(&site).await?;
        assert!(said.iter().all(|line| line.starts_with("eid good: ") && line.contains(words)), "{said:#?}");
    }
    site.set("[eid]", eid("vipps", &origin).replace("bankid", "vipps"))?;
    assert!(site.run("check", [""; 0]).await?.refused()?.contains("vipps"));
    Ok(())
}
