//! How the staff of schools come in: by a login to Porten itself at level high, over OpenID Connect as any other service
//! has it. Their session is kept on our side under the hash of a cookie, and each request asks anew whether it counts.

use std::pin::Pin;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use askama::{DynTemplate, Template};
use authenticators::chance::{Token, TokenHash, same};
use authenticators::clock::Timestamp;
use authenticators::person::{Fnr, Person, PersonId};
use authenticators::scratch::{Kept, Read};
use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, Extension, FromRequest, FromRequestParts, MatchedPath, Multipart, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use futures_util::{StreamExt, stream};
use idp::acr::Acr;
use idp::app::App;
use idp::browser::{Browser, Call};
use idp::client::{Client, SCHOOL, SCHOOL_PATH};
use idp::error::{Dead, DeadKind, Refusal};
use idp::page::{self, Frame};
use idp::params::Params;
use idp::session;
use idp::text::Text;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tower::ServiceExt;

use super::said::NOT_SAVED;
use super::told;

/// A session ends after that, whatever is done in it: a working day.
const AT_MOST: Duration = Duration::from_hours(8);
/// And after that, if nothing is.
const IDLE: Duration = Duration::from_mins(30);
/// How exactly it is known when somebody was here last.
const SEEN_TO: Duration = Duration::from_mins(1);
/// No answer of Porten's to one of its services is longer.
const ANSWER_AT_MOST: usize = 1024 * 1024;
/// How the pages end that ask by themselves: whoever asks nothing else is not at the desk.
const WAIT: &str = "/vent";
/// What a page asks for by itself has this query: nobody is at the desk for it.
pub const BY_ITSELF: &str = "av-seg-selv";
/// What a page asks for by itself, or goes to, has this field: by it we know that they were shown that page before.
const SEEN: &str = "vist";

/// A school owner's file that comes from a page: 80,000 rows. What is larger goes by the owner's system or the command line.
pub const FILE_AT_MOST: usize = 8 * 1024 * 1024;
/// As much of a form is read past as is too large.
const READ_PAST_AT_MOST: usize = 64 * 1024 * 1024;
/// Bytes of a field beside a file.
const FIELD_AT_MOST: usize = 4 * 1024;
/// How many such fields there may be.
const FIELDS_AT_MOST: usize = 16;

/// The way to Porten's own endpoints, which lie in this program: nothing goes over a network.
#[derive(Clone)]
pub struct Door(Router);

/// Somebody who works at a school, in a session that counts at this moment. A handler that wants one is not reached by
/// anybody else.
pub struct Staff {
    /// The program's inside.
    pub app: App,
    /// What they came with.
    pub browser: Browser,
    /// Who.
    pub person: Person,
    /// When.
    pub now: Timestamp,
    here: String,
    /// What they asked for, as it is registered: without ids.
    route: String,
    /// By what the address says that it was a page of theirs.
    seen: Option<String>,
    token: Token,
    id_token: String,
}

/// Who asks: a person, or a page that waits for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Somebody,
    APage,
}

/// A session.
#[derive(Serialize, Deserialize)]
struct Session {
    person: PersonId,
    proved_at: Timestamp,
    started_at: Timestamp,
    seen_at: Timestamp,
    /// The login at Porten in this browser. Where it is gone, or another's, so is this.
    sso: Option<TokenHash>,
    /// What Porten believes when it is asked to log out.
    id_token: String,
}

impl Kept for Session {
    const KIND: &'static str = "school-session";
    const FOR: Duration = AT_MOST;
}

/// A login that was begun and has not come back.
#[derive(Serialize, Deserialize)]
struct Pending {
    nonce: String,
    verifier: String,
    /// Where they wanted to go.
    to: String,
}

impl Kept for Pending {
    const KIND: &'static str = "school-login";
    const FOR: Duration = Duration::from_mins(30);
}

/// Why somebody stands outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outside {
    LoggedOut,
    TurnedBack,
    TooLow,
    Locked,
    Failed,
}

