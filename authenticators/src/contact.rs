//! The contact register: how a person is reached, since when, and how sure that is (table `contact`).

use std::time::Duration;

use jiff::ToSpan;
use migrations::Tx;
use serde::{Deserialize, Serialize};
use sqlx::AnyExecutor;

use crate::clock::Timestamp;
use crate::person::PersonId;

/// The page in the login comes when nothing has been said for so long (domain: `tipDaysUser`).
const ASK_AGAIN: Duration = Duration::from_hours(90 * 24);

/// A mobile number in international form (E.164), such as `+4799999999`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Phone(String);

impl Phone {
    /// Reads what people type: spaces, `0047`, or eight digits for a Norwegian number.
    pub fn parse(typed: &str) -> Option<Phone> {
        let bare: String = typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '(' | ')')).collect();
        let international = match bare.strip_prefix("00") {
            Some(rest) => format!("+{rest}"),
            None if bare.len() == 8 && bare.starts_with(['4', '9']) => format!("+47{bare}"),
            None => bare,
        };
        let digits = international.strip_prefix('+')?;
        let fits = (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        // A Norwegian mobile number has eight digits and begins with 4 or 9.
        let norwegian = digits.strip_prefix("47").is_none_or(|n| n.len() == 8 && n.starts_with(['4', '9']));
        (fits && norwegian && !digits.starts_with('0')).then_some(Phone(international))
    }

    /// In full, for the gateway.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In full, for its owner to read: the country, and groups that stay in one piece at the end of a line.
    pub fn grouped(&self) -> String {
        let (country, number) = match self.0.strip_prefix("+47") {
            Some(number) => ("+47\u{a0}", number),
            None => ("", self.0.as_str()),
        };
        let parts = [number.get(..3), number.get(3..5), number.get(5..)];
        let groups: Vec<&str> = match (country.is_empty(), parts) {
            (false, [Some(a), Some(b), Some(c)]) => vec![a, b, c],
            _ => vec![number],
        };
        format!("{country}{}", groups.join("\u{a0}"))
    }

    /// The last three digits: enough for the owner to know which telephone it is.
    pub fn masked(&self) -> String {
        let end: String = self.0.chars().skip(self.0.chars().count().saturating_sub(3)).collect();
        format!("••• •• {end}")
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phone(…)")
    }
}

/// An e-mail address.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Email(String);

impl Email {
    /// Reads what people type (RFC 5321 4.1.2, without comments and literals). The host is written small, as it makes
    /// no difference.
    pub fn parse(typed: &str) -> Option<Email> {
        let typed = typed.trim();
        let (user, host) = typed.rsplit_once('@')?;
        let email = format!("{user}@{}", host.to_ascii_lowercase());
        let fits = email.len() <= 254 && user.len() <= 64 && email.is_ascii() && host.contains('.');
        let odd =
            |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '(' | ')' | '<' | '>' | ',' | ';' | ':');
        let is_one = email.parse::<lettre::Address>().is_ok() && !email.chars().any(odd) && !host.starts_with('[');
        (fits && is_one).then_some(Email(email))
    }

    /// The same for those who count, or who know somebody by it: no mailbox is told apart by large letters.
    #[must_use]
    pub fn in_small_letters(&self) -> Email {
        Email(self.0.to_ascii_lowercase())
    }

    /// In full.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough for the owner to know which it is.
    pub fn masked(&self) -> String {
        let (user, host) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        format!("{}•••@{host}", user.chars().take(1).collect::<String>())
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(…)")
    }
}

/// A way to reach a person, which a code can prove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// By SMS.
    Mobile(Phone),
    /// By e-mail.
    Email(Email),
}

impl Channel {
    /// Enough for the owner to know which it is; it stays in one piece at the end of a line.
    pub fn masked(&self) -> String {
        match self {
            Channel::Mobile(phone) => phone.masked().replace(' ', "\u{a0}"),
            Channel::Email(email) => email.masked(),
        }
    }

    /// In full.
    pub fn as_str(&self) -> &str {
        match self {
            Channel::Mobile(phone) => phone.as_str(),
            Channel::Email(email) => email.as_str(),
        }
    }
}

