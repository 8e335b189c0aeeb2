//! `/logout`: OpenID Connect RP-Initiated Logout 1.0 and Front-Channel Logout 1.0.

use std::collections::BTreeSet;
use std::time::Duration;

use askama::Template;
use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::scratch::Kept;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::app::App;
use crate::browser::{self, Browser, CookieName};
use crate::claims;
use crate::client::{Client, ClientId};
use crate::error::{Dead, DeadKind, OAuthError, Refusal};
use crate::logout_notice;
use crate::page::{self, Frame, WayOn};
use crate::params::Params;
use crate::request::is_printable;
use crate::session::{self, Ended};
use crate::text::{Language, Text};

/// A logout that was asked for, kept while the citizen is asked.
#[derive(Serialize, Deserialize)]
struct Logout {
    client: Option<ClientId>,
    /// The subject of `id_token_hint`.
    subject: Option<String>,
    /// Registered for the client, with `state` joined on.
    return_to: Option<String>,
    language: Option<Language>,
}

impl Kept for Logout {
    const KIND: &'static str = "logout";
    const FOR: Duration = Duration::from_mins(15);
}

#[derive(Template)]
#[template(path = "logout.html")]
struct AskPage {
    frame: Frame,
    action: String,
    csrf: String,
}

#[derive(Template)]
#[template(path = "logged_out.html")]
struct LoggedOutPage {
    frame: Frame,
    told: Told,
    way_on: WayOn,
    /// Whether it leads on by itself.
    goes_on: bool,
}

/// A service that the browser tells (Front-Channel Logout 1.0).
struct FrontChannel {
    service: String,
    src: String,
    origin: String,
}

/// `GET` or `POST /logout`
pub async fn ask(
    State(app): State<App>,
    browser: Browser,
    method: Method,
    params: Params,
) -> Result<Response, Refusal> {
    let now = app.world.clock.now();
    params.each_once().map_err(Refusal::ToPerson)?;
    let logout = read(&app, &params).await.map_err(Refusal::ToPerson)?;
    // A form posted from a service comes without our cookies, which are SameSite=Lax. The redirect brings them,
    // and keeps the token out of the address.
    if method == Method::POST {
        let handle = app.world.chance.token()?;
        app.world.scratch.put(&handle.hash(), &logout, now).await?;
        return Ok(page::see_other(&format!("/logout/{}", handle.reveal())));
    }
    go_on(&app, &browser, logout, None, now).await
}

/// `GET /logout/{handle}`: a logout that was posted.
pub async fn resume(
    State(app): State<App>,
    browser: Browser,
    axum::extract::Path(handle): axum::extract::Path<String>,
) -> Result<Response, Refusal> {
    let now = app.world.clock.now();
    let handle = Token::presented(&handle);
    let read = app.world.scratch.get::<Logout>(&handle.hash(), now).await?;
    go_on(&app, &browser, read.ok_or_else(expired)?.value, Some(handle), now).await
}

/// `POST /logout/{handle}`: the citizen's answer.
pub async fn answer(
    State(app): State<App>,
    browser: Browser,
    axum::extract::Path(handle): axum::extract::Path<String>,
    form: Params,
) -> Result<Response, Refusal> {
    let now = app.world.clock.now();
    if !browser.has_sent(&handle, form.field("csrf")) {
        let dead = Dead { status: StatusCode::FORBIDDEN, kind: DeadKind::Csrf, service: None };
        return Err(Refusal::Page(Box::new(dead)));
    }
    let logout = app.world.scratch.take::<Logout>(&Token::presented(&handle).hash(), now).await?;
    let logout = logout.ok_or_else(expired)?;
    if form.field("do") == Some("logout") {
        return end(&app, &browser, &logout, now).await;
    }
    let way_back = match &logout.client {
        Some(client) => app.client(client).await?.and_then(|client| client.way_back()),
        None => None,
    };
    Ok(page::see_other(way_back.as_deref().unwrap_or("/")))
}

