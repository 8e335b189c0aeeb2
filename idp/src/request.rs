//! The authorization request (OpenID Connect Core 3.1.2.1), parsed once. Each check stands in one function.

use std::sync::Arc;
use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::person::Fnr;
use authenticators::scratch::Kept;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::acr::{Acr, Eid};
use crate::app::App;
use crate::claims;
use crate::client::{Client, ClientId};
use crate::error::{OAuthError, Refusal};
use crate::params::Params;
use crate::redirect;
use crate::registration::CodeChallengeMethod;
use crate::request_object;
use crate::scope::{self, ScopeName};
use crate::session::Circle;
use crate::text::Language;

/// How the answer travels (OAuth 2.0 Multiple Response Type Encoding Practices; Form Post Response Mode; JARM 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseMode {
    /// In the query of the redirect.
    #[serde(rename = "query")]
    Query,
    /// In a form that the browser posts.
    #[serde(rename = "form_post")]
    FormPost,
    /// In the query, as a JWT.
    #[serde(rename = "query.jwt")]
    QueryJwt,
    /// In a form, as a JWT.
    #[serde(rename = "form_post.jwt")]
    FormPostJwt,
}

impl ResponseMode {
    /// All of them, in the order of the discovery document.
    pub const ALL: [ResponseMode; 4] =
        [ResponseMode::Query, ResponseMode::FormPost, ResponseMode::QueryJwt, ResponseMode::FormPostJwt];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            ResponseMode::Query => "query",
            ResponseMode::FormPost => "form_post",
            ResponseMode::QueryJwt => "query.jwt",
            ResponseMode::FormPostJwt => "form_post.jwt",
        }
    }

    /// JARM 2.3.4: `jwt` is the query's JWT, since the answer is a code.
    fn parse(name: &str) -> Option<ResponseMode> {
        match name {
            "jwt" => Some(ResponseMode::QueryJwt),
            _ => ResponseMode::ALL.into_iter().find(|mode| mode.name() == name),
        }
    }
}

/// Where and how the answer goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReturnTo {
    /// The service.
    pub client: ClientId,
    /// A registered address.
    pub redirect_uri: String,
    /// Query or form, plain or signed.
    pub mode: ResponseMode,
    /// The service's own note.
    pub state: Option<String>,
    /// The language for a form that has to be pressed.
    pub language: Option<Language>,
}

/// `prompt`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// No page may be shown.
    pub none: bool,
    /// The citizen must prove themselves again.
    pub login: bool,
    /// The citizen must agree.
    pub consent: bool,
}

/// A request that may be answered: client known, redirect registered, PKCE and scopes legal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Where and how the answer goes.
    pub return_to: ReturnTo,
    /// What is asked for, in alphabetic order.
    pub scope: Vec<String>,
    /// Copied into the ID token.
    pub nonce: Option<String>,
    /// RFC 7636 4.3, method S256.
    pub code_challenge: Option<String>,
    /// The levels of which one is enough; never empty.
    pub acr: Vec<Acr>,
    /// `prompt`
    pub prompt: Prompt,
    /// The scopes that the citizen is asked about, unless they have agreed before.
    pub consent: Vec<ScopeName>,
    /// Seconds that the proof may be old.
    pub max_age: Option<u32>,
    /// The subject of `id_token_hint`.
    pub subject: Option<String>,
    /// TestID without a page, by `login_hint`.
    pub test_id: Option<(Fnr, Acr)>,
    /// With whom the service shares logins.
    pub circle: Circle,
    /// The resources that the access token is for (RFC 8707).
    pub resource: Vec<String>,
    /// What is asked for in detail (RFC 9396).
    pub authorization_details: Vec<Value>,
    /// The key that the code will be bound to (RFC 9449 10).
    pub dpop_jkt: Option<String>,
    /// On whose behalf the client asks.
    pub onbehalfof: Option<String>,
    /// The pushed request that it came in, and this visit's mark in it.
    pub pushed: Option<(TokenHash, TokenHash)>,
}

/// A request that was pushed (RFC 9126).
#[derive(Serialize, Deserialize)]
pub struct Pushed(pub AuthorizationRequest);

impl Kept for Pushed {
    const KIND: &'static str = "pushed";
    const FOR: Duration = Duration::from_secs(120);
}

