//! The way to a print house that takes batches over SFTP, by OpenSSH's own `sftp`: it is on every server, it knows what
//! stands in the operator's `ssh_config`, and it is mended by those who know.
//!
//! There it is as in a folder here. The letters of a batch are brought to `.{batch}.{attempt}.part`, the manifest last,
//! and the print house sees them once they have got the name `{batch}`. `.{batch}.{attempt}.mark`, an empty folder,
//! says that all of them were brought: only beside it does it mean something that they are gone. Two who are at a batch
//! at once, since one of them slept, bring it to two places, and one of those gets the name.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use authenticators::clock::Timestamp;
use authenticators::letter::Batch;
use idp::config::{Plain, SftpConfig};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// How long one conversation takes at the most. A lease outlives two.
const PATIENCE: Duration = Duration::from_mins(4);
/// How many files are brought in one conversation.
pub const AT_ONCE: usize = 50;
/// How much is told of what went wrong.
const WORDS: usize = 400;

/// A batch and its place at the print house.
pub struct Parcel<'a> {
    sftp: &'a SftpConfig,
    batch: String,
    attempt: Timestamp,
}

impl<'a> Parcel<'a> {
    /// The batch as it was brought by whoever wrote it; or as it is to be brought by us, who have begun at `now`.
    pub fn of(sftp: &'a SftpConfig, batch: &Batch, now: Timestamp) -> Parcel<'a> {
        Parcel { sftp, batch: batch.id.clone(), attempt: batch.written_at.unwrap_or(now) }
    }

    fn named(&self, end: &str) -> String {
        format!(".{}.{}.{end}", self.batch, self.attempt.seconds())
    }

    /// Clears away what others have brought who did not finish: earlier ones alone, for a later one goes on. What lies there
    /// of other batches, and of which, and when it was begun.
    pub async fn begin(&self) -> anyhow::Result<Vec<Leftover>> {
        let found = self.found().await?;
        ensure!(!found.is_done, "{} has a batch {}, and it was not made here", where_to(self.sftp), self.batch);
        let start = format!(".{}.", self.batch);
        let is_earlier = |name: &&String| {
            let attempt = name.strip_prefix(&start).and_then(|rest| rest.split('.').next());
            attempt.and_then(|attempt| attempt.parse::<i64>().ok()).is_some_and(|at| at <= self.attempt.seconds())
        };
        let earlier: Vec<String> = found.leftovers.iter().filter(is_earlier).cloned().collect();
        self.say(&removal(&earlier)).await?;
        Ok(found.of_others)
    }

    /// Clears some of it away.
    pub async fn clear(&self, names: &[String]) -> anyhow::Result<()> {
        match names.is_empty() {
            true => Ok(()),
            false => self.say(&removal(names)).await.map(|_| ()),
        }
    }

    /// Makes a place for files.
    pub async fn open(&self) -> anyhow::Result<()> {
        self.say(&format!("mkdir {}\n", self.named("part"))).await.map(|_| ())
    }

    /// Brings files, which lie in a folder here.
    pub async fn put(&self, folder: &Path, files: &[&str]) -> anyhow::Result<()> {
        let (mut script, part) = (String::new(), self.named("part"));
        for file in files {
            // To the disk, as far as the server knows how.
            writeln!(script, "put -f {file} {part}/{file}")?;
        }
        converse(self.sftp, &self.within(&script), Some(folder)).await.map(|_| ())
    }

    /// All of it was brought.
    pub async fn mark(&self) -> anyhow::Result<()> {
        self.say(&format!("mkdir {}\n", self.named("mark"))).await.map(|_| ())
    }

    /// Gives the batch the name under which the print house takes it. It may have that name already, and the print house
    /// may have taken it.
    pub async fn publish(&self) -> anyhow::Result<()> {
        let (found, part, mark) = (self.found().await?, self.named("part"), self.named("mark"));
        let has = |name: &String| found.leftovers.contains(name);
        ensure!(
            has(&mark),
            "batch {} was begun elsewhere than at {}: go on with it there",
            self.batch,
            where_to(self.sftp)
        );
        match has(&part) {
            // Never in the place of another.
            true => self.say(&format!("rename -l {part} {}\n", self.batch)).await.map(|_| ()),
            false => Ok(()),
        }
    }

    /// Clears away what nobody asks for any more.
    pub async fn forget(&self) -> anyhow::Result<()> {
        let found = self.found().await?;
        self.say(&removal(&found.leftovers)).await.map(|_| ())
    }

    async fn found(&self) -> anyhow::Result<Found> {
        let listed = self.say("ls -1a\n").await?;
        Ok(found(&listed, &self.batch))
    }

    async fn say(&self, script: &str) -> anyhow::Result<String> {
        converse(self.sftp, &self.within(script), None).await
    }

    fn within(&self, script: &str) -> String {
        format!("cd {}\n{script}", self.sftp.folder.as_str())
    }
}

/// What there is of a batch.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    /// Whether the print house sees it.
    is_done: bool,
    /// What is there beside that, of one attempt or of several.
    leftovers: Vec<String>,
    /// What is there of other batches.
    of_others: Vec<Leftover>,
}

