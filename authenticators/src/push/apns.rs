//! Apple Push Notification service: a provider token signed with the team's key, and one POST a push.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::{GOOD_FOR, Outcome};
use crate::clock::Timestamp;

/// Apple wants a token to be between twenty minutes and an hour old.
const TOKEN_FOR: Duration = Duration::from_mins(40);

/// The sender. Cheap to clone.
#[derive(Clone)]
pub struct Apns(Arc<Inside>);

struct Inside {
    key: EcdsaKeyPair,
    key_id: String,
    team_id: String,
    topic: String,
    service: Url,
    http: Client,
    token: Mutex<Option<(String, Timestamp)>>,
}

/// Who we are to Apple.
#[derive(Debug, Clone)]
pub struct Team<'a> {
    /// The name of the key.
    pub key_id: &'a str,
    /// The name of the team.
    pub team_id: &'a str,
    /// The app's bundle id.
    pub topic: &'a str,
}

impl Apns {
    /// With the key in Apple's `.p8` file, towards `service` (Apple's is `https://api.push.apple.com`).
    pub fn new(key: &str, team: &Team<'_>, service: Url, http: Client) -> anyhow::Result<Apns> {
        let body: String = key.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = STANDARD.decode(body.trim()).ok();
        let key = key.and_then(|der| EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok());
        Ok(Apns(Arc::new(Inside {
            key: key.context("the key for Apple's push service cannot be read")?,
            key_id: team.key_id.to_owned(),
            team_id: team.team_id.to_owned(),
            topic: team.topic.to_owned(),
            service,
            http,
            token: Mutex::new(None),
        })))
    }

    /// Sends.
    pub async fn send(&self, token: &str, words: &str, now: Timestamp) -> anyhow::Result<Outcome> {
        let inside = &self.0;
        let url = inside.service.join(&format!("/3/device/{token}"))?;
        let body = json!({
            "aps": { "alert": { "loc-key": "REQUEST" }, "sound": "default", "interruption-level": "time-sensitive" },
            "message": words,
        });
        let request = inside.http.post(url).bearer_auth(self.provider_token(now).await?).json(&body);
        let request = request.header("apns-topic", &inside.topic).header("apns-push-type", "alert");
        let request = request.header("apns-priority", "10");
        let request = request.header("apns-expiration", now.plus(GOOD_FOR).seconds());
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status().as_u16();
        let said: Value = answer.json().await.unwrap_or_default();
        let reason = said.get("reason").and_then(Value::as_str).unwrap_or_default();
        match (status, reason) {
            (200, _) => Ok(Outcome::Sent),
            (410, _) | (400, "BadDeviceToken" | "DeviceTokenNotForTopic") => Ok(Outcome::Gone),
            _ => Err(anyhow!("APNs answered {status}")),
        }
    }

    async fn provider_token(&self, now: Timestamp) -> anyhow::Result<String> {
        let inside = &self.0;
        let mut known = inside.token.lock().await;
        if let Some((token, _)) = known.as_ref().filter(|(_, made)| now.since(*made) < TOKEN_FOR) {
            return Ok(token.clone());
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "ES256", "kid": inside.key_id });
        let message = format!("{}.{}", part(&header), part(&json!({ "iss": inside.team_id, "iat": now })));
        let signature = inside.key.sign(&SystemRandom::new(), message.as_bytes())?;
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        *known = Some((token.clone(), now));
        Ok(token)
    }
}
