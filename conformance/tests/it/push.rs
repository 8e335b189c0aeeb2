//! Waking the MinID app: what goes out to push services, what they are told of anybody, and those that do not answer.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use authenticators::chance::{Chance, TokenHash};
use authenticators::push::apns::{Apns, Team};
use authenticators::push::fcm::Fcm;
use authenticators::push::web::{WebPush, fresh_key};
use authenticators::push::{Address, Push};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use aws_lc_rs::{aead, hkdf, rsa};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use conformance::idp::{Answer, TestIdp};
use conformance::program::install_tls;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::app::{Telephone, add_telephone, at_the_app, call, goes_on, number_on, with_app};

const ADDRESS: &str = "/app/api/device/push";
const CONTACT: &str = "mailto:drift@example.no";
/// A push has come by then, or it does not come.
const SOON: Duration = Duration::from_secs(5);
/// Of FCM and of APNs.
const TOKEN: &str = "token-of-a-telephone:0123456789";

/// What a push service has got.
#[derive(Clone)]
pub(crate) struct Arrived {
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Arrived {
    fn header(&self, name: &str) -> anyhow::Result<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).with_context(|| format!("no {name}"))
    }

    fn json(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// A push service on this machine.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) origin: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    /// The status that it answers with; 0 where it does not answer at all.
    status: Arc<AtomicU16>,
    reason: Arc<Mutex<String>>,
    /// What comes to `/held` is answered when this is told.
    released: Arc<Notify>,
}

impl Service {
    pub(crate) async fn start() -> anyhow::Result<Service> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let service = Service {
            origin: format!("http://{}", listener.local_addr()?),
            arrived: Arc::default(),
            status: Arc::new(AtomicU16::new(201)),
            reason: Arc::default(),
            released: Arc::default(),
        };
        let routes = Router::new().fallback(any(answer)).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(service)
    }

    fn answers(&self, status: u16, reason: &str) {
        self.status.store(status, Ordering::SeqCst);
        reason.clone_into(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn all(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What has come to addresses that begin so, when there are so many.
    pub(crate) async fn got(&self, path: &str, count: usize) -> anyhow::Result<Vec<Arrived>> {
        for _ in 0..500 {
            let mut all = self.all();
            all.retain(|arrived| arrived.path.starts_with(path));
            if all.len() >= count {
                return Ok(all);
            }
            sleep(SOON / 500).await;
        }
        Err(anyhow!("{} have come and not {count}", self.all().len()))
    }
}

async fn answer(State(service): State<Service>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    let arrived = Arrived { path: path.clone(), headers, body: body.to_vec() };
    service.arrived.lock().unwrap_or_else(PoisonError::into_inner).push(arrived);
    if path == "/token" {
        return axum::Json(json!({ "access_token": "an-access-token", "expires_in": 3600 })).into_response();
    }
    if path == "/held" {
        service.released.notified().await;
    }
    let status = service.status.load(Ordering::SeqCst);
    if status == 0 {
        std::future::pending::<()>().await;
    }
    let reason = service.reason.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    (status, axum::Json(json!({ "reason": reason }))).into_response()
}

/// A browser that lets itself be woken: its private key, and what it tells of itself.
pub(crate) struct Subscriber {
    key: PrivateKey,
    public: Vec<u8>,
    auth: [u8; 16],
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// RFC 5869
fn derive<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> anyhow::Result<[u8; N]> {
    let mut out = [0; N];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(N))?.fill(&mut out)?;
    Ok(out)
}

impl Subscriber {
    pub(crate) fn fresh() -> anyhow::Result<Subscriber> {
        let key = PrivateKey::generate(&ECDH_P256)?;
        let public = key.compute_public_key()?.as_ref().to_vec();
        Ok(Subscriber { key, public, auth: Chance::System.bytes()? })
    }

    /// `PushSubscription.toJSON()`, as the app sends it.
    pub(crate) fn address(&self, endpoint: &str) -> Value {
        let (p256dh, auth) = (URL_SAFE_NO_PAD.encode(&self.public), URL_SAFE_NO_PAD.encode(self.auth));
        json!({ "kind": "web", "endpoint": endpoint, "p256dh": p256dh, "auth": auth })
    }

    /// RFC 8291 3.4, RFC 8188 2, from the other side.
    fn open(&self, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let (salt, rest) = body.split_at_checked(16).context("no salt")?;
        let (record, rest) = rest.split_at_checked(4).context("no size of a record")?;
        let (length, rest) = rest.split_first().context("no length of a key")?;
        let (public, sealed) = rest.split_at_checked(usize::from(*length)).context("no key")?;
        let record = u32::from_be_bytes(record.try_into()?);
        ensure!(public.len() == 65 && sealed.len() <= usize::try_from(record)?, "one record of {record}");
        let theirs = UnparsedPublicKey::new(&ECDH_P256, public);
        let secret: [u8; 32] = agree(&self.key, theirs, anyhow!("no key on the curve"), |shared| {
            derive(&self.auth, shared, &[b"WebPush: info\0", &self.public, public])
        })?;
        let key: [u8; 16] = derive(salt, &secret, &[b"Content-Encoding: aes128gcm\0"])?;
        let nonce: [u8; 12] = derive(salt, &secret, &[b"Content-Encoding: nonce\0"])?;
        let cipher = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key)?);
        let mut words = sealed.to_vec();
        let opened =
            cipher.open_in_place(aead::Nonce::assume_unique_for_key(nonce), aead::Aad::empty(), &mut words)?.to_vec();
        let end = opened.iter().rposition(|byte| *byte != 0).context("nothing but padding")?;
        ensure!(opened[end] == 2, "the delimiter of the last record");
        Ok(opened[..end].to_vec())
    }
}

