//! What an ID token of a provider must say (OpenID Connect Core 3.1.3.7), once its signature is known to be the
//! provider's. No I/O.

use authenticators::clock::Timestamp;
use authenticators::guest::EidasId;
use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::eid::{self, Encrypted, FreshBy, OtherEid, Reached};
use crate::flow::{Abroad, Names};

/// 0, the beginning of all time.
const NEVER: Timestamp = Timestamp::from_seconds(0);

/// What was asked for.
pub struct Asked<'a> {
    /// The nonce of the request.
    pub nonce: &'a str,
    /// When it was made.
    pub at: Timestamp,
}

/// Whom the provider names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Somebody with a fødselsnummer or D-number, as it stands in the token.
    Number(String),
    /// Somebody from another country whom nobody here matches.
    Abroad(Abroad),
    /// Nobody who could be let in.
    Nobody,
}

/// What the provider says of a person.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// Who it is there.
    pub sub: String,
    /// Who it is here.
    pub who: Who,
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
    // A fresh login was asked for (max_age), and then it must be there. 0 is what some say who do not know it.
    let is_unsaid = matches!(claims.get("auth_time"), None | Some(Value::Null)) || time("auth_time") == Some(NEVER);
    let said_at = if is_unsaid && eid.config.fresh_by == FreshBy::Iat { time("iat") } else { time("auth_time") };
    let proved_at = said_at.filter(|at| (earliest..=latest).contains(at)).ok_or("auth_time is not of now")?;
    let methods = claims.get("amr").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let methods: Vec<&str> = methods.iter().filter_map(Value::as_str).collect();
    let reached = text("acr").and_then(|acr| eid.reached(acr, &methods)).ok_or("acr is not in the table")?;
    let names =
        Names { given_name: eid.name_in(claims, "given_name"), family_name: eid.name_in(claims, "family_name") };
    let who = match (claims.get(&eid.config.identifier_claim), eid.identifier_in(claims)?) {
        (_, Some(number)) => Who::Number(number),
        (None | Some(Value::Null), None) => abroad(eid, claims, &reached)?.map_or(Who::Nobody, Who::Abroad),
        // Whoever has a number that cannot be read is no guest.
        (Some(_), None) => Who::Nobody,
    };
    // Its clock may be a little off, and by ours the proof came between the request and now.
    Ok(Said { sub, who, reached, names, at: proved_at.max(asked.at).min(now) })
}

/// Who it is in another country, under the names of ID-porten's connector. None if nobody is named so, or may be.
fn abroad(eid: &OtherEid, claims: &Map<String, Value>, reached: &Reached) -> Result<Option<Abroad>, &'static str> {
    let Some(claim) = &eid.config.eidas_identifier_claim else { return Ok(None) };
    let Some(id) = claims.get(claim).filter(|_| reached.acr.is_of_another_country()) else { return Ok(None) };
    let id = id.as_str().ok_or("the identifier from abroad is none")?.to_owned();
    let id = eid.in_the_clear(Encrypted::Identifier, id)?;
    let id = EidasId::parse(&id).ok_or("the identifier from abroad is none")?;
    let country = claims.get("eidas_citizen_country_code");
    if country.is_some_and(|country| country != id.country()) {
        return Err("the identifier is of another country");
    }
    let date_of_birth = match claims.get("birthdate") {
        None | Some(Value::Null) => None,
        Some(date) => Some(date.as_str().and_then(date_of).ok_or("birthdate is no date")?),
    };
    let (first_name, last_name) = (eid::name_in(claims, "given_name"), eid::name_in(claims, "family_name"));
    Ok(Some(Abroad { country: id.country().to_owned(), id, first_name, last_name, date_of_birth }))
}

