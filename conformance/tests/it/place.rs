//! Where a login came from: what the app signs, what the citizen sees, and what nobody claims to know.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use authenticators::clock::Timestamp;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp};
use conformance::mmdb::database;
use idp::atlas::Atlas;
use idp::text::Language;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{Telephone, goes_on, number_on, with_app};

const BERGEN: &str = "81.2.69.160";
const ABROAD: &str = "2a02:d5c0::7";
const SESSIONS: &str = "/profil/innlogget";
const EVENTS: &str = "/profil/hendelser";
const BUILT: i64 = 1_700_000_000;

/// A few networks, with more of each than is told.
fn networks() -> Vec<(&'static str, Value)> {
    let somewhere = json!({ "city": { "names": { "en": "Nowhere" } }, "country": { "iso_code": "NO" } });
    vec![
        (
            "81.2.69.0/24",
            json!({
                "city": { "geoname_id": 3_161_732, "names": { "en": "Bergen", "ru": "Берген" } },
                "continent": { "code": "EU" },
                "country": { "iso_code": "NO", "names": { "en": "Norway", "de": "Norwegen" } },
                "subdivisions": [{ "iso_code": "46", "names": { "en": "Vestland" } }],
            }),
        ),
        ("2a02:d5c0::/32", json!({ "country": { "iso_code": "DE", "names": { "en": "Germany" } } })),
        // Attack, or a slip: a database that claims to know what is inside.
        ("10.0.0.0/8", somewhere.clone()),
        ("192.168.0.0/16", somewhere),
    ]
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    let file = folder.path().join(name);
    std::fs::write(&file, bytes)?;
    Ok(file)
}

fn atlas(folder: &TempDir) -> anyhow::Result<Atlas> {
    Atlas::open(&write(folder, "places.mmdb", &database("GeoLite2-City", BUILT, &networks())?)?)
}

/// A Porten that knows where addresses are, behind a proxy.
async fn with_places() -> anyhow::Result<TestIdp> {
    let folder = TempDir::new()?;
    let atlas = atlas(&folder)?;
    TestIdp::with(|setup| {
        setup.atlas = atlas;
        setup.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    })
    .await
}

/// A browser at an address, whose reader has chosen a language.
fn browser_at(idp: &TestIdp, address: &str, language: &str) -> Browser {
    let mut browser = idp.browser();
    browser.headers.push(("x-forwarded-for", address.to_owned()));
    browser.cookies.insert("__Host-porten-language".to_owned(), language.to_owned());
    browser
}

/// What the app is asked about a login from this browser.
async fn asked(
    idp: &TestIdp,
    (browser, client): (&mut Browser, &TestClient),
    (person, telephone): (&conformance::idp::TestPerson, &Telephone),
) -> anyhow::Result<Value> {
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    let (_, statement) = telephone.sees(idp).await?.context("a question")?;
    Ok(serde_json::from_str(&statement)?)
}

#[tokio::test]
async fn the_app_signs_where_a_login_comes_from_and_the_pages_show_it() -> anyhow::Result<()> {
    let idp = with_places().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = browser_at(&idp, BERGEN, "nb");
    let said = asked(&idp, (&mut browser, &client), (&kari, &telephone)).await?;
    assert_eq!((&said["place"], &said["address"]), (&json!("Bergen, Norge"), &json!(BERGEN)));
    let number = number_on(&browser)?;
    assert_eq!(telephone.say_yes(&idp, &number).await?.status, 204, "it is signed with all of that");
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);

    for page in [SESSIONS, EVENTS] {
        browser.get(page).await?;
        let both = browser.shows(&format!("IP-adresse {BERGEN}")) && browser.shows("Omtrent her: Bergen, Norge");
        assert!(browser.at == page && both, "{page}: {} {}", browser.at, browser.page.body);
        // The telephone was added from this machine: nobody knows where that is.
        assert!(!browser.shows("Nowhere"));
        assert_eq!(browser.page.body.matches("Omtrent her").count(), 1, "{page}: {}", browser.page.body);
    }
    for (language, words) in [("nn", "Omtrent her: Bergen, Noreg"), ("en", "Roughly here: Bergen, Norway")] {
        browser.cookies.insert("__Host-porten-language".to_owned(), language.to_owned());
        for page in [SESSIONS, EVENTS] {
            assert!(browser.get(page).await?.shows(words), "{page}: {}", browser.page.body);
        }
    }
    let file = browser.get("/profil/data").await?.page.json()?;
    let places: Vec<&Value> = ["sessions", "events"]
        .into_iter()
        .flat_map(|part| file[part].as_array().into_iter().flatten())
        .filter(|item| item["address"] == BERGEN || item["details"]["address"] == BERGEN)
        .map(|item| &item["approximate_place"])
        .collect();
    assert!(places.len() >= 3 && places.iter().all(|place| **place == "Bergen, Norway"), "{file}");
    // It was looked up and not written down.
    for entry in idp.trail_of(&kari).await? {
        assert!(!Value::Object(entry.details.clone()).to_string().contains("Bergen"), "{entry:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_country_alone_and_in_the_readers_language() -> anyhow::Result<()> {
    let idp = with_places().await?;
    let client = idp.client().await?;
    let (kari, telephone) = with_app(&idp, &client).await?;
    for (language, country) in [("nn", "Tyskland"), ("en", "Germany"), ("se", "Tyskland")] {
        let mut browser = browser_at(&idp, ABROAD, language);
        let said = asked(&idp, (&mut browser, &client), (&kari, &telephone)).await?;
        assert_eq!(said["place"], country, "{language}");
        idp.advance(Duration::from_mins(4));
    }
    Ok(())
}

#[tokio::test]
async fn nobody_claims_to_know_where_a_private_address_is() -> anyhow::Result<()> {
    let idp = with_places().await?;
    let client = idp.client().await?;
    let (kari, telephone) = with_app(&idp, &client).await?;
    for address in ["10.1.2.3", "192.168.7.7", "::ffff:10.1.2.3", "fe80::1", "::1", "1.1.1.1"] {
        let mut browser = browser_at(&idp, address, "nb");
        let said = asked(&idp, (&mut browser, &client), (&kari, &telephone)).await?;
        assert_eq!(said.get("place"), None, "{said}");
        idp.advance(Duration::from_mins(11));
    }
    Ok(())
}

#[tokio::test]
async fn without_a_database_everything_is_told_but_the_place() -> anyhow::Result<()> {
    let idp = TestIdp::with(|setup| setup.trusted_proxies = vec!["127.0.0.0/8".to_owned()]).await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = browser_at(&idp, BERGEN, "nb");
    let said = asked(&idp, (&mut browser, &client), (&kari, &telephone)).await?;
    assert_eq!((said.get("place"), &said["address"]), (None, &json!(BERGEN)));
    let number = number_on(&browser)?;
    telephone.say_yes(&idp, &number).await?;
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    for page in [SESSIONS, EVENTS] {
        browser.get(page).await?;
        assert!(browser.shows(&format!("IP-adresse {BERGEN}")) && !browser.shows("Omtrent her"), "{page}");
    }
    Ok(())
}

/// As if it had been written then.
fn date(file: &Path, seconds: u64) -> anyhow::Result<()> {
    Ok(File::options().write(true).open(file)?.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))?)
}