impl Outside {
    const ALL: [(Outside, &'static str); 5] = [
        (Outside::LoggedOut, "logget-ut"),
        (Outside::TurnedBack, "avbrutt"),
        (Outside::TooLow, "for-lavt"),
        (Outside::Locked, "sperret"),
        (Outside::Failed, "mislyktes"),
    ];

    fn go(self) -> Response {
        let name = Outside::ALL.into_iter().find(|(why, _)| *why == self).map_or("", |(_, name)| name);
        page::see_other(&format!("{SCHOOL_PATH}/ut?hvorfor={name}"))
    }

    /// What came back from `/logout` says nothing.
    fn of(query: &Params) -> Outside {
        let name = query.field("hvorfor").unwrap_or_default();
        Outside::ALL.into_iter().find(|(_, known)| *known == name).map_or(Outside::LoggedOut, |(why, _)| why)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Outside::LoggedOut => ("school-out-title", "school-out-body"),
            Outside::TurnedBack => ("school-turned-back-title", "school-turned-back-body"),
            Outside::TooLow => ("school-too-low-title", "school-too-low-body"),
            Outside::Locked => ("school-locked-title", "school-locked-body"),
            Outside::Failed => ("school-failed-title", "school-failed-body"),
        }
    }
}

#[derive(Template)]
#[template(path = "school_out.html")]
struct OutsidePage {
    frame: Frame,
    title: &'static str,
    body: &'static str,
    is_wrong: bool,
    way_in: &'static str,
}

/// What an ID token says, once it has been verified.
#[derive(Deserialize)]
struct Said {
    acr: String,
    auth_time: i64,
    #[serde(default)]
    pid: Option<String>,
}

impl Staff {
    /// The reader's words.
    pub fn text(&self) -> Text {
        page::text_for(&self.app, &self.browser, None)
    }

    /// The frame around the page.
    pub fn frame(&self) -> Frame {
        Frame::new(self.text(), None, self.here.as_str())
    }

    /// What something of this person's is kept under, in whichever session they come back to it.
    pub fn key(&self, purpose: &str) -> TokenHash {
        key(&self.person.id, purpose)
    }

    /// Whether their session still counts, for a page that has waited.
    pub async fn is_still_in(&self) -> anyhow::Result<bool> {
        let call = Call { app: &self.app, browser: &self.browser, now: self.app.world.clock.now() };
        Ok(Session::at(&call, &self.token).await?.is_some())
    }

    /// What they had filled in on this page when their session was over, once.
    pub async fn unsent(&self) -> anyhow::Result<Option<Params>> {
        let (scratch, key) = (&self.app.world.scratch, self.key(UNSENT));
        let kept = scratch.get::<Unsent>(&key, self.now).await?;
        if kept.is_none_or(|kept| kept.value.path != self.here) {
            return Ok(None);
        }
        Ok(scratch.take::<Unsent>(&key, self.now).await?.map(|unsent| Params::parse(&unsent.form)))
    }

    /// The mark in its forms.
    pub fn csrf(&self) -> String {
        self.browser.csrf(&purpose(&self.token))
    }

    /// Refuses a form that is not from one of these pages.
    fn has_sent(&self, form: &Params) -> Result<(), Refusal> {
        if self.browser.has_sent(&purpose(&self.token), form.field("csrf")) {
            return Ok(());
        }
        Err(dead(StatusCode::FORBIDDEN, DeadKind::Csrf))
    }

    /// What an address of a page carries that this person is shown now, in this session: the page asks for it by itself,
    /// and if it is theirs no more by then they have done nothing.
    pub fn seen(&self, path: &str) -> String {
        format!("{SEEN}={}", self.token.derive(&format!("shown {path}")))
    }

    fn has_seen_this(&self) -> bool {
        let path = self.here.strip_suffix(WAIT).unwrap_or(&self.here);
        let expected = self.token.derive(&format!("shown {path}"));
        self.seen.as_ref().is_some_and(|seen| same(seen, &expected))
    }

