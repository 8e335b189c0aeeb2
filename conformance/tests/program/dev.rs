//! `porten dev`: the whole product in one command.

use std::path::Path;

use anyhow::Context;
use conformance::program::{free_port, install_tls};
use serde_json::Value;
use sqlx::{Connection, Executor};
use tempfile::TempDir;
use url::Position;

use crate::site::{Said, Server, Site, finish, porten};
use crate::visitor::{Page, Visitor, synthetic_fnr, synthetic_fnrs};

fn dev(folder: &Path, port: u16) -> std::process::Command {
    let mut command = porten();
    command.args(["dev", "--port", &port.to_string(), "--data"]).arg(folder);
    command
}

async fn on(folder: &Path, verb: &str, arguments: &[&str]) -> anyhow::Result<Said> {
    let mut command = porten();
    command.args(verb.split(' ')).arg("--data").arg(folder).args(arguments);
    finish(command, "").await
}

#[tokio::test]
async fn landing_people_and_inbox_are_there() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let server = Server::dev(dev(folder.path(), 0)).await?;
    let port = server.port()?;
    assert_ne!(port, 0);
    let mut visitor = Visitor::new(&server.url)?;
    visitor.get("/").await?.shows(200, "/dev/inbox")?;
    visitor.get("/dev/inbox").await?.shows(200, "<h1")?;
    assert_eq!(visitor.get("/dev/inbox.json").await?.text, "[]");
    let people: Vec<Value> = serde_json::from_str(&visitor.get("/dev/people.json").await?.text)?;
    assert!(people.len() >= 10, "{people:?}");
    // What it says at the start is enough to log in with.
    let (said, first) = (server.said(), &people[0]);
    for name in ["name", "fnr", "password"] {
        assert!(said.contains(first[name].as_str().unwrap()), "{name} of {first} in {said}");
    }
    let metadata = visitor.get("/.well-known/openid-configuration").await?;
    assert!(metadata.text.contains(&format!("http://localhost:{port}/token")), "{}", metadata.text);
    Ok(())
}

