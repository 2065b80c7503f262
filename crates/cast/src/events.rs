//! What streams and recordings have to say, for the daemon's log, alarms and records.
//!
//! Data path: casting threads and recorder → a channel of the daemon's. A full channel loses the event,
//! never time; what was lost is counted ([`Caster::lost_events`](crate::Caster::lost_events)).

use crate::format::Codec;
use crate::statistics::Figures;
use crossbeam_channel::Sender;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Something happened that an operator may want to know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CastEvent {
    /// A stream is on the air.
    StreamStarted {
        /// Its port.
        port: u16,
        /// Its event.
        event: String,
    },
    /// A stream ended; its last frame is encoded, listeners may still be fetching it.
    StreamStopped {
        /// Its port.
        port: u16,
        /// Its event.
        event: String,
        /// Its counters at the end.
        figures: Figures,
    },
    /// Listeners fell out of the backlog and were cut off; said at most once a second for a stream.
    ListenersDropped {
        /// The stream's port.
        port: u16,
        /// The stream's event.
        event: String,
        /// How many since the stream began.
        total: u64,
    },
    /// Nobody fed a stream and silence went out instead; said when samples come again.
    StreamWasDry {
        /// The stream's port.
        port: u16,
        /// The stream's event.
        event: String,
        /// Milliseconds of silence inserted.
        silence_ms: u64,
    },
    /// A recording was begun.
    RecordingOpened {
        /// Its event.
        event: String,
        /// The stream's port.
        port: u16,
        /// The file in the spool.
        path: PathBuf,
    },
    /// A recording is complete in the spool.
    RecordingClosed {
        /// Its event.
        event: String,
        /// The stream's port.
        port: u16,
        /// The file in the spool.
        path: PathBuf,
        /// Whole frames in it.
        frames: u64,
        /// Frames left out because the disk could not follow.
        gaps: u64,
    },
    /// A recording was found from before a crash, cut to whole frames and will be published.
    RecordingRecovered {
        /// Its event.
        event: String,
        /// The file in the spool.
        path: PathBuf,
        /// Whole frames in it.
        frames: u64,
        /// Octets of a torn frame that were cut off.
        cut: u64,
    },
    /// A recording is in the content store, whole.
    RecordingPublished {
        /// Its event.
        event: String,
        /// The file in the store.
        path: PathBuf,
    },
    /// Recording stopped or could not begin; stream and call go on. An alarm until
    /// [`CastEvent::RecordingOpened`] for the same port, or the end of the stream.
    RecordingFailed {
        /// Its event.
        event: String,
        /// The stream's port.
        port: u16,
        /// The file in the spool, kept and published as far as it goes.
        path: PathBuf,
        /// There is no room (as against an error of the disk).
        disk_full: bool,
        /// What the system said.
        error: String,
    },
    /// An encoder failed and was replaced, or could not encode some frames; the formats made with it lack
    /// them, the others do not notice. Said at most once a second for a codec of a stream.
    EncoderFailed {
        /// The stream's port.
        port: u16,
        /// The stream's event.
        event: String,
        /// What kind of encoder.
        codec: Codec,
        /// How often since the stream began.
        total: u64,
    },
    /// A stream is pushed to a server.
    PushStarted {
        /// The stream's port.
        port: u16,
        /// The stream's event.
        event: String,
        /// The server and mount.
        target: String,
    },
    /// A stream could not be pushed to a server, or was not any more; it is tried again.
    PushFailed {
        /// The stream's port.
        port: u16,
        /// The stream's event.
        event: String,
        /// The server and mount.
        target: String,
        /// Why.
        error: String,
        /// When the next attempt is made.
        retry_in: Duration,
    },
    /// A push has ended with its stream.
    PushStopped {
        /// The stream's port.
        port: u16,
        /// The stream's event.
        event: String,
        /// The server and mount.
        target: String,
    },
    /// Sound was left out of a recording because the disk could not follow; said when it follows again.
    RecordingGap {
        /// Its event.
        event: String,
        /// The stream's port.
        port: u16,
        /// Frames left out.
        frames: u64,
    },
    /// A recording could not be published and stays in the spool; it is tried again.
    PublishDelayed {
        /// Its event.
        event: String,
        /// The file in the spool.
        path: PathBuf,
        /// What the system said.
        error: String,
        /// When the next attempt is made.
        retry_in: Duration,
    },
    /// A file in the spool is not a recording of ours; it is left where it is.
    SpoolUnreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: String,
    },
}

