//! SMS by a gateway that takes JSON over HTTP, which has good days and bad ones.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::outside::{Gateway, Mood};
use crate::site::{Server, Site};
use crate::visitor::{Page, Person, Service, Visitor, code_in};

const FAILED: &str = "Vi fikk ikke sendt SMS akkurat nå. Du har ikke mistet noe. Vent litt og prøv igjen.";

async fn start() -> anyhow::Result<(Site, Gateway, Server, Person, Service)> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let server = site.serve().await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    Ok((site, gateway, server, person, service))
}

/// What is counted is counted by the hour of the clock, and a story must not be told across it.
pub(crate) async fn within_an_hour() -> anyhow::Result<()> {
    let left = 3600 - std::time::UNIX_EPOCH.elapsed()?.as_secs() % 3600;
    if left < 300 {
        sleep(Duration::from_secs(left + 1)).await;
    }
    Ok(())
}

/// The code page as it stands when no message could be sent.
fn has_failed(page: &Page) -> anyhow::Result<()> {
    page.shows(200, FAILED)?;
    page.between("value=\"resend\"", ">").map(|_| ())
}

#[tokio::test]
async fn a_message_is_what_was_agreed() -> anyhow::Result<()> {
    let (_site, gateway, server, person, service) = start().await?;
    Visitor::new(&server.url)?.password(&service, &person).await?.shows(200, "Vi har sendt en engangskode")?;
    let messages = gateway.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].authorization, "Bearer gateway-token-1");
    let code = code_in(&gateway.last()?)?;
    let text = format!("MinID: Engangskoden din er {code}. Del den ikke med noen.\n\n@localhost #{code}");
    assert_eq!(messages[0].json, json!({ "from": "MinID", "to": person.mobile, "text": text }));
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_fails_and_recovers() -> anyhow::Result<()> {
    within_an_hour().await?;
    let (_site, gateway, server, person, service) = start().await?;
    let mut visitor = Visitor::new(&server.url)?;
    gateway.be(Mood::Broken);
    let mut page = visitor.password(&service, &person).await?;
    has_failed(&page)?;
    // More failures than a telephone may get codes in an hour.
    for _ in 0..7 {
        page = visitor.answer(&page, &[("do", "resend")]).await?;
        has_failed(&page)?;
    }
    assert_eq!(gateway.messages().len(), 8);
    gateway.be(Mood::Well);
    page = visitor.answer(&page, &[("do", "resend")]).await?;
    page.shows(200, "Vi har sendt en engangskode")?;
    visitor.code(&page, &code_in(&gateway.last()?)?).await?.code()?;

    // The telephone has had one code: four more, and then it is enough.
    for _ in 0..4 {
        Visitor::new(&server.url)?.password(&service, &person).await?.shows(200, "Vi har sendt en engangskode")?;
    }
    let page = Visitor::new(&server.url)?.password(&service, &person).await?;
    page.shows(200, "Vi har sendt mange koder til dette mobilnummeret")?;
    assert_eq!(gateway.messages().len(), 8 + 1 + 4);
    Ok(())
}

#[tokio::test]
async fn who_has_got_no_message_is_not_told_that_its_time_is_up() -> anyhow::Result<()> {
    let (_site, gateway, server, person, service) = start().await?;
    gateway.be(Mood::Broken);
    let page = Visitor::new(&server.url)?.password(&service, &person).await?;
    has_failed(&page)?;
    assert!(!page.text.contains("Koden gjelder ikke lenger"), "{}", page.text);
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_fails_the_second_time_leaves_the_first_code_good() -> anyhow::Result<()> {
    let (_site, gateway, server, person, service) = start().await?;
    let mut visitor = Visitor::new(&server.url)?;
    let page = visitor.password(&service, &person).await?;
    let code = code_in(&gateway.last()?)?;
    gateway.be(Mood::Broken);
    // A code may be asked for again after half a minute.
    sleep(Duration::from_secs(31)).await;
    let page = visitor.answer(&page, &[("do", "resend")]).await?;
    has_failed(&page)?;
    visitor.code(&page, &code).await?.code().map(|_| ())
}

#[tokio::test]
async fn a_gateway_that_never_answers() -> anyhow::Result<()> {
    let (_site, gateway, server, person, service) = start().await?;
    gateway.be(Mood::Silent);
    let mut waiting = Visitor::new(&server.url)?;
    let page = waiting.get(&service.request()).await?;
    let begun = Instant::now();
    let slow = tokio::spawn(async move {
        let fields = [("fnr", person.fnr.as_str()), ("password", person.password), ("do", "next")];
        let page = waiting.answer(&page, &fields).await?;
        anyhow::Ok((waiting, page, begun.elapsed()))
    });
    // Nobody else notices.
    timeout(Duration::from_secs(30), async {
        while gateway.messages().is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await?;
    let mut others = 0;
    while !slow.is_finished() {
        let begun = Instant::now();
        Visitor::new(&server.url)?.get(&service.request()).await?.shows(200, "Logg inn med MinID")?;
        assert!(begun.elapsed() < Duration::from_secs(3), "another one waited {:?}", begun.elapsed());
        others += 1;
        sleep(Duration::from_millis(50)).await;
    }
    assert!(others > 10, "{others}");
    let (mut visitor, page, took) = slow.await??;
    has_failed(&page)?;
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(20), "it took {took:?}");
    gateway.be(Mood::Well);
    let page = visitor.answer(&page, &[("do", "resend")]).await?;
    visitor.code(&page, &code_in(&gateway.last()?)?).await?.code().map(|_| ())
}
