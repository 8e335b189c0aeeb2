//! The password is forgotten, and the MinID app answers instead of both codes: its owner, and strangers who know nothing
//! but an identifier.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use authenticators::account;
use authenticators::contact::Contact;
use authenticators::person::Person;
use authenticators::trail::{Actor, Event};
use axum::http::{Method, StatusCode};
use conformance::authenticator::asked as asked_by_passkey;
use conformance::browser::Browser;
use conformance::idp::{Answer, ISSUER, TestClient, TestIdp, TestPerson, unregistered};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::{AGAIN, GOOD_FOR, Telephone, at_the_app, call, goes_on, heard, number_on, other, question, with_app};
use crate::forgotten::{
    CODE, NEW, arrived, at_the_question, choose, confirm, digits, has_session, kinds_of_events, next_message, seen,
    stored,
};
use crate::passkey::add_passkey;
use crate::profile::at_once;

const WAITING: &str = "Er MinID-appen satt opp for dette fødselsnummeret";
const NOT_YET: &str = "Vi har ikke fått svar fra appen ennå";
const TOO_LATE: &str = "Tiden gikk ut før vi fikk svar fra appen";

/// A browser in which somebody has asked for another person's password, or their own, by the app.
async fn asking(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = at_the_question(idp, client, person).await?;
    browser.answer(&[("do", "app"), ("fnr", &person.fnr)]).await?;
    ensure!(browser.shows(WAITING) && browser.page.status == StatusCode::OK, "{}", browser.page.body);
    Ok(browser)
}

