//! The keys: made at the first start, encrypted in the table `secret_key`, parsed once.

use anyhow::{Context, bail};
use authenticators::chance::Chance;
use authenticators::clock::Timestamp;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{aead, hmac, rsa};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use migrations::Db;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::ClientId;

/// How a client's ID tokens are signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSA with SHA-256: what every client understands.
    #[default]
    RS256,
    /// ECDSA on P-256.
    ES256,
}

impl SigningAlgorithm {
    fn name(self) -> &'static str {
        match self {
            SigningAlgorithm::RS256 => "RS256",
            SigningAlgorithm::ES256 => "ES256",
        }
    }

    fn of_jsonwebtoken(self) -> Algorithm {
        match self {
            SigningAlgorithm::RS256 => Algorithm::RS256,
            SigningAlgorithm::ES256 => Algorithm::ES256,
        }
    }
}

/// What encrypts the other keys; it comes from a file and is never stored.
pub struct MasterKey(aead::LessSafeKey);

impl MasterKey {
    /// Reads 32 bytes of base64.
    pub fn parse(text: &str) -> anyhow::Result<MasterKey> {
        let bytes = STANDARD.decode(text.trim()).context("the master key is not base64")?;
        let key =
            aead::UnboundKey::new(&aead::AES_256_GCM_SIV, &bytes).ok().context("the master key is not 32 bytes")?;
        Ok(MasterKey(aead::LessSafeKey::new(key)))
    }

    fn seal(&self, chance: &Chance, id: &str, plain: &[u8]) -> anyhow::Result<String> {
        let nonce: [u8; 12] = chance.bytes()?;
        let mut text = plain.to_vec();
        let place = aead::Aad::from(format!("secret_key/{id}"));
        self.0.seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), place, &mut text)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    fn open(&self, id: &str, sealed: &str) -> anyhow::Result<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed)?;
        let (nonce, text) = bytes.split_at_checked(12).context("a sealed key is too short")?;
        let mut text = text.to_vec();
        let place = aead::Aad::from(format!("secret_key/{id}"));
        let opened = self.0.open_in_place(aead::Nonce::try_assume_unique_for_key(nonce)?, place, &mut text);
        Ok(opened.ok().context("the master key does not open the keys in this database")?.to_vec())
    }
}

/// A fresh master key, as it stands in its file.
pub fn fresh_master(chance: &Chance) -> anyhow::Result<String> {
    Ok(STANDARD.encode(chance.bytes::<32>()?))
}

enum Private {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

struct SigningKey {
    header: String,
    access_header: String,
    logout_header: String,
    algorithm: SigningAlgorithm,
    private: Private,
    public: Jwk,
    verifier: DecodingKey,
    random: SystemRandom,
}

/// The keys in use.
pub struct Keys {
    signing: [SigningKey; 2],
    pairwise: hmac::Key,
    /// The JWKS document.
    pub jwks: String,
}

/// What a token is for, which its header says (`typ`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// `JWT`
    IdToken,
    /// `at+jwt` (RFC 9068 2.1)
    AccessToken,
    /// `logout+jwt` (OpenID Connect Back-Channel Logout 1.0, 2.4)
    LogoutToken,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    sealed: String,
}

impl Keys {
    /// Reads the keys, and makes those that are missing. Of several nodes that start at once one makes them.
    pub async fn open(db: &Db, chance: &Chance, master: &MasterKey, now: Timestamp) -> anyhow::Result<Keys> {
        let (rs256, es256) = tokio::try_join!(
            Keys::secret(db, chance, master, "RS256", now),
            Keys::secret(db, chance, master, "ES256", now)
        )?;
        let pairwise = Keys::secret(db, chance, master, "pairwise", now).await?;
        let signing =
            [SigningKey::parse(SigningAlgorithm::RS256, &rs256)?, SigningKey::parse(SigningAlgorithm::ES256, &es256)?];
        let keys = signing.iter().map(|key| key.public.clone()).collect();
        let jwks = serde_json::to_string(&JwkSet { keys })?;
        Ok(Keys { signing, pairwise: hmac::Key::new(hmac::HMAC_SHA256, &pairwise), jwks })
    }

    async fn secret(
        db: &Db,
        chance: &Chance,
        master: &MasterKey,
        purpose: &'static str,
        now: Timestamp,
    ) -> anyhow::Result<Vec<u8>> {
        const FIND: &str = "SELECT id, sealed FROM secret_key WHERE purpose = $1 AND retired_at IS NULL";
        const ADD: &str = "INSERT INTO secret_key (id, purpose, sealed, created_at) VALUES ($1, $2, $3, $4)
                           ON CONFLICT DO NOTHING";
        let find = || sqlx::query_as::<_, Row>(FIND).bind(purpose).fetch_optional(db.pool());
        if let Some(row) = find().await? {
            return master.open(&row.id, &row.sealed);
        }
        let random: [u8; 32] = chance.bytes()?;
        let made = tokio::task::spawn_blocking(move || generate(purpose, random)).await??;
        let id = chance.token()?.reveal().to_owned();
        let sealed = master.seal(chance, &id, &made)?;
        sqlx::query(ADD).bind(&id).bind(purpose).bind(sealed).bind(now.seconds()).execute(db.pool()).await?;
        let row = find().await?.context("a key that was just made is gone")?;
        master.open(&row.id, &row.sealed)
    }

