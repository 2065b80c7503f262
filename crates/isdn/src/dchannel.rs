//! A D channel as a whole: its data link and its calls.

use crate::q921::{self, DataLink, LapdFrame, Parameters};
use crate::q931::{CALLS_MAX, CallSummary, Timers};
use crate::{CallReference, Cause, Event, Refused, Setup, Side, Switch};
use std::time::Duration;

/// What a D channel has to know before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Our role.
    pub side: Side,
    /// What the other end speaks.
    pub switch: Switch,
    /// E1: channels 1 to 15 and 17 to 31, A-law. Otherwise T1: channels 1 to 23, µ-law.
    pub e1: bool,
    /// Calls at one time, those that are ending included; at most [`CALLS_MAX`].
    pub max_calls: usize,
    /// Timers of layer 3; the variant's by default.
    pub timers: Timers,
    /// Parameters of the data link; the variant's by default.
    pub link: Parameters,
    /// On E1, B channels are numbered 1 to 30 in messages; the variant's by default.
    pub logical_channels: bool,
    /// Digits of a complete called number, where the variant has overlap receiving.
    pub number_length: usize,
}

impl Config {
    /// The variant's usual values.
    #[must_use]
    pub fn new(side: Side, switch: Switch, e1: bool) -> Config {
        let row = switch.row();
        Config {
            side,
            switch,
            e1,
            max_calls: CALLS_MAX,
            timers: switch.timers(side),
            link: Parameters { t203: Duration::from_secs(row.t203_seconds), ..Parameters::default() },
            logical_channels: row.logical_channels,
            number_length: 1,
        }
    }
}

/// What a D channel has for its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "kept by value so that a real-time thread need not allocate")]
pub enum Output {
    /// Send this frame, after those before it.
    Frame(LapdFrame),
    /// Something happened.
    Event(Event),
}

/// Counts of both layers since the D channel was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The data link's.
    pub link: q921::Counters,
}

/// One D channel.
#[derive(Debug)]
pub struct DChannel {
    link: DataLink,
}

impl DChannel {
    /// A D channel at rest.
    #[must_use]
    pub fn new(config: Config) -> Self {
        DChannel { link: DataLink::new(config.side, config.link) }
    }

    /// Brings the link up and keeps it up.
    pub fn start(&mut self, now: Duration) {
        self.link.establish(now);
    }

    /// Ends all calls without a message and releases the link.
    pub fn stop(&mut self, now: Duration) {
        self.link.release(now);
    }

    /// Takes a D-channel frame, without FCS.
    pub fn handle_frame(&mut self, now: Duration, frame: &[u8]) {
        self.link.handle_frame(now, frame);
    }

    /// To be called at the time told by [`poll_timeout`](Self::poll_timeout) or later.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.link.handle_timeout(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.link.poll_timeout()
    }

    /// The next output. To be called after every input until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        loop {
            return match self.link.poll_output()? {
                q921::Output::Transmit(frame) => Some(Output::Frame(frame)),
                q921::Output::Established { reset } => Some(Output::Event(Event::LinkUp { reset })),
                q921::Output::Released => Some(Output::Event(Event::LinkDown)),
                q921::Output::Information(_) => continue,
            };
        }
    }

    /// Whether the data link is up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        false
    }

    /// Sends SETUP.
    ///
    /// # Errors
    /// Nothing was sent then.
    pub fn dial(&mut self, _now: Duration, _setup: &Setup) -> Result<CallReference, Refused> {
        Err(Refused::LinkDown)
    }

    /// Sends CALL PROCEEDING with the channel.
    ///
    /// # Errors
    /// Nothing was sent then.
    pub fn proceed(&mut self, _now: Duration, _call: CallReference, _channel: u8) -> Result<(), Refused> {
        Err(Refused::LinkDown)
    }

    /// Sends ALERTING.
    ///
    /// # Errors
    /// Nothing was sent then.
    pub fn alert(&mut self, _now: Duration, _call: CallReference) -> Result<(), Refused> {
        Err(Refused::LinkDown)
    }

    /// Sends CONNECT.
    ///
    /// # Errors
    /// Nothing was sent then.
    pub fn connect(&mut self, _now: Duration, _call: CallReference) -> Result<(), Refused> {
        Err(Refused::LinkDown)
    }

    /// Clears a call.
    ///
    /// # Errors
    /// Nothing was sent then.
    pub fn clear(&mut self, _now: Duration, _call: CallReference, _cause: Cause) -> Result<(), Refused> {
        Err(Refused::LinkDown)
    }

    /// Sends RESTART for one channel.
    ///
    /// # Errors
    /// Nothing was sent then.
    pub fn restart(&mut self, _now: Duration, _channel: u8) -> Result<(), Refused> {
        Err(Refused::LinkDown)
    }

    /// The calls there are.
    pub fn calls(&self) -> impl Iterator<Item = CallSummary> {
        std::iter::empty()
    }

    /// What happened so far, in numbers.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters { link: *self.link.counters() }
    }
}
