//! The contact register's API (KRR): what machines are told of anybody, and citizens of themselves.

use std::time::Duration;

use anyhow::{Context, ensure};
use authenticators::clock::Timestamp;
use authenticators::contact::{self, Channel, Phone, Postbox};
use authenticators::person::{Fnr, Person, PersonId};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use conformance::client_key::ClientKey;
use conformance::idp::{Answer, ISSUER, TestClient, TestIdp, TestPerson, claims, unregistered};
use migrations::Tx;
use serde_json::{Value, json};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CONTACT: &str = "krr:global/kontaktinformasjon.read";
const POSTBOX: &str = "krr:global/digitalpost.read";
const CHANGES: &str = "krr:global/hentendring.read";
const OWN_CONTACT: &str = "krr:user/kontaktinformasjon.read";
const OWN_POSTBOX: &str = "krr:user/digitalpost.read";
const OWN_LANGUAGE: &str = "krr:user/spraak.write";
const PEOPLE: &str = "/rest/v2/personer";
const FEED: &str = "/rest/v2/krr/hentEndringer";
const DAY: Duration = Duration::from_hours(24);

/// A moment as the answers write it.
fn moment(at: Timestamp) -> anyhow::Result<String> {
    let at = cookie::time::OffsetDateTime::from_unix_timestamp(at.seconds())?;
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    Ok(format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", at.hour(), at.minute(), at.second()))
}

/// A machine that may ask for any of these scopes.
pub(crate) async fn machine(idp: &TestIdp) -> anyhow::Result<TestClient> {
    idp.keyed_client(json!({
        "integration_type": "maskinporten", "grant_types": [GRANT], "redirect_uris": [],
        "post_logout_redirect_uris": [],
        "scopes": [CONTACT, POSTBOX, CHANGES, OWN_CONTACT, OWN_LANGUAGE, "other:scope"],
    }))
    .await
}

/// A machine's own token, with some claims of the grant otherwise.
pub(crate) async fn machine_token(
    idp: &TestIdp,
    machine: &TestClient,
    scope: &str,
    more: Value,
) -> anyhow::Result<String> {
    let mut asked = ClientKey::assertion_claims(&machine.id, ISSUER, idp.now())?;
    asked["scope"] = json!(scope);
    let fields = asked.as_object_mut().context("an object")?;
    fields.remove("sub");
    fields.extend(more.as_object().cloned().unwrap_or_default());
    let assertion = machine.key.as_ref().context("a key")?.sign("JWT", &asked)?;
    let bare = TestClient { method: String::new(), ..machine.clone() };
    let answer = idp.token(&bare, &[("grant_type", GRANT), ("assertion", &assertion)]).await?;
    ensure!(answer.status == StatusCode::OK, "{}", answer.body);
    answer.json()?["access_token"].as_str().map(str::to_owned).context("a token")
}

/// A service, and the token that it has of a person who has logged in to it.
pub(crate) async fn citizen_token(
    idp: &TestIdp,
    person: &TestPerson,
    scope: &str,
) -> anyhow::Result<(TestClient, String)> {
    let scopes: Vec<&str> = scope.split(' ').collect();
    let client = idp.client_with(json!({ "scopes": scopes, "integration_type": "api_klient" })).await?;
    let hint = format!("testid:{}_idporten-loa-substantial", person.fnr);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[("login_hint", &hint), ("scope", scope)])).await?;
    let answer = idp.redeem(&client, &browser.sent_back("code")?).await?;
    ensure!(answer.status == StatusCode::OK, "{}", answer.body);
    let token = answer.json()?["access_token"].as_str().map(str::to_owned).context("a token")?;
    Ok((client, token))
}

/// Sends a request with these headers, and JSON if there is any.
async fn send(
    idp: &TestIdp,
    (method, path): (Method, &str),
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> anyhow::Result<Answer> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    idp.send(request.body(Body::from(body.map(Value::to_string).unwrap_or_default()))?).await
}

/// Posts JSON with a bearer token.
pub(crate) async fn post(idp: &TestIdp, path: &str, token: &str, body: &Value) -> anyhow::Result<Answer> {
    let bearer = format!("Bearer {token}");
    send(idp, (Method::POST, path), &[("authorization", &bearer)], Some(body)).await
}

/// Asks `/rest/v1/person` with a bearer token.
async fn oneself(idp: &TestIdp, token: &str) -> anyhow::Result<Answer> {
    let bearer = format!("Bearer {token}");
    send(idp, (Method::GET, "/rest/v1/person"), &[("authorization", &bearer)], None).await
}

