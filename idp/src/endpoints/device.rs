//! The MinID app and the API of devices, at `/app` and below. A native app uses the same API.
//!
//! A device is known by its token (RFC 6750 2.1), which lets it see what waits for an answer; only a signature by its key
//! answers it. Bodies are JSON, and so are errors, in the form of RFC 6749 5.2.
//!
//! | request | answer |
//! |---|---|
//! | `POST /app/api/enrolments` `{code}` | `{token, options}`: for `navigator.credentials.create` |
//! | `POST /app/api/enrolments/finish` `{credential, name, system}` | `{number}`, to be typed on the profile page; or `{state}` |
//! | `GET /app/api/device` | `{state, …}`: `pending` with its `number`, `active` or `paused` |
//! | `POST /app/api/device/removal` | `{statement}`, good once and for five minutes |
//! | `DELETE /app/api/device` `{credential}` | 204: the device is no longer the person's. The challenge is SHA-256 of that `statement`; 409 `last_factor` where no way to log in would be left |
//! | `PUT /app/api/device/push` an address | 204; `DELETE`: it is not woken any more |
//! | `GET /app/api/requests` | `{id, statement}`, or 204 after some time without a request |
//! | `GET /app/api/requests?seen=ID` | the same once another waits than this one, or none any more (204) |
//! | `POST /app/api/requests/{id}/approve` `{number, credential}` | 204; the challenge is SHA-256 of `statement LF number` |
//! | `POST /app/api/requests/{id}/decline` `{not_me}` | 204 |
//!
//! The code of an enrolment stands behind the sign in the link that leads to the app, `/app#CODE`. It is from a picture,
//! or from the last page of a registration (`/app/registrer`). The latter is good once, for ten minutes, and only with the
//! cookies of the browser in which that page is, at both requests; there is no number then, and `state` is `active`.
//!
//! A native app shows `/app/registrer` in a web view of its own; the letters of an activation code that it has scanned go
//! behind the sign (`/app/registrer#LETTERS`). When the view is led to `/app#CODE` the app keeps it from going there,
//! takes the code, and sends both requests with the cookies of the view.
//!
//! `not_me` about a login pauses the app until there is another password; about `new_password` it makes such questions
//! quiet for a while.
//!
//! A statement is a JSON object. Its `purpose` is `login`, or `new_password`: somebody has forgotten their password and
//! asks for another. The app shows that it is no login, and what the statement `says`, in its `language`.
//! All of a statement is shown: `service`, `at`, `browser` and `system`, `address`, and `place` where the
//! site has a database of places.

use askama::Template;
use authenticators::approval::{self, Declined, Purpose, Said};
use authenticators::chance::TokenHash;
use authenticators::clock::Timestamp;
use authenticators::device::{self, Device};
use authenticators::enrolment::{self, Next};
use authenticators::factor::FactorKind;
use authenticators::password;
use authenticators::person::Person;
use authenticators::push::Address;
use authenticators::removal::{self, Signed};
use authenticators::trail::Event;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::activation_pages::{self, IN_APP, ORDER_IN_APP};
use crate::app::App;
use crate::assets;
use crate::browser::{Browser, Call};
use crate::error::Refusal;
use crate::live::Patience;
use crate::notify::{Listener, Notice};
use crate::page::{self, Frame};
use crate::params::Params;
use crate::profile_pages::{Page, factors};
use crate::visitor::APP_PATH;

/// At every second look an app that waits sees whether it was removed.
const LOOKS_AT_ONESELF: u32 = 2;

/// An error that an app is told.
pub struct Fault(StatusCode, Value);

impl Fault {
    fn new(status: StatusCode, error: &'static str, description: &str) -> Fault {
        Fault(status, json!({ "error": error, "error_description": description }))
    }

    fn gone() -> Fault {
        Fault::new(StatusCode::NOT_FOUND, "gone", "It is too late, or it has been answered already.")
    }

