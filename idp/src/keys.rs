//! The keys and their life: made at the first start, encrypted in the tables `signing_key` and `secret_key`, parsed
//! once.
//!
//! A signing key is published before it signs and is kept after its successor has begun: *next*, *active*,
//! *retiring*, *over*. Each state follows from the times in the table, so that every node finds the same one and none
//! has to be told. Keys are made, and what is over is cleaned away, in [`Keys::tend`]; [`Keys::refresh`] reads what
//! another node has made. No request reads the table.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use authenticators::chance::Chance;
use authenticators::clock::Timestamp;
use authenticators::vault::Vault;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use migrations::Db;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::client::ClientId;
use crate::document::Document;

/// How long a key is published before it signs: longer than anyone may keep the JWKS, which is an hour by its
/// `max-age` and a day by what services are advised.
pub const PUBLISHED_AHEAD: Duration = Duration::from_hours(48);
/// How long a key is published after its successor has begun: longer than any token lives, which is a day.
pub const KEPT: Duration = Duration::from_hours(48);
/// How long a key signs, unless the configuration says otherwise.
const ROTATED_AFTER: Duration = Duration::from_hours(90 * 24);

/// How tokens are signed (RFC 7518 3.1, RFC 8037 3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSA with SHA-256: what every client understands.
    #[default]
    RS256,
    /// RSA-PSS with SHA-256.
    PS256,
    /// ECDSA on P-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl SigningAlgorithm {
    /// All of them, in the order of the JWKS.
    pub const ALL: [SigningAlgorithm; 4] =
        [SigningAlgorithm::RS256, SigningAlgorithm::PS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA];

    /// Its name in `alg`.
    pub fn name(self) -> &'static str {
        match self {
            SigningAlgorithm::RS256 => "RS256",
            SigningAlgorithm::PS256 => "PS256",
            SigningAlgorithm::ES256 => "ES256",
            SigningAlgorithm::EdDSA => "EdDSA",
        }
    }

    /// The algorithm of a name.
    pub fn named(name: &str) -> Option<SigningAlgorithm> {
        SigningAlgorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    fn of_jsonwebtoken(self) -> Algorithm {
        match self {
            SigningAlgorithm::RS256 => Algorithm::RS256,
            SigningAlgorithm::PS256 => Algorithm::PS256,
            SigningAlgorithm::ES256 => Algorithm::ES256,
            SigningAlgorithm::EdDSA => Algorithm::EdDSA,
        }
    }
}

/// What a token is for, which its header says (`typ`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// `JWT`
    IdToken,
    /// `at+jwt` (RFC 9068 2.1)
    AccessToken,
    /// `logout+jwt` (OpenID Connect Back-Channel Logout 2.4)
    LogoutToken,
    /// `token-introspection+jwt` (RFC 9701 5)
    Introspection,
    /// `JWT` (JARM 2.1)
    AuthorizationResponse,
    /// `JWT` (OpenID Connect Core 5.3.2)
    UserInfo,
}

impl TokenType {
    const TYPS: [&str; 4] = ["JWT", "at+jwt", "logout+jwt", "token-introspection+jwt"];

    fn typ(self) -> &'static str {
        match self {
            TokenType::IdToken | TokenType::AuthorizationResponse | TokenType::UserInfo => "JWT",
            TokenType::AccessToken => "at+jwt",
            TokenType::LogoutToken => "logout+jwt",
            TokenType::Introspection => "token-introspection+jwt",
        }
    }
}

/// Where a signing key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Published, and does not sign yet.
    Next,
    /// Signs.
    Active,
    /// Published for the sake of what it has signed.
    Retiring,
    /// Not published, and what it has signed is refused.
    Over,
}

impl KeyState {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            KeyState::Next => "next",
            KeyState::Active => "active",
            KeyState::Retiring => "retiring",
            KeyState::Over => "over",
        }
    }
}

/// A signing key as administrators see it.
#[derive(Debug, Clone, Serialize)]
pub struct KeyLife {
    /// Its name in the JWKS: the thumbprint of RFC 7638.
    pub kid: String,
    /// How it signs.
    pub algorithm: SigningAlgorithm,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it begins to sign.
    pub from: Timestamp,
    /// When it is over, where that is known.
    pub until: Option<Timestamp>,
}

/// The keys in use.
pub struct Keys {
    vault: Vault,
    rotation: Option<Duration>,
    /// One at a time in this program; among several the table decides.
    turn: Mutex<()>,
    set: RwLock<Arc<KeySet>>,
    pairwise: hmac::Key,
}

