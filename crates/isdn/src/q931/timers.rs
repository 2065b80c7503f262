//! The timers of layer 3 as a table.
//!
//! Looks after names, values and clauses; the states arm and disarm them (`call`), [`crate::variant`] says where an
//! exchange differs.
//!
//! Data path: this table → [`Timers::new`] → a variant's differences → a configuration's → `call`.
//! Time: durations only.
//! Source: Q.931 (05/98) clause 9, tables 9-1 (network side) and 9-2 (user side).

use crate::Side;
use std::time::Duration;

/// The timers we have, by their names in Q.931.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// ALERTING received, no answer yet.
    T301,
    /// Waiting for more digits.
    T302,
    /// SETUP sent, no response yet.
    T303,
    /// SETUP ACKNOWLEDGE received, nothing after it.
    T304,
    /// DISCONNECT sent.
    T305,
    /// DISCONNECT with something to hear: sent by the network, or held by a user that listens.
    T306,
    /// RELEASE sent.
    T308,
    /// The data link is lost under an active call.
    T309,
    /// CALL PROCEEDING received, nothing after it.
    T310,
    /// CONNECT sent by the user.
    T313,
    /// A segment received, more to come.
    T314,
    /// RESTART sent.
    T316,
    /// A D channel has failed, and the other one of its group has not been answered on yet.
    T321,
    /// STATUS ENQUIRY sent.
    T322,
}

/// One line of the tables of clause 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which timer.
    pub timer: Timer,
    /// Seconds on the user side.
    pub user: u64,
    /// Seconds on the network side.
    pub network: u64,
    /// Where its procedure is described.
    pub clause: &'static str,
}

const fn row(timer: Timer, user: u64, network: u64, clause: &'static str) -> Row {
    Row { timer, user, network, clause }
}

/// All of them, in the order of [`Timer`].
///
/// T306 is the network's; a user that listens keeps the same time, so as not to hear a tone for ever. T309 is an option of the user side, with the network's value; T310 is 30 to 120 s there. T301 is "3 minutes or more".
pub const TABLE: [Row; 14] = [
    row(Timer::T301, 180, 180, "5.2.5.3"),
    row(Timer::T302, 15, 15, "5.2.4"),
    row(Timer::T303, 4, 4, "5.1.1, 5.2.5.3"),
    row(Timer::T304, 30, 20, "5.1.3, 5.2.5.3"),
    row(Timer::T305, 30, 30, "5.3.3, 5.3.4"),
    row(Timer::T306, 30, 30, "5.3.4.1, 5.4"),
    row(Timer::T308, 4, 4, "5.3.3, 5.3.4"),
    row(Timer::T309, 90, 90, "5.8.9"),
    row(Timer::T310, 30, 10, "5.1.5.1, 5.2.5.3"),
    row(Timer::T313, 4, 4, "5.2.8"),
    row(Timer::T314, 4, 4, "Annex H"),
    row(Timer::T316, 120, 120, "5.5.1"),
    row(Timer::T321, 30, 30, "F.2.2"),
    row(Timer::T322, 4, 4, "5.8.10"),
];

/// The values in force on one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    values: [Duration; TABLE.len()],
}

impl Timers {
    /// The values of the Recommendation.
    #[must_use]
    pub fn new(side: Side) -> Timers {
        let seconds = |row: Row| match side {
            Side::User => row.user,
            Side::Network => row.network,
        };
        Timers { values: TABLE.map(|row| Duration::from_secs(seconds(row))) }
    }

    /// The same with another value for one timer; nothing is shorter than a millisecond.
    #[must_use]
    pub fn with(mut self, timer: Timer, value: Duration) -> Timers {
        self.values[timer as usize] = value.max(Duration::from_millis(1));
        self
    }

    /// How long a timer runs.
    #[must_use]
    pub fn get(&self, timer: Timer) -> Duration {
        self.values[timer as usize]
    }
}
