//! A school owner's file, and a school that goes to another owner, stopped dead in the middle; and what the trail tells of
//! each step.

use std::future::poll_fn;
use std::task::Poll;

use admin::school::import::{self, Import, Sender};
use admin::school::issuing::{self, Started};
use admin::school::moving::{self, Move};
use admin::school::register;
use anyhow::{Context, bail, ensure};
use authenticators::person::{Fnr, Person};
use authenticators::trail::{Actor, Trail};
use conformance::idp::TestIdp;
use serde_json::Value;

use crate::school_import::{
    Fjorden, HEAD, OTHER, OWNER, SCHOOL, Somebody, add_owner, file, id_of, kinds, orgno, seen, somebody, well,
};

/// Lets work take so many turns, and then stops it dead; what came of it, if it was done by then.
async fn stopped_after<T>(turns: usize, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut left) = (Box::pin(work), turns);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// Stops work after one turn, two and so on until it is done, and looks each time whether all is as it was. Where the
/// word to commit had gone out when it was stopped, it is done all the same: whoever calls looks whether all of it is.
async fn stopped_everywhere<T, W, L>(work: impl Fn() -> W, as_it_was: impl Fn() -> L) -> anyhow::Result<()>
where
    W: Future<Output = anyhow::Result<T>>,
    L: Future<Output = anyhow::Result<()>>,
{
    let mut turns = 1;
    loop {
        if let Some(done) = stopped_after(turns, work()).await {
            return done.map(|_| ());
        }
        if let Err(why) = as_it_was().await {
            // SQLite's thread may answer before it is asked for the answer: several statements can be one turn.
            ensure!(turns > 1, "it was done in {turns} turns: {why:#}");
            return Ok(());
        }
        turns += 1 + turns / 8;
        ensure!(turns < 100_000, "it is never done");
    }
}

