//! `porten client`: add, list, show, change, remove.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::site::Site;
use crate::visitor::{Service, Visitor, whole_registration};

fn json(text: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(text)?)
}

/// Adds a client whose registration is this, on standard input.
async fn add(site: &Site, registration: &Value) -> anyhow::Result<crate::site::Said> {
    site.run_with("client add", &["--file", "-"], &registration.to_string()).await
}

#[tokio::test]
async fn a_file_with_everything_comes_back_as_it_was() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let whole = whole_registration();
    let file = site.file("client.json", &whole.to_string())?;
    let said = site.run("client add", ["--file", file.to_str().unwrap()]).await?.well()?;
    assert_eq!(json(&said)?, whole);
    let mut without_secret = whole.clone();
    without_secret.as_object_mut().unwrap().remove("client_secret");
    assert_eq!(json(&site.run("client show", ["byggesak-1"]).await?.well()?)?, without_secret);
    assert_eq!(json(&site.run("client list", ["--json"]).await?.well()?)?, json!([without_secret]));
    let list = site.run("client list", [""; 0]).await?.well()?;
    assert!(list.contains("byggesak-1") && list.contains("Byggesak i Fjordvik"), "{list}");
    Ok(())
}

#[tokio::test]
async fn by_flags_alone() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let arguments = [
        "--client-name",
        "App",
        "--display-name",
        "Fjordvik-appen",
        "--client-uri",
        "https://fjordvik.example.no/",
        "--redirect-uri",
        "no.fjordvik.app:/inn",
        "--redirect-uri",
        "http://127.0.0.1:9000/inn",
        "--post-logout-redirect-uri",
        "https://fjordvik.example.no/ut",
        "--scope",
        "openid",
        "--application-type",
        "native",
        "--token-endpoint-auth-method",
        "none",
        "--grant-type",
        "authorization_code",
        "--id-token-signed-response-alg",
        "ES256",
        "--active",
        "false",
    ];
    let shown = json(&site.run("client add", arguments).await?.well()?)?;
    assert_eq!(shown["redirect_uris"], json!(["no.fjordvik.app:/inn", "http://127.0.0.1:9000/inn"]));
    assert_eq!((&shown["active"], &shown["scopes"]), (&json!(false), &json!(["openid"])));
    assert!(shown.get("client_secret").is_none(), "a public client got a secret: {shown}");
    let list = site.run("client list", [""; 0]).await?.well()?;
    assert!(list.contains("(inactive)"), "{list}");
    Ok(())
}

#[tokio::test]
async fn a_flag_goes_before_the_file() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let arguments = ["--file", "-", "--client-name", "Ved flagget"];
    let said = site.run_with("client add", &arguments, &whole_registration().to_string()).await?.well()?;
    assert_eq!(json(&said)?["client_name"], "Ved flagget");
    Ok(())
}

