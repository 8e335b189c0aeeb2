//! `POST /skule/api/import`: a school owner's system sends what its file would say, with a machine's own token.

use std::collections::HashSet;
use std::io::BufReader;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::scratch::Kept;
use authenticators::trail::Actor;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, FromRequest, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use idp::access_token::AccessToken;
use idp::app::App;
use idp::bearer::Bearer;
use idp::client::ClientId;
use idp::error::OAuthError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::school::import::{self, Diff, Import, Naming, Sender};
use crate::school::register::{self, Orgno, Version};
use crate::school::roster::plain::Lines;
use crate::school::roster::{Objections, Reader, Roster, RowError};
use crate::school::told;

/// What the token must be good for.
pub const SCOPE: &str = "minid:skole.import";
/// The largest municipality has half of it; what is larger goes by the command line.
const BODY_AT_MOST: usize = 16 * 1024 * 1024;
const PATH: &str = "/skule/api/import";
/// How long the answer to rows is waited for: shorter than the patience that all of Porten has with a request.
pub const PATIENCE: Duration = Duration::from_secs(20);

const TOO_MUCH: &str =
    "Nothing was taken in: much of what is there would be gone. If that is right, send it with accept_removals.";

/// How often somebody says that rows are still being taken in.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);
/// How long it goes on without such a sign: whoever took them in has been stopped.
pub const LEASE: Duration = Duration::from_mins(1);
/// Of how many owners rows are read and taken in at a time.
const AT_A_TIME: usize = 2;
const BUSY: &str = "Other rows of this school owner are being taken in.";
/// The answer may be lost of what was taken in.
const LOST: &str = "What came of these rows is not known: whoever took them in was stopped. Send them again; where all of \
                    it was taken in, that changes nothing.";

/// What is wanted of the rows.
#[derive(Deserialize)]
pub struct Wanted {
    /// `1`: to know what they would change, and no more.
    #[serde(default)]
    preview: String,
    /// The mark of what may go, where that is much.
    #[serde(default)]
    accept_removals: String,
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
    rows: Lines,
}

/// What they change, or would.
#[derive(Serialize)]
struct Answer {
    preview: bool,
    #[serde(flatten)]
    diff: Diff,
}

/// How the endpoint goes about it.
#[derive(Debug, Clone)]
pub struct Pace {
    patience: Duration,
    sign_of_life: Duration,
    turns: Turns,
}

impl Pace {
    /// By how long the answer to rows is waited for, and how often somebody says that they are still being taken in.
    pub fn of(patience: Duration, sign_of_life: Duration) -> Pace {
        Pace { patience, sign_of_life, turns: Turns::default() }
    }
}

impl Default for Pace {
    fn default() -> Pace {
        Pace::of(PATIENCE, SIGN_OF_LIFE)
    }
}

/// Whose rows are being read or taken in: of each owner's those of one request, and of few owners at a time. Rows that are
/// read are many times as long as they were, and who sends does not wait.
#[derive(Debug, Clone)]
struct Turns {
    owners: Arc<Mutex<HashSet<Orgno>>>,
    few: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Turns {
        Turns { owners: Arc::default(), few: Arc::new(Semaphore::new(AT_A_TIME)) }
    }
}

/// An owner's turn, until it is dropped.
struct Turn {
    owner: Orgno,
    turns: Turns,
}