/// What the register knows of a person.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub struct Contact {
    /// The mobile number.
    pub mobile: Option<Phone>,
    /// When it became this one.
    pub mobile_changed_at: Option<Timestamp>,
    /// When the person last said that it is right.
    pub mobile_confirmed_at: Option<Timestamp>,
    /// When a code that was sent there last came back.
    pub mobile_proved_at: Option<Timestamp>,
    /// The e-mail address.
    pub email: Option<Email>,
    /// When it became this one.
    pub email_changed_at: Option<Timestamp>,
    /// When the person last said that it is right.
    pub email_confirmed_at: Option<Timestamp>,
    /// When a code that was sent there last came back.
    pub email_proved_at: Option<Timestamp>,
    /// The language that the person wants to be written to in.
    pub language: Option<String>,
    /// When they said so.
    pub language_changed_at: Option<Timestamp>,
    /// Since when the person will not be reached digitally (eForvaltningsforskriften 9).
    pub reserved_at: Option<Timestamp>,
    /// When that was last changed.
    pub reservation_changed_at: Option<Timestamp>,
    /// The address of the digital postbox.
    pub postbox: Option<String>,
    /// Who runs it: an organisation number.
    pub postbox_provider: Option<String>,
    /// What its post is encrypted for.
    pub postbox_certificate: Option<String>,
    /// When it was last changed.
    pub postbox_changed_at: Option<Timestamp>,
    /// When the person asked to be forgotten here.
    pub deleted_at: Option<Timestamp>,
    /// When the page in the login was last passed over.
    pub asked_at: Option<Timestamp>,
    /// The place of the last change in the feed.
    pub feed_number: i64,
}

/// What a login asks of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Everything.
    All,
    /// The e-mail address.
    Email,
    /// The mobile number.
    Mobile,
    /// Nothing, but is it still right?
    Nothing,
}

impl Contact {
    /// The register's row of a person; an empty one where there is none.
    pub async fn of(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Contact> {
        const SQL: &str = "SELECT mobile, mobile_changed_at, mobile_confirmed_at, mobile_proved_at, email,
                email_changed_at, email_confirmed_at, email_proved_at, language, language_changed_at, reserved_at,
                reservation_changed_at, postbox, postbox_provider, postbox_certificate, postbox_changed_at, deleted_at,
                asked_at, feed_number
            FROM contact WHERE person = $1";
        Ok(sqlx::query_as(SQL).bind(person.as_str()).fetch_optional(db).await?.unwrap_or_default())
    }

    /// When the person last said anything of this channel.
    pub fn mobile_said_at(&self) -> Option<Timestamp> {
        self.mobile.as_ref().and(self.mobile_changed_at.max(self.mobile_confirmed_at).max(self.mobile_proved_at))
    }

    /// The same of the other.
    pub fn email_said_at(&self) -> Option<Timestamp> {
        self.email.as_ref().and(self.email_changed_at.max(self.email_confirmed_at).max(self.email_proved_at))
    }

    /// What a login asks, if it asks: rules 1 to 6 of the contact page.
    pub fn asks(&self, now: Timestamp) -> Option<Missing> {
        let known = self.mobile_said_at().max(self.email_said_at()).max(self.asked_at);
        let is_due = known.is_none_or(|at| now.since(at) >= ASK_AGAIN);
        is_due.then(|| self.missing())
    }

    /// What is missing.
    pub fn missing(&self) -> Missing {
        match (&self.mobile, &self.email) {
            (None, None) => Missing::All,
            (Some(_), None) => Missing::Email,
            (None, Some(_)) => Missing::Mobile,
            (Some(_), Some(_)) => Missing::Nothing,
        }
    }

    /// Whether decisions may be notified of there: eForvaltningsforskriften 32 gives what was said 18 months.
    pub fn may_notify(&self, said_at: Option<Timestamp>, now: Timestamp) -> bool {
        let Some(said_at) = said_at else { return false };
        let end = jiff::Timestamp::from_second(said_at.seconds()).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
        let end = end.checked_add(18.months()).map_or(0, |end| end.timestamp().as_second());
        self.deleted_at.is_none() && now.seconds() < end
    }

    /// Whether the person can be notified at all.
    pub fn can_be_notified(&self, now: Timestamp) -> bool {
        let reachable = self.may_notify(self.mobile_said_at(), now) || self.may_notify(self.email_said_at(), now);
        self.reserved_at.is_none() && reachable
    }

    /// The channels that there are.
    pub fn channels(&self) -> Vec<Channel> {
        let mobile = self.mobile.clone().map(Channel::Mobile);
        mobile.into_iter().chain(self.email.clone().map(Channel::Email)).collect()
    }
}

/// The person's mobile number, if one is registered.
pub async fn mobile(db: impl AnyExecutor<'_>, person: Option<&PersonId>) -> sqlx::Result<Option<Phone>> {
    const SQL: &str = "SELECT mobile FROM contact WHERE person = $1 AND mobile IS NOT NULL";
    let id = person.map_or("", PersonId::as_str);
    let row: Option<(Phone,)> = sqlx::query_as(SQL).bind(id).fetch_optional(db).await?;
    Ok(row.map(|(phone,)| phone))
}

/// How it is known that a channel is the person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// A code that was sent there came back.
    Proved,
    /// Somebody said so.
    Told,
}

