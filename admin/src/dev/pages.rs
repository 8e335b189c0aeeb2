//! The pages of the development face: `/`, `/demo/…` and `/dev/…`.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use cookie::Cookie;
use idp::app::App;
use idp::browser::Browser;
use idp::client::{PROFILE_PATH, SCHOOL_PATH};
use idp::error::{Dead, DeadKind, Refusal};
use idp::page::{self, Frame};
use serde_json::{Value, json};

use super::Dev;
use super::people;
use super::relying_party::{ProtocolStep, SERVICES, Service, Services, fresh_browser};

struct ServiceCard {
    href: String,
    name: &'static str,
    about: &'static str,
    level: &'static str,
    auth: &'static str,
}

struct PersonRow {
    name: String,
    fnr: String,
    password: Option<&'static str>,
    mobile: Option<&'static str>,
    about: &'static str,
}

struct InboxMessage {
    to: String,
    subject: String,
    text: String,
    at: String,
}

#[derive(Template)]
#[template(path = "dev_landing.html")]
struct Landing {
    frame: Frame,
    services: Vec<ServiceCard>,
    people: Vec<PersonRow>,
    inbox: &'static str,
    profile: &'static str,
    school: &'static str,
    issuer: String,
}

#[derive(Template)]
#[template(path = "dev_service.html")]
struct ServicePage {
    frame: Frame,
    name: &'static str,
    greeting: String,
    claims: Vec<(String, String)>,
    steps: Vec<ProtocolStep>,
    again: String,
    logout: String,
    home: &'static str,
}

#[derive(Template)]
#[template(path = "dev_service_error.html")]
struct ServiceError {
    frame: Frame,
    name: &'static str,
    error: String,
    description: String,
    again: String,
    home: &'static str,
}

#[derive(Template)]
#[template(path = "dev_inbox.html")]
struct InboxPage {
    frame: Frame,
    messages: Vec<InboxMessage>,
}

/// All routes of this face.
pub(super) fn routes(dev: Dev) -> Router<App> {
    Router::new()
        .route("/", get(landing))
        .route("/demo/{service}", get(service))
        .route("/demo/{service}/login", get(login))
        .route("/demo/{service}/callback", get(callback))
        .route("/demo/{service}/logout", get(logout))
        .route("/dev/inbox", get(inbox))
        .route("/dev/inbox.json", get(inbox_json))
        .route("/dev/people.json", get(people_json))
        .with_state(dev)
}

impl Dev {
    fn frame(&self, headers: &HeaderMap, here: &str) -> Result<Frame, Refusal> {
        let browser = Browser::read(&self.app, headers, None)?;
        Ok(Frame::new(page::text_for(&self.app, &browser, None), None, here))
    }
}

async fn landing(State(dev): State<Dev>, headers: HeaderMap) -> Result<Response, Refusal> {
    let card = |service: &Service| ServiceCard {
        href: format!("/demo/{}/login", service.path),
        name: service.name,
        about: service.about,
        level: service.level,
        auth: service.auth,
    };
    let row = |person: people::Synthetic| PersonRow {
        name: person.name(),
        fnr: person.fnr,
        password: person.password,
        mobile: person.mobile,
        about: person.about,
    };
    let page = Landing {
        frame: dev.frame(&headers, "/")?,
        services: SERVICES.iter().map(card).collect(),
        people: people::all(dev.app.world.clock.now()).into_iter().map(row).collect(),
        inbox: "/dev/inbox",
        profile: PROFILE_PATH,
        school: SCHOOL_PATH,
        issuer: dev.app.config.issuer.as_str().to_owned(),
    };
    Ok(page::html(StatusCode::OK, &page, &[]))
}

const COOKIE: &str = "demo-browser";

/// The mark by which the services know a browser, and whether it is new.
fn mark(headers: &HeaderMap) -> anyhow::Result<(String, bool)> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).flatten();
    match cookies.find(|cookie| cookie.name() == COOKIE) {
        Some(cookie) => Ok((cookie.value().to_owned(), false)),
        None => Ok((fresh_browser()?, true)),
    }
}

fn find(path: &str) -> Result<&'static Service, Refusal> {
    let gone = || Dead { status: StatusCode::NOT_FOUND, kind: DeadKind::NotFound, service: None };
    Services::service(path).ok_or_else(|| Refusal::Page(Box::new(gone())))
}

