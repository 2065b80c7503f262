//! Failures: defects that have lasted, one alarm for one cause.
//!
//! A defect that comes and goes is seen in the counters; a failure is for people and their alarm lists. So a failure is
//! declared only after its defect has stood for a while, and cleared only after it has been gone for a longer while.
//! What follows from something worse is hidden: without a signal there is no framing either, and nobody needs two alarms.
//!
//! ```text
//!            defect              for `declare`                 gone
//!   Sound ────────────► Coming ────────────────► Standing ───────────────► Going
//!     ▲ ◄────────────────┘                          ▲ ◄──────────────────────┘ │
//!     │        gone                                           defect           │
//!     └────────────────────────────────────────────────────────────────────────┘
//!                                  gone for `clear`
//! ```
//!
//! Data path: [`Defects`] at each change → here → [`Change`] for log, alarm list and performance.
//! Time: `now` since the start with every input; [`Failures::handle_timeout`] when [`Failures::poll_timeout`] says so.
//! Source: ANSI T1.231 clause 6 (declared after 2.5 ± 0.5 s, cleared after 10 ± 0.5 s), RFC 4805 section 3.4.4 "Failure
//! States". Departure: a hidden failure that still stands when the worse one clears is declared at that moment rather
//! than 2.5 s later, so that the line does not seem sound in between.

use crate::Defects;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A kind of failure. The order is that of severity: what comes first hides what comes later, as [`RULES`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The card has gone.
    Absent,
    /// Loss of signal.
    Los,
    /// Alarm indication signal.
    Ais,
    /// Loss of frame.
    Lof,
    /// Loss of CRC-4 multiframe.
    Lomf,
    /// Remote alarm indication.
    Rai,
    /// The D channel's data link is down although the line is sound.
    LinkDown,
}

/// How many kinds there are.
pub const KINDS: usize = 7;

impl FailureKind {
    /// The word technicians use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FailureKind::Absent => "absent",
            FailureKind::Los => "LOS",
            FailureKind::Ais => "AIS",
            FailureKind::Lof => "LOF",
            FailureKind::Lomf => "LOMF",
            FailureKind::Rai => "RAI",
            FailureKind::LinkDown => "D-channel link down",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// From which defect a failure comes, when, and what hides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The failure.
    pub kind: FailureKind,
    /// Its defect.
    pub defect: Defects,
    /// How long the defect stands before the failure is declared.
    pub declare: Duration,
    /// How long the defect is gone before the failure is cleared.
    pub clear: Duration,
    /// Defects of which this one is a mere consequence.
    pub hidden_by: Defects,
}

const fn rule(kind: FailureKind, defect: Defects, declare_ms: u64, clear_ms: u64, hidden_by: Defects) -> Rule {
    let (declare, clear) = (Duration::from_millis(declare_ms), Duration::from_millis(clear_ms));
    Rule { kind, defect, declare, clear, hidden_by }
}

const NO_SIGNAL: Defects = Defects::ABSENT.union(Defects::LOS);

/// The times and the hiding of T1.231, one line a failure, worst first.
///
/// AIS has no framing, so it hides LOF and not the other way round. LOMF leaves the A bit readable, so RAI shows beside
/// it. RAI of the far end explains a silent data link. A link that is merely set up anew (N200 times T200 = 3 s,
/// Q.921 clause 5.9) is no failure: 5 s.
pub const RULES: [Rule; KINDS] = [
    rule(FailureKind::Absent, Defects::ABSENT, 2_500, 10_000, Defects::empty()),
    rule(FailureKind::Los, Defects::LOS, 2_500, 10_000, Defects::ABSENT),
    rule(FailureKind::Ais, Defects::AIS, 2_500, 10_000, NO_SIGNAL),
    rule(FailureKind::Lof, Defects::LOF, 2_500, 10_000, NO_SIGNAL.union(Defects::AIS)),
    rule(FailureKind::Lomf, Defects::LOMF, 2_500, 10_000, Defects::LOSS),
    rule(FailureKind::Rai, Defects::RAI, 2_500, 10_000, Defects::LOSS),
    rule(FailureKind::LinkDown, Defects::LINK_DOWN, 5_000, 10_000, Defects::LOSS.union(Defects::RAI)),
];

/// A failure was declared or cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The failure stands from now on.
    Declared {
        /// Which.
        kind: FailureKind,
        /// When its defect began, since the start.
        since: Duration,
    },
    /// The failure stands no more.
    Cleared {
        /// Which.
        kind: FailureKind,
        /// When its defect had begun, since the start.
        since: Duration,
        /// The worse failure that hides it from now on; `None` when it is truly gone.
        hidden_by: Option<FailureKind>,
    },
}

