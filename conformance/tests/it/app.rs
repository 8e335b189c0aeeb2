//! The MinID app: how a telephone comes to its owner, what it answers with, and those who would answer in its place.

use std::time::Duration;

use anyhow::{Context, ensure};
use authenticators::chance::TokenHash;
use authenticators::device;
use authenticators::factor::FactorKind;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use conformance::authenticator::{Manner, PRESENT, Passkey};
use conformance::browser::Browser;
use conformance::idp::{Answer, ISSUER, TestClient, TestIdp, TestPerson, claims};
use futures_util::future::join_all;
use idp::minid::{Minid, Retired};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::profile::{NEW_PASSWORD, at_once};

const PAGE: &str = "/profil/innlogging/app";
pub(crate) const BEGIN: &str = "/app/api/enrolments";
pub(crate) const FINISH: &str = "/app/api/enrolments/finish";
pub(crate) const DEVICE: &str = "/app/api/device";
/// What waits now; nobody is kept waiting.
const REQUESTS: &str = "/app/api/requests?seen=-";
/// How long a question can be answered.
pub(crate) const GOOD_FOR: Duration = Duration::from_mins(3);
/// After which the same page may ask again.
pub(crate) const AGAIN: Duration = Duration::from_secs(31);

/// A telephone with the MinID app.
pub(crate) struct Telephone {
    /// By which it sees what waits.
    pub(crate) token: String,
    /// What it signs with.
    pub(crate) key: Passkey,
}

/// Sends a request as the app does: with its token, and JSON if there is any.
pub(crate) async fn call(
    idp: &TestIdp,
    (method, path): (Method, &str),
    token: &str,
    body: Option<&Value>,
) -> anyhow::Result<Answer> {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    idp.send(request.body(Body::from(body.map(Value::to_string).unwrap_or_default()))?).await
}

