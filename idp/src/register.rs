//! The contact register as services see it: what is told of a person, in the words of Digdir's API (KRR), and to whom.

use authenticators::clock::Timestamp;
use authenticators::contact::{self, Contact, Email, Held, Phone};
use authenticators::person::{Fnr, FnrPolicy, Person};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::Serialize;
use sqlx::AnyConnection;

use crate::access_token::AccessToken;
use crate::app::App;
use crate::error::OAuthError;

/// Of how many people one request may ask (Digdir, Oppslagstjenesten REST).
pub const AT_MOST: usize = 1000;
/// How many people one page of the feed holds (Digdir, `HentEndringerRespons`).
const PAGE: i64 = 1000;
/// For how many people a connection is held.
const TOGETHER: usize = 50;

/// The scopes of machines: for how people are reached, and for their postboxes (Digdir, Oppslagstjenesten REST).
pub const OF_MACHINES: [&str; 2] = ["krr:global/kontaktinformasjon.read", "krr:global/digitalpost.read"];
/// The same of citizens, for themselves (Digdir, Oppslag ved innlogget bruker).
pub const OF_CITIZENS: [&str; 2] = ["krr:user/kontaktinformasjon.read", "krr:user/digitalpost.read"];
/// The scope of a machine that keeps a copy (Digdir, Lokal kopi).
pub const CHANGES: &str = "krr:global/hentendring.read";
/// The scope with which a citizen's language is changed (Digdir, Oppslag ved innlogget bruker).
pub const LANGUAGE: &str = "krr:user/spraak.write";

/// The scope of a supplier of digital postboxes, who tells of its own.
pub const POSTBOXES: &str = "krr:global/postkasse.write";

/// A body of JSON, or what is wrong with it.
pub type Sent<T> = Result<Json<T>, JsonRejection>;

/// What a body says. Whoever sends another is told what belongs there, and not what stood there.
pub fn read<T>(body: Sent<T>, expected: &str) -> Result<T, OAuthError> {
    let Json(said) = body.map_err(|rejection| {
        let status = rejection.status();
        let mut error = OAuthError::invalid_request(match status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "Content-Type must be application/json.".to_owned(),
            StatusCode::PAYLOAD_TOO_LARGE => "The body is too long.".to_owned(),
            _ => format!("The body must be JSON: {expected}."),
        });
        // JSON that says something else is a bad request like what is no JSON.
        if status != StatusCode::UNPROCESSABLE_ENTITY {
            error.status = status;
        }
        error
    })?;
    Ok(said)
}

/// What a token shows of an entry, besides the reservation and the status that each shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// How the person is reached, whether they can be notified, and their language.
    pub contact: bool,
    /// The digital postbox, and what its post is encrypted for.
    pub postbox: bool,
}

