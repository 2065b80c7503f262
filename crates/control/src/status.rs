//! How the daemon as a whole is: the answer to `status`.

use crate::{Progress, Severity};
use serde::{Deserialize, Serialize};

/// How the daemon is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Version of the daemon, as `0.1.0`.
    pub version: String,
    /// Name of the server, as in recordings and records.
    pub server: String,
    /// When it was started: milliseconds since 1970 UTC.
    pub started_at_ms: u64,
    /// Seconds since then.
    pub uptime_s: u64,
    /// Length of a tick in milliseconds.
    pub tick_ms: u32,
    /// State directory, absolute.
    pub state_dir: String,
    /// Content store, absolute.
    pub content_dir: String,
    /// What the operating system granted the real-time thread.
    pub realtime: RealtimeInfo,
    /// How the real-time loop keeps time.
    #[serde(rename = "loop")]
    pub loop_: LoopInfo,
    /// Calls there are, in any stage.
    pub calls: u32,
    /// Conferences that are open.
    pub conferences: u32,
    /// Streams on the air, counting each format.
    pub streams: u32,
    /// Listeners on all of them.
    pub listeners: u32,
    /// Recordings being written.
    pub recordings: u32,
    /// Stream ports that could carry another event now.
    pub free_ports: u32,
    /// Stream ports without a stream that no event gets, because what is behind them does not work.
    pub failed_ports: u32,
    /// Stream ports of this server.
    pub total_ports: u32,
    /// Alarms that are present, the most severe first.
    pub alarms: Vec<AlarmInfo>,
    /// Reports of the real-time thread that found their queue full.
    pub dropped_reports: u64,
    /// The server is closing down and waits for its calls; absent while it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<DrainInfo>,
}

/// A server that is closing down: it takes no new calls, and those there are may end by themselves for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DrainInfo {
    /// Since when: milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// When the callers that remain are told and let go: milliseconds since 1970 UTC.
    pub until_ms: u64,
    /// How far it has come.
    pub progress: Progress,
}

/// What the operating system granted the real-time thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RealtimeInfo {
    /// It is scheduled before ordinary programs (SCHED_FIFO).
    pub fifo: bool,
    /// Its memory cannot be paged out.
    pub locked: bool,
    /// It has a core for itself.
    pub pinned: bool,
    /// What is missing, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How the real-time loop keeps time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoopInfo {
    /// Ticks processed.
    pub ticks: u64,
    /// Ticks that were not done when the next was due.
    pub overruns: u64,
    /// How late a tick began.
    pub late: Timing,
    /// How long it took.
    pub work: Timing,
}

/// A distribution of times, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// Half of all were no longer than this.
    pub p50_us: u64,
    /// 99 of 100 were no longer than this.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
    /// All of them together.
    pub sum_us: u64,
    /// The histogram: buckets that hold something, shortest first.
    pub buckets: Vec<Bucket>,
}

/// One bar of a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bucket {
    /// The longest time counted here, in microseconds.
    pub up_to_us: u64,
    /// How many there were.
    pub count: u64,
}

/// An alarm: something that is wrong, or was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlarmInfo {
    /// Never given twice; the same as long as the alarm stands.
    pub id: u64,
    /// How bad it is (ITU-T X.733).
    pub severity: Severity,
    /// What it is about: `span 1 LOS`, `disk`, `port 10003`. Of each there is one alarm at a time.
    pub what: String,
    /// The probable cause, a word of X.733 or M.3100, as far as there is one: `loss_of_signal`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// What is wrong and what to do about it.
    pub text: String,
    /// Since when: milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// When it was cleared, or else the daemon was started again; absent while it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleared_ms: Option<u64>,
}