    /// What is answered where somebody asks for what is not theirs, as if it were not there. It is written down, unless it
    /// was theirs a moment ago.
    pub async fn nothing_here(&self) -> Refusal {
        if self.has_seen_this() {
            return dead(StatusCode::NOT_FOUND, DeadKind::NotFound);
        }
        tracing::info!("staff asked for what is not theirs");
        let reached = told::Reached { by: &self.person.id, route: &self.route, path: &self.here };
        if let Err(error) = reached.note(&self.app.world, self.now).await {
            return error.into();
        }
        dead(StatusCode::NOT_FOUND, DeadKind::NotFound)
    }

    /// A page.
    pub fn html(&self, status: StatusCode, page: &dyn DynTemplate) -> Response {
        let mut response = page::html(status, page, &[]);
        self.browser.settle(&self.app, response.headers_mut());
        response
    }
}

fn dead(status: StatusCode, kind: DeadKind) -> Refusal {
    Refusal::Page(Box::new(Dead { status, kind, service: None }))
}

/// Whoever asks: somebody of the staff in their session, or a browser without one.
enum Found {
    In(Box<Staff>),
    Out(Asker, Browser),
}

impl Found {
    async fn of(parts: &mut Parts, app: &App) -> Result<Found, Response> {
        let browser = Browser::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let (now, here) = (app.world.clock.now(), parts.uri.path().to_owned());
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
        let query = parts.uri.query().unwrap_or_default();
        let is_a_page = here.ends_with(WAIT) || query.split('&').next() == Some(BY_ITSELF);
        let seen = Params::parse(query).field(SEEN).map(str::to_owned);
        let asker = if is_a_page { Asker::APage } else { Asker::Somebody };
        let found = Session::find(&Call { app, browser: &browser, now }, &parts.headers, asker).await;
        Ok(match found.map_err(|fault| Refusal::from(fault).into_response())? {
            Some((token, session, person)) => {
                let id_token = session.id_token;
                let app = app.clone();
                Found::In(Box::new(Staff { app, browser, person, now, here, route, seen, token, id_token }))
            }
            None => Found::Out(asker, browser),
        })
    }
}

/// Sends somebody to log in, who comes back to where they wanted to go.
async fn log_in(call: &Call<'_>, door: Option<Door>, to: &str) -> Response {
    let begun = match door.context("the schools' pages have no door") {
        Ok(door) => door.begin(call, to).await,
        Err(fault) => Err(fault),
    };
    begun.unwrap_or_else(|fault| Refusal::from(fault).into_response())
}

impl FromRequestParts<App> for Staff {
    /// Who has no session is sent to log in.
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Staff, Response> {
        match Found::of(parts, app).await? {
            Found::In(staff) => Ok(*staff),
            Found::Out(Asker::APage, _) => Err(Json(json!({ "state": "over" })).into_response()),
            Found::Out(Asker::Somebody, browser) => {
                let call = Call { app, browser: &browser, now: app.world.clock.now() };
                let door = parts.extensions.get::<Door>().cloned();
                Err(log_in(&call, door, parts.uri.path()).await)
            }
        }
    }
}

/// A form that one of these pages has shown somebody in their session, and that they have sent in it.
pub struct Sent {
    /// Who.
    pub staff: Staff,
    /// What they have filled in.
    pub form: Params,
}

impl FromRequest<App> for Sent {
    /// Whose session is over is sent to log in. Nothing is done then, neither now nor when they are back: what they had
    /// chosen is filled in on the page to which they come back, and the page says so.
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &App) -> Result<Sent, Response> {
        let (coming, request) = Coming::of(request, app).await?;
        let form = Params::from_request(request, app).await?;
        coming.let_in(app, form).await
    }
}

/// The same where a file may have been sent with it.
pub struct SentWithFile {
    /// Who.
    pub staff: Staff,
    /// What they have filled in.
    pub form: Params,
    /// What they have chosen.
    pub file: Attached,
}

