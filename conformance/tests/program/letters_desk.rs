//! `porten letter`, as the support desk and whoever looks after the post use it: what has become of somebody's letter,
//! another one, whom a letter is for, and what is late.

use std::time::Duration;

use anyhow::Context;
use authenticators::activation::Checked;
use authenticators::clock::Timestamp;
use authenticators::letter::{self, Begun, Printing};
use authenticators::person::{Person, PersonId};
use authenticators::trail::Actor;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::letters::{Post, SENDER, code_in, fnr, only_letter, resident, text_of};
use crate::outside::Gateway;
use crate::visitor::{real_fnr, young_fnr};

const DAY: Duration = Duration::from_hours(24);

/// What `person show` says of somebody's letters, the newest first.
async fn letters_of(post: &Post, nth: usize) -> anyhow::Result<Vec<Value>> {
    let said = post.desk("person show", &[&real_fnr(nth), "--json"]).await?.well()?;
    let shown: Value = serde_json::from_str(&said)?;
    shown["letters"].as_array().cloned().context("no letters")
}

async fn person(post: &Post, nth: usize) -> anyhow::Result<Person> {
    Person::by_fnr(post.world.db.pool(), &fnr(nth)?).await?.context("nobody")
}

fn operator() -> Actor {
    Actor::Operator("Kari Støtte".to_owned())
}

// The page says: has it not come after 14 days? Call.
#[tokio::test]
async fn support_orders_another_letter_for_whoever_calls() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0)]).await?;
    // Nobody has two letters in one second.
    let kari = post.order_at(0, "nn", post.world.clock.now().minus(DAY)).await?;
    post.batch().await?;
    let first = post.only_batch()?;
    let old = code_in(&text_of(&only_letter(&first)?.1)?)?;
    std::fs::remove_dir_all(first)?;
    let seen = letters_of(&post, 0).await?;
    assert_eq!((seen.len(), &seen[0]["state"]), (1, &json!("handed-over")), "{seen:?}");
    assert_eq!(seen[0]["ordered_by"], "by •••\u{a0}••\u{a0}009");
    let id = seen[0]["id"].as_str().context("no id")?;
    let words = post.desk("person show", &[&real_fnr(0)]).await?.well()?;
    let line = words.lines().find(|line| line.starts_with("letter ")).context("no letter")?;
    for part in [id, "handed-over", "ordered 2", "by •••\u{a0}••\u{a0}009", "good until 2"] {
        assert!(line.contains(part), "{part} in {line}");
    }

    assert_eq!(post.site.run("letter order", [real_fnr(0)]).await?.code, Some(2), "nobody, for no case");
    let said = post.desk("letter order", &[&real_fnr(0), "--language", "en"]).await?.well()?;
    assert!(said.starts_with("Ordered: letter ") && said.contains(", in en. The one"), "{said}");
    assert_eq!(post.check(0, &old).await?, Checked::Over, "the old letter is good as well");
    let seen = letters_of(&post, 0).await?;
    assert_eq!(seen.iter().map(|letter| &letter["state"]).collect::<Vec<_>>(), ["ordered", "returned"]);
    assert!(said.contains(seen[0]["id"].as_str().context("no id")?), "{said}");
    assert_eq!((&seen[0]["ordered_by"], &seen[1]["reason"]), (&json!("by support, case 4711"), &json!("stopped")));
    let case = json!({ "case": "4711" });
    let trail = post.trail(&kari, 10).await?;
    for kind in ["letter-ordered", "letter-stopped"] {
        assert!(trail.contains(&(kind.to_owned(), operator(), case.clone())), "{kind} in {trail:?}");
    }
    post.batch().await?;
    let text = text_of(&only_letter(&post.only_batch()?)?.1)?;
    assert!(text.contains("Activation letter"), "{text}");
    assert!(matches!(post.check(0, &code_in(&text)?).await?, Checked::Right(found) if found.person == kari));
    Ok(())
}

#[tokio::test]
async fn support_orders_the_first_letter_of_somebody_who_was_never_here() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0)]).await?;
    let said = post.desk("letter order", &[&real_fnr(0)]).await?.well()?;
    assert!(said.ends_with(", in nb.\n"), "{said}");
    assert_eq!(person(&post, 0).await?.name(), "Kari Å. Ødegård-0");
    post.batch().await?;
    assert!(text_of(&only_letter(&post.only_batch()?)?.1)?.contains("Storgata 0"));
    let help = post.site.run("letter order", ["--help"]).await?.well()?;
    assert!(help.contains("SMS"), "what a letter does not help with is not said: {help}");
    Ok(())
}

