//! What the ways of proving have in common.

use serde::{Deserialize, Serialize};

use crate::chance::{Chance, TokenHash};
use crate::clock::Timestamp;
use crate::person::{Fnr, PersonId};
use crate::shown;
use crate::throttle::Lane;

text_id! {
    /// A factor of a person: one app, one key, one device.
    FactorId,
}

impl FactorId {
    pub(crate) fn fresh(chance: &Chance) -> anyhow::Result<FactorId> {
        Ok(FactorId(chance.token()?.reveal().chars().take(22).collect()))
    }
}

/// A way of proving who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorKind {
    /// The password.
    Password,
    /// Approving in the MinID app.
    App,
    /// A passkey; with user verification it is two factors in one.
    Passkey,
    /// A code that an app makes from a secret and the time.
    Totp,
    /// A one-time code by SMS.
    Otc,
    /// A code from the list for whoever has lost everything else.
    RecoveryCode,
}

impl FactorKind {
    /// Those that can come second, the better ones first.
    pub const SECOND: [FactorKind; 5] =
        [FactorKind::App, FactorKind::Passkey, FactorKind::Totp, FactorKind::Otc, FactorKind::RecoveryCode];

    /// Its name, in forms and in tables.
    pub fn name(self) -> &'static str {
        match self {
            FactorKind::Password => "password",
            FactorKind::App => "app",
            FactorKind::Passkey => "passkey",
            FactorKind::Totp => "totp",
            FactorKind::Otc => "otc",
            FactorKind::RecoveryCode => "recovery_code",
        }
    }

    /// Reads the name of one that can come second.
    pub fn second(name: &str) -> Option<FactorKind> {
        FactorKind::SECOND.into_iter().find(|kind| kind.name() == name)
    }
}

/// A name that a person gives to one of their things: what is left of what they typed.
pub fn name_of(typed: &str, otherwise: &str) -> String {
    let name: String = typed.chars().filter(|c| !shown::is_odd(*c)).take(60).collect();
    match name.trim() {
        "" => otherwise.to_owned(),
        name => name.to_owned(),
    }
}

/// A person who has given the right password; a second factor is still to come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FirstFactor {
    /// Who.
    pub person: PersonId,
    /// Their identifier.
    pub fnr: Fnr,
    /// The browser's lane: none for a stranger's.
    known: Option<TokenHash>,
    /// When.
    pub(crate) at: Timestamp,
}

impl FirstFactor {
    pub(crate) fn new(person: PersonId, fnr: Fnr, lane: Lane, at: Timestamp) -> FirstFactor {
        let known = match lane {
            Lane::Strangers | Lane::Recovery => None,
            Lane::Known(browser) => Some(browser),
        };
        FirstFactor { person, fnr, known, at }
    }

    pub(crate) fn lane(&self) -> Lane {
        self.known.clone().map_or(Lane::Strangers, Lane::Known)
    }
}

/// That MinID was proved: a password and a second factor, or one factor that is two. Only [`crate::prove`] makes one.
#[derive(Debug, Clone)]
pub struct Proof {
    first: FirstFactor,
    second: FactorKind,
}

impl Proof {
    pub(crate) fn of(first: FirstFactor, second: FactorKind) -> Proof {
        Proof { first, second }
    }

    /// Who.
    pub fn person(&self) -> &PersonId {
        &self.first.person
    }

    /// Their identifier.
    pub fn fnr(&self) -> &Fnr {
        &self.first.fnr
    }

    /// By what, beside the password.
    pub fn second(&self) -> FactorKind {
        self.second
    }

    /// What came first.
    pub fn first(&self) -> &FirstFactor {
        &self.first
    }
}

/// Why a person gets no further.
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
    /// Locked by the person themselves.
    Blocked,
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

/// What a second factor proved.
#[derive(Debug)]
pub enum Verdict {
    /// Right.
    Proved(Proof),
    /// Wrong.
    Wrong,
    /// No further.
    Stopped(Stop),
}
