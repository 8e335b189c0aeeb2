//! `[[eid]]` as it is written, and what is publicly known of some eIDs, so that it need not be.
//!
//! Whatever the file says goes before what is known here. Nothing is guessed: where a provider's `acr` is told to its
//! customers alone, the file has to say it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use crate::eid::{EidConfig, Encrypted, FreshBy, Level, LevelConfig, SignedAnswer, Userinfo, Wording};

/// Requests that are pushed to one provider in a minute, if nothing is said.
const PUSHES_A_MINUTE: u32 = 6000;
/// What is asked for, if nothing is said.
const SCOPES: &[&str] = &["openid"];
/// How far its clock may be from ours, if nothing is said.
const SKEW: u64 = 10;

/// `[[eid]]`, with whatever may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    id: String,
    preset: Option<Preset>,
    issuer: String,
    client_id: String,
    key_file: Option<PathBuf>,
    key_id: Option<String>,
    secret_file: Option<PathBuf>,
    assertion_audience: Option<String>,
    name: Option<Wording>,
    about: Option<Wording>,
    logo_file: Option<PathBuf>,
    scopes: Option<Vec<String>>,
    identifier_claim: Option<String>,
    eidas_identifier_claim: Option<String>,
    name_claims: Option<Vec<String>>,
    levels: Option<Vec<WrittenLevel>>,
    #[serde(default)]
    origins: Vec<Url>,
    max_clock_skew_seconds: Option<u64>,
    pushes_a_minute: Option<u32>,
    parameters: Option<BTreeMap<String, String>>,
    fresh_by: Option<FreshBy>,
    response_mode: Option<SignedAnswer>,
    userinfo: Option<Userinfo>,
    #[serde(default)]
    encrypted: Vec<Encrypted>,
    #[serde(default)]
    encryption_key_files: Vec<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLevel {
    acr: String,
    ask: Option<String>,
    method: Option<String>,
    level: Level,
    amr: Option<String>,
}

impl TryFrom<Written> for EidConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<EidConfig, String> {
        let (id, preset) = (written.id, written.preset);
        let missing = |what: &str| format!("eid {id}: {what}");
        let levels = match written.levels {
            Some(rows) => {
                let rows: Option<Vec<LevelConfig>> = rows.into_iter().map(|row| row.with(preset)).collect();
                rows.ok_or_else(|| missing("levels: each needs amr"))?
            }
            None => {
                let known = preset.map(Preset::levels).filter(|rows| !rows.is_empty());
                known.ok_or_else(|| missing("levels: are missing; the provider tells its acr with the agreement"))?
            }
        };
        let name = written.name.or(preset.map(Preset::name)).ok_or_else(|| missing("name: is missing"))?;
        let about = written.about.or(preset.map(Preset::about)).ok_or_else(|| missing("about: is missing"))?;
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        Ok(EidConfig {
            id,
            issuer: written.issuer,
            client_id: written.client_id,
            key_file: written.key_file,
            key_id: written.key_id,
            secret_file: written.secret_file,
            assertion_audience: written.assertion_audience,
            name,
            about,
            logo_file: written.logo_file,
            scopes: written.scopes.unwrap_or_else(|| list(preset.map_or(SCOPES, Preset::scopes))),
            identifier_claim: written
                .identifier_claim
                .unwrap_or_else(|| preset.map_or("pid", Preset::identifier_claim).to_owned()),
            // Written empty, it takes back what the preset knows.
            eidas_identifier_claim: written
                .eidas_identifier_claim
                .or(preset.and_then(Preset::eidas_identifier_claim).map(str::to_owned))
                .filter(|claim| !claim.is_empty()),
            name_claims: written
                .name_claims
                .unwrap_or_else(|| list(preset.map(Preset::name_claims).unwrap_or_default())),
            levels,
            origins: written.origins,
            max_clock_skew_seconds: written.max_clock_skew_seconds.unwrap_or(SKEW),
            pushes_a_minute: written.pushes_a_minute.unwrap_or(PUSHES_A_MINUTE),
            parameters: written.parameters.unwrap_or_else(|| preset.map(Preset::parameters).unwrap_or_default()),
            fresh_by: written.fresh_by.unwrap_or_else(|| preset.map_or(FreshBy::AuthTime, Preset::fresh_by)),
            response_mode: written.response_mode,
            userinfo: written.userinfo,
            encrypted: written.encrypted,
            encryption_key_files: written.encryption_key_files,
        })
    }
}