/// What lies there of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its name.
    pub name: String,
    /// The batch.
    pub batch: String,
    /// When whoever brought it had begun.
    pub attempt: Timestamp,
}

/// Looks through the names in a folder, between what `sftp` repeats of the script. The server may say what it likes: what
/// is not a name that we give is left alone.
fn found(listed: &str, batch: &str) -> Found {
    let (ours, of_others): (Vec<Leftover>, _) =
        listed.lines().filter_map(leftover).partition(|leftover| leftover.batch == batch);
    Found {
        is_done: listed.lines().any(|name| name == batch),
        leftovers: ours.into_iter().map(|leftover| leftover.name).collect(),
        of_others,
    }
}

/// What has a name as we give it, until its batch is handed over.
fn leftover(name: &str) -> Option<Leftover> {
    let (batch, rest) = name.strip_prefix('.')?.split_once('.')?;
    let (attempt, end) = rest.split_once('.')?;
    let is_batch = !batch.is_empty() && batch.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let is_attempt = attempt.bytes().all(|byte| byte.is_ascii_digit());
    if !is_batch || !is_attempt || !matches!(end, "part" | "mark") {
        return None;
    }
    let attempt = Timestamp::from_seconds(attempt.parse().ok()?);
    Some(Leftover { name: name.to_owned(), batch: batch.to_owned(), attempt })
}

/// Somebody else may clear it away first.
fn removal(leftovers: &[String]) -> String {
    leftovers.iter().map(|name| format!("-rm {name}/*\n-rmdir {name}\n")).collect()
}

/// What can be seen of the settings from here.
pub async fn check(sftp: &SftpConfig) -> anyhow::Result<()> {
    is_there(&sftp.key_file).context("key_file")?;
    is_there(&sftp.known_hosts_file).context("known_hosts_file")?;
    // It says how it is called, and fails.
    program().arg("-h").output().await.context(MISSING).map(|_| ())
}

fn is_there(file: &Plain) -> anyhow::Result<()> {
    let bytes = std::fs::read(file.as_str()).with_context(|| format!("cannot read {}", file.as_str()))?;
    ensure!(!bytes.is_empty(), "{} is empty", file.as_str());
    Ok(())
}

/// As it is told to people, and remembered with a batch.
pub fn where_to(sftp: &SftpConfig) -> String {
    let (user, host) = (sftp.user.as_str(), address(sftp.host.as_str()));
    format!("{user}@{host}:{} (port {})", sftp.folder.as_str(), sftp.port)
}

