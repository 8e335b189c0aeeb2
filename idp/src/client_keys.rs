//! JWTs that a client has signed, and the keys by which that is seen.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authenticators::clock::Timestamp;
use authenticators::outbound::Outbound;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use moka::future::Cache;
use serde_json::{Map, Value};
use url::Url;

/// No honest JWT of a client is longer.
const TOKEN_AT_MOST: usize = 16 * 1024;
/// Keys of one `jwks_uri` that are looked at.
const KEYS_AT_MOST: usize = 50;
/// How long fetched keys are believed.
const FRESH: Duration = Duration::from_mins(10);
/// How long they are if nobody answers any more.
const LAST_RESORT: Duration = Duration::from_hours(24);
/// How long nobody asks again who has not answered.
const REST: Duration = Duration::from_secs(10);
/// How often an unknown `kid` sends us there.
const REFETCH: Duration = Duration::from_secs(30);

/// The algorithms that a client may sign by.
pub const ALGORITHMS: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// The members of a JWK that say more than a public key does (RFC 7518 6).
pub(crate) const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Where a client's public keys come from.
#[derive(Debug, Clone, Copy)]
pub struct KeySource<'a> {
    /// Registered; these go first.
    pub jwks: Option<&'a Value>,
    /// Published by the client.
    pub jwks_uri: Option<&'a Url>,
}

/// What a JWT of a client must be, before any claim is believed.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// How it may be signed.
    pub algorithms: &'a [Algorithm],
    /// What its `typ` may be, without `application/` and in any case; an empty one stands for none at all.
    pub types: &'a [&'a str],
}

/// A JWT whose signature is the client's. Nothing else is known of it: `iss`, `aud`, `exp` and `jti` are for the
/// caller to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// What it says.
    pub claims: Map<String, Value>,
    /// When the key that signed it ends (`exp` of the JWK).
    pub key_expires: Option<Timestamp>,
}

/// What is wrong with a JWKS that somebody wants to register (RFC 7517), one line each.
pub fn objections(jwks: &Value) -> Vec<String> {
    let Some(keys) = jwks.get("keys").and_then(Value::as_array) else {
        return vec!["jwks: an object with the array keys is needed".into()];
    };
    let mut lines = Vec::new();
    if !(1..=5).contains(&keys.len()) {
        lines.push("jwks: one to five keys".into());
    }
    let kid = |key: &Value| key.get("kid").and_then(Value::as_str).map(str::to_owned);
    let all: Vec<Option<String>> = keys.iter().map(kid).collect();
    for (number, key) in keys.iter().enumerate() {
        let kid = kid(key);
        let shown = kid.as_ref().map_or_else(|| format!("number {}", number + 1), |kid| format!("{kid:?}"));
        let mut object = |wrong: bool, why: &str| {
            if wrong {
                lines.push(format!("jwks: key {shown} {why}"));
            }
        };
        if let Err(why) = Key::parse(key) {
            object(true, why);
        }
        object(!kid.as_deref().is_some_and(is_a_kid), "needs a kid of letters, digits and . _ -");
        object(kid.is_some() && all.iter().filter(|other| **other == kid).count() > 1, "has a kid that is not its own");
        object(key.get("alg").is_none(), "needs an alg");
    }
    lines
}

