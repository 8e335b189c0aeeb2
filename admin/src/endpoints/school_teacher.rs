//! `/skule/klasse` and below: a teacher's classes, the pupils in them, and the code that one of them gets.

use std::collections::HashMap;
use std::time::Duration;

use askama::Template;
use authenticators::activation::{self, ActivationCode};
use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::person::PersonId;
use authenticators::scratch::Kept;
use authenticators::world::World;
use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use idp::activation_pages::{ORDER_PATH, PATH as REGISTER};
use idp::client::SCHOOL_PATH;
use idp::error::Refusal;
use idp::live::Patience;
use idp::page::{self, Frame};
use idp::params::Params;
use idp::{qr, text};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::school::coupling::{Coupling, Decision, Decisions, Standing};
use crate::school::issuing::{self, Lost, Progress, Reason, Started, Status, Why, WrongName};
use crate::school::register::{self, Apart, Pupil, Taught};
use crate::school::said::{self, CODE_USED, NEWER_CODE, Said, WRONG_NAME};
use crate::school::sign_in::{BY_ITSELF, LEAVE, Sent, Staff};
use crate::school::{alias, routes};

/// How often it is looked at a whole class, of which more is read than of one pupil.
const LOOK_AT_A_CLASS: Duration = Duration::from_secs(1);
/// What is wrong where the employee has not said why there is to be another code.
const NO_WHY: &str = "school-problem-why";

/// That a code was shown by a form: whoever sends it again sees no second one, and the first goes on being good.
#[derive(Serialize, Deserialize)]
struct Shown;

impl Kept for Shown {
    const KIND: &'static str = "school-code-shown";
    const FOR: Duration = Duration::from_mins(60);
}

/// A pupil in the list.
struct Line {
    href: String,
    name: String,
    digits: Option<String>,
    mark: Option<String>,
    status: &'static str,
    color: &'static str,
}

#[derive(Template)]
#[template(path = "school_list.html")]
struct ListPage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    here: String,
    school: String,
    class: String,
    notice: Option<Said>,
    /// None where the administration has not let the teacher issue in the class.
    pupils: Option<Vec<Line>>,
    done: String,
    /// Where it asks whether somebody has come further, as long as somebody can.
    wait: Option<String>,
    /// Where it then asks for itself anew.
    fresh: String,
    /// Where it goes when it is theirs no more.
    again: String,
    back: &'static str,
}

/// A picture to scan, and the address to type instead.
struct Scan {
    qr: String,
    address: String,
}

/// The question why there is to be another code.
struct WhyAsked {
    /// Whether it was not answered.
    is_missing: bool,
}

#[derive(Template)]
#[template(path = "school_pupil.html")]
struct PupilPage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    action: String,
    class: String,
    name: String,
    digits: Option<String>,
    mark: Option<String>,
    notice: Option<Said>,
    status: &'static str,
    color: &'static str,
    about: &'static str,
    problem: Option<&'static str>,
    /// How long a code is good that was shown.
    until: Option<String>,
    /// Until when the pupil may register who has typed it.
    registering_until: Option<String>,
    /// What became of the code before, and when: a key of words, and a time.
    lost: Option<(&'static str, String)>,
    once: String,
    can_start: bool,
    is_again: bool,
    /// That the pupil is to be identified, where that is not all that is said of their status.
    identify: Option<&'static str>,
    /// Where the employee is to say why there is to be another code.
    why: Option<WhyAsked>,
    can_refuse: bool,
    letter: Option<Scan>,
    wait: Option<Wait>,
    next: Option<String>,
    back: String,
}

#[derive(Template)]
#[template(path = "school_code.html")]
struct CodePage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    action: String,
    class: String,
    name: String,
    mark: Option<String>,
    groups: Vec<String>,
    scan: Scan,
    until: String,
    /// The same, by which the code is known from a newer one.
    til: i64,
    once: String,
    /// Why there is another code, for the next one.
    why: Option<&'static str>,
    wait: Wait,
    next: Option<String>,
    back: String,
}

/// What a page waits for, and shows by itself.
struct Wait {
    /// Where it asks.
    address: String,
    /// Where it goes when the pupil is theirs no more, and its form goes.
    again: String,
    /// How it looks: nobody stands and waits for the post.
    class: &'static str,
    /// What it says meanwhile.
    words: &'static str,
    /// What its button says, without JavaScript.
    button: &'static str,
}