/// What the telephone is asked about another password, as soon as it is: nobody at the page waits for that.
async fn is_asked(idp: &TestIdp, telephone: &Telephone, browser: &Browser) -> anyhow::Result<(String, Value)> {
    let id = browser.between("name=\"asked\" value=\"", "\"")?;
    for _ in 0..500 {
        match telephone.sees(idp).await? {
            Some((seen, statement)) if seen == id => return Ok((id, serde_json::from_str(&statement)?)),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    bail!("the app is not asked")
}

/// The same after the yes, at the page for the new password.
async fn at_the_new_password(
    idp: &TestIdp,
    client: &TestClient,
    (person, telephone): (&TestPerson, &mut Telephone),
) -> anyhow::Result<Browser> {
    let mut browser = asking(idp, client, person).await?;
    is_asked(idp, telephone, &browser).await?;
    ensure!(telephone.say_yes(idp, &number_on(&browser)?).await?.status == StatusCode::NO_CONTENT);
    answered(&mut browser).await?;
    ensure!(browser.shows("Velg nytt passord"), "{}", browser.page.body);
    Ok(browser)
}

/// «Jeg har svart i appen».
async fn answered(browser: &mut Browser) -> anyhow::Result<()> {
    let asked = browser.between("name=\"asked\" value=\"", "\"")?;
    browser.answer(&[("do", "next"), ("asked", &asked)]).await.map(|_| ())
}

#[tokio::test]
async fn the_app_takes_the_place_of_both_codes_and_of_no_second_factor() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let before = idp.sms_count(&kari);
    let mut browser = at_the_question(&idp, &client, &kari).await?;
    assert!(browser.shows("Godkjenn i MinID-appen") && browser.shows("Har du MinID-appen?"), "{}", browser.page.body);
    browser.headers.push(("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0".to_owned()));
    browser.answer(&[("do", "app"), ("fnr", &kari.fnr)]).await?;
    let (_, said) = is_asked(&idp, &telephone, &browser).await?;
    // A fraudster's request looks like what it is.
    assert_eq!((&said["purpose"], &said["language"]), (&json!("new_password"), &json!("nb")));
    let words = said["says"].as_str().context("no words")?;
    assert!(words.contains("nytt passord") && words.contains("ikke en innlogging"), "{words}");
    assert_eq!((&said["service"], &said["issuer"]), (&json!("Test service"), &json!(ISSUER)));
    assert_eq!((&said["browser"], &said["system"]), (&json!("Firefox"), &json!("Linux")));
    assert!(said.get("number").is_none() && !said.to_string().contains(&kari.fnr), "{said}");
    answered(&mut browser).await?;
    assert!(browser.shows(NOT_YET) && browser.shows(WAITING), "{}", browser.page.body);

    let number = number_on(&browser)?;
    assert_eq!(telephone.say_yes(&idp, &number).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(heard(&browser).await?, "approved");
    answered(&mut browser).await?;
    assert!(browser.shows("Velg nytt passord") && !has_session(&browser), "{}", browser.page.body);
    assert_eq!(telephone.sees(&idp).await?, None, "it is answered");
    choose(&mut browser, NEW).await?;
    // The same app is asked anew, at once, and this time about a login.
    assert!(browser.shows("Bekreft innlogging") && !has_session(&browser), "{}", browser.page.body);
    let (_, statement) = telephone.sees(&idp).await?.context("no question")?;
    assert_eq!(serde_json::from_str::<Value>(&statement)?["purpose"], "login");
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    assert!(!goes_on(&mut browser).await?, "{}", browser.page.body);
    confirm(&mut browser).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    for to in [&kari.phone, &kari.email] {
        next_message(&idp, to, "Passordet ditt er endret", 0).await?;
        assert_eq!(arrived(&idp, to, CODE), 0, "nobody pays for a code");
    }
    assert_eq!(idp.sms_count(&kari), before + 1);
    assert_eq!(
        kinds_of_events(&idp, &kari).await?,
        ["login", "contact-confirmed", "password-recovered", "factor-added", "login"]
    );
    let mut again = idp.browser();
    again.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert_eq!(again.page.status, StatusCode::UNPROCESSABLE_ENTITY, "the old one is over");
    Ok(())
}

#[tokio::test]
async fn the_owner_reads_it_in_their_own_language_whoever_asks() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for (language, words) in
        [("nn", "ikkje ei innlogging"), ("en", "This is not a login"), ("se", "ikke en innlogging")]
    {
        let (kari, telephone) = with_app(&idp, &client).await?;
        let row = idp.row_of(&kari).await?;
        sqlx::query("UPDATE contact SET language = $2 WHERE person = $1")
            .bind(row.id.as_str())
            .bind(language)
            .execute(idp.app.world.db.pool())
            .await?;
        assert_eq!(Contact::of(idp.app.world.db.pool(), &row.id).await?.language.as_deref(), Some(language));
        let browser = asking(&idp, &client, &kari).await?;
        let (_, said) = is_asked(&idp, &telephone, &browser).await?;
        assert!(said["says"].as_str().is_some_and(|says| says.contains(words)), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_no_is_a_no_and_is_not_told_to_whoever_asked() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for not_me in [false, true] {
        let (kari, mut telephone) = with_app(&idp, &client).await?;
        let before = stored(&idp, &kari).await?;
        let mut stranger = asking(&idp, &client, &kari).await?;
        let number = number_on(&stranger)?;
        is_asked(&idp, &telephone, &stranger).await?;
        telephone.say_no(&idp, not_me).await?;
        answered(&mut stranger).await?;
        assert!(stranger.shows(NOT_YET) && number_on(&stranger)? == number, "{}", stranger.page.body);
        idp.advance(GOOD_FOR);
        assert_eq!(heard(&stranger).await?, "gone");
        let place = stranger.action()?;
        stranger.get(&place).await?;
        assert!(!stranger.page.body.contains("class=\"number\""), "{}", stranger.page.body);
        assert_eq!(stored(&idp, &kari).await?, before);
        let trail = idp.trail_of(&kari).await?;
        let last = trail.first().context("nothing in the trail")?;
        assert_eq!(last.details.get("purpose"), Some(&json!("new_password")));
        assert_eq!((last.kind.as_str(), telephone.state(&idp).await?.as_str()), ("app-declined", "active"));
        assert_eq!(last.details.get("not_me"), Some(&json!(not_me)));
        if !not_me {
            let mut own = idp.by_test_id(&client, &kari, "substantial").await?;
            own.get("/profil/hendelser").await?;
            assert!(own.shows("Forespørsel om nytt passord avslått i MinID-appen"), "{}", own.page.body);
            continue;
        }
        for to in [&kari.phone, &kari.email] {
            let told = idp.arrives(to, "det ikke var du som ba om nytt passord").await?;
            assert!(told.text.contains("800 30 300") && !told.text.contains("http"), "{told:?}");
        }
        stranger.answer(&[("do", "resend")]).await?;
        idp.app.world.tasks.settle().await;
        assert_eq!(telephone.sees(&idp).await?, None, "it is quiet");
        // Whoever wanted it knew an identifier and no more: the owner's own logins are as they were.
        let mut own = at_the_app(&idp, &client, &kari).await?;
        assert_eq!(telephone.say_yes(&idp, &number_on(&own)?).await?.status, StatusCode::NO_CONTENT);
        assert!(goes_on(&mut own).await? && !own.shows("Velg nytt passord"), "{}", own.page.body);
        idp.advance(Duration::from_mins(15));
        let own = asking(&idp, &client, &kari).await?;
        is_asked(&idp, &telephone, &own).await?;
    }
    Ok(())
}

#[tokio::test]
async fn three_wrong_numbers_end_it_and_nobody_at_the_page_is_told() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let before = stored(&idp, &kari).await?;
    let mut browser = asking(&idp, &client, &kari).await?;
    let (number, (id, statement)) = (number_on(&browser)?, is_asked(&idp, &telephone, &browser).await?);
    for left in [2, 1, 0] {
        let answer = telephone.say_yes(&idp, &other(&number)).await?;
        assert_eq!((&answer.json()?["error"], &answer.json()?["left"]), (&json!("wrong_number"), &json!(left)));
    }
    let signed = telephone.key.sign(&question(&statement.to_string(), &number))?;
    assert_eq!(telephone.approve(&idp, &id, &number, &signed).await?.error()?, "gone", "the right one is too late");
    answered(&mut browser).await?;
    assert!(browser.shows(NOT_YET) && !browser.shows("Velg nytt passord"), "{}", browser.page.body);
    // Another question has another number, and the first is over.
    idp.advance(AGAIN);
    browser.answer(&[("do", "resend")]).await?;
    assert!(browser.shows("Du har fått et nytt tall"), "{}", browser.page.body);
    is_asked(&idp, &telephone, &browser).await?;
    assert_eq!(stored(&idp, &kari).await?, before);
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    answered(&mut browser).await?;
    assert!(browser.shows("Velg nytt passord"), "{}", browser.page.body);
    Ok(())
}

/// What is on the page, with its number, its question's name and the time taken out.
fn waiting(browser: &Browser, (path, csrf): (&str, &str), fnr: &str) -> String {
    let id = browser.between("name=\"asked\" value=\"", "\"").unwrap_or_else(|_| "ASKED".to_owned());
    let number = number_on(browser).unwrap_or_else(|_| "NUMBER".to_owned());
    let page = seen(&browser.page, (path, csrf), fnr).replace(&id, "ASKED");
    let page = page.replace(&format!("<span>{number}</span>"), "<span>NUMBER</span>").replace('\u{a0}', " ");
    let mut parts = page.split(" kl. ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| format!("{all} kl. TIME{}", part.chars().skip(5).collect::<String>()))
}

/// All that a stranger sees who asks for somebody, and lets the time pass.
async fn walk(
    idp: &TestIdp,
    client: &TestClient,
    person: &TestPerson,
    refuses: Option<&Telephone>,
) -> anyhow::Result<String> {
    let mut browser = asking(idp, client, person).await?;
    let (path, csrf) = (browser.action()?, browser.csrf()?);
    let mut pages = vec![waiting(&browser, (&path, &csrf), &person.fnr)];
    if let Some(telephone) = refuses {
        is_asked(idp, telephone, &browser).await?;
        telephone.say_no(idp, false).await?;
    }
    for (wait, form) in [
        (Duration::ZERO, "next"),
        (Duration::ZERO, "resend"),
        (AGAIN, "resend"),
        (Duration::ZERO, "next"),
        (Duration::ZERO, "back"),
        (Duration::ZERO, "app"),
        (Duration::from_secs(179), "next"),
        (Duration::from_secs(1), "next"),
        (Duration::ZERO, "resend"),
        (Duration::ZERO, "codes"),
    ] {
        idp.advance(wait);
        let asked = browser.between("name=\"asked\" value=\"", "\"").unwrap_or_default();
        browser.answer(&[("do", form), ("asked", &asked), ("fnr", &person.fnr)]).await?;
        pages.push(format!("{form} {}", waiting(&browser, (&path, &csrf), &person.fnr)));
    }
    assert!(pages[8].contains(TOO_LATE), "{}", pages[8]);
    assert!(browser.shows("Er fødselsnummeret registrert med MinID, har vi sendt en kode"), "{}", browser.page.body);
    Ok(pages.join("\n\n"))
}

#[tokio::test]
async fn who_has_the_app_or_minid_is_not_told() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (known, with_telephone) = with_app(&idp, &client).await?;
    let (refusing, refuses) = with_app(&idp, &client).await?;
    let (locked, of_locked) = with_app(&idp, &client).await?;
    let (without_minid, of_nobody) = with_app(&idp, &client).await?;
    let (paused, of_paused) = with_app(&idp, &client).await?;
    let (without_app, unknown) = (idp.person().await?, unregistered()?);
    let db = idp.app.world.db.pool();
    Person::lock(db, &idp.row_of(&locked).await?.id, "support", idp.now()).await?;
    for (sql, person) in [
        ("DELETE FROM password WHERE person = $1", &without_minid),
        ("UPDATE device SET paused_at = 1 WHERE person = $1", &paused),
    ] {
        sqlx::query(sql).bind(idp.row_of(person).await?.id.as_str()).execute(db).await?;
    }
    let mut all = BTreeSet::new();
    for person in [&known, &locked, &without_minid, &paused, &without_app, &unknown] {
        all.insert(walk(&idp, &client, person, None).await?);
    }
    all.insert(walk(&idp, &client, &refusing, Some(&refuses)).await?);
    assert_eq!(all.len(), 1, "{all:#?}");
    for telephone in [&of_nobody, &of_paused] {
        assert_eq!(telephone.sees(&idp).await?, None, "who has no MinID has no password to forget");
    }
    // What nobody waits for any more is gone from the app.
    assert_eq!((with_telephone.sees(&idp).await?, of_locked.sees(&idp).await?), (None, None));
    Ok(())
}

// Attack: push fatigue. A stranger asks again and again, with nothing but an identifier.
#[tokio::test]
async fn a_stranger_can_ask_three_times_an_hour_and_takes_no_login_away() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    // The clock stands still, so that it is one hour.
    let mut asked = 0;
    for _ in 0..6 {
        let mut stranger = asking(&idp, &client, &kari).await?;
        idp.app.world.tasks.settle().await;
        asked += usize::from(telephone.sees(&idp).await?.is_some());
        stranger.answer(&[("do", "cancel")]).await?;
        assert_eq!(telephone.sees(&idp).await?, None, "whoever leaves takes it back");
    }
    assert_eq!(asked, 3);
    // The owner's logins are counted apart.
    for _ in 0..5 {
        let mut own = at_the_app(&idp, &client, &kari).await?;
        assert_eq!(telephone.say_yes(&idp, &number_on(&own)?).await?.status, StatusCode::NO_CONTENT);
        assert!(goes_on(&mut own).await?, "{}", own.page.body);
    }
    idp.advance(Duration::from_hours(1));
    let stranger = asking(&idp, &client, &kari).await?;
    is_asked(&idp, &telephone, &stranger).await?;
    Ok(())
}

// Attack: from one address, whoever comes to mind.
#[tokio::test]
async fn one_address_asks_sixty_times_an_hour() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, telephone) = with_app(&idp, &client).await?;
    let nobody = unregistered()?;
    for _ in 0..59 {
        asking(&idp, &client, &nobody).await?;
    }
    let browser = asking(&idp, &client, &kari).await?;
    is_asked(&idp, &telephone, &browser).await?;
    let (ola, of_ola) = with_app(&idp, &client).await?;
    asking(&idp, &client, &ola).await?;
    // A code by SMS is something else, and so long somebody has been asked who may be.
    let mut other_way = at_the_question(&idp, &client, &ola).await?;
    other_way.answer(&[("do", "next"), ("fnr", &ola.fnr)]).await?;
    next_message(&idp, &ola.phone, CODE, 0).await?;
    assert_eq!(of_ola.sees(&idp).await?, None);
    at_the_app(&idp, &client, &ola).await?;
    Ok(())
}

