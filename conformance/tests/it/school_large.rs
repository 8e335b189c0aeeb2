//! A school owner's file with many people in it: how long it takes, and that it stays as right as a small one.
//!
//! `SCHOOL_PEOPLE=1000000 cargo test -p conformance --test it school_large -- --nocapture` tells what a million cost.

use std::fmt::Write;
use std::time::Instant;

use admin::school::import::{self, Import};
use admin::school::report;
use admin::school::roster::Reader;
use anyhow::{Context, ensure};
use authenticators::trail::{Actor, Trail};
use conformance::idp::TestIdp;

use crate::school_import::{HEAD, OWNER, add_owner, orgno};

const PEOPLE: usize = 20_000;
/// Pupils of a class, and classes of a school.
const CLASS: usize = 30;
const SCHOOL: usize = 20 * CLASS;

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

/// A file with so many pupils, and a teacher for each class.
fn file(people: usize) -> anyhow::Result<String> {
    let (mut text, mut numbers) = (format!("{HEAD}\n"), numbers());
    for number in 0..people {
        let (school, class) = (974_000_000 + number / SCHOOL, number / CLASS % 20);
        if number % CLASS == 0 {
            let fnr = numbers.next().context("no more numbers")?;
            writeln!(text, "{school};Skole {school};{class}A;kontaktlærer;{fnr};Lærer;Nummer{number}")?;
        }
        let fnr = numbers.next().context("no more numbers")?;
        writeln!(text, "{school};Skole {school};{class}A;elev;{fnr};Fornavn;Etternavn{number}")?;
    }
    Ok(text)
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
    let (owner, text) = (orgno(OWNER)?, file(people)?);
    let started = now();
    let roster = Reader { owner: &owner, people: idp.app.config.people }.plain(text.as_bytes());
    let roster = roster.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    took("read", started);
    let import = Import { owner: &owner, roster: &roster, actor: Actor::System, client: None, accept_removals: None };
    let started = now();
    let preview = import::preview(world, &import).await?.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    took("preview", started);
    assert_eq!(preview.pupils.added, people);
    assert!(preview.lines.len() <= 501, "as much as somebody reads");
    let started = now();
    let done =
        import::apply(world, &import, idp.now()).await?.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    took("apply", started);
    assert_eq!((done.pupils.added, done.roles.added), (people, people.div_ceil(CLASS)));
    let told = i64::try_from(people + people.div_ceil(CLASS))?;
    assert_eq!(Trail::verify(&world.db).await?, told, "each of them can read of it");
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
