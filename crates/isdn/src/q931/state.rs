//! The states of a call, by name and with what belongs to them.
//!
//! Data path: none; `call` moves between them.
//! Time: deadlines by the caller's clock.
//! Source: Q.931 (05/98) clauses 2.1 (user), 2.2 (network) and 4.5.7 (their code points).

use super::timers::Timer;
use crate::{Cause, Side};
use std::time::Duration;

/// The states of a call by their names in Q.931; the number is the code point of the Call State element.
///
/// On the user side they are written U0 to U25, on the network side N0 to N25. Both ends of a call are in the state of the
/// same name, apart from messages on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StateName {
    /// 0: no call.
    Null = 0,
    /// 1: the user has sent SETUP.
    CallInitiated = 1,
    /// 2: the user may send more digits.
    OverlapSending = 2,
    /// 3: the network has all it needs.
    OutgoingCallProceeding = 3,
    /// 4: the called party is being alerted.
    CallDelivered = 4,
    /// 6: the network has sent SETUP.
    CallPresent = 6,
    /// 7: the user is alerting.
    CallReceived = 7,
    /// 8: the user has answered and waits to be connected.
    ConnectRequest = 8,
    /// 9: the user has all it needs.
    IncomingCallProceeding = 9,
    /// 10: connected.
    Active = 10,
    /// 11: DISCONNECT sent.
    DisconnectRequest = 11,
    /// 12: DISCONNECT received.
    DisconnectIndication = 12,
    /// 15: SUSPEND sent (basic rate only).
    SuspendRequest = 15,
    /// 17: RESUME sent (basic rate only).
    ResumeRequest = 17,
    /// 19: RELEASE sent.
    ReleaseRequest = 19,
    /// 22: a broadcast call is being withdrawn (network, basic rate only).
    CallAbort = 22,
    /// 25: the network may send more digits.
    OverlapReceiving = 25,
}

impl StateName {
    const ALL: [StateName; 17] = [
        StateName::Null,
        StateName::CallInitiated,
        StateName::OverlapSending,
        StateName::OutgoingCallProceeding,
        StateName::CallDelivered,
        StateName::CallPresent,
        StateName::CallReceived,
        StateName::ConnectRequest,
        StateName::IncomingCallProceeding,
        StateName::Active,
        StateName::DisconnectRequest,
        StateName::DisconnectIndication,
        StateName::SuspendRequest,
        StateName::ResumeRequest,
        StateName::ReleaseRequest,
        StateName::CallAbort,
        StateName::OverlapReceiving,
    ];

    /// The code point: the number after U or N.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The state of this number, if Q.931 has one.
    #[must_use]
    pub fn from_number(number: u8) -> Option<StateName> {
        StateName::ALL.into_iter().find(|state| state.number() == number)
    }
}

/// How a call is ending, or has ended: what its owner will be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub cause: Cause,
    pub by_peer: bool,
}

/// A call's state with what means something only in it. Times are deadlines.
///
/// The procedures of the user that calls and of the network that calls are the same, and so are those of the called ones;
/// Q.931 gives them different names on the two sides. Here they are named by what has been sent or received:
///
/// ```text
///   sent or received here       we called: user  network       we were called: user  network
///   SETUP                       SetupSent  U1    N6            SetupReceived    U6    N1
///   SETUP ACKNOWLEDGE           OverlapSending U2 N25          OverlapReceiving U25   N2
///   CALL PROCEEDING             ProceedingReceived U3 N9       ProceedingSent   U9    N3
///   ALERTING                    AlertingReceived U4 N7         AlertingSent     U7    N4
///   CONNECT                     (Active at once)               ConnectSent      U8    (Active at once)
///
///   SetupSent ─► OverlapSending ─► ProceedingReceived ─► AlertingReceived ─┐ CONNECT: each of them
///                                                                          ▼
///   SetupReceived ─► OverlapReceiving ─► ProceedingSent ─► AlertingSent ─► ConnectSent ─► Active (10)
///
///   all of these ── DISCONNECT sent ──► DisconnectSent (11) ── DISCONNECT received, T305 ──► ReleaseSent (19) ─► Ended (0)
///                ├─ DISCONNECT with something to hear ──► InBand (12) ── an order, T306 ───────▲             ▲
///                └─ DISCONNECT received ───────────────────────────────────────────────────────┘             │
///                └─ RELEASE received, RELEASE COMPLETE sent or received, STATUS 0, RESTART, link lost ───────┘
/// ```
/// Each may be left out on the way to the right. Disconnect Indication (12) is passed through without stopping, unless the
/// network lets the user hear why.
///
/// A state is a few octets, because every message makes another; what SETUP said is in `paper`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State {
    /// U1, N6. `insisted`: no other channel than the one named will do.
    SetupSent { t303: Duration, again: bool, insisted: bool },
    /// U2, N25. Without T304 after PROGRESS.
    OverlapSending { t304: Option<Duration> },
    /// U3, N9. Without T310 after PROGRESS.
    ProceedingReceived { t310: Option<Duration> },
    /// U4, N7. Without T301 after PROGRESS.
    AlertingReceived { t301: Option<Duration> },
    /// U6, N1.
    SetupReceived,
    /// U25, N2. Without T302 once the number is complete and the owner has been told.
    OverlapReceiving { t302: Option<Duration> },
    /// U9, N3.
    ProceedingSent,
    /// U7, N4.
    AlertingSent,
    /// U8.
    ConnectSent { t313: Duration },
    /// U10, N10. T309 while the link is lost.
    Active { t309: Option<Duration> },
    /// U11, N11. `cause` is what RELEASE will say if it comes to that.
    DisconnectSent { t305: Duration, cause: Cause, ending: Ending },
    /// U12: DISCONNECT received, and the owner listens. N12: DISCONNECT sent with something to hear. `cause` as above.
    InBand { t306: Duration, cause: Cause, ending: Ending },
    /// U19, N19.
    ReleaseSent { t308: Duration, again: bool, cause: Cause, ending: Ending },
    /// U0, N0, and the owner has still to be told.
    Ended { ending: Ending },
}

