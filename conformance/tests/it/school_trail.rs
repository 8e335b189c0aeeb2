//! What the trail tells of schools: each step with who, as what, where and why, and what was denied as well.

use std::time::Duration;

use admin::endpoints::import as endpoint;
use admin::school::{register, told};
use authenticators::person::Person;
use authenticators::trail::{Actor, Entry, Trail};
use axum::http::StatusCode;
use conformance::idp::{TestIdp, TestPerson, unregistered};
use futures_util::future::join_all;
use serde_json::Value;

use crate::school::{Town, aged, choose_password, to_the_password};
use crate::school_import::{
    Fjorden, OTHER, OWNER, SCHOOL, add_owner, by_a_test, id_of, let_go, orgno, post, tell, token_of, well,
};

/// The owner's entries of a kind, the newest first.
async fn of_owner(idp: &TestIdp, owner: &str, kind: &str) -> anyhow::Result<Vec<Entry>> {
    let world = &idp.app.world;
    world.trail.settle().await?;
    let all = world.trail.of_organisation(world.db.pool(), owner, (i64::MAX, 1000)).await?;
    Ok(all.into_iter().filter(|entry| entry.kind == kind).collect())
}

/// Somebody's entries of a kind, the newest first.
async fn of(idp: &TestIdp, person: &TestPerson, kind: &str) -> anyhow::Result<Vec<Entry>> {
    Ok(idp.trail_of(person).await?.into_iter().filter(|entry| entry.kind == kind).collect())
}

