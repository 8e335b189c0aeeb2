//! `porten person` and `porten audit`: the life of an account, what the trail tells of it, and people from elsewhere.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::outside::Gateway;
use crate::site::{Said, Site};
use crate::visitor::{Person, Service, Visitor, code_in, real_fnr};

/// What support says of itself.
const SUPPORT: [&str; 4] = ["--case", "4711", "--by", "Kari Støtte"];

/// Made by others, of the password `Elva renner 7`.
const PBKDF2: &str = "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$yi2mzpKV+jyiJI4DPqbMNF4TZwM0RS0MAKWIid8Dl3c";
const BCRYPT: &str = "$2b$04$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NGi";

/// Support does something, for a case.
async fn support(site: &Site, verb: &str, arguments: &[&str]) -> anyhow::Result<Said> {
    site.run(verb, [arguments, &SUPPORT].concat()).await
}

async fn show(site: &Site, fnr: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&support(site, "person show", &[fnr, "--json"]).await?.well()?)?)
}

/// The trail of somebody. That support looks is in it the next time.
async fn trail(site: &Site, fnr: &str) -> anyhow::Result<Vec<Value>> {
    Ok(serde_json::from_str(&support(site, "person trail", &[fnr, "--json"]).await?.well()?)?)
}

fn kinds(entries: &[Value]) -> Vec<&str> {
    entries.iter().filter_map(|entry| entry["kind"].as_str()).collect()
}

/// Imports these lines from a file.
async fn import(site: &Site, lines: &[String]) -> anyhow::Result<Said> {
    let file = site.file("people.ndjson", &(lines.join("\n") + "\n"))?;
    site.run("person import", ["--file", file.to_str().context("an odd folder")?]).await
}

#[tokio::test]
async fn a_lock_shows_and_is_opened_again() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let person = Person::register(&site).await?;
    let fnr = person.fnr.as_str();
    assert!(support(&site, "person lock", &[fnr]).await?.well()?.starts_with("Locked"));
    assert_eq!(show(&site, fnr).await?["standing"], "locked");
    assert_eq!(support(&site, "person lock", &[fnr]).await?.well()?, "It was locked already.\n");
    assert!(support(&site, "person open", &[fnr]).await?.well()?.starts_with("Open"));
    let shown = show(&site, fnr).await?;
    assert_eq!((&shown["standing"], &shown["minid"]), (&json!("normal"), &json!(true)), "{shown}");
    assert_eq!(
        kinds(&trail(&site, fnr).await?),
        ["looked-up", "opened", "looked-up", "locked"],
        "what changed nothing is not there"
    );
    Ok(())
}

// A register may be wrong about a death, and then it says so.
#[tokio::test]
async fn whoever_was_taken_for_dead_is_opened_once_the_register_says_that_they_live() -> anyhow::Result<()> {
    let mut site = Site::new().await?;
    let person = Person::register(&site).await?;
    let fnr = person.fnr.as_str();
    let line = |dead: bool| json!({ "fnr": fnr, "given_name": "", "family_name": "", "dead": dead }).to_string();
    let register = site.file("population.jsonl", &line(true))?;
    site.set("population", format!("file = {register:?}"))?;
    assert_eq!(support(&site, "person close", &[fnr, "--reason", "death"]).await?.well()?, "Closed.\n");
    let refused = support(&site, "person open", &[fnr]).await?.refused()?;
    assert!(refused.contains("closed"), "{refused}");
    site.file("population.jsonl", &line(false))?;
    assert!(support(&site, "person open", &[fnr]).await?.well()?.starts_with("Open"));
    let shown = show(&site, fnr).await?;
    assert_eq!((&shown["standing"], &shown["minid"]), (&json!("normal"), &json!(false)), "{shown}");
    Ok(())
}

// The command line has no way to telephones; the server has.
#[tokio::test]
async fn whoever_is_locked_by_support_is_told_by_the_server() -> anyhow::Result<()> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let person = Person::register(&site).await?;
    let _server = site.serve().await?;
    support(&site, "person lock", &[person.fnr.as_str()]).await?.well()?;
    let told = async {
        while gateway.messages().is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(30), told).await.context("nobody was told")?;
    let words = gateway.last()?;
    assert!(words.contains("MinID-en din er sperret") && words.contains("Brukerstøtte har gjort det"), "{words}");
    Ok(())
}

#[tokio::test]
async fn whoever_is_reset_has_no_factors() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let person = Person::register(&site).await?;
    let fnr = person.fnr.as_str();
    assert!(support(&site, "person sign-out", &[fnr]).await?.well()?.starts_with("Signed out"));
    assert_eq!(show(&site, fnr).await?["minid"], true);
    assert!(support(&site, "person reset", &[fnr]).await?.well()?.contains("by letter"));
    let shown = show(&site, fnr).await?;
    assert_eq!((&shown["standing"], &shown["minid"]), (&json!("normal"), &json!(false)), "{shown}");
    assert_eq!(kinds(&trail(&site, fnr).await?), ["looked-up", "reset", "looked-up", "signed-out"]);
    Ok(())
}

