//! `porten letter`: from the order to the print house and back. Each batch is handed over once, wherever the program is
//! killed, and no code is read after that.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use admin::letters::batch::{self, NO_CODE, Press};
use anyhow::{Context, anyhow, ensure};
use authenticators::activation::{self, ActivationCode, Checked, Source};
use authenticators::chance::Chance;
use authenticators::clock::{Clock, Timestamp};
use authenticators::contact::{Channel, Phone};
use authenticators::hashing::{Hasher, HashingConfig};
use authenticators::inbox::Inbox;
use authenticators::letter::{self, Batch, Begun, Printing, Ready};
use authenticators::mail::Mail;
use authenticators::outbound::Outbound;
use authenticators::password;
use authenticators::password_rules::Breached;
use authenticators::person::{Fnr, FnrPolicy, Person, PersonId};
use authenticators::population::Population;
use authenticators::push::Push;
use authenticators::scratch::Scratch;
use authenticators::shown;
use authenticators::sms::Sms;
use authenticators::trail::{Actor, Event, Trail};
use authenticators::vault::Vault;
use authenticators::webauthn::Webauthn;
use authenticators::world::{Tasks, World};
use idp::config::{Issuer, LettersConfig};
use migrations::Db;
use serde_json::{Value, json};
use url::Url;

use crate::outside::Gateway;
use crate::site::{Said, Site, master_key, random};
use crate::visitor::{Visitor, code_in as sms_code_in, real_fnr};

pub(crate) const SENDER: [&str; 3] = ["MinID", "Postboks 1382 Vika", "0114 OSLO"];
pub(crate) const HOUR: Duration = Duration::from_hours(1);
/// What support says of itself.
pub(crate) const SUPPORT: [&str; 4] = ["--case", "4711", "--by", "Kari Støtte"];

/// A site with a population register and a print house, and its inside.
pub(crate) struct Post {
    pub(crate) site: Site,
    pub(crate) world: World,
    pub(crate) folder: PathBuf,
}

/// Somebody who lives in a street of their own.
pub(crate) fn resident(nth: usize) -> Value {
    json!({
        "fnr": real_fnr(nth),
        "given_name": "Kari Å.",
        "family_name": format!("Ødegård-{nth}"),
        "address": [format!("Storgata {nth}"), "0155 OSLO"],
    })
}

impl Post {
    pub(crate) async fn new(residents: &[Value]) -> anyhow::Result<Post> {
        let mut site = Site::new().await?;
        let lines: Vec<String> = residents.iter().map(Value::to_string).collect();
        let register = site.file("population.jsonl", &lines.join("\n"))?;
        site.set("population", format!("file = {register:?}"))?;
        site.set("letters", format!("sender = {SENDER:?}"))?;
        let folder = site.folder.path().join("print-house");
        std::fs::create_dir(&folder)?;
        let world = world(&site, Population::open(&register)?).await?;
        Ok(Post { site, world, folder })
    }

    /// Somebody orders a letter.
    pub(crate) async fn order(&self, nth: usize, language: &str) -> anyhow::Result<PersonId> {
        self.order_at(nth, language, self.world.clock.now()).await
    }

    /// Somebody has ordered a letter then.
    pub(crate) async fn order_at(&self, nth: usize, language: &str, now: Timestamp) -> anyhow::Result<PersonId> {
        let world = &self.world;
        let person = Person::ensure(&world.db, &world.chance, &fnr(nth)?, now).await?.id;
        let at = Channel::Mobile(Phone::parse("+4740000009").context("a number")?);
        let event = Event::by_oneself("letter-ordered", &person).with("to", at.masked());
        ensure!(letter::order(world, &person, (language, &at), &event, now).await?, "one is under way");
        Ok(person)
    }

    /// The program prints, and says so.
    pub(crate) async fn batch(&self) -> anyhow::Result<String> {
        self.site.run("letter batch", [Path::new("--folder"), &self.folder]).await?.well()
    }

    /// The print house has got a batch, as somebody says.
    pub(crate) async fn acknowledge(&self, batch: &str) -> anyhow::Result<Said> {
        self.site.run("letter acknowledge", [batch, "--by", "Kari Støtte"]).await
    }

    /// Support wants something of letters.
    pub(crate) async fn desk(&self, verb: &str, arguments: &[&str]) -> anyhow::Result<Said> {
        self.site.run(verb, [arguments, &SUPPORT].concat()).await
    }

    /// The newest entries of somebody's trail, each with its kind, who did it and its details.
    pub(crate) async fn trail(&self, person: &PersonId, count: i64) -> anyhow::Result<Vec<(String, Actor, Value)>> {
        let entries = self.world.trail.of(self.world.db.pool(), person, i64::MAX, count).await?;
        Ok(entries.into_iter().map(|entry| (entry.kind, entry.actor, json!(entry.details))).collect())
    }

    /// The one batch that is there.
    pub(crate) fn only_batch(&self) -> anyhow::Result<PathBuf> {
        let names = names(&self.folder)?;
        let [name] = names.as_slice() else { anyhow::bail!("not one batch: {names:?}") };
        ensure!(!name.starts_with('.'), "{name}");
        Ok(self.folder.join(name))
    }

    pub(crate) async fn list(&self) -> anyhow::Result<Vec<Value>> {
        Ok(serde_json::from_str(&self.site.run("letter list", ["--json"]).await?.well()?)?)
    }

    /// The states of all letters, sorted.
    pub(crate) async fn states(&self) -> anyhow::Result<Vec<String>> {
        let all = self.list().await?;
        let mut states: Vec<String> = all.iter().map(|letter| letter["state"].to_string().replace('"', "")).collect();
        states.sort();
        Ok(states)
    }

    pub(crate) async fn sealed(&self) -> anyhow::Result<i64> {
        const SQL: &str = "SELECT COUNT(*) FROM letter WHERE sealed IS NOT NULL";
        Ok(sqlx::query_scalar(SQL).fetch_one(self.world.db.pool()).await?)
    }

    pub(crate) async fn check(&self, nth: usize, code: &ActivationCode) -> anyhow::Result<Checked> {
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        activation::check(&self.world, &fnr(nth)?, code, from, self.world.clock.now()).await
    }

    /// How often somebody was told that a letter was sent.
    pub(crate) async fn times_sent(&self, person: &PersonId) -> anyhow::Result<usize> {
        let entries = self.world.trail.of(self.world.db.pool(), person, i64::MAX, 100).await?;
        Ok(entries.iter().filter(|entry| entry.kind == "letter-sent").count())
    }
}

/// What is in a folder, but for what is locked in it.
pub(crate) fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| name != ".lock");
    names.sort();
    Ok(names)
}

pub(crate) fn fnr(nth: usize) -> anyhow::Result<Fnr> {
    Fnr::parse(&real_fnr(nth), FnrPolicy::default()).map_err(|problem| anyhow!("{problem:?}"))
}

