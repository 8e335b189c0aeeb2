//! What a provider publishes of itself (OpenID Connect Discovery 3), and how long it is believed.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use authenticators::clock::Timestamp;
use authenticators::outbound::Outbound;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use url::Url;

use crate::client_keys::ALGORITHMS;
use crate::eid::{Encrypted, OtherEid, Userinfo};
use crate::jwe::DecryptionKey;

/// How long metadata are used before they are fetched again.
const FRESH: Duration = Duration::from_hours(1);
/// How long they are if nobody answers any more.
const LAST_RESORT: Duration = Duration::from_hours(24);
/// How long nobody asks again who has not answered.
const REST: Duration = Duration::from_secs(10);
/// How long somebody stands as one who does not answer, where it was not metadata that they did not answer with.
const SILENT: Duration = Duration::from_mins(1);

/// The part that we use.
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    issuer: String,
    /// Where browsers are sent.
    pub authorization_endpoint: Url,
    /// Where codes are redeemed.
    pub token_endpoint: Url,
    /// Where its keys are.
    pub jwks_uri: Url,
    /// RFC 9126 5
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Where it tells of a person, to those whom it has given an access token.
    pub userinfo_endpoint: Option<Url>,
    /// RFC 9207 3
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// RFC 9126 5
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    response_modes_supported: Option<Vec<String>>,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
    authorization_signing_alg_values_supported: Option<Vec<String>>,
    userinfo_signing_alg_values_supported: Option<Vec<String>>,
    id_token_encryption_alg_values_supported: Option<Vec<String>>,
    userinfo_encryption_alg_values_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Reads them; they must be those of just this issuer (OpenID Connect Discovery 4.3).
    pub fn parse(body: &[u8], issuer: &str) -> Result<Metadata, String> {
        let metadata: Metadata = serde_json::from_slice(body).map_err(|error| format!("not metadata: {error}"))?;
        if metadata.issuer != issuer {
            let other: String = metadata.issuer.chars().take(200).collect();
            return Err(format!("they are of another issuer: {other:?}"));
        }
        let all = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        let safe = |url: &Url| url.scheme() == "https" || (issuer.starts_with("http:") && url.scheme() == "http");
        let some = metadata.pushed_authorization_request_endpoint.iter().chain(&metadata.userinfo_endpoint);
        if !all.into_iter().chain(some).all(safe) {
            return Err("an address in them is not https".to_owned());
        }
        if metadata.authorization_endpoint.fragment().is_some() {
            return Err("the authorization endpoint has a fragment".to_owned());
        }
        Ok(metadata)
    }

    /// How its ID tokens may be signed: by what it says and we accept, among which are neither `none` nor HS256.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        // Discovery 3: RS256 must be among them.
        let all = accepted(&self.id_token_signing_alg_values_supported);
        if self.id_token_signing_alg_values_supported.is_empty() { vec![Algorithm::RS256] } else { all }
    }

    /// How its answers may be signed (JARM 4); who says nothing of it signs as ID tokens.
    pub fn answer_algorithms(&self) -> Vec<Algorithm> {
        let named = self.authorization_signing_alg_values_supported.as_deref();
        named.map_or_else(|| self.algorithms(), accepted)
    }

    /// The same of what it tells of a person (Discovery 3).
    pub fn userinfo_algorithms(&self) -> Vec<Algorithm> {
        let named = self.userinfo_signing_alg_values_supported.as_deref();
        named.map_or_else(|| self.algorithms(), accepted)
    }

    /// What they promise, or do not, that nobody could log in by.
    fn objection(&self, eid: &OtherEid) -> Option<&'static str> {
        let lacks = |list: &Option<Vec<String>>, name: &str| {
            list.as_ref().is_some_and(|list| !list.iter().any(|known| known == name))
        };
        let signs = eid.config.response_mode;
        let signed_userinfo = eid.config.userinfo == Some(Userinfo::Jwt);
        let undecryptable = |what: Encrypted, list: &Option<Vec<String>>| {
            let ways = eid.decryption.iter().flat_map(DecryptionKey::algorithms);
            eid.config.encrypted.contains(&what) && ways.into_iter().all(|way| lacks(list, way))
        };
        let all = [
            (
                self.require_pushed_authorization_requests && self.pushed_authorization_request_endpoint.is_none(),
                "they require pushed requests and have no pushed_authorization_request_endpoint",
            ),
            (self.algorithms().is_empty(), "id_token_signing_alg_values_supported has none that is accepted here"),
            (
                signs.is_some_and(|mode| lacks(&self.response_modes_supported, mode.name())),
                "response_modes_supported lacks the response_mode",
            ),
            (
                signs.is_some() && self.answer_algorithms().is_empty(),
                "authorization_signing_alg_values_supported has none that is accepted here",
            ),
            (eid.config.userinfo.is_some() && self.userinfo_endpoint.is_none(), "they have no userinfo_endpoint"),
            (
                signed_userinfo && self.userinfo_algorithms().is_empty(),
                "userinfo_signing_alg_values_supported has none that is accepted here",
            ),
            (
                undecryptable(Encrypted::IdToken, &self.id_token_encryption_alg_values_supported),
                "id_token_encryption_alg_values_supported has none for the keys of encryption_key_files",
            ),
            (
                undecryptable(Encrypted::Userinfo, &self.userinfo_encryption_alg_values_supported),
                "userinfo_encryption_alg_values_supported has none for the keys of encryption_key_files",
            ),
        ];
        all.into_iter().find_map(|(wrong, line)| wrong.then_some(line))
    }

    /// Whether a secret goes into the header: what goes for one who says nothing as well (Discovery 3).
    pub fn takes_basic(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_ref();
        methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
    }
}

