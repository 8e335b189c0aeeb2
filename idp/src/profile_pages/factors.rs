//! How the citizen logs in: what there is, another name for it, and away with it.

use askama::Template;
use authenticators::clock::Timestamp;
use authenticators::contact::{Contact, Phone};
use authenticators::factor::{FactorId, FactorKind, name_of};
use authenticators::person::{Person, PersonId};
use authenticators::trail::Event;
use authenticators::{device, passkey, password, recovery_code, totp};
use axum::response::Response;
use migrations::Tx;

use super::{Page, Said, Visit};
use crate::app::App;
use crate::error::Refusal;
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::params::Params;
use crate::text;

/// One of their things: an app, a key, a device.
struct Thing {
    kind: &'static str,
    id: String,
    name: String,
    about: Vec<String>,
}

/// A way to log in that can be asked for first.
struct Way {
    kind: &'static str,
    name: &'static str,
    is_preferred: bool,
}

/// Things of a kind, and the way to one more.
struct Group {
    name: &'static str,
    about: &'static str,
    /// That it ends, and when.
    retires: Option<String>,
    things: Vec<Thing>,
    add: &'static str,
    href: &'static str,
}

#[derive(Template)]
#[template(path = "profile_factors.html")]
struct Factors {
    frame: Frame,
    action: &'static str,
    csrf: String,
    notice: Option<&'static str>,
    problem: Option<&'static str>,
    has_minid: bool,
    password_about: String,
    to_password: &'static str,
    mobile: Option<String>,
    mobile_retires: Option<String>,
    to_mobile: &'static str,
    groups: Vec<Group>,
    codes_retire: Option<String>,
    codes_left: String,
    has_codes: bool,
    to_codes: &'static str,
    ways: Vec<Way>,
    profile: &'static str,
}

/// The key of a kind's name.
pub fn name(kind: FactorKind) -> &'static str {
    match kind {
        FactorKind::App => "method-app",
        FactorKind::Passkey => "method-passkey",
        FactorKind::Totp => "method-totp",
        FactorKind::RecoveryCode => "recovery-codes",
        FactorKind::Otc | FactorKind::Password => "method-otc",
    }
}

/// What there is.
pub async fn show(visit: &Visit<'_>, query: &Params) -> Result<Response, Refusal> {
    page(visit, (Said::key(query), None)).await
}

async fn page(visit: &Visit<'_>, said: (Option<&'static str>, Option<&'static str>)) -> Result<Response, Refusal> {
    let (app, person, now, text) = (visit.call.app, &visit.person.id, visit.call.now, visit.text());
    let (db, minid) = (app.world.db.pool(), &app.config.minid);
    let changed = password::changed_at(db, person).await?;
    let (left, _) = recovery_code::left(db, person).await?;
    let groups = groups(visit).await?;
    let mobile = Contact::of(db, person).await?.mobile.filter(|_| !minid.is_retired(FactorKind::Otc, now));
    let kinds = [FactorKind::App, FactorKind::Passkey, FactorKind::Totp];
    let lasts = |kind: &FactorKind| has(&groups, *kind) && !minid.is_retired(*kind, now);
    let mut kinds: Vec<FactorKind> = kinds.into_iter().filter(lasts).collect();
    kinds.extend(mobile.is_some().then_some(FactorKind::Otc));
    let preferred = visit.person.preferred();
    let page = Factors {
        frame: visit.frame(),
        action: Page::Factors.path(),
        csrf: visit.csrf(),
        notice: said.0,
        problem: said.1,
        has_minid: changed.is_some(),
        password_about: changed.map(|at| text.with("contact-changed", "date", day(at))).unwrap_or_default(),
        to_password: Page::Password.path(),
        mobile: mobile.as_ref().map(Phone::grouped),
        mobile_retires: minid.retires(FactorKind::Otc, now),
        to_mobile: Page::Mobile.path(),
        groups,
        codes_retire: minid.notice(FactorKind::RecoveryCode, now).map(|(key, day)| text.with(key, "date", day)),
        codes_left: text.with("recovery-left", "count", left.to_string()),
        has_codes: left > 0,
        to_codes: Page::Recovery.path(),
        ways: kinds
            .into_iter()
            .map(|kind| Way { kind: kind.name(), name: name(kind), is_preferred: preferred == Some(kind) })
            .collect(),
        profile: Page::Overview.path(),
    };
    Ok(visit.html(&page, said.1.is_some()))
}

