//! The contact register's API, as services know it from Digdir (KRR): `/rest/v1/personer` and `/rest/v2/personer` for
//! machines, which ask about anybody; `/rest/v2/krr/hentEndringer` for those that keep a copy; `/rest/v1/person` for
//! whoever has logged in.

use authenticators::clock::Timestamp;
use authenticators::contact;
use authenticators::person::{Fnr, Person};
use authenticators::trail::Event;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::bearer::Bearer;
use crate::error::OAuthError;
use crate::keys::TokenType;
use crate::register::{self, AT_MOST, CHANGES, Entry, LANGUAGE, OF_CITIZENS, OF_MACHINES, Sent, View, read};
use crate::text::Language;

const JOSE: &str = "application/jose";
/// What is needed, for those who have come with something else.
const A_MACHINES: &str = "A machine's own access token";
const A_CITIZENS: &str = "A citizen's access token with pid";

/// Whom a machine asks about.
#[derive(Deserialize)]
pub struct Asked {
    /// Their identifiers.
    pub personidentifikatorer: Vec<String>,
}

/// `POST /rest/v1/personer`, `POST /rest/v2/personer`
pub async fn people(State(app): State<App>, bearer: Bearer, body: Sent<Asked>) -> Result<Response, OAuthError> {
    if !bearer.is_a_machine_with(&OF_MACHINES) {
        return Ok(bearer.falls_short(A_MACHINES, &OF_MACHINES));
    }
    let asked = read(body, "an object with personidentifikatorer, a list of texts")?.personidentifikatorer;
    if asked.is_empty() || asked.len() > AT_MOST {
        return Err(OAuthError::invalid_request("personidentifikatorer must be 1 to 1000 person identifiers."));
    }
    let view = View::of(&bearer.token, OF_MACHINES);
    Ok(Json(register::look_up(&app, &asked, view, bearer.now).await?).into_response())
}

/// The place up to which a copy of the register is of today.
#[derive(Deserialize)]
pub struct Since {
    /// The place; 0 for all that there is.
    #[serde(rename = "fraEndringsId")]
    pub place: i64,
}

/// `POST /rest/v2/krr/hentEndringer`
pub async fn changes(State(app): State<App>, bearer: Bearer, body: Sent<Since>) -> Result<Response, OAuthError> {
    if !bearer.is_a_machine_with(&[CHANGES]) {
        return Ok(bearer.falls_short(A_MACHINES, &[CHANGES]));
    }
    let place = read(body, "an object with fraEndringsId, a number")?.place;
    if place < 0 {
        return Err(OAuthError::invalid_request("fraEndringsId must be 0 or more."));
    }
    let view = View::of(&bearer.token, OF_MACHINES);
    Ok(Json(register::changes(&app, place, view, bearer.now).await?).into_response())
}

/// An entry that is signed for the service.
#[derive(Serialize)]
struct Signed<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: Timestamp,
    #[serde(flatten)]
    entry: Entry,
}

/// `GET /rest/v1/person`
pub async fn oneself(State(app): State<App>, bearer: Bearer, headers: HeaderMap) -> Result<Response, OAuthError> {
    let Some(pid) = bearer.citizen_with(&OF_CITIZENS) else {
        return Ok(bearer.falls_short(A_CITIZENS, &OF_CITIZENS));
    };
    let view = View::of(&bearer.token, OF_CITIZENS);
    let entry = register::entry(&app, pid, view, bearer.now).await?;
    if !wants_jose(&headers) {
        return Ok(Json(entry).into_response());
    }
    let registration = &bearer.client.registration;
    let algorithm = registration.userinfo_signed_response_alg.unwrap_or(registration.id_token_signed_response_alg);
    // Without `exp` it cannot be taken for an ID token.
    let claims = Signed { iss: app.config.issuer.as_str(), aud: bearer.client.id.as_str(), iat: bearer.now, entry };
    let signed = app.keys.sign(algorithm, TokenType::UserInfo, &claims, bearer.now)?;
    Ok(([(header::CONTENT_TYPE, JOSE)], signed).into_response())
}

/// What a citizen wants otherwise.
#[derive(Deserialize)]
pub struct Choice {
    /// The language that they want to be written to in.
    pub spraak: Language,
}

/// `PATCH /rest/v1/person`
pub async fn choose(State(app): State<App>, bearer: Bearer, body: Sent<Choice>) -> Result<Response, OAuthError> {
    let Some(pid) = bearer.citizen_with(&[LANGUAGE]) else {
        return Ok(bearer.falls_short(A_CITIZENS, &[LANGUAGE]));
    };
    let language = read(body, "an object with spraak, which is nb, nn, en or se")?.spraak;
    let (world, now) = (&app.world, bearer.now);
    let named = Fnr::parse(pid, app.config.people);
    let fnr = named.map_err(|_| bearer.refusal("The access token names nobody."))?;
    let person = Person::ensure(&world.db, &world.chance, &fnr, now).await?;
    let event = Event::by_oneself("language-changed", &person.id).with("client", bearer.client.id.as_str());
    let mut tx = world.db.begin().await?;
    contact::set_language(&mut tx, &person.id, language.code(), now).await?;
    world.trail.append(&mut tx, &event, now).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Digdir, Oppslag ved innlogget bruker: `Accept` asks for a signed answer.
fn wants_jose(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut kinds = accept.split(',').filter_map(|kind| kind.split(';').next());
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case(JOSE))
}
