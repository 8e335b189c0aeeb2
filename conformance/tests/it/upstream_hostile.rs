//! The other eIDs: providers that answer late, at length or from elsewhere, that are passed off as each other, and that
//! say no; and what of it the citizen reads.

use std::time::Duration;

use anyhow::Context;
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::client_key::ClientKey;
use conformance::idp::{TestClient, TestIdp, TestPerson, claims};
use conformance::provider::{Manner, Op, callback};
use futures_util::future::try_join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::upstream::{REFUSED, choices, is_logged_in, to_the_provider};

const UNAVAILABLE: &str = "Innloggingsmetoden svarer ikke akkurat nå";
const DOWN: &str = "Svarer ikke akkurat nå";
const HIGH: (&str, &str) = ("acr_values", "idporten-loa-high");

/// Porten, and a provider that tells of people at its `UserInfo` endpoint as well.
async fn start() -> anyhow::Result<(TestIdp, Op)> {
    let op = Op::start(Manner::Honest).await?;
    op.inner().userinfo = json!({ "sub": "someone" }).to_string();
    let eids = vec![op.eid_with("bankid", json!({ "userinfo": "json" }))?];
    Ok((TestIdp::with(|setup| setup.eids = eids).await?, op))
}

/// As far as it goes: to the provider and back.
async fn try_bankid(idp: &TestIdp, op: &Op, client: &TestClient, who: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = to_the_provider(idp, client, "idporten-loa-high").await?;
    if let Ok(request) = op.request(&browser) {
        browser.get(&op.answers(&request, op.sign(&op.claims(idp, &request, &who.fnr))?)?).await?;
    }
    Ok(browser)
}

// Attack: at each endpoint a provider drips, floods, or sends us on.
#[tokio::test(flavor = "multi_thread")]
async fn no_endpoint_of_a_provider_holds_anybody_up() -> anyhow::Result<()> {
    let all = ["/par", "/token", "/jwks", "/userinfo"];
    let manners = [Manner::Slow, Manner::Huge, Manner::Redirecting, Manner::Broken];
    let each = all.into_iter().flat_map(|path| manners.clone().map(|manner| (path, manner)));
    try_join_all(each.map(|(path, manner)| async move {
        let (idp, op) = start().await?;
        let (client, kari) = (idp.client().await?, idp.person().await?);
        op.inner().manners.insert(path, manner.clone());
        let begun = Instant::now();
        let mut browser = try_bankid(&idp, &op, &client, &kari).await?;
        assert!(begun.elapsed() < Duration::from_secs(15), "{path} {manner:?}: {:?}", begun.elapsed());
        assert!(!is_logged_in(&browser), "{path} {manner:?}");
        // A code that is not taken may be anything; all else is silence, and the picker says so.
        let is_silent = browser.shows(UNAVAILABLE) && browser.shows(DOWN);
        let is_refused = path == "/token" && matches!(manner, Manner::Redirecting) && browser.shows(REFUSED);
        let is_pushed = path == "/par" && matches!(manner, Manner::Redirecting) && browser.shows(UNAVAILABLE);
        assert!(is_silent || is_refused || is_pushed, "{path} {manner:?}: {}", browser.page.body);
        assert_eq!(op.inner().followed, 0, "{path}: nobody is sent on");
        // The way to the service is open.
        browser.answer(&[("do", "cancel")]).await?;
        assert_eq!(browser.sent_back("error")?, "access_denied", "{path} {manner:?}");
        op.inner().manners.clear();
        idp.advance(Duration::from_secs(31));
        let browser = try_bankid(&idp, &op, &client, &kari).await?;
        assert!(browser.sent_back("code").is_ok(), "{path} {manner:?}: {}", browser.page.body);
        anyhow::Ok(())
    }))
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_provider_whose_keys_cannot_be_had_is_shown_as_one_that_is_down() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let picker = async || {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?;
        anyhow::Ok(browser)
    };
    op.inner().instead.insert("/jwks", (StatusCode::BAD_GATEWAY, String::new()));
    let browser = try_bankid(&idp, &op, &client, &kari).await?;
    assert!(browser.shows(UNAVAILABLE) && browser.shows(DOWN), "{}", browser.page.body);
    // That it takes requests all the same says nothing of that.
    let there = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    assert!(there.at.starts_with(&op.origin), "{}", there.at);
    assert!(picker().await?.shows(DOWN));
    op.inner().instead.clear();
    idp.advance(Duration::from_secs(11));
    let browser = try_bankid(&idp, &op, &client, &kari).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    assert!(!picker().await?.shows(DOWN));
    // Who knows its keys needs no others for what it has signed by them; and a stranger's is refused.
    op.inner().instead.insert("/jwks", (StatusCode::BAD_GATEWAY, String::new()));
    idp.advance(Duration::from_mins(11));
    let browser = try_bankid(&idp, &op, &client, &kari).await?;
    assert!(browser.sent_back("code").is_ok() && !picker().await?.shows(DOWN), "{}", browser.page.body);
    op.inner().instead.clear();
    idp.advance(Duration::from_mins(1));
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let request = op.request(&browser)?;
    let forged = ClientKey::fresh()?.sign("JWT", &op.claims(&idp, &request, &kari.fnr))?;
    browser.get(&op.answers(&request, forged)?).await?;
    assert!(browser.shows(REFUSED) && !browser.shows(DOWN), "{}", browser.page.body);
    Ok(())
}

