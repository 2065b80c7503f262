//! One event on the air: samples in; frames to containers, backlogs and recordings.
//!
//! Each codec encodes once, whatever the number of formats and listeners that have its sound. What is recorded
//! is what is streamed: the same frames go to both, from the first to the last.
//!
//! Data path: [`Feed`] → a [`Lane`] for each codec → a [`Track`] for each format → backlog or segments, and the
//! recorder's [`Sink`].
//! Time: one beat of the casting thread at a time; `now` is given.
//! Words: a *lane* is an encoder with its frames; a *track*, a format that is made of them.

use crate::backlog::Backlog;
use crate::container::{self, Container, Wrapped};
use crate::encoder::{Encoder, Frames};
use crate::events::{CastEvent, Reporter};
use crate::feed::Feed;
use crate::format::{Codec, Format};
use crate::hls::Hls;
use crate::playback::Scene;
use crate::recorder::Sink;
use crate::settings::Settings;
use crate::statistics::Statistics;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How often cut-off listeners, and failing encoders, are reported.
const SAY_EVERY: Duration = Duration::from_secs(1);
/// Octets of PCMU a new listener gets at once: a tenth of a second, what an AudioWorklet wants in hand.
const PCMU_BURST: usize = 800;
/// Octets of Ogg a new listener gets at once: about two seconds, so that players need not wait for them.
const OGG_BURST: usize = 6_000;

/// What a stream is made of.
pub(crate) struct Plan {
    pub(crate) port: u16,
    pub(crate) event: String,
    pub(crate) title: String,
    /// When its first sample was spoken.
    pub(crate) start_ms: u64,
    pub(crate) feed: Feed,
    pub(crate) statistics: Arc<Statistics>,
}

/// A stream.
pub(crate) struct Stream {
    pub(crate) port: u16,
    pub(crate) event: String,
    pub(crate) title: String,
    pub(crate) formats: Vec<Format>,
    pub(crate) statistics: Arc<Statistics>,
    start_ms: u64,
    title_version: u64,
    lanes: Vec<Lane>,
    tracks: Vec<Track>,
    feed: Feed,
    ended: bool,
    said_dropped: Said,
    pcm: Vec<i16>,
    wrapped: Wrapped,
}

/// An encoder and what it has given in this beat.
struct Lane {
    codec: Codec,
    encoder: Box<dyn Encoder>,
    frames: Frames,
    failures: u64,
    said: Said,
}

/// What was said of something that is counted, and when.
#[derive(Default)]
struct Said {
    count: u64,
    at: Option<Instant>,
}

impl Said {
    /// There is something new, and the last time is long enough ago.
    fn is_due(&mut self, now: Instant, total: u64) -> bool {
        let due = total > self.count && self.at.is_none_or(|at| now.saturating_duration_since(at) >= SAY_EVERY);
        if due {
            (self.count, self.at) = (total, Some(now));
        }
        due
    }
}

/// One format of a stream.
struct Track {
    format: Format,
    lane: usize,
    outlet: Outlet,
    sink: Option<Sink>,
    /// Pieces that came with the last beat, and before.
    fresh: u64,
    pieces: u64,
}

/// Where a track leaves the stream.
enum Outlet {
    /// To listeners who stay.
    Flow { container: Box<dyn Container>, backlog: Backlog, burst: usize },
    /// To whoever asks for the next piece.
    Segments(Box<Hls>),
}

impl Lane {
    /// Encodes; a defect in a codec must not take the other streams of this thread along.
    fn encode(&mut self, pcm: &[i16], last: bool) {
        self.frames.clear();
        let (encoder, frames) = (&mut self.encoder, &mut self.frames);
        let encoded =
            catch_unwind(AssertUnwindSafe(|| if last { encoder.finish(frames) } else { encoder.push(pcm, frames) }));
        if encoded.is_err() {
            self.encoder = self.codec.encoder();
            self.frames.clear();
            self.failures += 1;
        }
        self.failures += self.frames.stand_ins() as u64;
    }
}

