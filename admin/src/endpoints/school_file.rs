//! `/skule/fil/{owner}`: whoever acts for a school owner sends its file, looks at what it would change, and has it taken in.

use std::time::Duration;

use askama::Template;
use axum::extract::{Extension, Path};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use idp::app::App;
use idp::client::SCHOOL_PATH;
use idp::error::Refusal;
use idp::page::{self, Frame};
use idp::params::Params;
use idp::text::{self, Text};

use crate::school::changes::{Change, Way};
use crate::school::file::{Count, Desk, Patience, Seen, State, Taken};
use crate::school::import::Changes;
use crate::school::register::{self, Owner};
use crate::school::roster::{Objections, RowError};
use crate::school::said::{self, FILE_TAKEN, FILE_TAKEN_LEFT, Said};
use crate::school::sign_in::{Attached, FILE_AT_MOST, LEAVE, SentWithFile, Staff};
use crate::school::{objected, routes};

const STILL: Said = Said { words: "school-file-under-way", color: "info" };
const NOT_TAKEN: Said = Said { words: "school-file-not-taken", color: "warning" };
const CHANGED: Said = Said { words: "school-file-changed", color: "warning" };

/// What a file changed of something, as it is shown.
struct Changed {
    what: &'static str,
    changes: Changes,
}

/// The last file that was taken in.
struct LastFile {
    at: String,
    from: String,
    changed: Vec<Changed>,
}

/// What is wrong with a file.
struct Wrong {
    /// Words for all of it.
    words: String,
    /// What is wrong with which rows.
    rows: Vec<WrongRow>,
    /// How much more there is.
    more: u64,
}

struct WrongRow {
    row: Option<u64>,
    words: String,
    /// It has no words but English ones.
    is_english: bool,
}

#[derive(Template)]
#[template(path = "school_file.html")]
struct FilePage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    action: String,
    owner: String,
    notice: Option<Said>,
    wrong: Option<Wrong>,
    last: Option<LastFile>,
    megabytes: usize,
    report: &'static str,
}

/// Those who come, go or are called otherwise.
struct Group {
    title: &'static str,
    lines: Vec<Line>,
}

/// One of them.
struct Line {
    name: String,
    about: String,
}

#[derive(Template)]
#[template(path = "school_file_seen.html")]
struct SeenPage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    action: String,
    owner: String,
    notice: Option<Said>,
    counts: Vec<Count>,
    is_much: bool,
    ends_own_role: bool,
    groups: Vec<Group>,
    more: usize,
    without_number: Option<String>,
    is_open: bool,
    /// What the file is kept under.
    confirmation: Option<String>,
}

/// As many changes are shown at once; of more whoever wants to opens the list.
const FEW: usize = 30;

/// The page, which waits so long for a file.
pub fn route(patience: Duration) -> MethodRouter<App> {
    get(show).post(send).layer(Extension(Patience(patience)))
}

/// An owner, and whoever acts for it.
struct Room {
    staff: Staff,
    owner: Owner,
    desk: Desk,
}

impl Room {
    /// The owner of an address, if this person acts for it now.
    async fn of(staff: Staff, number: &str) -> Result<Room, Refusal> {
        let owners = register::owners_of(staff.app.world.db.pool(), &staff.person.id).await?;
        let Some(owner) = owners.into_iter().find(|owner| owner.orgno.as_str() == number) else {
            return Err(staff.nothing_here().await);
        };
        let (app, person) = (staff.app.clone(), staff.person.id.clone());
        let desk = Desk { app, person, owner: owner.orgno.clone(), now: staff.now };
        Ok(Room { staff, owner, desk })
    }

    fn path(&self) -> String {
        routes::file(&self.owner.orgno)
    }

    /// The page on which a file is chosen.
    async fn page(&self, status: StatusCode, notice: Option<Said>, wrong: Option<Wrong>) -> Result<Response, Refusal> {
        let page = FilePage {
            frame: self.staff.frame(),
            csrf: self.staff.csrf(),
            leave: LEAVE,
            action: self.path(),
            owner: self.owner.name.clone(),
            notice,
            wrong,
            last: self.last().await?,
            megabytes: FILE_AT_MOST / (1024 * 1024),
            report: routes::REPORT,
        };
        Ok(self.staff.html(status, &page))
    }

    /// The same, of a file that is not taken.
    async fn refused(&self, status: StatusCode, words: String) -> Result<Response, Refusal> {
        self.page(status, None, Some(Wrong { words, rows: Vec::new(), more: 0 })).await
    }

    async fn last(&self) -> anyhow::Result<Option<LastFile>> {
        let text = self.staff.text();
        Ok(self.desk.last().await?.map(|last| LastFile {
            at: text::in_norway(last.at, "%d.%m.%Y %H:%M"),
            from: match last.by {
                Some(name) => format!("{}, {name}", text.t(last.from)),
                None => text.t(last.from),
            },
            changed: last.changed.into_iter().map(|(what, changes)| Changed { what, changes }).collect(),
        }))
    }

