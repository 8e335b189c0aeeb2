//! The key of services that prove with a signature who they are, parsed once: the load must cost less than the server.

use anyhow::Context;
use authenticators::chance::Chance;
use authenticators::clock::Clock;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key on P-256.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    /// Of assertions, and of proofs.
    headers: [String; 2],
    public: Value,
}

impl Key {
    /// A fresh one.
    pub(crate) fn fresh() -> anyhow::Result<Key> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref())?;
        let point = pair.public_key().as_ref().get(1..).context("no point")?;
        let (x, y) = point.split_at_checked(32).context("no point")?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let public = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
        let headers = [
            json!({ "alg": "ES256", "kid": "bench", "typ": "JWT" }),
            json!({ "alg": "ES256", "jwk": public, "typ": "dpop+jwt" }),
        ];
        let headers = headers.map(|header| URL_SAFE_NO_PAD.encode(header.to_string()));
        Ok(Key { pair, headers, public })
    }

    /// A set with it alone, as services register it.
    pub(crate) fn jwks(&self) -> Value {
        let mut key = self.public.clone();
        if let Some(fields) = key.as_object_mut() {
            fields.extend([
                ("kid".to_owned(), json!("bench")),
                ("use".to_owned(), json!("sig")),
                ("alg".to_owned(), json!("ES256")),
            ]);
        }
        json!({ "keys": [key] })
    }

    /// By which a service says who it is (RFC 7523 3), or asks for a token of its own.
    pub(crate) fn assertion(&self, service: &str, issuer: &str, scope: &str) -> anyhow::Result<String> {
        let [header, _] = &self.headers;
        let (now, jti) = (Clock::System.now().seconds(), Chance::System.token()?);
        self.sign(
            header,
            &json!({
                "iss": service, "sub": service, "aud": issuer, "scope": scope,
                "iat": now, "exp": now + 60, "jti": jti.reveal(),
            }),
        )
    }

    /// That the key is held by who sends a form to this address (RFC 9449 4.2).
    pub(crate) fn proof(&self, url: &str) -> anyhow::Result<String> {
        let [_, header] = &self.headers;
        let (now, jti) = (Clock::System.now().seconds(), Chance::System.token()?);
        self.sign(header, &json!({ "htm": "POST", "htu": url, "iat": now, "jti": jti.reveal() }))
    }

    fn sign(&self, header: &str, claims: &Value) -> anyhow::Result<String> {
        let mut token = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}
