//! Profiles: names for sets of rules that a client keeps, and where a client is weaker than it could be.

use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::keys::SigningAlgorithm;
use crate::registration::{ApplicationType, AuthMethod, CodeChallengeMethod, GrantType, Registration};
use crate::request::ResponseMode;

/// FAPI 2.0 Security Profile 5.4.1
pub const FAPI_ALGORITHMS: &[Algorithm] = &[Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// A set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// What ID-porten asks of everybody.
    #[serde(rename = "idporten")]
    Idporten,
    /// FAPI 2.0 Security Profile.
    #[serde(rename = "fapi2-security")]
    Fapi2Security,
    /// FAPI 2.0 Message Signing: the Security Profile with signed requests and answers.
    #[serde(rename = "fapi2-message-signing")]
    Fapi2MessageSigning,
}

impl Profile {
    /// The fields of a registration that it sets.
    pub fn fields(self) -> Map<String, Value> {
        let fields = match self {
            Profile::Idporten => json!({ "code_challenge_method": "S256" }),
            // Security Profile 5.3.2.1: refresh tokens are not rotated.
            Profile::Fapi2Security => json!({
                "token_endpoint_auth_method": "private_key_jwt",
                "require_pushed_authorization_requests": true,
                "code_challenge_method": "S256",
                "dpop_bound_access_tokens": true,
                "id_token_signed_response_alg": "PS256",
                "refresh_token_usage": "REUSE",
            }),
            Profile::Fapi2MessageSigning => {
                let mut fields = Profile::Fapi2Security.fields();
                fields.insert("require_signed_request_object".into(), json!(true));
                fields.insert("response_modes".into(), json!(["query.jwt", "form_post.jwt"]));
                return fields;
            }
        };
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// Where a registration does not keep it, one line each.
    pub fn objections(self, registration: &Registration) -> Vec<String> {
        let Ok(Value::Object(own)) = serde_json::to_value(registration) else { return Vec::new() };
        let strong = |name: &str, value: &Value| {
            let stronger = match name {
                "id_token_signed_response_alg" => value != "RS256",
                // Either is allowed; reuse is what the profile recommends.
                "refresh_token_usage" => true,
                "response_modes" => value
                    .as_array()
                    .is_some_and(|modes| modes.iter().all(|mode| *mode == "query.jwt" || *mode == "form_post.jwt")),
                _ => false,
            };
            stronger || self.fields().get(name) == Some(value)
        };
        let names = self.fields().into_iter().map(|(name, _)| name);
        let weak = names.filter(|name| own.get(name).is_none_or(|value| !strong(name, value)));
        let mut lines: Vec<String> = weak
            .map(|name| {
                format!(
                    "{name}: the profile {} wants {}",
                    self.name(),
                    self.fields().get(&name).unwrap_or(&Value::Null)
                )
            })
            .collect();
        if self != Profile::Idporten {
            let weak = |alg: Option<SigningAlgorithm>| alg == Some(SigningAlgorithm::RS256);
            let chosen = registration.request_object_signing_alg;
            if weak(registration.authorization_signed_response_alg)
                || weak(registration.userinfo_signed_response_alg)
                || weak(registration.introspection_signed_response_alg)
                || chosen.is_some_and(|algorithm| !FAPI_ALGORITHMS.contains(&algorithm))
            {
                lines.push(format!("signing algorithms: the profile {} wants PS256, ES256 or EdDSA", self.name()));
            }
            if registration.client_assertion_audience_exception_until.is_some() {
                lines.push(format!("client_assertion_audience_exception_until: not with the profile {}", self.name()));
            }
        }
        lines
    }

    fn name(self) -> &'static str {
        match self {
            Profile::Idporten => "idporten",
            Profile::Fapi2Security => "fapi2-security",
            Profile::Fapi2MessageSigning => "fapi2-message-signing",
        }
    }
}

/// Where a client is weaker than it could be, one line each.
pub fn weaknesses(registration: &Registration) -> Vec<String> {
    let mut lines = Vec::new();
    let mut note = |weak: bool, line: &str| {
        if weak {
            lines.push(line.to_owned());
        }
    };
    let people = registration.logs_people_in();
    note(
        registration.has_secret(),
        "token_endpoint_auth_method: private_key_jwt has no secret that can be stolen here or on the way",
    );
    note(
        registration.token_endpoint_auth_method == AuthMethod::ClientSecretBasic,
        "token_endpoint_auth_method: client_secret_post is read alike by all, the encoding of client_secret_basic is not",
    );
    note(
        people && registration.code_challenge_method == CodeChallengeMethod::None,
        "code_challenge_method: S256 keeps a stolen code from being used",
    );
    note(
        people
            && !registration.require_pushed_authorization_requests
            && registration.application_type == ApplicationType::Web,
        "require_pushed_authorization_requests: pushed requests are not seen or changed in the browser",
    );
    note(!registration.dpop_bound_access_tokens, "dpop_bound_access_tokens: a bound token is worth nothing to a thief");
    note(
        registration.id_token_signed_response_alg == SigningAlgorithm::RS256,
        "id_token_signed_response_alg: ES256, EdDSA or PS256 instead of RS256",
    );
    note(
        people && !registration.require_signed_request_object,
        "require_signed_request_object: a signed request shows later who has asked for what",
    );
    note(
        people
            && registration
                .response_modes
                .iter()
                .any(|mode| matches!(mode, ResponseMode::Query | ResponseMode::FormPost)),
        "response_modes: an answer as JWT (query.jwt, form_post.jwt) cannot be mixed up or changed on the way",
    );
    note(registration.access_token_lifetime > 3600, "access_token_lifetime: longer than an hour");
    note(
        registration.grant_types.contains(&GrantType::RefreshToken)
            && registration.authorization_lifetime > 30 * 86_400,
        "authorization_lifetime: longer than 30 days without a new login",
    );
    note(
        registration.client_assertion_audience_exception_until.is_some(),
        "client_assertion_audience_exception_until: the issuer alone as audience",
    );
    let redirects = registration.redirect_uris.iter().chain(&registration.post_logout_redirect_uris);
    note(
        redirects
            .into_iter()
            .any(|uri| uri.starts_with("http://") && registration.application_type != ApplicationType::Native),
        "redirect_uris: an address without TLS",
    );
    lines
}