fn is_a_kid(kid: &str) -> bool {
    (1..=255).contains(&kid.len()) && kid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// A JWT that is taken apart and not believed.
pub(crate) struct Unproved<'a> {
    /// What it says of itself.
    pub(crate) header: Map<String, Value>,
    /// How it claims to be signed: one of those that were expected.
    algorithm: Algorithm,
    kid: Option<String>,
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Unproved<'a> {
    /// RFC 7515 5.2, up to the signature.
    pub(crate) fn read(token: &'a str, expected: &Expected<'_>) -> Result<Unproved<'a>, &'static str> {
        if token.len() > TOKEN_AT_MOST {
            return Err("The JWT is too long.");
        }
        let (message, signature) = token.rsplit_once('.').ok_or("Not a JWT.")?;
        let (head, payload) = message.split_once('.').ok_or("Not a JWT.")?;
        let header = object(head).ok_or("The header of the JWT cannot be read.")?;
        // RFC 7515 4.1.11: we know no extensions, and RFC 7797 is one.
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err("The JWT has a critical header that is not understood.");
        }
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err("The header of the JWT cannot be read."),
        };
        let algorithm = text("alg")?.and_then(|name| Algorithm::from_str(&name).ok());
        let algorithm = algorithm
            .filter(|algorithm| expected.algorithms.contains(algorithm) && ALGORITHMS.contains(algorithm))
            .ok_or("The JWT is signed by an algorithm that is not accepted.")?;
        let typ = text("typ")?.unwrap_or_default().to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        if !expected.types.iter().any(|accepted| accepted.eq_ignore_ascii_case(typ)) {
            return Err("The JWT is of another type.");
        }
        let kid = text("kid")?;
        Ok(Unproved { header, algorithm, kid, message, payload, signature })
    }

    /// What it says, if this key has signed it.
    pub(crate) fn proved_by(&self, key: &DecodingKey) -> Result<Map<String, Value>, &'static str> {
        let message = self.message.as_bytes();
        match jsonwebtoken::crypto::verify(self.signature, message, key, self.algorithm) {
            Ok(true) => object(self.payload).ok_or("The claims of the JWT cannot be read."),
            Ok(false) | Err(_) => Err("The signature of the JWT is wrong."),
        }
    }
}

fn object(encoded: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    Ed25519,
}

impl Kind {
    fn signs(self, algorithm: Algorithm) -> bool {
        match self {
            Kind::Rsa => {
                matches!(algorithm, Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::PS256)
            }
            Kind::P256 => algorithm == Algorithm::ES256,
            Kind::Ed25519 => algorithm == Algorithm::EdDSA,
        }
    }
}

struct Key {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    kind: Kind,
    expires: Option<Timestamp>,
    verifier: DecodingKey,
}

impl Key {
    /// RFC 7517 4: a public key to see signatures by.
    fn parse(jwk: &Value) -> Result<Key, &'static str> {
        let jwk = jwk.as_object().ok_or("is not an object")?;
        if PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member)) {
            return Err("is not public alone; it has to be replaced");
        }
        let text = |name: &str| match jwk.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err("has a member that is not a text"),
        };
        if text("use")?.is_some_and(|purpose| purpose != "sig") {
            return Err("is not for signatures (use)");
        }
        let operations = jwk.get("key_ops").map(|list| list.as_array().map(Vec::as_slice).unwrap_or_default());
        if operations.is_some_and(|list| !list.iter().any(|operation| operation == "verify")) {
            return Err("is not for signatures (key_ops)");
        }
        let bytes = |name: &str| text(name)?.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or("is not whole");
        let (kind, verifier) = match (text("kty")?, text("crv")?) {
            (Some("RSA"), None) => (Kind::Rsa, rsa(&bytes("n")?, &bytes("e")?)?),
            (Some("EC"), Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                match (x.len(), y.len()) {
                    (32, 32) => (Kind::P256, DecodingKey::from_ec_der(&[&[4], x.as_slice(), &y].concat())),
                    _ => return Err("is not a point on P-256"),
                }
            }
            (Some("OKP"), Some("Ed25519")) => {
                let x = bytes("x")?;
                match x.len() {
                    32 => (Kind::Ed25519, DecodingKey::from_ed_der(&x)),
                    _ => return Err("is not a point on Ed25519"),
                }
            }
            _ => return Err("is of a kind that is not accepted: RSA, EC with P-256 or OKP with Ed25519"),
        };
        let algorithm = match text("alg")?.map(Algorithm::from_str) {
            None => None,
            Some(Ok(algorithm)) if kind.signs(algorithm) => Some(algorithm),
            Some(_) => return Err("has an alg that is not accepted for its kind"),
        };
        let expires = match jwk.get("exp") {
            None => None,
            Some(at) => Some(Timestamp::from_seconds(at.as_i64().ok_or("has an exp that is no time in seconds")?)),
        };
        Ok(Key { kid: text("kid")?.map(str::to_owned), algorithm, kind, expires, verifier })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.kind.signs(algorithm) && self.algorithm.is_none_or(|own| own == algorithm)
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| now < end)
    }
}

