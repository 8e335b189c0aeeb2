//! Choosing a password: what is wrong with one, in words that help.

use authenticators::password;
use authenticators::password_rules::{self, Problem};
use authenticators::person::Person;
use zxcvbn::feedback::{Suggestion, Warning};

use crate::app::App;

/// What has become of a choice.
pub enum Chosen {
    /// It will do: its hash.
    Good(String),
    /// It will not.
    Bad(Objection),
    /// The hashing pool is full.
    Busy,
}

/// Keys of words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Objection {
    /// What is wrong with it.
    pub password: Option<&'static str>,
    /// What is wrong with the second typing.
    pub repeat: Option<&'static str>,
    /// What would help.
    pub hints: Vec<&'static str>,
}

/// Looks at a password for somebody, typed twice, and hashes it if it is good.
pub async fn choose(app: &App, person: &Person, (typed, repeated): (&str, &str)) -> anyhow::Result<Chosen> {
    let fnr = person.fnr.as_str();
    let (birth, end) = fnr.split_at_checked(6).unwrap_or((fnr, ""));
    let about = [person.given_name.as_str(), &person.family_name, fnr, birth, end];
    let mut objection = match password_rules::check(typed, &about) {
        Ok(()) if app.world.breached.has(typed).await? => words_of(Problem::Breached),
        Ok(()) => Objection::default(),
        Err(problem) => words_of(problem),
    };
    if objection.password.is_none() && typed != repeated {
        objection.repeat = Some("problem-password-repeat");
    }
    if objection != Objection::default() {
        return Ok(Chosen::Bad(objection));
    }
    Ok(password::hash(&app.world, typed).await?.map_or(Chosen::Busy, Chosen::Good))
}

fn words_of(problem: Problem) -> Objection {
    let key = match &problem {
        Problem::Empty => "problem-new-password-empty",
        Problem::Short => "problem-new-password-short",
        Problem::Long => "problem-new-password-long",
        Problem::NoLetter => "problem-new-password-letter",
        Problem::NoDigit => "problem-new-password-digit",
        Problem::Characters => "problem-new-password-characters",
        Problem::Breached => "problem-new-password-breached",
        Problem::Guessable(warning, _) => why(*warning),
    };
    let hints = match problem {
        Problem::Guessable(_, suggestions) => {
            let mut hints: Vec<&str> = suggestions.into_iter().filter_map(what_helps).collect();
            hints.dedup();
            if hints.is_empty() { vec!["password-hint-words"] } else { hints }
        }
        _ => Vec::new(),
    };
    Objection { password: Some(key), repeat: None, hints }
}

fn why(warning: Option<Warning>) -> &'static str {
    match warning {
        Some(Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess) => {
            "problem-new-password-keyboard"
        }
        Some(Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess) => {
            "problem-new-password-repeats"
        }
        Some(Warning::SequencesLikeAbcAreEasyToGuess) => "problem-new-password-sequence",
        Some(Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess) => "problem-new-password-date",
        Some(Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess) => {
            "problem-new-password-name"
        }
        Some(
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword,
        ) => "problem-new-password-common",
        Some(Warning::AWordByItselfIsEasyToGuess) => "problem-new-password-word",
        None => "problem-new-password-guessable",
    }
}

fn what_helps(suggestion: Suggestion) -> Option<&'static str> {
    match suggestion {
        Suggestion::UseAFewWordsAvoidCommonPhrases | Suggestion::AddAnotherWordOrTwo => Some("password-hint-words"),
        Suggestion::CapitalizationDoesntHelpVeryMuch | Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase => {
            Some("password-hint-capitals")
        }
        Suggestion::ReversedWordsArentMuchHarderToGuess | Suggestion::PredictableSubstitutionsDontHelpVeryMuch => {
            Some("password-hint-tricks")
        }
        Suggestion::UseALongerKeyboardPatternWithMoreTurns
        | Suggestion::AvoidRepeatedWordsAndCharacters
        | Suggestion::AvoidSequences => Some("password-hint-patterns"),
        Suggestion::AvoidRecentYears
        | Suggestion::AvoidYearsThatAreAssociatedWithYou
        | Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => Some("password-hint-years"),
        Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters => None,
    }
}