#[tokio::test]
async fn somebody_else_has_the_port() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let line = finish(dev(folder.path(), port), "").await?.refused()?;
    assert!(line.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{line}");
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_written() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("taken");
    std::fs::write(&file, "")?;
    for place in [file.clone(), file.join("below")] {
        let line = finish(dev(&place, 0), "").await?.refused()?;
        assert!(line.contains(&format!("cannot write in the data folder {}", place.display())), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn a_database_of_a_newer_version() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    Server::dev(dev(folder.path(), 0)).await?.kill().await?;
    let url = format!("sqlite://{}", folder.path().join("porten.db").display());
    let mut connection = sqlx::sqlite::SqliteConnection::connect(&url).await?;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'of tomorrow', TRUE, x'00', 0)";
    connection.execute(newer).await?;
    connection.close().await?;
    let line = finish(dev(folder.path(), 0), "").await?.refused()?;
    assert!(line.contains("newer version") && line.contains("9999"), "{line}");
    // So say the verbs that administer it.
    let line = on(folder.path(), "client list", &[]).await?.refused()?;
    assert!(line.contains("9999"), "{line}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_understood_is_misuse() -> anyhow::Result<()> {
    let wrong: [&[&str]; 6] = [
        &[],
        &["dev", "--colour"],
        &["dev", "--port", "many"],
        &["sing"],
        &["client"],
        &["client", "add", "--active", "maybe"],
    ];
    for arguments in wrong {
        let mut command = porten();
        command.args(arguments);
        let said = finish(command, "").await?;
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:?}");
        assert!(said.err.contains("Usage") || said.err.contains("--help"), "{said:?}");
        assert_eq!(said.out, "", "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_named_goes_before_the_environment() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    Server::dev(dev(folder.path(), 0)).await?.kill().await?;
    let mut command = porten();
    command.args(["client", "list", "--data"]).arg(folder.path()).env("PORTEN_CONFIG", "/nowhere/porten.toml");
    assert!(finish(command, "").await?.well()?.contains("Fjordvik"));
    let line = on(Path::new("/nowhere"), "client list", &[]).await?.refused()?;
    assert!(line.contains("/nowhere is not the data folder"), "{line}");
    Ok(())
}

#[tokio::test]
async fn a_restart_keeps_clients_and_people() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let server = Server::dev(dev(folder.path(), 0)).await?;
    let uri = "https://tjeneste.example.no/inn";
    let added = ["--client-name", "Tjenesten", "--redirect-uri", uri];
    let client: Value = serde_json::from_str(&on(folder.path(), "client add", &added).await?.well()?)?;
    let id = client["client_id"].as_str().unwrap();
    let fnr = synthetic_fnr();
    let person = [fnr.as_str(), "--given-name", "Kari", "--mobile", "91234567"];
    on(folder.path(), "person add", &person).await?.well()?;
    let before = on(folder.path(), "client list", &["--json"]).await?.well()?;
    let jwks = Visitor::new(&server.url)?.get("/jwks.json").await?.text;
    server.kill().await?;

    let server = Server::dev(dev(folder.path(), free_port()?)).await?;
    let after = on(folder.path(), "client list", &["--json"]).await?.well()?;
    assert!(after.contains(id) && after.contains("Tjenesten"), "{after}");
    // The demonstration services are registered anew for the new port, and nothing comes or goes.
    let count = |list: &str| serde_json::from_str::<Vec<Value>>(list).map(|list| list.len());
    assert_eq!(count(&before)?, count(&after)?);
    let shown: Value = serde_json::from_str(
        &on(folder.path(), "person show", &[&fnr, "--json", "--case", "1", "--by", "Kari"]).await?.well()?,
    )?;
    assert_eq!((&shown["name"], &shown["mobile"]), (&"Kari".into(), &"••• •• 567".into()));
    let mut visitor = Visitor::new(&server.url)?;
    assert_eq!(visitor.get("/jwks.json").await?.text, jwks);
    let query = format!("/authorize?client_id={id}&redirect_uri={uri}&response_type=code&scope=openid&state=s&nonce=n");
    let challenge = "code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    visitor.get(&format!("{query}&{challenge}")).await?.shows(200, "Tjenesten")
}

#[tokio::test]
async fn it_logs_in_to_every_service_of_its_own() -> anyhow::Result<()> {
    install_tls();
    let folder = TempDir::new()?;
    let server = Server::dev(dev(folder.path(), 0)).await?;
    let mut visitor = Visitor::new(&server.url)?;
    let landing = visitor.get("/").await?.text;
    for service in ["byggesak", "journal", "bibliotek"] {
        assert!(landing.contains(&format!("/demo/{service}/login")), "{service} in {landing}");
        let page = visitor.get(&format!("/demo/{service}/login")).await?;
        let to = page.sent_to.unwrap();
        assert!(to.as_str().starts_with(&format!("{}/authorize?", server.url)), "{to}");
    }
    Ok(())
}

/// Where a browser was sent, below its origin.
fn onwards(page: &Page) -> anyhow::Result<String> {
    let to = page.sent_to.as_ref().with_context(|| format!("not sent on: {} {}", page.status, page.text))?;
    Ok(to[Position::BeforePath..].to_owned())
}

#[tokio::test]
async fn another_eid_is_played_by_a_second_porten() -> anyhow::Result<()> {
    install_tls();
    let folder = TempDir::new()?;
    let server = Server::dev(dev(folder.path(), 0)).await?;
    let all =
        [("bankid", "BankID", "BankID"), ("buypass", "Buypass ID", "Buypass"), ("commfides", "Commfides", "Commfides")];
    for ((id, name, amr), fnr) in all.into_iter().zip(synthetic_fnrs()) {
        let mut visitor = Visitor::new(&server.url)?;
        let page = visitor.get("/demo/journal/login").await?;
        let picker = visitor.get(&onwards(&page)?).await?;
        for name in ["BankID", "Buypass ID", "Commfides"] {
            picker.shows(200, name)?;
        }
        let page = visitor.answer(&picker, &[("eid", id)]).await?;
        let to = page.sent_to.clone().context("not sent to the eID")?;
        assert_eq!(to.host_str(), Some("127.0.0.1"), "another host, with cookies of its own");
        let mut elsewhere = Visitor::new(&to.origin().ascii_serialization())?;
        let page = elsewhere.get(&onwards(&page)?).await?;
        page.shows(200, name)?;
        let chosen = [("fnr", fnr.as_str()), ("acr", "idporten-loa-high"), ("do", "next")];
        let page = elsewhere.answer(&page, &chosen).await?;
        let page = visitor.get(&onwards(&page)?).await?;
        // Nobody knows yet how they are reached.
        let page = visitor.answer(&page, &[("do", "skip")]).await?;
        let page = visitor.get(&onwards(&page)?).await?;
        page.shows(200, amr)?;
        page.shows(200, &fnr)?;
        // The first one knows us by a key, the others by a secret.
        let keys: Value = serde_json::from_str(&visitor.get(&format!("/eid/{id}/jwks.json")).await?.text)?;
        assert_eq!(keys["keys"].as_array().map(Vec::len), Some(usize::from(id == "bankid")), "{keys}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_in_earnest_has_nothing_of_it() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let server = site.serve().await?;
    let mut visitor = Visitor::new(&server.url)?;
    for path in
        ["/dev/inbox", "/dev/inbox.json", "/dev/people.json", "/demo/byggesak", "/demo/byggesak/login", "/dev", "/demo"]
    {
        visitor.get(path).await?.shows(404, "Vi finner ikke siden")?;
    }
    let front = visitor.get("/").await?;
    front.shows(200, "Velkommen til Porten")?;
    assert!(!front.text.contains("/dev/") && !front.text.contains("/demo/"), "{}", front.text);
    let said = site.run("client list", ["--json"]).await?.well()?;
    assert_eq!(said.trim(), "[]");
    Ok(())
}
