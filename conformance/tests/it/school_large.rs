//! A school owner's file with many people in it: how long it takes, and that it stays as right as a small one.
//!
//! `SCHOOL_PEOPLE=1000000 cargo test -p conformance --test it school_large -- --nocapture` tells what a million cost.

use std::fmt::Write;
use std::time::{Duration, Instant};

use admin::school::import::{self, Import, Naming, Sender};
use admin::school::register::{self, Orgno};
use admin::school::report;
use admin::school::roster::Roster;
use anyhow::{Context, bail, ensure};
use authenticators::person::{Fnr, Person};
use authenticators::trail::{Actor, Trail};
use conformance::idp::TestIdp;
use conformance::overheard;
use tracing::Instrument;

use crate::school_import::{
    Fjorden, HEAD, OTHER, OWNER, SCHOOL as FJORDEN, Somebody, add_owner, file as file_of, kinds, orgno, seen, somebody,
    well,
};

const PEOPLE: usize = 20_000;
/// Pupils of a class, classes and pupils of a school, and its teachers.
const CLASS: usize = 25;
const CLASSES: usize = 10;
const SCHOOL: usize = CLASSES * CLASS;
const TEACHERS: usize = 20;

/// Synthetic numbers, each another.
fn numbers() -> impl Iterator<Item = String> {
    let days = (50..90).flat_map(|year| (81..93).flat_map(move |month| (1..29).map(move |day| (day, month, year))));
    days.flat_map(|(day, month, year)| (100..499).filter_map(move |n| whole(&format!("{day:02}{month}{year}{n}"))))
}

/// Nine digits with the two that check them.
fn whole(nine: &str) -> Option<String> {
    let mut digits: Vec<u32> = nine.chars().filter_map(|digit| digit.to_digit(10)).collect();
    for weights in [&[3, 7, 6, 1, 8, 9, 4, 5, 2][..], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]] {
        let sum: u32 = weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum();
        let check = (11 - sum % 11) % 11;
        digits.push((check < 10).then_some(check)?);
    }
    Some(digits.iter().filter_map(|digit| char::from_digit(*digit, 10)).collect())
}

/// A file with so many pupils in classes of one year or another: each class has a contact teacher and four teachers of
/// subjects, who teach in all of the school's, and each school a head.
fn file(people: usize, year: usize) -> anyhow::Result<String> {
    let (mut text, mut numbers) = (format!("{HEAD}\n"), numbers());
    let mut next = || numbers.next().context("no more numbers");
    let mut staff = Vec::new();
    for number in 0..people {
        let (school, class) = (974_000_000 + number / SCHOOL, number / CLASS % CLASSES);
        let place = format!("{school};Skole {school}");
        if number % SCHOOL == 0 {
            staff = (0..TEACHERS).map(|_| next()).collect::<anyhow::Result<Vec<String>>>()?;
            writeln!(text, "{place};;rektor;{};Rektor;Nummer{number}", next()?)?;
        }
        let class_name = format!("{}{}", (class + year) % CLASSES, "A");
        if number % CLASS == 0 {
            for subject in 0..5 {
                let title = if subject == 0 { "kontaktlærer" } else { "faglærer" };
                let which = (class * 2 + subject * 3) % TEACHERS;
                let fnr = staff.get(which).context("nobody")?;
                writeln!(text, "{place};{class_name};{title};{fnr};Lærer;Nummer{which}")?;
            }
        }
        writeln!(text, "{place};{class_name};elev;{};Fornavn;Etternavn{number}", next()?)?;
    }
    Ok(text)
}

/// Roles in such a file.
fn roles(people: usize) -> usize {
    people.div_ceil(SCHOOL) + 5 * people.div_ceil(CLASS)
}

#[expect(clippy::disallowed_methods, reason = "what it costs is measured")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "whoever measures reads it")]
fn took(what: &str, since: Instant) {
    println!("{what}: {:.1} s", since.elapsed().as_secs_f64());
}

/// How many people somebody who measures wants.
#[expect(clippy::disallowed_methods, reason = "whoever measures says how many")]
fn people() -> usize {
    std::env::var("SCHOOL_PEOPLE").ok().and_then(|count| count.parse().ok()).unwrap_or(PEOPLE)
}

