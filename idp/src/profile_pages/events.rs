//! What has happened on the account, the newest first.

use askama::Template;
use authenticators::factor::FactorKind;
use authenticators::postbox;
use authenticators::trail::{Actor, Entry};
use axum::response::Response;
use serde_json::Value;

use super::{Page, Visit};
use crate::error::Refusal;
use crate::page::Frame;
use crate::params::Params;
use crate::text::{self, Text};

/// How many there are on a page.
const AT_ONCE: i64 = 25;

/// Something that has happened.
struct Happened {
    at: String,
    what: String,
    about: Vec<String>,
}

#[derive(Template)]
#[template(path = "profile_events.html")]
struct Events {
    frame: Frame,
    events: Vec<Happened>,
    older: Option<String>,
    profile: &'static str,
}

/// The page.
pub async fn show(visit: &Visit<'_>, query: &Params) -> Result<Response, Refusal> {
    let before = query.field("for").and_then(|number| number.parse().ok()).unwrap_or(i64::MAX);
    let world = &visit.call.app.world;
    let entries = world.trail.of(world.db.pool(), &visit.person.id, before, AT_ONCE).await?;
    let is_full = i64::try_from(entries.len()).unwrap_or(AT_ONCE) == AT_ONCE;
    let older = entries.last().filter(|_| is_full).map(|last| format!("{}?for={}", visit.page.path(), last.number));
    let events = entries.iter().map(|entry| happened(visit, entry)).collect();
    Ok(visit.html(&Events { frame: visit.frame(), events, older, profile: Page::Overview.path() }, false))
}

fn happened(visit: &Visit<'_>, entry: &Entry) -> Happened {
    let text = visit.text();
    let detail = |name: &str| entry.details.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut about = Vec::new();
    about.extend(way(text, detail("amr")));
    let on = format!("{} {}", detail("browser"), detail("system"));
    match on.trim() {
        "" => {}
        on => about.push(on.to_owned()),
    }
    if !detail("address").is_empty() {
        about.push(text.with("event-address", "address", detail("address")));
        // As the database has it today: nothing of it was written down.
        about.extend(visit.near(detail("address")));
    }
    about.extend(by_whom(visit, entry));
    if entry.kind.starts_with("school-") {
        about.extend(role_given(text, entry));
        about.extend(why_in_school(text, entry));
    }
    // As what somebody there issues, or has issued.
    let employee = ["employee_as", "issued_as"].into_iter().find_map(|name| title_in(entry, name));
    about.extend(employee.map(|title| text.with("event-employee-as", "title", text.t(title))));
    // The school at which it was, also of a registration by its code; and what it calls somebody now.
    let at = [detail("name"), detail("class"), detail("school")];
    about.extend(at.map(str::to_owned).into_iter().filter(|part| !part.is_empty()));
    let what = of_the_postbox(text, entry).unwrap_or_else(|| words(text, entry));
    Happened { at: text::in_norway(entry.at, "%d.%m.%Y %H:%M"), what, about }
}

/// Whether a school has gone to another owner, with all that came of it.
fn is_moved(entry: &Entry) -> bool {
    entry.details.get("to").is_some()
}

/// Who did it, where it was somebody else.
fn by_whom(visit: &Visit<'_>, entry: &Entry) -> Option<String> {
    let text = visit.text();
    Some(match &entry.actor {
        // Whoever brings the owner's file, or the owner's own system; that a school goes to another owner is support's.
        Actor::Operator(_) | Actor::Organisation(_) if entry.kind.starts_with("school-") && !is_moved(entry) => {
            text.t("event-by-owner-register")
        }
        Actor::Operator(_) => text.t("event-by-support"),
        Actor::Organisation(number) => text.with("event-by-organisation", "name", postbox::name_of(number)),
        Actor::Register => text.t("event-by-register"),
        Actor::System => text.t("event-by-porten"),
        Actor::Person(who) if *who == visit.person.id => return None,
        // A teacher, or the school's administration.
        Actor::Person(_) => match title(entry) {
            Some(title) => text.with("event-by-school-as", "title", text.t(title)),
            None => text.t("event-by-school"),
        },
    })
}

