//! SMS: one sender, three kinds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, redirect};
use serde::Serialize;
use serde_json::json;
use url::Url;

use crate::clock::Timestamp;
use crate::contact::Phone;

/// How long a gateway may take.
const PATIENCE: Duration = Duration::from_secs(5);
const KEPT: usize = 200;

/// The message did not go out; why is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// The sender.
#[derive(Clone)]
pub enum Sms {
    /// A gateway that takes JSON over HTTP.
    Gateway(Gateway),
    /// Kannel, which speaks to message centres (its `sendsms` interface).
    Kannel(Kannel),
    /// Goes nowhere: development and tests read it.
    Inbox(Inbox),
}

/// Takes `POST {"from", "to", "text"}` with a bearer token and answers 2xx when it has the message.
#[derive(Clone)]
pub struct Gateway {
    /// Where.
    pub url: Url,
    /// The bearer token.
    pub token: String,
    /// Who the message is from: letters or a number.
    pub from: String,
    /// The HTTP client.
    pub http: Client,
}

/// Kannel's user guide, chapter 6: a GET, answered with 202 when the message is accepted.
#[derive(Clone)]
pub struct Kannel {
    /// Where, up to and with `/cgi-bin/sendsms`.
    pub url: Url,
    /// The user of the `sendsms-user` group.
    pub username: String,
    /// And the password.
    pub password: String,
    /// Who the message is from.
    pub from: String,
    /// The HTTP client.
    pub http: Client,
}

/// Messages as they would have gone out, the newest first.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<VecDeque<Message>>>);

/// A message in the development inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Always `sms`.
    pub kind: &'static str,
    /// The number.
    pub to: String,
    /// The words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// The HTTP client for gateways: follows nothing and waits five seconds.
pub fn http_client() -> anyhow::Result<Client> {
    Ok(Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).build()?)
}

impl Sms {
    /// Sends, or says that it could not.
    pub async fn send(&self, to: &Phone, text: &str, now: Timestamp) -> Result<(), Failed> {
        let answer = match self {
            Sms::Inbox(inbox) => {
                inbox.add(Message { kind: "sms", to: to.as_str().to_owned(), text: text.to_owned(), at: now });
                return Ok(());
            }
            Sms::Gateway(gateway) => {
                let body = json!({ "from": gateway.from, "to": to.as_str(), "text": text });
                gateway.http.post(gateway.url.clone()).bearer_auth(&gateway.token).json(&body).send().await
            }
            Sms::Kannel(kannel) => {
                let query = [
                    ("username", kannel.username.as_str()),
                    ("password", &kannel.password),
                    ("from", &kannel.from),
                    ("to", to.as_str()),
                    ("text", text),
                    ("charset", "UTF-8"),
                    // GSM's own alphabet has æ, ø and å; whatever it lacks needs UCS-2.
                    ("coding", if text.chars().all(in_gsm_alphabet) { "0" } else { "2" }),
                ];
                kannel.http.get(kannel.url.clone()).query(&query).send().await
            }
        };
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => {
                tracing::warn!(status = answer.status().as_u16(), "the SMS gateway refused a message");
                Err(Failed)
            }
            Err(error) => {
                // The URL holds Kannel's password and the number.
                tracing::warn!(error = %error.without_url(), "the SMS gateway did not answer");
                Err(Failed)
            }
        }
    }
}

/// 3GPP TS 23.038 6.2.1, the letters that our messages can have.
fn in_gsm_alphabet(c: char) -> bool {
    matches!(c, ' '..='_' | 'a'..='z' | '\n' | 'æ' | 'ø' | 'å' | 'Æ' | 'Ø' | 'Å' | 'é' | 'ä' | 'ö' | 'ü')
        && !matches!(c, '[' | '\\' | ']' | '^')
}

impl Inbox {
    fn add(&self, message: Message) {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push_front(message);
        messages.truncate(KEPT);
    }

    /// All that is kept, the newest first.
    pub fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