impl State {
    /// The state's name in Q.931 on this side.
    pub const fn name(&self, side: Side) -> StateName {
        match (self, side) {
            (State::SetupSent { .. }, Side::User) | (State::SetupReceived, Side::Network) => StateName::CallInitiated,
            (State::SetupSent { .. }, Side::Network) | (State::SetupReceived, Side::User) => StateName::CallPresent,
            (State::OverlapSending { .. }, Side::User) | (State::OverlapReceiving { .. }, Side::Network) => {
                StateName::OverlapSending
            }
            (State::OverlapSending { .. }, Side::Network) | (State::OverlapReceiving { .. }, Side::User) => {
                StateName::OverlapReceiving
            }
            (State::ProceedingReceived { .. }, Side::User) | (State::ProceedingSent, Side::Network) => {
                StateName::OutgoingCallProceeding
            }
            (State::ProceedingReceived { .. }, Side::Network) | (State::ProceedingSent, Side::User) => {
                StateName::IncomingCallProceeding
            }
            (State::AlertingReceived { .. }, Side::User) | (State::AlertingSent, Side::Network) => {
                StateName::CallDelivered
            }
            (State::AlertingReceived { .. }, Side::Network) | (State::AlertingSent, Side::User) => {
                StateName::CallReceived
            }
            (State::ConnectSent { .. }, _) => StateName::ConnectRequest,
            (State::Active { .. }, _) => StateName::Active,
            (State::DisconnectSent { .. }, _) => StateName::DisconnectRequest,
            (State::InBand { .. }, _) => StateName::DisconnectIndication,
            (State::ReleaseSent { .. }, _) => StateName::ReleaseRequest,
            (State::Ended { .. }, _) => StateName::Null,
        }
    }

    /// The timer that runs in this state, and when it expires. Never more than one does.
    pub const fn timer(&self) -> Option<(Timer, Duration)> {
        let (timer, deadline) = match self {
            State::SetupSent { t303, .. } => (Timer::T303, *t303),
            State::OverlapSending { t304: Some(t304) } => (Timer::T304, *t304),
            State::ProceedingReceived { t310: Some(t310) } => (Timer::T310, *t310),
            State::AlertingReceived { t301: Some(t301) } => (Timer::T301, *t301),
            State::OverlapReceiving { t302: Some(t302) } => (Timer::T302, *t302),
            State::ConnectSent { t313 } => (Timer::T313, *t313),
            State::Active { t309: Some(t309) } => (Timer::T309, *t309),
            State::DisconnectSent { t305, .. } => (Timer::T305, *t305),
            State::InBand { t306, .. } => (Timer::T306, *t306),
            State::ReleaseSent { t308, .. } => (Timer::T308, *t308),
            State::OverlapSending { t304: None }
            | State::ProceedingReceived { t310: None }
            | State::AlertingReceived { t301: None }
            | State::SetupReceived
            | State::OverlapReceiving { t302: None }
            | State::ProceedingSent
            | State::AlertingSent
            | State::Active { t309: None }
            | State::Ended { .. } => return None,
        };
        Some((timer, deadline))
    }

    /// A clearing message has been sent, or the call is over.
    pub const fn is_clearing(&self) -> bool {
        matches!(
            self,
            State::DisconnectSent { .. } | State::InBand { .. } | State::ReleaseSent { .. } | State::Ended { .. }
        )
    }

    /// Whether the far end may be in the state of this number while we are in this one, messages on their way considered
    /// (clause 5.8.11 leaves that to us). `user_called` says which side the call came from.
    pub fn fits(&self, reported: StateName, user_called: bool) -> bool {
        use StateName::{
            CallDelivered, CallInitiated, CallPresent, CallReceived, ConnectRequest, DisconnectIndication,
            DisconnectRequest, IncomingCallProceeding, OutgoingCallProceeding, OverlapReceiving, OverlapSending,
            ReleaseRequest,
        };
        let setting_up = if user_called {
            matches!(reported, CallInitiated | OverlapSending | OutgoingCallProceeding | CallDelivered)
        } else {
            matches!(reported, CallPresent | OverlapReceiving | IncomingCallProceeding | CallReceived | ConnectRequest)
        };
        // Its clearing message is on its way, or its timers will send another.
        let clearing = matches!(reported, DisconnectRequest | DisconnectIndication | ReleaseRequest);
        let active = reported == StateName::Active;
        match self {
            State::SetupSent { .. }
            | State::OverlapSending { .. }
            | State::ProceedingReceived { .. }
            | State::AlertingReceived { .. }
            | State::ConnectSent { .. } => setting_up || active || clearing,
            State::SetupReceived | State::OverlapReceiving { .. } | State::ProceedingSent | State::AlertingSent => {
                setting_up || clearing
            }
            State::Active { .. } => active || clearing || setting_up && reported == ConnectRequest,
            State::DisconnectSent { .. } | State::InBand { .. } | State::ReleaseSent { .. } | State::Ended { .. } => {
                true
            }
        }
    }
}