/// A way to browsers whose push services are on this machine.
fn web_push() -> anyhow::Result<WebPush> {
    WebPush::new(&fresh_key()?, CONTACT.to_owned(), vec!["127.0.0.1".to_owned()])
}

pub(crate) async fn start() -> anyhow::Result<TestIdp> {
    let web = Some(web_push()?);
    TestIdp::with(|setup| setup.push = Push { web, ..Push::default() }).await
}

/// For services on this machine, which speak no TLS.
fn http() -> anyhow::Result<reqwest::Client> {
    install_tls();
    Ok(reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?)
}

/// Where the app lets itself be woken from now on.
pub(crate) async fn subscribe(idp: &TestIdp, telephone: &Telephone, address: &Value) -> anyhow::Result<Answer> {
    call(idp, (Method::PUT, ADDRESS), &telephone.token, Some(address)).await
}

async fn is_woken(idp: &TestIdp, telephone: &Telephone) -> anyhow::Result<bool> {
    telephone.told(idp).await?.json()?["push"].as_bool().context("true or false")
}

async fn is_forgotten_soon(idp: &TestIdp, telephone: &Telephone) -> anyhow::Result<bool> {
    for _ in 0..500 {
        if !is_woken(idp, telephone).await? {
            return Ok(true);
        }
        sleep(SOON / 500).await;
    }
    Ok(false)
}

/// The header and the claims of a JWT, and what was signed, with the signature.
fn parts(jwt: &str) -> anyhow::Result<(Value, Value, String, Vec<u8>)> {
    let (message, signature) = jwt.rsplit_once('.').context("no signature")?;
    let (header, claims) = message.split_once('.').context("no claims")?;
    let read = |part: &str| -> anyhow::Result<Value> { Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?) };
    Ok((read(header)?, read(claims)?, message.to_owned(), URL_SAFE_NO_PAD.decode(signature)?))
}