impl Track {
    /// Wraps and appends, and records.
    fn take(&mut self, frames: &Frames, last: bool, wrapped: &mut Wrapped, statistics: &Statistics) {
        self.fresh = match &mut self.outlet {
            Outlet::Flow { container, backlog, .. } => {
                wrapped.clear();
                container::wrap_all(container.as_mut(), frames, wrapped);
                if last {
                    container.finish(wrapped);
                }
                backlog.append(&wrapped.octets, &wrapped.entries);
                wrapped.pieces
            }
            Outlet::Segments(hls) => {
                if hls.take(frames) > 0 {
                    statistics.estimated(self.format, hls.listeners());
                }
                if last {
                    hls.finish();
                }
                0
            }
        };
        self.pieces += self.fresh;
        if let Some(sink) = self.sink.as_mut().filter(|_| !frames.is_empty()) {
            sink.push(frames.octets());
        }
    }
}

impl Stream {
    /// With no format yet.
    pub(crate) fn new(plan: Plan) -> Self {
        Stream {
            port: plan.port,
            event: plan.event,
            title: plan.title,
            formats: Vec::new(),
            statistics: plan.statistics,
            start_ms: plan.start_ms,
            title_version: 0,
            lanes: Vec::new(),
            tracks: Vec::new(),
            feed: plan.feed,
            ended: false,
            said_dropped: Said::default(),
            pcm: Vec::new(),
            wrapped: Wrapped::default(),
        }
    }

    /// Adds a format before the first beat; `encoder` makes one if there is none of its codec yet.
    pub(crate) fn add(
        &mut self,
        format: Format,
        settings: &Settings,
        sink: Option<Sink>,
        encoder: impl FnOnce(Codec) -> Box<dyn Encoder>,
    ) {
        let codec = format.codec();
        let lane = self.lanes.iter().position(|lane| lane.codec == codec).unwrap_or_else(|| {
            let (encoder, frames) = (encoder(codec), Frames::default());
            self.lanes.push(Lane { codec, encoder, frames, failures: 0, said: Said::default() });
            self.lanes.len() - 1
        });
        let outlet = match container::of_format(format, self.start_ms) {
            Some(container) => {
                let share = |octets: usize| octets * format.kbit_s() as usize / Format::Mp3.kbit_s() as usize;
                let burst = match format {
                    Format::Mp3 => settings.burst_bytes,
                    Format::Pcmu => PCMU_BURST,
                    Format::Ogg => OGG_BURST,
                    // From the newest cluster: a browser that has more would only be later.
                    Format::Webm | Format::Hls => 1,
                };
                Outlet::Flow { container, backlog: Backlog::new(share(settings.backlog_bytes)), burst }
            }
            None => Outlet::Segments(Box::new(Hls::new(&self.event, self.start_ms))),
        };
        self.formats.push(format);
        self.tracks.push(Track { format, lane, outlet, sink, fresh: 0, pieces: 0 });
    }

    /// Encodes what has come; answers whether there is anything new for listeners.
    pub(crate) fn beat(&mut self, now: Instant, report: &Reporter) -> bool {
        if self.ended {
            return false;
        }
        let drawn = self.feed.draw(now, &mut self.pcm);
        self.statistics.silence_samples.fetch_add(drawn.silence, Relaxed);
        if let Some(samples) = drawn.back_after {
            let (port, event, silence_ms) = (self.port, self.event.clone(), samples / 8);
            report.say(CastEvent::StreamWasDry { port, event, silence_ms });
        }
        self.encode(false);
        self.say_trouble(now, report);
        self.tracks.iter().any(|track| track.fresh > 0)
    }

    /// Encodes what is left and ends: recordings are closed, listeners may fetch the rest.
    pub(crate) fn finish(&mut self, now: Instant, report: &Reporter) {
        if self.ended {
            return;
        }
        self.feed.drain(&mut self.pcm);
        self.encode(false);
        self.pcm.clear();
        self.encode(true);
        self.say_trouble(now, report);
        self.ended = true;
        self.tracks.iter_mut().for_each(|track| track.sink = None);
        self.statistics.estimated(Format::Hls, 0);
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

    /// What a listener of this format sees; none of one that is fetched in pieces.
    pub(crate) fn scene(&self, format: usize) -> Option<Scene<'_>> {
        let Outlet::Flow { backlog, .. } = &self.tracks.get(format)?.outlet else { return None };
        Some(Scene {
            backlog,
            title: if self.title.is_empty() { &self.event } else { &self.title },
            title_version: self.title_version,
            ended: self.ended,
        })
    }

