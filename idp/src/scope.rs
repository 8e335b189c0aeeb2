//! The scopes that somebody owns: table `scope`.
//!
//! A scope that a client has registered and nobody has put here is as free as it ever was: whoever runs Porten
//! decides by registering it. One that was removed is inactive for ever.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use authenticators::clock::Timestamp;
use migrations::Db;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::client::{Client, ClientId};
use crate::error::OAuthError;
use crate::registration;
use crate::text::Language;

/// A description is one line.
const DESCRIPTION_AT_MOST: usize = 200;
/// A long description is a few paragraphs.
const LONG_AT_MOST: usize = 4000;

/// A scope's name: `prefix:subscope`, often with `.read` or `.write` behind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct ScopeName(String);

impl ScopeName {
    /// Takes a name in (RFC 6749 3.3); whether a scope has it is another question.
    pub fn parse(name: &str) -> Option<ScopeName> {
        let (prefix, rest) = name.split_once(':')?;
        let prefix_fits = prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let fits = prefix_fits && !prefix.is_empty() && !rest.is_empty() && name.len() <= 200;
        (fits && registration::is_a_scope(name)).then(|| ScopeName(name.to_owned()))
    }

    /// Its letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who finds it in lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Visibility {
    /// Everybody.
    #[default]
    Public,
    /// Its owner and those who may use it.
    Private,
    /// Whoever runs Porten.
    Internal,
}

/// What its access tokens look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScopeTokenType {
    /// RFC 9068
    #[default]
    SelfContained,
    /// A handle that RFC 7662 tells the meaning of.
    Opaque,
}

/// A scope as it is registered.
#[expect(clippy::struct_excessive_bools, reason = "services know the fields by these names")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeRegistration {
    /// What it gives, in a few words of Bokmål.
    pub description: String,
    /// The same in Nynorsk.
    #[serde(rename = "description#nn", default, skip_serializing_if = "Option::is_none")]
    pub description_nn: Option<String>,
    /// The same in English.
    #[serde(rename = "description#en", default, skip_serializing_if = "Option::is_none")]
    pub description_en: Option<String>,
    /// What it gives, for whoever wants to know more; see [`crate::markdown`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_description: Option<String>,
    /// The same in Nynorsk.
    #[serde(rename = "long_description#nn", default, skip_serializing_if = "Option::is_none")]
    pub long_description_nn: Option<String>,
    /// The same in English.
    #[serde(rename = "long_description#en", default, skip_serializing_if = "Option::is_none")]
    pub long_description_en: Option<String>,
    /// Who finds it in lists.
    #[serde(default)]
    pub visibility: Visibility,
    /// Organisation number of its owner.
    pub owner_orgno: String,
    /// Whether every organisation may use it.
    #[serde(default)]
    pub accessible_for_all: bool,
    /// The organisations that may use it besides its owner.
    #[serde(default)]
    pub access: Vec<String>,
    /// What kinds of client may use it; all, if none is named.
    #[serde(default)]
    pub allowed_integration_types: Vec<String>,
    /// What its access tokens look like.
    #[serde(default)]
    pub token_type: ScopeTokenType,
    /// Seconds that an access token is good for at the most; 0 sets no limit.
    #[serde(default)]
    pub at_max_age: u32,
    /// Seconds that a grant lasts at the most; 0 sets no limit.
    #[serde(default)]
    pub authorization_max_lifetime: u32,
    /// Whether the citizen is asked.
    #[serde(default)]
    pub requires_user_consent: bool,
    /// Whether the citizen proves anew who they are.
    #[serde(default)]
    pub requires_user_authentication: bool,
    /// Whether its tokens do without the person identifier.
    #[serde(default)]
    pub requires_pseudonymous_tokens: bool,
    /// The clients that may ask what its tokens mean; nobody may, if none is named.
    #[serde(default)]
    pub enforced_aud_for_introspection: Vec<String>,
    /// Whether it may be used.
    #[serde(default = "active")]
    pub active: bool,
}

