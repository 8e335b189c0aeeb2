//! Recovery codes: look-up secrets for whoever has lost their telephone (NIST SP 800-63B 3.1.2; table `recovery_code`).

use migrations::Tx;
use sqlx::AnyExecutor;

use crate::chance::{Chance, TokenHash};
use crate::clock::Timestamp;
use crate::person::{Person, PersonId};
use crate::throttle::Reservation;
use crate::vault::Vault;

/// How many are made at once.
pub const COUNT: usize = 10;
/// Letters that cannot be taken for one another, small or large.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";
/// Ten of 31 letters: 49 bits.
const LENGTH: usize = 10;

/// A code as it is shown: `abcde-fghjk`.
fn fresh(chance: &Chance) -> anyhow::Result<String> {
    let mut code = String::with_capacity(LENGTH + 1);
    while code.len() < LENGTH + 1 {
        if code.len() == LENGTH / 2 {
            code.push('-');
        }
        let [byte] = chance.bytes::<1>()?;
        match LETTERS.get(usize::from(byte & 31)) {
            Some(b'-') | None => {}
            Some(letter) => code.push(char::from(*letter)),
        }
    }
    Ok(code)
}

/// What somebody typed, without what does not count.
pub fn read(typed: &str) -> Option<String> {
    let bare: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').take(40).collect();
    let bare = bare.to_ascii_lowercase();
    let fits = bare.len() == LENGTH && bare.bytes().all(|b| LETTERS.contains(&b));
    fits.then_some(bare)
}

fn hash(vault: &Vault, person: &PersonId, bare: &str) -> TokenHash {
    vault.hash(&format!("recovery code of {}", person.as_str()), bare)
}

/// Makes a new set in the place of the old one. They are shown once.
pub async fn renew(
    tx: &mut Tx,
    keys: (&Vault, &Chance),
    person: &PersonId,
    now: Timestamp,
) -> anyhow::Result<Vec<String>> {
    const ADD: &str = "INSERT INTO recovery_code (person, hash, created_at) VALUES ($1, $2, $3)";
    let (vault, chance) = keys;
    // Of two lists at once the second ends the first.
    Person::hold(tx, person).await?;
    remove(tx, person).await?;
    let codes = (0..COUNT).map(|_| fresh(chance)).collect::<anyhow::Result<Vec<_>>>()?;
    for code in &codes {
        let bare = code.replace('-', "");
        let query = sqlx::query(ADD).bind(person.as_str()).bind(hash(vault, person, &bare)).bind(now.seconds());
        query.execute(&mut **tx).await?;
    }
    Ok(codes)
}

/// None of them is good any more.
pub async fn remove(tx: &mut Tx, person: &PersonId) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM recovery_code WHERE person = $1";
    sqlx::query(SQL).bind(person.as_str()).execute(&mut **tx).await.map(|_| ())
}

/// How many are left, and when they were made.
pub async fn left(db: impl AnyExecutor<'_>, person: &PersonId) -> sqlx::Result<(i64, Option<Timestamp>)> {
    const SQL: &str = "SELECT COUNT(*), MAX(created_at) FROM recovery_code WHERE person = $1 AND used_at IS NULL";
    sqlx::query_as(SQL).bind(person.as_str()).fetch_one(db).await
}

/// Whether it is one of the person's, and not yet used. Of many who come with it one gets in.
pub async fn is_right(
    db: impl AnyExecutor<'_>,
    vault: &Vault,
    _: &Reservation,
    (person, bare): (&PersonId, &str),
    now: Timestamp,
) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE recovery_code SET used_at = $3 WHERE person = $1 AND hash = $2 AND used_at IS NULL";
    let query = sqlx::query(SQL).bind(person.as_str()).bind(hash(vault, person, bare)).bind(now.seconds());
    Ok(query.execute(db).await?.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_they_are_typed() {
        let code = fresh(&Chance::System).unwrap();
        assert_eq!(code.len(), 11);
        let bare = code.replace('-', "");
        for typed in [code.clone(), bare.clone(), code.to_uppercase(), format!(" {} {} ", &bare[..5], &bare[5..])] {
            assert_eq!(read(&typed).as_deref(), Some(bare.as_str()), "{typed}");
        }
        for wrong in ["", "abcde", "abcde-fghj1", "abcde-fghjl", "abcde-fghjkm", "åbcde-fghjk"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
