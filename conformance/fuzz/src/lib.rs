//! What the fuzz targets drive: Porten in this process, with clients of fixed names at a fixed time, so that an input
//! says the same tomorrow. Keys are fresh in each run: an input names them, and is signed here.

use std::cell::Cell;
use std::future::Future;

use authenticators::clock::Timestamp;
use conformance::client_key::ClientKey;
use conformance::idp::{REDIRECT, TestIdp};
use idp::client::{Client, ClientId};
use idp::registration::Registration;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use url::{Host, Url};

/// What time it is for the parsers.
pub const NOW: Timestamp = Timestamp::from_seconds(1_900_000_000);

/// Porten, and what is needed to talk to it.
pub struct Bench {
    /// The server.
    pub idp: TestIdp,
    /// The key of the clients `keyed` and `signer`.
    pub key: ClientKey,
    /// Nobody's key.
    pub stranger: ClientKey,
    runtime: Runtime,
    count: Cell<u64>,
}

thread_local! {
    static BENCH: &'static Bench = Box::leak(Box::new(Bench::new().expect("Porten starts")));
}

/// Started once.
pub fn bench() -> &'static Bench {
    BENCH.with(|bench| *bench)
}

impl Bench {
    fn new() -> anyhow::Result<Bench> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let idp = runtime.block_on(TestIdp::start())?;
        let (key, stranger) = (ClientKey::fresh()?, ClientKey::fresh()?);
        let keyed = |more: Value| {
            let mut all = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks() });
            all.as_object_mut().into_iter().for_each(|all| all.extend(more.as_object().cloned().unwrap_or_default()));
            all
        };
        let native = json!({
            "application_type": "native", "token_endpoint_auth_method": "none",
            "redirect_uris": ["http://127.0.0.1/cb", "no.fjordvik.app:/cb"],
        });
        for (name, fields) in [
            (
                "web",
                json!({ "token_endpoint_auth_method": "client_secret_post", "redirect_uris": [REDIRECT, "https://a.test/cb?x=1"] }),
            ),
            ("native", native),
            ("keyed", keyed(json!({}))),
            ("signer", keyed(json!({ "require_signed_request_object": true }))),
        ] {
            let mut all = json!({ "client_name": name, "client_orgno": "999999999", "redirect_uris": [REDIRECT] });
            let (all, fields) =
                (all.as_object_mut().expect("an object"), fields.as_object().cloned().unwrap_or_default());
            all.extend(fields);
            let registration = Registration::read(all.clone())?;
            anyhow::ensure!(registration.objections().is_empty(), "{:?}", registration.objections());
            let secret = registration.has_secret().then(|| idp.app.world.chance.token()).transpose()?;
            let id = ClientId::named(name).expect("a name");
            runtime.block_on(Client::register(&idp.app.world.db, &id, &registration, secret.as_ref(), idp.now()))?;
        }
        Ok(Bench { idp, key, stranger, runtime, count: Cell::new(0) })
    }

    /// Runs to the end.
    pub fn run<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// A client of the bench.
    pub fn client(&self, name: &str) -> std::sync::Arc<Client> {
        let id = ClientId::named(name).expect("a name");
        self.run(self.idp.app.client(&id)).expect("a database").expect("a client")
    }

    /// Whether an answer to a client may go there.
    pub fn is_registered(&self, client: &ClientId, address: &str) -> bool {
        let registration = &self.client(client.as_str()).registration;
        let native = registration.application_type == idp::registration::ApplicationType::Native;
        registration.redirect_uris.iter().any(|own| own == address || (native && are_twins(own, address)))
    }

    fn fill_in(&self, text: &str) -> String {
        self.count.set(self.count.get() + 1);
        let key = serde_json::to_string(&self.key.public).expect("JSON");
        let text = text.replace("KID", self.key.kid()).replace("\"JWK\"", &key);
        text.replace("JTI", &format!("jti-{}", self.count.get()))
    }
}

/// Two addresses on the loopback interface that differ in their port alone (RFC 8252 7.3). Written apart from what is
/// tested, by what a browser makes of an address.
pub fn are_twins(one: &str, other: &str) -> bool {
    let read = |text: &str| {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "http")?;
        let loopback = match url.host()? {
            Host::Ipv4(address) => address.octets() == [127, 0, 0, 1],
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(_) => false,
        };
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let host = url.host_str()?.to_owned();
        (loopback && bare).then(|| (host, url.path().to_owned(), url.query().map(str::to_owned)))
    };
    read(one).is_some_and(|one| read(other) == Some(one))
}

/// A JWT that an input describes.
pub struct Jwt {
    /// As it is sent.
    pub text: String,
    /// Signed by the client, and as it was signed.
    pub honest: bool,
    /// Its header.
    pub header: Map<String, Value>,
    /// What it says.
    pub claims: Map<String, Value>,
}

/// The first letter of an input says how it is signed: `s` by the client, `x` by somebody else, `n` not at all, `b` by
/// the client with one byte changed afterwards; then header and claims, a line each. Else it is the token itself.
pub fn jwt(data: &[u8]) -> Option<Jwt> {
    let (bench, text) = (bench(), std::str::from_utf8(data).ok()?);
    let (how, rest) = (text.chars().next()?, text.split_once('\n').map(|(_, rest)| rest));
    let (Some(rest), 's' | 'x' | 'n' | 'b') = (rest, how) else {
        return Some(Jwt { text: text.to_owned(), honest: false, header: Map::new(), claims: Map::new() });
    };
    let filled = bench.fill_in(rest);
    let (header, claims) = filled.split_once('\n')?;
    let key = if how == 'x' { &bench.stranger } else { &bench.key };
    let mut text = key.seal(header.as_bytes(), claims.as_bytes()).ok()?;
    let signed = text.clone();
    match how {
        'n' => text.truncate(text.rfind('.')? + 1),
        'b' => {
            let mut order = data.get(1..)?.iter().take_while(|byte| **byte != b'\n');
            let (high, low) = (usize::from(*order.next()?), usize::from(*order.next()?));
            let (at, put) = ((high * 128 + low) % text.len(), char::from(*order.next()? % 128));
            text.replace_range(at..=at, put.encode_utf8(&mut [0; 4]));
        }
        _ => {}
    }
    let read = |text: &str| serde_json::from_str(text).unwrap_or_default();
    Some(Jwt { honest: how != 'x' && text == signed, text, header: read(header), claims: read(claims) })
}

impl Jwt {
    /// A text that it says.
    pub fn says(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// A time that it says, in seconds from now.
    pub fn from_now(&self, name: &str) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "the time is small enough")]
        self.claims.get(name).and_then(Value::as_f64).map(|time| time.floor() - NOW.seconds() as f64)
    }
}
