//! Scopes that somebody owns: who may use one, and what it asks of a login.

use std::time::Duration;

use anyhow::Context;
use authenticators::chance::Chance;
use axum::http::StatusCode;
use conformance::idp::TestIdp;
use idp::scope::{Scope, ScopeName, ScopeRegistration, rules};
use serde_json::{Value, json};

/// Registers a scope, or changes one, with some fields otherwise.
pub(crate) async fn register(idp: &TestIdp, name: &str, more: Value) -> anyhow::Result<()> {
    let mut all = json!({ "description": "Se byggesakene dine", "owner_orgno": "999999999" });
    if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    let registration: ScopeRegistration = serde_json::from_value(all)?;
    let name = ScopeName::parse(name).context("a name")?;
    if !Scope::register(&idp.app.world.db, &name, &registration, idp.now()).await? {
        Scope::change(&idp.app.world.db, &name, &registration, idp.now()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_may_use_a_scope() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (own, other) = (json!({ "client_orgno": "999999999" }), json!({ "client_orgno": "888888888" }));
    let api = json!({ "client_orgno": "999999999", "integration_type": "api_klient" });
    let nobody = json!({ "client_orgno": null });
    for (number, (fields, scope, may)) in [
        (&own, json!({}), true),
        (&other, json!({}), false),
        (&nobody, json!({}), false),
        (&other, json!({ "access": ["888888888"] }), true),
        (&other, json!({ "access": ["777777777"] }), false),
        (&other, json!({ "accessible_for_all": true }), true),
        (&nobody, json!({ "accessible_for_all": true }), true),
        (&own, json!({ "active": false }), false),
        (&other, json!({ "accessible_for_all": true, "active": false }), false),
        (&own, json!({ "allowed_integration_types": ["api_klient"] }), false),
        (&api, json!({ "allowed_integration_types": ["api_klient"] }), true),
        (&own, json!({ "visibility": "PRIVATE" }), true),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("fjordvik:sak{number}");
        register(&idp, &name, scope.clone()).await?;
        let mut fields = fields.clone();
        fields["scopes"] = json!(["openid", name]);
        let client = idp.client_with(fields.clone()).await?;
        let mut browser = idp.browser();
        let asked = format!("openid {name}");
        browser.get(&idp.authorize(&client, &[("scope", &asked)])).await?;
        if may {
            assert!(browser.shows("Velg innloggingsmetode"), "{fields} {scope}");
        } else {
            assert_eq!(browser.sent_back("error")?, "invalid_scope", "{fields} {scope}");
        }
        // What else it may ask for is none the worse.
        browser.get(&idp.authorize(&client, &[("scope", "openid")])).await?;
        assert!(browser.shows("Velg innloggingsmetode"));
    }
    Ok(())
}

#[tokio::test]
async fn a_scope_that_nobody_owns_is_free() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "scopes": ["openid", "free:for.all", "free"] })).await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("scope", "openid free free:for.all")])).await?.log_in(&idp, &kari).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(tokens["scope"], "free free:for.all openid");
    Ok(())
}

// Attack: a scope is removed, and whoever had it registered goes on without its rules.
#[tokio::test]
async fn a_removed_scope_is_nobodys() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    register(&idp, "fjordvik:sak", json!({ "token_type": "OPAQUE" })).await?;
    let client = idp.client_with(json!({ "scopes": ["openid", "fjordvik:sak"] })).await?;
    let name = ScopeName::parse("fjordvik:sak").context("a name")?;
    assert!(Scope::remove(&idp.app.world.db, &name, idp.now()).await?);
    assert!(Scope::find(&idp.app.world.db, &name).await?.is_none());
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("scope", "openid fjordvik:sak")])).await?;
    assert_eq!(browser.sent_back("error")?, "invalid_scope");
    assert!(rules(&idp.app, &["fjordvik:sak".to_owned()]).await?.opaque);
    Ok(())
}

