//! The words between this crate and those who use it: calls, numbers, channels, causes, events.
//!
//! Everything here is `Copy` or of fixed size, so that a real-time thread can pass it on.
//! Time is a [`Duration`](std::time::Duration) since an epoch of the caller's choosing that never goes back.

use crate::service::{FarState, ServiceState};
use crate::{Channel, ChannelSet, LinkId, LinkState};
use heapless::String;

/// Digits of a number that are kept (E.164 has 15 at most; private plans are longer).
pub const NUMBER_MAX: usize = 32;

/// Octets of UTF-8 of a name that are kept.
pub const NAME_MAX: usize = 64;

/// Which Q.931 role we play on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Ours, towards a telephone network.
    User,
    /// The exchange's.
    Network,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn peer(self) -> Side {
        match self {
            Side::User => Side::Network,
            Side::Network => Side::User,
        }
    }
}

/// Q.931's handle for a call on one D channel (clause 4.3), as *we* would write it: the value and
/// whether this side originated it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallReference {
    /// 1 to 32767 (two octets).
    pub value: u16,
    /// True if this side chose the value: the call is outgoing here.
    pub ours: bool,
}

/// Where a cause comes from (Q.850 clause 2.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Location {
    /// 0: user.
    #[default]
    User,
    /// 1: private network serving the local user.
    PrivateLocal,
    /// 2: public network serving the local user.
    PublicLocal,
    /// 3: transit network.
    Transit,
    /// 4: public network serving the remote user.
    PublicRemote,
    /// 5: private network serving the remote user.
    PrivateRemote,
    /// 7: international network.
    International,
    /// 10: network beyond interworking point.
    BeyondInterworking,
    /// Any other code point.
    Other(u8),
}

/// A Q.850 cause with its location: protocol data, not a Rust error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cause {
    /// The cause value, 1 to 127.
    pub value: u8,
    /// Who says so.
    pub location: Location,
}

impl Cause {
    /// A cause said by this user.
    #[must_use]
    pub const fn user(value: u8) -> Cause {
        Cause { value, location: Location::User }
    }
}

/// Whether a number may be shown (Q.931 table 4-11, octet 3a).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Presentation {
    /// May be shown.
    #[default]
    Allowed,
    /// Must not be shown.
    Restricted,
    /// Not available because of interworking.
    Unavailable,
}

/// Who vouches for a number (Q.931 table 4-11, octet 3a).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Screening {
    /// User provided, not screened.
    #[default]
    UserNotScreened,
    /// User provided, verified and passed.
    UserPassed,
    /// User provided, verified and failed.
    UserFailed,
    /// Network provided.
    Network,
}

/// A telephone number with what the protocol says of it. Its `Debug` form shows the digits; logs use
/// [`Number::masked`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Number {
    /// The digits (IA5: 0-9, *, #).
    pub digits: String<NUMBER_MAX>,
    /// Type of number, 0 to 7 (0 unknown, 1 international, 2 national, 4 subscriber).
    pub kind: u8,
    /// Numbering plan, 0 to 15 (0 unknown, 1 E.164, 9 private).
    pub plan: u8,
    /// Whether it may be shown.
    pub presentation: Presentation,
    /// Who vouches for it.
    pub screening: Screening,
}

impl Number {
    /// A number of unknown type in the E.164 plan; digits beyond [`NUMBER_MAX`] are dropped.
    #[must_use]
    pub fn new(digits: &str) -> Number {
        let mut number = Number { plan: 1, ..Number::default() };
        for digit in digits.chars().take(NUMBER_MAX) {
            // A multi-octet character may not fit although the count did: it is no digit, leave it out.
            let _ = number.digits.push(digit);
        }
        number
    }

    /// The number with all but its last two digits hidden, for logs.
    #[must_use]
    pub fn masked(&self) -> String<NUMBER_MAX> {
        let count = self.digits.chars().count();
        let mut masked = String::new();
        for (i, digit) in self.digits.chars().enumerate() {
            let _ = masked.push(if i + 2 < count { '.' } else { digit });
        }
        masked
    }
}

/// A caller's name with what the protocol says of it. Its `Debug` form shows the text, so no log has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Name {
    /// The text, without control characters; empty when only its presentation was told.
    pub text: String<NAME_MAX>,
    /// Whether it may be shown.
    pub presentation: Presentation,
}

impl Name {
    /// A name that may be shown; what is beyond [`NAME_MAX`] is dropped.
    #[must_use]
    pub fn new(text: &str) -> Name {
        let mut name = Name::default();
        text.chars().for_each(|character| name.push(character));
        name.trim();
        name
    }

    /// The text, if there is one that may be shown.
    #[must_use]
    pub fn shown(&self) -> Option<&str> {
        (self.presentation == Presentation::Allowed && !self.text.is_empty()).then_some(&self.text)
    }

    /// One more character; one that cannot be shown is shown as `?`, one that does not fit is dropped.
    pub(crate) fn push(&mut self, character: char) {
        let _ = self.text.push(if character.is_control() { '?' } else { character });
    }

    /// Without the spaces that some exchanges fill a name with.
    pub(crate) fn trim(&mut self) {
        while self.text.ends_with(' ') {
            self.text.pop();
        }
    }
}

/// What the bearer is to carry (Q.931 clause 4.5.5), as far as it decides whether we take the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Bearer {
    /// Speech.
    #[default]
    Speech,
    /// 3.1 kHz audio.
    Audio31,
    /// Anything else: data, video. Its information transfer capability code is kept.
    Other(u8),
}

