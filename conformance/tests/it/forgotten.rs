//! The password is forgotten: codes to the telephone and the mailbox, another password, and the second factor as ever.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail};
use authenticators::account;
use authenticators::password;
use authenticators::password_rules::Breached;
use authenticators::person::Person;
use authenticators::trail::{Actor, Event};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use axum::http::StatusCode;
use conformance::authenticator::asked;
use conformance::browser::Browser;
use conformance::idp::{Answer, TestClient, TestIdp, TestPerson, claims, unregistered};
use futures_util::future::join_all;
use tempfile::TempDir;

use crate::passkey::add_passkey;
use crate::totp::{add_app, code_of};

/// What stands in the messages with the codes, by SMS and by e-mail.
pub(crate) const CODE: &str = "Koden for nytt passord";
/// The same of the code that comes after the password.
const LOGIN_CODE: &str = "Engangskoden din";
/// A password that is good enough.
pub(crate) const NEW: &str = "reven rusler hjem 13";
/// What helps whoever has typed one that is guessed soon.
pub(crate) const HINTS: &str = "<ul class=\"ds-list\">";

/// How many messages with these words have come there.
pub(crate) fn arrived(idp: &TestIdp, to: &str, words: &str) -> usize {
    idp.messages_to(to).iter().filter(|message| message.text.contains(words)).count()
}

