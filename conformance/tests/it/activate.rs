//! Getting MinID with an activation code, from a letter or a teacher.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, anyhow};
use authenticators::activation::{self, ActivationCode, Source};
use authenticators::contact::{self, Channel, Contact, Email, Known, Phone};
use authenticators::mail::Mail;
use authenticators::person::{BY_ONESELF, Fnr, FnrPolicy, NewPerson, Person};
use authenticators::population::{self, Population};
use authenticators::trail::{Actor, Event};
use authenticators::{account, password, recovery_code, totp};
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{Answer, TestIdp, TestPerson, claims, unregistered};
use futures_util::future::join_all;
use idp::activation_pages;
use serde_json::json;

use crate::forgotten::{arrived, digits, kinds_of_events, next_message};
use crate::recovery_code::add_list;
use crate::totp::add_app;

pub(crate) const PATH: &str = "/registrer";
const DAY: Duration = Duration::from_hours(24);
/// What stands in the messages with the codes, by SMS and by e-mail.
const CODE: &str = "Koden som bekrefter";
/// A password that is good enough.
pub(crate) const NEW: &str = "reven rusler hjem 13";
pub(crate) const FIRST_PAGE: &str = "Skriv inn aktiveringskode";
pub(crate) const MOBILE_PAGE: &str = "Mobilnummeret ditt";
const EMAIL_PAGE: &str = "E-postadressen din";
const PASSWORD_PAGE: &str = "Velg et passord";
pub(crate) const READY: &str = "MinID er klar til bruk";
const OVER: &str = "Koden er brukt eller for gammel";
const GUESSED_AT: &str = "Koden er stengt, for den er prøvd med for mange andre fødselsnumre";
const WRONG: &str = "Fødselsnummeret eller aktiveringskoden er feil";
const TOLD: &str = "MinID er registrert på nytt";
const TOLD_FIRST: &str = "MinID er registrert for deg med en aktiveringskode";
/// What whoever has MinID reads before they lose something.
const FORGOTTEN: &str = "Velger du «Hopp over», blir den slettet";
const REPLACED: &str = "kan du ikke lenger logge inn med det du har brukt til nå";
/// The letters of a code.
static LETTERS: [char; 16] = ['B', 'C', 'D', 'F', 'G', 'H', 'K', 'L', 'M', 'N', 'P', 'R', 'S', 'T', 'X', 'Z'];

/// Puts somebody into the table of people, without MinID.
async fn register(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<()> {
    let fnr = Fnr::parse(&person.fnr, idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))?;
    let name = NewPerson { given_name: "Rolig".to_owned(), family_name: "Elv".to_owned() };
    Person::register(&idp.app.world.db, &idp.app.world.chance, &fnr, name, idp.now()).await?;
    Ok(())
}

/// Somebody without MinID.
pub(crate) async fn newcomer(idp: &TestIdp) -> anyhow::Result<TestPerson> {
    let person = TestPerson { password: NEW.to_owned(), ..unregistered()? };
    register(idp, &person).await?;
    Ok(person)
}

/// A code for somebody.
pub(crate) async fn code_for(idp: &TestIdp, person: &TestPerson, source: Source) -> anyhow::Result<ActivationCode> {
    let (world, row, now) = (&idp.app.world, idp.row_of(person).await?, idp.now());
    let mut tx = world.db.begin().await?;
    let times = (now, now.plus(source.valid()));
    let (_, code) = activation::issue(&mut tx, (&world.vault, &world.chance), &row.id, source, times).await?;
    tx.commit().await?;
    Ok(code)
}

/// Somebody without MinID, and their code.
pub(crate) async fn with_letter(idp: &TestIdp) -> anyhow::Result<(TestPerson, String)> {
    let person = newcomer(idp).await?;
    let code = code_for(idp, &person, Source::Letter).await?.grouped();
    Ok((person, code))
}

/// A code that is nobody's.
fn guess(number: usize) -> String {
    let letter = |place: u32| LETTERS.get(number.checked_shr(4 * place).unwrap_or(0) & 15);
    let all: Vec<char> = (0..15).filter_map(letter).copied().collect();
    all.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// Sends the form on the page, with where it stands, as a browser does.
pub(crate) async fn send(browser: &mut Browser, fields: &[(&str, &str)]) -> anyhow::Result<()> {
    let turn = browser.between("name=\"turn\" value=\"", "\"")?;
    let all: Vec<(&str, &str)> = [("turn", turn.as_str())].into_iter().chain(fields.iter().copied()).collect();
    browser.answer(&all).await.map(|_| ())
}

/// Types an identifier and a code on the first page.
pub(crate) async fn begin(browser: &mut Browser, fnr: &str, code: &str) -> anyhow::Result<()> {
    send(browser, &[("do", "next"), ("fnr", fnr), ("code", code)]).await
}

/// A browser at the page for the mobile number.
async fn at_the_mobile(idp: &TestIdp, person: &TestPerson, code: &str) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    assert!(browser.shows(FIRST_PAGE), "{}", browser.page.body);
    begin(&mut browser, &person.fnr, code).await?;
    assert!(browser.shows(MOBILE_PAGE) && browser.page.status == StatusCode::OK, "{}", browser.page.body);
    Ok(browser)
}

/// Proves a mobile number.
pub(crate) async fn prove_mobile(idp: &TestIdp, browser: &mut Browser, phone: &str) -> anyhow::Result<()> {
    let before = arrived(idp, phone, CODE);
    send(browser, &[("do", "next"), ("mobile", phone)]).await?;
    let code = digits(&next_message(idp, phone, CODE, before).await?);
    send(browser, &[("do", "next"), ("code", &code)]).await
}

/// A browser at the page for the password, without an e-mail address.
async fn at_the_password(idp: &TestIdp, person: &TestPerson, code: &str) -> anyhow::Result<Browser> {
    let mut browser = at_the_mobile(idp, person, code).await?;
    prove_mobile(idp, &mut browser, &person.phone).await?;
    assert!(browser.shows(EMAIL_PAGE), "{}", browser.page.body);
    send(&mut browser, &[("do", "skip")]).await?;
    assert!(browser.shows(PASSWORD_PAGE), "{}", browser.page.body);
    Ok(browser)
}

pub(crate) async fn choose(browser: &mut Browser, password: &str) -> anyhow::Result<()> {
    send(browser, &[("do", "next"), ("password", password), ("repeat", password)]).await
}

/// All of it; the page at the end.
pub(crate) async fn activated(idp: &TestIdp, person: &TestPerson, code: &str) -> anyhow::Result<Browser> {
    let mut browser = at_the_password(idp, person, code).await?;
    choose(&mut browser, &person.password).await?;
    Ok(browser)
}