/// A file that came with a form.
#[derive(Debug)]
pub enum Attached {
    /// None was chosen.
    Nothing,
    /// What is in it.
    File(Vec<u8>),
    /// More than is taken.
    TooLarge,
    /// It has not come whole.
    Broken,
}

impl FromRequest<App> for SentWithFile {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &App) -> Result<SentWithFile, Response> {
        let (coming, mut request) = Coming::of(request, app).await?;
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (form, file) = match kind.to_ascii_lowercase().starts_with("multipart/form-data") {
            false => (Params::from_request(request, app).await?, Attached::Nothing),
            true => {
                DefaultBodyLimit::max(READ_PAST_AT_MOST).apply(&mut request);
                let (parts, body) = request.into_parts();
                let request = Request::from_parts(parts, bit_by_bit(body).await);
                let parts = Multipart::from_request(request, app).await.map_err(IntoResponse::into_response)?;
                coming.read(parts).await
            }
        };
        let Sent { staff, form } = coming.let_in(app, form).await?;
        Ok(SentWithFile { staff, form, file })
    }
}

/// A body that is taken up as it comes: else what reads forms in parts gathers all that is there before it looks at it. It
/// is handed over when it begins, since that reader takes one that has ended for cut short if it has to wait for the first.
async fn bit_by_bit(body: Body) -> Body {
    let mut bits = body.into_data_stream();
    let first = bits.next().await;
    let taken_up = |bit| async {
        tokio::task::yield_now().await;
        bit
    };
    Body::from_stream(stream::iter(first).chain(bits.then(taken_up)))
}

/// A field of a form, as long as it may be; nothing, if it is longer. What is too long is read past, so that the browser
/// comes to read what is said of it.
async fn read_field(field: &mut Field<'_>, at_most: usize) -> Result<Option<Vec<u8>>, MultipartError> {
    let mut content = Some(Vec::new());
    while let Some(chunk) = field.chunk().await? {
        content = content.filter(|content| content.len() + chunk.len() <= at_most);
        if let Some(content) = &mut content {
            content.extend_from_slice(&chunk);
        }
    }
    Ok(content)
}

/// A form on its way in.
struct Coming {
    found: Found,
    door: Option<Door>,
    headers: HeaderMap,
    here: String,
}

impl Coming {
    /// Who sends it, before it is read.
    async fn of(request: Request<Body>, app: &App) -> Result<(Coming, Request<Body>), Response> {
        let (mut parts, body) = request.into_parts();
        let found = Found::of(&mut parts, app).await?;
        let (door, headers) = (parts.extensions.get::<Door>().cloned(), parts.headers.clone());
        let here = parts.uri.path().to_owned();
        Ok((Coming { found, door, headers, here }, Request::from_parts(parts, body)))
    }

    /// Reads a form in parts.
    async fn read(&self, mut parts: Multipart) -> (Params, Attached) {
        let (mut form, mut file) = (Params::default(), Attached::Nothing);
        match self.read_parts(&mut parts, &mut form, &mut file).await {
            Ok(()) => (form, file),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => (form, Attached::TooLarge),
            Err(_) => (form, Attached::Broken),
        }
    }

