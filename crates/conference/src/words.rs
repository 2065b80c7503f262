//! The words of this crate: who is what, what may be ordered, what comes out.
//!
//! [`Order`] and [`Happening`] are generic over how a member is named, so that whoever speaks of calls can say the same of calls.

use heapless::Vec;
use std::time::Duration;

/// Where a member is: the place of his channel in the table of all channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seat(pub usize);

/// A conference: its place in the table of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Room(pub usize);

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Leads: is heard in every mode, and has the keys that concern others.
    Host,
    /// Speaks and hears.
    Speaker,
    /// Hears.
    Listener,
}

/// Who is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Everybody but listeners.
    #[default]
    Conversation,
    /// The hosts, and whom they call on.
    Question,
    /// The hosts.
    Lecture,
}

impl Mode {
    /// The one after it, as the key goes through them.
    #[must_use]
    pub const fn next(self) -> Mode {
        match self {
            Mode::Conversation => Mode::Question,
            Mode::Question => Mode::Lecture,
            Mode::Lecture => Mode::Conversation,
        }
    }
}

/// Why a member is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MutedBy {
    /// By his own key.
    Oneself,
    /// By a host, or by the office.
    Host,
    /// The mode lets only hosts speak.
    Mode,
    /// He is a listener.
    Role,
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// For a host to come.
    Host,
    /// To be let in.
    Admission,
}

/// Where a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// He is asked for his name.
    Naming,
    /// He waits, with music.
    Waiting(Waiting),
    /// In the conference.
    Present,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By<W> {
    /// A member, with his keys.
    Member(W),
    /// An order from outside.
    Office,
    /// The conference's own rules.
    Rules,
}

/// Why a conference has ended for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// It was ordered.
    Ordered,
    /// The last host has left, and nobody came back in time.
    HostLeft,
    /// It has lasted as long as it may.
    TooLong,
    /// Fewer than there have to be were left.
    TooFew,
}

/// What is ordered. `W` names a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order<W> {
    /// Mute a member.
    Mute(W),
    /// Let a member be heard again. Whoever has muted himself is asked to unmute.
    Unmute(W),
    /// Mute everybody but hosts, whoever comes later included; with `lock` nobody can unmute himself.
    MuteAll {
        /// Whether the mutes are locked.
        lock: bool,
    },
    /// No more of that.
    UnmuteAll,
    /// Let nobody in but hosts, or everybody again.
    Lock(bool),
    /// Change who is heard.
    Mode(Mode),
    /// Put a member out.
    Kick(W),
    /// Put out who came last and is no host.
    KickLast,
    /// Let in somebody who waits.
    Admit(W),
    /// Let in who has waited longest.
    AdmitNext,
    /// Let in all who wait.
    AdmitAll,
    /// Give the floor to a member, whether his hand is raised or not.
    CallOn(W),
    /// Give the floor to whoever raised his hand first.
    CallOnNext,
    /// Lower somebody's hand.
    LowerHand(W),
    /// Lower all hands.
    LowerHands,
    /// Call somebody in.
    DialOut(Digits),
    /// Say how many there are; changes nothing.
    Count,
    /// End it for all.
    End,
}

impl<W> Order<W> {
    /// The same order with members named otherwise; `None` when the one it concerns has no such name.
    pub fn try_map<V>(self, name: impl FnOnce(W) -> Option<V>) -> Option<Order<V>> {
        Some(match self {
            Order::Mute(who) => Order::Mute(name(who)?),
            Order::Unmute(who) => Order::Unmute(name(who)?),
            Order::Kick(who) => Order::Kick(name(who)?),
            Order::Admit(who) => Order::Admit(name(who)?),
            Order::CallOn(who) => Order::CallOn(name(who)?),
            Order::LowerHand(who) => Order::LowerHand(name(who)?),
            Order::MuteAll { lock } => Order::MuteAll { lock },
            Order::UnmuteAll => Order::UnmuteAll,
            Order::Lock(locked) => Order::Lock(locked),
            Order::Mode(mode) => Order::Mode(mode),
            Order::KickLast => Order::KickLast,
            Order::AdmitNext => Order::AdmitNext,
            Order::AdmitAll => Order::AdmitAll,
            Order::CallOnNext => Order::CallOnNext,
            Order::LowerHands => Order::LowerHands,
            Order::DialOut(number) => Order::DialOut(number),
            Order::Count => Order::Count,
            Order::End => Order::End,
        })
    }
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// In the conference, hosts and listeners included.
    pub present: u16,
    /// Of these, hosts.
    pub hosts: u16,
    /// Who wait, or are asked for their names.
    pub waiting: u16,
    /// Raised hands.
    pub hands: u16,
}

