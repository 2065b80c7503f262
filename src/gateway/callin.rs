//! The dialogue that lets a caller in: event number, PIN, three tries.
//!
//! It hears keys and the ends of prompts, and says what to play and what to verify. It never sees a
//! key ring or a conference: the gateway verifies and joins.
//!
//! ```text
//!  begin, or the language chosen   number entered            PIN entered
//!  (created) ─────► EventNumber ─────────────────► Pin ─────────────────► Verifying
//!                       ▲                                                 │   │   │
//!                       │      rejected, tries left (after a pause)       │   │   └─ accepted ─► Admitted
//!                       └────────────────── Paused ◄──────────────────────┘   │
//!                                                                             └─ closed, or tries used up
//!                                                           Leaving ◄──────────────────────────┘
//! ```
//!
//! Whoever was called from a conference is asked for neither: *Invited*, he comes in with a 1, and any other key or none lets him go,
//! so that no mailbox ever sits in a conference.
//!
//! Whether the number or the PIN was wrong cannot be heard: both are always asked for, and one
//! prompt answers for both.
//!
//! Time: `now` is given; [`CallIn::deadline`] says when [`CallIn::timed_out`] wants to be called.
//! Source: the patience and the keys are those telephone services have trained people to expect:
//! any digit interrupts a prompt, `*` clears what was entered, `#` may end an entry but need not.

use crate::prompts::{LanguageIndex, Menu, Phrase, Prompt, Said};
use dsp::dtmf::Key;
use heapless::Vec;
use std::time::Duration;

/// Digits of an event number; with the last one the entry is complete.
pub const EVENT_DIGITS: usize = 10;
/// Digits of a PIN.
pub const PIN_DIGITS: usize = 8;
/// How often an entry may be cleared in one call: more often than anybody needs, and an end to who would
/// hold a channel for ever without using up a try.
const CLEARINGS: u8 = 12;

/// How often whoever was called is told that he is invited.
const INVITATIONS: u8 = 3;
/// From the end of an invitation to the next.
const INVITED: Duration = Duration::from_secs(4);

/// What was keyed, up to one digit more than fits a valid entry. Its `Debug` form shows how many
/// digits there are, never which.
#[derive(Clone, Default)]
pub struct Entry(Vec<u8, 12>);

impl Entry {
    /// The digits, as ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The digits, as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are ever pushed.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({} digits)", self.0.len())
    }
}

/// How patient the dialogue is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the end of a prompt to the first key.
    pub first_digit: Duration,
    /// From one key to the next.
    pub digit: Duration,
    /// Entries of event number and PIN in one call.
    pub tries: u8,
    /// The event number is said before the PIN is asked for.
    pub repeat: bool,
}

/// What the gateway is to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Play this, in place of what plays now.
    Play(Phrase),
    /// Speak this language from now on, and play this in it.
    Speak(LanguageIndex, Phrase),
    /// Stop what plays: the caller has begun to key.
    Hush,
    /// Verify, then call [`CallIn::rejected`], [`CallIn::closed`] or [`CallIn::admitted`].
    Verify,
    /// Let in whoever was called, then as with [`Action::Verify`].
    Join,
    /// Play this, then clear the call: nothing more is expected of the caller.
    Leave(Phrase),
    /// Clear the call now.
    Clear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A language is to be chosen.
    Language,
    /// The event number is being asked for or entered.
    EventNumber,
    /// The PIN is being asked for or entered.
    Pin,
    /// Whoever was called is told how he comes in.
    Invited,
    /// Both are with the gateway.
    Verifying,
    /// Waiting before another try, because of many failures.
    Paused,
    /// The caller is in.
    Admitted,
    /// The last prompts play.
    Leaving,
}

/// The dialogue of one call.
#[derive(Clone, Debug)]
pub struct CallIn {
    patience: Patience,
    languages: Menu,
    step: Step,
    tries_left: u8,
    clearings_left: u8,
    event: Entry,
    pin: Entry,
    deadline: Option<Duration>,
}

fn prompts(list: &[Prompt]) -> Phrase {
    list.iter().copied().map(Said::from).collect()
}

