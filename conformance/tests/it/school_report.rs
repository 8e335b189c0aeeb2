//! What is told of the schools afterwards: an owner's numbers, in which nobody counts twice, and what a citizen reads of
//! what was done with them there.

use std::fmt::Write;

use admin::school::import::{self, Import, Sender};
use admin::school::register::Orgno;
use admin::school::report;
use admin::school::roster::Reader;
use anyhow::{Context, anyhow, ensure};
use authenticators::trail::Actor;
use conformance::browser::Browser;
use conformance::idp::{TestIdp, TestPerson, unregistered};
use idp::text;

use crate::school::{OWNER, Place, Town, aged, save};
use crate::school_import::seen;

#[tokio::test]
async fn who_is_in_two_classes_or_at_two_schools_counts_once() -> anyhow::Result<()> {
    let town = Town::around(TestIdp::start().await?, Place::with("974589095", "Fjorden skole", 6)?).await?;
    let also = |place: &str, pupil: &TestPerson, name| format!("{place};elev;{};{name};Testesen\n", pupil.fnr);
    let mut file = town.file();
    for (pupil, name) in town.own.pupils.iter().zip(["Alke", "Blåmeis", "Due", "Alke", "Blåmeis"]) {
        file += &also("974589095;Fjorden skole;10B", pupil, name);
    }
    file += &also("974589109;Åsen skole;10A", &town.own.pupils[1], "Blåmeis");
    town.take_in(&file).await?;
    town.let_the_teacher_issue(&town.own).await?;
    let owner = Orgno::parse(OWNER).context("nine digits")?;
    let told = report::of_owner(&town.idp.app.world, &owner, town.idp.now()).await?;
    let school = |name: &str| told.schools.iter().find(|report| report.school.name == name).context("no school");
    let (own, other) = (school("Fjorden skole")?, school("Åsen skole")?);
    let by_class: Vec<_> = own.classes.iter().map(|class| (class.name(""), class.tally.all())).collect();
    assert_eq!(by_class, [("10A".to_owned(), 6), ("10B".to_owned(), 5)]);
    assert_eq!((own.tally.all(), other.tally.all(), told.tally.all()), (6, 4, 9));
    // Decided in one class is decided; in the other nobody has.
    assert_eq!((own.tally.of("not-started"), own.tally.of("undecided")), (6, 0));
    assert_eq!((own.classes[1].tally.of("undecided"), told.tally.of("not-started")), (5, 6));

    let mut screen = town.staff(&town.owner).await?;
    screen.get("/skule/rapport").await?;
    let date = text::in_norway(town.idp.now(), "%d.%m.%Y");
    for words in ["Alle skoler", "Har MinID: 0/9", "Har MinID: 0/6", "Ikke bestemt", "Klassene: Fjorden skole", &date] {
        assert!(screen.shows(words), "{words}: {}", screen.page.body);
    }
    assert_eq!(screen.page.body.matches("<details class=\"classes\" open>").count(), 1, "{}", screen.page.body);
    screen.get(&format!("/skule/rapport/{OWNER}")).await?;
    let mut lines = screen.page.body.trim_start_matches('\u{feff}').lines();
    let heads = "Skole;Organisasjonsnummer;Klasse;Elever;Ikke bestemt;Ikke startet;Kode utstedt;Registrert;Manuell;\
                 Brev bestilt;Har MinID;For ung;Med MinID i alt;Andel med MinID i prosent (uten «For ung»);Dato";
    assert_eq!(lines.next().map(|line| line.replace('"', "")).as_deref(), Some(heads));
    assert_eq!(heads, report::HEADINGS.join(";"), "as the verb has them");
    let row = format!("\"Fjorden skole\";974589095;\"10B\";5;5;0;0;0;0;0;0;0;0;0;\"{date}\"");
    assert!(lines.any(|line| line == row), "{}", screen.page.body);
    // After its classes a school has a row, in which everybody counts once, and all schools have one.
    for row in ["\n\"Fjorden skole\";974589095;\"\";6;0;6;", "\n\"\";\"\";\"\";9;"] {
        assert!(screen.page.body.contains(row), "{row}: {}", screen.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_is_told_of_by_a_small_number() -> anyhow::Result<()> {
    let town = Town::around(TestIdp::start().await?, Place::with("974589095", "Fjorden skole", 6)?).await?;
    let mut file = town.file();
    for (class, pupils) in [("8A", 7), ("9A", 2), ("9B", 1)] {
        for _ in 0..pupils {
            writeln!(file, "974589095;Fjorden skole;{class};elev;{};Alke;Testesen", unregistered()?.fnr)?;
        }
    }
    town.take_in(&file).await?;
    let mut screen = town.staff(&town.owner).await?;
    screen.get("/skule/rapport").await?;
    // Three are too few even together: what is left of the school without all other rows is one.
    for words in ["Små klasser: 9A, 9B, 10A<", ">8A<", "Hele skolen", "Elever: 3", "Så få elever kan få MinID her"]
    {
        assert!(screen.shows(words), "{words}: {}", screen.page.body);
    }
    // A school of three has its number, and how many have MinID.
    assert!(!screen.shows(">9B<") && !screen.shows("Klassene: Åsen skole"), "{}", screen.page.body);
    screen.get(&format!("/skule/rapport/{OWNER}")).await?;
    let untold = "\"\";".repeat(8);
    for row in [
        "\"Fjorden skole\";974589095;\"8A\";7;7;0;".to_owned(),
        "\"Fjorden skole\";974589095;\"Små klasser: 9A, 9B, 10A\";9;9;0;".to_owned(),
        "\"Fjorden skole\";974589095;\"\";16;16;0;".to_owned(),
        format!("\"Åsen skole\";974589109;\"\";3;{untold}0;0;"),
        // All less those of whom it is told are three.
        format!("\"\";\"\";\"\";19;{untold}0;0;"),
    ] {
        assert!(screen.page.body.contains(&row), "{row}: {}", screen.page.body);
    }
    assert_eq!(screen.page.body.lines().count(), 6, "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn whoever_is_too_young_does_not_lag_behind() -> anyhow::Result<()> {
    let (idp, mut own) = (TestIdp::start().await?, Place::with("974589095", "Fjorden skole", 8)?);
    for (pupil, age) in [9, 10, 11].into_iter().enumerate() {
        own.pupils[pupil] = TestPerson { fnr: aged(&idp, age)?, ..unregistered()? };
    }
    for pupil in 3..8 {
        own.pupils[pupil] = idp.person().await?;
    }
    let town = Town::around(idp, own).await?;
    town.let_the_teacher_issue(&town.own).await?;
    let mut screen = town.staff(&town.own.teacher).await?;
    screen.get(&town.room(&town.own).await?).await?;
    assert!(screen.shows("Har MinID: 5/5"), "{}", screen.page.body);
    let mut screen = town.staff(&town.owner).await?;
    screen.get("/skule/rapport").await?;
    assert!(screen.shows("Har MinID: 5/5") && screen.shows("max=\"5\" value=\"5\""), "{}", screen.page.body);
    screen.get(&format!("/skule/rapport/{OWNER}")).await?;
    let row = "\"Fjorden skole\";974589095;\"10A\";8;0;0;0;0;0;0;5;3;5;100;";
    assert!(screen.shows(row), "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn many_schools_are_a_bar_each_and_opened_one_by_one() -> anyhow::Result<()> {
    let town = Town::around(TestIdp::start().await?, Place::with("974589095", "Fjorden skole", 6)?).await?;
    let mut file = town.file();
    for number in 0..10 {
        let (pupil, school) = (unregistered()?, number % 2);
        writeln!(file, "97400000{school};Bakken skole {school};10A;elev;{};Alke;Testesen", pupil.fnr)?;
    }
    town.take_in(&file).await?;
    let mut screen = town.staff(&town.owner).await?;
    screen.get("/skule/rapport").await?;
    assert_eq!(screen.page.body.matches("<details class=\"classes\">").count(), 3, "{}", screen.page.body);
    Ok(())
}

/// What somebody reads of it on their own pages.
async fn events(town: &Town, person: &TestPerson, language: &str) -> anyhow::Result<Browser> {
    let mut browser = town.idp.by_test_id(&town.idp.client().await?, person, "substantial").await?;
    browser.get(&format!("/language?to={language}&back=/profil")).await?;
    browser.get("/profil/hendelser").await?;
    Ok(browser)
}

#[tokio::test]
async fn a_citizen_reads_who_did_it_as_what_and_why() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    town.start(&mut screen, &place.pupils[0]).await?;
    let pupil = TestPerson { fnr: place.pupils[0].fnr.clone(), ..unregistered()? };
    for (language, words) in [
        ("nb", ["Gjort av skolen: kontaktlærer", "Gjort av skolen: rektor", "Du ble identifisert på skolen"]),
        ("nn", ["Gjort av skulen: kontaktlærar", "Gjort av skulen: rektor", "Du vart identifisert på skulen"]),
        ("en", ["Done by the school: contact teacher", "Done by the school: principal", "You were identified"]),
    ] {
        let browser = events(&town, &pupil, language).await?;
        for words in words {
            assert!(browser.shows(words), "{words}: {}", browser.page.body);
        }
    }
    // One employee's NEI says nothing of the others.
    let mut desk = town.staff(&place.principal).await?;
    let field = town.issues_to(place, &place.teacher, &place.pupils[0]).await?;
    desk.get(&format!("{}/elever", town.office(place).await?)).await?;
    desk.answer_as_it_stands(&[("do", "next"), (&field, "no")]).await?;
    save(&mut desk).await?;
    let browser = events(&town, &pupil, "nb").await?;
    for words in ["En ansatt på skolen kan ikke gi deg MinID", "Den ansatte kan ikke identifisere deg sikkert"] {
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }
    assert!(!browser.shows("Skolen kan ikke gi deg MinID"), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn what_the_owners_file_says_is_not_done_by_support() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let assistant = unregistered()?;
    let row = format!("974589095;Fjorden skole;10A;assistent;{};Trost;Testesen\n", assistant.fnr);
    for file in [town.file() + &row, town.file()] {
        let owner = Orgno::parse(OWNER).context("nine digits")?;
        let reader = Reader { owner: &owner, people: town.idp.app.config.people, rows_at_most: 100 };
        let roster = reader.plain(file.as_bytes()).map_err(|objections| anyhow!("{objections:?}"))?;
        let actor = Actor::Operator("Kari".into());
        let import = Import {
            owner: &owner,
            roster: &roster,
            actor,
            sender: Sender::Operator,
            seen: seen(&town.idp.app.world, &owner).await?,
            accept_removals: None,
        };
        let taken = import::apply(&town.idp.app.world, &import, town.idp.now()).await?;
        ensure!(taken.is_ok(), "not taken in");
    }
    let person = TestPerson { fnr: assistant.fnr.clone(), ..unregistered()? };
    let browser = events(&town, &person, "nb").await?;
    for words in ["Du fikk en rolle", "Du har ikke lenger en rolle", "Rolle: assistent", "Fra skoleeierens register"] {
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }
    assert!(!browser.shows("Gjort av brukerstøtte"), "{}", browser.page.body);
    Ok(())
}
