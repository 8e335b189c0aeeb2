//! Which second factor is asked for first: the one that was chosen, then the one that was used last, and a code by SMS
//! last where there is something better.

use authenticators::factor::FactorKind;
use authenticators::person::Person;
use conformance::browser::Browser;
use conformance::idp::{TestIdp, TestPerson};

use crate::app::with_app;
use crate::passkey::add_passkey;
use crate::recovery_code::add_list;
use crate::totp::add_app;

/// What the page of the first one says.
const PAGES: [(FactorKind, &str); 4] = [
    (FactorKind::App, "Skriv inn dette tallet i appen"),
    (FactorKind::Passkey, "Bekreft med passnøkkelen"),
    (FactorKind::Totp, "Skriv inn koden fra kodeappen"),
    (FactorKind::Otc, "Skriv inn koden fra SMS-en"),
];

/// The ways in the list, from the top.
fn listed(browser: &Browser) -> Vec<String> {
    let parts = browser.page.body.split("name=\"method\" value=\"").skip(1);
    parts.filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
}

async fn has(
    idp: &TestIdp,
    person: &TestPerson,
    used: Option<FactorKind>,
    wish: Option<FactorKind>,
) -> anyhow::Result<()> {
    let (db, id) = (&idp.app.world.db, idp.row_of(person).await?.id);
    if let Some(used) = used {
        Person::used(db.pool(), &id, used).await?;
    }
    let mut tx = db.begin().await?;
    Person::prefer(&mut tx, &id, wish).await?;
    tx.commit().await?;
    Ok(())
}

#[tokio::test]
async fn the_chosen_one_first_then_the_last_used_and_sms_last() -> anyhow::Result<()> {
    use FactorKind::{App, Otc, Passkey, Totp};
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, _telephone) = with_app(&idp, &client).await?;
    add_passkey(&idp, &kari).await?;
    add_app(&idp, &kari, "Kodeboka").await?;
    add_list(&idp, &kari).await?;
    let table: [(Option<FactorKind>, Option<FactorKind>, [&str; 5]); 7] = [
        (None, None, ["app", "passkey", "totp", "otc", "recovery_code"]),
        (Some(Totp), None, ["totp", "app", "passkey", "otc", "recovery_code"]),
        (Some(Passkey), None, ["passkey", "app", "totp", "otc", "recovery_code"]),
        // That a code by SMS was used last is no wish.
        (Some(Otc), None, ["app", "passkey", "totp", "otc", "recovery_code"]),
        (Some(Totp), Some(Passkey), ["passkey", "totp", "app", "otc", "recovery_code"]),
        // But whoever says so gets it.
        (Some(Totp), Some(Otc), ["otc", "totp", "app", "passkey", "recovery_code"]),
        (Some(App), Some(App), ["app", "passkey", "totp", "otc", "recovery_code"]),
    ];
    for (used, wish, order) in table {
        has(&idp, &kari, used, wish).await?;
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
        let (_, words) = PAGES.iter().find(|(kind, _)| kind.name() == order[0]).copied().unwrap_or(PAGES[0]);
        assert!(browser.shows(words), "{used:?} {wish:?}: {}", browser.page.body);
        browser.answer(&[("do", "method")]).await?;
        assert_eq!(listed(&browser), order, "{used:?} {wish:?}");
        browser.answer(&[("do", "cancel")]).await?;
    }
    Ok(())
}