/// A class in which somebody may issue, and all that is decided in it.
struct Room {
    staff: Staff,
    taught: Taught,
    decisions: Decisions,
    /// What tells pupils apart who have the same name, of those whom this person sees.
    alike: HashMap<PersonId, Apart>,
}

/// `GET /skule/klasse`: the classes are on the first page.
pub async fn classes(_: Staff) -> Response {
    page::see_other(SCHOOL_PATH)
}

impl Room {
    /// The class of an address, if this person has a role in it now.
    async fn of(staff: Staff, class: &str) -> Result<Room, Refusal> {
        let taught = register::classes_taught(staff.app.world.db.pool(), &staff.person.id).await?;
        let Some(taught) = taught.into_iter().find(|taught| taught.class.id.as_str() == class) else {
            return Err(staff.nothing_here().await);
        };
        let Some(decisions) = Decisions::of(&staff.app.world, &taught.class.id).await? else {
            return Err(staff.nothing_here().await);
        };
        let mut room = Room { staff, taught, decisions, alike: HashMap::new() };
        room.alike = register::told_apart(&room.taught.class.id, room.pupils());
        Ok(room)
    }

    /// Whether this person is still in, with a role in the class, and all is decided there as it was, for a page that has
    /// waited.
    async fn is_still_theirs(&self) -> anyhow::Result<bool> {
        let (staff, class) = (&self.staff, &self.decisions.class);
        let db = staff.app.world.db.pool();
        let has_role = register::title_in(db, &staff.person.id, class.id.as_str()).await?.is_some();
        let now = register::class(db, class.id.as_str()).await?;
        Ok(has_role && now.is_some_and(|now| now.version == class.version) && staff.is_still_in().await?)
    }

    fn digits(&self, pupil: &Pupil) -> Option<String> {
        self.alike.get(&pupil.person)?.digits.clone()
    }

    fn mark(&self, pupil: &Pupil) -> Option<String> {
        self.alike.get(&pupil.person).map(|apart| apart.mark.clone())
    }

    /// Whether the administration lets this person issue in the class. Nobody lets themselves.
    fn is_authorised(&self) -> bool {
        let own = &self.staff.person.id;
        let decided = self.decisions.authorised(own);
        decided.is_some_and(|decided| decided.holds() == Decision::Yes && decided.decided_by != *own)
    }

    fn standing(&self, pupil: &Pupil) -> Standing {
        self.decisions.standing_with(&self.staff.person.id, &pupil.person)
    }

    /// How far all of the class have come.
    async fn progress(&self) -> anyhow::Result<Progress> {
        let all: Vec<PersonId> = self.decisions.pupils.iter().map(|pupil| pupil.person.clone()).collect();
        Progress::of(&self.staff.app.world, &all, self.staff.now).await
    }

    fn status(&self, progress: &Progress, pupil: &Pupil) -> Status {
        progress.status(&pupil.person, self.standing(pupil))
    }

    /// A pupil's status in words, and its colour.
    fn status_words(&self, progress: &Progress, pupil: &Pupil) -> (&'static str, &'static str) {
        match (self.status(progress, pupil), self.standing(pupil)) {
            // Nothing is left to this person there.
            (Status::NotStarted, Standing::Undecided) => ("school-not-decided", "neutral"),
            (status, _) => status_words(status),
        }
    }

    /// A mark of how far all have come whom this person sees, in their order. It tells of nobody who they are.
    fn how_far(&self, progress: &Progress) -> String {
        let all: Vec<&str> = self.pupils().map(|pupil| self.status_words(progress, pupil).0).collect();
        TokenHash::of(&all.join(" ")).as_str().to_owned()
    }

    fn path(&self) -> String {
        routes::class(&self.taught.class.id)
    }

    fn path_of(&self, pupil: &Pupil) -> String {
        format!("{}/{}", self.path(), alias::of(&self.taught.class.id, &pupil.person))
    }

    /// The pupils whom this person sees. Who may not issue in the class sees nobody in it, and those whose address is
    /// protected are seen only by whom the administration has let issue to them.
    fn pupils(&self) -> impl Iterator<Item = &Pupil> {
        let is_authorised = self.is_authorised();
        let is_seen = move |pupil: &&Pupil| is_authorised && (!pupil.is_protected || self.is_entrusted_with(pupil));
        self.decisions.pupils.iter().filter(is_seen)
    }