/// RSA keys that are long enough and not longer than can be computed with.
pub(crate) fn rsa(n: &[u8], e: &[u8]) -> Result<DecodingKey, &'static str> {
    let bare = |number: &[u8]| number.iter().copied().skip_while(|b| *b == 0).collect::<Vec<u8>>();
    let (n, e) = (bare(n), bare(e));
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err("is not of 2048 to 8192 bits");
    }
    let exponent = e.iter().fold(0_u64, |sum, b| sum << 8 | u64::from(*b));
    if e.len() > 4 || exponent < 3 || exponent % 2 == 0 {
        return Err("has an exponent that is not accepted");
    }
    Ok(DecodingKey::from_rsa_raw_components(&n, &e))
}

type KeySet = Arc<Vec<Arc<Key>>>;

/// A set, without the keys that we do not understand; none if it is no JWKS at all.
fn parse(jwks: &Value) -> Option<KeySet> {
    let keys = jwks.get("keys")?.as_array()?;
    Some(Arc::new(keys.iter().take(KEYS_AT_MOST).filter_map(|key| Key::parse(key).ok()).map(Arc::new).collect()))
}

enum Found {
    Key(Arc<Key>),
    Unknown,
    Wrong(&'static str),
}

/// The key that a JWT names, or the only one that it can mean.
fn find(keys: &[Arc<Key>], token: &Unproved<'_>, now: Timestamp) -> Found {
    let fitting: Vec<&Arc<Key>> = keys
        .iter()
        .filter(|key| token.kid.is_none() || key.kid == token.kid)
        .filter(|key| key.fits(token.algorithm))
        .collect();
    let alive: Vec<&Arc<Key>> = fitting.iter().copied().filter(|key| key.is_alive(now)).collect();
    match (alive.as_slice(), &token.kid) {
        ([key], _) | ([key, ..], Some(_)) => Found::Key(Arc::clone(key)),
        ([_, ..], None) => Found::Wrong("The JWT names no key, and the client has several."),
        ([], _) if !fitting.is_empty() => Found::Wrong("The key of the JWT has expired."),
        ([], Some(_)) if keys.iter().any(|key| key.kid == token.kid) => {
            Found::Wrong("The key of the JWT is not for its algorithm.")
        }
        ([], _) => Found::Unknown,
    }
}

/// The keys of clients, parsed: the registered ones, and those that clients publish.
#[derive(Clone)]
pub struct KeyCache {
    outbound: Outbound,
    registered: Cache<[u8; 32], KeySet>,
    remote: Cache<Url, Arc<Remote>>,
}

impl KeyCache {
    /// An empty one.
    pub fn new(outbound: Outbound) -> KeyCache {
        let registered = Cache::builder().max_capacity(10_000).time_to_idle(FRESH).build();
        let remote = Cache::builder().max_capacity(10_000).time_to_idle(LAST_RESORT).build();
        KeyCache { outbound, registered, remote }
    }

    /// Reads a JWT that a client has signed; the inner error says what is wrong with it.
    pub async fn verify(
        &self,
        keys: KeySource<'_>,
        token: &str,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> anyhow::Result<Result<Verified, &'static str>> {
        let token = match Unproved::read(token, expected) {
            Ok(token) => token,
            Err(why) => return Ok(Err(why)),
        };
        let found = match (keys.jwks, keys.jwks_uri) {
            (Some(jwks), _) => find(self.registered(jwks).await?.as_slice(), &token, now),
            (None, Some(uri)) => self.published(uri, &token, now).await?,
            (None, None) => Found::Wrong("The client has no keys."),
        };
        let key = match found {
            Found::Key(key) => key,
            Found::Unknown => return Ok(Err("The client has no such key.")),
            Found::Wrong(why) => return Ok(Err(why)),
        };
        let proved = token.proved_by(&key.verifier);
        Ok(proved.map(|claims| Verified { claims, key_expires: key.expires }))
    }

    /// Whether the last who asked for the keys at an address got none.
    pub async fn is_silent(&self, uri: &Url) -> bool {
        self.remote.get(uri).await.is_some_and(|remote| remote.state().failed_at.is_some())
    }

