//! People: who they are to the state (`Fnr`), who they are to us (`PersonId`), and the table `person`.

use anyhow::Context;
use jiff::civil::Date;
use migrations::Db;
use serde::{Deserialize, Serialize};
use sqlx::AnyExecutor;

use crate::chance::Chance;
use crate::clock::Timestamp;

text_id! {
    /// Who a person is inside Porten. Opaque and random; services see a pairwise subject made from it.
    PersonId,
}

impl PersonId {
    fn fresh(chance: &Chance) -> anyhow::Result<PersonId> {
        Ok(PersonId(chance.token()?.reveal().chars().take(22).collect()))
    }
}

/// A fødselsnummer or D-number: eleven digits that add up.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Fnr(String);

/// Which person identifiers are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FnrPolicy {
    /// Real people.
    pub real: bool,
    /// Synthetic people (month + 40, + 65 or + 80): test environments alone.
    pub synthetic: bool,
    /// The wider check digits that the Norwegian Tax Administration may hand out from 1 January 2032.
    pub expanded: bool,
}

impl Default for FnrPolicy {
    fn default() -> FnrPolicy {
        FnrPolicy { real: true, synthetic: false, expanded: false }
    }
}

/// What is wrong with an identifier that somebody typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FnrProblem {
    /// Nothing typed.
    Empty,
    /// Not eleven digits.
    Digits,
    /// The date or the check digits do not fit.
    Invalid,
    /// A synthetic number where only real ones are let in.
    Synthetic,
    /// A real number where only synthetic ones are let in.
    Real,
}

impl Fnr {
    /// The only way to get one. Spaces are let through, since people group the digits.
    pub fn parse(typed: &str, policy: FnrPolicy) -> Result<Fnr, FnrProblem> {
        let text: String = typed.chars().filter(|c| !c.is_whitespace()).take(64).collect();
        if text.is_empty() {
            return Err(FnrProblem::Empty);
        }
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
        let Ok(digits) = <[u32; 11]>::try_from(digits) else { return Err(FnrProblem::Digits) };
        if text.len() != 11 {
            return Err(FnrProblem::Digits);
        }
        let reading = Reading::of(digits, policy.expanded).ok_or(FnrProblem::Invalid)?;
        match reading.synthetic {
            true if !policy.synthetic => Err(FnrProblem::Synthetic),
            false if !policy.real => Err(FnrProblem::Real),
            _ => Ok(Fnr(text)),
        }
    }

    /// The eleven digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Fnr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fnr({}*****)", self.0.chars().take(6).collect::<String>())
    }
}

/// What the digits say.
struct Reading {
    synthetic: bool,
}

