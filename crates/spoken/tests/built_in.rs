//! What the languages that are built in say of tricky numbers, written as a speaker would write them, and that they say all.

use proptest::prelude::*;
use spoken::{Grammar, LARGEST, Part, Sentence, Written};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const CODES: [&str; 4] = ["en", "de", "fr", "es"];

struct Language {
    grammar: Grammar,
    sentences: Vec<String>,
    /// What each file says, from the table the sounds are made from.
    words: BTreeMap<String, String>,
    directory: PathBuf,
}

fn language(code: &str) -> Language {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/prompts").join(code);
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).expect("there");
    let manifest: toml::Table = read("language.toml").parse().expect("TOML");
    let written = |table: &str| -> Written { manifest[table].clone().try_into().expect("lists of rules") };
    let (numbers, rules) = (written("numbers"), written("sentences"));
    let sentences: Vec<String> = rules.keys().cloned().collect();
    let wanted: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let grammar = Grammar::compile(&numbers, &rules, &wanted).expect("rules");
    let words = read("prompts.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').expect("a name and words"))
        .map(|(file, words)| (file.to_owned(), words.split('\t').next().expect("words").to_owned()))
        .collect();
    Language { grammar, sentences, words, directory }
}

impl Language {
    fn say(&self, parts: &[Part]) -> String {
        let word = |part: &Part| self.words[&self.grammar.files()[part.index()]].as_str();
        parts.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    fn number(&self, number: u16) -> String {
        self.say(self.grammar.number(number))
    }

    fn people(&self, number: u16) -> String {
        let place = self.sentences.iter().position(|name| name == "people").expect("every language counts people");
        self.say(self.grammar.sentence(Sentence(place as u8), number))
    }
}

#[rustfmt::skip]
const NUMBERS: [(&str, &[(u16, &str)]); 4] = [
    ("en", &[
        (0, "zero"), (13, "thirteen"), (20, "twenty"), (21, "twenty one"), (100, "one hundred"),
        (101, "one hundred one"), (342, "three hundred forty two"), (1000, "one thousand"),
        (1900, "one thousand nine hundred"), (9999, "nine thousand nine hundred ninety nine"),
    ]),
    ("de", &[
        (0, "null"), (1, "eins"), (11, "elf"), (17, "siebzehn"), (20, "zwanzig"), (21, "ein und zwanzig"),
        (66, "sechs und sechzig"), (100, "hundert"), (101, "hundert eins"), (121, "hundert ein und zwanzig"),
        (211, "zwei hundert elf"), (1000, "tausend"), (1001, "tausend eins"),
        (7531, "sieben tausend fünf hundert ein und dreißig"),
    ]),
    ("fr", &[
        (0, "zéro"), (16, "seize"), (17, "dix-sept"), (21, "vingt et un"), (22, "vingt deux"), (60, "soixante"),
        (61, "soixante et un"), (70, "soixante dix"), (71, "soixante et onze"), (77, "soixante dix-sept"),
        (80, "quatre-vingts"), (81, "quatre-vingts un"), (91, "quatre-vingts onze"), (99, "quatre-vingts dix-neuf"),
        (100, "cent"), (171, "cent soixante et onze"), (200, "deux cent"), (1000, "mille"),
        (1789, "mille sept cent quatre-vingts neuf"), (2000, "deux mille"),
    ]),
    ("es", &[
        (0, "cero"), (1, "uno"), (16, "dieciséis"), (21, "veintiuno"), (30, "treinta"), (31, "treinta y uno"),
        (100, "cien"), (101, "ciento uno"), (500, "quinientos"), (700, "setecientos"),
        (999, "novecientos noventa y nueve"), (1000, "mil"), (1492, "mil cuatrocientos noventa y dos"),
        (2021, "dos mil veintiuno"),
    ]),
];

#[test]
fn tricky_numbers_are_said_as_people_say_them() {
    for (code, table) in NUMBERS {
        let language = language(code);
        for (number, words) in table {
            assert_eq!(language.number(*number), *words, "{code} {number}");
        }
    }
}

#[test]
fn a_count_is_a_sentence_of_its_own_for_one_and_for_many() {
    for (code, number, words) in [
        ("en", 1, "You are the only one in the conference."),
        ("en", 2, "There are two people in the conference."),
        ("en", 21, "There are twenty one people in the conference."),
        ("de", 1, "Sie sind allein in der Konferenz."),
        ("de", 21, "Es sind ein und zwanzig Personen in der Konferenz."),
        ("fr", 1, "Vous êtes seul dans la conférence."),
        ("fr", 21, "Il y a vingt et un participants dans la conférence."),
        ("es", 1, "Está solo en la conferencia."),
        ("es", 21, "Hay veintiún participantes en la conferencia."),
        ("es", 131, "Hay ciento treinta y un participantes en la conferencia."),
    ] {
        assert_eq!(language(code).people(number), words, "{code} {number}");
    }
}

#[test]
fn everything_a_language_says_is_a_file_there_is() {
    for code in CODES {
        let language = language(code);
        for file in language.grammar.files() {
            assert!(language.words.contains_key(file), "{code} has no words for {file}");
            assert!(language.directory.join(file).with_extension("wav").is_file(), "{code} {file}");
        }
    }
}

/// No two numbers sound the same: whoever hears one knows which it is.
#[test]
fn every_number_is_said_in_its_own_way() {
    for code in CODES {
        let language = language(code);
        let mut said = BTreeMap::new();
        for number in 0..=LARGEST {
            assert_eq!(said.insert(language.number(number), number), None, "{code} {number}");
        }
    }
}

static ALL: LazyLock<[Language; 4]> = LazyLock::new(|| CODES.map(language));

proptest! {
    #[test]
    fn nothing_is_silent_or_goes_on_for_ever(which in 0usize..4, numbers in prop::collection::vec(0..=LARGEST, 500)) {
        let (language, code) = (&ALL[which], CODES[which]);
        for number in numbers {
            prop_assert!((1..=9).contains(&language.grammar.number(number).len()), "{} {}", code, number);
            for sentence in 0..language.sentences.len() as u8 {
                let said = language.grammar.sentence(Sentence(sentence), number);
                prop_assert!((1..=11).contains(&said.len()), "{} {}: {:?}", code, number, said);
            }
        }
    }
}
