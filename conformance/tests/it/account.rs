//! What is done to an account as a whole, by another process on the same database: the operator's command line.

use std::time::Duration;

use anyhow::{Context, anyhow};
use authenticators::contact::Contact;
use authenticators::person::{BY_ONESELF, Fnr, NewPerson, Person};
use authenticators::scratch::Scratch;
use authenticators::sms::{Gateway, Sms, http_client};
use authenticators::trail::{Actor, Event, Trail};
use authenticators::world::World;
use authenticators::{account, device, passkey, password, recovery_code, totp};
use axum::http::StatusCode;
use conformance::authenticator::{Passkey, asked};
use conformance::browser::Browser;
use conformance::idp::{ISSUER, TestClient, TestIdp, TestPerson, claims, unregistered};
use conformance::program::install_tls;
use futures_util::future::join_all;
use idp::notify;
use idp::register::{View, entry};
use serde_json::{Value, json};

use crate::app::{add_telephone, at_the_app, goes_on, number_on};
use crate::profile::{CLOSE, at_once, contact, is_out, kinds, refresh_token, refreshing};
use crate::recovery_code::add_list;
use crate::scopes::register;
use crate::totp::add_app;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// Another process: it has the database in common with the server, and no memory.
fn elsewhere(idp: &TestIdp) -> World {
    World { scratch: Scratch::memory(), ..idp.app.world.clone() }
}

fn by_operator(kind: &'static str, person: &Person) -> Event {
    Event::by(kind, &person.id, Actor::Operator("per".to_owned())).with("why", "ticket 7")
}

/// The number of somebody who does not exist yet.
fn fresh_number(idp: &TestIdp) -> anyhow::Result<Fnr> {
    Fnr::parse(&unregistered()?.fnr, idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))
}

/// A browser in which somebody has logged in with MinID, and the refresh token of the service.
async fn logged_in(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<(Browser, String)> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.log_in(idp, person).await?;
    let token = refresh_token(idp, client, &browser).await?;
    Ok((browser, token))
}

/// What MinID's password leads to.
async fn after_password(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    Ok(browser)
}

/// What a service is told of a person.
async fn id_token(idp: &TestIdp, client: &TestClient, browser: &Browser) -> anyhow::Result<Value> {
    let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
    claims(&tokens["id_token"])
}

/// What the register tells under a number.
async fn told(idp: &TestIdp, fnr: &str) -> anyhow::Result<Value> {
    let all = View { contact: true, postbox: true };
    Ok(serde_json::to_value(entry(&idp.app, fnr, all, idp.now()).await?)?)
}

#[tokio::test]
async fn what_another_process_locks_is_locked_here_at_once() -> anyhow::Result<()> {
    let mut idp = TestIdp::start().await?;
    let (client, kari, ola) = (refreshing(&idp).await?, idp.person().await?, idp.person().await?);
    let (mut browser, token) = logged_in(&idp, &client, &kari).await?;
    let (mut others, kept) = logged_in(&idp, &client, &ola).await?;
    let mut half_way = after_password(&idp, &client, &kari).await?;
    let code = idp.last_code(&kari)?;
    let row = idp.row_of(&kari).await?;
    assert!(account::lock(&elsewhere(&idp), &row.id, "support", &by_operator("locked", &row), idp.now()).await?);
    assert!(is_out(&idp, &mut browser, &client).await?);
    assert_eq!(idp.refresh(&client, &token).await?.error()?, "invalid_grant");
    browser.get("/profil").await?;
    assert!(browser.shows("Velg innloggingsmetode"), "{}", browser.page.body);
    half_way.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(half_way.shows("MinID er sperret") && half_way.sent_back("code").is_err(), "{}", half_way.page.body);
    assert!(!half_way.cookies.contains_key("__Host-porten-session"));
    idp.advance(SECOND);
    let next = after_password(&idp, &client, &kari).await?;
    assert!(next.shows("MinID er sperret") && next.shows("800\u{a0}30\u{a0}300"), "{}", next.page.body);
    assert!(!next.page.body.contains("one-time-code"));
    // Whoever has the wrong password is told nothing of it.
    let guess = TestPerson { password: "another one 9".to_owned(), ..kari.clone() };
    assert!(after_password(&idp, &client, &guess).await?.shows("Fødselsnummeret eller passordet er feil"));
    // Nor on another node, nor after a restart; and nobody else notices.
    idp.replace().await?;
    let mut moved = idp.browser();
    moved.cookies.clone_from(&browser.cookies);
    assert!(is_out(&idp, &mut moved, &client).await?);
    assert!(!is_out(&idp, &mut others, &client).await?);
    assert_eq!(idp.refresh(&client, &kept).await?.status, StatusCode::OK);
    let again = account::lock(&elsewhere(&idp), &row.id, "support", &by_operator("locked", &row), idp.now()).await?;
    assert!(!again, "it is locked already");

    account::open(&elsewhere(&idp), &row, &by_operator("opened", &row), idp.now()).await?;
    assert!(is_out(&idp, &mut browser, &client).await?, "what was over stays over");
    assert_eq!(idp.refresh(&client, &token).await?.error()?, "invalid_grant");
    logged_in(&idp, &client, &kari).await?;
    assert_eq!(kinds(&idp, &kari).await?, ["login", "opened", "locked", "login"]);
    Ok(())
}

