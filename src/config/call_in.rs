//! `[call_in]`: what a caller meets before the conference.

use super::{at_least_one, seconds};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::path::PathBuf;
use std::time::Duration;

/// Languages a caller can be offered: the keys of a menu somebody listens to the end of.
pub const MOST_LANGUAGES: usize = 5;

/// `[call_in]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallIn {
    /// Called numbers that are ours, as the network sends them; empty: all.
    pub numbers: Vec<CalledNumber>,
    /// The language of the prompts, or those to choose from.
    pub language: Languages,
    /// A directory of packs by language; what it has not is built in.
    pub prompts: PathBuf,
    /// The music of callers who wait; empty: that built in.
    pub music: PathBuf,
    /// Say the event number that was keyed before the PIN is asked for.
    pub repeat_event_number: bool,
    /// Seconds until the first key, after the prompt.
    #[serde(rename = "first_digit_s", deserialize_with = "seconds")]
    pub first_digit: Duration,
    /// Seconds between keys.
    #[serde(rename = "digit_s", deserialize_with = "seconds")]
    pub digit: Duration,
    /// How often event number and PIN may be entered in one call.
    #[serde(deserialize_with = "at_least_one")]
    pub tries: u8,
}

impl Default for CallIn {
    fn default() -> Self {
        CallIn {
            numbers: Vec::new(),
            language: Languages(vec!["en".to_owned()]),
            prompts: PathBuf::new(),
            music: PathBuf::new(),
            repeat_event_number: false,
            first_digit: Duration::from_secs(10),
            digit: Duration::from_secs(5),
            tries: 3,
        }
    }
}

impl CallIn {
    /// All languages that are spoken, each once, the usual one first.
    #[must_use]
    pub fn languages(&self) -> Vec<&str> {
        let of_numbers = self.numbers.iter().filter_map(|number| number.language.as_ref());
        let mut all: Vec<&str> = Vec::new();
        for language in std::iter::once(&self.language).chain(of_numbers).flat_map(|offered| &offered.0) {
            if !all.contains(&language.as_str()) {
                all.push(language);
            }
        }
        all
    }

    /// What the exchange in software dials where nothing else is asked for: the first number that is ours, or any if all are.
    #[must_use]
    pub fn dialled_by_default(&self) -> String {
        self.numbers.first().map_or_else(|| "100".to_owned(), |number| number.digits.clone())
    }

    /// Called numbers, as digits.
    #[must_use]
    pub fn called_digits(&self) -> Vec<String> {
        self.numbers.iter().map(|number| number.digits.clone()).collect()
    }
}

/// The languages a caller is offered, by their codes, in the order of the keys; one alone is spoken without asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Languages(pub Vec<String>);

impl<'de> Deserialize<'de> for Languages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a language such as \"en\", or a list of languages")]
        enum Written {
            One(String),
            Several(Vec<String>),
        }
        let languages = match Written::deserialize(deserializer)? {
            Written::One(language) => vec![language],
            Written::Several(languages) => languages,
        };
        if languages.is_empty() || languages.len() > MOST_LANGUAGES {
            return Err(D::Error::custom(format!("from 1 to {MOST_LANGUAGES} languages, one a key")));
        }
        for (place, language) in languages.iter().enumerate() {
            // The code is the name of a directory.
            if language.is_empty() || !language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(D::Error::custom(format!(
                    "`{language}` is no language: a code such as \"en\" or \"pt-BR\""
                )));
            }
            if languages[..place].contains(language) {
                return Err(D::Error::custom(format!("`{language}` is there twice")));
            }
        }
        Ok(Languages(languages))
    }
}

/// A called number that is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalledNumber {
    /// Its digits, as the network sends them.
    pub digits: String,
    /// The languages of who calls it, if not the usual ones.
    pub language: Option<Languages>,
}

impl<'de> Deserialize<'de> for CalledNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            number: String,
            language: Option<Languages>,
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = CalledNumber;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number such as \"5550100\", or { number = \"5550100\", language = \"de\" }")
            }
            fn visit_str<E: serde::de::Error>(self, digits: &str) -> Result<CalledNumber, E> {
                Ok(CalledNumber { digits: digits.to_owned(), language: None })
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<CalledNumber, A::Error> {
                let table = Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(CalledNumber { digits: table.number, language: table.language })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn read(text: &str) -> Result<super::CallIn, String> {
        Config::parse(&format!("[call_in]\n{text}\n")).map(|config| config.call_in)
    }

    #[test]
    fn a_number_may_have_languages_of_its_own() {
        let read = read(
            "language = \"de\"\nnumbers = [\"5550100\", { number = \"5550101\", language = \"fr\" }, { number = \"5550102\", \
             language = [\"es\", \"de\"] }]",
        )
        .expect("valid");
        assert_eq!(read.languages(), ["de", "fr", "es"]);
        assert_eq!(read.called_digits(), ["5550100", "5550101", "5550102"]);
        assert_eq!(read.dialled_by_default(), "5550100");
        assert_eq!(super::CallIn::default().dialled_by_default(), "100", "any number is taken");
        assert_eq!(read.numbers[0].language, None);
        assert_eq!(read.numbers[2].language.as_ref().map(|offered| offered.0.len()), Some(2));
    }

    #[test]
    fn what_is_no_language_is_refused_with_its_line() {
        for (wrong, why) in [
            ("language = []", "from 1 to 5 languages"),
            ("language = [\"en\", \"en\"]", "twice"),
            ("language = \"../en\"", "no language"),
            ("language = 7", "a language such as"),
            ("numbers = [{ number = \"1\", langage = \"de\" }]", "langage"),
            ("numbers = [1]", "a number such as"),
        ] {
            let said = read(wrong).expect_err(wrong);
            assert!(said.contains("line 2") && said.contains(why), "{said}");
        }
    }
}