// With the letter somebody else could take the account over: its owner hears of it, whoever persuaded support.
#[tokio::test]
async fn whoever_has_minid_is_told_that_support_has_ordered() -> anyhow::Result<()> {
    let (mut post, gateway) = (Post::new(&[resident(0)]).await?, Gateway::start().await?);
    post.site.set_gateway(&gateway.url)?;
    let password = post.site.file("password", "Elva renner 7\n")?;
    let arguments = [&real_fnr(0), "--mobile", "91234567", "--password-file", password.to_str().context("odd")?];
    post.site.run("person add", arguments).await?.well()?;
    let _server = post.site.serve().await?;
    post.desk("letter order", &[&real_fnr(0)]).await?.well()?;
    let told = async {
        while gateway.messages().is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(30), told).await.context("nobody was told")?;
    let words = gateway.last()?;
    assert!(words.contains("bestilt et aktiveringsbrev i ditt navn") && words.contains("Var det ikke deg?"), "{words}");
    assert_eq!(gateway.messages()[0].json["to"], "+4791234567");
    Ok(())
}

#[tokio::test]
async fn support_is_told_who_gets_no_letter_and_why() -> anyhow::Result<()> {
    let mut dead = resident(0);
    dead["dead"] = json!(true);
    let mut homeless = resident(1);
    homeless["address"] = json!([]);
    let mut child = resident(2);
    child["fnr"] = json!(young_fnr());
    let mut post = Post::new(&[dead, homeless, child, resident(4)]).await?;
    post.site.run("person add", [real_fnr(4)]).await?.well()?;
    post.desk("person lock", &[&real_fnr(4)]).await?.well()?;
    for (who, words) in [
        (real_fnr(0), "dead"),
        (real_fnr(1), "no address"),
        (young_fnr(), "too young"),
        (real_fnr(3), "not in the population register"),
        (real_fnr(4), "locked"),
        ("12345".to_owned(), "eleven digits"),
    ] {
        let line = post.desk("letter order", &[&who]).await?.refused()?;
        assert!(line.contains(words) && !line.contains(&who), "{words}: {line}");
    }
    assert!(post.list().await?.is_empty());
    let (kind, actor, details) = post.trail(&person(&post, 4).await?.id, 1).await?.pop().context("no entry")?;
    assert_eq!((kind.as_str(), actor, details), ("looked-up", operator(), json!({ "case": "4711" })));
    assert!(Person::by_fnr(post.world.db.pool(), &fnr(0)?).await?.is_none(), "somebody who gets none is registered");
    assert_eq!(post.desk("letter order", &[&real_fnr(4), "--language", "se"]).await?.code, Some(2));
    post.site.set("population", "")?;
    let line = post.desk("letter order", &[&real_fnr(4)]).await?.refused()?;
    assert!(line.contains("population"), "{line}");
    Ok(())
}

// What the office that forwards it has in its hands is an envelope with its own address and a reference.
#[tokio::test]
async fn a_letter_to_a_protected_address_finds_whom_it_is_for() -> anyhow::Result<()> {
    let mut protected = resident(0);
    protected["protected"] = json!(true);
    let mut post = Post::new(&[protected, resident(1)]).await?;
    let via = ["Skatteetaten, vidaresending", "Postboks 9200 Grønland", "0134 OSLO"];
    post.site.set("letters", format!("sender = {SENDER:?}\nprotected_via = {via:?}"))?;
    let kari = post.order(0, "nb").await?;
    post.batch().await?;
    let text = text_of(&only_letter(&post.only_batch()?)?.1)?;
    assert!(text.contains(via[0]) && !text.contains("Ødegård"), "{text}");
    let reference = text.lines().find_map(|line| line.trim().strip_prefix("Ref. ")).context("no reference")?;
    let reference = reference.split_whitespace().next().context("no reference")?;

    assert_eq!(post.site.run("letter whose", [reference]).await?.code, Some(2), "nobody, for no case");
    let said = post.desk("letter whose", &[reference]).await?.well()?;
    for part in [real_fnr(0).as_str(), "Kari Å. Ødegård-0", reference, "handed-over"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let said = post.desk("letter whose", &[reference, "--json"]).await?.well()?;
    let told: Value = serde_json::from_str(&said)?;
    assert_eq!((&told["fnr"], &told["letter"]["id"]), (&json!(real_fnr(0)), &json!(reference)), "{told}");
    // Whoever it is for sees that somebody looked, and for which case.
    let looked = ("looked-up".to_owned(), operator(), json!({ "case": "4711", "letter": reference }));
    assert_eq!(post.trail(&kari, 2).await?, [looked.clone(), looked]);
    let line = post.desk("letter whose", &["abcdefgh23456789"]).await?.refused()?;
    assert!(line.contains("no such letter"), "{line}");
    Ok(())
}

#[tokio::test]
async fn somebody_acknowledges_a_batch_once() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0), resident(1)]).await?;
    let people = [post.order(0, "nb").await?, post.order(1, "nb").await?];
    post.batch().await?;
    let batch = post.only_batch()?.file_name().context("no name")?.to_string_lossy().into_owned();
    assert_eq!(post.site.run("letter acknowledge", [&batch]).await?.code, Some(2), "nobody said so");
    assert_eq!(post.acknowledge(&batch).await?.well()?, "Acknowledged.\n");
    assert_eq!(post.acknowledge(&batch).await?.well()?, "It was acknowledged already.\n");
    let line = post.acknowledge("2020-01-01-1").await?.refused()?;
    assert!(line.contains("no such batch"), "{line}");
    for person in &people {
        let entry = |kind: &str, actor| (kind.to_owned(), actor, json!({ "batch": batch }));
        let expected = [entry("letter-acknowledged", operator()), entry("letter-sent", Actor::System)];
        assert_eq!(post.trail(person, 2).await?, expected, "not once, and by whom");
    }
    assert_eq!(post.states().await?, ["acknowledged"; 2]);
    Ok(())
}