#[test]
fn a_database_is_read_again_when_it_changes_and_a_torn_one_is_left() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let atlas = atlas(&folder)?;
    let file = folder.path().join("places.mmdb");
    let place = || atlas.place_of(BERGEN, Language::Nb);
    assert_eq!(place().as_deref(), Some("Bergen, Norge"));
    let moved = json!({ "city": { "names": { "no": "Tromsø", "en": "Tromso" } }, "country": { "iso_code": "NO" } });
    let newer = database("DBIP-City-Lite", BUILT, &[("81.2.69.128/25", moved)])?;
    std::fs::write(&file, newer.get(..newer.len() / 2).context("half of it")?)?;
    date(&file, 1)?;
    assert!(atlas.refresh().is_err());
    assert_eq!(place().as_deref(), Some("Bergen, Norge"), "what was read before stays");
    std::fs::remove_file(&file)?;
    assert!(atlas.refresh().is_err() && place().is_some());
    std::fs::write(&file, &newer)?;
    date(&file, 2)?;
    atlas.refresh()?;
    assert_eq!(place().as_deref(), Some("Tromsø, Norge"));
    assert_eq!(atlas.place_of("81.2.69.1", Language::Nb), None, "it says nothing of the other half");
    // What looks the same is not read again.
    std::fs::write(&file, "nothing")?;
    date(&file, 2)?;
    atlas.refresh()?;
    assert!(place().is_some());
    Ok(())
}

#[test]
fn what_is_wrong_with_a_database_is_said() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let why = |name: &str, bytes: &[u8]| -> anyhow::Result<String> {
        let error = Atlas::open(&write(&folder, name, bytes)?).err().context("it was taken")?;
        Ok(format!("{error:#}"))
    };
    let missing = Atlas::open(Path::new("/nowhere/places.mmdb")).err().context("it was taken")?;
    assert!(format!("{missing:#}").starts_with("cannot read /nowhere/places.mmdb: "), "{missing:#}");
    for torn in [&b""[..], b"nothing", b"\xab\xcd\xefMaxMind.com", b"\xab\xcd\xefMaxMind.com\xe0"] {
        assert!(why("torn.mmdb", torn)?.contains("torn.mmdb is no database in the MaxMind DB format"));
    }
    let other = why("asn.mmdb", &database("GeoLite2-ASN", BUILT, &networks())?)?;
    assert!(other.contains("GeoLite2-ASN") && other.contains("neither of cities nor of countries"), "{other}");

    // What looks well from its end is gone through by `porten check`.
    let good = database("GeoLite2-City", BUILT, &networks())?;
    let built = Timestamp::from_seconds(BUILT);
    let examine = |bytes: &[u8], days: u64| -> anyhow::Result<()> {
        let atlas = Atlas::open(&write(&folder, "places.mmdb", bytes)?)?;
        // Whatever stands there, nobody falls over it.
        for address in [BERGEN, ABROAD, "10.1.2.3", "8.8.8.8", "x"] {
            let _ = atlas.place_of(address, Language::Nb);
        }
        atlas.examine(built.plus(Duration::from_hours(24 * days)))
    };
    examine(&good, 0)?;
    examine(&good, 60)?;
    let old = examine(&good, 61).err().context("it was taken")?;
    assert!(old.to_string().ends_with("places.mmdb is 61 days old: get a newer one"), "{old}");
    let metadata = good.windows(4).position(|some| some == b"\xab\xcd\xefM").context("metadata")?;
    let mut broken = good.clone();
    broken[..metadata].fill(0xff);
    assert!(format!("{:#}", examine(&broken, 0).err().context("it was taken")?).contains("places.mmdb is broken"));
    // Attack: any one byte otherwise.
    for place in 0..good.len() {
        let mut bent = good.clone();
        bent[place] ^= 0xa5;
        if Atlas::open(&write(&folder, "bent.mmdb", &bent)?).is_ok() {
            let _ = examine(&bent, 0);
        }
    }
    Ok(())
}