impl CastEvent {
    /// An operator should act, or something was lost.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(
            self,
            CastEvent::RecordingFailed { .. }
                | CastEvent::RecordingGap { .. }
                | CastEvent::PublishDelayed { .. }
                | CastEvent::StreamWasDry { .. }
                | CastEvent::EncoderFailed { .. }
                | CastEvent::PushFailed { .. }
                | CastEvent::SpoolUnreadable { .. }
        )
    }
}

impl fmt::Display for CastEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CastEvent::StreamStarted { port, event } => write!(f, "event {event} is on the air on port {port}"),
            CastEvent::StreamStopped { port, event, figures } => write!(
                f,
                "event {event} left the air on port {port}: {} frames, listeners: {} in all, {} at most",
                figures.frames, figures.listeners_total, figures.listeners_peak
            ),
            CastEvent::ListenersDropped { port, event, total } => {
                write!(f, "listeners of event {event} on port {port} were too slow: {total} cut off so far")
            }
            CastEvent::StreamWasDry { port, event, silence_ms } => {
                write!(f, "event {event} on port {port} had no samples: {silence_ms} ms of silence went out instead")
            }
            CastEvent::RecordingOpened { event, path, .. } => {
                write!(f, "recording event {event} to {}", path.display())
            }
            CastEvent::RecordingClosed { event, path, frames, gaps, .. } => {
                write!(f, "recording of event {event} closed: {}, {frames} frames, {gaps} left out", path.display())
            }
            CastEvent::RecordingRecovered { event, path, frames, cut } => write!(
                f,
                "recording of event {event} recovered: {}, {frames} frames, {cut} octets of a torn frame cut off",
                path.display()
            ),
            CastEvent::RecordingPublished { event, path } => {
                write!(f, "recording of event {event} published: {}", path.display())
            }
            CastEvent::RecordingFailed { event, path, disk_full, error, .. } => {
                let why = if *disk_full { "no room" } else { "disk error" };
                write!(f, "recording of event {event} stopped ({why}): {}: {error}", path.display())
            }
            CastEvent::EncoderFailed { port, event, codec, total } => {
                write!(
                    f,
                    "the {codec} encoder of event {event} on port {port} failed and was replaced, {total} times so far"
                )
            }
            CastEvent::PushStarted { port, event, target } => {
                write!(f, "event {event} on port {port} goes to {target}")
            }
            CastEvent::PushFailed { port, event, target, error, retry_in } => {
                let seconds = retry_in.as_secs_f32();
                write!(f, "event {event} on port {port} does not reach {target}: {error}; next attempt in {seconds} s")
            }
            CastEvent::PushStopped { port, event, target } => {
                write!(f, "event {event} on port {port} goes to {target} no more")
            }
            CastEvent::RecordingGap { event, port, frames } => {
                write!(f, "recording of event {event} on port {port} lacks {frames} frames: the disk did not follow")
            }
            CastEvent::PublishDelayed { event, path, error, retry_in } => write!(
                f,
                "recording of event {event} not published: {}: {error}; next attempt in {} s",
                path.display(),
                retry_in.as_secs_f32()
            ),
            CastEvent::SpoolUnreadable { path, error } => {
                write!(f, "left alone in the spool: {}: {error}", path.display())
            }
        }
    }
}

/// The sending end: never waits, counts what it cannot say.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    events: Sender<CastEvent>,
    lost: Arc<AtomicU64>,
}

impl Reporter {
    pub(crate) fn new(events: Sender<CastEvent>) -> Self {
        Reporter { events, lost: Arc::default() }
    }

    pub(crate) fn say(&self, event: CastEvent) {
        if self.events.try_send(event).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}