    /// Whether the administration has said JA, whatever this person has said of it since.
    fn is_entrusted_with(&self, pupil: &Pupil) -> bool {
        let decided = self.decisions.coupled(&self.staff.person.id, &pupil.person);
        decided.is_some_and(|decided| decided.decision == Decision::Yes)
    }

    /// The pupil of an address.
    async fn pupil(&self, name: &str) -> Result<&Pupil, Refusal> {
        let class = &self.taught.class.id;
        let found = self.pupils().find(|pupil| alias::of(class, &pupil.person) == name);
        match found {
            Some(pupil) => Ok(pupil),
            None => Err(self.staff.nothing_here().await),
        }
    }

    async fn coupling(&self, pupil: &Pupil) -> anyhow::Result<Option<Coupling>> {
        let (db, class) = (&self.staff.app.world.db, self.taught.class.id.as_str());
        Ok(Coupling::find(db, &self.staff.person.id, class, pupil.person.as_str()).await?)
    }

    /// Who comes after a pupil of those who have nothing yet, and to whom this person may issue.
    fn next(&self, progress: &Progress, after: &Pupil) -> Option<String> {
        let all = &self.decisions.pupils;
        let here = all.iter().position(|pupil| pupil.person == after.person).unwrap_or_default();
        let mut others = all.iter().cycle().skip(here + 1).take(all.len().saturating_sub(1));
        let waits = |pupil: &&Pupil| {
            self.standing(pupil) == Standing::Coupled && self.status(progress, pupil) == Status::NotStarted
        };
        others.find(waits).map(|pupil| self.path_of(pupil))
    }
}

/// `GET /skule/klasse/{class}`: its pupils, and how far each has come.
pub async fn list(staff: Staff, Path(class): Path<String>, query: Params) -> Result<Response, Refusal> {
    let room = Room::of(staff, &class).await?;
    let progress = room.progress().await?;
    let mut lines = Vec::new();
    // Who is too young has no part in how many of them have MinID.
    let (mut done, mut may, mut is_over) = (0, 0, true);
    for pupil in room.pupils() {
        let status = room.status(&progress, pupil);
        done += usize::from(matches!(status, Status::Registered | Status::HasMinid));
        may += usize::from(status != Status::TooYoung);
        is_over &= matches!(status, Status::Registered | Status::HasMinid | Status::TooYoung);
        let (words, color) = room.status_words(&progress, pupil);
        let (href, name) = (room.path_of(pupil), pupil.name.clone());
        let (digits, mark) = (room.digits(pupil), room.mark(pupil));
        lines.push(Line { href, name, digits, mark, status: words, color });
    }
    let (path, seen) = (room.path(), room.staff.seen(&room.path()));
    let page = ListPage {
        frame: room.staff.frame(),
        csrf: room.staff.csrf(),
        leave: LEAVE,
        here: room.path(),
        school: room.taught.school_name.clone(),
        class: room.taught.class.name.clone(),
        notice: said::of(&query),
        done: format!("{done}/{may}"),
        wait: (!is_over).then(|| format!("{path}/vent?fra={}&{seen}", room.how_far(&progress))),
        fresh: format!("{path}?{BY_ITSELF}&{seen}"),
        again: format!("{path}?{seen}"),
        pupils: room.is_authorised().then_some(lines),
        back: SCHOOL_PATH,
    };
    Ok(room.staff.html(StatusCode::OK, &page))
}

/// A status in words, and its colour.
fn status_words(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::NotStarted => ("school-not-started", "neutral"),
        Status::CodeIssued { .. } => ("school-code-issued", "info"),
        Status::Registered => ("school-registered", "success"),
        Status::Manual => ("school-manual", "warning"),
        Status::LetterOrdered => ("school-letter-ordered", "info"),
        Status::HasMinid => ("school-has-minid", "success"),
        Status::TooYoung => ("school-too-young", "neutral"),
    }
}

/// What there is to say of a status.
fn about(status: Status, is_coupled: bool) -> &'static str {
    match (status, is_coupled) {
        (Status::NotStarted, true) => "school-identify",
        (Status::NotStarted, false) => "school-undecided-about",
        (Status::CodeIssued { registering_until: Some(_), .. }, _) => "school-registering-about",
        (Status::CodeIssued { .. }, _) => "school-code-issued-about",
        (Status::Registered, true) => "school-registered-about",
        // By another employee's code, or by post: what is wrong with it support can mend, and this employee cannot.
        (Status::Registered, false) => "school-registered-elsewhere-about",
        (Status::Manual, _) => "school-manual-about",
        (Status::LetterOrdered, true) => "school-letter-ordered-here-about",
        (Status::LetterOrdered, false) => "school-letter-ordered-about",
        (Status::HasMinid, _) => "school-has-minid-about",
        (Status::TooYoung, _) => "school-too-young-about",
    }
}