fn active() -> bool {
    true
}

impl ScopeRegistration {
    /// What is wrong with it, one line each.
    pub fn objections(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut object = |wrong: bool, line: String| {
            if wrong {
                lines.push(line);
            }
        };
        let shorts = [Some(&self.description), self.description_nn.as_ref(), self.description_en.as_ref()];
        for text in shorts.into_iter().flatten() {
            let wrong = !registration::is_plain(text) || text.chars().count() > DESCRIPTION_AT_MOST;
            object(wrong, format!("description: {text:?} cannot be shown"));
        }
        let longs = [&self.long_description, &self.long_description_nn, &self.long_description_en];
        for text in longs.into_iter().flatten() {
            let wrong =
                !registration::is_plain(&text.replace(['\n', '\r'], " ")) || text.chars().count() > LONG_AT_MOST;
            object(wrong, format!("long_description: {text:?} cannot be shown"));
        }
        for number in [&self.owner_orgno].into_iter().chain(&self.access) {
            object(!registration::is_an_orgno(number), format!("owner_orgno, access: {number:?} is not nine digits"));
        }
        for kind in &self.allowed_integration_types {
            let known = registration::INTEGRATION_TYPES.contains(&kind.as_str());
            object(
                !known,
                format!(
                    "allowed_integration_types: {kind:?} is none of {}",
                    registration::INTEGRATION_TYPES.join(", ")
                ),
            );
        }
        for name in &self.enforced_aud_for_introspection {
            let fits = ClientId::named(name).is_some();
            object(!fits, format!("enforced_aud_for_introspection: {name:?} is not a client_id"));
        }
        lines
    }

    /// What it gives, and the language in which that is said: the reader's, or Bokmål.
    pub fn said(&self, reader: Language) -> (Language, &str) {
        let own = in_language(reader, self.description_nn.as_ref(), self.description_en.as_ref());
        own.unwrap_or((Language::Nb, &self.description))
    }

    /// The long words on it, in the reader's language or Bokmål.
    pub fn said_at_length(&self, reader: Language) -> Option<(Language, &str)> {
        let own = in_language(reader, self.long_description_nn.as_ref(), self.long_description_en.as_ref());
        own.or_else(|| self.long_description.as_deref().map(|text| (Language::Nb, text)))
    }

    fn is_open_to(&self, client: &Client) -> bool {
        let owner = client.registration.client_orgno.as_ref();
        let may = owner.is_some_and(|owner| *owner == self.owner_orgno || self.access.contains(owner));
        let kinds = &self.allowed_integration_types;
        let kind_may = kinds.is_empty() || kinds.contains(&client.registration.integration_type);
        self.active && (self.accessible_for_all || may) && kind_may
    }
}

fn in_language<'a>(reader: Language, nn: Option<&'a String>, en: Option<&'a String>) -> Option<(Language, &'a str)> {
    let text = match reader {
        Language::Nn => nn,
        Language::En => en,
        Language::Nb | Language::Se => None,
    };
    text.map(|text| (reader, text.as_str()))
}

/// A registered scope.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Its name.
    pub name: ScopeName,
    /// What is registered.
    pub registration: ScopeRegistration,
    removed_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    name: ScopeName,
    registration: String,
    removed_at: Option<Timestamp>,
}

impl Row {
    fn read(self) -> anyhow::Result<Scope> {
        let registration: ScopeRegistration = serde_json::from_str(&self.registration)
            .with_context(|| format!("the registration of {} cannot be read", self.name.as_str()))?;
        let registration =
            ScopeRegistration { active: registration.active && self.removed_at.is_none(), ..registration };
        Ok(Scope { name: self.name, registration, removed_at: self.removed_at })
    }
}

impl Scope {
    /// Looks a scope up in the table.
    pub async fn find(db: &Db, name: &ScopeName) -> anyhow::Result<Option<Scope>> {
        Ok(Scope::ever(db, name).await?.filter(|scope| scope.removed_at.is_none()))
    }

