//! The decisions of a login: what a request needs, and what comes after what. No I/O.

use std::time::Duration;

use authenticators::approval::Asked;
use authenticators::chance::TokenHash;
use authenticators::clock::Timestamp;
use authenticators::contact::{Channel, Email, Missing};
use authenticators::factor::{FactorKind, FirstFactor, Proof, Stop};
use authenticators::guest::{EidasId, Guest};
use authenticators::otc::OtcChallenge;
use authenticators::person::{Fnr, Person, PersonId};
use authenticators::scratch::Kept;
use authenticators::totp::NewTotp;
use authenticators::webauthn::Ceremony;
use serde::{Deserialize, Serialize};

use crate::acr::{self, Acr, Eid};
use crate::eid::Reached;
use crate::error::OAuthError;
use crate::request::AuthorizationRequest;
use crate::scope::ScopeName;
use crate::session::Session;
use crate::upstream::id_token::{Said, Who};

/// That somebody has proved who they are. **The witness**: neither a session nor a grant can be made without
/// one, and only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    person: PersonId,
    /// As what they are known; the number of those who have one stands beside the rest, where it always stood.
    #[serde(flatten)]
    known: KnownBy,
    acr: Acr,
    amr: String,
    at: Timestamp,
    /// What somebody else's eID calls them.
    #[serde(default)]
    names: Names,
}

/// As what a person is known to the services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum KnownBy {
    /// A fødselsnummer or D-number.
    Number { fnr: Fnr },
    /// A guest: the identifier of another country's eID.
    Abroad { abroad: Abroad },
    /// A guest: an e-mail address.
    Email { email: Email },
}

/// Somebody from another country, as their eID tells, under the names of the claims that services get (domain: eIDAS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abroad {
    /// Their identifier, `SE/NO/…`.
    #[serde(rename = "eidas_identifier")]
    pub id: EidasId,
    /// First names.
    #[serde(rename = "eidas_firstname", skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Surname.
    #[serde(rename = "eidas_lastname", skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// `1990-01-31`
    #[serde(rename = "eidas_date_of_birth", skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<String>,
    /// The country whose eID it is, `SE`.
    #[serde(rename = "eidas_citizen_country_code")]
    pub country: String,
}

/// What a person is called, as far as their eID tells and services may be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// First and middle names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Surname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
}

impl Authentication {
    /// MinID was proved.
    pub fn by_minid(proof: &Proof, now: Timestamp) -> Authentication {
        let (acr, amr) = acr::reached(proof.second());
        let (person, known) = (proof.person().clone(), KnownBy::Number { fnr: proof.fnr().clone() });
        Authentication { person, known, acr, amr: amr.to_owned(), at: now, names: Names::default() }
    }

    /// A synthetic person was picked. Nobody is somebody who has died.
    pub fn by_test_id(person: Person, acr: Acr, now: Timestamp) -> Option<Authentication> {
        let (amr, names) = (acr::AMR_TEST_ID.to_owned(), Names::default());
        let (is_dead, known) = (person.is_dead(), KnownBy::Number { fnr: person.fnr });
        (!is_dead).then_some(Authentication { person: person.id, known, acr, amr, at: now, names })
    }

    /// Somebody else's eID was proved, and what it says was verified. Nobody is somebody who has died.
    pub fn by_other(person: Person, said: Said) -> Option<Authentication> {
        let (is_dead, Said { reached: Reached { acr, amr }, names, at, .. }) = (person.is_dead(), said);
        let known = KnownBy::Number { fnr: person.fnr };
        (!is_dead).then_some(Authentication { person: person.id, known, acr, amr, at, names })
    }

    /// Another country's eID was proved that matches nobody here, and what it says was verified. None if it says another
    /// thing.
    pub fn from_abroad(guest: &Guest, said: Said) -> Option<Authentication> {
        let Said { sub: _, who, reached: Reached { acr, amr }, names, at } = said;
        let Who::Abroad(abroad) = who else { return None };
        let (person, known) = (guest.id().clone(), KnownBy::Abroad { abroad });
        acr.is_of_another_country().then_some(Authentication { person, known, acr, amr, at, names })
    }

