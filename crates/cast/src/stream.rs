//! One event on the air: samples in, frames to backlogs and recordings, once for each format.
//!
//! What is recorded is what is streamed: the same octets go to both, from the first frame to the last.
//!
//! Data path: [`Feed`] → encoder → [`Backlog`] and recorder's [`Sink`].
//! Time: one beat of the casting thread at a time; `now` is given.

use crate::backlog::Backlog;
use crate::encoder::{Encoder, Format};
use crate::events::{CastEvent, Reporter};
use crate::feed::Feed;
use crate::playback::Scene;
use crate::recorder::Sink;
use crate::statistics::Statistics;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How often cut-off listeners are reported.
const SAY_DROPPED_EVERY: Duration = Duration::from_secs(1);

/// A stream.
pub(crate) struct Stream {
    pub(crate) port: u16,
    pub(crate) event: String,
    pub(crate) title: String,
    pub(crate) formats: Vec<Format>,
    pub(crate) statistics: Arc<Statistics>,
    title_version: u64,
    tracks: Vec<Track>,
    feed: Feed,
    ended: bool,
    said_dropped: (u64, Option<Instant>),
    pcm: Vec<i16>,
    frames: Vec<u8>,
}

/// One format of a stream.
pub(crate) struct Track {
    format: Format,
    encoder: Box<dyn Encoder>,
    backlog: Backlog,
    sink: Option<Sink>,
}

impl Track {
    pub(crate) fn new(format: Format, backlog_bytes: usize, sink: Option<Sink>) -> Self {
        let encoder = format.encoder();
        let backlog = Backlog::new(encoder.frame_bytes(), backlog_bytes);
        Track { format, encoder, backlog, sink }
    }

    /// Appends frames to everything; answers how many.
    fn append(&mut self, frames: &[u8]) -> u64 {
        if frames.is_empty() {
            return 0;
        }
        self.backlog.append(frames);
        if let Some(sink) = &mut self.sink {
            sink.push(frames);
        }
        (frames.len() / self.encoder.frame_bytes()) as u64
    }
}

impl Stream {
    pub(crate) fn new(
        port: u16,
        event: String,
        title: String,
        tracks: Vec<Track>,
        feed: Feed,
        statistics: Arc<Statistics>,
    ) -> Self {
        let formats = tracks.iter().map(|t| t.format).collect();
        Stream {
            port,
            event,
            title,
            formats,
            statistics,
            title_version: 0,
            tracks,
            feed,
            ended: false,
            said_dropped: (0, None),
            pcm: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Encodes what has come; answers the frames that were added to the first format.
    pub(crate) fn beat(&mut self, now: Instant, report: &Reporter) -> u64 {
        if self.ended {
            return 0;
        }
        let drawn = self.feed.draw(now, &mut self.pcm);
        self.statistics.silence_samples.fetch_add(drawn.silence, Relaxed);
        if let Some(samples) = drawn.back_after {
            let (port, event, silence_ms) = (self.port, self.event.clone(), samples / 8);
            report.say(CastEvent::StreamWasDry { port, event, silence_ms });
        }
        self.say_dropped(now, report);
        self.encode(false, report)
    }

    /// Encodes what is left and ends: recordings are closed, listeners may fetch the rest.
    pub(crate) fn finish(&mut self, report: &Reporter) {
        if self.ended {
            return;
        }
        self.feed.drain(&mut self.pcm);
        self.encode(false, report);
        self.pcm.clear();
        self.encode(true, report);
        self.ended = true;
        self.tracks.iter_mut().for_each(|track| track.sink = None);
        let (port, event, figures) = (self.port, self.event.clone(), self.statistics.read());
        report.say(CastEvent::StreamStopped { port, event, figures });
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn set_title(&mut self, title: String) {
        self.title = title;
        self.title_version += 1;
    }

    /// What a listener of this format sees.
    pub(crate) fn scene(&self, format: usize) -> Scene<'_> {
        Scene {
            backlog: &self.tracks[format].backlog,
            title: if self.title.is_empty() { &self.event } else { &self.title },
            title_version: self.title_version,
            ended: self.ended,
        }
    }

    fn encode(&mut self, last: bool, report: &Reporter) -> u64 {
        let mut first = None;
        for track in &mut self.tracks {
            let (pcm, frames) = (&self.pcm, &mut self.frames);
            frames.clear();
            let encoder = &mut track.encoder;
            let encoded =
                catch_unwind(AssertUnwindSafe(
                    || {
                        if last { encoder.finish(frames) } else { encoder.push(pcm, frames) }
                    },
                ));
            if encoded.is_err() {
                // A defect in a codec must not take the other streams of this thread along.
                track.encoder = track.format.encoder();
                self.frames.clear();
                report.say(CastEvent::EncoderFailed { port: self.port, event: self.event.clone() });
            }
            let count = track.append(&self.frames);
            self.statistics.frames.fetch_add(count, Relaxed);
            first.get_or_insert(count);
        }
        first.unwrap_or(0)
    }

    fn say_dropped(&mut self, now: Instant, report: &Reporter) {
        let total = self.statistics.dropped.load(Relaxed);
        let (said, at) = self.said_dropped;
        if total > said && at.is_none_or(|at| now.saturating_duration_since(at) >= SAY_DROPPED_EVERY) {
            self.said_dropped = (total, Some(now));
            report.say(CastEvent::ListenersDropped { port: self.port, event: self.event.clone(), total });
        }
    }
}
