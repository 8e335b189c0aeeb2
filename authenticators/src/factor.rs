//! What the ways of proving have in common.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::person::{Fnr, PersonId};
use crate::throttle::Lane;

/// A way of proving who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorKind {
    /// The password.
    Password,
    /// A one-time code by SMS.
    Otc,
}

/// A person who has given the right password; a second factor is still to come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FirstFactor {
    /// Who.
    pub person: PersonId,
    /// Their identifier.
    pub fnr: Fnr,
    /// The browser's lane: none for a stranger's.
    known: Option<crate::chance::TokenHash>,
}

impl FirstFactor {
    pub(crate) fn new(person: PersonId, fnr: Fnr, lane: Lane) -> FirstFactor {
        let known = match lane {
            Lane::Strangers => None,
            Lane::Known(browser) => Some(browser),
        };
        FirstFactor { person, fnr, known }
    }

    pub(crate) fn lane(&self) -> Lane {
        self.known.clone().map_or(Lane::Strangers, Lane::Known)
    }
}

/// Why a person with the right password gets no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Too many failures; opens by itself.
    Quarantined {
        /// When it opens.
        until: Timestamp,
    },
    /// Locked until somebody opens it.
    Locked,
    /// No longer a user.
    Closed,
    /// There is no second factor to ask for.
    NoSecondFactor,
}

/// What a password proved.
#[derive(Debug)]
pub enum PasswordVerdict {
    /// Right.
    Proved(FirstFactor),
    /// Wrong, or unknown person, or no more tries: the same to whoever asks.
    Wrong,
    /// Right, and yet no further.
    Stopped(Stop),
    /// The hashing pool is full; nothing was counted.
    Busy,
}

/// What a one-time code proved.
#[derive(Debug)]
pub enum CodeVerdict {
    /// Right.
    Proved,
    /// Wrong.
    Wrong,
    /// No further.
    Stopped(Stop),
}
