//! `fapi2-message-signing-final-test-plan`: the modules that it has beside those of the
//! security profile, on request objects. The answers of all are signed (JARM).

#[path = "fapi2-security-profile-final-ensure-request-object-signature-algorithm-is-not-none.rs"]
mod alg_none;
#[path = "fapi2-security-profile-final-ensure-request-object-with-bad-aud-fails.rs"]
mod bad_aud;
#[path = "fapi2-security-profile-final-ensure-request-object-with-exp-over-60-fails.rs"]
mod exp_over_60;
#[path = "fapi2-security-profile-final-ensure-expired-request-object-fails.rs"]
mod expired;
#[path = "fapi2-security-profile-final-ensure-request-object-with-invalid-signature-fails.rs"]
mod invalid_signature;
#[path = "fapi2-security-profile-final-ensure-matching-key-in-authorization-request.rs"]
mod matching_key;
#[path = "fapi2-security-profile-final-ensure-request-object-with-multiple-aud-succeeds.rs"]
mod multiple_aud;
#[path = "fapi2-security-profile-final-ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted.rs"]
mod nbf_8;
#[path = "fapi2-security-profile-final-ensure-request-object-with-nbf-over-60-fails.rs"]
mod nbf_over_60;
#[path = "fapi2-security-profile-final-par-authorization-request-containing-request_uri.rs"]
mod request_uri_inside;
#[path = "fapi2-security-profile-final-ensure-signed-request-object-with-RS256-fails.rs"]
mod rs256;
#[path = "fapi2-security-profile-final-ensure-unsigned-request-at-par-endpoint-fails.rs"]
mod unsigned_push;
#[path = "fapi2-security-profile-final-ensure-request-object-without-exp-fails.rs"]
mod without_exp;
#[path = "fapi2-security-profile-final-ensure-request-object-without-nbf-fails.rs"]
mod without_nbf;

use crate::jose::{Draft, now};
use crate::plan::Module;
use crate::story::{Story, Told, Verdict};

/// Its modules, in the suite's order.
pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::new("fapi2-security-profile-final-ensure-request-object-with-multiple-aud-succeeds", multiple_aud::run),
        Module::new(
            "fapi2-security-profile-final-ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted",
            nbf_8::run,
        ),
        Module::new("fapi2-security-profile-final-ensure-request-object-without-exp-fails", without_exp::run),
        Module::new("fapi2-security-profile-final-ensure-request-object-without-nbf-fails", without_nbf::run),
        Module::new("fapi2-security-profile-final-ensure-expired-request-object-fails", expired::run),
        Module::new("fapi2-security-profile-final-ensure-request-object-with-bad-aud-fails", bad_aud::run),
        Module::new("fapi2-security-profile-final-ensure-request-object-with-exp-over-60-fails", exp_over_60::run),
        Module::new("fapi2-security-profile-final-ensure-request-object-with-nbf-over-60-fails", nbf_over_60::run),
        Module::new("fapi2-security-profile-final-ensure-signed-request-object-with-RS256-fails", rs256::run),
        Module::new(
            "fapi2-security-profile-final-ensure-request-object-signature-algorithm-is-not-none",
            alg_none::run,
        ),
        Module::new(
            "fapi2-security-profile-final-ensure-request-object-with-invalid-signature-fails",
            invalid_signature::run,
        ),
        Module::new("fapi2-security-profile-final-ensure-matching-key-in-authorization-request", matching_key::run),
        Module::new("fapi2-security-profile-final-ensure-unsigned-request-at-par-endpoint-fails", unsigned_push::run),
        Module::new(
            "fapi2-security-profile-final-par-authorization-request-containing-request_uri",
            request_uri_inside::run,
        ),
    ]
}

/// How a request object is refused.
const ERRORS: &[&str] = &["invalid_request_object", "invalid_request"];

/// A request object that is changed so must be refused; `change` gets the time.
async fn refused(mut story: Story, change: impl FnOnce(Draft, i64) -> Draft) -> Told {
    let request = story.request("fapi-1")?;
    let object = change(story.object(&request)?, now()?);
    let call = story.push_object(&request, &object)?;
    story.push_refused(&request, call, ERRORS).await?;
    Ok(Verdict::Passed)
}

/// A request object that is changed so must be accepted; `change` gets the time.
async fn accepted(mut story: Story, change: impl FnOnce(Draft, i64) -> Draft) -> Told {
    let request = story.request("fapi-1")?;
    let object = change(story.object(&request)?, now()?);
    let request_uri = story.pushed(story.push_object(&request, &object)?).await?;
    let front = story.front_with(&request, &request_uri)?;
    let end = story.end_at(&request, &front).await?;
    let answer = story.is_granted(&request, end)?;
    story.exchange(&request, answer).await?;
    Ok(Verdict::Passed)
}
