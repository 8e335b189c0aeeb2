//! Chance: every secret, code and id comes from here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::{constant_time, digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The system's random generator, or a test's.
#[derive(Debug, Clone)]
pub enum Chance {
    /// The operating system's, through aws-lc.
    System,
    /// The same sequence each time; no configuration can choose it.
    Seeded(Arc<AtomicU64>),
}

impl Chance {
    /// `N` bytes that nobody can foresee.
    pub fn bytes<const N: usize>(&self) -> anyhow::Result<[u8; N]> {
        let mut bytes = [0; N];
        match self {
            Chance::System => rand::fill(&mut bytes)?,
            Chance::Seeded(counter) => {
                for chunk in bytes.chunks_mut(32) {
                    let count = counter.fetch_add(1, Ordering::SeqCst).to_be_bytes();
                    let block = digest::digest(&digest::SHA256, &count);
                    chunk.iter_mut().zip(block.as_ref()).for_each(|(to, from)| *to = *from);
                }
            }
        }
        Ok(bytes)
    }

    /// A fresh 256-bit token.
    pub fn token(&self) -> anyhow::Result<Token> {
        Ok(Token(URL_SAFE_NO_PAD.encode(self.bytes::<32>()?)))
    }

    /// A short code of `length` digits, each code as likely as the next.
    pub fn digits(&self, length: usize) -> anyhow::Result<String> {
        let mut code = String::with_capacity(length);
        while code.len() < length {
            let [byte] = self.bytes::<1>()?;
            // 250 is the largest multiple of ten in a byte; what lies above would favour low digits.
            if byte < 250 {
                code.push(char::from(b'0' + byte % 10));
            }
        }
        Ok(code)
    }
}

/// A secret that is shown once and stored only as its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes back what somebody sent us; nothing but the length is known of it.
    pub fn presented(text: &str) -> Token {
        Token(text.chars().take(512).collect())
    }

    /// The token itself, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What we keep.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// A value that only the holder of this token can have got from us, for one purpose.
    pub fn derive(&self, purpose: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, purpose.as_bytes()))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of a token, base64url: what the stores hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of a text.
    pub fn of(text: &str) -> TokenHash {
        TokenHash(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes())))
    }

    /// A hash that was made elsewhere.
    pub(crate) fn of_digest(digest: &[u8]) -> TokenHash {
        TokenHash(URL_SAFE_NO_PAD.encode(digest))
    }

    /// Its letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Equality that takes the same time wherever the difference is.
    pub fn is(&self, other: &TokenHash) -> bool {
        same(&self.0, &other.0)
    }
}

/// Equality of two texts in constant time.
pub fn same(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
