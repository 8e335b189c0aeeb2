//! The way to the other eIDs: we are a strict client of each provider (OpenID Connect Core 3.1, RFC 9700).
//!
//! The crate `openidconnect` is not used here. It knows neither pushed requests nor `private_key_jwt`, checks no `iss`
//! in the answer (RFC 9207), neither `acr` nor `auth_time`, and holds no keys that it would fetch again for an unknown
//! `kid` and no more often than it should; [`crate::client_keys`] does that, and verifies by aws-lc alone.

pub mod answer;
pub mod id_token;
pub mod metadata;
pub mod userinfo;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::outbound::{Outbound, OutboundError};
use authenticators::scratch::Kept;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use crate::acr::Acr;
use crate::app::App;
use crate::browser::Call;
use crate::client::ClientId;
use crate::client_keys::{Expected, KeyCache, KeySource};
use crate::eid::{ClientProof, Encrypted, OtherEid, OwnKey, Userinfo};
use crate::page;
use crate::params::Params;
use crate::text::Language;

use answer::{Answer, SendsIss};
use id_token::{Asked, Said};
use metadata::{Metadata, Next, State};

/// RFC 7523 2.2
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Requests that one address has us push in [`HOUR`]; a school's pupils share one.
const PUSHES_FROM_AN_ADDRESS: i64 = 1800;
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
/// An assertion is on its way for no longer.
const ASSERTION_FOR: Duration = MINUTE;

/// Why a login at another eID came to nothing. The details are in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The citizen has turned back.
    Cancelled,
    /// No answer from there, or none that is of use now.
    Unavailable,
    /// What was said is not believed.
    Refused,
    /// The level is lower than was asked for.
    TooLow,
}

/// All providers.
pub struct Upstreams {
    all: Vec<Arc<Provider>>,
}

impl Upstreams {
    /// Those of the configuration, in its order; nobody is called yet.
    pub fn new(eids: &[Arc<OtherEid>], outbound: &Outbound) -> Upstreams {
        // Keys of their own, apart from the clients': what a service has registered uses up no fetch of a provider.
        let keys = KeyCache::new(outbound.clone());
        let provider = |eid: &Arc<OtherEid>| {
            let (eid, outbound, keys) = (eid.clone(), outbound.clone(), keys.clone());
            Arc::new(Provider { eid, outbound, keys, state: Mutex::default(), turn: tokio::sync::Mutex::default() })
        };
        Upstreams { all: eids.iter().map(provider).collect() }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.all.iter()
    }

    /// The one with this name.
    pub fn get(&self, id: &str) -> Option<&Arc<Provider>> {
        self.all.iter().find(|provider| provider.eid.config.id == id)
    }

    /// Has whatever is not known, or old, fetched in the background.
    pub fn warm(&self, now: Timestamp) {
        // Of one that is being asked already nobody else need ask.
        let due = |provider: &&Arc<Provider>| provider.is_due(now) && provider.turn.try_lock().is_ok();
        for provider in self.all.iter().filter(due) {
            let provider = provider.clone();
            tokio::spawn(async move { provider.fetch(now).await });
        }
    }
}

/// A login that is on its way to a provider and back. The provider knows its state, and the browser has it in an
/// address; what makes an answer ours is the cookie that the login is bound to, the verifier and the nonce.
#[derive(Serialize, Deserialize)]
pub struct Journey {
    /// To which provider.
    pub eid: String,
    /// Which service's login.
    pub client: ClientId,
    /// And its handle, which opens nothing in another browser.
    pub login: String,
    nonce: String,
    verifier: String,
    asked_at: Timestamp,
}

impl Kept for Journey {
    const KIND: &'static str = "eid-journey";
    const FOR: Duration = Duration::from_mins(15);
}

/// The login that goes to a provider.
pub struct Departure<'a> {
    /// The service.
    pub client: &'a ClientId,
    /// The login's handle.
    pub login: &'a Token,
    /// The levels that the service asks for.
    pub asked: &'a [Acr],
    /// The language of the pages.
    pub language: Language,
}

/// What a code was redeemed for.
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

/// A JWT that came from a provider.
struct Sealed<'a> {
    token: &'a str,
    /// What the log says if it is not believed.
    doubt: &'static str,
    /// What it is among the things that may have to be encrypted.
    what: Option<Encrypted>,
    /// How it may be signed.
    algorithms: Vec<Algorithm>,
}

