//! Porten in this process: the real router on a real database, with a clock that tests move and an inbox in the
//! place of telephones.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use admin::school::register::Orgno;
use admin::school::roster::Reader;
use admin::school::routes;
use anyhow::{Context, bail, ensure};
use authenticators::chance::{Chance, Token};
use authenticators::clock::{Clock, Timestamp};
use authenticators::contact::{self, Channel, Email, Known, Phone};
use authenticators::hashing::{Hasher, HashingConfig};
use authenticators::inbox::{Inbox, Message};
use authenticators::mail::Mail;
use authenticators::outbound::Outbound;
use authenticators::password;
use authenticators::password_rules::Breached;
use authenticators::person::{Fnr, FnrPolicy, NewPerson, Person};
use authenticators::population::Population;
use authenticators::push::Push;
use authenticators::scratch::Scratch;
use authenticators::sms::Sms;
use authenticators::trail::{Entry, Trail};
use authenticators::vault::Vault;
use authenticators::webauthn::Webauthn;
use authenticators::world::{Tasks, World};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::BodyExt;
use idp::app::{App, Settings};
use idp::atlas::Atlas;
use idp::certificate::Roots;
use idp::client::{Client, ClientId};
use idp::config::{Issuer, SchoolConfig};
use idp::eid::OtherEid;
use idp::endpoints::front;
use idp::keys::Keys;
use idp::minid::Minid;
use idp::registration::Registration;
use idp::text::Words;
use migrations::Db;
use serde_json::{Value, json};
use sqlx::{Connection, Executor};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tower::ServiceExt;
use tracing::Instrument;

use crate::browser::Browser;
use crate::client_key::ClientKey;
use crate::program::install_tls;

/// Where it answers.
pub const ISSUER: &str = "https://idp.test";
/// The verifier of ID-porten's documentation.
pub const VERIFIER: &str = "xyo94uhy3zKvgB0NJwLms86SwcjtWviEOpkBnGgaLlo";
/// And its challenge.
pub const CHALLENGE: &str = "b7elB7ZyxIXgFyvBznKvxl7wOB-H17Pz0a3B62NIMFI";
/// RFC 7523 2.2
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Where the clients of the tests take logins.
pub const REDIRECT: &str = "https://a.test/cb";

/// What a test may want otherwise.
pub struct Setup {
    /// The public base URL.
    pub issuer: String,
    /// Who is let in; everybody, if nothing is said.
    pub people: FnrPolicy,
    /// How passwords are hashed; quickly, if nothing is said.
    pub hashing: HashingConfig,
    /// The sender; an inbox, if nothing is said.
    pub sms: Option<Sms>,
    /// The way to mailboxes; an inbox, if nothing is said.
    pub mail: Option<Mail>,
    /// The ways to the MinID app; none, if nothing is said.
    pub push: Push,
    /// Passwords that were stolen elsewhere; none, if nothing is said.
    pub breached: Breached,
    /// What is decided about MinID.
    pub minid: Minid,
    /// The way to addresses that services have registered; to this machine too, if nothing is said.
    pub outbound: Outbound,
    /// Who lives in the country; nobody, if nothing is said.
    pub population: Population,
    /// Whose enterprise certificates are taken; nobody's, if nothing is said.
    pub enterprise: Option<Arc<Roots>>,
    /// The eIDs of others; none, if nothing is said.
    pub eids: Vec<Arc<OtherEid>>,
    /// Where in the world addresses are; nobody knows, if nothing is said.
    pub atlas: Atlas,
    /// Whose `X-Forwarded-For` is believed; nobody's who comes here, if nothing is said.
    pub trusted_proxies: Vec<String>,
}

/// A running Porten.
pub struct TestIdp {
    /// Its inside.
    pub app: App,
    router: Router,
    inbox: Inbox,
    clock: Arc<AtomicI64>,
    database: String,
    _folder: TempDir,
}

