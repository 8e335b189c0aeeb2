//! What others encrypt for us: JWE in its compact form (RFC 7516), by a key of ours on P-256 or RSA (RFC 7518 4, 5).
//!
//! There is no crate for it here: jsonwebtoken knows no JWE, and of all that the RFCs list three ways of bringing a
//! key and three of hiding a text are needed. Passwords (PBES2), shared secrets, RSA 1.5 and compression are left out,
//! so that nobody can have us work long, swell what they sent, or learn from how we fail: what goes wrong once secrets
//! are touched has one name.

use anyhow::Context;
use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value, json};

/// No honest token is longer.
const TOKEN_AT_MOST: usize = 32 * 1024;
/// Whatever goes wrong once a secret is used.
const UNREADABLE: &str = "It cannot be decrypted.";

/// A key of ours that others encrypt by.
pub struct DecryptionKey {
    private: Private,
    public: Value,
}

enum Private {
    Rsa(OaepPrivateDecryptingKey),
    P256(PrivateKey),
}

impl DecryptionKey {
    /// PKCS#8 in PEM.
    pub fn parse(pem: &[u8]) -> anyhow::Result<DecryptionKey> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).context("is no key in PKCS#8 and PEM")?;
        let der = der.secret_pkcs8_der();
        let (private, signs, alg) = match PrivateDecryptingKey::from_pkcs8(der) {
            Ok(key) => {
                let key = OaepPrivateDecryptingKey::new(key).ok().context("is not for encryption")?;
                (Private::Rsa(key), (EncodingKey::from_rsa_pem(pem)?, Algorithm::RS256), "RSA-OAEP-256")
            }
            Err(_) => {
                let key = PrivateKey::from_private_key_der(&ECDH_P256, der).ok();
                let key = key.context("is neither on P-256 nor RSA of 2048 to 8192 bits")?;
                (Private::P256(key), (EncodingKey::from_ec_pem(pem)?, Algorithm::ES256), "ECDH-ES")
            }
        };
        let jwk = Jwk::from_encoding_key(&signs.0, signs.1)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
        let mut public = serde_json::to_value(jwk)?;
        for (name, value) in [("kid", kid.as_str()), ("use", "enc"), ("alg", alg)] {
            public.as_object_mut().context("no object")?.insert(name.to_owned(), json!(value));
        }
        Ok(DecryptionKey { private, public })
    }

    /// Its public half (RFC 7517), named by its thumbprint (RFC 7638).
    pub fn public(&self) -> &Value {
        &self.public
    }

    /// How a key can be brought by it (`alg`).
    pub fn algorithms(&self) -> &'static [&'static str] {
        match self.private {
            Private::Rsa(_) => &["RSA-OAEP-256"],
            Private::P256(_) => &["ECDH-ES", "ECDH-ES+A256KW"],
        }
    }
}

/// Decrypts what one of these keys can. Which of them is not looked up by name: whoever encrypts may name a key as it
/// was registered.
pub fn decrypt(keys: &[DecryptionKey], token: &str) -> Result<Vec<u8>, &'static str> {
    let jwe = Jwe::read(token)?;
    keys.iter().find_map(|key| jwe.open(key)).ok_or(UNREADABLE)
}

/// How the key of the content is brought (RFC 7518 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bringing {
    RsaOaep256,
    EcdhEs,
    EcdhEsA256Kw,
}

/// How the content is encrypted (RFC 7518 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    A128Gcm,
    A256Gcm,
    A128CbcHs256,
}

/// A token that is taken apart.
struct Jwe<'a> {
    header: Map<String, Value>,
    bringing: Bringing,
    content: Content,
    /// The header as it was sent: what is authenticated beside the content.
    sealed: &'a [u8],
    key: Vec<u8>,
    iv: Vec<u8>,
    text: Vec<u8>,
    tag: Vec<u8>,
}

impl<'a> Jwe<'a> {
    /// RFC 7516 5.2, up to step 5.
    fn read(token: &'a str) -> Result<Jwe<'a>, &'static str> {
        if token.len() > TOKEN_AT_MOST {
            return Err("It is too long.");
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [head, key, iv, text, tag] = parts.as_slice() else { return Err("It is not encrypted.") };
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "It is not whole.");
        let header = serde_json::from_slice(&bytes(head)?);
        let header: Map<String, Value> = header.map_err(|_| "Its header cannot be read.")?;
        // RFC 7516 4.1.3, 4.1.13: we know no extensions, and unpack nothing.
        if header.contains_key("crit") || header.contains_key("zip") {
            return Err("It has a header that is not understood.");
        }
        let text_of = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default();
        let bringing = match text_of("alg") {
            "RSA-OAEP-256" => Bringing::RsaOaep256,
            "ECDH-ES" => Bringing::EcdhEs,
            "ECDH-ES+A256KW" => Bringing::EcdhEsA256Kw,
            _ => return Err("It is encrypted by an alg that is not accepted."),
        };
        let content = match text_of("enc") {
            "A128GCM" => Content::A128Gcm,
            "A256GCM" => Content::A256Gcm,
            "A128CBC-HS256" => Content::A128CbcHs256,
            _ => return Err("It is encrypted by an enc that is not accepted."),
        };
        let sealed = head.as_bytes();
        let (key, iv, text, tag) = (bytes(key)?, bytes(iv)?, bytes(text)?, bytes(tag)?);
        Ok(Jwe { header, bringing, content, sealed, key, iv, text, tag })
    }

