//! Where a person is logged in: a list of their sessions, so that they can see them and end them.

use std::time::Duration;

use authenticators::chance::TokenHash;
use authenticators::clock::Timestamp;
use authenticators::person::PersonId;
use authenticators::scratch::Kept;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::browser::{self, Call};
use crate::logout_notice;
use crate::session::{self, Session};

/// More than that nobody has at once; the oldest is forgotten here, and ends by itself.
const AT_MOST: usize = 50;

/// A session in the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listed {
    /// Under which it is kept.
    key: TokenHash,
    /// Its public name.
    pub sid: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// By what the person logged in.
    pub amr: String,
    /// `Chrome`
    pub software: String,
    /// `Windows`
    pub system: String,
    /// The address that it came from.
    pub address: String,
}

#[derive(Default, Serialize, Deserialize)]
struct List(Vec<Listed>);

impl Kept for List {
    const KIND: &'static str = "sessions-of";
    /// As long as a session.
    const FOR: Duration = Duration::from_mins(120);
}

fn key(person: &PersonId) -> TokenHash {
    TokenHash::of(&format!("sessions of {}", person.as_str()))
}

/// Notes a session that has begun, or has another name now.
pub async fn note(call: &Call<'_>, session: &Session, kept_under: &TokenHash) -> anyhow::Result<()> {
    let Call { app, browser, now } = *call;
    let Some(proved) = session.proofs().last() else { return Ok(()) };
    let (software, system) = browser::described(&browser.agent);
    let listed = Listed {
        key: kept_under.clone(),
        sid: session.sid.clone(),
        begun_at: proved.at(),
        amr: proved.amr().to_owned(),
        software: software.to_owned(),
        system: system.to_owned(),
        address: browser.address.to_string(),
    };
    let (scratch, key) = (&app.world.scratch, key(proved.person()));
    loop {
        let read = scratch.get::<List>(&key, now).await?;
        let mut all = read.as_ref().map(|read| read.value.0.clone()).unwrap_or_default();
        all.retain(|other| other.sid != listed.sid && now.since(other.begun_at) < List::FOR);
        all.push(listed.clone());
        let surplus = all.len().saturating_sub(AT_MOST);
        let new = List(all.split_off(surplus));
        let done = match &read {
            Some(read) => scratch.replace(&key, read, &new, now).await?,
            None => scratch.claim(&key, &new, now).await?,
        };
        if done {
            return Ok(());
        }
    }
}

/// The sessions of a person that are alive, the newest first, each with what it knows.
pub async fn all(app: &App, person: &PersonId, now: Timestamp) -> anyhow::Result<Vec<(Listed, Session)>> {
    let list = app.world.scratch.get::<List>(&key(person), now).await?;
    let mut alive = Vec::new();
    for listed in list.map(|read| read.value.0).unwrap_or_default().into_iter().rev() {
        let session = session::alive(app, &listed.key, now).await?;
        alive.extend(session.filter(|session| session.sid == listed.sid).map(|session| (listed, session)));
    }
    Ok(alive)
}

/// Ends one of a person's sessions; false if it is over already, or not theirs.
pub async fn end(app: &App, person: &PersonId, sid: &str, now: Timestamp) -> anyhow::Result<bool> {
    let Some((listed, _)) = all(app, person, now).await?.into_iter().find(|(listed, _)| listed.sid == sid) else {
        return Ok(false);
    };
    let Some(ended) = session::close(app, &listed.key, now).await? else { return Ok(false) };
    let app = app.clone();
    tokio::spawn(async move { logout_notice::deliver(&app, ended.notices, now).await });
    Ok(true)
}

/// Ends all of a person's sessions, but for one: also those that count for nothing any more, for the services of them
/// have not been told.
pub async fn end_all(app: &App, person: &PersonId, but: Option<&str>, now: Timestamp) -> anyhow::Result<()> {
    let list = app.world.scratch.get::<List>(&key(person), now).await?;
    for listed in list.map(|read| read.value.0).unwrap_or_default() {
        if but == Some(listed.sid.as_str()) {
            continue;
        }
        if let Some(ended) = session::close(app, &listed.key, now).await? {
            let app = app.clone();
            tokio::spawn(async move { logout_notice::deliver(&app, ended.notices, now).await });
        }
    }
    Ok(())
}