async fn stored(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Option<String>> {
    Ok(password::stored(idp.app.world.db.pool(), Some(&idp.row_of(person).await?.id)).await?)
}

async fn contact_of(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<Contact> {
    Ok(Contact::of(idp.app.world.db.pool(), &idp.row_of(person).await?.id).await?)
}

/// Logs in at a service with password and SMS; the claims.
async fn log_in(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<serde_json::Value> {
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(idp, person).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    claims(&tokens["id_token"])
}

#[tokio::test]
async fn a_code_from_a_letter_leads_to_a_login_at_a_service() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    assert!(browser.shows("Ved å trykke Neste godtar du bruksvilkårene.") && browser.shows("Steg 1 av 4"));
    let terms = format!("<summary>Bruksvilkår (versjon {})</summary>", activation_pages::TERMS);
    assert!(browser.page.body.contains(&terms), "{}", browser.page.body);
    assert!(browser.page.body.contains("href=\"/aktiveringsbrev/order\""));
    begin(&mut browser, &kari.fnr, &code).await?;
    assert!(browser.shows(MOBILE_PAGE) && !browser.shows(&code) && browser.at == PATH, "{}", browser.page.body);
    send(&mut browser, &[("do", "next"), ("mobile", &kari.phone)]).await?;
    assert!(browser.shows("Skriv inn koden"), "{}", browser.page.body);
    let sms = digits(&next_message(&idp, &kari.phone, CODE, 0).await?);
    send(&mut browser, &[("do", "next"), ("code", &sms)]).await?;
    assert!(browser.shows(EMAIL_PAGE) && browser.shows("E-post er frivillig"), "{}", browser.page.body);
    send(&mut browser, &[("do", "next"), ("email", &kari.email)]).await?;
    let mail = digits(&next_message(&idp, &kari.email, CODE, 0).await?);
    assert_eq!((sms.len(), mail.len()), (5, 6));
    send(&mut browser, &[("do", "next"), ("code", &mail)]).await?;
    assert!(browser.shows(PASSWORD_PAGE), "{}", browser.page.body);
    assert_eq!(stored(&idp, &kari).await?, None);
    assert!(contact_of(&idp, &kari).await?.channels().is_empty(), "nothing counts before the end");
    choose(&mut browser, NEW).await?;
    assert!(browser.shows(READY) && browser.shows("kode på SMS"), "{}", browser.page.body);
    for way in ["href=\"/profil\"", "href=\"/app#", "value=\"invite\""] {
        assert!(browser.page.body.contains(way), "{way}: {}", browser.page.body);
    }
    assert!(!browser.cookies.contains_key("__Host-porten-session"), "a code is no login");

    let contact = contact_of(&idp, &kari).await?;
    assert_eq!(contact.mobile.as_ref().map(Phone::as_str), Some(kari.phone.as_str()));
    assert_eq!(contact.email.as_ref().map(Email::as_str), Some(kari.email.as_str()));
    assert_eq!((contact.mobile_proved_at, contact.email_proved_at), (Some(idp.now()), Some(idp.now())));
    assert_eq!(contact.language.as_deref(), Some("nb"));
    let claims = log_in(&idp, &kari).await?;
    assert_eq!((&claims["pid"], &claims["amr"]), (&json!(kari.fnr), &json!(["Minid-OTC"])));
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["login", "registered"]);
    let entry = idp.trail_of(&kari).await?.pop().context("no entry")?;
    assert_eq!(entry.details.get("source"), Some(&json!("letter")));
    assert!(!serde_json::to_string(&entry.details)?.contains(&kari.phone));
    assert_eq!(arrived(&idp, &kari.phone, TOLD) + arrived(&idp, &kari.email, TOLD), 0, "she knows it");
    Ok(())
}

#[tokio::test]
async fn a_code_on_a_teachers_screen_does_the_same_and_the_next_pupil_begins_afresh() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, ola) = (newcomer(&idp).await?, newcomer(&idp).await?);
    let code = code_for(&idp, &kari, Source::School).await?.grouped();
    let mut browser = activated(&idp, &kari, &code).await?;
    assert!(browser.shows(READY), "{}", browser.page.body);
    let entry = idp.trail_of(&kari).await?.pop().context("no entry")?;
    assert_eq!((entry.kind.as_str(), entry.details.get("source")), ("registered", Some(&json!("school"))));
    assert_eq!(entry.details.get("terms"), Some(&json!(activation_pages::TERMS)), "which terms they have accepted");
    let contact = contact_of(&idp, &kari).await?;
    assert_eq!((contact.email, contact.mobile_proved_at), (None, Some(idp.now())));
    log_in(&idp, &kari).await?;
    // The same machine: a reload shows where it stood, and a button leads to the first page.
    browser.get(PATH).await?;
    assert!(browser.shows(READY) && !browser.shows(&kari.fnr) && !browser.shows(&kari.phone));
    send(&mut browser, &[("do", "again")]).await?;
    assert!(browser.shows(FIRST_PAGE) && !browser.shows(&kari.fnr), "{}", browser.page.body);
    let code = code_for(&idp, &ola, Source::School).await?.grouped();
    begin(&mut browser, &ola.fnr, &code).await?;
    assert!(browser.shows(MOBILE_PAGE), "{}", browser.page.body);
    Ok(())
}

// A shared machine: one has stopped halfway, and the next one comes.
#[tokio::test]
async fn each_page_tells_whose_it_is_and_the_next_one_begins_afresh() -> anyhow::Result<()> {
    let hidden = unregistered()?;
    let line = json!({ "fnr": hidden.fnr, "given_name": "Rolig", "family_name": "Elv", "protected": true });
    let population = Population::read(&line.to_string())?;
    let idp = TestIdp::with(|setup| setup.population = population).await?;
    let ((kari, of_kari), (ola, of_ola)) = (with_letter(&idp).await?, with_letter(&idp).await?);
    let at_mobile = at_the_mobile(&idp, &kari, &of_kari).await?;
    let mut at_code = at_the_mobile(&idp, &kari, &of_kari).await?;
    send(&mut at_code, &[("do", "next"), ("mobile", &ola.phone)]).await?;
    let at_password = at_the_password(&idp, &kari, &of_kari).await?;
    for (mut browser, page) in [(at_mobile, MOBILE_PAGE), (at_code, "Skriv inn koden"), (at_password, PASSWORD_PAGE)] {
        browser.get(PATH).await?;
        assert!(browser.shows(page) && browser.shows("Du registrerer MinID for Rolig Elv."), "{}", browser.page.body);
        assert!(browser.page.body.contains("/static/activate.") && browser.page.body.contains("id=\"again\""));
        send(&mut browser, &[("do", "again")]).await?;
        assert!(browser.shows(FIRST_PAGE) && !browser.shows("Rolig Elv"), "{}", browser.page.body);
        begin(&mut browser, &ola.fnr, &of_ola).await?;
        assert!(browser.shows(MOBILE_PAGE) && !browser.shows(&kari.phone), "{}", browser.page.body);
    }
    // Whom nobody knows by name has the end of the number to know themselves by.
    let nameless = unregistered()?;
    let fnr = Fnr::parse(&nameless.fnr, idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))?;
    Person::ensure(&idp.app.world.db, &idp.app.world.chance, &fnr, idp.now()).await?;
    // And so has whose address is protected: those beside them in the class may know them by another name.
    register(&idp, &hidden).await?;
    for person in [nameless, hidden] {
        let code = code_for(&idp, &person, Source::Letter).await?.grouped();
        let browser = at_the_mobile(&idp, &person, &code).await?;
        assert!(browser.shows(&format!("som slutter på {}.", &person.fnr[9..])), "{}", browser.page.body);
        assert!(!browser.shows(&person.fnr) && !browser.shows("Rolig"), "{}", browser.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn a_code_is_read_however_it_is_typed() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, grouped) = with_letter(&idp).await?;
    let bare = grouped.replace('-', "");
    let look_alike = |c: char| match c {
        'B' => '8',
        'D' => '0',
        'G' => '6',
        'L' => '1',
        'S' => '5',
        'T' => '7',
        'Z' => '2',
        other => other,
    };
    for typed in [
        grouped.clone(),
        bare.clone(),
        bare.to_lowercase(),
        grouped.replace('-', " "),
        format!("  {}. ", grouped.replace('-', " - ")),
        bare.chars().map(look_alike).collect(),
        bare.chars().map(|c| format!("{c} ")).collect(),
    ] {
        at_the_mobile(&idp, &kari, &typed).await?;
    }
    // What is no code is told in words, and nothing typed is lost.
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    for (fnr, typed, words) in [
        (kari.fnr.as_str(), "", "Skriv inn aktiveringskoden."),
        (kari.fnr.as_str(), "   ", "Skriv inn aktiveringskoden."),
        (kari.fnr.as_str(), &bare[1..], "Den har 15 bokstaver"),
        (kari.fnr.as_str(), "ABCDEFGHIJKLMNO", "Den har 15 bokstaver"),
        ("", bare.as_str(), "Skriv inn fødselsnummeret ditt."),
        ("123", bare.as_str(), "11 siffer"),
    ] {
        begin(&mut browser, fnr, typed).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed:?}");
        assert!(browser.shows(words) && browser.page.body.contains("aria-invalid=\"true\""), "{typed:?} {words}");
        for kept in [fnr, typed] {
            assert!(browser.page.body.contains(&format!("value=\"{kept}\"")), "{kept}: {}", browser.page.body);
        }
    }
    begin(&mut browser, &format!(" {} {} ", &kari.fnr[..6], &kari.fnr[6..]), &bare).await?;
    assert!(browser.shows(MOBILE_PAGE), "{}", browser.page.body);
    Ok(())
}

