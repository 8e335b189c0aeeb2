//! The program `porten`, started as an operator would.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;

/// The program as it was built: beside the tests, or where `PORTEN_BIN` says.
#[expect(clippy::disallowed_methods, reason = "the script that runs the tests says which program to test")]
pub fn binary() -> PathBuf {
    if let Ok(path) = std::env::var("PORTEN_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap_or_default();
    let folder = test.parent().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
    folder.join("porten")
}

/// Runs a verb to its end.
pub fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> anyhow::Result<Output> {
    Command::new(binary()).args(arguments).env_remove("PORTEN_CONFIG").output().context("cannot run porten")
}

/// A running `porten`; stopped when dropped.
pub struct Program {
    child: Child,
    /// Where it answers.
    pub url: String,
    /// Its folder, where it has one of its own.
    pub folder: Option<TempDir>,
}

impl Program {
    /// `porten dev` on a free port, in a folder of its own.
    pub async fn dev() -> anyhow::Result<Program> {
        Program::dev_with(&[]).await
    }

    /// The same with more arguments.
    pub async fn dev_with(more: &[&str]) -> anyhow::Result<Program> {
        let folder = TempDir::new()?;
        let mut command = Command::new(binary());
        command.args(["dev", "--port", "0", "--data"]).arg(folder.path()).args(more);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().context("cannot start porten")?;
        let output = child.stdout.take().context("no standard output")?;
        // It says where it runs, since it chose the port itself.
        let mut lines = BufReader::new(output).lines();
        let first = lines.next().context("porten said nothing")??;
        let url = first.split_whitespace().find_map(|word| word.strip_suffix(',').filter(|w| w.starts_with("http://")));
        let url = url.with_context(|| format!("no address in {first:?}"))?.to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        let program = Program { child, url, folder: Some(folder) };
        program.ready().await?;
        Ok(program)
    }

    /// `porten serve` with a configuration that listens at `url`.
    pub async fn serve(config: &Path, url: &str) -> anyhow::Result<Program> {
        let mut command = Command::new(binary());
        command.arg("serve").arg("--config").arg(config).env("PORTEN_LOG", "error");
        command.stdout(Stdio::null()).stderr(Stdio::inherit());
        let child = command.spawn().context("cannot start porten")?;
        let program = Program { child, url: url.to_owned(), folder: None };
        program.ready().await?;
        Ok(program)
    }

    async fn ready(&self) -> anyhow::Result<()> {
        let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build()?;
        for _ in 0..300 {
            let answer = http.get(format!("{}/health/ready", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("porten did not get ready at {}", self.url)
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, as a supervisor does, and waits for its end.
    pub fn terminate(mut self) -> anyhow::Result<()> {
        let done = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        ensure!(done.success(), "kill failed");
        let status = self.child.wait()?;
        ensure!(status.success(), "porten ended with {status}");
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port on which nobody listens. The system gives none of these to whoever connects, or asks for any, so that it is
/// still free when the program comes to it; those of two runs of tests begin at different places.
pub fn free_port() -> anyhow::Result<u16> {
    const FIRST: u32 = 11_000;
    const MANY: u32 = 21_000;
    static ASKED: AtomicU32 = AtomicU32::new(0);
    for _ in 0..MANY {
        let step = std::process::id().wrapping_mul(509).wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + step % MANY)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free")
}

/// Every test that makes TLS connections needs the provider; installing it twice is no harm.
pub fn install_tls() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