    /// Somebody reads what is sent to an address.
    pub fn by_email(guest: &Guest, email: Email, now: Timestamp) -> Authentication {
        let (person, known, names) = (guest.id().clone(), KnownBy::Email { email }, Names::default());
        Authentication { person, known, acr: Acr::EMAIL, amr: acr::AMR_EMAIL.to_owned(), at: now, names }
    }

    /// Who.
    pub fn person(&self) -> &PersonId {
        &self.person
    }

    /// Their identifier; a guest has none.
    pub fn fnr(&self) -> Option<&Fnr> {
        match &self.known {
            KnownBy::Number { fnr } => Some(fnr),
            KnownBy::Abroad { .. } | KnownBy::Email { .. } => None,
        }
    }

    /// What another country's eID says of a guest.
    pub fn abroad(&self) -> Option<&Abroad> {
        match &self.known {
            KnownBy::Abroad { abroad } => Some(abroad),
            KnownBy::Number { .. } | KnownBy::Email { .. } => None,
        }
    }

    /// The address of a guest who has proved that alone.
    pub fn email(&self) -> Option<&Email> {
        match &self.known {
            KnownBy::Email { email } => Some(email),
            KnownBy::Number { .. } | KnownBy::Abroad { .. } => None,
        }
    }

    /// Whether it is a guest: somebody of whom no number is known.
    pub fn is_guest(&self) -> bool {
        self.fnr().is_none()
    }

    /// How surely.
    pub fn acr(&self) -> Acr {
        self.acr
    }

    /// By what.
    pub fn amr(&self) -> &str {
        &self.amr
    }

    /// When.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// What they are called.
    pub fn names(&self) -> &Names {
        &self.names
    }
}

/// Where a login stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Choosing an eID.
    ChooseEid,
    /// MinID: identifier and password.
    Password,
    /// MinID: the code by SMS.
    Otc,
    /// MinID: the code of an app.
    Totp,
    /// MinID: a code from the list.
    RecoveryCode,
    /// MinID: the answer of the MinID app.
    App,
    /// MinID: a passkey, after the password.
    Passkey,
    /// MinID: choosing another second factor.
    Method,
    /// MinID: the telephone is lost, or whatever else one logs in with.
    Lost(Lost),
    /// MinID: the password is forgotten.
    Recover(Recover),
    /// MinID: another password has to be chosen.
    NewPassword,
    /// MinID: another second factor is set up, since what was used is no longer good for a login or there is something
    /// better.
    SetUp(SetUp),
    /// How the citizen is reached: is it right, and what is missing?
    Contact(ContactStep),
    /// A code to an e-mail address.
    Email(EmailStep),
    /// TestID: identifier and level.
    TestId,
    /// The citizen is asked to agree.
    Consent,
    /// MinID gets no further.
    Stopped(Stop),
    /// Done; the citizen has been sent back.
    Finished,
}

/// Where somebody stands who has forgotten their password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recover {
    /// Who is it?
    Who,
    /// The code by SMS.
    Sms,
    /// The code by e-mail.
    Email,
    /// The answer of the MinID app, instead of both codes.
    App,
    /// There is no e-mail address to send one to.
    NoEmail,
}

/// Where somebody stands who has lost what they log in with, and knows the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// What can be done.
    Ways,
    /// Shall MinID be blocked?
    Block,
}

/// Where somebody stands who logs in by an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailStep {
    /// Which address?
    Address,
    /// The code that was sent there.
    Code,
}

/// Setting up a second factor on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetUp {
    /// Which?
    Choose,
    /// An app that makes codes.
    Totp,
    /// A passkey.
    Passkey,
    /// The MinID app.
    App,
}

/// What whoever logs in by SMS is told of something better, now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nudge {
    /// They have nothing better, and can set it up when they are in.
    SetUp,
    /// They have it.
    Use,
}

/// The page on how the citizen is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactStep {
    /// Is it right?
    Confirm,
    /// Something is missing, and can be added.
    Add(Missing),
    /// Another mobile number.
    Mobile,
    /// Another e-mail address.
    Email,
    /// The code that was sent there.
    Code,
}

