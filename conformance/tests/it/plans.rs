//! No request reads a whole table, however many rows it has. SQLite tells how it will find them; it keeps no
//! statistics here, so that an empty database and a full one are read the same way.

use std::path::Path;

use anyhow::{Context, ensure};
use migrations::Db;
use sqlx::Row;

/// Statements that no request runs, or that look for any row at all.
const OUTSIDE_OF_REQUESTS: [&str; 6] = [
    "SELECT id, created_at, leased_until, written_at, destination, has_test FROM letter_batch \
     WHERE handed_over_at IS NULL AND withdrawn_at IS NULL ORDER BY created_at, id LIMIT 1",
    "SELECT id FROM client WHERE removed_at IS NULL ORDER BY id",
    "SELECT name, registration, removed_at FROM scope WHERE removed_at IS NULL ORDER BY name",
    "SELECT id FROM person LIMIT 1",
    "SELECT orgno, name FROM school_owner ORDER BY name, orgno",
    "SELECT id, ended_at FROM activation_code WHERE source = $1 AND created_at >= $2 AND ended_at < valid_until",
];
/// Tables with a few rows for ever, and what a statement calls the rows that it has found by an index already, or the
/// ids that it was given in one text.
const SMALL: [&str; 6] = ["signing_key", "secret_key", "due", "(subquery", "place", "CONSTANT"];

/// The statements in a file: texts that begin with a verb of SQL.
fn statements(text: &str) -> Vec<String> {
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
    let texts = text.split('"').map(str::trim).filter(|text| verbs.iter().any(|verb| text.starts_with(verb)));
    texts.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test]
async fn no_request_reads_a_whole_table() -> anyhow::Result<()> {
    let folder = tempfile::TempDir::new()?;
    let db = Db::open(&format!("sqlite://{}?mode=rwc", folder.path().join("porten.db").display())).await?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no root")?;
    let mut seen = 0;
    for source in ["idp/src", "authenticators/src", "migrations/src", "admin/src/school"] {
        for file in std::fs::read_dir(root.join(source))? {
            let path = file?.path();
            if path.is_dir() {
                continue;
            }
            for sql in statements(&std::fs::read_to_string(&path)?) {
                let plan = format!("EXPLAIN QUERY PLAN {sql}");
                let rows = sqlx::query(sqlx::AssertSqlSafe(plan)).fetch_all(db.pool()).await;
                let rows = rows.with_context(|| format!("{}: {sql}", path.display()))?;
                seen += 1;
                for row in rows {
                    let step: String = row.try_get("detail")?;
                    let scanned = step.strip_prefix("SCAN ").and_then(|rest| rest.split([' ', '-']).next());
                    let is_known = OUTSIDE_OF_REQUESTS.contains(&sql.as_str());
                    ensure!(
                        is_known || scanned.is_none_or(|table| SMALL.contains(&table)),
                        "{} reads a whole table, {step}: {sql}",
                        path.display()
                    );
                }
            }
        }
    }
    ensure!(seen > 60, "only {seen} statements were found");
    Ok(())
}