/// The newest message there with these words, when it is not one of those `before`. Some are sent behind the back of
/// whoever asks, and come a moment later.
pub(crate) async fn next_message(idp: &TestIdp, to: &str, words: &str, before: usize) -> anyhow::Result<String> {
    for _ in 0..500 {
        let found = idp.messages_to(to).into_iter().find(|message| message.text.contains(words));
        match found {
            Some(message) if arrived(idp, to, words) > before => return Ok(message.text),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    bail!("nothing with {words:?} has come to {to}")
}

/// What the trail has of a person, the newest first.
pub(crate) async fn kinds_of_events(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Vec<String>> {
    let (world, row) = (&idp.app.world, idp.row_of(person).await?);
    world.trail.settle().await?;
    let entries = world.trail.of(world.db.pool(), &row.id, i64::MAX, 100).await?;
    Ok(entries.into_iter().map(|entry| entry.kind).collect())
}

/// The first number in a text.
pub(crate) fn digits(text: &str) -> String {
    text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect()
}

/// A browser in which somebody has said that they have forgotten their password.
pub(crate) async fn at_the_question(
    idp: &TestIdp,
    client: &TestClient,
    person: &TestPerson,
) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.answer(&[("eid", "minid")]).await?;
    browser.answer(&[("do", "forgot"), ("fnr", &person.fnr)]).await?;
    assert!(browser.shows("Glemt passord") && browser.page.body.contains(&person.fnr), "{}", browser.page.body);
    Ok(browser)
}

/// The same at the page for the code by SMS, and the code.
async fn at_the_sms(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<(Browser, String)> {
    let before = arrived(idp, &person.phone, CODE);
    let mut browser = at_the_question(idp, client, person).await?;
    browser.answer(&[("do", "next"), ("fnr", &person.fnr)]).await?;
    Ok((browser, digits(&next_message(idp, &person.phone, CODE, before).await?)))
}

/// The same at the page for the code by e-mail, and the code.
async fn at_the_email(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<(Browser, String)> {
    let before = arrived(idp, &person.email, CODE);
    let (mut browser, code) = at_the_sms(idp, client, person).await?;
    give(&mut browser, &code).await?;
    Ok((browser, digits(&next_message(idp, &person.email, CODE, before).await?)))
}

/// The same at the page for the new password.
async fn at_the_new_password(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let (mut browser, code) = at_the_email(idp, client, person).await?;
    give(&mut browser, &code).await?;
    assert!(browser.shows("Velg nytt passord"), "{}", browser.page.body);
    Ok(browser)
}

async fn give(browser: &mut Browser, code: &str) -> anyhow::Result<()> {
    browser.answer(&[("do", "next"), ("code", code)]).await.map(|_| ())
}

pub(crate) async fn choose(browser: &mut Browser, password: &str) -> anyhow::Result<()> {
    browser.answer(&[("do", "next"), ("password", password), ("repeat", password)]).await.map(|_| ())
}

// Who has come in by a password that is another one by now is sent back, and takes nothing of theirs along.
#[tokio::test]
async fn whoever_is_sent_back_changes_nobody_elses_password() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, thief) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let (world, row) = (&idp.app.world, idp.row_of(&kari).await?);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    browser.answer(&[("do", "next"), ("code", &idp.last_code(&kari)?), ("better", "yes")]).await?;
    assert!(browser.shows("Sett opp en bedre måte å logge inn på"), "{}", browser.page.body);
    idp.advance(Duration::from_secs(5));
    // Whichever: one that is not what it was.
    let phc = password::stored(world.db.pool(), Some(&idp.row_of(&thief).await?.id)).await?.context("none")?;
    let mut tx = world.db.begin().await?;
    password::set(&mut tx, &row.id, &phc, idp.now()).await?;
    tx.commit().await?;
    browser.answer(&[("do", "skip")]).await?;
    assert!(browser.page.body.contains("name=\"password\""), "{}", browser.page.body);

    let before = (arrived(&idp, &thief.phone, CODE), arrived(&idp, &thief.email, CODE));
    browser.answer(&[("do", "forgot"), ("fnr", &thief.fnr)]).await?;
    browser.answer(&[("do", "next"), ("fnr", &thief.fnr)]).await?;
    let code = digits(&next_message(&idp, &thief.phone, CODE, before.0).await?);
    give(&mut browser, &code).await?;
    let code = digits(&next_message(&idp, &thief.email, CODE, before.1).await?);
    give(&mut browser, &code).await?;
    idp.advance(Duration::from_secs(5));
    choose(&mut browser, "en annen rev er vaken 31").await?;
    let stored = password::stored(world.db.pool(), Some(&row.id)).await?;
    assert_eq!(stored.as_deref(), Some(phc.as_str()), "it is still hers");
    assert!(
        kinds_of_events(&idp, &thief).await?.contains(&"password-recovered".to_owned()),
        "and the thief has another"
    );
    Ok(())
}

/// What has helped somebody to another password is shown to them, however lately they have confirmed it.
pub(crate) async fn confirm(browser: &mut Browser) -> anyhow::Result<()> {
    assert!(browser.shows("Dine kontaktopplysninger"), "{}", browser.page.body);
    browser.answer(&[("do", "confirm")]).await.map(|_| ())
}

pub(crate) fn has_session(browser: &Browser) -> bool {
    browser.cookies.contains_key("__Host-porten-session")
}

pub(crate) async fn stored(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Option<String>> {
    Ok(password::stored(idp.app.world.db.pool(), Some(&idp.row_of(person).await?.id)).await?)
}

/// A code that was not sent: of five digits or of six.
fn other_than(code: &str) -> String {
    let other = if code.starts_with('1') { "2" } else { "1" };
    other.repeat(code.len())
}

#[tokio::test]
async fn two_codes_and_another_password_lead_back_in() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut elsewhere = idp.browser();
    elsewhere.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    idp.advance(Duration::from_mins(2));

    let (mut browser, sms) = at_the_sms(&idp, &client, &kari).await?;
    assert_eq!(sms.len(), 5);
    assert!(!browser.shows("•••") && !browser.shows(&kari.phone), "who has not answered may not see where it went");
    let before = arrived(&idp, &kari.email, CODE);
    give(&mut browser, &sms).await?;
    assert!(browser.shows("p•••@example.no") && !browser.shows(&kari.email), "{}", browser.page.body);
    let email = digits(&next_message(&idp, &kari.email, CODE, before).await?);
    assert_eq!(email.len(), 6);
    give(&mut browser, &email).await?;
    let before = arrived(&idp, &kari.phone, LOGIN_CODE);
    choose(&mut browser, NEW).await?;
    // The codes are no second factor.
    assert!(browser.shows("Skriv inn koden fra SMS-en") && !has_session(&browser), "{}", browser.page.body);
    let code = next_message(&idp, &kari.phone, LOGIN_CODE, before).await?;
    give(&mut browser, code.rsplit('#').next().unwrap_or_default()).await?;
    confirm(&mut browser).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(claims(&tokens["id_token"])?["pid"], kari.fnr.as_str());

    for to in [&kari.phone, &kari.email] {
        let told = next_message(&idp, to, "Passordet ditt er endret", 0).await?;
        assert!(told.contains("800 30 300") && !told.contains("http"), "{told}");
    }
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["login", "contact-confirmed", "password-recovered", "login"]);
    // Whoever sat at another machine is out.
    elsewhere.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(elsewhere.sent_back("error")?, "login_required");
    browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert!(browser.sent_back("code").is_ok(), "and she is not");
    let mut again = idp.browser();
    again.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert_eq!(again.page.status, StatusCode::UNPROCESSABLE_ENTITY, "the old one is over");
    again.give_password(&TestPerson { password: NEW.to_owned(), ..kari.clone() }).await?;
    assert!(again.shows("Skriv inn koden fra SMS-en"), "{}", again.page.body);
    Ok(())
}

/// All that an outsider sees, with what differs from one login to the next taken out.
pub(crate) fn seen(answer: &Answer, (path, csrf): (&str, &str), fnr: &str) -> String {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-trace-id");
    let mut headers: Vec<String> =
        headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default())).collect();
    headers.sort();
    // What a passkey would sign is another each time.
    let challenge = answer.body.split("challenge&#34;:&#34;").nth(1).and_then(|rest| rest.split('&').next());
    let body = answer.body.replace(challenge.unwrap_or(csrf), "CHALLENGE");
    let body = body.replace(path, "PATH").replace(&path.replace('/', "%2F"), "PATH");
    let body = body.replace(csrf, "CSRF").replace("CHALLENGE", "CSRF").replace(fnr, "FNR");
    format!("{}\n{}\n{body}", answer.status, headers.join("\n"))
}

