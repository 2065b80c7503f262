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
    pub(crate) fn new(format: Format, encoder: Box<dyn Encoder>, backlog_bytes: usize, sink: Option<Sink>) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mp3::Mp3;
    use crate::playback::{Playback, Pumped};

    const FRAME: usize = crate::mp3::FRAME_BYTES;

    /// Fails at the first sample that is 13.
    struct Superstitious(Mp3);

    impl Encoder for Superstitious {
        fn push(&mut self, pcm: &[i16], out: &mut Vec<u8>) {
            assert!(!pcm.contains(&13), "this is meant to happen in this test");
            self.0.push(pcm, out);
        }
        fn finish(&mut self, out: &mut Vec<u8>) {
            self.0.finish(out);
        }
        fn frame_bytes(&self) -> usize {
            self.0.frame_bytes()
        }
        fn frame_ms(&self) -> u32 {
            self.0.frame_ms()
        }
        fn sample_rate(&self) -> u32 {
            self.0.sample_rate()
        }
        fn content_type(&self) -> &'static str {
            self.0.content_type()
        }
        fn extension(&self) -> &'static str {
            self.0.extension()
        }
    }

    #[test]
    fn a_failing_encoder_is_replaced_and_its_neighbour_does_not_notice() {
        let (mut ring, samples) = rtrb::RingBuffer::new(8000);
        let (tx, events) = crossbeam_channel::unbounded();
        let (report, now) = (Reporter::new(tx), Instant::now());
        let mut weak = Track::new(Format::Mp3, Format::Mp3.encoder(), 65_536, None);
        weak.encoder = Box::new(Superstitious(Mp3::new()));
        let tracks = vec![weak, Track::new(Format::Mp3, Format::Mp3.encoder(), 65_536, None)];
        let feed = Feed::new(samples, Duration::from_secs(1), now);
        let mut stream = Stream::new(10_000, "1".to_owned(), String::new(), tracks, feed, Arc::default());
        let mut speak = |value: i16, stream: &mut Stream| {
            ring.push_entire_slice(&[value; 1920]).unwrap();
            stream.beat(now, &report)
        };
        assert_eq!(speak(5, &mut stream), 10);
        assert_eq!(speak(13, &mut stream), 0);
        assert_eq!(speak(13, &mut stream), 10);
        assert_eq!(
            events.try_iter().collect::<Vec<_>>(),
            [CastEvent::EncoderFailed { port: 10_000, event: "1".into() }]
        );
        stream.finish(&report);
        assert_eq!(
            (stream.scene(0).backlog.end(), stream.scene(1).backlog.end()),
            (23 * FRAME as u64, 33 * FRAME as u64)
        );
        // Finishing is final: samples that come late change nothing.
        ring.push_entire_slice(&[5; 1920]).unwrap();
        assert_eq!(stream.beat(now, &report), 0);
        stream.finish(&report);
        assert_eq!(events.len(), 1);
    }

    #[test]
    fn a_title_changes_for_those_who_listen() {
        let (_ring, samples) = rtrb::RingBuffer::new(8);
        let tracks = vec![Track::new(Format::Mp3, Format::Mp3.encoder(), 65_536, None)];
        let feed = Feed::new(samples, Duration::from_secs(1), Instant::now());
        let mut stream = Stream::new(10_000, "1".to_owned(), String::new(), tracks, feed, Arc::default());
        assert_eq!((stream.scene(0).title, stream.scene(0).title_version), ("1", 0));
        stream.set_title("Questions".to_owned());
        assert_eq!((stream.scene(0).title, stream.scene(0).title_version), ("Questions", 1));
        let mut playback = Playback::new(Vec::new(), 0, true);
        assert_eq!(playback.pump(&mut Vec::new(), stream.scene(0)), (Pumped::CaughtUp, 0));
    }
}