#[tokio::test]
async fn three_refusals_make_it_quiet_and_logins_are_still_asked() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    for _ in 0..3 {
        let stranger = asking(&idp, &client, &kari).await?;
        is_asked(&idp, &telephone, &stranger).await?;
        telephone.say_no(&idp, false).await?;
    }
    for to in [&kari.phone, &kari.email] {
        let told = idp.arrives(to, "tre spørsmål om nytt passord").await?;
        assert!(told.text.contains("800 30 300"), "{told:?}");
    }
    let mut own = at_the_app(&idp, &client, &kari).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&own)?).await?.status, StatusCode::NO_CONTENT);
    assert!(goes_on(&mut own).await?, "{}", own.page.body);

    // Whoever refuses logins is left alone by strangers as well.
    let (ola, telephone) = with_app(&idp, &client).await?;
    for _ in 0..3 {
        at_the_app(&idp, &client, &ola).await?;
        telephone.say_no(&idp, false).await?;
    }
    asking(&idp, &client, &ola).await?;
    idp.app.world.tasks.settle().await;
    assert_eq!(telephone.sees(&idp).await?, None);
    idp.advance(Duration::from_mins(15));
    let own = asking(&idp, &client, &ola).await?;
    is_asked(&idp, &telephone, &own).await?;
    Ok(())
}