/// The signing keys that are published, and their document.
struct KeySet {
    keys: Vec<Arc<SigningKey>>,
    jwks: Document,
}

struct SigningKey {
    kid: String,
    algorithm: SigningAlgorithm,
    active_from: Timestamp,
    /// One for each `typ`.
    headers: [(&'static str, String); TokenType::TYPS.len()],
    private: Private,
    public: Jwk,
    verifier: ParsedPublicKey,
}

enum Private {
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

impl Keys {
    /// Reads the keys, and makes those that are missing. Of several nodes that start at once one makes each.
    pub async fn open(db: &Db, chance: &Chance, vault: &Vault, now: Timestamp) -> anyhow::Result<Keys> {
        let secret = pairwise_secret(db, chance, vault, now).await?;
        take_over(db, chance, vault).await?;
        let keys = Keys {
            vault: vault.clone(),
            rotation: Some(ROTATED_AFTER),
            turn: Mutex::new(()),
            set: RwLock::new(Arc::new(KeySet { keys: Vec::new(), jwks: Document::new(String::new()) })),
            pairwise: hmac::Key::new(hmac::HMAC_SHA256, &secret),
        };
        let rows = Row::all(db).await?;
        let missing = SigningAlgorithm::ALL.map(|algorithm| match rows.iter().any(|row| row.is_of(algorithm)) {
            true => None,
            false => Some(Wanted { algorithm, generation: 1, active_from: now }),
        });
        keys.make(db, chance, missing.into_iter().flatten().collect(), now).await?;
        keys.refresh(db, now).await?;
        Ok(keys)
    }

    /// With another time between one key and the next; none is never by itself.
    #[must_use]
    pub fn rotated_after(self, rotation: Option<Duration>) -> Keys {
        Keys { rotation, ..self }
    }

    /// Whether the master key opens what the database holds; makes nothing.
    pub async fn check(db: &Db, vault: &Vault) -> anyhow::Result<()> {
        const SQL: &str = "SELECT id, purpose, sealed, created_at FROM secret_key WHERE retired_at IS NULL";
        let secrets: Vec<Secret> = sqlx::query_as(SQL).fetch_all(db.pool()).await?;
        secrets.iter().try_for_each(|secret| secret.open(vault).map(|_| ()))?;
        Row::all(db).await?.iter().try_for_each(|row| row.open(vault).map(|_| ()))
    }

    /// All signing keys that there are and have been, the oldest of each algorithm first.
    pub async fn list(db: &Db, now: Timestamp) -> anyhow::Result<Vec<KeyLife>> {
        let rows = Row::all(db).await?;
        let of = |algorithm| rows.iter().filter(move |row| row.is_of(algorithm)).map(move |row| (algorithm, row));
        let all = SigningAlgorithm::ALL.into_iter().flat_map(of);
        Ok(all.map(|(algorithm, row)| row.life(algorithm, &rows, now)).collect())
    }

    /// Reads what other nodes have made and ended. Keys that are known are not parsed again.
    pub async fn refresh(&self, db: &Db, now: Timestamp) -> anyhow::Result<()> {
        let _turn = self.turn.lock().await;
        self.read(db, now).await
    }

    /// Makes the next key of each algorithm when its time has come, and deletes the private keys that are over.
    /// Of any number of nodes that do this at once one makes it.
    pub async fn tend(&self, db: &Db, chance: &Chance, now: Timestamp) -> anyhow::Result<()> {
        let _turn = self.turn.lock().await;
        let rows = Row::all(db).await?;
        let due = self.rotation.map(|rotation| {
            SigningAlgorithm::ALL.into_iter().filter_map(|algorithm| due(algorithm, &rows, rotation, now)).collect()
        });
        self.make(db, chance, due.unwrap_or_default(), now).await?;
        for row in rows.iter().filter(|row| row.sealed.is_some() && row.state(&rows, now) == KeyState::Over) {
            row.bury(db).await?;
        }
        self.read(db, now).await
    }

    /// Makes the next key of an algorithm, and says when it will begin; none if there is a next one already.
    pub async fn make_next(
        &self,
        db: &Db,
        chance: &Chance,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> anyhow::Result<Option<Timestamp>> {
        let _turn = self.turn.lock().await;
        let Some(wanted) = due(algorithm, &Row::all(db).await?, Duration::ZERO, now) else { return Ok(None) };
        let active_from = wanted.active_from;
        let made = self.make(db, chance, vec![wanted], now).await?;
        self.read(db, now).await?;
        Ok((made > 0).then_some(active_from))
    }

    /// Makes a key that signs at once, and ends all others of its algorithm: whoever has read one of them may have
    /// read them all.
    pub async fn replace(
        &self,
        db: &Db,
        chance: &Chance,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        const END: &str = "UPDATE signing_key SET ended_at = $1
                           WHERE algorithm = $2 AND kid <> $3 AND ended_at IS NULL AND sealed IS NOT NULL";
        let _turn = self.turn.lock().await;
        let generation = next_generation(algorithm, &Row::all(db).await?);
        let wanted = Wanted { algorithm, generation, active_from: now };
        let made = tokio::task::spawn_blocking(move || wanted.generate()).await??;
        let mut tx = db.begin().await?;
        let added = made.add(&self.vault, chance, now)?.execute(&mut *tx).await?.rows_affected();
        anyhow::ensure!(added > 0, "another program has made a key in the same moment: try again");
        sqlx::query(END).bind(now.seconds()).bind(algorithm.name()).bind(&made.kid).execute(&mut *tx).await?;
        tx.commit().await?;
        self.read(db, now).await
    }

    /// Signs claims as a compact JWS, with the key that is active now.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        kind: TokenType,
        claims: &impl Serialize,
        now: Timestamp,
    ) -> anyhow::Result<String> {
        self.set().active(algorithm, now).context("no key of that algorithm")?.sign(kind, claims)
    }

    /// Reads a token that we have signed: signature, type and issuer; `exp` unless it may have passed. A key that is
    /// next is taken as well, since the clock of the node that signed may be a little ahead.
    pub fn verify<T: DeserializeOwned>(&self, token: &str, expected: &Expected<'_>) -> anyhow::Result<T> {
        let (message, signature) = token.rsplit_once('.').context("not a JWT")?;
        let (header, claims) = message.split_once('.').context("not a JWT")?;
        // Our headers are known to the letter: whatever else one could say is not ours.
        let set = self.set();
        let key = set.keys.iter().find(|key| key.header(expected.kind) == Some(header));
        let key = key.context("the token is of another type, or names an unknown key")?;
        let signature = URL_SAFE_NO_PAD.decode(signature)?;
        key.verifier.verify_sig(message.as_bytes(), &signature).ok().context("the signature is wrong")?;
        let claims = URL_SAFE_NO_PAD.decode(claims)?;
        let every: EveryToken<'_> = serde_json::from_slice(&claims)?;
        anyhow::ensure!(every.iss == expected.issuer, "the token is of another issuer");
        anyhow::ensure!(expected.not_after.is_none_or(|now| every.exp > now), "the token has expired");
        Ok(serde_json::from_slice(&claims)?)
    }

    /// The JWKS document (RFC 7517 5).
    pub fn document(&self) -> Document {
        self.set().jwks.clone()
    }

    /// The subject by which one client knows a person: the same for ever, and another one for another client
    /// (OpenID Connect Core 8.1).
    pub fn pairwise(&self, client: &ClientId, person: &str) -> String {
        let text = format!("{}\n{person}", client.as_str());
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.pairwise, text.as_bytes()))
    }

    /// A secret of one purpose, the same on every node and after every start.
    pub fn secret_for(&self, purpose: &str) -> hmac::Key {
        // No client's name begins so, and therefore no pairwise subject is made from such a text.
        let secret = hmac::sign(&self.pairwise, format!("\0{purpose}").as_bytes());
        hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref())
    }

