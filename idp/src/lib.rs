//! The OpenID Provider: what citizens and services meet.
//!
//! In reading order: [`config`] and [`app`] are what is set and what is at hand; [`registration`] (with [`redirect`]
//! and [`client_profile`]), [`client`], [`scope`] and [`acr`] are the services, what they may ask for and the levels;
//! [`client_auth`], [`client_keys`], [`certificate`] and [`dpop`] are how a service proves who it is; [`request`] and
//! [`request_object`] parse what a service asks, [`flow`] decides what it gets and [`steps`] shows the citizen the
//! pages in between, to the [`finish`]; [`minid`] is what a site has decided about MinID, [`eid`] (with `eid_preset`,
//! [`eid_logo`] and [`jwe`]) and [`upstream`] are the eIDs of others and the way to them; [`session`] (with [`session_list`]), [`grant`], [`refresh`],
//! [`consent`], [`claims`], [`access_token`] and [`keys`] are what comes of a login, [`machine`] what a service gets in
//! its own name, [`bearer`] how it shows a token here, and [`logout_notice`] what is told when a session is over.
//! [`profile_pages`] are the citizen's own, with [`contact_change`], [`password_change`], [`new_device`] and
//! [`notify`] for what is changed and told, and once a [`day`] [`deaths`] and [`numbers`] for whoever has died or has
//! another number; [`register`] is what services are told of how people are reached. A [`visitor`] who has no MinID orders
//! a letter ([`letter_orders`]), and gets on with what is in it on the [`activation_pages`]. [`page`],
//! [`text`], [`markdown`], [`assets`], [`document`], [`qr`], [`live`], [`handover`] and [`browser`] are HTML, words, files,
//! pictures, waiting, clicks that come twice and cookies, [`atlas`] where in the world an address is, [`params`] what a request says, [`error`] what goes
//! wrong, and every answer leaves through the [`edge`]. One file in [`endpoints`] for each URL.

pub mod access_token;
pub mod acr;
pub mod activation_pages;
pub mod app;
pub mod assets;
pub mod atlas;
pub mod bearer;
pub mod browser;
pub mod calendar;
pub mod certificate;
pub mod claims;
pub mod client;
pub mod client_auth;
pub mod client_keys;
pub mod client_profile;
pub mod config;
pub mod consent;
pub mod contact_change;
pub mod day;
pub mod deaths;
pub mod document;
pub mod dpop;
pub mod edge;
pub mod eid;
pub mod eid_logo;
mod eid_preset;
pub mod endpoints;
pub mod error;
pub mod finish;
pub mod flow;
pub mod grant;
pub mod handover;
pub mod jwe;
pub mod keys;
pub mod letter_orders;
pub mod live;
pub mod logout_notice;
pub mod machine;
pub mod markdown;
pub mod minid;
pub mod new_device;
pub mod notify;
pub mod numbers;
pub mod page;
pub mod params;
pub mod password_change;
pub mod profile_pages;
pub mod qr;
pub mod redirect;
pub mod refresh;
pub mod register;
pub mod registration;
pub mod request;
pub mod request_object;
pub mod scope;
pub mod session;
pub mod session_list;
pub mod steps;
pub mod text;
pub mod upstream;
pub mod visitor;

use std::time::Duration;

use authenticators::clock::Timestamp;
use authenticators::{account, guest};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::endpoints::{
    activate, authorize, device, discovery, front, health, introspect, language, letter, login, logout, par, postbox,
    profile, revoke, token, userinfo,
};

