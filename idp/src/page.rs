//! HTML answers: the frame around every page, their headers, and the answer that goes back to a service.

use std::fmt::Display;
use std::time::Duration;

use askama::{DynTemplate, Template};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::assets;
use crate::browser::{Browser, Call};
use crate::client::Client;
use crate::error::{Dead, DeadKind, OAuthError, Refusal};
use crate::keys::TokenType;
use crate::request::{ResponseMode, ReturnTo};
use crate::text::{Language, Text};
use crate::visitor::APP_PATH;

/// JARM 2.1 recommends ten minutes at the most.
const ANSWER_FOR: Duration = Duration::from_mins(10);

/// What every page has.
pub struct Frame {
    text: Text,
    /// The service that the citizen is logging in to.
    pub service: Option<String>,
    here: String,
}

/// A link in the language menu.
pub struct LanguageLink {
    /// `nb`
    pub code: &'static str,
    /// `Bokmål`
    pub name: &'static str,
    /// Where it leads.
    pub href: String,
    /// Whether it is the chosen one.
    pub current: bool,
}

impl Frame {
    /// A frame for a reader, around the page at `here` (a path of ours).
    pub fn new(text: Text, service: Option<String>, here: impl Into<String>) -> Frame {
        Frame { text, service, here: here.into() }
    }

    /// The words under a key.
    pub fn t(&self, key: &str) -> String {
        self.text.t(key)
    }

    /// The words under a key, with one thing put in.
    pub fn with(&self, key: &str, name: &str, value: impl Display) -> String {
        self.text.with(key, name, value.to_string())
    }

    /// The language of the words.
    pub fn lang(&self) -> &'static str {
        self.text.language.of_words().code()
    }

    /// The language menu.
    pub fn languages(&self) -> Vec<LanguageLink> {
        let link = |language: Language| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("to", language.code())
                .append_pair("back", &self.here)
                .finish();
            LanguageLink {
                code: language.code(),
                name: language.name(),
                href: format!("/language?{query}"),
                current: language == self.text.language,
            }
        };
        Language::ALL.map(link).into()
    }

    /// Whether the page is one that the MinID app shows in its own window, and that has a way back.
    pub fn is_in_app(&self) -> bool {
        self.here.strip_prefix(APP_PATH).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The URL of a static file.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::url(name)
    }
}

