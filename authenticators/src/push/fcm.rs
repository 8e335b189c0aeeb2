//! Firebase Cloud Messaging, HTTP v1: a service account's key buys an access token, and that sends.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::{GOOD_FOR, Outcome};
use crate::clock::Timestamp;

/// RFC 7523 2.1
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// An access token is renewed when it has less than that left.
const RENEWED_AHEAD: Duration = Duration::from_mins(2);

/// The sender. Cheap to clone.
#[derive(Clone)]
pub struct Fcm(Arc<Inside>);

struct Inside {
    account: Account,
    key: RsaKeyPair,
    service: Url,
    http: Client,
    token: Mutex<Option<(String, Timestamp)>>,
}

/// What Google's console gives out as a file.
#[derive(Deserialize)]
struct Account {
    client_email: String,
    private_key: String,
    project_id: String,
    token_uri: Url,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl Fcm {
    /// With a service account's file, towards `service` (Google's is `https://fcm.googleapis.com`).
    pub fn new(account: &str, service: Url, http: Client) -> anyhow::Result<Fcm> {
        let account: Account = serde_json::from_str(account).context("not the file of a service account")?;
        let body: String = account.private_key.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = STANDARD.decode(body.trim()).ok().and_then(|der| RsaKeyPair::from_pkcs8(&der).ok());
        let key = key.context("the service account's private key cannot be read")?;
        Ok(Fcm(Arc::new(Inside { account, key, service, http, token: Mutex::new(None) })))
    }

    /// Sends.
    pub async fn send(&self, token: &str, words: &str, now: Timestamp) -> anyhow::Result<Outcome> {
        let inside = &self.0;
        let url = inside.service.join(&format!("/v1/projects/{}/messages:send", inside.account.project_id))?;
        let message = json!({ "message": {
            "token": token,
            "data": { "message": words },
            "android": { "priority": "HIGH", "ttl": format!("{}s", GOOD_FOR.as_secs()) },
        }});
        let bearer = self.access_token(now).await?;
        let answer = inside.http.post(url).bearer_auth(bearer).json(&message).send().await;
        let answer = answer.map_err(reqwest::Error::without_url)?;
        match answer.status().as_u16() {
            200..=299 => Ok(Outcome::Sent),
            // UNREGISTERED
            404 => Ok(Outcome::Gone),
            401 => {
                inside.token.lock().await.take();
                Err(anyhow!("FCM does not know us"))
            }
            status => Err(anyhow!("FCM answered {status}")),
        }
    }

    async fn access_token(&self, now: Timestamp) -> anyhow::Result<String> {
        let inside = &self.0;
        let mut known = inside.token.lock().await;
        if let Some((token, _)) = known.as_ref().filter(|(_, until)| *until > now.plus(RENEWED_AHEAD)) {
            return Ok(token.clone());
        }
        let form = [("grant_type", GRANT), ("assertion", &self.assertion(now)?)];
        let answer = inside.http.post(inside.account.token_uri.clone()).form(&form).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status).map_err(reqwest::Error::without_url)?;
        let granted: Granted = answer.json().await.map_err(reqwest::Error::without_url)?;
        let until = now.plus(Duration::from_secs(granted.expires_in));
        *known = Some((granted.access_token.clone(), until));
        Ok(granted.access_token)
    }

    fn assertion(&self, now: Timestamp) -> anyhow::Result<String> {
        let Account { client_email, token_uri, .. } = &self.0.account;
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({
            "iss": client_email,
            "scope": SCOPE,
            "aud": token_uri,
            "iat": now,
            "exp": now.plus(Duration::from_hours(1)),
        });
        let message = format!("{}.{}", part(&json!({ "alg": "RS256", "typ": "JWT" })), part(&claims));
        let mut signature = vec![0; self.0.key.public_modulus_len()];
        self.0.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
