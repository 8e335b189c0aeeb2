//! Letters over SFTP, to a print house that has OpenSSH's own server: each batch is brought once, wherever somebody is
//! killed, and whatever is in the way is said and loses nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use admin::letters::batch::{self, Outcome, Press};
use admin::letters::sftp::{self, Parcel};
use anyhow::{Context, ensure};
use authenticators::activation::{self, Checked, Source};
use authenticators::clock::Timestamp;
use authenticators::letter::{self, Batch, Begun, Ready, State};
use conformance::program::free_port;
use idp::config::{Issuer, LettersConfig, Plain, SftpConfig};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::letters::{HOUR, Post, SENDER, code_in, letters_in, names, resident, text_of};
use crate::site::read;

const SSHD: &str = "/usr/sbin/sshd";
/// Files may not be larger than 8 KiB, which no letter fits in: as a disk that is full.
const FULL: &str = "trap '' XFSZ; ulimit -f 16; exec \"$@\"";
const ROOMY: &str = "exec \"$@\"";

/// A print house with a server, and the folder that it takes batches from.
struct PrintHouse {
    folder: TempDir,
    port: u16,
    sshd: Child,
    said: Arc<Mutex<String>>,
}

impl PrintHouse {
    async fn open() -> anyhow::Result<PrintHouse> {
        let folder = TempDir::new()?;
        fs::create_dir(folder.path().join("inn"))?;
        for name in ["host", "other_host", "key", "other_key"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.path().join(name))
                .status()
                .context("openssh-client is needed")?;
            ensure!(made.success(), "no key");
        }
        fs::copy(folder.path().join("key.pub"), folder.path().join("authorized_keys"))?;
        let port = free_port()?;
        for name in ["host", "other_host"] {
            let key = fs::read_to_string(folder.path().join(format!("{name}.pub")))?;
            fs::write(folder.path().join(format!("{name}.known")), format!("[127.0.0.1]:{port} {key}"))?;
        }
        // Whoever starts it as a service makes that.
        let _ = fs::create_dir_all("/run/sshd");
        let said = Arc::default();
        let sshd = start(folder.path(), port, ("internal-sftp", ROOMY), &said)?;
        let mut house = PrintHouse { folder, port, sshd, said };
        house.ready().await?;
        Ok(house)
    }

    /// Another server in its place: what serves files, and in which circumstances.
    async fn serve(&mut self, how: (&str, &str)) -> anyhow::Result<()> {
        self.close()?;
        self.sshd = start(self.folder.path(), self.port, how, &self.said)?;
        self.ready().await
    }

    fn close(&mut self) -> anyhow::Result<()> {
        self.sshd.kill()?;
        self.sshd.wait()?;
        Ok(())
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            ensure!(self.sshd.try_wait()?.is_none(), "sshd ended: {:?}", self.said);
            sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("sshd does not answer: {:?}", self.said)
    }

    /// The folder that it takes batches from.
    fn inbox(&self) -> PathBuf {
        self.folder.path().join("inn")
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// The way there.
    fn way(&self) -> anyhow::Result<SftpConfig> {
        let plain = |text: String| Plain::try_from(text).map_err(anyhow::Error::msg);
        Ok(SftpConfig {
            host: plain("127.0.0.1".to_owned())?,
            port: self.port,
            user: plain(whoami()?)?,
            folder: plain(self.file("inn"))?,
            key_file: plain(self.file("key"))?,
            known_hosts_file: plain(self.file("host.known"))?,
        })
    }

    /// The same for people.
    fn section(&self) -> anyhow::Result<String> {
        let SftpConfig { host, port, user, folder, key_file, known_hosts_file } = self.way()?;
        let all = [
            ("host", host),
            ("user", user),
            ("folder", folder),
            ("key_file", key_file),
            ("known_hosts_file", known_hosts_file),
        ];
        let lines: Vec<String> = all.iter().map(|(name, value)| format!("{name} = {:?}", value.as_str())).collect();
        Ok(format!("sender = {SENDER:?}\n[letters.sftp]\nport = {port}\n{}", lines.join("\n")))
    }

    /// The one batch that it sees; there is nothing beside it.
    fn only_batch(&self) -> anyhow::Result<PathBuf> {
        let names = names(&self.inbox())?;
        let [name] = names.as_slice() else { anyhow::bail!("not one batch: {names:?}") };
        ensure!(!name.starts_with('.'), "{name}");
        Ok(self.inbox().join(name))
    }

    /// What it sees.
    fn sees(&self) -> anyhow::Result<Vec<String>> {
        Ok(names(&self.inbox())?.into_iter().filter(|name| !name.starts_with('.')).collect())
    }
}

