//! What would have gone out: development and tests read it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::clock::Timestamp;

const KEPT: usize = 400;

/// Messages as they would have gone out, the newest first.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<VecDeque<Message>>>);

/// A message in the development inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `sms`, `mail` or `push`.
    pub kind: &'static str,
    /// The number or the address.
    pub to: String,
    /// Of a mail.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

impl Inbox {
    /// Puts a message on top.
    pub fn add(&self, message: Message) {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push_front(message);
        messages.truncate(KEPT);
    }

    /// All that is kept, the newest first.
    pub fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