#[tokio::test]
async fn opening_forgives_what_was_counted() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (refreshing(&idp).await?, idp.person().await?);
    let guess = TestPerson { password: "another one 9".to_owned(), ..kari.clone() };
    for _ in 0..5 {
        after_password(&idp, &client, &guess).await?;
    }
    assert!(after_password(&idp, &client, &kari).await?.shows("MinID er satt på pause"));
    // She finds it among what has happened, once, and not as something that support has done.
    assert_eq!(kinds(&idp, &kari).await?, ["quarantined"]);
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    profile.get("/profil/hendelser").await?;
    assert!(profile.shows("MinID er satt på pause etter flere mislykkede forsøk"), "{}", profile.page.body);
    assert!(profile.shows("Gjort av Porten") && !profile.shows("Gjort av brukerstøtte"));
    let row = idp.row_of(&kari).await?;
    account::open(&elsewhere(&idp), &row, &by_operator("opened", &row), idp.now()).await?;
    logged_in(&idp, &client, &kari).await?;
    Ok(())
}

#[tokio::test]
async fn whoever_is_signed_out_logs_in_again() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (refreshing(&idp).await?, idp.person().await?, idp.person().await?);
    let (mut browser, token) = logged_in(&idp, &client, &kari).await?;
    let mut high = idp.by_test_id(&client, &kari, "high").await?;
    let (mut others, _) = logged_in(&idp, &client, &ola).await?;
    let row = idp.row_of(&kari).await?;
    account::sign_out(&elsewhere(&idp), &row.id, &by_operator("signed-out", &row), idp.now()).await?;
    for browser in [&mut browser, &mut high] {
        assert!(is_out(&idp, browser, &client).await?);
        browser.get("/profil/innlogget").await?;
        assert!(browser.shows("Velg innloggingsmetode"), "{}", browser.page.body);
    }
    assert_eq!(idp.refresh(&client, &token).await?.error()?, "invalid_grant");
    assert!(!is_out(&idp, &mut others, &client).await?);
    idp.advance(SECOND);
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    let token = refresh_token(&idp, &client, &browser).await?;
    assert!(!is_out(&idp, &mut browser, &client).await?);
    assert_eq!(idp.refresh(&client, &token).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_slips_past_being_signed_out() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (refreshing(&idp).await?, idp.person().await?);
    let browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let row = idp.row_of(&kari).await?;
    let mut tabs: Vec<Browser> = (0..100).map(|_| browser.clone()).collect();
    let asked = idp.authorize(&client, &[("prompt", "none")]);
    let (world, event) = (elsewhere(&idp), by_operator("signed-out", &row));
    let (answers, done) = tokio::join!(
        join_all(tabs.iter_mut().map(|tab| tab.get(&asked))),
        account::sign_out(&world, &row.id, &event, idp.now())
    );
    done?;
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    for mut tab in tabs {
        if let Ok(code) = tab.sent_back("code") {
            let tokens = idp.redeem(&client, &code).await?.json()?;
            if let Some(token) = tokens["refresh_token"].as_str() {
                assert_eq!(idp.refresh(&client, token).await?.error()?, "invalid_grant");
            }
        }
        assert!(is_out(&idp, &mut tab, &client).await?);
    }
    Ok(())
}