/// One provider, and what is known of it.
pub struct Provider {
    /// Which it is.
    pub eid: Arc<OtherEid>,
    outbound: Outbound,
    keys: KeyCache,
    state: Mutex<State>,
    /// One fetches, and the others wait for what it brings.
    turn: tokio::sync::Mutex<()>,
}

impl Provider {
    /// Where a browser is sent that has chosen it, with the request kept until it comes back.
    pub async fn depart(
        self: &Arc<Provider>,
        call: &Call<'_>,
        departure: &Departure<'_>,
    ) -> anyhow::Result<Result<String, Failure>> {
        let Some(metadata) = self.metadata(call.now).await? else { return Ok(Err(Failure::Unavailable)) };
        let metadata: &Metadata = &metadata;
        let chance = &call.app.world.chance;
        let state = chance.token()?;
        let journey = Journey {
            eid: self.eid.config.id.clone(),
            client: departure.client.clone(),
            login: departure.login.reveal().to_owned(),
            nonce: chance.token()?.reveal().to_owned(),
            verifier: chance.token()?.reveal().to_owned(),
            asked_at: call.now,
        };
        let request = self.request(call.app, departure, &journey, &state);
        let query = match &metadata.pushed_authorization_request_endpoint {
            Some(uri) => match self.push(call, (metadata, uri), request).await? {
                Ok(request_uri) => vec![("client_id", self.client_id().to_owned()), ("request_uri", request_uri)],
                Err(failure) => return Ok(Err(failure)),
            },
            None => request,
        };
        call.app.world.scratch.put(&state.hash(), &journey, call.now).await?;
        let query = query.iter().map(|(name, value)| (*name, value.as_str()));
        Ok(Ok(page::with_query(metadata.authorization_endpoint.as_str(), query)))
    }

    fn client_id(&self) -> &str {
        &self.eid.config.client_id
    }

    fn redirect_uri(&self, app: &App) -> String {
        format!("{}/eid/{}/callback", app.config.issuer.as_str(), self.eid.config.id)
    }

