//! SMS by Kannel, the real one: its gateway, its HTTP interface, and its own test centre as the telephone network.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use authenticators::clock::Clock;
use authenticators::contact::Phone;
use authenticators::sms::{Kannel as Sender, Sms, http_client};
use conformance::program::{free_port, install_tls};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::outside::{Neighbour, answers};
use crate::site::{Site, read};
use crate::visitor::{Person, Service, Visitor, claims, code_in};

const PASSWORD: &str = "kannel-hemmelig-1";

/// Kannel and a telephone network.
struct Kannel {
    folder: TempDir,
    url: String,
    heard: Arc<Mutex<String>>,
    processes: Vec<Neighbour>,
}

impl Kannel {
    async fn start() -> anyhow::Result<Kannel> {
        let (folder, port) = (TempDir::new()?, free_port()?);
        let url = format!("http://127.0.0.1:{port}/cgi-bin/sendsms");
        let mut kannel = Kannel { folder, url, heard: Arc::default(), processes: Vec::new() };
        let (admin, boxes, centre) = (free_port()?, free_port()?, free_port()?);
        let config = kannel.folder.path().join("kannel.conf");
        std::fs::write(&config, configuration(admin, boxes, centre, port))?;
        let config = config.to_str().context("an odd folder")?;
        kannel.spawn("bearerbox", &[config])?;
        answers(boxes).await?;
        answers(centre).await?;
        // Centre and box come when the gateway is there; one of them speaks first.
        let centre = centre.to_string();
        kannel.spawn("/usr/lib/kannel/test/fakesmsc", &["-H", "127.0.0.1", "-r", &centre, "-m", "0", "1 2 text x"])?;
        kannel.spawn("smsbox", &[config])?;
        answers(port).await?;
        Ok(kannel)
    }

    fn spawn(&mut self, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(program);
        let path = format!("{}:/usr/sbin", crate::site::wanted("PATH").unwrap_or_default());
        command.args(arguments).env("PATH", path).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{program}: kannel and kannel-extras are needed"))?;
        // What the centre says is heard, what the others say is thrown away.
        let into = if program.contains("fakesmsc") { self.heard.clone() } else { Arc::default() };
        read(child.stdout.take(), &into);
        read(child.stderr.take(), &into);
        self.processes.push(Neighbour(child));
        Ok(())
    }

    /// The `nth` message that came to a telephone: who from, who to, coding, words.
    async fn message(&self, nth: usize) -> anyhow::Result<[String; 4]> {
        for _ in 0..400 {
            let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // All messages of ours end with `#` and a number.
            let is_whole = |words: &str| words.rsplit_once('#').is_some_and(|(_, end)| end.parse::<u32>().is_ok());
            if let Some(message) = messages(&heard)?.into_iter().nth(nth).filter(|message| is_whole(&message[3])) {
                return Ok(message);
            }
            sleep(Duration::from_millis(25)).await;
        }
        anyhow::bail!("no message {nth}: {}", self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn section(&self, site: &Site) -> anyhow::Result<String> {
        let (url, file) = (&self.url, site.file("kannel.password", &format!("{PASSWORD}\n"))?);
        Ok(format!(
            "kind = \"kannel\"\nurl = {url:?}\nusername = \"porten\"\npassword_file = {file:?}\nfrom = \"MinID\""
        ))
    }
}

fn configuration(admin: u16, boxes: u16, centre: u16, port: u16) -> String {
    format!(
        "group = core\nadmin-port = {admin}\nadmin-password = x\nadmin-allow-ip = 127.0.0.1\nadmin-interface = 127.0.0.1\n\
         smsbox-port = {boxes}\nbox-allow-ip = 127.0.0.1\n\n\
         group = smsc\nsmsc = fake\nport = {centre}\nconnect-allow-ip = 127.0.0.1\n\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {port}\nsendsms-interface = 127.0.0.1\n\n\
         group = sendsms-user\nusername = porten\npassword = {PASSWORD}\n\n\
         group = sms-service\nkeyword = default\ntext = \"\"\nmax-messages = 0\n"
    )
}

/// The messages in what the centre says. It speaks line by line: the second line of a message in the alphabet of
/// GSM comes as a message without a head.
fn messages(heard: &str) -> anyhow::Result<Vec<[String; 4]>> {
    let lines =
        heard.lines().filter_map(|line| line.split_once("Got message ")?.1.split_once(": <")?.1.strip_suffix('>'));
    let mut messages: Vec<[String; 4]> = Vec::new();
    for line in lines {
        let parts: Vec<&str> = line.splitn(4, ' ').collect();
        match (parts.as_slice(), messages.last_mut()) {
            ([from, to, "text", words], _) => messages.push([*from, *to, "text", *words].map(str::to_owned)),
            ([from, to, "ucs-2", words], _) => {
                messages.push([*from, *to, "ucs-2", utf16(words)?.as_str()].map(str::to_owned));
            }
            (_, Some([.., words])) => words.extend(["\n", line]),
            (_, None) => anyhow::bail!("an odd line: {line}"),
        }
    }
    Ok(messages)
}

/// Form-encoded bytes of UTF-16.
fn utf16(text: &str) -> anyhow::Result<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().context("half a byte")?, rest.next().context("half a byte")?];
                u8::from_str_radix(std::str::from_utf8(&digits)?, 16)?
            }
            b'+' => b' ',
            other => other,
        });
    }
    let units: Vec<u16> =
        bytes.chunks(2).map(|pair| pair.iter().fold(0, |unit, byte| (unit << 8) | u16::from(*byte))).collect();
    Ok(String::from_utf16(&units)?)
}