/// Everything that a person can have.
async fn with_everything(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<()> {
    let mut browser = idp.by_test_id(client, person, "substantial").await?;
    browser.get("/profil/innlogging/passnokkel").await?;
    let (_, made) = Passkey::make(&asked(&browser.page.body, "data-create")?, ISSUER)?;
    browser.answer(&[("credential", &made), ("name", "Passnøkkelen")]).await?;
    add_telephone(idp, &mut browser, "Telefonen").await?;
    add_app(idp, person, "Kodeappen").await?;
    add_list(idp, person).await?;
    Ok(())
}

/// How many things and codes a person has, and whether there is a password.
async fn has(idp: &TestIdp, person: &Person) -> anyhow::Result<(usize, i64, bool)> {
    let db = idp.app.world.db.pool();
    let things = totp::all(db, &person.id).await?.len()
        + passkey::all(db, &person.id).await?.len()
        + device::all(db, &person.id).await?.len();
    let (codes, _) = recovery_code::left(db, &person.id).await?;
    Ok((things, codes, password::stored(db, Some(&person.id)).await?.is_some()))
}

#[tokio::test]
async fn of_a_closed_account_nothing_opens_a_door() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (refreshing(&idp).await?, idp.person().await?, idp.person().await?);
    let (mut browser, token) = logged_in(&idp, &client, &kari).await?;
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let telephone = add_telephone(&idp, &mut profile, "Nettbrettet").await?;
    for person in [&kari, &ola] {
        with_everything(&idp, &client, person).await?;
    }
    let (row, others) = (idp.row_of(&kari).await?, idp.row_of(&ola).await?);
    assert_eq!((has(&idp, &row).await?, has(&idp, &others).await?), ((4, 10, true), (3, 10, true)));
    let before = contact(&idp, &kari).await?.feed_number;
    let mut half_way = at_the_app(&idp, &client, &kari).await?;

    account::close(&elsewhere(&idp), &row.id, "wish", &by_operator("closed", &row), idp.now()).await?;
    assert!(is_out(&idp, &mut browser, &client).await? && is_out(&idp, &mut profile, &client).await?);
    assert_eq!(idp.refresh(&client, &token).await?.error()?, "invalid_grant");
    assert_eq!((has(&idp, &row).await?, has(&idp, &others).await?), ((0, 0, false), (3, 10, true)));
    assert_eq!(telephone.told(&idp).await?.status, StatusCode::UNAUTHORIZED);
    assert!(!goes_on(&mut half_way).await? && !half_way.cookies.contains_key("__Host-porten-session"));
    let known: Contact = contact(&idp, &kari).await?;
    assert!(known.mobile.is_none() && known.email.is_none() && known.deleted_at == Some(idp.now()));
    assert!(known.feed_number > before, "whoever keeps a copy hears of it");
    let told = (told(&idp, &kari.fnr).await?, told(&idp, &ola.fnr).await?);
    assert_eq!((&told.0["status"], &told.1["status"]), (&json!("SLETTET"), &json!("AKTIV")));
    assert!(!told.0.to_string().contains(&kari.phone) && !told.0.to_string().contains(&kari.email), "{}", told.0);
    idp.advance(SECOND);
    let next = after_password(&idp, &client, &kari).await?;
    assert!(next.shows("Fødselsnummeret eller passordet er feil"), "{}", next.page.body);
    // The number stays theirs, and another eID still tells who they are.
    let fnr = Fnr::parse(&kari.fnr, idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))?;
    let (db, chance) = (&idp.app.world.db, &idp.app.world.chance);
    assert!(!Person::register(db, chance, &fnr, NewPerson::default(), idp.now()).await?);
    let mut other_eid = idp.by_test_id(&client, &kari, "high").await?;
    other_eid.get("/profil/innlogging").await?;
    assert!(other_eid.shows("Du har ikke MinID"), "{}", other_eid.page.body);
    other_eid.get("/profil/hendelser").await?;
    assert!(other_eid.shows("MinID er avsluttet") && other_eid.shows("Gjort av brukerstøtte"));
    Ok(())
}