/// Those of a list that are accepted here.
fn accepted(list: &[String]) -> Vec<Algorithm> {
    let known = list.iter().filter_map(|name| Algorithm::from_str(name).ok());
    known.filter(|algorithm| ALGORITHMS.contains(algorithm)).collect()
}

/// OpenID Connect Discovery 4.1
pub fn address(issuer: &Url) -> Url {
    let mut address = issuer.clone();
    let path = format!("{}/.well-known/openid-configuration", issuer.path().trim_end_matches('/'));
    address.set_path(&path);
    address
}

/// Fetches what a provider publishes; what is wrong with it, in one line.
pub async fn check(eid: &OtherEid, outbound: &Outbound) -> Result<(), String> {
    let place = address(&eid.issuer);
    let body = outbound.get_json(&place).await.map_err(|error| format!("{place}: {error}"))?;
    let metadata = Metadata::parse(&body, &eid.config.issuer).map_err(|why| format!("{place}: {why}"))?;
    metadata.objection(eid).map_or(Ok(()), |why| Err(format!("{place}: {why}")))
}

/// What is known of one provider.
#[derive(Clone, Default)]
pub(super) struct State {
    metadata: Option<(Arc<Metadata>, Timestamp)>,
    failed_at: Option<Timestamp>,
    /// When it last gave no answer of use to a request of ours, if it has given none since.
    silent_at: Option<Timestamp>,
    /// When something that it had signed last came to nothing because its keys could not be had.
    keyless_at: Option<Timestamp>,
}

/// Where metadata are had from.
pub(super) enum Next {
    Use(Option<Arc<Metadata>>),
    Fetch,
}

impl State {
    pub(super) fn next(&self, now: Timestamp) -> Next {
        let within = |at: Timestamp, time: Duration| now.since(at) < time;
        let resting = self.failed_at.is_some_and(|at| within(at, REST));
        match &self.metadata {
            Some((metadata, at)) if within(*at, FRESH) => Next::Use(Some(metadata.clone())),
            Some((metadata, at)) if resting && within(*at, LAST_RESORT) => Next::Use(Some(metadata.clone())),
            _ if resting => Next::Use(None),
            _ => Next::Fetch,
        }
    }

