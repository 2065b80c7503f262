//! The keys of a role: which sequence does what.
//!
//! A sequence may be keyed as slowly as a person finds the keys; a key that fits no sequence begins anew.
//! No sequence begins another of the same role, so that nothing has to be waited for to know which was meant.

use crate::policy::{DialOut, Policy};
use crate::words::Role;
use std::fmt;
use std::time::Duration;

/// Longest pause within a sequence.
const PATIENCE: Duration = Duration::from_secs(10);
/// Keys in a sequence at most.
pub const LONGEST: usize = 6;

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, host $host:literal;)*) => {
        /// What a sequence does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $variant),* }

        impl Action {
            /// All of them, in the order in which they are told.
            pub const ALL: &'static [Action] = &[$(Action::$variant),*];

            /// Its name in a configuration.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Action::$variant => $name),* }
            }

            /// It concerns others, and is for hosts alone.
            #[must_use]
            pub const fn for_hosts(self) -> bool {
                match self { $(Action::$variant => $host),* }
            }
        }
    };
}

actions! {
    /// Mute or unmute oneself.
    Mute = "mute", host false;
    /// Raise or lower one's hand.
    Hand = "hand", host false;
    /// Hear how many there are.
    Count = "count", host false;
    /// Hear who is there.
    RollCall = "roll_call", host false;
    /// Hear whether it is recorded.
    Recording = "recording", host false;
    /// Let nobody in any more, or everybody again.
    Lock = "lock", host true;
    /// Go on to the next mode.
    Mode = "mode", host true;
    /// Call on whoever raised his hand first.
    CallOn = "call_on", host true;
    /// Lower all hands.
    LowerHands = "lower_hands", host true;
    /// Let in who has waited longest.
    Admit = "admit", host true;
    /// Let in all who wait.
    AdmitAll = "admit_all", host true;
    /// Mute everybody but hosts.
    MuteAll = "mute_all", host true;
    /// Let everybody be heard again.
    UnmuteAll = "unmute_all", host true;
    /// Put out who came last.
    KickLast = "kick_last", host true;
    /// Call somebody in.
    DialOut = "dial_out", host true;
    /// End the event.
    End = "end", host true;
    /// End the event, after being asked once more.
    EndConfirmed = "end_confirmed", host true;
    /// Hear which keys there are.
    Help = "help", host false;
}

impl Action {
    /// The action of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Action> {
        Action::ALL.iter().copied().find(|action| action.name() == name)
    }
}

/// A menu that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MenuError {
    /// A sequence is empty, too long, or holds something that is no key.
    Sequence(String),
    /// There is a sequence twice.
    Twice(String),
    /// One sequence begins another.
    Begins {
        /// This one.
        short: String,
        /// That one, which could never be keyed.
        long: String,
    },
    /// Only hosts may have this.
    ForHosts {
        /// The sequence.
        sequence: String,
        /// What it does.
        action: Action,
    },
}

impl fmt::Display for MenuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MenuError::Sequence(keys) => {
                write!(f, "\"{keys}\" is no sequence of keys: 1 to {LONGEST} of 0 to 9, * and #, and not # alone")
            }
            MenuError::Twice(keys) => write!(f, "\"{keys}\" is there twice"),
            MenuError::Begins { short, long } => {
                write!(f, "\"{long}\" could never be keyed, as \"{short}\" is complete before: change one of the two")
            }
            MenuError::ForHosts { sequence, action } => {
                write!(f, "\"{sequence}\" = \"{}\" is for hosts alone", action.name())
            }
        }
    }
}

impl std::error::Error for MenuError {}

/// The keys of one role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Menu(Vec<(String, Action)>);