/// Where a defect is on its way to failure and back. Times are since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// No defect.
    #[default]
    Sound,
    /// A defect, not long enough.
    Coming { since: Duration },
    /// A defect, long enough.
    Standing { since: Duration },
    /// The defect has gone, not long enough.
    Going { since: Duration, gone: Duration },
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    phase: Phase,
    /// Declared, and with which onset.
    told: Option<Duration>,
}

/// The failures of one line.
#[derive(Clone, Debug)]
pub struct Failures {
    rules: [Rule; KINDS],
    defects: Defects,
    states: [State; KINDS],
    /// At most one change of each kind waits: they are collected after every input.
    changes: heapless::Deque<Change, { 2 * KINDS }>,
}

impl Default for Failures {
    fn default() -> Self {
        Failures::new(RULES)
    }
}

impl Failures {
    /// A sound line, by these rules ([`RULES`], or with other times).
    #[must_use]
    pub fn new(rules: [Rule; KINDS]) -> Self {
        Failures {
            rules,
            defects: Defects::empty(),
            states: [State::default(); KINDS],
            changes: heapless::Deque::new(),
        }
    }

    /// The defects are now these.
    pub fn handle_defects(&mut self, now: Duration, defects: Defects) {
        // What was due before this change happened before it.
        self.expire(now);
        self.defects = defects;
        for (rule, state) in self.rules.iter().zip(&mut self.states) {
            let present = defects.intersects(rule.defect);
            state.phase = match (state.phase, present) {
                (Phase::Sound, true) => Phase::Coming { since: now },
                (Phase::Coming { .. }, false) => Phase::Sound,
                (Phase::Standing { since }, false) => Phase::Going { since, gone: now },
                (Phase::Going { since, .. }, true) => Phase::Standing { since },
                (phase, _) => phase,
            };
        }
        self.expire(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.expire(now);
    }

    /// When [`Failures::handle_timeout`] is wanted next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.rules.iter().zip(&self.states).filter_map(|(rule, state)| due(rule, state.phase)).min()
    }

    /// The next change, oldest first.
    pub fn poll_output(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// The defects as last given.
    #[must_use]
    pub fn defects(&self) -> Defects {
        self.defects
    }

    /// The failures that stand, worst first, with the time since the start at which the defect began.
    pub fn standing(&self) -> impl Iterator<Item = (FailureKind, Duration)> + '_ {
        self.rules.iter().zip(&self.states).filter_map(|(rule, state)| Some((rule.kind, state.told?)))
    }

    /// Whether one of these stands as a failure.
    #[must_use]
    pub fn any_of(&self, defects: Defects) -> bool {
        self.rules.iter().zip(&self.states).any(|(r, s)| s.told.is_some() && defects.intersects(r.defect))
    }

    fn expire(&mut self, now: Duration) {
        for (rule, state) in self.rules.iter().zip(&mut self.states) {
            if due(rule, state.phase).is_some_and(|at| at <= now) {
                state.phase = match state.phase {
                    Phase::Coming { since } => Phase::Standing { since },
                    _ => Phase::Sound,
                };
            }
        }
        self.tell();
    }

    /// Say what has changed, worst first, so that what hides is known before what is hidden.
    fn tell(&mut self) {
        for i in 0..KINDS {
            let rule = self.rules[i];
            let worse = self.worse_standing(rule.hidden_by);
            let State { phase, told } = self.states[i];
            let change = match (told, phase) {
                (Some(since), Phase::Sound) => Some(Change::Cleared { kind: rule.kind, since, hidden_by: None }),
                (Some(since), _) if worse.is_some() => {
                    Some(Change::Cleared { kind: rule.kind, since, hidden_by: worse })
                }
                // A worse defect that is not yet a failure delays this one, and will most likely replace it.
                (None, Phase::Standing { since }) if worse.is_none() && !self.defects.intersects(rule.hidden_by) => {
                    Some(Change::Declared { kind: rule.kind, since })
                }
                _ => None,
            };
            let Some(change) = change else { continue };
            self.states[i].told = match change {
                Change::Declared { since, .. } => Some(since),
                Change::Cleared { .. } => None,
            };
            let kept = self.changes.push_back(change);
            debug_assert!(kept.is_ok(), "changes are collected after every input");
        }
    }

    fn worse_standing(&self, hidden_by: Defects) -> Option<FailureKind> {
        self.rules
            .iter()
            .zip(&self.states)
            .find(|(rule, state)| state.told.is_some() && hidden_by.intersects(rule.defect))
            .map(|(rule, _)| rule.kind)
    }
}

fn due(rule: &Rule, phase: Phase) -> Option<Duration> {
    match phase {
        Phase::Sound | Phase::Standing { .. } => None,
        Phase::Coming { since } => Some(since + rule.declare),
        Phase::Going { gone, .. } => Some(gone + rule.clear),
    }
}