impl CallIn {
    /// Begin: ask for the event number, or for the language where there are several. The prompt must not start before
    /// CONNECT ACKNOWLEDGE, or its first word is lost.
    #[must_use]
    pub fn begin(patience: Patience, languages: Menu) -> (CallIn, Action) {
        let choice = languages.len() > 1;
        let mut dialogue = CallIn {
            patience,
            languages,
            step: if choice { Step::Language } else { Step::EventNumber },
            tries_left: patience.tries,
            clearings_left: CLEARINGS,
            event: Entry::default(),
            pin: Entry::default(),
            deadline: None,
        };
        if choice {
            let menu = dialogue.menu(Some(Prompt::Welcome));
            return (dialogue, menu);
        }
        let first = dialogue.languages.first().copied().unwrap_or_default();
        (dialogue, Action::Speak(first, prompts(&[Prompt::Welcome, Prompt::EnterEvent])))
    }

    /// Begin with whoever was called from a conference: say what it is, and how he comes in.
    #[must_use]
    pub fn invite(patience: Patience, language: LanguageIndex) -> (CallIn, Action) {
        let (dialogue, _) = CallIn::begin(patience, [language].into_iter().collect());
        let dialogue = CallIn { step: Step::Invited, tries_left: INVITATIONS, ..dialogue };
        (dialogue, Action::Speak(language, Prompt::Invited.into()))
    }

    /// What was entered as event number.
    #[must_use]
    pub fn event(&self) -> &Entry {
        &self.event
    }

    /// What was entered as PIN.
    #[must_use]
    pub fn pin(&self) -> &Entry {
        &self.pin
    }

    /// Whether it is somebody who was called, and has pressed no key.
    #[must_use]
    pub fn is_invited(&self) -> bool {
        self.step == Step::Invited
    }

    /// Whether it is the language that is being chosen.
    #[must_use]
    pub fn at_language(&self) -> bool {
        self.step == Step::Language
    }

    /// Whether it is the PIN that is being entered.
    #[must_use]
    pub fn at_pin(&self) -> bool {
        self.step == Step::Pin
    }

    /// When [`CallIn::timed_out`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// The caller pressed a key.
    pub fn key(&mut self, now: Duration, key: Key) -> Action {
        if self.step == Step::Language {
            return self.choose(key);
        }
        if self.step == Step::Invited {
            return self.accept(key);
        }
        let (entry, full) = match self.step {
            Step::EventNumber => (&mut self.event, EVENT_DIGITS),
            Step::Pin => (&mut self.pin, PIN_DIGITS),
            Step::Language | Step::Invited | Step::Verifying | Step::Paused | Step::Admitted | Step::Leaving => {
                return Action::None;
            }
        };
        match key.to_char() {
            '*' => {
                entry.0.clear();
                self.again()
            }
            // Ends an entry; before the first digit it is the `#` that was keyed after the complete
            // entry before this one.
            '#' if entry.0.is_empty() => Action::None,
            '#' => self.entered(),
            digit @ '0'..='9' => {
                // Only the end of the entry can be too full, and that ends it.
                let _ = entry.0.push(digit as u8);
                if entry.0.len() >= full {
                    return self.entered();
                }
                self.deadline = Some(now + self.patience.digit);
                Action::Hush
            }
            // A to D are not on telephones.
            _ => Action::None,
        }
    }

    /// All that was to be played has been played.
    pub fn prompts_done(&mut self, now: Duration) -> Action {
        match self.step {
            Step::Language | Step::EventNumber | Step::Pin => {
                // A key may have come with the last sample: its own time-out is then running already.
                self.deadline.get_or_insert(now + self.patience.first_digit);
                Action::None
            }
            Step::Invited => {
                self.deadline = Some(now + INVITED);
                Action::None
            }
            Step::Leaving => Action::Clear,
            Step::Verifying | Step::Paused | Step::Admitted => Action::None,
        }
    }

