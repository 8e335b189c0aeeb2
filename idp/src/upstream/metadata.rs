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
use crate::eid::OtherEid;

/// How long metadata are used before they are fetched again.
const FRESH: Duration = Duration::from_hours(1);
/// How long they are if nobody answers any more.
const LAST_RESORT: Duration = Duration::from_hours(24);
/// How long nobody asks again who has not answered.
const REST: Duration = Duration::from_secs(10);

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
    /// RFC 9207 3
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// RFC 9126 5
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
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
        if !all.into_iter().chain(&metadata.pushed_authorization_request_endpoint).all(safe) {
            return Err("an address in them is not https".to_owned());
        }
        if metadata.authorization_endpoint.fragment().is_some() {
            return Err("the authorization endpoint has a fragment".to_owned());
        }
        Ok(metadata)
    }

    /// How its ID tokens may be signed: by what it says and we accept, among which are neither `none` nor HS256.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let named = self.id_token_signing_alg_values_supported.iter();
        let named = named.filter_map(|name| Algorithm::from_str(name).ok());
        let all: Vec<Algorithm> = named.filter(|algorithm| ALGORITHMS.contains(algorithm)).collect();
        // Discovery 3: RS256 must be among them.
        if self.id_token_signing_alg_values_supported.is_empty() { vec![Algorithm::RS256] } else { all }
    }

    /// What they promise that nobody could log in by.
    fn objection(&self) -> Option<&'static str> {
        let names_par = self.pushed_authorization_request_endpoint.is_some();
        match (self.require_pushed_authorization_requests && !names_par, self.algorithms().is_empty()) {
            (true, _) => Some("they require pushed requests and have no pushed_authorization_request_endpoint"),
            (_, true) => Some("id_token_signing_alg_values_supported has none that is accepted here"),
            (false, false) => None,
        }
    }

    /// Whether a secret goes into the header: what goes for one who says nothing as well (Discovery 3).
    pub fn takes_basic(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_ref();
        methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
    }
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
    metadata.objection().map_or(Ok(()), |why| Err(format!("{place}: {why}")))
}

/// What is known of one provider.
#[derive(Clone, Default)]
pub(super) struct State {
    metadata: Option<(Arc<Metadata>, Timestamp)>,
    failed_at: Option<Timestamp>,
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
    use serde_json::{Value, json};

    use super::*;

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
        assert!(unsigned.objection().is_some() && metadata.objection().is_none());
        let demanding = parse(|all| all["require_pushed_authorization_requests"] = json!(true)).unwrap();
        assert!(demanding.objection().is_some());
        let found = address(&Url::parse(ISSUER).unwrap());
        assert_eq!(found.as_str(), "https://op.test/a/.well-known/openid-configuration");
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
        state.has_failed(at(90_000));
        assert_eq!(uses(&state, at(90_001)), "nothing");
    }
}
