//! Digital postboxes: suppliers tell the register of their own, the last choice counts, and its owner sees it.

use std::time::Duration;

use anyhow::{Context, ensure};
use authenticators::account;
use authenticators::contact::{self, Contact};
use authenticators::person::{DEATH, WISH};
use authenticators::trail::{Actor, Event};
use axum::http::StatusCode;
use conformance::client_key::ClientKey;
use conformance::idp::{Answer, TestClient, TestIdp, TestPerson, unregistered};
use futures_util::future::join_all;
use idp::notify;
use serde_json::{Value, json};

use crate::profile;
use crate::register::{changes, citizen_token, look_up, machine, machine_token, post};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "krr:global/postkasse.write";
const READ: &str = "krr:global/digitalpost.read";
const CHANGES: &str = "krr:global/hentendring.read";
const REGISTER: &str = "/rest/v2/postkasser";
const REMOVE: &str = "/rest/v2/postkasser/slett";
const DIGIPOST: &str = "984661185";
const E_BOKS: &str = "922020175";
const CONTACT: &str = "/profil/kontakt";
const EVENTS: &str = "/profil/hendelser";

/// The machine of an organisation.
async fn of_organisation(idp: &TestIdp, number: &str) -> anyhow::Result<TestClient> {
    idp.keyed_client(json!({
        "integration_type": "maskinporten", "grant_types": [GRANT], "redirect_uris": [],
        "post_logout_redirect_uris": [], "client_orgno": number, "scopes": [SCOPE, READ],
    }))
    .await
}

/// A supplier's token.
async fn supplier(idp: &TestIdp, number: &str) -> anyhow::Result<String> {
    machine_token(idp, &of_organisation(idp, number).await?, SCOPE, json!({})).await
}

fn said(person: &TestPerson, address: &str) -> Value {
    json!({ "personidentifikator": person.fnr, "postkasseadresse": address })
}

/// The answers to what a supplier tells, each by itself.
async fn statuses(idp: &TestIdp, (path, token): (&str, &str), body: &Value) -> anyhow::Result<Vec<String>> {
    let answer = post(idp, path, token, body).await?;
    ensure!(answer.status == StatusCode::OK, "{} {}", answer.status, answer.body);
    let answer = answer.json()?;
    let all = answer["postkasser"].as_array().context("a list")?;
    Ok(all.iter().map(|one| one["status"].as_str().unwrap_or_default().to_owned()).collect())
}

async fn registers(idp: &TestIdp, token: &str, person: &TestPerson, address: &str) -> anyhow::Result<()> {
    let told = statuses(idp, (REGISTER, token), &json!({ "postkasser": [said(person, address)] })).await?;
    ensure!(told == ["REGISTRERT"], "{told:?}");
    Ok(())
}

async fn removes(idp: &TestIdp, token: &str, fnr: &str) -> anyhow::Result<()> {
    let told = statuses(idp, (REMOVE, token), &json!({ "personidentifikatorer": [fnr] })).await?;
    ensure!(told == ["SLETTET"], "{told:?}");
    Ok(())
}