    /// The deadline has passed.
    pub fn timed_out(&mut self, _now: Duration) -> Action {
        self.deadline = None;
        match self.step {
            // A number shorter than it should be is still an answer; it fails after the PIN like any other.
            Step::Language => self.speak(self.languages.first().copied().unwrap_or_default()),
            Step::EventNumber if !self.event.0.is_empty() => self.entered(),
            Step::Pin if !self.pin.0.is_empty() => self.entered(),
            Step::EventNumber | Step::Pin => {
                self.tries_left = self.tries_left.saturating_sub(1);
                if self.tries_left == 0 {
                    return self.leave(&[Prompt::NothingEntered, Prompt::Goodbye]);
                }
                let question = if self.step == Step::Pin { Prompt::EnterPin } else { Prompt::EnterEvent };
                Action::Play(prompts(&[Prompt::NothingEntered, question]))
            }
            Step::Invited => {
                self.tries_left = self.tries_left.saturating_sub(1);
                if self.tries_left == 0 {
                    return self.leave(&[Prompt::Goodbye]);
                }
                Action::Play(Prompt::Invited.into())
            }
            Step::Paused => {
                self.step = Step::EventNumber;
                Action::Play(prompts(&[Prompt::NotRecognised, Prompt::EnterEvent]))
            }
            Step::Verifying | Step::Admitted | Step::Leaving => Action::None,
        }
    }

    /// Event number and PIN did not agree (or the guard does not want to know). `pause` is how long
    /// the caller waits for the answer.
    pub fn rejected(&mut self, now: Duration, pause: Duration) -> Action {
        self.event.0.clear();
        self.pin.0.clear();
        self.tries_left = self.tries_left.saturating_sub(1);
        if self.tries_left == 0 {
            return self.leave(&[Prompt::NotRecognised, Prompt::Goodbye]);
        }
        if pause > Duration::ZERO {
            self.step = Step::Paused;
            self.deadline = Some(now + pause);
            return Action::Hush;
        }
        self.step = Step::EventNumber;
        Action::Play(prompts(&[Prompt::NotRecognised, Prompt::EnterEvent]))
    }

    /// The PIN is right but the caller cannot be let in, for this reason.
    pub fn closed(&mut self, why: Prompt) -> Action {
        self.leave(&[why, Prompt::Goodbye])
    }

    /// The caller is in the conference.
    pub fn admitted(&mut self) {
        self.step = Step::Admitted;
        self.deadline = None;
        self.pin.0.clear();
    }

    /// Say these and let the caller go, wherever the dialogue stands.
    pub fn leave(&mut self, last_words: &[Prompt]) -> Action {
        self.step = Step::Leaving;
        self.deadline = None;
        self.pin.0.clear();
        Action::Leave(prompts(last_words))
    }

    /// Ask once more, as the caller wants; not for ever.
    fn again(&mut self) -> Action {
        match self.clearings_left.checked_sub(1) {
            Some(left) => self.clearings_left = left,
            None => return self.leave(&[Prompt::Goodbye]),
        }
        self.deadline = None;
        match self.step {
            Step::Language => self.menu(None),
            Step::Pin => Action::Play(Prompt::EnterPin.into()),
            _ => Action::Play(Prompt::EnterEvent.into()),
        }
    }

    /// Which key is for which language, each said in its own.
    fn menu(&mut self, greeting: Option<Prompt>) -> Action {
        let each = (1u16..).zip(&self.languages);
        let choices =
            each.flat_map(|(key, &language)| [Said::In(language), Prompt::ChooseLanguage.into(), Said::Number(key)]);
        let first = self.languages.first().copied().unwrap_or_default();
        Action::Speak(first, greeting.map(Said::from).into_iter().chain(choices).collect())
    }

    /// A key in the choice of languages; any that is none of it brings the choice again.
    fn choose(&mut self, key: Key) -> Action {
        let place = key.to_char().to_digit(10).and_then(|digit| digit.checked_sub(1));
        match place.and_then(|place| self.languages.get(place as usize)) {
            Some(&language) => self.speak(language),
            None => self.again(),
        }
    }

    /// The key of whoever was called: 1, or he does not want to.
    fn accept(&mut self, key: Key) -> Action {
        if key.to_char() != '1' {
            return self.leave(&[Prompt::Goodbye]);
        }
        self.step = Step::Verifying;
        self.deadline = None;
        Action::Join
    }

    fn speak(&mut self, language: LanguageIndex) -> Action {
        self.deadline = None;
        self.step = Step::EventNumber;
        Action::Speak(language, Prompt::EnterEvent.into())
    }

