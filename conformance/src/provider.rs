//! An OpenID Provider of somebody else's on this machine: honest, or not, as a test has it.
#![expect(clippy::indexing_slicing, reason = "what is missing fails the test")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use authenticators::chance::{Chance, TokenHash};
use axum::Router;
use axum::body::to_bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use idp::eid::{EidConfig, OtherEid};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::client_key::ClientKey;
use crate::idp::TestIdp;

/// Its `acr` that is high here.
pub const HIGH: &str = "urn:bankid:high";
/// And the one that is substantial.
pub const LOW: &str = "urn:bankid:low";

/// A form.
pub type Fields = BTreeMap<String, String>;

/// How it publishes its metadata, and answers otherwise.
#[derive(Debug, Clone)]
pub enum Manner {
    /// As it should.
    Honest,
    /// With some of it otherwise; the metadata alone.
    Otherwise(Value),
    /// Later than anybody waits.
    Slow,
    /// A megabyte more than it is.
    Huge,
    /// Somewhere else.
    Redirecting,
    /// Not at all.
    Broken,
}

/// An OpenID Provider of somebody else's on this machine.
#[derive(Clone)]
pub struct Op {
    /// Its issuer.
    pub origin: String,
    /// What it signs with.
    pub key: ClientKey,
    /// What it signs with, and publishes, once it has rotated.
    pub newer: ClientKey,
    inner: Arc<Mutex<Inner>>,
}

/// What it holds and has seen.
pub struct Inner {
    /// How it publishes its metadata.
    pub manner: Manner,
    /// The public half of the key that Porten proves itself with.
    porten: String,
    /// The requests that were pushed, by their `request_uri`.
    pub pushed: BTreeMap<String, Fields>,
    /// What a code was given out for, and what it is redeemed for.
    codes: BTreeMap<String, (Fields, String)>,
    /// What its `UserInfo` endpoint answers to whoever has redeemed a code.
    pub userinfo: String,
    /// Whether it signs with its newer key.
    pub rotated: bool,
    /// How often its keys were fetched.
    pub asked_for_keys: usize,
    /// How often a code was redeemed.
    pub asked_for_tokens: usize,
    /// What it answers at a path, instead of what it should.
    pub instead: BTreeMap<&'static str, (StatusCode, String)>,
    /// How it answers at a path, other than honestly: the metadata have a manner of their own.
    pub manners: BTreeMap<&'static str, Manner>,
    /// How often somebody has followed it elsewhere.
    pub followed: usize,
}

/// What codes are redeemed for besides.
const ACCESS_TOKEN: &str = "the-access-token";

impl Op {
    /// Starts it.
    pub async fn start(manner: Manner) -> anyhow::Result<Op> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let inner = Inner {
            manner,
            porten: String::new(),
            pushed: BTreeMap::new(),
            codes: BTreeMap::new(),
            userinfo: String::new(),
            rotated: false,
            asked_for_keys: 0,
            asked_for_tokens: 0,
            instead: BTreeMap::new(),
            manners: BTreeMap::new(),
            followed: 0,
        };
        let origin = format!("http://{}", listener.local_addr()?);
        let (key, newer) = (ClientKey::fresh()?, ClientKey::fresh()?);
        let op = Op { origin, key, newer, inner: Arc::new(Mutex::new(inner)) };
        let routes = Router::new().fallback(any(answer)).with_state(op.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(op)
    }

    /// What it holds; not across an await.
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The provider as an eID of Porten's.
    pub fn eid(&self, id: &str) -> anyhow::Result<Arc<OtherEid>> {
        self.eid_with(id, json!({}))
    }

    /// The same, with some of the configuration otherwise.
    pub fn eid_with(&self, id: &str, more: Value) -> anyhow::Result<Arc<OtherEid>> {
        let mut config = json!({
            "name": { "nb": "BankID" }, "about": { "nb": "Med app eller kodebrikke" },
            "name_claims": ["given_name", "family_name"],
            "levels": [
                { "acr": HIGH, "level": "high", "amr": "BankID" },
                { "acr": LOW, "level": "substantial", "amr": "BankID" },
            ],
        });
        if let (Some(all), Value::Object(more)) = (config.as_object_mut(), more) {
            all.extend(more);
        }
        self.eid_of(id, config)
    }

