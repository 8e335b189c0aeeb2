//! The services that are registered: table `client`.
//!
//! A registration is one JSON value with the field names that services know from ID-porten's self-service.

use std::time::Duration;

use anyhow::Context;
use authenticators::chance::{Chance, Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::scratch::Kept;
use jiff::civil::Date;
use jsonwebtoken::Algorithm;
use migrations::Db;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::{Host, Url};

use crate::app::App;
use crate::client_keys::{self, ALGORITHMS, KeySource};
use crate::client_profile::{FAPI_ALGORITHMS, Profile};
use crate::config::Issuer;
use crate::keys::SigningAlgorithm;
use crate::request::ResponseMode;

/// The citizen's own page logs in as any service does. Its client stands in no table.
pub const PROFILE: &str = "porten-profil";
/// And this is where it is.
pub const PROFILE_PATH: &str = "/profil";

/// A client's registered name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// Takes a name in; whether a client has it is another question.
    pub fn named(name: &str) -> Option<ClientId> {
        let fits = (1..=100).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'~'));
        fits.then(|| ClientId(name.to_owned()))
    }

    /// Its letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

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
    /// The name that citizens see.
    pub fn shown_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.client_name)
    }

    /// The name that citizens see when it asks on somebody's behalf.
    pub fn shown_name_for(&self, onbehalfof: Option<&str>) -> &str {
        let customer = self.onbehalfof.iter().find(|customer| Some(customer.onbehalfof.as_str()) == onbehalfof);
        customer.map_or_else(|| self.shown_name(), |customer| &customer.display_name)
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
        for name in [Some(&self.client_name), self.display_name.as_ref()].into_iter().flatten().chain(customers) {
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
            let fits = number.len() == 9 && number.bytes().all(|b| b.is_ascii_digit());
            object(!fits, format!("client_orgno, supplier_orgno, onbehalfof: {number:?} is not nine digits"));
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
            !matches!(
                self.integration_type.as_str(),
                "idporten" | "api_klient" | "ansattporten" | "maskinporten" | "krr"
            ),
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
        let web = self.jwks_uri.as_ref().is_none_or(|uri| matches!(uri.scheme(), "http" | "https"));
        object(!web, "jwks_uri: must be a web address");
        lines
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
            if let Err(why) = check_redirect(uri, self.application_type) {
                object(true, format!("redirect_uris: {uri:?} {why}"));
            }
        }
        for uri in &self.post_logout_redirect_uris {
            if let Err(why) = check_redirect(uri, self.application_type) {
                object(true, format!("post_logout_redirect_uris: {uri:?} {why}"));
            }
        }
        let own: Vec<Option<String>> = self.redirect_uris.iter().map(|uri| host(uri)).collect();
        for uri in [&self.frontchannel_logout_uri, &self.backchannel_logout_uri].into_iter().flatten() {
            if let Err(why) = check_redirect(uri, ApplicationType::Web) {
                object(true, format!("frontchannel_logout_uri, backchannel_logout_uri: {uri:?} {why}"));
            }
            let wrong = !own.contains(&host(uri));
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
pub(crate) fn is_plain(text: &str) -> bool {
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    !text.trim().is_empty() && !text.chars().any(odd)
}

fn host(uri: &str) -> Option<String> {
    Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned))
}

/// RFC 6749 3.3
pub(crate) fn is_a_scope(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

fn check_redirect(text: &str, kind: ApplicationType) -> Result<(), &'static str> {
    if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(['\\', '"', '<', '>', '^', '`', '{', '|', '}', '*'])
    {
        return Err("has characters that a URL doesn't have");
    }
    let url = Url::parse(text).map_err(|_| "is not an absolute URL")?;
    if url.fragment().is_some() {
        return Err("has a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user in it");
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.has_host() => Ok(()),
        "http" if loopback => Ok(()),
        "http" => Err("must be https"),
        // RFC 8252 7.1: a private-use scheme is a domain name turned round.
        scheme if kind == ApplicationType::Native && scheme.contains('.') => Ok(()),
        _ => Err("has a scheme that people cannot be sent to"),
    }
}

/// How long a secret is good for, as at ID-porten.
pub const SECRET_FOR: Duration = Duration::from_hours(360 * 24);
/// How long before its end a secret or key is warned of.
pub const WARNED_AHEAD: Duration = Duration::from_hours(30 * 24);