impl Drop for PrintHouse {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

fn start(
    folder: &Path,
    port: u16,
    (subsystem, circumstances): (&str, &str),
    said: &Arc<Mutex<String>>,
) -> anyhow::Result<Child> {
    let (config, place) = (folder.join("sshd_config"), folder.display());
    let text = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {place}/host\nAuthorizedKeysFile {place}/authorized_keys\n\
         PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nSubsystem sftp {subsystem}\nLogLevel ERROR\n"
    );
    fs::write(&config, text)?;
    let mut command = Command::new("sh");
    command.args(["-c", circumstances, "sh", SSHD, "-D", "-e", "-f"]).arg(config);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut sshd = command.spawn().context("sh is needed")?;
    read(sshd.stderr.take(), said);
    Ok(sshd)
}

fn whoami() -> anyhow::Result<String> {
    let said = Command::new("id").arg("-un").output()?;
    Ok(String::from_utf8(said.stdout)?.trim().to_owned())
}

/// Letters that wait, and the way to a print house.
struct Route {
    post: Post,
    house: PrintHouse,
    letters: LettersConfig,
    issuer: Issuer,
}

impl Route {
    /// For so many letters.
    async fn new(count: usize) -> anyhow::Result<Route> {
        let residents: Vec<Value> = (0..count).map(resident).collect();
        let (mut post, house) = (Post::new(&residents).await?, PrintHouse::open().await?);
        for nth in 0..count {
            post.order(nth, "nb").await?;
        }
        post.site.set("letters", house.section()?)?;
        let mut letters = LettersConfig::of(&SENDER);
        letters.sftp = Some(house.way()?);
        let issuer = Issuer::try_from("http://localhost".to_owned()).map_err(anyhow::Error::msg)?;
        Ok(Route { post, house, letters, issuer })
    }

    fn press(&self) -> Press<'_> {
        Press { folder: &self.post.folder, issuer: &self.issuer, letters: &self.letters }
    }

    /// As another operator does it, in another folder.
    fn press_in<'a>(&'a self, folder: &'a Path) -> Press<'a> {
        Press { folder, ..self.press() }
    }

    fn way(&self) -> anyhow::Result<&SftpConfig> {
        self.letters.sftp.as_ref().context("no way")
    }

    fn now(&self) -> Timestamp {
        self.post.world.clock.now()
    }

    async fn go(&self, now: Timestamp) -> anyhow::Result<Outcome> {
        batch::next(&self.post.world, &self.press(), now).await
    }

    /// Why nothing was handed over: one line. Nothing is lost, and nobody has been told anything.
    async fn fails(&self) -> anyhow::Result<String> {
        let Err(error) = self.go(self.now()).await else { anyhow::bail!("it went well") };
        let line = format!("{error:#}");
        ensure!(!line.contains('\n'), "{line}");
        ensure!(self.house.sees()?.is_empty(), "{:?}", self.house.sees());
        ensure!(names(&self.post.folder)?.is_empty(), "letters lie about: {:?}", names(&self.post.folder));
        ensure!(self.states().await?.iter().all(|state| *state == State::Ordered), "not ordered");
        Ok(line)
    }

    /// What is handed over is one batch with so many letters.
    async fn succeeds(&self, count: usize) -> anyhow::Result<()> {
        let outcome = self.go(self.now()).await?;
        ensure!(matches!(outcome, Outcome::HandedOver { letters, .. } if letters == count), "{outcome:?}");
        ensure!(letters_in(&self.house.only_batch()?)?.len() == count, "not {count}");
        ensure!(self.states().await?.iter().all(|state| *state == State::HandedOver), "not handed over");
        ensure!(names(&self.post.folder)?.is_empty(), "letters lie about: {:?}", names(&self.post.folder));
        Ok(())
    }

    async fn states(&self) -> anyhow::Result<Vec<State>> {
        let letters = letter::since(self.post.world.db.pool(), Timestamp::from_seconds(0)).await?;
        Ok(letters.iter().map(|letter| letter.state(self.now())).collect())
    }

    /// A batch as it is left by somebody who was killed then.
    async fn killed(&self, at: Killed, then: Timestamp) -> anyhow::Result<(Batch, Vec<Ready>)> {
        let (world, press, way) = (&self.post.world, self.press(), self.way()?);
        let Begun::Batch(mut batch) = letter::begin(world, &press.printing(), then).await? else {
            anyhow::bail!("no batch");
        };
        let letters = letter::ready(world, &batch, &press.printing(), then).await?;
        if at == Killed::Drawn {
            return Ok((batch, letters));
        }
        batch::bring(world, (&press, way), &mut batch, &letters, then).await?;
        let named = |end: &str| self.house.inbox().join(format!(".{}.{}.{end}", batch.id, then.seconds()));
        if at == Killed::Bringing {
            fs::remove_dir(named("mark"))?;
            fs::remove_file(named("part").join("manifest.json"))?;
            let first = letters.first().context("no letter")?;
            fs::write(named("part").join(format!("{}.pdf", first.id)), "half of i")?;
            let here = self.post.folder.join(format!(".{}.upload", batch.id));
            fs::create_dir(&here)?;
            fs::write(here.join(format!("{}.pdf", first.id)), "all of it")?;
        }
        if matches!(at, Killed::Bringing | Killed::Brought) {
            return Ok((batch, letters));
        }
        letter::mark_written(world, &batch, then).await?;
        if at == Killed::Written {
            return Ok((batch, letters));
        }
        Parcel::of(way, &batch, then).publish().await?;
        if at == Killed::Fetched {
            fs::remove_dir_all(self.house.inbox().join(&batch.id))?;
        }
        Ok((batch, letters))
    }
}

