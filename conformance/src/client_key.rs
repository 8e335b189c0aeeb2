//! A key that a client of the tests holds: for assertions, request objects and DPoP proofs.

use anyhow::Context;
use authenticators::chance::{Chance, TokenHash};
use authenticators::clock::Timestamp;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// The key.
#[derive(Clone)]
pub struct ClientKey {
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Its public half.
    pub public: Jwk,
    private: EncodingKey,
}

impl ClientKey {
    /// A fresh key on P-256.
    pub fn fresh() -> anyhow::Result<ClientKey> {
        ClientKey::of(Algorithm::ES256)
    }

    /// A fresh key.
    pub fn of(algorithm: Algorithm) -> anyhow::Result<ClientKey> {
        let private = match algorithm {
            Algorithm::ES256 => {
                let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
                EncodingKey::from_ec_der(made.as_ref())
            }
            Algorithm::EdDSA => {
                EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())?.as_ref())
            }
            _ => {
                let made = AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa::KeyPair::generate(rsa::KeySize::Rsa2048)?)?;
                let text = STANDARD.encode(made.as_ref());
                let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
                EncodingKey::from_rsa_pem(pem.as_bytes())?
            }
        };
        let mut public = Jwk::from_encoding_key(&private, algorithm)?;
        public.common.key_id = Some(format!("key-{}", Chance::System.digits(8)?));
        public.common.key_algorithm = Some(KeyAlgorithm::from(algorithm));
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(ClientKey { algorithm, public, private })
    }

    /// Its name.
    pub fn kid(&self) -> &str {
        self.public.common.key_id.as_deref().unwrap_or_default()
    }

    /// A set with it alone, as clients register it.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.public] })
    }

    /// RFC 7638
    pub fn thumbprint(&self) -> anyhow::Result<String> {
        Ok(self.public.thumbprint(ThumbprintHash::SHA256)?)
    }

    /// Signs claims under its own name.
    pub fn sign(&self, typ: &str, claims: &Value) -> anyhow::Result<String> {
        let mut header = Header::new(self.algorithm);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid().to_owned());
        Ok(jsonwebtoken::encode(&header, claims, &self.private)?)
    }

    /// Signs claims under a header of the test's own.
    pub fn sign_with(&self, header: &Header, claims: &Value) -> anyhow::Result<String> {
        Ok(jsonwebtoken::encode(header, claims, &self.private)?)
    }

    /// Signs a header and claims as they are written, whatever they are.
    pub fn seal(&self, header: &[u8], claims: &[u8]) -> anyhow::Result<String> {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, self.algorithm)?;
        Ok(format!("{message}.{signature}"))
    }

    /// The claims of a good client assertion (RFC 7523 3).
    pub fn assertion_claims(client: &str, issuer: &str, now: Timestamp) -> anyhow::Result<Value> {
        let jti = Chance::System.token()?.reveal().to_owned();
        let (iat, exp) = (now.seconds(), now.seconds() + 60);
        Ok(json!({ "iss": client, "sub": client, "aud": issuer, "iat": iat, "exp": exp, "jti": jti }))
    }

    /// The claims of a good proof for a request (RFC 9449 4.2), with an access token if there is one.
    pub fn proof_claims(method: &str, url: &str, token: Option<&str>, now: Timestamp) -> anyhow::Result<Value> {
        let jti = Chance::System.token()?.reveal().to_owned();
        let mut claims = json!({ "htm": method, "htu": url, "iat": now.seconds(), "jti": jti });
        if let Some(token) = token {
            claims.as_object_mut().context("an object")?.insert("ath".into(), json!(TokenHash::of(token).as_str()));
        }
        Ok(claims)
    }

    /// Signs the claims of a proof.
    pub fn proof(&self, claims: &Value) -> anyhow::Result<String> {
        let mut header = Header::new(self.algorithm);
        header.typ = Some("dpop+jwt".to_owned());
        let mut public = self.public.clone();
        public.common = jsonwebtoken::jwk::CommonParameters::default();
        header.jwk = Some(public);
        self.sign_with(&header, claims)
    }
}
