//! From 2032 on a number does not tell when somebody was born: then the population register does, and MinID is for whoever
//! turns thirteen in the year or is older, wherever it is asked for.

use std::time::Duration;

use admin::school::coupling::Standing;
use admin::school::issuing::{self, Status};
use anyhow::Context;
use authenticators::activation::Source;
use authenticators::person::{Fnr, FnrPolicy, NewPerson, Person};
use authenticators::population::Population;
use axum::http::StatusCode;
use conformance::idp::{TestIdp, TestPerson, unregistered};
use idp::text;
use serde_json::{Value, json};

use crate::activate::{begin, code_for};
use crate::forgotten::kinds_of_events;
use crate::letter_order::{order, resident, under_way};
use crate::school::{Place, Town};

const TOO_YOUNG: &str = "fra det året du fyller 13 år";

/// Three with numbers of 2032, which tell nothing.
fn three() -> anyhow::Result<[TestPerson; 3]> {
    let policy = FnrPolicy { real: false, synthetic: true, expanded: true };
    let mut all = (10_000..99_999)
        .map(|rest| format!("018132{rest}"))
        .filter(|number| Fnr::parse(number, policy).is_ok_and(|fnr| fnr.birth_year().is_none()));
    let mut next = || anyhow::Ok(TestPerson { fnr: all.next().context("no such number")?, ..unregistered()? });
    Ok([next()?, next()?, next()?])
}

/// Who turns twelve on the first day of the year that it is, who turns thirteen on its last, and of whom the register does
/// not tell it, with what it says of them.
fn lines(idp: &TestIdp, [young, old, untold]: &[TestPerson; 3]) -> anyhow::Result<Vec<Value>> {
    let year: i32 = text::in_norway(idp.now(), "%Y").parse()?;
    Ok(vec![
        resident(young, json!({ "born_on": format!("{}-01-01", year - 12) })),
        resident(old, json!({ "born_on": format!("{}-12-31", year - 13) })),
        resident(untold, json!({})),
    ])
}

async fn started(people: &[TestPerson; 3]) -> anyhow::Result<TestIdp> {
    let mut idp = TestIdp::start().await?;
    let lines: String = lines(&idp, people)?.iter().map(|line| format!("{line}\n")).collect();
    idp.register_says(Population::read(&lines)?).await?;
    Ok(idp)
}

#[tokio::test]
async fn a_school_starts_with_nobody_who_is_too_young() -> anyhow::Result<()> {
    let people = three()?;
    let (idp, mut own) = (started(&people).await?, Place::new("974589095", "Fjorden skole")?);
    own.pupils = people.into();
    let town = Town::around(idp, own).await?;
    let (place, young) = (&town.own, &town.own.pupils[0]);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&town.room(place).await?).await?;
    let told = [screen.page.body.matches("For ung").count(), screen.page.body.matches("Ikke startet").count()];
    assert_eq!(told, [1, 2], "{}", screen.page.body);
    let path = town.pupil_path(place, young).await?;
    screen.get(&path).await?;
    assert!(screen.shows("Eleven er for ung") && !screen.shows("Start utstedelse"), "{}", screen.page.body);
    let csrf = screen.csrf()?;
    screen.post(&path, &[("csrf", &csrf), ("once", "a"), ("do", "start")]).await?;
    assert!(screen.page.status == StatusCode::UNPROCESSABLE_ENTITY && screen.shows("Eleven er for ung"));
    assert!(!kinds_of_events(&town.idp, young).await?.contains(&"school-code-issued".to_owned()));
    for pupil in &place.pupils[1..] {
        town.start(&mut screen, pupil).await?;
    }
    let (world, id) = (&town.idp.app.world, town.idp.row_of(young).await?.id);
    let status = async |now| issuing::status(world, &id, Standing::Coupled, now).await;
    assert_eq!(status(town.idp.now()).await?, Status::TooYoung);
    let next_year = town.idp.now().plus(Duration::from_hours(366 * 24));
    assert_eq!(status(next_year).await?, Status::NotStarted);
    assert_eq!(issuing::refusal(world, &id, next_year).await?, None);
    Ok(())
}

#[tokio::test]
async fn no_letter_goes_to_whoever_is_too_young() -> anyhow::Result<()> {
    let people = three()?;
    let idp = started(&people).await?;
    for person in &people {
        order(&idp, person).await?;
    }
    idp.app.world.tasks.settle().await;
    for (person, expected) in people.iter().zip([false, true, true]) {
        assert_eq!(under_way(&idp, person).await?.is_some(), expected, "{}", person.fnr);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_registers_who_is_too_young() -> anyhow::Result<()> {
    let people = three()?;
    let idp = started(&people).await?;
    for (person, is_young) in people.iter().zip([true, false, false]) {
        let fnr = Fnr::parse(&person.fnr, idp.app.config.people).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
        let (db, chance) = (&idp.app.world.db, &idp.app.world.chance);
        Person::register(db, chance, &fnr, NewPerson::default(), idp.now()).await?;
        let code = code_for(&idp, person, Source::School).await?.grouped();
        let mut browser = idp.browser();
        browser.get("/registrer").await?;
        begin(&mut browser, &person.fnr, &code).await?;
        assert_eq!(browser.shows(TOO_YOUNG), is_young, "{}", browser.page.body);
        assert_eq!(browser.shows("Mobilnummeret ditt"), !is_young, "{}", browser.page.body);
    }
    Ok(())
}