    fn set(&self) -> Arc<KeySet> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The turn must be taken.
    async fn read(&self, db: &Db, now: Timestamp) -> anyhow::Result<()> {
        let (rows, before) = (Row::all(db).await?, self.set());
        let mut keys = Vec::new();
        for algorithm in SigningAlgorithm::ALL {
            let published = |row: &&Row| row.is_of(algorithm) && row.state(&rows, now) != KeyState::Over;
            for row in rows.iter().filter(published) {
                if let Some(known) = before.keys.iter().find(|key| key.kid == row.kid) {
                    keys.push(known.clone());
                } else if let Some(pkcs8) = row.open(&self.vault)? {
                    keys.push(Arc::new(SigningKey::parse(algorithm, row.active_from, &pkcs8)?));
                }
            }
        }
        if keys.iter().map(|key| &key.kid).eq(before.keys.iter().map(|key| &key.kid)) {
            return Ok(());
        }
        let public = JwkSet { keys: keys.iter().map(|key| key.public.clone()).collect() };
        let jwks = Document::new(serde_json::to_string(&public)?);
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(KeySet { keys, jwks });
        Ok(())
    }

    /// Makes keys at the same time, and says how many of them nobody else has made.
    async fn make(&self, db: &Db, chance: &Chance, wanted: Vec<Wanted>, now: Timestamp) -> anyhow::Result<u64> {
        let mut making = JoinSet::new();
        for wanted in wanted {
            making.spawn_blocking(move || wanted.generate());
        }
        let mut added = 0;
        while let Some(made) = making.join_next().await {
            added += made??.add(&self.vault, chance, now)?.execute(db.pool()).await?.rows_affected();
        }
        Ok(added)
    }
}

