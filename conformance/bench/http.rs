//! HTTP/1.1 over one kept connection, with as little work as can be, so that the load costs less than the server.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const ROOM: usize = 16 * 1024;

/// A connection.
pub(crate) struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, as it lies in the connection's buffer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    head: &'a str,
    body: &'a [u8],
}

impl Line {
    /// Connects from one of this machine's many loopback addresses.
    pub(crate) async fn open(from: Ipv4Addr, to: SocketAddr) -> anyhow::Result<Line> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(to).await.with_context(|| format!("cannot reach {to}"))?;
        stream.set_nodelay(true)?;
        Ok(Line { stream, buffer: Vec::with_capacity(ROOM) })
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&mut self, request: &str) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let (head, body) = loop {
            self.read().await?;
            if let Some(lengths) = lengths(&self.buffer)? {
                break lengths;
            }
        };
        while self.buffer.len() < head + body {
            self.read().await?;
        }
        let (head, body) = self.buffer.split_at_checked(head).context("a short answer")?;
        let head = std::str::from_utf8(head)?;
        let status = head.get(9..12).and_then(|status| status.parse().ok()).context("no status")?;
        Ok(Answer { status, head, body })
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        self.buffer.reserve(ROOM);
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server closed a connection");
        Ok(())
    }

    /// Sends a GET.
    pub(crate) async fn get(&mut self, path: &str, cookies: &str) -> anyhow::Result<Answer<'_>> {
        self.ask(&get(path, cookies)).await
    }

    /// Sends a form as a browser does.
    pub(crate) async fn post(&mut self, path: &str, cookies: &str, form: &str) -> anyhow::Result<Answer<'_>> {
        self.ask(&post(path, &format!("cookie: {cookies}"), form)).await
    }
}

/// A GET.
pub(crate) fn get(path: &str, cookies: &str) -> String {
    let cookies = if cookies.is_empty() { String::new() } else { format!("cookie: {cookies}\r\n") };
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{cookies}\r\n")
}

/// A POST of a form, with one more header line.
pub(crate) fn post(path: &str, header: &str, form: &str) -> String {
    let length = form.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{header}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {length}\r\n\r\n{form}"
    )
}

/// Bytes of head and body; nothing while the head is not complete.
fn lengths(buffer: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else { return Ok(None) };
    let text = std::str::from_utf8(buffer.get(..head).unwrap_or_default())?;
    let length = between(text, "content-length: ", "\r").context("an answer without content-length")?;
    Ok(Some((head, length.parse()?)))
}

/// What stands between two marks.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inside, _)| inside)
}

impl<'a> Answer<'a> {
    /// Fails unless the status is this one.
    pub(crate) fn expect(self, status: u16) -> anyhow::Result<Answer<'a>> {
        if self.status == status {
            return Ok(self);
        }
        let body: String = String::from_utf8_lossy(self.body).chars().take(2000).collect();
        bail!("{} and not {status} was answered: {body}", self.status)
    }

    /// The body.
    pub(crate) fn text(&self) -> anyhow::Result<&'a str> {
        Ok(std::str::from_utf8(self.body)?)
    }

    /// Where it leads.
    pub(crate) fn location(&self) -> anyhow::Result<&'a str> {
        between(self.head, "\r\nlocation: ", "\r").context("no location")
    }

    /// The code that it takes to the service.
    pub(crate) fn code(&self) -> anyhow::Result<String> {
        between(self.location()?, "?code=", "&").map(str::to_owned).context("no code")
    }

    /// A cookie that it sets, as it is sent back.
    pub(crate) fn cookie(&self, name: &str) -> anyhow::Result<String> {
        let value = between(self.head, &format!("\r\nset-cookie: {name}="), ";").context("no cookie")?;
        Ok(format!("{name}={value}"))
    }
}