    /// Nobody's file is kept in memory whose form will not be let in: in ours the mark stands before the file.
    async fn read_parts(
        &self,
        parts: &mut Multipart,
        form: &mut Params,
        file: &mut Attached,
    ) -> Result<(), MultipartError> {
        let mut fields = 0;
        while let Some(mut field) = parts.next_field().await? {
            let name = field.name().unwrap_or_default().to_owned();
            let is_let_in = matches!(&self.found, Found::In(staff) if staff.has_sent(form).is_ok());
            match field.file_name().map(str::to_owned).as_deref() {
                // Where no file is chosen there is one without a name.
                Some("") => {}
                Some(_) if is_let_in => {
                    *file = read_field(&mut field, FILE_AT_MOST).await?.map_or(Attached::TooLarge, Attached::File);
                }
                None if fields < FIELDS_AT_MOST => {
                    let text = read_field(&mut field, FIELD_AT_MOST).await?.unwrap_or_default();
                    form.add(name, String::from_utf8_lossy(&text).into_owned());
                    fields += 1;
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Lets in what one of these pages has shown somebody in their session. What else comes is kept for whose session it
    /// was, and they are sent to log in.
    async fn let_in(self, app: &App, form: Params) -> Result<Sent, Response> {
        let browser = match self.found {
            Found::In(staff) => {
                staff.has_sent(&form).map_err(IntoResponse::into_response)?;
                return Ok(Sent { staff: *staff, form });
            }
            Found::Out(_, browser) => browser,
        };
        let call = Call { app, browser: &browser, now: app.world.clock.now() };
        if self.here == LEAVE {
            return Err(log_in(&call, self.door, SCHOOL_PATH).await);
        }
        let kept = Unsent::keep(&call, &self.headers, (&self.here, &form)).await;
        kept.map_err(|fault| Refusal::from(fault).into_response())?;
        Err(log_in(&call, self.door, &format!("{}?{NOT_SAVED}", self.here)).await)
    }
}

/// A form that came when its session was over: of several the last one.
#[derive(Serialize, Deserialize)]
struct Unsent {
    path: String,
    form: String,
}

/// What it is kept as.
const UNSENT: &str = "unsent";
/// As long as that of a large class with many employees. Whoever has a session has room for one, and no more.
const UNSENT_AT_MOST: usize = 256 * 1024;
/// Letters of an address to which somebody comes back, who need not have logged in to have it kept.
const TO_AT_MOST: usize = 200;

impl Kept for Unsent {
    const KIND: &'static str = "school-unsent";
    const FOR: Duration = Duration::from_mins(30);
}

impl Unsent {
    /// Keeps it for the person whose session it was, if it is from a page that was shown in it.
    async fn keep(call: &Call<'_>, headers: &HeaderMap, (path, form): (&str, &Params)) -> anyhow::Result<()> {
        let (app, now) = (call.app, call.now);
        let Some(token) = presented(app, headers) else { return Ok(()) };
        if !call.browser.has_sent(&purpose(&token), form.field("csrf")) {
            return Ok(());
        }
        let Some(read) = app.world.scratch.get::<Session>(&token.hash(), now).await? else { return Ok(()) };
        // Somebody else has logged in on the same machine.
        if call.browser.session.as_ref().map(Token::hash) != read.value.sso {
            return Ok(());
        }
        let unsent = Unsent { path: path.to_owned(), form: form.encode() };
        if unsent.path.len() + unsent.form.len() > UNSENT_AT_MOST {
            return Ok(());
        }
        app.world.scratch.put(&key(&read.value.person, UNSENT), &unsent, now).await
    }
}

/// What something of a person's is kept under.
fn key(person: &PersonId, purpose: &str) -> TokenHash {
    TokenHash::of(&format!("school {} {purpose}", person.as_str()))
}

/// A form counts in the session in which it was shown.
fn purpose(token: &Token) -> String {
    token.derive("school forms")
}

/// Where one logs out.
pub const LEAVE: &str = "/skule/logg-ut";

/// Whether a person may be in at all: what was proved still counts, nobody else has locked them, and they live. Whoever has
/// locked their own MinID comes with another eID.
async fn may_be_in(app: &App, person: &Person, proved_at: Timestamp) -> anyhow::Result<bool> {
    let is_shut_out = person.is_locked_by_others() || person.is_dead();
    Ok(!is_shut_out && Person::is_signed_in(app.world.db.pool(), &person.id, proved_at).await?)
}

impl Session {
    /// The session of a browser, if it counts at this moment.
    async fn find(
        call: &Call<'_>,
        headers: &HeaderMap,
        asker: Asker,
    ) -> anyhow::Result<Option<(Token, Session, Person)>> {
        let Some(token) = presented(call.app, headers) else { return Ok(None) };
        let found = Session::at(call, &token).await?;
        let Some((read, person)) = found else { return Ok(None) };
        if asker == Asker::Somebody && call.now.since(read.value.seen_at) >= SEEN_TO {
            read.value.seen(call.app, (&token, &read), call.now).await?;
        }
        Ok(Some((token, read.value, person)))
    }

    /// What is kept under a token, and whose it is, if it counts at this moment.
    async fn at(call: &Call<'_>, token: &Token) -> anyhow::Result<Option<(Read<Session>, Person)>> {
        let (app, now) = (call.app, call.now);
        let Some(read) = app.world.scratch.get::<Session>(&token.hash(), now).await? else { return Ok(None) };
        let session = &read.value;
        if now.since(session.started_at) >= AT_MOST || now.since(session.seen_at) >= IDLE {
            return Ok(None);
        }
        // Who has logged out of Porten, or somebody else in, on a machine that is shared.
        if call.browser.session.as_ref().map(Token::hash) != session.sso {
            return Ok(None);
        }
        // Who has ended their login from another machine, for the one that they have left.
        if let Some(sso) = &session.sso
            && session::is_closed(app, sso, now).await?
        {
            return Ok(None);
        }
        let Some(person) = Person::by_id(app.world.db.pool(), &session.person).await? else { return Ok(None) };
        let counts = may_be_in(app, &person, session.proved_at).await?;
        Ok(counts.then_some((read, person)))
    }

    /// Notes that somebody was here. Of two at once one does, and a session that has ended stays so.
    async fn seen(&self, app: &App, (token, read): (&Token, &Read<Session>), now: Timestamp) -> anyhow::Result<()> {
        let seen = Session {
            person: self.person.clone(),
            proved_at: self.proved_at,
            started_at: self.started_at,
            seen_at: now,
            sso: self.sso.clone(),
            id_token: self.id_token.clone(),
        };
        app.world.scratch.replace(&token.hash(), read, &seen, now).await.map(|_| ())
    }
}

/// The name of the cookie. Over TLS it has the prefix that keeps neighbours from planting one (RFC 6265bis 4.1.3.2).
fn cookie_name(app: &App) -> &'static str {
    if app.config.issuer.is_https() { "__Host-porten-skule" } else { "porten-skule" }
}

fn presented(app: &App, headers: &HeaderMap) -> Option<Token> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).flatten();
    cookies.find(|cookie| cookie.name() == cookie_name(app)).map(|cookie| Token::presented(cookie.value()))
}

/// Puts the cookie into an answer; none, and the browser forgets it.
fn set_cookie(app: &App, headers: &mut HeaderMap, token: Option<&Token>) {
    let mut cookie = Cookie::new(cookie_name(app), token.map(Token::reveal).unwrap_or_default().to_owned());
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_secure(app.config.issuer.is_https());
    // Lax and not Strict: they come back from the login of another eID.
    cookie.set_same_site(SameSite::Lax);
    if token.is_none() {
        cookie.set_max_age(cookie::time::Duration::ZERO);
    }
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// The way to an endpoint, as the crate for services takes it.
type Answering = Pin<Box<dyn Future<Output = Result<HttpResponse, std::io::Error>> + Send>>;

impl Door {
    /// The way to the endpoints of this program.
    pub fn of(app: &App) -> Door {
        Door(idp::router(app, Router::new()))
    }

    fn http(&self) -> impl Fn(HttpRequest) -> Answering + Send + Sync + use<> {
        let inside = self.0.clone();
        move |request: HttpRequest| -> Answering {
            let inside = inside.clone();
            Box::pin(async move {
                let Ok(answer) = inside.oneshot(request.map(Body::from)).await;
                let (parts, body) = answer.into_parts();
                let body = axum::body::to_bytes(body, ANSWER_AT_MOST).await.map_err(std::io::Error::other)?;
                Ok(HttpResponse::from_parts(parts, body.to_vec()))
            })
        }
    }

    async fn discover(&self, app: &App) -> anyhow::Result<CoreProviderMetadata> {
        let issuer = IssuerUrl::new(app.config.issuer.as_str().to_owned())?;
        Ok(CoreProviderMetadata::discover_async(issuer, &self.http()).await?)
    }

    /// Sends somebody to log in, from where they come back to `to`.
    async fn begin(&self, call: &Call<'_>, to: &str) -> anyhow::Result<Response> {
        let (app, chance) = (call.app, &call.app.world.chance);
        let metadata = self.discover(app).await?;
        let client = CoreClient::from_provider_metadata(metadata, client_id(), Some(secret(app)))
            .set_redirect_uri(redirect_url(app)?);
        let [state, nonce, verifier] = [chance.token()?, chance.token()?, chance.token()?];
        let [state, nonce, verifier] = [state, nonce, verifier].map(|token| token.reveal().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.clone()));
        let (own_state, own_nonce) = (CsrfToken::new(state.clone()), Nonce::new(nonce.clone()));
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, ..) = client
            .authorize_url(flow, move || own_state, move || own_nonce)
            .add_extra_param("acr_values", Acr::HIGH.name())
            .set_pkce_challenge(challenge)
            .url();
        let to = if to.len() <= TO_AT_MOST { to } else { SCHOOL_PATH };
        let pending = Pending { nonce, verifier, to: to.to_owned() };
        app.world.scratch.put(&pending_key(call.browser, &state), &pending, call.now).await?;
        let mut response = page::see_other(url.as_str());
        call.browser.settle(app, response.headers_mut());
        Ok(response)
    }