impl Menu {
    /// A menu of these.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new<'a>(role: Role, entries: impl IntoIterator<Item = (&'a str, Action)>) -> Result<Menu, MenuError> {
        let mut menu: Vec<(String, Action)> = Vec::new();
        for (keys, action) in entries {
            let is_key = |b: u8| b.is_ascii_digit() || b == b'*' || b == b'#';
            // # alone is what many key after their PIN.
            if keys.is_empty() || keys.len() > LONGEST || keys == "#" || !keys.bytes().all(is_key) {
                return Err(MenuError::Sequence(keys.to_owned()));
            }
            if action.for_hosts() && role != Role::Host {
                return Err(MenuError::ForHosts { sequence: keys.to_owned(), action });
            }
            for (other, _) in &menu {
                if other == keys {
                    return Err(MenuError::Twice(keys.to_owned()));
                }
                let (short, long) =
                    if keys.len() < other.len() { (keys, other.as_str()) } else { (other.as_str(), keys) };
                if long.starts_with(short) {
                    return Err(MenuError::Begins { short: short.to_owned(), long: long.to_owned() });
                }
            }
            menu.push((keys.to_owned(), action));
        }
        menu.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Menu(menu))
    }

    /// What a role has unless it is given something else.
    #[must_use]
    pub fn default_of(role: Role) -> Menu {
        let entries: &[(&str, Action)] = match role {
            Role::Host => &[
                ("*6", Action::Mute),
                ("*4", Action::Count),
                ("*5", Action::Lock),
                ("*7", Action::Mode),
                ("*8", Action::RollCall),
                ("*9", Action::Recording),
                ("*1", Action::DialOut),
                ("*2", Action::CallOn),
                ("*0", Action::Help),
                ("#1", Action::Admit),
                ("#2", Action::LowerHands),
                ("#3", Action::AdmitAll),
                ("#6", Action::MuteAll),
                ("#7", Action::KickLast),
                ("#8", Action::UnmuteAll),
                ("399", Action::End),
                ("*399", Action::End),
                ("##", Action::EndConfirmed),
            ],
            Role::Speaker => &[
                ("*6", Action::Mute),
                ("*2", Action::Hand),
                ("*4", Action::Count),
                ("*8", Action::RollCall),
                ("*9", Action::Recording),
                ("*0", Action::Help),
            ],
            Role::Listener => &[
                ("*6", Action::Mute),
                ("*2", Action::Hand),
                ("*4", Action::Count),
                ("*9", Action::Recording),
                ("*0", Action::Help),
            ],
        };
        let mut menu: Vec<_> = entries.iter().map(|(keys, action)| ((*keys).to_owned(), *action)).collect();
        menu.sort_by(|a, b| a.0.cmp(&b.0));
        Menu(menu)
    }

    /// The sequences and what they do.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Action)> {
        self.0.iter().map(|(keys, action)| (keys.as_str(), *action))
    }

    /// The sequence of an action, if it has one: of several the shortest.
    #[must_use]
    pub fn keys_of(&self, action: Action) -> Option<&str> {
        self.entries().filter(|(_, a)| *a == action).map(|(keys, _)| keys).min_by_key(|keys| keys.len())
    }
}

/// The menus of all roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menus {
    /// The hosts'.
    pub host: Menu,
    /// The speakers'.
    pub speaker: Menu,
    /// The listeners'.
    pub listener: Menu,
}

impl Default for Menus {
    fn default() -> Menus {
        Menus {
            host: Menu::default_of(Role::Host),
            speaker: Menu::default_of(Role::Speaker),
            listener: Menu::default_of(Role::Listener),
        }
    }
}

impl Menus {
    /// The menu of a role.
    #[must_use]
    pub const fn of(&self, role: Role) -> &Menu {
        match role {
            Role::Host => &self.host,
            Role::Speaker => &self.speaker,
            Role::Listener => &self.listener,
        }
    }

    /// What is worth telling: the menus without what does nothing under these rules.
    #[must_use]
    pub fn useful(&self, rules: &Policy, dial_out: &DialOut) -> Menus {
        let useful = |role: Role| {
            let does = |(_, action): &(String, Action)| match action {
                Action::DialOut => dial_out.enabled,
                Action::Admit | Action::AdmitAll => rules.waiting_room,
                // Without names it is the count.
                Action::RollCall => rules.names,
                Action::Mute | Action::Hand => role != Role::Listener || rules.listeners_ask,
                _ => true,
            };
            Menu(self.of(role).0.iter().filter(|entry| does(entry)).cloned().collect())
        };
        Menus { host: useful(Role::Host), speaker: useful(Role::Speaker), listener: useful(Role::Listener) }
    }
}

/// The keys of one caller so far.
#[derive(Clone, Debug, Default)]
pub struct Keyed {
    keys: heapless::Vec<u8, LONGEST>,
    last: Duration,
}