#[tokio::test]
async fn a_browser_is_woken_with_what_only_it_can_read() -> anyhow::Result<()> {
    let idp = start().await?;
    let (service, client, subscriber) = (Service::start().await?, idp.client().await?, Subscriber::fresh()?);
    let (kari, mut telephone) = with_app(&idp, &client).await?;
    assert!(!is_woken(&idp, &telephone).await?);
    let address = subscriber.address(&format!("{}/own/of-kari", service.origin));
    assert_eq!(subscribe(&idp, &telephone, &address).await?.status, StatusCode::NO_CONTENT);
    assert!(is_woken(&idp, &telephone).await?);
    let mut browser = at_the_app(&idp, &client, &kari).await?;
    let push = service.got("/own/of-kari", 1).await?.remove(0);
    assert_eq!((push.header("content-encoding")?, push.header("urgency")?), ("aes128gcm", "high"));
    assert_eq!(push.header("ttl")?, "180", "no longer than the question is good");
    // RFC 8292: who sends it, and to whom.
    let told = push.header("authorization")?.strip_prefix("vapid t=").context("vapid")?;
    let (jwt, key) = told.split_once(", k=").context("a key")?;
    assert_eq!(telephone.told(&idp).await?.json()?["push_key"], key, "the key that the browser was told");
    let (header, claims, message, signed) = parts(jwt)?;
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("JWT")));
    let public = signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, URL_SAFE_NO_PAD.decode(key)?);
    public.verify(message.as_bytes(), &signed).map_err(|_| anyhow!("somebody else has signed"))?;
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!(service.origin), &json!(CONTACT)));
    let ends_in = claims["exp"].as_i64().unwrap_or(0) - idp.now().seconds();
    assert!((1..=86_400).contains(&ends_in), "{ends_in}");
    // RFC 8291: the words, which tell nothing of anybody.
    let words: Value = serde_json::from_slice(&subscriber.open(&push.body)?)?;
    let (id, _) = telephone.sees(&idp).await?.context("a question")?;
    assert_eq!(words, json!({ "kind": "request", "id": id }));
    assert!(Subscriber::fresh()?.open(&push.body).is_err(), "nobody else reads it");
    let all = format!("{:?} {}", push.headers, String::from_utf8_lossy(&push.body));
    for secret in [&kari.fnr, &kari.phone, &kari.email, &id, &telephone.token] {
        assert!(!all.contains(secret.as_str()), "{secret}");
    }
    assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
    assert!(goes_on(&mut browser).await?, "{}", browser.page.body);
    // Each is sealed anew.
    idp.advance(Duration::from_secs(31));
    at_the_app(&idp, &client, &kari).await?;
    let both = service.got("/own/of-kari", 2).await?;
    assert!(both.len() == 2 && both[0].body[..16] != both[1].body[..16], "another salt");
    assert!(both[0].body[21..86] != both[1].body[21..86], "and another key");
    // One about another password is not announced as a login.
    let mut stranger = idp.browser();
    stranger.get(&idp.authorize(&client, &[])).await?.answer(&[("eid", "minid")]).await?;
    stranger.answer(&[("do", "forgot"), ("fnr", &kari.fnr)]).await?;
    idp.advance(Duration::from_mins(3));
    stranger.answer(&[("do", "app"), ("fnr", &kari.fnr)]).await?;
    let third = service.got("/own/of-kari", 3).await?.remove(2);
    let words: Value = serde_json::from_slice(&subscriber.open(&third.body)?)?;
    assert_eq!(words["kind"], "new_password");
    // And whoever does not want it any more is left alone.
    let answer = call(&idp, (Method::DELETE, ADDRESS), &telephone.token, None).await?;
    assert_eq!((answer.status, is_woken(&idp, &telephone).await?), (StatusCode::NO_CONTENT, false));
    Ok(())
}