    async fn registered(&self, jwks: &Value) -> anyhow::Result<KeySet> {
        let hash = digest::digest(&digest::SHA256, &serde_json::to_vec(jwks)?);
        let parsed = async { parse(jwks).unwrap_or_default() };
        Ok(self.registered.get_with(hash.as_ref().try_into()?, parsed).await)
    }

    async fn published(&self, uri: &Url, token: &Unproved<'_>, now: Timestamp) -> anyhow::Result<Found> {
        const SILENT: Found = Found::Wrong("The keys of the client cannot be fetched.");
        let remote = self.remote.get_with(uri.clone(), async { Arc::default() }).await;
        let Some(keys) = self.fetched(&remote, uri, None, now).await? else { return Ok(SILENT) };
        match find(&keys, token, now) {
            Found::Unknown => {
                // The client may have a new key.
                let newer = self.fetched(&remote, uri, Some(keys), now).await?;
                Ok(newer.map_or(SILENT, |keys| find(&keys, token, now)))
            }
            found => Ok(found),
        }
    }

    /// The keys of one address; with `seen`, others than these if there may be any.
    async fn fetched(
        &self,
        remote: &Arc<Remote>,
        uri: &Url,
        seen: Option<KeySet>,
        now: Timestamp,
    ) -> anyhow::Result<Option<KeySet>> {
        match remote.state().next(seen.as_ref(), now) {
            Next::Use(keys) => Ok(keys),
            Next::Fetch => {
                let (remote, outbound, uri) = (remote.clone(), self.outbound.clone(), uri.clone());
                // Who hangs up does not stop the fetch that others wait for.
                Ok(tokio::spawn(async move { remote.fetch(&outbound, &uri, seen, now).await }).await?)
            }
        }
    }
}

/// What is known of one `jwks_uri`.
#[derive(Default)]
struct Remote {
    state: Mutex<State>,
    /// One fetches, and the others wait for what it brings.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct State {
    keys: Option<(KeySet, Timestamp)>,
    failed_at: Option<Timestamp>,
    refetched_at: Option<Timestamp>,
}

enum Next {
    Use(Option<KeySet>),
    Fetch,
}

impl State {
    fn next(&self, seen: Option<&KeySet>, now: Timestamp) -> Next {
        let within = |at: Option<Timestamp>, time: Duration| at.is_some_and(|at| now.since(at) < time);
        let resting = within(self.failed_at, REST);
        match (&self.keys, seen) {
            (Some((keys, at)), None) if within(Some(*at), FRESH) => Next::Use(Some(keys.clone())),
            (Some((keys, _)), Some(seen)) if !Arc::ptr_eq(keys, seen) => Next::Use(Some(keys.clone())),
            (Some((keys, _)), Some(_)) if within(self.refetched_at, REFETCH) => Next::Use(Some(keys.clone())),
            (Some((keys, at)), _) if resting && within(Some(*at), LAST_RESORT) => Next::Use(Some(keys.clone())),
            _ if resting => Next::Use(None),
            _ => Next::Fetch,
        }
    }
}

impl Remote {
    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn fetch(&self, outbound: &Outbound, uri: &Url, seen: Option<KeySet>, now: Timestamp) -> Option<KeySet> {
        let _turn = self.turn.lock().await;
        // Who had to wait may find it done.
        if let Next::Use(keys) = self.state().next(seen.as_ref(), now) {
            return keys;
        }
        if seen.is_some() {
            self.change(|state| state.refetched_at = Some(now));
        }
        let fetched = match outbound.get_json(uri).await {
            Ok(fetched) => serde_json::from_slice(&fetched).ok().as_ref().and_then(parse),
            Err(error) => {
                tracing::warn!(host = uri.host_str(), %error, "a client's keys could not be fetched");
                None
            }
        };
        self.change(|state| match fetched {
            Some(keys) => (state.keys, state.failed_at) = (Some((keys, now)), None),
            None => state.failed_at = Some(now),
        });
        match self.state().next(seen.as_ref(), now) {
            Next::Use(keys) => keys,
            Next::Fetch => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair as RsaPair, KeySize};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
    use base64::engine::general_purpose::STANDARD;
    use jsonwebtoken::EncodingKey;
    use jsonwebtoken::jwk::Jwk;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const ANY: Expected<'_> = Expected { algorithms: &ALGORITHMS, types: &["", "JWT"] };

    struct Signer {
        private: EncodingKey,
        public: Value,
    }

    fn signer(algorithm: Algorithm, kid: &str) -> Signer {
        let random = SystemRandom::new();
        let private = match algorithm {
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
                EncodingKey::from_ec_der(pair.as_ref())
            }
            Algorithm::EdDSA => EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref()),
            _ => {
                static DER: LazyLock<Vec<u8>> = LazyLock::new(|| {
                    let pair = RsaPair::generate(KeySize::Rsa2048).unwrap();
                    AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref().to_vec()
                });
                let pem =
                    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&*DER));
                EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
            }
        };
        let mut public = serde_json::to_value(Jwk::from_encoding_key(&private, algorithm).unwrap()).unwrap();
        public["kid"] = json!(kid);
        public["use"] = json!("sig");
        public["alg"] = json!(algorithm);
        Signer { private, public }
    }

    impl Signer {
        fn sign(&self, header: &Value) -> String {
            let algorithm = header["alg"].as_str().and_then(|name| name.parse().ok()).unwrap_or(Algorithm::RS256);
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let message = format!("{}.{}", part(header), part(&json!({ "iss": "a" })));
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, algorithm);
            format!("{message}.{}", signature.unwrap_or_default())
        }
    }

    fn cache() -> KeyCache {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        KeyCache::new(Outbound::new(vec!["127.0.0.0/8".parse().unwrap()], None).unwrap())
    }

    async fn check(keys: &Value, token: &str, expected: &Expected<'_>) -> Result<Verified, &'static str> {
        let source = KeySource { jwks: Some(keys), jwks_uri: None };
        cache().verify(source, token, expected, NOW).await.unwrap()
    }

    #[tokio::test]
    async fn every_algorithm() {
        for algorithm in ALGORITHMS {
            let signer = signer(algorithm, "k");
            let (keys, token) =
                (json!({ "keys": [signer.public] }), signer.sign(&json!({ "alg": algorithm, "kid": "k" })));
            assert_eq!(objections(&keys), Vec::<String>::new());
            let verified = check(&keys, &token, &ANY).await.unwrap();
            assert_eq!(verified.claims["iss"], "a");
            let nameless = signer.sign(&json!({ "alg": algorithm, "typ": "jwt" }));
            assert!(check(&keys, &nameless, &ANY).await.is_ok());
            let narrow = Expected { algorithms: &[], ..ANY };
            assert!(check(&keys, &token, &narrow).await.unwrap_err().contains("algorithm"));
        }
    }

    #[tokio::test]
    async fn a_garbled_token_says_nothing() {
        let signer = signer(Algorithm::ES256, "k");
        let keys = json!({ "keys": [signer.public] });
        let token = signer.sign(&json!({ "alg": "ES256", "kid": "k" }));
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (head, _) = message.split_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode(r#"{"iss":"b"}"#);
        let last = if token.ends_with('B') { "C" } else { "B" };
        for wrong in [
            String::new(),
            ".".into(),
            "..".into(),
            message.into(),
            format!("{message}."),
            format!("{token}."),
            format!("{token}="),
            format!("{token}A"),
            format!(" {token}"),
            format!("{}{last}", &token[..token.len() - 1]),
            token[..token.len() - 4].into(),
            format!("{head}.{other}.{signature}"),
            format!("{message}.{signature}.{signature}.{signature}"),
            format!("{}.a", "a".repeat(TOKEN_AT_MOST)),
        ] {
            assert!(check(&keys, &wrong, &ANY).await.is_err(), "{wrong:.80}");
        }
    }

    #[tokio::test]
    async fn what_the_header_cannot_do() {
        let (rsa, own) = (signer(Algorithm::RS256, "k"), signer(Algorithm::ES256, "own"));
        let keys = json!({ "keys": [rsa.public] });
        for header in [
            json!({ "alg": "none", "kid": "k" }),
            json!({ "alg": "None", "kid": "k" }),
            json!({ "alg": "rs256", "kid": "k" }),
            json!({ "alg": "RS384", "kid": "k" }),
            json!({ "alg": "PS256", "kid": "k" }),
            json!({ "alg": "ES256", "kid": "k" }),
            json!({ "alg": ["RS256"], "kid": "k" }),
            json!({ "kid": "k" }),
            json!({ "alg": "RS256", "kid": "other" }),
            json!({ "alg": "RS256", "kid": 1 }),
            json!({ "alg": "RS256", "kid": "k", "crit": ["exp"] }),
            json!({ "alg": "RS256", "kid": "k", "crit": null }),
            json!({ "alg": "RS256", "kid": "k", "b64": false }),
            json!({ "alg": "RS256", "kid": "k", "typ": "at+jwt" }),
            json!({ "alg": "RS256", "kid": "k", "typ": null }),
        ] {
            assert!(check(&keys, &rsa.sign(&header), &ANY).await.is_err(), "{header}");
        }
        for header in [
            json!({ "alg": "ES256", "jwk": own.public }),
            json!({ "alg": "ES256", "kid": "own", "jwk": own.public }),
            json!({ "alg": "ES256", "kid": "k", "jwk": own.public, "jku": "http://127.0.0.1/", "x5u": "http://127.0.0.1/" }),
        ] {
            assert!(check(&keys, &own.sign(&header), &ANY).await.is_err(), "{header}");
        }
        // The public key as if it were a secret.
        for secret in [rsa.public.to_string().into_bytes(), rsa.public["n"].as_str().unwrap().as_bytes().to_vec()] {
            let forger = Signer { private: EncodingKey::from_secret(&secret), public: Value::Null };
            let token = forger.sign(&json!({ "alg": "HS256", "kid": "k" }));
            let all = Expected { algorithms: &[Algorithm::HS256, Algorithm::RS256], ..ANY };
            assert!(check(&keys, &token, &all).await.is_err());
        }
    }

    #[tokio::test]
    async fn types() {
        let signer = signer(Algorithm::ES256, "k");
        let keys = json!({ "keys": [signer.public] });
        let token = |typ: &str| signer.sign(&json!({ "alg": "ES256", "kid": "k", "typ": typ }));
        let request = Expected { types: &["oauth-authz-req+jwt"], ..ANY };
        for good in ["oauth-authz-req+jwt", "OAuth-Authz-Req+JWT", "application/oauth-authz-req+jwt"] {
            assert!(check(&keys, &token(good), &request).await.is_ok(), "{good}");
        }
        let without = signer.sign(&json!({ "alg": "ES256", "kid": "k" }));
        for wrong in [token("JWT"), token(""), token("application/"), without.clone()] {
            assert!(check(&keys, &wrong, &request).await.is_err());
        }
        assert!(check(&keys, &without, &ANY).await.is_ok());
    }

    #[tokio::test]
    async fn keys_that_are_passed_over() {
        let good = signer(Algorithm::ES256, "k");
        let token = good.sign(&json!({ "alg": "ES256", "kid": "k" }));
        let with = |name: &str, value: Value| {
            let mut key = good.public.clone();
            key[name] = value;
            json!({ "keys": [key] })
        };
        let later = check(&with("exp", json!(NOW.seconds() + 1)), &token, &ANY).await.unwrap();
        assert_eq!(later.key_expires, Some(NOW.plus(Duration::from_secs(1))));
        assert!(check(&with("exp", json!(NOW.seconds())), &token, &ANY).await.unwrap_err().contains("expired"));
        for (name, value) in [
            ("use", json!("enc")),
            ("key_ops", json!(["encrypt"])),
            ("key_ops", json!("verify")),
            ("alg", json!("ES384")),
            ("alg", json!("RS256")),
            ("alg", json!(1)),
            ("exp", json!("2030")),
            ("crv", json!("P-384")),
            ("kty", json!("AKP")),
            ("d", json!("AA")),
            ("x", json!("AA")),
        ] {
            let keys = with(name, value);
            assert!(check(&keys, &token, &ANY).await.is_err(), "{keys}");
            assert_ne!(objections(&keys), Vec::<String>::new(), "{keys}");
        }
        let strange = json!({ "keys": [1, { "kty": "oct", "k": "AA", "kid": "k" }, {}, good.public] });
        assert!(check(&strange, &token, &ANY).await.is_ok());
        let two = json!({ "keys": [good.public, signer(Algorithm::ES256, "l").public] });
        assert!(check(&two, &token, &ANY).await.is_ok());
        let nameless = good.sign(&json!({ "alg": "ES256" }));
        assert!(check(&two, &nameless, &ANY).await.unwrap_err().contains("several"));
        for none in [json!({}), json!({ "keys": 1 }), json!([]), json!({ "keys": [] })] {
            assert!(check(&none, &token, &ANY).await.is_err());
        }
    }

    #[test]
    fn what_can_be_registered() {
        let (one, two) = (signer(Algorithm::RS256, "a.b_c-1").public, signer(Algorithm::EdDSA, "2").public);
        let with = |name: &str, value: Value| {
            let mut key = one.clone();
            key[name] = value;
            json!({ "keys": [key, two] })
        };
        assert_eq!(objections(&json!({ "keys": [one, two] })), Vec::<String>::new());
        for wrong in [
            json!({}),
            json!({ "keys": [] }),
            json!({ "keys": [one, two, one, two, one, two] }),
            json!({ "keys": [one, one] }),
            with("kid", json!("2")),
            with("kid", json!("")),
            with("kid", json!("a b")),
            with("kid", json!("æ")),
            with("kid", Value::Null),
            with("alg", json!("RSA-OAEP")),
            with("alg", json!("PS512")),
            with("use", json!("enc")),
            with("d", json!("AQAB")),
            with("k", json!("AQAB")),
            with("e", json!("AQ")),
            with("e", json!("AA")),
            with("n", json!(URL_SAFE_NO_PAD.encode([255; 128]))),
            with("n", json!(URL_SAFE_NO_PAD.encode([255; 2048]))),
            with("n", json!("+")),
        ] {
            assert_ne!(objections(&wrong), Vec::<String>::new(), "{wrong}");
        }
    }

    /// A client's server: what it answers now, and how often it was asked.
    struct Site {
        uri: Url,
        answer: Arc<Mutex<(u16, String)>>,
        asked: Arc<AtomicUsize>,
    }

    impl Site {
        async fn start(keys: &[&Value]) -> Site {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let uri = Url::parse(&format!("http://{}/jwks", listener.local_addr().unwrap())).unwrap();
            let site = Site { uri, answer: Arc::default(), asked: Arc::default() };
            site.publish(keys);
            let (answer, asked) = (site.answer.clone(), site.asked.clone());
            tokio::spawn(async move {
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    asked.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.read(&mut [0; 4096]).await;
                    let (status, body) = answer.lock().unwrap().clone();
                    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n", body.len());
                    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                }
            });
            site
        }

        fn publish(&self, keys: &[&Value]) {
            *self.answer.lock().unwrap() = (200, json!({ "keys": keys }).to_string());
        }

        fn fail(&self) {
            *self.answer.lock().unwrap() = (500, String::new());
        }

        fn asked(&self) -> usize {
            self.asked.swap(0, Ordering::SeqCst)
        }

        async fn check(&self, cache: &KeyCache, token: &str, now: Timestamp) -> Result<Verified, &'static str> {
            let source = KeySource { jwks: None, jwks_uri: Some(&self.uri) };
            cache.verify(source, token, &ANY, now).await.unwrap()
        }
    }

    fn es256(kid: &str) -> (Value, String) {
        let signer = signer(Algorithm::ES256, kid);
        let token = signer.sign(&json!({ "alg": "ES256", "kid": kid }));
        (signer.public, token)
    }

    #[tokio::test]
    async fn published_keys_are_kept_and_rotated() {
        let ((first, signed_first), (second, signed_second)) = (es256("1"), es256("2"));
        let (site, cache) = (Site::start(&[&first]).await, cache());
        for _ in 0..10 {
            assert!(site.check(&cache, &signed_first, NOW).await.is_ok());
        }
        assert_eq!(site.asked(), 1);
        site.publish(&[&second]);
        assert!(site.check(&cache, &signed_second, NOW).await.is_ok());
        assert!(site.check(&cache, &signed_first, NOW).await.is_err());
        assert_eq!(site.asked(), 1);
        site.publish(&[&first]);
        let later = NOW.plus(Duration::from_secs(29));
        assert!(site.check(&cache, &signed_first, later).await.is_err());
        assert!(site.check(&cache, &signed_first, later.plus(Duration::from_secs(1))).await.is_ok());
        assert_eq!(site.asked(), 1);
        assert!(site.check(&cache, &signed_first, later.plus(FRESH)).await.is_ok());
        assert_eq!(site.asked(), 0);
        assert!(site.check(&cache, &signed_first, NOW.plus(FRESH + REFETCH)).await.is_ok());
        assert_eq!(site.asked(), 1);
    }

    #[tokio::test]
    async fn ten_thousand_unknown_kids() {
        let (public, signed) = es256("1");
        let (site, cache) = (Arc::new(Site::start(&[&public]).await), cache());
        assert!(site.check(&cache, &signed, NOW).await.is_ok());
        let stranger = signer(Algorithm::ES256, "x");
        let token = Arc::new(stranger.sign(&json!({ "alg": "ES256", "kid": "x" })));
        let one = |_| {
            let (site, cache, token) = (site.clone(), cache.clone(), token.clone());
            tokio::spawn(async move { site.check(&cache, &token, NOW).await.is_err() })
        };
        for asked in (0..10_000).map(one).collect::<Vec<_>>() {
            assert!(asked.await.unwrap());
        }
        assert!(site.check(&cache, &signed, NOW).await.is_ok());
        assert_eq!(site.asked(), 2);
    }

    #[tokio::test]
    async fn a_cold_cache_asks_once() {
        let (public, signed) = es256("1");
        let (site, cache, signed) = (Arc::new(Site::start(&[&public]).await), cache(), Arc::new(signed));
        let one = |_| {
            let (site, cache, signed) = (site.clone(), cache.clone(), signed.clone());
            tokio::spawn(async move { site.check(&cache, &signed, NOW).await.is_ok() })
        };
        for asked in (0..100).map(one).collect::<Vec<_>>() {
            assert!(asked.await.unwrap());
        }
        assert_eq!(site.asked(), 1);
    }

    #[tokio::test]
    async fn who_does_not_answer() {
        let (public, signed) = es256("1");
        let (site, cache) = (Site::start(&[&public]).await, cache());
        site.fail();
        for second in [0, 1, 9] {
            let now = NOW.plus(Duration::from_secs(second));
            assert!(site.check(&cache, &signed, now).await.unwrap_err().contains("fetched"));
        }
        assert_eq!(site.asked(), 1);
        site.publish(&[&public]);
        let start = NOW.plus(REST);
        assert!(site.check(&cache, &signed, start).await.is_ok());
        assert_eq!(site.asked(), 1);
        // Dead from now on: the old keys do for a day.
        let answers = [(500, String::new()), (200, "<html>".into()), (302, String::new())];
        for (hour, answer) in [1, 12, 23].into_iter().zip(answers) {
            *site.answer.lock().unwrap() = answer;
            let now = start.plus(Duration::from_hours(hour));
            assert!(site.check(&cache, &signed, now).await.is_ok(), "{hour}");
            assert!(site.check(&cache, &signed, now.plus(REST / 2)).await.is_ok(), "{hour}");
        }
        assert_eq!(site.asked(), 3);
        assert!(site.check(&cache, &signed, start.plus(LAST_RESORT)).await.is_err());
    }

    #[tokio::test]
    async fn hanging_up_stops_nobody_else() {
        let (public, signed) = es256("1");
        let (site, cache) = (Site::start(&[&public]).await, cache());
        drop(tokio::time::timeout(Duration::ZERO, site.check(&cache, &signed, NOW)).await);
        assert!(site.check(&cache, &signed, NOW).await.is_ok());
        assert_eq!(site.asked(), 1);
    }
}