/// The inside of the program, on the same database.
async fn world(site: &Site, population: Population) -> anyhow::Result<World> {
    let (db, vault, chance) = (Db::open(&site.database()).await?, Vault::parse(&master_key(7))?, Chance::System);
    let hashing = HashingConfig { memory_kib: 64, iterations: 1, parallelism: 1, threads: 1, queue: 8 };
    Ok(World {
        trail: Trail::start(&db, &vault, &chance),
        db,
        scratch: Scratch::memory(),
        clock: Clock::System,
        chance,
        vault,
        sms: Sms::Inbox(Inbox::default()),
        sms_a_day: 0,
        mail: Mail::None,
        push: Push::default(),
        population,
        hasher: Hasher::start(hashing)?,
        breached: Breached::default(),
        webauthn: Webauthn::of(&Url::parse("http://localhost")?)?,
        outbound: Outbound::new(Vec::new(), None)?,
        tasks: Tasks::default(),
    })
}

/// Runs one of poppler's programs over a PDF.
fn poppler(program: &str, arguments: &[&str], pdf: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).arg(pdf);
    if program == "pdftotext" {
        command.arg("-");
    }
    let output = command.output().with_context(|| format!("{program} (poppler-utils) is missing"))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // What pdfinfo says of the structure is no UTF-8 beyond ASCII.
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(crate) fn text_of(pdf: &Path) -> anyhow::Result<String> {
    poppler("pdftotext", &["-layout"], pdf)
}

/// The code in a letter.
pub(crate) fn code_in(text: &str) -> anyhow::Result<ActivationCode> {
    // What stands beside it is a picture.
    text.lines().find_map(ActivationCode::parse).with_context(|| format!("no code in {text}"))
}

/// The letters of a batch whose manifest tells the truth: its entries, and the files.
pub(crate) fn letters_in(batch: &Path) -> anyhow::Result<Vec<(Value, PathBuf)>> {
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(batch.join("manifest.json"))?)?;
    let letters = manifest["letters"].as_array().context("no letters")?;
    ensure!(manifest["count"] == letters.len(), "{manifest}");
    ensure!(batch.file_name().is_some_and(|name| manifest["batch"] == *name.to_string_lossy()), "{manifest}");
    ensure!(std::fs::read_dir(batch)?.count() == letters.len() + 1, "files that are not in the manifest");
    let mut found = Vec::new();
    for letter in letters {
        let file = batch.join(letter["file"].as_str().context("no file")?);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &std::fs::read(&file)?);
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        ensure!(letter["sha256"] == digest && letter["pages"] == 1, "{letter}");
        found.push((letter.clone(), file));
    }
    Ok(found)
}

/// The one letter of a batch.
pub(crate) fn only_letter(batch: &Path) -> anyhow::Result<(Value, PathBuf)> {
    let mut letters = letters_in(batch)?;
    ensure!(letters.len() == 1, "not one letter: {letters:?}");
    letters.pop().context("no letter")
}

#[tokio::test]
async fn a_letter_goes_out_and_is_acknowledged() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0), resident(1)]).await?;
    let people = [post.order(0, "nb").await?, post.order(1, "en").await?];
    assert_eq!(post.states().await?, ["ordered", "ordered"]);
    let said = post.batch().await?;
    assert!(said.starts_with("Handed over batch ") && said.ends_with("Letters: 2.\nNo more letters wait.\n"), "{said}");
    assert_eq!(post.sealed().await?, 0, "a code that can still be read");

    let batch = post.only_batch()?;
    let manifest = std::fs::read_to_string(batch.join("manifest.json"))?;
    assert!(!manifest.contains("Ødegård") && !manifest.contains(&real_fnr(0)), "{manifest}");
    let letters = letters_in(&batch)?;
    assert_eq!(letters.len(), 2);
    for (entry, file) in &letters {
        let text = text_of(file)?;
        let nth = usize::from(!text.contains("Storgata 0"));
        let (language, title) =
            if nth == 0 { ("nb", "Aktiveringsbrev for MinID") } else { ("en", "Activation letter for MinID") };
        assert_eq!((&entry["language"], &entry["kind"]), (&json!(language), &json!("letter")));
        for words in
            [title, &format!("Kari Å. Ødegård-{nth}"), "0155 OSLO", "Postboks 1382 Vika", "800\u{a0}30\u{a0}300"]
        {
            assert!(text.replace("800 30 300", "800\u{a0}30\u{a0}300").contains(words), "{words} in {text}");
        }
        assert!(!text.contains(&real_fnr(nth)), "{text}");
        let code = code_in(&text)?;
        let person = people.get(nth).context("nobody")?;
        assert!(matches!(post.check(nth, &code).await?, Checked::Right(found) if found.person == *person));
        assert_eq!(post.check(1 - nth, &code).await?, Checked::Wrong);
        assert_eq!(post.times_sent(person).await?, 1);
    }
    assert_eq!(post.states().await?, ["handed-over", "handed-over"]);

    assert_eq!(post.batch().await?, "No more letters wait.\n");
    post.only_batch()?;
    let name = batch.file_name().context("no name")?.to_string_lossy().into_owned();
    assert_eq!(post.acknowledge(&name).await?.well()?, "Acknowledged.\n");
    assert_eq!(post.states().await?, ["acknowledged", "acknowledged"]);
    let listed = post.site.run("letter list", ["--state", "acknowledged"]).await?.well()?;
    assert!(listed.lines().count() == 2 && !listed.contains("Ødegård") && !listed.contains(&real_fnr(0)), "{listed}");
    assert_eq!(post.site.run("letter list", ["--state", "used"]).await?.well()?, "");
    assert_eq!(post.site.run("letter list", ["--state", "lost"]).await?.code, Some(2));
    Ok(())
}

#[tokio::test]
async fn a_letter_that_comes_back_makes_room_for_another() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0)]).await?;
    let person = post.order(0, "nn").await?;
    assert!(post.order(0, "nn").await.is_err(), "two at once");
    post.batch().await?;
    let (_, file) = only_letter(&post.only_batch()?)?;
    let text = text_of(&file)?;
    let code = code_in(&text)?;
    assert!(text.contains("Slik gjer du"), "{text}");
    let id = file.file_stem().context("no name")?.to_string_lossy().into_owned();
    assert!(text.contains(&id), "whoever gets it back cannot tell which it is: {text}");
    let returned = ["--reason", "moved", id.as_str()];
    assert_eq!(post.site.run("letter returned", returned).await?.code, Some(2), "nobody, for no case");
    assert_eq!(post.desk("letter returned", &["--reason", "Kari sa det", &id]).await?.code, Some(2));
    post.desk("letter returned", &returned).await?.well()?;
    post.desk("letter returned", &returned).await?.refused()?;
    post.desk("letter returned", &["--reason", "moved", "abc"]).await?.refused()?;
    assert_eq!(post.list().await?[0]["reason"], "moved");
    let entry = post.world.trail.of(post.world.db.pool(), &person, i64::MAX, 1).await?.pop().context("no entry")?;
    assert_eq!((entry.kind.as_str(), entry.actor), ("letter-returned", Actor::Operator("Kari Støtte".to_owned())));
    assert_eq!(json!(entry.details), json!({ "case": "4711", "reason": "moved" }));
    assert_eq!(post.check(0, &code).await?, Checked::Over);
    post.order(0, "nn").await?;
    assert_eq!(post.states().await?, ["ordered", "returned"]);
    Ok(())
}

