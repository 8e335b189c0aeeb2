//! Whether calls cost more where many services are registered and many refresh tokens are kept.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use authenticators::clock::Clock;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::flows::{Service, Visitor};
use crate::key::Key;
use crate::load::{Measured, Tally, window};
use crate::process::Server;
use crate::table::Table;
use crate::{AT_ONCE, Plan, calls, on_one_core, row};

const SERVICES: i64 = 10_000;
const FAMILIES: i64 = 1_000_000;
const TOKENS_EACH: i64 = 5;

/// Measures on a database that is nearly empty and on a full one, in turns.
pub(crate) fn run(plan: Plan) -> anyhow::Result<bool> {
    on_one_core(async {
        let porten = std::env::current_exe()?.with_file_name("porten");
        let (few, many, key) = (TempDir::new()?, TempDir::new()?, Key::fresh()?);
        for data in [few.path(), many.path()] {
            drop(Server::porten(&porten, data)?);
            calls::register(&porten, data, &key)?;
        }
        fill(&many.path().join("porten.db")).await?;
        let mut table = Table::default();
        for _ in 0..plan.rounds {
            let [refresh, flow] = measure(&porten, few.path(), plan.window).await?;
            let [refresh_of_many, flow_of_many] = measure(&porten, many.path(), plan.window).await?;
            let bounds = (1.1, 1.05);
            let what = "refresh, ES256, full database: a nearly empty one";
            table.add(row("G1", what, refresh_of_many, refresh.cost, bounds));
            let what = "code flow, ES256, full database: a nearly empty one";
            table.add(row("G1", what, flow_of_many, flow.cost, bounds));
        }
        table.print()
    })
}

async fn measure(porten: &Path, data: &Path, length: Duration) -> anyhow::Result<[Measured; 2]> {
    let server = Server::porten(porten, data)?;
    sleep(Duration::from_secs(3)).await;
    let refresh = calls::refreshed(&server, Service::RefreshEs256, length).await?;
    let tally = Tally::default();
    let crowd = Visitor::crowd(server.address, Service::Es256, AT_ONCE).await?;
    let jobs = crowd.into_iter().map(|visitor| visitor.hurry(tally.clone()));
    Ok([refresh, window(&server, &tally, length, jobs).await?])
}

/// Puts the services and tokens in, which look like real ones.
async fn fill(database: &Path) -> anyhow::Result<()> {
    const CLIENTS: &str = "INSERT INTO client (id, registration, created_at, updated_at)
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1)
        SELECT 'service-' || n, (SELECT registration FROM client WHERE id = 'bench-es256'), $2, $2 FROM n";
    const SECRETS: &str = "INSERT INTO client_secret (client, hash, created_at, expires_at)
        SELECT id, lower(hex(randomblob(21))), created_at, created_at + 31104000 FROM client
        WHERE id LIKE 'service-%'";
    const FAMILIES_OF_THEM: &str = "INSERT INTO refresh_family (id, client, sid, scope, subject, ends_at)
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1)
        SELECT lower(hex(randomblob(11))), 'service-' || (n % $3 + 1), lower(hex(randomblob(21))), 'openid profile',
            printf('%.600c', 'x'), $2 + 7200 + n % 86400 FROM n";
    const TOKENS: &str = "INSERT INTO refresh_token (hash, family, expires_at, parent, successor)
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1)
        SELECT lower(hex(randomblob(21))), id, ends_at, lower(hex(randomblob(21))), lower(hex(randomblob(21)))
        FROM refresh_family, n WHERE client LIKE 'service-%'";
    let mut db: SqliteConnection = SqliteConnectOptions::new().filename(database).connect().await?;
    let fast = "PRAGMA foreign_keys = OFF; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
                PRAGMA cache_size = -2000000;";
    db.execute(fast).await?;
    let now = Clock::System.now().seconds();
    sqlx::query(CLIENTS).bind(SERVICES).bind(now).execute(&mut db).await?;
    sqlx::query(SECRETS).execute(&mut db).await?;
    sqlx::query(FAMILIES_OF_THEM).bind(FAMILIES).bind(now).bind(SERVICES).execute(&mut db).await?;
    let added = sqlx::query(TOKENS).bind(TOKENS_EACH).execute(&mut db).await?.rows_affected();
    ensure!(added == 5_000_000, "{added} tokens");
    Ok(db.close().await?)
}
