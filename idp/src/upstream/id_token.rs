//! What an ID token of a provider must say (OpenID Connect Core 3.1.3.7), once its signature is known to be the
//! provider's. No I/O.

use authenticators::clock::Timestamp;
use serde_json::{Map, Value};

use crate::eid::{OtherEid, Reached};
use crate::flow::Names;

/// What was asked for.
pub struct Asked<'a> {
    /// The nonce of the request.
    pub nonce: &'a str,
    /// When it was made.
    pub at: Timestamp,
}

/// What the provider says of a person.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// Who it is there.
    pub sub: String,
    /// The identifier as it stands in the token; nothing if there is none.
    pub identifier: Option<String>,
    /// How surely.
    pub reached: Reached,
    /// What they are called, as far as it may be handed on.
    pub names: Names,
    /// When they proved it: no earlier than we asked.
    pub at: Timestamp,
}

/// Reads the claims; the error is for the log.
pub fn read(
    eid: &OtherEid,
    claims: &Map<String, Value>,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Said, &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).and_then(Value::as_i64).map(Timestamp::from_seconds);
    let (earliest, latest) = (asked.at.minus(eid.skew()), now.plus(eid.skew()));
    let known = |right: bool, why: &'static str| if right { Ok(()) } else { Err(why) };
    known(text("iss") == Some(eid.config.issuer.as_str()), "iss is another's")?;
    known(is_for(claims.get("aud"), &eid.config.client_id), "aud is not us alone")?;
    known(claims.get("azp").is_none_or(|azp| azp == eid.config.client_id.as_str()), "azp is another's")?;
    known(text("nonce") == Some(asked.nonce), "nonce is another's")?;
    let sub = text("sub").filter(|sub| (1..=255).contains(&sub.len())).ok_or("sub is missing")?.to_owned();
    known(time("exp").is_some_and(|exp| exp > now.minus(eid.skew())), "exp is past")?;
    known(time("iat").is_some_and(|iat| (earliest..=latest).contains(&iat)), "iat is not of now")?;
    known(!claims.contains_key("nbf") || time("nbf").is_some_and(|nbf| nbf <= latest), "nbf is ahead")?;
    // A fresh login was asked for (max_age), and then it must be there.
    let proved_at = time("auth_time").filter(|at| (earliest..=latest).contains(at)).ok_or("auth_time is not of now")?;
    let methods = claims.get("amr").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let methods: Vec<&str> = methods.iter().filter_map(Value::as_str).collect();
    let reached = text("acr").and_then(|acr| eid.reached(acr, &methods)).ok_or("acr is not in the table")?;
    let names =
        Names { given_name: eid.name_in(claims, "given_name"), family_name: eid.name_in(claims, "family_name") };
    let identifier = eid.identifier_in(claims)?;
    // Its clock may be a little off, and by ours the proof came between the request and now.
    Ok(Said { sub, identifier, reached, names, at: proved_at.max(asked.at).min(now) })
}

/// We are the only audience, as a text or as a list of one.
pub(super) fn is_for(audience: Option<&Value>, us: &str) -> bool {
    match audience {
        Some(Value::String(one)) => one == us,
        Some(Value::Array(all)) => matches!(all.as_slice(), [one] if one == us),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use authenticators::chance::Token;
    use serde_json::json;
    use url::Url;

    use super::*;
    use crate::acr::Acr;
    use crate::eid::ClientProof;

    const NOW: Timestamp = Timestamp::from_seconds(2_000_000_000);

    fn eid() -> OtherEid {
        let config = json!({
            "id": "bankid", "issuer": "https://op.test", "client_id": "porten", "secret_file": "/s",
            "name": { "nb": "BankID" }, "about": { "nb": "Med app" }, "name_claims": ["given_name"],
            "levels": [{ "acr": "urn:high", "level": "high", "amr": "BankID" }],
        });
        let (issuer, proof) = (Url::parse("https://op.test").unwrap(), ClientProof::Secret(Token::presented("s")));
        OtherEid { config: serde_json::from_value(config).unwrap(), issuer, proof, decryption: Vec::new() }
    }

    fn said(change: impl FnOnce(&mut Value)) -> Result<Said, &'static str> {
        let seconds = NOW.seconds();
        let mut claims = json!({
            "iss": "https://op.test", "aud": "porten", "sub": "s", "nonce": "n", "acr": "urn:high", "pid": "1",
            "exp": seconds + 60, "iat": seconds, "auth_time": seconds, "given_name": "Kari", "family_name": "Nordmann",
        });
        change(&mut claims);
        let asked = Asked { nonce: "n", at: NOW.minus(std::time::Duration::from_mins(2)) };
        read(&eid(), claims.as_object().unwrap(), &asked, NOW)
    }

    #[test]
    fn a_good_one() {
        let said = said(|_| {}).unwrap();
        assert_eq!(said.identifier.as_deref(), Some("1"));
        assert_eq!(said.reached, Reached { acr: Acr::HIGH, amr: "BankID".into() });
        assert_eq!(said.names, Names { given_name: Some("Kari".into()), family_name: None });
        assert_eq!(said.at, NOW);
    }

    #[test]
    fn whatever_is_wrong_is_refused() {
        let seconds = NOW.seconds();
        for (name, value) in [
            ("iss", json!("https://op.test/")),
            ("aud", json!("other")),
            ("aud", json!(["porten", "other"])),
            ("aud", json!([])),
            ("azp", json!("other")),
            ("azp", json!(null)),
            ("nonce", json!("m")),
            ("nonce", json!(null)),
            ("sub", json!("")),
            ("exp", json!(seconds - 10)),
            ("exp", json!("2100-01-01")),
            ("iat", json!(seconds + 11)),
            ("iat", json!(seconds - 131)),
            ("nbf", json!(seconds + 11)),
            ("auth_time", json!(null)),
            ("auth_time", json!(seconds - 131)),
            ("auth_time", json!(seconds + 11)),
            ("acr", json!("urn:low")),
            ("acr", json!(null)),
        ] {
            assert!(said(|claims| claims[name] = value.clone()).is_err(), "{name} {value}");
        }
        for (name, value) in [
            ("aud", json!(["porten"])),
            ("azp", json!("porten")),
            ("exp", json!(seconds - 9)),
            ("iat", json!(seconds + 10)),
            ("auth_time", json!(seconds - 130)),
        ] {
            assert!(said(|claims| claims[name] = value.clone()).is_ok(), "{name} {value}");
        }
        assert_eq!(said(|claims| claims["pid"] = json!(1)).unwrap().identifier, None);
    }
}