/// An order was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It concerned so many members; none where it concerned the conference.
    Done(u16),
    /// It was so already.
    Unchanged,
    /// He had muted himself, and was asked to unmute.
    Asked,
    /// So many there are.
    Count(Count),
    /// This call was placed.
    Called(u64),
}

/// An order was not carried out, or somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such conference now.
    NoConference,
    /// Nobody of that name is in it.
    NoMember,
    /// He is no one who waits.
    NotWaiting,
    /// Nobody waits.
    NobodyWaits,
    /// He waits still.
    StillWaiting,
    /// No hand is raised, or not his.
    NoHand,
    /// Nobody but hosts is there.
    NobodyElse,
    /// A listener is heard only when he is called on, and may not be.
    IsListener,
    /// Nobody is let in any more.
    Locked,
    /// There is no room for more.
    Full,
    /// Calling out is off.
    DialOutOff,
    /// This number does not begin as those that may be called.
    DialOutForbidden,
    /// This number is never called.
    DialOutNever,
    /// No channel is free to carry it out, or none is in service.
    DialOutUnavailable,
    /// As many are being called as may be at a time.
    TooManyCalls,
}

/// Digits of a number to call.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Digits(Vec<u8, { Digits::MOST + 1 }>);

impl Digits {
    /// As many a number may have. One more is kept, so that a longer one is known for what it is.
    pub const MOST: usize = 20;

    /// One more; false when there are too many or it is none.
    pub fn push(&mut self, digit: u8) -> bool {
        digit.is_ascii_digit() && self.0.push(digit).is_ok()
    }

    /// From text: digits, with a leading `+` that is left out.
    #[must_use]
    pub fn parse(text: &str) -> Option<Digits> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let mut digits = Digits::default();
        let whole = text.bytes().all(|digit| digits.push(digit));
        (whole && (1..=Digits::MOST).contains(&text.len())).then_some(digits)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are ever pushed.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Debug for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digits({})", self.0.len())
    }
}

/// A sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// You are in, with others.
    Joined,
    /// You are in, alone.
    First,
    /// Say your name after the tone.
    StateName,
    /// The host is not there yet.
    WaitForHost,
    /// The host will let you in.
    WaitForAdmission,
    /// This is being recorded.
    Recorded,
    /// It is not.
    NotRecorded,
    /// Recording begins.
    RecordingStarts,
    /// You are muted.
    Muted,
    /// You can be heard.
    Unmuted,
    /// The host has muted you; press the key to be heard.
    MutedByHost,
    /// The host has muted you, and keeps it so.
    MutesLocked,
    /// Only the host is heard: it is a lecture.
    LectureMuted,
    /// Only the host is heard, and who is called on.
    QuestionMuted,
    /// You are a listener.
    ListenerMuted,
    /// The host asks you to unmute.
    AskedToUnmute,
    /// To all: everybody is muted.
    AllMuted,
    /// To all: everybody may speak again.
    AllUnmuted,
    /// To all: the mode is this now.
    ModeIs(Mode),
    /// To all: nobody is let in any more.
    Locked,
    /// To all: everybody is let in again.
    Unlocked,
    /// Your hand is raised.
    HandRaised,
    /// It is lowered.
    HandLowered,
    /// The host calls on you; press the key to be heard.
    CalledOn,
    /// To the host: no hand is raised.
    NoHands,
    /// To the host: nobody waits.
    NobodyWaits,
    /// To the host: he was let in, or the hand taken, or the member put out.
    Done,
    /// There are so many in the conference.
    CountIs(u16),
    /// So many wait.
    WaitingAre(u16),
    /// The keys you have.
    Help,
    /// Press 1 to end it for all.
    ConfirmEnd,
    /// It is not ended.
    NotEnded,
    /// Key the number to call, and the hash key.
    EnterNumber,
    /// To the host: the number was not complete in time, and nobody is called.
    NumberLate,
    /// Calling out cannot be done.
    DialOutUnavailable,
    /// That number must not be called.
    DialOutForbidden,
    /// As many are being called as may be at a time.
    TooManyCalls,
    /// There is no room for more.
    Full,
    /// To the host: the number is being called.
    Calling,
    /// To the host: it rings.
    Ringing,
    /// To the host: somebody has answered.
    CallAnswered,
    /// To the host: whoever has answered does not come in.
    CallNotJoined,
    /// To the host: the number is busy.
    CallBusy,
    /// To the host: nobody answers.
    CallNoAnswer,
    /// To the host: the call was refused.
    CallDeclined,
    /// To the host: nobody has this number.
    NoSuchNumber,
    /// To the host: the number cannot be reached.
    CallNotReached,
    /// To all: the host has left, it will end soon unless he comes back.
    HostLeft,
    /// To all: it will end in so many minutes; 0: in less than one.
    EndingSoon(u16),
}