#[tokio::test]
async fn a_closed_account_stays_closed() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let person = Person::register(&site).await?;
    let fnr = person.fnr.as_str();
    assert_eq!(support(&site, "person close", &[fnr]).await?.code, Some(2), "no reason");
    assert_eq!(support(&site, "person close", &[fnr, "--reason", "spite"]).await?.code, Some(2));
    assert_eq!(support(&site, "person close", &[fnr, "--reason", "wish"]).await?.well()?, "Closed.\n");
    let wish: &[&str] = &[fnr, "--reason", "wish"];
    for (verb, arguments) in [("person open", &[fnr][..]), ("person reset", &[fnr]), ("person close", wish)] {
        let line = support(&site, verb, arguments).await?.refused()?;
        assert!(line.contains("closed") && !line.contains(fnr), "{line}");
    }
    let shown = show(&site, fnr).await?;
    assert_eq!((&shown["standing"], &shown["minid"]), (&json!("closed"), &json!(false)), "{shown}");
    assert_eq!(shown["mobile"], Value::Null, "{shown}");
    let entries = trail(&site, fnr).await?;
    assert_eq!(kinds(&entries), ["looked-up", "closed"]);
    assert_eq!(entries[1]["details"], json!({ "case": "4711", "reason": "wish" }));
    Ok(())
}

#[tokio::test]
async fn whoever_had_closed_their_account_dies_all_the_same() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let person = Person::register(&site).await?;
    let fnr = person.fnr.as_str();
    for reason in ["wish", "death"] {
        assert_eq!(support(&site, "person close", &[fnr, "--reason", reason]).await?.well()?, "Closed.\n");
    }
    for reason in ["death", "wish"] {
        let line = support(&site, "person close", &[fnr, "--reason", reason]).await?.refused()?;
        assert!(line.contains("closed already"), "{line}");
    }
    let entries = trail(&site, fnr).await?;
    assert_eq!(kinds(&entries), ["closed", "closed"]);
    assert_eq!(entries[0]["details"], json!({ "case": "4711", "reason": "death" }));
    Ok(())
}

// The desk finds out which account is whose.
#[tokio::test]
async fn the_desk_sees_who_has_an_account_by_each_number() -> anyhow::Result<()> {
    let mut site = Site::new().await?;
    let person = Person::register(&site).await?;
    let (old, new, other) = (person.fnr.as_str(), real_fnr(1), real_fnr(2));
    let line = |fnr: &str, former: &str| json!({ "fnr": fnr, "given_name": "", "family_name": "", "former": [former] });
    let lines = [line(&new, old).to_string(), line(&other, &real_fnr(3)).to_string()];
    let register = site.file("population.jsonl", &lines.join("\n"))?;
    site.set("population", format!("file = {register:?}"))?;
    assert_eq!(support(&site, "person two-accounts", &[]).await?.well()?, "Nobody.\n");
    site.run("person add", [&new]).await?.well()?;
    let found: Value = serde_json::from_str(&support(&site, "person two-accounts", &["--json"]).await?.well()?)?;
    assert_eq!(found, json!([{ "had": old, "has": new }]));
    assert!(support(&site, "person two-accounts", &[]).await?.well()?.contains(old));
    assert_eq!(site.run("person two-accounts", [""; 0]).await?.code, Some(2), "for no case");
    for fnr in [old, &new] {
        assert_eq!(kinds(&trail(&site, fnr).await?), ["looked-up", "looked-up"]);
    }
    Ok(())
}

#[tokio::test]
async fn both_numbers_find_whoever_has_changed_theirs() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let person = Person::register(&site).await?;
    let (old, new, taken) = (person.fnr.as_str(), real_fnr(1), real_fnr(2));
    site.run("person add", [&taken, "--given-name", "En annen"]).await?.well()?;
    for (to, words) in
        [(taken.as_str(), "somebody else"), (old, "already"), ("1234", "eleven digits"), (&new[1..], "eleven digits")]
    {
        let line = support(&site, "person change-number", &[old, to]).await?.refused()?;
        assert!(line.contains(words) && !line.contains(old) && !line.contains(&taken), "{line}");
    }
    support(&site, "person change-number", &[old, &new]).await?.well()?;
    for fnr in [old, &new] {
        assert_eq!(show(&site, fnr).await?["minid"], true);
        assert_eq!(kinds(&trail(&site, fnr).await?).last(), Some(&"number-changed"));
    }
    let line = site.run("person add", [old]).await?.refused()?;
    assert!(line.contains("registered already"), "{line}");
    // And back again.
    support(&site, "person change-number", &[&new, old]).await?.well()?;
    assert_eq!(show(&site, &new).await?["minid"], true);
    Ok(())
}