/// What is still to come when somebody has proved who they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Due<'a> {
    /// Another password has to be chosen.
    pub new_password: bool,
    /// What they used is no longer good for a login, or they want something better.
    pub set_up: bool,
    /// They are asked how they are reached.
    pub contact: Option<Missing>,
    /// What they have agreed to with this service.
    pub agreed: &'a [ScopeName],
}

/// What a request gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// An answer at once.
    Grant(Authentication),
    /// A page; and what is proved already, where the page only asks for agreement.
    Ask(Step, Option<Authentication>),
}

/// Decides on a request. `known` is the session, and what its citizen has agreed to with the service; `subject` tells
/// by what name the service would know the person.
pub fn decide(
    request: &AuthorizationRequest,
    known: Option<(&Session, &[ScopeName])>,
    offered: &[Eid],
    subject: impl Fn(&Authentication) -> String,
    now: Timestamp,
) -> Result<Decision, OAuthError> {
    let will_do = |proved: &&Authentication| {
        !request.prompt.login
            && proved.acr.satisfies_one_of(&request.acr)
            && request.max_age.is_none_or(|age| now.since(proved.at) <= Duration::from_secs(age.into()))
            && request.subject.as_ref().is_none_or(|expected| *expected == subject(proved))
    };
    // What is told of the login is what this one proof says, whatever the others do.
    let proved = known.and_then(|(session, _)| session.proofs_for(request).find(will_do));
    let is_agreed = known.is_some_and(|(_, agreed)| request.is_covered_by(agreed));
    match proved {
        Some(_) if request.prompt.none && !is_agreed => {
            Err(OAuthError::consent_required("The citizen has not agreed to it."))
        }
        Some(proved) if request.prompt.consent || !is_agreed => Ok(Decision::Ask(Step::Consent, Some(proved.clone()))),
        Some(proved) => Ok(Decision::Grant(proved.clone())),
        None if request.prompt.none => Err(OAuthError::login_required("The citizen is not logged in.")),
        None => first_step(offered).map(|step| Decision::Ask(step, None)),
    }
}

/// Whose login a request wants to be surer than it is: theirs who are logged in, by a number, at a lower level of the
/// same framework. Whoever asks for a login of its own asks for nobody's.
pub fn steps_up<'a>(request: &AuthorizationRequest, session: &'a Session) -> Option<&'a PersonId> {
    let is_enough = |proved: &Authentication| proved.acr.satisfies_one_of(&request.acr);
    if request.prompt.login || session.proofs_for(request).any(is_enough) {
        return None;
    }
    let is_less = |proved: &&Authentication| request.acr.iter().any(|asked| asked.satisfies(proved.acr));
    session.proofs_for(request).filter(|proved| !proved.is_guest()).find(is_less).map(Authentication::person)
}

/// The first page of a login with the eIDs that reach what is asked.
pub fn first_step(offered: &[Eid]) -> Result<Step, OAuthError> {
    match offered {
        [] => {
            Err(OAuthError::unmet_authentication_requirements("No eID offered here reaches the level in acr_values."))
        }
        [only] => Ok(step_of(only)),
        _ => Ok(Step::ChooseEid),
    }
}

/// The first page of an eID. Whoever is at somebody else's finds the picker when they come back without an answer.
pub fn step_of(eid: &Eid) -> Step {
    match eid {
        Eid::MinId => Step::Password,
        Eid::Email => Step::Email(EmailStep::Address),
        Eid::TestId => Step::TestId,
        Eid::Other { .. } => Step::ChooseEid,
    }
}

/// Something to say on the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// A code was sent again.
    SentAgain,
    /// More time was given.
    MoreTime,
    /// The gateway didn't take the code.
    SmsFailed,
    /// The telephone has had its share.
    SmsTooMany,
    /// It is too soon for a new code.
    TooSoon,
    /// Three wrong codes.
    CodeUsedUp,
    /// The app was asked again.
    AskedAgain,
    /// Nobody has answered in the app yet.
    NotYet,
    /// No answer came in time.
    AppTooLate,
    /// Somebody has said no in the app.
    AppDeclined,
    /// Another login is waiting for an answer in the app.
    AppBusy,
    /// The app is left alone for a while.
    AppQuiet,
    /// The passkey has not been accepted.
    PasskeyFailed,
    /// The code did not go out.
    ProofFailed,
    /// There have been too many codes.
    ProofTooMany,
    /// The citizen has turned back at the other eID.
    EidCancelled,
    /// The other eID does not answer.
    EidUnavailable,
    /// What the other eID has said is not believed.
    EidRefused,
    /// The other eID has reached a lower level than was asked for.
    EidTooLow,
    /// The other eID told no identifier that is let in.
    EidNobody,
    /// The other eID names somebody else than is logged in, whose login was to become a surer one.
    EidAnother,
}

