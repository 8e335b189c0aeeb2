//! The other eIDs: each is somebody else's OpenID Provider, and a part of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use authenticators::chance::Token;
use authenticators::shown;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use crate::acr::{AMR_EMAIL, AMR_TEST_ID, Acr, Eid};
use crate::config::secret;
use crate::eid_logo::Logo;
use crate::eid_preset::Written;
use crate::jwe::{self, DecryptionKey};
use crate::redirect;
use crate::request::is_printable;
use crate::text::Language;

/// The name claims that may be handed on (OpenID Connect Core 5.1).
const NAME_CLAIMS: [&str; 2] = ["given_name", "family_name"];
/// The parameters of a request that are ours to set, whatever else the file adds.
const OUR_PARAMETERS: [&str; 18] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "acr_values",
    "prompt",
    "max_age",
    "ui_locales",
    "response_mode",
    "request",
    "request_uri",
    "client_assertion",
    "client_assertion_type",
    "client_secret",
];
/// No honest clock is further away.
const SKEW_AT_MOST: u64 = 300;

/// `[[eid]]`, with what its preset knows.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub struct EidConfig {
    /// Its name in addresses and forms.
    pub id: String,
    /// Its issuer, letter for letter as its metadata and its tokens have it.
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// PEM (PKCS#8): the key that we prove that with (`private_key_jwt`), on P-256 or RSA.
    pub key_file: Option<PathBuf>,
    /// The name that the provider knows the key by; left out, its thumbprint (RFC 7638).
    pub key_id: Option<String>,
    /// A file with the secret that we prove it with, where there is no key.
    pub secret_file: Option<PathBuf>,
    /// Whom our assertions are for; left out, the issuer.
    pub assertion_audience: Option<String>,
    /// What it is called on the page where one chooses.
    pub name: Wording,
    /// A line about it.
    pub about: Wording,
    /// A file with its logo, SVG or PNG; left out, its name stands alone.
    pub logo_file: Option<PathBuf>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim that holds the fødselsnummer or D-number.
    pub identifier_claim: String,
    /// The claim that holds the identifier of another country's eID, for people whom nobody here matches (`SE/NO/…`); none,
    /// and whoever has no number is not let in.
    pub eidas_identifier_claim: Option<String>,
    /// The claims with names that services may be told.
    pub name_claims: Vec<String>,
    /// What it reaches; what isn't named here is refused.
    pub levels: Vec<LevelConfig>,
    /// Where it sends browsers besides, on the way: `https://login.bank.no`. Pages of ours let forms lead there.
    pub origins: Vec<Url>,
    /// How far its clock may be from ours.
    pub max_clock_skew_seconds: u64,
    /// How many requests are pushed to it in a minute.
    pub pushes_a_minute: u32,
    /// What is asked besides, by parameters that are its own.
    pub parameters: BTreeMap<String, String>,
    /// What tells when somebody has proved who they are.
    pub fresh_by: FreshBy,
    /// How its answers are signed; left out, they are plain parameters.
    pub response_mode: Option<SignedAnswer>,
    /// How it tells of a person at its `UserInfo` endpoint; left out, it is not asked there.
    pub userinfo: Option<Userinfo>,
    /// What it encrypts for us: none of that is taken in the clear.
    pub encrypted: Vec<Encrypted>,
    /// PEM (PKCS#8), on P-256 or RSA: what is encrypted may be so by any of these keys.
    pub encryption_key_files: Vec<PathBuf>,
}

/// What tells that a login is a fresh one, and not an older one of theirs that was answered with once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreshBy {
    /// `auth_time`: who asks for a fresh login has to be told it (OpenID Connect Core 3.1.2.1, `max_age`).
    AuthTime,
    /// Where a provider has given that up: `iat` of a token with our nonce, whose request has asked for a fresh login
    /// by `prompt=login` and `max_age=0`. It is as good as the provider's word that it does what it is asked.
    Iat,
}

/// The ways in which an answer can be signed (JARM 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum SignedAnswer {
    /// In the address.
    #[serde(rename = "query.jwt")]
    QueryJwt,
    /// The same, by the name that leaves the choice to what is asked for: a code comes in the address.
    #[serde(rename = "jwt")]
    Jwt,
}

impl SignedAnswer {
    /// As a `response_mode`.
    pub fn name(self) -> &'static str {
        match self {
            SignedAnswer::QueryJwt => "query.jwt",
            SignedAnswer::Jwt => "jwt",
        }
    }
}

