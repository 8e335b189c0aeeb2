//! What encrypts at rest: private keys, the secrets of factors, and the details of the trail.

use std::sync::Arc;

use anyhow::Context;
use aws_lc_rs::{aead, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::chance::{Chance, TokenHash};

/// The master key at work. It comes from a file and is never stored. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inside>);

struct Inside {
    cipher: aead::LessSafeKey,
    root: hmac::Key,
}

impl Vault {
    /// Reads a master key: 32 bytes of base64.
    pub fn parse(text: &str) -> anyhow::Result<Vault> {
        let bytes = STANDARD.decode(text.trim()).context("the master key is not base64")?;
        let key =
            aead::UnboundKey::new(&aead::AES_256_GCM_SIV, &bytes).ok().context("the master key is not 32 bytes")?;
        let root = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        Ok(Vault(Arc::new(Inside { cipher: aead::LessSafeKey::new(key), root })))
    }

    /// A fresh master key, as it stands in its file.
    pub fn fresh_master(chance: &Chance) -> anyhow::Result<String> {
        Ok(STANDARD.encode(chance.bytes::<32>()?))
    }

    /// Encrypts for one place, which is a table and a row: nowhere else can it be opened.
    pub fn seal(&self, chance: &Chance, place: &str, plain: &[u8]) -> anyhow::Result<String> {
        let nonce: [u8; 12] = chance.bytes()?;
        let mut text = plain.to_vec();
        let place = aead::Aad::from(place);
        self.0.cipher.seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), place, &mut text)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    /// Decrypts what was encrypted for this place.
    pub fn open(&self, place: &str, sealed: &str) -> anyhow::Result<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed)?;
        let (nonce, text) = bytes.split_at_checked(12).context("something sealed is too short")?;
        let mut text = text.to_vec();
        let place = aead::Aad::from(place);
        let opened = self.0.cipher.open_in_place(aead::Nonce::try_assume_unique_for_key(nonce)?, place, &mut text);
        Ok(opened.ok().context("the master key does not open what is in this database")?.to_vec())
    }

    /// The hash of a code that is short enough to be guessed by whoever has the database: without the master key it
    /// says nothing.
    pub fn hash(&self, purpose: &str, code: &str) -> TokenHash {
        let tag = hmac::sign(&self.0.root, format!("{purpose}\n{code}").as_bytes());
        TokenHash::of_digest(tag.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_alone() {
        let chance = Chance::System;
        let vault = || Vault::parse(&Vault::fresh_master(&chance).unwrap()).unwrap();
        let (own, other) = (vault(), vault());
        let sealed = own.seal(&chance, "totp/a", b"secret").unwrap();
        assert_eq!(own.open("totp/a", &sealed).unwrap(), b"secret");
        assert!(own.open("totp/b", &sealed).is_err());
        assert!(other.open("totp/a", &sealed).is_err());
        assert!(own.open("totp/a", sealed.get(1..).unwrap()).is_err());
        assert!(own.open("totp/a", "").is_err());
        assert_ne!(own.seal(&chance, "totp/a", b"secret").unwrap(), sealed);
        assert!(own.hash("a", "1").is(&own.hash("a", "1")));
        assert!(!own.hash("a", "1").is(&own.hash("b", "1")) && !own.hash("a", "1").is(&other.hash("a", "1")));
        assert!(Vault::parse("AAAA").is_err() && Vault::parse("*").is_err());
    }
}
