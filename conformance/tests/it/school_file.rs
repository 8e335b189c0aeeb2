//! A school owner's file that somebody who acts for the owner sends from a page.

use std::time::Duration;

use admin::endpoints::school_file as endpoint;
use admin::school::import;
use admin::school::register;
use admin::school::sign_in::Door;
use anyhow::{bail, ensure};
use authenticators::trail::{Actor, Entry};
use axum::http::StatusCode;
use axum::{Extension, Router};
use conformance::browser::Browser;
use conformance::idp::{TestPerson, unregistered};
use futures_util::future::join_all;

use crate::school::{OWNER, Town, is_asked_to_log_in};
use crate::school_import::{HEAD, OTHER, add_owner, by_a_test, orgno};

const PATH: &str = "/skule/fil/958935420";
const PUPIL: &str = "974589095;Fjorden skole;10A;elev";

/// The owner's desk, at the page.
async fn desk(town: &Town) -> anyhow::Result<Browser> {
    let mut desk = town.staff(&town.owner).await?;
    desk.get(PATH).await?;
    ensure!(desk.page.status == StatusCode::OK, "{}", desk.page.body);
    Ok(desk)
}

/// Chooses a file and looks at what it changes.
async fn look(desk: &mut Browser, file: impl AsRef<[u8]>) -> anyhow::Result<()> {
    desk.get(PATH).await?;
    desk.attach_only(file.as_ref()).await.map(|_| ())
}

/// Takes in what the page shows.
async fn confirm(desk: &mut Browser) -> anyhow::Result<()> {
    desk.answer_as_it_stands(&[("do", "save")]).await.map(|_| ())
}

fn row(place: &str, person: &TestPerson, name: &str) -> String {
    format!("{place};{};{name};Testesen\n", person.fnr)
}

/// What the owner's trail tells of files, the newest first.
async fn files(town: &Town) -> anyhow::Result<Vec<Entry>> {
    let world = &town.idp.app.world;
    let entries = world.trail.of_organisation(world.db.pool(), OWNER, (i64::MAX, 1000)).await?;
    Ok(entries.into_iter().filter(|entry| entry.kind == "school-imported").collect())
}

