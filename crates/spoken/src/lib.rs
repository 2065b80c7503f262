//! Numbers and counts spoken from parts, by the rules of a language.
//!
//! A language is two lists of rules in words, which [`Grammar::compile`] turns into tables: what is said of every number from 0
//! to [`LARGEST`], and of every sentence with a number in it. After that nothing is worked out any more: a number is a slice of
//! [`Part`]s, each of which is a sound file of the language. Sounds are none of this crate's business.
//!
//! Data path: rules as text → [`Grammar`] → parts of a number or of a sentence → whoever plays them.
//! Time: none.
//! Source: ours; that a number is said by the first rule that fits it, from what is whole and what is left over, is how the
//! Unicode locale data (UTS 35, part 3, "Rule-Based Number Formatting") does it for writing.
//! Words: *form*, a way of saying numbers (alone, before a noun, within a longer number); *rest*, what a rule leaves to be said.
//!
//! # Rules
//!
//! A rule is `NUMBERS: WORDS`. The first rule of a form whose numbers fit is used; what no rule of a form fits is said as in the
//! form `alone`, which has to fit every number.
//!
//! | in NUMBERS | fits |
//! |---|---|
//! | `7`, `20-29` | this number, these numbers |
//! | `*1`, `*12-*14` | numbers that end so |
//!
//! | in WORDS | says |
//! |---|---|
//! | `hundred` | the sound of this name |
//! | `=` | the sound named like the number itself |
//! | `<` | how many times the unit of the rule is in the number; the unit is the power of ten of its first number |
//! | `>` | the rest: with `<` what is left of the unit, else what the number is above the first of the rule |
//! | `[ ... ]` | what is in it, if there is a rest |
//! | `<FORM`, `>FORM` | the same, in another form than the one being used |
//! | `#`, `#FORM` | in sentences only: the number, in the form `counted` if there is one, or in this one |
//!
//! "Twenty-one" is `20-29: 20 [>]`; "einundzwanzig" is `20-29: [>joined und] 20`; "two hundred and one" is
//! `100-999: < hundred [and >]`.

#![forbid(unsafe_code)]

mod compile;
mod rule;

use std::collections::BTreeMap;

/// The largest number that can be said; more is said as this.
pub const LARGEST: u16 = 9999;

/// The form every language has, and the one a number is said in when it stands alone.
pub const ALONE: &str = "alone";

/// The form of a number before what is counted, where a language makes a difference.
const COUNTED: &str = "counted";

/// A sound of a language, by its place in [`Grammar::files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part(u16);

impl Part {
    /// Its place in [`Grammar::files`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A sentence with a number in it, by its place in the list given to [`Grammar::compile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence(pub u8);

/// Something wrong with the rules of a language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A rule that cannot be read.
    Rule {
        /// The form or the sentence it belongs to.
        of: String,
        /// The rule.
        rule: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no such form, but a rule asks for it, or every language needs it.
    NoForm(String),
    /// There is no such sentence.
    NoSentence(String),
    /// There are rules for a sentence nobody says.
    UnknownSentence(String),
    /// No rule fits a number.
    Unsaid {
        /// The form or the sentence.
        of: String,
        /// The first such number.
        number: u16,
    },
    /// The rules for a number lead round in a circle.
    Circle {
        /// The form or the sentence.
        of: String,
        /// The first such number.
        number: u16,
    },
    /// A rule that is never used, because others come before it.
    Unused {
        /// The form or the sentence.
        of: String,
        /// The rule.
        rule: String,
    },
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Problem::Rule { of, rule, why } => write!(f, "{of}: \"{rule}\": {why}"),
            Problem::NoForm(form) => write!(f, "there is no form \"{form}\" among the numbers"),
            Problem::NoSentence(name) => write!(f, "the sentence \"{name}\" has no rules"),
            Problem::UnknownSentence(name) => write!(f, "there is no sentence \"{name}\""),
            Problem::Unsaid { of, number } => write!(f, "{of}: no rule says {number}"),
            Problem::Circle { of, number } => write!(f, "{of}: the rules for {number} lead round in a circle"),
            Problem::Unused { of, rule } => write!(f, "{of}: \"{rule}\" is never used: a rule before it always fits"),
        }
    }
}

impl std::error::Error for Problem {}

/// Rules as they are written, by form or sentence.
pub type Written = BTreeMap<String, Vec<String>>;

/// What is said of every number, in a table.
#[derive(Clone, Debug, Default, PartialEq)]
struct Table {
    /// Where the parts of a number begin; one more at the end.
    starts: Vec<u32>,
    parts: Vec<Part>,
}

impl Table {
    fn of(&self, number: u16) -> &[Part] {
        let number = usize::from(number.min(LARGEST));
        &self.parts[self.starts[number] as usize..self.starts[number + 1] as usize]
    }
}

/// How a language says numbers, and sentences with a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Grammar {
    files: Vec<String>,
    alone: Table,
    sentences: Vec<Table>,
}

impl Grammar {
    /// Understand the rules of a language. `numbers` are its forms, `sentences` what it says with a number; `wanted` are the
    /// names of the sentences there must be, whose places are those of [`Sentence`].
    ///
    /// Names of sounds within numbers become `numbers/NAME`, those within sentences stay as they are.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first.
    pub fn compile(numbers: &Written, sentences: &Written, wanted: &[&str]) -> Result<Grammar, Vec<Problem>> {
        compile::compile(numbers, sentences, wanted)
    }

    /// The sounds that rules need of which some are wrong, for whoever wants to know everything that is missing at once.
    #[must_use]
    pub fn needed(numbers: &Written, sentences: &Written, wanted: &[&str]) -> Vec<String> {
        compile::needed(numbers, sentences, wanted)
    }

    /// The sounds the language needs for its numbers and sentences, by the place of each [`Part`].
    #[must_use]
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// What is said of a number that stands alone; more than [`LARGEST`] is said as that.
    #[must_use]
    pub fn number(&self, number: u16) -> &[Part] {
        self.alone.of(number)
    }

    /// A sentence with this number in it; more than [`LARGEST`] is said as that. Nothing, if there is no such sentence.
    #[must_use]
    pub fn sentence(&self, sentence: Sentence, number: u16) -> &[Part] {
        self.sentences.get(usize::from(sentence.0)).map_or(&[], |table| table.of(number))
    }
}
