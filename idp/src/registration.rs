//! A client as it is registered: one JSON value with the field names that services know from ID-porten's
//! self-service, and from RFC 7591 and its kin for what that does not have.

use anyhow::Context;
use authenticators::shown;
use jiff::civil::Date;
use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::client::ClientId;
use crate::client_keys::{self, ALGORITHMS, KeySource};
use crate::client_profile::{FAPI_ALGORITHMS, Profile};
use crate::keys::SigningAlgorithm;
use crate::redirect;
use crate::request::ResponseMode;
use crate::text::Language;

/// What a client is for, as ID-porten's self-service has it.
pub const INTEGRATION_TYPES: [&str; 5] = ["idporten", "api_klient", "ansattporten", "maskinporten", "krr"];

/// What kind of software it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationType {
    /// Runs on a server and keeps a secret.
    #[default]
    Web,
    /// Runs in a browser.
    Browser,
    /// Runs on somebody's device.
    Native,
}

/// How it proves who it is at the token endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// RFC 6749 2.3.1, in the header.
    #[default]
    ClientSecretBasic,
    /// RFC 6749 2.3.1, in the form.
    ClientSecretPost,
    /// RFC 7523 2.2: a JWT signed with its own key.
    PrivateKeyJwt,
    /// A public client.
    None,
}

impl AuthMethod {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            AuthMethod::ClientSecretBasic => "client_secret_basic",
            AuthMethod::ClientSecretPost => "client_secret_post",
            AuthMethod::PrivateKeyJwt => "private_key_jwt",
            AuthMethod::None => "none",
        }
    }
}

/// What it may do at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 4.1.3
    AuthorizationCode,
    /// RFC 6749 6
    RefreshToken,
    /// RFC 7523 2.1: a machine's own JWT, as at Maskinporten.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
}

/// What becomes of a refresh token that is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RefreshTokenUsage {
    /// It makes the next one.
    #[default]
    Onetime,
    /// It stays the same; not for public clients.
    Reuse,
}

/// Whether PKCE is asked of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeChallengeMethod {
    /// RFC 7636 4.2
    #[default]
    S256,
    /// A deliberate downgrade for old clients.
    #[serde(rename = "none")]
    None,
}

/// A customer of a supplier's client, on whose behalf people log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnBehalfOf {
    /// The value of the parameter `onbehalfof`.
    pub onbehalfof: String,
    /// The name that stands on the pages of its login.
    pub display_name: String,
    /// Its organisation number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orgno: Option<String>,
    /// Where people find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
}

/// With whom it shares logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SsoMode {
    /// With all services that say the same.
    Global,
    /// With itself alone.
    Isolated,
    /// With its group.
    Limited,
}