impl Reading {
    fn of(d: [u32; 11], expanded: bool) -> Option<Reading> {
        let [d1, d2, d3, d4, d5, d6, d7, d8, d9, ..] = d;
        let remainder = |weights: &[u32]| weights.iter().zip(&d).map(|(w, d)| w * d).sum::<u32>() % 11;
        let first = remainder(&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
        let second = remainder(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
        // From 2032 the first check digit may leave 0 to 3; numbers from before stay valid for ever.
        if second != 0 || first > if expanded { 3 } else { 0 } {
            return None;
        }
        // D-number: first digit + 4. What begins with 8 or 9 is a health number (FH) and no identity.
        let day = match d1 {
            0..=3 => d1 * 10 + d2,
            4..=7 => (d1 - 4) * 10 + d2,
            _ => return None,
        };
        let (month, synthetic) = match d3 * 10 + d4 {
            m @ 1..=12 => (m, false),
            m @ 41..=52 => (m - 40, true),
            m @ 66..=77 => (m - 65, true),
            m @ 81..=92 => (m - 80, true),
            _ => return None,
        };
        let (year, individual) = (d5 * 10 + d6, d7 * 100 + d8 * 10 + d9);
        // The individual number names a century until 2031, and nothing after that.
        let has_century =
            matches!((individual, year), (0..=499, _) | (500..=749, 54..) | (500..=999, 0..=39) | (900..=999, 40..));
        if !has_century && !expanded {
            return None;
        }
        // 2000 and 1900 + year agree on leap days but for 1900 itself, in which nobody alive was born.
        let year = i16::try_from(2000 + year).ok()?;
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        Some(Reading { synthetic })
    }
}

/// A person as the table has them.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Person {
    /// Our id.
    pub id: PersonId,
    /// The state's identifier.
    pub fnr: Fnr,
    /// First and middle names; empty when unknown.
    pub given_name: String,
    /// Surname; empty when unknown.
    pub family_name: String,
    /// Locked by the person or by support, in every browser.
    pub locked_at: Option<Timestamp>,
    /// No longer a user.
    pub closed_at: Option<Timestamp>,
}

/// What is told of a new person.
#[derive(Debug, Clone, Default)]
pub struct NewPerson {
    /// First and middle names.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
}

impl Person {
    /// Looks a person up.
    pub async fn by_fnr(db: impl AnyExecutor<'_>, fnr: &Fnr) -> sqlx::Result<Option<Person>> {
        const SQL: &str = "SELECT id, fnr, given_name, family_name, locked_at, closed_at FROM person WHERE fnr = $1";
        sqlx::query_as(SQL).bind(fnr.as_str()).fetch_optional(db).await
    }

    /// Registers a person; false and unchanged if the identifier is known already.
    pub async fn register(db: &Db, chance: &Chance, fnr: &Fnr, new: NewPerson, now: Timestamp) -> anyhow::Result<bool> {
        const SQL: &str = "INSERT INTO person (id, fnr, given_name, family_name, created_at)
                           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (fnr) DO NOTHING";
        let id = PersonId::fresh(chance)?;
        let query = sqlx::query(SQL).bind(id.as_str()).bind(fnr.as_str()).bind(new.given_name);
        let done = query.bind(new.family_name).bind(now.seconds()).execute(db.pool()).await?;
        Ok(done.rows_affected() == 1)
    }

    /// The person with this identifier, registered now if need be.
    pub async fn ensure(db: &Db, chance: &Chance, fnr: &Fnr, now: Timestamp) -> anyhow::Result<Person> {
        if let Some(person) = Person::by_fnr(db.pool(), fnr).await? {
            return Ok(person);
        }
        Person::register(db, chance, fnr, NewPerson::default(), now).await?;
        Person::by_fnr(db.pool(), fnr).await?.context("a person who was just registered is gone")
    }

    /// Locks the person in every browser.
    pub async fn lock(&self, db: impl AnyExecutor<'_>, now: Timestamp) -> sqlx::Result<()> {
        const SQL: &str = "UPDATE person SET locked_at = $2 WHERE id = $1 AND locked_at IS NULL";
        sqlx::query(SQL).bind(self.id.as_str()).bind(now.seconds()).execute(db).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: FnrPolicy = FnrPolicy { real: true, synthetic: true, expanded: true };
    const OLD: FnrPolicy = FnrPolicy { real: true, synthetic: true, expanded: false };

    fn check(typed: &str, policy: FnrPolicy, expected: Result<&str, FnrProblem>) {
        assert_eq!(Fnr::parse(typed, policy).map(|fnr| fnr.0), expected.map(str::to_owned), "{typed}");
    }

    #[test]
    fn published_numbers() {
        // Digdir and Skatteetaten publish these; both remainders are 0.
        for fnr in ["05895894984", "28816196088", "47906701517", "20914695016"] {
            check(fnr, OLD, Ok(fnr));
            check(fnr, FnrPolicy { synthetic: false, ..OLD }, Err(FnrProblem::Synthetic));
        }
    }

    #[test]
    fn what_people_type() {
        check("058958 94984", OLD, Ok("05895894984"));
        check("\u{a0}058958\t94984 ", OLD, Ok("05895894984"));
        check("", OLD, Err(FnrProblem::Empty));
        check("  ", OLD, Err(FnrProblem::Empty));
        check("0589589498", OLD, Err(FnrProblem::Digits));
        check("058958949844", OLD, Err(FnrProblem::Digits));
        check("+4705895894984", OLD, Err(FnrProblem::Digits));
        check("0589589498a", OLD, Err(FnrProblem::Digits));
        check("058958-94984", OLD, Err(FnrProblem::Digits));
        check("０５８９５８９４９８４", OLD, Err(FnrProblem::Digits));
        check("05895894985", OLD, Err(FnrProblem::Invalid));
    }

    /// Completes nine digits with check digits, the first of them leaving `remainder`.
    fn complete(nine: &str, remainder: u32) -> Option<String> {
        let digits: Vec<u32> = nine.chars().filter_map(|c| c.to_digit(10)).collect();
        let sum = |weights: &[u32], of: &[u32]| weights.iter().zip(of).map(|(w, d)| w * d).sum::<u32>();
        let first = (11 + remainder - sum(&[3, 7, 6, 1, 8, 9, 4, 5, 2], &digits) % 11) % 11;
        let ten = [digits.as_slice(), &[first]].concat();
        let second = (11 - sum(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2], &ten) % 11) % 11;
        (first < 10 && second < 10).then(|| format!("{nine}{first}{second}"))
    }