/// What every token of ours says.
#[derive(Deserialize)]
struct EveryToken<'a> {
    iss: Cow<'a, str>,
    exp: Timestamp,
}

/// What a token of ours must be.
pub struct Expected<'a> {
    /// Its type.
    pub kind: TokenType,
    /// Its issuer.
    pub issuer: &'a str,
    /// The moment at which it must not have expired; none where an old one will do.
    pub not_after: Option<Timestamp>,
}

impl KeySet {
    fn active(&self, algorithm: SigningAlgorithm, now: Timestamp) -> Option<&Arc<SigningKey>> {
        let all = || self.keys.iter().filter(move |key| key.algorithm == algorithm);
        let begun = all().filter(|key| key.active_from <= now).max_by_key(|key| key.active_from);
        // The first key may have been made by a node whose clock is a little ahead.
        begun.or_else(|| all().min_by_key(|key| key.active_from))
    }
}

/// A row of `signing_key`.
#[derive(sqlx::FromRow)]
struct Row {
    kid: String,
    algorithm: String,
    generation: i64,
    sealed: Option<String>,
    active_from: Timestamp,
    ended_at: Option<Timestamp>,
}

impl Row {
    async fn all(db: &Db) -> sqlx::Result<Vec<Row>> {
        const SQL: &str = "SELECT kid, algorithm, generation, sealed, active_from, ended_at FROM signing_key
                           ORDER BY algorithm, generation";
        sqlx::query_as(SQL).fetch_all(db.pool()).await
    }

    fn is_of(&self, algorithm: SigningAlgorithm) -> bool {
        self.algorithm == algorithm.name()
    }

    /// When the key is over: a while after its successor has begun, or when it was ended.
    fn until(&self, all: &[Row]) -> Option<Timestamp> {
        let after = all.iter().filter(|other| other.algorithm == self.algorithm && other.generation > self.generation);
        let kept = after.map(|other| other.active_from.plus(KEPT)).min();
        kept.into_iter().chain(self.ended_at).min()
    }

    fn state(&self, all: &[Row], now: Timestamp) -> KeyState {
        let has_begun = |other: &Row| other.active_from <= now && other.ended_at.is_none_or(|end| end > now);
        let follows = |other: &&Row| other.algorithm == self.algorithm && other.generation > self.generation;
        match self.until(all) {
            Some(until) if until <= now => KeyState::Over,
            _ if self.active_from > now => KeyState::Next,
            _ if all.iter().filter(follows).any(has_begun) => KeyState::Retiring,
            _ => KeyState::Active,
        }
    }

    fn life(&self, algorithm: SigningAlgorithm, all: &[Row], now: Timestamp) -> KeyLife {
        let (state, until) = (self.state(all, now), self.until(all));
        KeyLife { kid: self.kid.clone(), algorithm, state, from: self.active_from, until }
    }

    fn open(&self, vault: &Vault) -> anyhow::Result<Option<Vec<u8>>> {
        self.sealed.as_ref().map(|sealed| vault.open(&format!("signing_key/{}", self.kid), sealed)).transpose()
    }

    /// Deletes the private key, also where it was before `signing_key`.
    async fn bury(&self, db: &Db) -> anyhow::Result<()> {
        const HERE: &str = "UPDATE signing_key SET sealed = NULL WHERE kid = $1";
        const THERE: &str = "DELETE FROM secret_key WHERE purpose = $1";
        sqlx::query(HERE).bind(&self.kid).execute(db.pool()).await?;
        if self.generation == 1 {
            sqlx::query(THERE).bind(&self.algorithm).execute(db.pool()).await?;
        }
        tracing::info!(kid = self.kid, algorithm = self.algorithm, "a signing key is over");
        Ok(())
    }
}