    /// RFC 7516 5.2, from step 6.
    fn open(&self, own: &DecryptionKey) -> Option<Vec<u8>> {
        let key = match (self.bringing, &own.private) {
            (Bringing::RsaOaep256, Private::Rsa(rsa)) => {
                let mut out = vec![0; rsa.min_output_size()];
                rsa.decrypt(&OAEP_SHA256_MGF1SHA256, &self.key, &mut out, None).ok()?.to_vec()
            }
            // RFC 7518 4.6: what is agreed on is the key.
            (Bringing::EcdhEs, Private::P256(own)) if self.key.is_empty() => {
                self.agreed(own, self.content.name(), self.content.key_length())?
            }
            (Bringing::EcdhEsA256Kw, Private::P256(own)) => {
                let wrapping = AesKek::new(&AES_256, &self.agreed(own, "ECDH-ES+A256KW", 32)?).ok()?;
                let mut out = vec![0; self.key.len()];
                wrapping.unwrap(&self.key, &mut out).ok()?.to_vec()
            }
            _ => return None,
        };
        self.content.open(&key, self)
    }

    /// RFC 7518 4.6.2
    fn agreed(&self, own: &PrivateKey, purpose: &str, length: usize) -> Option<Vec<u8>> {
        let party = |name: &str| match self.header.get(name) {
            None => Some(Vec::new()),
            Some(value) => URL_SAFE_NO_PAD.decode(value.as_str()?).ok(),
        };
        let (theirs, ours) = (party("apu")?, party("apv")?);
        let point = UnparsedPublicKey::new(&ECDH_P256, self.ephemeral()?);
        agree(own, point, (), |secret| Ok(derive(secret, (purpose, &theirs, &ours), length))).ok()
    }

    /// RFC 7518 4.6.1.1: a point, which is seen to lie on the curve when it is used.
    fn ephemeral(&self) -> Option<Vec<u8>> {
        let key = self.header.get("epk")?.as_object()?;
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let (x, y) = (URL_SAFE_NO_PAD.decode(text("x")?).ok()?, URL_SAFE_NO_PAD.decode(text("y")?).ok()?);
        let is_p256 = text("kty") == Some("EC") && text("crv") == Some("P-256") && (x.len(), y.len()) == (32, 32);
        is_p256.then(|| [&[4], x.as_slice(), &y].concat())
    }
}

/// The Concat KDF with SHA-256, of which one round is enough (NIST SP 800-56A 5.8.1, RFC 7518 4.6.2). `info` is what
/// the key is for, and who the two are.
fn derive(secret: &[u8], info: (&str, &[u8], &[u8]), length: usize) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let (purpose, theirs, ours) = info;
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(&number(1));
    hash.update(secret);
    for part in [purpose.as_bytes(), theirs, ours] {
        hash.update(&number(part.len()));
        hash.update(part);
    }
    hash.update(&number(length * 8));
    hash.finish().as_ref().iter().copied().take(length).collect()
}

impl Content {
    fn name(self) -> &'static str {
        match self {
            Content::A128Gcm => "A128GCM",
            Content::A256Gcm => "A256GCM",
            Content::A128CbcHs256 => "A128CBC-HS256",
        }
    }

    fn key_length(self) -> usize {
        match self {
            Content::A128Gcm => 16,
            Content::A256Gcm | Content::A128CbcHs256 => 32,
        }
    }

    fn open(self, key: &[u8], jwe: &Jwe<'_>) -> Option<Vec<u8>> {
        match self {
            Content::A128Gcm => open_gcm(&aead::AES_128_GCM, key, jwe),
            Content::A256Gcm => open_gcm(&aead::AES_256_GCM, key, jwe),
            Content::A128CbcHs256 => open_cbc(key, jwe),
        }
    }
}