/// A few sentences, one after the other.
pub type Says = Vec<Spoken, 4>;

/// The last thing somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastWord {
    /// A host has put him out.
    Kicked,
    /// It has ended for all.
    Ended(EndReason),
}

/// A sound to all who are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Somebody came.
    Entry,
    /// Somebody left.
    Exit,
    /// Somebody waits to be let in.
    Knock,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Put him into the mix.
    Join(Seat, Room),
    /// What he says is heard, or not.
    Heard(Seat, bool),
    /// He hears music while nothing else is said to him, or not.
    Hold(Seat, bool),
    /// Say this to him, in place of what is being said; [`Conferences::said`](crate::Conferences::said) when it is done.
    Say(Seat, Says),
    /// Say this to him after what is being said.
    Tell(Seat, Says),
    /// Say no more.
    Hush(Seat),
    /// Keep what he says next as his name; [`Conferences::named`](crate::Conferences::named) when it is done.
    RecordName(Seat),
    /// That was his name.
    KeepName(Seat),
    /// Say a name to him; `said` when it is done.
    PlayName {
        /// To him.
        to: Seat,
        /// Whose.
        of: Seat,
    },
    /// Say this to all who are in.
    Announce(Room, Spoken),
    /// Say to all who are in that he has come or left, by his name.
    AnnounceName {
        /// To whom.
        room: Room,
        /// Who.
        of: Seat,
        /// He has left.
        left: bool,
    },
    /// Sound this to all who are in.
    Tone(Room, Tone),
    /// Say this to him and let him go; [`Conferences::leave`](crate::Conferences::leave) at once.
    Dismiss(Seat, LastWord),
    /// A host ends it for good: nobody may come any more.
    Close(Room, Seat),
    /// A host wants somebody called in, and may: [`Conferences::calls`](crate::Conferences::calls) when it is on its way, else
    /// [`Conferences::not_called`](crate::Conferences::not_called).
    DialOut(Room, Seat, Digits),
    /// Give up a call whose answer nobody waits for any more; [`Conferences::call_over`](crate::Conferences::call_over) when it is.
    GiveUp(u64),
    /// It ends then, as it stands, whatever for; `None`: it has no end. No word of it to anybody.
    EndsAt(Room, Option<Duration>),
    /// This has happened.
    Happened(Room, Happening<Seat>),
}