fn expired() -> Refusal {
    Refusal::Page(Box::new(Dead { status: StatusCode::GONE, kind: DeadKind::Expired, service: None }))
}

/// RP-Initiated Logout 2, 3: a hint must be a token of ours, and an address is used only if it is registered.
async fn read(app: &App, params: &Params) -> Result<Logout, OAuthError> {
    let hint = match params.one("id_token_hint")? {
        Some(token) => {
            let hint = claims::read_hint(app, token);
            Some(hint.ok_or_else(|| OAuthError::invalid_request("Invalid parameter id_token_hint."))?)
        }
        None => None,
    };
    let named = params.one("client_id")?.map(str::to_owned);
    let id = match (&hint, named) {
        (Some(hint), Some(named)) if hint.aud != named => {
            return Err(OAuthError::invalid_request("Parameter client_id differs from id_token_hint."));
        }
        (Some(hint), _) => Some(hint.aud.clone()),
        (None, named) => named,
    };
    let client = match id.as_deref().map(ClientId::named) {
        Some(Some(id)) => app.client(&id).await?,
        _ => None,
    };
    if id.is_some() && client.is_none() {
        return Err(OAuthError::invalid_request("Invalid parameter client_id. Not registered."));
    }
    let state = params.one("state")?;
    if state.is_some_and(|state| !is_printable(state)) {
        return Err(OAuthError::invalid_request("Invalid parameter state."));
    }
    let wrong = || OAuthError::invalid_request("Invalid parameter post_logout_redirect_uri. Not registered on client.");
    let return_to = match (params.one("post_logout_redirect_uri")?, &client) {
        (None, _) => None,
        (Some(_), None) => return Err(wrong()),
        (Some(asked), Some(client)) => {
            let registered = client.registration.post_logout_redirect_uris.iter().find(|uri| *uri == asked);
            let registered = registered.ok_or_else(wrong)?;
            Some(state.map_or_else(|| registered.clone(), |state| page::with_query(registered, [("state", state)])))
        }
    };
    let locales = params.one("ui_locales")?.unwrap_or_default();
    Ok(Logout {
        client: client.map(|client| client.id.clone()),
        subject: hint.map(|hint| hint.sub),
        return_to,
        language: locales.split(' ').take(20).find_map(Language::parse),
    })
}

/// Who shows a token of the very person who is logged in is believed; anybody else is asked (RP-Initiated
/// Logout 2), since any site could send a browser here.
async fn go_on(
    app: &App,
    browser: &Browser,
    logout: Logout,
    handle: Option<Token>,
    now: Timestamp,
) -> Result<Response, Refusal> {
    let Some(session) = session::find(app, browser, now).await? else { return end(app, browser, &logout, now).await };
    let own = |client: &ClientId, subject: &str| {
        session.value.proofs().any(|who| claims::subject(app, client, who) == subject)
    };
    if logout.client.as_ref().zip(logout.subject.as_deref()).is_some_and(|(client, subject)| own(client, subject)) {
        return end(app, browser, &logout, now).await;
    }
    let handle = match handle {
        Some(handle) => handle,
        None => {
            let handle = app.world.chance.token()?;
            app.world.scratch.put(&handle.hash(), &logout, now).await?;
            handle
        }
    };
    let action = format!("/logout/{}", handle.reveal());
    let frame = Frame::new(text(app, browser, &logout), None, &action);
    let page = AskPage { frame, action, csrf: browser.csrf(handle.reveal()) };
    let targets = match &logout.client {
        Some(client) => app.client(client).await?.map(|client| client.form_targets()).unwrap_or_default(),
        None => Vec::new(),
    };
    let mut response = page::html(StatusCode::OK, &page, &targets);
    browser.settle(app, response.headers_mut());
    Ok(response)
}

