//! `fapi2-security-profile-final-test-plan`: plain FAPI with `private_key_jwt` and proofs of possession (RFC 9449).

#[path = "fapi2-security-profile-final-ensure-client-assertion-with-wrong-aud-fails.rs"]
mod assertion_aud;
#[path = "fapi2-security-profile-final-ensure-client-assertion-with-exp-is-5-minutes-in-past-fails.rs"]
mod assertion_exp;
#[path = "fapi2-security-profile-final-ensure-client-assertion-in-token-endpoint.rs"]
mod assertion_missing;
#[path = "fapi2-security-profile-final-ensure-signed-client-assertion-with-RS256-fails.rs"]
mod assertion_rs256;
#[path = "fapi2-security-profile-final-ensure-client-assertion-with-no-sub-fails.rs"]
mod assertion_sub;
#[path = "fapi2-security-profile-final-par-test-array-as-audience-fails.rs"]
mod aud_array;
#[path = "fapi2-security-profile-final-par-test-par-endpoint-url-as-audience-fails.rs"]
mod aud_par;
#[path = "fapi2-security-profile-final-par-test-token-endpoint-url-as-audience-fails.rs"]
mod aud_token;
#[path = "fapi2-security-profile-final-test-claims-parameter-identity-claims.rs"]
mod claims_parameter;
#[path = "fapi2-security-profile-final-ensure-client-id-in-token-endpoint.rs"]
mod client_id_at_token;
#[path = "fapi2-security-profile-final-attempt-reuse-authorization-code-after-one-second.rs"]
mod code_again;
#[path = "fapi2-security-profile-final-ensure-dpop-auth-code-binding-success.rs"]
mod code_binding;
#[path = "fapi2-security-profile-final-ensure-token-endpoint-fails-with-expired-auth-code.rs"]
mod code_expired;
#[path = "fapi2-security-profile-final-ensure-authorization-code-is-bound-to-client.rs"]
mod code_of_client;
#[path = "fapi2-security-profile-final-ensure-redirect-uri-in-authorization-request.rs"]
mod default_redirect_uri;
#[path = "fapi2-security-profile-final-ensure-different-nonce-inside-and-outside-request-object.rs"]
mod different_nonce;
#[path = "fapi2-security-profile-final-ensure-different-state-inside-and-outside-request-object.rs"]
mod different_state;
#[path = "fapi2-security-profile-final-discovery-end-point-verification.rs"]
mod discovery;
#[path = "fapi2-security-profile-final-dpop-negative-tests.rs"]
mod dpop_negative;
#[path = "fapi2-security-profile-final-happy-flow.rs"]
mod happy_flow;
#[path = "fapi2-security-profile-final-ensure-holder-of-key-required.rs"]
mod holder_of_key;
#[path = "fapi2-security-profile-final-ensure-authorization-request-with-long-nonce.rs"]
mod long_nonce;
#[path = "fapi2-security-profile-final-ensure-authorization-request-with-long-state.rs"]
mod long_state;
#[path = "fapi2-security-profile-final-ensure-mismatched-dpop-jkt-fails.rs"]
mod mismatched_jkt;
#[path = "fapi2-security-profile-final-par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails.rs"]
mod nbf_60;
#[path = "fapi2-security-profile-final-par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted.rs"]
mod nbf_8;
#[path = "fapi2-security-profile-final-ensure-other-scope-order-succeeds.rs"]
mod other_scope_order;
#[path = "fapi2-security-profile-final-ensure-dpopproof-at-par-endpoint-binding-success.rs"]
mod par_binding;
#[path = "fapi2-security-profile-final-par-attempt-invalid-http-method.rs"]
mod par_method;
#[path = "fapi2-security-profile-final-par-plain-pkce-rejected.rs"]
mod pkce_plain;
#[path = "fapi2-security-profile-final-par-ensure-pkce-required.rs"]
mod pkce_required;
#[path = "fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-after-succeeds.rs"]
mod proof_after;
#[path = "fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-before-succeeds.rs"]
mod proof_before;
#[path = "fapi2-security-profile-final-check-dpop-proof-nbf-exp.rs"]
mod proof_nbf_exp;
#[path = "fapi2-security-profile-final-refresh-token.rs"]
mod refresh_token;
#[path = "fapi2-security-profile-final-par-attempt-to-use-expired-request_uri.rs"]
mod request_uri_expired;
#[path = "fapi2-security-profile-final-par-attempt-to-use-request_uri-for-different-client.rs"]
mod request_uri_of_another;
#[path = "fapi2-security-profile-final-par-authorization-request-containing-request_uri-form-param.rs"]
mod request_uri_pushed;
#[path = "fapi2-security-profile-final-ensure-response-type-code-idtoken-fails.rs"]
mod response_type_code_idtoken;
#[path = "fapi2-security-profile-final-ensure-response-type-token-fails.rs"]
mod response_type_token;
#[path = "fapi2-security-profile-final-par-attempt-reuse-request_uri.rs"]
mod reused_after;
#[path = "fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds.rs"]
mod reused_before;
#[path = "fapi2-security-profile-final-access-token-type-header-case-sensitivity.rs"]
mod scheme_case;
#[path = "fapi2-security-profile-final-state-only-outside-request-object-not-used.rs"]
mod state_outside;
mod tls;
#[path = "fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-jkt.rs"]
mod token_mismatched_jkt;
#[path = "fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt.rs"]
mod token_mismatched_proof;
#[path = "fapi2-security-profile-final-plain-fapi-tolerate-unregistered-redirect-uri.rs"]
mod unregistered_redirect_uri;
#[path = "fapi2-security-profile-final-user-rejects-authentication.rs"]
mod user_rejects;
#[path = "fapi2-security-profile-final-incorrect-pkce-code-verifier-rejected.rs"]
mod verifier_incorrect;
#[path = "fapi2-security-profile-final-ensure-pkce-code-verifier-required.rs"]
mod verifier_required;
#[path = "fapi2-security-profile-final-ensure-authorization-request-with-64-char-nonce-success.rs"]
mod with_64_char_nonce;
#[path = "fapi2-security-profile-final-par-without-duplicate-parameters.rs"]
mod without_duplicates;
#[path = "fapi2-security-profile-final-ensure-authorization-request-without-nonce-success.rs"]
mod without_nonce;
#[path = "fapi2-security-profile-final-ensure-unsigned-authorization-request-without-using-par-fails.rs"]
mod without_par;
#[path = "fapi2-security-profile-final-ensure-request-object-without-redirect-uri-fails.rs"]
mod without_redirect_uri;
#[path = "fapi2-security-profile-final-ensure-authorization-request-without-state-success.rs"]
mod without_state;