fn day(at: Timestamp) -> String {
    text::in_norway(at, "%d.%m.%Y")
}

fn has(groups: &[Group], kind: FactorKind) -> bool {
    groups.iter().flat_map(|group| &group.things).any(|thing| thing.kind == kind.name())
}

/// The things of each kind.
async fn groups(visit: &Visit<'_>) -> anyhow::Result<Vec<Group>> {
    let (world, person, text) = (&visit.call.app.world, &visit.person.id, visit.text());
    let db = world.db.pool();
    let thing = |kind: FactorKind, id: FactorId, name, (created, used): (Timestamp, Option<Timestamp>)| Thing {
        kind: kind.name(),
        id: id.as_str().to_owned(),
        name,
        about: [text.with("factor-since", "date", day(created))]
            .into_iter()
            .chain([used.map_or_else(
                || text.t("factor-never-used"),
                |used| text.with("factor-last-used", "time", text::in_norway(used, "%d.%m.%Y %H:%M")),
            )])
            .collect(),
    };
    let mut devices = Vec::new();
    for found in device::all(db, person).await? {
        let mut shown = thing(FactorKind::App, found.id, found.name, (found.created_at, found.last_used_at));
        shown.about.insert(0, found.system);
        shown.about.extend(found.paused_at.map(|_| text.t("device-paused")));
        devices.push(shown);
    }
    let mut keys = Vec::new();
    for found in passkey::all(db, person).await? {
        keys.push(thing(FactorKind::Passkey, found.id, found.name, (found.created_at, found.last_used_at)));
    }
    let mut apps = Vec::new();
    for found in totp::all(db, person).await? {
        apps.push(thing(FactorKind::Totp, found.id, found.name, (found.created_at, found.last_used_at)));
    }
    let (minid, now) = (&visit.call.app.config.minid, visit.call.now);
    let group = |kind, about, things, add, page: Page| Group {
        name: name(kind),
        about,
        retires: minid.notice(kind, now).map(|(key, day)| text.with(key, "date", day)),
        things,
        add,
        href: page.path(),
    };
    let mut groups = Vec::new();
    if world.webauthn.is_there() {
        groups.push(group(FactorKind::App, "method-app-about", devices, "add-app", Page::App));
        groups.push(group(FactorKind::Passkey, "method-passkey-about", keys, "add-passkey", Page::Passkey));
    }
    groups.push(group(FactorKind::Totp, "method-totp-about", apps, "add-totp", Page::Totp));
    Ok(groups)
}

/// The list with a word of it, where the person has as many of a page's kind as one can have.
pub async fn full(visit: &Visit<'_>) -> Result<Option<Response>, Refusal> {
    let (db, person) = (visit.call.app.world.db.pool(), &visit.person.id);
    let is_full = match visit.page {
        Page::App => device::all(db, person).await?.len() >= device::AT_MOST,
        Page::Passkey => passkey::all(db, person).await?.len() >= passkey::AT_MOST,
        Page::Totp => totp::all(db, person).await?.len() >= totp::AT_MOST,
        _ => false,
    };
    Ok(if is_full { Some(page(visit, (None, Some("problem-too-many-factors"))).await?) } else { None })
}

/// Another name, away with it, or which is asked for first.
pub async fn act(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let kind = form.field("kind").and_then(FactorKind::second);
    let thing = kind.zip(form.field("id"));
    match (form.field("do"), thing) {
        (Some("prefer"), _) => prefer(visit, form.field("preferred").and_then(FactorKind::second)).await,
        (Some("rename"), Some(thing)) => rename(visit, thing, form.field("name").unwrap_or_default()).await,
        (Some("remove"), Some(thing)) => remove(visit, thing).await,
        _ => Ok(visit.go(visit.page)),
    }
}

