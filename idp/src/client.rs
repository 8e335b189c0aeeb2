//! The services that are registered: table `client`.
//!
//! A registration is one JSON value with the field names that services know from ID-porten's self-service.

use std::sync::Arc;

use anyhow::Context;
use authenticators::chance::{Chance, Token, TokenHash};
use authenticators::clock::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use migrations::Db;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::app::App;
use crate::error::OAuthError;
use crate::keys::SigningAlgorithm;
use crate::params::Params;

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
    /// A public client.
    None,
}

impl AuthMethod {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            AuthMethod::ClientSecretBasic => "client_secret_basic",
            AuthMethod::ClientSecretPost => "client_secret_post",
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
    /// Login, or login and the APIs of others.
    #[serde(default = "integration_type")]
    pub integration_type: String,
    /// What kind of software it is.
    #[serde(default)]
    pub application_type: ApplicationType,
    /// How it proves who it is.
    #[serde(default)]
    pub token_endpoint_auth_method: AuthMethod,
    /// What it may do at the token endpoint.
    #[serde(default = "grant_types")]
    pub grant_types: Vec<GrantType>,
    /// What it may ask for.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Where people may be sent back to, byte for byte.
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

    /// Whether its ID tokens name the session.
    pub fn wants_sid(&self) -> bool {
        self.frontchannel_logout_session_required
            || self.backchannel_logout_session_required
            || self.backchannel_logout_uri.is_some()
    }

    /// Whether it keeps a secret.
    pub fn has_secret(&self) -> bool {
        self.token_endpoint_auth_method != AuthMethod::None
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
            public == self.has_secret(),
            "token_endpoint_auth_method: a web client needs a secret, a browser or native client has none".into(),
        );
        object(
            public && self.code_challenge_method == CodeChallengeMethod::None,
            "code_challenge_method: a public client must use PKCE".into(),
        );
        object(
            public && self.refresh_token_usage == RefreshTokenUsage::Reuse,
            "refresh_token_usage: a public client's refresh tokens are used once".into(),
        );
        for name in [Some(&self.client_name), self.display_name.as_ref()].into_iter().flatten() {
            object(!is_a_name(name), format!("client_name, display_name: {name:?} cannot be shown"));
        }
        object(self.scopes.is_empty() || !self.scopes.iter().all(|s| is_a_scope(s)), "scopes: not scopes".into());
        object(
            !self.grant_types.contains(&GrantType::AuthorizationCode),
            "grant_types: authorization_code is needed".into(),
        );
        object(
            !matches!(self.integration_type.as_str(), "idporten" | "api_klient"),
            "integration_type: idporten or api_klient".into(),
        );
        let lifetimes = [self.access_token_lifetime, self.refresh_token_lifetime, self.authorization_lifetime];
        object(lifetimes.contains(&0), "lifetimes: must be more than nothing".into());
        object(
            self.refresh_token_lifetime > self.authorization_lifetime,
            "refresh_token_lifetime: cannot be longer than authorization_lifetime".into(),
        );
        for number in [&self.client_orgno, &self.supplier_orgno].into_iter().flatten() {
            let fits = number.len() == 9 && number.bytes().all(|b| b.is_ascii_digit());
            object(!fits, format!("client_orgno, supplier_orgno: {number:?} is not nine digits"));
        }
        lines.extend(self.objections_to_addresses());
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

    fn objections_to_addresses(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut object = |wrong: bool, line: String| {
            if wrong {
                lines.push(line);
            }
        };
        object(self.redirect_uris.is_empty(), "redirect_uris: at least one is needed".into());
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

/// Something that can stand on a page without pretending to be more: no control or direction characters.
fn is_a_name(name: &str) -> bool {
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    !name.trim().is_empty() && name.chars().count() <= 100 && !name.chars().any(odd)
}

fn host(uri: &str) -> Option<String> {
    Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned))
}

/// RFC 6749 3.3
fn is_a_scope(scope: &str) -> bool {
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

/// A registered client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name.
    pub id: ClientId,
    /// What is registered.
    pub registration: Registration,
    secret_hash: Option<TokenHash>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ClientId,
    registration: String,
    secret_hash: Option<TokenHash>,
}

impl Row {
    fn read(self) -> anyhow::Result<Client> {
        let registration = serde_json::from_str(&self.registration)
            .with_context(|| format!("the registration of {} cannot be read", self.id.as_str()))?;
        Ok(Client { id: self.id, registration, secret_hash: self.secret_hash })
    }
}

impl Client {
    /// Looks a client up in the table.
    pub async fn find(db: &Db, id: &ClientId) -> anyhow::Result<Option<Client>> {
        const SQL: &str = "SELECT id, registration, secret_hash FROM client WHERE id = $1 AND removed_at IS NULL";
        let row: Option<Row> = sqlx::query_as(SQL).bind(id.as_str()).fetch_optional(db.pool()).await?;
        row.map(Row::read).transpose()
    }

