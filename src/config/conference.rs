//! `[conference]`: the rules of conferences, the keys of each role, who may be called from them.

use super::{any_u16, at_least_one_u16, talk_level};
use crate::gateway::Inviting;
use crate::office::conference::ShowNumbers;
use conference::{Action, EntryExit, HostLeaves, Menu, Menus, Mode, Policy, QuestionUnmute, Role};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::collections::BTreeMap;
use std::time::Duration;

/// `[conference]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conference {
    /// The level from which a caller counts as talking, in dBm0.
    #[serde(deserialize_with = "talk_level")]
    pub talk_dbm0: f32,
    /// Who is heard at first.
    pub mode: FirstMode,
    /// Nobody is let in before a host is.
    pub wait_for_host: bool,
    /// Whoever comes waits to be let in by a host.
    pub waiting_room: bool,
    /// What becomes of the others when the last host has left.
    pub host_leaves: WithoutHost,
    /// Seconds of `host_leaves = "grace"`.
    #[serde(deserialize_with = "at_least_one_u16")]
    pub host_grace_s: u16,
    /// How those who are in learn that somebody comes or leaves.
    pub entry_exit: Entries,
    /// From more than so many on they do not; 0: always.
    #[serde(deserialize_with = "any_u16")]
    pub quiet_above: u16,
    /// Callers are asked for their names.
    pub names: bool,
    /// That it is recorded is said.
    pub announce_recording: bool,
    /// Who may unmute in question mode.
    pub question_unmute: MayUnmute,
    /// Listeners may raise their hands, and are heard when they are called on.
    pub listeners_may_ask: bool,
    /// Those a conference takes, hosts not counted; 0: as many as come.
    #[serde(deserialize_with = "any_u16")]
    pub max_members: u16,
    /// Once there were so many, it ends when fewer are left; 0: it does not.
    #[serde(deserialize_with = "any_u16")]
    pub min_members: u16,
    /// Seconds for which fewer may be left.
    #[serde(deserialize_with = "at_least_one_u16")]
    pub min_grace_s: u16,
    /// Seconds a conference may last; 0: for ever.
    pub max_duration_s: u32,
    /// Seconds before its end at which everybody is told.
    pub warning_s: u32,
    /// How much is seen of callers' numbers.
    pub show_numbers: ShowNumbers,
    /// What keys do.
    pub keys: Keys,
    /// Who may be called.
    pub dial_out: DialOut,
}

impl Default for Conference {
    fn default() -> Self {
        Conference {
            talk_dbm0: -40.0,
            mode: FirstMode::Conversation,
            wait_for_host: false,
            waiting_room: false,
            host_leaves: WithoutHost::GoOn,
            host_grace_s: 120,
            entry_exit: Entries::Tone,
            quiet_above: 30,
            names: false,
            announce_recording: false,
            question_unmute: MayUnmute::CalledOn,
            listeners_may_ask: false,
            max_members: 0,
            min_members: 0,
            min_grace_s: 60,
            max_duration_s: 0,
            warning_s: 300,
            show_numbers: ShowNumbers::LastFour,
            keys: Keys::default(),
            dial_out: DialOut::default(),
        }
    }
}

/// Who is heard at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstMode {
    /// Everybody but listeners.
    Conversation,
    /// The hosts, and whom they call on.
    Question,
    /// The hosts.
    Lecture,
}

/// What becomes of the others when the last host has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithoutHost {
    /// The conference ends.
    End,
    /// It ends after a while, unless a host comes back.
    Grace,
    /// It goes on.
    GoOn,
}

/// How those who are in learn that somebody comes or leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entries {
    /// By a tone.
    Tone,
    /// By name.
    Name,
    /// Not at all.
    None,
}

/// Who may unmute in question mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MayUnmute {
    /// Whom the host has called on.
    CalledOn,
    /// Everybody.
    Anybody,
}

/// `[conference.keys]`: a role that has a table has these sequences and no others.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// The hosts'.
    #[serde(deserialize_with = "host_menu")]
    pub host: Menu,
    /// The speakers'.
    #[serde(deserialize_with = "speaker_menu")]
    pub speaker: Menu,
    /// The listeners'.
    #[serde(deserialize_with = "listener_menu")]
    pub listener: Menu,
}

impl Default for Keys {
    fn default() -> Self {
        let Menus { host, speaker, listener } = Menus::default();
        Keys { host, speaker, listener }
    }
}