pub(crate) fn text(json: &Value, name: &str) -> anyhow::Result<String> {
    json[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {json}"))
}

/// What an authenticator is asked to sign: the SHA-256 of these words.
fn challenge(words: &str) -> String {
    json!({ "publicKey": { "challenge": TokenHash::of(words).as_str() } }).to_string()
}

/// What it is asked to sign for a statement and the number on the page.
pub(crate) fn question(statement: &str, number: &str) -> String {
    challenge(&format!("{statement}\n{number}"))
}

/// A number that is not this one.
pub(crate) fn other(number: &str) -> String {
    format!("{:02}", (number.parse::<u8>().unwrap_or(0) + 1) % 100)
}

impl Telephone {
    /// Comes with an invitation, and makes its key; the number that it shows.
    pub(crate) async fn come(idp: &TestIdp, code: &str, name: &str) -> anyhow::Result<(Telephone, String)> {
        let begun = call(idp, (Method::POST, BEGIN), "", Some(&json!({ "code": code }))).await?;
        ensure!(begun.status == StatusCode::OK, "{} {}", begun.status, begun.body);
        let begun = begun.json()?;
        let token = text(&begun, "token")?;
        let (key, answer) = Passkey::make(&begun["options"].to_string(), ISSUER)?;
        let answer: Value = serde_json::from_str(&answer)?;
        let made = json!({ "credential": answer, "name": name, "system": "Android" });
        let finished = call(idp, (Method::POST, FINISH), &token, Some(&made)).await?;
        ensure!(finished.status == StatusCode::OK, "{} {}", finished.status, finished.body);
        let number = text(&finished.json()?, "number")?;
        Ok((Telephone { token, key }, number))
    }

    /// What it is told of itself.
    pub(crate) async fn told(&self, idp: &TestIdp) -> anyhow::Result<Answer> {
        call(idp, (Method::GET, DEVICE), &self.token, None).await
    }

    /// `pending`, `active` or `paused`.
    pub(crate) async fn state(&self, idp: &TestIdp) -> anyhow::Result<String> {
        text(&self.told(idp).await?.json()?, "state")
    }

    /// The name of its key.
    async fn id(&self, idp: &TestIdp) -> anyhow::Result<String> {
        text(&self.told(idp).await?.json()?, "credential")
    }

    /// The question that waits for an answer: its name, and what it says.
    pub(crate) async fn sees(&self, idp: &TestIdp) -> anyhow::Result<Option<(String, String)>> {
        let answer = call(idp, (Method::GET, REQUESTS), &self.token, None).await?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        ensure!(answer.status == StatusCode::OK, "{} {}", answer.status, answer.body);
        let request = answer.json()?;
        Ok(Some((text(&request, "id")?, text(&request, "statement")?)))
    }

    /// Says yes, with whatever a test has for a signature.
    pub(crate) async fn approve(&self, idp: &TestIdp, id: &str, number: &str, signed: &str) -> anyhow::Result<Answer> {
        let body = json!({ "number": number, "credential": serde_json::from_str::<Value>(signed)? });
        call(idp, (Method::POST, &format!("/app/api/requests/{id}/approve")), &self.token, Some(&body)).await
    }

    /// Says yes to what waits, by the book.
    pub(crate) async fn say_yes(&mut self, idp: &TestIdp, number: &str) -> anyhow::Result<Answer> {
        let (id, statement) = self.sees(idp).await?.context("nothing waits")?;
        let signed = self.key.sign(&question(&statement, number))?;
        self.approve(idp, &id, number, &signed).await
    }

    /// What it signs to give itself up.
    pub(crate) async fn removal(&self, idp: &TestIdp) -> anyhow::Result<String> {
        let answer = call(idp, (Method::POST, "/app/api/device/removal"), &self.token, None).await?;
        ensure!(answer.status == StatusCode::OK, "{} {}", answer.status, answer.body);
        text(&answer.json()?, "statement")
    }

    /// Gives itself up, with whatever a test has for a signature.
    pub(crate) async fn leave(&self, idp: &TestIdp, signed: &str) -> anyhow::Result<Answer> {
        let body = json!({ "credential": serde_json::from_str::<Value>(signed)? });
        call(idp, (Method::DELETE, DEVICE), &self.token, Some(&body)).await
    }

    /// Gives itself up, by the book.
    pub(crate) async fn give_up(&mut self, idp: &TestIdp) -> anyhow::Result<Answer> {
        let signed = self.key.sign(&challenge(&self.removal(idp).await?))?;
        self.leave(idp, &signed).await
    }

    async fn decline(&self, idp: &TestIdp, id: &str, body: &Value) -> anyhow::Result<Answer> {
        call(idp, (Method::POST, &format!("/app/api/requests/{id}/decline")), &self.token, Some(body)).await
    }

    /// Says no to what waits.
    pub(crate) async fn say_no(&self, idp: &TestIdp, not_me: bool) -> anyhow::Result<()> {
        let (id, _) = self.sees(idp).await?.context("nothing waits")?;
        let answer = self.decline(idp, &id, &json!({ "not_me": not_me })).await?;
        ensure!(answer.status == StatusCode::NO_CONTENT, "{} {}", answer.status, answer.body);
        Ok(())
    }
}

/// An invitation from the profile page.
pub(crate) async fn invite(browser: &mut Browser) -> anyhow::Result<String> {
    browser.get(PAGE).await?.answer(&[("do", "invite")]).await?;
    browser.between("/app#", "\"")
}

pub(crate) async fn type_number(browser: &mut Browser, number: &str) -> anyhow::Result<bool> {
    browser.answer(&[("do", "next"), ("code", number)]).await?;
    Ok(browser.at == "/profil/innlogging?sagt=lagt-til")
}

/// One more telephone for whoever is logged in in this browser.
pub(crate) async fn add_telephone(idp: &TestIdp, browser: &mut Browser, name: &str) -> anyhow::Result<Telephone> {
    let code = invite(browser).await?;
    let (telephone, number) = Telephone::come(idp, &code, name).await?;
    ensure!(type_number(browser, &number).await?, "{} {}", browser.at, browser.page.body);
    Ok(telephone)
}

/// A person with the MinID app, and their telephone.
pub(crate) async fn with_app(idp: &TestIdp, client: &TestClient) -> anyhow::Result<(TestPerson, Telephone)> {
    let kari = idp.person().await?;
    let mut browser = idp.by_test_id(client, &kari, "substantial").await?;
    let telephone = add_telephone(idp, &mut browser, "Telefonen").await?;
    Ok((kari, telephone))
}

/// A browser whose page waits for the app, after the password.
pub(crate) async fn at_the_app(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    ensure!(browser.shows("Skriv inn dette tallet i appen"), "{}", browser.page.body);
    Ok(browser)
}

/// The number on the page that waits.
pub(crate) fn number_on(browser: &Browser) -> anyhow::Result<String> {
    browser.between("role=\"group\"><span>", "</span>")
}

/// «Jeg har svart i appen»; whether that was so.
pub(crate) async fn goes_on(browser: &mut Browser) -> anyhow::Result<bool> {
    browser.answer(&[("do", "next")]).await?;
    Ok(browser.sent_back("code").is_ok())
}

/// What the page's script is told; not while nobody has answered, for then it waits.
pub(crate) async fn heard(browser: &Browser) -> anyhow::Result<String> {
    let mut script = browser.clone();
    script.get(&format!("{}/wait", browser.action()?)).await?;
    text(&script.page.json()?, "state")
}

pub(crate) async fn devices(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<usize> {
    let row = idp.row_of(person).await?;
    Ok(device::all(idp.app.world.db.pool(), &row.id).await?.len())
}

#[tokio::test]
async fn a_telephone_comes_to_its_owner_and_logs_them_in() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let code = invite(&mut profile).await?;
    assert!(profile.page.body.contains("src=\"data:image/svg+xml;base64,"), "{}", profile.page.body);
    let (mut telephone, number) = Telephone::come(&idp, &code, "<b>Telefonen</b>").await?;
    assert_eq!((number.len(), telephone.state(&idp).await?.as_str()), (2, "pending"));
    assert_eq!(call(&idp, (Method::GET, REQUESTS), &telephone.token, None).await?.status, StatusCode::UNAUTHORIZED);
    profile.get(PAGE).await?;
    assert!(profile.shows("<b>Telefonen</b> (Android) ber om å bli MinID-appen din"), "{}", profile.page.body);
    assert!(!profile.page.body.contains("<b>Telefonen"));
    assert!(type_number(&mut profile, &number).await?, "{}", profile.page.body);
    assert!(profile.shows("<b>Telefonen</b>") && profile.shows("Android"), "{}", profile.page.body);
    for to in [&kari.phone, &kari.email] {
        let told = idp.arrives(to, "En ny innloggingsmetode er lagt til: MinID-appen").await?;
        assert!(told.text.contains("800 30 300") && !told.text.contains("http"), "{told:?}");
    }
    let told = telephone.told(&idp).await?.json()?;
    assert_eq!((&told["state"], &told["push"], &told["push_key"]), (&json!("active"), &json!(false), &Value::Null));
    assert_eq!(told["name"], "<b>Telefonen</b>");

    let before = idp.sms_count(&kari);
    let mut browser = idp.browser();
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    browser.headers.push(("user-agent", agent.to_owned()));
    browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    let (_, statement) = telephone.sees(&idp).await?.context("a question")?;
    let said: Value = serde_json::from_str(&statement)?;
    assert_eq!((&said["purpose"], &said["service"]), (&json!("login"), &json!("Test service")));
    assert_eq!((&said["browser"], &said["system"]), (&json!("Firefox"), &json!("Linux")));
    assert_eq!((&said["at"], &said["issuer"]), (&json!(idp.now()), &json!(ISSUER)));
    let number = number_on(&browser)?;
    assert!(!statement.contains(&kari.fnr) && said.get("number").is_none(), "the number is on the page alone");
    assert!(!goes_on(&mut browser).await? && browser.shows("Vi har ikke fått svar fra appen ennå"));
    assert_eq!(telephone.say_yes(&idp, &number).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(heard(&browser).await?, "approved");
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    let tokens = idp.redeem(&client, &browser.sent_back("code")?).await?.json()?;
    let id_token = claims(&tokens["id_token"])?;
    assert_eq!((&id_token["amr"], &id_token["acr"]), (&json!(["Minid-APP"]), &json!("idporten-loa-substantial")));
    assert_eq!(idp.sms_count(&kari), before, "nobody pays for an SMS");
    assert_eq!(telephone.sees(&idp).await?, None, "it is answered");
    let kinds: Vec<String> = idp.trail_of(&kari).await?.into_iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, ["login", "factor-added", "login"]);
    Ok(())
}

#[tokio::test]
async fn each_step_of_setting_up_takes_five_minutes_at_most() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for late in ["the code", "the key", "the number"] {
        let kari = idp.person().await?;
        let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
        let code = invite(&mut profile).await?;
        if late == "the code" {
            idp.advance(Duration::from_mins(5));
            let begun = call(&idp, (Method::POST, BEGIN), "", Some(&json!({ "code": code }))).await?;
            assert_eq!((begun.status, begun.error()?.as_str()), (StatusCode::NOT_FOUND, "gone"));
            continue;
        }
        let begun = call(&idp, (Method::POST, BEGIN), "", Some(&json!({ "code": code }))).await?.json()?;
        let (token, answer) = (text(&begun, "token")?, Passkey::make(&begun["options"].to_string(), ISSUER)?.1);
        let answer: Value = serde_json::from_str(&answer)?;
        let made = json!({ "credential": answer, "name": "x", "system": "iOS" });
        idp.advance(Duration::from_secs(if late == "the key" { 300 } else { 299 }));
        let finished = call(&idp, (Method::POST, FINISH), &token, Some(&made)).await?;
        if late == "the key" {
            let expected = (StatusCode::UNPROCESSABLE_ENTITY, "invalid_credential");
            assert_eq!((finished.status, finished.error()?.as_str()), expected);
            continue;
        }
        let number = text(&finished.json()?, "number")?;
        idp.advance(Duration::from_mins(5));
        assert!(!type_number(&mut profile, &number).await?);
        assert!(profile.shows("Det er ingen app som venter"), "{}", profile.page.body);
        assert_eq!(devices(&idp, &kari).await?, 0);
    }
    Ok(())
}