    fn not_signed() -> Fault {
        let what = "That is no signature over this request by this device.";
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_signature", what)
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Fault {
        tracing::error!(error = format!("{error:#}"), "a device was not answered");
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Something went wrong here. Try again.")
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Fault {
        Fault::from(anyhow::Error::from(error))
    }
}

impl From<JsonRejection> for Fault {
    fn from(rejection: JsonRejection) -> Fault {
        Fault::new(rejection.status(), "invalid_request", "The body is not the JSON that belongs here.")
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = (self.0, Json(self.1)).into_response();
        if self.0 == StatusCode::UNAUTHORIZED {
            let value = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

type Body<T> = Result<Json<T>, JsonRejection>;

/// RFC 6750 2.1
fn token(headers: &HeaderMap) -> Result<TokenHash, Fault> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).filter(|token| token.len() <= 100);
    token.map(TokenHash::of).ok_or_else(no_device)
}

fn no_device() -> Fault {
    Fault::new(StatusCode::UNAUTHORIZED, "invalid_token", "There is no device of this token, or not any more.")
}

async fn find(app: &App, headers: &HeaderMap) -> Result<(Device, Timestamp), Fault> {
    let device = device::of_token(app.world.db.pool(), &token(headers)?).await?.ok_or_else(no_device)?;
    Ok((device, app.world.clock.now()))
}

/// What a new device brings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invited {
    code: String,
}

/// `POST /app/api/enrolments`
pub async fn begin(State(app): State<App>, browser: Browser, body: Body<Invited>) -> Result<Response, Fault> {
    let Json(Invited { code }) = body?;
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    let begun = match activation_pages::app::begin(&call, &code).await? {
        Some(begun) => Some(begun),
        None => enrolment::begin(&app.world, &code, call.now).await?,
    };
    let begun = begun.ok_or_else(Fault::gone)?;
    let options: Value = serde_json::from_str(&begun.options).map_err(anyhow::Error::from)?;
    Ok(Json(json!({ "token": begun.token.reveal(), "options": options })).into_response())
}

/// The key that it has made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeKey {
    credential: Value,
    name: String,
    system: String,
}

/// `POST /app/api/enrolments/finish`
pub async fn finish(
    State(app): State<App>,
    browser: Browser,
    headers: HeaderMap,
    body: Body<MadeKey>,
) -> Result<Response, Fault> {
    let (token, Json(made)) = (token(&headers)?, body?);
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    let answer = made.credential.to_string();
    let about = (made.name.as_str(), made.system.as_str());
    match enrolment::finish(&app.world, &token, &answer, about, call.now).await? {
        Some(Next::Shows(number)) => Ok(Json(json!({ "number": number })).into_response()),
        Some(Next::Arrives(device)) => match activation_pages::app::finish(&call, &device).await? {
            true => Ok(Json(json!({ "state": "active" })).into_response()),
            false => Err(Fault::gone()),
        },
        None => Err(Fault::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_credential",
            "That is no key, or it comes too late.",
        )),
    }
}

/// `GET /app/api/device`
pub async fn tell(State(app): State<App>, headers: HeaderMap) -> Result<Response, Fault> {
    let (token, now) = (token(&headers)?, app.world.clock.now());
    let Some(device) = device::of_token(app.world.db.pool(), &token).await? else {
        let number = enrolment::number_of(&app.world, &token, now).await?.ok_or_else(no_device)?;
        return Ok(Json(json!({ "state": "pending", "number": number })).into_response());
    };
    let shown = device.shown();
    let state = if shown.paused { "paused" } else { "active" };
    let told = json!({
        "state": state,
        "name": shown.name,
        "push": shown.push,
        "push_key": app.world.push.web_key(),
        "credential": device.id,
    });
    Ok(Json(told).into_response())
}

/// `POST /app/api/device/removal`
pub async fn ask_to_leave(State(app): State<App>, headers: HeaderMap) -> Result<Response, Fault> {
    let (device, now) = find(&app, &headers).await?;
    let statement = removal::ask(&app.world, &device, app.config.issuer.as_str(), now).await?;
    Ok(Json(json!({ "statement": statement })).into_response())
}

/// That a device goes: its signature over what says so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaving {
    credential: Value,
}