#[tokio::test]
async fn a_letter_whose_code_a_teacher_has_ended_makes_room_for_another() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0)]).await?;
    let person = post.order(0, "nb").await?;
    let (world, now) = (&post.world, post.world.clock.now());
    let issue = async || {
        let mut tx = world.db.begin().await?;
        let (keys, times) = ((&world.vault, &world.chance), (now, now.plus(Source::School.valid())));
        activation::issue(&mut tx, keys, &person, Source::School, times).await?;
        anyhow::Ok(tx.commit().await?)
    };
    // Before it is printed it waits, and gets a code later.
    issue().await?;
    assert!(post.order(0, "nb").await.is_err(), "two at once");
    let config = LettersConfig::of(&SENDER);
    let issuer = Issuer::try_from("http://localhost".to_owned()).map_err(anyhow::Error::msg)?;
    let press = Press { folder: &post.folder, issuer: &issuer, letters: &config };
    let later = now.plus(HOUR);
    assert!(matches!(batch::next(world, &press, later).await?, batch::Outcome::HandedOver { letters: 1, .. }));
    assert_eq!(letter::awaited(&world.db, std::slice::from_ref(&person), now).await?.len(), 1);
    assert!(post.order(0, "nb").await.is_err(), "two at once");
    let first = only_letter(&post.only_batch()?)?;
    let first = code_in(&text_of(&first.1)?)?;
    // It lies in a mailbox when the teacher shows a code, which nobody uses.
    issue().await?;
    assert_eq!(post.check(0, &first).await?, Checked::Over);
    assert!(letter::awaited(&world.db, &[person], now).await?.is_empty());
    assert_eq!(post.states().await?, ["ended"]);
    assert_eq!(post.site.run("letter list", ["--state", "ended"]).await?.well()?.lines().count(), 1);
    post.order(0, "nb").await?;
    assert!(post.order(0, "nb").await.is_err(), "two at once");
    std::fs::remove_dir_all(post.only_batch()?)?;
    assert!(matches!(batch::next(world, &press, later).await?, batch::Outcome::HandedOver { letters: 1, .. }));
    let (_, file) = only_letter(&post.only_batch()?)?;
    assert!(matches!(post.check(0, &code_in(&text_of(&file)?)?).await?, Checked::Right(_)));
    Ok(())
}

/// Where somebody pulls the plug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    Drawn,
    WritingFiles,
    FilesWritten,
    Written,
    Renamed,
    Fetched,
}

/// A batch as it is left by a program that was killed an hour ago: it, and its letters.
async fn killed(post: &Post, press: &Press<'_>, at: Killed) -> anyhow::Result<(Batch, Vec<Ready>)> {
    let then = post.world.clock.now().minus(HOUR);
    let Begun::Batch(batch) = letter::begin(&post.world, &press.printing(), then).await? else {
        anyhow::bail!("no batch");
    };
    let letters = letter::ready(&post.world, &batch, &press.printing(), then).await?;
    if at == Killed::Drawn {
        return Ok((batch, letters));
    }
    batch::write(press, &batch, &letters)?;
    let part = post.folder.join(format!(".{}.part", batch.id));
    if at == Killed::WritingFiles {
        std::fs::remove_file(part.join("manifest.json"))?;
        let first = letters.first().context("no letter")?;
        std::fs::write(part.join(format!("{}.pdf", first.id)), "half of i")?;
        std::fs::remove_file(post.folder.join(format!(".{}.mark", batch.id)))?;
    }
    if matches!(at, Killed::WritingFiles | Killed::FilesWritten) {
        return Ok((batch, letters));
    }
    letter::mark_written(&post.world, &batch, then).await?;
    if at == Killed::Written {
        return Ok((batch, letters));
    }
    batch::publish(press, &batch)?;
    if at == Killed::Fetched {
        std::fs::remove_dir_all(post.folder.join(&batch.id))?;
    }
    Ok((batch, letters))
}

#[tokio::test]
async fn killed_anywhere_a_batch_is_handed_over_once() -> anyhow::Result<()> {
    let stages =
        [Killed::Drawn, Killed::WritingFiles, Killed::FilesWritten, Killed::Written, Killed::Renamed, Killed::Fetched];
    for at in stages {
        let post = Post::new(&[resident(0), resident(1), resident(2)]).await?;
        let mut people = Vec::new();
        for nth in 0..3 {
            people.push(post.order(nth, "nb").await?);
        }
        let issuer = Issuer::try_from(format!("http://localhost:{}", post.site.port)).map_err(anyhow::Error::msg)?;
        let config = LettersConfig::of(&SENDER);
        let press = Press { folder: &post.folder, issuer: &issuer, letters: &config };
        let (batch, letters) = killed(&post, &press, at).await?;
        assert_eq!(post.sealed().await?, 3, "{at:?}");

        let said = post.batch().await?;
        assert!(said.starts_with(&format!("Handed over batch {}. Letters: 3.\n", batch.id)), "{at:?}: {said}");
        assert_eq!(post.sealed().await?, 0, "{at:?}");
        assert_eq!(post.states().await?, ["handed-over"; 3], "{at:?}");
        for person in &people {
            assert_eq!(post.times_sent(person).await?, 1, "{at:?}");
        }
        if at == Killed::Fetched {
            assert!(names(&post.folder)?.is_empty(), "handed over twice");
        } else {
            let printed = letters_in(&post.only_batch()?)?;
            assert_eq!(printed.len(), 3, "{at:?}");
            for (letter, (_, file)) in letters.iter().zip(&printed) {
                assert_eq!(file.file_stem().map(|stem| stem.to_string_lossy().into_owned()), Some(letter.id.clone()));
                assert_eq!(code_in(&text_of(file)?)?, letter.code, "{at:?}");
            }
        }
        for letter in &letters {
            let nth = (0..3).find(|nth| letter.lines.contains(&format!("Storgata {nth}"))).context("nobody's")?;
            assert!(matches!(post.check(nth, &letter.code).await?, Checked::Right(_)), "{at:?}");
        }
        assert_eq!(post.batch().await?, "No more letters wait.\n", "{at:?}");
    }
    Ok(())
}

