//! In the lesson: the list of a class goes on by itself, and no page offers what would be refused or says "not started"
//! where nobody has decided.

use std::time::Duration;

use anyhow::{Context, ensure};
use authenticators::person::Person;
use authenticators::totp::{self, NewTotp};
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestIdp, TestPerson, unregistered};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::json;

use crate::school::{Place, Town, choose_password, save, to_the_password};

/// Where the page asks whether something has become another.
fn asks_at(screen: &Browser) -> anyhow::Result<String> {
    screen.between("data-wait=\"", "\"")
}

/// The pupil gets MinID by the code that the teacher shows.
async fn gets_minid(town: &Town, screen: &mut Browser, pupil: &TestPerson) -> anyhow::Result<()> {
    let code = town.start(screen, pupil).await?;
    let mut phone = to_the_password(town, pupil, code.as_str()).await?;
    choose_password(&mut phone).await?;
    ensure!(phone.shows("MinID er klar til bruk"), "{}", phone.page.body);
    Ok(())
}

#[tokio::test]
async fn the_list_tells_when_somebody_has_come_further() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&town.room(place).await?).await?;
    let before = asks_at(&screen)?;
    assert!(before.starts_with(&format!("{}/vent?fra=", town.room(place).await?)), "{before}");
    // It waits as long as nothing is otherwise, and is answered when it is.
    let early = tokio::time::timeout(Duration::from_secs(1), screen.clone().get(&before)).await.map(|_| ());
    assert!(early.is_err(), "it was answered, and nothing is otherwise");
    let (mut waiting, mut at_work) = (screen.clone(), screen.clone());
    let (told, started) = tokio::join!(waiting.get(&before), town.start(&mut at_work, pupil));
    told?;
    let code = started?;
    assert_eq!(waiting.page.json()?, json!({ "state": "over" }));
    screen.get(&town.room(place).await?).await?;
    let issued = asks_at(&screen)?;
    assert_ne!(issued, before);
    let mut phone = to_the_password(&town, pupil, code.as_str()).await?;
    choose_password(&mut phone).await?;
    waiting.get(&issued).await?;
    assert_eq!(waiting.page.json()?, json!({ "state": "over" }));
    // It is nobody's who has no role in the class.
    let mut foreign = town.staff(&town.other.teacher).await?;
    foreign.get(&issued).await?;
    assert_eq!(foreign.page.status, StatusCode::NOT_FOUND);
    // Nothing is waited for where all have it.
    for pupil in &place.pupils[1..] {
        town.idp.advance(Duration::from_mins(1));
        gets_minid(&town, &mut at_work, pupil).await?;
    }
    screen.get(&town.room(place).await?).await?;
    assert!(screen.shows("Har MinID: 3/3") && asks_at(&screen).is_err(), "{}", screen.page.body);
    Ok(())
}