/// All that an outsider sees, with what differs from one to the next taken out.
fn seen(answer: &Answer, mine: [&str; 3]) -> String {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-trace-id");
    let mut headers: Vec<String> =
        headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default())).collect();
    headers.sort();
    let body = mine.iter().fold(answer.body.clone(), |body, own| body.replace(own, "OWN"));
    format!("{}\n{}\n{body}", answer.status, headers.join("\n"))
}

#[tokio::test]
async fn whether_it_was_the_person_or_the_code_is_not_told() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let ((kari, of_kari), (ola, of_ola)) = (with_letter(&idp).await?, with_letter(&idp).await?);
    let (has_minid, without_code, unknown) = (idp.person().await?, newcomer(&idp).await?, unregistered()?);
    let locked = newcomer(&idp).await?;
    let of_locked = code_for(&idp, &locked, Source::Letter).await?.grouped();
    Person::lock(idp.app.world.db.pool(), &idp.row_of(&locked).await?.id, "support", idp.now()).await?;
    let mut all = BTreeSet::new();
    for (person, code) in [
        (&kari, guess(1)),
        (&kari, of_ola.clone()),
        (&ola, of_kari.clone()),
        (&has_minid, guess(2)),
        (&without_code, of_kari.clone()),
        (&unknown, of_kari.clone()),
        (&unknown, guess(3)),
        (&locked, guess(4)),
    ] {
        let mut browser = idp.browser();
        browser.get(PATH).await?;
        begin(&mut browser, &person.fnr, &code).await?;
        assert!(browser.shows(WRONG), "{}", browser.page.body);
        all.insert(seen(&browser.page, [&browser.csrf()?, &person.fnr, &code]));
    }
    assert_eq!(all.len(), 1, "{all:#?}");
    // Whoever has both is told why not, and what to do.
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    begin(&mut browser, &locked.fnr, &of_locked).await?;
    assert!(browser.shows("MinID er sperret") && browser.shows("800\u{a0}30\u{a0}300"), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn a_code_that_is_over_is_said_to_be() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let over = async |person: &TestPerson, code: &str| -> anyhow::Result<bool> {
        let mut browser = idp.browser();
        browser.get(PATH).await?;
        begin(&mut browser, &person.fnr, code).await?;
        assert!(browser.shows(OVER) != browser.shows(MOBILE_PAGE), "{}", browser.page.body);
        Ok(browser.shows(OVER) && browser.page.body.contains("href=\"/aktiveringsbrev/order\""))
    };
    // Used.
    let (kari, used) = with_letter(&idp).await?;
    assert!(activated(&idp, &kari, &used).await?.shows(READY));
    assert!(over(&kari, &used).await?);
    // Ended by a newer one.
    let (ola, old) = with_letter(&idp).await?;
    let new = code_for(&idp, &ola, Source::School).await?.grouped();
    assert!(over(&ola, &old).await? && !over(&ola, &new).await?);
    // A quarter of an hour on a screen, sixty days in a letter.
    idp.advance(Duration::from_secs(15 * 60 - 1));
    assert!(!over(&ola, &new).await?);
    idp.advance(Duration::from_secs(1));
    assert!(over(&ola, &new).await?);
    let (anne, letter) = with_letter(&idp).await?;
    idp.advance(Duration::from_secs(60 * 24 * 3600 - 1));
    assert!(!over(&anne, &letter).await?);
    idp.advance(Duration::from_secs(1));
    assert!(over(&anne, &letter).await?);
    Ok(())
}

#[tokio::test]
async fn a_code_that_ends_on_the_way_gives_nothing() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let mut ended = at_the_password(&idp, &kari, &code).await?;
    code_for(&idp, &kari, Source::Letter).await?;
    choose(&mut ended, NEW).await?;
    assert!(ended.shows(OVER) && stored(&idp, &kari).await?.is_none(), "{}", ended.page.body);

    // Support, or a coupling that ends: at once, also after the code's own time.
    let ola = newcomer(&idp).await?;
    let code = code_for(&idp, &ola, Source::School).await?.grouped();
    idp.advance(Duration::from_mins(14));
    let mut ended = at_the_password(&idp, &ola, &code).await?;
    idp.advance(Duration::from_mins(2));
    let row = idp.row_of(&ola).await?;
    let mut tx = idp.app.world.db.begin().await?;
    activation::end_from(&mut tx, &row.id, Source::School, idp.now()).await?;
    tx.commit().await?;
    choose(&mut ended, NEW).await?;
    assert!(ended.shows(OVER) && stored(&idp, &ola).await?.is_none(), "{}", ended.page.body);
    // From there another code can be typed.
    let code = code_for(&idp, &ola, Source::School).await?.grouped();
    send(&mut ended, &[("do", "again")]).await?;
    begin(&mut ended, &ola.fnr, &code).await?;
    assert!(ended.shows(MOBILE_PAGE), "{}", ended.page.body);

    // A page that was left open for too long begins anew, and the code is still good.
    let (anne, code) = with_letter(&idp).await?;
    let mut left = at_the_mobile(&idp, &anne, &code).await?;
    idp.advance(Duration::from_mins(15));
    send(&mut left, &[("do", "next"), ("mobile", &anne.phone)]).await?;
    assert!(left.shows("Det gikk for lang tid") && idp.sms_count(&anne) == 0, "{}", left.page.body);
    assert!(activated(&idp, &anne, &code).await?.shows(READY));
    Ok(())
}