/// What a `UserInfo` endpoint answers (OpenID Connect Core 5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Userinfo {
    /// An object, believed for the connection that it came over.
    Json,
    /// A JWT that is signed.
    Jwt,
}

/// What a provider can encrypt (OpenID Connect Core 10.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encrypted {
    /// The ID token, once it is signed.
    IdToken,
    /// What the `UserInfo` endpoint answers, once it is signed.
    Userinfo,
    /// The claim with the identifier alone.
    Identifier,
}

/// Words in each language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// Bokmål.
    pub nb: String,
    /// Nynorsk; left out, Bokmål's.
    pub nn: Option<String>,
    /// English; left out, Bokmål's.
    pub en: Option<String>,
}

impl Wording {
    /// The words in a language.
    pub fn of(&self, language: Language) -> &str {
        let own = match language.of_words() {
            Language::Nn => self.nn.as_deref(),
            Language::En => self.en.as_deref(),
            Language::Nb | Language::Se => None,
        };
        own.unwrap_or(&self.nb)
    }
}

/// A level of theirs, and what it is here.
#[derive(Debug, Clone)]
pub struct LevelConfig {
    /// Their `acr`.
    pub acr: String,
    /// What it is asked for by, where that is not what comes back.
    pub ask: Option<String>,
    /// A value that must be in their `amr`; left out, any will do.
    pub method: Option<String>,
    /// The level here.
    pub level: Level,
    /// The `amr` value that services are told (domain: `BankID`, `Buypass`, `Commfides` …).
    pub amr: String,
}

/// The levels that another eID can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As MinID.
    Substantial,
    /// As BankID.
    High,
    /// Of another country's eID, low.
    #[serde(rename = "eidas-low")]
    EidasLow,
    /// Of another country's eID, substantial.
    #[serde(rename = "eidas-substantial")]
    EidasSubstantial,
    /// Of another country's eID, high.
    #[serde(rename = "eidas-high")]
    EidasHigh,
}

impl Level {
    /// As services know it.
    pub fn acr(self) -> Acr {
        match self {
            Level::Substantial => Acr::SUBSTANTIAL,
            Level::High => Acr::HIGH,
            Level::EidasLow => Acr::EIDAS_LOW,
            Level::EidasSubstantial => Acr::EIDAS_SUBSTANTIAL,
            Level::EidasHigh => Acr::EIDAS_HIGH,
        }
    }
}

impl EidConfig {
    /// What is wrong with it, one line each.
    pub fn objections(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut object = |wrong: bool, line: &str| {
            if wrong {
                lines.push(format!("eid {}: {line}", self.id));
            }
        };
        let is_id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let known = [Eid::MinId.id(), Eid::Email.id(), Eid::TestId.id()].contains(&self.id.as_str());
        object(!(1..=30).contains(&self.id.len()) || !self.id.bytes().all(is_id), "id: a-z, 0-9 and -, 30 at most");
        object(known, "id: this is an eID of ours");
        object(
            !is_an_issuer(&self.issuer),
            "issuer: must be https (or this machine's loopback address), without query and fragment",
        );
        object(self.client_id.is_empty(), "client_id: is missing");
        object(self.key_file.is_some() == self.secret_file.is_some(), "give either key_file or secret_file");
        object(self.key_id.is_some() && self.key_file.is_none(), "key_id: there is no key_file");
        object(!self.scopes.iter().any(|scope| scope == "openid"), "scopes: openid must be among them");
        object(self.identifier_claim.is_empty(), "identifier_claim: is missing");
        object(
            !self.name_claims.iter().all(|claim| NAME_CLAIMS.contains(&claim.as_str())),
            "name_claims: given_name and family_name alone are handed on",
        );
        let (is_foreign, claim) =
            (|level: &LevelConfig| level.level.acr().is_of_another_country(), &self.eidas_identifier_claim);
        object(
            claim.is_some() && !self.levels.iter().any(is_foreign),
            "eidas_identifier_claim: it reaches no level of another country's eID",
        );
        object(
            claim.as_ref().is_some_and(|claim| *claim == self.identifier_claim),
            "eidas_identifier_claim: holds the fødselsnummer or D-number already",
        );
        object(self.levels.is_empty(), "levels: nobody could log in with it");
        let ours = |amr: &str| {
            amr.is_empty() || [AMR_TEST_ID, AMR_EMAIL].contains(&amr) || amr.to_ascii_lowercase().starts_with("minid")
        };
        object(self.levels.iter().any(|level| ours(&level.amr)), "levels: an amr of ours is not given out");
        object(self.pushes_a_minute == 0, "pushes_a_minute: nobody could log in with it");
        object(self.max_clock_skew_seconds > SKEW_AT_MOST, "max_clock_skew_seconds: 300 at most");
        object(
            !self.encrypted.is_empty() && self.encryption_key_files.is_empty(),
            "encrypted: there is no encryption_key_files",
        );
        object(
            self.key_file.as_ref().is_some_and(|key| self.encryption_key_files.contains(key)),
            "encryption_key_files: the key that signs does nothing else",
        );
        object(
            self.parameters.keys().any(|name| name.is_empty() || OUR_PARAMETERS.contains(&name.as_str())),
            "parameters: one of them is not for you to set",
        );
        object(
            self.parameters.iter().any(|(name, value)| !is_printable(name) || !is_printable(value)),
            "parameters: one of them cannot be sent",
        );
        // OpenID Connect Core 5.3.2: what is encrypted is signed first.
        let is_nested = !self.encrypted.contains(&Encrypted::Userinfo) || self.userinfo == Some(Userinfo::Jwt);
        object(!is_nested, "encrypted: userinfo has to be \"jwt\"");
        object(self.name.nb.is_empty() || self.about.nb.is_empty(), "name, about: words are missing");
        lines
    }