/// The B channel a message asks for (Q.931 clause 4.5.13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChannelChoice {
    /// Any channel will do, or the element was absent in a SETUP of the user side.
    #[default]
    Any,
    /// This one, or another.
    Preferred(Channel),
    /// This one or none.
    Exclusive(Channel),
    /// "No B channel": call waiting.
    None,
}

/// What a SETUP says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// The number dialled.
    pub called: Number,
    /// The number of the caller, when told.
    pub calling: Option<Number>,
    /// The number that forwarded the call, when told.
    pub redirecting: Option<Number>,
    /// The caller's name, when told. It may come later: [`Event::Name`].
    pub name: Option<Name>,
    /// What the bearer is to carry.
    pub bearer: Bearer,
    /// The B channel.
    pub channel: ChannelChoice,
    /// Sending Complete was present: no more digits will follow.
    pub sending_complete: bool,
}

/// What the stack tells of the D channel and its calls.
///
/// For every call, `Released` is the last event and comes exactly once: from then on its reference and
/// its B channel are free.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "kept by value so that a real-time thread need not allocate")]
pub enum Event {
    /// The data link is in multiple-frame operation (DL-ESTABLISH indication or confirm).
    LinkUp {
        /// It was up before: the far end reset it (Q.931 clause 5.8.8).
        reset: bool,
    },
    /// The data link was lost (DL-RELEASE). Active calls are held under T309, others are cleared.
    LinkDown,
    /// What a D channel of a group with a backup is doing has changed. Calls go on whichever of the two carries the signalling;
    /// [`Event::LinkUp`] and [`Event::LinkDown`] are of the group.
    LinkState {
        /// Which.
        link: LinkId,
        /// What it is doing now.
        state: LinkState,
    },
    /// A SETUP arrived (call state N1/U6). Answer with `proceed`, or `clear` to reject it.
    Incoming {
        /// The call.
        call: CallReference,
        /// What it says.
        setup: Setup,
    },
    /// CALL PROCEEDING, or the first message that names the channel, arrived for an outgoing call.
    Proceeding {
        /// The call.
        call: CallReference,
        /// The B channel it runs on.
        channel: Channel,
    },
    /// The far end rings (ALERTING).
    Alerting {
        /// The call.
        call: CallReference,
        /// In-band information is available (progress indicator 1 or 8).
        in_band: bool,
    },
    /// The name of the caller of a call that came in, told after its SETUP; it replaces what was told before.
    Name {
        /// The call.
        call: CallReference,
        /// The name.
        name: Name,
    },
    /// How an unanswered call is getting on, as PROGRESS or another message said (Q.931 clause 4.5.23). No state changes; after
    /// PROGRESS no timer watches an outgoing call that has not been answered, so how long to wait is the owner's to know.
    Progress {
        /// The call.
        call: CallReference,
        /// Who says so.
        location: Location,
        /// What: 1 not end-to-end ISDN, 2 destination not ISDN, 3 origination not ISDN, 4 back in the ISDN, 8 in-band
        /// information. With 1 and 8 there may be something to hear.
        description: u8,
    },
    /// The call is in the Active state (U10/N10): CONNECT and its acknowledgement have been exchanged.
    Connected {
        /// The call.
        call: CallReference,
    },
    /// The far end began to clear the call (DISCONNECT). The stack has answered as the protocol asks, unless there is
    /// something to hear.
    Disconnecting {
        /// The call.
        call: CallReference,
        /// Why.
        cause: Cause,
        /// There is, and the call is held for that (`Config::listen`): clear it when it has been heard.
        in_band: bool,
    },
    /// The call has ended, for whatever reason; its channel is idle.
    Released {
        /// The call.
        call: CallReference,
        /// Why.
        cause: Cause,
        /// It was the far end, rather than us or a timer, that began.
        by_peer: bool,
    },
    /// RESTART for these channels arrived and was acknowledged; calls on them have been released.
    Restarted {
        /// The channels.
        channels: ChannelSet,
    },
    /// Our RESTART for this channel was acknowledged (`true`) or given up (`false`, T316 twice).
    RestartDone {
        /// The channel.
        channel: Channel,
        /// Whether the far end acknowledged.
        acknowledged: bool,
    },
    /// The far end's service state of a channel is now this. Changes not yet collected are told as one.
    FarChanged {
        /// The channel.
        channel: Channel,
        /// Its state there.
        state: FarState,
    },
    /// What became of an order of `set_near`: the far end acknowledged, or did not within T3M1 twice, or cannot be told
    /// because service messages are off. The near state is in force either way.
    ServiceSettled {
        /// The channel.
        channel: Channel,
        /// The near state it was told.
        state: ServiceState,
        /// Whether the far end acknowledged.
        acknowledged: bool,
    },
    /// The far end has, a second time, called a channel in service that we keep out of it. Ours stays as it is.
    ServiceContested {
        /// The channel.
        channel: Channel,
    },
}

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The data link is down.
    LinkDown,
    /// There is no such call, or its state does not allow this.
    WrongState,
    /// As many calls as the interface can have are there already.
    Full,
    /// The channel is out of service at one end.
    OutOfService,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Refused::LinkDown => "the data link is down",
            Refused::WrongState => "the call is not in a state that allows this",
            Refused::Full => "all call references are in use",
            Refused::OutOfService => "the channel is out of service",
        })
    }
}

impl std::error::Error for Refused {}