    /// Whether nobody could log in by it: it has not told what it is, and nothing older can be used; or it has just been
    /// silent. Whoever chooses it all the same finds out.
    pub(super) fn is_down(&self, now: Timestamp) -> bool {
        let is_unknown = self.failed_at.is_some() && self.metadata.is_none();
        let is_recent = |at: Option<Timestamp>| at.is_some_and(|at| now.since(at) < SILENT);
        is_unknown || is_recent(self.silent_at) || is_recent(self.keyless_at)
    }

    /// Something that it had signed was looked at, and its keys were there or not. That it answers otherwise says nothing
    /// of that.
    pub(super) fn was_verified(&mut self, is_keyless: bool, now: Timestamp) {
        self.keyless_at = is_keyless.then_some(now);
    }

    /// It was asked something, and has answered or not.
    pub(super) fn was_asked(&mut self, is_silent: bool, now: Timestamp) {
        self.silent_at = is_silent.then_some(now);
    }

    pub(super) fn known(&self) -> Option<Arc<Metadata>> {
        self.metadata.as_ref().map(|(metadata, _)| metadata.clone())
    }

    pub(super) fn has_answered(&mut self, metadata: Metadata, now: Timestamp) {
        (self.metadata, self.failed_at) = (Some((Arc::new(metadata), now)), None);
    }