/// `[conference.dial_out]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DialOut {
    /// Hosts may call somebody in.
    pub enabled: bool,
    /// What a number must begin with.
    pub allow: Vec<String>,
    /// Numbers that are never called.
    pub never: Vec<String>,
    /// Calls a conference may have at a time, those who have come in included.
    #[serde(deserialize_with = "at_least_one_u16")]
    pub max_at_once: u16,
    /// All conferences together.
    #[serde(deserialize_with = "at_least_one_u16")]
    pub max_in_all: u16,
    /// Seconds it may ring.
    #[serde(deserialize_with = "at_least_one_u16")]
    pub no_answer_s: u16,
    /// The number those who are called are shown; empty: none.
    pub calling: String,
}

impl Default for DialOut {
    fn default() -> Self {
        // Emergency services are called by the person who is where help is needed.
        let never = ["000", "110", "111", "112", "118", "119", "911", "999"].map(str::to_owned).into();
        let calling = String::new();
        DialOut { enabled: false, allow: Vec::new(), never, max_at_once: 4, max_in_all: 16, no_answer_s: 45, calling }
    }
}

impl Conference {
    /// The rules, where conferences are `recorded` or not.
    #[must_use]
    pub fn rules(&self, recorded: bool) -> Policy {
        Policy {
            mode: match self.mode {
                FirstMode::Conversation => Mode::Conversation,
                FirstMode::Question => Mode::Question,
                FirstMode::Lecture => Mode::Lecture,
            },
            wait_for_host: self.wait_for_host,
            waiting_room: self.waiting_room,
            host_leaves: match self.host_leaves {
                WithoutHost::End => HostLeaves::End,
                WithoutHost::Grace => HostLeaves::Grace(Duration::from_secs(self.host_grace_s.into())),
                WithoutHost::GoOn => HostLeaves::GoOn,
            },
            entry_exit: match self.entry_exit {
                Entries::Tone => EntryExit::Tone,
                Entries::Name => EntryExit::Name,
                Entries::None => EntryExit::Nothing,
            },
            quiet_above: self.quiet_above,
            names: self.names,
            recorded,
            announce_recording: self.announce_recording,
            question_unmute: match self.question_unmute {
                MayUnmute::CalledOn => QuestionUnmute::CalledOn,
                MayUnmute::Anybody => QuestionUnmute::Anybody,
            },
            listeners_ask: self.listeners_may_ask,
            max_members: self.max_members,
            min_members: self.min_members,
            min_grace: Duration::from_secs(self.min_grace_s.into()),
            max_duration: (self.max_duration_s > 0).then(|| Duration::from_secs(self.max_duration_s.into())),
            warning: Duration::from_secs(self.warning_s.into()),
        }
    }

    /// What keys do.
    #[must_use]
    pub fn menus(&self) -> Menus {
        let Keys { host, speaker, listener } = self.keys.clone();
        Menus { host, speaker, listener }
    }

    /// What may be meant, but leaves somebody helpless.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let Keys { host, speaker, .. } = &self.keys;
        let helpless =
            [("host", host), ("speaker", speaker)].into_iter().filter(|(_, menu)| menu.keys_of(Action::Mute).is_none());
        helpless
            .map(|(role, _)| {
                format!(
                    "conference.keys.{role} has no key for \"mute\": a {role} who has been muted cannot unmute himself"
                )
            })
            .collect()
    }

    /// Who may be called.
    #[must_use]
    pub fn dial_out(&self) -> conference::DialOut {
        let DialOut { enabled, allow, never, max_at_once, max_in_all, .. } = self.dial_out.clone();
        conference::DialOut { enabled, allow, never, max_at_once, max_in_all }
    }

    /// How they are called.
    #[must_use]
    pub fn inviting(&self) -> Inviting {
        let calling = self.dial_out.calling.as_str();
        let number = || isdn::Number { presentation: isdn::Presentation::Allowed, ..isdn::Number::new(calling) };
        Inviting {
            no_answer: Duration::from_secs(self.dial_out.no_answer_s.into()),
            calling: (!calling.is_empty()).then(number),
        }
    }

    /// What two fields together make wrong.
    ///
    /// # Errors
    /// In words.
    pub fn check(&self) -> Result<(), String> {
        if self.entry_exit == Entries::Name && !self.names {
            return Err(
                "conference.entry_exit = \"name\" needs conference.names = true: nobody would be asked for his name"
                    .to_owned(),
            );
        }
        if self.max_members > 0 && self.min_members > self.max_members {
            return Err(format!(
                "conference.min_members ({}) is more than conference.max_members ({}) lets in",
                self.min_members, self.max_members
            ));
        }
        if self.dial_out.enabled && self.dial_out.allow.is_empty() {
            return Err("conference.dial_out.enabled = true, but no number may be called: list prefixes in conference.dial_out.allow".to_owned());
        }
        let digits = |number: &&String| number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit());
        if self.dial_out.max_at_once > self.dial_out.max_in_all {
            return Err(format!(
                "conference.dial_out.max_at_once ({}) is more than conference.dial_out.max_in_all ({}) allows",
                self.dial_out.max_at_once, self.dial_out.max_in_all
            ));
        }
        let calling = &self.dial_out.calling;
        if calling.len() > 20 || !calling.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!(
                "conference.dial_out.calling = \"{calling}\" is no number: up to 20 digits, without + and spaces"
            ));
        }
        if let Some(wrong) = self.dial_out.allow.iter().chain(&self.dial_out.never).find(digits) {
            return Err(format!("conference.dial_out: \"{wrong}\" is no number: digits alone, without + and spaces"));
        }
        Ok(())
    }
}

