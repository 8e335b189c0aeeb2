//! `porten letter returned`: one letter, or the list that the print house or the office of returns has made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use authenticators::letter::{self, NotReturned};
use clap::Args;

use super::world;
use crate::open::Place;
use crate::say;
use crate::verbs::person::Support;
use crate::verbs::read_text;

/// How the column is called that has the letters' ids: as in the letter, and as we call it.
const HEADINGS: [&str; 4] = ["reference", "referanse", "letter", "id"];
/// How many of the rows that are wrong are told.
const TOLD: usize = 20;

/// Which letters, and why.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Its id, which stands on it.
    #[arg(required_unless_present = "file")]
    letter: Option<String>,
    /// Many at once, all for the same reason: a file with an id a line, or a CSV with a column `reference` (or
    /// `referanse`, `letter`, `id`); `-` is the standard input. All are returned, or none if one row is wrong.
    #[arg(long, value_name = "FILE", conflicts_with = "letter")]
    file: Option<PathBuf>,
    /// Why, in a word: `moved`, `unknown-address`, `refused` …
    #[arg(long, value_parser = reason, value_name = "WORD")]
    reason: String,
    #[command(flatten)]
    support: Support,
}

/// What stays in the trail for good.
fn reason(typed: &str) -> Result<String, String> {
    let fits = (1..=40).contains(&typed.len()) && typed.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    fits.then(|| typed.to_owned()).ok_or_else(|| "small letters and hyphens, 40 at the most".to_owned())
}

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    match (&options.letter, &options.file) {
        (Some(id), _) => one(options, id).await,
        (None, Some(file)) => many(options, file).await,
        (None, None) => bail!("which letter?"),
    }
}

async fn one(options: &Options, id: &str) -> anyhow::Result<()> {
    let (world, Support { case, by }) = (world(&options.place).await?, &options.support);
    let ids = [id.to_owned()];
    let refused = letter::returned(&world, &ids, &options.reason, (case, by), world.clock.now()).await?;
    ensure!(refused.is_empty(), "there is no such letter, or its code was used, or it has come back before");
    say("Its code is not good any more.");
    Ok(())
}

async fn many(options: &Options, file: &Path) -> anyhow::Result<()> {
    let rows = rows(&read_text(file)?)?;
    let (world, Support { case, by }) = (world(&options.place).await?, &options.support);
    let ids: Vec<String> = rows.iter().map(|(_, id)| id.clone()).collect();
    let refused = letter::returned(&world, &ids, &options.reason, (case, by), world.clock.now()).await?;
    let lines: HashMap<&str, u64> = rows.iter().map(|(line, id)| (id.as_str(), *line)).collect();
    let mut wrong: Vec<(u64, String)> = Vec::new();
    for (id, why) in &refused {
        wrong.push((lines.get(id.as_str()).copied().unwrap_or_default(), words(id, *why)));
    }
    refuse(wrong)?;
    say(&format!("Returned. Letters whose codes are not good any more: {}.", rows.len()));
    Ok(())
}

fn words(id: &str, why: NotReturned) -> String {
    match why {
        NotReturned::Unknown => format!("there is no letter {id:?}"),
        NotReturned::Used => format!("the code of letter {id} was used"),
        NotReturned::Before => format!("letter {id} has come back before, or was never sent"),
    }
}

/// Says what is wrong with a list, line by line, if something is.
fn refuse(mut wrong: Vec<(u64, String)>) -> anyhow::Result<()> {
    wrong.sort();
    let more = wrong.len().saturating_sub(TOLD);
    let told: Vec<String> = wrong.iter().take(TOLD).map(|(line, words)| format!("line {line}: {words}")).collect();
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    ensure!(wrong.is_empty(), "no letter is returned: {}{rest}", told.join("; "));
    Ok(())
}

/// The ids of a list, each with its line.
fn rows(text: &str) -> anyhow::Result<Vec<(u64, String)>> {
    // Otherwise a line is counted with the one before.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b';', b'\t', b','].into_iter().find(|sign| first.bytes().any(|byte| byte == *sign));
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).trim(csv::Trim::All).delimiter(delimiter.unwrap_or(b','));
    let (mut list, mut column) = (List::default(), None);
    for record in builder.from_reader(text.as_bytes()).into_records() {
        let record = record.context("a list that cannot be read")?;
        if column.is_none() {
            let heading = record.iter().position(|name| HEADINGS.iter().any(|known| name.eq_ignore_ascii_case(known)));
            ensure!(
                heading.is_some() || record.len() == 1,
                "no letter is returned: of its columns none is called {}",
                HEADINGS.join(", ")
            );
            column = heading.or(Some(0));
            if heading.is_some() {
                continue;
            }
        }
        let id = column.and_then(|column| record.get(column)).unwrap_or_default();
        list.note(record.position().map_or(0, csv::Position::line), id);
    }
    refuse(list.wrong)?;
    ensure!(!list.found.is_empty(), "no letter is returned: the list has none");
    Ok(list.found)
}

/// What was read of a list.
#[derive(Default)]
struct List {
    found: Vec<(u64, String)>,
    /// Where an id stands.
    seen: HashMap<String, u64>,
    wrong: Vec<(u64, String)>,
}

impl List {
    fn note(&mut self, line: u64, id: &str) {
        if id.is_empty() {
            self.wrong.push((line, "no id of a letter".to_owned()));
            return;
        }
        match self.seen.insert(id.to_owned(), line) {
            Some(before) => self.wrong.push((line, format!("letter {id} is in line {before} as well"))),
            None => self.found.push((line, id.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_a_letter_a_line_or_a_column() {
        let expected = vec![(1, "abc".to_owned()), (2, "def".to_owned())];
        assert_eq!(rows("abc\ndef\n").unwrap(), expected);
        assert_eq!(rows("\u{feff}abc\r\n def \r\n\r\n").unwrap(), expected);
        let expected = vec![(2, "abc".to_owned()), (3, "def".to_owned())];
        assert_eq!(rows("Reference\nabc\ndef").unwrap(), expected);
        assert_eq!(rows("date;Referanse\n2026-11-26;abc\n2026-11-27;\"def\"\n").unwrap(), expected);
        assert_eq!(rows("id,why\nabc,moved\ndef,moved").unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_with_a_list_is_told_by_line() {
        let said = |text| rows(text).unwrap_err().to_string();
        assert_eq!(said(""), "no letter is returned: the list has none");
        assert_eq!(
            said("a;b\nabc;1"),
            "no letter is returned: of its columns none is called reference, referanse, letter, id"
        );
        assert_eq!(
            said("id;why\nabc;x\n;x\nabc;x"),
            "no letter is returned: line 3: no id of a letter; line 4: letter abc is in line 2 as well"
        );
        let many: String = "abc\n".repeat(30);
        assert!(said(&many).ends_with("line 21: letter abc is in line 20 as well; and 9 more"), "{}", said(&many));
    }
}