/// `GET /skule/klasse/{class}/{pupil}`
pub async fn show(
    staff: Staff,
    Path((class, pupil)): Path<(String, String)>,
    query: Params,
) -> Result<Response, Refusal> {
    let room = Room::of(staff, &class).await?;
    let pupil = room.pupil(&pupil).await?;
    Ok(pupil_page(&room, pupil, (said::of(&query), None)).await?)
}

async fn pupil_page(
    room: &Room,
    pupil: &Pupil,
    (notice, problem): (Option<Said>, Option<&'static str>),
) -> anyhow::Result<Response> {
    let (staff, progress) = (&room.staff, room.progress().await?);
    let status = room.status(&progress, pupil);
    let is_coupled = room.coupling(pupil).await?.is_some();
    let can_be_issued =
        matches!(status, Status::NotStarted | Status::CodeIssued { .. } | Status::Registered | Status::LetterOrdered);
    // What would be answered to the button is said before it is pressed.
    let refusal = match is_coupled && can_be_issued {
        true => issuing::refusal(&staff.app.world, &pupil.person, staff.now).await?,
        false => None,
    };
    let needs_letter = status == Status::Manual || (status == Status::NotStarted && !is_coupled);
    // Who has MinID can order a letter as well. No status tells of it.
    let can_have_letter = needs_letter || refusal == Some(Reason::HasMinid);
    let (words, color) = room.status_words(&progress, pupil);
    let path = room.path_of(pupil);
    let can_start = is_coupled && can_be_issued && refusal.is_none();
    let asks_why = can_start && progress.has_minid(&pupil.person);
    let page = PupilPage {
        frame: staff.frame(),
        csrf: staff.csrf(),
        leave: LEAVE,
        class: room.taught.class.name.clone(),
        name: pupil.name.clone(),
        digits: room.digits(pupil),
        mark: room.mark(pupil),
        notice,
        status: words,
        color,
        about: refusal.map_or_else(|| about(status, is_coupled), |why| refused(why, status)),
        problem,
        until: match status {
            Status::CodeIssued { until, registering_until: None } => Some(clock_time(until)),
            _ => None,
        },
        registering_until: match status {
            Status::CodeIssued { registering_until, .. } => registering_until.map(clock_time),
            _ => None,
        },
        once: staff.app.world.chance.token()?.reveal().to_owned(),
        lost: match progress.lost(&pupil.person) {
            Some(Lost::RanOut(at)) => Some(("school-code-ran-out", clock_time(at))),
            Some(Lost::Ended(at)) => Some(("school-code-was-ended", clock_time(at))),
            None => None,
        },
        can_start,
        identify: (can_start && status != Status::NotStarted).then_some("school-identify"),
        why: asks_why.then_some(WhyAsked { is_missing: problem == Some(NO_WHY) }),
        is_again: matches!(status, Status::CodeIssued { .. } | Status::Registered),
        can_refuse: is_coupled && can_be_issued && status != Status::Registered,
        letter: can_have_letter.then(|| scan(staff, ORDER_PATH)).transpose()?,
        wait: wait_for(status, needs_letter).map(|wait| wait.at(staff, &path, &format!("fra={}", awaited(status)))),
        next: room.next(&progress, pupil),
        action: path,
        back: room.path(),
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(staff.html(status, &page))
}

/// What a pupil's page shows, by a name that becomes another when there is more to say.
fn awaited(status: Status) -> &'static str {
    match status {
        Status::CodeIssued { registering_until: Some(_), .. } => "registering",
        _ => status.name(),
    }
}

/// The page of a code waits for the pupil.
const FOR_THE_PUPIL: Waiting = Waiting("waiting", "school-waiting", "school-is-it-done");

/// How a page waits: how it looks, what it says, and what its button says.
struct Waiting(&'static str, &'static str, &'static str);

impl Waiting {
    /// With where it asks: a pupil's page, and what it shows.
    fn at(self, staff: &Staff, path: &str, shown: &str) -> Wait {
        let (Waiting(class, words, button), seen) = (self, staff.seen(path));
        Wait { address: format!("{path}/vent?{shown}&{seen}"), again: format!("{path}?{seen}"), class, words, button }
    }
}

/// What a pupil's page waits for: another status than the one that it shows.
fn wait_for(status: Status, needs_letter: bool) -> Option<Waiting> {
    Some(match status {
        Status::CodeIssued { .. } => FOR_THE_PUPIL,
        Status::LetterOrdered => Waiting("hint", "school-shows-when-done", "school-is-it-done"),
        _ if needs_letter => Waiting("waiting", "school-waiting-for-order", "school-is-it-ordered"),
        _ => return None,
    })
}

fn clock_time(at: Timestamp) -> String {
    text::in_norway(at, "%H:%M")
}

/// An address as people type it: what every browser puts in front of it is left out.
fn typed(address: &str) -> String {
    address.strip_prefix("https://").unwrap_or(address).to_owned()
}

/// A page of ours, to be scanned or typed.
fn scan(staff: &Staff, path: &str) -> anyhow::Result<Scan> {
    let address = format!("{}{path}", staff.app.config.issuer.as_str());
    Ok(Scan { qr: qr::image(&address)?, address: typed(&address) })
}

/// `POST /skule/klasse/{class}/{pupil}`
pub async fn act(
    Path((class, pupil)): Path<(String, String)>,
    Sent { staff, form }: Sent,
) -> Result<Response, Refusal> {
    let room = Room::of(staff, &class).await?;
    let pupil = room.pupil(&pupil).await?;
    let again = || page::see_other(&room.path_of(pupil));
    match form.field("do") {
        Some("start") => start(&room, pupil, &form).await,
        Some("not-qualified") => {
            // A second press finds it done.
            if let Some(coupling) = room.coupling(pupil).await? {
                issuing::not_qualified(&room.staff.app.world, &coupling, room.staff.now).await?;
            }
            Ok(again())
        }
        Some("wrong-name") => {
            let world = &room.staff.app.world;
            let came = match room.coupling(pupil).await? {
                Some(coupling) => issuing::wrong_name(world, &coupling, room.staff.now).await?,
                None => WrongName::Ended,
            };
            Ok(page::see_other(&match came {
                WrongName::Ended => format!("{}?{WRONG_NAME}", room.path()),
                WrongName::Used => format!("{}?{CODE_USED}", room.path_of(pupil)),
            }))
        }
        Some("next") if has_newer_code(&room, pupil, form.field("til")).await? => {
            Ok(page::see_other(&format!("{}?{NEWER_CODE}", room.path_of(pupil))))
        }
        _ => Ok(again()),
    }
}

/// Whether the code is another by now than the one that a page has shown, by when that is over.
async fn has_newer_code(room: &Room, pupil: &Pupil, til: Option<&str>) -> anyhow::Result<bool> {
    let (world, standing) = (&room.staff.app.world, room.standing(pupil));
    let status = issuing::status(world, &pupil.person, standing, room.staff.now).await?;
    let Status::CodeIssued { until, .. } = status else { return Ok(false) };
    Ok(til.is_some_and(|til| til != until.seconds().to_string()))
}

/// Shows a code, once: in the answer to this form and nowhere else.
async fn start(room: &Room, pupil: &Pupil, form: &Params) -> Result<Response, Refusal> {
    let (world, now) = (&room.staff.app.world, room.staff.now);
    let Some(coupling) = room.coupling(pupil).await? else { return Err(room.staff.nothing_here().await) };
    let once = Token::presented(form.field("once").unwrap_or_default()).derive(&room.path_of(pupil));
    if !world.scratch.claim(&TokenHash::of(&once), &Shown, now).await? {
        return Ok(page::see_other(&room.path_of(pupil)));
    }
    if !issuing::may_start(world, &coupling, now).await? {
        let mut response = pupil_page(room, pupil, (None, Some("school-problem-too-many"))).await?;
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(issuing::STARTS_IN.as_secs()));
        return Ok(response);
    }
    let why = form.field("why").and_then(Why::parse);
    match issuing::start(world, &coupling, why, now).await? {
        Started::Code(code, until) => Ok(code_page(room, pupil, (&code, until), why).await?),
        Started::AsksWhy => Ok(pupil_page(room, pupil, (None, Some(NO_WHY))).await?),
        Started::Refused(Reason::NotCoupled) => Err(room.staff.nothing_here().await),
        Started::Refused(why) => {
            let status = issuing::status(world, &pupil.person, room.standing(pupil), now).await?;
            Ok(pupil_page(room, pupil, (None, Some(refused(why, status)))).await?)
        }
    }
}

fn refused(why: Reason, status: Status) -> &'static str {
    match why {
        Reason::TooYoung => "school-too-young-about",
        // From a school, and theirs since: what they have made of it does not concern the school.
        Reason::HasMinid if status == Status::Registered => "school-registered-own-about",
        Reason::HasMinid => "school-has-minid-about",
        // Why an account is locked is between its person and support, and so is a mistake in the register.
        Reason::Locked | Reason::Dead | Reason::NotCoupled => "school-problem-locked",
    }
}

