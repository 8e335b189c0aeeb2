//! A folder with a configuration, its secrets and its database, and the program that is started in it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use conformance::program::{binary, free_port, install_tls};
use sqlx::{Connection, Executor};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use url::Url;

/// A number that nobody has drawn before.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// 32 bytes in base64.
pub(crate) fn master_key(fill: u8) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode([fill; 32])
}

#[expect(clippy::disallowed_methods, reason = "the script that runs the tests says which servers there are")]
pub(crate) fn wanted(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The program without what the environment of these tests says.
pub(crate) fn porten() -> Command {
    let mut command = Command::new(binary());
    command.env_remove("PORTEN_CONFIG").env_remove("PORTEN_LOG").stdin(Stdio::null());
    command
}

/// What a verb said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Its standard output; it must have gone well and quietly.
    pub(crate) fn well(self) -> anyhow::Result<String> {
        ensure!(self.code == Some(0) && self.err.is_empty(), "not well: {self:?}");
        Ok(self.out)
    }

    /// The one line with which it refused.
    pub(crate) fn refused(self) -> anyhow::Result<String> {
        let (line, more) = self.err.split_once('\n').unwrap_or((&self.err, ""));
        ensure!(self.code == Some(1) && line.starts_with("porten: ") && more.is_empty(), "not refused: {self:?}");
        Ok(line.to_owned())
    }
}

/// Runs a command to its end, with `input` on its standard input. A server that should have refused does not
/// hold the tests up for ever.
pub(crate) async fn finish(mut command: Command, input: &str) -> anyhow::Result<Said> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().context("no standard input")?.write_all(input.as_bytes())?;
    let id = child.id();
    let waiting = tokio::task::spawn_blocking(move || child.wait_with_output());
    let output = match timeout(Duration::from_secs(30), waiting).await {
        Ok(output) => output??,
        Err(_) => {
            signal(id, "KILL")?;
            anyhow::bail!("{command:?} did not end");
        }
    };
    let text = |bytes| String::from_utf8(bytes).context("not UTF-8");
    Ok(Said { code: output.status.code(), out: text(output.stdout)?, err: text(output.stderr)? })
}

/// Sends a signal, as a supervisor does.
pub(crate) fn signal(process: u32, name: &str) -> anyhow::Result<()> {
    let done = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status()?;
    ensure!(done.success(), "kill failed");
    Ok(())
}

/// A folder with all that `porten serve` needs.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    /// The configuration, section by section.
    sections: BTreeMap<&'static str, String>,
    schema: Option<(String, String)>,
}

impl Site {
    /// On SQLite and in memory, or on what the environment names.
    pub(crate) async fn new() -> anyhow::Result<Site> {
        let mut site = Site::on_sqlite()?;
        if let Some(url) = wanted("TEST_DATABASE_URL") {
            site.schema = Some(fresh_schema(&url).await?);
            let url = within(&url, &site.schema.as_ref().context("no schema")?.1);
            site.set("database", format!("url = {url:?}"))?;
        }
        if let Some(url) = wanted("TEST_REDIS_URL") {
            site.set("scratch", format!("redis = {url:?}"))?;
        }
        Ok(site)
    }

    /// On SQLite and in memory.
    pub(crate) fn on_sqlite() -> anyhow::Result<Site> {
        install_tls();
        let mut site = Site { folder: TempDir::new()?, port: free_port()?, sections: BTreeMap::new(), schema: None };
        site.file("master.key", &format!("{}\n", master_key(7)))?;
        site.file("sms.token", "gateway-token-1\n")?;
        let port = site.port;
        // The visitors come by a proxy, each from an address of their own.
        let server = "trusted_proxies = [\"127.0.0.1/32\"]";
        site.set("server", format!("address = \"127.0.0.1:{port}\"\nissuer = \"http://localhost:{port}\"\n{server}"))?;
        site.set("database", format!("url = {:?}", site.sqlite()))?;
        site.set("keys", format!("file = {:?}", site.folder.path().join("master.key")))?;
        site.set_gateway("http://127.0.0.1:1/")?;
        site.set("password", "memory_kib = 256\niterations = 1")?;
        Ok(site)
    }