/// All pages that whoever knows nothing but an identifier comes to.
async fn walk(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<String> {
    let mut browser = at_the_question(idp, client, person).await?;
    let (path, csrf, mut pages) = (browser.action()?, browser.csrf()?, Vec::new());
    pages.push(seen(&browser.page, (&path, &csrf), &person.fnr));
    for form in [
        &[("do", "next"), ("fnr", person.fnr.as_str())][..],
        &[("do", "resend")],
        &[("do", "next"), ("code", "")],
        &[("do", "next"), ("code", "12")],
        &[("do", "next"), ("code", "11111")],
        &[("do", "next"), ("code", "22222")],
        &[("do", "next"), ("code", "33333")],
    ] {
        browser.answer(form).await?;
        pages.push(seen(&browser.page, (&path, &csrf), &person.fnr));
    }
    assert!(browser.page.body.contains("name=\"password\""), "three wrong ones: {}", browser.page.body);
    Ok(pages.join("\n\n"))
}

#[tokio::test]
async fn who_has_minid_is_not_told() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (known, unknown) = (idp.person().await?, unregistered()?);
    let (locked, without_minid) = (idp.person().await?, idp.person().await?);
    let (without_phone, without_email) = (idp.person().await?, idp.person().await?);
    let db = idp.app.world.db.pool();
    Person::lock(db, &idp.row_of(&locked).await?.id, "support", idp.now()).await?;
    for (sql, person) in [
        ("DELETE FROM password WHERE person = $1", &without_minid),
        ("UPDATE contact SET mobile = NULL WHERE person = $1", &without_phone),
        ("UPDATE contact SET email = NULL WHERE person = $1", &without_email),
    ] {
        sqlx::query(sql).bind(idp.row_of(person).await?.id.as_str()).execute(db).await?;
    }
    let mut all = BTreeSet::new();
    for person in [&known, &unknown, &locked, &without_minid, &without_phone, &without_email] {
        all.insert(walk(&idp, &client, person).await?);
    }
    assert_eq!(all.len(), 1, "{all:#?}");
    next_message(&idp, &known.phone, CODE, 0).await?;
    assert_eq!(arrived(&idp, &without_minid.phone, CODE), 0, "who has no MinID has no password to forget");
    // Whoever has the code by SMS learns how they stand.
    idp.advance(Duration::from_mins(61));
    for (person, words) in [(&locked, "MinID er sperret"), (&without_email, "Vi mangler e-postadressen din")] {
        let (mut browser, code) = at_the_sms(&idp, &client, person).await?;
        give(&mut browser, &code).await?;
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
        assert_eq!(arrived(&idp, &person.email, CODE), 0);
        browser.answer(&[("do", "cancel")]).await?;
        assert_eq!(browser.sent_back("error")?, "access_denied");
    }
    Ok(())
}