#[tokio::test]
async fn what_is_left_of_a_closed_account_goes_with_its_time() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| setup.minid.closed_days = 30).await?;
    let (client, kari, ola) = (refreshing(&idp).await?, idp.person().await?, idp.person().await?);
    for person in [&kari, &ola] {
        with_everything(&idp, &client, person).await?;
    }
    let row = idp.row_of(&kari).await?;
    account::close(&elsewhere(&idp), &row.id, "wish", &by_operator("closed", &row), idp.now()).await?;
    let details = async |person: &TestPerson| {
        let trail = idp.trail_of(person).await?;
        anyhow::Ok(trail.into_iter().map(|entry| (entry.kind, !entry.details.is_empty())).collect::<Vec<_>>())
    };
    let (before, others) = (details(&kari).await?, details(&ola).await?);
    assert!(before.len() >= 4 && before.iter().all(|(_, has)| *has), "{before:?}");
    let entries = Trail::verify(&idp.app.world.db).await?;
    idp.advance(30 * DAY);
    idp::clean(&idp.app, idp.now()).await?;
    assert_eq!(details(&kari).await?, before, "not a second too early");
    idp.advance(SECOND);
    idp::clean(&idp.app, idp.now()).await?;
    let after = details(&kari).await?;
    assert!(after.iter().all(|(_, has)| !has), "{after:?}");
    let of = |all: &[(String, bool)]| all.iter().map(|(kind, _)| kind.clone()).collect::<Vec<_>>();
    assert_eq!(of(&after), of(&before), "that it happened stays");
    assert_eq!(details(&ola).await?, others, "and all of others");
    assert_eq!(Trail::verify(&idp.app.world.db).await?, entries, "the chain is whole");
    // Not of what was removed either.
    let (db, other) = (idp.app.world.db.pool(), idp.row_of(&ola).await?);
    for sql in [
        "SELECT COUNT(*) FROM totp WHERE person = $1",
        "SELECT COUNT(*) FROM passkey WHERE person = $1",
        "SELECT COUNT(*) FROM device WHERE person = $1",
    ] {
        let own: i64 = sqlx::query_scalar(sql).bind(row.id.as_str()).fetch_one(db).await?;
        let others: i64 = sqlx::query_scalar(sql).bind(other.id.as_str()).fetch_one(db).await?;
        assert_eq!((own, others), (0, 1), "{sql}");
    }
    let gone = idp.row_of(&kari).await?;
    assert_eq!((gone.name().as_str(), gone.fnr.as_str()), ("", kari.fnr.as_str()), "nobody takes the number over");
    // Once more is no harm, and what happens from now on is told as ever.
    idp::clean(&idp.app, idp.now()).await?;
    idp.by_test_id(&client, &kari, "high").await?;
    assert_eq!(details(&kari).await?.first().cloned(), Some(("login".to_owned(), true)));
    assert_eq!(Trail::verify(&idp.app.world.db).await?, entries + 1);
    Ok(())
}