    fn entered(&mut self) -> Action {
        self.deadline = None;
        if self.step == Step::EventNumber {
            self.step = Step::Pin;
            self.pin.0.clear();
            Action::Play(if self.patience.repeat { self.repeated() } else { Prompt::EnterPin.into() })
        } else {
            self.step = Step::Verifying;
            Action::Verify
        }
    }
}

impl CallIn {
    /// The event number as it was keyed, digit by digit, and the next question.
    fn repeated(&self) -> Phrase {
        let digits = self.event.as_bytes().iter().map(|digit| Said::Number(u16::from(digit - b'0')));
        std::iter::once(Prompt::YouEntered.into()).chain(digits).chain([Prompt::EnterPin.into()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { first_digit: Duration::from_secs(10), digit: Duration::from_secs(5), tries: 3, repeat: false };

    fn one() -> Menu {
        [LanguageIndex(0)].into_iter().collect()
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn keys(dialogue: &mut CallIn, now: Duration, text: &str) -> Action {
        let mut last = Action::None;
        for c in text.chars() {
            last = dialogue.key(now, Key::from_char(c).expect("a key"));
        }
        last
    }

    fn played(action: &Action) -> &[Said] {
        match action {
            Action::Play(list) | Action::Leave(list) | Action::Speak(_, list) => list,
            other => panic!("{other:?} plays nothing"),
        }
    }

    #[test]
    fn the_hash_key_is_optional() {
        for text in ["1012345678", "1012345678#"] {
            let (mut d, greeting) = CallIn::begin(PATIENCE, one());
            assert_eq!(played(&greeting), [Prompt::Welcome, Prompt::EnterEvent]);
            keys(&mut d, at(1), text);
            assert!(d.at_pin());
            assert!(matches!(keys(&mut d, at(2), "12345678"), Action::Verify));
            assert_eq!((d.event().as_str(), d.pin().as_str()), ("1012345678", "12345678"));
        }
    }

    #[test]
    fn a_star_clears_what_was_entered() {
        let (mut d, _) = CallIn::begin(PATIENCE, one());
        keys(&mut d, at(1), "999");
        let again = keys(&mut d, at(1), "*");
        assert_eq!(played(&again), [Prompt::EnterEvent]);
        keys(&mut d, at(2), "1012345678");
        assert_eq!(d.event().as_str(), "1012345678");
    }

    #[test]
    fn a_key_chooses_the_language_and_no_key_the_first() {
        let several = || [LanguageIndex(2), LanguageIndex(0)].into_iter().collect();
        let (mut d, greeting) = CallIn::begin(PATIENCE, several());
        let choice = [(2, 1), (0, 2)].map(|(language, key)| {
            [Said::In(LanguageIndex(language)), Prompt::ChooseLanguage.into(), Said::Number(key)]
        });
        assert_eq!(played(&greeting), [&[Prompt::Welcome.into()], choice.as_flattened()].concat());
        for other in ["7", "*", "#"] {
            assert_eq!(played(&keys(&mut d, at(1), other)), choice.as_flattened(), "{other} is no language");
        }
        let chosen = keys(&mut d, at(2), "2");
        assert!(matches!(chosen, Action::Speak(LanguageIndex(0), _)));
        assert_eq!(played(&chosen), [Prompt::EnterEvent]);
        keys(&mut d, at(3), "1012345678");
        assert_eq!(d.event().as_str(), "1012345678", "the key of the language is no digit of the number");

        let (mut d, _) = CallIn::begin(PATIENCE, several());
        d.prompts_done(at(4));
        assert_eq!(d.deadline(), Some(at(14)));
        let first = d.timed_out(at(14));
        assert!(matches!(first, Action::Speak(LanguageIndex(2), _)));
        assert_eq!(played(&first), [Prompt::EnterEvent]);
    }

    #[test]
    fn the_choice_is_not_repeated_for_ever() {
        let (mut d, _) = CallIn::begin(PATIENCE, [LanguageIndex(0), LanguageIndex(1)].into_iter().collect());
        let last = keys(&mut d, at(1), &"9".repeat(usize::from(CLEARINGS) + 1));
        assert!(matches!(last, Action::Leave(_)), "{last:?}");
    }

    #[test]
    fn the_number_can_be_said_again_digit_by_digit_and_the_pin_never_is() {
        let (mut d, _) = CallIn::begin(Patience { repeat: true, ..PATIENCE }, one());
        let asked = keys(&mut d, at(1), "1012345678");
        let digits = [1, 0, 1, 2, 3, 4, 5, 6, 7, 8].map(Said::Number);
        assert_eq!(played(&asked), [&[Prompt::YouEntered.into()], &digits[..], &[Prompt::EnterPin.into()]].concat());
        assert!(matches!(keys(&mut d, at(2), "12345678"), Action::Verify));
    }

    #[test]
    fn the_clock_starts_after_the_prompt_and_restarts_with_each_key() {
        let (mut d, _) = CallIn::begin(PATIENCE, one());
        assert_eq!(d.deadline(), None, "nobody is hurried while the prompt plays");
        d.prompts_done(at(4));
        assert_eq!(d.deadline(), Some(at(14)));
        assert!(matches!(keys(&mut d, at(6), "1"), Action::Hush));
        assert_eq!(d.deadline(), Some(at(11)));
        // Too short a number goes on to the PIN: what is wrong is not told.
        assert_eq!(played(&d.timed_out(at(11))), [Prompt::EnterPin]);
    }

    #[test]
    fn three_silent_tries_end_the_call() {
        let (mut d, _) = CallIn::begin(PATIENCE, one());
        for _ in 0..2 {
            d.prompts_done(at(0));
            assert_eq!(played(&d.timed_out(at(10))), [Prompt::NothingEntered, Prompt::EnterEvent]);
        }
        d.prompts_done(at(0));
        let last = d.timed_out(at(10));
        assert!(matches!(last, Action::Leave(_)));
        assert_eq!(played(&last), [Prompt::NothingEntered, Prompt::Goodbye]);
        assert!(matches!(d.prompts_done(at(12)), Action::Clear));
    }

    #[test]
    fn a_wrong_pin_starts_over_and_the_third_ends_the_call() {
        let (mut d, _) = CallIn::begin(PATIENCE, one());
        for pause in [0, 2] {
            keys(&mut d, at(1), "101234567812345678");
            let answer = d.rejected(at(1), Duration::from_secs(pause));
            let answer = if pause == 0 { answer } else { d.timed_out(at(3)) };
            assert_eq!(played(&answer), [Prompt::NotRecognised, Prompt::EnterEvent]);
            assert_eq!(d.event().as_str(), "");
        }
        keys(&mut d, at(9), "101234567812345678");
        let last = d.rejected(at(9), Duration::ZERO);
        assert!(matches!(last, Action::Leave(_)));
    }

    #[test]
    fn whoever_was_called_comes_in_with_a_one_and_by_nothing_else() {
        let invited = || CallIn::invite(PATIENCE, LanguageIndex(1));
        let (mut d, said) = invited();
        assert!(matches!(said, Action::Speak(LanguageIndex(1), _)));
        assert_eq!(played(&said), [Prompt::Invited]);
        assert!(matches!(keys(&mut d, at(1), "1"), Action::Join));
        assert!(matches!(keys(&mut d, at(2), "1"), Action::None), "once");
        for other in ["0", "2", "9", "*", "#"] {
            let (mut d, _) = invited();
            assert_eq!(played(&keys(&mut d, at(1), other)), [Prompt::Goodbye], "{other}");
            assert!(matches!(keys(&mut d, at(2), "1"), Action::None), "gone");
        }
    }

    #[test]
    fn a_mailbox_hears_the_invitation_three_times_and_is_let_go() {
        let (mut d, _) = CallIn::invite(PATIENCE, LanguageIndex(0));
        for _ in 0..2 {
            d.prompts_done(at(3));
            assert_eq!(d.deadline(), Some(at(7)));
            assert_eq!(played(&d.timed_out(at(7))), [Prompt::Invited]);
        }
        d.prompts_done(at(3));
        assert_eq!(played(&d.timed_out(at(7))), [Prompt::Goodbye]);
        assert!(matches!(d.prompts_done(at(8)), Action::Clear));
    }

    #[test]
    fn entries_never_show_their_digits() {
        let (mut d, _) = CallIn::begin(PATIENCE, one());
        keys(&mut d, at(1), "10123456781234567");
        let shown = format!("{d:?}");
        assert!(!shown.contains("1012345678") && !shown.contains("1234567"), "{shown}");
    }
}