/// The visit that a pushed request has ended in. There is one.
#[derive(Serialize, Deserialize)]
struct Ended(TokenHash);

impl Kept for Ended {
    const KIND: &'static str = "pushed-ended";
    /// Longer than any login takes.
    const FOR: Duration = Duration::from_hours(2);
}

/// What stands before the handle of a pushed request (RFC 9126 2.2).
pub const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";

impl AuthorizationRequest {
    /// Reads the parameters, trust first: whom an error may be told is known before any error can arise.
    pub async fn parse(app: &App, params: &Params, now: Timestamp) -> Result<AuthorizationRequest, Refusal> {
        let client = client(app, params).await?;
        if let Some(handle) = params.one("request_uri").ok().flatten().and_then(|uri| uri.strip_prefix(REQUEST_URI)) {
            return visit(app, &client, handle, now).await.map_err(Refusal::ToPerson);
        }
        let inner = match request_object::unfold(app, &client, params, now).await {
            Ok(inner) => inner,
            // The address outside the object is as good as any other that is registered.
            Err(error) => {
                let return_to = return_to(&client, params);
                return Err(return_to.map_or_else(Refusal::ToPerson, |to| Refusal::ToClient(Box::new(to), error)));
            }
        };
        let return_to = return_to(&client, &inner).map_err(Refusal::ToPerson)?;
        let request = match client.registration.require_pushed_authorization_requests {
            true => Err(OAuthError::invalid_request("The client has to push its requests.")),
            false => rest(app, &client, &return_to, &inner),
        };
        let request = match request {
            Ok(request) => request.under_the_rules(app, &client).await,
            Err(error) => Err(error),
        };
        request.map_err(|error| Refusal::ToClient(Box::new(return_to), error))
    }

    /// Reads the parameters that a client pushes: all errors are its own.
    pub async fn parse_pushed(
        app: &App,
        client: &Client,
        params: &Params,
        now: Timestamp,
    ) -> Result<AuthorizationRequest, OAuthError> {
        // RFC 9126 2.1
        if params.one("request_uri")?.is_some() {
            return Err(OAuthError::invalid_request("Parameter request_uri cannot be pushed."));
        }
        let inner = request_object::unfold(app, client, params, now).await?;
        let return_to = return_to(client, &inner)?;
        rest(app, client, &return_to, &inner)?.under_the_rules(app, client).await
    }

    /// The request with what its scopes ask for besides.
    async fn under_the_rules(mut self, app: &App, client: &Client) -> Result<AuthorizationRequest, OAuthError> {
        scope::may_use(app, client, &self.scope).await?;
        let rules = scope::rules(app, &self.scope).await?;
        self.prompt.login |= rules.fresh;
        self.consent = rules.consent.iter().map(|scope| scope.name.clone()).collect();
        Ok(self)
    }

    /// Ends a pushed request: one visit gets its answer. The same visit may get it again.
    pub async fn end_pushed(&self, app: &App, now: Timestamp) -> Result<(), Refusal> {
        let Some((handle, visit)) = &self.pushed else { return Ok(()) };
        let scratch = &app.world.scratch;
        if scratch.claim(handle, &Ended(visit.clone()), now).await? {
            return Ok(());
        }
        match scratch.get::<Ended>(handle, now).await? {
            Some(ended) if ended.value.0 == *visit => Ok(()),
            _ => Err(self.refuse(OAuthError::invalid_request_uri("The pushed request has been used."))),
        }
    }

    /// Whether these consents are all that it needs.
    pub fn is_covered_by(&self, agreed: &[ScopeName]) -> bool {
        self.consent.iter().all(|scope| agreed.contains(scope))
    }

    /// Back to the service with an error, which ends a pushed request as an answer does.
    pub async fn end_with(&self, app: &App, error: OAuthError, now: Timestamp) -> Refusal {
        match self.end_pushed(app, now).await {
            Ok(()) => self.refuse(error),
            Err(refusal) => refusal,
        }
    }

    /// Back to the service with an error.
    pub fn refuse(&self, error: OAuthError) -> Refusal {
        Refusal::ToClient(Box::new(self.return_to.clone()), error)
    }
}