/// Where somebody pulls the plug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    Drawn,
    Bringing,
    Brought,
    Written,
    Renamed,
    Fetched,
}

#[tokio::test]
async fn a_batch_is_brought_to_the_print_house() -> anyhow::Result<()> {
    let route = Route::new(2).await?;
    let Route { post, house, .. } = &route;
    assert_eq!(post.site.run("check", [""; 0]).await?.well()?, "The configuration is good.\n");
    // Whatever is in the way is said as the program says everything.
    let (known, other) = (house.file("host.known"), house.file("other_host.known"));
    let right = fs::read(&known)?;
    fs::copy(other, &known)?;
    let line = post.site.run("letter batch", [Path::new("--folder"), &post.folder]).await?.refused()?;
    assert!(line.contains("SFTP to ") && line.ends_with("Host key verification failed."), "{line}");
    fs::write(&known, right)?;
    let said = post.batch().await?;
    assert!(said.starts_with("Handed over batch ") && said.ends_with("Letters: 2.\nNo more letters wait.\n"), "{said}");
    let batch = house.only_batch()?;
    let letters = letters_in(&batch)?;
    assert_eq!((letters.len(), post.sealed().await?), (2, 0));
    for (_, file) in &letters {
        let text = text_of(file)?;
        let nth = usize::from(!text.contains("Storgata 0"));
        assert!(matches!(post.check(nth, &code_in(&text)?).await?, Checked::Right(_)));
    }
    assert!(names(&post.folder)?.is_empty(), "letters lie about: {:?}", names(&post.folder));
    assert_eq!(post.batch().await?, "No more letters wait.\n");
    let name = batch.file_name().context("no name")?.to_string_lossy().into_owned();
    assert_eq!(post.acknowledge(&name).await?.well()?, "Acknowledged.\n");
    assert_eq!(post.states().await?, ["acknowledged", "acknowledged"]);
    Ok(())
}

#[tokio::test]
async fn more_letters_than_one_conversation_has_come_at_once() -> anyhow::Result<()> {
    let count = sftp::AT_ONCE + 3;
    let route = Route::new(count).await?;
    route.succeeds(count).await?;
    assert_eq!(route.go(route.now()).await?, Outcome::Nothing { held: 0 });
    Ok(())
}