/// A registered client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name.
    pub id: ClientId,
    /// What is registered.
    pub registration: Registration,
    secrets: Vec<Secret>,
}

/// A secret as it is stored. There are two while one takes over from the other.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Secret {
    hash: TokenHash,
    expires_at: Timestamp,
}

/// A secret that a client gets.
pub struct NewSecret<'a> {
    /// The secret.
    pub token: &'a Token,
    /// When those before it end.
    pub others_end_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ClientId,
    registration: String,
}

impl Row {
    fn read(self, secrets: Vec<Secret>) -> anyhow::Result<Client> {
        let registration = serde_json::from_str(&self.registration)
            .with_context(|| format!("the registration of {} cannot be read", self.id.as_str()))?;
        Ok(Client { id: self.id, registration, secrets })
    }
}

impl Client {
    /// The client of the citizen's own page. It takes no code to `/token`: that it knows the session is enough.
    pub fn of_profile(id: ClientId, issuer: &Issuer) -> anyhow::Result<Client> {
        let uri = format!("{}{PROFILE_PATH}", issuer.as_str());
        let registration = json!({
            "client_name": "Porten",
            "client_uri": uri,
            "redirect_uris": [uri],
            "scopes": ["openid"],
            "code_challenge_method": "none",
            "sso_disabled": false,
        });
        Ok(Client { id, registration: serde_json::from_value(registration)?, secrets: Vec::new() })
    }

    /// Looks a client up in the table.
    pub async fn find(db: &Db, id: &ClientId) -> anyhow::Result<Option<Client>> {
        const SQL: &str = "SELECT id, registration FROM client WHERE id = $1 AND removed_at IS NULL";
        const SECRETS: &str = "SELECT hash, expires_at FROM client_secret WHERE client = $1 ORDER BY expires_at";
        let row: Option<Row> = sqlx::query_as(SQL).bind(id.as_str()).fetch_optional(db.pool()).await?;
        let Some(row) = row else { return Ok(None) };
        let secrets = sqlx::query_as(SECRETS).bind(id.as_str()).fetch_all(db.pool()).await?;
        row.read(secrets).map(Some)
    }

    /// The names of all clients.
    pub async fn all(db: &Db) -> anyhow::Result<Vec<ClientId>> {
        const SQL: &str = "SELECT id FROM client WHERE removed_at IS NULL ORDER BY id";
        Ok(sqlx::query_scalar(SQL).fetch_all(db.pool()).await?)
    }