#[tokio::test]
async fn every_telephone_is_woken_and_nobody_elses() -> anyhow::Result<()> {
    let idp = start().await?;
    let (service, client) = (Service::start().await?, idp.client().await?);
    let (kari, first) = with_app(&idp, &client).await?;
    let (_, others) = with_app(&idp, &client).await?;
    let mut profile = idp.by_test_id(&client, &kari, "substantial").await?;
    let mut second = add_telephone(&idp, &mut profile, "Nettbrettet").await?;
    for (telephone, path) in [(&first, "first"), (&second, "second"), (&others, "others")] {
        let address = Subscriber::fresh()?.address(&format!("{}/{path}", service.origin));
        assert_eq!(subscribe(&idp, telephone, &address).await?.status, StatusCode::NO_CONTENT);
    }
    at_the_app(&idp, &client, &kari).await?;
    service.got("/first", 1).await?;
    service.got("/second", 1).await?;
    assert!(service.all().iter().all(|arrived| arrived.path != "/others"));
    // A telephone that is gone is woken no more, and one that is left alone neither.
    assert_eq!(second.give_up(&idp).await?.status, StatusCode::NO_CONTENT);
    idp.advance(Duration::from_mins(4));
    at_the_app(&idp, &client, &kari).await?;
    service.got("/first", 2).await?;
    assert_eq!(service.all().len(), 3);
    Ok(())
}

#[tokio::test]
async fn an_address_that_is_over_is_forgotten() -> anyhow::Result<()> {
    let idp = start().await?;
    let (service, client, subscriber) = (Service::start().await?, idp.client().await?, Subscriber::fresh()?);
    for (status, is_over) in [(404, true), (410, true), (400, false), (413, false), (429, false), (500, false)] {
        let (kari, mut telephone) = with_app(&idp, &client).await?;
        let path = format!("/answers-{status}");
        let address = subscriber.address(&format!("{}{path}", service.origin));
        assert_eq!(subscribe(&idp, &telephone, &address).await?.status, StatusCode::NO_CONTENT);
        service.answers(status, "");
        let mut browser = at_the_app(&idp, &client, &kari).await?;
        service.got(&path, 1).await?;
        match is_over {
            true => assert!(is_forgotten_soon(&idp, &telephone).await?, "{status}"),
            false => {
                idp.app.world.tasks.settle().await;
                assert!(is_woken(&idp, &telephone).await?, "{status}");
            }
        }
        // The open app hears of it by itself.
        assert_eq!(telephone.say_yes(&idp, &number_on(&browser)?).await?.status, StatusCode::NO_CONTENT);
        assert!(goes_on(&mut browser).await?, "{status}: {}", browser.page.body);
    }
    Ok(())
}

// A slow service answers that an address is over which the app has given up meanwhile.
#[tokio::test]
async fn a_new_address_is_not_forgotten_for_the_old_one() -> anyhow::Result<()> {
    let idp = start().await?;
    let (service, client, subscriber) = (Service::start().await?, idp.client().await?, Subscriber::fresh()?);
    let (kari, telephone) = with_app(&idp, &client).await?;
    let old = subscriber.address(&format!("{}/held", service.origin));
    assert_eq!(subscribe(&idp, &telephone, &old).await?.status, StatusCode::NO_CONTENT);
    at_the_app(&idp, &client, &kari).await?;
    service.got("/held", 1).await?;
    let new = subscriber.address(&format!("{}/new", service.origin));
    assert_eq!(subscribe(&idp, &telephone, &new).await?.status, StatusCode::NO_CONTENT);
    service.answers(410, "");
    service.released.notify_one();
    idp.app.world.tasks.settle().await;
    assert!(is_woken(&idp, &telephone).await?);
    Ok(())
}