impl WrittenLevel {
    /// With what the preset knows; nothing if something is still missing.
    fn with(self, preset: Option<Preset>) -> Option<LevelConfig> {
        let amr = self.amr.or(preset.map(|preset| preset.amr().to_owned()))?;
        Some(LevelConfig { acr: self.acr, ask: self.ask, method: self.method, level: self.level, amr })
    }
}

/// The eIDs that something is known of. Each sets `name`, `about`, the `amr` of its levels, `scopes`,
/// `identifier_claim` and `name_claims`. What is told to customers alone none of them can know: `id`, `issuer`,
/// `client_id`, and `key_file` or `secret_file` are always written. None encrypts anything or signs its answers unless
/// that was agreed on, so `response_mode`, `userinfo`, `encrypted` and `encryption_key_files` are written where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Preset {
    /// BankID's own OpenID Provider. Its pages publish all that is set: scopes `openid profile nnin_altsub`, the
    /// identifier in `nnin_altsub` of the ID token, both names, and as levels `urn:bankid:bid;LOA=4` (`BankID`) and
    /// `urn:bankid:bim;LOA=4` (`BankID Mobil`), asked for by `urn:bankid:bid`. They call its ID tokens signed and say
    /// nothing of encrypted ones. Of `auth_time` they say that version 4 of its API gives it up, and that `iat` is the
    /// same for a new session, which is what we ask for: so where there is none, `iat` tells ([`FreshBy::Iat`]).
    Bankid,
    /// BankID on the SIM card, by the same provider, for whoever has it stand beside BankID. Its older pages, of before
    /// the app took its place, have it chosen by `login_hint=BIM`, and `urn:bankid:bim;LOA=4` come back; the newer ones
    /// name it no longer. Everything else is as with BankID.
    #[serde(rename = "bankid-mobil")]
    BankidMobil,
    /// Buypass's own OpenID Provider: scopes `openid profile bpnnin`, the identifier in `bp_nnin_sub`, both names.
    /// `levels` have to be written, for it publishes no `acr`: `[{ acr = "…", level = "high" }]`. Its pages say that
    /// `prompt=login` asks for a fresh login and that `max_age` is not in use, name `auth_time` among the claims, and
    /// show a token in which it is 0: whoever gets such ones writes `fresh_by = "iat"`.
    Buypass,
    /// Buypass ID on a mobile phone, by the same provider, for whoever has it stand beside the card. Its pages have one
    /// way chosen by the parameter `bp_amr_values`, and its values have to be written from the agreement:
    /// `parameters = { bp_amr_values = "…" }`. Everything else is as with Buypass, and so is what services are told.
    #[serde(rename = "buypass-mobil")]
    BuypassMobil,
    /// Commfides; what its provider says is not public. `levels` have to be written, and `scopes` (`openid`) and
    /// `identifier_claim` (`pid`) where the agreement has others. No names are handed on.
    Commfides,
    /// A connector to the eIDs of other countries, such as ID-porten's: scopes `openid profile eidas:mds`, the
    /// identifier in `pid` if it has found one, no names, and as levels the three of eIDAS under ID-porten's own names
    /// for them. ID-porten's takes `query` and `query.jwt`: with `response_mode = "query.jwt"` its answers are signed.
    Eidas,
}

impl Preset {
    fn name(self) -> Wording {
        match self {
            Preset::Bankid => words("BankID", "BankID", "BankID"),
            Preset::BankidMobil => words("BankID på mobil", "BankID på mobil", "BankID on mobile"),
            Preset::Buypass => words("Buypass ID", "Buypass ID", "Buypass ID"),
            Preset::BuypassMobil => words("Buypass ID i mobil", "Buypass ID i mobil", "Buypass ID on mobile"),
            Preset::Commfides => words("Commfides", "Commfides", "Commfides"),
            Preset::Eidas => words(
                "Elektronisk ID fra et annet land",
                "Elektronisk ID frå eit anna land",
                "eID from another country",
            ),
        }
    }