#[tokio::test]
async fn a_secret_is_shown_once() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let service = Service::register(&site).await?;
    assert!(service.secret.len() >= 40, "{}", service.secret);
    let said = [
        site.run("client show", [&service.id]).await?.well()?,
        site.run("client list", ["--json"]).await?.well()?,
        site.run("client list", [""; 0]).await?.well()?,
        site.run("client change", [&service.id, "--client-name", "Et annet navn"]).await?.well()?,
    ];
    for text in said {
        assert!(text.contains(&service.id) && !text.contains(&service.secret) && !text.contains("secret\""), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_registration_is_refused_with_every_reason() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let mut bad = whole_registration();
    bad["redirect_uris"] = json!(["javascript:alert(1)", "https://a.example.no/#x", "http://a.example.no/"]);
    bad["post_logout_redirect_uris"] = json!(["ftp://a.example.no/"]);
    bad["client_uri"] = json!("file:///etc/passwd");
    bad["client_orgno"] = json!("12");
    bad["application_type"] = json!("browser");
    bad["scopes"] = json!(["open id"]);
    bad["grant_types"] = json!(["refresh_token"]);
    bad["integration_type"] = json!("maskinporten");
    bad["access_token_lifetime"] = json!(0);
    bad["refresh_token_lifetime"] = json!(9999);
    bad["client_name"] = json!("Skatt\u{202e}etaten");
    let line = add(&site, &bad).await?.refused()?;
    for words in [
        "\"javascript:alert(1)\" has a scheme",
        "\"https://a.example.no/#x\" has a fragment",
        "\"http://a.example.no/\" must be https",
        "post_logout_redirect_uris: \"ftp://a.example.no/\"",
        "client_uri:",
        "client_orgno",
        "token_endpoint_auth_method:",
        "code_challenge_method:",
        "refresh_token_usage:",
        "scopes:",
        "grant_types:",
        "integration_type:",
        "lifetimes:",
        "refresh_token_lifetime:",
        "client_name",
    ] {
        assert!(line.contains(words), "{words} in {line}");
    }
    assert_eq!(json(&site.run("client list", ["--json"]).await?.well()?)?, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_registration_that_is_none() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let with = |name: &str, value: Value| {
        let mut registration = whole_registration();
        registration[name] = value;
        registration.to_string()
    };
    for (input, words) in [
        (with("favourite_colour", json!("red")), "favourite_colour"),
        (with("redirect_uris", json!("https://a.example.no/")), "https://a.example.no/"),
        (with("redirect_uris", json!([])), "at least one"),
        (with("redirect_uris", json!(["http://localhost:3000/inn"])), "real people are let in here"),
        (with("client_id", json!("med mellomrom")), "client_id"),
        (with("client_secret", json!("kort")), "client_secret"),
        (with("token_endpoint_auth_method", json!("magic")), "magic"),
        (with("profile", json!("fapi2-security")), "the profile fapi2-security wants"),
        (with("access_token_lifetime", json!(-1)), "registration"),
        ("{}".into(), "client_name"),
        ("[]".into(), "not a JSON object"),
        ("{".into(), "not a JSON object"),
        (String::new(), "not a JSON object"),
    ] {
        let line = site.run_with("client add", &["--file", "-"], &input).await?.refused()?;
        assert!(line.contains(words), "{words}: {line}");
    }
    let line = site.run("client add", ["--file", "/nowhere/client.json"]).await?.refused()?;
    assert!(line.contains("/nowhere/client.json"), "{line}");
    Ok(())
}

#[tokio::test]
async fn a_name_is_given_once_and_never_again() -> anyhow::Result<()> {
    let site = Site::new().await?;
    add(&site, &whole_registration()).await?.well()?;
    assert!(add(&site, &whole_registration()).await?.refused()?.contains("byggesak-1 is taken"));
    site.run("client remove", ["byggesak-1"]).await?.well()?;
    assert!(add(&site, &whole_registration()).await?.refused()?.contains("byggesak-1 is taken"));
    for verb in ["client show", "client change", "client remove"] {
        assert!(site.run(verb, ["byggesak-1"]).await?.refused()?.contains("byggesak-1"), "{verb}");
    }
    assert_eq!(json(&site.run("client list", ["--json"]).await?.well()?)?, json!([]));
    Ok(())
}

#[tokio::test]
async fn what_is_not_named_stays() -> anyhow::Result<()> {
    let site = Site::new().await?;
    add(&site, &whole_registration()).await?.well()?;
    let said = site.run("client change", ["byggesak-1", "--display-name", "Et nytt navn"]).await?.well()?;
    let mut expected = whole_registration();
    expected.as_object_mut().unwrap().remove("client_secret");
    expected["display_name"] = json!("Et nytt navn");
    assert_eq!(json(&said)?, expected);
    // A change that would make it bad changes nothing.
    let line = site.run("client change", ["byggesak-1", "--redirect-uri", "http://a.example.no/"]).await?.refused()?;
    assert!(line.contains("must be https"), "{line}");
    let line = site
        .run_with("client change", &["byggesak-1", "--file", "-"], "{\"client_id\": \"annen\"}")
        .await?
        .refused()?;
    assert!(line.contains("client_id"), "{line}");
    assert_eq!(json(&site.run("client show", ["byggesak-1"]).await?.well()?)?, expected);
    Ok(())
}

/// The status with which a server takes this secret: 400 for a code that is none, 401 for a wrong secret.
async fn status(service: &Service, base: &str) -> anyhow::Result<u16> {
    let fields = [("grant_type", "authorization_code"), ("code", "x.y"), ("redirect_uri", "z")];
    Ok(service.token(base, &fields).await?.0)
}

/// Waits for the change that a server may see five seconds late.
async fn becomes(what: &str, mut look: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    for _ in 0..28 {
        if look().await? {
            return Ok(());
        }
        sleep(Duration::from_millis(250)).await;
    }
    anyhow::bail!("seven seconds later still not: {what}")
}

#[tokio::test]
async fn a_running_server_sees_every_change() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let server = site.serve().await?;
    let old = Service::register(&site).await?;
    let mut visitor = Visitor::new(&server.url)?;
    visitor.get(&old.request()).await?.shows(200, "Byggesak")?;
    assert_eq!(status(&old, &server.url).await?, 400);

    site.run("client change", [&old.id, "--client-name", "Plan & bygg"]).await?.well()?;
    becomes("the name", async || Ok(visitor.get(&old.request()).await?.shows(200, "Plan & bygg").is_ok())).await?;

    let shown = json(&site.run("client change", [&old.id, "--new-secret"]).await?.well()?)?;
    let new = Service { id: old.id.clone(), secret: shown["client_secret"].as_str().unwrap().to_owned() };
    assert_ne!(new.secret, old.secret);
    becomes("the secret", async || Ok(status(&new, &server.url).await? == 400)).await?;
    assert_eq!(status(&old, &server.url).await?, 401);

    site.run("client change", [&old.id, "--active", "false"]).await?.well()?;
    becomes("inactive", async || Ok(visitor.get(&old.request()).await?.status == 400)).await?;
    site.run("client change", [&old.id, "--active", "true"]).await?.well()?;
    becomes("active", async || Ok(visitor.get(&old.request()).await?.status == 200)).await?;

    site.run("client remove", [&old.id]).await?.well()?;
    becomes("removed", async || Ok(visitor.get(&old.request()).await?.status == 400)).await?;
    let page = visitor.get(&old.request()).await?;
    assert!(page.text.contains("invalid_client") && page.sent_to.is_none(), "{}", page.text);
    assert_eq!(status(&new, &server.url).await?, 401);
    Ok(())
}

#[tokio::test]
async fn another_way_of_authentication_is_another_secret() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let service = Service::register(&site).await?;
    let change = ["--token-endpoint-auth-method", "client_secret_post"];
    let shown = json(&site.run("client change", [&[service.id.as_str()], &change[..]].concat()).await?.well()?)?;
    assert!(shown["client_secret"].as_str().is_some_and(|secret| secret != service.secret), "{shown}");
    let public = ["--token-endpoint-auth-method", "none", "--application-type", "browser"];
    let shown = json(&site.run("client change", [&[service.id.as_str()], &public[..]].concat()).await?.well()?)?;
    assert!(shown.get("client_secret").is_none(), "{shown}");
    let line = site.run("client change", [&service.id, "--new-secret"]).await?.refused()?;
    assert!(line.contains("no secret"), "{line}");
    Ok(())
}