/// What stands before a colon.
fn address(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

const MISSING: &str = "cannot run sftp: is OpenSSH's client (openssh-client) installed?";

fn program() -> Command {
    let mut program = Command::new("sftp");
    // Its words are read by people, and are looked for by tests.
    program.env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    program
}

/// What goes before whatever stands in an `ssh_config`: nobody is asked anything, we are who the key says and nobody
/// else, and so is the server.
fn options(sftp: &SftpConfig) -> [String; 15] {
    [
        format!("User={}", sftp.user.as_str()),
        format!("IdentityFile={}", sftp.key_file.as_str()),
        "IdentitiesOnly=yes".to_owned(),
        "PreferredAuthentications=publickey".to_owned(),
        "BatchMode=yes".to_owned(),
        "StrictHostKeyChecking=yes".to_owned(),
        format!("UserKnownHostsFile={}", sftp.known_hosts_file.as_str()),
        "GlobalKnownHostsFile=/dev/null".to_owned(),
        "KnownHostsCommand=none".to_owned(),
        "VerifyHostKeyDNS=no".to_owned(),
        "UpdateHostKeys=no".to_owned(),
        // A connection that somebody else has opened was checked by them.
        "ControlPath=none".to_owned(),
        "ConnectTimeout=30".to_owned(),
        "ServerAliveInterval=15".to_owned(),
        "LogLevel=ERROR".to_owned(),
    ]
}

/// Has `sftp` carry out a script until something in it fails, from a folder here; what it said.
async fn converse(sftp: &SftpConfig, script: &str, folder: Option<&Path>) -> anyhow::Result<String> {
    let mut program = program();
    program.args(["-b", "-", "-P", &sftp.port.to_string()]);
    for option in options(sftp) {
        program.args(["-o", &option]);
    }
    program.arg("--").arg(address(sftp.host.as_str()));
    if let Some(folder) = folder {
        program.current_dir(folder);
    }
    let mut child = program.spawn().context(MISSING)?;
    let mut input = child.stdin.take().context("a program without an input")?;
    let dictate = async move {
        // Whoever hangs up says why.
        let _ = input.write_all(script.as_bytes()).await;
    };
    let both = async { tokio::join!(dictate, child.wait_with_output()) };
    let what = || format!("SFTP to {}", where_to(sftp));
    // Whoever does not answer is hung up on.
    let ((), output) =
        timeout(PATIENCE, both).await.map_err(|_| anyhow!("it takes too long, and was given up")).with_context(what)?;
    let output = output.with_context(what)?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(anyhow!(complaint(&output))).with_context(what),
    }
}

/// What went wrong, in one line: `sftp` ends with why, and the frames around warnings are for a screen.
fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('@'));
    let mut lines: Vec<&str> = lines.filter(|line| *line != "Connection closed").rev().take(2).collect();
    lines.reverse();
    let line: String = lines.join("; ").chars().filter(|c| !c.is_control()).take(WORDS).collect();
    if line.is_empty() { format!("the connection was closed ({})", output.status) } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_names_on_a_server_ours_are_touched() {
        let listed = "sftp> ls -1a\n.\n..\n2026-03-02-1\n.2026-03-02-1.17.part\n.2026-03-02-1.18.mark\n.2026-03-02-11.17.part\n\
                      .2026-03-02-1.1 *.part\n.2026-03-02-1..part\n.2026-03-02-1.17.part.x\n.2026-03-02-1.17.lock\n";
        let leftovers = [".2026-03-02-1.17.part", ".2026-03-02-1.18.mark"].map(str::to_owned).to_vec();
        let (name, batch) = (".2026-03-02-11.17.part".to_owned(), "2026-03-02-11".to_owned());
        let of_others = vec![Leftover { name, batch, attempt: Timestamp::from_seconds(17) }];
        assert_eq!(found(listed, "2026-03-02-1"), Found { is_done: true, leftovers, of_others });
        let nothing = Found { is_done: false, leftovers: Vec::new(), of_others: Vec::new() };
        assert_eq!(found("2026-03-02-11\n x2026-03-02-1\n", "2026-03-02-1"), nothing);
        assert_eq!(removal(&[".b.1.part".to_owned()]), "-rm .b.1.part/*\n-rmdir .b.1.part\n");
    }

    #[test]
    fn a_complaint_is_one_line() {
        use std::os::unix::process::ExitStatusExt;
        let of = |stderr: &str| {
            let status = std::process::ExitStatus::from_raw(255 << 8);
            complaint(&Output { status, stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() })
        };
        let warning = "@@@@@@\n@ WARNING @\n@@@@@@\nIT IS POSSIBLE\nHost key for x has changed.\r\n\
                       Host key verification failed.\r\nConnection closed\n";
        assert_eq!(of(warning), "Host key for x has changed.; Host key verification failed.");
        assert_eq!(of("\u{1b}[31mno\u{7}\n"), "[31mno");
        assert!(of("Connection closed\n").starts_with("the connection was closed (exit status: 255"));
        assert_eq!(of(&"x".repeat(5000)).len(), WORDS);
    }
}
