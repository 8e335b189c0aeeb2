//! In a class: a form that comes when the session is over, and pupils who have the same name.

use std::time::Duration;

use admin::school::register;
use anyhow::Context;
use authenticators::population::Population;
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestIdp, TestPerson};
use serde_json::json;

use crate::forgotten::kinds_of_events;
use crate::school::{Place, Town, is_asked_to_log_in, press_start, save};

const NOT_SAVED: &str = "Innloggingen var gått ut";

/// Logs in where a login is asked for.
pub(crate) async fn back_in(browser: &mut Browser, person: &TestPerson) -> anyhow::Result<()> {
    assert!(is_asked_to_log_in(browser), "{}", browser.at);
    if browser.page.body.contains("value=\"testid\"") {
        browser.answer(&[("eid", "testid")]).await?;
    }
    browser.answer(&[("do", "next"), ("fnr", &person.fnr), ("acr", "idporten-loa-high")]).await.map(|_| ())
}

#[tokio::test]
async fn a_form_that_comes_too_late_is_not_lost_and_does_nothing() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    let (office, elever) = (town.office(place).await?, format!("{}/elever", town.office(place).await?));
    let field = town.may_issue(place, &place.teacher).await?;
    let mut desk = town.staff(&place.principal).await?;
    desk.get(&office).await?;
    town.idp.advance(Duration::from_mins(31));
    let other = town.may_issue(place, &place.both).await?;
    desk.answer(&[("do", "next"), (&field, "yes"), (&other, "no")]).await?;
    back_in(&mut desk, &place.principal).await?;
    assert_eq!(desk.at, format!("{office}?sagt=ikke-lagret"));
    assert!(desk.shows(NOT_SAVED), "{}", desk.page.body);
    assert!(desk.page.body.contains(&format!("id=\"{field}-yes\" value=\"yes\" checked")), "{}", desk.page.body);
    desk.answer(&[("do", "next"), (&field, "yes"), (&other, "no")]).await?;
    assert_eq!(desk.at, elever);

    // The same of the pupils, and of what is confirmed: nothing is saved before somebody presses again.
    let mut pairs = Vec::new();
    for pupil in &place.pupils {
        pairs.push(town.issues_to(place, &place.teacher, pupil).await?);
    }
    let mut fields = vec![("do", "next")];
    fields.extend(pairs.iter().map(|pair| (pair.as_str(), "no")));
    town.idp.advance(Duration::from_mins(31));
    desk.answer(&fields).await?;
    back_in(&mut desk, &place.principal).await?;
    assert!(desk.at == format!("{elever}?sagt=ikke-lagret") && desk.shows(NOT_SAVED), "{}", desk.at);
    for pair in &pairs {
        assert!(desk.page.body.contains(&format!("id=\"{pair}-no\" value=\"no\" checked")), "{}", desk.page.body);
    }
    desk.answer(&[("do", "next")]).await?;
    town.idp.advance(Duration::from_mins(31));
    save(&mut desk).await?;
    back_in(&mut desk, &place.principal).await?;
    assert!(desk.at == format!("{office}/bekreft?sagt=ikke-lagret") && desk.shows(NOT_SAVED), "{}", desk.at);
    assert!(desk.shows("Lerke Testesen"), "{}", desk.page.body);
    let kinds = kinds_of_events(&town.idp, &place.teacher).await?;
    assert!(!kinds.contains(&"school-authorised".to_owned()), "{kinds:?}");
    save(&mut desk).await?;
    assert!(desk.shows("Lagret.") && !desk.shows(NOT_SAVED), "{}", desk.page.body);
    Ok(())
}