/// RFC 7518 5.3
fn open_gcm(algorithm: &'static aead::Algorithm, key: &[u8], jwe: &Jwe<'_>) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(&jwe.iv).ok()?;
    // One that is cut short would be easier to guess.
    (jwe.tag.len() == algorithm.tag_len()).then_some(())?;
    let mut out = vec![0; jwe.text.len()];
    key.open_separate_gather(nonce, Aad::from(jwe.sealed), &jwe.text, &jwe.tag, &mut out).ok()?;
    Some(out)
}

/// RFC 7518 5.2.2.2: nothing is decrypted before it is authentic.
fn open_cbc(key: &[u8], jwe: &Jwe<'_>) -> Option<Vec<u8>> {
    let (proves, hides) = key.split_at_checked(16).filter(|(_, hides)| hides.len() == 16)?;
    let iv: [u8; 16] = jwe.iv.as_slice().try_into().ok()?;
    let bits = u64::try_from(jwe.sealed.len()).ok()? * 8;
    let message = [jwe.sealed, &jwe.iv, &jwe.text, &bits.to_be_bytes()].concat();
    let mark = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, proves), &message);
    constant_time::verify_slices_are_equal(mark.as_ref().get(..16)?, &jwe.tag).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, hides).ok()?).ok()?;
    let mut out = jwe.text.clone();
    Some(key.decrypt(&mut out, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?.to_vec())
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// Made by jwcrypto, with keys that are used nowhere else.
    const VECTORS: &str = include_str!("jwe_vectors.json");

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    fn vectors() -> (Value, Vec<DecryptionKey>) {
        let all: Value = serde_json::from_str(VECTORS).unwrap();
        let key = |name: &str| key(all["keys"][name].as_str().unwrap()).unwrap();
        let keys = vec![key("rsa"), key("p256")];
        (all, keys)
    }

    fn key(der: &str) -> anyhow::Result<DecryptionKey> {
        DecryptionKey::parse(format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n").as_bytes())
    }

    /// A token with the key of its content in the hand.
    fn open(token: &str, key: &[u8]) -> Option<Vec<u8>> {
        let parts: Vec<&str> = token.split('.').collect();
        let enc = serde_json::from_slice::<Value>(&decode(parts[0])).unwrap()["enc"].as_str().unwrap().to_owned();
        let all = [Content::A128Gcm, Content::A256Gcm, Content::A128CbcHs256];
        let content = all.into_iter().find(|content| content.name() == enc).unwrap();
        let jwe = Jwe {
            header: Map::new(),
            bringing: Bringing::EcdhEs,
            content,
            sealed: parts[0].as_bytes(),
            key: Vec::new(),
            iv: decode(parts[2]),
            text: decode(parts[3]),
            tag: decode(parts[4]),
        };
        content.open(key, &jwe)
    }

    #[test]
    fn the_key_that_two_agree_on() {
        // RFC 7518 Appendix C
        let bob = decode("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
        let bob = PrivateKey::from_private_key(&ECDH_P256, &bob).unwrap();
        let header = json!({
            "alg": "ECDH-ES", "enc": "A128GCM", "apu": "QWxpY2U", "apv": "Qm9i",
            "epk": {
                "kty": "EC", "crv": "P-256",
                "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
                "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
            },
        });
        let head = URL_SAFE_NO_PAD.encode(header.to_string());
        let token = format!("{head}....");
        let agreed = Jwe::read(&token).unwrap().agreed(&bob, "A128GCM", 16).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(agreed), "VqqN6vgjbSBcIijNcacQGg");
    }

    #[test]
    fn contents_of_the_rfc() {
        // RFC 7516 Appendix A.1
        let key = [
            177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112, 46, 34,
            105, 47, 130, 203, 46, 122, 234, 64, 252,
        ];
        let token = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ..48V1_ALb6US04U3b.\
                     5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A.\
                     XFBoMYUZodetZdvTiFvSkQ";
        let text = open(token, &key).unwrap();
        assert_eq!(text, b"The true sign of intelligence is not knowledge but imagination.");
        // RFC 7516 Appendix A.3
        let key = [
            4, 211, 31, 197, 84, 157, 252, 254, 11, 100, 157, 250, 63, 170, 106, 206, 107, 124, 212, 45, 111, 107, 9,
            219, 200, 177, 0, 240, 143, 156, 44, 207,
        ];
        let token = "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0..AxY8DCtDaGlsbGljb3RoZQ.\
                     KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_YmjN04DJvceFICbCVQ";
        assert_eq!(open(token, &key).unwrap(), b"Live long and prosper.");
        assert_eq!(open(token, &key[1..]), None);
        assert_eq!(open(&token[..token.len() - 6], &key), None, "a tag that is cut short");
    }

    #[test]
    fn tokens_of_another_library() {
        let (all, keys) = vectors();
        let tokens = all["tokens"].as_array().unwrap();
        assert_eq!(tokens.len(), 6);
        for vector in tokens {
            let (token, name) = (vector["token"].as_str().unwrap(), vector["key"].as_str().unwrap());
            assert_eq!(decrypt(&keys, token).unwrap(), b"Takk for sist.", "{vector}");
            let (fitting, other) = if name == "rsa" { (0, 1) } else { (1, 0) };
            assert!(keys[fitting].algorithms().contains(&vector["alg"].as_str().unwrap()));
            assert_eq!(decrypt(&keys[other..=other], token), Err(UNREADABLE), "{vector}");
            assert_eq!(decrypt(&[], token), Err(UNREADABLE));
        }
    }

    #[test]
    fn whatever_is_changed_is_not_read() {
        let (all, keys) = vectors();
        for vector in all["tokens"].as_array().unwrap() {
            let token = vector["token"].as_str().unwrap();
            let parts: Vec<&str> = token.split('.').collect();
            for number in 1..5 {
                let mut bytes = decode(parts[number]);
                if let Some(first) = bytes.first_mut() {
                    *first ^= 1;
                } else {
                    bytes = vec![1; 40];
                }
                let changed = URL_SAFE_NO_PAD.encode(&bytes);
                let mut all = parts.clone();
                all[number] = &changed;
                assert_eq!(decrypt(&keys, &all.join(".")), Err(UNREADABLE), "{number} of {token}");
                all[number] = "AA";
                assert_eq!(decrypt(&keys, &all.join(".")), Err(UNREADABLE), "{number} of {token}");
            }
            let mut header: Value = serde_json::from_slice(&decode(parts[0])).unwrap();
            header["x"] = json!(1);
            let with = |header: &Value| {
                let head = URL_SAFE_NO_PAD.encode(header.to_string());
                decrypt(&keys, &[&[head.as_str()], &parts[1..]].concat().join("."))
            };
            assert_eq!(with(&header), Err(UNREADABLE));
            for (name, value) in [
                ("alg", json!("RSA1_5")),
                ("alg", json!("RSA-OAEP")),
                ("alg", json!("dir")),
                ("alg", json!("A256KW")),
                ("alg", json!("PBES2-HS256+A128KW")),
                ("alg", json!(["ECDH-ES"])),
                ("alg", Value::Null),
                ("enc", json!("A256CBC-HS512")),
                ("enc", json!("a256gcm")),
                ("zip", json!("DEF")),
                ("crit", json!(["exp"])),
            ] {
                let mut header = header.clone();
                header[name] = value.clone();
                assert!(with(&header).is_err_and(|why| why != UNREADABLE), "{name} {value}");
            }
        }
    }

    #[test]
    fn points_that_are_none() {
        let (all, keys) = vectors();
        let token = all["tokens"][2]["token"].as_str().unwrap();
        let (head, rest) = token.split_once('.').unwrap();
        let header: Value = serde_json::from_slice(&decode(head)).unwrap();
        for (name, value) in [
            // Not on the curve, at infinity, too long, of another curve, and none at all.
            ("y", json!(header["epk"]["x"])),
            ("x", json!(URL_SAFE_NO_PAD.encode([0; 32]))),
            ("x", json!(URL_SAFE_NO_PAD.encode([1; 33]))),
            ("crv", json!("P-384")),
            ("kty", json!("OKP")),
            ("x", Value::Null),
        ] {
            let mut header = header.clone();
            header["epk"][name] = value.clone();
            let token = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
            assert_eq!(decrypt(&keys, &token), Err(UNREADABLE), "{name} {value}");
        }
    }

    #[test]
    fn what_is_no_jwe() {
        let (_, keys) = vectors();
        let long = format!("{}....", "A".repeat(TOKEN_AT_MOST));
        for wrong in ["", "....", "a.b.c", "a.b.c.d.e.f", "e30....", "W10....", "e30=....", "💥....", &long] {
            assert!(decrypt(&keys, wrong).is_err(), "{wrong:.20}");
        }
    }

    #[test]
    fn what_is_published_of_a_key() {
        let (_, keys) = vectors();
        for (key, kty, alg) in [(&keys[0], "RSA", "RSA-OAEP-256"), (&keys[1], "EC", "ECDH-ES")] {
            let public = key.public();
            assert_eq!((&public["kty"], &public["alg"], &public["use"]), (&json!(kty), &json!(alg), &json!("enc")));
            assert_eq!(public["kid"].as_str().unwrap().len(), 43);
            for member in crate::client_keys::PRIVATE_MEMBERS {
                assert!(public.get(member).is_none(), "{member}");
            }
        }
        let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        assert!(key(&STANDARD.encode(p384.serialize_der())).is_err());
        assert!(DecryptionKey::parse(b"nothing").is_err());
    }
}
