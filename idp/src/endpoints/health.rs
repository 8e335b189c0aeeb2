//! `/health/live` and `/health/ready`, for whoever runs us.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::time::timeout;

use crate::app::App;

const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /health/live`: the process answers.
pub async fn live() -> &'static str {
    "live\n"
}

/// `GET /health/ready`: database and scratch answer, too.
pub async fn ready(State(app): State<App>) -> Response {
    let database = matches!(timeout(PATIENCE, app.world.db.ping()).await, Ok(Ok(())));
    let scratch = matches!(timeout(PATIENCE, app.world.scratch.ping()).await, Ok(Ok(())));
    let status = if database && scratch { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |well: bool| if well { "up" } else { "down" };
    (status, Json(json!({ "database": word(database), "scratch": word(scratch) }))).into_response()
}