    /// The same with another configuration, to which is added what is the provider's own.
    pub fn eid_of(&self, id: &str, mut config: Value) -> anyhow::Result<Arc<OtherEid>> {
        let (folder, key) = (TempDir::new()?, rcgen::KeyPair::generate()?);
        let file = folder.path().join("key.pem");
        std::fs::write(&file, key.serialize_pem())?;
        self.inner().porten = key.public_key_pem();
        for (name, value) in [
            ("id", json!(id)),
            ("issuer", json!(self.origin)),
            ("client_id", json!("porten")),
            ("key_file", json!(file)),
        ] {
            config[name] = value;
        }
        let config: EidConfig = serde_json::from_value(config)?;
        anyhow::ensure!(config.objections().is_empty(), "{:?}", config.objections());
        Ok(Arc::new(config.open()?))
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.origin);
        let mut metadata = json!({
            "issuer": self.origin,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"),
            "pushed_authorization_request_endpoint": at("/par"),
            "userinfo_endpoint": at("/userinfo"),
            "authorization_response_iss_parameter_supported": true,
            "id_token_signing_alg_values_supported": ["ES256", "none", "HS256"],
        });
        if let (Manner::Otherwise(Value::Object(other)), Some(all)) = (&self.inner().manner, metadata.as_object_mut()) {
            all.extend(other.clone());
        }
        metadata
    }

    /// A good answer, in the manner in which it is given.
    async fn give(&self, manner: &Manner, good: Response) -> Response {
        match manner {
            Manner::Honest | Manner::Otherwise(_) => good,
            Manner::Slow => {
                tokio::time::sleep(Duration::from_secs(20)).await;
                good
            }
            Manner::Huge => {
                let (parts, body) = good.into_parts();
                let body = to_bytes(body, 1024 * 1024).await.unwrap_or_default();
                let filled = [" ".repeat(1024 * 1024).as_bytes(), &body].concat();
                (parts.status, filled).into_response()
            }
            Manner::Redirecting => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/elsewhere")]).into_response(),
            Manner::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    /// RFC 7523 3
    fn knows(&self, form: &Fields) -> bool {
        let Ok(key) = DecodingKey::from_ec_pem(self.inner().porten.as_bytes()) else { return false };
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[&self.origin]);
        let assertion = jsonwebtoken::decode::<Value>(&form["client_assertion"], &key, &validation);
        assertion.is_ok_and(|read| read.claims["sub"] == "porten" && read.claims["iss"] == "porten")
    }

    /// RFC 9126 2
    fn push(&self, form: Fields) -> Response {
        if !self.knows(&form) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let uri = format!("urn:pushed:{}", form["state"]);
        self.inner().pushed.insert(uri.clone(), form);
        (StatusCode::CREATED, json!({ "request_uri": uri, "expires_in": 60 }).to_string()).into_response()
    }

    /// OpenID Connect Core 3.1.3, RFC 7636 4.6
    fn redeem(&self, form: &Fields) -> Response {
        self.inner().asked_for_tokens += 1;
        let given = self.inner().codes.remove(&form["code"]);
        let Some((request, token)) = given else { return StatusCode::BAD_REQUEST.into_response() };
        let proves = TokenHash::of(&form["code_verifier"]).as_str() == request["code_challenge"];
        if !proves || !self.knows(form) || form["redirect_uri"] != request["redirect_uri"] {
            return StatusCode::BAD_REQUEST.into_response();
        }
        json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": token }).to_string().into_response()
    }

    /// OpenID Connect Core 5.3
    fn tell(&self, headers: &HeaderMap) -> Response {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match shown == Some(&format!("Bearer {ACCESS_TOKEN}")) {
            true => self.inner().userinfo.clone().into_response(),
            false => StatusCode::UNAUTHORIZED.into_response(),
        }
    }

    /// The request that a browser was sent with.
    pub fn request(&self, browser: &Browser) -> anyhow::Result<Fields> {
        let uri = browser.sent_back("request_uri")?;
        self.inner().pushed.get(&uri).cloned().context("nothing was pushed")
    }

    /// Good claims for a request.
    pub fn claims(&self, idp: &TestIdp, request: &Fields, pid: &str) -> Value {
        let now = idp.now().seconds();
        json!({
            "iss": self.origin, "aud": "porten", "sub": "someone", "nonce": request["nonce"], "acr": HIGH, "pid": pid,
            "amr": ["app"], "iat": now, "exp": now + 60, "auth_time": now,
            "given_name": "Kari", "family_name": "Nordmann",
        })
    }

    /// Signs them.
    pub fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        self.key.sign("JWT", claims)
    }

    /// Where the browser is sent back to, with a code for this ID token.
    pub fn answers(&self, request: &Fields, token: String) -> anyhow::Result<String> {
        self.answers_at("bankid", request, token)
    }

    /// The same, to the eID of this name.
    pub fn answers_at(&self, id: &str, request: &Fields, token: String) -> anyhow::Result<String> {
        let code = self.code(request, token)?;
        Ok(callback(id, &[("code", &code), ("state", &request["state"]), ("iss", &self.origin)]))
    }

    /// A code for this ID token.
    pub fn code(&self, request: &Fields, token: String) -> anyhow::Result<String> {
        let code = Chance::System.token()?.reveal().to_owned();
        self.inner().codes.insert(code.clone(), (request.clone(), token));
        Ok(code)
    }
}

/// An answer to the eID of this name.
pub fn callback(id: &str, fields: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("/eid/{id}/callback?{query}")
}

async fn answer(State(op): State<Op>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let form: Fields = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let instead = op.inner().instead.get(uri.path()).cloned();
    if let Some(answer) = instead {
        return answer.into_response();
    }
    let manner = match uri.path() {
        "/.well-known/openid-configuration" => op.inner().manner.clone(),
        path => op.inner().manners.get(path).cloned().unwrap_or(Manner::Honest),
    };
    let good = match uri.path() {
        "/.well-known/openid-configuration" => op.metadata().to_string().into_response(),
        "/elsewhere" => {
            op.inner().followed += 1;
            op.metadata().to_string().into_response()
        }
        "/jwks" => {
            op.inner().asked_for_keys += 1;
            let rotated = op.inner().rotated;
            let key = if rotated { &op.newer } else { &op.key };
            key.jwks().to_string().into_response()
        }
        "/par" => op.push(form),
        "/token" => op.redeem(&form),
        "/userinfo" => op.tell(&headers),
        _ => StatusCode::NOT_FOUND.into_response(),
    };
    op.give(&manner, good).await
}