#[tokio::test]
async fn whoever_is_at_a_batch_is_not_disturbed() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0)]).await?;
    post.order(0, "nb").await?;
    let issuer = Issuer::try_from(format!("http://localhost:{}", post.site.port)).map_err(anyhow::Error::msg)?;
    let config = LettersConfig::of(&SENDER);
    let press = Press { folder: &post.folder, issuer: &issuer, letters: &config };
    let now = post.world.clock.now();
    let Begun::Batch(batch) = letter::begin(&post.world, &press.printing(), now).await? else {
        anyhow::bail!("no batch");
    };
    let arguments = [Path::new("--folder"), &post.folder];
    let line = post.site.run("letter batch", arguments).await?.refused()?;
    assert!(line.contains("somebody is at a batch"), "{line}");
    // Somebody who was thought dead comes too late.
    let later = now.plus(HOUR);
    let again = letter::begin(&post.world, &press.printing(), later).await?;
    assert!(matches!(again, Begun::Batch(again) if again.id == batch.id));
    assert!(letter::mark_written(&post.world, &batch, later).await.is_err());
    assert!(letter::mark_handed_over(&post.world, &batch, later).await.is_err());
    Ok(())
}

// Its time at the batch is over, and it has not been killed.
#[tokio::test]
async fn whoever_has_slept_at_a_batch_is_not_overtaken() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0)]).await?;
    post.order(0, "nb").await?;
    let issuer = Issuer::try_from("http://localhost".to_owned()).map_err(anyhow::Error::msg)?;
    let config = LettersConfig::of(&SENDER);
    let press = Press { folder: &post.folder, issuer: &issuer, letters: &config };
    let asleep = std::fs::File::create(post.folder.join(".lock"))?;
    asleep.try_lock()?;
    killed(&post, &press, Killed::FilesWritten).await?;
    let before = names(&post.folder)?;
    let arguments = [Path::new("--folder"), &post.folder];
    for _ in 0..2 {
        let line = post.site.run("letter batch", arguments).await?.refused()?;
        assert!(line.contains("somebody is at a batch in"), "{line}");
    }
    assert_eq!(names(&post.folder)?, before);
    drop(asleep);
    assert!(post.batch().await?.contains("Letters: 1."));
    Ok(())
}

#[tokio::test]
async fn of_several_at_the_same_instant_one_prints() -> anyhow::Result<()> {
    let residents: Vec<Value> = (0..5).map(resident).collect();
    let post = Post::new(&residents).await?;
    for nth in 0..5 {
        post.order(nth, "nb").await?;
    }
    let run = || post.site.run("letter batch", [Path::new("--folder"), &post.folder]);
    let (one, other, third, fourth) = tokio::try_join!(run(), run(), run(), run())?;
    let said = [one, other, third, fourth].map(|said| format!("{}{}", said.out, said.err)).concat();
    assert_eq!(said.matches("Handed over").count(), 1, "{said}");
    assert!(said.contains("Letters: 5."), "{said}");
    assert_eq!(letters_in(&post.only_batch()?)?.len(), 5);
    assert_eq!(post.states().await?, ["handed-over"; 5]);
    Ok(())
}

// Codes that anybody can read lie in the first folder: nobody hands the same ones over from another, and leaves them there.
#[tokio::test]
async fn a_batch_is_finished_where_it_was_begun() -> anyhow::Result<()> {
    for at in [Killed::Drawn, Killed::WritingFiles, Killed::FilesWritten, Killed::Written, Killed::Fetched] {
        let post = Post::new(&[resident(0)]).await?;
        post.order(0, "nb").await?;
        let issuer = Issuer::try_from(format!("http://localhost:{}", post.site.port)).map_err(anyhow::Error::msg)?;
        let config = LettersConfig::of(&SENDER);
        let press = Press { folder: &post.folder, issuer: &issuer, letters: &config };
        let (batch, _) = killed(&post, &press, at).await?;
        let before = names(&post.folder)?;
        let elsewhere = post.site.folder.path().join("elsewhere");
        std::fs::create_dir(&elsewhere)?;
        let line = post.site.run("letter batch", [Path::new("--folder"), &elsewhere]).await?.refused()?;
        let place = post.folder.canonicalize()?.display().to_string();
        for words in [&format!("batch {} was begun in another place, {place},", batch.id), "letter withdraw"] {
            assert!(line.contains(words), "{at:?}: {line}");
        }
        assert_eq!((post.states().await?, names(&post.folder)?), (vec!["ordered".to_owned()], before), "{at:?}");
        // By whichever name it goes.
        let around = elsewhere.join("../print-house");
        let said = post.site.run("letter batch", [Path::new("--folder"), &around]).await?.well()?;
        assert!(said.contains("Letters: 1."), "{at:?}: {said}");
        assert!(names(&post.folder)?.iter().all(|name| !name.starts_with('.')), "{at:?}: {:?}", names(&post.folder)?);
        assert!(names(&elsewhere)?.is_empty(), "{at:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_batch_whose_place_is_gone_is_given_up_with_its_codes() -> anyhow::Result<()> {
    for at in [Killed::Drawn, Killed::FilesWritten, Killed::Written, Killed::Renamed] {
        let post = Post::new(&[resident(0), resident(1)]).await?;
        let people = [post.order(0, "nb").await?, post.order(1, "nb").await?];
        let issuer = Issuer::try_from(format!("http://localhost:{}", post.site.port)).map_err(anyhow::Error::msg)?;
        let config = LettersConfig::of(&SENDER);
        let press = Press { folder: &post.folder, issuer: &issuer, letters: &config };
        let (mut batch, letters) = killed(&post, &press, at).await?;
        let is_written = matches!(at, Killed::Written | Killed::Renamed);
        if is_written {
            // The print house may have it: whoever says nothing of that gives nothing up.
            let line = post.desk("letter withdraw", &[&batch.id]).await?.refused()?;
            assert!(line.contains("the print house may have it") && line.contains("--stopped"), "{at:?}: {line}");
            let line = post.acknowledge(&batch.id).await?.refused()?;
            assert!(line.contains("handed over without our knowing it"), "{at:?}: {line}");
        }
        let stopped = if is_written { vec![batch.id.as_str(), "--stopped"] } else { vec![batch.id.as_str()] };
        let said = post.desk("letter withdraw", &stopped).await?.well()?;
        assert!(said.contains("Letters that wait again: 2."), "{at:?}: {said}");
        post.desk("letter withdraw", &stopped).await?.refused()?;
        let line = post.acknowledge(&batch.id).await?.refused()?;
        assert!(line.contains("was withdrawn") && line.contains("destroy"), "{at:?}: {line}");
        assert_eq!((post.states().await?, post.sealed().await?), (vec!["ordered".to_owned(); 2], 0), "{at:?}");
        for person in &people {
            let (kind, actor, details) = post.trail(person, 1).await?.pop().context("no entry")?;
            assert_eq!((kind.as_str(), actor), ("letter-withdrawn", Actor::Operator("Kari Støtte".to_owned())));
            assert_eq!(details, json!({ "batch": batch.id, "case": "4711" }));
        }
        let elsewhere = post.site.folder.path().join("elsewhere");
        std::fs::create_dir(&elsewhere)?;
        let said = post.site.run("letter batch", [Path::new("--folder"), &elsewhere]).await?.well()?;
        assert!(said.contains("Letters: 2.") && !said.contains(&format!("{}.", batch.id)), "{at:?}: {said}");
        for letter in &letters {
            let nth = (0..2).find(|nth| letter.lines.contains(&format!("Storgata {nth}"))).context("nobody's")?;
            assert_eq!(post.check(nth, &letter.code).await?, Checked::Over, "{at:?}: a code that lies about is good");
        }
        // Whoever was only asleep at the first batch changes nothing of the second.
        let now = post.world.clock.now();
        assert_eq!(letter::ready(&post.world, &batch, &press.printing(), now).await?, [], "{at:?}");
        assert!(letter::keep(&post.world, &mut batch, now).await.is_err(), "{at:?}");
        assert!(letter::mark_written(&post.world, &batch, now).await.is_err(), "{at:?}");
        assert!(letter::mark_handed_over(&post.world, &batch, now).await.is_err(), "{at:?}");
        assert_eq!(post.states().await?, ["handed-over"; 2], "{at:?}");
        // Whoever comes to the first folder again leaves nothing of it there.
        assert_eq!(post.batch().await?, "No more letters wait.\n");
        let left = names(&post.folder)?;
        assert!(left.iter().all(|name| !name.starts_with('.')), "{at:?}: {left:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_batch_that_somebody_is_at_or_that_was_handed_over_is_not_given_up() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0), resident(1)]).await?;
    post.order(0, "nb").await?;
    let issuer = Issuer::try_from("http://localhost".to_owned()).map_err(anyhow::Error::msg)?;
    let config = LettersConfig::of(&SENDER);
    let press = Press { folder: &post.folder, issuer: &issuer, letters: &config };
    let now = post.world.clock.now();
    let Begun::Batch(batch) = letter::begin(&post.world, &press.printing(), now).await? else {
        anyhow::bail!("no batch");
    };
    post.desk("letter withdraw", &[&batch.id]).await?.refused()?;
    letter::release(&post.world, &batch).await?;
    post.batch().await?;
    post.desk("letter withdraw", &[&batch.id]).await?.refused()?;
    post.desk("letter withdraw", &["2020-01-01-1"]).await?.refused()?;
    assert_eq!(post.states().await?, ["handed-over"]);
    Ok(())
}

// An earlier version went on with a batch in any folder, and left what was in the first one.
#[tokio::test]
async fn letters_do_not_lie_about_once_they_were_handed_over() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0)]).await?;
    post.order(0, "nb").await?;
    post.batch().await?;
    let done = post.only_batch()?;
    let id = done.file_name().context("no name")?.to_string_lossy().into_owned();
    let (part, mark) = (post.folder.join(format!(".{id}.part")), post.folder.join(format!(".{id}.mark")));
    std::fs::create_dir(&part)?;
    std::fs::write(part.join("letter.pdf"), "a code")?;
    std::fs::write(&mark, "")?;
    // Of a batch that is not known here, and of one that is not ours.
    for name in [".2020-01-01-1.part", ".x.mark"] {
        std::fs::create_dir(post.folder.join(name))?;
    }
    assert_eq!(post.batch().await?, "No more letters wait.\n");
    assert_eq!(names(&post.folder)?, [".2020-01-01-1.part", ".x.mark", &id]);
    Ok(())
}