    /// Registers a client; false if the name is taken, by a removed client too.
    pub async fn register(
        db: &Db,
        id: &ClientId,
        registration: &Registration,
        secret: Option<&Token>,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        const SQL: &str = "INSERT INTO client (id, registration, created_at, updated_at)
                           VALUES ($1, $2, $3, $3) ON CONFLICT (id) DO NOTHING";
        if id.as_str() == PROFILE {
            return Ok(false);
        }
        let mut tx = db.begin().await?;
        let query = sqlx::query(SQL).bind(id.as_str()).bind(serde_json::to_string(registration)?).bind(now.seconds());
        if query.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        if let Some(secret) = secret {
            add_secret(&mut tx, id, secret, now).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Changes what is registered, and adds a secret if a new one is given; if none is wanted any more all end.
    pub async fn change(
        db: &Db,
        id: &ClientId,
        registration: &Registration,
        secret: Option<NewSecret<'_>>,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        const SQL: &str = "UPDATE client SET registration = $2, updated_at = $3 WHERE id = $1 AND removed_at IS NULL";
        const END: &str = "UPDATE client_secret SET expires_at = $2 WHERE client = $1 AND expires_at > $2";
        let mut tx = db.begin().await?;
        let query = sqlx::query(SQL).bind(id.as_str()).bind(serde_json::to_string(registration)?).bind(now.seconds());
        if query.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let end = match &secret {
            _ if !registration.has_secret() => Some(now),
            Some(new) => Some(new.others_end_at),
            None => None,
        };
        if let Some(end) = end {
            sqlx::query(END).bind(id.as_str()).bind(end.seconds()).execute(&mut *tx).await?;
        }
        if let Some(new) = secret {
            add_secret(&mut tx, id, new.token, now).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Removes a client; its row stays, so that its name is never given to another.
    pub async fn remove(db: &Db, id: &ClientId, now: Timestamp) -> anyhow::Result<bool> {
        const SQL: &str = "UPDATE client SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL";
        let query = sqlx::query(SQL).bind(id.as_str()).bind(now.seconds());
        Ok(query.execute(db.pool()).await?.rows_affected() == 1)
    }

    /// A fresh name.
    pub fn fresh_id(chance: &Chance) -> anyhow::Result<ClientId> {
        Ok(ClientId(uuid::Builder::from_random_bytes(chance.bytes()?).into_uuid().to_string()))
    }

    /// Where a lost person finds the service: its own address, else the front page of where it takes logins.
    pub fn way_back(&self) -> Option<String> {
        if let Some(uri) = &self.registration.client_uri {
            return Some(uri.to_string());
        }
        let web = self.registration.redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok());
        let mut origins = web.map(|uri| uri.origin()).filter(url::Origin::is_tuple);
        origins.next().map(|origin| format!("{}/", origin.ascii_serialization()))
    }

    /// The sources that the Content-Security-Policy of its login pages must let forms lead to, since browsers
    /// apply `form-action` to the redirects after a post as well.
    pub fn form_targets(&self) -> Vec<String> {
        let registration = &self.registration;
        let uris = registration.redirect_uris.iter().chain(&registration.post_logout_redirect_uris);
        let uris = uris.filter_map(|uri| Url::parse(uri).ok());
        let uris = uris.chain(self.registration.client_uri.clone());
        let mut targets: Vec<String> = uris
            // Any port, see `matching_redirect`. There is no word for an IPv6 address in a policy.
            .map(|uri| match without_port(uri.as_str()) {
                Some(("http://127.0.0.1", _)) => "http://127.0.0.1:*".to_owned(),
                Some(_) => "http:".to_owned(),
                None => source(&uri),
            })
            .collect();
        targets.sort();
        targets.dedup();
        targets
    }

    /// Whether a secret is one of its own and still good.
    pub fn is_right(&self, secret: &Token, now: Timestamp) -> bool {
        let hash = secret.hash();
        self.secrets.iter().filter(|own| own.expires_at > now).any(|own| own.hash.is(&hash))
    }

    /// What ends soon, one line each.
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let soon = now.plus(WARNED_AHEAD);
        let mut lines = Vec::new();
        let last = self.secrets.iter().map(|secret| secret.expires_at).max();
        if self.registration.has_secret() && last.is_none_or(|last| last <= soon) {
            lines.push(match last {
                Some(last) if last > now => format!("client_secret: ends {}", date(last)),
                Some(last) => format!("client_secret: ended {}", date(last)),
                None => "client_secret: there is none".into(),
            });
        }
        let keys = self.registration.jwks.as_ref().and_then(|jwks| jwks.get("keys")).and_then(Value::as_array);
        for key in keys.into_iter().flatten() {
            let kid = key.get("kid").and_then(Value::as_str).unwrap_or_default();
            match key.get("exp").and_then(Value::as_i64).map(Timestamp::from_seconds) {
                Some(end) if end <= now => lines.push(format!("jwks: the key {kid} ended {}", date(end))),
                Some(end) if end <= soon => lines.push(format!("jwks: the key {kid} ends {}", date(end))),
                _ => {}
            }
        }
        if let Some(until) = self.registration.client_assertion_audience_exception_until {
            lines.push(format!("client_assertion_audience_exception_until: the exception ends {until}"));
        }
        lines
    }
}

/// An address as a source in a policy (CSP 3, 2.3.1).
fn source(uri: &Url) -> String {
    match uri.origin() {
        origin if origin.is_tuple() => origin.ascii_serialization(),
        _ => format!("{}:", uri.scheme()),
    }
}

/// A day's note that clients were looked at.
#[derive(Serialize, Deserialize)]
struct LookedAt;

impl Kept for LookedAt {
    const KIND: &'static str = "clients-looked-at";
    const FOR: Duration = Duration::from_hours(24);
}

/// Writes down once a day which secrets and keys end soon; of several nodes one does.
pub async fn warn(app: &App, now: Timestamp) -> anyhow::Result<()> {
    if !app.world.scratch.claim(&TokenHash::of("clients"), &LookedAt, now).await? {
        return Ok(());
    }
    for id in Client::all(&app.world.db).await? {
        let Some(client) = Client::find(&app.world.db, &id).await? else { continue };
        for warning in client.warnings(now) {
            tracing::warn!(client = id.as_str(), warning, "ends soon");
        }
    }
    Ok(())
}

fn date(at: Timestamp) -> Date {
    let moment = jiff::Timestamp::from_second(at.seconds()).unwrap_or_default();
    moment.to_zoned(jiff::tz::TimeZone::UTC).date()
}

async fn add_secret(
    tx: &mut sqlx::Transaction<'static, sqlx::Any>,
    id: &ClientId,
    secret: &Token,
    now: Timestamp,
) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO client_secret (client, hash, created_at, expires_at) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (client, hash) DO UPDATE SET expires_at = excluded.expires_at";
    let query = sqlx::query(SQL).bind(id.as_str()).bind(secret.hash()).bind(now.seconds());
    query.bind(now.plus(SECRET_FOR).seconds()).execute(&mut **tx).await?;
    Ok(())
}

/// The registered address that `asked` is, byte for byte; a native client's may have any port on the loopback
/// address (RFC 8252 7.3).
pub fn matching_redirect<'a>(registration: &Registration, asked: &'a str) -> Option<&'a str> {
    let native = registration.application_type == ApplicationType::Native;
    let is_it = |registered: &String| {
        registered == asked || (native && without_port(registered).is_some_and(|own| without_port(asked) == Some(own)))
    };
    registration.redirect_uris.iter().any(is_it).then_some(asked)
}

