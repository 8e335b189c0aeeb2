//! The citizen is asked to agree.

use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::{Common, Problems, Turn};
use crate::consent;
use crate::error::Refusal;
use crate::finish;
use crate::markdown::{self, Piece};
use crate::page::Frame;
use crate::scope::{self, ScopeRegistration};
use crate::text::Language;

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent {
    frame: Frame,
    action: String,
    csrf: String,
    scopes: Vec<ShownScope>,
    items: Vec<&'static str>,
    /// The types of what is asked for in detail (RFC 9396).
    details: Vec<String>,
    is_remembered: bool,
}

/// A registered scope, in its owner's words.
struct ShownScope {
    words: String,
    lang: &'static str,
    paragraphs: Vec<Vec<Piece>>,
    long_lang: &'static str,
}

impl ShownScope {
    fn new(scope: &ScopeRegistration, reader: Language) -> ShownScope {
        let (language, words) = scope.said(reader);
        let (long_language, long) = scope.said_at_length(reader).unwrap_or((language, ""));
        ShownScope {
            words: words.to_owned(),
            lang: language.code(),
            paragraphs: markdown::read(long),
            long_lang: long_language.code(),
        }
    }
}

/// The page.
pub async fn page(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let Common { frame, action, csrf } = turn.common();
    let (request, app) = (&turn.attempt().request, turn.call.app);
    let reader = turn.text().language;
    let is_pseudonymous = scope::rules(app, &request.scope).await?.pseudonymous;
    let (mut scopes, mut items) = (Vec::new(), Vec::new());
    for name in &request.scope {
        match app.scope(name).await? {
            Some(scope) => scopes.push(ShownScope::new(&scope.registration, reader)),
            None if name == "openid" && is_pseudonymous => items.push("consent-pseudonym"),
            None => items.push(item_of(name)),
        }
    }
    items.sort_unstable();
    items.dedup();
    let kind = |detail: &Value| detail.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut details: Vec<String> = request.authorization_details.iter().map(kind).collect();
    details.sort_unstable();
    details.dedup();
    let page = Consent { frame, action, csrf, scopes, items, details, is_remembered: !request.consent.is_empty() };
    Ok(turn.html(&Problems::default(), &page))
}

fn item_of(scope: &str) -> &'static str {
    match scope {
        "openid" => "consent-openid",
        "profile" => "consent-profile",
        _ => "consent-other",
    }
}

/// The citizen agrees.
pub async fn answer(turn: &Turn<'_>) -> Result<Response, Refusal> {
    if !turn.wants("next") {
        return Ok(turn.onwards());
    }
    // Logged out, or too long ago: the proof is worth nothing any more.
    let Some(proved) = turn.in_session().await? else { return turn.other_eid().await };
    let (app, attempt) = (turn.call.app, turn.attempt());
    let token = app.world.chance.token()?;
    if !turn.write(&turn.read, attempt.finished(token.hash())).await? {
        return Ok(turn.onwards());
    }
    consent::give(&turn.call, &attempt.request, proved.person()).await?;
    finish::login(&turn.call, &attempt.request, proved, &token).await
}
