//! One file for each verb or noun of the command line.

pub(crate) mod check;
pub(crate) mod client;
pub(crate) mod key;
pub(crate) mod person;
pub(crate) mod scope;
pub(crate) mod serve;

use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value};

/// The JSON object in a file, or on standard input where the file is called `-`; an empty one without a file.
fn read_object(file: Option<&Path>) -> anyhow::Result<Map<String, Value>> {
    let Some(file) = file else { return Ok(Map::new()) };
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())?
    } else {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    serde_json::from_str(&text).with_context(|| format!("{} is not a JSON object", file.display()))
}