use anyhow::{Context, ensure};

use crate::check;
use crate::jose::{Draft, Key, now};
use crate::op::{Call, Request};
use crate::person::End;
use crate::plan::Module;
use crate::story::{Login, Story, Told, Verdict};

/// Its modules, in the suite's order.
#[expect(clippy::too_many_lines, reason = "a plan is as long as it is")]
pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::new("fapi2-security-profile-final-discovery-end-point-verification", discovery::run),
        Module::new("fapi2-security-profile-final-happy-flow", happy_flow::run),
        Module::new("fapi2-security-profile-final-user-rejects-authentication", user_rejects::run),
        Module::new(
            "fapi2-security-profile-final-ensure-authorization-request-without-state-success",
            without_state::run,
        ),
        Module::new(
            "fapi2-security-profile-final-ensure-authorization-request-without-nonce-success",
            without_nonce::run,
        ),
        Module::new(
            "fapi2-security-profile-final-ensure-authorization-request-with-64-char-nonce-success",
            with_64_char_nonce::run,
        ),
        Module::new("fapi2-security-profile-final-ensure-other-scope-order-succeeds", other_scope_order::run),
        Module::new("fapi2-security-profile-final-test-claims-parameter-identity-claims", claims_parameter::run),
        Module::new("fapi2-security-profile-final-access-token-type-header-case-sensitivity", scheme_case::run),
        Module::new("fapi2-security-profile-final-check-dpop-proof-nbf-exp", proof_nbf_exp::run),
        Module::new(
            "fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-before-succeeds",
            proof_before::run,
        ),
        Module::new(
            "fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-after-succeeds",
            proof_after::run,
        ),
        Module::new("fapi2-security-profile-final-ensure-mismatched-dpop-jkt-fails", mismatched_jkt::run),
        Module::new(
            "fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt",
            token_mismatched_proof::run,
        ),
        Module::new(
            "fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-jkt",
            token_mismatched_jkt::run,
        ),
        Module::new("fapi2-security-profile-final-ensure-dpopproof-at-par-endpoint-binding-success", par_binding::run),
        Module::new("fapi2-security-profile-final-ensure-dpop-auth-code-binding-success", code_binding::run),
        Module::new(
            "fapi2-security-profile-final-ensure-different-nonce-inside-and-outside-request-object",
            different_nonce::run,
        ),
        Module::new(
            "fapi2-security-profile-final-ensure-different-state-inside-and-outside-request-object",
            different_state::run,
        ),
        Module::new("fapi2-security-profile-final-state-only-outside-request-object-not-used", state_outside::run),
        Module::new("fapi2-security-profile-final-ensure-authorization-request-with-long-nonce", long_nonce::run),
        Module::new("fapi2-security-profile-final-ensure-authorization-request-with-long-state", long_state::run),
        Module::new(
            "fapi2-security-profile-final-ensure-request-object-without-redirect-uri-fails",
            without_redirect_uri::run,
        ),
        Module::new(
            "fapi2-security-profile-final-plain-fapi-tolerate-unregistered-redirect-uri",
            unregistered_redirect_uri::run,
        ),
        Module::new(
            "fapi2-security-profile-final-ensure-unsigned-authorization-request-without-using-par-fails",
            without_par::run,
        ),
        Module::new(
            "fapi2-security-profile-final-ensure-redirect-uri-in-authorization-request",
            default_redirect_uri::run,
        ),
        Module::new(
            "fapi2-security-profile-final-ensure-response-type-code-idtoken-fails",
            response_type_code_idtoken::run,
        ),
        Module::new("fapi2-security-profile-final-ensure-response-type-token-fails", response_type_token::run),
        Module::new("fapi2-security-profile-final-ensure-client-id-in-token-endpoint", client_id_at_token::run),
        Module::new("fapi2-security-profile-final-ensure-holder-of-key-required", holder_of_key::run),
        Module::new("fapi2-security-profile-final-ensure-authorization-code-is-bound-to-client", code_of_client::run),
        Module::new("fapi2-security-profile-final-attempt-reuse-authorization-code-after-one-second", code_again::run),
        Module::new(
            "fapi2-security-profile-final-ensure-token-endpoint-fails-with-expired-auth-code",
            code_expired::run,
        )
        .waiting(62),
        Module::new(
            "fapi2-security-profile-final-ensure-signed-client-assertion-with-RS256-fails",
            assertion_rs256::run,
        ),
        Module::new("fapi2-security-profile-final-ensure-client-assertion-in-token-endpoint", assertion_missing::run),
        Module::new(
            "fapi2-security-profile-final-ensure-client-assertion-with-exp-is-5-minutes-in-past-fails",
            assertion_exp::run,
        ),
        Module::new("fapi2-security-profile-final-ensure-client-assertion-with-wrong-aud-fails", assertion_aud::run),
        Module::new("fapi2-security-profile-final-ensure-client-assertion-with-no-sub-fails", assertion_sub::run),
        Module::new("fapi2-security-profile-final-dpop-negative-tests", dpop_negative::run),
        Module::new("fapi2-security-profile-final-refresh-token", refresh_token::run).waiting(30),
        Module::new(
            "fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds",
            reused_before::run,
        ),
        Module::new("fapi2-security-profile-final-par-attempt-reuse-request_uri", reused_after::run),
        Module::new("fapi2-security-profile-final-par-attempt-to-use-expired-request_uri", request_uri_expired::run)
            .waiting(125),
        Module::new(
            "fapi2-security-profile-final-par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted",
            nbf_8::run,
        ),
        Module::new(
            "fapi2-security-profile-final-par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails",
            nbf_60::run,
        ),
        Module::new(
            "fapi2-security-profile-final-par-attempt-to-use-request_uri-for-different-client",
            request_uri_of_another::run,
        ),
        Module::new(
            "fapi2-security-profile-final-par-authorization-request-containing-request_uri-form-param",
            request_uri_pushed::run,
        ),
        Module::new("fapi2-security-profile-final-par-attempt-invalid-http-method", par_method::run),
        Module::new("fapi2-security-profile-final-par-ensure-pkce-required", pkce_required::run),
        Module::new("fapi2-security-profile-final-ensure-pkce-code-verifier-required", verifier_required::run),
        Module::new("fapi2-security-profile-final-incorrect-pkce-code-verifier-rejected", verifier_incorrect::run),
        Module::new("fapi2-security-profile-final-par-plain-pkce-rejected", pkce_plain::run),
        Module::new("fapi2-security-profile-final-par-without-duplicate-parameters", without_duplicates::run),
        Module::new("fapi2-security-profile-final-par-test-array-as-audience-fails", aud_array::run),
        Module::new("fapi2-security-profile-final-par-test-par-endpoint-url-as-audience-fails", aud_par::run),
        Module::new("fapi2-security-profile-final-par-test-token-endpoint-url-as-audience-fails", aud_token::run),
    ]
}

