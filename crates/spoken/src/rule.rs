//! One rule, as it is written.
//!
//! Data path: a line of text → [`Rule`] → `compile`.
//! Time: none.
//! Source: the grammar at the head of the crate.

use std::cell::Cell;

/// The numbers a rule fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    /// From the first to the last.
    Between(u16, u16),
    /// Those whose end, of as many digits as this power of ten has noughts, is from the first to the last.
    Ending { power: u16, first: u16, last: u16 },
}

/// A word of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A sound by its name.
    Sound(String),
    /// The sound named like the number.
    Itself,
    /// How many times the unit is in the number, in this form.
    Whole(Option<String>),
    /// What is left over, in this form.
    Rest(Option<String>),
    /// Said if something is left over.
    IfRest(Vec<Word>),
    /// The number of a sentence, in this form.
    Number(Option<String>),
}

/// A rule: what is said of these numbers.
#[derive(Clone, Debug)]
pub struct Rule {
    /// As it was written.
    pub text: String,
    /// What is said.
    pub words: Vec<Word>,
    numbers: Numbers,
    /// What the unit is, where the rule says how often it is in the number.
    unit: Option<u16>,
    /// Something has been said by it.
    pub used: Cell<bool>,
}

impl Rule {
    /// Understand a rule of a form, or of a sentence.
    pub fn parse(text: &str, in_sentence: bool) -> Result<Rule, &'static str> {
        let (numbers, words) = text.split_once(':').ok_or("a rule is NUMBERS: WORDS")?;
        let numbers =
            read_numbers(numbers.trim()).ok_or("its numbers are not such as 7, 20-29, *1 or *2-*4, up to 9999")?;
        let spaced = words.replace('[', " [ ").replace(']', " ] ");
        let mut tokens = spaced.split_whitespace();
        let words = read_words(&mut tokens, false)?;
        if words.is_empty() {
            return Err("it says nothing");
        }
        let flat: Vec<&Word> = each(&words).collect();
        if in_sentence && flat.iter().any(|w| !matches!(w, Word::Sound(_) | Word::Number(_))) {
            return Err("a sentence is made of sounds and #");
        }
        if !in_sentence && flat.iter().any(|w| matches!(w, Word::Number(_))) {
            return Err("# is for sentences; a number says itself with =");
        }
        let counts = flat.iter().any(|w| matches!(w, Word::Whole(_)));
        let leaves = flat.iter().any(|w| matches!(w, Word::Rest(_) | Word::IfRest(_)));
        let unit = match numbers {
            Numbers::Between(first, _) if counts => Some(10u16.pow(first.max(1).ilog10())),
            Numbers::Ending { .. } if counts || leaves => return Err("numbers that end so have no unit and no rest"),
            _ => None,
        };
        Ok(Rule { text: text.to_owned(), words, numbers, unit, used: Cell::new(false) })
    }

    /// Whether it is for this number.
    pub fn fits(&self, number: u16) -> bool {
        match self.numbers {
            Numbers::Between(first, last) => (first..=last).contains(&number),
            Numbers::Ending { power, first, last } => (first..=last).contains(&(number % power)),
        }
    }

    /// How often the unit is in a number the rule fits.
    pub fn whole(&self, number: u16) -> u16 {
        self.unit.map_or(0, |unit| number / unit)
    }

    /// What is left over of it.
    pub fn rest(&self, number: u16) -> u16 {
        match (self.unit, self.numbers) {
            (Some(unit), _) => number % unit,
            (None, Numbers::Between(first, _)) => number - first,
            (None, Numbers::Ending { .. }) => 0,
        }
    }

    /// The forms it asks for by name.
    pub fn forms(&self) -> impl Iterator<Item = String> {
        each(&self.words).filter_map(|word| match word {
            Word::Whole(form) | Word::Rest(form) | Word::Number(form) => form.clone(),
            Word::Sound(_) | Word::Itself | Word::IfRest(_) => None,
        })
    }
}

/// All words, those within brackets after the brackets.
fn each(words: &[Word]) -> Box<dyn Iterator<Item = &Word> + '_> {
    Box::new(words.iter().flat_map(|word| {
        let within: &[Word] = if let Word::IfRest(within) = word { within } else { &[] };
        std::iter::once(word).chain(each(within))
    }))
}

fn read_numbers(text: &str) -> Option<Numbers> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |digits: &str| -> Option<u16> {
        let all_digits = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        all_digits.then(|| digits.parse().ok())?
    };
    let numbers = match (first.trim().strip_prefix('*'), last.trim().strip_prefix('*')) {
        (None, None) => Numbers::Between(number(first.trim())?, number(last.trim())?),
        (Some(first), Some(last)) if first.len() == last.len() => {
            let power = 10u16.checked_pow(u32::try_from(first.len()).ok()?)?;
            Numbers::Ending { power, first: number(first)?, last: number(last)? }
        }
        _ => return None,
    };
    let (Numbers::Between(first, last) | Numbers::Ending { first, last, .. }) = numbers;
    (first <= last).then_some(numbers)
}

fn read_words<'a>(tokens: &mut impl Iterator<Item = &'a str>, within: bool) -> Result<Vec<Word>, &'static str> {
    let mut words = Vec::new();
    while let Some(token) = tokens.next() {
        let form = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        words.push(match token.split_at_checked(1) {
            Some(("[", _)) if within => return Err("brackets within brackets"),
            Some(("[", _)) => Word::IfRest(read_words(tokens, true)?),
            Some(("]", _)) if within => return Ok(words),
            Some(("]", _)) => return Err("a bracket is closed that was not opened"),
            Some(("<", name)) => Word::Whole(form(name)),
            Some((">", name)) => Word::Rest(form(name)),
            Some(("#", name)) => Word::Number(form(name)),
            Some(("=", "")) => Word::Itself,
            _ if is_name(token) => Word::Sound(token.to_owned()),
            _ => return Err("a name is made of small letters, digits and hyphens"),
        });
    }
    if within { Err("a bracket is not closed") } else { Ok(words) }
}

/// Names become file names.
fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_cannot_be_read_says_why() {
        for (text, why) in [
            ("20 20 [>]", "NUMBERS: WORDS"),
            ("20-10: twenty", "not such as"),
            ("10000: lots", "not such as"),
            ("*1-2: one", "not such as"),
            ("1:", "says nothing"),
            ("20-29: 20 [>", "not closed"),
            ("20-29: 20 > ]", "not opened"),
            ("20-29: [20 [>]]", "within brackets"),
            ("1: ../one", "small letters"),
            ("*1: < one", "no unit"),
            ("1: # one", "for sentences"),
        ] {
            let said = Rule::parse(text, false).expect_err(text);
            assert!(said.contains(why), "{text}: {said}");
        }
        assert!(Rule::parse("1-9: = people", true).expect_err("no sentence").contains("sounds and #"));
    }

    #[test]
    fn what_is_whole_and_what_is_left_over_follow_from_the_first_number() {
        let hundreds = Rule::parse("200-999: < hundred [>]", false).expect("a rule");
        assert_eq!((hundreds.whole(345), hundreds.rest(345)), (3, 45));
        let sixties = Rule::parse("60-79: 60 [>]", false).expect("a rule");
        assert_eq!(sixties.rest(75), 15);
        let few = Rule::parse("*2-*4: few", true).expect("a rule");
        assert!(few.fits(2) && few.fits(34) && !few.fits(15));
        let teens = Rule::parse("*11-*14: many", true).expect("a rule");
        assert!(teens.fits(12) && teens.fits(113) && !teens.fits(22));
    }
}