#[tokio::test]
async fn killed_anywhere_a_batch_is_brought_once() -> anyhow::Result<()> {
    for at in [Killed::Drawn, Killed::Bringing, Killed::Brought, Killed::Written, Killed::Renamed, Killed::Fetched] {
        let route = Route::new(2).await?;
        let Route { post, house, .. } = &route;
        let (batch, letters) = route.killed(at, route.now().minus(HOUR)).await?;
        assert_eq!(post.sealed().await?, 2, "{at:?}");
        assert!(matches!(at, Killed::Renamed) || house.sees()?.is_empty(), "{at:?}: {:?}", house.sees()?);

        let later = route.now().plus(HOUR);
        let handed_over = Outcome::HandedOver { batch: batch.id.clone(), letters: 2 };
        assert_eq!(route.go(later).await?, handed_over, "{at:?}");
        assert_eq!(route.states().await?, [State::HandedOver; 2], "{at:?}");
        assert_eq!(post.sealed().await?, 0, "{at:?}");
        assert!(names(&post.folder)?.is_empty(), "{at:?}: {:?}", names(&post.folder)?);
        if at == Killed::Fetched {
            assert!(names(&house.inbox())?.is_empty(), "brought twice: {:?}", names(&house.inbox())?);
        } else {
            let printed = letters_in(&house.only_batch()?)?;
            assert_eq!(printed.len(), 2, "{at:?}");
            for (letter, (_, file)) in letters.iter().zip(&printed) {
                assert_eq!(code_in(&text_of(file)?)?, letter.code, "{at:?}");
            }
        }
        assert_eq!(route.go(later).await?, Outcome::Nothing { held: 0 }, "{at:?}");
    }
    Ok(())
}

// The way was configured while a batch lay half made in the folder; and it was taken away while one was half brought.
#[tokio::test]
async fn a_batch_does_not_change_its_way() -> anyhow::Result<()> {
    let mut route = Route::new(1).await?;
    let here = LettersConfig::of(&SENDER);
    let press = Press { letters: &here, ..route.press() };
    let (world, then) = (&route.post.world, route.now().minus(HOUR));
    let Begun::Batch(batch) = letter::begin(world, &press.printing(), then).await? else { anyhow::bail!("no batch") };
    batch::write(&press, &batch, &letter::ready(world, &batch, &press.printing(), then).await?)?;
    let arguments = [Path::new("--folder"), &route.post.folder];
    let line = route.post.site.run("letter batch", arguments).await?.refused()?;
    let place = route.post.folder.canonicalize()?.display().to_string();
    assert!(line.contains(&format!("was begun in another place, {place},")), "{line}");
    assert!(names(&route.house.inbox())?.is_empty());
    route.post.site.set("letters", format!("sender = {SENDER:?}"))?;
    assert!(route.post.batch().await?.contains("Letters: 1."));
    assert_eq!(names(&route.post.folder)?, [batch.id]);

    let mut route = Route::new(1).await?;
    route.killed(Killed::Brought, route.now().minus(HOUR)).await?;
    route.post.site.set("letters", format!("sender = {SENDER:?}"))?;
    let arguments = [Path::new("--folder"), &route.post.folder];
    let line = route.post.site.run("letter batch", arguments).await?.refused()?;
    let place = format!("@127.0.0.1:{} (port {})", route.house.file("inn"), route.house.port);
    assert!(line.contains(&place), "{line}");
    assert!(names(&route.post.folder)?.is_empty(), "{:?}", names(&route.post.folder)?);
    let outcome = route.go(route.now().plus(HOUR)).await?;
    assert!(matches!(outcome, Outcome::HandedOver { letters: 1, .. }), "{outcome:?}");
    assert_eq!(letters_in(&route.house.only_batch()?)?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_was_brought_of_a_batch_that_was_given_up_does_not_stay() -> anyhow::Result<()> {
    let route = Route::new(1).await?;
    let (batch, _) = route.killed(Killed::Brought, route.now().minus(HOUR)).await?;
    letter::release(&route.post.world, &batch).await?;
    let inbox = route.house.inbox();
    // Somebody else's, by a name like ours: it is let be.
    let of_others = [".2020-01-01-1.17.part", ".2020-01-01-1.17.mark.x"];
    of_others.iter().try_for_each(|name| fs::create_dir(inbox.join(name)))?;
    route.post.desk("letter withdraw", &[&batch.id]).await?.well()?;
    let outcome = route.go(route.now()).await?;
    let Outcome::HandedOver { batch: next, letters: 1 } = outcome else { anyhow::bail!("{outcome:?}") };
    assert_ne!(next, batch.id);
    let mut left = vec![of_others[0].to_owned(), of_others[1].to_owned(), next];
    left.sort();
    assert_eq!(names(&inbox)?, left);
    Ok(())
}

/// A way to the print house that stops when something is true, as a network does.
struct Slow {
    port: u16,
    has_stopped: watch::Receiver<bool>,
    carrier: JoinHandle<()>,
}

impl Slow {
    /// Whoever connects is carried to this port, until `stops`: then nothing comes through any more.
    async fn to(port: u16, stops: impl Fn() -> bool + Clone + Send + Sync + 'static) -> anyhow::Result<Slow> {
        Slow::at(TcpListener::bind("127.0.0.1:0").await?, port, stops)
    }

    /// The same way, which does not stop any more.
    async fn again(slow: u16, port: u16) -> anyhow::Result<Slow> {
        Slow::at(TcpListener::bind(("127.0.0.1", slow)).await?, port, || false)
    }

    fn at(
        listener: TcpListener,
        port: u16,
        stops: impl Fn() -> bool + Clone + Send + Sync + 'static,
    ) -> anyhow::Result<Slow> {
        let slow = listener.local_addr()?.port();
        let (told, has_stopped) = watch::channel(false);
        let carrier = tokio::spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let (stops, told) = (stops.clone(), told.clone());
                carried.spawn(async move {
                    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    let (there, back) = ((stops.clone(), told.clone()), (stops, told));
                    tokio::select! {
                        () = carry(near_in, far_out, there) => {}
                        () = carry(far_in, near_out, back) => {}
                    }
                });
            }
        });
        Ok(Slow { port: slow, has_stopped, carrier })
    }
}

