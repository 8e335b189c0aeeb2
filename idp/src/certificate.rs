use authenticators::clock::Timestamp;
use crate::client_keys::{Expected, Verified};
pub struct Roots;
pub fn verify(_roots: &Roots, _token: &str, _organisation: &str, _expected: &Expected<'_>, _now: Timestamp) -> Result<Verified, &'static str> { Err("x") }