#[tokio::test]
async fn nobody_else_gets_what_was_filled_in() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    let office = town.office(place).await?;
    let (field, wrong) = (town.may_issue(place, &place.teacher).await?, "x");
    let checked = format!("id=\"{field}-yes\" value=\"yes\" checked");
    // A colleague logs in where the form was.
    let mut desk = town.staff(&place.principal).await?;
    desk.get(&office).await?;
    town.idp.advance(Duration::from_mins(31));
    let mut forged = desk.clone();
    desk.answer(&[("do", "next"), (&field, "yes")]).await?;
    back_in(&mut desk, &place.both).await?;
    assert!(desk.at.starts_with(&office) && !desk.page.body.contains(&checked), "{} {}", desk.at, desk.page.body);
    let mut own = town.staff(&place.principal).await?;
    own.get(&office).await?;
    assert!(own.page.body.contains(&checked), "{}", own.page.body);

    // What does not come from a page of theirs is not kept.
    own.answer(&[("do", "next"), (&field, "no")]).await?;
    forged.post(&office, &[("csrf", wrong), ("do", "next"), (&field, "yes")]).await?;
    back_in(&mut forged, &place.principal).await?;
    assert!(forged.shows(NOT_SAVED) && !forged.page.body.contains(&checked), "{}", forged.page.body);
    Ok(())
}

// Attack: forms that fill the store of what is kept for a while.
#[tokio::test]
async fn of_what_comes_too_late_one_form_is_kept_and_no_large_one() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    let office = town.office(place).await?;
    let field = town.may_issue(place, &place.teacher).await?;
    let checked = format!("id=\"{field}-yes\" value=\"yes\" checked");
    let large = "x".repeat(300 * 1024);
    // Another one takes the place of the first, be it at a page that there is not; a large one does not.
    for (path, odd, is_kept) in [(format!("{office}x"), "y", false), (office.clone(), large.as_str(), true)] {
        let mut desk = town.staff(&place.principal).await?;
        desk.get(&office).await?;
        let csrf = desk.csrf()?;
        town.idp.advance(Duration::from_mins(31));
        let late = desk.clone();
        late.clone().answer_only(&[("do", "next"), (&field, "yes")]).await?;
        late.clone().post_only(&path, &[("csrf", &csrf), ("do", "next"), ("odd", odd)]).await?;
        let mut desk = town.staff(&place.principal).await?;
        desk.get(&format!("{office}?sagt=ikke-lagret")).await?;
        assert_eq!(desk.page.body.contains(&checked), is_kept, "{path}: {}", desk.page.body);
        town.idp.advance(Duration::from_mins(31));
    }
    // Nor is an address that nobody has logged in for.
    let mut stranger = town.idp.browser();
    stranger.get(&format!("/skule/{}", "x".repeat(5000))).await?;
    back_in(&mut stranger, &place.principal).await?;
    assert_eq!(stranger.at, "/skule");
    Ok(())
}

#[tokio::test]
async fn a_code_that_is_asked_for_too_late_is_not_made() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let path = town.pupil_path(place, &place.pupils[0]).await?;
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&path).await?;
    town.idp.advance(Duration::from_mins(31));
    press_start(&mut screen).await?;
    back_in(&mut screen, &place.teacher).await?;
    assert_eq!(screen.at, format!("{path}?sagt=ikke-lagret"));
    assert!(screen.shows(NOT_SAVED) && screen.shows("Start utstedelse"), "{}", screen.page.body);
    let kinds = kinds_of_events(&town.idp, &place.pupils[0]).await?;
    assert!(!kinds.contains(&"school-code-issued".to_owned()), "{kinds:?}");
    press_start(&mut screen).await?;
    assert!(screen.page.status == StatusCode::OK && screen.shows("Navnet er feil"), "{}", screen.page.body);
    Ok(())
}

/// The last digits that tell somebody from another of the same name.
fn ends(person: &TestPerson) -> String {
    format!("slutter på {}", &person.fnr[person.fnr.len() - 2..])
}