#[tokio::test]
async fn a_code_that_was_typed_in_time_is_good_for_a_quarter_of_an_hour_more() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for source in [Source::School, Source::Letter] {
        let (kari, ola) = (newcomer(&idp).await?, newcomer(&idp).await?);
        let (of_kari, of_ola) = (code_for(&idp, &kari, source).await?, code_for(&idp, &ola, source).await?);
        idp.advance(source.valid().saturating_sub(Duration::from_secs(1)));
        let mut in_time = at_the_password(&idp, &kari, &of_kari.grouped()).await?;
        let mut too_late = at_the_password(&idp, &ola, &of_ola.grouped()).await?;
        // Each page is kept for as long again, but not the code.
        idp.advance(Duration::from_mins(10));
        for browser in [&mut in_time, &mut too_late] {
            send(browser, &[("do", "back")]).await?;
            send(browser, &[("do", "skip")]).await?;
            assert!(browser.shows(PASSWORD_PAGE), "{}", browser.page.body);
        }
        idp.advance(Duration::from_secs(5 * 60 - 1));
        choose(&mut in_time, NEW).await?;
        assert!(in_time.shows(READY), "{}", in_time.page.body);
        idp.advance(Duration::from_secs(1));
        choose(&mut too_late, NEW).await?;
        assert!(too_late.shows(OVER) && stored(&idp, &ola).await?.is_none(), "{}", too_late.page.body);
        // And it is typed nowhere else.
        let mut other = idp.browser();
        other.get(PATH).await?;
        begin(&mut other, &ola.fnr, &of_ola.grouped()).await?;
        assert!(other.shows(OVER), "{}", other.page.body);
    }
    Ok(())
}

// Attack: two pupils have seen the same code, or one has two hundred fingers.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_at_once_with_the_same_code_one_registers() -> anyhow::Result<()> {
    const BROWSERS: usize = 20;
    const CLICKS: usize = 10;
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let mut browsers = Vec::new();
    for _ in 0..BROWSERS {
        // Each with a telephone of their own.
        let other = TestPerson { fnr: kari.fnr.clone(), ..unregistered()? };
        let browser = at_the_password(&idp, &other, &code).await?;
        browsers.extend((0..CLICKS).map(|_| (browser.clone(), other.phone.clone())));
    }
    let passwords: Vec<String> = (0..browsers.len()).map(|n| format!("reven rusler hjem {n}")).collect();
    let done = join_all(browsers.iter_mut().zip(&passwords).map(|((browser, _), password)| choose(browser, password)));
    done.await.into_iter().collect::<anyhow::Result<()>>()?;

    assert_eq!(kinds_of_events(&idp, &kari).await?, ["registered"]);
    let mobile = contact_of(&idp, &kari).await?.mobile.context("no telephone")?;
    for (browser, phone) in &mut browsers {
        // Whatever each has seen meanwhile, this is how it stands.
        browser.get(PATH).await?;
        let (is_ready, is_own) = (browser.shows(READY), phone.as_str() == mobile.as_str());
        assert_eq!((is_ready, browser.shows(OVER)), (is_own, !is_own), "{}", browser.page.body);
    }
    let phc = stored(&idp, &kari).await?;
    let mut right = Vec::new();
    for (number, password) in passwords.iter().enumerate() {
        let verified = idp.app.world.hasher.verify(password, phc.as_deref()).await?;
        if verified.is_ok_and(|is_right| is_right) {
            right.push(number);
        }
    }
    assert_eq!(right.len(), 1, "{right:?}");
    assert_eq!(browsers[right[0]].1, mobile.as_str(), "telephone and password are of one and the same");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_does_no_harm() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let mut browser = at_the_mobile(&idp, &kari, &code).await?;
    let mut second = browser.clone();
    let form = [("do", "next"), ("mobile", kari.phone.as_str())];
    let (one, other) = tokio::join!(send(&mut browser, &form), send(&mut second, &form));
    one.and(other)?;
    assert_eq!(arrived(&idp, &kari.phone, CODE), 1, "one SMS");
    assert!(browser.shows("Skriv inn koden") && second.shows("Skriv inn koden"), "{}", second.page.body);
    let sms = digits(&next_message(&idp, &kari.phone, CODE, 0).await?);
    let (before, mut second) = (browser.clone(), browser.clone());
    let form = [("do", "next"), ("code", sms.as_str())];
    let (one, other) = tokio::join!(send(&mut browser, &form), send(&mut second, &form));
    one.and(other)?;
    browser.get(PATH).await?;
    assert!(browser.shows(EMAIL_PAGE), "{}", browser.page.body);
    // From the back button, a page from before: on to where it stands.
    let mut stale = before.clone();
    send(&mut stale, &[("do", "next"), ("code", "00000")]).await?;
    assert!(stale.shows(EMAIL_PAGE) && stale.page.status == StatusCode::OK, "{}", stale.page.body);
    send(&mut browser, &[("do", "skip")]).await?;
    let mut second = browser.clone();
    let (one, other) = tokio::join!(choose(&mut browser, NEW), choose(&mut second, NEW));
    one.and(other)?;
    assert!(browser.shows(READY) && second.shows(READY), "{}{}", browser.page.body, second.page.body);
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["registered"]);
    Ok(())
}

#[tokio::test]
async fn the_way_back_loses_nothing() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let mut browser = at_the_mobile(&idp, &kari, &code).await?;
    for wrong in ["", "12345678", "22334455", "abc"] {
        send(&mut browser, &[("do", "next"), ("mobile", wrong)]).await?;
        assert!(browser.shows("Dette er ikke et mobilnummer"), "{wrong:?}: {}", browser.page.body);
        assert!(browser.page.body.contains(&format!("value=\"{wrong}\"")), "{wrong:?}");
    }
    // A slip in the number: back, and another one.
    let slip = unregistered()?.phone;
    send(&mut browser, &[("do", "next"), ("mobile", &slip)]).await?;
    send(&mut browser, &[("do", "back")]).await?;
    assert!(browser.shows(MOBILE_PAGE), "{}", browser.page.body);
    prove_mobile(&idp, &mut browser, &kari.phone).await?;
    // Back to the number and forth again: it is proved, and no other SMS goes out.
    send(&mut browser, &[("do", "back")]).await?;
    assert!(browser.page.body.contains(&format!("value=\"{}\"", kari.phone)), "{}", browser.page.body);
    send(&mut browser, &[("do", "next"), ("mobile", &kari.phone)]).await?;
    assert!(browser.shows(EMAIL_PAGE) && idp.sms_count(&kari) == 1, "{}", browser.page.body);
    for (wrong, words) in [("", "eller velg «Hopp over»"), ("kari@", "Dette er ikke en e-postadresse")] {
        send(&mut browser, &[("do", "next"), ("email", wrong)]).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(browser.shows(words) && browser.page.body.contains(&format!("value=\"{wrong}\"")), "{wrong:?}");
    }
    // Nothing comes at the address: it can be passed over from the page for its code as well.
    send(&mut browser, &[("do", "next"), ("email", &kari.email)]).await?;
    assert!(browser.shows("Skriv inn koden"), "{}", browser.page.body);
    send(&mut browser, &[("do", "skip")]).await?;
    send(&mut browser, &[("do", "next"), ("password", NEW), ("repeat", "reven rusler bort 13")]).await?;
    assert!(browser.shows("Passordene er ikke like."), "{}", browser.page.body);
    for (weak, words) in
        [("", "Skriv inn et nytt passord."), ("Elv-7", "for kort"), ("Sommer2026", "<ul class=\"ds-list\">")]
    {
        choose(&mut browser, weak).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{weak}");
        assert!(browser.shows(words), "{weak}: {}", browser.page.body);
    }
    send(&mut browser, &[("do", "back")]).await?;
    assert!(browser.shows(EMAIL_PAGE), "{}", browser.page.body);
    send(&mut browser, &[("do", "skip")]).await?;
    choose(&mut browser, NEW).await?;
    assert!(browser.shows(READY), "{}", browser.page.body);
    assert_eq!(contact_of(&idp, &kari).await?.email, None);
    Ok(())
}

