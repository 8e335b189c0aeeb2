//! Guests: people of whom no Norwegian identifier is known. What they have proved is all that they are here, an e-mail
//! address or the identifier of another country's eID, and it makes nobody of those who have a number.
//!
//! A guest's id is a keyed hash of what they have proved. Whoever proves it again is the same guest, also after they were
//! forgotten; and the table of people does not tell whose address it was. A grant that a service refreshes does, while
//! it lasts.

use std::time::Duration;

use migrations::Db;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::contact::Email;
use crate::person::{Person, PersonId};
use crate::vault::Vault;

/// A guest who has not come for so long is forgotten.
const KEPT_FOR: Duration = Duration::from_hours(2 * 365 * 24);

/// The uniqueness identifier of another country's eID, as it is given to Norway: `SE/NO/yyyy` (eIDAS SAML Attribute
/// Profile 1.2, 2.2.3).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EidasId(String);

impl EidasId {
    /// Reads one, letter for letter: what differs in one of them is somebody else.
    pub fn parse(text: &str) -> Option<EidasId> {
        let mut parts = text.splitn(3, '/');
        let (from, to, own) = (parts.next()?, parts.next()?, parts.next()?);
        let is_country = from.len() == 2 && from.bytes().all(|b| b.is_ascii_uppercase());
        let is_abroad = is_country && from != "NO" && to == "NO";
        let is_own = (1..=200).contains(&own.len()) && own.bytes().all(|b| b.is_ascii_graphic());
        (is_abroad && is_own).then(|| EidasId(text.to_owned()))
    }

    /// The country whose eID it is.
    pub fn country(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// In full.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for EidasId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EidasId({}/…)", self.country())
    }
}

/// A guest.
#[derive(Debug, Clone)]
pub struct Guest(PersonId);

impl Guest {
    /// Whoever reads what is sent to an address. Large letters make no difference.
    pub fn by_email(vault: &Vault, email: &Email) -> Guest {
        Guest(PersonId::of_guest(vault, "guest by e-mail", email.in_small_letters().as_str()))
    }

    /// Whoever has an eID of another country.
    pub fn from_abroad(vault: &Vault, id: &EidasId) -> Guest {
        Guest(PersonId::of_guest(vault, "guest from abroad", id.as_str()))
    }

    /// Their id.
    pub fn id(&self) -> &PersonId {
        &self.0
    }

    /// Notes that they have come.
    pub async fn welcome(&self, db: &Db, now: Timestamp) -> sqlx::Result<()> {
        Person::ensure_guest(db, &self.0, now).await
    }
}

/// Forgets some who have not come for long; true if there may be more.
pub async fn clean(db: &Db, now: Timestamp) -> sqlx::Result<bool> {
    Person::forget_guests(db, now.minus(KEPT_FOR)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    #[test]
    fn what_an_identifier_looks_like() {
        for good in ["SE/NO/199001011234", "DE/NO/a+b/c=", "EL/NO/0"] {
            assert_eq!(EidasId::parse(good).unwrap().as_str(), good);
        }
        let long = format!("SE/NO/{}", "1".repeat(201));
        for bad in [
            "",
            "SE",
            "SE/NO",
            "SE/NO/",
            "se/NO/1",
            "SE/no/1",
            "SE/SE/1",
            "NO/NO/1",
            "SWE/NO/1",
            "S1/NO/1",
            " SE/NO/1",
            "SE/NO/1 2",
            "SE/NO/1\n",
            "SE/NO/å",
            "05895894984",
            &long,
        ] {
            assert_eq!(EidasId::parse(bad), None, "{bad:?}");
        }
        let id = EidasId::parse("SE/NO/199001011234").unwrap();
        assert_eq!((id.country(), format!("{id:?}").as_str()), ("SE", "EidasId(SE/…)"));
    }

    #[test]
    fn one_address_is_one_guest() {
        let vault = || Vault::parse(&Vault::fresh_master(&Chance::System).unwrap()).unwrap();
        let (own, other) = (vault(), vault());
        let id = |vault: &Vault, email: &str| Guest::by_email(vault, &Email::parse(email).unwrap()).id().clone();
        assert_eq!(id(&own, "Kari@Example.no"), id(&own, "kari@example.no"));
        assert_ne!(id(&own, "kari@example.no"), id(&own, "kari+1@example.no"));
        assert_ne!(id(&own, "kari@example.no"), id(&other, "kari@example.no"));
        let abroad = |text: &str| Guest::from_abroad(&own, &EidasId::parse(text).unwrap()).id().clone();
        assert_ne!(abroad("SE/NO/1"), abroad("DE/NO/1"));
        assert_ne!(abroad("SE/NO/a"), abroad("SE/NO/A"));
    }
}