#[tokio::test]
async fn pupils_of_the_same_name_are_told_apart() -> anyhow::Result<()> {
    // The names go round after three: the first and the fourth have one, and the second and the fifth.
    let own = Place::with("974589095", "Fjorden skole", 5)?;
    let [hidden, namesake] = [&own.pupils[1], &own.pupils[4]].map(|pupil| pupil.fnr.clone());
    let line = |fnr: &str, name: &str, protected: bool| {
        json!({ "fnr": fnr, "given_name": name, "family_name": "Testesen", "protected": protected }).to_string()
    };
    let lines = [
        line(&hidden, "Trost", true),
        line(&namesake, "Blåmeis", false),
        line(&own.pupils[0].fnr, "Alke", false),
        line(&own.pupils[3].fnr, "Alke", false),
    ];
    let population = Population::read(&lines.join("\n"))?;
    let town = Town::around(TestIdp::with(|setup| setup.population = population).await?, own).await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let alike = [&place.pupils[0], &place.pupils[3]];
    let (office, room) = (town.office(place).await?, town.room(place).await?);
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&room).await?;
    for pupil in alike {
        let digits = register_digits(&town, pupil).await?;
        assert!(screen.shows(&format!("slutter på {digits}")) && digits.len() < 6, "{}", screen.page.body);
        assert!(!screen.page.body.contains(&pupil.fnr));
        let mut one = screen.clone();
        one.get(&town.pupil_path(place, pupil).await?).await?;
        assert!(one.shows(&format!("slutter på {digits}")), "{}", one.page.body);
        town.start(&mut one, pupil).await?;
        // The last two are check digits: with the birthday, which a class knows, they give nearly all of the number.
        assert!(!one.shows("slutter på"), "a class sees the projector: {}", one.page.body);
    }
    // Whose address is protected has no digits, and neither has the namesake: who has none would be known by it.
    let count = screen.page.body.matches("slutter på").count();
    assert_eq!((count, screen.page.body.matches("Merke ").count()), (2, 4), "{}", screen.page.body);
    for fnr in [&hidden, &namesake] {
        assert!(!screen.shows(&format!("slutter på {}", &fnr[9..])), "{}", screen.page.body);
    }
    assert!(!screen.shows(&ends(&place.pupils[2])));
    let mut desk = town.staff(&place.principal).await?;
    desk.get(&format!("{office}/elever")).await?;
    assert_eq!(desk.page.body.matches("slutter på").count(), 2, "{}", desk.page.body);
    // That there is another of the name, whom the teacher is not to see, does not show.
    let field = town.issues_to(place, &place.teacher, &place.pupils[1]).await?;
    desk.answer(&[("do", "next"), (&field, "no")]).await?;
    save(&mut desk).await?;
    screen.get(&room).await?;
    assert_eq!(screen.page.body.matches("slutter på").count(), 2, "{}", screen.page.body);
    assert_eq!(screen.page.body.matches("Merke ").count(), 2, "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn neither_order_nor_digits_tell_whom_the_register_hides() -> anyhow::Result<()> {
    // Every third has the same name. Of the second to the fifteenth one is protected, and the register knows the others;
    // of the first it knows nobody, as one may that leaves protected people out.
    let own = Place::with("974589095", "Fjorden skole", 15)?;
    let named = own.pupils.iter().enumerate().filter(|(number, _)| number % 3 == 1);
    let lines: Vec<String> = named
        .map(|(number, pupil)| {
            let protected = number == 7;
            json!({ "fnr": pupil.fnr, "given_name": "Blåmeis", "family_name": "Testesen", "protected": protected })
        })
        .map(|line| line.to_string())
        .collect();
    let population = Population::read(&lines.join("\n"))?;
    let town = Town::around(TestIdp::with(|setup| setup.population = population).await?, own).await?;
    town.let_the_teacher_issue(&town.own).await?;
    let mut screen = town.staff(&town.own.teacher).await?;
    screen.get(&town.room(&town.own).await?).await?;
    assert!(!screen.shows("slutter på"), "{}", screen.page.body);
    let body = &screen.page.body;
    for name in ["Alke", "Blåmeis"] {
        let begin = format!(">{name} Testesen ");
        let lines = body.split(begin.as_str()).skip(1);
        let marks: Vec<&str> = lines.filter_map(|rest| rest.split("Merke ").nth(1)?.split('<').next()).collect();
        assert!(marks.len() == 5 && marks.is_sorted(), "{marks:?}");
    }
    Ok(())
}