#[tokio::test]
async fn where_no_mail_is_sent_an_address_is_kept_unproved() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| setup.mail = Some(Mail::None)).await?;
    let (kari, code) = with_letter(&idp).await?;
    let mut browser = at_the_mobile(&idp, &kari, &code).await?;
    prove_mobile(&idp, &mut browser, &kari.phone).await?;
    assert!(browser.shows(EMAIL_PAGE) && !browser.shows("Vi sender en kode dit"), "{}", browser.page.body);
    send(&mut browser, &[("do", "next"), ("email", &kari.email)]).await?;
    assert!(browser.shows(PASSWORD_PAGE), "{}", browser.page.body);
    choose(&mut browser, NEW).await?;
    let contact = contact_of(&idp, &kari).await?;
    assert_eq!(contact.email.as_ref().map(Email::as_str), Some(kari.email.as_str()));
    assert_eq!((contact.email_proved_at, contact.mobile_proved_at), (None, Some(idp.now())));
    Ok(())
}

// Attack: the code by SMS is guessed, in one go and by asking for another.
#[tokio::test]
async fn a_code_by_sms_has_three_tries_and_a_number_its_share() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let victim = unregistered()?;
    let mut browser = at_the_mobile(&idp, &kari, &code).await?;
    send(&mut browser, &[("do", "next"), ("mobile", &victim.phone)]).await?;
    let right = digits(&next_message(&idp, &victim.phone, CODE, 0).await?);
    let wrong = if right == "11111" { "22222" } else { "11111" };
    // A slip of the finger is no try.
    for slip in ["", "1234", "123456", "1234a", "١٢٣٤٥"] {
        send(&mut browser, &[("do", "next"), ("code", slip)]).await?;
        let words = if slip.is_empty() { "Skriv inn koden du fikk." } else { "Koden skal ha 5 siffer." };
        assert!(browser.shows(words) && browser.page.status == StatusCode::UNPROCESSABLE_ENTITY, "{slip:?}");
    }
    for words in ["Feil kode", "Feil kode", "feil tre ganger"] {
        send(&mut browser, &[("do", "next"), ("code", wrong)]).await?;
        assert!(browser.shows(words), "{words}: {}", browser.page.body);
    }
    send(&mut browser, &[("do", "next"), ("code", &right)]).await?;
    assert!(browser.shows("feil tre ganger"), "the right one is too late: {}", browser.page.body);
    send(&mut browser, &[("do", "resend")]).await?;
    assert!(browser.shows("Vent et halvt minutt"), "{}", browser.page.body);
    for _ in 0..12 {
        idp.advance(Duration::from_secs(31));
        send(&mut browser, &[("do", "resend")]).await?;
    }
    // The hour may have turned in between, and begun a new share.
    let sent = arrived(&idp, &victim.phone, CODE);
    assert!((5..=10).contains(&sent), "{sent}");
    assert!(browser.shows("Det er sendt mange koder") || sent > 5, "{}", browser.page.body);
    Ok(())
}

// Attack: somebody is kept out by guesses in their name, in many browsers and however the identifier is written.
#[tokio::test]
async fn the_guesses_of_others_keep_nobody_out_and_right_ones_are_none() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    for _ in 0..60 {
        at_the_mobile(&idp, &kari, &code).await?;
    }
    let spellings = [kari.fnr.clone(), format!(" {}", kari.fnr), format!("{} {}", &kari.fnr[..6], &kari.fnr[6..])];
    for number in 0..60 {
        let mut browser = idp.browser();
        browser.get(PATH).await?;
        begin(&mut browser, &spellings[number % 3], &guess(number + 1)).await?;
        assert!(browser.shows(WRONG), "{number}: {}", browser.page.body);
    }
    at_the_mobile(&idp, &kari, &code).await?;
    Ok(())
}

// Attack: brute force, in one browser.
#[tokio::test]
async fn guesses_are_limited_for_each_address_and_each_code() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let others: Vec<TestPerson> = (0..51).map(|_| unregistered()).collect::<Result<_, _>>()?;
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    for number in 0..300 {
        begin(&mut browser, &others[number % 51].fnr, &guess(number + 1)).await?;
        assert!(browser.shows(WRONG), "{number}: {}", browser.page.body);
    }
    begin(&mut browser, &kari.fnr, &code).await?;
    assert_eq!(browser.page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(browser.page.header("retry-after"), Some("3600"));
    idp.advance(Duration::from_mins(61));
    begin(&mut browser, &kari.fnr, &code).await?;
    assert!(browser.shows(MOBILE_PAGE), "{}", browser.page.body);
    Ok(())
}

/// Types a code with each of these people's numbers, on one page; what the last one reads.
async fn tried_with(idp: &TestIdp, others: &[TestPerson], code: &str) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    for other in others {
        begin(&mut browser, &other.fnr, code).await?;
    }
    Ok(browser)
}

// Attack: a letter was found, or a code was read on a screen, and whose it is is guessed.
#[tokio::test]
async fn a_code_is_ended_by_the_tenth_number_that_is_not_its_persons() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let others: Vec<TestPerson> = (0..10).map(|_| unregistered()).collect::<Result<_, _>>()?;
    for source in [Source::Letter, Source::School] {
        let kari = newcomer(&idp).await?;
        let code = code_for(&idp, &kari, source).await?.grouped();
        // Another hour brings no new tries, and her own do not count.
        assert!(tried_with(&idp, &others[..5], &code).await?.shows(WRONG));
        for _ in 0..12 {
            at_the_mobile(&idp, &kari, &code).await?;
        }
        if source == Source::Letter {
            idp.advance(Duration::from_hours(20 * 24));
        }
        assert!(tried_with(&idp, &others[5..9], &code).await?.shows(WRONG));
        at_the_mobile(&idp, &kari, &code).await?;
        // Nobody learns whose it was: her own number reads what all others do.
        for last in [&others[9], &kari, &others[0]] {
            let page = tried_with(&idp, std::slice::from_ref(last), &code).await?;
            assert!(page.shows(GUESSED_AT) && page.shows("Be læreren din om en ny kode"), "{}", page.page.body);
        }
        assert_eq!(kinds_of_events(&idp, &kari).await?, ["code-guessed-at"]);
        // With a new one she registers, with some slips, and no more than that.
        let code = code_for(&idp, &kari, Source::School).await?.grouped();
        assert!(tried_with(&idp, &others[..2], &code).await?.shows(WRONG));
        at_the_mobile(&idp, &kari, &code).await?;
        assert!(tried_with(&idp, &others[2..3], &code).await?.shows(GUESSED_AT));
        let code = code_for(&idp, &kari, Source::School).await?.grouped();
        assert!(activated(&idp, &kari, &code).await?.shows(READY));
    }
    Ok(())
}

