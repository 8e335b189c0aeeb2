//! Pupils whom the school has sent for a letter, and what the school sees of it.

use std::time::Duration;

use admin::school::register::Orgno;
use admin::school::report;
use anyhow::Context;
use authenticators::letter;
use authenticators::population::Population;
use conformance::idp::TestIdp;
use serde_json::json;

use crate::activate::activated;
use crate::letter_order::{letter_to, order, resident};
use crate::lost::print;
use crate::school::{OWNER, Place, Town};

#[tokio::test]
async fn who_was_sent_for_a_letter_has_registered_by_it() -> anyhow::Result<()> {
    let own = Place::new("974589095", "Fjorden skole")?;
    let residents = own.pupils.iter().map(|pupil| resident(pupil, json!({})).to_string());
    let population = Population::read(&residents.collect::<Vec<_>>().join("\n"))?;
    let town = Town::around(TestIdp::with(|setup| setup.population = population).await?, own).await?;
    let place = &town.own;
    let [sent, early, untouched] = place.pupils.as_slice() else { anyhow::bail!("three pupils") };
    town.let_the_teacher_issue(place).await?;
    let (room, path) = (town.room(place).await?, town.pupil_path(place, sent).await?);
    // One has ordered a letter before the school said anything, and so has one of whom the school never does.
    for pupil in [early, untouched] {
        order(&town.idp, pupil).await?;
        letter_to(&town.idp, pupil).await?;
    }
    town.idp.advance(Duration::from_mins(2));
    let mut screen = town.staff(&place.teacher).await?;
    for pupil in [sent, early] {
        screen.get(&town.pupil_path(place, pupil).await?).await?;
        let csrf = screen.csrf()?;
        screen.post(&town.pupil_path(place, pupil).await?, &[("csrf", &csrf), ("do", "not-qualified")]).await?;
    }
    order(&town.idp, sent).await?;
    letter_to(&town.idp, sent).await?;
    screen.get(&path).await?;
    assert!(screen.shows("Brev bestilt"), "{}", screen.page.body);
    let since = town.idp.now().minus(Duration::from_hours(1));
    let of = letter::since(town.idp.app.world.db.pool(), since).await?;
    let codes = print(&town.idp).await?;
    // In the order of their letters.
    let mut ids: Vec<_> = of.iter().map(|letter| (letter.id.clone(), letter.person.clone())).collect();
    ids.sort_by(|one, other| one.0.cmp(&other.0));
    for ((_, person), code) in ids.iter().zip(&codes) {
        let mut pupil = None;
        for one in &place.pupils {
            if town.idp.row_of(one).await?.id == *person {
                pupil = Some(one);
            }
        }
        activated(&town.idp, pupil.context("a letter to nobody")?, code).await?;
    }

    screen.get(&format!("{path}/vent?fra=letter-ordered")).await?;
    assert!(screen.page.body.contains("approved"), "{}", screen.page.body);
    screen.get(&room).await?;
    for (pupil, status) in [(sent, "Registrert"), (early, "Har MinID"), (untouched, "Har MinID")] {
        let path = town.pupil_path(place, pupil).await?;
        let line = screen.page.body.split(&path).nth(1).and_then(|rest| rest.split("</li>").next());
        let line = line.context("no line")?;
        assert!(line.contains(&format!(">{status}<")), "{status}: {line}");
    }
    assert!(screen.shows("Har MinID: 3/3"), "{}", screen.page.body);
    // A teacher who could not tell who it is gives them nothing anew.
    screen.get(&path).await?;
    assert!(screen.shows("Registrert") && screen.shows("hjelp av brukerstøtte"), "{}", screen.page.body);
    assert!(!screen.shows("på nytt"), "{}", screen.page.body);
    let mut owner = town.staff(&town.owner).await?;
    owner.get(&format!("/skule/rapport/{OWNER}")).await?;
    let row = owner.page.body.lines().find(|line| line.starts_with("\"Fjorden skole\"")).context("no row")?;
    let row = row.rsplit_once(';').map(|(numbers, _day)| numbers);
    let untold = "\"\";".repeat(8);
    assert_eq!(row, Some(format!("\"Fjorden skole\";974589095;\"\";3;{untold}3;100").as_str()));
    let orgno = Orgno::parse(OWNER).context("nine digits")?;
    let report = report::of_owner(&town.idp.app.world, &orgno, town.idp.now()).await?;
    let school = report.schools.iter().find(|report| report.school.name == "Fjorden skole").context("no school")?;
    assert_eq!((school.tally.of("registered"), school.tally.of("has-minid")), (1, 2));
    Ok(())
}
