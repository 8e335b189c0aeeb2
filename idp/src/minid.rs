//! What a site has decided about MinID: which ways to log in end, and how long what is kept.

use std::time::Duration;

use authenticators::clock::Timestamp;
use authenticators::factor::FactorKind;
use jiff::civil::Date;
use serde::Deserialize;
use url::Url;

use crate::text;

/// How long before its end a way to log in is spoken of.
const ANNOUNCED: Duration = Duration::from_hours(180 * 24);

/// `[minid]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Minid {
    /// The ways to log in that end, and when.
    pub retired: Vec<Retired>,
    /// How many SMS go out a day at most.
    pub sms_a_day: u32,
    /// A list of SHA-1 hashes of passwords that were stolen elsewhere (Have I Been Pwned's, ordered by hash).
    pub breached_passwords_file: Option<std::path::PathBuf>,
    /// For how many days it is kept what happened on an account.
    pub events_days: u32,
    /// After how many days what is left of a closed account is erased.
    pub closed_days: u32,
    /// After how many days whoever logs in by SMS is told again that there is something better.
    pub nudge_days: u32,
    /// How many of those who have a MinID the population register may tell dead at once. More are an error of the register:
    /// nobody is closed, and the alarm is `deaths`.
    pub deaths_a_day: u32,
    /// How many of those whom we know the population register may tell another number of at once. More are an error of the
    /// register: nobody's is changed, and the alarm is `new-numbers`.
    pub new_numbers_a_day: u32,
}

impl Default for Minid {
    fn default() -> Minid {
        Minid {
            retired: Vec::new(),
            sms_a_day: 1_000_000,
            breached_passwords_file: None,
            // Five years, as long as an issuer may be asked; and one.
            events_days: 5 * 365,
            closed_days: 365,
            nudge_days: 30,
            deaths_a_day: 1000,
            new_numbers_a_day: 1000,
        }
    }
}

/// A way to log in that ends.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {
    /// Which.
    pub kind: FactorKind,
    /// From this day on, in Norway, it does no longer.
    pub from: Date,
}

impl Minid {
    fn end_of(&self, kind: FactorKind) -> Option<Timestamp> {
        let retired = self.retired.iter().find(|retired| retired.kind == kind)?;
        let oslo = jiff::tz::TimeZone::get("Europe/Oslo").unwrap_or(jiff::tz::TimeZone::UTC);
        let midnight = retired.from.to_zoned(oslo).ok()?;
        Some(Timestamp::from_seconds(midnight.timestamp().as_second()))
    }

    /// Whether a second factor no longer does for a login.
    pub fn is_retired(&self, kind: FactorKind, now: Timestamp) -> bool {
        self.end_of(kind).is_some_and(|end| end <= now)
    }

    /// The day on which it will no longer do, once that is near.
    pub fn retires(&self, kind: FactorKind, now: Timestamp) -> Option<String> {
        let end = self.end_of(kind).filter(|end| *end > now && end.since(now) < ANNOUNCED)?;
        Some(text::in_norway(end, "%d.%m.%Y"))
    }

    /// The key of the words that say that a way to log in ends, and the day; none while that is far.
    pub fn notice(&self, kind: FactorKind, now: Timestamp) -> Option<(&'static str, String)> {
        let key = match kind {
            FactorKind::App => "retires-app",
            FactorKind::Passkey => "retires-passkey",
            FactorKind::Totp => "retires-totp",
            FactorKind::RecoveryCode => "retires-recovery",
            FactorKind::Otc | FactorKind::Password => "code-retired",
        };
        self.retires(kind, now).map(|day| (key, day))
    }

    /// How long nobody is told again that there is something better.
    pub fn nudge_every(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.nudge_days))
    }

    /// What is wrong with it at an issuer, one line each.
    pub fn objections(&self, issuer: &Url) -> Vec<String> {
        let mut lines = Vec::new();
        if self.retired.iter().any(|retired| !FactorKind::SECOND.contains(&retired.kind)) {
            lines.push("minid.retired: kind is app, passkey, totp, otc or recovery_code".to_owned());
        }
        // Whoever has what is over sets up one of these on the way in.
        let ends = |kind: &FactorKind| self.retired.iter().any(|retired| retired.kind == *kind);
        // The app and passkeys are WebAuthn, which there is at names alone.
        match (issuer.domain(), ends(&FactorKind::Totp)) {
            (Some(_), true) if [FactorKind::App, FactorKind::Passkey].iter().all(ends) => {
                lines.push("minid.retired: app, passkey or totp has to be left, to be set up on the way in".to_owned());
            }
            (None, true) => lines.push(
                "minid.retired: totp has to be left, to be set up on the way in: at an IP address (server.issuer) there is \
                 neither app nor passkey"
                    .to_owned(),
            ),
            _ => {}
        }
        if self.sms_a_day == 0 {
            lines.push("minid.sms_a_day: nobody would get a code".to_owned());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_to_log_in_ends_at_midnight_in_norway() {
        let retired = vec![Retired { kind: FactorKind::Otc, from: "2027-01-01".parse().unwrap() }];
        let minid = Minid { retired, ..Minid::default() };
        let at = |text: &str| Timestamp::from_seconds(text.parse::<jiff::Timestamp>().unwrap().as_second());
        let before = at("2026-12-31T22:59:59Z");
        assert!(
            !minid.is_retired(FactorKind::Otc, before) && minid.is_retired(FactorKind::Otc, at("2026-12-31T23:00:00Z"))
        );
        assert!(!minid.is_retired(FactorKind::Totp, at("2030-01-01T00:00:00Z")));
        assert_eq!(minid.retires(FactorKind::Otc, before).as_deref(), Some("01.01.2027"));
        assert_eq!(minid.retires(FactorKind::Otc, at("2026-01-01T00:00:00Z")), None, "it is far");
        assert_eq!(minid.retires(FactorKind::Otc, at("2027-01-02T00:00:00Z")), None, "it is over");
        let [name, address] = ["https://minid.example", "https://192.0.2.1"].map(|text| Url::parse(text).unwrap());
        assert_eq!((minid.objections(&name), minid.objections(&address)), (Vec::new(), Vec::new()));
        let all = FactorKind::SECOND.map(|kind| Retired { kind, from: "2027-01-01".parse().unwrap() });
        assert_eq!(Minid { retired: all.into(), ..Minid::default() }.objections(&name).len(), 1);
        let odd = vec![Retired { kind: FactorKind::Password, from: "2027-01-01".parse().unwrap() }];
        assert_eq!(Minid { retired: odd, ..Minid::default() }.objections(&name).len(), 1);
        // Where there is no WebAuthn the code app is all that there is to set up.
        let codes =
            [FactorKind::Otc, FactorKind::Totp].map(|kind| Retired { kind, from: "2027-01-01".parse().unwrap() });
        let codes = Minid { retired: codes.into(), ..Minid::default() };
        assert_eq!((codes.objections(&name).len(), codes.objections(&address).len()), (0, 1));
    }
}