async fn client(app: &App, params: &Params) -> Result<Arc<Client>, Refusal> {
    let named = params.one("client_id").map_err(Refusal::ToPerson)?;
    let named = named.ok_or_else(|| Refusal::ToPerson(OAuthError::invalid_request("Missing parameter client_id.")))?;
    let unknown = || Refusal::ToPerson(OAuthError::invalid_client("Invalid parameter client_id. Not registered."));
    let id = ClientId::named(named).ok_or_else(unknown)?;
    app.client(&id).await?.ok_or_else(unknown)
}

/// A browser comes with a pushed request. It may come again until one visit has been answered, since browsers and
/// people go back and reload.
async fn visit(app: &App, client: &Client, handle: &str, now: Timestamp) -> Result<AuthorizationRequest, OAuthError> {
    let gone = || OAuthError::invalid_request_uri("Invalid parameter request_uri. Unknown, too old or used.");
    let handle = Token::presented(handle).hash();
    let read = app.world.scratch.get::<Pushed>(&handle, now).await?;
    let request = read.ok_or_else(gone)?.value.0;
    if request.return_to.client != client.id || app.world.scratch.get::<Ended>(&handle, now).await?.is_some() {
        return Err(gone());
    }
    let visit = app.world.chance.token()?.hash();
    Ok(AuthorizationRequest { pushed: Some((handle, visit)), ..request })
}

/// RFC 6749 3.1.2, 4.1.2.1: byte equality, and no answer to an address that is not registered.
fn return_to(client: &Client, params: &Params) -> Result<ReturnTo, OAuthError> {
    let asked =
        params.one("redirect_uri")?.ok_or_else(|| OAuthError::invalid_request("Missing parameter redirect_uri."))?;
    let redirect_uri = redirect::matching(&client.registration, asked)
        .ok_or_else(|| OAuthError::invalid_request("Invalid parameter redirect_uri. Not registered on client."))?;
    let registered = &client.registration.response_modes;
    let asked = params.one("response_mode").ok().flatten();
    let mode = asked.and_then(ResponseMode::parse).filter(|mode| registered.contains(mode));
    // What cannot be done is told in the usual way, see `response_mode` and `state` below.
    let mode = mode.or(registered.first().copied()).unwrap_or(ResponseMode::Query);
    let state = state(params).ok().flatten();
    let locales = params.one("ui_locales").ok().flatten().unwrap_or_default();
    let language = locales.split(' ').take(20).find_map(Language::parse);
    Ok(ReturnTo { client: client.id.clone(), redirect_uri: redirect_uri.to_owned(), mode, state, language })
}

fn rest(app: &App, client: &Client, return_to: &ReturnTo, params: &Params) -> Result<AuthorizationRequest, OAuthError> {
    params.each_once()?;
    not_supported(params)?;
    response_type(params)?;
    response_mode(client, params)?;
    state(params)?;
    let acr = acr_values(params)?;
    let request = AuthorizationRequest {
        return_to: return_to.clone(),
        scope: scopes(client, params)?,
        nonce: nonce(client, return_to, params)?,
        code_challenge: code_challenge(client, params)?,
        prompt: prompt(params)?,
        consent: Vec::new(),
        max_age: max_age(params)?,
        subject: id_token_hint(app, client, params)?,
        test_id: login_hint(app, &acr, params)?,
        acr,
        circle: Circle::of(client),
        resource: resource(params)?,
        authorization_details: authorization_details(client, params)?,
        dpop_jkt: dpop_jkt(params)?,
        onbehalfof: onbehalfof(client, params)?,
        pushed: None,
    };
    Ok(request)
}

fn state(params: &Params) -> Result<Option<String>, OAuthError> {
    match params.one("state")? {
        Some(state) if !is_printable(state) => Err(OAuthError::invalid_request("Invalid parameter state.")),
        state => Ok(state.map(str::to_owned)),
    }
}

/// RFC 6749 appendix A: VSCHAR; and no longer than a browser would carry it.
pub(crate) fn is_printable(text: &str) -> bool {
    text.len() <= 2048 && text.bytes().all(|b| (0x20..=0x7e).contains(&b))
}