#[tokio::test]
async fn nobody_learns_an_address_that_nobody_may_know() -> anyhow::Result<()> {
    let mut protected = resident(0);
    protected["protected"] = json!(true);
    let mut dead = resident(1);
    dead["dead"] = json!(true);
    let mut homeless = resident(2);
    homeless["address"] = json!([]);
    let mut post = Post::new(&[protected, dead, homeless, resident(3)]).await?;
    // The fifth one is not in the register at all.
    for nth in 0..5 {
        post.order(nth, "nb").await?;
    }
    let said = post.batch().await?;
    let end = "Letters: 1.\nNo more letters wait, but for 1 whose address nobody may know.\n";
    assert!(said.ends_with(end), "{said}");
    let first = post.only_batch()?;
    let (_, file) = only_letter(&first)?;
    assert!(text_of(&file)?.contains("Storgata 3"));
    assert_eq!(post.states().await?, ["handed-over", "ordered", "returned", "returned", "returned"]);
    let mut reasons: Vec<String> =
        post.list().await?.iter().filter_map(|letter| letter["reason"].as_str().map(str::to_owned)).collect();
    reasons.sort();
    assert_eq!(reasons, ["dead", "no-address", "no-address"]);

    // An office forwards it.
    std::fs::remove_dir_all(first)?;
    let via = ["Skatteetaten, vidaresending", "Postboks 9200 Grønland", "0134 OSLO"];
    post.site.set("letters", format!("sender = {SENDER:?}\nprotected_via = {via:?}"))?;
    let said = post.batch().await?;
    assert!(said.ends_with("Letters: 1.\nNo more letters wait.\n"), "{said}");
    let (_, file) = only_letter(&post.only_batch()?)?;
    let text = text_of(&file)?;
    let id = file.file_stem().context("no name")?.to_string_lossy().into_owned();
    for line in via.into_iter().chain([format!("Ref. {id}").as_str()]) {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("Storgata") && !text.contains("Ødegård"), "{text}");
    assert!(matches!(post.check(0, &code_in(&text)?).await?, Checked::Right(_)));
    Ok(())
}

#[tokio::test]
async fn a_letter_that_cannot_be_printed_does_not_stop_the_others() -> anyhow::Result<()> {
    let mut endless = resident(0);
    endless["address"] = json!(vec!["Storgata 0"; 20]);
    let mut odd = resident(1);
    odd["given_name"] = json!("\u{feff}Kari \u{e000}");
    let post = Post::new(&[endless, odd, resident(2)]).await?;
    for nth in 0..3 {
        post.order(nth, "nb").await?;
    }
    let said = post.site.run("letter batch", [Path::new("--folder"), &post.folder]).await?;
    assert!(said.code == Some(0) && said.out.ends_with("Letters: 2.\nNo more letters wait.\n"), "{said:?}");
    assert_eq!(letters_in(&post.only_batch()?)?.len(), 2);
    assert_eq!(post.states().await?, ["handed-over", "handed-over", "returned"]);
    let listed = post.list().await?;
    let returned = listed.iter().find(|letter| letter["state"] == "returned").context("none")?;
    assert_eq!(returned["reason"], "unprintable");
    let id = returned["id"].as_str().context("no id")?;
    assert!(said.err.contains(id) && !said.err.contains("Storgata"), "{said:?}");
    assert_eq!(post.batch().await?, "No more letters wait.\n");
    Ok(())
}

