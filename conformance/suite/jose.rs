//! Keys of the clients, and the JWTs that are made with them or against them.

use anyhow::{Context, ensure};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

/// A private key, and how it signs.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    private: EncodingKey,
}

impl Key {
    /// A fresh key on P-256.
    pub(crate) fn es256(kid: &str) -> anyhow::Result<Key> {
        let private = EncodingKey::from_ec_pem(KeyPair::generate()?.serialize_pem().as_bytes())?;
        Ok(Key { kid: kid.to_owned(), algorithm: Algorithm::ES256, private })
    }

    /// A fresh RSA key.
    pub(crate) fn ps256(kid: &str) -> anyhow::Result<Key> {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let private = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes())?;
        Ok(Key { kid: kid.to_owned(), algorithm: Algorithm::PS256, private })
    }

    /// The same key, used with another algorithm of its family.
    pub(crate) fn with(&self, algorithm: Algorithm) -> Key {
        Key { algorithm, ..self.clone() }
    }

    /// The public key as a JWK without name or use (RFC 9449 4.2).
    pub(crate) fn bare(&self) -> anyhow::Result<Value> {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.private, self.algorithm)?)?;
        jwk.as_object_mut().context("no object")?.remove("alg");
        Ok(jwk)
    }

    /// The public key as it is registered.
    pub(crate) fn public(&self) -> anyhow::Result<Value> {
        let mut jwk = self.bare()?;
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm);
        Ok(jwk)
    }

    /// RFC 7638
    pub(crate) fn thumbprint(&self) -> anyhow::Result<String> {
        Ok(Jwk::from_encoding_key(&self.private, self.algorithm)?.thumbprint(ThumbprintHash::SHA256)?)
    }

    /// Signs, whatever the header says.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> anyhow::Result<String> {
        let message = unsigned(header, claims);
        let message = message.trim_end_matches('.');
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, self.algorithm)?;
        Ok(format!("{message}.{signature}"))
    }
}

/// A JWT in the making.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) key: Key,
    finish: Finish,
}

#[derive(Clone, Copy)]
enum Finish {
    Signed,
    Unsigned,
    Spoilt,
}

impl Draft {
    /// With a header that names the algorithm and the type.
    pub(crate) fn new(key: &Key, typ: &str, claims: Value) -> Draft {
        let header = json!({ "alg": key.algorithm, "typ": typ });
        Draft { header, claims, key: key.clone(), finish: Finish::Signed }
    }

    /// With another claim.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Draft {
        self.claims[name] = value.into();
        self
    }

    /// Without a claim.
    pub(crate) fn without(mut self, name: &str) -> Draft {
        remove(&mut self.claims, name);
        self
    }

    /// With another member of the header.
    pub(crate) fn headed(mut self, name: &str, value: impl Into<Value>) -> Draft {
        self.header[name] = value.into();
        self
    }

    /// Without a member of the header.
    pub(crate) fn beheaded(mut self, name: &str) -> Draft {
        remove(&mut self.header, name);
        self
    }

    /// Signed by another key, or by another algorithm of the same.
    pub(crate) fn by(mut self, key: &Key) -> Draft {
        self.header["alg"] = json!(key.algorithm);
        self.key = key.clone();
        self
    }

    /// With `alg` none.
    pub(crate) fn unsigned(mut self) -> Draft {
        self.header["alg"] = json!("none");
        self.finish = Finish::Unsigned;
        self
    }

    /// With a signature that does not fit.
    pub(crate) fn spoilt(mut self) -> Draft {
        self.finish = Finish::Spoilt;
        self
    }

    /// The JWT.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        match self.finish {
            Finish::Signed => self.key.sign(&self.header, &self.claims),
            Finish::Unsigned => Ok(unsigned(&self.header, &self.claims)),
            Finish::Spoilt => {
                let token = self.key.sign(&self.header, &self.claims)?;
                let (message, signature) = token.rsplit_once('.').context("no signature")?;
                let mut signature = URL_SAFE_NO_PAD.decode(signature)?;
                signature.iter_mut().take(8).for_each(|byte| *byte ^= 0x5a);
                Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
            }
        }
    }
}

fn remove(value: &mut Value, name: &str) {
    if let Some(object) = value.as_object_mut() {
        object.remove(name);
    }
}

/// RFC 7519 6
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

/// A JWT, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Jwt {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Jwt {
    /// Takes one apart, unchecked.
    pub(crate) fn read(token: &str) -> anyhow::Result<Jwt> {
        let mut parts = token.split('.').map(|part| anyhow::Ok(URL_SAFE_NO_PAD.decode(part)?));
        let mut next = || anyhow::Ok(serde_json::from_slice(&parts.next().context("not a JWT")??)?);
        Ok(Jwt { header: next()?, claims: next()? })
    }

    /// Takes one apart whose signature is by one of these keys, and whose header names it.
    pub(crate) fn verified(token: &str, jwks: &Value) -> anyhow::Result<Jwt> {
        let jwt = Jwt::read(token)?;
        let algorithm: Algorithm = serde_json::from_value(jwt.header["alg"].clone()).context("alg")?;
        ensure!(!matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512), "signed by a secret");
        let kid = jwt.header["kid"].as_str().context("no kid in the header")?;
        let keys: JwkSet = serde_json::from_value(jwks.clone()).context("jwks_uri")?;
        let key = keys.find(kid).with_context(|| format!("no key {kid} at jwks_uri"))?;
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        (validation.validate_exp, validation.validate_aud) = (false, false);
        jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key)?, &validation).context("the signature")?;
        Ok(jwt)
    }
}

/// SHA-256 in base64url.
pub(crate) fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// The left half of a digest (OpenID Connect Core 3.1.3.6), for the algorithm in a JWT's header.
pub(crate) fn half(text: &str, alg: &Value) -> String {
    let algorithm = match alg.as_str() {
        Some("EdDSA") => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let digest = digest::digest(algorithm, text.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref().get(..digest.as_ref().len() / 2).unwrap_or_default())
}

/// Letters that nobody can guess.
pub(crate) fn random(letters: usize) -> anyhow::Result<String> {
    let mut bytes = vec![0; letters];
    aws_lc_rs::rand::fill(&mut bytes).ok().context("no randomness")?;
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(letters);
    Ok(text)
}

/// Seconds since 1970.
pub(crate) fn now() -> anyhow::Result<i64> {
    Ok(i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_secs())?)
}