#[tokio::test]
async fn a_service_that_does_not_answer_delays_nobody() -> anyhow::Result<()> {
    let idp = start().await?;
    let (service, client, subscriber) = (Service::start().await?, idp.client().await?, Subscriber::fresh()?);
    service.answers(0, "");
    let nobody = format!("http://127.0.0.1:{}/x", conformance::program::free_port()?);
    for endpoint in [format!("{}/slow", service.origin), nobody] {
        let (kari, mut telephone) = with_app(&idp, &client).await?;
        let address = subscriber.address(&endpoint);
        assert_eq!(subscribe(&idp, &telephone, &address).await?.status, StatusCode::NO_CONTENT);
        let login = async {
            let mut browser = at_the_app(&idp, &client, &kari).await?;
            let answer = telephone.say_yes(&idp, &number_on(&browser)?).await?;
            ensure!(answer.status == StatusCode::NO_CONTENT, "{}", answer.body);
            ensure!(goes_on(&mut browser).await?, "{}", browser.page.body);
            anyhow::Ok(())
        };
        timeout(Duration::from_secs(4), login).await.context("it waits for the push service")??;
        assert!(is_woken(&idp, &telephone).await?, "and is tried the next time");
    }
    Ok(())
}

// Attack: we are made to call somebody by the address that a device names.
#[tokio::test]
async fn only_push_services_of_browsers_are_called() -> anyhow::Result<()> {
    let idp = start().await?;
    let (service, client, subscriber) = (Service::start().await?, idp.client().await?, Subscriber::fresh()?);
    let (kari, telephone) = with_app(&idp, &client).await?;
    let port = service.origin.rsplit(':').next().unwrap_or_default().to_owned();
    for endpoint in [
        "https://evil.test/x".to_owned(),
        format!("http://localhost:{port}/x"),
        format!("http://127.0.0.1.evil.test:{port}/x"),
        format!("http://evil127.0.0.1:{port}/x"),
        format!("http://[::1]:{port}/x"),
        format!("http://127.0.0.2:{port}/x"),
        format!("http://user@127.0.0.1:{port}/x"),
        format!("http://user:word@127.0.0.1:{port}/x"),
        format!("http://169.254.169.254/latest#127.0.0.1:{port}"),
        "http://10.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "data:text/plain,x".to_owned(),
        format!("{}/{}", service.origin, "x".repeat(2048)),
        "x".to_owned(),
        String::new(),
    ] {
        let answer = subscribe(&idp, &telephone, &subscriber.address(&endpoint)).await?;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{endpoint}: {}", answer.body);
        let error = answer.error()?;
        assert!(["invalid_address", "invalid_request"].contains(&error.as_str()), "{endpoint}: {error}");
    }
    let endpoint = format!("{}/x", service.origin);
    let right = subscriber.address(&endpoint);
    for (name, value) in [
        ("p256dh", json!("")),
        ("p256dh", json!("AAAA")),
        ("p256dh", json!("!")),
        ("auth", json!("AAAA")),
        ("auth", json!("BTBZMqHH6r4Tts7J_aSIgg==")),
        ("more", json!(true)),
    ] {
        let mut wrong = right.clone();
        wrong[name] = value.clone();
        let answer = subscribe(&idp, &telephone, &wrong).await?;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {value}: {}", answer.body);
    }
    for other in [json!({ "kind": "fcm", "token": TOKEN }), json!({ "kind": "apns", "token": TOKEN })] {
        let answer = subscribe(&idp, &telephone, &other).await?;
        assert_eq!((answer.status, answer.error()?.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_address"));
    }
    assert!(!is_woken(&idp, &telephone).await?);
    // A key that is no point on the curve keeps nobody from logging in.
    let mut off = right.clone();
    off["p256dh"] = json!(URL_SAFE_NO_PAD.encode([&[4_u8][..], &[1; 64]].concat()));
    let answer = subscribe(&idp, &telephone, &off).await?;
    assert!(answer.status == StatusCode::NO_CONTENT, "{} {}", answer.status, answer.body);
    at_the_app(&idp, &client, &kari).await?;
    assert!(service.all().is_empty());
    // Nor does another's token change anything, and without a way out nothing is taken.
    let stranger = call(&idp, (Method::PUT, ADDRESS), TokenHash::of("x").as_str(), Some(&right)).await?;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let plain = TestIdp::start().await?;
    let client = plain.client().await?;
    let (_, telephone) = with_app(&plain, &client).await?;
    assert_eq!(subscribe(&plain, &telephone, &right).await?.error()?, "invalid_address");
    Ok(())
}

#[test]
fn an_address_is_written_and_read_the_same_way() -> anyhow::Result<()> {
    let subscriber = Subscriber::fresh()?;
    let all = [
        subscriber.address("https://fcm.googleapis.com/fcm/send/x"),
        json!({ "kind": "fcm", "token": TOKEN }),
        json!({ "kind": "apns", "token": TOKEN }),
    ];
    for told in all {
        let read: Address = serde_json::from_value(told.clone())?;
        assert_eq!(serde_json::to_value(&read)?, told);
    }
    Ok(())
}

#[tokio::test]
async fn firebase_is_called_with_a_token_that_its_account_has_bought() -> anyhow::Result<()> {
    let service = Service::start().await?;
    let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048)?;
    let pem = AsDer::<Pkcs8V1Der<'_>>::as_der(&key)?;
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pem.as_ref()));
    let account = json!({
        "type": "service_account", "project_id": "porten", "client_email": "porten@example.iam", "private_key": pem,
        "token_uri": format!("{}/token", service.origin),
    });
    let fcm = Some(Fcm::new(&account.to_string(), Url::parse(&service.origin)?, http()?)?);
    let idp = TestIdp::with(|setup| setup.push = Push { fcm, ..Push::default() }).await?;
    let client = idp.client().await?;
    let (kari, telephone) = with_app(&idp, &client).await?;
    for wrong in ["", "short", "with a space in it 0123456789", &"x".repeat(5000), "../../../../v1/x/0123456789"] {
        let answer = subscribe(&idp, &telephone, &json!({ "kind": "fcm", "token": wrong })).await?;
        assert_eq!(answer.error()?, "invalid_address", "{wrong}");
    }
    let address = json!({ "kind": "fcm", "token": TOKEN });
    assert_eq!(subscribe(&idp, &telephone, &address).await?.status, StatusCode::NO_CONTENT);
    service.answers(200, "");
    at_the_app(&idp, &client, &kari).await?;
    let path = "/v1/projects/porten/messages:send";
    let push = service.got(path, 1).await?.remove(0);
    assert_eq!(push.header("authorization")?, "Bearer an-access-token");
    let message = push.json()?["message"].clone();
    let (id, _) = telephone.sees(&idp).await?.context("a question")?;
    let words: Value = serde_json::from_str(message["data"]["message"].as_str().context("words")?)?;
    assert_eq!((&message["token"], words), (&json!(TOKEN), json!({ "kind": "request", "id": id })));
    assert_eq!(message["android"], json!({ "priority": "HIGH", "ttl": "180s" }));
    assert!(!push.json()?.to_string().contains(&kari.fnr));
    // How the token was bought (RFC 7523 2.1).
    let bought = service.got("/token", 1).await?.remove(0);
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&bought.body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(field("grant_type"), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    let (header, claims, signed, mark) = parts(field("assertion").context("an assertion")?)?;
    assert_eq!((&header["alg"], &claims["iss"]), (&json!("RS256"), &json!("porten@example.iam")));
    assert_eq!(claims["aud"], json!(format!("{}/token", service.origin)));
    let public = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    public.verify(signed.as_bytes(), &mark).map_err(|_| anyhow!("somebody else has signed"))?;
    // It is good for an hour, and no other is bought before.
    idp.advance(Duration::from_mins(30));
    at_the_app(&idp, &client, &kari).await?;
    service.got(path, 2).await?;
    assert_eq!(service.got("/token", 1).await?.len(), 1);
    idp.advance(Duration::from_mins(29));
    at_the_app(&idp, &client, &kari).await?;
    service.got(path, 3).await?;
    assert_eq!(service.got("/token", 2).await?.len(), 2, "renewed a little ahead");
    for (status, is_over) in [(500, false), (400, false), (401, false), (404, true)] {
        service.answers(status, "");
        let before = service.got(path, 3).await?.len();
        idp.advance(Duration::from_mins(20));
        at_the_app(&idp, &client, &kari).await?;
        service.got(path, before + 1).await?;
        if is_over {
            assert!(is_forgotten_soon(&idp, &telephone).await?);
        } else {
            idp.app.world.tasks.settle().await;
            assert!(is_woken(&idp, &telephone).await?, "{status}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn apple_is_called_with_a_token_of_the_teams_key() -> anyhow::Result<()> {
    let service = Service::start().await?;
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref())?;
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(made.as_ref()));
    let team = Team { key_id: "KEY1234567", team_id: "TEAM123456", topic: "no.minid.app" };
    let apns = Some(Apns::new(&pem, &team, Url::parse(&service.origin)?, http()?)?);
    let idp = TestIdp::with(|setup| setup.push = Push { apns, ..Push::default() }).await?;
    let client = idp.client().await?;
    let (kari, telephone) = with_app(&idp, &client).await?;
    let token = "a1b2c3d4e5f6".repeat(5);
    let address = json!({ "kind": "apns", "token": token });
    assert_eq!(subscribe(&idp, &telephone, &address).await?.status, StatusCode::NO_CONTENT);
    service.answers(200, "");
    at_the_app(&idp, &client, &kari).await?;
    let path = format!("/3/device/{token}");
    let push = service.got(&path, 1).await?.remove(0);
    assert_eq!((push.header("apns-topic")?, push.header("apns-push-type")?), ("no.minid.app", "alert"));
    assert_eq!(push.header("apns-priority")?, "10");
    let until = push.header("apns-expiration")?.parse::<i64>()? - idp.now().seconds();
    assert_eq!(until, 180, "no longer than the question is good");
    let bearer = push.header("authorization")?.strip_prefix("Bearer ").context("a bearer token")?.to_owned();
    let (header, claims, signed, mark) = parts(&bearer)?;
    assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!("KEY1234567")));
    assert_eq!((&claims["iss"], &claims["iat"]), (&json!("TEAM123456"), &json!(idp.now())));
    let public = signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
    public.verify(signed.as_bytes(), &mark).map_err(|_| anyhow!("somebody else has signed"))?;
    let said = push.json()?;
    let (id, _) = telephone.sees(&idp).await?.context("a question")?;
    let words: Value = serde_json::from_str(said["message"].as_str().context("words")?)?;
    assert_eq!(words, json!({ "kind": "request", "id": id }));
    assert!(said["aps"]["alert"].is_object() && !said.to_string().contains(&kari.fnr), "{said}");
    // Apple wants the same one for twenty minutes, and another within the hour.
    let mut bearers = vec![bearer];
    for minutes in [25, 25] {
        idp.advance(Duration::from_mins(minutes));
        at_the_app(&idp, &client, &kari).await?;
        let all = service.got(&path, bearers.len() + 1).await?;
        bearers.push(all[bearers.len()].header("authorization")?.trim_start_matches("Bearer ").to_owned());
    }
    assert!(bearers[0] == bearers[1] && bearers[1] != bearers[2]);
    for (status, reason, is_over) in [
        (500, "InternalServerError", false),
        (400, "BadTopic", false),
        (403, "ExpiredProviderToken", false),
        (410, "Unregistered", true),
        (400, "BadDeviceToken", true),
        (400, "DeviceTokenNotForTopic", true),
    ] {
        assert_eq!(subscribe(&idp, &telephone, &address).await?.status, StatusCode::NO_CONTENT);
        service.answers(status, reason);
        let before = service.got(&path, 3).await?.len();
        idp.advance(Duration::from_mins(20));
        at_the_app(&idp, &client, &kari).await?;
        service.got(&path, before + 1).await?;
        if is_over {
            assert!(is_forgotten_soon(&idp, &telephone).await?, "{reason}");
        } else {
            idp.app.world.tasks.settle().await;
            assert!(is_woken(&idp, &telephone).await?, "{reason}");
        }
    }
    Ok(())
}