    /// OpenID Connect Core 3.1.2.1, RFC 7636. Each login is a proof of its own: single sign-on is ours, and who logs
    /// out here must not be let in by a session there.
    fn request(&self, app: &App, departure: &Departure<'_>, journey: &Journey, state: &Token) -> Vec<(&str, String)> {
        let mut request = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.client_id().to_owned()),
            ("redirect_uri", self.redirect_uri(app)),
            ("scope", self.eid.config.scopes.join(" ")),
            ("state", state.reveal().to_owned()),
            ("nonce", journey.nonce.clone()),
            // The hash of a text in base64url is just the challenge of S256.
            ("code_challenge", TokenHash::of(&journey.verifier).as_str().to_owned()),
            ("code_challenge_method", "S256".to_owned()),
            ("acr_values", self.eid.acr_values(departure.asked)),
            ("prompt", "login".to_owned()),
            ("max_age", "0".to_owned()),
            ("ui_locales", departure.language.code().to_owned()),
        ];
        if let Some(mode) = self.eid.config.response_mode {
            request.push(("response_mode", mode.name().to_owned()));
        }
        request.extend(self.eid.config.parameters.iter().map(|(name, value)| (name.as_str(), value.clone())));
        request
    }

    /// Anybody can have us call the provider, so it is counted before we do. An address that has had its share takes
    /// nothing from what the others have together.
    async fn may_push(&self, call: &Call<'_>) -> anyhow::Result<bool> {
        let (scratch, config) = (&call.app.world.scratch, &self.eid.config);
        let from = format!("pushes from {}", call.browser.neighbourhood().as_str());
        if scratch.count(&from, HOUR, call.now).await? > PUSHES_FROM_AN_ADDRESS {
            return Ok(false);
        }
        let (to, most) = (format!("pushes to {}", config.id), i64::from(config.pushes_a_minute));
        let count = scratch.count(&to, MINUTE, call.now).await?;
        if count == most + 1 {
            self.tell("no more requests are pushed this minute", "pushes_a_minute");
        }
        Ok(count <= most)
    }

    /// RFC 9126 2
    async fn push(
        &self,
        call: &Call<'_>,
        (metadata, uri): (&Metadata, &Url),
        request: Vec<(&str, String)>,
    ) -> anyhow::Result<Result<String, Failure>> {
        if !self.may_push(call).await? {
            return Ok(Err(Failure::Unavailable));
        }
        let answer = match self.post(call, metadata, uri, request).await? {
            Ok((StatusCode::CREATED, answer)) => answer,
            Ok((status, _)) => {
                self.tell("the pushed request was refused", status.as_str());
                return Ok(Err(Failure::Unavailable));
            }
            Err(failure) => return Ok(Err(failure)),
        };
        let request_uri = answer.get("request_uri").and_then(Value::as_str);
        Ok(request_uri.map(str::to_owned).ok_or(Failure::Unavailable))
    }

    /// Reads what came back for a journey that was taken: who it is, as the provider says.
    pub async fn arrive(
        self: &Arc<Provider>,
        call: &Call<'_>,
        journey: &Journey,
        form: &Params,
    ) -> anyhow::Result<Result<Said, Failure>> {
        let Some(metadata) = self.metadata(call.now).await? else { return Ok(Err(Failure::Unavailable)) };
        let code = match self.read(&metadata, form, call.now).await? {
            Ok(Answer { error: Some(error), .. }) => return Ok(Err(self.failure_of(&error))),
            Ok(Answer { code: Some(code), .. }) => code,
            Ok(_) => return Ok(Err(Failure::Refused)),
            Err(failure) => return Ok(Err(failure)),
        };
        let tokens = match self.redeem(call, &metadata, journey, &code).await? {
            Ok(tokens) => tokens,
            Err(failure) => return Ok(Err(failure)),
        };
        let said = match self.verify(&metadata, &tokens, journey, call.now).await? {
            Ok(said) => said,
            Err(failure) => return Ok(Err(failure)),
        };
        match self.eid.config.userinfo {
            Some(form) => self.ask_more(&metadata, (said, form), tokens.access_token, call.now).await,
            None => Ok(Ok(said)),
        }
    }

    /// The answer, before anything is sent to anybody for it. Where a signed one was asked for, nothing else is read.
    async fn read(
        &self,
        metadata: &Metadata,
        form: &Params,
        now: Timestamp,
    ) -> anyhow::Result<Result<Answer, Failure>> {
        let sends_iss = match metadata.authorization_response_iss_parameter_supported {
            true => SendsIss::Always,
            false => SendsIss::Perhaps,
        };
        let (doubt, mode) = ("the answer is not believed", self.eid.config.response_mode);
        let read = match (mode, answer::signed(form)) {
            (None, _) => answer::plain(&self.eid, form, sends_iss),
            (Some(_), Err(why)) => Err(why),
            (Some(_), Ok(token)) => {
                let sealed = Sealed { token, doubt, what: None, algorithms: metadata.answer_algorithms() };
                match self.unseal(metadata, sealed, now).await? {
                    Ok(claims) => answer::read(&self.eid, &claims, now),
                    Err(failure) => return Ok(Err(failure)),
                }
            }
        };
        Ok(read.map_err(|why| self.refuse(doubt, why)))
    }

    /// What a JWT of the provider's says. If it must be encrypted it is signed inside (RFC 7519 11.2), and what is not
    /// is refused, whatever it is.
    async fn unseal(
        &self,
        metadata: &Metadata,
        sealed: Sealed<'_>,
        now: Timestamp,
    ) -> anyhow::Result<Result<Map<String, Value>, Failure>> {
        let token = sealed.token.to_owned();
        let token = match sealed.what {
            Some(what) => self.eid.in_the_clear(what, token),
            None => Ok(token),
        };
        let token = match token {
            Ok(token) => token,
            Err(why) => return Ok(Err(self.refuse(sealed.doubt, why))),
        };
        let source = KeySource { jwks: None, jwks_uri: Some(&metadata.jwks_uri) };
        let expected = Expected { algorithms: &sealed.algorithms, types: &["", "JWT"] };
        let verified = self.keys.verify(source, &token, &expected, now).await?;
        // Without the keys that it has now nobody knows whether what it says is wrong.
        let is_keyless = verified.is_err() && self.keys.is_silent(&metadata.jwks_uri).await;
        self.change(|state| state.was_verified(is_keyless, now));
        Ok(verified.map(|verified| verified.claims).map_err(|why| {
            self.tell(sealed.doubt, why);
            if is_keyless { Failure::Unavailable } else { Failure::Refused }
        }))
    }

    /// RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6
    fn failure_of(&self, error: &str) -> Failure {
        match error {
            "access_denied" => Failure::Cancelled,
            "temporarily_unavailable" | "server_error" => Failure::Unavailable,
            "unmet_authentication_requirements" => Failure::TooLow,
            _ => {
                // What came in an address is not written down.
                self.tell("the answer is an error", "another");
                Failure::Refused
            }
        }
    }

    /// RFC 6749 4.1.3: the tokens for a code.
    async fn redeem(
        &self,
        call: &Call<'_>,
        metadata: &Metadata,
        journey: &Journey,
        code: &str,
    ) -> anyhow::Result<Result<Tokens, Failure>> {
        let fields = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", self.redirect_uri(call.app)),
            ("code_verifier", journey.verifier.clone()),
        ];
        let answer = match self.post(call, metadata, &metadata.token_endpoint, fields).await? {
            Ok((StatusCode::OK, answer)) => answer,
            Ok((status, _)) => {
                self.tell("the code was refused", status.as_str());
                return Ok(Err(Failure::Refused));
            }
            Err(failure) => return Ok(Err(failure)),
        };
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let tokens = text("id_token").map(|id_token| Tokens { id_token, access_token: text("access_token") });
        Ok(tokens.ok_or(Failure::Refused))
    }

    /// OpenID Connect Core 3.1.3.7
    async fn verify(
        &self,
        metadata: &Metadata,
        tokens: &Tokens,
        journey: &Journey,
        now: Timestamp,
    ) -> anyhow::Result<Result<Said, Failure>> {
        let (token, algorithms, doubt) =
            (tokens.id_token.as_str(), metadata.algorithms(), "the ID token is not believed");
        let sealed = Sealed { token, doubt, what: Some(Encrypted::IdToken), algorithms };
        let asked = Asked { nonce: &journey.nonce, at: journey.asked_at };
        let claims = match self.unseal(metadata, sealed, now).await? {
            Ok(claims) => claims,
            Err(failure) => return Ok(Err(failure)),
        };
        let said = id_token::read(&self.eid, &claims, &asked, now);
        Ok(said.map_err(|why| self.refuse(doubt, why)))
    }

    /// OpenID Connect Core 5.3: what the provider tells of the person besides.
    async fn ask_more(
        &self,
        metadata: &Metadata,
        (said, form): (Said, Userinfo),
        access_token: Option<String>,
        now: Timestamp,
    ) -> anyhow::Result<Result<Said, Failure>> {
        const WHAT: &str = "what it tells of a person is not believed";
        let (Some(uri), Some(token)) = (&metadata.userinfo_endpoint, access_token) else {
            return Ok(Err(self.refuse(WHAT, "there is no endpoint, or no access token")));
        };
        let kind = match form {
            Userinfo::Json => "application/json",
            Userinfo::Jwt => "application/jwt",
        };
        let headers = [("accept", kind.to_owned()), ("authorization", format!("Bearer {token}"))];
        let body = match self.outbound.get(uri, &headers).await {
            Ok(body) => body,
            Err(error @ OutboundError::Status(400..500)) => return Ok(Err(self.refuse(WHAT, &error.to_string()))),
            Err(error) => return Ok(Err(self.silent(&error.to_string(), now))),
        };
        let claims = match form {
            Userinfo::Json => serde_json::from_slice(&body).map_err(|_| self.refuse(WHAT, "it is not an object")),
            Userinfo::Jwt => {
                let (token, algorithms) = (str::from_utf8(&body).unwrap_or_default(), metadata.userinfo_algorithms());
                let sealed = Sealed { token: token.trim(), doubt: WHAT, what: Some(Encrypted::Userinfo), algorithms };
                self.unseal(metadata, sealed, now).await?
            }
        };
        Ok(claims.and_then(|claims| {
            let complete = userinfo::complete(&self.eid, said, &claims, form);
            complete.map_err(|why| self.refuse(WHAT, why))
        }))
    }

    /// Posts a form in our own name; an answer of 5xx is as good as none.
    async fn post(
        &self,
        call: &Call<'_>,
        metadata: &Metadata,
        uri: &Url,
        mut fields: Vec<(&str, String)>,
    ) -> anyhow::Result<Result<(StatusCode, Map<String, Value>), Failure>> {
        let headers = self.prove(call, metadata, &mut fields)?;
        let form: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, body) = match self.outbound.ask(uri, &headers, &form).await {
            Ok((status, body)) if !status.is_server_error() => (status, body),
            Ok((status, _)) => return Ok(Err(self.silent(status.as_str(), call.now))),
            Err(error) => return Ok(Err(self.silent(&error.to_string(), call.now))),
        };
        self.was_asked(false, call.now);
        Ok(Ok((status, serde_json::from_slice(&body).unwrap_or_default())))
    }

    /// OpenID Connect Core 9: adds to a form, or to its headers, what proves who we are.
    fn prove(
        &self,
        call: &Call<'_>,
        metadata: &Metadata,
        fields: &mut Vec<(&str, String)>,
    ) -> anyhow::Result<Vec<(&'static str, String)>> {
        if !fields.iter().any(|(name, _)| *name == "client_id") {
            fields.push(("client_id", self.client_id().to_owned()));
        }
        match &self.eid.proof {
            ClientProof::Key(key) => {
                fields.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
                fields.push(("client_assertion", self.assertion(call, key)?));
                Ok(Vec::new())
            }
            ClientProof::Secret(secret) if metadata.takes_basic() => {
                // RFC 6749 2.3.1: both are form-encoded first.
                let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encode(self.client_id()), encode(secret.reveal()));
                Ok(vec![("authorization", format!("Basic {}", STANDARD.encode(pair)))])
            }
            ClientProof::Secret(secret) => {
                fields.push(("client_secret", secret.reveal().to_owned()));
                Ok(Vec::new())
            }
        }
    }

    /// RFC 7523 3
    fn assertion(&self, call: &Call<'_>, key: &OwnKey) -> anyhow::Result<String> {
        let mut header = Header::new(key.algorithm);
        header.kid = Some(key.kid.clone());
        let audience = self.eid.config.assertion_audience.as_ref().unwrap_or(&self.eid.config.issuer);
        let claims = json!({
            "iss": self.client_id(),
            "sub": self.client_id(),
            "aud": audience,
            "iat": call.now,
            "exp": call.now.plus(ASSERTION_FOR),
            "jti": call.app.world.chance.token()?.reveal(),
        });
        jsonwebtoken::encode(&header, &claims, &key.private).context("an assertion cannot be signed")
    }

    fn refuse(&self, what: &'static str, why: &str) -> Failure {
        self.tell(what, why);
        Failure::Refused
    }

    fn silent(&self, why: &str, now: Timestamp) -> Failure {
        self.tell("no answer of use", why);
        self.was_asked(true, now);
        Failure::Unavailable
    }

    fn tell(&self, what: &'static str, why: &str) {
        tracing::warn!(eid = self.eid.config.id, why, "{what}");
    }
}