async fn code_page(
    room: &Room,
    pupil: &Pupil,
    (code, until): (&ActivationCode, Timestamp),
    why: Option<Why>,
) -> anyhow::Result<Response> {
    let (staff, path) = (&room.staff, room.path_of(pupil));
    let to_scan = scan(staff, &format!("{REGISTER}#{}", code.as_str()))?;
    let progress = room.progress().await?;
    let page = CodePage {
        frame: staff.frame(),
        csrf: staff.csrf(),
        leave: LEAVE,
        class: room.taught.class.name.clone(),
        name: pupil.name.clone(),
        mark: room.mark(pupil),
        groups: code.grouped().split('-').map(str::to_owned).collect(),
        scan: Scan { address: typed(&format!("{}{REGISTER}", staff.app.config.issuer.as_str())), ..to_scan },
        until: clock_time(until),
        til: until.seconds(),
        why: why.map(Why::name),
        once: staff.app.world.chance.token()?.reveal().to_owned(),
        wait: FOR_THE_PUPIL.at(staff, &path, &format!("til={}", until.seconds())),
        next: room.next(&progress, pupil),
        action: path,
        back: room.path(),
    };
    Ok(staff.html(StatusCode::OK, &page))
}

/// `GET /skule/klasse/{class}/vent`: answers when the list is no longer what the page shows (`fra`), or after a while.
pub async fn wait_for_any(staff: Staff, Path(class): Path<String>, query: Params) -> Result<Response, Refusal> {
    let (room, patience) = (Room::of(staff, &class).await?, Patience::with_looks(LOOK_AT_A_CLASS));
    let all: Vec<PersonId> = room.pupils().map(|pupil| pupil.person.clone()).collect();
    loop {
        let world = &room.staff.app.world;
        let progress = Progress::of(world, &all, world.clock.now()).await?;
        let is_same = room.is_still_theirs().await? && query.field("fra") == Some(room.how_far(&progress).as_str());
        if !is_same || !patience.wait().await {
            let state = if is_same { "waiting" } else { "over" };
            return Ok(Json(json!({ "state": state })).into_response());
        }
    }
}

