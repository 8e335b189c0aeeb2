use authenticators::clock::Timestamp;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use crate::app::App;
pub struct KeySource<'a> { pub jwks: Option<&'a Value>, pub jwks_uri: Option<&'a url::Url> }
pub struct Expected<'a> { pub algorithms: &'a [Algorithm], pub types: &'a [&'a str] }
pub struct Verified { pub claims: Map<String, Value>, pub algorithm: Algorithm, pub key_expires: Option<Timestamp> }
pub async fn verify(_app: &App, _keys: KeySource<'_>, _token: &str, _expected: &Expected<'_>, _now: Timestamp) -> anyhow::Result<Result<Verified, &'static str>> { Ok(Err("x")) }
pub fn objections(_jwks: &Value) -> Vec<String> { Vec::new() }