// Attack: somebody has photographed the picture, and comes first or at the same instant.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_come_with_one_invitation_one_gets_on() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let body = json!({ "code": invite(&mut profile).await? });
    let calls = (0..50).map(|_| call(&idp, (Method::POST, BEGIN), "", Some(&body)));
    let answers = join_all(calls).await.into_iter().collect::<anyhow::Result<Vec<Answer>>>()?;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::NOT_FOUND).count(), 49);
    for odd in ["", "x", &"x".repeat(50_000), "../..", "\u{0}"] {
        let answer = call(&idp, (Method::POST, BEGIN), "", Some(&json!({ "code": odd }))).await?;
        assert_eq!(answer.error()?, "gone");
    }
    Ok(())
}

// Attack: the code was stolen, and another device stands where one's own is expected.
#[tokio::test]
async fn another_device_with_a_stolen_code_shows_another_number() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut profile, own, mine, theirs) = loop {
        let kari = idp.person().await?;
        let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
        let stolen = invite(&mut profile).await?;
        let code = invite(&mut profile).await?;
        let (own, mine) = Telephone::come(&idp, &code, "Telefonen").await?;
        let (_, theirs) = Telephone::come(&idp, &stolen, "Telefonen").await?;
        if mine != theirs {
            break (kari, profile, own, mine, theirs);
        }
    };
    assert!(!type_number(&mut profile, &mine).await?, "{mine} {theirs}");
    assert!(profile.shows("Det er ikke tallet som står i appen"), "{}", profile.page.body);
    assert_eq!(devices(&idp, &kari).await?, 0);
    // Whoever begins anew is rid of it.
    profile.answer(&[("do", "invite")]).await?;
    assert!(!type_number(&mut profile, &theirs).await?);
    assert!(profile.shows("Det er ingen app som venter"), "{}", profile.page.body);
    assert_eq!(devices(&idp, &kari).await?, 0);
    assert_eq!(call(&idp, (Method::GET, REQUESTS), &own.token, None).await?.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn a_wrong_number_three_times_ends_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let code = invite(&mut profile).await?;
    let (telephone, number) = Telephone::come(&idp, &code, "Telefonen").await?;
    assert!(!type_number(&mut profile, "").await? && profile.shows("Skriv inn tallet som står i appen"));
    for words in ["Det er ikke tallet", "Det er ikke tallet", "Tallet ble skrevet feil tre ganger"] {
        assert!(!type_number(&mut profile, &other(&number)).await?);
        assert_eq!(profile.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(profile.shows(words), "{words}: {}", profile.page.body);
        profile.get(PAGE).await?;
    }
    let csrf = profile.csrf()?;
    profile.post(PAGE, &[("csrf", &csrf), ("do", "next"), ("code", &number)]).await?;
    assert!(profile.shows("Det er ingen app som venter"), "{}", profile.page.body);
    assert_eq!(devices(&idp, &kari).await?, 0);
    assert_eq!(telephone.told(&idp).await?.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_type_the_number_at_the_same_instant_one_adds_the_telephone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let code = invite(&mut profile).await?;
    let (telephone, number) = Telephone::come(&idp, &code, "Telefonen").await?;
    let csrf = profile.csrf()?;
    let form = [("csrf", csrf.as_str()), ("do", "next"), ("code", number.as_str())];
    let tabs = at_once(&profile, PAGE, &form, 50).await?;
    let added = |tab: &&Browser| tab.page.header("location").is_some_and(|to| to.ends_with("sagt=lagt-til"));
    assert_eq!(tabs.iter().filter(added).count(), 1);
    assert_eq!((devices(&idp, &kari).await?, telephone.state(&idp).await?.as_str()), (1, "active"));
    let trail = idp.trail_of(&kari).await?;
    assert_eq!(trail.iter().filter(|entry| entry.kind == "factor-added").count(), 1);
    Ok(())
}

/// Something that is not the signature that is asked for.
type Forgery = fn(&Passkey, &str, &str) -> anyhow::Result<String>;

// Attack: a stolen token, a copied key, a page that says something else than what is signed.
#[tokio::test]
async fn only_a_signature_over_the_statement_and_the_number_approves() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let number = number_on(&browser)?;
    let (old, statement) = telephone.sees(&idp).await?.context("a question")?;
    let earlier = telephone.key.sign(&question(&statement, &number))?;
    assert_eq!(telephone.approve(&idp, &old, &number, &earlier).await?.status, StatusCode::NO_CONTENT);
    // Once more, and after the login, and with the next question.
    assert_eq!(telephone.approve(&idp, &old, &number, &earlier).await?.error()?, "gone");
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    assert_eq!(telephone.approve(&idp, &old, &number, &earlier).await?.error()?, "gone");

    let forgeries: [(&str, Forgery); 12] = [
        ("another number", |key, statement, number| key.sign_as(&question(statement, &other(number)), &key.honestly())),
        ("another statement", |key, statement, number| {
            key.sign_as(&question(&statement.replace("Test service", "Bergvik kommune"), number), &key.honestly())
        }),
        ("no number", |key, statement, _| key.sign_as(&challenge(statement), &key.honestly())),
        ("nothing in between", |key, statement, number| {
            key.sign_as(&challenge(&format!("{statement}{number}")), &key.honestly())
        }),
        ("nobody has unlocked it", |key, statement, number| {
            key.sign_as(&question(statement, number), &Manner { flags: PRESENT, ..key.honestly() })
        }),
        ("another page", |key, statement, number| {
            let origin = "https://idp.test.evil.test".to_owned();
            key.sign_as(&question(statement, number), &Manner { origin, ..key.honestly() })
        }),
        ("a page below", |key, statement, number| {
            let origin = "https://www.idp.test".to_owned();
            key.sign_as(&question(statement, number), &Manner { origin, ..key.honestly() })
        }),
        ("another party", |key, statement, number| {
            let rp_id = "evil.test".to_owned();
            key.sign_as(&question(statement, number), &Manner { rp_id, ..key.honestly() })
        }),
        ("another ceremony", |key, statement, number| {
            let manner = Manner { ceremony: "webauthn.create", ..key.honestly() };
            key.sign_as(&question(statement, number), &manner)
        }),
        ("a counter that stands still", |key, statement, number| {
            key.sign_as(&question(statement, number), &Manner { counter: key.counter, ..key.honestly() })
        }),
        ("a counter that is set back", |key, statement, number| {
            key.sign_as(&question(statement, number), &Manner { counter: 0, ..key.honestly() })
        }),
        ("nothing", |_, _, _| Ok("{}".to_owned())),
    ];
    idp.advance(AGAIN);
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    for some in forgeries.chunks(2) {
        let number = number_on(&browser)?;
        let (id, statement) = telephone.sees(&idp).await?.context("a question")?;
        for (name, forge) in some {
            let forged = forge(&telephone.key, &statement, &number)?;
            let answer = telephone.approve(&idp, &id, &number, &forged).await?;
            let told = (answer.status, answer.error()?);
            assert_eq!(told, (StatusCode::UNPROCESSABLE_ENTITY, "invalid_signature".to_owned()), "{name}");
            assert!(telephone.sees(&idp).await?.is_some_and(|(waits, _)| waits == id), "{name}");
        }
        idp.advance(AGAIN);
        browser.answer(&[("do", "resend")]).await?;
        assert!(browser.shows("med et nytt tall"), "{}", browser.page.body);
    }
    // What was signed before, and then the right one: three tries are three tries.
    let (number, question_now) = (number_on(&browser)?, telephone.sees(&idp).await?.context("a question")?);
    let replayed = telephone.approve(&idp, &question_now.0, &number, &earlier).await?;
    assert_eq!(replayed.error()?, "invalid_signature");
    assert_eq!(telephone.approve(&idp, &old, &number, &earlier).await?.error()?, "gone");
    assert_eq!(telephone.say_yes(&idp, &number).await?.status, StatusCode::NO_CONTENT);
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    Ok(())
}

// Attack: another device of the same person, and another person's.
#[tokio::test]
async fn no_device_answers_with_anothers_key_or_for_another_person() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, first) = with_app(&idp, &client).await?;
    let (ola, mut others) = with_app(&idp, &client).await?;
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let mut second = add_telephone(&idp, &mut profile, "Nettbrettet").await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let number = number_on(&browser)?;
    let (id, statement) = first.sees(&idp).await?.context("a question")?;
    assert_eq!(second.sees(&idp).await?, Some((id.clone(), statement.clone())), "it is put to both");
    assert_eq!(others.sees(&idp).await?, None, "and to nobody else");
    for key in [&second.key, &others.key] {
        let signed = key.sign_as(&question(&statement, &number), &key.honestly())?;
        assert_eq!(first.approve(&idp, &id, &number, &signed).await?.error()?, "invalid_signature");
    }
    let signed = others.key.sign(&question(&statement, &number))?;
    assert_eq!(others.approve(&idp, &id, &number, &signed).await?.error()?, "gone");
    assert_eq!(others.decline(&idp, &id, &json!({})).await?.error()?, "gone");
    assert_eq!(others.decline(&idp, &id, &json!({ "not_me": true })).await?.error()?, "gone");
    assert_eq!(others.state(&idp).await?, "active");
    // A question of Ola's at the same time is a question of Ola's.
    let mut his = at_the_app(&idp, &client, &ola).await?;
    assert_eq!(second.say_yes(&idp, &number).await?.status, StatusCode::NO_CONTENT);
    assert!(!goes_on(&mut his).await?);
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    assert_eq!(others.say_yes(&idp, &number_on(&his)?).await?.status, StatusCode::NO_CONTENT);
    assert!(goes_on(&mut his).await?, "{}", his.page.body);
    Ok(())
}