/// A quarter of an hour for a class, as the teacher goes on from pupil to pupil and they register meanwhile, all of them
/// from the school's one address.
#[tokio::test(flavor = "multi_thread")]
async fn a_class_of_thirty_registers_in_a_quarter_of_an_hour() -> anyhow::Result<()> {
    const FOR_EACH: Duration = Duration::from_secs(25);
    let town = Town::around(TestIdp::start().await?, Place::with("974589095", "Fjorden skole", 30)?).await?;
    let pupils = &town.own.pupils;
    town.let_the_teacher_issue(&town.own).await?;
    let mut screen = town.staff(&town.own.teacher).await?;
    let begun = town.idp.now();
    let mut registering = FuturesUnordered::new();
    for pupil in pupils {
        let code = town.start(&mut screen, pupil).await?;
        let town = &town;
        registering.push(async move {
            let mut phone = to_the_password(town, pupil, code.as_str()).await?;
            choose_password(&mut phone).await?;
            ensure!(phone.shows("MinID er klar til bruk"), "{}", phone.page.body);
            anyhow::Ok(())
        });
        town.idp.advance(FOR_EACH);
        // A few are always at it.
        while registering.len() > 5 {
            registering.next().await.context("nobody")??;
        }
    }
    while let Some(done) = registering.next().await {
        done?;
    }
    ensure!(town.idp.now().since(begun) <= Duration::from_mins(15), "it took longer");
    screen.get(&town.room(&town.own).await?).await?;
    assert!(screen.shows("Har MinID: 30/30"), "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn a_screen_whose_code_is_dead_does_not_go_on_waiting() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    town.start(&mut screen, pupil).await?;
    let first = asks_at(&screen)?;
    town.idp.advance(Duration::from_mins(2));
    let mut other = screen.clone();
    town.start(&mut other, pupil).await?;
    let second = asks_at(&other)?;
    screen.get(&first).await?;
    assert_eq!(screen.page.json()?, json!({ "state": "over" }), "another code is shown on the other screen");
    let early = tokio::time::timeout(Duration::from_secs(1), other.clone().get(&second)).await.map(|_| ());
    assert!(early.is_err(), "it was answered, and its code is good");
    // Who loses their role in the class while the page waits hears no more of it.
    let file = town.file();
    let rest: Vec<&str> = file.lines().filter(|line| !line.contains(&place.teacher.fnr)).collect();
    let rest = rest.join("\n");
    let (told, taken) = tokio::join!(other.get(&second), town.take_in(&rest));
    taken?;
    assert_eq!(told?.page.json()?, json!({ "state": "over" }));
    Ok(())
}

#[tokio::test]
async fn who_is_signed_out_while_a_page_waits_hears_no_more_of_it() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    town.start(&mut screen, pupil).await?;
    let of_the_pupil = asks_at(&screen)?;
    screen.get(&town.room(place).await?).await?;
    let of_the_list = asks_at(&screen)?;
    let (world, row) = (&town.idp.app.world, town.idp.row_of(&place.teacher).await?);
    let (mut at_the_pupil, mut at_the_list) = (screen.clone(), screen.clone());
    let lock_once_they_wait = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Person::lock(world.db.pool(), &row.id, "support", town.idp.now()).await
    };
    let (first, second, locked) =
        tokio::join!(at_the_pupil.get(&of_the_pupil), at_the_list.get(&of_the_list), lock_once_they_wait);
    locked?;
    for told in [first?, second?] {
        assert_eq!(told.page.json()?, json!({ "state": "over" }));
    }
    Ok(())
}

