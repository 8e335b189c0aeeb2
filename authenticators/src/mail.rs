//! E-mail: one sender, two kinds, and none.

use std::time::Duration;

use anyhow::Context;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Envelope, Tokio1Executor};
use serde::Deserialize;

use crate::clock::Timestamp;
use crate::contact::Email;
use crate::inbox::{Inbox, Message};
use crate::sms::Failed;

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The sender.
#[derive(Clone)]
pub enum Mail {
    /// A server that takes mail (RFC 5321).
    Smtp(Smtp),
    /// Goes nowhere: development and tests read it.
    Inbox(Inbox),
    /// There is no way to send any.
    None,
}

/// A server that takes mail.
#[derive(Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// How the way to the server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// TLS is begun in the conversation, or there is none (RFC 3207).
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314 3.3).
    Implicit,
    /// On this machine alone.
    None,
}

/// Where the server is.
#[derive(Debug, Clone)]
pub struct SmtpPlace<'a> {
    /// Its name.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// How the way there is protected.
    pub tls: SmtpTls,
    /// User and password, where it asks for them.
    pub login: Option<(String, String)>,
    /// Who the mail is from: `MinID <ikke-svar@example.no>`.
    pub from: &'a str,
}

impl Smtp {
    /// Makes ready to send; connects when there is something to send.
    pub fn new(place: SmtpPlace<'_>) -> anyhow::Result<Smtp> {
        let builder = match place.tls {
            SmtpTls::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(place.host)?,
            SmtpTls::Implicit => AsyncSmtpTransport::<Tokio1Executor>::relay(place.host)?,
            SmtpTls::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(place.host),
        };
        let builder = builder.port(place.port).timeout(Some(PATIENCE));
        let builder = match place.login {
            Some((user, password)) => builder.credentials(Credentials::new(user, password)),
            None => builder,
        };
        let from = place.from.parse().with_context(|| format!("{:?} is not a sender", place.from))?;
        Ok(Smtp { transport: builder.build(), from })
    }
}

impl Mail {
    /// Whether mail can be sent at all.
    pub fn is_there(&self) -> bool {
        !matches!(self, Mail::None)
    }

    /// Sends, or says that it could not.
    pub async fn send(&self, to: &Email, words: (&str, &str), now: Timestamp) -> Result<(), Failed> {
        let (subject, text) = words;
        let done = match self {
            Mail::Inbox(inbox) => {
                let (to, subject, text) = (to.as_str().to_owned(), subject.to_owned(), text.to_owned());
                inbox.add(Message { kind: "mail", to, subject, text, at: now });
                Ok(())
            }
            // The library's own patience ends when it is connected.
            Mail::Smtp(smtp) => match tokio::time::timeout(PATIENCE, smtp.send(to, subject, text)).await {
                Ok(done) => done,
                Err(over) => Err(over.into()),
            },
            Mail::None => return Err(Failed),
        };
        done.map_err(|error| {
            // The answer of a server may repeat the address.
            tracing::warn!(kind = kind(&error), "the mail server did not take a message");
            Failed
        })
    }
}

fn kind(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref::<lettre::transport::smtp::Error>() {
        Some(error) if error.is_permanent() => "refused",
        Some(error) if error.is_transient() => "refused for now",
        Some(error) if error.is_timeout() => "no answer in time",
        Some(_) => "no connection",
        None if error.is::<tokio::time::error::Elapsed>() => "no answer in time",
        None => "not a message",
    }
}

impl Smtp {
    async fn send(&self, to: &Email, subject: &str, text: &str) -> anyhow::Result<()> {
        let to = Mailbox::new(None, to.as_str().parse()?);
        let envelope = Envelope::builder().from(self.from.clone()).to(to).subject(subject);
        let envelope = envelope.header(ContentType::TEXT_PLAIN).body(text.to_owned())?;
        self.transport.send(envelope).await?;
        Ok(())
    }
}