#[tokio::test]
async fn three_wrong_numbers_end_the_question() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let number = number_on(&browser)?;
    let (id, _) = telephone.sees(&idp).await?.context("a question")?;
    for left in [2, 1, 0] {
        let answer = telephone.say_yes(&idp, &other(&number)).await?;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!((&answer.json()?["error"], &answer.json()?["left"]), (&json!("wrong_number"), &json!(left)));
    }
    assert_eq!(telephone.sees(&idp).await?, None);
    assert_eq!(telephone.approve(&idp, &id, &number, "{}").await?.error()?, "gone");
    assert_eq!(heard(&browser).await?, "declined");
    assert!(!goes_on(&mut browser).await?);
    assert!(browser.shows("Innloggingen ble avslått i MinID-appen"), "{}", browser.page.body);
    assert!(browser.page.body.contains("name=\"password\"") && !browser.page.body.contains("class=\"number\""));
    Ok(())
}

// Attack: whoever holds the device and not the page tries all numbers at the same instant.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_numbers_at_once_three_are_looked_at() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let right = number_on(&browser)?;
    let (id, statement) = telephone.sees(&idp).await?.context("a question")?;
    let numbers = (0..100).map(|n| format!("{n:02}")).filter(|number| *number != right);
    let mut guesses = Vec::new();
    for number in numbers {
        let signed = telephone.key.sign_as(&question(&statement, &number), &telephone.key.honestly())?;
        guesses.push((number, signed));
    }
    let calls = guesses.iter().map(|(number, signed)| telephone.approve(&idp, &id, number, signed));
    let answers = join_all(calls).await.into_iter().collect::<anyhow::Result<Vec<Answer>>>()?;
    let mut errors = answers.iter().map(Answer::error).collect::<anyhow::Result<Vec<String>>>()?;
    errors.retain(|error| error != "gone");
    assert_eq!(errors, ["wrong_number"; 3], "of {}", answers.len());
    let signed = telephone.key.sign(&question(&statement, &right))?;
    assert_eq!(telephone.approve(&idp, &id, &right, &signed).await?.error()?, "gone", "the right one is too late");
    assert!(!goes_on(&mut browser).await? && browser.sent_back("code").is_err());
    Ok(())
}

// A finger that taps twice.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_approvals_at_the_same_instant_one_counts() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let number = number_on(&browser)?;
    let (id, statement) = telephone.sees(&idp).await?.context("a question")?;
    let signed = telephone.key.sign(&question(&statement, &number))?;
    let calls = (0..50).map(|_| telephone.approve(&idp, &id, &number, &signed));
    let answers = join_all(calls).await.into_iter().collect::<anyhow::Result<Vec<Answer>>>()?;
    let taken = answers.iter().filter(|answer| answer.status == StatusCode::NO_CONTENT).count();
    assert_eq!(taken, 1, "{:?}", answers.iter().map(|answer| &answer.body).collect::<Vec<_>>());
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    Ok(())
}