    /// Where a new listener of this format begins, and what he gets before.
    pub(crate) fn entry(&self, format: usize) -> Option<(u64, &[u8])> {
        let Outlet::Flow { container, backlog, burst } = &self.tracks.get(format)?.outlet else { return None };
        Some((backlog.entry(*burst), container.prelude()))
    }

    /// Pieces of this format that are new since the last beat, and all there ever were.
    pub(crate) fn pieces(&self, format: usize) -> (u64, u64) {
        self.tracks.get(format).map_or((0, 0), |track| (track.fresh, track.pieces))
    }

    /// Its segments, if it is cast in segments.
    pub(crate) fn hls(&self) -> Option<&Hls> {
        self.tracks.iter().find_map(|track| match &track.outlet {
            Outlet::Segments(hls) => Some(hls.as_ref()),
            Outlet::Flow { .. } => None,
        })
    }

    /// Somebody fetches a segment.
    pub(crate) fn fetched(&mut self, number: u64) {
        for track in &mut self.tracks {
            if let Outlet::Segments(hls) = &mut track.outlet {
                hls.fetched(number);
            }
        }
    }

    /// Takes the segments out of a stream that has ended: they are wanted for longer than it.
    pub(crate) fn take_hls(&mut self) -> Option<Box<Hls>> {
        let place = self.tracks.iter().position(|track| matches!(track.outlet, Outlet::Segments(_)))?;
        // Listeners know their track by its place: something has to keep it.
        let empty = Outlet::Segments(Box::new(Hls::new(&self.event, self.start_ms)));
        match std::mem::replace(&mut self.tracks[place].outlet, empty) {
            Outlet::Segments(hls) => Some(hls),
            Outlet::Flow { .. } => None,
        }
    }

    fn encode(&mut self, last: bool) {
        for lane in &mut self.lanes {
            lane.encode(&self.pcm, last);
        }
        for track in &mut self.tracks {
            track.take(&self.lanes[track.lane].frames, last, &mut self.wrapped, &self.statistics);
        }
        if let Some(first) = self.lanes.first() {
            self.statistics.frames.fetch_add(first.frames.len() as u64, Relaxed);
        }
    }