/// A code that was sent somewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sent {
    /// Where to; none, where nobody is there to send it to, and nobody may see that.
    pub to: Option<Channel>,
    /// The code.
    pub code: OtcChallenge,
}

/// A login under way, kept for a quarter of an hour after each step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginAttempt {
    /// What the service asked.
    pub request: AuthorizationRequest,
    /// The browser in which it was begun.
    pub browser: TokenHash,
    /// Where it stands.
    pub step: Step,
    /// Who has given the right password.
    pub first: Option<FirstFactor>,
    /// Whose code was used up, so that they need not say again who they are.
    #[serde(default)]
    pub known: Option<Fnr>,
    /// The code on its way.
    pub sent: Option<Sent>,
    /// What a browser was asked to sign.
    pub ceremony: Option<Ceremony>,
    /// What the MinID app was asked.
    pub asked: Option<Asked>,
    /// The secret of an app that is being set up.
    pub new_totp: Option<NewTotp>,
    /// What was used beside the password.
    #[serde(default)]
    pub second: Option<FactorKind>,
    /// Whether they are told of something better.
    #[serde(default)]
    pub nudge: Option<Nudge>,
    /// Whether something better is set up before they go back to the service. They may pass that over.
    #[serde(default)]
    pub sets_up: bool,
    /// Who has chosen another password here because theirs was forgotten: how they are reached helped them to it.
    #[serde(default)]
    pub recovered: Option<PersonId>,
    /// Wrong second factors since the password.
    pub tries: u8,
    /// What let the citizen in, so that the second of a double click is known.
    pub answer: Option<TokenHash>,
    /// Something to say on the next page.
    pub remark: Option<Remark>,
    /// What has been proved, where agreement is still to come.
    pub proved: Option<Authentication>,
    /// The session that it ended in.
    pub session: Option<TokenHash>,
    /// When it was begun.
    pub begun_at: Timestamp,
}

impl Kept for LoginAttempt {
    const KIND: &'static str = "attempt";
    const FOR: Duration = Duration::from_mins(15);
}

/// Wrong second factors after which the password is asked for again.
pub const TRIES: u8 = 3;

/// No login takes longer, however often it is kept alive.
pub const AT_MOST: Duration = Duration::from_hours(1);

impl LoginAttempt {
    /// A login at its beginning.
    pub fn begin(
        request: AuthorizationRequest,
        browser: TokenHash,
        step: Step,
        proved: Option<Authentication>,
        now: Timestamp,
    ) -> LoginAttempt {
        LoginAttempt {
            request,
            browser,
            step,
            first: None,
            known: None,
            sent: None,
            ceremony: None,
            asked: None,
            new_totp: None,
            second: None,
            nudge: None,
            sets_up: false,
            recovered: None,
            tries: 0,
            answer: None,
            remark: None,
            proved,
            session: None,
            begun_at: now,
        }
    }

    /// The login at another step.
    #[must_use]
    pub fn at(&self, step: Step) -> LoginAttempt {
        LoginAttempt { step, remark: None, ..self.clone() }
    }

    /// The login with something to say.
    #[must_use]
    pub fn saying(&self, remark: Remark) -> LoginAttempt {
        LoginAttempt { remark: Some(remark), ..self.clone() }
    }

    /// Back where the password is asked for; what was proved is forgotten.
    #[must_use]
    pub fn from_the_password(&self) -> LoginAttempt {
        LoginAttempt {
            first: None,
            proved: None,
            known: None,
            sent: None,
            ceremony: None,
            asked: None,
            new_totp: None,
            second: None,
            nudge: None,
            sets_up: false,
            tries: 0,
            ..self.at(Step::Password)
        }
    }