// Attack: what stands in the register turns the letter round, goes over its edge, or is taken for an order to whoever prints.
#[tokio::test]
async fn whatever_somebody_is_called_their_letter_is_theirs_alone() -> anyhow::Result<()> {
    let names = [
        ("\u{202e}Ka\u{2066}ri\u{200b}\u{61c}", "Kari Ødegård-0"),
        ("Ka\r\nri\u{2028}Å.\tB", "Ka ri Å. B Ødegård-1"),
        ("Kari | \\input{x} <b>&amp;</b> %s {{7*7}}", "Kari | \\input{x} <b>&amp;</b> %s {{7*7}} Ødegård-2"),
        ("Áhkká Ŋilas Čáhppe Đorđija", "Áhkká Ŋilas Čáhppe Đorđija Ødegård-3"),
        ("Kari \u{1f600}", "Kari ? Ødegård-4"),
        ("محمد", "???? Ødegård-5"),
    ];
    let mut residents = Vec::new();
    for (nth, (name, _)) in names.iter().enumerate() {
        let mut line = resident(nth);
        line["given_name"] = json!(name);
        residents.push(line);
    }
    let mut long = resident(names.len());
    long["given_name"] = json!("Å".repeat(500));
    residents.push(long);
    let post = Post::new(&residents).await?;
    for nth in 0..residents.len() {
        post.order(nth, "nb").await?;
    }
    let said = post.site.run("letter batch", [Path::new("--folder"), &post.folder]).await?;
    assert!(said.code == Some(0) && !said.err.contains("ÅÅ"), "{said:?}");
    let letters = letters_in(&post.only_batch()?)?;
    let (mut found, mut codes) = (0, Vec::new());
    for (_, file) in &letters {
        let text = text_of(file)?;
        assert!(poppler("pdfinfo", &[], file)?.lines().any(|line| line.starts_with("Pages:") && line.ends_with(" 1")));
        assert!(!text.chars().any(|c| c != '\n' && c != '\u{c}' && shown::is_odd(c)), "{text:?}");
        let code = code_in(&text)?;
        let Some(nth) = (0..names.len()).find(|nth| text.contains(&format!("Storgata {nth}"))) else { continue };
        // A long one goes over two lines of the window, with what stands beside it in between.
        let words: Vec<&str> = text.split_whitespace().collect();
        let name = names.get(nth).context("nobody")?.1;
        assert!(name.split(' ').all(|word| words.contains(&word)), "{name} in {words:?}");
        for other in 0..names.len() {
            let checked = post.check(other, &code).await?;
            assert_eq!(matches!(checked, Checked::Right(_)), other == nth, "{other} {nth}");
        }
        codes.push(code.grouped());
        found += 1;
    }
    codes.sort();
    codes.dedup();
    assert_eq!((found, codes.len()), (names.len(), names.len()));
    // A name that no window shows is on no letter, and not half of it.
    assert_eq!((letters.len(), post.states().await?.last().map(String::as_str)), (names.len(), Some("returned")));
    Ok(())
}

#[tokio::test]
async fn whoever_has_minid_by_now_gets_no_letter() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0), resident(1)]).await?;
    let (registered, at_school) = (post.order(0, "nb").await?, post.order(1, "nb").await?);
    let (world, now) = (&post.world, post.world.clock.now());
    let mut tx = world.db.begin().await?;
    password::set(&mut tx, &registered, "$argon2id$", now).await?;
    let until = now.plus(Source::School.valid());
    let keys = (&world.vault, &world.chance);
    let (_, shown) = activation::issue(&mut tx, keys, &at_school, Source::School, (now, until)).await?;
    tx.commit().await?;
    assert_eq!(post.batch().await?, "No more letters wait.\n");
    assert!(names(&post.folder)?.is_empty());
    assert_eq!(post.states().await?, ["ordered", "returned"]);
    assert!(matches!(post.check(1, &shown).await?, Checked::Right(_)), "a code on a screen was ended");
    // A quarter of an hour later it is not on the screen any more, but somebody may have typed it a moment ago.
    let config = LettersConfig::of(&SENDER);
    let issuer = Issuer::try_from("http://localhost".to_owned()).map_err(anyhow::Error::msg)?;
    let press = Press { folder: &post.folder, issuer: &issuer, letters: &config };
    let ended = until.plus(Duration::from_secs(1));
    assert!(matches!(batch::next(world, &press, ended).await?, batch::Outcome::Nothing { .. }));
    let later: Timestamp = until.plus(activation::REGISTRATION);
    assert!(matches!(batch::next(world, &press, later).await?, batch::Outcome::HandedOver { letters: 1, .. }));
    Ok(())
}

#[tokio::test]
async fn a_code_that_a_teacher_has_ended_meanwhile_is_not_sent() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0)]).await?;
    let person = post.order(0, "nb").await?;
    let issuer = Issuer::try_from("http://localhost".to_owned()).map_err(anyhow::Error::msg)?;
    let config = LettersConfig::of(&SENDER);
    let press = Press { folder: &post.folder, issuer: &issuer, letters: &config };
    killed(&post, &press, Killed::Drawn).await?;
    let (world, now) = (&post.world, post.world.clock.now());
    let mut tx = world.db.begin().await?;
    let times = (now, now.plus(Source::School.valid()));
    let (_, shown) = activation::issue(&mut tx, (&world.vault, &world.chance), &person, Source::School, times).await?;
    tx.commit().await?;
    assert!(post.batch().await?.ends_with("Letters: 0.\nNo more letters wait.\n"));
    assert!(names(&post.folder)?.is_empty());
    assert_eq!((post.states().await?, post.sealed().await?), (vec!["ordered".to_owned()], 0));
    assert!(matches!(post.check(0, &shown).await?, Checked::Right(_)));
    Ok(())
}

#[tokio::test]
async fn the_print_house_is_tested_once_a_day() -> anyhow::Result<()> {
    // A day ends with an hour.
    crate::gateway::within_an_hour().await?;
    let mut post = Post::new(&[resident(0)]).await?;
    let test = ["Prøvemottaket", "Postboks 1", "0001 OSLO"];
    post.site.set("letters", format!("sender = {SENDER:?}\ntest_address = {test:?}"))?;
    let said = post.batch().await?;
    assert!(said.ends_with("Letters: 0.\nNo more letters wait.\n"), "{said}");
    let batch = post.only_batch()?;
    let (entry, file) = only_letter(&batch)?;
    assert_eq!(entry["kind"], "test");
    let said = text_of(&file)?;
    assert!(said.contains("Prøvemottaket") && said.contains("prøvebrev"), "{said}");
    assert!(code_in(&said).is_err() && ActivationCode::parse(NO_CODE).is_none(), "{said}");
    std::fs::remove_dir_all(batch)?;
    // The second batch of the day has letters alone.
    post.order(0, "nb").await?;
    post.batch().await?;
    let (entry, _) = only_letter(&post.only_batch()?)?;
    assert_eq!(entry["kind"], "letter");
    Ok(())
}

