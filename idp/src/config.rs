//! The configuration of `porten serve`: defaults here, one TOML file, and `PORTEN__SECTION__KEY` over both.
//!
//! Values are parsed into what they mean, unknown keys are refused, and secrets are given as files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use authenticators::hashing::HashingConfig;
use authenticators::mail::SmtpTls;
use authenticators::person::FnrPolicy;
use config::{Environment, File, FileFormat};
use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

use crate::eid::EidConfig;
use crate::minid::Minid;
use crate::redirect;

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where and as whom it answers.
    pub server: Server,
    /// What lasts.
    pub database: Database,
    /// What does not.
    #[serde(default)]
    pub scratch: ScratchConfig,
    /// What encrypts the private keys.
    pub keys: KeysConfig,
    /// The way to telephones.
    pub sms: SmsConfig,
    /// The way to mailboxes; left out, none is sent.
    pub mail: Option<MailConfig>,
    /// The ways to the MinID app; left out, it is not woken and hears of everything when it is open.
    #[serde(default)]
    pub push: PushConfig,
    /// What is decided about MinID.
    #[serde(default)]
    pub minid: Minid,
    /// The way to addresses that services have registered.
    #[serde(default)]
    pub outbound: OutboundConfig,
    /// Whose enterprise certificates are taken.
    pub enterprise_certificates: Option<EnterpriseConfig>,
    /// Which person identifiers are let in.
    #[serde(default)]
    pub people: FnrPolicy,
    /// Who lives in the country; left out, nobody is known to, and no letter can be sent.
    pub population: Option<PopulationConfig>,
    /// Activation letters; left out, none are printed.
    pub letters: Option<LettersConfig>,
    /// How passwords are hashed.
    #[serde(default)]
    pub password: HashingConfig,
    /// The eIDs of others.
    #[serde(default)]
    pub eid: Vec<EidConfig>,
    /// Where in the world addresses are; left out, only the address itself is told.
    pub places: Option<PlacesConfig>,
    /// MinID in schools.
    #[serde(default)]
    pub school: SchoolConfig,
}

/// `[school]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchoolConfig {
    /// Rows of a school owner's file at the most.
    pub rows_at_most: u64,
}

impl Default for SchoolConfig {
    /// More than all pupils and teachers of the country.
    fn default() -> SchoolConfig {
        SchoolConfig { rows_at_most: 2_000_000 }
    }
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on.
    pub address: SocketAddr,
    /// The public base URL, without a slash at the end. All links and tokens are made from it.
    pub issuer: Issuer,
    /// The networks whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<IpNet>,
    /// Certificates, where no proxy ends TLS in front of us.
    pub tls: Option<Tls>,
}

/// `[server.tls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM: the certificate and its chain. Read again when it changes.
    pub certificate_file: PathBuf,
    /// PEM: the private key. Read again when it changes.
    pub key_file: PathBuf,
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite://…` or `postgres://…` where no password is in it.
    pub url: Option<String>,
    /// A file that holds the URL.
    pub url_file: Option<PathBuf>,
}

/// `[scratch]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScratchConfig {
    /// `redis://…` or `rediss://…`; left out, it is in memory and there can be one node only.
    pub redis: Option<String>,
    /// A file that holds the URL.
    pub redis_file: Option<PathBuf>,
}

/// `[keys]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// 32 random bytes, base64: `openssl rand -base64 32`. Without it nothing in the tables of keys can be read.
    pub file: PathBuf,
    /// After how many days each signing key is followed by the next; 0 is never by itself.
    #[serde(default = "rotate_days")]
    pub rotate_days: u32,
}

fn rotate_days() -> u32 {
    90
}

impl KeysConfig {
    /// How long each signing key signs; none where nobody but an operator makes the next.
    pub fn rotation(&self) -> Option<Duration> {
        (self.rotate_days > 0).then(|| Duration::from_hours(24) * self.rotate_days)
    }
}

/// `[sms]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "lowercase")]
pub enum SmsConfig {
    /// A gateway that takes JSON over HTTP.
    Gateway {
        /// Where.
        url: Url,
        /// A file with the bearer token.
        token_file: PathBuf,
        /// Who the messages are from.
        from: String,
    },
    /// Kannel's `sendsms`.
    Kannel {
        /// Where, up to and with `/cgi-bin/sendsms`.
        url: Url,
        /// The `sendsms-user`.
        username: String,
        /// A file with its password.
        password_file: PathBuf,
        /// Who the messages are from.
        from: String,
    },
    /// Development only.
    Inbox,
}