    /// One try fewer; none if there was none left. The login writes this down before it compares.
    #[must_use]
    pub fn tried(&self) -> Option<LoginAttempt> {
        let tries = self.tries + 1;
        (tries <= TRIES).then(|| LoginAttempt { tries, remark: None, ..self.clone() })
    }

    /// Whether the same person is asked for the same thing: what was typed for one question answers no other.
    pub fn asks_the_same_as(&self, other: &LoginAttempt) -> bool {
        let person = |attempt: &LoginAttempt| attempt.first.as_ref().map(|first| first.person.clone());
        let same_code = match (&self.sent, &other.sent) {
            (Some(one), Some(two)) => one.code.is_the_same_as(&two.code),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        person(self) == person(other) && self.known == other.known && same_code
    }

    /// Whether nothing has happened since `before` but that others have tried, and perhaps used the tries up.
    pub fn has_only_been_tried_since(&self, before: &LoginAttempt) -> bool {
        let used_up = self.step == Step::Password && self.remark == Some(Remark::CodeUsedUp);
        used_up || (self.step == before.step && self.asks_the_same_as(before))
    }

    /// How many tries are left.
    pub fn left(&self) -> u8 {
        TRIES.saturating_sub(self.tries)
    }

    /// The same after the last wrong code, with the identifier kept for the form.
    #[must_use]
    pub fn used_up(&self) -> LoginAttempt {
        let known = self.first.as_ref().map(|first| first.fnr.clone());
        LoginAttempt { known, ..self.from_the_password().saying(Remark::CodeUsedUp) }
    }

    /// What comes after the proof, in this order: what makes it whole, what keeps the register true, and agreement, if
    /// the service wants it asked for or something was not yet agreed to.
    #[must_use]
    pub fn proved(&self, authentication: Authentication, due: Due<'_>) -> LoginAttempt {
        let asks = self.request.prompt.consent || !self.request.is_covered_by(due.agreed);
        let step = match due {
            Due { new_password: true, .. } => Step::NewPassword,
            Due { set_up: true, .. } => Step::SetUp(SetUp::Choose),
            Due { contact: Some(Missing::Nothing), .. } => Step::Contact(ContactStep::Confirm),
            Due { contact: Some(missing), .. } => Step::Contact(ContactStep::Add(missing)),
            _ if asks => Step::Consent,
            _ => Step::Finished,
        };
        LoginAttempt { proved: Some(authentication), sent: None, ceremony: None, asked: None, ..self.at(step) }
    }

    /// The end, in this session.
    #[must_use]
    pub fn finished(&self, session: TokenHash) -> LoginAttempt {
        LoginAttempt { session: Some(session), ..self.at(Step::Finished) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Prompt, ResponseMode, ReturnTo};
    use crate::session::Circle;
    use authenticators::person::FnrPolicy;

    const NOW: Timestamp = Timestamp::from_seconds(2_000_000_000);

    fn request(change: impl FnOnce(&mut AuthorizationRequest)) -> AuthorizationRequest {
        let client = crate::client::ClientId::named("a").unwrap();
        let return_to = ReturnTo {
            client,
            redirect_uri: "https://a.test/cb".into(),
            mode: ResponseMode::Query,
            state: None,
            language: None,
        };
        let mut request = AuthorizationRequest {
            return_to,
            scope: vec!["openid".into()],
            nonce: None,
            code_challenge: None,
            acr: vec![Acr::SUBSTANTIAL],
            prompt: Prompt::default(),
            consent: Vec::new(),
            max_age: None,
            subject: None,
            test_id: None,
            circle: Circle::Global,
            resource: Vec::new(),
            authorization_details: Vec::new(),
            dpop_jkt: None,
            onbehalfof: None,
            pushed: None,
        };
        change(&mut request);
        request
    }

    fn authentication(acr: Acr, minutes_ago: u64) -> Authentication {
        let policy = FnrPolicy { real: false, synthetic: true, expanded: false };
        Authentication {
            person: serde_json::from_str("\"p\"").unwrap(),
            known: KnownBy::Number { fnr: Fnr::parse("05895894984", policy).unwrap() },
            acr,
            amr: "Minid-OTC".into(),
            at: NOW.minus(Duration::from_mins(minutes_ago)),
            names: Names::default(),
        }
    }

    fn scope(name: &str) -> ScopeName {
        ScopeName::parse(name).unwrap()
    }

    fn outcome(
        change: impl FnOnce(&mut AuthorizationRequest),
        session: Option<Authentication>,
        offered: &[Eid],
    ) -> Result<String, &'static str> {
        let session = session.map(|proved| Session::of(proved, Circle::Global, "sid".into(), NOW));
        let agreed = [scope("a:old")];
        let known = session.as_ref().map(|session| (session, agreed.as_slice()));
        let decision = decide(&request(change), known, offered, |_| "subject".into(), NOW);
        match decision {
            Ok(Decision::Grant(_)) => Ok("grant".into()),
            Ok(Decision::Ask(step, _)) => Ok(format!("{step:?}")),
            Err(error) => Err(error.code),
        }
    }

    #[test]
    fn what_a_request_gets() {
        let both = [Eid::MinId, Eid::TestId];
        let minid = [Eid::MinId];
        let session = || Some(authentication(Acr::SUBSTANTIAL, 5));
        let check = |name: &str, got: Result<String, &'static str>, expected: Result<&str, &'static str>| {
            assert_eq!(got, expected.map(str::to_owned), "{name}");
        };
        check("nobody, two eIDs", outcome(|_| {}, None, &both), Ok("ChooseEid"));
        check("nobody, one eID", outcome(|_| {}, None, &minid), Ok("Password"));
        check("nobody, TestID alone", outcome(|_| {}, None, &[Eid::TestId]), Ok("TestId"));
        let other = [Eid::Other { id: "bankid".into(), reaches: vec![Acr::HIGH] }];
        check("nobody, another's alone", outcome(|_| {}, None, &other), Ok("ChooseEid"));
        check("nobody, none reaches", outcome(|_| {}, None, &[]), Err("unmet_authentication_requirements"));
        check("nobody, prompt none", outcome(|r| r.prompt.none = true, None, &both), Err("login_required"));
        check("session", outcome(|_| {}, session(), &both), Ok("grant"));
        check("session, prompt none", outcome(|r| r.prompt.none = true, session(), &both), Ok("grant"));
        check("session, prompt login", outcome(|r| r.prompt.login = true, session(), &both), Ok("ChooseEid"));
        check("session, prompt consent", outcome(|r| r.prompt.consent = true, session(), &both), Ok("Consent"));
        check("agreed before", outcome(|r| r.consent = vec![scope("a:old")], session(), &both), Ok("grant"));
        let asks_for_more = |r: &mut AuthorizationRequest| r.consent = vec![scope("a:new"), scope("a:old")];
        check("more than before", outcome(asks_for_more, session(), &both), Ok("Consent"));
        check("nobody, more", outcome(asks_for_more, None, &minid), Ok("Password"));
        let more_without_a_page = |r: &mut AuthorizationRequest| {
            asks_for_more(r);
            r.prompt.none = true;
        };
        check("more, none", outcome(more_without_a_page, session(), &both), Err("consent_required"));
        check("nobody, more, none", outcome(more_without_a_page, None, &both), Err("login_required"));
        check("session, too old", outcome(|r| r.max_age = Some(299), session(), &both), Ok("ChooseEid"));
        check("session, just old enough", outcome(|r| r.max_age = Some(300), session(), &both), Ok("grant"));
        check(
            "session, too old, none",
            outcome(|r| (r.max_age, r.prompt.none) = (Some(1), true), session(), &both),
            Err("login_required"),
        );
        check("step-up", outcome(|r| r.acr = vec![Acr::HIGH], session(), &[Eid::TestId]), Ok("TestId"));
        check(
            "step-up, none reaches",
            outcome(|r| r.acr = vec![Acr::HIGH], session(), &[]),
            Err("unmet_authentication_requirements"),
        );
        check("high session", outcome(|_| {}, Some(authentication(Acr::HIGH, 5)), &both), Ok("grant"));
        check("the right hint", outcome(|r| r.subject = Some("subject".into()), session(), &both), Ok("grant"));
        check("another's hint", outcome(|r| r.subject = Some("x".into()), session(), &both), Ok("ChooseEid"));
        check(
            "another's hint, none",
            outcome(|r| (r.subject, r.prompt.none) = (Some("x".into()), true), session(), &both),
            Err("login_required"),
        );
        let alone = |r: &mut AuthorizationRequest| r.circle = Circle::Alone(r.return_to.client.clone());
        check("isolated", outcome(alone, session(), &both), Ok("ChooseEid"));
        check("a group", outcome(|r| r.circle = Circle::Group("g".into()), session(), &both), Ok("ChooseEid"));
    }

    #[test]
    fn whose_login_becomes_a_surer_one() {
        let check = |name: &str, change: fn(&mut AuthorizationRequest), proved: Authentication, expected: bool| {
            let session = Session::of(proved, Circle::Global, "sid".into(), NOW);
            assert_eq!(steps_up(&request(change), &session).is_some(), expected, "{name}");
        };
        let session = || authentication(Acr::SUBSTANTIAL, 5);
        check("more", |r| r.acr = vec![Acr::HIGH], session(), true);
        check("more, or an address", |r| r.acr = vec![Acr::EMAIL, Acr::HIGH], session(), true);
        check("enough", |_| {}, session(), false);
        check("more than enough", |_| {}, authentication(Acr::HIGH, 5), false);
        check("too old", |r| r.max_age = Some(1), session(), false);
        check("another framework", |r| r.acr = vec![Acr::EIDAS_HIGH], session(), false);
        check("a login of its own", |r| (r.acr, r.prompt.login) = (vec![Acr::HIGH], true), session(), false);
        check("another circle", |r| (r.acr, r.circle) = (vec![Acr::HIGH], Circle::Group("g".into())), session(), false);
        let email = Email::parse("kari@example.no").unwrap();
        let guest = Authentication { known: KnownBy::Email { email }, ..session() };
        check("a guest's", |r| r.acr = vec![Acr::HIGH], guest, false);
    }

    #[test]
    fn an_address_is_enough_where_it_is_asked_for() {
        let both = [Eid::MinId, Eid::Email];
        let check = |name: &str, got: Result<String, &'static str>, expected: Result<&str, &'static str>| {
            assert_eq!(got, expected.map(str::to_owned), "{name}");
        };
        check("nobody", outcome(|r| r.acr = vec![Acr::EMAIL], None, &[Eid::Email]), Ok("Email(Address)"));
        let by_email = || Some(authentication(Acr::EMAIL, 5));
        check("e-mail is less", outcome(|_| {}, by_email(), &both), Ok("ChooseEid"));
        let session = || Some(authentication(Acr::SUBSTANTIAL, 5));
        let none = |r: &mut AuthorizationRequest| r.prompt.none = true;
        check("e-mail is less, none", outcome(none, by_email(), &both), Err("login_required"));
        let takes_email = |r: &mut AuthorizationRequest| r.acr = vec![Acr::EMAIL, Acr::SUBSTANTIAL];
        check("e-mail is enough", outcome(takes_email, by_email(), &both), Ok("grant"));
        check("more than e-mail", outcome(takes_email, session(), &both), Ok("grant"));
        let only_email = |r: &mut AuthorizationRequest| r.acr = vec![Acr::EMAIL];
        check("e-mail alone", outcome(only_email, session(), &[Eid::Email]), Ok("Email(Address)"));
    }

    #[test]
    fn what_was_written_down_before_there_were_guests_is_read() {
        let old = r#"{"person":"p","fnr":"05895894984","acr":"idporten-loa-high","amr":"BankID","at":5,"names":{}}"#;
        let read: Authentication = serde_json::from_str(old).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
        assert!(!read.is_guest() && read.email().is_none() && read.abroad().is_none());
        let email = Email::parse("kari@example.no").unwrap();
        let guest = Authentication { known: KnownBy::Email { email: email.clone() }, ..read };
        let again: Authentication = serde_json::from_str(&serde_json::to_string(&guest).unwrap()).unwrap();
        assert_eq!(again, guest);
        assert!(again.is_guest() && again.fnr().is_none() && again.email() == Some(&email));
    }
}