#[tokio::test]
async fn a_batch_that_was_given_up_has_tested_nothing() -> anyhow::Result<()> {
    crate::gateway::within_an_hour().await?;
    let mut post = Post::new(&[]).await?;
    let test = ["Prøvemottaket", "Postboks 1", "0001 OSLO"];
    post.site.set("letters", format!("sender = {SENDER:?}\ntest_address = {test:?}"))?;
    let issuer = Issuer::try_from("http://localhost".to_owned()).map_err(anyhow::Error::msg)?;
    let mut config = LettersConfig::of(&SENDER);
    config.test_address = test.map(str::to_owned).to_vec();
    let press = Press { folder: Path::new("/gone"), issuer: &issuer, letters: &config };
    let then = post.world.clock.now();
    let Begun::Batch(batch) = letter::begin(&post.world, &press.printing(), then).await? else {
        anyhow::bail!("no batch");
    };
    assert!(batch.has_test);
    letter::release(&post.world, &batch).await?;
    post.desk("letter withdraw", &[&batch.id]).await?.well()?;
    post.batch().await?;
    let (entry, _) = only_letter(&post.only_batch()?)?;
    assert_eq!(entry["kind"], "test");
    Ok(())
}

#[tokio::test]
async fn a_test_that_is_no_longer_wanted_is_not_waited_for() -> anyhow::Result<()> {
    crate::gateway::within_an_hour().await?;
    let post = Post::new(&[resident(0)]).await?;
    post.order(0, "nb").await?;
    let destination = post.folder.canonicalize()?.display().to_string();
    let printing = Printing { at_most: 10, protected_via: &[], has_test: true, destination };
    let Begun::Batch(batch) = letter::begin(&post.world, &printing, post.world.clock.now()).await? else {
        anyhow::bail!("no batch");
    };
    letter::release(&post.world, &batch).await?;
    // Printed where no address is to be tested, it has letters alone, and nobody waits to hear of another.
    post.batch().await?;
    let (entry, _) = only_letter(&post.only_batch()?)?;
    assert_eq!(entry["kind"], "letter");
    let has_test: i64 = sqlx::query_scalar("SELECT has_test FROM letter_batch WHERE id = $1")
        .bind(&batch.id)
        .fetch_one(post.world.db.pool())
        .await?;
    assert_eq!(has_test, 0);
    Ok(())
}

#[tokio::test]
async fn a_letter_names_the_address_that_is_asked_for() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0)]).await?;
    post.order(0, "nb").await?;
    let folder = post.folder.to_str().context("an odd folder")?;
    let arguments = |issuer| ["--folder", folder, "--issuer", issuer];
    let said = post.site.run("letter batch", arguments("https://innlogging.example.no/minid")).await?;
    assert_eq!(said.code, Some(2), "{said:?}");
    post.site.run("letter batch", arguments("https://innlogging.example.no")).await?.well()?;
    let text = text_of(&only_letter(&post.only_batch()?)?.1)?;
    assert!(text.contains("innlogging.example.no/registrer") && !text.contains("localhost"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_letter_is_read_aloud_in_its_order() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0)]).await?;
    post.order(0, "nb").await?;
    post.batch().await?;
    let (_, file) = only_letter(&post.only_batch()?)?;
    let tree = poppler("pdfinfo", &["-struct-text"], &file)?;
    let order = [
        "Postboks 1382 Vika",
        "Storgata 0",
        "r referanse",
        "Aktiveringsbrev for MinID",
        "Aktiveringskoden din",
        "Figure",
        "Slik gj",
        "LBody",
        "Ikke gi koden til noen",
        "Trenger du hjelp",
    ];
    let places: Vec<Option<usize>> = order.iter().map(|words| tree.find(words)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} in {tree}");
    for words in ["H1", "H2", "LI"] {
        assert!(tree.contains(words), "{words} in {tree}");
    }
    let about = poppler("pdfinfo", &[], &file)?;
    let lines: Vec<String> = about.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in ["Title: Aktiveringsbrev for MinID", "Tagged: yes", "Pages: 1"] {
        assert!(lines.iter().any(|said| said == line), "{line} in {about}");
    }
    assert!(about.contains("(A4)"), "{about}");
    Ok(())
}

/// A word on a page and the box around it, in millimetres from the left and from the top.
#[derive(Debug)]
struct Word {
    text: String,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Word {
    /// What the window of an envelope shows: 20 mm from the left and 47 mm from the top, 82 mm wide and 28 mm high.
    fn is_in_window(&self) -> bool {
        self.left >= 20.0 - 0.1 && self.right <= 102.0 && self.top >= 47.0 && self.bottom <= 75.0
    }

    /// Some of it shows there.
    fn touches_window(&self) -> bool {
        self.left < 102.0 && self.right > 20.0 && self.top < 75.0 && self.bottom > 47.0
    }
}

/// All words of a letter, where they are printed.
fn words_of(pdf: &Path) -> anyhow::Result<Vec<Word>> {
    const MM: f64 = 25.4 / 72.0;
    let said = poppler("pdftotext", &["-bbox"], pdf)?;
    let mut words = Vec::new();
    for line in said.lines().filter_map(|line| line.trim().strip_prefix("<word ")) {
        let side = |name: &str| -> anyhow::Result<f64> {
            let rest = line.split_once(&format!("{name}=\"")).context("no side")?.1;
            Ok(rest.split('"').next().context("no end")?.parse::<f64>()? * MM)
        };
        let text = line.split_once('>').and_then(|(_, rest)| rest.split_once('<')).context("no word")?.0.to_owned();
        let [left, top, right, bottom] = [side("xMin")?, side("yMin")?, side("xMax")?, side("yMax")?];
        words.push(Word { text, left, top, right, bottom });
    }
    Ok(words)
}

// The post reads the address there, and nobody else reads anything there.
#[tokio::test]
async fn the_window_of_the_envelope_shows_the_address_and_nothing_else() -> anyhow::Result<()> {
    let mut long = resident(1);
    long["given_name"] = json!("Anne-Margrethe Kristine Elisabeth Wilhelmine");
    long["address"] = json!(["c/o Samfunnshuset på Øvre Årdal", "Leilighet H0203", "Storgata 1", "9999 KÁRÁŠJOHKA"]);
    let mut protected = resident(2);
    protected["protected"] = json!(true);
    let mut post = Post::new(&[resident(0), long, protected]).await?;
    let via = ["Skatteetaten, vidaresending av fortroleg post", "Postboks 9200 Grønland", "0134 OSLO"];
    // As much above it as there can be.
    let sender = ["MinID", "Digitaliseringsdirektoratet", "Postboks 1382 Vika", "0114 OSLO", "Noreg"];
    post.site.set("letters", format!("sender = {sender:?}\nprotected_via = {via:?}"))?;
    for (nth, language) in ["nb", "nn", "en"].into_iter().enumerate() {
        post.order(nth, language).await?;
    }
    post.batch().await?;
    let letters = letters_in(&post.only_batch()?)?;
    let mut seen = Vec::new();
    for (_, file) in &letters {
        let id = file.file_stem().context("no name")?.to_string_lossy().into_owned();
        let (shown, hidden): (Vec<Word>, Vec<Word>) = words_of(file)?.into_iter().partition(Word::is_in_window);
        let half: Vec<&Word> = hidden.iter().filter(|word| word.touches_window()).collect();
        assert!(half.is_empty() && hidden.len() > 50, "beside the window, and in it: {half:?}");
        let shown: Vec<&str> = shown.iter().map(|word| word.text.as_str()).collect();
        seen.push(shown.join(" ").replace(&id, "ID"));
    }
    seen.sort();
    let expected = [
        "Anne-Margrethe Kristine Elisabeth Wilhelmine Ødegård-1 c/o Samfunnshuset på Øvre Årdal Leilighet H0203 \
         Storgata 1 9999 KÁRÁŠJOHKA",
        "Kari Å. Ødegård-0 Storgata 0 0155 OSLO",
        "Skatteetaten, vidaresending av fortroleg post Postboks 9200 Grønland 0134 OSLO Ref. ID",
    ];
    assert_eq!(seen, expected);
    Ok(())
}

/// The texts that stand in a PDF after a name such as `/Alt`: in brackets, or beyond ASCII in UTF-16 and hexadecimal.
fn texts_after(pdf: &[u8], name: &str) -> anyhow::Result<Vec<String>> {
    let ascii: String = pdf.iter().map(|byte| char::from(*byte)).collect();
    let mut texts = Vec::new();
    for rest in ascii.split(name).skip(1) {
        if let Some(text) = rest.strip_prefix('(') {
            texts.push(text.split(')').next().context("no end")?.to_owned());
        } else if let Some(digits) = rest.strip_prefix("<FEFF") {
            let digits = digits.split('>').next().context("no end")?.as_bytes().chunks(4);
            let units = digits.map(|four| anyhow::Ok(u16::from_str_radix(std::str::from_utf8(four)?, 16)?));
            texts.push(String::from_utf16(&units.collect::<anyhow::Result<Vec<u16>>>()?)?);
        }
    }
    Ok(texts)
}

// A screen reader pronounces the words by the language, spells the code, and says what the picture is.
#[tokio::test]
async fn a_letter_is_heard_in_its_language_with_its_code_and_its_picture() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0), resident(1), resident(2)]).await?;
    for (nth, language) in ["nb", "nn", "en"].into_iter().enumerate() {
        post.order(nth, language).await?;
    }
    post.batch().await?;
    let (address, mut heard) = (format!("http://localhost:{}/registrer", post.site.port), Vec::new());
    for (entry, file) in letters_in(&post.only_batch()?)? {
        let bytes = std::fs::read(&file)?;
        let mut languages = texts_after(&bytes, "/Lang")?;
        languages.dedup();
        let alternatives = texts_after(&bytes, "/Alt")?;
        heard.push((entry["language"].as_str().context("no language")?.to_owned(), languages, alternatives));
        // What is read aloud in the place of the fifteen letters: with commas, which are not printed.
        let text = text_of(&file)?;
        let code = code_in(&text)?;
        let groups: Vec<String> = code.grouped().split('-').map(spelled).collect();
        assert!(text.contains(&groups.join(", ")), "{} in {text}", groups.join(", "));
    }
    heard.sort();
    let expected = [
        ("en", "en-GB", format!("QR code that opens {address} with the code filled in.")),
        ("nb", "nb-NO", format!("QR-kode som åpner {address} med koden ferdig utfylt.")),
        ("nn", "nn-NO", format!("QR-kode som opnar {address} med koden ferdig utfylt.")),
    ];
    let expected = expected.map(|(name, code, words)| (name.to_owned(), vec![code.to_owned()], vec![words]));
    assert_eq!(heard, expected);
    Ok(())
}