    fn say_trouble(&mut self, now: Instant, report: &Reporter) {
        let (port, event) = (self.port, &self.event);
        let total = self.statistics.dropped.load(Relaxed);
        if self.said_dropped.is_due(now, total) {
            report.say(CastEvent::ListenersDropped { port, event: event.clone(), total });
        }
        for lane in &mut self.lanes {
            if lane.said.is_due(now, lane.failures) {
                let (codec, total) = (lane.codec, lane.failures);
                report.say(CastEvent::EncoderFailed { port, event: event.clone(), codec, total });
            }
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
        fn push(&mut self, pcm: &[i16], out: &mut Frames) {
            assert!(!pcm.contains(&13), "this is meant to happen in this test");
            self.0.push(pcm, out);
        }
        fn finish(&mut self, out: &mut Frames) {
            self.0.finish(out);
        }
        fn frame_ms(&self) -> u32 {
            self.0.frame_ms()
        }
    }

    fn stream(samples: rtrb::Consumer<i16>, now: Instant, formats: &[Format]) -> Stream {
        let mut stream = Stream::new(Plan {
            port: 10_000,
            event: "1".to_owned(),
            title: String::new(),
            start_ms: 5000,
            feed: Feed::new(samples, Duration::from_secs(1), now),
            statistics: Arc::default(),
        });
        for &format in formats {
            stream.add(format, &Settings::default(), None, |codec| match codec {
                Codec::Mp3 => Box::new(Superstitious(Mp3::new())),
                other => other.encoder(),
            });
        }
        stream
    }

    fn length(stream: &Stream, format: usize) -> u64 {
        stream.scene(format).unwrap().backlog.end()
    }

    #[test]
    fn a_failing_encoder_is_replaced_and_its_neighbour_does_not_notice() {
        let (mut ring, samples) = rtrb::RingBuffer::new(8000);
        let (tx, events) = crossbeam_channel::unbounded();
        let (report, now) = (Reporter::new(tx), Instant::now());
        let mut stream = stream(samples, now, &[Format::Mp3, Format::Pcmu]);
        let mut speak = |value: i16, stream: &mut Stream| {
            ring.push_entire_slice(&[value; 1920]).unwrap();
            assert!(stream.beat(now, &report));
            [stream.pieces(0).0, stream.pieces(1).0]
        };
        assert_eq!(speak(5, &mut stream), [10, 12]);
        assert_eq!(speak(13, &mut stream), [0, 12]);
        assert_eq!(speak(13, &mut stream), [10, 12]);
        let failed = CastEvent::EncoderFailed { port: 10_000, event: "1".into(), codec: Codec::Mp3, total: 1 };
        assert_eq!(events.try_iter().collect::<Vec<_>>(), [failed]);
        stream.finish(now, &report);
        assert_eq!((length(&stream, 0), length(&stream, 1)), (23 * FRAME as u64, 36 * 160));
        // Finishing is final: samples that come late change nothing.
        ring.push_entire_slice(&[5; 1920]).unwrap();
        assert!(!stream.beat(now, &report));
        stream.finish(now, &report);
        assert_eq!(events.len(), 1);
    }

    /// As often as it happens, it is said once a second.
    #[test]
    fn an_encoder_that_fails_again_and_again_does_not_flood_the_log() {
        let (mut ring, samples) = rtrb::RingBuffer::new(8000);
        let (tx, events) = crossbeam_channel::unbounded();
        let (report, t0) = (Reporter::new(tx), Instant::now());
        let mut stream = stream(samples, t0, &[Format::Mp3]);
        for beat in 0..150 {
            // A new encoder of the usual kind does not mind: the weak one is put back.
            stream.lanes[0].encoder = Box::new(Superstitious(Mp3::new()));
            ring.push_entire_slice(&[13; 80]).unwrap();
            stream.beat(t0 + Duration::from_millis(10) * beat, &report);
        }
        let totals: Vec<u64> = events
            .try_iter()
            .map(|event| match event {
                CastEvent::EncoderFailed { total, .. } => total,
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(totals, [1, 101]);
    }

    #[test]
    fn one_encoder_serves_three_wrappings() {
        let (mut ring, samples) = rtrb::RingBuffer::new(16_000);
        let (tx, _events) = crossbeam_channel::unbounded();
        let (report, now) = (Reporter::new(tx), Instant::now());
        let mut stream = stream(samples, now, &[Format::Webm, Format::Ogg, Format::Hls, Format::Pcmu]);
        assert_eq!(stream.lanes.len(), 2);
        ring.push_entire_slice(&[1000; 16_000]).unwrap();
        for _ in 0..4 {
            stream.beat(now, &report);
        }
        assert_eq!(stream.statistics.read().frames, 100);
        assert_eq!([0, 1, 3].map(|format| stream.pieces(format).1), [100, 9, 100]);
        assert!(stream.hls().unwrap().playlist().is_some() && stream.scene(2).is_none());
        stream.finish(now, &report);
        assert!(stream.take_hls().unwrap().playlist().unwrap().ends_with("#EXT-X-ENDLIST\n"));
    }

    #[test]
    fn a_title_changes_for_those_who_listen() {
        let (_ring, samples) = rtrb::RingBuffer::new(8);
        let mut stream = stream(samples, Instant::now(), &[Format::Mp3]);
        let told = |stream: &Stream| stream.scene(0).map(|s| (s.title.to_owned(), s.title_version)).unwrap();
        assert_eq!(told(&stream), ("1".to_owned(), 0));
        stream.set_title("Questions".to_owned());
        assert_eq!(told(&stream), ("Questions".to_owned(), 1));
        let mut playback = Playback::new(Vec::new(), 0, true);
        assert_eq!(playback.pump(&mut Vec::new(), stream.scene(0).unwrap()), (Pumped::CaughtUp, 0));
    }
}