/// What a machine is told of these identifiers.
pub(crate) async fn look_up(idp: &TestIdp, machine: &TestClient, scope: &str, fnrs: &[&str]) -> anyhow::Result<Value> {
    let token = machine_token(idp, machine, scope, json!({})).await?;
    let answer = post(idp, PEOPLE, &token, &json!({ "personidentifikatorer": fnrs })).await?;
    ensure!(answer.status == StatusCode::OK, "{}", answer.body);
    let older = post(idp, "/rest/v1/personer", &token, &json!({ "personidentifikatorer": fnrs })).await?;
    assert_eq!(older.json()?, answer.json()?, "the older address says the same");
    answer.json()
}

/// What the feed says after a place.
pub(crate) async fn changes(idp: &TestIdp, machine: &TestClient, scope: &str, after: i64) -> anyhow::Result<Value> {
    let token = machine_token(idp, machine, scope, json!({})).await?;
    let answer = post(idp, FEED, &token, &json!({ "fraEndringsId": after })).await?;
    ensure!(answer.status == StatusCode::OK, "{}", answer.body);
    answer.json()
}

/// Something changes in the register.
async fn change(
    idp: &TestIdp,
    person: &TestPerson,
    what: impl AsyncFnOnce(&mut Tx, &PersonId, Timestamp) -> sqlx::Result<()>,
) -> anyhow::Result<()> {
    let row = idp.row_of(person).await?;
    let mut tx = idp.app.world.db.begin().await?;
    what(&mut tx, &row.id, idp.now()).await?;
    Ok(tx.commit().await?)
}

fn postbox() -> Postbox {
    let certificate = Some("-----BEGIN CERTIFICATE-----".to_owned());
    Postbox { address: "kari.nordmann#9YDT".to_owned(), provider: "984661185".to_owned(), certificate }
}

/// What is told of somebody whom nobody knows, or who is gone.
fn nobody(fnr: &str, status: &str) -> Value {
    json!({
        "personidentifikator": fnr, "reservasjon": "NEI", "status": status, "varslingsstatus": "KAN_IKKE_VARSLES",
    })
}

/// The channels of a person who has registered them both then, with a code, and confirmed them at `confirmed`.
fn channels(person: &TestPerson, then: &str, confirmed: &str) -> Value {
    json!({
        "epostadresse": person.email, "epostadresse_oppdatert": then, "epostadresse_sist_verifisert": confirmed,
        "epostadresse_sist_validert": then, "epostadresse_duplisert": "NEI",
        "mobiltelefonnummer": person.phone, "mobiltelefonnummer_oppdatert": then,
        "mobiltelefonnummer_sist_verifisert": confirmed, "mobiltelefonnummer_sist_validert": then,
        "mobiltelefonnummer_duplisert": "NEI",
    })
}

#[tokio::test]
async fn each_scope_shows_its_own_fields() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (machine, kari) = (machine(&idp).await?, idp.person().await?);
    let registered = moment(idp.now())?;
    idp.advance(DAY);
    let later = moment(idp.now())?;
    change(&idp, &kari, async |tx, id, now| {
        contact::confirm(tx, id, now).await?;
        contact::set_language(tx, id, "nn", now).await?;
        contact::set_postbox(tx, id, Some(&postbox()), now).await
    })
    .await?;
    let always = json!({ "personidentifikator": kari.fnr, "reservasjon": "NEI", "status": "AKTIV" });
    let contact = json!({
        "varslingsstatus": "KAN_VARSLES", "kontaktinformasjon": channels(&kari, &registered, &later),
        "spraak": "nn", "spraak_oppdatert": later,
    });
    let post = json!({
        "digital_post": { "postkasseadresse": "kari.nordmann#9YDT", "postkasseleverandoeradresse": "984661185" },
        "sertifikat": "-----BEGIN CERTIFICATE-----",
    });
    for (scope, parts) in [
        (CONTACT.to_owned(), vec![&always, &contact]),
        (POSTBOX.to_owned(), vec![&always, &post]),
        (format!("{CONTACT} {POSTBOX}"), vec![&always, &contact, &post]),
        (format!("{CHANGES} {POSTBOX} other:scope"), vec![&always, &post]),
    ] {
        let fields = parts.into_iter().filter_map(Value::as_object).flat_map(Clone::clone);
        let expected = Value::Object(fields.collect());
        assert_eq!(look_up(&idp, &machine, &scope, &[&kari.fnr]).await?, json!({ "personer": [expected] }), "{scope}");
    }
    Ok(())
}

