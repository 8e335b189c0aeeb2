//! Levels of assurance (`acr`), and what each electronic identity (eID) reaches.

use authenticators::factor::FactorKind;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Framework {
    Idporten,
    Eidas,
    SelfRegistered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Level {
    Low,
    Substantial,
    High,
}

/// A level of assurance in a framework, such as `idporten-loa-substantial`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Acr {
    framework: Framework,
    level: Level,
}

impl Acr {
    /// What a service gets that asks for nothing, and what MinID reaches.
    pub const SUBSTANTIAL: Acr = Acr { framework: Framework::Idporten, level: Level::Substantial };
    /// What BankID, Buypass and Commfides reach.
    pub const HIGH: Acr = Acr { framework: Framework::Idporten, level: Level::High };

    /// What the eIDs of other countries reach.
    pub const EIDAS_LOW: Acr = Acr { framework: Framework::Eidas, level: Level::Low };
    /// What the eIDs of other countries reach.
    pub const EIDAS_SUBSTANTIAL: Acr = Acr { framework: Framework::Eidas, level: Level::Substantial };
    /// What the eIDs of other countries reach.
    pub const EIDAS_HIGH: Acr = Acr { framework: Framework::Eidas, level: Level::High };

    /// What a code to an e-mail address reaches: that whoever logs in reads what is sent there, and nothing more.
    pub const EMAIL: Acr = Acr { framework: Framework::SelfRegistered, level: Level::Low };

    /// All that a service can ask for, in the order of the discovery document.
    pub const ALL: [Acr; 7] = [
        Acr { framework: Framework::Idporten, level: Level::Low },
        Acr::SUBSTANTIAL,
        Acr::HIGH,
        Acr::EIDAS_LOW,
        Acr::EIDAS_SUBSTANTIAL,
        Acr::EIDAS_HIGH,
        Acr::EMAIL,
    ];

    /// Reads the name on the wire.
    pub fn parse(name: &str) -> Option<Acr> {
        Acr::ALL.into_iter().find(|acr| acr.name() == name)
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match (self.framework, self.level) {
            (Framework::Idporten, Level::Low) => "idporten-loa-low",
            (Framework::Idporten, Level::Substantial) => "idporten-loa-substantial",
            (Framework::Idporten, Level::High) => "idporten-loa-high",
            (Framework::Eidas, Level::Low) => "eidas-loa-low",
            (Framework::Eidas, Level::Substantial) => "eidas-loa-substantial",
            (Framework::Eidas, Level::High) => "eidas-loa-high",
            (Framework::SelfRegistered, _) => "selfregistered-email",
        }
    }

    /// Whether who has this level may enter where `asked` is asked for. The frameworks are not on one scale.
    pub fn satisfies(self, asked: Acr) -> bool {
        self.framework == asked.framework && self.level >= asked.level
    }

    /// The same for a list, of which one is enough.
    pub fn satisfies_one_of(self, asked: &[Acr]) -> bool {
        asked.iter().any(|asked| self.satisfies(*asked))
    }

    /// Whether it is another country's eID that reaches it.
    pub fn is_of_another_country(self) -> bool {
        self.framework == Framework::Eidas
    }
}

impl From<Acr> for String {
    fn from(acr: Acr) -> String {
        acr.name().to_owned()
    }
}

impl TryFrom<String> for Acr {
    type Error = String;

    fn try_from(name: String) -> Result<Acr, String> {
        Acr::parse(&name).ok_or(name)
    }
}

/// An electronic identity that people can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Eid {
    /// Ours.
    MinId,
    /// A code to an e-mail address, where mail can be sent. Nobody learns who it is.
    Email,
    /// Synthetic people, no password, any level; where synthetic people are let in.
    TestId,
    /// Somebody else's, as it is configured ([`crate::eid`]).
    Other {
        /// Its name in addresses and forms.
        id: String,
        /// The levels that it reaches.
        reaches: Vec<Acr>,
    },
}

impl Eid {
    /// Its name in forms.
    pub fn id(&self) -> &str {
        match self {
            Eid::MinId => "minid",
            Eid::Email => "email",
            Eid::TestId => "testid",
            Eid::Other { id, .. } => id,
        }
    }

