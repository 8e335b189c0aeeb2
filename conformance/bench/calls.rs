//! What services ask for by themselves: pushed requests with proofs, refreshes, tokens for machines, what a token
//! says.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use serde_json::json;

use crate::flows::{MACHINE_SCOPE, OPAQUE_SCOPE, Service, Visitor, exchange};
use crate::http::{Line, between, get, post};
use crate::key::Key;
use crate::limits::Signatures;
use crate::load::{Measured, Tally, window};
use crate::process::{Server, verb};
use crate::{Bench, row};

const AT_ONCE: u32 = 8;

/// Registers the services and their scope in a data folder.
pub(crate) fn register(porten: &Path, data: &Path, key: &Key) -> anyhow::Result<()> {
    for service in Service::ALL {
        verb(porten, &["client", "add", "--file", "-"], data, &service.registration(key).to_string())?;
    }
    let scope = json!({
        "name": OPAQUE_SCOPE,
        "description": "Måle farten",
        "owner_orgno": "999999999",
        "accessible_for_all": true,
        "token_type": "OPAQUE",
        "enforced_aud_for_introspection": [Service::Opaque.id()],
    });
    verb(porten, &["scope", "add", "--file", "-"], data, &scope.to_string())
}

impl Bench {
    /// All of it. No peer is here to stand beside: the limit is the floor by arithmetic, and the bounds leave as much
    /// above it as the ratios to peers do, counted on the core on which those were found.
    pub(crate) async fn calls(&mut self, server: &Server) -> anyhow::Result<()> {
        let bare = self.bare().await?;
        let before = Signatures::measure(self.plan.limit)?;
        let machine = self.machine(server).await?;
        let rs256 = self.refresh(server, Service::RefreshRs256).await?;
        let es256 = self.refresh(server, Service::RefreshEs256).await?;
        let fapi = self.fapi(server).await?;
        let [signed, opaque, introspected] = self.readings(server).await?;
        let limits = before.and(Signatures::measure(self.plan.limit)?);
        // 61 and 40 µs with a secret where an answer and a signature were 25; here a check, 42 µs, takes its place.
        let limit = bare + limits.es256_check + limits.es256;
        self.table.add(row("P4", "JWT grant, ES256: check, signature, answer", machine, limit, (1.54, 1.22)));
        // 404 and 310 µs with one signature of 250 µs; ours has two, and a bare answer was 10.
        let limit = bare + 2.0 * limits.rs256;
        self.table.add(row("P5", "refresh, RS256: two signatures, answer", rs256, limit, (1.28, 1.10)));
        // 129 and 72 µs with one signature of 15 µs.
        let limit = bare + 2.0 * limits.es256;
        self.table.add(row("P5", "refresh, ES256: two signatures, answer", es256, limit, (3.6, 2.2)));
        // 225 and 105 µs beside it for three requests, as P2 has 150 and 70 for two.
        let limit = 3.0 * bare + 4.0 * limits.es256_check + 2.0 * limits.es256;
        let what = "PAR, private_key_jwt, DPoP, code: 4 checks, 2 sign.";
        self.table.add(row("P2", what, fapi, limit, (2.0, 1.46)));
        // 42 and 25 µs where a bare answer and the check of a signature were 28.
        let limit = bare + limits.rs256_check;
        self.table.add(row("P6", "userinfo, JWT by RS256: a bare answer and the check", signed, limit, (1.5, 0.9)));
        // 42 (introspection 37) and 25 µs where a bare answer was 10.5.
        self.table.add(row("P6", "userinfo, opaque: a bare answer", opaque, bare, (4.0, 2.4)));
        self.table.add(row("P6", "introspection, opaque: a bare answer", introspected, bare, (3.5, 2.4)));
        Ok(())
    }

    async fn machine(&self, server: &Server) -> anyhow::Result<Measured> {
        let (tally, mut jobs) = (Tally::default(), Vec::new());
        for _ in 0..AT_ONCE {
            let line = Line::open(Ipv4Addr::LOCALHOST, server.address).await?;
            jobs.push(machine(line, issuer(server.address), self.key.clone(), tally.clone()));
        }
        window(server, &tally, self.plan.window, jobs).await
    }

    /// Refreshes, of families that begin with it.
    pub(crate) async fn refresh(&self, server: &Server, service: Service) -> anyhow::Result<Measured> {
        refreshed(server, service, self.plan.window).await
    }