    fn about(self) -> Wording {
        match self {
            Preset::Bankid => words("Med app eller kodebrikke", "Med app eller kodebrikke", "By app or code device"),
            Preset::BankidMobil => {
                words("Med PIN-kode på mobilen", "Med PIN-kode på mobilen", "By PIN on your mobile phone")
            }
            Preset::BuypassMobil => words(
                "Med app, eller passord og kode på SMS",
                "Med app, eller passord og kode på SMS",
                "By app, or password and code by text message",
            ),
            Preset::Buypass => {
                words("Med smartkort eller mobil", "Med smartkort eller mobil", "By smart card or mobile phone")
            }
            Preset::Commfides => {
                words("Med USB-nøkkel eller smartkort", "Med USB-nøkkel eller smartkort", "By USB key or smart card")
            }
            Preset::Eidas => words(
                "For deg som har elektronisk ID fra et EU- eller EØS-land",
                "For deg som har elektronisk ID frå eit EU- eller EØS-land",
                "If you have an electronic ID from an EU or EEA country",
            ),
        }
    }

    fn scopes(self) -> &'static [&'static str] {
        match self {
            Preset::Bankid | Preset::BankidMobil => &["openid", "profile", "nnin_altsub"],
            Preset::Buypass | Preset::BuypassMobil => &["openid", "profile", "bpnnin"],
            Preset::Commfides => &["openid"],
            Preset::Eidas => &["openid", "profile", "eidas:mds"],
        }
    }

    fn identifier_claim(self) -> &'static str {
        match self {
            Preset::Bankid | Preset::BankidMobil => "nnin_altsub",
            Preset::Buypass | Preset::BuypassMobil => "bp_nnin_sub",
            Preset::Commfides | Preset::Eidas => "pid",
        }
    }

    /// Where the connector tells who somebody is whom it has matched with nobody here.
    fn eidas_identifier_claim(self) -> Option<&'static str> {
        (self == Preset::Eidas).then_some("eidas_person_identifier")
    }

    /// Those that tell names in ID-porten.
    fn name_claims(self) -> &'static [&'static str] {
        match self {
            Preset::Bankid | Preset::BankidMobil | Preset::Buypass | Preset::BuypassMobil => {
                &["given_name", "family_name"]
            }
            Preset::Commfides | Preset::Eidas => &[],
        }
    }

    /// What one of several ways is chosen by.
    fn parameters(self) -> BTreeMap<String, String> {
        match self {
            Preset::BankidMobil => BTreeMap::from([("login_hint".to_owned(), "BIM".to_owned())]),
            Preset::Bankid | Preset::Buypass | Preset::BuypassMobil | Preset::Commfides | Preset::Eidas => {
                BTreeMap::new()
            }
        }
    }

    /// Where a provider says that it gives `auth_time` up, what tells instead.
    fn fresh_by(self) -> FreshBy {
        match self {
            Preset::Bankid | Preset::BankidMobil => FreshBy::Iat,
            Preset::Buypass | Preset::BuypassMobil | Preset::Commfides | Preset::Eidas => FreshBy::AuthTime,
        }
    }

    /// What services are told.
    fn amr(self) -> &'static str {
        match self {
            Preset::Bankid => "BankID",
            Preset::BankidMobil => "BankID Mobil",
            Preset::Buypass | Preset::BuypassMobil => "Buypass",
            Preset::Commfides => "Commfides",
            Preset::Eidas => "eIDAS",
        }
    }

    /// The table, where their `acr` is public.
    fn levels(self) -> Vec<LevelConfig> {
        let row = |acr: &str, level: Level, amr: &str| LevelConfig {
            acr: acr.to_owned(),
            ask: None,
            method: None,
            level,
            amr: amr.to_owned(),
        };
        // One acr goes into the request, and a longer one comes back.
        let bankid =
            |acr: &str, amr: &str| LevelConfig { ask: Some("urn:bankid:bid".to_owned()), ..row(acr, Level::High, amr) };
        match self {
            Preset::Bankid => {
                vec![bankid("urn:bankid:bid;LOA=4", "BankID"), bankid("urn:bankid:bim;LOA=4", "BankID Mobil")]
            }
            Preset::BankidMobil => vec![row("urn:bankid:bim;LOA=4", Level::High, self.amr())],
            Preset::Buypass | Preset::BuypassMobil | Preset::Commfides => Vec::new(),
            Preset::Eidas => vec![
                row("eidas-loa-low", Level::EidasLow, self.amr()),
                row("eidas-loa-substantial", Level::EidasSubstantial, self.amr()),
                row("eidas-loa-high", Level::EidasHigh, self.amr()),
            ],
        }
    }
}