    /// The levels it can reach, of which one would satisfy what is asked.
    pub fn levels(&self, asked: &[Acr]) -> Vec<Acr> {
        let all = match self {
            Eid::MinId => &[Acr::SUBSTANTIAL][..],
            Eid::Email => &[Acr::EMAIL][..],
            Eid::TestId => &Acr::ALL[..],
            Eid::Other { reaches, .. } => reaches.as_slice(),
        };
        // A test person has a number, and whoever logs in by e-mail has none.
        let is_no_mailbox = |acr: &Acr| *self == Eid::Email || *acr != Acr::EMAIL;
        all.iter().copied().filter(|acr| acr.satisfies_one_of(asked)).filter(is_no_mailbox).collect()
    }
}

/// The level and the `amr` value that MinID reaches with a second factor.
pub fn reached(second: FactorKind) -> (Acr, &'static str) {
    let amr = match second {
        FactorKind::App => "Minid-APP",
        FactorKind::Totp => "Minid-TOTP",
        FactorKind::Passkey => "Minid-WEBAUTHN",
        // A code from the list is a one-time code as well.
        FactorKind::Otc | FactorKind::RecoveryCode | FactorKind::Password => "Minid-OTC",
    };
    (Acr::SUBSTANTIAL, amr)
}

/// The `amr` value of a code to an e-mail address.
pub const AMR_EMAIL: &str = "Selfregistered-email";

/// The `amr` value of TestID.
pub const AMR_TEST_ID: &str = "TestID";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for acr in Acr::ALL {
            assert_eq!(Acr::parse(acr.name()), Some(acr));
        }
        assert_eq!(Acr::parse("Idporten-loa-high"), None);
        assert_eq!(Acr::parse("Level4"), None);
    }

    #[test]
    fn which_level_opens_which_door() {
        let check = |has: &str, asked: &str, expected: bool| {
            let (has, asked) = (Acr::parse(has).unwrap(), Acr::parse(asked).unwrap());
            assert_eq!(has.satisfies(asked), expected, "{has:?} for {asked:?}");
        };
        check("idporten-loa-substantial", "idporten-loa-substantial", true);
        check("idporten-loa-substantial", "idporten-loa-low", true);
        check("idporten-loa-substantial", "idporten-loa-high", false);
        check("idporten-loa-high", "idporten-loa-substantial", true);
        check("idporten-loa-high", "eidas-loa-low", false);
        check("eidas-loa-high", "idporten-loa-low", false);
        check("eidas-loa-high", "eidas-loa-substantial", true);
        check("selfregistered-email", "selfregistered-email", true);
        for other in ["idporten-loa-low", "idporten-loa-high", "eidas-loa-low", "eidas-loa-high"] {
            check("selfregistered-email", other, false);
            check(other, "selfregistered-email", false);
        }
    }

    #[test]
    fn what_an_eid_can_do_for_a_service() {
        assert_eq!(Eid::MinId.levels(&[Acr::SUBSTANTIAL]), [Acr::SUBSTANTIAL]);
        assert_eq!(Eid::MinId.levels(&[Acr::HIGH]), []);
        assert_eq!(Eid::TestId.levels(&[Acr::SUBSTANTIAL]), [Acr::SUBSTANTIAL, Acr::HIGH]);
        assert_eq!(Eid::TestId.levels(&[Acr::HIGH]), [Acr::HIGH]);
        assert_eq!(Eid::TestId.levels(&[Acr::EMAIL]), [], "a test person has a number");
        assert_eq!(Eid::Email.levels(&[Acr::EMAIL, Acr::SUBSTANTIAL]), [Acr::EMAIL]);
        assert_eq!(Eid::Email.levels(&[Acr::SUBSTANTIAL]), []);
        let bankid = Eid::Other { id: "bankid".into(), reaches: vec![Acr::HIGH] };
        assert_eq!(bankid.levels(&[Acr::SUBSTANTIAL]), [Acr::HIGH]);
        assert_eq!(bankid.levels(&[Acr::parse("eidas-loa-high").unwrap()]), []);
    }
}
