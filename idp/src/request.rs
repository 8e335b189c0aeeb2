//! The authorization request (OpenID Connect Core 3.1.2.1), parsed once. Each check stands in one function.

use authenticators::person::Fnr;
use serde::{Deserialize, Serialize};

use crate::acr::{Acr, Eid};
use crate::app::App;
use crate::claims;
use crate::client::{Client, ClientId, CodeChallengeMethod};
use crate::error::{OAuthError, Refusal};
use crate::params::Params;
use crate::session::Circle;
use crate::text::Language;

/// How the answer travels (OAuth 2.0 Multiple Response Type Encoding Practices; Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect.
    Query,
    /// In a form that the browser posts.
    FormPost,
}

/// Where and how the answer goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReturnTo {
    /// The service.
    pub client: ClientId,
    /// A registered address, byte for byte.
    pub redirect_uri: String,
    /// Query or form.
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
    /// Seconds that the proof may be old.
    pub max_age: Option<u32>,
    /// The subject of `id_token_hint`.
    pub subject: Option<String>,
    /// TestID without a page, by `login_hint`.
    pub test_id: Option<(Fnr, Acr)>,
    /// With whom the service shares logins.
    pub circle: Circle,
}

impl AuthorizationRequest {
    /// Reads the parameters, trust first: whom an error may be told is known before any error can arise.
    pub async fn parse(app: &App, params: &Params) -> Result<AuthorizationRequest, Refusal> {
        let client = client(app, params).await?;
        let return_to = return_to(&client, params).map_err(Refusal::ToPerson)?;
        match rest(app, &client, &return_to, params) {
            Ok(request) => Ok(request),
            Err(error) => Err(Refusal::ToClient(Box::new(return_to), error)),
        }
    }

    /// Back to the service with an error.
    pub fn refuse(&self, error: OAuthError) -> Refusal {
        Refusal::ToClient(Box::new(self.return_to.clone()), error)
    }
}

async fn client(app: &App, params: &Params) -> Result<std::sync::Arc<Client>, Refusal> {
    let named = params.one("client_id").map_err(Refusal::ToPerson)?;
    let named = named.ok_or_else(|| Refusal::ToPerson(OAuthError::invalid_request("Missing parameter client_id.")))?;
    let unknown = || Refusal::ToPerson(OAuthError::invalid_client("Invalid parameter client_id. Not registered."));
    let id = ClientId::named(named).ok_or_else(unknown)?;
    app.client(&id).await?.ok_or_else(unknown)
}

/// RFC 6749 3.1.2, 4.1.2.1: byte equality, and no answer to an address that is not registered.
fn return_to(client: &Client, params: &Params) -> Result<ReturnTo, OAuthError> {
    let asked =
        params.one("redirect_uri")?.ok_or_else(|| OAuthError::invalid_request("Missing parameter redirect_uri."))?;
    let registered = client.registration.redirect_uris.iter().find(|uri| *uri == asked);
    let redirect_uri = registered
        .ok_or_else(|| OAuthError::invalid_request("Invalid parameter redirect_uri. Not registered on client."))?;
    let mode = match params.one("response_mode")? {
        Some("form_post") => ResponseMode::FormPost,
        // What cannot be done is told in the query, see `response_mode` below.
        _ => ResponseMode::Query,
    };
    let state = params.one("state")?.map(str::to_owned);
    if state.as_ref().is_some_and(|state| !is_printable(state)) {
        return Err(OAuthError::invalid_request("Invalid parameter state."));
    }
    let locales = params.one("ui_locales").ok().flatten().unwrap_or_default();
    let language = locales.split(' ').take(20).find_map(Language::parse);
    Ok(ReturnTo { client: client.id.clone(), redirect_uri: redirect_uri.clone(), mode, state, language })
}

fn rest(app: &App, client: &Client, return_to: &ReturnTo, params: &Params) -> Result<AuthorizationRequest, OAuthError> {
    if let Some(name) = params.repeated() {
        return Err(OAuthError::invalid_request(format!("Parameter {} is sent more than once.", ascii(name))));
    }
    not_supported(params)?;
    response_type(params)?;
    response_mode(params)?;
    let acr = acr_values(params)?;
    let request = AuthorizationRequest {
        return_to: return_to.clone(),
        scope: scope(client, params)?,
        nonce: nonce(client, return_to, params)?,
        code_challenge: code_challenge(client, params)?,
        prompt: prompt(params)?,
        max_age: max_age(params)?,
        subject: id_token_hint(app, client, params)?,
        test_id: login_hint(app, &acr, params)?,
        acr,
        circle: Circle::of(client),
    };
    Ok(request)
}

/// RFC 6749 appendix A: VSCHAR; and no longer than a browser would carry it.
pub(crate) fn is_printable(text: &str) -> bool {
    text.len() <= 2048 && text.bytes().all(|b| (0x20..=0x7e).contains(&b))
}

/// `error_description` holds printable ASCII without quotation marks (RFC 6749 4.1.2.1).
fn ascii(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(50).collect()
}

/// OpenID Connect Core 6.1, 6.2, 7.2.1
fn not_supported(params: &Params) -> Result<(), OAuthError> {
    if params.one("request")?.is_some() {
        return Err(OAuthError::request_not_supported("Parameter request is not supported."));
    }
    if params.one("request_uri")?.is_some() {
        return Err(OAuthError::request_uri_not_supported("Parameter request_uri is not supported."));
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

fn response_mode(params: &Params) -> Result<(), OAuthError> {
    match params.one("response_mode")? {
        None | Some("query" | "form_post") => Ok(()),
        Some(_) => Err(OAuthError::invalid_request("Invalid parameter response_mode.")),
    }
}

fn scope(client: &Client, params: &Params) -> Result<Vec<String>, OAuthError> {
    let asked = params.one("scope")?.ok_or_else(|| OAuthError::invalid_request("Missing parameter scope."))?;
    let mut scopes: Vec<String> = asked.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    scopes.sort();
    scopes.dedup();
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
    if !client.registration.has_secret() {
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
    // SHA-256 in base64url without padding is 43 characters long.
    let fits = challenge.len() == 43 && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !fits {
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