    async fn fapi(&self, server: &Server) -> anyhow::Result<Measured> {
        let tally = Tally::default();
        let crowd = Visitor::crowd(server.address, Service::Fapi, AT_ONCE).await?;
        let key = &self.key;
        let push = |visitor| push(visitor, issuer(server.address), key.clone(), tally.clone());
        window(server, &tally, self.plan.window, crowd.into_iter().map(push)).await
    }

    /// Userinfo by a signed token and by a handle, and what the handle says.
    async fn readings(&self, server: &Server) -> anyhow::Result<[Measured; 3]> {
        let userinfo = |token: &str| {
            get("/userinfo", "").replace("\r\n\r\n", &format!("\r\nauthorization: Bearer {token}\r\n\r\n"))
        };
        let signed = Visitor::new(server.address, Service::Rs256, FNR).await?.token("access_token").await?;
        let opaque = Visitor::new(server.address, Service::Opaque, FNR).await?.token("access_token").await?;
        ensure!(signed.contains('.') && !opaque.contains('.'), "tokens of another kind");
        let introspect = Service::Opaque.send("/token/introspect", &[("token", &opaque)]);
        let mut line = Line::open(Ipv4Addr::LOCALHOST, server.address).await?;
        let said = line.ask(&introspect).await?.expect(200)?.text()?.contains("\"active\":true");
        ensure!(said, "the token is not active");
        Ok([
            self.repeated(server, AT_ONCE, userinfo(&signed)).await?,
            self.repeated(server, AT_ONCE, userinfo(&opaque)).await?,
            self.repeated(server, AT_ONCE, introspect).await?,
        ])
    }
}

/// Any synthetic person.
const FNR: &str = "05895894984";

fn issuer(server: SocketAddr) -> String {
    format!("http://localhost:{}", server.port())
}

/// Refreshes for as long as a window lasts.
pub(crate) async fn refreshed(
    server: &Server,
    service: Service,
    length: std::time::Duration,
) -> anyhow::Result<Measured> {
    let (tally, mut jobs) = (Tally::default(), Vec::new());
    for _ in 0..AT_ONCE {
        let mut visitor = Visitor::new(server.address, service, FNR).await?;
        let token = visitor.token("refresh_token").await?;
        jobs.push(refresh(visitor.line, service, token, tally.clone()));
    }
    window(server, &tally, length, jobs).await
}

/// Refresh after refresh, each with the token of the one before.
async fn refresh(mut line: Line, service: Service, mut token: String, tally: Tally) -> anyhow::Result<()> {
    while tally.goes_on() {
        let request = service.send("/token", &[("grant_type", "refresh_token"), ("refresh_token", &token)]);
        let answer = line.ask(&request).await?.expect(200)?;
        token = between(answer.text()?, "\"refresh_token\":\"", "\"").context("no refresh token")?.to_owned();
        tally.one();
    }
    Ok(())
}

/// Tokens of a machine, each for an assertion of its own.
async fn machine(mut line: Line, issuer: String, key: Arc<Key>, tally: Tally) -> anyhow::Result<()> {
    while tally.goes_on() {
        let assertion = key.assertion(Service::Machine.id(), &issuer, MACHINE_SCOPE)?;
        let form = format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}");
        line.ask(&post("/token", "accept: */*", &form)).await?.expect(200)?;
        tally.one();
    }
    Ok(())
}

/// Code flows with pushed requests, where each call of the service is signed and comes with a proof.
async fn push(mut visitor: Visitor, issuer: String, key: Arc<Key>, tally: Tally) -> anyhow::Result<()> {
    let (service, to) = (Service::Fapi.id(), |path: &str| format!("{issuer}{path}"));
    let send = |path: &str, params: Vec<(&str, String)>| {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(params)
            .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            .append_pair("client_assertion", &key.assertion(service, &issuer, "")?)
            .finish();
        anyhow::Ok(post(path, &format!("dpop: {}", key.proof(&to(path))?), &form))
    };
    while tally.goes_on() {
        let session = visitor.session()?;
        let line = &mut visitor.line;
        let pushed = line.ask(&send("/par", Service::Fapi.asks())?).await?.expect(201)?;
        let uri = between(pushed.text()?, "\"request_uri\":\"", "\"").context("no request_uri")?;
        let ask = get(&format!("/authorize?client_id={service}&request_uri={uri}"), &session);
        let code = line.ask(&ask).await?.expect(303)?.code()?;
        let form = exchange(&code).map(|(name, value)| (name, value.to_owned()));
        let tokens = line.ask(&send("/token", form.into())?).await?.expect(200)?;
        ensure!(tokens.text()?.contains("\"token_type\":\"DPoP\""), "the token is not bound");
        tally.one();
    }
    Ok(())
}
