//! Ordering an activation letter: who may have one gets one, and nobody learns from the pages who that is.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use authenticators::activation::Source;
use authenticators::clock::Timestamp;
use authenticators::contact::{self, Channel, Email, Known, Phone};
use authenticators::letter::{self, Letter};
use authenticators::person::{BY_ONESELF, DEATH, Fnr, FnrPolicy, NewPerson, Person};
use authenticators::population::Population;
use authenticators::trail::{Actor, Event};
use authenticators::{account, password};
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestIdp, TestPerson, unregistered};
use futures_util::future::join_all;
use idp::{letter_orders, text};
use serde_json::{Value, json};

use crate::activate::scanned;
use crate::forgotten::{arrived, digits};

const ORDER: &str = "/aktiveringsbrev/order";
/// What stands in the SMS with the code.
const CODE: &str = "Koden for å bestille aktiveringsbrev";
/// And in the message to somebody who has MinID, where a letter is sent.
const TOLD: &str = "Noen har bestilt et aktiveringsbrev";
/// And where none is.
const REFUSED: &str = "Noen prøvde å bestille et aktiveringsbrev";
const ORDERED: &str = "Aktiveringsbrev er bestilt";
const TOO_MANY: &str = "Vi kan ikke ta imot bestillingen nå";
const DAY: Duration = Duration::from_hours(24);

/// What the population register says of somebody, with some of it otherwise.
pub(crate) fn resident(person: &TestPerson, more: Value) -> Value {
    let mut line = json!({
        "fnr": person.fnr,
        "given_name": "Kari",
        "family_name": "Nordmann",
        "address": ["Storgata 1", "0155 OSLO"],
    });
    if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
        line.extend(more);
    }
    line
}

/// A Porten whose population register has these.
pub(crate) async fn start_with(residents: &[Value]) -> anyhow::Result<TestIdp> {
    let lines: String = residents.iter().map(|line| format!("{line}\n")).collect();
    let population = Population::read(&lines)?;
    TestIdp::with(|setup| setup.population = population).await
}

/// Somebody who is too young for MinID, whatever year it is in a test.
fn child() -> anyhow::Result<TestPerson> {
    let policy = FnrPolicy { real: false, synthetic: true, expanded: false };
    let mut all = (500..1000).flat_map(|n| (0..100).map(move |check| format!("018139{n:03}{check:02}")));
    let fnr = all.find(|fnr| Fnr::parse(fnr, policy).is_ok()).context("no such number")?;
    Ok(TestPerson { fnr, ..unregistered()? })
}

/// The same person with another telephone.
pub(crate) fn by_another_phone(person: &TestPerson) -> anyhow::Result<TestPerson> {
    Ok(TestPerson { fnr: person.fnr.clone(), ..unregistered()? })
}

fn fnr_of(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Fnr> {
    Fnr::parse(&person.fnr, idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))
}

fn masked(person: &TestPerson) -> anyhow::Result<String> {
    Ok(Channel::Mobile(Phone::parse(&person.phone).context("no telephone")?).masked())
}

