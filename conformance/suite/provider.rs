//! `porten serve` over TLS, with its clients, from outside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conformance::program::{Program, free_port, install_tls, run};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::jose::{Key, random};
use crate::outside::{Authority, Gateway, Party};

const PASSWORD: &str = "Blå-bær & fløte 42";

/// How a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `client_secret_basic`
    Basic,
    /// `client_secret_post`
    Post,
    /// FAPI 2.0: pushes, signs assertions, proves possession.
    Fapi,
    /// FAPI 2.0 message signing: signs its requests as well, and wants its answers signed.
    Signing,
}

/// A registered client, with what it alone knows.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) secret: String,
    pub(crate) redirect_uri: String,
    pub(crate) scope: String,
    pub(crate) key: Key,
}

impl Client {
    /// Whether it is held to FAPI 2.0.
    pub(crate) fn is_fapi(&self) -> bool {
        matches!(self.kind, Kind::Fapi | Kind::Signing)
    }
}

/// Somebody with MinID.
#[derive(Clone)]
pub(crate) struct Citizen {
    pub(crate) fnr: String,
    pub(crate) password: &'static str,
    pub(crate) mobile: String,
}

/// The provider that is examined.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) http: reqwest::Client,
    pub(crate) gateway: Gateway,
    pub(crate) party: Party,
    clients: BTreeMap<String, Result<Client, String>>,
    folder: TempDir,
    citizens: AtomicUsize,
    /// How many verbs run at once.
    hands: Semaphore,
    _program: Program,
}

impl Provider {
    /// Starts it, and registers the clients.
    pub(crate) async fn start() -> anyhow::Result<Provider> {
        install_tls();
        let authority = Authority::new()?;
        let (gateway, party, folder, port) =
            (Gateway::start().await?, Party::start(&authority)?, TempDir::new()?, free_port()?);
        let issuer = format!("https://localhost:{port}");
        configure(folder.path(), &authority, &gateway, &issuer)?;
        let program = Program::serve(&folder.path().join("porten.toml"), &issuer).await?;
        let own = reqwest::Certificate::from_pem(authority.pem.as_bytes())?;
        let http = reqwest::Client::builder()
            .tls_certs_only([own])
            .redirect(Policy::none())
            .timeout(Duration::from_secs(30))
            .build()?;
        let mut provider = Provider {
            issuer,
            http,
            gateway,
            party,
            clients: BTreeMap::new(),
            folder,
            citizens: AtomicUsize::new(0),
            hands: Semaphore::new(2),
            _program: program,
        };
        provider.register_clients().await?;
        Ok(provider)
    }

    /// A client by its name here.
    pub(crate) fn client(&self, name: &str) -> anyhow::Result<Client> {
        let client = self.clients.get(name).with_context(|| format!("no client {name}"))?;
        client.clone().map_err(|why| anyhow!("{why}"))
    }

    async fn register_clients(&mut self) -> anyhow::Result<()> {
        let metadata = format!("{}/.well-known/openid-configuration", self.issuer);
        let metadata: Value = self.http.get(metadata).send().await?.json().await?;
        let supported = metadata["scopes_supported"].as_array().cloned().unwrap_or_default();
        let scopes: Vec<&str> = ["openid", "profile", "email", "address", "phone", "offline_access"]
            .into_iter()
            .filter(|scope| supported.contains(&json!(scope)))
            .collect();
        let (rsa, other) = (Key::ps256("rsa-1")?, Key::es256("ec-1")?);
        for (name, kind, key) in [
            ("basic-1", Kind::Basic, &other),
            ("basic-2", Kind::Basic, &other),
            ("post", Kind::Post, &other),
            ("logout", Kind::Basic, &other),
            ("front", Kind::Basic, &other),
            ("back", Kind::Basic, &other),
            ("fapi-1", Kind::Fapi, &rsa),
            ("fapi-2", Kind::Fapi, &other),
            ("signing-1", Kind::Signing, &rsa),
            ("signing-2", Kind::Signing, &other),
        ] {
            let client = self.register_client(name, kind, key, &scopes).await.map_err(|error| format!("{error:#}"));
            self.clients.insert(name.to_owned(), client);
        }
        Ok(())
    }