/// OpenID Connect Core 6.2, 7.2.1: nothing is fetched from an address that stands in a request.
fn not_supported(params: &Params) -> Result<(), OAuthError> {
    if params.one("request_uri")?.is_some() {
        return Err(OAuthError::request_uri_not_supported("Parameter request_uri is for pushed requests alone."));
    }
    Ok(())
}

fn response_type(params: &Params) -> Result<(), OAuthError> {
    match params.one("response_type")? {
        Some("code") => Ok(()),
        Some(_) => {
            Err(OAuthError::unsupported_response_type("Invalid parameter response_type. Only code is supported."))
        }
        None => Err(OAuthError::invalid_request("Missing parameter response_type.")),
    }
}

fn response_mode(client: &Client, params: &Params) -> Result<(), OAuthError> {
    let asked = params.one("response_mode")?;
    let known = asked.map(|name| ResponseMode::parse(name).filter(|m| client.registration.response_modes.contains(m)));
    match known {
        None | Some(Some(_)) => Ok(()),
        Some(None) => Err(OAuthError::invalid_request("Invalid parameter response_mode.")),
    }
}

/// RFC 8707 2: absolute URIs without a fragment.
pub fn resource(params: &Params) -> Result<Vec<String>, OAuthError> {
    let asked: Vec<String> = params.all("resource").map(str::to_owned).collect();
    let fits = |uri: &String| uri.len() <= 512 && Url::parse(uri).is_ok_and(|url| url.fragment().is_none());
    if asked.len() > 10 || !asked.iter().all(fits) {
        return Err(OAuthError::invalid_target("Invalid parameter resource."));
    }
    Ok(asked)
}

/// RFC 9396 2, 5: an array of objects, each of a type that is registered for the client.
pub fn authorization_details(client: &Client, params: &Params) -> Result<Vec<Value>, OAuthError> {
    let Some(text) = params.one("authorization_details")? else { return Ok(Vec::new()) };
    let wrong = |why: &str| {
        OAuthError::invalid_authorization_details(format!("Invalid parameter authorization_details. {why}"))
    };
    let details: Vec<Value> = match text.len() {
        0..=8192 => serde_json::from_str(text).map_err(|_| wrong("Not a JSON array."))?,
        _ => return Err(wrong("Too long.")),
    };
    let registered = &client.registration.authorization_details_types;
    let known = |detail: &Value| {
        let kind = detail.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| registered.iter().any(|own| own == kind))
    };
    match details.iter().all(known) {
        true => Ok(details),
        false => Err(wrong("A type is not registered on client.")),
    }
}

/// RFC 9449 10: a SHA-256 thumbprint.
fn dpop_jkt(params: &Params) -> Result<Option<String>, OAuthError> {
    let jkt = params.one("dpop_jkt")?;
    match jkt {
        Some(jkt) if !is_a_sha256(jkt) => Err(OAuthError::invalid_request("Invalid parameter dpop_jkt.")),
        _ => Ok(jkt.map(str::to_owned)),
    }
}

fn onbehalfof(client: &Client, params: &Params) -> Result<Option<String>, OAuthError> {
    let Some(asked) = params.one("onbehalfof")? else { return Ok(None) };
    let known = client.registration.onbehalfof.iter().any(|customer| customer.onbehalfof == asked);
    match known {
        true => Ok(Some(asked.to_owned())),
        false => Err(OAuthError::invalid_request("Invalid parameter onbehalfof. Not registered on client.")),
    }
}

