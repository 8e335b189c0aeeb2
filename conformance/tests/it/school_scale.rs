//! What the schools' pages cost: no more for a class of thirty than for one pupil.

use anyhow::{Context, ensure};
use conformance::browser::Browser;
use conformance::idp::TestIdp;
use conformance::overheard;
use tracing::Instrument;

use crate::school::{Place, Town};

/// What a page costs, once it has been seen.
async fn cost(browser: &mut Browser, path: &str) -> anyhow::Result<usize> {
    browser.get(path).await?;
    ensure!(browser.at == path, "sent to {}", browser.at);
    let listener = overheard::listen();
    browser.get(path).instrument(listener.span()).await?;
    Ok(listener.statements().len())
}

/// What the pages cost at a school with so many pupils in its class.
async fn costs(pupils: usize) -> anyhow::Result<Vec<(&'static str, usize)>> {
    let own = Place::with("974589095", "Fjorden skole", pupils)?;
    let town = Town::around(TestIdp::start().await?, own).await?;
    town.let_the_teacher_issue(&town.own).await?;
    let (office, room) = (town.office(&town.own).await?, town.room(&town.own).await?);
    let school = format!("/skule/{}", town.school(&town.own).await?.id.as_str());
    let pupil = town.own.pupils.first().context("nobody")?;
    let pupil = town.pupil_path(&town.own, pupil).await?;
    let mut costs = Vec::new();
    for (name, person, path) in [
        ("the classes of a school", &town.own.principal, school),
        ("who may issue", &town.own.principal, office.clone()),
        ("to whom", &town.own.principal, format!("{office}/elever")),
        ("a class's pupils", &town.own.teacher, room),
        ("a pupil", &town.own.teacher, pupil),
        ("the report", &town.owner, "/skule/rapport".to_owned()),
    ] {
        let mut browser = town.staff(person).await?;
        costs.push((name, cost(&mut browser, &path).await?));
    }
    Ok(costs)
}

#[tokio::test]
async fn a_class_of_thirty_costs_no_more_than_one_pupil() -> anyhow::Result<()> {
    let (one, thirty) = (costs(1).await?, costs(30).await?);
    assert_eq!(one, thirty);
    ensure!(one.iter().all(|(_, count)| (1..60).contains(count)), "{one:?}");
    Ok(())
}
