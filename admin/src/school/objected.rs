//! What speaks against a file, in the words of whoever reads a page. Files are told of in English where a machine or an
//! operator reads; each of those sentences has words here, and one that has none is shown as it is.

use super::import::{FOREIGN, NEW};
use super::roster::RowError;

/// Words for a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Under which key.
    pub key: &'static str,
    /// What is put in as `number`: another row, or how many there may be.
    pub number: Option<u64>,
}

const WHOLE: [(&str, &str); 24] = [
    (FOREIGN, "school-row-foreign"),
    (NEW, "school-row-new-school"),
    ("orgno: not an organisation number of nine digits", "school-row-orgno"),
    ("orgno: a school owner's own, or none, on a row of its own people", "school-row-owner-orgno"),
    ("skole: not a name", "school-row-school"),
    ("skole, klasse: must be empty for those who act for the owner", "school-row-owner-place"),
    ("klasse: is missing", "school-row-no-class"),
    ("klasse: is missing, or not a name", "school-row-no-class"),
    ("klasse: another name of the same class stands in a row before", "school-row-class-name"),
    ("klasse: must be empty for those who act for the whole school", "school-row-school-class"),
    ("rolle: not one that is known", "school-row-role"),
    ("fnr: is missing", "school-row-no-fnr"),
    ("fnr: a fødselsnummer or D-number has eleven digits", "school-row-fnr-digits"),
    ("fnr: not a fødselsnummer or D-number, date or check digits are wrong", "school-row-fnr"),
    ("fnr: synthetic people are not let in here", "school-row-fnr-synthetic"),
    ("fnr: real people are not let in here", "school-row-fnr-real"),
    ("fornavn, etternavn: not a name", "school-row-name"),
    ("somebody who works in the class is no pupil of it", "school-row-works-there"),
    ("nobody is in the file", "school-row-nobody"),
    ("the file is empty", "school-row-empty"),
    ("the file cannot be read", "school-row-unreadable"),
    ("the row cannot be read", "school-row-unreadable"),
    ("the row is too long; is a quotation mark not closed?", "school-row-too-long"),
    (
        "the first row must name the columns orgno, skole, klasse, rolle, fnr, fornavn, etternavn",
        "school-row-no-columns",
    ),
];

/// Sentences that end with a number, by what stands before and after it.
const NUMBERED: [(&str, &str, &str); 4] = [
    ("skole: not the name that its orgno has on row ", "", "school-row-school-twice"),
    ("fornavn, etternavn: not the name that the fnr has on row ", "", "school-row-name-twice"),
    ("the same pupil in the same class as on row ", "", "school-row-pupil-twice"),
    ("more than ", " rows are not taken at once (school.rows_at_most in the configuration)", "school-row-too-many"),
];

/// The words for what is wrong with a row.
pub fn words(error: &RowError) -> Option<Words> {
    let detail = error.detail.as_str();
    if let Some((_, key)) = WHOLE.into_iter().find(|(sentence, _)| *sentence == detail) {
        return Some(Words { key, number: None });
    }
    NUMBERED.into_iter().find_map(|(before, after, key)| {
        let number = detail.strip_prefix(before)?.strip_suffix(after)?;
        Some(Words { key, number: Some(number.parse().ok()?) })
    })
}

#[cfg(test)]
mod tests {
    use authenticators::person::{Fnr, FnrPolicy};

    use super::*;
    use crate::school::register::Orgno;
    use crate::school::roster::Reader;

    const HEAD: &str = "orgno;skole;klasse;rolle;fnr;fornavn;etternavn\n";
    const PUPIL: &str = "974589095;S;10A;elev;05895894984;A;B\n";

    fn found(text: &[u8], (real, synthetic): (bool, bool)) -> Vec<RowError> {
        let owner = Orgno::parse("999999999").unwrap();
        let people = FnrPolicy { real, synthetic, expanded: false };
        Reader { owner: &owner, people, rows_at_most: 4 }.plain(text).unwrap_err().errors
    }

    #[test]
    fn every_sentence_of_a_plain_file_has_words() {
        let mut keys = std::collections::BTreeSet::from(["school-row-foreign", "school-row-new-school"]);
        let quoted = format!("{HEAD}\"{}", PUPIL.repeat(10_000));
        let files: Vec<String> = [
            "05895894984;S;10A;elev;05895894984;A;B",
            "974589095;S;;skoleeier;05895894984;A;B",
            ";S;;skoleeier;05895894984;A;B",
            "974589095;;10A;elev;05895894984;A;B",
            "974589095;S;;elev;05895894984;A;B",
            "974589095;S;10A;rektor;05895894984;A;B",
            "974589095;S;10A;x;05895894984;A;B",
            "974589095;S;10A;assistent;;A;B",
            "974589095;S;10A;elev;1;A;B",
            "974589095;S;10A;elev;05895894985;A;B",
            "974589095;S;10A;elev;05895894984;;",
            "",
            &format!("{PUPIL}{PUPIL}"),
            &format!("{PUPIL}{}", PUPIL.replace("elev", "faglærer")),
            &format!("{PUPIL}974589095;S;10B;elev;05895894984;A;C"),
            &format!("{PUPIL}974589095;T;10B;elev;05895894984;A;B"),
            &PUPIL.repeat(5),
        ]
        .map(|rows| format!("{HEAD}{rows}"))
        .into_iter()
        .chain(["x;y\n".to_owned(), String::new(), quoted])
        .collect();
        let anybody = files.iter().map(|text| (text.as_str(), (true, true)));
        let only_real = FnrPolicy { real: true, synthetic: false, expanded: false };
        let is_real = |number: &String| Fnr::parse(number, only_real).is_ok();
        let real = (0..100_000).map(|number| format!("010180{number:05}")).find(is_real).unwrap();
        let refused = [format!("{HEAD}{PUPIL}"), format!("{HEAD}{}", PUPIL.replace("05895894984", &real))];
        let refused = refused.iter().map(String::as_str).zip([(true, false), (false, true)]);
        for (text, people) in anybody.chain(refused) {
            for error in found(text.as_bytes(), people) {
                keys.insert(words(&error).unwrap_or_else(|| panic!("{error}: no words")).key);
            }
        }
        // None that is never said: but those of which a reader of memory knows nothing, or that another kind of file says.
        let unsaid = ["school-row-unreadable", "school-row-class-name"];
        let all = WHOLE.iter().map(|(_, key)| *key).chain(NUMBERED.iter().map(|(.., key)| *key));
        let missing: Vec<&str> = all.filter(|key| !keys.contains(key) && !unsaid.contains(key)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_number_is_told() {
        let error = |detail: &str| RowError { file: "", row: 3, detail: detail.to_owned() };
        let twice = words(&error("the same pupil in the same class as on row 2"));
        assert_eq!(twice, Some(Words { key: "school-row-pupil-twice", number: Some(2) }));
        assert_eq!(words(&error("something else")), None);
    }
}
