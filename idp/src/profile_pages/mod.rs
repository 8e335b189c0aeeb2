//! The citizen's own pages: how they are reached, how they log in, where they are logged in, what has happened, what they
//! have agreed to, and the ways to lock it all and to close it.

pub mod block;
pub mod close;
pub mod consents;
pub mod contact;
pub mod data;
pub mod devices;
pub mod events;
pub mod factors;
pub mod guest;
pub mod letter;
pub mod overview;
pub mod places;
pub mod set_up;

use std::time::Duration;

use askama::DynTemplate;
use authenticators::chance::{Token, TokenHash};
use authenticators::contact::Channel;
use authenticators::otc::OtcChallenge;
use authenticators::person::Person;
use authenticators::scratch::{Kept, Read};
use authenticators::totp::NewTotp;
use authenticators::webauthn::Ceremony;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::acr::Acr;
use crate::browser::Call;
use crate::client::{PROFILE, PROFILE_PATH};
use crate::error::{Dead, DeadKind, Refusal};
use crate::flow::Authentication;
use crate::page::{self, Frame};
use crate::params::Params;
use crate::session;
use crate::text::Text;

/// A page on which something is changed is opened by a proof that is no older.
const FRESH: Duration = Duration::from_mins(5);
/// And whoever takes their time there has this long, from the proof.
const FRESH_TO_THE_END: Duration = Duration::from_mins(15);

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The first one.
    Overview,
    /// How the citizen is reached.
    Contact,
    /// Another mobile number.
    Mobile,
    /// Another e-mail address.
    Email,
    /// How they log in.
    Factors,
    /// Another password.
    Password,
    /// An app that makes codes.
    Totp,
    /// A passkey.
    Passkey,
    /// Codes for an emergency.
    Recovery,
    /// The MinID app.
    App,
    /// Where they are logged in.
    Places,
    /// What has happened.
    Events,
    /// What they have agreed to.
    Consents,
    /// All of it, as a file.
    Data,
    /// A letter that is on its way.
    Letter,
    /// Locking MinID.
    Block,
    /// Closing it.
    Close,
}

impl Page {
    const ALL: [(Page, &'static str); 17] = [
        (Page::Overview, PROFILE_PATH),
        (Page::Contact, "/profil/kontakt"),
        (Page::Mobile, "/profil/kontakt/mobil"),
        (Page::Email, "/profil/kontakt/epost"),
        (Page::Factors, "/profil/innlogging"),
        (Page::Password, "/profil/innlogging/passord"),
        (Page::Totp, "/profil/innlogging/kodeapp"),
        (Page::Passkey, "/profil/innlogging/passnokkel"),
        (Page::Recovery, "/profil/innlogging/gjenoppretting"),
        (Page::App, "/profil/innlogging/app"),
        (Page::Places, "/profil/innlogget"),
        (Page::Events, "/profil/hendelser"),
        (Page::Consents, "/profil/samtykker"),
        (Page::Data, "/profil/data"),
        (Page::Letter, "/profil/brev"),
        (Page::Block, "/profil/sperr"),
        (Page::Close, "/profil/avslutt"),
    ];

    /// The page at a path.
    pub fn at(path: &str) -> Option<Page> {
        Page::ALL.into_iter().find(|(_, known)| *known == path).map(|(page, _)| page)
    }

    /// Where it is.
    pub fn path(self) -> &'static str {
        Page::ALL.into_iter().find(|(page, _)| *page == self).map_or(PROFILE_PATH, |(_, path)| path)
    }

    /// Whether something is changed there by which one is reached or logs in, or ended for good.
    fn wants_a_fresh_proof(self) -> bool {
        use Page::{App, Close, Email, Mobile, Passkey, Password, Recovery, Totp};
        matches!(self, Mobile | Email | Password | Totp | Passkey | Recovery | App | Close)
    }
}