#[tokio::test]
async fn a_login_with_a_code_by_kannel() -> anyhow::Result<()> {
    let (mut site, kannel) = (Site::new().await?, Kannel::start().await?);
    site.set("sms", kannel.section(&site)?)?;
    site.run("check", [""; 0]).await?.well()?;
    let server = site.serve().await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    let mut visitor = Visitor::new(&server.url)?;
    let page = visitor.password(&service, &person).await?;
    page.shows(200, "Skriv inn koden fra SMS-en")?;
    let [from, to, _, words] = kannel.message(0).await?;
    assert_eq!((from.as_str(), to.as_str()), ("MinID", person.mobile.as_str()));
    let code = code_in(&words)?;
    // Both lines of it: the second one is for browsers.
    assert_eq!(words, format!("MinID: Engangskoden din er {code}. Del den ikke med noen.\n\n@localhost #{code}"));
    let end = visitor.code(&page, &code).await?.code()?;
    let tokens = service.exchange(&server.url, &end).await?;
    assert_eq!(claims(&tokens)?["pid"], person.fnr.as_str());
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_at_kannel_is_a_failure_to_send() -> anyhow::Result<()> {
    let (mut site, kannel) = (Site::new().await?, Kannel::start().await?);
    site.set("sms", kannel.section(&site)?)?;
    site.file("kannel.password", "et annet\n")?;
    let server = site.serve().await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    let page = Visitor::new(&server.url)?.password(&service, &person).await?;
    page.shows(200, "Vi fikk ikke sendt SMS akkurat nå.")?;
    server.says("\"status\":403", 0).await
}

#[tokio::test]
async fn every_letter_survives() -> anyhow::Result<()> {
    install_tls();
    let kannel = Kannel::start().await?;
    let sender = Sms::Kannel(Sender {
        url: kannel.url.parse()?,
        username: "porten".into(),
        password: PASSWORD.into(),
        from: "MinID".into(),
        http: http_client()?,
    });
    let phone = Phone::parse("+4791234567").context("a telephone")?;
    let texts = [
        ("text", "Blåbær på øya, ÆØÅ: é ä ö ü\n\n@login.example.no #12345"),
        ("text", "50 % & 2 + 2 = 4? <b>; \"x\" #2"),
        ("ucs-2", "Čáŋu ruoŧa ž – «š» €\n#3"),
        ("ucs-2", "Čáŋu + 50 % & 🙂 #4"),
    ];
    for (nth, (coding, text)) in texts.into_iter().enumerate() {
        sender.send(&phone, text, Clock::System.now()).await.map_err(|failed| anyhow::anyhow!("{failed:?}"))?;
        assert_eq!(kannel.message(nth).await?, ["MinID", "+4791234567", coding, text]);
    }
    Ok(())
}
