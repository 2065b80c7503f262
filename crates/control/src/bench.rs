//! Testing lines: the words for it.
//!
//! Time: dates are milliseconds since 1970 UTC, spans of time have their unit in the name.
//! Source: ITU-T O.150 to O.153 for patterns, IEEE 743 for levels and noise.
//! Words: test, what is done on channels that are kept from calls for it; loop, where what is sent turns round.

use crate::{CallHit, Problem, Target};
use serde::{Deserialize, Serialize};

/// A test longer than this is a slip of the pen.
const LONG_S: u64 = 24 * 3600;
/// A test call that is up for longer than this was forgotten.
const LONG_CALL_S: u64 = 600;
/// Digits in a number at most.
const DIGITS_MAX: usize = 32;

/// A test to begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestWish {
    /// Which channels.
    pub target: Target,
    /// What to do on them.
    pub kind: TestKind,
    /// Wait for calls to end; else there must be none.
    #[serde(default)]
    pub drain: bool,
    /// As the self-test does it: channels with calls, in other tests, or suspended are left out.
    #[serde(default)]
    pub idle_only: bool,
    /// How long; as the kind has it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<u64>,
}

/// What a test does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TestKind {
    /// Send a pattern and compare what comes back, on each channel by itself; for a minute.
    Bert {
        /// The pattern: `qrss`, `2^15-1` and others.
        pattern: String,
        /// Where it turns round.
        #[serde(rename = "loop")]
        loop_: LoopWord,
        /// Errors to put in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        insert: Option<InsertErrors>,
    },
    /// Set a loopback at our end; for 20 minutes.
    Loopback {
        /// Which.
        #[serde(rename = "loop")]
        loop_: LoopWord,
    },
    /// Send a tone, and measure what comes; for a minute.
    Tone {
        /// Frequency in Hz.
        hz: f32,
        /// Level in dBm0.
        dbm0: f32,
    },
    /// Send a signal of exchanges or test sets, and measure what comes; for a minute.
    Signal {
        /// Its name: `busy`, `sit` and others.
        name: String,
    },
    /// Measure what comes; for five seconds.
    Level,
    /// Place a call on an idle channel of a span, or of any (`server`), and measure what comes while it is up. `for_s` is how long
    /// an answer is waited for, and how long it stays up then; ten seconds.
    Call {
        /// The number: digits, `*`, `#`; a leading `+` makes it international.
        called: String,
    },
}

/// A loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopWord {
    /// None that is set for the test.
    None,
    /// What we send turns round in our own framer.
    Local,
    /// The whole line is sent back; for a pattern test the far end is asked to do that.
    Line,
    /// The timeslots are sent back, framing is made anew; for a pattern test the far end is asked to do that.
    Payload,
    /// Single channels: for a pattern test what we send turns round here, else what arrives is sent back.
    Timeslot,
    /// A loop this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Errors to put into a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InsertErrors {
    /// One bit in so many, from 100 on.
    OneIn(u64),
    /// So many bits.
    Count(u64),
}

impl TestWish {
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.for_s.is_some_and(|s| !(1..=LONG_S).contains(&s)) {
            return Err(Problem::malformed("`for_s` is from 1 to 86400"));
        }
        match &self.kind {
            TestKind::Bert { insert: Some(InsertErrors::OneIn(..100)), .. } => {
                Err(Problem::malformed("`one_in` is 100 at least: with more errors no pattern is found"))
            }
            TestKind::Bert { insert: Some(InsertErrors::Count(0 | 100_001..)), .. } => {
                Err(Problem::malformed("`count` is from 1 to 100000"))
            }
            TestKind::Bert { pattern, .. } if pattern.len() > 40 => {
                Err(Problem::malformed("`pattern` is a short word"))
            }
            TestKind::Bert { loop_: LoopWord::Unknown, .. }
            | TestKind::Loopback { loop_: LoopWord::Unknown | LoopWord::None } => {
                Err(Problem::malformed("`loop` is \"local\", \"line\", \"payload\" or \"timeslot\""))
            }
            TestKind::Tone { hz, .. } if !(50.0..=3_900.0).contains(hz) => {
                Err(Problem::malformed("`hz` is from 50 to 3900"))
            }
            TestKind::Tone { dbm0, .. } if !(-60.0..=3.0).contains(dbm0) => {
                Err(Problem::malformed("`dbm0` is from -60 to 3"))
            }
            TestKind::Signal { name } if name.len() > 40 => Err(Problem::malformed("`name` is a short word")),
            TestKind::Call { .. } if !matches!(self.target, Target::Span(_) | Target::Server) => {
                Err(Problem::malformed("a test call goes over a span, or over any with `server`"))
            }
            TestKind::Call { .. } if self.for_s.is_some_and(|s| s > LONG_CALL_S) => {
                Err(Problem::malformed("`for_s` of a test call is from 1 to 600"))
            }
            TestKind::Call { called } if !is_number(called) => Err(Problem::malformed(
                "`called` is a number of up to 32 digits, * and #, after a + if it is international",
            )),
            _ => Ok(()),
        }
    }
}

fn is_number(called: &str) -> bool {
    let digits = called.strip_prefix('+').unwrap_or(called);
    (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'#')
}

/// What a test would hit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestPlan {
    /// The target, as it was named.
    pub target: String,
    /// Channels it keeps from calls.
    pub channels: u32,
    /// Calls on them.
    pub calls: Vec<CallHit>,
    /// What happens, a sentence each.
    pub text: Vec<String>,
}