/// Something that takes two steps: what the second is held against.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A code that was sent to a new channel.
    Contact {
        /// Where.
        to: Channel,
        /// Which.
        code: OtcChallenge,
    },
    /// A secret that is on its way into an app.
    Totp(NewTotp),
    /// A passkey that is being made.
    Passkey(Ceremony),
}

impl Kept for Task {
    const KIND: &'static str = "profile-task";
    const FOR: Duration = FRESH_TO_THE_END;
}

/// A citizen on one of these pages.
pub struct Visit<'a> {
    /// The request.
    pub call: Call<'a>,
    /// Where.
    pub page: Page,
    /// What has been proved.
    pub proved: Authentication,
    /// Who.
    pub person: Person,
    session: Token,
}

impl<'a> Visit<'a> {
    /// Who is logged in here, in the session that the services share; otherwise where to log in.
    pub async fn of(call: Call<'a>, page: Page) -> anyhow::Result<Result<Visit<'a>, Response>> {
        let to_login = || Ok(Err(page::see_other(&login(&call, page, false))));
        let session = session::find(call.app, call.browser, call.now).await?;
        let shared = session.as_ref().map(|read| read.value.shared().collect::<Vec<_>>()).unwrap_or_default();
        if let Some(guest) = shared.iter().find(|proved| proved.is_guest()) {
            return Ok(Err(guest::page(&call, page, guest)));
        }
        let proved = shared.into_iter().find(|proved| proved.acr().satisfies_one_of(&[Acr::SUBSTANTIAL])).cloned();
        let (Some(proved), Some(session)) = (proved, call.browser.session.clone()) else { return to_login() };
        let person = Person::by_id(call.app.world.db.pool(), proved.person()).await?;
        let Some(person) = person else { return to_login() };
        Ok(Ok(Visit { call, page, proved, person, session }))
    }

    /// Where to prove anew who one is, if that is long ago. `to_the_end` is for a form that was begun in time.
    pub fn stale(&self, to_the_end: bool) -> Option<Response> {
        let limit = if to_the_end { FRESH_TO_THE_END } else { FRESH };
        // There are lists, for everybody to see who is logged in, and what is done to them opens and closes doors.
        let acts = to_the_end && matches!(self.page, Page::Factors | Page::Contact);
        // As `max_age` has it, which counts the last second as well.
        let age = self.call.now.since(self.proved.at());
        let is_old = if to_the_end { age >= limit } else { age > limit };
        let stale = (acts || self.page.wants_a_fresh_proof()) && is_old;
        stale.then(|| page::see_other(&login(&self.call, self.page, true)))
    }

    /// The same for what is done on a page that wants none otherwise.
    pub fn afresh_if_old(&self) -> Option<Response> {
        let is_old = self.call.now.since(self.proved.at()) >= FRESH_TO_THE_END;
        is_old.then(|| page::see_other(&login(&self.call, self.page, true)))
    }

    /// The reader's words.
    pub fn text(&self) -> Text {
        page::text_for(self.call.app, self.call.browser, None)
    }

    /// Where in the world an address is, where that is known.
    pub fn place_of(&self, address: &str) -> Option<String> {
        self.call.app.config.atlas.place_of(address, self.text().language)
    }

    /// The same in words.
    pub fn near(&self, address: &str) -> Option<String> {
        self.place_of(address).map(|place| self.text().with("event-place", "place", place))
    }

    /// The frame around the page.
    pub fn frame(&self) -> Frame {
        Frame::new(self.text(), None, self.page.path())
    }

    /// A form counts for the person to whom it was shown: somebody else may have logged in meanwhile.
    fn purpose(&self) -> String {
        format!("profile {}", self.person.id.as_str())
    }

    /// The mark in its forms.
    pub fn csrf(&self) -> String {
        self.call.browser.csrf(&self.purpose())
    }

    /// Refuses a form that is not from one of these pages.
    pub fn has_sent(&self, form: &Params) -> Result<(), Refusal> {
        if self.call.browser.has_sent(&self.purpose(), form.field("csrf")) {
            return Ok(());
        }
        let dead = Dead { status: StatusCode::FORBIDDEN, kind: DeadKind::Csrf, service: None };
        Err(Refusal::Page(Box::new(dead)))
    }

    /// The page, which is an answer to something wrong if `is_wrong`.
    pub fn html(&self, page: &dyn DynTemplate, is_wrong: bool) -> Response {
        let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let mut response = page::html(status, page, &[]);
        self.call.browser.settle(self.call.app, response.headers_mut());
        response
    }

    /// On to another page.
    pub fn go(&self, to: Page) -> Response {
        page::see_other(to.path())
    }

    /// The same with something to say there.
    pub fn go_saying(&self, to: Page, what: Said) -> Response {
        page::see_other(&format!("{}?sagt={}", to.path(), what.name()))
    }

    fn key(&self) -> TokenHash {
        TokenHash::of(&self.session.derive("profile task"))
    }

    /// What is under way.
    pub async fn task(&self) -> anyhow::Result<Option<Read<Task>>> {
        self.call.app.world.scratch.get(&self.key(), self.call.now).await
    }

    /// Something is under way now, and whatever was no longer.
    pub async fn begin(&self, task: &Task) -> anyhow::Result<()> {
        self.call.app.world.scratch.put(&self.key(), task, self.call.now).await
    }

    /// Changes what is under way; false if another has done so meanwhile.
    pub async fn change(&self, read: &Read<Task>, task: &Task) -> anyhow::Result<bool> {
        self.call.app.world.scratch.replace(&self.key(), read, task, self.call.now).await
    }

    /// Ends what is under way: of many who do so one gets it.
    pub async fn end(&self) -> anyhow::Result<Option<Task>> {
        self.call.app.world.scratch.take(&self.key(), self.call.now).await
    }
}

/// What has just been done, said once on the page that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Something was saved.
    Saved,
    /// Something was removed.
    Removed,
    /// A way to log in was added.
    Added,
    /// A session has ended.
    LoggedOut,
    /// MinID is open again.
    Reopened,
    /// No letter is on its way any more.
    LetterStopped,
    /// What was asked for is not there any more, or another has done it.
    Gone,
}