// The page goes on by itself when it hears of the answer, and its reader presses the button as well.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_clicks_after_the_approval_are_one_login() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let browser = at_the_app(&idp, &client, &kari).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    let asked = browser.between("name=\"asked\" value=\"", "\"")?;
    let form = [("csrf", csrf.as_str()), ("do", "next"), ("asked", asked.as_str())];
    let tabs = at_once(&browser, &action, &form, 50).await?;
    let to_service = |tab: &&Browser| tab.page.header("location").is_some_and(|to| to.starts_with("https://a.test"));
    let statuses: Vec<StatusCode> = tabs.iter().map(|tab| tab.page.status).collect();
    assert_eq!(tabs.iter().filter(to_service).count(), 1, "{statuses:?}");
    let trail = idp.trail_of(&kari).await?;
    let by_app = |details: &serde_json::Map<String, Value>| details.get("amr") == Some(&json!("Minid-APP"));
    assert_eq!(trail.iter().filter(|entry| entry.kind == "login" && by_app(&entry.details)).count(), 1);
    Ok(())
}

#[tokio::test]
async fn an_answer_comes_within_three_minutes_or_not_at_all() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let number = number_on(&browser)?;
    let (id, statement) = telephone.sees(&idp).await?.context("a question")?;
    idp.advance(GOOD_FOR);
    assert_eq!(telephone.sees(&idp).await?, None);
    let signed = telephone.key.sign(&question(&statement, &number))?;
    assert_eq!(telephone.approve(&idp, &id, &number, &signed).await?.error()?, "gone");
    assert_eq!(telephone.decline(&idp, &id, &json!({})).await?.error()?, "gone");
    assert_eq!(heard(&browser).await?, "gone");
    assert!(!goes_on(&mut browser).await?);
    assert!(browser.shows("Tiden gikk ut før vi fikk svar fra appen"), "{}", browser.page.body);
    browser.answer(&[("do", "resend")]).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn the_same_page_asks_again_after_half_a_minute() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let (first, number) = (telephone.sees(&idp).await?, number_on(&browser)?);
    browser.answer(&[("do", "resend")]).await?;
    assert_eq!((telephone.sees(&idp).await?, number_on(&browser)?), (first.clone(), number.clone()), "not at once");
    idp.advance(AGAIN);
    browser.answer(&[("do", "resend")]).await?;
    let second = telephone.sees(&idp).await?;
    assert!(second.is_some() && second != first);
    // The old one is over.
    let (id, statement) = first.context("a question")?;
    let signed = telephone.key.sign(&question(&statement, &number))?;
    assert_eq!(telephone.approve(&idp, &id, &number, &signed).await?.error()?, "gone");
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn three_refusals_make_it_quiet_for_a_quarter_of_an_hour() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, telephone) = with_app(&idp, &client).await?;
    for _ in 0..3 {
        let mut browser = at_the_app(&idp, &client, &kari).await?;
        telephone.say_no(&idp, false).await?;
        assert_eq!(heard(&browser).await?, "declined");
        assert!(!goes_on(&mut browser).await?);
        assert!(browser.shows("Innloggingen ble avslått i MinID-appen"), "{}", browser.page.body);
    }
    for to in [&kari.phone, &kari.email] {
        idp.arrives(to, "tre innlogginger som ble avslått").await?;
    }
    assert_eq!(telephone.state(&idp).await?, "active");
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert!(browser.shows("Vi sender ikke varsel til MinID-appen din akkurat nå"), "{}", browser.page.body);
    assert!(!browser.page.body.contains("class=\"number\"") && telephone.sees(&idp).await?.is_none());
    // Nobody is shut out by it.
    browser.answer(&[("do", "method")]).await?.answer(&[("method", "otc")]).await?;
    let code = idp.last_code(&kari)?;
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    idp.advance(Duration::from_mins(15));
    at_the_app(&idp, &client, &kari).await?;
    let declined = idp.trail_of(&kari).await?.into_iter().filter(|entry| entry.kind == "app-declined").count();
    assert_eq!(declined, 3);
    Ok(())
}

#[tokio::test]
async fn an_approval_in_between_begins_the_count_anew() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    for round in ["no", "no", "yes", "no", "no"] {
        let mut browser = at_the_app(&idp, &client, &kari).await?;
        match round {
            "yes" => {
                assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
                assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
            }
            _ => telephone.say_no(&idp, false).await?,
        }
    }
    at_the_app(&idp, &client, &kari).await?;
    Ok(())
}

// Attack: whoever has the password asks until somebody gives in.
#[tokio::test]
async fn nobody_is_asked_more_than_ten_times_an_hour() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, telephone) = with_app(&idp, &client).await?;
    // The clock stands still, so that it is one hour.
    let mut asked = 0;
    for _ in 0..15 {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
        asked += usize::from(telephone.sees(&idp).await?.is_some());
        browser.answer(&[("do", "cancel")]).await?;
        assert_eq!(telephone.sees(&idp).await?, None);
    }
    assert_eq!(asked, 10);
    Ok(())
}

