//! The rules of a conference, fixed when it opens.

use crate::words::{Digits, Mode, Refused};
use std::time::Duration;

/// What becomes of the others when the last host has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostLeaves {
    /// It ends at once.
    End,
    /// It ends after this time, unless a host comes back.
    Grace(Duration),
    /// It goes on; what hosts have done and only they could undo is undone: mode, lock of mutes, lock of the door.
    GoOn,
}

/// How those who are in learn that somebody comes or leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryExit {
    /// By a tone.
    Tone,
    /// By the name he has said; by a tone where he said none.
    Name,
    /// Not at all.
    Nothing,
}

/// Who may be heard in question mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionUnmute {
    /// Whom the host has called on.
    CalledOn,
    /// Everybody who presses the key.
    Anybody,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who is heard at first.
    pub mode: Mode,
    /// Nobody is let in before a host is.
    pub wait_for_host: bool,
    /// Whoever comes waits to be let in by a host.
    pub waiting_room: bool,
    /// What becomes of it without a host.
    pub host_leaves: HostLeaves,
    /// How coming and leaving is told.
    pub entry_exit: EntryExit,
    /// From more than so many on it is not told; 0: always told.
    pub quiet_above: u16,
    /// Callers are asked for their names.
    pub names: bool,
    /// It is recorded.
    pub recorded: bool,
    /// And that is said, on entry and when it begins.
    pub announce_recording: bool,
    /// Who may unmute in question mode.
    pub question_unmute: QuestionUnmute,
    /// Listeners may raise their hands, and are heard when they are called on.
    pub listeners_ask: bool,
    /// Those it takes, hosts not counted; 0: as many as come.
    pub max_members: u16,
    /// Once there were so many, it ends when fewer are left; 0: it does not.
    pub min_members: u16,
    /// For how long fewer than that may be left.
    pub min_grace: Duration,
    /// How long it may last.
    pub max_duration: Option<Duration>,
    /// How long before that everybody is told.
    pub warning: Duration,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            mode: Mode::Conversation,
            wait_for_host: false,
            waiting_room: false,
            host_leaves: HostLeaves::GoOn,
            entry_exit: EntryExit::Tone,
            quiet_above: 0,
            names: false,
            recorded: false,
            announce_recording: false,
            question_unmute: QuestionUnmute::CalledOn,
            listeners_ask: false,
            max_members: 0,
            min_members: 0,
            min_grace: Duration::from_secs(60),
            max_duration: None,
            warning: Duration::from_secs(300),
        }
    }
}

/// Who may be called from within conferences: nobody, unless prefixes are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialOut {
    /// Calling out is on.
    pub enabled: bool,
    /// What a number must begin with.
    pub allow: Vec<String>,
    /// Numbers that are never called, whatever they begin with: those of emergency services.
    pub never: Vec<String>,
    /// Calls a conference may have at a time, those who have come in included.
    pub max_at_once: u16,
    /// All conferences together.
    pub max_in_all: u16,
}

impl Default for DialOut {
    fn default() -> DialOut {
        DialOut { enabled: false, allow: Vec::new(), never: Vec::new(), max_at_once: 4, max_in_all: 16 }
    }
}

impl DialOut {
    /// Whether a number may be called.
    ///
    /// # Errors
    /// [`Refused::DialOutOff`], [`Refused::DialOutForbidden`], [`Refused::DialOutNever`].
    pub fn check(&self, number: &Digits) -> Result<(), Refused> {
        if !self.enabled {
            return Err(Refused::DialOutOff);
        }
        let number = number.as_str();
        // E.164 numbers have 15 digits, and an exchange line may want a few before them; what was keyed beyond that is lost.
        let whole = number.len() <= Digits::MOST;
        let allowed = whole && self.allow.iter().any(|prefix| number.starts_with(prefix.as_str()));
        if self.never.iter().any(|barred| barred == number) {
            return Err(Refused::DialOutNever);
        }
        if allowed { Ok(()) } else { Err(Refused::DialOutForbidden) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_called_unless_it_is_allowed() {
        let number = |text| Digits::parse(text).expect("digits");
        let mut rules = DialOut { never: vec!["112".into()], ..DialOut::default() };
        assert_eq!(rules.check(&number("+4930123")), Err(Refused::DialOutOff));
        rules.enabled = true;
        assert_eq!(rules.check(&number("4930123")), Err(Refused::DialOutForbidden), "an empty list allows nothing");
        rules.allow = vec!["49".into(), "1".into()];
        assert_eq!(rules.check(&number("4930123")), Ok(()));
        assert_eq!(rules.check(&number("900123")), Err(Refused::DialOutForbidden));
        assert_eq!(rules.check(&number("112")), Err(Refused::DialOutNever), "not from a conference");
        let twenty = "49301234567890123456";
        assert_eq!(rules.check(&number(twenty)), Ok(()), "as many as are promised");
        assert_eq!(Digits::parse(&format!("{twenty}7")), None);
        let mut keyed = number(twenty);
        assert!(keyed.push(b'7') && !keyed.push(b'8'), "one more is kept, and makes it too long");
        assert_eq!(rules.check(&keyed), Err(Refused::DialOutForbidden));
        assert_eq!(Digits::parse("12a"), None);
        assert_eq!(Digits::parse(""), None);
    }
}