#[tokio::test]
async fn everybody_is_told_of_in_the_order_asked() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (machine, kari, ola) = (machine(&idp).await?, idp.person().await?, idp.person().await?);
    let stranger = unregistered()?;
    // Known to the login and not to the register.
    let per = unregistered()?;
    let fnr = Fnr::parse(&per.fnr, idp.app.config.people).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    Person::ensure(&idp.app.world.db, &idp.app.world.chance, &fnr, idp.now()).await?;
    change(&idp, &per, async |tx, id, now| contact::note_asked(&mut **tx, id, now).await).await?;
    change(&idp, &ola, async |tx, id, now| contact::delete(tx, id, now).await).await?;
    let asked = [ola.fnr.as_str(), "12345678901", &stranger.fnr, &kari.fnr, "", &per.fnr, "kari\u{1f}\"", &ola.fnr];
    let told = look_up(&idp, &machine, CONTACT, &asked).await?;
    let told = told["personer"].as_array().context("a list")?;
    let names: Vec<&Value> = told.iter().map(|person| &person["personidentifikator"]).collect();
    assert_eq!(names, asked, "each under the identifier that was asked for");
    for (place, status) in [(0, "SLETTET"), (1, "IKKE_REGISTRERT"), (2, "IKKE_REGISTRERT"), (4, "IKKE_REGISTRERT")] {
        assert_eq!(told[place], nobody(asked[place], status));
    }
    for (place, status) in [(5, "IKKE_REGISTRERT"), (6, "IKKE_REGISTRERT"), (7, "SLETTET")] {
        assert_eq!(told[place], nobody(asked[place], status));
    }
    assert_eq!(told[3]["status"], "AKTIV");
    // The deleted come back with what they register anew.
    let phone = Phone::parse(&ola.phone).context("a telephone")?;
    change(&idp, &ola, async |tx, id, now| {
        contact::set(tx, id, &Channel::Mobile(phone), contact::Known::Told, now).await
    })
    .await?;
    let now = moment(idp.now())?;
    let again = look_up(&idp, &machine, CONTACT, &[&ola.fnr]).await?;
    let expected = json!({
        "personidentifikator": ola.fnr, "reservasjon": "NEI", "status": "AKTIV", "varslingsstatus": "KAN_VARSLES",
        "kontaktinformasjon": {
            "mobiltelefonnummer": ola.phone, "mobiltelefonnummer_oppdatert": now,
            "mobiltelefonnummer_sist_verifisert": now, "mobiltelefonnummer_duplisert": "NEI",
        },
    });
    assert_eq!(again["personer"][0], expected);
    Ok(())
}

#[tokio::test]
async fn whoever_is_reserved_is_not_notified() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (machine, kari) = (machine(&idp).await?, idp.person().await?);
    let registered = moment(idp.now())?;
    idp.advance(DAY);
    let reserved = moment(idp.now())?;
    change(&idp, &kari, async |tx, id, now| contact::reserve(tx, id, Some(now), now).await).await?;
    let mut expected = json!({
        "personidentifikator": kari.fnr, "reservasjon": "JA", "reservasjonstidspunkt": reserved,
        "reservasjon_oppdatert": reserved, "status": "AKTIV", "varslingsstatus": "KAN_IKKE_VARSLES",
        "kontaktinformasjon": channels(&kari, &registered, &registered),
    });
    assert_eq!(look_up(&idp, &machine, CONTACT, &[&kari.fnr]).await?["personer"][0], expected);
    let fewer = json!({
        "personidentifikator": kari.fnr, "reservasjon": "JA", "reservasjonstidspunkt": reserved,
        "reservasjon_oppdatert": reserved, "status": "AKTIV",
    });
    assert_eq!(look_up(&idp, &machine, POSTBOX, &[&kari.fnr]).await?["personer"][0], fewer, "it is always told");
    idp.advance(DAY);
    change(&idp, &kari, async |tx, id, now| contact::reserve(tx, id, None, now).await).await?;
    let fields = expected.as_object_mut().context("an object")?;
    fields.remove("reservasjonstidspunkt");
    fields.insert("reservasjon".into(), json!("NEI"));
    fields.insert("reservasjon_oppdatert".into(), json!(moment(idp.now())?));
    fields.insert("varslingsstatus".into(), json!("KAN_VARSLES"));
    assert_eq!(look_up(&idp, &machine, CONTACT, &[&kari.fnr]).await?["personer"][0], expected);
    Ok(())
}