    /// Whether the master key opens what the database holds; makes nothing.
    pub async fn check(db: &Db, master: &MasterKey) -> anyhow::Result<()> {
        const SQL: &str = "SELECT id, sealed FROM secret_key WHERE retired_at IS NULL";
        let rows: Vec<Row> = sqlx::query_as(SQL).fetch_all(db.pool()).await?;
        rows.iter().try_for_each(|row| master.open(&row.id, &row.sealed).map(|_| ()))
    }

    /// Signs claims as a compact JWS.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        kind: TokenType,
        claims: &impl Serialize,
    ) -> anyhow::Result<String> {
        let key = self.signing.iter().find(|key| key.algorithm == algorithm).context("no key of that algorithm")?;
        key.sign(kind, claims)
    }

    /// Reads a token that we have signed: signature, type and issuer; `exp` unless it may have passed.
    pub fn verify<T: DeserializeOwned + Clone>(&self, token: &str, expected: &Expected<'_>) -> anyhow::Result<T> {
        let header = jsonwebtoken::decode_header(token)?;
        // The library knows nothing of `crit` and looks at no `typ`.
        anyhow::ensure!(header.crit.is_none(), "a critical header that is not understood");
        let typ = match expected.kind {
            TokenType::IdToken => "JWT",
            TokenType::AccessToken => "at+jwt",
            TokenType::LogoutToken => "logout+jwt",
        };
        anyhow::ensure!(header.typ.as_deref() == Some(typ), "the token is of another type");
        let kid = header.kid.context("the token names no key")?;
        let key = self.signing.iter().find(|key| key.public.common.key_id.as_ref() == Some(&kid));
        let key = key.context("the token names an unknown key")?;
        let mut validation = Validation::new(key.algorithm.of_jsonwebtoken());
        validation.set_issuer(&[expected.issuer]);
        validation.set_required_spec_claims(&["iss", "exp"]);
        validation.validate_aud = false;
        // Time is the world's, not the library's.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<serde_json::Value>(token, &key.verifier, &validation)?.claims;
        let ends = claims.get("exp").and_then(serde_json::Value::as_i64).context("no exp")?;
        if expected.not_after.is_some_and(|now| ends <= now.seconds()) {
            bail!("the token has expired");
        }
        Ok(serde_json::from_value(claims)?)
    }

    /// The subject by which one client knows a person: the same for ever, and another one for another client
    /// (OpenID Connect Core 8.1).
    pub fn pairwise(&self, client: &ClientId, person: &str) -> String {
        let text = format!("{}\n{person}", client.as_str());
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.pairwise, text.as_bytes()))
    }
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

fn generate(purpose: &str, random: [u8; 32]) -> anyhow::Result<Vec<u8>> {
    Ok(match purpose {
        "RS256" => AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa::KeyPair::generate(rsa::KeySize::Rsa2048)?)?.as_ref().to_vec(),
        "ES256" => {
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?.as_ref().to_vec()
        }
        _ => random.to_vec(),
    })
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

impl SigningKey {
    fn parse(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> anyhow::Result<SigningKey> {
        let (private, encoding) = match algorithm {
            SigningAlgorithm::RS256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).ok().context("not an RSA key")?;
                (Private::Rsa(Box::new(pair)), EncodingKey::from_rsa_pem(pem(pkcs8).as_bytes())?)
            }
            SigningAlgorithm::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok();
                (Private::Ec(Box::new(pair.context("not a P-256 key")?)), EncodingKey::from_ec_der(pkcs8))
            }
        };
        let mut public = Jwk::from_encoding_key(&encoding, algorithm.of_jsonwebtoken())?;
        // RFC 7638
        let kid = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        public.common.key_algorithm = Some(KeyAlgorithm::from(algorithm.of_jsonwebtoken()));
        let header = |typ: &str| {
            let header = serde_json::json!({ "alg": algorithm.name(), "kid": kid, "typ": typ });
            URL_SAFE_NO_PAD.encode(header.to_string())
        };
        let (id_header, access_header, logout_header) = (header("JWT"), header("at+jwt"), header("logout+jwt"));
        let verifier = DecodingKey::from_jwk(&public)?;
        Ok(SigningKey {
            header: id_header,
            access_header,
            logout_header,
            algorithm,
            private,
            public,
            verifier,
            random: SystemRandom::new(),
        })
    }

    fn sign(&self, kind: TokenType, claims: &impl Serialize) -> anyhow::Result<String> {
        let header = match kind {
            TokenType::IdToken => &self.header,
            TokenType::AccessToken => &self.access_header,
            TokenType::LogoutToken => &self.logout_header,
        };
        let mut token = format!("{header}.{}", URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?));
        let signature = match &self.private {
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &self.random, token.as_bytes(), &mut signature)?;
                signature
            }
            Private::Ec(pair) => pair.sign(&self.random, token.as_bytes())?.as_ref().to_vec(),
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}