fn menu<'de, D: Deserializer<'de>>(role: Role, deserializer: D) -> Result<Menu, D::Error> {
    let entries = BTreeMap::<String, String>::deserialize(deserializer)?;
    let action = |(keys, name): &(&String, &String)| match Action::of_name(name) {
        Some(action) => Ok((keys.to_string(), action)),
        None => {
            let names: Vec<&str> = Action::ALL.iter().map(|action| action.name()).collect();
            Err(D::Error::custom(format!("\"{keys}\": there is no \"{name}\"; there are {}", names.join(", "))))
        }
    };
    let entries: Vec<(String, Action)> = entries.iter().map(|entry| action(&entry)).collect::<Result<_, _>>()?;
    Menu::new(role, entries.iter().map(|(keys, action)| (keys.as_str(), *action))).map_err(D::Error::custom)
}

fn host_menu<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Menu, D::Error> {
    menu(Role::Host, deserializer)
}

fn speaker_menu<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Menu, D::Error> {
    menu(Role::Speaker, deserializer)
}

fn listener_menu<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Menu, D::Error> {
    menu(Role::Listener, deserializer)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn wrong(text: &str) -> String {
        Config::parse(text).expect_err("wrong")
    }

    #[test]
    fn keys_that_cannot_be_are_refused_with_their_line() {
        let begins = wrong("[conference.keys.host]\n\"*3\" = \"admit\"\n\"*399\" = \"end\"\n");
        assert!(begins.contains("\"*399\" could never be keyed, as \"*3\" is complete before"), "{begins}");
        assert!(begins.contains("line 1"), "{begins}");
        let unknown = wrong("[conference.keys.speaker]\n\"*3\" = \"dance\"\n");
        assert!(unknown.contains("there is no \"dance\"; there are mute, hand"), "{unknown}");
        let not_his = wrong("[conference.keys.speaker]\n\"*5\" = \"lock\"\n");
        assert!(not_his.contains("for hosts alone"), "{not_his}");
        let twice = wrong("[conference.keys.host]\n\"*5\" = \"lock\"\n\"*5\" = \"mode\"\n");
        assert!(twice.contains("duplicate key"), "{twice}");
    }

    #[test]
    fn a_role_with_a_table_has_these_keys_and_no_others() {
        let config = Config::parse("[conference.keys.host]\n\"11\" = \"end\"\n").expect("right");
        assert_eq!(config.conference.menus().host.entries().collect::<Vec<_>>(), [("11", conference::Action::End)]);
        assert_eq!(config.conference.menus().speaker, conference::Menus::default().speaker);
    }

    #[test]
    fn whoever_can_be_muted_should_be_able_to_unmute_himself() {
        let warnings = |text: &str| Config::parse(text).expect("right").conference.warnings();
        assert_eq!(warnings(""), Vec::<String>::new());
        let without = warnings("[conference.keys.speaker]\n\"*4\" = \"count\"\n");
        assert!(
            without.len() == 1 && without[0].contains("conference.keys.speaker has no key for \"mute\""),
            "{without:?}"
        );
        assert!(warnings("[conference.keys.speaker]\n\"88\" = \"mute\"\n").is_empty());
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        assert!(wrong("[conference]\nentry_exit = \"name\"\n").contains("names = true"));
        assert!(wrong("[conference]\nmin_members = 5\nmax_members = 3\n").contains("more than"));
        assert!(wrong("[conference.dial_out]\nenabled = true\n").contains("allow"));
        assert!(wrong("[conference.dial_out]\nallow = [\"+49\"]\n").contains("digits alone"));
        assert!(wrong("[conference.dial_out]\ncalling = \"+49\"\n").contains("no number"));
        assert!(wrong("[conference.dial_out]\nno_answer_s = 0\n").contains("no_answer_s"));
        assert!(wrong("[conference.dial_out]\nmax_at_once = 9\nmax_in_all = 8\n").contains("more than"));
        assert!(wrong("[conference]\nhost_grace_s = 0\n").contains("host_grace_s"));
        assert!(wrong("[conference]\nhost_grace_s = 0\n").contains("from 1 to 65535"));
        assert!(wrong("[conference]\nmax_members = 99999999\n").contains("99999999: from 0 to 65535"));
    }
}