    /// What a file would change, or what is wrong with it.
    async fn looked(&self, looked: Result<Seen, Objections>, notice: Option<Said>) -> Result<Response, Refusal> {
        let text = self.staff.text();
        let seen = match looked {
            Ok(seen) => seen,
            Err(objections) => {
                let rows = objections.errors.iter().map(|error| wrong_row(error, &text)).collect();
                let wrong = Wrong { words: text.t("school-file-wrong"), rows, more: objections.more };
                return self.page(StatusCode::UNPROCESSABLE_ENTITY, notice, Some(wrong)).await;
            }
        };
        let page = SeenPage {
            frame: self.staff.frame(),
            csrf: self.staff.csrf(),
            leave: LEAVE,
            action: self.path(),
            owner: self.owner.name.clone(),
            notice,
            counts: seen.counts,
            is_much: seen.is_much,
            ends_own_role: seen.ends_own_role,
            is_open: seen.changes.len() <= FEW,
            groups: groups(seen.changes, &text),
            more: seen.more,
            without_number: (!seen.without_number.is_empty()).then(|| listed(&seen.without_number)),
            confirmation: seen.confirmation.map(|token| token.reveal().to_owned()),
        };
        let status = if notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
        Ok(self.staff.html(status, &page))
    }

    /// Takes in what they have looked at.
    async fn confirmed(&self, token: &str, patience: Patience) -> Result<Response, Refusal> {
        match self.desk.take_in(token, patience).await? {
            Taken::Done => self.done().await,
            Taken::UnderWay => Ok(page::see_other(&self.path())),
            Taken::Changed(looked) => self.looked(*looked, Some(CHANGED)).await,
            Taken::Not => self.page(StatusCode::CONFLICT, Some(NOT_TAKEN), None).await,
            Taken::Gone => {
                let words = self.staff.text().t("school-file-gone-again");
                self.refused(StatusCode::CONFLICT, words).await
            }
        }
    }

    /// Back to the page, or where they may still be.
    async fn done(&self) -> Result<Response, Refusal> {
        let owners = register::owners_of(self.staff.app.world.db.pool(), &self.staff.person.id).await?;
        Ok(page::see_other(&match owners.iter().any(|owner| owner.orgno == self.owner.orgno) {
            true => format!("{}?{FILE_TAKEN}", self.path()),
            false => format!("{SCHOOL_PATH}?{FILE_TAKEN_LEFT}"),
        }))
    }
}

/// `GET /skule/fil/{owner}`: what the file is, and when the last one was taken in.
pub async fn show(staff: Staff, Path(owner): Path<String>, query: Params) -> Result<Response, Refusal> {
    let room = Room::of(staff, &owner).await?;
    let notice = match room.desk.state().await? {
        Some(State::UnderWay) => Some(STILL),
        Some(State::Not) => Some(NOT_TAKEN),
        Some(State::Done) | None => said::of(&query),
    };
    room.page(StatusCode::OK, notice, None).await
}

/// `POST /skule/fil/{owner}`: a file to look at, or one that was looked at and is to be taken in.
pub async fn send(
    Path(owner): Path<String>,
    Extension(patience): Extension<Patience>,
    sent: SentWithFile,
) -> Result<Response, Refusal> {
    let SentWithFile { staff, form, file } = sent;
    let room = Room::of(staff, &owner).await?;
    let text = room.staff.text();
    if let Some(token) = form.field("key") {
        return room.confirmed(token, patience).await;
    }
    match file {
        Attached::File(content) => {
            let looked = room.desk.look(content).await?;
            room.looked(looked, None).await
        }
        Attached::Nothing => room.refused(StatusCode::UNPROCESSABLE_ENTITY, text.t("school-file-none")).await,
        Attached::Broken => room.refused(StatusCode::BAD_REQUEST, text.t("school-file-broken")).await,
        Attached::TooLarge => {
            let words = text.with("school-file-too-large", "count", (FILE_AT_MOST / (1024 * 1024)).to_string());
            room.refused(StatusCode::PAYLOAD_TOO_LARGE, words).await
        }
    }
}

/// Rows by their numbers: the first of them, if they are many.
fn listed(rows: &[u64]) -> String {
    let all: Vec<String> = rows.iter().take(FEW).map(u64::to_string).collect();
    format!("{}{}", all.join(", "), if rows.len() > FEW { " …" } else { "" })
}

fn wrong_row(error: &RowError, text: &Text) -> WrongRow {
    let words = objected::words(error);
    WrongRow {
        row: (error.row > 0).then_some(error.row),
        is_english: words.is_none(),
        words: match words {
            Some(objected::Words { key, number: Some(number) }) => text.with(key, "number", number.to_string()),
            Some(objected::Words { key, number: None }) => text.t(key),
            None => error.detail.clone(),
        },
    }
}

/// What changes, put together by how.
fn groups(changes: Vec<Change>, text: &Text) -> Vec<Group> {
    let mut groups: Vec<(Way, Group)> = Vec::new();
    for change in changes {
        let (way, line) = (change.way, line(change, text));
        match groups.last_mut().filter(|(last, _)| *last == way) {
            Some((_, group)) => group.lines.push(line),
            None => {
                let title = match way {
                    Way::Gone => "school-file-gone",
                    Way::New => "school-file-new",
                    Way::Renamed => "school-file-renamed",
                };
                groups.push((way, Group { title, lines: vec![line] }));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn line(change: Change, text: &Text) -> Line {
    let was = change.was.map(|was| text.with("school-file-was", "name", was));
    let row = change.row.map(|row| text.with("school-file-row", "number", row.to_string()));
    let about = [Some(text.t(change.what)), change.class, change.school, was, row];
    Line { name: change.name, about: about.into_iter().flatten().collect::<Vec<_>>().join(", ") }
}
