//! Web Push: the message encrypted for the browser (RFC 8291), and who sends it (VAPID, RFC 8292).

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use aws_lc_rs::{aead, hkdf, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::{GOOD_FOR, Outcome};
use crate::clock::Timestamp;
use crate::outbound::Outbound;

/// An uncompressed point on P-256.
const POINT: usize = 65;
/// RFC 8291 3.2
const AUTH: usize = 16;
/// RFC 8188 2.1: the record, of which there is one.
const RECORD: u32 = 4096;
/// The longest message that fits into it with its padding and its tag.
const WORDS: usize = 3993;
/// RFC 8292 2: at most a day.
const KNOWN_FOR: Duration = Duration::from_hours(12);

/// Where a browser is woken, and the keys to encrypt for it: what `PushSubscription.toJSON()` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Where the push service takes it.
    pub endpoint: Url,
    /// The browser's public key, base64url.
    pub p256dh: String,
    /// The browser's secret, base64url.
    pub auth: String,
}

impl Subscription {
    fn keys(&self) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
        let keys = (URL_SAFE_NO_PAD.decode(&self.p256dh)?, URL_SAFE_NO_PAD.decode(&self.auth)?);
        ensure!(keys.0.len() == POINT && keys.1.len() == AUTH, "these are not the keys of a browser");
        Ok(keys)
    }
}

/// The sender. Cheap to clone.
#[derive(Clone)]
pub struct WebPush(Arc<Inside>);

struct Inside {
    key: EcdsaKeyPair,
    public: String,
    contact: String,
    hosts: Vec<String>,
}

impl WebPush {
    /// With a private key of [`fresh_key`], an address for whoever runs a push service (`mailto:…`), and the hosts that
    /// are push services; one that begins with `*.` stands for all below it.
    pub fn new(key: &[u8], contact: String, hosts: Vec<String>) -> anyhow::Result<WebPush> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key);
        let key = key.ok().context("the key of Web Push cannot be read")?;
        let public = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        Ok(WebPush(Arc::new(Inside { key, public, contact, hosts })))
    }

    /// The public key, as browsers take it.
    pub fn public_key(&self) -> &str {
        &self.0.public
    }

    /// Whether what a browser has named is a push service, and keys.
    pub fn takes(&self, subscription: &Subscription) -> bool {
        self.is_a_service(&subscription.endpoint) && subscription.keys().is_ok()
    }

    fn is_a_service(&self, endpoint: &Url) -> bool {
        let Some(host) = endpoint.host_str() else { return false };
        let known = self.0.hosts.iter().any(|known| match known.strip_prefix('*') {
            Some(end) => host.ends_with(end) && host.len() > end.len(),
            None => host == known,
        });
        known && endpoint.as_str().len() <= 2048 && endpoint.username().is_empty() && endpoint.password().is_none()
    }

    /// Encrypts and sends.
    pub async fn send(
        &self,
        outbound: &Outbound,
        to: &Subscription,
        words: &str,
        now: Timestamp,
    ) -> anyhow::Result<Outcome> {
        let endpoint = &to.endpoint;
        ensure!(self.is_a_service(endpoint), "not a push service");
        let body = encrypt(to, words.as_bytes())?;
        let headers = [
            ("content-encoding", "aes128gcm".to_owned()),
            ("content-type", "application/octet-stream".to_owned()),
            ("ttl", GOOD_FOR.as_secs().to_string()),
            ("urgency", "high".to_owned()),
            ("authorization", self.vapid(endpoint, now)?),
        ];
        let status = outbound.post_bytes(endpoint, &headers, body).await?;
        match status.as_u16() {
            200..=299 => Ok(Outcome::Sent),
            // RFC 8030 7.3: the subscription is over.
            404 | 410 => Ok(Outcome::Gone),
            status => Err(anyhow!("the push service answered {status}")),
        }
    }

    /// RFC 8292 2, 3
    fn vapid(&self, endpoint: &Url, now: Timestamp) -> anyhow::Result<String> {
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({
            "aud": endpoint.origin().ascii_serialization(),
            "exp": now.plus(KNOWN_FOR),
            "sub": self.0.contact,
        });
        let message = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "ES256" })), part(&claims));
        let signature = self.0.key.sign(&rand::SystemRandom::new(), message.as_bytes())?;
        Ok(format!("vapid t={message}.{}, k={}", URL_SAFE_NO_PAD.encode(signature), self.0.public))
    }
}