impl Said {
    const ALL: [(Said, &'static str, &'static str); 7] = [
        (Said::Saved, "lagret", "profile-said-saved"),
        (Said::Removed, "fjernet", "profile-said-removed"),
        (Said::Added, "lagt-til", "profile-said-added"),
        (Said::LoggedOut, "logget-ut", "profile-said-logged-out"),
        (Said::Reopened, "apnet", "profile-said-reopened"),
        (Said::LetterStopped, "brev-stoppet", "profile-letter-stopped"),
        (Said::Gone, "borte", "profile-said-gone"),
    ];

    fn name(self) -> &'static str {
        Said::ALL.into_iter().find(|(said, ..)| *said == self).map_or("", |(_, name, _)| name)
    }

    /// The key of the words for what an address says.
    pub fn key(query: &Params) -> Option<&'static str> {
        let name = query.field("sagt")?;
        Said::ALL.into_iter().find(|(_, known, _)| *known == name).map(|(.., key)| key)
    }
}

/// The authorization request by which one logs in to a page.
fn login(call: &Call<'_>, page: Page, afresh: bool) -> String {
    let redirect_uri = format!("{}{PROFILE_PATH}", call.app.config.issuer.as_str());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("client_id", PROFILE)
        .append_pair("response_type", "code")
        .append_pair("scope", "openid")
        .append_pair("redirect_uri", &redirect_uri)
        .append_pair("state", page.path());
    if afresh {
        query.append_pair("max_age", &FRESH.as_secs().to_string());
    }
    format!("/authorize?{}", query.finish())
}