// Attack: a code from one browser, or of another kind, in the place of another.
#[tokio::test]
async fn a_code_counts_in_its_own_login_and_for_its_own_purpose() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let (mut one, code_of_one) = at_the_sms(&idp, &client, &kari).await?;
    let (mut other, code_of_other) = at_the_sms(&idp, &client, &kari).await?;
    if code_of_one != code_of_other {
        for (browser, code) in [(&mut one, &code_of_other), (&mut other, &code_of_one)] {
            give(browser, code).await?;
            assert!(browser.shows("Feil kode"), "{}", browser.page.body);
        }
    }
    // The code of a login is none of these, and the other way round.
    let mut login = idp.browser();
    login.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    let code_of_login = idp.last_code(&kari)?;
    if code_of_login != code_of_other {
        give(&mut login, &code_of_other).await?;
        assert!(login.shows("Feil kode"), "{}", login.page.body);
        give(&mut other, &code_of_login).await?;
        assert!(other.shows("Feil kode"), "{}", other.page.body);
    }
    let mut stranger = idp.browser();
    stranger.get(&idp.authorize(&client, &[])).await?;
    stranger.post(&one.action()?, &[("csrf", &one.csrf()?), ("do", "next"), ("code", &code_of_one)]).await?;
    assert_eq!(stranger.page.status, StatusCode::FORBIDDEN);

    let before = arrived(&idp, &kari.email, CODE);
    give(&mut other, &code_of_other).await?;
    let by_email = digits(&next_message(&idp, &kari.email, CODE, before).await?);
    assert!(other.shows("p•••@example.no"), "{}", other.page.body);
    // What was right for the SMS is not for the e-mail.
    give(&mut other, &code_of_other).await?;
    assert_eq!(other.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    give(&mut other, &by_email).await?;
    assert!(other.shows("Velg nytt passord"), "{}", other.page.body);
    Ok(())
}

