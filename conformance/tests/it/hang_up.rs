//! Whoever hangs up in the middle of a change gets all of it or nothing: the change, its line in the trail and the
//! notice to its owner.

use axum::body::Body;
use axum::http::{Request, header};
use conformance::idp::TestIdp;
use tower::ServiceExt;

/// Each hangs up a little later than the one before.
const CALLERS: usize = 30;
const RECOVERY: &str = "/profil/innlogging/gjenoppretting";

// Attack: a stolen session makes itself a way in, and breaks the connection before its owner is told.
#[tokio::test]
async fn a_change_is_told_however_early_its_caller_hangs_up() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut browser = idp.by_test_id(&client, &kari, "substantial").await?;
    let csrf = browser.get(RECOVERY).await?.csrf()?;
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("csrf", csrf.as_str()), ("do", "next")])
        .finish();
    for patience in 1..=CALLERS {
        let request = Request::post(RECOVERY)
            .header(header::COOKIE, cookies.join("; "))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let caller = tokio::spawn(idp.router().oneshot(request.body(Body::from(form.clone()))?));
        for _ in 0..patience {
            tokio::task::yield_now().await;
        }
        caller.abort();
    }
    let told = |words: &str| idp.messages_to(&kari.email).iter().filter(|message| message.text.contains(words)).count();
    for _ in 0..500 {
        if told("Gjenopprettingskode") == CALLERS {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let done = idp.trail_of(&kari).await?.into_iter().filter(|entry| entry.kind == "recovery-codes-renewed").count();
    assert_eq!((done, told("Gjenopprettingskode")), (CALLERS, CALLERS), "each was carried through");
    Ok(())
}