/// A batch that the print house got then, with one letter.
async fn batch_at(post: &Post, nth: usize, then: Timestamp) -> anyhow::Result<(String, PersonId)> {
    let person = post.order_at(nth, "nb", then).await?;
    let destination = post.folder.canonicalize()?.display().to_string();
    let printing = Printing { at_most: 10, protected_via: &[], has_test: false, destination };
    let Begun::Batch(batch) = letter::begin(&post.world, &printing, then).await? else { anyhow::bail!("no batch") };
    letter::mark_written(&post.world, &batch, then).await?;
    letter::mark_handed_over(&post.world, &batch, then).await?;
    Ok((batch.id, person))
}

async fn batches(post: &Post) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&post.site.run("letter batches", ["--json"]).await?.well()?)?)
}

/// The alarm that a timer hears.
async fn alarm(post: &Post) -> anyhow::Result<Option<String>> {
    let said = post.site.run("letter batches", ["--check"]).await?;
    match said.code {
        Some(0) if said.err.is_empty() => Ok(None),
        Some(1) if said.err.contains("alarm=\"letters\"") => Ok(said.err.lines().last().map(str::to_owned)),
        _ => anyhow::bail!("{said:?}"),
    }
}

#[tokio::test]
async fn silence_of_the_print_house_is_noticed() -> anyhow::Result<()> {
    let post = Post::new(&[resident(0), resident(1)]).await?;
    let now = post.world.clock.now();
    assert_eq!(alarm(&post).await?, None, "nothing at all is well");
    let (late, person) = batch_at(&post, 0, now.minus(DAY * 5)).await?;
    let (fresh, _) = batch_at(&post, 1, now.minus(DAY)).await?;
    let told = batches(&post).await?;
    let state = |nth: usize| {
        let batch = &told["batches"][nth];
        (batch["id"].clone(), batch["state"].clone(), batch["letters"].clone(), batch["late"].clone())
    };
    assert_eq!(state(0), (json!(fresh), json!("handed-over"), json!(1), json!(false)));
    assert_eq!(state(1), (json!(late), json!("handed-over"), json!(1), json!(true)));
    let words = post.site.run("letter batches", [""; 0]).await?.well()?;
    let line = words.lines().find(|line| line.starts_with(&late)).context("no line")?;
    assert!(line.contains("letters 1, used 0, returned 0, days 5") && line.ends_with("LATE"), "{words}");
    assert_eq!(words.matches("LATE").count(), 1, "{words}");
    let line = alarm(&post).await?.context("no alarm")?;
    assert!(line.contains("1 batches, 0 letters that wait, 0 letters"), "{line}");
    assert_eq!(post.site.run("letter batches", ["--check", "--late-after", "7"]).await?.code, Some(0));
    // It does not grow so old that nobody speaks of it any more.
    let said = post.site.run("letter batches", ["--check", "--days", "2"]).await?;
    assert!(said.code == Some(1) && said.out.contains(&late), "{said:?}");

    let id = letters_of(&post, 0).await?[0]["id"].as_str().context("no id")?.to_owned();
    post.desk("letter returned", &[&id, "--reason", "moved"]).await?.well()?;
    assert_eq!(batches(&post).await?["batches"][1]["returned"], 1);
    post.acknowledge(&late).await?.well()?;
    assert_eq!(alarm(&post).await?, None);
    assert_eq!(batches(&post).await?["batches"][1]["state"], "acknowledged");
    assert_eq!(post.trail(&person, 1).await?[0].0, "letter-acknowledged");
    Ok(())
}

