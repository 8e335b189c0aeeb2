//! Queues that outlast the program: what is due in a table is taken for one try at a time, and comes again later if that
//! fails.

use std::time::Duration;

use migrations::Db;

use crate::clock::Timestamp;

/// How many are taken in one round.
pub const AT_ONCE: i64 = 50;

/// Where something stands in its queue: columns that each table of these has.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Place {
    /// Its id.
    pub id: String,
    created_at: Timestamp,
    next_at: Timestamp,
    attempts: i64,
}

impl Place {
    /// Takes it for one try; none if somebody else has. The table's own statement (`sql`) sets `next_at` and `attempts`
    /// to `$3` and `$4` where `id` is `$1` and `next_at` is `$2`.
    pub async fn take(&self, db: &Db, sql: &'static str, now: Timestamp) -> sqlx::Result<Option<Place>> {
        let attempts = self.attempts + 1;
        let next_at = now.plus(pause(attempts));
        let query = sqlx::query(sql).bind(&self.id).bind(self.next_at.seconds());
        let done = query.bind(next_at.seconds()).bind(attempts).execute(db.pool()).await?;
        Ok((done.rows_affected() == 1).then(|| Place { next_at, attempts, ..self.clone() }))
    }

    /// Whether it has not been tried before.
    pub fn is_new(&self) -> bool {
        self.attempts <= 1
    }

    /// Whether the next try would be later than that after it came.
    pub fn is_over_after(&self, patience: Duration) -> bool {
        self.next_at.since(self.created_at) > patience
    }
}

/// How long it takes until the next try; no try takes as long.
fn pause(attempts: i64) -> Duration {
    match attempts {
        ..=1 => Duration::from_mins(1),
        2 => Duration::from_mins(5),
        3 => Duration::from_mins(30),
        _ => Duration::from_hours(1),
    }
}