#[tokio::test]
async fn a_scope_that_wants_a_fresh_login_gets_one() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    register(&idp, "fjordvik:sak", json!({ "requires_user_authentication": true })).await?;
    let client = idp.client_with(json!({ "scopes": ["openid", "fjordvik:sak"] })).await?;
    let kari = idp.person().await?;
    let asked = idp.authorize(&client, &[("scope", "openid fjordvik:sak")]);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("scope", "openid")])).await?.log_in(&idp, &kari).await?;
    assert!(browser.sent_back("code").is_ok());
    browser.get(&idp.authorize(&client, &[("scope", "openid fjordvik:sak"), ("prompt", "none")])).await?;
    assert_eq!(browser.sent_back("error")?, "login_required");
    idp.advance(Duration::from_mins(1));
    browser.get(&asked).await?;
    assert!(browser.shows("Velg innloggingsmetode"), "{}", browser.page.body);
    browser.log_in(&idp, &kari).await?;
    assert!(browser.sent_back("code").is_ok());
    browser.get(&asked).await?;
    assert!(browser.shows("Velg innloggingsmetode"), "each time anew");
    Ok(())
}

// Attack: words that pretend to be the page's own.
#[tokio::test]
async fn the_words_of_a_scope_are_inert() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let description = "<img src=x onerror=alert(1)>\u{202e}&lt;b&gt;";
    let long = "<script>alert(1)</script> **fet** [lenke](https://a.test/\"onclick=\"x) [ond](javascript:alert(1))";
    let registration = json!({ "description": description, "long_description": long, "owner_orgno": "999999999" });
    let read: ScopeRegistration = serde_json::from_value(registration)?;
    assert_eq!(read.objections().len(), 1, "letters that turn the line round are refused: {:?}", read.objections());
    // And if they got there in another way, they turn nothing but their own words.
    let fields = json!({ "description": description, "long_description": long, "requires_user_consent": true });
    register(&idp, "fjordvik:sak", fields).await?;
    let client = idp.client_with(json!({ "scopes": ["openid", "fjordvik:sak"] })).await?;
    let kari = idp.person().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("scope", "openid fjordvik:sak")])).await?.log_in(&idp, &kari).await?;
    let html = browser.page.body.clone();
    assert_eq!(browser.page.status, StatusCode::OK);
    for tag in ["<img", "<script>alert", "href=\"javascript", "\"onclick"] {
        assert!(!html.contains(tag), "{tag} in {html}");
    }
    assert!(html.contains("<strong>fet</strong>"), "{html}");
    assert!(html.contains("<bdi class=\"what\""), "{html}");
    assert!(html.contains("[ond](javascript:alert(1))"), "shown as it stands");
    Ok(())
}

#[tokio::test]
async fn rules_are_seen_within_five_seconds() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    // Another node, which shares nothing but the database.
    let name = format!("fjordvik:{}", Chance::System.digits(6)?);
    assert!(idp.app.scope(&name).await?.is_none());
    assert!(idp.app.scope("not a scope").await?.is_none());
    register(&idp, &name, json!({ "at_max_age": 30 })).await?;
    assert!(idp.app.scope(&name).await?.is_none(), "that it is absent is remembered, too");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(rules(&idp.app, &[name]).await?.at_max_age, Some(30));
    Ok(())
}

#[tokio::test]
async fn no_access_token_outlives_its_grant() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    register(&idp, "fjordvik:kort", json!({ "authorization_max_lifetime": 50 })).await?;
    let fields = json!({
        "scopes": ["openid", "profile", "fjordvik:kort"], "access_token_lifetime": 300, "refresh_token_lifetime": 400,
        "authorization_lifetime": 400, "grant_types": ["authorization_code", "refresh_token"],
    });
    let client = idp.client_with(fields).await?;
    let mut browser = idp.logged_in(&client).await?;
    let mut tokens = async |scope: &str| {
        browser.get(&idp.authorize(&client, &[("scope", scope)])).await?;
        idp.redeem(&client, &browser.sent_back("code")?).await?.json()
    };
    assert_eq!(tokens("openid fjordvik:kort").await?["expires_in"], 50);
    let long = tokens("openid").await?;
    assert_eq!(long["expires_in"], 300);
    idp.advance(Duration::from_secs(390));
    let refreshed = idp.refresh(&client, long["refresh_token"].as_str().context("a token")?).await?.json()?;
    assert_eq!((&refreshed["expires_in"], &refreshed["refresh_token_expires_in"]), (&json!(10), &json!(10)));
    Ok(())
}
