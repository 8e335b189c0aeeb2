//! The trail: what is written of a login, and that nobody changes it unseen.

use std::time::Duration;

use anyhow::Context;
use authenticators::person::PersonId;
use authenticators::trail::{Actor, Event, Trail};
use conformance::idp::{TestIdp, TestPerson};
use serde_json::{Value, json};
use tokio::task::JoinSet;

async fn id_of(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<PersonId> {
    Ok(idp.row_of(person).await?.id)
}

/// Writes some entries, one after the other.
async fn write(idp: &TestIdp, person: &PersonId, count: usize) -> anyhow::Result<()> {
    for number in 0..count {
        let event = Event::by("looked-up", person, Actor::Operator("anne".to_owned())).with("number", number);
        idp.app.world.trail.write(event, idp.now()).await?;
    }
    Ok(())
}

async fn what_is_wrong(idp: &TestIdp) -> String {
    match Trail::verify(&idp.app.world.db).await {
        Ok(count) => format!("{count} entries, and nothing"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_login_is_written_down_with_who_and_where_and_how() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let one = idp.client_with(json!({ "client_name": "Fjordvik kommune" })).await?;
    let other = idp.client_with(json!({ "client_name": "Nordvik skole" })).await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.headers.push(("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0".to_owned()));
    // Nobody of ours has written that header.
    browser.headers.push(("x-forwarded-for", "198.51.100.7".to_owned()));
    browser.get(&idp.authorize(&one, &[])).await?.log_in(&idp, &kari).await?;
    idp.advance(Duration::from_mins(1));
    browser.get(&idp.authorize(&other, &[])).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);

    let (world, row) = (&idp.app.world, id_of(&idp, &kari).await?);
    world.trail.settle().await?;
    let entries = world.trail.of(world.db.pool(), &row, i64::MAX, 10).await?;
    assert_eq!(entries.len(), 2, "{entries:?}");
    for (entry, (client, service, sso)) in
        entries.iter().zip([(&other, "Nordvik skole", true), (&one, "Fjordvik kommune", false)])
    {
        assert_eq!((entry.kind.as_str(), &entry.actor), ("login", &Actor::Person(row.clone())));
        for (name, value) in [
            ("client", json!(client.id)),
            ("service", json!(service)),
            ("amr", json!("Minid-OTC")),
            ("acr", json!("idporten-loa-substantial")),
            ("sso", json!(sso)),
            ("address", json!("127.0.0.1")),
            ("browser", json!("Firefox")),
            ("system", json!("Linux")),
        ] {
            assert_eq!(entry.details.get(name), Some(&value), "{name}: {entry:?}");
        }
    }
    assert_eq!(entries[0].at, idp.now());
    assert!(world.trail.of(world.db.pool(), &id_of(&idp, &ola).await?, i64::MAX, 10).await?.is_empty());
    // Whoever reads the table reads none of that.
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("SELECT kind, actor, details FROM event").fetch_all(world.db.pool()).await?;
    assert_eq!(rows.len(), 2);
    for word in ["Fjordvik", "127.0.0.1", "Firefox", "Minid", one.id.as_str(), kari.fnr.as_str(), kari.phone.as_str()] {
        assert!(rows.iter().all(|row| !format!("{row:?}").contains(word)), "{word}: {rows:?}");
    }
    assert_eq!(Trail::verify(&world.db).await?, 2);
    Ok(())
}

#[tokio::test]
async fn what_comes_to_nothing_is_no_login() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    browser.answer(&[("do", "cancel")]).await?;
    let mut guesser = idp.browser();
    guesser.get(&idp.authorize(&client, &[])).await?;
    guesser.give_password(&TestPerson { password: "wrong".to_owned(), ..kari.clone() }).await?;
    idp.app.world.trail.settle().await?;
    assert_eq!(what_is_wrong(&idp).await, "0 entries, and nothing");
    Ok(())
}

// A login that cannot be written down is none.
#[tokio::test]
async fn without_its_line_in_the_trail_no_login_goes_on() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let head = sqlx::query("UPDATE event_head SET number = number + 1").execute(idp.app.world.db.pool()).await?;
    assert_eq!(head.rows_affected(), 1);
    // The place of the next entry is taken.
    let taken = "INSERT INTO event (number, at, kind, subject, actor, digest, hash) VALUES (2, 0, '', '', '', '', '')";
    sqlx::query(taken).execute(idp.app.world.db.pool()).await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    assert!(browser.sent_back("code").is_err() && browser.page.status.is_server_error(), "{}", browser.page.body);
    sqlx::query("DELETE FROM event").execute(idp.app.world.db.pool()).await?;
    idp.advance(Duration::from_mins(1));
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_hundred_writes_at_once_the_chain_is_whole() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let (kari, ola) = (id_of(&idp, &kari).await?, id_of(&idp, &ola).await?);
    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    for number in 0..100 {
        let (trail, db, now) = (idp.app.world.trail.clone(), idp.app.world.db.clone(), idp.now());
        let person = if number % 2 == 0 { kari.clone() } else { ola.clone() };
        let event = Event::by_oneself("contact-confirmed", &person).with("number", number);
        tasks.spawn(async move {
            match number % 3 {
                0 => trail.write(event, now).await,
                1 => {
                    trail.note(event, now).await;
                    Ok(())
                }
                _ => {
                    let mut tx = db.begin().await?;
                    trail.append(&mut tx, &event, now).await?;
                    Ok(tx.commit().await?)
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let world = &idp.app.world;
    world.trail.settle().await?;
    assert_eq!(Trail::verify(&world.db).await?, 100);
    let mut numbers = Vec::new();
    for person in [&kari, &ola] {
        let entries = world.trail.of(world.db.pool(), person, i64::MAX, 100).await?;
        assert_eq!(entries.len(), 50);
        assert!(entries.windows(2).all(|pair| pair[0].number > pair[1].number), "the newest first");
        numbers.extend(entries.iter().filter_map(|entry| entry.details.get("number").and_then(Value::as_i64)));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<i64>>(), "each once");
    Ok(())
}

// A change that is not carried out has not happened.
#[tokio::test]
async fn what_is_rolled_back_leaves_no_gap() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let kari = idp.person().await?;
    let kari = id_of(&idp, &kari).await?;
    write(&idp, &kari, 2).await?;
    let world = &idp.app.world;
    let mut tx = world.db.begin().await?;
    world.trail.append(&mut tx, &Event::by_oneself("password-changed", &kari), idp.now()).await?;
    tx.rollback().await?;
    write(&idp, &kari, 1).await?;
    assert_eq!(Trail::verify(&world.db).await?, 3);
    let entries = world.trail.of(world.db.pool(), &kari, i64::MAX, 10).await?;
    assert!(entries.iter().all(|entry| entry.kind == "looked-up"), "{entries:?}");
    Ok(())
}

// Attack: somebody who can write to the database.
#[tokio::test]
async fn whatever_is_changed_is_found() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, db) = (idp.person().await?, &idp.app.world.db);
    write(&idp, &id_of(&idp, &kari).await?, 12).await?;
    assert_eq!(what_is_wrong(&idp).await, "12 entries, and nothing");
    let run = async |statements: &[&'static str]| -> anyhow::Result<()> {
        for sql in statements {
            sqlx::query(*sql).execute(db.pool()).await.with_context(|| (*sql).to_owned())?;
        }
        Ok(())
    };
    let changed = "entry 5 was changed, or one before it";
    let longer = |column: &str| match column {
        "kind" => (
            "UPDATE event SET kind = kind || 'x' WHERE number = 5",
            "UPDATE event SET kind = SUBSTR(kind, 1, LENGTH(kind) - 1) WHERE number = 5",
        ),
        "subject" => (
            "UPDATE event SET subject = subject || 'x' WHERE number = 5",
            "UPDATE event SET subject = SUBSTR(subject, 1, LENGTH(subject) - 1) WHERE number = 5",
        ),
        "actor" => (
            "UPDATE event SET actor = actor || 'x' WHERE number = 5",
            "UPDATE event SET actor = SUBSTR(actor, 1, LENGTH(actor) - 1) WHERE number = 5",
        ),
        "hash" => (
            "UPDATE event SET hash = hash || 'x' WHERE number = 5",
            "UPDATE event SET hash = SUBSTR(hash, 1, LENGTH(hash) - 1) WHERE number = 5",
        ),
        _ => (
            "UPDATE event SET details = details || 'x' WHERE number = 5",
            "UPDATE event SET details = SUBSTR(details, 1, LENGTH(details) - 1) WHERE number = 5",
        ),
    };
    for (column, words) in [
        ("kind", changed),
        ("subject", changed),
        ("actor", changed),
        ("hash", changed),
        ("details", "the details of entry 5 were changed"),
    ] {
        let (there, back) = longer(column);
        run(&[there]).await?;
        assert_eq!(what_is_wrong(&idp).await, words, "{column}");
        run(&[back]).await?;
        assert_eq!(what_is_wrong(&idp).await, "12 entries, and nothing", "{column}");
    }
    for (what, there, back, words) in [
        (
            "its time",
            &["UPDATE event SET at = at + 1 WHERE number = 5"][..],
            &["UPDATE event SET at = at - 1 WHERE number = 5"][..],
            changed,
        ),
        (
            "one in the middle",
            &["UPDATE event SET number = -5 WHERE number = 5"],
            &["UPDATE event SET number = 5 WHERE number = -5"],
            "entry 5 is missing",
        ),
        (
            "the first",
            &["UPDATE event SET number = -1 WHERE number = 1"],
            &["UPDATE event SET number = 1 WHERE number = -1"],
            "entry 1 is missing",
        ),
        (
            "the last",
            &["UPDATE event SET number = -12 WHERE number = 12"],
            &["UPDATE event SET number = 12 WHERE number = -12"],
            "entries after 11 are missing: there were 12",
        ),
        (
            "two in each other's place",
            &[
                "UPDATE event SET number = -5 WHERE number = 5",
                "UPDATE event SET number = 5 WHERE number = 6",
                "UPDATE event SET number = 6 WHERE number = -5",
            ],
            &[
                "UPDATE event SET number = -5 WHERE number = 5",
                "UPDATE event SET number = 5 WHERE number = 6",
                "UPDATE event SET number = 6 WHERE number = -5",
            ],
            changed,
        ),
        (
            "one that was put in",
            &["INSERT INTO event (number, at, kind, subject, actor, details, digest, hash)
               SELECT 13, at, kind, subject, actor, NULL, digest, hash FROM event WHERE number = 12"],
            &["DELETE FROM event WHERE number = 13"],
            "entry 13 was changed, or one before it",
        ),
        (
            "the head, back where it was",
            &["UPDATE event_head SET number = 11"],
            &["UPDATE event_head SET number = 12"],
            "entry 11 is not the one that was written",
        ),
    ] {
        run(there).await?;
        assert_eq!(what_is_wrong(&idp).await, words, "{what}");
        run(back).await?;
        assert_eq!(what_is_wrong(&idp).await, "12 entries, and nothing", "{what}");
    }
    // All of it at once.
    run(&["DELETE FROM event"]).await?;
    assert_eq!(what_is_wrong(&idp).await, "entries after 0 are missing: there were 12");
    Ok(())
}

#[tokio::test]
async fn what_may_not_be_kept_is_erased_and_the_chain_stays_whole() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let (kari, ola) = (id_of(&idp, &kari).await?, id_of(&idp, &ola).await?);
    write(&idp, &kari, 3).await?;
    idp.advance(Duration::from_hours(24 * 400));
    write(&idp, &kari, 2).await?;
    write(&idp, &ola, 2).await?;
    let world = &idp.app.world;
    let told = async |person: &PersonId| -> anyhow::Result<Vec<bool>> {
        let entries = world.trail.of(world.db.pool(), person, i64::MAX, 10).await?;
        Ok(entries.iter().map(|entry| !entry.details.is_empty()).collect())
    };
    let more = Trail::erase(&world.db, idp.now().minus(Duration::from_hours(24 * 365))).await?;
    assert!(!more);
    assert_eq!(told(&kari).await?, [true, true, false, false, false]);
    assert_eq!(Trail::verify(&world.db).await?, 7);
    let mut tx = world.db.begin().await?;
    Trail::erase_of(&mut tx, &kari).await?;
    tx.commit().await?;
    assert_eq!((told(&kari).await?, told(&ola).await?), (vec![false; 5], vec![true; 2]));
    // It grows on, and what was changed besides is still found.
    write(&idp, &ola, 1).await?;
    assert_eq!(what_is_wrong(&idp).await, "8 entries, and nothing");
    sqlx::query("UPDATE event SET kind = 'login' WHERE number = 2").execute(world.db.pool()).await?;
    assert_eq!(what_is_wrong(&idp).await, "entry 2 was changed, or one before it");
    Ok(())
}
