//! What a `UserInfo` endpoint tells of a person beyond their ID token (OpenID Connect Core 5.3): who they are and what
//! they are called, and nothing of how they proved it. No I/O.

use serde_json::{Map, Value};

use super::id_token::{Said, Who, is_for};
use crate::eid::{OtherEid, Userinfo};
use crate::flow::Names;

/// Adds what is told here to what the ID token says; the error is for the log.
pub fn complete(eid: &OtherEid, said: Said, claims: &Map<String, Value>, form: Userinfo) -> Result<Said, &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let known = |right: bool, why: &'static str| if right { Ok(()) } else { Err(why) };
    // OpenID Connect Core 5.3.2: or it may be somebody else's.
    known(text("sub") == Some(said.sub.as_str()), "sub is another's")?;
    if form == Userinfo::Jwt {
        known(text("iss") == Some(eid.config.issuer.as_str()), "iss is another's")?;
        known(is_for(claims.get("aud"), &eid.config.client_id), "aud is not us alone")?;
    }
    let is_unread = claims.get(&eid.config.identifier_claim).is_some_and(|claim| !claim.is_null());
    let who = match (said.who, eid.identifier_in(claims)?) {
        (Who::Number(one), Some(other)) if one != other => return Err("the identifier is another's"),
        // A number goes before what another country says.
        (Who::Nobody | Who::Abroad(_), Some(number)) => Who::Number(number),
        // Whoever has a number that cannot be read is no guest.
        (Who::Abroad(_), None) if is_unread => Who::Nobody,
        (known, _) => known,
    };
    let name = |known: Option<String>, claim: &str| known.or_else(|| eid.name_in(claims, claim));
    let Names { given_name, family_name } = said.names;
    let names = Names { given_name: name(given_name, "given_name"), family_name: name(family_name, "family_name") };
    Ok(Said { who, names, ..said })
}