/// `GET /skule/klasse/{class}/{pupil}/vent`: answers when the code is used or over, or another than the one that the page
/// shows (by when that is, `til`), or when the status is no longer what the page shows (`fra`), or after a while.
pub async fn wait(
    staff: Staff,
    Path((class, pupil)): Path<(String, String)>,
    query: Params,
) -> Result<Response, Refusal> {
    let room = Room::of(staff, &class).await?;
    let (pupil, patience) = (room.pupil(&pupil).await?, Patience::fresh());
    let is_theirs = |until: Timestamp| query.field("til").is_none_or(|shown| shown == until.seconds().to_string());
    loop {
        let world = &room.staff.app.world;
        if !room.is_still_theirs().await? {
            return Ok(Json(json!({ "state": "over" })).into_response());
        }
        let status = issuing::status(world, &pupil.person, room.standing(pupil), world.clock.now()).await?;
        let state = match status {
            shown if query.field("fra") == Some(awaited(shown)) => "waiting",
            Status::CodeIssued { until, .. } if query.field("fra").is_none() && is_theirs(until) => "waiting",
            Status::Registered => used_or_over(world, pupil).await?,
            _ => "over",
        };
        if state != "waiting" || !patience.wait().await {
            return Ok(Json(json!({ "state": state })).into_response());
        }
    }
}

/// Who has MinID by an earlier code has not used the one that they had last.
async fn used_or_over(world: &World, pupil: &Pupil) -> anyhow::Result<&'static str> {
    let latest = activation::latest(world.db.pool(), &pupil.person).await?;
    let is_used = latest.is_some_and(|code| code.used_at.is_some());
    Ok(if is_used { "approved" } else { "over" })
}
