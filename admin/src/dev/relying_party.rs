//! The demonstration services: true relying parties on the `openidconnect` crate, which reach Porten over HTTP
//! like any other service, and remember each step for showing.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use authenticators::chance::{Chance, Token};
use authenticators::clock::Timestamp;
use authenticators::world::World;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idp::client::{Client, ClientId, NewSecret};
use idp::registration::Registration;
use idp::scope::{ScopeName, ScopeRegistration};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreIdToken, CoreProviderMetadata};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthType, AuthorizationCode, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl,
    ProviderMetadataWithLogout, RedirectUrl, Scope, TokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A service that shows what a login gives.
#[derive(Debug)]
pub(super) struct Service {
    /// Its name in paths.
    pub(super) path: &'static str,
    /// Its name on pages.
    pub(super) name: &'static str,
    /// Words for what it is.
    pub(super) about: &'static str,
    /// What it asks for.
    pub(super) level: &'static str,
    /// How it proves who it is.
    pub(super) auth: &'static str,
    application_type: &'static str,
    algorithm: &'static str,
    /// What it asks for besides `openid`.
    scopes: &'static [&'static str],
}

/// Whose all of them are.
const OWNER: &str = "999999999";
/// The scope that the citizen is asked about.
const ASKED: &str = "fjordvik:fastlege.read";

/// One asks for substantial, one for high, one is a public client, one asks the citizen for consent.
pub(super) const SERVICES: [Service; 4] = [
    Service {
        path: "byggesak",
        name: "Byggesak i Fjordvik kommune",
        about: "dev-service-building",
        level: "idporten-loa-substantial",
        auth: "client_secret_basic",
        application_type: "web",
        algorithm: "RS256",
        scopes: &["profile"],
    },
    Service {
        path: "journal",
        name: "Pasientjournal Fjordvik",
        about: "dev-service-journal",
        level: "idporten-loa-high",
        auth: "client_secret_post",
        application_type: "web",
        algorithm: "RS256",
        scopes: &["profile"],
    },
    Service {
        path: "bibliotek",
        name: "Fjordvik bibliotek",
        about: "dev-service-library",
        level: "idporten-loa-substantial",
        auth: "none",
        application_type: "browser",
        algorithm: "ES256",
        scopes: &["profile"],
    },
    Service {
        path: "fastlege",
        name: "Fastlegen i Fjordvik",
        about: "dev-service-doctor",
        level: "idporten-loa-substantial",
        auth: "client_secret_basic",
        application_type: "web",
        algorithm: "PS256",
        scopes: &["profile", ASKED],
    },
];

impl Service {
    fn client_id(&self) -> String {
        format!("demo-{}", self.path)
    }

    fn redirect_uri(&self, issuer: &str) -> String {
        format!("{issuer}/demo/{}/callback", self.path)
    }
}

/// A request and its answer, for showing.
#[derive(Debug, Clone)]
pub(super) struct ProtocolStep {
    pub(super) title: &'static str,
    pub(super) sent: String,
    pub(super) got: String,
}

/// Somebody who is logged in at a service.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) greeting: String,
    pub(super) claims: Vec<(String, String)>,
    pub(super) steps: Vec<ProtocolStep>,
    id_token: String,
}

/// A login that was begun at a service and has not come back.
struct Pending {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    steps: Vec<ProtocolStep>,
}

/// What the services keep: who is logged in, and who is on the way. By browser, service and `state`.
#[derive(Clone)]
pub(super) struct Services {
    issuer: String,
    secrets: Arc<HashMap<&'static str, Token>>,
    http: reqwest::Client,
    pending: Arc<Mutex<Bounded<Pending>>>,
    visitors: Arc<Mutex<Bounded<Visitor>>>,
}

/// A map that forgets its oldest entries.
struct Bounded<T> {
    entries: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Bounded<T> {
    fn default() -> Bounded<T> {
        Bounded { entries: HashMap::new(), order: VecDeque::new() }
    }
}

impl<T> Bounded<T> {
    const AT_MOST: usize = 1000;