/// What has happened to a person's postbox, the oldest first: what, and at which supplier.
async fn history(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Vec<(String, String)>> {
    let entries = idp.trail_of(person).await?.into_iter().rev();
    let of_postboxes = entries.filter(|entry| entry.kind.starts_with("postbox-"));
    Ok(of_postboxes
        .map(|entry| (entry.kind, entry.details["provider"].as_str().unwrap_or_default().to_owned()))
        .collect())
}

async fn known(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Contact> {
    profile::contact(idp, person).await
}

/// The place of the newest change in the feed.
async fn newest(idp: &TestIdp, reader: &TestClient) -> anyhow::Result<i64> {
    let feed = changes(idp, reader, CHANGES, i64::MAX).await?;
    feed["sisteEndringsId"].as_i64().context("a number")
}

#[tokio::test]
async fn a_postbox_comes_and_moves_and_goes() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, reader) = (idp.client().await?, idp.person().await?, machine(&idp).await?);
    let (digipost, e_boks) = (supplier(&idp, DIGIPOST).await?, supplier(&idp, E_BOKS).await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(CONTACT).await?;
    assert!(browser.shows("Digital postkasse") && browser.shows("Velg digital postkasse"), "{}", browser.page.body);

    let before = newest(&idp, &reader).await?;
    registers(&idp, &digipost, &kari, "kari.nordmann#9YDT").await?;
    let told = look_up(&idp, &reader, READ, &[&kari.fnr]).await?;
    let expected = json!({ "postkasseadresse": "kari.nordmann#9YDT", "postkasseleverandoeradresse": DIGIPOST });
    assert_eq!(told["personer"][0]["digital_post"], expected);
    let feed = changes(&idp, &reader, &format!("{CHANGES} {READ}"), before).await?;
    assert_eq!(feed["list"][0]["digital_post"], expected, "whoever keeps a copy hears of it");
    // Post from the public sector goes there from now on: that does not pass unseen either.
    notify::deliver_due(&idp.app).await?;
    for to in [&kari.phone, &kari.email] {
        let told = idp.arrives(to, "Du har fått en digital postkasse").await?;
        assert!(told.text.contains("Var det ikke deg? Ring 800") && !told.text.contains("http"), "{told:?}");
    }
    browser.get(CONTACT).await?;
    assert!(browser.shows("Digipost") && browser.shows("kari.nordmann#9YDT"), "{}", browser.page.body);
    assert!(!browser.shows("Velg digital postkasse"), "{}", browser.page.body);

    // Told twice, it is done once.
    let (place, length) = (newest(&idp, &reader).await?, idp.trail_of(&kari).await?.len());
    registers(&idp, &digipost, &kari, "kari.nordmann#9YDT").await?;
    assert_eq!((newest(&idp, &reader).await?, idp.trail_of(&kari).await?.len()), (place, length));
    registers(&idp, &digipost, &kari, "kari.nordmann#7ABC").await?;
    assert_eq!(known(&idp, &kari).await?.postbox.as_deref(), Some("kari.nordmann#7ABC"));
    notify::deliver_due(&idp.app).await?;
    let told = idp.messages_to(&kari.phone).into_iter().filter(|message| message.text.contains("postkasse")).count();
    assert_eq!(told, 1, "that was their own supplier");

    // Another supplier: the last choice counts, and it does not pass unseen.
    registers(&idp, &e_boks, &kari, "12345678901").await?;
    notify::deliver_due(&idp.app).await?;
    for to in [&kari.phone, &kari.email] {
        let told = idp.arrives(to, "Den digitale postkassen din er flyttet").await?;
        assert!(told.text.contains("Var det ikke deg? Ring 800") && !told.text.contains("http"), "{told:?}");
    }
    let told = look_up(&idp, &reader, READ, &[&kari.fnr]).await?;
    let expected = json!({ "postkasseadresse": "12345678901", "postkasseleverandoeradresse": E_BOKS });
    assert_eq!(told["personer"][0]["digital_post"], expected);
    // Attack: the old one, or its slow queue, takes the new one away.
    removes(&idp, &digipost, &kari.fnr).await?;
    assert_eq!(known(&idp, &kari).await?.postbox_provider.as_deref(), Some(E_BOKS));
    removes(&idp, &e_boks, &kari.fnr).await?;
    removes(&idp, &e_boks, &kari.fnr).await?;
    let now = known(&idp, &kari).await?;
    assert_eq!((now.postbox, now.postbox_provider, now.postbox_certificate), (None, None, None));
    assert_eq!(now.postbox_changed_at, Some(idp.now()));
    let expected = [
        ("postbox-registered", DIGIPOST),
        ("postbox-changed", DIGIPOST),
        ("postbox-moved", E_BOKS),
        ("postbox-removed", E_BOKS),
    ];
    assert_eq!(history(&idp, &kari).await?, expected.map(|(kind, who)| (kind.to_owned(), who.to_owned())));
    let entry =
        idp.trail_of(&kari).await?.into_iter().find(|entry| entry.kind == "postbox-moved").context("an entry")?;
    assert_eq!((entry.actor, &entry.details["before"]), (Actor::Organisation(E_BOKS.to_owned()), &json!(DIGIPOST)));
    browser.get(EVENTS).await?;
    for words in [
        "Du har fått digital postkasse hos Digipost",
        "Adressen til den digitale postkassen hos Digipost er endret",
        "Den digitale postkassen er flyttet til e-Boks",
        "Den digitale postkassen hos e-Boks er slettet",
        "Gjort av Digipost",
        "Gjort av e-Boks",
    ] {
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }
    let file = browser.get("/profil/data").await?.page.json()?;
    assert!(file["events"].as_array().context("events")?.iter().any(|event| event["by"] == "organisation"), "{file}");
    Ok(())
}

#[tokio::test]
async fn whoever_is_unknown_is_told_so_and_nothing_else() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, ola, per) = (idp.person().await?, idp.person().await?, idp.person().await?);
    let (stranger, world) = (unregistered()?, &idp.app.world);
    for (person, code) in [(&ola, DEATH), (&per, WISH)] {
        let row = idp.row_of(person).await?;
        account::close(world, &row.id, code, &Event::by("closed", &row.id, Actor::System), idp.now()).await?;
    }
    let token = supplier(&idp, DIGIPOST).await?;
    let odd = json!({ "personidentifikator": "kari\u{1f}\"", "postkasseadresse": "x#1" });
    let all = [said(&ola, "ola#1"), odd, said(&stranger, "x#2"), said(&kari, "kari#1"), said(&per, "per#1")];
    let answer = post(&idp, REGISTER, &token, &json!({ "postkasser": all })).await?;
    let expected = json!({ "postkasser": [
        { "personidentifikator": ola.fnr, "status": "IKKE_REGISTRERT" },
        { "personidentifikator": "kari\u{1f}\"", "status": "IKKE_REGISTRERT" },
        { "personidentifikator": stranger.fnr, "status": "IKKE_REGISTRERT" },
        { "personidentifikator": kari.fnr, "status": "REGISTRERT" },
        { "personidentifikator": per.fnr, "status": "REGISTRERT" },
    ] });
    assert_eq!(answer.json()?, expected, "the dead are as unknown as strangers");
    assert_eq!(known(&idp, &ola).await?.postbox, None);
    assert!(idp.row_of(&stranger).await.is_err(), "nobody becomes known by it");
    // Who has closed MinID has other eIDs, and is back in the register with what is registered anew.
    let told = look_up(&idp, &machine(&idp).await?, READ, &[&per.fnr]).await?;
    assert_eq!((&told["personer"][0]["status"], known(&idp, &per).await?.deleted_at), (&json!("AKTIV"), None));
    // Whoever goes is gone, whoever they were.
    let fnrs = [&ola.fnr, &stranger.fnr, &kari.fnr, &per.fnr, "x", ""].map(str::to_owned);
    let e_boks = supplier(&idp, E_BOKS).await?;
    for (token, left) in [(&e_boks, Some("kari#1")), (&token, None)] {
        let told = statuses(&idp, (REMOVE, token), &json!({ "personidentifikatorer": fnrs })).await?;
        assert_eq!(told, ["SLETTET"; 6]);
        assert_eq!(known(&idp, &kari).await?.postbox.as_deref(), left);
    }
    Ok(())
}