    /// All clients.
    pub async fn all(db: &Db) -> anyhow::Result<Vec<Client>> {
        const SQL: &str = "SELECT id, registration, secret_hash FROM client WHERE removed_at IS NULL ORDER BY id";
        let rows: Vec<Row> = sqlx::query_as(SQL).fetch_all(db.pool()).await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Registers a client; false if the name is taken, by a removed client too.
    pub async fn register(
        db: &Db,
        id: &ClientId,
        registration: &Registration,
        secret: Option<&Token>,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        const SQL: &str = "INSERT INTO client (id, registration, secret_hash, created_at, updated_at)
                           VALUES ($1, $2, $3, $4, $4) ON CONFLICT (id) DO NOTHING";
        let query = sqlx::query(SQL).bind(id.as_str()).bind(serde_json::to_string(registration)?);
        let query = query.bind(secret.map(Token::hash)).bind(now.seconds());
        Ok(query.execute(db.pool()).await?.rows_affected() == 1)
    }

    /// Changes what is registered, and the secret if a new one is given or none is wanted any more.
    pub async fn change(
        db: &Db,
        id: &ClientId,
        registration: &Registration,
        secret: Option<&Token>,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        const SQL: &str = "UPDATE client SET registration = $2, updated_at = $3,
                               secret_hash = CASE WHEN $4 = 0 THEN NULL ELSE COALESCE($5, secret_hash) END
                           WHERE id = $1 AND removed_at IS NULL";
        let query = sqlx::query(SQL).bind(id.as_str()).bind(serde_json::to_string(registration)?).bind(now.seconds());
        let query = query.bind(i64::from(registration.has_secret())).bind(secret.map(Token::hash));
        Ok(query.execute(db.pool()).await?.rows_affected() == 1)
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
            .map(|uri| match uri.origin() {
                origin if origin.is_tuple() => origin.ascii_serialization(),
                _ => format!("{}:", uri.scheme()),
            })
            .collect();
        targets.sort();
        targets.dedup();
        targets
    }

    fn is_right(&self, secret: &Token) -> bool {
        self.secret_hash.as_ref().is_some_and(|hash| hash.is(&secret.hash()))
    }
}

/// Who is calling, by the one method that is registered for it (RFC 6749 2.3).
pub async fn authenticate(app: &App, authorization: Option<&str>, params: &Params) -> Result<Arc<Client>, OAuthError> {
    let in_form = params.one("client_secret")?;
    let named = params.one("client_id")?;
    let (method, id, secret) = match (authorization, in_form) {
        (Some(_), Some(_)) => return Err(OAuthError::invalid_request("Two ways of client authentication at once.")),
        (Some(header), None) => {
            let (id, secret) =
                basic(header).ok_or_else(|| OAuthError::invalid_client_basic("Malformed Authorization."))?;
            if named.is_some_and(|named| named != id) {
                return Err(OAuthError::invalid_request("Parameter client_id differs from the authenticated client."));
            }
            (AuthMethod::ClientSecretBasic, id, Some(secret))
        }
        (None, secret) => {
            let id = named.ok_or_else(|| OAuthError::invalid_client("Client authentication is missing."))?.to_owned();
            let method = if secret.is_some() { AuthMethod::ClientSecretPost } else { AuthMethod::None };
            (method, id, secret.map(Token::presented))
        }
    };
    let refused = || match method {
        AuthMethod::ClientSecretBasic => OAuthError::invalid_client_basic("Client authentication failed."),
        _ => OAuthError::invalid_client("Client authentication failed."),
    };
    let id = ClientId::named(&id).ok_or_else(refused)?;
    let client = app.client(&id).await?.ok_or_else(refused)?;
    let right = match secret {
        Some(secret) => client.is_right(&secret),
        None => true,
    };
    if !right || client.registration.token_endpoint_auth_method != method {
        return Err(refused());
    }
    Ok(client)
}

/// RFC 6749 2.3.1: both halves are form-encoded before they are joined.
fn basic(header: &str) -> Option<(String, Token)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |half: &str| {
        let whole = format!("x={}", half.replace('&', "%26"));
        url::form_urlencoded::parse(whole.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    Some((decode(id)?, Token::presented(&decode(secret)?)))
}

#[cfg(test)]
mod tests {
    use super::ApplicationType::{Native, Web};
    use super::*;

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
    fn basic_is_form_decoded() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let read = |text: &str| basic(&header(text)).map(|(id, secret)| (id, secret.reveal().to_owned()));
        assert_eq!(read("client%3A1:s%2Bx+y"), Some(("client:1".into(), "s+x y".into())));
        assert_eq!(read("a:b:c"), Some(("a".into(), "b:c".into())));
        assert_eq!(read("a:b&c=d"), Some(("a".into(), "b&c=d".into())));
        assert_eq!(read("a"), None);
        assert_eq!(basic("Bearer x").map(|(id, _)| id), None);
        assert_eq!(basic("Basic ***").map(|(id, _)| id), None);
    }
}