/// A link that leads on.
pub struct WayOn {
    /// Its words.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

/// For the help desk.
pub struct Details {
    /// The HTTP status.
    pub status: u16,
    /// The OAuth code.
    pub error: String,
    /// What the service's developer is told.
    pub description: String,
    /// What the log calls this request.
    pub trace_id: String,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice {
    frame: Frame,
    heading: &'static str,
    body: Vec<&'static str>,
    way_on: Option<WayOn>,
    details: Option<Details>,
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPost {
    frame: Frame,
    action: String,
    fields: Vec<(&'static str, String)>,
}

/// A page, with the headers that keep it to itself. Its forms may lead to `targets` besides to us.
pub fn html(status: StatusCode, page: &dyn DynTemplate, targets: &[String]) -> Response {
    let text = match page.dyn_render() {
        Ok(text) => text,
        Err(error) => return OAuthError::from(anyhow::Error::from(error)).into_response(),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
         manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'{}",
        targets.iter().map(|target| format!(" {target}")).collect::<String>()
    );
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Away from here; 303 so that a form is never posted on (RFC 9700 4.12).
pub fn see_other(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(error) => OAuthError::from(anyhow::Error::from(error)).into_response(),
    }
}

/// An address with some more in its query, and what it had before.
pub fn with_query<'a>(uri: &str, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let joint = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{joint}{query}")
}

/// The answer to the service, in the mode that it asked for, with `state` and `iss` (RFC 9207).
pub async fn answer(
    app: &App,
    browser: &Browser,
    to: &ReturnTo,
    mut fields: Vec<(&'static str, String)>,
) -> anyhow::Result<Response> {
    fields.extend(to.state.clone().map(|state| ("state", state)));
    fields.push(("iss", app.config.issuer.as_str().to_owned()));
    let client = app.client(&to.client).await?;
    if let (ResponseMode::QueryJwt | ResponseMode::FormPostJwt, Some(client)) = (to.mode, &client) {
        fields = vec![("response", signed(app, client, &fields)?)];
    }
    match to.mode {
        ResponseMode::Query | ResponseMode::QueryJwt => {
            let fields = fields.iter().map(|(name, value)| (*name, value.as_str()));
            Ok(see_other(&with_query(&to.redirect_uri, fields)))
        }
        ResponseMode::FormPost | ResponseMode::FormPostJwt => {
            let text = text_for(app, browser, to.language);
            let service = client.as_ref().map(|client| client.registration.shown_name(text.language).to_owned());
            let frame = Frame::new(text, service, "/");
            let targets = client.map(|client| client.form_targets()).unwrap_or_default();
            Ok(html(StatusCode::OK, &FormPost { frame, action: to.redirect_uri.clone(), fields }, &targets))
        }
    }
}

#[derive(Template)]
#[template(path = "onwards.html")]
struct Onwards {
    frame: Frame,
    to: String,
}

/// An answer that would send the browser elsewhere, as a page that does.
pub fn from_here(call: &Call<'_>, response: Response) -> Response {
    let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    let is_ours = |to: &&str| to.starts_with('/') || to.starts_with(&format!("{}/", call.app.config.issuer.as_str()));
    let Some(to) = to.filter(|to| !is_ours(to)).map(str::to_owned) else { return response };
    let frame = Frame::new(text_for(call.app, call.browser, None), None, "/");
    let mut page = html(StatusCode::OK, &Onwards { frame, to }, &[]);
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        page.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    page
}

/// JARM 2.1: the answer as a JWT for its client, good for ten minutes.
fn signed(app: &App, client: &Client, fields: &[(&'static str, String)]) -> anyhow::Result<String> {
    let now = app.world.clock.now();
    let mut claims: Map<String, Value> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    claims.insert("aud".into(), json!(client.id));
    claims.insert("exp".into(), json!(now.plus(ANSWER_FOR)));
    claims.insert("iat".into(), json!(now));
    let registration = &client.registration;
    let algorithm = registration.authorization_signed_response_alg.unwrap_or(registration.id_token_signed_response_alg);
    app.keys.sign(algorithm, TokenType::AuthorizationResponse, &claims, now)
}

/// The reader's own choice goes before the service's wish, as at ID-porten.
pub fn text_for(app: &App, browser: &Browser, wish: Option<Language>) -> Text {
    app.words.text(browser.language.or(wish).unwrap_or_default())
}

/// Makes a refusal into an answer.
pub async fn refuse(app: &App, headers: &HeaderMap, refusal: &Refusal, trace_id: &str) -> Response {
    let Ok(browser) = Browser::read(app, headers, None) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let frame = || Frame::new(text_for(app, &browser, None), None, "/");
    match refusal {
        Refusal::ToClient(to, error) => {
            error.log();
            let fields = vec![("error", error.code.to_owned()), ("error_description", error.description.clone())];
            match answer(app, &browser, to, fields).await {
                Ok(response) => response,
                Err(fault) => OAuthError::from(fault).into_response(),
            }
        }
        Refusal::ToPerson(error) => to_person(error, None, frame(), trace_id),
        Refusal::Astray(error, client) => {
            let reader = browser.language.unwrap_or_default();
            let service = (client.registration.shown_name(reader).to_owned(), client.way_back());
            to_person(error, Some(service), frame(), trace_id)
        }
        Refusal::Page(dead) => dead_end(dead, frame()),
    }
}

fn to_person(
    error: &OAuthError,
    service: Option<(String, Option<String>)>,
    mut frame: Frame,
    trace_id: &str,
) -> Response {
    error.log();
    let body = if error.status.is_server_error() { "error-server" } else { "error-request" };
    let details = Details {
        status: error.status.as_u16(),
        error: error.code.to_owned(),
        description: error.description.clone(),
        trace_id: trace_id.to_owned(),
    };
    let way_on = Some(way_on(&frame, service.as_ref()));
    frame.service = service.map(|(name, _)| name);
    // RFC 6749 4.1.2.1 leaves the status to us; what the service got wrong is 400.
    let status = if error.status.is_server_error() { error.status } else { StatusCode::BAD_REQUEST };
    let body = vec![body, "error-help"];
    html(status, &Notice { frame, heading: "error-title", body, way_on, details: Some(details) }, &[])
}

/// To the service, if we know where it is.
fn way_on(frame: &Frame, service: Option<&(String, Option<String>)>) -> WayOn {
    match service {
        Some((name, Some(href))) => WayOn { label: frame.with("way-on-service", "service", name), href: href.clone() },
        _ => WayOn { label: frame.t("way-on-start"), href: "/".into() },
    }
}

fn dead_end(dead: &Dead, mut frame: Frame) -> Response {
    let (heading, body) = match dead.kind {
        DeadKind::Expired => ("expired-title", "expired-body"),
        DeadKind::OtherBrowser => ("other-browser-title", "other-browser-body"),
        DeadKind::Csrf => ("csrf-title", "csrf-body"),
        DeadKind::NotFound => ("error-not-found-title", "error-not-found"),
    };
    let way_on = way_on(&frame, dead.service.as_ref());
    frame.service = dead.service.as_ref().map(|(name, _)| name.clone());
    html(dead.status, &Notice { frame, heading, body: vec![body], way_on: Some(way_on), details: None }, &[])
}
