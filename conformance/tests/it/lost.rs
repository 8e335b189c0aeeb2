//! What one logs in with is lost, or somebody is dead: a letter over MinID, blocking by the password alone, and what the
//! population register tells.

use std::time::Duration;

use anyhow::{Context, bail};
use authenticators::contact::{Channel, Contact, Phone};
use authenticators::letter::{self, Begun, HAS_MINID, Printing, STOPPED};
use authenticators::person::{BY_ONESELF, Person};
use authenticators::population::Population;
use authenticators::trail::{Actor, Event};
use authenticators::{account, password, totp};
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestIdp, TestPerson, unregistered};
use idp::minid::Minid;
use idp::notify;
use serde_json::json;

use crate::activate::{NEW, PATH, activated, begin};
use crate::forgotten::arrived;
use crate::letter_order::{by_another_phone, give_minid, letter_to, letters, order, resident, start_with, under_way};
use crate::profile::kinds;
use crate::recovery_code::add_list;
use crate::totp::add_app;

const PRINTING: Printing<'_> =
    Printing { at_most: 10, protected_via: &[], has_test: false, destination: String::new() };
const ORDERED: &str = "har bestilt et aktiveringsbrev i ditt navn";

/// A Porten, and somebody with MinID who stands in the population register.
async fn start() -> anyhow::Result<(TestIdp, TestPerson)> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    give_minid(&idp, &kari).await?;
    Ok((idp, kari))
}

/// Prints what waits; the codes of the letters.
pub(crate) async fn print(idp: &TestIdp) -> anyhow::Result<Vec<String>> {
    let (world, now) = (&idp.app.world, idp.now());
    let Begun::Batch(batch) = letter::begin(world, &PRINTING, now).await? else { return Ok(Vec::new()) };
    let ready = letter::ready(world, &batch, &PRINTING, now).await?;
    letter::mark_written(world, &batch, now).await?;
    letter::mark_handed_over(world, &batch, now).await?;
    Ok(ready.into_iter().map(|letter| letter.code.grouped()).collect())
}

/// The one who has another telephone and another password from now on.
fn anew(person: &TestPerson) -> anyhow::Result<TestPerson> {
    Ok(TestPerson { password: NEW.to_owned(), ..by_another_phone(person)? })
}

