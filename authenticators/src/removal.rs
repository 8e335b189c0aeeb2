//! A device gives itself up. Its token lets it see things; to go takes a signature by its key, over a text that says so,
//! which its person has unlocked for that: a second factor, as fresh as one can be.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::chance::TokenHash;
use crate::clock::Timestamp;
use crate::device::{self, Device};
use crate::scratch::Kept;
use crate::world::World;

/// The text that waits for a device's signature, under the name of its key.
#[derive(Serialize, Deserialize)]
struct Removal {
    statement: String,
}

impl Kept for Removal {
    const KIND: &'static str = "device-removal";
    const FOR: Duration = Duration::from_mins(5);
}

fn key(device: &Device) -> TokenHash {
    TokenHash::of(&format!("removal of {}", device.id.as_str()))
}

/// What the device signs: the challenge is the text's SHA-256. The one before it is none any more.
pub async fn ask(world: &World, device: &Device, issuer: &str, now: Timestamp) -> anyhow::Result<String> {
    let statement = json!({
        "purpose": "remove_device",
        "device": device.name,
        "at": now,
        "issuer": issuer,
        "id": world.chance.token()?.reveal(),
    });
    let statement = statement.to_string();
    world.scratch.take::<Removal>(&key(device), now).await?;
    world.scratch.put(&key(device), &Removal { statement: statement.clone() }, now).await?;
    Ok(statement)
}

/// What a signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// It is the device, and its person wants it.
    Right,
    /// It is none over this text by this device.
    Wrong,
    /// Nothing waits for one, or not any more.
    Gone,
}

/// The device has signed. Each text is good once, whatever comes with it.
pub async fn check(world: &World, device: &Device, answer: &str, now: Timestamp) -> anyhow::Result<Signed> {
    let Some(removal) = world.scratch.take::<Removal>(&key(device), now).await? else { return Ok(Signed::Gone) };
    let signed = world.webauthn.signed_words(&removal.statement, answer, &device.credential)?;
    let Some(signed) = signed.filter(|signed| signed.id == device.id.as_str()) else { return Ok(Signed::Wrong) };
    let renewed = signed.renewed(&device.credential)?;
    let counts = device::used(world.db.pool(), device, &renewed, now).await?;
    Ok(if counts { Signed::Right } else { Signed::Wrong })
}