/// `[mail]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The server that takes mail.
    pub host: String,
    /// Its port.
    #[serde(default = "submission")]
    pub port: u16,
    /// How the way there is protected.
    #[serde(default)]
    pub tls: SmtpTls,
    /// Who it is to the server.
    pub username: Option<String>,
    /// A file with the password.
    pub password_file: Option<PathBuf>,
    /// Who the mail is from: `MinID <ikke-svar@example.no>`.
    pub from: String,
}

/// RFC 6409 3.1
fn submission() -> u16 {
    587
}

/// `[push]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushConfig {
    /// To browsers.
    pub web: Option<WebPushConfig>,
    /// To Android.
    pub fcm: Option<FcmConfig>,
    /// To iOS.
    pub apns: Option<ApnsConfig>,
}

/// `[push.web]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebPushConfig {
    /// Whom a push service may write to: `mailto:…` or `https://…`.
    pub contact: String,
    /// The push services of the browsers; one that begins with `*.` stands for all below it.
    #[serde(default = "push_services")]
    pub hosts: Vec<String>,
}

impl WebPushConfig {
    /// To the push services of the browsers, which may write to `contact`.
    pub fn of(contact: &str) -> WebPushConfig {
        WebPushConfig { contact: contact.to_owned(), hosts: push_services() }
    }
}

fn push_services() -> Vec<String> {
    let all = ["fcm.googleapis.com", "updates.push.services.mozilla.com", "*.push.apple.com", "*.notify.windows.com"];
    all.map(str::to_owned).to_vec()
}

/// `[push.fcm]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FcmConfig {
    /// The service account's file, as Google's console gives it out.
    pub account_file: PathBuf,
    /// Google's service.
    #[serde(default = "fcm_service")]
    pub url: Url,
}

/// `[push.apns]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApnsConfig {
    /// The key, as Apple gives it out (`.p8`).
    pub key_file: PathBuf,
    /// Its name.
    pub key_id: String,
    /// The team's name.
    pub team_id: String,
    /// The app's bundle id.
    pub topic: String,
    /// Apple's service.
    #[serde(default = "apns_service")]
    pub url: Url,
}

#[expect(clippy::expect_used, reason = "a constant that is an address")]
fn fcm_service() -> Url {
    Url::parse("https://fcm.googleapis.com").expect("an address")
}

#[expect(clippy::expect_used, reason = "a constant that is an address")]
fn apns_service() -> Url {
    Url::parse("https://api.push.apple.com").expect("an address")
}

/// `[outbound]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboundConfig {
    /// The networks of one's own that services may have addresses in; the public Internet is reached anyway.
    #[serde(default)]
    pub allow: Vec<IpNet>,
    /// PEM: authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// `[population]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationConfig {
    /// The population register: a JSON object a line.
    pub file: PathBuf,
}

/// `[letters]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LettersConfig {
    /// Who they are from, and below that where they go back to: at the top of each.
    pub sender: Vec<String>,
    /// The name and the address of the office that forwards letters to people whose address nobody may know; left out,
    /// those letters wait.
    #[serde(default)]
    pub protected_via: Vec<String>,
    /// The name and the address that a letter goes to every day that tests the print house; left out, none does.
    #[serde(default)]
    pub test_address: Vec<String>,
    /// How many letters a batch has at the most.
    #[serde(default = "letters_at_once")]
    pub at_most: usize,
    /// Where batches are brought; left out, somebody else takes them from their folder.
    pub sftp: Option<SftpConfig>,
}

/// `[letters.sftp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SftpConfig {
    /// The print house's server, or what `ssh_config` calls it.
    pub host: Plain,
    /// Its port.
    #[serde(default = "ssh")]
    pub port: u16,
    /// Who we are there.
    pub user: Plain,
    /// The folder there that batches are put in.
    pub folder: Plain,
    /// The key that we prove it with: the private one, or the public one of a key that an agent has.
    pub key_file: Plain,
    /// The host keys that the server may have, as `known_hosts` has them.
    pub known_hosts_file: Plain,
}

/// RFC 4253 4.1
fn ssh() -> u16 {
    22
}