/// What whoever did it in a school is, in words.
fn title(entry: &Entry) -> Option<&'static str> {
    title_in(entry, "role")
}

/// What somebody in a school is whom an entry tells of, in words.
fn title_in(entry: &Entry, name: &str) -> Option<&'static str> {
    Some(match entry.details.get(name).and_then(Value::as_str).unwrap_or_default() {
        "owner" => "event-title-owner",
        "principal" => "event-title-principal",
        "assistant-principal" => "event-title-assistant-principal",
        "secretary" => "event-title-secretary",
        "inspector" => "event-title-inspector",
        "contact-teacher" => "event-title-contact-teacher",
        "subject-teacher" => "event-title-subject-teacher",
        "adviser" => "event-title-adviser",
        "assistant" => "event-title-assistant",
        _ => return None,
    })
}

/// The role that somebody has or had, where it is that.
fn role_given(text: Text, entry: &Entry) -> Option<String> {
    match entry.kind.as_str() {
        "school-role-given" | "school-role-ended" => Some(text.with("event-role", "title", text.t(title(entry)?))),
        _ => None,
    }
}

/// Why something was done in a school, where it does not say so itself.
fn why_in_school(text: Text, entry: &Entry) -> Option<String> {
    let detail = |name: &str| entry.details.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = match (detail("reason"), entry.kind.as_str()) {
        ("", _) => return None,
        // A school that goes to another owner: in the words of whoever moved it.
        (reason, _) if is_moved(entry) => return Some(text.with("event-reason", "reason", reason)),
        ("identified", _) => "event-reason-identified",
        ("new-code", _) => "event-reason-new-code",
        ("has-own", _) => "event-reason-has-own",
        ("forgotten-password", "school-code-issued") => "event-reason-forgotten-password",
        ("wrong-mobile", "school-code-issued") => "event-reason-wrong-mobile",
        ("other-reason", "school-code-issued") => "event-reason-other",
        ("can-identify", _) => "event-reason-can-identify",
        ("cannot-identify", _) => "event-reason-cannot-identify",
        ("wrong-name", _) => "event-reason-wrong-name",
        ("left-role", "school-uncoupled") => "event-reason-left-role",
        ("left-class", "school-uncoupled") => "event-reason-left-class",
        ("not-theirs", _) => "event-reason-not-theirs",
        ("oneself", _) => "event-reason-oneself",
        ("not-in-class", _) => "event-reason-not-in-class",
        ("has-minid", _) => "event-reason-has-minid",
        ("locked", _) => "event-reason-locked",
        ("too-young", _) => "event-reason-too-young",
        ("too-low", _) => "event-reason-too-low",
        _ => return None,
    };
    Some(text.t(key))
}

/// How somebody logged in. Another's eID has the name that services know it by.
fn way(text: Text, amr: &str) -> Option<String> {
    match amr {
        "" => None,
        "Minid-APP" => Some(text.t("event-by-app")),
        "Minid-TOTP" => Some(text.t("event-by-totp")),
        "Minid-WEBAUTHN" => Some(text.t("event-by-passkey")),
        "Minid-OTC" => Some(text.t("event-by-otc")),
        "TestID" => Some(text.t("eid-testid")),
        other => Some(other.to_owned()),
    }
}

/// What has become of the digital postbox, where it is that.
fn of_the_postbox(text: Text, entry: &Entry) -> Option<String> {
    let provider = entry.details.get("provider").and_then(Value::as_str).unwrap_or_default();
    let key = match entry.kind.as_str() {
        "postbox-registered" => "event-postbox-registered",
        "postbox-moved" => "event-postbox-moved",
        "postbox-changed" => "event-postbox-changed",
        "postbox-removed" => "event-postbox-removed",
        _ => return None,
    };
    Some(text.with(key, "provider", postbox::name_of(provider)))
}

