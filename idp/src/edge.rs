//! The edge of the server: what every answer passes on its way out.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use crate::app::App;
use crate::error::Refusal;
use crate::page;

/// A refusal on its way to the edge, where it becomes an answer.
#[derive(Clone)]
struct Refused(Arc<Refusal>);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Refused(Arc::new(self)));
        response
    }
}

/// Gives each request its name in the log, makes refusals into answers, and sets the headers that all have.
pub async fn pass(State(app): State<App>, request: Request, next: Next) -> Response {
    let trace_id = match app.world.chance.bytes::<8>() {
        Ok(bytes) => format!("{:016x}", u64::from_be_bytes(bytes)),
        Err(_) => String::new(),
    };
    let method = request.method().clone();
    // The route and never the path: that holds codes and handles.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let headers = request.headers().clone();
    let span = tracing::info_span!("request", trace_id, %method, route);
    async {
        let mut response = next.run(request).await;
        if let Some(Refused(refusal)) = response.extensions_mut().remove::<Refused>() {
            let cookies: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
            response = page::refuse(&app, &headers, &refusal, &trace_id).await;
            response.headers_mut().extend(cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)));
        }
        set_headers(&app, &trace_id, response.headers_mut());
        tracing::info!(status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await
}

fn set_headers(app: &App, trace_id: &str, headers: &mut HeaderMap) {
    let mut unless_set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    unless_set(header::CACHE_CONTROL, "no-store");
    unless_set(header::REFERRER_POLICY, "no-referrer");
    unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    unless_set(header::X_FRAME_OPTIONS, "DENY");
    unless_set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
    unless_set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    unless_set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    unless_set(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    if app.config.issuer.is_https() {
        unless_set(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000");
    }
    if let Ok(value) = HeaderValue::from_str(trace_id) {
        headers.insert("x-trace-id", value);
    }
}