async fn login(State(dev): State<Dev>, Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let service = find(&path)?;
    let (browser, is_new) = mark(&headers)?;
    let mut response = page::see_other(&dev.services.begin(&browser, service).await?);
    if is_new {
        let cookie = Cookie::build((COOKIE, browser)).path("/demo").http_only(true).same_site(cookie::SameSite::Lax);
        if let Ok(value) = HeaderValue::from_str(&cookie.build().to_string()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    Ok(response)
}

async fn callback(
    State(dev): State<Dev>,
    Path(path): Path<String>,
    Query(answer): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let service = find(&path)?;
    let (browser, _) = mark(&headers)?;
    if let Some(error) = answer.get("error") {
        let description = answer.get("error_description").cloned().unwrap_or_default();
        return failed(&dev, service, &headers, (error.clone(), description));
    }
    match dev.services.complete(&browser, service, &answer).await {
        Ok(()) => Ok(page::see_other(&format!("/demo/{path}"))),
        // Back button or reload: who is logged in stays so.
        Err(_) if dev.services.visitor(&browser, service).is_some() => Ok(page::see_other(&format!("/demo/{path}"))),
        Err(error) => failed(&dev, service, &headers, ("login failed".into(), format!("{error:#}"))),
    }
}

fn failed(dev: &Dev, service: &Service, headers: &HeaderMap, what: (String, String)) -> Result<Response, Refusal> {
    let page = ServiceError {
        frame: dev.frame(headers, &format!("/demo/{}", service.path))?,
        name: service.name,
        error: what.0,
        description: what.1,
        again: format!("/demo/{}/login", service.path),
        home: "/",
    };
    Ok(page::html(StatusCode::OK, &page, &[]))
}

async fn service(State(dev): State<Dev>, Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let service = find(&path)?;
    let (browser, _) = mark(&headers)?;
    let Some(visitor) = dev.services.visitor(&browser, service) else {
        return Ok(page::see_other(&format!("/demo/{path}/login")));
    };
    let page = ServicePage {
        frame: dev.frame(&headers, &format!("/demo/{path}"))?,
        name: service.name,
        greeting: visitor.greeting,
        claims: visitor.claims,
        steps: visitor.steps,
        again: format!("/demo/{path}/login"),
        logout: format!("/demo/{path}/logout"),
        home: "/",
    };
    Ok(page::html(StatusCode::OK, &page, &[]))
}

async fn logout(State(dev): State<Dev>, Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let service = find(&path)?;
    let (browser, _) = mark(&headers)?;
    Ok(page::see_other(&dev.services.end(&browser, service).await?))
}

async fn inbox(State(dev): State<Dev>, headers: HeaderMap) -> Result<Response, Refusal> {
    let oslo = jiff::tz::TimeZone::get("Europe/Oslo").unwrap_or(jiff::tz::TimeZone::UTC);
    let message = |message: authenticators::inbox::Message| InboxMessage {
        to: message.to,
        subject: message.subject,
        text: message.text,
        at: jiff::Timestamp::from_second(message.at.seconds())
            .unwrap_or_default()
            .to_zoned(oslo.clone())
            .strftime("%H:%M:%S")
            .to_string(),
    };
    let messages = dev.inbox.messages().into_iter().map(message).collect();
    let page = InboxPage { frame: dev.frame(&headers, "/dev/inbox")?, messages };
    Ok(page::html(StatusCode::OK, &page, &[]))
}

async fn inbox_json(State(dev): State<Dev>) -> Response {
    let message = |message: authenticators::inbox::Message| {
        let at = jiff::Timestamp::from_second(message.at.seconds()).unwrap_or_default().to_string();
        json!({ "kind": message.kind, "to": message.to, "subject": message.subject, "text": message.text, "at": at })
    };
    Json(dev.inbox.messages().into_iter().map(message).collect::<Vec<Value>>()).into_response()
}

async fn people_json(State(dev): State<Dev>) -> Response {
    let person = |person: people::Synthetic| {
        json!({
            "name": person.name(),
            "fnr": person.fnr,
            "password": person.password,
            "mobile": person.mobile,
            "about": dev.app.words.text(idp::text::Language::En).t(person.about),
        })
    };
    let all: Vec<Value> = people::all(dev.app.world.clock.now()).into_iter().map(person).collect();
    Json(all).into_response()
}
