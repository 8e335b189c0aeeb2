//! `oidcc-basic-certification-test-plan`, and with `response_mode=form_post` `oidcc-formpost-basic-…`.

#[path = "oidcc-ensure-request-with-acr-values-succeeds.rs"]
mod acr_values;
#[path = "oidcc-alternate-happy-flow.rs"]
mod alternate_happy_flow;
#[path = "oidcc-claims-essential.rs"]
mod claims_essential;
#[path = "oidcc-claims-locales.rs"]
mod claims_locales;
#[path = "oidcc-server-client-secret-post.rs"]
mod client_secret_post;
#[path = "oidcc-codereuse.rs"]
mod codereuse;
#[path = "oidcc-codereuse-30seconds.rs"]
mod codereuse_30seconds;
#[path = "oidcc-display-page.rs"]
mod display_page;
#[path = "oidcc-display-popup.rs"]
mod display_popup;
#[path = "oidcc-id-token-hint.rs"]
mod id_token_hint;
#[path = "oidcc-idtoken-signature.rs"]
mod idtoken_signature;
#[path = "oidcc-idtoken-unsigned.rs"]
mod idtoken_unsigned;
#[path = "oidcc-login-hint.rs"]
mod login_hint;
#[path = "oidcc-max-age-1.rs"]
mod max_age_1;
#[path = "oidcc-max-age-10000.rs"]
mod max_age_10000;
#[path = "oidcc-ensure-post-request-succeeds.rs"]
mod post_request;
#[path = "oidcc-prompt-login.rs"]
mod prompt_login;
#[path = "oidcc-prompt-none-logged-in.rs"]
mod prompt_none_logged_in;
#[path = "oidcc-prompt-none-not-logged-in.rs"]
mod prompt_none_not_logged_in;
#[path = "oidcc-refresh-token.rs"]
mod refresh_token;
#[path = "oidcc-ensure-registered-redirect-uri.rs"]
mod registered_redirect_uri;
#[path = "oidcc-ensure-request-object-with-redirect-uri.rs"]
mod request_object_redirect_uri;
#[path = "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported.rs"]
mod request_unsigned;
#[path = "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported.rs"]
mod request_uri_unsigned;
#[path = "oidcc-response-type-missing.rs"]
mod response_type_missing;
#[path = "oidcc-scope-address.rs"]
mod scope_address;
#[path = "oidcc-scope-all.rs"]
mod scope_all;
#[path = "oidcc-scope-email.rs"]
mod scope_email;
#[path = "oidcc-scope-phone.rs"]
mod scope_phone;
#[path = "oidcc-scope-profile.rs"]
mod scope_profile;
#[path = "oidcc-server.rs"]
mod server;
#[path = "oidcc-ui-locales.rs"]
mod ui_locales;
#[path = "oidcc-ensure-request-with-unknown-parameter-succeeds.rs"]
mod unknown_parameter;
#[path = "oidcc-userinfo-get.rs"]
mod userinfo_get;
#[path = "oidcc-userinfo-post-body.rs"]
mod userinfo_post_body;
#[path = "oidcc-userinfo-post-header.rs"]
mod userinfo_post_header;
#[path = "oidcc-ensure-request-with-valid-pkce-succeeds.rs"]
mod valid_pkce;
#[path = "oidcc-ensure-request-without-nonce-succeeds-for-code-flow.rs"]
mod without_nonce;

use anyhow::ensure;

use crate::check;
use crate::jose::Jwt;
use crate::op::{Reply, Request};
use crate::person::End;
use crate::plan::Module;
use crate::story::{Login, Story, Told, Verdict, skipped};

/// Its modules, in the suite's order.
pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::new("oidcc-server", server::run),
        Module::new("oidcc-response-type-missing", response_type_missing::run),
        Module::new("oidcc-idtoken-signature", idtoken_signature::run),
        Module::new("oidcc-idtoken-unsigned", idtoken_unsigned::run),
        Module::new("oidcc-userinfo-get", userinfo_get::run),
        Module::new("oidcc-userinfo-post-header", userinfo_post_header::run),
        Module::new("oidcc-userinfo-post-body", userinfo_post_body::run),
        Module::new("oidcc-ensure-request-without-nonce-succeeds-for-code-flow", without_nonce::run),
        Module::new("oidcc-scope-profile", scope_profile::run),
        Module::new("oidcc-scope-email", scope_email::run),
        Module::new("oidcc-scope-address", scope_address::run),
        Module::new("oidcc-scope-phone", scope_phone::run),
        Module::new("oidcc-scope-all", scope_all::run),
        Module::new("oidcc-alternate-happy-flow", alternate_happy_flow::run),
        Module::new("oidcc-display-page", display_page::run),
        Module::new("oidcc-display-popup", display_popup::run),
        Module::new("oidcc-prompt-login", prompt_login::run),
        Module::new("oidcc-prompt-none-not-logged-in", prompt_none_not_logged_in::run),
        Module::new("oidcc-prompt-none-logged-in", prompt_none_logged_in::run),
        Module::new("oidcc-max-age-1", max_age_1::run),
        Module::new("oidcc-max-age-10000", max_age_10000::run),
        Module::new("oidcc-ensure-request-with-unknown-parameter-succeeds", unknown_parameter::run),
        Module::new("oidcc-id-token-hint", id_token_hint::run),
        Module::new("oidcc-login-hint", login_hint::run),
        Module::new("oidcc-ui-locales", ui_locales::run),
        Module::new("oidcc-claims-locales", claims_locales::run),
        Module::new("oidcc-ensure-request-with-acr-values-succeeds", acr_values::run),
        Module::new("oidcc-codereuse", codereuse::run),
        Module::new("oidcc-codereuse-30seconds", codereuse_30seconds::run).waiting(30),
        Module::new("oidcc-ensure-registered-redirect-uri", registered_redirect_uri::run),
        Module::new("oidcc-ensure-post-request-succeeds", post_request::run),
        Module::new("oidcc-server-client-secret-post", client_secret_post::run),
        Module::new(
            "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
            request_uri_unsigned::run,
        ),
        Module::new(
            "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
            request_unsigned::run,
        ),
        Module::new("oidcc-claims-essential", claims_essential::run),
        Module::new("oidcc-ensure-request-object-with-redirect-uri", request_object_redirect_uri::run),
        Module::new("oidcc-refresh-token", refresh_token::run),
        Module::new("oidcc-ensure-request-with-valid-pkce-succeeds", valid_pkce::run),
    ]
}

