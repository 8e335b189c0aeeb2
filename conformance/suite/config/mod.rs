//! `oidcc-config-certification-test-plan`

#[path = "oidcc-discovery-endpoint-verification.rs"]
mod discovery;

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;

use crate::check;
use crate::plan::Module;
use crate::story::Story;

/// Its modules, in the suite's order.
pub(crate) fn modules() -> Vec<Module> {
    vec![Module::new("oidcc-discovery-endpoint-verification", discovery::run)]
}

/// Discovery as OpenID Connect Discovery 3 has it.
pub(crate) fn verify(story: &Story) -> anyhow::Result<()> {
    let metadata = &story.metadata;
    let issuer = check::https(metadata, "issuer")?;
    ensure!(issuer == story.provider.issuer && !issuer.ends_with('/'), "issuer is {issuer}");
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        check::https(metadata, name)?;
    }
    if metadata["userinfo_endpoint"].is_null() {
        story.warn("no userinfo_endpoint");
    }
    for (name, value) in metadata.as_object().into_iter().flatten() {
        is_of_its_type(story, name, value)?;
    }
    let flows = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"];
    check::lists(metadata, "response_types_supported", &flows)?;
    check::lists(metadata, "subject_types_supported", &["public", "pairwise"])?;
    check::lists(metadata, "id_token_signing_alg_values_supported", &["RS256"])?;
    let grants = metadata["grant_types_supported"].as_array();
    ensure!(grants.is_none_or(|grants| !grants.is_empty()), "grant_types_supported is empty");
    match metadata["scopes_supported"].is_null() {
        true => story.warn("no scopes_supported"),
        false => check::lists(metadata, "scopes_supported", &["openid"])?,
    }
    if !metadata["claims_supported"].is_array() {
        story.warn("no claims_supported");
    }
    let objects = "request_object_signing_alg_values_supported";
    if metadata[objects].is_array() && !story.supports(objects, "RS256") {
        story.warn(format!("RS256 is not in {objects}"));
    }
    keys(&story.jwks)
}

/// The members that OpenID Connect, OAuth 2.0 and their neighbours have registered.
fn is_of_its_type(story: &Story, name: &str, value: &Value) -> anyhow::Result<()> {
    let list_of = |fits: fn(&str) -> bool| {
        value.as_array().is_some_and(|many| many.iter().all(|one| one.as_str().is_some_and(fits)))
    };
    let right = match name {
        "issuer" | "jwks_uri" | "service_documentation" | "op_policy_uri" | "op_tos_uri" | "check_session_iframe" => {
            check::https(&story.metadata, name).is_ok()
        }
        "scopes_supported" => list_of(|scope| scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))),
        "ui_locales_supported" | "claims_locales_supported" => {
            list_of(|tag| tag.split('-').all(|part| (1..=8).contains(&part.len()) && part.is_ascii()))
        }
        "claims_parameter_supported"
        | "request_parameter_supported"
        | "request_uri_parameter_supported"
        | "require_request_uri_registration"
        | "authorization_response_iss_parameter_supported"
        | "require_pushed_authorization_requests"
        | "require_signed_request_object"
        | "tls_client_certificate_bound_access_tokens"
        | "frontchannel_logout_supported"
        | "frontchannel_logout_session_supported"
        | "backchannel_logout_supported"
        | "backchannel_logout_session_supported" => value.is_boolean(),
        "mtls_endpoint_aliases" => value.is_object(),
        _ if name.ends_with("_endpoint") => check::https(&story.metadata, name).is_ok(),
        _ if name.ends_with("_supported") => list_of(|text| !text.is_empty()),
        _ => {
            story.warn(format!("an unknown member {name}"));
            true
        }
    };
    ensure!(right, "{name} is {value}");
    Ok(())
}

/// The keys parse, none is private or symmetric, and each has a name of its own.
fn keys(jwks: &Value) -> anyhow::Result<()> {
    let keys = jwks["keys"].as_array().context("no keys")?;
    let mut names = BTreeSet::new();
    for key in keys {
        let parsed: Jwk = serde_json::from_value(key.clone()).with_context(|| format!("{key}"))?;
        DecodingKey::from_jwk(&parsed).with_context(|| format!("{key}"))?;
        let secret = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().find(|name| key.get(**name).is_some());
        ensure!(secret.is_none() && key["kty"] != "oct", "a key that is not public");
        let kid = key["kid"].as_str().context("a key without kid")?;
        ensure!(names.insert(kid), "two keys are called {kid}");
    }
    ensure!(!names.is_empty(), "no keys");
    Ok(())
}
