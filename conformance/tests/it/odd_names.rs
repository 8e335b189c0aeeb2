//! Names and words from elsewhere that are markup, turn what stands around them round, or go over several lines: people read
//! letters, and nothing else of them counts.

use authenticators::activation::Source;
use authenticators::person::{Fnr, Person};
use authenticators::population::Population;
use authenticators::{device, shown};
use axum::http::StatusCode;
use conformance::idp::{TestIdp, unregistered};
use idp::registration::Registration;
use serde_json::json;

use crate::activate::{MOBILE_PAGE, PATH, begin, code_for};
use crate::app::{Telephone, invite, type_number};
use crate::profile::CLOSE;

/// What turns, hides, joins or ends what stands around it.
const ODD: [char; 14] = [
    '\u{202e}',
    '\u{202a}',
    '\u{2066}',
    '\u{2069}',
    '\u{200e}',
    '\u{200f}',
    '\u{61c}',
    '\u{200b}',
    '\u{2028}',
    '\u{ad}',
    '\u{feff}',
    '\u{e0041}',
    '\u{1b}',
    '\0',
];
const MARKUP: &str = "<b>&\"'{{7*7}}</b>";

fn has_odd(text: &str) -> bool {
    // Pages have ends of lines, and the soft hyphens of our own long words.
    text.chars().any(|c| shown::is_odd(c) && !matches!(c, '\n' | '\r' | '\t' | '\u{ad}'))
}

// Attack: the register, or whoever has got a name into it.
#[tokio::test]
async fn a_name_in_the_register_is_shown_as_its_letters() -> anyhow::Result<()> {
    let person = unregistered()?;
    let odd: String = ODD.iter().collect();
    let line = json!({
        "fnr": person.fnr, "given_name": format!("Ka{odd}ri\r\nÁ. {MARKUP}"), "family_name": "Nord\u{202e}mann محمد",
        "address": [format!("Stor{odd}gata\n1"), "0155 OSLO"],
    });
    let population = Population::read(&format!("{line}\n"))?;
    let idp = TestIdp::with(|setup| setup.population = population).await?;
    let fnr = Fnr::parse(&person.fnr, idp.app.config.people).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    Person::ensure(&idp.app.world.db, &idp.app.world.chance, &fnr, idp.now()).await?;
    let code = code_for(&idp, &person, Source::Letter).await?.grouped();
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    begin(&mut browser, &person.fnr, &code).await?;
    // What ended a line is a space now.
    let name = format!("Ka ri Á. {MARKUP} Nordmann محمد");
    assert!(browser.shows(MOBILE_PAGE) && browser.shows(&name), "{}", browser.page.body);
    assert!(!browser.page.body.contains("<b>") && !has_odd(&browser.page.body), "{}", browser.page.body);
    Ok(())
}

// Attack: the service's link, which anybody can write.
#[tokio::test]
async fn what_a_link_says_is_nowhere_on_the_page() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let odd: String = ODD.iter().filter(|c| **c != '\0').collect();
    for name in ["login_hint", "ui_locales"] {
        for value in [format!("nb{odd}{MARKUP}"), format!("{MARKUP}\r\nSet-Cookie: x=y"), "x".repeat(3000)] {
            let mut browser = idp.browser();
            browser.get(&idp.authorize(&client, &[(name, &value)])).await?;
            assert_eq!(browser.page.status, StatusCode::OK, "{name} {value:?}");
            assert!(!browser.shows("{{7*7}}"), "{name} {value:?}");
            assert!(!browser.page.body.contains("<b>") && !has_odd(&browser.page.body), "{}", browser.page.body);
            assert!(browser.page.headers.get_all("set-cookie").iter().all(|line| !line.as_bytes().starts_with(b"x=")));
        }
    }
    Ok(())
}

// Attack: whoever gets a telephone into somebody's list calls it as they like.
#[tokio::test]
async fn the_names_of_things_are_their_letters_on_pages_and_in_messages() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let odd: String = ODD.iter().collect();
    let invitation = invite(&mut browser).await?;
    let (_telephone, number) = Telephone::come(&idp, &invitation, &format!("Tele{odd}fonen {MARKUP}")).await?;
    assert!(!has_odd(&browser.page.body), "{}", browser.page.body);
    assert!(type_number(&mut browser, &number).await?, "{}", browser.page.body);
    let row = idp.row_of(&kari).await?;
    let names: Vec<String> =
        device::all(idp.app.world.db.pool(), &row.id).await?.into_iter().map(|device| device.name).collect();
    assert_eq!(names, [format!("Telefonen {MARKUP}")]);
    for path in ["/profil/innlogging", "/profil/hendelser", "/profil", CLOSE] {
        browser.get(path).await?;
        assert_eq!(browser.page.status, StatusCode::OK, "{path}");
        assert!(!browser.page.body.contains("<b>") && !has_odd(&browser.page.body), "{path}: {}", browser.page.body);
    }
    idp.app.world.tasks.settle().await;
    for message in idp.messages_to(&kari.phone).into_iter().chain(idp.messages_to(&kari.email)) {
        assert!(!has_odd(&message.text) && !message.text.contains("<b>"), "{}", message.text);
    }
    Ok(())
}

// Attack: a service calls itself by another's name, turned round.
#[test]
fn no_service_has_a_name_with_such_characters() -> anyhow::Result<()> {
    for odd in ODD {
        for field in ["client_name", "display_name", "client_name#nn", "client_name#en"] {
            let mut all = json!({ "client_name": "Skatt", "redirect_uris": ["https://a.test/cb"] });
            all[field] = json!(format!("Ska{odd}tt"));
            let registration = Registration::read(all.as_object().cloned().unwrap_or_default())?;
            let objections = registration.objections();
            assert!(objections.iter().any(|line| line.contains("cannot be shown")), "{field} {odd:?}: {objections:?}");
        }
    }
    Ok(())
}