#[tokio::test]
async fn the_trail_tells_who_did_it_and_for_which_case() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let person = Person::register(&site).await?;
    let fnr = person.fnr.as_str();
    assert_eq!(trail(&site, fnr).await?, Vec::<Value>::new());
    support(&site, "person lock", &[fnr]).await?.well()?;
    let entries = trail(&site, fnr).await?;
    assert_eq!(kinds(&entries), ["locked", "looked-up"]);
    for entry in &entries {
        assert_eq!(entry["actor"], "operator:Kari Støtte", "{entry}");
        assert_eq!(entry["details"], json!({ "case": "4711" }));
        let at = entry["at"].as_str().context("no time")?;
        assert!(at.starts_with("20") && at.ends_with('Z') && at.contains('T'), "{at}");
    }
    let said = support(&site, "person trail", &[fnr, "--limit", "2"]).await?.well()?;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].contains("looked-up") && lines[1].contains("locked"), "{said}");
    for line in lines {
        assert!(line.contains("operator:Kari Støtte") && line.contains("4711") && !line.contains(fnr), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_done_without_a_case_and_a_name() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let person = Person::register(&site).await?;
    let fnr = person.fnr.as_str();
    let wanting: [&[&str]; 6] = [
        &[],
        &["--case", "4711"],
        &["--by", "Kari"],
        &["--case", " ", "--by", "Kari"],
        &["--case", "4711", "--by", ""],
        &["--case", "47\n11", "--by", "Kari"],
    ];
    for verb in ["show", "lock", "open", "reset", "close --reason wish", "sign-out", "trail"] {
        let verb = format!("person {verb}");
        for more in wanting {
            let said = site.run(&verb, [&[fnr][..], more].concat()).await?;
            assert_eq!(said.code, Some(2), "{verb} {more:?}: {said:?}");
        }
    }
    let line = support(&site, "person lock", &[&real_fnr(1)]).await?.refused()?;
    assert!(line.contains("no such person") && !line.contains(&real_fnr(1)), "{line}");
    let shown = show(&site, fnr).await?;
    assert_eq!((&shown["standing"], &shown["minid"]), (&json!("normal"), &json!(true)), "{shown}");
    assert_eq!(site.run("audit verify", [""; 0]).await?.well()?, "The trail is whole: 1 entries.\n");
    Ok(())
}

#[tokio::test]
async fn whoever_changes_the_trail_is_found_out() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let person = Person::register(&site).await?;
    for verb in ["person lock", "person open", "person sign-out", "person trail"] {
        support(&site, verb, &[&person.fnr]).await?.well()?;
    }
    // What is sealed need not be opened for it.
    std::fs::remove_file(site.folder.path().join("master.key"))?;
    assert_eq!(site.run("audit verify", [""; 0]).await?.well()?, "The trail is whole: 4 entries.\n");
    let db = migrations::Db::open(&site.database()).await?;
    sqlx::query("UPDATE event SET kind = 'x' WHERE number = 1").execute(db.pool()).await?;
    let line = site.run("audit verify", [""; 0]).await?.refused()?;
    assert!(line.contains("entry 1 was changed"), "{line}");
    sqlx::query("UPDATE event SET kind = 'locked' WHERE number = 1").execute(db.pool()).await?;
    site.run("audit verify", [""; 0]).await?.well()?;
    sqlx::query("DELETE FROM event WHERE number = 4").execute(db.pool()).await?;
    let line = site.run("audit verify", [""; 0]).await?.refused()?;
    assert!(line.contains("missing"), "{line}");
    Ok(())
}

#[tokio::test]
async fn people_from_elsewhere() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let lines = [
        json!({ "fnr": real_fnr(0), "given_name": "Kari Å.", "family_name": "Ødegård", "mobile": "0047 912 34 567",
                "email": "kari@example.no", "password_hash": PBKDF2 })
        .to_string(),
        String::new(),
        json!({ "fnr": real_fnr(1), "password_hash": BCRYPT, "email": null }).to_string(),
        json!({ "fnr": real_fnr(2), "email": "ola@example.no" }).to_string(),
        json!({ "fnr": real_fnr(3) }).to_string(),
    ];
    assert_eq!(import(&site, &lines).await?.well()?, "Imported 4, 0 were there already.\n");
    let shown = show(&site, &real_fnr(0)).await?;
    for (name, value) in [("name", "Kari Å. Ødegård"), ("mobile", "••• •• 567"), ("standing", "normal")] {
        assert_eq!(shown[name], value, "{shown}");
    }
    for (nth, has_minid) in [true, true, false, false].into_iter().enumerate() {
        let fnr = real_fnr(nth);
        assert_eq!(show(&site, &fnr).await?["minid"], has_minid, "{nth}");
        let entries = trail(&site, &fnr).await?;
        // Whoever is shown is looked up; of the first that was so before.
        let looked_up = if nth == 0 { 2 } else { 1 };
        assert!(kinds(&entries)[..looked_up].iter().all(|kind| *kind == "looked-up"), "{nth}");
        let [imported] = &entries[looked_up..] else { bail!("{nth}: {entries:?}") };
        assert_eq!((&imported["kind"], &imported["actor"]), (&json!("imported"), &json!("system")), "{nth}");
    }
    // From standard input as well, and nobody twice.
    let said = site.run_with("person import", &["--file", "-"], &lines.join("\n")).await?.well()?;
    assert_eq!(said, "Imported 0, 4 were there already.\n");
    assert_eq!(kinds(&trail(&site, &real_fnr(0)).await?), ["looked-up", "looked-up", "looked-up", "imported"]);
    Ok(())
}

