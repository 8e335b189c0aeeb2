//! `porten person`: add and show.

use serde_json::Value;

use crate::outside::Gateway;
use crate::site::Site;
use crate::visitor::{Person, Service, Visitor, code_in, real_fnr, synthetic_fnr};

/// For what somebody of the desk looks.
const SUPPORT: [&str; 4] = ["--case", "4711", "--by", "Kari Nordmann"];

async fn show(site: &Site, fnr: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&site.run("person show", [[fnr, "--json"].as_slice(), &SUPPORT].concat()).await?.well()?)?)
}

#[tokio::test]
async fn somebody_with_everything() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let (fnr, password) = (real_fnr(0), "Blå-bær & fløte 42");
    let file = site.file("password", &format!("{password}\n"))?;
    let arguments = [
        fnr.as_str(),
        "--given-name",
        "Kari Å.",
        "--family-name",
        "Ødegård",
        "--mobile",
        "0047 912 34 567",
        "--password-file",
        file.to_str().unwrap(),
    ];
    assert_eq!(site.run("person add", arguments).await?.well()?, "Registered, with MinID.\n");
    let shown = show(&site, &fnr).await?;
    for (name, value) in
        [("fnr", fnr.as_str()), ("name", "Kari Å. Ødegård"), ("mobile", "••• •• 567"), ("standing", "normal")]
    {
        assert_eq!(shown[name], value, "{shown}");
    }
    assert_eq!(shown["minid"], true, "{shown}");
    let words = site.run("person show", [[fnr.as_str()].as_slice(), &SUPPORT].concat()).await?.well()?;
    for part in ["Kari Å. Ødegård", "••• •• 567", "normal"] {
        assert!(words.contains(part), "{words}");
    }
    for secret in [password, "$argon2id", "912 34 567", "91234567"] {
        assert!(!words.contains(secret) && !shown.to_string().contains(secret), "{words}");
    }
    Ok(())
}

#[tokio::test]
async fn somebody_without_minid() -> anyhow::Result<()> {
    let site = Site::new().await?;
    // The digits as people group them.
    let fnr = real_fnr(0);
    let grouped = format!("{} {}", &fnr[..6], &fnr[6..]);
    assert_eq!(site.run("person add", [&grouped]).await?.well()?, "Registered, without MinID.\n");
    let shown = show(&site, &fnr).await?;
    assert_eq!((&shown["minid"], &shown["mobile"]), (&false.into(), &Value::Null), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_password_from_a_file_logs_in() -> anyhow::Result<()> {
    let (mut site, gateway) = (Site::new().await?, Gateway::start().await?);
    site.set_gateway(&gateway.url)?;
    let server = site.serve().await?;
    let service = Service::register(&site).await?;
    let person = Person { fnr: real_fnr(1), password: " æ ø å \u{1f600} ", mobile: "+4799887766".into() };
    let file = site.file("password", &format!("{}\r\n", person.password))?;
    let arguments = [person.fnr.as_str(), "--mobile", &person.mobile, "--password-file", file.to_str().unwrap()];
    site.run("person add", arguments).await?.well()?;
    let mut visitor = Visitor::new(&server.url)?;
    let page = visitor.password(&service, &person).await?;
    assert_eq!(gateway.messages()[0].json["to"], person.mobile.as_str());
    visitor.code(&page, &code_in(&gateway.last()?)?).await?.code().map(|_| ())
}

#[tokio::test]
async fn somebody_is_registered_once() -> anyhow::Result<()> {
    let site = Site::new().await?;
    Person::register(&site).await?;
    let arguments = [&real_fnr(0), "--given-name", "En annen", "--mobile", "99999999"];
    let line = site.run("person add", arguments).await?.refused()?;
    assert!(line.contains("registered already") && !line.contains(&real_fnr(0)), "{line}");
    let shown = show(&site, &real_fnr(0)).await?;
    assert!(shown["name"] == "" && shown["mobile"] != "••• •• 999", "{shown}");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_said() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let (fnr, synthetic) = (real_fnr(0), synthetic_fnr());
    let mistyped = format!("{}{}", &fnr[..10], (fnr[10..].parse::<u8>()? + 1) % 10);
    let cases: [(&[&str], &str); 9] = [
        (&["1234"], "eleven digits"),
        (&[""], "eleven digits"),
        (&[&mistyped], "check digits"),
        (&["31028512345"], "date or check digits"),
        (&[&synthetic], "people.synthetic"),
        (&[&fnr, "--mobile", "22334455"], "mobile"),
        (&[&fnr, "--password-file", "/nowhere/password"], "/nowhere/password"),
        (&[&fnr, "--password-file", "-"], "password"),
        (&[&fnr, "--given-name", "Kari", "--mobile", ""], "mobile"),
    ];
    for (arguments, words) in cases {
        let line = site.run("person add", arguments).await?.refused()?;
        assert!(line.contains(words), "{arguments:?}: {line}");
    }
    // None of that has left somebody half registered.
    for typed in [&fnr, &mistyped, &synthetic] {
        site.run("person show", [[typed.as_str()].as_slice(), &SUPPORT].concat()).await?.refused()?;
    }
    let line = site.run("person show", [[fnr.as_str()].as_slice(), &SUPPORT].concat()).await?.refused()?;
    assert!(line.contains("no such person") && !line.contains(&fnr), "{line}");
    Ok(())
}
