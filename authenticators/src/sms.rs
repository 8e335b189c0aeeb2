//! SMS: one sender, three kinds.

use std::time::Duration;

use reqwest::{Client, redirect};
use serde_json::json;
use url::Url;

use crate::clock::Timestamp;
use crate::contact::Phone;
use crate::inbox::{Inbox, Message};

/// How long a gateway may take.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// The HTTP client for gateways: follows nothing and waits five seconds.
pub fn http_client() -> anyhow::Result<Client> {
    Ok(Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).build()?)
}

impl Sms {
    /// Sends, or says that it could not.
    pub async fn send(&self, to: &Phone, text: &str, now: Timestamp) -> Result<(), Failed> {
        let answer = match self {
            Sms::Inbox(inbox) => {
                let (to, text) = (to.as_str().to_owned(), text.to_owned());
                inbox.add(Message { kind: "sms", to, subject: String::new(), text, at: now });
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