/// `DELETE /app/api/device`: whoever has it in their hand, and unlocks it, may give it up.
pub async fn leave(
    State(app): State<App>,
    browser: Browser,
    headers: HeaderMap,
    body: Body<Leaving>,
) -> Result<Response, Fault> {
    let ((device, now), Json(leaving)) = (find(&app, &headers).await?, body?);
    match removal::check(&app.world, &device, &leaving.credential.to_string(), now).await? {
        Signed::Right => {}
        Signed::Wrong => return Err(Fault::not_signed()),
        Signed::Gone => return Err(Fault::gone()),
    }
    let (call, person) = (Call { app: &app, browser: &browser, now }, &device.person);
    let listener = Listener::of(&app, person).await?;
    let mut tx = app.world.db.begin().await?;
    Person::hold(&mut tx, person).await?;
    if !device::remove(&mut tx, person, device.id.as_str(), now).await? {
        tx.rollback().await?;
        return Err(no_device());
    }
    // Nobody locks themselves out, here as little as on the profile page.
    if !factors::is_any_left(&mut tx, &app, person, now).await? {
        tx.rollback().await?;
        return Err(Fault::new(StatusCode::CONFLICT, "last_factor", "There would be no way left to log in."));
    }
    let event = Event::by_oneself("factor-removed", person).with("factor", FactorKind::App.name());
    app.world.trail.append(&mut tx, &call.told(event), now).await?;
    tx.commit().await?;
    listener.tell(&app, Notice::FactorRemoved(FactorKind::App), now);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `PUT /app/api/device/push`
pub async fn wake(State(app): State<App>, headers: HeaderMap, body: Body<Address>) -> Result<Response, Fault> {
    let ((device, _), Json(address)) = (find(&app, &headers).await?, body?);
    if !app.world.push.takes(&address) {
        return Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_address", "No push service of ours."));
    }
    device::set_push(app.world.db.pool(), &device.id, Some(&address)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE /app/api/device/push`
pub async fn let_sleep(State(app): State<App>, headers: HeaderMap) -> Result<Response, Fault> {
    let (device, _) = find(&app, &headers).await?;
    device::set_push(app.world.db.pool(), &device.id, None).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /app/api/requests`: waits until something else waits than what the app has seen, and a device that was removed
/// meanwhile is told.
pub async fn requests(State(app): State<App>, headers: HeaderMap, query: Params) -> Result<Response, Fault> {
    let (seen, patience) = (query.field("seen"), Patience::fresh());
    let (mut device, _) = find(&app, &headers).await?;
    for look in 1_u32.. {
        // The scratch store is asked at each look, and the database now and then.
        if look.is_multiple_of(LOOKS_AT_ONESELF) {
            device = find(&app, &headers).await?.0;
        }
        let now = app.world.clock.now();
        let request = approval::waiting(&app.world, &device, now).await?;
        let is_news = request.as_ref().map(|request| request.id.as_str()) != seen;
        if is_news || !patience.wait().await {
            return Ok(match request {
                Some(request) => Json(json!({ "id": request.id, "statement": request.statement })).into_response(),
                None => StatusCode::NO_CONTENT.into_response(),
            });
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Yes: the number that stands on the page, and the signature.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Yes {
    number: String,
    credential: Value,
}

/// `POST /app/api/requests/{id}/approve`
pub async fn approve(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body<Yes>,
) -> Result<Response, Fault> {
    let ((device, now), Json(yes)) = (find(&app, &headers).await?, body?);
    let answer = yes.credential.to_string();
    match approval::approve(&app.world, &device, &id, (yes.number.trim(), &answer), now).await? {
        Said::Taken => Ok(StatusCode::NO_CONTENT.into_response()),
        Said::WrongNumber { left } => Err(Fault(
            StatusCode::UNPROCESSABLE_ENTITY,
            json!({ "error": "wrong_number", "error_description": "Another number stands on the page.", "left": left }),
        )),
        Said::NotSigned => Err(Fault::not_signed()),
        Said::Gone => Err(Fault::gone()),
    }
}

/// No.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct No {
    /// Somebody else has asked. About a login they know the password.
    #[serde(default)]
    not_me: bool,
}

/// `POST /app/api/requests/{id}/decline`
pub async fn decline(
    State(app): State<App>,
    Path(id): Path<String>,
    browser: Browser,
    headers: HeaderMap,
    body: Body<No>,
) -> Result<Response, Fault> {
    let ((device, now), Json(no)) = (find(&app, &headers).await?, body?);
    let call = Call { app: &app, browser: &browser, now };
    let declined = approval::decline(&app.world, &device, &id, no.not_me, now).await?;
    let Declined { purpose, is_quiet } = declined.ok_or_else(Fault::gone)?;
    let listener = Listener::of(&app, &device.person).await?;
    let mut tx = app.world.db.begin().await?;
    // Whoever logs in has given the password. Whoever wants another one knows an identifier, as anybody may.
    let knows_it = no.not_me && purpose == Purpose::Login;
    let kind = if knows_it { "device-paused" } else { "app-declined" };
    if knows_it {
        // The app is left alone until there is another password.
        Person::hold(&mut tx, &device.person).await?;
        device::pause(&mut tx, &device.person, Some(now)).await?;
        password::demand_another(&mut tx, &device.person, now).await?;
    }
    let event = Event::by_oneself(kind, &device.person).with("purpose", purpose.name()).with("not_me", no.not_me);
    app.world.trail.append(&mut tx, &call.told(event), now).await?;
    tx.commit().await?;
    let notice = match (purpose, no.not_me) {
        (Purpose::Login, true) => Some(Notice::NotMe),
        (Purpose::Login, false) => Some(Notice::AppQuiet).filter(|_| is_quiet),
        (Purpose::NewPassword, true) => Some(Notice::NotMyNewPassword),
        (Purpose::NewPassword, false) => Some(Notice::NewPasswordQuiet).filter(|_| is_quiet),
    };
    if let Some(notice) = notice {
        listener.tell(&app, notice, now);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Template)]
#[template(path = "app.html")]
struct AppPage {
    frame: Frame,
    set_up: &'static str,
    register: &'static str,
    order: &'static str,
}

/// `GET /app`
pub async fn show(State(app): State<App>, browser: Browser) -> Result<Response, Refusal> {
    let frame = Frame::new(page::text_for(&app, &browser, None), None, APP_PATH);
    let page = AppPage { frame, set_up: Page::App.path(), register: IN_APP, order: ORDER_IN_APP };
    let mut response = page::html(StatusCode::OK, &page, &[]);
    // Here, and nowhere else, a picture is scanned.
    let policy = HeaderValue::from_static("camera=(self), geolocation=(), microphone=()");
    response.headers_mut().insert("permissions-policy", policy);
    browser.settle(&app, response.headers_mut());
    Ok(response)
}

/// `GET /app/manifest.webmanifest` (W3C Web Application Manifest)
pub async fn manifest(State(app): State<App>, browser: Browser) -> Response {
    let text = page::text_for(&app, &browser, None);
    let manifest = json!({
        "id": APP_PATH,
        "name": "MinID",
        "short_name": "MinID",
        "description": text.t("device-about"),
        "lang": text.language.of_words().code(),
        "start_url": APP_PATH,
        "scope": APP_PATH,
        "display": "standalone",
        "background_color": "#17513f",
        "theme_color": "#17513f",
        "icons": [
            { "src": assets::url("app_icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any" },
            { "src": assets::url("app_icon_192.png"), "sizes": "192x192", "type": "image/png", "purpose": "any" },
            { "src": assets::url("app_icon_512.png"), "sizes": "512x512", "type": "image/png", "purpose": "any" },
            { "src": assets::url("app_icon_512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable" },
        ],
    });
    ([(header::CONTENT_TYPE, "application/manifest+json")], manifest.to_string()).into_response()
}

#[derive(Template)]
#[template(path = "app_worker.js", escape = "none")]
struct Worker {
    kept: Vec<&'static str>,
}

/// `GET /app/worker.js` (W3C Service Workers)
pub async fn worker() -> Result<Response, Refusal> {
    let kept = ["app.js", "designsystemet.css", "style.css", "app_icon.svg"].map(assets::url).into();
    let text = Worker { kept }.render().map_err(anyhow::Error::from)?;
    let mut response = ([(header::CONTENT_TYPE, "text/javascript")], text).into_response();
    // It stands below the page that it works for.
    response.headers_mut().insert("service-worker-allowed", HeaderValue::from_static(APP_PATH));
    let policy = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}
