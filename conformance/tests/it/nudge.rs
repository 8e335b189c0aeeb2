//! Whoever logs in by SMS is told now and then that there is something better, and can set it up on the way to the
//! service, which nobody loses by that.

use std::time::Duration;

use authenticators::person::{BY_ONESELF, Person};
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson};
use idp::minid::Minid;

use crate::totp::{add_app, code_of};

const WISH: &str = "Jeg vil slippe SMS neste gang";
const OFFER: &str = "Sett opp en bedre måte å logge inn på";
const HAS: &str = "Du har satt opp noe som er tryggere enn SMS";

/// A browser at the page for the code of an SMS.
async fn at_the_code(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    Ok(browser)
}

async fn give_code(idp: &TestIdp, browser: &mut Browser, person: &TestPerson, more: &str) -> anyhow::Result<bool> {
    let code = idp.last_code(person)?;
    let mut form = vec![("do", "next"), ("code", code.as_str())];
    form.extend((!more.is_empty()).then_some((more, "yes")));
    browser.answer(&form).await?;
    Ok(browser.sent_back("code").is_ok())
}

#[tokio::test]
async fn it_comes_once_in_thirty_days() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for (days, is_due) in [(0, true), (1, false), (28, false), (1, true), (1, false)] {
        idp.advance(Duration::from_hours(days * 24));
        let mut browser = at_the_code(&idp, &client, &kari).await?;
        assert_eq!(browser.shows(WISH), is_due, "{}", browser.page.body);
        // It stays while they are at it, and says nothing where it is not ticked.
        browser.answer(&[("do", "next"), ("code", "1")]).await?;
        assert_eq!(browser.shows(WISH), is_due, "{}", browser.page.body);
        assert!(give_code(&idp, &mut browser, &kari, "").await?, "{}", browser.page.body);
    }
    // Whoever begins and does not come through is told the next time.
    idp.advance(Duration::from_hours(31 * 24));
    at_the_code(&idp, &client, &kari).await?;
    assert!(at_the_code(&idp, &client, &kari).await?.shows(WISH));
    Ok(())
}

#[tokio::test]
async fn how_often_is_a_setting() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| setup.minid = Minid { nudge_days: 2, ..Minid::default() }).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for (days, is_due) in [(0, true), (1, false), (1, true)] {
        idp.advance(Duration::from_hours(days * 24));
        let mut browser = at_the_code(&idp, &client, &kari).await?;
        assert_eq!(browser.shows(WISH), is_due, "{}", browser.page.body);
        assert!(give_code(&idp, &mut browser, &kari, "").await?);
    }
    Ok(())
}

#[tokio::test]
async fn who_wants_something_better_sets_it_up_and_goes_on_to_the_service() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    assert!(!give_code(&idp, &mut browser, &kari, "better").await?);
    assert!(browser.shows(OFFER) && !browser.cookies.contains_key("__Host-porten-session"), "{}", browser.page.body);
    browser.answer(&[("method", "totp")]).await?;
    let key = browser.between("<code class=\"letters\">", "</code>")?;
    browser.answer(&[("do", "next"), ("code", &code_of(&key, idp.now())?)]).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    // From then on they have something better; whoever takes SMS all the same is shown the way back to it.
    idp.advance(Duration::from_hours(31 * 24));
    let mut next = at_the_code(&idp, &client, &kari).await?;
    next.answer(&[("do", "method")]).await?.answer(&[("method", "otc")]).await?;
    assert!(next.shows(HAS) && !next.shows(WISH), "{}", next.page.body);
    next.answer(&[("do", "method")]).await?.answer(&[("method", "totp")]).await?;
    next.answer(&[("do", "next"), ("code", &code_of(&key, idp.now())?)]).await?;
    assert!(next.sent_back("code").is_ok(), "{}", next.page.body);
    Ok(())
}

#[tokio::test]
async fn who_passes_it_over_is_logged_in_as_they_were() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    give_code(&idp, &mut browser, &kari, "better").await?;
    browser.answer(&[("method", "totp")]).await?.answer(&[("do", "back")]).await?;
    browser.answer(&[("do", "skip")]).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(conformance::idp::claims(&tokens["id_token"])?["amr"][0], "Minid-OTC");
    let next = at_the_code(&idp, &client, &kari).await?;
    assert!(!next.shows(WISH), "{}", next.page.body);
    Ok(())
}

// Attack: the page is left open, and the account locked meanwhile: what was proved before is worth nothing.
#[tokio::test]
async fn who_is_locked_out_meanwhile_does_not_pass_it_over() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    give_code(&idp, &mut browser, &kari, "better").await?;
    let id = idp.row_of(&kari).await?.id;
    assert!(Person::lock(idp.app.world.db.pool(), &id, BY_ONESELF, idp.now()).await?);
    browser.answer(&[("do", "skip")]).await?;
    assert!(browser.sent_back("code").is_err(), "{}", browser.page.body);
    assert!(!browser.cookies.contains_key("__Host-porten-session"));
    Ok(())
}

// Attack: ticking what is not offered leads nowhere else.
#[tokio::test]
async fn nobody_asks_for_what_is_not_offered() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    add_app(&idp, &kari, "Kodeboka").await?;
    let mut browser = at_the_code(&idp, &client, &kari).await?;
    browser.answer(&[("do", "method")]).await?.answer(&[("method", "otc")]).await?;
    assert!(give_code(&idp, &mut browser, &kari, "better").await?, "{}", browser.page.body);
    Ok(())
}