/// Registers or changes a channel. What it was before is nobody's any more.
pub async fn set(tx: &mut Tx, person: &PersonId, to: &Channel, known: Known, now: Timestamp) -> sqlx::Result<()> {
    const MOBILE: &str = "
        UPDATE contact SET deleted_at = NULL, mobile_confirmed_at = $3,
            mobile_proved_at = CASE WHEN $4 IS NOT NULL THEN $4 WHEN mobile = $2 THEN mobile_proved_at ELSE NULL END,
            mobile_changed_at = CASE WHEN mobile = $2 THEN mobile_changed_at ELSE $3 END,
            mobile = $2
        WHERE person = $1";
    const EMAIL: &str = "
        UPDATE contact SET deleted_at = NULL, email_confirmed_at = $3,
            email_proved_at = CASE WHEN $4 IS NOT NULL THEN $4 WHEN email = $2 THEN email_proved_at ELSE NULL END,
            email_changed_at = CASE WHEN email = $2 THEN email_changed_at ELSE $3 END,
            email = $2
        WHERE person = $1";
    let sql = match to {
        Channel::Mobile(_) => MOBILE,
        Channel::Email(_) => EMAIL,
    };
    let proved_at = (known == Known::Proved).then_some(now.seconds());
    touch(tx, person).await?;
    let query = sqlx::query(sql).bind(person.as_str()).bind(to.as_str()).bind(now.seconds()).bind(proved_at);
    query.execute(&mut **tx).await.map(|_| ())
}

/// The person has said that what stands there is right.
pub async fn confirm(tx: &mut Tx, person: &PersonId, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "
        UPDATE contact SET mobile_confirmed_at = CASE WHEN mobile IS NULL THEN NULL ELSE $2 END,
            email_confirmed_at = CASE WHEN email IS NULL THEN NULL ELSE $2 END
        WHERE person = $1";
    touch(tx, person).await?;
    sqlx::query(SQL).bind(person.as_str()).bind(now.seconds()).execute(&mut **tx).await.map(|_| ())
}

/// The e-mail address is no longer theirs. The mobile number can only be changed: codes go there.
pub async fn remove_email(tx: &mut Tx, person: &PersonId, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE contact SET email = NULL, email_changed_at = $2, email_confirmed_at = NULL,
                           email_proved_at = NULL WHERE person = $1";
    touch(tx, person).await?;
    sqlx::query(SQL).bind(person.as_str()).bind(now.seconds()).execute(&mut **tx).await.map(|_| ())
}

/// The language that the person wants to be written to in.
pub async fn set_language(tx: &mut Tx, person: &PersonId, language: &str, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE contact SET language = $2, language_changed_at = $3 WHERE person = $1";
    touch(tx, person).await?;
    let query = sqlx::query(SQL).bind(person.as_str()).bind(language).bind(now.seconds());
    query.execute(&mut **tx).await.map(|_| ())
}

/// The person will not be reached digitally, or will again.
pub async fn reserve(tx: &mut Tx, person: &PersonId, since: Option<Timestamp>, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE contact SET reserved_at = $2, reservation_changed_at = $3 WHERE person = $1";
    touch(tx, person).await?;
    let query = sqlx::query(SQL).bind(person.as_str()).bind(since.map(Timestamp::seconds)).bind(now.seconds());
    query.execute(&mut **tx).await.map(|_| ())
}

/// A digital postbox.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postbox {
    /// Its address: `ola.nordmann#9YDT`.
    pub address: String,
    /// Who runs it: an organisation number.
    pub provider: String,
    /// What its post is encrypted for, in PEM.
    #[serde(default)]
    pub certificate: Option<String>,
}

