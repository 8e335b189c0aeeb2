//! Activation letters on paper: [`pdf`] is one letter, [`batch`] what the print house gets at once, [`sftp`] the way
//! there, and [`proof`] what is looked at before anything is printed.

pub mod batch;
pub mod pdf;
pub mod proof;
pub mod sftp;

use std::sync::LazyLock;

use idp::text::{Language, Text, Words};

/// The words of the letters, each language's file.
const WORDS: [(Language, &str); 3] = [
    (Language::Nb, include_str!("../../locales/nb/letters.ftl")),
    (Language::Nn, include_str!("../../locales/nn/letters.ftl")),
    (Language::En, include_str!("../../locales/en/letters.ftl")),
];

static READ: LazyLock<Words> = LazyLock::new(|| Words::new(&WORDS));

/// The words of the letters in a language.
pub fn text(language: Language) -> Text {
    READ.text(language)
}