// eForvaltningsforskriften 32: each channel by itself, and what is too old is told with its age.
#[tokio::test]
async fn what_was_said_is_good_for_eighteen_months() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (machine, kari) = (machine(&idp).await?, idp.person().await?);
    let registered = moment(idp.now())?;
    let told = async || anyhow::Ok(look_up(&idp, &machine, CONTACT, &[&kari.fnr]).await?["personer"][0].clone());
    idp.advance(540 * DAY);
    assert_eq!(told().await?["varslingsstatus"], "KAN_VARSLES");
    idp.advance(10 * DAY);
    let old = told().await?;
    assert_eq!(old["varslingsstatus"], "KAN_IKKE_VARSLES");
    assert_eq!(old["kontaktinformasjon"], channels(&kari, &registered, &registered));
    let phone = Phone::parse(&kari.phone).context("a telephone")?;
    change(&idp, &kari, async |tx, id, now| {
        contact::set(tx, id, &Channel::Mobile(phone), contact::Known::Proved, now).await
    })
    .await?;
    let now = json!(moment(idp.now())?);
    let fresh = told().await?;
    assert_eq!(fresh["varslingsstatus"], "KAN_VARSLES", "one of them is enough");
    let channels = &fresh["kontaktinformasjon"];
    assert_eq!(channels["mobiltelefonnummer_oppdatert"], json!(registered), "it is still the same");
    assert_eq!(
        (&channels["mobiltelefonnummer_sist_verifisert"], &channels["mobiltelefonnummer_sist_validert"]),
        (&now, &now)
    );
    assert_eq!(channels["epostadresse_sist_validert"], json!(registered));
    idp.advance(550 * DAY);
    assert_eq!(told().await?["varslingsstatus"], "KAN_IKKE_VARSLES");
    change(&idp, &kari, async |tx, id, now| contact::confirm(tx, id, now).await).await?;
    assert_eq!(told().await?["varslingsstatus"], "KAN_VARSLES");
    Ok(())
}