/// A loopback address without its port.
fn without_port(uri: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| uri.strip_prefix(host).map(|rest| (host, rest)))?;
    let Some(port) = rest.strip_prefix(':') else { return rest.starts_with('/').then_some((host, rest)) };
    let (port, path) = port.split_at(port.find('/')?);
    port.parse::<u16>().ok().filter(|number| number.to_string() == port).map(|_| (host, path))
}

#[cfg(test)]
mod tests {
    use super::ApplicationType::{Native, Web};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn redirects_that_can_be_registered() {
        let check = |uri: &str, kind, good: bool| assert_eq!(check_redirect(uri, kind).is_ok(), good, "{uri}");
        check("https://a.test/cb", Web, true);
        check("https://a.test/cb?x=1", Web, true);
        check("http://localhost:3000/cb", Web, true);
        check("http://127.0.0.1/cb", Web, true);
        check("no.fjordvik.app:/cb", Native, true);
        for wrong in [
            "",
            "cb",
            "//a.test/cb",
            "http://a.test/cb",
            "https://a.test/cb#x",
            "https://u:p@a.test/cb",
            "javascript:alert(1)",
            "JaVaScript:alert(1)",
            "data:text/html,x",
            "https://a.test/c b",
            "https://a.test/*",
            "app:/cb",
            "file:///etc/passwd",
            "https://a.test\\@b.test/",
            "https://a.test/\u{202e}",
            "https:///cb\t",
        ] {
            check(wrong, Web, false);
        }
        check("javascript:alert(1)", Native, false);
    }

