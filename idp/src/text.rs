//! Words: Fluent files in `locales/{nb,nn,en}`, built into the program.

use authenticators::clock::Timestamp;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use serde::{Deserialize, Serialize};

/// A language that a reader can choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Bokmål.
    #[default]
    Nb,
    /// Nynorsk.
    Nn,
    /// English.
    En,
    /// Northern Sámi. Until a speaker has written the words they are Bokmål's.
    Se,
}

impl Language {
    /// In the order of the menu.
    pub const ALL: [Language; 4] = [Language::Nb, Language::Nn, Language::En, Language::Se];

    /// Its code, as in `ui_locales` and the claim `locale`.
    pub fn code(self) -> &'static str {
        match self {
            Language::Nb => "nb",
            Language::Nn => "nn",
            Language::En => "en",
            Language::Se => "se",
        }
    }

    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Language::Nb => "Bokmål",
            Language::Nn => "Nynorsk",
            Language::En => "English",
            Language::Se => "Sámegiella",
        }
    }

    /// Reads a language tag (RFC 5646): its first part decides, and `no` is Bokmål.
    pub fn parse(tag: &str) -> Option<Language> {
        let first = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        match first.as_str() {
            "no" => Some(Language::Nb),
            code => Language::ALL.into_iter().find(|language| language.code() == code),
        }
    }

    /// The language whose words are shown.
    #[must_use]
    pub fn of_words(self) -> Language {
        if self == Language::Se { Language::Nb } else { self }
    }
}

/// The words of every language.
pub struct Words([(Language, FluentBundle<FluentResource>); 3]);

/// The words of subjects, a file in each language.
macro_rules! words_of {
    ($($subject:literal),+) => {
        &[$(
            (Language::Nb, include_str!(concat!("../locales/nb/", $subject, ".ftl"))),
            (Language::Nn, include_str!(concat!("../locales/nn/", $subject, ".ftl"))),
            (Language::En, include_str!(concat!("../locales/en/", $subject, ".ftl"))),
        )+]
    };
}

/// The words of the citizens' pages.
const FILES: &[(Language, &str)] = words_of![
    "porten",
    "letter",
    "activate",
    "activate_app",
    "recover_app",
    "place",
    "postbox",
    "guest",
    "ways",
    "lost",
    "number",
    "school_events"
];

impl Words {
    /// Reads the citizens' words, and another face's beside them.
    pub fn new(more: &[(Language, &'static str)]) -> Words {
        Words([Language::Nb, Language::Nn, Language::En].map(|language| {
            let mut bundle = FluentBundle::new_concurrent(vec![language.code().parse().unwrap_or_default()]);
            // Otherwise each argument stands between two invisible characters.
            bundle.set_use_isolating(false);
            for (_, file) in FILES.iter().chain(more).filter(|(of, _)| *of == language) {
                let resource = FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(part, errors)| {
                    tracing::error!(?errors, "words that cannot be read");
                    part
                });
                bundle.add_resource_overriding(resource);
            }
            (language, bundle)
        }))
    }

    /// The words of a language.
    pub fn text(&'static self, language: Language) -> Text {
        Text { language, words: self }
    }
}

/// A moment in Norway, as `strftime` writes it.
pub fn in_norway(at: Timestamp, format: &str) -> String {
    let moment = jiff::Timestamp::from_second(at.seconds()).unwrap_or_default();
    match jiff::tz::TimeZone::get("Europe/Oslo") {
        Ok(oslo) => moment.to_zoned(oslo).strftime(format).to_string(),
        Err(_) => moment.strftime(&format!("{format} UTC")).to_string(),
    }
}

/// The words of one language; small, and handed to every page.
#[derive(Clone, Copy)]
pub struct Text {
    /// The language that was chosen.
    pub language: Language,
    words: &'static Words,
}

impl Text {
    /// The words under a key.
    pub fn t(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// The words under a key, with one thing put in.
    pub fn with(&self, key: &str, name: &str, value: impl Into<String>) -> String {
        let mut args = FluentArgs::new();
        args.set(name.to_owned(), value.into());
        self.format(key, Some(&args))
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let shown = self.language.of_words();
        let bundle = self.words.0.iter().find(|(language, _)| *language == shown).map(|(_, bundle)| bundle);
        let pattern = bundle.and_then(|bundle| Some((bundle, bundle.get_message(key)?.value()?)));
        match pattern {
            Some((bundle, pattern)) => bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned(),
            None => key.to_owned(),
        }
    }
}
