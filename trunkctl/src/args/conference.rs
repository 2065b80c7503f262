//! `trunkctl conference`: its part of the command line.

use super::{Asking, AtLeast};
use clap::{Args, Subcommand, ValueEnum};
use control::ConferenceMode;

const HELP: &str = "\
EVENT is the number of the event, CALL that of a member's call: both are in `trunkctl conference list` and `show`.
Hosts do the same with their keys.

Examples:
  trunkctl conference list
  trunkctl conference mode 1012345679 lecture
  trunkctl conference mute 1012345679 all --lock
  trunkctl conference call-on 1012345679
  trunkctl conference show 1012345679 --json | jq '.members[] | select(.hand)'";

/// What to do with conferences.
#[derive(Debug, Subcommand)]
#[command(after_help = HELP)]
pub enum Conference {
    /// The conferences that are on: mode, locks, how many are there, wait and want to speak
    List,
    /// One of them, with its members: who, as what, muted by whom, whose hand is raised
    Show(Which),
    /// How many there are, in a line
    Count(Which),
    /// Who is there: names, where they were given, else numbers as far as they may be seen
    Roll(Which),
    /// The raised hands, the first first
    Hands(Which),
    /// Mute a member, or everybody but hosts
    #[command(
        after_help = "Examples:\n  trunkctl conference mute 1012345679 17\n  trunkctl conference mute 1012345679 all --lock"
    )]
    Mute {
        /// Number of the event
        event: String,
        /// Number of the call, or `all`
        #[arg(value_name = "CALL|all", value_parser = or_all)]
        whom: Whom,
        /// With `all`: nobody can unmute himself
        #[arg(long)]
        lock: bool,
    },
    /// Let a member, or everybody, be heard again; who has muted himself is asked to unmute
    Unmute {
        /// Number of the event
        event: String,
        /// Number of the call, or `all`
        #[arg(value_name = "CALL|all", value_parser = or_all)]
        whom: Whom,
    },
    /// Let nobody in any more but hosts
    Lock(Which),
    /// Let everybody in again
    Unlock(Which),
    /// Change who is heard
    Mode {
        /// Number of the event
        event: String,
        /// To this
        #[arg(value_enum)]
        mode: Mode,
    },
    /// Put a member out, or who came last
    #[command(after_help = "Example:\n  trunkctl conference kick 1012345679 17 --yes")]
    Kick {
        /// Number of the event
        event: String,
        /// Number of the call, or `last`
        #[arg(value_name = "CALL|last", value_parser = or_last)]
        whom: Whom,
        #[command(flatten)]
        asking: Asking,
    },
    /// Let in who waits
    Admit {
        /// Number of the event
        event: String,
        /// Number of the call, `next` for who has waited longest, or `all`
        #[arg(value_name = "CALL|next|all", default_value = "next", value_parser = or_next_or_all)]
        whom: Whom,
    },
    /// Give the floor to a member, or to the first raised hand
    CallOn {
        /// Number of the event
        event: String,
        /// Number of the call, or `next`
        #[arg(value_name = "CALL|next", default_value = "next", value_parser = or_next)]
        whom: Whom,
    },
    /// Lower a hand, or all
    Lower {
        /// Number of the event
        event: String,
        /// Number of the call, or `all`
        #[arg(value_name = "CALL|all", value_parser = or_all)]
        whom: Whom,
    },
    /// Give a member a name for lists; an empty one takes it away
    #[command(after_help = "Example:\n  trunkctl conference rename 1012345679 17 'Ada, Leeds'")]
    Rename {
        /// Number of the event
        event: String,
        /// Number of the call
        #[arg(value_parser = super::call)]
        call: u64,
        /// The name
        name: String,
    },
    /// Call somebody in, where calling out is on, and tell how it goes
    ///
    /// Whoever answers is told that he is invited to a conference, and comes in with the key 1; so no mailbox gets in.
    #[command(
        after_help = "Which numbers may be called is in [conference.dial_out] of the configuration. To give a call up: \
                      trunkctl conference kick EVENT CALL\n\nExample:\n  trunkctl conference dial 1012345679 +15555550142"
    )]
    Dial {
        /// Number of the event
        event: String,
        /// The number to call
        number: String,
        /// Do not wait for what comes of it
        #[arg(long)]
        no_follow: bool,
    },
    /// End a conference: everybody is told and let go; its event can be called again
    #[command(
        after_help = "To end the event for good: trunkctl end EVENT\n\nExample:\n  trunkctl conference end 1012345679 --dry-run"
    )]
    End {
        /// Number of the event
        event: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Tell what happens in a conference, or in all, until Ctrl-C
    #[command(
        after_help = "Example:\n  trunkctl conference watch 1012345679 --json | jq 'select(.kind == \"hand_raised\") | .call'"
    )]
    Watch {
        /// Number of the event [default: all]
        event: Option<String>,
        /// Leave out what is less severe
        #[arg(long, value_enum, value_name = "SEVERITY", default_value = "info")]
        at_least: AtLeast,
    },
}

/// A conference.
#[derive(Debug, Args)]
pub struct Which {
    /// Number of the event
    pub event: String,
}

/// Whom an order concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// This call.
    Call(u64),
    /// Everybody it can concern.
    All,
    /// Who came last.
    Last,
    /// Who has waited longest.
    Next,
}

/// Who is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Everybody but listeners
    Conversation,
    /// Hosts, and whom they call on
    Question,
    /// Hosts
    Lecture,
}

impl Mode {
    /// As the protocol has it.
    pub fn mode(self) -> ConferenceMode {
        match self {
            Mode::Conversation => ConferenceMode::Conversation,
            Mode::Question => ConferenceMode::Question,
            Mode::Lecture => ConferenceMode::Lecture,
        }
    }
}

fn whom(text: &str, words: &[(&str, Whom)]) -> Result<Whom, String> {
    let word = words.iter().find(|(word, _)| *word == text).map(|(_, whom)| *whom);
    let call = || text.parse().ok().map(Whom::Call);
    word.or_else(call).ok_or_else(|| {
        let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        format!("the number of a call, or {}", words.join(" or "))
    })
}

fn or_all(text: &str) -> Result<Whom, String> {
    whom(text, &[("all", Whom::All)])
}

fn or_last(text: &str) -> Result<Whom, String> {
    whom(text, &[("last", Whom::Last)])
}

fn or_next(text: &str) -> Result<Whom, String> {
    whom(text, &[("next", Whom::Next)])
}

fn or_next_or_all(text: &str) -> Result<Whom, String> {
    whom(text, &[("next", Whom::Next), ("all", Whom::All)])
}