    /// Looks a scope up; one that was removed is found and not active.
    async fn ever(db: &Db, name: &ScopeName) -> anyhow::Result<Option<Scope>> {
        const SQL: &str = "SELECT name, registration, removed_at FROM scope WHERE name = $1";
        let row: Option<Row> = sqlx::query_as(SQL).bind(name.as_str()).fetch_optional(db.pool()).await?;
        row.map(Row::read).transpose()
    }

    /// All scopes.
    pub async fn all(db: &Db) -> anyhow::Result<Vec<Scope>> {
        const SQL: &str = "SELECT name, registration, removed_at FROM scope WHERE removed_at IS NULL ORDER BY name";
        let rows: Vec<Row> = sqlx::query_as(SQL).fetch_all(db.pool()).await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Registers a scope; false if the name is taken, by a removed scope too.
    pub async fn register(
        db: &Db,
        name: &ScopeName,
        registration: &ScopeRegistration,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        const SQL: &str = "INSERT INTO scope (name, registration, created_at, updated_at)
                           VALUES ($1, $2, $3, $3) ON CONFLICT (name) DO NOTHING";
        let query = sqlx::query(SQL).bind(name.as_str()).bind(serde_json::to_string(registration)?);
        Ok(query.bind(now.seconds()).execute(db.pool()).await?.rows_affected() == 1)
    }

    /// Changes what is registered.
    pub async fn change(
        db: &Db,
        name: &ScopeName,
        registration: &ScopeRegistration,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        const SQL: &str = "UPDATE scope SET registration = $2, updated_at = $3 WHERE name = $1 AND removed_at IS NULL";
        let query = sqlx::query(SQL).bind(name.as_str()).bind(serde_json::to_string(registration)?);
        Ok(query.bind(now.seconds()).execute(db.pool()).await?.rows_affected() == 1)
    }

    /// Removes a scope; its row stays, so that its name is never given to another, and nobody may use it.
    pub async fn remove(db: &Db, name: &ScopeName, now: Timestamp) -> anyhow::Result<bool> {
        const SQL: &str = "UPDATE scope SET removed_at = $2 WHERE name = $1 AND removed_at IS NULL";
        let query = sqlx::query(SQL).bind(name.as_str()).bind(now.seconds());
        Ok(query.execute(db.pool()).await?.rows_affected() == 1)
    }
}

impl App {
    /// A registered scope, as it was a few seconds ago at the most. One that was removed is not active.
    pub async fn scope(&self, name: &str) -> anyhow::Result<Option<Arc<Scope>>> {
        let Some(name) = ScopeName::parse(name) else { return Ok(None) };
        if let Some(known) = self.scopes.get(&name).await {
            return Ok(known);
        }
        let found = Scope::ever(&self.world.db, &name).await.context("cannot read a scope")?.map(Arc::new);
        // Absent ones, too: a client can only ask for what it has registered, so there are not many.
        self.scopes.insert(name, found.clone()).await;
        Ok(found)
    }
}

/// The scopes in a parameter or a claim, in alphabetic order and each once (RFC 6749 3.3).
pub fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = text.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// What the scopes of a grant ask for, taken together.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Its access tokens are handles.
    pub opaque: bool,
    /// Its tokens do without the person identifier.
    pub pseudonymous: bool,
    /// The citizen proves anew who they are.
    pub fresh: bool,
    /// The scopes that the citizen is asked about.
    pub consent: Vec<Arc<Scope>>,
    /// Seconds that an access token is good for at the most.
    pub at_max_age: Option<u32>,
    /// Seconds that the grant lasts at the most.
    pub authorization_max_lifetime: Option<u32>,
}

impl Rules {
    /// How long a grant of the client lasts, whatever is refreshed.
    pub fn grant_lasts(&self, client: &Client) -> Duration {
        let own = client.registration.authorization_lifetime;
        let seconds = self.authorization_max_lifetime.map_or(own, |most| own.min(most));
        Duration::from_secs(seconds.into())
    }

