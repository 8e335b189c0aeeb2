//! `POST /skule/api/import`: a school owner's system sends what its file would say, with a machine's own token.

use std::io::BufReader;
use std::time::Duration;

use authenticators::chance::Token;
use authenticators::clock::Timestamp;
use authenticators::scratch::Kept;
use authenticators::trail::Actor;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use idp::access_token::AccessToken;
use idp::app::App;
use idp::bearer::Bearer;
use idp::error::OAuthError;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::school::import::{self, Diff, Import};
use crate::school::register::{self, Orgno};
use crate::school::roster::plain::Line;
use crate::school::roster::{Objections, Reader, Roster, RowError};

/// What the token must be good for.
pub const SCOPE: &str = "minid:skole.import";
/// The largest municipality has half of it; what is larger goes by the command line.
const BODY_AT_MOST: usize = 16 * 1024 * 1024;
const PATH: &str = "/skule/api/import";
/// How long the answer to rows is waited for: shorter than the patience that all of Porten has with a request.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long this endpoint waits.
#[derive(Debug, Clone, Copy)]
pub struct Patience(Duration);

/// What is wanted of the rows.
#[derive(Deserialize)]
pub struct Wanted {
    /// `1`: to know what they would change, and no more.
    #[serde(default)]
    preview: String,
}

/// Which result is wanted.
#[derive(Deserialize)]
pub struct Asked {
    /// As the answer to the rows named it.
    #[serde(default)]
    result: String,
}

/// Rows as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    rows: Vec<Line>,
}

/// What they change, or would.
#[derive(Serialize)]
struct Answer {
    preview: bool,
    #[serde(flatten)]
    diff: Diff,
}

/// The endpoint, with room for a municipality's rows.
pub fn route(patience: Duration) -> MethodRouter<App> {
    post(take).get(tell).layer((DefaultBodyLimit::max(BODY_AT_MOST), Extension(Patience(patience))))
}

/// Takes rows in: CSV or JSON, all of them or none. Where that takes longer than somebody waits, the answer names where
/// what came of it is told.
pub async fn take(
    State(app): State<App>,
    bearer: Bearer,
    (Query(wanted), Extension(Patience(patience))): (Query<Wanted>, Extension<Patience>),
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, OAuthError> {
    let owner = owner(&bearer.token).filter(|_| bearer.is_a_machine_with(&[SCOPE]));
    let Some(owner) = owner else {
        return Ok(bearer.falls_short("A machine's own access token", &[SCOPE]));
    };
    let world = &app.world;
    if register::owner(world.db.pool(), &owner).await?.is_none() {
        return Err(OAuthError::access_denied("The consumer of the access token is no school owner here."));
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Ok(problem(rejection.status(), "The body cannot be taken.", &Objections::default())),
    };
    let Some(kind) = Kind::of(&headers) else {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Ok(problem(status, "Content-Type must be text/csv or application/json.", &Objections::default()));
    };
    let (client, is_preview) = (bearer.client.id.as_str().to_owned(), wanted.preview == "1");
    let order = Order { app: app.clone(), owner, kind, body, client, is_preview, now: bearer.now };
    let whose = order.owner.as_str().to_owned();
    // What was begun goes on, whether or not somebody waits for it.
    let mut work = tokio::spawn(order.carry_out());
    if let Ok(done) = tokio::time::timeout(patience, &mut work).await {
        return Ok(done.map_err(anyhow::Error::from)??.into_response());
    }
    let id = app.world.chance.token()?;
    let key = id.hash();
    let pending = Outcome { owner: whose.clone(), answer: None };
    app.world.scratch.put(&key, &pending, app.world.clock.now()).await?;
    let kept = app.clone();
    tokio::spawn(async move {
        let done = work.await.map_err(anyhow::Error::from).and_then(|done| done);
        let answer = done.unwrap_or_else(|error| {
            tracing::error!(error = format!("{error:#}"), "rows of a school owner were not taken in");
            Done::problem(StatusCode::INTERNAL_SERVER_ERROR, "Nothing was taken in.", &Objections::default())
        });
        let outcome = Outcome { owner: whose, answer: Some(answer) };
        if let Err(error) = kept.world.scratch.put(&key, &outcome, kept.world.clock.now()).await {
            tracing::error!(error = format!("{error:#}"), "what came of a school owner's rows cannot be kept");
        }
    });
    let place = format!("{}{PATH}?result={}", app.config.issuer.as_str(), id.reveal());
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)]).into_response())
}