#[tokio::test]
async fn a_file_is_looked_at_and_taken_in() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut desk = desk(&town).await?;
    for words in ["Fjordvik kommune", "orgno;skole;klasse;rolle;fnr;fornavn;etternavn", "Fra den som drifter Porten"] {
        assert!(desk.shows(words), "{words}: {}", desk.page.body);
    }
    for from in ["/skule", "/skule/rapport"] {
        desk.get(from).await?;
        assert!(desk.page.body.contains(&format!("href=\"{PATH}\"")), "no way from {from}");
    }
    let (new, also) = (unregistered()?, unregistered()?);
    let gone = row(PUPIL, &town.own.pupils[2], "Due");
    let mut file = town.file().replace(&gone, "").replace("Lerke;", "Lerke Lise;");
    file += &row(PUPIL, &new, "Ørn");
    file += &row(PUPIL, &also, "<b>Ugle</b> & =1+1");
    file += "974589095;Fjorden skole;10A;elev;;Ny;Testesen\n";
    look(&mut desk, &file).await?;
    assert_eq!(desk.page.status, StatusCode::OK, "{}", desk.page.body);
    for words in [
        "Ingenting er endret ennå",
        "Ørn Testesen",
        "<b>Ugle</b> & =1+1 Testesen",
        "Elev, 10A, Fjorden skole, rad 16",
        "Due Testesen",
        "er utelatt: rad 18.",
        "Kontaktlærer, 10A, Fjorden skole, før Lerke Testesen, rad 6",
    ] {
        assert!(desk.shows(words), "{words}: {}", desk.page.body);
    }
    assert!(!desk.page.body.contains("<b>"), "what a file says is no HTML: {}", desk.page.body);
    assert!(!desk.shows(&new.fnr) && !desk.shows("Mye av det") && !desk.shows("Du står ikke selv"));
    assert_eq!(files(&town).await?.len(), 1, "nothing is taken in yet");
    // What is kept meanwhile nobody reads who reads the page.
    assert!(!desk.page.body.contains("fornavn"), "{}", desk.page.body);

    confirm(&mut desk).await?;
    assert!(desk.at.starts_with(PATH), "{}", desk.at);
    for words in ["Filen er tatt inn.", "Sendt inn herfra av skoleeier", "Borte", "Elever i klasser"] {
        assert!(desk.shows(words), "{words}: {}", desk.page.body);
    }
    assert!(desk.page.body.contains("data-label=\"Nye\">2</td>"), "{}", desk.page.body);
    let told = files(&town).await?.remove(0);
    let owner = town.idp.row_of(&town.owner).await?.id;
    assert_eq!((&told.actor, &told.details["role"]), (&Actor::Person(owner), &"owner".into()));
    assert_eq!(told.details["pupils"], "2 added, 0 changed, 1 removed");
    let added = town.idp.trail_of(&new).await?.remove(0);
    assert_eq!((added.kind.as_str(), &added.details["role"]), ("school-pupil-added", &"owner".into()));
    // The same again is nothing to take in.
    look(&mut desk, &file).await?;
    assert!(desk.shows("Det er ingenting å ta inn") && !desk.page.body.contains("name=\"key\""), "{}", desk.page.body);
    // Nor does a page that is read again say that something was just done.
    desk.get(PATH).await?;
    assert!(!desk.shows("Filen er tatt inn.") && desk.shows("Sendt inn herfra av skoleeier"));
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_wrong_is_told_in_words_and_changes_nothing() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut desk = desk(&town).await?;
    let (file, new) = (town.file(), unregistered()?);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(file.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let with = |row: String| format!("{file}{row}").into_bytes();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "Filen er tom."),
        (b"PK\x03\x04 \xff\x00 no table".to_vec(), "ikke som Excel-fil"),
        (utf16, "ikke som Excel-fil"),
        (format!("{HEAD}\n").into_bytes(), "Ingen står i filen."),
        (with(row("974589095;Fjorden skole;10A;vaktmester", &new, "Ørn")), "«rolle» er ikke en vi kjenner."),
        (with(format!("{PUPIL};12345;Ørn;Testesen\n")), "«fnr» må ha elleve siffer."),
        (with(row("974589117;Ny skole;1A;elev", &new, "Ørn")), "Skolen er ikke registrert hos dere."),
        (with(row(PUPIL, &town.own.pupils[0], "Alke")), "Den samme eleven står i den samme klassen i rad 7."),
    ];
    for (content, words) in cases {
        look(&mut desk, content).await?;
        assert_eq!(desk.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}");
        assert!(desk.shows(words) && desk.shows("ingenting er endret"), "{words}: {}", desk.page.body);
        assert!(!desk.shows(&new.fnr) && !desk.page.body.contains("<span lang"), "{words}: {}", desk.page.body);
    }
    assert!(desk.shows("Rad 17:"), "{}", desk.page.body);
    desk.get(PATH).await?;
    desk.answer(&[("do", "look")]).await?;
    assert_eq!(desk.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(desk.shows("Velg en fil først."), "{}", desk.page.body);
    // Of many wrong rows the first are told.
    look(&mut desk, format!("{HEAD}\n{}", "x;x;x;x;x;x;x\n".repeat(150))).await?;
    assert!(desk.shows("Rad 101:") && desk.shows("Og 50 til."), "{}", desk.page.body);

    // Another owner's school: it is written down who has sent that.
    add_owner(&town.idp, OTHER).await?;
    let (theirs, number) = (orgno(OTHER)?, orgno("974589117")?);
    import::add_school(&town.idp.app.world, &theirs, (&number, "Ny skole"), by_a_test(), town.idp.now()).await?;
    look(&mut desk, with(row("974589117;Ny skole;1A;elev", &new, "Ørn"))).await?;
    assert!(desk.shows("Skolen hører til en annen skoleeier."), "{}", desk.page.body);
    let world = &town.idp.app.world;
    let told = world.trail.of_organisation(world.db.pool(), OWNER, (i64::MAX, 1000)).await?.remove(0);
    let owner = town.idp.row_of(&town.owner).await?.id;
    assert_eq!((told.kind.as_str(), &told.actor), ("school-denied", &Actor::Person(owner)));
    assert_eq!((&told.details["reason"], &told.details["role"]), (&"foreign-school".into(), &"owner".into()));
    assert_eq!(files(&town).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn who_ends_much_and_themselves_has_seen_it() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut desk = desk(&town).await?;
    let file = format!("{HEAD}\n{}", town.own.rows());
    look(&mut desk, &file).await?;
    for words in ["Mye av det som er registrert", "Du står ikke selv i filen", "Ta inn filen likevel", "Åsen skole"] {
        assert!(desk.shows(words), "{words}: {}", desk.page.body);
    }
    confirm(&mut desk).await?;
    assert!(desk.at.starts_with("/skule?"), "{}", desk.at);
    assert!(desk.shows("Du står ikke lenger som skoleeier."), "{}", desk.page.body);
    assert!(!desk.page.body.contains(PATH));
    let accepted = files(&town).await?.remove(0).details["accept_removals"].as_str().map(str::to_owned);
    assert!(accepted.is_some_and(|mark| mark.contains('-')), "the trail tells what they let go");
    desk.get(PATH).await?;
    assert_eq!(desk.page.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn of_much_that_changes_the_first_is_shown_and_places_before_people() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut desk = desk(&town).await?;
    let mut file = format!("{HEAD}\n{}{}", row(";;;skoleeier", &town.owner, "Elg"), town.other.rows());
    for _ in 0..500 {
        file += &row("974589109;Åsen skole;10A;elev", &unregistered()?, "Ørn");
    }
    look(&mut desk, &file).await?;
    // A school, its class, four roles and three pupils are gone.
    assert!(desk.shows("Og 9 til.") && desk.page.body.contains("id=\"changes\">"), "{}", desk.page.body);
    assert_eq!(desk.page.body.matches("<li><p class=\"what\">").count(), 500);
    let first = desk.between("<li><p class=\"what\">", "</p>")?;
    assert!(first.starts_with("10A ") && first.contains("Klasse, Fjorden skole"), "{first}");
    Ok(())
}

#[tokio::test]
async fn what_has_changed_meanwhile_is_looked_at_again() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut desk = desk(&town).await?;
    let [one, other] = [unregistered()?, unregistered()?];
    let file = town.file() + &row(PUPIL, &one, "Ørn");
    look(&mut desk, &file).await?;
    assert!(!desk.shows("Spurv"));
    // Somebody else's file brings somebody who would be gone by this one.
    town.take_in(&(town.file() + &row(PUPIL, &other, "Spurv"))).await?;
    confirm(&mut desk).await?;
    assert_eq!(desk.page.status, StatusCode::CONFLICT);
    assert!(desk.shows("Filen er ikke tatt inn.") && desk.shows("Spurv Testesen"), "{}", desk.page.body);
    assert!(town.idp.row_of(&one).await.is_err(), "nobody is registered by what was not taken in");
    assert_eq!(files(&town).await?.len(), 2);
    confirm(&mut desk).await?;
    assert!(desk.shows("Filen er tatt inn."), "{}", desk.page.body);
    assert_eq!(files(&town).await?[0].details["pupils"], "1 added, 0 changed, 1 removed");
    Ok(())
}

#[tokio::test]
async fn of_many_presses_at_once_one_takes_it_in() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut desk = desk(&town).await?;
    look(&mut desk, town.file() + &row(PUPIL, &unregistered()?, "Ørn")).await?;
    let at_once = (0..200).map(|_| {
        let mut desk = desk.clone();
        async move {
            confirm(&mut desk).await?;
            anyhow::Ok(desk)
        }
    });
    for pressed in join_all(at_once).await {
        let pressed = pressed?;
        assert!(pressed.shows("Filen er tatt inn."), "{}", pressed.page.body);
    }
    assert_eq!(files(&town).await?.len(), 2);
    // Nor does one who comes back to the page later.
    confirm(&mut desk).await?;
    assert!(desk.shows("Filen er tatt inn."), "{}", desk.page.body);
    assert_eq!(files(&town).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_was_looked_at_is_kept_for_a_while_for_one_person_and_one_owner() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let colleague = unregistered()?;
    town.take_in(&(town.file() + &row(";;;skoleeier", &colleague, "Gås"))).await?;
    let file = town.file() + &row(";;;skoleeier", &colleague, "Gås") + &row(PUPIL, &unregistered()?, "Ørn");
    let mut first = desk(&town).await?;
    look(&mut first, &file).await?;
    // A colleague who acts for the same owner has the key, and none of what it opens.
    let mut theirs = town.staff(&colleague).await?;
    theirs.get(PATH).await?;
    let key = first.between("name=\"key\" value=\"", "\"")?;
    theirs.answer(&[("key", &key)]).await?;
    assert!(theirs.page.status == StatusCode::CONFLICT && theirs.shows("Velg filen på nytt."), "{}", theirs.page.body);
    // Of two that were looked at the last one counts.
    let mut second = first.clone();
    look(&mut second, file.clone() + &row(PUPIL, &unregistered()?, "Ugle")).await?;
    confirm(&mut first).await?;
    assert!(first.page.status == StatusCode::CONFLICT && first.shows("i 30 minutter"), "{}", first.page.body);
    assert_eq!(files(&town).await?.len(), 2);
    // And for half an hour.
    for minutes in [16, 15] {
        town.idp.advance(Duration::from_mins(minutes));
        first.get("/skule").await?;
    }
    let late = second.clone();
    confirm(&mut second).await?;
    assert!(second.page.status == StatusCode::CONFLICT && second.shows("i 30 minutter"), "{}", second.page.body);
    assert!(!late.shows("Filen er tatt inn.") && files(&town).await?.len() == 2);
    // Another owner is nobody of theirs.
    add_owner(&town.idp, OTHER).await?;
    first.get(&format!("/skule/fil/{OTHER}")).await?;
    assert_eq!(first.page.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_too_large_is_told_so() -> anyhow::Result<()> {
    const MIB: usize = 1024 * 1024;
    let mut town = Town::open().await?;
    let mut desk = desk(&town).await?;
    for size in [8 * MIB + 1, 65 * MIB] {
        look(&mut desk, vec![b'x'; size]).await?;
        assert_eq!(desk.page.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(desk.shows("Filen er for stor") && desk.shows("høyst 8 MB"), "{}", desk.page.body);
    }
    // As much as is taken is read.
    look(&mut desk, vec![b'x'; 8 * MIB]).await?;
    assert_eq!(desk.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    // No form beside a file is that large.
    desk.get(PATH).await?;
    desk.answer(&[("key", &"x".repeat(MIB))]).await?;
    assert_eq!(desk.page.status, StatusCode::PAYLOAD_TOO_LARGE);
    town.idp.takes_rows(15).await?;
    desk.goes_to(town.idp.router());
    look(&mut desk, town.file()).await?;
    assert!(desk.shows("Det er ingenting å ta inn"), "{}", desk.page.body);
    look(&mut desk, town.file() + &row(PUPIL, &unregistered()?, "Ørn")).await?;
    assert!(desk.shows("Filen har for mange rader. Her kan den ha høyst 15."), "{}", desk.page.body);
    Ok(())
}

#[tokio::test]
async fn a_file_without_the_mark_of_its_page_is_not_read() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut desk = desk(&town).await?;
    let csrf = desk.csrf()?;
    let file = town.file().into_bytes();
    for wrong in ["", "x"] {
        desk.attach_to(PATH, wrong, &file).await?;
        assert_eq!(desk.page.status, StatusCode::FORBIDDEN);
    }
    // Nor one that another site has sent.
    let mut elsewhere = desk.clone();
    elsewhere.headers.push(("sec-fetch-site", "cross-site".to_owned()));
    elsewhere.attach_to(PATH, &csrf, &file).await?;
    assert_eq!(elsewhere.page.status, StatusCode::FORBIDDEN);
    // A form that is not one.
    desk.attach_to(PATH, &csrf, &file).await?;
    assert_eq!(desk.page.status, StatusCode::OK);
    // Whose session is over logs in, and is told that nothing was done.
    desk.cookies.retain(|name, _| !name.contains("session") && !name.contains("known"));
    desk.attach_to(PATH, &csrf, &vec![b'x'; 3 * 1024 * 1024]).await?;
    desk.follow().await?;
    assert!(is_asked_to_log_in(&desk), "{}", desk.at);
    let mut again = town.staff(&town.owner).await?;
    again.get(&format!("{PATH}?sagt=ikke-lagret")).await?;
    assert!(again.shows("Innloggingen var gått ut"), "{}", again.page.body);
    assert_eq!(files(&town).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_takes_its_time_goes_on_and_is_told_on_the_page() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut desk = desk(&town).await?;
    let route = Router::new().route("/skule/fil/{owner}", endpoint::route(Duration::ZERO));
    let hasty = idp::router(&town.idp.app, route.layer(Extension(Door::of(&town.idp.app))));
    desk.goes_to(hasty);
    look(&mut desk, town.file() + &row(PUPIL, &unregistered()?, "Ørn")).await?;
    // Somebody else is changing what is registered. On SQLite whoever reads would wait for them as well.
    let (world, owner) = (&town.idp.app.world, orgno(OWNER)?);
    let mut other = None;
    if town.idp.is_on_postgres() {
        let mut tx = world.db.begin().await?;
        register::change(&mut tx, &owner).await?;
        other = Some(tx);
    }
    let key = desk.between("name=\"key\" value=\"", "\"")?;
    desk.answer_only(&[("key", &key)]).await?;
    assert_eq!((desk.page.status, desk.page.header("location")), (StatusCode::SEE_OTHER, Some(PATH)));
    if let Some(other) = other {
        desk.follow().await?;
        assert!(desk.shows("Filen blir tatt inn nå."), "{}", desk.page.body);
        other.rollback().await?;
    }
    for _ in 0..500 {
        desk.get(PATH).await?;
        if desk.shows("Sendt inn herfra av skoleeier") && !desk.shows("Filen blir tatt inn nå.") {
            assert_eq!(files(&town).await?.len(), 2);
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("it is not taken in: {}", desk.page.body)
}