#[tokio::test]
async fn secrets_and_keys_overlap_and_weaknesses_are_told() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let first = json(&add(&site, &whole_registration()).await?.well()?)?;
    let id = first["client_id"].as_str().unwrap();
    let told = site.run("client check", [id]).await?.well()?;
    for word in ["private_key_jwt", "code_challenge_method", "require_signed_request_object", "response_modes"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let changed = json(&site.run("client change", [id, "--new-secret", "--overlap-days", "7"]).await?.well()?)?;
    assert_ne!(changed["client_secret"], first["client_secret"]);
    let key = json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "key-1", "use": "sig",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    }] });
    let file = site.file("jwks.json", &key.to_string())?;
    let file = file.to_str().unwrap();
    let fapi = [id, "--profile", "fapi2-message-signing", "--jwks-file", file];
    let changed = json(&site.run("client change", fapi).await?.well()?)?;
    assert_eq!(changed["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(changed["response_modes"], json!(["query.jwt", "form_post.jwt"]));
    assert!(changed["jwks"]["keys"][0]["exp"].is_i64(), "a key is good for a year from now: {changed}");
    assert!(changed.get("client_secret").is_none());
    assert!(!site.run("client check", [id]).await?.well()?.contains("private_key_jwt"));
    // What a profile wants cannot be taken away while it has the profile.
    let weaker = json!({ "require_pushed_authorization_requests": false }).to_string();
    let refused = site.run_with("client change", &[id, "--file", "-"], &weaker).await?.refused()?;
    assert!(refused.contains("the profile fapi2-message-signing wants"), "{refused}");
    let private =
        json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA", "kid": "x", "alg": "HS256" }] } }).to_string();
    site.run_with("client change", &[id, "--file", "-"], &private).await?.refused()?;
    Ok(())
}
