//! `POST /rest/v2/postkasser` and `/rest/v2/postkasser/slett`: a supplier of digital postboxes tells the contact register
//! who has one there, and who no longer has. The organisation that the token was given to is the supplier: it writes of
//! its own postboxes alone.
//!
//! | request | answer |
//! |---|---|
//! | `{"postkasser": [{"personidentifikator", "postkasseadresse", "sertifikat"}, …]}` | `REGISTRERT`, or `IKKE_REGISTRERT` of whom the register knows nobody by |
//! | `{"personidentifikatorer": […]}` | `SLETTET`: there is none any more, or there was none |
//!
//! Each is answered under its identifier, in the order asked. What is asked twice is done once.

use authenticators::contact::Postbox;
use authenticators::person::{Fnr, Person};
use authenticators::postbox::{self, Supplier};
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::bearer::Bearer;
use crate::error::OAuthError;
use crate::register::{AT_MOST, POSTBOXES, Sent, read};

/// A thousand people, each with a certificate.
const BODY_AT_MOST: usize = 8 * 1024 * 1024;
const CERTIFICATE_AT_MOST: usize = 8 * 1024;
const ADDRESS_AT_MOST: usize = 100;
const A_MACHINES: &str = "A machine's own access token";

/// What a supplier tells.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    postkasser: Vec<Said>,
}

/// That somebody has a postbox there. Digdir's names (`OpprettOgVelgSikkerDigitalPostkasse`), without the supplier's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    personidentifikator: String,
    postkasseadresse: String,
    #[serde(default)]
    sertifikat: Option<String>,
}

/// Who no longer has one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gone {
    personidentifikatorer: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Registrert,
    IkkeRegistrert,
    Slettet,
}

#[derive(Serialize)]
struct Answers {
    postkasser: Vec<Answer>,
}

#[derive(Serialize)]
struct Answer {
    personidentifikator: String,
    status: Status,
}

/// The first address, with room for certificates.
pub fn registering() -> MethodRouter<App> {
    post(register).layer(DefaultBodyLimit::max(BODY_AT_MOST))
}

/// `POST /rest/v2/postkasser`
pub async fn register(State(app): State<App>, bearer: Bearer, body: Sent<Told>) -> Result<Response, OAuthError> {
    if !bearer.is_a_machine_with(&[POSTBOXES]) {
        return Ok(bearer.falls_short(A_MACHINES, &[POSTBOXES]));
    }
    let supplier = supplier(&bearer)?;
    let told =
        read(body, "an object with postkasser, a list of objects with personidentifikator and postkasseadresse")?;
    is_so_many("postkasser", told.postkasser.len())?;
    // All of it is looked at before anything is written.
    if let Some((place, why)) = told.postkasser.iter().enumerate().find_map(|(n, said)| Some((n, objection(said)?))) {
        return Err(OAuthError::invalid_request(format!("postkasser, number {}: {why}", place + 1)));
    }
    let mut postkasser = Vec::with_capacity(told.postkasser.len());
    for Said { personidentifikator, postkasseadresse, sertifikat } in told.postkasser {
        let postbox =
            Postbox { address: postkasseadresse, provider: supplier.number.to_owned(), certificate: sertifikat };
        let is_there = match find(&app, &personidentifikator).await? {
            Some(person) => {
                postbox::register(&app.world, &person, &postbox, bearer.client.id.as_str(), bearer.now).await?
            }
            None => false,
        };
        let status = if is_there { Status::Registrert } else { Status::IkkeRegistrert };
        postkasser.push(Answer { personidentifikator, status });
    }
    Ok(Json(Answers { postkasser }).into_response())
}