/// What has happened. `W` names a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening<W> {
    /// Somebody waits.
    Waits {
        /// Who.
        who: W,
        /// For what.
        what: Waiting,
    },
    /// Somebody waits no longer and is in.
    Admitted {
        /// Who.
        who: W,
        /// Let in by whom.
        by: By<W>,
    },
    /// Somebody is not heard any more, or for another reason, or is heard again.
    Muted {
        /// Who.
        who: W,
        /// Why he is not heard; `None`: he is.
        muted: Option<MutedBy>,
        /// Who did it.
        by: By<W>,
    },
    /// A hand was raised.
    HandRaised {
        /// Whose.
        who: W,
    },
    /// A hand was lowered.
    HandLowered {
        /// Whose.
        who: W,
        /// By whom.
        by: By<W>,
    },
    /// Somebody has the floor.
    CalledOn {
        /// Who.
        who: W,
        /// Given by whom.
        by: By<W>,
    },
    /// Who is heard has changed.
    Mode {
        /// To this.
        mode: Mode,
        /// By whom.
        by: By<W>,
    },
    /// Nobody is let in any more, or everybody again.
    Locked {
        /// Which.
        locked: bool,
        /// By whom.
        by: By<W>,
    },
    /// Everybody was muted, or may be heard again.
    AllMuted {
        /// Which.
        muted: bool,
        /// Nobody can unmute himself.
        locked: bool,
        /// By whom.
        by: By<W>,
    },
    /// Somebody was put out.
    Kicked {
        /// Who.
        who: W,
        /// By whom.
        by: By<W>,
    },
    /// The last host has left.
    HostGone {
        /// When it ends unless one comes back; `None`: it goes on.
        ends_at: Option<Duration>,
    },
    /// A host is there.
    HostCame,
    /// It will end at this time, and everybody is told.
    EndsSoon(Duration),
    /// It has ended for all.
    Ended {
        /// Why.
        why: EndReason,
        /// By whom.
        by: By<W>,
    },
}

impl<W> Happening<W> {
    /// The same with members named otherwise; `None` when one has no such name any more.
    pub fn try_map<V>(self, mut name: impl FnMut(W) -> Option<V>) -> Option<Happening<V>> {
        let by = |by: By<W>, name: &mut dyn FnMut(W) -> Option<V>| match by {
            // Who has gone meanwhile had it done all the same.
            By::Member(who) => name(who).map_or(By::Rules, By::Member),
            By::Office => By::Office,
            By::Rules => By::Rules,
        };
        Some(match self {
            Happening::Waits { who, what } => Happening::Waits { who: name(who)?, what },
            Happening::Admitted { who, by: b } => Happening::Admitted { who: name(who)?, by: by(b, &mut name) },
            Happening::Muted { who, muted, by: b } => Happening::Muted { who: name(who)?, muted, by: by(b, &mut name) },
            Happening::HandRaised { who } => Happening::HandRaised { who: name(who)? },
            Happening::HandLowered { who, by: b } => Happening::HandLowered { who: name(who)?, by: by(b, &mut name) },
            Happening::CalledOn { who, by: b } => Happening::CalledOn { who: name(who)?, by: by(b, &mut name) },
            Happening::Kicked { who, by: b } => Happening::Kicked { who: name(who)?, by: by(b, &mut name) },
            Happening::Mode { mode, by: b } => Happening::Mode { mode, by: by(b, &mut name) },
            Happening::Locked { locked, by: b } => Happening::Locked { locked, by: by(b, &mut name) },
            Happening::AllMuted { muted, locked, by: b } => Happening::AllMuted { muted, locked, by: by(b, &mut name) },
            Happening::Ended { why, by: b } => Happening::Ended { why, by: by(b, &mut name) },
            Happening::HostGone { ends_at } => Happening::HostGone { ends_at },
            Happening::HostCame => Happening::HostCame,
            Happening::EndsSoon(at) => Happening::EndsSoon(at),
        })
    }

    /// The member it is about, if it is about one.
    pub fn who(&self) -> Option<&W> {
        match self {
            Happening::Waits { who, .. }
            | Happening::Admitted { who, .. }
            | Happening::Muted { who, .. }
            | Happening::HandRaised { who }
            | Happening::HandLowered { who, .. }
            | Happening::CalledOn { who, .. }
            | Happening::Kicked { who, .. } => Some(who),
            _ => None,
        }
    }
}