// Attack: of two providers in one login, the answer of one is brought as the other's (RFC 9207 1, RFC 9700 4.4).
#[tokio::test]
async fn two_providers_at_once_are_not_mixed_up() -> anyhow::Result<()> {
    let (good, rogue) = (Op::start(Manner::Honest).await?, Op::start(Manner::Honest).await?);
    let silent =
        Op::start(Manner::Otherwise(json!({ "authorization_response_iss_parameter_supported": false }))).await?;
    let eids = vec![good.eid("bankid")?, rogue.eid("buypass")?, silent.eid("commfides")?];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for (id, other) in [("buypass", &rogue), ("commfides", &silent)] {
        for number in 0..6 {
            let mut browser = idp.browser();
            browser.get(&idp.authorize(&client, &[HIGH])).await?;
            let (picker, mut elsewhere) = (browser.action()?, browser.clone());
            // One login, two tabs, and a way to each of both.
            browser.answer(&[("eid", "bankid")]).await?;
            elsewhere.answer(&[("eid", id)]).await?;
            let (ours, theirs) = (good.request(&browser)?, other.request(&elsewhere)?);
            assert_ne!(ours["redirect_uri"], theirs["redirect_uri"], "each answers at an address of its own");
            assert!(ours["nonce"] != theirs["nonce"] && ours["code_challenge"] != theirs["code_challenge"]);
            let code = good.code(&ours, good.sign(&good.claims(&idp, &ours, &kari.fnr))?)?;
            let with = |id: &str, state: &str, iss: &str| {
                let fields = [("code", code.as_str()), ("state", state), ("iss", iss)];
                callback(id, if iss.is_empty() { &fields[..2] } else { &fields[..] })
            };
            let path = match number {
                // The code of the good one, where the other would have it redeemed.
                0 => with(id, &ours["state"], &good.origin),
                1 => with(id, &theirs["state"], &good.origin),
                2 => with(id, &ours["state"], &other.origin),
                // The login with the other, answered as if it had been with the good one.
                3 => with("bankid", &theirs["state"], &good.origin),
                4 => with("bankid", &theirs["state"], &other.origin),
                _ => with("bankid", &theirs["state"], ""),
            };
            browser.get(&path).await?;
            assert!(browser.shows(REFUSED) && !is_logged_in(&browser), "{id} {number}: {}", browser.page.body);
            assert_eq!(browser.action()?, picker, "{id} {number}: back where one chooses");
        }
    }
    for op in [&good, &rogue, &silent] {
        assert_eq!(op.inner().asked_for_tokens, 0, "no code was sent to anybody");
    }
    // A code of one that names itself nowhere is no use at the other one either.
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[HIGH])).await?.answer(&[("eid", "commfides")]).await?;
    let request = silent.request(&browser)?;
    let code = silent.code(&request, silent.sign(&good.claims(&idp, &request, &kari.fnr))?)?;
    browser.get(&callback("commfides", &[("code", &code), ("state", &request["state"])])).await?;
    assert!(browser.shows(REFUSED) && !is_logged_in(&browser), "iss of the token: {}", browser.page.body);
    browser.answer(&[("eid", "buypass")]).await?;
    let request = rogue.request(&browser)?;
    let token = rogue.sign(&rogue.claims(&idp, &request, &kari.fnr))?;
    browser.get(&rogue.answers_at("buypass", &request, token)?).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(())
}

