//! A school's administration: which classes wait for it, and what it is told before it decides.

use std::fmt::Write;

use conformance::browser::Browser;
use conformance::idp::{TestPerson, unregistered};

use crate::school::{Town, aged, save};

/// The classes on the first page of a school.
async fn classes(town: &Town, desk: &mut Browser) -> anyhow::Result<Vec<String>> {
    desk.get(&format!("/skule/{}", town.school(&town.own).await?.id.as_str())).await?;
    let names = desk.page.body.split("<span class=\"choice-name\">").skip(1);
    Ok(names.filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect())
}

#[tokio::test]
async fn nobody_has_to_decide_of_who_is_too_young() -> anyhow::Result<()> {
    let mut town = Town::open().await?;
    town.own.pupils[0] = TestPerson { fnr: aged(&town.idp, 12)?, ..unregistered()? };
    let mut file = town.file();
    let child = aged(&town.idp, 11)?;
    writeln!(file, "974589095;Fjorden skole;10B;elev;{child};Erle;Testesen")?;
    writeln!(file, "974589095;Fjorden skole;10B;kontaktlærer;{};Lerke;Testesen", town.own.teacher.fnr)?;
    writeln!(file, "974589095;Fjorden skole;10C;elev;{};Due;Testesen", unregistered()?.fnr)?;
    town.take_in(&file).await?;
    let place = &town.own;
    let mut desk = town.staff(&place.principal).await?;
    classes(&town, &mut desk).await?;
    assert!(desk.shows("Alle er for unge i år") && desk.shows("Valg som gjenstår: 2"), "{}", desk.page.body);
    // Of two of the class somebody has to decide, and of the third they may.
    town.decide(&mut desk, place, &[(&place.teacher, "yes"), (&place.both, "no")]).await?;
    assert!(desk.shows("Du kan vente med å svare"), "{}", desk.page.body);
    let [one, other] = [&place.pupils[1], &place.pupils[2]];
    let one = town.issues_to(place, &place.teacher, one).await?;
    let other = town.issues_to(place, &place.teacher, other).await?;
    desk.answer(&[("do", "next"), (&one, "yes")]).await?;
    assert_eq!(desk.page.body.matches("aria-invalid=\"true\"").count(), 2, "one pupil: {}", desk.page.body);
    desk.answer(&[("do", "next"), (&one, "yes"), (&other, "yes")]).await?;
    assert!(desk.at.ends_with("/bekreft"), "{} {}", desk.at, desk.page.body);
    save(&mut desk).await?;
    // All of the next class are too young.
    assert!(desk.shows("Her er neste klasse") && desk.shows("10C") && !desk.shows("10B"), "{}", desk.page.body);
    classes(&town, &mut desk).await?;
    assert!(desk.shows("Ferdig") && !desk.shows("Valg som gjenstår"), "{}", desk.page.body);
    Ok(())
}

#[tokio::test]
async fn classes_stand_as_people_order_them() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut file = town.file();
    for class in ["9B", "1Å", "1Ø", "2A", "10B"] {
        let teacher = &town.own.teacher.fnr;
        writeln!(file, "974589095;Fjorden skole;{class};elev;{};Due;Testesen", unregistered()?.fnr)?;
        writeln!(file, "974589095;Fjorden skole;{class};kontaktlærer;{teacher};Lerke;Testesen")?;
    }
    town.take_in(&file).await?;
    let mut desk = town.staff(&town.own.principal).await?;
    let expected = ["1Ø", "1Å", "2A", "9B", "10A", "10B"];
    assert_eq!(classes(&town, &mut desk).await?, expected);
    let screen = town.staff(&town.own.teacher).await?;
    let places: Vec<_> = expected.iter().map(|class| screen.page.body.find(&format!(">{class}<"))).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}");
    Ok(())
}

