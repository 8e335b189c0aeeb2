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

/// What every answer has unless it says otherwise.
const HEADERS: [(HeaderName, HeaderValue); 8] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    ),
];
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// Gives each request its name in the log, makes refusals into answers, and sets the headers that all have.
pub async fn pass(State(app): State<App>, request: Request, next: Next) -> Response {
    let trace_id = match app.world.chance.bytes::<8>() {
        Ok(bytes) => format!("{:016x}", u64::from_be_bytes(bytes)),
        Err(_) => String::new(),
    };
    // The route and never the path: that holds codes and handles.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!("request", trace_id, method = %request.method(), route);
    // What a refusal's page is made for.
    let mut cookies = HeaderMap::new();
    for line in request.headers().get_all(header::COOKIE) {
        cookies.append(header::COOKIE, line.clone());
    }
    async {
        let mut response = carried_through(request, next).await;
        if let Some(Refused(refusal)) = response.extensions_mut().remove::<Refused>() {
            let set: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
            response = page::refuse(&app, &cookies, &refusal, &trace_id).await;
            response.headers_mut().extend(set.into_iter().map(|cookie| (header::SET_COOKIE, cookie)));
        }
        set_headers(&app, &trace_id, response.headers_mut());
        tracing::info!(status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await
}

/// What changes something goes on though whoever asked for it hangs up: what is committed is also told and written down.
async fn carried_through(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let done = tokio::spawn(next.run(request).in_current_span()).await;
    done.unwrap_or_else(|error| Refusal::from(anyhow::Error::from(error)).into_response())
}

fn set_headers(app: &App, trace_id: &str, headers: &mut HeaderMap) {
    headers.reserve(HEADERS.len() + 2);
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    if app.config.issuer.is_https() {
        let entry = headers.entry(header::STRICT_TRANSPORT_SECURITY);
        entry.or_insert(HeaderValue::from_static("max-age=63072000"));
    }
    if let Ok(value) = HeaderValue::from_str(trace_id) {
        headers.insert(TRACE_ID, value);
    }
}