#[tokio::test]
async fn details_are_erased_in_time_and_a_forged_trail_is_seen() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| setup.minid.events_days = 10).await?;
    let (client, kari) = (refreshing(&idp).await?, idp.person().await?);
    idp.by_test_id(&client, &kari, "substantial").await?;
    idp.advance(6 * DAY);
    idp.by_test_id(&client, &kari, "substantial").await?;
    idp.advance(5 * DAY);
    idp::clean(&idp.app, idp.now()).await?;
    let told: Vec<bool> = idp.trail_of(&kari).await?.iter().map(|entry| !entry.details.is_empty()).collect();
    assert_eq!(told, [true, false]);
    let db = &idp.app.world.db;
    assert_eq!(Trail::verify(db).await?, 2);
    for (forgery, back) in [
        ("UPDATE event SET kind = 'closed' WHERE number = 1", "UPDATE event SET kind = 'login' WHERE number = 1"),
        ("UPDATE event SET at = at + 1 WHERE number = 2", "UPDATE event SET at = at - 1 WHERE number = 2"),
        ("UPDATE event SET details = 'x' WHERE number = 2", "UPDATE event SET details = NULL WHERE number = 2"),
        ("UPDATE event SET number = 3 WHERE number = 2", "UPDATE event SET number = 2 WHERE number = 3"),
        ("DELETE FROM event WHERE number = 2", ""),
    ] {
        sqlx::query(forgery).execute(db.pool()).await?;
        assert!(Trail::verify(db).await.is_err(), "{forgery}");
        if !back.is_empty() {
            sqlx::query(back).execute(db.pool()).await?;
            Trail::verify(db).await.with_context(|| format!("after {back}"))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn another_number_is_the_same_person() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    register(&idp, "fjordvik:sak.read", json!({ "requires_user_consent": true })).await?;
    let client = idp.client_with(json!({ "scopes": ["openid", "profile", "fjordvik:sak.read"] })).await?;
    let scope = ("scope", "openid fjordvik:sak.read");
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[scope])).await?.log_in(&idp, &kari).await?;
    browser.answer(&[("do", "next")]).await?;
    let before = id_token(&idp, &client, &browser).await?;
    assert_eq!(before["pid"], json!(kari.fnr));
    let (row, feed) = (idp.row_of(&kari).await?, contact(&idp, &kari).await?.feed_number);

    let taken = idp.row_of(&ola).await?.fnr;
    let world = elsewhere(&idp);
    assert!(!account::change_number(&world, &row, &taken, &by_operator("number-changed", &row), idp.now()).await?);
    let to = fresh_number(&idp)?;
    assert!(account::change_number(&world, &row, &to, &by_operator("number-changed", &row), idp.now()).await?);
    let new = TestPerson { fnr: to.as_str().to_owned(), ..kari.clone() };
    assert_eq!((idp.row_of(&new).await?.id, idp.row_of(&kari).await?.id), (row.id.clone(), row.id.clone()));
    assert!(contact(&idp, &new).await?.feed_number > feed, "whoever keeps a copy hears of it");
    for typed in [&kari, &new] {
        idp.advance(Duration::from_secs(31));
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[scope])).await?.log_in(&idp, typed).await?;
        // What was agreed to stands: nobody is asked again.
        let after = id_token(&idp, &client, &browser).await.with_context(|| browser.page.body.clone())?;
        assert_eq!((&after["pid"], &after["sub"]), (&json!(new.fnr), &before["sub"]));
    }
    // By another eID as well, under either number.
    for typed in [&kari, &new] {
        let high = idp.by_test_id(&client, typed, "high").await?;
        let after = id_token(&idp, &client, &high).await?;
        assert_eq!((&after["pid"], &after["sub"]), (&json!(new.fnr), &before["sub"]));
    }
    assert_eq!(told(&idp, &kari.fnr).await?["kontaktinformasjon"], told(&idp, &new.fnr).await?["kontaktinformasjon"]);
    let mut profile = idp.by_test_id(&client, &new, "substantial").await?;
    profile.get("/profil/data").await?;
    let data = profile.page.json()?;
    assert_eq!((&data["person"]["fnr"], &data["person"]["former_fnr"]), (&json!(new.fnr), &json!([kari.fnr])));
    assert!(kinds(&idp, &new).await?.contains(&"number-changed".to_owned()));
    // Nobody else gets the number that was hers, and she may have it back.
    let others = idp.row_of(&ola).await?;
    let own = Fnr::parse(&kari.fnr, idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))?;
    assert!(!account::change_number(&world, &others, &own, &by_operator("number-changed", &others), idp.now()).await?);
    let row = idp.row_of(&new).await?;
    assert!(account::change_number(&world, &row, &own, &by_operator("number-changed", &row), idp.now()).await?);
    assert_eq!(idp.row_of(&new).await?.fnr.as_str(), kari.fnr);
    Ok(())
}