/// How far a test has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestState {
    /// Its channels are being kept from calls.
    Blocking,
    /// It runs.
    Running,
    /// It is over.
    Over,
    /// A state this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestInfo {
    /// Its number.
    pub id: u64,
    /// The target, as it was named.
    pub target: String,
    /// What it does, in words.
    pub what: String,
    /// Who began it.
    pub by: String,
    /// When.
    pub since_ms: u64,
    /// How far it has come.
    pub state: TestState,
    /// When it ends by itself, once it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Once it is over: whether all is well; absent when nothing was to be judged or it did not get that far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// Once it is over: how it ended, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Channels of the target that were left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What was found, channel by channel.
    pub channels: Vec<TestChannel>,
    /// Of a test call, once it is placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CallFound>,
}

/// How far a test call has come. Milliseconds count from SETUP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallFound {
    /// The span it is on, from 1.
    pub span: u16,
    /// The timeslot.
    pub channel: u8,
    /// Until CALL PROCEEDING; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proceeding_ms: Option<u64>,
    /// Until ALERTING.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerting_ms: Option<u64>,
    /// Until CONNECT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_ms: Option<u64>,
    /// Until its channel was idle again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// The Q.850 cause it ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<u8>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause_text: Option<String>,
    /// Who said the cause (Q.850 clause 2.2.3), as in call detail records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause_location: Option<String>,
    /// `far_end` or `near_end`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_by: Option<String>,
}

/// What was found on a channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestChannel {
    /// The span, from 1.
    pub span: u16,
    /// The timeslot.
    pub channel: u8,
    /// Of a pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<BitsFound>,
    /// Of a pattern, once the test is over: it came back right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// Of what was heard over the last second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<SoundFound>,
}

/// Whether a pattern comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// It was not found yet.
    Waiting,
    /// It comes, and is compared.
    InSync,
    /// It came, and is looked for again.
    Lost,
    /// A state this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What a pattern has shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BitsFound {
    /// Whether it comes back now.
    pub sync: SyncState,
    /// With all bits turned over.
    pub inverted: bool,
    /// Bits compared.
    pub bits: u64,
    /// Of them, wrong.
    pub bit_errors: u64,
    /// Errors that were put in.
    pub inserted: u64,
    /// Wrong bits for each bit compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// Seconds so far.
    pub seconds: u64,
    /// Of them, in sync.
    pub seconds_in_sync: u64,
    /// Of them, with an error.
    pub errored_seconds: u64,
    /// Times it was lost.
    pub sync_losses: u64,
}

/// What was heard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SoundFound {
    /// Level of everything, in dBm0.
    pub level_dbm0: f32,
    /// Frequency of the strongest tone, in Hz.
    pub tone_hz: f32,
    /// Its level, in dBm0.
    pub tone_dbm0: f32,
    /// Noise weighted by C-message, in dBrnC0.
    pub noise_dbrnc0: f32,
    /// The same without the strongest tone.
    pub notched_dbrnc0: f32,
}

/// An item of the self-test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Check {
    /// What was tried: `encoder mp3`, `port 10003`, `channel 1/5`.
    pub what: String,
    /// How it went.
    pub verdict: Verdict,
    /// Its figures, or what is wrong.
    pub text: String,
}

/// How an item of the self-test went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It works.
    Passed,
    /// It does not.
    Failed,
    /// It could not be tried now.
    Skipped,
    /// A verdict this version has no word for.
    #[default]
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(kind: TestKind) -> TestWish {
        TestWish { target: Target::Span(1), kind, drain: false, idle_only: false, for_s: None }
    }

    fn bert(loop_: LoopWord, insert: Option<InsertErrors>) -> TestKind {
        TestKind::Bert { pattern: "qrss".into(), loop_, insert }
    }

    #[test]
    fn what_cannot_be_tested_is_refused() {
        for kind in [
            bert(LoopWord::None, None),
            bert(LoopWord::Line, Some(InsertErrors::OneIn(1000))),
            TestKind::Loopback { loop_: LoopWord::Local },
            TestKind::Tone { hz: 1_004.0, dbm0: -10.0 },
            TestKind::Signal { name: "busy".into() },
            TestKind::Level,
            TestKind::Call { called: "+12025550102".into() },
        ] {
            assert_eq!(wish(kind.clone()).check(), Ok(()), "{kind:?}");
        }
        for kind in [
            bert(LoopWord::Unknown, None),
            bert(LoopWord::None, Some(InsertErrors::OneIn(99))),
            bert(LoopWord::None, Some(InsertErrors::Count(0))),
            TestKind::Loopback { loop_: LoopWord::None },
            TestKind::Tone { hz: f32::NAN, dbm0: -10.0 },
            TestKind::Tone { hz: 1_004.0, dbm0: 4.0 },
            TestKind::Signal { name: "x".repeat(41) },
            TestKind::Call { called: "+".into() },
            TestKind::Call { called: "1-800".into() },
        ] {
            assert!(wish(kind.clone()).check().is_err(), "{kind:?}");
        }
        let channel = Target::Channels { span: 1, first: 5, last: 5 };
        let call = wish(TestKind::Call { called: "102".into() });
        assert!(TestWish { target: channel, ..call.clone() }.check().is_err());
        assert!(TestWish { for_s: Some(601), ..call }.check().is_err());
        assert!(TestWish { for_s: Some(0), ..wish(TestKind::Level) }.check().is_err());
    }
}
