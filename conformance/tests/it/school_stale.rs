//! Two people in a school's administration, and a teacher: a page that was opened before the others decided something
//! does not undo it when its form is sent as it stands.

use std::time::Duration;

use anyhow::ensure;
use axum::http::StatusCode;
use conformance::browser::Browser;

use crate::forgotten::kinds_of_events;
use crate::school::{Place, Town, save};
use crate::school_again::back_in;

const CHANGED: &str = "Klassen er endret etter at du åpnet siden";
const NO_CHANGES: &str = "Du har ikke endret noe";

/// A page and form on which this is chosen.
fn is_chosen(desk: &Browser, field: &str, choice: &str) -> bool {
    desk.page.body.contains(&format!("id=\"{field}-{choice}\" value=\"{choice}\" checked"))
}

/// The form came too late, which is told, and the page shows what holds.
fn came_too_late(desk: &Browser, field: &str, choice: &str) -> anyhow::Result<()> {
    ensure!(desk.page.status == StatusCode::CONFLICT && desk.shows(CHANGED), "{} {}", desk.at, desk.page.body);
    ensure!(is_chosen(desk, field, choice), "{}", desk.page.body);
    Ok(())
}

/// A town in which the teacher may issue, the principal with the page open on which that is said of each pupil, and the
/// field of the first.
async fn opened() -> anyhow::Result<(Town, Browser, String)> {
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let field = town.issues_to(place, &place.teacher, &place.pupils[0]).await?;
    let mut slow = town.staff(&place.principal).await?;
    slow.get(&format!("{}/elever", town.office(place).await?)).await?;
    Ok((town, slow, field))
}

/// Somebody else says NEI to a pair.
async fn refuse(town: &Town, place: &Place, field: &str) -> anyhow::Result<()> {
    let mut quick = town.staff(&place.both).await?;
    quick.get(&format!("{}/elever", town.office(place).await?)).await?;
    quick.answer_as_it_stands(&[("do", "next"), (field, "no")]).await?;
    save(&mut quick).await?;
    ensure!(quick.shows("Lagret."), "{}", quick.page.body);
    Ok(())
}

#[tokio::test]
async fn who_may_issue_is_not_turned_by_a_page_from_before() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let field = town.may_issue(place, &place.teacher).await?;
    let (mut slow, mut quick) = (town.staff(&place.principal).await?, town.staff(&place.both).await?);
    slow.get(&town.office(place).await?).await?;
    ensure!(is_chosen(&slow, &field, "yes"), "{}", slow.page.body);
    let mut forged = slow.clone();
    town.decide(&mut quick, place, &[(&place.teacher, "no")]).await?;
    save(&mut quick).await?;

    slow.answer_as_it_stands(&[("do", "next")]).await?;
    came_too_late(&slow, &field, "no")?;
    // The same form once more, or one that tells nothing of what was seen.
    let csrf = forged.csrf()?;
    let mut bare = forged.clone();
    forged.answer_as_it_stands(&[("do", "next")]).await?;
    came_too_late(&forged, &field, "no")?;
    bare.post(&town.office(place).await?, &[("csrf", &csrf), ("do", "next"), (&field, "yes")]).await?;
    came_too_late(&bare, &field, "no")?;

    slow.answer_as_it_stands(&[("do", "next")]).await?;
    assert!(slow.at.ends_with("/bekreft") && slow.shows(NO_CHANGES), "{} {}", slow.at, slow.page.body);
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&town.room(place).await?).await?;
    assert!(screen.shows("Du er ikke autorisert"), "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn to_whom_is_not_turned_by_a_page_from_before() -> anyhow::Result<()> {
    let (town, mut slow, field) = opened().await?;
    let place = &town.own;
    refuse(&town, place, &field).await?;
    slow.answer_as_it_stands(&[("do", "next")]).await?;
    came_too_late(&slow, &field, "no")?;
    slow.answer_as_it_stands(&[("do", "next")]).await?;
    assert!(slow.at.ends_with("/bekreft") && slow.shows(NO_CHANGES), "{} {}", slow.at, slow.page.body);

    // Nobody may issue any more: what is asked first is asked again.
    slow.get(&format!("{}/elever", town.office(place).await?)).await?;
    let mut quick = town.staff(&place.both).await?;
    town.decide(&mut quick, place, &[(&place.teacher, "no")]).await?;
    save(&mut quick).await?;
    slow.answer_as_it_stands(&[("do", "next")]).await?;
    came_too_late(&slow, &town.may_issue(place, &place.teacher).await?, "no")
}