    /// Redeems a code, and verifies what comes of it. The token, and what it says.
    async fn redeem(&self, app: &App, code: &str, pending: Pending, now: Timestamp) -> anyhow::Result<(String, Said)> {
        let metadata = self.discover(app).await?;
        let client = CoreClient::from_provider_metadata(metadata, client_id(), Some(secret(app)))
            .set_redirect_uri(redirect_url(app)?);
        let http = self.http();
        let exchange = client.exchange_code(AuthorizationCode::new(code.to_owned()))?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(pending.verifier));
        let tokens = exchange.request_async(&http).await?;
        let token = tokens.id_token().context("the answer has no ID token")?;
        // By our own clock, which a test moves.
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(now.seconds().unsigned_abs());
        let verifier = client.id_token_verifier().set_time_fn(move || moment.into());
        token.claims(&verifier, &Nonce::new(pending.nonce))?;
        let token = token.to_string();
        let said = token.split('.').nth(1).context("a token without claims")?;
        let said = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(said)?)?;
        Ok((token, said))
    }

    /// Where a browser ends its session at Porten. The token goes by the back door, and stands in no address.
    async fn way_out(&self, app: &App, id_token: &str) -> anyhow::Result<Response> {
        let back = format!("{}{SCHOOL_PATH}/ut", app.config.issuer.as_str());
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("id_token_hint", id_token)
            .append_pair("post_logout_redirect_uri", &back)
            .finish();
        let kind = (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = Request::post("/logout").header(kind.0, kind.1).body(Body::from(form))?;
        let Ok(answer) = self.0.clone().oneshot(request).await;
        let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        Ok(page::see_other(to.unwrap_or("/logout")))
    }
}