impl SftpConfig {
    fn objections(&self) -> Vec<String> {
        let files = [("key_file", &self.key_file), ("known_hosts_file", &self.known_hosts_file)];
        let relative = files.into_iter().filter(|(_, file)| !Path::new(file.as_str()).is_absolute());
        relative.map(|(name, _)| format!("letters.sftp.{name}: must begin with /")).collect()
    }
}

/// Text in which neither `ssh` nor `sftp` finds an option, a pattern, a variable or an end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Plain(String);

impl TryFrom<String> for Plain {
    type Error = String;

    fn try_from(text: String) -> Result<Plain, String> {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@' | ':' | '/');
        match !text.is_empty() && !text.starts_with('-') && text.chars().all(fits) {
            true => Ok(Plain(text)),
            false => Err(format!("{text:?}: only letters, digits and . _ - + @ : / can stand there, and no - first")),
        }
    }
}

impl Plain {
    /// As it stands in the configuration.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn letters_at_once() -> usize {
    500
}

impl LettersConfig {
    /// Letters from somebody, and nothing more.
    pub fn of(sender: &[&str]) -> LettersConfig {
        let sender = sender.iter().map(|line| (*line).to_owned()).collect();
        let (protected_via, test_address) = (Vec::new(), Vec::new());
        LettersConfig { sender, protected_via, test_address, at_most: letters_at_once(), sftp: None }
    }

    /// What stands in the way of letters, one line each.
    pub fn objections(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !(1..=5).contains(&self.sender.len()) {
            lines.push("letters.sender: a name and an address, of 1 to 5 lines".to_owned());
        }
        if self.at_most == 0 {
            lines.push("letters.at_most: no letter would ever be printed".to_owned());
        }
        lines.extend(self.sftp.iter().flat_map(SftpConfig::objections));
        lines
    }
}

/// `[places]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacesConfig {
    /// A database in the MaxMind DB format, of cities or of countries. Read again when it changes.
    pub file: PathBuf,
}

/// `[enterprise_certificates]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnterpriseConfig {
    /// PEM: the roots of the issuers.
    pub roots_file: PathBuf,
    /// The certificate policies that are accepted; one that ends in `.*` stands for all below it.
    #[serde(default = "enterprise_policies")]
    pub policies: Vec<String>,
    /// PEM or DER: the issuers' lists of revoked certificates, read again every minute. A certificate whose issuer has
    /// none of them, or an old one, is refused.
    pub crl_files: Vec<PathBuf>,
}

/// Buypass and Commfides, in production.
fn enterprise_policies() -> Vec<String> {
    let all = [
        "2.16.578.1.26.1.3.5",
        "2.16.578.1.26.1.3.2",
        "2.16.578.1.29.13.200.*",
        "2.16.578.1.29.13.210.*",
        "2.16.578.1.29.13.220.*",
        "2.16.578.1.29.13.1",
        "2.16.578.1.29.13.1.1.0",
    ];
    all.map(str::to_owned).to_vec()
}

/// The issuer: an origin, and perhaps a path, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Issuer {
    text: String,
    url: Url,
}

impl TryFrom<String> for Issuer {
    type Error = String;

    fn try_from(text: String) -> Result<Issuer, String> {
        let url = Url::parse(&text).map_err(|error| format!("the issuer is not a URL: {error}"))?;
        let bare = matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text;
        // OpenID Connect Discovery 1.0, 3 would allow a path; our routes begin at the root.
        if bare {
            Ok(Issuer { text, url })
        } else {
            Err("the issuer must be https://host[:port] and nothing more".into())
        }
    }
}

