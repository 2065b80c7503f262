//! The keys of each role in words: "To mute yourself, press star six."
//!
//! What is told is what the menus of the configuration do, put together at the start from a prompt for each action and the keys one by
//! one. An action that has several sequences is told with the shortest.
//!
//! Data path: [`Menus`] and a language's digits → here → lists of its sounds → the voice path.
//! Time: at the start only.

use super::{Hint, Prompt};
use conference::{Action, Menu, Menus, Role};
use spoken::{Grammar, Part};

/// One sound of a language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sound {
    /// A prompt.
    Prompt(Prompt),
    /// A part of a number.
    Part(Part),
    /// Nothing for a moment: one key is not taken for the next one's.
    Pause,
}

/// Between two keys of a menu: 0.3 s.
pub(super) static PAUSE: [i16; 2400] = [0; 2400];

/// What is said of the keys of one role.
#[derive(Debug, Default)]
struct Keys {
    menu: Vec<Sound>,
    be_heard: Vec<Sound>,
    raise_hand: Vec<Sound>,
}

/// What is said of the keys of all roles, in one language.
#[derive(Debug, Default)]
pub(super) struct Told {
    host: Keys,
    speaker: Keys,
    listener: Keys,
}

impl Told {
    pub fn new(menus: &Menus, digits: &Grammar) -> Told {
        let keys = |menu: &Menu| Keys {
            menu: whole(menu, digits),
            be_heard: press(menu, Action::Mute, Prompt::PressUnmute, digits),
            raise_hand: press(menu, Action::Hand, Prompt::PressHand, digits),
        };
        Told { host: keys(&menus.host), speaker: keys(&menus.speaker), listener: keys(&menus.listener) }
    }

    fn of(&self, role: Role) -> &Keys {
        match role {
            Role::Host => &self.host,
            Role::Speaker => &self.speaker,
            Role::Listener => &self.listener,
        }
    }

    pub fn menu(&self, role: Role) -> &[Sound] {
        &self.of(role).menu
    }

    pub fn hint(&self, role: Role, hint: Hint) -> &[Sound] {
        match hint {
            Hint::BeHeard => &self.of(role).be_heard,
            Hint::RaiseHand => &self.of(role).raise_hand,
        }
    }
}

fn whole(menu: &Menu, digits: &Grammar) -> Vec<Sound> {
    let mut sounds = Vec::new();
    for action in Action::ALL {
        let told = press(menu, *action, prompt_of(*action), digits);
        if !told.is_empty() && !sounds.is_empty() {
            sounds.push(Sound::Pause);
        }
        sounds.extend(told);
    }
    sounds
}

/// What an action is for and its keys; nothing, if the menu does not have it.
fn press(menu: &Menu, action: Action, prompt: Prompt, digits: &Grammar) -> Vec<Sound> {
    let Some(keys) = menu.keys_of(action) else { return Vec::new() };
    let mut sounds = vec![Sound::Prompt(prompt)];
    for key in keys.bytes() {
        match key {
            b'*' => sounds.push(Sound::Prompt(Prompt::KeyStar)),
            b'#' => sounds.push(Sound::Prompt(Prompt::KeyHash)),
            // A menu has no others: `Menu::new` sees to it.
            digit => {
                let parts = digits.number(u16::from(digit.saturating_sub(b'0')));
                sounds.extend(parts.iter().copied().map(Sound::Part));
            }
        }
    }
    sounds
}

const fn prompt_of(action: Action) -> Prompt {
    match action {
        Action::Mute => Prompt::PressMute,
        Action::Hand => Prompt::PressHand,
        Action::Count => Prompt::PressCount,
        Action::RollCall => Prompt::PressRollCall,
        Action::Recording => Prompt::PressRecording,
        Action::Lock => Prompt::PressLock,
        Action::Mode => Prompt::PressMode,
        Action::CallOn => Prompt::PressCallOn,
        Action::LowerHands => Prompt::PressLowerHands,
        Action::Admit => Prompt::PressAdmit,
        Action::AdmitAll => Prompt::PressAdmitAll,
        Action::MuteAll => Prompt::PressMuteAll,
        Action::UnmuteAll => Prompt::PressUnmuteAll,
        Action::KickLast => Prompt::PressKickLast,
        Action::DialOut => Prompt::PressDialOut,
        Action::End => Prompt::PressEnd,
        Action::EndConfirmed => Prompt::PressEndConfirmed,
        Action::Help => Prompt::PressHelp,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Said, Sounds};
    use super::*;
    use std::path::Path;

    /// What a caller is told of these keys, written down: prompts by their names, parts of numbers as they are said.
    fn told(code: &str, menus: &Menus, said: Said) -> String {
        let sounds = Sounds::load(Path::new(""), &[code], Path::new("")).expect("built in").with_menus(menus);
        let language = sounds.language(super::super::LanguageIndex(0));
        let name = |sound: &[i16]| {
            let files = language.files().filter(|(_, samples)| samples.as_ptr() == sound.as_ptr());
            files
                .map(|(file, _)| file.trim_start_matches("numbers/").to_owned())
                .next()
                .unwrap_or_else(|| "/".to_owned())
        };
        let words: Vec<String> = (0..).map_while(|place| language.sound(said, place)).map(name).collect();
        words.join(" ")
    }

    #[test]
    fn what_is_told_is_what_the_keys_do() {
        let speaker = Menu::new(Role::Speaker, [("#12", Action::Mute), ("7", Action::Count), ("*20", Action::Hand)]);
        let menus = Menus { speaker: speaker.expect("a menu"), listener: Menu::default(), ..Menus::default() };
        for code in ["en", "de", "fr", "es"] {
            let menu = told(code, &menus, Said::Menu(Role::Speaker));
            assert_eq!(menu, "press-mute key-hash 1 2 / press-hand key-star 2 0 / press-count 7", "{code}");
        }
        let hint = |role, hint| told("en", &menus, Said::Hint(role, hint));
        assert_eq!(hint(Role::Speaker, Hint::BeHeard), "press-unmute key-hash 1 2");
        assert_eq!(hint(Role::Speaker, Hint::RaiseHand), "press-hand key-star 2 0");
        assert_eq!(hint(Role::Host, Hint::RaiseHand), "", "hosts raise no hands");
        assert_eq!(told("en", &menus, Said::Menu(Role::Listener)), "", "no keys, no words");
    }

    #[test]
    fn every_key_of_the_default_menus_is_told_once() {
        let menus = Menus::default();
        for role in [Role::Host, Role::Speaker, Role::Listener] {
            let words = told("en", &menus, Said::Menu(role));
            for action in Action::ALL {
                let there = menus.of(role).keys_of(*action).is_some();
                let times = words.split(' ').filter(|word| *word == prompt_of(*action).name()).count();
                assert_eq!(times, usize::from(there), "{action:?} of a {role:?}: {words}");
            }
        }
        assert!(told("en", &menus, Said::Menu(Role::Host)).contains("press-end 3 9 9 /"));
    }
}