// Attack: Keycloak's CVE-2026-18963. Another's identifier is slipped in at each step.
#[tokio::test]
async fn a_way_that_was_begun_for_oneself_ends_with_oneself() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let (of_kari, of_ola) = (stored(&idp, &kari).await?, stored(&idp, &ola).await?);
    let slipped_in = [("fnr", ola.fnr.as_str()), ("username", &ola.fnr), ("person", &ola.fnr), ("known", &ola.fnr)];
    let with = |own: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        own.iter().chain(&slipped_in).map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    let send = async |browser: &mut Browser, form: Vec<(&'static str, String)>| -> anyhow::Result<()> {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.answer(&form).await.map(|_| ())
    };
    let (mut browser, sms) = at_the_sms(&idp, &client, &kari).await?;
    send(&mut browser, with(&[("do", "next"), ("code", &sms)])).await?;
    let email = digits(&next_message(&idp, &kari.email, CODE, 0).await?);
    send(&mut browser, with(&[("do", "resend")])).await?;
    send(&mut browser, with(&[("do", "next"), ("code", &email)])).await?;
    assert!(browser.shows("Velg nytt passord") && !browser.shows(&ola.fnr), "{}", browser.page.body);
    send(&mut browser, with(&[("do", "next"), ("password", NEW), ("repeat", NEW)])).await?;
    assert!(browser.shows("Skriv inn koden fra SMS-en"), "{}", browser.page.body);
    assert_eq!(stored(&idp, &ola).await?, of_ola);
    assert_ne!(stored(&idp, &kari).await?, of_kari);
    assert!(idp.messages_to(&ola.phone).is_empty() && idp.messages_to(&ola.email).is_empty());

    // And from half-way with one's own codes the way to another's begins at the beginning.
    idp.advance(Duration::from_mins(61));
    let (mut browser, email) = at_the_email(&idp, &client, &kari).await?;
    browser.answer(&[("do", "back")]).await?.answer(&[("do", "forgot"), ("fnr", &ola.fnr)]).await?;
    browser.answer(&[("do", "next"), ("fnr", &ola.fnr)]).await?;
    give(&mut browser, &email).await?;
    give(&mut browser, &email[..5]).await?;
    assert!(!browser.shows("Velg nytt passord") && !browser.shows("@example.no"), "{}", browser.page.body);
    choose(&mut browser, NEW).await?;
    assert_eq!(stored(&idp, &ola).await?, of_ola);
    Ok(())
}

#[tokio::test]
async fn a_weak_password_is_refused_with_its_reason_and_nothing_is_lost() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let list = folder.path().join("stolen.txt");
    let stolen = "grevlingen graver 31";
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, stolen.as_bytes());
    let hash: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    std::fs::write(&list, format!("{}:12\n", hash.concat()))?;
    let breached = Breached::open(&list)?;
    let idp = TestIdp::with(|setup| setup.breached = breached).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let old = stored(&idp, &kari).await?;
    let mut browser = at_the_new_password(&idp, &client, &kari).await?;
    let (too_long, own_number) = (format!("{}a1", "xk7".repeat(100)), format!("a{}", kari.fnr));
    for (password, words) in [
        ("", "Skriv inn et nytt passord."),
        ("Elv-7", "Passordet er for kort."),
        (too_long.as_str(), "Passordet er for langt."),
        ("1234 5678 9012", "Passordet må ha minst én bokstav."),
        ("Elva renner stille", "Passordet må ha minst ett tall."),
        ("Elva\trenner 7", "Passordet har et tegn som ikke kan brukes"),
        ("Sommer2026", HINTS),
        ("qwerty123", HINTS),
        (own_number.as_str(), HINTS),
        (stolen, "Dette passordet er stjålet"),
    ] {
        choose(&mut browser, password).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{password}: {}", browser.page.body);
        assert!(browser.page.body.contains("id=\"password-problem\"") && browser.shows(words), "{password}");
        assert!(password.is_empty() || !browser.shows(password), "it is not shown again: {password}");
    }
    browser.answer(&[("do", "next"), ("password", NEW), ("repeat", "reven rusler bort 13")]).await?;
    assert!(browser.shows("Passordene er ikke like."), "{}", browser.page.body);
    assert_eq!(stored(&idp, &kari).await?, old, "nothing has changed until it is good");
    assert_eq!(arrived(&idp, &kari.phone, "Passordet ditt er endret"), 0);
    choose(&mut browser, NEW).await?;
    assert!(browser.shows("Skriv inn koden fra SMS-en"), "{}", browser.page.body);
    assert_ne!(stored(&idp, &kari).await?, old);
    Ok(())
}

