//! A service has a name in each language, where its owner has given it one (OpenID Connect Dynamic Client Registration
//! 1.0, 2.1).

use conformance::idp::TestIdp;
use idp::registration::Registration;
use serde_json::{Value, json};

fn names() -> Value {
    json!({
        "client_name": "byggesak-2",
        "display_name": "Søknaden",
        "client_name#nn": "Byggjesøknaden",
        "client_name#en": "Building permits",
    })
}

#[tokio::test]
async fn a_service_is_named_in_the_readers_language() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client_with(names()).await?, idp.person().await?);
    let all = [("nb", "Søknaden"), ("nn", "Byggjesøknaden"), ("en", "Building permits"), ("se", "Søknaden")];
    for (language, name) in all {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[("ui_locales", language)])).await?;
        assert!(browser.shows(name), "{language}: {}", browser.page.body);
    }
    // The reader's own choice goes before the service's wish, in the names as in the words.
    let mut browser = idp.browser();
    browser.get("/language?to=en&back=/").await?;
    browser.get(&idp.authorize(&client, &[("ui_locales", "nn")])).await?;
    assert!(browser.shows("Building permits"), "{}", browser.page.body);
    browser.log_in(&idp, &kari).await?;
    for (language, name) in all {
        browser.get(&format!("/language?to={language}&back=/profil/innlogget")).await?;
        assert!(browser.shows(name), "{language}: {} {}", browser.at, browser.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn staff_read_the_name_of_their_service_in_their_language() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for (language, name) in [("nb", "MinID i skolen"), ("nn", "MinID i skulen"), ("en", "MinID in schools")] {
        let mut browser = idp.browser();
        browser.get(&format!("/language?to={language}&back=/skule")).await?;
        assert!(browser.at.starts_with("/authorize?") && browser.shows(name), "{} {}", browser.at, browser.page.body);
    }
    Ok(())
}

#[test]
fn names_are_read_and_written_as_they_are() -> anyhow::Result<()> {
    let mut written = names();
    written["redirect_uris"] = json!(["https://a.test/cb"]);
    let registration = Registration::read(written.as_object().cloned().unwrap_or_default())?;
    assert_eq!(registration.objections(), [""; 0]);
    let again = serde_json::to_value(&registration)?;
    for (field, name) in names().as_object().into_iter().flatten() {
        assert_eq!(&again[field], name);
    }
    written["client_name#nn"] = json!("Bygg\u{202e}");
    let registration = Registration::read(written.as_object().cloned().unwrap_or_default())?;
    assert!(registration.objections().iter().any(|line| line.contains("cannot be shown")));
    // A language that nobody can choose.
    written["client_name#de"] = json!("x");
    assert!(Registration::read(written.as_object().cloned().unwrap_or_default()).is_err());
    Ok(())
}
