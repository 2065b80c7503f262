//! From rules to tables: everything that can be said is said once, and what cannot is found here.
//!
//! Data path: rules as text → here → [`Grammar`], or a list of [`Problem`]s.
//! Time: none; at the start of the daemon, never while it serves.
//! Source: the grammar at the head of the crate.

use crate::rule::{Rule, Word};
use crate::{ALONE, COUNTED, Grammar, LARGEST, Part, Problem, Table, Written};
use std::collections::BTreeMap;

/// Rules that lead on to one another further than this lead round in a circle.
const DEEPEST: u8 = 12;

/// Rules by form or sentence.
type Rules = BTreeMap<String, Vec<Rule>>;

pub fn compile(numbers: &Written, sentences: &Written, wanted: &[&str]) -> Result<Grammar, Vec<Problem>> {
    let mut problems = Vec::new();
    let forms = read(numbers, false, &mut problems);
    let said = read(sentences, true, &mut problems);
    let by_name = forms.values().chain(said.values()).flatten().flat_map(Rule::forms);
    for form in by_name.chain([ALONE.to_owned()]).filter(|form| !forms.contains_key(form)) {
        problems.push(Problem::NoForm(form));
    }
    let absent = wanted.iter().filter(|name| !said.contains_key(**name));
    problems.extend(absent.map(|name| Problem::NoSentence((*name).to_owned())));
    let unknown = said.keys().filter(|name| !wanted.contains(&name.as_str()));
    problems.extend(unknown.cloned().map(Problem::UnknownSentence));
    if !problems.is_empty() {
        return Err(problems);
    }

    let mut writer = Writer { forms: &forms, files: Vec::new() };
    let alone = writer.table(ALONE, &forms[ALONE], false);
    let sentences: Vec<_> = wanted.iter().map(|name| writer.table(name, &said[*name], true)).collect();
    let (files, mut tables) = (writer.files, Vec::new());
    for table in std::iter::once(alone).chain(sentences) {
        match table {
            Ok(table) => tables.push(table),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        for (of, rules) in forms.iter().chain(&said) {
            let unused = rules.iter().filter(|rule| !rule.used.get());
            problems.extend(unused.map(|rule| Problem::Unused { of: of.clone(), rule: rule.text.clone() }));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let alone = tables.remove(0);
    Ok(Grammar { files, alone, sentences: tables })
}

/// The sounds that the rules need, those that are understood, whatever else is wrong with the others.
pub fn needed(numbers: &Written, sentences: &Written, wanted: &[&str]) -> Vec<String> {
    let mut told_by_compile = Vec::new();
    let forms = read(numbers, false, &mut told_by_compile);
    let said = read(sentences, true, &mut told_by_compile);
    let mut writer = Writer { forms: &forms, files: Vec::new() };
    for number in 0..=LARGEST {
        let mut parts = Vec::new();
        // A number that cannot be said is no reason not to look at the next.
        let _ = writer.number(ALONE, number, DEEPEST, &mut parts);
        for rules in wanted.iter().filter_map(|name| said.get(*name)) {
            let _ = writer.sentence(rules, number, &mut parts);
        }
    }
    writer.files
}

fn read(written: &Written, in_sentence: bool, problems: &mut Vec<Problem>) -> Rules {
    let mut rules = Rules::new();
    for (of, texts) in written {
        let understood = rules.entry(of.clone()).or_default();
        for text in texts {
            match Rule::parse(text, in_sentence) {
                Ok(rule) => understood.push(rule),
                Err(why) => problems.push(Problem::Rule { of: of.clone(), rule: text.clone(), why }),
            }
        }
    }
    rules
}

/// Why a number cannot be said.
enum Unsayable {
    NoRule,
    Circle,
}

/// Says all numbers once.
struct Writer<'a> {
    forms: &'a Rules,
    files: Vec<String>,
}

impl Writer<'_> {
    fn table(&mut self, of: &str, rules: &[Rule], in_sentence: bool) -> Result<Table, Problem> {
        let mut table = Table::default();
        for number in 0..=LARGEST {
            table.starts.push(table.parts.len() as u32);
            let said = if in_sentence {
                self.sentence(rules, number, &mut table.parts)
            } else {
                self.number(of, number, DEEPEST, &mut table.parts)
            };
            said.map_err(|why| match why {
                Unsayable::NoRule => Problem::Unsaid { of: of.to_owned(), number },
                Unsayable::Circle => Problem::Circle { of: of.to_owned(), number },
            })?;
        }
        table.starts.push(table.parts.len() as u32);
        Ok(table)
    }

    fn sentence(&mut self, rules: &[Rule], number: u16, out: &mut Vec<Part>) -> Result<(), Unsayable> {
        let rule = rules.iter().find(|rule| rule.fits(number)).ok_or(Unsayable::NoRule)?;
        rule.used.set(true);
        for word in &rule.words {
            match word {
                Word::Sound(name) => out.push(self.part(name.clone())),
                Word::Number(form) => self.number(form.as_deref().unwrap_or(COUNTED), number, DEEPEST, out)?,
                // Not in a sentence: `Rule::parse` sees to it.
                Word::Itself | Word::Whole(_) | Word::Rest(_) | Word::IfRest(_) => {}
            }
        }
        Ok(())
    }

    fn number(&mut self, form: &str, number: u16, depth: u8, out: &mut Vec<Part>) -> Result<(), Unsayable> {
        let forms = self.forms;
        let of = |form: &str| forms.get(form).and_then(|rules| rules.iter().find(|rule| rule.fits(number)));
        let rule = of(form).or_else(|| of(ALONE)).ok_or(Unsayable::NoRule)?;
        rule.used.set(true);
        self.words(&rule.words, rule, form, number, depth.checked_sub(1).ok_or(Unsayable::Circle)?, out)
    }

    fn words(
        &mut self,
        words: &[Word],
        rule: &Rule,
        form: &str,
        number: u16,
        depth: u8,
        out: &mut Vec<Part>,
    ) -> Result<(), Unsayable> {
        let rest = rule.rest(number);
        for word in words {
            match word {
                Word::Sound(name) => out.push(self.part(format!("numbers/{name}"))),
                Word::Itself => out.push(self.part(format!("numbers/{number}"))),
                Word::Whole(named) => {
                    self.number(named.as_deref().unwrap_or(form), rule.whole(number), depth, out)?;
                }
                Word::Rest(named) => self.number(named.as_deref().unwrap_or(form), rest, depth, out)?,
                Word::IfRest(within) if rest > 0 => self.words(within, rule, form, number, depth, out)?,
                // Nothing is left over; and `#` is not in a form: `Rule::parse` sees to it.
                Word::IfRest(_) | Word::Number(_) => {}
            }
        }
        Ok(())
    }

    fn part(&mut self, file: String) -> Part {
        let known = self.files.iter().position(|f| *f == file);
        Part(known.unwrap_or_else(|| {
            self.files.push(file);
            self.files.len() - 1
        }) as u16)
    }
}