// Attack: the same with a hundred numbers at the same instant, hers among the last.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_numbers_at_once_ten_are_looked_at() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let mut page = idp.browser();
    page.get(PATH).await?;
    let others: Vec<TestPerson> = (0..100).map(|_| unregistered()).collect::<Result<_, _>>()?;
    let mut browsers = vec![page; others.len()];
    let sent = browsers.iter_mut().zip(&others).map(|(browser, other)| begin(browser, &other.fnr, &code));
    join_all(sent).await.into_iter().collect::<anyhow::Result<()>>()?;
    let shown = |words: &str| browsers.iter().filter(|browser| browser.shows(words)).count();
    assert_eq!((shown(WRONG), shown(GUESSED_AT)), (9, 91));
    assert_eq!(kinds_of_events(&idp, &kari).await?, ["code-guessed-at"]);
    Ok(())
}

// Attack: a letter from the bin, long after it was used or too old.
#[tokio::test]
async fn a_dead_code_does_not_tell_for_long_whose_it_was() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let ((kari, of_kari), (ola, of_ola)) = (with_letter(&idp).await?, with_letter(&idp).await?);
    assert!(activated(&idp, &kari, &of_kari).await?.shows(READY));
    idp.advance((3 * DAY).saturating_sub(Duration::from_secs(1)));
    assert!(tried_with(&idp, std::slice::from_ref(&kari), &of_kari).await?.shows(OVER));
    idp.advance(Duration::from_secs(1));
    assert!(tried_with(&idp, std::slice::from_ref(&kari), &of_kari).await?.shows(WRONG));
    idp.advance(59 * DAY);
    assert!(tried_with(&idp, std::slice::from_ref(&ola), &of_ola).await?.shows(OVER));
    idp.advance(2 * DAY);
    assert!(tried_with(&idp, std::slice::from_ref(&ola), &of_ola).await?.shows(WRONG));
    // Before that it has no more tries than one that is good.
    let (anne, of_anne) = with_letter(&idp).await?;
    assert!(activated(&idp, &anne, &of_anne).await?.shows(READY));
    let others: Vec<TestPerson> = (0..10).map(|_| unregistered()).collect::<Result<_, _>>()?;
    assert!(tried_with(&idp, &others, &of_anne).await?.shows(GUESSED_AT));
    assert!(tried_with(&idp, std::slice::from_ref(&anne), &of_anne).await?.shows(GUESSED_AT));
    assert_eq!(kinds_of_events(&idp, &anne).await?, ["registered"], "nothing was ended");
    Ok(())
}

/// A browser at this address, on the page on which a code is typed.
fn at_address(page: &Browser, address: u32) -> Browser {
    let mut browser = page.clone();
    browser.headers.push(("x-forwarded-for", Ipv4Addr::from_bits(0x1000_0000 + address * 0x1_0001).to_string()));
    browser
}

// Attack: brute force from many addresses, in bursts, and however the identifier is written.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_one_person_are_limited_wherever_they_come_from() -> anyhow::Result<()> {
    const AT_MOST: usize = 2000;
    const BURST: usize = 100;
    const TOO_MANY: &str = "Vent en time";
    let idp = TestIdp::with(|setup| setup.trusted_proxies = vec!["127.0.0.0/8".to_owned()]).await?;
    let ((kari, code), (ola, of_ola)) = (with_letter(&idp).await?, with_letter(&idp).await?);
    let mut page = idp.browser();
    page.get(PATH).await?;
    let spellings = [kari.fnr.clone(), format!(" {}", kari.fnr), format!("{} {}", &kari.fnr[..6], &kari.fnr[6..])];
    let (mut looked_at, mut refused) = (0, 0);
    for burst in 0..=AT_MOST / BURST {
        let numbers = burst * BURST..(burst + 1) * BURST;
        let guesses: Vec<(usize, String)> = numbers.map(|number| (number, guess(number))).collect();
        let mut browsers = Vec::new();
        for (number, _) in &guesses {
            browsers.push(at_address(&page, (*number).try_into()?));
        }
        let all = browsers.iter_mut().zip(&guesses);
        let sent = all.map(|(browser, (number, guess))| begin(browser, &spellings[number % 3], guess));
        join_all(sent).await.into_iter().collect::<anyhow::Result<()>>()?;
        looked_at += browsers.iter().filter(|browser| browser.shows(WRONG)).count();
        refused += browsers.iter().filter(|browser| browser.shows(TOO_MANY)).count();
    }
    assert_eq!((looked_at, refused), (AT_MOST, BURST));
    // The right one comes too late, wherever it is typed, and another person is not affected there.
    for address in [7, 40_000] {
        let mut browser = at_address(&page, address);
        begin(&mut browser, &kari.fnr, &code).await?;
        assert_eq!(browser.page.status, StatusCode::TOO_MANY_REQUESTS, "{}", browser.page.body);
        assert!(browser.shows(TOO_MANY), "{}", browser.page.body);
    }
    let mut browser = at_address(&page, 7);
    begin(&mut browser, &ola.fnr, &of_ola).await?;
    assert!(browser.shows(MOBILE_PAGE), "{}", browser.page.body);
    idp.advance(Duration::from_mins(61));
    at_the_mobile(&idp, &kari, &code).await.map(|_| ())
}

/// Somebody born on the first of January of a year in this century.
fn born_in(year: u32) -> anyhow::Result<TestPerson> {
    let policy = FnrPolicy { real: false, synthetic: true, expanded: false };
    let mut all = (500..999).flat_map(|n| (0..100).map(move |check| format!("0181{year:02}{n:03}{check:02}")));
    let fnr = all.find(|fnr| Fnr::parse(fnr, policy).is_ok()).context("no such number")?;
    Ok(TestPerson { fnr, ..unregistered()? })
}

#[tokio::test]
async fn it_is_the_year_that_counts() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let may = |person: &TestPerson| -> anyhow::Result<bool> {
        let fnr = Fnr::parse(&person.fnr, idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))?;
        population::may_have_minid(&fnr, None, idp.now()).context("no year")
    };
    let pupils = (0..40).map(born_in).collect::<anyhow::Result<Vec<_>>>()?;
    let first_too_young = pupils.iter().position(|pupil| !may(pupil).unwrap_or(true)).context("none is too young")?;
    let (old_enough, too_young) = (&pupils[first_too_young - 1], &pupils[first_too_young]);
    for pupil in [old_enough, too_young] {
        register(&idp, pupil).await?;
    }
    let code = code_for(&idp, old_enough, Source::School).await?.grouped();
    at_the_mobile(&idp, old_enough, &code).await?;
    let code = code_for(&idp, too_young, Source::School).await?.grouped();
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    begin(&mut browser, &too_young.fnr, &code).await?;
    assert!(browser.shows("fra det året du fyller 13 år"), "{}", browser.page.body);
    for form in [&[("do", "next"), ("mobile", too_young.phone.as_str())][..], &[("do", "skip")], &[("do", "back")]] {
        send(&mut browser, form).await?;
        assert!(browser.shows("fra det året du fyller 13 år") && idp.sms_count(too_young) == 0);
    }
    idp.advance(DAY * 366);
    let code = code_for(&idp, too_young, Source::School).await?.grouped();
    at_the_mobile(&idp, too_young, &code).await?;
    Ok(())
}

