//! `porten serve`: what it starts with, and what it does not.

use std::process::Command;

use conformance::program::free_port;
use serde_json::Value;

use crate::outside::Gateway;
use crate::site::{Server, Site, finish, master_key};
use crate::visitor::{Person, Service, Visitor, claims, code_in, real_fnr};

/// The line with which a configuration is refused.
async fn refused(site: &Site) -> anyhow::Result<String> {
    site.run("serve", [""; 0]).await?.refused()
}

#[tokio::test]
async fn a_whole_login() -> anyhow::Result<()> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let server = site.serve().await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    let mut visitor = Visitor::new(&server.url)?;
    let page = visitor.password(&service, &person).await?;
    page.shows(200, "Skriv inn koden fra SMS-en")?;
    let code = visitor.code(&page, &code_in(&gateway.last()?)?).await?.code()?;
    let tokens = service.exchange(&server.url, &code).await?;
    let claims = claims(&tokens)?;
    assert_eq!(claims["pid"], real_fnr(0).as_str());
    assert_eq!(claims["iss"], server.url.as_str());
    // The second service of the day asks for nothing more.
    let another = Service::register(&site).await?;
    visitor.get(&another.request()).await?.code()?;
    Ok(())
}

#[tokio::test]
async fn an_unknown_key_is_named() -> anyhow::Result<()> {
    for (section, line, name) in [
        ("server", "colour = \"red\"", "colour"),
        ("people", "imaginary = true", "imaginary"),
        ("sms", "folder = \"/tmp\"", "folder"),
        ("password", "rounds = 3", "rounds"),
        ("weather", "sun = true", "weather"),
    ] {
        let mut site = Site::on_sqlite()?;
        site.add(section, line)?;
        let said = refused(&site).await?;
        assert!(said.contains(name) && said.contains("porten.toml"), "{name}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() -> anyhow::Result<()> {
    for (section, text, words) in [
        ("server", "issuer = \"http://localhost:1\"", "address"),
        ("server", "address = \"127.0.0.1\"\nissuer = \"http://localhost:1\"", "address"),
        ("server", "address = \"127.0.0.1:0\"\nissuer = \"http://localhost:1/path\"", "issuer"),
        ("database", "url = \"mysql://x\"", "sqlite: or postgres:"),
        ("database", "", "database.url"),
        ("database", "url = \"sqlite:///nowhere/at/all.db?mode=rwc\"", "database"),
        ("scratch", "redis = \"redis://127.0.0.1:1/\"", "scratch.redis"),
        ("keys", "file = \"/nowhere/master.key\"", "/nowhere/master.key"),
        ("sms", "kind = \"pigeon\"", "pigeon"),
        (
            "sms",
            "kind = \"gateway\"\nurl = \"http://localhost:1/\"\ntoken_file = \"/nowhere/token\"\nfrom = \"x\"",
            "/nowhere/token",
        ),
        ("sms", "kind = \"kannel\"\nurl = \"http://localhost:1/\"\nfrom = \"x\"", "username"),
        ("password", "memory_kib = 0", "password"),
    ] {
        let mut site = Site::on_sqlite()?;
        site.set(section, text)?;
        let said = refused(&site).await?;
        assert!(said.contains(words), "{words}: {said}");
    }
    let site = Site::on_sqlite()?;
    std::fs::remove_file(site.config())?;
    let said = refused(&site).await?;
    assert!(said.contains(&site.config().display().to_string()), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_belongs_to_development_is_refused() -> anyhow::Result<()> {
    let port = free_port()?;
    for (section, text, words) in [
        ("people", "synthetic = true".to_owned(), "people.synthetic"),
        ("people", "real = false".to_owned(), "people.real"),
        ("sms", "kind = \"inbox\"".to_owned(), "sms.kind"),
        ("server", format!("address = \"127.0.0.1:{port}\"\nissuer = \"http://login.example.no\""), "server.issuer"),
        ("server", format!("address = \"0.0.0.0:{port}\"\nissuer = \"https://login.example.no\""), "server.tls"),
    ] {
        let mut site = Site::on_sqlite()?;
        site.set(section, text)?;
        let said = refused(&site).await?;
        assert!(said.contains(words) && said.contains("refusing to start"), "{words}: {said}");
        // Nothing was begun.
        assert!(!site.folder.path().join("porten.db").exists(), "{words}");
    }
    Ok(())
}

#[tokio::test]
async fn all_objections_come_at_once() -> anyhow::Result<()> {
    let mut site = Site::on_sqlite()?;
    site.set("people", "synthetic = true\nreal = false")?;
    site.set("sms", "kind = \"inbox\"")?;
    let said = refused(&site).await?;
    for words in ["people.synthetic", "people.real", "sms.kind"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn the_port_is_taken() -> anyhow::Result<()> {
    let site = Site::on_sqlite()?;
    let taken = std::net::TcpListener::bind(("127.0.0.1", site.port))?;
    let said = refused(&site).await?;
    assert!(said.contains(&format!("cannot listen on {}", taken.local_addr()?)), "{said}");
    Ok(())
}

#[tokio::test]
async fn another_master_key_opens_nothing() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let server = site.serve().await?;
    let jwks = Visitor::new(&server.url)?.get("/jwks.json").await?.text;
    server.kill().await?;
    site.file("master.key", &master_key(8))?;
    let said = refused(&site).await?;
    assert!(said.contains("key"), "{said}");
    assert!(!said.contains(&master_key(7)) && !said.contains(&master_key(8)), "{said}");
    for no_key in ["short", "", "not base64 at all, whatever it may be!"] {
        site.file("master.key", no_key)?;
        refused(&site).await?;
    }
    site.file("master.key", &master_key(7))?;
    let server = site.serve().await?;
    assert_eq!(Visitor::new(&server.url)?.get("/jwks.json").await?.text, jwks);
    Ok(())
}

#[tokio::test]
async fn secrets_come_from_files() -> anyhow::Result<()> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let file = site.file("database.url", &format!("{}\r\n", site.database()))?;
    site.set("database", format!("url_file = {file:?}"))?;
    if let Some(redis) = crate::site::wanted("TEST_REDIS_URL") {
        let file = site.file("redis.url", &format!("{redis}\n"))?;
        site.set("scratch", format!("redis_file = {file:?}"))?;
    }
    let server = site.serve().await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    Visitor::new(&server.url)?.password(&service, &person).await?.shows(200, "Skriv inn koden")?;
    assert_eq!(gateway.messages()[0].authorization, "Bearer gateway-token-1");
    drop(server);

    site.file("sms.token", "\n")?;
    assert!(refused(&site).await?.contains("is empty"));
    site.file("sms.token", "x")?;
    site.add("database", &format!("url = {:?}", site.sqlite()))?;
    assert!(refused(&site).await?.contains("a value and a file"));
    Ok(())
}

#[tokio::test]
async fn the_environment_goes_before_the_file() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let port = free_port()?;
    let address = |command: &mut Command| {
        command.env("PORTEN__SERVER__ADDRESS", format!("127.0.0.1:{port}"));
    };
    let mut command = site.verb("serve", [""; 0]);
    address(&mut command);
    let server = Server::start(command, format!("http://localhost:{port}")).await?;
    assert!(std::net::TcpStream::connect(("127.0.0.1", site.port)).is_err(), "it listens on both");
    drop(server);

    // Numbers and switches, too.
    let mut command = site.verb("serve", [""; 0]);
    command.env("PORTEN__PASSWORD__MEMORY_KIB", "0");
    assert!(finish(command, "").await?.refused()?.contains("password"));
    let mut command = site.verb("serve", [""; 0]);
    command.env("PORTEN__PEOPLE__SYNTHETIC", "true");
    assert!(finish(command, "").await?.refused()?.contains("people.synthetic"));
    let mut command = site.verb("serve", [""; 0]);
    command.env("PORTEN__SERVER__COLOUR", "red");
    assert!(finish(command, "").await?.refused()?.contains("colour"));
    Ok(())
}

#[tokio::test]
async fn the_environment_names_the_file() -> anyhow::Result<()> {
    let site = Site::new().await?;
    for verb in [&["check"][..], &["client", "list"]] {
        let mut command = crate::site::porten();
        command.args(verb).env("PORTEN_CONFIG", site.config());
        finish(command, "").await?.well()?;
    }
    let mut command = crate::site::porten();
    command.args(["client", "list"]).current_dir(site.folder.path());
    finish(command, "").await?.well()?;
    Ok(())
}

#[tokio::test]
async fn the_log_is_one_json_object_a_line() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let server = site.serve().await?;
    let page = Visitor::new(&server.url)?.get("/nowhere").await?;
    let trace = page.headers["x-trace-id"].to_str()?.to_owned();
    server.says(&trace, 0).await?;
    let said = server.said();
    let lines: Vec<Value> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert!(lines.iter().any(|line| line["message"] == "serving" && line["issuer"] == server.url.as_str()), "{said}");
    let answered = lines.iter().find(|line| line["span"]["trace_id"] == trace.as_str());
    assert!(answered.is_some_and(|line| line["status"] == 404), "{trace} in {said}");
    Ok(())
}

#[tokio::test]
async fn programs_that_come_at_once_to_a_new_database() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let list = || site.run("client list", [""; 0]);
    let (a, b, c, d) = tokio::try_join!(list(), list(), list(), list())?;
    for said in [a, b, c, d] {
        said.well()?;
    }
    Ok(())
}
