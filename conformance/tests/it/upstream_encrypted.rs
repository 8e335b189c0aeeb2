//! The other eIDs: a provider that encrypts what it tells, and one that does not though it should.

use anyhow::Context;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use conformance::browser::Browser;
use conformance::client_key::ClientKey;
use conformance::idp::{TestClient, TestIdp, TestPerson, claims};
use conformance::jwe::{WAYS, encrypt, p256, rsa};
use conformance::provider::{Fields, Manner, Op};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::upstream::{REFUSED, is_logged_in, to_the_provider};

const ES: (&str, &str) = ("ECDH-ES", "A256GCM");

/// Porten, a provider, and the public key to encrypt by.
struct Place {
    idp: TestIdp,
    op: Op,
    client: TestClient,
    kari: TestPerson,
    key: Value,
}

impl Place {
    /// With these keys of Porten's, and this configuration besides.
    async fn new(pems: &[String], mut config: Value) -> anyhow::Result<Place> {
        let (op, folder) = (Op::start(Manner::Honest).await?, TempDir::new()?);
        let mut files = Vec::new();
        for (number, pem) in pems.iter().enumerate() {
            let file = folder.path().join(format!("{number}.pem"));
            std::fs::write(&file, pem)?;
            files.push(file);
        }
        config["encryption_key_files"] = json!(files);
        let eids = vec![op.eid_with("bankid", config)?];
        let idp = TestIdp::with(|setup| setup.eids = eids).await?;
        let published = published(&idp, "bankid").await?;
        let keys = published["keys"].as_array().context("keys")?;
        let key = keys.iter().find(|key| key["use"] == "enc").context("a key to encrypt by")?.clone();
        let (client, kari) = (idp.client().await?, idp.person().await?);
        Ok(Place { idp, op, client, kari, key })
    }

    async fn browser(&self) -> anyhow::Result<(Browser, Fields)> {
        let browser = to_the_provider(&self.idp, &self.client, "idporten-loa-high").await?;
        let request = self.op.request(&browser)?;
        Ok((browser, request))
    }

    fn said(&self, request: &Fields) -> Value {
        self.op.claims(&self.idp, request, &self.kari.fnr)
    }

    fn hide(&self, text: &str) -> anyhow::Result<String> {
        let ways = if self.key["kty"] == "RSA" { ("RSA-OAEP-256", "A256GCM") } else { ES };
        encrypt(&self.key, ways, text.as_bytes())
    }

    /// Whoever comes back with this ID token, as the service sees them; nothing if they are refused.
    async fn log_in(
        &self,
        token: impl AsyncFnOnce(&Fields) -> anyhow::Result<String>,
    ) -> anyhow::Result<Option<Value>> {
        let (mut browser, request) = self.browser().await?;
        let token = token(&request).await?;
        browser.get(&self.op.answers(&request, token)?).await?;
        if !is_logged_in(&browser) {
            anyhow::ensure!(browser.shows(REFUSED), "{}", browser.page.body);
            return Ok(None);
        }
        let tokens = self.idp.redeem(&self.client, &browser.sent_back("code")?).await?.json()?;
        Ok(Some(claims(&tokens["id_token"])?))
    }

    /// The same, with what the provider tells at its `UserInfo` endpoint.
    async fn log_in_telling(&self, told: &str) -> anyhow::Result<Option<Value>> {
        told.clone_into(&mut self.op.inner().userinfo);
        let bare = async |request: &Fields| {
            let mut said = self.said(request);
            for name in ["pid", "given_name", "family_name"] {
                said.as_object_mut().context("claims")?.remove(name);
            }
            self.op.sign(&said)
        };
        self.log_in(bare).await
    }
}

async fn published(idp: &TestIdp, id: &str) -> anyhow::Result<Value> {
    idp.send(Request::get(format!("/eid/{id}/jwks.json")).body(Body::empty())?).await?.json()
}

fn is_kari(place: &Place, seen: Option<&Value>) -> bool {
    seen.is_some_and(|token| token["pid"] == place.kari.fnr.as_str())
}

#[tokio::test]
async fn a_login_whose_id_token_is_encrypted() -> anyhow::Result<()> {
    for (pem, is_ours) in [(p256()?, "ECDH-ES"), (rsa()?, "RSA-OAEP-256")] {
        let place = Place::new(&[pem], json!({ "encrypted": ["id_token"] })).await?;
        for ways in WAYS.into_iter().filter(|(alg, _)| alg.starts_with(is_ours)) {
            let token =
                async |request: &Fields| encrypt(&place.key, ways, place.op.sign(&place.said(request))?.as_bytes());
            let seen = place.log_in(token).await?;
            assert!(is_kari(&place, seen.as_ref()), "{ways:?}: {seen:?}");
        }
    }
    Ok(())
}