    #[test]
    fn a_native_client_may_have_any_port_on_loopback() {
        let registration = |kind: &str, uri: &str| -> Registration {
            let value = json!({
                "client_name": "x", "application_type": kind, "token_endpoint_auth_method": "none", "redirect_uris": [uri],
            });
            serde_json::from_value(value).unwrap()
        };
        let check = |kind: &str, uri: &str, asked: &str, good: bool| {
            assert_eq!(matching_redirect(&registration(kind, uri), asked).is_some(), good, "{kind} {uri} {asked}");
        };
        check("native", "http://127.0.0.1:0/cb", "http://127.0.0.1:51004/cb", true);
        check("native", "http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true);
        check("native", "http://[::1]/cb", "http://[::1]:1/cb", true);
        check("browser", "http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", false);
        for asked in [
            "http://127.0.0.1:51004/other",
            "http://127.0.0.1:0x1/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:70000/cb",
            "http://127.0.0.1@evil.test/cb",
            "http://127.0.0.1:1@evil.test/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://localhost:1/cb",
            "https://127.0.0.1:1/cb",
            "http://127.0.0.1:01/cb",
            "http://127.0.0.1:1/cb?x",
        ] {
            check("native", "http://127.0.0.1/cb", asked, false);
        }
    }

    /// Registered addresses; for those on loopback of a native client, what stands before and behind the port.
    const REGISTERED: [(&str, &str, Option<(&str, &str)>); 9] = [
        ("web", "https://a.test/cb", None),
        ("web", "https://a.test:8443/cb?x=1&y=%2f", None),
        ("web", "https://a.test/", None),
        ("web", "http://127.0.0.1:3000/cb", None),
        ("browser", "http://localhost:3000/cb", None),
        ("native", "no.fjordvik.app:/cb", None),
        ("native", "http://127.0.0.1/cb", Some(("http://127.0.0.1", "/cb"))),
        ("native", "http://127.0.0.1:4000/c/b?x=1", Some(("http://127.0.0.1", "/c/b?x=1"))),
        ("native", "http://[::1]:0/cb", Some(("http://[::1]", "/cb"))),
    ];
    /// What is put into an address at some place, or in the place of something.
    const PIECES: [&str; 40] = [
        "/", "//", "\\", "?", "#", "&", "@", ":", ";", ".", "..", "/../", "/./", "%2f", "%2F", "%00", "%0a", "%23", "\0", "\n",
        "\t", " ", "+", "*", "evil.test", ".evil.test", "@evil.test", "evil.test/", "a.test", "a.test@", "http:", "https://",
        "javascript:", "127.0.0.1", "[::1]", ":80", ":0", ":065535", "\u{202e}", "\u{ff0f}",
    ];

    /// One change of an address.
    fn changed(address: &str, how: u8, at: &prop::sample::Index, piece: &str) -> String {
        let mut letters: Vec<char> = address.chars().collect();
        let place = at.index(letters.len());
        let letter = letters[place];
        match how {
            0 => letters.splice(place..place, piece.chars()).for_each(drop),
            1 => letters.splice(place..=place, piece.chars()).for_each(drop),
            2 => drop(letters.drain(place..)),
            3 => drop(letters.drain(..place)),
            4 => drop(letters.remove(place)),
            5 => letters.insert(place, letter),
            6 if letter.is_ascii_uppercase() => letters[place] = letter.to_ascii_lowercase(),
            6 => letters[place] = letter.to_ascii_uppercase(),
            7 => letters.splice(place..=place, format!("%{:02x}", u32::from(letter)).chars()).for_each(drop),
            8 => letters.extend(piece.chars()),
            _ => letters.splice(0..0, piece.chars()).for_each(drop),
        }
        letters.into_iter().collect()
    }

    /// The registered address, or its twin with another port, which is a number as numbers are written.
    fn is_meant(asked: &str, registered: &str, loopback: Option<(&str, &str)>) -> bool {
        let twin = |(host, tail): (&str, &str)| {
            let port = asked.strip_prefix(host)?.strip_suffix(tail)?;
            Some(port.is_empty() || (0..=u16::MAX).any(|number| port == format!(":{number}")))
        };
        asked == registered || loopback.and_then(twin).unwrap_or(false)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

        // Attack: redirect addresses that nearly are registered ones, in 200 ways of changing each.
        #[test]
        fn nothing_but_a_registered_address_or_its_twin_matches(
            changes in prop::collection::vec((0..10u8, any::<prop::sample::Index>(), prop::sample::select(&PIECES[..])), 1..4),
            port in any::<u16>(),
        ) {
            for (kind, registered, loopback) in REGISTERED {
                let registration: Registration = serde_json::from_value(json!({
                    "client_name": "x", "application_type": kind, "redirect_uris": [registered],
                })).unwrap();
                prop_assert!(matching_redirect(&registration, registered).is_some());
                if let Some((host, tail)) = loopback {
                    let twin = format!("{host}:{port}{tail}");
                    prop_assert!(matching_redirect(&registration, &twin).is_some());
                }
                let mut asked = registered.to_owned();
                for (how, at, piece) in &changes {
                    asked = if asked.is_empty() { (*piece).to_owned() } else { changed(&asked, *how, at, piece) };
                    let matched = matching_redirect(&registration, &asked);
                    prop_assert_eq!(matched.is_some(), is_meant(&asked, registered, loopback), "{} {}", kind, asked);
                    prop_assert!(matched.is_none_or(|matched| matched == asked));
                }
            }
        }
    }
}