/// `1990-01-31`, and no other way to write it.
fn date_of(text: &str) -> Option<String> {
    let date: Date = text.parse().ok()?;
    (date.to_string() == text).then(|| text.to_owned())
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
        OtherEid { config: serde_json::from_value(config).unwrap(), issuer, proof, decryption: Vec::new(), logo: None }
    }

    fn said(change: impl FnOnce(&mut Value)) -> Result<Said, &'static str> {
        said_by(&eid(), change)
    }

    fn said_by(eid: &OtherEid, change: impl FnOnce(&mut Value)) -> Result<Said, &'static str> {
        let seconds = NOW.seconds();
        let mut claims = json!({
            "iss": "https://op.test", "aud": "porten", "sub": "s", "nonce": "n", "acr": "urn:high", "pid": "1",
            "exp": seconds + 60, "iat": seconds, "auth_time": seconds, "given_name": "Kari", "family_name": "Nordmann",
        });
        change(&mut claims);
        let asked = Asked { nonce: "n", at: NOW.minus(std::time::Duration::from_mins(2)) };
        read(eid, claims.as_object().unwrap(), &asked, NOW)
    }

    #[test]
    fn a_good_one() {
        let said = said(|_| {}).unwrap();
        assert_eq!(said.who, Who::Number("1".into()));
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
        assert_eq!(said(|claims| claims["pid"] = json!(1)).unwrap().who, Who::Nobody);
    }

    #[test]
    fn what_tells_that_a_login_is_fresh() {
        let seconds = NOW.seconds();
        let mut by_iat = eid();
        by_iat.config.fresh_by = FreshBy::Iat;
        for (auth_time, iat, by_auth_time_alone, by_either) in [
            (json!(seconds), seconds, true, true),
            (json!(null), seconds - 60, false, true),
            (json!(0), seconds, false, true),
            (json!(null), seconds - 131, false, false),
            (json!(null), seconds + 11, false, false),
            // What is there is believed, and nothing else.
            (json!(seconds - 131), seconds, false, false),
            (json!(seconds.to_string()), seconds, false, false),
            (json!([]), seconds, false, false),
            (json!(-1), seconds, false, false),
        ] {
            let change = |claims: &mut Value| {
                (claims["auth_time"], claims["iat"]) = (auth_time.clone(), json!(iat));
            };
            assert_eq!(said(change).is_ok(), by_auth_time_alone, "{auth_time} {iat}");
            let said = said_by(&by_iat, change);
            assert_eq!(said.is_ok(), by_either, "{auth_time} {iat}");
            if let (Ok(said), Value::Null) = (said, &auth_time) {
                assert_eq!(said.at.seconds(), iat);
            }
        }
    }

    #[test]
    fn who_it_is_from_abroad() {
        let check = |level: &str, claim: &str, change: Value, expected: Result<bool, ()>| {
            let mut eid = eid();
            let levels = json!([{ "acr": "urn:high", "level": level, "amr": "eIDAS" }]);
            let config = json!({
                "id": "x", "issuer": "https://op.test", "client_id": "porten", "secret_file": "/s", "levels": levels,
                "name": { "nb": "X" }, "about": { "nb": "X" }, "eidas_identifier_claim": claim,
            });
            eid.config = serde_json::from_value(config).unwrap();
            let mut all = json!({
                "pid": null, "eidas_person_identifier": "SE/NO/1", "eidas_citizen_country_code": "SE",
                "given_name": "Åsa", "family_name": "Svens\nson", "birthdate": "1990-01-31",
            });
            all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let said = said_by(&eid, |claims| claims.as_object_mut().unwrap().extend(all.as_object().unwrap().clone()));
            let got = said.as_ref().map(|said| matches!(said.who, Who::Abroad(_))).map_err(|_| ());
            assert_eq!(got, expected, "{level} {claim} {change}");
            said
        };
        let (level, claim) = ("eidas-high", "eidas_person_identifier");
        let said = check(level, claim, json!({}), Ok(true)).unwrap();
        let abroad = Abroad {
            id: EidasId::parse("SE/NO/1").unwrap(),
            first_name: Some("Åsa".into()),
            last_name: Some("Svensson".into()),
            date_of_birth: Some("1990-01-31".into()),
            country: "SE".into(),
        };
        assert_eq!((said.who, said.names), (Who::Abroad(abroad), Names { given_name: None, family_name: None }));
        let bare = json!({ "birthdate": null, "given_name": null, "family_name": null });
        assert!(check(level, claim, bare, Ok(true)).is_ok());
        // A number goes before all else, and one that cannot be read makes nobody a guest.
        assert_eq!(check(level, claim, json!({ "pid": "1" }), Ok(false)).unwrap().who, Who::Number("1".into()));
        assert_eq!(check(level, claim, json!({ "pid": "" }), Ok(false)).unwrap().who, Who::Number(String::new()));
        assert_eq!(check(level, claim, json!({ "pid": 1 }), Ok(false)).unwrap().who, Who::Nobody);
        // Neither is whoever it was not configured for.
        assert_eq!(check(level, "", json!({}), Ok(false)).unwrap().who, Who::Nobody);
        assert_eq!(check("high", claim, json!({}), Ok(false)).unwrap().who, Who::Nobody);
        assert_eq!(check(level, "other", json!({}), Ok(false)).unwrap().who, Who::Nobody);
        for wrong in [
            json!({ "eidas_person_identifier": "NO/NO/1" }),
            json!({ "eidas_person_identifier": "se/NO/1" }),
            json!({ "eidas_person_identifier": ["SE/NO/1"] }),
            json!({ "eidas_person_identifier": null }),
            json!({ "eidas_citizen_country_code": "DE" }),
            json!({ "eidas_citizen_country_code": null }),
            json!({ "birthdate": "1990-02-30" }),
            json!({ "birthdate": "19900131" }),
            json!({ "birthdate": 1990 }),
        ] {
            assert!(check(level, claim, wrong, Err(())).is_err());
        }
    }
}