/// With a space between each letter and the next.
fn spelled(letters: &str) -> String {
    letters.chars().map(String::from).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_cannot_be_printed_of_the_configuration_is_said_before_a_letter_is() -> anyhow::Result<()> {
    let mut post = Post::new(&[resident(0)]).await?;
    post.order(0, "nb").await?;
    let high = vec!["Postboks 1"; 9];
    post.site.set("letters", format!("sender = [\"MinID\\u0007\"]\nprotected_via = {high:?}"))?;
    let expected = ["letters.sender: \"MinID\\u{7}\" has characters", "letters.protected_via: too long for the window"];
    let refused = [
        post.site.run("letter batch", [Path::new("--folder"), &post.folder]).await?.refused()?,
        post.site.run("serve", [""; 0]).await?.refused()?,
        post.site.run("check", [""; 0]).await?.out,
    ];
    for words in expected {
        assert!(refused.iter().all(|said| said.contains(words)), "{words} in {refused:#?}");
    }
    assert_eq!((post.states().await?, names(&post.folder)?.len()), (vec!["ordered".to_owned()], 0));
    Ok(())
}

#[tokio::test]
async fn what_is_missing_is_said() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let folder = site.folder.path();
    let line = site.run("letter batch", [Path::new("--folder"), folder]).await?.refused()?;
    assert!(line.contains("population"), "{line}");
    let post = Post::new(&[]).await?;
    let line = post.site.run("letter batch", ["--folder", "/nowhere"]).await?.refused()?;
    assert!(line.contains("/nowhere is not a folder"), "{line}");
    assert_eq!(post.batch().await?, "No more letters wait.\n");
    assert_eq!(post.site.run("letter list", ["--json"]).await?.well()?, "[]\n");
    Ok(())
}

// Killed right after the page has said that a letter is ordered.
#[tokio::test]
async fn what_a_page_has_told_outlasts_kill_9() -> anyhow::Result<()> {
    let (mut post, gateway) = (Post::new(&[resident(0)]).await?, Gateway::start().await?);
    post.site.set_gateway(&gateway.url)?;
    let (fnr, mobile) = (real_fnr(0), format!("+479{:07}", random() % 10_000_000));
    // What comes after the page cannot be done.
    let db = post.world.db.pool();
    sqlx::query("ALTER TABLE letter RENAME TO letter_away").execute(db).await?;
    let server = post.site.serve().await?;
    let mut visitor = Visitor::new(&server.url)?;
    let mut page = visitor.get("/aktiveringsbrev/order").await?;
    page = visitor.answer(&page, &[("do", "order"), ("fnr", &fnr)]).await?;
    let turn = page.between("name=\"turn\" value=\"", "\"")?;
    page = visitor.answer(&page, &[("turn", &turn), ("do", "send"), ("mobile", &mobile)]).await?;
    let turn = page.between("name=\"turn\" value=\"", "\"")?;
    let code = sms_code_in(&gateway.last()?)?;
    page = visitor.answer(&page, &[("turn", &turn), ("do", "next"), ("code", &code)]).await?;
    page.shows(200, "Aktiveringsbrev er bestilt")?;
    server.says("is tried again", 0).await?;
    assert!(!server.said().contains(&fnr) && !server.said().contains(&mobile), "{}", server.said());
    server.kill().await?;

    sqlx::query("ALTER TABLE letter_away RENAME TO letter").execute(db).await?;
    assert!(post.states().await?.is_empty());
    // The time until the next try goes by.
    sqlx::query("UPDATE letter_wanted SET next_at = 0").execute(db).await?;
    let _server = post.site.serve().await?;
    for _ in 0..200 {
        if post.states().await? == ["ordered"] {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("no letter was ordered")
}
