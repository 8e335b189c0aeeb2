//! A passkey without a device (W3C Web Authentication Level 3): it makes a key and signs with it as a browser and an
//! authenticator do together, and does it wrong where a test wants it to.
//!
//! It is our own, since the one of `webauthn-authenticator-rs` makes no key that says by itself whose it is, and cannot
//! be told to lie.

use anyhow::Context;
use authenticators::chance::Chance;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Level 3, 6.1: somebody is there.
pub const PRESENT: u8 = 0x01;
/// Somebody has unlocked it.
pub const VERIFIED: u8 = 0x04;
/// It can be copied to other devices.
pub const CAN_BE_COPIED: u8 = 0x08;
/// It has been.
pub const IS_COPIED: u8 = 0x10;
/// The key comes along.
const ATTESTED: u8 = 0x40;

/// A passkey.
pub struct Passkey {
    key: EcdsaKeyPair,
    id: [u8; 32],
    /// Where it was made.
    origin: String,
    rp_id: String,
    /// Whose it is, by the name that the page gave them.
    pub user: Vec<u8>,
    /// How often it has signed.
    pub counter: u32,
}

/// How it signs.
#[derive(Debug, Clone)]
pub struct Manner {
    /// What the browser says that it does: `webauthn.get`.
    pub ceremony: &'static str,
    /// Where the browser says that it is.
    pub origin: String,
    /// For whom the authenticator signs.
    pub rp_id: String,
    /// [`PRESENT`], [`VERIFIED`] …
    pub flags: u8,
    /// How often the authenticator says that it has signed, with this time.
    pub counter: u32,
    /// Whose it says that it is.
    pub user: Option<Vec<u8>>,
}

impl Passkey {
    /// Makes one, as a page at `origin` asks for it; the passkey, and what the browser sends.
    pub fn make(options: &str, origin: &str) -> anyhow::Result<(Passkey, String)> {
        let options: Value = serde_json::from_str(options)?;
        let passkey = Passkey {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?,
            id: Chance::System.bytes()?,
            origin: origin.to_owned(),
            rp_id: text(&options, "/publicKey/rp/id")?.to_owned(),
            user: URL_SAFE_NO_PAD.decode(text(&options, "/publicKey/user/id")?)?,
            counter: 0,
        };
        let client_data = client_data("webauthn.create", text(&options, "/publicKey/challenge")?, origin);
        let id = URL_SAFE_NO_PAD.encode(passkey.id);
        let answer = json!({
            "id": &id,
            "rawId": &id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "attestationObject": URL_SAFE_NO_PAD.encode(passkey.attestation()?),
                "transports": ["internal"],
            },
        });
        Ok((passkey, answer.to_string()))
    }

    /// How it signs next time, if it is honest.
    pub fn honestly(&self) -> Manner {
        Manner {
            ceremony: "webauthn.get",
            origin: self.origin.clone(),
            rp_id: self.rp_id.clone(),
            flags: PRESENT | VERIFIED,
            counter: self.counter + 1,
            user: Some(self.user.clone()),
        }
    }

    /// Signs what a page asks for; what the browser sends.
    pub fn sign(&mut self, options: &str) -> anyhow::Result<String> {
        let manner = self.honestly();
        self.counter = manner.counter;
        self.sign_as(options, &manner)
    }

    /// Signs in a manner of the test's own.
    pub fn sign_as(&self, options: &str, manner: &Manner) -> anyhow::Result<String> {
        let options: Value = serde_json::from_str(options)?;
        let client_data = client_data(manner.ceremony, text(&options, "/publicKey/challenge")?, &manner.origin);
        let data = authenticator_data(&manner.rp_id, manner.flags, manner.counter);
        let hash = digest(&SHA256, client_data.as_bytes());
        let signature = self.key.sign(&SystemRandom::new(), &[data.as_slice(), hash.as_ref()].concat())?;
        let id = URL_SAFE_NO_PAD.encode(self.id);
        let answer = json!({
            "id": &id,
            "rawId": &id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "signature": URL_SAFE_NO_PAD.encode(signature.as_ref()),
                "userHandle": manner.user.as_ref().map(|user| URL_SAFE_NO_PAD.encode(user)),
            },
        });
        Ok(answer.to_string())
    }

    /// 6.5.4 and 8.7: the key with its name, and nobody who vouches for it. CBOR, in the order that it wants.
    fn attestation(&self) -> anyhow::Result<Vec<u8>> {
        let mut data = authenticator_data(&self.rp_id, PRESENT | VERIFIED | ATTESTED, self.counter);
        // No model is named.
        data.extend([0_u8; 16]);
        data.extend(u16::try_from(self.id.len())?.to_be_bytes());
        data.extend(self.id);
        data.extend(self.cose_key()?);
        let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58";
        let length = [u8::try_from(data.len())?];
        Ok([head.as_slice(), length.as_slice(), data.as_slice()].concat())
    }

    /// RFC 9053 7.1.1: a point on P-256, for ES256.
    fn cose_key(&self) -> anyhow::Result<Vec<u8>> {
        let point = self.key.public_key().as_ref();
        let (x, y) = point.get(1..65).context("no point")?.split_at(32);
        let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        let between = [0x22, 0x58, 0x20];
        Ok([head.as_slice(), x, between.as_slice(), y].concat())
    }
}

/// What a page asks of the authenticator: the attribute that its script reads (`data-get`, `data-create`,
/// `data-conditional`).
pub fn asked(page: &str, attribute: &str) -> anyhow::Result<String> {
    let (_, rest) = page.split_once(&format!(" {attribute}=\"")).with_context(|| format!("no {attribute}: {page}"))?;
    let (text, _) = rest.split_once('"').context("no end of it")?;
    let text = text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">");
    Ok(text.replace("&#38;", "&"))
}

fn text<'a>(options: &'a Value, place: &str) -> anyhow::Result<&'a str> {
    options.pointer(place).and_then(Value::as_str).with_context(|| format!("no {place} in {options}"))
}

/// 5.8.1
fn client_data(ceremony: &str, challenge: &str, origin: &str) -> String {
    json!({ "type": ceremony, "challenge": challenge, "origin": origin, "crossOrigin": false }).to_string()
}

/// 6.1
fn authenticator_data(rp_id: &str, flags: u8, counter: u32) -> Vec<u8> {
    let hash = digest(&SHA256, rp_id.as_bytes());
    [hash.as_ref(), [flags].as_slice(), counter.to_be_bytes().as_slice()].concat()
}