/// What a client is told that may not show a page to somebody who is not logged in (OpenID Connect Core 3.1.2.6).
pub(crate) const NOBODY: &[&str] =
    &["login_required", "interaction_required", "account_selection_required", "consent_required"];

/// The standard claims of a scope (OpenID Connect Core 5.4).
fn claims_of(scope: &str) -> &'static [&'static str] {
    match scope {
        "profile" => &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
        "email" => &["email", "email_verified"],
        "address" => &["address"],
        "phone" => &["phone_number", "phone_number_verified"],
        _ => &[],
    }
}

/// The ID token of a code flow holds no standard claims: they are at userinfo (OpenID Connect Core 5.4).
fn nothing_unasked(story: &Story, login: &Login) {
    let all = ["profile", "email", "address", "phone"].into_iter().flat_map(claims_of);
    let there: Vec<&str> = all.copied().filter(|name| !login.claim(name).is_null()).collect();
    if !there.is_empty() {
        story.warn(format!("nobody asked for these in the ID token: {}", there.join(", ")));
    }
}

fn has_claims_of(story: &Story, login: &Login, scope: &str) {
    let missing = claims_of(scope).iter().copied().filter(|name| login.userinfo[*name].is_null());
    let missing: Vec<&str> = missing.collect();
    if !missing.is_empty() {
        story.warn(format!("userinfo lacks {}", missing.join(", ")));
    }
    if !login.claim("email").is_null() {
        story.warn("the ID token has email");
    }
}

async fn scopes(mut story: Story, scopes: &[&str]) -> Told {
    if let Some(missing) = scopes.iter().find(|scope| !story.supports("scopes_supported", scope)) {
        return Ok(skipped(format!("{missing} is not in scopes_supported")));
    }
    let request = story.request("basic-1")?.with("scope", &format!("openid {}", scopes.join(" ")));
    let login = story.log_in(&request).await?;
    for scope in scopes {
        has_claims_of(&story, &login, scope);
    }
    Ok(Verdict::Passed)
}

/// A second request that shows no page and finds the same person, who has not logged in again.
async fn same_without_a_page(story: &mut Story, first: &Login, request: &Request) -> anyhow::Result<()> {
    // A time that is not kept would be another one by now.
    story.wait(1).await?;
    let asked = story.asked();
    let second = story.log_in(request).await?;
    ensure!(story.asked() == asked, "a log-in page");
    ensure!(second.claim("sub") == first.claim("sub"), "another sub");
    let (before, after) = (first.claim("auth_time"), second.claim("auth_time"));
    ensure!(before == after, "auth_time was {before} and is {after}");
    Ok(())
}

/// A request object that may be honoured or refused as not supported, but not passed over.
async fn honoured_or_not_supported(story: &Story, request: &Request, end: End, error: &str) -> Told {
    match end {
        End::Back(answer) if answer.get("error").is_some() => {
            story.is_error(request, &answer, &[error])?;
            Ok(skipped(error))
        }
        end => {
            let answer = story.is_granted(request, end)?;
            story.exchange(request, answer).await?;
            Ok(Verdict::Passed)
        }
    }
}

/// A log-in that asks for a refresh token as OpenID Connect Core 11 has it, where that is supported.
async fn refreshable(story: &mut Story, client: &str) -> anyhow::Result<Login> {
    let request = story.request(client)?;
    let request = match story.supports("scopes_supported", "offline_access") {
        true => request.with("scope", "openid offline_access").with("prompt", "consent"),
        false => request,
    };
    story.log_in(&request).await
}

/// A good answer to a refresh token (OpenID Connect Core 12.2).
pub(crate) async fn refreshed(story: &Story, login: &Login, reply: &Reply) -> anyhow::Result<()> {
    let client = &login.request.client;
    check::tokens(reply, if client.is_fapi() { "DPoP" } else { "Bearer" })?;
    if let Some(token) = reply.json["refresh_token"].as_str() {
        ensure!(check::entropy(token) >= 96.0, "a refresh token of {} bit", check::entropy(token));
    }
    ensure!(reply.get("access_token")? != login.token("access_token"), "the access token is the old one");
    if let Some(token) = reply.json["id_token"].as_str() {
        let jwt = Jwt::verified(token, &story.jwks)?;
        for name in ["iss", "sub", "aud", "auth_time", "azp"] {
            ensure!(jwt.claims[name] == *login.claim(name), "{name} is {}", jwt.claims[name]);
        }
    }
    let userinfo = story.resource(client, reply.get("access_token")?)?.send().await?;
    check::userinfo(&userinfo, login.claim("sub"))
}