    /// What is too old to be used is forgotten.
    pub(super) fn has_failed(&mut self, now: Timestamp) {
        self.metadata = self.metadata.take().filter(|(_, at)| now.since(*at) < LAST_RESORT);
        self.failed_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use authenticators::chance::Token;
    use serde_json::{Value, json};

    use super::*;
    use crate::eid::ClientProof;

    const ISSUER: &str = "https://op.test/a";
    const NOW: Timestamp = Timestamp::from_seconds(2_000_000_000);

    fn parse(change: impl FnOnce(&mut Value)) -> Result<Metadata, String> {
        let mut all = json!({
            "issuer": ISSUER, "authorization_endpoint": "https://op.test/go", "token_endpoint": "https://op.test/t",
            "jwks_uri": "https://op.test/jwks", "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
        });
        change(&mut all);
        Metadata::parse(all.to_string().as_bytes(), ISSUER)
    }

    #[test]
    fn whose_metadata_are_taken() {
        let metadata = parse(|_| {}).unwrap();
        assert_eq!(metadata.algorithms(), [Algorithm::RS256]);
        assert!(metadata.takes_basic());
        assert!(parse(|all| all["issuer"] = json!("https://op.test/a/")).is_err());
        assert!(parse(|all| all["token_endpoint"] = json!("http://op.test/t")).is_err());
        assert!(parse(|all| all["pushed_authorization_request_endpoint"] = json!("ftp://op.test/")).is_err());
        assert!(parse(|all| all["jwks_uri"] = Value::Null).is_err());
        let unsigned = parse(|all| all["id_token_signing_alg_values_supported"] = json!(["none"])).unwrap();
        assert_eq!(unsigned.algorithms(), []);
        let plain = eid(&json!({}));
        assert!(unsigned.objection(&plain).is_some() && metadata.objection(&plain).is_none());
        let demanding = parse(|all| all["require_pushed_authorization_requests"] = json!(true)).unwrap();
        assert!(demanding.objection(&plain).is_some());
        let found = address(&Url::parse(ISSUER).unwrap());
        assert_eq!(found.as_str(), "https://op.test/a/.well-known/openid-configuration");
    }

    fn eid(more: &Value) -> OtherEid {
        let mut config = json!({
            "id": "bankid", "preset": "bankid", "issuer": ISSUER, "client_id": "porten", "secret_file": "/s",
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (issuer, proof) = (Url::parse(ISSUER).unwrap(), ClientProof::Secret(Token::presented("s")));
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let decryption = vec![DecryptionKey::parse(key.as_bytes()).unwrap()];
        OtherEid { config: serde_json::from_value(config).unwrap(), issuer, proof, decryption, logo: None }
    }

    #[test]
    fn what_is_asked_of_them_beyond_what_all_promise() {
        let objects = |of: &OtherEid, name: &str, value: Value| parse(|all| all[name] = value).unwrap().objection(of);
        let signs = eid(&json!({ "response_mode": "query.jwt" }));
        let (modes, algorithms) = ("response_modes_supported", "authorization_signing_alg_values_supported");
        assert_eq!(objects(&signs, modes, Value::Null), None);
        assert_eq!(objects(&signs, modes, json!(["query", "query.jwt"])), None);
        assert!(objects(&signs, modes, json!(["query"])).is_some_and(|line| line.contains(modes)));
        assert!(objects(&signs, algorithms, json!(["none", "HS256"])).is_some_and(|line| line.contains(algorithms)));
        let told = eid(&json!({ "userinfo": "jwt" }));
        let algorithms = "userinfo_signing_alg_values_supported";
        assert!(objects(&told, "userinfo_endpoint", Value::Null).is_some());
        assert_eq!(objects(&told, "userinfo_endpoint", json!("https://op.test/u")), None);
        let none = parse(|all| {
            (all["userinfo_endpoint"], all[algorithms]) = (json!("https://op.test/u"), json!(["none"]));
        });
        assert!(none.unwrap().objection(&told).is_some_and(|line| line.contains(algorithms)));
        let hides = eid(&json!({ "encrypted": ["id_token"] }));
        let ways = "id_token_encryption_alg_values_supported";
        assert_eq!(objects(&hides, ways, json!(["RSA-OAEP", "ECDH-ES+A256KW"])), None);
        assert!(objects(&hides, ways, json!(["RSA-OAEP-256"])).is_some_and(|line| line.contains(ways)));
        assert_eq!(objects(&signs, ways, json!([])), None);
    }

    #[test]
    fn how_long_they_are_believed() {
        let mut state = State::default();
        let at = |seconds: u64| NOW.plus(Duration::from_secs(seconds));
        let uses = |state: &State, now: Timestamp| match state.next(now) {
            Next::Fetch => "fetch",
            Next::Use(Some(_)) => "use",
            Next::Use(None) => "nothing",
        };
        assert_eq!(uses(&state, NOW), "fetch");
        state.has_failed(NOW);
        assert_eq!((uses(&state, at(9)), uses(&state, at(10))), ("nothing", "fetch"));
        state.has_answered(parse(|_| {}).unwrap(), NOW);
        assert_eq!((uses(&state, at(3599)), uses(&state, at(3600))), ("use", "fetch"));
        state.has_failed(at(3600));
        assert_eq!((uses(&state, at(3601)), uses(&state, at(3610))), ("use", "fetch"));
        assert!(!state.is_down(at(3610)), "what is known of it is used");
        state.has_failed(at(90_000));
        assert_eq!(uses(&state, at(90_001)), "nothing");
        assert!(state.is_down(at(90_001)) && state.is_down(at(99_000)), "until it has answered");
        state.has_answered(parse(|_| {}).unwrap(), at(99_000));
        assert!(!state.is_down(at(99_000)));
        state.was_asked(true, at(99_001));
        assert_eq!((state.is_down(at(99_060)), state.is_down(at(99_061))), (true, false));
        state.was_asked(true, at(99_062));
        state.was_asked(false, at(99_063));
        assert!(!state.is_down(at(99_063)));
        state.was_verified(true, at(99_064));
        state.was_asked(false, at(99_065));
        assert_eq!((state.is_down(at(99_065)), state.is_down(at(99_124))), (true, false));
        state.was_verified(true, at(99_130));
        state.was_verified(false, at(99_131));
        assert!(!state.is_down(at(99_131)));
    }
}
