//! The life of a school's code, as the teacher's pages tell it: typed, used, over, or ended by another.

use std::time::Duration;

use anyhow::Context;
use authenticators::population::Population;
use authenticators::totp::{self, NewTotp};
use authenticators::trail::Actor;
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::TestIdp;
use idp::text;
use serde_json::{Value, json};

use crate::forgotten::kinds_of_events;
use crate::letter_order::{letter_to, order, resident};
use crate::lost::print;
use crate::school::{Place, Town, choose_password, press_start, to_the_password};

/// Where the page asks whether something has become another.
fn asks_at(screen: &Browser) -> anyhow::Result<String> {
    screen.between("data-wait=\"", "\"")
}

/// Whether the page still waits: its question is not answered at once.
async fn still_waits(screen: &Browser, at: &str) -> bool {
    tokio::time::timeout(Duration::from_secs(1), screen.clone().get(at)).await.is_err()
}

#[tokio::test]
async fn who_types_a_code_at_the_last_minute_is_waited_for() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let path = town.pupil_path(place, pupil).await?;
    let mut projector = town.staff(&place.teacher).await?;
    let code = town.start(&mut projector, pupil).await?;
    let of_the_code = asks_at(&projector)?;
    let mut screen = projector.clone();
    screen.get(&path).await?;
    let of_the_pupil = asks_at(&screen)?;
    assert!(screen.shows("Koden gjelder til kl.") && !screen.shows("registrerer seg nå"), "{}", screen.page.body);

    town.idp.advance(Duration::from_secs(14 * 60 + 50));
    let mut phone = to_the_password(&town, pupil, code.as_str()).await?;
    screen.get(&of_the_pupil).await?;
    assert_eq!(screen.page.json()?, json!({ "state": "over" }), "the page has more to say");
    // Its own time is over, and the pupil's is not.
    town.idp.advance(Duration::from_secs(20));
    screen.get(&path).await?;
    let told = ["Kode utstedt", "Eleven registrerer seg nå", "Eleven kan fullføre til kl.", "Vent heller til eleven"];
    for words in told {
        assert!(screen.shows(words), "{words}: {}", screen.page.body);
    }
    assert!(!screen.shows("Koden gjelder til") && screen.shows("Start utstedelsen på nytt"), "{}", screen.page.body);
    let of_the_pupil = asks_at(&screen)?;
    assert!(still_waits(&projector, &of_the_code).await && still_waits(&screen, &of_the_pupil).await);

    choose_password(&mut phone).await?;
    assert!(phone.shows("MinID er klar til bruk"), "{}", phone.page.body);
    for (browser, at) in [(&mut projector, of_the_code), (&mut screen, of_the_pupil)] {
        browser.get(&at).await?;
        assert_eq!(browser.page.json()?, json!({ "state": "approved" }));
    }
    screen.get(&path).await?;
    assert!(screen.shows("Registrert"), "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn who_types_a_code_and_goes_is_not_waited_for_for_ever() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    let code = town.start(&mut screen, pupil).await?;
    let of_the_code = asks_at(&screen)?;
    town.idp.advance(Duration::from_mins(10));
    to_the_password(&town, pupil, code.as_str()).await?;
    town.idp.advance(Duration::from_mins(15));
    screen.get(&of_the_code).await?;
    assert_eq!(screen.page.json()?, json!({ "state": "over" }));
    screen.get(&town.pupil_path(place, pupil).await?).await?;
    assert!(screen.shows("Ikke startet") && !screen.shows("registrerer seg nå"), "{}", screen.page.body);
    press_start(&mut screen).await?;
    assert!(screen.shows("Navnet er feil"), "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn the_page_after_the_projector_says_what_became_of_the_code() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, [first, second]) = (&town.own, [&town.own.pupils[0], &town.own.pupils[1]]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    town.start(&mut screen, first).await?;
    let til = screen.between("name=\"til\" value=\"", "\"")?;
    // Another window makes a newer one, and then its time is over.
    town.idp.advance(Duration::from_mins(1));
    town.start(&mut screen.clone(), first).await?;
    let mut early = screen.clone();
    early.answer(&[("do", "next"), ("til", &til)]).await?;
    assert!(early.shows("Det er laget en nyere kode") && early.shows("Kode utstedt"), "{}", early.page.body);
    town.idp.advance(Duration::from_mins(15));
    let at = text::in_norway(town.idp.now(), "%H:%M");
    screen.answer(&[("do", "next"), ("til", &til)]).await?;
    assert!(screen.shows(&format!("Koden gikk ut kl. {at}.")) && screen.shows("Ikke startet"), "{}", screen.page.body);
    town.idp.advance(Duration::from_mins(50));
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&town.pupil_path(place, first).await?).await?;
    assert!(!screen.shows("Koden gikk ut"), "that was another lesson: {}", screen.page.body);

    town.start(&mut screen, second).await?;
    let mut other = screen.clone();
    other.answer(&[("do", "not-qualified")]).await?;
    let at = text::in_norway(town.idp.now(), "%H:%M");
    screen.answer(&[("do", "next")]).await?;
    assert!(screen.shows(&format!("Koden ble avsluttet kl. {at}.")), "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn a_wrong_name_that_is_seen_too_late_is_told_as_that() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    let code = town.start(&mut screen, pupil).await?;
    choose_password(&mut to_the_password(&town, pupil, code.as_str()).await?).await?;
    for _ in 0..2 {
        screen.clone().answer(&[("do", "wrong-name")]).await?;
    }
    screen.answer(&[("do", "wrong-name")]).await?;
    assert!(screen.shows("Koden er allerede brukt") && screen.shows("800 30 300"), "{}", screen.page.body);
    assert!(screen.shows("role=\"alert\"") && !screen.shows("Koden virker ikke lenger"), "{}", screen.page.body);
    let trail = town.idp.trail_of(pupil).await?;
    let told: Vec<_> = trail.iter().filter(|entry| entry.kind == "school-wrong-name").collect();
    assert_eq!(told.len(), 1, "{trail:?}");
    let said = |name: &str| told[0].details.get(name).and_then(Value::as_str);
    assert_eq!((said("reason"), said("class")), (Some("code-used"), Some("10A")));
    let mut own = town.idp.by_test_id(&town.client, pupil, "substantial").await?;
    own.get("/profil/hendelser").await?;
    assert!(own.shows("navnet på skjermen var feil etter at koden var brukt"), "{}", own.page.body);
    Ok(())
}

#[tokio::test]
async fn who_gets_minid_anew_is_identified_and_the_teacher_says_why() -> anyhow::Result<()> {
    const IDENTIFY: &str = "Du må kjenne eleven eller ha sett gyldig legitimasjon";
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let path = town.pupil_path(place, pupil).await?;
    let mut screen = town.staff(&place.teacher).await?;
    let code = town.start(&mut screen, pupil).await?;
    screen.get(&path).await?;
    assert!(screen.shows("Kode utstedt") && screen.shows(IDENTIFY), "{}", screen.page.body);
    assert!(!screen.shows("Hvorfor trenger eleven"), "{}", screen.page.body);
    choose_password(&mut to_the_password(&town, pupil, code.as_str()).await?).await?;
    town.idp.advance(Duration::from_mins(1));
    screen.get(&path).await?;
    assert!(screen.shows(IDENTIFY) && screen.shows("Hvorfor trenger eleven"), "{}", screen.page.body);
    for why in [&[][..], &[("why", "because")]] {
        let once = screen.between("name=\"once\" value=\"", "\"")?;
        let fields: Vec<_> = [("once", once.as_str()), ("do", "start")].iter().chain(why).copied().collect();
        screen.answer(&fields).await?;
        assert_eq!(screen.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(screen.shows("Velg hvorfor eleven trenger MinID på nytt"), "{}", screen.page.body);
    }
    let once = screen.between("name=\"once\" value=\"", "\"")?;
    screen.answer(&[("once", &once), ("do", "start"), ("why", "wrong-mobile")]).await?;
    assert!(screen.shows("Navnet er feil") && screen.shows("name=\"why\" value=\"wrong-mobile\""));
    let issued: Vec<_> =
        town.idp.trail_of(pupil).await?.into_iter().filter(|entry| entry.kind == "school-code-issued").collect();
    let reasons: Vec<_> = issued.iter().filter_map(|entry| entry.details.get("reason")?.as_str()).collect();
    assert!(reasons.len() == 2 && reasons.contains(&"wrong-mobile"), "{reasons:?}");
    let mut own = town.idp.by_test_id(&town.client, pupil, "substantial").await?;
    own.get("/profil/hendelser").await?;
    assert!(own.shows("Du trengte MinID på nytt: feil mobilnummer"), "{}", own.page.body);
    Ok(())
}

#[tokio::test]
async fn a_letter_whose_code_a_teacher_ends_is_told_of() -> anyhow::Result<()> {
    let own = Place::new("974589095", "Fjorden skole")?;
    let residents = own.pupils.iter().map(|pupil| resident(pupil, json!({})).to_string());
    let population = Population::read(&residents.collect::<Vec<_>>().join("\n"))?;
    let town = Town::around(TestIdp::with(|setup| setup.population = population).await?, own).await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    order(&town.idp, pupil).await?;
    letter_to(&town.idp, pupil).await?;
    print(&town.idp).await?;
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&town.pupil_path(place, pupil).await?).await?;
    for words in ["Brev bestilt", "Du må kjenne eleven", "slutter koden i brevet å virke"] {
        assert!(screen.shows(words), "{words}: {}", screen.page.body);
    }
    for _ in 0..2 {
        town.start(&mut screen, pupil).await?;
    }
    let trail = town.idp.trail_of(pupil).await?;
    let ended: Vec<_> = trail.iter().filter(|entry| entry.kind == "school-letter-ended").collect();
    assert_eq!(ended.len(), 1, "{trail:?}");
    assert_eq!(ended[0].actor, Actor::Person(town.idp.row_of(&place.teacher).await?.id));
    let mut own = town.idp.by_test_id(&town.client, pupil, "substantial").await?;
    own.get("/profil/hendelser").await?;
    assert!(own.shows("Koden i aktiveringsbrevet sluttet å virke"), "{}", own.page.body);
    assert!(own.shows("Fjorden skole") && own.shows("kontaktlærer"), "{}", own.page.body);
    Ok(())
}

#[tokio::test]
async fn a_page_that_asks_by_itself_has_done_nothing() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let room = town.room(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    let mut projector = screen.clone();
    town.start(&mut projector, pupil).await?;
    screen.get(&room).await?;
    let attribute = |browser: &Browser, name: &str| {
        Ok::<_, anyhow::Error>(
            browser.between(&format!("{name}=\""), "\"")?.replace("&#38;", "&").replace("&amp;", "&"),
        )
    };
    let mut asked = vec![attribute(&projector, "data-wait")?, attribute(&projector, "data-again")?];
    for name in ["data-wait", "data-fresh", "data-again"] {
        asked.push(attribute(&screen, name)?);
    }
    let sent = asked[1].clone();
    let csrf = projector.csrf()?;
    // The teacher leaves the class, and keeps another role.
    let mine = |line: &str| line.contains(&place.teacher.fnr);
    let file = town.file();
    let rest: String = file
        .lines()
        .map(|line| if mine(line) { line.replace("10A;kontaktlærer", ";sekretær") } else { line.to_owned() } + "\n")
        .collect();
    town.take_in(&rest).await?;
    for address in asked {
        screen.get(&address).await?;
        assert_eq!(screen.page.status, StatusCode::NOT_FOUND, "{address}");
    }
    projector.post(&sent, &[("csrf", &csrf), ("do", "next")]).await?;
    assert_eq!(projector.page.status, StatusCode::NOT_FOUND);
    let denied = async || -> anyhow::Result<usize> {
        let kinds = kinds_of_events(&town.idp, &place.teacher).await?;
        Ok(kinds.iter().filter(|kind| *kind == "school-denied").count())
    };
    assert_eq!(denied().await?, 0, "nobody has done anything");
    // Whoever goes there has, whatever they write behind the address; and so has whoever takes the mark elsewhere.
    let mark = sent.split_once('?').context("no mark")?.1.to_owned();
    for address in [format!("{room}?vist=x"), format!("{room}/vent"), format!("{room}?{mark}")] {
        screen.get(&address).await?;
    }
    assert_eq!(denied().await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_code_is_not_started_without_end() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil, old) = (&town.own, &town.own.pupils[0], &town.own.pupils[1]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    let code = town.start(&mut screen, old).await?;
    for _ in 0..10 {
        town.start(&mut screen, pupil).await?;
    }
    screen.get(&town.pupil_path(place, pupil).await?).await?;
    press_start(&mut screen).await?;
    assert_eq!(screen.page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(screen.shows("startet for mange ganger") && !screen.shows("id=\"letters\""), "{}", screen.page.body);
    let kinds = kinds_of_events(&town.idp, pupil).await?;
    assert_eq!(kinds.iter().filter(|kind| *kind == "school-code-issued").count(), 10, "{kinds:?}");
    // The others can be started with; and who is refused is told once, not at each press.
    choose_password(&mut to_the_password(&town, old, code.as_str()).await?).await?;
    town.idp.advance(Duration::from_hours(31 * 24));
    let mut screen = town.staff(&place.teacher).await?;
    let path = town.pupil_path(place, old).await?;
    for once in ["a", "b", "c"] {
        screen.get(&path).await?;
        let csrf = screen.csrf()?;
        screen.post(&path, &[("csrf", &csrf), ("once", once), ("do", "start")]).await?;
        assert_eq!(screen.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let kinds = kinds_of_events(&town.idp, old).await?;
    assert_eq!(kinds.iter().filter(|kind| *kind == "school-code-refused").count(), 1, "{kinds:?}");
    Ok(())
}

#[tokio::test]
async fn who_says_that_it_is_not_them_ends_the_code() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    let code = town.start(&mut screen, pupil).await?;
    let of_the_code = asks_at(&screen)?;
    let mut own = to_the_password(&town, pupil, code.as_str()).await?;
    let mut phone = to_the_password(&town, pupil, code.as_str()).await?;
    let turn = phone.between("name=\"turn\" value=\"", "\"")?;
    phone.answer(&[("turn", &turn), ("do", "again")]).await?;
    assert!(phone.shows("name=\"fnr\""), "{}", phone.page.body);
    screen.get(&of_the_code).await?;
    assert_eq!(screen.page.json()?, json!({ "state": "over" }));
    screen.get(&town.pupil_path(place, pupil).await?).await?;
    assert!(screen.shows("Koden ble avsluttet kl.") && screen.shows("Ikke startet"), "{}", screen.page.body);
    choose_password(&mut own).await?;
    assert!(!own.shows("MinID er klar til bruk"), "{}", own.page.body);
    let trail = town.idp.trail_of(pupil).await?;
    let ended: Vec<_> = trail.iter().filter(|entry| entry.kind == "school-code-ended").collect();
    assert_eq!(ended.len(), 1, "{trail:?}");
    let said = |name: &str| ended[0].details.get(name).and_then(Value::as_str);
    assert_eq!((said("reason"), said("school")), (Some("wrong-name"), Some("Fjorden skole")));
    Ok(())
}

#[tokio::test]
async fn a_code_does_not_go_over_what_has_become_the_pupils_own() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    let code = town.start(&mut screen, pupil).await?;
    choose_password(&mut to_the_password(&town, pupil, code.as_str()).await?).await?;
    town.idp.advance(Duration::from_mins(1));
    let code = town.start(&mut screen, pupil).await?;
    let mut phone = to_the_password(&town, pupil, code.as_str()).await?;
    // Meanwhile they get an app for codes.
    let (world, row) = (&town.idp.app.world, town.idp.row_of(pupil).await?);
    let mut tx = world.db.begin().await?;
    let keys = (&world.vault, &world.chance);
    totp::add(&mut tx, keys, &row.id, (&NewTotp::fresh(&world.chance)?, "Kodeapp", 0), town.idp.now()).await?;
    tx.commit().await?;
    choose_password(&mut phone).await?;
    assert!(!phone.shows("MinID er klar til bruk"), "{}", phone.page.body);
    let trail = town.idp.trail_of(pupil).await?;
    assert_eq!(trail.iter().filter(|entry| entry.kind == "registered").count(), 1, "{trail:?}");
    let ended = trail.iter().find(|entry| entry.kind == "school-code-ended").context("not told")?;
    assert_eq!(ended.details.get("reason").and_then(Value::as_str), Some("has-own"));
    Ok(())
}