// Attack: the form is sent many times at once, with another password each time.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_new_passwords_at_once_one_is_taken() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let browser = at_the_new_password(&idp, &client, &kari).await?;
    let mut browsers: Vec<Browser> = (0..20).map(|_| browser.clone()).collect();
    let chosen: Vec<String> = (0..20).map(|n| format!("reven rusler hjem {n}")).collect();
    let done = join_all(browsers.iter_mut().zip(&chosen).map(|(browser, password)| choose(browser, password))).await;
    done.into_iter().collect::<anyhow::Result<()>>()?;
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["password-recovered"]);
    let phc = stored(&idp, &kari).await?;
    let mut right = 0;
    for password in &chosen {
        let verified = idp.app.world.hasher.verify(password, phc.as_deref()).await?;
        right += usize::from(verified.is_ok_and(|is_right| is_right));
    }
    assert_eq!(right, 1);
    assert!(browsers.iter().all(|browser| !has_session(browser)));
    Ok(())
}

// Attack: brute force in one session, in bursts.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_burst_of_codes_three_are_looked_at() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let (browser, right) = at_the_sms(&idp, &client, &kari).await?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    let guesses: Vec<String> =
        (0..100_000).map(|n| format!("{n:05}")).filter(|code| *code != right).step_by(997).collect();
    let mut browsers: Vec<Browser> = guesses.iter().map(|_| browser.clone()).collect();
    join_all(browsers.iter_mut().zip(&guesses).map(|(browser, guess)| {
        let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", guess)];
        let action = action.as_str();
        async move { browser.post(action, &form).await.map(|_| ()) }
    }))
    .await
    .into_iter()
    .collect::<anyhow::Result<()>>()?;
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT lane, points FROM attempt_ledger").fetch_all(idp.app.world.db.pool()).await?;
    assert_eq!(rows, [("recovery".to_owned(), 3)], "exactly three were compared, of {}", guesses.len());
    let mut late = browser.clone();
    late.post(&action, &[("csrf", &csrf), ("do", "next"), ("code", &right)]).await?;
    assert!(late.page.body.contains("name=\"password\""), "{}", late.page.body);
    assert_eq!(arrived(&idp, &kari.email, CODE), 0, "the right one is too late");
    Ok(())
}

// Attack: brute force over many sessions; and whoever does that shuts nobody out of their own login.
#[tokio::test]
async fn guesses_close_the_way_to_a_new_password_and_no_other() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    for _ in 0..5 {
        let mut browser = at_the_question(&idp, &client, &kari).await?;
        browser.answer(&[("do", "next"), ("fnr", &kari.fnr)]).await?;
        for code in ["11111", "22222", "33333"] {
            give(&mut browser, code).await?;
        }
        assert!(browser.page.body.contains("name=\"password\""), "{}", browser.page.body);
    }
    let mut browser = at_the_question(&idp, &client, &kari).await?;
    browser.answer(&[("do", "next"), ("fnr", &kari.fnr)]).await?;
    give(&mut browser, "44444").await?;
    assert!(browser.shows("MinID er satt på pause"), "{}", browser.page.body);

    let mut own = idp.browser();
    own.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    give(&mut own, &code_of(&app.typed(), idp.now())?).await?;
    assert!(own.sent_back("code").is_ok(), "{}", own.page.body);
    // An hour later she can get a new one, and does it in one go.
    idp.advance(Duration::from_mins(61));
    let mut browser = at_the_new_password(&idp, &client, &kari).await?;
    choose(&mut browser, NEW).await?;
    assert!(browser.shows("Skriv inn koden fra kodeappen"), "{}", browser.page.body);
    Ok(())
}

