//! What the server never says: no secret of anybody's is in its log.

use serde_json::Value;

use crate::outside::{Gateway, Mood};
use crate::site::{Server, Site, finish};
use crate::visitor::{Page, Person, Service, Visitor, code_in};

/// The lines of a log without times and the random names of requests, in which any digits may come.
fn lines(log: &str) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for line in log.lines() {
        let mut line: Value = serde_json::from_str(line)?;
        for part in ["timestamp", "elapsed", "elapsed_secs", "span", "spans"] {
            let Some(part) = line.get_mut(part) else { continue };
            match part {
                Value::Array(spans) => spans.iter_mut().for_each(|span| span["trace_id"] = Value::Null),
                Value::Object(span) => drop(span.remove("trace_id")),
                other => *other = Value::Null,
            }
        }
        lines.push(line.to_string());
    }
    Ok(lines)
}

/// Everything that came up in a visit and is nobody else's business, by what it is.
#[derive(Default)]
struct Marks(Vec<(&'static str, String)>);

impl Marks {
    fn add(&mut self, what: &'static str, mark: impl Into<String>) {
        self.0.push((what, mark.into()));
    }

    fn of_page(&mut self, page: &Page) -> anyhow::Result<()> {
        let action = page.between("method=\"post\" action=\"", "\"")?;
        self.add("the handle of a login", action.rsplit('/').next().unwrap_or_default());
        self.add("a csrf value", page.between("name=\"csrf\" value=\"", "\"")?);
        Ok(())
    }

    /// Fails if the log has any of them.
    fn are_not_in(&self, log: &str) -> anyhow::Result<()> {
        let lines = lines(log)?;
        for (what, mark) in &self.0 {
            assert!(mark.len() >= 5, "{what} is no mark: {mark:?}");
            for line in &lines {
                assert!(!line.contains(mark), "{what} in {line}");
            }
        }
        Ok(())
    }
}

/// A whole visit, with everything that goes wrong in one.
async fn visit(site: &Site, server: &Server, gateway: &Gateway) -> anyhow::Result<Marks> {
    let mut marks = Marks::default();
    let (person, service) = (Person::register(site).await?, Service::register(site).await?);
    marks.add("the password", person.password);
    marks.add("the password, encoded", "Bl%C3%A5");
    marks.add("the digits after the date of birth", &person.fnr[6..]);
    marks.add("the telephone", &person.mobile[3..]);
    marks.add("the secret of the service", &service.secret);
    marks.add("the token for the gateway", "gateway-token-1");

    let mut visitor = Visitor::new(&server.url)?;
    let page = visitor.get(&service.request()).await?;
    marks.of_page(&page)?;
    let mistyped = format!("{}x", person.fnr);
    for (fnr, password) in [(&mistyped, "feil-passord-1"), (&person.fnr, "feil-passord-1"), (&person.fnr, "\t")] {
        visitor.answer(&page, &[("fnr", fnr), ("password", password), ("do", "next")]).await?;
    }
    marks.add("a wrong password", "feil-passord-1");
    gateway.be(Mood::Broken);
    let page = visitor.password(&service, &person).await?;
    marks.of_page(&page)?;
    marks.add("the code in a message that never came", code_in(&gateway.last()?)?);
    gateway.be(Mood::Well);
    let page = visitor.answer(&page, &[("do", "resend")]).await?;
    let code = code_in(&gateway.last()?)?;
    let wrong = if code == "98765" { "98764" } else { "98765" };
    visitor.code(&page, wrong).await?.shows(422, "Feil kode")?;
    marks.add("a wrong code", wrong);
    let end = visitor.code(&page, &code).await?.code()?;
    marks.add("the code in the message", code);
    marks.add("the code for the service", &end);

    let tokens = service.exchange(&server.url, &end).await?;
    let refresh = tokens["refresh_token"].as_str().unwrap_or_default();
    assert!(service.exchange(&server.url, &end).await.is_err(), "a code was good twice");
    service.refresh(&server.url, refresh).await?;
    let imposter = Service { secret: "en-hemmelighet-som-er-gjettet".into(), ..service.clone() };
    assert_eq!(imposter.refresh(&server.url, refresh).await?.0, 401);
    marks.add("a guessed secret", imposter.secret);
    for name in ["refresh_token", "access_token", "id_token"] {
        marks.add("a token", tokens[name].as_str().unwrap_or_default());
    }
    let access = tokens["access_token"].as_str().unwrap_or_default();
    reqwest::Client::new().get(format!("{}/userinfo", server.url)).bearer_auth(access).send().await?;
    let hint = tokens["id_token"].as_str().unwrap_or_default();
    visitor.get(&format!("/logout?id_token_hint={hint}&state=logg-meg-ut")).await?;
    marks.0.extend(visitor.jar.into_values().filter(|value| value.len() > 5).map(|value| ("a cookie", value)));
    Ok(marks)
}

#[tokio::test]
async fn a_visit_leaves_no_secret_in_the_log() -> anyhow::Result<()> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let server = site.serve().await?;
    let marks = visit(&site, &server, &gateway).await?;
    server.says("/logout", 0).await?;
    let said = server.said();
    // It was there and said something.
    assert!(said.matches("answered").count() >= 12 && said.contains("the SMS gateway refused a message"), "{said}");
    marks.are_not_in(&said)
}

#[tokio::test]
async fn not_even_when_it_says_a_lot() -> anyhow::Result<()> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let mut command = site.verb("serve", [""; 0]);
    command.env("PORTEN_LOG", "debug");
    let server = Server::start(command, format!("http://localhost:{}", site.port)).await?;
    let marks = visit(&site, &server, &gateway).await?;
    server.says("/logout", 0).await?;
    let said = server.said();
    assert!(said.contains("\"DEBUG\""), "{said}");
    marks.are_not_in(&said)
}