/// Somebody whom we know, and who has no MinID.
async fn register(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Person> {
    let (db, chance) = (&idp.app.world.db, &idp.app.world.chance);
    Person::register(db, chance, &fnr_of(idp, person)?, NewPerson::default(), idp.now()).await?;
    idp.row_of(person).await
}

/// Gives somebody MinID.
pub(crate) async fn give_minid(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Person> {
    let row = register(idp, person).await?;
    let phone = Phone::parse(&person.phone).context("no telephone")?;
    let email = Email::parse(&person.email).context("no e-mail")?;
    let phc = password::hash(&idp.app.world, &person.password).await?.map_err(|_| anyhow!("busy"))?;
    let mut tx = idp.app.world.db.begin().await?;
    for channel in [Channel::Mobile(phone), Channel::Email(email)] {
        contact::set(&mut tx, &row.id, &channel, Known::Proved, idp.now()).await?;
    }
    password::set(&mut tx, &row.id, &phc, idp.now()).await?;
    tx.commit().await?;
    Ok(row)
}

/// The code that went out last to a telephone.
fn code_to(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<String> {
    let found = idp.messages_to(&person.phone).into_iter().find(|message| message.text.contains(CODE));
    Ok(digits(&found.context("no code")?.text))
}

/// A code that was not sent.
fn other_than(code: &str) -> String {
    let other = if code.starts_with('1') { "2" } else { "1" };
    other.repeat(code.len())
}

/// A browser at the page for the telephone.
async fn at_the_mobile(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(ORDER).await?.answer(&[("do", "order"), ("fnr", &person.fnr)]).await?;
    assert!(browser.shows("Mobilnummeret ditt"), "{}", browser.page.body);
    Ok(browser)
}

/// The same at the page for the code, and the code.
pub(crate) async fn at_the_code(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<(Browser, String)> {
    let mut browser = at_the_mobile(idp, person).await?;
    browser.answer(&[("do", "send"), ("mobile", &person.phone)]).await?;
    assert!(browser.page.body.contains("name=\"code\""), "{}", browser.page.body);
    Ok((browser, code_to(idp, person)?))
}

/// The same at the end.
pub(crate) async fn order(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Browser> {
    let (mut browser, code) = at_the_code(idp, person).await?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.shows(ORDERED), "{}", browser.page.body);
    Ok(browser)
}

pub(crate) async fn under_way(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Option<Letter>> {
    let db = &idp.app.world.db;
    let Some(row) = Person::by_fnr(db.pool(), &fnr_of(idp, person)?).await? else { return Ok(None) };
    let is_awaited = letter::awaited(db, std::slice::from_ref(&row.id), idp.now()).await?.contains(&row.id);
    let newest = letters(idp).await?.into_iter().find(|letter| letter.person == row.id);
    Ok(newest.filter(|_| is_awaited))
}

/// The letter to somebody, which is ordered behind the back of whoever asks, a moment after the page.
pub(crate) async fn letter_to(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Letter> {
    for _ in 0..500 {
        match under_way(idp, person).await? {
            Some(letter) => return Ok(letter),
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    bail!("no letter was ordered")
}

/// All letters that there are.
pub(crate) async fn letters(idp: &TestIdp) -> anyhow::Result<Vec<Letter>> {
    Ok(letter::since(idp.app.world.db.pool(), Timestamp::from_seconds(0)).await?)
}

#[tokio::test]
async fn a_number_and_a_telephone_bring_a_letter() -> anyhow::Result<()> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let mut browser = idp.browser();
    browser.get(ORDER).await?;
    assert!(browser.shows("Bestill aktiveringsbrev") && browser.page.body.contains("href=\"/registrer\""));
    for (typed, words) in
        [("", "Skriv inn fødselsnummeret ditt"), ("123", "må ha 11 siffer"), ("05895894985", "ikke et gyldig")]
    {
        browser.answer(&[("do", "order"), ("fnr", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(browser.shows(words) && browser.page.body.contains(&format!("value=\"{typed}\"")), "{typed}");
    }
    browser.answer(&[("do", "order"), ("fnr", &kari.fnr)]).await?;
    assert!(browser.at == ORDER && !browser.shows(&kari.fnr), "{}", browser.page.body);
    for typed in ["", "22334455", "abc"] {
        browser.answer(&[("do", "send"), ("mobile", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(browser.shows("ikke et mobilnummer") && browser.page.body.contains(&format!("value=\"{typed}\"")));
    }
    browser.answer(&[("do", "send"), ("mobile", &kari.phone)]).await?;
    let reloaded = browser.get(ORDER).await?;
    assert!(reloaded.shows(&masked(&kari)?) && !reloaded.shows(&kari.phone), "{}", reloaded.page.body);
    let code = code_to(&idp, &kari)?;
    browser.answer(&[("do", "next"), ("code", &format!(" {} {}", &code[..2], &code[2..]))]).await?;
    for words in [ORDERED, "Hvis du har en adresse i Folkeregisteret", "vanligvis innen ", "gjelder til og med "] {
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }

    let letter = letter_to(&idp, &kari).await?;
    assert_eq!(letter.language, "nb");
    assert_eq!(letter.valid_until, idp.now().plus(Source::Letter.valid()));
    assert_eq!(idp.row_of(&kari).await?.name(), "Kari Nordmann");
    let trail = idp.trail_of(&kari).await?;
    assert_eq!(trail.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["letter-ordered"]);
    assert_eq!(trail[0].details["to"], json!(masked(&kari)?));
    assert!(!json!(trail[0].details).to_string().contains(&kari.phone));
    Ok(())
}

// Attack: the same code once more, in the same place and after it.
// Attack: a link scanner with her cookies, at each step.
#[tokio::test]
async fn looking_orders_nothing_and_uses_nothing_up() -> anyhow::Result<()> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let mut browser = idp.browser();
    scanned(&mut browser, ORDER, "Bestill aktiveringsbrev").await?;
    browser.answer(&[("do", "order"), ("fnr", &kari.fnr)]).await?;
    scanned(&mut browser, ORDER, "Mobilnummeret ditt").await?;
    browser.answer(&[("do", "send"), ("mobile", &kari.phone)]).await?;
    scanned(&mut browser, ORDER, "Skriv inn koden").await?;
    assert_eq!(arrived(&idp, &kari.phone, CODE), 1, "looking sends nothing");
    assert!(letters(&idp).await?.is_empty());
    browser.answer(&[("do", "next"), ("code", &code_to(&idp, &kari)?)]).await?;
    assert!(browser.shows(ORDERED), "{}", browser.page.body);
    letter_to(&idp, &kari).await?;
    browser.head(ORDER).await?.get(ORDER).await?;
    assert_eq!(letters(&idp).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_order_is_over_once_it_is_done() -> anyhow::Result<()> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let mut browser = order(&idp, &kari).await?;
    let (csrf, turn, code) = (browser.csrf()?, browser.turn().context("no turn")?, code_to(&idp, &kari)?);
    let turn = turn.replace("-done", "-code");
    let again = [("csrf", csrf.as_str()), ("turn", turn.as_str()), ("do", "next"), ("code", code.as_str())];
    browser.post(ORDER, &again).await?;
    assert!(browser.shows(ORDERED), "{}", browser.page.body);
    letter_to(&idp, &kari).await?;
    // The next pupil at the machine.
    browser.answer(&[("do", "again")]).await?;
    assert!(browser.page.body.contains("name=\"fnr\"") && !browser.shows(&kari.fnr), "{}", browser.page.body);
    browser.post(ORDER, &again).await?;
    assert!(browser.page.body.contains("name=\"fnr\""), "{}", browser.page.body);
    assert_eq!(letters(&idp).await?.len(), 1);
    // What was ordered is not shown for long either, nor is what was begun.
    let mut done = order(&idp, &unregistered()?).await?;
    let mut begun = at_the_mobile(&idp, &kari).await?;
    idp.advance(Duration::from_mins(15));
    for browser in [&mut done, &mut begun] {
        browser.get(ORDER).await?;
        assert!(browser.page.body.contains("name=\"fnr\"") && !browser.shows(&kari.fnr), "{}", browser.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn the_way_back_keeps_what_was_typed() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let kari = unregistered()?;
    let (mut browser, _) = at_the_code(&idp, &kari).await?;
    browser.answer(&[("do", "back")]).await?;
    assert!(browser.page.body.contains(&format!("value=\"{}\"", kari.phone)), "{}", browser.page.body);
    browser.answer(&[("do", "back")]).await?;
    assert!(browser.page.body.contains(&format!("value=\"{}\"", kari.fnr)), "{}", browser.page.body);
    browser.answer(&[("do", "order"), ("fnr", &kari.fnr)]).await?;
    assert!(browser.page.body.contains(&format!("value=\"{}\"", kari.phone)), "{}", browser.page.body);
    Ok(())
}

/// What tells whose order it is.
fn whose(person: &TestPerson) -> String {
    format!("Bestillingen gjelder fødselsnummeret som slutter på {}.", &person.fnr[9..])
}

// A shared machine: one has stopped halfway, and the next one comes.
#[tokio::test]
async fn each_page_tells_whose_order_it_is_and_the_next_one_begins_afresh() -> anyhow::Result<()> {
    let (kari, ola) = (unregistered()?, unregistered()?);
    let idp = start_with(&[resident(&kari, json!({})), resident(&ola, json!({}))]).await?;
    let (at_mobile, at_code) = (at_the_mobile(&idp, &kari).await?, at_the_code(&idp, &kari).await?.0);
    for mut browser in [at_mobile, at_code] {
        browser.get(ORDER).await?;
        assert!(browser.shows(&whose(&kari)) && browser.shows("Ikke deg? Begynn på nytt"), "{}", browser.page.body);
        assert!(!browser.shows(&kari.fnr));
        browser.answer(&[("do", "again")]).await?;
        assert!(browser.page.body.contains("name=\"fnr\"") && !browser.shows(&kari.fnr), "{}", browser.page.body);
        browser.answer(&[("do", "order"), ("fnr", &ola.fnr)]).await?;
        assert!(browser.shows(&whose(&ola)) && !browser.shows(&kari.phone), "{}", browser.page.body);
    }
    // Nor is the telephone of whoever went back to the first page shown to the next one.
    let (mut browser, _) = at_the_code(&idp, &kari).await?;
    browser.answer(&[("do", "back")]).await?.answer(&[("do", "back")]).await?;
    browser.answer(&[("do", "order"), ("fnr", &ola.fnr)]).await?;
    assert!(browser.shows(&whose(&ola)) && !browser.shows(&kari.phone), "{}", browser.page.body);
    let done = order(&idp, &kari).await?;
    assert!(done.shows(&whose(&kari)) && done.shows("Bestill for en annen"), "{}", done.page.body);
    Ok(())
}

// Two pupils at one machine, each in a tab: what one types is not the other's, and nobody's order is taken for another's.
#[tokio::test]
async fn a_tab_of_somebody_else_orders_nothing() -> anyhow::Result<()> {
    let (kari, ola) = (unregistered()?, unregistered()?);
    let idp = start_with(&[resident(&kari, json!({})), resident(&ola, json!({}))]).await?;
    let mut hers = idp.browser();
    hers.get(ORDER).await?;
    let mut his = hers.clone();
    hers.answer(&[("do", "order"), ("fnr", &kari.fnr)])
        .await?
        .answer(&[("do", "send"), ("mobile", &kari.phone)])
        .await?;
    his.answer(&[("do", "order"), ("fnr", &ola.fnr)]).await?;
    assert!(his.shows("Mobilnummeret ditt") && his.shows(&whose(&ola)), "{}", his.page.body);
    // His is under way now, and hers over: nothing that she sends changes his.
    let code = code_to(&idp, &kari)?;
    for form in
        [&[("do", "next"), ("code", code.as_str())][..], &[("do", "resend")], &[("do", "back")], &[("do", "again")]]
    {
        let mut hers = hers.clone();
        hers.answer(form).await?;
        assert!(hers.shows("Mobilnummeret ditt") && hers.shows(&whose(&ola)), "{form:?}: {}", hers.page.body);
    }
    his.answer(&[("do", "send"), ("mobile", &ola.phone)]).await?;
    let code = code_to(&idp, &ola)?;
    let mut first_page = idp.browser();
    first_page.cookies.clone_from(&his.cookies);
    first_page.page = idp.browser().get(ORDER).await?.page.clone();
    his.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(his.shows(ORDERED) && his.shows(&whose(&ola)), "{}", his.page.body);
    letter_to(&idp, &ola).await?;
    // A tab that was at the first page all the time begins another order, also after his.
    let csrf = his.csrf()?;
    first_page.post(ORDER, &[("csrf", &csrf), ("do", "order"), ("fnr", &kari.fnr)]).await?;
    assert!(first_page.shows("Mobilnummeret ditt") && first_page.shows(&whose(&kari)), "{}", first_page.page.body);
    idp.app.world.tasks.settle().await;
    assert_eq!(letters(&idp).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_order_that_took_too_long_is_said_to_be_over() -> anyhow::Result<()> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let at_mobile = at_the_mobile(&idp, &kari).await?;
    let (at_code, code) = at_the_code(&idp, &kari).await?;
    idp.advance(Duration::from_mins(15));
    for (at, form) in [
        (&at_mobile, &[("do", "send"), ("mobile", kari.phone.as_str())][..]),
        (&at_mobile, &[("do", "back")]),
        (&at_code, &[("do", "next"), ("code", code.as_str())]),
        (&at_code, &[("do", "resend")]),
    ] {
        let mut late = at.clone();
        late.answer(form).await?;
        assert_eq!(late.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(late.shows("Det gikk for lang tid") && late.shows("er brevet ikke bestilt"), "{}", late.page.body);
        assert!(late.page.body.contains("name=\"fnr\"") && !late.shows(&kari.fnr), "{}", late.page.body);
    }
    let mut late = at_code.clone();
    late.answer(&[("do", "again")]).await?;
    assert!(late.page.status == StatusCode::OK && !late.shows("Det gikk for lang tid"), "{}", late.page.body);
    idp.app.world.tasks.settle().await;
    assert!(letters(&idp).await?.is_empty() && idp.sms_count(&kari) == 1);
    Ok(())
}

// The database is away for longer than anybody waits, right after the page.
#[tokio::test]
async fn what_somebody_was_told_is_ordered_is_ordered_later() -> anyhow::Result<()> {
    let (kari, stranger) = (unregistered()?, unregistered()?);
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let db = idp.app.world.db.pool();
    sqlx::query("ALTER TABLE letter RENAME TO letter_away").execute(db).await?;
    order(&idp, &kari).await?;
    order(&idp, &stranger).await?;
    idp.app.world.tasks.settle().await;
    let waiting: Vec<(String, String)> = sqlx::query_as("SELECT id, sealed FROM letter_wanted").fetch_all(db).await?;
    let [(_, sealed)] = waiting.as_slice() else { bail!("not one: {waiting:?}") };
    assert!(!sealed.contains(&kari.fnr) && !sealed.contains(&kari.phone[3..]), "{sealed}");
    letter_orders::work_off(&idp.app).await?;
    sqlx::query("ALTER TABLE letter_away RENAME TO letter").execute(db).await?;
    letter_orders::work_off(&idp.app).await?;
    assert!(letters(&idp).await?.is_empty(), "it is not tried again at once");
    idp.advance(Duration::from_mins(1));
    for _ in 0..2 {
        letter_orders::work_off(&idp.app).await?;
    }
    assert_eq!(letter_to(&idp, &kari).await?.ordered_at, idp.now());
    assert_eq!(letters(&idp).await?.len(), 1);
    let entry = idp.trail_of(&kari).await?.pop().context("no entry")?;
    assert_eq!((entry.kind.as_str(), &entry.details["to"]), ("letter-ordered", &json!(masked(&kari)?)));
    assert_eq!(entry.details["address"], json!("127.0.0.1"));
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM letter_wanted").fetch_one(db).await?;
    assert_eq!(left, 0);
    Ok(())
}

// The database is away before the page: nobody is told what is not so.
#[tokio::test]
async fn nobody_is_told_of_an_order_that_is_not_written_down() -> anyhow::Result<()> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let db = idp.app.world.db.pool();
    let (mut browser, code) = at_the_code(&idp, &kari).await?;
    let at_code = browser.clone();
    sqlx::query("ALTER TABLE letter_wanted RENAME TO wanted_away").execute(db).await?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert_eq!(browser.page.status, StatusCode::INTERNAL_SERVER_ERROR);
    browser.get(ORDER).await?;
    assert!(!browser.shows(ORDERED) && browser.page.body.contains("name=\"code\""), "{}", browser.page.body);
    sqlx::query("ALTER TABLE wanted_away RENAME TO letter_wanted").execute(db).await?;
    let mut browser = at_code;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.shows(ORDERED), "{}", browser.page.body);
    letter_to(&idp, &kari).await?;
    Ok(())
}

#[tokio::test]
async fn a_code_has_three_tries_and_five_minutes() -> anyhow::Result<()> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let (mut browser, code) = at_the_code(&idp, &kari).await?;
    let wrong = other_than(&code);
    for (typed, words) in [
        ("", "Skriv inn koden du fikk"),
        ("123", "skal ha 5 siffer"),
        ("abcde", "skal ha 5 siffer"),
        ("１２３４５", "skal ha 5 siffer"),
        (wrong.as_str(), "Feil kode"),
        (wrong.as_str(), "Feil kode"),
        (wrong.as_str(), "skrevet feil tre ganger"),
        (code.as_str(), "skrevet feil tre ganger"),
    ] {
        browser.answer(&[("do", "next"), ("code", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(browser.shows(words), "{typed}: {}", browser.page.body);
    }
    browser.answer(&[("do", "resend")]).await?;
    assert!(browser.shows("Vi har nettopp sendt deg en kode"), "{}", browser.page.body);
    assert_eq!(idp.sms_count(&kari), 1);
    idp.advance(Duration::from_secs(31));
    browser.answer(&[("do", "resend")]).await?;
    assert!(browser.shows("Vi har sendt deg en ny kode"), "{}", browser.page.body);
    let new = code_to(&idp, &kari)?;
    if new != code {
        browser.answer(&[("do", "next"), ("code", &code)]).await?;
        assert!(browser.shows("Feil kode"), "the old one ended with the new one: {}", browser.page.body);
    }
    idp.advance(Duration::from_mins(5));
    browser.answer(&[("do", "next"), ("code", &new)]).await?;
    assert!(browser.shows("Koden gjelder ikke lenger"), "{}", browser.page.body);
    browser.answer(&[("do", "resend")]).await?;
    assert!(letters(&idp).await?.is_empty());
    let code = code_to(&idp, &kari)?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.shows(ORDERED), "{}", browser.page.body);
    letter_to(&idp, &kari).await?;
    Ok(())
}

// Attack: brute force in one order, in bursts.
#[tokio::test(flavor = "multi_thread")]
async fn of_bursts_of_codes_three_are_looked_at() -> anyhow::Result<()> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let (mut browser, right) = at_the_code(&idp, &kari).await?;
    let (csrf, turn) = (browser.csrf()?, browser.turn().context("no turn")?);
    let guesses: Vec<String> =
        (0..100_000).step_by(997).map(|n| format!("{n:05}")).filter(|code| *code != right).collect();
    let mut looked_at = 0;
    for _ in 0..5 {
        let tries = guesses.iter().map(|guess| {
            let (mut browser, csrf, turn) = (browser.clone(), csrf.clone(), turn.clone());
            async move {
                let fields = [("csrf", csrf.as_str()), ("turn", turn.as_str()), ("do", "next"), ("code", guess)];
                browser.post_only(ORDER, &fields).await?;
                anyhow::Ok(browser.shows("Feil kode"))
            }
        });
        for said in join_all(tries).await {
            looked_at += usize::from(said?);
        }
    }
    assert!(looked_at <= 2, "and the third is the last: {looked_at}");
    browser.answer(&[("do", "next"), ("code", &right)]).await?;
    assert!(browser.shows("skrevet feil tre ganger"), "{}", browser.page.body);
    assert_eq!(under_way(&idp, &kari).await?, None);
    Ok(())
}

/// All that somebody sees, with what differs from one order to the next taken out.
fn seen(browser: &Browser, person: &TestPerson) -> anyhow::Result<String> {
    let page = &browser.page;
    let headers = page.headers.iter().filter(|(name, _)| *name != "x-trace-id");
    let mut headers: Vec<String> =
        headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default())).collect();
    headers.sort();
    let body = page.body.replace(&browser.csrf()?, "CSRF").replace(&person.fnr, "FNR");
    let body = body.replace(&format!("som slutter på {}.", &person.fnr[9..]), "WHOSE");
    let body = browser.turn().iter().fold(body, |body, turn| {
        let id = turn.split_at(turn.len().min(22)).0;
        body.replace(id, "TURN")
    });
    Ok(format!("{}\n{}\n{}", page.status, headers.join("\n"), body.replace(&masked(person)?, "PHONE")))
}

/// All pages of an order.
async fn walk(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<String> {
    let mut browser = idp.browser();
    browser.get(ORDER).await?.get(ORDER).await?;
    let mut pages = vec![seen(&browser, person)?];
    for form in [
        &[("do", "order"), ("fnr", person.fnr.as_str())][..],
        &[("do", "send"), ("mobile", person.phone.as_str())],
        &[("do", "resend")],
        &[("do", "next"), ("code", "1")],
    ] {
        browser.answer(form).await?;
        pages.push(seen(&browser, person)?);
    }
    let code = code_to(idp, person)?;
    for typed in [&other_than(&code), &code] {
        browser.answer(&[("do", "next"), ("code", typed)]).await?;
        pages.push(seen(&browser, person)?);
    }
    assert!(browser.shows(ORDERED), "{}", browser.page.body);
    Ok(pages.join("\n\n"))
}

// Attack: finding out who has MinID, who there is, how old they are and where they live.
#[tokio::test]
async fn the_pages_say_the_same_whatever_is_true() -> anyhow::Result<()> {
    let (has_minid, unknown, young, dead, homeless) =
        (unregistered()?, unregistered()?, child()?, unregistered()?, unregistered()?);
    let (locked, gone, twice) = (unregistered()?, unregistered()?, unregistered()?);
    let (secret, kari) = (unregistered()?, unregistered()?);
    let idp = start_with(&[
        resident(&has_minid, json!({})),
        resident(&young, json!({})),
        resident(&dead, json!({ "dead": true })),
        resident(&homeless, json!({ "address": [] })),
        resident(&locked, json!({})),
        resident(&gone, json!({})),
        resident(&twice, json!({})),
        resident(&secret, json!({ "address": [], "protected": true })),
        resident(&kari, json!({})),
    ])
    .await?;
    let db = idp.app.world.db.pool();
    give_minid(&idp, &has_minid).await?;
    Person::lock(db, &register(&idp, &locked).await?.id, "support", idp.now()).await?;
    Person::close(db, &register(&idp, &gone).await?.id, Some(DEATH), idp.now()).await?;
    order(&idp, &by_another_phone(&twice)?).await?;
    letter_to(&idp, &twice).await?;

    let mut all = BTreeSet::new();
    // Those who get one come last, so that the work for the others is over when theirs is.
    for person in [&unknown, &young, &dead, &homeless, &locked, &gone, &twice, &secret, &has_minid, &kari] {
        all.insert(walk(&idp, person).await?);
    }
    assert_eq!(all.len(), 1, "{all:#?}");
    idp.arrives(&has_minid.email, TOLD).await?;
    let mut theirs = BTreeSet::new();
    for person in [&twice, &secret, &has_minid, &kari] {
        theirs.insert(letter_to(&idp, person).await?.id);
    }
    let ordered: BTreeSet<String> = letters(&idp).await?.into_iter().map(|letter| letter.id).collect();
    assert_eq!(ordered, theirs);
    for person in [&unknown, &young, &dead, &homeless] {
        assert!(idp.row_of(person).await.is_err(), "nobody is written down because somebody asked");
    }
    Ok(())
}

#[tokio::test]
async fn who_has_minid_and_gets_no_letter_is_told_once_a_day() -> anyhow::Result<()> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let row = give_minid(&idp, &kari).await?;
    Person::lock(idp.app.world.db.pool(), &row.id, "support", idp.now()).await?;
    for _ in 0..2 {
        // Somebody else's telephone.
        order(&idp, &by_another_phone(&kari)?).await?;
        for to in [&kari.phone, &kari.email] {
            let told = idp.arrives(to, REFUSED).await?.text;
            assert!(told.contains("800 30 300") && !told.contains("http"), "{told}");
        }
    }
    // What is still to be told of today must not be taken for tomorrow's.
    idp.app.world.tasks.settle().await;
    idp.advance(DAY);
    order(&idp, &by_another_phone(&kari)?).await?;
    idp.app.world.tasks.settle().await;
    assert_eq!((arrived(&idp, &kari.phone, REFUSED), arrived(&idp, &kari.email, REFUSED)), (2, 2));
    assert!(letters(&idp).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn whoever_orders_reads_when_the_letter_comes_and_how_long_its_code_is_good() -> anyhow::Result<()> {
    let (kari, nobody) = (unregistered()?, unregistered()?);
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    // Thursday 17 December 2048, with Christmas and New Year before the tenth working day.
    idp.advance(Timestamp::from_seconds(2_491_819_200).since(idp.now()));
    // To whom no letter goes it says the same.
    for person in [&kari, &nobody] {
        let mut browser = order(&idp, person).await?;
        for (tag, words) in [
            ("nb", ["vanligvis innen mandag 4. januar", "til og med 14. februar"]),
            ("nn", ["vanlegvis innan måndag 4. januar", "til og med 14. februar"]),
            ("en", ["usually by Monday 4 January", "up to and including 14 February"]),
        ] {
            browser.get(&format!("/language?to={tag}&back={ORDER}")).await?;
            for words in words {
                assert!(browser.shows(words), "{words}: {}", browser.page.body);
            }
        }
    }
    let letter = letter_to(&idp, &kari).await?;
    assert_eq!(text::in_norway(letter.valid_until, "%d.%m.%Y %H:%M"), "15.02.2049 13:00");
    Ok(())
}

#[tokio::test]
async fn who_has_no_minid_any_more_gets_a_letter_and_after_sixty_days_another() -> anyhow::Result<()> {
    let (kari, ola) = (unregistered()?, unregistered()?);
    let idp = start_with(&[resident(&kari, json!({})), resident(&ola, json!({}))]).await?;
    let row = give_minid(&idp, &kari).await?;
    let event = Event::by("closed", &row.id, Actor::Operator("support".to_owned()));
    account::close(&idp.app.world, &row.id, "wish", &event, idp.now()).await?;
    Person::lock(idp.app.world.db.pool(), &register(&idp, &ola).await?.id, BY_ONESELF, idp.now()).await?;
    for person in [&kari, &ola] {
        order(&idp, person).await?;
        letter_to(&idp, person).await?;
    }
    idp.advance(DAY * 60);
    assert_eq!(under_way(&idp, &kari).await?, None);
    order(&idp, &kari).await?;
    letter_to(&idp, &kari).await?;
    assert_eq!(letters(&idp).await?.len(), 3);
    Ok(())
}

// Attack: many at the same instant.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_orders_at_once_one_is_taken() -> anyhow::Result<()> {
    let (kari, ola) = (unregistered()?, unregistered()?);
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let mut ready = Vec::new();
    for _ in 0..50 {
        ready.push(at_the_code(&idp, &by_another_phone(&kari)?).await?);
    }
    let answers = ready.iter_mut().map(|(browser, code)| async move {
        browser.answer(&[("do", "next"), ("code", code.as_str())]).await?;
        assert!(browser.shows(ORDERED) || browser.shows(TOO_MANY), "{}", browser.page.body);
        anyhow::Ok(browser.shows(ORDERED))
    });
    let mut ordered = 0;
    for is_ordered in join_all(answers).await {
        ordered += usize::from(is_ordered?);
    }
    assert_eq!(ordered, 5, "and no more in a day");
    letter_to(&idp, &kari).await?;

    // And without the limit.
    let row = register(&idp, &ola).await?;
    let (world, now, event) = (&idp.app.world, idp.now(), Event::by_oneself("letter-ordered", &row.id));
    let at = Channel::Mobile(Phone::parse("+4740000009").context("a number")?);
    let mut taken = 0;
    for is_taken in join_all((0..50).map(|_| letter::order(world, &row.id, ("nb", &at), &event, now))).await {
        taken += usize::from(is_taken?);
    }
    assert_eq!(taken, 1);
    assert_eq!(letters(&idp).await?.len(), 2);
    for person in [&kari, &ola] {
        assert_eq!(idp.trail_of(person).await?.len(), 1);
    }
    Ok(())
}

/// Somebody presses a button so many times at once.
async fn clicks(browser: &Browser, count: usize, fields: &[(&str, &str)]) -> anyhow::Result<()> {
    let clicks = (0..count).map(|_| {
        let mut browser = browser.clone();
        async move { browser.post(ORDER, fields).await.map(|_| ()) }
    });
    join_all(clicks).await.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn double_clicks_are_no_harm() -> anyhow::Result<()> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let mut browser = at_the_mobile(&idp, &kari).await?;
    let (csrf, turn) = (browser.csrf()?, browser.turn().context("no turn")?);
    clicks(&browser, 10, &[("csrf", &csrf), ("turn", &turn), ("do", "send"), ("mobile", &kari.phone)]).await?;
    assert_eq!(idp.sms_count(&kari), 1);
    idp.advance(Duration::from_secs(31));
    let turn = turn.replace("-mobile", "-code");
    clicks(&browser, 10, &[("csrf", &csrf), ("turn", &turn), ("do", "resend")]).await?;
    assert_eq!(idp.sms_count(&kari), 2);
    let code = code_to(&idp, &kari)?;
    clicks(&browser, 2, &[("csrf", &csrf), ("turn", &turn), ("do", "next"), ("code", &code)]).await?;
    browser.get(ORDER).await?;
    assert!(browser.shows(ORDERED), "{}", browser.page.body);
    letter_to(&idp, &kari).await?;
    assert_eq!(letters(&idp).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn one_address_orders_for_so_many_in_an_hour() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for _ in 0..60 {
        order(&idp, &unregistered()?).await?;
    }
    let (mut browser, code) = at_the_code(&idp, &unregistered()?).await?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert_eq!(browser.page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(browser.shows(TOO_MANY) && !browser.shows(ORDERED), "{}", browser.page.body);
    browser.answer(&[("do", "again")]).await?;
    assert!(browser.page.body.contains("name=\"fnr\""), "{}", browser.page.body);
    idp.advance(Duration::from_hours(1));
    order(&idp, &unregistered()?).await?;
    Ok(())
}

// Attack: letters to a whole street.
#[tokio::test]
async fn one_telephone_orders_for_so_many_in_a_day() -> anyhow::Result<()> {
    let (idp, family) = (TestIdp::start().await?, unregistered()?);
    // In the same day however long the test takes.
    let seconds = u64::try_from(idp.now().seconds())?;
    idp.advance(Duration::from_secs(DAY.as_secs() - seconds % DAY.as_secs()));
    let child = || anyhow::Ok(TestPerson { phone: family.phone.clone(), ..unregistered()? });
    for _ in 0..5 {
        order(&idp, &child()?).await?;
    }
    idp.advance(Duration::from_hours(1));
    let (mut browser, code) = at_the_code(&idp, &child()?).await?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert_eq!(browser.page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(browser.shows("med samme mobilnummer"), "{}", browser.page.body);
    order(&idp, &unregistered()?).await?;
    idp.advance(DAY);
    order(&idp, &child()?).await?;
    Ok(())
}

// Attack: one person by several names.
#[tokio::test]
async fn a_person_is_counted_under_whichever_number() -> anyhow::Result<()> {
    let (kari, renumbered) = (unregistered()?, unregistered()?);
    let idp = start_with(&[resident(&renumbered, json!({}))]).await?;
    let row = register(&idp, &kari).await?;
    let event = Event::by("number-changed", &row.id, Actor::Operator("support".to_owned()));
    assert!(
        account::change_number(&idp.app.world, &row, &fnr_of(&idp, &renumbered)?, &event, idp.now()).await?,
        "nobody else has it"
    );
    let spaced = format!("{} {}", &kari.fnr[..6], &kari.fnr[6..]);
    for typed in [&kari.fnr, &spaced, &renumbered.fnr, &kari.fnr, &renumbered.fnr] {
        order(&idp, &TestPerson { fnr: typed.clone(), ..unregistered()? }).await?;
    }
    assert_eq!(letter_to(&idp, &kari).await?.person, row.id, "the register has the new number");
    for typed in [&kari.fnr, &spaced, &renumbered.fnr] {
        let caller = TestPerson { fnr: typed.clone(), ..unregistered()? };
        let (mut browser, code) = at_the_code(&idp, &caller).await?;
        browser.answer(&[("do", "next"), ("code", &code)]).await?;
        assert!(browser.shows(TOO_MANY), "{}", browser.page.body);
    }
    idp.advance(DAY);
    order(&idp, &by_another_phone(&kari)?).await?;
    assert_eq!(letters(&idp).await?.len(), 1);
    Ok(())
}

// Attack: bombing somebody's telephone, written in several ways, so that they cannot log in themselves.
#[tokio::test]
async fn a_telephone_gets_few_codes_and_its_owner_logs_in_all_the_same() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let number = kari.phone.trim_start_matches("+47");
    let (start, end) = number.split_at(3);
    let ways = [
        format!("+47{number}"),
        format!("0047{number}"),
        number.to_owned(),
        format!("+47 {start} {end}"),
        format!(" ({start})-{end} "),
        format!("00 47 {number}"),
    ];
    for (count, typed) in ways.iter().enumerate() {
        let mut browser = at_the_mobile(&idp, &unregistered()?).await?;
        browser.answer(&[("do", "send"), ("mobile", typed)]).await?;
        let is_sent = browser.page.body.contains("name=\"code\"");
        assert_eq!(is_sent, count < 5, "{typed}: {}", browser.page.body);
        assert!(is_sent || browser.shows("Det er sendt mange koder"), "{}", browser.page.body);
    }
    assert_eq!(idp.sms_count(&kari), 5);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(())
}

// Attack: forms from elsewhere.
#[tokio::test]
async fn forms_from_elsewhere_do_nothing() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let kari = unregistered()?;
    let mut browser = at_the_mobile(&idp, &kari).await?;
    let own = browser.csrf()?;
    let foreign = idp.browser().get(ORDER).await?.csrf()?;
    for (csrf, header) in [
        ("", None),
        (foreign.as_str(), None),
        (own.as_str(), Some(("sec-fetch-site", "cross-site"))),
        (own.as_str(), Some(("sec-fetch-site", "same-site"))),
        (own.as_str(), Some(("origin", "https://evil.test"))),
    ] {
        browser.headers = header.map(|(name, value)| (name, value.to_owned())).into_iter().collect();
        let turn = browser.turn().unwrap_or_default();
        for fields in [&[("do", "send"), ("mobile", kari.phone.as_str())][..], &[("do", "back")]] {
            let hidden = [("csrf", csrf), ("turn", turn.as_str())];
            let all: Vec<(&str, &str)> = hidden.into_iter().chain(fields.iter().copied()).collect();
            browser.post_only(ORDER, &all).await?;
            assert_eq!(browser.page.status, StatusCode::FORBIDDEN, "{csrf} {header:?}");
        }
    }
    browser.headers.clear();
    browser.get(ORDER).await?;
    assert!(browser.shows("Mobilnummeret ditt"), "nothing has changed: {}", browser.page.body);
    assert_eq!(idp.sms_count(&kari), 0);
    Ok(())
}

// Attack: a code, or an order, in another browser.
#[tokio::test]
async fn another_browser_cannot_go_on() -> anyhow::Result<()> {
    let (kari, ola) = (unregistered()?, unregistered()?);
    let idp = start_with(&[resident(&kari, json!({})), resident(&ola, json!({}))]).await?;
    let (mut hers, code) = at_the_code(&idp, &kari).await?;
    let mut stranger = idp.browser();
    stranger.get(ORDER).await?;
    for form in [&[("do", "next"), ("code", code.as_str())][..], &[("do", "resend")], &[("do", "back")]] {
        stranger.answer(form).await?;
        assert!(stranger.page.body.contains("name=\"fnr\"") && !stranger.shows(&kari.fnr), "{}", stranger.page.body);
    }
    let (mut his, other_code) = at_the_code(&idp, &ola).await?;
    if code != other_code {
        his.answer(&[("do", "next"), ("code", &code)]).await?;
        assert!(his.shows("Feil kode"), "{}", his.page.body);
    }
    hers.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(hers.shows(ORDERED), "{}", hers.page.body);
    let letter = letter_to(&idp, &kari).await?;
    assert_eq!(letters(&idp).await?, [letter]);
    Ok(())
}

#[tokio::test]
async fn the_pages_and_the_letter_are_in_the_readers_language() -> anyhow::Result<()> {
    let (kari, ola) = (unregistered()?, unregistered()?);
    let idp = start_with(&[resident(&kari, json!({})), resident(&ola, json!({}))]).await?;
    for (person, language, [first, sms, done, when]) in [
        (
            &kari,
            "nn",
            [
                "Har du ikkje MinID",
                "Koden for å bestille aktiveringsbrev",
                "Aktiveringsbrev er bestilt",
                "vanlegvis innan ",
            ],
        ),
        (
            &ola,
            "en",
            ["If you do not have MinID", "for ordering an activation", "Activation letter ordered", "usually by "],
        ),
    ] {
        let mut browser = idp.browser();
        browser.get(&format!("/language?to={language}&back={ORDER}")).await?;
        assert!(browser.shows(first), "{}", browser.page.body);
        browser.answer(&[("do", "order"), ("fnr", &person.fnr)]).await?;
        browser.answer(&[("do", "send"), ("mobile", &person.phone)]).await?;
        let message = idp.last_sms(person)?;
        assert!(message.contains(sms), "{message}");
        browser.answer(&[("do", "next"), ("code", &digits(&message))]).await?;
        assert!(browser.shows(done) && browser.shows(when), "{}", browser.page.body);
        assert_eq!(letter_to(&idp, person).await?.language, language);
    }
    Ok(())
}

#[tokio::test]
async fn whoever_has_chosen_a_language_gets_the_letter_in_it() -> anyhow::Result<()> {
    let kari = unregistered()?;
    let idp = start_with(&[resident(&kari, json!({}))]).await?;
    let row = register(&idp, &kari).await?;
    let mut tx = idp.app.world.db.begin().await?;
    contact::set_language(&mut tx, &row.id, "nn", idp.now()).await?;
    tx.commit().await?;
    // Whoever orders reads something else.
    order(&idp, &kari).await?;
    assert_eq!(letter_to(&idp, &kari).await?.language, "nn");
    Ok(())
}
