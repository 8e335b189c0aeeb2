//! What a password must be, and what helps whoever looks for one: nothing short, nothing that others have, nothing that a
//! machine guesses soon. Nothing of it leaves the house.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use aws_lc_rs::digest;
use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use zxcvbn::Score;
use zxcvbn::feedback::{Suggestion, Warning};

/// MinID: 8 to 256 characters.
pub const SHORTEST: usize = 8;
/// The longest.
pub const LONGEST: usize = 256;
/// What is looked at to see how soon it is guessed: the time that takes grows with the square.
const LOOKED_AT: usize = 72;

/// Words that people here think of, besides those that all the world does.
static WORDS: &str = include_str!("common_words.txt");

/// What is wrong with a new password.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// Nothing typed.
    Empty,
    /// Fewer than [`SHORTEST`].
    Short,
    /// More than [`LONGEST`].
    Long,
    /// No letter in it.
    NoLetter,
    /// No digit in it.
    NoDigit,
    /// A character that cannot be in one (RFC 8265 4.2.2).
    Characters,
    /// Stolen somewhere, with others.
    Breached,
    /// Guessed soon, and why.
    Guessable(Option<Warning>, Vec<Suggestion>),
}

/// Whether a password is good enough for somebody. `about` is what others know of them: their names, their number.
pub fn check(typed: &str, about: &[&str]) -> Result<(), Problem> {
    if typed.is_empty() {
        return Err(Problem::Empty);
    }
    let password = OpaqueString::enforce(typed).map_err(|_| Problem::Characters)?;
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(Problem::Short);
    }
    if length > LONGEST {
        return Err(Problem::Long);
    }
    if !password.chars().any(char::is_alphabetic) {
        return Err(Problem::NoLetter);
    }
    if !password.chars().any(char::is_numeric) {
        return Err(Problem::NoDigit);
    }
    let start: String = password.chars().take(LOOKED_AT).collect();
    let known: Vec<&str> = about.iter().copied().filter(|word| word.len() > 2).chain(WORDS.lines()).collect();
    let guessed = zxcvbn::zxcvbn(&start, &known);
    if guessed.score() >= Score::Three {
        return Ok(());
    }
    let (warning, suggestions) =
        guessed.feedback().map_or((None, Vec::new()), |feedback| (feedback.warning(), feedback.suggestions().to_vec()));
    Err(Problem::Guessable(warning, suggestions))
}

/// Passwords that were stolen somewhere: a list of SHA-1 hashes in hexadecimal, one a line and in order, as Have I Been
/// Pwned gives it out (`HASH:count`). It stays on the disk.
#[derive(Debug, Clone, Default)]
pub struct Breached(Option<Arc<PathBuf>>);

impl Breached {
    /// The list in this file.
    pub fn open(file: &Path) -> anyhow::Result<Breached> {
        // Both ends are looked at once, so that a file of another kind is seen at the start.
        for hash in ["0".repeat(40), "F".repeat(40)] {
            search(file, &hash).with_context(|| format!("{} is not a list of SHA-1 hashes", file.display()))?;
        }
        Ok(Breached(Some(Arc::new(file.to_owned()))))
    }

    /// Whether a password is in it. Without a list none is.
    pub async fn has(&self, password: &str) -> anyhow::Result<bool> {
        let Some(file) = self.0.clone() else { return Ok(false) };
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        tokio::task::spawn_blocking(move || search(&file, &hash)).await?
    }
}

/// Looks for a line by halving the file.
fn search(file: &Path, hash: &str) -> anyhow::Result<bool> {
    let mut lines = BufReader::with_capacity(256, File::open(file)?);
    let (mut from, mut to) = (0, lines.get_ref().metadata()?.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let (at, line) = line_at(&mut lines, middle)?;
        let Some(found) = line.get(..40).filter(|found| found.bytes().all(|b| b.is_ascii_hexdigit())) else {
            // Behind the last line, or something else altogether.
            anyhow::ensure!(line.is_empty(), "a line that is no hash");
            to = middle;
            continue;
        };
        match found.to_ascii_uppercase().as_str().cmp(hash) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => from = at + line.len() as u64,
            std::cmp::Ordering::Greater => to = middle,
        }
    }
    Ok(false)
}

/// The first line that begins at or after a place, and where it begins.
fn line_at(lines: &mut BufReader<File>, place: u64) -> anyhow::Result<(u64, String)> {
    let mut at = place;
    lines.seek(SeekFrom::Start(place.saturating_sub(1)))?;
    if place > 0 {
        let mut rest = Vec::new();
        at = place - 1 + lines.read_until(b'\n', &mut rest)? as u64;
    }
    let mut line = Vec::new();
    lines.read_until(b'\n', &mut line)?;
    Ok((at, String::from_utf8(line).context("not text")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_good_enough() {
        let about = ["Rolig", "Elv", "14838500073", "140385"];
        for good in ["Elva-renner-7", "rød grønn blå 7", "Reven-rusler-13", "sommerfugl på tak 9", "Kj3mpel@ngtOrd!"]
        {
            assert_eq!(check(good, &about), Ok(()), "{good}");
        }
        let long = format!("{}a1", "xk7".repeat(100));
        for (bad, problem) in [
            ("", Problem::Empty),
            ("Elv-7", Problem::Short),
            (long.as_str(), Problem::Long),
            ("1234 5678 9012", Problem::NoLetter),
            ("Elva renner stille", Problem::NoDigit),
            ("Elva\trenner 7", Problem::Characters),
            ("   ", Problem::Short),
        ] {
            assert_eq!(check(bad, &about), Err(problem), "{bad}");
        }
        for guessed in
            ["Sommer2026", "Passord123", "fotball10", "qwerty123", "abcabcabc1", "Rolig1985", "RoligElv1", "Liverpool1"]
        {
            assert!(matches!(check(guessed, &about), Err(Problem::Guessable(..))), "{guessed}");
        }
    }

    #[tokio::test]
    async fn stolen_ones() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("list.txt");
        let stolen: Vec<String> = (0..997).map(|n| format!("stolen {n}")).collect();
        let hash = |text: &String| {
            let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
            hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<String>()
        };
        let mut lines: Vec<String> = stolen.iter().map(|text| format!("{}:{}", hash(text), text.len())).collect();
        lines.sort();
        for end in ["", "\n", "\r\n"] {
            std::fs::write(&file, lines.join(if end == "\r\n" { end } else { "\n" }) + end).unwrap();
            let list = Breached::open(&file).unwrap();
            for text in &stolen {
                assert!(list.has(text).await.unwrap(), "{text}");
            }
            for n in 0..200 {
                assert!(!list.has(&format!("fresh {n}")).await.unwrap());
            }
        }
        std::fs::write(&file, "one\ntwo\nthree\n").unwrap();
        assert!(Breached::open(&file).is_err());
        assert!(Breached::open(&folder.path().join("none")).is_err());
        assert!(!Breached::default().has("stolen 1").await.unwrap());
    }
}
