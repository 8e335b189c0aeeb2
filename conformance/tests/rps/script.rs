//! A relying party that is a script: it says where the citizen is to go, and is told where they came out.

use std::process::Stdio;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::stage::{Stage, relying_parties};
use crate::visitor::Visitor;

/// A script on node.
pub(crate) fn node(stage: &Stage, script: &str) -> anyhow::Result<Command> {
    let folder = relying_parties();
    let installed = folder.join("node_modules").exists();
    ensure!(installed, "the npm packages are missing: run `npm ci` in conformance/rps, or conformance/run");
    let mut command = Command::new("node");
    command.arg(folder.join(script)).env("NODE_EXTRA_CA_CERTS", stage.path("ca.pem"));
    Ok(command)
}

/// A script on Python.
pub(crate) fn python(stage: &Stage, script: &str) -> anyhow::Result<Command> {
    let folder = relying_parties();
    let python = folder.join("venv/bin/python");
    ensure!(python.exists(), "Authlib is missing: conformance/run puts it into conformance/rps/venv");
    let mut command = Command::new(python);
    command.arg(folder.join(script)).env("REQUESTS_CA_BUNDLE", stage.path("ca.pem"));
    Ok(command)
}

/// Runs it to its end. What it knows then.
pub(crate) async fn play(mut command: Command, settings: &Value, stage: &Stage) -> anyhow::Result<Value> {
    let mut visitor = Visitor::new(stage, &[])?;
    let command = command.kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start the relying party")?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let mut input = input.context("no standard input")?;
    let mut lines = BufReader::new(output.context("no standard output")?).lines();
    let mut errors = child.stderr.take().context("no standard error")?;
    let errors = tokio::spawn(async move {
        let mut text = String::new();
        errors.read_to_string(&mut text).await.map(|_| text)
    });
    input.write_all(format!("{settings}\n").as_bytes()).await?;
    while let Some(line) = lines.next_line().await? {
        let said: Value = serde_json::from_str(&line).with_context(|| format!("no JSON: {line}"))?;
        let Some(to) = said["go"].as_str() else {
            ensure!(child.wait().await?.success(), "it ended badly");
            return Ok(said["done"].clone());
        };
        let page = visitor.go(to).await?;
        let page = visitor.log_in(stage, page).await?;
        let back = match page.answer_to_service() {
            Some((url, form)) => json!({ "url": url, "form": form }),
            None => json!({ "url": page.at, "form": null }),
        };
        let is_back = page.status == 0 || !back["form"].is_null();
        ensure!(is_back, "not sent back from {to}, but at {}: {} {}", page.at, page.status, page.text);
        input.write_all(format!("{back}\n").as_bytes()).await?;
    }
    anyhow::bail!("the relying party failed: {}", errors.await??)
}