impl Turns {
    /// The turn of an owner's rows; none, while others of theirs have it.
    fn of(&self, owner: &Orgno) -> Option<Turn> {
        let is_free = self.owners.lock().unwrap_or_else(PoisonError::into_inner).insert(owner.clone());
        is_free.then(|| Turn { owner: owner.clone(), turns: self.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.owners.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.owner);
    }
}

/// The endpoint, with room for a municipality's rows.
pub fn route(pace: Pace) -> MethodRouter<App> {
    post(take).get(tell).layer((DefaultBodyLimit::max(BODY_AT_MOST), Extension(pace)))
}

/// Takes rows in: CSV or JSON, all of them or none. Where that takes longer than somebody waits, the answer names where
/// what came of it is told.
pub async fn take(
    State(app): State<App>,
    bearer: Bearer,
    (Query(wanted), Extension(pace)): (Query<Wanted>, Extension<Pace>),
    request: Request,
) -> Result<Response, OAuthError> {
    let Some(owner) = machine_of(&bearer) else { return falls_short(&app, &bearer).await };
    let world = &app.world;
    let Some(seen) = register::version(&world.db, &owner).await? else {
        note_denied(&app, &bearer, "no-owner").await?;
        return Err(OAuthError::access_denied("The consumer of the access token is no school owner here."));
    };
    let Some(turn) = pace.turns.of(&owner) else {
        let answer = problem(StatusCode::TOO_MANY_REQUESTS, BUSY, &Objections::default());
        return Ok(([(header::RETRY_AFTER, pace.patience.as_secs().to_string())], answer).into_response());
    };
    let Some(kind) = Kind::of(request.headers()) else {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Ok(problem(status, "Content-Type must be text/csv or application/json.", &Objections::default()));
    };
    let body = match Bytes::from_request(request, &app).await {
        Ok(body) => body,
        Err(rejection) => return Ok(problem(rejection.status(), "The body cannot be taken.", &Objections::default())),
    };
    let client = bearer.client.id.clone();
    let order = Order { app: app.clone(), turn, seen, kind, body, wanted, client, now: bearer.now };
    // What was begun goes on, whether or not somebody waits for it.
    let mut work = tokio::spawn(order.carry_out());
    if let Ok(done) = tokio::time::timeout(pace.patience, &mut work).await {
        return Ok(done.map_err(anyhow::Error::from)??.into_response());
    }
    let id = app.world.chance.token()?;
    let result = format!("{}{PATH}?result={}", app.config.issuer.as_str(), id.reveal());
    let following = Following { app, key: id.hash(), owner, sign_of_life: pace.sign_of_life };
    following.say(None).await?;
    tokio::spawn(following.follow(work));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, result)]).into_response())
}

/// Work that goes on, and where what comes of it is kept.
struct Following {
    app: App,
    key: TokenHash,
    owner: Orgno,
    sign_of_life: Duration,
}

impl Following {
    /// Says that it goes on, or what has come of it.
    async fn say(&self, answer: Option<Done>) -> anyhow::Result<()> {
        let now = self.app.world.clock.now();
        let outcome = Outcome { owner: self.owner.as_str().to_owned(), seen: now, answer };
        self.app.world.scratch.put(&self.key, &outcome, now).await
    }

    /// Waits for it. Whoever asks knows by the signs of life that somebody does.
    async fn follow(self, mut work: JoinHandle<anyhow::Result<Done>>) {
        let done = loop {
            if let Ok(done) = tokio::time::timeout(self.sign_of_life, &mut work).await {
                break done.map_err(anyhow::Error::from).and_then(|done| done);
            }
            if let Err(error) = self.say(None).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "it cannot be said that a school owner's rows are taken in"
                );
            }
        };
        let answer = done.unwrap_or_else(|error| {
            tracing::error!(error = format!("{error:#}"), "rows of a school owner were not taken in");
            Done::problem(StatusCode::INTERNAL_SERVER_ERROR, "Nothing was taken in.", &Objections::default())
        });
        if let Err(error) = self.say(Some(answer)).await {
            tracing::error!(error = format!("{error:#}"), "what came of a school owner's rows cannot be kept");
        }
    }
}

/// Tells what came of rows that took their time: still nothing, or what would have been answered. Where nobody waits for
/// it any more, nothing will.
pub async fn tell(State(app): State<App>, bearer: Bearer, Query(asked): Query<Asked>) -> Result<Response, OAuthError> {
    let Some(owner) = machine_of(&bearer) else { return falls_short(&app, &bearer).await };
    let key = Token::presented(&asked.result).hash();
    let found = app.world.scratch.get::<Outcome>(&key, bearer.now).await?;
    Ok(match found.map(|found| found.value).filter(|found| found.owner == owner.as_str()) {
        Some(Outcome { answer: Some(done), .. }) => done.into_response(),
        Some(Outcome { seen, .. }) if seen.plus(LEASE) > bearer.now => StatusCode::ACCEPTED.into_response(),
        Some(_) => problem(StatusCode::GONE, LOST, &Objections::default()),
        None => problem(StatusCode::NOT_FOUND, "There is no such result.", &Objections::default()),
    })
}

