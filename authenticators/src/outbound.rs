//! The way out to addresses that others have written.

use std::fmt;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::{Client, StatusCode, redirect};
use url::Url;

const CONNECTS_WITHIN: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(5);

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Outbound(Client);

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboundError {
    /// No answer, or none in time.
    Failed,
}

impl fmt::Display for OutboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer")
    }
}

impl std::error::Error for OutboundError {}

impl Outbound {
    /// Opens it.
    pub fn new(_allowed: Vec<IpNet>, _authorities: Option<&[u8]>) -> anyhow::Result<Outbound> {
        let builder = Client::builder().redirect(redirect::Policy::none());
        Ok(Outbound(builder.connect_timeout(CONNECTS_WITHIN).timeout(PATIENCE).build()?))
    }

    /// Posts a form; only the status of the answer is read.
    pub async fn post_form(&self, url: &Url, fields: &[(&str, &str)]) -> Result<StatusCode, OutboundError> {
        let answer = self.0.post(url.clone()).form(fields).send().await;
        answer.map(|answer| answer.status()).map_err(|_| OutboundError::Failed)
    }
}