// Attack: a stranger stands in the way of its owner's login, or takes their answer away.
#[tokio::test]
async fn a_stranger_stands_in_nobodys_way() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut stranger = asking(&idp, &client, &kari).await?;
    is_asked(&idp, &telephone, &stranger).await?;
    // Whoever has the password goes first.
    let mut own = at_the_app(&idp, &client, &kari).await?;
    let (waits, statement) = telephone.sees(&idp).await?.context("no question")?;
    assert_eq!(serde_json::from_str::<Value>(&statement)?["purpose"], "login");
    idp.advance(AGAIN);
    stranger.answer(&[("do", "resend")]).await?;
    idp.app.world.tasks.settle().await;
    assert!(telephone.sees(&idp).await?.is_some_and(|(id, _)| id == waits), "it stays where it is");
    assert_eq!(telephone.say_yes(&idp, &number_on(&own)?).await?.status, StatusCode::NO_CONTENT);
    // And between the yes and the page that waits for it.
    asking(&idp, &client, &kari).await?;
    idp.app.world.tasks.settle().await;
    answered(&mut stranger).await?;
    assert!(stranger.shows(NOT_YET), "the yes to a login is none to another password: {}", stranger.page.body);
    assert!(goes_on(&mut own).await?, "{}", own.page.body);
    Ok(())
}

