//! Secrets of the house, made when they are first needed, and the same on every node (table `house_secret`).

use anyhow::Context;
use migrations::Db;

use crate::chance::Chance;
use crate::clock::Timestamp;
use crate::vault::Vault;

/// The secret of this name, made by `make` if there is none yet. Of several nodes that make it at once one does.
pub async fn get(
    db: &Db,
    keys: (&Vault, &Chance),
    name: &str,
    make: impl FnOnce() -> anyhow::Result<Vec<u8>>,
    now: Timestamp,
) -> anyhow::Result<Vec<u8>> {
    const FIND: &str = "SELECT sealed FROM house_secret WHERE name = $1";
    const ADD: &str = "INSERT INTO house_secret (name, sealed, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let ((vault, chance), place) = (keys, format!("house_secret/{name}"));
    let find = || sqlx::query_scalar::<_, String>(FIND).bind(name).fetch_optional(db.pool());
    if let Some(sealed) = find().await? {
        return vault.open(&place, &sealed);
    }
    let sealed = vault.seal(chance, &place, &make()?)?;
    sqlx::query(ADD).bind(name).bind(sealed).bind(now.seconds()).execute(db.pool()).await?;
    vault.open(&place, &find().await?.context("a secret that was just made is gone")?)
}
