//! What stands around a server.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router};
use conformance::program::free_port;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How the gateway is today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes every message.
    Well,
    /// Answers 500.
    Broken,
    /// Takes the connection and never answers.
    Silent,
}

/// A message as the gateway got it: the `Authorization` header and the JSON.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) authorization: String,
    pub(crate) json: Value,
}

/// An SMS gateway.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) url: String,
    inside: Arc<Mutex<(Mood, Vec<Message>)>>,
}

impl Gateway {
    /// One that is well.
    pub(crate) async fn start() -> anyhow::Result<Gateway> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/send", listener.local_addr()?);
        let gateway = Gateway { url, inside: Arc::new(Mutex::new((Mood::Well, Vec::new()))) };
        let routes = Router::new().route("/send", axum::routing::post(take)).with_state(gateway.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(gateway)
    }

    /// Changes its mood.
    pub(crate) fn be(&self, mood: Mood) {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).0 = mood;
    }

    /// All that it has been asked to send.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// The words of the last message.
    pub(crate) fn last(&self) -> anyhow::Result<String> {
        let last = self.messages().pop().context("no message")?;
        last.json["text"].as_str().map(str::to_owned).context("a message without a text")
    }
}

async fn take(State(gateway): State<Gateway>, headers: HeaderMap, Json(json): Json<Value>) -> StatusCode {
    let authorization =
        headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mood = {
        let mut inside = gateway.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.1.push(Message { authorization, json });
        inside.0
    };
    match mood {
        Mood::Well => StatusCode::ACCEPTED,
        Mood::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        Mood::Silent => std::future::pending().await,
    }
}

/// A program of somebody else's; killed when dropped.
pub(crate) struct Neighbour(pub(crate) Child);

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Redis of the test's own, which can be stopped.
pub(crate) struct Redis {
    folder: TempDir,
    port: u16,
    process: Option<Neighbour>,
}

impl Redis {
    /// One that runs.
    pub(crate) async fn start() -> anyhow::Result<Redis> {
        let mut redis = Redis { folder: TempDir::new()?, port: free_port()?, process: None };
        redis.begin().await?;
        Ok(redis)
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Starts it, at the same address as before.
    pub(crate) async fn begin(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &self.port.to_string()]);
        command.arg("--dir").arg(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Neighbour(command.spawn().context("redis-server is not installed")?));
        answers(self.port).await
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) -> anyhow::Result<()> {
        crate::site::signal(self.process.as_ref().context("it does not run")?.0.id(), name)
    }

    /// Stops it.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }
}

/// Waits until somebody listens on a port.
pub(crate) async fn answers(port: u16) -> anyhow::Result<()> {
    for _ in 0..400 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(25)).await;
    }
    anyhow::bail!("nobody listens on port {port}")
}

/// A way to a server that can be cut and mended.
pub(crate) struct Wire {
    pub(crate) port: u16,
    to: String,
    carrying: Option<JoinHandle<()>>,
}

impl Wire {
    /// A way to `to`, an address and port.
    pub(crate) async fn to(to: String) -> anyhow::Result<Wire> {
        let mut wire = Wire { port: free_port()?, to, carrying: None };
        wire.mend().await?;
        Ok(wire)
    }

    /// Carries from now on.
    pub(crate) async fn mend(&mut self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await?;
        let to = self.to.clone();
        self.carrying = Some(tokio::spawn(async move {
            // The connections end with the set that they are in.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let to = to.clone();
                connections.spawn(async move {
                    let Ok(mut far) = TcpStream::connect(to).await else { return };
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        }));
        Ok(())
    }

    /// Cuts every connection, and lets no new one through.
    pub(crate) async fn cut(&mut self) {
        if let Some(carrying) = self.carrying.take() {
            carrying.abort();
            let _ = carrying.await;
        }
    }
}