    fn put(&mut self, key: String, value: T) {
        if self.entries.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > Self::AT_MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
    }
}

/// What the citizen reads of [`ASKED`].
fn scope() -> anyhow::Result<(ScopeName, ScopeRegistration)> {
    let words = serde_json::from_value(json!({
        "description": "Se hvem som er fastlegen din",
        "description#nn": "Sjå kven som er fastlegen din",
        "description#en": "See who your doctor is",
        "long_description": "Tjenesten får vite **navnet** på fastlegen din, og hvor legen holder til. \
            Den får *ikke* vite noe om helsen din.",
        "long_description#nn": "Tenesta får vite **namnet** på fastlegen din, og kvar legen held til. \
            Ho får *ikkje* vite noko om helsa di.",
        "long_description#en": "The service learns the **name** of your doctor, and where the doctor works. \
            It does *not* learn anything about your health.",
        "owner_orgno": OWNER,
        "requires_user_consent": true,
    }))?;
    Ok((ScopeName::parse(ASKED).context("the demonstration scope's name")?, words))
}

/// Registers the services as clients, with a fresh secret at each start.
pub(super) async fn register(world: &World, issuer: &str, now: Timestamp) -> anyhow::Result<Services> {
    let (asked, words) = scope()?;
    if !idp::scope::Scope::register(&world.db, &asked, &words, now).await? {
        idp::scope::Scope::change(&world.db, &asked, &words, now).await?;
    }
    let mut secrets = HashMap::new();
    for service in &SERVICES {
        let scopes: Vec<&str> = ["openid"].iter().chain(service.scopes).copied().collect();
        let id = ClientId::named(&service.client_id()).context("a demonstration service's name")?;
        let registration: Registration = serde_json::from_value(json!({
            "client_name": service.name,
            "client_uri": format!("{issuer}/demo/{}", service.path),
            "client_orgno": OWNER,
            "application_type": service.application_type,
            "token_endpoint_auth_method": service.auth,
            "redirect_uris": [service.redirect_uri(issuer)],
            "scopes": scopes,
            "post_logout_redirect_uris": [format!("{issuer}/")],
            "id_token_signed_response_alg": service.algorithm,
        }))?;
        let secret = world.chance.token()?;
        let given = registration.has_secret().then_some(&secret);
        if !Client::register(&world.db, &id, &registration, given, now).await? {
            let secret = given.map(|token| NewSecret { token, others_end_at: now });
            Client::change(&world.db, &id, &registration, secret, now).await?;
        }
        if registration.has_secret() {
            secrets.insert(service.path, secret);
        }
    }
    // It speaks to this machine alone, and needs no certificates.
    let http = reqwest::Client::builder().tls_certs_only([]).redirect(reqwest::redirect::Policy::none()).build()?;
    let (pending, visitors) = (Arc::default(), Arc::default());
    Ok(Services { issuer: issuer.to_owned(), secrets: Arc::new(secrets), http, pending, visitors })
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct MoreClaims {
    pid: Option<String>,
}

impl AdditionalClaims for MoreClaims {}

#[derive(Debug)]
struct HttpError(String);

impl std::fmt::Display for HttpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HttpError {}

/// What went over the wire.
type Trace = Arc<Mutex<Vec<(String, String)>>>;

impl Services {
    /// Finds a service by its path.
    pub(super) fn service(path: &str) -> Option<&'static Service> {
        SERVICES.iter().find(|service| service.path == path)
    }

    /// Who is logged in at a service in this browser.
    pub(super) fn visitor(&self, browser: &str, service: &Service) -> Option<Visitor> {
        let visitors = self.visitors.lock().unwrap_or_else(PoisonError::into_inner);
        visitors.entries.get(&format!("{browser} {}", service.path)).cloned()
    }

    /// Begins a login, and says where to send the browser.
    pub(super) async fn begin(&self, browser: &str, service: &Service) -> anyhow::Result<String> {
        let trace = Trace::default();
        let metadata = self.discover(&trace).await?;
        let client = CoreClient::from_provider_metadata(metadata, client_id(service), self.secret(service))
            .set_redirect_uri(RedirectUrl::new(service.redirect_uri(&self.issuer))?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(service.scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
            .add_extra_param("acr_values", service.level)
            .set_pkce_challenge(challenge)
            .url();
        let mut steps = Vec::new();
        let [discovery, jwks] =
            <[_; 2]>::try_from(taken(&trace)).map_err(|_| anyhow::anyhow!("discovery takes two calls"))?;
        steps.push(ProtocolStep {
            title: "dev-step-discovery",
            sent: format!("{}\n{}", discovery.0, jwks.0),
            got: format!("{}\n\n{}", discovery.1, jwks.1),
        });
        let shown = url.query_pairs().map(|(name, value)| format!("  {name}={value}\n")).collect::<String>();
        steps.push(ProtocolStep {
            title: "dev-step-authorize",
            sent: format!("GET {}{}?\n{shown}", self.issuer, url.path()),
            got: "303 See Other".into(),
        });
        let key = format!("{browser} {} {}", service.path, state.secret());
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.put(key, Pending { nonce, verifier, steps });
        Ok(url.into())
    }

    /// Takes an answer that has come back.
    pub(super) async fn complete(
        &self,
        browser: &str,
        service: &Service,
        answer: &HashMap<String, String>,
    ) -> anyhow::Result<()> {
        let given = |name: &str| answer.get(name).with_context(|| format!("the answer has no {name}"));
        // RFC 9207
        anyhow::ensure!(*given("iss")? == self.issuer, "the answer comes from another issuer");
        let key = format!("{browser} {} {}", service.path, given("state")?);
        let found = self.pending.lock().unwrap_or_else(PoisonError::into_inner).entries.remove(&key);
        let Some(mut pending) = found else { bail!("this browser has begun no login with that state") };
        let shown = answer.iter().map(|(name, value)| format!("  {name}={value}\n")).collect::<String>();
        pending.steps.push(ProtocolStep {
            title: "dev-step-callback",
            sent: format!("GET {}?\n{shown}", service.redirect_uri(&self.issuer)),
            got: "303 See Other".into(),
        });
        let visitor = self.redeem(service, given("code")?, pending).await?;
        let mut visitors = self.visitors.lock().unwrap_or_else(PoisonError::into_inner);
        visitors.put(format!("{browser} {}", service.path), visitor);
        Ok(())
    }

    async fn redeem(&self, service: &Service, code: &str, pending: Pending) -> anyhow::Result<Visitor> {
        let trace = Trace::default();
        let metadata = self.discover(&trace).await?;
        let auth_type = if service.auth == "client_secret_post" { AuthType::RequestBody } else { AuthType::BasicAuth };
        let client = CoreClient::from_provider_metadata(metadata, client_id(service), self.secret(service))
            .set_auth_type(auth_type)
            .set_redirect_uri(RedirectUrl::new(service.redirect_uri(&self.issuer))?);
        drop(taken(&trace));
        let http = self.http(&trace);
        let exchange = client.exchange_code(AuthorizationCode::new(code.to_owned()))?;
        let tokens = exchange.set_pkce_verifier(pending.verifier).request_async(&http).await?;
        let mut steps = pending.steps;
        steps.extend(taken(&trace).into_iter().map(|(sent, got)| ProtocolStep { title: "dev-step-token", sent, got }));

        let id_token = tokens.id_token().context("the answer has no ID token")?;
        let verifier = client.id_token_verifier();
        let claims = id_token.claims(&verifier, &pending.nonce)?;
        if let Some(expected) = claims.access_token_hash() {
            let key = id_token.signing_key(&verifier)?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), id_token.signing_alg()?, key)?;
            anyhow::ensure!(actual == *expected, "the access token is another one than the ID token names");
        }
        let (header, body) = parts(&id_token.to_string())?;
        // The service decides whether the level is high enough: OpenID Connect Core 2, `acr`.
        let reached = body.get("acr").and_then(Value::as_str).unwrap_or_default();
        let enough = reached == service.level || reached == "idporten-loa-high";
        anyhow::ensure!(enough, "the level {reached} is not what the service asked for");
        steps.push(ProtocolStep {
            title: "dev-step-id-token",
            sent: id_token.to_string(),
            got: format!("{}\n{}", serde_json::to_string_pretty(&header)?, serde_json::to_string_pretty(&body)?),
        });

        let userinfo = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))?;
        let userinfo: UserInfoClaims<MoreClaims, CoreGenderClaim> = userinfo.request_async(&http).await?;
        steps.extend(taken(&trace).into_iter().map(|(sent, got)| ProtocolStep {
            title: "dev-step-userinfo",
            sent,
            got,
        }));
        let greeting = userinfo.additional_claims().pid.clone().unwrap_or_else(|| claims.subject().to_string());
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let claims = body.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), shown(value))).collect();
        Ok(Visitor { greeting, claims, steps, id_token: id_token.to_string() })
    }

    /// Logs the visitor out of the service, and says where to send the browser to log out of Porten.
    pub(super) async fn end(&self, browser: &str, service: &Service) -> anyhow::Result<String> {
        let key = format!("{browser} {}", service.path);
        let visitor = self.visitors.lock().unwrap_or_else(PoisonError::into_inner).entries.remove(&key);
        let Some(visitor) = visitor else { return Ok("/".into()) };
        let issuer = IssuerUrl::new(self.issuer.clone())?;
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, &self.http(&Trace::default())).await?;
        let end = metadata.additional_metadata().end_session_endpoint.clone().context("no end_session_endpoint")?;
        let hint: CoreIdToken = visitor.id_token.parse()?;
        let url = LogoutRequest::from(end)
            .set_id_token_hint(&hint)
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(format!("{}/", self.issuer))?)
            .http_get_url();
        Ok(url.into())
    }

    async fn discover(&self, trace: &Trace) -> anyhow::Result<CoreProviderMetadata> {
        let issuer = IssuerUrl::new(self.issuer.clone())?;
        Ok(CoreProviderMetadata::discover_async(issuer, &self.http(trace)).await?)
    }

    fn secret(&self, service: &Service) -> Option<ClientSecret> {
        self.secrets.get(service.path).map(|secret| ClientSecret::new(secret.reveal().to_owned()))
    }

    /// An HTTP client that remembers what it said and heard.
    fn http(
        &self,
        trace: &Trace,
    ) -> impl Fn(HttpRequest) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send>> + Send + Sync + use<>
    {
        let (http, trace) = (self.http.clone(), trace.clone());
        move |request| {
            let (http, trace) = (http.clone(), trace.clone());
            Box::pin(async move {
                let sent = shown_request(&request);
                let failed = |error: reqwest::Error| HttpError(error.to_string());
                let answer = http.execute(request.try_into().map_err(failed)?).await.map_err(failed)?;
                let mut response = axum::http::Response::builder().status(answer.status());
                for (name, value) in answer.headers() {
                    response = response.header(name, value);
                }
                let status = answer.status();
                let body = answer.bytes().await.map_err(failed)?.to_vec();
                let text = String::from_utf8_lossy(&body);
                let pretty = serde_json::from_str::<Value>(&text).and_then(|json| serde_json::to_string_pretty(&json));
                let got = format!("{status}\n\n{}", pretty.unwrap_or_else(|_| text.to_string()));
                trace.lock().unwrap_or_else(PoisonError::into_inner).push((sent, got));
                response.body(body).map_err(|error| HttpError(error.to_string()))
            })
        }
    }
}