/// No form of ours is longer, and no request of a service.
const BODY_AT_MOST: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// All routes: the table of contents. `more` are the routes of another face (none in `serve`).
pub fn router(app: &App, more: Router<App>) -> Router {
    // A link scanner's HEAD must not use anything up.
    let no_head = || async { StatusCode::METHOD_NOT_ALLOWED };
    let metadata = discovery::discovery(app);
    let metadata = get(async move |headers: HeaderMap| metadata.clone().answer(&headers));
    // A service that runs in a browser reads these from its own origin.
    let open = Router::new()
        .route("/.well-known/openid-configuration", metadata)
        .route("/jwks.json", get(discovery::jwks))
        .route("/par", post(par::push))
        .route("/token", post(token::exchange))
        .route("/token/introspect", post(introspect::tell))
        .route("/token/revoke", post(revoke::end))
        .route("/userinfo", get(userinfo::tell).post(userinfo::tell))
        .layer(
            CorsLayer::new()
                .allow_origin(Any)
                .allow_methods([Method::GET, Method::POST])
                .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, dpop::HEADER])
                .expose_headers([header::WWW_AUTHENTICATE, dpop::NONCE]),
        );
    let pages = Router::new()
        .route("/authorize", get(authorize::ask).post(authorize::ask).head(no_head))
        .route("/login/{client}/{id}", get(login::show).post(login::answer).head(no_head))
        .route("/login/{client}/{id}/wait", get(login::wait))
        .route("/logout", get(logout::ask).post(logout::ask).head(no_head))
        .route("/logout/{handle}", get(logout::resume).post(logout::answer).head(no_head))
        .route("/profil", get(profile::show).post(profile::act).head(no_head))
        .route("/profil/{*page}", get(profile::show).post(profile::act).head(no_head))
        .route("/aktiveringsbrev/order", get(letter::show).post(letter::act).head(no_head))
        .route("/registrer", get(activate::show).post(activate::answer).head(no_head))
        // The same two in the MinID app's own window.
        .route("/app/aktiveringsbrev/order", get(letter::show).post(letter::act).head(no_head))
        .route("/app/registrer", get(activate::show).post(activate::answer).head(no_head))
        .route("/app", get(device::show))
        .route("/app/manifest.webmanifest", get(device::manifest))
        .route("/app/worker.js", get(device::worker))
        .route("/app/api/enrolments", post(device::begin))
        .route("/app/api/enrolments/finish", post(device::finish))
        .route("/app/api/device", get(device::tell).delete(device::leave))
        .route("/app/api/device/removal", post(device::ask_to_leave))
        .route("/app/api/device/push", put(device::wake).delete(device::let_sleep))
        .route("/app/api/requests", get(device::requests))
        .route("/app/api/requests/{id}/approve", post(device::approve))
        .route("/app/api/requests/{id}/decline", post(device::decline))
        .route("/language", get(language::choose))
        .route("/static/{name}", get(assets::serve))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready));
    let front = if more.has_routes() { more } else { Router::new().route("/", get(front::show)) };
    Router::new()
        .merge(open)
        .merge(pages)
        .merge(contact_register())
        .merge(for_providers())
        .merge(front)
        .fallback(front::not_found)
        // The outermost first. Layers one by one would each be boxed, and cloned several times a request.
        .layer((
            from_fn_with_state(app.clone(), edge::pass),
            CatchPanicLayer::new(),
            TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE),
            DefaultBodyLimit::max(BODY_AT_MOST),
        ))
        .with_state(app.clone())
}

/// The contact register, which services ask from their servers, and suppliers of postboxes tell from theirs.
fn contact_register() -> Router<App> {
    Router::new()
        .route("/rest/v1/person", get(endpoints::register::oneself).patch(endpoints::register::choose))
        .route("/rest/v1/personer", post(endpoints::register::people))
        .route("/rest/v2/personer", post(endpoints::register::people))
        .route("/rest/v2/krr/hentEndringer", post(endpoints::register::changes))
        .route("/rest/v2/postkasser", postbox::registering())
        .route("/rest/v2/postkasser/slett", post(postbox::remove))
}

/// Where the providers of the other eIDs send browsers back to, and find our keys.
fn for_providers() -> Router<App> {
    let no_head = || async { StatusCode::METHOD_NOT_ALLOWED };
    Router::new()
        .route("/eid/{id}/callback", get(endpoints::eid::arrive).head(no_head))
        .route("/eid/{id}/jwks.json", get(endpoints::eid::keys))
        .route("/eid/{id}/logo/{name}", get(endpoints::eid::logo))
}

/// Brings back what must outlive the program where it is kept in its memory: which grants were revoked. What the
/// providers of the other eIDs publish is fetched meanwhile.
pub async fn recall(app: &App, now: Timestamp) -> anyhow::Result<()> {
    app.upstreams.warm(now);
    grant::recall(app, now).await
}

/// Forgets what is long over, a little at a time, and looks after the keys.
pub async fn clean(app: &App, now: Timestamp) -> anyhow::Result<()> {
    app.keys.tend(&app.world.db, &app.world.chance, now).await?;
    client::warn(app, now).await?;
    while authenticators::throttle::clean(&app.world.db, now).await? {}
    while authenticators::known_browser::clean(&app.world.db, now).await? {}
    let before = |days: u32| now.minus(Duration::from_hours(24 * u64::from(days)));
    let (events, closed) = (before(app.config.minid.events_days), before(app.config.minid.closed_days));
    while account::erase(&app.world.db, events, closed, now).await? {}
    while refresh::clean(app, now).await? {}
    while consent::clean(app, now).await? {}
    while guest::clean(&app.world.db, now).await? {}
    while logout_notice::clean(app, now).await? {}
    day::pass(app, now).await
}