    #[test]
    fn the_rule_from_2032() {
        for remainder in 1..=3 {
            let fnr = (100..499).find_map(|n| complete(&format!("010132{n}"), remainder)).unwrap();
            check(&fnr, ALL, Ok(&fnr));
            check(&fnr, OLD, Err(FnrProblem::Invalid));
        }
        let too_far = (100..499).find_map(|n| complete(&format!("010132{n}"), 4)).unwrap();
        check(&too_far, ALL, Err(FnrProblem::Invalid));
        // Individual number 800 of the year 45 has no century in the old table.
        let no_century = (760..890).find_map(|n| complete(&format!("010145{n}"), 0)).unwrap();
        check(&no_century, OLD, Err(FnrProblem::Invalid));
        check(&no_century, ALL, Ok(&no_century));
    }

    #[test]
    fn kinds_of_numbers() {
        let some = |six: &str| (100..499).find_map(|n| complete(&format!("{six}{n}"), 0)).unwrap();
        let real = FnrPolicy { real: true, synthetic: false, expanded: false };
        let synthetic = FnrPolicy { real: false, synthetic: true, expanded: false };
        for six in ["290204", "410190", "710190", "010190"] {
            check(&some(six), real, Ok(&some(six)));
            check(&some(six), synthetic, Err(FnrProblem::Real));
        }
        for six in ["014190", "416690", "018190", "419290", "298204"] {
            check(&some(six), synthetic, Ok(&some(six)));
            check(&some(six), real, Err(FnrProblem::Synthetic));
        }
        // No such day; a leap day in a year without; NPID; FH-number; no such month.
        for six in ["320190", "290203", "012190", "810190", "001390", "000190", "016190"] {
            check(&some(six), ALL, Err(FnrProblem::Invalid));
        }
    }

    #[test]
    fn debug_hides_the_person() {
        assert_eq!(format!("{:?}", Fnr("05895894984".into())), "Fnr(058958*****)");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn anything_typed_gets_an_answer(typed in ".*") {
            if let Ok(fnr) = Fnr::parse(&typed, ALL) {
                prop_assert_eq!(fnr.as_str().len(), 11);
            }
        }

        #[test]
        fn one_wrong_digit_is_found(at in 0usize..11, by in 1u32..10) {
            let mut digits: Vec<u32> = "05895894984".chars().filter_map(|c| c.to_digit(10)).collect();
            digits[at] = (digits[at] + by) % 10;
            let typed: String = digits.iter().map(ToString::to_string).collect();
            prop_assert!(Fnr::parse(&typed, OLD).is_err());
        }
    }
}