/// Rows that are to be taken in, or looked at.
struct Order {
    app: App,
    turn: Turn,
    seen: Version,
    kind: Kind,
    body: Bytes,
    wanted: Wanted,
    client: ClientId,
    now: Timestamp,
}

impl Order {
    async fn carry_out(self) -> anyhow::Result<Done> {
        let Order { app, turn, seen, kind, body, wanted, client, now } = self;
        let (owner, _few) = (turn.owner.clone(), turn.turns.few.acquire().await?);
        let is_preview = wanted.preview == "1";
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
            sender: Sender::System(client.as_str()),
            seen,
            accept_removals: Some(wanted.accept_removals.as_str()),
        };
        let done = match is_preview {
            true => import::preview(&app.world, &import, Naming::Rows).await?,
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
pub struct Done {
    status: u16,
    body: String,
}

impl Done {
    fn not_taken(objections: &Objections) -> Done {
        let (status, title) = match objections.accept_removals {
            _ if objections.is_superseded => {
                (StatusCode::CONFLICT, "Nothing was taken in: something else was meanwhile.")
            }
            None => (StatusCode::UNPROCESSABLE_ENTITY, "Nothing was taken in: some rows are wrong."),
            Some(_) => (StatusCode::CONFLICT, TOO_MUCH),
        };
        Done::problem(status, title, objections)
    }

    /// RFC 9457
    fn problem(status: StatusCode, title: &str, objections: &Objections) -> Done {
        #[derive(Serialize)]
        struct Problem<'a> {
            r#type: &'static str,
            title: &'a str,
            status: u16,
            #[serde(flatten)]
            objections: &'a Objections,
        }
        let status = status.as_u16();
        let body = json!(Problem { r#type: "about:blank", title, status, objections });
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
pub struct Outcome {
    /// Its number.
    pub owner: String,
    /// When somebody was last waiting for it.
    pub seen: Timestamp,
    /// The answer, once there is one.
    pub answer: Option<Done>,
}

impl Kept for Outcome {
    const KIND: &'static str = "school-import";
    const FOR: Duration = Duration::from_hours(24);
}

/// The organisation that the token was given to.
fn owner(token: &AccessToken) -> Option<Orgno> {
    Orgno::parse(token.consumer_number()?)
}

/// The organisation whose machine this is, if it may send rows.
fn machine_of(bearer: &Bearer) -> Option<Orgno> {
    owner(&bearer.token).filter(|_| bearer.is_a_machine_with(&[SCOPE]))
}

/// Refuses a token that is good, and not for this.
async fn falls_short(app: &App, bearer: &Bearer) -> Result<Response, OAuthError> {
    note_denied(app, bearer, "insufficient-scope").await?;
    Ok(bearer.falls_short("A machine's own access token", &[SCOPE]))
}

/// Tells the organisation that the token was given to. Who comes without a good token is nobody that could be told.
async fn note_denied(app: &App, bearer: &Bearer, reason: &'static str) -> anyhow::Result<()> {
    let Some(owner) = owner(&bearer.token) else { return Ok(()) };
    told::note_machine(&app.world, (&owner, bearer.client.id.as_str()), PATH, reason).await
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
                Ok(Rows { rows }) => reader.json(rows),
                // What the library says of it quotes it.
                Err(error) => {
                    let detail = "not JSON: an object with rows, a list of objects of texts".to_owned();
                    let row = u64::try_from(error.line()).unwrap_or(0);
                    let errors = vec![RowError { file: "", row, detail }];
                    Err(Objections { errors, ..Objections::default() })
                }
            },
        }
    }
}

fn problem(status: StatusCode, title: &str, objections: &Objections) -> Response {
    Done::problem(status, title, objections).into_response()
}
