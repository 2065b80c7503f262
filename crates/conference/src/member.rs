//! One member: where he is, and whether he is heard.

use crate::keys::Keyed;
use crate::words::{Digits, Mode, MutedBy, Place, Role, Room};
use std::time::Duration;

/// The right to speak where only hosts may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Floor {
    None,
    /// A host has called on him: he may unmute.
    Given,
    /// He has.
    Taken,
}

/// What a member is in the middle of keying.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Nothing,
    /// Whether it is to be ended, until then.
    End(Duration),
    /// A number to call. The next digit is waited for until then; `None`: he is still being asked.
    Number(Digits, Option<Duration>),
    /// A number he was too slow with: what he keys of it until then is no key of his menu.
    TooLate(Duration),
}

impl Asked {
    /// It is a number he is waited for.
    pub const fn is_number(&self) -> bool {
        matches!(self, Asked::Number(..))
    }

    /// Until when he is waited for with a number.
    pub fn number_until(&self) -> Option<Duration> {
        match self {
            Asked::Number(_, until) => *until,
            Asked::Nothing | Asked::End(_) | Asked::TooLate(_) => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub room: Room,
    pub role: Role,
    pub place: Place,
    /// His turn among all who came: the order of roll calls and waiting.
    pub turn: u64,
    /// When he came in, for the # that many key after their PIN.
    pub came: Duration,
    pub self_muted: bool,
    pub host_muted: bool,
    pub floor: Floor,
    /// His turn among raised hands.
    pub hand: Option<u64>,
    /// What was last told of his being heard.
    pub told: Option<MutedBy>,
    /// He has said his name.
    pub named: bool,
    /// When his name is taken for said.
    pub name_until: Option<Duration>,
    pub keyed: Keyed,
    pub asked: Asked,
    /// In a roll call he hears: the turn of whom he has heard last.
    pub roll: Option<u64>,
    /// He is being told his keys, which takes a while.
    pub learns: bool,
}

impl Member {
    pub fn new(room: Room, role: Role, turn: u64, now: Duration) -> Member {
        Member {
            room,
            role,
            place: Place::Naming,
            turn,
            came: now,
            self_muted: false,
            host_muted: false,
            floor: Floor::None,
            hand: None,
            told: None,
            named: false,
            name_until: None,
            keyed: Keyed::default(),
            asked: Asked::Nothing,
            roll: None,
            learns: false,
        }
    }

    pub fn is_present(&self) -> bool {
        self.place == Place::Present
    }

    pub fn is_waiting(&self) -> bool {
        matches!(self.place, Place::Waiting(_))
    }

    /// Why he is not heard. What he cannot change himself comes first.
    pub fn muted(&self, mode: Mode) -> Option<MutedBy> {
        let has_floor = self.floor == Floor::Taken;
        match self.role {
            Role::Listener if !has_floor => return Some(MutedBy::Role),
            Role::Speaker if mode != Mode::Conversation && !has_floor => return Some(MutedBy::Mode),
            Role::Host | Role::Speaker | Role::Listener => {}
        }
        if self.host_muted { Some(MutedBy::Host) } else { self.self_muted.then_some(MutedBy::Oneself) }
    }
}

/// What can be seen of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// His conference.
    pub room: Room,
    /// His role.
    pub role: Role,
    /// Where he is.
    pub place: Place,
    /// Why he is not heard.
    pub muted: Option<MutedBy>,
    /// His hand is raised: the lower, the earlier.
    pub hand: Option<u64>,
    /// A host has called on him.
    pub has_floor: bool,
    /// His name was recorded.
    pub named: bool,
}