#[tokio::test]
async fn a_number_that_others_have_as_well_is_marked() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (machine, kari, ola) = (machine(&idp).await?, idp.person().await?, idp.person().await?);
    let phone = Phone::parse(&kari.phone).context("a telephone")?;
    change(&idp, &ola, async |tx, id, now| {
        contact::set(tx, id, &Channel::Mobile(phone), contact::Known::Told, now).await
    })
    .await?;
    let told = look_up(&idp, &machine, CONTACT, &[&kari.fnr, &ola.fnr]).await?;
    for place in 0..2 {
        let channels = &told["personer"][place]["kontaktinformasjon"];
        assert_eq!(channels["mobiltelefonnummer"], kari.phone);
        assert_eq!(
            (&channels["mobiltelefonnummer_duplisert"], &channels["epostadresse_duplisert"]),
            (&json!("JA"), &json!("NEI"))
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_former_number_finds_the_person() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (machine, kari) = (machine(&idp).await?, idp.person().await?);
    let (row, new) = (idp.row_of(&kari).await?, unregistered()?.fnr);
    let to = Fnr::parse(&new, idp.app.config.people).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    let mut tx = idp.app.world.db.begin().await?;
    assert!(Person::change_fnr(&mut tx, &row, &to, idp.now()).await?);
    tx.commit().await?;
    let told = look_up(&idp, &machine, CONTACT, &[&kari.fnr, &new]).await?;
    for (place, asked) in [&kari.fnr, &new].into_iter().enumerate() {
        let person = &told["personer"][place];
        assert_eq!(person["personidentifikator"], json!(asked));
        assert_eq!(person["kontaktinformasjon"]["mobiltelefonnummer"], json!(kari.phone));
    }
    let feed = changes(&idp, &machine, CHANGES, 0).await?;
    assert_eq!(feed["list"][0]["personidentifikator"], json!(new), "the feed has the number that they have");
    Ok(())
}

#[tokio::test]
async fn a_thousand_at_once_and_no_more() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (machine, kari) = (machine(&idp).await?, idp.person().await?);
    let token = machine_token(&idp, &machine, CONTACT, json!({})).await?;
    let mut many = vec![unregistered()?.fnr; 1000];
    many[777].clone_from(&kari.fnr);
    let ask = async |body: Value| post(&idp, PEOPLE, &token, &body).await;
    let answer = ask(json!({ "personidentifikatorer": many })).await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let told = answer.json()?["personer"].as_array().cloned().context("a list")?;
    assert_eq!(told.len(), 1000);
    for (place, person) in told.iter().enumerate() {
        assert_eq!(person["personidentifikator"], json!(many[place]));
        assert_eq!(person["status"], if place == 777 { "AKTIV" } else { "IKKE_REGISTRERT" });
    }
    many.push(kari.fnr.clone());
    for wrong in [
        json!({ "personidentifikatorer": many }),
        json!({ "personidentifikatorer": [] }),
        json!({ "personidentifikatorer": kari.fnr }),
        json!({ "personidentifikatorer": [1, 2] }),
        json!({ "personidentifikatorer": [null] }),
        json!({}),
        json!([kari.fnr]),
        json!("x"),
    ] {
        let answer = ask(wrong.clone()).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{wrong}");
        let why = answer.json()?["error_description"].as_str().unwrap_or_default().to_owned();
        assert!(why.contains("personidentifikatorer") && !why.contains(&kari.fnr), "{why}");
    }
    // More fields than we know are passed over.
    let more = json!({ "personidentifikatorer": [kari.fnr], "inkluder": true });
    assert_eq!(ask(more).await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn what_is_no_json_is_refused_in_json() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let machine = machine(&idp).await?;
    let token = machine_token(&idp, &machine, &format!("{CONTACT} {CHANGES}"), json!({})).await?;
    let long = json!({ "personidentifikatorer": ["x".repeat(70_000)] }).to_string();
    for (kind, body, status) in [
        ("application/json", "", StatusCode::BAD_REQUEST),
        ("application/json", "{", StatusCode::BAD_REQUEST),
        ("application/json", "{\"personidentifikatorer\":[\"\\ud800\"]}", StatusCode::BAD_REQUEST),
        ("application/json", long.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
        ("text/plain", "{\"personidentifikatorer\":[\"x\"]}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/x-www-form-urlencoded", "personidentifikatorer=x", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        for path in [PEOPLE, "/rest/v1/personer", FEED] {
            let request = Request::post(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
            let request = request.header(header::CONTENT_TYPE, kind).body(Body::from(body.to_owned()))?;
            let answer = idp.send(request).await?;
            assert_eq!((answer.status, answer.error()?.as_str()), (status, "invalid_request"), "{kind} {path}");
        }
    }
    let get = Request::get(PEOPLE).header(header::AUTHORIZATION, format!("Bearer {token}")).body(Body::empty())?;
    assert_eq!(idp.send(get).await?.status, StatusCode::METHOD_NOT_ALLOWED);
    Ok(())
}

#[tokio::test]
async fn who_may_not_ask_is_told_why() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (machine, kari) = (machine(&idp).await?, idp.person().await?);
    let body = json!({ "personidentifikatorer": [kari.fnr] });
    let none = send(&idp, (Method::POST, PEOPLE), &[], Some(&body)).await?;
    let challenge = none.header("www-authenticate").unwrap_or_default();
    assert_eq!((none.status, challenge), (StatusCode::UNAUTHORIZED, "Bearer, DPoP algs=\"ES256 PS256 EdDSA\""));
    let is_invalid = |answer: &Answer, why: &str| -> anyhow::Result<()> {
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"), "{why}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{why}");
        assert!(!answer.body.contains(&kari.fnr), "{why}");
        Ok(())
    };
    is_invalid(&post(&idp, PEOPLE, "nonsense", &body).await?, "no token of ours")?;
    let elsewhere = json!({ "resource": "https://api.test" });
    let token = machine_token(&idp, &machine, CONTACT, elsewhere).await?;
    is_invalid(&post(&idp, PEOPLE, &token, &body).await?, "for another resource")?;
    let here = json!({ "resource": format!("{ISSUER}{PEOPLE}") });
    let token = machine_token(&idp, &machine, CONTACT, here).await?;
    assert_eq!(post(&idp, PEOPLE, &token, &body).await?.status, StatusCode::OK, "for this one by its address");
    assert_eq!(idp.post_as(&machine, "/token/revoke", &[("token", &token)]).await?.status, StatusCode::OK);
    is_invalid(&post(&idp, PEOPLE, &token, &body).await?, "revoked")?;
    let token = machine_token(&idp, &machine, CONTACT, json!({})).await?;
    idp.advance(Duration::from_secs(120));
    is_invalid(&post(&idp, PEOPLE, &token, &body).await?, "expired")?;
    Ok(())
}

// Attack: what a citizen or another scope gives, in the place of the machine's own right to know everybody.
#[tokio::test]
async fn another_token_is_not_enough() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (machine, kari, ola) = (machine(&idp).await?, idp.person().await?, idp.person().await?);
    let others = machine_token(&idp, &machine, &format!("{CHANGES} {OWN_CONTACT} other:scope"), json!({})).await?;
    let (_, citizens) = citizen_token(&idp, &kari, &format!("openid {CONTACT} {POSTBOX} {CHANGES}")).await?;
    let both = format!("{CONTACT} {POSTBOX}");
    let all = json!({ "personidentifikatorer": [ola.fnr] });
    let since = json!({ "fraEndringsId": 0 });
    let lookers = machine_token(&idp, &machine, &both, json!({})).await?;
    for (token, path, body, needed) in [
        (&others, PEOPLE, &all, both.as_str()),
        (&citizens, PEOPLE, &all, both.as_str()),
        (&citizens, FEED, &since, CHANGES),
        (&lookers, FEED, &since, CHANGES),
    ] {
        let answer = post(&idp, path, token, body).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"), "{path}");
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{needed}\"");
        assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
        assert!(!answer.body.contains(&ola.phone), "{}", answer.body);
    }
    // And a machine is nobody who could ask about themselves.
    for token in [&others, &lookers, &citizens] {
        let answer = oneself(&idp, token).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"));
    }
    Ok(())
}

#[tokio::test]
async fn a_bound_token_comes_with_its_proof() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (key, kari) = (ClientKey::fresh()?, idp.person().await?);
    let machine = TestClient { dpop: Some(key.clone()), ..machine(&idp).await? };
    let token = machine_token(&idp, &machine, CONTACT, json!({})).await?;
    let body = json!({ "personidentifikatorer": [kari.fnr] });
    let ask = async |key: &ClientKey, at: &str| {
        let proof = ClientKey::proof_claims("POST", &format!("{ISSUER}{at}"), Some(&token), idp.now())?;
        let (shown, proof) = (format!("DPoP {token}"), key.proof(&proof)?);
        send(&idp, (Method::POST, PEOPLE), &[("authorization", &shown), ("dpop", &proof)], Some(&body)).await
    };
    let answer = ask(&key, PEOPLE).await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let shown = format!("DPoP {token}");
    for answer in [
        ask(&key, "/rest/v1/personer").await?,
        ask(&ClientKey::fresh()?, PEOPLE).await?,
        post(&idp, PEOPLE, &token, &body).await?,
        send(&idp, (Method::POST, PEOPLE), &[("authorization", &shown)], Some(&body)).await?,
    ] {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
        assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("DPoP error=")));
    }
    // A token that is bound to nothing does not become bound by a proof.
    let free = TestClient { dpop: None, ..machine.clone() };
    let bearer = format!("DPoP {}", machine_token(&idp, &free, CONTACT, json!({})).await?);
    let answer = send(&idp, (Method::POST, PEOPLE), &[("authorization", &bearer)], Some(&body)).await?;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn citizens_see_themselves() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let registered = moment(idp.now())?;
    change(&idp, &kari, async |tx, id, now| contact::set_postbox(tx, id, Some(&postbox()), now).await).await?;
    let scope = format!("openid profile {OWN_CONTACT}");
    let (client, token) = citizen_token(&idp, &kari, &scope).await?;
    let answer = oneself(&idp, &token).await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let expected = json!({
        "personidentifikator": kari.fnr, "reservasjon": "NEI", "status": "AKTIV", "varslingsstatus": "KAN_VARSLES",
        "kontaktinformasjon": channels(&kari, &registered, &registered),
    });
    assert_eq!(answer.json()?, expected);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(!answer.body.contains(&ola.phone));
    // Signed for the service that asks so.
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("accept", "application/json;q=0.5, application/jose")];
    let signed = send(&idp, (Method::GET, "/rest/v1/person"), &headers, None).await?;
    assert_eq!(signed.header("content-type"), Some("application/jose"));
    let mut said = claims(&json!(signed.body))?;
    let fields = said.as_object_mut().context("an object")?;
    assert_eq!((fields.remove("iss"), fields.remove("aud")), (Some(json!(ISSUER)), Some(json!(client.id))));
    assert_eq!(fields.remove("iat"), Some(json!(idp.now())));
    assert_eq!(said, expected);
    // The postbox is another scope's.
    let (_, token) = citizen_token(&idp, &kari, &format!("openid {OWN_POSTBOX}")).await?;
    let expected = json!({
        "personidentifikator": kari.fnr, "reservasjon": "NEI", "status": "AKTIV",
        "digital_post": { "postkasseadresse": "kari.nordmann#9YDT", "postkasseleverandoeradresse": "984661185" },
        "sertifikat": "-----BEGIN CERTIFICATE-----",
    });
    assert_eq!(oneself(&idp, &token).await?.json()?, expected);
    let (_, token) = citizen_token(&idp, &kari, "openid profile").await?;
    assert_eq!(oneself(&idp, &token).await?.error()?, "insufficient_scope");
    idp.advance(Duration::from_secs(121));
    assert_eq!(oneself(&idp, &token).await?.error()?, "invalid_token");
    Ok(())
}