// Attack: the owner's yes, or another's, in the place of one's own; and Keycloak's CVE-2026-18963.
#[tokio::test]
async fn a_yes_is_good_for_the_page_that_asked_and_for_whom_it_asked() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let (ola, _) = with_app(&idp, &client).await?;
    let (of_kari, of_ola) = (stored(&idp, &kari).await?, stored(&idp, &ola).await?);
    let mut thief = asking(&idp, &client, &ola).await?;
    let mut own = asking(&idp, &client, &kari).await?;
    is_asked(&idp, &telephone, &own).await?;
    let asked = own.between("name=\"asked\" value=\"", "\"")?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&own)?).await?.status, StatusCode::NO_CONTENT);
    // In another login, for oneself or for her.
    thief.answer(&[("do", "next"), ("asked", &asked), ("fnr", &kari.fnr)]).await?;
    assert!(thief.shows(NOT_YET), "{}", thief.page.body);
    let mut second = asking(&idp, &client, &kari).await?;
    idp.app.world.tasks.settle().await;
    second.answer(&[("do", "next"), ("asked", &asked)]).await?;
    assert!(second.shows(NOT_YET), "{}", second.page.body);
    let mut planted = idp.browser();
    planted.get("/app").await?;
    planted.post(&own.action()?, &[("csrf", &own.csrf()?), ("do", "next"), ("asked", &asked)]).await?;
    assert_eq!(planted.page.status, StatusCode::FORBIDDEN);
    // With another's identifier slipped in at each step.
    own.answer(&[("do", "next"), ("asked", &asked), ("fnr", &ola.fnr), ("known", &ola.fnr)]).await?;
    assert!(own.shows("Velg nytt passord") && !own.shows(&ola.fnr), "{}", own.page.body);
    own.answer(&[("do", "next"), ("password", NEW), ("repeat", NEW), ("fnr", &ola.fnr)]).await?;
    assert!(own.shows("Bekreft innlogging") && !has_session(&own), "{}", own.page.body);
    assert_eq!(stored(&idp, &ola).await?, of_ola);
    assert_ne!(stored(&idp, &kari).await?, of_kari);
    Ok(())
}