fn next_generation(algorithm: SigningAlgorithm, rows: &[Row]) -> i64 {
    rows.iter().filter(|row| row.is_of(algorithm)).map(|row| row.generation).max().unwrap_or(0) + 1
}

/// The next key of an algorithm, if it is time to publish it and there is none.
fn due(algorithm: SigningAlgorithm, rows: &[Row], rotation: Duration, now: Timestamp) -> Option<Wanted> {
    let mut own = rows.iter().filter(|row| row.is_of(algorithm) && row.state(rows, now) != KeyState::Over);
    let newest = own.next_back().filter(|row| row.active_from <= now)?;
    let planned = newest.active_from.plus(rotation);
    let active_from = planned.max(now.plus(PUBLISHED_AHEAD));
    let is_time = planned.minus(PUBLISHED_AHEAD) <= now;
    is_time.then(|| Wanted { algorithm, generation: next_generation(algorithm, rows), active_from })
}

/// A key that is to be made.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    algorithm: SigningAlgorithm,
    generation: i64,
    active_from: Timestamp,
}

/// A key that was made, and is nowhere yet.
struct Made {
    wanted: Wanted,
    kid: String,
    pkcs8: Vec<u8>,
}

impl Wanted {
    /// Takes a while, if it is RSA.
    fn generate(self) -> anyhow::Result<Made> {
        let pkcs8 = match self.algorithm {
            SigningAlgorithm::RS256 | SigningAlgorithm::PS256 => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048)?;
                AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)?.as_ref().to_vec()
            }
            SigningAlgorithm::ES256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?.as_ref().to_vec()
            }
            SigningAlgorithm::EdDSA => Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())?.as_ref().to_vec(),
        };
        Ok(Made { wanted: self, kid: kid(&public(self.algorithm, &pkcs8)?)?, pkcs8 })
    }
}

impl Made {
    /// Adds no row if another node has made this generation.
    fn add<'q>(
        &'q self,
        vault: &Vault,
        chance: &Chance,
        now: Timestamp,
    ) -> anyhow::Result<sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>> {
        const SQL: &str = "INSERT INTO signing_key (kid, algorithm, generation, sealed, created_at, active_from)
                           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let sealed = vault.seal(chance, &format!("signing_key/{}", self.kid), &self.pkcs8)?;
        let Wanted { algorithm, generation, active_from } = self.wanted;
        let query = sqlx::query(SQL).bind(&self.kid).bind(algorithm.name()).bind(generation).bind(sealed);
        Ok(query.bind(now.seconds()).bind(active_from.seconds()))
    }
}

/// A row of `secret_key`: the secret behind the pairwise subjects, and the keys of old.
#[derive(sqlx::FromRow)]
struct Secret {
    id: String,
    purpose: String,
    sealed: String,
    created_at: Timestamp,
}

impl Secret {
    fn open(&self, vault: &Vault) -> anyhow::Result<Vec<u8>> {
        vault.open(&format!("secret_key/{}", self.id), &self.sealed)
    }
}

async fn pairwise_secret(db: &Db, chance: &Chance, vault: &Vault, now: Timestamp) -> anyhow::Result<Vec<u8>> {
    const FIND: &str = "SELECT id, purpose, sealed, created_at FROM secret_key
                        WHERE purpose = 'pairwise' AND retired_at IS NULL";
    const ADD: &str = "INSERT INTO secret_key (id, purpose, sealed, created_at) VALUES ($1, 'pairwise', $2, $3)
                       ON CONFLICT DO NOTHING";
    let find = || sqlx::query_as::<_, Secret>(FIND).fetch_optional(db.pool());
    if let Some(secret) = find().await? {
        return secret.open(vault);
    }
    let id = chance.token()?.reveal().to_owned();
    let sealed = vault.seal(chance, &format!("secret_key/{id}"), &chance.bytes::<32>()?)?;
    sqlx::query(ADD).bind(&id).bind(sealed).bind(now.seconds()).execute(db.pool()).await?;
    find().await?.context("a secret that was just made is gone")?.open(vault)
}