/// Ends the session and the tokens that served login alone, tells the services behind the browser's back, and
/// leaves it to the browser to tell those that ask for that.
async fn end(app: &App, browser: &Browser, logout: &Logout, now: Timestamp) -> Result<Response, Refusal> {
    let told = match &browser.session {
        Some(token) => {
            let (app, key, reader) = (app.clone(), token.hash(), text(app, browser, logout).language);
            // What has begun goes on if the browser hangs up.
            tokio::spawn(async move { tell(&app, &key, reader, now).await }).await.map_err(anyhow::Error::from)??
        }
        None => Told::default(),
    };
    let mut response = match &logout.return_to {
        Some(return_to) if told.frames.is_empty() && told.silent.is_empty() => page::see_other(return_to),
        _ => logged_out(app, browser, logout, told).await?,
    };
    browser::forget(app, response.headers_mut(), CookieName::Session);
    Ok(response)
}

/// How the services learn of a logout.
#[derive(Default)]
struct Told {
    /// Those that the browser tells.
    frames: Vec<FrontChannel>,
    /// The names of those that were told and have not said yes.
    silent: Vec<String>,
}

async fn tell(app: &App, key: &TokenHash, reader: Language, now: Timestamp) -> anyhow::Result<Told> {
    let Some(Ended { session, notices }) = session::close(app, key, now).await? else { return Ok(Told::default()) };
    let mut told = Told::default();
    for id in session.services() {
        let Some(client) = app.client(id).await? else { continue };
        told.frames.extend(FrontChannel::of(app, (&client, reader), &session.sid));
    }
    for id in logout_notice::deliver(app, notices, now).await {
        let Some(client) = app.client(&id).await? else { continue };
        told.silent.push(client.registration.shown_name(reader).to_owned());
    }
    Ok(told)
}

impl FrontChannel {
    /// Front-Channel Logout 2: the address keeps its own query.
    fn of(app: &App, (client, reader): (&Client, Language), sid: &str) -> Option<FrontChannel> {
        let uri = client.registration.frontchannel_logout_uri.as_deref()?;
        let origin = Url::parse(uri).ok()?.origin().ascii_serialization();
        let fields = [("iss", app.config.issuer.as_str()), ("sid", sid)];
        let src = match client.registration.frontchannel_logout_session_required {
            true => page::with_query(uri, fields),
            false => uri.to_owned(),
        };
        Some(FrontChannel { service: client.registration.shown_name(reader).to_owned(), src, origin })
    }
}

async fn logged_out(app: &App, browser: &Browser, logout: &Logout, told: Told) -> anyhow::Result<Response> {
    let text = text(app, browser, logout);
    let frame = Frame::new(text, None, "/");
    let client = match &logout.client {
        Some(client) => app.client(client).await?,
        None => None,
    };
    let name = client.as_ref().map(|client| client.registration.shown_name(text.language));
    let way_back = client.as_ref().and_then(|client| client.way_back());
    let way_on = match (logout.return_to.clone().zip(name), way_back.zip(name)) {
        (Some((href, name)), _) => WayOn { label: frame.with("continue-service", "service", name), href },
        (None, Some((href, name))) => WayOn { label: frame.with("way-on-service", "service", name), href },
        (None, None) => WayOn { label: frame.t("way-on-start"), href: "/".into() },
    };
    let origins: BTreeSet<String> = told.frames.iter().map(|call| call.origin.clone()).collect();
    // Who has something to read is not sent on before they have read it.
    let goes_on = logout.return_to.is_some() && told.silent.is_empty();
    let page = LoggedOutPage { frame, told, way_on, goes_on };
    let mut response = page::html(StatusCode::OK, &page, &[]);
    if let Some(policy) = response.headers_mut().get_mut(header::CONTENT_SECURITY_POLICY)
        && !origins.is_empty()
    {
        let sources: String = origins.iter().map(|origin| format!(" {origin}")).collect();
        *policy = HeaderValue::from_str(&format!("{}; frame-src{sources}", policy.to_str()?))?;
    }
    Ok(response)
}

fn text(app: &App, browser: &Browser, logout: &Logout) -> Text {
    page::text_for(app, browser, logout.language)
}