impl View {
    /// What a token shows, by the scope for how people are reached and the one for their postboxes.
    pub fn of(token: &AccessToken, scopes: [&str; 2]) -> View {
        let [contact, postbox] = scopes.map(|scope| token.has(scope));
        View { contact, postbox }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum YesNo {
    Ja,
    Nei,
}

impl From<bool> for YesNo {
    fn from(is: bool) -> YesNo {
        if is { YesNo::Ja } else { YesNo::Nei }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Aktiv,
    Slettet,
    IkkeRegistrert,
}

impl Status {
    fn of(contact: &Contact) -> Status {
        // A row that was never in the feed says no more than that the page in the login was passed over.
        let was_told = contact.feed_number > 0 || !contact.channels().is_empty();
        match (contact.deleted_at, was_told) {
            (Some(_), _) => Status::Slettet,
            (None, true) => Status::Aktiv,
            (None, false) => Status::IkkeRegistrert,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Notification {
    KanVarsles,
    KanIkkeVarsles,
}

impl Notification {
    fn of(contact: &Contact, now: Timestamp) -> Notification {
        if contact.can_be_notified(now) { Notification::KanVarsles } else { Notification::KanIkkeVarsles }
    }
}

/// What is told of a person (Digdir, Attributter i KRR). Services know the fields by these names.
#[derive(Serialize)]
pub struct Entry {
    personidentifikator: String,
    reservasjon: YesNo,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservasjonstidspunkt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservasjon_oppdatert: Option<String>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    varslingsstatus: Option<Notification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kontaktinformasjon: Option<Channels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digital_post: Option<Postbox>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sertifikat: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spraak: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spraak_oppdatert: Option<String>,
}

/// How a person is reached. What is too old to notify of a decision is told as well, with its age: other messages may
/// still go there (eForvaltningsforskriften 32; Digdir, 18-månedersregel).
#[derive(Serialize)]
struct Channels {
    #[serde(skip_serializing_if = "Option::is_none")]
    epostadresse: Option<Email>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epostadresse_oppdatert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epostadresse_sist_verifisert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epostadresse_sist_validert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epostadresse_duplisert: Option<YesNo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobiltelefonnummer: Option<Phone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobiltelefonnummer_oppdatert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobiltelefonnummer_sist_verifisert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobiltelefonnummer_sist_validert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobiltelefonnummer_duplisert: Option<YesNo>,
}

#[derive(Serialize)]
struct Postbox {
    postkasseadresse: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    postkasseleverandoeradresse: Option<String>,
}

impl Entry {
    /// What is told under an identifier; `held` is nothing where the register knows nobody by it.
    pub fn of(identifier: &str, held: Option<&Held>, view: View, now: Timestamp) -> Entry {
        let nothing = Held::default();
        let held = held.unwrap_or(&nothing);
        let (contact, status) = (&held.contact, Status::of(&held.contact));
        let active = Some(held).filter(|_| status == Status::Aktiv);
        let (reached, written) = (active.filter(|_| view.contact), active.filter(|_| view.postbox));
        Entry {
            personidentifikator: identifier.to_owned(),
            reservasjon: contact.reserved_at.is_some().into(),
            reservasjonstidspunkt: contact.reserved_at.map(moment),
            reservasjon_oppdatert: contact.reservation_changed_at.map(moment),
            status,
            varslingsstatus: view.contact.then(|| Notification::of(contact, now)),
            kontaktinformasjon: reached.and_then(Channels::of),
            digital_post: written.and_then(|held| Postbox::of(&held.contact)),
            sertifikat: written.and_then(|held| held.contact.postbox_certificate.clone()),
            spraak: reached.and_then(|held| held.contact.language.clone()),
            spraak_oppdatert: reached.and_then(|held| held.contact.language_changed_at).map(moment),
        }
    }
}

impl Channels {
    fn of(held: &Held) -> Option<Channels> {
        let contact = &held.contact;
        if contact.channels().is_empty() {
            return None;
        }
        let email = |at: Option<Timestamp>| contact.email.as_ref().and(at).map(moment);
        let mobile = |at: Option<Timestamp>| contact.mobile.as_ref().and(at).map(moment);
        Some(Channels {
            epostadresse: contact.email.clone(),
            epostadresse_oppdatert: email(contact.email_changed_at),
            epostadresse_sist_verifisert: email(contact.email_confirmed_at),
            epostadresse_sist_validert: email(contact.email_proved_at),
            epostadresse_duplisert: contact.email.as_ref().map(|_| (held.email_shared > 0).into()),
            mobiltelefonnummer: contact.mobile.clone(),
            mobiltelefonnummer_oppdatert: mobile(contact.mobile_changed_at),
            mobiltelefonnummer_sist_verifisert: mobile(contact.mobile_confirmed_at),
            mobiltelefonnummer_sist_validert: mobile(contact.mobile_proved_at),
            mobiltelefonnummer_duplisert: contact.mobile.as_ref().map(|_| (held.mobile_shared > 0).into()),
        })
    }
}

impl Postbox {
    fn of(contact: &Contact) -> Option<Postbox> {
        let postkasseadresse = contact.postbox.clone()?;
        Some(Postbox { postkasseadresse, postkasseleverandoeradresse: contact.postbox_provider.clone() })
    }
}

/// A moment as RFC 3339 writes it.
fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.seconds()).unwrap_or_default().to_string()
}

/// What is told of several people (Digdir, `HentPersonerRespons`).
#[derive(Serialize)]
pub struct People {
    personer: Vec<Entry>,
}

/// What the register tells under each of these identifiers, in their order. One that is nobody's, or no identifier at
/// all, is told as one that is not registered.
pub async fn look_up(app: &App, identifiers: &[String], view: View, now: Timestamp) -> sqlx::Result<People> {
    let mut personer = Vec::with_capacity(identifiers.len());
    // Neither a connection for each question, nor one for so long that everybody else waits.
    for some in identifiers.chunks(TOGETHER) {
        let mut connection = app.world.db.pool().acquire().await?;
        for identifier in some {
            let held = find(&mut connection, identifier, app.config.people).await?;
            personer.push(Entry::of(identifier, held.as_ref(), view, now));
        }
    }
    Ok(People { personer })
}

/// What the register tells under one identifier.
pub async fn entry(app: &App, identifier: &str, view: View, now: Timestamp) -> sqlx::Result<Entry> {
    let mut connection = app.world.db.pool().acquire().await?;
    let held = find(&mut connection, identifier, app.config.people).await?;
    Ok(Entry::of(identifier, held.as_ref(), view, now))
}

/// The row of whoever has this identifier, or had it.
async fn find(connection: &mut AnyConnection, identifier: &str, people: FnrPolicy) -> sqlx::Result<Option<Held>> {
    let Ok(fnr) = Fnr::parse(identifier, people) else { return Ok(None) };
    let Some(person) = Person::by_fnr(&mut *connection, &fnr).await? else { return Ok(None) };
    Held::of(connection, &person.id).await
}

/// A page of the feed: whoever has changed since a place, the oldest change first, and as they are now. The next page
/// begins after `tilEndringsId`, until that is `sisteEndringsId` (Digdir, `HentEndringerRespons`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    list: Vec<Entry>,
    fra_endrings_id: i64,
    til_endrings_id: i64,
    siste_endrings_id: i64,
}

/// The page after a place.
pub async fn changes(app: &App, after: i64, view: View, now: Timestamp) -> sqlx::Result<Changes> {
    let pool = app.world.db.pool();
    let changes = contact::changes(pool, after, PAGE).await?;
    // After the page, so that it is not behind it.
    let newest = contact::newest_change(pool).await?;
    let mut list = Vec::with_capacity(changes.len());
    for some in changes.chunks(TOGETHER) {
        let mut connection = pool.acquire().await?;
        for change in some {
            let Some(person) = Person::by_id(&mut *connection, &change.person).await? else { continue };
            let held = Held::of(&mut *connection, &person.id).await?;
            list.push(Entry::of(person.fnr.as_str(), held.as_ref(), view, now));
        }
    }
    let until = changes.last().map_or(after, |change| change.feed_number);
    Ok(Changes { list, fra_endrings_id: after, til_endrings_id: until, siste_endrings_id: newest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
    const ALL: View = View { contact: true, postbox: true };

    fn told(contact: Contact, view: View) -> Value {
        let held = Held { contact, ..Held::default() };
        serde_json::to_value(Entry::of("x", Some(&held), view, NOW)).unwrap()
    }

    #[test]
    fn who_is_in_the_register() {
        let status = |contact: Contact| told(contact, ALL)["status"].clone();
        assert_eq!(status(Contact::default()), "IKKE_REGISTRERT");
        assert_eq!(status(Contact { asked_at: Some(NOW), ..Contact::default() }), "IKKE_REGISTRERT");
        assert_eq!(status(Contact { reserved_at: Some(NOW), feed_number: 1, ..Contact::default() }), "AKTIV");
        assert_eq!(status(Contact { email: Email::parse("kari@example.no"), ..Contact::default() }), "AKTIV");
        assert_eq!(status(Contact { deleted_at: Some(NOW), feed_number: 2, ..Contact::default() }), "SLETTET");
    }

    #[test]
    fn nothing_is_told_of_a_channel_that_is_not_there() {
        let contact = Contact {
            mobile: Phone::parse("99999999"),
            mobile_changed_at: Some(NOW),
            email_changed_at: Some(NOW),
            feed_number: 3,
            ..Contact::default()
        };
        let expected = json!({
            "mobiltelefonnummer": "+4799999999", "mobiltelefonnummer_oppdatert": "2023-11-14T22:13:20Z",
            "mobiltelefonnummer_duplisert": "NEI",
        });
        assert_eq!(told(contact, ALL)["kontaktinformasjon"], expected);
    }

    #[test]
    fn what_was_there_before_is_not_told_of_the_deleted() {
        let contact = Contact {
            language: Some("nn".into()),
            postbox: Some("kari.nordmann#9YDT".into()),
            reserved_at: Some(NOW),
            deleted_at: Some(NOW),
            feed_number: 4,
            ..Contact::default()
        };
        let expected = json!({
            "personidentifikator": "x", "reservasjon": "JA", "reservasjonstidspunkt": "2023-11-14T22:13:20Z",
            "status": "SLETTET", "varslingsstatus": "KAN_IKKE_VARSLES",
        });
        assert_eq!(told(contact, ALL), expected);
    }
}
