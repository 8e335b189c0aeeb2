//! Getting MinID with an activation code: who it is, how they are reached, a password, and they are users, who may make
//! the device at which they sit their MinID app.
//!
//! The code stays good until the last step uses it, so each step looks whether it still is. What has been typed and
//! proved until then is kept on our side, and nothing of it counts before.

pub mod app;
pub mod channels;
pub mod ends;
pub mod password;
pub mod start;

use std::time::Duration;

use authenticators::activation::{self, Source};
use authenticators::clock::Timestamp;
use authenticators::contact::{Channel, Contact, Email, Known, Phone};
use authenticators::otc::OtcChallenge;
use authenticators::person::{Person, PersonId};
use authenticators::population::{self, Address, Resident};
use authenticators::scratch::{Kept, Read};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use self::app::Ticket;
use crate::browser::Call;
use crate::error::Refusal;
use crate::params::Params;
use crate::password_change::Objection;
use crate::visitor::Visitor;

/// Which terms whoever registers accepts: their words are `activate-terms-…`, and whoever changes what they say names
/// another day here.
pub const TERMS: &str = "2026-11-26";
/// Where it is.
pub const PATH: &str = "/registrer";
/// The same in the MinID app's window.
pub const IN_APP: &str = "/app/registrer";
/// Where a letter with a code is ordered.
pub const ORDER_PATH: &str = "/aktiveringsbrev/order";
/// The same in the MinID app's window.
pub const ORDER_IN_APP: &str = "/app/aktiveringsbrev/order";

/// Where somebody is on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Which mobile number.
    Mobile,
    /// Which e-mail address, if any.
    Email,
    /// A code was sent there.
    Code {
        /// Where.
        to: Channel,
        /// Which; none while it is being sent.
        code: Option<OtcChallenge>,
        /// Whether it is another one than the first.
        is_again: bool,
    },
    /// Which password.
    Password,
    /// They have MinID.
    Ready,
}

impl Stage {
    fn name(&self) -> &'static str {
        match self {
            Stage::Mobile => "mobile",
            Stage::Email => "email",
            Stage::Code { to: Channel::Mobile(_), .. } => "mobile-code",
            Stage::Code { to: Channel::Email(_), .. } => "email-code",
            Stage::Password => "password",
            Stage::Ready => "ready",
        }
    }

    /// Where the way back leads; none, to the first page.
    fn before(&self) -> Option<Stage> {
        match self {
            Stage::Code { to: Channel::Mobile(_), .. } | Stage::Email => Some(Stage::Mobile),
            Stage::Code { to: Channel::Email(_), .. } | Stage::Password => Some(Stage::Email),
            Stage::Mobile | Stage::Ready => None,
        }
    }
}

/// What somebody has come to whose code was right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activation {
    /// Which of those that were begun in this browser it is.
    id: String,
    /// The row of the code, and not the code.
    code: String,
    person: PersonId,
    /// How the code came to them.
    source: String,
    /// When they typed it, which was in time.
    typed_at: Timestamp,
    /// Proved.
    mobile: Option<Phone>,
    email: Option<Email>,
    email_is_proved: bool,
    stage: Stage,
    /// For one device, once they have MinID.
    ticket: Option<Ticket>,
}

impl Kept for Activation {
    const KIND: &'static str = "registration";
    const FOR: Duration = activation::REGISTRATION;
}

impl Activation {
    /// The moment by which the code's own time is judged: whoever typed it in time has time to register.
    fn judged_at(&self, now: Timestamp) -> Timestamp {
        if now < self.typed_at.plus(Self::FOR) { self.typed_at } else { now }
    }

    /// Whether an address that was there before goes unless they give one: whoever begins anew by post may have lost the
    /// mailbox as well, and it helps whoever reads it to another password.
    fn forgets_email(&self) -> bool {
        self.source == Source::Letter.name()
    }

    /// How they will be reached; nothing, if they have no mobile number.
    fn channels(&self) -> Vec<(Channel, Known)> {
        let Some(mobile) = self.mobile.clone() else { return Vec::new() };
        let known = if self.email_is_proved { Known::Proved } else { Known::Told };
        let email = self.email.clone().map(|email| (Channel::Email(email), known));
        std::iter::once((Channel::Mobile(mobile), Known::Proved)).chain(email).collect()
    }
}

/// Why somebody cannot register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The code was used, another has ended it, or its time is over.
    Over,
    /// They are too young.
    Young,
    /// Support has locked them.
    Locked,
    /// The account is closed, and not because they wanted it.
    Closed,
}

impl Stop {
    /// What keeps a person from having MinID.
    fn of(person: &Person, resident: Option<&Resident>, now: Timestamp) -> Option<Stop> {
        let is_closed = person.is_closed_for_good() || resident.is_some_and(|resident| resident.is_dead(now));
        let may_have_minid = population::may_have_minid(&person.fnr, resident, now);
        match (is_closed, person.is_locked_by_others(), may_have_minid) {
            (true, ..) => Some(Stop::Closed),
            (false, true, _) => Some(Stop::Locked),
            (false, false, Some(false)) => Some(Stop::Young),
            (false, false, _) => None,
        }
    }
}

/// How it stands with somebody at this moment.
pub enum Standing {
    /// On the way.
    At(Stage),
    /// No further.
    Stopped(Stop),
}

/// What every form carries.
struct Marks {
    action: &'static str,
    csrf: String,
    turn: String,
}

/// Somebody whose code was right.
pub struct Applicant<'a> {
    visitor: &'a Visitor<'a>,
    read: Read<Activation>,
    person: Person,
    /// Ours, or the population register's; empty if neither knows it, or where their address is protected: whoever stands
    /// beside them may know them by another one.
    name: String,
    /// What the population register says of them.
    resident: Option<Resident>,
    standing: Standing,
    before: Before,
}