#[tokio::test]
async fn not_me_leaves_the_app_alone_until_there_is_another_password() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for at_first in [true, false] {
        let (kari, mut telephone) = with_app(&idp, &client).await?;
        let mut thief = at_the_app(&idp, &client, &kari).await?;
        if at_first {
            telephone.say_no(&idp, true).await?;
        } else {
            // It may be said a moment after the no.
            let (id, _) = telephone.sees(&idp).await?.context("a question")?;
            assert_eq!(telephone.decline(&idp, &id, &json!({})).await?.status, StatusCode::NO_CONTENT);
            assert_eq!(telephone.decline(&idp, &id, &json!({})).await?.error()?, "gone", "one no is enough");
            let said = telephone.decline(&idp, &id, &json!({ "not_me": true })).await?;
            assert_eq!(said.status, StatusCode::NO_CONTENT, "{}", said.body);
        }
        assert!(!goes_on(&mut thief).await?);
        assert_eq!(telephone.state(&idp).await?, "paused");
        for to in [&kari.phone, &kari.email] {
            let told = idp.arrives(to, "Appen er satt på pause").await?;
            assert!(told.text.contains("800 30 300"), "{told:?}");
        }
        let trail = idp.trail_of(&kari).await?;
        assert_eq!(trail.first().map(|entry| entry.kind.as_str()), Some("device-paused"));
        // With the password alone nobody wakes it again.
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
        assert!(browser.shows("Skriv inn koden fra SMS-en"), "{}", browser.page.body);
        assert_eq!(telephone.sees(&idp).await?, None);
        browser.answer(&[("do", "method")]).await?.answer(&[("method", "app")]).await?;
        assert!(!browser.page.body.contains("class=\"number\""), "{}", browser.page.body);
        browser.answer(&[("method", "otc")]).await?;
        let code = idp.last_code(&kari)?;
        browser.answer(&[("do", "next"), ("code", &code)]).await?;
        assert!(browser.shows("Velg nytt passord") && browser.sent_back("code").is_err(), "{}", browser.page.body);
        assert!(!browser.cookies.contains_key("__Host-porten-session"), "nobody is in before that");
        assert_eq!(telephone.state(&idp).await?, "paused");
        browser.answer(&[("do", "next"), ("password", NEW_PASSWORD), ("repeat", NEW_PASSWORD)]).await?;
        assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
        assert_eq!(telephone.state(&idp).await?, "active");
        let new = TestPerson { password: NEW_PASSWORD.to_owned(), ..kari.clone() };
        let mut browser = at_the_app(&idp, &client, &new).await?;
        assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
        assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
        let mut thief = idp.browser();
        thief.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
        assert!(thief.shows("Fødselsnummeret eller passordet er feil"), "{}", thief.page.body);
    }
    Ok(())
}

// Attack: a second question while the first one waits, so that the wrong one is answered.
#[tokio::test]
async fn one_page_asks_at_a_time() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for leaves_by in ["method", "cancel", "time"] {
        let (kari, mut telephone) = with_app(&idp, &client).await?;
        let mut first = at_the_app(&idp, &client, &kari).await?;
        let waiting = telephone.sees(&idp).await?;
        let mut second = idp.browser();
        second.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
        assert!(second.shows("En annen innlogging venter på svar i MinID-appen"), "{}", second.page.body);
        assert!(!second.page.body.contains("class=\"number\""));
        idp.advance(AGAIN);
        second.answer(&[("do", "resend")]).await?;
        assert!(second.shows("En annen innlogging venter på svar"), "{}", second.page.body);
        assert_eq!(telephone.sees(&idp).await?, waiting, "{leaves_by}");
        match leaves_by {
            "method" => {
                first.answer(&[("do", "method")]).await?;
                assert_eq!(telephone.sees(&idp).await?, waiting, "a look at the list is no harm");
                first.answer(&[("method", "otc")]).await?;
                assert!(first.shows("Skriv inn koden fra SMS-en"), "{}", first.page.body);
            }
            "cancel" => {
                first.answer(&[("do", "cancel")]).await?;
                assert_eq!(first.sent_back("error")?, "access_denied");
            }
            _ => idp.advance(GOOD_FOR),
        }
        assert_eq!(telephone.sees(&idp).await?, None, "{leaves_by}");
        second.answer(&[("do", "resend")]).await?;
        assert_eq!(telephone.say_yes(&idp, &number_on(&second)?).await?.status, StatusCode::NO_CONTENT, "{leaves_by}");
        assert!(goes_on(&mut second).await?, "{}", second.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn whoever_goes_back_to_the_same_question_is_not_asked_twice() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let (waiting, number) = (telephone.sees(&idp).await?, number_on(&browser)?);
    browser.answer(&[("do", "method")]).await?.answer(&[("method", "app")]).await?;
    assert_eq!((telephone.sees(&idp).await?, number_on(&browser)?), (waiting, number.clone()));
    assert_eq!(telephone.say_yes(&idp, &number).await?.status, StatusCode::NO_CONTENT);
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn choosing_another_eid_takes_the_question_back() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    browser.answer(&[("do", "method")]).await?.answer(&[("do", "eid")]).await?;
    assert!(browser.shows("Velg innloggingsmetode"), "{}", browser.page.body);
    assert_eq!(telephone.sees(&idp).await?, None, "nobody waits for it any more");
    at_the_app(&idp, &client, &kari).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_logins_at_the_same_instant_one_asks() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, telephone) = with_app(&idp, &client).await?;
    let mut browsers = Vec::new();
    for _ in 0..50 {
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.answer(&[("eid", "minid")]).await?;
        browsers.push(browser);
    }
    let given = join_all(browsers.iter_mut().map(|browser| browser.give_password(&kari))).await;
    assert!(given.into_iter().all(|given| given.is_ok()));
    let asking = browsers.iter().filter(|browser| browser.page.body.contains("class=\"number\"")).count();
    let busy = browsers.iter().filter(|browser| browser.shows("En annen innlogging venter på svar")).count();
    // Passwords at the same instant may use up the lane of strangers, and then they are wrong like any other.
    assert_eq!(asking, 1, "{busy} were busy");
    assert!(telephone.sees(&idp).await?.is_some());
    Ok(())
}

// Attack: whoever has the password waits until its owner approves a login of their own.
#[tokio::test]
async fn no_login_goes_on_with_the_approval_of_another() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut own = at_the_app(&idp, &client, &kari).await?;
    let asked = own.between("name=\"asked\" value=\"", "\"")?;
    let mut thief = idp.browser();
    thief.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&own)?).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(heard(&thief).await?, "gone");
    thief.answer(&[("do", "next"), ("asked", &asked)]).await?;
    assert!(thief.sent_back("code").is_err() && !thief.cookies.contains_key("__Host-porten-session"));
    // Nor by the address of its login, in another browser.
    let mut planted = idp.browser();
    planted.get("/app").await?;
    planted.get(&own.action()?).await?;
    assert_eq!(planted.page.status, StatusCode::FORBIDDEN);
    planted.post(&own.action()?, &[("csrf", &own.csrf()?), ("do", "next"), ("asked", &asked)]).await?;
    assert_eq!(planted.page.status, StatusCode::FORBIDDEN);
    planted.get(&format!("{}/wait", own.action()?)).await?;
    assert_eq!(planted.page.status, StatusCode::FORBIDDEN);
    assert!(goes_on(&mut own).await?, "{}", own.page.body);
    Ok(())
}

