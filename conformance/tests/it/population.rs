//! The population register changes while Porten runs: it is read again, deaths count from their day on, and accounts go
//! over to new numbers.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use authenticators::person::{Fnr, Person};
use authenticators::population::Population;
use authenticators::trail::Actor;
use authenticators::{account, notice};
use conformance::browser::Browser;
use conformance::idp::{TestIdp, TestPerson, unregistered};
use conformance::overheard::listen;
use idp::minid::Minid;
use idp::{notify, numbers, text};
use serde_json::{Value, json};
use tempfile::TempDir;
use tracing::Instrument;

use crate::forgotten::arrived;
use crate::letter_order::{by_another_phone, order, resident, under_way};

const DAY: Duration = Duration::from_hours(24);
const TOLD: &str = "Folkeregisteret melder at du har fått nytt fødselsnummer";

/// A Porten whose population register is a file.
struct Country {
    idp: TestIdp,
    file: PathBuf,
    _folder: TempDir,
}

impl Country {
    /// Nobody lives there yet but one, who is not of interest.
    async fn open(minid: Minid) -> anyhow::Result<Country> {
        let folder = TempDir::new()?;
        let file = folder.path().join("population.jsonl");
        fs::write(&file, resident(&unregistered()?, json!({})).to_string())?;
        let population = Population::open(&file)?;
        let idp = TestIdp::with(|setup| (setup.population, setup.minid) = (population, minid)).await?;
        Ok(Country { idp, file, _folder: folder })
    }

    /// A new file is put in the place of the old one.
    fn says(&self, lines: &[Value]) -> anyhow::Result<()> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let new = self.file.with_extension("new");
        fs::write(&new, text)?;
        Ok(fs::rename(new, &self.file)?)
    }

    /// What is done once a day.
    async fn next_day(&self) -> anyhow::Result<()> {
        self.idp.advance(DAY);
        idp::clean(&self.idp.app, self.idp.now()).await?;
        notify::deliver_due(&self.idp.app).await
    }
}

/// What the register says of somebody who has another number than before.
fn renumbered(has: &TestPerson, had: &[&TestPerson]) -> Value {
    resident(has, json!({ "former": had.iter().map(|had| had.fnr.as_str()).collect::<Vec<_>>() }))
}

