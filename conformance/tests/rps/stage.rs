//! What each story plays on: `porten serve` with a certificate of the test's own authority, a gateway that keeps
//! the messages, one citizen, and the clients that the story wants.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use authenticators::person::{Fnr, FnrPolicy};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conformance::program::{Program, free_port, install_tls, run};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, RsaKeySize,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The scope of the stories' services, whose owner lets all of [`READERS`] ask what its tokens mean.
pub(crate) const SCOPE: &str = "fjordvik:byggesak.read";
const READERS: [&str; 2] = ["openid-client", "oauth4webapi"];

/// The citizen's password.
pub(crate) const PASSWORD: &str = "Blå-bær & fløte 42";

/// Everything, until it is dropped.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    authority: Authority,
    inbox: Inbox,
    /// Porten's address.
    pub(crate) issuer: String,
    /// The citizen's number.
    pub(crate) fnr: String,
    program: Option<Program>,
}

impl Stage {
    /// Everything but the server: what is registered before it starts it need not notice.
    pub(crate) async fn open() -> anyhow::Result<Stage> {
        install_tls();
        let (folder, port) = (TempDir::new()?, free_port()?);
        let (issuer, inbox) = (format!("https://localhost:{port}"), Inbox::default());
        let gateway = inbox.clone().listen().await?;
        let stage = Stage { authority: Authority::new()?, inbox, issuer, fnr: some_fnr()?, folder, program: None };
        stage.file("ca.pem", &stage.authority.pem)?;
        stage.certificate("tls")?;
        stage.file("master.key", &STANDARD.encode([7; 32]))?;
        stage.file("sms.token", "gateway-token-1")?;
        stage.file("password", PASSWORD)?;
        let at = |name: &str| format!("{:?}", stage.path(name).display().to_string());
        let database = format!("sqlite://{}?mode=rwc", stage.path("porten.db").display());
        let config = [
            format!("[server]\naddress = \"127.0.0.1:{port}\"\nissuer = {:?}", stage.issuer),
            format!("[server.tls]\ncertificate_file = {}\nkey_file = {}", at("tls.pem"), at("tls.key")),
            format!("[database]\nurl = {database:?}"),
            format!("[keys]\nfile = {}", at("master.key")),
            format!("[sms]\nkind = \"gateway\"\nurl = {gateway:?}\ntoken_file = {}\nfrom = \"MinID\"", at("sms.token")),
            format!("[outbound]\nallow = [\"127.0.0.0/8\", \"::1/128\"]\nca_file = {}", at("ca.pem")),
            "[password]\nmemory_kib = 256\niterations = 1".to_owned(),
        ];
        stage.file("porten.toml", &config.join("\n"))?;
        let password = stage.path("password").display().to_string();
        stage.verb(&["person", "add"], &[&stage.fnr, "--mobile", "+4790000000", "--password-file", &password])?;
        stage.register_scope()?;
        Ok(stage)
    }

    fn register_scope(&self) -> anyhow::Result<()> {
        let scope = json!({
            "name": SCOPE,
            "description": "Se byggesakene dine",
            "owner_orgno": "999999999",
            "accessible_for_all": true,
            "enforced_aud_for_introspection": READERS,
        });
        let file = self.file("scope.json", &scope.to_string())?.display().to_string();
        self.verb(&["scope", "add"], &["--file", &file]).map(|_| ())
    }

    /// Registers a client, as an operator does: `porten client add --file`. What it got, its secret too.
    pub(crate) fn register(&self, registration: &Value) -> anyhow::Result<Value> {
        let file = self.file("client.json", &registration.to_string())?.display().to_string();
        Ok(serde_json::from_str(&self.verb(&["client", "add"], &["--file", &file])?)?)
    }

    /// `porten serve`
    pub(crate) async fn serve(&mut self) -> anyhow::Result<()> {
        self.program = Some(Program::serve(&self.path("porten.toml"), &self.issuer).await?);
        Ok(())
    }

    fn verb(&self, verb: &[&str], arguments: &[&str]) -> anyhow::Result<String> {
        let config = self.path("porten.toml").display().to_string();
        let said = run(verb.iter().chain(&["--config", &config]).chain(arguments))?;
        ensure!(said.status.success(), "porten {verb:?}: {}", String::from_utf8_lossy(&said.stderr));
        Ok(String::from_utf8(said.stdout)?)
    }

