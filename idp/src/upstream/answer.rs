//! What comes back to our callback: plain parameters (RFC 6749 4.1.2, RFC 9207), or a JWT that the provider has signed
//! (JARM), for a provider that has been asked for one. No I/O.

use authenticators::chance::Token;
use authenticators::clock::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::id_token::is_for;
use crate::eid::OtherEid;
use crate::params::Params;

/// The parameter that a signed answer comes in (JARM 2.3).
const SIGNED: &str = "response";

/// An answer, as it is read.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// RFC 6749 4.1.2
    pub code: Option<String>,
    /// RFC 6749 4.1.2.1
    pub error: Option<String>,
}

/// By what the login is found that an answer belongs to. Of a signed one it is read before the signature is looked at
/// (JARM 2.4): what it finds is bound to a browser, and for strangers nothing is fetched and nothing computed.
pub fn state_of(eid: &OtherEid, form: &Params) -> Option<Token> {
    match form.field(SIGNED) {
        Some(signed) if eid.config.response_mode.is_some() => {
            let claims = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1)?).ok()?;
            let claims: Map<String, Value> = serde_json::from_slice(&claims).ok()?;
            claims.get("state")?.as_str().map(Token::presented)
        }
        // An answer that should have been signed finds its login as well, and is refused there.
        _ => form.field("state").map(Token::presented),
    }
}

/// The JWT that an answer must be, if it must be one.
pub fn signed(form: &Params) -> Result<&str, &'static str> {
    form.field(SIGNED).ok_or("it is not signed")
}

/// Reads plain parameters; the error is for the log. `sends_iss` is what the provider says of itself.
pub fn plain(eid: &OtherEid, form: &Params, sends_iss: SendsIss) -> Result<Answer, &'static str> {
    // RFC 9207 2.4: before anything is sent to anybody. Who says that it sends iss always does, with errors too.
    let is_theirs = match form.field("iss") {
        Some(iss) => iss == eid.config.issuer,
        None => sends_iss == SendsIss::Perhaps,
    };
    if !is_theirs {
        return Err("iss is another's");
    }
    let text = |name: &str| form.field(name).map(str::to_owned);
    Ok(Answer { code: text("code"), error: text("error") })
}

/// Whether a provider names itself in each answer (RFC 9207 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendsIss {
    /// It says so.
    Always,
    /// It says nothing.
    Perhaps,
}

/// Reads the claims of a signed one (JARM 2.4), once its signature is known to be the provider's.
pub fn read(eid: &OtherEid, claims: &Map<String, Value>, now: Timestamp) -> Result<Answer, &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let exp = claims.get("exp").and_then(Value::as_i64).map(Timestamp::from_seconds);
    let known = |right: bool, why: &'static str| if right { Ok(()) } else { Err(why) };
    known(text("iss") == Some(eid.config.issuer.as_str()), "iss is another's")?;
    known(is_for(claims.get("aud"), &eid.config.client_id), "aud is not us alone")?;
    known(exp.is_some_and(|exp| exp > now.minus(eid.skew())), "exp is past")?;
    let some = |name: &str| text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Answer { code: some("code"), error: some("error") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::Url;

    use super::*;
    use crate::eid::ClientProof;

    const NOW: Timestamp = Timestamp::from_seconds(2_000_000_000);

    fn eid(more: &Value) -> OtherEid {
        let mut config = json!({
            "id": "eidas", "preset": "eidas", "issuer": "https://op.test", "client_id": "porten", "secret_file": "/s",
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (issuer, proof) = (Url::parse("https://op.test").unwrap(), ClientProof::Secret(Token::presented("s")));
        OtherEid { config: serde_json::from_value(config).unwrap(), issuer, proof, decryption: Vec::new(), logo: None }
    }

    #[test]
    fn what_a_signed_one_must_say() {
        let eid = eid(&json!({ "response_mode": "query.jwt" }));
        let check = |name: &str, value: Value| {
            let mut claims =
                json!({ "iss": "https://op.test", "aud": "porten", "exp": NOW.seconds() + 60, "code": "c" });
            claims[name] = value;
            read(&eid, claims.as_object().unwrap(), NOW)
        };
        let good = check("aud", json!(["porten"])).unwrap();
        assert_eq!(good, Answer { code: Some("c".to_owned()), error: None });
        assert_eq!(check("code", json!("")).unwrap(), Answer { code: None, error: None });
        assert_eq!(check("error", json!("access_denied")).unwrap().error.as_deref(), Some("access_denied"));
        for (name, value) in [
            ("iss", json!("https://op.test/")),
            ("iss", Value::Null),
            ("aud", json!("other")),
            ("aud", json!(["porten", "other"])),
            ("aud", Value::Null),
            ("exp", json!(NOW.seconds() - 10)),
            ("exp", json!("2100-01-01")),
            ("exp", Value::Null),
        ] {
            assert!(check(name, value.clone()).is_err(), "{name} {value}");
        }
        assert!(check("exp", json!(NOW.seconds() - 9)).is_ok());
    }

    #[test]
    fn by_what_the_login_is_found() {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("e30.{}.x", part(&json!({ "state": "inside" })));
        let state = |eid: &OtherEid, form: &str| state_of(eid, &Params::parse(form)).map(|s| s.reveal().to_owned());
        let (strict, plain) = (eid(&json!({ "response_mode": "jwt" })), eid(&json!({})));
        let both = format!("state=outside&response={signed}");
        assert_eq!(state(&strict, &both).as_deref(), Some("inside"));
        assert_eq!(state(&plain, &both).as_deref(), Some("outside"));
        assert_eq!(state(&strict, "state=outside").as_deref(), Some("outside"));
        for nonsense in ["", "a", "a.b.c", "e30.e30.x", "e30.W10.x"] {
            assert_eq!(state(&strict, &format!("response={nonsense}")), None, "{nonsense}");
        }
        assert!(super::signed(&Params::parse("code=c&state=outside")).is_err());
    }

    #[test]
    fn whose_a_plain_one_is() {
        let eid = eid(&json!({}));
        let check = |form: &str, sends: SendsIss| plain(&eid, &Params::parse(form), sends).is_ok();
        assert!(check("code=c&iss=https://op.test", SendsIss::Always));
        assert!(check("code=c", SendsIss::Perhaps));
        assert!(!check("code=c", SendsIss::Always));
        assert!(!check("code=c&iss=https://op.other.test", SendsIss::Perhaps));
    }
}
