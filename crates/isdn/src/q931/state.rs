//! The names of the states of a call.
//!
//! Source: Q.931 (05/98) clauses 2.1 (user), 2.2 (network) and 4.5.7 (their code points).

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