/// A client as it is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the fields are those that services know")]
pub struct Registration {
    /// The name that stands on the pages of its login; `client_name` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Its name among those who administer it.
    pub client_name: String,
    /// The name that stands on the pages of its login in Bokmål, where that differs from language to language (OpenID
    /// Connect Dynamic Client Registration 1.0, 2.1).
    #[serde(rename = "client_name#nb", default, skip_serializing_if = "Option::is_none")]
    pub client_name_nb: Option<String>,
    /// The same in Nynorsk.
    #[serde(rename = "client_name#nn", default, skip_serializing_if = "Option::is_none")]
    pub client_name_nn: Option<String>,
    /// The same in English.
    #[serde(rename = "client_name#en", default, skip_serializing_if = "Option::is_none")]
    pub client_name_en: Option<String>,
    /// The same in Northern Sámi.
    #[serde(rename = "client_name#se", default, skip_serializing_if = "Option::is_none")]
    pub client_name_se: Option<String>,
    /// A few words on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where people find it; where lost ones are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<Url>,
    /// Organisation number of its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_orgno: Option<String>,
    /// Organisation number of the supplier that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier_orgno: Option<String>,
    /// A set of rules that it keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Login, login and the APIs of others, or a machine's own calls.
    #[serde(default = "integration_type")]
    pub integration_type: String,
    /// What kind of software it is.
    #[serde(default)]
    pub application_type: ApplicationType,
    /// How it proves who it is.
    #[serde(default)]
    pub token_endpoint_auth_method: AuthMethod,
    /// Its public keys (RFC 7517 5); `exp` in a key is when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where its public keys are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Url>,
    /// The last day on which an assertion of this old client may name the token endpoint as its audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_assertion_audience_exception_until: Option<Date>,
    /// What it may do at the token endpoint.
    #[serde(default = "grant_types")]
    pub grant_types: Vec<GrantType>,
    /// What it may ask for.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The types of `authorization_details` that it may ask for (RFC 9396 10).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<String>,
    /// On whose behalf it may ask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub onbehalfof: Vec<OnBehalfOf>,
    /// Where people may be sent back to, byte for byte.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where people may be sent after logout, byte for byte.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where browsers tell it that a session has ended (OpenID Connect Front-Channel Logout 1.0, 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<String>,
    /// Where we tell it that a session has ended (OpenID Connect Back-Channel Logout 1.0, 2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Wants `sid` in the ID token, and with `iss` where browsers tell it.
    #[serde(default)]
    pub frontchannel_logout_session_required: bool,
    /// Wants `sid` in the ID token and the logout token, where it stands in any case.
    #[serde(default)]
    pub backchannel_logout_session_required: bool,
    /// Is told as well when a session ends by itself.
    #[serde(default)]
    pub backchannel_logout_on_expiry: bool,
    /// Seconds that an access token is good for.
    #[serde(default = "access_token_lifetime")]
    pub access_token_lifetime: u32,
    /// Seconds that a refresh token is good for if it is not used.
    #[serde(default = "refresh_token_lifetime")]
    pub refresh_token_lifetime: u32,
    /// Seconds that a grant lasts, however often it is refreshed.
    #[serde(default = "authorization_lifetime")]
    pub authorization_lifetime: u32,
    /// What becomes of a refresh token that is used.
    #[serde(default)]
    pub refresh_token_usage: RefreshTokenUsage,
    /// The old name of `sso_mode: isolated`.
    #[serde(default)]
    pub sso_disabled: bool,
    /// With whom it shares logins; with all, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso_mode: Option<SsoMode>,
    /// The group that it shares logins with, if `sso_mode` is `limited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso_group: Option<String>,
    /// Whether PKCE is asked of it.
    #[serde(default)]
    pub code_challenge_method: CodeChallengeMethod,
    /// Whether its requests must be pushed (RFC 9126 6).
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// Whether its requests must be signed (RFC 9101 10.5).
    #[serde(default)]
    pub require_signed_request_object: bool,
    /// The one algorithm of its request objects, if it has chosen one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<Algorithm>,
    /// How answers may travel to it; the first is what it gets if it asks for none.
    #[serde(default = "response_modes")]
    pub response_modes: Vec<ResponseMode>,
    /// How answers that travel as a JWT are signed; as ID tokens, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<SigningAlgorithm>,
    /// Whether its tokens must be bound to a key (RFC 9449 5.2).
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
    /// Whether its DPoP proofs must hold a nonce of ours (RFC 9449 8).
    #[serde(default)]
    pub dpop_nonce_required: bool,
    /// How `/userinfo` is signed for it; not at all, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,
    /// How introspection is signed for it; not unless it asks, if nothing is said (RFC 9701 6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<SigningAlgorithm>,
    /// How its ID tokens and access tokens are signed.
    #[serde(default)]
    pub id_token_signed_response_alg: SigningAlgorithm,
    /// Whether it may be used.
    #[serde(default = "active")]
    pub active: bool,
}

fn integration_type() -> String {
    "idporten".into()
}
fn grant_types() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode]
}
fn response_modes() -> Vec<ResponseMode> {
    ResponseMode::ALL.into()
}
fn scopes() -> Vec<String> {
    vec!["openid".into(), "profile".into()]
}
fn access_token_lifetime() -> u32 {
    120
}
fn refresh_token_lifetime() -> u32 {
    600
}
fn authorization_lifetime() -> u32 {
    7200
}
fn active() -> bool {
    true
}

impl Registration {
    /// The name that citizens see: in their language, if it has one there; else the one for all, which is `client_name`
    /// where there is no other.
    pub fn shown_name(&self, reader: Language) -> &str {
        let own = self.name_in(reader).or_else(|| self.name_in(reader.of_words()));
        own.or(self.display_name.as_deref()).unwrap_or(&self.client_name)
    }

    fn name_in(&self, language: Language) -> Option<&str> {
        let name = match language {
            Language::Nb => &self.client_name_nb,
            Language::Nn => &self.client_name_nn,
            Language::En => &self.client_name_en,
            Language::Se => &self.client_name_se,
        };
        name.as_deref()
    }

    /// The name that citizens see when it asks on somebody's behalf.
    pub fn shown_name_for(&self, onbehalfof: Option<&str>, reader: Language) -> &str {
        let customer = self.onbehalfof.iter().find(|customer| Some(customer.onbehalfof.as_str()) == onbehalfof);
        customer.map_or_else(|| self.shown_name(reader), |customer| &customer.display_name)
    }

    /// Whether its ID tokens name the session.
    pub fn wants_sid(&self) -> bool {
        self.frontchannel_logout_session_required
            || self.backchannel_logout_session_required
            || self.backchannel_logout_uri.is_some()
    }