fn words(nb: &str, nn: &str, en: &str) -> Wording {
    Wording { nb: nb.to_owned(), nn: Some(nn.to_owned()), en: Some(en.to_owned()) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(more: &Value) -> Result<EidConfig, String> {
        let mut all = json!({ "id": "x", "issuer": "https://op.test", "client_id": "porten", "key_file": "/k" });
        if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        serde_json::from_value(all).map_err(|error| error.to_string())
    }

    #[test]
    fn a_preset_is_whole_once_the_acr_is_known() {
        for (name, level, amr) in [
            ("bankid", Level::High, "BankID"),
            ("bankid-mobil", Level::High, "BankID Mobil"),
            ("buypass", Level::High, "Buypass"),
            ("buypass-mobil", Level::High, "Buypass"),
            ("commfides", Level::High, "Commfides"),
            ("eidas", Level::EidasLow, "eIDAS"),
        ] {
            let without = read(&json!({ "preset": name }));
            let config = match ["buypass", "buypass-mobil", "commfides"].contains(&name) {
                true => {
                    assert!(without.unwrap_err().contains("levels"), "{name}");
                    read(&json!({ "preset": name, "levels": [{ "acr": "theirs", "level": "high" }] })).unwrap()
                }
                false => without.unwrap(),
            };
            assert_eq!(config.objections(), Vec::<String>::new(), "{name}");
            assert_eq!(config.eidas_identifier_claim.is_some(), name == "eidas", "{name}");
            assert_eq!(config.fresh_by == FreshBy::Iat, name.starts_with("bankid"), "{name}");
            assert_eq!(!config.parameters.is_empty(), name == "bankid-mobil", "{name}");
            assert_eq!((config.levels[0].level, config.levels[0].amr.as_str()), (level, amr), "{name}");
        }
    }

    #[test]
    fn what_the_file_says_goes_first() {
        let config = read(&json!({
            "preset": "bankid", "name": { "nb": "B" }, "scopes": ["openid"], "identifier_claim": "nin", "name_claims": [],
            "levels": [{ "acr": "a", "level": "substantial", "amr": "Other" }, { "acr": "b", "level": "high" }], "pushes_a_minute": 7,
            "fresh_by": "auth_time", "parameters": { "login_hint": "BID" },
        }))
        .unwrap();
        assert_eq!((config.name.nb.as_str(), config.about.nb.as_str()), ("B", "Med app eller kodebrikke"));
        assert_eq!((config.scopes, config.identifier_claim.as_str()), (vec!["openid".to_owned()], "nin"));
        assert!(config.name_claims.is_empty() && config.pushes_a_minute == 7);
        assert_eq!((config.fresh_by, config.parameters["login_hint"].as_str()), (FreshBy::AuthTime, "BID"));
        let rows: Vec<_> = config.levels.iter().map(|row| (row.level, row.amr.as_str())).collect();
        assert_eq!(rows, [(Level::Substantial, "Other"), (Level::High, "BankID")]);
    }

    #[test]
    fn people_without_a_number_can_be_kept_out() {
        let config = read(&json!({ "preset": "eidas", "eidas_identifier_claim": "" })).unwrap();
        assert_eq!((config.eidas_identifier_claim.as_deref(), config.identifier_claim.as_str()), (None, "pid"));
        let own = read(&json!({ "preset": "eidas", "eidas_identifier_claim": "theirs" })).unwrap();
        assert_eq!(own.eidas_identifier_claim.as_deref(), Some("theirs"));
    }

    #[test]
    fn what_is_missing_or_unheard_of_is_refused() {
        let labels = json!({ "name": { "nb": "B" }, "about": { "nb": "B" } });
        let with = |levels: Value| {
            let mut all = labels.clone();
            all["levels"] = levels;
            read(&all)
        };
        assert!(with(json!([{ "acr": "a", "level": "high", "amr": "BankID" }])).is_ok());
        assert!(with(json!([{ "acr": "a", "level": "high" }])).unwrap_err().contains("amr"));
        assert!(read(&labels).unwrap_err().contains("levels"));
        assert!(read(&json!({ "levels": [] })).unwrap_err().contains("name"));
        assert!(read(&json!({ "preset": "vipps" })).unwrap_err().contains("vipps"));
        // How high something is that the preset does not know nobody guesses.
        for preset in ["bankid", "bankid-mobil", "buypass", "buypass-mobil", "commfides", "eidas"] {
            assert!(read(&json!({ "preset": preset, "levels": [{ "acr": "a" }] })).unwrap_err().contains("level"));
        }
        assert!(read(&json!({ "preset": "bankid", "colour": "red" })).unwrap_err().contains("colour"));
    }
}