#[tokio::test]
async fn letters_that_nobody_prints_or_forwards_are_noticed() -> anyhow::Result<()> {
    let mut protected = resident(1);
    protected["protected"] = json!(true);
    let mut post = Post::new(&[resident(0), protected]).await?;
    let now = post.world.clock.now();
    post.order_at(0, "nb", now.minus(DAY * 2)).await?;
    assert_eq!(alarm(&post).await?, None, "a weekend");
    assert_eq!(batches(&post).await?["waiting"]["letters"], 1);
    post.site
        .run("letter batches", ["--check", "--late-after", "1"])
        .await
        .map(|said| assert_eq!(said.code, Some(1)))?;
    let printing = |destination: &str| Printing {
        at_most: 10,
        protected_via: &[],
        has_test: false,
        destination: destination.to_owned(),
    };
    // Somebody was killed at it days ago, and no timer runs.
    let then = now.minus(DAY * 4);
    letter::begin(&post.world, &printing("/gone"), then).await?;
    let line = alarm(&post).await?.context("no alarm")?;
    assert!(line.contains("1 batches, 0 letters that wait"), "{line}");
    assert_eq!(batches(&post).await?["batches"][0]["state"], "begun");
    let id = batches(&post).await?["batches"][0]["id"].as_str().context("no id")?.to_owned();
    post.desk("letter withdraw", &[&id]).await?.well()?;
    assert_eq!(alarm(&post).await?, None);
    // A print house that is silent about the letter that tests it is silent.
    let tested = Printing { at_most: 0, has_test: true, ..printing("/print-house") };
    let then = now.minus(DAY * 5);
    let Begun::Batch(batch) = letter::begin(&post.world, &tested, then).await? else { anyhow::bail!("no batch") };
    letter::mark_written(&post.world, &batch, then).await?;
    letter::mark_handed_over(&post.world, &batch, then).await?;
    let line = alarm(&post).await?.context("no alarm")?;
    assert!(line.contains("1 batches, 0 letters that wait"), "{line}");
    post.acknowledge(&batch.id).await?.well()?;

    post.order(1, "nb").await?;
    let line = alarm(&post).await?.context("no alarm")?;
    assert!(line.ends_with("1 letters that nobody forwards"), "{line}");
    let words = post.site.run("letter batches", [""; 0]).await?.well()?;
    assert!(words.ends_with("held            letters 1, whose address nobody may know  LATE\n"), "{words}");
    post.site.set("letters", format!("sender = {SENDER:?}\nprotected_via = [\"Postboks 9200\"]"))?;
    assert_eq!(alarm(&post).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_list_of_returns_is_taken_in_whole_or_not_at_all() -> anyhow::Result<()> {
    let mut post = Post::new(&[resident(0), resident(1), resident(2)]).await?;
    let mut people = Vec::new();
    for nth in 0..3 {
        people.push(post.order(nth, "nb").await?);
    }
    post.batch().await?;
    let mut ids = Vec::new();
    for letter in post.list().await? {
        ids.push(letter["id"].as_str().context("no id")?.to_owned());
    }
    let returned =
        async |post: &Post, file: &str| post.desk("letter returned", &["--reason", "moved", "--file", file]).await;
    let path = |post: &mut Post, text: &str| -> anyhow::Result<String> {
        Ok(post.site.file("returns.csv", text)?.display().to_string())
    };
    // One row is wrong: nothing has come back.
    let file = path(&mut post, &format!("dato;referanse\n1;{}\n1;nobody\n1;{}\n", ids[0], ids[1]))?;
    let said = returned(&post, &file).await?.refused()?;
    assert!(said.contains("line 3: there is no letter \"nobody\""), "{said}");
    assert_eq!(post.states().await?, ["handed-over"; 3]);

    let file = path(&mut post, &format!("dato;referanse\n1;{}\n1;{}\n", ids[0], ids[1]))?;
    let said = returned(&post, &file).await?.well()?;
    assert_eq!(said, "Returned. Letters whose codes are not good any more: 2.\n");
    assert_eq!(post.states().await?, ["handed-over", "returned", "returned"]);
    let mut written = Vec::new();
    for person in &people {
        written.extend(post.trail(person, 1).await?);
    }
    let entry = ("letter-returned".to_owned(), operator(), json!({ "case": "4711", "reason": "moved" }));
    assert_eq!(written.iter().filter(|told| **told == entry).count(), 2, "{written:?}");
    // The same list again, and one without a heading.
    let said = returned(&post, &file).await?.refused()?;
    assert!(said.contains(&format!("line 2: letter {} has come back before", ids[0])), "{said}");
    let file = path(&mut post, &format!("{}\n", ids[2]))?;
    returned(&post, &file).await?.well()?;
    assert_eq!(post.states().await?, ["returned"; 3]);
    assert_eq!(post.desk("letter returned", &["--reason", "moved"]).await?.code, Some(2), "which letter?");
    Ok(())
}
