//! All that is kept of the citizen, as a file (GDPR 15, 20).

use std::collections::HashMap;

use authenticators::clock::Timestamp;
use authenticators::contact::Contact;
use authenticators::person::Person;
use authenticators::trail::{Actor, Event};
use authenticators::{device, passkey, password, recovery_code, totp};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Visit;
use crate::consent;
use crate::error::Refusal;
use crate::session_list;

/// How many entries of the trail are read at once.
const PART: i64 = 1000;
/// What an entry says of somebody else by our own id of them.
const IDS: [&str; 2] = ["employee", "issued_by"];

/// The file.
pub async fn fetch(visit: &Visit<'_>) -> Result<Response, Refusal> {
    let (app, now, person) = (visit.call.app, visit.call.now, &visit.person);
    let event = visit.call.told(Event::by_oneself("data-fetched", &person.id));
    app.world.trail.write(event, now).await?;
    let db = app.world.db.pool();
    let former = Person::former(db, &person.id).await?;
    let data = json!({
        "made_at": at(Some(now)),
        "person": {
            "fnr": person.fnr,
            "former_fnr": former,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "locked_at": at(person.locked_at),
            "closed_at": at(person.closed_at),
        },
        "contact": contact(visit).await?,
        "login_methods": factors(visit).await?,
        "sessions": sessions(visit).await?,
        "consents": consent::all(app, &person.id).await?.into_iter().map(|given| json!({
            "client": given.client,
            "onbehalfof": given.onbehalfof,
            "scope": given.scope,
            "given_at": at(Some(given.given_at)),
        })).collect::<Vec<Value>>(),
        "events": events(visit).await?,
    });
    let text = serde_json::to_string_pretty(&data).map_err(anyhow::Error::from)?;
    let mut response = ([(header::CONTENT_TYPE, "application/json")], text).into_response();
    let name = HeaderValue::from_static("attachment; filename=\"minid.json\"");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// RFC 3339
fn at(moment: Option<Timestamp>) -> Option<String> {
    moment.and_then(|at| jiff::Timestamp::from_second(at.seconds()).ok()).map(|at| at.to_string())
}

async fn contact(visit: &Visit<'_>) -> anyhow::Result<Value> {
    let known = Contact::of(visit.call.app.world.db.pool(), &visit.person.id).await?;
    Ok(json!({
        "mobile": known.mobile,
        "mobile_changed_at": at(known.mobile_changed_at),
        "mobile_confirmed_at": at(known.mobile_confirmed_at),
        "mobile_proved_at": at(known.mobile_proved_at),
        "email": known.email,
        "email_changed_at": at(known.email_changed_at),
        "email_confirmed_at": at(known.email_confirmed_at),
        "email_proved_at": at(known.email_proved_at),
        "language": known.language,
        "reserved_at": at(known.reserved_at),
        "postbox": known.postbox,
        "postbox_provider": known.postbox_provider,
        "postbox_certificate": known.postbox_certificate,
        "postbox_changed_at": at(known.postbox_changed_at),
    }))
}

async fn factors(visit: &Visit<'_>) -> anyhow::Result<Value> {
    let (db, person) = (visit.call.app.world.db.pool(), &visit.person.id);
    let thing = |name: &str, created: Timestamp, used: Option<Timestamp>| json!({ "name": name, "created_at": at(Some(created)), "last_used_at": at(used) });
    let devices = device::all(db, person).await?;
    let passkeys = passkey::all(db, person).await?;
    let apps = totp::all(db, person).await?;
    let (left, made_at) = recovery_code::left(db, person).await?;
    Ok(json!({
        "password_changed_at": at(password::changed_at(db, person).await?),
        "devices": devices.iter().map(|d| thing(&d.name, d.created_at, d.last_used_at)).collect::<Vec<Value>>(),
        "passkeys": passkeys.iter().map(|k| thing(&k.name, k.created_at, k.last_used_at)).collect::<Vec<Value>>(),
        "totp": apps.iter().map(|a| thing(&a.name, a.created_at, a.last_used_at)).collect::<Vec<Value>>(),
        "recovery_codes": { "left": left, "created_at": at(made_at) },
    }))
}

async fn sessions(visit: &Visit<'_>) -> anyhow::Result<Vec<Value>> {
    let all = session_list::all(visit.call.app, &visit.person.id, visit.call.now).await?;
    let shown = |(listed, _): (session_list::Listed, _)| {
        json!({
            "begun_at": at(Some(listed.begun_at)),
            "amr": listed.amr,
            "browser": listed.software,
            "system": listed.system,
            "address": listed.address,
            "approximate_place": visit.place_of(&listed.address),
        })
    };
    Ok(all.into_iter().map(shown).collect())
}

async fn events(visit: &Visit<'_>) -> anyhow::Result<Vec<Value>> {
    let (world, mut before, mut all) = (&visit.call.app.world, i64::MAX, Vec::new());
    loop {
        let part = world.trail.of(world.db.pool(), &visit.person.id, before, PART).await?;
        let Some(last) = part.last() else { return Ok(all) };
        before = last.number;
        all.extend(part.into_iter().map(|entry| {
            let by = match &entry.actor {
                Actor::Person(who) if *who == visit.person.id => "self",
                // A teacher, or the school's administration.
                Actor::Person(_) => "school",
                Actor::Operator(_) => "support",
                Actor::Organisation(_) => "organisation",
                Actor::Register => "register",
                Actor::System => "system",
            };
            let address = entry.details.get("address").and_then(Value::as_str);
            let place = address.and_then(|address| visit.place_of(address));
            // Which employee it was is not told by an id of ours, of whom two pupils would learn that they have the same.
            let details = entry.details.iter().filter(|(name, _)| !IDS.contains(&name.as_str()));
            json!({
                "at": at(Some(entry.at)),
                "kind": entry.kind,
                "by": by,
                "approximate_place": place,
                "details": details.collect::<HashMap<_, _>>(),
            })
        }));
    }
}