#[tokio::test]
async fn a_telephone_that_was_removed_is_out_at_once() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    profile.get("/profil/innlogging").await?;
    let id = telephone.id(&idp).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let (question_now, number) = (telephone.sees(&idp).await?.context("a question")?, number_on(&browser)?);
    let seen = format!("/app/api/requests?seen={}", question_now.0);
    let waiting = timeout(Duration::from_secs(5), call(&idp, (Method::GET, &seen), &telephone.token, None));
    let removing = async {
        sleep(Duration::from_millis(100)).await;
        profile.answer(&[("do", "remove"), ("kind", "app"), ("id", &id)]).await?;
        anyhow::Ok(())
    };
    let (waited, removed) = tokio::join!(waiting, removing);
    removed?;
    assert_eq!(profile.at, "/profil/innlogging?sagt=fjernet", "{}", profile.page.body);
    assert_eq!(waited.context("it still waits")??.status, StatusCode::UNAUTHORIZED);
    let signed = telephone.key.sign(&question(&question_now.1, &number))?;
    let answer = telephone.approve(&idp, &question_now.0, &number, &signed).await?;
    assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    for (method, path) in [(Method::GET, DEVICE), (Method::DELETE, DEVICE), (Method::DELETE, "/app/api/device/push")] {
        let answer = call(&idp, (method, path), &telephone.token, None).await?;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert!(!goes_on(&mut browser).await?);
    idp.arrives(&kari.email, "En innloggingsmetode er fjernet: MinID-appen").await?;
    let mut next = idp.browser();
    next.get(&idp.authorize(&client, &[])).await?.give_password(&kari).await?;
    assert!(next.shows("Skriv inn koden fra SMS-en"), "{}", next.page.body);
    Ok(())
}

// Attack: approved, and removed before the page goes on.
#[tokio::test]
async fn the_yes_of_a_telephone_that_is_no_longer_theirs_is_none() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(telephone.give_up(&idp).await?.status, StatusCode::NO_CONTENT);
    assert!(!goes_on(&mut browser).await? && !browser.cookies.contains_key("__Host-porten-session"));
    assert_eq!(devices(&idp, &kari).await?, 0);
    let trail = idp.trail_of(&kari).await?;
    assert_eq!(trail.first().map(|entry| entry.kind.as_str()), Some("factor-removed"));
    idp.arrives(&kari.phone, "En innloggingsmetode er fjernet: MinID-appen").await?;
    Ok(())
}

// Attack: whoever has got hold of the token has not got hold of the key.
#[tokio::test]
async fn only_a_signature_that_says_so_removes_a_telephone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let (_, mut other) = with_app(&idp, &client).await?;
    let is_refused = async |answer: Answer, status: StatusCode, error: &str| -> anyhow::Result<()> {
        assert_eq!((answer.status, answer.error()?.as_str()), (status, error));
        assert_eq!(devices(&idp, &kari).await?, 1);
        Ok(())
    };
    // Nothing that was signed before it was asked for, no token alone, and nobody else's key.
    let early = telephone.key.sign(&challenge("{}"))?;
    is_refused(telephone.leave(&idp, &early).await?, StatusCode::NOT_FOUND, "gone").await?;
    let bare = call(&idp, (Method::DELETE, DEVICE), &telephone.token, None).await?;
    assert!(bare.status.is_client_error() && devices(&idp, &kari).await? == 1, "{}", bare.status);
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    for attack in ["other text", "other key", "with a number", "nonsense"] {
        let words = telephone.removal(&idp).await?;
        let signed = match attack {
            "other text" => telephone.key.sign(&challenge(&format!("{words} ")))?,
            "other key" => other.key.sign(&challenge(&words))?,
            "with a number" => telephone.key.sign(&question(&words, "42"))?,
            _ => "{}".to_owned(),
        };
        is_refused(telephone.leave(&idp, &signed).await?, unprocessable, "invalid_signature").await?;
        // Each text is good once, whatever has come with it.
        let signed = telephone.key.sign(&challenge(&words))?;
        is_refused(telephone.leave(&idp, &signed).await?, StatusCode::NOT_FOUND, "gone").await?;
    }
    // Nor one that was asked for too long ago, nor the one before.
    let words = telephone.removal(&idp).await?;
    idp.advance(Duration::from_mins(5));
    let signed = telephone.key.sign(&challenge(&words))?;
    is_refused(telephone.leave(&idp, &signed).await?, StatusCode::NOT_FOUND, "gone").await?;
    let before = telephone.removal(&idp).await?;
    let words = telephone.removal(&idp).await?;
    let signed = telephone.key.sign(&challenge(&before))?;
    is_refused(telephone.leave(&idp, &signed).await?, unprocessable, "invalid_signature").await?;
    assert!(words.contains("\"purpose\":\"remove_device\""), "{words}");
    // And no approval is given by it.
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let (id, _) = telephone.sees(&idp).await?.context("a question")?;
    let signed = telephone.key.sign(&challenge(&telephone.removal(&idp).await?))?;
    let answer = telephone.approve(&idp, &id, &number_on(&browser)?, &signed).await?;
    assert_eq!(answer.error()?, "invalid_signature");
    browser.answer(&[("do", "cancel")]).await?;

    assert_eq!(telephone.give_up(&idp).await?.status, StatusCode::NO_CONTENT);
    assert_eq!(devices(&idp, &kari).await?, 0);
    for to in [&kari.phone, &kari.email] {
        idp.arrives(to, "En innloggingsmetode er fjernet: MinID-appen").await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_last_way_to_log_in_stays() -> anyhow::Result<()> {
    let retired = vec![Retired { kind: FactorKind::Otc, from: "2020-01-01".parse()? }];
    let idp = TestIdp::with(|setup| setup.minid = Minid { retired, ..Minid::default() }).await?;
    let client = idp.client().await?;
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    let answer = telephone.give_up(&idp).await?;
    assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::CONFLICT, "last_factor"));
    assert_eq!(devices(&idp, &kari).await?, 1);
    Ok(())
}

#[tokio::test]
async fn an_invitation_is_short_enough_to_be_typed() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let code = invite(&mut profile).await?;
    let typed = profile.between("id=\"typed\">", "<")?;
    assert_eq!((typed.replace(' ', ""), typed.len()), (code, 14));
    // In any case, and with what people take the letters for.
    let misread = typed.to_lowercase().replace('l', "1").replace('d', "o");
    let (telephone, number) = Telephone::come(&idp, &misread, "Telefonen").await?;
    assert!(type_number(&mut profile, &number).await?, "{}", profile.page.body);
    assert_eq!(telephone.state(&idp).await?, "active");
    let again = call(&idp, (Method::POST, BEGIN), "", Some(&json!({ "code": typed }))).await?;
    assert_eq!(again.error()?, "gone");
    Ok(())
}

/// The size of a PNG (W3C PNG, 11.2.2), where it is one.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(rest.get(at..at + 4)?.try_into().ok()?));
    Some((number(0)?, number(4)?))
}

