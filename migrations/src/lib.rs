//! The database and its schema: the only place that knows that there are two engines.
//!
//! Every query is one text of `SQLite` and Postgres alike: columns are `TEXT` and `BIGINT`, parameters are
//! `$1`, ids and times come from Rust. The migrations in `sql/` go forward only.

use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::MigrateError;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Transaction};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

/// How often a migration that others got in the way of is tried again, and how long it waits before that.
const AGAIN: usize = 20;
const WAIT: Duration = Duration::from_millis(100);

/// How long a write waits for another one, or for a connection: a request is given up after half a minute. On `SQLite` all
/// writes wait for a large one, a school owner's file say, also those of other processes.
const PATIENCE: Duration = Duration::from_secs(25);

/// After so long without work a connection may be dead.
const IDLE: Duration = Duration::from_secs(2);

/// A transaction on either engine.
pub type Tx = Transaction<'static, Any>;

/// An open and migrated database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    engine: Engine,
    pool: AnyPool,
}

impl Db {
    /// Connects to `sqlite:…` or `postgres:…` and brings the schema up to date.
    pub async fn open(url: &str) -> anyhow::Result<Db> {
        sqlx::any::install_default_drivers();
        let engine = match url.split(':').next() {
            Some("sqlite") => Engine::Sqlite,
            Some("postgres" | "postgresql") => Engine::Postgres,
            _ => bail!("the database URL must begin with sqlite: or postgres:"),
        };
        let pool = AnyPoolOptions::new()
            .max_connections(match engine {
                // It lets one write at a time: whoever waits, waits in a queue here and not in its busy handler,
                // which sleeps and is not fair.
                Engine::Sqlite => 1,
                Engine::Postgres => 16,
            })
            .acquire_timeout(PATIENCE)
            // One that was in use a moment ago is not asked whether it lives: a question would cost as much as a query.
            .test_before_acquire(false)
            .before_acquire(|connection, seen| {
                Box::pin(async move { Ok(seen.idle_for < IDLE || connection.ping().await.is_ok()) })
            })
            .after_connect(move |connection, _| Box::pin(set_up(engine, connection)))
            .connect(url)
            .await
            .context("cannot open the database")?;
        let db = Db { engine, pool };
        db.migrate().await?;
        Ok(db)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        let mut done = sqlx::migrate!("./sql").run(&self.pool).await;
        // Of several programs that come at once to a new database, Postgres lets one go first. On SQLite they get in
        // each other's way, and whoever lost finds the work done when it looks again.
        for _ in 0..AGAIN {
            let Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)) = &done else { break };
            tokio::time::sleep(WAIT).await;
            done = sqlx::migrate!("./sql").run(&self.pool).await;
        }
        match done {
            Ok(()) => Ok(()),
            Err(MigrateError::VersionMissing(version)) => {
                bail!(
                    "the database belongs to a newer version of Porten (it has migration {version}, which this program does not know)"
                )
            }
            Err(error) => Err(error).context("cannot migrate the database"),
        }
    }

    /// Where queries run that are one statement long.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that will write. Nothing else begins one.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        match self.engine {
            // A deferred transaction that reads first cannot become a writing one under load.
            Engine::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await,
            Engine::Postgres => self.pool.begin().await,
        }
    }

    /// Asks the database for an answer, for the readiness probe.
    pub async fn ping(&self) -> sqlx::Result<()> {
        sqlx::query("SELECT id FROM person LIMIT 1").fetch_optional(&self.pool).await.map(|_| ())
    }
}

async fn set_up(engine: Engine, connection: &mut AnyConnection) -> sqlx::Result<()> {
    if engine == Engine::Sqlite {
        // `PATIENCE`. FULL: what we have acknowledged survives a power cut, too.
        connection
            .execute(
                "PRAGMA busy_timeout = 25000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 PRAGMA foreign_keys = ON; PRAGMA cache_size = -2000;",
            )
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    /// How the SHA-384 of each migration begins, which every database that has run it remembers.
    const KNOWN: &[(i64, &str)] = &[
        (1, "dce42f2e33799095"),
        (2, "39bf7b79652dbe90"),
        (3, "d1e4d16a043d5c9c"),
        (4, "ec8e1ce8eafe6bb9"),
        (5, "9e41d2a759460c53"),
        (6, "9bd71da67189c685"),
        (7, "3eb02306b313f12b"),
        (8, "39530c31bdfbf393"),
        (9, "69654b93db99731f"),
        (10, "95bfb995f93f1857"),
        (11, "f099db7870d730a3"),
        (12, "2a8e479655aede0e"),
        (13, "ceb2241f61448197"),
        (14, "f09a7f0c72901115"),
        (16, "dac9451399ebac36"),
        (18, "d2e51a51f7e7ec94"),
        (19, "a530ef402b321d26"),
        (20, "3718386ee7ea5ab2"),
        (21, "3415bc15155ea78d"),
        (24, "fd74890ff52810be"),
        (25, "b7450c3592e3e505"),
        (26, "4b59eaeaa95707f6"),
        (29, "069a60cac206bef3"),
    ];

    #[test]
    fn what_has_been_run_is_not_written_anew() {
        let found: Vec<(i64, String)> = sqlx::migrate!("./sql")
            .iter()
            .map(|migration| {
                let begins = migration.checksum.iter().take(8).fold(String::new(), |mut all, byte| {
                    write!(all, "{byte:02x}").unwrap();
                    all
                });
                (migration.version, begins)
            })
            .collect();
        let known: Vec<(i64, String)> = KNOWN.iter().map(|&(version, begins)| (version, begins.to_owned())).collect();
        assert_eq!(found, known, "a change is a migration of its own, and a new one has its line here");
    }
}