impl Issuer {
    /// As it stands in tokens.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As an address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host, for the last line of an SMS.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether browsers come over TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl Config {
    /// Reads the file and lays the environment over it.
    pub fn load(path: &Path) -> anyhow::Result<Config> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let environment = Environment::with_prefix("PORTEN").prefix_separator("__").separator("__");
        let layers = config::Config::builder().add_source(File::from_str(&text, FileFormat::Toml));
        let config = layers.add_source(environment).build().and_then(config::Config::try_deserialize);
        config.with_context(|| format!("in {}", path.display()))
    }

    /// What stands in the way of a start in earnest, one line each.
    pub fn objections(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut object = |wrong: bool, line: &str| {
            if wrong {
                lines.push(line.to_owned());
            }
        };
        object(self.people.synthetic, "people.synthetic: synthetic people are not let in outside development");
        object(!self.people.real, "people.real: nobody could log in");
        object(matches!(self.sms, SmsConfig::Inbox), "sms.kind: the development inbox sends no SMS to anybody");
        object(
            !self.server.issuer.is_https() && !redirect::is_loopback(&self.server.issuer.url),
            "server.issuer: must be https, since it isn't this machine's loopback address",
        );
        object(
            self.server.tls.is_some() && !self.server.issuer.is_https(),
            "server.issuer: must be https where server.tls is given",
        );
        object(
            self.server.issuer.is_https()
                && self.server.tls.is_none()
                && self.server.trusted_proxies.is_empty()
                && !self.server.address.ip().is_loopback(),
            "server.tls: give a certificate, or name in server.trusted_proxies the proxies that end TLS",
        );
        object(
            self.outbound.allow.iter().any(|net| net.prefix_len() == 0),
            "outbound.allow: name the networks of one's own; this is everything",
        );
        object(
            self.enterprise_certificates.as_ref().is_some_and(|config| config.crl_files.is_empty()),
            "enterprise_certificates.crl_files: without a list nobody would see that a certificate was revoked",
        );
        object(
            self.mail.as_ref().is_some_and(|mail| mail.username.is_some() != mail.password_file.is_some()),
            "mail: username and password_file go together",
        );
        if let Err(error) = self.password.params() {
            lines.push(format!("password: {error:#}"));
        }
        if self.letters.is_some() && self.population.is_none() {
            lines.push("population: without it no letter has an address".to_owned());
        }
        lines.extend(self.letters.iter().flat_map(LettersConfig::objections));
        lines.extend(self.minid.objections(self.server.issuer.url()));
        lines.extend(EidConfig::objections_to(&self.eid));
        lines
    }
}

impl Database {
    /// The URL, wherever it was given.
    pub fn url(&self) -> anyhow::Result<String> {
        given(self.url.as_ref(), self.url_file.as_deref())?.context("database.url or database.url_file is missing")
    }
}

impl ScratchConfig {
    /// The URL of Redis, wherever it was given.
    pub fn redis(&self) -> anyhow::Result<Option<String>> {
        given(self.redis.as_ref(), self.redis_file.as_deref())
    }
}

fn given(value: Option<&String>, file: Option<&Path>) -> anyhow::Result<Option<String>> {
    match (value, file) {
        (Some(value), None) => Ok(Some(value.clone())),
        (None, Some(file)) => secret(file).map(Some),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => anyhow::bail!("a value and a file are given for the same setting"),
    }
}