// Attack: guesses are shared out over both numbers, and made before and after the change.
#[tokio::test]
async fn both_numbers_have_one_ledger() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (refreshing(&idp).await?, idp.person().await?);
    let row = idp.row_of(&kari).await?;
    let to = fresh_number(&idp)?;
    let old = TestPerson { password: "another one 9".to_owned(), ..kari.clone() };
    let new = TestPerson { fnr: to.as_str().to_owned(), ..old.clone() };
    for _ in 0..2 {
        after_password(&idp, &client, &old).await?;
    }
    let event = by_operator("number-changed", &row);
    assert!(account::change_number(&elsewhere(&idp), &row, &to, &event, idp.now()).await?);
    for person in [&new, &old, &new] {
        after_password(&idp, &client, person).await?;
    }
    let rows: Vec<(i64,)> =
        sqlx::query_as("SELECT quarantines FROM attempt_ledger").fetch_all(idp.app.world.db.pool()).await?;
    assert_eq!(rows, [(1,)], "five wrong ones, in one place");
    for fnr in [&old.fnr, &new.fnr] {
        let right = TestPerson { fnr: fnr.clone(), ..kari.clone() };
        assert!(after_password(&idp, &client, &right).await?.shows("MinID er satt på pause"), "{fnr}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_one_number_at_the_same_instant_one_gets_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let to = fresh_number(&idp)?;
    let mut people = Vec::new();
    for _ in 0..20 {
        people.push(idp.row_of(&idp.person().await?).await?);
    }
    let (world, now) = (elsewhere(&idp), idp.now());
    let changes = people.iter().map(|row| {
        let (world, event, to) = (&world, by_operator("number-changed", row), &to);
        async move { account::change_number(world, row, to, &event, now).await }
    });
    let done = join_all(changes).await;
    // Whoever comes second is told no, or that somebody was faster; and nothing of theirs has changed.
    assert_eq!(done.iter().filter(|done| matches!(done, Ok(true))).count(), 1, "{done:?}");
    let mut have_it = 0;
    for row in &people {
        let now = Person::by_id(idp.app.world.db.pool(), &row.id).await?.context("a person")?;
        have_it += usize::from(now.fnr == to);
        assert!(now.fnr == to || now.fnr == row.fnr);
    }
    assert_eq!(have_it, 1);
    Trail::verify(&idp.app.world.db).await?;
    Ok(())
}

#[tokio::test]
async fn a_reset_leaves_the_person_and_takes_what_opens_doors() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (refreshing(&idp).await?, idp.person().await?);
    let (mut browser, token) = logged_in(&idp, &client, &kari).await?;
    with_everything(&idp, &client, &kari).await?;
    let row = idp.row_of(&kari).await?;
    account::reset(&elsewhere(&idp), &row.id, &by_operator("reset", &row), idp.now()).await?;
    assert!(is_out(&idp, &mut browser, &client).await?);
    assert_eq!(idp.refresh(&client, &token).await?.error()?, "invalid_grant");
    assert_eq!(has(&idp, &row).await?, (0, 0, false));
    assert!(contact(&idp, &kari).await?.mobile.is_some(), "how they are reached is as it was");
    assert_eq!(told(&idp, &kari.fnr).await?["status"], "AKTIV");
    let next = after_password(&idp, &client, &kari).await?;
    assert!(next.shows("Fødselsnummeret eller passordet er feil"), "{}", next.page.body);
    Ok(())
}

// The telephone of somebody whose account is locked by support is no way round it.
#[tokio::test]
async fn a_lock_counts_for_an_answer_that_is_on_its_way() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (refreshing(&idp).await?, idp.person().await?);
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let mut telephone = add_telephone(&idp, &mut profile, "Telefonen").await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    let row = idp.row_of(&kari).await?;
    account::lock(&elsewhere(&idp), &row.id, "support", &by_operator("locked", &row), idp.now()).await?;
    assert!(!goes_on(&mut browser).await?);
    assert!(browser.shows("MinID er sperret"), "{}", browser.page.body);
    assert!(!browser.cookies.contains_key("__Host-porten-session"));
    Ok(())
}

