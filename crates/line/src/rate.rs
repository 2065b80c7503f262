//! Errors by their rate: one alarm when there are too many in a window, one line when there are few again.
//!
//! A line with a wrong clock slips every few seconds and spoils frames of the D channel with each slip. Told one by one
//! they would fill the log and hide what they mean; too few to matter they should not be told at all.
//!
//! Time: `now` since the start with every count; a count of nothing lets time pass.
//! Source: our own, but for slips: G.822 allows five in 24 hours on a whole connection, and a line that is timed by its
//! exchange has none.
//! Words: *window*, the time over which errors are summed; it moves on by a twenty-fourth of itself.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

const PARTS: usize = 24;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateKind {
    /// Controlled slips.
    Slips,
    /// D-channel frames that were aborted.
    Aborts,
    /// D-channel frames with a wrong frame check sequence.
    WrongFcs,
}

impl fmt::Display for RateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RateKind::Slips => "slips",
            RateKind::Aborts => "aborted D-channel frames",
            RateKind::WrongFcs => "D-channel frames with a wrong check sequence",
        })
    }
}

/// When there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The time over which errors are summed; not zero.
    pub window: Duration,
    /// So many in a window are too many; 0 for never.
    pub raise: u32,
    /// So few, or fewer, are few again; less than `raise`.
    pub clear: u32,
}

impl Limit {
    /// More than 4 slips in 24 hours; few again with 2.
    pub const SLIPS: Limit = Limit { window: Duration::from_secs(86_400), raise: 5, clear: 2 };
    /// 10 frames lost in a minute; few again with 1.
    pub const FRAMES: Limit = Limit { window: Duration::from_secs(60), raise: 10, clear: 1 };
}

/// Too many errors, or few again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateChange {
    /// Of which kind.
    pub kind: RateKind,
    /// Too many from now on; else few again.
    pub raised: bool,
    /// How many there were in the window.
    pub count: u32,
    /// The window.
    pub window: Duration,
}

/// The rate of one kind of error.
#[derive(Clone, Debug)]
pub struct Rate {
    kind: RateKind,
    limit: Limit,
    parts: [u32; PARTS],
    /// Parts of the window that have passed since the start.
    passed: u64,
    raised: bool,
}

impl Rate {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(kind: RateKind, limit: Limit) -> Self {
        debug_assert!(limit.clear < limit.raise || limit.raise == 0);
        Rate { kind, limit, parts: [0; PARTS], passed: 0, raised: false }
    }

    /// So many errors came since the last count.
    pub fn count(&mut self, now: Duration, errors: u64) -> Option<RateChange> {
        let part = (self.limit.window / PARTS as u32).as_nanos().max(1);
        let passed = u64::try_from(now.as_nanos() / part).unwrap_or(u64::MAX);
        for gone in 0..passed.saturating_sub(self.passed).min(PARTS as u64) {
            self.parts[((passed - gone) % PARTS as u64) as usize] = 0;
        }
        self.passed = self.passed.max(passed);
        let current = &mut self.parts[(self.passed % PARTS as u64) as usize];
        *current = current.saturating_add(u32::try_from(errors).unwrap_or(u32::MAX));

        let count = self.in_window();
        let raised = match self.raised {
            false => self.limit.raise != 0 && count >= self.limit.raise,
            true => count > self.limit.clear,
        };
        let changed = std::mem::replace(&mut self.raised, raised) != raised;
        changed.then_some(RateChange { kind: self.kind, raised, count, window: self.limit.window })
    }

    /// How many there were in the window that ended with the last count.
    #[must_use]
    pub fn in_window(&self) -> u32 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// What is counted.
    #[must_use]
    pub fn kind(&self) -> RateKind {
        self.kind
    }

    /// When there are too many.
    #[must_use]
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Whether there are too many.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.raised
    }
}
