//! The services that are registered, and their secrets: tables `client` and `client_secret`.

use std::time::Duration;

use anyhow::Context;
use authenticators::chance::{Chance, Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::scratch::Kept;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::Date;
use migrations::Db;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::app::App;
use crate::config::Issuer;
use crate::keys::Keys;
use crate::redirect;
use crate::registration::Registration;

/// The citizen's own page logs in as any service does. Its client stands in no table.
pub const PROFILE: &str = "porten-profil";
/// And this is where it is.
pub const PROFILE_PATH: &str = "/profil";
/// The staff of schools log in to their pages as people do to any service. Its client stands in no table either.
pub const SCHOOL: &str = "porten-skule";
/// And this is where they are.
pub const SCHOOL_PATH: &str = "/skule";

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

    /// The client of the schools' pages.
    pub fn of_school(id: ClientId, issuer: &Issuer, secret: &Token, now: Timestamp) -> anyhow::Result<Client> {
        let uri = format!("{}{SCHOOL_PATH}", issuer.as_str());
        let registration = json!({
            "client_name": "MinID i skolen",
            "client_name#nn": "MinID i skulen",
            "client_name#en": "MinID in schools",
            "client_uri": uri,
            "redirect_uris": [format!("{uri}/callback")],
            "post_logout_redirect_uris": [format!("{uri}/ut")],
            "scopes": ["openid"],
            "sso_disabled": false,
        });
        let secrets = vec![Secret { hash: secret.hash(), expires_at: now.plus(SECRET_FOR) }];
        Ok(Client { id, registration: serde_json::from_value(registration)?, secrets })
    }

    /// The secret of that client: it is made from one that lasts, and the same on every node.
    pub fn school_secret(keys: &Keys) -> Token {
        let key = keys.secret_for("client of the schools");
        Token::presented(&URL_SAFE_NO_PAD.encode(hmac::sign(&key, SCHOOL.as_bytes())))
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
        if matches!(id.as_str(), PROFILE | SCHOOL) {
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
        let mut targets: Vec<String> = uris.map(|uri| redirect::source(&uri, registration.application_type)).collect();
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
        match self.registration.client_assertion_audience_exception_until {
            Some(until) if until < date(now) => {
                lines.push(format!("client_assertion_audience_exception_until: the exception ended {until}"));
            }
            Some(until) if until <= date(soon) => {
                lines.push(format!("client_assertion_audience_exception_until: the exception ends {until}"));
            }
            _ => {}
        }
        lines
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

/// The day of a moment, in UTC.
pub(crate) fn date(at: Timestamp) -> Date {
    let moment = jiff::Timestamp::from_second(at.seconds()).unwrap_or_default();
    moment.to_zoned(jiff::tz::TimeZone::UTC).date()
}

async fn add_secret(tx: &mut migrations::Tx, id: &ClientId, secret: &Token, now: Timestamp) -> anyhow::Result<()> {
    const SQL: &str = "INSERT INTO client_secret (client, hash, created_at, expires_at) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (client, hash) DO UPDATE SET expires_at = excluded.expires_at";
    let query = sqlx::query(SQL).bind(id.as_str()).bind(secret.hash()).bind(now.seconds());
    query.bind(now.plus(SECRET_FOR).seconds()).execute(&mut **tx).await?;
    Ok(())
}