#[tokio::test]
async fn who_is_locked_by_support_or_has_died_gets_no_further() -> anyhow::Result<()> {
    let late = unregistered()?;
    let line = json!({ "fnr": late.fnr, "given_name": "Rolig", "family_name": "Elv", "dead": true }).to_string();
    let population = Population::read(&line)?;
    let idp = TestIdp::with(|setup| setup.population = population).await?;
    let world = &idp.app.world;
    register(&idp, &late).await?;
    let (closed, locked) = (newcomer(&idp).await?, newcomer(&idp).await?);
    let row = idp.row_of(&closed).await?;
    account::close(world, &row.id, "death", &Event::by("closed", &row.id, Actor::System), idp.now()).await?;
    for person in [&late, &closed] {
        let code = code_for(&idp, person, Source::Letter).await?.grouped();
        let mut browser = idp.browser();
        browser.get(PATH).await?;
        begin(&mut browser, &person.fnr, &code).await?;
        assert!(browser.shows("Vi kan ikke registrere MinID"), "{}", browser.page.body);
        assert!(browser.shows("800\u{a0}30\u{a0}300"));
    }
    // Locked while they are at the last page.
    let code = code_for(&idp, &locked, Source::Letter).await?.grouped();
    let mut browser = at_the_password(&idp, &locked, &code).await?;
    Person::lock(world.db.pool(), &idp.row_of(&locked).await?.id, "support", idp.now()).await?;
    choose(&mut browser, NEW).await?;
    assert!(browser.shows("MinID er sperret"), "{}", browser.page.body);
    assert_eq!(stored(&idp, &locked).await?, None);
    assert!(idp.row_of(&locked).await?.locked_at.is_some());
    Ok(())
}

#[tokio::test]
async fn what_they_have_locked_or_closed_themselves_opens() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (world, kari, ola, anne) = (&idp.app.world, idp.person().await?, idp.person().await?, idp.person().await?);
    let row = idp.row_of(&kari).await?;
    Person::lock(world.db.pool(), &row.id, BY_ONESELF, idp.now()).await?;
    let row = idp.row_of(&ola).await?;
    account::close(world, &row.id, "wish", &Event::by("closed", &row.id, Actor::System), idp.now()).await?;
    // Whose password others have guessed at, and closed the way in by that.
    let client = idp.client().await?;
    for _ in 0..5 {
        let guessed = TestPerson { password: "another one 9".to_owned(), ..anne.clone() };
        idp.browser().get(&idp.authorize(&client, &[])).await?.give_password(&guessed).await?;
    }
    for person in [&kari, &ola, &anne] {
        idp.advance(Duration::from_mins(1));
        let code = code_for(&idp, person, Source::Letter).await?.grouped();
        let person = TestPerson { password: NEW.to_owned(), ..person.clone() };
        assert!(activated(&idp, &person, &code).await?.shows(READY));
        let row = idp.row_of(&person).await?;
        assert_eq!((row.locked_at, row.locked_code, row.closed_at, row.closed_code), (None, None, None, None));
        assert_eq!(log_in(&idp, &person).await?["pid"], person.fnr.as_str());
    }
    Ok(())
}

#[tokio::test]
async fn who_had_minid_loses_what_was_before_and_is_told() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut own = idp.browser();
    own.get(&idp.authorize(&client, &[])).await?.log_in(&idp, &kari).await?;
    own.sent_back("code")?;
    add_app(&idp, &kari, "Telefonen").await?;
    add_list(&idp, &kari).await?;
    idp.advance(Duration::from_mins(2));

    let new = TestPerson { password: NEW.to_owned(), phone: unregistered()?.phone, ..kari.clone() };
    let code = code_for(&idp, &kari, Source::Letter).await?.grouped();
    let mut browser = at_the_mobile(&idp, &new, &code).await?;
    assert!(!browser.shows(FORGOTTEN) && !browser.shows(REPLACED), "{}", browser.page.body);
    prove_mobile(&idp, &mut browser, &new.phone).await?;
    assert!(browser.shows(FORGOTTEN), "{}", browser.page.body);
    send(&mut browser, &[("do", "next"), ("email", &new.email)]).await?;
    assert!(browser.page.body.contains("name=\"code\"") && browser.shows(FORGOTTEN), "{}", browser.page.body);
    send(&mut browser, &[("do", "skip")]).await?;
    assert!(browser.shows(PASSWORD_PAGE) && browser.shows(REPLACED), "{}", browser.page.body);
    assert_eq!(arrived(&idp, &kari.phone, TOLD), 0, "nothing has happened yet");
    own.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    own.sent_back("code")?;
    choose(&mut browser, NEW).await?;
    assert!(browser.shows(READY), "{}", browser.page.body);
    for to in [&kari.phone, &kari.email] {
        let told = next_message(&idp, to, TOLD, 0).await?;
        assert!(told.contains("800 30 300") && !told.contains("http"), "{told}");
    }
    assert_eq!(arrived(&idp, &new.phone, TOLD), 0);

    own.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(own.sent_back("error")?, "login_required", "whoever was in is out");
    let (db, row) = (idp.app.world.db.pool(), idp.row_of(&kari).await?);
    assert!(totp::all(db, &row.id).await?.is_empty());
    assert_eq!(recovery_code::left(db, &row.id).await?.0, 0);
    let mut old = idp.browser();
    old.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert_eq!(old.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", old.page.body);
    let before = idp.sms_count(&kari);
    assert_eq!(log_in(&idp, &new).await?["pid"], kari.fnr.as_str());
    assert_eq!(idp.sms_count(&kari), before, "codes go to the new telephone alone");
    Ok(())
}

// Who is in the contact register by another eID, and gets MinID for the first time.
#[tokio::test]
async fn who_had_no_minid_loses_nothing_and_is_told_no_such_thing() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let (row, before) = (idp.row_of(&kari).await?, unregistered()?);
    let mut tx = idp.app.world.db.begin().await?;
    let mobile = Channel::Mobile(Phone::parse(&before.phone).context("no telephone")?);
    let email = Channel::Email(Email::parse(&before.email).context("no e-mail")?);
    for channel in [mobile, email] {
        contact::set(&mut tx, &row.id, &channel, Known::Proved, idp.now()).await?;
    }
    tx.commit().await?;
    let mut browser = at_the_mobile(&idp, &kari, &code).await?;
    prove_mobile(&idp, &mut browser, &kari.phone).await?;
    assert!(browser.shows(EMAIL_PAGE) && !browser.shows(FORGOTTEN), "{}", browser.page.body);
    send(&mut browser, &[("do", "skip")]).await?;
    assert!(browser.shows(PASSWORD_PAGE) && !browser.shows(REPLACED), "{}", browser.page.body);
    choose(&mut browser, NEW).await?;
    assert!(browser.shows(READY), "{}", browser.page.body);
    for to in [&before.phone, &before.email] {
        let told = next_message(&idp, to, TOLD_FIRST, 0).await?;
        assert!(told.contains("Var det ikke deg?") && !told.contains("på nytt"), "{told}");
    }
    assert_eq!(contact_of(&idp, &kari).await?.email.as_ref().map(Email::as_str), Some(before.email.as_str()));
    Ok(())
}