// Attack: others' tokens, other scopes, other organisations.
#[tokio::test]
async fn nobody_writes_but_a_supplier_of_its_own() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let kari = idp.person().await?;
    let reader = machine_token(&idp, &of_organisation(&idp, DIGIPOST).await?, READ, json!({})).await?;
    let (_, citizens) = citizen_token(&idp, &kari, &format!("openid {SCOPE}")).await?;
    let municipality = supplier(&idp, "999999999").await?;
    let before_its_new_number = supplier(&idp, "996460320").await?;
    let body = json!({ "postkasser": [said(&kari, "kari#1")] });
    let gone = json!({ "personidentifikatorer": [kari.fnr] });
    let check = |answer: &Answer, status: StatusCode, error: &str| -> anyhow::Result<()> {
        assert_eq!((answer.status, answer.error()?.as_str()), (status, error), "{}", answer.body);
        assert!(!answer.body.contains(&kari.fnr) && !answer.body.contains(&kari.phone));
        Ok(())
    };
    for (path, body) in [(REGISTER, &body), (REMOVE, &gone)] {
        for token in [&reader, &citizens] {
            let answer = post(&idp, path, token, body).await?;
            check(&answer, StatusCode::FORBIDDEN, "insufficient_scope")?;
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{SCOPE}\"");
            assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
        }
        for token in [&municipality, &before_its_new_number] {
            check(&post(&idp, path, token, body).await?, StatusCode::FORBIDDEN, "access_denied")?;
        }
        check(&post(&idp, path, "nonsense", body).await?, StatusCode::UNAUTHORIZED, "invalid_token")?;
    }
    // Nor in the name of another.
    let digipost = supplier(&idp, DIGIPOST).await?;
    let mut others = said(&kari, "kari#1");
    others["postkasseleverandoeradresse"] = json!(E_BOKS);
    let answer = post(&idp, REGISTER, &digipost, &json!({ "postkasser": [others] })).await?;
    check(&answer, StatusCode::BAD_REQUEST, "invalid_request")?;
    assert_eq!((known(&idp, &kari).await?.postbox, history(&idp, &kari).await?.len()), (None, 0));
    Ok(())
}