/// Tells what came of rows that took their time: still nothing, or what would have been answered.
pub async fn tell(State(app): State<App>, bearer: Bearer, Query(asked): Query<Asked>) -> Result<Response, OAuthError> {
    let owner = owner(&bearer.token).filter(|_| bearer.is_a_machine_with(&[SCOPE]));
    let Some(owner) = owner else {
        return Ok(bearer.falls_short("A machine's own access token", &[SCOPE]));
    };
    let key = Token::presented(&asked.result).hash();
    let found = app.world.scratch.get::<Outcome>(&key, bearer.now).await?;
    Ok(match found.filter(|found| found.value.owner == owner.as_str()).map(|found| found.value.answer) {
        Some(Some(done)) => done.into_response(),
        Some(None) => StatusCode::ACCEPTED.into_response(),
        None => problem(StatusCode::NOT_FOUND, "There is no such result.", &Objections::default()),
    })
}

/// Rows that are to be taken in, or looked at.
struct Order {
    app: App,
    owner: Orgno,
    kind: Kind,
    body: Bytes,
    client: String,
    is_preview: bool,
    now: Timestamp,
}

impl Order {
    async fn carry_out(self) -> anyhow::Result<Done> {
        let Order { app, owner, kind, body, client, is_preview, now } = self;
        let (whose, people, rows_at_most) = (owner.clone(), app.config.people, app.config.school.rows_at_most);
        let roster =
            tokio::task::spawn_blocking(move || kind.read(&body, Reader { owner: &whose, people, rows_at_most }));
        let roster = match roster.await? {
            Ok(roster) => roster,
            Err(objections) => return Ok(Done::not_taken(&objections)),
        };
        let import = Import {
            owner: &owner,
            roster: &roster,
            actor: Actor::Organisation(owner.as_str().to_owned()),
            client: Some(&client),
        };
        let done = match is_preview {
            true => import::preview(&app.world, &import).await?,
            false => import::apply(&app.world, &import, now).await?,
        };
        match done {
            Ok(diff) => {
                let body = serde_json::to_string(&Answer { preview: is_preview, diff })?;
                Ok(Done { status: StatusCode::OK.as_u16(), body })
            }
            Err(objections) => Ok(Done::not_taken(&objections)),
        }
    }
}

/// An answer that can be kept.
#[derive(Serialize, Deserialize)]
struct Done {
    status: u16,
    body: String,
}

impl Done {
    fn not_taken(objections: &Objections) -> Done {
        Done::problem(StatusCode::UNPROCESSABLE_ENTITY, "Nothing was taken in: some rows are wrong.", objections)
    }

    /// RFC 9457
    fn problem(status: StatusCode, title: &str, objections: &Objections) -> Done {
        let (status, Objections { errors, more }) = (status.as_u16(), objections);
        let body = json!({ "type": "about:blank", "title": title, "status": status, "errors": errors, "more": more });
        Done { status, body: body.to_string() }
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
        (status, [(header::CONTENT_TYPE, kind)], self.body).into_response()
    }
}

/// What came of rows that were sent, for the organisation that has sent them.
#[derive(Serialize, Deserialize)]
struct Outcome {
    owner: String,
    answer: Option<Done>,
}

impl Kept for Outcome {
    const KIND: &'static str = "school-import";
    const FOR: Duration = Duration::from_hours(24);
}

/// The organisation that the token was given to.
fn owner(token: &AccessToken) -> Option<Orgno> {
    Orgno::parse(token.consumer_number()?)
}

/// How rows are written.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Csv,
    Json,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Option<Kind> {
        let name = headers.get(header::CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim();
        match name.to_ascii_lowercase().as_str() {
            "text/csv" => Some(Kind::Csv),
            "application/json" => Some(Kind::Json),
            _ => None,
        }
    }

    fn read(self, body: &[u8], reader: Reader<'_>) -> Result<Roster, Objections> {
        match self {
            Kind::Csv => reader.plain(BufReader::new(body)),
            Kind::Json => match serde_json::from_slice::<Rows>(body) {
                Ok(Rows { rows }) => reader.rows(&rows),
                // What the library says of it quotes it.
                Err(error) => {
                    let detail = "not JSON: an object with rows, a list of objects of texts".to_owned();
                    let row = u64::try_from(error.line()).unwrap_or(0);
                    Err(Objections { errors: vec![RowError { file: "", row, detail }], more: 0 })
                }
            },
        }
    }
}

fn problem(status: StatusCode, title: &str, objections: &Objections) -> Response {
    Done::problem(status, title, objections).into_response()
}