/// The person has a digital postbox, or none any more.
pub async fn set_postbox(
    tx: &mut Tx,
    person: &PersonId,
    postbox: Option<&Postbox>,
    now: Timestamp,
) -> sqlx::Result<()> {
    // Whoever was deleted comes back with what is registered anew.
    const SQL: &str = "UPDATE contact SET postbox = $2, postbox_provider = $3, postbox_certificate = $4,
                           postbox_changed_at = $5, deleted_at = CASE WHEN $2 IS NULL THEN deleted_at ELSE NULL END
                       WHERE person = $1";
    touch(tx, person).await?;
    let query = sqlx::query(SQL).bind(person.as_str()).bind(postbox.map(|postbox| postbox.address.as_str()));
    let query = query.bind(postbox.map(|postbox| postbox.provider.as_str()));
    let query = query.bind(postbox.and_then(|postbox| postbox.certificate.as_deref()));
    query.bind(now.seconds()).execute(&mut **tx).await.map(|_| ())
}

/// The person is no longer in the register; that they were stays.
pub async fn delete(tx: &mut Tx, person: &PersonId, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "
        UPDATE contact SET deleted_at = $2, mobile = NULL, mobile_changed_at = NULL, mobile_confirmed_at = NULL,
            mobile_proved_at = NULL, email = NULL, email_changed_at = NULL, email_confirmed_at = NULL,
            email_proved_at = NULL, postbox = NULL, postbox_provider = NULL, postbox_certificate = NULL
        WHERE person = $1";
    touch(tx, person).await?;
    sqlx::query(SQL).bind(person.as_str()).bind(now.seconds()).execute(&mut **tx).await.map(|_| ())
}

/// The page in the login was passed over: it comes again, though not tomorrow.
pub async fn note_asked(db: impl AnyExecutor<'_>, person: &PersonId, asked_at: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO contact (person, asked_at) VALUES ($1, $2)
                       ON CONFLICT (person) DO UPDATE SET asked_at = excluded.asked_at";
    sqlx::query(SQL).bind(person.as_str()).bind(asked_at.seconds()).execute(db).await.map(|_| ())
}

/// Makes sure that there is a row, and gives the change its place in the feed: the order in which they are committed,
/// since each holds the head until then.
pub(crate) async fn touch(tx: &mut Tx, person: &PersonId) -> sqlx::Result<()> {
    const NEXT: &str = "UPDATE contact_feed SET number = number + 1 WHERE id = 'head' RETURNING number";
    const PUT: &str = "INSERT INTO contact (person, feed_number) VALUES ($1, $2)
                       ON CONFLICT (person) DO UPDATE SET feed_number = excluded.feed_number";
    let number: i64 = sqlx::query_scalar(NEXT).fetch_one(&mut **tx).await?;
    sqlx::query(PUT).bind(person.as_str()).bind(number).execute(&mut **tx).await.map(|_| ())
}

/// A change in the feed: whose, and its place.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Change {
    /// Whose.
    pub person: PersonId,
    /// Its place.
    pub feed_number: i64,
}

/// The changes after a place, the oldest first. Of many changes of one person the last one stands there.
pub async fn changes(db: impl AnyExecutor<'_>, after: i64, at_most: i64) -> sqlx::Result<Vec<Change>> {
    const SQL: &str = "SELECT person, feed_number FROM contact WHERE feed_number > $1 ORDER BY feed_number LIMIT $2";
    sqlx::query_as(SQL).bind(after).bind(at_most).fetch_all(db).await
}

/// What the register knows of a person, and how many others it knows by the same number or address.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub struct Held {
    /// What it knows.
    #[sqlx(flatten)]
    pub contact: Contact,
    /// How many others have the mobile number.
    pub mobile_shared: i64,
    /// How many others have the e-mail address.
    pub email_shared: i64,
}

