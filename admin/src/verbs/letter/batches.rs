//! `porten letter batches`: how it stands with what the print house gets, and what is late.

use std::time::Duration;

use anyhow::bail;
use authenticators::clock::Timestamp;
use authenticators::letter::{self, Backlog, Progress};
use authenticators::world::World;
use clap::Args;
use serde_json::{Value, json};

use super::{time, world};
use crate::open::{Place, Post};
use crate::say;

const DAY: Duration = Duration::from_hours(24);

/// Which batches, and what is late.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Begun in so many days; those that are not acknowledged are told of however old they are.
    #[arg(long, default_value_t = 90)]
    days: u32,
    /// After so many days something is late: a weekend is no cause for alarm.
    #[arg(long, default_value_t = 3, value_name = "DAYS")]
    late_after: u32,
    /// Fail if something is late, and raise the alarm `letters`: for a timer.
    #[arg(long)]
    check: bool,
    /// For machines.
    #[arg(long)]
    json: bool,
}

/// What there is to tell.
struct Told {
    batches: Vec<Progress>,
    backlog: Backlog,
    now: Timestamp,
    /// What was not done since then is late.
    late_since: Timestamp,
}

impl Told {
    fn has_late_letters(&self) -> bool {
        self.backlog.oldest.is_some_and(|oldest| oldest <= self.late_since)
    }

    fn late_batches(&self) -> usize {
        self.batches.iter().filter(|batch| batch.is_late(self.late_since)).count()
    }
}

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    let Post { population, letters, .. } = options.place.post()?;
    let world = World { population, ..world(&options.place).await? };
    let now = world.clock.now();
    let told = Told {
        batches: letter::batches(world.db.pool(), now.minus(DAY * options.days)).await?,
        backlog: letter::backlog(&world, &letters.protected_via, now).await?,
        now,
        late_since: now.minus(DAY * options.late_after),
    };
    match options.json {
        true => say(&serde_json::to_string_pretty(&for_machines(&told)?)?),
        false => for_people(&told),
    }
    match options.check {
        true => check(&told),
        false => Ok(()),
    }
}

fn for_people(told: &Told) {
    let mark = |is_late: bool| if is_late { "  LATE" } else { "" };
    for batch in &told.batches {
        let Progress { id, letters, used, returned, created_at, .. } = batch;
        let (state, age) = (batch.state(), days(*created_at, told.now));
        let counts = format!("letters {letters}, used {used}, returned {returned}");
        say(&format!("{id:<14}  {state:<12}  {counts}, days {age}{}", mark(batch.is_late(told.late_since))));
    }
    let Backlog { waiting, oldest, held } = &told.backlog;
    let age = oldest.map_or(0, |oldest| days(oldest, told.now));
    say(&format!("waiting         letters {waiting}, days {age}{}", mark(told.has_late_letters())));
    say(&format!("held            letters {held}, whose address nobody may know{}", mark(*held > 0)));
}

fn for_machines(told: &Told) -> anyhow::Result<Value> {
    let batch = |batch: &Progress| -> anyhow::Result<Value> {
        Ok(json!({
            "id": batch.id,
            "state": batch.state(),
            "destination": batch.destination,
            "letters": batch.letters,
            "used": batch.used,
            "returned": batch.returned,
            "created_at": at(Some(batch.created_at))?,
            "handed_over_at": at(batch.handed_over_at)?,
            "acknowledged_at": at(batch.acknowledged_at)?,
            "withdrawn_at": at(batch.withdrawn_at)?,
            "late": batch.is_late(told.late_since),
        }))
    };
    let batches: Vec<Value> = told.batches.iter().map(batch).collect::<anyhow::Result<_>>()?;
    let Backlog { waiting, oldest, held } = &told.backlog;
    Ok(json!({
        "batches": batches,
        "waiting": { "letters": waiting, "oldest": at(*oldest)?, "late": told.has_late_letters() },
        "held": { "letters": held, "late": *held > 0 },
    }))
}

/// How long ago something was, in whole days.
fn days(since: Timestamp, now: Timestamp) -> u64 {
    now.since(since).as_secs() / DAY.as_secs()
}

/// When something was, if it was.
fn at(when: Option<Timestamp>) -> anyhow::Result<Option<String>> {
    when.map(time).transpose()
}

/// Fails, with an alarm, if something is late.
fn check(told: &Told) -> anyhow::Result<()> {
    let (batches, held) = (told.late_batches(), told.backlog.held);
    let waiting = if told.has_late_letters() { told.backlog.waiting } else { 0 };
    if (batches, waiting, held) == (0, 0, 0) {
        return Ok(());
    }
    tracing::error!(alarm = "letters", batches, waiting, held, "letters are late");
    bail!("letters are late: {batches} batches, {waiting} letters that wait, {held} letters that nobody forwards")
}