    /// Whether it shows a secret.
    pub fn has_secret(&self) -> bool {
        matches!(self.token_endpoint_auth_method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost)
    }

    /// Whether it can prove nothing about itself.
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == AuthMethod::None
    }

    /// Whether people log in through it.
    pub fn logs_people_in(&self) -> bool {
        self.grant_types.contains(&GrantType::AuthorizationCode)
    }

    /// The algorithms in which it may sign what it sends us.
    pub fn signing_algorithms(&self) -> &'static [Algorithm] {
        match self.profile {
            Some(Profile::Fapi2Security | Profile::Fapi2MessageSigning) => FAPI_ALGORITHMS,
            Some(Profile::Idporten) | None => &ALGORITHMS,
        }
    }

    /// Where its keys are.
    pub fn keys(&self) -> KeySource<'_> {
        KeySource { jwks: self.jwks.as_ref(), jwks_uri: self.jwks_uri.as_ref() }
    }

    /// Reads a registration as somebody has written it. A profile sets what is not written.
    pub fn read(written: Map<String, Value>) -> anyhow::Result<Registration> {
        let profile = written.get("profile").filter(|name| !name.is_null()).cloned();
        let profile: Option<Profile> = profile.map(serde_json::from_value).transpose().context("profile")?;
        let mut fields = profile.map(Profile::fields).unwrap_or_default();
        fields.extend(written);
        serde_json::from_value(Value::Object(fields)).context("the registration")
    }

    /// What is wrong with it, one line each.
    pub fn objections(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut object = |wrong: bool, line: String| {
            if wrong {
                lines.push(line);
            }
        };
        let public = self.application_type != ApplicationType::Web;
        object(
            public != self.is_public(),
            "token_endpoint_auth_method: a web client proves who it is, a browser or native client cannot".into(),
        );
        object(
            public && self.code_challenge_method == CodeChallengeMethod::None,
            "code_challenge_method: a public client must use PKCE".into(),
        );
        object(
            public && self.refresh_token_usage == RefreshTokenUsage::Reuse,
            "refresh_token_usage: a public client's refresh tokens are used once".into(),
        );
        let customers = self.onbehalfof.iter().map(|customer| &customer.display_name);
        let own = [&self.client_name_nb, &self.client_name_nn, &self.client_name_en, &self.client_name_se];
        let own = own.into_iter().chain([&self.display_name]).flatten().chain([&self.client_name]);
        for name in own.chain(customers) {
            object(!is_a_name(name), format!("client_name, display_name: {name:?} cannot be shown"));
        }
        object(self.scopes.is_empty() || !self.scopes.iter().all(|s| is_a_scope(s)), "scopes: not scopes".into());
        let lifetimes = [self.access_token_lifetime, self.refresh_token_lifetime, self.authorization_lifetime];
        object(lifetimes.contains(&0), "lifetimes: must be more than nothing".into());
        object(
            self.refresh_token_lifetime > self.authorization_lifetime,
            "refresh_token_lifetime: cannot be longer than authorization_lifetime".into(),
        );
        let customers = self.onbehalfof.iter().filter_map(|customer| customer.orgno.as_ref());
        for number in [&self.client_orgno, &self.supplier_orgno].into_iter().flatten().chain(customers) {
            object(
                !is_an_orgno(number),
                format!("client_orgno, supplier_orgno, onbehalfof: {number:?} is not nine digits"),
            );
        }
        lines.extend(self.objections_to_grants());
        lines.extend(self.objections_to_keys());
        lines.extend(self.objections_to_addresses());
        lines.extend(self.profile.iter().flat_map(|profile| profile.objections(self)));
        lines.extend(self.objections_to_sessions());
        lines
    }

    fn objections_to_sessions(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut object = |wrong: bool, line: &str| {
            if wrong {
                lines.push(line.to_owned());
            }
        };
        object(
            self.sso_disabled && self.sso_mode.is_some_and(|mode| mode != SsoMode::Isolated),
            "sso_disabled: is the old name of sso_mode isolated, and sso_mode says otherwise",
        );
        object(
            self.sso_group.is_some() != (self.sso_mode == Some(SsoMode::Limited)),
            "sso_group: needed for sso_mode limited, and for it alone",
        );
        object(
            self.sso_group.as_deref().is_some_and(|group| ClientId::named(group).is_none()),
            "sso_group: at most 100 of the characters a-z A-Z 0-9 . _ - ~",
        );
        let asks = self.backchannel_logout_session_required || self.backchannel_logout_on_expiry;
        object(
            asks && self.backchannel_logout_uri.is_none(),
            "backchannel_logout_session_required, backchannel_logout_on_expiry: need a backchannel_logout_uri",
        );
        lines
    }

    fn objections_to_grants(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut object = |wrong: bool, line: &str| {
            if wrong {
                lines.push(line.to_owned());
            }
        };
        let machine = self.integration_type == "maskinporten";
        let certified = self.token_endpoint_auth_method == AuthMethod::PrivateKeyJwt && self.client_orgno.is_some();
        let can_sign = self.jwks.is_some() || self.jwks_uri.is_some() || certified;
        object(
            !INTEGRATION_TYPES.contains(&self.integration_type.as_str()),
            "integration_type: idporten, api_klient, ansattporten, maskinporten or krr",
        );
        object(
            !self.logs_people_in() && !self.grant_types.contains(&GrantType::JwtBearer),
            "grant_types: authorization_code is needed, or the JWT grant for a machine",
        );
        object(
            machine && (self.logs_people_in() || self.token_endpoint_auth_method != AuthMethod::PrivateKeyJwt),
            "integration_type: a maskinporten client has the JWT grant alone and private_key_jwt",
        );
        object(
            self.grant_types.contains(&GrantType::JwtBearer) && !can_sign,
            "grant_types: the JWT grant needs jwks or jwks_uri, or private_key_jwt with its owner's certificate",
        );
        object(
            self.grant_types.contains(&GrantType::RefreshToken) && !self.logs_people_in(),
            "grant_types: refresh_token goes with authorization_code",
        );
        object(self.response_modes.is_empty(), "response_modes: at least one is needed");
        lines
    }

    fn objections_to_keys(&self) -> Vec<String> {
        let mut lines = self.jwks.as_ref().map(client_keys::objections).unwrap_or_default();
        let mut object = |wrong: bool, line: &str| {
            if wrong {
                lines.push(line.to_owned());
            }
        };
        object(self.jwks.is_some() && self.jwks_uri.is_some(), "jwks, jwks_uri: one of them, not both");
        object(
            self.require_signed_request_object && self.jwks.is_none() && self.jwks_uri.is_none(),
            "require_signed_request_object: needs jwks or jwks_uri",
        );
        object(
            self.token_endpoint_auth_method == AuthMethod::PrivateKeyJwt
                && self.jwks.is_none()
                && self.jwks_uri.is_none()
                && self.client_orgno.is_none(),
            "token_endpoint_auth_method: private_key_jwt needs jwks or jwks_uri, or client_orgno for a certificate",
        );
        let web = self.jwks_uri.as_ref().is_none_or(|uri| matches!(uri.scheme(), "http" | "https"));
        object(!web, "jwks_uri: must be a web address");
        lines
    }

    fn objections_to_addresses(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut object = |wrong: bool, line: String| {
            if wrong {
                lines.push(line);
            }
        };
        object(
            self.redirect_uris.is_empty() == self.logs_people_in(),
            "redirect_uris: at least one is needed, and none by a machine".into(),
        );
        for uri in &self.redirect_uris {
            if let Err(why) = redirect::check(uri, self.application_type) {
                object(true, format!("redirect_uris: {uri:?} {why}"));
            }
        }
        for uri in &self.post_logout_redirect_uris {
            if let Err(why) = redirect::check(uri, self.application_type) {
                object(true, format!("post_logout_redirect_uris: {uri:?} {why}"));
            }
        }
        let own: Vec<Option<String>> = self.redirect_uris.iter().map(|uri| redirect::host(uri)).collect();
        for uri in [&self.frontchannel_logout_uri, &self.backchannel_logout_uri].into_iter().flatten() {
            if let Err(why) = redirect::check(uri, ApplicationType::Web) {
                object(true, format!("frontchannel_logout_uri, backchannel_logout_uri: {uri:?} {why}"));
            }
            let wrong = !own.contains(&redirect::host(uri));
            object(
                wrong,
                format!("frontchannel_logout_uri, backchannel_logout_uri: {uri:?} is on no host of redirect_uris"),
            );
        }
        object(
            self.client_uri.as_ref().is_some_and(|uri| !matches!(uri.scheme(), "http" | "https")),
            "client_uri: must be a web address".into(),
        );
        lines
    }
}

fn is_a_name(name: &str) -> bool {
    is_plain(name) && name.chars().count() <= 100
}

/// Something that can stand on a page without pretending to be more: no control or direction characters.
pub fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(shown::is_odd)
}

/// A Norwegian organisation number, as far as its letters tell.
pub(crate) fn is_an_orgno(number: &str) -> bool {
    number.len() == 9 && number.bytes().all(|b| b.is_ascii_digit())
}

/// RFC 6749 3.3
pub(crate) fn is_a_scope(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
