//! `porten scope`: add, list, show, change, remove.

use serde_json::{Value, json};

use crate::site::Site;

fn json(text: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(text)?)
}

fn whole() -> Value {
    json!({
        "name": "fjordvik:byggesak.read",
        "description": "Se byggesakene dine",
        "description#nn": "Sjå byggjesakene dine",
        "description#en": "See your building cases",
        "long_description": "Kommunen får se **alle** sakene.",
        "long_description#nn": "Kommunen får sjå **alle** sakene.",
        "long_description#en": "The municipality sees **all** of them.",
        "visibility": "PRIVATE",
        "owner_orgno": "999999999",
        "accessible_for_all": false,
        "access": ["888888888"],
        "allowed_integration_types": ["api_klient"],
        "token_type": "OPAQUE",
        "at_max_age": 60,
        "authorization_max_lifetime": 3600,
        "requires_user_consent": true,
        "requires_user_authentication": true,
        "requires_pseudonymous_tokens": true,
        "enforced_aud_for_introspection": ["byggesak-1"],
        "active": true,
    })
}

async fn add(site: &Site, registration: &Value) -> anyhow::Result<crate::site::Said> {
    site.run_with("scope add", &["--file", "-"], &registration.to_string()).await
}

#[tokio::test]
async fn a_file_with_everything_comes_back_as_it_was() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let file = site.file("scope.json", &whole().to_string())?;
    let said = site.run("scope add", ["--file", file.to_str().unwrap()]).await?.well()?;
    assert_eq!(json(&said)?, whole());
    assert_eq!(json(&site.run("scope show", ["fjordvik:byggesak.read"]).await?.well()?)?, whole());
    assert_eq!(json(&site.run("scope list", ["--json"]).await?.well()?)?, json!([whole()]));
    let list = site.run("scope list", [""; 0]).await?.well()?;
    assert_eq!(list, "fjordvik:byggesak.read  Se byggesakene dine\n");
    Ok(())
}

#[tokio::test]
async fn by_flags_alone() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let arguments = [
        "--name",
        "fjordvik:sak",
        "--description",
        "Se sakene dine",
        "--owner-orgno",
        "999999999",
        "--visibility",
        "INTERNAL",
        "--token-type",
        "OPAQUE",
        "--access",
        "888888888",
        "--access",
        "777777777",
        "--allowed-integration-type",
        "idporten",
        "--at-max-age",
        "30",
        "--authorization-max-lifetime",
        "600",
        "--accessible-for-all",
        "true",
        "--requires-user-consent",
        "true",
        "--requires-user-authentication",
        "true",
        "--requires-pseudonymous-tokens",
        "true",
        "--active",
        "false",
    ];
    let shown = json(&site.run("scope add", arguments).await?.well()?)?;
    for (name, value) in [
        ("access", json!(["888888888", "777777777"])),
        ("visibility", json!("INTERNAL")),
        ("token_type", json!("OPAQUE")),
        ("at_max_age", json!(30)),
        ("requires_user_consent", json!(true)),
        ("active", json!(false)),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    assert!(site.run("scope list", [""; 0]).await?.well()?.contains("(inactive)"));
    Ok(())
}

#[tokio::test]
async fn a_bad_registration_is_refused_with_every_reason() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let mut bad = whole();
    bad["description#en"] = json!("turned\u{202e}round");
    bad["long_description"] = json!("\u{7}");
    bad["owner_orgno"] = json!("12");
    bad["allowed_integration_types"] = json!(["other"]);
    bad["enforced_aud_for_introspection"] = json!(["a b"]);
    let line = add(&site, &bad).await?.refused()?;
    for words in
        ["description: \"turned", "long_description:", "owner_orgno", "allowed_integration_types", "enforced_aud"]
    {
        assert!(line.contains(words), "{words} in {line}");
    }
    for (name, value) in [
        ("name", json!("openid")),
        ("name", json!("a b:c")),
        ("name", json!(7)),
        ("favourite_colour", json!("red")),
        ("token_type", json!("JWT")),
        ("at_max_age", json!(-1)),
    ] {
        let mut bad = whole();
        bad[name] = value.clone();
        assert!(!add(&site, &bad).await?.refused()?.is_empty(), "{name} {value}");
    }
    assert!(site.run_with("scope add", &["--file", "-"], "{}").await?.refused()?.contains("name"));
    assert_eq!(json(&site.run("scope list", ["--json"]).await?.well()?)?, json!([]));
    Ok(())
}

#[tokio::test]
async fn what_is_not_named_stays() -> anyhow::Result<()> {
    let site = Site::new().await?;
    add(&site, &whole()).await?.well()?;
    let said = site.run("scope change", ["fjordvik:byggesak.read", "--at-max-age", "0"]).await?.well()?;
    let mut expected = whole();
    expected["at_max_age"] = json!(0);
    assert_eq!(json(&said)?, expected);
    let line = site.run("scope change", ["fjordvik:byggesak.read", "--owner-orgno", "x"]).await?.refused()?;
    assert!(line.contains("nine digits"), "{line}");
    let other = site.run_with("scope change", &["fjordvik:byggesak.read", "--file", "-"], "{\"name\": \"a:b\"}");
    assert!(other.await?.refused()?.contains("cannot be changed"));
    assert_eq!(json(&site.run("scope show", ["fjordvik:byggesak.read"]).await?.well()?)?, expected);
    Ok(())
}

#[tokio::test]
async fn a_name_is_given_once_and_never_again() -> anyhow::Result<()> {
    let site = Site::new().await?;
    add(&site, &whole()).await?.well()?;
    assert!(add(&site, &whole()).await?.refused()?.contains("is taken"));
    assert_eq!(
        site.run("scope remove", ["fjordvik:byggesak.read"]).await?.well()?,
        "Removed fjordvik:byggesak.read.\n"
    );
    assert!(add(&site, &whole()).await?.refused()?.contains("is taken"));
    for verb in ["scope show", "scope change", "scope remove"] {
        assert!(site.run(verb, ["fjordvik:byggesak.read"]).await?.refused()?.contains("no scope is called"), "{verb}");
    }
    assert_eq!(json(&site.run("scope list", ["--json"]).await?.well()?)?, json!([]));
    Ok(())
}