    /// What is wrong with all of them together.
    pub fn objections_to(all: &[EidConfig]) -> Vec<String> {
        let mut lines: Vec<String> = all.iter().flat_map(EidConfig::objections).collect();
        let mut seen = BTreeSet::new();
        for eid in all.iter().filter(|eid| !seen.insert(eid.id.as_str())) {
            lines.push(format!("eid {}: id: another one has it", eid.id));
        }
        lines
    }

    /// Reads its key or secret, and its logo.
    pub fn open(self) -> anyhow::Result<OtherEid> {
        let proof = match (&self.key_file, &self.secret_file) {
            (Some(file), None) => {
                let key = read_key(file, |pem| OwnKey::parse(pem, self.key_id.clone()))?;
                ClientProof::Key(Box::new(key))
            }
            (None, Some(file)) => ClientProof::Secret(Token::presented(&secret(file)?)),
            _ => anyhow::bail!("give either key_file or secret_file"),
        };
        let decryption = self.encryption_key_files.iter().map(|file| read_key(file, DecryptionKey::parse));
        let decryption = decryption.collect::<anyhow::Result<Vec<DecryptionKey>>>()?;
        let issuer = Url::parse(&self.issuer).context("the issuer is no address")?;
        let logo = self.logo_file.as_deref().map(Logo::open).transpose()?;
        Ok(OtherEid { config: self, issuer, proof, decryption, logo })
    }
}

fn read_key<T>(file: &Path, parse: impl FnOnce(&[u8]) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    parse(&pem).with_context(|| format!("the key in {}", file.display()))
}

/// OpenID Connect Discovery 3: https, no query, no fragment. Loopback is for development.
fn is_an_issuer(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let safe = url.scheme() == "https" || (url.scheme() == "http" && redirect::is_loopback(&url));
    safe && url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
}

/// What we prove to the provider who we are with.
pub enum ClientProof {
    /// `private_key_jwt` (OpenID Connect Core 9).
    Key(Box<OwnKey>),
    /// `client_secret_basic` or `client_secret_post`.
    Secret(Token),
}

/// A key of ours that the provider knows.
pub struct OwnKey {
    /// ES256 or RS256.
    pub algorithm: Algorithm,
    /// Its name there.
    pub kid: String,
    /// The private half.
    pub private: EncodingKey,
    public: Jwk,
}

impl OwnKey {
    /// PKCS#8 in PEM.
    fn parse(pem: &[u8], kid: Option<String>) -> anyhow::Result<OwnKey> {
        let (algorithm, private) = match EncodingKey::from_ec_pem(pem) {
            Ok(key) => (Algorithm::ES256, key),
            Err(_) => {
                let rsa = EncodingKey::from_rsa_pem(pem).context("is neither on P-256 nor RSA (PKCS#8 in PEM)")?;
                (Algorithm::RS256, rsa)
            }
        };
        // A key on another curve is seen here and not at the first login.
        jsonwebtoken::crypto::sign(b"porten", &private, algorithm).context("cannot sign by ES256 or RS256")?;
        OwnKey::of(algorithm, private, kid)
    }