    async fn register_client(&self, name: &str, kind: Kind, key: &Key, scopes: &[&str]) -> anyhow::Result<Client> {
        let party = &self.party.url;
        let query = if matches!(name, "fapi-2" | "signing-2") { "?dummy1=lorem&dummy2=ipsum" } else { "" };
        let client = Client {
            id: name.to_owned(),
            kind,
            secret: random(40)?,
            redirect_uri: format!("{party}/callback/{name}{query}"),
            scope: if matches!(kind, Kind::Fapi | Kind::Signing) { "openid profile" } else { "openid" }.to_owned(),
            key: key.clone(),
        };
        let mut registration = json!({
            "client_id": name,
            "client_name": format!("Samsvar {name}"),
            "redirect_uris": [client.redirect_uri],
            "scopes": scopes,
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let more = match (kind, name) {
            (Kind::Fapi, _) => json!({ "profile": "fapi2-security" }),
            (Kind::Signing, _) => json!({ "profile": "fapi2-message-signing" }),
            (Kind::Post, _) => json!({ "token_endpoint_auth_method": "client_secret_post" }),
            (Kind::Basic, "front") => json!({
                "frontchannel_logout_uri": format!("{party}/frontchannel/front"),
                "frontchannel_logout_session_required": true,
            }),
            (Kind::Basic, "back") => json!({ "backchannel_logout_uri": format!("{party}/backchannel/back") }),
            (Kind::Basic, _) => json!({}),
        };
        let common = match kind {
            Kind::Fapi | Kind::Signing => {
                json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.public()?] } })
            }
            Kind::Basic | Kind::Post => json!({
                "client_secret": client.secret,
                "code_challenge_method": "none",
                "post_logout_redirect_uris": [format!("{party}/loggedout/{name}")],
            }),
        };
        for part in [common, more] {
            for (field, value) in part.as_object().into_iter().flatten() {
                registration[field] = value.clone();
            }
        }
        let file = self.folder.path().join(format!("{name}.json"));
        std::fs::write(&file, registration.to_string())?;
        self.verb(&["client", "add", "--file", &file.display().to_string()]).await?;
        Ok(client)
    }

    /// Registers somebody new, with a telephone of their own.
    pub(crate) async fn citizen(&self) -> anyhow::Result<Citizen> {
        let nth = self.citizens.fetch_add(1, Ordering::Relaxed);
        let day = format!("{:02}{:02}85", 1 + nth % 28, 1 + nth / 28 % 12);
        let fnr = numbers(&day).nth(200).context("no number")?;
        let mobile = format!("+479{:07}", 1_000_000 + nth);
        let file = self.folder.path().join("password").display().to_string();
        self.verb(&["person", "add", &fnr, "--mobile", &mobile, "--password-file", &file]).await?;
        Ok(Citizen { fnr, password: PASSWORD, mobile })
    }

    /// Runs a verb of the program.
    async fn verb(&self, words: &[&str]) -> anyhow::Result<()> {
        let _hand = self.hands.acquire().await?;
        let mut arguments: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        arguments.extend(["--config".to_owned(), config(self.folder.path()).display().to_string()]);
        let output = tokio::task::spawn_blocking(move || run(arguments)).await??;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}", said.lines().next().unwrap_or("it did not say why"));
        Ok(())
    }
}

/// The numbers of a day: the check digits after the Tax Administration's rule.
fn numbers(day: &str) -> impl Iterator<Item = String> {
    (0..500).filter_map(move |individual| {
        let mut digits: Vec<u32> = format!("{day}{individual:03}").chars().filter_map(|c| c.to_digit(10)).collect();
        for weights in [&[3, 7, 6, 1, 8, 9, 4, 5, 2][..], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2][..]] {
            let sum: u32 = weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum();
            digits.push((11 - sum % 11) % 11);
        }
        digits.iter().all(|digit| *digit < 10).then(|| digits.iter().map(u32::to_string).collect())
    })
}

fn config(folder: &Path) -> PathBuf {
    folder.join("porten.toml")
}

/// Writes the configuration and its secrets.
fn configure(folder: &Path, authority: &Authority, gateway: &Gateway, issuer: &str) -> anyhow::Result<()> {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map(|()| format!("{:?}", path.display().to_string()))
    };
    let (certificate, private) = authority.certificate()?;
    let (certificate, private) = (file("tls.pem", &certificate)?, file("tls.key", &private)?);
    let (key, token) = (file("master.key", &STANDARD.encode([7; 32]))?, file("sms.token", "gateway-token-1")?);
    let authority = file("authority.pem", &authority.pem)?;
    file("password", PASSWORD)?;
    let (address, url) = (issuer.trim_start_matches("https://localhost"), &gateway.url);
    let database = format!("sqlite://{}?mode=rwc", folder.join("porten.db").display());
    // Each browser comes by a proxy from an address of its own.
    let text = format!(
        "[server]\naddress = \"127.0.0.1{address}\"\nissuer = {issuer:?}\ntrusted_proxies = [\"127.0.0.1/32\"]\n\
         [server.tls]\ncertificate_file = {certificate}\nkey_file = {private}\n\
         [database]\nurl = {database:?}\n\
         [keys]\nfile = {key}\n\
         [password]\nmemory_kib = 256\niterations = 1\n\
         [sms]\nkind = \"gateway\"\nurl = {url:?}\ntoken_file = {token}\nfrom = \"MinID\"\n\
         [outbound]\nallow = [\"127.0.0.0/8\", \"::1/128\"]\nca_file = {authority}\n"
    );
    Ok(std::fs::write(config(folder), text)?)
}
