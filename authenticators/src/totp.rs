//! Time-based one-time codes (RFC 6238): something the person has, an app that holds a secret (table `totp`).

use anyhow::{Context, anyhow};
use migrations::Tx;
use serde::{Deserialize, Serialize};
use sqlx::AnyExecutor;
use totp_rs::{Builder, Secret};
use zeroize::Zeroizing;

use crate::chance::Chance;
use crate::clock::Timestamp;
use crate::factor::FactorId;
use crate::person::PersonId;
use crate::throttle::Reservation;
use crate::vault::Vault;

/// Digits of a code. All else is as every app takes it: SHA-1, 30 seconds, one step early or late.
pub const LENGTH: usize = 6;
/// How many a person may have.
pub const AT_MOST: usize = 10;
/// RFC 4226 4: 160 bits.
const SECRET: usize = 20;

/// An app that is registered.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredTotp {
    /// Its id.
    pub id: FactorId,
    /// What the person calls it.
    pub name: String,
    sealed: String,
    last_step: i64,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last let the person in.
    pub last_used_at: Option<Timestamp>,
}

/// A secret on its way into an app. It is worth nothing until a code of it has come back.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewTotp(String);

impl std::fmt::Debug for NewTotp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewTotp(…)")
    }
}

impl NewTotp {
    /// A fresh one.
    pub fn fresh(chance: &Chance) -> anyhow::Result<NewTotp> {
        let bytes: [u8; SECRET] = chance.bytes()?;
        Ok(NewTotp(Secret::new(bytes.into()).to_base32()))
    }

    /// In base32, in groups of four, for whoever types it.
    pub fn typed(&self) -> String {
        let letters: Vec<char> = self.0.chars().collect();
        letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    }

    /// The address that apps read from a QR code.
    pub fn url(&self, account: &str) -> anyhow::Result<String> {
        let totp = Builder::new().with_secret(secret(&self.0)?).with_issuer(Some("MinID")).with_account_name(account);
        let url = totp.build().and_then(|totp| totp.to_url());
        url.map_err(|error| anyhow!("TOTP: {error}"))
    }

    /// The step of a code that this secret makes.
    pub fn step(&self, code: &str, now: Timestamp) -> anyhow::Result<Option<i64>> {
        step(&self.0, code, now)
    }
}

fn secret(base32: &str) -> anyhow::Result<Secret> {
    Secret::try_from_base32(base32).ok().context("a TOTP secret is not base32")
}

fn step(base32: &str, code: &str, now: Timestamp) -> anyhow::Result<Option<i64>> {
    let totp = Builder::new().with_secret(secret(base32)?).build().map_err(|error| anyhow!("TOTP: {error}"))?;
    let found = totp.check(code, u64::try_from(now.seconds()).unwrap_or(0));
    Ok(found.and_then(|step| i64::try_from(step).ok()))
}

fn place(id: &FactorId) -> String {
    format!("totp/{}", id.as_str())
}

/// All of a person, the oldest first.
pub async fn all(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<Vec<StoredTotp>> {
    const SQL: &str = "SELECT id, name, sealed, last_step, created_at, last_used_at FROM totp
                       WHERE person = $1 AND removed_at IS NULL ORDER BY created_at, id";
    sqlx::query_as(SQL).bind(person.as_str()).fetch_all(db).await
}

/// Keeps a new one, whose first code was of this step.
pub async fn add(
    tx: &mut Tx,
    keys: (&Vault, &Chance),
    person: &PersonId,
    new: (&NewTotp, &str, i64),
    now: Timestamp,
) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO totp (id, person, name, sealed, last_step, created_at)
                       VALUES ($1, $2, $3, $4, $5, $6)";
    let ((vault, chance), (totp, name, step)) = (keys, new);
    let id = FactorId::fresh(chance)?;
    let sealed = vault.seal(chance, &place(&id), totp.0.as_bytes())?;
    let query = sqlx::query(SQL).bind(id.as_str()).bind(person.as_str()).bind(name).bind(sealed).bind(step);
    query.bind(now.seconds()).execute(&mut **tx).await?;
    Ok(())
}

/// Whether a code is one of these apps', and of a step that has not been used there. Of many who come with it one gets
/// in (RFC 6238 5.2).
pub async fn is_right(
    db: impl AnyExecutor<'_> + Copy,
    vault: &Vault,
    _: &Reservation,
    (apps, code): (&[StoredTotp], &str),
    now: Timestamp,
) -> anyhow::Result<bool> {
    const SQL: &str = "UPDATE totp SET last_step = $2, last_used_at = $3
                       WHERE id = $1 AND removed_at IS NULL AND last_step < $2";
    // All of them, so that it takes as long whichever it is.
    let mut found = None;
    for app in apps {
        let secret = Zeroizing::new(String::from_utf8(vault.open(&place(&app.id), &app.sealed)?)?);
        if let Some(step) = step(&secret, code, now)?.filter(|step| *step > app.last_step) {
            found = Some((app, step));
        }
    }
    let Some((app, step)) = found else { return Ok(false) };
    let query = sqlx::query(SQL).bind(app.id.as_str()).bind(step).bind(now.seconds());
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Nothing is left of any, not of those that were removed either.
pub async fn erase(tx: &mut Tx, person: &PersonId) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM totp WHERE person = $1";
    sqlx::query(SQL).bind(person.as_str()).execute(&mut **tx).await.map(|_| ())
}

/// Another name.
pub async fn rename(tx: &mut Tx, person: &PersonId, id: &str, name: &str) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE totp SET name = $3 WHERE id = $1 AND person = $2 AND removed_at IS NULL";
    Ok(sqlx::query(SQL).bind(id).bind(person.as_str()).bind(name).execute(&mut **tx).await?.rows_affected() == 1)
}

/// Its codes open nothing any more, and its secret is gone.
pub async fn remove(tx: &mut Tx, person: &PersonId, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    const SQL: &str =
        "UPDATE totp SET removed_at = $3, sealed = '' WHERE id = $1 AND person = $2 AND removed_at IS NULL";
    let query = sqlx::query(SQL).bind(id).bind(person.as_str()).bind(now.seconds());
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_rfc_6238() {
        // Appendix B, its last six digits: secret 12345678901234567890 in base32.
        let totp = NewTotp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into());
        for (at, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(totp.step(code, Timestamp::from_seconds(at)).unwrap(), Some(at / 30));
        }
        // One step early and late, and no further.
        for (late, seen) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let found = totp.step("081804", Timestamp::from_seconds(1_111_111_109 + late)).unwrap();
            assert_eq!(found, seen.then_some(1_111_111_109 / 30), "{late}");
        }
        for other in ["", "28708", "2870822", "28708a", "287083"] {
            assert_eq!(totp.step(other, Timestamp::from_seconds(59)).unwrap(), None, "{other}");
        }
        assert_eq!(totp.typed(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let url = totp.url("Rolig Elv").unwrap();
        assert!(url.starts_with("otpauth://totp/MinID:Rolig%20Elv?") && url.contains("secret=GEZDGNBV"), "{url}");
        assert_eq!(NewTotp::fresh(&Chance::System).unwrap().0.len(), 32);
    }
}
