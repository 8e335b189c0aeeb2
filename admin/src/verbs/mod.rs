//! One file for each verb or noun of the command line.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod client;
pub(crate) mod key;
pub(crate) mod letter;
pub(crate) mod person;
pub(crate) mod school;
pub(crate) mod scope;
pub(crate) mod serve;

use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value};

/// The JSON object in a file, or on standard input where the file is called `-`; an empty one without a file.
fn read_object(file: Option<&Path>) -> anyhow::Result<Map<String, Value>> {
    let Some(file) = file else { return Ok(Map::new()) };
    serde_json::from_str(&read_text(file)?).with_context(|| format!("{} is not a JSON object", file.display()))
}

/// The text in a file, or on standard input where the file is called `-`.
fn read_text(file: &Path) -> anyhow::Result<String> {
    match file.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()).context("cannot read standard input"),
        false => std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display())),
    }
}
