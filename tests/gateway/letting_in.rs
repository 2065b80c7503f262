//! Event number and PIN: who gets in, who does not, and what gives nothing away.

use crate::town::{Town, seconds};
use event::{Guard, Limits, Policy};
use trunkcast::prompts::Prompt;
use trunkcast::reports::{Locked, What};

/// A PIN that is none of this event.
fn wrong_pin(town: &Town) -> String {
    let event = &town.events[0];
    let candidates = ["00000000", "11111111", "22222222"];
    candidates
        .into_iter()
        .find(|pin| ![&event.host, &event.speaker].contains(&&(*pin).to_owned()))
        .expect("two PINs")
        .into()
}

#[test]
fn the_third_wrong_pin_ends_the_call_with_a_goodbye() {
    let mut town = Town::new(|_| {});
    let (event, wrong) = (town.events[0].number, wrong_pin(&town));
    let caller = town.call("5551");
    let channel = town.channels[&caller];
    for _ in 0..3 {
        town.keys(caller, &event.to_string());
        // With the # many are used to: it is no part of the next entry.
        town.keys(caller, &format!("{wrong}#"));
        town.pass(seconds(10));
    }
    let heard = town.heard(channel, 0);
    assert_eq!(heard.iter().filter(|p| **p == Prompt::NotRecognised).count(), 3, "{heard:?}");
    assert_eq!(heard.last(), Some(&Prompt::Goodbye));
    assert_eq!(town.causes[&caller], 16);
    assert_eq!(town.count(|w| matches!(w, What::EntryWrong { mistyped: false, .. })), 3);
    assert_eq!(town.count(|w| matches!(w, What::ConferenceOpened { .. })), 0, "no port for who never gets in");
    town.check_empty();
}

#[test]
fn a_slip_of_the_finger_costs_a_try_but_is_no_guess() {
    let mut town = Town::new(|s| {
        let policy = Policy { limit: 1, window: seconds(600), lock_for: seconds(600) };
        s.guard = Guard::new(Limits { event: policy, caller: policy, trunk: policy, ..Limits::default() });
    });
    let (number, pin) = (town.events[0].number.to_string(), town.events[0].speaker.clone());
    // The last digit is the check digit: any other is wrong.
    let last = if number.ends_with('0') { '1' } else { '0' };
    let caller = town.call("5551");
    town.keys(caller, &format!("{}{last}", &number[..9]));
    town.keys(caller, &pin);
    assert_eq!(town.count(|w| matches!(w, What::EntryWrong { mistyped: true, .. })), 1);
    town.keys(caller, &number);
    town.keys(caller, &pin);
    assert!(town.conference(caller).is_some(), "not locked out");
}

#[test]
fn a_lock_sounds_like_a_wrong_pin() {
    // What a caller hears who keys a wrong PIN, and who keys the right one into a lock.
    let answer = |locked: bool| {
        let mut town = Town::new(|s| {
            let policy = Policy { limit: 2, window: seconds(600), lock_for: seconds(600) };
            s.guard = Guard::new(Limits { event: policy, ..Limits::default() });
        });
        let (event, right, wrong) = (town.events[0].number, town.events[0].speaker.clone(), wrong_pin(&town));
        for calling in ["5551", "5552"] {
            let caller = town.enter(calling, event, &wrong);
            town.hang_up(caller);
        }
        assert_eq!(town.count(|w| matches!(w, What::GuardLocked { what: Locked::Event(e), .. } if *e == event)), 1);
        let from = town.voice.len();
        let (caller, began) = (town.call("5553"), town.now);
        town.keys(caller, &event.to_string());
        town.keys(caller, if locked { &right } else { &wrong });
        let channel = town.channels[&caller];
        while !town.heard(channel, from).contains(&Prompt::NotRecognised) {
            town.pass(seconds(1));
            assert!(town.now < began + seconds(60), "no answer");
        }
        let took = town.now - began;
        town.pass(seconds(1));
        assert_eq!(town.conference(caller), None);
        (town.heard(channel, from), took)
    };
    assert_eq!(answer(true), answer(false));
}

#[test]
fn who_keys_nothing_is_asked_three_times() {
    let mut town = Town::new(|_| {});
    let caller = town.call("5551");
    let channel = town.channels[&caller];
    town.pass(seconds(60));
    let asked = town.heard(channel, 0);
    assert_eq!(asked.iter().filter(|p| **p == Prompt::EnterEvent).count(), 3, "{asked:?}");
    assert_eq!(town.causes[&caller], 16);
    town.check_empty();
}

#[test]
fn who_only_ever_clears_his_entry_is_let_go() {
    let mut town = Town::new(|_| {});
    let caller = town.call("5551");
    for _ in 0..60 {
        if town.causes.contains_key(&caller) {
            break;
        }
        town.keys(caller, "12*");
        town.pass(seconds(4));
    }
    assert_eq!(town.causes.get(&caller), Some(&16), "a channel is not held for ever");
    town.check_empty();
}