// Attack: telephone and mailbox are in other hands. What else she has is still asked for.
#[tokio::test]
async fn a_new_password_takes_the_place_of_no_other_factor() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let app = add_app(&idp, &kari, "Telefonen").await?;
    let known = async || -> anyhow::Result<i64> {
        let db = idp.app.world.db.pool();
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM known_browser").fetch_one(db).await?)
    };
    let mut elsewhere = idp.browser();
    elsewhere.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    give(&mut elsewhere, &code_of(&app.typed(), idp.now())?).await?;
    assert!(elsewhere.sent_back("code").is_ok() && known().await? == 1, "{}", elsewhere.page.body);
    idp.advance(Duration::from_mins(1));

    let mut browser = at_the_new_password(&idp, &client, &kari).await?;
    choose(&mut browser, NEW).await?;
    assert!(browser.shows("Skriv inn koden fra kodeappen") && !has_session(&browser), "{}", browser.page.body);
    // Nobody's browser is known any more, and this one only when she is in.
    assert_eq!(known().await?, 0);
    let mut probe = browser.clone();
    probe.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(probe.sent_back("error")?, "login_required");
    elsewhere.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(elsewhere.sent_back("error")?, "login_required");
    give(&mut browser, &code_of(&app.typed(), idp.now())?).await?;
    confirm(&mut browser).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    assert_eq!(known().await?, 1);
    Ok(())
}

#[tokio::test]
async fn codes_end_and_new_ones_can_be_had() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let (mut browser, old) = at_the_sms(&idp, &client, &kari).await?;
    browser.answer(&[("do", "resend")]).await?;
    assert!(browser.shows("Vent et halvt minutt"), "{}", browser.page.body);
    idp.advance(Duration::from_mins(5));
    give(&mut browser, &old).await?;
    assert!(browser.shows("Koden gjelder ikke lenger") && !browser.shows("@example.no"), "{}", browser.page.body);
    let before = arrived(&idp, &kari.phone, CODE);
    browser.answer(&[("do", "resend")]).await?;
    let new = digits(&next_message(&idp, &kari.phone, CODE, before).await?);
    if old != new {
        give(&mut browser, &old).await?;
        assert!(browser.shows("Feil kode"), "{}", browser.page.body);
    }
    give(&mut browser, &new).await?;
    assert!(browser.shows("p•••@example.no"), "{}", browser.page.body);
    // A wrong one before does not count against the next page.
    let email = digits(&next_message(&idp, &kari.email, CODE, 0).await?);
    for _ in 0..2 {
        give(&mut browser, &other_than(&email)).await?;
        assert!(browser.shows("Feil kode"), "{}", browser.page.body);
    }
    give(&mut browser, &email).await?;
    assert!(browser.shows("Velg nytt passord"), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn who_has_to_choose_another_password_gets_in_no_earlier() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let (db, row) = (&idp.app.world.db, idp.row_of(&kari).await?);
    let mut tx = db.begin().await?;
    password::demand_another(&mut tx, &row.id, idp.now()).await?;
    tx.commit().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    assert!(browser.shows("Noen andre kan kjenne det gamle passordet ditt"), "{}", browser.page.body);
    assert!(!has_session(&browser));
    let place = browser.action()?;
    for form in [&[("do", "skip")][..], &[("do", "back")], &[("do", "confirm")], &[("method", "otc")], &[]] {
        let mut probe = browser.clone();
        probe.get(&place).await?.answer(form).await?;
        assert!(probe.shows("Velg nytt passord") && !has_session(&probe), "{form:?}: {}", probe.page.body);
    }
    choose(&mut browser, "Sommer2026").await?;
    assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    choose(&mut browser, NEW).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    next_message(&idp, &kari.email, "Passordet ditt er endret", 0).await?;
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["login", "password-changed"]);
    // And not the next time.
    let kari = TestPerson { password: NEW.to_owned(), ..kari };
    idp.advance(Duration::from_mins(61));
    let mut again = idp.browser();
    again.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    assert!(again.sent_back("code").is_ok(), "{}", again.page.body);
    Ok(())
}