// A passkey, another eID: whoever holds what a dead person had is nobody.
#[tokio::test]
async fn nobody_is_logged_in_as_the_dead_by_any_eid() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    for (person, reason, is_in) in [(&kari, "death", false), (&ola, "wish", true)] {
        let row = idp.row_of(person).await?;
        account::close(&elsewhere(&idp), &row.id, reason, &by_operator("closed", &row), idp.now()).await?;
        idp.advance(SECOND);
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.answer(&[("eid", "testid")]).await?;
        let form = [("do", "next"), ("fnr", person.fnr.as_str()), ("acr", "idporten-loa-high")];
        browser.answer(&form).await?;
        assert_eq!(browser.shows("MinID er avsluttet"), !is_in, "{reason}: {}", browser.page.body);
        assert_eq!(browser.cookies.contains_key("__Host-porten-session"), is_in, "{reason}");
        let hint = format!("testid:{}_idporten-loa-high", person.fnr);
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[("login_hint", &hint)])).await?;
        assert_eq!(browser.sent_back("code").is_ok(), is_in, "{reason} by hint: {}", browser.at);
    }
    Ok(())
}

#[tokio::test]
async fn whoever_closes_their_minid_is_told_where_they_were_reached() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    register(&idp, "fjordvik:sak.read", json!({ "requires_user_consent": true })).await?;
    let fields = json!({
        "scopes": ["openid", "profile", "fjordvik:sak.read"],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let (client, kari, scope) = (idp.client_with(fields).await?, idp.person().await?, "openid fjordvik:sak.read");
    let mut elsewhere = idp.browser();
    elsewhere.get(&idp.authorize(&client, &[("scope", scope)])).await?.log_in(&idp, &kari).await?;
    elsewhere.answer(&[("do", "next")]).await?;
    let token = refresh_token(&idp, &client, &elsewhere).await?;
    with_everything(&idp, &client, &kari).await?;
    let row = idp.row_of(&kari).await?;

    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get("/profil").await?;
    assert!(browser.page.body.contains(&format!("href=\"{CLOSE}\"")), "{}", browser.page.body);
    browser.get(CLOSE).await?.answer(&[("do", "close")]).await?;
    assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.page.body.contains("id=\"sure-problem\""), "{}", browser.page.body);
    assert_eq!(has(&idp, &row).await?, (3, 10, true), "nothing has happened");
    browser.answer(&[("do", "close"), ("sure", "yes")]).await?;
    assert!(browser.shows("MinID-en din er avsluttet") && browser.shows("aktiveringsbrev"), "{}", browser.page.body);
    for to in [&kari.phone, &kari.email] {
        idp.arrives(to, "MinID-en din er avsluttet. Var det ikke deg?").await?;
    }
    assert!(is_out(&idp, &mut browser, &client).await? && is_out(&idp, &mut elsewhere, &client).await?);
    assert_eq!(idp.refresh(&client, &token).await?.error()?, "invalid_grant");
    assert_eq!(has(&idp, &row).await?, (0, 0, false));
    let known: Contact = contact(&idp, &kari).await?;
    assert!(known.mobile.is_none() && known.email.is_none() && known.deleted_at == Some(idp.now()));
    assert_eq!(kinds(&idp, &kari).await?.get(..2).context("two")?, ["closed", "consent-withdrawn"]);
    // Another eID still tells who she is: there is nothing to close any more, and all is asked anew.
    idp.advance(SECOND);
    let mut high = idp.by_test_id(&client, &kari, "high").await?;
    high.get("/profil").await?;
    assert!(!high.page.body.contains(CLOSE), "{}", high.page.body);
    high.get(CLOSE).await?;
    assert!(high.shows("Du har ikke MinID") && high.csrf().is_err(), "{}", high.page.body);
    high.get("/profil/samtykker").await?;
    assert!(high.shows("Du har ingen samtykker nå."), "{}", high.page.body);
    high.get("/profil/hendelser").await?;
    assert!(high.shows("Samtykke trukket tilbake fra Test service"), "{}", high.page.body);
    assert!(high.shows("MinID er avsluttet") && !high.shows("Gjort av brukerstøtte"), "{}", high.page.body);
    high.get(&idp.authorize(&client, &[("scope", scope)])).await?;
    assert!(high.shows("Godkjenner du dette?"), "{}", high.page.body);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_close_an_account_at_once_one_does() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (refreshing(&idp).await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let csrf = browser.get(CLOSE).await?.csrf()?;
    at_once(&browser, CLOSE, &[("csrf", &csrf), ("do", "close"), ("sure", "yes")], 20).await?;
    assert_eq!(kinds(&idp, &kari).await?, ["closed", "login"]);
    idp.arrives(&kari.email, "MinID-en din er avsluttet").await?;
    assert_eq!(idp.messages_to(&kari.email).len(), 1);
    Ok(())
}

/// How much waits to be told.
async fn waiting(idp: &TestIdp) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM notice").fetch_one(idp.app.world.db.pool()).await?)
}