fn client_id() -> ClientId {
    ClientId::new(SCHOOL.to_owned())
}

fn secret(app: &App) -> ClientSecret {
    ClientSecret::new(Client::school_secret(&app.keys).reveal().to_owned())
}

fn redirect_url(app: &App) -> anyhow::Result<RedirectUrl> {
    Ok(RedirectUrl::new(format!("{}{SCHOOL_PATH}/callback", app.config.issuer.as_str()))?)
}

/// A login goes on in the browser in which it was begun, and nowhere else.
fn pending_key(browser: &Browser, state: &str) -> TokenHash {
    TokenHash::of(&browser.secret.derive(&format!("school login {state}")))
}

/// `GET /skule/callback`: back from the login.
pub async fn arrive(
    State(app): State<App>,
    Extension(door): Extension<Door>,
    browser: Browser,
    headers: HeaderMap,
    query: Params,
) -> Result<Response, Refusal> {
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    // RFC 9207
    let is_ours = query.field("iss") == Some(app.config.issuer.as_str());
    let state = query.field("state").filter(|_| is_ours).unwrap_or_default();
    let Some(pending) = app.world.scratch.take::<Pending>(&pending_key(&browser, state), call.now).await? else {
        // Back button or reload: who is in stays so.
        return Ok(match Session::find(&call, &headers, Asker::Somebody).await? {
            Some(_) => page::see_other(SCHOOL_PATH),
            None => Outside::Failed.go(),
        });
    };
    let Some(code) = query.field("code") else { return Ok(Outside::TurnedBack.go()) };
    let to = pending.to.clone();
    let (id_token, said) = match door.redeem(&app, code, pending, call.now).await {
        Ok(redeemed) => redeemed,
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "a login of staff failed");
            return Ok(Outside::Failed.go());
        }
    };
    if let Some(old) = presented(&app, &headers) {
        app.world.scratch.take::<Session>(&old.hash(), call.now).await?;
    }
    open(&call, id_token, &said, &to).await.map_err(Refusal::from)
}