#[tokio::test]
async fn a_pupil_who_was_not_identified_is_not_let_in_by_a_page_from_before() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let pupil = &place.pupils[0];
    let field = town.issues_to(place, &place.teacher, pupil).await?;
    let (office, path) = (town.office(place).await?, town.pupil_path(place, pupil).await?);
    let mut slow = town.staff(&place.principal).await?;
    slow.get(&format!("{office}/elever")).await?;
    let mut all = slow.clone();
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&path).await?;
    screen.answer(&[("do", "not-qualified")]).await?;

    // Neither the form as it stands, nor with JA for all whom the page showed.
    let button = all.between("value=\"all-yes-", "\"")?;
    slow.answer_as_it_stands(&[("do", "next")]).await?;
    came_too_late(&slow, &field, "no")?;
    all.answer_as_it_stands(&[("do", &format!("all-yes-{button}"))]).await?;
    came_too_late(&all, &field, "no")?;
    slow.answer_as_it_stands(&[("do", "next")]).await?;
    assert!(slow.shows(NO_CHANGES), "{} {}", slow.at, slow.page.body);
    screen.get(&path).await?;
    assert!(screen.shows("Manuell"), "{}", screen.page.body);
    // Whoever has seen it can decide it anew.
    slow.get(&format!("{office}/elever")).await?;
    slow.answer_as_it_stands(&[("do", "next"), (&field, "yes")]).await?;
    save(&mut slow).await?;
    screen.get(&path).await?;
    assert!(screen.shows("Start utstedelse"), "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn what_was_really_chosen_is_not_lost() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let theirs = town.issues_to(place, &place.teacher, &place.pupils[0]).await?;
    let own = town.issues_to(place, &place.teacher, &place.pupils[1]).await?;
    let mut slow = town.staff(&place.principal).await?;
    slow.get(&format!("{}/elever", town.office(place).await?)).await?;
    refuse(&town, place, &theirs).await?;
    slow.answer_as_it_stands(&[("do", "next"), (&own, "no")]).await?;
    assert!(slow.at.ends_with("/bekreft") && slow.shows("Blåmeis Testesen"), "{} {}", slow.at, slow.page.body);
    assert!(!slow.shows("Alke Testesen"), "nobody decided of Alke here: {}", slow.page.body);
    save(&mut slow).await?;
    assert!(slow.page.status == StatusCode::CONFLICT && slow.shows("Alke Testesen"), "{}", slow.page.body);
    save(&mut slow).await?;
    assert!(slow.shows("Lagret."), "{}", slow.page.body);
    slow.get(&format!("{}/elever", town.office(place).await?)).await?;
    assert!(is_chosen(&slow, &theirs, "no") && is_chosen(&slow, &own, "no"), "{}", slow.page.body);
    Ok(())
}

#[tokio::test]
async fn nor_by_one_that_was_sent_when_the_session_was_over() -> anyhow::Result<()> {
    let (town, mut slow, field) = opened().await?;
    let place = &town.own;
    town.idp.advance(Duration::from_mins(31));
    refuse(&town, place, &field).await?;
    slow.answer_as_it_stands(&[("do", "next")]).await?;
    back_in(&mut slow, &place.principal).await?;
    assert!(slow.shows(CHANGED) && is_chosen(&slow, &field, "no"), "{} {}", slow.at, slow.page.body);
    slow.answer_as_it_stands(&[("do", "next")]).await?;
    assert!(slow.shows(NO_CHANGES), "{} {}", slow.at, slow.page.body);
    let kinds = kinds_of_events(&town.idp, &place.pupils[0]).await?;
    assert_eq!(kinds.iter().filter(|kind| *kind == "school-coupled").count(), 1, "{kinds:?}");
    Ok(())
}

#[tokio::test]
async fn a_second_press_on_save_is_the_same() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    let mut desk = town.staff(&place.principal).await?;
    town.decide(&mut desk, place, &[(&place.teacher, "no"), (&place.both, "no")]).await?;
    let mut again = desk.clone();
    save(&mut desk).await?;
    let saved = desk.at.clone();
    assert!(saved.contains("sagt=lagret"), "{saved} {}", desk.page.body);
    save(&mut again).await?;
    assert_eq!((again.page.status, again.at.as_str()), (StatusCode::OK, saved.as_str()), "{}", again.page.body);
    Ok(())
}