    /// A file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes it.
    pub(crate) fn file(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        std::fs::write(self.path(name), text)?;
        Ok(self.path(name))
    }

    /// A certificate for `localhost`: `name.pem`, and `name.key`.
    pub(crate) fn certificate(&self, name: &str) -> anyhow::Result<()> {
        let (certificate, key) = self.authority.certificate()?;
        self.file(&format!("{name}.pem"), &certificate)?;
        self.file(&format!("{name}.key"), &key).map(|_| ())
    }

    /// An HTTP client that trusts nobody but the authority, and follows nothing.
    pub(crate) fn http(&self) -> anyhow::Result<reqwest::Client> {
        let own = reqwest::Certificate::from_pem(self.authority.pem.as_bytes())?;
        let client = reqwest::Client::builder().tls_certs_only([own]).redirect(reqwest::redirect::Policy::none());
        Ok(client.build()?)
    }

    /// The code of the last message.
    pub(crate) fn code(&self) -> anyhow::Result<String> {
        let last = self.inbox.0.lock().unwrap_or_else(PoisonError::into_inner).pop().context("no message")?;
        let code = last.rsplit('#').next().filter(|code| code.len() == 5);
        Ok(code.with_context(|| format!("no code in {last:?}"))?.to_owned())
    }
}

/// The folder of the relying parties.
pub(crate) fn relying_parties() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rps")
}

/// A real person's number that nobody has.
fn some_fnr() -> anyhow::Result<String> {
    let policy = FnrPolicy { real: true, synthetic: false, expanded: false };
    let mut numbers = (20_000..40_000).map(|rest| format!("140385{rest:05}"));
    numbers.find(|number| Fnr::parse(number, policy).is_ok()).context("no number on that day")
}

/// The messages that an SMS gateway was asked to send.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<String>>>);

impl Inbox {
    async fn listen(self) -> anyhow::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/send", listener.local_addr()?);
        let take = async |State(Inbox(inbox)): State<Inbox>, Json(message): Json<Value>| {
            let text = message["text"].as_str().unwrap_or_default().to_owned();
            inbox.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        };
        let routes = Router::new().route("/send", post(take)).with_state(self);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(url)
    }
}

/// Somebody who hands out certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> anyhow::Result<Authority> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Python looks for what RFC 5280 4.2.1 asks of authorities.
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "the authority of a test");
        let pem = params.self_signed(&key)?.pem();
        Ok(Authority { pem, issuer: Issuer::new(params, key) })
    }

    fn certificate(&self) -> anyhow::Result<(String, String)> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
        params.use_authority_key_identifier_extension = true;
        Ok((params.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }
}

/// A key of a relying party.
pub(crate) struct Key {
    pair: KeyPair,
    algorithm: &'static str,
}

impl Key {
    /// On P-256.
    pub(crate) fn es256() -> anyhow::Result<Key> {
        Ok(Key { pair: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?, algorithm: "ES256" })
    }

    /// RSA, for `RS256` or `PS256`.
    pub(crate) fn rsa(algorithm: &'static str) -> anyhow::Result<Key> {
        Ok(Key { pair: KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?, algorithm })
    }

    /// The private half.
    pub(crate) fn pem(&self) -> String {
        self.pair.serialize_pem()
    }

    /// The public half.
    pub(crate) fn public_pem(&self) -> String {
        self.pair.public_key_pem()
    }

    /// The public half as it is registered.
    pub(crate) fn jwks(&self) -> anyhow::Result<Value> {
        let (private, algorithm) = match self.algorithm {
            "ES256" => (EncodingKey::from_ec_pem(self.pem().as_bytes())?, Algorithm::ES256),
            _ => (EncodingKey::from_rsa_pem(self.pem().as_bytes())?, Algorithm::RS256),
        };
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&private, algorithm)?)?;
        let named = json!({ "kid": "key-1", "use": "sig", "alg": self.algorithm });
        let (Some(jwk), Some(named)) = (jwk.as_object_mut(), named.as_object()) else { anyhow::bail!("no object") };
        jwk.extend(named.clone());
        Ok(json!({ "keys": [jwk] }))
    }

    /// Both, as the scripts read it.
    pub(crate) fn settings(&self) -> Value {
        json!({ "pem": self.pem(), "alg": self.algorithm, "kid": "key-1" })
    }
}