async fn prefer(visit: &Visit<'_>, kind: Option<FactorKind>) -> Result<Response, Refusal> {
    let (call, person) = (&visit.call, &visit.person.id);
    let mut tx = call.app.world.db.begin().await?;
    Person::prefer(&mut tx, person, kind).await?;
    let event = call.told(Event::by_oneself("preferred", person).with("factor", kind.map(FactorKind::name)));
    call.app.world.trail.append(&mut tx, &event, call.now).await?;
    tx.commit().await?;
    Ok(visit.go_saying(visit.page, Said::Saved))
}

async fn rename(visit: &Visit<'_>, (kind, id): (FactorKind, &str), typed: &str) -> Result<Response, Refusal> {
    let (call, person) = (&visit.call, &visit.person.id);
    let name = name_of(typed, &visit.text().t(name(kind)));
    let mut tx = call.app.world.db.begin().await?;
    let done = match kind {
        FactorKind::App => device::rename(&mut tx, person, id, &name).await?,
        FactorKind::Passkey => passkey::rename(&mut tx, person, id, &name).await?,
        FactorKind::Totp => totp::rename(&mut tx, person, id, &name).await?,
        FactorKind::Password | FactorKind::Otc | FactorKind::RecoveryCode => false,
    };
    if !done {
        tx.rollback().await?;
        return Ok(visit.go_saying(visit.page, Said::Gone));
    }
    let event = call.told(Event::by_oneself("factor-renamed", person).with("factor", kind.name()));
    call.app.world.trail.append(&mut tx, &event, call.now).await?;
    tx.commit().await?;
    Ok(visit.go_saying(visit.page, Said::Saved))
}

/// The last way to log in stays, so that nobody locks themselves out.
async fn remove(visit: &Visit<'_>, (kind, id): (FactorKind, &str)) -> Result<Response, Refusal> {
    let (call, person) = (&visit.call, &visit.person.id);
    let (app, now) = (call.app, call.now);
    let listener = Listener::of(app, person).await?;
    let mut tx = app.world.db.begin().await?;
    Person::hold(&mut tx, person).await?;
    let done = match kind {
        FactorKind::App => device::remove(&mut tx, person, id, now).await?,
        FactorKind::Passkey => passkey::remove(&mut tx, person, id, now).await?,
        FactorKind::Totp => totp::remove(&mut tx, person, id, now).await?,
        FactorKind::Password | FactorKind::Otc | FactorKind::RecoveryCode => false,
    };
    if !done {
        tx.rollback().await?;
        return Ok(visit.go_saying(visit.page, Said::Gone));
    }
    if !is_any_left(&mut tx, app, person, now).await? {
        tx.rollback().await?;
        return page(visit, (None, Some("problem-last-factor"))).await;
    }
    let event = call.told(Event::by_oneself("factor-removed", person).with("factor", kind.name()));
    app.world.trail.append(&mut tx, &event, now).await?;
    tx.commit().await?;
    listener.tell(app, Notice::FactorRemoved(kind), now);
    Ok(visit.go_saying(visit.page, Said::Removed))
}

/// Whether a person who is held has any way left to log in.
pub async fn is_any_left(tx: &mut Tx, app: &App, person: &PersonId, now: Timestamp) -> anyhow::Result<bool> {
    let devices = device::all(&mut **tx, person).await?;
    let devices = devices.into_iter().filter(|device| device.paused_at.is_none()).count();
    let things = devices + passkey::all(&mut **tx, person).await?.len() + totp::all(&mut **tx, person).await?.len();
    let by_sms = Contact::of(&mut **tx, person).await?.mobile.is_some();
    Ok(things > 0 || (by_sms && !app.config.minid.is_retired(FactorKind::Otc, now)))
}
