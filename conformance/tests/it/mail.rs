//! E-mail by SMTP (RFC 5321), to a server that is small and real, and to some that are none.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use authenticators::contact::{self, Email};
use authenticators::mail::{Mail, Smtp, SmtpPlace, SmtpTls};
use authenticators::sms::Failed;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conformance::browser::Browser;
use conformance::idp::TestIdp;
use conformance::program::install_tls;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::forgotten::digits;
use crate::profile::at_once;

/// What a server does with whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Takes everything.
    Takes,
    /// Knows no recipient.
    Refuses,
    /// Is busy, and says so at once.
    TurnsAway,
    /// Takes the letter, and not its end.
    HangsUp,
    /// Accepts the connection and says nothing.
    IsSilent,
}

/// A mail server that speaks as much of RFC 5321 as there is to say.
#[derive(Clone)]
struct Server {
    port: u16,
    manner: Arc<Mutex<Manner>>,
    letters: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(manner: Manner) -> anyhow::Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let server = Server { port, manner: Arc::new(Mutex::new(manner)), letters: Arc::default() };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.talk(stream).await });
            }
        });
        Ok(server)
    }

    /// The way there, as the configuration makes it.
    fn mail(&self) -> anyhow::Result<Mail> {
        install_tls();
        let from = "MinID <ikke-svar@example.no>";
        let place = SmtpPlace { host: "127.0.0.1", port: self.port, tls: SmtpTls::None, login: None, from };
        Ok(Mail::Smtp(Smtp::new(place)?))
    }

    fn manner(&self) -> Manner {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn be(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// The letters that it has, the last one last.
    fn letters(&self) -> Vec<String> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        match self.manner() {
            Manner::IsSilent => {
                // Until the other side has had enough.
                while lines.next_line().await?.is_some() {}
                return Ok(());
            }
            Manner::TurnsAway => return writer.write_all(b"421 mail.test is busy\r\n").await,
            Manner::Takes | Manner::Refuses | Manner::HangsUp => writer.write_all(b"220 mail.test\r\n").await?,
        }
        while let Some(line) = lines.next_line().await? {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let answer = match (verb.as_str(), self.manner()) {
                ("EHLO", _) => "250-mail.test\r\n250 8BITMIME\r\n",
                ("RCPT", Manner::Refuses) => "550 nobody of that name\r\n",
                ("DATA", manner) => {
                    writer.write_all(b"354 go on\r\n").await?;
                    let mut letter = Vec::new();
                    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                        // 4.5.2: what begins with a dot has one more on the way.
                        letter.push(line.strip_prefix('.').unwrap_or(&line).to_owned());
                    }
                    if manner == Manner::HangsUp {
                        return Ok(());
                    }
                    self.letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter.join("\n"));
                    "250 taken\r\n"
                }
                ("QUIT", _) => return writer.write_all(b"221 bye\r\n").await,
                _ => "250 so be it\r\n",
            };
            writer.write_all(answer.as_bytes()).await?;
        }
        Ok(())
    }
}