/// What there is already, which they are told only here: they have proved that the code is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// No MinID.
    Nothing,
    /// MinID, over which they begin anew.
    Minid,
    /// MinID, and an e-mail address that goes with it unless they give one.
    MinidAndEmail,
}

impl Before {
    async fn of(call: &Call<'_>, task: &Activation) -> anyhow::Result<Before> {
        let db = call.app.world.db.pool();
        if authenticators::password::stored(db, Some(&task.person)).await?.is_none() {
            return Ok(Before::Nothing);
        }
        let has_email = task.forgets_email() && Contact::of(db, &task.person).await?.email.is_some();
        Ok(if has_email { Before::MinidAndEmail } else { Before::Minid })
    }
}

impl<'a> Applicant<'a> {
    /// Who has come so far in this browser, and how it stands with them now.
    pub async fn of(visitor: &'a Visitor<'a>) -> anyhow::Result<Option<Applicant<'a>>> {
        let Some(read) = visitor.task::<Activation>().await? else { return Ok(None) };
        let (world, now) = (&visitor.call.app.world, visitor.call.now);
        let Some(person) = Person::by_id(world.db.pool(), &read.value.person).await? else { return Ok(None) };
        let is_good = activation::is_good(world.db.pool(), &read.value.code, read.value.judged_at(now)).await?;
        let before = Before::of(&visitor.call, &read.value).await?;
        let resident = world.population.find_known(&person).await?;
        let stop = Stop::of(&person, resident.as_ref(), now);
        let is_protected = resident.as_ref().is_some_and(|resident| resident.address == Address::Protected);
        let name = match (person.name(), &resident) {
            _ if is_protected => String::new(),
            (name, Some(resident)) if name.is_empty() => {
                format!("{} {}", resident.given_name, resident.family_name).trim().to_owned()
            }
            (name, _) => name,
        };
        let standing = match (&read.value.stage, is_good, stop) {
            (Stage::Ready, false, _) => Standing::At(Stage::Ready),
            (_, false, _) => Standing::Stopped(Stop::Over),
            (_, true, Some(stop)) => Standing::Stopped(stop),
            // It was written down before it was so, and did not become so.
            (Stage::Ready, true, None) => Standing::At(Stage::Password),
            (stage, true, None) => Standing::At(stage.clone()),
        };
        Ok(Some(Applicant { visitor, read, person, name, resident, standing, before }))
    }

    /// What a form of theirs says where they stand.
    pub fn turn(&self) -> String {
        let stage = match &self.standing {
            Standing::At(stage) => stage.name(),
            Standing::Stopped(_) => "stopped",
        };
        format!("{}-{stage}", self.read.value.id)
    }

    fn marks(&self) -> Marks {
        Marks { action: self.visitor.path, csrf: self.visitor.csrf(), turn: self.turn() }
    }

    /// Whose MinID it is: others may have sat at the same machine before.
    fn whose(&self) -> String {
        self.named("activate-whose", "activate-whose-number")
    }

    /// The same once it is theirs.
    fn owner(&self) -> String {
        self.named("activate-owner", "activate-owner-number")
    }

    fn named(&self, by_name: &'static str, by_number: &'static str) -> String {
        let text = self.visitor.text();
        if self.name.is_empty() {
            let last: String = self.person.fnr.as_str().chars().skip(9).collect();
            return text.with(by_number, "digits", last);
        }
        text.with(by_name, "name", self.name.as_str())
    }

    /// The same somewhere else on the way.
    fn at(&self, stage: Stage) -> Activation {
        Activation { stage, ..self.read.value.clone() }
    }

    /// Goes on. If a double click came first, it goes on from there.
    async fn go(&self, to: &Activation) -> Result<Response, Refusal> {
        self.visitor.change(&self.read, to).await?;
        Ok(self.visitor.go())
    }

    /// To the first page, and nothing is left of this.
    async fn leave(&self) -> Result<Response, Refusal> {
        self.visitor.end::<Activation>().await?;
        Ok(self.visitor.go())
    }
}

/// Shows where somebody stands.
pub async fn page(who: &Applicant<'_>) -> Result<Response, Refusal> {
    match &who.standing {
        Standing::Stopped(stop) => Ok(ends::stopped(who, *stop)),
        Standing::At(Stage::Ready) => ends::ready(who, None).await,
        Standing::At(Stage::Password) => Ok(password::page(who, &Objection::default())),
        Standing::At(stage) => Ok(channels::page(who, stage, channels::Wrong::default())),
    }
}

/// Something was sent from there.
pub async fn answer(who: &Applicant<'_>, form: &Params) -> Result<Response, Refusal> {
    match (form.field("do"), &who.standing) {
        (Some("again"), Standing::At(stage)) if *stage != Stage::Ready => {
            password::not_theirs(who).await?;
            who.leave().await
        }
        (Some("again"), _) => who.leave().await,
        (_, Standing::Stopped(_)) => Ok(who.visitor.go()),
        (_, Standing::At(Stage::Ready)) => app::answer(who, form).await,
        (Some("back"), Standing::At(stage)) => match stage.before() {
            Some(before) => who.go(&who.at(before)).await,
            None => who.leave().await,
        },
        (Some("next"), Standing::At(Stage::Password)) => password::answer(who, form).await,
        (Some(_), Standing::At(stage)) => channels::answer(who, stage, form).await,
        (None, Standing::At(_)) => Ok(who.visitor.go()),
    }
}
