//! Days as people in Norway count and write them.

use std::time::Duration;

use authenticators::clock::Timestamp;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;

use crate::text::Text;

const DAY: Duration = Duration::from_hours(24);
/// How long a letter usually takes from the order, in working days.
const BY_POST: usize = 10;
/// More days in a row than it takes to find as many that are not free.
const SEARCHED: u32 = 60;

/// The day on which a letter that is ordered now has usually come.
pub fn comes_by(ordered_at: Timestamp) -> Date {
    working_days_after(day_in_norway(ordered_at), BY_POST)
}

/// The last whole day of what is good until then.
pub fn last_day(valid_until: Timestamp) -> Date {
    day_in_norway(valid_until.minus(DAY))
}

/// A day as `torsdag 10. desember`, by the words of a language.
pub fn with_weekday(day: Date, text: Text) -> String {
    let weekday = nth(&text.t("date-weekdays"), day.weekday().to_monday_zero_offset());
    format!("{weekday} {}", written(day, text))
}

/// A day as `10. desember`.
pub fn written(day: Date, text: Text) -> String {
    let month = nth(&text.t("date-months"), day.month() - 1);
    format!("{} {month}", text.with("date-number", "day", day.day().to_string()))
}

/// A day as `10. desember 2026`.
pub fn with_year(day: Date, text: Text) -> String {
    format!("{} {}", written(day, text), day.year())
}

fn nth(names: &str, number: i8) -> String {
    let number = usize::try_from(number).unwrap_or_default();
    names.split(' ').nth(number).unwrap_or_default().to_owned()
}

fn day_in_norway(at: Timestamp) -> Date {
    let oslo = TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC);
    jiff::Timestamp::from_second(at.seconds()).unwrap_or_default().to_zoned(oslo).date()
}

fn working_days_after(day: Date, count: usize) -> Date {
    let next = (1..=SEARCHED).map(|days| day.saturating_add(DAY * days));
    next.filter(|day| !is_free(*day)).take(count).last().unwrap_or(day)
}

/// Saturdays, Sundays and the public holidays (lov om helligdager og helligdagsfred, lov om 1. og 17. mai).
fn is_free(day: Date) -> bool {
    let is_weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let is_fixed = matches!((day.month(), day.day()), (1 | 5, 1) | (5, 17) | (12, 25 | 26));
    // Maundy Thursday, Good Friday, Easter Monday, Ascension Day and Whit Monday, from Easter Sunday on.
    let is_moved = || {
        let after_easter = easter(day.year()).until(day).map(|span| span.get_days());
        after_easter.is_ok_and(|days| matches!(days, -3 | -2 | 1 | 39 | 50))
    };
    is_weekend || is_fixed || is_moved()
}

/// Easter Sunday in the Gregorian calendar (the "anonymous" rule, Nature of 20 April 1876).
fn easter(year: i16) -> Date {
    let year = i32::from(year);
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let corrected = (century - (century + 8) / 25 + 1) / 3;
    let moon = (19 * golden + century - century / 4 - corrected + 15) % 30;
    let week = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let late = (golden + 11 * moon + 22 * week) / 451;
    let days_after_march_began = (moon + week - 7 * late + 21).max(0).unsigned_abs();
    let march = i16::try_from(year).map_or(Date::MAX, |year| date(year, 3, 1));
    march.saturating_add(DAY * days_after_march_began)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Language, Words};

    #[test]
    fn easter_is_when_the_almanac_says() {
        for (year, month, day) in [
            (1818, 3, 22),
            (1943, 4, 25),
            (1954, 4, 18),
            (2000, 4, 23),
            (2008, 3, 23),
            (2024, 3, 31),
            (2025, 4, 20),
            (2026, 4, 5),
            (2027, 3, 28),
            (2030, 4, 21),
            (2038, 4, 25),
            (2049, 4, 18),
            (2076, 4, 19),
        ] {
            assert_eq!(easter(year), date(year, month, day));
        }
    }

    #[test]
    fn nobody_works_on_a_holiday() {
        for free in [
            date(2026, 1, 1),
            date(2026, 4, 2),
            date(2026, 4, 3),
            date(2026, 4, 5),
            date(2026, 4, 6),
            date(2026, 5, 1),
            date(2026, 5, 14),
            date(2027, 5, 17),
            date(2026, 5, 25),
            date(2026, 12, 25),
            date(2028, 12, 26),
            date(2026, 11, 28),
        ] {
            assert!(is_free(free), "{free}");
        }
        for ordinary in [date(2026, 4, 1), date(2026, 4, 7), date(2026, 5, 15), date(2026, 12, 24), date(2026, 12, 28)]
        {
            assert!(!is_free(ordinary), "{ordinary}");
        }
    }

    #[test]
    fn ten_working_days_are_longer_over_a_holiday() {
        for (ordered, comes) in [
            (date(2026, 11, 26), date(2026, 12, 10)),
            (date(2026, 11, 28), date(2026, 12, 11)),
            (date(2026, 12, 18), date(2027, 1, 5)),
            (date(2026, 3, 27), date(2026, 4, 15)),
            (date(2026, 4, 30), date(2026, 5, 18)),
        ] {
            assert_eq!(working_days_after(ordered, BY_POST), comes, "{ordered}");
        }
    }

    #[test]
    fn days_are_written_as_people_do() {
        let words: &'static Words = Box::leak(Box::new(Words::new(&[])));
        let day = date(2026, 12, 10);
        for (language, long, short) in [
            (Language::Nb, "torsdag 10. desember", "10. desember 2026"),
            (Language::Nn, "torsdag 10. desember", "10. desember 2026"),
            (Language::En, "Thursday 10 December", "10 December 2026"),
        ] {
            let text = words.text(language);
            assert_eq!((with_weekday(day, text).as_str(), with_year(day, text).as_str()), (long, short));
        }
        let text = words.text(Language::Nn);
        assert_eq!(with_weekday(date(2027, 1, 23), text), "laurdag 23. januar");
        assert_eq!(with_weekday(date(2027, 2, 28), text), "sundag 28. februar");
    }

    #[test]
    fn the_last_day_is_whole_in_norway() {
        // 24 January 2027, 23:30 at Greenwich: the 25th has begun in Norway, and the 24th is the last whole day.
        assert_eq!(last_day(Timestamp::from_seconds(1_800_833_400)), date(2027, 1, 24));
    }
}