fn client_id(service: &Service) -> openidconnect::ClientId {
    openidconnect::ClientId::new(service.client_id())
}

fn taken(trace: &Trace) -> Vec<(String, String)> {
    std::mem::take(&mut *trace.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A request as it is shown: without its secrets.
fn shown_request(request: &HttpRequest) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        let value = value.to_str().unwrap_or_default();
        let shown =
            if name == "authorization" { value.split(' ').next().map(|scheme| format!("{scheme} …")) } else { None };
        let _ = writeln!(text, "{name}: {}", shown.unwrap_or_else(|| value.to_owned()));
    }
    if !request.body().is_empty() {
        text += "\n";
        for (name, value) in url::form_urlencoded::parse(request.body()) {
            let value = if name == "client_secret" { "…".into() } else { value };
            let _ = writeln!(text, "  {name}={value}");
        }
    }
    text
}

/// Header and claims of a token that has been checked.
fn parts(token: &str) -> anyhow::Result<(Value, Value)> {
    let mut parts = token.split('.').map(|part| anyhow::Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?));
    let header = parts.next().context("no header")??;
    let claims = parts.next().context("no claims")??;
    Ok((header, claims))
}

/// The mark of a browser at the services.
pub(super) fn fresh_browser() -> anyhow::Result<String> {
    Ok(Chance::System.token()?.reveal().to_owned())
}