/// SHA-256 in base64url without padding is 43 characters long.
fn is_a_sha256(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn scopes(client: &Client, params: &Params) -> Result<Vec<String>, OAuthError> {
    let asked = params.one("scope")?.ok_or_else(|| OAuthError::invalid_request("Missing parameter scope."))?;
    let scopes = scope::names(asked);
    let registered = &client.registration.scopes;
    match scopes.iter().find(|scope| !registered.contains(scope)) {
        Some(_) => Err(OAuthError::invalid_scope("Invalid parameter scope. Not registered on client.")),
        None if scopes.is_empty() => Err(OAuthError::invalid_scope("Invalid parameter scope.")),
        None => Ok(scopes),
    }
}

/// A public client has no secret to show that the answer is its own: it must send `state` and `nonce`.
fn nonce(client: &Client, return_to: &ReturnTo, params: &Params) -> Result<Option<String>, OAuthError> {
    let nonce = params.one("nonce")?;
    if nonce.is_some_and(|nonce| !is_printable(nonce)) {
        return Err(OAuthError::invalid_request("Invalid parameter nonce."));
    }
    if client.registration.is_public() {
        if return_to.state.is_none() {
            return Err(OAuthError::invalid_request("Missing parameter state."));
        }
        if nonce.is_none() {
            return Err(OAuthError::invalid_request("Missing parameter nonce."));
        }
    }
    Ok(nonce.map(str::to_owned))
}

/// RFC 7636 4.3, 4.4.1
fn code_challenge(client: &Client, params: &Params) -> Result<Option<String>, OAuthError> {
    let method = params.one("code_challenge_method")?;
    let Some(challenge) = params.one("code_challenge")? else {
        return match client.registration.code_challenge_method {
            CodeChallengeMethod::None if method.is_none() => Ok(None),
            _ => Err(OAuthError::invalid_request("Missing parameter code_challenge.")),
        };
    };
    if method != Some("S256") {
        return Err(OAuthError::invalid_request("Invalid parameter code_challenge_method. Only S256 is supported."));
    }
    if !is_a_sha256(challenge) {
        return Err(OAuthError::invalid_request("Invalid parameter code_challenge."));
    }
    Ok(Some(challenge.to_owned()))
}

/// Unknown levels are passed over (OpenID Connect Core 3.1.2.1: voluntary). Asking for none is asking for substantial.
fn acr_values(params: &Params) -> Result<Vec<Acr>, OAuthError> {
    let asked = params.one("acr_values")?.unwrap_or_default();
    let known: Vec<Acr> = asked.split(' ').take(50).filter_map(Acr::parse).collect();
    Ok(if known.is_empty() { vec![Acr::SUBSTANTIAL] } else { known })
}

fn prompt(params: &Params) -> Result<Prompt, OAuthError> {
    let mut prompt = Prompt::default();
    for value in params.one("prompt")?.unwrap_or_default().split(' ').filter(|value| !value.is_empty()) {
        match value {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            _ => return Err(OAuthError::invalid_request("Invalid parameter prompt.")),
        }
    }
    if prompt.none && (prompt.login || prompt.consent) {
        return Err(OAuthError::invalid_request("Invalid parameter prompt. Nothing goes with none."));
    }
    Ok(prompt)
}

fn max_age(params: &Params) -> Result<Option<u32>, OAuthError> {
    let wrong = |_| OAuthError::invalid_request("Invalid parameter max_age.");
    params.one("max_age")?.map(|text| text.parse().map_err(wrong)).transpose()
}

/// OpenID Connect Core 3.1.2.1: one of our tokens for this client, however old.
fn id_token_hint(app: &App, client: &Client, params: &Params) -> Result<Option<String>, OAuthError> {
    let Some(hint) = params.one("id_token_hint")? else { return Ok(None) };
    match claims::read_hint(app, hint) {
        Some(token) if token.aud == client.id.as_str() => Ok(Some(token.sub)),
        _ => Err(OAuthError::invalid_request("Invalid parameter id_token_hint.")),
    }
}

/// `testid:<pid>_<acr>` logs in without a page where synthetic people are let in; any other hint is passed over.
fn login_hint(app: &App, asked: &[Acr], params: &Params) -> Result<Option<(Fnr, Acr)>, OAuthError> {
    let hint = params.one("login_hint")?.and_then(|hint| hint.strip_prefix("testid:"));
    let Some(hint) = hint.filter(|_| app.config.people.synthetic) else { return Ok(None) };
    let wrong = || OAuthError::invalid_request("Invalid parameter login_hint.");
    let (fnr, acr) = hint.split_once('_').ok_or_else(wrong)?;
    let fnr = Fnr::parse(fnr, app.config.people).map_err(|_| wrong())?;
    let acr = Acr::parse(acr).ok_or_else(wrong)?;
    if !Eid::TestId.levels(asked).contains(&acr) {
        return Err(OAuthError::unmet_authentication_requirements("The level in login_hint is below acr_values."));
    }
    Ok(Some((fnr, acr)))
}
