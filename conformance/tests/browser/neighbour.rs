//! Other services on this machine: one that answers, one that never does, one that is not there.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use crate::chromium::Chromium;
use crate::stage::Stage;

const PAGE: &str = "<!doctype html><html lang=\"en\"><head><title>Here</title><link rel=\"icon\" href=\"data:,\"></head>\
                    <body><p>Here</p></body></html>";

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Answers,
    Silent,
    Refuses,
}

/// How it wants to be told of a logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Front,
    Back,
}

/// A service that listens on the loopback address.
pub(crate) struct Neighbour {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    /// The paths that it was asked for.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Neighbour {
    pub(crate) fn open(name: &'static str, manner: Manner) -> anyhow::Result<Neighbour> {
        // One of the ports that nobody is given by the system is refused for as long as the story lasts.
        let port = match manner {
            Manner::Refuses => conformance::program::free_port()?,
            Manner::Silent | Manner::Answers => 0,
        };
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heard = asked.clone();
        match manner {
            Manner::Refuses => drop(listener),
            Manner::Silent => {
                std::thread::spawn(move || {
                    // Kept, for a closed connection would be an answer.
                    let _kept: Vec<TcpStream> = listener.incoming().flatten().collect();
                });
            }
            Manner::Answers => {
                std::thread::spawn(move || {
                    for stream in listener.incoming().flatten() {
                        let heard = heard.clone();
                        std::thread::spawn(move || answer(stream, &heard));
                    }
                });
            }
        }
        Ok(Neighbour { name, url, asked })
    }

    fn id(&self) -> String {
        format!("neighbour-{}", self.url.rsplit(':').next().unwrap_or_default())
    }

    /// Becomes a client, and is logged in to by whoever is logged in. The browser lands at `host`, which answers.
    pub(crate) async fn visited(
        &self,
        (stage, chromium): (&Stage, &Chromium),
        channel: Channel,
        host: &Neighbour,
    ) -> anyhow::Result<()> {
        let landing = format!("{}/cb", host.url);
        let uri = match channel {
            Channel::Front => "frontchannel_logout_uri",
            Channel::Back => "backchannel_logout_uri",
        };
        stage.register(&json!({
            "client_id": self.id(),
            "client_name": self.name,
            "application_type": "browser",
            "token_endpoint_auth_method": "none",
            "redirect_uris": [format!("{}/cb", self.url), landing],
            "frontchannel_logout_session_required": channel == Channel::Front,
            uri: format!("{}/out", self.url),
        }))?;
        let mut url = url::Url::parse(&stage.porten)?.join("/authorize")?;
        url.query_pairs_mut().extend_pairs([
            ("client_id", self.id().as_str()),
            ("redirect_uri", landing.as_str()),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "s"),
            ("nonce", "n"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ]);
        chromium.open(url.as_str()).await?;
        chromium.arrives(&landing).await
    }

    /// The paths under `/out` that it was asked for.
    pub(crate) fn told(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|path| path.starts_with("/out")).cloned().collect()
    }
}

fn answer(mut stream: TcpStream, heard: &Mutex<Vec<String>>) {
    let Ok(other) = stream.try_clone() else { return };
    let mut lines = BufReader::new(other).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    let status_and_fields = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length:";
    let _ = write!(stream, "{status_and_fields} {}\r\n\r\n{PAGE}", PAGE.len());
}