/// As few digits as it takes.
async fn register_digits(town: &Town, pupil: &TestPerson) -> anyhow::Result<String> {
    let class = town.class(&town.own).await?;
    let pupils = register::pupils(&town.idp.app.world, &class.id).await?;
    let row = town.idp.row_of(pupil).await?;
    let apart = register::told_apart(&class.id, pupils.iter()).remove(&row.id);
    Ok(apart.and_then(|apart| apart.digits).unwrap_or_default())
}

/// The letters beside a name, on the page that is open.
fn mark_on(screen: &Browser) -> anyhow::Result<String> {
    Ok(screen.between("id=\"mark\">Merke ", "</p>")?.trim().to_owned())
}

#[tokio::test]
async fn two_of_the_same_name_whose_addresses_are_protected_are_told_apart() -> anyhow::Result<()> {
    // The names go round after three: the first and the fourth have one, and the second and the fifth.
    let own = Place::with("974589095", "Fjorden skole", 5)?;
    let hidden = |pupil: &TestPerson| {
        json!({ "fnr": pupil.fnr, "given_name": "Trost", "family_name": "Testesen", "protected": true }).to_string()
    };
    let population = Population::read(&[hidden(&own.pupils[0]), hidden(&own.pupils[3])].join("\n"))?;
    let town = Town::around(TestIdp::with(|setup| setup.population = population).await?, own).await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let (office, room) = (town.office(place).await?, town.room(place).await?);
    let (mut desk, mut screen) = (town.staff(&place.principal).await?, town.staff(&place.teacher).await?);
    screen.get(&room).await?;
    let list = screen.page.body.clone();
    let mut marks = Vec::new();
    for number in [0, 3, 1, 4] {
        let pupil = &place.pupils[number];
        let path = town.pupil_path(place, pupil).await?;
        screen.get(&path).await?;
        let mark = mark_on(&screen)?;
        // The list and the desk call them the same.
        let line = list.split(&path).nth(1).and_then(|rest| rest.split("</li>").next()).context("no line")?;
        assert!(line.contains(&format!("Merke {mark}<")), "{mark}: {line}");
        desk.get(&format!("{office}/elever")).await?;
        assert!(desk.shows(&format!("Merke {mark}<")), "{mark}: {}", desk.page.body);
        // Where a class sees the screen, whose address is protected is called as everybody else who has a namesake.
        press_start(&mut screen).await?;
        assert_eq!(mark_on(&screen)?, mark);
        assert!(!screen.shows("slutter på"), "{}", screen.page.body);
        assert!(!pupil.fnr.contains(&mark) && mark.len() >= 2, "{mark}");
        marks.push(mark);
    }
    assert!(marks[0] != marks[1] && marks[2] != marks[3], "{marks:?}");
    // Who has no namesake needs none; and who sees one of the two is not told that there is another.
    screen.get(&town.pupil_path(place, &place.pupils[2]).await?).await?;
    assert!(!screen.shows("Merke "), "{}", screen.page.body);
    let field = town.issues_to(place, &place.teacher, &place.pupils[3]).await?;
    desk.answer(&[("do", "next"), (&field, "no")]).await?;
    assert!(desk.shows(&format!("(Merke {})", marks[1])), "{}", desk.page.body);
    save(&mut desk).await?;
    screen.get(&town.pupil_path(place, &place.pupils[0]).await?).await?;
    assert!(screen.shows("Alke Testesen") && !screen.shows("Merke "), "{}", screen.page.body);
    Ok(())
}
