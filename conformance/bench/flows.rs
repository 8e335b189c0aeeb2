//! Services, and visitors who have logged in before.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::ensure;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::http::{Line, get, post};
use crate::load::{Pace, Tally};

const SECRET: &str = "a-secret-for-benchmarks-alone";
const CALLBACK: &str = "https://bench.example/callback";
const VERIFIER: &str = "a-code-verifier-for-benchmarks-alone-0123456789";

/// A service, by the algorithm of its tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    Rs256,
    Es256,
}

impl Service {
    fn id(self) -> &'static str {
        match self {
            Service::Rs256 => "bench-rs256",
            Service::Es256 => "bench-es256",
        }
    }

    /// Its registration.
    pub(crate) fn registration(self) -> Value {
        json!({
            "client_id": self.id(),
            "client_name": "A service under load",
            "client_secret": SECRET,
            "redirect_uris": [CALLBACK],
            "id_token_signed_response_alg": match self { Service::Rs256 => "RS256", Service::Es256 => "ES256" },
        })
    }

    /// The path and query of its authorization requests.
    pub(crate) fn authorize(self) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        url::form_urlencoded::Serializer::new("/authorize?".to_owned())
            .append_pair("client_id", self.id())
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("response_type", "code")
            .append_pair("scope", "openid profile")
            .append_pair("state", "b9dJdr-6uOvHh3Wu7YxVRA")
            .append_pair("nonce", "yFIkqKqHzWL0dmyhyhKMIg")
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish()
    }

    /// The token request for a code.
    pub(crate) fn redeem(self, code: &str) -> String {
        let key = STANDARD.encode(format!("{}:{SECRET}", self.id()));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        post("/token", &format!("authorization: Basic {key}"), &form)
    }
}

/// A browser with a session, and its service's own connection, which are the same here.
pub(crate) struct Visitor {
    line: Line,
    service: Service,
    authorize: String,
}

/// How long the two halves of a flow took.
pub(crate) struct Times {
    pub(crate) flow: Duration,
    pub(crate) token: Duration,
}

impl Visitor {
    /// Logs in without a page.
    pub(crate) async fn new(server: SocketAddr, service: Service, fnr: &str) -> anyhow::Result<Visitor> {
        let mut line = Line::open(Ipv4Addr::LOCALHOST, server).await?;
        let authorize = service.authorize();
        let hinted = format!("{authorize}&login_hint=testid:{fnr}_idporten-loa-substantial");
        let session = line.get(&hinted, "").await?.expect(303)?.cookie("porten-session")?;
        Ok(Visitor { line, service, authorize: get(&authorize, &session) })
    }

    /// A crowd of them, all one person: sessions are what counts.
    pub(crate) async fn crowd(server: SocketAddr, service: Service, many: u32) -> anyhow::Result<Vec<Visitor>> {
        let mut all = Vec::new();
        for _ in 0..many {
            all.push(Visitor::new(server, service, "05895894984").await?);
        }
        Ok(all)
    }

    /// One code flow; the tokens are in the line's buffer afterwards.
    async fn flow(&mut self) -> anyhow::Result<Times> {
        let begun = Instant::now();
        let code = self.line.ask(&self.authorize).await?.expect(303)?.code()?;
        let halfway = Instant::now();
        let answer = self.line.ask(&self.service.redeem(&code)).await?.expect(200)?;
        ensure!(answer.text()?.contains("\"id_token\":\"ey"), "no ID token");
        Ok(Times { flow: begun.elapsed(), token: halfway.elapsed() })
    }

    /// Flow after flow.
    pub(crate) async fn hurry(mut self, tally: Tally) -> anyhow::Result<()> {
        while tally.goes_on() {
            self.flow().await?;
            tally.one();
        }
        Ok(())
    }

    /// Flows at a steady pace, and how long they took.
    pub(crate) async fn stroll(mut self, mut pace: Pace, tally: Tally) -> anyhow::Result<Vec<Times>> {
        let mut times = Vec::new();
        while tally.goes_on() {
            pace.wait().await;
            times.push(self.flow().await?);
        }
        Ok(times)
    }

    /// An access token.
    pub(crate) async fn access_token(&mut self) -> anyhow::Result<String> {
        let code = self.line.ask(&self.authorize).await?.expect(303)?.code()?;
        let answer = self.line.ask(&self.service.redeem(&code)).await?.expect(200)?;
        let tokens: Value = serde_json::from_str(answer.text()?)?;
        Ok(tokens.get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned())
    }
}

/// The same request again and again.
pub(crate) async fn repeat(mut line: Line, request: String, tally: Tally) -> anyhow::Result<()> {
    while tally.goes_on() {
        line.ask(&request).await?.expect(200)?;
        tally.one();
    }
    Ok(())
}