fn fnr_of(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Fnr> {
    Fnr::parse(&person.fnr, idp.app.config.people).map_err(|problem| anyhow::anyhow!("{problem:?}"))
}

/// The identifier that a service gets from a login.
async fn pid(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Value> {
    let client = idp.client().await?;
    let mut browser: Browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(idp, person).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    Ok(conformance::idp::claims(&tokens["id_token"])?["pid"].clone())
}

#[tokio::test]
async fn who_dies_after_the_start_is_closed_and_a_broken_file_closes_nobody() -> anyhow::Result<()> {
    let country = Country::open(Minid::default()).await?;
    let idp = &country.idp;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let is_dead = async |person: &TestPerson| anyhow::Ok(idp.row_of(person).await?.is_dead());
    country.next_day().await?;
    country.says(&[resident(&kari, json!({ "dead": true })), resident(&ola, json!({}))])?;
    country.next_day().await?;
    assert!(is_dead(&kari).await? && !is_dead(&ola).await?);
    // What cannot be read is told to whoever watches the log, and nobody is named there.
    let listener = listen();
    for wrong in [format!("{}\n{{\"fnr\":", resident(&ola, json!({ "dead": true }))), String::new()] {
        fs::write(&country.file, wrong)?;
        country.next_day().instrument(listener.span()).await?;
    }
    fs::remove_file(&country.file)?;
    country.next_day().instrument(listener.span()).await?;
    let told: Vec<String> = listener.own_lines().into_iter().filter(|line| line.contains("alarm=population")).collect();
    assert!(told.len() == 3 && told.iter().all(|line| line.contains(" ERROR ")), "{told:?}");
    assert!(!told.iter().any(|line| line.contains(&ola.fnr)), "{told:?}");
    assert!(!is_dead(&ola).await?);
    // Ola was in the file that was good last, and still has an address.
    order(idp, &by_another_phone(&ola)?).await?;
    idp.app.world.tasks.settle().await;
    assert!(under_way(idp, &ola).await?.is_some());
    country.says(&[resident(&ola, json!({ "dead": true }))])?;
    country.next_day().await?;
    assert!(is_dead(&ola).await?);
    Ok(())
}

#[tokio::test]
async fn a_register_that_is_cut_short_changes_nothing() -> anyhow::Result<()> {
    let country = Country::open(Minid::default()).await?;
    let idp = &country.idp;
    let people = (0..100).map(|_| unregistered()).collect::<anyhow::Result<Vec<_>>>()?;
    let lines: Vec<Value> = people.iter().map(|person| resident(person, json!({}))).collect();
    let known =
        async |person: &TestPerson| anyhow::Ok(idp.app.world.population.find(&fnr_of(idp, person)?).await?.is_some());
    country.says(&lines)?;
    country.next_day().await?;
    assert!(known(&people[99]).await?);
    // One in ten may go, and no more at once.
    country.says(&lines[..89])?;
    let listener = listen();
    country.next_day().instrument(listener.span()).await?;
    assert!(known(&people[99]).await?, "it was taken for the whole country");
    let told = listener.own_lines();
    assert!(told.iter().any(|line| line.contains("alarm=population") && line.contains("has 89 people, and had 100")));
    country.says(&lines[..90])?;
    country.next_day().await?;
    assert!(!known(&people[99]).await? && known(&people[89]).await?);
    Ok(())
}

#[tokio::test]
async fn nobody_is_dead_before_their_day() -> anyhow::Result<()> {
    let country = Country::open(Minid::default()).await?;
    let (idp, kari) = (&country.idp, country.idp.person().await?);
    let day = text::in_norway(idp.now().plus(DAY * 5), "%Y-%m-%d");
    country.says(&[resident(&kari, json!({ "dead_on": day }))])?;
    for _ in 0..3 {
        country.next_day().await?;
        assert!(!idp.row_of(&kari).await?.is_dead());
    }
    order(idp, &by_another_phone(&kari)?).await?;
    idp.app.world.tasks.settle().await;
    assert!(under_way(idp, &kari).await?.is_some(), "nor is a letter held back");
    for _ in 0..3 {
        country.next_day().await?;
    }
    assert!(idp.row_of(&kari).await?.is_dead());
    Ok(())
}

#[tokio::test]
async fn an_account_goes_over_to_the_new_number() -> anyhow::Result<()> {
    let country = Country::open(Minid::default()).await?;
    let (idp, kari) = (&country.idp, country.idp.person().await?);
    let new = TestPerson { fnr: unregistered()?.fnr, ..kari.clone() };
    assert_eq!(pid(idp, &kari).await?, kari.fnr.as_str());
    let before = idp.row_of(&kari).await?;
    country.says(&[renumbered(&new, &[&kari])])?;
    for _ in 0..3 {
        country.next_day().await?;
    }
    let after = idp.row_of(&new).await?;
    assert!(after.id == before.id && after.fnr.as_str() == new.fnr, "{after:?}");
    let trail = idp.trail_of(&new).await?;
    let changed: Vec<_> = trail.iter().filter(|entry| entry.kind == "number-changed").collect();
    let [entry] = changed.as_slice() else { anyhow::bail!("{trail:?}") };
    assert_eq!(entry.actor, Actor::Register);
    for to in [&kari.phone, &kari.email] {
        assert_eq!(arrived(idp, to, TOLD), 1);
        let told = idp.arrives(to, TOLD).await?.text;
        assert!(told.contains("Er det feil? Ring 800\u{a0}30\u{a0}300") && !told.contains("Brukerstøtte"), "{told}");
    }
    // By either number it is the same account, and services get the new one.
    assert_eq!(pid(idp, &new).await?, new.fnr.as_str());
    assert_eq!(pid(idp, &kari).await?, new.fnr.as_str());
    Ok(())
}

#[tokio::test]
async fn who_has_an_account_by_each_number_is_left_to_the_desk() -> anyhow::Result<()> {
    let country = Country::open(Minid::default()).await?;
    let idp = &country.idp;
    // Kari has one by each number; Ola has two, and both are former; Per has one, and nothing is in its way.
    let (kari, kari_new) = (idp.person().await?, idp.person().await?);
    let (ola, ola_too, ola_new) = (idp.person().await?, idp.person().await?, unregistered()?);
    let (per, per_new) = (idp.person().await?, unregistered()?);
    country.says(&[
        renumbered(&kari_new, &[&kari]),
        renumbered(&ola_new, &[&ola, &ola_too]),
        renumbered(&per_new, &[&per]),
    ])?;
    let listener = listen();
    country.next_day().instrument(listener.span()).await?;
    for untouched in [&kari, &kari_new, &ola, &ola_too] {
        assert_eq!(idp.row_of(untouched).await?.fnr.as_str(), untouched.fnr);
        assert_eq!(arrived(idp, &untouched.phone, TOLD), 0);
    }
    assert_eq!(idp.row_of(&per).await?.fnr.as_str(), per_new.fnr);
    let told: Vec<String> = listener.own_lines().into_iter().filter(|line| line.contains("two accounts")).collect();
    assert!(told.len() == 1 && told.iter().all(|line| line.contains("accounts=3")), "{told:?}");
    assert!(![&kari, &ola, &per].iter().any(|person| told.iter().any(|line| line.contains(&person.fnr))), "{told:?}");
    let due = numbers::due(&idp.app.world).await?;
    let mut had: Vec<&str> = due.conflicts.iter().map(|one| one.had.as_str()).collect();
    let mut expected = [&kari, &ola, &ola_too].map(|person| person.fnr.as_str());
    had.sort_unstable();
    expected.sort_unstable();
    assert!(had == expected && due.changes.is_empty(), "{due:?}");
    Ok(())
}

// Attack, or accident: a file in which very many have become others.
#[tokio::test]
async fn a_file_that_gives_many_new_numbers_gives_nobody_one() -> anyhow::Result<()> {
    let country = Country::open(Minid { new_numbers_a_day: 2, ..Minid::default() }).await?;
    let idp = &country.idp;
    let mut moves = Vec::new();
    for _ in 0..3 {
        moves.push((idp.person().await?, unregistered()?));
    }
    let lines = |many: &[(TestPerson, TestPerson)]| -> Vec<Value> {
        many.iter().map(|(had, has)| renumbered(has, &[had])).collect()
    };
    country.says(&lines(&moves))?;
    let listener = listen();
    country.next_day().instrument(listener.span()).await?;
    for (had, _) in &moves {
        assert_eq!(idp.row_of(had).await?.fnr.as_str(), had.fnr, "three are one too many");
        assert_eq!(arrived(idp, &had.phone, TOLD), 0);
    }
    let told: Vec<String> =
        listener.own_lines().into_iter().filter(|line| line.contains("alarm=new-numbers")).collect();
    assert!(told.len() == 1 && told.iter().all(|line| line.contains("people=3")), "{told:?}");
    // One in which two change places cannot be believed at all, and the one before it goes on being good.
    country.says(&[renumbered(&moves[0].0, &[&moves[1].0]), renumbered(&moves[1].0, &[&moves[0].0])])?;
    country.next_day().await?;
    assert_eq!(idp.row_of(&moves[0].0).await?.fnr.as_str(), moves[0].0.fnr);
    country.says(&lines(&moves[..2]))?;
    country.next_day().await?;
    let numbers = [idp.row_of(&moves[0].0).await?.fnr, idp.row_of(&moves[1].0).await?.fnr];
    assert_eq!(numbers.map(|fnr| fnr.as_str().to_owned()), [moves[0].1.fnr.clone(), moves[1].1.fnr.clone()]);
    Ok(())
}

#[tokio::test]
async fn who_has_died_under_another_number_is_closed_and_told_nothing() -> anyhow::Result<()> {
    let country = Country::open(Minid::default()).await?;
    let (idp, kari, new) = (&country.idp, country.idp.person().await?, unregistered()?);
    let mut line = renumbered(&new, &[&kari]);
    line["dead"] = json!(true);
    country.says(&[line])?;
    country.next_day().await?;
    let row: Person = idp.row_of(&kari).await?;
    assert!(row.is_dead() && row.fnr == fnr_of(idp, &new)?, "{row:?}");
    assert!(!account::was_taken_for_dead(&idp.app.world, &row, idp.now()).await?);
    assert!(notice::take_due(&idp.app.world.db, idp.now()).await?.is_empty());
    assert_eq!(idp.messages_to(&kari.phone).len() + idp.messages_to(&kari.email).len(), 0);
    Ok(())
}