// Attack: whoever stands between takes the encryption away, or writes a token of their own by our public key.
#[tokio::test]
async fn what_is_not_encrypted_or_not_signed_inside_is_refused() -> anyhow::Result<()> {
    let place = Place::new(&[p256()?], json!({ "encrypted": ["id_token"] })).await?;
    let (stranger, other) = (ClientKey::fresh()?, Place::new(&[p256()?], json!({})).await?);
    for number in 0..8 {
        let token = async |request: &Fields| {
            let said = place.said(request);
            let signed = place.op.sign(&said)?;
            Ok(match number {
                0 => signed,
                1 => place.hide(&said.to_string())?,
                2 => place.hide(&stranger.sign("JWT", &said)?)?,
                3 => place.hide(&place.op.key.seal(br#"{"alg":"none"}"#, said.to_string().as_bytes())?)?,
                4 => encrypt(&other.key, ES, signed.as_bytes())?,
                5 => place.hide(&place.hide(&signed)?)?,
                6 => place.hide("")?,
                _ => format!("{}A", place.hide(&signed)?),
            })
        };
        assert_eq!(place.log_in(token).await?, None, "{number}");
    }
    Ok(())
}

// Attack: a token that is encrypted where nobody said so is no way around what is looked at.
#[tokio::test]
async fn who_expects_no_encryption_reads_none() -> anyhow::Result<()> {
    let place = Place::new(&[p256()?], json!({})).await?;
    let hidden = async |request: &Fields| place.hide(&place.op.sign(&place.said(request))?);
    assert_eq!(place.log_in(hidden).await?, None);
    let signed = async |request: &Fields| place.op.sign(&place.said(request));
    let seen = place.log_in(signed).await?;
    assert!(is_kari(&place, seen.as_ref()), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn an_identifier_that_is_encrypted() -> anyhow::Result<()> {
    let place = Place::new(&[rsa()?], json!({ "encrypted": ["identifier"] })).await?;
    let with = async |pid: Value| {
        let token = async |request: &Fields| {
            let mut said = place.said(request);
            said["pid"] = pid;
            place.op.sign(&said)
        };
        place.log_in(token).await
    };
    let seen = with(json!(place.hide(&place.kari.fnr)?)).await?;
    assert!(is_kari(&place, seen.as_ref()), "{seen:?}");
    // What should be encrypted is not taken in the clear.
    assert_eq!(with(json!(place.kari.fnr)).await?, None);
    assert_eq!(with(json!("a.b.c.d.e")).await?, None);
    Ok(())
}

#[tokio::test]
async fn an_identifier_from_abroad_that_is_encrypted() -> anyhow::Result<()> {
    let config = json!({
        "encrypted": ["identifier"], "eidas_identifier_claim": "eidas_person_identifier",
        "levels": [{ "acr": "eidas-loa-high", "level": "eidas-high", "amr": "eIDAS" }],
    });
    let place = Place::new(&[p256()?], config).await?;
    let (number, other) = ("SE/NO/199001311234", "SE/NO/199001311235");
    for (claim, told, is_let_in) in [
        ("eidas_person_identifier", place.hide(number)?, true),
        // In the clear, by nobody's key, and what is no such identifier inside.
        ("eidas_person_identifier", number.to_owned(), false),
        ("eidas_person_identifier", "a.b.c.d.e".to_owned(), false),
        ("eidas_person_identifier", place.hide("05895894984")?, false),
        ("eidas_person_identifier", place.hide(&place.hide(number)?)?, false),
        ("another", place.hide(other)?, false),
    ] {
        let mut browser = to_the_provider(&place.idp, &place.client, "eidas-loa-high").await?;
        let request = place.op.request(&browser)?;
        let mut said = place.said(&request);
        (said["pid"], said["acr"], said[claim]) = (Value::Null, json!("eidas-loa-high"), json!(told));
        browser.get(&place.op.answers(&request, place.op.sign(&said)?)?).await?;
        assert_eq!(is_logged_in(&browser), is_let_in, "{claim} {told}: {}", browser.page.body);
        if is_let_in {
            let tokens = place.idp.redeem(&place.client, &browser.sent_back("code")?).await?.json()?;
            let token = claims(&tokens["id_token"])?;
            assert_eq!((&token["eidas_identifier"], token.get("pid")), (&json!(number), None));
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_it_is_may_be_told_apart_from_the_id_token() -> anyhow::Result<()> {
    let place = Place::new(&[p256()?], json!({ "userinfo": "json" })).await?;
    let told = json!({ "sub": "someone", "pid": place.kari.fnr, "given_name": "Kari", "acr": "urn:bankid:low" });
    let seen = place.log_in_telling(&told.to_string()).await?;
    assert!(is_kari(&place, seen.as_ref()), "{seen:?}");
    let seen = seen.unwrap_or_default();
    assert_eq!((&seen["given_name"], &seen["acr"]), (&json!("Kari"), &json!("idporten-loa-high")));
    for (name, value) in [("sub", json!("another")), ("sub", Value::Null)] {
        let mut told = told.clone();
        told[name] = value.clone();
        assert_eq!(place.log_in_telling(&told.to_string()).await?, None, "{name} {value}");
    }
    for nonsense in ["", "[]", "<html>"] {
        assert_eq!(place.log_in_telling(nonsense).await?, None, "{nonsense}");
    }
    // The two tell of two people.
    let ola = place.idp.person().await?;
    place.op.inner().userinfo = json!({ "sub": "someone", "pid": ola.fnr }).to_string();
    assert_eq!(place.log_in(async |request: &Fields| place.op.sign(&place.said(request))).await?, None);
    place.op.inner().instead.insert("/userinfo", (StatusCode::FORBIDDEN, String::new()));
    assert_eq!(place.log_in_telling(&told.to_string()).await?, None);
    Ok(())
}

#[tokio::test]
async fn what_is_told_apart_may_have_to_be_signed_and_encrypted() -> anyhow::Result<()> {
    for encrypted in [false, true] {
        let config = match encrypted {
            true => json!({ "userinfo": "jwt", "encrypted": ["userinfo"] }),
            false => json!({ "userinfo": "jwt" }),
        };
        let place = Place::new(&[p256()?], config).await?;
        let good = json!({ "sub": "someone", "iss": place.op.origin, "aud": "porten", "pid": place.kari.fnr });
        let hide = |text: String| if encrypted { place.hide(&text) } else { Ok(text) };
        let seen = place.log_in_telling(&hide(place.op.sign(&good)?)?).await?;
        assert!(is_kari(&place, seen.as_ref()), "{encrypted}: {seen:?}");
        for (name, value) in [
            ("iss", json!("https://op.rogue.test")),
            ("iss", Value::Null),
            ("aud", json!("other")),
            ("aud", Value::Null),
            ("sub", json!("another")),
        ] {
            let mut told = good.clone();
            told[name] = value.clone();
            let seen = place.log_in_telling(&hide(place.op.sign(&told)?)?).await?;
            assert_eq!(seen, None, "{encrypted} {name} {value}");
        }
        let (plain, signed) = (good.to_string(), place.op.sign(&good)?);
        let forged = hide(ClientKey::fresh()?.sign("JWT", &good)?)?;
        let otherwise = if encrypted { signed } else { place.hide(&signed)? };
        for wrong in [plain.clone(), hide(plain)?, forged, otherwise] {
            assert_eq!(place.log_in_telling(&wrong).await?, None, "{encrypted} {wrong}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_keys_that_a_provider_knows_us_by() -> anyhow::Result<()> {
    let pems = [p256()?, p256()?];
    let place = Place::new(&pems, json!({ "encrypted": ["id_token"] })).await?;
    let all = published(&place.idp, "bankid").await?;
    let uses: Vec<&Value> = all["keys"].as_array().context("keys")?.iter().map(|key| &key["use"]).collect();
    assert_eq!(uses, ["sig", "enc"]);
    assert!(!all.to_string().contains("\"d\""), "{all}");
    let missing = place.idp.send(Request::get("/eid/other/jwks.json").body(Body::empty())?).await?;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    // One that is new is published before it is used, and one that was is good for a while.
    let older = Place::new(&pems[1..], json!({})).await?.key;
    assert_ne!(older["kid"], place.key["kid"]);
    let token = async |request: &Fields| encrypt(&older, ES, place.op.sign(&place.said(request))?.as_bytes());
    let seen = place.log_in(token).await?;
    assert!(is_kari(&place, seen.as_ref()), "{seen:?}");
    Ok(())
}