/// A header of a letter, with its lines unfolded (RFC 5322 2.2.3) and its words decoded (RFC 2047).
fn header(letter: &str, name: &str) -> anyhow::Result<String> {
    let head = letter.split("\n\n").next().unwrap_or_default().replace("\n ", " ").replace("\n\t", " ");
    let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    let mut rest = line.with_context(|| format!("no {name} in {letter}"))?;
    let mut text = String::new();
    while let Some((before, encoded)) = rest.split_once("=?utf-8?b?") {
        let (word, after) = encoded.split_once("?=").context("a word without an end")?;
        // What is between two such words is no part of the text.
        if text.is_empty() || !before.trim().is_empty() {
            text.push_str(before);
        }
        text.push_str(&String::from_utf8(STANDARD.decode(word)?)?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn to(address: &str) -> anyhow::Result<Email> {
    Email::parse(address).context("no e-mail")
}

/// A browser at the page that asks for the missing address.
async fn at_the_address(idp: &TestIdp) -> anyhow::Result<Browser> {
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let row = idp.row_of(&kari).await?;
    let mut tx = idp.app.world.db.begin().await?;
    contact::remove_email(&mut tx, &row.id, idp.now()).await?;
    tx.commit().await?;
    idp.advance(Duration::from_hours(24 * 90));
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.log_in(idp, &kari).await?;
    assert!(browser.shows("E-postadressen din"), "{}", browser.page.body);
    Ok(browser)
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written() -> anyhow::Result<()> {
    let server = Server::start(Manner::Takes).await?;
    let (mail, idp) = (server.mail()?, TestIdp::start().await?);
    let kari = to("kari.nordmann+minid@example.no")?;
    for (subject, text) in [
        ("Melding om MinID-en din", "Passordet ditt er endret. Var det ikke deg? Ring 800 30 300."),
        ("Kode", "Koden din er 012345.\n.\n.. og en linje til"),
        ("Bođii oođđa reive: čájet áššis ŋ š ŧ ž", "Rødgrønn blåbærsyltetøy på Ålesund – «ja» 😀"),
        ("Rødgrønn blåbærsyltetøy på Ålesund og mange flere ord enn det er plass til på en linje", "a"),
    ] {
        assert_eq!(mail.send(&kari, (subject, text), idp.now()).await, Ok(()));
        let letter = server.letters().pop().context("nothing came")?;
        assert_eq!(header(&letter, "Subject")?, subject);
        assert_eq!(header(&letter, "To")?, "kari.nordmann+minid@example.no");
        assert!(header(&letter, "From")?.ends_with("<ikke-svar@example.no>"), "{letter}");
        assert!(header(&letter, "Content-Type")?.to_lowercase().contains("utf-8"), "{letter}");
        assert!(letter.is_ascii(), "{letter}");
        if text.is_ascii() {
            assert_eq!(letter.split_once("\n\n").map(|(_, body)| body.trim_end()), Some(text), "{letter}");
        }
    }
    assert_eq!(server.letters().len(), 4);
    Ok(())
}

// A letter takes a moment, in which people click again.
#[tokio::test]
async fn of_many_clicks_at_once_one_sends_a_code() -> anyhow::Result<()> {
    let server = Server::start(Manner::Takes).await?;
    let mail = server.mail()?;
    let idp = TestIdp::with(|setup| setup.mail = Some(mail)).await?;
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let mut sent = 0;
    for place in ["as a guest", "in the login", "on the profile"] {
        let mut browser = match place {
            "as a guest" => idp.browser(),
            "in the login" => at_the_address(&idp).await?,
            _ => idp.by_test_id(&client, &kari, "substantial").await?,
        };
        match place {
            "as a guest" => browser.get(&idp.authorize(&client, &[("acr_values", "selfregistered-email")])).await?,
            "in the login" => &mut browser,
            _ => browser.get("/profil/kontakt/epost").await?,
        };
        for fields in [vec![("do", "next"), ("email", "ny@example.no")], vec![("do", "resend")]] {
            let (path, csrf) = (browser.action()?, browser.csrf()?);
            let mut tabs = at_once(&browser, &path, &[vec![("csrf", csrf.as_str())], fields].concat(), 4).await?;
            sent += 1;
            assert_eq!(server.letters().len(), sent, "{place}");
            // Whichever click's answer the browser shows, it asks for the code.
            for tab in &mut tabs {
                tab.follow().await?;
                assert!(tab.page.body.contains("name=\"code\""), "{place}: {}", tab.page.body);
            }
            browser = tabs.pop().context("a tab")?;
            idp.advance(Duration::from_secs(31));
        }
    }
    Ok(())
}

// Attack: a name or a text that brings headers and letters of its own.
#[tokio::test]
async fn nothing_that_is_written_becomes_a_header_or_a_letter() -> anyhow::Result<()> {
    let server = Server::start(Manner::Takes).await?;
    let (mail, idp) = (server.mail()?, TestIdp::start().await?);
    let kari = to("kari@example.no")?;
    let evil = "Hei\r\nBcc: ola@example.no\r\n\r\nEt annet brev";
    let smuggled = "Hei\r\n.\r\nMAIL FROM:<x@example.no>\r\nRCPT TO:<ola@example.no>\r\nDATA\r\nHei Ola\r\n.\r\n";
    for (subject, text) in [(evil, "a"), ("Kode", evil), ("Kode", smuggled), ("Kode", "Hei\n.\nQUIT\n")] {
        // Whether it takes them or not.
        let _ = mail.send(&kari, (subject, text), idp.now()).await;
    }
    for letter in server.letters() {
        let head = letter.split("\n\n").next().unwrap_or_default();
        assert!(head.lines().all(|line| !line.to_lowercase().starts_with("bcc:")), "{letter}");
        assert_eq!(header(&letter, "To")?, "kari@example.no");
    }
    assert!((3..=4).contains(&server.letters().len()), "{:?}", server.letters());
    Ok(())
}

#[tokio::test]
async fn an_address_is_proved_by_a_code_that_came_with_the_post() -> anyhow::Result<()> {
    let server = Server::start(Manner::Takes).await?;
    let mail = server.mail()?;
    let idp = TestIdp::with(|setup| setup.mail = Some(mail)).await?;
    let mut browser = at_the_address(&idp).await?;
    browser.answer(&[("do", "next"), ("email", "ny@example.no")]).await?;
    let letter = server.letters().pop().context("nothing came")?;
    assert_eq!(header(&letter, "To")?, "ny@example.no");
    assert_eq!(header(&letter, "Subject")?, "MinID: Kode for å bekrefte e-postadressen din");
    let code = digits(letter.split_once("\n\n").context("no text")?.1);
    assert_eq!(code.len(), 6, "{letter}");
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn a_server_that_refuses_costs_the_citizen_nothing() -> anyhow::Result<()> {
    let server = Server::start(Manner::Refuses).await?;
    let mail = server.mail()?;
    let idp = TestIdp::with(|setup| setup.mail = Some(mail)).await?;
    let mut browser = at_the_address(&idp).await?;
    // Nine failures, and not one of the five an hour is used up.
    for manner in [Manner::Refuses, Manner::TurnsAway, Manner::HangsUp].repeat(3) {
        server.be(manner);
        browser.answer(&[("do", "next"), ("email", "ny@example.no")]).await?;
        assert!(browser.page.body.contains("id=\"problem\""), "{manner:?}: {}", browser.page.body);
        assert!(browser.shows("Du har ikke mistet noe"), "{manner:?}: {}", browser.page.body);
    }
    assert!(server.letters().is_empty());
    server.be(Manner::Takes);
    browser.answer(&[("do", "next"), ("email", "ny@example.no")]).await?;
    let letter = server.letters().pop().context("nothing came")?;
    let code = digits(letter.split_once("\n\n").context("no text")?.1);
    browser.answer(&[("do", "next"), ("code", &code)]).await?;
    assert!(browser.sent_back("code").is_ok(), "{}", browser.page.body);
    Ok(())
}

#[tokio::test]
async fn who_has_no_mail_server_reaches_nobody_and_says_so() -> anyhow::Result<()> {
    let (idp, port) = (TestIdp::start().await?, conformance::program::free_port()?);
    let place = SmtpPlace { host: "127.0.0.1", port, tls: SmtpTls::None, login: None, from: "ikke-svar@example.no" };
    let kari = to("kari@example.no")?;
    for mail in [Mail::Smtp(Smtp::new(place)?), Mail::None] {
        assert_eq!(mail.send(&kari, ("Kode", "012345"), idp.now()).await, Err(Failed));
    }
    let place = SmtpPlace { host: "127.0.0.1", port, tls: SmtpTls::None, login: None, from: "no sender" };
    assert!(Smtp::new(place).is_err());
    Ok(())
}

// A server that takes the connection and nothing else would keep the citizen waiting for ever. The ten seconds that it
// has are the only ones here that pass: they are the system's own.
#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_and_the_page_says_so() -> anyhow::Result<()> {
    let server = Server::start(Manner::IsSilent).await?;
    let mail = server.mail()?;
    let idp = TestIdp::with(|setup| setup.mail = Some(mail)).await?;
    let mut browser = at_the_address(&idp).await?;
    browser.answer(&[("do", "next"), ("email", "ny@example.no")]).await?;
    assert!(browser.page.status.is_success() && browser.shows("Du har ikke mistet noe"), "{}", browser.page.body);
    // And the next who comes finds one that works.
    server.be(Manner::Takes);
    browser.answer(&[("do", "next"), ("email", "ny@example.no")]).await?;
    assert_eq!(server.letters().len(), 1, "{}", browser.page.body);
    Ok(())
}