// Attack: a service that may not learn the identifier asks the register for it.
#[tokio::test]
async fn a_pseudonymous_token_does_not_lead_to_the_person() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let kari = idp.person().await?;
    let rules = json!({ "requires_pseudonymous_tokens": true, "accessible_for_all": true });
    crate::scopes::register(&idp, "fjordvik:hemmelig", rules).await?;
    let scope = format!("openid fjordvik:hemmelig {OWN_CONTACT}");
    let (_, token) = citizen_token(&idp, &kari, &scope).await?;
    let answer = oneself(&idp, &token).await?;
    assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"));
    assert!(!answer.body.contains(&kari.fnr));
    Ok(())
}

#[tokio::test]
async fn citizens_choose_their_language_through_a_service() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let kari = idp.person().await?;
    let (client, token) = citizen_token(&idp, &kari, &format!("openid {OWN_CONTACT} {OWN_LANGUAGE}")).await?;
    let bearer = format!("Bearer {token}");
    let choose = async |bearer: &str, body: Value| {
        send(&idp, (Method::PATCH, "/rest/v1/person"), &[("authorization", bearer)], Some(&body)).await
    };
    for wrong in [json!({ "spraak": "de" }), json!({ "spraak": "EN" }), json!({ "spraak": null }), json!({}), json!([])]
    {
        let answer = choose(&bearer, wrong.clone()).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{wrong}");
    }
    let before = oneself(&idp, &token).await?.json()?;
    assert!(before.get("spraak").is_none());
    let answer = choose(&bearer, json!({ "spraak": "se" })).await?;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
    let mut expected = before;
    expected["spraak"] = json!("se");
    expected["spraak_oppdatert"] = json!(moment(idp.now())?);
    assert_eq!(oneself(&idp, &token).await?.json()?, expected);
    let row = idp.row_of(&kari).await?;
    let trail = idp.app.world.trail.of(idp.app.world.db.pool(), &row.id, i64::MAX, 10).await?;
    let entry = trail.iter().find(|entry| entry.kind == "language-changed").context("an entry")?;
    assert_eq!(entry.details["client"], json!(client.id));
    // To see is not to change.
    let (_, token) = citizen_token(&idp, &kari, &format!("openid {OWN_CONTACT}")).await?;
    let answer = choose(&format!("Bearer {token}"), json!({ "spraak": "en" })).await?;
    assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"));
    let token = machine_token(&idp, &machine(&idp).await?, OWN_LANGUAGE, json!({})).await?;
    let answer = choose(&format!("Bearer {token}"), json!({ "spraak": "en" })).await?;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "a machine has no language");
    Ok(())
}