// The command line has no way to telephones: the server tells what is done there.
#[tokio::test]
async fn what_support_does_is_told_once_wherever_the_person_was_reached() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let (world, row, now) = (elsewhere(&idp), idp.row_of(&kari).await?, idp.now());
    account::lock(&world, &row.id, "support", &by_operator("locked", &row), now).await?;
    account::lock(&world, &row.id, "support", &by_operator("locked", &row), now).await?;
    account::open(&world, &row, &by_operator("opened", &row), now).await?;
    account::sign_out(&world, &row.id, &by_operator("signed-out", &row), now).await?;
    account::reset(&world, &row.id, &by_operator("reset", &row), now).await?;
    let to = fresh_number(&idp)?;
    assert!(account::change_number(&world, &row, &to, &by_operator("number-changed", &row), now).await?);
    assert!(account::close(&world, &row.id, "wish", &by_operator("closed", &row), now).await?);
    assert!(!account::close(&world, &row.id, "wish", &by_operator("closed", &row), now).await?, "once is enough");
    assert!(idp.messages_to(&kari.phone).is_empty() && idp.messages_to(&kari.email).is_empty());
    assert_eq!(waiting(&idp).await?, 12);
    for _ in 0..2 {
        notify::deliver_due(&idp.app).await?;
    }
    for to in [&kari.phone, &kari.email] {
        let told = idp.messages_to(to);
        assert_eq!(told.len(), 6, "{told:?}");
        assert!(told.iter().all(|message| message.text.contains("Brukerstøtte har gjort det")), "{told:?}");
        assert!(told.iter().all(|message| message.text.contains("800 30 300") && !message.text.contains("http")));
        for words in [
            "MinID-en din er sperret.",
            "MinID-en din er åpnet igjen.",
            "Du er logget ut alle steder.",
            "Passordet og alle innloggingsmetodene dine er fjernet.",
            "Fødselsnummeret ditt er endret.",
            "MinID-en din er avsluttet.",
        ] {
            assert_eq!(told.iter().filter(|message| message.text.contains(words)).count(), 1, "{words}: {told:?}");
        }
    }
    assert_eq!(waiting(&idp).await?, 0, "no address stays behind");
    // What people do themselves is told on the spot, and nobody writes to the dead.
    let row = idp.row_of(&ola).await?;
    account::lock(&world, &row.id, BY_ONESELF, &Event::by_oneself("locked", &row.id), now).await?;
    account::close(&world, &row.id, "death", &by_operator("closed", &row), now).await?;
    assert_eq!(waiting(&idp).await?, 0);
    Ok(())
}

#[tokio::test]
async fn what_does_not_go_out_is_tried_again_for_a_day() -> anyhow::Result<()> {
    install_tls();
    // Nobody is there.
    let url = "http://127.0.0.1:9/send".parse()?;
    let sms = Sms::Gateway(Gateway { url, token: "t".into(), from: "MinID".into(), http: http_client()? });
    let idp = TestIdp::with(|setup| setup.sms = Some(sms)).await?;
    let kari = idp.person().await?;
    let row = idp.row_of(&kari).await?;
    account::sign_out(&elsewhere(&idp), &row.id, &by_operator("signed-out", &row), idp.now()).await?;
    notify::deliver_due(&idp.app).await?;
    assert_eq!(waiting(&idp).await?, 1, "the e-mail has gone out");
    for _ in 0..23 {
        idp.advance(Duration::from_hours(1));
        notify::deliver_due(&idp.app).await?;
        assert_eq!(waiting(&idp).await?, 1);
    }
    idp.advance(Duration::from_hours(1));
    notify::deliver_due(&idp.app).await?;
    assert_eq!(waiting(&idp).await?, 0, "it is old news now");
    assert_eq!(idp.messages_to(&kari.email).len(), 1);
    Ok(())
}