    /// A fresh one, on P-256.
    pub fn fresh() -> anyhow::Result<OwnKey> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
        OwnKey::of(Algorithm::ES256, EncodingKey::from_ec_der(made.as_ref()), None)
    }

    fn of(algorithm: Algorithm, private: EncodingKey, kid: Option<String>) -> anyhow::Result<OwnKey> {
        let mut public = Jwk::from_encoding_key(&private, algorithm)?;
        let kid = match kid {
            Some(kid) => kid,
            None => public.thumbprint(ThumbprintHash::SHA256)?,
        };
        (public.common.key_id, public.common.public_key_use) = (Some(kid.clone()), Some(PublicKeyUse::Signature));
        public.common.key_algorithm = Some(KeyAlgorithm::from(algorithm));
        Ok(OwnKey { algorithm, kid, private, public })
    }
}

/// An eID of somebody else's, ready for use.
pub struct OtherEid {
    /// As it is configured.
    pub config: EidConfig,
    /// Its issuer as an address.
    pub issuer: Url,
    /// What we prove ourselves with.
    pub proof: ClientProof,
    /// What is encrypted for us is so by one of these.
    pub decryption: Vec<DecryptionKey>,
    /// What it looks like on the page where one chooses.
    pub logo: Option<Logo>,
}

/// What a login at the provider has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The level here.
    pub acr: Acr,
    /// The `amr` value here.
    pub amr: String,
}

impl OtherEid {
    /// As one that can be chosen.
    pub fn as_choice(&self) -> Eid {
        let mut reaches: Vec<Acr> = self.config.levels.iter().map(|level| level.level.acr()).collect();
        reaches.dedup();
        Eid::Other { id: self.config.id.clone(), reaches }
    }

    /// Where its logo is found.
    pub fn logo_path(&self) -> Option<String> {
        self.logo.as_ref().map(|logo| format!("/eid/{}/logo/{}", self.config.id, logo.name()))
    }

    /// How far its clock may be from ours.
    pub fn skew(&self) -> Duration {
        Duration::from_secs(self.config.max_clock_skew_seconds)
    }

    /// The `acr_values` by which what a service asks for is asked for there, in the order of the table.
    pub fn acr_values(&self, asked: &[Acr]) -> String {
        let fitting = self.config.levels.iter().filter(|level| level.level.acr().satisfies_one_of(asked));
        let mut values: Vec<&str> = Vec::new();
        for level in fitting {
            let value = level.ask.as_deref().unwrap_or(&level.acr);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values.join(" ")
    }

    /// What their `acr` and `amr` are here; nothing if the table does not name them.
    pub fn reached(&self, acr: &str, amr: &[&str]) -> Option<Reached> {
        let fits = |level: &&LevelConfig| {
            level.acr == acr && level.method.as_deref().is_none_or(|method| amr.contains(&method))
        };
        let level = self.config.levels.iter().find(fits)?;
        Some(Reached { acr: level.level.acr(), amr: level.amr.clone() })
    }

    /// Our public keys, as a provider registers or fetches them (RFC 7517). Of those to encrypt by it is the first
    /// one: the others are still good for a while, and on their way out.
    pub fn jwks(&self) -> Value {
        let signs = match &self.proof {
            ClientProof::Key(key) => Some(json!(key.public)),
            ClientProof::Secret(_) => None,
        };
        let encrypts = self.decryption.first().map(|key| key.public().clone());
        let keys: Vec<Value> = signs.into_iter().chain(encrypts).collect();
        json!({ "keys": keys })
    }

    /// What came in a place where it may have to be encrypted.
    pub fn in_the_clear(&self, what: Encrypted, text: String) -> Result<String, &'static str> {
        if !self.config.encrypted.contains(&what) {
            return Ok(text);
        }
        let text = jwe::decrypt(&self.decryption, &text)?;
        String::from_utf8(text).map_err(|_| "What was encrypted is no text.")
    }