#[tokio::test]
async fn a_large_file_is_taken_in_like_a_small_one() -> anyhow::Result<()> {
    let people = people();
    let idp = TestIdp::start().await?;
    let world = &idp.app.world;
    add_owner(&idp, OWNER).await?;
    let (owner, text) = (orgno(OWNER)?, file(people, 0)?);
    let started = now();
    let roster = idp.reader(&owner).plain(text.as_bytes());
    let roster = roster.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    took("read", started);
    let import = Import {
        owner: &owner,
        roster: &roster,
        actor: Actor::System,
        sender: Sender::Operator,
        seen: seen(world, &owner).await?,
        accept_removals: None,
    };
    let started = now();
    let preview = import::preview(world, &import, Naming::Rows).await?;
    let preview = preview.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    took("preview", started);
    assert_eq!(preview.pupils.added, people);
    assert!(preview.lines.len() <= 501, "as much as somebody reads");
    let started = now();
    let done =
        import::apply(world, &import, idp.now()).await?.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    took("apply", started);
    assert_eq!((done.pupils.added, done.roles.added), (people, roles(people)));
    let places = done.schools.added + done.classes.added;
    let told = i64::try_from(people + roles(people) + places + 1)?;
    assert_eq!(Trail::verify(&world.db).await?, told, "each of them can read of it, and the owner of each place");
    let started = now();
    let again =
        import::apply(world, &import, idp.now()).await?.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    took("apply again", started);
    ensure!(again.is_empty() && Trail::verify(&world.db).await? == told, "the same file again changes nothing");
    let told = report::of_owner(world, &owner, idp.now()).await?;
    let counted: u32 = told.schools.iter().map(|school| school.tally.all()).sum();
    assert_eq!((usize::try_from(counted)?, usize::try_from(told.tally.all())?), (people, people));
    Ok(())
}

/// Reads a file of an owner's.
fn read(idp: &TestIdp, text: &str) -> anyhow::Result<(Orgno, Roster)> {
    let owner = orgno(OWNER)?;
    let roster = idp.reader(&owner).plain(text.as_bytes());
    let roster = roster.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    Ok((owner, roster))
}

/// How many statements so many people take.
async fn statements(people: usize) -> anyhow::Result<[usize; 3]> {
    let idp = TestIdp::start().await?;
    add_owner(&idp, OWNER).await?;
    let mut counts = Vec::new();
    // A first file, the same again, and that of the next year, in which everybody is in another class.
    for year in [0, 0, 1] {
        let text = file(people, year)?;
        let listener = overheard::listen();
        well(&idp, OWNER, &text).instrument(listener.span()).await?;
        counts.push(listener.statements().len());
    }
    counts.try_into().map_err(|_| anyhow::anyhow!("three files"))
}

#[tokio::test]
async fn a_thousand_people_more_are_some_statements_more() -> anyhow::Result<()> {
    let (one, two) = (statements(1_000).await?, statements(2_000).await?);
    for ((one, two), at_most) in one.into_iter().zip(two).zip([120, 40, 180]) {
        let more = two.checked_sub(one).context("fewer")?;
        ensure!((1..at_most).contains(&more), "{one} and then {two}, {more} more and not {at_most} at the most");
    }
    Ok(())
}

