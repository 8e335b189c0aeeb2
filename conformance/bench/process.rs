//! The processes on the server's core, and what they cost.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::time::Instant;

const SERVER_CORE: &str = "0";
/// Of `/proc/PID/stat`, in which time is counted in hundredths of a second (proc(5), `USER_HZ`).
const TICKS: f64 = 100.0;

/// A process that answers on the server's core; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    // Kept open, so that what it prints does not break.
    _output: Option<BufReader<ChildStdout>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command on the server's core.
pub(crate) fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(SERVER_CORE).arg(program).env_remove("PORTEN_CONFIG").env_remove("PORTEN_LOG");
    command
}

impl Server {
    /// `porten dev`, answering.
    pub(crate) fn porten(porten: &Path, data: &Path) -> anyhow::Result<Server> {
        Server::timed(porten, data).map(|(server, _)| server)
    }

    /// `porten dev`, and how long it took from its start to its first answer that it is ready.
    pub(crate) fn timed(porten: &Path, data: &Path) -> anyhow::Result<(Server, Duration)> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = pinned(porten);
        command.args(["dev", "--port", &address.port().to_string(), "--data"]).arg(data).stdout(Stdio::null());
        let begun = Instant::now();
        let child = command.spawn().context("cannot start porten")?;
        let mut server = Server { child, address, _output: None };
        while !is_ready(address) {
            ensure!(server.child.try_wait()?.is_none(), "porten did not stay");
            ensure!(begun.elapsed() < Duration::from_secs(30), "porten did not get ready");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok((server, begun.elapsed()))
    }

    /// A process that prints its address first.
    pub(crate) fn announced(mut command: Command) -> anyhow::Result<Server> {
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start a server")?;
        let mut output = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("{line:?} is no address"))?;
        Ok(Server { child, address, _output: Some(output) })
    }

    /// CPU seconds that it has used.
    pub(crate) fn cpu(&self) -> anyhow::Result<f64> {
        cpu(&self.child.id().to_string())
    }

    /// CPU seconds that its hashing threads have used.
    pub(crate) fn hashing(&self) -> anyhow::Result<f64> {
        let mut sum = 0.0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let path = thread?.path();
            // A thread may have ended since.
            let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
            if name.starts_with("argon2-") {
                sum += times(&std::fs::read_to_string(path.join("stat"))?)?;
            }
        }
        Ok(sum)
    }

    /// Its memory in MiB, shared pages by share (PSS).
    pub(crate) fn memory(&self) -> anyhow::Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
        let kib: u32 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(f64::from(kib) / 1024.0)
    }
}

/// One plain request on a connection of its own.
fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// CPU seconds that a process has used: those of all its threads, those too that have ended.
pub(crate) fn cpu(process: &str) -> anyhow::Result<f64> {
    times(&std::fs::read_to_string(format!("/proc/{process}/stat"))?)
}

/// `utime` and `stime`.
fn times(stat: &str) -> anyhow::Result<f64> {
    // The second field is a name and may have anything in it.
    let (_, fields) = stat.rsplit_once(')').context("no stat")?;
    let mut fields = fields.split_whitespace().skip(11).map(str::parse::<u32>);
    let mut next = || anyhow::Ok(f64::from(fields.next().context("no times")??));
    Ok((next()? + next()?) / TICKS)
}

/// Runs a verb of `porten` to its end, on either core.
pub(crate) fn verb(porten: &Path, arguments: &[&str], data: &Path, input: &str) -> anyhow::Result<()> {
    let mut command = Command::new("taskset");
    command.args(["-c", "0,1"]).arg(porten).args(arguments).arg("--data").arg(data).env_remove("PORTEN_CONFIG");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("cannot run porten")?;
    child.stdin.take().context("no standard input")?.write_all(input.as_bytes())?;
    let status = child.wait()?;
    ensure!(status.success(), "porten {} ended with {status}", arguments.join(" "));
    Ok(())
}
