//! The other eIDs as the configuration has them: their logos on the picker, and what presets know of some.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use conformance::idp::{TestIdp, claims};
use conformance::provider::{Manner, Op};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::upstream::{is_logged_in, to_the_provider};

/// A picture that would do more than a picture does.
const SVG: &str = r#"<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1" onload="alert(1)"><script>alert(1)</script></svg>"#;

#[tokio::test]
async fn a_logo_is_a_picture_and_nothing_more() -> anyhow::Result<()> {
    let (op, folder) = (Op::start(Manner::Honest).await?, TempDir::new()?);
    let (svg, png) = (folder.path().join("a"), folder.path().join("b"));
    std::fs::write(&svg, SVG)?;
    std::fs::write(&png, b"\x89PNG\r\n\x1a\nand so on")?;
    let eids = vec![
        op.eid_with("bankid", json!({ "logo_file": svg }))?,
        op.eid_with("buypass", json!({ "logo_file": png }))?,
        op.eid("commfides")?,
    ];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?;
    // The name stands beside it, so it says nothing; and MinID and one without have none.
    let logos: Vec<&str> = browser.page.body.split("<img class=\"choice-logo\" src=\"").skip(1).collect();
    assert_eq!(logos.len(), 2, "{}", browser.page.body);
    assert!(logos.iter().all(|rest| rest.split('>').next().is_some_and(|tag| tag.ends_with("alt=\"\""))));
    let policy = browser.page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("img-src 'self'"), "{policy}");
    for (logo, id, kind) in [(logos[0], "bankid", "image/svg+xml"), (logos[1], "buypass", "image/png")] {
        let path = logo.split('"').next().unwrap_or_default();
        assert!(path.starts_with(&format!("/eid/{id}/logo/")), "{path}");
        let picture = idp.send(Request::get(path).body(Body::empty())?).await?;
        assert_eq!((picture.status, picture.header("content-type")), (StatusCode::OK, Some(kind)));
        assert_eq!(picture.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(picture.header("cache-control"), Some("public, max-age=31536000, immutable"));
        let policy = picture.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
        assert!(!policy.contains("script-src") && !policy.contains("allow-"), "{policy}");
        // Under its own name alone.
        for other in [path.replace("logo/", "logo/x"), path.replace(id, "commfides"), path.replace(id, "nobody")] {
            let nothing = idp.send(Request::get(&other).body(Body::empty())?).await?;
            assert_eq!(nothing.status, StatusCode::NOT_FOUND, "{other}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_ways_of_one_provider_stand_beside_each_other() -> anyhow::Result<()> {
    let op = Op::start(Manner::Honest).await?;
    let levels = json!([{ "acr": "theirs", "level": "high" }]);
    let buypass = json!({
        "preset": "buypass-mobil", "levels": levels, "parameters": { "bp_amr_values": "theirs too" },
    });
    let eids = vec![op.eid_of("buypass", buypass)?, op.eid_of("bankid", json!({ "preset": "bankid-mobil" }))?];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut picker = idp.browser();
    picker.get(&idp.authorize(&client, &[])).await?;
    for words in ["BankID på mobil", "Med PIN-kode på mobilen", "Buypass ID i mobil"] {
        assert!(picker.shows(words), "{words}: {}", picker.page.body);
    }
    let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
    let request = op.request(&browser)?;
    for (name, value) in [("login_hint", "BIM"), ("acr_values", "urn:bankid:bim;LOA=4"), ("prompt", "login")] {
        assert_eq!(request[name], value, "{name}");
    }
    let mut said = op.claims(&idp, &request, "not here");
    (said["acr"], said["nnin_altsub"]) = (json!("urn:bankid:bim;LOA=4"), json!(kari.fnr));
    browser.get(&op.answers(&request, op.sign(&said)?)?).await?;
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    assert_eq!(claims(&tokens["id_token"])?["amr"], json!(["BankID Mobil"]));
    Ok(())
}

// Attack: an old login is passed off as a new one, where the provider tells no time of it.
#[tokio::test]
async fn who_gives_auth_time_up_tells_by_iat_that_a_login_is_fresh() -> anyhow::Result<()> {
    let op = Op::start(Manner::Honest).await?;
    let eids = vec![op.eid_of("bankid", json!({ "preset": "bankid" }))?];
    let idp = TestIdp::with(|setup| setup.eids = eids).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let now = idp.now().seconds();
    for (auth_time, iat, is_let_in) in [
        (Value::Null, now, true),
        (Value::Null, now - 60, false),
        (json!(now - 60), now, false),
        (json!("now"), now, false),
        (json!(now), now, true),
    ] {
        let mut browser = to_the_provider(&idp, &client, "idporten-loa-high").await?;
        let request = op.request(&browser)?;
        assert_eq!((request["prompt"].as_str(), request["max_age"].as_str()), ("login", "0"));
        let mut said = op.claims(&idp, &request, "not here");
        for (name, value) in [
            ("acr", json!("urn:bankid:bid;LOA=4")),
            ("nnin_altsub", json!(kari.fnr)),
            ("iat", json!(iat)),
            ("auth_time", auth_time.clone()),
        ] {
            said[name] = value;
        }
        browser.get(&op.answers(&request, op.sign(&said)?)?).await?;
        assert_eq!(is_logged_in(&browser), is_let_in, "{auth_time} {iat}: {}", browser.page.body);
        if is_let_in {
            let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
            assert_eq!(claims(&tokens["id_token"])?["auth_time"], now);
        }
    }
    Ok(())
}
