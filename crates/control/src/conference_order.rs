//! What can be ordered in a conference.
//!
//! Source: our own protocol, version 1. Members are named by the numbers of their calls.

use crate::{ConferenceMode, Problem};
use serde::{Deserialize, Serialize};

/// Characters in a member's name at most.
const NAME_MAX: usize = 80;

/// Digits of a number to call at most.
const NUMBER_MAX: usize = 20;

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ConferenceOrder {
    /// Mute a member.
    Mute {
        /// Whom.
        call: u64,
    },
    /// Let a member be heard again; whoever has muted himself is asked to unmute.
    Unmute {
        /// Whom.
        call: u64,
    },
    /// Mute everybody but hosts, whoever comes later included.
    MuteAll {
        /// Nobody can unmute himself.
        #[serde(default)]
        lock: bool,
    },
    /// No more of that.
    UnmuteAll,
    /// Let nobody in but hosts.
    Lock,
    /// Let everybody in again.
    Unlock,
    /// Change who is heard.
    Mode {
        /// To this.
        mode: ConferenceMode,
    },
    /// Put a member out.
    Kick {
        /// Whom.
        call: u64,
    },
    /// Put out who came last and is no host.
    KickLast,
    /// Let in somebody who waits.
    Admit {
        /// Whom.
        call: u64,
    },
    /// Let in who has waited longest.
    AdmitNext,
    /// Let in all who wait.
    AdmitAll,
    /// Give the floor to a member, whether his hand is raised or not.
    CallOn {
        /// Whom.
        call: u64,
    },
    /// Give the floor to whoever raised his hand first.
    CallOnNext,
    /// Lower a member's hand.
    LowerHand {
        /// Whose.
        call: u64,
    },
    /// Lower all hands.
    LowerHands,
    /// Give a member a name, for lists; an empty one takes it away.
    Rename {
        /// Whom.
        call: u64,
        /// The name, up to 80 characters.
        name: String,
    },
    /// Call somebody in. `Done` has the number of the call; how it goes is in the conference's `called`.
    DialOut {
        /// Digits, with or without a leading `+`.
        number: String,
    },
    /// End the conference for all; its event can be called again.
    End,
}

impl ConferenceOrder {
    /// What it is called in the audit log.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            ConferenceOrder::Mute { .. } => "conference_mute",
            ConferenceOrder::Unmute { .. } => "conference_unmute",
            ConferenceOrder::MuteAll { .. } => "conference_mute_all",
            ConferenceOrder::UnmuteAll => "conference_unmute_all",
            ConferenceOrder::Lock => "conference_lock",
            ConferenceOrder::Unlock => "conference_unlock",
            ConferenceOrder::Mode { .. } => "conference_mode",
            ConferenceOrder::Kick { .. } | ConferenceOrder::KickLast => "conference_kick",
            ConferenceOrder::Admit { .. } | ConferenceOrder::AdmitNext | ConferenceOrder::AdmitAll => {
                "conference_admit"
            }
            ConferenceOrder::CallOn { .. } | ConferenceOrder::CallOnNext => "conference_call_on",
            ConferenceOrder::LowerHand { .. } | ConferenceOrder::LowerHands => "conference_lower",
            ConferenceOrder::Rename { .. } => "conference_rename",
            ConferenceOrder::DialOut { .. } => "conference_dial_out",
            ConferenceOrder::End => "conference_end",
        }
    }

    /// The member it concerns.
    #[must_use]
    pub const fn call(&self) -> Option<u64> {
        match self {
            ConferenceOrder::Mute { call }
            | ConferenceOrder::Unmute { call }
            | ConferenceOrder::Kick { call }
            | ConferenceOrder::Admit { call }
            | ConferenceOrder::CallOn { call }
            | ConferenceOrder::LowerHand { call }
            | ConferenceOrder::Rename { call, .. } => Some(*call),
            _ => None,
        }
    }

    /// Check lengths and ranges.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        match self {
            ConferenceOrder::Rename { name, .. }
                if name.chars().count() > NAME_MAX || name.chars().any(char::is_control) =>
            {
                Err(Problem::malformed(format!("`name` is up to {NAME_MAX} characters on one line")))
            }
            ConferenceOrder::DialOut { number } => {
                let digits = number.strip_prefix('+').unwrap_or(number);
                let good = (1..=NUMBER_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
                let what = || Problem::malformed(format!("`number` is up to {NUMBER_MAX} digits, with or without a +"));
                if good { Ok(()) } else { Err(what()) }
            }
            ConferenceOrder::Mode { mode: ConferenceMode::Unknown } => {
                Err(Problem::malformed("`mode` is \"conversation\", \"question\" or \"lecture\""))
            }
            _ => Ok(()),
        }
    }
}