// Attack: a form of another's, or from another site, or none of ours.
#[tokio::test]
async fn a_form_counts_in_the_browser_that_it_was_given_to() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let browser = at_the_password(&idp, &kari, &code).await?;
    let mut other = idp.browser();
    other.get(PATH).await?;
    assert!(other.shows(FIRST_PAGE), "another browser is at the beginning: {}", other.page.body);
    let form = [("do", "next"), ("password", NEW), ("repeat", NEW)];
    let (own, others) = (browser.csrf()?, other.csrf()?);
    for csrf in ["", "x", others.as_str()] {
        let mut attacked = browser.clone();
        let all: Vec<(&str, &str)> = [("csrf", csrf)].into_iter().chain(form).collect();
        attacked.post(PATH, &all).await?;
        assert_eq!(attacked.page.status, StatusCode::FORBIDDEN, "{csrf:?}");
    }
    for header in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")] {
        let mut attacked = browser.clone();
        attacked.headers.push((header.0, header.1.to_owned()));
        attacked.post(PATH, &[("csrf", &own), form[0], form[1], form[2]]).await?;
        assert_eq!(attacked.page.status, StatusCode::FORBIDDEN, "{header:?}");
    }
    other.post(PATH, &[("csrf", &own), form[0], form[1], form[2]]).await?;
    assert_eq!(other.page.status, StatusCode::FORBIDDEN);
    // Nor does the address count, which others can write.
    let mut linked = browser.clone();
    linked.post(&format!("{PATH}?csrf={own}&do=next&password=x&repeat=x"), &[]).await?;
    assert_eq!(linked.page.status, StatusCode::FORBIDDEN);
    assert_eq!(stored(&idp, &kari).await?, None);
    let mut browser = browser;
    choose(&mut browser, NEW).await?;
    assert!(browser.shows(READY), "{}", browser.page.body);
    Ok(())
}

// Attack: steps are left out.
#[tokio::test]
async fn no_step_can_be_left_out() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let browser = at_the_mobile(&idp, &kari, &code).await?;
    let forms: [&[(&str, &str)]; 7] = [
        &[("do", "next"), ("password", NEW), ("repeat", NEW)],
        &[("do", "next"), ("code", "12345")],
        &[("do", "next"), ("email", kari.email.as_str())],
        &[("do", "skip")],
        &[("do", "resend")],
        &[("do", "finish")],
        &[],
    ];
    for form in forms {
        let mut probe = browser.clone();
        probe.answer(form).await?;
        assert!(probe.shows(MOBILE_PAGE), "{form:?}: {}", probe.page.body);
    }
    assert!(
        stored(&idp, &kari).await?.is_none() && idp.sms_count(&kari) == 0 && idp.messages_to(&kari.email).is_empty()
    );
    Ok(())
}

/// A link scanner opens what it finds, with GET and with HEAD and all that the browser has: the page stays.
pub(crate) async fn scanned(browser: &mut Browser, path: &str, shows: &str) -> anyhow::Result<()> {
    for _ in 0..3 {
        browser.head(path).await?;
        assert_eq!(browser.page.status, StatusCode::METHOD_NOT_ALLOWED);
        browser.get(path).await?;
        assert!(browser.shows(shows), "no {shows}: {}", browser.page.body);
    }
    Ok(())
}

// Attack: a link scanner with her cookies, at each step.
#[tokio::test]
async fn looking_uses_nothing_up() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, code) = with_letter(&idp).await?;
    let mut browser = idp.browser();
    scanned(&mut browser, PATH, FIRST_PAGE).await?;
    begin(&mut browser, &kari.fnr, &code).await?;
    scanned(&mut browser, PATH, MOBILE_PAGE).await?;
    send(&mut browser, &[("do", "next"), ("mobile", &kari.phone)]).await?;
    scanned(&mut browser, PATH, "Skriv inn koden").await?;
    assert_eq!(arrived(&idp, &kari.phone, CODE), 1, "looking sends nothing");
    let sms = digits(&next_message(&idp, &kari.phone, CODE, 0).await?);
    send(&mut browser, &[("do", "next"), ("code", &sms)]).await?;
    scanned(&mut browser, PATH, EMAIL_PAGE).await?;
    send(&mut browser, &[("do", "skip")]).await?;
    scanned(&mut browser, PATH, PASSWORD_PAGE).await?;
    assert_eq!(stored(&idp, &kari).await?, None);
    choose(&mut browser, NEW).await?;
    scanned(&mut browser, PATH, READY).await?;
    log_in(&idp, &kari).await.map(|_| ())
}

// Two pupils at one machine, each in a tab: what one typed is not the other's.
#[tokio::test]
async fn a_tab_of_somebody_else_changes_nothing() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let ((kari, of_kari), (ola, of_ola)) = (with_letter(&idp).await?, with_letter(&idp).await?);
    let mut of_hers = idp.browser();
    of_hers.get(PATH).await?;
    let mut of_his = of_hers.clone();
    begin(&mut of_hers, &kari.fnr, &of_kari).await?;
    prove_mobile(&idp, &mut of_hers, &kari.phone).await?;
    send(&mut of_hers, &[("do", "skip")]).await?;
    begin(&mut of_his, &ola.fnr, &of_ola).await?;
    prove_mobile(&idp, &mut of_his, &ola.phone).await?;
    send(&mut of_his, &[("do", "skip")]).await?;
    assert!(of_hers.shows(PASSWORD_PAGE) && of_his.shows(PASSWORD_PAGE));
    choose(&mut of_hers, NEW).await?;
    assert!(stored(&idp, &kari).await?.is_none() && stored(&idp, &ola).await?.is_none());
    assert!(of_hers.shows(PASSWORD_PAGE) && of_hers.page.body.contains(&ola.fnr), "{}", of_hers.page.body);
    choose(&mut of_his, NEW).await?;
    assert!(of_his.shows(READY) && stored(&idp, &kari).await?.is_none());
    assert_eq!(contact_of(&idp, &ola).await?.mobile.as_ref().map(Phone::as_str), Some(ola.phone.as_str()));
    Ok(())
}

#[tokio::test]
async fn each_reads_it_in_their_own_language() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for (language, first, sms, ready) in [
        ("nn", "15 bokstavar", "Koden som stadfestar", "passordet du valde no"),
        ("en", "Enter activation code", "The code that confirms", "MinID is ready to use"),
    ] {
        let (kari, code) = with_letter(&idp).await?;
        let mut browser = idp.browser();
        browser.get(&format!("/language?to={language}&back={PATH}")).await?;
        assert!(browser.shows(first) && browser.at == PATH, "{}", browser.page.body);
        begin(&mut browser, &kari.fnr, &code).await?;
        send(&mut browser, &[("do", "next"), ("mobile", &kari.phone)]).await?;
        let code = digits(&next_message(&idp, &kari.phone, sms, 0).await?);
        send(&mut browser, &[("do", "next"), ("code", &code)]).await?;
        send(&mut browser, &[("do", "skip")]).await?;
        choose(&mut browser, NEW).await?;
        assert!(browser.shows(ready), "{}", browser.page.body);
        assert_eq!(contact_of(&idp, &kari).await?.language.as_deref(), Some(language));
    }
    Ok(())
}