/// The key in a line of known hosts.
fn known_key(line: &str) -> anyhow::Result<&str> {
    line.split_once(' ').map(|(_, key)| key).context("no key")
}

/// Carries bytes until it stops, and then holds on to both ends.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    (stops, told): (impl Fn() -> bool, watch::Sender<bool>),
) {
    let mut bytes = [0; 4096];
    loop {
        let Ok(count @ 1..) = from.read(&mut bytes).await else { return };
        if *told.borrow() || stops() {
            let _ = told.send(true);
            std::future::pending::<()>().await;
        }
        let Some(some) = bytes.get(..count) else { return };
        if to.write_all(some).await.is_err() {
            return;
        }
    }
}

// Not as if: the program itself, in the middle of a conversation, and no time to tidy up.
#[tokio::test]
async fn killed_in_the_middle_of_a_conversation_a_batch_is_brought_once() -> anyhow::Result<()> {
    const COUNT: usize = 4;
    for (name, end) in [("a letter is there", ".pdf"), ("all is marked", ".mark"), ("it has its name", "manifest.json")]
    {
        let mut route = Route::new(COUNT).await?;
        let inbox = route.house.inbox();
        // What is hidden there, until the last: then the print house sees it and we have not been told.
        let is_there = move || {
            let seen = names(&inbox).unwrap_or_default();
            let within = |name: &String| names(&inbox.join(name)).unwrap_or_default();
            match end {
                ".pdf" => seen.iter().flat_map(within).any(|name| name.ends_with(end)),
                ".mark" => seen.iter().any(|name| name.ends_with(end)),
                _ => seen.iter().filter(|name| !name.starts_with('.')).flat_map(within).any(|name| name == end),
            }
        };
        let slow = Slow::to(route.house.port, is_there).await?;
        let (section, fast) = (route.house.section()?, format!("port = {}\n", route.house.port));
        let known = fs::read_to_string(route.house.file("host.known"))?;
        fs::write(route.house.file("host.known"), format!("{known}[127.0.0.1]:{} {}", slow.port, known_key(&known)?))?;
        route.post.site.set("letters", section.replace(&fast, &format!("port = {}\n", slow.port)))?;
        let mut command = route.post.site.verb("letter batch", [Path::new("--folder"), &route.post.folder]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut has_stopped = slow.has_stopped.clone();
        let stopped = timeout(Duration::from_secs(60), has_stopped.wait_for(|stopped| *stopped)).await;
        child.kill()?;
        child.wait()?;
        stopped.with_context(|| format!("{name}: it never stopped"))??;
        // Whoever it had sent on its way loses the connection, and ends as well.
        slow.carrier.abort();
        let _ = slow.carrier.await;
        assert_eq!(route.states().await?, [State::Ordered; COUNT], "{name}");
        assert_eq!(route.post.sealed().await?, i64::try_from(COUNT)?, "{name}");
        let before = route.house.sees()?.len();
        assert_eq!(before, usize::from(end == "manifest.json"), "{name}: {:?}", route.house.sees()?);

        // The network is well again, behind the same port; and so it is ten minutes later.
        let wire = Slow::again(slow.port, route.house.port).await?;
        let arguments = [Path::new("--folder"), &route.post.folder];
        let line = route.post.site.run("letter batch", arguments).await?.refused()?;
        assert!(line.contains("if they were killed, come again after"), "{name}: {line}");
        sqlx::query("UPDATE letter_batch SET leased_until = 1").execute(route.post.world.db.pool()).await?;
        let said = route.post.batch().await?;
        assert!(said.contains(&format!("Letters: {COUNT}.\n")), "{name}: {said}");
        let printed = letters_in(&route.house.only_batch()?)?;
        assert_eq!((printed.len(), route.post.sealed().await?), (COUNT, 0), "{name}");
        for (_, file) in &printed {
            let text = text_of(file)?;
            let nth = (0..COUNT).find(|nth| text.contains(&format!("Storgata {nth}"))).context("nobody's")?;
            assert!(matches!(route.post.check(nth, &code_in(&text)?).await?, Checked::Right(_)), "{name}");
        }
        assert_eq!(route.states().await?, [State::HandedOver; COUNT], "{name}");
        assert!(names(&route.post.folder)?.is_empty(), "{name}: {:?}", names(&route.post.folder)?);
        assert_eq!(route.post.batch().await?, "No more letters wait.\n", "{name}");
        assert_eq!(names(&route.house.inbox())?.len(), 1, "{name}");
        wire.carrier.abort();
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_another_one_gets_nothing() -> anyhow::Result<()> {
    let route = Route::new(1).await?;
    let known = route.house.file("host.known");
    for file in ["other_host.known", "sshd_config"] {
        fs::copy(route.house.file(file), &known)?;
        let line = route.fails().await?;
        assert!(line.contains("SFTP to ") && line.ends_with("Host key verification failed."), "{line}");
        assert!(names(&route.house.inbox())?.is_empty());
    }
    fs::write(
        &known,
        format!("[127.0.0.1]:{} {}", route.house.port, fs::read_to_string(route.house.file("host.pub"))?),
    )?;
    route.succeeds(1).await
}

#[tokio::test]
async fn a_key_that_is_not_ours_gets_nowhere() -> anyhow::Result<()> {
    let route = Route::new(1).await?;
    fs::copy(route.house.file("other_key.pub"), route.house.file("authorized_keys"))?;
    let line = route.fails().await?;
    assert!(line.contains("Permission denied (publickey)"), "{line}");
    fs::copy(route.house.file("key.pub"), route.house.file("authorized_keys"))?;
    route.succeeds(1).await
}

#[tokio::test]
async fn a_print_house_that_cannot_take_letters_loses_none() -> anyhow::Result<()> {
    let mut route = Route::new(1).await?;
    route.house.serve(("internal-sftp -R", ROOMY)).await?;
    let line = route.fails().await?;
    assert!(line.contains("remote mkdir") && line.ends_with("Permission denied"), "{line}");
    route.house.serve(("internal-sftp", FULL)).await?;
    let line = route.fails().await?;
    assert!(line.contains("write remote") && line.ends_with("Failure"), "{line}");
    route.house.serve(("internal-sftp -P rename", ROOMY)).await?;
    let line = route.fails().await?;
    assert!(line.contains("rename"), "{line}");
    fs::rename(route.house.inbox(), route.house.file("ut"))?;
    fs::create_dir(route.house.inbox())?;
    let line = route.fails().await?;
    assert!(line.contains("begun elsewhere"), "{line}");
    fs::remove_dir(route.house.inbox())?;
    fs::rename(route.house.file("ut"), route.house.inbox())?;
    route.house.close()?;
    let line = route.fails().await?;
    assert!(line.contains("Connection refused"), "{line}");
    // What was left of all that is gone once it is well again.
    route.house.serve(("internal-sftp", ROOMY)).await?;
    route.succeeds(1).await
}

#[tokio::test]
async fn a_batch_of_somebody_else_is_not_written_over() -> anyhow::Result<()> {
    let route = Route::new(1).await?;
    let (batch, _) = route.killed(Killed::Drawn, route.now().minus(HOUR)).await?;
    fs::create_dir(route.house.inbox().join(&batch.id))?;
    let Err(error) = route.go(route.now()).await else { anyhow::bail!("it went well") };
    assert!(format!("{error:#}").contains("was not made here"), "{error:#}");
    fs::remove_dir(route.house.inbox().join(&batch.id))?;
    route.succeeds(1).await
}

#[tokio::test]
async fn a_batch_that_has_become_empty_is_not_brought() -> anyhow::Result<()> {
    let route = Route::new(1).await?;
    route.killed(Killed::Drawn, route.now().minus(HOUR)).await?;
    let (world, now) = (&route.post.world, route.now());
    let letters = letter::since(world.db.pool(), Timestamp::from_seconds(0)).await?;
    let (person, mut tx) = (&letters.first().context("no letter")?.person, world.db.begin().await?);
    let times = (now, now.plus(Source::School.valid()));
    activation::issue(&mut tx, (&world.vault, &world.chance), person, Source::School, times).await?;
    tx.commit().await?;
    let outcome = route.go(now).await?;
    assert!(matches!(outcome, Outcome::HandedOver { letters: 0, .. }), "{outcome:?}");
    assert!(names(&route.house.inbox())?.is_empty(), "{:?}", names(&route.house.inbox())?);
    assert_eq!(route.states().await?, [State::Ordered]);
    Ok(())
}

#[tokio::test]
async fn of_two_operators_one_brings_a_batch() -> anyhow::Result<()> {
    let route = Route::new(3).await?;
    let (world, now, elsewhere) = (&route.post.world, route.now(), TempDir::new()?);
    let press = route.press_in(elsewhere.path());
    let outcomes = tokio::join!(route.go(now), batch::next(world, &press, now), route.go(now));
    let outcomes = [outcomes.0?, outcomes.1?, outcomes.2?];
    let handed_over = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::HandedOver { letters: 3, .. }));
    assert_eq!(handed_over.count(), 1, "{outcomes:?}");
    assert_eq!(letters_in(&route.house.only_batch()?)?.len(), 3);
    Ok(())
}

// In another folder and on another node no lock holds anybody back.
#[tokio::test]
async fn whoever_has_slept_comes_too_late() -> anyhow::Result<()> {
    for at in [Killed::Brought, Killed::Written] {
        let route = Route::new(1).await?;
        let (world, then, elsewhere) = (&route.post.world, route.now().minus(HOUR), TempDir::new()?);
        let (batch, letters) = route.killed(at, then).await?;
        let later = route.now().plus(HOUR);
        let press = route.press_in(elsewhere.path());
        let outcome = batch::next(world, &press, later).await?;
        assert_eq!(outcome, Outcome::HandedOver { batch: batch.id.clone(), letters: 1 });
        // What they were about to do.
        match at {
            Killed::Brought => assert!(letter::mark_written(world, &batch, then).await.is_err()),
            _ => assert!(Parcel::of(route.way()?, &batch, then).publish().await.is_err()),
        }
        assert!(letter::mark_handed_over(world, &batch, later).await.is_err());
        let printed = letters_in(&route.house.only_batch()?)?;
        assert_eq!((printed.len(), letters.len()), (1, 1), "{at:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_way_that_cannot_be_gone_is_told_by_a_check() -> anyhow::Result<()> {
    let mut route = Route::new(0).await?;
    let section = route.house.section()?;
    let (key, known) = (route.house.file("key"), route.house.file("host.known"));
    for (from, to, words) in [
        (key.as_str(), "/nowhere/key", "letters.sftp: key_file: "),
        (known.as_str(), "/nowhere/known", "letters.sftp: known_hosts_file: "),
        (key.as_str(), "keys/print", "letters.sftp.key_file: must begin with /"),
    ] {
        route.post.site.set("letters", section.replace(from, to))?;
        let said = route.post.site.run("check", [""; 0]).await?;
        assert!(said.code == Some(1) && said.out.lines().any(|line| line.starts_with(words)), "{words}: {said:?}");
    }
    route.post.site.set("letters", section.replace("127.0.0.1", "-oProxyCommand=x"))?;
    let line = route.post.site.run("letter batch", [Path::new("--folder"), &route.post.folder]).await?.refused()?;
    assert!(line.contains("only letters, digits"), "{line}");
    route.post.site.set("letters", section)?;
    let mut without = route.post.site.verb("check", [""; 0]);
    without.env("PATH", route.house.folder.path());
    let said = crate::site::finish(without, "").await?;
    assert!(said.out.contains("letters.sftp: cannot run sftp"), "{said:?}");
    Ok(())
}
