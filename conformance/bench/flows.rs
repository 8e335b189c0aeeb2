//! Services, and visitors who have logged in before.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::http::{Line, get, post};
use crate::key::Key;
use crate::load::{Pace, Tally};

const SECRET: &str = "a-secret-for-benchmarks-alone";
const CALLBACK: &str = "https://bench.example/callback";
const VERIFIER: &str = "a-code-verifier-for-benchmarks-alone-0123456789";

/// A service, by what it does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    /// A secret, tokens signed with RSA.
    Rs256,
    /// The same with P-256.
    Es256,
    /// With refresh tokens, too.
    RefreshRs256,
    RefreshEs256,
    /// Gets access tokens by reference, and may have them explained.
    Opaque,
    /// FAPI 2.0: pushes its requests, proves with a key who it is and binds its tokens to it.
    Fapi,
    /// The JWT grant.
    Machine,
}

/// Its access tokens are handles.
pub(crate) const OPAQUE_SCOPE: &str = "bench:opaque";
pub(crate) const MACHINE_SCOPE: &str = "bench:machine";

impl Service {
    pub(crate) const ALL: [Service; 7] = [
        Service::Rs256,
        Service::Es256,
        Service::RefreshRs256,
        Service::RefreshEs256,
        Service::Opaque,
        Service::Fapi,
        Service::Machine,
    ];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Service::Rs256 => "bench-rs256",
            Service::Es256 => "bench-es256",
            Service::RefreshRs256 => "bench-refresh-rs256",
            Service::RefreshEs256 => "bench-refresh-es256",
            Service::Opaque => "bench-opaque",
            Service::Fapi => "bench-fapi",
            Service::Machine => "bench-machine",
        }
    }

    fn scopes(self) -> &'static [&'static str] {
        match self {
            Service::Opaque => &["openid", "profile", OPAQUE_SCOPE, "idporten:token.introspection"],
            Service::Machine => &[MACHINE_SCOPE],
            _ => &["openid", "profile"],
        }
    }

    fn algorithm(self) -> &'static str {
        match self {
            Service::Rs256 | Service::RefreshRs256 => "RS256",
            _ => "ES256",
        }
    }

    /// Its registration.
    pub(crate) fn registration(self, key: &Key) -> Value {
        let mut all = json!({
            "client_id": self.id(),
            "client_name": "A service under load",
            "redirect_uris": [CALLBACK],
            "scopes": self.scopes(),
            "id_token_signed_response_alg": self.algorithm(),
        });
        let more = match self {
            Service::Rs256 | Service::Es256 | Service::Opaque => json!({ "client_secret": SECRET }),
            Service::RefreshRs256 | Service::RefreshEs256 => {
                json!({ "client_secret": SECRET, "grant_types": ["authorization_code", "refresh_token"] })
            }
            Service::Fapi => json!({
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": key.jwks(),
                "require_pushed_authorization_requests": true,
                "dpop_bound_access_tokens": true,
            }),
            Service::Machine => json!({
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": key.jwks(),
                "integration_type": "maskinporten",
                "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
                "redirect_uris": [],
            }),
        };
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
            all.extend(more);
        }
        all
    }

    /// What it asks for when somebody is to log in.
    pub(crate) fn asks(self) -> Vec<(&'static str, String)> {
        let scope = match self {
            Service::Opaque => format!("openid profile {OPAQUE_SCOPE}"),
            _ => "openid profile".to_owned(),
        };
        vec![
            ("client_id", self.id().to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("response_type", "code".to_owned()),
            ("scope", scope),
            ("state", "b9dJdr-6uOvHh3Wu7YxVRA".to_owned()),
            ("nonce", "yFIkqKqHzWL0dmyhyhKMIg".to_owned()),
            ("code_challenge", URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()))),
            ("code_challenge_method", "S256".to_owned()),
        ]
    }

    /// The path and query of its authorization requests.
    pub(crate) fn authorize(self) -> String {
        url::form_urlencoded::Serializer::new("/authorize?".to_owned()).extend_pairs(self.asks()).finish()
    }

    /// A form of its, sent with its secret.
    pub(crate) fn send(self, path: &str, form: &[(&str, &str)]) -> String {
        let key = STANDARD.encode(format!("{}:{SECRET}", self.id()));
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        post(path, &format!("authorization: Basic {key}"), &form)
    }

    /// The token request for a code.
    pub(crate) fn redeem(self, code: &str) -> String {
        self.send("/token", &exchange(code))
    }
}

/// What a token request for a code says.
pub(crate) fn exchange(code: &str) -> [(&'static str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]
}

/// A browser with sessions, and its service's own connection, which are the same here. It has so many that none of
/// them knows more logins than a person makes in a session's two hours.
pub(crate) struct Visitor {
    pub(crate) line: Line,
    service: Service,
    sessions: Vec<String>,
    authorize: String,
    flows: usize,
}

const SESSIONS: usize = 16;

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
        // What must be pushed cannot be hinted. Whoever logged in there is known here.
        let first = if matches!(service, Service::Fapi) { Service::Es256.authorize() } else { authorize.clone() };
        let hinted = format!("{first}&login_hint=testid:{fnr}_idporten-loa-substantial");
        let mut sessions = Vec::new();
        for _ in 0..SESSIONS {
            sessions.push(line.get(&hinted, "").await?.expect(303)?.cookie("porten-session")?);
        }
        Ok(Visitor { line, service, sessions, authorize, flows: 0 })
    }

    /// The session whose turn it is.
    pub(crate) fn session(&mut self) -> anyhow::Result<String> {
        self.flows += 1;
        self.sessions.get(self.flows % SESSIONS).cloned().context("no session")
    }

    async fn code(&mut self) -> anyhow::Result<String> {
        let session = self.session()?;
        let request = get(&self.authorize, &session);
        self.line.ask(&request).await?.expect(303)?.code()
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
        let code = self.code().await?;
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

    /// A token of this name.
    pub(crate) async fn token(&mut self, name: &str) -> anyhow::Result<String> {
        let code = self.code().await?;
        let answer = self.line.ask(&self.service.redeem(&code)).await?.expect(200)?;
        let tokens: Value = serde_json::from_str(answer.text()?)?;
        tokens.get(name).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no {name}"))
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
