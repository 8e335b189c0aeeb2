//! The first page: who is logged in, and what there is to see and to change.

use askama::Template;
use authenticators::contact::{Contact, Phone};
use authenticators::person::BY_ONESELF;
use authenticators::{device, passkey, password, recovery_code, totp};
use axum::response::Response;

use super::{Page, Said, Visit, letter};
use crate::error::Refusal;
use crate::page::Frame;
use crate::params::Params;
use crate::session_list;

/// A way on.
struct Door {
    href: &'static str,
    name: &'static str,
    about: String,
}

#[derive(Template)]
#[template(path = "profile.html")]
struct Overview {
    frame: Frame,
    notice: Option<&'static str>,
    name: String,
    fnr: String,
    doors: Vec<Door>,
    is_blocked: bool,
    block: &'static str,
    /// Where a letter is stopped, if one is on its way.
    letter: Option<&'static str>,
    /// Where MinID is closed, for those who have it.
    close: Option<&'static str>,
}

/// The page.
pub async fn show(visit: &Visit<'_>, query: &Params) -> Result<Response, Refusal> {
    let db = visit.call.app.world.db.pool();
    let (person, text) = (&visit.person, visit.text());
    let contact = Contact::of(db, &person.id).await?;
    let mobile = contact.mobile.as_ref().map(Phone::grouped);
    let email = contact.email.map(|email| email.as_str().to_owned());
    let reached: Vec<String> = mobile.into_iter().chain(email).collect();
    let ways = ways(visit).await?;
    let has_minid = password::stored(db, Some(&person.id)).await?.is_some();
    let places = session_list::all(visit.call.app, &person.id, visit.call.now).await?.len();
    let door = |page: Page, name, about: String| Door { href: page.path(), name, about };
    let doors = vec![
        door(
            Page::Contact,
            "contact-title",
            if reached.is_empty() { text.t("contact-none") } else { reached.join(" · ") },
        ),
        door(Page::Factors, "factors-title", ways),
        door(Page::Places, "places-title", text.with("places-about", "count", places.to_string())),
        door(Page::Events, "events-title", text.t("events-about")),
        door(Page::Consents, "profile-consents", text.t("consents-about")),
        door(Page::Data, "data-title", text.t("data-about")),
    ];
    let page = Overview {
        frame: visit.frame(),
        notice: Said::key(query),
        name: person.name(),
        fnr: person.fnr.as_str().to_owned(),
        doors,
        is_blocked: person.locked_code.as_deref() == Some(BY_ONESELF),
        block: Page::Block.path(),
        letter: letter::is_coming(visit).await?.then(|| Page::Letter.path()),
        close: has_minid.then(|| Page::Close.path()),
    };
    Ok(visit.html(&page, false))
}

/// The ways in which the person can log in, in words.
async fn ways(visit: &Visit<'_>) -> anyhow::Result<String> {
    let (db, person, text) = (visit.call.app.world.db.pool(), &visit.person.id, visit.text());
    if password::stored(db, Some(person)).await?.is_none() {
        return Ok(text.t("factors-none"));
    }
    let mut ways = vec!["password-label"];
    let has_app = !device::all(db, person).await?.is_empty();
    let has_mobile = Contact::of(db, person).await?.mobile.is_some();
    for (has, key) in [
        (has_app, "method-app"),
        (!passkey::all(db, person).await?.is_empty(), "method-passkey"),
        (!totp::all(db, person).await?.is_empty(), "method-totp"),
        (has_mobile, "method-otc"),
        (recovery_code::left(db, person).await?.0 > 0, "recovery-codes"),
    ] {
        if has {
            ways.push(key);
        }
    }
    Ok(ways.into_iter().map(|key| text.t(key)).collect::<Vec<_>>().join(" · "))
}