#[tokio::test]
async fn the_feed_has_each_change_once_and_in_order() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let machine = machine(&idp).await?;
    let empty = json!({ "list": [], "fraEndringsId": 0, "tilEndringsId": 0, "sisteEndringsId": 0 });
    assert_eq!(changes(&idp, &machine, CHANGES, 0).await?, empty);
    let (kari, ola) = (idp.person().await?, idp.person().await?);
    let bare = |fnr: &str, status: &str| json!({ "personidentifikator": fnr, "reservasjon": "NEI", "status": status });
    // Each has registered two channels, and is told once.
    let list = json!([bare(&kari.fnr, "AKTIV"), bare(&ola.fnr, "AKTIV")]);
    let expected = json!({ "list": list, "fraEndringsId": 0, "tilEndringsId": 4, "sisteEndringsId": 4 });
    assert_eq!(changes(&idp, &machine, CHANGES, 0).await?, expected);
    // The other scopes show their fields here as well.
    let told = changes(&idp, &machine, &format!("{CHANGES} {CONTACT}"), 2).await?;
    let now = moment(idp.now())?;
    let whole = json!([{
        "personidentifikator": ola.fnr, "reservasjon": "NEI", "status": "AKTIV", "varslingsstatus": "KAN_VARSLES",
        "kontaktinformasjon": channels(&ola, &now, &now),
    }]);
    assert_eq!(told["list"], whole);
    // Whoever is up to date goes on from there.
    let nothing = json!({ "list": [], "fraEndringsId": 4, "tilEndringsId": 4, "sisteEndringsId": 4 });
    assert_eq!(changes(&idp, &machine, CHANGES, 4).await?, nothing);
    change(&idp, &kari, async |tx, id, now| contact::set_language(tx, id, "en", now).await).await?;
    change(&idp, &ola, async |tx, id, now| contact::delete(tx, id, now).await).await?;
    let list = json!([bare(&kari.fnr, "AKTIV"), bare(&ola.fnr, "SLETTET")]);
    let expected = json!({ "list": list, "fraEndringsId": 4, "tilEndringsId": 6, "sisteEndringsId": 6 });
    assert_eq!(changes(&idp, &machine, CHANGES, 4).await?, expected);
    // From the beginning it is the same: each as they are now, at the place of their last change.
    let expected = json!({ "list": list, "fraEndringsId": 0, "tilEndringsId": 6, "sisteEndringsId": 6 });
    assert_eq!(changes(&idp, &machine, CHANGES, 0).await?, expected);
    // That somebody passed the page in the login over is no change.
    change(&idp, &kari, async |tx, id, now| contact::note_asked(&mut **tx, id, now).await).await?;
    assert_eq!(changes(&idp, &machine, CHANGES, 6).await?["list"], json!([]));
    let token = machine_token(&idp, &machine, CHANGES, json!({})).await?;
    for wrong in
        [json!({ "fraEndringsId": -1 }), json!({ "fraEndringsId": "1" }), json!({ "fraEndringsId": 0.5 }), json!({})]
    {
        let answer = post(&idp, FEED, &token, &wrong).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn the_feed_goes_on_where_a_page_ended() -> anyhow::Result<()> {
    const PERSON: &str = "INSERT INTO person (id, fnr, given_name, family_name, created_at) VALUES ($1, $2, '', '', 0)";
    const CONTACT_OF: &str = "INSERT INTO contact (person, mobile, feed_number) VALUES ($1, $2, $3)";
    let idp = TestIdp::start().await?;
    let machine = machine(&idp).await?;
    let fnr = |number: i64| format!("{number:011}");
    let mut tx = idp.app.world.db.begin().await?;
    for number in 1..=1001_i64 {
        let (id, mobile) = (format!("p{number}"), format!("+479{number:07}"));
        sqlx::query(PERSON).bind(id.clone()).bind(fnr(number)).execute(&mut *tx).await?;
        sqlx::query(CONTACT_OF).bind(id).bind(mobile).bind(number).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    let (mut after, mut seen) = (0, Vec::new());
    for (length, until) in [(1000, 1000), (1, 1001), (0, 1001)] {
        let page = changes(&idp, &machine, CHANGES, after).await?;
        let list = page["list"].as_array().context("a list")?;
        assert_eq!(list.len(), length);
        assert_eq!((&page["tilEndringsId"], &page["sisteEndringsId"]), (&json!(until), &json!(1001)));
        seen.extend(list.iter().map(|person| person["personidentifikator"].clone()));
        after = until;
    }
    assert_eq!(seen, (1..=1001).map(|number| json!(fnr(number))).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn no_page_elsewhere_reads_the_register() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    for (method, path) in [(Method::GET, "/rest/v1/person"), (Method::POST, PEOPLE), (Method::POST, FEED)] {
        let request = Request::builder().method(method).uri(path).header(header::ORIGIN, "https://spa.test");
        let answer = idp.send(request.body(Body::empty())?).await?;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    Ok(())
}