    fn and(mut self, scope: Arc<Scope>) -> Rules {
        let registration = &scope.registration;
        let lowest = |known: Option<u32>, new: u32| known.into_iter().chain((new > 0).then_some(new)).min();
        self.opaque |= registration.token_type == ScopeTokenType::Opaque;
        self.pseudonymous |= registration.requires_pseudonymous_tokens;
        self.fresh |= registration.requires_user_authentication;
        self.at_max_age = lowest(self.at_max_age, registration.at_max_age);
        self.authorization_max_lifetime =
            lowest(self.authorization_max_lifetime, registration.authorization_max_lifetime);
        if registration.requires_user_consent {
            self.consent.push(scope);
        }
        self
    }
}

/// Sums up what the scopes of a grant ask for.
pub async fn rules(app: &App, scope: &[String]) -> anyhow::Result<Rules> {
    let mut rules = Rules::default();
    for name in scope {
        if let Some(scope) = app.scope(name).await? {
            rules = rules.and(scope);
        }
    }
    Ok(rules)
}

/// Whether a client may use these scopes (RFC 6749 5.2), as far as they are registered.
pub async fn may_use(app: &App, client: &Client, scope: &[String]) -> Result<(), OAuthError> {
    for name in scope {
        if app.scope(name).await?.is_some_and(|scope| !scope.registration.is_open_to(client)) {
            return Err(OAuthError::invalid_scope("Invalid parameter scope. The client may not use it."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn registration(more: &Value) -> ScopeRegistration {
        let mut all = json!({ "description": "Se byggesakene dine", "owner_orgno": "999999999" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn names() {
        for good in ["fjordvik:byggesak", "fjordvik:byggesak.read", "krr:global/kontaktinformasjon.read", "a:b:c"] {
            assert!(ScopeName::parse(good).is_some(), "{good}");
        }
        for bad in ["", "openid", ":x", "x:", "a b:c", "a:b c", "a:\"", "a:\\", "a:ø", "A:b", "a:b\n"] {
            assert!(ScopeName::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_can_be_registered() {
        assert_eq!(registration(&json!({})).objections(), [""; 0]);
        for wrong in [
            json!({ "description": "" }),
            json!({ "description": "a\u{202e}b" }),
            json!({ "description#en": "two\nlines" }),
            json!({ "long_description": "zero\u{200b}width" }),
            json!({ "owner_orgno": "12345678" }),
            json!({ "access": ["999999999", "x"] }),
            json!({ "allowed_integration_types": ["other"] }),
            json!({ "enforced_aud_for_introspection": ["a b"] }),
        ] {
            assert_eq!(registration(&wrong).objections().len(), 1, "{wrong}");
        }
    }

    #[test]
    fn the_readers_language_or_bokmal() {
        let scope = registration(&json!({ "description#nn": "Sjå", "long_description": "Lenge" }));
        assert_eq!(scope.said(Language::Nn), (Language::Nn, "Sjå"));
        assert_eq!(scope.said(Language::En), (Language::Nb, "Se byggesakene dine"));
        assert_eq!(scope.said_at_length(Language::Se), Some((Language::Nb, "Lenge")));
    }

    #[test]
    fn rules_are_as_strict_as_the_strictest() {
        let scope = |more: &Value| {
            let name = ScopeName::parse("a:b").unwrap();
            Arc::new(Scope { name, registration: registration(more), removed_at: None })
        };
        let rules = Rules::default()
            .and(scope(&json!({ "at_max_age": 60, "requires_user_consent": true })))
            .and(scope(&json!({ "at_max_age": 30, "authorization_max_lifetime": 0 })))
            .and(scope(&json!({ "token_type": "OPAQUE", "requires_pseudonymous_tokens": true })));
        assert_eq!((rules.at_max_age, rules.authorization_max_lifetime), (Some(30), None));
        assert_eq!((rules.opaque, rules.pseudonymous, rules.fresh, rules.consent.len()), (true, true, false, 1));
    }
}