/// Opens a session, and sends the browser where it wanted to go.
async fn open(call: &Call<'_>, id_token: String, said: &Said, to: &str) -> anyhow::Result<Response> {
    let (app, now) = (call.app, call.now);
    let pid = said.pid.as_deref().context("the ID token names nobody")?;
    let fnr = Fnr::parse(pid, app.config.people).map_err(|problem| anyhow::anyhow!("pid: {problem:?}"))?;
    let person = Person::by_fnr(app.world.db.pool(), &fnr).await?.context("who has just logged in is gone")?;
    let proved_at = Timestamp::from_seconds(said.auth_time);
    ensure!(proved_at <= now, "a login in the future");
    if !Acr::parse(&said.acr).is_some_and(|acr| acr.satisfies(Acr::HIGH)) {
        return turned_away(call, &person.id, (Outside::TooLow, "too-low")).await;
    }
    if !may_be_in(app, &person, proved_at).await? {
        return turned_away(call, &person.id, (Outside::Locked, "locked")).await;
    }
    let token = app.world.chance.token()?;
    let sso = call.browser.session.as_ref().map(Token::hash);
    let session = Session { person: person.id, proved_at, started_at: now, seen_at: now, sso, id_token };
    app.world.scratch.put(&token.hash(), &session, now).await?;
    let mut response = page::see_other(to);
    set_cookie(app, response.headers_mut(), Some(&token));
    Ok(response)
}

/// Leaves somebody outside who has logged in, and tells of it.
async fn turned_away(
    call: &Call<'_>,
    person: &PersonId,
    (why, reason): (Outside, &'static str),
) -> anyhow::Result<Response> {
    told::note_turned_away(&call.app.world, person, reason, call.now).await?;
    Ok(why.go())
}

/// `POST /skule/logg-ut`: out of these pages, and out of Porten.
pub async fn leave(Extension(door): Extension<Door>, Sent { staff, .. }: Sent) -> Result<Response, Refusal> {
    staff.app.world.scratch.take::<Session>(&staff.token.hash(), staff.now).await?;
    let mut response = door.way_out(&staff.app, &staff.id_token).await?;
    set_cookie(&staff.app, response.headers_mut(), None);
    Ok(response)
}

/// `GET /skule/ut`: outside, and why.
pub async fn left(State(app): State<App>, browser: Browser, query: Params) -> Response {
    let why = Outside::of(&query);
    let (title, body) = why.words();
    let frame = Frame::new(page::text_for(&app, &browser, None), None, format!("{SCHOOL_PATH}/ut"));
    let page = OutsidePage {
        frame,
        title,
        body,
        is_wrong: !matches!(why, Outside::LoggedOut | Outside::TurnedBack),
        way_in: SCHOOL_PATH,
    };
    page::html(StatusCode::OK, &page, &[])
}