// Attack: whoever was here before holds on to their tokens, their session's name and their tabs.
#[tokio::test]
async fn what_the_first_has_kept_opens_nothing_of_the_next() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let client = idp.client_with(json!({ "frontchannel_logout_session_required": true })).await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let mut browser = try_bankid(&idp, &op, &client, &kari).await?;
    let kept = browser.clone();
    let hers = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned).context("a text");
    let (hint, access) = (text(&hers["id_token"])?, text(&hers["access_token"])?);
    assert_eq!(idp.userinfo(&access).await?.status, StatusCode::OK);
    browser.get("/logout").await?.answer(&[("do", "logout")]).await?;

    browser.get(&idp.authorize(&client, &[HIGH])).await?.answer(&[("eid", "bankid")]).await?;
    let request = op.request(&browser)?;
    browser.get(&op.answers(&request, op.sign(&op.claims(&idp, &request, &ola.fnr))?)?).await?;
    let his = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let (one, two) = (claims(&hers["id_token"])?, claims(&his["id_token"])?);
    assert!(one["sid"].is_string() && one["sid"] != two["sid"], "{one} {two}");
    assert!(one["sub"] != two["sub"] && two["pid"] == ola.fnr.as_str(), "{two}");
    assert_eq!(idp.userinfo(&access).await?.status, StatusCode::UNAUTHORIZED, "it ended with the session");
    // Her cookie opens nothing, and her token neither lets her in nor him out.
    let mut again = kept;
    again.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    assert_eq!(again.sent_back("error")?, "login_required");
    browser.get(&idp.authorize(&client, &[("prompt", "none"), ("id_token_hint", &hint)])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required");
    browser.get(&format!("/logout?id_token_hint={hint}")).await?;
    assert!(browser.shows("Vil du logge ut?"), "it is asked: {}", browser.page.body);
    browser.get(&idp.authorize(&client, &[("prompt", "none")])).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(claims(&tokens["id_token"])?["sid"], two["sid"]);
    Ok(())
}

#[tokio::test]
async fn names_are_for_services_that_ask_for_them() -> anyhow::Result<()> {
    let (idp, op) = start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    for (scope, is_told) in [("openid", false), ("openid profile", true), ("openid", false)] {
        // The first time there and back, and then by the session, which knows them.
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[HIGH, ("scope", scope)])).await?.answer(&[("eid", "bankid")]).await?;
        let request = op.request(&browser)?;
        browser.get(&op.answers(&request, op.sign(&op.claims(&idp, &request, &kari.fnr))?)?).await?;
        for _ in 0..2 {
            let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
            let (token, access) = (claims(&tokens["id_token"])?, claims(&tokens["access_token"])?);
            for name in ["given_name", "family_name"] {
                assert_eq!(token.get(name).is_some(), is_told, "{scope} {name}: {token}");
                assert!(access.get(name).is_none(), "{scope} {name}: {access}");
            }
            let more = [HIGH, ("scope", scope), ("prompt", "none")];
            browser.get(&idp.authorize(&client, &more)).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn whatever_a_provider_says_no_by_leads_back_to_the_picker() -> anyhow::Result<()> {
    const CANCELLED: [&str; 3] = [
        "Innloggingen ble avbrutt. Du kan prøve igjen eller velge en annen innloggingsmetode.",
        "Innlogginga vart avbroten.",
        "The login was cancelled. You can try again or choose another login method.",
    ];
    const SILENT: [&str; 3] =
        [UNAVAILABLE, "Innloggingsmetoden svarer ikkje akkurat no", "This login method is not responding right now."];
    const TOO_LOW: [&str; 3] =
        ["et lavere sikkerhetsnivå enn tjenesten krever", "lågare tryggleiksnivå", "a lower security level"];
    const NOT_BELIEVED: [&str; 3] = [REFUSED, "Innlogginga kunne ikkje godtakast", "The login could not be accepted."];
    let (idp, op) = start().await?;
    let client = idp.client().await?;
    for (error, lines) in [
        ("access_denied", CANCELLED),
        ("temporarily_unavailable", SILENT),
        ("server_error", SILENT),
        ("unmet_authentication_requirements", TOO_LOW),
        ("invalid_request", NOT_BELIEVED),
        ("unauthorized_client", NOT_BELIEVED),
        ("unsupported_response_type", NOT_BELIEVED),
        ("invalid_scope", NOT_BELIEVED),
        ("login_required", NOT_BELIEVED),
        ("interaction_required", NOT_BELIEVED),
        ("account_selection_required", NOT_BELIEVED),
        ("consent_required", NOT_BELIEVED),
        ("<b>made up</b>", NOT_BELIEVED),
    ] {
        for (language, line) in ["nb", "nn", "en"].into_iter().zip(lines) {
            let mut browser = idp.browser();
            browser.get(&idp.authorize(&client, &[HIGH, ("ui_locales", language)])).await?;
            browser.answer(&[("eid", "bankid")]).await?;
            let request = op.request(&browser)?;
            let said = [
                ("error", error),
                ("error_description", "Words of theirs that nobody shows"),
                ("state", &request["state"]),
                ("iss", &op.origin),
            ];
            browser.get(&callback("bankid", &said)).await?;
            assert!(browser.shows(line), "{error} {language}: {}", browser.page.body);
            assert!(!browser.shows("Words of theirs") && !browser.page.body.contains("<b>"), "{error}");
            assert_eq!(choices(&browser), ["bankid", "testid"], "{error} {language}");
            assert!(!is_logged_in(&browser), "{error}");
            browser.answer(&[("do", "cancel")]).await?;
            assert_eq!(browser.sent_back("error")?, "access_denied", "{error} {language}");
        }
    }
    assert_eq!(op.inner().asked_for_tokens, 0);
    Ok(())
}