#[tokio::test]
async fn a_class_says_how_far_it_has_come() -> anyhow::Result<()> {
    let mut town = Town::open().await?;
    town.own.pupils[0] = TestPerson { fnr: aged(&town.idp, 11)?, ..unregistered()? };
    town.own.pupils[1] = town.idp.person().await?;
    town.take_in(&town.file()).await?;
    let mut desk = town.staff(&town.own.principal).await?;
    classes(&town, &mut desk).await?;
    for words in ["Har MinID: 1/2", "0/2 ansatte kan utstede", "Elever: 3"] {
        assert!(desk.shows(words), "{words}: {}", desk.page.body);
    }
    town.let_the_teacher_issue(&town.own).await?;
    classes(&town, &mut desk).await?;
    assert!(desk.shows("1/2 ansatte kan utstede") && desk.shows("Ferdig"), "{}", desk.page.body);
    Ok(())
}

#[tokio::test]
async fn who_confirms_reads_to_whom_a_right_goes_and_comes_back() -> anyhow::Result<()> {
    const AGAIN: &str = "Kan igjen utstede til, som bestemt før (2)";
    const LOST: &str = "Kan ikke lenger utstede til (3)";
    const CODES: &str = "slutter å virke når du lagrer";
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let mut desk = town.staff(&place.principal).await?;
    town.decide(&mut desk, place, &[(&place.teacher, "no"), (&place.both, "no")]).await?;
    for words in [LOST, "Alke Testesen", "Blåmeis Testesen", "Due Testesen", CODES] {
        assert!(desk.shows(words), "{words}: {}", desk.page.body);
    }
    save(&mut desk).await?;
    // Whoever has changed their mind of one of them has taken that one away themselves.
    town.decide(&mut desk, place, &[(&place.teacher, "yes"), (&place.both, "no")]).await?;
    let field = town.issues_to(place, &place.teacher, &place.pupils[0]).await?;
    desk.answer_as_it_stands(&[("do", "next"), (&field, "no")]).await?;
    for words in [AGAIN, "Blåmeis Testesen", "Due Testesen", "NEI: kan ikke utstede til"] {
        assert!(desk.shows(words), "{words}: {}", desk.page.body);
    }
    assert_eq!(desk.page.body.matches("Alke Testesen").count(), 1, "{}", desk.page.body);
    assert!(!desk.shows(CODES), "they could not issue: {}", desk.page.body);
    save(&mut desk).await?;
    let mut screen = town.staff(&place.teacher).await?;
    town.start(&mut screen, &place.pupils[1]).await?;
    // One pupil's NEI says it as well.
    let field = town.issues_to(place, &place.teacher, &place.pupils[1]).await?;
    desk.get(&format!("{}/elever", town.office(place).await?)).await?;
    desk.answer_as_it_stands(&[("do", "next"), (&field, "no")]).await?;
    assert!(desk.shows(CODES) && !desk.shows("Kan ikke lenger"), "{}", desk.page.body);
    Ok(())
}

#[tokio::test]
async fn whoever_decides_alone_and_teaches_reads_whom_to_ask() -> anyhow::Result<()> {
    const COLLEAGUE: &str = "Be en annen i skoleadministrasjonen";
    const OWNER: &str = "Be skoleeieren om å registrere én til";
    let town = Town::open().await?;
    let (place, office) = (&town.own, town.office(&town.own).await?);
    let mut desk = town.staff(&place.both).await?;
    desk.get(&office).await?;
    assert!(desk.shows(COLLEAGUE) && !desk.shows(OWNER), "{}", desk.page.body);
    let rows = town
        .file()
        .lines()
        .filter(|line| !line.contains(&place.principal.fnr))
        .fold(String::new(), |all, line| all + line + "\n");
    town.take_in(&rows).await?;
    desk.get(&office).await?;
    assert!(desk.shows(OWNER) && !desk.shows(COLLEAGUE), "{}", desk.page.body);
    Ok(())
}