#[tokio::test]
async fn the_app_can_be_installed() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fetch = async |path: &str| -> anyhow::Result<Response<Body>> {
        let request = Request::builder().uri(path).body(Body::empty())?;
        Ok(tower::ServiceExt::oneshot(idp.router(), request).await?)
    };
    let answer = idp.send(Request::builder().uri("/app/manifest.webmanifest").body(Body::empty())?).await?;
    assert_eq!(answer.header("content-type"), Some("application/manifest+json"));
    let manifest = answer.json()?;
    for (field, value) in [
        ("id", "/app"),
        ("name", "MinID"),
        ("short_name", "MinID"),
        ("start_url", "/app"),
        ("scope", "/app"),
        ("display", "standalone"),
        ("lang", "nb"),
    ] {
        assert_eq!(manifest[field], value, "{field}");
    }
    let mut sizes = Vec::new();
    for icon in manifest["icons"].as_array().context("no icons")? {
        let answer = fetch(&text(icon, "src")?).await?;
        let (status, kind) = (answer.status(), answer.headers()[header::CONTENT_TYPE].clone());
        assert_eq!((status, kind.to_str()?), (StatusCode::OK, text(icon, "type")?.as_str()), "{icon}");
        let bytes = axum::body::to_bytes(answer.into_body(), 100_000).await?;
        if let Some((width, height)) = png_size(&bytes) {
            assert_eq!(text(icon, "sizes")?, format!("{width}x{height}"), "{icon}");
            sizes.push((width, text(icon, "purpose")?));
        }
    }
    assert_eq!(sizes, [(192, "any".to_owned()), (512, "any".to_owned()), (512, "maskable".to_owned())]);
    let mut browser = idp.browser();
    browser.get("/app").await?;
    let icon = browser.between("<link rel=\"apple-touch-icon\" sizes=\"180x180\" href=\"", "\"")?;
    let answer = fetch(&icon).await?;
    assert_eq!(png_size(&axum::body::to_bytes(answer.into_body(), 100_000).await?), Some((180, 180)));
    // The camera is for this page alone.
    let policy = |browser: &Browser| browser.page.header("permissions-policy").map(str::to_owned);
    assert_eq!(policy(&browser).as_deref(), Some("camera=(self), geolocation=(), microphone=()"));
    browser.get("/").await?;
    assert_eq!(policy(&browser).as_deref(), Some("camera=(), geolocation=(), microphone=()"));
    Ok(())
}

// Attack: whatever a machine can send.
#[tokio::test]
async fn nonsense_is_answered_clearly() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let (_, telephone) = with_app(&idp, &client).await?;
    let (approve, decline) = ("/app/api/requests/x/approve", "/app/api/requests/x/decline");
    let places = [
        (Method::POST, BEGIN),
        (Method::POST, FINISH),
        (Method::POST, approve),
        (Method::POST, decline),
        (Method::PUT, "/app/api/device/push"),
    ];
    let send = async |method: &Method, path: &str, kind: &str, body: Vec<u8>| {
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, kind);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", telephone.token));
        idp.send(request.body(Body::from(body))?).await
    };
    let bodies: [Vec<u8>; 10] = [
        Vec::new(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"\"x\"".to_vec(),
        b"7".to_vec(),
        b"\xff\xfe".to_vec(),
        b"{\"code\":1,\"number\":1,\"not_me\":\"yes\",\"kind\":\"pigeon\"}".to_vec(),
        b"{\"more\":true}".to_vec(),
        "[".repeat(20_000).into_bytes(),
        format!("{{\"code\":\"{}\"}}", "x".repeat(70_000)).into_bytes(),
    ];
    for (method, path) in &places {
        for body in &bodies {
            let start = String::from_utf8_lossy(body).chars().take(30).collect::<String>();
            let answer = send(method, path, "application/json", body.clone()).await?;
            assert!(answer.status.is_client_error(), "{path} {start}: {} {}", answer.status, answer.body);
            assert_eq!(answer.error()?, "invalid_request", "{path} {start}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{path} {start}");
        }
        for kind in ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let answer = send(method, path, kind, b"{}".to_vec()).await?;
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {kind}");
            assert_eq!(answer.error()?, "invalid_request", "{path} {kind}");
        }
        let answer = call(&idp, (Method::PATCH, path), &telephone.token, Some(&json!({}))).await?;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    // Names of questions that nobody has asked.
    for id in ["x", "%00", "%2e%2e%2f", &"x".repeat(5000), "%F0%9F%A6%86"] {
        let answer = telephone.decline(&idp, id, &json!({})).await?;
        assert!(answer.status.is_client_error(), "{id}: {}", answer.status);
        let answer = telephone.approve(&idp, id, "12", "{}").await?;
        assert!(answer.status.is_client_error(), "{id}: {}", answer.status);
    }
    let unknown = TokenHash::of("x").as_str().to_owned();
    let long = format!("Bearer {}", "x".repeat(5000));
    for given in ["", "Bearer", "Bearer ", "Basic eDp4", "bearer x", &format!("Bearer {unknown}"), &long] {
        for path in [DEVICE, REQUESTS] {
            let request = Request::get(path).header(header::AUTHORIZATION, given);
            let answer = idp.send(request.body(Body::empty())?).await?;
            let told = (answer.status, answer.error()?);
            assert_eq!(told, (StatusCode::UNAUTHORIZED, "invalid_token".to_owned()), "{given}");
        }
    }
    assert_eq!(telephone.state(&idp).await?, "active");
    Ok(())
}

// Attack: a key that was not made here, or not unlocked, or by another page.
#[tokio::test]
async fn a_key_is_made_for_this_page_and_this_invitation() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let begin = async |code: String| {
        let body = json!({ "code": code });
        call(&idp, (Method::POST, BEGIN), "", Some(&body)).await?.json()
    };
    let finish = async |token: &str, answer: &str| {
        let made = json!({ "credential": serde_json::from_str::<Value>(answer)?, "name": "x", "system": "x" });
        call(&idp, (Method::POST, FINISH), token, Some(&made)).await
    };
    let (one, two) = (begin(invite(&mut profile).await?).await?, begin(invite(&mut profile).await?).await?);
    let (token, options) = (text(&one, "token")?, one["options"].to_string());
    let elsewhere = Passkey::make(&options, "https://evil.test")?.1;
    let of_another = Passkey::make(&two["options"].to_string(), ISSUER)?.1;
    for wrong in [elsewhere.as_str(), &of_another, "{}", "null"] {
        assert_eq!(finish(&token, wrong).await?.error()?, "invalid_credential");
    }
    let (_, right) = Passkey::make(&options, ISSUER)?;
    assert_eq!(finish("x", &right).await?.error()?, "invalid_credential", "a token that nobody has");
    assert_eq!(finish(&token, &right).await?.status, StatusCode::OK);
    assert_eq!(finish(&token, &right).await?.error()?, "invalid_credential", "once");
    Ok(())
}