/// What an entry tells, in words.
fn words(text: Text, entry: &Entry) -> String {
    let detail = |name: &str| entry.details.get(name).and_then(Value::as_str).unwrap_or_default();
    let factor =
        FactorKind::second(detail("factor")).map(|kind| text.t(super::factors::name(kind))).unwrap_or_default();
    let key = match entry.kind.as_str() {
        "login" => {
            let sso = entry.details.get("sso").and_then(Value::as_bool) == Some(true);
            let key = if sso { "event-sso" } else { "event-login" };
            return text.with(key, "service", detail("service"));
        }
        "factor-added" => return text.with("event-factor-added", "what", factor),
        "factor-removed" => return text.with("event-factor-removed", "what", factor),
        "consent-given" => return text.with("event-consent-given", "service", detail("service")),
        "consent-withdrawn" => return text.with("event-consent-withdrawn", "service", detail("service")),
        "quarantined" if entry.details.get("locked").and_then(Value::as_bool) == Some(true) => {
            "event-locked-by-failures"
        }
        "quarantined" => "event-quarantined",
        "password-changed" => "event-password-changed",
        "password-recovered" => "event-password-recovered",
        "mobile-changed" => "event-mobile-changed",
        "email-changed" => "event-email-changed",
        "email-removed" => "event-email-removed",
        "contact-proved" | "contact-confirmed" => "event-contact-confirmed",
        "language-changed" => "event-language-changed",
        "reserved" => "event-reserved",
        "unreserved" => "event-unreserved",
        "preferred" | "factor-renamed" => "event-factors-changed",
        "recovery-codes-renewed" => "event-recovery-codes",
        "recovery-code-used" => "event-recovery-code-used",
        "session-ended" | "signed-out" => "event-signed-out",
        "locked" => "event-locked",
        "opened" => "event-opened",
        "closed" => "event-closed",
        "reset" => "event-reset",
        "number-changed" => "event-number-changed",
        "looked-up" => "event-looked-up",
        "imported" => "event-imported",
        "letter-ordered" => "event-letter-ordered",
        "letter-sent" => "event-letter-sent",
        "letter-stopped" => "event-letter-stopped",
        "letter-returned" => "event-letter-returned",
        "letter-acknowledged" => "event-letter-acknowledged",
        "letter-withdrawn" => "event-letter-withdrawn",
        "registered" => "event-registered",
        "app-declined" if detail("purpose") == "new_password" => "event-new-password-declined",
        "app-declined" => "event-app-declined",
        "device-paused" => "event-device-paused",
        "data-fetched" => "event-data-fetched",
        "school-denied" if ["oneself", "not-in-class"].contains(&detail("reason")) => "event-school-denied-choice",
        kind => in_school(kind).unwrap_or("event-other"),
    };
    text.t(key)
}

/// The same of what was done in a school.
fn in_school(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "school-authorised" => "event-school-authorised",
        "school-unauthorised" => "event-school-unauthorised",
        "school-coupled" => "event-school-coupled",
        "school-uncoupled" => "event-school-uncoupled",
        "school-code-issued" => "event-school-code-issued",
        "school-code-refused" => "event-school-code-refused",
        "school-code-ended" => "event-school-code-ended",
        "school-letter-ended" => "event-school-letter-ended",
        "school-wrong-name" => "event-school-wrong-name",
        "code-guessed-at" => "event-code-guessed-at",
        "school-not-identified" => "event-school-not-identified",
        "school-role-given" => "event-school-role-given",
        "school-role-ended" => "event-school-role-ended",
        "school-name-changed" => "event-school-name-changed",
        "school-pupil-added" => "event-school-pupil-added",
        "school-pupil-removed" => "event-school-pupil-removed",
        "school-denied" => "event-school-denied",
        "school-moved" => "event-school-moved",
        "school-report-read" => "event-school-report-read",
        _ => return None,
    })
}