#[tokio::test]
async fn a_file_that_is_stopped_in_the_middle_has_done_nothing() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let world = &idp.app.world;
    add_owner(&idp, OWNER).await?;
    let (owner, fjorden) = (orgno(OWNER)?, Fjorden::new()?);
    let pupil = || somebody(&format!("{SCHOOL};Fjorden skole;10A;elev"), "Spurv");
    let many = (0..250).map(|_| pupil()).collect::<anyhow::Result<Vec<Somebody>>>()?;
    let mut all = vec![&fjorden.rektor, &fjorden.teacher];
    all.extend(&many);
    let roster = idp.reader(&owner).plain(file(&all).as_bytes());
    let roster = roster.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    let import = Import {
        owner: &owner,
        roster: &roster,
        actor: Actor::System,
        sender: Sender::Operator,
        seen: seen(&idp.app.world, &owner).await?,
        accept_removals: None,
    };
    let fnr = |one: &&Somebody| Fnr::parse(&one.who.fnr, idp.app.config.people).ok().context("a number");
    let fnrs = all.iter().map(fnr).collect::<anyhow::Result<Vec<Fnr>>>()?;
    let fnrs: Vec<&Fnr> = fnrs.iter().collect();
    let stopped = stopped_everywhere(
        || import::apply(world, &import, idp.now()),
        || async {
            ensure!(register::schools(world.db.pool(), &owner).await?.is_empty(), "a school is there");
            ensure!(Trail::verify(&world.db).await? == 0, "something is told");
            Ok(())
        },
    );
    stopped.await?;
    // Now all of it is there, and told.
    assert_eq!(Person::known(&world.db, &fnrs).await?.len(), 252);
    // The owner as well: of the file, a school and a class.
    assert_eq!(Trail::verify(&world.db).await?, 255);
    for one in [&many[0], &many[249]] {
        assert_eq!(kinds(&idp, one).await?, ["school-pupil-added"]);
    }

    // A file that takes somebody away, with what was decided of them.
    let [kept, gone] = [&many[0], &many[1]];
    fjorden.couple(&idp, &[kept, gone]).await?;
    let coupling = fjorden.coupling(&idp, gone).await?.context("coupled")?;
    let Started::Code(..) = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await? else {
        bail!("no code")
    };
    let before = Trail::verify(&world.db).await?;
    let less = file(&all.iter().copied().filter(|one| one.who.fnr != gone.who.fnr).collect::<Vec<_>>());
    let roster = idp.reader(&owner).plain(less.as_bytes());
    let roster = roster.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    let import = Import {
        owner: &owner,
        roster: &roster,
        actor: Actor::System,
        sender: Sender::Operator,
        seen: seen(&idp.app.world, &owner).await?,
        accept_removals: None,
    };
    let stopped = stopped_everywhere(
        || import::apply(world, &import, idp.now()),
        || async {
            ensure!(fjorden.coupling(&idp, gone).await?.is_some(), "it is decided otherwise");
            ensure!(Trail::verify(&world.db).await? == before, "something is told");
            Ok(())
        },
    );
    stopped.await?;
    let told = idp.trail_of(&gone.who).await?;
    let told: Vec<_> = told.iter().map(|entry| (entry.kind.as_str(), entry.details["reason"].as_str())).collect();
    assert_eq!(told[..2], [("school-uncoupled", Some("left-class")), ("school-pupil-removed", Some("left-class"))]);
    assert!(fjorden.coupling(&idp, kept).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn a_school_that_is_stopped_on_its_way_has_stayed_where_it_was() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (fjorden, world) = (Fjorden::open(&idp).await?, &idp.app.world);
    add_owner(&idp, OTHER).await?;
    let [pupil, other] = &fjorden.pupils;
    fjorden.couple(&idp, &[pupil]).await?;
    let (school, to, before) = (orgno(SCHOOL)?, orgno(OTHER)?, Trail::verify(&world.db).await?);
    let by = || Actor::Operator("Kari".into());
    let stopped = stopped_everywhere(
        || async {
            let wish = Move { school: &school, to: &to, reason: "inndelingslova", by: by() };
            moving::apply(world, &wish, idp.now()).await
        },
        || async {
            ensure!(fjorden.coupling(&idp, pupil).await?.is_some(), "it is decided otherwise");
            ensure!(Trail::verify(&world.db).await? == before, "something is told");
            Ok(())
        },
    );
    stopped.await?;
    for one in [pupil, other] {
        assert!(kinds(&idp, one).await?.contains(&"school-moved".to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn every_step_says_who_did_it_as_what_where_and_why() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (fjorden, world) = (Fjorden::open(&idp).await?, &idp.app.world);
    let [pupil, other] = &fjorden.pupils;
    fjorden.couple(&idp, &[pupil, other]).await?;
    let coupling = fjorden.coupling(&idp, pupil).await?.context("coupled")?;
    for _ in 0..2 {
        let Started::Code(..) = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await? else {
            bail!("no code")
        };
    }
    issuing::wrong_name(world, &coupling, idp.now()).await?;
    ensure!(issuing::not_qualified(world, &coupling, idp.now()).await?, "may not");
    // The other leaves the class, and then the teacher leaves it.
    well(&idp, OWNER, &file(&[&fjorden.rektor, &fjorden.teacher, pupil])).await?;
    fjorden.couple(&idp, &[pupil]).await?;
    well(&idp, OWNER, &file(&[&fjorden.rektor, pupil])).await?;
    let mut told = Vec::new();
    for one in [&fjorden.rektor, &fjorden.teacher, pupil, other] {
        for entry in idp.trail_of(&one.who).await? {
            let said = |name: &str| entry.details.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            ensure!(!said("role").is_empty() && said("school_orgno") == SCHOOL, "{entry:?}");
            ensure!(said("school") == "Fjorden skole" && entry.at <= idp.now(), "{entry:?}");
            ensure!(said("class") == "10A" || said("role") == "principal", "{entry:?}");
            told.push((entry.kind.clone(), said("reason")));
        }
    }
    told.sort_unstable();
    told.dedup();
    let told: Vec<(&str, &str)> = told.iter().map(|(kind, reason)| (kind.as_str(), reason.as_str())).collect();
    assert_eq!(
        told,
        [
            ("school-authorised", "may-issue"),
            ("school-code-ended", "wrong-name"),
            ("school-code-issued", "identified"),
            ("school-code-issued", "new-code"),
            ("school-coupled", "can-identify"),
            ("school-not-identified", "cannot-identify"),
            ("school-pupil-added", "roster"),
            ("school-pupil-removed", "left-class"),
            ("school-role-ended", "left-role"),
            ("school-role-given", "roster"),
            ("school-uncoupled", "left-class"),
            ("school-uncoupled", "left-role"),
        ]
    );
    // And the pupil reads where it was, also of what came by a file.
    let client = idp.client().await?;
    let mut browser = idp.by_test_id(&client, &other.who, "substantial").await?;
    browser.get("/profil/hendelser").await?;
    for words in ["Skolen tok deg ut av en klasse", "Fjorden skole", "10A"] {
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn somebody_with_an_old_number_and_a_new_one_is_one_pupil() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let (world, pupil) = (&idp.app.world, &fjorden.pupils[0]);
    let row = idp.row_of(&pupil.who).await?;
    let new = somebody(&pupil.place, pupil.name)?;
    let to = Fnr::parse(&new.who.fnr, idp.app.config.people).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    let mut tx = world.db.begin().await?;
    ensure!(Person::change_fnr(&mut tx, &row, &to, idp.now()).await?, "not changed");
    tx.commit().await?;
    let class = fjorden.class(&idp).await?;
    let text = format!("{}{}", fjorden.file(), file(&[&new]).replace(&format!("{HEAD}\n"), ""));
    well(&idp, OWNER, &text).await?;
    assert_eq!(register::members(world.db.pool(), &class.id).await?.len(), 2);
    let fnrs = [&to, &row.fnr];
    let known = Person::known(&world.db, &fnrs).await?;
    assert!(known.values().all(|id| *id == row.id) && known.len() == 2);
    // Nor does the file change anything when it comes again.
    assert!(well(&idp, OWNER, &text).await?.is_empty());
    assert_eq!(id_of(&idp, pupil).await?, row.id);
    Ok(())
}

#[tokio::test]
async fn somebody_with_two_numbers_is_told_once_of_a_class_that_is_new() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (fjorden, policy) = (Fjorden::open(&idp).await?, idp.app.config.people);
    let (pupil, teacher) = (&fjorden.pupils[0], &fjorden.teacher);
    let mut again = Vec::new();
    for (one, place) in [(pupil, "10B;elev"), (teacher, "10B;faglærer")] {
        let place = format!("{SCHOOL};Fjorden skole;{place}");
        let row = idp.row_of(&one.who).await?;
        let (old, new) = (Somebody { who: one.who.clone(), place, name: one.name }, somebody("", one.name)?);
        let to = Fnr::parse(&new.who.fnr, policy).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
        let mut tx = idp.app.world.db.begin().await?;
        ensure!(Person::change_fnr(&mut tx, &row, &to, idp.now()).await?, "not changed");
        tx.commit().await?;
        again.push(Somebody { place: old.place.clone(), ..new });
        again.push(old);
    }
    let text =
        format!("{}{}", fjorden.file(), file(&again.iter().collect::<Vec<_>>()).replace(&format!("{HEAD}\n"), ""));
    let done = well(&idp, OWNER, &text).await?;
    assert_eq!((done.classes.added, done.pupils.added, done.roles.added), (1, 1, 1), "{done:?}");
    assert_eq!(kinds(&idp, pupil).await?, ["school-pupil-added", "school-pupil-added"], "of 10A, and of 10B");
    assert_eq!(kinds(&idp, teacher).await?, ["school-role-given", "school-role-given"]);
    assert!(well(&idp, OWNER, &text).await?.is_empty());
    Ok(())
}