/// How a client is refused that is not believed.
const NOT_BELIEVED: &[&str] = &["invalid_client", "invalid_request"];
/// How a `request_uri` is refused that is not known.
const UNKNOWN: &[&str] = &["invalid_request_uri", "invalid_request", "invalid_request_object"];

/// A push with a proof (RFC 9449 10.1).
fn proved_push(story: &Story, request: &Request) -> anyhow::Result<Call> {
    let proof = story.proof("POST", &story.endpoint("pushed_authorization_request_endpoint")?)?;
    Ok(story.push(request)?.proof(proof))
}

/// A log-in with a request that is pushed already.
async fn log_in_with(story: &mut Story, request: &Request, request_uri: &str) -> anyhow::Result<Login> {
    let front = story.front_with(request, request_uri)?;
    let end = story.end_at(request, &front).await?;
    let answer = story.is_granted(request, end)?;
    story.exchange(request, answer).await
}

/// A log-in whose proofs at the push, the token endpoint and userinfo are all changed so.
async fn with_proofs(mut story: Story, change: fn(Draft, i64) -> Draft) -> Told {
    let request = story.request("fapi-1")?;
    let at = now()?;
    let request_uri = story.pushed(proved_push(&story, &request)?.proving(|proof| change(proof, at))).await?;
    let front = story.front_with(&request, &request_uri)?;
    let end = story.end_at(&request, &front).await?;
    let answer = story.is_granted(&request, end)?;
    let at = now()?;
    let reply = story.token(&request, answer.code())?.proving(|proof| change(proof, at)).send().await?;
    let login = story.login(&request, answer, &reply).await?;
    let at = now()?;
    let call = story.resource(&request.client, login.token("access_token"))?.proving(|proof| change(proof, at));
    check::userinfo(&call.send().await?, login.claim("sub"))?;
    Ok(Verdict::Passed)
}