#[tokio::test]
async fn all_of_what_is_told_is_right_or_nothing_is_written() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, digipost) = (idp.person().await?, supplier(&idp, DIGIPOST).await?);
    let good = said(&kari, "kari#1");
    let with = |name: &str, value: Value| {
        let mut bad = good.clone();
        bad[name] = value;
        json!({ "postkasser": [good, bad] })
    };
    for wrong in [
        with("postkasseadresse", json!("")),
        with("postkasseadresse", json!("kari nordmann#1")),
        with("postkasseadresse", json!("<script>")),
        with("postkasseadresse", json!("x".repeat(101))),
        with("postkasseadresse", json!(null)),
        with("sertifikat", json!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")),
        with("sertifikat", json!(ClientKey::fresh()?.jwks())),
        with("personidentifikator", json!(1)),
        with("navn", json!("Kari")),
        json!({ "postkasser": [] }),
        json!({ "postkasser": vec![good.clone(); 1001] }),
        json!({ "postkasser": good }),
        json!({}),
        json!([]),
    ] {
        let answer = post(&idp, REGISTER, &digipost, &wrong).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{wrong}");
        assert!(!answer.body.contains(&kari.fnr) && !answer.body.contains("<script"), "{}", answer.body);
    }
    for wrong in
        [json!({ "personidentifikatorer": [] }), json!({ "personidentifikatorer": vec!["1"; 1001] }), json!({})]
    {
        let answer = post(&idp, REMOVE, &digipost, &wrong).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
    }
    assert_eq!(known(&idp, &kari).await?.postbox, None);
    Ok(())
}

#[tokio::test]
async fn a_thousand_at_once_each_with_a_certificate() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let digipost = supplier(&idp, DIGIPOST).await?;
    let certificate = rcgen::generate_simple_self_signed(["kari".to_owned()])?.cert.pem();
    let mut people = Vec::new();
    for _ in 0..40 {
        people.push(idp.person().await?);
    }
    let stranger = unregistered()?;
    let all: Vec<Value> = (0..1000)
        .map(|number| {
            let person = if number % 25 == 0 { &people[number / 25] } else { &stranger };
            let mut said = said(person, &format!("person{number}#1"));
            said["sertifikat"] = json!(certificate);
            said
        })
        .collect();
    let told = statuses(&idp, (REGISTER, &digipost), &json!({ "postkasser": all })).await?;
    for (number, status) in told.iter().enumerate() {
        assert_eq!(status, if number % 25 == 0 { "REGISTRERT" } else { "IKKE_REGISTRERT" });
    }
    let told = look_up(&idp, &machine(&idp).await?, READ, &[&people[7].fnr]).await?;
    assert_eq!(told["personer"][0]["sertifikat"], json!(certificate));
    assert_eq!(told["personer"][0]["digital_post"]["postkasseadresse"], "person175#1");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_suppliers_at_the_same_instant_each_knows_whom_it_follows() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let kari = idp.person().await?;
    let tokens = [supplier(&idp, DIGIPOST).await?, supplier(&idp, E_BOKS).await?];
    let bodies = ["a#1", "b#1"].map(|address| json!({ "postkasser": [said(&kari, address)] }));
    let gone = json!({ "personidentifikatorer": [kari.fnr] });
    let asks = (0..40).map(|number| {
        let side = number % 2;
        let (path, body) = if number % 8 < 6 { (REGISTER, &bodies[side]) } else { (REMOVE, &gone) };
        post(&idp, path, &tokens[side], body)
    });
    for answer in join_all(asks).await {
        assert_eq!(answer?.status, StatusCode::OK);
    }
    // Whatever the order was, the trail tells one that is possible, and the register is where it ends.
    let mut at: Option<String> = None;
    for (kind, who) in history(&idp, &kari).await? {
        let fits = match kind.as_str() {
            "postbox-registered" => at.is_none(),
            "postbox-moved" => at.as_ref().is_some_and(|before| *before != who),
            "postbox-removed" => at.as_ref() == Some(&who),
            _ => false,
        };
        assert!(fits, "{kind} {who} after {at:?}");
        at = (kind != "postbox-removed").then_some(who);
    }
    let now = known(&idp, &kari).await?;
    assert_eq!(now.postbox_provider, at);
    assert_eq!(now.postbox.is_some(), at.is_some());
    Ok(())
}

#[tokio::test]
async fn a_postbox_is_offered_to_those_who_can_use_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    browser.get(CONTACT).await?;
    for words in ["Velg digital postkasse", "https://www.digipost.no/", "e-Boks"] {
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }
    let row = idp.row_of(&kari).await?;
    for what in ["reserved", "no e-mail"] {
        let mut tx = idp.app.world.db.begin().await?;
        let reserved_at = (what == "reserved").then(|| idp.now());
        contact::reserve(&mut tx, &row.id, reserved_at, idp.now()).await?;
        if what == "no e-mail" {
            contact::remove_email(&mut tx, &row.id, idp.now()).await?;
        }
        tx.commit().await?;
        browser.get(CONTACT).await?;
        let is_offered = browser.shows("Velg digital postkasse");
        assert!(browser.shows("Digital postkasse") && !is_offered, "{what}: {}", browser.page.body);
    }
    // A postbox is theirs nevertheless, if that is what they have chosen.
    idp.advance(Duration::from_mins(1));
    registers(&idp, &supplier(&idp, E_BOKS).await?, &kari, "1").await?;
    assert!(browser.get(CONTACT).await?.shows("e-Boks"), "{}", browser.page.body);
    Ok(())
}
