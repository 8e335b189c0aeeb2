//! Conformance as code: the modules of the OpenID Foundation's plans, under their own names, against the program
//! `porten` over HTTPS and from outside alone.
//!
//! A plan is a folder and a module a file in it, which reads as a row of a table: what is sent, and what must come
//! back. [`story`] holds the checks that every module makes, [`op`] the calls of a client, [`person`] a citizen with a
//! browser, [`provider`] the program and its clients. An argument runs the modules whose plan or name has it.

#![expect(clippy::indexing_slicing, reason = "what is missing from an answer fails the module")]

mod check;
mod jose;
mod op;
mod outside;
mod person;
mod plan;
mod provider;
mod story;

mod backchannel;
mod basic;
mod config;
mod fapi2;
mod frontchannel;
mod logout;
mod signing;

use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::plan::{Module, Plan};
use crate::provider::Provider;
use crate::story::{Mode, Story, Told, Verdict};

/// How many modules run at once, those that wait for time to pass not counted.
const AT_ONCE: usize = 6;
/// The longest wait of a module is two minutes.
const PATIENCE: Duration = Duration::from_secs(280);

/// The modules that do not apply to this provider, which advertises no `alg` none, no `email`, `address` or `phone`, no
/// `claims` parameter and no `request_uri` from elsewhere. Any other that finds nothing to examine has failed.
const NOT_APPLICABLE: [&str; 9] = [
    "oidcc-idtoken-unsigned",
    "oidcc-scope-email",
    "oidcc-scope-address",
    "oidcc-scope-phone",
    "oidcc-scope-all",
    "oidcc-alternate-happy-flow",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "fapi2-security-profile-final-test-claims-parameter-identity-claims",
];

fn plans() -> Vec<Plan> {
    vec![
        Plan::new("oidcc-basic", Mode::Plain, basic::modules()),
        Plan::new("oidcc-formpost-basic", Mode::FormPost, basic::modules()),
        Plan::new("oidcc-config", Mode::Plain, config::modules()),
        Plan::new("oidcc-rp-initiated-logout", Mode::Plain, logout::modules()),
        Plan::new("oidcc-frontchannel-rp-initiated-logout", Mode::Plain, frontchannel::modules()),
        Plan::new("oidcc-backchannel-rp-initiated-logout", Mode::Plain, backchannel::modules()),
        Plan::new("fapi2-security-profile-final", Mode::Plain, fapi2::modules()),
        Plan::new(
            "fapi2-message-signing-final",
            Mode::Signed,
            [fapi2::modules(), signing::modules()].into_iter().flatten().collect(),
        ),
    ]
}

/// A line of the table.
struct Row {
    place: usize,
    plan: &'static str,
    module: &'static str,
    result: &'static str,
    reason: String,
}

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let done = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(examine(&wanted)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "suite: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs what is wanted and prints the table; whether nothing has failed.
async fn examine(wanted: &[String]) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let mut chosen: Vec<(usize, &'static str, Mode, Module)> = Vec::new();
    for plan in plans() {
        for module in plan.modules {
            let is_wanted = |word: &String| plan.name.contains(word.as_str()) || module.name.contains(word.as_str());
            if wanted.is_empty() || wanted.iter().any(is_wanted) {
                chosen.push((chosen.len(), plan.name, plan.mode, module));
            }
        }
    }
    let mut rows = Vec::new();
    if !chosen.is_empty() {
        let provider = Arc::new(Provider::start().await?);
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        // Those that wait for time to pass begin first.
        chosen.sort_by_key(|(place, _, _, module)| (std::cmp::Reverse(module.waits), *place));
        let mut running = JoinSet::new();
        for (place, plan, mode, module) in chosen {
            running.spawn(row(place, plan, module, (provider.clone(), mode, turns.clone())));
        }
        rows = running.join_all().await;
    }
    rows.sort_by_key(|row| row.place);
    print(&rows, begun.elapsed())
}

async fn row(
    place: usize,
    plan: &'static str,
    module: Module,
    (provider, mode, turns): (Arc<Provider>, Mode, Arc<Semaphore>),
) -> Row {
    let name = module.name;
    let wishes = Arc::new(Mutex::new(Vec::new()));
    let story = Story::begin(provider, mode, wishes.clone(), turns);
    // A module that panics is one that has failed.
    let told: Told = match story.await {
        Err(error) => Err(error),
        Ok(story) => match timeout(PATIENCE, tokio::spawn((module.run)(story))).await {
            Ok(Ok(told)) => told,
            Ok(Err(error)) => Err(error.into()),
            Err(late) => Err(late.into()),
        },
    };
    let wishes = wishes.lock().unwrap_or_else(PoisonError::into_inner).join("; ");
    let (result, reason) = match told {
        Err(error) => ("FAILED", format!("{error:#}")),
        Ok(Verdict::Skipped(why)) if NOT_APPLICABLE.contains(&name) => ("SKIPPED", why),
        Ok(Verdict::Skipped(why)) => ("FAILED", format!("nothing was examined: {why}")),
        Ok(Verdict::Passed) if wishes.is_empty() => ("PASSED", wishes),
        Ok(Verdict::Passed) => ("WARNING", wishes),
    };
    Row { place, plan, module: name, result, reason }
}

fn print(rows: &[Row], took: Duration) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    let count = |result: &str| rows.iter().filter(|row| row.result == result).count();
    let mut plan = "";
    for row in rows {
        if row.plan != plan {
            plan = row.plan;
            writeln!(out, "\n{plan}")?;
        }
        let reason = row.reason.replace('\n', " ");
        let reason: String = reason.chars().take(300).collect();
        writeln!(out, "  {:<8} {:<60} {reason}", row.result, row.module)?;
    }
    let (failed, skipped) = (count("FAILED"), count("SKIPPED"));
    let passed = rows.len() - failed - skipped;
    let word = if failed == 0 { "ok" } else { "FAILED" };
    writeln!(
        out,
        "\n{} of those that passed have a warning\n\ntest result: {word}. {passed} passed; {failed} failed; {skipped} \
         ignored; 0 measured; 0 filtered out; finished in {:.2}s",
        count("WARNING"),
        took.as_secs_f64()
    )?;
    Ok(failed == 0)
}