/// A code that is bound to one key is refused with another.
async fn other_key_is_refused(mut story: Story, request: &Request, request_uri: &str) -> Told {
    let front = story.front_with(request, request_uri)?;
    let end = story.end_at(request, &front).await?;
    let answer = story.is_granted(request, end)?;
    story.dpop = Key::es256("other")?;
    let reply = story.token(request, answer.code())?.send().await?;
    check::refused(&reply, &["invalid_grant", "invalid_dpop_proof", "invalid_request"])?;
    Ok(Verdict::Passed)
}

/// What is pushed counts, or the request is refused.
async fn whole_or_refused(story: &mut Story, request: &Request) -> anyhow::Result<()> {
    let end = story.end(request).await?;
    granted_or_refused(story, request, end).await
}

async fn granted_or_refused(story: &Story, request: &Request, end: End) -> anyhow::Result<()> {
    match &end {
        End::Back(answer) if answer.get("error").is_none() => {
            let answer = story.is_granted(request, end)?;
            story.exchange(request, answer).await.map(|_| ())
        }
        _ => story.is_refusal(request, end, &["invalid_request", "invalid_request_object"]),
    }
}

/// What is long comes back whole, or is refused at the push or later.
async fn long_or_refused(story: &mut Story, request: &Request) -> anyhow::Result<()> {
    let reply = story.push(request)?.send().await?;
    if reply.status != 201 {
        return check::refused(&reply, &["invalid_request", "invalid_request_object"]);
    }
    let front = story.front_with(request, reply.get("request_uri")?)?;
    let end = story.end_at(request, &front).await?;
    granted_or_refused(story, request, end).await
}

/// A call to userinfo that must not open it.
async fn opens_nothing(call: Call, what: &str) -> anyhow::Result<()> {
    let reply = call.send().await.with_context(|| what.to_owned())?;
    ensure!(matches!(reply.status, 400 | 401), "{what}: {} {}", reply.status, reply.text);
    Ok(())
}

/// An assertion at the token endpoint that must not be believed; `change` gets the time.
async fn assertion_refused(
    story: &mut Story,
    errors: &[&str],
    change: impl FnOnce(Draft, i64) -> Draft,
) -> anyhow::Result<()> {
    let request = story.request("fapi-1")?;
    let answer = story.granted(&request).await?;
    let at = now()?;
    let call = story.token(&request, answer.code())?.asserting(|draft| change(draft, at));
    check::refused(&call.send().await?, errors)
}

/// An assertion at the push that must not be believed; `change` gets the time.
async fn pushed_assertion_refused(story: &Story, change: impl FnOnce(Draft, i64) -> Draft) -> anyhow::Result<()> {
    let at = now()?;
    let call = story.push(&story.request("fapi-1")?)?.asserting(|draft| change(draft, at));
    check::refused(&call.send().await?, NOT_BELIEVED)
}