/// `POST /rest/v2/postkasser/slett`: the answer does not tell who is known here, nor who has gone to another supplier.
pub async fn remove(State(app): State<App>, bearer: Bearer, body: Sent<Gone>) -> Result<Response, OAuthError> {
    if !bearer.is_a_machine_with(&[POSTBOXES]) {
        return Ok(bearer.falls_short(A_MACHINES, &[POSTBOXES]));
    }
    let supplier = supplier(&bearer)?;
    let gone = read(body, "an object with personidentifikatorer, a list of texts")?.personidentifikatorer;
    is_so_many("personidentifikatorer", gone.len())?;
    let mut postkasser = Vec::with_capacity(gone.len());
    for personidentifikator in gone {
        if let Some(person) = find(&app, &personidentifikator).await? {
            postbox::remove(&app.world, &person.id, supplier, bearer.client.id.as_str(), bearer.now).await?;
        }
        postkasser.push(Answer { personidentifikator, status: Status::Slettet });
    }
    Ok(Json(Answers { postkasser }).into_response())
}

/// The supplier that the token was given to.
fn supplier(bearer: &Bearer) -> Result<&'static Supplier, OAuthError> {
    let found = bearer.token.consumer_number().and_then(postbox::supplier);
    found.ok_or_else(|| {
        OAuthError::access_denied("The consumer of the access token is no supplier of digital postboxes.")
    })
}

fn is_so_many(name: &str, count: usize) -> Result<(), OAuthError> {
    match count {
        1..=AT_MOST => Ok(()),
        _ => Err(OAuthError::invalid_request(format!("{name} must be 1 to {AT_MOST} of them."))),
    }
}

/// Whoever has this identifier, or had it.
async fn find(app: &App, identifier: &str) -> sqlx::Result<Option<Person>> {
    let Ok(fnr) = Fnr::parse(identifier, app.config.people) else { return Ok(None) };
    Person::by_fnr(app.world.db.pool(), &fnr).await
}

/// What is wrong with what is said of somebody.
fn objection(said: &Said) -> Option<&'static str> {
    if !is_an_address(&said.postkasseadresse) {
        return Some("postkasseadresse is no address of a postbox.");
    }
    let is_good = said.sertifikat.as_ref().is_none_or(|pem| is_a_certificate(pem));
    (!is_good).then_some("sertifikat is no X.509 certificate in PEM.")
}

/// `ola.nordmann#9YDT`
fn is_an_address(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '#' | '@' | '+' | ':' | '/');
    !text.is_empty() && text.chars().count() <= ADDRESS_AT_MOST && text.chars().all(fits)
}

/// One certificate, and nothing else that senders would be handed.
fn is_a_certificate(pem: &str) -> bool {
    let body = pem.trim().strip_prefix("-----BEGIN CERTIFICATE-----");
    let body = body.and_then(|body| body.strip_suffix("-----END CERTIFICATE-----"));
    if pem.len() > CERTIFICATE_AT_MOST || body.is_none_or(|body| body.contains('-')) {
        return false;
    }
    let Ok(der) = CertificateDer::from_pem_slice(pem.as_bytes()) else { return false };
    x509_parser::parse_x509_certificate(&der).is_ok_and(|(rest, _)| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_postboxes() {
        for good in ["ola.nordmann#9YDT", "kari-anne.ås#0001", "12345678901234", "a@b.no"] {
            assert!(is_an_address(good), "{good}");
        }
        for bad in ["", " ", "ola nordmann#1", "ola\n#1", "<b>", "\u{202e}ola", &"x".repeat(101)] {
            assert!(!is_an_address(bad), "{bad}");
        }
    }

    #[test]
    fn certificates_are_one_and_whole() {
        let own = rcgen::generate_simple_self_signed(["kari".to_owned()]).unwrap();
        let pem = own.cert.pem();
        assert!(is_a_certificate(&pem) && is_a_certificate(pem.trim()));
        for bad in [
            String::new(),
            "-----BEGIN CERTIFICATE-----".to_owned(),
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
            format!("{pem}{pem}"),
            format!("{pem}{}", own.signing_key.serialize_pem()),
            format!("kari\n{pem}"),
            pem.replace("CERTIFICATE", "PRIVATE KEY"),
        ] {
            assert!(!is_a_certificate(&bad), "{bad}");
        }
    }
}
