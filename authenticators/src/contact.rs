//! The contact register: how a person is reached.

use migrations::Db;
use serde::{Deserialize, Serialize};
use sqlx::AnyExecutor;

use crate::clock::Timestamp;
use crate::person::PersonId;

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

/// The person's mobile number, if one is registered.
pub async fn mobile(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Option<Phone>> {
    const SQL: &str = "SELECT mobile FROM contact WHERE person = $1 AND mobile IS NOT NULL";
    let row: Option<(Phone,)> = sqlx::query_as(SQL).bind(person.as_str()).fetch_optional(db).await?;
    Ok(row.map(|(phone,)| phone))
}

/// Registers or changes the person's mobile number.
pub async fn set_mobile(db: &Db, person: &PersonId, mobile: &Phone, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO contact (person, mobile, mobile_changed_at) VALUES ($1, $2, $3)
                       ON CONFLICT (person) DO UPDATE SET mobile = excluded.mobile,
                           mobile_changed_at = excluded.mobile_changed_at";
    let query = sqlx::query(SQL).bind(person.as_str()).bind(mobile.as_str()).bind(now.seconds());
    query.execute(db.pool()).await.map(|_| ())
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
    }
}