/// A fresh private key for VAPID.
pub fn fresh_key() -> anyhow::Result<Vec<u8>> {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rand::SystemRandom::new())?;
    Ok(made.as_ref().to_vec())
}

fn encrypt(to: &Subscription, words: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (receiver, auth) = to.keys()?;
    let mut salt = [0; 16];
    rand::fill(&mut salt)?;
    seal(&PrivateKey::generate(&ECDH_P256)?, salt, (&receiver, &auth), words)
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// RFC 5869
fn derive<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> anyhow::Result<[u8; N]> {
    let mut out = [0; N];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(N))?.fill(&mut out)?;
    Ok(out)
}

/// RFC 8291 3.4, RFC 8188 2
fn seal(own: &PrivateKey, salt: [u8; 16], (receiver, auth): (&[u8], &[u8]), words: &[u8]) -> anyhow::Result<Vec<u8>> {
    ensure!(words.len() <= WORDS, "too much to say");
    let public = own.compute_public_key()?;
    let public = public.as_ref();
    let theirs = UnparsedPublicKey::new(&ECDH_P256, receiver);
    let secret: [u8; 32] = agree(own, theirs, anyhow!("the browser's key is not one"), |shared| {
        derive(auth, shared, &[b"WebPush: info\0", receiver, public])
    })?;
    let key: [u8; 16] = derive(&salt, &secret, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = derive(&salt, &secret, &[b"Content-Encoding: nonce\0"])?;
    let cipher = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key)?);
    // The delimiter of the last record, and no padding.
    let mut body = [words, &[2]].concat();
    cipher.seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), aead::Aad::empty(), &mut body)?;
    let head = [&salt[..], &RECORD.to_be_bytes(), &[u8::try_from(POINT)?], public];
    Ok([head.concat(), body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8291, appendix A, bit by bit.
    #[test]
    fn the_example_of_rfc_8291() {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let own = decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let own = PrivateKey::from_private_key(&ECDH_P256, &own).unwrap();
        let salt: [u8; 16] = decode("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let receiver =
            decode("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let auth = decode("BTBZMqHH6r4Tts7J_aSIgg");
        let sealed = seal(&own, salt, (&receiver, &auth), b"When I grow up, I want to be a watermelon").unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(sealed),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz\
             AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn who_is_a_push_service() {
        let hosts = ["push.example.com", "*.push.example.net"].map(str::to_owned).to_vec();
        let web = WebPush::new(&fresh_key().unwrap(), "mailto:x@example.no".into(), hosts).unwrap();
        let check = |url: &str| web.is_a_service(&Url::parse(url).unwrap());
        assert!(check("https://push.example.com/a") && check("https://a.push.example.net/b"));
        for other in [
            "https://example.com/",
            "https://push.example.com.evil.test/",
            "https://evilpush.example.net/",
            "https://.push.example.net/",
            "https://u:p@push.example.com/",
            "https://127.0.0.1/",
        ] {
            assert!(!check(other), "{other}");
        }
        let vapid = web.vapid(&Url::parse("https://push.example.com/a").unwrap(), Timestamp::from_seconds(0)).unwrap();
        assert!(vapid.starts_with("vapid t=") && vapid.ends_with(web.public_key()), "{vapid}");
        let endpoint = Url::parse("https://push.example.com/a").unwrap();
        let keys = |p256dh: &str, auth: &str| {
            web.takes(&Subscription { endpoint: endpoint.clone(), p256dh: p256dh.into(), auth: auth.into() })
        };
        assert!(!keys("AAAA", "AAAA") && !keys("", ""));
        assert!(keys(web.public_key(), "BTBZMqHH6r4Tts7J_aSIgg"));
    }
}