    /// The URL of the database in the folder.
    pub(crate) fn sqlite(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.folder.path().join("porten.db").display())
    }

    /// The URL of the database.
    pub(crate) fn database(&self) -> String {
        match &self.schema {
            Some((url, schema)) => within(url, schema),
            None => self.sqlite(),
        }
    }

    /// Puts a section of the configuration in the place of what it was.
    pub(crate) fn set(&mut self, section: &'static str, text: impl Into<String>) -> anyhow::Result<()> {
        self.sections.insert(section, text.into());
        self.write()
    }

    /// Adds to a section of the configuration.
    pub(crate) fn add(&mut self, section: &'static str, text: &str) -> anyhow::Result<()> {
        let section = self.sections.entry(section).or_default();
        section.push('\n');
        section.push_str(text);
        self.write()
    }

    /// Sends messages by the HTTP gateway at `url`.
    pub(crate) fn set_gateway(&mut self, url: &str) -> anyhow::Result<()> {
        let token = self.folder.path().join("sms.token");
        self.set("sms", format!("kind = \"gateway\"\nurl = {url:?}\ntoken_file = {token:?}\nfrom = \"MinID\""))
    }

    fn write(&self) -> anyhow::Result<()> {
        let sections: Vec<String> = self.sections.iter().map(|(name, text)| format!("[{name}]\n{text}\n")).collect();
        Ok(std::fs::write(self.config(), sections.join("\n"))?)
    }

    /// Where the configuration is.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("porten.toml")
    }

    /// Writes a file beside it.
    pub(crate) fn file(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// A verb on this site, such as `client add`, with more arguments.
    pub(crate) fn verb<S: AsRef<OsStr>>(&self, verb: &str, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = porten();
        command.args(verb.split(' ')).arg("--config").arg(self.config()).args(arguments);
        command
    }

    /// Runs such a verb.
    pub(crate) async fn run<S>(&self, verb: &str, arguments: impl IntoIterator<Item = S>) -> anyhow::Result<Said>
    where
        S: AsRef<OsStr>,
    {
        finish(self.verb(verb, arguments), "").await
    }

    /// Runs it with something on its standard input.
    pub(crate) async fn run_with(&self, verb: &str, arguments: &[&str], input: &str) -> anyhow::Result<Said> {
        finish(self.verb(verb, arguments), input).await
    }

    /// `porten serve`, until it is ready.
    pub(crate) async fn serve(&self) -> anyhow::Result<Server> {
        let scheme = match self.sections.get("server") {
            Some(server) if server.contains("https:") => "https",
            _ => "http",
        };
        let url = format!("{scheme}://localhost:{}", self.port);
        Server::start(self.verb("serve", [""; 0]), url).await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let Some((url, schema)) = self.schema.take() else { return };
        let clear = async move {
            let mut connection = sqlx::postgres::PgConnection::connect(&url).await?;
            connection.execute(sqlx::AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).await
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let _ = std::thread::spawn(move || runtime.map(|runtime| runtime.block_on(clear))).join();
    }
}

async fn fresh_schema(url: &str) -> anyhow::Result<(String, String)> {
    let schema = format!("program_{:016x}", random());
    let mut connection = sqlx::postgres::PgConnection::connect(url).await.context("TEST_DATABASE_URL")?;
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await?;
    Ok((url.to_owned(), schema))
}

/// The URL of a schema in a Postgres database.
pub(crate) fn within(url: &str, schema: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}options=-c%20search_path%3D{schema}")
}

/// A running program; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it answers.
    pub(crate) url: String,
    said: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a command that will answer at `url`, and waits until it is ready.
    pub(crate) async fn start(mut command: Command, url: String) -> anyhow::Result<Server> {
        let mut server = Server::spawn(&mut command)?;
        server.url = url;
        server.ready().await?;
        Ok(server)
    }

    /// `porten dev`, which says itself where it answers.
    pub(crate) async fn dev(mut command: Command) -> anyhow::Result<Server> {
        let mut server = Server::spawn(&mut command)?;
        for _ in 0..600 {
            if let Some(port) = server.said().split("http://localhost:").nth(1) {
                let port: String = port.chars().take_while(char::is_ascii_digit).collect();
                server.url = format!("http://localhost:{port}");
                server.ready().await?;
                return Ok(server);
            }
            server.is_alive()?;
            sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("it did not say where it runs: {}", server.said())
    }

    fn spawn(command: &mut Command) -> anyhow::Result<Server> {
        install_tls();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cannot start porten")?;
        let said = Arc::new(Mutex::new(String::new()));
        read(child.stdout.take(), &said);
        read(child.stderr.take(), &said);
        Ok(Server { child, url: String::new(), said })
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build()?;
        for _ in 0..600 {
            let answer = http.get(format!("{}/health/ready", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            self.is_alive()?;
            sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("it did not get ready at {}: {}", self.url, self.said())
    }

    fn is_alive(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => anyhow::bail!("it ended with {status}: {}", self.said()),
        }
    }

    /// All that it has said so far, on either stream.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has said these words, after the first `from` bytes.
    pub(crate) async fn says(&self, words: &str, from: usize) -> anyhow::Result<()> {
        for _ in 0..200 {
            if self.said().get(from..).is_some_and(|said| said.contains(words)) {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("it did not say {words:?}: {}", self.said())
    }

    /// The port that it answers on.
    pub(crate) fn port(&self) -> anyhow::Result<u16> {
        Url::parse(&self.url)?.port().context("no port")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) -> anyhow::Result<()> {
        signal(self.child.id(), name)
    }

    /// Waits for its end.
    pub(crate) async fn end(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let wait = async {
            loop {
                if let Some(status) = self.child.try_wait()? {
                    return anyhow::Ok(status);
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(patience, wait).await.context("it did not end in time")?
    }

    /// As a power cut would end it.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.signal("KILL")?;
        self.end(Duration::from_secs(10)).await.map(|_| ())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a stream to its end, line by line.
pub(crate) fn read(stream: Option<impl std::io::Read + Send + 'static>, into: &Arc<Mutex<String>>) {
    let (Some(stream), into) = (stream, into.clone()) else { return };
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            into.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
}