impl Keyed {
    /// One more key; what it completes.
    pub fn key(&mut self, now: Duration, menu: &Menu, key: u8) -> Option<Action> {
        if now.saturating_sub(self.last) > PATIENCE {
            self.keys.clear();
        }
        self.last = now;
        if self.keys.push(key).is_err() || !self.fits(menu) {
            self.keys.clear();
            // At most the one key: there is room.
            let _ = self.keys.push(key);
            if !self.fits(menu) {
                self.keys.clear();
            }
        }
        let done = menu.0.iter().find(|(keys, _)| keys.as_bytes() == self.keys.as_slice()).map(|(_, action)| *action);
        if done.is_some() {
            self.keys.clear();
        }
        done
    }

    fn fits(&self, menu: &Menu) -> bool {
        menu.0.iter().any(|(keys, _)| keys.as_bytes().starts_with(&self.keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(keys: &[(u64, u8)]) -> Option<Action> {
        let (mut state, menu) = (Keyed::default(), Menu::default_of(Role::Host));
        let mut last = None;
        for &(second, key) in keys {
            last = state.key(Duration::from_secs(second), &menu, key);
        }
        last
    }

    #[test]
    fn the_event_ends_with_399_or_star_399_however_slowly() {
        assert_eq!(action(&[(0, b'3'), (1, b'9'), (2, b'9')]), Some(Action::End));
        assert_eq!(action(&[(0, b'*'), (1, b'3'), (2, b'9'), (11, b'9')]), Some(Action::End));
        assert_eq!(action(&[(0, b'#'), (0, b'3'), (0, b'9'), (0, b'9')]), None, "# and 3 let all in");
        assert_eq!(action(&[(0, b'5'), (0, b'3'), (0, b'9'), (0, b'9')]), Some(Action::End));
        assert_eq!(action(&[(0, b'3'), (0, b'3'), (0, b'9'), (0, b'9')]), Some(Action::End));
        assert_eq!(action(&[(0, b'#'), (0, b'#')]), Some(Action::EndConfirmed));
    }

    #[test]
    fn other_keys_do_not_end_it() {
        assert_eq!(action(&[(0, b'3'), (0, b'9'), (11, b'9')]), None);
        assert_eq!(action(&[(0, b'3'), (0, b'1'), (0, b'9'), (0, b'9')]), None);
        assert_eq!(action(&[(0, b'9'), (0, b'9'), (0, b'9')]), None);
    }

    #[test]
    fn the_menus_there_are_are_menus() {
        for role in [Role::Host, Role::Speaker, Role::Listener] {
            let menu = Menu::default_of(role);
            assert_eq!(Menu::new(role, menu.entries()), Ok(menu));
        }
        for action in Action::ALL {
            assert_eq!(Action::of_name(action.name()), Some(*action));
        }
    }

    #[test]
    fn what_does_nothing_is_not_worth_telling() {
        let all = Menus::default();
        let told = |rules: &Policy, dial_out: &DialOut, role, action| {
            all.useful(rules, dial_out).of(role).keys_of(action).map(str::to_owned)
        };
        let (plain, off) = (Policy::default(), DialOut::default());
        for action in [Action::DialOut, Action::Admit, Action::AdmitAll, Action::RollCall] {
            assert_eq!(told(&plain, &off, Role::Host, action), None, "{action:?}");
        }
        assert_eq!(told(&plain, &off, Role::Listener, Action::Hand), None);
        let rules = Policy { waiting_room: true, names: true, listeners_ask: true, ..plain };
        let on = DialOut { enabled: true, ..off };
        assert_eq!(all.useful(&rules, &on), all, "everything does something");
        assert_eq!(told(&rules, &on, Role::Host, Action::End).as_deref(), Some("399"), "of two the shorter");
    }

    #[test]
    fn a_menu_that_cannot_be_keyed_is_refused_in_words() {
        let wrong =
            |role, entries: &[(&str, Action)]| Menu::new(role, entries.iter().copied()).expect_err("wrong").to_string();
        let begins = wrong(Role::Host, &[("*39", Action::Lock), ("*3", Action::Admit)]);
        assert_eq!(begins, "\"*39\" could never be keyed, as \"*3\" is complete before: change one of the two");
        assert!(wrong(Role::Host, &[("*3", Action::Lock), ("*3", Action::Admit)]).contains("twice"));
        for keys in ["", "#", "*a", "1234567"] {
            assert!(wrong(Role::Host, &[(keys, Action::Lock)]).contains("no sequence"), "{keys}");
        }
        assert!(wrong(Role::Speaker, &[("*5", Action::Lock)]).contains("for hosts alone"));
    }
}