/// From the first page to the one for what is lost.
async fn at_the_ways(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Browser> {
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.give_password(person).await?;
    assert!(browser.shows("Mistet telefonen?"), "{}", browser.page.body);
    browser.answer(&[("do", "lost")]).await?;
    assert!(browser.shows("Har du mistet telefonen?"), "{}", browser.page.body);
    Ok(browser)
}

async fn gets_in(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<bool> {
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.give_password(person).await?;
    if !browser.shows("Skriv inn koden fra SMS-en") {
        return Ok(false);
    }
    let code = idp.last_code(person)?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    Ok(browser.sent_back("code").is_ok())
}

#[tokio::test]
async fn who_has_nothing_left_begins_anew_by_post() -> anyhow::Result<()> {
    let (idp, kari) = start().await?;
    let client = idp.client().await?;
    add_app(&idp, &kari, "Telefonen").await?;
    add_list(&idp, &kari).await?;
    let new = anew(&kari)?;
    let page = order(&idp, &new).await?;
    assert!(page.shows("blir den som den er til du bruker koden"), "{}", page.page.body);
    let row = idp.row_of(&kari).await?;
    let ordered = letter_to(&idp, &kari).await?;
    assert_eq!(ordered.person, row.id);
    for to in [&kari.phone, &kari.email] {
        let told = idp.arrives(to, ORDERED).await?.text;
        assert!(told.contains("stopp brevet") && told.contains("800\u{a0}30\u{a0}300"), "{told}");
    }
    // Until the code is used it all stays as it is, and there is no second letter.
    idp.advance(Duration::from_mins(2));
    let mut own = idp.browser();
    own.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert!(own.shows("kodeapp"), "{}", own.page.body);
    order(&idp, &by_another_phone(&kari)?).await?;
    idp.app.world.tasks.settle().await;
    assert_eq!((letters(&idp).await?.len(), arrived(&idp, &kari.email, ORDERED)), (1, 1));

    let codes = print(&idp).await?;
    let mut browser = activated(&idp, &new, codes.first().context("no letter")?).await?;
    assert!(browser.shows("MinID er klar til bruk"), "{}", browser.page.body);
    for to in [&kari.phone, &kari.email] {
        idp.arrives(to, "MinID er registrert på nytt").await?;
    }
    assert!(totp::all(idp.app.world.db.pool(), &row.id).await?.is_empty());
    // Whoever reads the old mailbox gets no other password by it.
    let contact = Contact::of(idp.app.world.db.pool(), &row.id).await?;
    assert_eq!((contact.mobile.map(|phone| phone.as_str().to_owned()), contact.email), (Some(new.phone.clone()), None));
    idp.advance(Duration::from_mins(1));
    assert!(gets_in(&idp, &new).await? && !gets_in(&idp, &kari).await?);
    browser.get(PATH).await?;
    Ok(())
}

#[tokio::test]
async fn what_one_has_blocked_a_letter_opens() -> anyhow::Result<()> {
    let (idp, kari) = start().await?;
    let client = idp.client().await?;
    let mut browser = at_the_ways(&idp, &kari).await?;
    browser.answer(&[("do", "block")]).await?;
    browser.answer(&[("do", "block-now")]).await?;
    for words in ["Du har sperret MinID", "høyt nivå", "aktiveringsbrev", "800\u{a0}30\u{a0}300"] {
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }
    assert!(browser.page.body.contains("href=\"/aktiveringsbrev/order\""), "{}", browser.page.body);
    let new = anew(&kari)?;
    order(&idp, &new).await?;
    letter_to(&idp, &kari).await?;
    idp.arrives(&kari.phone, ORDERED).await?;
    let codes = print(&idp).await?;
    assert!(idp.row_of(&kari).await?.locked_at.is_some(), "a letter alone opens nothing");
    activated(&idp, &new, codes.first().context("no letter")?).await?;
    assert!(idp.row_of(&kari).await?.locked_at.is_none());
    idp.advance(Duration::from_mins(1));
    assert!(gets_in(&idp, &new).await?);
    browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required");
    Ok(())
}

// Attack: a stranger orders for somebody who has MinID, or has blocked it.
#[tokio::test]
async fn a_strangers_order_is_told_and_stopped() -> anyhow::Result<()> {
    let (idp, kari) = start().await?;
    let stranger = by_another_phone(&kari)?;
    let row = idp.row_of(&kari).await?;
    order(&idp, &stranger).await?;
    letter_to(&idp, &kari).await?;
    idp.arrives(&kari.email, ORDERED).await?;
    // The owner sees it and stops it, before it is printed and after.
    for is_printed in [false, true] {
        let codes = if is_printed { print(&idp).await? } else { Vec::new() };
        assert_eq!(codes.len(), usize::from(is_printed));
        let client = idp.client().await?;
        let mut own = idp.by_test_id(&client, &kari, "substantial").await?;
        own.get("/profil").await?;
        assert!(own.page.body.contains("href=\"/profil/brev\""), "{}", own.page.body);
        own.get("/profil/brev").await?;
        assert!(own.shows("Et aktiveringsbrev er på vei"), "{}", own.page.body);
        own.post_only("/profil/brev", &[("csrf", "x"), ("do", "stop")]).await?;
        assert_eq!(own.page.status, StatusCode::FORBIDDEN);
        own.get("/profil/brev").await?.answer(&[("do", "stop")]).await?;
        assert!(own.at == "/profil?sagt=brev-stoppet" && own.shows("Brevet er stoppet"), "{}", own.page.body);
        assert_eq!(under_way(&idp, &kari).await?, None);
        for code in &codes {
            let mut browser = idp.browser();
            browser.get(PATH).await?;
            begin(&mut browser, &kari.fnr, code).await?;
            assert!(browser.shows("Koden er brukt eller for gammel"), "{}", browser.page.body);
        }
        idp.advance(Duration::from_secs(2));
        order(&idp, &stranger).await?;
        letter_to(&idp, &kari).await?;
    }
    // Blocking stops what is under way as well.
    let codes = print(&idp).await?;
    let mut browser = at_the_ways(&idp, &kari).await?;
    browser.answer(&[("do", "block")]).await?.answer(&[("do", "block-now")]).await?;
    assert_eq!(under_way(&idp, &kari).await?, None);
    let mut thief = idp.browser();
    thief.get(PATH).await?;
    begin(&mut thief, &kari.fnr, codes.first().context("no letter")?).await?;
    assert!(thief.shows("Koden er brukt eller for gammel"), "{}", thief.page.body);
    let letters = letters(&idp).await?;
    assert!(letters.iter().all(|letter| letter.returned_code.as_deref() == Some(STOPPED)), "{letters:?}");
    assert!(idp.row_of(&kari).await?.locked_at.is_some() && row.locked_at.is_none());
    let kinds = kinds(&idp, &kari).await?;
    assert_eq!(kinds.iter().filter(|kind| *kind == "letter-stopped").count(), 3, "{kinds:?}");
    Ok(())
}

#[tokio::test]
async fn who_has_found_the_password_again_gets_no_letter() -> anyhow::Result<()> {
    let (idp, kari) = start().await?;
    order(&idp, &by_another_phone(&kari)?).await?;
    letter_to(&idp, &kari).await?;
    idp.advance(Duration::from_mins(1));
    let (world, row) = (&idp.app.world, idp.row_of(&kari).await?);
    let Ok(phc) = password::hash(world, NEW).await? else { bail!("busy") };
    let mut tx = world.db.begin().await?;
    password::set(&mut tx, &row.id, &phc, idp.now()).await?;
    tx.commit().await?;
    assert!(print(&idp).await?.is_empty());
    let letters = letters(&idp).await?;
    assert_eq!(letters.first().and_then(|letter| letter.returned_code.as_deref()), Some(HAS_MINID));
    Ok(())
}

#[tokio::test]
async fn whoever_knows_the_password_blocks_minid_and_does_nothing_else() -> anyhow::Result<()> {
    let (idp, kari) = start().await?;
    let client = idp.client().await?;
    let mut elsewhere = idp.browser();
    elsewhere.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    idp.advance(Duration::from_mins(2));
    add_list(&idp, &kari).await?;
    let mut browser = at_the_ways(&idp, &kari).await?;
    for words in ["Gjenopprettingskode", "Sperr MinID", "Bestill aktiveringsbrev", "800\u{a0}30\u{a0}300"] {
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }
    // One click is none, nor is what no page has sent.
    browser.answer(&[("do", "block-now")]).await?;
    assert!(idp.row_of(&kari).await?.locked_at.is_none() && browser.shows("Har du mistet telefonen?"));
    browser.answer(&[("do", "recovery")]).await?;
    assert!(browser.shows("Skriv inn en gjenopprettingskode"), "{}", browser.page.body);
    browser.answer(&[("do", "lost")]).await?.answer(&[("do", "back")]).await?;
    assert!(browser.shows("Endre innloggingsmetode"), "{}", browser.page.body);
    browser.answer(&[("do", "lost")]).await?.answer(&[("do", "block")]).await?;
    assert!(browser.shows("Vil du sperre MinID?"), "{}", browser.page.body);
    let action = browser.action()?;
    browser.clone().post_only(&action, &[("csrf", "x"), ("do", "block-now")]).await?;
    assert!(idp.row_of(&kari).await?.locked_at.is_none());
    browser.answer(&[("do", "block-now")]).await?;
    assert!(browser.shows("Du har sperret MinID"), "{}", browser.page.body);
    assert_eq!(idp.row_of(&kari).await?.locked_code.as_deref(), Some(BY_ONESELF));
    for to in [&kari.phone, &kari.email] {
        idp.arrives(to, "MinID-en din er sperret").await?;
    }
    elsewhere.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(elsewhere.sent_back("error")?, "login_required");
    let trail = idp.trail_of(&kari).await?;
    let entry = trail.first().context("no entry")?;
    assert_eq!((entry.kind.as_str(), &entry.details["by"]), ("locked", &json!("password")));
    Ok(())
}

// Attack: an old page, after its owner has chosen another password; and a page without a password.
#[tokio::test]
async fn a_password_of_yesterday_blocks_nothing() -> anyhow::Result<()> {
    let (idp, kari) = start().await?;
    let mut browser = at_the_ways(&idp, &kari).await?;
    browser.answer(&[("do", "block")]).await?;
    idp.advance(Duration::from_secs(5));
    let (world, row) = (&idp.app.world, idp.row_of(&kari).await?);
    let Ok(phc) = password::hash(world, NEW).await? else { bail!("busy") };
    let mut tx = world.db.begin().await?;
    password::set(&mut tx, &row.id, &phc, idp.now()).await?;
    tx.commit().await?;
    browser.answer(&[("do", "block-now")]).await?;
    assert!(browser.page.body.contains("name=\"password\""), "{}", browser.page.body);
    assert!(idp.row_of(&kari).await?.locked_at.is_none());
    let client = idp.client().await?;
    let mut stranger = idp.browser();
    stranger.get(&idp.authorize(&client, &[])).await?.answer(&[("eid", "minid")]).await?;
    for what in ["lost", "block", "block-now"] {
        stranger.answer(&[("do", what)]).await?;
        assert!(stranger.page.body.contains("name=\"password\""), "{}", stranger.page.body);
    }
    Ok(())
}

// The program may be gone right after it has written the order down.
#[tokio::test]
async fn whoever_could_lose_their_account_by_a_letter_hears_of_it_for_certain() -> anyhow::Result<()> {
    let (idp, kari) = start().await?;
    let (world, row) = (&idp.app.world, idp.row_of(&kari).await?);
    let event = Event::by_oneself("letter-ordered", &row.id);
    let stranger = Channel::Mobile(Phone::parse("+4740000009").context("a number")?);
    assert!(letter::order(world, &row.id, ("nb", &stranger), &event, idp.now()).await?);
    let told = || (arrived(&idp, &kari.phone, ORDERED), arrived(&idp, &kari.email, ORDERED));
    assert_eq!(told(), (0, 0));
    notify::deliver_due(&idp.app).await?;
    notify::deliver_due(&idp.app).await?;
    assert_eq!(told(), (1, 1));
    Ok(())
}

// A register that has gone wrong, and one that has taken somebody for dead.
#[tokio::test]
async fn a_wrong_register_closes_nobody_for_ever() -> anyhow::Result<()> {
    let mut idp = TestIdp::with(|setup| setup.minid = Minid { deaths_a_day: 1, ..Minid::default() }).await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let both = [&kari, &ola].map(|person| resident(person, json!({ "dead": true })).to_string());
    idp.register_says(Population::read(&both.join("\n"))?).await?;
    idp::clean(&idp.app, idp.now()).await?;
    assert!(!idp.row_of(&kari).await?.is_dead() && !idp.row_of(&ola).await?.is_dead(), "two are one too many");
    let one = [resident(&kari, json!({ "dead": true })), resident(&ola, json!({}))].map(|line| line.to_string());
    idp.register_says(Population::read(&one.join("\n"))?).await?;
    idp.advance(Duration::from_hours(24));
    idp::clean(&idp.app, idp.now()).await?;
    assert!(idp.row_of(&kari).await?.is_dead() && !idp.row_of(&ola).await?.is_dead());
    // The desk opens nobody whom the register still tells dead.
    let opened = |row: &Person| Event::by("opened", &row.id, Actor::Operator("desk".to_owned()));
    let row = idp.row_of(&kari).await?;
    account::open(&idp.app.world, &row, &opened(&row), idp.now()).await?;
    assert!(idp.row_of(&kari).await?.is_dead());
    idp.register_says(Population::read(&resident(&kari, json!({})).to_string())?).await?;
    account::open(&idp.app.world, &row, &opened(&row), idp.now()).await?;
    assert!(idp.row_of(&kari).await?.closed_at.is_none());
    order(&idp, &by_another_phone(&kari)?).await?;
    idp.app.world.tasks.settle().await;
    assert!(under_way(&idp, &kari).await?.is_some(), "they begin anew by post");
    Ok(())
}

#[tokio::test]
async fn whom_the_register_tells_dead_nobody_logs_in_as() -> anyhow::Result<()> {
    let (mut idp, kari) = start().await?;
    let (client, ola, stranger) = (idp.client().await?, idp.person().await?, unregistered()?);
    let mut own = idp.browser();
    own.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    order(&idp, &by_another_phone(&kari)?).await?;
    letter_to(&idp, &kari).await?;
    idp::clean(&idp.app, idp.now()).await?;
    assert!(!idp.row_of(&kari).await?.is_dead());
    let lines = [
        resident(&kari, json!({ "dead_on": "2026-01-31" })),
        resident(&ola, json!({})),
        resident(&stranger, json!({ "dead": true })),
    ];
    idp.register_says(Population::read(&lines.map(|line| line.to_string()).join("\n"))?).await?;
    // Once a day, and each once.
    idp::clean(&idp.app, idp.now()).await?;
    assert!(!idp.row_of(&kari).await?.is_dead());
    for _ in 0..2 {
        idp.advance(Duration::from_hours(24));
        idp::clean(&idp.app, idp.now()).await?;
    }
    assert!(idp.row_of(&kari).await?.is_dead() && !idp.row_of(&ola).await?.is_dead());
    let row: Person = idp.row_of(&kari).await?;
    assert!(password::stored(idp.app.world.db.pool(), Some(&row.id)).await?.is_none());
    assert_eq!(under_way(&idp, &kari).await?, None);
    let trail = idp.trail_of(&kari).await?;
    let closed: Vec<_> = trail.iter().filter(|entry| entry.kind == "closed").collect();
    let [entry] = closed.as_slice() else { bail!("{trail:?}") };
    assert_eq!((&entry.actor, &entry.details["reason"]), (&Actor::Register, &json!("death")));
    own.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(own.sent_back("error")?, "login_required");
    idp.app.world.tasks.settle().await;
    assert_eq!(
        arrived(&idp, &kari.phone, "avsluttet") + arrived(&idp, &kari.email, "avsluttet"),
        0,
        "nobody mourns twice"
    );
    order(&idp, &by_another_phone(&kari)?).await?;
    idp.app.world.tasks.settle().await;
    assert_eq!(under_way(&idp, &kari).await?, None);
    Ok(())
}