/// Reads a secret from its file, without the line's end.
pub fn secret(file: &Path) -> anyhow::Result<String> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read the secret in {}", file.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!text.is_empty(), "the secret in {} is empty", file.display());
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [server]
        address = "127.0.0.1:8080"
        issuer = "https://login.example.no"
        [database]
        url = "sqlite:///var/lib/porten/porten.db?mode=rwc"
        [keys]
        file = "/run/secrets/porten-key"
        [sms]
        kind = "gateway"
        url = "https://sms.example.no/send"
        token_file = "/run/secrets/sms"
        from = "MinID"
    "#;

    fn read(text: &str) -> Result<Config, String> {
        let layers = config::Config::builder().add_source(File::from_str(text, FileFormat::Toml));
        layers.build().unwrap().try_deserialize().map_err(|error| error.to_string())
    }

    #[test]
    fn a_small_site_needs_few_lines() {
        let config = read(GOOD).unwrap();
        assert_eq!(config.objections(), Vec::<String>::new());
        assert_eq!(config.password.memory_kib, 19_456);
        assert_eq!(config.keys.rotation(), Some(Duration::from_hours(90 * 24)));
        assert!(config.eid.is_empty());
        let never = read(&GOOD.replace("[keys]", "[keys]\nrotate_days = 0")).unwrap();
        assert_eq!(never.keys.rotation(), None);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let wrong = GOOD.replace("[keys]", "[keys]\nfolder = \"/tmp\"");
        assert!(read(&wrong).unwrap_err().contains("folder"));
        assert!(read(&format!("{GOOD}\n[serve]\n")).unwrap_err().contains("serve"));
    }

    #[test]
    fn a_preset_spares_words() {
        let eid = |preset: &str| {
            let own = "id = \"b\"\nissuer = \"https://op.example\"\nclient_id = \"p\"\nkey_file = \"/k\"";
            read(&format!("{GOOD}\n[[eid]]\n{own}\npreset = {preset:?}"))
        };
        let config = eid("bankid").unwrap();
        assert_eq!(config.objections(), Vec::<String>::new());
        assert_eq!(config.eid[0].identifier_claim, "nnin_altsub");
        assert!(eid("vipps").unwrap_err().contains("vipps"));
    }

    #[test]
    fn a_start_in_earnest_refuses_what_belongs_to_development() {
        let check = |from: &str, to: &str, expected: &str| {
            let lines = read(&GOOD.replace(from, to)).unwrap().objections();
            assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected} in {lines:?}");
        };
        check("[keys]", "[people]\nsynthetic = true\n[keys]", "people.synthetic");
        check("https://login.example.no", "http://login.example.no", "server.issuer");
        check("127.0.0.1:8080", "0.0.0.0:8080", "server.tls");
        check("[keys]", "[outbound]\nallow = [\"10.0.0.0/8\", \"0.0.0.0/0\"]\n[keys]", "outbound.allow");
        check("[keys]", "[password]\nmemory_kib = 1\n[keys]", "password");
        check("[keys]", "[letters]\nsender = [\"MinID\"]\n[keys]", "population");
        check("[keys]", "[letters]\nsender = []\n[keys]", "letters.sender");
        check("[keys]", "[letters]\nsender = [\"MinID\"]\nat_most = 0\n[keys]", "letters.at_most");
        let inbox = read(&GOOD.replace(
            "kind = \"gateway\"\n        url = \"https://sms.example.no/send\"\n        token_file = \"/run/secrets/sms\"\n        from = \"MinID\"",
            "kind = \"inbox\"",
        ));
        assert!(inbox.unwrap().objections()[0].starts_with("sms.kind"));
        let codes = "[minid]\nretired = [{ kind = \"totp\", from = \"2027-01-01\" }]\n[keys]";
        let at_an_address = GOOD.replace("https://login.example.no", "https://192.0.2.1").replace("[keys]", codes);
        let lines = read(&at_an_address).unwrap().objections();
        assert!(lines.iter().any(|line| line.starts_with("minid.retired: totp has to be left")), "{lines:?}");
        let local = read(&GOOD.replace("https://login.example.no", "http://localhost:8080")).unwrap();
        assert_eq!(local.objections(), Vec::<String>::new());
    }

    #[test]
    fn nothing_but_plain_text_is_said_to_ssh() {
        let with = |name: &str, value: &str| {
            let all = [("host", "sftp.trykk.example"), ("user", "minid"), ("folder", "/inn/brev"), ("key_file", "/k")];
            let given = |(key, usual)| format!("{key} = {:?}", if key == name { value } else { usual });
            let lines = all.into_iter().chain([("known_hosts_file", "/h")]).map(given).collect::<Vec<_>>().join("\n");
            read(&format!("{GOOD}\n[letters]\nsender = [\"MinID\"]\n[letters.sftp]\n{lines}\n"))
        };
        let sftp = with("host", "2001:db8::1").unwrap().letters.unwrap().sftp.unwrap();
        assert_eq!((sftp.host.as_str(), sftp.port), ("2001:db8::1", 22));
        for name in ["host", "user", "folder", "key_file", "known_hosts_file"] {
            let error = with(name, "-oProxyCommand=x").unwrap_err();
            assert!(error.contains("only letters, digits"), "{name}: {error}");
        }
        for odd in ["", "-x", "a b", "a\nrm x", "a\"b", "a'b", "a\\b", "%h", "$HOME", "~/x", "a*", "a;b", "a\u{a0}b"] {
            assert!(Plain::try_from(odd.to_owned()).is_err(), "{odd:?}");
        }
        let lines = with("key_file", "keys/print").unwrap().letters.unwrap().objections();
        assert_eq!(lines, ["letters.sftp.key_file: must begin with /"]);
    }

    #[test]
    fn an_issuer_is_an_origin() {
        for wrong in ["https://a.no/", "https://a.no/x", "ftp://a.no", "https://a.no?x", "https://u@a.no", "a.no"] {
            assert!(Issuer::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