#[tokio::test]
async fn an_imported_password_logs_in() -> anyhow::Result<()> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let person = Person { fnr: real_fnr(1), password: "Elva renner 7", mobile: "+4799887766".into() };
    let line = json!({ "fnr": person.fnr, "mobile": person.mobile, "password_hash": PBKDF2 }).to_string();
    import(&site, &[line]).await?.well()?;
    let server = site.serve().await?;
    let service = Service::register(&site).await?;
    let mut visitor = Visitor::new(&server.url)?;
    let page = visitor.password(&service, &person).await?;
    visitor.code(&page, &code_in(&gateway.last()?)?).await?.code().map(|_| ())
}

#[tokio::test]
async fn one_wrong_line_and_nobody_is_imported() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let (good, other) = (real_fnr(0), real_fnr(1));
    let mistyped = format!("{}{}", &other[..10], (other[10..].parse::<u8>()? + 1) % 10);
    let lines = [
        (json!({ "fnr": good, "password_hash": PBKDF2 }).to_string(), ""),
        (json!({ "fnr": mistyped }).to_string(), "fnr: "),
        (json!({ "fnr": other, "mobile": "22334455" }).to_string(), "mobile: "),
        (json!({ "fnr": other, "email": "kari" }).to_string(), "email: "),
        (json!({ "fnr": other, "password_hash": &PBKDF2[1..] }).to_string(), "password_hash: "),
        (json!({ "fnr": other, "password": "Elva renner 7" }).to_string(), "not a JSON object"),
        (json!({ "given_name": "Kari" }).to_string(), "not a JSON object"),
        (format!("{{\"fnr\": {other}}}"), "not a JSON object"),
        (format!("{{\"fnr\": \"{other}\""), "not a JSON object"),
        (json!({ "fnr": good }).to_string(), "the same person as on line 1"),
    ];
    let (texts, words): (Vec<String>, Vec<&str>) = lines.into_iter().unzip();
    let said = import(&site, &texts).await?;
    let found: Vec<&str> = said.out.lines().collect();
    assert_eq!(found.len(), 9, "{said:?}");
    for (number, (line, words)) in (2..).zip(found.iter().zip(&words[1..])) {
        assert!(line.starts_with(&format!("line {number}: {words}")), "{line} instead of {words}");
    }
    for secret in [good.as_str(), &other, &mistyped, "22334455", "yi2mzpKV", "Elva"] {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{said:?}");
    }
    assert!(said.refused()?.contains("nobody was imported: 9 to mend"));
    assert!(support(&site, "person show", &[&good]).await?.refused()?.contains("no such person"));
    let line = site.run("person import", ["--file", "/nowhere/people"]).await?.refused()?;
    assert!(line.contains("/nowhere/people"), "{line}");
    Ok(())
}

#[tokio::test]
async fn an_interrupted_import_is_finished_and_a_reset_is_not_undone() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let (half, reset) = (real_fnr(0), real_fnr(1));
    let lines =
        [&half, &reset].map(|fnr| json!({ "fnr": fnr, "mobile": "91234567", "password_hash": BCRYPT }).to_string());
    // As far as somebody gets before the program is killed.
    site.run("person add", [&half]).await?.well()?;
    import(&site, &lines[1..]).await?.well()?;
    support(&site, "person reset", &[&reset]).await?.well()?;
    assert_eq!(import(&site, &lines).await?.well()?, "Imported 1, 1 were there already.\n");
    let shown = show(&site, &half).await?;
    assert_eq!((&shown["minid"], &shown["mobile"]), (&json!(true), &json!("••• •• 567")), "{shown}");
    assert_eq!(show(&site, &reset).await?["minid"], false);
    assert_eq!(import(&site, &lines).await?.well()?, "Imported 0, 2 were there already.\n");
    Ok(())
}