/// Takes over the keys of a site that is older than the table `signing_key`. They go on signing; a node that still
/// runs the old program finds them where they were.
async fn take_over(db: &Db, chance: &Chance, vault: &Vault) -> anyhow::Result<()> {
    const SQL: &str = "SELECT id, purpose, sealed, created_at FROM secret_key
                       WHERE purpose <> 'pairwise' AND retired_at IS NULL";
    let (secrets, rows): (Vec<Secret>, _) = (sqlx::query_as(SQL).fetch_all(db.pool()).await?, Row::all(db).await?);
    for secret in secrets {
        let Some(algorithm) = SigningAlgorithm::named(&secret.purpose) else { continue };
        if rows.iter().any(|row| row.is_of(algorithm)) {
            continue;
        }
        let pkcs8 = secret.open(vault)?;
        let wanted = Wanted { algorithm, generation: 1, active_from: secret.created_at };
        let taken = Made { wanted, kid: kid(&public(algorithm, &pkcs8)?)?, pkcs8 };
        taken.add(vault, chance, secret.created_at)?.execute(db.pool()).await?;
    }
    Ok(())
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

/// The public half of a private key, without its name.
fn public(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> anyhow::Result<Jwk> {
    let encoding = match algorithm {
        SigningAlgorithm::RS256 | SigningAlgorithm::PS256 => EncodingKey::from_rsa_pem(pem(pkcs8).as_bytes())?,
        SigningAlgorithm::ES256 => EncodingKey::from_ec_der(pkcs8),
        SigningAlgorithm::EdDSA => EncodingKey::from_ed_der(pkcs8),
    };
    Ok(Jwk::from_encoding_key(&encoding, algorithm.of_jsonwebtoken())?)
}

/// RFC 7638
fn kid(public: &Jwk) -> anyhow::Result<String> {
    Ok(public.thumbprint(ThumbprintHash::SHA256)?)
}

impl SigningKey {
    fn parse(algorithm: SigningAlgorithm, active_from: Timestamp, pkcs8: &[u8]) -> anyhow::Result<SigningKey> {
        let rsa = || RsaKeyPair::from_pkcs8(pkcs8).ok().map(Box::new).context("not an RSA key");
        let private = match algorithm {
            SigningAlgorithm::RS256 => Private::Rsa(rsa()?, &RSA_PKCS1_SHA256),
            SigningAlgorithm::PS256 => Private::Rsa(rsa()?, &RSA_PSS_SHA256),
            SigningAlgorithm::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok();
                Private::Ec(Box::new(pair.context("not a P-256 key")?))
            }
            SigningAlgorithm::EdDSA => {
                Private::Ed(Box::new(Ed25519KeyPair::from_pkcs8(pkcs8).ok().context("not an Ed25519 key")?))
            }
        };
        let mut public = public(algorithm, pkcs8)?;
        let kid = kid(&public)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        public.common.key_algorithm = Some(KeyAlgorithm::from(algorithm.of_jsonwebtoken()));
        let headers = TokenType::TYPS.map(|typ| {
            let header = serde_json::json!({ "alg": algorithm.name(), "kid": kid, "typ": typ });
            (typ, URL_SAFE_NO_PAD.encode(header.to_string()))
        });
        let verifier = match &private {
            Private::Rsa(pair, _) if algorithm == SigningAlgorithm::PS256 => {
                ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public_key())
            }
            Private::Rsa(pair, _) => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key()),
            Private::Ec(pair) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key()),
            Private::Ed(pair) => ParsedPublicKey::new(&ED25519, pair.public_key()),
        };
        let verifier = verifier.ok().context("no public key of that algorithm")?;
        Ok(SigningKey { kid, algorithm, active_from, headers, private, public, verifier })
    }

    /// The header of its tokens.
    fn header(&self, kind: TokenType) -> Option<&str> {
        self.headers.iter().find(|(typ, _)| *typ == kind.typ()).map(|(_, header)| header.as_str())
    }

    fn sign(&self, kind: TokenType, claims: &impl Serialize) -> anyhow::Result<String> {
        let header = self.header(kind).context("no header of that type")?;
        let mut token = format!("{header}.{}", URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?));
        let signature = match &self.private {
            Private::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), token.as_bytes(), &mut signature)?;
                signature
            }
            Private::Ec(pair) => pair.sign(&SystemRandom::new(), token.as_bytes())?.as_ref().to_vec(),
            Private::Ed(pair) => pair.try_sign(token.as_bytes())?.as_ref().to_vec(),
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}