    /// The identifier of a person; nothing if there is none.
    pub fn identifier_in(&self, claims: &Map<String, Value>) -> Result<Option<String>, &'static str> {
        let text = claims.get(&self.config.identifier_claim).and_then(Value::as_str).map(str::to_owned);
        text.map(|text| self.in_the_clear(Encrypted::Identifier, text)).transpose()
    }

    /// A name that may be handed on.
    pub fn name_in(&self, claims: &Map<String, Value>, claim: &str) -> Option<String> {
        let allowed = self.config.name_claims.iter().any(|known| known == claim);
        allowed.then(|| name_in(claims, claim)).flatten()
    }
}

/// A name, as far as it can be shown.
pub fn name_in(claims: &Map<String, Value>, claim: &str) -> Option<String> {
    let name = claims.get(claim).and_then(Value::as_str)?;
    Some(name.chars().filter(|c| !shown::is_odd(*c)).take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Value)) -> EidConfig {
        let mut all = json!({
            "id": "bankid", "issuer": "https://op.bankid.example", "client_id": "porten", "key_file": "/k",
            "name": { "nb": "BankID" }, "about": { "nb": "Med app eller kodebrikke", "en": "By app" },
            "levels": [
                { "acr": "urn:high", "method": "sim", "level": "high", "amr": "BankID Mobil" },
                { "acr": "urn:high", "level": "high", "amr": "BankID" },
                { "acr": "urn:low", "level": "substantial", "amr": "BankID" },
            ],
        });
        change(&mut all);
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn what_is_wrong_with_a_configuration() {
        assert_eq!(config(|_| {}).objections(), Vec::<String>::new());
        let check = |name: &str, value: Value, expected: &str| {
            let lines = config(|all| all[name] = value).objections();
            assert!(lines.iter().any(|line| line.contains(expected)), "{name}: {lines:?}");
        };
        check("id", json!("minid"), "of ours");
        check("id", json!("email"), "of ours");
        check("id", json!("Bank ID"), "a-z");
        check("issuer", json!("http://op.bankid.example"), "issuer");
        check("issuer", json!("https://op.bankid.example?x"), "issuer");
        check("secret_file", json!("/s"), "either");
        check("scopes", json!(["profile"]), "openid");
        check("name_claims", json!(["birthdate"]), "name_claims");
        check("levels", json!([]), "nobody");
        check("levels", json!([{ "acr": "a", "level": "high", "amr": "Minid-OTC" }]), "amr");
        check("levels", json!([{ "acr": "a", "level": "high", "amr": "Selfregistered-email" }]), "amr");
        check("eidas_identifier_claim", json!("eidas_person_identifier"), "another country");
        check("eidas_identifier_claim", json!("pid"), "already");
        check("max_clock_skew_seconds", json!(301), "300");
        check("pushes_a_minute", json!(0), "nobody");
        check("encrypted", json!(["id_token"]), "encryption_key_files");
        check("encrypted", json!(["userinfo"]), "userinfo");
        for name in ["", "prompt", "max_age", "nonce", "client_secret"] {
            check("parameters", json!({ name: "x" }), "not for you");
        }
        check("parameters", json!({ "login_hint": "a\nb" }), "cannot be sent");
        let twice = EidConfig::objections_to(&[config(|_| {}), config(|_| {})]);
        assert!(twice[0].contains("another one has it"), "{twice:?}");
    }

    #[test]
    fn the_table_says_what_was_reached() {
        let issuer = Url::parse("https://op.bankid.example").unwrap();
        let proof = ClientProof::Secret(Token::presented("s"));
        let eid = OtherEid { config: config(|_| {}), issuer, proof, decryption: Vec::new(), logo: None };
        let check = |acr: &str, amr: &[&str], expected: Option<(Acr, &str)>| {
            let expected = expected.map(|(acr, amr)| Reached { acr, amr: amr.to_owned() });
            assert_eq!(eid.reached(acr, amr), expected, "{acr} {amr:?}");
        };
        check("urn:high", &["sim"], Some((Acr::HIGH, "BankID Mobil")));
        check("urn:high", &[], Some((Acr::HIGH, "BankID")));
        check("urn:low", &["sim"], Some((Acr::SUBSTANTIAL, "BankID")));
        check("URN:HIGH", &[], None);
        assert_eq!(eid.acr_values(&[Acr::SUBSTANTIAL]), "urn:high urn:low");
        assert_eq!(eid.acr_values(&[Acr::HIGH]), "urn:high");
        assert_eq!(eid.config.about.of(Language::En), "By app");
        assert_eq!(eid.config.about.of(Language::Nn), "Med app eller kodebrikke");
    }
}
