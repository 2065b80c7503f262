//! Rules of languages that are not built in, and rules that are wrong.

use spoken::{Grammar, Part, Problem, Sentence, Written};

fn written(forms: &[(&str, &[&str])]) -> Written {
    let owned = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
    forms.iter().map(|(name, rules)| ((*name).to_owned(), owned(rules))).collect()
}

fn said(grammar: &Grammar, parts: &[Part]) -> String {
    let name = |part: &Part| grammar.files()[part.index()].trim_start_matches("numbers/").to_owned();
    parts.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// Everything up to 9999, in a tongue that has no word for thirty.
const PLAIN: &[&str] = &["0-19: =", "20-99: 20 [>units]", "100-999: < hundred [>]", "1000-9999: < thousand [>]"];

#[test]
fn a_noun_may_have_more_forms_than_two_and_number_words_may_agree_with_it() {
    // As in Russian: one person, two to four persons, five persons, and so on again with twenty-one.
    let numbers = written(&[
        ("alone", &["0-20: =", "20-29: twenty [>]", "30-9999: many"]),
        ("feminine", &["1: one-f", "2: two-f"]),
    ]);
    let people = [
        "*11-*14: #feminine genitive-plural",
        "*1: #feminine nominative",
        "*2-*4: #feminine genitive",
        "0-9999: # genitive-plural",
    ];
    let grammar = Grammar::compile(&numbers, &written(&[("people", &people)]), &["people"]).expect("rules");
    for (number, words) in [
        (1, "one-f nominative"),
        (2, "two-f genitive"),
        (5, "5 genitive-plural"),
        (12, "12 genitive-plural"),
        (21, "twenty one-f nominative"),
        (22, "twenty two-f genitive"),
        (25, "twenty 5 genitive-plural"),
        (111, "many genitive-plural"),
    ] {
        assert_eq!(said(&grammar, grammar.sentence(Sentence(0), number)), words);
    }
}

#[test]
fn everything_that_is_wrong_is_told() {
    let numbers = written(&[("alone", &["0-19: =", "20-99: 20 [>tens", "100-9999: < hundred >odd"])]);
    let sentences = written(&[("persons", &["0-9999: #odder"])]);
    let problems = Grammar::compile(&numbers, &sentences, &["people"]).expect_err("much is wrong");
    assert!(matches!(&problems[0], Problem::Rule { of, why, .. } if of == "alone" && why.contains("not closed")));
    assert_eq!(problems[1..3], ["odd", "odder"].map(|form| Problem::NoForm(form.to_owned())));
    assert_eq!(problems[3], Problem::NoSentence("people".to_owned()));
    assert_eq!(problems[4], Problem::UnknownSentence("persons".to_owned()));
}

#[test]
fn a_number_nobody_can_say_a_circle_and_a_rule_never_used_are_found() {
    let plain: Vec<String> = PLAIN.iter().map(|rule| rule.replace("units", "")).collect();
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    let problems = |alone: &[&str], people: &[&str]| {
        let (numbers, sentences) = (written(&[("alone", alone)]), written(&[("people", people)]));
        Grammar::compile(&numbers, &sentences, &["people"]).map(drop).expect_err("wrong")
    };
    // From twenty on the rest is less than eighty: all of it can be said.
    let all = &["0-9999: #"][..];
    assert_eq!(problems(&plain[..2], all)[0], Problem::Unsaid { of: "alone".to_owned(), number: 100 });
    assert_eq!(problems(&plain, &["1-9999: #"]), [Problem::Unsaid { of: "people".to_owned(), number: 0 }]);
    let circle = [&["0: > nought"], &plain[..]].concat();
    assert_eq!(problems(&circle, all)[0], Problem::Circle { of: "alone".to_owned(), number: 0 });
    let unused = [&plain[..], &["20-30: thirty"]].concat();
    assert_eq!(problems(&unused, all), [Problem::Unused { of: "alone".to_owned(), rule: "20-30: thirty".to_owned() }]);
}

#[test]
fn more_than_the_largest_is_said_as_the_largest() {
    let numbers = written(&[("alone", PLAIN), ("units", &["1-79: ="])]);
    let grammar = Grammar::compile(&numbers, &Written::new(), &[]).expect("rules");
    assert_eq!(said(&grammar, grammar.number(9999)), "9 thousand 9 hundred 20 79");
    assert_eq!(grammar.number(60_000), grammar.number(9999));
    assert!(grammar.sentence(Sentence(3), 1).is_empty());
}