impl Provider {
    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where a form that chooses it leads to (Content-Security-Policy, `form-action`), as far as is known now.
    pub fn form_targets(&self) -> Vec<String> {
        let known = self.state().known();
        let endpoint = known.as_ref().map(|metadata| &metadata.authorization_endpoint);
        let all = [&self.eid.issuer].into_iter().chain(endpoint).chain(&self.eid.config.origins);
        let mut targets: Vec<String> = all.map(|url| url.origin().ascii_serialization()).collect();
        targets.sort();
        targets.dedup();
        targets
    }

    /// Whether the picker says of it that it does not answer.
    pub fn is_down(&self, now: Timestamp) -> bool {
        self.state().is_down(now)
    }

    /// It was asked something.
    fn was_asked(&self, is_silent: bool, now: Timestamp) {
        self.change(|state| state.was_asked(is_silent, now));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn is_due(&self, now: Timestamp) -> bool {
        matches!(self.state().next(now), Next::Fetch)
    }

    async fn metadata(self: &Arc<Provider>, now: Timestamp) -> anyhow::Result<Option<Arc<Metadata>>> {
        match self.state().next(now) {
            Next::Use(metadata) => Ok(metadata),
            Next::Fetch => {
                let provider = self.clone();
                // Who hangs up does not stop the fetch that others wait for.
                Ok(tokio::spawn(async move { provider.fetch(now).await }).await?)
            }
        }
    }

    /// OpenID Connect Discovery 4
    async fn fetch(&self, now: Timestamp) -> Option<Arc<Metadata>> {
        let _turn = self.turn.lock().await;
        // Who had to wait may find it done.
        if let Next::Use(metadata) = self.state().next(now) {
            return metadata;
        }
        let fetched = match self.outbound.get_json(&metadata::address(&self.eid.issuer)).await {
            Ok(body) => Metadata::parse(&body, &self.eid.config.issuer),
            Err(error) => Err(error.to_string()),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(metadata) => state.has_answered(metadata, now),
            Err(why) => {
                tracing::warn!(eid = self.eid.config.id, why, "the metadata of an eID cannot be used");
                state.has_failed(now);
            }
        }
        state.known()
    }
}