impl Held {
    /// The register's row of a person, if there is one.
    pub async fn of(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Option<Held>> {
        const SQL: &str = "SELECT mobile, mobile_changed_at, mobile_confirmed_at, mobile_proved_at, email,
                email_changed_at, email_confirmed_at, email_proved_at, language, language_changed_at, reserved_at,
                reservation_changed_at, postbox, postbox_provider, postbox_certificate, postbox_changed_at, deleted_at,
                asked_at, feed_number,
                (SELECT COUNT(*) FROM contact AS other WHERE other.mobile = contact.mobile AND other.person <> $1)
                    AS mobile_shared,
                (SELECT COUNT(*) FROM contact AS other WHERE other.email = contact.email AND other.person <> $1)
                    AS email_shared
            FROM contact WHERE person = $1";
        sqlx::query_as(SQL).bind(person.as_str()).fetch_optional(db).await
    }
}

/// The place of the newest change in the feed; 0 before the first.
pub async fn newest_change(db: impl AnyExecutor<'_>) -> sqlx::Result<i64> {
    const SQL: &str = "SELECT COALESCE(MAX(feed_number), 0) FROM contact";
    sqlx::query_scalar(SQL).fetch_one(db).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_type_them() {
        let read = |typed: &str| Phone::parse(typed).map(|phone| phone.0);
        for typed in ["99999999", "+4799999999", "0047 999 99 999", "+47 999-99-999", " 999 99 999 "] {
            assert_eq!(read(typed).as_deref(), Some("+4799999999"), "{typed}");
        }
        assert_eq!(read("+46 70 123 45 67").as_deref(), Some("+46701234567"));
        for typed in ["", "12345678", "22334455", "+47123", "+4722334455", "abc", "+00123456789", "99999999a"] {
            assert_eq!(read(typed), None, "{typed}");
        }
        assert_eq!(Phone::parse("99999123").unwrap().masked(), "••• •• 123");
        assert_eq!(Phone::parse("99988123").unwrap().grouped(), "+47\u{a0}999\u{a0}88\u{a0}123");
        assert_eq!(Phone::parse("+46701234567").unwrap().grouped(), "+46701234567");
    }

    #[test]
    fn addresses_as_people_type_them() {
        let read = |typed: &str| Email::parse(typed).map(|email| email.0);
        assert_eq!(read(" Kari.Nordmann+minid@Example.NO ").as_deref(), Some("Kari.Nordmann+minid@example.no"));
        for wrong in [
            "",
            "kari",
            "kari@",
            "@example.no",
            "kari@example",
            "kari@@example.no",
            "ka ri@example.no",
            "kari@example.no\r\nBcc: x@y.no",
            "<kari@example.no>",
            "kari@[127.0.0.1]",
            "a,b@example.no",
            "kåri@example.no",
            "\"kari\"@example.no",
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
        assert_eq!(read(&format!("{}@example.no", "x".repeat(65))), None);
        assert_eq!(Email::parse("kari@example.no").unwrap().masked(), "k•••@example.no");
    }

    #[test]
    fn what_a_login_asks_and_what_may_be_notified() {
        let day = |n: u64| Timestamp::from_seconds(1_700_000_000).plus(Duration::from_hours(24 * n));
        let mobile = Phone::parse("99999999");
        let one = |at| Contact { mobile: mobile.clone(), mobile_changed_at: Some(at), ..Contact::default() };
        assert_eq!(Contact::default().asks(day(0)), Some(Missing::All));
        assert_eq!(Contact { asked_at: Some(day(0)), ..Contact::default() }.asks(day(89)), None);
        assert_eq!(one(day(0)).asks(day(89)), None);
        assert_eq!(one(day(0)).asks(day(90)), Some(Missing::Email));
        assert_eq!(Contact { mobile_confirmed_at: Some(day(50)), ..one(day(0)) }.asks(day(100)), None);
        let email = Email::parse("kari@example.no");
        let both = Contact { email: email.clone(), email_changed_at: Some(day(0)), ..one(day(0)) };
        assert_eq!(both.asks(day(90)), Some(Missing::Nothing));
        assert_eq!(Contact { mobile: None, ..both.clone() }.asks(day(90)), Some(Missing::Mobile));
        // Eighteen months, each channel by itself.
        assert!(both.can_be_notified(day(540)) && !both.can_be_notified(day(550)));
        let later = Contact { email_confirmed_at: Some(day(300)), ..both.clone() };
        assert!(later.can_be_notified(day(550)) && !later.may_notify(later.mobile_said_at(), day(550)));
        assert!(!Contact { reserved_at: Some(day(1)), ..both.clone() }.can_be_notified(day(2)));
        assert!(!Contact { deleted_at: Some(day(1)), ..both }.can_be_notified(day(2)));
        assert!(!Contact::default().can_be_notified(day(0)));
    }
}
