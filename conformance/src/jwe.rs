//! Encrypts as a provider does (RFC 7516), written apart from what decrypts.
#![expect(clippy::indexing_slicing, reason = "what is missing fails the test")]

use anyhow::Context;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use aws_lc_rs::{digest, error::Unspecified, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The ways that Porten reads: each an `alg` and an `enc`.
pub const WAYS: [(&str, &str); 9] = [
    ("RSA-OAEP-256", "A256GCM"),
    ("RSA-OAEP-256", "A128GCM"),
    ("RSA-OAEP-256", "A128CBC-HS256"),
    ("ECDH-ES", "A256GCM"),
    ("ECDH-ES", "A128GCM"),
    ("ECDH-ES", "A128CBC-HS256"),
    ("ECDH-ES+A256KW", "A256GCM"),
    ("ECDH-ES+A256KW", "A128GCM"),
    ("ECDH-ES+A256KW", "A128CBC-HS256"),
];

/// A fresh key on P-256, in PEM.
pub fn p256() -> anyhow::Result<String> {
    Ok(rcgen::KeyPair::generate()?.serialize_pem())
}

/// A fresh RSA key, in PEM.
pub fn rsa() -> anyhow::Result<String> {
    let made = AsDer::<Pkcs8V1Der<'_>>::as_der(&KeyPair::generate(KeySize::Rsa2048)?)?;
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(made.as_ref())))
}

/// Encrypts a text for the holder of a public key (a JWK), by an `alg` and an `enc`.
pub fn encrypt(key: &Value, (alg, enc): (&str, &str), text: &[u8]) -> anyhow::Result<String> {
    let length = if enc == "A128GCM" { 16 } else { 32 };
    let mut header = json!({ "alg": alg, "enc": enc, "cty": "JWT", "kid": key["kid"] });
    let mut content = vec![0; length];
    rand::fill(&mut content)?;
    let brought = match alg {
        "RSA-OAEP-256" => for_rsa(key, &content)?,
        "ECDH-ES" => {
            (content, header["epk"]) = agreed(key, enc, length)?;
            Vec::new()
        }
        "ECDH-ES+A256KW" => {
            let (wrapping, ephemeral) = agreed(key, alg, 32)?;
            header["epk"] = ephemeral;
            let mut out = vec![0; length + 8];
            AesKek::new(&AES_256, &wrapping)?.wrap(&content, &mut out)?.to_vec()
        }
        other => anyhow::bail!("no way to bring a key by {other}"),
    };
    let head = URL_SAFE_NO_PAD.encode(header.to_string());
    let [iv, hidden, tag] = match enc {
        "A128CBC-HS256" => by_cbc(&content, head.as_bytes(), text)?,
        _ => by_gcm(&content, head.as_bytes(), text)?,
    };
    let parts = [brought, iv, hidden, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
    Ok(format!("{head}.{}", parts.join(".")))
}

fn member(key: &Value, name: &str) -> anyhow::Result<Vec<u8>> {
    let text = key[name].as_str().with_context(|| format!("no {name} in {key}"))?;
    Ok(URL_SAFE_NO_PAD.decode(text)?)
}

/// RFC 7518 4.3
fn for_rsa(key: &Value, content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let public = PublicKeyComponents { n: member(key, "n")?, e: member(key, "e")? };
    let public: Result<PublicEncryptingKey, Unspecified> = public.try_into();
    let public = OaepPublicEncryptingKey::new(public?)?;
    let mut out = vec![0; public.ciphertext_size()];
    Ok(public.encrypt(&OAEP_SHA256_MGF1SHA256, content, &mut out, None)?.to_vec())
}

/// RFC 7518 4.6: a key, and the ephemeral one that it was agreed on by.
fn agreed(key: &Value, purpose: &str, length: usize) -> anyhow::Result<(Vec<u8>, Value)> {
    let point = [vec![4], member(key, "x")?, member(key, "y")?].concat();
    let own = PrivateKey::generate(&ECDH_P256)?;
    let secret = agree(&own, UnparsedPublicKey::new(&ECDH_P256, point), Unspecified, |secret| Ok(secret.to_vec()))?;
    let number = |number: usize| u32::try_from(number).map(u32::to_be_bytes);
    let mut message = [&number(1)?, secret.as_slice(), &number(purpose.len())?, purpose.as_bytes()].concat();
    message.extend([number(0)?, number(0)?, number(length * 8)?].concat());
    let mut derived = digest::digest(&digest::SHA256, &message).as_ref().to_vec();
    derived.truncate(length);
    let public = own.compute_public_key()?;
    let (x, y) = public.as_ref().get(1..).context("a point")?.split_at(32);
    let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
    Ok((derived, json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })))
}

/// RFC 7518 5.3
fn by_gcm(key: &[u8], head: &[u8], text: &[u8]) -> anyhow::Result<[Vec<u8>; 3]> {
    let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key)?);
    let (mut iv, mut hidden) = ([0; 12], text.to_vec());
    rand::fill(&mut iv)?;
    let nonce = Nonce::assume_unique_for_key(iv);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(head), &mut hidden)?;
    Ok([iv.to_vec(), hidden, tag.as_ref().to_vec()])
}

/// RFC 7518 5.2.2.1
fn by_cbc(key: &[u8], head: &[u8], text: &[u8]) -> anyhow::Result<[Vec<u8>; 3]> {
    let (proves, hides) = key.split_at(16);
    let (mut iv, mut hidden) = ([0; 16], text.to_vec());
    rand::fill(&mut iv)?;
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, hides)?)?;
    cipher.less_safe_encrypt(&mut hidden, EncryptionContext::Iv128(FixedLength::from(iv)))?;
    let bits = u64::try_from(head.len() * 8)?.to_be_bytes();
    let mark = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, proves), &[head, &iv, &hidden, &bits].concat());
    let mut tag = mark.as_ref().to_vec();
    tag.truncate(16);
    Ok([iv.to_vec(), hidden, tag])
}
