//! A school that goes to another owner.

use admin::school::issuing::{self, Reason, Started};
use admin::school::moving::{self, Move, Moved, Refused};
use admin::school::register;
use admin::school::report;
use anyhow::Context;
use authenticators::trail::Actor;
use conformance::idp::{TestIdp, TestPerson, unregistered};

use crate::school_import::{
    Fjorden, HEAD, OTHER, OWNER, SCHOOL, add_owner, file, id_of, is_over, kinds, let_go, orgno, somebody, take_in, well,
};

async fn moved(idp: &TestIdp, school: &str, to: &str) -> anyhow::Result<Result<Moved, Refused>> {
    let (school, to, by) = (orgno(school)?, orgno(to)?, Actor::Operator("Kari".into()));
    let wish = Move { school: &school, to: &to, reason: "inndelingslova § 4", by };
    moving::apply(&idp.app.world, &wish, idp.now()).await
}

#[tokio::test]
async fn what_came_of_the_old_owners_file_ends_at_once() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (fjorden, world) = (Fjorden::open(&idp).await?, &idp.app.world);
    let [pupil, other] = &fjorden.pupils;
    add_owner(&idp, OTHER).await?;
    fjorden.couple(&idp, &[pupil]).await?;
    let coupling = fjorden.coupling(&idp, pupil).await?.context("coupled")?;
    let shown = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
    let administrator = fjorden.administrator(&idp).await?;

    // A preview tells the same, and changes nothing.
    let (school, to, by) = (orgno(SCHOOL)?, orgno(OTHER)?, Actor::System);
    let wish = Move { school: &school, to: &to, reason: "x", by };
    let before = moving::preview(world, &wish, idp.now()).await?.map_err(|why| anyhow::anyhow!("{why:?}"))?;
    assert_eq!((before.roles, before.couplings, before.classes, before.pupils), (2, 1, 1, 2));
    assert!(fjorden.coupling(&idp, pupil).await?.is_some());

    let done = moved(&idp, SCHOOL, OTHER).await?.map_err(|why| anyhow::anyhow!("{why:?}"))?;
    assert_eq!((done.roles, done.couplings, done.pupils), (2, 1, 2));
    assert_eq!((done.from.orgno.as_str(), done.to.orgno.as_str()), (OWNER, OTHER));
    assert!(is_over(&idp, pupil, shown).await?, "the code that was shown is dead");
    let started = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
    assert!(matches!(started, Started::Refused(Reason::NotCoupled)), "{started:?}");
    let (db, rektor) = (world.db.pool(), id_of(&idp, &fjorden.rektor).await?);
    let school = administrator.school().id.as_str();
    assert!(register::may_administer(db, &rektor, school).await?.is_none());
    assert!(register::classes_taught(db, &id_of(&idp, &fjorden.teacher).await?).await?.is_empty());
    assert_eq!(kinds(&idp, &fjorden.rektor).await?[0], "school-role-ended");
    let told = kinds(&idp, pupil).await?;
    assert!(told[..2].contains(&"school-moved".to_owned()) && told[..2].contains(&"school-uncoupled".to_owned()));
    let entry = idp.trail_of(&fjorden.rektor.who).await?.remove(0);
    assert_eq!(entry.actor, Actor::Operator("Kari".into()));
    for (name, value) in [("owner", OWNER), ("to", OTHER), ("reason", "inndelingslova § 4")] {
        assert_eq!(entry.details[name], value);
    }
    assert_eq!(kinds(&idp, other).await?[0], "school-moved");
    // Nothing of it comes from the owner's register, and nobody reads that it does.
    let citizen = TestPerson { fnr: pupil.who.fnr.clone(), ..unregistered()? };
    let mut page = idp.by_test_id(&idp.client().await?, &citizen, "substantial").await?;
    page.get("/profil/hendelser").await?;
    let told = |words| page.page.body.match_indices(words).map(|(at, _)| at).collect::<Vec<usize>>();
    let (by_support, by_the_file) = (told("Gjort av brukerstøtte"), told("Fra skoleeierens register"));
    assert_eq!(by_support.len(), 2, "{}", page.page.body);
    assert!(by_the_file.iter().all(|at| *at > by_support[1]), "{}", page.page.body);
    // The old owner has no part in it, and the new one's file gives the roles and not what was decided by them.
    assert!(report::of_owner(world, &orgno(OWNER)?, idp.now()).await?.schools.is_empty());
    let reports = report::of_owner(world, &orgno(OTHER)?, idp.now()).await?.schools;
    assert_eq!((reports.len(), reports[0].tally.all()), (1, 2));
    let refused = take_in(&idp, OWNER, &fjorden.file()).await?.unwrap_err();
    assert!(refused.errors[0].to_string().contains("another school owner"), "{refused:?}");
    let taken = well(&idp, OTHER, &fjorden.file()).await?;
    assert_eq!((taken.roles.added, taken.classes.added, taken.pupils.added), (2, 0, 0));
    assert!(fjorden.coupling(&idp, pupil).await?.is_none(), "it is decided anew");
    fjorden.couple(&idp, &[pupil]).await?;
    assert!(fjorden.coupling(&idp, pupil).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_moved() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    assert!(matches!(moved(&idp, SCHOOL, OTHER).await?, Err(Refused::NoOwner)));
    add_owner(&idp, OTHER).await?;
    assert!(matches!(moved(&idp, "974589096", OTHER).await?, Err(Refused::NoSchool)));
    assert!(matches!(moved(&idp, SCHOOL, OWNER).await?, Err(Refused::Theirs)));
    assert_eq!(kinds(&idp, &fjorden.rektor).await?, ["school-role-given"], "nothing was done");
    // One that is gone from its owner's file goes as well, and whoever works elsewhere keeps their role there.
    let elsewhere = somebody("974589000;Bakken skole;;rektor", "Ravn")?;
    let_go(&idp, OWNER, &file(&[&elsewhere]), 6).await?;
    let done = moved(&idp, SCHOOL, OTHER).await?.map_err(|why| anyhow::anyhow!("{why:?}"))?;
    assert_eq!((done.roles, done.couplings, done.classes), (0, 0, 0));
    let db = idp.app.world.db.pool();
    assert_eq!(register::schools_administered(db, &id_of(&idp, &elsewhere).await?).await?.len(), 1);
    // And back.
    assert!(moved(&idp, SCHOOL, OWNER).await?.is_ok());
    let text = format!("{HEAD}\n{SCHOOL};Fjorden skole;;rektor;{};Ravn;Testesen\n", fjorden.rektor.who.fnr);
    assert_eq!(let_go(&idp, OWNER, &text, 2).await?.schools.added, 1);
    Ok(())
}