#[tokio::test]
async fn a_passkey_takes_the_place_of_both_codes_and_of_no_second_factor() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = add_passkey(&idp, &kari).await?;
    let mut browser = at_the_question(&idp, &client, &kari).await?;
    let question = asked(&browser.page.body, "data-get")?;
    let answer = own.sign(&question)?;
    browser.answer(&[("do", "passkey"), ("credential", &answer)]).await?;
    assert!(browser.shows("Velg nytt passord") && !has_session(&browser), "{}", browser.page.body);
    choose(&mut browser, NEW).await?;
    assert!(browser.shows("Bekreft med passnøkkelen") && !has_session(&browser), "{}", browser.page.body);
    let question = asked(&browser.page.body, "data-get")?;
    browser.answer(&[("credential", &own.sign(&question)?)]).await?;
    confirm(&mut browser).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    assert_eq!(arrived(&idp, &kari.phone, CODE) + arrived(&idp, &kari.email, CODE), 0);
    next_message(&idp, &kari.email, "Passordet ditt er endret", 0).await?;
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["login", "contact-confirmed", "password-recovered"]);
    Ok(())
}

// Attack: one's own passkey beside another's identifier, an answer from another login, and one that is no answer.
#[tokio::test]
async fn a_passkey_opens_the_way_for_its_owner_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari, ola) = (idp.client().await?, idp.person().await?, idp.person().await?);
    let (mut of_kari, mut of_ola) = (add_passkey(&idp, &kari).await?, add_passkey(&idp, &ola).await?);
    let before = stored(&idp, &kari).await?;
    let mut browser = at_the_question(&idp, &client, &kari).await?;
    let elsewhere = at_the_question(&idp, &client, &kari).await?;
    let of_another_login = of_kari.sign(&asked(&elsewhere.page.body, "data-get")?)?;
    for credential in [of_another_login.as_str(), "x", "{}"] {
        browser.answer(&[("do", "passkey"), ("credential", credential)]).await?;
        assert!(browser.shows("Passnøkkelen ble ikke godtatt") && browser.shows("Glemt passord"), "{credential}");
    }
    let answer = of_ola.sign(&asked(&browser.page.body, "data-get")?)?;
    browser.answer(&[("do", "passkey"), ("credential", &answer), ("fnr", &kari.fnr)]).await?;
    assert!(browser.shows("Velg nytt passord") && !browser.shows(&kari.fnr), "{}", browser.page.body);
    choose(&mut browser, NEW).await?;
    assert_eq!(stored(&idp, &kari).await?, before);
    assert_eq!(kinds_of_events(&idp, &ola).await?, ["password-recovered"]);
    // Nor for whoever is locked.
    let row = idp.row_of(&kari).await?;
    Person::lock(idp.app.world.db.pool(), &row.id, "support", idp.now()).await?;
    let mut browser = at_the_question(&idp, &client, &kari).await?;
    let answer = of_kari.sign(&asked(&browser.page.body, "data-get")?)?;
    browser.answer(&[("do", "passkey"), ("credential", &answer)]).await?;
    assert!(browser.shows("MinID er sperret"), "{}", browser.page.body);
    assert_eq!(stored(&idp, &kari).await?, before);
    Ok(())
}

// Attack: somebody with the stolen telephone and mailbox has answered both codes and waits, until support has helped the
// owner.
#[tokio::test]
async fn a_way_that_was_begun_before_support_helped_ends_there() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, world) = (idp.client().await?, &idp.app.world);
    for is_reset in [true, false] {
        let kari = idp.person().await?;
        let row = idp.row_of(&kari).await?;
        let mut thief = at_the_new_password(&idp, &client, &kari).await?;
        idp.advance(Duration::from_secs(60));
        let event = Event::by("reset", &row.id, Actor::Operator("Ola".to_owned()));
        match is_reset {
            true => account::reset(world, &row.id, &event, idp.now()).await?,
            false => account::sign_out(world, &row.id, &event, idp.now()).await?,
        }
        let before = stored(&idp, &kari).await?;
        choose(&mut thief, NEW).await?;
        assert!(thief.shows("Passord") && !thief.shows("Engangskode"), "{}", thief.page.body);
        assert_eq!(stored(&idp, &kari).await?, before);
        assert!(!kinds_of_events(&idp, &kari).await?.contains(&"password-recovered".to_owned()));
        assert_eq!(arrived(&idp, &kari.phone, LOGIN_CODE), 0);
    }
    Ok(())
}