/// Waits until somebody is known by their number.
async fn known(idp: &TestIdp, somebody: &Somebody) -> anyhow::Result<()> {
    let fnr = Fnr::parse(&somebody.who.fnr, idp.app.config.people).map_err(|why| anyhow::anyhow!("{why:?}"))?;
    for _ in 0..10_000 {
        if Person::by_fnr(idp.app.world.db.pool(), &fnr).await?.is_some() {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
    bail!("they are never known")
}

#[tokio::test]
async fn whoever_is_in_a_file_logs_in_while_it_is_taken_in() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    if !idp.is_on_postgres() {
        // The other engine lets one write at a time.
        return Ok(());
    }
    let (fjorden, client) = (Fjorden::open(&idp).await?, idp.client().await?);
    let (world, class) = (idp.app.world.clone(), fjorden.class(&idp).await?);
    let newcomer = somebody(&format!("{FJORDEN};Fjorden skole;10A;elev"), "Cato")?;
    let (owner, roster) = read(&idp, &file_of(&[&fjorden.rektor, &fjorden.teacher, &newcomer]))?;
    // Somebody decides something in a class, and what ends in it waits for them.
    let mut held = world.db.begin().await?;
    ensure!(register::bump(&mut held, &class.id, class.version).await?, "somebody was there before");
    let (importing, now) = (world.clone(), idp.now());
    let work = tokio::spawn(async move {
        let import = Import {
            owner: &owner,
            roster: &roster,
            actor: Actor::System,
            sender: Sender::Operator,
            seen: seen(&importing, &owner).await?,
            accept_removals: None,
        };
        import::apply(&importing, &import, now).await
    });
    known(&idp, &newcomer).await?;
    let login = idp.by_test_id(&client, &newcomer.who, "substantial");
    tokio::time::timeout(Duration::from_secs(10), login).await.context("they wait for the file")??;
    ensure!(!work.is_finished(), "it was over before");
    assert_eq!(kinds(&idp, &newcomer).await?, ["login"], "and they are told of nothing that is not so yet");
    held.commit().await?;
    let done = work.await??.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    assert_eq!((done.pupils.added, done.pupils.removed), (1, 2));
    assert_eq!(kinds(&idp, &newcomer).await?[0], "school-pupil-added");
    Ok(())
}

#[tokio::test]
async fn of_two_files_that_come_at_once_one_is_taken_in() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    if !idp.is_on_postgres() {
        // There, whoever comes second has not begun to read.
        return Ok(());
    }
    let (fjorden, world) = (Fjorden::open(&idp).await?, idp.app.world.clone());
    let [pupil, other] = &fjorden.pupils;
    let newcomer = somebody(&format!("{FJORDEN};Fjorden skole;10A;elev"), "Cato")?;
    // Two files come at once, of which each leaves somebody out. One waits for the other's end, and is then the older one
    // for all that is known.
    let mut held = world.db.begin().await?;
    register::change(&mut held, &orgno(OWNER)?).await?;
    let mut work = Vec::new();
    for stays in [pupil, other] {
        let (owner, roster) = read(&idp, &file_of(&[&fjorden.rektor, &fjorden.teacher, &newcomer, stays]))?;
        let (world, now) = (world.clone(), idp.now());
        work.push(tokio::spawn(async move {
            let import = Import {
                owner: &owner,
                roster: &roster,
                actor: Actor::System,
                sender: Sender::Operator,
                seen: seen(&world, &owner).await?,
                accept_removals: None,
            };
            import::apply(&world, &import, now).await
        }));
    }
    known(&idp, &newcomer).await?;
    held.rollback().await?;
    let (mut added, mut refused) = (0, 0);
    for work in work {
        match work.await?? {
            Ok(done) => added += done.pupils.added,
            Err(objections) if objections.is_superseded => refused += 1,
            Err(objections) => bail!("{objections:?}"),
        }
    }
    assert_eq!((added, refused), (1, 1), "the newcomer by one of them, and nothing by the other");
    let class = fjorden.class(&idp).await?;
    assert_eq!(register::members(world.db.pool(), &class.id).await?.len(), 2);
    assert_eq!(kinds(&idp, &newcomer).await?, ["school-pupil-added"]);
    Trail::verify(&world.db).await?;
    Ok(())
}

#[tokio::test]
async fn what_another_process_writes_meanwhile_waits_and_does_not_fail() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    add_owner(&idp, OWNER).await?;
    let elsewhere = idp.elsewhere().await?;
    if !idp.is_on_postgres() {
        // Nearly as long as a request is waited for: it was ten seconds, and a large file takes longer on a small machine.
        let (patience,): (i64,) =
            sqlx::query_as("SELECT timeout FROM pragma_busy_timeout").fetch_one(elsewhere.pool()).await?;
        ensure!((20_000..30_000).contains(&patience), "a write waits {patience} ms");
    }
    let (owner, roster) = read(&idp, &file(2_000, 0)?)?;
    let (world, now) = (idp.app.world.clone(), idp.now());
    let work = tokio::spawn(async move {
        let import = Import {
            owner: &owner,
            roster: &roster,
            actor: Actor::System,
            sender: Sender::Operator,
            seen: seen(&world, &owner).await?,
            accept_removals: None,
        };
        import::apply(&world, &import, now).await
    });
    let mut written = 0;
    while !work.is_finished() {
        let mut tx = elsewhere.begin().await?;
        register::change(&mut tx, &orgno(OTHER)?).await?;
        tx.commit().await?;
        written += 1;
    }
    work.await??.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    ensure!(written > 0, "nothing was written meanwhile");
    Ok(())
}