/// A registered client and its secret.
#[derive(Clone)]
pub struct TestClient {
    /// Its name.
    pub id: String,
    /// Its secret; empty for a public client.
    pub secret: String,
    /// How it proves who it is.
    pub method: String,
    /// Its first redirect address.
    pub redirect_uri: String,
    /// Its key, if it has one.
    pub key: Option<ClientKey>,
    /// The key that it binds tokens to, if it does.
    pub dpop: Option<ClientKey>,
}

/// A synthetic person who has MinID.
#[derive(Clone)]
pub struct TestPerson {
    /// Their identifier.
    pub fnr: String,
    /// Their password.
    pub password: String,
    /// Their telephone.
    pub phone: String,
    /// Their e-mail address.
    pub email: String,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("not JSON: {}", self.body))
    }

    /// The OAuth error in the body.
    pub fn error(&self) -> anyhow::Result<String> {
        let json = self.json()?;
        json.get("error").and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no error: {json}"))
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[expect(clippy::disallowed_methods, reason = "the script that runs the tests says which servers it has started")]
fn given(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn scratch() -> anyhow::Result<Scratch> {
    match given("TEST_REDIS_URL") {
        Some(url) => Scratch::redis(&url).await,
        None => Ok(Scratch::memory()),
    }
}

/// Where a fresh database is: a SQLite file, or a schema of its own in the Postgres that `TEST_DATABASE_URL` names.
async fn database(folder: &TempDir) -> anyhow::Result<String> {
    let Some(url) = given("TEST_DATABASE_URL") else {
        return Ok(format!("sqlite://{}?mode=rwc", folder.path().join("porten.db").display()));
    };
    sqlx::any::install_default_drivers();
    let schema = format!("t{}", u64::from_be_bytes(Chance::System.bytes()?));
    let mut connection = sqlx::AnyConnection::connect(&url).await?;
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await?;
    connection.close().await?;
    Ok(format!("{url}?options=-c%20search_path%3D{schema}"))
}

impl TestIdp {
    /// Starts it.
    pub async fn start() -> anyhow::Result<TestIdp> {
        TestIdp::with(|_| {}).await
    }

    /// Starts it otherwise.
    pub async fn with(adjust: impl FnOnce(&mut Setup)) -> anyhow::Result<TestIdp> {
        install_tls();
        let mut setup = Setup {
            issuer: ISSUER.to_owned(),
            people: FnrPolicy { real: true, synthetic: true, expanded: true },
            hashing: HashingConfig { memory_kib: 64, iterations: 1, parallelism: 1, threads: 2, queue: 1024 },
            sms: None,
            mail: None,
            push: Push::default(),
            breached: Breached::default(),
            minid: Minid::default(),
            outbound: Outbound::new(vec!["127.0.0.0/8".parse()?, "::1/128".parse()?], None)?,
            population: Population::None,
            enterprise: None,
            eids: Vec::new(),
            atlas: Atlas::default(),
            trusted_proxies: vec!["10.0.0.0/8".to_owned()],
        };
        adjust(&mut setup);
        let folder = TempDir::new()?;
        let scratch = scratch().await?;
        // Each test has a time of its own: counters by time window do not meet in a shared Redis.
        let start = 1_800_000_000 + i64::from(u32::from_be_bytes(Chance::System.bytes()?) / 8);
        let clock = Arc::new(AtomicI64::new(start));
        let (inbox, chance, database) = (Inbox::default(), Chance::System, database(&folder).await?);
        let db = Db::open(&database).await?;
        let vault = Vault::parse(&Vault::fresh_master(&chance)?)?;
        let issuer = Issuer::try_from(setup.issuer).map_err(anyhow::Error::msg)?;
        let world = World {
            trail: Trail::start(&db, &vault, &chance),
            db,
            scratch,
            clock: Clock::Manual(clock.clone()),
            chance,
            vault,
            sms: setup.sms.unwrap_or_else(|| Sms::Inbox(inbox.clone())),
            sms_a_day: setup.minid.sms_a_day.into(),
            mail: setup.mail.unwrap_or_else(|| Mail::Inbox(inbox.clone())),
            push: setup.push,
            hasher: Hasher::start(setup.hashing)?,
            breached: setup.breached,
            webauthn: Webauthn::of(issuer.url())?,
            outbound: setup.outbound,
            population: setup.population,
            tasks: Tasks::default(),
        };
        let keys = Keys::open(&world.db, &world.chance, &world.vault, world.clock.now()).await?;
        let settings = Settings {
            issuer,
            trusted_proxies: setup.trusted_proxies.iter().map(|net| net.parse()).collect::<Result<_, _>>()?,
            people: setup.people,
            enterprise: setup.enterprise,
            minid: setup.minid,
            eids: setup.eids,
            atlas: setup.atlas,
            school: SchoolConfig::default(),
        };
        let words: &'static Words = Box::leak(Box::new(Words::new(&routes::WORDS)));
        let app = App::new(world, settings, keys, words);
        Ok(TestIdp { router: router(&app), app, inbox, clock, database, _folder: folder })
    }

    /// Whether it is on Postgres, where two write at once who write different rows.
    pub fn is_on_postgres(&self) -> bool {
        self.database.starts_with("postgres")
    }

    /// What another process has open of the same database.
    pub async fn elsewhere(&self) -> anyhow::Result<Db> {
        Db::open(&self.database).await
    }

    /// What reads a school owner's files here.
    pub fn reader<'a>(&self, owner: &'a Orgno) -> Reader<'a> {
        let config = &self.app.config;
        Reader { owner, people: config.people, rows_at_most: config.school.rows_at_most }
    }

    /// Another node in its place, which has seen no client yet.
    pub async fn replace(&mut self) -> anyhow::Result<()> {
        let (world, settings) = (self.app.world.clone(), Settings::clone(&self.app.config));
        let keys = Keys::open(&world.db, &world.chance, &world.vault, self.now()).await?;
        self.app = App::new(world, settings, keys, self.app.words);
        self.router = router(&self.app);
        Ok(())
    }

    /// The program is ended and started again: what it kept in its own memory is gone.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        let mut world = self.app.world.clone();
        if let Scratch::Memory(_) = world.scratch {
            world.scratch = Scratch::memory();
        }
        let keys = Keys::open(&world.db, &world.chance, &world.vault, self.now()).await?;
        self.app = App::new(world, Settings::clone(&self.app.config), keys, self.app.words);
        idp::recall(&self.app, self.now()).await?;
        self.router = router(&self.app);
        Ok(())
    }

    /// The program is started again where the population register says this.
    pub async fn register_says(&mut self, population: Population) -> anyhow::Result<()> {
        let world = World { population, ..self.app.world.clone() };
        let keys = Keys::open(&world.db, &world.chance, &world.vault, self.now()).await?;
        self.app = App::new(world, Settings::clone(&self.app.config), keys, self.app.words);
        self.router = router(&self.app);
        Ok(())
    }

    /// The program is started again where a school owner's file has so many rows at the most.
    pub async fn takes_rows(&mut self, rows_at_most: u64) -> anyhow::Result<()> {
        let (world, mut settings) = (self.app.world.clone(), Settings::clone(&self.app.config));
        settings.school.rows_at_most = rows_at_most;
        let keys = Keys::open(&world.db, &world.chance, &world.vault, self.now()).await?;
        self.app = App::new(world, settings, keys, self.app.words);
        self.router = router(&self.app);
        Ok(())
    }

    /// Moves the clock.
    pub fn advance(&self, time: Duration) {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(0);
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// What time it is there.
    pub fn now(&self) -> Timestamp {
        self.app.world.clock.now()
    }

    /// The router, for a socket.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// A browser with no cookies.
    pub fn browser(&self) -> Browser {
        Browser::new(self.router.clone(), self.app.config.issuer.as_str())
    }

    /// A browser in which somebody has logged in to a service.
    pub async fn logged_in(&self, client: &TestClient) -> anyhow::Result<Browser> {
        let kari = self.person().await?;
        let mut browser = self.browser();
        browser.get(&self.authorize(client, &[])).await?.log_in(self, &kari).await?;
        Ok(browser)
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> anyhow::Result<Answer> {
        ask(&self.router, request).await
    }

    /// Registers a client: web, with a secret sent in the form.
    pub async fn client(&self) -> anyhow::Result<TestClient> {
        self.client_with(json!({})).await
    }

    /// Registers a client with some fields otherwise.
    pub async fn client_with(&self, fields: Value) -> anyhow::Result<TestClient> {
        let mut all = json!({
            "client_name": "Test service",
            "client_uri": "https://a.test/start",
            "client_orgno": "999999999",
            "token_endpoint_auth_method": "client_secret_post",
            "redirect_uris": [REDIRECT],
            "post_logout_redirect_uris": ["https://a.test/bye"],
        });
        if let (Some(all), Some(fields)) = (all.as_object_mut(), fields.as_object()) {
            all.extend(fields.clone());
        }
        let registration = Registration::read(all.as_object().cloned().unwrap_or_default())?;
        let objections = registration.objections();
        ensure!(objections.is_empty(), "{objections:?}");
        let id = Client::fresh_id(&self.app.world.chance)?;
        let secret = registration.has_secret().then(|| self.app.world.chance.token()).transpose()?;
        Client::register(&self.app.world.db, &id, &registration, secret.as_ref(), self.now()).await?;
        Ok(TestClient {
            id: id.as_str().to_owned(),
            secret: secret.as_ref().map(Token::reveal).unwrap_or_default().to_owned(),
            method: registration.token_endpoint_auth_method.name().to_owned(),
            redirect_uri: registration.redirect_uris.first().cloned().unwrap_or_default(),
            key: None,
            dpop: None,
        })
    }

    /// Registers a client that proves itself with a key of its own.
    pub async fn keyed_client(&self, fields: Value) -> anyhow::Result<TestClient> {
        let key = ClientKey::fresh()?;
        let mut all = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks() });
        if let (Some(all), Some(fields)) = (all.as_object_mut(), fields.as_object()) {
            all.extend(fields.clone());
        }
        Ok(TestClient { key: Some(key), ..self.client_with(all).await? })
    }

    /// Registers a client that keeps a profile of FAPI 2.0.
    pub async fn fapi_client(&self, profile: &str) -> anyhow::Result<TestClient> {
        let fields = json!({ "profile": profile, "grant_types": ["authorization_code", "refresh_token"] });
        Ok(TestClient { dpop: Some(ClientKey::fresh()?), ..self.keyed_client(fields).await? })
    }

    /// Changes a registered client behind the server's back.
    pub async fn change_client(
        &self,
        client: &TestClient,
        change: impl FnOnce(&mut Registration),
    ) -> anyhow::Result<()> {
        let id = ClientId::named(&client.id).context("a name")?;
        let mut registration = Client::find(&self.app.world.db, &id).await?.context("no client")?.registration;
        change(&mut registration);
        Client::change(&self.app.world.db, &id, &registration, None, self.now()).await?;
        Ok(())
    }

    /// Registers a synthetic person with MinID.
    pub async fn person(&self) -> anyhow::Result<TestPerson> {
        let person = unregistered()?;
        let (db, chance, now) = (&self.app.world.db, &self.app.world.chance, self.now());
        let fnr = Fnr::parse(&person.fnr, self.app.config.people).map_err(|p| anyhow::anyhow!("{p:?}"))?;
        Person::register(db, chance, &fnr, NewPerson::default(), now).await?;
        let registered = Person::by_fnr(db.pool(), &fnr).await?.context("no person")?;
        let phone = Phone::parse(&person.phone).context("no telephone")?;
        let phc = password::hash(&self.app.world, &person.password).await?;
        let phc = phc.map_err(|_| anyhow::anyhow!("busy"))?;
        let mut tx = db.begin().await?;
        for channel in [Channel::Mobile(phone), Channel::Email(Email::parse(&person.email).context("no e-mail")?)] {
            contact::set(&mut tx, &registered.id, &channel, Known::Proved, now).await?;
        }
        password::set(&mut tx, &registered.id, &phc, now).await?;
        tx.commit().await?;
        Ok(person)
    }

    /// The row of a person.
    pub async fn row_of(&self, person: &TestPerson) -> anyhow::Result<Person> {
        let fnr = Fnr::parse(&person.fnr, self.app.config.people).map_err(|p| anyhow::anyhow!("{p:?}"))?;
        Person::by_fnr(self.app.world.db.pool(), &fnr).await?.context("no person")
    }

    /// What has gone to a telephone or a mailbox, the newest first.
    pub fn messages_to(&self, to: &str) -> Vec<Message> {
        let mut messages = self.inbox.messages();
        messages.retain(|message| message.to == to);
        messages
    }

    /// How many messages have gone to a telephone.
    pub fn sms_count(&self, person: &TestPerson) -> usize {
        self.messages_to(&person.phone).len()
    }

    /// The text that came last.
    pub fn last_sms(&self, person: &TestPerson) -> anyhow::Result<String> {
        let last = self.messages_to(&person.phone).into_iter().next();
        last.map(|message| message.text).context("no message")
    }

    /// The code that came last.
    pub fn last_code(&self, person: &TestPerson) -> anyhow::Result<String> {
        let text = self.last_sms(person)?;
        text.rsplit('#').next().map(str::to_owned).context("no code")
    }

    /// The newest message with these words, which may come a moment after the page: nobody waits for it there.
    pub async fn arrives(&self, to: &str, words: &str) -> anyhow::Result<Message> {
        for _ in 0..500 {
            match self.messages_to(to).into_iter().find(|message| message.text.contains(words)) {
                Some(message) => return Ok(message),
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        bail!("nothing with {words:?} has come to {to}: {:?}", self.messages_to(to))
    }

    /// What the trail says of a person, the newest first.
    pub async fn trail_of(&self, person: &TestPerson) -> anyhow::Result<Vec<Entry>> {
        let (world, row) = (&self.app.world, self.row_of(person).await?);
        world.trail.settle().await?;
        world.trail.of(world.db.pool(), &row.id, i64::MAX, 1000).await
    }

    /// A browser in which somebody is logged in by TestID, at a level such as `substantial`.
    pub async fn by_test_id(&self, client: &TestClient, person: &TestPerson, level: &str) -> anyhow::Result<Browser> {
        let acr = format!("idporten-loa-{level}");
        let hint = format!("testid:{}_{acr}", person.fnr);
        let mut browser = self.browser();
        browser.get(&self.authorize(client, &[("login_hint", &hint), ("acr_values", &acr)])).await?;
        browser.sent_back("code")?;
        Ok(browser)
    }

    /// An authorization request of a client, with some parameters otherwise; an empty value leaves one out.
    pub fn authorize(&self, client: &TestClient, more: &[(&str, &str)]) -> String {
        let params = self.request(client, more);
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        format!("/authorize?{query}")
    }

    /// Posts to the token endpoint as a client, by its registered method.
    pub async fn token(&self, client: &TestClient, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
        self.post_as(client, "/token", fields).await
    }

    /// Posts to one of the endpoints for services as a client, by its registered method, with a proof of its DPoP
    /// key where it has one.
    pub async fn post_as(&self, client: &TestClient, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let url = format!("{}{path}", self.app.config.issuer.as_str());
        let proof = match &client.dpop {
            Some(key) => vec![("dpop", key.proof(&ClientKey::proof_claims("POST", &url, None, self.now())?)?)],
            None => Vec::new(),
        };
        self.post_with(client, path, fields, &proof).await
    }

    /// The same with headers of the test's own.
    pub async fn post_with(
        &self,
        client: &TestClient,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, String)],
    ) -> anyhow::Result<Answer> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        match (client.method.as_str(), &client.key) {
            ("client_secret_basic", _) => {
                let encoded = STANDARD.encode(format!("{}:{}", client.id, client.secret));
                request = request.header(header::AUTHORIZATION, format!("Basic {encoded}"));
            }
            ("client_secret_post", _) => {
                form.append_pair("client_id", &client.id).append_pair("client_secret", &client.secret);
            }
            ("private_key_jwt", Some(key)) => {
                let claims = ClientKey::assertion_claims(&client.id, self.app.config.issuer.as_str(), self.now())?;
                form.append_pair("client_id", &client.id)
                    .append_pair("client_assertion_type", ASSERTION_TYPE)
                    .append_pair("client_assertion", &key.sign("JWT", &claims)?);
            }
            _ => {
                form.append_pair("client_id", &client.id);
            }
        }
        form.extend_pairs(fields);
        self.send(request.body(form.finish().into())?).await
    }

    /// The parameters of an authorization request, with some otherwise; an empty value leaves one out.
    pub fn request<'a>(&self, client: &'a TestClient, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut params = vec![
            ("client_id", client.id.as_str()),
            ("redirect_uri", &client.redirect_uri),
            ("response_type", "code"),
            ("scope", "openid profile"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in more {
            params.retain(|(known, _)| known != name);
            params.push((name, value));
        }
        params.retain(|(_, value)| !value.is_empty());
        params
    }

    /// Pushes an authorization request; where its browser is sent then.
    pub async fn push(&self, client: &TestClient, more: &[(&str, &str)]) -> anyhow::Result<String> {
        let mut params = self.request(client, more);
        params.retain(|(name, _)| *name != "client_id");
        let answer = self.post_as(client, "/par", &params).await?;
        ensure!(answer.status == StatusCode::CREATED, "{} {}", answer.status, answer.body);
        let json = answer.json()?;
        let uri = json.get("request_uri").and_then(Value::as_str).context("no request_uri")?;
        let query = [("client_id", client.id.as_str()), ("request_uri", uri)];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        Ok(format!("/authorize?{query}"))
    }

    /// Redeems a code by the book.
    pub async fn redeem(&self, client: &TestClient, code: &str) -> anyhow::Result<Answer> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", client.redirect_uri.as_str()),
            ("code_verifier", VERIFIER),
        ];
        self.token(client, &fields).await
    }

    /// Uses a refresh token.
    pub async fn refresh(&self, client: &TestClient, token: &str) -> anyhow::Result<Answer> {
        self.token(client, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Asks `/userinfo` with an access token.
    pub async fn userinfo(&self, token: &str) -> anyhow::Result<Answer> {
        let request = Request::get("/userinfo").header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty())?).await
    }
}