/// What an entry says under these names.
fn details<const N: usize>(entry: &Entry, names: [&str; N]) -> [String; N] {
    names.map(|name| entry.details.get(name).and_then(Value::as_str).unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_file_tells_by_name_what_it_changes() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let [added] = <[Entry; 1]>::try_from(of_owner(&idp, OWNER, "school-class-added").await?).expect("one class");
    assert_eq!(
        details(&added, ["school", "school_orgno", "class", "role", "reason"]),
        ["Fjorden skole", SCHOOL, "10A", "operator", "roster"]
    );
    assert_eq!(of_owner(&idp, OWNER, "school-added").await?.len(), 1);

    let renamed = fjorden.file().replace("Fjorden skole", "Fjorden ungdomsskole").replace("Åse", "Åsne");
    well(&idp, OWNER, &renamed.replace("Lise;", "Liv;")).await?;
    let told = of_owner(&idp, OWNER, "school-renamed").await?;
    assert_eq!(told.len(), 1);
    assert_eq!(
        details(&told[0], ["before", "name", "school_orgno"]),
        ["Fjorden skole", "Fjorden ungdomsskole", SCHOOL]
    );
    for (person, before, name, role) in [
        (&fjorden.pupils[0].who, "Åse Testesen", "Åsne Testesen", "operator"),
        (&fjorden.teacher.who, "Lise Testesen", "Liv Testesen", "contact-teacher"),
    ] {
        let told = of(&idp, person, "school-name-changed").await?;
        assert_eq!(told.len(), 1);
        let names = ["before", "name", "school", "class", "role", "reason"];
        assert_eq!(details(&told[0], names), [before, name, "Fjorden ungdomsskole", "10A", role, "roster"]);
    }
    assert!(of(&idp, &fjorden.pupils[1].who, "school-name-changed").await?.is_empty());
    // The pupil reads it.
    let citizen = TestPerson { fnr: fjorden.pupils[0].who.fnr.clone(), ..unregistered()? };
    let mut page = idp.by_test_id(&idp.client().await?, &citizen, "substantial").await?;
    page.get("/profil/hendelser").await?;
    assert!(page.shows("Skolen endret navnet den har på deg") && page.shows("Åsne Testesen"), "{}", page.page.body);

    // Another school takes its place, and it comes back.
    let_go(&idp, OWNER, &renamed.replace(SCHOOL, "974589096"), 6).await?;
    let gone = of_owner(&idp, OWNER, "school-removed").await?;
    assert_eq!(details(&gone[0], ["school_orgno", "reason"]), [SCHOOL, "roster"]);
    let gone = of_owner(&idp, OWNER, "school-class-removed").await?;
    assert_eq!(details(&gone[0], ["school_orgno", "class"]), [SCHOOL, "10A"]);
    let_go(&idp, OWNER, &renamed, 6).await?;
    let added = of_owner(&idp, OWNER, "school-added").await?;
    assert_eq!(details(&added[0], ["school_orgno", "school"]), [SCHOOL, "Fjorden ungdomsskole"]);
    assert_eq!(added.len(), 3);
    assert!(Trail::verify(&idp.app.world.db).await? > 0);
    Ok(())
}

#[tokio::test]
async fn who_adds_an_owner_or_a_school_says_why() -> anyhow::Result<()> {
    use admin::school::{import, register::Owner};
    let idp = TestIdp::start().await?;
    let owner = Owner { orgno: orgno(OWNER)?, name: "Fjord kommune".to_owned() };
    assert!(import::add_owner(&idp.app.world, &owner, by_a_test(), idp.now()).await?);
    assert!(!import::add_owner(&idp.app.world, &owner, by_a_test(), idp.now()).await?);
    let school = (&orgno(SCHOOL)?, "Fjorden skole");
    import::add_school(&idp.app.world, &owner.orgno, school, by_a_test(), idp.now()).await?;
    for kind in ["school-owner-added", "school-added"] {
        let told = of_owner(&idp, OWNER, kind).await?;
        assert_eq!(told.len(), 1);
        assert_eq!(details(&told[0], ["role", "reason"]), ["operator", "avtale 4711"]);
        assert_eq!(told[0].actor, Actor::Operator("Kari".to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn a_registration_by_a_schools_code_tells_whose_code_it_was() -> anyhow::Result<()> {
    let town = Town::open().await?;
    town.let_the_teacher_issue(&town.own).await?;
    let pupil = &town.own.pupils[0];
    let mut screen = town.staff(&town.own.teacher).await?;
    let code = town.start(&mut screen, pupil).await?;
    let mut phone = to_the_password(&town, pupil, code.as_str()).await?;
    choose_password(&mut phone).await?;
    let told = of(&town.idp, pupil, "registered").await?;
    let teacher = town.idp.row_of(&town.own.teacher).await?.id;
    assert_eq!(
        details(&told[0], ["source", "issued_by", "issued_as", "school", "school_orgno", "class"]),
        ["school", teacher.as_str(), "contact-teacher", "Fjorden skole", "974589095", "10A"]
    );
    Ok(())
}

#[tokio::test]
async fn the_owner_reads_who_reached_for_which_class_and_they_learn_nothing_by_it() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let outsider = &town.other.teacher;
    let (class, office) = (town.room(&town.own).await?, town.office(&town.own).await?);
    let mut desk = town.staff(outsider).await?;
    for path in [&class, &office, &format!("/skule/rapport/{}", crate::school::OWNER), &"/skule/klasse/x".to_owned()] {
        desk.get(path).await?;
        assert_eq!(desk.page.status, StatusCode::NOT_FOUND, "{path}");
    }
    let own = of(&town.idp, outsider, "school-denied").await?;
    assert_eq!(own.len(), 4);
    for entry in &own {
        assert_eq!(details(entry, ["role", "reason"]), ["contact-teacher", "not-theirs"]);
        assert!(!entry.details.contains_key("school") && !entry.details.contains_key("class"), "{entry:?}");
    }
    let told = of_owner(&town.idp, crate::school::OWNER, "school-denied").await?;
    let names = ["route", "role", "school", "class", "reason"];
    let told: Vec<[String; 5]> = told.iter().rev().map(|entry| details(entry, names)).collect();
    let (school, role, reason) = ("Fjorden skole", "contact-teacher", "not-theirs");
    assert_eq!(
        told,
        [
            ["/skule/klasse/{class}", role, school, "10A", reason].map(str::to_owned),
            ["/skule/{school}/{class}", role, school, "10A", reason].map(str::to_owned),
            ["/skule/rapport/{owner}", role, "", "", reason].map(str::to_owned),
        ]
    );
    // Whoever has no role at all.
    let nobody = unregistered()?;
    let mut desk = town.staff(&nobody).await?;
    desk.get(&class).await?;
    let told = of_owner(&town.idp, crate::school::OWNER, "school-denied").await?;
    assert_eq!(details(&told[0], ["role"]), ["none"]);
    assert_eq!(told[0].actor, Actor::Person(town.idp.row_of(&nobody).await?.id));
    Ok(())
}

#[tokio::test]
async fn a_machine_that_is_denied_is_told_of() -> anyhow::Result<()> {
    const PATH: &str = "/skule/api/import";
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::new()?;
    add_owner(&idp, OWNER).await?;
    let send = async |token: &str| post(&idp, (PATH, "text/csv"), token, fjorden.file()).await;
    // Who comes without a good token is nobody that could be told.
    assert_eq!(send("x").await?.status, StatusCode::UNAUTHORIZED);
    assert!(of_owner(&idp, OWNER, "school-denied").await?.is_empty());
    let narrow = token_of(&idp, OWNER, "other:scope").await?;
    assert_eq!(send(&narrow).await?.status, StatusCode::FORBIDDEN);
    assert_eq!(tell(&idp, &format!("{PATH}?result=x"), &narrow).await?.status, StatusCode::FORBIDDEN);
    let good = token_of(&idp, OWNER, endpoint::SCOPE).await?;
    assert_eq!(send(&good).await?.status, StatusCode::UNPROCESSABLE_ENTITY, "a school that nobody has");
    let stranger = token_of(&idp, OTHER, endpoint::SCOPE).await?;
    assert_eq!(send(&stranger).await?.status, StatusCode::FORBIDDEN);
    let told = of_owner(&idp, OWNER, "school-denied").await?;
    let reasons: Vec<[String; 2]> = told.iter().map(|entry| details(entry, ["reason", "role"])).collect();
    let by_machine = |reason: &str| [reason, "owner-system"].map(str::to_owned);
    assert_eq!(reasons, ["new-school", "insufficient-scope", "insufficient-scope"].map(by_machine));
    assert_eq!(details(&told[0], ["school_orgno"]), [SCHOOL]);
    assert!(told.iter().all(|entry| entry.details.contains_key("client")), "{told:?}");
    let told = of_owner(&idp, OTHER, "school-denied").await?;
    assert_eq!(told.iter().map(|entry| details(entry, ["reason"])).collect::<Vec<_>>(), [["no-owner"]]);
    Ok(())
}

#[tokio::test]
async fn a_code_that_was_refused_is_told_with_why() -> anyhow::Result<()> {
    let mut town = Town::open().await?;
    town.own.pupils[0] = town.idp.person().await?;
    town.own.pupils[1] = TestPerson { fnr: aged(&town.idp, 11)?, ..unregistered()? };
    town.take_in(&town.file()).await?;
    town.let_the_teacher_issue(&town.own).await?;
    let row = town.idp.row_of(&town.own.pupils[2]).await?;
    Person::lock(town.idp.app.world.db.pool(), &row.id, "support", town.idp.now()).await?;
    let mut screen = town.staff(&town.own.teacher).await?;
    let teacher = town.idp.row_of(&town.own.teacher).await?.id;
    for (pupil, reason) in town.own.pupils.iter().zip(["has-minid", "too-young", "locked"]) {
        let path = town.pupil_path(&town.own, pupil).await?;
        let csrf = screen.get(&path).await?.csrf()?;
        screen.post(&path, &[("csrf", &csrf), ("once", reason), ("do", "start")]).await?;
        assert_eq!(screen.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let told = of(&town.idp, pupil, "school-code-refused").await?;
        assert_eq!(told.len(), 1, "{reason}");
        assert_eq!(told[0].actor, Actor::Person(teacher.clone()));
        let names = ["reason", "role", "school", "class"];
        assert_eq!(details(&told[0], names), [reason, "contact-teacher", "Fjorden skole", "10A"]);
    }
    Ok(())
}

#[tokio::test]
async fn staff_who_are_left_outside_are_told_of() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (principal, pool) = (&town.own.principal, town.idp.app.world.db.pool());
    let row = town.idp.row_of(principal).await?;
    let mut desk = town.idp.by_test_id(&town.client, principal, "high").await?;
    town.idp.advance(Duration::from_secs(1));
    Person::lock(pool, &row.id, "support", town.idp.now()).await?;
    desk.get("/skule").await?;
    assert!(desk.shows("Du kommer ikke inn nå"), "{} {}", desk.at, desk.page.body);
    let told = of(&town.idp, principal, "school-denied").await?;
    assert_eq!(told.len(), 1);
    assert_eq!(details(&told[0], ["reason", "role"]), ["locked", "principal"]);
    // They read it once they are let in again.
    Person::unlock(pool, &row.id).await?;
    let mut page = town.idp.by_test_id(&town.client, principal, "high").await?;
    page.get("/profil/hendelser").await?;
    assert!(page.shows("Kontoen var sperret"), "{}", page.page.body);
    Ok(())
}

#[tokio::test]
async fn a_school_that_is_moved_is_told_to_both_owners() -> anyhow::Result<()> {
    use admin::school::moving::{self, Move};
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    add_owner(&idp, OTHER).await?;
    let (school, to) = (orgno(SCHOOL)?, orgno(OTHER)?);
    let wish = Move { school: &school, to: &to, reason: "inndelingslova § 4", by: by_a_test().by };
    assert!(moving::apply(&idp.app.world, &wish, idp.now()).await?.is_ok());
    for owner in [OWNER, OTHER] {
        let told = of_owner(&idp, owner, "school-moved").await?;
        assert_eq!(told.len(), 1);
        let names = ["owner", "to", "school_orgno", "reason"];
        assert_eq!(details(&told[0], names), [OWNER, OTHER, SCHOOL, "inndelingslova § 4"]);
    }
    let pupil = id_of(&idp, &fjorden.pupils[0]).await?;
    assert!(register::some_title(idp.app.world.db.pool(), &pupil).await?.is_none());
    Ok(())
}

// Attack: denials that fill the trail.
#[tokio::test]
async fn who_asks_again_and_again_fills_nobodys_trail() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (nobody, report) = (unregistered()?, format!("/skule/rapport/{}", crate::school::OWNER));
    let desk = town.staff(&nobody).await?;
    let count = usize::try_from(told::DENIALS_AT_MOST)? + 50;
    let ask = |_| {
        let (mut desk, report) = (desk.clone(), report.clone());
        async move { anyhow::Ok(desk.get(&report).await?.page.status) }
    };
    for status in join_all((0..count).map(ask)).await {
        assert_eq!(status?, StatusCode::NOT_FOUND);
    }
    for told in [
        of(&town.idp, &nobody, "school-denied").await?,
        of_owner(&town.idp, crate::school::OWNER, "school-denied").await?,
    ] {
        assert_eq!(told.len(), count - 50);
        assert_eq!(told.iter().filter(|entry| entry.details.get("more").is_some()).count(), 1, "the last one says so");
    }
    // Nor does a machine.
    let idp = &town.idp;
    let narrow = token_of(idp, OTHER, "other:scope").await?;
    for _ in 0..count {
        let denied = tell(idp, "/skule/api/import?result=x", &narrow).await?;
        assert_eq!(denied.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(of_owner(idp, OTHER, "school-denied").await?.len(), count - 50);
    // Another hour, another hundred.
    idp.advance(Duration::from_hours(1));
    let mut desk = town.staff(&nobody).await?;
    desk.get(&report).await?;
    assert_eq!(of(idp, &nobody, "school-denied").await?.len(), count - 49);
    Ok(())
}

#[tokio::test]
async fn what_nobody_waits_for_is_written_once_it_can_be() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (nobody, db) = (unregistered()?, town.idp.app.world.db.pool());
    let mut desk = town.staff(&nobody).await?;
    sqlx::query("ALTER TABLE event RENAME TO event_away").execute(db).await?;
    desk.get("/skule/klasse/x").await?;
    assert_eq!(desk.page.status, StatusCode::NOT_FOUND, "who is denied does not wait for it");
    assert!(town.idp.app.world.trail.settle().await.is_err(), "it is not written");
    sqlx::query("ALTER TABLE event_away RENAME TO event").execute(db).await?;
    for _ in 0..100 {
        if !of(&town.idp, &nobody, "school-denied").await?.is_empty() {
            Trail::verify(&town.idp.app.world.db).await?;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the denial is lost")
}
