//! The life of a school's code, as the teacher's pages tell it: typed, used, over, or ended by another.

use std::time::Duration;

use conformance::browser::Browser;
use serde_json::json;

use crate::school::{Town, choose_password, press_start, to_the_password};

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