/// All routes of `porten serve`.
fn router(app: &App) -> Router {
    idp::router(app, routes::routes(app).route("/", get(front::show)))
}

/// A synthetic person whom nobody has registered.
pub fn unregistered() -> anyhow::Result<TestPerson> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    let policy = FnrPolicy { real: false, synthetic: true, expanded: false };
    let (day, year) = (number % 28 + 1, 50 + (number / 28) % 40);
    let mut all = (100..499).flat_map(|n| (0..100).map(move |check| format!("{day:02}81{year:02}{n:03}{check:02}")));
    let fnr = all.find(|fnr| Fnr::parse(fnr, policy).is_ok()).context("no such number")?;
    let phone = format!("+479{}", Chance::System.digits(7)?);
    let email = format!("person{number}@example.no");
    Ok(TestPerson { fnr, password: "rød grønn blå 7".to_owned(), phone, email })
}

/// Has a request answered. It is a task of its own, so that of many at once some are
/// answered at the same instant, and ends when whoever asks hangs up.
pub(crate) async fn ask(router: &Router, request: Request<Body>) -> anyhow::Result<Answer> {
    let mut tasks = JoinSet::new();
    tasks.spawn(router.clone().oneshot(request).in_current_span());
    read(tasks.join_next().await.context("no answer")???).await
}

/// Reads an answer to its end.
pub async fn read(response: Response<Body>) -> anyhow::Result<Answer> {
    let (parts, body) = response.into_parts();
    let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}

/// The claims of a token, whoever signed it.
pub fn claims(token: &Value) -> anyhow::Result<Value> {
    let body = token.as_str().and_then(|token| token.split('.').nth(1)).context("not a JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body)?)?)
}