// The page goes on by itself when it hears of the answer, and its reader presses the button as well; a finger taps twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_of_everything_change_the_password_once() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let browser = asking(&idp, &client, &kari).await?;
    let number = number_on(&browser)?;
    is_asked(&idp, &telephone, &browser).await?;
    let (id, statement) = telephone.sees(&idp).await?.context("no question")?;
    let signed = telephone.key.sign(&question(&statement, &number))?;
    let calls = (0..100).map(|_| telephone.approve(&idp, &id, &number, &signed));
    let answers = join_all(calls).await.into_iter().collect::<anyhow::Result<Vec<Answer>>>()?;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::NO_CONTENT).count(), 1);

    let (action, csrf) = (browser.action()?, browser.csrf()?);
    let clicks = [("csrf", csrf.as_str()), ("do", "next"), ("asked", id.as_str())];
    let tabs = at_once(&browser, &action, &clicks, 100).await?;
    let statuses: BTreeSet<u16> = tabs.iter().map(|tab| tab.page.status.as_u16()).collect();
    assert_eq!(statuses.into_iter().collect::<Vec<u16>>(), [303]);
    let mut browser = browser.clone();
    browser.get(&action).await?;
    assert!(browser.shows("Velg nytt passord"), "{}", browser.page.body);
    // One more click of the page that waited is none at the page that came.
    browser.post(&action, &clicks).await?;
    assert!(browser.page.status == StatusCode::OK && !browser.shows("Skriv inn et nytt passord"));

    let chosen: Vec<String> = (0..100).map(|n| format!("reven rusler hjem {n}")).collect();
    let mut browsers: Vec<Browser> = chosen.iter().map(|_| browser.clone()).collect();
    let done = join_all(browsers.iter_mut().zip(&chosen).map(|(browser, password)| choose(browser, password))).await;
    done.into_iter().collect::<anyhow::Result<()>>()?;
    let events = kinds_of_events(&idp, &kari).await?;
    assert_eq!(events.iter().filter(|kind| *kind == "password-recovered").count(), 1, "{events:?}");
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

