//! The OpenID Provider: what citizens and services meet.
//!
//! In reading order: [`config`] and [`app`] are what is set and what is at hand; [`client`] and [`acr`] are the
//! services and the levels; [`request`] parses what a service asks, [`flow`] decides what it gets and [`steps`]
//! shows the citizen the pages in between, to the [`finish`]; [`session`], [`grant`], [`claims`] and [`keys`] are
//! what comes of a login, and [`logout_notice`] what is told when it is over. [`page`], [`text`], [`assets`] and [`browser`] are HTML, words, files and cookies,
//! [`error`] says what goes wrong, and every answer leaves through the [`edge`]. One file in [`endpoints`] for
//! each URL.

pub mod acr;
pub mod app;
pub mod assets;
pub mod browser;
pub mod claims;
pub mod client;
pub mod config;
pub mod edge;
pub mod endpoints;
pub mod error;
pub mod finish;
pub mod flow;
pub mod grant;
pub mod keys;
pub mod logout_notice;
pub mod page;
pub mod params;
pub mod request;
pub mod session;
pub mod steps;
pub mod text;

use std::time::Duration;

use authenticators::clock::Timestamp;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::endpoints::discovery::Document;
use crate::endpoints::{authorize, front, health, language, login, logout, token, userinfo};

/// No form of ours is longer, and no request of a service.
const BODY_AT_MOST: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// All routes: the table of contents. `more` are the routes of another face (none in `serve`).
pub fn router(app: &App, more: Router<App>) -> Router {
    // A link scanner's HEAD must not use anything up.
    let no_head = || async { StatusCode::METHOD_NOT_ALLOWED };
    let document = |document: Document| get(async move |headers: HeaderMap| document.clone().answer(&headers));
    let discovery = document(Document::discovery(app));
    let jwks = document(Document::jwks(app));
    // A service that runs in a browser reads these from its own origin.
    let open = Router::new()
        .route("/.well-known/openid-configuration", discovery)
        .route("/jwks.json", jwks)
        .route("/token", post(token::exchange))
        .route("/userinfo", get(userinfo::tell).post(userinfo::tell))
        .layer(
            CorsLayer::new()
                .allow_origin(Any)
                .allow_methods([Method::GET, Method::POST])
                .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE]),
        );
    let pages = Router::new()
        .route("/authorize", get(authorize::ask).post(authorize::ask).head(no_head))
        .route("/login/{client}/{id}", get(login::show).post(login::answer).head(no_head))
        .route("/logout", get(logout::ask).post(logout::ask).head(no_head))
        .route("/logout/{handle}", get(logout::resume).post(logout::answer).head(no_head))
        .route("/language", get(language::choose))
        .route("/static/{name}", get(assets::serve))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready));
    let front = if more.has_routes() { more } else { Router::new().route("/", get(front::show)) };
    Router::new()
        .merge(open)
        .merge(pages)
        .merge(front)
        .fallback(front::not_found)
        .layer(DefaultBodyLimit::max(BODY_AT_MOST))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(app.clone(), edge::pass))
        .with_state(app.clone())
}

/// Forgets what is long over, a little at a time.
pub async fn clean(app: &App, now: Timestamp) -> anyhow::Result<()> {
    while authenticators::throttle::clean(&app.world.db, now).await? {}
    while grant::clean(app, now).await? {}
    while logout_notice::clean(app, now).await? {}
    Ok(())
}
