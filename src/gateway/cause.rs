//! Local reasons to refuse or clear a call, and the Q.850 cause each becomes on the wire.
//!
//! Source: ITU-T Q.850 table 1; what exchanges do with each cause is why these were chosen: 34 and 44
//! let the exchange try another channel or server, 17 and 21 would be played to the caller.

use isdn::Cause;

/// Why we refuse or clear a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The call has run its course: host ended, last words said, goodbye.
    Normal,
    /// The number called is not one of ours.
    NotOurs,
    /// The bearer is not speech.
    Bearer,
    /// No channel, port or place is free, or the server is being closed down.
    NoneFree,
    /// No stream port is free, and there has been no time to tell the exchange.
    NoPort,
    /// The one channel the exchange insists on cannot be had.
    ChannelUnavailable,
    /// Something of ours failed.
    Fault,
}

impl Reason {
    /// The cause sent to the exchange.
    #[must_use]
    pub const fn cause(self) -> Cause {
        Cause::user(match self {
            Reason::Normal => 16,
            Reason::NotOurs => 1,
            Reason::Bearer => 65,
            Reason::NoneFree | Reason::NoPort => 34,
            Reason::ChannelUnavailable => 44,
            Reason::Fault => 41,
        })
    }
}