#[tokio::test]
async fn a_database_that_does_not_answer_costs_no_password() -> anyhow::Result<()> {
    let mut site = Site::on_sqlite()?;
    site.set("database", "url = \"postgres://porten:hemmelig-1@127.0.0.1:1/porten\"")?;
    let line = site.run("serve", [""; 0]).await?.refused()?;
    assert!(!line.contains("hemmelig-1") && line.contains("database"), "{line}");
    let said = site.run("check", [""; 0]).await?;
    assert!(!said.out.contains("hemmelig-1") && !said.err.contains("hemmelig-1"), "{said:?}");

    let mut site = Site::on_sqlite()?;
    site.set("scratch", "redis = \"redis://porten:hemmelig-2@127.0.0.1:1/\"")?;
    let line = site.run("serve", [""; 0]).await?.refused()?;
    assert!(!line.contains("hemmelig-2") && line.contains("scratch.redis"), "{line}");
    let said = site.run("check", [""; 0]).await?;
    assert!(!said.out.contains("hemmelig-2") && !said.err.contains("hemmelig-2"), "{said:?}");

    // Nor one that can't be read as a URL.
    let mut site = Site::on_sqlite()?;
    site.set("database", "url = \"postgres://porten:hemmelig-3@[127.0.0.1/porten\"")?;
    let line = site.run("serve", [""; 0]).await?.refused()?;
    assert!(!line.contains("hemmelig-3"), "{line}");
    let mut command = site.verb("check", [""; 0]);
    command.env("PORTEN_LOG", "debug");
    let said = finish(command, "").await?;
    assert!(!said.out.contains("hemmelig-3") && !said.err.contains("hemmelig-3"), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn kannel_that_does_not_answer_costs_no_password() -> anyhow::Result<()> {
    let mut site = Site::new().await?;
    let password = site.file("kannel.password", "kannel-hemmelig\n")?;
    let kannel =
        "kind = \"kannel\"\nurl = \"http://127.0.0.1:1/cgi-bin/sendsms\"\nusername = \"porten\"\nfrom = \"MinID\"";
    site.set("sms", format!("{kannel}\npassword_file = {password:?}"))?;
    let server = site.serve().await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    Visitor::new(&server.url)?.password(&service, &person).await?.shows(200, "Vi fikk ikke sendt SMS")?;
    server.says("the SMS gateway did not answer", 0).await?;
    let said = server.said();
    let marks =
        Marks(vec![("Kannel's password", "kannel-hemmelig".into()), ("the telephone", person.mobile[3..].into())]);
    marks.are_not_in(&said)
}
