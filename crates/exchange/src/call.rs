//! A call as callers and operators speak of it: what is ordered, who it is, what becomes of it.
//!
//! Data path: [`CallOrder`] → [`crate::switch`] → [`CallerEvent`]s.
//! Time: none.
//! Source: what an order becomes in a SETUP: ITU-T Q.931 (05/98) clauses 4.5.8, 4.5.10 and table 4-8.

use crate::route::SpanId;
use hal::Timeslot;
use isdn::{Bearer, Cause, Location, Name, Number, Presentation, Screening, Setup};

/// A caller, or a call to a subscriber. Never used twice in the life of a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallerId(pub u32);

impl std::fmt::Display for CallerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A call that a caller wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOrder {
    /// The number dialled; a leading `+` makes it international.
    pub called: String,
    /// The caller's number, or none; a leading `+` makes it international.
    pub calling: Option<String>,
    /// The number must not be shown.
    pub restricted: bool,
    /// The caller's name, or none.
    pub name: String,
    /// What the call carries.
    pub bearer: Bearer,
}

/// What happens to a caller. `Ended` or `NoRoute` is the last event of each, and comes exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerEvent {
    /// A SETUP was sent on this channel.
    Trying {
        /// The span.
        span: SpanId,
        /// The channel.
        channel: Timeslot,
    },
    /// That offer was refused; another follows, or the end.
    Refused {
        /// The span.
        span: SpanId,
        /// The channel.
        channel: Timeslot,
        /// Why.
        cause: Cause,
    },
    /// The far end works on it, on this channel.
    Proceeding {
        /// The span.
        span: SpanId,
        /// The channel, which the far end may have chosen.
        channel: Timeslot,
    },
    /// The far end rings.
    Alerting {
        /// There is something to be heard already.
        in_band: bool,
    },
    /// A call has come from the far end for a subscriber (the first event of such a call).
    Called {
        /// The span.
        span: SpanId,
        /// The channel.
        channel: Timeslot,
        /// The number dialled.
        called: Number,
        /// The number of whoever calls, when told.
        calling: Option<Number>,
    },
    /// The call is through: speak.
    Connected {
        /// The span.
        span: SpanId,
        /// The channel.
        channel: Timeslot,
    },
    /// The far end hung up; `Ended` follows when the channel is free.
    Disconnecting {
        /// Why.
        cause: Cause,
    },
    /// The call is over and its channel free.
    Ended {
        /// Why.
        cause: Cause,
        /// It was the far end that began.
        by_far_end: bool,
    },
    /// Nobody could be found to take the call.
    NoRoute {
        /// Why.
        cause: Cause,
    },
}

/// A cause said by the exchange itself.
#[must_use]
pub fn exchange_cause(value: u8) -> Cause {
    Cause { value, location: Location::PublicLocal }
}

/// The SETUP that orders this; the channel is still open.
pub(crate) fn setup_of(order: &CallOrder) -> Setup {
    let presentation = if order.restricted { Presentation::Restricted } else { Presentation::Allowed };
    let name = Name { presentation, ..Name::new(&order.name) };
    Setup {
        called: number_of(&order.called),
        calling: order.calling.as_deref().map(|digits| Number {
            presentation,
            screening: Screening::Network,
            ..number_of(digits)
        }),
        bearer: order.bearer,
        sending_complete: true,
        name: Some(name).filter(|name| !name.text.is_empty()),
        ..Setup::default()
    }
}

/// E.164 digits; `+` says that they begin with a country code (Q.931 table 4-8: type 1).
fn number_of(digits: &str) -> Number {
    match digits.strip_prefix('+') {
        Some(digits) => Number { kind: 1, ..Number::new(digits) },
        None => Number::new(digits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_becomes_a_setup() {
        let order = CallOrder {
            called: "5551000".into(),
            calling: Some("+4930123".into()),
            name: "Ann".into(),
            ..CallOrder::default()
        };
        let setup = setup_of(&order);
        assert_eq!((setup.called.digits.as_str(), setup.called.kind), ("5551000", 0));
        let calling = setup.calling.expect("told");
        assert_eq!((calling.digits.as_str(), calling.kind, calling.screening), ("4930123", 1, Screening::Network));
        assert_eq!(setup.name, Some(Name::new("Ann")));
        assert!(setup.sending_complete);
    }

    #[test]
    fn a_restricted_caller_is_not_named() {
        let order =
            CallOrder { calling: Some("123".into()), name: "Ann".into(), restricted: true, ..CallOrder::default() };
        let setup = setup_of(&order);
        assert_eq!(setup.name.as_ref().and_then(Name::shown), None);
        assert_eq!(setup.calling.map(|n| n.presentation), Some(Presentation::Restricted));
    }
}
