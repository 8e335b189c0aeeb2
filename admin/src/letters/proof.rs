//! What is configured and stands in every letter is looked at before the first one is printed: people are to learn of it
//! who can mend it, and not from letters that are given back as unprintable.

use authenticators::clock::Timestamp;
use idp::config::{Issuer, LettersConfig};
use idp::text::Language;

use super::batch::NO_CODE;
use super::pdf::{self, Fonts, Kind, Letter};
use super::text;

/// The widest that a letter's id can be.
const ID: &str = "mmmmmmmmmmmmmmmm";

/// What cannot be printed of it, one line each.
pub fn objections(letters: &LettersConfig, issuer: &Issuer) -> Vec<String> {
    match Fonts::read() {
        Ok(fonts) => of_texts(letters, &fonts).or_else(|| of_sheets(letters, issuer, &fonts)).unwrap_or_default(),
        Err(error) => vec![format!("letters: {error:#}")],
    }
}

/// What is wrong with one of the texts, if something is.
fn of_texts(letters: &LettersConfig, fonts: &Fonts) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let LettersConfig { sender, protected_via, test_address, .. } = letters;
    for (name, lines) in [("sender", sender), ("protected_via", protected_via), ("test_address", test_address)] {
        for line in lines.iter().filter(|line| !fonts.has(line)) {
            found.push(format!("letters.{name}: {line:?} has characters that the font of the letters does not have"));
        }
    }
    for (number, line) in sender.iter().enumerate() {
        if !fonts.fits_at_top(number, line) {
            found.push(format!("letters.sender: {line:?} is wider than a letter"));
        }
    }
    let forwarded = [protected_via.as_slice(), &[format!("Ref. {ID}")]].concat();
    for (name, lines) in [("protected_via", &forwarded), ("test_address", test_address)] {
        if !fonts.fits_in_window(lines) {
            found.push(format!("letters.{name}: too long for the window of an envelope"));
        }
    }
    (!found.is_empty()).then_some(found)
}

/// What is wrong with all of it on one sheet, if something is.
fn of_sheets(letters: &LettersConfig, issuer: &Issuer, fonts: &Fonts) -> Option<Vec<String>> {
    let somebody = ["Kari Nordmann".to_owned()];
    let all = [Language::Nb, Language::Nn, Language::En].map(|language| (Kind::Letter, language));
    let test = (!letters.test_address.is_empty()).then_some((Kind::Test, Language::default()));
    let print = |(kind, language)| {
        let times = (Timestamp::from_seconds(0), Timestamp::from_seconds(0));
        let (sender, issuer) = (letters.sender.as_slice(), issuer.as_str());
        let letter =
            Letter { id: ID, kind, sender, lines: &somebody, code: NO_CODE, is_over_minid: true, issuer, times };
        pdf::print(&letter, fonts, text(language)).err().map(|error| format!("letters: {error:#}"))
    };
    all.into_iter().chain(test).find_map(print).map(|line| vec![line])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(change: impl FnOnce(&mut LettersConfig)) -> Vec<String> {
        let mut letters = LettersConfig::of(&["MinID", "Postboks 1382 Vika", "0114 OSLO"]);
        letters.protected_via = ["Skatteetaten, vidaresending", "Postboks 9200 Grønland"].map(str::to_owned).to_vec();
        letters.test_address = vec!["Kárášjoga prøvemottak".to_owned()];
        change(&mut letters);
        objections(&letters, &Issuer::try_from("https://login.example.no".to_owned()).unwrap())
    }

    #[test]
    fn what_cannot_be_printed_is_told_before_it_is() {
        assert_eq!(of(|_| {}), [""; 0]);
        for odd in ["MinID\u{7}", "Min\u{e000}ID", "\u{feff}MinID", "字"] {
            let expected = |name: &str| {
                vec![format!("letters.{name}: {odd:?} has characters that the font of the letters does not have")]
            };
            assert_eq!(of(|letters| letters.sender[0] = odd.to_owned()), expected("sender"));
            assert_eq!(of(|letters| letters.sender[1] = odd.to_owned()), expected("sender"));
            assert_eq!(of(|letters| letters.protected_via[0] = odd.to_owned()), expected("protected_via"));
            assert_eq!(of(|letters| letters.test_address[0] = odd.to_owned()), expected("test_address"));
        }
    }

    #[test]
    fn what_is_too_long_is_told_as_well() {
        let wide = "Direktoratet ".repeat(20);
        assert!(of(|letters| letters.sender[2] = wide.clone())[0].ends_with("is wider than a letter"));
        let high = vec!["Postboks 1".to_owned(); 8];
        let window = |name: &str| vec![format!("letters.{name}: too long for the window of an envelope")];
        // With the reference it is one line too much.
        assert_eq!(of(|letters| letters.protected_via = high.clone()), window("protected_via"));
        assert_eq!(of(|letters| letters.test_address = high.clone()), [""; 0]);
        assert_eq!(
            of(|letters| letters.test_address = [high, vec!["Hit".to_owned()]].concat()),
            window("test_address")
        );
    }

    #[test]
    fn an_address_of_ours_that_no_letter_has_room_for_is_told() {
        let letters = LettersConfig::of(&["MinID"]);
        let issuer = Issuer::try_from(format!("https://{}no", "a.".repeat(2000))).unwrap();
        assert!(objections(&letters, &issuer)[0].starts_with("letters: "), "{:?}", objections(&letters, &issuer));
    }
}
