//! Writes a database in the MaxMind DB format 2.0 (maxmind.github.io/MaxMind-DB), of a few networks: what the tests
//! know of the world.

use std::net::IpAddr;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

/// Between the tree and the data.
const SEPARATOR: usize = 16;
const METADATA: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// The types that are written here.
const TEXT: u8 = 2;
const UINT16: u8 = 5;
const UINT32: u8 = 6;
const MAP: u8 = 7;
const UINT64: u8 = 9;
const LIST: u8 = 11;

/// Half a node of the search tree: where the next bit of an address leads.
#[derive(Clone, Copy)]
enum Half {
    Nowhere,
    Node(usize),
    /// To a place in the data.
    Data(usize),
}

/// A database of a type such as `GeoLite2-City`, made then (in seconds), of networks such as `81.2.69.0/24` and what
/// there is to say of each. Networks do not overlap.
pub fn database(kind: &str, built_at: i64, networks: &[(&str, Value)]) -> anyhow::Result<Vec<u8>> {
    let (mut nodes, mut data) = (vec![[Half::Nowhere; 2]], Vec::new());
    for (network, said) in networks {
        let (bits, length) = bits(network)?;
        let at = data.len();
        encode(said, &mut data)?;
        insert(&mut nodes, (bits, length), at)?;
    }
    let mut file = Vec::new();
    for half in nodes.iter().flatten() {
        let record = match half {
            Half::Nowhere => nodes.len(),
            Half::Node(node) => *node,
            Half::Data(at) => nodes.len() + SEPARATOR + at,
        };
        file.extend(u32::try_from(record)?.to_be_bytes());
    }
    file.extend([0; SEPARATOR]);
    file.extend(data);
    file.extend(METADATA);
    control(MAP, 9, &mut file)?;
    let words = [("database_type", json!(kind)), ("description", json!({ "en": "x" })), ("languages", json!(["en"]))];
    for (name, value) in words {
        encode(&json!(name), &mut file)?;
        encode(&value, &mut file)?;
    }
    for (name, kind, value) in [
        ("binary_format_major_version", UINT16, 2),
        ("binary_format_minor_version", UINT16, 0),
        ("build_epoch", UINT64, u64::try_from(built_at)?),
        ("ip_version", UINT16, 6),
        ("node_count", UINT32, u64::try_from(nodes.len())?),
        ("record_size", UINT16, 32),
    ] {
        encode(&json!(name), &mut file)?;
        number(kind, value, &mut file)?;
    }
    Ok(file)
}

/// The bits of a network, and how many of them count. IPv4 is in `::/96`.
fn bits(network: &str) -> anyhow::Result<(u128, u32)> {
    let (address, length) = network.split_once('/').context("no length")?;
    let length: u32 = length.parse()?;
    let (bits, length) = match address.parse()? {
        IpAddr::V4(address) => (u128::from(u32::from(address)), length + 96),
        IpAddr::V6(address) => (u128::from(address), length),
    };
    ensure!((1..=128).contains(&length), "{network} has no such length");
    Ok((bits, length))
}

/// Leads a network to its data.
fn insert(nodes: &mut Vec<[Half; 2]>, (bits, length): (u128, u32), at: usize) -> anyhow::Result<()> {
    let mut node = 0;
    for depth in 0..length {
        let side = usize::from((bits >> (127 - depth)) & 1 == 1);
        let fresh = nodes.len();
        let half = nodes.get_mut(node).and_then(|halves| halves.get_mut(side)).context("no such node")?;
        match (*half, depth + 1 == length) {
            (Half::Nowhere, true) => *half = Half::Data(at),
            (Half::Node(next), false) => node = next,
            (Half::Nowhere, false) => {
                *half = Half::Node(fresh);
                nodes.push([Half::Nowhere; 2]);
                node = fresh;
            }
            _ => bail!("networks overlap"),
        }
    }
    Ok(())
}

/// A value: its type and size in a control byte or more, and then what it is.
fn encode(value: &Value, out: &mut Vec<u8>) -> anyhow::Result<()> {
    match value {
        Value::String(text) => {
            control(TEXT, text.len(), out)?;
            out.extend(text.as_bytes());
        }
        Value::Number(value) => number(UINT32, value.as_u64().context("no number of that kind")?, out)?,
        Value::Object(map) => {
            control(MAP, map.len(), out)?;
            for (key, value) in map {
                encode(&json!(key), out)?;
                encode(value, out)?;
            }
        }
        Value::Array(list) => {
            control(LIST, list.len(), out)?;
            list.iter().try_for_each(|value| encode(value, out))?;
        }
        _ => bail!("{value} cannot be written"),
    }
    Ok(())
}

/// A number without the zeros before it.
fn number(kind: u8, value: u64, out: &mut Vec<u8>) -> anyhow::Result<()> {
    let bytes = value.to_be_bytes();
    let short = bytes.get(value.leading_zeros() as usize / 8..).unwrap_or_default();
    control(kind, short.len(), out)?;
    out.extend(short);
    Ok(())
}

fn control(kind: u8, size: usize, out: &mut Vec<u8>) -> anyhow::Result<()> {
    let (short, more) = match size {
        ..29 => (u8::try_from(size)?, None),
        29..285 => (29, Some(u8::try_from(size - 29)?)),
        _ => bail!("longer than anything here"),
    };
    match kind {
        ..8 => out.push((kind << 5) | short),
        _ => out.extend([short, kind - 7]),
    }
    out.extend(more);
    Ok(())
}