// A double click asks once, and the page shows the number that counts.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_clicks_ask_once() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_question(&idp, &client, &kari).await?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    let form = [("csrf", csrf.as_str()), ("do", "app"), ("fnr", kari.fnr.as_str())];
    at_once(&browser, &action, &form, 50).await?;
    browser.get(&action).await?;
    is_asked(&idp, &telephone, &browser).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    answered(&mut browser).await?;
    assert!(browser.shows("Velg nytt passord"), "{}", browser.page.body);
    Ok(())
}

// Attack: a thief with the unlocked telephone waits, until support has helped the owner.
#[tokio::test]
async fn a_way_that_was_begun_before_support_helped_ends_there() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, world) = (idp.client().await?, &idp.app.world);
    for (is_reset, is_approved) in [(true, true), (true, false), (false, true), (false, false)] {
        let (kari, mut telephone) = with_app(&idp, &client).await?;
        let row = idp.row_of(&kari).await?;
        let mut thief = match is_approved {
            true => at_the_new_password(&idp, &client, (&kari, &mut telephone)).await?,
            false => asking(&idp, &client, &kari).await?,
        };
        if !is_approved {
            is_asked(&idp, &telephone, &thief).await?;
        }
        idp.advance(Duration::from_secs(60));
        let event = Event::by("reset", &row.id, Actor::Operator("Ola".to_owned()));
        match is_reset {
            true => account::reset(world, &row.id, &event, idp.now()).await?,
            false => account::sign_out(world, &row.id, &event, idp.now()).await?,
        }
        let before = stored(&idp, &kari).await?;
        match (is_approved, is_reset) {
            (true, _) => {}
            (false, true) => {
                let answer = call(&idp, (Method::GET, "/app/api/requests?seen=-"), &telephone.token, None).await?;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "the telephone is theirs no longer");
                answered(&mut thief).await?;
                assert!(thief.shows(NOT_YET), "{}", thief.page.body);
                continue;
            }
            (false, false) => {
                assert_eq!(telephone.say_yes(&idp, &number_on(&thief)?).await?.status, StatusCode::NO_CONTENT);
                answered(&mut thief).await?;
            }
        }
        choose(&mut thief, NEW).await?;
        assert!(thief.shows("Passord") && !thief.shows("Bekreft innlogging"), "{}", thief.page.body);
        assert!(!has_session(&thief));
        assert_eq!(stored(&idp, &kari).await?, before);
        assert!(!kinds_of_events(&idp, &kari).await?.contains(&"password-recovered".to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn whoever_is_locked_learns_it_after_the_yes() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let before = stored(&idp, &kari).await?;
    Person::lock(idp.app.world.db.pool(), &idp.row_of(&kari).await?.id, "support", idp.now()).await?;
    let mut browser = asking(&idp, &client, &kari).await?;
    is_asked(&idp, &telephone, &browser).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    answered(&mut browser).await?;
    assert!(browser.shows("MinID er sperret"), "{}", browser.page.body);
    assert_eq!(stored(&idp, &kari).await?, before);

    // A telephone that was removed after its yes has said nothing.
    let (ola, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = asking(&idp, &client, &ola).await?;
    is_asked(&idp, &telephone, &browser).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(telephone.give_up(&idp).await?.status, StatusCode::NO_CONTENT);
    answered(&mut browser).await?;
    assert!(browser.shows(WAITING), "{}", browser.page.body);
    Ok(())
}

// Whoever guesses at codes closes that way, and this one stays open.
#[tokio::test]
async fn a_quarantine_of_those_who_guess_does_not_shut_the_app_out() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    for _ in 0..6 {
        let mut stranger = at_the_question(&idp, &client, &kari).await?;
        stranger.answer(&[("do", "next"), ("fnr", &kari.fnr)]).await?;
        for code in ["11111", "22222", "33333"] {
            if stranger.page.body.contains("name=\"code\"") {
                stranger.answer(&[("do", "next"), ("code", code)]).await?;
            }
        }
    }
    at_the_new_password(&idp, &client, (&kari, &mut telephone)).await?;
    Ok(())
}

#[tokio::test]
async fn the_other_ways_are_one_click_away() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut own = add_passkey(&idp, &kari).await?;
    let mut browser = asking(&idp, &client, &kari).await?;
    let (waits, _) = is_asked(&idp, &telephone, &browser).await?;
    let number = number_on(&browser)?;
    // A look at the others is no harm: nobody is asked twice.
    browser.answer(&[("do", "back")]).await?;
    assert!(browser.page.body.contains(&kari.fnr) && browser.shows("Send kode"), "{}", browser.page.body);
    assert!(browser.page.body.contains("href=\"/profil\"") && browser.shows("en annen elektronisk ID"));
    browser.answer(&[("do", "app"), ("fnr", &kari.fnr)]).await?;
    assert_eq!(number_on(&browser)?, number);
    assert!(telephone.sees(&idp).await?.is_some_and(|(id, _)| id == waits));
    // The codes.
    browser.answer(&[("do", "codes")]).await?;
    assert_eq!(telephone.sees(&idp).await?, None, "nobody waits for it any more");
    let code = digits(&next_message(&idp, &kari.phone, CODE, 0).await?);
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.shows("p•••@example.no"), "{}", browser.page.body);
    // The passkey.
    let mut browser = asking(&idp, &client, &kari).await?;
    is_asked(&idp, &telephone, &browser).await?;
    browser.answer(&[("do", "back")]).await?;
    let answer = own.sign(&asked_by_passkey(&browser.page.body, "data-get")?)?;
    browser.answer(&[("do", "passkey"), ("credential", &answer)]).await?;
    assert!(browser.shows("Velg nytt passord"), "{}", browser.page.body);
    assert_eq!(telephone.sees(&idp).await?, None);
    // And from the first page, back to the login.
    let mut browser = asking(&idp, &client, &kari).await?;
    is_asked(&idp, &telephone, &browser).await?;
    browser.answer(&[("do", "back")]).await?.answer(&[("do", "back")]).await?;
    assert!(browser.page.body.contains("name=\"password\""), "{}", browser.page.body);
    assert_eq!(telephone.sees(&idp).await?, None);
    browser.give_password(&kari).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn what_is_no_identifier_is_said_beside_the_field() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let kari = idp.person().await?;
    let mut browser = at_the_question(&idp, &client, &kari).await?;
    for (typed, words) in [("", "Skriv inn fødselsnummeret"), ("123", "11 siffer")] {
        browser.answer(&[("do", "app"), ("fnr", typed)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(browser.page.body.contains("id=\"fnr-problem\"") && browser.shows(words), "{}", browser.page.body);
    }
    Ok(())
}

// «For those with … a high eID a shorter way»: the profile page.
#[tokio::test]
async fn whoever_has_an_eid_at_level_high_chooses_another_password_without_the_old_one() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = at_the_question(&idp, &client, &kari).await?;
    assert!(browser.page.body.contains("href=\"/profil\"") && browser.shows("velg nytt passord der"));
    browser = idp.by_test_id(&client, &kari, "high").await?;
    browser.get("/profil/innlogging/passord").await?;
    assert!(!browser.page.body.contains("autocomplete=\"current-password\""), "{}", browser.page.body);
    choose(&mut browser, NEW).await?;
    assert_eq!(browser.at, "/profil/innlogging?sagt=lagret", "{}", browser.page.body);
    for to in [&kari.phone, &kari.email] {
        next_message(&idp, to, "Passordet ditt er endret", 0).await?;
        assert_eq!(arrived(&idp, to, CODE), 0);
    }
    let mut again = idp.browser();
    again.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert_eq!(again.page.status, StatusCode::UNPROCESSABLE_ENTITY, "the old one is over");
    again.log_in(&idp, &TestPerson { password: NEW.to_owned(), ..kari }).await?;
    assert!(again.sent_back("code").is_ok(), "{}", again.page.body);
    Ok(())
}
