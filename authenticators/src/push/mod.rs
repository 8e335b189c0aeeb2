//! Waking the MinID app: one sender, three ways. A push says only that something waits; the app fetches what it is.

pub mod apns;
pub mod fcm;
pub mod web;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::outbound::Outbound;

/// A push that has not arrived by then is of no use any more.
pub const GOOD_FOR: Duration = Duration::from_secs(180);

/// Where an app is woken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Address {
    /// A browser's push service (RFC 8030), with the keys to encrypt for it.
    Web(web::Subscription),
    /// Firebase Cloud Messaging: an Android app's registration token.
    Fcm {
        /// The token.
        token: String,
    },
    /// Apple's push service: an iOS app's device token.
    Apns {
        /// The token.
        token: String,
    },
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The service has it.
    Sent,
    /// Nobody is there any more: the address is to be forgotten.
    Gone,
    /// It did not go out; why is in the log. The open app hears of it by itself.
    Failed,
}

/// The ways out. Cheap to clone.
#[derive(Clone, Default)]
pub struct Push {
    /// To browsers.
    pub web: Option<web::WebPush>,
    /// To Android.
    pub fcm: Option<fcm::Fcm>,
    /// To iOS.
    pub apns: Option<apns::Apns>,
}

impl Push {
    /// Whether an address is one that this site can reach.
    pub fn takes(&self, address: &Address) -> bool {
        match address {
            Address::Web(subscription) => self.web.as_ref().is_some_and(|web| web.takes(subscription)),
            Address::Fcm { token } => self.fcm.is_some() && is_a_token(token),
            Address::Apns { token } => self.apns.is_some() && is_a_token(token),
        }
    }

    /// The key by which browsers know who may push to them (RFC 8292), where there is a way to browsers.
    pub fn web_key(&self) -> Option<&str> {
        self.web.as_ref().map(web::WebPush::public_key)
    }

    /// Wakes an app.
    pub async fn send(&self, outbound: &Outbound, to: &Address, words: &str, now: Timestamp) -> Outcome {
        let sent = match (to, self) {
            (Address::Web(to), Push { web: Some(web), .. }) => web.send(outbound, to, words, now).await,
            (Address::Fcm { token }, Push { fcm: Some(fcm), .. }) => fcm.send(token, words, now).await,
            (Address::Apns { token }, Push { apns: Some(apns), .. }) => apns.send(token, words, now).await,
            _ => return Outcome::Failed,
        };
        sent.unwrap_or_else(|error| {
            tracing::info!(error = format!("{error:#}"), "a push did not go out");
            Outcome::Failed
        })
    }
}

/// The tokens of both services are letters, digits and a few signs.
fn is_a_token(token: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.');
    (16..=4096).contains(&token.len()) && token.bytes().all(fits)
}