#[tokio::test]
async fn what_is_decided_while_a_page_waits_is_heard() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupil) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    town.start(&mut screen, pupil).await?;
    let of_the_pupil = asks_at(&screen)?;
    screen.get(&town.room(place).await?).await?;
    let of_the_list = asks_at(&screen)?;
    let (mut at_the_pupil, mut at_the_list) = (screen.clone(), screen.clone());
    let decide_once_they_wait = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut desk = town.staff(&place.principal).await?;
        town.decide(&mut desk, place, &[(&place.both, "yes")]).await?;
        desk.get(&format!("{}/bekreft", town.office(place).await?)).await?;
        save(&mut desk).await
    };
    let (first, second, said) =
        tokio::join!(at_the_pupil.get(&of_the_pupil), at_the_list.get(&of_the_list), decide_once_they_wait);
    said?;
    for told in [first?, second?] {
        assert_eq!(told.page.json()?, json!({ "state": "over" }));
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_given_anew_is_not_offered() -> anyhow::Result<()> {
    const AGAIN: &str = "Start utstedelsen på nytt";
    let town = Town::open().await?;
    let (place, [with_app, with_age]) = (&town.own, [&town.own.pupils[0], &town.own.pupils[1]]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    for pupil in [with_app, with_age] {
        gets_minid(&town, &mut screen, pupil).await?;
        town.idp.advance(Duration::from_mins(1));
        screen.get(&town.pupil_path(place, pupil).await?).await?;
        assert!(screen.shows("Registrert") && screen.shows(AGAIN), "{}", screen.page.body);
    }
    let before = screen.clone();
    let is_refused = |screen: &Browser| {
        let told = ["Registrert", "Skolen kan ikke gi den på nytt", "/aktiveringsbrev/order"];
        let is_told = told.iter().all(|words| screen.shows(words));
        ensure!(is_told && !screen.shows(AGAIN), "{}", screen.page.body);
        // No status tells that a letter is ordered of whoever has MinID.
        ensure!(!screen.shows("Her ser du når") && asks_at(screen).is_err(), "{}", screen.page.body);
        Ok(())
    };

    let (world, row) = (&town.idp.app.world, town.idp.row_of(with_app).await?);
    let mut tx = world.db.begin().await?;
    let keys = (&world.vault, &world.chance);
    totp::add(&mut tx, keys, &row.id, (&NewTotp::fresh(&world.chance)?, "Kodeapp", 0), town.idp.now()).await?;
    tx.commit().await?;
    screen.get(&town.pupil_path(place, with_app).await?).await?;
    is_refused(&screen)?;
    // The page from before says the same to whoever presses its button.
    let mut late = before.clone();
    late.get(&town.pupil_path(place, with_age).await?).await?;
    let (csrf, once) = (late.csrf()?, late.between("name=\"once\" value=\"", "\"")?);
    let path = town.pupil_path(place, with_app).await?;
    late.post(&path, &[("csrf", &csrf), ("once", &once), ("do", "start")]).await?;
    assert_eq!(late.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    is_refused(&late)?;

    town.idp.advance(Duration::from_hours(31 * 24));
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&town.pupil_path(place, with_age).await?).await?;
    is_refused(&screen)
}

#[tokio::test]
async fn what_nobody_has_decided_is_told_as_that() -> anyhow::Result<()> {
    let mut town = Town::open().await?;
    town.let_the_teacher_issue(&town.own).await?;
    let (school, mut desk) = (town.school(&town.own).await?, town.staff(&town.own.principal).await?);
    let classes = format!("/skule/{}", school.id.as_str());
    desk.get(&classes).await?;
    assert!(desk.shows("Ferdig") && !desk.shows("Valg som gjenstår"), "{}", desk.page.body);
    // A pupil comes later.
    town.own.pupils.push(unregistered()?);
    town.take_in(&town.file()).await?;
    let (place, new) = (&town.own, town.own.pupils.last().context("nobody")?);
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&town.room(place).await?).await?;
    assert!(screen.shows("Skolen har ikke bestemt") && screen.shows("Ikke startet"), "{}", screen.page.body);
    screen.get(&town.pupil_path(place, new).await?).await?;
    assert!(screen.shows("Skolen har ikke bestemt") && !screen.shows("Ikke startet"), "{}", screen.page.body);
    desk.get(&classes).await?;
    assert!(desk.shows("Valg som gjenstår: 1") && !desk.shows("Ferdig"), "{}", desk.page.body);
    // Whoever administers and teaches is not asked of themselves, and has one question as well.
    let mut both = town.staff(&place.both).await?;
    both.get(&classes).await?;
    assert!(both.shows("Valg som gjenstår: 1"), "{}", both.page.body);
    let field = town.issues_to(place, &place.teacher, new).await?;
    desk.get(&format!("{}/elever", town.office(place).await?)).await?;
    desk.answer_as_it_stands(&[("do", "next"), (&field, "no")]).await?;
    save(&mut desk).await?;
    desk.get(&classes).await?;
    assert!(desk.shows("Ferdig"), "{}", desk.page.body);
    screen.get(&town.room(place).await?).await?;
    assert!(screen.shows("Manuell") && !screen.shows("Skolen har ikke bestemt"), "{}", screen.page.body);
    // In a class of which nobody has decided anything there are its employees to begin with.
    let mut other = town.staff(&town.other.principal).await?;
    other.get(&format!("/skule/{}", town.school(&town.other).await?.id.as_str())).await?;
    assert!(other.shows("Valg som gjenstår: 2"), "{}", other.page.body);
    Ok(())
}
