//! Which language a caller is spoken to in: by the number called, and by a key.

use crate::town::{Town, seconds};
use exchange::CallOrder;
use trunkcast::gateway::Voice;
use trunkcast::prompts::{LanguageIndex, Menu, Prompt};

const ENGLISH: LanguageIndex = LanguageIndex(0);
const GERMAN: LanguageIndex = LanguageIndex(1);

fn menu(languages: &[LanguageIndex]) -> Menu {
    languages.iter().copied().collect()
}

/// 100 is answered in English, 101 in German, 102 asks which.
fn town() -> Town {
    Town::new(|s| {
        s.languages = menu(&[ENGLISH]);
        let numbers = [("100", &[ENGLISH][..]), ("101", &[GERMAN]), ("102", &[ENGLISH, GERMAN])];
        s.numbers = numbers.map(|(number, languages)| (number.into(), menu(languages))).into();
    })
}

/// The languages a channel has been spoken to in, one after the other.
fn spoken(town: &Town) -> Vec<LanguageIndex> {
    let languages = town.voice.iter().filter_map(|v| match v {
        Voice::Language(_, language) => Some(*language),
        _ => None,
    });
    languages.collect()
}

#[test]
fn the_number_called_decides() {
    for (number, language) in [("100", ENGLISH), ("101", GERMAN)] {
        let mut town = town();
        let caller = town.dial(&CallOrder { called: number.into(), ..CallOrder::default() });
        town.pass(seconds(1));
        assert_eq!(spoken(&town), [language], "{number}");
        assert_eq!(town.heard(town.channels[&caller], 0), [Prompt::Welcome, Prompt::EnterEvent]);
    }
}

#[test]
fn a_key_decides_where_there_is_a_choice_and_what_follows_is_in_that_language() {
    let mut town = town();
    let (number, pin) = (town.events[0].number.to_string(), town.events[0].speaker.clone());
    let caller = town.dial(&CallOrder { called: "102".into(), ..CallOrder::default() });
    town.pass(seconds(1));
    let channel = town.channels[&caller];
    assert_eq!(town.heard(channel, 0), [Prompt::Welcome, Prompt::ChooseLanguage, Prompt::ChooseLanguage]);
    town.keys(caller, "2");
    assert_eq!(spoken(&town), [ENGLISH, GERMAN]);
    let from = town.voice.len();
    town.keys(caller, &number);
    town.keys(caller, &pin);
    assert!(town.conference(caller).is_some());
    assert!(town.heard(channel, from).contains(&Prompt::First));
    assert_eq!(spoken(&town), [ENGLISH, GERMAN], "nothing changes it again");
}

#[test]
fn who_keys_nothing_is_asked_in_the_first_language() {
    let mut town = town();
    let caller = town.dial(&CallOrder { called: "102".into(), ..CallOrder::default() });
    town.pass(seconds(30));
    assert_eq!(spoken(&town), [ENGLISH, ENGLISH]);
    assert!(town.heard(town.channels[&caller], 0).contains(&Prompt::EnterEvent));
}
